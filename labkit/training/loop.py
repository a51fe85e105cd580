"""The loop: what one pass over the batches does, and which pass is kept."""

import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from labkit.datasets import Standardise, silence
from labkit.evaluation import accuracy, check_apart, macro_f1, predict, spearman
from labkit.machine import small_numbers_as_zero
from labkit.models import Classifier, ModelError, MultitaskRegressor, Regressor, save_checkpoint
from labkit.training.augment import Mixture, augment, mix
from labkit.training.config import TrainingConfig
from labkit.training.progress import Reporter
from labkit.training.state import State, class_names, data_digest, generators, training_digest

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PLAIN = TrainingConfig()


@dataclass
class History:
    """One number for each epoch."""

    train: list[float] = field(default_factory=list)   # mean loss of a clip, while the weights move, dropout on
    val: list[float] = field(default_factory=list)     # after the epoch, dropout off; empty without validation
    metric: list[float] = field(default_factory=list)  # on the validation clips, where it chooses the epoch
    learning_rate: list[float] = field(default_factory=list)  # after the epoch
    seconds: list[float] = field(default_factory=list, compare=False)

    @property
    def best_epoch(self) -> int:
        """The epoch of the best metric, else of the lowest validation loss, counted from 1.

        Raises ValueError for a training without validation clips, which keeps its last epoch.
        """
        if not self.val:
            raise ValueError("Expected validation losses to find the best epoch by, found none: the last one is kept.")
        return 1 + (self.metric.index(max(self.metric)) if self.metric else self.val.index(min(self.val)))


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
        if patience < 1:
            raise ValueError(f"Expected patience of at least 1 epoch, found {patience}.")
        self.patience, self.min_delta, self.save_path = patience, min_delta, save_path
        self.reset()

    def reset(self) -> None:
        """Forget all epochs; a training begins with it, so that no weights of another one are kept."""
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
        return self.is_over

    @property
    def is_over(self) -> bool:
        """Whether `patience` epochs have passed without an improvement."""
        return self._epoch - self._improved >= self.patience

    def restore(self, model: nn.Module) -> None:
        """Put the best weights back into the model. Raises ModelError when no epoch had a loss that is a number."""
        if self._weights is None:
            raise ModelError(f"Expected an epoch with a finite validation loss, found none among {self._epoch}. Call "
                             "early_stop after each epoch first; if the loss was no number, lower the learning rate.")
        model.load_state_dict(self._weights)

    _KEPT = ("best_loss", "best_epoch", "_epoch", "_improved", "_goal", "_weights")

    def state_dict(self) -> dict:
        """What it remembers, for `load_state_dict` of another one."""
        return {name: getattr(self, name) for name in self._KEPT}

    def load_state_dict(self, state: dict) -> None:
        """Remember what another one remembered."""
        for name in self._KEPT:
            setattr(self, name, state[name])


def fastest_device() -> torch.device:
    """The device that a training takes when none is named: an NVIDIA GPU, else an Apple one, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def begin_epoch(loader: DataLoader, seeds: list[int], config: TrainingConfig, epoch: int) -> None:
    """Set all random numbers of an epoch by its number, so that it is the same whatever came before.

    seeds: of the loader's generators, as they were first made. Dropout and the order of the batches then hang on
    `config.seed`, these seeds and the epoch alone, also in each of several processes.
    """
    torch.manual_seed(_drawn(config.seed, epoch))
    for generator, seed in zip(generators(loader), seeds, strict=True):
        generator.manual_seed(_drawn(seed, epoch))


def _drawn(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed % 2 ** 63, epoch]).generate_state(1)[0])


def _check_fit(model: nn.Module, val_loader: DataLoader | None, config: TrainingConfig) -> None:
    """Raise ModelError for what would fail, or do nothing, after an epoch."""
    if val_loader is None and config.keep != "last":
        raise ModelError(f"Expected validation clips to find the epoch by keep={config.keep!r}, found none. Give a "
                         "val_loader, or keep='last'.")
    wrong = {"accuracy": Regressor | MultitaskRegressor, "macro_f1": Regressor | MultitaskRegressor,
             "spearman": Classifier}.get(config.keep)
    if wrong is not None and isinstance(model, wrong):
        raise ModelError(f"Expected a {'Regressor' if wrong is Classifier else 'Classifier'} for keep={config.keep!r}, "
                         f"found a {type(model).__name__}. Choose keep='loss', or the metric of the task.")
    if config.changes_clips and not hasattr(getattr(model, "backbone", None), "standardise"):
        raise ModelError("Expected a model with a Backbone for masks, gain or roll, found none. Use a head of "
                         "labkit.models, or a config without them.")
    if config.mixup and not hasattr(model, "loss"):
        raise ModelError("Expected a model with loss(output, targets) for mixup, found none. Use a head of "
                         "labkit.models, or mixup=0.")


def _check_optimizer(model: nn.Module, optimizer: Optimizer) -> None:
    """Raise ModelError when a weight that is to be trained would not move, as with the optimizer of another model."""
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    trainable = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    if left_out := [name for name, weight in trainable if id(weight) not in held]:
        raise ModelError(f"Expected an optimizer of all {len(trainable)} trainable parameters of the model, found one "
                         f"without {len(left_out)} of them, the first {left_out[0]!r}. Make it from "
                         "model.parameters() of this very model; freeze what is not to move by requires_grad_(False).")


# --- one pass --------------------------------------------------------------------------------------------------------

def run_epoch(model: nn.Module, batches: Iterable, optimizer: Optimizer | None = None, *,
              config: TrainingConfig = PLAIN, epoch: int = 1, schedule: LRScheduler | None = None,
              average: AveragedModel | None = None, fabric: "Fabric | None" = None,
              forward: nn.Module | None = None) -> float:
    """One pass over all batches (x, targets, lengths): with an optimizer it trains, without one it only measures.

    Parameters
    ----------
    model : a head on a backbone, `model(x, targets, lengths) -> (loss, output)`.
    batches : a loader, or a list of batches.
    optimizer : of all weights that are to move.
    config : what it says of changed clips, labels and clip_norm is used while training.
    epoch : its number; with `config.seed` it decides what is changed in the clips.
    schedule, average : told after each step.
    fabric, forward : of several processes, and the model as Fabric wraps it; each takes its share of every batch.

    Returns
    -------
    the mean loss of a clip; each clip counts alike, also those of a smaller last batch.

    Raises
    ------
    ModelError : a loss is infinite or NaN, there is no batch, or the optimizer leaves out a trainable parameter.
    """
    training = optimizer is not None
    if training:
        _check_optimizer(model, optimizer)
    forward = model if forward is None else forward
    device = next(model.parameters()).device
    rng = np.random.default_rng([config.seed, epoch])
    model.train(training)
    total, clips = 0.0, 0
    with small_numbers_as_zero(), torch.set_grad_enabled(training):
        for x, targets, lengths in batches:
            x, targets, mixture = x.to(device), targets.to(device), None
            if training:
                if config.changes_clips:
                    x = augment(x, lengths, config, _hidden_value(model.backbone.standardise), rng)
                if config.mixup:
                    x, lengths, mixture = mix(x, lengths, config.mixup, rng)
            loss, share = _loss(model, forward, x, targets, lengths, mixture, fabric,
                                config.label_smoothing if training else 0.0)
            if not _is_finite(loss, fabric):
                raise ModelError(f"Expected a finite loss, found {loss.item()} after {clips} clips. Standardise the "
                                 "input, or lower the learning rate.")
            if training:
                optimizer.zero_grad()
                loss.backward() if fabric is None else fabric.backward(share * loss)
                if config.clip_norm is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
                optimizer.step()
                if schedule is not None:
                    schedule.step()
                if average is not None:
                    average.update_parameters(model)
            total, clips = total + (share * loss).item() * len(x), clips + len(x)
    if not clips:
        raise ModelError("Expected at least one batch, found none. Lower the batch size, or give more clips.")
    return total / clips if fabric is None else fabric.all_reduce(torch.tensor(total / clips), reduce_op="mean").item()


def _is_finite(loss: torch.Tensor, fabric: "Fabric | None") -> bool:
    """Whether the loss of every process is a number: all have to stop together."""
    finite = torch.isfinite(loss)
    return bool(finite) if fabric is None else bool(fabric.all_reduce(finite.float(), reduce_op="mean") == 1)


def _hidden_value(standardise: Standardise) -> torch.Tensor:
    """What stands in hidden places, (F,): the mean of each feature; silence where nothing was fitted."""
    mean = standardise.mean
    is_fitted = bool((mean != 0).any() or (standardise.deviation != 1).any())
    return mean if is_fitted else torch.from_numpy(silence(len(mean))).to(mean)


def _loss(model: nn.Module, forward: nn.Module, x: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor,
          mixture: Mixture | None, fabric: "Fabric | None", smoothing: float) -> tuple[torch.Tensor, float]:
    """The loss of this process's clips of a batch, and its weight: the mean over processes of their product counts."""
    others = None if mixture is None else targets[mixture.order]
    weight = 1.0
    if fabric is not None and fabric.world_size > 1:
        clips = len(x)
        mine = slice(fabric.global_rank, None, fabric.world_size) if clips > fabric.global_rank else slice(0, 1)
        x, targets, lengths = x[mine], targets[mine], lengths[mine]
        others = others if others is None else others[mine]
        weight = len(x) * fabric.world_size / clips if clips > fabric.global_rank else 0.0
    loss, output = forward(x, targets if mixture is None else None, lengths)
    if mixture is not None:
        loss = mixture.share * model.loss(output, targets) + (1 - mixture.share) * model.loss(output, others)
    if smoothing and not targets.is_floating_point():  # as cross_entropy(label_smoothing=...)
        loss = (1 - smoothing) * loss - smoothing * output.log_softmax(dim=1).mean()
    return loss, weight


def _of_first(value: float, fabric: "Fabric | None") -> float:
    """A score as the first process found it: all decide alike."""
    return value if fabric is None else fabric.broadcast(value)


def _average(mean: torch.Tensor, value: torch.Tensor, steps: torch.Tensor, decay: float) -> torch.Tensor:
    """The moving average one step on; its decay grows from 0.1 with the steps."""
    return mean.lerp(value, float(1 - min(decay, (1 + steps) / (10 + steps)))) if mean.is_floating_point() else value


def _score(model: nn.Module, loader: DataLoader, metric: str) -> float:
    """The metric that chooses the epoch, over all validation clips at once."""
    outputs, targets = predict(model, loader)
    if metric == "spearman":
        mean = spearman(outputs, targets).mean
        return -1.0 if math.isnan(mean) else mean  # all predictions alike: no order at all
    return {"accuracy": accuracy, "macro_f1": macro_f1}[metric](outputs.argmax(axis=1), targets)


# --- a whole training ------------------------------------------------------------------------------------------------

def fit(model: nn.Module, train_loader: DataLoader, val_loader: DataLoader | None, config: TrainingConfig, *,
        folder: str | Path | None = None, device: str | torch.device | None = None, fabric: "Fabric | None" = None,
        optimizer: Optimizer | None = None, early_stopper: EarlyStopper | None = None, progress: bool = False,
        log: Callable[[str], None] | None = None) -> History:
    """Train a model and leave it with the weights of its best epoch, also when it is interrupted.

    With keep='last' an interruption leaves the weights as they just are. Every epoch draws its random numbers from the
    seeds and its number; torch's own are set by it.

    With a folder, what is needed to go on is written after each epoch, and the same call goes on from there: the result
    is the one of a training that was never interrupted. At the end the folder holds `model.pt`, a checkpoint with
    config, history, class names and the digest of the data; the same call then finds it.

    Parameters
    ----------
    model : a head on a backbone, `model(x, targets, lengths) -> (loss, output)`; mixup and metrics ask for its
        `loss(output, targets)`, masks for its `backbone.standardise`.
    train_loader, val_loader : batches (x, targets, lengths); no clip may be in both. Without validation clips (None)
        `config.keep` is 'last'.
    config : every setting.
    folder : where to keep the training; None = nowhere.
    device : where to train; None = `fastest_device()`. The model stays there.
    fabric : a launched `lightning_fabric.Fabric`, for several GPUs or processes: each takes its share of every batch,
        so that the steps are those of one process, up to rounding, but for batch statistics, which are taken over each
        share, and dropout.
    optimizer, early_stopper : in the place of those that the config describes; without a folder alone.
    progress : show a bar in Jupyter, some plain lines elsewhere.
    log : called with one line an epoch, such as `print`.

    Returns
    -------
    History.

    Raises
    ------
    ModelError : validation clips that are training clips, an optimizer of another model, batches that do not fit, a
        loss that is no number, a folder that belongs to another training.
    """
    _check_fit(model, val_loader, config)
    if folder is not None and (optimizer is not None or early_stopper is not None):
        raise ValueError("Expected the config alone to describe a training that is kept in a folder, found an "
                         "optimizer or early_stopper. Set learning_rate, optimizer and patience in the config.")
    if val_loader is not None:
        check_apart(train_loader, val_loader)
    if fabric is not None:
        device = fabric.device
    model.to(fastest_device() if device is None else device)
    seeds = [one.initial_seed() for one in generators(train_loader)]
    optimizer = config.make_optimizer(model) if optimizer is None else optimizer
    schedule = config.make_schedule(optimizer, config.epochs * len(train_loader))
    average = None
    if config.average:
        average = AveragedModel(model, avg_fn=partial(_average, decay=config.average), use_buffers=True)
    judged = model if average is None else average.module
    stopper = EarlyStopper(patience=config.patience or config.epochs) if early_stopper is None else early_stopper
    stopper.reset()
    history = History()
    state = None
    if folder is not None:
        state = State(Path(folder), training_digest(model, train_loader, val_loader, config),
                      writes=fabric is None or fabric.is_global_zero,
                      parts={"model": model, "optimizer": optimizer, "stopper": stopper, "schedule": schedule,
                             "average": average})
        if state.resume(model, history):
            model.eval()
            return history
    forward, stepper = (None, optimizer) if fabric is None else fabric.setup(model, optimizer)
    show = Reporter(config.epochs, progress, log)
    try:
        for epoch in range(len(history.train) + 1, config.epochs + 1):
            if stopper.is_over:
                break
            begin = time.perf_counter()
            begin_epoch(train_loader, seeds, config, epoch)
            history.train.append(run_epoch(model, train_loader, stepper, config=config, epoch=epoch, schedule=schedule,
                                           average=average, fabric=fabric, forward=forward))
            history.learning_rate.append(optimizer.param_groups[0]["lr"])
            if fabric is not None:
                for values in judged.buffers():  # running means of batch normalisation: all processes take the first's
                    values.copy_(fabric.broadcast(values))
            if val_loader is not None:
                history.val.append(_of_first(run_epoch(judged, val_loader), fabric))
                if config.keep == "loss":
                    stopper.early_stop(history.val[-1], judged)
                elif config.keep != "last":
                    history.metric.append(_of_first(_score(judged, val_loader, config.keep), fabric))
                    stopper.early_stop(-history.metric[-1], judged)
            history.seconds.append(time.perf_counter() - begin)
            if state is not None:
                state.save(history)
            show(history)
    finally:
        show.close()
        for generator, seed in zip(generators(train_loader), seeds, strict=True):
            generator.manual_seed(seed)  # as the next training expects it
        if stopper.best_epoch:  # also after Ctrl-C
            stopper.restore(model)
        elif average is not None:
            model.load_state_dict(judged.state_dict())
        model.eval()
    if state is not None:
        state.finish(model, config=asdict(config), history=asdict(history), classes=class_names(train_loader),
                     data=data_digest(train_loader))
    return history


# --- the course's names ----------------------------------------------------------------------------------------------

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

    Used in: notebooks/05_lstm_genre
    """
    model.to(device)
    few = list(islice(train_loader, batches))
    return [run_epoch(model, few, optimizer) for _ in range(epochs)]


def train(model: nn.Module, train_loader: DataLoader, val_loader: DataLoader, optimizer: Optimizer, epochs: int,
          device: str | torch.device | None = None, overfit_batch: bool = False, *,
          early_stopper: EarlyStopper | None = None, log: Callable[[str], None] | None = None) -> History:
    """`fit` as the course calls it: an optimizer and a number of epochs, the lowest validation loss kept.

    Parameters
    ----------
    model, train_loader, val_loader, optimizer, log : as `fit`.
    epochs : passes over the training clips, at least 1.
    device : where to train; None = where the model is.
    overfit_batch : True = only `overfit_with_a_couple_of_batches`, as a test; the history then has no `val`.
    early_stopper : decides when to stop and where the best weights are written; it is reset first. None = all epochs,
        kept in memory.

    Returns
    -------
    History. Raises as `fit`, and ValueError for no epoch.
    """
    if overfit_batch:
        return History(overfit_with_a_couple_of_batches(model, train_loader, optimizer, device))
    seed = int(torch.randint(2 ** 62, ()))  # what follows hangs on torch's seed, as without this function
    return fit(model, train_loader, val_loader, TrainingConfig(epochs=epochs, seed=seed), optimizer=optimizer,
               device=next(model.parameters()).device if device is None else device, early_stopper=early_stopper,
               log=log)
