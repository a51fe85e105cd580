"""The stage, the checks of the HTML, and the whole way on the mini book: what is good passes, each fault is named."""

import base64
import time

import filelock
import nbformat
import pytest
from mini import ALT, LESSONS, PIXEL, build, copy_good, edit, fake_execution, make_project, picture, record, state

from labkit.bookbuild import build as whole
from labkit.bookbuild import check, execute, stage
from labkit.bookbuild.build import build_book, folder_digest, take_over
from labkit.bookbuild.check import CheckError, check_html, read_budgets
from labkit.bookbuild.execute import LessonError
from labkit.bookbuild.graph import Lesson, Project
from labkit.bookbuild.pairing import PairingError
from labkit.bookbuild.render import RenderError
from labkit.bookbuild.stage import StageError, dressed, lay_stage, with_references
from labkit.errors import LabError

A, B = "a_first", "b_second"


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "book")


def lay(project: Project, first: dict | None = None):
    """Lay the stage of the mini book with executions that no kernel made; `first`: outputs of the first lesson."""
    outputs = {2: [picture()]} if first is None else first
    return lay_stage(project, {A: fake_execution(project, A, outputs), B: fake_execution(project, B)})


# The stage

@pytest.mark.parametrize("text, expected", [
    ("[chroma](../book/glossary.md)", "{term}`chroma`"),
    ("[the chroma](glossary.md#chroma-vector)", "{term}`the chroma <chroma vector>`"),
    ("[McFee et al.](../book/bibliography.md#mcfee2015)", "{cite:t}`mcfee2015`"),
    ("[words](./glossary.md), [lesson](02_beat_sync.ipynb)", "[words](./glossary.md), [lesson](02_beat_sync.ipynb)"),
])
def test_links_to_glossary_and_bibliography_become_references(text, expected):
    assert with_references(text) == expected


def test_a_page_has_todays_prose_and_the_outputs_of_the_execution(project):
    folder = fake_execution(project, A, {1: [nbformat.v4.new_output("stream", text="profile ci\n")], 2: [picture()]})
    edit(project, f"notebooks/{A}.py", "A sentence of prose.", "Another sentence.")
    page = dressed(project, A, folder)
    assert "Another sentence." in page.cells[0].source
    assert page.cells[2].outputs[0].text == "profile ci\n" and page.cells[2].execution_count == 2
    assert page.cells[3].metadata["mystnb"] == {"image": {"alt": ALT}}


def test_the_banner_stands_under_the_title(project):
    lines = dressed(project, A, fake_execution(project, A, {2: [picture()]})).cells[0].source.splitlines()
    assert lines[0] == "# The first lesson" and lines[2] == ":::{div} labkit-banner"
    assert "no data" in lines[3] and "reduced" in lines[3] and "2 s" in lines[3]
    assert "reduced" not in stage.banner(record(A, reduced=False, profile="full"))


def test_code_that_is_not_what_was_executed_is_refused(project):
    folder = fake_execution(project, A)
    edit(project, f"notebooks/{A}.py", "[1, 3, 2]", "[1, 3, 1]")
    with pytest.raises(StageError, match="a_first: its execution holds other code"):
        dressed(project, A, folder)


def test_a_lesson_without_a_title_is_refused(project):
    (project.notebooks / f"{A}.py").write_text("# %%\nx = 1\n")
    with pytest.raises(StageError, match="a_first does not begin with its title"):
        dressed(project, A, fake_execution(project, A))


stream = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: something\n")
error = nbformat.v4.new_output("error", ename="ValueError", evalue="wrong", traceback=[])
PAGE_FAULTS = {
    "no alternative text": ({2: [picture(None)]}, "a_first, cell 4 shows a figure with the alternative text ''"),
    "too short a text": ({2: [picture("a b c d e")]}, "cell 4 shows a figure with the alternative text 'a b c d e'"),
    "two figures": ({2: [picture(), picture()]}, "a_first, cell 4 shows 2 figures.*split the cell"),
    "error stream": ({1: [stream]}, "(?s)a_first, cell 3 printed to the error stream.*UserWarning: something"),
    "error output": ({1: [error]}, "a_first, cell 3 holds an error output: ValueError: wrong"),
}


@pytest.mark.parametrize("what", PAGE_FAULTS)
def test_the_stage_refuses(project, what):
    outputs, message = PAGE_FAULTS[what]
    with pytest.raises(StageError, match=message):
        lay(project, outputs)


def test_the_metadata_of_a_cell_may_hold_the_alternative_text(project):
    edit(project, f"notebooks/{A}.py", "# %%\nfigure,", f'# %% mystnb={{"image": {{"alt": "{ALT}"}}}}\nfigure,')
    page = dressed(project, A, fake_execution(project, A, {2: [picture(None)]}))
    assert page.cells[3].metadata["mystnb"]["image"]["alt"] == ALT


def test_a_page_of_the_contents_that_is_not_there_is_refused(project):
    edit(project, "_toc.yml", "      - file: book/status\n", "      - file: book/status\n      - file: book/missing\n")
    with pytest.raises(StageError, match=r"_toc\.yml names book/missing, but there is no book/missing\.md"):
        lay(project)


def test_a_lesson_of_the_contents_that_the_graph_lacks_is_refused(project):
    with pytest.raises(StageError, match=r"_toc\.yml names notebooks/b_second, but the graph"):
        lay_stage(Project(project.root, (Lesson(A),)), {A: fake_execution(project, A, {2: [picture()]})})


def test_a_lesson_of_the_graph_that_the_contents_lack_is_refused(project):
    edit(project, "_toc.yml", "      - file: notebooks/b_second\n", "")
    with pytest.raises(StageError, match=r"The graph has the lesson b_second, but _toc\.yml does not"):
        lay(project)


def test_the_status_page_tells_of_each_execution(project):
    text = (lay(project) / "book" / "status.md").read_text()
    assert f"| [{A}](../notebooks/{A}.ipynb) | ci | 2.0 | 90 MiB | 2 | `000000000000` | 2026-01-01 |" in text
    assert f"| [{B}]" in text and "- `000000000000`: no data" in text and "- Python 3.12.0, numpy 2.0" in text


def test_the_changelog_is_filled_in(project):
    (project.root / "CHANGELOG.md").write_text("# Changelog\n\n## 0.1\n\nFirst.\n")
    (project.root / "book" / "glossary.md").write_text("# Changes\n\n<!-- changelog -->\n")
    assert (lay(project) / "book" / "glossary.md").read_text() == "# Changes\n\n\n## 0.1\n\nFirst.\n\n"


# The checks of the HTML, on pages written by hand

def page(body: str) -> str:
    return f'<html><body><article><h1 id="top">Title</h1>{body}</article></body></html>'


@pytest.fixture
def pages(project):
    """A folder of good pages for the mini book's table of contents, with a picture and a sound."""
    html = project.root / "hand"
    for name in project.pages():
        (html / name).parent.mkdir(parents=True, exist_ok=True)
        (html / f"{name}.html").write_text(page("<p>Well.</p>"))
    (html / "picture.png").write_bytes(base64.b64decode(PIXEL))
    (html / "sound.ogg").write_bytes(b"x" * 2**20)
    return html


def look(project, html, records=None, profile="ci") -> list[str]:
    return check_html(project, html, records or {}, profile)


GOOD = [
    f'<img src="../picture.png" alt="{ALT}">', '<a href="a_first.html#top">here</a>', '<a href="#top">here</a>',
    '<a href="https://example.org/page">elsewhere</a>', '<a href="mailto:a@example.org">write</a>',
    "<p>Put it under /path/to/data, or in ~/data/home/x; see https://example.org/home/me.</p>", '<a href="#">up</a>',
    '<audio src="../sound.ogg"></audio>', "<p>1/home and a/tmp/x.</p>",
]


@pytest.mark.parametrize("body", GOOD)
def test_a_good_page_passes(project, pages, body):
    (pages / "notebooks" / f"{B}.html").write_text(page(body))
    look(project, pages)


BAD = {
    "a picture without alt": ('<img src="../picture.png">', r"picture \.\./picture\.png has the alternative text ''"),
    "a short alt": ('<img src="../picture.png" alt="a line">', "alternative text 'a line'"),
    "a file name as alt": ('<img src="../picture.png" alt="../_images/0123456789abcdef012345.png">', "expected what"),
    "a dead link": ('<a href="c_third.html">x</a>', r"a href=c_third\.html: there is no such file"),
    "a dead picture": (f'<img src="../none.png" alt="{ALT}">', r"img src=\.\./none\.png: there is no such file"),
    "a dead sound": ('<audio src="none.ogg"></audio>', r"audio src=none\.ogg: there is no such file"),
    "a dead anchor": ('<a href="a_first.html#none">x</a>', r"a_first\.html has no place called 'none'"),
    "a dead anchor of its own": ('<a href="#none">x</a>', "has no place called 'none'"),
    "a link out of the book": ('<a href="../../_toc.yml">x</a>', "there is no such file"),
    "a link to a file of this machine": ('<a href="file:///home/me/x.html">x</a>', "leads to one machine only"),
    "a link to a server of this machine": ('<a href="http://localhost:8888/lab">x</a>', "leads to one machine only"),
    "an absolute path": ("<p>It is in /home/me/data.</p>", "an absolute path: /home/me/data"),
    "an absolute path in code": ("<pre>open(<span>'/tmp/data/x'</span>)</pre>", "an absolute path: /tmp/data/x"),
    "an absolute path of a Mac": ("<p>/Users/ann/music</p>", "an absolute path: /Users/ann/music"),
    "an absolute path of Windows": (r"<p>C:\Users\ann</p>", r"an absolute path: C:\\Users\\ann"),
    "a traceback": ("<pre>Traceback (most recent call last)</pre>", "b_second: a traceback"),
    "an error output": ('<div class="output traceback">x</div>', "b_second: a traceback"),
    "error stream": ('<div class="output stderr">UserWarning: x</div>', "error output: UserWarning: x"),
    "a table as text": ("<p>| score | mood |\n|—|—|\n| 1 | 2 |</p>", "a table that was not made into one: . score"),
    "a table as text, dashes": ("<p>| score |\n|---|\n| 1 |</p>", "a table that was not made into one"),
    "unknown markup": ('<span class="problematic">:x:`y`</span>', "markup that was not understood: :x:`y`"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_page_is_named(project, pages, what):
    body, message = BAD[what]
    (pages / "notebooks" / f"{B}.html").write_text(page(body))
    with pytest.raises(CheckError, match=message) as caught:
        look(project, pages)
    faults = [line for line in str(caught.value).splitlines() if line.startswith("- ")]
    assert len(faults) == 1 and faults[0].startswith("- notebooks/b_second: ")


def test_the_path_of_the_checkout_is_found_wherever_it_lies(project, pages):
    (pages / "book" / "index.html").write_text(page(f"<p>{project.root}</p>"))
    with pytest.raises(CheckError, match="book/index: the path of this checkout"):
        look(project, pages)


def test_a_page_that_was_not_made_is_named(project, pages):
    (pages / "notebooks" / f"{A}.html").unlink()
    with pytest.raises(CheckError, match="notebooks/a_first: in the table of contents, but there is no page"):
        look(project, pages)


def test_all_faults_are_told_at_once(project, pages):
    (pages / "book" / "index.html").write_text(page('<a href="none.html">x</a>'))
    (pages / "notebooks" / f"{B}.html").write_text(page("<p>/home/me/x</p>"))
    with pytest.raises(CheckError, match=r"(?s)notebooks/b_second: an absolute.*book/index: a href=none\.html"):
        look(project, pages)


@pytest.mark.parametrize("changes, message", [
    ({"seconds": 61.2}, "a_first: 61 seconds, the budget is 60;.*book/budgets.toml"),
    ({"peak_mib": 1001}, "a_first: 1001 MiB of memory, the budget is 1000"),
])
def test_a_lesson_over_its_budget_is_named(project, pages, changes, message):
    with pytest.raises(CheckError, match=message):
        look(project, pages, {A: record(A, **changes), B: record(B)})


def test_a_page_over_its_bytes_is_named(project, pages):
    """The pictures that a page shows count, its sounds do not."""
    (pages / "large.png").write_bytes(b"x" * 310 * 1024)
    (pages / "book" / "index.html").write_text(page(f'<img src="../large.png" alt="{ALT}">'))
    with pytest.raises(CheckError, match="index: 310 KiB of page, the budget is 300"):
        look(project, pages)


def test_a_lesson_may_have_a_budget_of_its_own(project, pages):
    budgets = project.root / "book" / "budgets.toml"
    budgets.write_text(budgets.read_text() + "a_first = { seconds = 1, peak_mib = 1000, page_kib = 900 }\n")
    with pytest.raises(CheckError, match="a_first: 2 seconds, the budget is 1"):
        look(project, pages, {A: record(A), B: record(B)})


def test_the_table_shows_what_was_taken_of_what(project, pages):
    lines = look(project, pages, {A: record(A), B: record(B)})
    assert len(lines) == 1 + len(project.pages())
    assert lines[2].split() == ["a_first", "2", "of", "60", "90", "of", "1000", "0", "of", "900"]


def test_a_profile_without_budgets_is_named(project):
    file = project.root / "book" / "budgets.toml"
    with pytest.raises(CheckError, match=r"budgets\.toml has no budgets for the profile 'full'"):
        read_budgets("full", file)
    file.write_text("[ci]\npage = { seconds = 0, peak_mib = 0, page_kib = 300 }\n")
    with pytest.raises(CheckError, match=r"no entry 'lesson' in the table \[ci\]"):
        read_budgets("ci", file)


# What stops a build before anything is executed

def test_a_pair_out_of_sync_stops_the_build(project):
    (project.notebooks / f"{B}.ipynb").unlink()
    with pytest.raises(PairingError, match=r"b_second\.ipynb is missing; run: make sync"):
        build(project)
    assert not (project.build / "executed").exists()


def test_two_builds_at_once_are_refused(project):
    project.build.mkdir()
    with filelock.FileLock(project.build / ".lock"), pytest.raises(LabError, match="Another build of this book is run"):
        build(project)


def test_no_job_and_an_unknown_profile_are_refused(project):
    with pytest.raises(LabError, match="at least one job, found 0"):
        build(project, jobs=0)
    with pytest.raises(LabError, match="no profile 'huge'"):
        build_book(project, "huge", data=("0", "x"))


def test_new_html_takes_the_place_of_the_old(tmp_path):
    old, new = tmp_path / "html", tmp_path / "new"
    for folder, text in ((old, "old"), (new, "new")):
        folder.mkdir()
        (folder / text).touch()
    take_over(new, old)
    assert [path.name for path in tmp_path.rglob("*")] == ["html", "new"] and (old / "new").is_file()
    first = folder_digest(old)
    (old / "new").rename(old / "other")
    assert folder_digest(old) != first


# The whole way

slow = pytest.mark.slow


@pytest.fixture
def built(tmp_path_factory, tmp_path):
    """A copy of the mini book that was built well."""
    return copy_good(tmp_path_factory, tmp_path)


def lines_of(capsys) -> str:
    return capsys.readouterr().out


@slow
def test_a_good_book_is_whole(built):
    assert (built.html / "notebooks" / f"{A}.html").is_file()
    assert (built.html / "notebooks" / "media" / B / "sine.ogg").is_file()
    records = {path.name.rsplit("-", 1)[0]: execute.read_record(path)
               for path in (built.build / "executed").iterdir()}
    assert set(records) == {A, B} and records[B].measured == {"total": 2.0}
    assert len(check.check_html(built, built.html, records, "ci")) == 1 + len(built.pages())
    first = (built.html / "notebooks" / f"{A}.html").read_text()
    assert f'alt="{ALT}"' in first and "profile ci" in first and "profile = " not in first
    assert "Somebody" in (built.html / "book" / "index.html").read_text()


@slow
def test_nothing_changed_nothing_done(built, capsys):
    before, begin = state(built.html), time.monotonic()
    build(built)
    lines = lines_of(capsys)
    assert time.monotonic() - begin < 15
    assert "started" not in lines and "render: nothing has changed" in lines and "check:" not in lines
    assert state(built.html) == before


@slow
def test_changed_prose_is_rendered_and_not_executed(built, capsys):
    edit(built, f"notebooks/{A}.py", "A sentence of prose.", "A sentence of other prose.")
    build(built)
    lines = lines_of(capsys)
    assert "started" not in lines and "render: writing" in lines and "check:" in lines
    first = (built.html / "notebooks" / f"{A}.html").read_text()
    assert "A sentence of other prose." in first and "profile ci" in first


@slow
def test_changed_code_executes_the_lesson_and_those_that_need_it(built, capsys):
    edit(built, f"notebooks/{A}.py", 'print("profile", profile)', 'print("the profile is", profile)')
    build(built)
    lines = lines_of(capsys)
    assert f"{A}: started" in lines and f"{B}: started" in lines
    assert "the profile is ci" in (built.html / "notebooks" / f"{A}.html").read_text()


@slow
def test_changed_code_of_the_last_lesson_leaves_the_first(built, capsys):
    edit(built, f"notebooks/{B}.py", "The sum is {1 + 1}", "The sum is {2 + 1}")
    build(built)
    lines = lines_of(capsys)
    assert f"{A}: nothing that" in lines and f"{A}: started" not in lines and f"{B}: started" in lines
    assert "The sum is 3." in (built.html / "notebooks" / f"{B}.html").read_text()


def fails_and_keeps_the_old(project: Project, kind: type) -> str:
    """Build a broken book; returns the message, having seen that the last good HTML stands as it was."""
    before = state(project.html)
    with pytest.raises(kind) as caught:
        build(project)
    assert state(project.html) == before
    return str(caught.value)


@slow
def test_break_an_exception_in_a_lesson(built):
    edit(built, f"notebooks/{B}.py", 'say(f"The sum', 'raise ValueError("on purpose")\nsay(f"The sum')
    message = fails_and_keeps_the_old(built, LessonError)
    assert message.startswith("b_second failed in cell 3 of 3") and "ValueError: on purpose" in message


@slow
def test_break_a_figure_without_alternative_text(built):
    edit(built, f"notebooks/{A}.py", f'plots.show(figure, alt="{ALT}")', "pass")
    message = fails_and_keeps_the_old(built, LessonError)
    assert message.startswith("a_first failed in cell 4 of 4")
    assert "This cell shows a figure with the alternative text ''" in message


@slow
def test_break_a_warning_in_a_lesson(built):
    """Nothing of it is kept, so that a mended machine executes the lesson anew."""
    edit(built, f"notebooks/{B}.py", 'say(f"The sum', 'import warnings\nwarnings.warn("on purpose")\nsay(f"The sum')
    message = fails_and_keeps_the_old(built, LessonError)
    assert message.startswith("b_second failed in cell 3 of 3") and "printed to the error stream" in message
    assert len(list((built.build / "executed").glob("b_second-*"))) == 1


@slow
def test_break_a_figure_with_too_short_a_text(built):
    edit(built, f"notebooks/{A}.py", f'alt="{ALT}"', 'alt="A line."')
    message = fails_and_keeps_the_old(built, LessonError)
    assert message.startswith("a_first failed in cell 4 of 4") and "Expected a sentence that says what is" in message


@slow
def test_break_references_of_every_kind(built):
    """Jupyter Book goes on after the first, so that each is told in one run."""
    edit(built, f"notebooks/{A}.py", "A sentence of prose.", "Links: [1](c_third.ipynb), [2](b_second.ipynb#none)"
         ", [nothing](../book/glossary.md#nothing), [Nobody](../book/bibliography.md#nobody1999), {ref}`nowhere`.")
    message = fails_and_keeps_the_old(built, RenderError)
    assert str(built.root) not in message
    for fault in ("c_third.ipynb", "none", "term not in glossary: 'nothing'", "nobody1999", "nowhere"):
        assert [line for line in message.splitlines() if line.startswith("notebooks/a_first.ipynb") and fault in line]


@slow
def test_break_absolute_paths_in_prose_and_output_and_all_budgets(built, monkeypatch):
    monkeypatch.setattr(whole, "GRACE", 1000)  # finished, however slow this machine is, and then reported
    edit(built, f"notebooks/{A}.py", "A sentence of prose.", "Put the data into /home/ann/data please.")
    edit(built, f"notebooks/{B}.py", 'say(f"The sum', 'import os\nprint(os.getcwd())\nsay(f"The sum')
    edit(built, "book/budgets.toml", "seconds = 60, peak_mib = 1000, page_kib = 900",
         "seconds = 0.5, peak_mib = 10, page_kib = 5")
    message = fails_and_keeps_the_old(built, CheckError)
    assert "- notebooks/a_first: an absolute path: /home/ann/data" in message
    assert "- notebooks/b_second: the path of this checkout" in message
    for lesson in (A, B):
        for what in ("seconds, the budget is 0", "MiB of memory, the budget is 10", "KiB of page, the budget is 5"):
            assert [line for line in message.splitlines() if line.startswith(f"- {lesson}: ") and what in line]


@slow
def test_a_lesson_far_over_its_seconds_is_stopped(built):
    edit(built, f"notebooks/{B}.py", 'say(f"The sum', 'import time\ntime.sleep(100)\nsay(f"The sum')
    edit(built, "book/budgets.toml", "seconds = 60", "seconds = 1.5")
    message = fails_and_keeps_the_old(built, LessonError)
    assert message.startswith("b_second did not finish within 6 s and was stopped")


def test_the_mini_book_is_the_graph_of_these_tests(project):
    assert [lesson.name for lesson in LESSONS] == [A, B]
    assert all(f"notebooks/{lesson.name}" in project.pages() for lesson in LESSONS)
