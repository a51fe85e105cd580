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
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import labkit
from labkit.exercises.core import Outcome
from labkit.files import write_text
from labkit.marking.handed_in import MarkingError, Submission, notebooks, plain, read, words
from labkit.marking.table import Row, as_csv, as_html, as_text
from labkit.profiles import cache_root, load_profile

MOST_BYTES = 1e9         # of all that it writes
MOST_FILES = 5000
REPORT = 10**7           # bytes of a report that are read; what floods it is no report
KEPT = ("PATH", "LANG", "SYSTEMROOT", "NUMBA_CACHE_DIR")   # variables that a notebook gets as they are


class Limits(NamedTuple):
    """What one notebook may use."""

    seconds: float
    memory: float    # GiB


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
        process = subprocess.Popen([sys.executable, "-P", "-m", "labkit.marking.process"], stdin=job, stdout=report,
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
