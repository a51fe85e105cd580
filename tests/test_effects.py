"""Drums, effects and the renderer: each does to sound what its docstring says."""

import dataclasses

import numpy as np
import pytest
import scipy

from labkit.corpus import effects
from labkit.corpus.drums import DRUMS
from labkit.corpus.effects import INSERTS, ROOMS
from labkit.corpus.render import render
from labkit.corpus.score import Note, Piece
from labkit.profiles import SAMPLE_RATE

DESK = dict(width=0.3, pump=0.4, reverb_seconds=0.6, reverb_mix=0.2, echo_mix=0.1, compression=0.4, drive=0.5,
            slope=-5.0, mastering=0.6, lowpass=9000.0, highpass=30.0, wow=0.002, bits=12.0, noise_db=-60.0,
            crackle=3.0, room="room", peak_hz=800.0, peak_db=2.0)
DRY = DESK | dict(width=0.0, pump=0.0, reverb_mix=0.0, echo_mix=0.0, compression=0.0, drive=0.0, mastering=0.0, wow=0.0,
                  bits=16.0, noise_db=-120.0, crackle=0.0, peak_db=0.0)
PIECE = Piece(
    genre="Rock", seed=4, album=7, seconds=3.0, tempo=120.0, metre=4, tonic=0, scale="major", dynamics=0.6, density=1.0,
    gate=0.9, swing=0.0, rubato=0.0, drift=0.0, humanise=0.0, sections=(("verse", 0.2),), beats=(0.2, 0.7, 1.2, 1.7),
    notes=(
        Note(0.2, 0.5, 0, 0.8, "rock kick", "drums"), Note(0.2, 1.0, 40, 0.7, "electric bass", "bass"),
        Note(0.2, 1.0, 64, 0.7, "steel guitar", "chords"), Note(0.2, 1.0, 52, 0.7, "distorted guitar", "figure"),
        Note(0.7, 0.5, 0, 0.8, "snare", "drums"), Note(1.2, 0.5, 0, 0.6, "open hat", "drums"),
        Note(1.4, 0.5, 0, 0.6, "closed hat", "drums"), Note(1.7, 0.8, 76, 0.8, "steel guitar", "melody"),
        Note(2.9, 0.8, 76, 0.8, "steel guitar", "melody"),
    ),
    levels=(("drums", 0.0), ("bass", -3.0), ("chords", -6.0), ("figure", -6.0), ("melody", -4.0)),
    effects=(("melody", ("tremolo", "echo")), ("chords", ())), production=tuple(DESK.items()), silence=0.15,
    gain_db=-20.0)


def dice(seed=5):
    return np.random.default_rng(seed)


def noise(seconds=3.0):
    return effects.unit(dice(0).standard_normal(round(seconds * SAMPLE_RATE)))


def impulse(seconds=2.0):
    track = np.zeros(round(seconds * SAMPLE_RATE))
    track[0] = 1.0
    return track


def sine(frequency, seconds=2.0):
    return np.sqrt(2) * np.sin(2 * np.pi * frequency * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def decibels(track, low, high):
    """Mean power density between two frequencies, in dB."""
    frequency, power = scipy.signal.welch(track, SAMPLE_RATE, nperseg=8192)
    return 10 * np.log10(power[(frequency >= low) & (frequency < high)].mean() + 1e-20)


def line(track, frequency):
    """Level of a line in dB, relative to a sine of unit loudness."""
    window = np.hanning(len(track))
    turn = np.exp(-2j * np.pi * frequency * np.arange(len(track)) / SAMPLE_RATE)
    return 20 * np.log10(np.sqrt(2) * abs(np.sum(track * window * turn)) / window.sum() + 1e-12)


def levels(track, block=0.05):
    """Root mean square of blocks, in dB."""
    size = round(block * SAMPLE_RATE)
    return 10 * np.log10(np.mean(track[:len(track) // size * size].reshape(-1, size) ** 2, axis=1) + 1e-12)


# --- effects of one part --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", INSERTS)
def test_inserts_keep_length_and_leave_their_input_alone(name):
    for seconds in (0.01, 1.0):
        track = noise(seconds)
        before = track.copy()
        heard = INSERTS[name](track, 100.0, dice())
        assert heard.shape == track.shape and heard.dtype == np.float64 and np.isfinite(heard).all()
        np.testing.assert_array_equal(track, before)
        np.testing.assert_array_equal(heard, INSERTS[name](track, 100.0, dice()))
    assert not np.allclose(heard, track, atol=0.05)
    assert not INSERTS[name](np.zeros(1000), 100.0, dice()).any(), "silence stays silence"


def test_tremolo_swings_four_to_seven_times_a_second():
    envelope = 10 ** (levels(INSERTS["tremolo"](sine(440, 4.0), 100.0, dice()), 0.01) / 20)
    spectrum = np.abs(np.fft.rfft(envelope - envelope.mean()))
    assert 4 <= np.argmax(spectrum) / 4.0 <= 7.1
    assert envelope.min() < 0.65 * envelope.max()


def test_chorus_adds_a_late_copy():
    heard = INSERTS["chorus"](noise(), 100.0, dice())
    echoes = scipy.signal.correlate(heard, heard, method="fft")[len(heard) - 1:]
    lag = 100 + np.argmax(echoes[100:1000])
    assert 0.011 < lag / SAMPLE_RATE < 0.026
    assert echoes[lag] > 0.02 * echoes[0]


def test_phaser_has_gaps_that_move():
    _, _, power = scipy.signal.spectrogram(INSERTS["phaser"](noise(6.0), 100.0, dice()), SAMPLE_RATE, nperseg=1024)
    plain = scipy.signal.spectrogram(noise(6.0), SAMPLE_RATE, nperseg=1024)[2]
    band = slice(20, 60)  # 430 to 1300 Hz
    swing, before = (np.std(scipy.ndimage.uniform_filter(10 * np.log10(one[band]), (1, 15))) for one in (power, plain))
    assert swing > 1.3 * before


def test_slapback_stands_twice():
    heard = np.abs(INSERTS["slapback"](impulse(), 100.0, dice()))
    second = np.argmax(heard[100:]) + 100
    assert heard[0] == pytest.approx(1.0, abs=0.05) and 0.08 <= second / SAMPLE_RATE <= 0.14
    assert heard[second + 200:].max() < 0.02


def test_echo_comes_each_dotted_eighth_and_fades():
    heard = np.abs(INSERTS["echo"](impulse(), 90.0, dice()))
    at = [round(turn * 45 / 90.0 * SAMPLE_RATE) for turn in (1, 2, 3)]
    peaks = [heard[place:place + 20].max() for place in at]
    assert 1 > peaks[0] > peaks[1] > peaks[2] > 0
    assert heard[1:at[0]].max() == 0


def test_wah_rocks_with_the_beat():
    heard = INSERTS["wah"](noise(4.0), 120.0, dice())
    frequency, _, power = scipy.signal.spectrogram(heard, SAMPLE_RATE, nperseg=1024, noverlap=512)
    crest = np.log2((frequency[5:140, None] * power[5:140] ** 2).sum(0) / (power[5:140] ** 2).sum(0))
    rate = np.argmax(np.abs(np.fft.rfft(crest - crest.mean()))) / 4.0
    assert min(abs(rate - 2.0 / beats) for beats in (0.5, 1.0, 2.0)) < 0.3
    assert np.percentile(crest, 90) - np.percentile(crest, 10) > 1.0


@pytest.mark.parametrize("name, least", [("fuzz", -20), ("tape", -40)])
def test_distorting_inserts_add_harmonics(name, least):
    heard = effects.unit(INSERTS[name](sine(300), 100.0, dice()))
    assert line(sine(300), 900) < -80
    assert least < line(heard, 900) < 0


def test_telephone_keeps_only_its_band():
    heard = INSERTS["telephone"](noise(), 100.0, dice())
    inside = decibels(heard, 500, 2500)
    assert decibels(heard, 20, 180) < inside - 25 and decibels(heard, 4800, 10_000) < inside - 25


def test_tape_is_dull():
    heard = INSERTS["tape"](noise(), 100.0, dice())
    assert -12 < decibels(heard, 8000, 10_000) - decibels(heard, 300, 1000) < -3


def test_spring_lets_high_tones_come_later():
    response = ROOMS["spring"](1.0, dice())
    first = []
    for low, high in ((300, 600), (3000, 3500)):
        band = scipy.signal.sosfilt(scipy.signal.butter(4, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos"),
                                    response[:SAMPLE_RATE // 10])
        first.append(np.argmax(np.abs(band) > 0.3 * np.abs(band).max()))
    assert first[0] + 50 < first[1]
    wet = INSERTS["spring"](impulse(), 100.0, dice())
    assert np.abs(wet[SAMPLE_RATE // 4:SAMPLE_RATE // 2]).max() > 1e-3


def test_amplifier_makes_difference_tones_inside_the_cabinets_band():
    pair = effects.unit(sine(330) + sine(440))
    heard = effects.amplify(pair, 8.0, dice())
    assert line(pair, 110) < -80 and line(heard, 550) > -25
    assert decibels(heard, 6500, 10_500) < decibels(heard, 300, 3000) - 20
    assert effects.loudness(heard) == pytest.approx(1.0, rel=1e-3)


def test_amplifier_folds_little_back():
    """Between the harmonics of one driven string stands nearly nothing, although they reach beyond half the rate."""
    heard = effects.amplify(sine(1760.0), 14.0, dice())
    folded = [line(heard, SAMPLE_RATE - 1760.0 * number) for number in (7, 9, 11)]
    naive = np.tanh(14 * sine(1760.0))
    assert max(folded) < -35
    assert max(line(naive, SAMPLE_RATE - 1760.0 * number) for number in (7, 9, 11)) > max(folded) + 5


# --- rooms ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ROOMS)
@pytest.mark.parametrize("seconds", [0.4, 1.5, 4.0])
def test_rooms_die_in_the_time_asked_for(name, seconds):
    """Schroeder's backward integration (1965), from -5 to -35 dB between 500 and 2000 Hz."""
    band = scipy.signal.butter(4, (500, 2000), "bandpass", fs=SAMPLE_RATE, output="sos")
    for seed in range(3):
        response = ROOMS[name](seconds, dice(seed))
        assert np.sum(response ** 2) == pytest.approx(1.0)
        left = np.cumsum(scipy.signal.sosfilt(band, response)[::-1] ** 2)[::-1]
        curve = 10 * np.log10(left / left[0] + 1e-12)
        at = np.flatnonzero((curve < -5) & (curve > -35))
        fall = np.polyfit(at / SAMPLE_RATE, curve[at], 1)[0]
        assert -60 / fall == pytest.approx(seconds, rel=0.2)


def test_rooms_differ():
    def early(name):
        return np.mean([np.sum(ROOMS[name](1.5, dice(seed))[:round(0.03 * SAMPLE_RATE)] ** 2) for seed in range(5)])

    def bright(name):
        response = ROOMS[name](1.5, dice())
        return decibels(response, 5000, 10_000) - decibels(response, 300, 1000)

    assert early("room") > early("chamber") > early("hall")
    assert bright("plate") > bright("chamber") > bright("hall") > bright("spring")


def test_reverberation_fills_the_rest_and_keeps_the_loudness():
    burst = np.zeros(2 * SAMPLE_RATE)
    burst[:SAMPLE_RATE // 2] = noise(0.5)
    wet = effects.reverberate(burst, "hall", 1.5, 0.3, dice())
    assert levels(wet)[15] > -40 and levels(wet)[30] < levels(wet)[15] - 15
    np.testing.assert_allclose(effects.reverberate(burst, "hall", 1.5, 0.0, dice()), burst)
    assert effects.loudness(effects.reverberate(burst, "hall", 1.5, 1.0, dice())) == pytest.approx(1.0, rel=1e-3)


def test_reverberation_names_what_is_wrong():
    with pytest.raises(ValueError, match=r"no room 'cave'.*hall.*spring"):
        effects.reverberate(noise(0.1), "cave", 1.0, 0.2, dice())
    with pytest.raises(ValueError, match=r"more than 0 seconds, found 0.*reverb_mix"):
        effects.reverberate(noise(0.1), "hall", 0.0, 0.2, dice())


# --- the mixing desk ------------------------------------------------------------------------------------------------

def test_convolution_is_exact():
    track, kernel = noise(1.5), dice(1).standard_normal(3000)
    np.testing.assert_allclose(effects._convolve(track, kernel), np.convolve(track, kernel), atol=2e-4)


def test_width_is_a_comb():
    heard = effects.widen(noise(), 0.8, 0.01)
    assert decibels(heard, 1000 - 12, 1000 + 12) > decibels(heard, 1050 - 12, 1050 + 12) + 10


def test_pump_dips_at_the_kicks_and_returns():
    heard = levels(effects.pump(noise(2.0), [(0.5, 1.0), (1.5, 0.5)], 0.8, 0.4), 0.02)
    before, strong, weak = heard[20:24].mean(), heard[25], heard[75]
    assert strong < before - 8 and strong + 4 < weak < before - 3
    assert heard[46:70].mean() == pytest.approx(before, abs=0.7)


def test_compression_narrows_the_dynamics_the_more_the_higher():
    steps = np.repeat(10 ** (-np.array([0, 24, 6, 12, 18, 3]) / 20), SAMPLE_RATE // 2)
    track = effects.unit(noise() * steps)
    spreads = [np.ptp(np.percentile(levels(effects.compress(track, amount)), (5, 95)))
               for amount in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert np.all(np.diff(spreads) < -1) and spreads[0] > 20 and spreads[-1] < 9
    np.testing.assert_allclose(effects.compress(track, 0.0), track, rtol=1e-6)


def test_saturation_cuts_peaks():
    crests = [np.abs(effects.saturate(noise(), drive)).max() for drive in (0.1, 1.0, 3.0)]
    assert crests[0] > crests[1] > crests[2]


@pytest.mark.parametrize("tilt, slope", [(0.0, -3.5), (0.0, 2.0), (0.9, -7.0), (0.9, -4.0)])
def test_mastering_reaches_its_slope(tilt, slope):
    track = effects.unit(scipy.signal.lfilter([1], [1, -tilt], noise(6.0)))
    desk = DESK | dict(slope=slope, mastering=1.0, peak_db=0.0, lowpass=10_900.0, highpass=20.0)

    def found(mastered):
        at, level = effects.spectrum_level(mastered)
        inside = (at >= 130) & (at <= 6000)
        return np.polyfit(np.log2(at[inside]), level[inside], 1)[0]

    assert found(effects.master(track, desk)) == pytest.approx(slope, abs=1.0)
    half = found(effects.master(track, desk | dict(mastering=0.5)))
    assert half == pytest.approx((slope + found(track)) / 2, abs=1.0)


def test_mastering_colours_and_cuts():
    desk = DESK | dict(mastering=0.0, peak_hz=1000.0, peak_db=8.0, lowpass=4000.0, highpass=200.0)
    heard = effects.master(noise(6.0), desk)
    assert decibels(heard, 900, 1100) - decibels(heard, 270, 330) == pytest.approx(8, abs=2.5)
    assert decibels(heard, 8000, 10_000) < decibels(heard, 2000, 3000) - 10
    assert decibels(heard, 20, 60) < decibels(heard, 300, 400) - 15
    assert effects.loudness(heard) == pytest.approx(1.0)


# --- the record -----------------------------------------------------------------------------------------------------

def test_wow_shifts_by_its_depth():
    heard = effects.wow(sine(1000, 4.0), 0.01, dice())
    phase = np.unwrap(np.angle(scipy.signal.hilbert(heard)))[2000:-2000]
    shift = scipy.ndimage.uniform_filter1d(np.diff(phase), 500) * SAMPLE_RATE / (2 * np.pi) / 1000 - 1
    assert shift.max() == pytest.approx(0.01, abs=0.002) and shift.min() == pytest.approx(-0.01, abs=0.002)


@pytest.mark.parametrize("bits", [2, 6])
def test_bits_leave_so_many_levels(bits):
    heard = effects.coarsen(2 * noise(), bits)
    assert len(np.unique(heard)) == 2 ** bits
    quiet = 0.5 * noise()  # the peaks of the noise itself are beyond full scale
    assert np.abs(effects.coarsen(quiet, bits) - quiet).max() <= 4 / 2 ** bits + 1e-9


def test_hiss_has_its_level_and_is_brighter_upwards():
    heard = effects.hiss(3 * SAMPLE_RATE, -40.0, dice())
    assert 20 * np.log10(heard.std()) == pytest.approx(-40, abs=0.3)
    assert 3 < decibels(heard, 8000, 10_000) - decibels(heard, 100, 1000) < 9


def test_crackle_is_rare_and_uneven():
    heard = effects.crackle(20 * SAMPLE_RATE, 8.0, dice())
    blocks = np.abs(heard).reshape(-1, 441).max(axis=1)
    clicks = blocks[blocks > 0]
    assert 100 < len(clicks) < 230
    assert np.percentile(clicks, 95) > 4 * np.median(clicks)


def test_level_is_met_and_peaks_are_bent():
    for gain_db in (-40.0, -20.0, -9.0):
        heard = effects.set_level(noise(), gain_db)
        assert 10 * np.log10(np.mean(heard ** 2)) == pytest.approx(gain_db, abs=0.2)
        assert np.abs(heard).max() <= effects.CEILING
    assert not effects.set_level(np.zeros(100), -20.0).any()


# --- drums ----------------------------------------------------------------------------------------------------------

def stroke(name, velocity=0.75, album=1, take=0):
    seed = np.random.SeedSequence([album, 9], n_children_spawned=take)
    return DRUMS[name].play(440.0, 0.1, velocity, np.random.default_rng(seed))


@pytest.mark.parametrize("name", DRUMS)
def test_drums_sound_and_end_quietly(name):
    for album in range(6):
        sound = stroke(name, (0.25, 1.0)[album % 2], album, take=album % DRUMS[name].takes)
        assert np.isfinite(sound).all() and 0.05 < np.abs(sound).max() < 3
        assert np.abs(sound[-3:]).max() < 0.01 * np.abs(sound).max()
        assert len(sound) <= 2 * SAMPLE_RATE
    assert DRUMS[name].play.__doc__


@pytest.mark.parametrize("name", DRUMS)
def test_takes_differ_by_hand_and_not_by_machine(name):
    machine = name.split()[0] in ("house", "boom", "electronic", "chip", "cowbell")
    assert (DRUMS[name].takes == 1) == machine
    assert np.array_equal(stroke(name), stroke(name, take=0))
    assert np.array_equal(stroke(name), stroke(name, take=1)[:len(stroke(name))]) == machine
    assert not np.array_equal(stroke(name), stroke(name, album=2))


@pytest.mark.parametrize("name", ["tom", "high tabla", "jazz kick"])
def test_takes_share_the_make(name):
    first, second = stroke(name), stroke(name, take=1)
    assert np.corrcoef(first, second)[0, 1] > 0.9


@pytest.mark.parametrize("name", ["rock kick", "metal kick", "snare", "clap", "djembe", "wood block"])
def test_hard_strokes_are_brighter(name):
    def centroid(velocity):
        power = np.abs(np.fft.rfft(stroke(name, velocity), 1 << 15)) ** 2
        return np.sum(power * np.arange(len(power))) / power.sum()

    assert centroid(1.0) > 1.02 * centroid(0.25)


# --- rendering ------------------------------------------------------------------------------------------------------

def test_rendering_keeps_its_laws():
    audio = render(PIECE)
    assert audio.dtype == np.float32 and audio.shape == (3 * SAMPLE_RATE,)
    assert np.isfinite(audio).all() and np.abs(audio).max() <= effects.CEILING
    assert 10 * np.log10(np.mean(audio.astype(float) ** 2)) == pytest.approx(PIECE.gain_db, abs=1)
    silence = round(PIECE.silence * SAMPLE_RATE)
    assert not audio[:silence].any() and np.count_nonzero(audio[silence:]) > 0.99 * len(audio[silence:])
    np.testing.assert_array_equal(audio, render(PIECE))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_and_short_clips_render(room):
    piece = dataclasses.replace(PIECE, seconds=0.3, production=tuple((DESK | dict(room=room)).items()))
    assert np.isfinite(render(piece)).all()


def test_a_piece_without_notes_is_hiss():
    piece = dataclasses.replace(PIECE, notes=(), seconds=0.5)
    assert np.isfinite(render(piece)).all() and render(piece).any()


def test_one_change_changes_the_sound():
    plain = render(PIECE)
    for name, value in dict(width=0.0, pump=0.0, reverb_mix=0.0, echo_mix=0.0, compression=0.0, drive=0.0,
                            mastering=0.0, wow=0.0, bits=16.0, noise_db=-50.0, crackle=0.0, lowpass=4000.0).items():
        other = dataclasses.replace(PIECE, production=tuple((DESK | {name: value}).items()))
        assert np.abs(render(other) - plain).max() > 1e-4, name


def test_closed_hat_ends_the_open_one():
    def played(*notes):
        return render(dataclasses.replace(PIECE, notes=notes, silence=0.0, production=tuple(DRY.items())))

    opened = Note(0.5, 0.5, 0, 0.8, "open hat", "drums")
    free = levels(played(opened), 0.02)
    damped = levels(played(opened, Note(0.7, 0.1, 0, 0.02, "closed hat", "drums")), 0.02)
    assert free[45] > free[30] - 25
    assert damped[45] < damped[30] - 40


@pytest.mark.parametrize("change, message", [
    (dict(notes=(Note(0.0, 1.0, 60, 0.5, "kazoo", "melody"),)), r"no instrument 'kazoo'.*steel guitar"),
    (dict(notes=(Note(0.0, 1.0, 0, 0.5, "bucket", "drums"),)), r"no drum 'bucket'.*snare"),
    (dict(effects=(("melody", ("flanger",)),)), r"no effect 'flanger'.*chorus"),
    (dict(production=tuple((DESK | dict(room="cave")).items())), r"no room 'cave'.*hall"),
])
def test_unknown_names_are_told(change, message):
    with pytest.raises(ValueError, match=message):
        render(dataclasses.replace(PIECE, **change))
