"""From the clips of a split to labelled, padded batches.

`SpectrogramDataset` gives torch's loader a whole batch at a time: the frames of all its clips are taken from the pack
straight into one padded block, which `collate` only passes on.
"""

import hashlib
import json
import math
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler, Subset

from labkit.datasets.layout import (
    AFFECT,
    CLASS_MAPPING,
    FEAT_TYPES,
    SILENCE_DB,
    clip_id,
    clip_shape,
    label_kind,
    list_clips,
    read_label_file,
    read_meta,
    read_spectrogram,
)
from labkit.datasets.packs import open_pack
from labkit.datasets.splits import MOOD_CLASSES, groups_of, limit_per_class, split_indices
from labkit.features import N_CHROMA, N_MELS
from labkit.profiles import DataError

JITTER = 0.1            # buckets are made by lengths that are off by up to this share, so that they differ each epoch
LARGE = 1 << 20         # values of a batch whose memory is worth keeping for the next one
CONSTANT = 1e-6         # a feature with a smaller deviation, dB or chroma, counts as one that never changes


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


class _Gathered(list):
    """Items that lie in one padded block already; `collated` is the batch that they make."""

    def __init__(self, items: Iterable, collated: tuple[torch.Tensor, torch.Tensor, torch.Tensor]):
        super().__init__(items)
        self.collated = collated


_FREE = deque(maxlen=3)  # arrays of batches that nobody holds any more


def _block(*shape: int) -> torch.Tensor:
    """An uninitialised float32 tensor; a large one lies where an earlier batch lay that nothing refers to any more.

    A fresh block of 21 MB costs 5 000 page faults for each batch, which take as long as the copy itself; and malloc,
    left to choose, may spread ten of them over memory.
    """
    size = math.prod(shape)
    if size < LARGE:
        return torch.empty(shape)
    try:
        place = _FREE.pop()
    except IndexError:
        place = np.empty(0, np.float32)
    if len(place) < size:
        place = np.empty(size, np.float32)
    array = place[:size].reshape(shape)
    weakref.finalize(array, _FREE.append, place)  # the tensor, and all views of it, keep the array alive
    return torch.from_numpy(array)


@cache
def _openmp() -> ThreadpoolController:
    """The threads that torch copies with.

    To copy a clip, one is faster than two that wait for each other, on a busy machine many times faster. It is torch
    that copies, because numpy takes 20 times as long to turn halves into floats.
    """
    return ThreadpoolController().select(user_api="openmp")


class SpectrogramDataset(Dataset):
    """The clips of one split of a genre or mood folder; the label file's header decides which it is.

    Items are `(x, label, length)`: x float32 (L, F), time first; length the number of frames that are music, not
    padding. The label of a genre clip is its class index (long; -1 where the clip has no label), that of a mood clip
    one float32 or, for 'all', three (NaN where the clip has none). A file that is no spectrogram is an error only when
    its clip is asked for.

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
    packed : read from the split's pack in the cache, which is made at first use (`labkit.datasets.packs`): many times
        faster, at most 1/32 dB off. False = read the files.

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
                 label_transformer: LabelTransformer | None = None, max_per_class: int | None = None,
                 packed: bool = True):
        if feat_type not in FEAT_TYPES:
            raise ValueError(f"Expected feat_type to be one of {', '.join(FEAT_TYPES)}, found {feat_type!r}.")
        self.path, self.feat_type, self.split = Path(path), feat_type, "train" if train else "test"
        self.feature_rows = {"mel": N_MELS, "chroma": N_CHROMA, "fused": N_MELS + N_CHROMA}[feat_type]
        self.padding_value = silence(self.feature_rows) if padding_value is None else padding_value
        if max_length is not None and max_length < 1:
            raise ValueError(f"Expected max_length of at least 1 frame, or None, found {max_length}.")
        self.max_length = max_length
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
        self._clips = list_clips(self.path, self.split)
        self.is_labelled = txt.is_file()
        if self.is_labelled:
            self.files, self.labels = self.get_files_labels(txt, class_mapping)
        else:
            self.files = list(self._clips.values())
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
            before = self.genres_before if train else read_label_file(train_txt).values()
            genres = {_map_genre(genre, class_mapping, train_txt) for genre in before}
            self.label_transformer = LabelTransformer().fit(genres - {None})
        if self.kind == "genre" and self.is_labelled:
            if strange := set(self.labels) - set(self.label_transformer.classes_):
                raise DataError(f"{txt}: expected the {len(self.label_transformer.classes_)} classes of the training "
                                f"part, found {', '.join(sorted(strange))} as well. Remove those lines, or map or drop "
                                "that genre by class_mapping in both parts.")
            self._targets = torch.from_numpy(self.label_transformer.transform(self.labels)).long()
        elif self.kind == "genre":
            self._targets = torch.full((len(self.ids),), -1)
        else:
            targets = torch.tensor(self.labels, dtype=torch.float32)
            self._targets = targets if self._column is None else targets[:, self._column]
        self._pack = open_pack(self.path, self.split, self._clips) if packed else None
        # Frames of each clip in the pack; 0 = its file is to be read, or to say what is wrong with it.
        self._held = self._pack.frames(self.ids, feat_type) if self._pack else np.zeros(len(self.ids), dtype=int)

    def get_files_labels(self, txt: str | Path, class_mapping: dict[str, str | None] | None):
        """The files and the labels of a label file, genres mapped and dropped; two lists of one length.

        Raises DataError when a clip of the label file is not on disk, or on a genre that the mapping does not know.
        """
        txt = Path(txt)
        labels = read_label_file(txt)
        if self.kind == "genre":
            self.genres_before = list(labels.values())
            labels = {clip: _map_genre(genre, class_mapping, txt) for clip, genre in labels.items()}
        wanted = {clip: label for clip, label in labels.items() if label is not None}
        missing = [clip for clip in wanted if clip not in self._clips]
        if missing:
            raise DataError(f"{txt}: expected a file in {self.split}/ for each label, found none for "
                                    f"{len(missing)} of {len(wanted)}, the first {missing[0]!r}. "
                                    "Complete the folder, or remove those lines.")
        return [self._clips[clip] for clip in wanted], list(wanted.values())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[torch.Tensor, torch.Tensor, int]]:
        """Several items; torch's loader asks for those of a batch at once."""
        read = {index: read_spectrogram(self.files[index], self.feat_type)
                for index in indices if not self._held[index]}
        lengths = [len(read[index]) if index in read else int(self._held[index]) for index in indices]
        if self.max_length is not None:
            lengths = [min(length, self.max_length) for length in lengths]
        x = _block(len(indices), self.max_length or max(lengths), self.feature_rows)
        padding = torch.as_tensor(np.asarray(self.padding_value, dtype=np.float32))
        with _openmp().limit(limits=1):
            for row, index, length in zip(x, indices, lengths, strict=True):
                blocks = [read[index][:length]] if index in read else \
                    self._pack.blocks(self.ids[index], self.feat_type, length)
                first = 0
                for block in blocks:  # one, or mel and chroma side by side
                    row[:length, first:first + block.shape[1]] = torch.from_numpy(block)
                    first += block.shape[1]
                row[length:] = padding
        targets = self._targets[list(indices)]
        clips = x if self.max_length else (row[:length] for row, length in zip(x, lengths, strict=True))
        return _Gathered(zip(clips, targets, lengths, strict=True), (x, targets, torch.tensor(lengths)))

    @property
    def targets(self) -> torch.Tensor:
        """All labels as the items give them, (N,) or (N, 3), without reading a clip."""
        return self._targets

    def collate(self, batch: Sequence):
        """`collate_padded` with this dataset's padding value; for a loader of this dataset or of a part of it."""
        return batch.collated if isinstance(batch, _Gathered) else collate_padded(batch, self.padding_value)

    @property
    def digest(self) -> str:
        """12 hexadecimal digits that change with the clips, their labels, or how they are read.

        Where the clips are read from their files, sizes and times of change stand for their contents.
        """
        where = [self._pack.content, self._held.tolist()] if self._pack else [
            (file.stat().st_size, file.stat().st_mtime_ns) for file in self.files]
        said = [self.ids, where, self.feat_type, self.max_length, np.asarray(self.padding_value).tolist()]
        values = hashlib.sha256(json.dumps(said).encode())
        values.update(self._targets.numpy().tobytes())
        return values.hexdigest()[:12]

    def frames(self) -> np.ndarray:
        """The number of frames of each clip, int (N,), before `max_length`; no clip is read for it."""
        return np.array([held or clip_shape(file)[1] for held, file in zip(self._held, self.files, strict=True)])

    def describe(self) -> str:
        """One sentence on the clips and on what `max_length` cuts off them."""
        frames = self.frames()
        text = f"{len(self)} {self.split} clips of {frames.min()} to {frames.max()} frames, {self.feat_type}"
        if self.max_length is None:
            return text + ", each at its own length."
        cut = int(np.sum(frames > self.max_length))
        kept = np.minimum(frames, self.max_length).sum() / frames.sum()
        return text + (f"; max_length={self.max_length} cuts {cut} of them and keeps {100 * kept:.1f} % of all frames.")


# --- standardisation -------------------------------------------------------------------------------------------------

class Standardise(nn.Module):
    """Bring each feature to mean 0 and deviation 1, in front of a network and saved with it.

    Fused input mixes a block in [-80, 0] dB with one in [0, 1]; without this step the chroma is invisible, and unscaled
    decibels make the first losses huge. Padding need not know of it: -80 dB becomes what -80 dB is after the step.

    Parameters
    ----------
    features : F. Until it is fitted, the module changes nothing.

    Attributes
    ----------
    mean, deviation : buffers (F,), float32.

    Used in: notebooks/04_dataset, notebooks/05_lstm_genre
    """

    def __init__(self, features: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    @classmethod
    def fit(cls, dataset: Dataset, indices: Sequence[int] | None = None) -> "Standardise":
        """A new module with the mean and deviation of each feature over all frames of some clips.

        Parameters
        ----------
        dataset : gives items (x (L, F), label, length); frames from `length` on are padding and are not counted.
        indices : the clips, as a rule those of the training part alone; None = all.

        Raises
        ------
        ValueError : no clip is chosen.
        """
        indices = range(len(dataset)) if indices is None else indices
        if len(indices) == 0:
            raise ValueError("Expected at least one clip to fit on, found none. Give the indices of the training part.")
        frames, first = 0, None
        for index in indices:
            x, _, length = dataset[int(index)]
            x = x[:length].numpy()
            if first is None:  # sums of differences to any frame: nothing is lost to a mean far from 0
                first, total, squares = x[0].astype(np.float64), np.zeros(x.shape[1]), np.zeros(x.shape[1])
            x = x - first
            frames += len(x)
            total += x.sum(axis=0)
            squares += np.einsum("tf,tf->f", x, x)
        deviation = np.sqrt(np.maximum(squares - total ** 2 / frames, 0) / frames)
        deviation[deviation < CONSTANT] = 1  # a band that never changes becomes 0, not infinite
        fitted = cls(len(deviation))
        fitted.mean.copy_(torch.from_numpy(first + total / frames))
        fitted.deviation.copy_(torch.from_numpy(deviation))
        return fitted

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., F) -> the same shape."""
        return (x - self.mean) / self.deviation


# --- loaders ---------------------------------------------------------------------------------------------------------

class BucketSampler(Sampler[list[int]]):
    """Batches of clips of about the same length, so that little is padded; each clip once an epoch.

    Parameters
    ----------
    lengths : frames of each clip, (N,).
    batch_size : clips in a batch at most; where the clips do not fill all batches, all are smaller by one or a few.
    shuffle : draw other batches, in another order, each epoch; False = by length.
    generator : torch's, from which the epochs are drawn; None = torch's own. Its state at the end of an epoch is all
        that is needed to go on from there.

    Used in: notebooks/04_dataset
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, shuffle: bool = True,
                 generator: torch.Generator | None = None):
        if batch_size < 1:
            raise ValueError(f"Expected a batch_size of at least 1, found {batch_size}.")
        self.lengths = torch.as_tensor(np.asarray(lengths), dtype=torch.float32)
        self.batch_size, self.shuffle, self.generator = batch_size, shuffle, generator

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self):
        lengths, order = self.lengths, torch.arange(len(self))
        if self.shuffle:
            noise = 2 * torch.rand(len(lengths), generator=self.generator) - 1
            lengths, order = lengths * (1 + JITTER * noise), torch.randperm(len(self), generator=self.generator)
        # Equal parts: a rest of one or two clips would be the longest ones each time, and weigh more than all others.
        batches = torch.argsort(lengths, stable=True).tensor_split(max(len(self), 1))
        return (batches[number].tolist() for number in order)


def torch_train_val_split(dataset: Dataset, batch_train: int, batch_eval: int, val_size: float = 0.2,
                          shuffle: bool = True, seed: int = 42, *, groups: Sequence | None = None,
                          stratify: bool = True, bucket: bool = False) -> tuple[DataLoader, DataLoader]:
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
    bucket : training batches of clips of about the same length (`BucketSampler`), which pays where lengths differ
        much, as beat-synchronous ones do. The validation clips stay in their order.

    Returns
    -------
    train_loader, val_loader : batches (x (B, L, F), y, lengths), padded to the longest clip of the batch. The training
        loader draws each epoch from its `generator`.

    Raises
    ------
    ValueError : as `split_indices`; or `bucket` for a dataset that has no method `frames`.

    Used in: notebooks/04_dataset
    """
    labels = getattr(dataset, "labels", None) if stratify else None
    if labels is not None and not all(isinstance(label, str) for label in labels):
        labels = None
    train, val = split_indices(len(dataset), val_size, shuffle, seed, labels=labels, groups=groups)
    return two_loaders(dataset, train, val, batch_train, batch_eval, shuffle, seed, bucket=bucket)


def two_loaders(dataset: Dataset, train: np.ndarray, val: np.ndarray, batch_train: int, batch_eval: int,
                shuffle: bool = True, seed: int = 42, *, bucket: bool = False) -> tuple[DataLoader, DataLoader]:
    """The loaders of two parts of a dataset, each given by its places; the rest as `torch_train_val_split`."""
    collate = getattr(dataset, "collate", collate_padded)
    generator = torch.Generator().manual_seed(seed)
    if bucket:
        if not hasattr(dataset, "frames"):
            raise ValueError(f"Expected a dataset with a method frames() for bucket=True, found "
                             f"{type(dataset).__name__}. Use a SpectrogramDataset, or bucket=False.")
        how = {"batch_sampler": BucketSampler(dataset.frames()[train], batch_train, shuffle, generator)}
    else:
        how = {"batch_size": batch_train, "shuffle": shuffle}
    train_loader = DataLoader(Subset(dataset, train.tolist()), collate_fn=collate, generator=generator, **how)
    return train_loader, DataLoader(Subset(dataset, val.tolist()), batch_eval, collate_fn=collate)
