"""The course's layout on disk: label files, clips and what their axes mean.

A dataset folder holds `train/`, `test/`, `train_labels.txt` and, for the genres, `test_labels.txt`. The names in the
label files are often not the names on disk; what counts is the id, which stands before the first dot.
"""

import gzip
import json
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from labkit.features import HOP, N_CHROMA, N_MELS
from labkit.profiles import SAMPLE_RATE, DataError

FOLDERS = {  # a dataset of one's own may lack any of them
    "genre": "fma_genre_spectrograms",
    "genre_beat": "fma_genre_spectrograms_beat",
    "multitask": "multitask_dataset",
    "multitask_beat": "multitask_dataset_beat",
}
SPLITS = ("train", "test")
AFFECT = ("valence", "energy", "danceability")
FEAT_TYPES = ("mel", "chroma", "fused")
SILENCE_DB = -80.0      # the quietest value of a mel spectrogram; 0 would be its loudest

# Similar genres are merged and poor ones dropped (None), the same in every year of the course.
CLASS_MAPPING = {
    "Blues": "Blues",
    "Chiptune": "Electronic",
    "Classical": "Classical",
    "Electronic": "Electronic",
    "Folk": "Folk",
    "Hip-Hop": "Hip-Hop",
    "Indie-Rock": None,
    "International": None,
    "Jazz": "Jazz",
    "Metal": "Metal",
    "Old-Time": None,
    "Pop": "Pop",
    "Post-Punk": None,
    "Post-Rock": "Rock",
    "Psych-Folk": "Folk",
    "Psych-Rock": "Rock",
    "Punk": "Metal",
    "Rock": "Rock",
    "Soundtrack": None,
    "Trip-Hop": "Trip-Hop",
}


def clip_id(name: str) -> str:
    """The id of a clip: what stands before the first dot of a file name or of a label file's first column."""
    return os.path.basename(str(name).strip()).split(".", 1)[0]


def id_order(clip: str) -> tuple:
    """Sorting key of an id: numbers by their value, before words."""
    return (0, int(clip), clip) if clip.isdecimal() else (1, 0, clip)


def label_kind(file: str | Path) -> str:
    """'genre' or 'mood', from the header of a label file. Raises DataError on any other header."""
    try:
        with open(file, encoding="utf-8-sig") as lines:
            header = lines.readline().strip()
    except UnicodeDecodeError:
        raise DataError(_no_text(file)) from None
    names = tuple(name.strip().lower() for name in header.replace("\t", ",").split(","))
    if names[0].split(".", 1)[0] == "id":
        if names[1:] == ("genre",):
            return "genre"
        if names[1:] == AFFECT:
            return "mood"
    raise DataError(f"{file}, line 1: expected the header 'Id<TAB>Genre' or 'Id,{','.join(AFFECT)}', "
                     f"found {header[:80]!r}. Put that header on the first line.")


def _no_text(file: str | Path) -> str:
    return f"{file}: expected a text file in UTF-8, found other bytes. Save it as plain text in UTF-8."


def read_label_file(file: str | Path) -> dict[str, str] | dict[str, tuple[float, float, float]]:
    """Read one label file, tab or comma separated; blank lines are ignored.

    Parameters
    ----------
    file : a text file with the header `Id<TAB>Genre` or `Id,valence,energy,danceability`.

    Returns
    -------
    dict from id to genre, or from id to (valence, energy, danceability), each in [0, 1]; in the order of the file.

    Raises
    ------
    DataError : no such file, a wrong header, a malformed line, or an id that occurs twice; the message names file
        and line.

    Used in: notebooks/10_submission
    """
    labels, faults = scan_label_file(file)
    if faults:
        raise DataError(faults[0])
    return labels


def scan_label_file(file: str | Path) -> tuple[dict, list[str]]:
    """As `read_label_file`, but a faulty line is passed over: the labels, and the message of each fault."""
    file = Path(file)
    if not file.is_file():
        return {}, [f"Expected a label file at {file}, found none. Check that the dataset is complete."]
    try:
        kind, text = label_kind(file), file.read_text(encoding="utf-8-sig")
    except DataError as error:
        return {}, [str(error)]
    except UnicodeDecodeError:
        return {}, [_no_text(file)]
    header, *lines = text.split("\n")
    separator = "\t" if "\t" in header else ","
    labels, seen, faults = {}, {}, []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(separator)]
        clip, values = clip_id(fields[0]), fields[1:]
        if kind == "genre":
            label = values[0] if clip and len(values) == 1 and values[0] else None
            expected = "an id, a separator and a genre"
        else:
            label = _mood(values) if clip else None
            expected = "an id and three numbers in [0, 1]"
        if label is None:
            faults.append(f"{file}, line {number}: expected {expected}, found {line.strip()[:80]!r}. "
                          "Correct or remove the line.")
        elif clip in labels:
            faults.append(f"{file}, line {number}: expected each id once, found {clip!r} already on line {seen[clip]}. "
                          "Remove one of the two lines.")
        else:
            labels[clip], seen[clip] = label, number
    return labels, faults


def _mood(values: list[str]) -> tuple[float, ...] | None:
    """Three numbers in [0, 1], None when it is something else."""
    try:
        label = tuple(float(value) for value in values)
    except ValueError:
        return None
    return label if len(label) == 3 and all(0 <= value <= 1 for value in label) else None


def read_labels(folder: str | Path, split: str) -> dict[str, str] | dict[str, tuple[float, float, float]]:
    """The labels of one split, 'train' or 'test', of a dataset folder; as `read_label_file`.

    Used in: notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset
    """
    return read_label_file(Path(folder) / f"{split}_labels.txt")


def list_clips(folder: str | Path, split: str) -> dict[str, Path]:
    """All clips of one split, a dict from id to file, in the order of the ids.

    Files are `<id>.<anything>.npy` or `.npy.gz`. Raises DataError when the folder is missing, or when
    two different files carry one id.

    Used in: notebooks/02_beat_sync, notebooks/04_dataset
    """
    place = Path(folder) / split
    if not place.is_dir():
        raise DataError(f"Expected a folder of spectrograms at {place}, found none. "
                                "Check that the dataset is complete.")
    clips = {}
    for name in sorted(os.listdir(place)):  # `.npy` comes before its own `.npy.gz`, and is faster to read
        if name.startswith(".") or not name.endswith((".npy", ".npy.gz")):
            continue
        known = clips.setdefault(clip_id(name), name)
        if known not in (name, name.removesuffix(".gz")):
            raise DataError(f"{place}: expected one file for each id, found {known} and {name}. Remove one.")
    return {clip: place / clips[clip] for clip in sorted(clips, key=id_order)}


def find_clip(folder: str | Path, split: str, clip: str) -> Path:
    """The file of one clip, whatever the name after its id; an id or any name that begins with it is accepted.

    Raises DataError when there is none.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams
    """
    clips = list_clips(folder, split)
    if clip_id(clip) not in clips:
        raise DataError(f"Expected a file {clip_id(clip)}.*.npy or .npy.gz in {Path(folder) / split}, found "
                                f"none among {len(clips)} clips. Check the id and the split.")
    return clips[clip_id(clip)]


def _open(file: Path):
    """Open an array file, compressed or not; the name does not decide, the first two bytes do."""
    with open(file, "rb") as start:
        compressed = start.read(2) == b"\x1f\x8b"
    return gzip.open(file) if compressed else open(file, "rb")


def _array(file: Path, read):
    """What `read` takes from an array file, with an error that says what to do."""
    try:
        with _open(file) as stream:
            return read(stream)
    except Exception as error:  # damaged bytes make the readers of numpy and zlib raise errors of a dozen kinds
        raise DataError(f"{file}: expected an array of numbers (.npy, or .npy.gz), found something that cannot be "
                         f"read as one ({str(error)[:200]}). Copy the file again; pickled objects are never loaded."
                         ) from None


def _check_shape(file: str | Path, shape: tuple[int, ...]) -> None:
    """Raise DataError unless the shape is that of a clip."""
    if len(shape) != 2 or shape[0] not in (N_MELS, N_MELS + N_CHROMA) or shape[1] == 0:
        turned = "It seems to be time x frequency: transpose it." if shape[-1:] in ((128,), (140,)) else ""
        raise DataError(f"{file}: expected an array of shape (140, T) or (128, T), frequency x time, found {shape}. "
                        f"{turned or 'Extract the clip again.'}")


def clip_shape(file: str | Path) -> tuple[int, ...]:
    """The shape of a clip, (rows, T), read from the header of its file alone. Raises DataError as `read_array`."""
    shape = _array(Path(file), array_header)[0]
    _check_shape(file, shape)
    return shape


def array_header(stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, and dtype of an array file, which is read up to its first value.

    Raises ValueError when the stream does not begin as an array file.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def read_array(file: str | Path) -> np.ndarray:
    """The array of a clip as it lies on disk, (140, T) or (128, T), frequency x time.

    Raises DataError when there is no file, no array, another shape, or a value that is no finite number.
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(f"Expected a spectrogram at {file}, found none. Check the id and the split.")
    array = _array(file, partial(np.lib.format.read_array, allow_pickle=False))
    _check_shape(file, array.shape)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise DataError(f"{file}: expected finite numbers, found {array.dtype} with NaN, infinite or non-numeric "
                         "values. Extract the clip again, or leave it out.")
    return array


def read_spectrogram(file: str | Path, feat_type: str = "mel") -> np.ndarray:
    """Read one clip, time first.

    Parameters
    ----------
    file : an array (140, T) or, mel only, (128, T), frequency x time, as `.npy` or `.npy.gz`.
    feat_type : 'mel' (rows 0-127, dB in [-80, 0]), 'chroma' (rows 128-139, in [0, 1]) or 'fused' (both).

    Returns
    -------
    float32 array (T, F), F = 128, 12 or 140.

    Raises
    ------
    DataError : no file, no array, a wrong shape, not finite, or chroma asked of a file that has none.
    ValueError : no such `feat_type`.

    Used in: notebooks/01_spectrograms, notebooks/04_dataset
    """
    if feat_type not in FEAT_TYPES:
        raise ValueError(f"Expected feat_type to be one of {', '.join(FEAT_TYPES)}, found {feat_type!r}.")
    array = read_array(file)
    if feat_type != "mel" and array.shape[0] == N_MELS:
        raise DataError(f"{file}: expected 140 rows for feat_type={feat_type!r}, found 128: this file is mel only. "
                         "Use feat_type='mel', or a dataset that holds chroma.")
    rows = {"mel": slice(0, N_MELS), "chroma": slice(N_MELS, None), "fused": slice(None)}[feat_type]
    return np.ascontiguousarray(array[rows].T, dtype=np.float32)


def read_mel_spectrogram(file: str | Path) -> np.ndarray:
    """The mel spectrogram of a clip, (T, 128) in dB; see `read_spectrogram`.

    Used in: notebooks/02_beat_sync
    """
    return read_spectrogram(file, "mel")


def read_chromagram(file: str | Path) -> np.ndarray:
    """The chromagram of a clip, (T, 12) in [0, 1]; see `read_spectrogram`.

    Used in: notebooks/03_chromagrams
    """
    return read_spectrogram(file, "chroma")


def read_fused_spectrogram(file: str | Path) -> np.ndarray:
    """Mel and chroma of a clip side by side, (T, 140); see `read_spectrogram`."""
    return read_spectrogram(file, "fused")


@dataclass(frozen=True)
class Meta:
    """What the axes of a dataset's figures need.

    Used in: notebooks/12_your_own_music
    """

    frames_per_second: float = SAMPLE_RATE / HOP
    fmax: float = SAMPLE_RATE / 2   # Hz, the upper end of the highest mel band
    rows: int = N_MELS + N_CHROMA
    source: str = ""                # where the data come from, in words


def read_meta(root: str | Path) -> Meta:
    """Read `meta.json` of the folder above the dataset folders; without it, the course's values.

    Raises DataError when the file is no JSON object of numbers and a text.
    """
    file = Path(root) / "meta.json"
    if not file.is_file():
        return Meta()
    try:
        values = {**vars(Meta()), **json.loads(file.read_text(encoding="utf-8"))}
        meta = Meta(float(values["frames_per_second"]), float(values["fmax"]), int(values["rows"]),
                    str(values["source"]))
    except (ValueError, TypeError, OverflowError) as error:  # the last for JSON's Infinity
        raise DataError(f"{file}: expected a JSON object with the numbers frames_per_second, fmax, rows and the text "
                         f"source, found something else ({error}). Correct it, or remove it for the course's values."
                         ) from None
    if not (meta.frames_per_second > 0 and meta.fmax > 0 and meta.rows in (N_MELS, N_MELS + N_CHROMA)):
        raise DataError(f"{file}: expected frames_per_second and fmax above 0 and 128 or 140 rows, found {meta}. "
                         "Correct it, or remove it for the course's values.")
    return meta
