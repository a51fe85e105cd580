"""Weights on disk, and plain facts beside them."""

import pickle
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labkit.files import write_whole
from labkit.models.backbones import Backbone, ModelError


def save_checkpoint(model: nn.Module, file: str | Path, **facts: str | float | list | dict | None) -> None:
    """Write the weights of a model, and plain facts beside them, whole or not at all.

    Facts are what JSON holds, such as an epoch, a configuration (dict), label names (list) or a digest of the data.
    Single numbers of NumPy and torch become Python's. Raises ValueError, before anything is written, for other facts,
    and for one named "weights".

    Used in: notebooks/09a_transfer
    """
    if "weights" in facts:
        raise ValueError("Expected facts beside the weights, found one named 'weights'. Give it another name.")
    facts = {name: _plain(fact, name) for name, fact in facts.items()}
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, lambda stream: torch.save({**facts, "weights": model.state_dict()}, stream))


def _plain(value: object, name: str) -> object:
    """A fact in the exact types that load: np.float64 is a float too, and could not be loaded."""
    if isinstance(value, np.generic | torch.Tensor) and value.ndim == 0:
        value = value.item()
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _plain(each, name) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_plain(each, name) for each in value)
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise ValueError(f"Expected plain facts, found {value!r} ({type(value).__name__}) in {name}. Do str(...) or "
                     ".tolist() first.")


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
