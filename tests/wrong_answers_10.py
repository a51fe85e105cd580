"""Lesson 10: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np

from labkit.datasets import AFFECT
from labkit.evaluation import mean_spearman
"""

SORTED = "sorted(range(len(bare)), key=lambda place: int(bare[place]))"
SCALED = "(ranks - 1) / (ranks.shape[1] - 1)"
ROWS = "rows = rng.permutation(clips)[:round(share * clips)]"
SCORES = "mean_spearman(a[rows], truth[rows]) < mean_spearman(b[rows], truth[rows])"
WRONG = {
    "10.1": [
        ((SORTED, "range(len(bare))"), "in the order of the ids that were given"),
        ((SORTED, "sorted(range(len(bare)), key=lambda place: bare[place])"), "sorted as words"),
        (('name.split(".")[0]', "name"), "their old endings are still|invalid literal for int"),
        (("bare[place] + suffix", "ids[place] + suffix"), "their old endings are still"),
        (("bare[place] + suffix", "ids[place]"), "their old endings are still"),
        (("bare[place] + suffix", "bare[place]"), r"Expected ids such as '9\.fused.*Put `suffix` behind each"),
        (("predictions[place]", "predictions[len(lines) - 1]"), "The ids are sorted, their predictions are not"),
        ((".6f", ".2f"), "Six decimals at least"),
        ((".6f", ".6f}\\n{''"), "A line holds a line feed"),
        (("{value:.6f}", "{min(max(value, 0), 1):.6f}"), "cut off at 0 and 1"),
        (("[header, *AFFECT]", '["Id", *AFFECT]'), "Use the argument `header`"),
        (('",".join([header', '", ".join([header'), "Between two commas stand no spaces"),
        (('",".join([bare', '", ".join([bare'), "with commas between them and no spaces"),
        (('lines = [",".join([header, *AFFECT])]', "lines = []"), "Expected the first line 'Id,valence"),
        (("return lines", 'return "\\n".join(lines)'), "is a str. Expected a list of strings"),
        (("return lines", "return lines[:-1]"), "Expected 6 lines for 5 clips"),
        (('f"{value:.6f}"', "repr(value)"), "is none|with commas between"),
        (("predictions[place]", "predictions[place][::-1]"), "Take the row of predictions"),
        (("    lines = [", "    ids.sort()\n    lines = ["), "that it was given are changed"),
    ],
    "10.2": [
        (("rankdata(one, axis=0)", "one"), "Expected `blend` of one model|shape"),
        ("def blend(predictions):\n    return np.mean(predictions, axis=0)", "the means of the values"),
        ((SCALED, "ranks"), "The ranks run from 1 to N"),
        ((SCALED, "ranks / ranks.shape[1]"), "the lowest is not 0"),
        ((SCALED, "(ranks - 1) / ranks.shape[1]"), "the highest rank is not 1"),
        ((SCALED, "(ranks - 1) / (ranks.shape[0] - 0.5)"), "Expected `blend` of one model"),
        (("rankdata(one, axis=0)", "rankdata(one).reshape(one.shape)"), "The three axes are ranked together"),
        (("rankdata(one, axis=0)", "rankdata(one, axis=1)"), "three numbers of a clip are ranked"),
        (("rankdata(one, axis=0)", "1 + np.argsort(one, axis=0)"), "argsort tells which clip comes first"),
        (("rankdata(one, axis=0)", "1 + np.argsort(np.argsort(one, axis=0, kind='stable'), axis=0)"),
         "Equal values have unequal ranks"),
        (("rankdata(one, axis=0)", "rankdata(one, 'min', axis=0)"), "rankdata was told 'min'"),
        ((SCALED, "(ranks - ranks.min(1, keepdims=True)) / np.ptp(ranks, axis=1, keepdims=True)"),
         "The ranks that occur are stretched"),
        ("from scipy.stats import rankdata\ndef blend(predictions):\n    mean = np.mean(predictions, axis=0)\n"
         "    return (rankdata(mean, axis=0) - 1) / (len(mean) - 1)", "The values are averaged first"),
        (("scaled.mean(axis=0)", "(rankdata(scaled.mean(axis=0), axis=0) - 1) / (scaled.shape[1] - 1)"),
         "The blend is ranked once more"),
        (("rankdata(one, axis=0)", "rankdata(-one, axis=0)"), "The order is reversed"),
        (("scaled.mean(axis=0)", "scaled.sum(axis=0)"), "The ranks are added up. Divide"),
        (("scaled.mean(axis=0)", "scaled.mean(axis=1)"), r"to have the shape \(6, 3\), found \(1, 3\)"),
        (("    ranks =", "    for one in predictions:\n        one -= one.min()\n    ranks ="), "are changed"),
        (("return scaled", "scaled"), "is None"),
    ],
    "10.3": [
        ((ROWS, "rows = rng.integers(clips, size=round(share * clips))"), "Draw without repetition"),
        ((ROWS, "rows = rng.permutation(clips)[round(share * clips):]"), "Expected at least 2 clips|raised|shape"),
        ((ROWS, "rows = rng.permutation(clips)[:round((1 - share) * clips) or 60]"), "with a share of 0.7: public are"),
        ((ROWS, "rows = rng.permutation(clips)[:round(0.3 * clips) if share < 1 else clips]"),
         "with a share of 0.3: public are"),
        ((ROWS, "rows = np.random.default_rng(seed).permutation(clips)[:round(share * clips)]"), "all draws agree"),
        ((SCORES, "mean_spearman(a[rows], truth[rows]) < mean_spearman(b[other := rng.permutation(clips)[:len(rows)]],"
                  " truth[other])"), "Draw one set of places and use it for both"),
        ((SCORES, "mean_spearman(a[rows], truth[rows]) > mean_spearman(b[rows], truth[rows])"),
         "expected 0, found 1.00.*the sign is the other way"),
        ((SCORES, "mean_spearman(a[rows, 1], truth[rows, 1]) < mean_spearman(b[rows, 1], truth[rows, 1])"),
         "expected 0, found 1.00"),
        (("if mean_spearman(b, truth) > mean_spearman(a, truth):", "if False:"), "it gives the opposite"),
        (("return fooled / draws", "return fooled"), "Divide the count by `draws`"),
        (("return fooled / draws", "return fooled / 400"),
         "a count over the 60 draws that were asked for|a count over the 250 draws"),
        (("default_rng(seed)", "default_rng()"), "Calls with the seed 1 give different"),
        (("default_rng(seed)", "default_rng(7)"), "Six seeds give the same share"),
        (("    fooled = 0\n", "    fooled = 0\n    truth += 1\n"), "are changed"),
        (("return fooled / draws", "return [fooled / draws]"), "to be one number"),
    ],
}
