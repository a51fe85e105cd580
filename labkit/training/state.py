"""What a training needs to go on after an interruption, and what says which training a folder belongs to."""

import hashlib
import json
import pickle
from dataclasses import asdict
from functools import cache
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

import labkit
from labkit.evaluation import clips_of
from labkit.files import code_digest, write_whole
from labkit.models import ModelError, save_checkpoint
from labkit.training.config import TrainingConfig

STATE, MODEL = "state.pt", "model.pt"


def _whole(dataset):
    """The dataset behind all `Subset`s."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    return dataset


def class_names(loader: DataLoader) -> list[str]:
    """The classes of a genre dataset in the order of their indices; empty for others."""
    transformer = getattr(_whole(loader.dataset), "label_transformer", None)
    return [] if transformer is None else list(transformer.classes_)


def data_digest(loader: DataLoader) -> str:
    """12 hexadecimal digits that change with the clips of a loader, their labels, how they are read, or their order."""
    clips = clips_of(loader.dataset)
    known = clips if all(isinstance(clip, str) for clip in clips) else len(clips)
    drawn = getattr(loader.batch_sampler, "shuffle", type(loader.sampler).__name__)
    said = [known, getattr(_whole(loader.dataset), "digest", ""), class_names(loader), str(drawn),
            getattr(loader.batch_sampler, "batch_size", loader.batch_size)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


@cache
def code_prefix() -> str:
    """6 hexadecimal digits of the code that decides what a training gives."""
    root = Path(labkit.__file__).parent
    return code_digest(sorted([*root.glob("models/*.py"), *root.glob("training/*.py")]))[:6]


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
    said = [str(model), weights.hexdigest(), frozen, data_digest(train_loader),
            None if val_loader is None else data_digest(val_loader), asdict(config), torch.__version__]
    return code_prefix() + hashlib.sha256(json.dumps(said).encode()).hexdigest()[:10]


class State:
    """The file from which a training goes on.

    Parameters
    ----------
    folder : where it lies; made if missing.
    digest : of the training, so that no other one goes on from it.
    generator : torch's, from which the loader draws its batches; None = torch's own.
    writes : whether this process writes; of several only one does.
    parts : what has `state_dict` and `load_state_dict`, by name; None is left out.

    Raises ModelError when the folder belongs to another training.
    """

    def __init__(self, folder: Path, digest: str, generator: torch.Generator | None, writes: bool, parts: dict):
        self.folder, self.digest, self.generator, self.writes = folder, digest, generator, writes
        self.parts = {name: part for name, part in parts.items() if part is not None}
        folder.mkdir(parents=True, exist_ok=True)

    def resume(self, history) -> None:
        """Fill `history` and all parts with what was saved last; nothing saved changes nothing."""
        file = self.folder / STATE
        try:
            saved = torch.load(file, map_location="cpu", weights_only=True)
            if saved["digest"] != self.digest:
                raise ModelError(f"{file}: expected the training that is asked for, found one with other settings, "
                                 "clips, network or code. Remove the folder, or name another one.")
        except FileNotFoundError:
            return
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError):
            raise ModelError(f"{file}: expected the state of a training, found a file that cannot be read as one. "
                             "Remove it; the training then begins anew.") from None
        for name, part in self.parts.items():
            part.load_state_dict(saved["parts"][name])
        for name, values in saved["history"].items():
            getattr(history, name).extend(values)
        torch.set_rng_state(saved["random"])
        if saved["random_gpu"]:
            torch.cuda.set_rng_state_all(saved["random_gpu"])
        if self.generator is not None:
            self.generator.set_state(saved["batches"])

    def save(self, history) -> None:
        """Write everything, whole or not at all."""
        if not self.writes:
            return
        saved = {"digest": self.digest, "history": asdict(history), "random": torch.get_rng_state(),
                 "random_gpu": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                 "batches": None if self.generator is None else self.generator.get_state(),
                 "parts": {name: part.state_dict() for name, part in self.parts.items()}}
        write_whole(self.folder / STATE, lambda stream: torch.save(saved, stream))

    def finish(self, model: nn.Module, **facts) -> None:
        """Write the checkpoint of the finished training, and remove what it could have gone on from."""
        if self.writes:
            save_checkpoint(model, self.folder / MODEL, digest=self.digest, **facts)
            (self.folder / STATE).unlink(missing_ok=True)
