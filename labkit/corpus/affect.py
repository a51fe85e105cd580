"""From the parameters of a composition to the labels of its mood.

Real datasets ask listeners, or a program that was trained on their answers. The composed corpus states its rule
instead. For energy and valence the directions follow listening experiments, the weights are ours; danceability is a
rule of our own. Ten genres have the mean and the deviation of published labels, ten have a neighbour's that we moved by
hand (`Style.mood`, whose field `assumed` says so). A stated noise stands for the spread among annotators.

Sources of the directions: Russell (1980), A circumplex model of affect (valence and arousal as the two axes);
Gabrielsson and Lindström (2010), The role of structure in the musical expression of emotions (tempo, loudness, mode,
articulation, register, regular rhythm); Eerola, Friberg and Bresin (2013), Emotional expression in music (their
relative strength, and that they add up).

Ours, and not from experiments: that valence falls slightly with loudness, and that danceability falls with loudness
and with tempo as such, which keeps its correlation with energy as small as that of the published labels. Moelants
(2002), Preferred tempo reconsidered, finds that people prefer 120 to 130 beats a minute. Witek et al. (2014),
Syncopation, body-movement and pleasure in groove music, find that the wish to move is an inverted U over syncopation;
this rule has no such bend, the more regular the beat the better.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from functools import cache
from pathlib import Path

import numpy as np

from labkit.corpus.genres import find_style
from labkit.corpus.score import Piece, compose
from labkit.corpus.styles import SCALES, Style
from labkit.files import code_digest, write_text

ANNOTATOR_SHARE = 0.12  # the noise's share of the variance within a genre, before it is laid into the labels' range
_BEST_TEMPO = 118.0     # beats a minute; with the minus of `fast` the tempo that danceability favours is 111
_CALIBRATION = Path(__file__).with_name("calibration.json")  # derived: python -m labkit data calibrate
_MEASURED = 300         # pieces of a genre from which the calibration is taken


@dataclass(frozen=True)
class Affect:
    """The three labels, each in [0, 1]."""

    valence: float       # sad to glad
    energy: float        # calm to intense
    danceability: float  # how well one can dance to it


@dataclass(frozen=True)
class Traits:
    """What of a piece decides its affect; all but the tempo in [0, 1]."""

    mode: float          # 0 dark to 1 bright; from styles.SCALES
    tempo: float         # beats a minute
    density: float       # different onsets a second; 0 = none, 1 = 12 or more
    loudness: float      # mean velocity of the notes
    register: float      # mean height of the notes above the bass; 0 = C3, 1 = C6
    articulation: float  # 0 = all notes bound, 1 = short notes
    regularity: float    # share of the beats that a stroke or a low note marks, times the steadiness of the pulse
    brightness: float    # from the mastering's slope, the recording's cut-off and the share of overdriven notes


# How strongly each trait moves each label, after a trait was brought to about unit spread over all genres (`_SPREAD`).
# `near` is how near the tempo lies to `_BEST_TEMPO`, `fast` the tempo itself.
_SPREAD = {"mode": 0.35, "fast": 0.3, "near": 0.3, "density": 0.2, "loudness": 0.15, "register": 0.15,
           "articulation": 0.2, "regularity": 0.3, "brightness": 0.15}
_WEIGHTS = {
    "valence": {"mode": 1.0, "fast": 0.4, "register": 0.4, "articulation": 0.4, "regularity": 0.8, "loudness": -0.2},
    "energy": {"loudness": 1.0, "fast": 0.7, "density": 0.7, "brightness": 0.6},
    "danceability": {"regularity": 1.4, "near": 0.5, "articulation": 0.4, "loudness": -0.6, "fast": -0.4},
}


def traits(piece: Piece) -> Traits:
    """Read off a piece what its affect depends on.

    Used in: notebooks/00b_one_change
    """
    from labkit.corpus.instruments import INSTRUMENTS

    production = dict(piece.production)
    starts = np.array([note.start for note in piece.notes])
    onsets = len(np.unique(np.round(starts / 0.03)))
    pulse = np.array([note.start for note in piece.notes if note.part in ("drums", "bass")])
    beats = np.array(piece.beats)
    marked = np.mean([np.any(np.abs(pulse - beat) < 0.05) for beat in beats]) if len(pulse) and len(beats) else 0.0
    drums = any(note.part == "drums" for note in piece.notes)
    steady = np.clip(1 - 8 * (piece.rubato + piece.drift) - 10 * piece.humanise, 0, 1)
    high = [note.pitch for note in piece.notes if note.part not in ("drums", "bass")]
    driven = [INSTRUMENTS[note.instrument].drive > 0 for note in piece.notes if note.instrument in INSTRUMENTS]
    brightness = (0.35 * np.log2(production["lowpass"] / 2500) / np.log2(11000 / 2500)
                  + 0.35 * (production["slope"] + 11) / 8 + 0.3 * (np.mean(driven) if driven else 0.0))

    sounding = max(piece.seconds - piece.silence, 0.1)

    def share(value: float) -> float:
        return float(np.clip(value, 0, 1))

    return Traits(
        mode=SCALES[piece.scale][1], tempo=piece.tempo, density=share(onsets / sounding / 12),
        loudness=float(np.mean([note.velocity for note in piece.notes])) if piece.notes else 0.0,
        register=share((np.mean(high) - 48) / 36) if high else 0.5, articulation=share(1 - piece.gate),
        regularity=share(marked * (1.0 if drums else 0.55) * steady), brightness=share(brightness),
    )


def expression(found: Traits) -> tuple[float, float, float]:
    """Valence, energy and danceability that the traits express, in no particular unit: sums with the weights above.

    Energy grows with loudness, density, tempo and brightness. Valence grows with the brightness of the mode, the tempo,
    the register, short notes and a regular beat, and falls slightly with loudness. Danceability grows with the
    regularity of the beat and with short notes, and falls with loudness and with tempo as such: in the published labels
    it has next to no correlation with energy. Of the tempo alone it is greatest at 111 beats a minute.
    """
    values = {item.name: getattr(found, item.name) for item in fields(Traits)}
    values["fast"] = float(np.clip(np.log2(found.tempo / 60) / np.log2(3), 0, 1))
    values["near"] = float(np.exp(-0.5 * (np.log2(found.tempo / _BEST_TEMPO) / 0.4) ** 2))
    return tuple(sum(weight * values[name] / _SPREAD[name] for name, weight in weights.items())
                 for weights in _WEIGHTS.values())


def affect_of(found: Traits, style: Style | str) -> Affect:
    """The affect of a piece of this genre with these traits, without the annotators' noise.

    What the traits express is compared with what pieces of the genre express on average, in units of their spread, and
    laid into the distribution of the genre's labels (a beta distribution with the mean and deviation of `Style.mood`,
    so that no label leaves [0, 1]).

    Raises ValueError when the genre is unknown.

    Used in: notebooks/00b_one_change
    """
    return _laid(_compared(found, style), style)


def affect(piece: Piece, style: Style | None = None) -> Affect:
    """The labels of a piece: as `affect_of`, with the annotators' noise drawn from the piece's seed.

    Parameters
    ----------
    piece : what `compose` returns.
    style : the style it was composed from, when that is not one of `STYLES`.

    Returns
    -------
    Affect with valence, energy and danceability in [0, 1].
    """
    style = style or find_style(piece.genre)
    noise = np.random.default_rng([piece.seed, zlib.crc32(b"annotators")]).normal(0, 1, 3)
    heard = np.sqrt(1 - ANNOTATOR_SHARE) * _compared(traits(piece), style) + np.sqrt(ANNOTATOR_SHARE) * noise
    return _laid(heard, style)


def noise_ceiling(pieces: Iterable[Piece]) -> Affect:
    """Spearman's correlation of the labels without and with the annotators' noise, for each of the three.

    A model that knew every parameter of the compositions would reach this score, and more by luck only.

    Used in: notebooks/08_emotion
    """
    from scipy.stats import spearmanr

    pairs = [(astuple(affect_of(traits(piece), piece.genre)), astuple(affect(piece))) for piece in pieces]
    clean, heard = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    return Affect(*(float(spearmanr(clean[:, axis], heard[:, axis]).statistic) for axis in range(3)))


def _compared(found: Traits, style: Style | str) -> np.ndarray:
    """What the traits express against the pieces of the genre, in standard deviations: (3,)."""
    style = find_style(style) if isinstance(style, str) else style
    mean, deviation = _calibration(style)
    return (np.array(expression(found)) - mean) / deviation


def _laid(place: np.ndarray, style: Style | str) -> Affect:
    """Places in standard deviations, (3,), laid into the distributions of the genre's labels."""
    from scipy.special import ndtr
    from scipy.stats import beta

    mood = (find_style(style) if isinstance(style, str) else style).mood
    values = []
    for at, (mean, deviation) in zip(place, (mood.valence, mood.energy, mood.danceability), strict=True):
        size = mean * (1 - mean) / deviation**2 - 1  # of the beta distribution with this mean and deviation
        values.append(float(beta.ppf(ndtr(at), mean * size, (1 - mean) * size)))
    return Affect(*values)


# --- calibration ----------------------------------------------------------------------------------------------------

@cache
def _calibration(style: Style) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of what pieces of this style express, (3,) each: from the table, or measured here."""
    # An own or a changed style is measured here: some seconds, once a process.
    row = _table()[style.name] if is_calibrated(style) else measure(style)
    return np.array(row["mean"]), np.array(row["deviation"])


def measure(style: Style) -> dict:
    """One row of the calibration: what 300 pieces of the style express, each of its own album."""
    found = np.array([expression(traits(compose(style, seed))) for seed in range(_MEASURED)])
    return {"style": _style_digest(style), "mean": found.mean(axis=0).round(4).tolist(),
            "deviation": np.maximum(found.std(axis=0), 1e-3).round(4).tolist()}


def calibrate(styles: Iterable[Style]) -> Path:
    """Write the calibration of these styles, as `python -m labkit data calibrate` does; returns the file."""
    rows = {style.name: measure(style) for style in styles}
    write_text(_CALIBRATION, json.dumps(rows, indent=1) + "\n")
    return _CALIBRATION


def is_calibrated(style: Style) -> bool:
    """Whether the committed calibration was measured on this style as it is."""
    return _table().get(style.name, {}).get("style") == _style_digest(style)


def _table() -> dict[str, dict]:
    return json.loads(_CALIBRATION.read_text(encoding="utf-8")) if _CALIBRATION.is_file() else {}


@cache
def _code() -> str:
    return code_digest([Path(__file__), Path(__file__).with_name("score.py")])


def _style_digest(style: Style) -> str:
    """Of all that a calibration depends on: the style, how it is composed, and the rule above."""
    return hashlib.sha256(f"{replace(style, listen='')!r}\n{_code()}".encode()).hexdigest()[:12]
