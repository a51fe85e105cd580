"""The exercises of the lessons: checks with three outcomes, hints, solutions, and what a target looks or sounds like.

`lesson_NN` holds the checkers of one lesson and is loaded by the first `check` of one of its ids. The exercise itself,
its text and its solution, stands in the lesson as four cells:

    markdown           **Exercise 1.1 · Title** (5 minutes).   then the task, and *Solved when* ...
    code               target("1.1")                           where the exercise has a target
    code, "exercise"   # Exercise 1.1                          then the solution, with marks `# solution`
    code, "check"      check("1.1")

From the marks `blank` makes the student edition. What stays must run with `...` in it, since functions are not called
before the check; the tests execute both editions, and want at least two wrong answers of each exercise.
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
