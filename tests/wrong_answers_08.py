"""Lesson 8: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
from torch.nn import functional
"""

RANKS = "ranks.append(smaller + (equal + 1) / 2)"
RETURN = "return ((output - targets) ** 2).mean()"
COMPARED = "if output.shape != targets.shape:"
PUT = "fold[groups == albums[place]] = smallest"
WRONG = {
    "8.1": [
        ("def rank_correlation(one, other): return np.corrcoef(one, other)[0, 1]", "correlation of the numbers them"),
        ("def rank_correlation(one, other): return np.corrcoef(one.argsort(), other.argsort())[0, 1]",
         "gives places, not ranks"),
        ("def rank_correlation(one, other):\n    ranks = [x.argsort(kind='stable').argsort() for x in (one, other)]\n"
         "    return np.corrcoef(*ranks)[0, 1]", "Equal numbers get different ranks"),
        ((RANKS, "ranks.append(smaller)"), "the lowest of their ranks"),
        ((RANKS, "ranks.append(smaller + equal)"), "the highest of their ranks"),
        ("def rank_correlation(one, other):\n    ranks = [np.unique(x, return_inverse=True)[1] for x in (one, other)]\n"
         "    return np.corrcoef(*ranks)[0, 1]", "go on without a gap"),
        (("return np.corrcoef(*ranks)[0, 1]",
          "return 1 - 6 * np.sum((ranks[0] - ranks[1]) ** 2) / (len(one) * (len(one) ** 2 - 1))"), "without ties only"),
        (("return np.corrcoef(*ranks)[0, 1]", "return -np.corrcoef(*ranks)[0, 1]"), "The sign is wrong"),
        (("np.corrcoef(*ranks)[0, 1]", "np.corrcoef(*ranks)"), "the whole table of `np.corrcoef`"),
        (("np.corrcoef(*ranks)[0, 1]", "np.nan_to_num(np.corrcoef(*ranks)[0, 1])"), "gives 0.0. Expected nan"),
        (("np.corrcoef(*ranks)[0, 1]", "np.cov(*ranks)[0, 1]"), "scipy's `rankdata`"),
        (("    ranks = []", "    one.sort()\n    ranks = []"), "that it was given are changed"),
        ("from scipy.stats import kendalltau\n"
         "def rank_correlation(one, other): return kendalltau(one, other).statistic",
         "to be 0.4, found 0.333"),
    ],
    "8.2": [
        ("def mse(output, targets): return functional.mse_loss(output, targets)",
         r"shapes \(4, 1\) and \(4,\) it gives a number: they are stretched to \(4, 4\)"),
        ((COMPARED, "if output.numel() != targets.numel():"), "not their lengths or how many numbers they hold"),
        ((COMPARED, "if len(output) != len(targets):"), r"stretched to \(4, 4\). Expected a ValueError"),
        ((COMPARED, "if output.ndim != targets.ndim:"),
         r"shapes \(4,\) and \(1,\) it gives a number: they are stretched to \(4,\)"),
        ("def mse(output, targets): return ((output.flatten() - targets.flatten()) ** 2).mean()",
         "do not make them fit"),
        ("def mse(output, targets):\n    assert output.shape == targets.shape\n"
         "    return functional.mse_loss(output, targets)", "it ends with AssertionError"),
        ("def mse(output, targets):\n    if output.shape != targets.shape: raise ValueError('shapes differ')\n"
         "    return functional.mse_loss(output, targets)", "Put both shapes into the message"),
        ("def mse(output, targets):\n    if output.shape != targets.shape: print('shapes differ')\n"
         "    return functional.mse_loss(output, targets)", r"stretched to \(4, 4\)"),
        ("def mse(output, targets):\n    if output.shape == targets.shape:\n"
         "        return functional.mse_loss(output, targets)", "it gives nothing, and says nothing. Expected a V"),
        ((COMPARED, "if output.shape == targets.shape:"), "Expected a number: the shapes are equal"),
        ((RETURN, "return ((output - targets) ** 2).sum()"), "This is the sum of the squares"),
        ((RETURN, "return ((output - targets) ** 2).mean().sqrt()"), "This is the root"),
        ((RETURN, "return (output - targets).abs().mean()"), "mean absolute error"),
        ((RETURN, "return (output - targets).mean() ** 2"), "The mean is taken before the square"),
        ((RETURN, "return (output - targets) ** 2"), "one number for each answer"),
        ((RETURN, "return ((output - targets) ** 2).mean().item()"), "No gradient flows"),
        ((RETURN, "return ((output.detach() - targets) ** 2).mean()"), "No gradient flows"),
    ],
    "8.3": [
        ("def album_folds(groups, count=4): return np.arange(len(groups)) % count", "albums are divided in all"),
        ("def album_folds(groups, count=4): return np.unique(groups, return_inverse=True)[1] % count",
         "about equally many albums, but albums are of unequal size"),
        ("def album_folds(groups, count=4):\n    names, place = np.unique(groups, return_inverse=True)\n"
         "    return np.random.default_rng(0).permutation(np.arange(len(names)) % count)[place]",
         "albums are of unequal size: count clips"),
        (("filled[smallest] += sizes[place]", "pass"), "All clips are in one fold"),
        (("smallest = filled.argmin()", "smallest = filled.argmax()"), "All clips are in one fold"),
        ((PUT, "fold[groups == albums[place]] = smallest + 1"), "run from 1 to 4. Expected 0 to 3"),
        ((PUT, "fold[place] = smallest"), "albums are divided in all|stands in"),
        (("return fold", "return filled"), r"to have the shape \(60,\), the fold of each clip, found \(4,\)"),
        (("return fold", "return [np.flatnonzero(fold == one) for one in range(count)]"), "shape|type|number"),
        ("def album_folds(groups, count=4):\n    rng = np.random.default_rng(0)\n"
         "    place = np.unique(groups, return_inverse=True)[1]\n"
         "    return rng.integers(count, size=place.max() + 1)[place]", "Expected them to differ by no more"),
        ("def album_folds(groups, count=4):\n    return np.arange(len(np.unique(groups))) % count",
         "one number for each album. Expected one for each clip"),
        (("np.zeros(count, dtype=int)", "np.zeros(count - 1, dtype=int)"), "has no clip|All clips are in one fold"),
    ],
}
