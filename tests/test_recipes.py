"""The networks of the lessons: each hears what it says, keeps albums apart and takes a step."""

import pytest
import torch

from labkit.datasets import AFFECT, Standardise
from labkit.models import Classifier, MultitaskRegressor, Regressor
from labkit.profiles import PROFILES
from labkit.recipes import GENRE, MOOD, parts
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
