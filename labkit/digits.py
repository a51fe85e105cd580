"""Handwritten digits as small pictures, for the lesson that looks into a CNN."""

import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from labkit.profiles import DataError

SIDE = 24           # pixels of a picture, as in the course's demonstration
HELD = 0.25         # of scikit-learn's digits
MOST = 4000, 1000   # pictures of a larger set to train on and to hold out: a lesson lasts minutes


class Digits(NamedTuple):
    """Pictures (N, 1, 24, 24), float32 from 0 (paper) to 1 (ink), and the digit (N,) of each, in two parts."""

    train: np.ndarray
    train_labels: np.ndarray
    held: np.ndarray
    held_labels: np.ndarray
    source: str        # in words


def read_digits(seed: int = 0) -> Digits:
    """Real handwritten digits, 24 by 24 pixels.

    Without the variable `LAB_DIGITS` those that come with scikit-learn: 1797 digits of 8 by 8, interpolated to 24 by
    24. They are the test part of Alpaydin and Kaynak (1998), written by 13 people; a quarter is held out, drawn with
    the same share of each digit, so that the writers are the same on both sides.

    `LAB_DIGITS` may name a file mnist.npz with the arrays x_train, y_train, x_test and y_test, as it is commonly
    passed on (LeCun et al., 1998). Its pictures lose two pixels on each side, and at most 4000 and 1000 are drawn.

    Parameters
    ----------
    seed : of the draw.

    Raises
    ------
    DataError : `LAB_DIGITS` names no such file.

    Used in: notebooks/07a_inside_a_cnn
    """
    given = os.environ.get("LAB_DIGITS")
    return _of_file(Path(given).expanduser(), seed) if given else _of_scikit_learn(seed)


def _of_scikit_learn(seed: int) -> Digits:
    import torch
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    small, labels = load_digits(return_X_y=True)
    pictures = torch.tensor(small.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    large = torch.nn.functional.interpolate(pictures, size=(SIDE, SIDE), mode="bilinear").numpy()
    train, held = train_test_split(np.arange(len(labels)), test_size=HELD, random_state=seed, stratify=labels)
    return Digits(large[train], labels[train], large[held], labels[held],
                  f"{len(labels)} handwritten digits that come with scikit-learn, 8 by 8 pixels, interpolated to "
                  f"{SIDE} by {SIDE}")


def _of_file(file: Path, seed: int) -> Digits:
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = [arrays[name] for name in names]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, TypeError) as error:
        raise DataError(f"LAB_DIGITS is {file}. Expected an .npz file with the arrays {', '.join(names)}, found that "
                        f"it cannot be read so ({type(error).__name__}: {error}). Correct it, or unset LAB_DIGITS to "
                        "use scikit-learn's digits.") from None
    rng, parts = np.random.default_rng(seed), []
    for pictures, labels, most in zip(found[::2], found[1::2], MOST, strict=True):
        right = pictures.ndim == 3 and pictures.shape[1:] == (28, 28) and pictures.dtype == np.uint8
        if not right or labels.shape != (len(pictures),) or not np.isin(labels, range(10)).all():
            raise DataError(f"LAB_DIGITS is {file}. Expected pictures (N, 28, 28) of whole numbers from 0 to 255 "
                            f"(uint8) and labels (N,) from 0 to 9, found {pictures.shape}, {pictures.dtype}, and "
                            f"{labels.shape}, {labels.dtype}. Give mnist.npz, or unset LAB_DIGITS.")
        chosen = np.sort(rng.permutation(len(pictures))[:most])
        parts += [pictures[chosen][:, None, 2:-2, 2:-2].astype(np.float32) / 255, labels[chosen].astype(np.int64)]
    return Digits(*parts, f"{len(parts[1])} and {len(parts[3])} digits drawn from {file.name}, cut to {SIDE} by {SIDE}")
