"""The student edition: each lesson as a notebook with blanks, and one archive with all that runs them."""

import io
import zipfile
from pathlib import Path

import nbformat

import labkit
from labkit.bookbuild.graph import Project
from labkit.bookbuild.pairing import cell_ids, read_lesson, written
from labkit.errors import LabError
from labkit.exercises.blanks import BlankError, blank
from labkit.files import write_text, write_whole

TOP = "lab-book"   # the folder that the archive unpacks to
# What stands in the archive beside the notebooks and the package: what installs them, and the pages that they link to.
BESIDE = ("pyproject.toml", "constraints.txt", "environment.yml", "LICENSE", "LICENSE-CONTENT.md", "book/*.md",
          "book/references.bib")
OLDEST_TIME = (1980, 1, 1, 0, 0, 0)   # of the ZIP format; a real time would change the bytes with each build
README = """# From a song to its genre and its mood: the student edition

The folder `notebooks` holds the lessons. In their exercises `...` stands for what is to be written.

## To run it

You need Python 3.11 or newer and 3 GB of disk. In this folder, on Linux and macOS:

    python3 -m labkit setup --extra lab
    .venv/bin/python -m labkit lab

On Windows:

    py -3.11 -m labkit setup --extra lab
    .venv\\Scripts\\python -m labkit lab

The first line installs everything into the folder `.venv` here. The first time it downloads several hundred megabytes,
which takes some minutes, and on a slow line or disk much longer. The second opens JupyterLab on the lessons. Where
something fails, `python -m labkit doctor` says what and how to mend it.

With conda instead: `conda env create -f environment.yml`, `conda activate labkit`, `python -m labkit lab`.

## To work on an exercise

Run the lesson from its beginning, because an exercise uses what stands before it. Replace each `...`, run the cell,
then the cell with `check` below it. It says *correct*, *not yet* and why, or *not attempted*. In a cell of your own,
`hint("1.1")` gives a hint, called again a second one, `target("1.1")` shows what is to be reached, and
`solution("1.1")` says where in the book the solution is folded away.

To hand in a lesson, hand in its notebook.

Code: MIT, see LICENSE. Text and composed sound: CC BY 4.0, see LICENSE-CONTENT.md.
"""


def student_notebook(script: Path) -> nbformat.NotebookNode:
    """The lesson `script` as a student gets it: blanks in the exercises, no outputs, its name in the metadata.

    Raises LabError for a solution whose marks do not pair up.
    """
    notebook = read_lesson(script)
    for cell in notebook.cells:
        if "exercise" in cell.metadata.get("tags", []):
            try:
                cell.source = blank(cell.source)
            except BlankError as error:
                raise LabError(f"{script.name}, the cell {cell.source.splitlines()[0]!r}: {error}") from None
    for cell, cell_id in zip(notebook.cells, cell_ids(notebook), strict=True):
        cell.id = cell_id
    # Without the pairing: a student has no script beside the notebook.
    notebook.metadata = nbformat.from_dict({"kernelspec": notebook.metadata["kernelspec"],
                                            "labkit": {"lesson": script.stem}})
    return notebook


def archive(files: dict[str, bytes]) -> bytes:
    """A ZIP archive of files by their paths; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{TOP}/{name}", OLDEST_TIME)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            file.writestr(entry, files[name])
    return packed.getvalue()


def write_student(project: Project, folder: Path | None = None) -> Path:
    """Write the notebooks of all lessons into `folder` and the archive beside it; returns the archive.

    folder: None = `_build/student`. Notebooks of lessons that are no more are removed from it.

    Raises LabError as `student_notebook`.
    """
    folder = folder or project.build / "student"
    notebooks = {f"{lesson.name}.ipynb": written(student_notebook(project.notebooks / f"{lesson.name}.py"))
                 for lesson in project.lessons}
    package = Path(labkit.__file__).parent
    files = {f"notebooks/{name}": text.encode() for name, text in notebooks.items()} | {"README.md": README.encode()}
    for kind in ("*.py", "*.json"):
        files |= {f"labkit/{file.relative_to(package).as_posix()}": file.read_bytes() for file in package.rglob(kind)}
    for pattern in BESIDE:
        files |= {file.relative_to(project.root).as_posix(): file.read_bytes() for file in project.root.glob(pattern)}
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        if old.name not in notebooks:
            old.unlink()
    for name, text in notebooks.items():
        write_text(folder / name, text)
    packed = folder.with_name(f"{folder.name}.zip")
    write_whole(packed, lambda file: file.write(archive(files)))
    return packed
