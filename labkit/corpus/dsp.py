"""The building blocks of sound from which the instruments, drums and effects are made.

All sounds are float64 arrays (n,) at 22 050 Hz, mono. Curves that move slowly (pitch, brightness, loudness) are given
only every `CONTROL` samples (1.5 ms); `moments` gives the times of their points. The loops that numpy cannot write
without a Python loop are compiled by numba, once a machine; no fast mathematics, so the same arguments give the same
samples.

Sources: plucked strings after Karplus and Strong (1983), with the tuning, the pick position and the decays of Jaffe and
Smith (1983) and the body of the instrument in the excitation after Smith (1993); frequency modulation after Chowning
(1973); stiff strings after Fletcher and Rossing (1998); filters after Bristow-Johnson's cookbook (1994) and, where the
cutoff moves, the state-variable filter of Zavalishin (2012).
"""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numba import njit

from labkit.profiles import SAMPLE_RATE

CONTROL = 32         # samples between two points of a slow curve
TOP = 10_000.0       # Hz; no harmonic is made above, so that vibrato does not carry one across half the sample rate
_LANES = 32          # samples that `partials` makes side by side
_SPREAD = np.tile([-0.7, 1.0, 0.0, 1.0, -0.7, 0.0], (8, 1))  # all-passes that let the high frequencies go first
_SINE = np.sin(2 * np.pi * np.arange(4097) / 4096)

Play = Callable[[float, float, float, np.random.Generator], np.ndarray]
Peaks = Sequence[tuple[float, float, float]]  # resonances: centre Hz, width Hz, strength


@dataclass(frozen=True)
class Instrument:
    """A playing function, how hard the amplifier behind it is driven (0 = no amplifier), and how many versions of the
    same note the renderer asks for before it repeats one."""

    play: Play
    drive: float = 0.0
    takes: int = 1


def registrar(instruments: dict[str, Instrument]) -> Callable:
    """Give a decorator `@register(name, drive=0.0, takes=1)` that enters a playing function into `instruments`."""
    def register(name: str, drive: float = 0.0, takes: int = 1) -> Callable[[Play], Play]:
        def enter(play: Play) -> Play:
            instruments[name] = Instrument(play, drive, takes)
            return play
        return enter
    return register


# --- time, envelopes, chance ----------------------------------------------------------------------------------------

def samples(seconds: float) -> int:
    """Number of samples in `seconds`, at least 2."""
    return max(2, round(seconds * SAMPLE_RATE))


def time(seconds: float) -> np.ndarray:
    """Times of all samples, in seconds: (n,)."""
    return np.arange(samples(seconds)) / SAMPLE_RATE


def moments(seconds: float) -> np.ndarray:
    """Times of the points of a slow curve, in seconds: one every `CONTROL` samples, the last at or beyond the end."""
    return np.arange(-(-samples(seconds) // CONTROL) + 1) * (CONTROL / SAMPLE_RATE)


def fade(sound: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Fade in over `attack` and out over `release` seconds, in place, so that no note begins or ends with a click."""
    rise = min(len(sound) // 2, max(1, round(attack * SAMPLE_RATE)))
    fall = min(len(sound) // 2, max(1, round(release * SAMPLE_RATE)))
    sound[:rise] *= np.arange(rise) / rise
    sound[-fall:] *= (np.arange(fall - 1, -1, -1) / fall) ** 2
    return sound


def levelled(sound: np.ndarray, level: float = 0.2) -> np.ndarray:
    """Scale so that the loudest 50 ms have a root mean square of `level`: notes of all lengths and pitches match."""
    block = min(len(sound), SAMPLE_RATE // 20)
    power = np.square(sound[:len(sound) // block * block]).reshape(-1, block).mean(axis=1).max()
    return sound * (level / np.sqrt(power)) if power > 0 else sound


@njit(cache=True)
def _shaped(sound, level):
    out = np.empty(len(sound))
    for n in range(len(sound)):
        point, part = n // CONTROL, (n % CONTROL) / CONTROL
        out[n] = sound[n] * (level[point] + part * (level[point + 1] - level[point]))
    return out


def shaped(sound: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Multiply a sound (n,) by a slow curve, given at its `moments`."""
    return _shaped(sound, level)


def noise(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """White noise of unit variance: (n,). Evenly distributed, which is drawn faster and sounds the same."""
    return (2 * rng.random(samples(seconds)) - 1) * np.sqrt(3)


def wander(seconds: float, rng: np.random.Generator, speed: float = 4.0) -> np.ndarray:
    """A slow random curve about 0, deviation about 1, for the unsteadiness of players; `speed` in changes a second."""
    at = moments(seconds) * speed + rng.random()
    index = at.astype(int)
    part = at - index
    points = rng.standard_normal(index[-1] + 2)
    return points[index] + part * part * (3 - 2 * part) * (points[index + 1] - points[index])


# --- filters --------------------------------------------------------------------------------------------------------

def _sections(kind: str, cutoff: float, order: int) -> list[list[float]]:
    angle = 2 * math.pi * min(max(cutoff, 20.0), 10_900.0) / SAMPLE_RATE
    sign = 1.0 if kind == "lowpass" else -1.0
    edge = 1 - sign * math.cos(angle)
    sections = []
    for pair in range(order // 2):
        alpha = math.sin(angle) * math.sin((2 * pair + 1) * math.pi / (2 * order))
        sections.append([edge / 2, sign * edge, edge / 2, 1 + alpha, -2 * math.cos(angle), 1 - alpha])
    if order % 2:
        warped = math.tan(angle / 2)
        gain = warped if kind == "lowpass" else 1.0
        sections.append([gain, sign * gain, 0.0, 1 + warped, warped - 1, 0.0])
    return sections


def filtered(sound: np.ndarray, kind: str, cutoff: float | tuple[float, float], order: int = 2) -> np.ndarray:
    """Butterworth filter: "lowpass" or "highpass" with one cutoff in Hz, "bandpass" with two.

    The band pass is a high pass followed by a low pass, each of `order`; so a narrow band loses level. Closed formulas
    (Bristow-Johnson) in place of `scipy.signal.butter`, which takes longer to design than a note takes to filter.

    Raises
    ------
    ValueError : for any other kind.
    """
    if kind == "bandpass":
        low, high = cutoff
        sections = _sections("highpass", low, order) + _sections("lowpass", high, order)
    elif kind in ("lowpass", "highpass"):
        sections = _sections(kind, cutoff, order)
    else:
        raise ValueError(f"kind: expected lowpass, highpass or bandpass, found {kind!r}; give one of the three.")
    coefficients = np.array(sections)
    return scipy.signal.sosfilt(coefficients / coefficients[:, 3:4], sound)


def resonated(sound: np.ndarray, peaks: Peaks) -> np.ndarray:
    """Lift resonances (centre Hz, width Hz, gain dB) out of a sound, as the body of an instrument does."""
    sections = []
    for centre, width, decibel in peaks:
        angle = 2 * math.pi * centre / SAMPLE_RATE
        gain = 10 ** (decibel / 40)
        alpha = math.sin(angle) * width / (2 * centre)
        middle = -2 * math.cos(angle)
        sections.append([1 + alpha * gain, middle, 1 - alpha * gain, 1 + alpha / gain, middle, 1 - alpha / gain])
    coefficients = np.array(sections)
    return scipy.signal.sosfilt(coefficients / coefficients[:, 3:4], sound)


@njit(cache=True)
def _swept(sound, cutoff, damping, mix):
    out = np.empty(len(sound))
    first, second = 0.0, 0.0
    for n in range(len(sound)):
        point, part = n // CONTROL, (n % CONTROL) / CONTROL
        g = cutoff[point] + part * (cutoff[point + 1] - cutoff[point])
        band = (first + g * (sound[n] - second)) / (1 + g * (g + damping))
        low = second + g * band
        first, second = 2 * band - first, 2 * low - second
        out[n] = mix[0] * low + mix[1] * band + mix[2] * (sound[n] - damping * band - low)
    return out


def swept(sound: np.ndarray, cutoff: np.ndarray, resonance: float = 0.7, kind: str = "lowpass") -> np.ndarray:
    """State-variable filter of 12 dB an octave whose cutoff moves.

    Parameters
    ----------
    sound : (n,).
    cutoff : Hz at the `moments` of the sound.
    resonance : Q; 0.7 is flat, 10 whistles.
    kind : "lowpass", "bandpass" (0 dB at its centre) or "highpass".
    """
    g = np.tan(np.pi * np.clip(cutoff, 20, 10_000) / SAMPLE_RATE)
    mix = {"lowpass": (1.0, 0.0, 0.0), "bandpass": (0.0, 1 / resonance, 0.0), "highpass": (0.0, 0.0, 1.0)}[kind]
    return _swept(sound, g, 1 / resonance, mix)


# --- spectra --------------------------------------------------------------------------------------------------------

def harmonics(frequency: float, top: float = TOP) -> np.ndarray:
    """Numbers of the harmonics below `top` Hz, at least the first: (h,)."""
    return np.arange(1, max(2, int(top / frequency) + 1))


def formants(numbers: np.ndarray, frequency: float, peaks: Peaks, floor: float = 0.03) -> np.ndarray:
    """Gain of each harmonic under broad resonances (centre Hz, width Hz, strength); `floor` is left between them."""
    at = numbers * frequency
    return floor + sum(gain * np.exp(-0.5 * ((at - centre) / width) ** 2) for centre, width, gain in peaks)


# --- oscillators ----------------------------------------------------------------------------------------------------

@njit(cache=True)
def _oscillate(tables, increment, blend, level, start, count):
    size = tables.shape[1] - 1
    top_row, one = np.uint32(tables.shape[0] - 1), np.uint32(1)  # without a sign numba need not look for negatives
    sound = np.empty(count)
    place = (start - np.floor(start)) * size
    n = 0
    for point in range(len(increment) - 1):
        step, row, gain = increment[point] * size, blend[point], level[point]
        more_step = (increment[point + 1] * size - step) / CONTROL
        more_row = (blend[point + 1] - row) / CONTROL
        more_gain = (level[point + 1] - gain) / CONTROL
        for k in range(n, min(n + CONTROL, count)):
            index = np.uint32(place)
            part = place - index
            lower = min(np.uint32(row), top_row)
            value = tables[lower, index] + part * (tables[lower, index + one] - tables[lower, index])
            if lower < top_row:
                upper = tables[lower + one, index]
                upper += part * (tables[lower + one, index + one] - upper)
                value += (row - lower) * (upper - value)
            sound[k] = gain * value
            place += step
            if place >= size:
                place -= size
            step += more_step
            row = max(0.0, row + more_row)  # the sum of 32 steps may miss 0 by a rounding
            gain += more_gain
        n += CONTROL
    return sound


def _points(curve: np.ndarray | float, seconds: float) -> np.ndarray:
    """A slow curve as it is, or a number as a curve that stays."""
    return np.ascontiguousarray(curve, float) if np.ndim(curve) else np.full(len(moments(seconds)), float(curve))


def tone(frequency: float, seconds: float, spectra: np.ndarray, shift: np.ndarray | float = 1.0,
         blend: np.ndarray | float = 0.0, level: np.ndarray | float = 1.0, start: float = 0.0) -> np.ndarray:
    """A harmonic tone whose pitch, spectrum and level move: a stack of wavetables, read with interpolation.

    Parameters
    ----------
    frequency : Hz.
    seconds : length.
    spectra : (h,) or (m, h) strengths of the harmonics 1 to h; those that pass `TOP` are left out.
    shift : factor on the frequency, at the `moments`.
    blend : which spectrum is heard, 0 to m - 1, at the `moments`; 1.5 is halfway between the second and third.
    level : loudness at the `moments`.
    start : phase at the start, in periods.

    Returns
    -------
    (n,) sound.
    """
    spectra = np.atleast_2d(spectra)
    shift = _points(shift, seconds)
    heard = max(1, min(spectra.shape[1], int(1.05 * TOP / (frequency * shift.max()))))
    size = 512
    while size < min(16 * heard, 4096):
        size *= 2
    transform = np.zeros((len(spectra), size // 2 + 1), complex)
    transform[:, 1:heard + 1] = -0.5j * size * spectra[:, :heard]
    tables = np.empty((len(spectra), size + 1))
    tables[:, :-1] = np.fft.irfft(transform)
    tables[:, -1] = tables[:, 0]
    blend = np.clip(_points(blend, seconds), 0, len(spectra) - 1)
    return _oscillate(tables, frequency / SAMPLE_RATE * shift, blend, _points(level, seconds), start, samples(seconds))


def vibrato(seconds: float, depth: float, rate: float, delay: float = 0.15, grow: float = 0.3) -> np.ndarray:
    """Vibrato at the `moments`, as a share of the frequency: players begin straight and let it grow after `delay`."""
    at = moments(seconds)
    return depth * np.clip((at - delay) / grow, 0, 1) * np.sin(2 * np.pi * rate * at)


def wave(frequency: float, seconds: float, strengths: np.ndarray, vibrato: float = 0.0, rate: float = 5.5,
         start: float = 0.0, glide: float = 0.0) -> np.ndarray:
    """A tone with harmonics of the given strengths: (n,).

    Parameters
    ----------
    frequency : Hz.
    seconds : length.
    strengths : (h,) of the harmonics 1 to h.
    vibrato : greatest shift as a share of the pitch; it grows over the first quarter of a second.
    rate : of the vibrato, Hz.
    start : phase at the start, in periods.
    glide : semitones from the pitch at which the tone begins; it arrives within a tenth of a second.
    """
    at = moments(seconds)
    shift = 2 ** (glide * np.exp(-at / 0.03) / 12) if glide else np.ones(len(at))
    if vibrato:
        shift = shift * (1 + vibrato * np.minimum(1, at / 0.25) * np.sin(2 * np.pi * rate * at))
    return tone(frequency, seconds, strengths, shift, start=start)


@njit(cache=True)
def _modulate(carrier, modulator, index, level, sine, count):
    sound = np.empty(count)
    size = len(sine) - 1
    first, second = 0.0, 0.0
    for n in range(count):
        point, part = n // CONTROL, (n % CONTROL) / CONTROL
        depth = index[point] + part * (index[point + 1] - index[point])
        gain = level[point] + part * (level[point + 1] - level[point])
        at = second * size
        whole = int(at)
        bent = first + depth * (sine[whole] + (at - whole) * (sine[whole + 1] - sine[whole]))
        at = (bent - np.floor(bent)) * size
        whole = min(int(at), size - 1)
        sound[n] = gain * (sine[whole] + (at - whole) * (sine[whole + 1] - sine[whole]))
        first += carrier
        first -= np.floor(first)
        second += modulator
        second -= np.floor(second)
    return sound


def modulated(frequency: float, seconds: float, ratio: float, index: np.ndarray | float,
              level: np.ndarray | float = 1.0) -> np.ndarray:
    """Frequency modulation (Chowning 1973): one sine bends the phase of another.

    Parameters
    ----------
    frequency : Hz, of the carrier.
    seconds : length.
    ratio : frequency of the modulator over that of the carrier; 1 where its side lines would pass `TOP`.
    index : greatest bend in radians, at the `moments`; limited so that the outermost side lines stay below `TOP`.
    level : loudness at the `moments`.
    """
    if frequency * (1 + 2 * ratio) > TOP:
        ratio = 1.0
    limit = max(0.0, (TOP / frequency - 1) / ratio - 1)
    index = np.minimum(_points(index, seconds), limit) / (2 * np.pi)
    return _modulate(frequency / SAMPLE_RATE, ratio * frequency / SAMPLE_RATE, index, _points(level, seconds), _SINE,
                     samples(seconds))


@njit(cache=True)
def _partials(angles, strengths, radii, phases, ends, count):
    sound = np.zeros(-(-count // _LANES) * _LANES)
    real, imaginary = np.empty(_LANES), np.empty(_LANES)
    for k in range(len(angles)):
        for lane in range(_LANES):
            size = strengths[k] * radii[k] ** lane
            real[lane] = size * np.cos(angles[k] * lane + phases[k])
            imaginary[lane] = size * np.sin(angles[k] * lane + phases[k])
        turn_real = radii[k] ** _LANES * np.cos(angles[k] * _LANES)
        turn_imaginary = radii[k] ** _LANES * np.sin(angles[k] * _LANES)
        for first in range(0, min(ends[k], len(sound) - _LANES + 1), _LANES):
            block = sound[first:first + _LANES]
            for lane in range(_LANES):
                x, y = real[lane], imaginary[lane]
                block[lane] += y
                real[lane] = x * turn_real - y * turn_imaginary
                imaginary[lane] = x * turn_imaginary + y * turn_real
    return sound[:count]


def partials(frequencies: np.ndarray, strengths: np.ndarray, decays: np.ndarray, seconds: float,
             phases: np.ndarray | float = 0.0) -> np.ndarray:
    """Sines that die away, each at its own speed: struck strings, bars and bells.

    Parameters
    ----------
    frequencies : (k,) Hz; those above 10 500 are left out.
    strengths : (k,).
    decays : (k,) or one; seconds in which a line falls by 60 dB.
    seconds : length.
    phases : (k,) or one; radians at the start, 0 = a sine.

    Returns
    -------
    (n,) sound. Each line is a spiral in the complex plane, turned by one product a sample; 32 samples side by side.
    """
    frequencies = np.asarray(frequencies, float)
    heard = frequencies < 10_500
    strengths, decays, phases = (np.broadcast_to(values, frequencies.shape)[heard].astype(float)
                                 for values in (strengths, decays, phases))
    radii = 10 ** (-3 / (decays * SAMPLE_RATE))
    ends = (decays * SAMPLE_RATE * 4 / 3).astype(np.int64)  # a fall of 80 dB
    return _partials(2 * np.pi * frequencies[heard] / SAMPLE_RATE, strengths, radii, phases, ends, samples(seconds))


def stiff(frequency: float, count: int, stiffness: float, top: float = TOP) -> np.ndarray:
    """Frequencies in Hz of the first `count` partials of a stiff string, below `top` (Fletcher and Rossing 1998)."""
    numbers = np.arange(1, max(1, min(count, int(top / frequency))) + 1)
    lines = numbers * frequency * np.sqrt((1 + stiffness * numbers ** 2) / (1 + stiffness))
    return lines[:max(1, np.searchsorted(lines, top))]


# --- strings --------------------------------------------------------------------------------------------------------

@njit(cache=True)
def _string(excitation, delay, fraction, damping, loss, count):
    sound = np.zeros(count)
    heard, passed = 0.0, 0.0
    for n in range(count):
        value = excitation[n] if n < len(excitation) else 0.0
        if n >= delay:
            before = sound[n - delay - 1] if n > delay else 0.0
            low = loss * ((1 - damping) * sound[n - delay] + damping * before)
            passed = fraction * (low - passed) + heard  # an all-pass: the part of the period below one sample
            heard = low
            value += passed
        sound[n] = value
    return sound


def string(excitation: np.ndarray, frequency: float, seconds: float, decay: float, bright_decay: float) -> np.ndarray:
    """Send an excitation round a string (Karplus and Strong 1983; tuning and decays of Jaffe and Smith 1983).

    Parameters
    ----------
    excitation : (m,) what the finger does; anything may have filtered it, for all of this is linear.
    frequency : Hz.
    seconds : length of the result.
    decay : seconds in which the lowest partial falls by 60 dB.
    bright_decay : the same at 4 kHz, so far as a filter of two samples allows.
    """
    angle, high = 2 * math.pi * frequency / SAMPLE_RATE, 2 * math.pi * 4000 / SAMPLE_RATE
    wanted = 10 ** (-3 / frequency * (1 / min(bright_decay, decay) - 1 / decay))  # gain of one period at 4 kHz
    product = min(0.25, (1 - wanted ** 2) / (2 * (1 - math.cos(high))))
    damping = 0.5 - math.sqrt(0.25 - product)
    response = 1 - damping + damping * cmath.exp(-1j * angle)
    loss = min(0.99999, 10 ** (-3 / (frequency * decay)) / abs(response))
    rest = SAMPLE_RATE / frequency + cmath.phase(response) / angle  # what delay line and all-pass must delay by
    delay = int(rest - 0.3)
    part = rest - delay
    fraction = math.sin((1 - part) * angle / 2) / math.sin((1 + part) * angle / 2)
    return _string(excitation, delay, fraction, damping, loss, samples(seconds))


def pluck(frequency: float, seconds: float, brightness: float, decay: float, rng: np.random.Generator,
          position: float = 0.2, bright_decay: float | None = None, body: Peaks = (),
          scrape: float = 0.3) -> np.ndarray:
    """A plucked string: a sharp onset in all bands, then harmonics that die from the top downwards.

    Parameters
    ----------
    frequency : Hz.
    seconds : length.
    brightness : 0 (thumb) to 1 (hard plectrum).
    decay : seconds in which the lowest partial falls by 60 dB.
    position : where it is plucked, as a share of the length: harmonics with a node there are missing.
    bright_decay : the decay at 4 kHz; by default a fifth of `decay`.
    body : resonances of the body (centre Hz, width Hz, gain dB). They are put into the excitation, which gives the
        same as a filter behind the string and costs nothing (Smith 1993).
    scrape : share of noise in the stroke, which makes the harmonics uneven.

    Returns
    -------
    (n,) sound. The string moves in two planes with slightly different pitch and decay, so each line beats a little
    and falls in two slopes.
    """
    period = SAMPLE_RATE / frequency
    burst = np.zeros(samples(0.06) if body else int(2 * period) + 150)
    length = max(2, int(period))
    burst[:length] = scrape * rng.uniform(-1, 1, length)
    burst[0] += np.sqrt(length)
    burst = scipy.signal.lfilter([brightness], [1, brightness - 1], burst)
    burst = scipy.signal.sosfilt(_SPREAD, burst)  # as stiff strings do; without it low notes are rows of needles
    node = max(1, round(position * period))
    burst[node:] -= burst[:-node].copy()
    if body:
        burst = fade(resonated(burst, body), 0.0, 0.01)
    burst -= burst.mean()  # a string fixed at both ends carries no constant part, but a delay line would keep it long
    bright_decay = bright_decay or decay / 5
    sound = string(burst, frequency, seconds, decay, bright_decay)
    return sound + 0.4 * string(burst, frequency * 1.0004, seconds, decay / 3, bright_decay / 2)


@njit(cache=True)
def _bend(sound, ratio):
    out = np.zeros(len(sound))
    place = 1.0
    for n in range(len(sound)):
        index = int(place)
        if index + 2 >= len(sound):
            break
        x = place - index
        a, b, c, d = sound[index - 1], sound[index], sound[index + 1], sound[index + 2]
        out[n] = b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))
        point, part = n // CONTROL, (n % CONTROL) / CONTROL
        place += ratio[point] + part * (ratio[point + 1] - ratio[point])
    return out


def bend(sound: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Play a sound faster or slower: `ratio` is the factor on its pitch at the `moments`. The length stays."""
    return _bend(sound, ratio)
