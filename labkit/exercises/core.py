"""Checks of what a student wrote: `check`, `hint`, `solution`, `target`, and what a checker is made of."""

import ast
import functools
import importlib
import inspect
import json
import linecache
import os
import re
import sys
import textwrap
import tomllib
import types
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import labkit
from labkit.errors import LabError
from labkit.exercises.blanks import solved

CORRECT, NOT_YET, NOT_ATTEMPTED = "correct", "not yet", "not attempted"


class ExerciseError(LabError, ValueError):
    """There is no such exercise; the message says which there are."""


class NotYet(Exception):
    """Raised by a checker: why the answer is not right yet, with what was expected and found, and what to do."""


class NotAttempted(Exception):
    """Raised where a `...` of the student edition is still in the answer."""


class Outcome(NamedTuple):
    """What one call of `check` found."""

    id: str        # such as "5.2"
    state: str     # "correct", "not yet" or "not attempted"
    message: str   # the sentences after it


@dataclass
class Exercise:
    """One exercise: what of the student's is looked at, by whom, and what helps."""

    id: str
    names: tuple[str, ...]           # what the student defines, handed to the checker in this order
    hints: tuple[str, ...]
    praise: str                      # one sentence on what a correct answer means
    checker: Callable[..., None]     # raises NotYet, or returns
    target: Callable[[], None] | None = None   # shows what the answer should look or sound like
    given: int = 0                   # hints shown so far


EXERCISES: dict[str, Exercise] = {}
OUTCOMES: list[Outcome] = []   # of this process, in order; an exercise that was checked twice is there twice


def exercise(id: str, names: tuple[str, ...], hints: tuple[str, ...], praise: str,
             target: Callable[[], None] | None = None) -> Callable:
    """Decorator that registers a checker under the id of its exercise; the fields are those of `Exercise`."""
    def register(checker):
        EXERCISES[id] = Exercise(id, tuple(names), tuple(hints), praise, checker, target)
        return checker

    return register


def load(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson by id; none for a lesson without any.

    lesson: its name or the beginning of it, such as "01_spectrograms", "01", "1" or "7a".
    """
    module = module_of(lesson)
    if not module or not Path(__file__).with_name(f"{module}.py").is_file():
        return {}
    importlib.import_module(f"labkit.exercises.{module}")
    return {id: one for id, one in EXERCISES.items() if module_of(id) == module}


def module_of(lesson: str) -> str | None:
    """The module that holds, or would hold, the checkers of a lesson or an id, such as "lesson_07a"; None = neither."""
    found = re.match(r"(\d+)([a-z]?)(?![a-z])", lesson)
    return f"lesson_{int(found[1]):02d}{found[2]}" if found else None


def find(id: str) -> Exercise:
    """The exercise called `id`. Raises ExerciseError when there is none."""
    there = load(str(id).split(".")[0])
    if id not in there:
        known = ", ".join(there) or "ids such as \"1.1\""
        raise ExerciseError(f"There is no exercise {id!r}. Expected one of: {known}.")
    return there[id]


# What a student calls

def check(id: str, names: Mapping[str, object] | None = None) -> None:
    """Say whether an exercise is solved: correct, not yet and why, or not attempted.

    names: where to look for the student's names; None = the notebook or module that calls.

    Raises ExerciseError for an id that there is not.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    outcome = outcome_of(find(id), sys._getframe(1).f_globals if names is None else names)
    OUTCOMES.append(outcome)
    if file := os.environ.get("LAB_OUTCOMES"):
        with open(file, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(outcome._asdict()) + "\n")
    tell(f"Exercise {outcome.id}: {outcome.state}. {outcome.message}")


def hint(id: str) -> None:
    """Show the first hint of an exercise, then the second, then both. Raises ExerciseError as `check`.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    one = find(id)
    shown = [one.given] if one.given < len(one.hints) else range(len(one.hints))
    one.given += 1
    for number in shown:
        tell(f"Hint {number + 1} of {len(one.hints)}: {one.hints[number]}")


def solution(id: str) -> None:
    """Print the solution of an exercise, or say where in the book it is. Raises ExerciseError as `check`.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    find(id)
    for script in sorted((Path(labkit.__file__).parent.parent / "notebooks").glob("*.py")):
        if source := solution_in(script.read_text(encoding="utf-8"), id):
            print(source)
            return
    tell(f"The solution of exercise {id} is folded away in the book, {place_of_book()}: on the page of the lesson, "
         "under the exercise, behind the word Solution.")


def target(id: str) -> None:
    """Show what the answer of an exercise should look or sound like, without the code that makes it.

    Raises ExerciseError as `check`.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask,
        notebooks/10_submission, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    one = find(id)
    if one.target is None:
        tell(f"Exercise {id} has no picture and no sound as its target; its text says what to reach.")
    else:
        one.target()


def tell(text: str) -> None:
    """Print sentences in lines that a page shows whole."""
    print(textwrap.fill(text, 88, break_long_words=False, break_on_hyphens=False))


def place_of_book() -> str:
    """Where the rendered book is: the address that pyproject.toml names, or who has it where there is none."""
    try:
        project = tomllib.loads((Path(labkit.__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
        return next(iter(project["project"]["urls"].values()))
    except (OSError, ValueError, KeyError, StopIteration, AttributeError):
        return "whose rendered pages your teacher has"


def solution_in(script: str, id: str) -> str | None:
    """The solution of an exercise in the text of a percent script, without marks; None where it is not there."""
    for cell in re.split(r"^# %%", script, flags=re.MULTILINE):
        head, _, source = cell.partition("\n")
        if '"exercise"' in head and source.startswith(f"# Exercise {id}\n"):
            return solved(source.strip("\n"))
    return None


# How an outcome is found

def outcome_of(one: Exercise, names: Mapping[str, object]) -> Outcome:
    """Hand the student's values to the checker, and make an outcome of whatever happens."""
    again = f'and run this cell again; hint("{one.id}") helps.'
    missing = [name for name in one.names if name not in names]
    if missing:
        return Outcome(one.id, NOT_ATTEMPTED, f"There is no `{missing[0]}` yet. Run the cell of the exercise first, "
                                              f"replace ... in it {again}")
    values = [names[name] for name in one.names]
    if any(has_gap(value) for value in values):
        return Outcome(one.id, NOT_ATTEMPTED, f"Replace ... {again}")
    homes = [names, *(value.__globals__ for value in values if isinstance(value, types.FunctionType))]
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            one.checker(*(watched(value) for value in values))
    except NotAttempted:
        return Outcome(one.id, NOT_ATTEMPTED, f"Replace ... {again}")
    except NotYet as reason:
        return Outcome(one.id, NOT_YET, str(reason))
    except (Exception, SystemExit) as error:
        return Outcome(one.id, NOT_YET, raised(error, homes))
    return Outcome(one.id, CORRECT, one.praise)


def watched(value: object) -> object:
    """A function of the student's that says so when it answers with `...`; any other value as it is."""
    if not isinstance(value, types.FunctionType):
        return value

    @functools.wraps(value)
    def call(*arguments, **named):
        answer = value(*arguments, **named)
        if is_gap(answer):
            raise NotAttempted
        return answer

    return call


def is_gap(value: object) -> bool:
    """Whether a value is `...`, or a tuple, list or dictionary with one."""
    if isinstance(value, Mapping):
        value = list(value.values())
    return value is ... or (isinstance(value, tuple | list) and any(item is ... for item in value))


def has_gap(value: object) -> bool:
    """Whether `...` of the student edition is left in a value, in the code of a function or of a class's methods."""
    if isinstance(value, type):
        return any(has_gap(item) for item in vars(value).values() if isinstance(item, types.FunctionType))
    return code_has_gap(value) if isinstance(value, types.FunctionType) else is_gap(value)


def code_has_gap(function: types.FunctionType) -> bool:
    """Whether a function still holds `...` as a statement, an assigned value or an answer; `x[..., 0]` is none."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False  # written where its source is not kept: `watched` still sees its answer
    return any(isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return)
               and isinstance(node.value, ast.Constant) and node.value.value is ... for node in ast.walk(tree))


def raised(error: BaseException, homes: Iterable[Mapping[str, object]]) -> str:
    """What to tell a student whose code raised an error: its name, what it says, and the line."""
    what = f"{type(error).__name__}{f': {error}' if str(error) else ''}"
    place, trace = None, error.__traceback__
    while trace:
        if any(trace.tb_frame.f_globals is home for home in homes):
            place = trace
        trace = trace.tb_next
    if place is None:
        return (f"The check could not use your answer; it ended with {what}. Compare what the text asks for: "
                "the arguments, the kind of value, its shape.")
    if "ellipsis" in what:
        return ("Your code met a `...` that is still to be replaced, perhaps in an earlier exercise that it uses: "
                f"{what}. Solve that one first.")
    line = linecache.getline(place.tb_frame.f_code.co_filename, place.tb_lineno).strip()
    where = f"line {place.tb_lineno} of its cell" + (f", `{line}`" if line else "")
    more = (" A function that it uses gives None: is a `return` missing, or an earlier exercise not solved yet?"
            if "NoneType" in what else " Call it yourself to see all of the error.")
    return f"Your code raised {what}, in {where}. Expected no error.{more}"


# What checkers compare with

def numbers(found: object, what: str) -> np.ndarray:
    """An answer as an array of float64. Raises NotYet for what is no number, and for None.

    found: a number, a sequence, an array or a tensor. what: how the message calls it.
    """
    if found is None:
        raise NotYet(f"{what} is None. Expected a value; does the function end with `return`?")
    if hasattr(found, "detach"):
        found = found.detach().cpu().numpy()
    try:
        return np.array(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise NotYet(f"{what} is of the type {type(found).__name__}. Expected a number or an array of "
                     "numbers.") from None


def expect(found: object, wanted: object, what: str, usual: Iterable[tuple[object, str]] = (), rtol: float = 1e-4,
           atol: float = 1e-6, advice: str = "") -> None:
    """Raise NotYet unless an answer equals what was wanted.

    Parameters
    ----------
    found, wanted : numbers, arrays or tensors.
    what : how the message calls the answer, such as "`mel_of(440)`".
    usual : pairs (what a usual mistake gives, the sentence that tells it).
    rtol, atol : as in numpy.allclose.
    advice : what to do about another wrong answer.
    """
    found, wanted = numbers(found, what), numbers(wanted, what)
    more = f" {advice}" if advice else ""
    if found.shape == wanted.shape and np.allclose(found, wanted, rtol, atol, equal_nan=True):
        return
    for value, why in usual:
        value = np.asarray(value, dtype=np.float64)
        if found.shape == value.shape and np.allclose(found, value, rtol, atol, equal_nan=True):
            raise NotYet(why)
    if found.shape != wanted.shape:
        raise NotYet(f"Expected {what} to have the shape {wanted.shape}, found {found.shape}.{more}")
    gaps = np.where(np.isnan(found) == np.isnan(wanted), np.nan_to_num(np.abs(found - wanted)), np.inf)
    place = np.unravel_index(np.argmax(gaps), gaps.shape)
    at = f" at [{', '.join(map(str, place))}]" if place else ""
    raise NotYet(f"Expected {what} to be {wanted[place]:.6g}{at}, found {found[place]:.6g}.{more}")


def earlier_fails(answer: Callable, name: str, checker: Callable[..., None]) -> bool:
    """Whether the function `name` of an earlier exercise, which an answer may use, fails its own check.

    answer: the student's function, beside which `name` stands; False where there is none of that name.
    """
    earlier = getattr(inspect.unwrap(answer), "__globals__", {}).get(name)
    try:
        if earlier is not None:
            checker(earlier)
    except Exception:  # whatever a wrong answer ends with
        return True
    return False
