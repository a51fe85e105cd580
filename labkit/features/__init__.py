"""From sound to features: mel spectrogram, chromagram, beats, and their beat-synchronous versions.

    sound      a file -> one channel at 22 050 Hz, and what is wrong with it
    spectrum   one short-time Fourier transform for everything; mel power and decibels
    medians    the running medians of the harmonic-percussive separation
    rhythm     percussive part, onsets, tempo, beats
    chroma     tuning, constant-Q chroma, spectral chroma
    course     the same numbers in plain calls of librosa

The numbers are those of the course's own data: 22 050 Hz mono, frames of 2048 samples every 512 samples, 128 mel
bands, power in dB below the loudest cell, constant-Q chroma, beats of the percussive part. Kernels are compiled by
numba at set-up. librosa and numba take a second to import, so each function imports what it needs when it is called.
"""

from dataclasses import dataclass

import numpy as np

from labkit.features.sound import (
    FRAME,
    HOP,
    N_CHROMA,
    N_MELS,
    AudioError,
    check_sound,
    read_audio,
    read_audio_notes,
)
from labkit.machine import keep_freed_memory
from labkit.profiles import SAMPLE_RATE

__all__ = ["FRAME", "HOP", "N_CHROMA", "N_MELS", "READINGS", "SAMPLE_RATE", "AudioError", "Features", "chromagram",
           "extract", "mel_power", "mel_spectrogram", "percussive_part", "percussive_share", "read_audio",
           "read_audio_notes", "synchronise", "track_beats"]

READINGS = ("exact", "fast")
FALLBACK_BEAT = 0.5  # seconds from "beat" to "beat" where the tracker finds none


def _spectrum(audio: np.ndarray) -> np.ndarray:
    """The short-time Fourier transform of a checked sound, (T, 1025)."""
    from labkit.features.spectrum import stft, window

    return stft(check_sound(audio, "the sound"), shape=window())


def mel_power(audio: np.ndarray) -> np.ndarray:
    """The power in each of 128 mel bands, frame by frame.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    float32 array (128, T), power >= 0, T = 1 + n // 512 frames of 23.2 ms; bands from 0 to 11 025 Hz.

    Raises
    ------
    AudioError : `audio` is no sound of that kind.

    Source: librosa.feature.melspectrogram (McFee et al. 2015); mel scale of Slaney 1998.

    Used in: notebooks/02_beat_sync
    """
    from labkit.features.spectrum import mel_power_of

    return np.ascontiguousarray(mel_power_of(_spectrum(audio)).T)


def _below_loudest(power: np.ndarray) -> np.ndarray:
    """Power to dB below the loudest cell, cut at -80."""
    from labkit.features.spectrum import decibels

    return decibels(power, power.max())


def mel_spectrogram(audio: np.ndarray) -> np.ndarray:
    """The mel spectrogram in decibels below its loudest cell.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    float32 array (128, T) in [-80, 0] dB; the loudest cell is 0, silence is -80. As in librosa, power below 1e-10
    counts as 1e-10: a sound whose samples all stay below 0.001 has its silence nearer to 0.

    Raises
    ------
    AudioError : as `mel_power`.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/12_your_own_music
    """
    return _below_loudest(mel_power(audio))


def chromagram(audio: np.ndarray) -> np.ndarray:
    """How strongly each of the twelve pitch classes sounds, frame by frame, from a constant-Q transform.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    float32 array (12, T) in [0, 1], rows C, C sharp, ..., B; each frame is divided by its maximum. A frame without any
    sound is zero, or rounding errors divided by the largest of them, which are others than librosa's.

    Raises
    ------
    AudioError : as `mel_power`.

    Source: librosa.feature.chroma_cqt; constant-Q transform after Schoerkhuber and Klapuri 2010.

    Used in: notebooks/00b_one_change, notebooks/03_chromagrams
    """
    return np.ascontiguousarray(_constant_q(audio, _spectrum(audio)).T)


def _constant_q(audio: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    """Constant-Q chroma, (T, 12), tuned by the peaks of the spectrum (T, 1025)."""
    from labkit.features.chroma import STEPS, constant_q_chroma, tuning_of
    from labkit.features.spectrum import magnitude_of

    tuning = tuning_of(magnitude_of(spectrum), STEPS)
    return constant_q_chroma(np.asarray(audio, dtype=np.float32), tuning, len(spectrum))


def track_beats(audio: np.ndarray) -> tuple[float, np.ndarray]:
    """Find the beats of a sound from its percussive part.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    tempo in beats per minute (0 where nothing was found), and the frames of the beats, a sorted int array (B,).

    Raises
    ------
    AudioError : as `mel_power`.

    Source: Ellis 2007, "Beat tracking by dynamic programming"; percussive part by median filters, Fitzgerald 2010.

    Used in: notebooks/02_beat_sync, notebooks/03_chromagrams
    """
    return _percussive_beats(_spectrum(audio), len(audio))


def _percussive_beats(spectrum: np.ndarray, length: int) -> tuple[float, np.ndarray]:
    from labkit.features.rhythm import beats_of, onset_envelope, percussive_sound
    from labkit.features.spectrum import mel_power_of, stft, window

    percussive = stft(percussive_sound(spectrum, length), shape=window())
    return beats_of(onset_envelope(mel_power_of(percussive)))


def percussive_part(audio: np.ndarray) -> np.ndarray:
    """What of a sound lies in short events over many frequencies: strokes rather than held notes.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    float32 array (n,), the numbers of librosa.effects.percussive.

    Raises
    ------
    AudioError : as `mel_power`.

    Source: Fitzgerald 2010, "Harmonic/percussive separation using median filtering".

    Used in: notebooks/02_beat_sync
    """
    from labkit.features.rhythm import percussive_sound

    return percussive_sound(_spectrum(audio), len(audio))


def percussive_share(audio: np.ndarray) -> float:
    """How much of a sound's power lies in short, broad events, between 0 (held notes) and 1 (clicks).

    audio: (n,) at 22 050 Hz. The parts are those of librosa's harmonic-percussive separation (Fitzgerald 2010).

    Used in: notebooks/01_spectrograms, notebooks/03_chromagrams
    """
    from labkit.features.rhythm import percussive_power
    from labkit.features.spectrum import magnitude_of

    return percussive_power(magnitude_of(_spectrum(audio)))


def synchronise(features: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """One column for each beat: the median of the frames from one beat to the next.

    What lies before the first beat and after the last is a column too, so that every frame counts once. For a
    spectrogram give mel power, not decibels, and take decibels afterwards, as the course's data do.

    Parameters
    ----------
    features : (F, T) of finite numbers, any unit.
    beats : (B,) int, frames in [0, T).

    Returns
    -------
    array (F, B'), float32 or float64, with B' the number of parts into which the beats cut the T frames: B + 1, or B
    when the first beat is frame 0. The numbers of librosa.util.sync.

    Raises
    ------
    ValueError : a beat that is no whole number or lies outside the frames.

    Used in: notebooks/02_beat_sync, notebooks/03_chromagrams
    """
    from labkit.features.rhythm import medians_between

    features, beats = np.asarray(features), np.asarray(beats)
    frames = features.shape[1]
    if beats.size and not (beats.dtype.kind in "iu" and 0 <= beats.min() and beats.max() < frames):
        raise ValueError(f"Expected beats as whole numbers from 0 to {frames - 1}, found {beats.dtype} from "
                         f"{beats.min()} to {beats.max()}.")
    values = features.T.astype(np.float32 if features.dtype == np.float32 else np.float64, order="C")
    return np.ascontiguousarray(medians_between(values, np.unique([0, *beats.astype(int), frames])).T)


@dataclass(frozen=True)
class Features:
    """All features of one sound; T frames of 23.2 ms, B' parts from beat to beat."""

    mel: np.ndarray          # (128, T) dB in [-80, 0]
    chroma: np.ndarray       # (12, T) in [0, 1]
    beats: np.ndarray        # (B,) frames
    tempo: float             # beats per minute
    mel_beat: np.ndarray     # (128, B') dB: the median of power, then decibels below the loudest cell
    chroma_beat: np.ndarray  # (12, B') in [0, 1]
    beats_found: bool = True  # False: the tracker found fewer than two, `beats` is one every half second, tempo 120

    @property
    def fused(self) -> np.ndarray:
        """Mel above chroma, (140, T)."""
        return np.vstack([self.mel, self.chroma])

    @property
    def fused_beat(self) -> np.ndarray:
        """Beat-synchronous mel above beat-synchronous chroma, (140, B')."""
        return np.vstack([self.mel_beat, self.chroma_beat])


def extract(audio: np.ndarray, reading: str = "exact") -> Features:
    """Every feature of a sound, as the course's files hold them.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.
    reading : "exact", the numbers of the course's own way; or "fast", a few times faster: the same mel spectrogram,
        chroma from the plain spectrum instead of a constant-Q transform, and beats of the whole sound instead of its
        percussive part.

    The process keeps memory that it frees from then on, up to a gigabyte (`labkit.machine`): the next sound is faster.

    Returns
    -------
    Features. Where fewer than two beats are found, one "beat" every 0.5 s stands in for them and `beats_found` is
    False.

    Raises
    ------
    AudioError : as `mel_power`.
    ValueError : there is no such reading.
    """
    from labkit.features.chroma import spectral_chroma
    from labkit.features.rhythm import beats_of, onset_envelope
    from labkit.features.spectrum import magnitude_of, mel_power_of

    if reading not in READINGS:
        raise ValueError(f"Expected a reading of {' or '.join(READINGS)}, found {reading!r}.")
    keep_freed_memory()
    spectrum = _spectrum(audio)
    power = mel_power_of(spectrum)
    if reading == "exact":
        chroma = _constant_q(audio, spectrum)
        tempo, beats = _percussive_beats(spectrum, len(audio))
    else:
        chroma = spectral_chroma(magnitude_of(spectrum) ** 2)
        tempo, beats = beats_of(onset_envelope(power))
    beats_found = len(beats) >= 2
    if not beats_found:
        tempo = 60 / FALLBACK_BEAT
        beats = np.arange(0, len(power), FALLBACK_BEAT * SAMPLE_RATE / HOP).astype(int)
    both = np.ascontiguousarray(np.hstack([power, chroma]).T)
    by_beat = synchronise(both, beats)
    return Features(mel=_below_loudest(both[:N_MELS]), chroma=both[N_MELS:], beats=beats, tempo=tempo,
                    mel_beat=_below_loudest(by_beat[:N_MELS]), chroma_beat=by_beat[N_MELS:], beats_found=beats_found)
