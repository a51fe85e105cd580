"""The student edition: each lesson as a notebook with blanks, and one archive with all that runs them."""

import io
import re
import unicodedata
import zipfile
from pathlib import Path

import nbformat

import labkit
from labkit.bookbuild.graph import Project
from labkit.bookbuild.pairing import cell_ids, read_lesson, written
from labkit.bookbuild.results import benchmark_tables
from labkit.errors import LabError
from labkit.exercises.blanks import BlankError, blank
from labkit.files import write_text, write_whole

TOP = "lab-book"   # the folder that the archive unpacks to
# What stands in the archive beside the notebooks, the pages that they link to, and the package: what installs them.
BESIDE = ("pyproject.toml", "constraints.txt", "environment.yml", "LICENSE", "LICENSE-CONTENT.md")
# What a page says of a checkout, and what holds in the archive, which has no Makefile and builds no book.
IN_THE_ARCHIVE = (("make book             # the book, on these", "python -m labkit lab   # the lessons, on these"),
                  ("make book", "python -m labkit lab"), ("make lab", "python -m labkit setup --extra lab"))
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")
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
`solution("1.1")` says where the solution stands: in the rendered book, which your teacher has.

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


def bibliography(entries: str) -> str:
    """A file of BibTeX as Markdown: a heading for each key, to which the notebooks link, and what it stands for."""
    lines = ["# Bibliography"]
    for key, body in sorted(re.findall(r"^@\w+\{([^,]+),\n(.*?)^\}", entries, re.M | re.S)):
        fields = {name: re.sub(r"\\\W|[{}]|\\(?=[A-Za-z])", "", accented(value)).replace("--", "–")
                  for name, value in re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", body, re.M)}
        names = [" ".join(reversed(name.split(", ", 1)))
                 for name in fields.get("author", fields.get("editor", "")).split(" and ")]
        published = ("journal", "booktitle", "publisher", "howpublished", "institution", "note")
        where = next((fields[name] for name in published if name in fields), "")
        at = f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
        lines += ["", f"### {key}", "", ". ".join(filter(None, (", ".join(names), fields.get("title", ""), " ".join(
            filter(None, (where, fields.get("volume", ""), f"({fields.get('year', '')})"))), at and f"<{at}>")))]
    return "\n".join(lines) + "\n"


def accented(text: str) -> str:
    r"""TeX's accents as letters: `{\"o}` is ö."""
    marks = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "~": "\u0303", "^": "\u0302", "k": "\u0328", "c": "\u0327"}
    text = re.sub(r"\{?\\([\"'`~^]|[kc](?=\{))\{?(\w)\}?\}?",
                  lambda found: unicodedata.normalize("NFC", found[2] + marks[found[1]]), text)
    return text.replace("{\\L}", "Ł").replace("{\\l}", "ł")


def plain_page(project: Project, text: str, there: set[str]) -> str:
    """A prose page as Markdown that needs no build: no directive, no marker, no link to what is not in the archive.

    there: the files of the archive below its top.
    """
    def table(found):
        try:
            return benchmark_tables(project, found[1])
        except LabError:
            return missing

    def link(found):
        path = Path("book", found[2]).as_posix().replace("book/../", "")
        return found[0] if path in there else found[1]

    missing = "*(Here the rendered book has a table.)*"
    text = re.sub(r"<!--\s*benchmark\s+([\w-]+)\s*-->", table, text)
    text = re.sub(r"<!--.*?-->", missing, text, flags=re.S)
    text = re.sub(r"^````\{dropdown\} (.*)$", r"**\1**\n", text, flags=re.M)
    text = re.sub(r"^````\n?$", "", text, flags=re.M)
    text = re.sub(r"^\(([\w-]+)\)=$", r'<a id="\1"></a>\n', text, flags=re.M)
    text = re.sub(r"\{[\w:]+\}`([^`<]+?)(?: <[^>`]*>)?`", r"\1", text)
    if glossary := re.search(r"^```\{glossary\}\n(.*?)^```$", text, re.M | re.S):
        entries = re.sub(r"^(?=\S)(.+)$", r"### \1\n", glossary[1], flags=re.M)
        text = text.replace(glossary[0], re.sub(r"^  ", "", entries, flags=re.M))
    for ours, theirs in IN_THE_ARCHIVE:
        text = text.replace(ours, theirs)
    return LINK.sub(link, text)


def pages_for(project: Project, notebooks: dict[str, str], files: set[str]) -> dict[str, bytes]:
    """The book pages that notebooks link to, by their paths in the archive; files: what else is in it."""
    linked = {name for text in notebooks.values() for name in re.findall(r"\]\(\.\./book/([\w-]+\.md)", text)}
    sources = {f"book/{name}": project.root / "book" / name for name in sorted(linked)}
    sources = {path: file for path, file in sources.items() if file.is_file()}
    pages = {path: plain_page(project, file.read_text(encoding="utf-8"), files | set(sources))
             for path, file in sources.items()}
    entries = project.root / "book" / "references.bib"
    if "book/bibliography.md" in pages and entries.is_file():
        pages["book/bibliography.md"] = bibliography(entries.read_text(encoding="utf-8"))
    return {path: text.encode() for path, text in pages.items()}


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
    files |= pages_for(project, notebooks, set(files))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        if old.name not in notebooks:
            old.unlink()
    for name, text in notebooks.items():
        write_text(folder / name, text)
    packed = folder.with_name(f"{folder.name}.zip")
    write_whole(packed, lambda file: file.write(archive(files)))
    return packed
