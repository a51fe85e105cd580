"""Executing lessons: what is noted, what a failure says, what is left behind, what runs side by side."""

import io
import json
import os
import time

import nbformat
import psutil
import pytest
from mini import DATA, record, script, small_project, state

from labkit import WAITING
from labkit.bookbuild import execute, pairing
from labkit.bookbuild.execute import (
    KEPT,
    LessonError,
    Progress,
    drop_old,
    execute_all,
    folder_of,
    kernel_environment,
    read_measured,
    read_record,
)
from labkit.bookbuild.graph import Lesson


def run(project, jobs=1, limits=None):
    """Execute a project; returns the folder of each lesson and the lines of progress."""
    out = io.StringIO()
    folders = execute_all(project, "ci", *DATA, True, jobs, limits or {}, Progress(every=0, out=out))
    return folders, out.getvalue().splitlines()


def left(project) -> list[str]:
    """The names in the folder of executions."""
    folder = project.build / "executed"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def printed(folder) -> str:
    """What the code cells of an execution printed."""
    cells = nbformat.read(folder / "lesson.ipynb", as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """A folder into which the test's lessons write, outside all that the pipeline looks after."""
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("MINI_NOTES", str(folder))
    return folder


def failure(project, **options) -> str:
    """The message of a run that fails, without the numbers and colours of a terminal."""
    with pytest.raises(LessonError) as caught:
        run(project, **options)
    assert "\x1b" not in str(caught.value)
    return str(caught.value)


# Records

def test_a_record_is_read_back_or_none(tmp_path):
    assert read_record(tmp_path) is None
    for text in ("", "{", '{"lesson": "a"}', '{"lesson": "a", "unknown": 1}'):
        (tmp_path / "record.json").write_text(text)
        assert read_record(tmp_path) is None
    whole = record("a", measured={"x": 1.5})
    (tmp_path / "record.json").write_text(json.dumps(vars(whole)))
    assert read_record(tmp_path) == whole


def test_later_numbers_take_the_place_of_earlier_ones(tmp_path):
    file = tmp_path / "measured.jsonl"
    assert read_measured(file) == {}
    file.write_text('{"a": 1, "b": 2}\n{"a": 3}\n')
    assert read_measured(file) == {"a": 3, "b": 2}


def test_the_kernel_has_its_threads_and_no_others(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("GOMP_SPINCOUNT", "1000000")
    environment = kernel_environment("01_topic", 1)
    assert all(environment[name] == "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"))
    assert environment["LAB_MEDIA"] == "media/01_topic"
    assert environment.items() >= WAITING.items()
    assert environment["PATH"] == os.environ["PATH"]


def test_old_executions_are_dropped(tmp_path):
    project = small_project(tmp_path / "book", {"intro": script(), "intro-two": script()})
    lesson = project.lessons[0]
    kept = folder_of(project, lesson, "a" * 16)
    for age, digest in enumerate("abcdef"):
        folder = folder_of(project, lesson, digest * 16)
        folder.mkdir(parents=True)
        os.utime(folder, (1e9 - age, 1e9 - age))
    os.utime(kept, (1, 1))  # the oldest of all, but the one in use
    (project.build / "executed" / f".intro-{'a' * 16}.77.partial").mkdir()
    other = folder_of(project, project.lessons[1], "a" * 16)
    other.mkdir()
    drop_old(project, lesson, kept)
    assert left(project) == sorted([f"intro-{digest * 16}" for digest in "abc"[:KEPT]] + [other.name])


def test_progress_in_a_terminal_moves_and_elsewhere_is_rare():
    out = io.StringIO()
    progress = Progress(every=60, out=out)
    for number in range(5):
        progress.tick(f"cell {number}")
    progress.say("done")
    assert len(out.getvalue().splitlines()) <= 2 and out.getvalue().endswith("s] done\n")


# Failures

def test_a_failing_cell_is_named_with_source_and_traceback(tmp_path):
    """Cells are counted as in the lesson: prose and the cell of parameters count, papermill's own cell does not."""
    broken = "def broken():\n    return 1 / 0\n\nbroken()"
    project = small_project(tmp_path / "book", {"01_topic": script("x = 1", broken)})
    message = failure(project)
    assert message.startswith("01_topic failed in cell 4 of 4:\n\ndef broken():")
    assert "ZeroDivisionError: division by zero" in message and message.index("broken()") < message.index("Traceback")
    assert left(project) == []


@pytest.mark.slow
def test_a_syntax_error_is_named_too(tmp_path):
    project = small_project(tmp_path / "book", {"01_topic": script("x = (1")})
    message = failure(project)
    assert message.startswith("01_topic failed in cell 3 of 3:\n\nx = (1") and "SyntaxError" in message
    assert left(project) == []


@pytest.mark.slow
def test_the_death_of_a_kernel_is_named(tmp_path):
    project = small_project(tmp_path / "book", {"01_topic": script("import os", "os._exit(3)")})
    message = failure(project)
    assert message.startswith("01_topic failed in cell 4 of 4:\n\nos._exit(3)") and "The kernel died" in message
    assert left(project) == []


@pytest.mark.slow
def test_a_loop_is_stopped_after_its_limit(tmp_path, notes):
    loop = """
        import os
        from pathlib import Path
        file = Path(os.environ["MINI_NOTES"], "pid")
        file.with_suffix(".new").write_text(str(os.getpid()))
        file.with_suffix(".new").rename(file)
        while True:
            pass
    """
    project = small_project(tmp_path / "book", {"01_topic": script(loop)})

    class Limits(dict):
        """The limit holds from when the loop has begun, however slowly this machine starts a kernel."""

        def get(self, name, default):
            return self[name] if (notes / "pid").exists() else default

    message = failure(project, limits=Limits({"01_topic": 2}))
    assert message.startswith("01_topic did not finish within 2 s and was stopped")
    assert not any(read_record(path) for path in (project.build / "executed").iterdir())
    pid = int((notes / "pid").read_text())
    end = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the kernel still runs"
        time.sleep(0.1)


@pytest.mark.slow
def test_an_interrupted_execution_does_not_count(tmp_path, notes):
    """The lesson ends its own worker in the middle; the next run begins anew and clears away what was left."""
    killer = """
        import os, signal, time
        from pathlib import Path
        file = Path(os.environ["MINI_NOTES"], "killed")
        if not file.exists():
            file.touch()
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(30)
        print("whole")
    """
    project = small_project(tmp_path / "book", {"01_topic": script(killer)})
    assert failure(project).startswith("01_topic could not be executed")
    assert all(name.endswith(".partial") for name in left(project))
    folders, _ = run(project)
    assert printed(folders["01_topic"]) == "whole\n"
    assert left(project) == [folders["01_topic"].name]


# Two side by side, and one that waits for both

MEETING = """
    import json, os, time
    from pathlib import Path
    here = Path(os.environ["MINI_NOTES"])
    begin = time.time()
    (here / "NAME.here").touch()
    while not (here / "OTHER.here").exists():
        assert time.time() - begin < 60, "the other lesson does not run"
        time.sleep(0.05)
    time.sleep(0.3)
    (here / "NAME.json").write_text(json.dumps([begin, time.time()]))
    print(os.environ["OMP_NUM_THREADS"], profile)
"""
AFTER = """
    import json, os, time
    from pathlib import Path
    from labkit.show import measured
    block = b"x" * (300 * 2**20)
    time.sleep(0.5)
    measured(first=len(block), second=0.123456)
    (Path(os.environ["MINI_NOTES"]) / "three.json").write_text(json.dumps([time.time()]))
"""


@pytest.mark.slow
def test_independent_lessons_run_side_by_side_and_others_wait(tmp_path, notes):
    lessons = (Lesson("three", needs=("x", "y")), Lesson("one", products=("x",)), Lesson("two", products=("y",)))
    project = small_project(tmp_path / "book", {
        "one": script(MEETING.replace("NAME", "one").replace("OTHER", "two")),
        "two": script(MEETING.replace("NAME", "two").replace("OTHER", "one")),
        "three": script(AFTER)}, lessons)
    before = state(project.notebooks)
    folders, lines = run(project, jobs=2)

    times = {name: json.loads((notes / f"{name}.json").read_text()) for name in ("one", "two", "three")}
    assert times["one"][0] < times["two"][1] and times["two"][0] < times["one"][1], "they did not run at the same time"
    assert times["three"][0] > max(times["one"][1], times["two"][1])
    assert printed(folders["one"]) == "1 ci\n", "one thread each; the profile arrives as a parameter"

    assert state(project.notebooks) == before
    assert all(pairing.difference(path) is None for path in project.notebooks.glob("*.py"))

    found = read_record(folders["three"])
    assert (found.lesson, found.profile, found.data, found.data_words, found.reduced) == ("three", "ci", *DATA, True)
    assert found.threads == 1 and found.cells == 3 and found.seconds > 0.5
    assert 300 <= found.peak_mib < 600 and read_record(folders["one"]).peak_mib < 200
    assert found.measured == {"first": float(f"{300 * 2**20:.4g}"), "second": 0.1235}
    assert set(found.versions) == set(execute.installed_versions()) and "none" not in found.versions.values()
    assert sorted(path.name for path in folders["three"].iterdir()) == ["lesson.ipynb", "measured.jsonl", "record.json"]

    text = "\n".join(lines)
    assert "one: started, 1 thread\n" in text and "three: cell 3 of 3, " in text and "three: done in " in text
    assert all(line.startswith("[") and " s] " in line for line in lines)

    folders_again, lines = run(project, jobs=2)
    assert folders_again == folders and len(lines) == 3 and all("has changed" in line for line in lines)


@pytest.mark.slow
def test_a_failure_stops_the_others_and_starts_no_more(tmp_path, notes):
    waits = ('import os, time\nfrom pathlib import Path\n'
             'here = Path(os.environ["MINI_NOTES"])\n(here / "{}").touch()\n{}')
    lessons = (Lesson("fails", products=("x",)), Lesson("long"), Lesson("needs", needs=("x",)))
    project = small_project(tmp_path / "book", {
        "fails": script(waits.format("fails", 'while not (here / "long").exists():\n    time.sleep(0.05)\n1 / 0')),
        "long": script(waits.format("long", "time.sleep(120)")),
        "needs": script(waits.format("needs", ""))}, lessons)
    begin = time.monotonic()
    assert failure(project, jobs=2).startswith("fails failed in cell 3 of 3")
    assert time.monotonic() - begin < 60 and not (notes / "needs").exists()
    assert all(name.endswith(".partial") for name in left(project))
