"""The composed corpus in numbers: is it fast, is it no toy, has it no trivial cue, are its moods calibrated?

    python benchmarks/corpus.py [--albums 10] [--tracks 4] [--seconds 30] [--jobs 2] [--labels 60] [--seed 0]
                                [--quick] [--save]

Composes its own albums of every genre, other pieces than those of the built datasets, and keeps no clip. Each criterion
is printed with PASS or FAIL; the exit code is 1 when one fails. With --save the tables go to results/benchmarks/.
"""

import argparse
import sys
import time
import zlib
from functools import partial

import numpy as np
from _music import (
    AXES,
    RATE,
    Report,
    calibrated,
    draw,
    half_interval,
    linear,
    mel_and_chroma,
    one_thread,
    ridge,
    spearman,
    spread,
    summary,
)

from labkit.corpus import GENRES, affect, affect_of, compose, find_style, plan, render, traits
from labkit.profiles import PROFILES

TRIVIAL = ("clip length", "peak sample", "leading silence", "size of .npy", "RMS")
CONTENT = ("peak / RMS", "size of .npy.gz", "true tempo")
REPEATS = 20                            # random splits
PAIRS = {"valence and energy": (0, 1, 0.22), "valence and danceability": (0, 2, 0.43),
         "energy and danceability": (1, 2, 0.05)}  # echonest values of FMA
REAL_MOOD = (0.55, 0.71, 0.71)          # Spearman of a linear model on other albums, FMA-small


def clip(item: tuple[str, int, int], seconds: float) -> dict:
    """Compose and render one clip; its features and cues."""
    (genre, album, seed), begin = item, time.perf_counter()
    piece = compose(genre, seed, seconds, album=album)
    audio = render(piece)
    wall = time.perf_counter() - begin
    mel, chroma = mel_and_chroma(audio)
    tones = chroma.mean(axis=1)
    tones = np.roll(tones, -int(tones.argmax()))  # from the strongest pitch class: in any key
    peak, rms = float(np.abs(audio).max()), float(np.sqrt(np.mean(audio.astype(float) ** 2)))
    stored = mel.astype(np.float32).tobytes()
    cues = (len(audio), peak, int(np.argmax(np.abs(audio) > 1e-3 * peak)) / RATE, len(stored), rms,
            peak / rms, len(zlib.compress(stored, 1)), piece.tempo)
    return {"wall": wall, "features": np.concatenate([summary(mel), tones]), "cues": cues}


def mood(item: tuple[str, int, int], seconds: float) -> tuple[list[float], list[float]]:
    """The affect of a piece without and with the annotators' noise; nothing is rendered."""
    genre, album, seed = item
    piece = compose(genre, seed, seconds, album=album)
    both = affect_of(traits(piece), genre), affect(piece)
    return tuple([float(getattr(felt, axis)) for axis in AXES] for felt in both)


# --- speed ----------------------------------------------------------------------------------------------------------

def speed(options: argparse.Namespace, report: Report) -> None:
    import librosa

    report.section("Speed")
    taken = {}
    for number, genre in enumerate(GENRES):
        runs = []
        for _, album, seed in draw([genre], options.runs + 1, 1, seed=900 + number):
            begin = time.process_time()
            piece = compose(genre, seed, options.seconds, album=album)
            middle = time.process_time()
            audio = render(piece)
            runs.append((middle - begin, time.process_time() - middle))
        taken[genre] = np.median(runs[1:], axis=0)  # the first run compiles
    taken["median of the genres"] = np.median(list(taken.values()), axis=0)
    times = {genre: options.seconds / sum(row) for genre, row in taken.items()}
    rows = [{"genre": genre, "compose (s)": f"{first:.3f}", "render (s)": f"{second:.3f}",
             "times real time": round(times[genre])} for genre, (first, second) in taken.items()]
    report.table(f"Processor time for {options.seconds:g} s of music, one core, median of {options.runs} pieces", rows)
    middle, slowest = times["median of the genres"], min(times, key=times.get)
    report.facts["times_real_time"] = middle
    report.check(middle >= 60, f"at least 60 times real time a core in the median of the genres: {middle:.0f} "
                 f"(slowest {slowest}, {times[slowest]:.0f})")
    wanted = librosa.power_to_db(librosa.feature.melspectrogram(y=audio, sr=RATE), ref=np.max)
    off = np.abs(wanted - mel_and_chroma(audio)[0]).max()
    report.check(off < 0.05, f"the mel spectrogram used here is librosa's: greatest difference {off:.4f} dB")


def throughput(found: list[dict], options: argparse.Namespace, report: Report) -> None:
    rate = options.jobs / np.mean([one["wall"] for one in found])
    rows = [{"what": f"clips of {options.seconds:g} s a second", "value": f"{rate:.1f}"}]
    for name in ("ci", "laptop"):
        clips = plan(PROFILES[name], 0)
        seconds = sum(one.seconds for one in clips) / (rate * options.seconds)
        rows.append({"what": f"so the {len(clips)} clips of `{name}` would take (s)", "value": f"{seconds:.0f}"})
    report.facts["clips_a_second"] = rate
    report.table(f"Composing and rendering alone in {options.jobs} processes, wall clock", rows)


# --- genres ---------------------------------------------------------------------------------------------------------

def one_split(seed: int, features: np.ndarray, genre: np.ndarray, groups: np.ndarray | None) -> tuple:
    """Held-out indices of a random split, and what a linear classifier takes them for."""
    from labkit.datasets import split_indices

    fit, held = split_indices(len(genre), 0.2, seed=seed, labels=genre, groups=groups)
    return held, linear(0.1).fit(features[fit], genre[fit]).predict(features[held])


def classify(features, genre, groups, jobs) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy of each split, (R,), and the confusions of all as shares of the true genre, (genres, genres)."""
    score, confusion = [], np.zeros((len(GENRES), len(GENRES)))
    for held, taken in spread(partial(one_split, features=features, genre=genre, groups=groups), range(REPEATS), jobs):
        score.append(np.mean(taken == genre[held]))
        np.add.at(confusion, (genre[held], taken), 1)
    return np.array(score), confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)


def nearest(values: np.ndarray) -> np.ndarray:
    """The index of the clip that is most like each clip."""
    from sklearn.preprocessing import StandardScaler

    points = StandardScaler().fit_transform(values)
    square = (points ** 2).sum(axis=1)
    distance = square[:, None] + square - 2 * points @ points.T
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(axis=1)


def not_a_toy(features, genre, groups, options, report) -> None:
    report.section(f"Not a toy: {len(genre)} clips of {len(set(groups))} albums, {len(GENRES)} genres")
    rows, found = [], {}
    for name, width in (("mean + deviation", 256), ("mean + deviation + |difference|", 384)):
        track, album = (classify(features[:, :width], genre, by, options.jobs) for by in (None, groups))
        shown = {"tracks drawn": track[0], "albums drawn": album[0], "gap": track[0] - album[0]}
        rows.append({"features of each mel band": name} | {
            way: f"{100 * score.mean():.1f} ± {100 * half_interval(score):.1f}" for way, score in shown.items()})
        found[width] = shown | {"share": album[1]}
    report.table(f"Accuracy of a linear classifier in percent, {REPEATS} splits of 80/20, with the 95 % interval after "
                 "Nadeau and Bengio", rows)
    plain = found[256]
    track, gap, share = plain["tracks drawn"].mean(), plain["gap"], plain["share"]
    report.facts |= {"accuracy_track": track, "accuracy_album": plain["albums drawn"].mean(), "album_gap": gap.mean()}
    report.check(0.35 <= track <= 0.75,
                 f"tracks drawn, mean + deviation: accuracy between 35 and 75 %: {100 * track:.1f} %")
    report.check(gap.mean() > half_interval(gap), "albums drawn is clearly below tracks drawn: the gap of "
                 f"{100 * gap.mean():.1f} points is more than its half interval of {100 * half_interval(gap):.1f}")
    near = nearest(features[:, :256])
    report.facts["nearest_of_same_album"] = np.mean(groups[near] == groups)
    print(f"The nearest clip is of the same album for {np.mean(groups[near] == groups):.0%} of the clips "
          f"(by chance {(options.tracks - 1) / (len(groups) - 1):.1%}), of the same genre for "
          f"{np.mean(genre[near] == genre):.0%}.")
    rows = []
    for row in np.argsort(np.diag(share)):
        others = [f"{GENRES[column]} {share[row, column]:.0%}" for column in np.argsort(-share[row])
                  if column != row and share[row, column] >= 0.05][:3]
        rows.append({"genre": GENRES[row], "recall": f"{share[row, row]:.0%}", "taken for": ", ".join(others)})
    report.table("What each genre is taken for, albums drawn, mean + deviation", rows)
    print("\nLargest confusions:")
    off = share * (1 - np.eye(len(GENRES)))
    for row, column in zip(*np.unravel_index(np.argsort(-off, axis=None)[:8], off.shape), strict=True):
        print(f"  {off[row, column]:.0%} of {GENRES[row]} are taken for {GENRES[column]}, "
              f"{off[column, row]:.0%} the other way")


# --- trivial cues ---------------------------------------------------------------------------------------------------

def alone(values: np.ndarray, genre: np.ndarray) -> tuple[float, str]:
    """Cross-validated accuracy from one number a clip, (n,), and the genre that it tells best from the others.

    The best of small trees and k-nearest neighbours, which flatters the cue a little: on the safe side.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    models = [DecisionTreeClassifier(max_depth=depth, min_samples_leaf=3, random_state=0) for depth in (3, 5, 6)]
    models += [make_pipeline(StandardScaler(), KNeighborsClassifier(count)) for count in (1, 5, 15, 40)
               if count < 0.7 * len(genre)]
    taken = max((cross_val_predict(model, values[:, None], genre, cv=folds) for model in models),
                key=lambda found: np.mean(found == genre))
    hit, false = (np.array([np.mean(taken[(genre == one) == own] == one) for one in range(len(GENRES))])
                  for own in (True, False))
    best = np.argmax(hit - false)
    return float(np.mean(taken == genre)), f"{GENRES[best]} {hit[best]:.0%}, others {false[best]:.0%}"


def trivial(cues: np.ndarray, genre: np.ndarray, report: Report) -> None:
    limit = 2 / len(GENRES)
    report.section("One cue alone")
    rows = []
    for place, name in enumerate(TRIVIAL + CONTENT):
        found, best = alone(cues[:, place], genre)
        rows.append({"cue": name, "kind": "trivial" if name in TRIVIAL else "content", "accuracy": f"{found:.1%}",
                     "told best": best, "least": f"{cues[:, place].min():.5g}",
                     "most": f"{cues[:, place].max():.5g}"})
        if name in TRIVIAL:
            report.check(found <= limit, f"{name} alone: {found:.1%}, at most twice chance, {limit:.1%}")
    report.table(f"Accuracy from one number, tracks drawn; chance {limit / 2:.1%}. What is content has no limit", rows)


# --- affect ---------------------------------------------------------------------------------------------------------

def label_means(options: argparse.Namespace, report: Report) -> None:
    """The labels' means, deviations, correlations and noise ceiling, of pieces that are each of their own album."""
    pieces = draw(GENRES, options.labels, 1, seed=100)
    found = spread(partial(mood, seconds=options.seconds), pieces, options.jobs)
    clean, label = (np.array([pair[place] for pair in found]).reshape(len(GENRES), -1, 3) for place in (0, 1))
    rows, worst = [], (0.0, "")
    for name, values in zip(GENRES, label, strict=True):
        published = find_style(name).mood
        rows.append({"genre": name})
        for axis, column in zip(AXES, values.T, strict=True):
            mean, deviation, wanted = column.mean(), column.std(ddof=1), getattr(published, axis)
            rows[-1] |= {axis: f"{mean:.2f} ± {deviation:.2f}", f"{axis}, wanted": f"{wanted[0]:.2f} ± {wanted[1]:.2f}"}
            beyond = abs(mean - wanted[0]) / (0.03 + 3 * deviation / np.sqrt(options.labels))
            worst = max(worst, (beyond, f"{name}, {axis}"))
        rows[-1]["source"] = "assumed" if published.assumed else "published"
    report.table(f"Mean ± deviation of the labels of {options.labels} pieces a genre", rows)
    report.check(worst[0] <= 1, "each genre's mean is the wanted one within 0.03 and three standard errors: the worst, "
                 f"{worst[1]}, is off by {worst[0]:.1f} times that")
    flat, flat_clean = label.reshape(-1, 3), clean.reshape(-1, 3)
    within = (label - label.mean(axis=1, keepdims=True)).reshape(-1, 3)
    rows = []
    for name, (one, other, wanted) in PAIRS.items():
        pooled, inside = (np.corrcoef(values[:, one], values[:, other])[0, 1] for values in (flat, within))
        rows.append({"labels": name, "all genres": f"{pooled:.2f}", "wanted": wanted,
                     "within genres": f"{inside:.2f}"})
        report.check(abs(pooled - wanted) <= 0.1, f"correlation of {name} within 0.10 of {wanted:.2f}: {pooled:.2f}")
    report.table("Correlations of the labels", rows)
    report.facts |= {f"ceiling_{axis}": spearman(flat_clean[:, place], flat[:, place])
                     for place, axis in enumerate(AXES)}


def moods(features, groups, options, report) -> None:
    from sklearn.model_selection import GroupKFold

    report.section("Affect")
    if not calibrated(GENRES, report):
        return
    label_means(options, report)
    labels = np.array([pair[1] for pair in spread(partial(mood, seconds=options.seconds), options.items, options.jobs)])
    rows = []
    for place, axis in enumerate(AXES):
        ceiling, scores = report.facts[f"ceiling_{axis}"], []
        for fit, held in GroupKFold(5, shuffle=True, random_state=0).split(features, groups=groups):
            found = ridge().fit(features[fit], labels[fit, place]).predict(features[held])
            scores.append(spearman(found, labels[held, place]))
        report.check(np.mean(scores) < ceiling, f"{axis}: a model stays below the noise ceiling")
        rows.append({"label": axis, "noise ceiling": f"{ceiling:.3f}", "ridge, other albums": f"{np.mean(scores):.2f}",
                     "such a model on FMA-small": REAL_MOOD[place]})
    report.table("Spearman's correlation: of the true parameters with the labels, and of a ridge on mean + deviation + "
                 "|difference| a band and 12 chroma means", rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--albums", type=int, help="albums a genre (default 10; quick 5)")
    parser.add_argument("--tracks", type=int, default=4, help="pieces an album (default 4)")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a clip")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--labels", type=int, help="pieces a genre for the means of the labels (default 60; quick 20)")
    parser.add_argument("--seed", type=int, default=0, help="another number, other pieces")
    parser.add_argument("--quick", action="store_true", help="fewer clips: a first look, not a result")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    options.albums = options.albums or (5 if options.quick else 10)
    options.labels = options.labels or (20 if options.quick else 60)
    options.runs = 2 if options.quick else 5
    if options.albums < 3 or options.tracks < 2:
        parser.error("Splits by album need at least 3 albums of 2 pieces a genre, see --albums and --tracks.")
    one_thread()
    report = Report()
    speed(options, report)
    options.items = draw(GENRES, options.albums, options.tracks, options.seed)
    found = spread(partial(clip, seconds=options.seconds), options.items, options.jobs, "clips")
    throughput(found, options, report)
    features, cues = (np.array([one[name] for one in found]) for name in ("features", "cues"))
    genre = np.array([GENRES.index(item[0]) for item in options.items])
    groups = np.array([item[1] for item in options.items])
    not_a_toy(features, genre, groups, options, report)
    trivial(cues, genre, report)
    moods(features, groups, options, report)
    return report.end("corpus" if options.save else "")


if __name__ == "__main__":
    sys.exit(main())
