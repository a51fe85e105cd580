"""The checks of lesson 8: ranks with ties, a loss that cannot broadcast, and folds that keep albums whole."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """The ranks (N,) of numbers, from 1; equal ones share their mean rank."""
    smaller, equal = ((compared(values[None, :], values[:, None])).sum(axis=1) for compared in (np.less, np.equal))
    return smaller + (equal + 1) / 2


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation, NaN where one of the two is constant."""
    with np.errstate(invalid="ignore"):
        return float(np.corrcoef(one, other)[0, 1])


def show_ranks() -> None:
    """Six answers as bars, and their ranks above them; the third and the fifth are alike."""
    from labkit import plots

    values = np.array([0.42, 0.15, 0.66, 0.31, 0.66, 0.90])
    figure, (axis,) = plots.figure(height=2.0)
    ranks = [f"{rank:g}" for rank in mean_ranks(values)]
    axis.bar(np.arange(1, 7), values, color=[plots.COLOURS[4 if value == 0.66 else 0] for value in values])
    for place, (value, rank) in enumerate(zip(values, ranks, strict=True), start=1):
        axis.annotate(f"rank {rank}", (place, value), xytext=(0, 2), textcoords="offset points", ha="center",
                      fontsize=8.5)
    axis.set(xlabel="clip", ylabel="answer", ylim=(0, 1.08))
    plots.show(figure, alt="The target of exercise 8.1: the answers of six clips as bars, "
                           f"{', '.join(f'{value:g}' for value in values)}, with their ranks above them, "
                           f"{', '.join(ranks)}. The two that are alike share the rank 4.5.")


@exercise("8.1", names=("rank_correlation",), target=show_ranks,
          hints=("`values[None, :] < values[:, None]` is a table with a row for each number: in row i it is true where "
                 "another number is smaller than number i. Counted along the row it is how many are smaller. The same "
                 "table with == counts those that are equal.",
                 "A rank is `smaller + (equal + 1) / 2`. `np.corrcoef(a, b)` gives the table [[1, r], [r, 1]]; the "
                 "correlation of the two is the entry [0, 1]."),
          praise="It is scipy's `spearmanr`, ties included, and so the score of this lesson and of the competition.")
def check_rank_correlation(rank_correlation):
    """Against scipy, with and without ties, for either sign, and where there is no order."""
    from scipy.stats import rankdata, spearmanr

    rng = np.random.default_rng(5)
    drawn = rng.normal(size=40)
    cases = {
        "four numbers, 0.1, 0.4, 0.2, 0.9 and 10, 5, 30, 40": ([0.1, 0.4, 0.2, 0.9], [10.0, 5.0, 30.0, 40.0]),
        "40 numbers and their cubes": (drawn, drawn ** 3),
        "40 numbers and the same with noise": (drawn, drawn + rng.normal(size=40)),
        "five numbers with ties": ([0.3, 0.1, 0.3, 0.8, 0.1], [0.2, 0.2, 0.5, 0.9, 0.1]),
        "40 whole numbers with many ties": (np.round(2 * drawn), np.round(drawn + rng.normal(size=40))),
        "two lists in opposite orders": (np.arange(6.0), np.arange(6.0)[::-1] ** 3),
    }
    for words, pair in cases.items():
        one, other = (np.array(values, dtype=float) for values in pair)
        kept = one.copy(), other.copy()
        answer = rank_correlation(one, other)
        if not (np.array_equal(kept[0], one) and np.array_equal(kept[1], other)):
            raise NotYet("The arrays that it was given are changed. Make new ones for the ranks.")
        what = f"`rank_correlation` of {words}"
        found = numbers(answer, what)
        if found.shape == (2, 2):
            raise NotYet("This is the whole table of `np.corrcoef`. Expected one number, its entry [0, 1].")
        wanted = float(spearmanr(*kept).statistic)
        table = [rankdata(kept[0], way) for way in ("ordinal", "min", "max", "dense")]
        beside = [rankdata(kept[1], way) for way in ("ordinal", "min", "max", "dense")]
        gaps, count = mean_ranks(kept[0]) - mean_ranks(kept[1]), len(one)
        usual = [
            (pearson(*kept), "This is Pearson's correlation of the numbers themselves. Take it of their ranks."),
            (pearson(kept[0].argsort(), kept[1].argsort()),
             "`argsort` gives places, not ranks: which number comes first, not how many come before each."),
            (pearson(table[0], beside[0]), "Equal numbers get different ranks here, by the place where they stand. "
                                           "Expected the mean of the ranks that they share."),
            (pearson(table[1], beside[1]), "Equal numbers all get the lowest of their ranks. Expected the mean of the "
                                           "ranks that they share: count half of the equal ones too."),
            (pearson(table[2], beside[2]), "Equal numbers all get the highest of their ranks. Expected the mean of the "
                                           "ranks that they share."),
            (pearson(table[3], beside[3]), "After equal numbers the ranks go on without a gap. Two that share the "
                                           "first place both have the rank 1.5, and the next one has 3."),
            (1 - 6 * np.sum(gaps ** 2) / (count * (count ** 2 - 1)),
             "This is the formula with the squared differences of the ranks, which holds without ties only. Take "
             "Pearson's correlation of the ranks."),
            (-wanted, "The sign is wrong: one of the two is ranked from above, the other from below."),
        ]
        expect(found, wanted, what, [(value, why) for value, why in usual if not np.isclose(value, wanted)],
               rtol=1e-6, atol=1e-7, advice="Print the ranks of both: they should be scipy's `rankdata`.")
    constant, some = np.full(5, 0.5), np.arange(5.0)
    for pair in ((constant, some), (some, constant)):
        found = numbers(rank_correlation(*(one.copy() for one in pair)), "`rank_correlation` with equal numbers alone")
        if found.shape != () or not np.isnan(found):
            raise NotYet(f"Where all numbers of one array are alike, it gives {found}. Expected nan: there is no "
                         "order, which is another thing than an order that has nothing to do with the labels.")


@exercise("8.2", names=("mse",),
          hints=("Compare the two `.shape`s first. `raise ValueError(f\"...\")` ends the function with a message; put "
                 "both shapes into it.",
                 "With equal shapes `(output - targets) ** 2` has that shape too, and `.mean()` makes one number of "
                 "it. Stay with torch: numpy and `.item()` cut off the gradient."),
          praise="It is torch's `mse_loss` where the shapes agree, and where they do not, nobody has to notice a "
                 "warning.")
def check_mse(mse):
    """Against torch's value and gradient for several shapes, and by pairs of shapes that broadcasting would accept."""
    import torch

    rng = torch.Generator().manual_seed(3)
    for shape in ((5,), (4, 1), (4, 3), (1,)):
        what = f"`mse` of two tensors of the shape {shape}"
        output, targets = (torch.randn(shape, generator=rng) for _ in range(2))
        leaf, kept = output.clone().requires_grad_(), targets.clone()
        try:
            loss = mse(leaf, kept)
        except ValueError as error:
            raise NotYet(f"{what} ends with ValueError: {error}. Expected a number: the shapes are equal.") from None
        wanted = torch.nn.functional.mse_loss(output, targets)
        gap = output - targets
        usual = ((gap.pow(2).sum(), "This is the sum of the squares. Expected their mean."),
                 (gap.pow(2).mean().sqrt(), "This is the root of the mean squared error. Leave the root out."),
                 (gap.abs().mean(), "This is the mean absolute error. Square the differences."),
                 (gap.mean() ** 2, "The mean is taken before the square. Square each difference first."),
                 (gap.pow(2), "This is one number for each answer. Expected one in all: their mean."))
        close = [(value, why) for value, why in usual
                 if value.shape != wanted.shape or not torch.isclose(value, wanted)]
        expect(loss, wanted, what, close, rtol=1e-5)
        if not getattr(loss, "requires_grad", False):
            raise NotYet(f"No gradient flows through the answer of {what}: a network could not learn from it. "
                         "Compute with the tensors, without `.item()`, `.detach()` and numpy.")
        loss.backward()
        expect(leaf.grad, 2 * gap / gap.numel(), f"the gradient of {what}", rtol=1e-5)
        if not torch.equal(kept, targets):
            raise NotYet("The targets that it was given are changed.")
    for one, other in (((4, 1), (4,)), ((4,), (4, 1)), ((4,), (1,)), ((3, 3), (3,)), ((1, 1), (1,)), ((4,), ())):
        what = f"shapes {one} and {other}"
        output, targets = torch.randn(one, generator=rng).requires_grad_(), torch.randn(other, generator=rng)
        try:
            answer = mse(output, targets)
        except ValueError as error:
            words = str(error).replace(" ", "")
            if not all(str(tuple(shape)).replace(" ", "") in words or str(list(shape)).replace(" ", "") in words
                       for shape in (one, other)):
                raise NotYet(f"For {what} it raises the ValueError {str(error)!r}. Put both shapes into the message, "
                             "as tuple(output.shape): whoever meets it wants to know which of the two is wrong.") \
                    from None
            continue
        except (AssertionError, RuntimeError, TypeError) as error:
            raise NotYet(f"For {what} it ends with {type(error).__name__}. Expected a ValueError of your own, which "
                         "names both shapes; an assert is skipped when Python runs with -O.") from None
        if answer is None:
            raise NotYet(f"For {what} it gives nothing, and says nothing. Expected a ValueError.")
        stretched = (output - targets).pow(2).mean().item()
        if np.allclose(numbers(answer, f"`mse` for {what}"), stretched):
            raise NotYet(f"For {what} it gives a number: they are stretched to "
                         f"{tuple(torch.broadcast_shapes(one, other))}. Expected a ValueError. Compare the two shapes "
                         "as they are, not their lengths or how many numbers they hold.")
        raise NotYet(f"For {what} it gives a number. Expected a ValueError: do not make them fit, for the mistake lies "
                     "where the two were made.")


def sizes_of_albums(kind: str) -> list[int]:
    """How many clips each of some albums has."""
    rng = np.random.default_rng(len(kind))
    return {"equal": [3] * 20, "unequal": [12, 1, 2, 1, 2, 9, 1, 2, 1, 1, 7, *[2, 1] * 8], "one large": [40, *[4] * 9],
            "drawn": rng.integers(1, 9, 31).tolist(), "few": [5, 4, 4, 3, 2, 2]}[kind]


def albums(kind: str) -> np.ndarray:
    """The album of each clip, clips in no order; names are words, for "drawn" numbers with gaps."""
    sizes = sizes_of_albums(kind)
    names = np.repeat(np.arange(len(sizes)), sizes)
    names = 7 * names + 100 if kind == "drawn" else np.array([f"album {name:02d}" for name in names])
    return np.random.default_rng(1).permutation(names)


def balanced(groups: np.ndarray, count: int) -> np.ndarray:
    """What exercise 8.3 asks for: the largest album first, each into the smallest fold."""
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    filled, home = np.zeros(count, dtype=int), np.zeros(len(names), dtype=int)
    for album in np.argsort(-sizes, kind="stable"):
        home[album] = filled.argmin()
        filled[home[album]] += sizes[album]
    return home[place]


def show_folds() -> None:
    """Fifteen albums as blocks in four rows, the folds, with the clips of each fold at its end."""
    from labkit import plots

    sizes = [9, 7, 6, 5, 5, 4, 4, 3, 3, 3, 2, 2, 1, 1, 1]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    fold = balanced(groups, 4)
    filled = np.bincount(fold)
    figure, (axis,) = plots.figure(height=1.9)
    start = np.zeros(4)
    for album, size in enumerate(sizes):
        row = fold[groups == album][0]
        axis.barh(row, size, left=start[row], color=plots.COLOURS[5], edgecolor="white", linewidth=1.5)
        axis.text(start[row] + size / 2, row, str(size), ha="center", va="center", fontsize=8)
        start[row] += size
    for row, clips in enumerate(filled):
        axis.text(clips + 0.2, row, f"{clips} clips", va="center", fontsize=8.5)
    axis.set(xlabel="clips", ylabel="fold", yticks=range(4), ylim=(3.6, -0.6), xlim=(0, filled.max() + 2))
    plots.show(figure, alt="The target of exercise 8.3: fifteen albums of 9 to 1 clips as blocks in four rows. "
                           + " ".join(f"Fold {row} has {clips} clips." for row, clips in enumerate(filled)))


@exercise("8.3", names=("album_folds",), target=show_folds,
          hints=("Go through the albums, the largest first, and keep count of the clips in each fold. "
                 "`filled.argmin()` is the number of the fold that is the smallest so far.",
                 "`groups == albums[place]` is true for the clips of one album; `fold[...] = ...` writes the number of "
                 "the fold for all of them at once. Then add the clips of the album to `filled`: `sizes[place]`."),
          praise="Albums are whole and the folds about equal: scikit-learn's `GroupKFold` makes no better ones.")
def check_album_folds(album_folds):
    """By the properties that folds must have, for albums of many sizes and several numbers of folds."""
    for kind in ("equal", "unequal", "one large", "drawn", "few"):
        groups = albums(kind)
        for count in (4, 2, 3, 5, 6):
            if count <= len(set(groups.tolist())):
                check_folds(album_folds, groups, count)
    check_folds(album_folds, list(albums("unequal")), 4)


def check_folds(album_folds, groups, count: int) -> None:
    """Raise NotYet unless the folds of some clips are numbers, whole and balanced."""
    names = np.asarray(groups).copy()
    known, place, sizes = np.unique(names, return_inverse=True, return_counts=True)
    what = f"`album_folds(groups, {count})` of {len(names)} clips of {len(known)} albums"
    fold = numbers(album_folds(groups.copy(), count), f"The answer of {what}")
    if fold.shape == (len(known),) != (len(names),):
        raise NotYet(f"{what} gives one number for each album. Expected one for each clip.")
    if fold.shape != (len(names),):
        raise NotYet(f"Expected {what} to have the shape ({len(names)},), the fold of each clip, found {fold.shape}.")
    if np.any(fold % 1) or np.isnan(fold).any():
        raise NotYet(f"Expected whole numbers as folds of {what}, found fractions or NaN.")
    fold = fold.astype(int)
    if fold.min() < 0 or fold.max() >= count:
        raise NotYet(f"The folds of {what} run from {fold.min()} to {fold.max()}. Expected 0 to {count - 1}.")
    torn = [album for album in range(len(known)) if len(set(fold[place == album])) > 1]
    if torn:
        raise NotYet(f"In {what}, {str(known[torn[0]])!r} stands in {len(set(fold[place == torn[0]]))} folds, and "
                     f"{len(torn)} albums are divided in all. Give all clips of an album the same number.")
    filled = np.bincount(fold, minlength=count)
    if not filled.all():
        raise NotYet(f"Fold {filled.argmin()} of {what} has no clip. " + (
            "All clips are in one fold: count what you have put into each." if np.sum(filled > 0) == 1 else
            "Each fold is held out once, so none may be empty."))
    if np.ptp(filled) > sizes.max():
        number = np.array([len(set(place[fold == one])) for one in range(count)])
        even = np.ptp(number) <= 1
        raise NotYet(f"The folds of {what} have {', '.join(map(str, filled))} clips. Expected them to differ by no "
                     f"more than {sizes.max()}, the clips of the largest album. " + (
                         "They have about equally many albums, but albums are of unequal size: count clips." if even
                         else "Put each album into the fold that has the fewest clips so far."))
