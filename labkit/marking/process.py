"""What runs in the process of one notebook: its cells, under limits, and the checks of its exercises.

`python -m labkit.marking.process` takes the job from stdin and reports line by line to stdout. What this stops, and
what it does not, stands in the docstring of `labkit.marking`.
"""

import ast
import contextlib
import importlib
import json
import os
import re
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import labkit
from labkit.exercises.core import NOT_YET, load, module_of, outcome_of
from labkit.marking.handed_in import plain, words

DEEPEST = 50             # folders in folders; Python 3.11 cannot remove a thousand of them
LARGEST_FILE = 500e6     # bytes of one file that a notebook writes
HEADROOM = 2**30         # bytes of memory for the checks of a notebook that has used up its own
LIBRARIES = 2**34        # bytes of addresses for code and maps of files; torch for a GPU needs gigabytes of them
CHECKED = re.compile(r"""\bcheck\(\s*["'](\d{1,2}[a-z]?\.\d{1,2})["']""")


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
