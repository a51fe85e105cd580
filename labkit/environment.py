"""Set up the local environment `.venv`: torch first, then the rest with the tested versions.

Only the standard library is imported here, because this module runs before anything is installed:
`python -m labkit setup`.
"""

import hashlib
import json
import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

from labkit.errors import LabError

ROOT = Path(__file__).resolve().parent.parent   # the checkout
VENV = ROOT / ".venv"
STAMP = "labkit-setup.json"                     # inside .venv: what was installed, written last
TORCH = "torch==2.13.0"
EXTRAS = ("lab", "book", "test", "dev")         # each holds the ones before it


class SetupError(LabError):
    """The environment could not be made; the message says what to do."""


def venv_python(folder: Path = VENV) -> Path:
    """The interpreter of the virtual environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted(root: Path = ROOT) -> str:
    """Digest of everything that decides what is installed: the requirements, the pins, the Python version."""
    digest = hashlib.sha256(repr((sys.version_info[:2], TORCH)).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def is_ready(extra: str, folder: Path = VENV, root: Path = ROOT) -> bool:
    """Whether `.venv` already holds `extra` (or a larger one) as the files of this checkout want it."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    return (venv_python(folder).exists() and stamp.get("wanted") == wanted(root)
            and stamp.get("extra") in EXTRAS[EXTRAS.index(extra):])


def install_commands(python: Path, extra: str, root: Path = ROOT) -> list[list[str]]:
    """The pip calls of a set-up, in order.

    torch comes first and alone: asked for through another package, pip may take the newest build with several
    gigabytes of GPU libraries. `TORCH_PIP_ARGS` adds arguments to that one call, such as an index of CPU builds.
    A torch that is already there and in range is kept, because pip then has nothing to do.
    """
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    return [
        [*pip, TORCH, *shlex.split(os.environ.get("TORCH_PIP_ARGS", ""))],
        [*pip, "-e", f"{root}[{extra}]", "-c", str(root / "constraints.txt")],
    ]


def has_torch(python: Path) -> bool:
    """Whether `python` has a torch in the range that the package asks for."""
    code = ("from importlib.metadata import version as v; "
            "n = tuple(int(x) for x in v('torch').split('+')[0].split('.')[:2]); "
            "raise SystemExit(not (2, 6) <= n < (3, 0))")
    return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0


def set_up(extra: str = "dev", folder: Path = VENV, root: Path = ROOT, run=subprocess.run) -> None:
    """Make `.venv` with the requirements of `extra`, or find that it is ready.

    Raises SetupError when this Python is too old or a step fails. The stamp is written last, so that an interrupted
    set-up is taken up again.
    """
    if is_ready(extra, folder, root):
        return
    if sys.version_info < (3, 11):  # noqa: UP036  a newer syntax elsewhere must not hide this message
        raise SetupError(f"Expected Python 3.11 or newer, found {sys.version.split()[0]}. "
                         "Call make with PYTHON=python3.12, or any other interpreter that is new enough.")
    python = venv_python(folder)
    if not python.exists():
        print(f"setup  making {folder.name}", flush=True)
        venv.create(folder, with_pip=True)
    torch, rest = install_commands(python, extra, root)
    steps = [("torch", torch), (f"the packages of [{extra}]", rest)]
    if has_torch(python):
        steps.pop(0)
    for what, command in steps:
        print(f"setup  installing {what}: some minutes the first time", flush=True)
        if run(command).returncode != 0:
            raise SetupError(f"Installing {what} failed; pip says why above. With a proxy or a mirror, set pip's own "
                             "variables; for another build of torch set TORCH_PIP_ARGS. Then run the command again.")
    warm_up(python, run)
    stamp = folder / STAMP
    partial = stamp.with_suffix(".partial")
    partial.write_text(json.dumps({"wanted": wanted(root), "extra": extra}) + "\n")
    partial.replace(stamp)


def warm_up(python: Path, run=subprocess.run) -> None:
    """Call librosa once, so that numba compiles now (30 to 50 s) and not in the first lesson.

    Raises SetupError when librosa does not run.
    """
    print("setup  warming the compile cache of librosa", flush=True)
    code = "from labkit.doctor import warm_librosa; warm_librosa()"
    if run([str(python), "-c", code]).returncode != 0:
        raise SetupError("librosa does not run in the new environment; the traceback stands above. "
                         "Remove .venv and run the command again.")


def write_constraints(root: Path = ROOT, python: Path | None = None) -> Path:
    """Write constraints.txt from what is installed in `.venv`: the versions that the tests just ran with."""
    frozen = subprocess.run([str(python or venv_python()), "-m", "pip", "freeze", "--exclude-editable"],
                            check=True, capture_output=True, text=True).stdout
    pins = sorted((line.split("+")[0] for line in frozen.splitlines() if "==" in line), key=str.lower)
    path = root / "constraints.txt"
    header = "# The versions that the tests ran with. Made by: python -m labkit pin\n"
    partial = path.with_suffix(".partial")
    partial.write_text(header + "\n".join(pins) + "\n")
    partial.replace(path)
    return path
