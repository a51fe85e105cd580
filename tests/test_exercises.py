"""The exercises: blanks, outcomes, every check against right and wrong answers, both editions of each lesson."""

import ast
import importlib
import io
import json
import linecache
import os
import re
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
from mini import fake_execution, small_project

from labkit.bookbuild.execute import kernel_environment
from labkit.bookbuild.graph import LESSONS, Project
from labkit.bookbuild.pairing import edited_by_hand, read_lesson, written
from labkit.bookbuild.stage import StageError, dressed
from labkit.bookbuild.student import student_notebook, write_student
from labkit.cli import main
from labkit.environment import ROOT
from labkit.errors import LabError
from labkit.exercises import blank, core, solved
from labkit.exercises.blanks import BlankError
from labkit.exercises.core import (
    CORRECT,
    NOT_ATTEMPTED,
    NOT_YET,
    Exercise,
    ExerciseError,
    NotYet,
    check,
    expect,
    hint,
    load,
    outcome_of,
    solution,
    target,
)

SCRIPTS = {script.stem: script for script in sorted((ROOT / "notebooks").glob("*.py"))}
EXERCISES = {id: one for name in SCRIPTS for id, one in load(name).items()}
TAUGHT = [name for name in SCRIPTS if load(name)]   # the lessons that have exercises


def tagged(name, tag):
    """The cells of a lesson with a tag."""
    return [cell for cell in read_lesson(SCRIPTS[name]).cells if tag in cell.metadata.get("tags", [])]


def source_of(id):
    """The cell of an exercise, with its marks."""
    return next(cell.source for name in TAUGHT for cell in tagged(name, "exercise")
                if cell.source.startswith(f"# Exercise {id}\n"))


def defined_by(code, names=None):
    """The names that a cell defines, its source kept for tracebacks as IPython keeps it."""
    names = {} if names is None else names
    file = f"<cell {len(linecache.cache)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    exec(compile(code, file, "exec"), names)
    return names


# Blanks

BLANKS = {
    "no marks": ("a = 1\nb = 2", "a = 1\nb = 2", "a = 1\nb = 2"),
    "an assignment": ("x = 1\ny = x + 1  # solution", "x = 1\ny = ...", "x = 1\ny = x + 1"),
    "with a type": ("y: int = 1  # solution", "y = ...", "y: int = 1"),
    "a return": ("def f(x):\n    return x  # solution", "def f(x):\n    return ...", "def f(x):\n    return x"),
    "another statement": ("x.sort()  # solution", "...", "x.sort()"),
    "two names": ("a, b = 1, 2  # solution", "...", "a, b = 1, 2"),
    "an item": ("x[0] = 1  # solution", "...", "x[0] = 1"),
    "an addition": ("x += 1  # solution", "...", "x += 1"),
    "a comparison": ("x == 1  # solution", "...", "x == 1"),
    "a run": ("a = 1  # solution\nb = 2  # solution\nc = 3", "a = ...\nc = 3", "a = 1\nb = 2\nc = 3"),
    "two runs": ("a = 1  # solution\nb = 2\nc = 3  # solution", "a = ...\nb = 2\nc = ...", "a = 1\nb = 2\nc = 3"),
    "a block": ("# solution: begin\na = [\n    1]\n# solution: end\nb = 2", "a = ...\nb = 2", "a = [\n    1]\nb = 2"),
    "a block with a comment": ("# solution: begin\n# why\na = 1\n# solution: end", "a = ...", "# why\na = 1"),
    "a loop, indented": ("def f():\n    # solution: begin\n    for x in y:\n        pass\n    # solution: end",
                         "def f():\n    ...", "def f():\n    for x in y:\n        pass"),
    "a block and a line": ("# solution: begin\na = 1\n# solution: end\nb = 1  # solution", "a = ...\nb = ...",
                           "a = 1\nb = 1"),
    "a return of more": ("# solution: begin\nif x:\n    return 1\nreturn 2\n# solution: end", "...",
                         "if x:\n    return 1\nreturn 2"),
    "a name like return": ("returned = 1  # solution", "returned = ...", "returned = 1"),
    "the word in a sentence": ("a = 1  # the solution of it", "a = 1  # the solution of it",
                               "a = 1  # the solution of it"),
}


@pytest.mark.parametrize("what", BLANKS)
def test_blanks_are_made_of_solutions(what):
    source, student, reader = BLANKS[what]
    assert blank(source) == student
    assert solved(source) == reader
    assert blank(student) == student and solved(reader) == reader


@pytest.mark.parametrize("source", ["# solution: begin\na = 1", "a = 1\n# solution: end",
                                    "# solution: begin\n# solution: begin\n# solution: end"])
def test_marks_without_a_partner_are_refused(source):
    with pytest.raises(BlankError, match="solution: "):
        blank(source)


# Outcomes

@pytest.fixture
def one(monkeypatch):
    """An exercise "99.1": `f(x)` is x + 1."""
    def checker(f):
        expect(f(1), 2, "`f(1)`", usual=[(1, "Add one.")], advice="Think again.")
        expect(f(np.zeros(3)), np.ones(3), "`f(zeros)`")

    made = Exercise("99.1", ("f",), ("first", "second"), "It adds one.", checker)
    monkeypatch.setitem(core.EXERCISES, "99.1", made)
    monkeypatch.setattr(core, "load", lambda lesson: core.EXERCISES)
    monkeypatch.setattr(core, "OUTCOMES", [])
    return made


STATES = {
    "right": ("def f(x): return x + 1", CORRECT, "It adds one."),
    "right, with an ellipsis of numpy": ("def f(x): return np.asarray(x)[..., None][..., 0] + 1", CORRECT, "adds"),
    "no name": ("", NOT_ATTEMPTED, "There is no `f` yet"),
    "a value to replace": ("f = ...", NOT_ATTEMPTED, "Replace ... and"),
    "a function to fill": ("def f(x):\n    ...", NOT_ATTEMPTED, "Replace ... and run this cell again; hint(\"99.1\")"),
    "an answer to replace": ("def f(x):\n    return ...", NOT_ATTEMPTED, "Replace"),
    "a step to replace": ("def f(x):\n    y = ...\n    return y + 1", NOT_ATTEMPTED, "Replace"),
    "a class to fill": ("class f:\n    def __init__(self):\n        ...", NOT_ATTEMPTED, "Replace"),
    "a gap in a tuple": ("f = (1, ...)", NOT_ATTEMPTED, "Replace"),
    "a gap that only the answer shows": ("f = lambda x: ...", NOT_ATTEMPTED, "Replace"),
    "a gap of an earlier exercise": ("def g(x): return ...\ndef f(x): return g(x) + 1", NOT_YET, "earlier exercise"),
    "a None of another function": ("def g(x): x + 1\ndef f(x): return g(x) + 1", NOT_YET, "`return` missing"),
    "the usual mistake": ("def f(x): return x", NOT_YET, "Add one."),
    "another number": ("def f(x): return 5", NOT_YET, "Expected `f(1)` to be 2, found 5. Think again."),
    "not a number": ("def f(x): return x * float('nan')", NOT_YET, "to be 2, found nan"),
    "the wrong shape": ("def f(x): return [2, 2]", NOT_YET, "to have the shape (), found (2,). Think again."),
    "one cell of an array": ("def f(x): return x + 1 if np.ndim(x) == 0 else np.array([1, 0, 1])", NOT_YET,
                             "to be 1 at [1], found 0."),
    "no return": ("def f(x): x + 1", NOT_YET, "`f(1)` is None. Expected a value; does the function end with `return`?"),
    "words": ("def f(x): return 'two'", NOT_YET, "is of the type str"),
    "an exception": ("def f(x):\n    y = 1\n    return y / 0", NOT_YET,
                     "Your code raised ZeroDivisionError: division by zero, in line 3 of its cell, `return y / 0`."),
    "an end": ("def f(x): raise SystemExit", NOT_YET, "Your code raised SystemExit, in line 1"),
    "endless depth": ("def f(x): return f(x)", NOT_YET, "RecursionError"),
    "other arguments": ("def f(): return 2", NOT_YET, "The check could not use your answer; it ended with TypeError"),
    "no function": ("f = 2", NOT_YET, "'int' object is not callable"),
}


@pytest.mark.parametrize("what", STATES)
def test_the_three_outcomes(one, capsys, what):
    code, state, message = STATES[what]
    check("99.1", defined_by(code, {"np": np}))
    printed = capsys.readouterr().out
    assert [(found.id, found.state) for found in core.OUTCOMES] == [("99.1", state)]
    assert message in core.OUTCOMES[0].message
    assert " ".join(printed.split("\n")) == f"Exercise 99.1: {state}. {core.OUTCOMES[0].message} "
    assert max(map(len, printed.splitlines())) <= 96   # what a page of the book shows


def test_a_check_finds_the_names_of_its_caller(one, capsys):
    exec("def f(x): return x + 1\ncheck('99.1')", {"check": check})
    assert capsys.readouterr().out == "Exercise 99.1: correct. It adds one.\n"


def test_outcomes_are_appended_to_the_file_that_is_asked_for(one, tmp_path, monkeypatch):
    file = tmp_path / "outcomes.jsonl"
    monkeypatch.setenv("LAB_OUTCOMES", str(file))
    check("99.1", {})
    check("99.1", {"f": lambda x: x + 1})
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["state"]) for row in found] == [("99.1", NOT_ATTEMPTED), ("99.1", CORRECT)]
    assert found[1] == {"id": "99.1", "state": CORRECT, "message": "It adds one."}


def test_warnings_of_an_answer_do_not_reach_the_page(one, capsys):
    check("99.1", defined_by("def f(x): return x + 1 + 0 * np.log(np.zeros(1)).clip(0, 1)[0]", {"np": np}))
    assert capsys.readouterr().err == ""


def test_hints_come_one_by_one_and_then_together(one, capsys):
    shown = []
    for _ in range(4):
        hint("99.1")
        shown.append(capsys.readouterr().out)
    both = "Hint 1 of 2: first\nHint 2 of 2: second\n"
    assert shown == ["Hint 1 of 2: first\n", "Hint 2 of 2: second\n", both, both]


def test_an_exercise_without_a_target_says_so(one, capsys):
    target("99.1")
    assert "no picture and no sound" in capsys.readouterr().out


@pytest.mark.parametrize("call", [check, hint, solution, target])
@pytest.mark.parametrize("id", ["1.77", "77.1", "x", ""])
def test_an_exercise_that_is_not_there_is_named(call, id):
    with pytest.raises(ExerciseError, match=f"There is no exercise '{id}'. Expected one of: "):
        call(id)


def test_lessons_are_found_by_name_and_number():
    assert set(load("01_spectrograms")) == set(load("01")) == set(load("1")) >= {"1.1", "1.2"}
    assert load("a_first") == load("00a_gallery") == load("99") == {}


def test_a_solution_is_printed_from_the_lesson_or_found_in_the_book(capsys, monkeypatch, tmp_path):
    solution("1.1")
    printed = capsys.readouterr().out
    assert printed.startswith("# Exercise 1.1\ndef hertz_of(mel):") and "# solution" not in printed and "700" in printed
    monkeypatch.setattr(core.labkit, "__file__", str(tmp_path / "labkit" / "__init__.py"))
    solution("1.1")
    assert "folded away in the book, whose rendered pages your teacher has: on" in " ".join(
        capsys.readouterr().out.split())
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nHomepage = "https://example.org/book"\n')
    solution("1.1")
    assert "the book, https://example.org/book: on" in " ".join(capsys.readouterr().out.split())


def test_tensors_and_sequences_are_compared_as_numbers():
    import torch

    expect(torch.ones(2, requires_grad=True), [1, 1], "it")
    expect((1, float("nan")), [1, np.nan], "it")
    with pytest.raises(NotYet, match=r"Expected it to be 1 at \[1\], found nan"):
        expect([1, np.nan], [1, 1], "it")


# The exercises of the lessons

# tests/wrong_answers_NN.py: what lesson NN has defined before its exercises, and wrong answers by exercise, each with
# what a student has to read. An answer is a whole cell, or a pair: what in the solution is put for what.
ANSWERS = [importlib.import_module(file.stem) for file in sorted(Path(__file__).parent.glob("wrong_answers_*.py"))]
WRONG = {id: rows for module in ANSWERS for id, rows in module.WRONG.items()}
GIVEN = {id: module.GIVEN for module in ANSWERS for id in module.WRONG}


def before(id):
    """What the lesson has defined before an exercise, the solutions of the exercises before it included."""
    ids = list(load(id.split(".")[0]))
    return "\n".join([GIVEN[id], *(solved(source_of(one)) for one in ids[:ids.index(id)]), ""])


def check_answer(id, answer):
    names = defined_by(before(id))
    return outcome_of(EXERCISES[id], defined_by(answer, names))


@pytest.mark.parametrize("id", EXERCISES)
def test_the_solution_is_correct_and_the_blank_is_not_attempted(id):
    source = source_of(id)
    found = check_answer(id, solved(source))
    assert (found.state, found.message) == (CORRECT, EXERCISES[id].praise)
    assert check_answer(id, blank(source)).state == NOT_ATTEMPTED
    ast.parse(blank(source))


def test_every_exercise_is_tried_with_wrong_answers():
    assert set(WRONG) == set(EXERCISES) and all(len(answers) >= 2 for answers in WRONG.values())


@pytest.mark.parametrize("id, answer, message", [(id, *row) for id, rows in WRONG.items() for row in rows])
def test_a_wrong_answer_gets_its_message(id, answer, message):
    if not isinstance(answer, str):
        right = solved(source_of(id))
        assert right.count(answer[0]) == 1
        answer = right.replace(*answer)
    found = check_answer(id, answer)
    assert found.state == NOT_YET
    assert re.search(message, found.message), found.message


# Right answers that are not ours.
RIGHT = {
    "4.2": ["def clip_means(x, lengths):\n    return np.array([clip[:n].mean(axis=0) for clip, n in zip(x, lengths)])"],
    "4.3": ["def album_split(groups, share=0.2, seed=0):\n    groups = np.asarray(groups)\n"
            "    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)\n"
            "    order = np.random.default_rng(seed).permutation(len(names))\n"
            "    enough = np.flatnonzero(np.cumsum(sizes[order]) >= share * len(groups))[0] + 1\n"
            "    held = np.isin(place, order[:enough])\n    return np.where(~held)[0], np.where(held)[0]"],
    "5.1": ["def turned(x, lengths):\n    step = torch.arange(x.shape[1])[None]\n"
            "    source = torch.where(step < lengths[:, None], lengths[:, None] - 1 - step, step)\n"
            "    return x.gather(1, source[:, :, None].expand(-1, -1, x.shape[2]))",
            "def turned(x, lengths):\n    y = x.clone()\n    for i, length in enumerate(lengths.tolist()):\n"
            "        for frame in range(length):\n            y[i, frame] = x[i, length - 1 - frame]\n    return y"],
    "5.2": ["def both_ways(forwards, backwards, x, lengths):\n"
            "    return torch.hstack([last_of_packed(forwards, x, lengths),\n"
            "                         last_of_packed(backwards, turned(x, lengths), lengths)])"],
    "5.3": ["def kept_and_last(losses, patience):\n    for last in range(1, len(losses) + 1):\n"
            "        kept = 1 + int(np.argmin(losses[:last]))\n        if last - kept >= patience:\n            break\n"
            "    return kept, last"],
    "6.1": ["def f_beta(matrix, beta):\n    hits = matrix.diagonal()\n"
            "    precision, recall = share(hits, matrix.sum(axis=0)), share(hits, matrix.sum(axis=1))\n"
            "    return share((1 + beta**2) * precision * recall, beta**2 * precision + recall)"],
    "6.2": ["def drawn_scores(matrices, beta=1, samples=1000, seed=0):\n    rng = np.random.default_rng(seed)\n"
            "    times = rng.multinomial(len(matrices), np.full(len(matrices), 1 / len(matrices)), size=samples)\n"
            "    return np.array([f_beta(one, beta).mean() for one in np.tensordot(times, matrices, 1)])"],
    "6.3": ["from scipy.stats import binomtest\ndef coin_p(first, second, truth):\n"
            "    apart = (first == truth) != (second == truth)\n    only_first = np.sum(apart & (first == truth))\n"
            "    return binomtest(only_first, apart.sum()).pvalue if apart.any() else 1.0"],
    "7c.1": ["def overlapping(x, side=16, step=10):\n"
             "    return x.unfold(1, side, step).unfold(2, side, step).flatten(3).flatten(1, 2)"],
    "7c.2": ["def masked_attention(q, k, v, ignored):\n"
             "    shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) * ~ignored[:, None, None]\n"
             "    shares = shares / shares.sum(-1, keepdim=True)\n    return shares @ v, shares"],
    "7c.3": ["def rollout(seen):\n    row = torch.eye(seen[0].shape[1])[0]\n    for shares in reversed(seen):\n"
             "        row = 0.5 * row + 0.5 * row @ shares.mean(0)\n    return row"],
    "8.1": ["from scipy.stats import spearmanr\n"
            "def rank_correlation(one, other): return spearmanr(one, other).statistic",
            "from scipy.stats import rankdata\n"
            "def rank_correlation(one, other):\n    a, b = rankdata(one), rankdata(other)\n"
            "    a, b = a - a.mean(), b - b.mean()\n    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())"],
    "8.2": ["def mse(output, targets):\n    if list(output.shape) != list(targets.shape):\n"
            "        raise ValueError(f'{list(output.shape)} against {list(targets.shape)}')\n"
            "    return nn.MSELoss()(output, targets)"],
    "8.3": ["from sklearn.model_selection import GroupKFold\ndef album_folds(groups, count=4):\n"
            "    fold = np.zeros(len(groups), dtype=int)\n"
            "    for n, (_, held) in enumerate(GroupKFold(count).split(fold, groups=groups)):\n        fold[held] = n\n"
            "    return fold",
            "def album_folds(groups, count=4):\n"
            "    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)\n"
            "    return ((-sizes).argsort().argsort() % count)[place]"],
    "9a.1": ["def take_over(model, source):\n    theirs = source.state_dict()\n    mine = model.state_dict()\n"
             "    fits = {n: v.clone() for n, v in theirs.items() if n.startswith('backbone.') and n in mine\n"
             "            and v.shape == mine[n].shape}\n    if not fits: raise ValueError('nothing')\n"
             "    model.load_state_dict(fits, strict=False)\n    return len(fits)"],
    "9a.2": ["def freeze(model, count):\n    for name, p in model.named_parameters():\n"
             "        p.requires_grad = not any(name.startswith(f'backbone.blocks.{n}.') for n in range(count))\n"
             "    model.train()\n    for n in range(count): model.backbone.blocks[n].train(False)\n"
             "    return sum(p.numel() for p in model.parameters() if p.requires_grad)"],
    "9a.3": ["def ridge(x, y, penalty):\n    m = x - x.mean(0)\n    u, s, v = np.linalg.svd(m, full_matrices=False)\n"
             "    w = v.T @ (s / (s**2 + penalty) * (u.T @ (y - y.mean())))\n    return w, y.mean() - x.mean(0) @ w",
             "from sklearn.linear_model import Ridge\ndef ridge(x, y, penalty):\n"
             "    one = Ridge(alpha=penalty).fit(x, y)\n    return one.coef_, one.intercept_"],
    "9b.1": ["def weighted_loss(output, targets, weights):\n    known = ~targets.isnan()\n"
             "    filled = torch.where(known, targets, output.detach())\n"
             "    return ((output - filled).square().sum(0) / known.sum(0).clamp(min=1) * weights).sum()",
             "def weighted_loss(output, targets, weights):\n    total = 0\n    for k in range(output.shape[1]):\n"
             "        has = ~targets[:, k].isnan()\n        if has.any():\n"
             "            total = total + weights[k] * nn.functional.mse_loss(output[has, k], targets[has, k])\n"
             "    return total"],
    "9b.2": ["def axis_weights(labels, train):\n    weights = []\n    for axis in labels[train].T:\n"
             "        axis = axis[~np.isnan(axis)]\n        if len(np.unique(axis)) < 2:\n"
             "            raise ValueError('constant')\n        weights.append(1 / np.var(axis, ddof=1))\n"
             "    return np.array(weights) / np.mean(weights)"],
    "9b.3": ["def without_conflict(a, b):\n    product = torch.dot(a, b).clamp(max=0)\n    if product == 0:\n"
             "        return a + b\n"
             "    return (1 - product / a.square().sum()) * a + (1 - product / b.square().sum()) * b"],
    "10.1": ["def solution_lines(ids, predictions, header='Id', suffix=''):\n"
             "    rows = {int(name.partition('.')[0]): row for name, row in zip(ids, predictions)}\n"
             "    return [header + ',valence,energy,danceability'] + [\n"
             "        f'{name}{suffix},' + ','.join(str(float(value)) for value in rows[name])\n"
             "        for name in sorted(rows)]",
             "def solution_lines(ids, predictions, header='Id', suffix=''):\n"
             "    bare = np.array([int(name.split('.')[0]) for name in ids])\n    order = np.argsort(bare)\n"
             "    lines = ['%s%s,%.9g,%.9g,%.9g' % (bare[i], suffix, *predictions[i]) for i in order]\n"
             "    return (','.join((header, *AFFECT)), *lines)"],
    "10.2": ["def blend(predictions):\n    total = 0\n    for one in predictions:\n"
             "        below, same = one[:, None] > one[None], one[:, None] == one[None]\n"
             "        total = total + (below.sum(1) + (same.sum(1) - 1) / 2) / (len(one) - 1)\n"
             "    return total / len(predictions)",
             "from scipy.stats import rankdata\ndef blend(predictions):\n"
             "    ranks = [np.stack([rankdata(c) for c in one.T], 1) for one in predictions]\n"
             "    return np.mean([(one - 1) / (len(one) - 1) for one in ranks], 0)"],
    "10.3": ["import random\ndef chance_to_be_fooled(a, b, truth, share=0.3, draws=400, seed=0):\n"
             "    rng, places = random.Random(seed), range(len(truth))\n"
             "    sign = np.sign(mean_spearman(a, truth) - mean_spearman(b, truth))\n    wrong = []\n"
             "    for _ in range(draws):\n        rows = rng.sample(places, round(share * len(truth)))\n"
             "        gap = mean_spearman(a[rows], truth[rows]) - mean_spearman(b[rows], truth[rows])\n"
             "        wrong.append(sign * gap < 0)\n    return np.mean(wrong)"],
}


@pytest.mark.parametrize("id, answer", [(id, answer) for id, answers in RIGHT.items() for answer in answers])
def test_another_right_answer_is_correct(id, answer):
    found = check_answer(id, answer)
    assert found.state == CORRECT, found.message


@pytest.mark.parametrize("name", TAUGHT)
def test_an_exercise_stands_in_its_lesson_as_it_should(name):
    """Task, cell, check, in this order, and everything that the registry knows."""
    ids = list(load(name))
    assert [cell.source.split("\n")[0] for cell in tagged(name, "exercise")] == [f"# Exercise {id}" for id in ids]
    assert [cell.source for cell in tagged(name, "check")] == [f'check("{id}")' for id in ids]
    cells = read_lesson(SCRIPTS[name]).cells
    for id in ids:
        task = next(number for number, cell in enumerate(cells) if cell.cell_type == "markdown"
                    and re.match(rf"\*\*Exercise {re.escape(id)} · [^*]+\*\* \(\d+ minutes\)\.\n\n", cell.source))
        following = [cell.source for cell in cells[task + 1:task + 4]]
        if EXERCISES[id].target:
            assert following.pop(0) == f'target("{id}")'
        assert following[0].startswith(f"# Exercise {id}\n") and following[1] == f'check("{id}")'
        assert "*Solved when*" in cells[task].source
        assert len(EXERCISES[id].hints) == 2 and EXERCISES[id].praise.endswith(".")
        assert blank(following[0]) != following[0]
        assert len(following[0].splitlines()) <= 15
        assert max(map(len, blank(following[0]).splitlines())) <= 96  # what a page shows


@pytest.mark.parametrize("name", TAUGHT)
def test_a_lesson_has_three_questions_with_answers(name):
    questions = [cell.source for cell in tagged(name, "quiz")]
    assert len(questions) == 3
    for number, text in enumerate(questions, start=1):
        found = re.fullmatch(rf"\*\*Question {number}\.\*\* (.+?)\n\n((?:- [a-d]\) .+(?:\n  .+)*\n){{3,4}})\n"
                             r"<details><summary>Answer</summary>\n\n\*\*([a-d])\)\*\* (.+)\n\n</details>", text, re.S)
        assert found, f"{name}, question {number} has not the form of the others"
        assert f"- {found[3]}) " in found[2] and len(found[4].split()) > 10


def test_targets_show_something(capsys, monkeypatch):
    shown = Counter()
    monkeypatch.setattr("IPython.display.display", lambda *what, **how: shown.update(["shown"]))
    for id, one in EXERCISES.items():
        if one.target:
            before = shown.total()
            target(id)
            assert shown.total() > before, id


# The page of the book

LESSON = """# %% [markdown]
# # A lesson
#
# Text.

# %% [markdown]
# **Exercise 1.1 · A title** (5 minutes).

# %% tags=["exercise"]
# Exercise 1.1
def hertz_of(mel):
    return 700 * mel  # solution

# %% tags=["check"]
check("1.1")
"""


def page_of(folder, script=LESSON, said="Exercise 1.1: correct. It is.\n", name="01_small"):
    project = small_project(folder / "book", {name: script})
    outputs = [nbformat.v4.new_output("stream", text=said)] if said else []
    return dressed(project, name, fake_execution(project, name, {1: outputs}))


def test_a_page_shows_the_blank_and_folds_hints_and_solution(tmp_path):
    cells = page_of(tmp_path).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "markdown", "markdown", "code", "code"]
    task, answer, checked = cells[2:]
    assert task.source.startswith("```python\n# Exercise 1.1\ndef hertz_of(mel):\n    return ...\n```\n\n:::{drop")
    assert all(f":::{{dropdown}} Hint {number}\n{text}\n:::" in task.source
               for number, text in enumerate(EXERCISES["1.1"].hints, start=1))
    assert answer.source == "# Exercise 1.1\ndef hertz_of(mel):\n    return 700 * mel"
    assert "hide-input" in answer.metadata["tags"] and answer.metadata["mystnb"]["code_prompt_show"] == "Solution"
    assert checked.outputs[0].text == "Exercise 1.1: correct. It is.\n" and checked.metadata["tags"] == ["check"]
    assert len({cell.id for cell in cells}) == len(cells)


def test_a_page_leads_to_its_notebook_with_blanks(tmp_path):
    assert "{download}`the student's notebook <../student/01_small.ipynb>`" in page_of(tmp_path).cells[0].source


@pytest.mark.parametrize("said", ["Exercise 1.1: not yet. Because.\n", "Exercise 1.1: not attempted. Do\n", ""])
def test_a_solution_that_its_check_refuses_is_no_page(tmp_path, said):
    with pytest.raises(StageError, match=r'01_small, cell 4, check\("1.1"\): expected our own solution to be correct'):
        page_of(tmp_path, said=said)


def test_a_solution_without_its_exercise_is_refused(tmp_path):
    with pytest.raises(StageError, match=r"begins with '# Exercise 1\.99'\. Expected `# Exercise` and an id of .*1\.1"):
        page_of(tmp_path, LESSON.replace("# Exercise 1.1", "# Exercise 1.99"))
    with pytest.raises(StageError, match="there is none yet"):
        page_of(tmp_path / "other", name="98_small")


# The student edition

@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """The student edition of this checkout: the folder of its notebooks; the archive lies beside it."""
    folder = tmp_path_factory.mktemp("student") / "notebooks"
    assert main(["student", str(folder)]) == 0
    return folder


def test_a_students_notebook_has_blanks_and_no_traces(student):
    for lesson in LESSONS:
        notebook = nbformat.read(student / f"{lesson.name}.ipynb", as_version=4)
        ours = read_lesson(SCRIPTS[lesson.name])
        assert notebook.metadata["labkit"] == {"lesson": lesson.name} and "jupytext" not in notebook.metadata
        assert not edited_by_hand(notebook)
        assert len(notebook.cells) == len(ours.cells)
        for cell, whole in zip(notebook.cells, ours.cells, strict=True):
            if "exercise" in cell.metadata.get("tags", []):
                assert cell.source == blank(whole.source) != whole.source
            else:
                assert cell.source == whole.source
            assert cell.cell_type != "code" or not (cell.outputs or cell.execution_count)
        assert "# solution" not in written(notebook)


def test_the_archive_holds_what_a_student_needs(student, tmp_path):
    """Its links lead to files in it, its package is this one, and its bytes are the same when it is made again."""
    packed = student.with_suffix(".zip")
    with zipfile.ZipFile(io.BytesIO(packed.read_bytes())) as file:
        assert {name.split("/")[0] for name in file.namelist()} == {"lab-book"}
        file.extractall(tmp_path)
    root = tmp_path / "lab-book"
    for notebook in (root / "notebooks").glob("*.ipynb"):
        assert notebook.read_text() == (student / notebook.name).read_text()
        for cell in nbformat.read(notebook, as_version=4).cells:
            for link in re.findall(r"\]\((?!https?:)([^)#\s]+)", cell.source if cell.cell_type == "markdown" else ""):
                assert (notebook.parent / link).is_file(), f"{notebook.name}: {link}"
            for page, place in re.findall(r"\]\(\.\./book/(glossary|bibliography)\.md#([^)]+)\)",
                                          cell.source if cell.cell_type == "markdown" else ""):
                headings = re.findall(r"^### (.+)$", (root / f"book/{page}.md").read_text(), re.M)
                assert place.lower() in {one.lower().replace(" ", "-") for one in headings}, f"{notebook.name}: {place}"
    for page in (root / "book").glob("*.md"):   # complete without the build
        text = page.read_text()
        assert not re.findall(r"<!--|^`{3,}\{|\{[a-z:]+\}`|\bmake (?:lab|book)\b|^\([\w-]+\)=", text, re.M), page.name
        for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"
    for name in ("README.md", "pyproject.toml", "constraints.txt", "environment.yml", "LICENSE", "LICENSE-CONTENT.md",
                 "labkit/__main__.py", "labkit/corpus/calibration.json", "labkit/exercises/lesson_01.py"):
        assert (root / name).is_file(), name
    assert not list(root.rglob("*.pyc")) and not list(root.glob("notebooks/*.py"))
    assert packed.stat().st_size < 2_000_000
    again = write_student(Project(ROOT), tmp_path / "again")
    assert again.read_bytes() == packed.read_bytes()


def test_notebooks_of_lessons_that_are_no_more_go(tmp_path):
    project = small_project(tmp_path / "book", {"01_small": LESSON})
    (project.build / "student").mkdir(parents=True)
    (project.build / "student" / "09_gone.ipynb").touch()
    packed = write_student(project)
    assert packed == project.build / "student.zip" and os.listdir(project.build / "student") == ["01_small.ipynb"]


def test_marks_that_do_not_pair_up_are_told_with_their_lesson(tmp_path):
    script = tmp_path / "01_small.py"
    script.write_text(LESSON.replace("    return 700 * mel  # solution", "    # solution: begin\n    return 700 * mel"))
    with pytest.raises(LabError, match=r"01_small\.py, the cell '# Exercise 1\.1': A `# solution: begin` has no end"):
        student_notebook(script)


# Both editions, executed

def executed(notebook, name, folder, monkeypatch):
    """The outcomes of a notebook's checks by id, run in a kernel of its own at the smallest profile."""
    from nbclient import NotebookClient

    for variable, value in kernel_environment(name, 1).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("LAB_PROFILE", "smoke")
    monkeypatch.setenv("LAB_OUTCOMES", str(folder / "outcomes.jsonl"))
    NotebookClient(notebook, timeout=600, kernel_name="python3",
                   resources={"metadata": {"path": str(folder)}}).execute()   # raises where a cell does
    lines = (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["state"] for row in map(json.loads, lines)}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAUGHT)
def test_in_the_full_edition_every_check_passes(name, tmp_path, monkeypatch):
    found = executed(read_lesson(SCRIPTS[name]), name, tmp_path, monkeypatch)
    assert found == dict.fromkeys(load(name), CORRECT)


@pytest.mark.slow
@pytest.mark.parametrize("name", TAUGHT)
def test_in_the_student_edition_no_check_is_attempted_and_nothing_crashes(name, tmp_path, monkeypatch):
    found = executed(student_notebook(SCRIPTS[name]), name, tmp_path, monkeypatch)
    assert found == dict.fromkeys(load(name), NOT_ATTEMPTED)
