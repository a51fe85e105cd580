"""Predictions, and what they are worth: always over all clips at once, never batch by batch.

- `predictions`: the outputs of a model for a whole loader, and whether its clips were trained on
- `scores`: accuracy, F1, the report for each class, Spearman's correlation
- `noise`: how far a score would move with other test clips, and whether one model is better than another
"""

from labkit.evaluation.noise import Comparison, Interval, bootstrap, compare, mcnemar, resampled
from labkit.evaluation.predictions import check_apart, clips_of, predict
from labkit.evaluation.scores import (
    ClassScores,
    GenreReport,
    Spearman,
    accuracy,
    macro_f1,
    mean_spearman,
    report,
    spearman,
)

__all__ = ["ClassScores", "Comparison", "GenreReport", "Interval", "Spearman", "accuracy", "bootstrap", "check_apart",
           "clips_of", "compare", "macro_f1", "mcnemar", "mean_spearman", "predict", "report", "resampled", "spearman"]
