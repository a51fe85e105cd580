"""The same dataset in another form on disk: `.npy` or `.npy.gz`, smaller numbers, mel only."""

import contextlib
import gzip
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.datasets.layout import FOLDERS, SPLITS, list_clips, read_array, read_meta
from labkit.datasets.packs import LARGEST
from labkit.datasets.verify import dataset_root, each_file
from labkit.features import N_MELS
from labkit.files import write_text, write_whole
from labkit.profiles import DataError

SUFFIXES = (".npy", ".npy.gz")
DTYPES = ("float32", "float16")


class Converted(NamedTuple):
    """What a conversion made."""

    folder: Path
    clips: int
    before: int  # bytes of the array files
    after: int

    def __str__(self) -> str:
        return (f"{self.folder}\n{self.clips} clips, {self.before / 1e6:.1f} MB before, {self.after / 1e6:.1f} MB now "
                f"({100 * self.after / max(self.before, 1):.0f} %)")


def convert(source: str | Path, out: str | Path, suffix: str = ".npy", dtype: str | None = None,
            mel_only: bool = False, progress: bool = True) -> Converted:
    """Write a dataset in the course's layout once more, its arrays in another form.

    The new folder appears when it is whole. Until then its files stand in a hidden folder beside it, where the same
    command finds those that are finished.

    Parameters
    ----------
    source : a folder that holds some of the four dataset folders, directly or one `data/` below.
    out : a folder that is absent or empty, outside `source`.
    suffix : '.npy' or '.npy.gz'.
    dtype : 'float32', 'float16' (an error of at most 0.032 dB) or None = as it is.
    mel_only : keep the 128 mel rows, and say so in `meta.json`.
    progress : show a progress bar.

    Returns
    -------
    Converted. Labels, `groups.txt` and `meta.json` are there too; sound and checksums are not copied.

    Raises
    ------
    DataError : `source` is no dataset, an array cannot be read or holds values too large for float16, `out` is not free
        or cannot be written.
    ValueError : no such `suffix` or `dtype`.
    """
    if suffix not in SUFFIXES:
        raise ValueError(f"Expected suffix to be one of {', '.join(SUFFIXES)}, found {suffix!r}.")
    if dtype not in (None, *DTYPES):
        raise ValueError(f"Expected dtype to be one of {', '.join(DTYPES)} or None, found {dtype!r}.")
    root, out = dataset_root(source), Path(out).expanduser().absolute()
    if out.resolve().is_relative_to(Path(source).expanduser().resolve()):
        raise DataError(f"Expected a folder outside {source} to convert into, found {out}. Choose another OUT.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"Expected OUT to be absent or an empty folder, found {out} with something in it. "
                        "Choose another name, or remove it.")
    meta = read_meta(root)
    if mel_only:
        meta = replace(meta, rows=N_MELS)
    settings = json.dumps({"source": str(root.resolve()), "suffix": suffix, "dtype": dtype, "mel_only": mel_only})
    partial = out.with_name(f".{out.name}.partial")
    begun = partial / "settings.json"
    if partial.is_dir() and (not begun.is_file() or begun.read_text(encoding="utf-8") != settings):
        raise DataError(f"Expected {partial} to be of the same conversion, interrupted before, found another one. "
                        "Remove that folder, or give the same options again.")

    jobs = []
    for name in FOLDERS.values():
        for split in SPLITS if (root / name).is_dir() else ():
            jobs += [(file, partial / name / split / (file.name.removesuffix(".gz").removesuffix(".npy") + suffix))
                     for file in list_clips(root / name, split).values()]

    targets = {target for _, target in jobs}

    def one(job: tuple[Path, Path]) -> tuple[int, int]:
        file, target = job
        if not target.is_file() or target.stat().st_mtime_ns < file.stat().st_mtime_ns:
            array = read_array(file)
            if mel_only and array.ndim == 2:
                array = array[:N_MELS]
            if dtype == "float16" and not -LARGEST <= array.min() <= array.max() <= LARGEST:
                raise DataError(f"{file}: expected values from {-LARGEST:g} to {LARGEST:g} for float16, found "
                                f"{array.min():g} to {array.max():g}. Use --dtype float32, or extract the clip again.")
            _save(target, array if dtype is None else array.astype(dtype))
        return file.stat().st_size, target.stat().st_size

    try:
        for folder in {partial, *(target.parent for _, target in jobs)}:
            folder.mkdir(parents=True, exist_ok=True)
        write_text(begun, settings)
        sizes = list(each_file(one, jobs, "Converting clips", progress))
        for path in sorted(partial.rglob("*"), reverse=True):  # what an interrupted run left, and its source is gone
            if path.is_dir():
                with contextlib.suppress(OSError):  # it is not empty
                    path.rmdir()
            elif path not in targets and path != begun:
                path.unlink()
        texts = [f"{name}/{split}_labels.txt" for name in FOLDERS.values() for split in SPLITS]
        for text in ("groups.txt", "meta.json", *texts):
            if (root / text).is_file():
                shutil.copyfile(root / text, partial / text)
        if mel_only:
            write_text(partial / "meta.json", json.dumps(asdict(meta), indent=1) + "\n")
        begun.unlink()
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise DataError(f"Expected to write the converted dataset, found {error.strerror} at {error.filename}. What is "
                        f"finished is kept in {partial}: mend it and give the same command again.") from None
    return Converted(out, len(jobs), sum(before for before, _ in sizes), sum(after for _, after in sizes))


def _save(file: Path, array: np.ndarray) -> None:
    """Write an array whole or not at all; the same array gives the same bytes, also compressed."""
    def fill(stream):
        if file.suffix == ".gz":
            with gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as packed:
                np.save(packed, array, allow_pickle=False)
        else:
            np.save(stream, array, allow_pickle=False)
    write_whole(file, fill)
