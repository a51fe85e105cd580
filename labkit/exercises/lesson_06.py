"""The checks of lesson 6: F-beta from a confusion matrix, albums drawn again and again, and McNemar's exact p."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers

# Genre 2 occurs and is never answered, genre 3 is answered and never occurs, genre 4 neither.
MATRIX = np.array([[8, 1, 0, 1, 0],
                   [3, 5, 0, 0, 0],
                   [2, 4, 0, 0, 0],
                   [0, 0, 0, 0, 0],
                   [0, 0, 0, 0, 0]])


def scores_of(matrix: np.ndarray, beta: float) -> np.ndarray:
    """What exercise 6.1 asks for, by scikit-learn."""
    from sklearn.metrics import fbeta_score

    rows, columns = np.indices(matrix.shape)
    truth, answer = (np.repeat(places.ravel(), matrix.ravel()) for places in (rows, columns))
    return fbeta_score(truth, answer, beta=beta, labels=range(len(matrix)), average=None, zero_division=0)


def show_scores() -> None:
    """A confusion matrix of three genres, and F-beta of each for three betas."""
    from labkit import plots

    matrix, genres = np.array([[18, 2, 0], [9, 10, 1], [8, 6, 6]]), ("A", "B", "C")
    figure, axes = plots.figure(columns=2, height=2.3, width_ratios=[1, 2])
    plots.confusion(axes[0, 0], matrix, genres)
    told = []
    for place, (beta, colour) in enumerate(zip((0.5, 1, 2), plots.COLOURS[:3], strict=True)):
        scores = scores_of(matrix, beta)
        bars = axes[0, 1].bar(np.arange(3) + 0.27 * (place - 1), scores, 0.25, color=colour, label=f"beta = {beta:g}")
        axes[0, 1].bar_label(bars, fmt="%.2f", fontsize=8)
        told.append(f"with beta {beta:g} " + ", ".join(f"{score:.2f}" for score in scores))
    axes[0, 1].set(xticks=range(3), xlabel="genre", ylabel="F-beta", ylim=(0, 1.05))
    axes[0, 1].set_xticklabels(genres)
    axes[0, 1].legend(ncols=3, loc="upper center")
    plots.show(figure, alt="The target of exercise 6.1: a confusion matrix of the genres A, B and C, and the scores of "
                           f"the three as bars: {'; '.join(told)}. A, found often and named too often, gains with "
                           "beta; C, seldom named, loses.")


@exercise("6.1", names=("f_beta",), target=show_scores,
          hints=("Misses stand in the row of a genre, beside the diagonal; false hits stand in its column. Both are a "
                 "sum less the hits.",
                 "`share(part, whole)` of section 6.2 gives 0 where there is nothing to divide by. The part is "
                 "(1 + beta ** 2) * hits."),
          praise="Your scores are scikit-learn's, also for a genre that is never named; with beta = 1 they are F1.")
def check_f_beta(f_beta):
    """Against scikit-learn, for three betas and two matrices, with genres that are never answered or never occur."""
    drawn = np.random.default_rng(2).integers(0, 9, (4, 4))
    for matrix, name in ((drawn, "a matrix without empty rows and columns"), (MATRIX, "a matrix with an empty column")):
        for beta in (2.0, 0.5, 1.0):
            what, wanted = f"`f_beta(matrix, {beta:g})` of {name}", scores_of(matrix, beta)
            found = numbers(f_beta(matrix.copy(), beta), what)
            if found.shape == wanted.shape and np.isnan(found).any():
                genre = int(np.flatnonzero(np.isnan(found))[0])
                raise NotYet(f"Genre {genre} has no number (NaN): 0 is divided by 0. Expected 0 there. `share` of "
                             "section 6.2 does that; one fraction of hits, misses and false hits needs no precision.")
            hits, square = matrix.diagonal(), beta**2
            missed, wrongly = matrix.sum(axis=1) - hits, matrix.sum(axis=0) - hits

            def fraction(part, whole):
                return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)

            usual = [
                (scores_of(matrix.T, beta), "Misses and false hits have changed places. The rows are the true genres: "
                                            "what stands in a row beside the diagonal was missed, and beta ** 2 "
                                            "belongs to it."),
                (fraction((1 + beta) * hits, (1 + beta) * hits + beta * missed + wrongly),
                 "beta is not squared. The formula has beta ** 2 in all three places."),
                (fraction((1 + square) * hits, (1 + square) * hits + missed + wrongly),
                 "beta ** 2 is missing before the misses."),
                (fraction((1 + square) * hits, hits + square * missed + wrongly),
                 "The hits below the line lack their factor (1 + beta ** 2): the result goes beyond 1."),
                (fraction((1 + square) * hits, (1 + square) * hits + square * (missed + hits) + wrongly + hits),
                 "Rows and columns hold the hits too. Subtract the diagonal: misses are a row's sum less its hits."),
                (scores_of(matrix, 1.0), "This is F1, whatever beta is. Weigh the misses by beta ** 2."),
            ]
            same = [(value, why) for value, why in usual if not np.allclose(value, wanted)]
            expect(found, wanted, what, same, advice="Let beta be 1 first: that is the F1 of section 6.2.")


def matrices_of_albums() -> np.ndarray:
    """The confusion matrices (30, 3, 3) of 30 albums of 1 to 8 clips, each album all right or all wrong."""
    rng, made = np.random.default_rng(5), np.zeros((30, 3, 3), dtype=int)
    for album, matrix in enumerate(made):
        genre, clips = album % 3, int(rng.integers(1, 9))
        answer = genre if rng.random() < (0.9, 0.6, 0.4)[genre] else int(genre == 0)  # mostly the first
        matrix[genre, answer] = clips
    return made


def drawn(matrices: np.ndarray, beta: float, samples: int, seed: int) -> np.ndarray:
    """What exercise 6.2 asks for."""
    draws = np.random.default_rng(seed).integers(len(matrices), size=(samples, len(matrices)))
    return np.array([mean_score(matrices[draw].sum(axis=0), beta) for draw in draws])


def mean_score(matrix: np.ndarray, beta: float) -> float:
    """The mean F-beta of all genres, as `scores_of`, but quick."""
    whole = beta**2 * matrix.sum(axis=1) + matrix.sum(axis=0)
    return float(np.mean((1 + beta**2) * matrix.diagonal() / np.where(whole > 0, whole, 1)))


def show_drawn() -> None:
    """The scores of a thousand draws of thirty albums, and the score of the albums as they are."""
    from labkit import plots

    matrices = matrices_of_albums()
    scores, value = drawn(matrices, 1.0, 1000, 0), mean_score(matrices.sum(axis=0), 1.0)
    low, high = np.quantile(scores, [0.025, 0.975])
    figure, (axis,) = plots.figure(height=2.0)
    axis.hist(scores, bins=30)
    for place, style in ((value, "-"), (low, ":"), (high, ":")):
        axis.axvline(place, color="black", linestyle=style, linewidth=1)
    axis.set(xlabel="mean F1 of the drawn albums", ylabel="draws", title=f"{value:.2f} ({low:.2f} to {high:.2f})")
    plots.show(figure, alt=f"The target of exercise 6.2: a histogram of a thousand scores, one hump about {value:.2f}; "
                           f"95 % of them lie between {low:.2f} and {high:.2f}.")


@exercise("6.2", names=("drawn_scores",), target=show_drawn,
          hints=("A draw is as many numbers of albums as there are albums, with repetition: `rng.integers(albums, "
                 "size=...)`. An album that is drawn twice counts twice.",
                 "`matrices[draw]` are the matrices of one draw, repeated where an album is. Add them up with "
                 "`.sum(axis=0)`, and score the sum with `f_beta(..., beta).mean()`."),
          praise="Your draws spread as ours do: the middle 95 % of them are the interval that `bootstrap` gives for "
                 "whole albums.")
def check_drawn_scores(drawn_scores):
    """By number, mean and spread of the draws against ours, which no seed has in common."""
    matrices = matrices_of_albums()
    for beta in (1.0, 2.0, 0.5):
        what = f"`drawn_scores(matrices, beta={beta:g}, samples=1000, seed=0)` of 30 albums"
        found = numbers(drawn_scores(matrices.copy(), beta=beta, samples=1000, seed=0), what)
        if found.shape != (1000,):
            raise NotYet(f"Expected {what} to have the shape (1000,), one score a draw, found {found.shape}.")
        if np.isnan(found).any():
            raise NotYet(f"{np.isnan(found).sum()} of the 1000 scores are no numbers (NaN). Let exercise 6.1 be "
                         "correct first, also for genres that a draw lacks.")
        ours, value = drawn(matrices, beta, 2000, 99), mean_score(matrices.sum(axis=0), beta)
        if np.ptp(found) < 1e-9:
            raise NotYet("All draws give the same score. " + (
                "It is that of all albums: draw with repetition, so that some albums come twice and others not at all."
                if abs(found[0] - value) < 1e-6 else "Draw anew for each score, not once for all."))
        alone = np.mean([mean_score(matrix, beta) for matrix in matrices])
        if abs(found.mean() - alone) < abs(found.mean() - ours.mean()):
            raise NotYet("The scores lie where the mean over single albums lies: each album was scored by itself. Add "
                         "up the matrices of a draw first, then score the sum.")
        ratio = found.std() / ours.std()
        if ratio < 0.88:
            raise NotYet(f"The scores spread less than those of drawn albums, {found.std():.3f} instead of "
                         f"{ours.std():.3f}. Either clips were drawn instead of albums, or an album that is drawn "
                         "twice counts once, or more albums are drawn than there are, or exercise 6.1 is not correct "
                         "yet.")
        if ratio > 1.12:
            raise NotYet(f"The scores spread more than they should, {found.std():.3f} instead of {ours.std():.3f}. "
                         "Draw as many albums as there are, no fewer, take the mean over all genres, and let exercise "
                         "6.1 be correct first.")
        if abs(found.mean() - ours.mean()) > 0.2 * ours.std():
            raise NotYet(f"Expected the scores of {what} to lie about {ours.mean():.3f}, found {found.mean():.3f}. "
                         "Draw each album with the same probability, hand on beta, and let exercise 6.1 be correct "
                         "first.")
    two = np.array([[[3, 0], [1, 0]], [[0, 1], [0, 6]]])   # the first album, both or the second: three scores
    found = numbers(drawn_scores(two.copy(), beta=1.0, samples=1000, seed=0), "`drawn_scores` of two albums")
    parts = [float(np.mean(np.isclose(found, mean_score(matrix, 1.0)))) for matrix in (2 * two[0], two.sum(axis=0),
                                                                                     2 * two[1])]
    if np.abs(np.subtract(parts, (0.25, 0.5, 0.25))).max() > 0.08:
        raise NotYet("Of 1000 draws from two albums {:.0%} hold the first alone, {:.0%} both and {:.0%} the second "
                     "alone. Expected about 25 %, 50 % and 25 %: a draw holds two albums, and each of the two is the "
                     "first or the second with the same probability. rng.integers(n) gives 0 to n - 1.".format(*parts))
    again, other = (numbers(drawn_scores(matrices.copy(), beta=1.0, samples=50, seed=seed), "`drawn_scores`")
                    for seed in (3, 4))
    if np.array_equal(again, other):
        raise NotYet("The seeds 3 and 4 give the same draws. Make the generator from the seed.")
    if not np.array_equal(again, numbers(drawn_scores(matrices.copy(), beta=1.0, samples=50, seed=3), "it")):
        raise NotYet("Two calls with the seed 3 give different draws. Make the generator from the seed.")


def answers(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers of two networks and the truth, with so many clips that both, one or none of them get right."""
    first_right = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second_right = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    truth = np.arange(len(first_right)) % 4
    return np.where(first_right, truth, truth + 1), np.where(second_right, truth, truth + 2), truth


def show_throws() -> None:
    """The counts of heads in eleven throws, with those that are as far apart as 9 and 2."""
    from scipy.stats import binom

    from labkit import plots

    heads = np.arange(12)
    shares = binom.pmf(heads, 11, 0.5)
    far = np.abs(2 * heads - 11) >= 7
    figure, (axis,) = plots.figure(height=2.0)
    for part, colour in ((~far, "0.75"), (far, plots.COLOURS[1])):
        axis.bar(heads[part], shares[part], color=colour)
    axis.annotate(f"together {shares[far].sum():.3f}", (9.5, 0.06), ha="center", color=plots.COLOURS[1], fontsize=8.5)
    axis.set(xlabel="clips of 11 that the first network gets right, were it a coin", ylabel="probability", xticks=heads)
    plots.show(figure, alt="The target of exercise 6.3: bars of the probability of 0 to 11 heads in eleven throws, "
                           f"highest at 5 and 6. Those of 0 to 2 and of 9 to 11 are coloured; together they are "
                           f"{shares[far].sum():.3f}.")


@exercise("6.3", names=("coin_p",), target=show_throws,
          hints=("Only clips count that exactly one network gets right. Of these, count those of the first and those "
                 "of the second network.",
                 "`binom.cdf(k, n, 0.5)` is the probability of at most k heads in n throws. Take the smaller count for "
                 "k, double it for both sides, and never go beyond 1."),
          praise="It is the exact test of McNemar, as `labkit.evaluation.mcnemar` and `scipy.stats.binomtest` have it.")
def check_coin_p(coin_p):
    """Against scipy's binomtest, for unequal, equal and no counts, in both orders."""
    from scipy.stats import binom, binomtest, chi2

    for both, one, other, neither in ((20, 9, 2, 10), (20, 2, 9, 10), (5, 4, 4, 1), (30, 15, 30, 25), (6, 0, 0, 3)):
        apart, what = one + other, f"`coin_p` for {one} clips that only the first and {other} that only the second gets"
        wanted = binomtest(one, apart).pvalue if apart else 1.0
        least, clips = min(one, other), both + apart + neither
        wrong = [
            (wanted / 2, "This is one side of the test alone. A difference in either direction counts: double it."),
            (2 * binomtest(least, apart or 1, alternative="less").pvalue,
             "A probability beyond 1: with equal counts both sides overlap. Take min(1, ...)."),
            (binomtest(both + one, clips).pvalue, "All clips are counted. Expected only those that exactly one of the "
                                                  "two gets right."),
            (min(1.0, 2 * binomtest(least, clips, alternative="less").pvalue),
             "All clips were thrown as coins. The number of throws is the number of clips that exactly one of the two "
             "gets right."),
            (binomtest(max(one, other), apart or 1, alternative="less").pvalue,
             "This is the probability of at most the larger count. Take the smaller one."),
            *((min(1.0, sides * binom.sf(max(one, other), apart, 0.5)),
               "`1 - cdf(k)` is the probability of more than k; that of at least k is `1 - cdf(k - 1)`." + (
                   "" if sides == 2 else " And a difference in either direction counts: double it."))
              for sides in (2, 1)),
        ]
        if apart:
            wrong += [(chi2.sf((abs(one - other) - step) ** 2 / apart, 1),
                       "This is the approximation by chi-square. Expected the exact test, by the coin.")
                      for step in (0, 1)]
        usual = [(value, why) for value, why in wrong if not np.isclose(value, wanted)]
        found = numbers(coin_p(*answers(both, one, other, neither)), what)
        if found.ndim == 0 and np.isnan(found):
            raise NotYet(f"{what} is no number (NaN). Expected {wanted:.3g}: where the two never differ, a coin does "
                         "as well, p = 1.")
        expect(found, wanted, what, usual, rtol=1e-6, atol=1e-9,
               advice="Count the clips that exactly one of the two gets right, for each of the two.")
