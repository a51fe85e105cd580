"""`python -m labkit doctor`: what is well on this machine, what is not, and how to mend it.

Each check imports what it needs when it runs, so that a missing library is a finding and not a crash.
"""

import os
import platform
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from labkit.environment import OLDEST, ROOT

GIB = 2**30
LEAST_DISK = 2          # GiB free, for the environment, the composed corpus and the book
LEAST_TOTAL = 4         # GiB of memory in the machine
LEAST_AVAILABLE = 2     # GiB of memory free for the lessons
LESSON_EXTRAS = ("", "lab")  # the requirements of pyproject.toml that a lesson needs; the others are for the book
SHARP = 0x266F          # the sharp sign, on the axes of the chromagrams


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    ok: bool | None         # None: fine, and good to know
    message: str
    fix: str = ""           # what to do, one line


def check_python() -> Finding:
    """Python is new enough."""
    oldest = ".".join(map(str, OLDEST))
    return Finding("Python", sys.version_info[:2] >= OLDEST, f"Python {platform.python_version()}",
                   f"install Python {oldest} or newer, and call make with PYTHON=python3.12 or its path")


def pinned(root: Path = ROOT) -> dict[str, str]:
    """The tested version of each package, from constraints.txt; names in small letters with hyphens."""
    from packaging.utils import canonicalize_name

    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name): version.strip() for name, version in pins}


def required(root: Path = ROOT) -> dict[str, list]:
    """The requirements in pyproject.toml by extra, "" for those of the package itself; none on labkit itself."""
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [one for one in map(Requirement, lines) if one.name != "labkit"] for extra, lines in groups.items()}


def check_packages() -> Finding:
    """Every requirement is installed in its range; other versions than the tested ones are worth a note."""
    from packaging.utils import canonicalize_name

    pins = pinned()
    wrong, wanted, untested, lacking, count = [], [], [], [], 0
    for extra, requirements in required().items():
        for one in requirements:
            if one.marker and not one.marker.evaluate():
                continue
            pin = pins.get(canonicalize_name(one.name))
            try:
                found = metadata.version(one.name)
            except metadata.PackageNotFoundError:
                found = None
            if found is None and extra not in LESSON_EXTRAS:
                lacking.append(one.name)
            elif found is None or not one.specifier.contains(found, prereleases=True):
                wrong.append(f"{one.name} {found or 'missing'} (expected {one.specifier})")
                wanted.append(f'"{one.name}=={pin}"' if pin else f'"{one.name}{one.specifier}"')
            else:
                count += 1
                if pin and found.split("+")[0] != pin:
                    untested.append(f"{one.name} {found} (tested: {pin})")
    if wrong:
        fix = f"python -m pip install {' '.join(wanted)}"
        if any(one.startswith('"torch') for one in wanted):  # plain pip may take gigabytes of GPU libraries with it
            fix = "python -m labkit setup, which takes torch first; TORCH_PIP_ARGS can lead pip to a CPU build"
        return Finding("packages", False, f"packages: {', '.join(wrong)}", fix)
    notes = [f"not the tested version: {', '.join(untested)}"] * bool(untested)
    notes += [f"missing, which only the book and the tests need: {', '.join(lacking)}"] * bool(lacking)
    message = "; ".join([f"packages: {count} in the expected range", *notes])
    return Finding("packages", None if notes else True, message,
                   'python -m pip install -e ".[dev]" -c constraints.txt' if notes else "")


def check_sound() -> Finding:
    """libsndfile reads the sound formats that music comes in, and writes Ogg Vorbis for the book."""
    import soundfile

    formats = soundfile.available_formats()
    lacking = [name for name in ("WAV", "FLAC", "OGG", "MP3") if name not in formats]
    if "OGG" in formats and "VORBIS" not in soundfile.available_subtypes("OGG"):
        lacking.append("OGG/VORBIS")
    version = soundfile.__libsndfile_version__
    if lacking:
        return Finding("sound", False, f"libsndfile {version} lacks {', '.join(lacking)}",
                       "install libsndfile 1.1 or newer: python -m pip install --force-reinstall soundfile brings one, "
                       "with conda: conda install -c conda-forge libsndfile")
    return Finding("sound", True, f"libsndfile {version}: WAV, FLAC, Ogg Vorbis, MP3")


def check_fonts() -> Finding:
    """The figures find their font, and it has the sharp sign."""
    from matplotlib import font_manager
    from matplotlib.ft2font import FT2Font

    fix = "python -m pip install --force-reinstall matplotlib, which brings the font"
    try:
        file = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    except ValueError:
        return Finding("fonts", False, "font DejaVu Sans: not found", fix)
    if not FT2Font(file).get_char_index(SHARP):
        return Finding("fonts", False, "font DejaVu Sans: without the sharp sign of the pitch classes", fix)
    return Finding("fonts", True, "font DejaVu Sans, with the sharp sign")


def check_disk() -> Finding:
    """The cache folder can be written, and there is room in it and in the checkout."""
    from labkit.profiles import cache_root

    free = {}
    for name, folder in (("the cache", cache_root()), ("the checkout", ROOT)):
        there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
        if name == "the cache" and not (there.is_dir() and os.access(there, os.W_OK)):
            return Finding("disk", False, f"disk: the cache {folder} cannot be written",
                           "set LAB_CACHE to a folder that you may write")
        free[name] = shutil.disk_usage(there).free / GIB
    message = "disk: " + ", ".join(f"{size:.1f} GB free for {name}" for name, size in free.items())
    return Finding("disk", min(free.values()) >= LEAST_DISK, message,
                   f"make room: {LEAST_DISK} GB are needed; or set LAB_CACHE to a folder on another disk")


def memory_limit() -> int | None:
    """The memory in bytes that this process's group may use, as containers and shared hubs set it; None = no limit."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # not Linux, or "max"
        return None


def check_memory() -> Finding:
    """There is memory for a lesson."""
    try:
        import psutil
    except ModuleNotFoundError:
        return Finding("memory", None, "memory: not measured, psutil is missing", "python -m pip install psutil")
    memory = psutil.virtual_memory()
    total = min(memory.total, memory_limit() or memory.total) / GIB
    available = min(memory.available / GIB, total)
    return Finding("memory", total >= LEAST_TOTAL and available >= LEAST_AVAILABLE,
                   f"memory: {available:.1f} of {total:.1f} GB available",
                   f"{LEAST_TOTAL} GB in all and {LEAST_AVAILABLE} GB free are needed: close other programs, or use "
                   "LAB_PROFILE=ci with make book JOBS=1")


def check_threads() -> Finding:
    """Waiting threads soon sleep; those that spin slow training many times beside another busy program."""
    import torch

    import labkit
    from labkit.profiles import cores

    found = {name: os.environ.get(name, "not set") for name in labkit.WAITING}
    message = ", ".join([f"threads: {cores()} cores", f"torch uses {torch.get_num_threads()}",
                         *(f"{name} {value}" for name, value in found.items())])
    return Finding("threads", {name: value.upper() for name, value in found.items()} == labkit.WAITING, message,
                   f"unset {' and '.join(labkit.WAITING)}: labkit then sets "
                   + " and ".join(f"{name}={value}" for name, value in labkit.WAITING.items()))


def check_gpu() -> Finding:
    """Whether there is a GPU; nothing in the book needs one."""
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", True, f"GPU: {torch.cuda.get_device_name(0)}")
    if torch.backends.mps.is_available():
        return Finding("GPU", True, "GPU: Apple (mps)")
    return Finding("GPU", None, "GPU: none; nothing in the book needs one")


def check_data() -> Finding:
    """The data that the lessons will use: `LAB_DATA` is valid, or the composed corpus is there."""
    from labkit.corpus import is_made
    from labkit.lab import open_lab
    from labkit.profiles import DataError, ProfileError

    try:
        lab = open_lab()
        message = f"data: {lab.describe()}"
    except ProfileError as error:
        return Finding("data", False, f"data: {error}", "set LAB_PROFILE to ci, laptop or full, or unset it")
    except DataError as error:
        return Finding("data", False, f"data: {error}",
                       "set LAB_DATA to a folder in the course's layout, or unset it for the composed corpus")
    if lab.root is not None or is_made(lab.profile):
        return Finding("data", True, message)
    return Finding("data", None, f"{message}; made by the first lesson, in about a minute with the profile ci",
                   "to make it now: python -m labkit data compose")


def check_compile_cache() -> Finding:
    """numba has compiled what the lessons use of librosa, so that no lesson waits a minute for it."""
    import platformdirs

    found = util.find_spec("librosa")
    if found is None:
        return Finding("compile cache", False, "compile cache: librosa is not installed", "python -m labkit setup")
    package = Path(found.origin).parent
    own = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(own)] if own else [package, Path(platformdirs.user_cache_dir("numba", appauthor=False))]
    # numba's index of the beat tracker, the slowest to compile; an older one is of another librosa and not used
    name = f"*beat*.py{sys.version_info.major}{sys.version_info.minor}*.nbi"
    since = (package / "beat.py" if (package / "beat.py").is_file() else package / "__init__.py").stat().st_mtime
    if any(file.stat().st_mtime >= since for folder in folders for file in folder.rglob(name)):
        return Finding("compile cache", True, "compile cache of librosa: warm")
    return Finding("compile cache", False, "compile cache of librosa: cold, the first lesson takes a minute longer",
                   "python -m labkit warm; if it stays cold, set NUMBA_CACHE_DIR to a folder that you may write")


def check_browser() -> Finding:
    """Whether there is a browser for the tests that look at the pages."""
    from labkit.bookbuild.browser import find_chromium
    from labkit.errors import LabError

    try:
        return Finding("browser", True, f"browser for the tests of the pages: {Path(find_chromium()).name}")
    except LabError:
        return Finding("browser", None, "browser: no chromium; only the tests of the pages need one",
                       "install chromium with the system's packages, or name the program in LAB_CHROMIUM")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_python, check_packages, check_sound, check_fonts, check_disk, check_memory, check_threads, check_gpu,
    check_data, check_compile_cache, check_browser,
)


def run_check(check: Callable[[], Finding]) -> Finding:
    """The finding of a check; where the check itself raises, a failure that says so."""
    name = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return check()
    except ModuleNotFoundError as error:
        return Finding(name, False, f"{name}: the package {error.name} is not installed",
                       "python -m labkit setup, then run the doctor with the interpreter in .venv")
    except Exception as error:  # a broken installation can raise anything
        return Finding(name, False, f"{name}: the check stopped with {type(error).__name__}: {error}",
                       "python -m labkit clean --all, then python -m labkit setup; if it stays, report this line")


def examine(out: Callable[[str], None] = print) -> int:
    """Run all checks and give one line for each, with the fix below where there is one.

    Parameters
    ----------
    out : takes each line.

    Returns
    -------
    0 when nothing failed, else 1.
    """
    failed = 0
    for check in CHECKS:
        finding = run_check(check)
        mark = {True: "[ok]", None: "[note]", False: "[fail]"}[finding.ok]
        out(f"{mark:<6} {' '.join(finding.message.split())}")
        if finding.fix and finding.ok is not True:
            out("       fix: " + finding.fix.replace("python -m", f"{sys.executable} -m"))
        failed += finding.ok is False
    out(f"\n{len(CHECKS)} checks, {failed} failed")
    return int(failed > 0)


def warm_librosa() -> None:
    """Call once what the lessons use of librosa, on four seconds of clicks, a tone and noise, and play all instruments.

    numba compiles it, in about a minute, and keeps the result; later processes load that in some seconds.
    """
    import librosa
    import matplotlib.font_manager  # noqa: F401  its first import builds a cache of fonts, and says so
    import numpy as np

    from labkit.corpus import GENRES, compose, render
    from labkit.features import READINGS, extract, synchronise
    from labkit.profiles import SAMPLE_RATE

    for genre in GENRES:
        render(compose(genre, seed=0, seconds=2.0))
    seconds = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    sound = 0.2 * np.sin(2 * np.pi * 440 * seconds) + 0.02 * np.random.default_rng(0).standard_normal(len(seconds))
    sound[:: SAMPLE_RATE // 2] += 0.5  # two clicks a second
    sound = sound.astype(np.float32)
    for reading in READINGS:
        extract(sound, reading)
    synchronise(np.ones((1, 4)), [2])  # double precision
    librosa.onset.onset_detect(y=sound, sr=SAMPLE_RATE)
    librosa.feature.chroma_stft(y=sound, sr=SAMPLE_RATE)
    librosa.feature.mfcc(y=sound, sr=SAMPLE_RATE)
    librosa.estimate_tuning(y=sound, sr=SAMPLE_RATE)
