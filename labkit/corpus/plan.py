"""What a composed corpus holds, from a profile and a seed alone: its clips, their contents, and every text beside them.

No file is read or written here; `build.py` puts on disk what this module says. The layout, the counts and the faults
of the label files are those of the course's data.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from labkit.corpus.affect import affect
from labkit.corpus.genres import GENRES
from labkit.corpus.score import Piece, compose
from labkit.features import HOP, N_CHROMA, N_MELS
from labkit.profiles import SAMPLE_RATE, Profile

GENRE, MULTITASK = "fma_genre_spectrograms", "multitask_dataset"  # and each with "_beat" appended
FOLDERS = (GENRE, f"{GENRE}_beat", MULTITASK, f"{MULTITASK}_beat")
SPLITS = ("train", "test")

# Training and test clips of the course. A genre that is not listed has the usual counts; a profile scales them.
COURSE_CLIPS_PER_GENRE = 200
USUAL_COUNTS = (160, 40)
COURSE_COUNTS = {"Metal": (153, 38), "Post-Rock": (95, 23), "Soundtrack": (124, 30), "Trip-Hop": (137, 34)}
COURSE_MULTITASK = (1122, 375)

META = {"frames_per_second": SAMPLE_RATE / HOP, "fmax": SAMPLE_RATE / 2, "rows": N_MELS + N_CHROMA,
        "source": "composed corpus"}
_SEEDS_PER_BUILD = 1_000_000  # the clips and albums of one seed are numbered below this
_MOOD_HEADER = "Id,valence,energy,danceability\n"


@dataclass(frozen=True)
class Clip:
    """One line of clips.csv: all that is needed to compose the clip again."""

    id: int
    genre: str
    album: int
    seed: int
    split: str      # "train" or "test"
    dataset: str    # GENRE or MULTITASK
    seconds: float

    def piece(self) -> Piece:
        """Its score."""
        return compose(self.genre, self.seed, self.seconds, self.album)

    def files(self) -> tuple[str, str]:
        """Where its whole and its beat-synchronous array lie, from the folder of the corpus."""
        name = f"{self.split}/{self.id}.fused.full.npy"
        return f"{self.dataset}/{name}", f"{self.dataset}_beat/{name}"


def genre_counts(profile: Profile) -> dict[str, tuple[int, int]]:
    """Training and test clips of each genre: the course's times `clips_per_genre` / 200, rounded.

    From `clips_per_genre` 3 on, each genre has at least two training clips and one test clip.
    """
    share = profile.clips_per_genre / COURSE_CLIPS_PER_GENRE
    least = (2, 1) if profile.clips_per_genre >= 3 else (0, 0)
    return {genre: tuple(max(low, round(count * share))
                         for low, count in zip(least, COURSE_COUNTS.get(genre, USUAL_COUNTS), strict=True))
            for genre in GENRES}


def multitask_counts(profile: Profile) -> dict[str, tuple[int, int]]:
    """Training and test clips of each genre in the multitask set: equal numbers, and the course's share of tests."""
    clips = profile.multitask_clips
    tests = round(clips * COURSE_MULTITASK[1] / sum(COURSE_MULTITASK))
    each = {}
    for index, genre in enumerate(GENRES):
        held_out = len(range(index, tests, len(GENRES)))
        each[genre] = (len(range(index, clips, len(GENRES))) - held_out, held_out)
    return each


def plan(profile: Profile, seed: int = 0) -> list[Clip]:
    """All clips of a corpus, sorted by id, without making any.

    Albums hold two to five clips (the last of a genre up to six) with adjacent ids, ids of different albums differ
    by more than ten, and albums of all genres and of both datasets are shuffled. The split is random by track, within
    each genre: the clips of one album fall on both sides, as they do in the course's data.

    Parameters
    ----------
    profile : `clips_per_genre`, `multitask_clips` and `seconds` count here.
    seed : integer >= 0; another seed gives other clips.
    """
    rng = np.random.default_rng([seed, 0])
    albums = []  # (dataset, genre, splits of its clips)
    for dataset, counts in ((GENRE, genre_counts(profile)), (MULTITASK, multitask_counts(profile))):
        for genre, (train, test) in counts.items():
            splits = [str(split) for split in rng.permutation(["train"] * train + ["test"] * test)]
            while splits:
                size = int(rng.integers(2, 6))
                size = len(splits) if len(splits) - size < 2 else size  # leave no clip alone
                albums.append((dataset, genre, splits[:size]))
                splits = splits[size:]
    clips, next_id = [], 1000 + int(rng.integers(50))
    first = seed * _SEEDS_PER_BUILD
    for number, index in enumerate(rng.permutation(len(albums))):
        dataset, genre, splits = albums[index]
        for split in splits:
            clips.append(Clip(next_id, genre, first + number, first + len(clips), split, dataset,
                              float(profile.seconds)))
            next_id += 1
        next_id += int(rng.integers(11, 40))
    return clips


def contents(clip: Clip) -> tuple[np.ndarray, np.ndarray, str]:
    """Compose, render and analyse one clip.

    Returns
    -------
    The array of the whole clip (140, T) and the beat-synchronous one (140, beats), both float64: 128 rows mel in dB,
    12 rows chroma in [0, 1]; and its mood as in the label files, "valence,energy,danceability", which is empty for a
    clip of the genre dataset. They depend on the clip alone, not on the number of threads of the process.
    """
    from threadpoolctl import threadpool_limits

    from labkit.corpus.render import render
    from labkit.features import extract

    # On several threads a product of matrices is summed in another order, and its last bits come out otherwise.
    with threadpool_limits(1, user_api="blas"):
        piece = clip.piece()
        found = extract(render(piece))
        felt = mood(piece) if clip.dataset == MULTITASK else ""
    return found.fused.astype(np.float64), found.fused_beat.astype(np.float64), felt


def mood(piece: Piece) -> str:
    """The labels of a piece as they stand in a label file: "valence,energy,danceability", three decimals each."""
    felt = affect(piece)
    return f"{felt.valence:.3f},{felt.energy:.3f},{felt.danceability:.3f}"


# --- texts ----------------------------------------------------------------------------------------------------------

def texts(clips: Sequence[Clip], moods: Mapping[int, str]) -> dict[str, str]:
    """Every text file of a corpus, by its path from the folder of the corpus.

    Parameters
    ----------
    clips : what `plan` returns.
    moods : of each multitask clip what `contents` says of its mood, by its id.
    """
    found = {"groups.txt": "".join(["Id\tGroup\n", *(f"{clip.id}\t{clip.album}\n" for clip in clips)]),
             "meta.json": json.dumps(META, indent=1) + "\n",
             "clips.csv": _table(clips),
             "truth/multitask_test.csv": _moods(clips, "test", moods)}
    for suffix in ("", "_beat"):
        for split in SPLITS:
            found[f"{GENRE}{suffix}/{split}_labels.txt"] = _genres(clips, split, suffix)
        found[f"{MULTITASK}{suffix}/train_labels.txt"] = _moods(clips, "train", moods)
    return found


def counts(clips: Sequence[Clip]) -> dict[str, dict[str, int]]:
    """How many clips there are in each split of each dataset."""
    return {dataset: {split: sum((clip.dataset, clip.split) == (dataset, split) for clip in clips) for split in SPLITS}
            for dataset in (GENRE, MULTITASK)}


def _genres(clips: Sequence[Clip], split: str, suffix: str) -> str:
    # The course's files name arrays that lie under other names on disk, differently in each file; so do these.
    ending = "beatsync.fused.npy.gz" if suffix else "fused.full.npy.gz" if split == "train" else "full.fused.npy.gz"
    lines = [f"{clip.id}.{ending}\t{clip.genre}\n" for clip in clips if (clip.dataset, clip.split) == (GENRE, split)]
    return "".join(["Id\tGenre\n", *lines])


def _moods(clips: Sequence[Clip], split: str, moods: Mapping[int, str]) -> str:
    lines = [f"{clip.id},{moods[clip.id]}\n" for clip in clips if (clip.dataset, clip.split) == (MULTITASK, split)]
    return "".join([_MOOD_HEADER, *lines])


def _table(clips: Sequence[Clip]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in fields(Clip)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(clip) for clip in clips)
    return text.getvalue()


def read_table(text: str) -> list[Clip]:
    """The clips of a clips.csv, in its order."""
    return [Clip(int(row["id"]), row["genre"], int(row["album"]), int(row["seed"]), row["split"], row["dataset"],
                 float(row["seconds"])) for row in csv.DictReader(io.StringIO(text))]
