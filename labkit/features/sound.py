"""Sound files: read, checked, and brought to one channel at 22 050 Hz."""

import re
from pathlib import Path

import numpy as np

from labkit.errors import LabError
from labkit.profiles import SAMPLE_RATE

FRAME = 2048    # samples of one Fourier transform, 93 ms
HOP = 512       # samples from one frame to the next, 23.2 ms
N_MELS = 128    # rows of a mel spectrogram
N_CHROMA = 12   # rows of a chromagram: the pitch classes C, C sharp, ..., B

CLIPPED = 0.001  # share of samples at full scale from which a sound is called clipped
_FULL_SCALE = 0.999
# libsndfile's remark on a header that promises other bytes than there are: "data : 264600 (should be 132278)"
_OTHER_SIZE = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_SIZE = 2**31 - 4096  # a program that writes a stream puts the largest number into the header


class AudioError(LabError, ValueError):
    """A sound that cannot be used; the message says what was expected, what was found and what to do."""


def check_sound(audio: np.ndarray, name: str) -> None:
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
    return read_audio_notes(path, seconds, start)[0]


def read_audio_notes(path: str | Path, seconds: float | None = None,
                     start: float = 0.0) -> tuple[np.ndarray, list[str]]:
    """Read a sound file as `read_audio` does, and say what is odd about it without making it useless.

    Returns
    -------
    the sound, float32 (n,), and a list of notes: "truncated: ..." where the file breaks off before the length that its
    header promises, "clipped: ..." where many samples stand at full scale. An Ogg file that breaks off between two
    pages looks whole.

    Raises
    ------
    As `read_audio`.
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
            rate, begin = file.samplerate, min(round(start * file.samplerate), file.frames)
            wanted = file.frames - begin if seconds is None else min(round(seconds * rate), file.frames - begin)
            file.seek(begin)
            audio = file.read(wanted, dtype="float32", always_2d=True)
            broken_off = _OTHER_SIZE.search(file.extra_info)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path.name}: expected a sound file (WAV, FLAC, Ogg, MP3), found something that cannot be "
                         f"read as one ({error.error_string}). Convert it to WAV or FLAC, or leave it out.") from None
    notes = []
    if len(audio) < wanted:
        notes.append(f"truncated: the header promises {wanted / rate:.1f} s, {len(audio) / rate:.1f} s are there")
    elif broken_off and int(broken_off[2]) < int(broken_off[1]) < _UNKNOWN_SIZE:
        notes.append(f"truncated: the header promises {broken_off[1]} bytes of sound, {broken_off[2]} are there")
    full = np.mean(np.abs(audio) >= _FULL_SCALE) if audio.size else 0
    if full >= CLIPPED:
        notes.append(f"clipped: {full:.1%} of the samples are at full scale")
    audio = audio.mean(axis=1, dtype=np.float32)
    if rate != SAMPLE_RATE:
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
    check_sound(audio, path.name)
    return audio, notes
