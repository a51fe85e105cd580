"""Networks: a backbone makes one vector of a clip, a head makes the answer and the loss of it.

A backbone takes a batch (B, L, F), time first, and the true lengths, and gives (B, O). What lies past the end of a clip
never changes its vector, nor what is learned. In evaluation mode a clip gives the same alone as in any batch; in
training mode batch normalisation, and it alone, makes the clips of a batch depend on each other, by their own frames.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from labkit.datasets import AFFECT, Standardise
from labkit.errors import LabError
from labkit.files import write_whole


class ModelError(LabError, ValueError):
    """A batch does not fit a model, a checkpoint does not, or a loss is no number."""


def _without_padding(x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Zeros past the end of each clip, as beyond the edge of a convolution; the frames are the last axis but one."""
    if lengths.min() == x.shape[-2]:
        return x
    padding = torch.arange(x.shape[-2], device=x.device) >= lengths[:, None]
    return x.masked_fill(padding.view(len(x), *[1] * (x.ndim - 3), -1, 1), 0)


# --- backbones -------------------------------------------------------------------------------------------------------

class Backbone(nn.Module):
    """What all backbones share: the check at the door, and standardisation in front.

    `requires_grad_(False)` freezes a backbone, or a block of it, with the running means of its batch normalisation.

    Parameters
    ----------
    input_dim : F, features of a frame.
    feature_size : O, the length of a clip's vector.
    standardise : a fitted Standardise; None takes the input as it is. It is saved with the weights.
    """

    def __init__(self, input_dim: int, feature_size: int, standardise: Standardise | None = None):
        super().__init__()
        self.input_dim, self.feature_size = input_dim, feature_size
        self.standardise = Standardise(input_dim) if standardise is None else standardise
        if len(self.standardise.mean) != input_dim:
            raise ModelError(f"Expected a Standardise of {input_dim} features, found one of "
                             f"{len(self.standardise.mean)}. Fit it on the dataset that the network is for.")

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The vectors (B, O) of a standardised batch (B, L, F); each backbone has its own."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """One vector a clip.

        Parameters
        ----------
        x : (B, L, F) float32, padded at the end.
        lengths : (B,), the true number of frames of each clip, 1 to L; None = L.

        Returns
        -------
        (B, O).

        Raises
        ------
        ModelError : another shape, dtype or length than that.
        """
        dtype = self.standardise.mean.dtype
        if x.ndim != 3 or x.shape[2] != self.input_dim or 0 in x.shape or x.dtype != dtype:
            advice = (" It seems to be features x time: transpose it." if x.ndim == 3 and x.shape[1] == self.input_dim
                      else " Give the network the same feat_type that it was built for, as float32.")
            raise ModelError(f"Expected a batch of shape (B, L, {self.input_dim}), {dtype}, found {tuple(x.shape)}, "
                             f"{x.dtype}.{advice}")
        if lengths is None:
            lengths = torch.full((len(x),), x.shape[1])
        if lengths.shape != (len(x),) or lengths.min() < 1 or lengths.max() > x.shape[1]:
            raise ModelError(f"Expected {len(x)} lengths from 1 to {x.shape[1]}, found {lengths.tolist()}. "
                             "Give the lengths that came with the batch.")
        return self.encode(self.standardise(x), lengths.to(x.device))

    def train(self, mode: bool = True) -> "Backbone":
        """As `nn.Module.train`, but what is frozen stays in evaluation mode: its running means would move."""
        super().train(mode)
        for module in self.modules() if mode else ():
            weights = list(module.parameters())
            if weights and not any(weight.requires_grad for weight in weights):
                module.eval()
        return self


class LSTMBackbone(Backbone):
    """An LSTM over the frames of a clip, read out at the true last one (Hochreiter and Schmidhuber, 1997).

    Each batch begins from a state of zeros. In one direction the batch runs through padded and is read out where each
    clip ends, which gives what a packed sequence gives and is faster on a CPU. The second direction would begin in the
    padding, so two directions are packed; each is read out where it ends, the second at the first frame.

    Parameters
    ----------
    input_dim : F.
    rnn_size : units of a layer and direction; O is twice as much for two directions.
    num_layers : layers, at least 1.
    dropout : share of values dropped between layers and from the vector, in [0, 1).
    standardise : see Backbone.
    """

    def __init__(self, input_dim: int, rnn_size: int = 128, num_layers: int = 1, bidirectional: bool = False,
                 dropout: float = 0.1, standardise: Standardise | None = None):
        super().__init__(input_dim, rnn_size * (2 if bidirectional else 1), standardise)
        self.lstm = nn.LSTM(input_dim, rnn_size, num_layers, batch_first=True, bidirectional=bidirectional,
                            dropout=dropout if num_layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        if self.lstm.bidirectional:
            packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
            hidden = self.lstm(packed)[1][0]
            return self.dropout(torch.cat([hidden[-2], hidden[-1]], dim=1))
        steps, _ = self.lstm(x)
        return self.dropout(steps[torch.arange(len(x), device=x.device), lengths - 1])


class _BatchNorm(nn.BatchNorm2d):
    """Batch normalisation of (B, C, L, F) that sees the clips' own frames alone; their padding becomes zero."""

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """The same as `nn.BatchNorm2d` where nothing is padded, lengths = None."""
        if lengths is None or lengths.min() == x.shape[2]:
            return super().forward(x)
        if not self.training:  # each frame is taken by itself
            return _without_padding(super().forward(x), lengths)
        lengths = lengths.tolist()
        end_to_end = torch.cat([clip[:, :length] for clip, length in zip(x.unbind(), lengths, strict=True)], dim=1)
        clips = super().forward(end_to_end[None])[0].split(lengths, dim=1)
        return torch.stack([functional.pad(clip, (0, 0, 0, x.shape[2] - clip.shape[1])) for clip in clips])


class CNNBackbone(Backbone):
    """Blocks of 3x3 convolution, batch normalisation, ReLU and max pooling over time x features, (B, S, F) -> (B, O).

    An incomplete window at the end is pooled too, so that any clip of one frame or more passes.

    Parameters
    ----------
    input_dim : F.
    channels : maps of each block.
    pools : side of each block's pooling window, in frames and in features.
    readout : 'pool' = the mean of each map over a clip's own frames, O = maps, for clips of any length; 'flatten' =
        all values of the last maps, for clips of one length alone.
    input_length : S, frames of each clip; needed for 'flatten'.
    standardise : see Backbone.
    """

    def __init__(self, input_dim: int, channels: Sequence[int] = (32, 64, 128, 256),
                 pools: Sequence[int] = (2, 2, 4, 4), readout: str = "pool", input_length: int | None = None,
                 standardise: Standardise | None = None):
        if readout not in ("pool", "flatten"):
            raise ValueError(f"Expected readout='pool' or 'flatten', found {readout!r}.")
        if readout == "flatten" and input_length is None:
            raise ValueError("Expected input_length with readout='flatten', found None. Give the dataset's max_length.")
        size = channels[-1]
        if readout == "flatten":
            for side in (input_length, input_dim):
                for pool in pools:
                    side = -(-side // pool)
                size *= side
        super().__init__(input_dim, size, standardise)
        self.readout, self.input_length, self.pools = readout, input_length, tuple(pools)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), _BatchNorm(after), nn.ReLU())
            for before, after in zip((1, *channels), channels, strict=False))

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        if self.readout == "flatten" and x.shape[1] != self.input_length:
            raise ModelError(f"Expected clips of {self.input_length} frames, for which readout='flatten' was built, "
                             f"found {x.shape[1]}. Give train and test the same max_length, or use readout='pool'.")
        x = _without_padding(x, lengths)[:, None]
        for (convolution, norm, relu), pool in zip(self.blocks, self.pools, strict=True):
            x = relu(norm(convolution(x), lengths))  # zero is the least that a ReLU gives: the maximum ignores padding
            x = functional.max_pool2d(x, pool, ceil_mode=True)
            lengths = (lengths + pool - 1) // pool
        return x.flatten(1) if self.readout == "flatten" else x.mean(3).sum(2) / lengths[:, None]


class ASTBackbone(Backbone):
    """A small audio spectrogram transformer (Gong, Chung and Glass, 2021): patches, positions, attention, class token.

    Trained from the start, without overlap of patches; a position is the sum of one vector for its time and one for its
    band, so that shorter clips use the first of them.

    Parameters
    ----------
    input_dim : F.
    dim : O, the length of each token; a multiple of `heads`.
    depth, heads : layers, and attention heads of each.
    patch : (frames, features) of a patch.
    max_length : the longest clip, in frames.
    dropout : in [0, 1).
    standardise : see Backbone.
    """

    def __init__(self, input_dim: int, dim: int = 96, depth: int = 4, heads: int = 4, patch: tuple[int, int] = (16, 16),
                 max_length: int = 1296, dropout: float = 0.1, standardise: Standardise | None = None):
        super().__init__(input_dim, dim, standardise)
        self.patch, self.max_length = patch, max_length
        self.patches = nn.Conv2d(1, dim, patch, stride=patch)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.time = nn.Parameter(0.02 * torch.randn(dim, -(-max_length // patch[0]), 1))
        self.band = nn.Parameter(0.02 * torch.randn(dim, 1, -(-input_dim // patch[1])))
        layer = nn.TransformerEncoderLayer(dim, heads, 4 * dim, dropout, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        if x.shape[1] > self.max_length:
            raise ModelError(f"Expected clips of at most {self.max_length} frames, found {x.shape[1]}. Build the "
                             "network with a larger max_length, or give the dataset a max_length.")
        frames, features = self.patch
        x = functional.pad(_without_padding(x, lengths), (0, -x.shape[2] % features, 0, -x.shape[1] % frames))
        patches = self.patches(x[:, None])  # (B, dim, patches in time, patches in frequency)
        count = patches.shape[2]
        patches = patches + self.time[:, :count] + self.band
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        past = torch.arange(0, count * frames, frames, device=x.device) >= lengths[:, None]  # patches of padding alone
        ignored = functional.pad(past.repeat_interleave(patches.shape[3], dim=1), (1, 0), value=False)
        return self.encoder(tokens, src_key_padding_mask=ignored)[:, 0]


# --- heads -----------------------------------------------------------------------------------------------------------

class _Head(nn.Module):
    """A linear layer on top of a backbone, and a loss."""

    def __init__(self, backbone: Backbone, outputs: int, load_from_checkpoint: str | Path | None = None):
        super().__init__()
        if load_from_checkpoint is not None:
            load_backbone_from_checkpoint(backbone, load_from_checkpoint)
        self.backbone = backbone
        self.output_layer = nn.Linear(backbone.feature_size, outputs)

    def output(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The answers, linear: nothing bends them."""
        return self.output_layer(self.backbone(x, lengths))

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
    """

    def __init__(self, backbone: Backbone, num_classes: int, load_from_checkpoint: str | Path | None = None):
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
    """

    def __init__(self, backbone: Backbone, load_from_checkpoint: str | Path | None = None):
        super().__init__(backbone, len(AFFECT), load_from_checkpoint)

    def loss(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Sum over the axes of the mean squared errors. Raises ModelError as Regressor."""
        self._check_labels(output, targets)
        return functional.mse_loss(output, targets, reduction="none").mean(0).sum()


# --- checkpoints -----------------------------------------------------------------------------------------------------

def save_checkpoint(model: nn.Module, file: str | Path, **facts: float | int | str) -> None:
    """Write the weights of a model, and plain facts beside them (epoch, loss), whole or not at all."""
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, lambda stream: torch.save({**facts, "weights": model.state_dict()}, stream))


def load_checkpoint(model: nn.Module, file: str | Path) -> dict:
    """Put the weights of a checkpoint into a model of the same build; returns the facts saved beside them.

    Nothing is unpickled but tensors and plain values. Raises ModelError when the file is missing, is no checkpoint, or
    belongs to another build; the model is then unchanged.
    """
    weights, facts = _read(file)
    _fill(model, weights, file)
    return facts


def load_backbone_from_checkpoint(backbone: Backbone, file: str | Path) -> Backbone:
    """Put the backbone's part of a model's checkpoint, with its standardisation, into `backbone`, which is returned.

    The head stays behind: the new task has its own. A file of `torch.save(model.state_dict(), file)` serves too. Raises
    ModelError as `load_checkpoint`.
    """
    weights, _ = _read(file)
    inner = {name.removeprefix("backbone."): value for name, value in weights.items() if name.startswith("backbone.")}
    _fill(backbone, inner or weights, file)
    return backbone


def _read(file: str | Path) -> tuple[dict[str, torch.Tensor], dict]:
    """Weights and facts of a checkpoint."""
    try:
        facts = torch.load(file, map_location="cpu", weights_only=True)
        weights = facts.pop("weights", None)
        weights, facts = (facts, {}) if weights is None else (weights, facts)
        if not all(isinstance(value, torch.Tensor) for value in weights.values()):
            raise TypeError("other things than weights")
    except FileNotFoundError:
        raise ModelError(f"Expected a checkpoint at {file}, found none. Train the model that writes it.") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError, AttributeError, OSError) as error:
        reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
        raise ModelError(f"{file}: expected a checkpoint with weights, found a file that cannot be read as one "
                         f"({reason}). Train again, or copy it again.") from None
    return weights, facts


def _fill(module: nn.Module, weights: dict[str, torch.Tensor], file: str | Path) -> None:
    """Put weights into a module when names and shapes agree."""
    expected = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    wrong = [f"expected {name} {expected.get(name, 'not at all')}, found {found.get(name, 'none')}"
             for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
    if wrong:
        more = f"; and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise ModelError(f"{file}: {'; '.join(wrong[:3])}{more}. Build the network with the arguments of the one that "
                         "was saved.")
    module.load_state_dict(weights)
