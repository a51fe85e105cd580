"""Other clips made of the training clips: parts hidden, louder or softer, two laid over each other."""

from typing import NamedTuple

import numpy as np
import torch

from labkit.features import N_MELS
from labkit.training.config import TrainingConfig


class Mixture(NamedTuple):
    """Two clips laid over each other: the first with weight `share`, the one at `order` with the rest."""

    share: float
    order: torch.Tensor  # (B,)


def _hidden(lengths: np.ndarray, widest: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A run of places in each row, (B, size) bool: of 0 to `widest` places within the first `lengths`."""
    widths = np.floor(rng.random(len(lengths)) * (widest + 1)).astype(int)
    starts = np.floor(rng.random(len(lengths)) * (lengths - widths + 1)).astype(int)
    places = np.arange(size)
    return (places >= starts[:, None]) & (places < (starts + widths)[:, None])


def augment(x: torch.Tensor, lengths: torch.Tensor, config: TrainingConfig, fill: torch.Tensor,
            rng: np.random.Generator) -> torch.Tensor:
    """Turn each clip round in time, change its level, hide stretches of time and runs of features.

    Parameters
    ----------
    x : (B, L, F), as the loader gives it; it is not changed.
    lengths : (B,).
    config : its roll, masks and gain.
    fill : (F,), what stands in the hidden places: the mean of each feature, which is 0 after standardisation.
    rng : what decides.

    Returns
    -------
    (B, L, F).
    """
    frames, count, features = lengths.cpu().numpy(), len(x), x.shape[2]
    if config.roll:
        places, starts = np.arange(x.shape[1]), np.floor(rng.random(count) * frames).astype(int)
        turned = np.where(places < frames[:, None], (places + starts[:, None]) % frames[:, None], places)
        x = x[torch.arange(count, device=x.device)[:, None], torch.from_numpy(turned).to(x.device)]
    if config.gain and features >= N_MELS:  # chroma has no level
        gain = torch.zeros(count, 1, features)
        gain[:, :, :N_MELS] = torch.from_numpy(rng.uniform(-config.gain, config.gain, (count, 1, 1)))
        x = x + gain.to(x)
    masks = [_hidden(frames, np.floor(config.time_mask * frames), x.shape[1], rng)[:, :, None]
             for _ in range(config.time_masks)]
    widest = min(config.frequency_mask, features)
    masks += [_hidden(np.full(count, features), np.full(count, widest), features, rng)[:, None]
              for _ in range(config.frequency_masks)]
    for mask in masks:
        x = torch.where(torch.from_numpy(mask).to(x.device), fill, x)
    return x


def mix(x: torch.Tensor, lengths: torch.Tensor, alpha: float, rng: np.random.Generator
        ) -> tuple[torch.Tensor, torch.Tensor, Mixture]:
    """Lay each clip over another one of its batch (mixup: Zhang et al., 2018); one share for the whole batch.

    Returns x (B, L, F), the lengths of the longer of each two, and the mixture, by which the losses are mixed too.
    """
    share = float(rng.beta(alpha, alpha))
    order = torch.from_numpy(rng.permutation(len(x))).to(x.device)
    there = order.to(lengths.device)
    return share * x + (1 - share) * x[order], torch.maximum(lengths, lengths[there]), Mixture(share, order)
