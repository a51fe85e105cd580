"""The instruments: short functions that turn one note into sound.

Each is `play(frequency, seconds, velocity, rng) -> (n,) float array at 22 050 Hz`; n may go beyond `seconds`, because
a
string rings on. The level is free: the renderer balances the parts. `rng` is seeded by album and instrument, so what a
function draws first is the make of the instrument (the same for all notes of an album). Methods: wavetables (one
period
built from its harmonics, so nothing folds back at half the sample rate), plucked strings after Karplus and Strong
(1983)
and Jaffe and Smith (1983), frequency modulation after Chowning (1973), filtered noise for the drums.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from labkit.profiles import SAMPLE_RATE

Play = Callable[[float, float, float, np.random.Generator], np.ndarray]
_TABLE = 2048  # samples of one stored period


@dataclass(frozen=True)
class Instrument:
    """A playing function, and how hard the amplifier behind it is driven (0 = no amplifier)."""

    play: Play
    drive: float = 0.0


INSTRUMENTS: dict[str, Instrument] = {}


def _instrument(name: str, drive: float = 0.0):
    def register(play: Play) -> Play:
        INSTRUMENTS[name] = Instrument(play, drive)
        return play
    return register


# --- building blocks ------------------------------------------------------------------------------------------------

def _time(seconds: float) -> np.ndarray:
    return np.arange(max(2, round(seconds * SAMPLE_RATE))) / SAMPLE_RATE


def _fade(sound: np.ndarray, attack: float, release: float) -> np.ndarray:
    """Fade in over `attack` and out over `release` seconds, so that no note begins or ends with a click."""
    rise = min(len(sound) // 2, max(1, round(attack * SAMPLE_RATE)))
    fall = min(len(sound) // 2, max(1, round(release * SAMPLE_RATE)))
    sound[:rise] *= np.linspace(0, 1, rise)
    sound[-fall:] *= np.linspace(1, 0, fall) ** 2
    return sound


def _harmonics(frequency: float, top: float = 10_000.0) -> np.ndarray:
    """Numbers of the harmonics below `top` Hz, at most 80."""
    return np.arange(1, max(2, min(80, int(top / frequency)) + 1))


def _wave(frequency: float, seconds: float, strengths: np.ndarray, vibrato: float = 0.0, rate: float = 5.5,
          start: float = 0.0) -> np.ndarray:
    """A steady tone with harmonics of the given strengths; `vibrato` is the greatest shift, as a share of the
    pitch."""
    spectrum = np.zeros(_TABLE // 2 + 1, complex)
    spectrum[1:len(strengths) + 1] = -1j * strengths
    table = np.fft.irfft(spectrum) * _TABLE / 2
    time = _time(seconds)
    cycles = frequency * time + start
    if vibrato:
        # Players begin straight and let the vibrato come: its depth grows over a quarter of a second.
        depth = vibrato * np.minimum(1, time / 0.25)
        cycles = cycles - depth * frequency / (2 * np.pi * rate) * np.cos(2 * np.pi * rate * time)
    place = (cycles % 1.0) * _TABLE
    index = place.astype(int)
    table = np.append(table, table[:2])
    return table[index] + (place - index) * (table[index + 1] - table[index])


def _formants(harmonics: np.ndarray, frequency: float, peaks: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Gain of each harmonic under resonances (centre Hz, width Hz, strength)."""
    at = harmonics * frequency
    return 0.03 + sum(gain * np.exp(-0.5 * ((at - centre) / width) ** 2) for centre, width, gain in peaks)


def _filter(sound: np.ndarray, kind: str, cutoff: float | tuple[float, float], order: int = 2) -> np.ndarray:
    sections = scipy.signal.butter(order, np.clip(cutoff, 20, 10_900), kind, fs=SAMPLE_RATE, output="sos")
    return scipy.signal.sosfilt(sections, sound)


def _pluck(frequency: float, seconds: float, brightness: float, decay: float, noise: np.random.Generator,
           position: float = 0.2) -> np.ndarray:
    """Karplus-Strong: noise of one period runs round a delay line that averages neighbours.

    `brightness` 0 to 1 filters the noise, `decay` is the time to fall by 60 dB, `position` is where the string is
    plucked,
    as a share of its length (harmonics with a node there are missing).
    """
    period = SAMPLE_RATE / frequency
    delay = int(period - 0.5)          # the averaging itself delays by half a sample
    part = period - 0.5 - delay        # the remaining fraction, by linear interpolation
    burst = noise.uniform(-1, 1, delay + 1)
    burst = scipy.signal.lfilter([brightness], [1, brightness - 1], burst)
    burst -= np.roll(burst, max(1, round(position * delay)))
    loss = 10 ** (-3 / (frequency * decay))
    feedback = np.zeros(delay + 3)
    feedback[0] = 1
    feedback[delay:delay + 3] = -loss * np.convolve([0.5, 0.5], [1 - part, part])
    excitation = np.zeros(max(len(burst), round(seconds * SAMPLE_RATE)))
    excitation[:len(burst)] = burst
    return scipy.signal.lfilter([1.0], feedback, excitation)


def _noise(seconds: float, noise: np.random.Generator) -> np.ndarray:
    return noise.standard_normal(max(2, round(seconds * SAMPLE_RATE)))


# --- strings --------------------------------------------------------------------------------------------------------

@_instrument("steel guitar")
def steel_guitar(frequency, seconds, velocity, rng):
    """Plucked steel string: a sharp onset over all bands, then lines that fade from the top down."""
    make = rng.uniform(0.4, 0.75)
    return _fade(_pluck(frequency, min(seconds + 0.5, 1.8), make * (0.5 + 0.5 * velocity), 3.0, rng, 0.18), 0.001,
                 0.25)


@_instrument("nylon guitar")
def nylon_guitar(frequency, seconds, velocity, rng):
    """Plucked nylon string: as the steel string, but only the lowest lines are strong."""
    make = rng.uniform(0.12, 0.3)
    return _fade(_pluck(frequency, min(seconds + 0.4, 1.5), make * (0.6 + 0.4 * velocity), 2.2, rng, 0.3), 0.002, 0.25)


@_instrument("banjo")
def banjo(frequency, seconds, velocity, rng):
    """Banjo: bright, short strokes; the drum skin gives a bump between 600 and 1200 Hz and takes the sound away
    soon."""
    make = rng.uniform(0.7, 1.0)
    sound = _pluck(frequency, min(seconds + 0.2, 0.6), make, 0.7, rng, 0.08)
    return _fade(sound + 1.2 * _filter(sound, "bandpass", (600, 1200)), 0.001, 0.15)


@_instrument("mandolin")
def mandolin(frequency, seconds, velocity, rng):
    """Mandolin: two strings a few cents apart, so that each line beats slowly; short and bright."""
    cents = rng.uniform(3, 8)
    length = min(seconds + 0.3, 0.9)
    first = _pluck(frequency, length, 0.8, 1.2, rng, 0.12)
    second = _pluck(frequency * 2 ** (cents / 1200), length, 0.8, 1.2, rng, 0.12)
    return _fade(first + second[:len(first)], 0.001, 0.2)


@_instrument("harpsichord")
def harpsichord(frequency, seconds, velocity, rng):
    """Harpsichord: plucked near the bridge, very bright, equally loud at every touch."""
    make = rng.uniform(0.8, 1.0)
    return _fade(_pluck(frequency, min(seconds + 0.15, 1.5), make, 2.0, rng, 0.07), 0.001, 0.08)


@_instrument("upright bass")
def upright_bass(frequency, seconds, velocity, rng):
    """Plucked double bass: a soft thump and two or three low lines."""
    make = rng.uniform(0.06, 0.12)
    return _fade(_pluck(frequency, min(seconds + 0.1, 1.2), make, 1.8, rng, 0.3), 0.004, 0.1)


@_instrument("electric bass")
def electric_bass(frequency, seconds, velocity, rng):
    """Electric bass: low lines that hold for the whole note, with a short click of the pick."""
    make = rng.uniform(0.15, 0.4)
    return _fade(_pluck(frequency, min(seconds + 0.03, 1.5), make * (0.5 + 0.5 * velocity), 4.0, rng, 0.15), 0.002,
                 0.04)


def _bowed(frequency, seconds, velocity, rng, peaks, attack, release, vibrato):
    slope = rng.uniform(0.9, 1.3) - 0.3 * velocity
    numbers = _harmonics(frequency)
    body = _formants(numbers, frequency, peaks)
    sound = _wave(frequency, seconds + release, body / numbers ** slope, vibrato, rng.uniform(5, 6.2))
    scratch = _filter(_noise(seconds + release, rng), "bandpass", (1500, 5000))
    return _fade(sound / np.std(sound) + 0.02 * scratch[:len(sound)], attack, release)


@_instrument("violin")
def violin(frequency, seconds, velocity, rng):
    """Bowed violin: many harmonics as parallel lines that wave with the vibrato; a soft onset."""
    return _bowed(frequency, seconds, velocity, rng, ((480, 200, 1), (1100, 500, 0.9), (2600, 900, 0.8)), 0.06, 0.12,
                  0.006)


@_instrument("fiddle")
def fiddle(frequency, seconds, velocity, rng):
    """The same instrument as played for dances: quick bow strokes without vibrato, so that the lines are straight."""
    return _bowed(frequency, seconds, velocity, rng, ((550, 200, 1), (1300, 500, 1), (3000, 1000, 1.1)), 0.015, 0.05,
                  0.001)


@_instrument("cello")
def cello(frequency, seconds, velocity, rng):
    """Bowed cello: as the violin, two octaves below."""
    return _bowed(frequency, seconds, velocity, rng, ((220, 120, 1), (500, 250, 0.8), (1200, 500, 0.4)), 0.07, 0.15,
                  0.004)


@_instrument("strings")
def strings(frequency, seconds, velocity, rng):
    """A string group: three detuned players, so that each line is broad; it swells and dies slowly."""
    numbers = _harmonics(frequency, 6000)
    strengths = _formants(numbers, frequency, ((500, 400, 1), (1500, 800, 0.5))) / numbers
    spread = rng.uniform(0.002, 0.005)
    sound = sum(_wave(frequency * (1 + shift), seconds + 0.3, strengths, 0.003, 4.5 + 3 * index, 0.3 * index)
                for index, shift in enumerate((-spread, 0.0, spread)))
    return _fade(sound, 0.15, 0.3)


# --- keys and winds -------------------------------------------------------------------------------------------------

@_instrument("piano")
def piano(frequency, seconds, velocity, rng):
    """Piano: sharp onset, lines that fade (the high ones sooner) and lie slightly above the multiples of the
    lowest."""
    slope = rng.uniform(1.0, 1.5) - 0.5 * velocity
    numbers = _harmonics(frequency, 6000)[:14]
    time = _time(min(seconds + 0.15, 2.5))
    sound = np.zeros(len(time))
    for number in numbers:
        partial = number * frequency * np.sqrt(1 + 0.0004 * number ** 2)  # stiff strings
        fall = np.exp(-time * (1.2 + 0.35 * number) * (frequency / 260) ** 0.4)
        sound += fall * np.sin(2 * np.pi * partial * time) * number ** -slope * (0.4 if number % 7 == 0 else 1)
    hammer = _filter(_noise(0.03, rng), "lowpass", 1200)
    sound[:len(hammer)] += 0.25 * velocity * _fade(hammer, 0.001, 0.02)[:len(sound)]
    return _fade(sound, 0.002, 0.12)


@_instrument("electric piano")
def electric_piano(frequency, seconds, velocity, rng):
    """Electric piano by frequency modulation: a bell-like onset that turns into one or two pure lines."""
    bell = rng.choice([1.0, 4.0, 14.0])
    time = _time(min(seconds + 0.2, 2.5))
    bell = bell if bell * frequency < 8000 else 1.0
    bright = (0.4 + 1.6 * velocity) * np.exp(-3 * time)
    phase = 2 * np.pi * frequency * time
    return _fade(np.exp(-1.3 * time) * np.sin(phase + bright * np.sin(bell * phase)), 0.002, 0.15)


@_instrument("organ")
def organ(frequency, seconds, velocity, rng):
    """Organ: pure lines at octaves and fifths, of the same strength from beginning to end."""
    stops = rng.uniform(0.1, 1.0, 6) * (1, 1, 0.8, 0.7, 0.4, 0.4)
    strengths = np.zeros(8)
    strengths[[0, 1, 2, 3, 5, 7]] = stops
    strengths[0] = 1
    return _fade(_wave(frequency, seconds + 0.05, strengths[:len(_harmonics(frequency))], 0.002, 6.5), 0.012, 0.05)


@_instrument("accordion")
def accordion(frequency, seconds, velocity, rng):
    """Accordion: two reeds a little apart, so that all lines pulse together; rich up to 6 kHz."""
    beating = rng.uniform(1.5, 4.0)  # Hz
    strengths = 1 / _harmonics(frequency, 6000) ** 0.8
    sound = _wave(frequency, seconds + 0.06, strengths) + _wave(frequency + beating, seconds + 0.06, strengths,
                                                                start=0.4)
    return _fade(sound, 0.03, 0.06)


@_instrument("flute")
def flute(frequency, seconds, velocity, rng):
    """Flute: two or three lines with vibrato, and the breath as a faint cloud around them."""
    numbers = _harmonics(frequency)[:5]
    strengths = np.array([1, 0.35, 0.15, 0.05, 0.03])[:len(numbers)] * (0.6 + 0.4 * velocity) ** (numbers - 1)
    sound = _wave(frequency, seconds + 0.08, strengths, 0.005, rng.uniform(4.5, 5.5))
    breath = _filter(_noise(seconds + 0.08, rng), "bandpass", (0.8 * frequency, min(4 * frequency, 8000)))
    return _fade(sound + 0.05 * breath[:len(sound)], 0.05, 0.08)


@_instrument("oboe")
def oboe(frequency, seconds, velocity, rng):
    """Oboe: a weak lowest line and strong ones between 800 and 3000 Hz."""
    numbers = _harmonics(frequency, 8000)
    strengths = _formants(numbers, frequency, ((1100, 350, 1), (2800, 600, 0.5))) / numbers ** rng.uniform(0.1, 0.5)
    return _fade(_wave(frequency, seconds + 0.06, strengths, 0.004, 5.3), 0.03, 0.06)


# --- voices ---------------------------------------------------------------------------------------------------------

_VOWELS = (((750, 120, 1), (1200, 180, 0.6), (2600, 300, 0.25)),   # a
           ((480, 100, 1), (1800, 250, 0.5), (2500, 300, 0.3)),    # e
           ((320, 90, 1), (2200, 250, 0.35), (3000, 300, 0.25)),   # i
           ((480, 100, 1), (900, 150, 0.6), (2500, 300, 0.15)))    # o


def _syllable(frequency, seconds, velocity, rng, vibrato, hiss, slope):
    throat = rng.uniform(0.88, 1.15)  # how long the singer's throat is: shifts all resonances
    vowel = _VOWELS[int(12 * np.log2(frequency / 55) + 0.5) % 4]
    numbers = _harmonics(frequency, 8000)
    strengths = _formants(numbers, frequency, tuple((throat * at, width, gain) for at, width, gain in vowel))
    sound = _wave(frequency, seconds + 0.05, strengths / numbers ** slope, vibrato, 5.6)
    sound = _fade(sound / np.std(sound), 0.03, 0.06)
    consonant = _fade(_filter(_noise(0.05, rng), "bandpass", (2500, 7500)), 0.01, 0.03)
    sound[:len(consonant)] += hiss * consonant[:len(sound)]
    return sound


@_instrument("voice")
def voice(frequency, seconds, velocity, rng):
    """Sung syllables: harmonics with vibrato, strong near the resonances of a vowel; a patch of hiss as consonant."""
    return _syllable(frequency, seconds, velocity, rng, 0.007, 0.25, 0.7 - 0.4 * velocity)


@_instrument("rap voice")
def rap_voice(frequency, seconds, velocity, rng):
    """Spoken syllables: short, close harmonics that glide down a little, with strong hissing consonants."""
    return _syllable(frequency, min(seconds, 0.15), velocity, rng, -0.06, 0.8, 0.4)


@_instrument("shout voice", drive=4.0)
def shout_voice(frequency, seconds, velocity, rng):
    """Shouted syllables: no vibrato, rough, energy up to 4 kHz."""
    sound = _syllable(frequency, seconds, velocity, rng, -0.015, 0.5, 0.0)
    rough = 1 + 0.4 * np.sin(2 * np.pi * 70 * np.arange(len(sound)) / SAMPLE_RATE)
    return sound * rough


# --- synthesizers ---------------------------------------------------------------------------------------------------

def _pulse(frequency, seconds, duty, vibrato=0.0):
    numbers = _harmonics(frequency)
    return _wave(frequency, seconds, np.sin(np.pi * numbers * duty) / numbers, vibrato, 6.0)


@_instrument("pulse lead")
def pulse_lead(frequency, seconds, velocity, rng):
    """Pulse wave of a games console: dead straight lines, on and off at once; the width decides which ones are
    missing."""
    duty = rng.choice([0.125, 0.25, 0.5])
    return _fade(_pulse(frequency, seconds, duty, 0.002), 0.002, 0.01)


@_instrument("pulse pluck")
def pulse_pluck(frequency, seconds, velocity, rng):
    """The same pulse wave with a level that falls in steps, as console chips count it down."""
    duty = rng.choice([0.125, 0.25, 0.5])
    sound = _pulse(frequency, seconds, duty)
    steps = np.floor(_time(seconds) * 60) / 15
    return _fade(sound * np.round(15 * np.clip(1 - 0.8 * steps[:len(sound)], 0.13, 1)) / 15, 0.001, 0.005)


@_instrument("chip triangle")
def chip_triangle(frequency, seconds, velocity, rng):
    """The console's bass: a triangle of 16 levels; a strong lowest line, weak odd ones above, some grit from the
    steps."""
    phase = (frequency * _time(seconds)) % 1.0
    return _fade(np.round(7.5 * (4 * np.abs(phase - 0.5) - 1)) / 7.5, 0.001, 0.005)


@_instrument("saw lead")
def saw_lead(frequency, seconds, velocity, rng):
    """Sawtooth lead: all harmonics up to a resonance of the filter, two oscillators that beat slowly."""
    cutoff, detune = rng.uniform(2000, 6000), rng.uniform(0.002, 0.006)
    numbers = _harmonics(frequency)
    strengths = 1 / numbers / np.sqrt(1 + (numbers * frequency / (cutoff * (0.5 + velocity))) ** 6)
    sound = _wave(frequency, seconds + 0.05, strengths, 0.003) + _wave(frequency * (1 + detune), seconds + 0.05,
                                                                       strengths, 0.003)
    return _fade(sound, 0.008, 0.05)


@_instrument("saw pluck")
def saw_pluck(frequency, seconds, velocity, rng):
    """Short synthesizer notes: the filter closes within a fifth of a second, so each note is a wedge, tall at the
    onset."""
    speed = rng.uniform(8, 18)
    numbers = _harmonics(frequency)
    length = min(seconds + 0.15, 0.5)
    bright = _wave(frequency, length, 1 / numbers)
    dull = _wave(frequency, length, 1.0 / numbers ** 2.5)
    time = _time(length)
    return _fade(bright * np.exp(-speed * time) + dull * np.exp(-0.4 * speed * time), 0.002, 0.05)


@_instrument("sine lead")
def sine_lead(frequency, seconds, velocity, rng):
    """Nearly pure tone: one line with vibrato."""
    second = rng.uniform(0.02, 0.25)
    return _fade(_wave(frequency, seconds + 0.08, np.array([1, second, second / 3]), 0.006, 5.0), 0.02, 0.08)


@_instrument("supersaw")
def supersaw(frequency, seconds, velocity, rng):
    """Five detuned sawtooths: broad, shimmering lines in all bands."""
    spread = rng.uniform(0.004, 0.012)
    strengths = 1 / _harmonics(frequency) ** (1.2 - 0.3 * velocity)
    sound = sum(_wave(frequency * (1 + spread * shift), seconds + 0.1, strengths, start=0.37 * shift)
                for shift in (-1.0, -0.45, 0.0, 0.55, 1.0))
    return _fade(sound, 0.01, 0.1)


@_instrument("warm pad")
def warm_pad(frequency, seconds, velocity, rng):
    """Soft pad: a few low harmonics that swell slowly."""
    slope = rng.uniform(1.5, 2.2)
    strengths = 1.0 / _harmonics(frequency, 3000) ** slope
    sound = _wave(frequency, seconds + 0.3, strengths) + _wave(frequency * 1.003, seconds + 0.3, strengths, start=0.5)
    return _fade(sound, 0.12, 0.3)


@_instrument("synth bass")
def synth_bass(frequency, seconds, velocity, rng):
    """Synthesizer bass: many low harmonics at the onset, fewer as its filter closes."""
    speed = rng.uniform(4, 14)
    numbers = _harmonics(frequency, 4000)
    time = _time(seconds + 0.02)
    sound = (_wave(frequency, seconds + 0.02, 1 / numbers) * np.exp(-speed * time)
             + _wave(frequency, seconds + 0.02, 1.0 / numbers ** 2))
    return _fade(sound, 0.004, 0.02)


@_instrument("sub bass")
def sub_bass(frequency, seconds, velocity, rng):
    """Sub bass: one thick line below 100 Hz that begins a little higher and fades slowly."""
    drop = rng.uniform(0.0, 1.0)
    time = _time(seconds + 0.1)
    phase = frequency * (time - drop * 0.03 * np.exp(-time / 0.03))
    return _fade(np.tanh(1.6 * np.sin(2 * np.pi * phase)) * np.exp(-0.8 * time), 0.004, 0.08)


# --- amplified guitars ----------------------------------------------------------------------------------------------

def _string_for_amplifier(frequency, seconds, velocity, rng):
    make = rng.uniform(0.35, 0.8)
    return _fade(_pluck(frequency, min(seconds + 0.04, 2.5), make, 6.0, rng, 0.13), 0.001, 0.04)


@_instrument("distorted guitar", drive=14.0)
def distorted_guitar(frequency, seconds, velocity, rng):
    """Guitar through an overdriven amplifier: a dense carpet of lines up to 4 kHz at nearly constant level.

    The drive works on the sum of the strings, so chords get lines at sums and differences of their notes.
    """
    return _string_for_amplifier(frequency, seconds, velocity, rng)


@_instrument("crunch guitar", drive=4.0)
def crunch_guitar(frequency, seconds, velocity, rng):
    """The same guitar, less driven: the carpet thins out as the strings fade."""
    return _string_for_amplifier(frequency, seconds, velocity, rng)


@_instrument("distorted lead", drive=9.0)
def distorted_lead(frequency, seconds, velocity, rng):
    """A single driven string with vibrato: clear parallel lines that wave."""
    return _fade(_wave(frequency, seconds + 0.05, 1 / _harmonics(frequency, 5000) ** 1.5, 0.006, 5.8), 0.005, 0.05)


# --- drums (frequency is ignored) -----------------------------------------------------------------------------------

def _kick(seconds, low, high, fall, click, rng):
    time = _time(seconds)
    phase = low * time + (high - low) * fall * (1 - np.exp(-time / fall))
    sound = np.sin(2 * np.pi * phase) * np.exp(-time * 5 / seconds)
    tick = _filter(_noise(0.006, rng), "highpass", 1500)
    sound[:len(tick)] += click * tick
    return _fade(sound, 0.0005, 0.02)


@_instrument("house kick")
def house_kick(frequency, seconds, velocity, rng):
    """Electronic bass drum: a bar that bends down from 250 to 50 Hz within a tenth of a second."""
    return _kick(0.32, rng.uniform(42, 56), rng.uniform(180, 320), 0.03, 0.2, rng)


@_instrument("rock kick")
def rock_kick(frequency, seconds, velocity, rng):
    """Acoustic bass drum: a short low bar with a click of the beater in all bands."""
    return _kick(0.2, rng.uniform(52, 68), rng.uniform(110, 160), 0.02, 0.35, rng)


@_instrument("stomp")
def stomp(frequency, seconds, velocity, rng):
    """Foot on a wooden floor: a dull thump below 200 Hz."""
    return _kick(0.15, rng.uniform(60, 90), 130, 0.02, 0.08, rng)


@_instrument("tom")
def tom(frequency, seconds, velocity, rng):
    """Tom: a tuned thump that sinks in pitch."""
    return _kick(0.3, rng.uniform(85, 120), 190, 0.05, 0.15, rng)


@_instrument("snare")
def snare(frequency, seconds, velocity, rng):
    """Snare drum: a broad vertical bar, strongest between 1 and 6 kHz, with two short lines of the skin near 200
    Hz."""
    tuning, ring = rng.uniform(165, 230), rng.uniform(0.04, 0.09)
    time = _time(0.28)
    skin = np.exp(-time / 0.05) * (np.sin(2 * np.pi * tuning * time) + 0.6 * np.sin(2 * np.pi * 1.6 * tuning * time))
    wires = _filter(_noise(0.28, rng), "bandpass", (900, 8500), 1) * np.exp(-time / ring)
    return _fade(0.8 * skin + 0.7 * wires, 0.0005, 0.03)


@_instrument("clap")
def clap(frequency, seconds, velocity, rng):
    """Hand claps: three or four narrow bars close together, between 800 and 4000 Hz."""
    time = _time(0.22)
    envelope = np.exp(-time / 0.06) * 0.6
    for start in (0.0, 0.011, 0.023):
        envelope += (time >= start) * np.exp(-np.maximum(0, time - start) / 0.004)
    return _fade(_filter(_noise(0.22, rng), "bandpass", (800, 4500), 1) * envelope, 0.0005, 0.03)


def _metal(seconds, fall, cutoff, rng):
    return _fade(_filter(_noise(seconds, rng), "highpass", cutoff, 3) * np.exp(-_time(seconds) / fall), 0.0005, 0.01)


@_instrument("closed hat")
def closed_hat(frequency, seconds, velocity, rng):
    """Closed hi-hat: a thin bar above 6 kHz."""
    return 0.5 * _metal(0.08, rng.uniform(0.012, 0.03), rng.uniform(5500, 7500), rng)


@_instrument("open hat")
def open_hat(frequency, seconds, velocity, rng):
    """Open hi-hat: a wedge above 5 kHz that lasts a quarter of a second."""
    return 0.4 * _metal(0.3, rng.uniform(0.08, 0.14), rng.uniform(5000, 6500), rng)


@_instrument("ride")
def ride(frequency, seconds, velocity, rng):
    """Ride cymbal: a thin bar with a long faint tail above 4 kHz."""
    sound = 0.25 * _metal(0.6, 0.2, 4500, rng)
    stick = 0.3 * _metal(0.05, 0.01, 3000, rng)
    sound[:len(stick)] += stick
    return sound


@_instrument("crash")
def crash(frequency, seconds, velocity, rng):
    """Crash cymbal: a cloud above 2 kHz that fades over half a second."""
    return 0.35 * _metal(0.7, 0.22, 2500, rng)


@_instrument("shaker")
def shaker(frequency, seconds, velocity, rng):
    """Shaker: soft puffs above 4 kHz that swell before they stop."""
    return 0.5 * _fade(_filter(_noise(0.09, rng), "bandpass", (4000, 9000), 1), 0.035, 0.05)


@_instrument("tambourine")
def tambourine(frequency, seconds, velocity, rng):
    """Tambourine: a bar above 5 kHz with a short jingling tail."""
    return 0.5 * _metal(0.2, 0.05, 5500, rng)


def _chip_noise(seconds, fall, hold, rng):
    count = round(seconds * SAMPLE_RATE)
    steps = np.repeat(rng.choice([-1.0, 1.0], count // hold + 1), hold)[:count]
    level = np.round(15 * np.exp(-_time(seconds) / fall)) / 15  # 4-bit volume
    return _fade(steps * level[:count], 0.0005, 0.003)


@_instrument("chip kick")
def chip_kick(frequency, seconds, velocity, rng):
    """Console bass drum: the triangle swept down quickly."""
    return 1.4 * _kick(0.14, 50, 260, 0.03, 0.1, rng)


@_instrument("chip snare")
def chip_snare(frequency, seconds, velocity, rng):
    """Console snare: two-level noise over all bands, with hard edges in time."""
    return 0.5 * _chip_noise(0.16, rng.uniform(0.04, 0.07), 2, rng)


@_instrument("chip hat")
def chip_hat(frequency, seconds, velocity, rng):
    """Console hi-hat: a very short burst of two-level noise."""
    return 0.3 * _chip_noise(0.05, 0.015, 1, rng)
