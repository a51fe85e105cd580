"""Predictions, and what they are worth: always over all clips at once, never batch by batch."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import ConstantInputWarning, spearmanr
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from labkit.models import ModelError


def clips_of(dataset: Dataset) -> list:
    """Which clips a dataset holds: the id of each item, also through `Subset` and `ConcatDataset`.

    A dataset without `ids` counts each of its items as a clip of its own.
    """
    if isinstance(dataset, Subset):
        clips = clips_of(dataset.dataset)
        return [clips[index] for index in dataset.indices]
    if isinstance(dataset, ConcatDataset):
        return [clip for part in dataset.datasets for clip in clips_of(part)]
    ids = getattr(dataset, "ids", None)
    return [(id(dataset), index) for index in range(len(dataset))] if ids is None else list(ids)


def check_apart(train_loader: DataLoader, other_loader: DataLoader) -> None:
    """Raise ModelError when a loader for scoring holds clips of the training loader: such a score says nothing."""
    scored = set(clips_of(other_loader.dataset))
    if both := scored & set(clips_of(train_loader.dataset)):
        raise ModelError(f"Expected clips for scoring that are not trained on, found {len(both)} of {len(scored)} "
                         "among the training clips. Score on the validation loader or the test loader.")


def predict(model: nn.Module, loader: DataLoader) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and labels of all clips of a loader, side by side, in the loader's order.

    The model is put into evaluation mode and stays in it. Labels may be missing (NaN or -1).

    Returns
    -------
    outputs (N,) or (N, K) and labels (N,) or (N, 3), as the model and the dataset give them.

    Raises
    ------
    ModelError : a loader without batches, or batches that do not fit.
    """
    device = next(model.parameters()).device
    model.eval()
    with torch.no_grad():
        batches = [(model(x.to(device), None, lengths)[1].cpu(), targets) for x, targets, lengths in loader]
    if not batches:
        raise ModelError("Expected at least one batch to predict, found none. Give a loader of at least one clip, with "
                         "drop_last=False.")
    outputs, targets = zip(*batches, strict=True)
    return torch.cat(outputs).numpy(), torch.cat(targets).numpy()


class Spearman(NamedTuple):
    """Rank correlations in [-1, 1]."""

    axes: tuple[float, ...]  # one for each column
    mean: float              # with three axes the course's metric


def spearman(predictions: np.ndarray, targets: np.ndarray) -> Spearman:
    """Spearman's rank correlation (1904) over all clips at once, for each axis, and the mean of the axes.

    Only the order counts, and ties share their mean rank. Where all predictions of an axis are alike there is no
    order, and the result is NaN.

    Parameters
    ----------
    predictions, targets : both (N,) or both (N, axes), as `predict` gives them; N at least 2.

    Raises
    ------
    ValueError : unequal shapes, fewer than two clips, or numbers that are missing.
    """
    predictions, targets = np.asarray(predictions, dtype=float), np.asarray(targets, dtype=float)
    if predictions.shape != targets.shape or targets.ndim not in (1, 2) or len(targets) < 2:
        raise ValueError("Expected predictions and labels of one shape, (N,) or (N, axes), N at least 2, found "
                         f"{predictions.shape} and {targets.shape}. Give both as `predict` returns them.")
    missing = [int(np.sum(~np.isfinite(values))) for values in (predictions, targets)]
    if any(missing):
        raise ValueError(f"Expected a number for each clip, found {missing[0]} predictions and {missing[1]} labels "
                         "that are none. Leave clips without labels out.")
    columns = zip(predictions.reshape(len(predictions), -1).T, targets.reshape(len(targets), -1).T, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        axes = tuple(float(spearmanr(one, other).statistic) for one, other in columns)
    return Spearman(axes, float(np.mean(axes)))
