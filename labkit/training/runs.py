"""Trainings that are kept: a lesson finds the network that an earlier one trained, or trains it."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from labkit.evaluation import check_apart, predict
from labkit.files import hold_lock
from labkit.models import ModelError
from labkit.profiles import cache_root
from labkit.training.config import TrainingConfig
from labkit.training.loop import History, fit
from labkit.training.state import MODEL, STATE, DamagedFile, code_prefix, training_digest

PATIENCE = 2.0  # seconds to wait for another process before saying so


def trained(name: str, build: Callable[[], nn.Module], train_loader: DataLoader, val_loader: DataLoader | None,
            config: TrainingConfig, *, progress: bool = False, device: str | torch.device | None = None
            ) -> tuple[nn.Module, History]:
    """A trained model: out of the cache when the same training was done before, else trained now and kept there.

    The folder is `runs/<digest>/` of the cache; the digest stands for the network, its first weights, the clips of both
    loaders, every setting and the code. A training that was interrupted goes on, one whose file is damaged is done
    again. Two processes that want the same one train it once. torch's random numbers are afterwards where they were.

    Parameters
    ----------
    name : what a person calls it; stands in messages and in the checkpoint.
    build : makes the untrained model, `config.seed` having been set.
    train_loader, val_loader, config, progress, device : as `fit`.

    Returns
    -------
    the model, in evaluation mode, and its History.

    Raises
    ------
    ModelError : as `fit`, or a cache that cannot be written to.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/09a_transfer, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = build()
        folder: Path = cache_root() / "runs" / training_digest(model, train_loader, val_loader, config)
        options = {"folder": folder, "progress": progress, "device": device}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with hold_lock(folder / "lock", PATIENCE, lambda: f"Another process trains {name}; waiting for it."):
                try:
                    return model, fit(model, train_loader, val_loader, config, **options)
                except DamagedFile:
                    for file in (folder / MODEL, folder / STATE):
                        file.unlink(missing_ok=True)
                    return model, fit(model, train_loader, val_loader, config, **options)
        except OSError as error:
            raise ModelError(f"{folder}: expected to keep the training of {name} there, found that it cannot be "
                             f"written ({error.strerror or error}). Set LAB_CACHE to a folder that can be.") from None


class CrossValidated(NamedTuple):
    """What `cross_validated` gives."""

    predicted: np.ndarray     # outputs, (N,) or (N, K), of the dataset's clips in its order: each by the held-out fold
    models: list[nn.Module]   # one for each fold
    histories: list[History]


def cross_validated(name: str, folds: Sequence[tuple[DataLoader, DataLoader, DataLoader]],
                    build: Callable[[DataLoader], nn.Module], config: TrainingConfig) -> CrossValidated:
    """A network for each fold, `trained`, and for each clip the prediction of the one whose fold held it out.

    The predictions of the folds are pooled: each network has its own idea of the middle, which costs a little where all
    are ranked together.

    Parameters
    ----------
    name : as `trained`; the number of the fold is added.
    folds : training, validation and held-out loaders of subsets of one dataset; each clip is held out once.
    build : makes the untrained model of a training loader.
    config : as `trained`.

    Used in: notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission,
        notebooks/12_your_own_music
    """
    models, histories, places, outputs = [], [], [], []
    for number, (train_loader, val_loader, held_loader) in enumerate(folds, start=1):
        check_apart(train_loader, held_loader)
        model, history = trained(f"{name}, fold {number}", partial(build, train_loader), train_loader, val_loader,
                                 config)
        models.append(model)
        histories.append(history)
        places += held_loader.dataset.indices
        outputs.append(predict(model, held_loader)[0])
    if sorted(places) != list(range(clips := len(folds[0][2].dataset.dataset))):
        raise ValueError(f"Expected folds that hold out each of {clips} clips once, found {len(places)} held out, "
                         f"{len(set(places))} of them different. Give all folds of one dataset.")
    return CrossValidated(np.concatenate(outputs)[np.argsort(places)], models, histories)


def remove_old() -> list[str]:
    """Remove from the cache every training that another version of the code did; returns their names.

    One that another process is doing stays.
    """
    import filelock

    gone = []
    for folder in sorted((cache_root() / "runs").glob("*")):
        if folder.is_dir() and not folder.name.startswith(code_prefix()):
            with contextlib.suppress(filelock.Timeout), filelock.FileLock(folder / "lock").acquire(timeout=0):
                shutil.rmtree(folder)
                gone.append(folder.name)
    return gone
