"""Every setting of a training, in one frozen record; with network and clips it says all that decides a result."""

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

from torch import nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

KEEP = ("loss", "accuracy", "macro_f1", "spearman", "last")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train; the defaults are the plain way, without augmentation, averaging or schedule.

    `keep` chooses the weights that a training ends with: those of the epoch with the lowest validation loss, or with
    the highest accuracy, macro F1 or mean Spearman correlation on the validation clips; 'last' = those of the last
    epoch, the one choice without validation clips.

    Sources: Adam (Kingma and Ba, 2015), AdamW (Loshchilov and Hutter, 2019), cosine schedule (Loshchilov and Hutter,
    2017), clipping (Pascanu et al., 2013), masks (SpecAugment: Park et al., 2019), mixup (Zhang et al., 2018),
    label smoothing (Szegedy et al., 2016).

    Raises ValueError for a value outside its range.
    """

    epochs: int = 20                                    # passes over the training clips, at most
    optimizer: Literal["adam", "adamw"] = "adam"        # adamw: weight decay beside the gradient, not in it
    learning_rate: float = 1e-3                         # the highest of the schedule
    weight_decay: float = 0.0                           # pull of each weight towards 0; adamw spares biases and scales
    schedule: Literal["constant", "cosine"] = "constant"  # cosine: up in the warm-up, then down to 0
    warm_up: float = 0.1                                # share of all steps, of the cosine schedule
    clip_norm: float | None = None                      # the gradient is shortened to this length at most
    average: float = 0.0                                # decay of the moving average of the weights; 0 = none; less at
    #                                                     first, so that the first weights are soon forgotten
    keep: str = "loss"                                  # which epoch's weights are kept, see above
    patience: int | None = None                         # stop after so many epochs without a better one; None = never
    label_smoothing: float = 0.0                        # share of each genre label that is spread over all genres
    roll: bool = False                                  # begin each clip anywhere; what was before comes at its end
    time_masks: int = 0                                 # stretches of a clip that are hidden
    time_mask: float = 0.1                              # the longest of them, share of the clip
    frequency_masks: int = 0                            # runs of neighbouring features that are hidden
    frequency_mask: int = 16                            # the widest of them, features
    gain: float = 0.0                                   # mel bands up or down by at most so many dB, together
    mixup: float = 0.0                                  # alpha of the beta distribution of the shares; 0 = none
    seed: int = 0                                       # of dropout, masks and mixtures

    def __post_init__(self):
        limits = {"epochs": (1, math.inf), "learning_rate": (1e-12, math.inf), "weight_decay": (0, math.inf),
                  "warm_up": (0, 1), "clip_norm": (1e-12, math.inf), "average": (0, 1 - 1e-9),
                  "label_smoothing": (0, 1), "patience": (1, math.inf), "time_masks": (0, 100), "time_mask": (0, 1),
                  "frequency_masks": (0, 100), "frequency_mask": (0, math.inf), "gain": (0, 80), "mixup": (0, math.inf),
                  "seed": (0, 2 ** 63 - 1)}
        whole = ("epochs", "patience", "time_masks", "frequency_masks", "frequency_mask", "seed")
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is None and name in ("clip_norm", "patience"):
                continue
            kind = Integral if name in whole else Real
            if not isinstance(value, kind) or isinstance(value, bool) or not least <= value <= most:  # NaN is refused
                raise ValueError(f"Expected {name} to be {'a whole' if kind is Integral else 'a'} number from "
                                 f"{least:g} to {most:g}, found {value!r}.")
        if not isinstance(self.roll, bool):
            raise ValueError(f"Expected roll to be True or False, found {self.roll!r}.")
        if self.keep == "last" and self.patience is not None:
            raise ValueError(f"Expected patience=None with keep='last', found {self.patience}: nothing is waited for.")
        choices = {"optimizer": ("adam", "adamw"), "schedule": ("constant", "cosine"), "keep": KEEP}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"Expected {name} to be one of {', '.join(allowed)}, found {getattr(self, name)!r}.")

    @property
    def changes_clips(self) -> bool:
        """Whether each training clip is changed by itself, by rolling, masks or gain."""
        return bool(self.roll or self.time_masks or self.frequency_masks or self.gain)

    def make_optimizer(self, model: nn.Module) -> Optimizer:
        """The optimizer of all weights of a model that are not frozen."""
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        if self.optimizer == "adam":
            return Adam(weights, self.learning_rate, weight_decay=self.weight_decay)
        pulled, free = ([weight for weight in weights if (weight.ndim > 1) == several] for several in (True, False))
        return AdamW([{"params": pulled}, {"params": free, "weight_decay": 0.0}], self.learning_rate,
                     weight_decay=self.weight_decay)

    def make_schedule(self, optimizer: Optimizer, steps: int) -> LambdaLR | None:
        """What sets the learning rate of each of `steps` steps; None for the constant one."""
        if self.schedule == "constant":
            return None
        rising = max(1, round(self.warm_up * steps))

        def factor(step: int) -> float:
            if step < rising:
                return (step + 1) / rising
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rising) / max(1, steps - rising))))

        return LambdaLR(optimizer, factor)
