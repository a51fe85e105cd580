"""All trainings of the lessons on the composed corpus: their seconds, and whether the lessons' claims hold over seeds.

    python benchmarks/lessons.py [--profile ci] [--seeds 5] [--threads 1] [--only WORD ...] [--keep FOLDER] [--save]

Each seed draws another validation part, other first weights and another order of the batches; the test clips stay the
same. Intervals come from a bootstrap over the test albums, of the mean over the seeds, each at 95 %: those of the
claims are not corrected for the number of claims. Two networks are compared over the seeds that both have; beside a
difference stands in how many of them the first is above the second. The linear model is fitted on the training and
validation clips together, the networks on the training clips alone: so it is a harder reference. The seconds are
processor time of the process. The truth of the composed test clips with mood labels lies beside the corpus. Predictions
are kept in --keep under a name that stands for all that decides them, so that a run that is stopped goes on, and
several processes share the work; a training that begins with another one's network trains that first.
"""

import argparse
import csv
import hashlib
import inspect
import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import labkit  # isort: skip  # before torch, which looks once at how its threads are to wait
import filelock
import numpy as np
import torch
from _music import Report, linear, ridge

from labkit.datasets import AFFECT, Standardise
from labkit.evaluation import accuracy, bootstrap, compare, macro_f1, mean_spearman, predict, spearman
from labkit.files import code_digest, write_whole
from labkit.lab import open_lab
from labkit.models import Classifier, MultitaskRegressor, Regressor, load_backbone_from_checkpoint, save_checkpoint
from labkit.profiles import PROFILES, cache_root
from labkit.recipes import GENRE, MOOD, Recipe, outlines, parts
from labkit.training import fit
from labkit.training.state import code_prefix

SINGLE = [f"{name}, {axis}" for name in MOOD for axis in AFFECT]
TRANSFER = ["CNN, transfer, frozen", "CNN, transfer, fine-tuned"]
TRAININGS = [*GENRE, *SINGLE, "CNN, multitask", *TRANSFER]
READS = ("recipes.py", "datasets/layout.py", "datasets/splits.py")  # of labkit: decide what a training is given


class Bench:
    """The trainings of one profile, found in a folder or done."""

    def __init__(self, profile: str, keep: Path):
        self.lab = open_lab(PROFILES[profile]).composed_only()
        self.profile, self.root = self.lab.profile, self.lab.composed
        self.keep = keep / f"{profile}-{self.root.name}"
        self.keep.mkdir(parents=True, exist_ok=True)
        root = Path(labkit.__file__).parent
        # Once, at the start: what is edited while this process runs is not what it trains with.
        self.code = [code_prefix(), code_digest(root / name for name in READS), inspect.getsource(Bench.train)]

    def recipe(self, name: str) -> tuple[Recipe, int | str | None]:
        """The recipe of a training, and the axis of mood."""
        if name in GENRE:
            return GENRE[name], None
        kind, task = name.split(", ")[:2]
        recipe = MOOD[kind]
        if "frozen" in name:
            recipe = replace(recipe, config=replace(recipe.config, weight_decay=0.0, learning_rate=1e-2))
        return recipe, AFFECT.index(task) if task in AFFECT else "all"

    def file(self, name: str, seed: int) -> Path:
        """Where the predictions of a training lie; the name stands for all that decides them, and its seconds."""
        recipe, _ = self.recipe(name)
        said = [name, seed, asdict(recipe.training(self.profile)), recipe.feat_type, recipe.beat, recipe.batch_size,
                recipe.task, self.profile.max_per_class, self.code, torch.__version__, torch.get_num_threads(),
                self.file("CNN", seed).name if name in TRANSFER else None]
        return self.keep / f"{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}.npz"

    def train(self, name: str, seed: int) -> None:
        """Train, and keep predictions for the test clips, seconds and losses."""
        if name in TRANSFER:
            self.once("CNN", seed, wait=True)
        recipe, axis = self.recipe(name)
        train, val, test = parts(recipe, self.root, self.profile, seed, "all" if axis is None else axis)
        dataset, places = train.dataset.dataset, train.dataset.indices
        torch.manual_seed(seed)
        backbone = recipe.build(dataset.feature_rows, Standardise.fit(dataset, places))
        if name in TRANSFER:
            load_backbone_from_checkpoint(backbone, self.file("CNN", seed).with_suffix(".pt"))
            backbone.requires_grad_("frozen" not in name)
        if axis is None:
            model = Classifier(backbone, len(dataset.label_transformer.classes_))
        else:
            model = MultitaskRegressor(backbone) if axis == "all" else Regressor(backbone)
        begin = time.process_time()
        history = fit(model, train, val, recipe.training(self.profile, seed), device="cpu")
        seconds = time.process_time() - begin
        outputs, _ = predict(model, test)
        file = self.file(name, seed)
        if name == "CNN":
            save_checkpoint(model, file.with_suffix(".pt"))
        write_whole(file, lambda stream: np.savez(stream, outputs=outputs, seconds=seconds, train=history.train,
                                                  val=history.val))

    def once(self, name: str, seed: int, wait: bool) -> None:
        """Train what is not there yet; what another process trains is waited for, or else left to it."""
        file = self.file(name, seed)
        with suppress(filelock.Timeout), filelock.FileLock(file.with_suffix(".lock"), timeout=-1 if wait else 0):
            if not file.is_file():
                print(f"  {name}, seed {seed}", file=sys.stderr, flush=True)
                self.train(name, seed)

    def outputs(self, name: str, seeds: int) -> dict[int, np.ndarray]:
        """The predictions by seed, of the seeds that are there."""
        files = {seed: self.file(name, seed) for seed in range(seeds)}
        return {seed: np.load(file, allow_pickle=False)["outputs"] for seed, file in files.items() if file.is_file()}

    def seconds(self, name: str, seeds: int) -> float:
        files = [self.file(name, seed) for seed in range(seeds)]
        return float(np.median([np.load(file, allow_pickle=False)["seconds"] for file in files if file.is_file()]))


def truth_of_moods(root: Path, clips: list[str]) -> np.ndarray:
    """The labels (N, 3) of the composed test clips, which the dataset itself does not tell."""
    with (root / "truth" / "multitask_test.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["Id"]: [float(row[axis]) for axis in AFFECT] for row in csv.DictReader(stream)}
    return np.array([rows[clip] for clip in clips])


def of_same_seeds(*found: dict) -> dict[int, tuple]:
    """By seed, the predictions of several networks, for the seeds that all have; a model without seeds has each."""
    seeds = set.intersection(*(set(one) for one in found if None not in one))
    return {seed: tuple(one[None if None in one else seed] for one in found) for seed in sorted(seeds)}


def claim(score, first: dict, second: dict, truth, groups, rows: list, wanted: str) -> None:
    """Whether the first is above the second: the difference with its interval, and in how many seeds."""
    pairs = list(of_same_seeds(first, second).values())
    if not pairs:
        return
    found = compare(score, *map(list, zip(*pairs, strict=True)), truth, groups=groups)
    each = [score(one, truth) - score(other, truth) for one, other in pairs]
    scale, spec = (100, "+.1f") if score in (accuracy, macro_f1) else (1, "+.3f")
    value, low, high = (format(scale * number, spec) for number in found.difference)
    verdict = "inside the noise"
    if found.is_beyond_noise:
        verdict = "holds" if found.difference.value > 0 else "the other way round"
    rows.append({"claim": wanted, "difference": f"{value} ({low} to {high})",
                 "seeds": f"{sum(one > 0 for one in each)} of {len(each)}", "verdict": verdict})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="ci", choices=PROFILES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="train nothing but what has one of these words in its name")
    parser.add_argument("--keep", type=Path, default=cache_root() / "benchmarks" / "lessons")
    parser.add_argument("--save", action="store_true", help="keep the tables for the book")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    bench, seeds = Bench(options.profile, options.keep), options.seeds
    names = [name for name in TRAININGS if options.only is None or any(word in name for word in options.only)]
    for seed in range(seeds):
        for name in names:
            bench.once(name, seed, wait=False)

    report = Report()
    report.section(f"Composed corpus, profile {options.profile}, up to {seeds} seeds")
    train, _, test = parts(GENRE["CNN"], bench.root, bench.profile)
    truth, groups = test.dataset.targets.numpy(), np.array(test.dataset.groups)
    whole = train.dataset.dataset
    model = linear(0.01).fit(outlines(whole), whole.targets.numpy())
    answers = {"linear model": {None: model.predict(outlines(test.dataset))},
               "most frequent genre": {None: np.full(len(truth), np.bincount(whole.targets).argmax())}}
    answers |= {name: {seed: one.argmax(axis=1) for seed, one in found.items()}
                for name in GENRE if (found := bench.outputs(name, seeds))}
    report.table(f"Genre of {len(truth)} composed test clips, {len(whole.label_transformer.classes_)} classes, "
                 f"{len(whole)} training clips", [
        {"network": name, "accuracy": f"{bootstrap(accuracy, list(found.values()), truth, groups=groups):.1%}",
         "macro F1": f"{np.mean([macro_f1(one, truth) for one in found.values()]):.3f}", "seeds": len(found),
         "seconds": f"{bench.seconds(name, seeds):.0f}" if name in GENRE else ""} for name, found in answers.items()])

    train, _, test = parts(MOOD["CNN"], bench.root, bench.profile)
    labels, albums = truth_of_moods(bench.root, test.dataset.ids), np.array(test.dataset.groups)
    whole = train.dataset.dataset
    known = whole.targets.numpy()
    features = outlines(whole), outlines(test.dataset)
    fitted = [ridge().fit(features[0], axis).predict(features[1]) for axis in known.T]
    felt = {"linear model": {None: np.stack(fitted, axis=1)}}
    for kind in MOOD:
        if found := of_same_seeds(*(bench.outputs(f"{kind}, {axis}", seeds) for axis in AFFECT)):
            felt[f"{kind}, one network an axis"] = {seed: np.stack(one, axis=1) for seed, one in found.items()}
    felt |= {name: found for name in ("CNN, multitask", *TRANSFER) if (found := bench.outputs(name, seeds))}
    rows = []
    for name, found in felt.items():
        axes = np.mean([spearman(one, labels).axes for one in found.values()], axis=0)
        spent = sum(bench.seconds(part, seeds) for part in SINGLE if part.startswith(name.split(",")[0])) \
            if "an axis" in name else bench.seconds(name, seeds) if name in TRAININGS else None
        rows.append({"network": name} | {axis: f"{value:.3f}" for axis, value in zip(AFFECT, axes, strict=True)}
                    | {"mean": f"{bootstrap(mean_spearman, list(found.values()), labels, groups=albums):.3f}",
                       "seeds": len(found), "seconds": "" if spent is None else f"{spent:.0f}"})
    report.table(f"Mood of {len(labels)} composed test clips, {len(whole)} training clips, Spearman's correlation",
                 rows)

    claims = []

    def of_genre(first: str, second: str, words: str, score=accuracy) -> None:
        if first in answers and second in answers:
            claim(score, answers[first], answers[second], truth, groups, claims, words)

    def of_mood(first: str, second: str, words: str) -> None:
        if first in felt and second in felt:
            claim(mean_spearman, felt[first], felt[second], labels, albums, claims, words)

    for name in GENRE:
        of_genre(name, "most frequent genre", f"{name} above the most frequent genre, macro F1", macro_f1)
    of_genre("CNN", "LSTM, beat-synchronous mel", "the CNN above the best LSTM input of the course (beat-synchronous)")
    of_genre("CNN", "LSTM, mel", "the CNN above the LSTM on all frames")
    of_genre("LSTM, beat-synchronous mel", "LSTM, mel", "the beat-synchronous LSTM above the one on all frames")
    for other in ("LSTM, mel", "LSTM, beat-synchronous mel", "LSTM, mel and chroma"):
        of_genre(other, "LSTM, chroma", f"{other} above chroma alone")
    of_mood("CNN, one network an axis", "LSTM, one network an axis", "mood: the CNNs above the LSTMs")
    of_mood("CNN, multitask", "CNN, one network an axis", "mood: multitask above one network an axis")
    of_mood("CNN, transfer, fine-tuned", "CNN, multitask", "mood: transfer, fine-tuned, above a new start")
    of_mood("CNN, transfer, fine-tuned", "CNN, transfer, frozen", "mood: fine-tuned above frozen")
    if claims:
        report.table("The lessons' claims; the first minus the second, points of accuracy, of macro F1 where it says "
                     "so, or Spearman's correlation", claims)
    if found := list(felt.get("CNN, multitask", {}).values()):
        hard = np.array([spearman(one, labels).axes for one in found])
        report.table("Which axis is the hardest: its correlation minus the mean of the other two, multitask", [
            {"axis": axis, "difference": axis_against_others(found, labels, albums, place),
             "hardest in": f"{int(np.sum(hard.argmin(axis=1) == place))} of {len(hard)} seeds"}
            for place, axis in enumerate(AFFECT)])
    there = [name for name in TRAININGS if bench.outputs(name, seeds)]
    total = sum(bench.seconds(name, seeds) for name in there)
    limit = {"ci": 3, "laptop": 30}.get(options.profile)
    print(f"\nall {len(there)} of {len(TRAININGS)} trainings once: {total:.0f} s of one processor, "
          f"{total / 120:.1f} minutes on two")
    if limit and len(there) == len(TRAININGS):
        report.check(total / 120 < limit, f"all trainings once take {total / 120:.1f} minutes as two processes of one "
                     f"thread, at most {limit}")
    for name, found in felt.items():
        if name != "linear model":
            mean = bootstrap(mean_spearman, list(found.values()), labels, groups=albums)
            report.check(mean.low > 0, f"{name}: mean correlation {mean:.3f}, beyond the noise above 0")
    for row in claims:
        if "most frequent" in row["claim"]:
            report.check(row["verdict"] == "holds", f"{row['claim']}: {row['difference']}")
    return report.end(f"lessons-{options.profile}" if options.save else "")


def axis_against_others(found: list[np.ndarray], labels: np.ndarray, albums: np.ndarray, place: int) -> str:
    """The correlation of one axis minus the mean of the others, with its interval."""
    def score(one: np.ndarray, truth: np.ndarray) -> float:
        axes = np.array(spearman(one, truth).axes)
        return float(axes[place] - np.delete(axes, place).mean())

    return f"{bootstrap(score, found, labels, groups=albums, samples=500):.3f}"


if __name__ == "__main__":
    sys.exit(main())
