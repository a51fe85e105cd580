"""Training: one loop over batches, the best epoch kept."""

import math
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from labkit.evaluation import check_apart
from labkit.models import ModelError, save_checkpoint


@dataclass
class History:
    """The mean loss of a clip, one number for each epoch."""

    train: list[float] = field(default_factory=list)  # while the weights move, dropout on
    val: list[float] = field(default_factory=list)    # after the epoch, dropout off; empty without validation

    @property
    def best_epoch(self) -> int:
        """The epoch of the lowest validation loss, counted from 1. Raises ValueError without one."""
        return 1 + self.val.index(min(self.val))


class EarlyStopper:
    """Keeps the weights of the lowest validation loss, and says when to stop waiting for a lower one.

    Parameters
    ----------
    patience : epochs without an improvement after which to stop, at least 1.
    min_delta : how much lower a loss must be to count as an improvement; the best weights are kept however small it is.
    save_path : where the best weights are written at each new minimum; None = kept in memory alone.

    Attributes
    ----------
    best_loss : the lowest loss so far.
    best_epoch : its epoch, counted from 1.
    """

    def __init__(self, patience: int = 5, min_delta: float = 0.0, save_path: str | Path | None = None):
        self.patience, self.min_delta, self.save_path = patience, min_delta, save_path
        self.reset()

    def reset(self) -> None:
        """Forget all epochs; `train` begins with it, so that no weights of another training are kept."""
        self.best_loss, self.best_epoch = math.inf, 0
        self._epoch, self._improved, self._goal = 0, 0, math.inf
        self._weights = None

    def early_stop(self, loss: float, model: nn.Module) -> bool:
        """Call it once after each epoch, with the validation loss; True = stop."""
        self._epoch += 1
        if loss < self._goal - self.min_delta:
            self._goal, self._improved = loss, self._epoch
        if loss < self.best_loss:
            self._weights = deepcopy(model.state_dict())
            self.best_loss, self.best_epoch = loss, self._epoch
            if self.save_path is not None:
                save_checkpoint(model, self.save_path, epoch=self._epoch, loss=loss)
        return self._epoch - self._improved >= self.patience

    def restore(self, model: nn.Module) -> None:
        """Put the best weights back into the model. Raises ModelError when no epoch had a loss that is a number."""
        if self._weights is None:
            raise ModelError(f"Expected an epoch with a finite validation loss, found none among {self._epoch}. Call "
                             "early_stop after each epoch first; if the loss was no number, lower the learning rate.")
        model.load_state_dict(self._weights)


@contextmanager
def _small_numbers_as_zero():
    """Numbers next to 0, as the fading gradients of a long LSTM, slow a CPU many times: for a while they count as 0."""
    before = bool(torch.tensor(1e-40, dtype=torch.float32, device="cpu") / 2 == 0)  # torch has no other way to tell
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def _check_optimizer(model: nn.Module, optimizer: Optimizer) -> None:
    """Raise ModelError when a weight that is to be trained would not move, as with the optimizer of another model."""
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    trainable = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    if left_out := [name for name, weight in trainable if id(weight) not in held]:
        raise ModelError(f"Expected an optimizer of all {len(trainable)} trainable parameters of the model, found one "
                         f"without {len(left_out)} of them, the first {left_out[0]!r}. Make it from "
                         "model.parameters() of this very model; freeze what is not to move by requires_grad_(False).")


def run_epoch(model: nn.Module, batches: Iterable, optimizer: Optimizer | None = None) -> float:
    """One pass over all batches (x, targets, lengths): with an optimizer it trains, without one it only measures.

    Returns the mean loss of a clip; each clip counts alike, also those of a smaller last batch. Raises ModelError when
    a loss is infinite or NaN, there is no batch, or the optimizer leaves out a trainable parameter of the model.
    """
    if optimizer is not None:
        _check_optimizer(model, optimizer)
    device = next(model.parameters()).device
    model.train(optimizer is not None)
    total, clips = 0.0, 0
    with _small_numbers_as_zero(), torch.set_grad_enabled(optimizer is not None):
        for x, targets, lengths in batches:
            loss, _ = model(x.to(device), targets.to(device), lengths)
            if not torch.isfinite(loss):
                raise ModelError(f"Expected a finite loss, found {loss.item()} after {clips} clips. Standardise the "
                                 "input, or lower the learning rate.")
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total, clips = total + loss.item() * len(x), clips + len(x)
    if not clips:
        raise ModelError("Expected at least one batch, found none. Lower the batch size, or give more clips.")
    return total / clips


def overfit_with_a_couple_of_batches(model: nn.Module, train_loader: DataLoader, optimizer: Optimizer,
                                     device: str | torch.device | None = None, batches: int = 3,
                                     epochs: int = 200) -> list[float]:
    """Train on a few batches alone: a network that can learn brings their loss near 0.

    A test of the code, not of the music; dropout and weight decay off make it clear-cut. Build the model anew for the
    training that follows.

    Parameters
    ----------
    model, train_loader, optimizer, device : as `train`.
    batches : how many of the loader's batches, the same in each epoch.
    epochs : passes over them.

    Returns
    -------
    the mean loss of a clip in each epoch.
    """
    model.to(device)
    few = list(islice(train_loader, batches))
    return [run_epoch(model, few, optimizer) for _ in range(epochs)]


def train(model: nn.Module, train_loader: DataLoader, val_loader: DataLoader, optimizer: Optimizer, epochs: int,
          device: str | torch.device | None = None, overfit_batch: bool = False, *,
          early_stopper: EarlyStopper | None = None, log: Callable[[str], None] | None = None) -> History:
    """Train a model and leave it with the weights of its lowest validation loss, also when it is interrupted.

    Parameters
    ----------
    model : a head on a backbone, `model(x, targets, lengths) -> (loss, output)`.
    train_loader, val_loader : batches (x, targets, lengths); no clip may be in both.
    optimizer : of torch.optim, over all parameters of the model that are not frozen.
    epochs : passes over the training clips, at least 1.
    device : where to train; None = where the model is.
    overfit_batch : True = only `overfit_with_a_couple_of_batches`, as a test; the history then has no `val`.
    early_stopper : decides when to stop and where the best weights are written; it is reset first. None = all epochs,
        kept in memory.
    log : called with one line an epoch, such as `print`.

    Returns
    -------
    History.

    Raises
    ------
    ModelError : validation clips that are training clips, an optimizer of another model, batches that do not fit, a
        loss that is no number.
    ValueError : no epoch.
    """
    if overfit_batch:
        return History(overfit_with_a_couple_of_batches(model, train_loader, optimizer, device))
    if epochs < 1:
        raise ValueError(f"Expected at least 1 epoch, found {epochs}.")
    check_apart(train_loader, val_loader)
    model.to(device)
    stopper = EarlyStopper(patience=epochs) if early_stopper is None else early_stopper
    stopper.reset()
    history = History()
    try:
        for epoch in range(1, epochs + 1):
            history.train.append(run_epoch(model, train_loader, optimizer))
            history.val.append(run_epoch(model, val_loader))
            if log is not None:
                log(f"epoch {epoch}: training loss {history.train[-1]:.4f}, validation loss {history.val[-1]:.4f}")
            if stopper.early_stop(history.val[-1], model):
                break
    finally:
        if stopper.best_epoch:  # also after Ctrl-C
            stopper.restore(model)
        model.eval()
    return history
