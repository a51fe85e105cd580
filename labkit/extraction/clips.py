"""One clip from its sound file to its two arrays, and many of them side by side, on this machine or on a cluster.

While a clip is worked on, a folder `.running/<mark>.<a number of its own>` exists, in which its arrays are written
before they are moved to their places. A folder that is left behind therefore tells of a clip whose process was killed,
also after the whole run was. A finished clip leaves its record there as `<mark>.done`, until the run has noted it: it
need not be extracted again when the process that did it, or the whole run, is killed in between.
"""

import contextlib
import errno
import hashlib
import json
import math
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.errors import LabError
from labkit.features import AudioError, extract, read_audio_notes
from labkit.files import write_text
from labkit.profiles import SAMPLE_RATE

KNOWN_BAD = frozenset(("98565", "98567", "98569", "99134", "108925", "133297"))  # clips of FMA, as published
TRIES = 3        # so many times a clip may end its process
PATIENCE = 600   # seconds without a single result, after which the workers are taken for lost
TOGETHER = 8     # clips that a worker of a cluster is given at once: one client hands out some 200 pieces a second
REACH = 10       # seconds to find a scheduler


class ExtractionError(LabError, ValueError):
    """A folder of sound cannot be extracted; the message says what to do."""


class Options(NamedTuple):
    """What decides the arrays of a clip."""

    reading: str            # 'exact' or 'fast', see labkit.features.extract
    seconds: float | None   # at most so much of each file; None = all of it
    min_seconds: float      # a shorter clip is left out
    dtype: str              # 'float64' or 'float32'


class Job(NamedTuple):
    """One clip to extract."""

    id: str
    source: Path
    key: str                    # of the source as it is now
    places: tuple[Path, Path]   # of its whole and its beat-synchronous array
    running: Path               # the folder for what is being worked on

    @property
    def mark(self) -> str:
        """Its name there: short, and another one once the sound file has changed."""
        return hashlib.sha256(f"{self.id} {self.key}".encode()).hexdigest()[:32]

    @property
    def done(self) -> Path:
        """Where the record of the finished clip waits to be noted."""
        return self.running / f"{self.mark}.done"


class Arrays(NamedTuple):
    """What `analyse` finds in a sound file."""

    whole: np.ndarray       # (140, T)
    beat: np.ndarray        # (140, B)
    seconds: float          # of sound
    notes: list[str]        # what is unusual about it


def analyse(source: Path, options: Options) -> Arrays:
    """Read a sound file and extract its features. Raises AudioError where it cannot be used."""
    audio, notes = read_audio_notes(source, options.seconds)
    seconds = len(audio) / SAMPLE_RATE
    if seconds < options.min_seconds:
        known = math.floor(1000 * seconds) / 1000  # rounded, a sample too few would read as enough
        raise AudioError(f"{source.name}: expected at least {options.min_seconds:g} s of sound, found {known:.3f} s. "
                         "Use a longer recording, or a smaller --min-seconds.")
    found = extract(audio, reading=options.reading)
    if not found.beats_found:
        notes = [*notes, "no beat found: one part every half second stands in"]
    return Arrays(found.fused, found.fused_beat, seconds, notes)


def extract_clip(job: Job, options: Options, analyse: Callable[[Path, Options], Arrays] = analyse) -> dict:
    """Extract one clip and write its two files.

    Returns
    -------
    dict: `id`, and either `reason` (why it could not be used; no file is written) or `key`, `sizes` (bytes of both
    files), `frames`, `beats`, `seconds` and `notes`. What is wrong with a sound file is never an exception.

    Raises
    ------
    ExtractionError : the files cannot be written.
    """
    from threadpoolctl import threadpool_limits

    with contextlib.suppress(FileNotFoundError):
        return json.loads(job.done.read_bytes())
    killed = list(job.running.glob(f"{job.mark}.*"))
    if len(killed) >= TRIES:
        return _without(killed, {"id": job.id, "reason": (
            f"the process that worked on it ended {len(killed)} times, perhaps for lack of memory or because the file "
            "is damaged")})
    own = job.running / f"{job.mark}.{uuid.uuid4().hex}"
    try:
        own.mkdir(parents=True)
        try:
            with threadpool_limits(1):  # more threads than processes would crowd each other
                found = analyse(job.source, options)
            arrays = [values.astype(options.dtype) for values in (found.whole, found.beat)]
            if broken := sum(int(np.count_nonzero(~np.isfinite(values))) for values in arrays):
                raise AudioError(f"{job.source.name}: expected finite features, found {broken} that are NaN or "
                                 "infinite. Convert the file to WAV or FLAC, or leave it out.")
        except Exception as error:  # whatever is wrong with this file, the others go on
            reason = str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            reason += " (one of the six known bad clips of FMA)" * (job.id in KNOWN_BAD)
            return _without([*killed, own], {"id": job.id, "reason": reason})
        except BaseException:  # the reader stops the run: that says nothing of the clip
            _without([own], {})
            raise
        sizes = []
        for values, place in zip(arrays, job.places, strict=True):
            np.save(own / place.name, values, allow_pickle=False)
            sizes.append((own / place.name).stat().st_size)
            place.parent.mkdir(parents=True, exist_ok=True)
            (own / place.name).replace(place)
        record = {"id": job.id, "key": job.key, "sizes": sizes, "frames": found.whole.shape[1],
                  "beats": found.beat.shape[1], "seconds": round(found.seconds, 3), "notes": found.notes}
        write_text(own / "record", json.dumps(record))
        (own / "record").replace(job.done)
    except OSError as error:
        raise cannot_write(job.places[0].parent, error) from None
    return _without([*killed, own], record)


def _without(folders: list[Path], record: dict) -> dict:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return record


def cannot_write(path: Path, error: OSError) -> ExtractionError:
    """The error for a file or folder that cannot be written."""
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # Windows has no quota of that name
    return ExtractionError(f"Expected to write into {path}, found that this fails ({error.strerror or error}). "
                           f"{'Free some space' if full else 'Look at its permissions and its disk'} or choose another "
                           "folder, and run the same command again: finished clips stay.")


def spread(jobs: list[Job], work: Callable[[Job], dict], workers: int, scheduler: str | None) -> Iterator[dict]:
    """The record of each clip, as soon as it is there, in whatever order.

    joblib shares the clips out, among processes or, given a scheduler, among the workers of a Dask cluster. When
    workers are killed, what is missing is shared out again, first each clip that was being worked on, alone: one that
    brings its process down `TRIES` times is reported, and holds up no other.

    Parameters
    ----------
    jobs : the clips.
    work : from a job to its record, as `extract_clip`.
    workers : processes; 1 = this one. A cluster has its own number.
    scheduler : address of a Dask scheduler, or None.

    Raises
    ------
    ExtractionError : the scheduler cannot be reached, or the workers are lost again and again.
    """
    from joblib import Parallel, delayed

    if not jobs:
        return
    waiting, fruitless = {job.id: job for job in jobs}, 0
    # joblib would wait for ever on a clip that Dask has given up; in this process there is nobody to wait for
    patience = None if workers == 1 and scheduler is None else PATIENCE
    together = 1 if scheduler is None else TOGETHER
    with _backend(workers, scheduler):
        while waiting:
            before = len(waiting)
            try:
                for batch in _batches(waiting):
                    parallel = Parallel(return_as="generator_unordered", batch_size=together, timeout=patience)
                    for record in parallel(delayed(work)(job) for job in batch):
                        if waiting.pop(record["id"], None):
                            yield record
            except LabError:
                raise
            except Exception as error:  # a killed process, a lost cluster: each library has its own name for it
                fruitless = 0 if len(waiting) < before else fruitless + 1
                said = f"{type(error).__name__}: {error}".splitlines()[0]
                if fruitless > TRIES:  # so one clip that ends its process does not end the run
                    raise ExtractionError(
                        f"Expected workers that extract clips, found {fruitless} times in a row that they are lost "
                        f"before they finish one ({said}). Look at the memory (fewer --jobs need less) or at the "
                        "cluster, and run the same command again: finished clips stay.") from None
                print(f"Workers were lost ({said}); {len(waiting)} clips are shared out again.", file=sys.stderr)


def _batches(waiting: dict[str, Job]) -> list[list[Job]]:
    """The clips on which a process ended, each alone, then the others together."""
    running = next(iter(waiting.values())).running
    marks = {folder.name.partition(".")[0] for folder in running.glob("*")}
    ended = [job for job in waiting.values() if job.mark in marks]
    rest = [job for job in waiting.values() if job.mark not in marks]
    return [[job] for job in ended] + [rest] * bool(rest)


@contextlib.contextmanager
def _backend(workers: int, scheduler: str | None) -> Iterator[None]:
    """Tell joblib where to work."""
    from joblib import parallel_config

    if scheduler is None:
        # loky notices a killed process, where multiprocessing's pool waits for it for ever.
        with parallel_config(backend="loky", n_jobs=workers, inner_max_num_threads=1):
            yield
        return
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise ExtractionError('Expected the package distributed for --scheduler, found none. Run: python -m pip '
                              'install -e ".[cluster]"') from None
    try:
        client = Client(scheduler, timeout=REACH)
    except (OSError, ValueError) as error:  # ValueError: no address
        raise ExtractionError(f"Expected a Dask scheduler at {scheduler}, found none ({error}). Start one with "
                              "`dask scheduler` and give the address that it prints.") from None
    with client, parallel_config(backend="dask", wait_for_workers_timeout=30):
        yield
