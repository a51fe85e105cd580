"""The file that the Kaggle competition of the course takes: written, checked, scored here, and sent."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset

from labkit.datasets import AFFECT, clip_id, collate_padded, id_order, label_kind, read_label_file
from labkit.errors import LabError
from labkit.evaluation import clips_of, mean_spearman, predict, resampled, spearman
from labkit.files import write_text
from labkit.models import Classifier, ModelError

SUFFIX = ".fused.full.npy.gz"
HEADERS = ("Id", "Id" + SUFFIX)  # of the first column, in different years
PUBLIC = 0.3                     # share of the test clips behind the public leaderboard
FEWEST = 10                      # clips; the bootstrap of fewer tells nothing of their error


class SubmissionError(LabError, ValueError):
    """A file that the competition would refuse, or an upload that failed.

    Used in: notebooks/10_submission
    """


# --- writing ---------------------------------------------------------------------------------------------------------

def kaggle_submission(model: nn.Module | Mapping[str, nn.Module] | Sequence[nn.Module], data: Dataset | DataLoader,
                      file: str | Path = "solution.txt", *, header: str = "Id", ids: str = "bare") -> Path:
    """Predict all clips of a mood dataset and write `Id,valence,energy,danceability`, one line a clip.

    The lines follow the dataset, whatever the order of the loader.

    Parameters
    ----------
    model : a MultitaskRegressor, or another model with an output (B, 3); or three Regressors, one for each axis: a
        sequence in the order valence, energy, danceability, or a dict with these names.
    data : as a rule the unlabelled test split, or a loader of it.
    file : written whole or not at all.
    header : the name of the first column, 'Id' or 'Id.fused.full.npy.gz', as the competition of the year asks.
    ids : 'bare' = 1042, or 'suffixed' = 1042.fused.full.npy.gz.

    Returns
    -------
    the path of the file.

    Raises
    ------
    ModelError : clips without ids or with one id twice, an output of another shape, or a prediction that is no number.
    ValueError : another header or form of the ids.

    Used in: notebooks/10_submission
    """
    if header not in HEADERS or ids not in ("bare", "suffixed"):
        raise ValueError(f"Expected header {' or '.join(map(repr, HEADERS))} and ids 'bare' or 'suffixed', found "
                         f"{header!r} and {ids!r}. The competition's page shows which.")
    dataset, size = (data.dataset, data.batch_size or 32) if isinstance(data, DataLoader) else (data, 32)
    clips = clips_of(dataset)
    if not all(isinstance(clip, str) for clip in clips) or len(set(clips)) != len(clips):
        raise ModelError("Expected a dataset in which each clip has an id of its own, found ids that are missing or "
                         "occur twice. Give a SpectrogramDataset.")
    whole = dataset
    while isinstance(whole, Subset):
        whole = whole.dataset
    collate = getattr(whole, "collate", collate_padded)
    outputs = _mood(model, DataLoader(dataset, size, collate_fn=collate))
    if not np.isfinite(outputs).all():
        bad = [clip for clip, row in zip(clips, outputs, strict=True) if not np.isfinite(row).all()]
        raise ModelError(f"Expected a number for each clip, found none for {len(bad)} of them, the first {bad[0]!r}. "
                         "Train the model again: its weights are damaged.")
    suffix = SUFFIX if ids == "suffixed" else ""
    lines = [",".join((header, *AFFECT)), *(f"{clip}{suffix},{','.join(f'{value:.9g}' for value in row)}"
                                            for clip, row in zip(clips, outputs, strict=True))]
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, "\n".join(lines) + "\n")
    return file


def _mood(model: nn.Module | Mapping[str, nn.Module] | Sequence[nn.Module], loader: DataLoader) -> np.ndarray:
    """The predictions (N, 3) of one model, or of one for each axis."""
    clips, several = len(loader.dataset), not isinstance(model, nn.Module)
    if isinstance(model, Mapping):
        if set(model) != set(AFFECT):
            raise ModelError(f"Expected a model for each of {', '.join(AFFECT)}, found "
                             f"{', '.join(map(str, model))}. Give a dict with these three names.")
        model = [model[axis] for axis in AFFECT]
    if several and len(model) != len(AFFECT):
        raise ModelError(f"Expected {len(AFFECT)} Regressors, for {', '.join(AFFECT)}, found {len(model)}. "
                             "Give one for each axis, in this order.")
    if any(isinstance(one, Classifier) for one in (model if several else [model])):
        raise ModelError("Expected a MultitaskRegressor, or three Regressors, found a Classifier, whose outputs are "
                         "genres. Train a model on the mood labels.")
    outputs = [predict(one, loader)[0] for one in (model if several else [model])]
    wanted, name = ((clips,), "(N,), three Regressors") if several else ((clips, len(AFFECT)), f"(N, {len(AFFECT)})")
    for found in outputs:
        if found.shape != wanted:
            raise ModelError(f"Expected an output of shape {name} for {', '.join(AFFECT)}, found {found.shape}. "
                             "Give a MultitaskRegressor, or three Regressors, one for each axis.")
    return np.stack(outputs, axis=1) if several else outputs[0]


# --- checking --------------------------------------------------------------------------------------------------------

class Submission(NamedTuple):
    """A file that can be submitted."""

    ids: tuple[str, ...]     # bare, in the order of the file
    values: np.ndarray       # (N, 3) float64
    notes: tuple[str, ...]   # what is allowed and yet may not be meant


def validate_submission(file: str | Path, ids: Iterable[str] | None = None) -> Submission:
    """Read a submission and check everything that would make Kaggle refuse it or score it wrongly.

    Parameters
    ----------
    file : `Id,valence,energy,danceability` with either header and either form of the ids, one line a clip in any order.
    ids : of the test clips, in either form; None = the ids are only compared with each other.

    Returns
    -------
    what stands in the file. Its notes name what is no fault, such as values outside [0, 1]: a rank correlation takes
    them, a reader of the numbers may wonder.

    Raises
    ------
    SubmissionError : with every fault of the file, each on a line: columns, separators, ids, numbers, a constant axis.

    Used in: notebooks/10_submission
    """
    file = Path(file)
    rows, notes = _table(file)
    values, lines, faults = {}, {}, []
    broken, strange, twice, forms = [], [], [], []

    def fault(expected: str, cases: list[str], advice: str) -> None:
        if cases:
            more = f" and {len(cases) - 1} more" if len(cases) > 1 else ""
            faults.append(f"{file}: expected {expected}, found {cases[0]}{more}. {advice}.")

    for line, (name, *fields) in rows:
        clip = clip_id(name)
        if not clip or name.removeprefix(clip) not in ("", SUFFIX) or len(fields) != len(AFFECT):
            broken.append(f"{','.join((name, *fields))[:60]!r} on line {line}")
            continue
        if clip in values:
            twice.append(f"{clip!r} on lines {lines[clip]} and {line}")
        values[clip], lines[clip] = [_number(field) for field in fields], line
        forms.append(name != clip)
        if not np.isfinite(values[clip]).all():
            strange.append(f"{','.join(fields)[:60]!r} on line {line}")
    fault(f"on each line an id such as 1042 or 1042{SUFFIX} and three numbers", broken,
          "Write a comma between two fields and a point in a number")
    fault("three finite numbers for each clip", strange, "Look at the model's predictions for these clips")
    fault("each clip once", twice, "Keep one line for each clip")
    if len(set(forms)) > 1:
        fault("ids all bare or all with a suffix", [f"{sum(forms)} of {len(forms)} with one"],
              "Write them all as the competition's page shows")
    if isinstance(ids, str | Path):
        raise ValueError(f"Expected the ids of the test clips, one each, found {ids!r}. Give a list, such as "
                         "dataset.ids.")
    if ids is not None:
        wanted = dict.fromkeys(map(clip_id, ids))
        fault(f"only the {len(wanted)} test clips", [f"the unknown id {clip!r}" for clip in values
                                                     if clip not in wanted], "Predict the test split")
        fault(f"all {len(wanted)} test clips", [f"no line for {clip!r}" for clip in wanted if clip not in values],
              "Predict the whole test split, with drop_last=False")
    if not (values or faults):
        fault("a line for each clip", ["none"], "Predict the test split")
    array = np.array(list(values.values()), dtype=float).reshape(-1, len(AFFECT))
    for axis, column in zip(AFFECT, array.T, strict=True):
        if len(column) > 1 and np.all(column == column[0]):
            fault(f"predictions of {axis} that differ", [f"{column[0]:g} for all clips, which is no order"],
                  "Train longer, and compare the shapes of outputs and labels in the loss")
        outside = int(np.sum((column < 0) | (column > 1)))
        if outside:
            notes.append(f"{outside} of {len(column)} predictions of {axis} lie outside [0, 1], from "
                         f"{column.min():.3g} to {column.max():.3g}. Spearman's correlation sees only their order.")
    if faults:
        raise SubmissionError("\n".join(faults))
    return Submission(tuple(values), array, tuple(notes))


def _table(file: Path) -> tuple[list[tuple[int, list[str]]], list[str]]:
    """The rows below the header with their line numbers, and a note where a byte order mark stands before it."""
    if not file.is_file():
        raise SubmissionError(f"Expected a submission at {file}, found no file. Write it with kaggle_submission.")
    try:
        text = file.read_bytes().decode("utf-8")
        lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        header, rows = next(lines, []), [(lines.line_num, row) for row in lines if row]
    except (UnicodeDecodeError, csv.Error):
        raise SubmissionError(f"{file}: expected lines of text in UTF-8, found something else. Save it as plain text "
                              "in UTF-8.") from None
    wanted = [[first, *AFFECT] for first in HEADERS]
    if header not in wanted:
        line = ",".join(header)
        sign = next((name for name, one in (("semicolons", ";"), ("tabs", "\t")) if one in line), None)
        raise SubmissionError(
            f"{file}: expected the first line {' or '.join(map(','.join, wanted))}, found {line[:80]!r}. "
            + (f"Write commas between the fields in place of {sign}." if sign else "Name the columns in this order."))
    return rows, ["The file begins with a byte order mark, which some readers take for a part of the first column's "
                  "name. Save it as UTF-8 without one."] if text.startswith("\ufeff") else []


def _number(text: str) -> float:
    """A field as a number; NaN when it is none."""
    try:
        return math.nan if "_" in text else float(text)  # Python alone reads 1_0 as 10
    except ValueError:
        return math.nan


# --- scoring ---------------------------------------------------------------------------------------------------------

class PartScore(NamedTuple):
    """The score on one part of the test clips."""

    clips: int
    axes: tuple[float, ...]    # Spearman's correlation of valence, energy, danceability
    errors: tuple[float, ...]  # their standard errors
    mean: float                # the score of the competition
    error: float               # its standard error


@dataclass(frozen=True)
class Leaderboard:
    """The score that everyone sees while the competition runs, and the one that decides; printed, a table."""

    public: PartScore
    private: PartScore

    def __str__(self) -> str:
        lines = [f"{'':8}{'clips':>6}" + "".join(f"{name:>17}" for name in (*AFFECT, "mean"))]
        for name, part in (("public", self.public), ("private", self.private)):
            pairs = zip((*part.axes, part.mean), (*part.errors, part.error), strict=True)
            lines.append(f"{name:8}{part.clips:6d}" + "".join(f"{f'{score:.3f} ± {error:.3f}':>17}"
                                                              for score, error in pairs))
        chance = [1 / math.sqrt(part.clips - 1) for part in (self.public, self.private)]
        return "\n".join([*lines, "± one standard error; of predictions without any order, one axis would have "
                                  f"{chance[0]:.3f} and {chance[1]:.3f}."])


def leaderboard(file: str | Path, truth: str | Path, *, seed: int = 0, samples: int = 1000) -> Leaderboard:
    """Score a submission as Kaggle does: the mean of three Spearman correlations, on 30 % and on 70 % of the clips.

    Which clips are public is drawn once, by the ids and the seed, and does not hang on the submission. The standard
    errors are those of the bootstrap over clips, not albums (Efron and Tibshirani, 1993, chapter 6), and NaN for fewer
    than 10 clips. Of predictions without any
    relation to n labels, the standard error of one axis is 1/sqrt(n - 1) (Kendall, 1948); it is smaller the higher the
    correlation, and that of the mean of three axes smaller than that of each.

    Parameters
    ----------
    file : the submission.
    truth : the labels of the test clips, `Id,valence,energy,danceability`; of the composed corpus
        `truth/multitask_test.csv` in its folder.
    seed : of the draw of the public part, and of the bootstrap.
    samples : resamples of the bootstrap.

    Raises
    ------
    SubmissionError : as `validate_submission`, or a truth of fewer than 7 clips or of genres.
    DataError : the truth is no label file.

    Used in: notebooks/10_submission
    """
    labels = read_label_file(truth)
    if label_kind(truth) != "mood" or len(labels) < 7:
        raise SubmissionError(f"{truth}: expected the mood of at least 7 clips, found {len(labels)} lines of "
                              f"{label_kind(truth)}. Give the labels of the test clips.")
    found = validate_submission(file, labels)
    clips = sorted(labels, key=id_order)
    place = {clip: row for row, clip in enumerate(found.ids)}
    predicted = found.values[[place[clip] for clip in clips]]
    order = np.random.default_rng(seed).permutation(len(clips))
    cut = round(PUBLIC * len(clips))
    wanted = np.array([labels[clip] for clip in clips])
    return Leaderboard(*(_part(predicted[rows], wanted[rows], samples, seed) for rows in (order[:cut], order[cut:])))


def _part(predicted: np.ndarray, wanted: np.ndarray, samples: int, seed: int) -> PartScore:
    score = spearman(predicted, wanted)
    errors = []
    for one, other in (*zip(predicted.T, wanted.T, strict=True), (predicted, wanted)):
        drawn = resampled(mean_spearman, one, other, samples=samples, seed=seed)
        drawn = drawn[np.isfinite(drawn)]
        errors.append(float(drawn.std()) if len(drawn) and len(wanted) >= FEWEST else math.nan)
    return PartScore(len(wanted), score.axes, tuple(errors[:-1]), score.mean, errors[-1])


# --- sending ---------------------------------------------------------------------------------------------------------

def upload(file: str | Path, competition: str, message: str) -> str:
    """Submit a file to a Kaggle competition; each upload counts against the competition's daily limit.

    Needs the package `kaggle` and a token of one's own. The file is checked first, as `validate_submission` does.

    Parameters
    ----------
    competition : its name in the address, kaggle.com/competitions/NAME.
    message : stands beside the score in one's list of submissions.

    Returns
    -------
    Kaggle's answer.

    Raises
    ------
    SubmissionError : a faulty file, no Kaggle client, no credentials, or a refusal.
    """
    validate_submission(file)
    try:
        from kaggle import api  # ends the process without credentials: old ones here, new ones in the next line

        api.authenticate()
    except ModuleNotFoundError as error:
        raise SubmissionError(f"Expected the package kaggle, found no module {error.name}. Install it: "
                              'python -m pip install "kaggle>=1.7,<3"') from None
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__} {error}".splitlines()[0][:80]
        raise SubmissionError(f"Expected credentials that Kaggle takes, found none ({reason}). Make a token on "
                              "kaggle.com (Settings, API) and set KAGGLE_API_TOKEN to it, or keep it as "
                              "~/.kaggle/access_token; clients before version 2 read ~/.kaggle/kaggle.json.") from None
    try:
        answer = api.competition_submit(str(file), message, competition, quiet=True)
    except Exception as error:  # of requests, of urllib3, of the client; they have no common base
        answer = f"{type(error).__name__}: {error}"
        accepted = False
    else:
        answer = str(getattr(answer, "message", answer))
        accepted = "could not submit" not in answer.lower()  # so the client tells of an upload that broke off
    if not accepted:
        first = next(iter(answer.splitlines()), "")[:200].rstrip(". ")
        raise SubmissionError(f"Expected Kaggle to take {file} for {competition}, found {first}. Check the name of the "
                              "competition, accept its rules on its page, and see whether it still takes submissions.")
    return answer
