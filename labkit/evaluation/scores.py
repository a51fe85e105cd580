"""Scores of predictions: for genres, whose classes are names or indices, and for the three axes of mood."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import ConstantInputWarning, spearmanr

# --- genre -----------------------------------------------------------------------------------------------------------

def accuracy(predicted: Sequence, truth: Sequence) -> float:
    """The share of the clips whose class is predicted, in [0, 1].

    Parameters
    ----------
    predicted, truth : one class a clip (N,), both as names or both as indices.

    Raises
    ------
    ValueError : unequal lengths, no clip, classes that are missing (NaN, None, below 0), names against indices.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre,
        notebooks/07c_transformer, notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    predicted, truth = check_classes(predicted, truth)
    return float(np.mean(predicted == truth))


def macro_f1(predicted: Sequence, truth: Sequence) -> float:
    """The mean of the classes' F1, in [0, 1]: a rare class counts as much as a frequent one.

    The mean is over the classes that occur or are predicted; a class that is never predicted has F1 = 0. Arguments and
    errors as in `accuracy`.

    Used in: notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer
    """
    from sklearn.metrics import f1_score

    predicted, truth = check_classes(predicted, truth)
    return float(f1_score(truth, predicted, average="macro", zero_division=0))


def check_classes(predicted: Sequence, truth: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Both as arrays (N,) of names or of indices; raises ValueError as `accuracy` does."""
    arrays = [np.asarray(values) for values in (predicted, truth)]
    shapes = [values.shape for values in arrays]
    if shapes[0] != shapes[1] or len(shapes[0]) != 1 or not shapes[0][0]:
        raise ValueError(f"Expected one class for each clip, predictions and labels both (N,), N at least 1, found "
                         f"{shapes[0]} and {shapes[1]}. Of the outputs (N, classes) of a Classifier take .argmax(1).")
    for place, (what, values) in enumerate(zip(("predictions", "labels"), arrays, strict=True)):
        if values.dtype.kind == "U":
            continue
        numbers = values.dtype.kind in "iuf"
        missing = ~np.isfinite(values) | (values < 0) if numbers else np.array([not isinstance(one, str)
                                                                                for one in values])
        if missing.any():
            raise ValueError(f"Expected a class for each clip, a name or an index from 0, found {missing.sum()} {what} "
                             f"that are none, the first {values[missing][0]!r}. Leave clips without labels out.")
        if numbers and np.any(values % 1):
            raise ValueError(f"Expected classes as names or indices, found {what} with fractions, such as "
                             f"{values[values % 1 > 0][0]}. Of the outputs of a Classifier take .argmax(1).")
        arrays[place] = values.astype(int if numbers else str)
    if arrays[0].dtype.kind != arrays[1].dtype.kind:
        raise ValueError(f"Expected predictions and labels both as names or both as indices, found {arrays[0][0]!r} "
                         f"and {arrays[1][0]!r}. Translate one of them with the LabelTransformer of the dataset.")
    return arrays[0], arrays[1]


class ClassScores(NamedTuple):
    """The scores of one class, or an average of them, in [0, 1]."""

    name: str
    precision: float  # of the clips predicted as this class, the share that are
    recall: float     # of the clips of this class, the share that are predicted so
    f1: float         # the harmonic mean of the two
    support: int      # clips of this class


@dataclass(frozen=True)
class GenreReport:
    """Everything that step 6 of the lab asks of a classifier; printed, it is a table."""

    accuracy: float
    per_class: tuple[ClassScores, ...]  # in the order of the classes
    macro: ClassScores     # the mean over the classes that occur or are predicted
    micro: ClassScores     # of all decisions together; with one class a clip it is the accuracy
    weighted: ClassScores  # the mean over the classes, each counted by its clips
    confusion: np.ndarray  # (C, C) clips: rows are the true classes, columns the predicted ones

    @property
    def never_predicted(self) -> tuple[str, ...]:
        """The classes that occur and that the model never answers: their F1 is 0."""
        predicted = self.confusion.sum(axis=0)
        return tuple(one.name for one, count in zip(self.per_class, predicted, strict=True) if one.support > count == 0)

    def to_rows(self) -> list[dict[str, str | float | int]]:
        """One dict for each class and each average: class, precision, recall, f1, support."""
        return [{"class": name, **rest} for name, rest in
                ((one.name, dict(zip(one._fields[1:], one[1:], strict=True)))
                 for one in (*self.per_class, self.macro, self.micro, self.weighted))]

    def __str__(self) -> str:
        rows = self.to_rows()
        width = max(len(row["class"]) for row in rows)
        lines = [f"{'':{width}}  precision  recall    F1  clips"]
        lines += [f"{row['class']:{width}}  {row['precision']:9.2f}  {row['recall']:6.2f}  {row['f1']:4.2f}  "
                  f"{row['support']:5d}" for row in rows]
        lines.insert(1 + len(self.per_class), "")
        lines += ["", f"accuracy {self.accuracy:.3f} on {self.confusion.sum()} clips"]
        if self.never_predicted:
            lines.append(f"never predicted, so F1 = 0.00: {', '.join(self.never_predicted)}")
        return "\n".join(lines)


def report(predicted: Sequence, truth: Sequence, classes: Sequence[str]) -> GenreReport:
    """Precision, recall and F1 of each class, their averages, the accuracy and the confusion matrix.

    A score whose denominator is 0 counts as 0. A class that neither occurs nor is predicted is left out of the
    averages. The numbers are scikit-learn's (Pedregosa et al., 2011).

    Parameters
    ----------
    predicted, truth : one class a clip (N,), both as names or both as indices into `classes`.
    classes : the name of each class, in the order of the indices.

    Raises
    ------
    ValueError : as `accuracy`, a class that is not among `classes`, or a name that occurs twice in them.

    Used in: notebooks/06_evaluation, notebooks/07b_cnn_genre
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    classes = [str(name) for name in classes]
    if len(set(classes)) != len(classes) or not classes:
        raise ValueError(f"Expected at least one class, each name once, found {', '.join(classes) or 'none'}.")
    predicted, truth = check_classes(predicted, truth)
    known = np.arange(len(classes)) if predicted.dtype.kind == "i" else np.array(classes)
    if strange := sorted(set(np.concatenate([predicted, truth]).tolist()) - set(known.tolist())):
        raise ValueError(f"Expected classes among {', '.join(map(str, known))}, found {strange[0]!r}. "
                         "Give `classes` of the training labels, in the order of the indices.")
    per_class = precision_recall_fscore_support(truth, predicted, labels=known, zero_division=0)
    present = np.unique(np.concatenate([predicted, truth]))
    averages = {}
    for name in ("macro", "micro", "weighted"):
        values = precision_recall_fscore_support(truth, predicted, labels=present, average=name, zero_division=0)
        averages[name] = ClassScores(f"{name} average", *map(float, values[:3]), len(truth))
    return GenreReport(
        accuracy(predicted, truth),
        tuple(ClassScores(name, *map(float, values), int(support))
              for name, *values, support in zip(classes, *per_class, strict=True)),
        **averages, confusion=confusion_matrix(truth, predicted, labels=known))


# --- mood ------------------------------------------------------------------------------------------------------------

class Spearman(NamedTuple):
    """Rank correlations in [-1, 1]."""

    axes: tuple[float, ...]  # one for each column
    mean: float              # with three axes the course's metric


def spearman(predictions: np.ndarray, targets: np.ndarray) -> Spearman:
    """Spearman's rank correlation (1904) over all clips at once, for each axis, and the mean of the axes.

    Only the order counts, and ties share their mean rank. Where all predictions of an axis are alike there is no
    order, and the result is NaN.

    Parameters
    ----------
    predictions, targets : both (N,) or both (N, axes), as `predict` gives them; N at least 2.

    Raises
    ------
    ValueError : unequal shapes, fewer than two clips, or numbers that are missing.

    Used in: notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask
    """
    predictions, targets = np.asarray(predictions, dtype=float), np.asarray(targets, dtype=float)
    if predictions.shape != targets.shape or targets.ndim not in (1, 2) or len(targets) < 2:
        raise ValueError("Expected predictions and labels of one shape, (N,) or (N, axes), N at least 2, found "
                         f"{predictions.shape} and {targets.shape}. Give both as `predict` returns them.")
    missing = [int(np.sum(~np.isfinite(values))) for values in (predictions, targets)]
    if any(missing):
        raise ValueError(f"Expected a number for each clip, found {missing[0]} predictions and {missing[1]} labels "
                         "that are none. Leave clips without labels out.")
    columns = zip(predictions.reshape(len(predictions), -1).T, targets.reshape(len(targets), -1).T, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        axes = tuple(float(spearmanr(one, other).statistic) for one, other in columns)
    return Spearman(axes, float(np.mean(axes)))


def mean_spearman(predictions: np.ndarray, targets: np.ndarray) -> float:
    """The mean of the axes' rank correlations alone, in [-1, 1]; arguments and errors as in `spearman`.

    Used in: notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission
    """
    return spearman(predictions, targets).mean
