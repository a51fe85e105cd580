"""The set-up: its order, when it is skipped, taken up again or refused, and that it needs nothing installed."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit import environment
from labkit.environment import (
    EXTRAS,
    OLDEST,
    PINS,
    ROOT,
    STAMP,
    TORCH,
    SetupError,
    has_torch,
    install_commands,
    is_ready,
    make_venv,
    python_version,
    set_up,
    torch_range,
    venv_python,
    write_constraints,
)

HERE = tuple(sys.version_info[:2])


class FakeRun:
    """Takes the place of subprocess.run: notes the commands, and fails at those that hold a word."""

    def __init__(self, failing=None):
        self.commands = []
        self.failing = failing

    def __call__(self, command, **options):
        self.commands.append(command)
        return SimpleNamespace(returncode=int(self.failing is not None and self.failing in " ".join(command)))

    def steps(self):
        """Each command in a word: torch, an extra, or warm."""
        return [command[-1] if command[-1] == "warm" else
                "torch" if TORCH in command else command[command.index("-e") + 1].split("[")[1].rstrip("]")
                for command in self.commands]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with the real metadata, and a set-up that makes no real environment."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.delenv("TORCH_PIP_ARGS", raising=False)
    monkeypatch.setattr(environment, "make_venv", lambda folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(environment, "python_version", lambda python: HERE if python.parent.parent.exists() else None)
    monkeypatch.setattr(environment, "has_torch", lambda python, root: False)
    return SimpleNamespace(root=root, venv=root / ".venv", stamp=root / ".venv" / STAMP)


def run_set_up(checkout, extra="book", failing=None):
    """The commands of one set-up, each in a word."""
    run = FakeRun(failing)
    set_up(extra, checkout.venv, checkout.root, run)
    return run.steps()


# The pip calls

def test_torch_comes_first_and_alone(monkeypatch):
    monkeypatch.delenv("TORCH_PIP_ARGS", raising=False)
    torch, rest = install_commands(Path("python"), "lab", Path("pins.txt"), Path("checkout"))
    assert torch[:4] == ["python", "-m", "pip", "install"]
    assert [word for word in torch[4:] if not word.startswith("--")] == [TORCH]
    assert rest[rest.index("-e") + 1] == "checkout[lab]"
    assert rest[rest.index("-c") + 1] == "pins.txt"
    assert not any("torch" in word for word in rest)


def test_torch_pip_args_go_to_the_call_of_torch_only(monkeypatch):
    monkeypatch.setenv("TORCH_PIP_ARGS", "--index-url 'https://example.org/a b'")
    torch, rest = install_commands(Path("python"), "lab", Path("pins.txt"))
    assert torch[-2:] == ["--index-url", "https://example.org/a b"]
    assert "--index-url" not in rest


def test_the_second_call_holds_every_pin_but_the_one_of_torch(checkout):
    """With it, pip would replace a torch of another version that was kept on purpose."""
    run = FakeRun()
    set_up("lab", checkout.venv, checkout.root, run)
    pins = Path(run.commands[1][run.commands[1].index("-c") + 1])
    assert pins == checkout.venv / PINS
    left = set((checkout.root / "constraints.txt").read_text().splitlines()) - set(pins.read_text().splitlines())
    assert left == {TORCH}


# When a set-up does what

def test_first_set_up_then_nothing(checkout):
    assert not is_ready("book", checkout.venv, checkout.root)
    assert run_set_up(checkout) == ["torch", "book", "warm"]
    assert is_ready("book", checkout.venv, checkout.root)
    assert run_set_up(checkout) == []


def test_a_smaller_extra_is_there_a_larger_one_is_not(checkout):
    assert run_set_up(checkout, "book") == ["torch", "book", "warm"]
    assert run_set_up(checkout, "lab") == []
    assert run_set_up(checkout, "test") == ["torch", "test", "warm"]
    assert run_set_up(checkout, "book") == []


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_changed_requirements_install_again(checkout, name):
    run_set_up(checkout)
    file = checkout.root / name
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert run_set_up(checkout) == []  # other line endings are no change
    file.write_text(file.read_text() + "# changed\n")
    assert run_set_up(checkout) == ["torch", "book", "warm"]


def test_a_torch_that_is_there_is_kept(checkout, monkeypatch):
    monkeypatch.setattr(environment, "has_torch", lambda python, root: True)
    assert run_set_up(checkout) == ["book", "warm"]


@pytest.mark.parametrize("failing, words", [
    (TORCH, "Installing torch failed"), ("[book]", r"packages of \[book\]"), ("warm", "librosa does not run")])
def test_a_step_that_fails_leaves_no_stamp(checkout, failing, words):
    with pytest.raises(SetupError, match=words):
        run_set_up(checkout, failing=failing)
    assert not checkout.stamp.exists()
    assert run_set_up(checkout) == ["torch", "book", "warm"]  # taken up again


def test_a_failing_step_takes_an_older_stamp_away(checkout):
    run_set_up(checkout, "book")
    with pytest.raises(SetupError):
        run_set_up(checkout, "dev", failing="[dev]")
    assert not is_ready("book", checkout.venv, checkout.root)  # half of it may have been replaced


def test_an_interrupted_set_up_is_taken_up_again(checkout):
    def interrupted(command):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        set_up("book", checkout.venv, checkout.root, interrupted)
    assert not checkout.stamp.exists()
    assert run_set_up(checkout) == ["torch", "book", "warm"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"extra": "gone"}'])
def test_a_damaged_stamp_counts_as_none(checkout, text):
    run_set_up(checkout)
    checkout.stamp.write_text(text)
    assert not is_ready("book", checkout.venv, checkout.root)


@pytest.mark.parametrize("now", [None, (HERE[0], HERE[1] + 1)])
def test_an_interpreter_gone_or_replaced_is_noticed(checkout, monkeypatch, now):
    run_set_up(checkout)
    monkeypatch.setattr(environment, "python_version", lambda python: now)
    assert not is_ready("book", checkout.venv, checkout.root)


def test_python_too_old(checkout, monkeypatch):
    monkeypatch.setattr(environment.sys, "version_info", (3, 10, 4, "final", 0))
    monkeypatch.setattr(environment.sys, "version", "3.10.4 (main)")
    with pytest.raises(SetupError, match=r"Expected Python 3\.11 or newer, found 3\.10\.4.*PYTHON="):
        run_set_up(checkout)
    assert not checkout.venv.exists()


@pytest.mark.parametrize("name", ["__init__", "__main__", "cli", "environment", "errors"])
def test_an_old_python_can_read_what_tells_it_so(name):
    """Grammar of Python 3.8, annotations that are not evaluated, and no import from outside or of later additions."""
    tree = ast.parse((ROOT / "labkit" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    outside = {module.split(".")[0] for module in imported} - set(sys.stdlib_module_names) - {"labkit"}
    assert not outside, f"labkit/{name}.py imports {outside} before anything is installed"
    assert "tomllib" not in imported
    assert {module for module in imported if module.startswith("labkit.")} <= {
        "labkit.cli", "labkit.environment", "labkit.errors"}
    annotated = any(isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)
                    for function in ast.walk(tree) if isinstance(function, ast.FunctionDef)
                    for part in (function.returns, *(one.annotation for one in function.args.args)) if part
                    for node in ast.walk(part))
    assert not annotated or "__future__" in imported


# The environment itself

def test_python_version():
    assert python_version(Path(sys.executable)) == HERE
    assert python_version(Path("no/such/python")) is None


@pytest.mark.slow
def test_make_venv_makes_completes_and_replaces(tmp_path):
    folder = tmp_path / "env"
    make_venv(folder)
    python = venv_python(folder)

    def has_pip():
        return subprocess.run([str(python), "-c", "import pip"], capture_output=True).returncode == 0

    assert python_version(python) == HERE and has_pip()
    (folder / "kept").write_text("")
    subprocess.run([str(python), "-m", "pip", "uninstall", "--yes", "--quiet", "pip"], check=True)
    assert not has_pip()
    make_venv(folder)  # interrupted before pip was there: completed
    assert has_pip() and (folder / "kept").exists()
    python.unlink()
    make_venv(folder)  # its interpreter is gone: made anew
    assert has_pip() and not (folder / "kept").exists()


def test_make_venv_leaves_one_that_is_too_old(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "python_version", lambda python: (3, 9))
    (tmp_path / "kept").write_text("")
    with pytest.raises(SetupError, match=r"Expected Python 3\.11 or newer.*found 3\.9\. Remove"):
        make_venv(tmp_path)
    assert (tmp_path / "kept").exists()


def test_make_venv_without_ensurepip_names_the_package(tmp_path, monkeypatch):
    """As on Debian, where ensurepip is a package of its own."""
    def lacking(command, **options):
        if options.get("check"):
            raise subprocess.CalledProcessError(1, command)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(environment, "python_version", lambda python: HERE)
    monkeypatch.setattr(environment.subprocess, "run", lacking)
    with pytest.raises(SetupError, match=rf"install the package python{HERE[0]}\.{HERE[1]}-venv"):
        make_venv(tmp_path)


def fake_torch(folder, version):
    """Metadata of a torch that importlib.metadata finds before the real one."""
    info = folder / f"torch-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")


@pytest.mark.parametrize("version, kept", [
    ("2.6.0", True), ("2.13.0+cpu", True), ("2.8.0a0+git1234", True), ("2.10", True),
    ("2.5.1", False), ("1.13.1+cu117", False), ("3.0.0", False)])
def test_has_torch_keeps_one_in_range(tmp_path, monkeypatch, version, kept):
    fake_torch(tmp_path, version)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert has_torch(Path(sys.executable)) is kept


def test_has_torch_without_torch(tmp_path, monkeypatch):
    if os.name == "nt":
        pytest.skip("the stand-in for an interpreter is a shell script")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    assert has_torch(script) is False
    assert has_torch(tmp_path / "absent") is False


def test_the_range_of_torch_stands_in_pyproject(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy>=2", "torch>=2.4.1,<2.9"]\n')
    assert torch_range(tmp_path) == ((2, 4, 1), (2, 9))
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["torchvision>=2,<3"]\n')
    with pytest.raises(SetupError, match=r"pyproject\.toml"):
        torch_range(tmp_path)


# Nothing installed

def bare(*words):
    """`python -m labkit ...` with the standard library only: -S leaves out site-packages."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([sys.executable, "-S", *words], cwd=ROOT, env=inherited, capture_output=True, text=True)


def test_the_bare_interpreter_is_bare():
    for package in ("numpy", "torch", "platformdirs"):
        assert bare("-c", f"import {package}").returncode != 0


@pytest.mark.parametrize("words", [["help"], ["--version"], ["--help"], ["clean", "--help"], ["setup", "--help"]])
def test_commands_that_need_nothing_installed(words):
    done = bare("-m", "labkit", *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr


@pytest.mark.parametrize("words", [["sync"], ["data", "info"], ["warm"], ["book"]])
def test_a_missing_package_is_told_in_a_sentence(words):
    done = bare("-m", "labkit", *words)
    assert done.returncode == 1
    assert "is not installed for" in done.stderr and "python -m labkit setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_is_ready_needs_nothing_installed():
    code = "from labkit.environment import is_ready; print(is_ready('dev'))"
    assert bare("-c", code).stdout.strip() in ("True", "False")


# The pins

@pytest.fixture
def freeze(monkeypatch):
    """Let pip freeze answer as given."""
    def answer(*lines):
        monkeypatch.setattr(environment.subprocess, "run",
                            lambda command, **options: SimpleNamespace(stdout="\n".join(lines) + "\n", returncode=0))
    return answer


def test_write_constraints_keeps_releases_only(tmp_path, freeze):
    freeze("torch==2.13.0+cpu", "Jinja2==3.1.6", "numpy==2.4.6", "labkit==0.1.0", "pip==26.0", "setuptools==80.1",
           "wheel==0.45", "-e git+https://example.org/x==y#egg=x", "soxr @ file:///wheels/soxr==1.whl", "# a remark")
    written = write_constraints(tmp_path, Path("python"))
    assert written == tmp_path / "constraints.txt"
    assert written.read_text().splitlines()[1:] == ["Jinja2==3.1.6", "numpy==2.4.6", "torch==2.13.0"]
    assert written.read_text().startswith("#")
    assert [file.name for file in tmp_path.iterdir()] == ["constraints.txt"]


def test_write_constraints_without_an_environment(tmp_path):
    with pytest.raises(SetupError, match="labkit setup"):
        write_constraints(tmp_path, tmp_path / "no" / "python")
    assert not list(tmp_path.iterdir())


def test_the_stamp_says_what_is_installed(checkout):
    run_set_up(checkout, "test")
    stamp = json.loads(checkout.stamp.read_text())
    assert stamp == {"wanted": environment.wanted(checkout.root), "extra": "test", "python": list(HERE),
                     "root": str(checkout.root)}
    assert EXTRAS == ("lab", "book", "test", "dev") and OLDEST == (3, 11)
