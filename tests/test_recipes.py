"""The networks of the lessons: each hears what it says, keeps albums apart and takes a step."""

import shutil
from itertools import chain

import numpy as np
import pytest
import torch

from labkit.datasets import AFFECT, BucketSampler, Standardise, list_clips
from labkit.models import (
    ASTBackbone,
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    MultitaskRegressor,
    Regressor,
    ResidualBackbone,
)
from labkit.profiles import PROFILES, DataError
from labkit.recipes import GENRE, MOOD, folds, linear_model, linear_predictions, outlines, parts
from labkit.training import run_epoch

SMOKE = PROFILES["smoke"]


@pytest.mark.parametrize("name", GENRE)
def test_a_genre_recipe_takes_an_epoch(name, course):
    recipe = GENRE[name]
    train, val, test = parts(recipe, course, SMOKE)
    dataset = train.dataset.dataset
    assert dataset.path.name == "fma_genre_spectrograms" + ("_beat" if recipe.beat else "")
    assert dataset.feature_rows == {"mel": 128, "chroma": 12, "fused": 140}[recipe.feat_type]
    groups = [{loader.dataset.dataset.groups[place] for place in loader.dataset.indices} for loader in (train, val)]
    assert not groups[0] & groups[1]
    backbone = recipe.build(dataset.feature_rows, Standardise.fit(dataset, train.dataset.indices))
    model = Classifier(backbone, len(dataset.label_transformer.classes_))
    config = recipe.training(SMOKE, seed=3)
    assert (config.epochs, config.seed) == (SMOKE.epochs, 3)
    assert run_epoch(model, train, config.make_optimizer(model), config=config) > 0
    assert run_epoch(model, test) > 0


@pytest.mark.parametrize("axis", [0, "all"])
@pytest.mark.parametrize("name", MOOD)
def test_a_mood_recipe_takes_an_epoch(name, axis, course):
    train, val, test = parts(MOOD[name], course, SMOKE, axis=axis)
    dataset = train.dataset.dataset
    assert dataset.kind == "mood"
    backbone = MOOD[name].build(dataset.feature_rows, Standardise.fit(dataset, train.dataset.indices))
    model = MultitaskRegressor(backbone) if axis == "all" else Regressor(backbone)
    assert run_epoch(model, train, MOOD[name].training(SMOKE).make_optimizer(model)) > 0
    assert run_epoch(model, val) > 0
    assert torch.isnan(test.dataset.targets).all()
    assert test.dataset.targets.shape == ((5,) if axis == 0 else (5, len(AFFECT)))


def test_the_profile_limits_the_epochs():
    assert GENRE["CNN"].training(PROFILES["full"]).epochs == GENRE["CNN"].config.epochs
    assert GENRE["CNN"].training(PROFILES["ci"]).epochs == PROFILES["ci"].epochs


def test_what_each_recipe_is():
    """Its network, its input and its standardisation are what its name says."""
    kinds = {"LSTM": LSTMBackbone, "CNN": CNNBackbone, "transformer": ASTBackbone, "residual network": ResidualBackbone}
    standardise = Standardise(128)
    for name, recipe in [*GENRE.items(), *MOOD.items()]:
        backbone = recipe.build(128, standardise)
        assert type(backbone) is kinds[name.split(",")[0]]
        assert backbone.standardise is standardise
    heard = {name: (recipe.feat_type, recipe.beat) for name, recipe in GENRE.items()}
    assert heard == {"LSTM, mel": ("mel", False), "LSTM, beat-synchronous mel": ("mel", True),
                     "LSTM, chroma": ("chroma", True), "LSTM, mel and chroma": ("fused", True), "CNN": ("mel", False),
                     "transformer": ("mel", False), "residual network": ("mel", False)}
    assert {name: (recipe.task, recipe.feat_type, recipe.beat) for name, recipe in MOOD.items()} == {
        "LSTM": ("mood", "mel", True), "CNN": ("mood", "mel", False)}


@pytest.mark.parametrize("recipe, clips, tests", [(GENRE["LSTM, mel"], 36, 10), (MOOD["LSTM"], 20, 5)])
def test_the_three_parts(recipe, clips, tests, course):
    """Four fifths to train on, one to choose by, and the test split in its order; each clip in one of them."""
    train, val, test = parts(recipe, course, PROFILES["full"])
    whole = train.dataset.dataset
    assert (whole.split, test.dataset.split) == ("train", "test")
    assert val.dataset.dataset is whole
    assert sorted([*train.dataset.indices, *val.dataset.indices]) == list(range(len(whole)))
    assert 2 * len(val.dataset) < len(train.dataset)
    assert len(test.dataset) == tests
    assert isinstance(train.batch_sampler, BucketSampler)
    assert (train.batch_sampler.batch_size, val.batch_size, test.batch_size) == (recipe.batch_size, 64, 64)
    assert torch.equal(torch.cat([lengths for _, _, lengths in test]), torch.from_numpy(test.dataset.frames()))


def test_the_seed_draws_split_and_order(course):
    recipe, full = GENRE["LSTM, mel"], PROFILES["full"]

    def drawn(seed):
        train, val, _ = parts(recipe, course, full, seed)
        return val.dataset.indices, [lengths.tolist() for _, _, lengths in train]

    assert drawn(1) == drawn(1)
    assert len({str(drawn(seed)[0]) for seed in range(5)}) > 1
    assert len({str(drawn(seed)[1]) for seed in range(5)}) > 1


def test_profile_mapping_and_axis_reach_the_dataset(course):
    recipe = GENRE["LSTM, mel"]
    few, all_of_them = (parts(recipe, course, profile)[0].dataset.dataset for profile in (SMOKE, PROFILES["full"]))
    assert max(few.labels.count(label) for label in few.labels) <= SMOKE.max_per_class
    assert len(few) < len(all_of_them)
    train, _, test = parts(recipe, course, PROFILES["full"], class_mapping=None)
    assert "Psych-Rock" in train.dataset.dataset.label_transformer.classes_
    assert "Psych-Rock" in test.dataset.label_transformer.classes_
    assert "Psych-Rock" not in all_of_them.label_transformer.classes_
    for axis, name in enumerate(AFFECT):
        for given in (axis, name):
            mood = parts(MOOD["CNN"], course, PROFILES["full"], axis=given)[0].dataset.dataset
            assert mood.targets.tolist() == pytest.approx([label[axis] for label in mood.labels])


def test_clips_of_given_albums_are_not_trained_on(course):
    recipe, full = GENRE["LSTM, mel"], PROFILES["full"]
    whole = parts(recipe, course, full)[0].dataset.dataset
    train, val, test = parts(recipe, course, full, apart_from=whole.ids[:1])
    used = {whole.groups[place] for loader in (train, val) for place in loader.dataset.indices}
    assert set(whole.groups) - used == {whole.groups[0]}
    assert len(test.dataset) == len(parts(recipe, course, full)[2].dataset)


@pytest.fixture(scope="module")
def pairs(course, tmp_path_factory):
    """The tiny dataset with ten albums of two mood clips."""
    root = tmp_path_factory.mktemp("pairs")
    shutil.copytree(course / "multitask_dataset", root / "multitask_dataset")
    clips = sorted(list_clips(root / "multitask_dataset", "train"), key=int)
    clips += sorted(list_clips(root / "multitask_dataset", "test"), key=int)
    (root / "groups.txt").write_text("Id\tGroup\n" + "".join(f"{clip}\t{number // 2}\n"
                                                              for number, clip in enumerate(clips)))
    return root


@pytest.mark.parametrize("axis", ["energy", "all"])
def test_each_mood_clip_is_held_out_once_and_albums_stay_together(axis, pairs):
    made = folds(MOOD["CNN"], pairs, PROFILES["full"], axis)
    dataset = made[0][0].dataset.dataset
    assert dataset.targets.shape == ((20,) if axis == "energy" else (20, 3))
    assert sorted(place for *_, held in made for place in held.dataset.indices) == list(range(20))
    for loaders in made:
        places = [loader.dataset.indices for loader in loaders]
        assert sorted(chain(*places)) == list(range(20))
        albums = [{dataset.groups[place] for place in part} for part in places]
        assert not any(albums[one] & albums[other] for one, other in ((0, 1), (0, 2), (1, 2)))


def test_fewer_clips_for_training_leave_the_held_out_ones_as_they_are(pairs):
    every, half = (folds(MOOD["CNN"], pairs, PROFILES["full"], share=share) for share in (1.0, 0.5))
    for whole, few in zip(every, half, strict=True):
        assert whole[2].dataset.indices == few[2].dataset.indices
        used = [[*train.dataset.indices, *val.dataset.indices] for train, val, _ in (whole, few)]
        assert set(used[1]) < set(used[0])
        assert 0.3 < len(used[1]) / len(used[0]) < 0.7


def test_too_few_albums_for_folds_are_refused(course, pairs):
    with pytest.raises(DataError, match="expected labelled clips of at least 8 albums, found 5"):
        folds(MOOD["CNN"], course, PROFILES["full"])
    with pytest.raises(DataError, match=r"a share of 0\.05 leaves 1 albums of 7 to train and choose by"):
        folds(MOOD["CNN"], pairs, PROFILES["full"], share=0.05)


def test_the_linear_model_predicts_each_clip_by_the_fold_that_held_it_out(pairs):
    made = folds(MOOD["CNN"], pairs, PROFILES["full"])
    found = linear_predictions(made)
    assert found.shape == (20, 3)
    for train, _, held in made:
        expected = linear_model(train).predict(outlines(held.dataset))
        np.testing.assert_allclose(found[held.dataset.indices], expected)
