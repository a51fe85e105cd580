"""The exercises of the lessons: checks with three outcomes, hints, solutions, and what a target looks or sounds like.

`lesson_NN` holds the checkers of one lesson and is loaded by the first `check` of one of its ids. The exercise itself,
its text and its solution, stands in the lesson; `blank` makes the student edition of it.
"""

from labkit.exercises.blanks import blank, solved
from labkit.exercises.core import (
    OUTCOMES,
    Exercise,
    ExerciseError,
    NotYet,
    Outcome,
    check,
    exercise,
    expect,
    hint,
    load,
    numbers,
    solution,
    target,
)

__all__ = ["OUTCOMES", "Exercise", "ExerciseError", "NotYet", "Outcome", "blank", "check", "exercise", "expect",
           "hint", "load", "numbers", "solution", "solved", "target"]
