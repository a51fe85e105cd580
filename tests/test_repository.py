"""What stands in more than one file of the repository agrees, and nothing is in it that should not be."""

import ast
import importlib
import inspect
import re
import shlex
import subprocess
import tomllib
from collections import defaultdict
from itertools import pairwise

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import labkit
from labkit.cli import build_parser
from labkit.environment import EXTRAS, OLDEST, ROOT, TORCH, torch_range

# A module imports only from those before it; a new module takes its place here.
ORDER = ("errors", "files", "profiles", "machine", "features", "corpus", "datasets", "digits", "extraction",
         "models", "evaluation", "training", "submission", "faults", "recipes", "lab", "plots", "show", "exercises",
         "bookbuild", "marking", "environment", "doctor", "cli", "__main__")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIREMENTS = {Requirement(line) for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
                for line in lines}
CONSTRAINTS = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
               if line.strip() and not line.startswith("#")]
PINS = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in CONSTRAINTS)}
MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
           for file in sorted((ROOT / "labkit").rglob("*.py"))}
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]*.py"))


# Requirements, pins, environments

@pytest.mark.parametrize("requirement", sorted(REQUIREMENTS - {one for one in REQUIREMENTS if one.name == "labkit"},
                                               key=str), ids=str)
def test_every_requirement_has_a_range_and_a_pin_within_it(requirement):
    bounds = {specifier.operator for specifier in requirement.specifier}
    assert bounds == {">=", "<"}, f"{requirement}: expected a lower and an upper bound in pyproject.toml"
    pin = PINS.get(canonicalize_name(requirement.name))
    assert pin, f"{requirement.name} is not in constraints.txt; run: python -m labkit pin"
    assert requirement.specifier.contains(pin, prereleases=True), (
        f"constraints.txt pins {requirement.name}=={pin}, pyproject.toml asks for {requirement.specifier}")


def test_constraints_are_plain_pins_in_order():
    for line in CONSTRAINTS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[^+\s;]+", line), f"constraints.txt: {line!r} is no pin of a release"
    assert sorted(CONSTRAINTS, key=str.lower) == CONSTRAINTS
    assert not {"labkit", "pip", "setuptools", "wheel"} & set(PINS)
    assert len(PINS) == len(CONSTRAINTS)


def test_torch_is_pinned_alike_everywhere():
    assert f"torch=={PINS['torch']}" == TORCH
    torch = next(one for one in REQUIREMENTS if one.name == "torch")
    least, beyond = torch_range()
    assert SpecifierSet(f">={'.'.join(map(str, least))},<{'.'.join(map(str, beyond))}") == torch.specifier


def test_the_oldest_python_is_alike_everywhere():
    assert SpecifierSet(PROJECT["requires-python"]) == SpecifierSet(f">={'.'.join(map(str, OLDEST))}")


def test_extras_hold_the_ones_before_them():
    assert tuple(PROJECT["optional-dependencies"]) == (*EXTRAS, "cluster", "several", "fetch")  # alone
    for smaller, larger in pairwise(EXTRAS):
        assert f"labkit[{smaller}]" in PROJECT["optional-dependencies"][larger]


def test_environment_yml_asks_for_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == "labkit"
    assert conda["channels"] == ["conda-forge", "nodefaults"]
    asked = {}
    for line in (line for line in conda["dependencies"] if isinstance(line, str)):
        name, bounds = re.fullmatch(r"([a-z0-9-]+)\s*(.*)", line).groups()
        asked[name] = SpecifierSet(bounds)
    assert set(asked) == {"python", "libsndfile", "pytorch-cpu", "pip"}
    assert asked["python"] == SpecifierSet(PROJECT["requires-python"])
    assert asked["pytorch-cpu"] == next(one for one in REQUIREMENTS if one.name == "torch").specifier
    assert [line["pip"] for line in conda["dependencies"] if isinstance(line, dict)] == [["-e .[lab]"]]


def test_the_version_stands_alike_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == labkit.__version__ == PROJECT["version"]
    assert Version(PROJECT["version"])


def test_citation_has_what_the_format_needs():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert all(citation.get(key) for key in ("message", "title", "authors", "type", "license"))
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert PROJECT["license"] in citation["license"]


def test_the_licences_are_there():
    for name in PROJECT["license-files"]:
        assert (ROOT / name).stat().st_size > 500, f"{name} is empty"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert "creativecommons.org/licenses/by/4.0" in (ROOT / "LICENSE-CONTENT.md").read_text(encoding="utf-8")


# The Makefile

def makefile():
    """Of each target its help text and the lines of its recipe."""
    targets, name = {}, None
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        if line.startswith("\t"):
            targets[name][1].append(line.strip())
        elif head := re.fullmatch(r"([a-z-]+):(?!=)[^#]*(?:## (.*))?", line):
            name = head[1]
            targets[name] = (head[2], [])
    return targets


def labkit_commands(text):
    """The command lines of `python -m labkit` in a line of the Makefile, its variables filled in."""
    text = re.sub(r"\$\(call LAB,(\w+)\)", r"$(PYTHON) -m labkit setup --extra \1 && $(PYTHON) -m labkit", text)
    commands = re.findall(r"-m labkit ([^&|;]+)", text)
    return [re.sub(r"\$\(JOBS\)", "1", command).strip() for command in commands]


def test_the_makefile_is_one_line_a_target_each_with_its_help():
    targets = makefile()
    assert {"help", "setup", "book", "test", "lab", "sync", "doctor", "clean"} <= set(targets)
    for name, (words, recipe) in targets.items():
        assert words, f"Makefile: {name} has no help text after ##"
        assert len(recipe) == 1, f"Makefile: {name} has {len(recipe)} lines, expected one"
    phony = re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    assert set(phony) == set(targets)


@pytest.mark.parametrize("name", sorted(makefile()))
def test_what_make_calls_exists(name):
    recipe = makefile()[name][1][0]
    commands = labkit_commands(recipe)
    assert commands, f"Makefile: {name} does not call python -m labkit"
    for command in commands:
        assert "$" not in command, f"Makefile: {name}: a variable that this test does not know in {command!r}"
        build_parser().parse_args(shlex.split(command))  # exits with an error on a word that the parser lacks


def test_the_macro_of_the_makefile_is_the_one_this_test_fills_in():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "LAB = $(PYTHON) -m labkit setup --extra $(1) && $(VENV_PYTHON) -m labkit\n" in text


# What is in the repository

def tracked():
    """The files of the repository, also those that are about to be added."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                                check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    files = (ROOT / name for name in listed.decode().split("\0") if name)
    return sorted({file for file in files if file.is_file()})


@pytest.fixture(scope="module")
def files():
    found = tracked()
    if found is None:
        pytest.skip("not a git checkout")
    return found


# Written in two parts, so that this file does not hold what it looks for. The tests of the checks need paths that are
# none of a real machine: those of "me" and "ann".
FORBIDDEN = {
    "an absolute path of one machine": r"(?<![\w.~-])/(?:" + "|".join(
        ("home", "root", "work", "Users", "tmp/" + "bash")) + r")/(?!me/|ann/)\w",
    "the host of a package registry": "|".join(
        re.escape(".".join(parts)) for parts in (
            ("py" + "pi", "org"), ("python" + "hosted", "org"), ("ana" + "conda", "org"), ("ana" + "conda", "com"),
            ("download", "py" + "torch", "org"), ("registry", "np" + "mjs", "org"))),
    "torch" + "audio, which no longer reads audio": r"\btorch" + r"audio\b",
}


def test_nothing_of_one_machine_and_no_registry_in_any_file(files):
    found = []
    for file in files:
        content = file.read_bytes()
        if b"\0" in content[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            found += [f"{file.relative_to(ROOT)}:{number}: {what}: {match[0]}"
                      for what, pattern in FORBIDDEN.items() if (match := re.search(pattern, line))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line, expected", [
    ("see /ho" + "me/bob/book", 1), ('open("/wo' + 'rk/main")', 1), ("https://example.org/ho" + "me/page", 0),
    ("file:///ho" + "me/bob/book", 1),
    ("pip install -i https://py" + "pi.org/simple", 1), ("import torch" + "audio", 1), ("notebooks/work/x", 0)])
def test_the_patterns_find_what_they_look_for(line, expected):
    assert sum(bool(re.search(pattern, line)) for pattern in FORBIDDEN.values()) == expected


def test_no_large_file(files):
    large = [f"{file.relative_to(ROOT)}: {file.stat().st_size / 1e6:.1f} MB" for file in files
             if file.stat().st_size > 1_000_000]
    assert not large, f"expected no file over 1 MB, found {', '.join(large)}"


# The package

def parsed(file):
    """The syntax tree of a script; lines of IPython magic are passed over."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines))


@pytest.mark.parametrize("module", MODULES)
def test_public_functions_and_classes_have_a_docstring(module):
    tree = parsed(MODULES[module])
    lacking = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
               and not node.name.startswith("_") and not ast.get_docstring(node)]
    assert not lacking, f"{module}: no docstring in {', '.join(lacking)}"
    if MODULES[module].name not in ("__init__.py", "__main__.py"):
        assert ast.get_docstring(tree), f"{module} has no docstring"


def part(module):
    """The place in ORDER of a dotted name below labkit."""
    name = module.split(".")[1]
    assert name in ORDER, f"labkit.{name} has no place in ORDER"
    return ORDER.index(name)


def imported_by(tree):
    """The dotted names below labkit that a syntax tree imports anywhere, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "expected imports by the full name, found a relative one"
            names = [f"labkit.{alias.name}" for alias in node.names] if node.module == "labkit" else [node.module]
        else:
            continue
        # `from labkit import __version__` takes a name of the package itself
        yield from (name for name in names if name.startswith("labkit.") and name != "labkit.__version__")


@pytest.mark.parametrize("module", [name for name in MODULES if name != "labkit"])
def test_modules_import_only_from_those_before_them(module):
    upwards = [name for name in imported_by(parsed(MODULES[module])) if part(name) > part(module)]
    assert not upwards, f"{module} imports {', '.join(upwards)}, which stand after it in ORDER"


def test_the_package_itself_imports_nothing_of_its_own():
    assert not list(imported_by(parsed(MODULES["labkit"])))


# "Used in:" of the docstrings, against the lessons

def used_by_lesson(file):
    """The public functions and classes of labkit that a lesson takes by their names."""
    tree = parsed(file)
    modules, found = {}, []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").split(".")[0] == "labkit":
            continue
        for alias in node.names:
            try:  # from labkit import plots
                modules[alias.asname or alias.name] = importlib.import_module(f"{node.module}.{alias.name}")
            except ModuleNotFoundError:
                found.append(getattr(importlib.import_module(node.module), alias.name))
    for node in ast.walk(tree):  # plots.spectrogram
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            found.append(getattr(modules[node.value.id], node.attr))
    return {f"{one.__module__}.{one.__qualname__}" for one in found
            if (inspect.isfunction(one) or inspect.isclass(one)) and one.__module__.startswith("labkit")}


def stated():
    """Of each function and class the lessons that its docstring names."""
    found = {}
    for module, file in MODULES.items():
        for node in parsed(file).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                used_in = re.search(r"Used in:(.*?)(?:\n\s*\n|\Z)", ast.get_docstring(node) or "", re.S)
                found[f"{module}.{node.name}"] = set(re.findall(r"[\w/]+", used_in[1])) if used_in else set()
    return found


def test_used_in_agrees_with_the_lessons():
    used = defaultdict(set)
    for lesson in LESSONS:
        for name in used_by_lesson(lesson):
            used[name].add(f"notebooks/{lesson.stem}")
    wrong = [f'{name}: expected "Used in: {", ".join(sorted(used[name]))}", '
             f"found {', '.join(sorted(lessons)) or 'nothing'}"
             for name, lessons in sorted(stated().items()) if lessons != used[name]]
    assert not wrong, "\n".join(wrong)


def test_every_name_that_a_lesson_takes_is_looked_at():
    """A name that `stated` does not know, as from a module made at run time, would pass unseen."""
    for lesson in LESSONS:
        assert used_by_lesson(lesson) <= set(stated()), lesson.name


def test_used_in_is_read_and_resolved(tmp_path):
    file = tmp_path / "01_x.py"
    file.write_text("# %%\n%matplotlib inline\nfrom labkit import plots\nfrom labkit.corpus import compose, GENRES\n"
                    "from labkit.datasets import Meta\nplots.figure(2)\nplots.COLOURS\n")
    assert used_by_lesson(file) == {"labkit.plots.figure", compose_name(), "labkit.datasets.layout.Meta"}


def compose_name():
    from labkit.corpus import compose

    return f"{compose.__module__}.compose"


def test_there_is_something_to_look_at():
    assert LESSONS
    assert {"labkit", "labkit.corpus", "labkit.corpus.build", "labkit.cli"} <= set(MODULES)


def test_the_messages_that_the_book_explains_exist():
    """A reader searches book/troubleshooting.md for what the screen says."""
    code = " ".join(file.read_text(encoding="utf-8") for file in (ROOT / "labkit").rglob("*.py"))
    code = re.sub(r'"\s*f?"', "", code)  # one sentence may be written as several strings
    page = (ROOT / "book" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    assert len(quoted) > 5
    for message in quoted:
        for piece in re.split(r"\.\.\.|\bNN_topic\.\w+|\bN\b|\bM\b", message):
            assert piece.strip() in code, f"{message!r}: nothing in labkit says {piece.strip()!r}"
