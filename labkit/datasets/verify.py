"""Whether a dataset is sound: each file, label and count of a folder in the course's layout.

Everything is collected before anything is said. A *fault* stops a lesson or makes its figures wrong; a *warning* is
something that one should know, such as albums on both sides of the split.

A verify that reads every file also compares SHA-256 with what was recorded: in `SHA256SUMS` or `checksums.txt` beside
the data where there is one, else in `LAB_CACHE`, where each sound verify records what it saw. All are in the format of
`sha256sum -c`; a `checksums.txt` in another one is somebody's own and not used. Where a change was meant, remove the
record: the next sound verify makes a new one.
"""

import gzip
import hashlib
import io
import re
import sys
import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.datasets.layout import (
    AFFECT,
    CLASS_MAPPING,
    FOLDERS,
    SILENCE_DB,
    SPLITS,
    Meta,
    array_header,
    clip_id,
    id_order,
    label_kind,
    read_meta,
    scan_label_file,
)
from labkit.datasets.splits import NEIGHBOUR_GAP, groups_of, neighbour_leak
from labkit.features import N_CHROMA, N_MELS
from labkit.files import write_text
from labkit.profiles import DataError, cache_root, cores

# The counts of geoparslp/patreco3-multitask-affective-music on Kaggle, train and test.
COURSE_CLIPS = {"genre": (3069, 765), "multitask": (1122, 375)}
COURSE_GENRES = dict.fromkeys(CLASS_MAPPING, (160, 40)) | {
    "Metal": (153, 38), "Post-Rock": (95, 23), "Soundtrack": (124, 30), "Trip-Hop": (137, 34)}
SUMS = "SHA256SUMS"
CHECKSUMS = "checksums.txt"   # ours beside the composed corpus, anything beside other data
PEAK_TOLERANCE = 0.01   # dB; the float16 step near 0 is far below
RANGE_TOLERANCE = 1e-3  # dB, and of chroma: rounding of float16 and float32
SHOWN = 3               # examples of each finding in the report
_NOT_AS_RECORDED = "not as recorded on "    # the finding of which the report shows every file


@dataclass
class Report:
    """What `verify` found; `str` of it is made to be read."""

    root: Path
    text: list[str] = field(default_factory=list)           # paragraphs on what is there
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))    # what -> each place
    warnings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    closing: str = ""

    @property
    def sound(self) -> bool:
        """Whether there is no fault; warnings may be there."""
        return not self.faults

    def __str__(self) -> str:
        parts = [str(self.root), *self.text]
        for word, findings in (("FAULT", self.faults), ("WARNING", self.warnings)):
            for what, places in findings.items():
                shown = places
                if len(places) > SHOWN + 1 and not what.startswith(_NOT_AS_RECORDED):
                    shown = [*places[:SHOWN], f"... and {len(places) - SHOWN} more"]
                parts.append("\n".join([_wrapped(f"{word} ({len(places)}): {what}"),
                                        *(f"    {place}" for place in shown)]))
        return "\n\n".join([*parts, self.closing])


class _Clip(NamedTuple):
    """What one array file holds, as far as it could be read."""

    size: int = 0               # bytes on disk
    digest: str = ""            # SHA-256, empty when only the header was read
    shape: tuple = ()
    dtype: str = ""
    fault: tuple = ()           # (what is wrong, details), empty when nothing is
    peak: float | None = None   # dB, the loudest cell


@dataclass
class _Folder:
    """One of the four folders: files and labels of each split."""

    name: str
    kind: str                                               # a key of FOLDERS
    clips: dict[str, dict[str, Path]] = field(default_factory=lambda: {split: {} for split in SPLITS})
    labels: dict[str, dict] = field(default_factory=lambda: {split: {} for split in SPLITS})
    files: list[Path] = field(default_factory=list)         # every array file, also a second one of an id

    @property
    def dataset(self) -> str:
        return self.kind.removesuffix("_beat")


def verify(path: str | Path, quick: bool = False, write_manifest: bool = False, course: bool | None = None,
           progress: bool = True) -> Report:
    """Examine a dataset in the course's layout, and collect everything that is wrong with it.

    Parameters
    ----------
    path : a folder that holds some of the four dataset folders, directly or one `data/` below.
    quick : read only the headers of the arrays: no ranges, NaN, equal contents, checksums.
    write_manifest : write `SHA256SUMS` beside the data when there is no fault.
    course : compare the counts with those that the course publishes; None = where its size and its genres are about the
        course's and `meta.json` names no other source.
    progress : show a progress bar while files are read.

    Returns
    -------
    A Report; `sound` says whether there is no fault.

    Raises
    ------
    DataError : there is no such folder, it holds none of the four, or `SHA256SUMS` cannot be written.
    ValueError : `quick` and `write_manifest` together.
    """
    if quick and write_manifest:
        raise ValueError("Expected quick or write_manifest, found both: a manifest needs every byte. Leave out quick.")
    begun = time.perf_counter()
    root = dataset_root(path)
    report = Report(root)
    try:
        meta = read_meta(root)
    except DataError as error:
        meta = Meta()
        report.faults["meta.json cannot be used."].append(str(error))
    folders = [_open_folder(root, kind, report) for kind, name in FOLDERS.items() if (root / name).is_dir()]
    arrays = [file for folder in folders for file in folder.files]
    seen = dict(zip(arrays, each_file(_header_of if quick else _contents_of, arrays, "Reading clips", progress),
                    strict=True))

    why = "Compared with the counts that the course publishes."
    if course is None:
        course, why = _is_course(folders, meta)
    report.text.append(_wrapped(why))
    for folder in folders:
        _check_labels(folder, root, report)
        _check_clips(folder, root, seen, meta, report)
        if course:
            _check_counts(folder, report)
    _check_twins(folders, report)
    report.text.append(_table(root, folders, seen))
    report.text += _describe_labels(folders)
    report.text.append(_check_albums(folders, root, report))

    size = sum(clip.size for clip in seen.values())
    if quick:
        records = "Only headers were read: leave out --quick for values, equal contents and checksums."
    else:
        records = _compare_sums(root, {file: clip.digest for file, clip in seen.items()}, report, write_manifest)
    warned = f", with {_count(len(report.warnings), 'warning')}" if report.warnings else ""
    verdict = (f"Not sound: {_count(len(report.faults), 'fault')} to mend{warned}." if report.faults
               else f"Sound{warned}.")
    report.closing = _wrapped(f"{len(arrays)} clips of {size / 1e6:.0f} MB in {time.perf_counter() - begun:.1f} s. "
                              f"{records}") + f"\n{verdict}"
    return report


def dataset_root(path: str | Path) -> Path:
    """The folder that directly holds the dataset folders: `path`, or the `data/` in it.

    Raises DataError when neither does.
    """
    path = Path(path).expanduser().absolute()
    for root in (path, path / "data"):
        if any((root / name).is_dir() for name in FOLDERS.values()):
            return root
    expected = f"Expected a folder that holds one of {', '.join(FOLDERS.values())}, directly or one data/ below, at "
    if not path.is_dir():
        raise DataError(f"{expected}{path}, found {'a file' if path.exists() else 'nothing'}. Check the path.")
    if path.name in FOLDERS.values() or (path / "train").is_dir():
        raise DataError(f"{expected}{path}, found a dataset folder itself. Give the folder above: {path.parent}")
    names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    raise DataError(f"{expected}{path}, found {', '.join(names[:5]) or 'an empty folder'}. Check the path.")


def _one_a_dataset(folders: list[_Folder]) -> list[_Folder]:
    """Without the beat-synchronous twins, whose ids and labels are the same, unless one stands alone."""
    return list({folder.dataset: folder for folder in reversed(folders)}.values())[::-1]


# --- reading ---------------------------------------------------------------------------------------------------------

def _open_folder(root: Path, kind: str, report: Report) -> _Folder:
    """List the files and read the labels of a dataset folder."""
    folder = _Folder(FOLDERS[kind], kind)
    for split in SPLITS:
        place = root / folder.name / split
        try:
            files = sorted(place.iterdir())
        except OSError as error:
            report.faults["a folder of clips cannot be read. Check that the dataset was copied whole."].append(
                f"{folder.name}/{split}: {error.strerror}")
            continue
        for file in files:
            if file.name.startswith("."):
                continue
            if not file.name.endswith((".npy", ".npy.gz")) or not file.is_file():
                report.warnings["not an array file (.npy or .npy.gz): no lesson reads it."].append(
                    _short(file, root))
                continue
            folder.files.append(file)
            known = folder.clips[split].setdefault(clip_id(file.name), file)
            if known == file:
                continue
            if known.name == file.name.removesuffix(".gz"):
                report.warnings["a clip is there twice, as .npy and as .npy.gz: the .npy is read. Remove one."].append(
                    _short(file, root))
            else:
                report.faults["two different files carry one id. Remove one."].append(
                    f"{_short(known, root)} and {file.name}")
    for split in SPLITS:
        file = root / folder.name / f"{split}_labels.txt"
        if split == "train" or file.is_file():
            folder.labels[split], faults = scan_label_file(file)
            for fault in faults:
                report.faults["a label file cannot be used as it is."].append(fault.replace(f"{root}/", ""))
        elif folder.dataset == "genre":
            report.warnings["no test labels: no lesson can score its test clips."].append(_short(file, root))
    return folder


def _contents_of(file: Path) -> _Clip:
    """Read an array file whole, once: its checksum and what is in it."""
    try:
        data = file.read_bytes()
    except OSError as error:
        return _Clip(fault=("a file cannot be read. Check its permissions and the disk.", str(error.strerror)))
    seen = _Clip(len(data), hashlib.sha256(data).hexdigest())
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        stream = io.BytesIO(data)
        header = array_header(stream)
    except Exception as error:  # damaged bytes make the readers of numpy and zlib raise errors of a dozen kinds
        return seen._replace(fault=_no_array(data, error))
    seen, count = _judge_header(seen, *header, len(data) - stream.tell())
    if seen.fault:
        return seen
    shape, fortran, dtype = header
    array = np.frombuffer(data, dtype, count, stream.tell())
    array = array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
    ranges = [(float(block.min()), float(block.max())) for block in (array[:N_MELS], array[N_MELS:]) if len(block)]
    if not np.isfinite(ranges).all():  # a NaN passes through minimum and maximum
        return seen._replace(fault=("NaN or infinite values. Extract the clip again, or leave it out.", ""))
    limits = ((SILENCE_DB, 0.0, "mel outside [-80, 0] dB"), (0.0, 1.0, "chroma outside [0, 1]"))
    for (low, high), (least, most, words) in zip(ranges, limits, strict=False):
        if low < least - RANGE_TOLERANCE or high > most + RANGE_TOLERANCE:
            return seen._replace(fault=(f"{words}. Extract the clip again.", f"{low:.2f} to {high:.2f}"))
    return seen._replace(peak=ranges[0][1])


def _header_of(file: Path) -> _Clip:
    """Read the header of an array file; of an uncompressed one the length is checked as well."""
    seen, start = _Clip(), b""
    try:
        seen = _Clip(file.stat().st_size)
        with open(file, "rb") as stream:
            start = stream.read(6)
            stream.seek(0)
            if start[:2] == b"\x1f\x8b":
                return _judge_header(seen, *array_header(gzip.GzipFile(fileobj=stream)), None)[0]
            header = array_header(stream)
            return _judge_header(seen, *header, seen.size - stream.tell())[0]
    except PermissionError as error:
        return seen._replace(fault=("a file cannot be read. Check its permissions and the disk.", str(error.strerror)))
    except Exception as error:  # as above
        return seen._replace(fault=_no_array(start, error))


def _no_array(data: bytes, error: Exception) -> tuple[str, str]:
    if data[:1] == b"\x80":
        return "a pickle, not an array: it is never loaded. Save the array with numpy.save.", ""
    return ("an empty file. Copy it again.", "") if not data else (
        "cannot be read as an array. Copy the file again.", " ".join(str(error).split())[:80])


def _judge_header(seen: _Clip, shape: tuple, fortran: bool, dtype: np.dtype, left: int | None) -> tuple[_Clip, int]:
    """What the header of an array of which `left` bytes follow says, and the number of its values."""
    seen = seen._replace(shape=shape, dtype=str(dtype))
    count = int(np.prod(shape, dtype=object)) if shape else 1  # of Python's integers: they do not overflow
    if dtype.hasobject:
        fault = ("pickled objects, which are never loaded. Save the array as numbers.", "")
    elif dtype.kind not in "fiu":
        fault = ("not numbers. Extract the clip again.", str(dtype))
    elif len(shape) != 2 or shape[0] not in (N_MELS, N_MELS + N_CHROMA) or shape[1] < 1:
        turned = ": time x frequency, transpose it" if shape[-1:] in ((128,), (140,)) else ""
        fault = ("a shape that is neither (140, T) nor (128, T). Extract the clip again.", f"{shape}{turned}")
    elif left is not None and left < count * dtype.itemsize:
        fault = ("truncated. Copy the file again.", f"{left} of {count * dtype.itemsize} bytes")
    else:
        fault = ()
    return seen._replace(fault=fault), count


def each_file(function: Callable, items: list, words: str, progress: bool) -> Iterator:
    """`function` of each item, in order, by threads; what they do lets others run: reading, hashing, unpacking."""
    with ThreadPoolExecutor(2 * cores()) as pool, _bar(len(items), words, progress) as bar:
        try:
            for result in pool.map(function, items):
                yield result
                bar.update()
        except BaseException:  # Ctrl-C, for one: do not read the rest
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _bar(total: int, words: str, progress: bool):
    from tqdm import tqdm

    with tqdm(total=total, desc=words, unit="file", delay=1, leave=False,
              mininterval=1 if sys.stderr.isatty() else 15, **({} if progress else {"disable": True})) as bar:
        yield bar


# --- what is checked -------------------------------------------------------------------------------------------------

def _is_course(folders: list[_Folder], meta: Meta) -> tuple[bool, str]:
    """Whether the counts are to be the course's, and a sentence that says why."""
    other = "Not the course's dataset, since {}: its counts are compared only with each other."
    if meta.source:
        return False, other.format(f"meta.json names its source ({meta.source})")
    kinds = {folder.dataset for folder in folders}
    dataset = "genre" if "genre" in kinds else "multitask"
    sizes = [max(len(folder.clips[split]), len(folder.labels[split]))
             for folder in folders if folder.dataset == dataset for split in SPLITS]
    found, published = max(map(sum, zip(sizes[::2], sizes[1::2], strict=True))), sum(COURSE_CLIPS[dataset])
    if not published / 2 <= found <= 2 * published:
        return False, other.format(f"it has {found} clips in {FOLDERS[dataset]} where the course has {published}")
    strange = {label for folder in folders if folder.dataset == "genre"
               for labels in folder.labels.values() for label in labels.values()
               if isinstance(label, str)} - COURSE_GENRES.keys()
    if len(strange) > len(COURSE_GENRES) / 2:
        return False, other.format(f"{len(strange)} of its genres are not the course's")
    return True, (f"Taken for the course's dataset, since meta.json names no other source and {FOLDERS[dataset]} has "
                  f"{found} clips where the course has {published}: its counts are compared with the published ones.")


def _check_labels(folder: _Folder, root: Path, report: Report) -> None:
    """Labels against files, and train against test."""
    for split in SPLITS:
        file = root / folder.name / f"{split}_labels.txt"
        labels, clips = folder.labels[split], folder.clips[split]
        if not file.is_file():
            continue
        expected = "genre" if folder.dataset == "genre" else "mood"
        if labels and label_kind(file) != expected:
            report.faults["a label file of the other kind."].append(
                f"{_short(file, root)}: expected {expected} labels")
        for clip in _sorted(labels.keys() - clips.keys()):
            report.faults["a label without a file. Complete the folder, or remove the line."].append(
                f"{_short(file, root)}: {clip}")
        for clip in _sorted(clips.keys() - labels.keys()) if labels else ():
            report.warnings["a file without a label: no lesson uses it."].append(_short(clips[clip], root))
    both = [set(folder.clips[split]) | set(folder.labels[split]) for split in SPLITS]
    for clip in _sorted(both[0] & both[1]):
        report.faults["an id is in train and in test. Keep it in one of them."].append(f"{folder.name}: {clip}")


def _check_clips(folder: _Folder, root: Path, seen: dict[Path, _Clip], meta: Meta, report: Report) -> None:
    """The arrays: faults of single files, other rows than the others, equal contents."""
    held = [(file, seen[file]) for file in folder.files]
    for file, clip in held:
        if clip.fault:
            what, details = clip.fault
            report.faults[what].append(_short(file, root) + (f": {details}" if details else ""))
        elif clip.peak is not None and clip.peak < -PEAK_TOLERANCE:
            report.warnings["the loudest cell is not at 0 dB, the reference of the course's extraction."].append(
                f"{_short(file, root)}: {clip.peak:.2f} dB")
    rows = Counter(clip.shape[0] for _, clip in held if not clip.fault)
    usual = meta.rows if (root / "meta.json").is_file() else max(rows, key=rows.get, default=0)
    for file, clip in held:
        if not clip.fault and clip.shape[0] != usual:
            report.faults["other rows than " + ("meta.json says." if (root / "meta.json").is_file() else
                          "most clips of its folder.")].append(f"{_short(file, root)}: {clip.shape[0]}, not {usual}")

    equal = defaultdict(list)
    for split, clips in folder.clips.items():
        for file in clips.values():
            if seen[file].digest and not seen[file].fault:
                equal[seen[file].digest].append((split, file))
    for copies in equal.values():
        if len(copies) > 1:
            across = {split for split, _ in copies} == set(SPLITS)
            report.warnings["clips of equal content in train and test: the answer is known to the model." if across
                            else "clips of equal content within a split."].append(
                f"{folder.name}/" + ", ".join(f"{split}/{file.name}" for split, file in (copies[0], copies[-1]))
                + (f" and {len(copies) - 2} more" if len(copies) > 2 else ""))


def _check_counts(folder: _Folder, report: Report) -> None:
    """The course's published counts; genres where there are labels."""
    found = []
    for split, published in zip(SPLITS, COURSE_CLIPS[folder.dataset], strict=True):
        held = {"clips": len(folder.clips[split])}
        if split == "train" or folder.labels[split]:
            held["labels"] = len(folder.labels[split])
        found += [f"{folder.name}/{split}: {count} {what}, published {published}"
                  for what, count in held.items() if count != published]
        if folder.dataset == "genre" and folder.labels[split]:
            counts = Counter(folder.labels[split].values())
            for genre in sorted(COURSE_GENRES.keys() | counts.keys()):
                published = COURSE_GENRES.get(genre, (0, 0))[SPLITS.index(split)]
                if counts[genre] != published:
                    found.append(f"{folder.name}/{split}, {genre}: {counts[genre]} labels, published {published}")
    if found:
        report.faults["not the count that the course publishes. Download the dataset again."] += found


def _check_twins(folders: list[_Folder], report: Report) -> None:
    """A folder and its beat-synchronous twin hold the same ids with the same labels."""
    by_kind = {folder.kind: folder for folder in folders}
    for folder in folders:
        twin = by_kind.get(f"{folder.kind}_beat")
        if twin is None:
            continue
        for split in SPLITS:
            for one, other in ((folder, twin), (twin, folder)):
                for clip in _sorted(one.clips[split].keys() - other.clips[split].keys()):
                    report.faults["a clip is in a folder and not in its beat-synchronous twin, or the reverse. "
                                  "Complete the other."].append(f"{one.name}/{split}: {clip}")
            for clip in _sorted(folder.labels[split].keys() & twin.labels[split].keys()):
                if folder.labels[split][clip] != twin.labels[split][clip]:
                    report.faults["a clip has another label in the beat-synchronous twin. Correct one."].append(
                        f"{folder.name}/{split}: {clip} is {folder.labels[split][clip]}, "
                        f"there {twin.labels[split][clip]}")


def _check_albums(folders: list[_Folder], root: Path, report: Report) -> str:
    """Neighbours and groups on both sides of the split; a table with a line for each dataset."""
    source = "groups.txt" if (root / "groups.txt").is_file() else "neighbouring ids"
    lines = [f"{'test clips near training clips':31}{'id +-1':>9}{'id +-5':>9}{'album':>9}  albums by {source}"]
    for folder in _one_a_dataset(folders):
        train, test = (list(folder.clips[split]) for split in SPLITS)
        if not train or not test:
            continue
        try:
            groups = groups_of(train + test, root)
        except DataError as error:
            report.faults["groups.txt cannot be used as it is."].append(str(error).replace(f"{root}/", ""))
            continue
        shares = [f"{100 * share:7.1f} %" for share in neighbour_leak(train, test).values()]
        if source != "groups.txt" and _say_nothing(train + test, groups):
            report.warnings["the ids carry no information on albums, and there is no groups.txt: whether albums lie on "
                            "both sides of the split is unknown. List the album of each clip in groups.txt."].append(
                folder.name)
            shares.append("unknown")
        else:
            known = set(groups[:len(train)])
            shared = sum(group in known for group in groups[len(train):])
            shares.append(f"{100 * shared / len(test):7.1f} %")
            if shared:
                report.warnings["albums lie on both sides of the split, which flatters every model. Say so with each "
                                "score."].append(f"{folder.name}: {shared} of {len(test)} test clips")
        lines.append(f"{folder.name:31}" + "".join(f"{share:>9}" for share in shares))
    return "\n".join(lines)


def _say_nothing(ids: list[str], groups: list[str]) -> bool:
    """Whether `groups_of` could not group these ids: none is a number, or they are a mere numbering."""
    numbers = sorted({int(clip) for clip in ids if clip.isdecimal()})
    near = any(after - before <= NEIGHBOUR_GAP for before, after in pairwise(numbers))
    return len(set(groups)) == len(set(ids)) and (near or not numbers)


# --- checksums -------------------------------------------------------------------------------------------------------

def _compare_sums(root: Path, sums: dict[Path, str], report: Report, write_manifest: bool) -> str:
    """Compare with the recorded checksums and record them; a sentence on it."""
    texts = [root / "groups.txt", root / "meta.json", *(
        root / name / f"{split}_labels.txt" for name in FOLDERS.values() for split in SPLITS)]
    found = {_short(file, root): value for file, value in sums.items()}
    found |= {_short(file, root): _sum(file) for file in texts if file.is_file()}
    kept = cache_root() / "manifests" / f"{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]}.txt"
    words, recorded = [], {}
    manifest = next((file for file in (root / SUMS, root / CHECKSUMS, kept) if file.is_file()), None)
    if manifest:
        recorded = _read_sums(manifest, report)
    if manifest == root / CHECKSUMS and not any((root / name).is_file() for name in recorded):
        report.warnings["not checksums of these files as sha256sum writes them: not compared."].append(str(manifest))
        manifest = kept if kept.is_file() else None
        recorded = _read_sums(kept, report) if manifest else {}
    if manifest:
        since = date.fromtimestamp(manifest.stat().st_mtime).isoformat()
        for name, value in recorded.items():
            if name not in found and (root / name).is_file():
                found[name] = _sum(root / name)  # such as a table that only the maker of the data reads
            if found.get(name) != value:
                what = "changed" if name in found else "gone"
                report.faults[f"{_NOT_AS_RECORDED}{since}. Restore the file; if the change is meant, remove "
                              f"{manifest}"].append(f"{name}: {what}")
        for name in sorted(found.keys() - recorded.keys()):
            report.warnings[f"not among the recorded files of {since}."].append(name)
        words.append(f"Compared with the checksums in {manifest}, {since}.")
    if report.faults:
        return " ".join([*words, "No checksums were recorded, since there are faults."])
    text = "".join(f"{value}  {name}\n" for name, value in sorted(found.items()))
    if write_manifest:
        try:
            write_text(root / SUMS, text)
        except OSError as error:
            raise DataError(f"Expected to write {root / SUMS}, found {error.strerror}. Leave out --write-manifest: "
                            "checksums are then kept in the cache.") from None
        words.append(f"Written: {root / SUMS}.")
    elif manifest in (None, kept) and found != recorded:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_text(kept, text)
            words.append(f"Checksums recorded in {kept}; the next verify compares with them.")
        except OSError as error:
            words.append(f"No checksums were recorded: {kept.parent} cannot be written ({error.strerror}).")
    return " ".join(words)


def _read_sums(manifest: Path, report: Report) -> dict[str, str]:
    """The lines of a file of checksums, a dict from name to SHA-256."""
    sums = {}
    for number, line in enumerate(manifest.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        fits = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)  # with * from `sha256sum -b`
        name = fits[2] if fits else ""
        if name and not Path(name).is_absolute() and ".." not in Path(name).parts:
            sums[name.removeprefix("./")] = fits[1].lower()
        elif line.strip() and not line.startswith("#") and manifest.name != CHECKSUMS:
            report.faults["a line of the recorded checksums cannot be read. Remove that file."].append(
                f"{manifest}, line {number}")
    return sums


def _sum(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# --- words -----------------------------------------------------------------------------------------------------------

def _table(root: Path, folders: list[_Folder], seen: dict[Path, _Clip]) -> str:
    """One line a folder: clips, rows, frames, numbers."""
    lines = [f"{'folder':29}{'train':>7}{'test':>7}  {'rows':8}{'frames':>13}  numbers"]
    for folder in folders:
        clips = [seen[file] for file in folder.files if not seen[file].fault]
        rows = "/".join(map(str, sorted({clip.shape[0] for clip in clips})))
        frames = [clip.shape[1] for clip in clips] or [0]
        span = f"{min(frames)}" if min(frames) == max(frames) else f"{min(frames)} to {max(frames)}"
        lines.append(f"{folder.name:29}{len(folder.clips['train']):7}{len(folder.clips['test']):7}  {rows:8}{span:>13}"
                     f"  {'/'.join(sorted({clip.dtype for clip in clips}))}")
    missing = [name for name in FOLDERS.values() if not (root / name).is_dir()]
    return "\n".join(lines + [f"not there: {', '.join(missing)}"] * bool(missing))


def _describe_labels(folders: list[_Folder]) -> list[str]:
    """A paragraph on the labels of each dataset."""
    text = []
    for folder in _one_a_dataset(folders):
        train, test = (list(folder.labels[split].values()) for split in SPLITS)
        if folder.dataset == "genre" and train and isinstance(train[0], str):
            lines = [_counts(f"{len({*train, *test})} genres, train/test", train, test)]
            unknown = sorted({*train, *test} - CLASS_MAPPING.keys())
            if unknown:
                lines.append(_wrapped(f"CLASS_MAPPING does not know {', '.join(unknown)}: use class_mapping=None."))
            else:
                mapped = [[CLASS_MAPPING[genre] for genre in side if CLASS_MAPPING[genre]] for side in (train, test)]
                lines.append(_counts(f"{len({*mapped[0], *mapped[1]})} classes after CLASS_MAPPING, "
                                     f"{len(mapped[0])}/{len(mapped[1])}", *mapped))
            text.append("\n".join(lines))
        elif folder.dataset == "multitask" and train and not isinstance(train[0], str):
            values = np.array(train)
            text.append(_wrapped(f"{len(train)} clips with mood labels: " + ", ".join(
                f"{axis} {column.min():.2f} to {column.max():.2f} (mean {column.mean():.2f})"
                for axis, column in zip(AFFECT, values.T, strict=True)) + "."))
    return text


def _counts(words: str, train: list[str], test: list[str]) -> str:
    left, right = Counter(train), Counter(test)
    return _wrapped(f"{words}: " + ", ".join(f"{name} {left[name]}/{right[name]}" for name in sorted({*left, *right}))
                    + ".")


def _sorted(ids: Iterable[str]) -> list[str]:
    return sorted(ids, key=id_order)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def _short(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()


def _wrapped(text: str) -> str:
    text = textwrap.fill(text.replace(" %", "\xa0%"), 110, subsequent_indent="  ", break_long_words=False,
                         break_on_hyphens=False)
    return text.replace("\xa0", " ")
