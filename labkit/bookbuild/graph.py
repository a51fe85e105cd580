"""The one graph of the book: which lessons there are, what each needs, and what decides its outputs."""

import ast
import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

import labkit
from labkit.bookbuild.pairing import read_lesson
from labkit.errors import LabError
from labkit.exercises.core import module_of
from labkit.files import code_digest

# Versions that decide what a lesson computes and draws, and that its page is reported with.
VERSIONS = ("torch", "librosa", "numpy", "scipy", "scikit-learn", "matplotlib", "numba", "soundfile", "soxr", "pillow")


class GraphError(LabError):
    """The graph of the lessons does not hold together."""


@dataclass(frozen=True)
class Lesson:
    """One lesson of the book."""

    name: str                          # notebooks/<name>.py
    needs: tuple[str, ...] = ()        # products of other lessons
    products: tuple[str, ...] = ()     # what others may need


LESSONS = (
    Lesson("00a_gallery"),
    Lesson("00b_one_change"),
    Lesson("01_spectrograms"),
    Lesson("02_beat_sync"),
    Lesson("03_chromagrams"),
    Lesson("04_dataset"),
    Lesson("05_lstm_genre", products=("four LSTMs",)),  # found in the cache by the lesson that needs them
    Lesson("06_evaluation", needs=("four LSTMs",)),
    Lesson("07a_inside_a_cnn"),
    Lesson("07b_cnn_genre", needs=("four LSTMs",), products=("the CNN",)),
    Lesson("07c_transformer", needs=("four LSTMs", "the CNN"), products=("the transformer",)),
    Lesson("08_emotion", products=("a network an axis",)),
    Lesson("09a_transfer", needs=("the CNN", "a network an axis")),
    Lesson("09b_multitask", needs=("a network an axis",), products=("multitask network",)),
    Lesson("10_submission", needs=("a network an axis", "multitask network")),
    Lesson("11_latent_spaces", needs=("four LSTMs", "the CNN", "the transformer")),
    Lesson("12_your_own_music", needs=("the CNN", "multitask network")),
)


@dataclass(frozen=True)
class Project:
    """A checkout: where its sources stand and where what is built from them goes."""

    root: Path
    lessons: tuple[Lesson, ...] = LESSONS
    work: Path | None = None           # where to build; None = _build in the checkout

    def __post_init__(self):
        for name in ("_toc.yml", "_config.yml"):
            if not (self.root / name).is_file():
                raise LabError(f"No {name} in {self.root.name}/. Expected the checkout of the lab book; "
                                        "run the command from there.")

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def build(self) -> Path:
        return self.work or self.root / "_build"

    @property
    def html(self) -> Path:
        return self.build / "html"

    def pages(self) -> list[str]:
        """The pages of the table of contents, without ending, in reading order."""
        def walk(node):
            if isinstance(node, list):
                for item in node:
                    yield from walk(item)
            elif isinstance(node, dict):
                for key in ("root", "file"):
                    if key in node:
                        yield node[key].removesuffix(".md").removesuffix(".ipynb")
                for key in ("parts", "chapters", "sections"):
                    yield from walk(node.get(key, []))
        return list(walk(yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))))

    def lesson(self, name: str) -> Lesson:
        for lesson in self.lessons:
            if lesson.name == name:
                return lesson
        raise GraphError(f"There is no lesson {name!r}. Expected one of {', '.join(x.name for x in self.lessons)}.")


def makers(lessons: tuple[Lesson, ...]) -> dict[str, Lesson]:
    """The lesson that makes each product. Raises GraphError when two make the same one."""
    found: dict[str, Lesson] = {}
    for lesson in lessons:
        for product in lesson.products:
            if product in found:
                raise GraphError(f"Both {found[product].name} and {lesson.name} make the product {product!r}. "
                                 "Expected one maker; rename one of them in the graph.")
            found[product] = lesson
    return found


def prerequisites(lesson: Lesson, lessons: tuple[Lesson, ...]) -> list[Lesson]:
    """The lessons that make what `lesson` needs. Raises GraphError for a need that no lesson makes."""
    made_by = makers(lessons)
    missing = [need for need in lesson.needs if need not in made_by]
    if missing:
        raise GraphError(f"{lesson.name} needs {missing[0]!r}, which no lesson makes. "
                         "Add it to the products of a lesson in the graph, or drop the need.")
    return [made_by[need] for need in lesson.needs]


def in_order(lessons: tuple[Lesson, ...]) -> list[Lesson]:
    """All lessons, each after those that it needs. Raises GraphError when they need one another in a circle."""
    done: list[Lesson] = []

    def visit(lesson: Lesson, path: tuple[str, ...]) -> None:
        if lesson.name in path:
            raise GraphError(f"Lessons need one another in a circle: {' -> '.join((*path, lesson.name))}. "
                             "Cut it in the graph.")
        if lesson not in done:
            for before in prerequisites(lesson, lessons):
                visit(before, (*path, lesson.name))
            done.append(lesson)

    for lesson in lessons:
        visit(lesson, ())
    return done


def code_cells(script: Path) -> list[tuple[str, tuple[str, ...]]]:
    """Source and tags of the code cells of a lesson, in order; a tag such as "parameters" decides what is executed."""
    return [(cell.source, tuple(cell.metadata.get("tags", ())))
            for cell in read_lesson(script).cells if cell.cell_type == "code"]


@cache
def imported_modules(source: str) -> frozenset[str]:
    """The modules of labkit that `source` imports anywhere, as dotted names; IPython magics are passed over.

    What cannot be parsed imports nothing: executing it says in which cell of which lesson the fault is.
    """
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    names: set[str] = set()
    for text in (source, plain):
        try:
            tree = ast.parse(text)
            break
        except SyntaxError:
            continue
    else:
        return frozenset()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in names if name.split(".")[0] == "labkit")


def library_files(sources: list[str]) -> list[Path]:
    """The files of labkit that `sources` reach through imports, directly or not.

    Of the checkers of exercises only those that `sources` call: another lesson's decide nothing here.
    """
    package = Path(labkit.__file__).parent
    checkers = {module_of(id) for source in sources for id in re.findall(r'\b(?:check|target)\("([^"]+)"', source)}
    todo, found = list(sources), set()
    while todo:
        for module in imported_modules(todo.pop()):
            base = package.joinpath(*module.split(".")[1:])
            # A package stands for all its modules: its __init__ may hand out any of them.
            files = [base.with_suffix(".py")] if base.with_suffix(".py").is_file() else sorted(base.glob("*.py"))
            if base == package:
                files = []
            # Importing a module runs the __init__ of each package above it first.
            above = [package, *(one for one in base.parents if one.is_relative_to(package))]
            files += [folder / "__init__.py" for folder in dict.fromkeys(above) if (folder / "__init__.py").is_file()]
            for file in files:
                if file not in found and (file.parent.name != "exercises" or file.stem in checkers
                                          or not file.stem.startswith("lesson_")):
                    found.add(file)
                    todo.append(file.read_text(encoding="utf-8"))
    return sorted(found)


def commit_of(root: Path) -> str:
    """The commit of the checkout, with "+" when files differ from it; "unknown" without git."""
    def git(*words):
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True).stdout.strip()
    head = git("rev-parse", "--short=12", "HEAD")
    return f"{head}{'+' if git('status', '--porcelain', '--', 'labkit', 'notebooks') else ''}" if head else "unknown"


def installed_versions() -> dict[str, str]:
    """The versions of the libraries that decide a lesson's outputs."""
    def one(name):
        try:
            return version(name)
        except PackageNotFoundError:
            return "none"
    return {name: one(name) for name in VERSIONS}


def input_digest(project: Project, lesson: Lesson, profile: str, data: str) -> str:
    """Digest of everything that decides the outputs of `lesson`.

    Its code cells, the code of the lessons whose products it needs, the code of labkit that these import, the
    profile, the data and the library versions. Prose is not part of it: a changed sentence needs no execution.
    """
    code: list[tuple[str, tuple[str, ...]]] = []

    def collect(one: Lesson) -> None:
        code.extend(code_cells(project.notebooks / f"{one.name}.py"))
        for before in prerequisites(one, project.lessons):
            collect(before)

    collect(lesson)
    versions = (sys.version_info[:2], sorted(installed_versions().items()))
    digest = hashlib.sha256(repr((profile, data, versions, code)).encode())
    digest.update(code_digest(library_files([source for source, _ in code])).encode())
    return digest.hexdigest()[:16]
