"""The composed corpus on disk, in the layout of the course's data, faults of its label files included.

`build` makes what is missing and no more: each array is written under a temporary name and then renamed, the marker
`complete.json` comes last, and a lock keeps a second process waiting. Each clip depends on its own seed alone, so the
files are the same however many processes make them and in whatever order.
"""

import csv
import hashlib
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np

from labkit.corpus.affect import affect
from labkit.corpus.render import render
from labkit.corpus.score import Piece, compose
from labkit.corpus.styles import GENRES, STYLES
from labkit.errors import LabError
from labkit.files import code_digest, write_whole
from labkit.profiles import PROFILES, SAMPLE_RATE, Profile, cache_root, cores

GENRE, MULTITASK = "fma_genre_spectrograms", "multitask_dataset"  # and each with "_beat" appended
TEST_SHARE = {GENRE: 0.20, MULTITASK: 0.25}
META = {"frames_per_second": SAMPLE_RATE / 512, "fmax": SAMPLE_RATE / 2, "rows": 140, "source": "composed corpus"}
_MARKER = "complete.json"
_SEEDS_PER_BUILD = 1_000_000  # the clips and albums of one build seed are numbered below this


class CorpusError(LabError):
    """The composed corpus cannot be made or read; the message says what to do."""


@dataclass(frozen=True)
class Clip:
    """One line of clips.csv: all that is needed to compose the clip again."""

    id: int
    genre: str
    album: int
    seed: int
    split: str      # "train" or "test"
    dataset: str    # GENRE or MULTITASK
    seconds: float


def build(profile: Profile, seed: int = 0, workers: int | None = None, progress: bool = True) -> Path:
    """Make the composed corpus, or find it made.

    Parameters
    ----------
    profile : sizes; `clips_per_genre`, `multitask_clips` and `seconds` count here.
    seed : integer >= 0; another seed gives other pieces.
    workers : processes; None = one for each core. The files do not depend on it.
    progress : show a progress bar while clips are made.

    Returns
    -------
    The folder `cache_root()/corpus/<digest>/`. It holds the four folders of the course's data, `groups.txt`,
    `meta.json`,
    `clips.csv`, `truth/multitask_test.csv` and `complete.json`. A complete folder returns at once; an interrupted one
    keeps its finished clips.

    Raises
    ------
    ValueError : `seed` is negative, `workers` below 1, or the clips are shorter than half a second.
    CorpusError : the folder cannot be written; the message names it.
    CorpusError : a worker process was killed.
    """
    if seed < 0:
        raise ValueError(f"A seed is a whole number >= 0, found {seed}. Give, for example, seed=0.")
    if workers is not None and workers < 1:
        raise ValueError(f"At least one worker process is needed, found workers={workers}. Use None for one a core.")
    if profile.seconds < 0.5:
        raise ValueError(f"Clips of {profile.seconds} s are too short to hold a beat. Use at least 0.5 s.")
    name = digest(profile, seed)
    folder = cache_root() / "corpus" / name
    if _is_complete(folder, name):
        return folder
    import filelock

    _make_folder(folder.parent)
    try:
        lock = filelock.FileLock(folder.with_name(f"{name}.lock"))
        lock.acquire()
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error
    try:
        if not _is_complete(folder, name):  # another process may have made it while this one waited
            _make(folder, name, profile, seed, workers, progress)
    finally:
        lock.release()
    return folder


def digest(profile: Profile, seed: int = 0) -> str:
    """Twelve hex digits that stand for styles, code, seed, sizes and libraries: the folder's name."""
    here = Path(__file__).resolve().parent
    sizes = (profile.clips_per_genre, profile.multitask_clips, float(profile.seconds), int(seed))
    code = code_digest([*sorted(here.glob("*.py")), here.parent / "features.py"])
    libraries = [version(name) for name in ("librosa", "numpy", "scipy")]
    return hashlib.sha256(repr((sizes, tuple(STYLES.values()), code, libraries)).encode()).hexdigest()[:12]


def is_made(profile: Profile, seed: int = 0) -> bool:
    """Whether the corpus lies whole in the cache."""
    name = digest(profile, seed)
    return _is_complete(cache_root() / "corpus" / name, name)


def remove_old() -> list[str]:
    """Remove from the cache every corpus that this version of the package would not use; returns their names."""
    used = {digest(profile) for profile in PROFILES.values()}
    old = [path for path in (cache_root() / "corpus").glob("*") if path.is_dir() and path.name not in used]
    for path in old:
        shutil.rmtree(path)
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    return [path.name for path in old]


def plan(profile: Profile, seed: int = 0) -> list[Clip]:
    """All clips of a corpus, sorted by id, without making any.

    Albums hold three to five clips with adjacent ids, ids of different albums differ by more than ten, and albums of
    all
    genres and of both datasets are shuffled. The split is random by track, within each genre: the clips of one album
    fall on both sides, as they do in the course's data.
    """
    rng = np.random.default_rng([seed, 0])
    per_genre = {GENRE: dict.fromkeys(GENRES, profile.clips_per_genre),
                 MULTITASK: {genre: len(range(index, profile.multitask_clips, len(GENRES)))
                             for index, genre in enumerate(GENRES)}}
    albums = []  # (dataset, genre, splits of its clips)
    for dataset, counts in per_genre.items():
        for genre, splits in _draw_splits(counts, TEST_SHARE[dataset], rng).items():
            while splits:
                size = int(rng.integers(3, 6))
                size = len(splits) if len(splits) - size < 2 else size  # leave no clip alone
                albums.append((dataset, genre, splits[:size]))
                splits = splits[size:]
    clips, next_id = [], 1000 + int(rng.integers(50))
    for number, index in enumerate(rng.permutation(len(albums))):
        dataset, genre, splits = albums[index]
        for split in splits:
            clips.append(Clip(next_id, genre, seed * _SEEDS_PER_BUILD + number, seed * _SEEDS_PER_BUILD + len(clips),
                              split, dataset, float(profile.seconds)))
            next_id += 1
        next_id += int(rng.integers(11, 40))
    return clips


def _draw_splits(counts: dict[str, int], share: float, rng: np.random.Generator) -> dict[str, list[str]]:
    """Shuffled lists of "train" and "test" for each genre; the whole has `share` of test clips, rounded."""
    wanted = {genre: count * share for genre, count in counts.items()}
    tests = {genre: int(value) for genre, value in wanted.items()}
    missing = round(sum(wanted.values())) - sum(tests.values())
    by_rest = sorted(counts, key=lambda genre: tests[genre] - wanted[genre])  # greatest remainder first
    for genre in by_rest[:missing]:
        tests[genre] += 1
    splits = {genre: ["test"] * tests[genre] + ["train"] * (counts[genre] - tests[genre]) for genre in counts}
    return {genre: [str(split) for split in rng.permutation(listed)] for genre, listed in splits.items()}


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
    """
    return render(piece(folder, clip_id))


def piece(folder: str | Path, clip_id: int | str) -> Piece:
    """Compose one clip of a corpus again: its score, with the true tempo, key and beats. Arguments as for `sound`."""
    clips = read_clips(folder)
    wanted = str(clip_id).split(".")[0]
    for clip in clips:
        if str(clip.id) == wanted:
            return compose(clip.genre, clip.seed, clip.seconds, clip.album)
    raise CorpusError(f"There is no clip {clip_id!r} in {folder}. Its {len(clips)} ids run from "
                       f"{clips[0].id} to {clips[-1].id}, with gaps; see clips.csv there.")


def read_clips(folder: str | Path) -> list[Clip]:
    """The lines of clips.csv in a corpus folder, sorted by id.

    Raises CorpusError when the folder is no composed corpus.
    """
    path = Path(folder) / "clips.csv"
    if not path.is_file():
        raise CorpusError(f"Expected the list of composed clips at {path}, found none. "
                                "Give the folder that labkit.corpus.build returned.")
    with path.open(newline="", encoding="utf-8") as file:
        return [Clip(int(row["id"]), row["genre"], int(row["album"]), int(row["seed"]), row["split"], row["dataset"],
                     float(row["seconds"])) for row in csv.DictReader(file)]


# --- making ---------------------------------------------------------------------------------------------------------

def _make(folder: Path, name: str, profile: Profile, seed: int, workers: int | None, progress: bool) -> None:
    clips = plan(profile, seed)
    for dataset in (GENRE, MULTITASK):
        for split in ("train", "test"):
            for suffix in ("", "_beat"):
                _make_folder(folder / f"{dataset}{suffix}" / split)
    _make_folder(folder / "truth")
    for left in folder.rglob(".*.partial"):  # of an interrupted run; the lock says that nobody writes them now
        left.unlink(missing_ok=True)

    missing = [clip for clip in clips if not all(path.is_file() for path in _paths(folder, clip))]
    _run(missing, folder, workers, progress)

    for dataset, suffix in ((GENRE, ""), (GENRE, "_beat")):
        for split in ("train", "test"):
            _write_text(folder / f"{dataset}{suffix}" / f"{split}_labels.txt", _genre_labels(clips, split, suffix))
    train, test = (_affect_lines([clip for clip in clips if clip.dataset == MULTITASK and clip.split == split])
                   for split in ("train", "test"))
    for suffix in ("", "_beat"):
        _write_text(folder / f"{MULTITASK}{suffix}" / "train_labels.txt", train)
    _write_text(folder / "truth" / "multitask_test.csv", test)
    _write_text(folder / "groups.txt", "".join(["Id\tGroup\n", *(f"{clip.id}\t{clip.album}\n" for clip in clips)]))
    _write_text(folder / "meta.json", json.dumps(META, indent=1) + "\n")
    _write_text(folder / "clips.csv", _table(clips))
    counts = {dataset: {split: sum(clip.dataset == dataset and clip.split == split for clip in clips)
                        for split in ("train", "test")} for dataset in (GENRE, MULTITASK)}
    marker = {"digest": name, "profile": profile.name, "seed": seed, "seconds": profile.seconds, "counts": counts}
    _write_text(folder / _MARKER, json.dumps(marker, indent=1) + "\n")


def _run(clips: list[Clip], folder: Path, workers: int | None, progress: bool) -> None:
    """Make the files of these clips, in this process or in several."""
    if not clips:
        return
    from tqdm import tqdm

    workers = min(workers or cores(), len(clips))
    with tqdm(total=len(clips), desc="Composing clips", unit="clip",
              mininterval=1 if sys.stderr.isatty() else 15,
              **({} if progress else {"disable": True})) as bar:
        # The first clip is made here: forked workers then share the compiled functions that librosa loads for it.
        alone = clips if workers == 1 else clips[:1]
        for clip in alone:
            _make_clip(folder, clip)
            bar.update()
        if len(alone) == len(clips):
            return
        # A fork starts at once with the libraries loaded; elsewhere than on Linux it is absent or unsafe.
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
        try:
            jobs = [pool.submit(_make_clip, folder, clip) for clip in clips[len(alone):]]
            for job in as_completed(jobs):
                job.result()
                bar.update()
        except BrokenProcessPool:
            raise CorpusError("A process that composes clips was ended from outside, perhaps for lack of memory. "
                               "Finished clips are kept. Try again with workers=1.") from None
        finally:  # after an error or an interrupt, start no more clips; those that are being made are kept
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """In a worker: end when the process that asked for the clips is killed, instead of waiting for work for ever."""
    def watch() -> None:
        multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
        os._exit(1)  # files are written under temporary names, so nothing half-made is left under a clip's name

    threading.Thread(target=watch, daemon=True).start()


def _make_clip(folder: Path, clip: Clip) -> None:
    from labkit.features import extract

    found = extract(render(compose(clip.genre, clip.seed, clip.seconds, clip.album)))
    whole, beat = _paths(folder, clip)
    _write_array(beat, found.fused_beat)
    _write_array(whole, found.fused)


def _paths(folder: Path, clip: Clip) -> tuple[Path, Path]:
    name = f"{clip.id}.fused.full.npy"
    return folder / clip.dataset / clip.split / name, folder / f"{clip.dataset}_beat" / clip.split / name


def _genre_labels(clips: list[Clip], split: str, suffix: str) -> str:
    # The course's files name arrays that lie under other names on disk, differently in each file; so do these.
    ending = "beatsync.fused.npy.gz" if suffix else "fused.full.npy.gz" if split == "train" else "full.fused.npy.gz"
    lines = [f"{clip.id}.{ending}\t{clip.genre}\n" for clip in clips if clip.dataset == GENRE and clip.split == split]
    return "".join(["Id\tGenre\n", *lines])


def _affect_lines(clips: list[Clip]) -> str:
    lines = ["Id,valence,energy,danceability\n"]
    for clip in clips:
        felt = affect(compose(clip.genre, clip.seed, clip.seconds, clip.album))
        lines.append(f"{clip.id},{felt.valence:.3f},{felt.energy:.3f},{felt.danceability:.3f}\n")
    return "".join(lines)


def _table(clips: list[Clip]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in fields(Clip)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(clip) for clip in clips)
    return text.getvalue()


def _is_complete(folder: Path, name: str) -> bool:
    """Whether the marker is there and speaks of this corpus."""
    try:
        return json.loads((folder / _MARKER).read_text(encoding="utf-8")).get("digest") == name
    except (OSError, ValueError, AttributeError):
        return False


# --- writing --------------------------------------------------------------------------------------------------------

def _cannot_write(path: Path, error: OSError) -> CorpusError:
    return CorpusError(f"The composed corpus could not be written to {path} ({error.strerror or error}). Free some "
                   "space, or set the variable LAB_CACHE to a folder that you can write to.")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _write(path: Path, fill: Callable) -> None:
    try:
        write_whole(path, fill)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error


def _write_array(path: Path, values: np.ndarray) -> None:
    _write(path, lambda file: np.save(file, values.astype(np.float64), allow_pickle=False))


def _write_text(path: Path, text: str) -> None:
    _write(path, lambda file: file.write(text.encode("utf-8")))
