"""Features: each equals the plain librosa call, and each unusable sound gets an error that says what to do."""

from itertools import pairwise
from types import SimpleNamespace

import librosa
import numpy as np
import pytest
import scipy.ndimage
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labkit import features
from labkit.corpus import GENRES, compose, render
from labkit.features import READINGS, AudioError, extract, read_audio, read_audio_notes
from labkit.features.chroma import tuning_of
from labkit.features.course import plain_features
from labkit.features.medians import running_median
from labkit.features.rhythm import beats_of, medians_between, onset_envelope, percussive_sound, tempo_of
from labkit.features.spectrum import decibels, istft, magnitude_of, mel_power_of, stft, window
from labkit.machine import keep_freed_memory
from labkit.profiles import SAMPLE_RATE


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Four seconds: a C major triad that swells, and a click every half second."""
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * pitch * time) for pitch in (261.63, 329.63, 392.0)) * (0.02 + 0.05 * time)
    clicks = librosa.clicks(times=np.arange(0.25, 4, 0.5), sr=SAMPLE_RATE, length=len(time))
    noise = np.random.default_rng(0).normal(0, 1e-3, len(time))
    return (0.3 * chord + 0.5 * clicks + noise).astype(np.float32)


@pytest.fixture(scope="module")
def found(music):
    return extract(music)


def tone(path, rate=SAMPLE_RATE, seconds=1.0, channels=1, subtype=None, **options):
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate, subtype=subtype, **options)
    return path


# --- golden: the course's calls --------------------------------------------------------------------------------------

def test_mel_is_librosas(music):
    power = librosa.feature.melspectrogram(y=music, sr=22050, n_fft=2048, hop_length=512, n_mels=128, power=2.0)
    np.testing.assert_allclose(features.mel_power(music), power, rtol=1e-4, atol=1e-6 * power.max())
    np.testing.assert_allclose(features.mel_spectrogram(music), librosa.power_to_db(power, ref=np.max), atol=1e-3)


def test_mel_range_shape_and_type(found, music):
    assert found.mel.shape == (128, 1 + len(music) // 512)
    assert found.mel.dtype == np.float32
    assert found.mel.max() == 0
    assert found.mel.min() >= -80


def test_chroma_is_librosas(found, music):
    np.testing.assert_allclose(found.chroma, librosa.feature.chroma_cqt(y=music, sr=22050, hop_length=512), atol=1e-6)
    assert found.chroma.shape == (12, found.mel.shape[1])
    assert found.chroma.dtype == np.float32
    assert 0 <= found.chroma.min() <= found.chroma.max() <= 1


def test_chroma_finds_the_chord(found):
    assert set(np.argsort(found.chroma.mean(axis=1))[-3:]) == {0, 4, 7}  # C, E, G


def test_beats_are_those_of_the_percussive_part(found, music):
    tempo, beats = librosa.beat.beat_track(y=librosa.effects.hpss(music)[1], sr=22050, hop_length=512)
    np.testing.assert_array_equal(found.beats, beats)
    assert found.tempo == pytest.approx(float(np.squeeze(tempo)))
    assert found.tempo == pytest.approx(120, rel=0.04)
    assert found.beats_found
    assert features.track_beats(music)[1].tolist() == found.beats.tolist()


def test_beat_synchronous_mel_is_the_median_of_power_before_decibels(found, music):
    power = librosa.feature.melspectrogram(y=music, sr=22050, n_fft=2048, hop_length=512, n_mels=128)
    expected = librosa.power_to_db(librosa.util.sync(power, found.beats, aggregate=np.median), ref=np.max)
    np.testing.assert_allclose(found.mel_beat, expected, atol=1e-3)
    after_decibels = librosa.util.sync(found.mel, found.beats, aggregate=np.median)
    assert np.abs(found.mel_beat - after_decibels).max() > 1  # another function: its loudest cell is not 0 dB
    assert found.mel_beat.max() == 0 > after_decibels.max()


def test_beat_synchronous_chroma_is_the_median(found):
    np.testing.assert_allclose(found.chroma_beat,
                               librosa.util.sync(found.chroma, found.beats, aggregate=np.median), atol=1e-6)


def test_fused_is_mel_above_chroma(found):
    assert found.fused.shape == (140, found.mel.shape[1])
    np.testing.assert_array_equal(found.fused[:128], found.mel)
    np.testing.assert_array_equal(found.fused_beat[128:], found.chroma_beat)
    assert found.fused_beat.dtype == np.float32


def compare(audio: np.ndarray, reading: str) -> bool:
    """Hold one sound against librosa; returns whether the beats are the same."""
    expected, found = plain_features(audio, reading), extract(audio, reading)
    assert np.abs(found.mel - expected["mel"]).max() < 1e-3
    errors = np.abs(found.chroma - expected["chroma"])
    assert np.median(errors) < 1e-3
    assert errors.max() < 0.02
    if not np.array_equal(found.beats, expected["beats"]):
        return False
    assert found.tempo == pytest.approx(expected["tempo"])
    assert np.abs(found.mel_beat - expected["mel_beat"]).max() < 1e-3
    assert np.median(np.abs(found.chroma_beat - expected["chroma_beat"])) < 1e-3
    return True


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("genre", ["Metal", "Classical"])
def test_composed_music_has_the_references_features(genre, reading):
    assert compare(render(compose(genre, 11, 8)), reading)


@pytest.mark.slow
@pytest.mark.parametrize("reading", READINGS)
def test_every_genre_has_the_references_features(reading):
    same = [compare(render(compose(genre, 5, 12)), reading) for genre in GENRES]
    assert np.mean(same) >= 0.95


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("samples", [2048, 2049, 2559, 2560, 5000, 22050])
@pytest.mark.filterwarnings("ignore:n_fft=")
def test_short_sounds(samples, reading):
    audio = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    found = extract(audio, reading)
    expected = plain_features(audio, reading)
    assert found.mel.shape == (128, 1 + samples // 512)
    np.testing.assert_allclose(found.mel, expected["mel"], atol=1e-3)
    np.testing.assert_allclose(found.chroma, expected["chroma"], atol=1e-3)


def test_readings_share_the_mel_spectrogram_and_differ_in_chroma(music, found):
    fast = extract(music, "fast")
    np.testing.assert_array_equal(fast.mel, found.mel)
    assert fast.chroma.shape == found.chroma.shape
    assert np.abs(fast.chroma - found.chroma).max() > 0.05


def test_an_unknown_reading_is_refused(music):
    with pytest.raises(ValueError, match="exact or fast, found 'slow'"):
        extract(music, "slow")


def test_double_precision_gives_the_same_as_single(music, found):
    np.testing.assert_allclose(extract(music.astype(float)).fused, found.fused, atol=1e-5)


# --- the pieces, against librosa and scipy ---------------------------------------------------------------------------

@settings(max_examples=40)
@given(rows=st.integers(1, 70), columns=st.integers(1, 5), seed=st.integers(0, 2**32 - 1), ties=st.booleans())
def test_running_median_law(rows, columns, seed, ties):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 4, (rows, columns)) if ties else rng.normal(size=(rows, columns))
    x = x.astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((15, 15), (0, 0)), mode="symmetric"), 31, axis=0)
    np.testing.assert_array_equal(running_median(x), np.median(windows, axis=-1))


def test_running_median_is_scipys():
    x = np.random.default_rng(0).normal(size=(101, 200)).astype(np.float32)  # more columns than go at once
    np.testing.assert_array_equal(running_median(x), scipy.ndimage.median_filter(x, size=(31, 1), mode="reflect"))


def test_short_time_fourier_transform_and_its_inverse_are_librosas(music):
    spectrum = stft(music, shape=window())
    np.testing.assert_allclose(spectrum.T, librosa.stft(music), atol=1e-4)
    np.testing.assert_allclose(istft(lambda some: spectrum[some], len(spectrum), len(music)), music, atol=1e-5)
    kept = stft(music, 1024, 256, bins=slice(10, 20))
    np.testing.assert_allclose(kept.T, librosa.stft(music, n_fft=1024, hop_length=256, window="ones")[10:20], atol=1e-4)


def test_percussive_part_and_its_share_are_librosas(music):
    percussive = percussive_sound(stft(music, shape=window()), len(music))
    np.testing.assert_allclose(percussive, librosa.effects.hpss(music)[1], atol=1e-5)
    np.testing.assert_allclose(features.percussive_part(music), librosa.effects.percussive(music), atol=1e-5)
    harmonic, struck = librosa.decompose.hpss(np.abs(librosa.stft(music)))
    expected = np.sum(struck**2) / (np.sum(struck**2) + np.sum(harmonic**2))
    assert features.percussive_share(music) == pytest.approx(expected, rel=1e-3)


def test_onsets_and_tempo_are_librosas(music):
    envelope = onset_envelope(mel_power_of(stft(music, shape=window())))
    np.testing.assert_allclose(envelope, librosa.onset.onset_strength(y=music, sr=22050, aggregate=np.median),
                               atol=1e-3)
    assert tempo_of(envelope) == pytest.approx(librosa.feature.tempo(onset_envelope=envelope, sr=22050)[0])


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("period", [10, 18, 20, 24, 43])
@pytest.mark.filterwarnings("ignore:Trying to estimate tuning")
def test_a_metronome_has_librosas_beats(period, reading):
    """A rhythm without any change: the likeness of its onsets is exactly zero at most lags."""
    click = np.random.default_rng(0).normal(size=400) * np.exp(-np.arange(400) / 60) * 0.8
    audio = np.zeros(12 * SAMPLE_RATE, dtype=np.float32)
    for start in range(0, len(audio) - 400, 512 * period):
        audio[start:start + 400] += click.astype(np.float32)
    found, expected = extract(audio, reading), plain_features(audio, reading)
    assert found.tempo == pytest.approx(expected["tempo"])
    np.testing.assert_array_equal(found.beats, expected["beats"])


@pytest.mark.parametrize("frames, period", [(26_000, 18), (60_000, 20)])
def test_the_tempo_of_a_long_envelope_is_librosas(frames, period):
    envelope = np.zeros(frames, dtype=np.float32)
    envelope[::period] = 1
    assert tempo_of(envelope) == pytest.approx(librosa.feature.tempo(onset_envelope=envelope, sr=22050)[0])


@pytest.mark.parametrize("cents", [-40, -12, 0, 17, 33])
@pytest.mark.parametrize("steps", [12, 36])
def test_tuning_is_librosas(cents, steps):
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * pitch * 2 ** (cents / 1200) * time) for pitch in (220, 329.6276, 440))
    noise = np.random.default_rng(0).normal(0, 1e-3, len(time))
    spectrum = magnitude_of(stft((tone + noise).astype(np.float32), shape=window()))
    assert tuning_of(spectrum, steps) == librosa.estimate_tuning(S=spectrum.T, sr=22050, bins_per_octave=steps)


def test_decibels_are_librosas():
    power = np.random.default_rng(0).exponential(size=(20, 30)).astype(np.float32) ** 20
    np.testing.assert_allclose(decibels(power, power.max()), librosa.power_to_db(power, ref=np.max), atol=1e-3)
    np.testing.assert_allclose(decibels(power, 1.0), librosa.power_to_db(power), atol=1e-3)


def test_freed_memory_is_kept_where_that_can_be_said(monkeypatch):
    asked = []
    keep_freed_memory.cache_clear()
    monkeypatch.setattr("labkit.machine.ctypes.CDLL", lambda name: SimpleNamespace(
        mallopt=lambda option, value: asked.append((option, value)) or 1))
    monkeypatch.setattr("labkit.machine.sys.platform", "linux")
    assert keep_freed_memory() is True
    assert asked == [(-1, 1 << 30), (-3, 1 << 30)]  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    keep_freed_memory()
    assert len(asked) == 2  # said once
    keep_freed_memory.cache_clear()
    monkeypatch.setattr("labkit.machine.ctypes.CDLL", lambda name: SimpleNamespace())  # a C library without mallopt
    assert keep_freed_memory() is False
    keep_freed_memory.cache_clear()


# --- beats that are not there ----------------------------------------------------------------------------------------

@pytest.mark.filterwarnings("ignore:Trying to estimate tuning")
def test_without_beats_every_half_second_stands_in():
    audio = np.zeros(4 * SAMPLE_RATE, dtype=np.float32)
    audio[40_000] = 1  # one click has no tempo
    found = extract(audio)
    assert not found.beats_found
    assert found.tempo == 120
    assert np.all(np.abs(np.diff(found.beats) * 512 / SAMPLE_RATE - 0.5) < 0.025)
    assert found.fused_beat.shape == (140, len(found.beats))


def test_a_steady_tone_has_no_beats():
    spectrum = np.ones((50, 128), dtype=np.float32)
    assert not onset_envelope(spectrum).any()
    tempo, beats = beats_of(onset_envelope(spectrum))
    assert tempo == 0
    assert len(beats) == 0


@pytest.mark.parametrize("audio, words", [
    (np.zeros(SAMPLE_RATE), "found silence"), (np.full(SAMPLE_RATE, 1e-9), "found silence"),
    (np.full(SAMPLE_RATE, 1e-60), "found silence"), (np.ones(100), "found 100"),
    (np.full(4096, np.nan), "4096 that are NaN"), (np.full(4096, 1e200), "NaN or infinite"),
    (np.full(4096, 1e18), "found one of 1e"), (np.ones((2, 4096)), r"found shape \(2, 4096\)"),
    (np.ones(4096, dtype=complex), "complex"), (np.array(["a"] * 4096), "found ndarray")])
def test_extract_refuses_what_is_no_sound(audio, words):
    for function in (extract, features.mel_spectrogram, features.chromagram, features.track_beats):
        with pytest.raises(AudioError, match=rf"expected .*{words}.*\. [A-Z]"):
            function(audio)


# --- synchronise -----------------------------------------------------------------------------------------------------

@settings(max_examples=50, deadline=None)
@given(data=st.data(), rows=st.integers(1, 5), frames=st.integers(2, 40))
def test_synchronise_laws(data, rows, frames):
    x = data.draw(arrays(np.float64, (rows, frames), elements=st.floats(-80, 0)))
    beats = np.array(sorted(data.draw(st.sets(st.integers(0, frames - 1), min_size=1, max_size=10))))
    y = features.synchronise(x, beats)
    assert y.shape == (rows, len({0, *beats}))
    assert np.all(y >= x.min(axis=1, keepdims=True))
    assert np.all(y <= x.max(axis=1, keepdims=True))


@given(frames=st.integers(1, 40), cuts=st.sets(st.integers(1, 39)), seed=st.integers(0, 99))
def test_medians_between_are_librosas(frames, cuts, seed):
    x = np.random.default_rng(seed).normal(size=(frames, 3))
    edges = np.array(sorted({0, frames} | {cut for cut in cuts if cut < frames}))
    expected = librosa.util.sync(x, edges[1:-1], aggregate=np.median, axis=0) if len(edges) > 2 else \
        np.median(x, axis=0, keepdims=True)
    np.testing.assert_allclose(medians_between(x, edges), expected, rtol=1e-12)


@pytest.mark.parametrize("beats", [[2, 9], [-1, 2], [5], [1.5], [float("nan")]])
def test_beats_outside_the_frames_are_refused(beats):
    with pytest.raises(ValueError, match="from 0 to 4"):
        features.synchronise(np.ones((2, 5)), beats)


def test_whole_numbers_are_not_cut():
    np.testing.assert_array_equal(features.synchronise(np.array([[1, 2, 4, 8]]), [2]), [[1.5, 6]])


def test_a_long_part_is_as_a_short_one():
    x = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
    edges = np.array([0, 100, 1500, 2000])
    expected = [np.median(x[begin:end], axis=0) for begin, end in pairwise(edges)]
    np.testing.assert_allclose(medians_between(x, edges), expected, rtol=1e-6)


def test_synchronise_by_hand():
    np.testing.assert_array_equal(features.synchronise(np.array([[5.0, 1, 2, 9, 7]]), [1, 4]), [[5, 2, 7]])


# --- reading sound ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("rate", [22050, 44100])
def test_reads_the_usual_formats_at_the_labs_rate(tmp_path, name, rate):
    audio = read_audio(tone(tmp_path / name, rate, seconds=2, channels=2))
    assert audio.dtype == np.float32
    assert audio.ndim == 1
    assert len(audio) == pytest.approx(2 * SAMPLE_RATE, rel=0.03)  # MP3 pads
    spectrum = np.abs(np.fft.rfft(audio[:SAMPLE_RATE]))
    assert np.argmax(spectrum) == 440
    assert np.abs(audio[1000:-3000]).max() == pytest.approx(0.5, abs=0.02)


def test_channels_are_averaged(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.1], (4000, 1)), SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), 0.2, atol=1e-6)


def test_seconds_and_start_read_a_part(tmp_path):
    wave = np.linspace(0.1, 0.9, 2 * SAMPLE_RATE)
    soundfile.write(tmp_path / "a.wav", wave, SAMPLE_RATE, subtype="FLOAT")
    part = read_audio(tmp_path / "a.wav", seconds=0.5, start=1.0)
    np.testing.assert_allclose(part, wave[SAMPLE_RATE:SAMPLE_RATE + SAMPLE_RATE // 2], atol=1e-6)
    assert len(read_audio(tmp_path / "a.wav", seconds=10)) == len(wave)


def test_audio_faults(tmp_path):
    def fault(name, samples=None, rate=SAMPLE_RATE):
        if samples is not None:
            soundfile.write(tmp_path / name, np.asarray(samples, dtype=np.float32), rate, subtype="FLOAT")
        with pytest.raises(AudioError) as error:
            read_audio(tmp_path / name)
        assert name in str(error.value)
        assert "expected" in str(error.value)
        assert "found" in str(error.value)
        return str(error.value)

    (tmp_path / "notes.txt").write_text("no sound")
    assert "Convert it" in fault("notes.txt")
    (tmp_path / "nothing.wav").write_bytes(b"")
    assert "empty" in fault("nothing.wav")
    assert "0 samples" in fault("header.wav", [])
    assert "3 that are NaN" in fault("nan.wav", [np.nan] * 3 + [0.1] * 5000)
    assert "NaN or infinite" in fault("inf.wav", [np.inf] + [0.1] * 5000)
    assert "silence" in fault("silent.wav", np.zeros(5000))
    assert "2048" in fault("short.wav", np.ones(2047))
    assert "2048" in fault("short44.wav", np.ones(4000), 44100)  # what counts is the length at 22 050 Hz


def test_what_is_odd_is_noted(tmp_path):
    def notes(name, samples, cut=1.0, **options):
        soundfile.write(tmp_path / name, samples, SAMPLE_RATE, **options)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:round(cut * len(whole))])
        audio, found = read_audio_notes(tmp_path / name)
        return len(audio), found

    calm = np.random.default_rng(0).normal(0, 0.05, 4 * SAMPLE_RATE)
    assert notes("calm.wav", calm) == (len(calm), [])
    length, found = notes("half.wav", calm, cut=0.5)
    assert length < 0.51 * len(calm)
    assert [note.split(":")[0] for note in found] == ["truncated"]
    length, found = notes("half.mp3", calm, cut=0.5)
    assert length < 0.6 * len(calm)
    assert [note.split(":")[0] for note in found] == ["truncated"]
    assert notes("loud.flac", np.clip(40 * calm, -1, 1))[1][0].startswith("clipped: ")
    assert "clipped" not in str(notes("once.flac", np.clip(calm, 0, 1))[1])


def test_very_quiet_sound_is_noted(tmp_path):
    quiet = 3e-4 * np.sin(np.arange(2 * SAMPLE_RATE) / 10)
    soundfile.write(tmp_path / "quiet.flac", quiet, SAMPLE_RATE, subtype="PCM_24")
    audio, notes = read_audio_notes(tmp_path / "quiet.flac")
    assert [note.split(":")[0] for note in notes] == ["very quiet"]
    mel = features.mel_spectrogram(audio)
    assert mel.max() == 0
    np.testing.assert_allclose(mel, librosa.power_to_db(librosa.feature.melspectrogram(y=audio), ref=np.max), atol=2e-3)


def test_a_stream_of_unknown_length_is_refused(tmp_path):
    """FLAC as encoders write it into a pipe: the header does not say how many samples follow."""
    content = bytearray(tone(tmp_path / "a.flac", seconds=3).read_bytes())
    content[21] &= 0xF0  # the 36 bits of the number of samples, in the STREAMINFO block
    content[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(AudioError, match="from file to file"):
        read_audio(tmp_path / "a.flac")


def test_raw_samples_are_refused(tmp_path):
    (tmp_path / "a.raw").write_bytes(bytes(9000))
    with pytest.raises(AudioError, match="Convert it"):
        read_audio(tmp_path / "a.raw")


def test_a_part_of_a_truncated_file_is_whole(tmp_path):
    file = tone(tmp_path / "a.wav", seconds=4)
    file.write_bytes(file.read_bytes()[:-30_000])
    assert read_audio_notes(file, seconds=1)[1] == []
    assert read_audio_notes(file)[1][0].startswith("truncated")


def test_a_broken_flac_file_is_refused(tmp_path):
    file = tone(tmp_path / "a.flac", seconds=3)
    file.write_bytes(file.read_bytes()[:9000])
    with pytest.raises(AudioError, match="lost sync"):
        read_audio(file)


def test_start_behind_the_end_and_missing_file(tmp_path):
    with pytest.raises(AudioError, match="0 samples"):
        read_audio(tone(tmp_path / "a.wav"), start=5)
    with pytest.raises(AudioError, match="Check the name"):
        read_audio(tmp_path / "missing.wav")
    with pytest.raises(ValueError, match="seconds=-1"):
        read_audio(tmp_path / "a.wav", seconds=-1)
