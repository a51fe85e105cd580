"""What labkit asks of the machine: small numbers count as zero in every thread, and a busy neighbour does no harm."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from labkit import WAITING
from labkit.machine import fast_on_cpu, small_numbers_as_zero

DENORMAL = """
import sys
import numpy as np
import torch
torch.set_num_threads(2)
x = torch.from_numpy(np.full(1 << 22, 1e-40, np.float32))
if "threads first" in sys.argv:
    x.mul(0.5)  # enough for all threads of torch: they run from now on
def halves(x):
    return np.count_nonzero(x.mul(0.5).numpy().view(np.int32))  # the bits: a comparison would take them for zero
from labkit.machine import small_numbers_as_zero
if "labkit" in sys.argv:
    import labkit.models
alone = halves(x[:8])  # too few to be shared: the main thread, outside
with small_numbers_as_zero():
    inside = halves(x)
print(alone, halves(x[:8]), inside)
"""

BESIDE = """
import statistics, subprocess, sys, time
import labkit  # before torch, which looks once at how its threads are to wait
import torch
from labkit.models import Classifier, LSTMBackbone

torch.manual_seed(0)
model = Classifier(LSTMBackbone(128, 64), 4)
optimizer = torch.optim.Adam(model.parameters())
x, targets, lengths = torch.randn(16, 60, 128), torch.arange(16) % 4, torch.full((16,), 60)

def step():
    begin = time.perf_counter()
    loss, _ = model(x, targets, lengths)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return time.perf_counter() - begin

def mean(seconds):
    end, found = time.perf_counter() + seconds, []
    while time.perf_counter() < end or len(found) < 5:
        found.append(step())
    return statistics.mean(found)

def times_slower():
    quiet, beside = [], []
    for _ in range(5):  # by turns, since the machine has other work too
        quiet.append(mean(1))
        busy = "print(flush=True)\\nwhile True:\\n    pass"
        with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) as neighbour:
            try:
                neighbour.stdout.readline()
                beside.append(mean(1))
            finally:
                neighbour.kill()
    return statistics.median(beside) / statistics.median(quiet)

mean(1)
for _ in range(3):  # other work may begin just beside the neighbour; spinning threads fail each time
    if (found := times_slower()) <= 2:
        break
print(found)
"""


def run(script, *words):
    """The numbers that a fresh process prints, whose settings are the package's own."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("OMP_", "GOMP_", "MKL_"))}
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stderr
    return [float(word) for word in done.stdout.split()]


@pytest.mark.parametrize("words", [
    pytest.param(["labkit"], marks=pytest.mark.slow), ["labkit", "threads first"]])
def test_small_numbers_are_zero_in_every_thread_that_trains_and_nowhere_else(words):
    assert run(DENORMAL, *words) == [8, 8, 0]


@pytest.mark.slow
def test_without_labkit_the_threads_that_run_already_go_on_with_small_numbers():
    assert run(DENORMAL, "threads first") == [8, 8, 1 << 21]  # the half of the thread that was there before


def test_small_numbers_are_as_before_afterwards():
    small = torch.tensor(1e-40)
    with pytest.raises(KeyError), small_numbers_as_zero():
        assert (small / 2).view(torch.int32) == 0
        with small_numbers_as_zero():
            pass
        assert (small / 2).view(torch.int32) == 0  # the inner one found them so
        raise KeyError
    assert (small / 2).view(torch.int32) != 0


def test_fast_on_cpu_is_said_once_and_does_without_torchs_own_openmp(monkeypatch):
    paused = []
    openmp = SimpleNamespace(omp_pause_resource_all=paused.append)
    for found in (openmp, SimpleNamespace()):  # the second: another library, without it
        fast_on_cpu.cache_clear()
        monkeypatch.setattr("labkit.machine.ctypes.CDLL", lambda name, found=found: found)
        monkeypatch.setattr("labkit.machine.keep_freed_memory", lambda: False)
        fast_on_cpu()
        fast_on_cpu()
    assert paused == [1]  # omp_pause_soft of omp.h


@pytest.mark.slow
def test_a_step_beside_a_busy_process_takes_at_most_twice_its_quiet_time():
    """The neighbour keeps one core busy. Threads that spin as torch's do unasked take many times as long."""
    assert run(BESIDE)[-1] <= 2


@pytest.mark.parametrize("given", [{}, {"OMP_WAIT_POLICY": "ACTIVE"}, {"GOMP_SPINCOUNT": "7"},
                                   {"OMP_WAIT_POLICY": "ACTIVE", "GOMP_SPINCOUNT": "7"}])
def test_how_threads_wait_is_set_where_the_user_has_not(given):
    script = "import os, sys, labkit; print(*(os.environ[name] for name in labkit.WAITING), 'torch' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name not in WAITING} | given
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == [*(WAITING | given).values(), "False"]
    assert list(WAITING.items()) == [("OMP_WAIT_POLICY", "PASSIVE"), ("GOMP_SPINCOUNT", "250")]
