"""What every lesson starts with: `open_lab()` finds the data, the reader's own or the composed corpus.

A dataset of one's own may lack something that a section needs: sound, chroma, beats. That section then takes it from
the composed corpus and says so; `Lab.note` makes the sentence.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from labkit.datasets import (
    CLASS_MAPPING,
    Meta,
    clip_id,
    clip_shape,
    groups_of,
    id_order,
    list_clips,
    read_labels,
    read_meta,
)
from labkit.datasets.layout import FOLDERS
from labkit.features import N_CHROMA, N_MELS, read_audio
from labkit.files import write_text
from labkit.profiles import PROFILES, SAMPLE_RATE, DataError, Profile, cache_root, data_root, load_profile

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

    from labkit.recipes import Recipe

SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
COMPOSED = "the composed corpus"
# What a section may need, and the words for it in a sentence.
WORDS = {
    "genre": "genre spectrograms",
    "genre_beat": "beat-synchronous genre spectrograms",
    "multitask": "spectrograms with mood labels",
    "multitask_beat": "beat-synchronous spectrograms with mood labels",
    "chroma": "chroma",
    "chroma_beat": "beat-synchronous chroma",
    "sound": "sound",
}


@dataclass(frozen=True)
class DatasetFolder:
    """One dataset folder and where it comes from."""

    path: Path              # the folder to give to SpectrogramDataset
    root: Path              # the folder above it, with groups.txt and meta.json
    origin: str             # in words: the source that meta.json names, "your data", or "the composed corpus"
    meta: Meta
    rows: int               # of its files: 140, or 128 for mel only
    is_fallback: bool       # the reader's data lack it, this one is composed
    has_test_labels: bool


@dataclass(frozen=True)
class Recording:
    """One recording that a lesson plays and analyses."""

    id: str
    title: str
    genre: str | None       # None where it is not known
    path: Path              # the sound file; for a composed piece the folder of its corpus
    origin: str
    is_fallback: bool

    def sound(self, seconds: float | None = None, start: float = 0.0) -> np.ndarray:
        """The sound, float32 (n,) at 22 050 Hz, at most `seconds` from `start` on; raises as `read_audio`."""
        if self.path.is_file():
            return read_audio(self.path, seconds, start)
        audio = _corpus().sound(self.path, self.id)[round(start * SAMPLE_RATE):]
        return audio if seconds is None else audio[:round(seconds * SAMPLE_RATE)]


    @property
    def score(self):
        """The `corpus.Piece` behind a composed recording: its true tempo, key, beats and notes; None for real sound."""
        return None if self.path.is_file() else _corpus().piece(self.path, self.id)


def _corpus():
    """The composing part of the package, imported when it is first needed."""
    from labkit import corpus

    return corpus


def _sound_files(folder: Path | None) -> list[Path]:
    """The sound files that lie directly in a folder, in the order of their ids."""
    if folder is None or not folder.is_dir():
        return []
    files = [file for file in folder.iterdir() if file.suffix.lower() in SOUNDS and not file.name.startswith(".")]
    return sorted(files, key=lambda file: (id_order(clip_id(file.name)), file.name))


def _join(words: list[str]) -> str:
    """'no a', 'no a and no b', 'no a, no b and no c'."""
    words = [f"no {word}" for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _labelled(root: Path, folder: str) -> dict:
    """The training labels of a dataset folder, or none where it lacks them."""
    return read_labels(root / folder, "train") if (root / folder / "train_labels.txt").is_file() else {}


class Lab:
    """The data of one run: what the reader's own folder holds, and the composed corpus for the rest.

    Made by `open_lab`. Nothing is read before it is asked for, and nothing is ever written into the reader's folder.

    Attributes
    ----------
    profile : the Profile in use.
    root : the folder of the reader's dataset folders; None with the composed corpus.
    """

    def __init__(self, profile: Profile, given: Path | None = None):
        self.profile = profile
        self.root: Path | None = None
        self.audio: Path | None = None
        if given is None:
            return
        with_data = [root for root in (given, given / "data")
                     if any((root / name).is_dir() for name in FOLDERS.values())]
        with_sound = [folder for folder in (given / "audio", given / "data" / "audio", given) if _sound_files(folder)]
        if with_data or with_sound:
            self.root = with_data[0] if with_data else given
            self.audio = with_sound[0] if with_sound else None
            return
        names = sorted(entry.name for entry in given.iterdir() if not entry.name.startswith("."))
        raise DataError(
            f"LAB_DATA is {given}. Expected a folder that holds one of {', '.join(FOLDERS.values())}, or audio with "
            f"sound files, directly or one data/ below it, or sound files themselves ({', '.join(SOUNDS)}); found "
            f"{', '.join(names[:5]) + (', ...' if len(names) > 5 else '') if names else 'an empty folder'}. "
            "Point LAB_DATA at the right folder, or unset it to use the composed corpus.")

    @cached_property
    def composed(self) -> Path:
        """The folder of the composed corpus; the first use composes it, later ones find it in the cache."""
        return Path(_corpus().build(self._composed_profile))

    @property
    def _composed_profile(self) -> Profile:
        """Beside the reader's own data the corpus only fills gaps: thousands of clips would be composed for a few."""
        return PROFILES["laptop"] if self.root is not None and self.profile.name == "full" else self.profile

    @cached_property
    def _rows(self) -> dict[str, int]:
        """Rows of each dataset folder that the reader has, from the header of its first file."""
        rows = {}
        for kind, name in FOLDERS.items():
            if self.root is not None and (self.root / name).is_dir():
                rows[kind] = self._probe(self.root / name)
                if name.startswith("fma") and len(found := set(_labelled(self.root, name).values())) < 2:
                    raise DataError(f"{self.root / name}: expected clips of at least two genres, found only "
                                    f"{', '.join(found)}. Add another genre, or move the folder away.")
        return rows

    @staticmethod
    def _probe(folder: Path) -> int:
        clips = list_clips(folder, "train")
        labelled = (folder / "train_labels.txt").is_file()
        if not clips or not labelled:
            raise DataError(f"{folder}: expected train_labels.txt and clips (.npy or .npy.gz) in train/, found "
                                    f"{'that' if labelled else 'no such'} label file and {len(clips)} clips. "
                                    "Complete the folder, or move it away to use the composed corpus.")
        return clip_shape(next(iter(clips.values())))[0]

    def has(self, what: str) -> bool:
        """Whether the data in use hold `what`, one of genre, genre_beat, multitask, multitask_beat, chroma,
        chroma_beat, sound; always so for the composed corpus. Raises ValueError on another word."""
        if what not in WORDS:
            raise ValueError(f"Expected one of {', '.join(WORDS)}, found {what!r}.")
        if self.root is None:
            return True
        if what == "sound":
            return bool(_sound_files(self.audio))
        if what.startswith("chroma"):
            return self._rows.get(what.replace("chroma", "genre"), 0) == N_MELS + N_CHROMA
        return what in self._rows

    @cached_property
    def origin(self) -> str:
        """The data in use, in words."""
        if self.root is None:
            return COMPOSED
        return read_meta(self.root).source or "your data"

    def dataset(self, kind: str, beat: bool = False, needs: str = "mel") -> DatasetFolder:
        """A dataset folder: the reader's, or the composed one where that is missing or lacks what is needed.

        Parameters
        ----------
        kind : 'genre' or 'multitask'.
        beat : the beat-synchronous twin.
        needs : 'mel', 'chroma' or 'fused'; mel-only data do not serve the last two.

        Raises
        ------
        DataError : a folder is there but incomplete.
        ValueError : a wrong argument.
        """
        if kind not in ("genre", "multitask") or needs not in ("mel", "chroma", "fused"):
            raise ValueError("Expected kind 'genre' or 'multitask' and needs 'mel', 'chroma' or 'fused', "
                             f"found {kind!r} and {needs!r}.")
        name = f"{kind}_beat" if beat else kind
        rows = self._rows.get(name, 0)
        own = rows >= (N_MELS if needs == "mel" else N_MELS + N_CHROMA)
        root = self.root if own else self.composed
        path = root / FOLDERS[name]
        return DatasetFolder(path, root, self.origin if own else COMPOSED, read_meta(root),
                             rows if own else self._probe(path), is_fallback=not own and self.root is not None,
                             has_test_labels=(path / "test_labels.txt").is_file())

    def loaders(self, recipe: "Recipe", axis: int | str = "all", apart_from: Sequence[str] = ()
                ) -> "tuple[DataLoader, DataLoader, DataLoader]":
        """The training, validation and test loaders of a recipe, as `recipes.parts`, on the data that `dataset` finds.

        Genres that the course's mapping does not know are kept as they are.
        """
        from labkit.recipes import parts

        folder = self.folder(recipe)
        known = recipe.task != "genre" or set(read_labels(folder.path, "train").values()) <= set(CLASS_MAPPING)
        return parts(recipe, folder.root, self.profile, axis=axis, class_mapping=CLASS_MAPPING if known else None,
                     apart_from=apart_from)

    def folds(self, recipe: "Recipe", axis: int | str = "all", share: float = 1.0
              ) -> "list[tuple[DataLoader, DataLoader, DataLoader]]":
        """The labelled mood clips parted for cross-validation, as `recipes.folds`, on the data that `dataset` finds.

        """
        from labkit.recipes import folds

        return folds(recipe, self.folder(recipe).root, self.profile, axis, share)

    def folder(self, recipe: "Recipe") -> DatasetFolder:
        """The dataset folder that `loaders` reads for a recipe; see `dataset`.

        Used in: notebooks/05_lstm_genre
        """
        return self.dataset("genre" if recipe.task == "genre" else "multitask", recipe.beat, recipe.feat_type)

    def serving(self, recipes: Mapping[str, "Recipe"]) -> tuple["Lab", list[str], str]:
        """A lab that serves recipes from one data set, the names of those that it serves, and a sentence on both.

        It is this lab where its data hold the clips of at least one, those of genres with a labelled test part, and
        else one with the composed corpus alone. The recipes are of one task.

        Used in: notebooks/05_lstm_genre, notebooks/06_evaluation
        """
        folders = {name: self.folder(recipe) for name, recipe in recipes.items()}
        genre = any(recipe.task == "genre" for recipe in recipes.values())
        names = [name for name, one in folders.items() if not one.is_fallback and (one.has_test_labels or not genre)]
        if not names:
            lacking = "genre clips with a labelled test part" if genre else "clips with mood labels"
            return self.composed_only(), list(recipes), (f"These data have no {lacking}, so this lesson takes "
                                                         f"{COMPOSED}.")
        left = "" if len(names) == len(recipes) else (f" Of {len(recipes)} networks they serve {', '.join(names)}; the "
                                                      "others are left out of the figures.")
        return self, names, f"The data of this lesson: {self.origin}.{left}"

    def recordings(self) -> list[Recording]:
        """The recordings of this lab: the reader's sound files, else one composed piece of each genre."""
        if self.root is not None and (files := _sound_files(self.audio)):
            genres = _labelled(self.root, FOLDERS["genre"])
            made = []
            for file in files:
                clip = clip_id(file.name)
                genre = genres.get(clip) or genres.get(clip.lstrip("0"))  # FMA's files are called 000002.mp3
                title = f"{genre}, clip {clip.lstrip('0')}" if genre and clip.isdecimal() else clip.replace("_", " ")
                made.append(Recording(clip, title, genre, file, self.origin, False))
            return made
        return self.composed_pieces()

    def composed_pieces(self, each: int = 1) -> list[Recording]:
        """One composed training piece of each of the first `each` albums of a genre, by genre; their scores are known.

        Pieces of one album share a key region and players, so that a second piece of it would tell little new.
        """
        genres = read_labels(self.composed / FOLDERS["genre"], "train")
        ids = sorted(genres, key=lambda clip: (genres[clip], id_order(clip)))
        first: dict[tuple[str, str], str] = {}
        for clip, album in zip(ids, groups_of(ids, self.composed), strict=True):
            first.setdefault((genres[clip], album), clip)
        by_genre: dict[str, list[str]] = {}
        for (genre, _), clip in first.items():
            by_genre.setdefault(genre, []).append(clip)
        return [Recording(clip, f"{genre}, composed piece {clip}", genre, self.composed, COMPOSED,
                          is_fallback=self.root is not None)
                for genre, clips in by_genre.items() for clip in clips[:each]]

    def composed_only(self) -> "Lab":
        """A lab with the composed corpus alone, for a section that compares like with like."""
        return Lab(self._composed_profile)

    def note(self, *what: str) -> str:
        """One sentence for a section: where its data come from, and what is composed because the data lack it.

        Parameters
        ----------
        what : what the section uses, words as in `has`.
        """
        lacking = [WORDS[word] for word in what if not self.has(word)]
        if not lacking:
            return f"The data of this section: {self.origin}."
        return (f"The data ({self.origin}) hold {_join(lacking)}, so what needs "
                f"{'that' if len(lacking) == 1 else 'those'} comes from {COMPOSED}.")

    def describe(self) -> str:
        """The data in use in one line, with their counts."""
        if self.root is None:
            sizes = self.profile
            return (f"composed corpus, profile {sizes.name}: {len(_corpus().GENRES)} genres of up to "
                    f"{sizes.clips_per_genre} clips of {sizes.seconds:g} s, {sizes.multitask_clips} clips with mood "
                    "labels")
        genres = Counter(_labelled(self.root, FOLDERS["genre"]).values())
        moods = len(_labelled(self.root, FOLDERS["multitask"]))
        holds = [f"{genres.total()} training clips of {len(genres)} genres"] if genres else []
        holds += [f"{moods} training clips with mood labels"] if moods else []
        holds += [f"{len(self.recordings())} recordings"] if self.has("sound") else []
        lacks = [words for word, words in WORDS.items() if not self.has(word)]
        limit = self.profile.max_per_class
        if genres and limit:
            holds[0] += f" (at most {limit} of each are used)"
        return (f"{self.origin}, profile {self.profile.name}: {', '.join(holds)}"
                + (f"; {_join(lacks)}" if lacks else ""))

    def fingerprint(self) -> str:
        """12 hexadecimal digits that change when the data do.

        For a folder of the reader's: names and contents of the files in use; the composed corpus counts too, because
        some sections use it beside. For the composed corpus alone: its digest. The contents are read once and their
        digest is kept in the cache, until a name, a size or a time of change is another.
        """
        composed = _corpus().digest(self._composed_profile)
        if self.root is None:
            return composed
        files = {f"audio/{file.name}": file for file in _sound_files(self.audio)}
        found = [self.root / name for name in ("groups.txt", "meta.json")]
        for name in FOLDERS.values():
            found += (self.root / name).glob("*_labels.txt")
            found += [file for split in ("train", "test") for file in (self.root / name / split).glob("*.npy*")]
        files |= {file.relative_to(self.root).as_posix(): file for file in found if file.is_file()}
        seen = [(name, file.stat().st_size, file.stat().st_mtime_ns) for name, file in sorted(files.items())]
        kept = cache_root() / "fingerprints" / hashlib.sha256(repr((str(self.root), seen)).encode()).hexdigest()[:24]
        if not kept.is_file():
            contents = hashlib.sha256()
            for name, file in sorted(files.items()):
                with file.open("rb") as stream:
                    contents.update(f"{name}\t{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_text(kept, contents.hexdigest())
        return hashlib.sha256(f"{composed}\n{kept.read_text()}".encode()).hexdigest()[:12]


def open_lab(profile: Profile | str | None = None) -> Lab:
    """Find the data: the folder that `LAB_DATA` names, else the composed corpus (made only when it is needed).

    Parameters
    ----------
    profile : a Profile or its name; None = `LAB_PROFILE`, else "ci".

    Raises
    ------
    DataError : `LAB_DATA` names no folder, or one that holds neither datasets nor sound.
    ProfileError : there is no such profile.

    Used in: notebooks/01_spectrograms, notebooks/02_beat_sync, notebooks/03_chromagrams, notebooks/04_dataset,
        notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission,
        notebooks/11_latent_spaces, notebooks/12_your_own_music
    """
    return Lab(profile if isinstance(profile, Profile) else load_profile(profile), data_root())
