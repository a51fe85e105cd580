"""A split of a dataset in one memory-mapped float16 array for each block of features: made once, then ready at once.

`cache_root()/packs/<digest>/` holds

    mel.f16       (all frames, 128), time first, one clip after the other in the order of the ids
    chroma.f16    (all frames, 12), of the clips that have chroma; by itself, so that mel alone reads no byte of it
    index.json    the source, a digest of the contents and, for each clip, its id, its frames and whether it has chroma;
                  its presence says "whole"

The digest stands for the folder and for the name, size and times of change of each file in it. Half precision moves a
value of -80 to 0 dB by at most 1/32 dB, and one of chroma by at most 1/4096. What it cannot hold that well, and what is
no spectrogram, stays out of the pack: such a clip is read from its own file, which also says what is wrong with it.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labkit.datasets.layout import list_clips, read_array
from labkit.features import N_CHROMA, N_MELS
from labkit.files import hold_lock
from labkit.profiles import DataError, cache_root, cores

FORMAT = 2
LARGEST = 128.0     # beyond it the step of float16 is above 1/16, and its error above 1/32
PATIENCE = 2.0      # seconds to wait for another process before saying so
BLOCKS = {"mel": ("mel",), "chroma": ("chroma",), "fused": ("mel", "chroma")}
_WIDTH = {"mel": N_MELS, "chroma": N_CHROMA}
_INDEX = "index.json"


class Pack:
    """A pack on disk, mapped, so that it stays readable when another process removes it.

    Sent to another process, it is mapped anew there. Raises OSError, ValueError, KeyError or TypeError when the folder
    is not a whole pack.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        index = json.loads((folder / _INDEX).read_bytes())
        self.content = str(index["content"])  # the same wherever the same clips lie
        frames = np.array(index["frames"], dtype=np.int64)
        chroma = frames * np.array(index["chroma"], dtype=np.int64)
        self._ends = {"mel": np.cumsum(frames), "chroma": np.cumsum(chroma)}
        self._places = {clip: place for place, clip in enumerate(index["ids"])}
        self._frames = {"mel": frames, "chroma": chroma}
        for name, width in _WIDTH.items():
            found, expected = (folder / f"{name}.f16").stat().st_size, 2 * width * int(self._frames[name].sum())
            if found != expected:
                raise ValueError(f"{folder}: expected {name}.f16 of {expected} bytes, found {found}.")
        # "c": never written to the file; torch warns of arrays that cannot be written to at all.
        self.maps = {name: np.asarray(np.memmap(folder / f"{name}.f16", np.float16, "c")).reshape(-1, width)
                     if self._frames[name].any() else np.empty((0, width), np.float16)
                     for name, width in _WIDTH.items()}

    def __reduce__(self):
        return Pack, (self.folder,)  # a map would travel as its bytes

    def frames(self, clips: Iterable[str], feat_type: str = "mel") -> np.ndarray:
        """The frames of these ids in the pack, int (N,); 0 where the clip or its chroma is not in it."""
        held = self._frames[BLOCKS[feat_type][-1]]
        return np.array([held[self._places[clip]] for clip in clips], dtype=np.int64)

    def blocks(self, clip: str, feat_type: str, length: int | None = None) -> list[np.ndarray]:
        """The first `length` frames of a clip, not copied: float16 (L, 128), (L, 12), or both for 'fused'."""
        place, found = self._places[clip], []
        for name in BLOCKS[feat_type]:
            end, frames = self._ends[name][place], self._frames[name][place]
            found.append(self.maps[name][end - frames:end][:length])
        return found


def open_pack(folder: str | Path, split: str, clips: dict[str, Path] | None = None) -> Pack | None:
    """The pack of one split of a dataset folder, made when there is none that fits the files.

    Parameters
    ----------
    folder, split : as for `list_clips`.
    clips : what `list_clips` gives for them, where it has been called already.

    Returns
    -------
    Pack; None where the cache cannot hold it, with a warning that says why: the lab then runs on, only slower.

    Raises
    ------
    DataError : as `list_clips`.
    """
    clips = list_clips(folder, split) if clips is None else clips
    source = (Path(folder) / split).resolve()
    place = _root() / _digest(source, clips)
    try:
        if not (pack := _whole(place)):
            with _alone():
                if not (pack := _whole(place)):  # else another process made it while this one waited
                    _make(place, source, clips)
                    pack = Pack(place)
        return pack
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        warnings.warn(f"{source} could not be packed into {_root()} ({getattr(error, 'strerror', None) or error}), so "
                      "each clip is read from its own file, which is many times slower. Free some space, or set the "
                      "variable LAB_CACHE to a folder that you can write to.", stacklevel=2)
        return None


def remove_old() -> list[str]:
    """Remove from the cache each pack whose source is gone or has changed, and what interrupted ones left.

    Returns the names of the folders that are gone. Waits for a process that is packing. Raises DataError when the cache
    cannot be written to.
    """
    if not _root().is_dir():
        return []
    try:
        with _alone():
            old = [place for place in sorted(_root().glob("*/")) if not _is_current(place)]
            for place in old:
                shutil.rmtree(place)
    except (OSError, NotImplementedError) as error:
        raise DataError(f"Expected to remove old packs from {_root()}, found that it cannot be written to ({error}). "
                        "Remove that folder by hand.") from None
    return [place.name for place in old]


# --- is it there, is it whole, does it fit ---------------------------------------------------------------------------

def _root() -> Path:
    return cache_root() / "packs"


def _digest(source: Path, clips: dict[str, Path]) -> str:
    return hashlib.sha256(repr((FORMAT, str(source), _states(clips))).encode()).hexdigest()[:16]


def _states(clips: dict[str, Path]) -> list[tuple[str, int, int, int]]:
    """Name, bytes and times of change of each file; zeros for one that cannot be looked at, such as a broken link.

    Of the two times programs can set the first to whatever they like, as tar and rsync do.
    """
    states = []
    for file in clips.values():
        try:
            found = os.stat(file)
            states.append((file.name, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
        except OSError:
            states.append((file.name, 0, 0, 0))
    return states


def _whole(place: Path) -> Pack | None:
    """The pack of a folder; None where there is none, or a damaged one."""
    try:
        return Pack(place)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _source(place: Path) -> Path | None:
    """The folder that was packed; None where the index does not tell it."""
    try:
        return Path(json.loads((place / _INDEX).read_bytes())["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_current(place: Path) -> bool:
    source = _source(place)
    try:
        return source is not None and place.name == _digest(source, list_clips(source.parent, source.name))
    except DataError:
        return False


# --- making ----------------------------------------------------------------------------------------------------------

def _make(place: Path, source: Path, clips: dict[str, Path]) -> None:
    """Write the pack under another name, then give it its own; the lock is held."""
    from tqdm import tqdm

    least = sum(size for _, size, *_ in _states(clips)) // 4  # from float64; from a smaller dtype it is more
    if shutil.disk_usage(place.parent).free < least:  # said at once, not after minutes of writing
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    partial = place.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
    partial.mkdir()
    try:
        frames, chroma, content = [], [], hashlib.sha256()
        with (partial / "mel.f16").open("wb") as mels, (partial / "chroma.f16").open("wb") as chromas, \
                tqdm(total=len(clips), desc=f"Packing {source.parent.name}/{source.name}", unit="clip", delay=1,
                     mininterval=1 if sys.stderr.isatty() else 15) as bar:
            for mel, tones in _in_order(_halves, clips.values()):
                for file, block in ((mels, mel), (chromas, tones)):
                    file.write(block)
                    content.update(block)
                frames.append(len(mel))
                chroma.append(tones.size > 0)
                bar.update()
            for file in (mels, chromas):  # else a machine that loses power may keep the name and not the contents
                file.flush()
                os.fsync(file.fileno())
        if place.name != _digest(source, clips):
            raise DataError(f"Expected the files of {source} to stay as they are while they are packed, found that "
                            "they changed. Wait until whatever writes there has ended, and try again.")
        index = {"source": str(source), "ids": list(clips), "frames": frames, "chroma": chroma,
                 "content": content.hexdigest()}
        (partial / _INDEX).write_text(json.dumps(index), encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for other in place.parent.glob("*/"):  # of the same folder, as it was before
        if other != place and _source(other) == source:
            shutil.rmtree(other, ignore_errors=True)


def _halves(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mel (T, 128) and chroma (T, 12) or (T, 0) of a file in float16, time first; no frame of what is left out."""
    try:
        array = read_array(file)
    except (DataError, OSError):
        array = np.empty((N_MELS, 0))
    if array.size and not -LARGEST <= array.min() <= array.max() <= LARGEST:
        array = array[:, :0]
    half = array.astype(np.float16)
    return np.ascontiguousarray(half[:N_MELS].T), np.ascontiguousarray(half[N_MELS:].T)


def _in_order(function: Callable, items: Iterable) -> Iterator:
    """`map` in threads, never far ahead of what is taken, so that memory stays small."""
    threads = cores()
    with ThreadPoolExecutor(threads) as pool:
        ahead = deque()
        for item in items:
            ahead.append(pool.submit(function, item))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _alone() -> contextlib.AbstractContextManager:
    """Hold the lock of the packs; says so when another process makes it wait."""
    _root().mkdir(parents=True, exist_ok=True)
    return hold_lock(_root() / "lock", PATIENCE, lambda: "Another process is packing a dataset; waiting for it.")
