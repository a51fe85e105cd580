"""Features: each equals the plain librosa call, and each unusable sound gets an error that says what to do."""

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labkit import features
from labkit.features import AudioError, extract, read_audio
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
    np.testing.assert_array_equal(features.mel_power(music), power)
    np.testing.assert_allclose(features.mel_spectrogram(music), librosa.power_to_db(power, ref=np.max), atol=1e-5)


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


def test_beat_synchronous_mel_is_the_median_of_power_before_decibels(found, music):
    power = librosa.feature.melspectrogram(y=music, sr=22050, n_fft=2048, hop_length=512, n_mels=128)
    expected = librosa.power_to_db(librosa.util.sync(power, found.beats, aggregate=np.median), ref=np.max)
    np.testing.assert_allclose(found.mel_beat, expected, atol=1e-4)
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


def test_silence_has_no_beats():
    tempo, beats = features.track_beats(np.zeros(SAMPLE_RATE, dtype=np.float32))
    assert tempo == 0
    assert len(beats) == 0


@pytest.mark.parametrize("audio", [np.zeros(SAMPLE_RATE), np.ones(100), np.full(4096, np.nan), np.ones((2, 4096))])
def test_extract_refuses_what_is_no_sound(audio):
    with pytest.raises(AudioError, match=r"expected .* found .*\. [A-Z]"):
        extract(audio.astype(np.float32))


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


def test_start_behind_the_end_and_missing_file(tmp_path):
    with pytest.raises(AudioError, match="0 samples"):
        read_audio(tone(tmp_path / "a.wav"), start=5)
    with pytest.raises(AudioError, match="Check the name"):
        read_audio(tmp_path / "missing.wav")
    with pytest.raises(ValueError, match="seconds=-1"):
        read_audio(tmp_path / "a.wav", seconds=-1)
