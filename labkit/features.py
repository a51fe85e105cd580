"""From sound to features: mel spectrogram, chromagram, beats, and their beat-synchronous versions.

Plain calls of librosa in the way in which the course's own data were made: 22 050 Hz mono, frames of 2048 samples every
512 samples, 128 mel bands, power in dB below the loudest cell, constant-Q chroma. librosa takes seconds to import, so
each function imports it when it is called.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labkit.errors import LabError
from labkit.profiles import SAMPLE_RATE

FRAME = 2048    # samples of one Fourier transform, 93 ms
HOP = 512       # samples from one frame to the next, 23.2 ms
N_MELS = 128    # rows of a mel spectrogram
N_CHROMA = 12   # rows of a chromagram: the pitch classes C, C sharp, ..., B
FALLBACK_BEAT = 0.5  # seconds from "beat" to "beat" where the tracker finds none


class AudioError(LabError, ValueError):
    """A sound that cannot be used; the message says what was expected, what was found and what to do."""


def _check_sound(audio: np.ndarray, name: str) -> None:
    """Raise AudioError unless `audio` is one channel, finite, not silent, and fills one frame."""
    if audio.ndim != 1:
        raise AudioError(f"{name}: expected one channel, an array of shape (n,), found shape {audio.shape}. "
                         "Average the channels first; read_audio does.")
    if len(audio) == 0:
        raise AudioError(f"{name}: expected sound, found 0 samples. Check that the file is complete, "
                         "and that `start` lies inside it.")
    if not np.isfinite(audio).all():
        raise AudioError(f"{name}: expected finite samples, found {np.count_nonzero(~np.isfinite(audio))} that are "
                         "NaN or infinite. Export the file again from its source.")
    if len(audio) < FRAME:
        raise AudioError(f"{name}: expected at least {FRAME} samples ({1000 * FRAME / SAMPLE_RATE:.0f} ms, one frame), "
                         f"found {len(audio)}. Use a longer recording.")
    if not audio.any():
        raise AudioError(f"{name}: expected sound, found silence: all {len(audio)} samples are zero, and decibels "
                         "below the loudest cell have no meaning. Leave this recording out, or choose another part.")


def read_audio(path: str | Path, seconds: float | None = None, start: float = 0.0) -> np.ndarray:
    """Read a sound file as one channel at 22 050 Hz.

    Parameters
    ----------
    path : any format that libsndfile reads: WAV, FLAC, Ogg, MP3 and others.
    seconds : read at most so much, in seconds; None = to the end.
    start : where to begin, in seconds.

    Returns
    -------
    float32 array (n,), the mean of the channels, as a rule in [-1, 1].

    Raises
    ------
    AudioError : missing, not audio, empty, NaN, shorter than one frame, or silent.
    ValueError : `start` or `seconds` out of range.
    """
    import soundfile
    import soxr

    path = Path(path)
    if not path.is_file():
        raise AudioError(f"Expected a sound file at {path}, found none. Check the name and the folder.")
    if start < 0 or (seconds is not None and seconds <= 0):
        raise ValueError(f"Expected start >= 0 and seconds > 0, found start={start} and seconds={seconds}.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path.name}: expected sound, found an empty file. Copy or download it again.")
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            file.seek(min(round(start * rate), file.frames))
            audio = file.read(-1 if seconds is None else round(seconds * rate), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path.name}: expected a sound file (WAV, FLAC, Ogg, MP3), found something that cannot be "
                         f"read as one ({error.error_string}). Convert it to WAV or FLAC, or leave it out.") from None
    audio = audio.mean(axis=1, dtype=np.float32)
    if rate != SAMPLE_RATE:
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
    _check_sound(audio, path.name)
    return audio


def mel_power(audio: np.ndarray) -> np.ndarray:
    """The power in each of 128 mel bands, frame by frame.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    array (128, T), power >= 0, T = 1 + n // 512 frames of 23.2 ms; bands from 0 to 11 025 Hz.

    Raises
    ------
    AudioError : `audio` is no sound of that kind.

    Source: McFee et al. 2015, "librosa: Audio and music signal analysis in Python"; mel scale of Slaney 1998.

    Used in: notebooks/02_beat_sync
    """
    import librosa

    _check_sound(audio, "the sound")
    return librosa.feature.melspectrogram(y=audio, sr=SAMPLE_RATE, n_fft=FRAME, hop_length=HOP, n_mels=N_MELS,
                                          power=2.0)


def _decibels(power: np.ndarray) -> np.ndarray:
    """Power to dB below the loudest cell, cut at -80."""
    import librosa

    return librosa.power_to_db(power, ref=np.max).astype(np.float32)


def mel_spectrogram(audio: np.ndarray) -> np.ndarray:
    """The mel spectrogram in decibels below its loudest cell.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    float32 array (128, T) in [-80, 0] dB; the loudest cell is 0, silence is -80.

    Raises
    ------
    AudioError : as `mel_power`.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams
    """
    return _decibels(mel_power(audio))


def chromagram(audio: np.ndarray) -> np.ndarray:
    """How strongly each of the twelve pitch classes sounds, frame by frame, from a constant-Q transform.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz.

    Returns
    -------
    float32 array (12, T) in [0, 1], rows C, C sharp, ..., B; each frame is divided by its maximum.

    Source: librosa.feature.chroma_cqt; constant-Q transform after Schoerkhuber and Klapuri 2010.

    Used in: notebooks/00b_one_change, notebooks/03_chromagrams
    """
    import librosa

    return librosa.feature.chroma_cqt(y=audio, sr=SAMPLE_RATE, hop_length=HOP).astype(np.float32)


def track_beats(audio: np.ndarray) -> tuple[float, np.ndarray]:
    """Find the beats of a sound from its percussive part.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz.

    Returns
    -------
    tempo in beats per minute (0 where nothing was found), and the frames of the beats, a sorted int array (B,).

    Source: Ellis 2007, "Beat tracking by dynamic programming"; percussive part by median filters, Fitzgerald 2010.

    Used in: notebooks/02_beat_sync, notebooks/03_chromagrams
    """
    import librosa

    _, percussive = librosa.effects.hpss(audio)
    tempo, beats = librosa.beat.beat_track(y=percussive, sr=SAMPLE_RATE, hop_length=HOP)
    return float(np.atleast_1d(tempo)[0]), np.asarray(beats, dtype=int)


def percussive_share(audio: np.ndarray) -> float:
    """How much of a sound's power lies in short, broad events, between 0 (held notes) and 1 (clicks).

    audio: (n,) at 22 050 Hz. The parts are those of librosa's harmonic-percussive separation (Fitzgerald 2010).

    Used in: notebooks/01_spectrograms, notebooks/03_chromagrams
    """
    import librosa

    harmonic, percussive = librosa.decompose.hpss(np.abs(librosa.stft(audio, n_fft=FRAME, hop_length=HOP)))
    return float((percussive**2).sum() / ((harmonic**2).sum() + (percussive**2).sum()))


def synchronise(features: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """One column for each beat: the median of the frames from one beat to the next.

    What lies before the first beat and after the last is a column too, so that every frame counts once. For a
    spectrogram give mel power, not decibels, and take decibels afterwards, as the course's data do.

    Parameters
    ----------
    features : (F, T), any unit.
    beats : (B,) int, frames in [0, T).

    Returns
    -------
    array (F, B') with B' the number of parts into which the beats cut the T frames: B + 1, or B when the first beat
    is frame 0.

    Used in: notebooks/02_beat_sync, notebooks/03_chromagrams
    """
    import librosa

    return librosa.util.sync(features, np.asarray(beats, dtype=int), aggregate=np.median)


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


def extract(audio: np.ndarray) -> Features:
    """Every feature of a sound, as the course's files hold them.

    Parameters
    ----------
    audio : (n,) at 22 050 Hz, at least 2048 samples, not silent.

    Returns
    -------
    Features. Where fewer than two beats are found, one "beat" every 0.5 s stands in for them and
    `beats_found` is False.

    Raises
    ------
    AudioError : as `mel_power`.
    """
    power = mel_power(audio)
    chroma = chromagram(audio)
    tempo, beats = track_beats(audio)
    beats_found = len(beats) >= 2
    if not beats_found:
        tempo = 60 / FALLBACK_BEAT
        beats = np.arange(0, power.shape[1], FALLBACK_BEAT * SAMPLE_RATE / HOP).astype(int)
    return Features(
        mel=_decibels(power), chroma=chroma, beats=beats, tempo=tempo,
        mel_beat=_decibels(synchronise(power, beats)), chroma_beat=synchronise(chroma, beats), beats_found=beats_found,
    )
