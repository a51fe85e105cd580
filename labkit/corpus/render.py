"""From a score to sound: play the notes, mix the parts, and treat the mix as a record producer would."""

import zlib
from bisect import bisect_right
from collections import defaultdict

import numpy as np

from labkit.corpus import effects
from labkit.corpus.drums import DRUMS
from labkit.corpus.dsp import Instrument
from labkit.corpus.instruments import INSTRUMENTS
from labkit.corpus.score import Note, Piece
from labkit.profiles import SAMPLE_RATE

_TOUCHES = 4       # timbres of one note, from soft to hard; the level itself is continuous
_DURATIONS = 0.05  # seconds; the lengths of notes are rounded to it, so that repeated notes are made once
_WIDE = ("chords", "pad", "answer")  # parts that a stereo mix places to both sides
_CHOKE = round(0.02 * SAMPLE_RATE)   # samples in which a damped cymbal falls silent


def render(piece: Piece) -> np.ndarray:
    """Play a piece.

    Parameters
    ----------
    piece : what `compose` returns.

    Returns
    -------
    (n,) float32 at 22 050 Hz, mono, |x| <= 0.98, n == round(piece.seconds * 22050), root mean square piece.gain_db; the
    first piece.silence seconds are exactly 0. The same piece gives the same samples.

    Raises
    ------
    ValueError : an instrument, effect or room that does not exist.
    """
    length = max(1, round(piece.seconds * SAMPLE_RATE))
    groups = _groups(piece, _play(piece, length), length)
    mix = _desk(piece, groups)
    rng = _dice("record", piece.seed)
    mix = _record(mix, dict(piece.production), rng)
    mix[:round(piece.silence * SAMPLE_RATE)] = 0
    return effects.set_level(mix, piece.gain_db).astype(np.float32)


def _dice(topic: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(topic.encode())])


def _find(table: dict, kind: str, name: str):
    if name not in table:
        raise ValueError(f"There is no {kind} {name!r}. Expected one of: {', '.join(table)}.")
    return table[name]


# --- playing --------------------------------------------------------------------------------------------------------

def _play(piece: Piece, length: int) -> dict[tuple[str, float], np.ndarray]:
    """Every part on its own track, keyed by part and drive; each different note is synthesised once."""
    made: dict[tuple, np.ndarray] = {}
    strokes: dict[str, int] = defaultdict(int)
    starts: dict[str, list[float]] = defaultdict(list)
    buses: dict[tuple[str, float], np.ndarray] = {}
    for note in piece.notes:
        starts[note.instrument].append(note.start)
    for note in piece.notes:
        drum = note.part == "drums"
        instrument = _find(*((DRUMS, "drum") if drum else (INSTRUMENTS, "instrument")), note.instrument)
        take = strokes[note.instrument] % getattr(instrument, "takes", 1)
        strokes[note.instrument] += 1
        touch = min(_TOUCHES, 1 + int(note.velocity * _TOUCHES))
        lasting = 1 if drum else max(1, round(note.duration / _DURATIONS))
        key = (note.instrument, note.pitch, touch, lasting, take)
        if key not in made:
            made[key] = _make(instrument, key, piece.album)
        if (note.part, instrument.drive) not in buses:
            buses[note.part, instrument.drive] = np.zeros(length)
        bus = buses[note.part, instrument.drive]
        start = int(note.start * SAMPLE_RATE)
        wave = made[key][:max(0, length - start)]
        for choke in getattr(instrument, "ended_by", ()):
            wave = _choked(wave, note, starts[choke])
        bus[start:start + len(wave)] += note.velocity * wave
    return buses


def _make(instrument: Instrument, key: tuple, album: int) -> np.ndarray:
    """One note. The album decides the make of the instrument; the take decides what differs from stroke to stroke.

    The take is the number of generators already spawned: it leaves what the generator itself draws as it is.
    """
    name, pitch, touch, lasting, take = key
    seed = np.random.SeedSequence([album, zlib.crc32(name.encode())], n_children_spawned=take)
    frequency = 440.0 * 2 ** ((pitch - 69) / 12)
    return instrument.play(frequency, lasting * _DURATIONS, touch / _TOUCHES, np.random.default_rng(seed))


def _choked(wave: np.ndarray, note: Note, starts: list[float]) -> np.ndarray:
    """The stroke as it ends when the next of `starts` (sorted, seconds) damps it."""
    following = bisect_right(starts, note.start + 0.03)  # a stroke at the same time does not damp
    if following == len(starts):
        return wave
    end = round((starts[following] - note.start) * SAMPLE_RATE)
    damped = wave[:end + _CHOKE].copy()
    damped[end:] *= np.linspace(1, 0, len(damped[end:]))
    return damped


# --- mixing ---------------------------------------------------------------------------------------------------------

def _groups(piece: Piece, buses: dict[tuple[str, float], np.ndarray], length: int) -> dict[str, np.ndarray]:
    """Amplifiers, pedals and levels of every track; the tracks of drums, bass and all others are summed."""
    levels, inserts = dict(piece.levels), dict(piece.effects)
    width = dict(piece.production)["width"]
    groups = {name: np.zeros(length) for name in ("drums", "bass", "players")}
    for (part, drive), bus in sorted(buses.items()):
        track = effects.unit(bus)
        if drive:
            track = effects.amplify(track, drive, _dice(f"{part} amplifier", piece.album))
        for name in inserts.get(part, ()):
            insert = _find(effects.INSERTS, "effect", name)
            track = effects.unit(insert(track, piece.tempo, _dice(f"{part} {name}", piece.album)))
        if part in _WIDE and width > 0:
            track = effects.widen(track, width, _dice(f"{part} side", piece.album).uniform(0.005, 0.025))
        accent = 6 * (piece.dynamics - 0.6) if part == "drums" else 0.0  # harder playing brings the drums forward
        track *= 10 ** ((levels.get(part, 0.0) + accent) / 20)
        groups[part if part in groups else "players"] += track
    return groups


def _desk(piece: Piece, groups: dict[str, np.ndarray]) -> np.ndarray:
    """Sum the groups, with what the bass drum pushes down, the room and the echoes; unit loudness."""
    production, knobs = dict(piece.production), _dice("echo", piece.album)
    if production["pump"] > 0:
        kicks = [(note.start, note.velocity) for note in piece.notes if note.instrument.endswith("kick")]
        for name in ("bass", "players"):
            groups[name] = effects.pump(groups[name], kicks, production["pump"], 48 / piece.tempo)
    mix = effects.unit(groups["drums"] + groups["bass"] + groups["players"])
    if production["reverb_mix"] > 0:
        mix = effects.reverberate(mix, production["room"], production["reverb_seconds"], production["reverb_mix"],
                                  _dice("room", piece.album))
    if production["echo_mix"] > 0:
        beats = knobs.choice([0.5, 0.75, 0.75, 1.0])
        echoes = effects.repeat(effects.unit(groups["players"]), beats * 60 / piece.tempo, knobs.uniform(0.3, 0.55))
        mix += production["echo_mix"] * echoes
    return effects.unit(mix)


def _record(mix: np.ndarray, production: dict, rng: np.random.Generator) -> np.ndarray:
    """Press, equalise, wobble, coarsen and add noise, in the order of a recording chain."""
    if production["compression"] > 0:
        mix = effects.compress(mix, production["compression"])
    if production["drive"] > 0:
        mix = effects.saturate(mix, production["drive"])
    mix = effects.master(mix, production)
    if production["wow"] > 0:
        mix = effects.wow(mix, production["wow"], rng)
    if production["bits"] < 15.5:
        mix = effects.coarsen(mix, production["bits"])
    mix = mix + effects.hiss(len(mix), production["noise_db"], rng)
    if production["crackle"] > 0:
        mix += effects.crackle(len(mix), production["crackle"], rng)
    return mix
