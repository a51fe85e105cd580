"""What was handed in: the notebooks of a folder, and of each its cells and the exercises of its lesson."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from labkit.errors import LabError
from labkit.exercises.core import load

LARGEST = 25e6           # bytes of a notebook; with its pictures and sounds a lesson has less than a tenth of it
LESSON = re.compile(r"""^# Exercise (\d{1,2}[a-z]?)\.\d|\bcheck\(\s*["'](\d{1,2}[a-z]?)\.\d""", re.MULTILINE)


class MarkingError(LabError):
    """Nothing can be marked, or the table cannot be written; the message says what to do."""


class Submission(NamedTuple):
    """What is run of a notebook, or why nothing is."""

    name: str                                # its path below the folder, with /
    cells: Sequence[tuple[str, bool]] = ()   # of each code cell its source, and whether it holds the parameters
    ids: Sequence[str] = ()                  # the exercises of its lesson
    why: str = ""


def notebooks(folder: Path) -> list[Path]:
    """Everything called *.ipynb, and every folder that cannot be looked into, but nothing hidden, in order of paths.

    Raises MarkingError when there is no such folder.
    """
    if not folder.is_dir():
        raise MarkingError(f"Expected a folder of submissions, found none at {folder}.")
    closed, found = [], []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        found += [Path(place, name) for name in (*folders, *files)
                  if name.lower().endswith(".ipynb") and not name.startswith(".")]
    return sorted([*found, *(Path(error.filename) for error in closed)])


def read(file: Path, name: str) -> Submission:
    """The code of a notebook and the exercises of its lesson, or why there are none."""
    import nbformat

    try:
        if file.is_symlink() or not file.is_file():
            return Submission(name, why="not a plain file, so it is not read")
        if (size := file.stat().st_size) > LARGEST:
            return Submission(name, why=f"has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}; clear its outputs")
        notebook = nbformat.reads(file.read_bytes().decode("utf-8-sig"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells = [(str(cell.source), "parameters" in cell.metadata.get("tags", [])) for cell in code]
        about = notebook.metadata.get("labkit")
        lessons = {first or second for source, _ in cells for first, second in LESSON.findall(source)} or {
            str(about.get("lesson") if isinstance(about, dict) else file.stem)[:40]}
        ids = [id for lesson in sorted(lessons) for id in load(lesson)]
    except OSError as error:
        return Submission(name, why=f"cannot be read: {error.strerror}")
    except Exception as error:  # whatever can be wrong with bytes, with JSON and with what should be cells
        return Submission(name, why=f"not a notebook: {words(error)}")
    return Submission(name, cells, ids, "" if ids else "no exercise of the lab found")


def plain(text: str, most: int = 160) -> str:
    """One line of what may come from a notebook: nothing that steers a terminal, no half characters, not endless."""
    text = "".join(sign if sign.isprintable() else " " for sign in text[:most + 1].encode("utf-8", "replace").decode())
    return text if len(text) <= most else f"{text[:most]}..."


def words(error: BaseException) -> str:
    """An error in one line, also where its own words fail."""
    try:
        said = str(error)[:1000].strip()
    except BaseException:
        said = ""
    return plain(f"{type(error).__name__}{f': {said}' if said else ''}")
