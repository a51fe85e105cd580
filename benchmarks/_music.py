"""What the benchmarks of the composed corpus share: drawing clips, processes, features, splits and tables.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import scipy.fft
import threadpoolctl
from scipy import ndimage, stats

AXES = ("valence", "energy", "danceability")
RATE = 22_050
FRAME, HOP, BANDS = 2048, 512, 128
FLOOR_DB = -80.0
REAL_RATE, TOP = 44_100, 11_025.0  # of the FMA clips, and the highest frequency that both sides have
_FIRST = 500_000_000  # albums and pieces of the benchmarks are numbered from here, far from those of the built corpora
_STRIDE = 1_000_000   # and from those of another --seed


def one_thread() -> None:
    """Keep the linear algebra of this process, and of those it forks, to one thread: more would crowd each other."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # for libraries that are loaded later
    threadpoolctl.threadpool_limits(1)


def draw(genres: Iterable[str], albums: int, tracks: int, seed: int = 0) -> list[tuple[str, int, int]]:
    """(genre, album, seed of the piece) of `albums` albums of `tracks` pieces a genre; no album is in two genres."""
    first, drawn = _FIRST + seed * _STRIDE, []
    for genre in genres:
        for _ in range(albums):
            drawn += [(genre, first + len(drawn), first + len(drawn) + track) for track in range(tracks)]
    return drawn


def spread(function: Callable, items: list, jobs: int, what: str = "") -> list:
    """`[function(item) for item in items]` in `jobs` forked processes; `what` is shown with the count while it runs."""
    found, begin = [], time.perf_counter()
    step = max(1, len(items) // (50 if sys.stderr.isatty() else 4))
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for value in pool.imap(function, items, chunksize=max(1, min(4, len(items) // (4 * jobs)))):
            found.append(value)
            if what and (len(found) % step == 0 or len(found) == len(items)):
                print(f"{what}: {len(found)} of {len(items)}, {time.perf_counter() - begin:.0f} s", file=sys.stderr,
                      end="\r" if sys.stderr.isatty() and len(found) < len(items) else "\n", flush=True)
    return found


# --- pictures -------------------------------------------------------------------------------------------------------

def power_frames(audio: np.ndarray, frame: int, starts: np.ndarray) -> np.ndarray:
    """Power spectra (frame // 2 + 1, T) of Hann-windowed frames centred on the samples `starts` of (n,) audio."""
    padded = np.pad(np.asarray(audio, np.float32), frame // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, frame)[starts]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)
    spectrum = scipy.fft.rfft(windows * hann, axis=1)
    return (spectrum.real ** 2 + spectrum.imag ** 2).T


def decibels(power: np.ndarray) -> np.ndarray:
    """dB below the loudest cell, cut at -80, as librosa.power_to_db(power, ref=np.max)."""
    found = 10 * np.log10(np.maximum(power, 1e-10))
    found -= 10 * np.log10(max(float(power.max()), 1e-10))
    return np.maximum(found, found.max() + FLOOR_DB)


@cache
def _filters() -> tuple[np.ndarray, np.ndarray]:
    import librosa

    return (librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=BANDS),
            librosa.filters.chroma(sr=RATE, n_fft=FRAME).astype(np.float32))


def mel_and_chroma(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lab's mel spectrogram (128, T) in dB, and a plain chromagram (12, T) of the same frames, each <= 1."""
    power = power_frames(audio, FRAME, np.arange(0, len(audio) + 1, HOP))
    mel, chroma = (bank @ power for bank in _filters())
    return decibels(mel), chroma / np.maximum(chroma.max(axis=0), 1e-10)


def summary(picture: np.ndarray) -> np.ndarray:
    """(3 F,): mean, standard deviation and mean absolute frame-to-frame difference of the rows of (F, T)."""
    return np.concatenate([picture.mean(axis=1), picture.std(axis=1), np.abs(np.diff(picture, axis=1)).mean(axis=1)])


# --- the picture that composed and real clips have in common ---------------------------------------------------------

def bands() -> tuple[np.ndarray, np.ndarray]:
    """Centres and widths in Hz of the mel bands of 44.1 kHz whose upper edge lies below 11 025 Hz."""
    import librosa

    edges = librosa.mel_frequencies(BANDS + 2, fmin=0, fmax=REAL_RATE / 2)
    count = int(np.sum(edges[2:] < TOP))
    return edges[1:count + 1], (edges[2:] - edges[:-2])[:count] / 2


CENTRES, WIDTHS = bands()


def cut(stored: np.ndarray) -> np.ndarray:
    """(..., bands, T) uint8 as FMA's pictures are stored, to dB below the loudest cell up to 11 025 Hz, from -80."""
    found = (1 - stored[..., :len(CENTRES), :].astype(np.float32) / 255) * FLOOR_DB
    return np.maximum(found - found.max(axis=(-2, -1), keepdims=True), FLOOR_DB)


def picture(audio: np.ndarray) -> np.ndarray:
    """The same of a sound (n,) at 22 050 Hz: all frames are made and stored as FMA's are, then 128 are taken."""
    import librosa

    bank = librosa.filters.mel(sr=REAL_RATE, n_fft=FRAME, n_mels=BANDS)[:len(CENTRES), :FRAME // 4 + 1]
    # Half the frame and half the hop at half the rate: the same seconds and the same Hz as at 44.1 kHz.
    mel = decibels(bank @ power_frames(audio, FRAME // 2, np.arange(0, len(audio) + 1, HOP // 2)))
    stored = np.round((mel - FLOOR_DB) / -FLOOR_DB * 255).astype(np.uint8)
    return cut(stored[:, np.arange(128) * stored.shape[1] // 128])


_WITHIN = (CENTRES > 100) & (CENTRES < 8000)
_OCTAVE = np.log2(CENTRES[_WITHIN] / 1000)


def describe(decibel: np.ndarray) -> dict[str, float]:
    """The numbers that are compared, of one picture (bands, 128)."""
    density = 10 ** (decibel.astype(float) / 10)       # mel filters of equal area: power a hertz
    power = density * WIDTHS[:, None]
    level = 10 * np.log10(power.sum(axis=0) + 1e-9)
    heard = level > level.max() - 50                   # silent frames have no centroid
    share = power[:, heard] / power[:, heard].sum(axis=0)
    centroid = CENTRES @ share
    width = np.sqrt(np.maximum((CENTRES ** 2) @ share - centroid ** 2, 0))
    flat = decibel[_WITHIN][:, heard].mean(axis=0) - 10 * np.log10(density[_WITHIN][:, heard].mean(axis=0))
    mean = 10 * np.log10(density[_WITHIN].mean(axis=1))
    slope, offset = np.polyfit(_OCTAVE, mean, 1)
    lasting = ndimage.median_filter(decibel, (1, 17))
    struck = ndimage.median_filter(decibel, (17, 1))
    harmonic, percussive = power[lasting > struck].sum(), power[lasting <= struck].sum()
    low, middle, high = (10 * np.log10(power[part].sum() + 1e-9) for part in
                         (CENTRES < 150, (CENTRES > 500) & (CENTRES < 2000), CENTRES > 5000))
    return {
        "centroid, octaves above 1 kHz": float(np.log2(np.median(centroid) / 1000)),
        "bandwidth, Hz": float(np.median(width)),
        "flatness, dB": float(np.median(flat)),
        "slope, dB an octave": float(slope),
        "bumps around the slope, dB": float(np.std(mean - offset - slope * _OCTAVE)),
        "below 150 Hz against middle, dB": float(low - middle),
        "above 5 kHz against middle, dB": float(high - middle),
        "dynamic range, dB": float(np.subtract(*np.percentile(level, [95, 5]))),
        "mean of the cells, dB": float(decibel.mean()),
        "deviation a band, dB": float(decibel.std(axis=1).mean()),
        "change a frame, dB": float(np.abs(np.diff(decibel, axis=1)).mean()),
        "neighbouring bands, difference, dB": float(np.abs(np.diff(decibel, axis=0)).mean()),
        "harmonic to percussive, dB": float(10 * np.log10((harmonic + 1e-9) / (percussive + 1e-9))),
    }


# --- scores ---------------------------------------------------------------------------------------------------------

def half_interval(values: np.ndarray, held: float = 0.2) -> float:
    """Half of the 95 % interval of the mean over random splits, after Nadeau and Bengio (2003).

    values: one score a split, (R,); held: the share that each split holds out.
    """
    variance = (1 / len(values) + held / (1 - held)) * np.var(values, ddof=1)
    return float(np.sqrt(variance) * stats.t.ppf(0.975, len(values) - 1))


def spearman(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(stats.spearmanr(found, wanted).statistic)


def linear(strength: float):
    """A linear classifier on standardised features; `strength` is scikit-learn's C, smaller = more regular."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))


def ridge():
    """Linear regression on standardised features; its penalty is chosen within what it is fitted on."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(1, 5, 9)))


def balanced(right: np.ndarray, wanted: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Mean recall of the classes, and its 95 % interval from a bootstrap of whole groups."""
    names, group = np.unique(groups, return_inverse=True)
    classes = np.unique(wanted, return_inverse=True)[1]
    hits, counts = (np.zeros((len(names), classes.max() + 1)) for _ in range(2))
    np.add.at(hits, (group, classes), right)
    np.add.at(counts, (group, classes), 1)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), 1000)
    with np.errstate(invalid="ignore"):  # a class of which nothing was drawn has no recall
        recall = np.nanmean((drawn @ hits) / (drawn @ counts), axis=1)
    low, high = np.percentile(recall, [2.5, 97.5])
    return float((hits.sum(axis=0) / counts.sum(axis=0)).mean()), float(low), float(high)


def by_group(values: np.ndarray, genre: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """What each clip is taken for by a model that saw no clip of its group."""
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    return cross_val_predict(linear(0.01), values, genre, groups=groups, cv=folds)


# --- what is printed and kept ----------------------------------------------------------------------------------------

class Report:
    """Prints sections, tables and criteria; remembers the tables and facts that `save` keeps for the book."""

    def __init__(self) -> None:
        self.tables: list[tuple[str, list[dict]]] = []
        self.facts: dict[str, float] = {}
        self.criteria: list[dict] = []

    def section(self, text: str) -> None:
        print(f"\n{text}\n{'-' * len(text)}")

    def table(self, title: str, rows: list[dict], keep: bool = True) -> None:
        """rows: dicts from column to text or number, the columns alike; the first column names the row."""
        cells = [list(rows[0]), *([f"{value}" for value in row.values()] for row in rows)]
        widths = [max(len(line[place]) for line in cells) for place in range(len(cells[0]))]
        print(f"\n{title}")
        for line in cells:
            print(line[0].ljust(widths[0]) + "".join(f"  {cell:>{width}}"
                                                     for cell, width in zip(line[1:], widths[1:], strict=True)))
        if keep:
            self.tables.append((title, rows))

    def check(self, is_met: bool, text: str) -> None:
        """A stated criterion: printed with PASS or FAIL, and counted for the exit code."""
        self.criteria.append({"criterion": text, "met": "yes" if is_met else "no"})
        print(f"{'PASS' if is_met else 'FAIL'}  {text}")

    def end(self, name: str = "") -> int:
        """The exit code; with a name, the tables are kept in results/benchmarks/<name>.json."""
        failed = [row["criterion"] for row in self.criteria if row["met"] == "no"]
        self.section(f"{len(self.criteria) - len(failed)} of {len(self.criteria)} criteria are met")
        for text in failed:
            print("FAIL ", text)
        if name:
            from labkit.bookbuild.graph import Project
            from labkit.bookbuild.results import save_benchmark

            file = save_benchmark(Project(Path(__file__).resolve().parent.parent), name,
                                  [*self.tables, ("Criteria", self.criteria)], self.facts)
            print(f"written: {file}")
        return 1 if failed else 0


def calibrated(genres: Iterable[str], report: Report) -> bool:
    """Check that the labels' calibration belongs to the styles as they are: else each process would measure it."""
    from labkit.corpus import find_style
    from labkit.corpus.affect import is_calibrated

    old = [name for name in genres if not is_calibrated(find_style(name))]
    report.check(not old, "the affect labels are calibrated for the styles and the composer as they are" + (
        f": not {len(old)}, of them {old[0]}. Run `python -m labkit data calibrate`; left out here" if old else ""))
    return not old
