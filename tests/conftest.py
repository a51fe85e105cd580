"""What all tests share: one cache folder for the session, no data folder or profile from outside, a tiny dataset."""

import gzip
import os

import numpy as np
import pytest
from hypothesis import settings

# A busy machine is no fault of the code, and a failure in CI must come again at the desk.
settings.register_profile("lab", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("lab")


GENRES = ("Blues", "Psych-Rock", "Punk", "Rock", "Soundtrack")


@pytest.fixture(scope="session", autouse=True)
def lab_cache(tmp_path_factory):
    """A cache folder shared by all tests of a run, also by parallel workers; `LAB_DATA` and `LAB_PROFILE` unset."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "lab-cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_CACHE", str(folder))
        patch.delenv("LAB_DATA", raising=False)
        patch.delenv("LAB_PROFILE", raising=False)
        yield folder


def fused(frames: int, seed: int, rows: int = 140) -> np.ndarray:
    """An array as on disk, (rows, T) float64: mel in dB, then chroma in [0, 1]."""
    rng = np.random.default_rng(seed)
    return np.vstack([rng.uniform(-80, 0, (128, frames)), rng.uniform(0, 1, (12, frames))])[:rows]


def write_course(root, rows=140, beat=True):
    """A tiny dataset in the course's layout with the course's names: 40 + 10 genre clips, 20 + 5 mood clips."""
    for kind, train, test, suffixes in (
        ("fma_genre_spectrograms", 40, 10, ("fused.full.npy.gz", "full.fused.npy.gz")),
        ("fma_genre_spectrograms_beat", 40, 10, ("beatsync.fused.npy.gz", "beatsync.fused.npy.gz")),
        ("multitask_dataset", 20, 5, ("", "")),
        ("multitask_dataset_beat", 20, 5, ("", "")),
    ):
        if kind.endswith("_beat") and not beat:
            continue
        folder = root / kind
        for split, count, first, suffix in zip(("train", "test"), (train, test), (100, 5000), suffixes, strict=True):
            (folder / split).mkdir(parents=True)
            ids = [first + index + 20 * (index // 4) for index in range(count)]  # albums of four neighbours
            for clip in ids:
                np.save(folder / split / f"{clip}.fused.full.npy", fused(10 + clip % 7, clip, rows))
            if kind.startswith("fma"):
                lines = ["Id\tGenre", *(f"{clip}.{suffix}\t{GENRES[(n // 4) % 5]}" for n, clip in enumerate(ids))]
            elif split == "train":
                lines = ["Id,valence,energy,danceability", *(f"{clip},0.{clip % 900:03d},0.5,1.000" for clip in ids)]
            else:
                continue
            (folder / f"{split}_labels.txt").write_text("\n".join(lines) + "\n\n")
    return root


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The tiny dataset, shared: never write into it."""
    root = write_course(tmp_path_factory.mktemp("course"))
    clip = root / "fma_genre_spectrograms" / "train" / "101.fused.full.npy"
    (clip.parent / (clip.name + ".gz")).write_bytes(gzip.compress(clip.read_bytes()))
    clip.unlink()  # one file as in the older copies
    return root
