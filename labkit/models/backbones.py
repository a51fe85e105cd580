"""Backbones: a batch of clips (B, L, F), time first, and their true lengths become vectors (B, O)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from labkit.datasets import Standardise
from labkit.errors import LabError


class ModelError(LabError, ValueError):
    """A batch does not fit a model, a checkpoint does not, or a loss is no number.

    Used in: notebooks/08_emotion
    """


def _without_padding(x: torch.Tensor, lengths: torch.Tensor, value: float = 0.0) -> torch.Tensor:
    """Zeros past the end of each clip, as beyond the edge of a convolution; the frames are the last axis but one."""
    if lengths.min() == x.shape[-2]:
        return x
    padding = torch.arange(x.shape[-2], device=x.device) >= lengths[:, None]
    return x.masked_fill(padding.view(len(x), *[1] * (x.ndim - 3), -1, 1), value)


class Backbone(nn.Module):
    """What all backbones share: the check at the door, and standardisation in front.

    A backbone, or a block of it, that `requires_grad_(False)` freezes is in evaluation mode from the next `train()` on:
    the running means of its batch normalisation stay as they are, and it drops nothing.

    Parameters
    ----------
    input_dim : F, features of a frame.
    feature_size : O, the length of a clip's vector.
    standardise : a fitted Standardise; None takes the input as it is. It is saved with the weights.
    """

    SHOWN: tuple[str, ...] = ()  # attributes that `print` shows beside the layers

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

    def extra_repr(self) -> str:
        """What decides the function besides the layers, for `print`."""
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self.SHOWN)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | Sequence[int] | None = None) -> torch.Tensor:
        """One vector a clip.

        Parameters
        ----------
        x : (B, L, F) float32, padded at the end.
        lengths : (B,), the true number of frames of each clip, 1 to L, as a tensor or a list of int; None = L.

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
        lengths = torch.full((len(x),), x.shape[1]) if lengths is None else torch.as_tensor(lengths)
        if (lengths.shape != (len(x),) or lengths.dtype not in (torch.int32, torch.int64)
                or lengths.min() < 1 or lengths.max() > x.shape[1]):
            raise ModelError(f"Expected {len(x)} lengths from 1 to {x.shape[1]}, found {lengths.tolist()}, "
                             f"{lengths.dtype}. Give the lengths that came with the batch, whole numbers.")
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
    """An LSTM over the frames of a clip (Hochreiter and Schmidhuber, 1997), in one or two directions.

    Each batch begins from a state of zeros, runs through padded, and is read out where each clip ends: that gives what
    packed sequences give, and is 3 to 8 times faster on a CPU. For the second direction each clip is turned round by
    itself, so that it does not begin in the padding.

    Parameters
    ----------
    input_dim : F.
    rnn_size : units of a layer and direction; O is twice as much for two directions.
    num_layers : layers, at least 1.
    bidirectional : whether a second LSTM reads each clip from its end to its beginning.
    dropout : share of values dropped between layers and from the vector, in [0, 1).
    readout : 'last' = each direction where it ends: the true last frame, and the first one for the second direction;
        'mean' = the mean over the clip's own frames; 'attention' = a mean over them with weights that are learned
        (Raffel and Ellis, 2015, with linear scores).
    standardise : see Backbone.

    Used in: notebooks/05_lstm_genre
    """

    SHOWN = ("readout",)

    def __init__(self, input_dim: int, rnn_size: int = 128, num_layers: int = 1, bidirectional: bool = False,
                 dropout: float = 0.1, readout: str = "last", standardise: Standardise | None = None):
        if readout not in ("last", "mean", "attention"):
            raise ValueError(f"Expected readout='last', 'mean' or 'attention', found {readout!r}.")
        super().__init__(input_dim, rnn_size * (2 if bidirectional else 1), standardise)
        self.readout = readout
        self.lstm = nn.LSTM(input_dim, rnn_size, num_layers, batch_first=True, bidirectional=bidirectional,
                            dropout=dropout if num_layers > 1 else 0.0)
        if readout == "attention":
            self.score = nn.Linear(self.feature_size, 1, bias=False)  # a bias would raise all frames alike
        self.dropout = nn.Dropout(dropout)

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        steps = self._both_directions(x, lengths) if self.lstm.bidirectional else self.lstm(x)[0]
        if self.readout == "last":
            vector = steps[torch.arange(len(x), device=x.device), lengths - 1]
            if self.lstm.bidirectional:
                size = self.lstm.hidden_size
                vector = torch.cat([vector[:, :size], steps[:, 0, size:]], dim=1)
        elif self.readout == "mean":
            vector = _without_padding(steps, lengths).sum(1) / lengths[:, None]
        else:
            past = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
            weights = self.score(steps).masked_fill(past[:, :, None], -torch.inf).softmax(dim=1)
            vector = (weights * steps).sum(1)
        return self.dropout(vector)

    def _both_directions(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """All steps of the last layer, (B, L, 2 rnn_size), as of a packed sequence where the clips have frames."""
        lstm, times, last = self.lstm, torch.arange(x.shape[1], device=x.device), lengths[:, None] - 1
        turned = torch.where(times <= last, last - times, times)[:, :, None]  # the padding stays where it is
        zeros = x.new_zeros(1, len(x), lstm.hidden_size)
        for layer in range(lstm.num_layers):
            if layer:
                x = functional.dropout(x, lstm.dropout, self.training)
            ways = []
            for suffix, order in (("", None), ("_reverse", turned)):
                weights = [getattr(lstm, f"{name}_l{layer}{suffix}")
                           for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
                way = x if order is None else x.gather(1, order.expand_as(x))
                way = torch.lstm(way, (zeros, zeros), weights, True, 1, 0.0, self.training, False, True)[0]
                ways.append(way if order is None else way.gather(1, order.expand_as(way)))
            x = torch.cat(ways, dim=2)
        return x


class _PooledNorm(torch.autograd.Function):
    """Of maps (B, C, L, F): ReLU, after batch normalisation by the clips' own frames, of their largest values.

    For weights above 0 it is what nn.BatchNorm2d, ReLU and max pooling give one after the other. For a weight of 0, for
    which all values of a window tie, that weight's own gradient alone differs: it goes by the largest value, not by the
    first. The statistics are of all values, but only the largest of each window are normalised: most passes over the
    full maps are saved.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, lengths, pool, eps):
        """The pooled maps, zero in the padding; mean and variance (C,); the count of values behind them."""
        padded = lengths is not None
        if padded:  # the first frames of a clip lie side by side in memory, as long as the channels come last
            clips = [clip[:, :, :length] for clip, length in zip(x.split(1), lengths, strict=True)]
            variances, means = (torch.stack(each) for each in zip(*map(_variance_and_mean, clips), strict=True))
            share = x.new_tensor(lengths)[:, None] / sum(lengths)
            mean = (share * means).sum(0)
            variance = (share * (variances + (means - mean) ** 2)).sum(0)
            size = [-(-side // pool) for side in x.shape[2:]]
            pooled = x.new_empty(*x.shape[:2], *size).to(memory_format=torch.channels_last).zero_()
            places = torch.zeros_like(pooled, dtype=torch.long)
            for clip, values, indices in zip(clips, pooled.split(1), places.split(1), strict=True):
                found = functional.max_pool2d(clip, pool, ceil_mode=True, return_indices=True)
                values[:, :, :found[0].shape[2]], indices[:, :, :found[0].shape[2]] = found
        else:
            variance, mean = _variance_and_mean(x)
            pooled, places = functional.max_pool2d(x, pool, ceil_mode=True, return_indices=True)
        inverse = (variance + eps).rsqrt()
        normed = (pooled - mean[:, None, None]).mul_(inverse[:, None, None])
        y = torch.addcmul(bias[:, None, None], normed, weight[:, None, None]).relu_()
        if padded:
            for clip, length in zip(y, lengths, strict=True):
                clip[:, -(-length // pool):] = 0
        ctx.lengths, ctx.pool = lengths, pool
        ctx.save_for_backward(x, places, normed, y, weight, mean, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance

    @staticmethod
    def backward(ctx, grad, *_):
        """As of nn.BatchNorm2d, with sums over the pooled values: all others have a gradient of 0."""
        if torch.is_grad_enabled():  # once_differentiable leaves out terms silently where `grad` is a constant
            raise RuntimeError("Expected CNNBackbone to be differentiated once in training mode, found "
                               "create_graph=True. Differentiate it in evaluation mode, or use ResidualBackbone.")
        x, places, normed, y, weight, mean, inverse = ctx.saved_tensors
        lengths, pool = ctx.lengths, ctx.pool
        count = x.shape[3] * (len(x) * x.shape[2] if lengths is None else sum(lengths))
        grad = grad * (y > 0)
        grad_bias, grad_weight = grad.sum((0, 2, 3)), (grad * normed).sum((0, 2, 3))
        scale = weight * inverse
        grad_x = torch.ops.aten.max_pool2d_with_indices_backward(
            grad * scale[:, None, None], x, [pool, pool], [pool, pool], [0, 0], [1, 1], True, places)
        slope = -scale * grad_weight * inverse / count
        grad_x.addcmul_(x, slope[:, None, None]).sub_((scale * grad_bias / count + slope * mean)[:, None, None])
        if lengths is not None:
            for clip, length in zip(grad_x, lengths, strict=True):
                clip[:, length:] = 0
        return grad_x, grad_weight, grad_bias, None, None, None


def _variance_and_mean(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each map, (C,) both; the variance is divided by the count."""
    if x.device.type == "cpu":  # torch.var_mean over any but the last axis is 20 times slower there
        mean, variance = torch.batch_norm_update_stats(x, None, None, 0.0)
        return variance, mean
    return torch.var_mean(x, dim=(0, 2, 3), correction=0)


class CNNBackbone(Backbone):
    """Blocks of 3x3 convolution, batch normalisation, ReLU and max pooling over time x features, (B, S, F) -> (B, O).

    An incomplete window at the end is pooled too, so that any clip of one frame or more passes. Batch normalisation
    sees the clips' own frames alone; one value alone has no variance, and takes the statistics that ran along.

    Each block gives what its layers give one after the other, but pools first, and does not call them: their forward
    hooks do not run, and the statistics of several processes are not brought together (nn.SyncBatchNorm). For either,
    and for second derivatives in training mode, take `ResidualBackbone`. To look at maps, call a block by itself:
    `blocks[0](x[:, None])` gives those before pooling.

    Parameters
    ----------
    input_dim : F.
    channels : maps of each block.
    pools : side of each block's pooling window, in frames and in features; as many as channels.
    readout : 'pool' = the mean of each map over a clip's own frames, O = maps, for clips of any length; 'flatten' =
        all values of the last maps, for clips of one length alone.
    input_length : S, frames of each clip; needed for 'flatten'.
    standardise : see Backbone.

    Used in: notebooks/07b_cnn_genre
    """

    SHOWN = ("pools", "readout", "input_length")

    def __init__(self, input_dim: int, channels: Sequence[int] = (32, 64, 128, 256),
                 pools: Sequence[int] = (2, 2, 4, 4), readout: str = "pool", input_length: int | None = None,
                 standardise: Standardise | None = None):
        if readout not in ("pool", "flatten"):
            raise ValueError(f"Expected readout='pool' or 'flatten', found {readout!r}.")
        if readout == "flatten" and input_length is None:
            raise ValueError("Expected input_length with readout='flatten', found None. Give the dataset's max_length.")
        if len(channels) != len(pools):
            raise ValueError(f"Expected as many pools as channels, {len(channels)}, found {len(pools)}. Give one "
                             "number a block of each.")
        size = channels[-1]
        if readout == "flatten":
            for side in (input_length, input_dim):
                for pool in pools:
                    side = -(-side // pool)
                size *= side
        super().__init__(input_dim, size, standardise)
        self.readout, self.input_length, self.pools = readout, input_length, tuple(pools)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
            for before, after in zip((1, *channels), channels, strict=False))

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        if self.readout == "flatten" and x.shape[1] != self.input_length:
            raise ModelError(f"Expected clips of {self.input_length} frames, for which readout='flatten' was built, "
                             f"found {x.shape[1]}. Give train and test the same max_length, or use readout='pool'.")
        x = _without_padding(x, lengths)[:, None].to(memory_format=torch.channels_last)
        for (convolution, norm, _), pool in zip(self.blocks, self.pools, strict=True):
            x = _block(x, lengths, convolution, norm, pool)
            lengths = (lengths + pool - 1) // pool
        return x.flatten(1) if self.readout == "flatten" else x.mean(3).sum(2) / lengths[:, None]


def _block(x: torch.Tensor, lengths: torch.Tensor, convolution: nn.Conv2d, norm: nn.BatchNorm2d, pool: int
           ) -> torch.Tensor:
    """Convolution, batch normalisation by the clips' own frames, ReLU, max pooling; zero in the padding, as x is."""
    def convolved(scale: torch.Tensor, shift: torch.Tensor | float = 0.0) -> torch.Tensor:
        weight = convolution.weight * scale[:, None, None, None]
        return functional.conv2d(x, weight.to(memory_format=torch.channels_last),
                                 convolution.bias * scale + shift, padding=convolution.padding)

    if not norm.training or lengths.sum() * x.shape[3] == 1:  # see _normed
        # then it is a scale and a shift, which the convolution takes over
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        maps = _without_padding(convolved(scale, norm.bias - norm.running_mean * scale), lengths)
        # zero is the least that a ReLU gives: the maximum ignores padding
        return functional.max_pool2d(maps, pool, ceil_mode=True).relu()
    sign = torch.where(norm.weight < 0, -1.0, 1.0).detach()  # a negative weight makes the smallest value the largest
    own = None if lengths.min() == x.shape[2] else lengths.tolist()
    maps = convolved(sign).to(norm.weight.dtype)  # under autocast too, the statistics are of full precision
    y, mean, variance = _PooledNorm.apply(maps, norm.weight * sign, norm.bias, own, pool, norm.eps)
    with torch.no_grad():
        count = x.shape[3] * (len(x) * x.shape[2] if own is None else sum(own))
        norm.num_batches_tracked += 1
        rate = 1 / norm.num_batches_tracked.item() if norm.momentum is None else norm.momentum
        norm.running_mean.lerp_(mean * sign, rate)
        norm.running_var.lerp_(variance * count / (count - 1), rate)
    return y


class ResidualBackbone(Backbone):
    """The lab's own: a small residual CNN that pools early, read out by statistics over time beside those of its input.

    Residual blocks (He et al., 2016) over short windows, as in the comparison of Won et al. (2020); mean and deviation
    over time as in x-vectors (Snyder et al., 2018), here with the maximum, for each band of the last maps by itself;
    beside them mean, deviation and mean absolute difference of each feature, what a linear model is given. Width, pools
    and read-out are chosen by measurement on real music, on two CPU cores. Pooling comes before normalisation, whose
    statistics are those of the pooled maps: a little less to compute than in `CNNBackbone`, and another function.

    Parameters
    ----------
    input_dim : F.
    channels : maps of the stem and of three blocks, of which the last two are residual.
    hidden : O, units of the layer that all statistics meet in.
    dropout : share of the statistics, and of the vector, that is dropped, in [0, 1).
    standardise : see Backbone.
    """

    POOLS = ((2, 2), (2, 2), (2, 2), (2, 4))  # frames, features; of the stem, after its stride of 2, and of the blocks

    def __init__(self, input_dim: int, channels: Sequence[int] = (16, 32, 64, 128), hidden: int = 128,
                 dropout: float = 0.4, standardise: Standardise | None = None):
        super().__init__(input_dim, hidden, standardise)
        if len(channels) != len(self.POOLS):
            raise ValueError(f"Expected {len(self.POOLS)} channels, found {len(channels)}. Give one number a block.")

        def layer(before: int, after: int, side: int = 3, stride: int = 1) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(before, after, side, stride, side // 2, bias=False), nn.BatchNorm2d(after))

        self.convolutions = nn.ModuleList(
            [layer(1, channels[0], 5, 2), *(layer(*pair) for pair in pairwise(channels))])
        self.residuals = nn.ModuleList(layer(maps, maps) for maps in channels[2:])
        bands = -(-input_dim // 2)
        for _, pool in self.POOLS:
            bands = -(-bands // pool)
        size = 3 * channels[-1] * bands + 3 * input_dim
        self.norms = nn.ModuleList([nn.BatchNorm1d(size), nn.BatchNorm1d(hidden)])
        self.hidden, self.dropout = nn.Linear(size, hidden), nn.Dropout(dropout)

    def encode(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """See Backbone."""
        x = _without_padding(x, lengths)
        pairs = (torch.arange(1, x.shape[1], device=x.device) < lengths[:, None])[:, :, None]
        change = (x.diff(dim=1).abs() * pairs).sum(1) / (lengths - 1).clamp(min=1)[:, None]
        statistics = [change, *_mean_and_deviation(x, lengths)]

        maps, lengths = x[:, None].to(memory_format=torch.channels_last), (lengths + 1) // 2
        for index, ((convolution, norm), pool) in enumerate(zip(self.convolutions, self.POOLS, strict=True)):
            maps = _without_padding(convolution(maps), lengths, -torch.inf)
            maps = functional.max_pool2d(maps, pool, ceil_mode=True)
            lengths = (lengths + pool[0] - 1) // pool[0]
            maps = _norm_of_own_frames(norm, maps, lengths).relu()
            if index >= 2:
                convolution, norm = self.residuals[index - 2]
                maps = (maps + _norm_of_own_frames(norm, convolution(maps), lengths)).relu()
        steps = maps.transpose(1, 2).flatten(2)  # (B, L, maps x bands), not below 0
        statistics += [*_mean_and_deviation(steps, lengths), steps.amax(1)]
        first, last = self.norms
        vector = self.hidden(self.dropout(_normed(first, torch.cat(statistics, dim=1))))
        return self.dropout(_normed(last, vector).relu())


def _mean_and_deviation(steps: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Over the clips' own frames of (B, L, C), whose padding is zero: (B, C) both."""
    count = lengths[:, None]
    mean = steps.sum(1) / count
    apart = _without_padding(steps - mean[:, None], lengths)
    return mean, ((apart ** 2).sum(1) / count + 1e-4).sqrt()  # a root has no slope at 0


def _norm_of_own_frames(norm: nn.BatchNorm2d, maps: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Batch normalisation of (B, C, L, F) that sees the clips' own frames alone; their padding becomes zero."""
    if lengths.min() == maps.shape[2]:
        return _normed(norm, maps)
    frames = torch.arange(maps.shape[2], device=maps.device) < lengths[:, None]
    steps = maps.transpose(1, 2)
    own = _normed(norm, steps[frames][:, :, None])[:, :, 0]  # (frames of all clips, C, F)
    return torch.zeros_like(steps).masked_scatter(frames[:, :, None, None], own).transpose(1, 2)


def _normed(norm: nn.BatchNorm1d | nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation of (B, C, ...); one value alone has no variance, and takes the statistics that ran along."""
    if x.numel() > x.shape[1]:
        return norm(x)
    return functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False, 0.0, norm.eps)


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

    Used in: notebooks/07c_transformer
    """

    SHOWN = ("patch", "heads", "max_length")

    def __init__(self, input_dim: int, dim: int = 96, depth: int = 4, heads: int = 4, patch: tuple[int, int] = (16, 16),
                 max_length: int = 1296, dropout: float = 0.1, standardise: Standardise | None = None):
        super().__init__(input_dim, dim, standardise)
        self.patch, self.heads, self.max_length = patch, heads, max_length
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
