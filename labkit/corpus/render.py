"""From a score to sound: play the notes, mix the parts, and treat the mix as a record producer would."""

import zlib

import numpy as np
import scipy

from labkit.corpus.instruments import INSTRUMENTS
from labkit.corpus.score import Piece
from labkit.profiles import SAMPLE_RATE

_VELOCITIES = 4    # timbres of one note, from soft to hard; the level itself is continuous
_DURATIONS = 0.05  # seconds; lengths of notes are rounded up to it, so that repeated notes are made once
_CEILING = 0.98


def render(piece: Piece) -> np.ndarray:
    """Play a piece.

    Parameters
    ----------
    piece : what `compose` returns.

    Returns
    -------
    (n,) float32 at 22 050 Hz, mono, |x| <= 1, n == round(piece.seconds * 22050). The same piece gives the same
    samples.
    """
    length = max(1, round(piece.seconds * SAMPLE_RATE))
    levels, production = dict(piece.levels), dict(piece.production)
    mix = np.zeros(length)
    for (role, drive), bus in sorted(_play(piece, length).items()):
        loud = _loudness(bus)
        if loud == 0:
            continue
        bus /= loud
        if drive:
            bus = _amplifier(bus, drive)
        accent = 6 * (piece.dynamics - 0.6) if role == "drums" else 0.0  # harder playing brings the drums forward
        mix += bus * 10 ** ((levels[role] + accent) / 20)
    rng = np.random.default_rng([piece.seed, zlib.crc32(b"render")])
    mix = _produce(mix, production, int(piece.silence * SAMPLE_RATE), rng, piece.album)
    return _to_level(mix, piece.gain_db).astype(np.float32)


def _play(piece: Piece, length: int) -> dict[tuple[str, float], np.ndarray]:
    """Every part on its own track, keyed by role and drive; each different note is synthesised once."""
    made: dict[tuple, np.ndarray] = {}
    buses: dict[tuple[str, float], np.ndarray] = {}
    for note in piece.notes:
        instrument = INSTRUMENTS[note.instrument]
        touch = min(_VELOCITIES, 1 + int(note.velocity * _VELOCITIES))
        lasting = int(np.ceil(note.duration / _DURATIONS))
        key = (note.instrument, note.pitch, touch, lasting)
        if key not in made:
            rng = np.random.default_rng([piece.album, zlib.crc32(note.instrument.encode())])
            frequency = 440.0 * 2 ** ((note.pitch - 69) / 12)
            made[key] = instrument.play(frequency, lasting * _DURATIONS, touch / _VELOCITIES, rng)
        bus = buses.setdefault((note.part, instrument.drive), np.zeros(length))
        start = int(note.start * SAMPLE_RATE)
        wave = made[key][:length - start]
        bus[start:start + len(wave)] += note.velocity * wave
    return buses


def _loudness(track: np.ndarray) -> float:
    """Root mean square of the louder blocks of 50 ms, so that rests do not count."""
    block = SAMPLE_RATE // 20
    padded = np.pad(track, (0, -len(track) % block)).reshape(-1, block)
    power = np.mean(padded ** 2, axis=1)
    return float(np.sqrt(np.mean(power[power >= 0.1 * power.max()]))) if power.max() > 0 else 0.0


def _amplifier(track: np.ndarray, drive: float) -> np.ndarray:
    """Valve amplifier and loudspeaker: tanh on the sum of the strings, then a band from 90 to 4200 Hz."""
    speaker = np.vstack([scipy.signal.butter(1, 90, "highpass", fs=SAMPLE_RATE, output="sos"),
                         scipy.signal.butter(4, 4200, "lowpass", fs=SAMPLE_RATE, output="sos")])
    heard = scipy.signal.sosfilt(speaker, np.tanh(drive * track))
    return heard / max(_loudness(heard), 1e-9)


def _shape(production: dict[str, float]) -> np.ndarray:
    """Amplitude response of the whole mix at 513 frequencies from 0 to half the sample rate."""
    frequency = np.maximum(np.linspace(0, SAMPLE_RATE / 2, 513), 1.0)
    decibel = production["tilt"] * np.clip(np.log2(frequency / 1000), -4, 3.5)
    decibel += production["peak_db"] * np.exp(-0.5 * (np.log2(frequency / production["peak_hz"]) / 0.7) ** 2)
    gain = 10 ** (decibel / 20)
    return (gain / np.sqrt(1 + (frequency / production["lowpass"]) ** 8)
            / np.sqrt(1 + (production["highpass"] / frequency) ** 4))


def _equalise(mix: np.ndarray, production: dict[str, float]) -> np.ndarray:
    kernel = np.roll(np.fft.irfft(_shape(production)), 512) * np.hanning(1024)
    return scipy.signal.oaconvolve(mix, kernel)[512:512 + len(mix)]


def _produce(mix: np.ndarray, production: dict[str, float], silence: int, rng: np.random.Generator,
             album: int) -> np.ndarray:
    """Press, reverberate, wobble, colour, coarsen and add noise, in the order of a recording chain."""
    mix = mix / max(_loudness(mix), 1e-9)
    if production["drive"] > 0:
        mix = np.tanh(production["drive"] * mix) / production["drive"]
    if production["reverb_mix"] > 0.01:
        room = np.random.default_rng([album, zlib.crc32(b"room")])  # one room an album
        time = np.arange(round(production["reverb_seconds"] * SAMPLE_RATE)) / SAMPLE_RATE
        decay = room.standard_normal(len(time)) * 10 ** (-3 * time / production["reverb_seconds"])
        decay = scipy.signal.lfilter([0.35], [1, -0.65], decay)  # walls and air swallow high tones first
        wet = scipy.signal.oaconvolve(mix, decay / np.sqrt(np.sum(decay ** 2)))[:len(mix)]
        mix = mix * (1 - production["reverb_mix"]) + wet * production["reverb_mix"]
    if production["wow"] > 0:
        at = np.arange(len(mix)) / SAMPLE_RATE
        turn = 0.55 if rng.random() < 0.5 else 1.3  # turns a second of a record at 33 and at 78
        shift = production["wow"] / (2 * np.pi * turn) * np.sin(2 * np.pi * turn * at + rng.uniform(0, 2 * np.pi))
        mix = np.interp(at + shift, at, mix)
    mix /= max(_loudness(mix), 1e-9)
    if production["noise_db"] > -100:
        hiss = rng.standard_normal(len(mix)) * 10 ** (production["noise_db"] / 20)
        hiss[:silence] = 0  # the clip begins with digital silence
        mix += hiss
    if production["crackle"] > 0.5:
        count = rng.poisson(production["crackle"] * len(mix) / SAMPLE_RATE)
        mix[rng.integers(min(silence, len(mix) - 1), len(mix), count)] += rng.normal(0, 1.5, count)
    mix = _equalise(mix, production)
    mix /= max(_loudness(mix), 1e-9)
    if production["bits"] < 15.5:
        levels = 2 ** (production["bits"] - 1) / 4  # four times the loudness is full scale
        mix = np.round(mix * levels) / levels
    return mix


def _to_level(mix: np.ndarray, gain_db: float) -> np.ndarray:
    """Bring the clip to a root mean square of `gain_db`; peaks beyond 0.7 are bent so that none passes full scale."""
    mix = mix * 10 ** (gain_db / 20) / max(float(np.sqrt(np.mean(mix ** 2))), 1e-9)
    knee = 0.7
    over = np.abs(mix) > knee
    bent = knee + (_CEILING - knee) * np.tanh((np.abs(mix[over]) - knee) / (_CEILING - knee))
    mix[over] = np.sign(mix[over]) * bent
    return mix
