"""The composed corpus on disk: made in several processes, found again at once, and mended where it is damaged.

`plan.py` says what a corpus holds; this module only writes it. Beside the clips and the texts of the plan lie

    made.tsv        a line for each finished clip, SHA-256 of its two files and mood; it grows while clips are made
    checksums.txt   the SHA-256 of every file of the data, for `sha256sum -c checksums.txt`
    index.json      size and time of change of every file: what is still as recorded here needs no second look
    complete.json   the marker, written last

Each file is written under a temporary name and then renamed, and a lock keeps a second process waiting. Each clip
depends on its own seed alone, so the files are the same however many processes make them and in whatever order.
"""

import contextlib
import hashlib
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.corpus.genres import STYLES
from labkit.corpus.plan import FOLDERS, SPLITS, Clip, contents, counts, plan, read_table, texts
from labkit.corpus.score import Piece
from labkit.errors import LabError
from labkit.files import code_digest, hold_lock, write_text, write_whole
from labkit.profiles import PROFILES, SAMPLE_RATE, Profile, cache_root, cores

FORMAT = 1  # of the files of this module; a corpus that says otherwise is made anew
LIBRARIES = ("librosa", "numba", "numpy", "scipy", "soxr")  # they decide the numbers; librosa's chroma uses soxr
PATIENCE = 2.0  # seconds to wait for another process before saying so
_RECORD, _CHECKSUMS, _INDEX, _MARKER = "made.tsv", "checksums.txt", "index.json", "complete.json"
_RECORD_HEADER = "Id\tWhole\tBeat\tMood\n"
_RECORD_LINE = re.compile(r"^(\d+)\t([0-9a-f]{64})\t([0-9a-f]{64})\t((?:\d\.\d{3},){2}\d\.\d{3}|)\n", re.MULTILINE)
_MAKER = "maker.pid"


class CorpusError(LabError):
    """The composed corpus cannot be made or read; the message says what to do."""


class Made(NamedTuple):
    """What is recorded of a finished clip."""

    whole: str  # SHA-256 of its two files, 64 hexadecimal digits
    beat: str
    mood: str   # as in the label file; empty for a clip of the genre dataset


def build(profile: Profile, seed: int = 0, workers: int | None = None, progress: bool = True,
          verify: bool = False) -> Path:
    """Make the composed corpus, or find it made.

    Parameters
    ----------
    profile : sizes; `clips_per_genre`, `multitask_clips` and `seconds` count here.
    seed : integer >= 0; another seed gives other pieces.
    workers : processes; None = one for each core. The files do not depend on it.
    progress : show a progress bar while clips are made, and say what is mended.
    verify : compare every file with its checksum. Without it only those files are compared whose size or time of change
        is another than recorded, so that a complete corpus is found within milliseconds.

    Returns
    -------
    The folder `location(profile, seed)`. It holds the four folders of the course's data, `groups.txt`, `meta.json`,
    `clips.csv`, `truth/multitask_test.csv`, and the files named at the top of this module. An interrupted corpus keeps
    its finished clips; what is missing or damaged is made again, to the bit.

    Raises
    ------
    ValueError : `seed` is negative, `workers` below 1, or the clips are shorter than half a second.
    CorpusError : the folder cannot be written; the message names it.
    CorpusError : a worker process was killed.
    CorpusError : a clip that is made again comes out otherwise than recorded, as on another machine.
    """
    if seed < 0:
        raise ValueError(f"A seed is a whole number >= 0, found {seed}. Give, for example, seed=0.")
    if workers is not None and workers < 1:
        raise ValueError(f"At least one worker process is needed, found workers={workers}. Use None for one a core.")
    if not profile.seconds >= 0.5:
        raise ValueError(f"Clips of {profile.seconds} s are too short to hold a beat. Use at least 0.5 s.")
    folder = location(profile, seed)
    if not verify and _is_whole(folder):
        return folder
    with _alone(folder):
        if verify or not _is_whole(folder):  # another process may have made it while this one waited
            _complete(folder, profile, seed, workers or cores(), progress, verify)
    return folder


def location(profile: Profile, seed: int = 0) -> Path:
    """The folder of a corpus, made or not: `cache_root()/corpus/<digest>`."""
    return cache_root() / "corpus" / digest(profile, seed)


def digest(profile: Profile, seed: int = 0) -> str:
    """Twelve hex digits that stand for styles, code, seed, sizes and libraries: the folder's name."""
    sizes = (profile.clips_per_genre, profile.multitask_clips, float(profile.seconds), int(seed), SAMPLE_RATE)
    libraries = [version(name) for name in LIBRARIES]
    styles = [replace(style, listen="") for style in STYLES.values()]  # words for the gallery decide nothing
    return hashlib.sha256(repr((sizes, styles, _code(), libraries)).encode()).hexdigest()[:12]


def is_made(profile: Profile, seed: int = 0) -> bool:
    """Whether the corpus lies whole in the cache, by the sizes and times of its files."""
    return _is_whole(location(profile, seed))


def size_on_disk(folder: str | Path) -> int:
    """Bytes of all files in a folder, that of a corpus for one; 0 where there is no folder."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return sum((_state(path) or [0])[0] for path in files)  # one may have gone, while another process composes


def remove_old() -> list[str]:
    """Remove from the cache every corpus but those of the profiles as this version makes them; returns their names.

    One that another process is making stays.
    """
    import filelock

    used = {digest(profile) for profile in PROFILES.values()}
    old = [path for path in (cache_root() / "corpus").glob("*") if path.is_dir() and path.name not in used]
    gone = []
    for path in old:
        lock = path.with_name(f"{path.name}.lock")
        with contextlib.suppress(filelock.Timeout), filelock.FileLock(lock).acquire(timeout=0):
            shutil.rmtree(path)
            lock.unlink(missing_ok=True)
            gone.append(path.name)
    return gone


def sound(folder: str | Path, clip_id: int | str) -> np.ndarray:
    """Compose and render one clip of a corpus again.

    Parameters
    ----------
    folder : what `build` returned.
    clip_id : an id of its clips.csv.

    Returns
    -------
    (n,) float32 at 22 050 Hz: the sound from which the clip's files were made.

    Raises
    ------
    CorpusError : the folder has no clips.csv, or no such clip.

    Used in: notebooks/11_latent_spaces
    """
    from labkit.corpus.render import render

    return render(piece(folder, clip_id))


def piece(folder: str | Path, clip_id: int | str) -> Piece:
    """Compose one clip of a corpus again: its score, with the true tempo, key and beats. Arguments as for `sound`."""
    clips = read_clips(folder)
    wanted = str(clip_id).split(".")[0]
    for clip in clips:
        if str(clip.id) == wanted:
            return clip.piece()
    raise CorpusError(f"There is no clip {clip_id!r} in {folder}. Its {len(clips)} ids run from "
                      f"{clips[0].id} to {clips[-1].id}, with gaps; see clips.csv there.")


def read_clips(folder: str | Path) -> list[Clip]:
    """The lines of clips.csv in a corpus folder, sorted by id.

    Raises CorpusError when the folder is no composed corpus.

    Used in: notebooks/08_emotion
    """
    path = Path(folder) / "clips.csv"
    if not path.is_file():
        raise CorpusError(f"Expected the list of composed clips at {path}, found none. "
                          "Give the folder that labkit.corpus.build returned.")
    return read_table(path.read_text(encoding="utf-8"))


def _code() -> str:
    """Digest of what decides the contents of the files: the code and tables of this package but the writing, and the
    features.
    """
    here = Path(__file__).resolve().parent
    code = [file for file in sorted(here.glob("*.py")) if file.name not in ("__init__.py", "build.py")]
    code += [file for file in sorted((here.parent / "features").glob("*.py")) if file.name != "course.py"]
    tables = [(file.name, file.read_bytes()) for file in sorted(here.glob("*.json"))]
    # To parse the code takes a quarter of a second, to read it a millisecond: the result is kept for the same bytes.
    read = repr((sys.version_info[:2], [(file.name, file.read_bytes()) for file in code], tables))
    kept = cache_root() / "fingerprints" / f"code-{_sum(read.encode())[:24]}"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    found = _sum(f"{code_digest(code)}{tables}".encode())
    with contextlib.suppress(OSError):  # a cache that cannot be written to: `build` says so when it needs it
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, found)
    return found


# --- making ---------------------------------------------------------------------------------------------------------

def _complete(folder: Path, profile: Profile, seed: int, workers: int, progress: bool, verify: bool) -> None:
    """Make what is missing or damaged; the lock is held."""
    clips = plan(profile, seed)
    for place in ("truth", *(f"{name}/{split}" for name in FOLDERS for split in SPLITS)):
        _make_folder(folder / place)
    for left in folder.rglob(".*.partial"):  # of an interrupted run; the lock says that nobody writes them now
        left.unlink(missing_ok=True)

    was_whole = (folder / _MARKER).is_file()
    record = _read_record(folder)
    recorded = {path: value for clip in clips if clip.id in record
                for path, value in zip(clip.files(), record[clip.id][:2], strict=True)}
    states = _unharmed(folder, recorded, {} if verify else _read_json(folder / _INDEX), workers, progress)
    missing = [clip for clip in clips if not states.keys() >= set(clip.files())]
    if missing and was_whole and progress:
        print(f"{len(missing)} of {len(clips)} composed clips are missing or damaged; they are made again.",
              file=sys.stderr)
    _make(missing, record, folder, workers, progress)
    for clip in missing:  # of which one file may have been whole
        for path in clip.files():
            states.pop(path, None)

    written = texts(clips, {id: made.mood for id, made in record.items()})
    sums = {path: value for clip in clips for path, value in zip(clip.files(), record[clip.id][:2], strict=True)}
    sums |= {path: _sum(text.encode()) for path, text in written.items()}
    written[_CHECKSUMS] = "".join(f"{value}  {path}\n" for path, value in sorted(sums.items()))
    written[_RECORD] = _record_text(record)
    for path, text in written.items():
        if not _holds(folder / path, text):
            _write(folder / path, text)
    index = {path: states.get(path) or _state(folder / path) for path in sorted({*sums, *written})}
    _write(folder / _INDEX, json.dumps(index))
    marker = {"digest": folder.name, "format": FORMAT, "profile": profile.name, "seed": seed,
              "seconds": profile.seconds, "counts": counts(clips), "files": len(index),
              "record": _sum(written[_RECORD].encode())}
    _write(folder / _MARKER, json.dumps(marker, indent=1) + "\n")


def _make(clips: list[Clip], record: dict[int, Made], folder: Path, workers: int, progress: bool) -> None:
    """Make the files of these clips; each is recorded, here and on disk, as soon as it is there."""
    if not clips:
        return
    _write(folder / _RECORD, _record_text(record))  # without the line at which an interrupted run broke off
    with ((folder / _RECORD).open("ab", buffering=0) as file,
          _bar(len(clips), "Composing clips", "clip", progress) as bar):
        def keep(clip: Clip, made: Made) -> None:
            record[clip.id] = made
            try:
                file.write(_record_line(clip.id, made).encode())
            except OSError as error:
                raise _cannot_write(folder, error) from error
            bar.update()

        _run([(folder, clip, record.get(clip.id)) for clip in clips], min(workers, len(clips)), keep)


def _run(jobs: list[tuple[Path, Clip, Made | None]], workers: int, keep: Callable[[Clip, Made], None]) -> None:
    """Call `_make_clip` with each of these, in this process or in several, and `keep` with what it returns."""
    # The first clip is made here: forked workers then share the compiled functions that librosa loads for it.
    here = jobs if workers == 1 else jobs[:1]
    for job in here:
        keep(job[1], _make_clip(*job))
    if len(here) == len(jobs):
        return
    # A fork starts at once with the libraries loaded; elsewhere than on Linux it is absent or unsafe.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_obey_the_parent)
    try:
        clips = {pool.submit(_make_clip, *job): job[1] for job in jobs[len(here):]}
        for done in as_completed(clips):
            keep(clips[done], done.result())
    except BrokenProcessPool:
        raise CorpusError("A process that composes clips was ended from outside, perhaps for lack of memory. "
                          "Finished clips are kept. Try again with workers=1.") from None
    finally:  # after an error or an interrupt, start no more clips
        pool.shutdown(cancel_futures=True)


def _obey_the_parent() -> None:
    """In a worker: end when the process that asked for the clips is killed, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
        os._exit(1)  # files are written under temporary names, so nothing half-made is left under a clip's name

    threading.Thread(target=watch, daemon=True).start()


def _make_clip(folder: Path, clip: Clip, recorded: Made | None) -> Made:
    """Make the two files of a clip; where it was recorded before, they must come out the same."""
    *arrays, mood = contents(clip)
    packed = [_packed(values) for values in arrays]
    made = Made(*map(_sum, packed), mood)
    if recorded and made != recorded:
        raise CorpusError(
            f"Clip {clip.id} of {folder} has to be made again and comes out otherwise than recorded: expected SHA-256 "
            f"{recorded.whole[:12]}... and {recorded.beat[:12]}... {recorded.mood}, found {made.whole[:12]}... and "
            f"{made.beat[:12]}... {made.mood}. This machine, or a library on it, makes other numbers than the one that "
            "composed this corpus. Remove that folder to compose all of it here, or set LAB_CACHE to another folder.")
    for path, content in zip(clip.files(), packed, strict=True):
        _write(folder / path, content)
    return made


def _packed(values: np.ndarray) -> bytes:
    """An array as a .npy file."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a corpus; says so when another process makes it wait."""
    _make_folder(folder)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(hold_lock(
                folder.with_name(f"{folder.name}.lock"), PATIENCE,
                lambda: f"Another process{_maker(folder)} is composing the same corpus; waiting for it."))
        except (OSError, NotImplementedError) as error:  # the second: a file system without locks
            raise _cannot_write(folder.parent, error) from error
        held.callback((folder / _MAKER).unlink, missing_ok=True)
        _write(folder / _MAKER, str(os.getpid()))
        yield


def _maker(folder: Path) -> str:
    try:
        return f" (pid {(folder / _MAKER).read_text(encoding='utf-8')})"
    except OSError:  # it has just begun or just ended
        return ""


def _bar(total: int, what: str, unit: str, progress: bool, delay: float = 0):
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=unit, delay=delay, mininterval=1 if sys.stderr.isatty() else 15,
                **({} if progress else {"disable": True}))  # an explicit False would override TQDM_DISABLE


# --- what is there ----------------------------------------------------------------------------------------------------

def _is_whole(folder: Path) -> bool:
    """Whether the marker speaks of this corpus and every file has the size and time of change of the index."""
    marker, index = _read_json(folder / _MARKER), _read_json(folder / _INDEX)
    return (_agrees(marker, folder, files=len(index))
            and all(_state(f"{folder}/{path}") == state for path, state in index.items()))


def _unharmed(folder: Path, sums: dict[str, str], index: dict, workers: int, progress: bool) -> dict[str, list[int]]:
    """Size and time of change of those files that are as recorded, by the index or else by their checksum."""
    states = {path: state for path in sums if (state := _state(folder / path))}
    doubtful = [path for path, state in states.items() if index.get(path) != state]
    with ThreadPoolExecutor(workers) as pool, _bar(len(doubtful), "Checking files", "file", progress, delay=1) as bar:
        for path, found in zip(doubtful, pool.map(_sum_of_file, [folder / path for path in doubtful]), strict=True):
            if found != sums[path]:
                del states[path]
            bar.update()
    return states


def _state(path: str | Path) -> list[int] | None:
    """Size in bytes and time of change in nanoseconds; None where there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _read_record(folder: Path) -> dict[int, Made]:
    """The finished clips by their ids; none, and no marker, where the record is not the one that the marker means."""
    try:
        text = (folder / _RECORD).read_bytes().decode("utf-8", "replace")
    except OSError:
        text = ""
    lines = _RECORD_LINE.findall(text) if text.startswith(_RECORD_HEADER) else []
    record = {int(id): Made(*rest) for id, *rest in lines}
    marker = _read_json(folder / _MARKER)
    if marker and not _agrees(marker, folder, record=_sum(_record_text(record).encode())):
        (folder / _MARKER).unlink()
        return {}
    return record


def _agrees(marker: dict, folder: Path, **expected) -> bool:
    expected |= {"digest": folder.name, "format": FORMAT}
    return all(marker.get(key) == value for key, value in expected.items())


def _record_line(id: int, made: Made) -> str:
    return "\t".join([str(id), *made]) + "\n"


def _record_text(record: dict[int, Made]) -> str:
    return _RECORD_HEADER + "".join(_record_line(id, made) for id, made in sorted(record.items()))


def _read_json(path: Path) -> dict:
    """What a file of JSON holds; nothing where it is missing or broken."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sum_of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # unreadable: as good as missing
        return ""


# --- writing --------------------------------------------------------------------------------------------------------

def _cannot_write(path: Path, error: Exception) -> CorpusError:
    reason = getattr(error, "strerror", None) or error
    return CorpusError(f"The composed corpus could not be written to {path} ({reason}). Free some space, or set the "
                       "variable LAB_CACHE to a folder that you can write to.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _write(path: Path, content: bytes | str) -> None:
    try:
        write_whole(path, lambda file: file.write(content.encode() if isinstance(content, str) else content))
    except OSError as error:
        raise _cannot_write(path.parent, error) from error
