"""Trainings of two processes on CPUs; run by tests/test_several_processes.py.

    python several_processes.py FOLDER NAME...

Each process leaves FOLDER/NAME-RANK.pt, what it learned, and FOLDER/RANK.txt, what it wrote into FOLDER/kept.
"""

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from test_fit import CONFIG, FEATURES, PLAIN, TRAIN, loaders, make_model

from labkit.datasets import Standardise
from labkit.models import CNNBackbone, Regressor, save_checkpoint
from labkit.training import fit

FAILS_AT = 9  # batches; seven are one epoch


def make_cnn() -> Regressor:
    """A network whose normalisation keeps running statistics."""
    torch.manual_seed(0)
    model = Regressor(CNNBackbone(FEATURES, (4, 8), (2, 2), standardise=Standardise.fit(TRAIN)))
    for convolution, *_ in model.backbone.blocks:  # normalisation takes these away: their gradient is rounding alone
        convolution.bias.requires_grad_(False)
    return model


class Failing:
    """A loss that counts its calls while training, and raises at one of them."""

    def __init__(self, model: torch.nn.Module):
        self.calls, self.forward = 0, model.forward

    def __call__(self, *batch):
        self.calls += torch.is_grad_enabled()
        if self.calls == FAILS_AT:
            raise MemoryError("no room in one of the processes")
        return self.forward(*batch)


def work(fabric: Fabric, folder: str, names: list[str]) -> None:
    """The trainings of one of the processes."""
    torch.set_num_threads(1)
    kept, rank, written = Path(folder, "kept"), fabric.global_rank, []

    def hook(event: str, arguments: tuple) -> None:
        if event == "os.rename" or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
            name = Path(str(arguments[1 if event == "os.rename" else 0]))
            if name.parent == kept:
                written.append(name.name)

    sys.addaudithook(hook)
    for name in names:
        model = make_cnn() if name == "cnn" else make_model(dropout=0.0 if name == "lstm" else 0.2)
        if name == "fails" and rank == 1:
            model.forward = Failing(model)
        options = {"folder": kept} if name in ("fails", "kept") else {}
        history = fit(model, *loaders(), CONFIG if options else PLAIN, device="cpu", fabric=fabric, **options)
        save_checkpoint(model, Path(folder, f"{name}-{rank}.pt"), train=history.train, val=history.val)
    Path(folder, f"{rank}.txt").write_text("\n".join(written))


if __name__ == "__main__":
    strategy = DDPStrategy(start_method="spawn", process_group_backend="gloo", timeout=timedelta(seconds=60))
    Fabric(accelerator="cpu", devices=2, strategy=strategy).launch(work, sys.argv[1], sys.argv[2:])
