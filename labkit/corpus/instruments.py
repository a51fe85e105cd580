"""The pitched instruments: short functions that turn one note into sound.

Each is `play(frequency, seconds, velocity, rng) -> (n,) float array at 22 050 Hz`. n may go beyond `seconds` by up to
0.6 s, because a string rings on, or end sooner, where the instrument dies away. The level is free: the renderer
balances the parts. Velocity, 0 to 1, is how hard the note is played: it changes the timbre. What a function draws from
`rng` first is the make of the instrument, the same for all notes of an album; `_hand` then gives the random numbers of
the one note. To add an instrument, write one more function with the decorator.

Sources. Plucked strings: Karplus and Strong (1983), Jaffe and Smith (1983), the body in the excitation after Smith
(1993). Resonances of bodies, stiff strings, tuned bars: Fletcher and Rossing (1998). Bowed strings, whose lines swell
and sink as the vibrato carries them over the peaks of the body: Mathews and Kohut (1973). Brass, whose brightness
follows the loudness: Risset and Mathews (1969). Electric piano and bells: Chowning (1973). Voices, as a source and a
chain of resonances: Klatt (1980), vowels of Peterson and Barney (1952).
"""

from collections.abc import Callable

import numpy as np

from labkit.corpus.dsp import (
    Instrument,
    Peaks,
    bend,
    fade,
    filtered,
    formants,
    harmonics,
    levelled,
    modulated,
    moments,
    noise,
    partials,
    pluck,
    registrar,
    samples,
    shaped,
    stiff,
    swept,
    tone,
    vibrato,
    wander,
)
from labkit.profiles import SAMPLE_RATE

INSTRUMENTS: dict[str, Instrument] = {}
_instrument = registrar(INSTRUMENTS)


# --- what many share ------------------------------------------------------------------------------------------------

def _hand(rng: np.random.Generator, frequency: float, seconds: float, velocity: float) -> np.random.Generator:
    """Random numbers of this one note: they differ with the note and with the renderer's take, not with the make."""
    take = rng.bit_generator.seed_seq.spawn(1)[0].generate_state(1)[0]
    return np.random.default_rng([take, round(100 * frequency), round(1000 * seconds), round(100 * velocity)])


def _done(sound: np.ndarray, attack: float, release: float) -> np.ndarray:
    return levelled(fade(sound, attack, release))


def _cents(cents: float) -> float:
    return 2 ** (cents / 1200)


def _even(spectra: np.ndarray) -> np.ndarray:
    """Spectra (..., h) of unit power each, so that moving from one to another changes the timbre alone."""
    return spectra / np.sqrt(0.5 * np.sum(np.square(spectra), axis=-1, keepdims=True))


def _puff(sound: np.ndarray, seconds: float, level: float, band: tuple[float, float], hand: np.random.Generator,
          at: float = 0.0) -> np.ndarray:
    """Add a dying burst of noise in a band (Hz) to a sound of unit level, in place: a click, a knock, a chiff."""
    first = round(at * SAMPLE_RATE)
    burst = filtered(noise(seconds, hand), "bandpass", band)[:max(0, len(sound) - first)]
    sound[first:first + len(burst)] += burst * (np.arange(len(burst), 0, -1) / samples(seconds)) ** 2 * level
    return sound


def _air(frequency: float, seconds: float, spectrum: np.ndarray, hand: np.random.Generator, spread: float,
         level: np.ndarray | float = 1.0) -> np.ndarray:
    """Noise that stands around the harmonics of a tone: the tone itself with a pitch that shakes at random."""
    shake = np.clip(1 + spread * hand.standard_normal(len(moments(seconds))), 0.1, 1.9)
    return tone(frequency, seconds, spectrum, shake, level=level)


def _soft_top(hertz: np.ndarray) -> np.ndarray:
    """What pipes, reeds and strings lose above some 6 kHz."""
    return 1 / (1 + (hertz / 6000) ** 4)


def _onset(at: np.ndarray, attack: float, settled: float = 0.8) -> np.ndarray:
    """How a held note begins: up within `attack` seconds, a little too loud, then down to `settled`."""
    return (1 - np.exp(-3 * at / attack)) * (settled + (1 - settled) * np.exp(-at / (4 * attack)))


# --- plucked strings ------------------------------------------------------------------------------------------------

_GUITAR: Peaks = ((102, 24, 7), (204, 32, 6), (390, 80, 4), (2600, 1500, 3))  # the air within, the top, the wood


def _bent(sound: np.ndarray, semitones: float, arrival: float, depth: float = 0.0, rate: float = 5.0) -> np.ndarray:
    """Bend a steady string as a finger does: arrive from some semitones away, then let the vibrato come."""
    seconds = len(sound) / SAMPLE_RATE
    shift = 2 ** (semitones * np.exp(-(moments(seconds) / arrival) ** 2) / 12)
    return bend(sound, shift * (1 + vibrato(seconds, depth, rate, 0.2)))


@_instrument("steel guitar")
def steel_guitar(frequency, seconds, velocity, rng):
    """Plucked steel string: a sharp onset in all bands, then lines that fade from the top down; near 100 and 200 Hz
    the body answers with a thump."""
    make, position = rng.uniform(0.45, 0.8), rng.uniform(0.12, 0.22)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency * _cents(hand.normal(0, 3)), min(seconds + 0.5, 4.0), make * (0.25 + 0.75 * velocity),
                  4.5 * (220 / frequency) ** 0.35, hand, position + hand.normal(0, 0.015), 0.9, _GUITAR)
    return _done(sound, 0.001, 0.3)


@_instrument("twelve-string guitar")
def twelve_string_guitar(frequency, seconds, velocity, rng):
    """Two strings a stroke, the lower ones an octave apart: more lines than the steel guitar has, all beating, and a
    glitter above 3 kHz."""
    make, apart = rng.uniform(0.55, 0.85), _cents(rng.uniform(3, 8))
    first = steel_guitar(frequency, seconds, velocity, rng)
    hand = _hand(rng, frequency, seconds, velocity)
    second = pluck(frequency * apart * (2 if frequency < 240 else 1), len(first) / SAMPLE_RATE,
                   make * (0.3 + 0.7 * velocity), 3.0 * (220 / frequency) ** 0.35, hand, 0.15, 0.8, _GUITAR[2:])
    late = samples(hand.uniform(0.002, 0.007))  # the plectrum meets one string before the other
    first[late:] += 0.8 * levelled(second)[:-late]
    return _done(first, 0.001, 0.3)


@_instrument("nylon guitar")
def nylon_guitar(frequency, seconds, velocity, rng):
    """Plucked nylon string: as the steel string, but only the lowest lines are strong, and they fade sooner."""
    make, position = rng.uniform(0.14, 0.3), rng.uniform(0.2, 0.35)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency * _cents(hand.normal(0, 3)), min(seconds + 0.4, 3.0), make * (0.3 + 0.7 * velocity),
                  2.6 * (220 / frequency) ** 0.4, hand, position + hand.normal(0, 0.02), 0.35, _GUITAR, 0.15)
    return _done(sound, 0.002, 0.25)


@_instrument("electric guitar")
def electric_guitar(frequency, seconds, velocity, rng):
    """Electric guitar, clean: even lines up to 5 kHz that fade slowly; some are missing, as the pickup sits where they
    do not move."""
    make, position, pickup = rng.uniform(0.4, 0.8), rng.uniform(0.1, 0.2), rng.uniform(0.08, 0.25)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency * _cents(hand.normal(0, 2)), min(seconds + 0.2, 4.0), make * (0.3 + 0.7 * velocity),
                  5.0 * (200 / frequency) ** 0.3, hand, position + hand.normal(0, 0.01), 1.4, scrape=0.2)
    gap = max(1, round(pickup * SAMPLE_RATE / frequency))
    sound[gap:] -= 0.7 * sound[:-gap].copy()
    return _done(filtered(sound, "lowpass", 5200, 3), 0.001, 0.15)


@_instrument("muted guitar")
def muted_guitar(frequency, seconds, velocity, rng):
    """Clean guitar under the palm of the hand: short ticks, dark and gone within a fifth of a second."""
    make, decay = rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.5)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = levelled(pluck(frequency * _cents(hand.normal(0, 4)), min(seconds + 0.06, 0.45),
                           make * (0.3 + 0.7 * velocity), decay, hand, 0.14, decay / 4, scrape=0.2), 1)
    return _done(filtered(_puff(sound, 0.012, velocity, (900, 4500), hand), "lowpass", 5200), 0.001, 0.06)


@_instrument("jazz guitar")
def jazz_guitar(frequency, seconds, velocity, rng):
    """Arch-top guitar with the tone turned down: round lines below 2 kHz and a soft thump at the onset."""
    make, cutoff = rng.uniform(0.25, 0.45), rng.uniform(1500, 2600)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency * _cents(hand.normal(0, 3)), min(seconds + 0.12, 3.0), make * (0.4 + 0.6 * velocity),
                  3.0 * (220 / frequency) ** 0.3, hand, 0.27, 0.5, ((130, 40, 5), (260, 60, 4)), 0.15)
    return _done(filtered(sound, "lowpass", cutoff * (0.6 + 0.8 * velocity)), 0.002, 0.1)


@_instrument("slide guitar")
def slide_guitar(frequency, seconds, velocity, rng):
    """A glass tube on the strings: every line slides up into its note as a curve and then waves widely."""
    make, depth = rng.uniform(0.5, 0.8), rng.uniform(0.007, 0.014)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency, min(seconds + 0.35, 4.0), make * (0.3 + 0.7 * velocity), 5.0, hand, 0.15, 1.2,
                  _GUITAR[1:])
    sound = _bent(sound, -hand.choice([0.5, 1.0, 2.0, 3.0]), hand.uniform(0.05, 0.09), depth, hand.uniform(4.5, 6.0))
    return _done(sound, 0.002, 0.25)


@_instrument("banjo")
def banjo(frequency, seconds, velocity, rng):
    """Banjo: bright, short strokes; the skin gives a broad bump from 400 to 1500 Hz and takes the sound away soon."""
    make, skin = rng.uniform(0.7, 0.95), rng.uniform(0.9, 1.15)
    hand = _hand(rng, frequency, seconds, velocity)
    head = ((450 * skin, 150, 6), (780 * skin, 260, 9), (1350 * skin, 500, 8), (3200, 1500, 5))
    sound = pluck(frequency * _cents(hand.normal(0, 4)), min(seconds + 0.25, 1.2), make * (0.3 + 0.7 * velocity),
                  0.9 * (300 / frequency) ** 0.3, hand, 0.09, 0.4, head, 0.4)
    return _done(sound, 0.001, 0.15)


@_instrument("mandolin")
def mandolin(frequency, seconds, velocity, rng):
    """Mandolin: two strings a few cents apart, so that each line beats; a long note is a quick row of strokes."""
    make, apart = rng.uniform(0.6, 0.9), _cents(rng.uniform(3, 9))
    hand = _hand(rng, frequency, seconds, velocity)
    wood = ((220, 60, 4), (430, 90, 6), (1100, 400, 4), (2800, 1200, 4))
    length, pace = min(seconds + 0.25, 3.0), hand.uniform(0.078, 0.092)
    stroke = sum(pluck(string, min(length, 1.2), make * (0.3 + 0.7 * velocity), 1.3, hand, 0.13, 0.5, wood)
                 for string in (frequency, frequency * apart))
    sound = np.zeros(samples(length))
    for count in range(1 if seconds < 0.55 else int(seconds / pace)):
        first = round((count * pace + hand.uniform(0, 0.008)) * SAMPLE_RATE)
        sound[first:] *= 0.3  # the plectrum stops the string before it plucks it again
        sound[first:first + len(stroke)] += hand.uniform(0.7, 1.0) * stroke[:len(sound) - first]
    return _done(sound, 0.001, 0.18)


@_instrument("harp")
def harp(frequency, seconds, velocity, rng):
    """Harp: plucked near the middle, so every second line is weak; a soft onset, and nothing stops the ringing."""
    make = rng.uniform(0.13, 0.25)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency, min(seconds + 0.6, 4.0), make * (0.3 + 0.7 * velocity), 5.0 * (220 / frequency) ** 0.5,
                  hand, 0.42 + hand.normal(0, 0.02), 0.7, ((180, 80, 4), (320, 90, 3)), 0.1)
    return _done(sound, 0.003, 0.4)


@_instrument("sitar")
def sitar(frequency, seconds, velocity, rng):
    """Sitar: the flat bridge buzzes, seen as a bright band that sinks from 5 to 1.5 kHz along each note; notes are
    bent, and the strings beside hum on."""
    make, speed = rng.uniform(0.7, 0.95), rng.uniform(1.5, 3.0)
    hand = _hand(rng, frequency, seconds, velocity)
    length = min(seconds + 0.45, 3.5)
    sound = pluck(frequency, length, make * (0.5 + 0.5 * velocity), 4.0, hand, 0.08, 2.5,
                  ((350, 120, 5), (900, 300, 4)))
    sound = _bent(sound, -hand.choice([0.0, 1.0, 2.0]), 0.09, 0.005)
    buzz = swept(sound, 1300 + (1000 + 3500 * velocity) * np.exp(-speed * moments(length)), 2.5, "bandpass")
    hum = pluck(2 * frequency, length, 0.3, 6.0, hand, 0.3)
    return _done(sound + 3 * buzz + 0.1 * fade(hum, length, 0), 0.001, 0.3)


@_instrument("oud")
def oud(frequency, seconds, velocity, rng):
    """Oud: pairs of gut strings over a deep bowl; dull, woody strokes that fade soon, some slid into without a fret."""
    make, apart = rng.uniform(0.25, 0.45), _cents(rng.uniform(2, 6))
    hand = _hand(rng, frequency, seconds, velocity)
    bowl = ((110, 30, 6), (190, 45, 6), (350, 80, 5), (1500, 700, 3))
    sound = sum(pluck(string, min(seconds + 0.3, 2.0), make * (0.3 + 0.7 * velocity), 1.5, hand, 0.12, 0.35, bowl, 0.4)
                for string in (frequency, frequency * apart))
    sound = levelled(_bent(sound, -hand.choice([0.0, 0.0, 1.0]), 0.06, 0.003), 1)
    return _done(_puff(sound, 0.015, 0.6, (1500, 6000), hand), 0.001, 0.2)


@_instrument("harpsichord")
def harpsichord(frequency, seconds, velocity, rng):
    """Harpsichord: plucked near the bridge, bright from the first moment and the same at every touch; a faint click
    where the key is let go."""
    make, four_foot, near = rng.uniform(0.75, 0.95), rng.choice([0.0, 0.7]), rng.uniform(0.06, 0.1)
    hand = _hand(rng, frequency, seconds, velocity)
    length, decay, box = min(seconds + 0.2, 3.5), 4.0 * (220 / frequency) ** 0.5, ((250, 120, 3), (1200, 800, 3))
    sound = pluck(frequency, length, make, decay, hand, near, 1.2, box)
    if four_foot:
        sound += four_foot * pluck(2.002 * frequency, length, make, 0.7 * decay, hand, near, 1.0)
    return _done(_puff(levelled(sound, 1), 0.02, 0.2, (800, 5000), hand, length - 0.15), 0.0005, 0.12)


# --- basses ---------------------------------------------------------------------------------------------------------

@_instrument("upright bass")
def upright_bass(frequency, seconds, velocity, rng):
    """Plucked double bass: a woody thump, then a few low lines, of which the second and third are the strongest."""
    make, slap = rng.uniform(0.07, 0.14), rng.uniform(0.3, 1.2)
    hand = _hand(rng, frequency, seconds, velocity)
    belly = ((62, 25, 3), (110, 35, 7), (220, 60, 5), (750, 400, 4))
    sound = pluck(frequency * _cents(hand.normal(0, 6)), min(seconds + 0.12, 2.5), make * (0.4 + 0.8 * velocity), 2.2,
                  hand, 0.3, 0.25, belly, 0.2)
    sound = levelled(_bent(sound, hand.choice([0.0, 0.0, -0.6]), 0.05, 0.002, 4.5), 1)
    return _done(_puff(sound, 0.02, slap * velocity ** 2, (500, 3500), hand), 0.004, 0.1)


@_instrument("electric bass")
def electric_bass(frequency, seconds, velocity, rng):
    """Electric bass, fingers: low lines that hold for the whole note, little above 1.5 kHz."""
    make, position = rng.uniform(0.12, 0.25), rng.uniform(0.12, 0.25)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = pluck(frequency, min(seconds + 0.05, 4.0), make * (0.4 + 0.8 * velocity), 6.0, hand, position, 1.0,
                  ((90, 80, 3), (700, 500, 3)), 0.15)
    return _done(filtered(sound, "lowpass", 3500), 0.003, 0.05)


@_instrument("picked bass")
def picked_bass(frequency, seconds, velocity, rng):
    """Electric bass with a plectrum: a click up to 5 kHz, then a dense ladder of lines that empties from above."""
    make, position = rng.uniform(0.4, 0.7), rng.uniform(0.07, 0.14)
    hand = _hand(rng, frequency, seconds, velocity)
    wires = ((100, 80, 3), (900, 600, 5), (2600, 1200, 5))
    sound = levelled(pluck(frequency, min(seconds + 0.04, 3.0), make * (0.3 + 0.7 * velocity), 5.0, hand, position, 0.8,
                           wires, 0.25), 1)
    return _done(filtered(_puff(sound, 0.008, velocity, (1500, 5000), hand), "lowpass", 5000), 0.001, 0.045)


@_instrument("synth bass")
def synth_bass(frequency, seconds, velocity, rng):
    """Synthesizer bass: many low harmonics at the onset, fewer as its filter closes; two oscillators beat slowly."""
    speed, top, sub, resonance = rng.uniform(5, 14), rng.uniform(900, 2600), rng.uniform(0.2, 0.8), rng.uniform(0.8, 3)
    length = seconds + 0.04
    cutoff = 3 * frequency + top * (0.2 + 1.2 * velocity) * np.exp(-speed * moments(length))
    sound = swept(tone(frequency, length, 1 / harmonics(frequency)), cutoff, resonance)
    return _done(sound + sub * tone(frequency * 1.002, length, np.array([1.0, 0.1]), start=0.3), 0.003, 0.04)


@_instrument("acid bass")
def acid_bass(frequency, seconds, velocity, rng):
    """Sawtooth through a whistling filter: in every note a bright spot runs down through the harmonics."""
    speed, resonance = rng.uniform(6, 16), rng.uniform(5, 11)
    floor, top = rng.uniform(200, 400), rng.uniform(1500, 3000)
    hand = _hand(rng, frequency, seconds, velocity)
    length = seconds + 0.03
    at = moments(length)
    slide = 2 ** (hand.choice([0, 0, 0, -5]) * np.exp(-at / 0.02) / 12)  # now and then from the note before
    cutoff = floor + top * (0.3 + 1.1 * velocity) * hand.uniform(0.75, 1.3) * np.exp(-speed * at)
    sound = tone(frequency, length, 1 / harmonics(frequency), slide)
    return _done(swept(swept(sound, cutoff, resonance), 2 * cutoff), 0.002, 0.03)


@_instrument("sub bass")
def sub_bass(frequency, seconds, velocity, rng):
    """Sub bass: one thick line that begins a little higher, and two or three faint ones above it."""
    drop, press = rng.uniform(0.0, 6.0), rng.uniform(0.05, 0.25)
    length = seconds + 0.12
    at = moments(length)
    spectra = np.array([[1, 0, press / 4], [1, press, press]])
    shift = 2 ** (drop * np.exp(-at / 0.02) / 12)
    return _done(tone(frequency, length, spectra, shift, velocity, np.exp(-0.7 * at)), 0.004, 0.1)


_STEPS = np.round(7.5 * np.abs(np.arange(32) / 8 - 2) - 7.5)  # one period of a triangle in 32 steps of 16 levels


@_instrument("chip triangle")
def chip_triangle(frequency, seconds, velocity, rng):
    """The console's bass: a triangle in 32 steps; one strong line, weak odd ones, and grit around the 31st and 33rd."""
    numbers = harmonics(frequency)
    strengths = np.abs(np.fft.fft(_STEPS))[numbers % 32] * np.abs(np.sinc(numbers / 32))
    return _done(tone(frequency, seconds + 0.005, strengths), 0.001, 0.005)


# --- bowed strings --------------------------------------------------------------------------------------------------

def _wood(rng: np.random.Generator, peaks: Peaks) -> Callable[[np.ndarray], np.ndarray]:
    """Gain of a wooden body over the frequency in Hz: the given broad peaks, and narrow ones that each make has."""
    rough = rng.normal(0, 6, 70)  # dB, ten an octave from 80 Hz

    def response(hertz: np.ndarray) -> np.ndarray:
        decibel = np.interp(10 * np.log2(hertz / 80), np.arange(len(rough)), rough)
        return formants(hertz, 1.0, peaks, 0.1) * 10 ** (decibel / 20)
    return response


def _bowed(frequency, seconds, velocity, hand, wood, attack, release, depth, slope, scratch, scoop=30.0):
    """One bow stroke. The first spectrum is the dull onset; the vibrato moves between the other two."""
    length, numbers = seconds + release, harmonics(frequency)
    at = moments(length)
    sway = vibrato(length, 1.0, hand.uniform(5.0, 6.2), hand.uniform(0.1, 0.25)) * (1 + 0.2 * wander(length, hand))
    source = numbers ** (0.5 * velocity - 0.25 - slope)
    spectra = _even(np.stack([wood(numbers * frequency) * source * np.exp(-numbers / 8),
                              wood(numbers * frequency * (1 - depth)) * source,
                              wood(numbers * frequency * (1 + depth)) * source]))
    bow = _onset(at, attack) * (1 + 0.11 * wander(length, hand, 5))
    shift = (1 + depth * sway) * (1 + 0.0012 * wander(length, hand)) * _cents(-scoop * np.exp(-at / 0.03))
    sound = tone(frequency, length, spectra, shift, np.minimum(1, at / attack) * (1.5 + 0.5 * sway), bow)
    sound += 0.04 * _air(frequency, length, spectra[2], hand, 0.25, bow)  # rosin on hair
    return _done(_puff(sound, 0.06, scratch * (0.5 + velocity), (1200, 6000), hand), 0.003, release)


@_instrument("violin")
def violin(frequency, seconds, velocity, rng):
    """Bowed violin: many parallel lines that wave with the vibrato, each swelling and sinking by itself as it passes
    the peaks of the body; a scratch at the onset."""
    wood = _wood(rng, ((280, 60, 0.6), (500, 150, 1.0), (1100, 400, 0.7), (2700, 900, 0.9)))
    depth, slope = rng.uniform(0.008, 0.014), rng.uniform(0.8, 1.0)
    hand = _hand(rng, frequency, seconds, velocity)
    return _bowed(frequency, seconds, velocity, hand, wood, 0.09 - 0.05 * velocity, 0.12, depth, slope, 0.25)


@_instrument("fiddle")
def fiddle(frequency, seconds, velocity, rng):
    """The violin as played for dances: quick, scratchy strokes without vibrato, so the lines are straight; some notes
    are slid into, and often an open string sounds along."""
    wood = _wood(rng, ((280, 60, 0.5), (550, 200, 1.0), (1300, 500, 0.9), (3000, 1000, 1.0)))
    slope, along = rng.uniform(0.6, 0.85), rng.choice([0.0, 0.25, 0.4])
    hand = _hand(rng, frequency, seconds, velocity)
    scoop = hand.choice([20.0, 20.0, 80.0, 160.0])
    sound = _bowed(frequency, seconds, velocity, hand, wood, 0.03, 0.07, 0.0015, slope, 0.5, scoop)
    open_string = max((string for string in (196.0, 293.7, 440.0) if string < frequency / 1.1), default=196.0)
    beside = _bowed(open_string, seconds, velocity, hand, wood, 0.03, 0.07, 0.001, slope, 0.2) if along else 0.0
    return _done(sound + along * beside, 0.003, 0.07)


@_instrument("cello")
def cello(frequency, seconds, velocity, rng):
    """Bowed cello: as the violin, an octave and a half below, darker, with a slower onset and vibrato."""
    wood = _wood(rng, ((110, 40, 0.6), (210, 80, 1.0), (480, 200, 0.8), (1300, 600, 0.4)))
    depth, slope = rng.uniform(0.004, 0.008), rng.uniform(0.85, 1.05)
    hand = _hand(rng, frequency, seconds, velocity)
    return _bowed(frequency, seconds, velocity, hand, wood, 0.13 - 0.06 * velocity, 0.15, depth, slope, 0.2)


def _desks(frequency, seconds, velocity, rng, hand, attack, release, level=1.0):
    """Four players of a string section, apart in pitch, vibrato and onset."""
    wood = _wood(rng, ((450, 250, 1.0), (1300, 700, 0.6), (2700, 900, 0.4)))
    length, numbers = seconds + release, harmonics(frequency)
    at = moments(length)
    source = numbers ** (0.5 * velocity - 1.35) * _soft_top(numbers * frequency)
    spectra = _even(np.stack([wood(numbers * frequency * shift) * source for shift in (0.992, 1.008)]))
    sound = np.zeros(samples(length))
    for player in range(4):
        sway = vibrato(length, 1.0, hand.uniform(4.6, 6.2), 0.1 * player)
        shift = _cents(hand.normal(0, 6)) * (1 + 0.005 * sway) * (1 + 0.0012 * wander(length, hand))
        bow = _onset(at, attack * hand.uniform(0.7, 1.3), 0.9) * (1 + 0.1 * wander(length, hand)) * level
        sound += tone(frequency, length, spectra, shift, 0.5 + 0.5 * sway, bow, hand.random())
    return sound


@_instrument("strings")
def strings(frequency, seconds, velocity, rng):
    """A string section: every line is broad and shimmers, for no two players agree; it swells and dies slowly."""
    attack = rng.uniform(0.12, 0.3)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _desks(frequency, seconds, velocity, rng, hand, attack * (1.3 - 0.6 * velocity), 0.35)
    return _done(sound, 0.01, 0.35)


@_instrument("tremolo strings")
def tremolo_strings(frequency, seconds, velocity, rng):
    """A string section with trembling bows: the broad lines are chopped ten to thirteen times a second, unevenly."""
    pace = rng.uniform(10, 13)
    hand = _hand(rng, frequency, seconds, velocity)
    at = moments(seconds + 0.2)
    strokes = np.abs(np.sin(np.pi * pace * at + 0.8 * wander(seconds + 0.2, hand, 6)))
    return _done(_desks(frequency, seconds, velocity, rng, hand, 0.06, 0.2, 0.2 + 0.8 * strokes), 0.005, 0.2)


# --- keys -----------------------------------------------------------------------------------------------------------

def _hammered(frequency, seconds, velocity, hand, hardness, detune, ring, knock):
    """Piano strings: stiff, so the lines lie above the multiples of the lowest; two strings a key, of which one gives
    its energy to the soundboard soon and the other slowly, so each line beats and falls in two slopes."""
    stiffness = 1.5e-4 * (frequency / 110) ** 1.4
    lines = stiff(frequency, 48, stiffness)
    numbers = np.arange(1, len(lines) + 1)
    hammer = np.exp(-lines / (hardness * (300 + 1700 * velocity) * (1 + frequency / 500)))
    strengths = np.abs(np.sin(np.pi * numbers / 7.7)) * hammer * hand.uniform(0.7, 1.3, len(lines))
    strengths[0] *= min(1.0, frequency / 90)  # the soundboard does not follow below 90 Hz
    decays = ring * 9 * (110 / frequency) ** 0.55 / (1 + lines / 1800)
    length = min(seconds + 0.15, 5.0)
    lines = np.append(lines, lines[:20] * _cents(detune))
    sound = partials(lines, np.append(strengths, 0.5 * strengths[:20]), np.append(0.4 * decays, 1.2 * decays[:20]),
                     length, hand.uniform(0, 0.7, len(lines)))
    board = partials(np.array([88.0, 137.0, 210.0]), knock * velocity * np.array([1, 0.8, 0.6]), 0.2, length)
    return _puff(levelled(sound, 1) + board, 0.025, knock * (0.3 + velocity), (300, 2500), hand)


@_instrument("piano")
def piano(frequency, seconds, velocity, rng):
    """Piano: a sharp onset with a knock, then lines that fade, the high ones sooner, slightly further apart than even
    steps; no line is missing but every eighth is weak."""
    hardness, detune, ring = rng.uniform(0.7, 1.3), rng.uniform(0.4, 1.8), rng.uniform(0.8, 1.2)
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_hammered(frequency, seconds, velocity, hand, hardness, detune, ring, 0.25), 0.001, 0.14)


@_instrument("felt piano")
def felt_piano(frequency, seconds, velocity, rng):
    """Piano with felt before the strings, heard from close by: dull, soft, little above 1.5 kHz; the mechanism is as
    loud as the notes' upper lines."""
    hardness, detune, ring = rng.uniform(0.25, 0.42), rng.uniform(0.5, 2.5), rng.uniform(0.5, 0.8)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _hammered(frequency, seconds, velocity, hand, hardness, detune, ring, 0.3)
    return _done(_puff(sound, 0.05, 0.12, (150, 5000), hand, hand.uniform(0.0, 0.03)), 0.004, 0.14)


@_instrument("honky-tonk piano")
def honky_tonk_piano(frequency, seconds, velocity, rng):
    """A neglected upright: the strings of a key disagree by up to a fifth of a semitone, so all lines beat quickly."""
    hardness, detune, ring = rng.uniform(1.3, 2.2), rng.uniform(9, 20), rng.uniform(0.5, 0.8)
    hand = _hand(rng, frequency, seconds, velocity)
    middle = frequency * _cents(hand.normal(0, 4) - detune / 3)
    return _done(_hammered(middle, seconds, velocity, hand, hardness, detune, ring, 0.35), 0.001, 0.12)


@_instrument("electric piano")
def electric_piano(frequency, seconds, velocity, rng):
    """Electric piano by frequency modulation: a bell-like ping far up at the onset, then two to four lines; struck
    hard, it barks."""
    tine, bark, bell = rng.choice([7.0, 11.0, 14.0]), rng.uniform(0.6, 1.6), rng.uniform(0.06, 0.25)
    length = min(seconds + 0.15, 4.0)
    at = moments(length)
    fall = np.exp(-at * 1.2 * (frequency / 220) ** 0.4)
    sound = modulated(frequency, length, 1.0, bark * (0.15 + 1.3 * velocity ** 1.5) * np.exp(-1.6 * at), fall)
    ping = modulated(frequency, length, tine, 0.25 + velocity, bell * (0.3 + velocity) * np.exp(-14 * at))
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_puff(sound + ping, 0.02, 0.1, (200, 2000), hand), 0.001, 0.12)


def _drawbars(frequency, seconds, stops):
    """The nine drawbars of an electric organ, at half the pitch and its multiples; the tones of the wheels are pure."""
    places = np.array([1, 3, 2, 4, 6, 8, 10, 12, 16])  # multiples of half the pitch
    strengths = np.zeros(16)
    strengths[places - 1] = stops
    return tone(frequency / 2, seconds, _even(strengths))


@_instrument("organ")
def organ(frequency, seconds, velocity, rng):
    """Organ: pure lines at octaves and fifths, of the same strength from beginning to end; a click where it begins."""
    stops = rng.uniform(0.0, 1.0, 9) * (0.6, 0.5, 1, 0.9, 0.7, 0.7, 0.3, 0.4, 0.4)
    stops[2] = 1.0
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _drawbars(frequency, seconds + 0.06, stops)
    return _done(_puff(sound, 0.006, 0.5, (1000, 6000), hand), 0.004, 0.06)


@_instrument("rock organ", drive=1.5)
def rock_organ(frequency, seconds, velocity, rng):
    """Electric organ through a driven, turning loudspeaker: lines tremble six times a second, a ping at each onset."""
    stops = rng.uniform(0.3, 1.0, 9) * (1, 0.9, 1, 0.8, 0.4, 0.5, 0.3, 0.3, 0.6)
    pace, depth = rng.uniform(5.8, 7.0), rng.uniform(0.15, 0.35)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _drawbars(frequency, seconds + 0.06, stops)
    at = moments(seconds + 0.06)
    turn = 2 * np.pi * (pace * at + hand.random())
    sound += tone(3 * frequency, seconds + 0.06, np.ones(1), level=(0.4 + velocity) * np.exp(-9 * at))
    beaming = swept(bend(sound, 1 + 0.003 * np.cos(turn)), 2500 + 1800 * np.sin(turn), 0.7)
    rippled = shaped(beaming, 1 - depth * (0.5 - 0.5 * np.sin(turn)))
    return _done(_puff(rippled, 0.006, velocity, (1000, 6000), hand), 0.003, 0.06)


def _reeds(frequency, seconds, velocity, hand, tunings, slope, peaks, attack, release):
    """Free reeds, one for each factor in `tunings`: rich in harmonics, beating against one another; bellows sway."""
    length = seconds + release
    numbers = harmonics(frequency)
    source = formants(numbers, frequency, peaks, 0.2) / numbers ** (slope + 0.25 - 0.5 * velocity)
    source *= _soft_top(numbers * frequency)
    spectra = _even(np.stack([source * np.exp(-numbers / 5), source]))
    at = moments(length)
    bellows = _onset(at, attack, 0.9) * (1 + 0.06 * wander(length, hand, 3))
    return sum(tone(frequency * tuning, length, spectra, 1 + 0.0006 * wander(length, hand),
                    np.minimum(1, at / (2 * attack)), bellows, hand.random()) for tuning in tunings)


@_instrument("harmonium")
def harmonium(frequency, seconds, velocity, rng):
    """Harmonium: reeds an octave apart, slow to speak; straight lines up to 5 kHz that breathe with the bellows."""
    apart, slope = _cents(rng.uniform(1, 4)), rng.uniform(0.7, 1.0)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _reeds(frequency, seconds, velocity, hand, (0.5, 1.0, apart), slope,
                   ((400, 250, 1.0), (1200, 500, 0.6), (2600, 800, 0.3)), 0.1, 0.15)
    return _done(_puff(sound, 0.04, 0.1, (200, 3000), hand), 0.01, 0.15)


@_instrument("accordion")
def accordion(frequency, seconds, velocity, rng):
    """Accordion: two or three reeds a little apart, so that all lines pulse, the high ones faster; rich up to 6 kHz."""
    apart, third = rng.uniform(6, 18), rng.random() < 0.5
    hand = _hand(rng, frequency, seconds, velocity)
    tunings = (_cents(-apart / 2), _cents(apart / 2), *((0.5,) if third else ()))
    sound = _reeds(frequency, seconds, velocity, hand, tunings, 0.55,
                   ((600, 300, 0.8), (1500, 600, 1.0), (3200, 1000, 0.6)), 0.03, 0.06)
    return _done(_puff(sound, 0.012, 0.3, (500, 4000), hand), 0.004, 0.06)


def _bar(frequency, length, ratios, strengths, decays, softness, velocity, hand):
    """A tuned bar: few lines, far apart, the upper ones gone at once."""
    lines = frequency * np.array(ratios)
    mallet = np.exp(-lines / (softness * (0.4 + 1.2 * velocity)))
    return partials(lines, np.array(strengths) * mallet, np.array(decays), length, hand.uniform(0, 0.5, len(lines)))


@_instrument("celesta")
def celesta(frequency, seconds, velocity, rng):
    """Celesta: felt hammers on steel plates; a soft line with one or two glassy ones high above, ringing on."""
    glass = rng.uniform(0.15, 0.4)
    hand = _hand(rng, frequency, seconds, velocity)
    ring = 3.0 * (500 / frequency) ** 0.4
    sound = levelled(_bar(frequency, min(seconds + 0.6, 3.0), (1, 2.0, 4.05, 6.9, 10.8), (1, 0.12, glass, 0.12, 0.08),
                          (ring, ring / 2, ring / 3, ring / 6, ring / 9), 5000, velocity, hand), 1)
    return _done(_puff(sound, 0.01, 0.25, (800, 4000), hand), 0.001, 0.4)


@_instrument("vibraphone")
def vibraphone(frequency, seconds, velocity, rng):
    """Vibraphone: long pure lines at one and four times the pitch whose level goes up and down with the motor."""
    pace, depth = rng.uniform(3.5, 6.5), rng.uniform(0.2, 0.6)
    hand = _hand(rng, frequency, seconds, velocity)
    length, ring = min(seconds + 0.5, 4.0), 7.0 * (220 / frequency) ** 0.5
    sound = levelled(_bar(frequency, length, (1, 3.98, 10.1), (1, 0.35, 0.15), (ring, ring / 4, ring / 20), 3000,
                          velocity, hand), 1)
    motor = 1 - depth * (0.5 - 0.5 * np.cos(2 * np.pi * pace * moments(length)))
    return _done(shaped(_puff(sound, 0.008, 0.2, (500, 3000), hand), motor), 0.001, 0.3)


@_instrument("marimba")
def marimba(frequency, seconds, velocity, rng):
    """Marimba: wooden bars; a short round line, one at four times the pitch that is gone at once, and a knock."""
    wood = rng.uniform(0.8, 1.3)
    hand = _hand(rng, frequency, seconds, velocity)
    ring = wood * 1.3 * (220 / frequency) ** 0.7
    sound = levelled(_bar(frequency, min(seconds + 0.4, 1.5), (1, 3.93, 9.6), (1, 0.4, 0.3),
                          (ring, ring / 5, ring / 12), 2500, velocity, hand), 1)
    return _done(_puff(sound, 0.012, 0.2 + 0.6 * velocity, (300, 2500), hand), 0.001, 0.25)


# --- winds ----------------------------------------------------------------------------------------------------------

def _blown(frequency, seconds, velocity, hand, spectra, attack=0.04, release=0.07, depth=0.004, rate=5.2, breath=0.03,
           scoop=25.0, others=0):
    """A held breath. `spectra` (m, h) go from soft to loud: brightness follows loudness, through onset and vibrato.
    `others` play the same, a little apart in pitch and onset."""
    length = seconds + release
    at = moments(length)
    sway = vibrato(length, 1.0, rate * hand.uniform(0.93, 1.07), hand.uniform(0.15, 0.35))
    unrest = wander(length, hand)
    pressure = _onset(at, attack) * (1 + 0.07 * unrest + 25 * depth * sway)
    shift = (1 + depth * sway + 0.001 * unrest) * _cents(-scoop * np.exp(-at / 0.03))
    spectra = _even(spectra * _soft_top(frequency * np.arange(1, spectra.shape[1] + 1)))
    effort = (len(spectra) - 1) * pressure * (0.15 + 0.95 * velocity)
    sound = tone(frequency, length, spectra, shift, effort, pressure)
    for _ in range(others):
        late = np.minimum(1, at / hand.uniform(0.02, 0.12))
        near = frequency * _cents(hand.normal(0, 9))
        sound += tone(near, length, spectra, shift + 0.0015 * wander(length, hand), effort * late, pressure * late)
    air = _air(frequency, length, _even(np.sqrt(spectra[-1])), hand, 0.3, breath * (pressure + np.exp(-at / 0.04)))
    return fade(sound + air, 0.004, release)


def _slopes(numbers: np.ndarray, soft: float, loud: float, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """Four spectra from soft to loud, which fall with powers of the harmonic's number: (4, h)."""
    return weights * numbers[None, :] ** -np.linspace(soft, loud, 4)[:, None]


@_instrument("flute")
def flute(frequency, seconds, velocity, rng):
    """Flute: two to four lines whose strength waves with the vibrato, and the breath as a cloud around and above."""
    breath, rate = rng.uniform(0.06, 0.14), rng.uniform(4.6, 5.6)
    hand = _hand(rng, frequency, seconds, velocity)
    spectra = _slopes(harmonics(frequency, 6000), 3.6, 1.7) * np.exp(-harmonics(frequency, 6000) * frequency / 3000)
    sound = _blown(frequency, seconds, velocity, hand, spectra, 0.05, 0.08, 0.004, rate, breath, 20)
    return _done(_puff(sound, 0.06, 0.25 + 0.3 * velocity, (1000, 6000), hand), 0.006, 0.08)


@_instrument("pan flute")
def pan_flute(frequency, seconds, velocity, rng):
    """Pan flute: a spit of breath, then one strong line with weak odd ones in a cloud of air; the pitch rises into
    place."""
    breath = rng.uniform(0.18, 0.35)
    hand = _hand(rng, frequency, seconds, velocity)
    numbers = harmonics(frequency, 6000)
    spectra = _slopes(numbers, 3.6, 1.5, np.where(numbers % 2, 1.0, 0.3))
    sound = _blown(frequency, seconds, velocity, hand, spectra, 0.04, 0.1, 0.005, 4.8, breath, hand.uniform(30, 150))
    return _done(_puff(sound, 0.07, 0.7 * (0.4 + velocity), (700, 5000), hand), 0.004, 0.1)


@_instrument("oboe")
def oboe(frequency, seconds, velocity, rng):
    """Oboe: a weak lowest line and strong ones near 1100 and 2800 Hz; the tone is there at once."""
    narrow = rng.uniform(0.8, 1.2)
    hand = _hand(rng, frequency, seconds, velocity)
    numbers = harmonics(frequency)
    peaks = formants(numbers, frequency, ((1150, 300 * narrow, 1.0), (2900, 600 * narrow, 0.45)), 0.08)
    sound = _blown(frequency, seconds, velocity, hand, _slopes(numbers, 1.3, 0.2, peaks), 0.03, 0.06, 0.005, 5.3, 0.02)
    return _done(sound, 0.004, 0.06)


@_instrument("clarinet")
def clarinet(frequency, seconds, velocity, rng):
    """Clarinet: of the lowest six lines every second is nearly missing; no vibrato; dark and round when soft."""
    even = rng.uniform(0.04, 0.12)
    hand = _hand(rng, frequency, seconds, velocity)
    numbers = harmonics(frequency)
    closed = np.where(numbers % 2, 1.0, np.clip(even * numbers / 2, 0, 0.8))
    weights = closed * formants(numbers, frequency, ((500, 900, 1.0), (2000, 900, 0.4)), 0.12)
    sound = _blown(frequency, seconds, velocity, hand, _slopes(numbers, 2.2, 0.6, weights), 0.05, 0.06, 0.0012, 4.8,
                   0.02)
    return _done(sound, 0.005, 0.06)


@_instrument("saxophone")
def saxophone(frequency, seconds, velocity, rng):
    """Saxophone: dense lines, strongest from 500 to 1500 Hz, that scoop up into the note and wave late and widely;
    breath between them."""
    reed, breath, depth = rng.uniform(0.9, 1.2), rng.uniform(0.04, 0.12), rng.uniform(0.005, 0.010)
    hand = _hand(rng, frequency, seconds, velocity)
    numbers = harmonics(frequency)
    horn = formants(numbers, frequency, ((620 * reed, 350, 1.0), (1350 * reed, 450, 0.7), (3000, 900, 0.3)), 0.1)
    sound = _blown(frequency, seconds, velocity, hand, _slopes(numbers, 1.6, 0.2, horn), 0.05, 0.08, depth, 5.0, breath,
                   hand.choice([20.0, 60.0, 150.0]))
    return _done(_puff(sound, 0.04, 0.2, (600, 4000), hand), 0.004, 0.08)


def _brass(frequency, seconds, velocity, hand, bell, attack, release, depth, scoop, others=0):
    """Lips and a bell: what is above `bell` Hz comes only when blown hard, so each onset is a wedge."""
    numbers = harmonics(frequency)
    hertz = numbers * frequency
    cutoffs = bell * np.array([0.35, 0.7, 1.5, 3.0])[:, None]
    spectra = np.sqrt(hertz / bell / (1 + (hertz / bell) ** 2)) / numbers ** 0.3 / (1 + (hertz / cutoffs) ** 2.5)
    sound = _blown(frequency, seconds, velocity, hand, spectra, attack * (1.4 - 0.7 * velocity), release, depth, 5.3,
                   0.02, scoop, others)
    return _puff(sound, 0.025, 0.15 * velocity, (300, 2500), hand)


@_instrument("trumpet")
def trumpet(frequency, seconds, velocity, rng):
    """Trumpet: the higher lines come a moment after the lower and go first, so each note begins as a wedge; the
    strongest lie near 1200 Hz."""
    bell, depth = rng.uniform(1100, 1500), rng.uniform(0.002, 0.006)
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_brass(frequency, seconds, velocity, hand, bell, 0.05, 0.06, depth, 30), 0.003, 0.06)


@_instrument("muted trumpet")
def muted_trumpet(frequency, seconds, velocity, rng):
    """Trumpet with a mute: thin and nasal, the low lines nearly gone, a narrow crest between 1500 and 3000 Hz."""
    crest, depth = rng.uniform(1500, 2300), rng.uniform(0.003, 0.007)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = levelled(_brass(frequency, seconds, velocity, hand, 1800, 0.04, 0.05, depth, 40), 1)
    return _done(0.1 * sound + filtered(sound, "bandpass", (0.85 * crest, 1.6 * crest)), 0.003, 0.05)


@_instrument("trombone")
def trombone(frequency, seconds, velocity, rng):
    """Trombone: the trumpet an octave below; the slide draws some notes up from a semitone or two beneath."""
    bell = rng.uniform(520, 700)
    hand = _hand(rng, frequency, seconds, velocity)
    scoop = hand.choice([25.0, 25.0, 150.0])
    return _done(_brass(frequency, seconds, velocity, hand, bell, 0.06, 0.07, 0.003, scoop), 0.004, 0.07)


@_instrument("horn")
def horn(frequency, seconds, velocity, rng):
    """French horn: a hand in the bell; few lines, round, strongest near 400 Hz, swelling in slowly."""
    bell = rng.uniform(380, 480)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _brass(frequency, seconds, velocity, hand, bell, 0.09, 0.12, 0.0015, 40)
    return _done(filtered(sound, "lowpass", 1800, 1), 0.006, 0.12)


@_instrument("brass section")
def brass_section(frequency, seconds, velocity, rng):
    """Three brass players: as the trumpet, but each line is broad and the onset a little ragged."""
    bell, attack = rng.uniform(800, 1300), rng.uniform(0.03, 0.06)
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_brass(frequency, seconds, velocity, hand, bell, attack, 0.07, 0.003, 40, others=2), 0.003, 0.07)


@_instrument("harmonica")
def harmonica(frequency, seconds, velocity, rng):
    """Harmonica: a reed whose lines bend up into the note and whose level the hands wave; bright from 1 to 4 kHz."""
    slope, pace = rng.uniform(0.5, 0.8), rng.uniform(4.5, 6.0)
    hand = _hand(rng, frequency, seconds, velocity)
    numbers = harmonics(frequency)
    cover = formants(numbers, frequency, ((900, 500, 0.6), (2100, 700, 1.0), (3600, 800, 0.5)), 0.15)
    sound = _blown(frequency, seconds, velocity, hand, _slopes(numbers, slope + 0.7, slope - 0.2, cover), 0.035, 0.07,
                   0.005, pace, 0.07, hand.choice([20.0, 60.0, 130.0]))
    return _done(_puff(sound, 0.05, 0.15, (800, 5000), hand), 0.004, 0.07)


@_instrument("tape flute")
def tape_flute(frequency, seconds, velocity, rng):
    """Keys that play tapes of flutes: the flute's few lines, but fluttering, dull above 4 kHz, cut on and off, with
    hiss."""
    flutter, rate, top = rng.uniform(0.001, 0.003), rng.uniform(7, 11), rng.uniform(3000, 4500)
    hand = _hand(rng, frequency, seconds, velocity)
    length, numbers = seconds + 0.04, harmonics(frequency, 5000)
    at = moments(length)
    shift = 1 + flutter * np.sin(2 * np.pi * rate * at + hand.uniform(0, 6)) + flutter * wander(length, hand, 6)
    players = 1 + 0.15 * np.sin(2 * np.pi * 4.9 * at + hand.uniform(0, 6))
    spectrum = _even(numbers ** (0.6 * velocity - 2.6))
    sound = sum(tone(frequency * _cents(cents), length, spectrum, shift, level=players * np.minimum(1, 0.4 + at / 0.1))
                for cents in (0, rng.uniform(4, 9)))
    sound += _air(frequency, length, spectrum, hand, 0.25, 0.1) + 0.02 * noise(length, hand)
    return _done(filtered(sound, "lowpass", top), 0.008, 0.03)


# --- voices ---------------------------------------------------------------------------------------------------------

_VOWELS = np.array([[730, 1090, 2440], [660, 1720, 2410], [530, 1840, 2480], [300, 2250, 2950],  # ah, ae, eh, ee
                    [500, 900, 2400], [320, 870, 2240], [520, 1190, 2390]])                      # oh, oo, uh


_HIGHER = np.array([3400, 4300, 5400, 6500, 7600, 8700])  # Hz; these resonances do not move with the vowel


def _throat(hertz: np.ndarray, vowels: np.ndarray, size: float) -> np.ndarray:
    """Gains (m, h) of a throat whose three lowest resonances are `vowels` (m, 3) Hz; `size` above 1 is a short one."""
    centres = size * np.concatenate([vowels, np.broadcast_to(_HIGHER, (len(vowels), len(_HIGHER)))], axis=1)
    centres[:, 0] = np.maximum(centres[:, 0], 1.02 * hertz[0])  # singers open the mouth: it stays above the pitch
    centres = centres[:, :, None]
    powers = centres ** 4 / ((centres ** 2 - hertz ** 2) ** 2 + ((50 + 0.045 * centres) * hertz) ** 2)
    return np.sqrt(np.prod(powers, axis=1))


def _consonant(seconds: float, sharp: float, hand: np.random.Generator) -> tuple[np.ndarray, float]:
    """A hiss, a burst or nothing, and when the vowel begins after it, in seconds."""
    kind = hand.choice(4, p=(0.25, 0.2, 0.3, 0.25))
    low, high, lasting = ((4000, 9500, 0.09), (1800, 6000, 0.08), (2500, 8000, 0.025), (300, 900, 0.03))[kind]
    lasting = min(lasting, 0.3 * seconds + 0.01)
    burst = fade(filtered(noise(lasting, hand), "bandpass", (low, high)), 0.6 * lasting if kind < 2 else 0.001, 0.01)
    return sharp * burst, 0.8 * lasting if kind < 2 else 0.015


def _sung(frequency, seconds, velocity, hand, size, shift, slope, sharp, air, attack, release):
    """One syllable: a consonant, then harmonics whose crests slide from the consonant's place over two vowels."""
    length, numbers = seconds + release, harmonics(frequency)
    at = moments(length)
    begun = hand.integers(len(_VOWELS))
    first, second = _VOWELS[begun], _VOWELS[begun - hand.integers(1, len(_VOWELS))]
    near = (first + np.array([350, 1700, 2500])) / 2  # the mouth is still half closed
    mouths = np.array([near, first, 0.7 * first + 0.3 * second, 0.3 * first + 0.7 * second])
    gains = _throat(numbers * frequency, mouths, size)
    spectra = _even(gains / numbers ** slope)
    burst, begin = _consonant(seconds, sharp, hand)
    voiced = np.clip((at - begin) / attack, 0, 1) * (1 + 0.08 * wander(length, hand, 5)) * (1 - 0.25 * at / length)
    place = np.interp(at, (0, begin + 0.06, begin + 0.07 + 0.4 * seconds, begin + 0.08 + 0.9 * seconds), (0, 1, 1.2, 3))
    sound = tone(frequency, length, spectra, shift, place, voiced)
    sound += _air(frequency, length, _even(gains[1] * np.sqrt(numbers)), hand, 0.3, air * voiced)
    sound = fade(sound, 0.003, release)
    sound[:len(burst)] += burst[:len(sound)]
    return sound


def _melody_line(length, hand, depth, scoop):
    """The pitch of a singer: rises into the note, a little past it and back, begins to wave after a third of a second
    and sinks at the end; some long notes have a turn over the note above."""
    at = moments(length)
    cents = 9 * wander(length, hand, 6) - scoop * np.exp(-(at / 0.07) ** 2) + 15 * np.exp(-((at - 0.17) / 0.05) ** 2)
    cents -= hand.uniform(0, 120) * np.clip(1 - (length - at) / 0.1, 0, 1) ** 2
    if length > 0.6 and hand.random() < 0.35:
        cents += 200 * np.exp(-((at - hand.uniform(0.3, 0.6) * length) / 0.05) ** 4)
    return _cents(cents) * (1 + vibrato(length, depth, hand.uniform(5.0, 6.2), hand.uniform(0.2, 0.4), 0.4))


@_instrument("voice")
def voice(frequency, seconds, velocity, rng):
    """A singer: lines that rise into the note, waver and then wave; bright crests that move as the vowel changes; a
    patch of hiss above 3 kHz where there is a consonant."""
    size, depth, slope = rng.uniform(0.9, 1.18), rng.uniform(0.008, 0.015), rng.uniform(0.9, 1.15)
    hand = _hand(rng, frequency, seconds, velocity)
    shift = _melody_line(seconds + 0.07, hand, depth, hand.choice([40.0, 120.0, 200.0]))
    sound = _sung(frequency, seconds, velocity, hand, size, shift, slope + 0.3 - 0.8 * velocity, 0.5, 0.03, 0.035, 0.07)
    return _done(sound, 0.002, 0.07)


@_instrument("soft voice")
def soft_voice(frequency, seconds, velocity, rng):
    """A singer close to the microphone: few strong lines, much breath between them, soft consonants, late vibrato."""
    size, depth, breath = rng.uniform(0.95, 1.2), rng.uniform(0.002, 0.006), rng.uniform(0.1, 0.25)
    hand = _hand(rng, frequency, seconds, velocity)
    shift = _melody_line(seconds + 0.1, hand, depth, hand.choice([30.0, 100.0]))
    sound = _sung(frequency, seconds, velocity, hand, size, shift, 1.8 - 0.7 * velocity, 0.3, breath, 0.06, 0.1)
    return _done(sound, 0.004, 0.1)


@_instrument("choir")
def choir(frequency, seconds, velocity, rng):
    """A choir on open vowels: broad lines without a sharp onset, crests near 600, 1000 and 2500 Hz that move slowly."""
    sizes = rng.uniform(0.88, 1.15, 4)
    hand = _hand(rng, frequency, seconds, velocity)
    length, numbers = seconds + 0.3, harmonics(frequency)
    at = moments(length)
    vowels = _VOWELS[[0, hand.choice([4, 5, 6])]]
    sound = np.zeros(samples(length))
    for size in sizes:
        spectra = _even(_throat(numbers * frequency, vowels, size) / numbers ** (1.5 - 0.7 * velocity))
        shift = _cents(hand.normal(0, 9) + 8 * wander(length, hand)) * (
            1 + vibrato(length, 0.006, hand.uniform(4.8, 6.2), 0.1))
        breath = _onset(at, hand.uniform(0.12, 0.3))
        sound += tone(frequency, length, spectra, shift, at / length, breath, hand.random())
    return _done(sound + _air(frequency, length, spectra[0], hand, 0.3, 0.1), 0.02, 0.3)


@_instrument("rap voice", takes=3)
def rap_voice(frequency, seconds, velocity, rng):
    """Speech: close lines that fall, or rise and fall, by several semitones within each short syllable, never the same
    way; strong hisses between."""
    size, slope, liveliness = rng.uniform(0.88, 1.08), rng.uniform(0.7, 1.0), rng.uniform(0.7, 1.4)
    hand = _hand(rng, frequency, seconds, velocity)
    lasting = min(seconds, hand.uniform(0.14, 0.3))
    part = moments(lasting + 0.04) / (lasting + 0.04)
    begin, fall, accent = hand.uniform(-2, 4), hand.uniform(0, 8), hand.normal(0, 2.5)
    semitones = liveliness * (begin - fall * part ** 1.3 + accent * np.sin(np.pi * part))
    semitones += 0.2 * wander(lasting + 0.04, hand, 12)
    sound = _sung(frequency, lasting, velocity, hand, size, 2 ** (semitones / 12), slope + 0.2 - 0.5 * velocity, 0.9,
                  0.06, 0.015, 0.04)
    return _done(sound, 0.001, 0.04)


def _rough(sound, pace, depth, hand):
    """Vocal folds that beat irregularly: the level shakes `pace` times a second, so lines get sidelines."""
    at = moments(len(sound) / SAMPLE_RATE)
    shaking = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * pace * at + 2 * wander(len(sound) / SAMPLE_RATE, hand, 20)))
    return shaped(sound, shaking)


@_instrument("shout voice", drive=3.0, takes=2)
def shout_voice(frequency, seconds, velocity, rng):
    """Shouted syllables: flat or falling pitch, no vibrato, rough; strong up to 4 kHz."""
    size, pace = rng.uniform(0.95, 1.15), rng.uniform(50, 90)
    hand = _hand(rng, frequency, seconds, velocity)
    length = seconds + 0.05
    part = moments(length) / length
    shift = _cents(-100 * np.exp(-part / 0.08) - hand.uniform(0, 150) * part ** 3 + 15 * wander(length, hand, 10))
    sound = _sung(frequency, seconds, velocity, hand, size, shift, 0.8 - 0.6 * velocity, 0.7, 0.12, 0.02, 0.05)
    return _done(_rough(sound, pace, 0.35, hand), 0.002, 0.05)


@_instrument("growl voice", drive=6.0, takes=2)
def growl_voice(frequency, seconds, velocity, rng):
    """Growled syllables, deep in the throat: hardly any lines, a rough cloud with crests at 500 and 1200 Hz that move
    with the vowel."""
    size, pace = rng.uniform(0.72, 0.85), rng.uniform(28, 45)
    hand = _hand(rng, frequency, seconds, velocity)
    deep, length = frequency / 2 ** max(0, np.ceil(np.log2(frequency / 110))), seconds + 0.08
    shift = np.clip(1 + 0.12 * hand.standard_normal(len(moments(length))), 0.3, 1.8)
    sound = _sung(deep, seconds, velocity, hand, size, shift, 0.6 - 0.4 * velocity, 0.5, 0.3, 0.03, 0.08)
    return _done(_rough(sound, pace, 0.6, hand), 0.003, 0.08)


# --- synthesizers ---------------------------------------------------------------------------------------------------

def _pulse(numbers: np.ndarray, duty: float) -> np.ndarray:
    return np.sin(np.pi * numbers * duty) / numbers


@_instrument("pulse lead")
def pulse_lead(frequency, seconds, velocity, rng):
    """Pulse wave of a games console: dead straight lines, on and off at once, which begin to wave after a while; the
    width of the pulse decides which are missing."""
    duty, late = rng.choice([0.125, 0.25, 0.5]), rng.uniform(0.15, 0.4)
    shift = 1 + np.sign(vibrato(seconds, 1.0, 6.7, late, 0.01)) * 0.005  # the chip knows two pitches, no curve between
    sound = tone(frequency, seconds, _pulse(harmonics(frequency), duty), shift)
    return _done(sound, 0.001, 0.006)


@_instrument("pulse pluck")
def pulse_pluck(frequency, seconds, velocity, rng):
    """The same pulse wave with a level that falls in steps, as console chips count it down."""
    duty, pace = rng.choice([0.125, 0.25, 0.5]), rng.choice([15.0, 30.0, 60.0])
    steps = np.clip(15 - np.floor(moments(seconds) * pace), 2, 15) / 15
    return _done(tone(frequency, seconds, _pulse(harmonics(frequency), duty), level=steps), 0.001, 0.005)


@_instrument("saw lead")
def saw_lead(frequency, seconds, velocity, rng):
    """Sawtooth lead: all harmonics up to a resonance of the filter; two oscillators beat; it glides into the note."""
    cutoff, apart, glide = rng.uniform(1500, 5000), _cents(rng.uniform(4, 12)), rng.choice([0.0, 1.0, 3.0])
    hand = _hand(rng, frequency, seconds, velocity)
    length, numbers = seconds + 0.06, harmonics(frequency)
    at = moments(length)
    shift = 2 ** (-glide * np.exp(-at / 0.02) / 12) * (1 + vibrato(length, 0.005, 5.6, 0.25))
    saw = numbers ** (0.4 * velocity - 1.3)
    sound = tone(frequency, length, saw, shift) + tone(frequency * apart, length, saw, shift, start=hand.random())
    return _done(swept(sound, cutoff * (0.4 + 0.9 * velocity) * (1 + 0.5 * np.exp(-at / 0.1)), 1.6), 0.006, 0.06)


@_instrument("saw pluck")
def saw_pluck(frequency, seconds, velocity, rng):
    """Short synthesizer notes: the filter closes within a fifth of a second, so each is a wedge, tall at the onset."""
    speed, apart, resonance = rng.uniform(10, 22), _cents(rng.uniform(3, 14)), rng.uniform(0.7, 2.5)
    length, numbers = min(seconds + 0.15, 0.6), harmonics(frequency)
    at = moments(length)
    sound = tone(frequency, length, 1 / numbers) + tone(frequency * apart, length, 1 / numbers, start=0.4)
    closing = swept(sound, frequency + (2000 + 6000 * velocity) * np.exp(-speed * at), resonance)
    return _done(shaped(closing, np.exp(-0.3 * speed * at)), 0.002, 0.1)


@_instrument("sine lead")
def sine_lead(frequency, seconds, velocity, rng):
    """Nearly pure tone: one line that glides into place and waves, and a faint one or two above it."""
    second, glide = rng.uniform(0.02, 0.2), rng.uniform(0.5, 4.0)
    hand = _hand(rng, frequency, seconds, velocity)
    length = seconds + 0.08
    at = moments(length)
    shift = 2 ** (hand.choice([-1, 1]) * glide * np.exp(-at / 0.025) / 12) * (1 + vibrato(length, 0.008, 5.2, 0.15))
    strengths = np.array([1, second * (0.3 + velocity), second / 3 * velocity])
    return _done(tone(frequency, length, strengths, shift, level=1 + 0.05 * wander(length, hand)), 0.015, 0.08)


@_instrument("supersaw")
def supersaw(frequency, seconds, velocity, rng):
    """Six detuned sawtooths: broad, shimmering lines in all bands."""
    spread = rng.uniform(8, 22)  # cents
    hand = _hand(rng, frequency, seconds, velocity)
    strengths = harmonics(frequency) ** (0.35 * velocity - 1.3)
    sound = sum(tone(frequency * _cents(spread * place), seconds + 0.12, strengths, start=hand.random())
                for place in (-1.0, -0.55, -0.18, 0.2, 0.6, 1.0))
    return _done(filtered(sound, "highpass", 0.7 * frequency, 1), 0.006, 0.12)


@_instrument("warm pad")
def warm_pad(frequency, seconds, velocity, rng):
    """Soft pad: low lines that swell in slowly and beat; the border above which it is dark wanders up and down."""
    slope, pace, attack = rng.uniform(1.6, 2.2), rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.4)
    hand = _hand(rng, frequency, seconds, velocity)
    length, numbers = seconds + 0.45, harmonics(frequency)
    at = moments(length)
    spectra = _even(np.stack([numbers ** (0.6 * velocity - slope - 0.8), numbers ** (0.8 * velocity - slope - 0.2)]))
    border = 0.5 + 0.5 * np.sin(2 * np.pi * (pace * at + hand.random()))
    sound = sum(tone(frequency * _cents(cents), length, spectra, 1 + 0.001 * wander(length, hand, 2), border,
                     np.minimum(1, at / attack) ** 1.5, hand.random()) for cents in (-6, 0, 7))
    return _done(sound, 0.02, 0.45)


@_instrument("glass pad")
def glass_pad(frequency, seconds, velocity, rng):
    """Glassy pad: a pure line, and far above it faint ones off the harmonic row that come and go by themselves."""
    ratio, pace, attack = rng.choice([3.01, 5.02, 7.03]), rng.uniform(0.3, 0.9), rng.uniform(0.08, 0.3)
    hand = _hand(rng, frequency, seconds, velocity)
    length = seconds + 0.5
    at = moments(length)
    swell = np.minimum(1, at / attack)
    glitter = (0.1 + 0.5 * velocity) * (0.6 + 0.4 * np.sin(2 * np.pi * (pace * at + hand.random())))
    sound = modulated(frequency, length, ratio, glitter, swell)
    high = 0.3 * swell * (1 + 0.4 * wander(length, hand, 2))
    sound += modulated(2 * frequency * _cents(5), length, 3.5, 0.4 * glitter, high)
    return _done(sound, 0.02, 0.5)


@_instrument("dark drone")
def dark_drone(frequency, seconds, velocity, rng):
    """A low carpet: a few thick lines that beat slowly, with a rumble between them and a murky border at 300 to
    900 Hz."""
    floor, fifth, attack = rng.uniform(250, 500), rng.choice([0.0, 0.4]), rng.uniform(0.2, 0.6)
    hand = _hand(rng, frequency, seconds, velocity)
    length, numbers = seconds + 0.55, harmonics(frequency, 4000)
    at = moments(length)
    sound = 0.15 * noise(length, hand)
    for ratio, level in ((1, 1.0), (_cents(9), 0.8), (0.5, 0.6), (1.498, fifth)):
        drift = 1 + 0.002 * wander(length, hand, 1.5)
        sound += tone(frequency * ratio, length, level / numbers, drift, start=hand.random())
    border = floor * (0.7 + 0.9 * velocity) * np.clip(1 + 0.35 * wander(length, hand, 1.0), 0.3, 2.5)
    return _done(shaped(swept(sound, border, 1.2), np.minimum(1, at / attack)), 0.02, 0.55)


@_instrument("synth brass")
def synth_brass(frequency, seconds, velocity, rng):
    """Synthesizer brass: sawtooths through a filter that opens in the first tenth of a second, so each onset is a
    ramp upward."""
    opening, apart = rng.uniform(0.03, 0.12), _cents(rng.uniform(5, 12))
    length, numbers = seconds + 0.1, harmonics(frequency)
    at = moments(length)
    cutoff = 300 + (1000 + 4500 * velocity) * (1 - np.exp(-at / opening)) * (0.6 + 0.4 * np.exp(-at / 0.4))
    sound = tone(frequency, length, 1 / numbers) + tone(frequency * apart, length, 1 / numbers, start=0.3)
    return _done(swept(sound, cutoff, 1.1), 0.008, 0.1)


# --- guitars for the amplifier, which stands behind the whole part: see effects.py -----------------------------------

def _into_amplifier(frequency, length, velocity, hand, make, position, decay, bright_decay=1.5):
    """A string over a pickup, nothing else: what the amplifier makes of it depends on the other strings, too."""
    sound = levelled(pluck(frequency * _cents(hand.normal(0, 3)), length, make * (0.35 + 0.65 * velocity), decay, hand,
                           position + hand.normal(0, 0.01), bright_decay, scrape=0.3), 1)
    return _puff(sound, 0.008, 0.4 * velocity, (800, 5000), hand)


@_instrument("crunch guitar", drive=4.0)
def crunch_guitar(frequency, seconds, velocity, rng):
    """Guitar through an amplifier at its limit: a carpet of lines at the stroke, thinner as the strings fade."""
    make, position = rng.uniform(0.4, 0.75), rng.uniform(0.1, 0.2)
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_into_amplifier(frequency, min(seconds + 0.05, 4.0), velocity, hand, make, position, 4.0), 0.001, 0.05)


@_instrument("distorted guitar", drive=14.0)
def distorted_guitar(frequency, seconds, velocity, rng):
    """Guitar through an overdriven amplifier: a dense carpet of lines up to 5 kHz at nearly constant level. The drive
    works on the sum of the strings, so chords get lines at sums and differences of their notes."""
    make, position = rng.uniform(0.4, 0.8), rng.uniform(0.08, 0.16)
    hand = _hand(rng, frequency, seconds, velocity)
    return _done(_into_amplifier(frequency, min(seconds + 0.05, 6.0), velocity, hand, make, position, 8.0), 0.001, 0.05)


@_instrument("palm-muted guitar", drive=14.0)
def palm_muted_guitar(frequency, seconds, velocity, rng):
    """The same under the palm: short blocks, heavy below 300 Hz, with a dark gap before the next."""
    make, decay = rng.uniform(0.3, 0.55), rng.uniform(0.25, 0.5)
    hand = _hand(rng, frequency, seconds, velocity)
    length = min(seconds + 0.03, 0.4)
    sound = _into_amplifier(frequency, length, velocity, hand, make, 0.1, decay, decay / 3)
    thump = partials(np.array([0.98 * frequency]), np.array([0.8]), 0.15, length)
    return _done(sound + thump, 0.001, 0.04)


@_instrument("fuzz guitar", drive=30.0)
def fuzz_guitar(frequency, seconds, velocity, rng):
    """Guitar through a fuzz box: nearly a square wave, buzzing and even until the note dies with a sputter."""
    make, cutoff = rng.uniform(0.2, 0.4), rng.uniform(900, 1800)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _into_amplifier(frequency, min(seconds + 0.05, 4.0), velocity, hand, make, 0.25, 5.0, 0.8)
    return _done(filtered(sound, "lowpass", cutoff * (0.6 + 0.6 * velocity)), 0.001, 0.05)


@_instrument("distorted lead", drive=9.0)
def distorted_lead(frequency, seconds, velocity, rng):
    """A single driven string, sung on: clear parallel lines, some bent up into the note, that wave after a moment."""
    make, depth = rng.uniform(0.35, 0.6), rng.uniform(0.008, 0.016)
    hand = _hand(rng, frequency, seconds, velocity)
    sound = _into_amplifier(frequency, min(seconds + 0.08, 6.0), velocity, hand, make, 0.2, 14.0, 3.0)
    bent = _bent(sound, -hand.choice([0.0, 0.0, 1.0, 2.0]), hand.uniform(0.05, 0.12), depth, hand.uniform(5.2, 6.2))
    return _done(bent, 0.002, 0.07)


@_instrument("swell guitar", drive=6.0)
def swell_guitar(frequency, seconds, velocity, rng):
    """Guitar brought in with the volume pedal: no onset at all, a cloud of lines that grows, brightens and stays."""
    make, rise = rng.uniform(0.4, 0.7), rng.uniform(0.25, 0.6)
    hand = _hand(rng, frequency, seconds, velocity)
    length = min(seconds + 0.5, 6.0)
    sound = _into_amplifier(frequency, length, velocity, hand, make, 0.15, 14.0, 4.0)
    pedal = np.minimum(1, moments(length) / min(rise, seconds)) ** 2
    return _done(shaped(sound, pedal), 0.05, 0.45)
