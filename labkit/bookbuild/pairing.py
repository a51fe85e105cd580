"""The two files of a lesson: NN_topic.py is the source, NN_topic.ipynb is derived from it.

jupytext gives new random cell ids at each conversion, so that a comparison with `git diff` would always fail. Here an
id is the digest of its cell, and two notebooks are compared cell by cell.
"""

import hashlib
from pathlib import Path

import jupytext
import nbformat

from labkit.errors import LabError
from labkit.files import write_text

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PAIR = {"formats": "ipynb,py:percent", "notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,mystnb,-all"}
# What the book reads, and the blank lines of the script; times, editor states and the like stay out of the script.
CELL_METADATA = ("tags", "mystnb", "lines_to_next_cell")


class PairingError(LabError):
    """The two files of a lesson tell different things; the message says what to do."""


def read_lesson(script: Path) -> nbformat.NotebookNode:
    """The notebook that the percent script `script` stands for: no outputs, each cell's id a digest of the cell."""
    notebook = jupytext.read(script, fmt="py:percent")
    for cell, cell_id in zip(notebook.cells, cell_ids(notebook), strict=True):
        cell.id = cell_id
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "jupytext": PAIR})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def cell_ids(notebook: nbformat.NotebookNode) -> list[str]:
    """The id of each cell: the digest of its type and source, and of how many like it stand before."""
    seen: dict[str, int] = {}
    ids = []
    for cell in notebook.cells:
        text = f"{cell.cell_type}\n{cell.source}"
        seen[text] = seen.get(text, 0) + 1
        ids.append(hashlib.sha256(f"{text}\n{seen[text]}".encode()).hexdigest()[:12])
    return ids


def edited_by_hand(notebook: nbformat.NotebookNode) -> bool:
    """Whether somebody changed or added a cell: its id is then no longer, or never was, the digest of the cell."""
    return [cell.get("id") for cell in notebook.cells] != cell_ids(notebook)


def written(notebook: nbformat.NotebookNode) -> str:
    """The text of a notebook file."""
    return nbformat.writes(notebook, version=4) + "\n"


def cells_of(notebook: nbformat.NotebookNode) -> list[tuple[str, str, dict]]:
    """What two notebooks are compared by: type, source and metadata of each cell."""
    return [(cell.cell_type, cell.source, {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
            for cell in notebook.cells]


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """The notebook file `path`. Raises PairingError for one that is no notebook, such as a merge with conflicts."""
    try:
        return nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError, KeyError):
        raise PairingError(f"{path.name} cannot be read as a notebook. Expected what its script gives: "
                           f"delete {path.name}, then run: make sync") from None


def as_script(notebook: nbformat.NotebookNode) -> str:
    """The percent script of a notebook that was edited: no header, no outputs, of the metadata what the book reads."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata = nbformat.from_dict({"jupytext": {"notebook_metadata_filter": "-all"}})
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
    return jupytext.writes(notebook, fmt="py:percent")


def cells_differ(script: Path) -> str | None:
    """Where the cells of NN_topic.ipynb depart from NN_topic.py, in one sentence; None when they tell the same."""
    path = script.with_suffix(".ipynb")
    if not path.exists():
        return f"{path.name} is missing; run: make sync"
    wanted, found = read_lesson(script), read_notebook(path)
    for number, (ours, theirs) in enumerate(zip(cells_of(wanted), cells_of(found), strict=False), start=1):
        if ours != theirs:
            return f"{path.name} departs from {script.name} at cell {number}; run: make sync"
    if len(wanted.cells) != len(found.cells):
        return f"{path.name} has {len(found.cells)} cells, {script.name} has {len(wanted.cells)}; run: make sync"
    return None


def difference(script: Path) -> str | None:
    """Where NN_topic.ipynb is not just what NN_topic.py gives, outputs and metadata included; None when it is."""
    if fault := cells_differ(script):
        return fault
    path, wanted = script.with_suffix(".ipynb"), read_lesson(script)
    if written(wanted) != path.read_text(encoding="utf-8"):
        return f"{path.name} has outputs, other cell ids or other metadata than {script.name} gives; run: make sync"
    return None


def sync(folder: Path, take: str | None = None) -> list[str]:
    """Write each NN_topic.ipynb from its NN_topic.py; returns the names that changed.

    Somebody may have edited only the notebook. When its cells show that and differ from the script, nothing is
    overwritten unless `take` says which side holds: "scripts" or "notebooks".

    Raises PairingError in that case.
    """
    changed, refused = [], []
    for script in sorted(folder.glob("*.py")):
        path = script.with_suffix(".ipynb")
        if difference(script) is None:
            continue
        if path.exists() and cells_differ(script):
            notebook = read_notebook(path)
            if take == "notebooks":
                write_text(script, as_script(notebook))
            elif take is None and edited_by_hand(notebook):
                refused.append(path.name)
                continue
        write_text(path, written(read_lesson(script)))
        changed.append(path.name)
    if refused:
        raise PairingError(f"{', '.join(refused)}: edited by hand, and other than the script of the same name. To "
                           "keep the notebook's edits: python -m labkit sync --take notebooks. To drop them: "
                           "python -m labkit sync --take scripts")
    return changed
