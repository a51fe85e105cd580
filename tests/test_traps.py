"""One test for each trap that was met with the tools of the book; each says what would go wrong."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import nbformat
import numpy as np
import pytest
import soundfile
import yaml
from mini import CHECKOUT, SOURCE, copy_good, edit, fake_execution, make_project, picture, script, small_project, state
from packaging.requirements import Requirement

from labkit import cli, environment
from labkit.bookbuild import build as whole
from labkit.bookbuild import check, pairing, render, stage
from labkit.bookbuild.execute import LessonError, Progress, execute_all
from labkit.bookbuild.graph import LESSONS, Project
from labkit.bookbuild.pairing import read_lesson
from labkit.show import encode_ogg

NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.py"))
EVERY_LESSON = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
SETTINGS = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]


def required(name: str) -> list[Requirement]:
    """What pyproject.toml asks for under a name, in the package itself and all extras."""
    extras = SETTINGS["optional-dependencies"].values()
    lines = [*SETTINGS["dependencies"], *(line for extra in extras for line in extra)]
    return [one for one in map(Requirement, lines) if one.name.lower() == name]


def config() -> dict:
    return yaml.safe_load((CHECKOUT / "_config.yml").read_text())


def texts() -> dict[str, str]:
    """Every text of the book: prose pages and the Markdown cells of the lessons."""
    found = {path.name: path.read_text() for path in (CHECKOUT / "book").rglob("*.md")}
    for path in NOTEBOOKS:
        found[path.name] = "\n\n".join(cell.source for cell in read_lesson(path).cells if cell.cell_type == "markdown")
    return found


def code_of(path) -> str:
    return "\n".join(cell.source for cell in read_lesson(path).cells if cell.cell_type == "code")


def test_trap_01_jupyter_book_2_is_kept_out(monkeypatch, tmp_path):
    """Jupyter Book 2 ignores _config.yml and _toc.yml, exits with 0 and makes no book."""
    (one,) = required("jupyter-book")
    assert one.specifier.contains("1.0.4.post1") and not one.specifier.contains("1.0.3")
    assert not one.specifier.contains("2.0.0") and not one.specifier.contains("2.1.0")
    assert version("jupyter-book").startswith("1.")
    monkeypatch.setattr(render, "version", lambda name: "2.0.0")
    with pytest.raises(render.RenderError, match=r"Expected Jupyter Book 1\.x, found 2\.0\.0"):
        render.render(tmp_path, Progress())


def test_trap_01_every_page_of_the_contents_must_exist(tmp_path):
    """A program that makes no page and exits with 0 would pass for a good build."""
    project = make_project(tmp_path / "book")
    with pytest.raises(check.CheckError) as caught:
        check.check_html(project, tmp_path / "nothing", {}, "ci")
    assert str(caught.value).count("but there is no page") == len(project.pages())


def test_trap_02_papermills_marks_in_a_notebook_are_a_difference(tmp_path):
    """Papermill in place makes the next pairing write its metadata and its injected cell into the lesson."""
    project = make_project(tmp_path / "book")
    (fake_execution(project, "a_first") / "lesson.ipynb").rename(project.notebooks / "a_first.ipynb")
    assert "run: make sync" in pairing.difference(project.notebooks / "a_first.py")
    assert pairing.sync(project.notebooks, "scripts") == ["a_first.ipynb"]
    assert "injected" not in (project.notebooks / "a_first.ipynb").read_text()


@pytest.mark.slow
def test_trap_02_executing_leaves_the_sources_as_they_are(tmp_path):
    """The same from the other side: an execution writes nothing into the folder of the sources."""
    project = small_project(tmp_path / "book", {"01_topic": script("open('file.txt', 'w').write('x')")})
    before = state(project.notebooks)
    folders = execute_all(project, "ci", "0", "none", True, 1, {}, Progress())
    assert state(project.notebooks) == before and (folders["01_topic"] / "file.txt").is_file()


@pytest.mark.parametrize("file", [CHECKOUT / "_config.yml", SOURCE / "_config.yml"], ids=["book", "mini book"])
def test_trap_03_jupyter_book_executes_nothing(file):
    """With execute_notebooks force or cache a failing cell still exits with 0."""
    assert yaml.safe_load(file.read_text())["execute"]["execute_notebooks"] == "off", 'write "off" in quotation marks'


def test_trap_03_a_failing_lesson_exits_with_1(monkeypatch, capsys):
    """A failing cell that exits with 0 makes a green run of a broken book."""
    def fails(*arguments, **options):
        raise LessonError("01_topic failed in cell 3 of 4")

    monkeypatch.setattr(whole, "build_book", fails)
    assert cli.main(["book"]) == 1
    assert "01_topic failed in cell 3 of 4" in capsys.readouterr().err


def test_trap_04_hidden_folders_are_not_read(tmp_path):
    """Sphinx reads every .md below its folder, also those of .venv; the stage holds the pages of the contents only."""
    assert {".*", ".*/**", "_build/**", "**.ipynb_checkpoints"} <= set(config()["exclude_patterns"])
    assert config()["only_build_toc_files"] is True
    project = make_project(tmp_path / "book")
    for stray in (".venv/lib/README.md", "book/stray.md", "book/.hidden.md", "README.md", "notebooks/notes.md"):
        (project.root / stray).parent.mkdir(parents=True, exist_ok=True)
        (project.root / stray).write_text("# Stray\n")
    laid = stage.lay_stage(project, {"a_first": fake_execution(project, "a_first", {2: [picture()]}),
                                     "b_second": fake_execution(project, "b_second")})
    pages = {path.relative_to(laid).with_suffix("").as_posix()
             for path in laid.rglob("*") if path.suffix in (".md", ".ipynb")}
    downloads = {f"student/{lesson.name}" for lesson in project.lessons}  # no page; Sphinx reads what the contents name
    assert pages == set(project.pages()) | downloads


def test_trap_05_no_pair_in_markdown():
    """A lesson as NN_topic.md beside NN_topic.ipynb: Sphinx finds two sources for one page."""
    assert not list((CHECKOUT / "notebooks").glob("*.md"))
    assert pairing.PAIR["formats"] == "ipynb,py:percent"
    for path in (CHECKOUT / "notebooks").glob("*.ipynb"):
        assert '"formats": "ipynb,py:percent"' in path.read_text()


@EVERY_LESSON
def test_trap_06_cell_ids_do_not_change(path):
    """Random ids make each `make sync` a change of every notebook."""
    ids = [cell.id for cell in read_lesson(path).cells]
    assert len(set(ids)) == len(ids)
    committed = nbformat.read(path.with_suffix(".ipynb"), as_version=4)   # made by another process, on another day
    assert [cell.id for cell in committed.cells] == ids


GATE = re.compile(r"^\s*[`:]{3,}\{(exercise|solution)(-start|-end)?\}")


def headings_in_gates(text: str) -> list[str]:
    """The headings between {exercise-start} and {exercise-end}, or inside an {exercise} fence."""
    found, gate, fence = [], False, None
    for line in text.splitlines():
        mark = re.match(r"^\s*([`:]{3,})(.*)$", line)
        opened = GATE.match(line)
        if opened and opened[2] == "-start":
            gate = True
        elif opened and opened[2] == "-end":
            gate = False
        elif opened:
            fence = mark[1]
        elif fence and mark and mark[1] == fence and not mark[2].strip():
            fence = None
        elif (gate or fence) and re.match(r"^#{1,6} ", line):
            found.append(line)
    return found


def test_trap_07_no_heading_inside_an_exercise_and_no_hidden_solutions():
    """sphinx-exercise 1.2.1 crashes with hide_solutions and gates; a heading inside a gate breaks the build."""
    gated = ("# A\n```{exercise-start}\n:label: x\n```\n## B\n```{exercise-end}\n```\n"
             "# C\n:::{solution} x\n### D\n:::\n# E")
    assert headings_in_gates(gated) == ["## B", "### D"], "the test itself finds nothing"
    for name, text in texts().items():
        assert not headings_in_gates(text), f"{name}: write a bold title in the place of the heading"
    assert "hide_solutions" not in (CHECKOUT / "_config.yml").read_text()


@pytest.mark.slow
def test_trap_08_the_alternative_text_arrives(tmp_path_factory, tmp_path):
    """Without metadata the alternative text of a plot is the hash in its file name."""
    html = copy_good(tmp_path_factory, tmp_path).html / "notebooks" / "a_first.html"
    (image,) = re.findall(r"<img [^>]*_images/[0-9a-f]{16,}\.png[^>]*>", html.read_text())
    assert 'alt="A line that rises from one to three and falls to two."' in image
    assert check.FILE_NAME_ALT.search("../_images/a42a52de2b580f5b186f.png") and check.FILE_NAME_ALT.search("a42a" * 8)


@EVERY_LESSON
def test_trap_09_no_player_of_ipython(path):
    """IPython.display.Audio embeds a WAV in base64, 1.8 MB for 30 s, and changes the loudness."""
    assert not re.search(r"\bAudio\b", code_of(path)), "use labkit.show.listen"


def test_trap_09_a_sound_is_small_and_as_loud_as_it_was():
    """The same: half a minute takes a fraction of a WAV, and a quiet sound stays quiet."""
    import io

    import soundfile

    quiet = (0.1 * np.sin(np.arange(30 * 22_050) * 0.06)).astype(np.float32)
    data = encode_ogg(quiet)
    assert len(data) < quiet.size * 2 / 5
    back, _ = soundfile.read(io.BytesIO(data))
    assert np.abs(back).max() == pytest.approx(0.1, rel=0.1)


@EVERY_LESSON
def test_trap_10_every_lesson_has_its_cell_of_parameters(path):
    """Without the tag "parameters" papermill puts the profile before everything, and the lesson overwrites it."""
    code = [cell for cell in read_lesson(path).cells if cell.cell_type == "code"]
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert tagged == code[:1] and re.match(r"profile = None\b", tagged[0].source)
    # The listening pages play the same pieces whatever the data are; the lesson on digits takes the size alone.
    asks = "load_profile(profile)" if path.stem.startswith("07a") else "open_lab(profile)"
    assert (asks in code_of(path)) != path.stem.startswith("00")


def test_trap_10_cells_of_parameters_are_not_on_the_page(tmp_path):
    """Papermill's injected cell shows on the page unless it is taken out, and so does the one before it."""
    project = make_project(tmp_path / "book")
    page = stage.dressed(project, "a_first", fake_execution(project, "a_first", {2: [picture()]}))
    tags = [cell.metadata.get("tags", []) for cell in page.cells]
    assert tags[1] == ["parameters", "remove-cell"] and "injected" not in str(page)


@pytest.fixture
def set_up(tmp_path, monkeypatch):
    """Run the set-up without installing anything; returns the commands that it would run, as text."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(environment, "make_venv", lambda folder: folder.mkdir())
    monkeypatch.setattr(environment, "has_torch", lambda *arguments: False)
    monkeypatch.setattr(environment, "stamp_of", lambda *arguments: {})
    calls = []

    class Result:
        returncode = 0
        stdout = stderr = ""

    def run(command, **options):
        calls.append(" ".join(map(str, command)))
        return Result()

    environment.set_up("book", tmp_path / ".venv", tmp_path, run)
    return calls


def test_trap_11_the_compile_cache_is_warmed_once_at_set_up(set_up):
    """The first librosa call of an installation compiles for half a minute, in the first lesson a stranger runs."""
    assert "warm" in set_up[-1] and sum("warm" in call for call in set_up) == 1


def test_trap_12_torch_comes_first_pinned_and_alone(set_up, monkeypatch):
    """Asked for through another package, pip may take a build with several gigabytes of GPU libraries."""
    assert set_up[0].endswith("torch==2.13.0") and "-e" in set_up[1]
    monkeypatch.setenv("TORCH_PIP_ARGS", "--index-url https://example.org/cpu")
    first = environment.install_commands(environment.venv_python(), "lab", CHECKOUT / "constraints.txt")[0]
    assert first[-3:] == ["torch==2.13.0", "--index-url", "https://example.org/cpu"]
    (librosa,) = required("librosa")
    assert librosa.specifier.contains("0.11.0") and librosa.specifier.contains("1.0.0")
    assert not librosa.specifier.contains("0.10.2") and not librosa.specifier.contains("2.0")


def test_trap_13_sound_is_read_and_resampled_without_torch(tmp_path):
    """The audio package of torch lost its load and save; soundfile and soxr do it. test_repository bans its name."""
    soundfile.write(tmp_path / "tone.wav", 0.1 * np.sin(np.arange(44_100) / 9), 44_100)
    code = ("import sys; from labkit.features import read_audio; "
            f"print(len(read_audio({str(tmp_path / 'tone.wav')!r})), 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["22050", "False"]


def test_trap_14_the_makefile_has_one_line_a_target_and_no_lesson():
    """A second graph in the Makefile departs from the first."""
    text = (CHECKOUT / "Makefile").read_text()
    recipes = re.findall(r"^([a-z]+):[^\n]*\n((?:\t[^\n]*\n?)*)", text, re.MULTILINE)
    assert {"book", "test", "lab", "sync", "clean", "help"} <= {name for name, _ in recipes}
    for name, lines in recipes:
        assert len(lines.splitlines()) == 1 and "\\\n" not in lines, f"{name}: move what it does into labkit/cli.py"
        assert "labkit" in lines or "$(call LAB," in lines
    assert not any(lesson.name in text for lesson in LESSONS)
    assert Project(CHECKOUT).lessons is LESSONS


def test_a_change_of_the_mini_book_is_seen(tmp_path):
    """The other tests break the mini book with `edit`, which must not pass over a place that is not there."""
    with pytest.raises(AssertionError, match="0 times"):
        edit(make_project(tmp_path / "book"), "book/index.md", "nothing of the kind", "x")
