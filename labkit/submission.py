"""The file that the Kaggle competition of the course takes."""

from pathlib import Path

import numpy as np
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.datasets import AFFECT, collate_padded
from labkit.evaluation import clips_of, predict
from labkit.files import write_text
from labkit.models import ModelError


def kaggle_submission(model: nn.Module, data: Dataset | DataLoader, file: str | Path = "solution.txt") -> Path:
    """Predict all clips of a mood dataset and write `Id,valence,energy,danceability`, one line a clip.

    The lines follow the dataset, whatever the order of the loader.

    Parameters
    ----------
    model : a MultitaskRegressor, or another model with an output (B, 3).
    data : as a rule the unlabelled test split, or a loader of it.
    file : written whole or not at all.

    Returns
    -------
    the path of the file.

    Raises
    ------
    ModelError : clips without ids or with one id twice, an output of another shape, or a prediction that is no number.
    """
    dataset, size = (data.dataset, data.batch_size or 32) if isinstance(data, DataLoader) else (data, 32)
    clips = clips_of(dataset)
    if not all(isinstance(clip, str) for clip in clips) or len(set(clips)) != len(clips):
        raise ModelError("Expected a dataset in which each clip has an id of its own, found ids that are missing or "
                         "occur twice. Give a SpectrogramDataset.")
    whole = dataset
    while isinstance(whole, Subset):
        whole = whole.dataset
    collate = getattr(whole, "collate", collate_padded)
    outputs, _ = predict(model, DataLoader(dataset, size, collate_fn=collate))
    if outputs.shape != (len(clips), len(AFFECT)):
        raise ModelError(f"Expected an output of shape (N, {len(AFFECT)}) for {', '.join(AFFECT)}, found "
                         f"{outputs.shape}. Give a MultitaskRegressor.")
    if not np.isfinite(outputs).all():
        bad = [clip for clip, row in zip(clips, outputs, strict=True) if not np.isfinite(row).all()]
        raise ModelError(f"Expected a number for each clip, found none for {len(bad)} of them, the first {bad[0]!r}. "
                         "Train the model again: its weights are damaged.")
    lines = [",".join(("Id", *AFFECT)), *(f"{clip},{','.join(f'{value:.9g}' for value in row)}"
                                          for clip, row in zip(clips, outputs, strict=True))]
    write_text(Path(file), "\n".join(lines) + "\n")
    return Path(file)
