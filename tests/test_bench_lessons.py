"""benchmarks/lessons.py: what is kept stands for what decided it, and networks are compared seed by seed."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from labkit import WAITING
from labkit.evaluation import accuracy
from labkit.profiles import PROFILES

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def lessons(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("lessons")


@pytest.fixture
def bench(lessons, monkeypatch, tmp_path):
    """A bench whose corpus is never read."""
    lab = SimpleNamespace(profile=PROFILES["smoke"], composed=tmp_path / "corpus")
    monkeypatch.setattr(lessons, "open_lab", lambda profile: SimpleNamespace(composed_only=lambda: lab))
    return lessons.Bench("smoke", tmp_path)


def test_a_kept_training_is_found_only_by_what_decided_it(lessons, bench, monkeypatch):
    def names() -> list[str]:
        return [bench.file(name, 0).name for name in ("CNN", "CNN, transfer, frozen")]

    before = names()
    assert names() == before
    assert len({bench.file(name, seed) for name in lessons.TRAININGS for seed in (0, 1)}) == 2 * len(lessons.TRAININGS)
    cnn = lessons.GENRE["CNN"]
    for other in (replace(cnn, feat_type="chroma"), replace(cnn, beat=True), replace(cnn, batch_size=8),
                  replace(cnn, config=replace(cnn.config, learning_rate=1.0))):
        with monkeypatch.context() as changed:
            changed.setitem(lessons.GENRE, "CNN", other)
            assert not set(names()) & set(before), "also what begins with the CNN"
    with monkeypatch.context() as changed:
        changed.setattr(torch, "get_num_threads", lambda: 99)
        assert not set(names()) & set(before)
    for function in ("code_prefix", "code_digest"):
        with monkeypatch.context() as changed:
            changed.setattr(lessons, function, lambda *_: "other code")
            assert lessons.Bench("smoke", bench.keep.parent).file("CNN", 0).name not in before


def test_transfer_trains_first_what_it_begins_with(lessons, bench, monkeypatch):
    class Enough(Exception):
        pass

    trained = []

    def stop(*_):
        raise Enough

    def train(name, seed):
        trained.append((name, seed))
        if name in lessons.TRANSFER:
            with pytest.raises(Enough):  # where it would read the clips
                lessons.Bench.train(bench, name, seed)
        bench.file(name, seed).touch()

    monkeypatch.setattr(lessons, "parts", stop)
    monkeypatch.setattr(bench, "train", train)
    for name in lessons.TRANSFER:
        bench.once(name, 3, wait=False)
    assert trained == [(lessons.TRANSFER[0], 3), ("CNN", 3), (lessons.TRANSFER[1], 3)]


def test_networks_are_compared_over_the_seeds_that_both_have(lessons):
    """The first is right in each seed it shares with the second; what one of them has alone does not count."""
    truth = np.arange(40) % 2
    right, wrong = truth, 1 - truth
    first, second = {0: wrong, 1: right, 2: right}, {1: wrong, 2: wrong, 3: right}
    assert list(lessons.of_same_seeds(first, second)) == [1, 2]
    assert list(lessons.of_same_seeds(first, {None: wrong})) == [0, 1, 2]
    rows = []
    lessons.claim(accuracy, first, second, truth, np.arange(40), rows, "above")
    lessons.claim(accuracy, first, {4: wrong}, truth, np.arange(40), rows, "no seed in common")
    assert [(row["difference"], row["seeds"], row["verdict"]) for row in rows] == [
        ("+100.0 (+100.0 to +100.0)", "2 of 2", "holds")]


def test_torch_learns_how_its_threads_are_to_wait():
    """GNU's OpenMP, which torch brings on Linux, reads both settings once, when it is loaded."""
    code = """
import os, sys
class Look:
    def find_spec(name, *_):
        if name == "torch":
            sys.exit(f"{os.environ.get('OMP_WAIT_POLICY')} {os.environ.get('GOMP_SPINCOUNT')}")
sys.meta_path.insert(0, Look)
import lessons
"""
    bare = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")}
    path = os.pathsep.join(map(str, (FOLDER, FOLDER.parent)))
    found = subprocess.run([sys.executable, "-c", code], env=bare | {"PYTHONPATH": path}, capture_output=True,
                           text=True)
    assert found.stderr.strip().splitlines()[-1] == " ".join(WAITING.values())
