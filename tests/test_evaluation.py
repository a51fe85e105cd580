"""Predictions, scores, and how far a score can be trusted."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import spearmanr
from sklearn import metrics
from tiny_clips import FEATURES, TinyClips, one_thread  # noqa: F401
from torch.utils.data import ConcatDataset, DataLoader, Subset

from labkit.datasets import collate_padded
from labkit.evaluation import (
    Interval,
    accuracy,
    bootstrap,
    check_apart,
    clips_of,
    compare,
    macro_f1,
    mcnemar,
    mean_spearman,
    predict,
    report,
    resampled,
    spearman,
)
from labkit.models import LSTMBackbone, ModelError, MultitaskRegressor, Regressor

TRAIN, VAL = TinyClips(48), TinyClips(24, first=100)


def regressor(seed=0):
    torch.manual_seed(seed)
    return Regressor(LSTMBackbone(FEATURES, 8, dropout=0))


# --- which clips -----------------------------------------------------------------------------------------------------

def test_clips_of_a_dataset():
    assert clips_of(Subset(Subset(TRAIN, [5, 7, 9]), [2, 0])) == ["9", "5"]
    tensors = torch.utils.data.TensorDataset(torch.zeros(3))
    assert len(set(clips_of(tensors))) == 3
    assert clips_of(Subset(tensors, [1])) == clips_of(tensors)[1:2]
    check_apart(TRAIN.loader(), VAL.loader())
    with pytest.raises(ModelError, match=r"found 8 of 24 among the training clips\. Score on the validation loader"):
        check_apart(TRAIN.loader(), TinyClips(24, first=40).loader())
    both = ConcatDataset([Subset(TRAIN, [1, 0]), ConcatDataset([VAL])])
    assert clips_of(Subset(both, [0, 2])) == ["1", "100"]
    for one, other in ((both, VAL), (TRAIN, both)):
        with pytest.raises(ModelError, match="among the training clips"):
            check_apart(DataLoader(one), DataLoader(other))


# --- predictions and Spearman ----------------------------------------------------------------------------------------

def test_predictions_lie_beside_their_labels():
    model = regressor()
    outputs, targets = predict(model, VAL.loader(5, shuffle=True))
    ordered, labels = predict(model, VAL.loader(24))
    assert outputs.shape == targets.shape == (24,)
    np.testing.assert_array_equal(np.sort(targets), np.sort(labels))
    np.testing.assert_allclose(outputs[np.argsort(targets)], ordered[np.argsort(labels)], atol=1e-6)
    three, of_three = predict(MultitaskRegressor(LSTMBackbone(FEATURES, 4)), TinyClips(6, "all").loader(4))
    assert three.shape == of_three.shape == (6, 3)


def test_predicting_clips_without_labels():
    data = TinyClips(6)
    data.levels = [torch.full((3,), torch.nan)] * 6
    outputs, targets = predict(regressor(), data.loader(4))
    assert np.isfinite(outputs).all()
    assert np.isnan(targets).all()


@given(st.integers(4, 40), st.integers(0, 1000))
def test_spearman_is_scipys(count, seed):
    random = np.random.default_rng(seed)
    predictions = random.normal(size=(count, 3))
    targets = random.permuted(np.repeat(np.arange(count)[:, None] // 2, 3, axis=1), axis=0)  # with ties
    score = spearman(predictions, targets)
    expected = [spearmanr(predictions[:, axis], targets[:, axis]).statistic for axis in range(3)]
    np.testing.assert_allclose(score.axes, expected)
    np.testing.assert_allclose(score.mean, np.mean(expected))
    np.testing.assert_allclose(spearman(np.exp(predictions), targets).mean, score.mean, atol=1e-12)  # only order counts
    assert spearman(predictions[:, 1], targets[:, 1]) == ((score.axes[1],), score.axes[1])


def test_predicting_leaves_the_loaders_tensors_fit_for_training():
    """Tensors made in inference mode could not be trained on: a dataset may keep what it made for a prediction."""
    class Keeping(TinyClips):
        def __getitem__(self, index):
            self.clips[index] = self.clips[index] * 1
            return super().__getitem__(index)

    data, model = Keeping(4), regressor()
    predict(model, data.loader())
    assert not any(clip.is_inference() for clip in data.clips)
    x, y, lengths = next(iter(data.loader()))
    model(x, y, lengths)[0].backward()


def test_there_is_nothing_to_predict():
    for loader in ([], DataLoader(Subset(TRAIN, []), collate_fn=collate_padded), DataLoader(TRAIN, 99, drop_last=True)):
        with pytest.raises(ValueError, match=r"at least one batch to predict, found none\. Give a loader"):
            predict(regressor(), loader)


def test_spearman_of_one_constant_prediction_is_no_number():
    assert math.isnan(spearman(np.full(5, 0.4), np.arange(5)).mean)


@pytest.mark.parametrize("predictions, targets, message", [
    (np.zeros((4, 1)), np.zeros(4), r"one shape.*found \(4, 1\) and \(4,\)"),
    (np.zeros(1), np.zeros(1), "N at least 2"),
    (np.zeros(3), np.array([1, np.nan, 2]), "found 0 predictions and 1 labels that are none"),
])
def test_spearman_faults(predictions, targets, message):
    with pytest.raises(ValueError, match=message):
        spearman(predictions, targets)


# --- genre -----------------------------------------------------------------------------------------------------------

CLASSES = ("Blues", "Folk", "Jazz", "Rock")


def two_models(clips=120, seed=0, classes=4):
    """Labels and the predictions of a worse and a better model."""
    random = np.random.default_rng(seed)
    truth, noise, other = random.integers(classes, size=(3, clips))
    return truth, np.where(random.random(clips) < 0.3, truth, noise), np.where(random.random(clips) < 0.6, truth, other)


def test_a_report_by_hand():
    """Six clips: two of three Rock are found, one Blues is taken for Rock, Folk is never answered."""
    truth = ["Rock", "Rock", "Rock", "Blues", "Blues", "Folk"]
    answer = ["Rock", "Rock", "Blues", "Rock", "Blues", "Blues"]
    found = report(answer, truth, CLASSES)
    assert found.confusion.tolist() == [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 2]]
    blues, folk, jazz, rock = found.per_class
    assert blues == pytest.approx(("Blues", 1 / 3, 1 / 2, 2 / 5, 2))
    assert rock == pytest.approx(("Rock", 2 / 3, 2 / 3, 2 / 3, 3))
    assert folk == ("Folk", 0, 0, 0, 1) and jazz == ("Jazz", 0, 0, 0, 0)
    assert found.accuracy == found.micro.precision == found.micro.recall == found.micro.f1 == 0.5
    assert found.macro[1:4] == pytest.approx((1 / 3, 7 / 18, 16 / 45))  # of three classes: Jazz does not occur
    assert found.weighted[1:4] == pytest.approx((4 / 9, 1 / 2, 7 / 15))
    assert found.never_predicted == ("Folk",)
    assert macro_f1(answer, truth) == found.macro.f1 and accuracy(answer, truth) == found.accuracy
    lines = str(found).splitlines()
    assert lines[1].split() == ["Blues", "0.33", "0.50", "0.40", "2"]
    assert lines[-2:] == ["accuracy 0.500 on 6 clips", "never predicted, so F1 = 0.00: Folk"]
    assert len({len(line) for line in lines[:9] if line}) == 1, "the columns stand below each other"
    rows = found.to_rows()
    assert [row["class"] for row in rows] == [*CLASSES, "macro average", "micro average", "weighted average"]
    assert rows[3] == {"class": "Rock", "precision": rock.precision, "recall": rock.recall, "f1": rock.f1, "support": 3}


@settings(max_examples=15)
@given(st.integers(1, 60), st.integers(0, 1000))
def test_a_report_is_scikit_learns(clips, seed):
    truth, answer, _ = two_models(clips, seed)
    found = report(answer, truth, CLASSES)
    names = np.array(CLASSES)
    assert str(report(names[answer], names[truth], CLASSES)) == str(found)
    expected = metrics.classification_report(truth, answer, output_dict=True, zero_division=0)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, answer))
    for name in ("macro", "weighted"):
        averages = expected[f"{name} avg"]
        assert getattr(found, name)[1:4] == pytest.approx(
            (averages["precision"], averages["recall"], averages["f1-score"]))
    for number, one in enumerate(found.per_class):
        if str(number) in expected:
            assert (one.precision, one.f1) == pytest.approx(
                (expected[str(number)]["precision"], expected[str(number)]["f1-score"]))
    assert found.confusion.sum() == clips
    assert found.micro[1:4] == pytest.approx((found.accuracy,) * 3)


@pytest.mark.parametrize("predicted, truth, message", [
    ([0, 1], [0, 1, 1], r"found \(2,\) and \(3,\)"),
    ([], [], r"N at least 1, found \(0,\)"),
    (np.zeros((3, 4)), np.zeros(3), r"found \(3, 4\) and \(3,\)\. .* take \.argmax\(1\)"),
    ([0, 1, 2], [0, -1, -1], "found 2 labels that are none, the first .*-1.* Leave clips without labels out"),
    ([0.0, np.nan], [0, 1], "found 1 predictions that are none"),
    (["Rock", None], ["Rock", "Folk"], "found 1 predictions that are none, the first None"),
    ([0.5, 1.0], [0, 1], r"with fractions, such as 0\.5"),
    (["Rock"], [3], "both as names or both as indices, found .*'Rock'.* and .*3"),
])
def test_what_is_no_class_is_refused(predicted, truth, message):
    for score in (accuracy, macro_f1, lambda one, other: report(one, other, CLASSES),
                  lambda one, other: mcnemar(one, one, other)):
        with pytest.raises(ValueError, match=message):
            score(predicted, truth)


def test_a_report_knows_its_classes():
    with pytest.raises(ValueError, match="classes among 0, 1, 2, 3, found 4"):
        report([0, 4], [0, 1], CLASSES)
    with pytest.raises(ValueError, match="classes among Blues, Folk, Jazz, Rock, found 'Pop'"):
        report(["Rock", "Pop"], ["Rock", "Rock"], CLASSES)
    with pytest.raises(ValueError, match="each name once, found Rock, Rock"):
        report([0, 1], [0, 1], ["Rock", "Rock"])


# --- the noise of a score --------------------------------------------------------------------------------------------

def mood(clips, seed, ties=False):
    random = np.random.default_rng(seed)
    labels = random.random((clips, 3))
    answers = labels + random.normal(0, 0.3, (clips, 3))
    return (answers.round(1), labels.round(1)) if ties else (answers, labels)


@settings(max_examples=30)
@given(st.integers(4, 40), st.integers(0, 1000), st.booleans(), st.booleans())
def test_all_resamples_at_once_are_those_of_one_at_a_time(clips, seed, albums, ties):
    truth, answer, other = two_models(clips, seed)
    groups = np.arange(clips) // 3 if albums else None
    for score, predictions, labels in ((accuracy, answer, truth), (macro_f1, [answer, other], truth),
                                       (mean_spearman, *mood(clips, seed, ties))):
        at_once, singly = (resampled(one, predictions, labels, groups=groups, samples=5, seed=seed)
                           for one in (score, lambda *rows, score=score: score(*rows)))
        np.testing.assert_allclose(at_once, singly, atol=1e-12)


def test_resamples_by_hand():
    """Of two clips, one right: both drawn are right, one, or none, as often as heads of two coins."""
    found = resampled(accuracy, [0, 1], [0, 0], samples=4000)
    shares = [np.mean(found == score) for score in (0, 0.5, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    groups = ["a", "b", "b", "b"]  # b, of three clips, counts three times
    assert set(resampled(accuracy, [0, 1, 1, 1], [0, 0, 0, 0], groups=groups).tolist()) == {0, 0.25, 1}


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_interval_is_scipys(level):
    truth, answer, _ = two_models(200)
    for score, rows in ((accuracy, (answer, truth)), (mean_spearman, tuple(column[:, 0] for column in mood(80, 3)))):
        found = bootstrap(score, *rows, samples=4000, level=level)
        expected = stats.bootstrap(rows, lambda *rows, score=score: score(*rows), paired=True, vectorized=False,
                                   n_resamples=1500, method="percentile", confidence_level=level,
                                   rng=0).confidence_interval
        assert found.value == score(*rows)
        assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.012)


def test_an_interval_of_shares_is_the_binomial_one():
    right = np.arange(575) < 0.47 * 575
    found = bootstrap(accuracy, np.where(right, 1, 0), np.ones(575, dtype=int), samples=4000)
    half = 1.96 * math.sqrt(found.value * (1 - found.value) / 575)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.004)


def test_the_seed_decides_and_blocks_do_not(monkeypatch):
    rows = mood(50, 1)
    assert bootstrap(mean_spearman, *rows) == bootstrap(mean_spearman, *rows)
    assert bootstrap(mean_spearman, *rows) != bootstrap(mean_spearman, *rows, seed=1)
    whole = resampled(mean_spearman, *rows, samples=30)
    monkeypatch.setattr("labkit.evaluation.noise._BLOCK", 350)  # seven resamples a block
    np.testing.assert_array_equal(resampled(mean_spearman, *rows, samples=30), whole)


def test_intervals_cover_what_they_promise():
    """Over 200 test sets the true value lies in about 95 % of the intervals; with albums, only of the grouped ones."""
    random = np.random.default_rng(0)
    inside = {"albums": 0, "clips": 0, "rank": 0}
    true_rank = 6 / np.pi * np.arcsin(0.6 / 2)  # of two normal variables with correlation 0.6 (Pearson, 1907)
    for seed in range(200):
        share = random.beta(1, 1, size=60)  # of an album's clips that the model gets right; 1/2 in the mean
        right = random.random((60, 8)) < share[:, None]
        rows = right.ravel().astype(int), np.ones(480, dtype=int)
        for name, groups in (("albums", np.repeat(np.arange(60), 8)), ("clips", None)):
            _, low, high = bootstrap(accuracy, *rows, groups=groups, samples=200, seed=seed)
            inside[name] += low <= 0.5 <= high
        x, y = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 100).T
        _, low, high = bootstrap(mean_spearman, x, y, samples=200, seed=seed)
        inside["rank"] += low <= true_rank <= high
    assert 0.90 <= inside["albums"] / 200 <= 0.98
    assert 0.90 <= inside["rank"] / 200 <= 0.98
    assert inside["clips"] / 200 < 0.85


@pytest.mark.slow
def test_the_interval_of_macro_f1_lies_too_low_with_few_clips_a_class():
    """As `bootstrap` says; with the course's 575 clips of ten classes it covers what it promises."""
    random, recall = np.random.default_rng(1), np.linspace(0.05, 0.85, 10)

    def test_set(clips):
        truth, noise = random.integers(10, size=(2, clips))
        return np.where(random.random(clips) < recall[truth], truth, noise), truth

    true = macro_f1(*test_set(1_000_000))
    for clips, least, most in ((60, 0.75, 0.94), (575, 0.91, 0.99)):
        intervals = [bootstrap(macro_f1, *test_set(clips), samples=200, seed=seed) for seed in range(150)]
        below, above = (np.mean([side(one) for one in intervals]) for side in (lambda one: one.high < true,
                                                                               lambda one: one.low > true))
        assert least <= 1 - below - above <= most
        assert clips > 60 or below > 3 * above


def test_what_has_no_score_has_no_interval():
    value, low, high = bootstrap(mean_spearman, np.full(5, 0.4), np.arange(5.0))
    assert math.isnan(value) and math.isnan(low) and math.isnan(high)
    assert np.isfinite(bootstrap(mean_spearman, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0])).all()  # resamples of one clip: none
    for arrays, options, message in (
        (([1, 2], [1, 2, 3]), {}, "one row for each clip, found 2, 3 rows"),
        (([], []), {}, "one row for each clip, found 0"),
        (([1, 1], [1, 0]), {"groups": [1]}, r"one group for each of 2 clips, found the shape \(1,\)"),
        (([1, 1], [1, 0]), {"groups": [1, 1]}, "at least 2 clips or groups .* found 1"),
        (([1, 1], [1, 0]), {"level": 95}, "a level between 0 and 1, found 95"),
        (([1, -1], [1, 0]), {}, "found 1 predictions that are none"),
    ):
        with pytest.raises(ValueError, match=message):
            bootstrap(accuracy, *arrays, **options)


def test_an_interval_as_text():
    assert f"{Interval(0.1, -0.0001, 0.2):.2f}" == "0.10 (0.00 to 0.20)"
    interval = Interval(0.4712, 0.442, 0.5)
    assert str(interval) == "0.471 (0.442 to 0.500)"
    assert f"{interval:.1%}" == f"{interval:%}" == "47.1 % (44.2 to 50.0)"
    assert f"{interval:.2f}" == "0.47 (0.44 to 0.50)"


# --- two models ------------------------------------------------------------------------------------------------------

def test_a_comparison_is_paired():
    truth, worse, better = two_models(400)
    found = compare(accuracy, better, worse, truth, names=("the CNN", "the LSTM"))
    by_hand = np.quantile(resampled(accuracy, better, truth) - resampled(accuracy, worse, truth), [0.025, 0.975])
    assert found.difference == pytest.approx((accuracy(better, truth) - accuracy(worse, truth), *by_hand))
    assert found.first == bootstrap(accuracy, better, truth) and found.second == bootstrap(accuracy, worse, truth)
    assert found.is_beyond_noise
    value, low, high = (100 * number for number in found.difference)
    assert str(found) == f"the CNN is better than the LSTM by {value:.1f} points ({low:.1f} to {high:.1f})."
    other_way = compare(accuracy, worse, better, truth, names=("the LSTM", "the CNN"))
    assert other_way.verdict == found.verdict and other_way.difference.value == -found.difference.value
    almost = better.copy()
    almost[:4] = (truth[:4] + 1) % 4
    narrow = compare(accuracy, better, almost, truth).difference
    assert narrow.high - narrow.low < 0.3 * (found.first.high - found.first.low), "what both share cancels out"


def test_a_difference_inside_the_noise_is_called_so():
    truth, answer, _ = two_models(100)
    same = compare(accuracy, answer, answer, truth)
    assert not same.is_beyond_noise
    assert same.verdict == ("The difference of 0.0 points (0.0 to 0.0) between the first and the second lies inside "
                            "the noise.")
    nothing = compare(mean_spearman, np.full(5, 0.4), np.arange(5.0), np.arange(5.0))
    assert not nothing.is_beyond_noise


def test_a_false_alarm_is_rare():
    """Two models that are right equally often: the verdict finds one better in about 5 % of the test sets."""
    random, alarms = np.random.default_rng(1), 0
    for seed in range(200):
        one, other = (random.random((2, 150)) < 0.5).astype(int)
        alarms += compare(accuracy, one, other, np.ones(150, dtype=int), samples=200, seed=seed).is_beyond_noise
    assert 0 < alarms <= 24


def test_seeds_are_averaged():
    truth, one, other = two_models(150)
    mean = (accuracy(one, truth) + accuracy(other, truth)) / 2
    assert bootstrap(accuracy, [one, other], truth).value == pytest.approx(mean)
    found = compare(accuracy, [one, other], [one], truth)
    assert found.difference.value == pytest.approx(mean - accuracy(one, truth))
    by_hand = (resampled(accuracy, one, truth) + resampled(accuracy, other, truth)) / 2
    np.testing.assert_allclose(resampled(accuracy, [one, other], truth), by_hand)
    answers, labels = mood(60, 0)
    three = compare(mean_spearman, [answers, answers + 0.1, answers], answers, labels)
    assert three.difference == pytest.approx((0, 0, 0))
    assert "0.000 (0.000 to 0.000)" in three.verdict
    with pytest.raises(ValueError, match="one row for each clip, found 149, 150 rows"):
        compare(accuracy, [one, other[1:]], one, truth)


def test_mcnemars_test():
    truth = np.zeros(30, dtype=int)
    one, other = np.zeros(30, dtype=int), np.zeros(30, dtype=int)
    one[:2], other[2:12] = 1, 1  # two clips are right by the other alone, ten by the one alone
    assert mcnemar(one, other, truth) == mcnemar(other, one, truth)
    assert mcnemar(one, other, truth) == pytest.approx(2 * (1 + 12 + 66) / 2 ** 12)
    assert mcnemar(one, one, truth) == 1
