"""The checks of lesson 10: the lines of a submission, ranks averaged over models, and how often a leaderboard errs."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers

AXES = ("valence", "energy", "danceability")
ENDING = ".fused.full.npy.gz"
# In the order of their numbers they are 9, 10, 105, 1310, 2110; as words 10, 105, 1310, 2110, 9.
NAMES = ("2110", "9.fused.full.npy.gz", "10.beatsync.fused.npy.gz", "1310.full.fused.npy.gz", "105")
ROWS = np.array([[0.5171, 0.412345, 0.3], [0.500001, 1.031, 0.25], [0.500003, -0.0241, 0.75], [0.25, 0.6006, 0.5],
                 [0.9, 0.1234567, 0.0000004]])


def lines_of(names: Sequence[str], rows: np.ndarray, header: str, suffix: str) -> list[str]:
    """What exercise 10.1 asks for."""
    order = sorted(range(len(names)), key=lambda place: int(names[place].split(".")[0]))
    return [",".join((header, *AXES)), *(f"{names[place].split('.')[0]}{suffix},"
                                         + ",".join(f"{value:.6f}" for value in rows[place]) for place in order)]


def show_lines() -> None:
    """The two clips of a small example, and the lines that they give in both forms."""
    from labkit.show import say

    names, rows = NAMES[:2], ROWS[:2]
    given = "; ".join(f"`{name}` with {', '.join(f'{value:g}' for value in row)}"
                      for name, row in zip(names, rows, strict=True))
    forms = ["\n".join(lines_of(names, rows, f"Id{suffix}", suffix)) for suffix in ("", ENDING)]
    say(f"Given {given}. The lines in two forms:\n\n```text\n{forms[0]}\n```\n\n```text\n{forms[1]}\n```")


@exercise("10.1", names=("solution_lines",), target=show_lines,
          hints=("The bare id is `name.split(\".\")[0]`. As words, \"10\" stands before \"9\"; int(...) "
                 "makes a number of it.",
                 "Sort the *places* 0 to N - 1 by `int(bare[place])`, so that each id stays with its predictions. Then "
                 "join the bare id with the suffix, and three numbers as f\"{value:.6f}\", by commas."),
          praise="Your lines are a file that Kaggle takes, in either form, and each clip has its own numbers.")
def check_solution_lines(solution_lines):
    """In two forms, with ids of many endings, and for a single clip; numbers are read back."""
    for names, rows, header, suffix in ((NAMES, ROWS, "Id", ""), (NAMES, ROWS, f"Id{ENDING}", ENDING),
                                        (("77.a.b",), ROWS[:1], "Id", ENDING)):
        ids, given = list(names), rows.copy()
        what = f"`solution_lines(ids, predictions, {header!r}, {suffix!r})`"
        found = solution_lines(ids, given, header, suffix)
        if ids != list(names) or not np.array_equal(given, rows):
            raise NotYet("The ids or the predictions that it was given are changed. Sort a list of your own.")
        check_lines(found, lines_of(names, rows, header, suffix), what, names, rows, suffix)


def check_lines(found: object, wanted: list[str], what: str, names: Sequence[str], rows: np.ndarray, suffix: str
                ) -> None:
    """Raise NotYet unless the lines are those wanted, their numbers within a millionth."""
    if not isinstance(found, list | tuple) or not all(isinstance(line, str) for line in found):
        kind = f"{type(found).__name__}" + ("" if isinstance(found, str) else ", or not of strings")
        raise NotYet(f"{what} is a {kind}. Expected a list of strings, one a line.")
    if any("\n" in line for line in found):
        raise NotYet("A line holds a line feed. Expected lines without; whoever writes the file puts them between.")
    head = found[0] if found else ""
    if head != wanted[0]:
        raise NotYet(f"Expected the first line {wanted[0]!r}, found {head[:80]!r}."
                     + (" Use the argument `header`." if head == ",".join(("Id", *AXES)) else "")
                     + (" Between two commas stand no spaces." if head.replace(" ", "") == wanted[0] else ""))
    if len(found) != len(wanted):
        raise NotYet(f"Expected {len(wanted)} lines for {len(names)} clips, the first line included, found "
                     f"{len(found)}.")
    fields = [line.split(",") for line in found[1:]]
    for line, parts in zip(found[1:], fields, strict=True):
        if len(parts) != 4 or any(part != part.strip() for part in parts):
            raise NotYet(f"Expected an id and three numbers with commas between them and no spaces, found {line!r}.")
    goal = [line.split(",")[0] for line in wanted[1:]]
    ids = [parts[0] for parts in fields]
    if ids != goal:
        if ids == [name + suffix for name in names] or ids == list(names) or set(ids) & {name + suffix for name in names
                                                                                         if "." in name}:
            raise NotYet(f"Expected the ids {', '.join(goal)}, found {', '.join(ids)}: their old endings are still "
                         "there. Keep what stands before the first dot.")
        bare = [name.split(".")[0] for name in ids]
        if set(ids) != set(goal):
            raise NotYet(f"Expected ids such as {goal[0]!r}, found {ids[0]!r}. "
                         + ("Put `suffix` behind each." if set(bare) == {name.split('.')[0] for name in goal} else
                            "Keep what stands before the first dot, and put `suffix` behind it."))
        raise NotYet("The lines are sorted as words, in which 10 stands before 9. Sort by int(...) of the bare id."
                     if bare == sorted(bare) else
                     "The lines stand in the order of the ids that were given. Expected them by number, 9 before 10."
                     if bare == [name.split(".")[0] for name in names] else
                     f"Expected the clips in the order {', '.join(goal)}, found {', '.join(ids)}.")
    try:
        values = np.array([[float(part) for part in parts[1:]] for parts in fields])
    except ValueError as error:
        raise NotYet(f"Expected numbers after the id, found a field that is none ({error}). Write each as "
                     "f\"{value:.6f}\".") from None
    order = sorted(range(len(names)), key=lambda place: int(names[place].split(".")[0]))
    gaps = np.abs(values - rows[order])
    if np.allclose(values, rows, atol=1e-6) and len(rows) > 1:
        raise NotYet("The ids are sorted, their predictions are not: each clip has the numbers of another. Sort "
                     "places, and take id and predictions from the same one.")
    if gaps.max() > 1.001e-6:
        if np.allclose(values, np.clip(rows[order], 0, 1), atol=1e-6):
            raise NotYet("The numbers are cut off at 0 and 1, which makes clips equal. Write them as they are.")
        row, axis = np.unravel_index(gaps.argmax(), gaps.shape)
        raise NotYet(f"Clip {goal[row]} should have {rows[order][row, axis]:.7g} for {AXES[axis]}, found "
                     f"{values[row, axis]:.7g}. " + ("Six decimals at least: coarser numbers make clips equal that "
                                                     "were not." if gaps.max() < 0.06 else
                                                     "Take the row of predictions that stands at the place of the id."))


# Two models' predictions for six clips: A with equal values at both ends, B spread widely about 50.
A = np.array([[0.5, 0.2, 0.1], [0.5, 0.9, 0.4], [0.6, 0.2, 0.3], [0.7, 0.4, 0.9], [0.9, 0.5, 0.9], [0.8, 0.6, 0.2]])
B = np.array([[90.0, 10, 50], [20, 70, 10], [60, 20, 80], [10, 30, 70], [50, 90, 30], [40, 60, 20]])
C = np.array([[-2.0, 3, 1], [-1, 1, 2], [-5, 2, 2], [-3, 9, 2], [-4, 4, 8], [-6, 5, -1]])


def blended(predictions: Sequence[np.ndarray]) -> np.ndarray:
    """What exercise 10.2 asks for."""
    from scipy.stats import rankdata

    return np.mean([(rankdata(one, axis=0) - 1) / (len(one) - 1) for one in predictions], axis=0)


def show_blend() -> None:
    """The valence of six clips by two models, the mean of the values, and the blend of the ranks."""
    from labkit import plots

    figure, axes = plots.figure(columns=4, height=1.7, sharey=True)
    columns = {"model A": A[:, 0], "model B": B[:, 0], "mean of values": (A + B)[:, 0] / 2,
               "blend([A, B])": blended([A, B])[:, 0]}
    for axis, (title, values), colour in zip(axes[0], columns.items(), (0, 1, 6, 2), strict=True):
        axis.barh(range(6), values, color=plots.COLOURS[colour], height=0.6)
        axis.set(title=title, xlabel="valence" if title != "blend([A, B])" else "rank, 0 to 1", yticks=range(6))
        axis.set_yticklabels([f"clip {clip}" for clip in range(6)])
    axes[0, 0].invert_yaxis()
    told = ", ".join(f"{value:.2f}" for value in columns["blend([A, B])"])
    plots.show(figure, alt="The target of exercise 10.2: bars of the valence of six clips. The values of model A lie "
                           "below 1, those of model B go to 90, and the mean of both looks like B alone. The blend of "
                           f"the ranks takes both alike; it is {told} for the clips 0 to 5.")


@exercise("10.2", names=("blend",), target=show_blend,
          hints=("`rankdata(one, axis=0)` ranks the clips on each axis of one model, from 1 to N; equal values share "
                 "their mean rank.",
                 "Scale the ranks of each model by (rank - 1) / (N - 1), N the number of clips. Then take the mean "
                 "over the models, axis 0 of an array (models, N, 3)."),
          praise="Each model has one voice now, however widely its predictions spread, and the order on each axis is "
                 "all that counts.")
def check_blend(blend):
    """For one to three models, of other scales, with equal values."""
    from scipy.stats import rankdata

    for models, name in (([B], "one model without equal values"), ([A], "one model with equal values"),
                         ([A, B], "two models"), ([C, A, B], "three models"), ([A[:2], B[:2]], "two clips")):
        given, what, clips = [one.copy() for one in models], f"`blend` of {name}", len(models[0])
        answer = blend(given)
        if not all(np.array_equal(one, other) for one, other in zip(given, models, strict=True)):
            raise NotYet("The predictions that it was given are changed. Rank into new arrays.")
        found, wanted = numbers(answer, what), blended(models)

        def mean(ranked: Callable[[np.ndarray], np.ndarray], models: list[np.ndarray] = models) -> np.ndarray:
            return np.mean([ranked(one) for one in models], axis=0)

        def scaled(ranks: np.ndarray, clips: int = clips) -> np.ndarray:
            return (ranks - 1) / (clips - 1)

        def stretched(ranks: np.ndarray) -> np.ndarray:
            return (ranks - ranks.min(axis=0)) / np.maximum(np.ptp(ranks, axis=0), 1e-9)

        usual = [
            (np.mean(models, axis=0), "These are the means of the values. Rank each model's predictions first."),
            (mean(lambda one: rankdata(one, axis=0)), "The ranks run from 1 to N. Scale them: subtract 1, divide by "
                                                      "N - 1."),
            (mean(lambda one: rankdata(one, axis=0) / len(one)),
             "The ranks are divided by N, so that the lowest is not 0. Subtract 1, divide by N - 1."),
            (mean(lambda one: (rankdata(one, axis=0) - 1) / len(one)),
             "Divided by N, the highest rank is not 1. There are N - 1 steps from the lowest to the highest."),
            (mean(lambda one: scaled(rankdata(one).reshape(one.shape))),
             "The three axes are ranked together. Rank each by itself: axis=0."),
            (mean(lambda one: (rankdata(one) - 1).reshape(one.shape) / (one.size - 1)),
             "The three axes are ranked together. Rank each by itself: axis=0."),
            (mean(lambda one: (rankdata(one, axis=1) - 1) / 2),
             "Here the three numbers of a clip are ranked against each other. Rank the clips: axis=0."),
            (mean(lambda one: scaled(rankdata(one, axis=1))),
             "Here the three numbers of a clip are ranked against each other. Rank the clips: axis=0."),
            (mean(lambda one: np.argsort(one, axis=0) / (len(one) - 1)),
             "argsort tells which clip comes first, second, third; a rank tells the place of each clip. Use rankdata."),
            (mean(lambda one: np.argsort(np.argsort(one, axis=0, kind="stable"), axis=0) / (len(one) - 1)),
             "Equal values have unequal ranks, in the order of the clips. They share their mean rank: rankdata does "
             "that, argsort twice does not."),
            *((mean(lambda one, how=how: scaled(rankdata(one, how, axis=0))),
               f"Equal values do not share their mean rank: rankdata was told {how!r}. Leave that away.")
              for how in ("min", "max", "dense", "ordinal")),
            (mean(lambda one: stretched(one)), "The values are scaled to 0 to 1, not the ranks."),
            (mean(lambda one: stretched(rankdata(one, axis=0))),
             "The ranks that occur are stretched to 0 to 1. Where several clips share the first place the lowest rank "
             "that occurs is above 1: scale by the lowest and highest possible rank, 1 and N."),
            (scaled(rankdata(np.mean(models, axis=0), axis=0)),
             "The values are averaged first and then ranked. Rank each model by itself, then average the ranks."),
            (scaled(rankdata(wanted, axis=0)), "The blend is ranked once more. The mean of the ranks is the answer."),
            (mean(lambda one: scaled(rankdata(-one, axis=0))), "The order is reversed: the highest value has rank 0."),
            (wanted * len(models), "The ranks are added up. Divide by the number of models."),
            ((np.sum([rankdata(one, axis=0) for one in models], axis=0) - 1) / (clips - 1),
             "The ranks of the models are added up before they are scaled. Scale each, then take their mean."),
        ]
        same = [(value, why) for value, why in usual if value.shape != wanted.shape or not np.allclose(value, wanted)]
        expect(found, wanted, what, same, rtol=1e-6, atol=1e-9,
               advice="Let there be one model first: its lowest clip is 0, its highest 1, where no two are equal.")


def scores_of_parts(predicted: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The mean Spearman correlation (draws,) of each row of places (draws, n); for values that are all different."""
    gaps = [np.argsort(np.argsort(values[rows], axis=1), axis=1) for values in (predicted, truth)]
    n = rows.shape[1]
    return np.mean(1 - 6 * np.sum((gaps[0] - gaps[1]) ** 2, axis=1) / (n * (n * n - 1)), axis=1)


@cache
def two_models() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions (60, 3) of two models with much in common, the first better but for energy; and the truth."""
    rng = np.random.default_rng(14)
    truth = rng.random((60, 3))
    common = truth + rng.normal(0, 0.35, (60, 3))
    return (common + rng.normal(0, [0.12, 0.25, 0.12], (60, 3)),
            common + rng.normal(0, [0.25, 0.12, 0.25], (60, 3)), truth)


@cache
def chance_of(share: float, draws: int = 4000) -> float:
    """What exercise 10.3 asks for, of `two_models`."""
    a, b, truth = two_models()
    order = np.argsort(np.random.default_rng(3).random((draws, len(truth))), axis=1)
    rows = order[:, :round(share * len(truth))]
    return float(np.mean(scores_of_parts(a, truth, rows) < scores_of_parts(b, truth, rows)))


def show_chance() -> None:
    """The chance of the wrong winner against the share of the clips that is public."""
    from labkit import plots

    shares = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    chances = [chance_of(float(share)) for share in shares]
    figure, (axis,) = plots.figure(height=2.1)
    axis.plot(shares, chances, "o-", markersize=4)
    axis.axvline(0.3, color="0.6", linestyle=":", linewidth=1)
    axis.annotate(f"30 %: {chances[2]:.2f}", (0.31, chances[2] + 0.01), fontsize=8.5, va="bottom")
    axis.set(xlabel="share of 60 clips that is public", ylabel="chance of the wrong winner", ylim=(0, 0.5))
    plots.show(figure, alt="The target of exercise 10.3: a curve of the chance that the better of two models looks "
                           f"worse, falling from {chances[0]:.2f} where a tenth of the clips is public over "
                           f"{chances[2]:.2f} at three tenths to {chances[-1]:.0f} where all of them are.")


@exercise("10.3", names=("chance_to_be_fooled",), target=show_chance,
          hints=("Which clips are public: the first `round(share * clips)` of `rng.permutation(clips)`. Draw them anew "
                 "each time, and index a, b and truth with the same places.",
                 "Count a draw when `mean_spearman(a[rows], truth[rows]) < mean_spearman(b[rows], truth[rows])`; a is "
                 "the better one on all clips, and True counts as 1."),
          praise="So often a leaderboard with so few clips would have named the wrong one of these two.")
def check_chance_to_be_fooled(chance_to_be_fooled):
    """Against thousands of draws, for three shares and both orders; all clips public; the seed."""
    a, b, truth = two_models()

    def call(first: np.ndarray, second: np.ndarray, share: float, draws: int, seed: int, what: str) -> float:
        given = [first.copy(), second.copy(), truth.copy()]
        found = numbers(chance_to_be_fooled(*given, share=share, draws=draws, seed=seed), what)
        if not all(np.array_equal(one, other) for one, other in zip(given, (first, second, truth), strict=True)):
            raise NotYet("The predictions or the labels that it was given are changed. Draw places, not clips.")
        if found.ndim:
            raise NotYet(f"Expected {what} to be one number, found the shape {found.shape}.")
        if np.isnan(found):
            raise NotYet(f"{what} is no number (NaN). Expected the count of such draws over the number of draws.")
        if found > 1:
            raise NotYet(f"Expected {what} to be a share from 0 to 1, found {found:g}. Divide the count by `draws`.")
        if abs(found * draws - np.round(found * draws)) > 1e-6:
            raise NotYet(f"Expected {what} to be a count over the {draws} draws that were asked for, found {found:g}, "
                         f"which is {found * draws:.2f} of them. Make `draws` draws, and divide by `draws`.")
        return float(found)

    whole = call(a, b, 1.0, 60, 0, "`chance_to_be_fooled(a, b, truth, share=1.0)`")
    if whole:
        raise NotYet(f"Where all clips are public, the better model is always the better one: expected 0, found "
                     f"{whole:.2f}. Draw without repetition, and compare a with b on the same clips."
                     + (" Or the sign is the other way, or not all axes are scored: count the draws in which the "
                        "better model has the lower mean_spearman."
                        if whole == 1 else ""))
    for first, second, share, order in ((a, b, 0.3, "a, b"), (b, a, 0.3, "b, a"), (a, b, 0.7, "a, b"),
                                        (a, b, 0.5, "a, b")):
        wanted = chance_of(share)
        what = f"`chance_to_be_fooled({order}, truth, share={share:g}, draws=250)`"
        found = call(first, second, share, 250, 0, what)
        if abs(found - wanted) <= 0.1:
            continue
        if order == "b, a" and abs(found - (1 - wanted)) <= 0.1:
            raise NotYet("With the two models exchanged it gives the opposite. Find out first which of them is the "
                         "better one on all clips.")
        if found in (0, 1):
            raise NotYet(f"Expected {what} to be about {wanted:.2f}, found {found:g}: all draws agree. Draw the places "
                         "anew within the loop, and take round(share * N) of them.")
        if abs(found - chance_of(round(1 - share, 2))) <= 0.07:
            raise NotYet(f"Expected {what} to be about {wanted:.2f}, found {found:.2f}. That would be the "
                         f"chance with a share of {1 - share:.1f}: public are round(share * N) clips, not the others.")
        raise NotYet(f"Expected {what} to be about {wanted:.2f}, found {found:.2f}. "
                     + ("Draw one set of places and use it for both models, and make round(share * N) clips public."
                        if found > wanted else "Score all three axes by mean_spearman, on round(share * N) clips."))
    what = "`chance_to_be_fooled(a, b, truth, share=0.2, draws=40)`"
    if len({call(a, b, 0.2, 40, 1, what) for _ in range(4)}) > 1:
        raise NotYet("Calls with the seed 1 give different shares. Make the generator from the seed.")
    if len({call(a, b, 0.2, 40, seed, what) for seed in range(1, 7)}) == 1:
        raise NotYet("Six seeds give the same share. Make the generator from the seed.")
