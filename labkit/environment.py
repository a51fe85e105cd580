"""Set up the local environment `.venv`: torch first, then the rest with the tested versions.

Only the standard library is imported here, because this module runs before anything is installed:
`python -m labkit setup`. It also has to be readable for a Python that is too old, which is told so by `set_up`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

from labkit.errors import LabError

ROOT = Path(__file__).resolve().parent.parent   # the checkout
VENV = ROOT / ".venv"
STAMP = "labkit-setup.json"                     # inside .venv: what was installed, written last
PINS = "labkit-constraints.txt"                 # inside .venv: constraints.txt without torch
OLDEST = (3, 11)                                # the oldest Python, as in pyproject.toml
TORCH = "torch==2.13.0"
OURS = ("labkit", "pip", "setuptools", "wheel")  # never pinned: this package, and what comes with the environment
EXTRAS = ("lab", "book", "test", "dev")         # each holds the ones before it


class SetupError(LabError):
    """The environment could not be made; the message says what to do."""


def venv_python(folder: Path = VENV) -> Path:
    """The interpreter of the virtual environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def python_version(python: Path) -> tuple[int, int] | None:
    """Major and minor version of an interpreter; None when it is not there or does not run."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        asked = subprocess.run([str(python), "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    major, minor = asked.stdout.split()
    return int(major), int(minor)


def wanted(root: Path = ROOT) -> str:
    """Digest of everything that decides what is installed: the requirements and the pins."""
    digest = hashlib.sha256(TORCH.encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def stamp_of(extra: str, python: Path, root: Path = ROOT) -> dict:
    """What the stamp of a finished set-up says."""
    return {"wanted": wanted(root), "extra": extra, "python": list(python_version(python) or ()), "root": str(root)}


def is_ready(extra: str, folder: Path = VENV, root: Path = ROOT) -> bool:
    """Whether `.venv` already holds `extra` (or a larger one) as the files of this checkout want it.

    Not so when the interpreter that `.venv` was made from is gone or has been replaced by another version.
    """
    try:
        stamp = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return False
    expected = stamp_of(extra, venv_python(folder), root)
    return stamp in [{**expected, "extra": one} for one in EXTRAS[EXTRAS.index(extra):]]


def install_commands(python: Path, extra: str, pins: Path, root: Path = ROOT) -> list[list[str]]:
    """The pip calls of a set-up, in order.

    torch comes first and alone: asked for through another package, pip may take the newest build with several
    gigabytes of GPU libraries. `TORCH_PIP_ARGS` adds arguments to that one call, such as an index of CPU builds.
    `pins` is a constraints file without torch, so that the second call keeps the torch that is there.
    """
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    return [
        [*pip, TORCH, *shlex.split(os.environ.get("TORCH_PIP_ARGS", ""))],
        [*pip, "-e", f"{root}[{extra}]", "-c", str(pins)],
    ]


def torch_range(root: Path = ROOT) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The least version of torch that the package takes and the first that it does not, from pyproject.toml.

    Raises SetupError when pyproject.toml states no such range.
    """
    import tomllib  # not at the top: Python 3.10 lacks it

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"]:
        bounds = re.fullmatch(r"torch>=([\d.]+),<([\d.]+)", requirement)
        if bounds:
            least, beyond = (tuple(int(number) for number in bound.split(".")) for bound in bounds.groups())
            return least, beyond
    raise SetupError("Expected a requirement of the form torch>=2.6,<3 in pyproject.toml, found none. Restore it.")


def has_torch(python: Path, root: Path = ROOT) -> bool:
    """Whether `python` has a torch in the range that the package asks for, whichever build it is."""
    code = "from importlib.metadata import version; print(version('torch'))"
    try:
        asked = subprocess.run([str(python), "-c", code], capture_output=True, text=True)
    except OSError:
        return False
    found = re.match(r"\d+(\.\d+)*", asked.stdout.strip())
    if asked.returncode != 0 or not found:
        return False
    least, beyond = torch_range(root)
    return least <= tuple(int(number) for number in found.group().split(".")) < beyond


def make_venv(folder: Path) -> None:
    """Make the virtual environment in `folder`, or complete it where that was interrupted before pip was there.

    Raises SetupError when the Python in it is too old, or when this Python cannot make one.
    """
    python = venv_python(folder)
    version = python_version(python)
    try:
        if version is None:
            print(f"setup  making {folder.name}", flush=True)
            # A copied interpreter does not find its library where Python was installed as a relocatable folder.
            venv.create(folder, clear=True, symlinks=os.name != "nt")
        elif version < OLDEST:
            raise SetupError(f"Expected Python {OLDEST[0]}.{OLDEST[1]} or newer in {folder.name}, found "
                             f"{version[0]}.{version[1]}. Remove {folder.name} and run the command again.")
        if subprocess.run([str(python), "-c", "import pip"], capture_output=True).returncode != 0:
            subprocess.run([str(python), "-m", "ensurepip"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"Expected to make a virtual environment in {folder.name}, found: {error}. On Debian and "
                         f"Ubuntu install the package python{sys.version_info[0]}.{sys.version_info[1]}-venv; "
                         "elsewhere check that the checkout can be written.") from None


def set_up(extra: str = "dev", folder: Path = VENV, root: Path = ROOT, run=subprocess.run) -> None:
    """Make `.venv` with the requirements of `extra`, or find that it is ready.

    Raises SetupError when this Python is too old or a step fails. The stamp is written last, so that an interrupted
    set-up is taken up again.
    """
    if is_ready(extra, folder, root):
        return
    if sys.version_info < OLDEST:
        raise SetupError(f"Expected Python {OLDEST[0]}.{OLDEST[1]} or newer, found {sys.version.split()[0]}. "
                         "Call make with PYTHON=python3.12, or any other interpreter that is new enough.")
    python = venv_python(folder)
    make_venv(folder)
    stamp = folder / STAMP
    stamp.unlink(missing_ok=True)  # what follows changes the environment
    pins = folder / PINS
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins.write_text("\n".join(line for line in lines if not line.startswith("torch==")) + "\n", encoding="utf-8")
    torch, rest = install_commands(python, extra, pins, root)
    steps = [("torch", torch), (f"the packages of [{extra}]", rest)]
    if has_torch(python, root):
        steps.pop(0)
    for what, command in steps:
        print(f"setup  installing {what}: some minutes the first time", flush=True)
        if run(command).returncode != 0:
            raise SetupError(f"Installing {what} failed; pip says why above. With a proxy or a mirror, set pip's own "
                             "variables; for another build of torch set TORCH_PIP_ARGS. Then run the command again.")
    warm_up(python, run)
    from labkit.files import write_text  # not at the top: a Python too old for it must still reach the message above

    write_text(stamp, json.dumps(stamp_of(extra, python, root)) + "\n")


def warm_up(python: Path, run=subprocess.run) -> None:
    """Call librosa once, so that numba compiles now (30 to 50 s) and not in the first lesson.

    Raises SetupError when librosa does not run.
    """
    print("setup  warming the compile cache of librosa: about a minute the first time", flush=True)
    if run([str(python), "-m", "labkit", "warm"]).returncode != 0:
        raise SetupError("librosa does not run in the new environment; the traceback stands above. "
                         "Remove .venv and run the command again.")


def write_constraints(root: Path = ROOT, python: Path | None = None) -> Path:
    """Write constraints.txt from what is installed in `.venv`: the versions that the tests just ran with.

    A local version such as +cpu is left out, because it names one build. Raises SetupError without an environment.
    """
    command = [str(python or venv_python()), "-m", "pip", "freeze", "--exclude-editable"]
    try:
        frozen = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"Expected the installed versions from pip, found: {error}. "
                         "Run: python -m labkit setup") from None
    pins = {line.split("+")[0] for line in frozen.splitlines() if re.match(r"[\w.-]+==", line)}
    pins = sorted((pin for pin in pins if pin.split("==")[0].lower() not in OURS), key=str.lower)
    from labkit.files import write_text

    path = root / "constraints.txt"
    header = "# The versions that the tests ran with. Made by: python -m labkit pin\n"
    write_text(path, header + "\n".join(pins) + "\n")
    return path
