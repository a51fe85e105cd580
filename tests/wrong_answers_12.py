"""Lesson 12: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
"""

WRONG = {
    "12.1": [
        (("return np.pad(sound, (0, length - len(sound)))[None]", "return np.pad(sound, (0, length - len(sound)))"),
         r"Expected the shape \(1, 8\): add \[None\]"),
        (("(0, length - len(sound))", "(length - len(sound), 0)"), "the zeros stand before the sound"),
        (("        starts.append(len(sound) - length)", "        pass"), "samples at the end are in no piece"),
        (("if starts[-1] + length < len(sound):", "if True:"), "the last piece is there twice"),
        (("- length + 1, step)", "- length, step)"), "Your code raised IndexError"),
        (("- length + 1, step)", ", step)"), "Your code raised ValueError"),
        (("starts.append(len(sound) - length)", "starts.append(starts[-1] + step)"), "Your code raised ValueError"),
    ],
    "12.2": [
        (("promise * (len(strange) + 1)", "promise * len(strange)"), "The new clip counts too: n . 1"),
        (("[rank - 1]", "[rank]"), "Your code raised IndexError|take one place less"),
        (("np.ceil(", "np.floor("), "The rank is rounded down"),
        (("return np.inf", "return np.max(strange)"), "expected infinity"),
        (("np.sort(strange)", "np.sort(strange)[::-1]"), "Expected the smallest first"),
        (("np.sort(strange)", "strange"), "The numbers are not in order"),
        ("def threshold_of(strange, promise=0.9): return np.quantile(strange, promise)", "This is numpy's quantile"),
        ("def threshold_of(strange, promise=0.9):\n    strange.sort()\n    return strange[int(promise * len(strange))]",
         "are in another order now"),
    ],
    "12.3": [
        (("before < enough - 1e-9", "sums <= enough"), "The genre that reaches `enough` is missing"),
        (("before < enough - 1e-9", "before <= enough + 1e-9"), "One genre too many"),
        (("    taken[:, 0] = True\n", ""), "A set is empty"),
        (("return sets", "return taken"), "in the order of the probabilities"),
        ("def grown(chances, enough): return chances >= enough", "judged by its own probability"),
        (("dtype=bool", "dtype=float"), "expected booleans, found float64"),
    ],
}
