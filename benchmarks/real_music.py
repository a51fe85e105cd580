"""Genre and mood of real music: the networks of the course's report, and ours, on the same clips, in one run.

    python benchmarks/real_music.py PATH [--seeds 3] [--minutes 240] [--threads 1] [--only NAME ...] [--save]
    python benchmarks/real_music.py TRAIN_DIR --test DIR --labels CSV      score on the clips of another folder
    python benchmarks/real_music.py TRAIN_DIR --test DIR --predict OUT.csv write our predictions, score nothing

PATH is a dataset in the course's layout; `groups.txt` in it keeps albums together. Genre is trained on `train/` and
scored on `test/`; mood on five folds of the labelled clips by album, whose predictions are pooled and scored once.
Transfer begins with a network that has learned genre from albums without any mood label, so that no fold knows the
clips it is scored on. CSV has the columns id,genre,valence,energy,danceability, and `group` if albums are known; an
empty cell is a label that is not known, and without groups each clip counts by itself.

Each trained network is a piece whose predictions are kept in --keep; a piece that is there is not trained again, so a
run that is stopped goes on, and several processes share the work. After --minutes no other piece is begun, and the
tables say how many seeds they rest on. Seconds are those of one processor (the process's own time), and a last table
gives the seconds of a step of the networks in turn. Intervals: bootstrap over albums, 95 %.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import labkit  # noqa: F401  # isort: skip  # before torch, which looks once at how its threads are to wait
import filelock
import numpy as np
import torch
from _music import Report, linear, summary
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.datasets import (
    AFFECT,
    CLASS_MAPPING,
    PaddingTransform,
    SpectrogramDataset,
    Standardise,
    clip_id,
    collate_padded,
    id_order,
    read_labels,
    read_spectrogram,
    split_indices,
)
from labkit.evaluation import accuracy, bootstrap, compare, macro_f1, mean_spearman, predict, spearman
from labkit.files import write_whole
from labkit.models import (
    Backbone,
    Classifier,
    CNNBackbone,
    LSTMBackbone,
    MultitaskRegressor,
    Regressor,
    ResidualBackbone,
    load_backbone_from_checkpoint,
    save_checkpoint,
)
from labkit.profiles import cache_root
from labkit.training import TrainingConfig, fit
from labkit.training.state import code_prefix

FOLDS = 5
GENRE_AIM, MOOD_AIM = 0.06, 0.06  # above the better of the linear model and the report's CNN


# --- what is compared ------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Method:
    """A network and how it is trained; `make(standardise, frames)` gives the backbone."""

    name: str
    make: Callable[[Standardise | None, int], Backbone]
    genre: TrainingConfig
    mood: TrainingConfig | None               # None = not for mood
    base: TrainingConfig | None = None        # genre, for transfer; None = no transfer
    frozen: TrainingConfig | None = None      # the new head alone, on a network that knows genres
    fine_tuned: TrainingConfig | None = None
    standardised: bool = True
    held: float = 0.0                         # share of the training clips, by album, that choose the epoch
    batch: int = 32                           # clips of a step for genre; for mood always 32
    from_mean: bool = False                   # every prediction of mood begins at the mean of the labels


@dataclass(frozen=True)
class Mix:
    """Networks whose predictions are averaged: of each method so many, each with a seed of its own."""

    name: str
    genre: tuple[tuple[Method, int], ...]
    fine_tuned: tuple[tuple[Method, int], ...] = ()


def members(method: Method | Mix, task: str, seed: int) -> list[tuple[Method, int]]:
    """The networks behind a method's answer to a task, with their seeds; none where it has no answer."""
    if isinstance(method, Mix):
        mixed = {"genre": method.genre, "fine-tuned": method.fine_tuned}.get(task, ())
        return [(one, seed * count + number) for one, count in mixed for number in range(count)]
    needed = {"genre": method.genre, "base": method.base, "frozen": method.base, "fine-tuned": method.base}
    return [(method, seed)] if needed.get(task, method.mood) else []


def report_lstm(standardise: Standardise | None, frames: int) -> Backbone:
    return LSTMBackbone(128, 128, 2, dropout=0.4, standardise=standardise)


def report_cnn(standardise: Standardise | None, frames: int) -> Backbone:
    return CNNBackbone(128, readout="flatten", input_length=frames, standardise=standardise)


LSTM_TRAINING = TrainingConfig(epochs=40, learning_rate=1e-4, weight_decay=1e-3)
CNN_TRAINING = TrainingConfig(epochs=20, learning_rate=1e-3, weight_decay=1e-4, keep="last")
LINEAR, REPORT_LSTM, REPORT_CNN = "linear model", "the report's LSTM", "the report's CNN"
METHODS = [
    Method(REPORT_CNN, report_cnn, CNN_TRAINING, CNN_TRAINING, CNN_TRAINING, replace(CNN_TRAINING, epochs=10),
           replace(CNN_TRAINING, epochs=10), standardised=False),
    Method(REPORT_LSTM, report_lstm, LSTM_TRAINING, LSTM_TRAINING, standardised=False, held=0.2),
    Method("the report's LSTM, our data handling", report_lstm, LSTM_TRAINING, LSTM_TRAINING, held=0.2),
    Method("the report's CNN, our data handling", report_cnn, CNN_TRAINING, CNN_TRAINING),
]



def early_cnn(standardise: Standardise | None, frames: int) -> Backbone:
    """The report's four blocks, which pool most at once in the first, where the maps are largest."""
    return CNNBackbone(128, (32, 64, 128, 256), (4, 2, 2, 2), standardise=standardise)


def residual(standardise: Standardise | None, frames: int) -> Backbone:
    return ResidualBackbone(128, standardise=standardise)


# Chosen on albums within the training clips; the test clips had no say in it.
OUR_TRAINING = TrainingConfig(epochs=16, optimizer="adamw", learning_rate=3e-3, weight_decay=0.05, schedule="cosine",
                              warm_up=0.15, average=0.995, keep="last", label_smoothing=0.1, roll=True, time_masks=2,
                              time_mask=0.16, frequency_masks=2, frequency_mask=10)
OUR_MOOD_TRAINING = replace(OUR_TRAINING, epochs=30, learning_rate=2e-3, average=0.99, mixup=0.3)
OUR_FINE_TUNING = replace(OUR_TRAINING, epochs=15, learning_rate=1e-3, average=0.98)
EARLY = Method("ours, the report's four blocks pooled early", early_cnn, OUR_TRAINING, None, batch=64)
SMALL = Method("ours, small residual", residual, replace(OUR_TRAINING, epochs=12), OUR_MOOD_TRAINING,
               replace(OUR_TRAINING, epochs=12), OUR_FINE_TUNING, OUR_FINE_TUNING, batch=64, from_mean=True)
OURS = Mix("ours, several averaged", genre=((EARLY, 1), (SMALL, 3)), fine_tuned=((SMALL, 3),))
METHODS[:0] = [OURS, EARLY, SMALL]


def changed(name: str, network: Callable = residual, standardised: bool = True, **change) -> Method:
    """The small recipe with something changed in the training for genre."""
    return replace(SMALL, name=name, make=network, genre=replace(SMALL.genre, **change), standardised=standardised)


CHANGES = [
    SMALL,
    changed("raw decibels instead of standardised ones", standardised=False),
    changed("without masks", time_masks=0, frequency_masks=0),
    changed("without a random beginning", roll=False),
    changed("without label smoothing", label_smoothing=0.0),
    changed("with mixup, 0.3", mixup=0.3),
    changed("with a random level, 3 dB", gain=3.0),
    changed("a constant learning rate of 1e-3", schedule="constant", learning_rate=1e-3),
    changed("without the average of the weights", average=0.0),
    Mix("three networks averaged", genre=((SMALL, 3),)),
    changed("the report's four blocks, pooled early", network=early_cnn),
]


# --- the clips -------------------------------------------------------------------------------------------------------

class FolderClips(Dataset):
    """All clips of a folder, without labels, as long as those that were trained on: cut, or padded with silence."""

    label_transformer = None

    def __init__(self, folder: Path, frames: int):
        files = {clip_id(file.name): file for file in folder.rglob("*.npy*") if file.is_file()}
        if not files:
            sys.exit(f"Expected clips (.npy or .npy.gz) in {folder}, found none. Correct --test.")
        self.ids = sorted(files, key=id_order)
        clips = [read_spectrogram(files[clip])[:frames] for clip in self.ids]
        self.lengths, pad = [len(clip) for clip in clips], PaddingTransform(frames)
        self.clips = [torch.from_numpy(pad(clip)) for clip in clips]
        self.groups = self.ids
        self.digest = hashlib.sha256(b"".join(clip.tobytes() for clip in clips)).hexdigest()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int):
        if index >= len(self):
            raise IndexError(index)  # which ends a loop over all items
        return self.clips[index], torch.tensor(-1), self.lengths[index]


def content(item: tuple) -> bytes:
    """What tells an item of a dataset from another one, by its own frames."""
    x, _, length = item
    return hashlib.sha256(x[:length, :128].half().numpy().tobytes()).digest()


class Clips:
    """The datasets of a run, and their labels."""

    def __init__(self, path: Path, test: Path | None):
        genres, mood = path / "fma_genre_spectrograms", path / "multitask_dataset"
        found = set(read_labels(genres, "train").values())
        options = {"class_mapping": CLASS_MAPPING if found <= set(CLASS_MAPPING) and len(found) > 10 else None}
        self.train = SpectrogramDataset(genres, **options)
        self.frames = int(self.train.frames().max())
        options["max_length"] = None if self.train.frames().min() == self.frames else self.frames
        if options["max_length"]:
            self.train = SpectrogramDataset(genres, **options)
        self.test = FolderClips(test, self.frames) if test else SpectrogramDataset(genres, train=False, **options)
        self.classes = self.train.label_transformer.classes_
        del options["class_mapping"]
        self.mood = SpectrogramDataset(mood, **options)
        self.axes = [SpectrogramDataset(mood, regression_label_index=axis, **options) for axis in range(len(AFFECT))]
        self.moods = self.mood.targets.numpy()
        self.folds = list(GroupKFold(FOLDS, shuffle=True, random_state=0).split(self.moods, groups=self.mood.groups))
        with_mood = set(self.mood.groups)
        self.apart = [place for place, group in enumerate(self.train.groups) if group not in with_mood]
        self.is_other = test is not None
        if self.is_other:
            known = {content(part[place]) for part in (self.train, self.mood) for place in range(len(part))}
            if seen := sum(content(item) in known for item in self.test):
                sys.exit(f"Expected clips in {test} that were not trained on, found {seen} of {len(self.test)} that "
                         "were. Take them out: what a network says of clips that it has seen is no test of it.")


def batches(dataset: Dataset, indices, size: int, seed: int | None = None) -> DataLoader:
    """Shuffled with a seed, in order without."""
    part = Subset(dataset, [int(index) for index in indices])
    return DataLoader(part, size, shuffle=seed is not None, collate_fn=getattr(dataset, "collate", collate_padded),
                      generator=torch.Generator().manual_seed(seed or 0))


def summaries(dataset: Dataset) -> np.ndarray:
    """Mean, deviation and mean absolute difference of each mel band, (N, 384)."""
    return np.array([summary(dataset[place][0].numpy().T[:128]) for place in range(len(dataset))])


# --- a piece ---------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Piece:
    """One training: of a method, for a task, with a seed, on all but one fold."""

    method: Method
    task: str                # genre, base, multitask, frozen, fine-tuned, or an axis
    seed: int
    fold: int | None = None  # of mood; None = all labelled clips are trained on, and the clips of --test predicted

    def config(self) -> TrainingConfig:
        kinds = {"genre": self.method.genre, "base": self.method.base, "frozen": self.method.frozen,
                 "fine-tuned": self.method.fine_tuned}
        return replace(kinds.get(self.task, self.method.mood), seed=self.seed)

    def file(self, clips: Clips, keep: Path) -> Path:
        """Where its predictions lie; the name stands for all that decides them."""
        network = self.method.make(Standardise(128) if self.method.standardised else None, clips.frames)
        mood = self.task not in ("genre", "base")
        data = [(part.digest, list(part.ids), list(part.groups)) for part in (clips.train, clips.test, clips.mood)]
        said = [str(network), self.method.standardised, self.method.held,
                mood and self.method.from_mean, self.batch(), dataclasses.asdict(self.config()), self.task, self.fold,
                data, [places for _, places in self.sets(clips)], torch.get_num_threads(),
                code_prefix(),
                self.base().file(clips, keep).name if self.task in ("frozen", "fine-tuned") else None]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
        return keep / f"{self.task}-{self.seed}-{self.fold}-{digest}.npz"

    def batch(self) -> int:
        return self.method.batch if self.task in ("genre", "base") else 32

    def base(self) -> "Piece":
        return Piece(self.method, "base", self.seed)

    def sets(self, clips: Clips) -> tuple[tuple[Dataset, list[int]], tuple[Dataset, list[int]]]:
        """The dataset and its places to train on, and those to predict."""
        test = clips.test, list(range(len(clips.test)))
        if self.task in ("genre", "base"):
            return (clips.train, clips.apart if self.task == "base" else list(range(len(clips.train)))), test
        dataset = clips.axes[AFFECT.index(self.task)] if self.task in AFFECT else clips.mood
        if self.fold is None:
            return (dataset, list(range(len(dataset)))), test
        trained, predicted = clips.folds[self.fold]
        return (dataset, trained.tolist()), (dataset, predicted.tolist())

    def run(self, clips: Clips, keep: Path) -> None:
        """Train and keep the predictions (N, outputs), the seconds and the losses."""
        method, config = self.method, self.config()
        (dataset, places), (other, predicted) = self.sets(clips)
        trained, val = places, None
        if method.held:
            groups = [dataset.groups[place] for place in places]
            inside, outside = split_indices(len(places), method.held, True, self.seed, groups=groups)
            trained, held = ([places[place] for place in part] for part in (inside, outside))
            val = batches(dataset, held, 128)
        torch.manual_seed(self.seed)
        standardise = Standardise.fit(dataset, trained) if method.standardised else None
        backbone = method.make(standardise, clips.frames)
        if self.task in ("frozen", "fine-tuned"):
            load_backbone_from_checkpoint(backbone, self.base().file(clips, keep).with_suffix(".pt"))
            backbone.requires_grad_(self.task == "fine-tuned")
        if self.task in ("genre", "base"):
            model = Classifier(backbone, len(clips.classes))
        else:
            model = Regressor(backbone) if self.task in AFFECT else MultitaskRegressor(backbone)
            if method.from_mean:
                with torch.no_grad():
                    model.output_layer.weight.zero_()
                    model.output_layer.bias.copy_(dataset.targets[trained].mean(0))
        wall, processor = time.perf_counter(), time.process_time()
        history = fit(model, batches(dataset, trained, self.batch(), self.seed), val, config, device="cpu",
                      log=lambda line: print(f"    {line}", flush=True) if VERBOSE else None)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        outputs, _ = predict(model, batches(other, predicted, 128))
        file = self.file(clips, keep)
        if self.task == "base":
            save_checkpoint(model, file.with_suffix(".pt"))
        write_whole(file, lambda stream: np.savez(stream, outputs=outputs, seconds=[processor, wall],
                                                  losses=history.train, threads=torch.get_num_threads()))


VERBOSE = bool(os.environ.get("LAB_VERBOSE"))


def do_pieces(pieces: list[Piece], clips: Clips, keep: Path, until: float) -> None:
    """Train what is not there yet; a piece that another process trains is left to it."""
    keep.mkdir(parents=True, exist_ok=True)
    for piece in pieces:
        file = piece.file(clips, keep)
        if file.is_file() or time.monotonic() > until:
            continue
        if piece.task in ("frozen", "fine-tuned") and not piece.base().file(clips, keep).is_file():
            continue
        try:
            with filelock.FileLock(file.with_suffix(".lock"), timeout=0):
                if not file.is_file():
                    fold = "" if piece.fold is None else f", fold {piece.fold}"
                    print(f"  {piece.method.name}, {piece.task}, seed {piece.seed}{fold}", file=sys.stderr, flush=True)
                    piece.run(clips, keep)
        except filelock.Timeout:
            continue


# --- what the pieces say ---------------------------------------------------------------------------------------------

@dataclass
class Result:
    """The predictions of a method for a task, one array a seed, and the seconds of one training."""

    predictions: list[np.ndarray]
    seconds: float


def softmax(logits: np.ndarray) -> np.ndarray:
    share = np.exp(logits - logits.max(axis=1, keepdims=True))
    return share / share.sum(axis=1, keepdims=True)


def collect(method: Method | Mix, task: str, seeds: int, clips: Clips, keep: Path) -> Result | None:
    """The seeds whose pieces are all there; None when there is none."""
    found, seconds = [], []
    folds = [None] if task == "genre" or clips.is_other else list(range(FOLDS))
    for seed in range(seeds):
        networks = [[Piece(one, task, number, fold) for fold in folds] for one, number in members(method, task, seed)]
        if not networks or not all(piece.file(clips, keep).is_file() for row in networks for piece in row):
            continue
        spent, total = 0.0, 0.0
        for row in networks:
            used = [row[0].base(), *row] if task in ("frozen", "fine-tuned") else row
            parts = [np.load(piece.file(clips, keep), allow_pickle=False) for piece in used]
            spent += sum(part["seconds"][0] for part in parts)
            parts = [part["outputs"] for part in parts[-len(row):]]
            if task == "genre":
                total = total + softmax(parts[0])
            elif clips.is_other:
                total = total + parts[0]
            else:
                pooled = np.empty((len(clips.mood), *parts[0].shape[1:]))
                for part, (_, held) in zip(parts, clips.folds, strict=True):
                    pooled[held] = part
                total = total + pooled
        found.append(total / len(networks))
        seconds.append(spent)
    return Result(found, float(np.median(seconds))) if found else None


def pieces_of(methods: list[Method | Mix], tasks: list[str], seeds: int, clips: Clips) -> list[Piece]:
    """The trainings of some tasks, seed by seed, so that every method has one seed before one has two."""
    made = []
    for seed in range(seeds):
        for method in methods:
            for task in tasks:
                folds = [None] if task == "genre" or clips.is_other else range(FOLDS)
                for one, number in members(method, task, seed):
                    if task in ("frozen", "fine-tuned"):
                        made.append(Piece(one, "base", number))
                    made += [Piece(one, task, number, fold) for fold in folds]
    return list(dict.fromkeys(made))


def ridge(features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> GridSearchCV:
    """Linear regression on standardised features; its penalty is chosen on albums within what it is fitted on."""
    return GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": np.logspace(1, 5, 9)},
                        cv=GroupKFold(FOLDS)).fit(features, labels, groups=groups)


def linear_model(clips: Clips) -> dict[str, Result]:
    """The linear model on mean, deviation and mean absolute difference of each band, in the form of the networks."""
    train, test, mood = (summaries(part) for part in (clips.train, clips.test, clips.mood))
    begin = time.process_time()
    genre = linear(0.01).fit(train, clips.train.targets.numpy())
    outputs = np.log(np.maximum(genre.predict_proba(test), 1e-12))
    found = {"genre": Result([softmax(outputs)], time.process_time() - begin)}
    begin = time.process_time()
    groups = np.array(clips.mood.groups)
    if clips.is_other:
        pooled = ridge(mood, clips.moods, groups).predict(test)
    else:
        pooled = np.empty_like(clips.moods, dtype=float)
        for trained, held in clips.folds:
            pooled[held] = ridge(mood[trained], clips.moods[trained], groups[trained]).predict(mood[held])
    return found | {"multitask": Result([pooled], time.process_time() - begin)}


@dataclass
class Truth:
    """What is known of the clips that are scored: places among the predictions, labels, albums."""

    places: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def truths(clips: Clips, labels: Path | None) -> tuple[Truth | None, Truth | None]:
    """Of genre and of mood; None for one that is not known."""
    if labels is None:
        everything = [np.arange(len(part)) for part in (clips.test, clips.mood)]
        return (Truth(everything[0], clips.test.targets.numpy(), np.array(clips.test.groups)),
                Truth(everything[1], clips.moods, np.array(clips.mood.groups)))
    with labels.open(newline="", encoding="utf-8-sig") as stream:
        lines = csv.DictReader(stream)
        if not {"id", "genre", *AFFECT} <= set(lines.fieldnames or ()):
            sys.exit(f"Expected the columns id,genre,{','.join(AFFECT)} in {labels}, found {lines.fieldnames}.")
        rows = {clip_id(row["id"]): row for row in lines}
    places = {clip: place for place, clip in enumerate(clips.test.ids)}
    genres, moods = {}, {}
    for clip, row in rows.items():
        if clip in places and row["genre"] in clips.classes:
            genres[clip] = clips.classes.index(row["genre"])
        try:
            values = [float(row[axis]) for axis in AFFECT if row[axis]]
        except ValueError as error:
            sys.exit(f"{labels}, clip {clip}: expected numbers as labels of mood, found {error}.")
        if clip in places and len(values) == len(AFFECT):
            moods[clip] = values
    print(f"{labels}: {len(rows)} clips, {len(rows.keys() & places.keys())} of them among the {len(places)} of --test; "
          f"{len(genres)} with one of the {len(clips.classes)} genres that were trained, {len(moods)} with all "
          "labels of mood")
    made = []
    for known in (genres, moods):
        made.append(Truth(np.array([places[clip] for clip in known]), np.array(list(known.values())),
                          np.array([rows[clip].get("group") or clip for clip in known])) if len(known) > 1 else None)
    return made[0], made[1]


def genre_table(results: dict[str, Result], truth: Truth, report: Report, title: str) -> None:
    """Accuracy and macro F1 with intervals, and both references beside each."""
    answers = {name: [one[truth.places].argmax(axis=1) for one in result.predictions]
               for name, result in results.items()}
    rows = []
    for name, result in results.items():
        right, balanced = (bootstrap(score, answers[name], truth.labels, groups=truth.groups)
                           for score in (accuracy, macro_f1))
        row = {"method": name, "accuracy": f"{right:.1%}", "macro F1": f"{balanced:.3f}"}
        for other in (LINEAR, REPORT_CNN):
            row[f"points above {other}"] = above(accuracy, answers, name, other, truth, 100, ".1f")
        rows.append(row | {"seeds": len(result.predictions), "seconds": f"{result.seconds:.0f}"})
        report.facts |= {f"accuracy, {name}": right.value, f"seconds, {name}": result.seconds}
    report.table(title, rows)


def mood_table(results: dict[str, Result], truth: Truth, report: Report, title: str) -> None:
    """Spearman of each axis and the mean with its interval, and both references beside each."""
    answers = {name: [one[truth.places] for one in result.predictions] for name, result in results.items()}
    rows = []
    for name, result in results.items():
        axes = np.mean([spearman(one, truth.labels).axes for one in answers[name]], axis=0)
        row = {"method": name} | {axis: f"{value:.3f}" for axis, value in zip(AFFECT, axes, strict=True)}
        mean = bootstrap(mean_spearman, answers[name], truth.labels, groups=truth.groups)
        row["mean"] = f"{mean:.3f}"
        report.facts[f"mean Spearman, {name}"] = mean.value
        for other in (LINEAR, f"{REPORT_CNN}, multitask"):
            row[f"above {other}"] = above(mean_spearman, answers, name, other, truth, 1, ".3f")
        rows.append(row | {"seeds": len(result.predictions), "seconds": f"{result.seconds:.0f}"})
    report.table(title, rows)


def above(score, answers: dict, name: str, other: str, truth: Truth, scale: float, spec: str) -> str:
    """How far a method lies above a reference, with the paired interval; a star where 0 lies outside of it."""
    if name == other or other not in answers:
        return ""
    found = compare(score, answers[name], answers[other], truth.labels, groups=truth.groups)
    value, low, high = (format(scale * number, "+" + spec) for number in found.difference)
    return f"{value} ({low} to {high}){'*' if found.is_beyond_noise else ''}"


def judge(kind: str, results: dict[str, Result], ours: str, references: list[str], truth: Truth, aim: float,
          report: Report) -> None:
    """The stated requirements: significantly above both references, within the report's CNN's time; and the aim."""
    if not all(name in results for name in (ours, *references)):
        return report.check(False, f"{kind}: not everything is trained that the requirement speaks of")
    score = accuracy if kind == "genre" else mean_spearman
    answers = {name: [one[truth.places].argmax(axis=1) if kind == "genre" else one[truth.places]
                      for one in results[name].predictions] for name in (ours, *references)}
    for other in references:
        found = compare(score, answers[ours], answers[other], truth.labels, groups=truth.groups, names=(ours, other))
        report.check(found.difference.low > 0, f"{kind}: {found.verdict}")
    mine, theirs = results[ours].seconds, results[references[1]].seconds
    report.check(mine <= theirs, f"{kind}: {ours} trains in {mine:.0f} s, {references[1]} in {theirs:.0f} s")
    values = {name: float(np.mean([score(one, truth.labels) for one in answers[name]])) for name in answers}
    distance = values[ours] - max(values[name] for name in references)
    report.facts |= {f"{kind}_ours": values[ours], f"{kind}_linear": values[references[0]],
                     f"{kind}_report": values[references[1]], f"{kind}_distance": distance}
    print(f"{kind}: {distance:+.3f} above the better of the two; the aim is {aim:+.3f}, "
          f"{'reached' if distance >= aim else f'{aim - distance:.3f} away'}.")


def steps(methods: list[Method], clips: Clips, report: Report, repeats: int = 5) -> None:
    """Seconds of a training step of 32 clips, the networks in turn in one process, and what an epoch of it makes."""
    made = []
    for method in methods:
        torch.manual_seed(0)
        model = Classifier(method.make(Standardise(128) if method.standardised else None, clips.frames),
                           len(clips.classes))
        made.append((method, model, method.genre.make_optimizer(model)))
    x, targets, lengths = next(iter(batches(clips.train, range(32), 32)))
    seconds = {method.name: [] for method in methods}
    for _ in range(repeats + 1):
        for method, model, optimizer in made:
            begin = time.perf_counter()
            loss, _ = model(x, targets, lengths)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seconds[method.name].append(time.perf_counter() - begin)
    report.table(f"A training step of 32 clips, median of {repeats}, {torch.get_num_threads()} thread(s), in turn", [
        {"method": method.name, "milliseconds": f"{1000 * np.median(seconds[method.name][1:]):.0f}",
         "weights": f"{sum(weight.numel() for weight in model.parameters()):,}"} for method, model, _ in made])


def write_predictions(file: Path, clips: Clips, genre: Result, mood: Result) -> None:
    """id,genre,valence,energy,danceability of every clip of --test."""
    names = [clips.classes[place] for place in np.mean(genre.predictions, axis=0).argmax(axis=1)]
    lines = [",".join(("id", "genre", *AFFECT))]
    lines += [",".join((clip, name, *(f"{value:.6f}" for value in row)))
              for clip, name, row in zip(clips.test.ids, names, np.mean(mood.predictions, axis=0), strict=True)]
    write_whole(file, lambda stream: stream.write(("\n".join(lines) + "\n").encode()))
    print(f"written: {file}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a dataset in the course's layout")
    parser.add_argument("--test", type=Path, help="another folder of clips to predict")
    parser.add_argument("--labels", type=Path, help="CSV with id,genre,valence,energy,danceability of --test")
    parser.add_argument("--predict", type=Path, metavar="OUT.csv",
                        help="write our predictions for --test, score nothing")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=240, help="after so long no other training is begun")
    parser.add_argument("--epochs", type=int, help="at most so many, to try this script")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="train nothing but what has one of these words in method or task")
    parser.add_argument("--train-only", action="store_true", help="no tables: a second process that helps the first")
    parser.add_argument("--keep", type=Path, default=cache_root() / "benchmarks" / "real_music")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    if (options.test is not None) != ((options.labels is None) != (options.predict is None)):
        parser.error("--test goes with either --labels or --predict, and they with it.")
    torch.set_num_threads(options.threads)
    if options.epochs:
        for method in (*METHODS, *CHANGES):
            for kind in ("genre", "mood", "base", "frozen", "fine_tuned"):
                if isinstance(config := getattr(method, kind, None), TrainingConfig):
                    object.__setattr__(method, kind, replace(config, epochs=min(config.epochs, options.epochs)))
    begin, until = time.perf_counter(), time.monotonic() + 60 * options.minutes
    clips = Clips(options.path, options.test)
    if options.predict:
        seeds = range(options.seeds)
        do_pieces([piece for seed in seeds for task in ("genre", "fine-tuned")
                   for piece in pieces_of([OURS], [task], seed + 1, clips)], clips, options.keep, until)
        genre, mood = (collect(OURS, task, options.seeds, clips, options.keep) for task in ("genre", "fine-tuned"))
        if genre is None or mood is None:
            sys.exit("Expected our networks to be trained, found some that are not. Call it again, which goes on, or "
                     "with more --minutes.")
        write_predictions(options.predict, clips, genre, mood)
        return 0
    tasks = ["multitask", "frozen", "fine-tuned", *AFFECT]
    work = [*pieces_of(METHODS, ["genre", "multitask"], options.seeds, clips),
            *pieces_of(METHODS, ["frozen", "fine-tuned", *AFFECT], options.seeds, clips),
            *pieces_of(CHANGES, ["genre"], 1, clips)]
    if options.only is not None:
        work = [piece for piece in work if any(f"{word}" in f"{piece.method.name}, {piece.task}, seed {piece.seed}"
                                               for word in options.only)]
    do_pieces(work, clips, options.keep, until)
    if options.train_only:
        return 0

    report, where = Report(), "of another folder" if clips.is_other else "on other albums"
    first = linear_model(clips)
    genre_truth, mood_truth = truths(clips, options.labels)
    scores = {LINEAR: first["genre"]}
    scores |= {method.name: found for method in METHODS
               if (found := collect(method, "genre", options.seeds, clips, options.keep))}
    if genre_truth:
        report.section("Genre")
        genre_table(scores, genre_truth, report, f"Genre of {len(genre_truth.places)} clips {where}, "
                    f"{len(clips.classes)} genres, {len(clips.train)} training clips; * beyond the noise")
        judge("genre", scores, OURS.name, [LINEAR, REPORT_CNN], genre_truth, GENRE_AIM, report)
    moods = {LINEAR: first["multitask"]}
    for method in METHODS:
        for task in tasks[:3]:
            if found := collect(method, task, options.seeds, clips, options.keep):
                moods[f"{method.name}, {task}"] = found
        single = [collect(method, axis, options.seeds, clips, options.keep) for axis in AFFECT]
        if all(single):
            count = min(len(one.predictions) for one in single)
            moods[f"{method.name}, one network an axis"] = Result(
                [np.stack([one.predictions[seed] for one in single], axis=1) for seed in range(count)],
                sum(one.seconds for one in single))
    if mood_truth:
        report.section("Mood")
        mood_table(moods, mood_truth, report, f"Mood of {len(mood_truth.places)} clips {where}, Spearman's "
                   "correlation; * beyond the noise")
        judge("mood", moods, f"{OURS.name}, fine-tuned", [LINEAR, f"{REPORT_CNN}, multitask"], mood_truth, MOOD_AIM,
              report)
    variants = {method.name: found for method in CHANGES
                if (found := collect(method, "genre", 1, clips, options.keep))}
    if genre_truth and len(variants) > 1:
        report.section("Which change brought how much")
        changes_table(variants, genre_truth, report)
    steps([method for method in METHODS if isinstance(method, Method)], clips, report)
    print(f"\n{(time.perf_counter() - begin) / 60:.0f} minutes; data: {clips.train.meta.source or options.path.name}")
    return report.end("real_music" if options.save else "")


def changes_table(results: dict[str, Result], truth: Truth, report: Report) -> None:
    """The small recipe with one thing changed, one seed: how far each lies from it."""
    answers = {name: [result.predictions[0][truth.places].argmax(axis=1)] for name, result in results.items()}
    report.table("The small recipe with one thing changed, genre, one seed; * beyond the noise", [
        {"recipe": name, "accuracy": f"{100 * accuracy(answers[name][0], truth.labels):.1f} %",
         "points above the small recipe": above(accuracy, answers, name, SMALL.name, truth, 100, ".1f"),
         "seconds": f"{result.seconds:.0f}"} for name, result in results.items()])


if __name__ == "__main__":
    sys.exit(main())
