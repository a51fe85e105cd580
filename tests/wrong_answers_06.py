"""Lesson 6: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np

def share(part, whole):
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
"""

DRAW = "draw = rng.integers(albums, size=albums)"
WRONG = {
    "6.1": [
        (("beta**2 * missed + false", "missed + beta**2 * false"), "Misses and false hits have changed places"),
        (("return share(weighed, weighed + beta**2 * missed + false)",
          "return weighed / (weighed + beta**2 * missed + false)"), r"Genre 4 has no number \(NaN\): 0 is divided"),
        (("weighed = (1 + beta**2) * hits", "weighed, beta = (1 + beta) * hits, beta ** 0.5"), "beta is not squared"),
        (("beta**2 * missed", "missed"), r"beta \*\* 2 is missing before the misses"),
        (("share(weighed, weighed +", "share(weighed, hits +"), r"lack their factor \(1 \+ beta \*\* 2\)"),
        (("matrix.sum(axis=1) - hits, matrix.sum(axis=0) - hits", "matrix.sum(axis=1), matrix.sum(axis=0)"),
         "Subtract the diagonal"),
        (("hits = matrix.diagonal()", "hits, beta = matrix.diagonal(), 1"), "This is F1, whatever beta is"),
        (("return share(weighed, weighed + beta**2 * missed + false)",
          "return share(weighed, weighed + beta**2 * missed + false).mean()"), r"to have the shape \(4,\), found \(\)"),
    ],
    "6.2": [
        ((DRAW, "draw = rng.permutation(albums)"), "It is that of all albums: draw with repetition"),
        ((DRAW, "draw = np.random.default_rng(seed).integers(albums, size=albums)"), "Draw anew for each score"),
        ((DRAW, "draw = np.unique(rng.integers(albums, size=albums))"), "an album that is drawn twice counts once"),
        ((DRAW, "draw = rng.integers(albums, size=10 * albums)"), "or more albums are drawn than there are"),
        ((DRAW, "draw = rng.integers(albums, size=albums // 2)"), "Draw as many albums as there are, no fewer"),
        (("f_beta(matrices[draw].sum(axis=0), beta).mean()",
          "np.mean([f_beta(one, beta).mean() for one in matrices[draw]])"), "each album was scored by itself"),
        (("f_beta(matrices[draw].sum(axis=0), beta).mean()",
          "f_beta(rng.multinomial(matrices.sum(), matrices.sum(axis=0).ravel() / matrices.sum())"
          ".reshape(3, 3), beta).mean()"), "Either clips were drawn instead of albums"),
        (("default_rng(seed)", "default_rng(0)"), "The seeds 3 and 4 give the same draws"),
        (("default_rng(seed)", "default_rng()"), "Two calls with the seed 3 give different draws"),
        (("beta).mean()", "2).mean()"), "to lie about"),
        (("beta).mean()", "beta)[0]"), "take the mean over all genres|to lie about"),
        (("return np.array(scores)", "return np.mean(scores)"), r"to have the shape \(1000,\), one score a draw"),
        ((DRAW, "draw = rng.integers(albums - 1, size=albums)"), "from two albums 100% hold the first alone"),
        ((DRAW, "draw = rng.integers(1, albums, size=albums)"), "0% both and 100% the second alone"),
        ((DRAW, "draw = rng.integers(albums, size=albums - 1)"), "Expected about 25 %, 50 % and 25 %"),
        # exercise 6.1 left as it was, or wrong
        (("def drawn_scores", "def f_beta(matrix, beta): return ...\n\n\ndef drawn_scores"), "an earlier exercise"),
        (("def drawn_scores", "def f_beta(matrix, beta): hits = 1\n\n\ndef drawn_scores"), "an earlier exercise not"),
        (("def drawn_scores", "def f_beta(matrix, beta): return matrix.diagonal() / matrix.sum(axis=1)\n\n\n"
          "def drawn_scores"), "exercise 6.1 is not correct yet"),
    ],
    "6.3": [
        (("2 * binom", "binom"), "one side of the test alone"),
        (("min(1.0, 2 * binom.cdf(fewer, only_first + only_second, 0.5))",
          "2 * binom.cdf(fewer, only_first + only_second, 0.5)"), "A probability beyond 1"),
        (("only_first + only_second, 0.5", "len(truth), 0.5"), "All clips were thrown as coins"),
        (("min(1.0, 2 * binom.cdf(fewer, only_first + only_second, 0.5))",
          "binom.cdf(max(only_first, only_second), only_first + only_second, 0.5)"), "Take the smaller one"),
        (("binom.cdf(fewer, only_first + only_second, 0.5)",
          "(1 - binom.cdf(max(only_first, only_second), only_first + only_second, 0.5))"),
         r"`1 - cdf\(k\)` is the probability of more than k; that of at least k is `1 - cdf\(k - 1\)`"),
        ("from scipy.stats import chi2\ndef coin_p(first, second, truth):\n"
         "    one, other = (np.sum((a == truth) & (b != truth)) for a, b in ((first, second), (second, first)))\n"
         "    return chi2.sf((abs(one - other) - 1) ** 2 / (one + other), 1)", "approximation by chi-square"),
        ("from scipy.stats import binomtest\ndef coin_p(first, second, truth):\n"
         "    return binomtest(int(np.sum(first == truth)), len(truth)).pvalue", "All clips are counted"),
        (("return min(1.0,", "return (0 / (only_first + only_second)) + min(1.0,"), r"no number \(NaN\).*p = 1"),
        (("(second == truth) & (first != truth)", "second != truth"), "Count the clips that exactly one of the two"),
    ],
}
