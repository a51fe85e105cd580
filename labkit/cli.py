"""`python -m labkit ...`: everything that the Makefile does, and more, on any system.

Libraries are imported inside the commands, because `setup`, `clean` and `help` run before anything is installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from labkit import __version__
from labkit.environment import EXTRAS, ROOT, set_up, venv_python, write_constraints
from labkit.errors import LabError

HINT = "Is the environment set up? Run: python -m labkit setup, then use the interpreter in .venv."


def setup(options) -> int:
    """Make .venv with what this checkout needs, or find that it is ready."""
    set_up(options.extra)
    return 0


def book(options) -> int:
    """Execute the lessons whose inputs changed and render the HTML book."""
    from labkit.bookbuild.build import build_book
    from labkit.bookbuild.graph import Project

    project = Project(ROOT)
    first = build_book(project, options.profile, options.jobs)
    print(f"\nOpen {first.relative_to(Path.cwd()) if first.is_relative_to(Path.cwd()) else first} in a browser.")
    return 0


def student(options) -> int:
    """Write the lessons with blanks for students, as notebooks and as one archive."""
    from labkit.bookbuild.graph import Project
    from labkit.bookbuild.student import write_student

    packed = write_student(Project(ROOT), options.out)
    print(f"written: {packed.with_suffix('')} and {packed}")
    return 0


def grade(options) -> int:
    """Run the notebooks that students handed in, each in a process with limits, and mark their exercises."""
    from labkit.marking import Limits
    from labkit.marking import grade as grade_folder

    with _mendable():
        grade_folder(options.folder, Limits(options.seconds, options.memory), options.out, options.jobs,
                     options.profile)
    return 0


def look(options) -> int:
    """Open every page of the book in a browser and say what is wrong."""
    from labkit.bookbuild.browser import look as look_at_pages
    from labkit.bookbuild.graph import Project

    project = Project(ROOT)
    if not project.html.is_dir():
        raise LabError("There is no book to look at. Run: python -m labkit book")
    faults = look_at_pages(project.html, project.pages(), options.out)
    print("\n".join(f"- {fault}" for fault in faults) or f"{len(project.pages())} pages, light and dark, wide and "
          "narrow: nothing is wrong")
    return 1 if faults else 0


def test(options) -> int:
    """Run the tests; what follows -- goes to pytest."""
    command = [sys.executable, "-m", "pytest", "-n", str(options.workers), "--dist", "worksteal"]
    if options.quick:
        command += ["-m", "not slow"]
    return subprocess.run([*command, *options.rest], cwd=ROOT).returncode


def lab(options) -> int:
    """Open JupyterLab on the lessons; what follows -- goes to it."""
    from labkit.profiles import folder_variables

    first = "--LabApp.default_url=/lab/tree/notebooks/01_spectrograms.ipynb"
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={ROOT}", first, *options.rest]
    return subprocess.run(command, env=os.environ | folder_variables() | {"JUPYTER_PREFER_ENV_PATH": "1"}).returncode


def sync(options) -> int:
    """Write each NN_topic.ipynb from its NN_topic.py."""
    from labkit.bookbuild.pairing import sync as sync_folder

    changed = sync_folder(ROOT / "notebooks", options.take)
    print(f"written: {', '.join(changed)}" if changed else "every notebook tells what its script tells")
    return 0


def doctor(options) -> int:
    """What is well on this machine, what is not, and how to mend it."""
    from labkit.doctor import examine

    return examine()


def data_compose(options) -> int:
    """Make the composed corpus of a profile, or find that it is there, and mend what is missing or damaged."""
    from labkit.corpus import build
    from labkit.profiles import load_profile

    print(build(load_profile(options.profile), workers=options.workers, verify=options.verify))
    return 0


def data_calibrate(options) -> int:
    """Measure again what the genres express, after a change of a style, the composer or the rule of the moods."""
    from labkit.corpus import STYLES
    from labkit.corpus.affect import calibrate

    print(f"written: {calibrate(STYLES.values()).relative_to(ROOT)}")
    return 0


def data_clean(options) -> int:
    """Remove from the cache corpora and trainings that this version no longer uses, and packs of data that are gone."""
    from labkit import corpus
    from labkit.datasets import packs
    from labkit.training import runs

    gone = [*corpus.remove_old(), *packs.remove_old(), *runs.remove_old()]
    print(f"removed: {', '.join(gone)}" if gone else "nothing to remove")
    return 0


def data_info(options) -> int:
    """Say which data the lessons will use, their digest, and where the composed corpus lies."""
    from labkit.corpus import is_made, location, size_on_disk
    from labkit.lab import open_lab

    lab = open_lab(options.profile)
    print(f"{lab.describe()}\ndigest {lab.fingerprint()}")
    folder = location(lab.profile)
    size = f"{size_on_disk(folder) / 1e6:.0f} MB"
    if is_made(lab.profile):
        state = f"complete, {size}"
    elif folder.is_dir():
        state = f"begun or damaged, {size}; python -m labkit data compose completes it"
    else:
        state = "not made yet; the first lesson makes it, or python -m labkit data compose"
    print(f"composed corpus: {folder}\n{state}")
    return 0


def data_verify(options) -> int:
    """Examine a dataset in the course's layout: counts, arrays, labels, splits, checksums."""
    from labkit.datasets.verify import verify

    with _mendable():
        report = verify(options.path, options.quick, options.write_manifest)
    print(report)
    return 0 if report.sound else 1


def data_convert(options) -> int:
    """Write a dataset once more: as .npy or .npy.gz, in smaller numbers, mel only."""
    from labkit.datasets.convert import convert

    with _mendable():
        print(convert(options.path, options.out, options.suffix, options.dtype, options.mel_only))
    return 0


def data_fetch(options) -> int:
    """Download published data: the course's dataset from Kaggle, or an archive of FMA."""
    from labkit.datasets.fetch import fetch_fma, fetch_kaggle

    if options.data != "kaggle":
        with _mendable():
            folder = fetch_fma(options.data, options.to)
        print(f"{folder}\nThe archive beside it is no longer needed.")
        if options.data != "fma-metadata":
            tracks = folder.with_name("fma_metadata") / "tracks.csv"
            if not tracks.is_file():
                print(f"Next: python -m labkit data fetch fma-metadata --to {folder.parent}")
            print(f"{'Next' if tracks.is_file() else 'Then'}: python -m labkit extract {folder} OUT --labels {tracks}")
        return 0
    from labkit.datasets.verify import verify

    with _mendable():
        report = verify(fetch_kaggle(options.to), course=True)
    print(f"{report}\n\nTo use it in the lessons, set LAB_DATA={report.root}")
    return 0 if report.sound else 1


@contextmanager
def _mendable():
    """What the system refuses, such as a folder that may not be read, as an error that the command line states."""
    try:
        yield
    except OSError as error:
        raise LabError(f"Expected to read and write what was named, found {error.strerror or error} at "
                       f"{error.filename or 'an unnamed place'}. Check its permissions and the disk.") from None


def extract(options) -> int:
    """Make a dataset in the course's layout from a folder of sound and a table of labels."""
    from labkit.extraction import extract_folder

    with _mendable():
        extract_folder(options.audio_dir, options.out, options.labels, options.mood, reading=options.reading,
                       seconds=options.seconds, min_seconds=options.min_seconds, dtype=options.dtype,
                       subset=options.subset, limit=options.limit, copies=options.audio, source=options.source,
                       seed=options.seed, jobs=options.jobs, scheduler=options.scheduler)
    return 0


def results(options) -> int:
    """Keep what the lessons measured in the last build as results/NAME.json."""
    from labkit.bookbuild.graph import Project
    from labkit.bookbuild.results import save_results

    file = save_results(Project(ROOT), options.name, options.lessons, options.profile)
    print(f"written: {file.relative_to(ROOT)}")
    return 0


def pin(options) -> int:
    """Write constraints.txt from what is installed in .venv."""
    print(f"written: {write_constraints().name}")
    return 0


def warm(options) -> int:
    """Compile once what the lessons use of librosa, which then starts in seconds."""
    from labkit.doctor import warm_librosa

    warm_librosa()
    return 0


def clean(options) -> int:
    """Remove what was built; the cached data stay."""
    gone = ["_build", ".pytest_cache", ".ruff_cache", ".hypothesis"] + [".venv"] * options.all
    for name in gone:
        if (ROOT / name).exists():
            shutil.rmtree(ROOT / name)
            print(f"removed {name}/")
    return 0


def positive(text: str) -> int:
    """A whole number >= 1 of a command line. Raises ArgumentTypeError for another word."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, found {text!r}")
    return int(text)


def natural(text: str) -> int:
    """A whole number >= 0 of a command line. Raises ArgumentTypeError for another word."""
    return 0 if text == "0" else positive(text)


def seconds(text: str) -> float:
    """A length of a command line, above 0. Raises ArgumentTypeError for another word."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"expected seconds above 0, found {text!r}")
    return found


def build_parser() -> argparse.ArgumentParser:
    """The command line: one subparser a command, each with its function."""
    parser = argparse.ArgumentParser(prog="python -m labkit", description=__doc__.splitlines()[0],
                                     epilog="The same commands stand in the Makefile: make book, make test, make lab.")
    parser.add_argument("--version", action="version", version=f"labkit {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(function, name=None, to=commands):
        added = to.add_parser(name or function.__name__, help=function.__doc__, description=function.__doc__)
        added.set_defaults(run=function)
        return added

    one = command(setup)
    one.add_argument("--extra", choices=EXTRAS, default="dev", help="how much: each holds the ones before it")
    one = command(book)
    one.add_argument("--profile", help="ci, laptop or full; without it LAB_PROFILE, else ci")
    one.add_argument("--jobs", type=int, default=1, metavar="N", help="lessons side by side, one thread each")
    one = command(student)
    one.add_argument("out", type=Path, nargs="?", metavar="OUT", help="a folder; without it _build/student")
    one = command(grade)
    one.add_argument("folder", type=Path, metavar="FOLDER", help="the notebooks, also in folders below it; only read")
    one.add_argument("--out", type=Path, metavar="TABLE", help="write the table as TABLE.csv and TABLE.html as well")
    one.add_argument("--seconds", type=seconds, default=300.0, metavar="S", help="the most for a notebook (300)")
    one.add_argument("--memory", type=positive, default=4, metavar="GB", help="the most for a notebook (4)")
    one.add_argument("--jobs", type=positive, default=1, metavar="N", help="notebooks side by side")
    one.add_argument("--profile", default="smoke", help="how much music they use, whatever they say (smoke)")
    one = command(look)
    one.add_argument("--out", type=Path, metavar="FOLDER", help="keep a picture of each page there")
    one = command(test)
    one.add_argument("--quick", action="store_true", help="leave out the slow ones")
    one.add_argument("--workers", default="auto", help="processes, a number or auto")
    one.add_argument("rest", nargs="*", metavar="-- ARGUMENTS")
    one = command(lab)
    one.add_argument("rest", nargs="*", metavar="-- ARGUMENTS")
    one = command(sync)
    one.add_argument("--take", choices=("scripts", "notebooks"), help="which side holds where both were edited")
    command(doctor)
    data = commands.add_parser("data", help="The data that the lessons use.").add_subparsers(
        dest="what", required=True, metavar="WHAT")
    one = command(data_compose, "compose", data)
    one.add_argument("--profile", help="ci, laptop or full; without it LAB_PROFILE, else ci")
    one.add_argument("--workers", type=positive, metavar="N", help="processes; without it one a core")
    one.add_argument("--verify", action="store_true", help="compare every file with its checksum")
    command(data_calibrate, "calibrate", data)
    command(data_clean, "clean", data)
    one = command(data_info, "info", data)
    one.add_argument("--profile", help="ci, laptop or full; without it LAB_PROFILE, else ci")
    one = command(data_verify, "verify", data)
    one.add_argument("path", type=Path, metavar="PATH", help="the folder that holds the dataset folders")
    how = one.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="read only the headers of the arrays")
    how.add_argument("--write-manifest", action="store_true", help="write SHA256SUMS beside the data when it is sound")
    one = command(data_convert, "convert", data)
    one.add_argument("path", type=Path, metavar="PATH", help="the folder that holds the dataset folders")
    one.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    one.add_argument("--suffix", choices=(".npy", ".npy.gz"), default=".npy", help="without it .npy")
    one.add_argument("--dtype", choices=("float32", "float16"), help="without it as it is")
    one.add_argument("--mel-only", action="store_true", help="leave out the chroma")
    one = command(data_fetch, "fetch", data)
    one.add_argument("data", choices=("kaggle", "fma-metadata", "fma-small", "fma-medium", "fma-large", "fma-full"),
                     help="kaggle is the course's dataset")
    one.add_argument("--to", type=Path, metavar="FOLDER", help="without it in the cache")
    one = command(extract)
    one.add_argument("audio_dir", type=Path, metavar="AUDIO_DIR", help="sound files, in any folders below it")
    one.add_argument("out", type=Path, metavar="OUT", help="the folder to make; a run that was interrupted goes on")
    one.add_argument("--labels", type=Path, metavar="FILE", required=True,
                     help="FMA's tracks.csv, or a table file,genre[,group], or Id,valence,energy,danceability")
    one.add_argument("--mood", type=Path, metavar="FILE",
                     help="echonest.csv or Id,valence,energy,danceability; else an echonest.csv beside tracks.csv")
    one.add_argument("--subset", choices=("small", "medium", "large"), help="of FMA; without it all")
    one.add_argument("--limit", type=positive, metavar="N", help="at most N clips of a genre, whole albums")
    one.add_argument("--reading", choices=("exact", "fast"), default="exact",
                     help="exact: the course's numbers; fast: a simpler chroma and beat")
    one.add_argument("--seconds", type=lambda text: None if text == "whole" else seconds(text), default=30.0,
                     metavar="S", help="at most so much of each file (30), or: whole, which takes about "
                     "75 MB of memory for each minute of a file, in each process")
    one.add_argument("--min-seconds", type=seconds, default=5.0, metavar="S", help="leave out what is shorter (5)")
    one.add_argument("--dtype", choices=("float64", "float32"), default="float64",
                     help="of the arrays: float64 as the course's, float32 for half the space")
    one.add_argument("--audio", type=natural, default=1, metavar="N",
                     help="copy N sound files of each genre to OUT/audio, for the lessons to play (1)")
    one.add_argument("--source", metavar="TEXT", help="where the data come from, in words; else the folder's name")
    one.add_argument("--seed", type=natural, default=42, metavar="N",
                     help="of the test part where FILE does not name it (42)")
    one.add_argument("--jobs", type=positive, metavar="N", help="processes; without it one a core")
    one.add_argument("--scheduler", metavar="ADDRESS",
                     help="work on a Dask cluster instead. Its workers (one thread each: dask worker --nthreads 1) "
                     "need this version of labkit, and see AUDIO_DIR and OUT under the same paths")
    one = command(results)
    one.add_argument("name", metavar="NAME", help="of the file")
    one.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 01_spectrograms; without any, all")
    one.add_argument("--profile", help="ci, laptop or full; without it LAB_PROFILE, else ci")
    command(pin)
    command(warm)
    one = command(clean)
    one.add_argument("--all", action="store_true", help="remove .venv as well")
    help_parser = commands.add_parser("help", help="This list.")
    help_parser.set_defaults(run=lambda options: parser.print_help() or 0)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 a stated failure, 2 wrong words."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not getattr(options, "run", None):
        parser.print_help()
        return 2
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "labkit":
            raise
        print(f"The package {error.name} is not installed for {sys.executable}. {HINT} It is {venv_python()}.",
              file=sys.stderr)
        return 1
    except LabError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has had enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
