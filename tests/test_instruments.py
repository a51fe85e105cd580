"""The building blocks of sound against plain references, and what every instrument must do."""

import numpy as np
import pytest
import scipy

from labkit.corpus import dsp
from labkit.corpus.instruments import INSTRUMENTS
from labkit.profiles import SAMPLE_RATE

HELD = ("violin", "fiddle", "cello", "flute", "oboe", "clarinet", "saxophone", "trumpet", "horn", "harmonica", "voice",
        "soft voice", "choir")
SAME_AT_EVERY_TOUCH = {"harpsichord", "chip triangle", "organ", "rock organ", "pulse lead", "pulse pluck",  # as built
                       "celesta", "vibraphone", "marimba", "tape flute", "sine lead", "sub bass",  # hardly
                       "rap voice", "shout voice", "growl voice"}  # vowels and consonants outweigh it
SPOKEN = {"rap voice", "growl voice"}  # no steady pitch


def play(name: str, frequency: float = 220.0, seconds: float = 0.5, velocity: float = 0.7, album: int = 3,
         take: int = 0) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence(album, n_children_spawned=take))
    return INSTRUMENTS[name].play(frequency, seconds, velocity, rng)


def spectrum(sound: np.ndarray, size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size)) ** 2
    return np.fft.rfftfreq(size or len(sound), 1 / SAMPLE_RATE), power


def line(sound: np.ndarray, about: float) -> tuple[float, float]:
    """The strongest line within a semitone of `about` Hz: how far off in cents, and its power."""
    hertz, power = spectrum(sound, 2 ** 18)
    near = slice(*np.searchsorted(hertz, (about * 2 ** (-1 / 12), about * 2 ** (1 / 12))))
    at = near.start + np.argmax(power[near])
    return 1200 * np.log2(hertz[at] / about), power[at]


def centroid(name: str, velocity: float) -> float:
    """Mean over pitches and albums of the logarithm of the spectral centroid of the first third of a second."""
    values = []
    for frequency in (110.0, 175.0, 262.0):
        for album in (1, 2):
            hertz, power = spectrum(play(name, frequency, 0.35, velocity, album)[:SAMPLE_RATE // 3])
            values.append(np.log(np.sum(hertz * power) / np.sum(power)))
    return float(np.mean(values))


# --- instruments ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", INSTRUMENTS)
def test_every_instrument_sounds_and_ends_quietly(name):
    for frequency, seconds, velocity in ((41.2, 0.5, 1.0), (220.0, 0.05, 0.25), (220.0, 1.5, 0.75), (1318.5, 0.2, 1.0)):
        sound = play(name, frequency, seconds, velocity)
        peak = np.abs(sound).max()
        assert sound.ndim == 1 and sound.dtype == np.float64 and np.isfinite(sound).all()
        assert len(sound) <= (seconds + 0.61) * SAMPLE_RATE
        assert 0.2 < peak < 3  # all notes have about the same level, so that no pitch or length stands out
        assert np.abs(sound[-5:]).max() < 0.02 * peak and abs(sound[0]) < 0.05 * peak
        assert abs(sound.mean()) < 0.03


@pytest.mark.parametrize("name", sorted(INSTRUMENTS.keys() - SPOKEN))
def test_in_tune(name):
    sound = play(name, 220.0, 1.0)[round(0.12 * SAMPLE_RATE):SAMPLE_RATE]
    cents, power = np.transpose([line(sound, 220.0 * number) for number in (1, 2, 3)])
    assert abs(np.average(cents, weights=power)) < 25


@pytest.mark.parametrize("name", sorted(INSTRUMENTS.keys() - SAME_AT_EVERY_TOUCH))
def test_a_hard_touch_is_brighter(name):
    assert centroid(name, 1.0) > centroid(name, 0.25) + np.log(1.05)


@pytest.mark.parametrize("name", HELD)
def test_held_notes_are_not_static(name):
    sound = play(name, 330.0, 1.6)[round(0.4 * SAMPLE_RATE):round(1.5 * SAMPLE_RATE)]
    level = 10 * np.log10(np.mean(sound[:len(sound) // 1024 * 1024].reshape(-1, 1024) ** 2, axis=1))
    assert np.ptp(level) > 0.5  # dB
    machine = play("organ", 330.0, 1.6)[round(0.4 * SAMPLE_RATE):round(1.5 * SAMPLE_RATE)]
    level = 10 * np.log10(np.mean(machine[:len(machine) // 1024 * 1024].reshape(-1, 1024) ** 2, axis=1))
    assert np.ptp(level) < 0.5


def test_spoken_syllables_move_in_pitch_and_differ():
    moves = []
    for frequency in 110 * 2 ** (np.arange(8) / 12):
        sound = play("rap voice", frequency, 0.3)
        lowest = dsp.filtered(sound, "bandpass", (70, 320), 4)
        angle = np.unwrap(np.angle(scipy.signal.hilbert(lowest)))
        pitch = np.diff(angle[round(0.06 * SAMPLE_RATE):round(0.15 * SAMPLE_RATE)])
        first, last = (np.median(part) for part in (pitch[:600], pitch[-600:]))
        moves.append(12 * np.log2(last / first))
    assert np.mean(np.abs(moves)) > 1  # semitones
    assert np.std(moves) > 0.5


def test_same_seed_same_samples_and_other_takes_and_albums_differ():
    for name in ("steel guitar", "violin", "piano", "voice", "rap voice", "distorted lead"):
        first = play(name)
        assert np.array_equal(first, play(name))
        for other in (play(name, take=1), play(name, album=4)):
            size = min(len(first), len(other))
            assert not np.allclose(first[:size], other[:size], atol=1e-3)


def test_the_drive_belongs_to_what_goes_through_an_amplifier():
    driven = {name for name, instrument in INSTRUMENTS.items() if instrument.drive > 0}
    assert driven == {"rock organ", "shout voice", "growl voice", "crunch guitar", "distorted guitar",
                      "palm-muted guitar", "fuzz guitar", "distorted lead", "swell guitar"}


# --- building blocks against plain references -----------------------------------------------------------------------

def test_filtered_is_butterworth():
    sound = dsp.noise(0.2, np.random.default_rng(0))
    for kind, cutoff in (("lowpass", 900), ("highpass", 4000)):
        for order in (1, 2, 3, 4):
            reference = scipy.signal.butter(order, cutoff, kind, fs=SAMPLE_RATE, output="sos")
            np.testing.assert_allclose(dsp.filtered(sound, kind, cutoff, order), scipy.signal.sosfilt(reference, sound),
                                       atol=1e-10)
    with pytest.raises(ValueError, match="expected lowpass, highpass or bandpass, found 'notch'"):
        dsp.filtered(sound, "notch", 900)


def test_swept_at_rest_is_the_same_filter():
    sound = dsp.noise(0.2, np.random.default_rng(0))
    still = np.full(len(dsp.moments(0.2)), 1500.0)
    for kind in ("lowpass", "highpass"):
        np.testing.assert_allclose(dsp.swept(sound, still, np.sqrt(0.5), kind), dsp.filtered(sound, kind, 1500.0),
                                   atol=1e-10)
    band = dsp.swept(np.sin(2 * np.pi * 1500 * dsp.time(0.2)), still, 5.0, "bandpass")
    assert np.abs(band[2000:]).max() == pytest.approx(1, abs=0.01)


def test_partials_are_dying_sines():
    frequencies, strengths, decays = np.array([100.0, 333.3, 4000.0]), np.array([1.0, 0.5, 0.2]), np.array([2, 1, 0.6])
    at = dsp.time(0.3)[:, None]
    reference = np.sum(strengths * 10 ** (-3 * at / decays) * np.sin(2 * np.pi * frequencies * at + 0.4), axis=1)
    np.testing.assert_allclose(dsp.partials(frequencies, strengths, decays, 0.3, 0.4), reference, atol=1e-9)
    assert not dsp.partials(np.array([12_000.0]), 1.0, 1.0, 0.1).any()  # beyond half the sample rate


def test_tone_follows_pitch_spectrum_and_level():
    at, slow = dsp.time(0.3), dsp.moments(0.3)
    spectra = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    sound = dsp.tone(200.0, 0.3, spectra, 1 + slow, 5 * slow, 1 - slow, 0.25)
    cycles = 0.25 + 200 * np.append(0, np.cumsum(np.interp(at, slow, 1 + slow)))[:-1] / SAMPLE_RATE
    lower = np.minimum((5 * at).astype(int), 1)
    weights = spectra[lower] + (5 * at - lower)[:, None] * (spectra[lower + 1] - spectra[lower])
    reference = (1 - at) * np.sum(weights * np.sin(2 * np.pi * cycles[:, None] * [1, 2]), axis=1)
    np.testing.assert_allclose(sound, reference, atol=2e-4)  # the table is interpolated


def test_modulated_is_chowning():
    at, slow = dsp.time(0.2), dsp.moments(0.2)
    reference = np.exp(-5 * at) * np.sin(2 * np.pi * 220 * at + 2 * (1 - at) * np.sin(2 * np.pi * 660 * at))
    np.testing.assert_allclose(dsp.modulated(220.0, 0.2, 3.0, 2 * (1 - slow), np.exp(-5 * slow)), reference, atol=2e-5)


def test_string_is_a_loop_of_delay_loss_and_all_pass():
    excitation = np.random.default_rng(0).normal(size=120)
    delay, fraction, damping, loss = 99, 0.2, 0.3, 0.99
    loop = np.zeros(delay + 3)
    loop[delay:] = loss * np.convolve([1 - damping, damping], [fraction, 1])
    top = np.array([1, fraction])
    bottom = np.append(top, np.zeros(len(loop) - 2)) - loop
    padded = np.append(excitation, np.zeros(2000))
    sound = dsp._string(excitation, delay, fraction, damping, loss, len(padded))
    np.testing.assert_allclose(sound, scipy.signal.lfilter(top, bottom, padded), atol=1e-9)


@pytest.mark.parametrize("frequency", (41.2, 110.0, 329.6, 1318.5))
def test_pluck_is_in_tune_and_decays_as_told(frequency):
    sound = dsp.pluck(frequency, 2.0, 0.8, 3.0, np.random.default_rng(0))
    assert abs(line(sound, frequency)[0]) < 3
    early, late = (line(sound[round(start * SAMPLE_RATE):][:SAMPLE_RATE // 2], frequency)[1] for start in (0.5, 1.5))
    assert 10 * np.log10(early / late) == pytest.approx(20, abs=3)  # dB in a second; the second plane adds a little
    assert abs(sound.mean()) < 1e-3


def test_bend_changes_the_pitch_and_nothing_else():
    at = dsp.time(1.0)
    bent = dsp.bend(np.sin(2 * np.pi * 400 * at), np.full(len(dsp.moments(1.0)), 0.75))
    np.testing.assert_allclose(bent, np.sin(2 * np.pi * (300 * at + 400 / SAMPLE_RATE)), atol=1e-3)


def test_nothing_folds_back():
    """At 1318.5 Hz all that is not near a harmonic of a bright wave stays 60 dB below the strongest line."""
    hertz, power = spectrum(dsp.wave(1318.5, 1.0, 1 / np.arange(1, 40)))
    distance = np.abs(hertz / 1318.5 - np.maximum(1, np.round(hertz / 1318.5))) * 1318.5
    assert power[distance > 20].max() < 1e-6 * power.max()


def test_levelled_makes_the_loudest_passage_equal():
    long = np.sin(2 * np.pi * 200 * dsp.time(1.0)) * np.exp(-3 * dsp.time(1.0))
    for sound in (long, long[:3000], np.zeros(100)):
        made = dsp.levelled(sound, 0.2)
        loudest = max(np.sqrt(np.mean(made[first:first + 1102] ** 2)) for first in range(0, len(made), 1102))
        assert loudest == pytest.approx(0.2 if sound.any() else 0, abs=1e-3)


def test_slow_curves_reach_to_the_end():
    for seconds in (0.001, 0.05, 0.31):
        assert len(dsp.time(seconds)) == dsp.samples(seconds)
        assert dsp.moments(seconds)[-1] >= dsp.time(seconds)[-1]
        assert len(dsp.wander(seconds, np.random.default_rng(0))) == len(dsp.moments(seconds))
        shaped = dsp.shaped(np.ones(dsp.samples(seconds)), 2 * dsp.moments(seconds))
        np.testing.assert_allclose(shaped, 2 * dsp.time(seconds), atol=1e-12)
