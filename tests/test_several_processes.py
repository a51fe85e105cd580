"""Two processes train one network: what one gives, whose running statistics, who writes, and what a failure does."""

import shutil

import numpy as np
import pytest
import torch
from several_processes import make_cnn
from test_fit import CONFIG, PLAIN, alike, loaders, make_model, one_thread, run_script  # noqa: F401

from labkit.models import load_checkpoint
from labkit.training import fit
from labkit.training.loop import begin_epoch
from labkit.training.state import MODEL, STATE, generators

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of one run of two processes that does three trainings, one after the other."""
    folder = tmp_path_factory.mktemp("two")
    done = run_script("several_processes.py", folder, "lstm", "cnn", "kept")
    assert done.returncode == 0, done.stderr
    return folder


def learned(folder, name, rank, model):
    """The model as one of the processes left it, and its facts."""
    facts = load_checkpoint(model, folder / f"{name}-{rank}.pt")
    return model, facts


def close(one, other):
    for mine, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


def test_two_processes_train_as_one(trained):
    one = make_model(dropout=0.0)
    history = fit(one, *loaders(), PLAIN, device="cpu")
    for rank in (0, 1):
        both, facts = learned(trained, "lstm", rank, make_model(seed=1))
        np.testing.assert_allclose(facts["train"], history.train, rtol=1e-4)
        np.testing.assert_allclose(facts["val"], history.val, rtol=1e-4)
        close(one, both)


def by_hand():
    """The training of two processes in one: each normalises its share of a batch by itself, from the first's state."""
    first, second = models = [make_cnn(), make_cnn()]
    loader, optimizer, states = loaders()[0], PLAIN.make_optimizer(first), []
    seeds = [one.initial_seed() for one in generators(loader)]
    for epoch in range(1, PLAIN.epochs + 1):
        begin_epoch(loader, seeds, PLAIN, epoch)
        for model in models:
            model.train()
        for x, targets, lengths in loader:
            second.load_state_dict(first.state_dict())
            optimizer.zero_grad()
            second.zero_grad()
            for rank, model in enumerate(models[:len(x)]):
                mine = slice(rank, None, 2)
                loss, _ = model(x[mine], targets[mine], lengths[mine])
                (loss * len(x[mine]) / len(x)).backward()
            if len(x) > 1:  # of one clip, the second has none
                for mine, theirs in zip(first.parameters(), second.parameters(), strict=True):
                    if mine.requires_grad:
                        mine.grad += theirs.grad
            optimizer.step()
        states.append({name: values.clone() for name, values in first.state_dict().items()})
    return states


def test_running_statistics_are_those_of_the_first_process(trained):
    """Not of both shares, and not of the whole batch: each process normalises by its share, the first's are kept."""
    both, facts = learned(trained, "cnn", 0, make_cnn())
    assert alike(both, learned(trained, "cnn", 1, make_cnn())[0]), "the second process ends with the first's"
    expected, alone = make_cnn(), make_cnn()
    expected.load_state_dict(by_hand()[int(np.argmin(facts["val"]))])
    close(expected, both)
    fit(alone, *loaders(), PLAIN, device="cpu")
    means = [model.backbone.blocks[0][1].running_mean for model in (alone, both)]
    assert (means[0] - means[1]).abs().max() > 1e-3


def test_only_the_first_process_writes(trained):
    written = (trained / "0.txt").read_text().split()
    assert {STATE, MODEL} < set(written)
    assert written.count(STATE) == CONFIG.epochs
    assert (trained / "1.txt").read_text() == ""
    assert [file.name for file in (trained / "kept").iterdir()] == [MODEL]


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """The folder of a run whose second process fails in its second epoch, while the first waits for it."""
    folder = tmp_path_factory.mktemp("failed")
    done = run_script("several_processes.py", folder, "fails")  # which raises when it has not ended after minutes
    return folder, done


def test_a_failure_in_one_process_ends_both_with_its_error(failed):
    folder, done = failed
    assert done.returncode == 1
    assert "MemoryError: no room in one of the processes" in done.stderr
    assert not list(folder.glob("*.pt")), "neither went on"


def test_a_failed_run_goes_on_to_the_same_result(trained, failed, tmp_path):
    shutil.copytree(failed[0] / "kept", tmp_path / "kept")
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [STATE]
    resumed = run_script("several_processes.py", tmp_path, "kept")
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "0.txt").read_text().split().count(STATE) == CONFIG.epochs - 1, "one epoch was done"
    for rank in (0, 1):
        (once, facts), (twice, same) = (learned(folder, "kept", rank, make_model(seed=rank + 1))
                                        for folder in (trained, tmp_path))
        assert alike(once, twice)
        assert facts == same
