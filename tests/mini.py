"""The mini book of the pipeline's tests: making one, building it once for all tests of a process, breaking a copy."""

import hashlib
import json
import os
import shutil
import textwrap
from dataclasses import asdict
from pathlib import Path

import filelock
import nbformat

from labkit.bookbuild.build import build_book
from labkit.bookbuild.execute import Record
from labkit.bookbuild.graph import Lesson, Project
from labkit.bookbuild.pairing import read_lesson, sync

CHECKOUT = Path(__file__).resolve().parent.parent
SOURCE = Path(__file__).parent / "minibook"
LESSONS = (Lesson("a_first", products=("line",)), Lesson("b_second", needs=("line",)))
DATA = ("0" * 12, "no data")
ALT = "A line that rises from one to three and falls to two."
PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def make_project(root: Path, lessons: tuple[Lesson, ...] = LESSONS) -> Project:
    """A fresh mini book in the new folder `root`, its pairs in sync."""
    shutil.copytree(SOURCE, root, ignore=shutil.ignore_patterns("_build", "*.ipynb"))
    sync(root / "notebooks")
    return Project(root, lessons)


def build(project: Project, **options) -> Path:
    return build_book(project, "ci", data=DATA, **options)


def good_build(factory) -> Project:
    """The mini book, built once for all workers of a test run; never write into it.

    factory: pytest's `tmp_path_factory`. A lock and not an `xdist_group` keeps it to one build, because pytest-xdist
    3.8 does not group under pytest 9.2 (its issue 1386).
    """
    base = factory.getbasetemp()
    root = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "mini-book"
    with filelock.FileLock(root.with_suffix(".lock")):
        done = root.with_suffix(".done")
        if not done.exists():
            shutil.rmtree(root, ignore_errors=True)
            build(make_project(root))
            done.touch()
    return Project(root, LESSONS)


def copy_good(factory, folder: Path) -> Project:
    """A copy of the built mini book, to be broken."""
    shutil.copytree(good_build(factory).root, folder / "book")
    return Project(folder / "book", LESSONS)


def edit(project: Project, file: str, old: str, new: str) -> None:
    """Change one place of a source file and bring the pairs in sync."""
    path = project.root / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
    sync(project.notebooks, "scripts")


def state(folder: Path) -> dict[str, str]:
    """The digest of each file below a folder."""
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def script(*cells: str) -> str:
    """A percent script: a title, the cell of parameters, then the given code cells."""
    parts = ["# %% [markdown]\n# # A title\n", '# %% tags=["parameters"]\nprofile = None\n']
    return "\n".join([*parts, *(f"# %%\n{textwrap.dedent(cell).strip()}\n" for cell in cells)])


def small_project(root: Path, scripts: dict[str, str], lessons: tuple[Lesson, ...] | None = None) -> Project:
    """A project that can be executed but not rendered: percent scripts and nothing else."""
    (root / "notebooks").mkdir(parents=True)
    (root / "_config.yml").write_text("title: small\n")
    (root / "_toc.yml").write_text("root: book/index\n")
    for name, text in scripts.items():
        (root / "notebooks" / f"{name}.py").write_text(text)
    sync(root / "notebooks")
    return Project(root, lessons or tuple(Lesson(name) for name in scripts))


def record(name: str, **changes) -> Record:
    values = {"lesson": name, "profile": "ci", "data": DATA[0], "data_words": DATA[1], "reduced": True, "seconds": 2.0,
              "peak_mib": 90, "threads": 2, "cells": 4, "executed": "2026-01-01", "python": "3.12.0",
              "versions": {"numpy": "2.0"}, "measured": {}, "commit": "abc"}
    return Record(**(values | changes))


def fake_execution(project: Project, name: str, outputs: dict[int, list] | None = None) -> Path:
    """An execution that no kernel made: `outputs` of the code cells by their number among the code cells, from 0."""
    notebook = read_lesson(project.notebooks / f"{name}.py")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code):
        cell.execution_count, cell.outputs = number + 1, (outputs or {}).get(number, [])
    injected = nbformat.v4.new_code_cell('profile = "ci"', metadata={"tags": ["injected-parameters"]})
    notebook.cells.insert(notebook.cells.index(code[0]) + 1, injected)
    folder = project.build / "executed" / f"{name}-fake"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "lesson.ipynb")
    (folder / "record.json").write_text(json.dumps(asdict(record(name))))
    return folder


def picture(alt: str | None = ALT) -> nbformat.NotebookNode:
    return nbformat.v4.new_output("display_data", data={"image/png": PIXEL, "text/plain": "Figure"},
                                  metadata={} if alt is None else {"alt": alt})
