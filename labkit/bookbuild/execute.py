"""Execute lessons with papermill: each in a process of its own, never in the folder of the sources.

Papermill over a lesson in place would make the next pairing write its metadata and its injected cell into the
source. So a lesson is executed under `_build/executed/<name>-<digest>/`, whose name holds the digest of everything
that decides the outputs: a folder that is there needs no execution.
"""

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import labkit
from labkit.bookbuild.graph import (
    Lesson,
    Project,
    commit_of,
    in_order,
    input_digest,
    installed_versions,
    prerequisites,
)
from labkit.bookbuild.outputs import OutputError, alternative_text, without_injected
from labkit.bookbuild.pairing import read_lesson, written
from labkit.errors import LabError
from labkit.files import write_text
from labkit.profiles import cores, folder_variables

KEPT = 3  # executions of one lesson that are kept, so that going back to another profile is free
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class LessonError(LabError):
    """A lesson failed; the message has its name, the cell and the traceback."""


@dataclass(frozen=True)
class Record:
    """What is known of one execution; the status page and the banner are written from it."""

    lesson: str
    profile: str
    data: str             # digest of the data
    data_words: str       # the same in words
    reduced: bool         # whether the page must say that less than everything was run
    seconds: float
    peak_mib: float       # largest resident memory of the kernel and its children
    threads: int
    cells: int
    executed: str         # date, UTC
    python: str
    versions: dict[str, str]
    measured: dict[str, float]   # what the lesson noted with show.measured
    commit: str                  # of the checkout when it was executed


def folder_of(project: Project, lesson: Lesson, digest: str) -> Path:
    """Where the execution of a lesson with this digest of its inputs lies, or would lie."""
    return project.build / "executed" / f"{lesson.name}-{digest}"


def read_record(folder: Path) -> Record | None:
    """The record of a finished execution; None when there is none, or none that can be read."""
    try:
        return Record(**json.loads((folder / "record.json").read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


def kernel_environment(lesson: str, threads: int) -> dict[str, str]:
    """The environment in which a lesson's kernel runs: a fixed number of threads that wait without spinning."""
    numbers = {name: str(threads) for name in
               ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
    package = str(Path(labkit.__file__).resolve().parent.parent)
    return os.environ | numbers | folder_variables() | {
        # The package that builds is the one that the lesson imports, also from a second checkout in one environment.
        "PYTHONPATH": os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH")))),
        **labkit.WAITING,
        "JUPYTER_PREFER_ENV_PATH": "1",   # the kernel of this environment, not one of the same name in the home folder
        "PYTHONHASHSEED": "0",
        "TQDM_DISABLE": "1",              # progress bars would stand on the page as error output
        "LAB_MEDIA": f"media/{lesson}",  # sounds go to files beside the notebook instead of into the page
        "LAB_MEASURED": "measured.jsonl",
    }


class Progress:
    """One line for each thing that happens; between cells at most one line every few seconds, or one that moves."""

    def __init__(self, every: float = 5.0, out=None):
        self.out = out or sys.stdout
        self.live = self.out.isatty()
        self.every, self.last, self.start = every, 0.0, time.monotonic()
        self.lock = threading.Lock()

    def say(self, text: str) -> None:
        with self.lock:
            end = "\x1b[K\n" if self.live else "\n"
            self.out.write(f"[{time.monotonic() - self.start:6.1f} s] {text}{end}")
            self.out.flush()

    def tick(self, text: str) -> None:
        with self.lock:
            now = time.monotonic()
            if self.live:
                self.out.write(f"[{now - self.start:6.1f} s] {text}\x1b[K\r")
            elif now - self.last >= self.every:
                self.last = now
                self.out.write(f"[{now - self.start:6.1f} s] {text}\n")
            self.out.flush()


def execute_all(project: Project, profile: str, data: str, data_words: str, reduced: bool, jobs: int,
                limits: dict[str, float], progress: Progress) -> dict[str, Path]:
    """Execute every lesson whose inputs changed, `jobs` side by side; returns the folder of each lesson.

    limits: the most seconds a lesson may take before it is stopped, by lesson.

    Raises LessonError for the first lesson that fails; those already running are stopped, no other is started.
    """
    order = in_order(project.lessons)
    digests = {lesson.name: input_digest(project, lesson, profile, data) for lesson in order}
    folders = {lesson.name: folder_of(project, lesson, digests[lesson.name]) for lesson in order}
    waiting = []
    for lesson in order:
        if read_record(folders[lesson.name]):
            progress.say(f"{lesson.name}: nothing that its outputs depend on has changed")
        else:
            waiting.append(lesson)
    threads = 1 if jobs > 1 else cores()
    events: queue.Queue = queue.Queue()
    cell_of: dict[str, str] = {}
    running: dict[str, subprocess.Popen] = {}

    def start(lesson: Lesson) -> None:
        job = {"root": str(project.root), "name": lesson.name, "target": str(folders[lesson.name]),
               "profile": profile, "data": data, "data_words": data_words, "reduced": reduced, "threads": threads}
        process = subprocess.Popen([sys.executable, "-m", "labkit.bookbuild.execute", json.dumps(job)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
                                   env=kernel_environment(lesson.name, threads))
        running[lesson.name] = process
        threading.Thread(target=listen, args=(lesson.name, process), daemon=True).start()

    def listen(name: str, process: subprocess.Popen) -> None:
        errors: list[str] = []
        reader = threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True)
        reader.start()
        for line in process.stdout:
            try:
                events.put((name, json.loads(line)))
            except json.JSONDecodeError:
                errors.append(line)
        reader.join()
        events.put((name, {"event": "end", "code": process.wait(), "errors": "".join(errors)}))

    started = {}
    failure: str | None = None
    try:
        while waiting or running:
            unfinished = {lesson.name for lesson in waiting} | set(running)
            for lesson in list(waiting):
                before = {one.name for one in prerequisites(lesson, project.lessons)}
                if len(running) < jobs and not before & unfinished:
                    waiting.remove(lesson)
                    start(lesson)
                    started[lesson.name] = time.monotonic()
                    progress.say(f"{lesson.name}: started, {threads} thread{'s' * (threads > 1)}")
            late = [name for name in running if time.monotonic() - started[name] > limits.get(name, float("inf"))]
            if late:
                raise LessonError(f"{late[0]} did not finish within {limits[late[0]]:.0f} s and was stopped. Look "
                                  "for a loop that does not end, or raise its budget.")
            try:
                name, event = events.get(timeout=1.0)
            except queue.Empty:  # a long cell: say so
                now = time.monotonic()
                progress.tick("; ".join(f"{one}: {cell_of.get(one, 'starting')}, {now - started[one]:.0f} s"
                                        for one in running))
                continue
            if event["event"] == "cell":
                cell_of[name] = f"cell {event['cell']} of {event['cells']}"
                progress.tick(f"{name}: {cell_of[name]}, {event['seconds']:.1f} s")
            elif event["event"] == "done":
                progress.say(f"{name}: done in {event['seconds']:.1f} s, at most {event['peak_mib']:.0f} MiB")
            elif event["event"] == "failed":
                failure = (f"{name} failed in cell {event['cell']} of {event['cells']}:\n\n{event['source']}\n\n"
                           f"{event['traceback']}")
            elif event["event"] == "end":
                running.pop(name)
                if event["code"] != 0:
                    raise LessonError(failure or f"{name} could not be executed:\n\n{event['errors']}")
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    for lesson in order:
        drop_old(project, lesson, keep=folders[lesson.name])
    return folders


def drop_old(project: Project, lesson: Lesson, keep: Path) -> None:
    """Remove all but the newest executions of a lesson, and what interrupted ones left behind."""
    executed = project.build / "executed"
    digest = "[0-9a-f]" * 16   # so that `intro` does not take what belongs to `intro-two`
    old = sorted((path for path in executed.glob(f"{lesson.name}-{digest}") if path != keep),
                 key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [*old[KEPT - 1:], *executed.glob(f".{lesson.name}-{digest}.*.partial")]:
        shutil.rmtree(path)


# What follows runs in the process of one lesson.

def emit(**event) -> None:
    """Tell the building process what happens: one line of JSON."""
    print(json.dumps(event), flush=True)


class PeakMemory(threading.Thread):
    """The largest resident memory, in MiB, of this process's children together, looked at every 50 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self.stop = 0.0, threading.Event()

    def run(self):
        import psutil

        me = psutil.Process()
        while not self.stop.wait(0.05):
            total = 0
            for child in me.children(recursive=True):
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue  # it ended between the two calls
            self.peak = max(self.peak, total / 2**20)


def read_measured(file: Path) -> dict[str, float]:
    """What a lesson noted: later numbers take the place of earlier ones of the same name."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {name: value for line in lines for name, value in json.loads(line).items()}


def execute_one(job: dict) -> int:
    """Execute one lesson into `job["target"]`; everything or nothing of that folder appears. Returns the exit code."""
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    target = Path(job["target"])
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    source = read_lesson(Path(job["root"]) / "notebooks" / f"{job['name']}.py")
    plain, executed = partial / "plain.ipynb", partial / "lesson.ipynb"
    write_text(plain, written(source))
    begin = time.monotonic()
    now = {"cell": 0, "source": ""}

    class Watched(NBClientEngine):
        """papermill's own engine, which also says which cell it is at."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, **options):
            whole = nb_man.cell_start

            def cell_start(cell, cell_index=None, **more):
                number = len(without_injected(nb_man.nb.cells[: cell_index + 1]))
                now.update(cell=number, source=cell.source)
                emit(event="cell", cell=number, cells=len(source.cells), seconds=time.monotonic() - begin)
                return whole(cell, cell_index, **more)

            nb_man.cell_start = cell_start
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("watched", Watched)
    memory = PeakMemory()
    memory.start()
    try:
        papermill.execute_notebook(plain, executed, {"profile": job["profile"]}, engine_name="watched",
                                   kernel_name="python3", progress_bar=False, log_output=False, cwd=partial)
    except PapermillExecutionError as error:
        trace = ANSI.sub("", "\n".join(error.traceback))
        emit(event="failed", cell=now["cell"], cells=len(source.cells), source=error.source, traceback=trace)
        shutil.rmtree(partial)
        return 1
    except DeadKernelError:
        emit(event="failed", cell=now["cell"], cells=len(source.cells), source=now["source"],
             traceback="The kernel died in this cell: out of memory, or a crash in a library.")
        shutil.rmtree(partial)
        return 1
    finally:
        memory.stop.set()
    memory.join()
    seconds = time.monotonic() - begin
    plain.unlink()
    done = without_injected(nbformat.read(executed, as_version=4).cells)
    for number, cell in enumerate(done, start=1):
        try:  # now, so that an execution that no page can show is not kept
            if cell.cell_type == "code":
                alternative_text(cell)
        except OutputError as error:
            emit(event="failed", cell=number, cells=len(done), source=cell.source, traceback=f"This cell {error}")
            shutil.rmtree(partial)
            return 1
    record = Record(lesson=job["name"], profile=job["profile"], data=job["data"], data_words=job["data_words"],
                    reduced=job["reduced"], seconds=round(seconds, 1), peak_mib=round(memory.peak),
                    threads=job["threads"], cells=len(done),
                    executed=time.strftime("%Y-%m-%d", time.gmtime()), python=sys.version.split()[0],
                    versions=installed_versions(), measured=read_measured(partial / "measured.jsonl"),
                    commit=commit_of(Path(job["root"])))
    write_text(partial / "record.json", json.dumps(asdict(record), indent=1) + "\n")
    shutil.rmtree(target, ignore_errors=True)  # one without a record, left by an older version
    partial.rename(target)
    emit(event="done", seconds=seconds, peak_mib=memory.peak)
    return 0


if __name__ == "__main__":
    sys.exit(execute_one(json.loads(sys.argv[1])))
