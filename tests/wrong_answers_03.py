"""Lesson 3: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """
import numpy as np
"""
CLASSES, SUMS = "np.round(pitches).astype(int) % 12", "np.bincount(classes, weights=seconds, minlength=12)"
TURN, ROLLED = "np.argmax(fits)", "np.roll(chroma, semitones, axis=0)"
ANSWER = "int(np.argmax(fits)), max(fits)"
# A wrong answer is a whole cell, or what in the solution is put for what.
WRONG = {
    "3.1": [
        ((SUMS, "np.zeros(12)\n    column[classes] += seconds"), "only the last is counted"),
        ((SUMS, "np.bincount(classes, weights=seconds)"), "give it minlength=12"),
        ((CLASSES, "np.round(pitches % 12).astype(int)"), "found 13.*round first"),
        ((CLASSES, "np.round(pitches).astype(int)"), "Take the pitches modulo 12"),
        ((CLASSES, "np.floor(pitches).astype(int) % 12"), "cut down to the lower one"),
        (("column / column.max()", "column"), "These are the seconds; the largest is 4"),
        (("column / column.max()", "column / column.sum()"), "divide by the maximum, not by the sum"),
        (("weights=seconds, ", ""), "This counts the notes"),
        ((CLASSES, "np.round(pitches - 69).astype(int) % 12"), "begins with A"),
        ((CLASSES, "(np.round(pitches).astype(int) + 1) % 12"), "by hand, as in the text"),
        ((CLASSES, "np.round(pitches).astype(int) % 12\n    seconds *= 2"), "changes the arrays that it is given"),
    ],
    "3.2": [
        ((ROLLED, "np.roll(chroma, -semitones, axis=0)"), "wrong way. Row 0, C, should go to row 5, F"),
        ((ROLLED, "np.roll(chroma, semitones)"), "Without axis=0"),
        ((ROLLED, "np.roll(chroma, semitones, axis=1)"), "later in time"),
        ((ROLLED, "chroma"), "comes back unchanged"),
        ((ROLLED, "np.concatenate([np.zeros((semitones, *chroma.shape[1:])), chroma[:-semitones]])"),
         "What leaves at the top is lost"),
        ((ROLLED, "chroma[np.arange(12) - semitones]"), "IndexError"),
        ((ROLLED, "np.concatenate([chroma[-semitones:], chroma[:-semitones]])"), "turn by semitones % 12, here 2"),
        ((ROLLED, "chroma.T"), r"shape \(12, 7\), found \(7, 12\)"),
        ((ROLLED, "np.roll(chroma, abs(semitones), axis=0)"), "Negative semitones move the rows up"),
        ("def transposed(chroma, semitones):\n    chroma[:] = np.roll(chroma, semitones, axis=0)\n    return chroma",
         "changes the chromagram that it is given"),
    ],
    "3.3": [
        ((ANSWER, "fits"), "gives twelve numbers"),
        ((ANSWER, "int(np.argmax(fits))"), r"two numbers, .*found the shape \(\)"),
        ((ANSWER, "max(fits), int(np.argmax(fits))"), "gives the correlation first"),
        (("transposed(profile, steps), column", "transposed(column, steps), profile"), "finds 5, expected 7"),
        ((ANSWER, "int(np.argmin(fits)), min(fits)"), "fits worst"),
        (("np.corrcoef(transposed(profile, steps), column)[0, 1]", "transposed(profile, steps) @ column"),
         "sum of products"),
        ((TURN, "np.argmax(fits) + 1"), "counted from 1"),
        ((TURN, "np.argmax(fits) - 12"), "from 0 to 11"),
        ((ANSWER, "int(np.argmax(fits)), max(fits) ** 2"), "squared correlation"),
        (("range(12)", "range(6)"), "compare with the target"),
    ],
}
