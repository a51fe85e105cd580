"""The stage: a folder with everything that Jupyter Book reads, dressed from the sources and the executed lessons.

Lessons are written so that they read well in Jupyter, without any directive. Here a page of the book is made of them:
today's prose is put beside the outputs, the cell of parameters is hidden, a banner says what was run, links to the
glossary and the bibliography become references that the build checks, and each figure gets its alternative text. Of an
exercise the page shows what a student gets, the hints and the solution folded away, and what the check says of it.
"""

import re
import shutil
from pathlib import Path

import nbformat

from labkit.bookbuild.execute import Record, read_record
from labkit.bookbuild.graph import Project
from labkit.bookbuild.outputs import OutputError, alternative_text, without_injected
from labkit.bookbuild.pairing import read_lesson, written
from labkit.bookbuild.results import benchmark_tables, published_table, results_table
from labkit.bookbuild.student import write_student
from labkit.errors import LabError
from labkit.exercises import blank, load, solved
from labkit.files import write_text

GLOSSARY_LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./book/)?glossary\.md(?:#([^)]+))?\)")
CITATION_LINK = re.compile(r"\[[^\]]+\]\((?:\.\./book/)?bibliography\.md#([^)]+)\)")


class StageError(LabError):
    """A lesson or page cannot be made into a page of the book; the message says where and why."""


def with_references(text: str) -> str:
    """Markdown links to the glossary and the bibliography as MyST roles, which the build resolves or complains about.

    `[chroma](../book/glossary.md)` becomes a term; `[chroma](../book/glossary.md#chromagram)` a term under another
    word; `[McFee 2015](../book/bibliography.md#mcfee2015)` a citation.
    """
    def term(match):
        words, target = match.groups()
        if words == "glossary":
            return match[0]  # the page itself is meant
        return f"{{term}}`{words} <{target.replace('-', ' ')}>`" if target else f"{{term}}`{words}`"

    return CITATION_LINK.sub(lambda match: f"{{cite:t}}`{match[1]}`", GLOSSARY_LINK.sub(term, text))


def banner(record: Record) -> str:
    """The discreet note under the title of a page, as MyST."""
    reduced = "A reduced run: numbers and figures are its own. " if record.reduced else ""
    return (f":::{{div}} labkit-banner\nExecuted on: {record.data_words}. {reduced}It took {record.seconds:.0f} s; the "
            "[status page](../book/status.md) has the rest. To work on this lesson: "
            f"{{download}}`the student's notebook <../student/{record.lesson}.ipynb>`.\n:::")


def dressed(project: Project, name: str, executed: Path) -> nbformat.NotebookNode:
    """The lesson as a page: the prose of the source, the outputs of the execution.

    Raises StageError for a figure without alternative text and for anything printed to the error stream.
    """
    page = read_lesson(project.notebooks / f"{name}.py")
    done = nbformat.read(executed / "lesson.ipynb", as_version=4)
    outputs = [cell for cell in without_injected(done.cells) if cell.cell_type == "code"]
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    if [cell.source for cell in code] != [cell.source for cell in outputs]:
        raise StageError(f"{name}: its execution holds other code than the lesson has now. Run the command again.")
    for cell, ran in zip(code, outputs, strict=True):
        cell.outputs, cell.execution_count = ran.outputs, ran.execution_count
    cells = []
    for number, cell in enumerate(page.cells, start=1):
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "markdown":
            cell.source = with_references(cell.source)
        else:
            if "parameters" in tags:
                cell.metadata["tags"] = [*tags, "remove-cell"]
            dress_outputs(cell, where=f"{name}, cell {number}")
        if "check" in tags:
            require_correct(cell, where=f"{name}, cell {number}")
        cells += exercise_cells(cell, name) if "exercise" in tags else [cell]
    page.cells = cells
    if not page.cells or page.cells[0].cell_type != "markdown" or not page.cells[0].source.startswith("# "):
        raise StageError(f"{name} does not begin with its title. Expected a first cell of prose with the line: # Title")
    title, _, rest = page.cells[0].source.partition("\n")
    page.cells[0].source = f"{title}\n\n{banner(read_record(executed))}\n{rest}"
    return page


def exercise_cells(cell: nbformat.NotebookNode, name: str) -> list[nbformat.NotebookNode]:
    """The cell of an exercise as two: what a student gets, with the hints folded, and the solution, folded too.

    Raises StageError for a cell that does not begin with `# Exercise` and an id of this lesson.
    """
    first = cell.source.split("\n", 1)[0]
    one = load(name).get(first.removeprefix("# Exercise "))
    if one is None:
        raise StageError(f"{name}: a cell tagged `exercise` begins with {first!r}. Expected `# Exercise` and an id of "
                         f"labkit/exercises for this lesson: {', '.join(load(name)) or 'there is none yet'}.")
    hints = [f":::{{dropdown}} Hint {number}\n{text}\n:::" for number, text in enumerate(one.hints, start=1)]
    task = nbformat.v4.new_markdown_cell("\n\n".join([f"```python\n{blank(cell.source)}\n```", *hints]),
                                         id=f"{cell.id}-task")
    cell.source = solved(cell.source)
    cell.metadata["tags"] = [*cell.metadata["tags"], "hide-input"]
    cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), "code_prompt_show": "Solution",
                               "code_prompt_hide": "Hide the solution"}
    return [task, cell]


def require_correct(cell: nbformat.NotebookNode, where: str) -> None:
    """Raises StageError where the check of an exercise does not call our own solution correct."""
    said = "".join(output.get("text", "") for output in cell.outputs).strip()
    if not re.match(r"Exercise \S+: correct\. ", said):
        raise StageError(f"{where}, {cell.source}: expected our own solution to be correct, found "
                         f"{said or 'no output'!r}. Mend the solution or its checker.")


def dress_outputs(cell: nbformat.NotebookNode, where: str) -> None:
    """Give the figure of a cell its alternative text, and its sentences their references."""
    try:
        alt = alternative_text(cell)
    except OutputError as error:
        raise StageError(f"{where} {error}") from None
    if alt:
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
    for output in cell.outputs:
        if "text/markdown" in output.get("data", {}):
            output.data["text/markdown"] = with_references(output.data["text/markdown"])


def status_table(records: list[Record]) -> str:
    """The table of the status page, and the versions beneath it, as Markdown."""
    lines = ["| lesson | profile | seconds | peak memory | threads | data | executed |",
             "|---|---|--:|--:|--:|---|---|"]
    for one in records:
        lines.append(f"| [{one.lesson}](../notebooks/{one.lesson}.ipynb) | {one.profile} | {one.seconds:.1f} | "
                     f"{one.peak_mib:.0f} MiB | {one.threads} | `{one.data}` | {one.executed} |")
    described = dict.fromkeys((one.data, one.data_words) for one in records)
    lines += ["", "The data:", ""] + [f"- `{digest}`: {words}" for digest, words in described]
    versions = dict.fromkeys((one.python, tuple(one.versions.items())) for one in records)
    lines += ["", "Computed with:", ""]
    for python, packages in versions:
        lines.append(f"- Python {python}, " + ", ".join(f"{name} {number}" for name, number in packages))
    return "\n".join(lines)


def lay_stage(project: Project, executed: dict[str, Path]) -> Path:
    """Write the stage folder anew and return it: what the table of contents names, and what that shows."""
    stage = project.build / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    (stage / "notebooks").mkdir(parents=True)
    records = [read_record(folder) for folder in executed.values()]
    for name in ("_config.yml", "_toc.yml"):
        write_text(stage / name, (project.root / name).read_text(encoding="utf-8"))
    shutil.copytree(project.root / "book", stage / "book", ignore=shutil.ignore_patterns(".*", "*.md"))
    write_student(project, stage / "student")
    for page in project.pages():
        if page.startswith("notebooks/"):
            name = page.split("/", 1)[1]
            if name not in executed:
                raise StageError(f"_toc.yml names {page}, but the graph in labkit/bookbuild/graph.py has no such "
                                 "lesson. Add it to both, or take it out of both.")
            write_text(stage / f"{page}.ipynb", written(dressed(project, name, executed[name])))
            if (executed[name] / "media").is_dir():
                shutil.copytree(executed[name] / "media", stage / "notebooks" / "media", dirs_exist_ok=True)
        else:
            source = project.root / f"{page}.md"
            if not source.is_file():
                raise StageError(f"_toc.yml names {page}, but there is no {page}.md. Add the page or drop the entry.")
            write_text(stage / f"{page}.md", page_text(project, source.read_text(encoding="utf-8"), records))
    for lesson in project.lessons:
        if f"notebooks/{lesson.name}" not in project.pages():
            raise StageError(f"The graph has the lesson {lesson.name}, but _toc.yml does not. Add it to both.")
    return stage


def page_text(project: Project, text: str, records: list[Record]) -> str:
    """A prose page with its markers filled in: `<!-- status -->`, `<!-- results -->`, `<!-- benchmark NAME -->`,
    `<!-- published -->`, `<!-- changelog -->`, `<!-- student -->`."""
    if "<!-- status -->" in text:
        text = text.replace("<!-- status -->", status_table(records))
    if "<!-- results -->" in text:
        text = text.replace("<!-- results -->", results_table(project, records))
    if "<!-- published -->" in text:
        text = text.replace("<!-- published -->", published_table(project, records))
    text = text.replace("<!-- student -->", "{download}`the student edition <../student.zip>`")
    text = re.sub(r"<!--\s*benchmark\s+([\w-]+)\s*-->", lambda found: benchmark_tables(project, found[1]), text)
    if "<!-- changelog -->" in text:
        changes = (project.root / "CHANGELOG.md").read_text(encoding="utf-8")
        text = text.replace("<!-- changelog -->", changes.split("\n", 1)[1])
    return with_references(text)
