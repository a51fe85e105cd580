"""From a folder in the course's layout to labels, splits and batches.

    layout     label files, clips, `meta.json`: what is on disk, whatever it is called there
    splits     groups, the leak between neighbours, stratified splits of whole groups
    packs      a split in one memory-mapped file, made once
    batches    labels as indices, padding, `SpectrogramDataset`, standardisation, loaders
    verify     whether a dataset is sound, and its checksums
    convert    the same dataset in another form on disk
    fetch      published datasets, downloaded and checked

The public names of `layout`, `splits` and `batches` can be imported from here. Only `batches` needs torch, which is
loaded with the first name of it.
"""

from labkit.datasets.layout import (
    AFFECT,
    CLASS_MAPPING,
    FEAT_TYPES,
    FOLDERS,
    SILENCE_DB,
    SPLITS,
    Meta,
    clip_id,
    clip_shape,
    find_clip,
    id_order,
    label_kind,
    list_clips,
    read_array,
    read_chromagram,
    read_fused_spectrogram,
    read_label_file,
    read_labels,
    read_mel_spectrogram,
    read_meta,
    read_spectrogram,
)
from labkit.datasets.splits import (
    MOOD_CLASSES,
    NEIGHBOUR_GAP,
    album_leak,
    groups_of,
    limit_per_class,
    neighbour_leak,
    split_indices,
)

_BATCHES = ("BucketSampler", "LabelTransformer", "PaddingTransform", "SpectrogramDataset", "Standardise",
            "collate_padded", "silence", "torch_train_val_split", "two_loaders")

__all__ = ["AFFECT", "CLASS_MAPPING", "FEAT_TYPES", "FOLDERS", "MOOD_CLASSES", "NEIGHBOUR_GAP", "SILENCE_DB", "SPLITS",
           "Meta", "album_leak", "clip_id", "clip_shape", "find_clip", "groups_of", "id_order", "label_kind",
           "limit_per_class", "list_clips", "neighbour_leak", "read_array", "read_chromagram", "read_fused_spectrogram",
           "read_label_file", "read_labels", "read_mel_spectrogram", "read_meta", "read_spectrogram", "split_indices",
           *_BATCHES]


def __getattr__(name: str):
    """A name of `batches`, which is loaded when one is first asked for."""
    if name not in _BATCHES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from labkit.datasets import batches

    return getattr(batches, name)
