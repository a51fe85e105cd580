"""How far a score would move with other test clips: bootstrap intervals, and paired comparisons of two models.

The clips of a test set are a sample of the music that could have stood there. The bootstrap (Efron and Tibshirani,
"An Introduction to the Bootstrap", 1993, chapters 6 and 13) draws new test sets from it, clips with replacement, and
scores each of them: the middle 95 % of these scores are the interval. Clips of one album resemble each other, so with
`groups` whole albums are drawn.

Such an interval covers other clips, or other albums, of the same kind of music. It does **not** cover another training
with another seed, nor other kinds of music. Where predictions of several seeds are given, the score is the mean over
the seeds, and the interval covers other clips for just these trainings.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labkit.evaluation.scores import accuracy, check_classes, macro_f1, mean_spearman

FEWEST = 10        # albums or clips; an interval over fewer is much too narrow to decide anything
_BLOCK = 1 << 21  # values of a block of resamples: 16 MB


class Interval(NamedTuple):
    """A score with the interval in which it would lie with other test clips.

    As text `0.657 (0.640 to 0.673)`; a format chooses unit and digits: `f"{interval:.1%}"` is `47.1 % (44.2 to 50.0)`.
    """

    value: float  # of the clips as they are
    low: float
    high: float

    def __str__(self) -> str:
        return format(self, "")

    def __format__(self, spec: str) -> str:
        found = re.fullmatch(r"(\.\d+)?([f%]?)", spec)
        if found is None:
            raise ValueError(f"Expected digits and unit of an interval, such as '.3f' or '.1%', found {spec!r}.")
        scale, unit = (100, " %") if found[2] == "%" else (1, "")
        digits = found[1] or (".1" if unit else ".3")
        value, low, high = (f"{scale * number:z{digits}f}" for number in self)  # z: no "-0.00"
        return f"{value}{unit} ({low} to {high})"


def bootstrap(score: Callable[..., float], *arrays: Sequence, groups: Sequence | None = None, samples: int = 1000,
              seed: int = 0, level: float = 0.95) -> Interval:
    """The percentile bootstrap interval of a score: what it would be with other clips, or other albums.

    It does not cover other trainings. A resample that has no score (NaN, such as a correlation of equal numbers) is
    left out. The interval of the macro F1 of a few clips a class lies too low, since a resample lacks some of them.
    Source: Efron and Tibshirani (1993), chapter 13.

    Parameters
    ----------
    score : `score(*rows) -> float`, whose value does not hang on the order of the clips. `accuracy`, `macro_f1` and
        `mean_spearman` are computed for all resamples at once, any other function one resample at a time.
    arrays : what the score takes, one row a clip (N, ...), as a rule predictions and labels. The first may be a list of
        arrays, the predictions of several seeds: the score is then the mean over them.
    groups : the album of each clip (N,), drawn as a whole; None = each clip by itself.
    samples : number of resamples.
    seed : the same numbers for the same seed.
    level : share of the resamples' scores that lie in the interval, in (0, 1).

    Raises
    ------
    ValueError : unequal lengths, fewer than two clips or groups, or what `score` refuses.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    runs, rest = _runs(*arrays)
    return _interval(float(np.mean([score(run, *rest) for run in runs])),
                     resampled(score, *arrays, groups=groups, samples=samples, seed=seed), level)


def resampled(score: Callable[..., float], *arrays: Sequence, groups: Sequence | None = None, samples: int = 1000,
              seed: int = 0) -> np.ndarray:
    """The scores (samples,) of the resamples of `bootstrap`; their standard deviation is the score's standard error.

    Arguments and errors as in `bootstrap`. Two calls with the same groups, samples and seed draw the same clips.

    Used in: notebooks/08_emotion, notebooks/10_submission
    """
    runs, rest = _runs(*arrays)
    found = []
    known = [_AT_ONCE[score](run, *rest) for run in runs] if score in _AT_ONCE else None
    for counts in _draws(len(runs[0]), groups, samples, seed):
        if known:
            found.append(np.mean([of_all(counts.astype(float)) for of_all in known], axis=0))
        else:
            rows = [np.repeat(np.arange(len(one)), one) for one in counts]
            found.append([np.mean([score(run[row], *(array[row] for array in rest)) for run in runs]) for row in rows])
    return np.concatenate(found)


@dataclass(frozen=True)
class Comparison:
    """Two models on the same clips; printed, it is the verdict."""

    first: Interval
    second: Interval
    difference: Interval       # first minus second, both on the same resamples
    names: tuple[str, str]
    in_points: bool            # whether the score is told in percentage points

    units: int = FEWEST        # albums, or clips, that were drawn from

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the interval of the difference leaves out 0, and rests on at least `FEWEST` albums or clips."""
        return self.units >= FEWEST and (self.difference.low > 0 or self.difference.high < 0)

    @property
    def verdict(self) -> str:
        """What may be said of the two, in one sentence."""
        better = self.difference.value > 0
        scale, spec, unit = (100, "z.1f", " points") if self.in_points else (1, "z.3f", "")
        if self.units < FEWEST:
            return f"{self.units} albums or clips are too few to tell {self.names[0]} from {self.names[1]}."
        if not self.is_beyond_noise:
            value, low, high = (format(scale * number, spec) for number in self.difference)
            return (f"The difference of {value}{unit} ({low} to {high}) between {self.names[0]} and {self.names[1]} "
                    "lies inside the noise.")
        value, *ends = (abs(scale * number) for number in self.difference)
        winner, loser = self.names if better else self.names[::-1]
        return (f"{winner} is better than {loser} by {value:{spec}}{unit} ({min(ends):{spec}} to {max(ends):{spec}}).")

    def __str__(self) -> str:
        return self.verdict


def compare(score: Callable[..., float], first: Sequence, second: Sequence, truth: Sequence, *,
            groups: Sequence | None = None, names: tuple[str, str] = ("the first", "the second"), samples: int = 1000,
            seed: int = 0, level: float = 0.95) -> Comparison:
    """Whether one model is better than another by more than the choice of the test clips explains.

    Paired: each resample draws the same clips for both, so what is hard for both cancels out. A larger score is better.
    It speaks of the trainings that are given: two trainings of one recipe, with other seeds, differ too, so give the
    predictions of several seeds to speak of recipes. With fewer than twenty albums intervals are too narrow: of two
    models that are alike, one was called better in about 8 % of drawn cases with 10 or 20 albums, not in 5 %; with
    fewer than `FEWEST` nothing is decided.

    Parameters
    ----------
    score : as in `bootstrap`, of (predictions, truth).
    first, second : the predictions of the two models for the same clips (N, ...), or lists of such arrays, one for each
        seed, whose scores are averaged; the numbers of seeds may differ.
    truth : the labels (N, ...).
    groups, samples, seed, level : as in `bootstrap`.
    names : of the two models, for the verdict.

    Raises ValueError as `bootstrap`.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces
    """
    options = {"groups": groups, "samples": samples, "seed": seed}
    values, drawn = [], []
    for predictions in (first, second):
        runs, rest = _runs(predictions, truth)
        values.append(float(np.mean([score(run, *rest) for run in runs])))
        drawn.append(resampled(score, predictions, truth, **options))
    return Comparison(*(_interval(value, found, level) for value, found in zip(values, drawn, strict=True)),
                      _interval(values[0] - values[1], drawn[0] - drawn[1], level), tuple(names),
                      score in (accuracy, macro_f1), len(truth) if groups is None else len(np.unique(groups)))


def mcnemar(first: Sequence, second: Sequence, truth: Sequence) -> float:
    """The probability of so unequal a count of clips that only one of two classifiers gets right, were both alike.

    The exact test of McNemar (1947); it takes every clip for independent of the others, also those of one album.
    Arguments (N,) and errors as in `accuracy`.

    Used in: notebooks/06_evaluation
    """
    from scipy.stats import binomtest

    right, other = (np.equal(*check_classes(predicted, truth)) for predicted in (first, second))
    only_first, only_second = int(np.sum(right & ~other)), int(np.sum(other & ~right))
    apart = only_first + only_second
    return float(binomtest(only_first, apart).pvalue) if apart else 1.0


# --- drawing ---------------------------------------------------------------------------------------------------------

def _runs(first: Sequence, *rest: Sequence) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The predictions of each seed, and the other arrays; all of one length."""
    several = isinstance(first, list | tuple) and first and all(isinstance(one, np.ndarray) and one.ndim
                                                                for one in first)
    runs, rest = [np.asarray(one) for one in (first if several else [first])], [np.asarray(one) for one in rest]
    lengths = {len(one) if one.ndim else 0 for one in (*runs, *rest)}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"Expected arrays with one row for each clip, found {', '.join(map(str, sorted(lengths)))} "
                         "rows. Give predictions and labels as `predict` returns them.")
    return runs, rest


def _draws(count: int, groups: Sequence | None, samples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each clip stands in each resample, (S, N) ints, in blocks of resamples."""
    album = np.arange(count) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if album.shape != (count,):
        raise ValueError(f"Expected one group for each of {count} clips, found the shape {album.shape}. "
                         "Give groups in the order of the predictions.")
    albums = int(album.max()) + 1
    if albums < 2 or samples < 1:
        raise ValueError(f"Expected at least 2 clips or groups to draw from and at least 1 resample, found {albums} "
                         f"and {samples}. Score on more clips.")
    random = np.random.default_rng(seed)
    size = max(1, _BLOCK // count)
    for start in range(0, samples, size):
        rows = min(size, samples - start)
        drawn = random.integers(albums, size=(rows, albums)) + albums * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * albums).reshape(rows, albums)[:, album]


def _interval(value: float, scores: np.ndarray, level: float) -> Interval:
    """The middle part of the scores, round a value."""
    if not 0 < level < 1:
        raise ValueError(f"Expected a level between 0 and 1, found {level}. The usual one is 0.95.")
    scores = scores[np.isfinite(scores)]
    if np.isnan(value) or not len(scores):
        return Interval(value, np.nan, np.nan)
    return Interval(value, *map(float, np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])))


# --- all resamples at once: (S, N) counts -> (S,) scores, those of one resample at a time -----------------------------

def _accuracies(predicted: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    right = np.equal(*check_classes(predicted, truth)).astype(float)
    return lambda counts: counts @ right / counts.sum(axis=1)


def _macro_f1s(predicted: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    predicted, truth = check_classes(predicted, truth)
    classes = np.unique(np.concatenate([predicted, truth]))
    answered, wanted = (values[:, None] == classes for values in (predicted, truth))

    def of_all(counts: np.ndarray) -> np.ndarray:
        both, either = counts @ (answered & wanted), counts @ (answered.astype(float) + wanted)
        return np.sum(2 * both / np.maximum(either, 1), axis=1) / np.sum(either > 0, axis=1)

    return of_all


def _mean_spearmans(predictions: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    mean_spearman(predictions, targets)  # refuses what has no order
    columns = [[_centred_ranks(column) for column in values.reshape(len(values), -1).T]
               for values in (predictions, targets)]

    def of_all(counts: np.ndarray) -> np.ndarray:
        axes = []
        for one, other in zip(*columns, strict=True):
            x, y = one(counts), other(counts)
            weighted = counts * x
            with np.errstate(invalid="ignore"):  # of a constant axis: no order, NaN
                axes.append(np.einsum("sn,sn->s", weighted, y)
                            / np.sqrt(np.einsum("sn,sn->s", weighted, x) * np.einsum("sn,sn,sn->s", counts, y, y)))
        return np.mean(axes, axis=0)

    return of_all


def _centred_ranks(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The mean ranks of N values in each resample, less their mean; sorted once for all resamples."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=np.nan) != 0)  # the first of each run of equal values
    place = np.empty(len(values), dtype=int)
    place[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(values)))

    def ranks(counts: np.ndarray) -> np.ndarray:
        alike = np.add.reduceat(counts[:, order], starts, axis=1)
        return (np.cumsum(alike, axis=1) - alike / 2 - counts.sum(axis=1, keepdims=True) / 2)[:, place]

    return ranks


_AT_ONCE = {accuracy: _accuracies, macro_f1: _macro_f1s, mean_spearman: _mean_spearmans}
