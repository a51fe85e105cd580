"""What a training needs to go on after an interruption, and what says which training a folder belongs to."""

import hashlib
import inspect
import json
import pickle
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

import labkit
from labkit.files import code_digest, write_whole
from labkit.models import ModelError, save_checkpoint
from labkit.training.config import TrainingConfig

STATE, MODEL = "state.pt", "model.pt"


# What decides the result of a training, apart from what it is given.
CODE = ("models/*.py", "training/augment.py", "training/config.py", "training/loop.py", "datasets/batches.py",
        "evaluation/predictions.py", "evaluation/scores.py", "machine.py")
_PLAIN = (bool, int, float, str, type(None))


def class_names(loader: DataLoader) -> list[str]:
    """The classes of a genre dataset in the order of their indices; empty for others."""
    dataset = loader.dataset
    while isinstance(dataset, Subset | ConcatDataset):
        dataset = dataset.dataset if isinstance(dataset, Subset) else dataset.datasets[0]
    transformer = getattr(dataset, "label_transformer", None)
    return [] if transformer is None else list(transformer.classes_)


def generators(loader: DataLoader) -> list[torch.Generator]:
    """What a loader draws its batches from, each once; empty where that is torch's own generator."""
    found = [getattr(part, "generator", None) for part in (loader, loader.sampler, loader.batch_sampler)]
    return list({id(one): one for one in found if one is not None}.values())


def data_digest(loader: DataLoader) -> str:
    """12 hexadecimal digits that change with a loader's clips, their labels, how they are read, and their batches."""
    said = [_dataset(loader.dataset), class_names(loader), loader.batch_size, loader.drop_last,
            [one.initial_seed() for one in generators(loader)], _settings(loader.sampler),
            _settings(loader.batch_sampler), getattr(loader.collate_fn, "__qualname__", repr(loader.collate_fn))]
    return _hash(said)[:12]


def _dataset(dataset: Dataset) -> object:
    """A dataset in plain words: its own digest, else one of all its items."""
    if isinstance(dataset, Subset):
        return ["subset", [int(index) for index in dataset.indices], _dataset(dataset.dataset)]
    if isinstance(dataset, ConcatDataset):
        return ["concat", [_dataset(part) for part in dataset.datasets]]
    if hasattr(dataset, "digest"):
        return dataset.digest
    contents = hashlib.sha256()
    for place in range(len(dataset)):
        for value in dataset[place]:
            values = torch.as_tensor(value).contiguous()
            contents.update(f"{tuple(values.shape)} {values.dtype}".encode() + values.numpy().tobytes())
    return contents.hexdigest()


def _settings(part: object) -> object:
    """Type and plain attributes of a sampler, or of a part of a network; tensors by their contents."""
    if part is None:
        return None
    kept = {}
    for name, value in sorted(vars(part).items()):
        if isinstance(value, torch.Tensor):
            kept[name] = hashlib.sha256(value.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        elif isinstance(value, _PLAIN) or (isinstance(value, tuple | list)
                                           and all(isinstance(one, (*_PLAIN, tuple)) for one in value)):
            kept[name] = value
    kept.pop("training", None)
    return [type(part).__qualname__, kept]


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, default=repr).encode()).hexdigest()


@cache
def code_prefix() -> str:
    """6 hexadecimal digits of the code that decides what a training gives."""
    root = Path(labkit.__file__).parent
    return code_digest(file for pattern in CODE for file in sorted(root.glob(pattern)))[:6]


def _own_code(model: nn.Module) -> list[str]:
    """The source of each class of a network that stands neither in labkit nor in torch, such as one of a notebook."""
    found = []
    for kind in {type(part): None for part in model.modules()}:
        if not kind.__module__.startswith(("labkit.models", "labkit.datasets", "torch")):
            try:
                found.append(inspect.getsource(kind))
            except (OSError, TypeError):  # typed at a prompt
                found.append(kind.__qualname__)
    return found


def training_digest(model: nn.Module, train_loader: DataLoader, val_loader: DataLoader | None,
                    config: TrainingConfig) -> str:
    """16 hexadecimal digits of everything that decides a training: code, network, first weights, clips, settings.

    The first 6 stand for the code alone. The number of threads does not count, although it moves the last digits of
    every sum.
    """
    weights = hashlib.sha256()
    for name, values in model.state_dict().items():
        weights.update(name.encode() + values.cpu().contiguous().numpy().tobytes())
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    parts = [(name, _settings(part)) for name, part in model.named_modules()]
    said = [str(model), parts, _own_code(model), weights.hexdigest(), frozen, data_digest(train_loader),
            None if val_loader is None else data_digest(val_loader), asdict(config), torch.__version__]
    return code_prefix() + _hash(said)[:10]


class DamagedFile(ModelError):
    """A file of a training that cannot be read."""


class State:
    """The file from which a training goes on, and the checkpoint of one that is done.

    Parameters
    ----------
    folder : where they lie; made if missing.
    digest : of the training, so that no other one goes on from it.
    writes : whether this process writes; of several only one does.
    parts : what has `state_dict` and `load_state_dict`, by name; None is left out.
    """

    def __init__(self, folder: Path, digest: str, writes: bool, parts: dict):
        self.folder, self.digest, self.writes = folder, digest, writes
        self.parts = {name: part for name, part in parts.items() if part is not None}
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self, model: nn.Module, history) -> bool:
        """Fill `history` and all parts with what was saved last, if anything; True = the training is done already.

        Raises ModelError when the folder belongs to another training, or holds a file that cannot be read.
        """
        for file in (self.folder / MODEL, self.folder / STATE):
            if not file.is_file():
                continue
            done = file.name == MODEL
            try:
                saved = torch.load(file, map_location="cpu", weights_only=True)
                if saved["digest"] != self.digest:
                    raise ModelError(f"{file}: expected the training that is asked for, found one with other settings, "
                                     "clips, network, first weights or code. Remove the folder, or name another one; "
                                     "set torch.manual_seed before the network is built.")
                if done:
                    model.load_state_dict(saved["weights"])
                for name, part in () if done else self.parts.items():
                    part.load_state_dict(saved["parts"][name])
                for name, values in saved["history"].items():
                    getattr(history, name).extend(values)
            except (pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, RuntimeError):
                raise DamagedFile(f"{file}: expected what a training keeps, found a file that cannot be read as that. "
                                  "Remove the folder; the training then begins anew.") from None
            return done
        return False

    def save(self, history) -> None:
        """Write everything, whole or not at all."""
        if self.writes:
            saved = {"digest": self.digest, "history": asdict(history),
                     "parts": {name: part.state_dict() for name, part in self.parts.items()}}
            write_whole(self.folder / STATE, lambda stream: torch.save(saved, stream))

    def finish(self, model: nn.Module, **facts) -> None:
        """Write the checkpoint of the finished training, and remove what it could have gone on from."""
        if self.writes:
            save_checkpoint(model, self.folder / MODEL, digest=self.digest, **facts)
            (self.folder / STATE).unlink(missing_ok=True)
