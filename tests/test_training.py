"""The loop and early stopping."""

import math
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch import nn

from labkit.datasets import Standardise
from labkit.evaluation import predict, spearman
from labkit.models import (
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    ModelError,
    Regressor,
    load_checkpoint,
)
from labkit.training import EarlyStopper, History, overfit_with_a_couple_of_batches, run_epoch, train

TRAIN, VAL = TinyClips(48), TinyClips(24, first=100)


def regressor(seed=0):
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(FEATURES, 8, dropout=0, standardise=Standardise.fit(TRAIN)))


def adam(model, lr=0.02):
    return torch.optim.Adam(model.parameters(), lr)


# --- the loop --------------------------------------------------------------------------------------------------------

def test_training_learns_and_keeps_the_best(tmp_path):
    model, lines = regressor(), []
    stopper = EarlyStopper(patience=30, save_path=tmp_path / "best.pt")
    history = train(model, TRAIN.loader(shuffle=True), VAL.loader(), adam(model), 15, early_stopper=stopper,
                    log=lines.append)
    assert len(history.train) == len(history.val) == len(lines) == 15
    assert lines[0] == f"epoch 1: training loss {history.train[0]:.4f}, validation loss {history.val[0]:.4f}"
    assert min(history.val) < 0.3 * history.val[0]
    assert spearman(*predict(model, VAL.loader())).mean > 0.8
    assert run_epoch(model, VAL.loader()) == pytest.approx(min(history.val))
    assert stopper.best_epoch == history.best_epoch == 1 + int(np.argmin(history.val))
    other = regressor(1)
    assert load_checkpoint(other, tmp_path / "best.pt") == {"epoch": history.best_epoch, "loss": min(history.val)}
    np.testing.assert_array_equal(predict(other, VAL.loader())[0], predict(model, VAL.loader())[0])


def test_two_trainings_with_one_seed_are_alike():
    histories = []
    for _ in range(2):
        model = regressor()
        histories.append(train(model, TRAIN.loader(shuffle=True), VAL.loader(), adam(model), 3))
    assert histories[0] == histories[1]


def test_classification_trains_too():
    torch.manual_seed(0)
    data, val = TinyClips(48, "class"), TinyClips(24, "class", first=100)
    model = Classifier(CNNBackbone(FEATURES, (4, 8), (2, 2), standardise=Standardise.fit(data)), 2)
    train(model, data.loader(shuffle=True), val.loader(), adam(model), 10)
    outputs, targets = predict(model, val.loader())
    assert np.mean(outputs.argmax(1) == targets) > 0.8


def test_the_loss_of_an_epoch_counts_each_clip_alike():
    model = regressor().eval()
    outputs, targets = predict(model, TRAIN.loader())
    by_hand = np.mean((outputs - targets) ** 2)
    for size in (5, 48):  # with 5 the last batch holds 3
        assert run_epoch(model, TRAIN.loader(size)) == pytest.approx(by_hand, rel=1e-5)


def test_measuring_changes_nothing():
    torch.manual_seed(0)
    model = Regressor(CNNBackbone(FEATURES, (4, 8), (2, 2)))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run_epoch(model, VAL.loader())
    predict(model, VAL.loader())
    assert not model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    run_epoch(model, TRAIN.loader(), adam(model))
    assert not any(torch.equal(before[name], value) for name, value in model.state_dict().items()
                   if "standardise" not in name)


def test_a_few_batches_are_learned_by_heart():
    for losses in (overfit_with_a_couple_of_batches(model := regressor(), TRAIN.loader(), adam(model), epochs=80),
                   train(model := regressor(), TRAIN.loader(), None, adam(model), 40, overfit_batch=True).train):
        assert losses[-1] < 0.05 * losses[0]
    data = TinyClips(48)
    data.levels[24:] = [torch.full((3,), torch.nan)] * 24  # a fourth batch would fail on these
    assert len(overfit_with_a_couple_of_batches(model, data.loader(), adam(model), epochs=2)) == 2


def test_a_loss_that_is_no_number_stops_the_training():
    model = regressor()
    data = TinyClips(16)
    data.clips[9] = data.clips[9] * math.nan
    with pytest.raises(ModelError, match=r"finite loss, found nan after 8 clips\. Standardise the input, or lower"):
        train(model, data.loader(), VAL.loader(), adam(model), 2)


def test_training_that_cannot_begin():
    model = regressor()
    with pytest.raises(ValueError, match="Expected epochs to be a whole number from 1 to inf, found 0"):
        train(model, TRAIN.loader(), VAL.loader(), adam(model), 0)
    with pytest.raises(ModelError, match="at least one batch, found none"):
        run_epoch(model, [])


def denormals_are_zero():
    return (torch.tensor([1e-310], dtype=torch.float64) * 0.5).item() == 0


def test_small_numbers_are_zero_in_whatever_thread_trains():
    class Looking(nn.Module):
        """Notes whether small numbers are zero while it works."""

        def __init__(self):
            super().__init__()
            self.scale, self.seen = nn.Parameter(torch.ones(())), []

        def forward(self, x, targets, lengths):
            self.seen.append(denormals_are_zero())
            output = self.scale * x[:, 0, 0]
            return nn.functional.mse_loss(output, targets), output

    model = Looking()
    other = threading.Thread(target=train, args=(model, TRAIN.loader(), VAL.loader(), adam(model), 1))
    other.start()
    other.join()
    assert model.seen == [True] * 9
    broken = TinyClips(8)
    broken.clips[0] = broken.clips[0] * math.nan
    with pytest.raises(ModelError, match="finite loss"):
        run_epoch(model, broken.loader(), adam(model))
    assert not denormals_are_zero()  # the process is left as it was


@pytest.mark.parametrize("overfit_batch", [False, True])
def test_the_optimizer_of_another_model_is_refused(overfit_batch):
    model = regressor()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for other, missing in ((adam(regressor()), 6), (adam(model.output_layer), 4)):
        with pytest.raises(ModelError, match=rf"all 6 trainable parameters of the model, found one without {missing} "
                                             r"of them, the first 'backbone\.lstm\.weight_ih_l0'\. Make it from"):
            train(model, TRAIN.loader(), VAL.loader(), other, 1, overfit_batch=overfit_batch)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    model.backbone.requires_grad_(False)
    train(model, TRAIN.loader(), VAL.loader(), adam(model.output_layer), 1, overfit_batch=overfit_batch)


def worse_with_each_epoch():
    """Validation clips with turned labels: the better a model fits the training clips, the worse it is on these."""
    wrong = TinyClips(24, first=100)
    wrong.levels = [1 - levels for levels in wrong.levels]
    return wrong.loader()


@pytest.mark.parametrize("epoch", [1, 6])
def test_an_interrupted_training_leaves_the_best_weights(epoch):
    model, stopper, losses = regressor(), EarlyStopper(20), []

    def log(line):
        losses.append(float(line.split()[-1]))
        if len(losses) == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(model, TRAIN.loader(), worse_with_each_epoch(), adam(model), 8, early_stopper=stopper, log=log)
    assert not model.training
    assert epoch == 1 or losses[-1] > 1.1 * min(losses)
    assert run_epoch(model, worse_with_each_epoch()) == pytest.approx(min(losses), abs=1e-4)


# --- early stopping --------------------------------------------------------------------------------------------------

class Marked(nn.Module):
    """A model whose one weight is the number of its epoch."""

    def __init__(self):
        super().__init__()
        self.epoch = nn.Parameter(torch.zeros(()))

    def at(self, epoch):
        self.epoch.data.fill_(epoch)
        return self


@given(losses=st.lists(st.floats(0, 10), min_size=1, max_size=30), patience=st.integers(1, 8),
       min_delta=st.sampled_from([0.0, 0.5]))
def test_early_stopping_laws(losses, patience, min_delta):
    stopper, model = EarlyStopper(patience, min_delta), Marked()
    seen = []
    for epoch, loss in enumerate(losses, 1):
        seen.append(loss)
        if stopper.early_stop(loss, model.at(epoch)):
            break
    stopper.restore(model)
    assert stopper.best_loss == min(seen)
    assert stopper.best_epoch == model.epoch.item() == 1 + seen.index(min(seen))
    if len(seen) < len(losses):  # stopped: the last epochs were no improvement by more than min_delta
        before = min(seen[:-patience], default=math.inf)
        assert len(seen) > patience
        assert min(seen[-patience:]) >= before - min_delta


def test_waiting_begins_anew_at_each_improvement():
    stopper, model = EarlyStopper(patience=2, min_delta=0.1), Marked()
    stopped = [stopper.early_stop(loss, model.at(epoch))
               for epoch, loss in enumerate([3, 3.5, 2, 2.5, 1.95, 1.8], 1)]
    assert stopped == [False, False, False, False, True, False]
    assert stopper.best_loss == 1.8
    assert History(val=[3, 2, 2.5]).best_epoch == 2


def test_a_stopper_forgets_the_training_before(tmp_path):
    stopper = EarlyStopper(2, save_path=tmp_path / "best.pt")
    train(good := regressor(), TRAIN.loader(), VAL.loader(), adam(good), 6, early_stopper=stopper)
    model, before = regressor(1), stopper.best_loss
    history = train(model, TRAIN.loader(), VAL.loader(), adam(model, 1e-4), 3, early_stopper=stopper)
    assert before < min(history.val) == stopper.best_loss  # the first was better, and is not the second's best
    assert len(history.val) == 3
    assert stopper.best_epoch == history.best_epoch
    assert run_epoch(model, VAL.loader()) == pytest.approx(min(history.val))
    assert load_checkpoint(regressor(), tmp_path / "best.pt")["loss"] == min(history.val)


@pytest.mark.parametrize("losses", [[], [math.nan, math.nan], [math.inf]])
def test_there_are_no_best_weights_without_a_loss(losses):
    stopper = EarlyStopper()
    for loss in losses:
        stopper.early_stop(loss, Marked())
    with pytest.raises(ModelError, match=rf"finite validation loss, found none among {len(losses)}\. Call early_stop"):
        stopper.restore(Marked())
