"""Marking: twenty submissions, good and bad, and the table that comes of them."""

import csv
import io
import os
import re
import threading
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mini import state
from wrong_answers_01 import CUT, EDGES, GIVEN

from labkit.bookbuild.pairing import read_lesson, written
from labkit.bookbuild.student import student_notebook
from labkit.cli import main
from labkit.environment import ROOT
from labkit.exercises.core import CORRECT, NOT_ATTEMPTED, NOT_YET, Outcome, solution_in
from labkit.marking import Limits, Submission, mark, mark_all
from labkit.marking.handed_in import notebooks, words
from labkit.marking.table import Row, as_csv, as_html, as_text, lines_of

SCRIPT = (ROOT / "notebooks" / "01_spectrograms.py").read_text(encoding="utf-8")
ONE, TWO, THREE = (solution_in(SCRIPT, id) for id in ("1.1", "1.2", "1.3"))
IDS = ("1.1", "1.2", "1.3")
RIGHT = (GIVEN, ONE, TWO, THREE)
GAP = "# Exercise 1.1\ndef hertz_of(mel):\n    return ..."
CHECK = 'from labkit.exercises import check\ncheck("1.1")'


def notebook(*cells, **metadata):
    """A notebook of these code cells, as bytes."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
    return nbformat.writes(made).encode()


DELETES = """
import os, shutil, pathlib
os.path.realpath = lambda *given, **named: os.getcwd() + "/inside"
refused = 0
for attempt in (lambda: os.remove(OUTSIDE / "kept.txt"), lambda: shutil.rmtree(OUTSIDE),
                lambda: (OUTSIDE / "kept.txt").rename("mine.txt"), lambda: (OUTSIDE / "kept.txt").write_text("gone"),
                lambda: (OUTSIDE / "new").mkdir(), lambda: os.open(OUTSIDE / "new", os.O_CREAT | os.O_WRONLY),
                lambda: os.symlink(OUTSIDE, "link") or pathlib.Path("link/kept.txt").unlink(),
                lambda: os.truncate(OUTSIDE / "kept.txt", 0), lambda: os.chmod(OUTSIDE / "kept.txt", 0),
                lambda: os.link(OUTSIDE / "kept.txt", "twin"), lambda: os.system("rm -r " + str(OUTSIDE)),
                lambda: __import__("subprocess").run(["rm", "-r", str(OUTSIDE)]), lambda: os.fork(),
                lambda: os.kill(os.getppid(), 9), lambda: open(OUTSIDE / "other.ipynb"),
                lambda: __import__("urllib.request").request.urlopen("http://127.0.0.1:9")):
    try:
        attempt()
    except OSError as error:  # urllib makes another error of it
        refused += "refused to a submission" in str(error)
pathlib.Path("own").mkdir()
pathlib.Path("own/file.txt").write_text("mine")
shutil.rmtree("own")
raise ValueError(f"{refused} refused")
"""
ENVIRONMENT = """
import os, pathlib
seen = dict(os.environ)
try:
    seen["parent"] = pathlib.Path(f"/proc/{os.getppid()}/environ").read_text()
except OSError:
    pass
if "Xyzzy" in str(seen):
    raise ValueError(str(seen))
"""
FORGES = """
import json, os, sys, types
import numpy as np
import librosa.core.convert
import labkit.exercises.core as core
import labkit.exercises.lesson_01 as lesson
def check(id): print(f"Exercise {id}: correct.")
check("1.1")
right = core.Outcome("1.1", "correct", "")
core.OUTCOMES.append(right)
core.outcome_of = lambda *given: right
core.expect = lesson.expect = core.numbers = lesson.numbers = lambda *given, **named: None
np.allclose = lambda *given, **named: True
librosa.mel_to_hz = librosa.core.convert.mel_to_hz = lambda mel, htk=False: hertz_of(mel)
for one in core.EXERCISES.values():
    one.checker = lambda *given: None
write = os.write
os.write = lambda file, content: write(file, content.replace(b"not yet", b"correct"))
json.dumps = lambda *given, **named: '("outcome", "1.1", "correct", "")'
sys.modules["librosa"] = types.SimpleNamespace(mel_to_hz=librosa.mel_to_hz)
if "LAB_OUTCOMES" in os.environ:
    open(os.environ["LAB_OUTCOMES"], "a").write(json.dumps(right._asdict()))
"""
LEAVES = """
import os
for descriptor in range(1, 20):
    try:
        os.write(descriptor, b'\\n("outcome", "1.2", "correct", "")\\n')
    except OSError:
        pass
os._exit(0)
"""
HOG = """
held, size = [], 10 ** 9
while size > 1000:
    try:
        held.append(np.zeros(size, np.uint8))
    except MemoryError:
        size //= 2
np.zeros(10 ** 9)
"""
FILES = """
import pathlib
try:
    open("huge", "wb").truncate(10 ** 11)
except OSError as error:
    print(error)
else:
    raise ValueError("a huge file was written")
import os
try:
    while True:
        os.mkdir("deeper")
        os.chdir("deeper")
except PermissionError:
    os.chdir("..")
while True:
    for number in range(100_000):
        pathlib.Path(str(number)).touch()
"""
STUBBORN = ("import sys\nsys.exit(3)", "exit()", "quit()", "def f(): f()\nf()", "def broken(:",
            "raise ValueError('a' * 10 ** 9)",
            "class Mute(Exception):\n    def __str__(self): raise ValueError\nraise Mute",
            "import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin).start()",
            "raise KeyboardInterrupt", "input()", "%matplotlib inline", "import os\nos.chdir('/')",
            "import sys\nsys.stdout = None", "from IPython.display import HTML, display\ndisplay(HTML('x'))",
            "import asyncio\nawait asyncio.sleep(0)")
ENDLESS = "import time\nwhile True:\n    print('=' * 9999)\n    time.sleep(0.01)"
SECONDS = 20   # of the endless one; the others may wait for a busy machine

# What is handed in -> the states of 1.1, 1.2 and 1.3 ("" = not checked) and what "why" says, whole.
SUBMISSIONS = {
    "right.ipynb": (notebook(*RIGHT, CHECK), (CORRECT,) * 3, ""),
    "half right.ipynb": (notebook(GIVEN, ONE, TWO.replace(EDGES, "np.linspace(0, RATE / 2, bands + 2)"),
                                  "# Exercise 1.3\nsound_of = ..."), (CORRECT, NOT_YET, NOT_ATTEMPTED), ""),
    "wrong.ipynb": (notebook(GIVEN, ONE.replace("700", "70"), TWO.replace(CUT, "falling"),
                             THREE.replace("length=len(audio)", "length=None")), (NOT_YET,) * 3, ""),
    "blank.ipynb": (notebook(GAP, CHECK), (NOT_ATTEMPTED,) * 3, ""),
    "folder/right.ipynb": (notebook("undefined_name", GIVEN, ONE, labkit={"lesson": "01_spectrograms"}),
                           (CORRECT, NOT_ATTEMPTED, NOT_ATTEMPTED),
                           "code cell 1: NameError: name 'undefined_name' is not defined"),
    "endless.ipynb": (notebook(GIVEN, ONE, CHECK, ENDLESS, TWO), (CORRECT, "", ""),
                      f"time limit after {SECONDS} s, in code cell 4"),
    "memory.ipynb": (notebook(*RIGHT, HOG), (CORRECT,) * 3,
                     "code cell 5: memory limit of 3 GB, MemoryError"),
    "deletes.ipynb": (notebook(*RIGHT, DELETES), (CORRECT,) * 3, "code cell 5: ValueError: 16 refused"),
    "environment.ipynb": (notebook(*RIGHT, ENVIRONMENT), (CORRECT,) * 3, ""),
    "kills itself.ipynb": (notebook(GIVEN, ONE, CHECK, "import os\nos.kill(os.getpid(), 9)"), (CORRECT, "", ""),
                           re.compile(r"its process was ended by signal 9 \(.+\), perhaps for lack of memory, in "
                                      "code cell 4")),
    "leaves.ipynb": (notebook(GIVEN, ONE, CHECK, LEAVES), (CORRECT, "", ""),
                     "ended its process with exit code 0, in code cell 4"),
    "forges.ipynb": (notebook(GIVEN, ONE.replace("700", "70"), FORGES, TWO), (NOT_YET, NOT_YET, NOT_ATTEMPTED), ""),
    "files.ipynb": (notebook(GIVEN, ONE, CHECK, FILES), (CORRECT, "", ""),
                    "wrote more than 5000 files, in code cell 4"),
    "stubborn.ipynb": (notebook(*STUBBORN, *RIGHT), (CORRECT,) * 3,
                       "code cell 1: SystemExit: 3; 8 more failed"),
    "text.ipynb": (b"My answers", None, re.compile("not a notebook: .*not appear to be JSON.*")),
    "nothing.ipynb": (b"", None, re.compile("not a notebook: .*not appear to be JSON.*")),
    "latin.ipynb": ("Müller".encode("latin-1"), None, re.compile("not a notebook: UnicodeDecodeError: 'utf-8'.+")),
    "list.ipynb": (b"[1, 2]", None, re.compile("not a notebook: .+")),
    "deep.ipynb": (b"[" * 100_000, None, re.compile("not a notebook: .+")),
    "no cells.ipynb": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', None, re.compile("not a notebook: .+")),
    "future.ipynb": (b'{"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}', None,
                     re.compile("not a notebook: .+")),
    "odd metadata.ipynb": (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": []}', None,
                           re.compile("not a notebook: .+")),
    f"{'9' * 245}.ipynb": (notebook("1"), None, "no exercise of the lab found"),
    "many digits.ipynb": (notebook("1", labkit={"lesson": "9" * 5000}), None, "no exercise of the lab found"),
    "half a sign.ipynb": (notebook(*RIGHT, "'SIGN'").replace(b"SIGN", b"\\ud800"), (CORRECT,) * 3,
                          re.compile("code cell 5: UnicodeEncodeError.+")),
    "=1+1 <b>.ipynb": (notebook("print('my thesis')"), None, "no exercise of the lab found"),
    "large.ipynb": (None, None, "has 500 MB, more than 25; clear its outputs"),
    "link.ipynb": (None, None, "not a plain file, so it is not read"),
    "pipe.ipynb": (None, None, "not a plain file, so it is not read"),
    "drawer.ipynb": (None, None, "not a plain file, so it is not read"),
}


# Each of these takes two seconds of a processor to start; those that are not run take none.
QUICK = ("right", "half right", "deletes", "environment", "kills itself", "forges")
ENDS = ["endless.ipynb"]
LATER = [name for name, (_, states, _) in SUBMISSIONS.items()
         if states and name.removesuffix(".ipynb") not in QUICK and name not in ENDS]


def hand_in(base, names):
    """The folder of some submissions, below `base`, and a folder that they try to change."""
    folder, outside = base / "handed in", base / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("as it was")
    place = f"pathlib.Path('{outside.as_posix()}')".encode()
    special = {"large.ipynb": lambda file: (file.touch(), os.truncate(file, 500_000_000)), "pipe.ipynb": os.mkfifo,
               "link.ipynb": lambda file: file.symlink_to(folder / "right.ipynb"), "drawer.ipynb": Path.mkdir}
    for name in names:
        file, content = folder / name, SUBMISSIONS[name][0]
        file.parent.mkdir(parents=True, exist_ok=True)
        special[name](file) if content is None else file.write_bytes(content.replace(b"OUTSIDE", place))
    for name in (".ipynb_checkpoints/right.ipynb", "__MACOSX/._right.ipynb", "._right.ipynb", "notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not handed in")
    return folder, outside


@pytest.mark.parametrize("names, seconds", [
    pytest.param([name for name in SUBMISSIONS if name not in (*LATER, *ENDS)], 200, id="quick"),
    pytest.param(LATER, 200, id="later", marks=pytest.mark.slow),
    pytest.param(ENDS, SECONDS, id="endless", marks=pytest.mark.slow)])
def test_submissions_are_marked_as_they_should(tmp_path, monkeypatch, names, seconds):
    """Many in one test, so that the workers of a test run do not mark all of them each."""
    folder, outside = hand_in(tmp_path, names)
    monkeypatch.setenv("SECRET", "Xyzzy")
    rows = mark_all(notebooks(folder), folder, Limits(seconds, 3), jobs=2)
    assert [row.notebook for row in rows] == sorted(names, key=lambda name: Path(name).parts)
    found, wanted = {}, {}
    for row in rows:
        _, states, why = SUBMISSIONS[row.notebook]
        found[row.notebook] = tuple(row.outcomes[id].state if id in row.outcomes else "" for id in IDS), row.why
        if isinstance(why, re.Pattern):
            why = row.why if why.fullmatch(row.why) else why.pattern
        wanted[row.notebook] = states or ("",) * 3, why
    assert found == wanted
    assert [file.name for file in outside.iterdir()] == ["kept.txt"]
    assert (outside / "kept.txt").read_text() == "as it was"


# What the process does not reach

def run_of(cells, seconds=200.0, memory=3.0, stop=None):
    return mark(Submission("a.ipynb", [(cell, False) for cell in cells], IDS), Limits(seconds, memory), "smoke", [],
                stop or threading.Event())


def test_a_notebook_ends_when_the_marking_is_stopped():
    stop = threading.Event()
    stop.set()
    assert run_of(["while True: pass"], stop=stop) == Row("a.ipynb", {}, "stopped: before its first cell")


def test_a_limit_too_small_to_begin_with_is_told():
    assert re.fullmatch(r"(ended its process with exit code \d+|its process was ended by .+): .+",
                        run_of(["1"], memory=0.05).why)


# The table

ROWS = [Row("=cmd|' /C calc'!A0.ipynb", {"10.1": Outcome("10.1", CORRECT, "")}, ""),
        Row("<b>.ipynb", {"2.1": Outcome("2.1", NOT_YET, "<i>expected</i> 1 & 2")}, "code cell 1: <script>alert(1)"),
        Row("a, b.ipynb", {}, "not a notebook")]


def test_the_table_has_a_column_for_each_exercise():
    assert lines_of(ROWS) == [["notebook", "2.1", "10.1", "why"],
                              ["=cmd|' /C calc'!A0.ipynb", "", "correct", ""],
                              ["<b>.ipynb", "not yet", "", "code cell 1: <script>alert(1)"],
                              ["a, b.ipynb", "", "", "not a notebook"]]
    assert as_text(ROWS).splitlines()[2] == "<b>.ipynb                 not yet           code cell 1: <script>alert(1)"


def test_nothing_of_a_notebook_is_markup_in_the_page():
    page = as_html(ROWS)
    assert "<b>" not in page and "<i>" not in page and "<script" not in page
    assert "&lt;i&gt;expected&lt;/i&gt; 1 &amp; 2" in page and "<td class='not-yet'>not yet" in page


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_every_cell_of_the_csv_comes_back_and_none_is_a_formula(names):
    rows = [Row(words(ValueError(name)).removeprefix("ValueError"), {}, why.replace("\r", " ")) for name, why in names]
    back = list(csv.reader(io.StringIO(as_csv(rows).removeprefix("\ufeff"), newline="")))
    assert [[cell.removeprefix("'") for cell in line] for line in back[1:]] == [
        [row.notebook.removeprefix("'"), row.why.removeprefix("'")] for row in rows]
    assert not any(cell.lstrip()[:1] in tuple("=+-@") for line in back for cell in line)


@given(st.text())
def test_words_of_an_error_are_one_line_that_anything_can_show(said):
    line = words(ValueError(said))
    assert line.isprintable() and len(line) <= 163 and line.encode("utf-8")


# The command

def test_the_command_writes_both_tables_and_touches_no_submission(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("labkit.corpus.build", lambda profile: None)
    folder = tmp_path / "handed in"
    folder.mkdir()
    for name, text in (("a.ipynb", "no notebook"), ("b.ipynb", notebook("1").decode()), ("marks.csv", "mine")):
        (folder / name).write_text(text)
    before = state(folder)
    assert main(["grade", str(folder), "--out", str(tmp_path / "marks.txt"), "--jobs", "2"]) == 0
    printed = capsys.readouterr().out
    assert re.fullmatch(r"notebook +why\na.ipynb +not a notebook: .+\nb.ipynb +no exercise of the lab found\n", printed)
    assert (tmp_path / "marks.csv").read_text(encoding="utf-8-sig").splitlines()[0] == "notebook,why"
    assert "<td>no exercise of the lab found</td>" in (tmp_path / "marks.html").read_text(encoding="utf-8")
    assert state(folder) == before


@pytest.mark.parametrize("folder, out, message", [
    ("missing", None, "Expected a folder of submissions"), ("empty", None, "Expected notebooks (*.ipynb) in"),
    ("full", "full/marks.csv", "Expected a table outside of"), ("full", "full", "Expected the name of a table"),
    ("full", "missing/marks.csv", "Expected the name of a table")])
def test_what_cannot_be_marked_is_said(tmp_path, monkeypatch, capsys, folder, out, message):
    monkeypatch.setattr("labkit.corpus.build", lambda profile: pytest.fail("music is composed"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.ipynb").write_text("")
    assert main(["grade", str(tmp_path / folder), *(["--out", str(tmp_path / out)] if out else [])]) == 1
    assert message in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "full").iterdir()] == ["a.ipynb"]


# The lessons themselves

@pytest.mark.slow
def test_both_editions_of_a_lesson_are_marked(tmp_path, capsys):
    script = ROOT / "notebooks" / "01_spectrograms.py"
    (tmp_path / "solved.ipynb").write_text(written(read_lesson(script)), encoding="utf-8")
    (tmp_path / "student.ipynb").write_text(written(student_notebook(script)), encoding="utf-8")
    assert main(["grade", str(tmp_path)]) == 0
    assert [re.split(r" {2,}", line) for line in capsys.readouterr().out.splitlines()] == [
        ["notebook", *IDS, "why"], ["solved.ipynb", *[CORRECT] * 3], ["student.ipynb", *[NOT_ATTEMPTED] * 3]]
