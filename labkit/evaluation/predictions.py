"""The outputs of a model for all clips of a loader, side by side with their labels."""

import numpy as np
import torch
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

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/08_emotion, notebooks/09a_transfer, notebooks/10_submission, notebooks/11_latent_spaces,
        notebooks/12_your_own_music
    """
    device = next(model.parameters()).device
    model.eval()
    batches = []
    for x, targets, lengths in loader:
        with torch.inference_mode():  # round the model alone: what the loader keeps must stay fit for training
            batches.append((model(x.to(device), None, lengths)[1].cpu(), targets))
    if not batches:
        raise ModelError("Expected at least one batch to predict, found none. Give a loader of at least one clip, with "
                         "drop_last=False.")
    outputs, targets = zip(*batches, strict=True)
    return torch.cat(outputs).numpy(), torch.cat(targets).numpy()
