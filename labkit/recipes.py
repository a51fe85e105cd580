"""The networks of the lessons and how each is trained: what a lesson calls the LSTM, or the CNN, stands here once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import nn
from torch.utils.data import DataLoader, Dataset

from labkit.datasets import CLASS_MAPPING, SpectrogramDataset, Standardise, torch_train_val_split
from labkit.models import (
    ASTBackbone,
    Backbone,
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    MultitaskRegressor,
    Regressor,
    ResidualBackbone,
)
from labkit.profiles import Profile
from labkit.training import TrainingConfig

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True)
class Recipe:
    """A network of the lab: what it hears, how it is built, how it is trained."""

    build: Callable[[int, Standardise], Backbone]  # of the features of a frame and their standardisation
    config: TrainingConfig                         # epochs: the profile allows fewer
    feat_type: str = "mel"
    beat: bool = False                             # frames of a beat instead of 23 ms
    batch_size: int = 16
    task: str = "genre"                            # or "mood"

    def training(self, profile: Profile, seed: int = 0) -> TrainingConfig:
        """Its settings for a profile, which limits the epochs."""
        return replace(self.config, epochs=min(self.config.epochs, profile.epochs), seed=seed)

    def network(self, train_loader: DataLoader) -> nn.Module:
        """An untrained network with its head, standardised by the loader's own clips; the labels decide the head.

        Used in: notebooks/05_lstm_genre, notebooks/06_evaluation
        """
        dataset, places = train_loader.dataset.dataset, train_loader.dataset.indices
        backbone = self.build(dataset.feature_rows, Standardise.fit(dataset, places))
        if self.task == "genre":
            return Classifier(backbone, len(dataset.label_transformer.classes_))
        return Regressor(backbone) if dataset.targets.ndim == 1 else MultitaskRegressor(backbone)


def _lstm(features: int, standardise: Standardise) -> Backbone:
    return LSTMBackbone(features, 64, dropout=0.3, standardise=standardise)


def _cnn(features: int, standardise: Standardise) -> Backbone:
    return CNNBackbone(features, (16, 32, 64, 128), (4, 2, 4, 4), standardise=standardise)


def _transformer(features: int, standardise: Standardise) -> Backbone:
    return ASTBackbone(features, 64, depth=2, standardise=standardise)


def _residual(features: int, standardise: Standardise) -> Backbone:
    return ResidualBackbone(features, standardise=standardise)


LSTM_TRAINING = TrainingConfig(epochs=40, learning_rate=3e-3, weight_decay=1e-3, schedule="cosine", clip_norm=1.0)
CNN_TRAINING = TrainingConfig(epochs=20, learning_rate=1e-3, weight_decay=1e-4, schedule="cosine")

GENRE = {
    "LSTM, mel": Recipe(_lstm, LSTM_TRAINING),
    "LSTM, beat-synchronous mel": Recipe(_lstm, LSTM_TRAINING, beat=True),
    "LSTM, chroma": Recipe(_lstm, LSTM_TRAINING, "chroma", beat=True),
    "LSTM, mel and chroma": Recipe(_lstm, LSTM_TRAINING, "fused", beat=True),
    "CNN": Recipe(_cnn, CNN_TRAINING),
    "transformer": Recipe(_transformer, replace(CNN_TRAINING, clip_norm=1.0)),
    "residual network": Recipe(_residual, replace(CNN_TRAINING, learning_rate=3e-3, optimizer="adamw",
                                                  weight_decay=0.05, label_smoothing=0.1, mixup=0.3)),
}
LSTMS = {name: GENRE[name] for name in ("LSTM, mel", "LSTM, beat-synchronous mel", "LSTM, chroma",
                                        "LSTM, mel and chroma")}
MOOD = {
    "LSTM": Recipe(_lstm, LSTM_TRAINING, beat=True, task="mood"),
    "CNN": Recipe(_cnn, CNN_TRAINING, task="mood"),
}


def parts(recipe: Recipe, folder: Path, profile: Profile, seed: int = 0, axis: int | str = "all",
          class_mapping: dict[str, str | None] | None = CLASS_MAPPING) -> tuple[DataLoader, DataLoader, DataLoader]:
    """The training, validation and test loaders of a recipe; albums stay on one side.

    Parameters
    ----------
    recipe : what it hears, and its batch size.
    folder : where the dataset folders lie.
    profile : limits the clips of a class.
    seed : of the split and of the order of the training batches.
    axis : of mood, as regression_label_index in SpectrogramDataset.
    class_mapping : of genres, as there.
    """
    is_genre = recipe.task == "genre"
    name = ("fma_genre_spectrograms" if is_genre else "multitask_dataset") + ("_beat" if recipe.beat else "")
    made = [SpectrogramDataset(folder / name, class_mapping, train, recipe.feat_type,
                               regression_label_index=None if is_genre else axis, max_per_class=profile.max_per_class)
            for train in (True, False)]
    train, val = torch_train_val_split(made[0], recipe.batch_size, 64, seed=seed, groups=made[0].groups, bucket=True)
    return train, val, DataLoader(made[1], 64, collate_fn=made[1].collate)


def outlines(clips: Dataset) -> np.ndarray:
    """Mean, deviation and mean absolute change from frame to frame of each feature: (clips, 3 features).

    It is what the linear model hears of a clip: how much a feature changes, not when.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation
    """
    frames = (clips[place][0].numpy() for place in range(len(clips)))
    return np.array([np.concatenate([one.mean(axis=0), one.std(axis=0), np.abs(np.diff(one, axis=0)).mean(axis=0)])
                     for one in frames])


def linear_model(train_loader: DataLoader) -> "Pipeline":
    """Logistic regression on the outlines of a loader's clips, fitted: what a network has to be better than.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clips = train_loader.dataset
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    return model.fit(outlines(clips), clips.dataset.targets[clips.indices])
