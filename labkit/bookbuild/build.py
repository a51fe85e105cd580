"""`python -m labkit book`: the whole way from sources to checked HTML."""

import hashlib
import shutil
from importlib.metadata import version
from pathlib import Path

import filelock

from labkit.bookbuild import check, execute, pairing, render, stage
from labkit.bookbuild.graph import Project
from labkit.errors import LabError
from labkit.profiles import REDUCED, load_profile

RENDERED_BY = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme", "latex2mathml")
GRACE = 4  # a lesson that takes so many times its budget is stopped; one between is finished and reported


def build_book(project: Project, profile: str | None = None, jobs: int = 1,
               data: tuple[str, str] | None = None) -> Path:
    """Build the book and return its first page.

    profile: the name of a profile; None takes LAB_PROFILE, else "ci". jobs: lessons executed side by side.
    data: digest and description of the data; None asks `labkit.lab`, which makes the composed corpus if need be.

    Raises PairingError, LessonError, StageError, RenderError or CheckError; the last good HTML then stays.
    """
    if jobs < 1:
        raise LabError(f"Expected at least one job, found {jobs}.")
    size = load_profile(profile)
    project.build.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(project.build / ".lock", timeout=0):
            return build_locked(project, size.name, jobs, data)
    except filelock.Timeout:
        raise LabError("Another build of this book is running. Wait for it to end, or stop it.") from None


def build_locked(project: Project, profile: str, jobs: int, data: tuple[str, str] | None) -> Path:
    """`build_book`, once nobody else builds."""
    progress = execute.Progress()
    for script in sorted(project.notebooks.glob("*.py")):
        if fault := pairing.cells_differ(script):
            raise pairing.PairingError(fault)
    digest, words = data or describe_data(profile, progress)
    budgets = check.read_budgets(profile, project.root / "book" / "budgets.toml")
    limits = {lesson.name: GRACE * budgets.get(lesson.name, budgets["lesson"]).seconds for lesson in project.lessons}
    executed = execute.execute_all(project, profile, digest, words, profile in REDUCED, jobs, limits, progress)
    laid = stage.lay_stage(project, executed)
    mark = folder_digest(laid)
    first = project.html / f"{project.pages()[0]}.html"
    kept = project.html / ".stage-digest"
    whole = all((project.html / f"{page}.html").is_file() for page in project.pages())
    if whole and kept.is_file() and kept.read_text() == mark:
        progress.say("render: nothing has changed; the book stands as it was")
    else:
        html = render.render(laid, progress)
        if (laid / "notebooks" / "media").is_dir():
            shutil.copytree(laid / "notebooks" / "media", html / "notebooks" / "media")
        records = {name: execute.read_record(folder) for name, folder in executed.items()}
        progress.say("check: pages, outputs, pictures, links, budgets")
        for line in check.check_html(project, html, records, profile):
            print(line)
        (html / ".stage-digest").write_text(mark)
        take_over(html, project.html)
    progress.say(f"the book: {first}")
    return first


def describe_data(profile: str, progress: execute.Progress) -> tuple[str, str]:
    """Digest and description of the data that the lessons will find; makes the composed corpus when it is needed."""
    from labkit.lab import open_lab

    progress.say("data: looking")
    lab = open_lab(profile)
    found = lab.fingerprint(), lab.describe()
    progress.say(f"data: composed corpus in the cache, folder {lab.composed.name}")
    progress.say(f"data: {found[1]}")
    return found


def folder_digest(folder: Path) -> str:
    """Digest of all files of a folder, and of the code and the packages that make HTML of them."""
    digest = hashlib.sha256(repr([version(name) for name in RENDERED_BY]).encode())
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def take_over(new: Path, old: Path) -> None:
    """Put a new folder in the place of an old one with two renames, so that no half book ever stands there."""
    aside = old.with_name(f"{old.name}.old")
    if old.exists():
        shutil.rmtree(aside, ignore_errors=True)
        old.rename(aside)
    try:
        new.rename(old)
    except OSError:
        if aside.exists():
            aside.rename(old)  # the last good book
        raise
    shutil.rmtree(aside, ignore_errors=True)
