"""Composed music against real: distributions side by side, and classifiers that learn from one and judge the other.

    python benchmarks/realism.py --fma fma_small_mel.npz [--clips 60] [--audio FOLDER] [--pictures FOLDER]
                                 [--keep FILE.npz] [--jobs 2] [--seed 0] [--save]

Both sides become the same picture: single frames of 46 ms, 128 in 30 s, mel bands up to 11 025 Hz, dB below the loudest
cell, cut at -80 dB. Every number below is computed from these pictures by the same code on both sides.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from _music import (
    AXES,
    RATE,
    Report,
    balanced,
    by_group,
    calibrated,
    cut,
    describe,
    draw,
    linear,
    mel_and_chroma,
    one_thread,
    picture,
    ridge,
    spearman,
    spread,
    summary,
)
from scipy import stats

from labkit.corpus import GENRES, affect, compose, render

SHARED = ("Electronic", "Folk", "Hip-Hop", "International", "Pop", "Rock")
SECONDS = 30.0
TRACKS = 4        # pieces a composed album
WELL_ABOVE = 1.5  # times chance
DESCRIBED = 250   # real clips a genre, evenly taken, whose distributions are compared
FIRST = "mean + deviation + |difference|"
OWN = f"{FIRST}; each side on its own"
LIMITS = """A part of the FMA clips have 48 kHz: their bands lie 9 % higher than assumed here, and no list says which.
128 frames in 30 s are 4.3 a second: they hold neither tempo nor onset rate. In their place stand the change from frame
to frame, which grows with both, and a harmonic-to-percussive ratio by median filters of 17 frames (4 s) and 17 bands,
which parts what lasts for seconds from what does not, and no more."""


def composed_clip(item: tuple[str, int, int]) -> tuple[np.ndarray, float]:
    """Picture and tempo of one composed clip."""
    genre, album, seed = item
    piece = compose(genre, seed, SECONDS, album=album)
    return picture(render(piece)), piece.tempo


def label(item: tuple[str, int, int]) -> list[float]:
    genre, album, seed = item
    felt = affect(compose(genre, seed, SECONDS, album=album))
    return [float(getattr(felt, axis)) for axis in AXES]


# --- side by side ---------------------------------------------------------------------------------------------------

def table_of(pictures: np.ndarray, jobs: int) -> dict[str, np.ndarray]:
    rows = spread(describe, list(pictures), jobs)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def distance(one: np.ndarray, other: np.ndarray, scale: float) -> float:
    return stats.wasserstein_distance(one, other) / scale


def compare(composed: dict, real: dict, genre: np.ndarray, real_genre: np.ndarray, shared: tuple,
            report: Report) -> None:
    """The distributions of each descriptor side by side, then all shifts and distances at one look."""
    report.section("Side by side")
    print("distance: Wasserstein, in interquartile ranges of the real genre. Compare it with the same distance between "
          "two real\ngenres (median of all pairs) and between every second clip of a real genre and the others.")
    looked, every = [], []
    for name, values in composed.items():
        inside = {one: real[name][real_genre == one] for one in shared}
        scale = {one: float(np.subtract(*np.percentile(inside[one], [75, 25]))) or 1e-9 for one in shared}
        apart = np.median([distance(inside[one], inside[other], scale[one]) for one in shared for other in shared
                           if one != other])
        halves = np.median([distance(inside[one][::2], inside[one][1::2], scale[one]) for one in shared])
        found = {one: distance(values[genre == one], inside[one], scale[one]) for one in shared}
        shift = {one: (np.median(values[genre == one]) - np.median(inside[one])) / scale[one] for one in shared}
        rows = [{"genre": one} | {
            f"{side} {share} %": f"{np.percentile(values_, share):.2f}"
            for side, values_ in (("composed", values[genre == one]), ("real", inside[one])) for share in (25, 50, 75)
        } | {"distance": f"{found[one]:.2f}"} for one in shared]
        report.table(name, rows, keep=False)
        looked.append({"descriptor": name} | {one: f"{shift[one]:+.1f} / {found[one]:.1f}" for one in shared}
                      | {"two real genres": f"{apart:.2f}", "one real genre": f"{halves:.2f}"})
        every.append([*found.values(), apart, halves])
    median = dict(zip(list(looked[0])[1:], (f"{value:.2f}" for value in np.median(every, axis=0)), strict=True))
    report.table("Shift of the median and distance of the composed clips from the real ones, in interquartile ranges "
                 "of the real genre", [*looked, {"descriptor": "median distance"} | median])
    distances = np.array(every)[:, :-2]
    report.facts |= {"median_distance": np.median(distances), "share_of_distances_above_1": np.mean(distances > 1)}
    print(f"Over all: median distance {np.median(distances):.2f}, {np.mean(distances > 1):.0%} above 1.")


# --- transfer -------------------------------------------------------------------------------------------------------

def features(pictures: np.ndarray) -> dict[str, np.ndarray]:
    """The variants of a clip's features, each (clips, features)."""
    whole = np.array([summary(one) for one in pictures])
    count = whole.shape[1] // 3
    flat = whole.copy()
    flat[:, :count] -= flat[:, :count].mean(axis=1, keepdims=True)
    return {FIRST: whole, "the same, less the clip's mean level": flat,
            "mean only, less the clip's mean level": flat[:, :count], "deviation only": whole[:, count:2 * count]}


def one_variant(name: str, composed: dict, real: dict, genre, groups, real_genre, real_groups) -> dict:
    """Accuracies of one kind of features, and what the real clips are taken for."""
    from sklearn.preprocessing import StandardScaler

    found, own = {}, name == OWN
    here, there = (side[FIRST if own else name] for side in (composed, real))
    if own:
        here, there = (StandardScaler().fit_transform(side) for side in (here, there))
    taken = linear(0.01).fit(here, genre).predict(there)
    found["composed to real"] = balanced(taken == real_genre, real_genre, real_groups)
    back = linear(0.01).fit(there, real_genre).predict(here)
    found["real to composed"] = balanced(back == genre, genre, groups)
    if not own:
        for way, (values, wanted, by) in {"real to real": (there, real_genre, real_groups),
                                          "composed to composed": (here, genre, groups)}.items():
            found[way] = balanced(by_group(values, wanted, by) == wanted, wanted, by)
    return found | {"taken": taken}


def transfer(composed: dict, real: dict, sides: tuple, shared: tuple, jobs: int, report: Report) -> None:
    genre, groups, real_genre, real_groups = sides
    report.section(f"Transfer: {len(shared)} genres, {len(genre)} composed and {len(real_genre)} real clips")
    print("\"on its own\": each side is standardised by itself, for which one must have seen the real clips without "
          "their labels.\nThe intervals speak of the clips that are tested, not of those that a model was trained on.")
    names = [*composed, OWN]
    found = spread(partial(one_variant, composed=composed, real=real, genre=genre, groups=groups,
                           real_genre=real_genre, real_groups=real_groups), names, jobs)
    ways = ("composed to real", "real to composed", "real to real", "composed to composed")
    rows = [{"features of each mel band": name} | {
        way: "{:.1f} ({:.1f} to {:.1f})".format(*(100 * value for value in row[way])) if way in row else ""
        for way in ways} for name, row in zip(names, found, strict=True)]
    report.table("Mean recall of a linear classifier in percent (95 % interval of a bootstrap over albums), other "
                 f"albums; chance {100 / len(shared):.1f}", rows)
    centre, low, _ = found[0]["composed to real"]
    report.facts |= {way.replace(" ", "_"): found[0][way][0] for way in ways}
    report.check(low > WELL_ABOVE / len(shared), f"trained on composed, tested on real: {centre:.1%}, its interval "
                 f"lies above {WELL_ABOVE:g} times chance")
    for title, row in (("features as in the first row", found[0]), ("each side on its own", found[-1])):
        report.table(f"What the real clips (rows) are taken for, percent, {title}", [
            {"real": one} | {other: f"{100 * np.mean(row['taken'][real_genre == one] == other):.0f}"
                             for other in shared} for one in shared], keep=row is found[0])


def mood_transfer(composed: np.ndarray, labels: np.ndarray, groups, real: np.ndarray, real_labels, real_groups,
                  report: Report) -> None:
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.preprocessing import StandardScaler

    model, rows = ridge(), []
    own = [StandardScaler().fit_transform(side) for side in (composed, real)]
    for axis, name in enumerate(AXES):
        straight = spearman(model.fit(composed, labels[:, axis]).predict(real), real_labels[:, axis])
        apart = spearman(model.fit(own[0], labels[:, axis]).predict(own[1]), real_labels[:, axis])
        within = [spearman(cross_val_predict(model, values, wanted[:, axis], groups=by,
                                             cv=GroupKFold(5, shuffle=True, random_state=0)), wanted[:, axis])
                  for values, wanted, by in ((real, real_labels, real_groups), (composed, labels, groups))]
        rows.append({"label": name, "composed to real": f"{straight:.2f}", "each side on its own": f"{apart:.2f}",
                     "real to real": f"{within[0]:.2f}", "composed to composed": f"{within[1]:.2f}"})
        report.facts[f"composed_to_real_{name}"] = straight
    report.table(f"Mood: Spearman's correlation of a ridge on {FIRST}, {len(composed)} composed and {len(real)} real "
                 "clips, other albums", rows)


# --- sound, tempo and pictures --------------------------------------------------------------------------------------

def tempi(tempo: np.ndarray, genre: np.ndarray, shared: tuple, report: Report) -> None:
    rows = [{"genre": one} | {f"{at} %": f"{np.percentile(tempo[genre == one], at):.0f}" for at in (5, 25, 50, 75, 95)}
            for one in shared]
    report.table("Tempo of the composed clips from their scores, beats a minute; FMA's pictures hold none", rows)


def rhythm(audio: np.ndarray) -> tuple[float, float]:
    """Onsets a second and tempo by librosa."""
    import librosa

    envelope = librosa.onset.onset_strength(y=audio, sr=RATE)
    onsets = len(librosa.onset.onset_detect(onset_envelope=envelope, sr=RATE))
    return onsets * RATE / len(audio), float(librosa.feature.tempo(onset_envelope=envelope, sr=RATE)[0])


def one_rhythm(item: tuple[str, int, int]) -> tuple[float, float]:
    genre, album, seed = item
    return rhythm(render(compose(genre, seed, SECONDS, album=album)))


def sounds(folder: Path, shared: tuple, seed: int, jobs: int, report: Report) -> None:
    from labkit.features import read_audio

    rows = []
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".ogg", ".wav", ".flac", ".mp3")):
        rate, tempo = rhythm(read_audio(path, seconds=SECONDS))
        rows.append({"sound": path.stem, "onsets a second": f"{rate:.1f}", "beats a minute": f"{tempo:.0f}"})
    found = np.array(spread(one_rhythm, draw(shared, 5, 1, seed=seed + 50), jobs)).reshape(len(shared), -1, 2)
    for one, values in zip(shared, found, strict=True):
        (low, slow), (high, fast) = values.min(axis=0), values.max(axis=0)
        rows.append({"sound": f"composed {one}, 5 clips", "onsets a second": f"{low:.1f} to {high:.1f}",
                     "beats a minute": f"{slow:.0f} to {fast:.0f}"})
    report.table("Onsets and tempo by librosa, on recordings and on composed clips: ranges, too few to compare", rows)


def draw_pictures(folder: Path, sides: list, shared: tuple, seed: int) -> None:
    """One PNG a shared genre, four composed over four real; and a sheet of one clip a genre at the full frame rate."""
    from labkit import plots

    folder.mkdir(parents=True, exist_ok=True)
    for genre in shared:
        made, axes = plots.figure(2, 4, height=2.6)
        for row, (what, pictures, names, groups) in enumerate(sides):
            place = np.flatnonzero(names == genre)
            place = place[np.unique(groups[place], return_index=True)[1]]  # each of another album
            place = np.random.default_rng(seed).permutation(place)[:4]
            for axis, index in zip(axes[row], place, strict=False):
                axis.imshow(pictures[index], origin="lower", aspect="auto", vmin=-80, vmax=0)
                axis.set(title=f"{what}, {genre}", xticks=[], yticks=[])
        made.savefig(folder / f"{genre}.png")
        plots.plt.close(made)
    made, axes = plots.figure((len(GENRES) + 3) // 4, 4, height=1.8)
    for axis, (genre, album, piece) in zip(axes.ravel(), draw(GENRES, 1, 1, seed=seed + 60), strict=False):
        mel, _ = mel_and_chroma(render(compose(genre, piece, SECONDS, album=album)))
        axis.imshow(mel, origin="lower", aspect="auto", vmin=-80, vmax=0)
        axis.set(title=genre, xticks=[], yticks=[])
    made.savefig(folder / "genres.png")
    plots.plt.close(made)
    print(f"\nPictures are in {folder}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fma", type=Path, required=True, help="fma_small_mel.npz: mel, genre, group, affect")
    parser.add_argument("--clips", type=int, default=60, help="composed clips a genre")
    parser.add_argument("--audio", type=Path, help="a folder of recordings")
    parser.add_argument("--pictures", type=Path, help="a folder for PNG files")
    parser.add_argument("--keep", type=Path, help="an .npz: composed pictures are read from it, or written to it")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0, help="another number, other pieces")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    if options.clips < 5 * TRACKS:
        parser.error(f"Folds by album need at least {5 * TRACKS} clips a genre, see --clips.")

    one_thread()
    report = Report()
    shared = tuple(name for name in SHARED if name in GENRES)
    print(LIMITS)
    with np.load(options.fma) as data:
        chosen = np.isin(data["genre"], shared)
        real_genre, real_groups, real_labels = (data[name][chosen] for name in ("genre", "group", "affect"))
        real = cut(data["mel"][chosen])
    items = draw(shared, -(-options.clips // TRACKS), TRACKS, options.seed)
    genre, groups = np.array([item[0] for item in items]), np.array([item[1] for item in items])
    if options.keep and options.keep.is_file():
        with np.load(options.keep) as data:
            pictures, tempo = data["pictures"], data["tempo"]
            if not np.array_equal(data["groups"], groups):
                sys.exit(f"{options.keep} holds other clips than these options ask for. Remove it or name another.")
    else:
        found = spread(composed_clip, items, options.jobs, "clips")
        pictures, tempo = (np.array([one[place] for one in found]) for place in (0, 1))
        if options.keep:
            np.savez_compressed(options.keep, pictures=pictures, tempo=tempo, groups=groups)

    sample = np.concatenate([place[::-(-len(place) // DESCRIBED)] for place in
                             (np.flatnonzero(real_genre == one) for one in shared)])
    compare(table_of(pictures, options.jobs), table_of(real[sample], options.jobs), genre, real_genre[sample], shared,
            report)
    tempi(tempo, genre, shared, report)
    ours, theirs = features(pictures), features(real)
    transfer(ours, theirs, (genre, groups, real_genre, real_groups), shared, options.jobs, report)
    if calibrated(shared, report):
        known = np.isfinite(real_labels).all(axis=1)
        labels = np.array(spread(label, items, options.jobs))
        mood_transfer(ours[FIRST], labels, groups, theirs[FIRST][known], real_labels[known], real_groups[known], report)
    if options.audio:
        sounds(options.audio, shared, options.seed, options.jobs, report)
    if options.pictures:
        draw_pictures(options.pictures, [("composed", pictures, genre, groups),
                                         ("real", real, real_genre, real_groups)], shared, options.seed)
    return report.end("realism" if options.save else "")


if __name__ == "__main__":
    sys.exit(main())
