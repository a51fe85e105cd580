"""From the parameters of a composition to the labels of its mood.

Real datasets ask listeners. The composed corpus has none, so it states its rule: the directions are those that
listening
experiments agree on, the weights are ours, and a stated noise stands for the spread among annotators.

Sources of the directions: Russell (1980), A circumplex model of affect (valence and arousal as the two axes);
Gabrielsson and Lindström (2010), The role of structure in the musical expression of emotions (tempo, loudness, mode,
articulation); Eerola, Friberg and Bresin (2013), Emotional expression in music (their relative strength, and that they
add up); Witek et al. (2014), Syncopation, body-movement and pleasure in groove music (beat and wish to dance).
"""

import zlib
from dataclasses import dataclass

import numpy as np

from labkit.corpus.score import Piece
from labkit.corpus.styles import SCALES

ANNOTATOR_SD = 0.05  # standard deviation of the noise of each label
_BEST_TEMPO = 118.0  # beats a minute; dancers' preferred tempo lies around 120


@dataclass(frozen=True)
class Affect:
    """The three labels, each in [0, 1]."""

    valence: float       # sad to glad
    energy: float        # calm to intense
    danceability: float  # how well one can dance to it


@dataclass(frozen=True)
class Traits:
    """What of a piece decides its affect; all but the tempo in [0, 1]."""

    mode: float        # 0 dark (harmonic minor) to 1 bright (major); from styles.SCALES
    tempo: float       # beats a minute
    density: float     # different onsets a second; 0 = none, 1 = 12 or more
    loudness: float    # mean velocity of the notes
    regularity: float  # share of the beats that a stroke or a low note marks, times the steadiness of the pulse
    brightness: float  # from the cut-off of the recording, its tilt and its distortion


def traits(piece: Piece) -> Traits:
    """Read off a piece what its affect depends on."""
    production = dict(piece.production)
    starts = np.array([note.start for note in piece.notes])
    onsets = len(np.unique(np.round(starts / 0.03)))
    pulse = np.array([note.start for note in piece.notes if note.part in ("drums", "bass")])
    beats = np.array(piece.beats)
    marked = np.mean([np.any(np.abs(pulse - beat) < 0.05) for beat in beats]) if len(pulse) and len(beats) else 0.0
    drums = any(note.part == "drums" for note in piece.notes)
    steady = float(np.clip(1 - 8 * piece.rubato - 10 * piece.humanise, 0, 1))
    drive = max((14.0 if "distorted" in note.instrument else 0.0 for note in piece.notes), default=0.0)
    brightness = (0.55 * np.log2(production["lowpass"] / 2500) / np.log2(11000 / 2500) + 0.1 * production["tilt"]
                  + 0.25 * min(1, drive / 10) + 0.1 * min(1, production["drive"]) + 0.1)
    return Traits(
        mode=SCALES[piece.scale][1], tempo=piece.tempo, density=float(np.clip(onsets / piece.seconds / 12, 0, 1)),
        loudness=float(np.mean([note.velocity for note in piece.notes])) if piece.notes else 0.0,
        regularity=float(np.clip(marked * (1.0 if drums else 0.55) * steady, 0, 1)),
        brightness=float(np.clip(brightness, 0, 1)),
    )


def affect_of(found: Traits) -> Affect:
    """The affect of a piece with these traits, without the annotators' noise.

    Energy grows with tempo, density, loudness and brightness. Valence grows with the brightness of the mode and with
    the
    tempo, and falls slightly with loudness. Danceability grows with the regularity of the beat and with the density,
    and is greatest
    near 118 beats a minute.
    """
    fast = float(np.clip((found.tempo - 60) / 120, 0, 1))
    near = float(np.exp(-0.5 * (np.log2(found.tempo / _BEST_TEMPO) / 0.4) ** 2))
    energy = 0.02 + 0.30 * fast + 0.22 * found.density + 0.28 * found.loudness + 0.18 * found.brightness
    valence = 0.12 + 0.46 * found.mode + 0.28 * fast - 0.06 * found.loudness + 0.20 * found.density
    dance = 0.04 + 0.54 * found.regularity + 0.26 * near + 0.14 * found.density
    return Affect(*(float(np.clip(value, 0, 1)) for value in (valence, energy, dance)))


def affect(piece: Piece) -> Affect:
    """The labels of a piece: `affect_of(traits(piece))` plus the annotators' noise, drawn from the piece's seed.

    Parameters
    ----------
    piece : what `compose` returns.

    Returns
    -------
    Affect with valence, energy and danceability in [0, 1].
    """
    clean = affect_of(traits(piece))
    noise = np.random.default_rng([piece.seed, zlib.crc32(b"annotators")]).normal(0, ANNOTATOR_SD, 3)
    values = np.clip(np.array([clean.valence, clean.energy, clean.danceability]) + noise, 0, 1)
    return Affect(*(float(value) for value in values))
