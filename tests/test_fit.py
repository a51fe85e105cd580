"""`fit`: schedule, clipping, averaging, masks and mixtures, the kept epoch, and going on after an interruption."""

import math
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import filelock
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch.utils.data import ConcatDataset, DataLoader, RandomSampler, Subset, WeightedRandomSampler

from labkit.datasets import BucketSampler, SpectrogramDataset, Standardise, collate_padded
from labkit.evaluation import accuracy, macro_f1, predict, spearman
from labkit.models import ASTBackbone, Classifier, CNNBackbone, LSTMBackbone, ModelError, Regressor, load_checkpoint
from labkit.training import EarlyStopper, History, TrainingConfig, cross_validated, fit, run_epoch, trained
from labkit.training.augment import augment, mix
from labkit.training.loop import begin_epoch
from labkit.training.runs import remove_old
from labkit.training.state import STATE, _own_code, class_names, data_digest, training_digest

TRAIN, VAL = TinyClips(43), TinyClips(24, first=100)  # 43: the last batch of 7 is one clip, which two processes share
PLAIN = TrainingConfig(epochs=3, learning_rate=0.02)
CONFIG = TrainingConfig(epochs=5, optimizer="adamw", learning_rate=0.02, weight_decay=0.01, schedule="cosine",
                        clip_norm=1.0, average=0.8, roll=True, time_masks=1, frequency_masks=1, frequency_mask=3,
                        mixup=0.3, keep="spearman")
TESTS = Path(__file__).parent


def make_model(dropout=0.2, seed=0):
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(FEATURES, 8, 2, dropout=dropout, standardise=Standardise.fit(TRAIN)))


def loaders():
    return TRAIN.loader(7, shuffle=True), VAL.loader()


def alike(one, other):
    """Whether all weights and buffers of two models are the same to the last bit."""
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def run_script(name, *arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
    return subprocess.run([sys.executable, TESTS / name, *map(str, arguments)], env=environment, capture_output=True,
                          text=True, timeout=240)


# --- settings --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "value"), [
    ("epochs", 0), ("learning_rate", 0.0), ("learning_rate", math.nan), ("warm_up", 1.5), ("average", 1.0),
    ("clip_norm", -1.0), ("patience", 0), ("mixup", -0.1), ("optimizer", "sgd"), ("schedule", "step"),
    ("keep", "best"), ("time_mask", 2.0), ("seed", -1), ("epochs", 2.5), ("epochs", None), ("seed", True),
    ("learning_rate", "1e-3"), ("warm_up", None), ("roll", "no"),
])
def test_settings_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"Expected {name} .*found"):
        TrainingConfig(**{name: value})


def test_patience_without_a_choice_is_refused():
    with pytest.raises(ValueError, match="patience=None with keep='last', found 3"):
        TrainingConfig(keep="last", patience=3)


def test_the_schedule_rises_and_falls_to_zero():
    rates, schedule = [], None
    weight = torch.nn.Linear(1, 1)
    optimizer = TrainingConfig(schedule="cosine", learning_rate=0.1, warm_up=0.1).make_optimizer(weight)
    schedule = TrainingConfig(schedule="cosine", learning_rate=0.1, warm_up=0.1).make_schedule(optimizer, 100)
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 100)
    np.testing.assert_allclose(rates[10:], 0.05 * (1 + np.cos(np.pi * np.arange(90) / 90)))
    assert TrainingConfig().make_schedule(optimizer, 100) is None


def test_adam_and_adamw_decay_weights_in_their_own_ways():
    kinds = {kind: TrainingConfig(optimizer=kind, weight_decay=0.1).make_optimizer(make_model())
             for kind in ("adam", "adamw")}
    assert type(kinds["adam"]) is torch.optim.Adam
    assert type(kinds["adamw"]) is torch.optim.AdamW
    assert [len(group["params"]) for group in kinds["adamw"].param_groups] == [5, 5]
    assert [group["weight_decay"] for group in kinds["adamw"].param_groups] == [0.1, 0.0]
    assert [group["weight_decay"] for group in kinds["adam"].param_groups] == [0.1]


def test_clipping_shortens_the_gradient():
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    before = [weight.clone() for weight in model.parameters()]
    run_epoch(model, [next(iter(TRAIN.loader()))], optimizer, config=TrainingConfig(clip_norm=0.01))
    moved = torch.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, model.parameters(), strict=True)))
    assert moved.item() == pytest.approx(0.01, rel=1e-3)


# --- masks and mixtures ----------------------------------------------------------------------------------------------

@given(st.integers(1, 5), st.integers(1, 30), st.sampled_from([1, 12, 140]), st.floats(0, 1), st.integers(0, 200),
       st.integers(0, 99))
def test_masks_hide_runs_within_their_limits(count, frames, features, widest, bands, seed):
    rng = np.random.default_rng(seed)
    lengths = torch.from_numpy(rng.integers(1, frames + 1, count))
    config = TrainingConfig(time_masks=1, time_mask=widest, frequency_masks=1, frequency_mask=bands)
    x, fill = torch.ones(count, frames, features), torch.full((features,), 7.0)
    hidden = augment(x, lengths, config, fill, rng) == 7
    assert (x == 1).all()
    for clip, length in zip(hidden, lengths.tolist(), strict=True):
        columns, rows = clip.all(dim=1), clip.all(dim=0)
        if not columns.all() and not rows.all():  # else one mask hides what the other did
            assert (clip == (columns[:, None] | rows)).all()
            assert columns.sum() <= widest * length
            assert rows.sum() <= bands
        for line in (columns, rows):
            assert torch.diff(line.int(), prepend=torch.zeros(1).int()).eq(1).sum() <= 1  # one run


def test_masks_are_drawn_anew_for_each_clip_and_reach_their_width():
    config = TrainingConfig(time_masks=1, time_mask=0.5)
    hidden = augment(torch.zeros(400, 40, 12), torch.full((400,), 40), config, torch.ones(12), np.random.default_rng(0))
    widths = hidden[:, :, 0].sum(dim=1)
    assert set(widths.tolist()) == set(range(21))


@given(st.integers(1, 5), st.integers(1, 20), st.integers(0, 99))
def test_rolling_turns_each_clip_within_its_own_frames(count, frames, seed):
    rng = np.random.default_rng(seed)
    lengths = torch.from_numpy(rng.integers(1, frames + 1, count))
    x = torch.arange(count * frames * 2.0).reshape(count, frames, 2)
    turned = augment(x, lengths, TrainingConfig(roll=True), torch.zeros(2), rng)
    for before, after, length in zip(x, turned, lengths.tolist(), strict=True):
        start = int((before[:length, 0] == after[0, 0]).nonzero())
        assert torch.equal(after[:length], before[:length].roll(-start, 0))
        assert torch.equal(after[length:], before[length:])


def test_label_smoothing_is_torchs():
    torch.manual_seed(0)
    clips = TinyClips(8, "class")
    model = Classifier(CNNBackbone(FEATURES, (4,), (2,)), 2)
    batch, config = next(iter(clips.loader())), TrainingConfig(label_smoothing=0.2)
    found = run_epoch(model, [batch], torch.optim.SGD(model.parameters(), 1e-12), config=config)
    model.train()
    wanted = torch.nn.functional.cross_entropy(model(batch[0], None, batch[2])[1], batch[1], label_smoothing=0.2)
    assert found == pytest.approx(wanted.item(), rel=1e-5)
    assert run_epoch(model, [batch], config=config) == pytest.approx(run_epoch(model, [batch]))


def test_the_gain_moves_mel_bands_alone():
    config, x = TrainingConfig(gain=6.0), torch.zeros(50, 3, 140)
    louder = augment(x, torch.full((50,), 3), config, torch.zeros(140), np.random.default_rng(0))
    assert (louder[:, :, 128:] == 0).all()
    assert (louder[:, :, :128] == louder[:, :1, :1]).all()
    assert 5 < louder.abs().max() <= 6
    assert (augment(torch.zeros(5, 3, 12), torch.full((5,), 3), config, torch.zeros(12), np.random.default_rng(0))
            == 0).all()


@given(st.integers(1, 6), st.integers(0, 99))
def test_a_mixture_is_a_weighted_sum(count, seed):
    rng = np.random.default_rng(seed)
    x, lengths = torch.randn(count, 4, 3), torch.from_numpy(rng.integers(1, 5, count))
    mixed, longer, (share, order) = mix(x, lengths, 0.4, rng)
    assert 0 <= share <= 1
    assert sorted(order.tolist()) == list(range(count))
    torch.testing.assert_close(mixed, share * x + (1 - share) * x[order])
    assert longer.tolist() == torch.maximum(lengths, lengths[order]).tolist()


def test_the_loss_of_a_mixture_is_that_of_mixed_labels():
    """For the cross-entropy, and one batch that stays as it is: the loss against the mixed one-hot labels."""
    torch.manual_seed(0)
    clips = TinyClips(8, "class")
    model = Classifier(CNNBackbone(FEATURES, (4,), (2,)), 2)
    optimizer = torch.optim.SGD(model.parameters(), 1e-12)
    config, batch = TrainingConfig(mixup=0.5, seed=3), next(iter(clips.loader()))
    found = run_epoch(model, [batch], optimizer, config=config, epoch=2)
    x, lengths, (share, order) = mix(batch[0], batch[2], 0.5, np.random.default_rng([3, 2]))
    model.train()
    labels = torch.nn.functional.one_hot(batch[1], 2).float()
    wanted = torch.nn.functional.cross_entropy(model(x, None, lengths)[1], share * labels + (1 - share) * labels[order])
    assert found == pytest.approx(wanted.item(), rel=1e-5)


# --- which epoch is kept ---------------------------------------------------------------------------------------------

def test_the_metric_chooses_the_epoch():
    model = make_model()
    history = fit(model, *loaders(), replace(PLAIN, epochs=8, keep="spearman"), device="cpu")
    assert len(history.metric) == len(history.val) == 8
    assert history.best_epoch == 1 + int(np.argmax(history.metric))
    assert spearman(*predict(model, VAL.loader())).mean == pytest.approx(max(history.metric))


@pytest.mark.parametrize("keep", ["accuracy", "macro_f1"])
def test_classifiers_are_kept_by_their_own_metrics(keep):
    torch.manual_seed(0)
    train, val = TinyClips(44, "class"), TinyClips(24, "class", first=100)
    model = Classifier(LSTMBackbone(FEATURES, 8, standardise=Standardise.fit(train)), 2)
    history = fit(model, train.loader(shuffle=True), val.loader(), replace(PLAIN, epochs=10, keep=keep), device="cpu")
    outputs, targets = predict(model, val.loader())
    assert max(history.metric) > 0.8
    score = {"accuracy": accuracy, "macro_f1": macro_f1}[keep]
    assert score(outputs.argmax(axis=1), targets) == max(history.metric)


def test_the_loss_of_the_validation_clips_is_one_mean_over_all():
    model = make_model()
    history = fit(model, *loaders(), replace(PLAIN, epochs=1), device="cpu")
    outputs, targets = predict(model, VAL.loader(batch_size=7))
    assert history.val[0] == pytest.approx(np.mean((outputs - targets) ** 2), rel=1e-5)


def test_training_without_validation_clips_keeps_the_last_epoch():
    model, other = make_model(), make_model()
    history = fit(model, loaders()[0], None, replace(PLAIN, keep="last"), device="cpu")
    assert (len(history.train), history.val, history.metric) == (3, [], [])
    torch.manual_seed(0)
    optimizer, loader = PLAIN.make_optimizer(other), loaders()[0]
    for epoch in range(1, 4):
        begin_epoch(loader, [0], PLAIN, epoch)
        run_epoch(other, loader, optimizer)
    assert alike(model, other)


def test_patience_ends_a_training_early():
    history = fit(make_model(), *loaders(), replace(PLAIN, epochs=60, patience=2, learning_rate=0.2), device="cpu")
    assert len(history.train) == history.best_epoch + 2 < 60


def test_the_average_of_the_weights_is_what_is_judged_and_kept():
    model = make_model(dropout=0)
    config = TrainingConfig(epochs=4, learning_rate=0.05, average=0.9, keep="last")
    fit(model, loaders()[0], None, config, device="cpu")
    plain, loader = make_model(dropout=0), loaders()[0]
    optimizer, means, steps = config.make_optimizer(plain), None, 0
    for epoch in range(1, 5):
        begin_epoch(loader, [0], config, epoch)
        for batch in loader:
            run_epoch(plain, [batch], optimizer)
            now = [value.clone() for value in plain.state_dict().values()]
            decay = min(0.9, (1 + steps) / (10 + steps))
            means = now if means is None else [decay * a + (1 - decay) * b for a, b in zip(means, now, strict=True)]
            steps += 1
    for mean, value in zip(means, model.state_dict().values(), strict=True):
        torch.testing.assert_close(value, mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"val_loader": None, "config": PLAIN}, "Expected validation clips .* found none"),
    ({"val_loader": TRAIN.loader(), "config": PLAIN}, "not trained on, found 43 of 43"),
    ({"val_loader": VAL.loader(), "config": replace(PLAIN, keep="accuracy")}, "Expected a Classifier for keep"),
    ({"val_loader": VAL.loader(), "config": PLAIN, "model": Classifier(LSTMBackbone(FEATURES, 4), 2),
      "keep": "spearman"}, "Expected a Regressor for keep='spearman', found a Classifier"),
    ({"val_loader": VAL.loader(), "config": PLAIN, "model": torch.nn.Linear(1, 1), "roll": True},
     "Expected a model with a Backbone for masks"),
    ({"val_loader": VAL.loader(), "config": PLAIN, "model": torch.nn.Linear(1, 1), "mixup": 0.3},
     "Expected a model with loss"),
])
def test_trainings_that_cannot_be(arguments, message):
    arguments = dict(arguments)
    model, val, config = arguments.pop("model", None), arguments.pop("val_loader"), arguments.pop("config")
    with pytest.raises(ModelError, match=message):
        fit(model or make_model(), TRAIN.loader(), val, replace(config, **arguments), device="cpu")


def test_a_folder_asks_for_the_config_alone(tmp_path):
    with pytest.raises(ValueError, match="the config alone"):
        fit(make_model(), *loaders(), PLAIN, folder=tmp_path, early_stopper=EarlyStopper(2))


def test_predictions_without_any_order_are_the_worst():
    """A learning rate of almost 0 and an output layer of zeros: every prediction is alike, Spearman is no number."""
    model = make_model()
    torch.nn.init.zeros_(model.output_layer.weight)
    model.output_layer.requires_grad_(False)
    history = fit(model, *loaders(), replace(PLAIN, epochs=2, learning_rate=1e-9, keep="spearman"), device="cpu")
    assert history.metric == [-1.0, -1.0]


def test_hidden_places_hold_silence_where_nothing_was_standardised():
    """Raw decibels: a hidden place of 0 would be the loudest there is."""
    seen = []

    class Listening(Regressor):
        def forward(self, x, targets, lengths):
            seen.append(x)
            return super().forward(x, targets, lengths)

    torch.manual_seed(0)
    model = Listening(LSTMBackbone(128, 4))
    batch = torch.full((20, 9, 128), -30.0), torch.rand(20), torch.full((20,), 9)
    config = TrainingConfig(time_masks=1, time_mask=1.0)
    run_epoch(model, [batch], torch.optim.SGD(model.parameters(), 1e-3), config=config)
    assert set(seen[0].unique().tolist()) == {-80.0, -30.0}


def test_the_history_tells_the_learning_rate():
    config = replace(PLAIN, schedule="cosine", epochs=4, warm_up=0.0)
    history = fit(make_model(), *loaders(), config, device="cpu")
    np.testing.assert_allclose(history.learning_rate[-1], 0, atol=1e-12)
    assert history.learning_rate[0] > history.learning_rate[1] > history.learning_rate[2] > 0
    assert fit(make_model(), *loaders(), PLAIN, device="cpu").learning_rate == [0.02] * 3


# --- going on --------------------------------------------------------------------------------------------------------

def test_a_training_in_a_folder_is_the_same_as_without(tmp_path):
    one, other = make_model(), make_model()
    history = fit(one, *loaders(), CONFIG, device="cpu")
    assert fit(other, *loaders(), CONFIG, folder=tmp_path, device="cpu") == history
    assert alike(one, other)
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]
    facts = load_checkpoint(make_model(seed=1), tmp_path / "model.pt")
    assert facts["config"] == asdict(CONFIG)
    assert History(**facts["history"]) == history
    assert facts["data"] == data_digest(loaders()[0])


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_an_interrupted_training_goes_on_to_the_same_result(stop_after, tmp_path):
    whole, broken, resumed = make_model(), make_model(), make_model()
    history = fit(whole, *loaders(), CONFIG, device="cpu")

    class Stop(Exception):
        pass

    def log(line):
        if line.startswith(f"epoch {stop_after}:"):
            raise Stop

    with pytest.raises(Stop):
        fit(broken, *loaders(), CONFIG, folder=tmp_path, device="cpu", log=log)
    lines = []
    torch.randn(17)  # other random numbers have been drawn meanwhile
    assert fit(resumed, *loaders(), CONFIG, folder=tmp_path, device="cpu", log=lines.append) == history
    assert len(lines) == CONFIG.epochs - stop_after
    assert alike(whole, resumed)


def test_early_stopping_is_remembered(tmp_path):
    config = replace(PLAIN, epochs=40, patience=2, learning_rate=0.2)
    whole, resumed = make_model(), make_model()
    history = fit(whole, *loaders(), config, device="cpu")

    def log(line):
        if line.startswith(f"epoch {len(history.train)}:"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), *loaders(), config, folder=tmp_path, device="cpu", log=log)
    assert fit(resumed, *loaders(), config, folder=tmp_path, device="cpu") == history
    assert alike(whole, resumed)


@pytest.mark.slow
@pytest.mark.parametrize("batches", [1, 9, 31])
def test_a_killed_training_goes_on_to_the_same_result(batches, tmp_path):
    """Killed before anything was written, in the second epoch, and in the fifth; seven batches are one."""
    done = run_script("killed_training.py", tmp_path, batches)
    assert done.returncode == -9, done.stderr
    assert (tmp_path / STATE).is_file() == (batches > 7)
    whole, resumed = make_model(), make_model()
    history = fit(whole, *loaders(), CONFIG, device="cpu")
    assert fit(resumed, *loaders(), CONFIG, folder=tmp_path, device="cpu") == history
    assert alike(whole, resumed)


def test_the_folder_of_another_training_is_refused(tmp_path):
    def log(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), *loaders(), CONFIG, folder=tmp_path, device="cpu", log=log)
    for change in ({"config": replace(CONFIG, learning_rate=0.01)}, {"model": make_model(seed=1)}):
        arguments = {"model": make_model(), "config": CONFIG} | change
        with pytest.raises(ModelError, match="expected the training that is asked for"):
            fit(arguments["model"], *loaders(), arguments["config"], folder=tmp_path, device="cpu")
    (tmp_path / STATE).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ModelError, match="cannot be read as that"):
        fit(make_model(), *loaders(), CONFIG, folder=tmp_path, device="cpu")


def test_a_finished_folder_is_found_and_never_overwritten(tmp_path):
    first, again = make_model(), make_model()
    history = fit(first, *loaders(), PLAIN, folder=tmp_path, device="cpu")
    assert fit(again, *loaders(), PLAIN, folder=tmp_path, device="cpu", log=pytest.fail) == history
    assert alike(first, again)
    with pytest.raises(ModelError, match="expected the training that is asked for"):
        fit(make_model(), *loaders(), replace(PLAIN, seed=1), folder=tmp_path, device="cpu")
    assert alike(first, again)


@pytest.mark.parametrize("where", ["loader", "sampler", "torch", "workers"])
def test_what_came_before_does_not_count(where):
    """The order of the batches hangs on seeds and epochs, wherever the loader draws it from."""
    def loader():
        generator = torch.Generator().manual_seed(5)
        options = {"loader": {"shuffle": True, "generator": generator}, "torch": {"shuffle": True},
                   "sampler": {"sampler": RandomSampler(TRAIN, generator=generator)},
                   "workers": {"shuffle": True, "generator": generator, "num_workers": 1}}[where]
        return DataLoader(TRAIN, 7, collate_fn=collate_padded, **options)

    one, other, used = make_model(), make_model(), loader()
    history = fit(one, loader(), VAL.loader(), PLAIN, device="cpu")
    next(iter(used))
    torch.randn(3)
    assert fit(other, used, VAL.loader(), PLAIN, device="cpu") == history
    assert alike(one, other)
    again = make_model()
    assert fit(again, used, VAL.loader(), PLAIN, device="cpu") == history


# --- trainings that are kept -----------------------------------------------------------------------------------------

@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    return tmp_path / "runs"


def regressor():
    return Regressor(LSTMBackbone(FEATURES, 8, standardise=Standardise.fit(TRAIN)))


def test_a_training_is_done_once(cache, monkeypatch):
    first, history = trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
    monkeypatch.setattr("labkit.training.loop.run_epoch", None)
    again, same = trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
    assert alike(first, again)
    assert same == history
    assert same.seconds == history.seconds
    assert not again.training
    assert len(list(cache.iterdir())) == 1


def test_each_clip_is_predicted_by_the_network_that_held_it_out(cache):
    def part(places):
        return DataLoader(Subset(TRAIN, places), 4, collate_fn=collate_padded)

    thirds = [list(range(start, len(TRAIN), 3)) for start in range(3)]
    folds = [(part(thirds[one]), part(thirds[two]), part(thirds[held])) for held, one, two in
             ((2, 0, 1), (0, 1, 2), (1, 2, 0))]
    sizes = []

    def build(train_loader):
        sizes.append(len(train_loader.dataset))
        return regressor()

    found = cross_validated("a regressor", folds, build, PLAIN)
    assert sizes == [len(thirds[one]) for one in (0, 1, 2)]
    assert len(found.models) == len(found.histories) == len(list(cache.iterdir())) == 3
    for model, (*_, held) in zip(found.models, folds, strict=True):
        np.testing.assert_array_equal(found.predicted[held.dataset.indices], predict(model, held)[0])

    with pytest.raises(ValueError, match="each of 43 clips once, found 29 held out, 29 of them different"):
        cross_validated("a regressor", folds[:2], build, PLAIN)
    with pytest.raises(ModelError, match="not trained on, found 15"):
        cross_validated("a regressor", [(*folds[0][:2], folds[0][0])], build, PLAIN)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half of it"])
def test_a_damaged_training_is_done_again(cache, content):
    first, history = trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
    (folder,) = cache.iterdir()
    (folder / "model.pt").write_bytes(content)
    again, same = trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
    assert same == history
    assert alike(first, again)


def test_a_cache_that_cannot_be_written(cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match=r"cannot be written .* Set LAB_CACHE"):
        trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")


def test_a_training_before_does_not_count(cache):
    """With the same loader, found or trained, the second training is the same."""
    both, alone = loaders(), loaders()
    trained("first", regressor, *both, PLAIN, device="cpu")
    second = trained("second", regressor, *both, replace(PLAIN, seed=1), device="cpu")
    (cache.parent / "other").mkdir()
    os.environ["LAB_CACHE"] = str(cache.parent / "other")  # the fixture restores it
    assert trained("second", regressor, *alone, replace(PLAIN, seed=1), device="cpu")[1] == second[1]


def test_found_or_trained_the_random_numbers_go_on_alike(cache):
    following = []
    for _ in range(2):
        torch.manual_seed(5)
        trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
        following.append(torch.rand(()).item())
    assert following[0] == following[1]


def test_trainings_of_other_code_are_removed(cache):
    trained("a regressor", regressor, *loaders(), PLAIN, device="cpu")
    (mine,) = cache.iterdir()
    old, busy = cache / "0123456789abcdef", cache / "1123456789abcdef"
    for folder in (old, busy):
        folder.mkdir()
        (folder / "model.pt").write_bytes(b"old")
    with filelock.FileLock(busy / "lock"):
        assert remove_old() == [old.name]
    assert sorted(cache.iterdir()) == sorted([mine, busy])


def test_everything_that_decides_counts(cache, course):
    def digest(model=None, train=None, val=None, config=PLAIN):
        return training_digest(model or make_model(), train or loaders()[0], val or loaders()[1], config)

    frozen = make_model()
    frozen.backbone.requires_grad_(False)
    found = [digest(), digest(config=replace(PLAIN, seed=1)), digest(make_model(seed=1)), digest(make_model(dropout=0)),
             digest(frozen), digest(train=subset(range(40))), digest(train=TRAIN.loader(7)),
             digest(train=TRAIN.loader(4, shuffle=True)), digest(val=TinyClips(24, first=300).loader()),
             digest(train=TRAIN.loader(7, shuffle=True, seed=1)), digest(train=TinyClips(43, "all").loader(7, True)),
             digest(train=DataLoader(TRAIN, 7, True, collate_fn=collate_padded, drop_last=True)),
             digest(train=DataLoader(ConcatDataset([TRAIN]), 7, True, collate_fn=collate_padded)),
             *(digest(train=DataLoader(TRAIN, 7, sampler=WeightedRandomSampler(torch.ones(43) + extra, 43),
                                       collate_fn=collate_padded)) for extra in (0, torch.arange(43)))]
    for kind, options in ((LSTMBackbone, [{"readout": "last"}, {"readout": "mean"}]),
                          (CNNBackbone, [{"channels": (2,), "pools": (1,)}, {"channels": (2,), "pools": (2,)}]),
                          (ASTBackbone, [{"dim": 8, "heads": heads, "max_length": 16} for heads in (1, 4)])):
        for each in options:
            torch.manual_seed(0)
            found.append(digest(Regressor(kind(FEATURES, **each))))
    assert len(set(found)) == len(found)
    assert digest() == found[0]
    mood = course / "multitask_dataset"
    assert class_names(DataLoader(ConcatDataset([SpectrogramDataset(course / "fma_genre_spectrograms")]))) == [
        "Blues", "Metal", "Rock"]
    kinds = [SpectrogramDataset(mood, **options) for options in
             ({}, {"feat_type": "chroma"}, {"max_length": 9}, {"regression_label_index": 0},
              {"regression_label_index": 1}, {"packed": False}, {"padding_value": 0.0})]
    digests = [data_digest(DataLoader(kind, 4, collate_fn=kind.collate)) for kind in kinds]
    assert len(set(digests)) == len(digests)


def test_the_code_of_a_network_of_ones_own_counts():
    class Own(Regressor):
        def __str__(self):
            return "one's own"

    assert "one's own" in _own_code(Own(LSTMBackbone(FEATURES, 2)))[0]
    assert _own_code(make_model()) == []


def subset(indices):
    return DataLoader(Subset(TRAIN, list(indices)), 8, True, collate_fn=collate_padded)


def test_batches_of_a_bucket_sampler_go_on_too(tmp_path):
    lengths = [len(clip) for clip in TRAIN.clips]

    def buckets():
        generator = torch.Generator().manual_seed(0)
        sampler = BucketSampler(lengths, 8, True, generator)
        return DataLoader(TRAIN, batch_sampler=sampler, collate_fn=collate_padded, generator=generator)

    whole, resumed = make_model(), make_model()
    history = fit(whole, buckets(), VAL.loader(), PLAIN, device="cpu")

    def log(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), buckets(), VAL.loader(), PLAIN, folder=tmp_path, device="cpu", log=log)
    assert fit(resumed, buckets(), VAL.loader(), PLAIN, folder=tmp_path, device="cpu") == history
    assert alike(whole, resumed)


# --- what is seen ----------------------------------------------------------------------------------------------------

def test_some_plain_lines_where_a_page_is_written(capsys, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    fit(make_model(), *loaders(), replace(PLAIN, epochs=12), device="cpu", progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"epoch {n}" for n in (3, 6, 9, 12)]


def test_a_bar_for_a_person(monkeypatch):
    """At a terminal: it moves with the epochs, and goes away also when the training stops early."""
    import tqdm.auto

    bars = []

    class Bar:
        def __init__(self, total, **options):
            self.total, self.n, self.closed, self.words = total, 0, 0, []
            bars.append(self)

        def set_postfix_str(self, words, refresh):
            self.words.append(words)

        def update(self, count):
            self.n += count

        def close(self):
            self.closed += 1

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    fit(make_model(), *loaders(), replace(PLAIN, epochs=40, patience=1, learning_rate=0.3), device="cpu", progress=True)
    assert 1 < bars[0].n < bars[0].total == 40
    assert bars[0].closed == 1
    assert bars[0].words[0].startswith("training loss")


def test_a_stopper_of_ones_own_is_heard():
    stopper = EarlyStopper(patience=1, min_delta=10.0)
    history = fit(make_model(), *loaders(), replace(PLAIN, epochs=9), early_stopper=stopper, device="cpu")
    assert len(history.train) == 2
