"""The drums: short functions that turn one stroke into sound. Frequency and length are ignored; a drum has its own.

What a function draws from `rng` is the make of the drum: its tuning, its skins, how it is damped. It is the same for
all strokes of an album. What differs from stroke to stroke comes from `_hand(rng)`. Drum machines have no hand: their
strokes are alike to the sample. Drumheads are sums of fading tones at the ratios of a circular skin, cymbals are noise
with a spectrum as rough as theirs; both after Fletcher and Rossing (1998), The Physics of Musical Instruments. A hard
stroke is brighter than a soft one.
"""

from dataclasses import dataclass
from functools import wraps

import numpy as np
import scipy

from labkit.corpus.dsp import Instrument, fade, levelled, partials, time
from labkit.profiles import SAMPLE_RATE

_SKIN = (1.0, 1.59, 2.14, 2.30, 2.65)      # modes of a circular skin against the lowest
_KETTLE = (1.0, 1.5, 1.98, 2.44, 2.9)      # of a timpano: the air inside pulls them towards a harmonic row
_TABLA = (1.0, 2.0, 3.0, 4.0, 5.0)         # of a skin with a loaded middle (Raman 1934)
_HUMAN = 3                                 # takes of a stroke by hand; odd, so that bars differ


@dataclass(frozen=True)
class Drum(Instrument):
    """An instrument of which each stroke exists in `takes` versions, and which a stroke of `ended_by` damps."""

    takes: int = _HUMAN
    ended_by: tuple[str, ...] = ()


DRUMS: dict[str, Drum] = {}


def _drum(name: str, level: float, takes: int = _HUMAN, ended_by: tuple[str, ...] = ()):
    """Enter a drum into DRUMS; `level` dB against the bass drum, by the loudest 50 ms of an equally hard stroke."""
    def register(play):
        @wraps(play)
        def stroke(frequency, seconds, velocity, rng):
            return levelled(play(frequency, seconds, velocity, rng), 0.2 * 10 ** (level / 20))
        DRUMS[name] = Drum(stroke, takes=takes, ended_by=ended_by)
        return stroke
    return register


# --- building blocks ------------------------------------------------------------------------------------------------

def _hand(rng: np.random.Generator) -> np.random.Generator:
    """Random numbers of this stroke; the renderer gives each take another hand with the same make."""
    return rng.spawn(1)[0]


def _noise(seconds: float, low: float, high: float, hand: np.random.Generator, colour: np.ndarray | None = None,
           slope: int = 2) -> np.ndarray:
    """Noise between `low` and `high` Hz, made in the frequency domain; unit level. `slope`: 6 dB an octave each.

    `colour` (m,): dB over the octaves from 200 Hz to 11 kHz, the roughness of a cymbal's spectrum.
    """
    count = len(time(seconds))
    size = scipy.fft.next_fast_len(count, real=True)
    frequency = np.maximum(np.arange(size // 2 + 1) * SAMPLE_RATE / size, 1.0)
    gain = 1 / np.sqrt((1 + (low / frequency) ** (2 * slope)) * (1 + (frequency / high) ** (2 * slope)))
    if colour is not None:
        gain *= 10 ** (np.interp(np.log2(frequency / 200), np.linspace(0, 5.78, len(colour)), colour) / 20)
    bins = hand.standard_normal(2 * len(gain)).view(complex) * (gain * size / (2 * np.sqrt(np.sum(gain ** 2))))
    return scipy.fft.irfft(bins, size)[:count]


def _skin(seconds: float, tuning: float, ratios: tuple[float, ...], strengths: tuple[float, ...], ring: float,
          bend: float, hand: np.random.Generator) -> np.ndarray:
    """A drumhead: tones at `ratios` of `tuning` Hz, the lowest falling by 60 dB in `ring` s, higher ones sooner.

    A struck skin is stretched: the pitch begins `bend` (a share) higher and settles within some 40 ms.
    """
    at = time(seconds)
    stretched = at + bend * 0.04 * (1 - np.exp(-at / 0.04))
    sound = np.zeros(len(at))
    for ratio, strength in zip(ratios, strengths, strict=False):
        fall = np.exp(-6.9 * at * ratio ** 0.7 / ring)
        place = hand.uniform(0.75, 1.25)  # no stroke falls on the same place
        sound += strength * place * fall * np.sin(2 * np.pi * tuning * ratio * stretched)
    return sound


def _sweep(seconds: float, low: float, high: float, fall: float, ring: float) -> np.ndarray:
    """A sine that bends from `high` to `low` Hz with time constant `fall`, and fades by 60 dB in `ring` seconds."""
    at = time(seconds)
    phase = low * at + (high - low) * fall * (1 - np.exp(-at / fall))
    return np.sin(2 * np.pi * phase) * np.exp(-6.9 * at / ring)


def _fading(sound: np.ndarray, ring: float) -> np.ndarray:
    """The sound as it falls by 60 dB in `ring` seconds."""
    return sound * np.exp(-6.9 / ring * np.arange(len(sound)) / SAMPLE_RATE)


def _joined(first: np.ndarray, *others: np.ndarray, attack: float = 0.0005) -> np.ndarray:
    """Sum of sounds that begin together, no longer than the first, with clean ends."""
    for other in others:
        first[:len(other)] += other[:len(first)]
    return fade(first, attack, 0.02)


# --- bass drums -----------------------------------------------------------------------------------------------------

@_drum("house kick", 0, takes=1)
def house_kick(frequency, seconds, velocity, rng):
    """Bass drum of a machine: a bar that bends from 250 down to 50 Hz within a tenth of a second, a click on top."""
    low, high, ring = rng.uniform(42, 56), rng.uniform(180, 320), rng.uniform(0.3, 0.6)
    body = np.tanh(1.8 * _sweep(0.4, low, high, 0.03, ring))
    return _joined(body, _fading(_noise(0.01, 1500, 8000, rng), 0.01) * 0.3 * velocity)


@_drum("rock kick", 0)
def rock_kick(frequency, seconds, velocity, rng):
    """Damped bass drum: a short low bar, a puff at 300 Hz, a click of the beater around 3 kHz when struck hard."""
    hand, tuning, ring, click = _hand(rng), rng.uniform(52, 70), rng.uniform(0.16, 0.3), rng.uniform(0.1, 0.3)
    beater = _fading(_noise(0.03, 1800, 4500, hand), 0.03) * click * velocity
    puff = _fading(_noise(0.08, 100, 500, hand), 0.08) * 0.25
    return _joined(_skin(0.3, tuning, _SKIN, (1.0, 0.35, 0.15), ring, 0.8, hand), beater, puff)


@_drum("metal kick", 0)
def metal_kick(frequency, seconds, velocity, rng):
    """Bass drum of a metal band: a hard click at 3 to 7 kHz before a very short thump, so that fast rows stay apart."""
    hand, tuning, edge = _hand(rng), rng.uniform(55, 75), rng.uniform(2800, 4500)
    click = _fading(_noise(0.02, edge, 2 * edge, hand), 0.018) * (0.5 + 0.6 * velocity)
    return _joined(_skin(0.18, tuning, _SKIN, (1.0, 0.4, 0.3), 0.16, 1.2, hand), click)


@_drum("jazz kick", -4)
def jazz_kick(frequency, seconds, velocity, rng):
    """Small undamped bass drum, struck with felt: a soft round tone near 85 Hz that rings on, no click."""
    hand, tuning = _hand(rng), rng.uniform(70, 98)
    felt = _fading(_noise(0.05, 60, 500 + 500 * velocity, hand), 0.05) * 0.2
    return _joined(_skin(0.45, tuning, _SKIN, (1.0, 0.5, 0.3, 0.15), rng.uniform(0.4, 0.7), 0.2, hand), felt,
                   attack=0.003)


@_drum("boom kick", 1, takes=1)
def boom_kick(frequency, seconds, velocity, rng):
    """Bass drum of the 808: one thick line near 45 Hz that hums for a second after a short bend from above."""
    low, ring, press = rng.uniform(38, 52), rng.uniform(0.8, 1.8), rng.uniform(1.0, 2.5)
    click = 0.1 * velocity * _noise(0.004, 1000, 6000, rng)
    return _joined(np.tanh(press * _sweep(1.2, low, 3.5 * low, 0.018, ring)), click)


@_drum("stomp", -1)
def stomp(frequency, seconds, velocity, rng):
    """Foot on a wooden floor: a dull thump below 250 Hz, each a little different."""
    hand, tuning = _hand(rng), rng.uniform(60, 90)
    boards = _fading(_noise(0.15, 60, 180 + 250 * velocity, hand), 0.12)
    return _joined(_skin(0.2, tuning, (1.0, 2.3, 3.7), (0.8, 0.3, 0.15), 0.18, 0.1, hand), 0.6 * boards)


# --- toms and kettles -----------------------------------------------------------------------------------------------

def _tom(tuning, ring, velocity, rng):
    hand = _hand(rng)
    stick = _fading(_noise(0.03, 800, 3500, hand), 0.03) * 0.25 * velocity
    return _joined(_skin(min(1.2 * ring, 0.8), tuning, _SKIN, (1.0, 0.5, 0.3, 0.2), ring, 0.35, hand), stick)


@_drum("tom", -1)
def tom(frequency, seconds, velocity, rng):
    """High tom: a tuned thump near 140 Hz that sinks in pitch, with short lines of the skin above it."""
    return _tom(rng.uniform(115, 170), rng.uniform(0.3, 0.6), velocity, rng)


@_drum("floor tom", 0)
def floor_tom(frequency, seconds, velocity, rng):
    """Floor tom: the same an octave lower and longer."""
    return _tom(rng.uniform(68, 95), rng.uniform(0.4, 0.8), velocity, rng)


@_drum("timpani", 0)
def timpani(frequency, seconds, velocity, rng):
    """Kettledrum: a soft stroke, then four lines at about 2 : 3 : 4 : 5 that hum for more than a second."""
    hand, tuning = _hand(rng), rng.uniform(80, 130)
    felt = _fading(_noise(0.06, 50, 300 + 500 * velocity, hand), 0.06) * 0.3
    return _joined(_skin(1.6, tuning, _KETTLE, (1.0, 0.7, 0.5, 0.35 * velocity, 0.3 * velocity), 2.2, 0.02, hand), felt,
                   attack=0.004)


# --- snares, claps, clicks ------------------------------------------------------------------------------------------

@_drum("snare", -2)
def snare(frequency, seconds, velocity, rng):
    """Snare drum: a broad vertical bar up to the top, with two short lines of the skin near 200 and 330 Hz."""
    hand, tuning, skin, buzz = _hand(rng), rng.uniform(165, 235), rng.uniform(0.1, 0.2), rng.uniform(0.12, 0.28)
    wires = _fading(_noise(0.3, rng.uniform(700, 1500), 4000 + 5000 * velocity, hand), buzz)
    stick = _fading(_noise(0.01, 2000, 7000, hand), 0.012) * velocity
    return _joined(0.55 * wires, 0.7 * _skin(0.25, tuning, _SKIN, (1.0, 0.7, 0.4), skin, 0.15, hand), 0.4 * stick)


@_drum("brush snare", -10)
def brush_snare(frequency, seconds, velocity, rng):
    """Brushes on the snare drum: a soft cloud from 1 to 8 kHz that swells and fades, without a hard edge."""
    hand, sweep = _hand(rng), rng.uniform(0.02, 0.06) * (1.2 - velocity)
    wires = _fading(_noise(0.28, 900, 5000 + 3000 * velocity, hand), rng.uniform(0.2, 0.35))
    return _joined(0.5 * wires, 0.12 * _skin(0.1, 190, _SKIN, (1.0, 0.5), 0.1, 0.1, hand), attack=sweep)


@_drum("electronic snare", -2, takes=1)
def electronic_snare(frequency, seconds, velocity, rng):
    """Snare of a machine: two sines that bend down a little and white noise, always the same."""
    tuning, ring, snappy = rng.uniform(170, 210), rng.uniform(0.12, 0.3), rng.uniform(0.3, 0.6)
    noise = _fading(_noise(0.3, 1200, 10_500, rng), ring)
    return _joined(snappy * noise, 0.7 * _sweep(0.2, tuning, 1.4 * tuning, 0.01, 0.12),
                   0.4 * _sweep(0.2, 1.8 * tuning, 2.2 * tuning, 0.01, 0.08))


@_drum("rim click", -9)
def rim_click(frequency, seconds, velocity, rng):
    """Stick across the rim: a dry click with three lines between 400 and 2500 Hz, over in 30 ms."""
    hand, tuning = _hand(rng), rng.uniform(380, 520)
    stick = _fading(_noise(0.02, 1500, 6000, hand), 0.015) * 0.5 * velocity
    return _joined(_skin(0.08, tuning, (1.0, 2.6, 4.1, 5.6), (0.5, 0.7, 0.5, 0.3), 0.09, 0.0, hand), stick)


@_drum("clap", -4)
def clap(frequency, seconds, velocity, rng):
    """Hand claps: three or four narrow bars close together between 800 and 4500 Hz, then a short tail."""
    hand, at = _hand(rng), time(0.25)
    envelope = 0.5 * np.exp(-at / rng.uniform(0.03, 0.07))
    for start in (0.0, *(rng.uniform(0.008, 0.026, 3) + hand.uniform(0, 0.002, 3))):
        envelope += (at >= start) * np.exp(-np.maximum(0, at - start) / 0.004)
    return fade(_noise(0.25, 900, 3000 + 1500 * velocity, hand) * envelope, 0.0005, 0.03)


@_drum("snap", -8)
def snap(frequency, seconds, velocity, rng):
    """Finger snap: one crack around 2 kHz, almost a line of its own."""
    hand, centre = _hand(rng), rng.uniform(1600, 2600)
    return fade(_fading(_noise(0.12, 0.85 * centre, 1.2 * centre, hand, slope=4), 0.07), 0.0005, 0.02)


# --- cymbals --------------------------------------------------------------------------------------------------------

def _colour(rng: np.random.Generator) -> np.ndarray:
    """The roughness of one cymbal's spectrum in dB: many close modes, no two cymbals alike."""
    return rng.normal(0, 5, 60)


def _hat(seconds, ring, edge, velocity, rng):
    hand, colour = _hand(rng), _colour(rng)
    sizzle = _noise(seconds, edge * (1.15 - 0.3 * velocity), 10_500, hand, colour, 3)
    sizzle = _fading(sizzle, ring * hand.uniform(0.9, 1.1))
    stick = _fading(_noise(0.015, 1500, 7000, hand), 0.012) * 0.3 * velocity
    return _joined(sizzle, stick)


@_drum("closed hat", -16, takes=5)
def closed_hat(frequency, seconds, velocity, rng):
    """Closed hi-hat: a thin bar above 5 kHz."""
    ring, edge = rng.uniform(0.06, 0.14), rng.uniform(4500, 7000)
    return _hat(0.13, ring * (0.6 + 0.6 * velocity), edge, velocity, rng)


@_drum("open hat", -13, ended_by=("closed hat", "foot hat"))
def open_hat(frequency, seconds, velocity, rng):
    """Open hi-hat: a wedge above 4 kHz that lasts until the pedal closes it."""
    ring, edge = rng.uniform(0.5, 1.0), rng.uniform(3800, 6000)
    return _hat(0.7, ring, edge, velocity, rng)


@_drum("foot hat", -20)
def foot_hat(frequency, seconds, velocity, rng):
    """Hi-hat closed with the foot: a soft thin bar, lower than the stick's, with a rounded onset."""
    hand, colour = _hand(rng), _colour(rng)
    return fade(_fading(_noise(0.1, 2800, 8000, hand, colour), 0.09), 0.006, 0.02)


@_drum("ride", -17)
def ride(frequency, seconds, velocity, rng):
    """Ride cymbal: a clear ping between 2.5 and 6 kHz over a long faint wash."""
    hand, colour = _hand(rng), _colour(rng)
    pings, strengths = rng.uniform(2500, 6000, 5), rng.uniform(0.1, 0.25, 5)
    wash = _fading(_noise(1.4, 2500, 10_000, hand, colour), 2.2)
    ping = partials(pings, strengths * hand.uniform(0.7, 1.3, 5), 0.7, 0.6)
    stick = _fading(_noise(0.02, 3000, 9000, hand), 0.02)
    return _joined(0.35 * wash, velocity * ping, velocity * stick)


@_drum("crash", -6)
def crash(frequency, seconds, velocity, rng):
    """Crash cymbal: a cloud from 700 Hz up that opens within 20 ms; its top fades first."""
    hand, colour = _hand(rng), _colour(rng)
    body = _fading(_noise(1.9, 700, 4000, hand, colour), rng.uniform(2.0, 3.0))
    sizzle = _fading(_noise(1.9, 3500, 10_500, hand, colour), rng.uniform(1.2, 1.8))
    return fade(0.6 * body + sizzle * (0.5 + velocity), 0.008, 0.3)


# --- hand percussion ------------------------------------------------------------------------------------------------

@_drum("shaker", -17, takes=5)
def shaker(frequency, seconds, velocity, rng):
    """Shaker: soft puffs above 4 kHz that swell before they stop."""
    hand, edge = _hand(rng), rng.uniform(3500, 5500)
    return fade(_noise(0.1 * hand.uniform(0.85, 1.15), edge, 9500, hand), 0.045 * (1.3 - 0.6 * velocity), 0.05)


@_drum("tambourine", -13)
def tambourine(frequency, seconds, velocity, rng):
    """Tambourine: a bar above 4 kHz and the jingles' lines, which ring for a fifth of a second."""
    hand, jingles = _hand(rng), rng.uniform(4200, 9500, 9)
    ringing = partials(jingles, hand.uniform(0.1, 0.3, 9), 0.3, 0.3)
    return _joined(ringing, _fading(_noise(0.15, 4500, 10_000, hand), 0.12) * (0.4 + 0.6 * velocity))


@_drum("cowbell", -10, takes=1)
def cowbell(frequency, seconds, velocity, rng):
    """Cowbell: two lines near 540 and 800 Hz with their odd multiples, a hard onset and a short tail."""
    tuning, ring = rng.uniform(500, 600), rng.uniform(0.25, 0.45)
    ratios = np.outer((1.0, 1.48), (1, 3, 5)).ravel()
    sound = partials(tuning * ratios, ratios ** (0.5 * velocity - 1.5), ring, 0.35)
    return fade(sound + 0.7 * _fading(sound, 0.07), 0.0005, 0.02)


@_drum("wood block", -9)
def wood_block(frequency, seconds, velocity, rng):
    """Wood block: a short hollow knock, one line near 1 kHz with two above it."""
    hand, tuning = _hand(rng), rng.uniform(750, 1300)
    stick = 0.2 * velocity * _fading(_noise(0.01, 2000, 7000, hand), 0.01)
    return _joined(0.6 * _skin(0.12, tuning, (1.0, 1.52, 2.6), (1.0, 0.4, 0.2), 0.11, 0.0, hand), stick)


@_drum("washboard", -12, takes=5)
def washboard(frequency, seconds, velocity, rng):
    """Washboard: thimbles over ribs, a row of ten tiny ticks between 1.5 and 8 kHz: a grainy patch."""
    hand, ribs = _hand(rng), rng.uniform(90, 150)  # ribs a second
    length = 0.09 * hand.uniform(0.8, 1.2)
    ticks = np.exp(-((time(length) * ribs + hand.random()) % 1.0) * 4)
    return fade(_noise(length, 1800, 4500 + 3500 * velocity, hand) * ticks, 0.02, 0.04)


def _by_hand(tuning, ratios, strengths, ring, bend, slap, velocity, rng):
    hand = _hand(rng)
    palm = _fading(_noise(0.04, 900, 5000, hand), 0.04) * slap * velocity ** 2
    return _joined(0.8 * _skin(min(ring, 0.8), tuning, ratios, strengths, ring, bend, hand), palm)


@_drum("high conga", -5)
def high_conga(frequency, seconds, velocity, rng):
    """High conga: a tone near 350 Hz, a slap above 1 kHz when struck hard."""
    return _by_hand(rng.uniform(310, 400), _SKIN, (1.0, 0.45, 0.25), rng.uniform(0.2, 0.35), 0.05, 0.6, velocity, rng)


@_drum("low conga", -4)
def low_conga(frequency, seconds, velocity, rng):
    """Low conga: the same near 210 Hz, longer."""
    return _by_hand(rng.uniform(180, 240), _SKIN, (1.0, 0.45, 0.25), rng.uniform(0.3, 0.5), 0.05, 0.4, velocity, rng)


@_drum("high tabla", -4)
def high_tabla(frequency, seconds, velocity, rng):
    """Right drum of the tabla: clear lines at 1 : 2 : 3 : 4 of some 290 Hz, which ring like a plucked string."""
    strengths = (0.6, 1.0, 0.6, 0.35, 0.2)
    return _by_hand(rng.uniform(250, 340), _TABLA, strengths, rng.uniform(0.4, 0.8), 0.0, 0.4, velocity, rng)


@_drum("low tabla", -2)
def low_tabla(frequency, seconds, velocity, rng):
    """Left drum of the tabla: a low tone that the heel of the hand bends upwards."""
    return _by_hand(rng.uniform(85, 120), _SKIN, (1.0, 0.4, 0.2), rng.uniform(0.5, 0.8), -0.35, 0.2, velocity, rng)


@_drum("djembe", -2)
def djembe(frequency, seconds, velocity, rng):
    """Djembe: soft strokes are a boom near 75 Hz, hard ones a ringing crack between 300 and 3000 Hz."""
    tuning = rng.uniform(70, 85)
    strengths = (1.2 - velocity, 0.1 + 0.7 * velocity, 0.5 * velocity, 0.4 * velocity)
    return _by_hand(tuning, (1.0, 4.6, 7.1, 9.5), strengths, 0.4, 0.1, 0.9, velocity, rng)


# --- the games console ----------------------------------------------------------------------------------------------

def _shift_register(seconds, ring, hold, rng):
    """Noise of two levels, each held for `hold` samples; the volume falls in sixteen steps."""
    at = time(seconds)
    steps = np.repeat(rng.choice([-1.0, 1.0], len(at) // hold + 1), hold)[:len(at)]
    return fade(steps * np.round(15 * np.exp(-6.9 * at / ring)) / 15, 0.0005, 0.003)


@_drum("chip kick", 0, takes=1)
def chip_kick(frequency, seconds, velocity, rng):
    """Console bass drum: the triangle of 16 levels swept down within a tenth of a second."""
    at, fall = time(0.16), rng.uniform(0.02, 0.04)
    phase = (45 * at + rng.uniform(180, 320) * fall * (1 - np.exp(-at / fall))) % 1.0
    return fade(np.round(7.5 * (4 * np.abs(phase - 0.5) - 1)) / 7.5, 0.0005, 0.03)


@_drum("chip snare", -4, takes=1)
def chip_snare(frequency, seconds, velocity, rng):
    """Console snare: two-level noise over all bands, with hard edges in time."""
    return _shift_register(0.17, rng.uniform(0.2, 0.4), int(rng.integers(1, 4)), rng)


@_drum("chip hat", -13, takes=1)
def chip_hat(frequency, seconds, velocity, rng):
    """Console hi-hat: a very short burst of two-level noise."""
    return _shift_register(0.05, 0.08, 1, rng)
