"""Wrong on purpose: the thirteen mistakes of the page *Common mistakes*, to be looked at beside the right way.

NOTHING HERE IS TO BE USED FOR RESULTS. Each name takes the place of the right one, with the same arguments, and goes
wrong as it does in practice: it raises no error where practice raises none. Only lessons, tests and benchmarks import
this module.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

from labkit.datasets import LabelTransformer, PaddingTransform, SpectrogramDataset, Standardise, torch_train_val_split
from labkit.evaluation import Spearman, spearman
from labkit.models import Backbone, LSTMBackbone, Regressor, load_backbone_from_checkpoint
from labkit.training import EarlyStopper, History, run_epoch


class BroadcastRegressor(Regressor):
    """A Regressor whose loss compares each prediction with every label of the batch.

    Wrong: outputs (B, 1) against labels (B,) are broadcast to (B, B). Symptom: the loss falls to the variance of the
    labels and stays there, all predictions lie near the mean, Spearman is near 0; torch warns once. Cure: Common
    mistakes, 1.
    """

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean over B x B differences."""
        return functional.mse_loss(output[:, None], targets)


def spearman_over_batches(predictions: np.ndarray, targets: np.ndarray, batch_size: int = 32) -> Spearman:
    """`spearman` of each batch, and the mean of them.

    Wrong: clips of different batches are never compared. Symptom: another batch size gives another score for the same
    predictions; a batch of one clip, or of equal predictions, gives NaN. Cure: Common mistakes, 2.

    Used in: notebooks/08_emotion
    """
    starts = range(0, len(targets), batch_size)
    batches = [(predictions[start:start + batch_size], targets[start:start + batch_size]) for start in starts]
    axes = [spearman(*batch).axes if len(batch[1]) > 1 else (math.nan,) * np.shape(targets[0:1])[-1]
            for batch in batches]
    return Spearman(tuple(map(float, np.mean(axes, axis=0))), float(np.mean(axes)))


class _LSTMThatGoesOn(nn.LSTM):
    """Begins each batch with the state in which the last one ended."""

    state = None

    def forward(self, x, state=None):
        """As `nn.LSTM`, but for the state."""
        steps, state = super().forward(x, self.state)
        self.state = tuple(part.detach() for part in state)
        return steps, state


class StatefulLSTMBackbone(LSTMBackbone):
    """An LSTMBackbone that carries its state from one batch to the next.

    Wrong: the summary of a song is handed to another song. Symptom: the same clip gets another answer after other
    batches; a smaller last batch stops with `Expected hidden[0] size`. Cure: Common mistakes, 3.

    In one direction alone; raises ValueError for two.
    """

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if self.lstm.bidirectional:
            raise ValueError("Expected bidirectional=False, found True. Show the fault in one direction.")
        self.lstm.__class__ = _LSTMThatGoesOn  # the weights stay those of the right one of the same seed


class ZeroPadding(PaddingTransform):
    """A PaddingTransform that ignores its padding value.

    Wrong: it pads with zeros, whatever it is told. Symptom: in dB below the maximum they are the loudest there is, a
    bright band at the right of the spectrogram. Cure: Common mistakes, 4.
    """

    def __call__(self, clip: np.ndarray) -> np.ndarray:
        """(L, F) -> (max_length, F)."""
        return PaddingTransform(self.max_length, 0)(clip)


class FalsyIndexDataset(SpectrogramDataset):
    """A SpectrogramDataset that takes the label index 0 for none.

    Wrong: `if index:` is false for 0. Symptom: with regression_label_index=0 the labels are not valence but all three
    axes; 1 and 2 work. Cure: Common mistakes, 4.
    """

    def __init__(self, path: str | Path, *, regression_label_index: int | str | None = None, **options):
        super().__init__(path, regression_label_index=regression_label_index or None, **options)


def parts_padded_apart(path: str | Path, **options) -> tuple[SpectrogramDataset, SpectrogramDataset]:
    """The training and the test part of a folder, each padded to its own longest clip.

    Wrong: the two lengths differ as soon as the longest clips do. Symptom: a network with a layer behind a flattening
    is trained and then stops at the first test batch, `mat1 and mat2 shapes cannot be multiplied`. Cure: Common
    mistakes, 5.
    """
    train, test = (SpectrogramDataset(path, train=part, **options) for part in (True, False))
    for data in (train, test):
        data.max_length = int(data.frames().max())
    return train, test


def parts_encoded_apart(path: str | Path, **options) -> tuple[SpectrogramDataset, SpectrogramDataset]:
    """The training and the test part of a genre folder, the classes of each numbered by themselves.

    Wrong: as soon as a class is missing in one of the parts, all that follow it in the alphabet have another number
    there. Symptom: good accuracy in validation; on the test part the large numbers of the confusion matrix stand beside
    its diagonal. Cure: Common mistakes, 6.
    """
    train, test = (SpectrogramDataset(path, train=part, **options) for part in (True, False))
    apart = LabelTransformer().fit(test.labels)
    return train, SpectrogramDataset(path, train=False, label_transformer=apart, **options)


class LastEpochStopper(EarlyStopper):
    """An EarlyStopper whose minimum is never updated.

    Wrong: any loss is lower than infinity. Symptom: the "best" checkpoint is that of the last epoch, although the
    validation loss was lower before. Cure: Common mistakes, 7.
    """

    def early_stop(self, loss: float, model: nn.Module) -> bool:
        """Call it once after each epoch."""
        self.best_loss = math.inf
        return super().early_stop(loss, model)


class FreshNetworkRegressor(Regressor):
    """A Regressor that loads the pretrained weights into one network and is built round another.

    Wrong: what was loaded is not what is used. Symptom: transfer learning does not help; frozen, it scores exactly as
    an untrained backbone does. Cure: Common mistakes, 8.

    Used in: notebooks/09a_transfer
    """

    def __init__(self, backbone: Backbone, load_from_checkpoint: str | Path | None = None):
        if load_from_checkpoint is not None:
            load_backbone_from_checkpoint(deepcopy(backbone), load_from_checkpoint)
        super().__init__(backbone)


def train_on_validation_clips(model: nn.Module, train_loader: DataLoader, val_loader: DataLoader, optimizer: Optimizer,
                              epochs: int) -> History:
    """`train`, but with the loader that is also scored.

    Wrong: `val_loader` stands where `train_loader` was meant. Symptom: a correlation close to 1 on these clips, even
    when their labels are noise, and much less on any others. Cure: Common mistakes, 9.
    """
    history = History()
    for _ in range(epochs):
        history.train.append(run_epoch(model, val_loader, optimizer))
        history.val.append(run_epoch(model, val_loader))
    return history


def split_without_seed(dataset: Dataset, batch_train: int, batch_eval: int, val_size: float = 0.2,
                       shuffle: bool = True, seed: int | None = None, **options) -> tuple[DataLoader, DataLoader]:
    """`torch_train_val_split` by a seed that is drawn anew at each call; the one that is given is ignored.

    Wrong: a second call, in another cell, draws other validation clips. Symptom: most clips of the second validation
    part were training clips in the first call, and the score jumps from call to call. Cure: Common mistakes, 10.
    """
    drawn = int(np.random.default_rng().integers(2 ** 31))
    return torch_train_val_split(dataset, batch_train, batch_eval, val_size, shuffle, drawn, **options)


class RawDecibels(Standardise):
    """A Standardise that lets the decibels through as they are.

    Wrong: a network is made for numbers of a size of about 1. Symptom: before the first step the loss of a regression
    is in the tens or hundreds, for labels between 0 and 1 (batch normalisation, while it trains, hides it); the gates
    of an LSTM are fully open or shut, and little is learned from one frame to the next. Cure: Common mistakes, 11.
    """

    @classmethod
    def fit(cls, dataset: Dataset, indices: Sequence[int] | None = None) -> "RawDecibels":
        """A module that changes nothing."""
        return cls(dataset[0][0].shape[1])


class SoftmaxRegressor(Regressor):
    """A Regressor with a softmax over its only output.

    Wrong: the share of one among one is 1. Symptom: all predictions are exactly 1, the loss never moves, and Spearman
    is NaN. Cure: Common mistakes, 12.
    """

    def forward(self, x: torch.Tensor, targets: torch.Tensor | None, lengths: torch.Tensor
                ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss and output of a batch."""
        output = torch.softmax(super().forward(x, None, lengths)[1][:, None], dim=1)[:, 0]
        return None if targets is None else self.loss(output, targets), output


class SigmoidRegressor(Regressor):
    """A Regressor with a sigmoid over its output.

    Wrong: a sigmoid is nearly flat away from 0. Symptom: often none, for it keeps the order; but outputs far from 0
    have next to no gradient, and above about 16.6 they all become exactly 1. Cure: Common mistakes, 12.
    """

    def forward(self, x: torch.Tensor, targets: torch.Tensor | None, lengths: torch.Tensor
                ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss and output of a batch."""
        output = torch.sigmoid(super().forward(x, None, lengths)[1])
        return None if targets is None else self.loss(output, targets), output


class FirstFramesDataset(SpectrogramDataset):
    """A SpectrogramDataset that keeps the first 150 frames of each clip.

    Wrong: 150 frames hold a clip when each is a beat; of a full spectrogram they are 3.5 of 30 seconds. Symptom:
    training is fast and the accuracy low: what comes later in a clip is never heard. Cure: Common mistakes, 13.
    """

    def __init__(self, path: str | Path, *, max_length: int = 150, **options):
        super().__init__(path, max_length=max_length, **options)
