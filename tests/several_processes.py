"""A training of two processes on CPUs; run by tests/test_fit.py."""

import sys

import torch
from lightning_fabric import Fabric
from test_fit import PLAIN, loaders, make_model

from labkit.models import save_checkpoint
from labkit.training import fit


def work(fabric: Fabric, file: str) -> None:
    """The training of one of the processes; the first writes what it learned."""
    torch.set_num_threads(1)
    model = make_model(dropout=0.0)
    history = fit(model, *loaders(), PLAIN, device="cpu", fabric=fabric)
    if fabric.is_global_zero:
        save_checkpoint(model, file, train=history.train, val=history.val)


if __name__ == "__main__":
    engine = Fabric(accelerator="cpu", devices=2, strategy="ddp_spawn")
    engine.launch(work, sys.argv[1])
