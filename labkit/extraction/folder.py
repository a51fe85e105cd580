"""A folder in the course's layout from a folder of sound: what is in it, what is finished, and how it is written.

Beside the course's folders the result holds

    groups.txt, meta.json       as every dataset of the lab
    truth/multitask_test.csv    the moods of the test part, which the course's layout leaves out
    audio/                      some of the sound files, for the lessons to play
    skipped.csv, notes.csv      what was left out and why; what is unusual about the rest
    extraction.json             counts, versions, options and speed
    journal.jsonl               the options and a line for each finished clip: what a later run need not do again
    unused/, unused_beat/       clips that were extracted and are no longer asked for
"""

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from labkit.datasets.layout import id_order
from labkit.datasets.splits import groups_of, limit_per_class, split_indices
from labkit.extraction.clips import Arrays, ExtractionError, Job, Options, analyse, cannot_write, extract_clip, spread
from labkit.extraction.journal import JOURNAL, Journal, encoded, paths, source_key, stored_arrays, write
from labkit.extraction.labels import SOUNDS, Table, clip_name, read_tables
from labkit.extraction.result import (
    Clip,
    arrange,
    copy_sounds,
    remove,
    summarise,
    table_text,
    withdraw,
    words,
    write_texts,
)
from labkit.features import READINGS
from labkit.profiles import cores

TEST_SHARE = 0.2    # where the table does not say which clips are for testing
LONGEST = 255       # bytes of a file's name, on nearly every file system
FEW_GROUPS = 10     # fewer albums than that cannot be parted; every clip then stands for itself
_LOCK, _RUNNING = ".extract.lock", ".running"


def extract_folder(audio: str | Path, out: str | Path, labels: str | Path, mood: str | Path | None = None, *,
                   reading: str = "exact", seconds: float | None = 30.0, min_seconds: float = 5.0,
                   dtype: str = "float64", subset: str | None = None, limit: int | None = None, copies: int = 1,
                   source: str | None = None, seed: int = 42, jobs: int | None = None, scheduler: str | None = None,
                   progress: bool = True, analyse: Callable[[Path, Options], Arrays] = analyse) -> dict:
    """Extract the labelled sound files of a folder into a folder in the course's layout.

    A run that was interrupted is taken up where it stopped by the same call; a file that has changed is extracted
    again. The label files are written at the end, for what was really extracted.

    Parameters
    ----------
    audio : the folder of sound, with any folders below it; nothing is written into it.
    out : the folder to make; new, empty, or begun by this function.
    labels, mood, subset : see `labkit.extraction.labels.read_tables`.
    reading : 'exact' or 'fast', see `labkit.features.extract`.
    seconds : at most so much of each file, in seconds; None = all of it.
    min_seconds : a shorter sound is left out.
    dtype : of the arrays on disk, 'float64' as the course's or 'float32'.
    limit : at most so many clips of a genre, whole albums, drawn with a fixed seed.
    copies : so many sound files of each genre are copied to `audio/` in the result.
    source : where the data come from, in words; None = the name of the folder.
    seed : of the test part, where the table does not name it: 20 % of each genre, whole albums.
    jobs : processes; None = one a core. With a scheduler the cluster has its own number.
    scheduler : address of a Dask scheduler, whose workers see both folders under the same paths.
    progress : say what was recognised, how far it is, and what came out.
    analyse : the function from a sound file to its arrays.

    Returns
    -------
    What extraction.json holds: counts, versions, options, speed.

    Raises
    ------
    ExtractionError : a wrong option, the folders do not fit, another process writes there, `out` was made with other
        options, or no clip could be extracted.
    DataError : the table of labels is not as expected.
    """
    options = _checked(reading, seconds, min_seconds, dtype)

    def say(text: str) -> None:
        if progress:
            print(encoded(text).decode())

    audio, out = _folders(Path(audio), Path(out))
    table = read_tables(labels, mood, subset)
    say(table.what)
    sounds, skipped = _find(audio, table)
    clips = _plan(sounds, table, limit, seed)
    unheard = len((table.genres.keys() | table.moods.keys()) - sounds.keys())
    say(f"{len(clips)} sound files to extract; {len(skipped)} left out, {unheard} labels without a sound file")

    with _alone(out), Journal(out, options) as journal:
        journal.take_up(out / _RUNNING)
        keys = {clip.id: source_key(clip.source) for clip in clips}
        stored = stored_arrays(out)
        todo = [clip for clip in clips if not journal.home(clip.id, stored.get(clip.id, {}), keys[clip.id])]
        work = partial(extract_clip, options=options, analyse=analyse)
        tasks = {clip.id: Job(clip.id, clip.source, keys[clip.id], paths(out, clip.homes()[0], clip.id),
                              out / _RUNNING) for clip in todo}
        workers = jobs or cores()
        if workers > 1:  # never 1 of several: a file that ends its process must not end this one
            workers = max(2, min(workers, len(tasks)))
        withdraw(out)
        begin, failed = time.perf_counter(), {}
        with _bar(len(clips), len(clips) - len(todo), progress and len(todo) > 0) as bar:
            journal.forget(clip.id for clip in todo)
            remove(out, {clip.id: stored.get(clip.id, ()) for clip in todo})  # what is there has another source
            for record in spread(list(tasks.values()), work, workers, scheduler):
                if "reason" in record:
                    failed[record["id"]] = record["reason"]
                else:
                    _check_seen(tasks[record["id"]].places, record["sizes"])
                    journal.add(record)
                    tasks[record["id"]].done.unlink(missing_ok=True)
                bar.set_postfix_str(f"{len(failed)} left out", refresh=False)
                bar.update()
        wall = time.perf_counter() - begin
        shutil.rmtree(out / _RUNNING, ignore_errors=True)

        skipped += [(clip.source, failed[clip.id]) for clip in clips if clip.id in failed]
        clips = [clip for clip in clips if clip.id not in failed]
        write(out / "skipped.csv", table_text([("file", "reason"), *(
            (path.relative_to(audio).as_posix(), reason) for path, reason in sorted(skipped))]))
        if not clips:
            raise ExtractionError(f"Expected at least one sound file of use in {audio}, found that all {len(failed)} "
                                  f"fail, the first because: {next(iter(failed.values()))} "
                                  f"All reasons are in {out / 'skipped.csv'}. No labels were written.")
        arrange(out, clips, journal)
        copied = copy_sounds(out, clips, copies)
        source = source or f"the folder {audio.name}"
        write_texts(out, clips, source, options)
        notes = [(clip.id, clip.source.relative_to(audio).as_posix(), note)
                 for clip in clips for note in journal.records[clip.id]["notes"]]
        write(out / "notes.csv", table_text([("id", "file", "note"), *notes]))
        summary = summarise(clips, journal, len(todo), wall, len(skipped), options) | {
            "labels": table.what, "source": source, "audio": copied}
        write(out / "extraction.json", json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    say(words(summary, len(notes), out))
    return summary


def _checked(reading: str, seconds: float | None, min_seconds: float, dtype: str) -> Options:
    if reading not in READINGS or dtype not in ("float64", "float32"):
        raise ExtractionError(f"Expected reading {' or '.join(READINGS)} and dtype float64 or float32, found "
                              f"{reading!r} and {dtype!r}. Give one of those.")
    if not min_seconds > 0 or (seconds is not None and not seconds >= min_seconds):
        raise ExtractionError("Expected min_seconds above 0 and seconds not below it, found min_seconds="
                              f"{min_seconds:g} and seconds={seconds}. Change one of them.")
    return Options(reading, seconds and float(seconds), float(min_seconds), dtype)


def _folders(audio: Path, out: Path) -> tuple[Path, Path]:
    """Both as absolute paths. Raises ExtractionError unless the one can be read and the other written."""
    audio, out = audio.expanduser().resolve(), out.expanduser().resolve()
    if not audio.is_dir():
        raise ExtractionError(f"Expected a folder of sound files at {audio}, found none. Check the name.")
    if out.is_relative_to(audio) or audio.is_relative_to(out):
        raise ExtractionError(f"Expected a result outside the folder of sound, which is never written into, and not "
                              f"above it; found {out} and {audio}. Give another folder for the result.")
    if out.exists() and not out.is_dir():
        raise ExtractionError(f"Expected a folder for the result, found the file {out}. Give another name.")
    if out.is_dir() and not (out / JOURNAL).is_file() and {path.name for path in out.iterdir()} - {_LOCK}:
        raise ExtractionError(f"Expected a new or empty folder for the result, or one with a {JOURNAL}, found other "
                              f"things in {out}. Give another folder; nothing was changed.")
    return audio, out


# --- what there is --------------------------------------------------------------------------------------------------

def _find(audio: Path, table: Table) -> tuple[dict[str, Path], list[tuple[Path, str]]]:
    """The labelled sound files by their ids, and the others with what keeps them out."""
    found, others, count, ids = {}, [], 0, {}

    def closed(error: OSError) -> None:
        others.append((Path(error.filename), f"the folder cannot be read ({error.strerror})"))

    for folder, folders, files in os.walk(audio, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        others += [(Path(folder, name), "a link to a folder is not followed; give that folder, or a copy of it, itself")
                   for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith(".") or path.suffix.lower() not in SOUNDS:
                continue
            count += 1
            clip = clip_name(path.relative_to(audio).as_posix(), table.with_folder)
            if clip in table.genres or clip in table.moods:
                # some file systems do not tell S00 from s00
                if (other := ids.setdefault(clip.casefold(), path)) is not path:
                    raise ExtractionError(
                        f"Expected one sound file for each id, found {other} and {path}, which are both {clip}, large "
                        "and small letters being the same. Rename or remove one, or name the files with their folders "
                        "in the table of labels.")
                if len(paths(audio, "", clip)[0].name.encode()) > LONGEST:
                    others.append((path, f"the name is too long: its arrays would need one of more than {LONGEST} "
                                         "bytes. Shorten it, there and in the table of labels"))
                    continue
                found[clip] = path
            elif clip not in table.outside:
                others.append((path, table.left_out.get(clip, f"no label for the id {clip}")))
    if not found:
        example = f"The first one left out is {others[0][0].relative_to(audio)}: {others[0][1]}. " if others else ""
        known = next(iter(table.genres or table.moods), "none")
        raise ExtractionError(f"Expected sound files with a label in {audio}, found {count} sound files and a label "
                              f"for none of them. {example}The first id with a label is {known}. Give the folder and "
                              "the table that belong together.")
    return {clip: found[clip] for clip in sorted(found, key=id_order)}, others


def _plan(sounds: dict[str, Path], table: Table, limit: int | None, seed: int) -> list[Clip]:
    """The clips to have, with group and split, in the order of their ids."""
    ids = list(sounds)
    groups = [table.groups.get(clip, f"clip-{clip}") for clip in ids] if table.groups else _neighbours(ids)
    if limit:
        kept = limit_per_class([table.genres.get(clip, "") for clip in ids], groups, limit, seed)
        ids, groups = [ids[index] for index in kept], [groups[index] for index in kept]
    tests: set[int] = set()
    if not table.splits and len(ids) > 1:
        labels = [table.genres.get(clip, "") for clip in ids]
        parted = groups if len(set(groups)) > 1 else None
        tests = set(split_indices(len(ids), TEST_SHARE, seed=seed, labels=labels, groups=parted)[1].tolist())
    return [Clip(clip, sounds[clip], table.genres.get(clip), table.moods.get(clip), groups[index],
                 table.splits.get(clip, "test" if index in tests else "train")) for index, clip in enumerate(ids)]


def _neighbours(ids: list[str]) -> list[str]:
    """Groups where the table names none: ids near each other, as for the course's data; few such, each clip alone."""
    near = groups_of(ids, os.devnull)
    return near if len(set(near)) >= FEW_GROUPS else ids


# --- the run ---------------------------------------------------------------------------------------------------------

def _check_seen(places: tuple[Path, Path], sizes: list[int]) -> None:
    """Raise ExtractionError unless this machine sees the two files that a worker says to have written."""
    if not all(path.is_file() and path.stat().st_size == size for path, size in zip(places, sizes, strict=True)):
        raise ExtractionError(f"Expected the files that a worker wrote at {places[0]} and {places[1]}, found none of "
                              "that size. The workers of a cluster and this machine have to share a file system, with "
                              "the result under the same path.")


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the lock of the result. Raises ExtractionError when another process has it, or when nothing can be
    written there.
    """
    import filelock

    lock = filelock.FileLock(out / _LOCK)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ExtractionError(f"Expected {out} for this process alone, found another one that extracts into it. Wait "
                              "until it ends, or give another folder for the result.") from None
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        raise cannot_write(out, error) from None
    try:
        yield
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        lock.release()


def _bar(total: int, done: int, progress: bool):
    """How far it is, how fast and how long still; a line now and then where nobody looks at a terminal."""
    from tqdm import tqdm

    plain = "{desc}: {n_fmt} of {total_fmt} clips, {rate_fmt}, {remaining} left{postfix}\n"
    style = {"mininterval": 1} if sys.stderr.isatty() else {"mininterval": 15, "bar_format": plain}
    return tqdm(total=total, initial=done, desc="Extracting", unit="clip", **style,
                **({} if progress else {"disable": True}))  # an explicit False would override TQDM_DISABLE
