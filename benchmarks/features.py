"""Features: the course's way, plain librosa, ours and the floor, in one run on the same sounds.

    python benchmarks/features.py [--audio FOLDER] [--pieces 1] [--save]

Times are processor time of one core, one thread, of 30 s of sound; the ways take turns on each piece, and the median
over the pieces is shown. Errors are against the plain calls of librosa in `labkit/features/course.py`.
"""

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import librosa
import numpy as np
import scipy.fft
import torch
from _music import Report, draw, one_thread

from labkit.corpus import GENRES, compose, render
from labkit.features import HOP, Features, extract, read_audio
from labkit.features.chroma import STEPS, constant_q_chroma, spectral_chroma, tuning_of
from labkit.features.course import plain_features
from labkit.features.rhythm import beats_of, onset_envelope, percussive_sound
from labkit.features.spectrum import magnitude_of, mel_power_of, stft, window
from labkit.profiles import SAMPLE_RATE

SECONDS = 30.0
NEAR = 0.07  # seconds within which two beats are the same, as in the evaluations of MIREX
FIRST_CLIP = """
import sys, time; begin = time.perf_counter()
import numpy as np
from labkit.features import extract
extract(np.random.default_rng(0).normal(size=30 * 22050).astype(np.float32), sys.argv[1])
print(time.perf_counter() - begin)
"""


def seconds_of(function: Callable, *arguments) -> tuple[float, object]:
    """Processor time of one call, and what it returns."""
    begin = time.process_time()
    found = function(*arguments)
    return time.process_time() - begin, found


def agreement(found: np.ndarray, true: np.ndarray) -> float:
    """F-measure of two lists of beats in seconds: the harmonic mean of the shares that have a partner."""
    if len(found) == 0 or len(true) == 0:
        return 0.0
    distances = np.abs(np.subtract.outer(found, true))
    share = [float(np.mean(distances.min(axis=axis) <= NEAR)) for axis in (0, 1)]
    return 2 * share[0] * share[1] / sum(share) if sum(share) else 0.0


def whole(sounds: list[np.ndarray], report: Report) -> None:
    """All features of a clip: four ways and two floors."""
    ways = {"the course's way": lambda audio: plain_features(audio, "exact"),
            "exact reading": lambda audio: extract(audio, "exact"),
            "plain librosa for the fast reading": lambda audio: plain_features(audio, "fast"),
            "fast reading": lambda audio: extract(audio, "fast"),
            "floor: one Fourier transform": frames_transformed,
            "floor: a copy of the arrays": lambda audio: np.empty((140, 1 + len(audio) // HOP)).copy()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for function in ways.values():
        function(sounds[0])
    for audio in sounds:
        for name, function in ways.items():
            times[name].append(seconds_of(function, audio)[0])
    typical = {name: float(np.median(values)) for name, values in times.items()}
    course, plain = typical["the course's way"], typical["plain librosa for the fast reading"]
    report.table(f"All features of {SECONDS:.0f} s of sound, one core, median of {len(sounds)} pieces",
                 [{"way": name, "ms": f"{1000 * value:.1f}", "clips/s": f"{1 / value:.1f}",
                   "times the course's way": f"{course / value:.1f}"} for name, value in typical.items()])
    ratios = {"exact": course / typical["exact reading"], "fast": course / typical["fast reading"],
              "fast to plain": plain / typical["fast reading"]}
    report.facts |= {"course_ms": 1000 * course, "exact_ms": 1000 * typical["exact reading"],
                     "fast_ms": 1000 * typical["fast reading"], "exact_times_course": ratios["exact"],
                     "fast_times_course": ratios["fast"], "fast_times_plain": ratios["fast to plain"]}
    report.check(ratios["exact"] >= 5, f"exact reading at least 5 times the course's way ({ratios['exact']:.1f})")
    report.check(ratios["exact"] >= 15, f"the aim: 15 times the course's way ({ratios['exact']:.1f})")
    report.check(ratios["fast"] >= 10, f"fast reading at least 10 times the course's way ({ratios['fast']:.1f})")
    report.check(ratios["fast to plain"] >= 4,
                 f"fast reading at least 4 times plain librosa ({ratios['fast to plain']:.1f})")


def frames_transformed(audio: np.ndarray) -> np.ndarray:
    """Only the Fourier transforms, of frames that lie there ready."""
    return scipy.fft.rfft(np.lib.stride_tricks.sliding_window_view(audio, 2048)[::HOP], axis=1)


def parts(audio: np.ndarray, report: Report, repeats: int = 7) -> None:
    """Where the time goes: each part by librosa and by us."""
    sound, shape = torch.from_numpy(audio), torch.hann_window(2048)
    spectrum = stft(audio, shape=window())
    magnitude = magnitude_of(spectrum)
    power = mel_power_of(spectrum)
    envelope = onset_envelope(power)
    pairs = {
        "Fourier transform (scipy)": (lambda: librosa.stft(audio), lambda: stft(audio, shape=window())),
        "Fourier transform (torch)": (lambda: librosa.stft(audio), lambda: torch.stft(
            sound, 2048, HOP, window=shape, return_complex=True, pad_mode="constant")),
        "mel power": (lambda: librosa.feature.melspectrogram(S=np.abs(spectrum.T) ** 2),
                      lambda: mel_power_of(spectrum)),
        "tuning": (lambda: librosa.estimate_tuning(S=magnitude.T, bins_per_octave=STEPS),
                   lambda: tuning_of(magnitude, STEPS)),
        "constant-Q chroma": (lambda: librosa.feature.chroma_cqt(y=audio, tuning=0.0),
                              lambda: constant_q_chroma(audio, 0.0, len(spectrum))),
        "spectral chroma": (lambda: librosa.feature.chroma_stft(S=magnitude.T ** 2),
                            lambda: spectral_chroma(magnitude ** 2)),
        "percussive part": (lambda: librosa.effects.hpss(audio), lambda: percussive_sound(spectrum, len(audio))),
        "onsets": (lambda: librosa.onset.onset_strength(S=librosa.power_to_db(power.T), aggregate=np.median),
                   lambda: onset_envelope(power)),
        "tempo and beats": (lambda: librosa.beat.beat_track(onset_envelope=envelope), lambda: beats_of(envelope)),
    }
    rows = []
    for name, both in pairs.items():
        times = [[seconds_of(way)[0] for way in both] for _ in range(repeats + 1)][1:]
        theirs, ours = np.median(times, axis=0)
        rows.append({"part": name, "librosa (ms)": f"{1000 * theirs:.1f}", "here (ms)": f"{1000 * ours:.1f}",
                     "ratio": f"{theirs / ours:.1f}"})
    report.table(f"Where the time goes, median of {repeats} calls on one piece", rows)


def errors(kinds: dict[str, list[np.ndarray]], report: Report) -> None:
    """The largest differences from librosa, for both readings."""
    rows = []
    for kind, sounds in kinds.items():
        for reading in ("exact", "fast"):
            mel, chroma, largest, same = [], [], [], []
            for audio in sounds:
                expected, found = plain_features(audio, reading), extract(audio, reading)
                mel.append(np.abs(found.mel - expected["mel"]).max())
                apart = np.abs(found.chroma - expected["chroma"])
                chroma.append(np.median(apart))
                largest.append(apart.max())
                same.append(np.array_equal(found.beats, expected["beats"]))
            rows.append({"sounds": f"{len(sounds)} {kind}, {reading}", "mel, largest (dB)": f"{max(mel):.1e}",
                         "chroma, median": f"{max(chroma):.1e}", "chroma, largest": f"{max(largest):.1e}",
                         "same beats": f"{np.mean(same):.0%}"})
            report.check(max(mel) < 1e-3 and max(chroma) < 1e-3 and np.mean(same) >= 0.95,
                         f"{kind}, {reading}: mel within 1e-3 dB, chroma within 1e-3 in the median, the same beats on "
                         "at least 95 %")
            report.facts[f"{kind}_{reading}_same_beats".replace(" ", "_")] = float(np.mean(same))
    report.table("How far from librosa, the worst of all sounds", rows)


def differences(pieces: list, sounds: list[np.ndarray], report: Report) -> None:
    """What the fast reading gives up: chroma and beats against the exact reading and against the score."""
    rows: dict[str, list[float]] = {}
    for piece, audio in zip(pieces, sounds, strict=True):
        readings: dict[str, Features] = {name: extract(audio, name) for name in ("exact", "fast")}
        exact, fast = readings.values()
        true = np.asarray(piece.beats)
        rows.setdefault("chroma: correlation with the exact reading", []).append(
            float(np.corrcoef(exact.chroma.ravel(), fast.chroma.ravel())[0, 1]))
        rows.setdefault("beats: agreement with the exact reading (F)", []).append(
            agreement(fast.beats * HOP / SAMPLE_RATE, exact.beats * HOP / SAMPLE_RATE))
        for name, one in readings.items():
            rows.setdefault(f"beats: agreement of the {name} reading with the score (F)", []).append(
                agreement(one.beats * HOP / SAMPLE_RATE, true))
    report.table(f"What differs between the readings, {len(pieces)} composed pieces; the mel spectrograms are equal",
                 [{"measure": name, "median": f"{np.median(values):.2f}", "lowest": f"{min(values):.2f}",
                   "highest": f"{max(values):.2f}"} for name, values in rows.items()])
    report.facts |= {"fast_chroma_correlation": float(np.median(rows["chroma: correlation with the exact reading"]))}


def first_clip(report: Report) -> None:
    """The first clip of a new process, imports and the loading of compiled code included, after the set-up."""
    rows = []
    for reading in ("exact", "fast"):
        times = [float(subprocess.run([sys.executable, "-c", FIRST_CLIP, reading], check=True, capture_output=True,
                                      text=True).stdout) for _ in range(6)][1:]
        rows.append({"reading": reading, "first clip of a new process (s)": f"{np.median(times):.1f}"})
        report.facts[f"first_clip_{reading}_s"] = float(np.median(times))
        report.check(np.median(times) < 10, f"no compiling after the set-up: first clip, {reading}, below 10 s "
                     f"({np.median(times):.1f})")
    report.table("A new process, median of 5", rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audio", type=Path, help="a folder of recordings, compared as well")
    parser.add_argument("--pieces", type=int, default=1, help="composed pieces a genre")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    one_thread()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    report = Report()
    pieces = [compose(genre, seed, SECONDS, album) for genre, album, seed in draw(GENRES, 1, options.pieces)]
    sounds = [render(piece) for piece in pieces]
    recordings = [read_audio(file, SECONDS) for file in sorted(options.audio.iterdir())] if options.audio else []
    whole(sounds + recordings, report)
    parts(sounds[0], report)
    errors({"composed pieces": sounds} | ({"recordings": recordings} if recordings else {}), report)
    differences(pieces, sounds, report)
    first_clip(report)
    return report.end("features" if options.save else "")


if __name__ == "__main__":
    sys.exit(main())
