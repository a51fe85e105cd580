"""Sound files: read, checked, and brought to one channel at 22 050 Hz."""

import math
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
_SILENT = 1e-6   # no sample above this is silence: all power would be below the least that is told apart, 1e-10
_QUIET = 1e-3    # and below this the least is nearer than 80 dB to the loudest cell
_LOUD = 1e6      # beyond this powers would leave single precision
# libsndfile's remark on a header that promises other bytes than there are: "data : 264600 (should be 132278)"
_OTHER_SIZE = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
_UNKNOWN_SIZE = 2**31 - 4096  # a program that writes a stream puts the largest number into the header
_UNKNOWN_FRAMES = 2**62       # libsndfile's word for a stream of unknown length


class AudioError(LabError, ValueError):
    """A sound that cannot be used; the message says what was expected, what was found and what to do.

    Used in: notebooks/12_your_own_music
    """


def check_sound(audio: np.ndarray, name: str) -> np.ndarray:
    """The sound in single precision.

    Raises AudioError unless it is one channel, finite, audible, and fills one frame.
    """
    try:
        with np.errstate(over="ignore"):
            audio = np.asarray(audio).astype(np.float32, casting="same_kind", copy=False)
    except (TypeError, ValueError):
        try:
            audio = np.asarray(audio).astype(np.float32, casting="safe")  # short whole numbers
        except (TypeError, ValueError):
            raise AudioError(f"{name}: expected an array of real numbers, found {type(audio).__name__} of "
                             f"{getattr(audio, 'dtype', 'another kind')}. Give samples in [-1, 1].") from None
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
    peak = np.abs(audio).max()
    if peak > _LOUD:
        raise AudioError(f"{name}: expected samples as a rule in [-1, 1], found one of {peak:.3g}. Divide the sound by "
                         "its largest sample, or export the file again.")
    if peak < _SILENT:
        raise AudioError(f"{name}: expected sound, found silence: of {len(audio)} samples none is above {_SILENT:g}, "
                         "and decibels below the loudest cell have no meaning. Leave this recording out, or choose "
                         "another part.")
    return audio


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
    header promises, "clipped: ..." where many samples stand at full scale, "very quiet: ...". An Ogg file that breaks
    off between two pages looks whole.

    Raises
    ------
    As `read_audio`.
    """
    import soundfile
    import soxr

    path = Path(path)
    if not path.is_file():
        raise AudioError(f"Expected a sound file at {path}, found none. Check the name and the folder.")
    if not 0 <= start < np.inf or (seconds is not None and not 0 < seconds < np.inf):
        raise ValueError(f"Expected start >= 0 and seconds > 0, found start={start} and seconds={seconds}.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path.name}: expected sound, found an empty file. Copy or download it again.")
    try:
        with soundfile.SoundFile(path) as file:
            rate, frames = file.samplerate, file.frames
            begin = min(round(start * rate), frames)
            wanted = frames - begin if seconds is None else min(math.ceil(seconds * rate), frames - begin)
            if frames >= _UNKNOWN_FRAMES:  # written into a pipe; libsndfile fails at the end of such a file
                raise AudioError(f"{path.name}: expected a sound file that says how long it is, found a stream that "
                                 "does not. Convert it to WAV or FLAC once more, from file to file.")
            file.seek(begin)
            audio = file.read(wanted, dtype="float32", always_2d=True)
            broken_off = _OTHER_SIZE.search(file.extra_info) if begin + wanted == frames else None
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: raw samples, whose form nothing tells
        why = getattr(error, "error_string", "") or str(error)
        why = "" if "not a regular file" in why else f" ({why})"  # what libsndfile says of a wrong MP3
        raise AudioError(f"{path.name}: expected a sound file (WAV, FLAC, Ogg, MP3), found something that cannot be "
                         f"read as one{why}. Convert it to WAV or FLAC, or leave it out.") from None
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
    audio = check_sound(audio, path.name)
    if np.abs(audio).max() < _QUIET:
        notes.append(f"very quiet: no sample is above {_QUIET:g}, so that its quiet cells are cut off nearer than 80 "
                     "dB below the loudest")
    return audio, notes
