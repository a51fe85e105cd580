"""A training that kills its own process in the midst of an epoch; run by tests/test_fit.py."""

import os
import signal
import sys

import torch
from test_fit import CONFIG, loaders, make_model

from labkit.training import fit

folder, batches = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(1)


class Deadly:
    """A loss that counts its calls while training, and ends the process at one of them."""

    def __init__(self, model):
        self.calls, self.forward = 0, model.forward

    def __call__(self, *batch):
        self.calls += torch.is_grad_enabled()
        if self.calls == batches:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.forward(*batch)


model = make_model()
model.forward = Deadly(model)
fit(model, *loaders(), CONFIG, folder=folder, device="cpu")
