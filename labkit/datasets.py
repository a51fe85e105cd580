"""From a folder in the course's layout to labels, splits and batches.

A dataset folder holds `train/`, `test/`, `train_labels.txt` and, for the genres, `test_labels.txt`. The names in the
label files are often not the names on disk; what counts is the id, which stands before the first dot.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.features import HOP, N_CHROMA, N_MELS
from labkit.profiles import SAMPLE_RATE, DataError

AFFECT = ("valence", "energy", "danceability")
FEAT_TYPES = ("mel", "chroma", "fused")
SILENCE_DB = -80.0      # the quietest value of a mel spectrogram; 0 would be its loudest
NEIGHBOUR_GAP = 10      # numeric ids that part by more than this start a new group
MOOD_CLASSES = 5        # a mood set has no classes; `max_per_class` limits it as if it had so many

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


# --- files -----------------------------------------------------------------------------------------------------------

def clip_id(name: str) -> str:
    """The id of a clip: what stands before the first dot of a file name or of a label file's first column."""
    return Path(str(name).strip()).name.split(".", 1)[0]


def id_order(clip: str) -> tuple:
    """Sorting key of an id: numbers by their value, before words."""
    return (0, int(clip), clip) if clip.isdecimal() else (1, 0, clip)


def label_kind(file: str | Path) -> str:
    """'genre' or 'mood', from the header of a label file. Raises DataError on any other header."""
    with open(file, encoding="utf-8-sig") as lines:
        header = lines.readline().strip()
    names = tuple(name.strip().lower() for name in header.replace("\t", ",").split(","))
    if names[0].split(".", 1)[0] == "id":
        if names[1:] == ("genre",):
            return "genre"
        if names[1:] == AFFECT:
            return "mood"
    raise DataError(f"{file}, line 1: expected the header 'Id<TAB>Genre' or 'Id,{','.join(AFFECT)}', "
                     f"found {header[:80]!r}. Put that header on the first line.")


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
    """
    file = Path(file)
    if not file.is_file():
        raise DataError(f"Expected a label file at {file}, found none. Check that the dataset is complete.")
    kind = label_kind(file)
    labels, seen = {}, {}
    with open(file, encoding="utf-8-sig") as lines:
        separator = "\t" if "\t" in lines.readline() else ","
        for number, line in enumerate(lines, start=2):
            if not line.strip():
                continue
            fields = [field.strip() for field in line.split(separator)]
            clip, values = clip_id(fields[0]), fields[1:]
            where = f"{file}, line {number}"
            if kind == "genre":
                if len(values) != 1 or not clip or not values[0]:
                    raise DataError(f"{where}: expected an id, a separator and a genre, found {line.strip()[:80]!r}. "
                                     "Correct or remove the line.")
                label = values[0]
            else:
                try:
                    label = tuple(float(value) for value in values)
                except ValueError:
                    label = ()
                if not clip or len(label) != 3 or not all(0 <= value <= 1 for value in label):
                    raise DataError(f"{where}: expected an id and three numbers in [0, 1], found "
                                     f"{line.strip()[:80]!r}. Correct or remove the line.")
            if clip in labels:
                raise DataError(f"{where}: expected each id once, found {clip!r} already on line {seen[clip]}. "
                                 "Remove one of the two lines.")
            labels[clip], seen[clip] = label, number
    return labels


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
    for file in sorted(place.iterdir()):  # `.npy` comes before its own `.npy.gz`, and is faster to read
        if file.name.startswith(".") or not file.name.endswith((".npy", ".npy.gz")):
            continue
        known = clips.setdefault(clip_id(file.name), file)
        if known != file and known.name != file.name.removesuffix(".gz"):
            raise DataError(f"{place}: expected one file for each id, found {known.name} and {file.name}. "
                             "Remove one.")
    return {clip: clips[clip] for clip in sorted(clips, key=id_order)}


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
    except (ValueError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{file}: expected an array of numbers (.npy, or .npy.gz), found something that cannot be "
                         f"read as one ({error}). Copy the file again; pickled objects are never loaded.") from None


def clip_shape(file: str | Path) -> tuple[int, ...]:
    """The shape of an array file, (rows, T), read from its header alone."""
    def header(stream):
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return read(stream)[0]
    return _array(Path(file), header)


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
    file = Path(file)
    if feat_type not in FEAT_TYPES:
        raise ValueError(f"Expected feat_type to be one of {', '.join(FEAT_TYPES)}, found {feat_type!r}.")
    if not file.is_file():
        raise DataError(f"Expected a spectrogram at {file}, found none. Check the id and the split.")
    array = _array(file, partial(np.lib.format.read_array, allow_pickle=False))
    if array.ndim != 2 or array.shape[0] not in (N_MELS, N_MELS + N_CHROMA) or array.shape[1] == 0:
        turned = " It seems to be time x frequency: transpose it." if array.shape[-1:] in ((128,), (140,)) else ""
        raise DataError(f"{file}: expected an array of shape (140, T) or (128, T), frequency x time, found "
                         f"{array.shape}.{turned or ' Extract the clip again.'}")
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise DataError(f"{file}: expected finite numbers, found {array.dtype} with NaN, infinite or non-numeric "
                         "values. Extract the clip again, or leave it out.")
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
    """What the axes of a dataset's figures need."""

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
    except (ValueError, TypeError) as error:
        raise DataError(f"{file}: expected a JSON object with the numbers frames_per_second, fmax, rows and the text "
                         f"source, found something else ({error}). Correct it, or remove it for the course's values."
                         ) from None
    if not (meta.frames_per_second > 0 and meta.fmax > 0 and meta.rows in (N_MELS, N_MELS + N_CHROMA)):
        raise DataError(f"{file}: expected frames_per_second and fmax above 0 and 128 or 140 rows, found {meta}. "
                         "Correct it, or remove it for the course's values.")
    return meta


# --- labels and lengths ----------------------------------------------------------------------------------------------

class LabelTransformer:
    """Genres to class indices and back; the classes are the sorted genres seen by `fit`."""

    def __init__(self):
        self.classes_: list[str] = []

    def fit(self, labels: Sequence[str]) -> "LabelTransformer":
        """Learn the classes; returns itself."""
        self.classes_ = sorted(set(labels))
        return self

    def transform(self, labels: str | Sequence[str]) -> int | np.ndarray:
        """The index of one genre, or an int array of the indices of several. Raises ValueError on an unknown genre."""
        if not isinstance(labels, str):
            return np.array([self.transform(label) for label in labels], dtype=int)
        if labels not in self.classes_:
            raise ValueError(f"Expected one of the {len(self.classes_)} genres {', '.join(self.classes_)}, found "
                             f"{labels!r}. Fit the transformer on the training labels, with the same class_mapping.")
        return self.classes_.index(labels)

    def inverse(self, indices: int | Sequence[int]) -> str | list[str]:
        """The genre of one index, or a list of those of several. Raises ValueError on an index outside the classes."""
        if np.ndim(indices) > 0:
            return [self.inverse(index) for index in indices]
        if not 0 <= int(indices) < len(self.classes_):
            raise ValueError(f"Expected a class index from 0 to {len(self.classes_) - 1}, found {indices}.")
        return self.classes_[int(indices)]


def silence(features: int) -> np.ndarray:
    """What one silent frame holds, float32 (F,): -80 dB in a mel band, 0 in a chroma bin.

    Raises ValueError unless `features` is 128, 12 or 140.
    """
    if features not in (N_MELS, N_CHROMA, N_MELS + N_CHROMA):
        raise ValueError(f"Expected 128 (mel), 12 (chroma) or 140 (fused) features, found {features}: what silence is "
                         "there is not known. Give padding_value.")
    mels = 0 if features == N_CHROMA else N_MELS
    return np.repeat(np.float32([SILENCE_DB, 0]), [mels, features - mels])


class PaddingTransform:
    """Bring a clip to a fixed number of frames.

    A longer clip is CUT: only its first `max_length` frames are kept (150 frames of the course's spectrograms are 3.5
    of 30 seconds). A shorter one is padded at its end.

    Parameters
    ----------
    max_length : frames of the result, at least 1.
    padding_value : what a padded frame holds: a number, or one for each feature, (F,). The default -80 dB is silence
        in a mel spectrogram, where 0 would be the loudest value. For chroma 0 is right; for fused rows give
        `silence(140)`.

    Used in: notebooks/04_dataset
    """

    def __init__(self, max_length: int, padding_value: float | Sequence[float] = SILENCE_DB):
        if max_length < 1:
            raise ValueError(f"Expected max_length of at least 1 frame, found {max_length}.")
        self.max_length = int(max_length)
        self.padding_value = padding_value

    def __call__(self, clip: np.ndarray) -> np.ndarray:
        """(L, F) -> (max_length, F), the dtype kept."""
        clip = np.asarray(clip)
        padded = np.empty((self.max_length, clip.shape[1]), dtype=clip.dtype)
        length = min(len(clip), self.max_length)
        padded[:length] = clip[:length]
        padded[length:] = np.asarray(self.padding_value)
        return padded


def collate_padded(batch: Sequence, padding_value: float | Sequence[float] | None = None):
    """Make one batch of items of different lengths, padded to the longest among them.

    Parameters
    ----------
    batch : items (x (L, F), label, length) as `SpectrogramDataset` gives them.
    padding_value : as in PaddingTransform; None = silence.

    Returns
    -------
    x (B, L, F) float32, y (B,) or (B, 3), lengths (B,) long.
    """
    clips, labels, lengths = zip(*batch, strict=True)
    longest = max(len(clip) for clip in clips)
    if all(len(clip) == longest for clip in clips):
        x = torch.stack(clips)
    else:
        value = silence(clips[0].shape[1]) if padding_value is None else padding_value
        pad = PaddingTransform(longest, value)
        x = torch.from_numpy(np.stack([pad(clip.numpy()) for clip in clips]))
    return x, torch.stack([torch.as_tensor(label) for label in labels]), torch.tensor(lengths, dtype=torch.long)


# --- groups and splits -----------------------------------------------------------------------------------------------

def groups_of(ids: Sequence[str], root: str | Path) -> list[str]:
    """The group of each id: clips that belong on one side of a split, as a rule an album.

    Parameters
    ----------
    ids : bare ids.
    root : the folder that may hold `groups.txt` (`Id<TAB>Group`, with header). Without it a new group starts where
        the sorted numeric ids part by more than 10, and every other id is a group of its own.

    Returns
    -------
    list of group names, one for each id.

    Raises
    ------
    DataError : a malformed line in `groups.txt`, or an id that it lacks.

    Used in: notebooks/04_dataset
    """
    file = Path(root) / "groups.txt"
    groups = {}
    if file.is_file():
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        if lines[:1] != ["Id\tGroup"]:
            raise DataError(f"{file}, line 1: expected the header 'Id<TAB>Group', found {''.join(lines[:1])[:80]!r}.")
        for number, line in enumerate(lines[1:], start=2):
            fields = line.split("\t")
            if line.strip() and len(fields) != 2:
                raise DataError(f"{file}, line {number}: expected an id, a tab and a group, found {line[:80]!r}. "
                                 "Correct or remove the line.")
            if line.strip():
                groups[clip_id(fields[0])] = fields[1].strip()
        missing = [clip for clip in ids if clip not in groups]
        if missing:
            raise DataError(f"{file}: expected a group for each clip, found none for {len(missing)}, the first "
                             f"{missing[0]!r}. Add them, or remove the file to group by neighbouring ids.")
    else:
        last = None
        for clip in sorted(set(ids), key=id_order):
            if clip.isdecimal():
                near = last is not None and int(clip) - int(last) <= NEIGHBOUR_GAP
                groups[clip] = groups[last] if near else clip
                last = clip
            else:
                groups[clip] = clip
    return [groups[clip] for clip in ids]


def neighbour_leak(train_ids: Sequence[str], test_ids: Sequence[str], distance: int = 5) -> dict[int, float]:
    """How many test clips have a training clip close by in id, most likely of the same album.

    Parameters
    ----------
    train_ids, test_ids : bare ids; those that are no numbers have no neighbours.
    distance : the second, wider distance, >= 1.

    Returns
    -------
    {1: share, distance: share}, shares of the test ids in [0, 1]; NaN without test ids.

    Used in: notebooks/04_dataset
    """
    train = np.array(sorted(int(clip) for clip in train_ids if clip.isdecimal()), dtype=np.int64)
    test = np.array([int(clip) for clip in test_ids if clip.isdecimal()], dtype=np.int64)

    def share(within: int) -> float:
        first = np.searchsorted(train, test - within, side="left")
        last = np.searchsorted(train, test + within, side="right")
        return float(np.sum(last > first) / len(test_ids)) if len(test_ids) else float("nan")

    return {within: share(within) for within in (1, distance)}


def split_indices(n: int, val_size: float = 0.2, shuffle: bool = True, seed: int = 42, *,
                  labels: Sequence | None = None, groups: Sequence | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Part n items into training and validation, the same for the same arguments.

    The groups (without `groups`, the single items) are looked at one by one, in an order drawn from `seed`; one goes to
    validation when that brings validation closer to its share of each class.

    Parameters
    ----------
    n : number of items, at least 2.
    val_size : share of validation, between 0 and 1.
    shuffle : False = look at them in the order in which they stand.
    labels : a class for each item; each class is parted in that share, as near as whole groups allow; None = only
        the total is.
    groups : a group for each item; no group is on both sides.

    Returns
    -------
    train, val : sorted int arrays, without overlap, together 0 to n - 1, neither empty.

    Raises
    ------
    ValueError : fewer than two items or groups, or a share outside (0, 1).

    Used in: notebooks/04_dataset
    """
    if not 0 < val_size < 1:
        raise ValueError(f"Expected val_size between 0 and 1, found {val_size}.")
    for name, values in (("labels", labels), ("groups", groups)):
        if values is not None and len(values) != n:
            raise ValueError(f"Expected {n} {name}, one for each item, found {len(values)}.")
    names, group = np.unique(np.arange(n) if groups is None else np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"Expected at least two {'items' if groups is None else 'groups'} to part, found "
                         f"{len(names)}. Use more data{'' if groups is None else ', or groups=None'}.")
    classes = np.zeros(n, dtype=int) if labels is None else np.unique(np.asarray(labels), return_inverse=True)[1]
    counts = np.zeros((len(names), classes.max() + 1))
    np.add.at(counts, (group, classes), 1)
    counts = np.column_stack([counts, counts.sum(axis=1)])  # the last column counts all classes together
    target = val_size * counts.sum(axis=0)
    order = np.arange(len(names))
    if shuffle:
        order = np.random.default_rng(seed).permutation(order)

    in_val, held = np.zeros(len(names), dtype=bool), np.zeros(len(target))
    # First each class by itself; then, where classes are too small for a share of their own, the total decides too.
    for columns in (slice(0, -1), slice(None)):
        for index in order:
            if not in_val[index]:
                before = np.sum((held - target)[columns] ** 2 / target[columns])
                after = np.sum((held + counts[index] - target)[columns] ** 2 / target[columns])
                if after < before:
                    in_val[index] = True
                    held += counts[index]
    if in_val.all() or not in_val.any():  # few groups: the smallest one alone stands against the rest
        smallest = order[np.argmin(counts[order, -1])]
        in_val[smallest] = not in_val[smallest]
    chosen = in_val[group]
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def torch_train_val_split(dataset: Dataset, batch_train: int, batch_eval: int, val_size: float = 0.2,
                          shuffle: bool = True, seed: int = 42, *, groups: Sequence | None = None,
                          stratify: bool = True) -> tuple[DataLoader, DataLoader]:
    """Part a dataset into a training and a validation loader, the same at each call with the same seed.

    Parameters
    ----------
    dataset : as a rule a SpectrogramDataset.
    batch_train, batch_eval : clips in a batch of each loader.
    val_size, seed : as `split_indices`.
    shuffle : draw the parts, and the order of the training batches in each epoch, from `seed`; False = as they stand.
    groups : one for each clip; give `dataset.groups` to keep albums on one side. None parts by single clips, which
        flatters every model.
    stratify : keep the shares of the genres, where the dataset has genres.

    Returns
    -------
    train_loader, val_loader : batches (x (B, L, F), y, lengths), padded to the longest clip of the batch.

    Raises
    ------
    ValueError : as `split_indices`.

    Used in: notebooks/04_dataset
    """
    labels = getattr(dataset, "labels", None) if stratify else None
    if labels is not None and not all(isinstance(label, str) for label in labels):
        labels = None
    train, val = split_indices(len(dataset), val_size, shuffle, seed, labels=labels, groups=groups)
    collate = getattr(dataset, "collate", collate_padded)
    train_loader = DataLoader(Subset(dataset, train.tolist()), batch_train, shuffle=shuffle, collate_fn=collate,
                              generator=torch.Generator().manual_seed(seed))
    return train_loader, DataLoader(Subset(dataset, val.tolist()), batch_eval, collate_fn=collate)


def limit_per_class(classes: Sequence, groups: Sequence[str], limit: int, seed: int = 42) -> list[int]:
    """At most `limit` items of each class, whole groups, drawn from `seed`; the indices kept, sorted.

    A group that would pass the limit is left out; where every group of a class is larger than the limit, the first
    items of its smallest group are kept, so that no class is lost.
    """
    if limit < 1:
        raise ValueError(f"Expected max_per_class of at least 1, found {limit}. None keeps all clips.")
    rng = np.random.default_rng(seed)
    kept = []
    for name in sorted(set(classes)):
        members: dict[str, list[int]] = {}
        for index, (label, group) in enumerate(zip(classes, groups, strict=True)):
            if label == name:
                members.setdefault(group, []).append(index)
        chosen: list[int] = []
        for group in rng.permutation(sorted(members)):
            if len(chosen) + len(members[group]) <= limit:
                chosen += members[group]
        kept += chosen or min(members.values(), key=len)[:limit]
    return sorted(kept)


# --- the dataset -----------------------------------------------------------------------------------------------------

def _map_genre(genre: str, class_mapping: dict[str, str | None] | None, where: Path) -> str | None:
    """The class of a genre, None when it is dropped."""
    if class_mapping is None:
        return genre
    if genre not in class_mapping:
        raise DataError(f"{where}: expected genres that class_mapping knows ({', '.join(sorted(class_mapping))}), "
                         f"found {genre!r}. Add it to the mapping, or give class_mapping=None to keep every genre.")
    return class_mapping[genre]


def _regression_columns(index: int | str | None) -> int | None:
    """The column of (valence, energy, danceability) that `regression_label_index` asks for; None = all three."""
    if index is None or index == "all":
        return None
    if isinstance(index, str) and index in AFFECT:
        return AFFECT.index(index)
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool) and 0 <= index < len(AFFECT):
        return int(index)
    raise ValueError(f"Expected regression_label_index 0, 1, 2, one of {', '.join(AFFECT)}, or 'all', found {index!r}.")


class SpectrogramDataset(Dataset):
    """The clips of one split of a genre or mood folder; the label file's header decides which it is.

    Items are `(x, label, length)`: x float32 (L, F), time first; length the number of frames that are music, not
    padding. The label of a genre clip is its class index (long; -1 where the clip has no label), that of a mood clip
    one float32 or, for 'all', three (NaN where the clip has none). Files are read when an item is asked for.

    Parameters
    ----------
    path : a dataset folder, such as `fma_genre_spectrograms`.
    class_mapping : genre -> class, None as a value drops the genre; `class_mapping=None` keeps every genre as it is.
    train : True = `train/`, False = `test/`.
    feat_type : 'mel' (F = 128), 'chroma' (12) or 'fused' (140).
    max_length : pad or CUT every item to so many frames; None leaves them as they are, and the loader pads each batch.
    regression_label_index : mood folders only: 0, 1, 2, 'valence', 'energy', 'danceability', or 'all' (as None).
    padding_value : number or (F,); None = silence: -80 dB in mel bands, 0 in chroma bins.
    label_transformer : genre -> index; None fits one on the training labels of this folder, also for the test split,
        so that both are encoded alike.
    max_per_class : at most so many clips of a class, whole groups, drawn with a fixed seed; a quarter of it for the
        test split, five times as many for a mood set, which has no classes. A split without labels is never cut down.

    Attributes
    ----------
    ids, files, labels, groups : one entry for each clip; `labels` are classes (after the mapping) or (v, e, d).
    genres_before : genres as in the label file, before mapping and limit; empty for a mood folder.
    kind : 'genre' or 'mood'.
    label_transformer : see above; None for a mood folder.
    feature_rows : F.
    meta : the Meta of the folder above.

    Raises
    ------
    DataError : a folder, a label file or the clip of a label is missing; malformed labels; a genre that the mapping
        does not know; no clip left.
    ValueError : a wrong argument.

    Used in: notebooks/04_dataset
    """

    def __init__(self, path: str | Path, class_mapping: dict[str, str | None] | None = CLASS_MAPPING,
                 train: bool = True, feat_type: str = "mel", max_length: int | None = None,
                 regression_label_index: int | str | None = None,
                 padding_value: float | Sequence[float] | None = None,
                 label_transformer: LabelTransformer | None = None, max_per_class: int | None = None):
        if feat_type not in FEAT_TYPES:
            raise ValueError(f"Expected feat_type to be one of {', '.join(FEAT_TYPES)}, found {feat_type!r}.")
        self.path, self.feat_type, self.split = Path(path), feat_type, "train" if train else "test"
        self.feature_rows = {"mel": N_MELS, "chroma": N_CHROMA, "fused": N_MELS + N_CHROMA}[feat_type]
        self.padding_value = silence(self.feature_rows) if padding_value is None else padding_value
        self.max_length = max_length
        self._pad = None if max_length is None else PaddingTransform(max_length, self.padding_value)
        self.meta = read_meta(self.path.parent)
        self.genres_before: list[str] = []

        train_txt, txt = self.path / "train_labels.txt", self.path / f"{self.split}_labels.txt"
        if not train_txt.is_file():
            raise DataError(f"Expected a dataset folder with train/ and train_labels.txt at {self.path}, found "
                                    "no train_labels.txt. Check the path.")
        self.kind = label_kind(train_txt)
        if self.kind == "genre" and regression_label_index is not None:
            raise ValueError(f"{self.path}: expected regression_label_index=None, since this folder holds genres, "
                             f"found {regression_label_index!r}. Use a mood folder, such as multitask_dataset.")
        self._column = _regression_columns(regression_label_index)
        self.is_labelled = txt.is_file()
        if self.is_labelled:
            self.files, self.labels = self.get_files_labels(txt, class_mapping)
        else:
            self.files = list(list_clips(self.path, self.split).values())
            self.labels = [None if self.kind == "genre" else (float("nan"),) * 3] * len(self.files)
        if not self.files:
            raise DataError(f"{self.path}: expected at least one clip in {self.split}/, found none"
                             + (" after class_mapping." if self.genres_before else ".") + " Check the dataset.")
        self.ids = [clip_id(file.name) for file in self.files]
        self.groups = groups_of(self.ids, self.path.parent)

        if max_per_class is not None and self.is_labelled:
            limit = max_per_class if train else -(-max_per_class // 4)
            classes = self.labels if self.kind == "genre" else ["mood"] * len(self.ids)
            kept = limit_per_class(classes, self.groups, limit if self.kind == "genre" else limit * MOOD_CLASSES)
            self.ids, self.files, self.labels, self.groups = (
                [values[index] for index in kept] for values in (self.ids, self.files, self.labels, self.groups))

        self.label_transformer = label_transformer
        if self.kind == "genre" and label_transformer is None:
            genres = (_map_genre(genre, class_mapping, train_txt) for genre in read_label_file(train_txt).values())
            self.label_transformer = LabelTransformer().fit([genre for genre in genres if genre is not None])
        if self.kind == "genre" and self.is_labelled:
            self._targets = torch.from_numpy(self.label_transformer.transform(self.labels)).long()
        elif self.kind == "genre":
            self._targets = torch.full((len(self.ids),), -1)
        else:
            targets = torch.tensor(self.labels, dtype=torch.float32)
            self._targets = targets if self._column is None else targets[:, self._column]

    def get_files_labels(self, txt: str | Path, class_mapping: dict[str, str | None] | None):
        """The files and the labels of a label file, genres mapped and dropped; two lists of one length.

        Raises DataError when a clip of the label file is not on disk, or on a genre that the mapping does not know.
        """
        txt = Path(txt)
        labels = read_label_file(txt)
        if self.kind == "genre":
            self.genres_before = list(labels.values())
            labels = {clip: _map_genre(genre, class_mapping, txt) for clip, genre in labels.items()}
        clips = list_clips(self.path, self.split)
        wanted = {clip: label for clip, label in labels.items() if label is not None}
        missing = [clip for clip in wanted if clip not in clips]
        if missing:
            raise DataError(f"{txt}: expected a file in {self.split}/ for each label, found none for "
                                    f"{len(missing)} of {len(wanted)}, the first {missing[0]!r}. "
                                    "Complete the folder, or remove those lines.")
        return [clips[clip] for clip in wanted], list(wanted.values())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        clip = read_spectrogram(self.files[index], self.feat_type)
        length = len(clip)
        if self._pad is not None:
            clip, length = self._pad(clip), min(length, self.max_length)
        return torch.from_numpy(clip), self._targets[index], length

    @property
    def targets(self) -> torch.Tensor:
        """All labels as the items give them, (N,) or (N, 3), without reading a clip."""
        return self._targets

    def collate(self, batch: Sequence):
        """`collate_padded` with this dataset's padding value."""
        return collate_padded(batch, self.padding_value)

    def frames(self) -> np.ndarray:
        """The number of frames of each clip on disk, int (N,), read from the files' headers."""
        return np.array([clip_shape(file)[1] for file in self.files])

    def describe(self) -> str:
        """One sentence on the clips and on what `max_length` cuts off them."""
        frames = self.frames()
        text = f"{len(self)} {self.split} clips of {frames.min()} to {frames.max()} frames, {self.feat_type}"
        if self.max_length is None:
            return text + ", each at its own length."
        cut = int(np.sum(frames > self.max_length))
        kept = np.minimum(frames, self.max_length).sum() / frames.sum()
        return text + (f"; max_length={self.max_length} cuts {cut} of them and keeps {100 * kept:.1f} % of all frames.")
