"""The two files of a lesson: deterministic ids, comparison cell by cell, syncing either way."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mini import CHECKOUT

from labkit.bookbuild import pairing
from labkit.bookbuild.pairing import PairingError, cells_of, difference, read_lesson, sync

REAL = sorted((CHECKOUT / "notebooks").glob("*.py"))
SCRIPT = """\
# %% [markdown]
# # A title
#
# Some prose with $x^2$, a "quotation" and # a hash.

# %% tags=["parameters"]
profile = None

# %%
def twice(x):
    return 2 * x

# %%
print(1)

# %%
print(1)
"""


@pytest.fixture
def lesson(tmp_path):
    """A lesson whose two files are in sync."""
    path = tmp_path / "01_topic.py"
    path.write_text(SCRIPT, encoding="utf-8")
    sync(tmp_path)
    return path


def ids(script: Path) -> list[str]:
    return [cell.id for cell in read_lesson(script).cells]


def change(script: Path, function) -> None:
    """Edit the notebook of a lesson as an editor would: read, change, write."""
    path = script.with_suffix(".ipynb")
    notebook = nbformat.read(path, as_version=4)
    function(notebook)
    nbformat.write(notebook, path)


def touch(path: Path, seconds: float) -> None:
    """Set the time of change of a file, in seconds from now."""
    now = path.stat().st_mtime + seconds
    os.utime(path, (now, now))


def test_ids_are_the_same_twice_and_legal(lesson):
    found = ids(lesson)
    assert found == ids(lesson)
    assert len(set(found)) == len(found) == 5, "two equal cells need two ids"
    assert all(1 <= len(one) <= 64 and one.isalnum() for one in found)
    nbformat.validate(read_lesson(lesson))


def test_ids_of_other_cells_stay_when_a_cell_is_inserted(lesson):
    before = ids(lesson)
    lesson.write_text(SCRIPT.replace("# %%\ndef twice", "# %%\nx = 3\n\n# %%\ndef twice"))
    after = ids(lesson)
    assert len(after) == 6 and [one for one in after if one in before] == before


def test_notebooks_have_no_outputs(lesson):
    notebook = nbformat.read(lesson.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) == 4 and all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert "outputs" not in notebook.cells[0]


def test_a_pair_in_sync_has_no_difference(lesson):
    assert difference(lesson) is None


CHANGES = {
    "source": (lambda nb: nb.cells[2].update(source="x = 3"), "cell 3"),
    "prose": (lambda nb: nb.cells[0].update(source="# Another title"), "cell 1"),
    "tags": (lambda nb: nb.cells[1].metadata.update(tags=["hide-input"]), "cell 2"),
    "metadata": (lambda nb: nb.cells[3].metadata.update(mystnb={"image": {"alt": "x"}}), "cell 4"),
    "papermill metadata of a cell": (lambda nb: nb.cells[2].metadata.update(papermill={"end": 1}), "other metadata"),
    "papermill metadata of the notebook": (lambda nb: nb.metadata.update(papermill={"version": "2"}), "other metadata"),
    "extra cell": (lambda nb: nb.cells.append(nbformat.v4.new_code_cell("x")), "has 6 cells, 01_topic.py has 5"),
    "cell type": (lambda nb: nb.cells.__setitem__(0, nbformat.v4.new_raw_cell(nb.cells[0].source)), "cell 1"),
    "outputs": (lambda nb: nb.cells[3].update(outputs=[nbformat.v4.new_output("stream", text="1\n")]), "outputs"),
    "execution count": (lambda nb: nb.cells[3].update(execution_count=7), "outputs"),
    "cell id": (lambda nb: nb.cells[3].update(id="another"), "other cell ids"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_difference_finds(lesson, what):
    function, where = CHANGES[what]
    change(lesson, function)
    fault = difference(lesson)
    assert where in fault and "01_topic" in fault and fault.endswith("run: make sync")


def test_difference_finds_a_missing_notebook(lesson):
    lesson.with_suffix(".ipynb").unlink()
    assert difference(lesson) == "01_topic.ipynb is missing; run: make sync"


def test_a_notebook_with_merge_conflicts_is_named(lesson):
    path = lesson.with_suffix(".ipynb")
    path.write_text("<<<<<<< HEAD\n" + path.read_text())
    with pytest.raises(PairingError, match=r"01_topic\.ipynb cannot be read.*delete.*make sync"):
        difference(lesson)
    path.unlink()
    assert sync(lesson.parent) == ["01_topic.ipynb"]


def test_sync_is_idempotent(lesson):
    path = lesson.with_suffix(".ipynb")
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert sync(lesson.parent) == []
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_sync_writes_a_whole_file_or_nothing(lesson, monkeypatch):
    path = lesson.with_suffix(".ipynb")
    before = path.read_bytes()
    lesson.write_text(SCRIPT + "\n# %%\nx = 5\n")
    touch(lesson, 5)

    def stopped(*names):
        raise OSError("stopped before the new file took the place of the old")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stopped)
        with pytest.raises(OSError, match="stopped before"):
            sync(lesson.parent)
    assert path.read_bytes() == before
    assert sync(lesson.parent) == ["01_topic.ipynb"] and difference(lesson) is None


def test_a_changed_script_is_written_to_the_notebook(lesson):
    lesson.write_text(SCRIPT.replace("print(1)", "print(2)", 1))
    touch(lesson, 5)
    assert sync(lesson.parent) == ["01_topic.ipynb"]
    assert nbformat.read(lesson.with_suffix(".ipynb"), as_version=4).cells[3].source == "print(2)"


def test_a_notebook_edited_later_is_refused(lesson):
    change(lesson, lambda nb: nb.cells[3].update(source="print('mine')"))
    touch(lesson.with_suffix(".ipynb"), 5)
    before = lesson.with_suffix(".ipynb").read_bytes()
    with pytest.raises(PairingError, match=r"01_topic\.ipynb: edited by hand.*--take notebooks.*--take scripts"):
        sync(lesson.parent)
    assert lesson.read_text() == SCRIPT and lesson.with_suffix(".ipynb").read_bytes() == before


def test_an_edit_is_refused_also_when_the_script_is_the_newer_file(lesson):
    """A pull or a touch makes the script newer; the student's work must not go for that."""
    change(lesson, lambda nb: nb.cells[3].update(source="print('mine')"))
    lesson.write_text(SCRIPT.replace("print(1)", "print(2)", 1))
    touch(lesson, 50)
    with pytest.raises(PairingError, match="edited by hand"):
        sync(lesson.parent)
    assert "mine" in lesson.with_suffix(".ipynb").read_text()


def test_a_notebook_that_was_only_executed_is_written_anew(lesson):
    """Outputs are nothing that somebody wrote, so nothing is lost and nothing is asked."""
    change(lesson, lambda nb: nb.cells[3].update(outputs=[nbformat.v4.new_output("stream", text="1\n")]))
    touch(lesson.with_suffix(".ipynb"), 5)
    assert sync(lesson.parent) == ["01_topic.ipynb"] and difference(lesson) is None


def test_take_scripts_drops_the_edit(lesson):
    change(lesson, lambda nb: nb.cells[3].update(source="print('mine')"))
    touch(lesson.with_suffix(".ipynb"), 5)
    assert sync(lesson.parent, "scripts") == ["01_topic.ipynb"]
    assert lesson.read_text() == SCRIPT and difference(lesson) is None


def test_take_notebooks_writes_the_edit_and_nothing_else(lesson):
    def edited(nb):
        nb.cells[3].source = "print('mine')"
        nb.cells[3].outputs = [nbformat.v4.new_output("stream", text="mine\n")]
        nb.metadata["language_info"] = {"name": "python", "version": "3.12.0"}

    change(lesson, edited)
    touch(lesson.with_suffix(".ipynb"), 5)
    assert sync(lesson.parent, "notebooks") == ["01_topic.ipynb"]
    assert lesson.read_text() == SCRIPT.replace("print(1)", "print('mine')", 1)
    assert difference(lesson) is None and sync(lesson.parent) == []


def test_take_notebooks_keeps_times_and_editor_states_out_of_the_script(lesson):
    def executed(nb):
        nb.cells[2].source += "\n\ntwice(4)"
        for cell in nb.cells:
            cell.metadata |= {"papermill": {"duration": 1.5}, "execution": {"iopub": "x"}, "editable": True}

    change(lesson, executed)
    sync(lesson.parent, "notebooks")
    assert lesson.read_text() == SCRIPT.replace("return 2 * x\n", "return 2 * x\n\ntwice(4)\n")


text = st.text(alphabet=st.sampled_from("abc #%$\\'\"[]{}()=\n\té語-*_`<>!"), min_size=1, max_size=60)


def is_writable(words: str) -> bool:
    """Without what the percent format cannot hold: its own marks, magics in comments, blank lines at a cell's ends."""
    return words == words.strip() and "%%" not in words and not re.search(r"^#\s*[!%]", words, re.MULTILINE)


@settings(max_examples=60, deadline=None, derandomize=True,  # the format has more limits than is_writable knows
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.tuples(st.sampled_from(["markdown", "code"]), text.map(str.strip).filter(bool)
                                .filter(is_writable)), min_size=1, max_size=4))
def test_cells_survive_the_way_to_the_script_and_back(tmp_path, cells):
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    notebook = nbformat.v4.new_notebook(cells=[make[kind](words) for kind, words in cells])
    path = tmp_path / "x.py"
    path.write_text(pairing.as_script(notebook), encoding="utf-8")
    assert [one[:2] for one in cells_of(read_lesson(path))] == cells


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_the_lessons_are_in_sync(path):
    assert difference(path) is None


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_lesson_comes_back_from_its_notebook_as_it_was(path):
    """Otherwise an edit taken from a notebook would change other places of the script too."""
    assert pairing.as_script(read_lesson(path)).split("\n") == path.read_text(encoding="utf-8").split("\n")


def test_every_notebook_has_a_script():
    """A notebook without a script is in no pair: it is neither executed nor compared."""
    alone = [path.name for path in (CHECKOUT / "notebooks").glob("*.ipynb") if not path.with_suffix(".py").exists()]
    assert not alone
