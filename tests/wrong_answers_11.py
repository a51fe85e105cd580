"""Lesson 11: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
"""

WRONG = {
    "11.1": [
        (("return (new - middle)", "return (new - new.mean(axis=0))"), "measured from their own mean"),
        (("return (new - middle)", "return new"), "The mean is not subtracted from the new vectors"),
        (("svd(space - middle,", "svd(space,"), "vectors that are not centred: the first one points at the mean"),
        ((")[2][:2]", ")[2][1::-1]"), "The two directions have changed places"),
        (("svd(space - middle,", "svd(new - new.mean(axis=0),"), "The directions are those of the new vectors"),
        (("(new - middle) @ directions.T", "directions @ (new - middle).T"), "Expected a row for each new vector"),
        ((")[2][:2]", ")[0][:, :2].T"), "Your code raised ValueError"),
        (("return (new", "(new"), "is None. Expected a value; does the function end with `return`"),
    ],
    "11.2": [
        (("/ (same.sum() - 1)", "/ same.sum()"), "The clip itself is counted among its genre"),
        (("min(distances", "max(distances"), "Expected the nearest other genre: min"),
        (("min(distances[clip, labels == other].mean() for other in set(labels) - {genre})",
          "distances[clip, ~same].mean()"), "b is the mean distance to all clips of other genres"),
        (("(b - a) / max(a, b)", "(a - b) / max(a, b)"), "The sign is turned"),
        (("(b - a) / max(a, b)", "(b - a) / (a + b)"), "divided by the sum"),
        (("(b - a) / max(a, b)", "b - a"), "The division by max"),
        (("np.zeros(len(labels))", "np.ones(len(labels))"), "alone in its genre has no other to be near to. Expected"),
        (("return found", "return found.mean()"), "One number is given, the mean"),
    ],
    "11.3": [
        ("def kept_neighbours(space, picture, count):\n"
         "    order = np.argsort(space)[:, :count], np.argsort(picture)[:, :count]\n"
         "    return np.mean([len(set(a) & set(b)) / count for a, b in zip(*order)])",
         "The clip itself is among its neighbours"),
        ("def kept_neighbours(space, picture, count):\n"
         "    a, b = (np.argsort(one)[:, 1:count + 1] for one in (space, picture))\n"
         "    return np.mean(a == b)", "Their order does not count: compare sets"),
        (("[:count])", "[-count:])"), "These are the farthest clips"),
        (("/ count)", ")"), "Expected their share: divide by `count`"),
        (("return np.mean(kept)", "return kept"), r"to have the shape \(\), found \(40,\)"),
    ],
}
