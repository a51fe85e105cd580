"""What needs what, and what decides the outputs of a lesson."""

from dataclasses import replace
from pathlib import Path

import pytest
from mini import CHECKOUT, LESSONS, make_project, script, small_project

import labkit
from labkit.bookbuild import graph
from labkit.bookbuild.graph import (
    GraphError,
    Lesson,
    Project,
    code_cells,
    in_order,
    input_digest,
    library_files,
    makers,
    prerequisites,
)
from labkit.errors import LabError


def digests(project: Project, profile="ci", data="0" * 12) -> dict[str, str]:
    graph.imported_modules.cache_clear()
    return {lesson.name: input_digest(project, lesson, profile, data) for lesson in project.lessons}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "book")


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A labkit of four modules in the place of the real one, and three lessons that use it."""
    package = tmp_path / "labkit"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("VERSION = 1\n")
    (package / "alpha.py").write_text("def first():\n    from labkit.beta import second\n    return second()\n")
    (package / "beta.py").write_text("def second():\n    return 2\n")
    (package / "gamma.py").write_text('"""Words."""\nTHIRD = 3\n')
    (package / "inner" / "__init__.py").write_text("from labkit.inner.deep import DEEP\n")
    (package / "inner" / "deep.py").write_text("DEEP = 4\n")
    monkeypatch.setattr(labkit, "__file__", str(package / "__init__.py"))
    small = small_project(tmp_path / "book", {
        "a": script("from labkit import alpha"),
        "b": script("from labkit.gamma import THIRD"),
        "c": script("from labkit.inner.deep import DEEP"),
    })
    return package, small


def names(files: list[Path]) -> set[str]:
    package = Path(labkit.__file__).parent
    return {file.relative_to(package).as_posix() for file in files}


# Order

def test_lessons_come_after_those_that_they_need():
    lessons = (Lesson("c", needs=("y",)), Lesson("b", needs=("x",), products=("y",)), Lesson("a", products=("x",)),
               Lesson("d"))
    assert [lesson.name for lesson in in_order(lessons)] == ["a", "b", "c", "d"]


def test_lessons_without_needs_stay_in_the_order_of_the_book():
    lessons = (Lesson("b"), Lesson("a"), Lesson("c"))
    assert in_order(lessons) == list(lessons)


@pytest.mark.parametrize("lessons, circle", [
    ((Lesson("a", needs=("a",), products=("a",)),), "a -> a"),
    ((Lesson("a", needs=("y",), products=("x",)), Lesson("b", needs=("x",), products=("y",))), "a -> b -> a"),
], ids=["itself", "two"])
def test_a_circle_is_an_error_that_shows_it(lessons, circle):
    with pytest.raises(GraphError, match=f"{circle}. Cut it"):
        in_order(lessons)


def test_a_need_that_nobody_makes_is_an_error():
    with pytest.raises(GraphError, match=r"b needs 'model', which no lesson makes"):
        in_order((Lesson("a", products=("line",)), Lesson("b", needs=("model",))))


def test_two_makers_of_one_product_are_an_error():
    with pytest.raises(GraphError, match=r"Both a and b make the product 'line'"):
        makers((Lesson("a", products=("line",)), Lesson("b", products=("line",))))


def test_prerequisites_are_the_makers():
    assert prerequisites(LESSONS[1], LESSONS) == [LESSONS[0]]
    assert prerequisites(LESSONS[0], LESSONS) == []


def test_an_unknown_lesson_is_an_error_with_the_known_ones(project):
    assert project.lesson("a_first") is LESSONS[0]
    with pytest.raises(GraphError, match=r"no lesson 'c_third'.*a_first, b_second"):
        project.lesson("c_third")


def test_the_real_graph_holds_together_and_is_the_table_of_contents():
    real = Project(CHECKOUT)
    in_toc = [page.split("/")[1] for page in real.pages() if page.startswith("notebooks/")]
    assert in_toc == [lesson.name for lesson in real.lessons]
    assert len(in_order(real.lessons)) == len(real.lessons)
    assert {path.stem for path in real.notebooks.glob("*.py")} == set(in_toc)


# Project

def test_another_folder_is_no_project(tmp_path):
    with pytest.raises(LabError, match=r"No _toc\.yml"):
        Project(tmp_path)


def test_pages_in_reading_order(project):
    assert project.pages() == ["book/index", "notebooks/a_first", "notebooks/b_second", "book/status",
                               "book/glossary", "book/bibliography"]


def test_pages_of_nested_sections(project):
    (project.root / "_toc.yml").write_text(
        "format: jb-book\nroot: index.md\nchapters:\n- file: one\n  sections:\n  - file: two.ipynb\n  - url: https://x\n")
    assert project.pages() == ["index", "one", "two"]


def test_what_is_built_may_lie_elsewhere(project, tmp_path):
    assert project.build == project.root / "_build"
    assert replace(project, work=tmp_path / "work").html == tmp_path / "work" / "html"


# What decides the outputs

def test_a_digest_is_the_same_twice_and_in_another_folder(project, tmp_path):
    assert digests(project) == digests(project) == digests(make_project(tmp_path / "elsewhere"))


def change(project: Project, name: str, old: str, new: str) -> set[str]:
    """The lessons whose digest changes with one place of a script."""
    before, file = digests(project), project.notebooks / f"{name}.py"
    assert file.read_text().count(old) == 1
    file.write_text(file.read_text().replace(old, new))
    return changed(before, digests(project))


def test_prose_does_not_count(project):
    assert change(project, "a_first", "A sentence of prose.", "Two sentences. Of prose.") == set()


def test_code_counts_for_the_lesson_and_those_that_need_it(project):
    assert change(project, "a_first", "[1, 3, 2]", "[1, 3, 1]") == {"a_first", "b_second"}


def test_code_does_not_count_for_those_before(project):
    assert change(project, "b_second", "{1 + 1}", "{2 + 2}") == {"b_second"}


def test_a_tag_counts(project):
    """Without the tag "parameters" papermill would put the profile elsewhere."""
    assert "b_second" in change(project, "b_second", '# %% tags=["parameters"]', "# %%")


def test_profile_data_and_versions_count(project, monkeypatch):
    before = digests(project)
    assert changed(before, digests(project, profile="full")) == {"a_first", "b_second"}
    assert changed(before, digests(project, data="1" * 12)) == {"a_first", "b_second"}
    monkeypatch.setattr(graph, "installed_versions", lambda: {"torch": "99"})
    assert changed(before, digests(project)) == {"a_first", "b_second"}


@pytest.mark.parametrize("module, lessons", [
    ("alpha.py", {"a"}), ("beta.py", {"a"}), ("gamma.py", {"b"}), ("inner/deep.py", {"c"}),
    ("inner/__init__.py", {"c"}), ("__init__.py", {"a", "b", "c"}),
])
def test_a_module_counts_for_the_lessons_that_reach_it(library, module, lessons):
    package, project = library
    before = digests(project)
    (package / module).write_text((package / module).read_text() + "MORE = 5\n")
    assert changed(before, digests(project)) == lessons


def test_a_module_that_no_lesson_imports_does_not_count(library):
    package, project = library
    before = digests(project)
    (package / "delta.py").write_text("OTHER = 1\n")
    assert changed(before, digests(project)) == set()


def test_comments_docstrings_and_line_endings_do_not_count(library):
    package, project = library
    before = digests(project)
    (package / "gamma.py").write_bytes(b'"""What it is."""\r\n\r\nTHIRD = 3  # three\r\n')
    assert changed(before, digests(project)) == set()


def test_imports_inside_functions_and_circles_are_followed(library):
    package, _ = library
    assert names(library_files(["from labkit import alpha"])) == {"__init__.py", "alpha.py", "beta.py"}
    (package / "beta.py").write_text("import labkit.alpha\nimport numpy\n")
    assert names(library_files(["def f():\n    import labkit.beta"])) == {"__init__.py", "alpha.py", "beta.py"}


def test_a_package_stands_for_its_modules(library):
    assert names(library_files(["import labkit.inner"])) == {"__init__.py", "inner/__init__.py", "inner/deep.py"}


def test_magics_and_strings_that_look_like_them(library):
    assert names(library_files(["%time x\n!ls\nfrom labkit import gamma"])) == {"__init__.py", "gamma.py"}
    source = 'words = ("%d"\n         % 3)\nfrom labkit import gamma'
    assert names(library_files([source])) == {"__init__.py", "gamma.py"}


def test_code_that_cannot_be_parsed_is_left_to_the_execution(project):
    """There the message has the name of the lesson and the cell."""
    assert library_files(["def broken(:"]) == []
    assert change(project, "a_first", "[1, 3, 2]", "[1, 3, 2") == {"a_first", "b_second"}


def test_the_real_plots_and_what_they_import():
    found = names(library_files(["from labkit import plots"]))
    assert {"__init__.py", "plots.py"} <= found and "bookbuild/build.py" not in found
    found = names(library_files(["from labkit.lab import open_lab"]))
    assert {"lab.py", "features/sound.py", "datasets/layout.py", "profiles.py", "errors.py"} <= found


def test_of_the_checkers_a_lesson_has_its_own():
    """Else a change of one exercise, or of what its checker imports, would execute all lessons."""
    found = names(library_files(["from labkit.exercises import check", 'check("1.1")']))
    assert {one for one in found if one.startswith("exercises/")} == {
        "exercises/__init__.py", "exercises/blanks.py", "exercises/core.py", "exercises/lesson_01.py"}
    assert "plots.py" in found   # which that checker imports
    assert "exercises/lesson_01.py" not in names(library_files(["from labkit.exercises import check"]))


def test_labkit_has_no_relative_imports():
    """`library_files` follows full names only."""
    for file in (CHECKOUT / "labkit").rglob("*.py"):
        lines = [line for line in file.read_text().splitlines() if line.lstrip().startswith("from .")]
        assert not lines, f"{file.name}: {lines}"


def test_code_cells_carry_their_tags(project):
    cells = code_cells(project.notebooks / "a_first.py")
    assert cells[0] == ("profile = None", ("parameters",)) and len(cells) == 3
