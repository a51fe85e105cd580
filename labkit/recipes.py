"""The networks of the lessons and how each is trained: what a lesson calls the LSTM, or the CNN, stands here once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.datasets import (
    CLASS_MAPPING,
    SpectrogramDataset,
    Standardise,
    groups_of,
    split_indices,
    two_loaders,
)
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
from labkit.profiles import DataError, Profile
from labkit.training import TrainingConfig

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


HELD = 0.2   # of the training clips, by album: the validation part
FOLDS = 4    # of the labelled mood clips


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


def _clips(recipe: Recipe, folder: Path, profile: Profile, train: bool, axis: int | str,
           class_mapping: dict[str, str | None] | None = CLASS_MAPPING) -> SpectrogramDataset:
    is_genre = recipe.task == "genre"
    name = ("fma_genre_spectrograms" if is_genre else "multitask_dataset") + ("_beat" if recipe.beat else "")
    return SpectrogramDataset(folder / name, class_mapping, train, recipe.feat_type,
                              regression_label_index=None if is_genre else axis, max_per_class=profile.max_per_class)


def _two_parts(recipe: Recipe, dataset: SpectrogramDataset, places: np.ndarray, seed: int
               ) -> tuple[DataLoader, DataLoader]:
    """Training and validation loaders of some of a dataset's clips."""
    labels = [dataset.labels[place] for place in places] if recipe.task == "genre" else None
    train, val = split_indices(len(places), HELD, seed=seed, labels=labels,
                               groups=[dataset.groups[place] for place in places])
    return two_loaders(dataset, places[train], places[val], recipe.batch_size, 64, seed=seed, bucket=True)


def parts(recipe: Recipe, folder: Path, profile: Profile, seed: int = 0, axis: int | str = "all",
          class_mapping: dict[str, str | None] | None = CLASS_MAPPING, apart_from: Sequence[str] = ()
          ) -> tuple[DataLoader, DataLoader, DataLoader]:
    """The training, validation and test loaders of a recipe; albums stay on one side.

    Parameters
    ----------
    recipe : what it hears, and its batch size.
    folder : where the dataset folders lie.
    profile : limits the clips of a class.
    seed : of the split and of the order of the training batches.
    axis : of mood, as regression_label_index in SpectrogramDataset.
    class_mapping : of genres, as there.
    apart_from : ids of clips, of this or another dataset of the folder, whose albums are not trained on.
    """
    dataset, test = (_clips(recipe, folder, profile, train, axis, class_mapping) for train in (True, False))
    groups = groups_of([*dataset.ids, *apart_from], folder)
    known = set(groups[len(dataset):])
    places = np.flatnonzero([group not in known for group in groups[:len(dataset)]])
    return *_two_parts(recipe, dataset, places, seed), DataLoader(test, 64, collate_fn=test.collate)


def folds(recipe: Recipe, folder: Path, profile: Profile, axis: int | str = "all", share: float = 1.0, seed: int = 0
          ) -> list[tuple[DataLoader, DataLoader, DataLoader]]:
    """The labelled mood clips, parted `FOLDS` times into training, validation and held-out loaders, by albums.

    Each labelled clip is held out once, by a fold whose networks then know no clip of its album (cross-validation;
    Stone, 1974).

    Parameters
    ----------
    recipe, folder, profile, axis, seed : as `parts`; the held-out clips are the same for each seed.
    share : of the clips that are not held out, how many are used, about, in whole albums.

    Raises
    ------
    DataError : fewer albums than the folds, or the share, need.
    """
    from sklearn.model_selection import GroupKFold

    dataset = _clips(recipe, folder, profile, True, axis)
    groups = np.array(dataset.groups)
    if len(set(groups)) < 2 * FOLDS:
        raise DataError(f"{dataset.path}: expected labelled clips of at least {2 * FOLDS} albums, found "
                        f"{len(set(groups))}. Use more clips; groups.txt says which belong to one album.")
    made = []
    for places, held in GroupKFold(FOLDS).split(groups, groups=groups):
        if share < 1:
            albums = len(set(groups[places]))
            places = places[split_indices(len(places), share, seed=seed, groups=groups[places])[1]]
            if (left := len(set(groups[places]))) < 2:
                raise DataError(f"{dataset.path}: a share of {share} leaves {left} albums of {albums} to train and "
                                "choose by. Use a larger share.")
        made.append((*_two_parts(recipe, dataset, places, seed),
                     DataLoader(Subset(dataset, held.tolist()), 64, collate_fn=dataset.collate)))
    return made


def outlines(clips: Dataset) -> np.ndarray:
    """Mean, deviation and mean absolute change from frame to frame of each feature: (clips, 3 features).

    It is what the linear model hears of a clip: how much a feature changes, not when.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/08_emotion, notebooks/09b_multitask, notebooks/10_submission, notebooks/11_latent_spaces,
        notebooks/12_your_own_music
    """
    frames = (clips[place][0].numpy() for place in range(len(clips)))
    return np.array([np.concatenate([one.mean(axis=0), one.std(axis=0), np.abs(np.diff(one, axis=0)).mean(axis=0)])
                     for one in frames])


def linear_model(train_loader: DataLoader) -> "Pipeline":
    """What a network has to be better than: a linear model of the outlines of a loader's clips, fitted.

    Of genres it is logistic regression; of mood ridge regression, whose penalty is chosen within these clips.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/10_submission
    """
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clips = train_loader.dataset
    is_genre = clips.dataset.kind == "genre"
    model = LogisticRegression(C=0.01, max_iter=2000) if is_genre else RidgeCV(np.logspace(1, 5, 9))
    return make_pipeline(StandardScaler(), model).fit(outlines(clips), clips.dataset.targets[clips.indices])


def linear_predictions(folds: Sequence[tuple[DataLoader, DataLoader, DataLoader]]) -> np.ndarray:
    """The linear model's prediction of each clip by the fold that held it out, in the dataset's order.

    folds : as `folds` gives them.

    Used in: notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission
    """
    places = np.concatenate([held.dataset.indices for _, _, held in folds])
    return np.concatenate([linear_model(train).predict(outlines(held.dataset)) for train, _, held in folds]
                          )[np.argsort(places)]
