"""Profiles and folders: how much data, how long to train, where things lie.

A profile is one frozen set of sizes. Three environment variables choose: `LAB_PROFILE` (a name below), `LAB_DATA`
(a dataset of one's own; unset = the composed corpus) and `LAB_CACHE` (where made things are kept).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from labkit.errors import LabError

SAMPLE_RATE = 22_050  # Hz; every sound of the lab is brought to this rate, mono


class ProfileError(LabError, ValueError):
    """No profile has that name."""


class DataError(LabError, ValueError):
    """A dataset, or one of its files, is not what was expected.

    Used in: notebooks/09a_transfer
    """


@dataclass(frozen=True)
class Profile:
    """The sizes of one run of the lab; the same lesson runs with any of them."""

    name: str
    clips_per_genre: int    # composed corpus, train and test together
    multitask_clips: int    # composed corpus, train and test together
    seconds: float          # length of a composed clip
    max_per_class: int | None  # with LAB_DATA: at most so many training clips a class, whole albums; None = all
    epochs: int             # upper limit of every training


PROFILES = {
    profile.name: profile
    for profile in (
        #        name      per genre  multitask  seconds  max_per_class  epochs
        Profile("smoke",           3,        20,     4.0,             8,      1),
        Profile("ci",             16,       160,    10.0,            40,     15),
        Profile("laptop",         40,       300,    30.0,           160,     15),
        Profile("full",          200,      1497,    30.0,          None,     40),
    )
}
REDUCED = ("smoke", "ci", "laptop")  # a page executed with one of these says so in a banner


def load_profile(name: str | None = None) -> Profile:
    """The profile called `name`; without a name the one that `LAB_PROFILE` names, else "ci".

    Raises ProfileError when no profile has that name.

    Used in: notebooks/07a_inside_a_cnn
    """
    name = name or os.environ.get("LAB_PROFILE") or "ci"
    if name not in PROFILES:
        raise ProfileError(f"There is no profile {name!r}. Expected one of {', '.join(PROFILES)}: "
                         f"set `profile` in the lesson's first cell, or the variable LAB_PROFILE.")
    return PROFILES[name]


def cores() -> int:
    """The processors that this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_root() -> Path:
    """The folder for everything that the lab makes once and keeps: `LAB_CACHE`, else the platform's cache folder."""
    given = os.environ.get("LAB_CACHE") or platformdirs.user_cache_dir("labkit", appauthor=False)
    return Path(given).expanduser().absolute()


def data_root() -> Path | None:
    """The reader's own dataset, `LAB_DATA`; None when it is unset, which means the composed corpus.

    Raises DataError when `LAB_DATA` names no folder.
    """
    given = os.environ.get("LAB_DATA")
    if not given:
        return None
    root = Path(given).expanduser().absolute()
    if not root.is_dir():
        raise DataError(f"LAB_DATA is set to {given!r}, which is no folder. Expected a folder that holds "
                                "fma_genre_spectrograms/, multitask_dataset/ or audio/. "
                                "Correct it, or unset LAB_DATA to use the composed corpus.")
    return root


def folder_variables() -> dict[str, str]:
    """`LAB_CACHE` and, when set, `LAB_DATA` as absolute paths, for a process that runs in another folder.

    Raises DataError as `data_root`.
    """
    data = data_root()
    return {"LAB_CACHE": str(cache_root())} | ({"LAB_DATA": str(data)} if data else {})
