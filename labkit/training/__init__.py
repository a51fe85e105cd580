"""Training: one loop over batches, its settings, and the runs that it leaves in the cache.

- `config`: `TrainingConfig`, every setting of a training in one place
- `augment`: what makes other clips of the training clips, masks and mixtures
- `loop`: `fit`, one pass over the batches, early stopping; `train` and other names of the course
- `runs`: `trained`, which finds a training of an earlier lesson in the cache, or does it; `cross_validated`, one for
  each fold
"""

from labkit.training.config import TrainingConfig
from labkit.training.loop import (
    EarlyStopper,
    History,
    fastest_device,
    fit,
    overfit_with_a_couple_of_batches,
    run_epoch,
    train,
)
from labkit.training.runs import CrossValidated, cross_validated, trained

__all__ = ["CrossValidated", "EarlyStopper", "History", "TrainingConfig", "cross_validated", "fastest_device", "fit",
           "overfit_with_a_couple_of_batches", "run_epoch", "train", "trained"]
