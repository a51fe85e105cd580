"""Heads: what makes an answer of a clip's vector, and the loss of it."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from labkit.datasets import AFFECT
from labkit.models.backbones import Backbone, ModelError
from labkit.models.checkpoints import load_backbone_from_checkpoint


class _Head(nn.Module):
    """A linear layer on top of a backbone, and a loss."""

    def __init__(self, backbone: Backbone, outputs: int, load_from_checkpoint: str | Path | None = None):
        super().__init__()
        if load_from_checkpoint is not None:
            load_backbone_from_checkpoint(backbone, load_from_checkpoint)
        self.backbone = backbone
        self.output_layer = nn.Linear(backbone.feature_size, outputs)

    def features(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """The vector of each clip, (B, O), from which the output layer makes the answer; x and lengths as Backbone."""
        return self.backbone(x, lengths)

    def output(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The answers, linear: nothing bends them."""
        return self.output_layer(self.features(x, lengths))

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of a batch, a mean over its clips."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor, targets: torch.Tensor | None, lengths: torch.Tensor
                ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Loss and output of a batch; without targets (None) the loss is None."""
        output = self.output(x, lengths)
        return None if targets is None else self.loss(output, targets), output

    @staticmethod
    def _check_labels(output: torch.Tensor, targets: torch.Tensor) -> None:
        """Raise ModelError unless there is one number for each output: else they would be broadcast."""
        if targets.shape != output.shape or not torch.isfinite(targets).all():
            found = (f"{tuple(targets.shape)}" if targets.shape != output.shape
                     else f"NaN in {int((~torch.isfinite(targets)).sum())} of them, labels that are missing")
            raise ModelError(f"Expected labels of shape {tuple(output.shape)}, a number each, found {found}. Choose "
                             "the labels by the dataset's regression_label_index, and clips that have them.")


class Classifier(_Head):
    """A genre for each clip: `forward(x, targets, lengths) -> (loss, output)`.

    The output is (B, num_classes), before the softmax, which is part of the loss, cross-entropy. Targets: (B,) class
    indices, long.

    Parameters
    ----------
    backbone : any Backbone.
    num_classes : at least 2.
    load_from_checkpoint : a checkpoint whose backbone is taken over; see `load_backbone_from_checkpoint`.

    Used in: notebooks/05_lstm_genre
    """

    def __init__(self, backbone: Backbone, num_classes: int, load_from_checkpoint: str | Path | None = None):
        if num_classes < 2:
            raise ValueError(f"Expected num_classes of at least 2, found {num_classes}. Give "
                             "num_classes=len(label_transformer.classes_).")
        super().__init__(backbone, num_classes, load_from_checkpoint)

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Cross-entropy. Raises ModelError unless the targets are (B,) indices of classes."""
        right = targets.shape == output.shape[:1] and targets.dtype == torch.long
        if not right or targets.min() < 0 or targets.max() >= output.shape[1]:
            found = (f"{targets.min()} to {targets.max()} (-1 is a clip without a label)" if right
                     else f"{tuple(targets.shape)}, {targets.dtype}")
            raise ModelError(f"Expected class indices of shape ({len(output)},), torch.int64, from 0 to "
                             f"{output.shape[1] - 1}, found {found}. Give num_classes=len(label_transformer.classes_), "
                             "and clips with labels.")
        return functional.cross_entropy(output, targets)


class Regressor(_Head):
    """One mood axis for each clip: `forward(x, targets, lengths) -> (loss, output)`; output and targets are (B,).

    The output is linear and the loss the mean squared error. Parameters as Classifier.

    Used in: notebooks/09a_transfer
    """

    def __init__(self, backbone: Backbone, load_from_checkpoint: str | Path | None = None):
        super().__init__(backbone, 1, load_from_checkpoint)

    def output(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The answers (B,): without the last axis, so that labels (B,) meet numbers, not rows."""
        return super().output(x, lengths)[:, 0]

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean squared error. Raises ModelError on labels of another shape, or missing ones."""
        self._check_labels(output, targets)
        return functional.mse_loss(output, targets)


class MultitaskRegressor(_Head):
    """Valence, energy and danceability at once: one backbone, three outputs (B, 3), the sum of their three losses.

    Caruana (1997), hard parameter sharing. Parameters as Classifier.

    Used in: notebooks/09b_multitask
    """

    def __init__(self, backbone: Backbone, load_from_checkpoint: str | Path | None = None):
        super().__init__(backbone, len(AFFECT), load_from_checkpoint)

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Sum over the axes of the mean squared errors. Raises ModelError as Regressor."""
        self._check_labels(output, targets)
        return functional.mse_loss(output, targets, reduction="none").mean(0).sum()
