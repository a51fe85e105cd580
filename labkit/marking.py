"""Mark submitted notebooks: each is run in a process of its own, then asked for the exercises of its lesson.

The process gets the cells of the notebook and an empty temporary folder, none of the environment of who marks, and
limits. Its cells run one after another, also after one that failed. After a cell that calls `check`, and after the
last one, the exercises are checked by this module, with checkers that were loaded before the first cell. That last
check counts; where the process did not live to see it, the ones before. What the notebook prints, writes, or says of
itself in a `check` of its own counts for nothing.

What this does not stop: Python cannot be locked up in Python. An audit hook refuses to write or remove files outside
of the folder, to start processes and to use the network, but not what a library in C writes; and all but notebooks and
lessons can be read. Replaced functions of labkit and its libraries are put back before each check; code that goes
looking for the checker, in the frames of its callers or in the memory of the process, can still deceive it, and an
answer may be taken from `labkit.exercises` itself. It is made against accidents and simple mischief. Run the notebooks
of people you do not trust in a container or a virtual machine without anything of value. The limits of memory and of
the size of a file are those of the system: Linux has both, macOS the second, Windows none.
"""

import ast
import contextlib
import csv
import html
import importlib
import io
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import labkit
from labkit.errors import LabError
from labkit.exercises.core import NOT_YET, Outcome, load, module_of, outcome_of
from labkit.files import write_text
from labkit.profiles import cache_root, load_profile

LARGEST = 25e6           # bytes of a notebook; with its pictures and sounds a lesson has less than a tenth of it
LARGEST_FILE = 500e6     # bytes of one file that a notebook writes
MOST_BYTES = 1e9         # of all that it writes
MOST_FILES = 5000
DEEPEST = 50             # folders in folders; Python 3.11 cannot remove a thousand of them
REPORT = 10**7           # bytes of a report that are read; what floods it is no report
HEADROOM = 2**30         # bytes of memory for the checks of a notebook that has used up its own
LIBRARIES = 2**34        # bytes of addresses for code and maps of files; torch for a GPU needs gigabytes of them
KEPT = ("PATH", "LANG", "SYSTEMROOT", "NUMBA_CACHE_DIR")   # variables that a notebook gets as they are
LESSON = re.compile(r"""^# Exercise (\d{1,2}[a-z]?)\.\d|\bcheck\(\s*["'](\d{1,2}[a-z]?)\.\d""", re.MULTILINE)
CHECKED = re.compile(r"""\bcheck\(\s*["'](\d{1,2}[a-z]?\.\d{1,2})["']""")


class MarkingError(LabError):
    """Nothing can be marked, or the table cannot be written; the message says what to do."""


class Submission(NamedTuple):
    """What is run of a notebook, or why nothing is."""

    name: str                                # its path below the folder, with /
    cells: Sequence[tuple[str, bool]] = ()   # of each code cell its source, and whether it holds the parameters
    ids: Sequence[str] = ()                  # the exercises of its lesson
    why: str = ""


class Limits(NamedTuple):
    """What one notebook may use."""

    seconds: float
    memory: float    # GiB


class Row(NamedTuple):
    """What is known of one notebook."""

    notebook: str                  # its path below the folder, with /
    outcomes: dict[str, Outcome]   # by exercise; one that was not checked is not there
    why: str                       # what went wrong; empty = nothing


def grade(folder: Path, limits: Limits, out: Path | None = None, jobs: int = 1, profile: str = "smoke") -> list[Row]:
    """Mark every notebook of a folder and of the folders below it, and print the table, in the order of their paths.

    Parameters
    ----------
    folder : only read.
    limits : of each notebook.
    out : the table is written there too, as .csv and as .html; None = nowhere.
    jobs : notebooks side by side.
    profile : how much music the notebooks use, whatever they say themselves; it is composed first.

    Raises
    ------
    MarkingError : there is no such folder, no notebook in it, or `out` is no place for a table.
    LabError : the music cannot be composed.
    """
    from labkit.corpus import build

    files = notebooks(folder)
    if not files:
        raise MarkingError(f"Expected notebooks (*.ipynb) in {folder}, found none. Give the folder of the submissions.")
    tables = places(out, folder) if out else []
    build(load_profile(profile))
    rows = mark_all(files, folder, limits, jobs, profile)
    try:
        for file, text in zip(tables, (as_csv(rows), as_html(rows)), strict=False):
            write_text(file, text)
    finally:  # after an hour of marking, a disk that is full does not take the marks
        print(as_text(rows))
    return rows


def notebooks(folder: Path) -> list[Path]:
    """Everything called *.ipynb, and every folder that cannot be looked into, but nothing hidden, in order of paths.

    Raises MarkingError when there is no such folder.
    """
    if not folder.is_dir():
        raise MarkingError(f"Expected a folder of submissions, found none at {folder}.")
    closed, found = [], []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__MACOSX"]
        found += [Path(place, name) for name in (*folders, *files)
                  if name.lower().endswith(".ipynb") and not name.startswith(".")]
    return sorted([*found, *(Path(error.filename) for error in closed)])


def places(out: Path, folder: Path) -> list[Path]:
    """The files of the table. Raises MarkingError where one cannot be, or where submissions are."""
    if not out.name or out.is_dir() or not out.parent.is_dir():
        raise MarkingError(f"Expected the name of a table in a folder that exists, found {out}. Give, for example, "
                           "marks.csv; beside it marks.html is written.")
    if out.resolve().is_relative_to(folder.resolve()):
        raise MarkingError(f"Expected a table outside of {folder}, where it could replace a submission, found {out}. "
                           "Name it in another folder.")
    return [out.with_suffix(".csv"), out.with_suffix(".html")]


def mark_all(files: list[Path], folder: Path, limits: Limits, jobs: int = 1, profile: str = "smoke") -> list[Row]:
    """The rows of some notebooks; the arguments are those of `grade`. Says on stderr which ones are done."""
    import matplotlib
    import matplotlib.font_manager  # makes the list of fonts where there is none yet; each process would take seconds

    fonts = list(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"))
    stop, done = threading.Event(), []

    def row(one: Submission) -> Row:
        try:
            found = Row(one.name, {}, one.why) if one.why else mark(one, limits, profile, fonts, stop)
        except Exception as error:  # one submission never costs the others their marks
            found = Row(one.name, {}, f"could not be marked: {words(error)}")
        done.append(found)
        print(f"[{len(done)}/{len(files)}] {one.name}", file=sys.stderr)
        return found

    with warnings.catch_warnings():  # nbformat warns of what it mends; threads share what is caught
        warnings.simplefilter("ignore")
        submissions = [read(file, plain(file.relative_to(folder).as_posix(), 500)) for file in files]
    with ThreadPoolExecutor(jobs) as pool:
        try:
            return list(pool.map(row, submissions))
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def read(file: Path, name: str) -> Submission:
    """The code of a notebook and the exercises of its lesson, or why there are none."""
    import nbformat

    try:
        if file.is_symlink() or not file.is_file():
            return Submission(name, why="not a plain file, so it is not read")
        if (size := file.stat().st_size) > LARGEST:
            return Submission(name, why=f"has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}; clear its outputs")
        notebook = nbformat.reads(file.read_bytes().decode("utf-8-sig"), as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        cells = [(str(cell.source), "parameters" in cell.metadata.get("tags", [])) for cell in code]
        about = notebook.metadata.get("labkit")
        lessons = {first or second for source, _ in cells for first, second in LESSON.findall(source)} or {
            str(about.get("lesson") if isinstance(about, dict) else file.stem)[:40]}
        ids = [id for lesson in sorted(lessons) for id in load(lesson)]
    except OSError as error:
        return Submission(name, why=f"cannot be read: {error.strerror}")
    except Exception as error:  # whatever can be wrong with bytes, with JSON and with what should be cells
        return Submission(name, why=f"not a notebook: {words(error)}")
    return Submission(name, cells, ids, "" if ids else "no exercise of the lab found")


def mark(one: Submission, limits: Limits, profile: str, fonts: Iterable[Path], stop: threading.Event) -> Row:
    """Run one notebook in a process of its own and make a row of what that reported."""
    with (tempfile.TemporaryDirectory(prefix="labkit-marking-", ignore_cleanup_errors=True) as place,
          tempfile.TemporaryFile() as job, tempfile.TemporaryFile() as report):
        folder = Path(place).resolve()
        # A line of the report counts when it begins with this word, which the notebook is not told.
        word = secrets.token_hex()
        job.write(json.dumps({"word": word, "folder": str(folder), "profile": profile, "memory": limits.memory,
                              "cells": one.cells, "ids": one.ids}).encode())
        job.seek(0)
        # -P: no module is taken from the folder before the notebook runs
        process = subprocess.Popen([sys.executable, "-P", "-m", "labkit.marking"], stdin=job, stdout=report,
                                   stderr=subprocess.STDOUT, env=furnished(folder, profile, fonts),
                                   cwd=folder / "work", start_new_session=True)
        reason = ended(process, folder, limits, stop)
        report.seek(0)
        lines = report.read(REPORT).decode("utf-8", "replace").splitlines()
    events = [ast.literal_eval(line[len(word):]) for line in lines if line.startswith(word)]
    return told(one, events, reason, process.returncode, lines)


def furnished(folder: Path, profile: str, fonts: Iterable[Path]) -> dict[str, str]:
    """Make the folders of a notebook; returns its environment.

    Its cache is its own, so that nothing that it trains or packs is ever read by anyone else; composed music is linked.
    """
    for name in ("work", "home", "temporary", "matplotlib", "cache"):
        (folder / name).mkdir()
    for file in fonts:
        shutil.copy(file, folder / "matplotlib")
    corpus = cache_root() / "corpus"
    try:
        (folder / "cache" / "corpus").symlink_to(corpus, target_is_directory=True)
    except OSError:  # Windows, without the right to make links
        shutil.copytree(corpus, folder / "cache" / "corpus")
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict.fromkeys(threads, "1") | {
        **dict.fromkeys(("HOME", "USERPROFILE"), str(folder / "home")),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "temporary")),
        "MPLBACKEND": "Agg", "MPLCONFIGDIR": str(folder / "matplotlib"), "TQDM_DISABLE": "1", **labkit.WAITING,
        "CUDA_VISIBLE_DEVICES": "",
        "LAB_PROFILE": profile, "LAB_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(Path(labkit.__file__).resolve().parent.parent), "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0"}


def ended(process: subprocess.Popen, folder: Path, limits: Limits, stop: threading.Event) -> str:
    """Wait for the end of a notebook, and end it with all it started at a limit; returns which one, or nothing."""
    end = time.monotonic() + limits.seconds
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.2)
                return ""
            if stop.is_set():
                return "stopped"
            if time.monotonic() > end:
                return f"time limit after {limits.seconds:g} s"
            files, size = used(folder)
            if files > MOST_FILES:
                return f"wrote more than {MOST_FILES} files"
            if size > MOST_BYTES:
                return f"wrote more than {MOST_BYTES / 1e9:g} GB"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait()


def used(folder: Path) -> tuple[int, int]:
    """Files and folders below a folder, and their bytes; it stops counting beyond MOST_FILES."""
    files = size = 0
    waiting = [str(folder)]
    while waiting and files <= MOST_FILES:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                files += 1
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
    return files, size


def told(one: Submission, events: list[tuple], reason: str, code: int, lines: list[str]) -> Row:
    """The row of a notebook from what its process reported and how that ended."""
    outcomes, failures, now, whole = {}, [], "before its first cell", False
    for kind, *facts in events:
        if kind == "at":
            now = facts[0]
        elif kind == "failed":
            failures.append(f"{now}: {plain(facts[0])}")
        elif kind == "outcome":
            outcomes[facts[0]] = Outcome(facts[0], facts[1], plain(facts[2], 500))
        whole |= kind == "done"
    if not whole:
        how = f"ended its process with exit code {code}"
        if code < 0:
            memory = ", perhaps for lack of memory" if -code in (signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV) else ""
            how = f"its process was ended by signal {-code} ({signal.strsignal(-code)}){memory}"
        if not events:  # something is wrong with this installation, or the limits are too small to begin with
            now = next((plain(line) for line in reversed(lines) if line.strip()), now)
        reason = f"{reason or how}, in {now}" if events else f"{reason or how}: {now}"
    more = [f"{len(failures) - 1} more failed"] if len(failures) > 1 else []
    return Row(one.name, {id: outcomes[id] for id in one.ids if id in outcomes},
               "; ".join(filter(None, [reason, *failures[:1], *more])))


def plain(text: str, most: int = 160) -> str:
    """One line of what may come from a notebook: nothing that steers a terminal, no half characters, not endless."""
    text = "".join(sign if sign.isprintable() else " " for sign in text[:most + 1].encode("utf-8", "replace").decode())
    return text if len(text) <= most else f"{text[:most]}..."


def words(error: BaseException) -> str:
    """An error in one line, also where its own words fail."""
    try:
        said = str(error)[:1000].strip()
    except BaseException:
        said = ""
    return plain(f"{type(error).__name__}{f': {said}' if said else ''}")


# The table

def lines_of(rows: list[Row]) -> list[list[str]]:
    """The table as words, its heading first: a column for each exercise of these rows."""
    ids = sorted({id for row in rows for id in row.outcomes}, key=lambda id: (module_of(id), int(id.split(".")[1])))
    return [["notebook", *ids, "why"],
            *([row.notebook, *(row.outcomes[id].state if id in row.outcomes else "" for id in ids), row.why]
              for row in rows)]


def as_text(rows: list[Row]) -> str:
    """The table in columns of equal width."""
    table = lines_of(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
                     for line in table)


def as_csv(rows: list[Row]) -> str:
    """The table as CSV: no cell looks like a formula to a spreadsheet, and the first sign tells it the encoding."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(
        [f"'{word}" if word.lstrip().startswith(("=", "+", "-", "@")) else word for word in line]
        for line in lines_of(rows))
    return f"\ufeff{file.getvalue()}"


def as_html(rows: list[Row]) -> str:
    """The table as a page that needs nothing else, with what was found under each answer that is not yet right."""
    heading, *table = lines_of(rows)
    body = []
    for row, line in zip(rows, table, strict=True):
        cells = [f"<th scope='row'>{html.escape(line[0])}</th>"]
        for id, state in zip(heading[1:-1], line[1:-1], strict=True):
            more = f"<small>{html.escape(row.outcomes[id].message)}</small>" if state == NOT_YET else ""
            cells.append(f"<td class='{state.replace(' ', '-')}'>{state}{more}</td>")
        body.append(f"<tr>{''.join(cells)}<td>{html.escape(line[-1])}</td></tr>\n")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Marks</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark; }} body {{ font: 16px/1.4 sans-serif; margin: 2em; }}
table {{ border-collapse: collapse; }} small {{ display: block; max-width: 24em; }}
th, td {{ border: 1px solid #8888; padding: .3em .6em; text-align: left; vertical-align: top; }}
.correct {{ background: #2a72; }} .not-yet {{ background: #d922; }}
</style></head><body><h1>Marks</h1>
<table><thead><tr>{"".join(f"<th scope='col'>{html.escape(word)}</th>" for word in heading)}</tr></thead>
<tbody>
{"".join(body)}</tbody></table></body></html>
"""


# What follows runs in the process of one notebook.

def run() -> None:
    """Run the notebook that stdin holds, and report line by line to what was stdout; never returns."""
    job = json.load(sys.stdin)
    word, folder = job["word"], job["folder"]
    report, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nowhere, stream)

    write, leave, streams = os.write, os._exit, (sys.stdout, sys.stderr)  # as they are now

    def tell(*event: str) -> None:
        write(report, f"\n{word}{event!r}\n".encode())  # the first line feed ends whatever stood there

    allow = limit(job["memory"])
    shell = make_shell()
    exercises = {id: replace(one) for id in job["ids"] for one in [load(id.split(".")[0])[id]]}
    put_back = originals(exercises)
    forbid(folder)
    os.dup2(nowhere, 2)  # until here a traceback tells what is wrong with this installation

    def check_all(ids: Iterable[str]) -> None:
        allow(job["memory"] * 2**30 + HEADROOM)
        put_back()
        for id in ids:
            tell("at", f"the check of {id}")
            try:
                tell("outcome", *outcome_of(exercises[id], shell.user_ns))
            except BaseException as error:
                tell("outcome", id, NOT_YET, f"Your code raised {words(error)}.")
        allow(job["memory"] * 2**30)

    for number, (source, parameters) in enumerate(job["cells"], start=1):
        tell("at", f"code cell {number}")
        sys.stdout, sys.stderr = streams
        try:
            result = shell.run_cell(source, store_history=True)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:
            error = raised
        if error is not None:
            full = isinstance(error, MemoryError) or "allocate" in words(error)
            tell("failed", f"memory limit of {job['memory']:g} GB, " * full + words(error))
        if parameters:
            shell.user_ns["profile"] = job["profile"]  # as papermill does it
        if called := [id for id in exercises if id in CHECKED.findall(source)]:
            check_all(called)
    check_all(exercises)
    tell("done")
    leave(0)  # whatever threads it has left


def limit(memory: float) -> Callable[[float], None]:
    """Set the limits that the system keeps, of memory (GiB) and of a file. Returns what changes the first (bytes)."""
    try:
        import resource
    except ImportError:  # Windows
        return lambda size: None

    def set_limit(what: str, soft: float, hard: float) -> None:
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of memory, or a smaller one is set already
            resource.setrlimit(getattr(resource, what), (int(soft), int(hard)))

    def allow(size: float) -> None:
        set_limit("RLIMIT_DATA", size, memory * 2**30 + HEADROOM)

    set_limit("RLIMIT_CORE", 0, 0)
    set_limit("RLIMIT_FSIZE", LARGEST_FILE, LARGEST_FILE)
    set_limit("RLIMIT_AS", memory * 2**30 + LIBRARIES, memory * 2**30 + LIBRARIES)
    allow(memory * 2**30)
    return allow


def make_shell():
    """IPython as in a notebook's kernel, without history, and without the tracebacks that nobody reads."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.showtraceback = shell.showsyntaxerror = lambda *args, **kwargs: None

    def leave() -> None:
        raise SystemExit("exit")

    shell.ask_exit = leave  # what `exit` and `quit` call
    shell.enable_gui = lambda gui=None: None  # %matplotlib calls it
    sys.path.insert(0, "")
    return shell


def originals(exercises: Iterable[str]) -> Callable[[], None]:
    """Load all that the checkers of these exercises use; returns what puts its functions and classes back."""
    import numba.core.caching as compiled

    # What numba has compiled is found where it lies. Nothing new is kept there: it would be a pickle of a notebook's.
    compiled._CacheLocator.ensure_cache_path = lambda self: None
    compiled.Cache.save_overload = lambda *args: None
    for name in {module_of(id) for id in exercises}:
        tree, known = ast.parse(Path(labkit.__file__).with_name("exercises").joinpath(f"{name}.py").read_bytes()), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    module = importlib.import_module(alias.name if isinstance(node, ast.Import) else node.module)
                    known[alias.asname or alias.name] = module
        for node in ast.walk(tree):  # librosa loads a function when it is first named
            if isinstance(node, ast.Attribute):
                with contextlib.suppress(AttributeError, NameError):
                    eval(compile(ast.Expression(node), "<name>", "eval"), {"__builtins__": {}}, known)
    trusted = {"labkit", "numpy", "librosa", "scipy", "sklearn", "torch", "builtins", "math", "ast", "inspect"}
    kept = {name: (module, {key: value for key, value in vars(module).items() if callable(value)})
            for name, module in list(sys.modules.items())
            if name.split(".")[0] in trusted and isinstance(module, types.ModuleType)}

    def put_back() -> None:
        for name, (module, values) in kept.items():
            sys.modules[name] = module
            vars(module).update(values)

    return put_back


# Events of Python's audit hooks: of those that change files, where in their arguments the paths stand and, for each,
# the folder to which it may be relative.
CHANGES = {"os.remove": [(0, 1)], "os.rmdir": [(0, 1)], "os.mkdir": [(0, 2)], "os.rename": [(0, 2), (1, 3)],
           "os.link": [(0, 2), (1, 3)], "os.symlink": [(1, 2)], "os.chmod": [(0, 2)], "os.chown": [(0, 3)],
           "os.utime": [(0, 3)], "os.truncate": [(0, 9)], "os.setxattr": [(0, 9)], "os.removexattr": [(0, 9)],
           "os.chflags": [(0, 9)], "shutil.rmtree": [(0, 1)], "sqlite3.connect": [(0, 9)]}
STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
          "os.startfile", "pty.spawn", "os.killpg"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def forbid(folder: str) -> None:
    """From now on refuse what the docstring of this module says; it cannot be undone."""
    own, deepest, me = folder + os.sep, folder.count(os.sep) + DEEPEST, os.getpid()
    lessons = str(Path(labkit.__file__).resolve().parents[1] / "notebooks") + os.sep
    realpath, harmless = os.path.realpath, ("socket.__new__", "socket.gethostname")

    def real(path, beside=None) -> str:
        path = os.fsdecode(path)
        if isinstance(beside, int) and beside >= 0:
            with contextlib.suppress(OSError):  # only Linux tells
                path = os.path.join(os.readlink(f"/proc/self/fd/{beside}"), path)
        return realpath(path)

    def is_own(path: str) -> bool:
        return path.startswith(own) and path.count(os.sep) < deepest

    def is_closed(path: str) -> bool:
        process = re.match(r"/proc/(\d+)", path)
        return path.endswith(".ipynb") or path.startswith(lessons) or (process and int(process[1]) != me)

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and not isinstance(arguments[0], int):
            path, writes = real(arguments[0]), arguments[2] & WRITING
            refused = not is_own(path) and (path != os.devnull if writes else is_closed(path))
        elif event in CHANGES:
            given = dict(enumerate(arguments))
            refused = any(not is_own(real(given[path], given.get(beside))) for path, beside in CHANGES[event]
                          if not isinstance(given[path], int) and given[path] != ":memory:")
        else:
            refused = (event in STARTS or (event == "os.kill" and arguments[0] != me)
                       or (event.startswith("socket.") and event not in harmless))
        if refused:
            raise PermissionError(f"refused to a submission: {event} {plain(repr(arguments[:1]), 80)}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    run()
