"""One short-time Fourier transform for everything, frame by frame, and what is read off it.

Arrays are time x frequency here, so that a frame lies together in memory; `labkit.features` turns them for the files.
Single precision throughout: librosa's results are single precision too. scipy's transform is as fast as torch's in one
thread (`benchmarks/features.py`), and spares a process that extracts features the loading of torch.
"""

from collections.abc import Callable
from functools import cache

import numba
import numpy as np
import scipy.fft

from labkit.features.sound import FRAME, HOP, N_MELS
from labkit.profiles import SAMPLE_RATE

BINS = FRAME // 2 + 1
SMALLEST = 1e-10    # power below this is taken for this, as librosa does before decibels
RANGE = 80.0        # dB below the loudest cell at which decibels are cut
TINY = float(np.finfo(np.float32).tiny)  # the smallest normal number of single precision
_BLOCK = 64     # frames transformed at once, which then stay in the processor's cache


@cache
def window() -> np.ndarray:
    """The Hann window of one frame, (2048,)."""
    return np.hanning(FRAME + 1)[:-1].astype(np.float32)


@cache
def mel_bands() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The triangles of the mel bands without their zeros: where each begins and ends among the bins, and the weights.

    Returns first (128,) and end (128,) int, and weights (128, widest); librosa's bands, the mel scale of Slaney 1998.
    """
    import librosa

    dense = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FRAME, n_mels=N_MELS)
    first = (dense > 0).argmax(axis=1)
    end = BINS - (dense[:, ::-1] > 0).argmax(axis=1)
    weights = np.zeros((N_MELS, (end - first).max()), dtype=np.float32)
    for band, (begin, after) in enumerate(zip(first, end, strict=True)):
        weights[band, :after - begin] = dense[band, begin:after]
    return first, end, weights


def stft(audio: np.ndarray, frame: int = FRAME, hop: int = HOP, shape: np.ndarray | None = None,
         bins: slice = slice(None)) -> np.ndarray:
    """Short-time Fourier transform, (T, frame // 2 + 1) complex64, T = 1 + n // hop; silence before and behind.

    shape: the window, (frame,); None leaves the frames as they are. bins: those to keep.
    """
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, frame // 2), frame)[::hop]
    out = np.empty((len(frames), len(range(frame // 2 + 1)[bins])), dtype=np.complex64)
    for begin in range(0, len(frames), _BLOCK):
        block = frames[begin:begin + _BLOCK]
        out[begin:begin + _BLOCK] = scipy.fft.rfft(block if shape is None else block * shape, axis=1)[:, bins]
    return out


def istft(spectrum: Callable[[slice], np.ndarray], frames: int, length: int) -> np.ndarray:
    """The sound, (length,) float32, whose short-time Fourier transform comes nearest to a given one.

    spectrum: gives the frames of a slice, (t, 1025); `frames`: how many there are.
    Source: Griffin and Lim 1984: frames are windowed, added where they overlap, and divided by the squared windows.
    """
    sums = np.zeros((2, FRAME // 2 + length + FRAME), dtype=np.float32)
    used = min(frames, 1 + (length + FRAME // 2 - 1) // HOP)  # those that begin inside the sound
    for begin in range(0, used, _BLOCK):
        block = slice(begin, min(begin + _BLOCK, used))
        _add_frames(scipy.fft.irfft(spectrum(block), n=FRAME, axis=1), window(), HOP, sums[:, begin * HOP:])
    sound, weight = sums[:, FRAME // 2:FRAME // 2 + length]
    return sound / np.where(weight > TINY, weight, np.float32(1))


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_frames(frames, shape, hop, sums):  # numba would not notice that a number of another module changed
    for frame in range(len(frames)):
        for sample in range(len(shape)):
            sums[0, frame * hop + sample] += shape[sample] * frames[frame, sample]
            sums[1, frame * hop + sample] += shape[sample] * shape[sample]


@numba.njit(cache=True, nogil=True, fastmath=True)
def magnitude_of(spectrum):
    """The magnitude of each cell, float32, of the shape of `spectrum`."""
    out = np.empty(spectrum.shape, dtype=np.float32)
    for frame in range(len(spectrum)):
        for bin in range(spectrum.shape[1]):
            value = spectrum[frame, bin]
            out[frame, bin] = np.sqrt(value.real * value.real + value.imag * value.imag)
    return out


@numba.njit(cache=True, nogil=True, fastmath=True)
def _in_bands(spectrum, first, end, weights):
    out = np.empty((len(spectrum), len(first)), dtype=np.float32)
    power = np.empty(spectrum.shape[1], dtype=np.float32)
    for frame in range(len(spectrum)):
        for bin in range(spectrum.shape[1]):
            value = spectrum[frame, bin]
            power[bin] = value.real * value.real + value.imag * value.imag
        for band in range(len(first)):
            total = np.float32(0)
            for bin in range(first[band], end[band]):
                total += weights[band, bin - first[band]] * power[bin]
            out[frame, band] = total
    return out


def mel_power_of(spectrum: np.ndarray) -> np.ndarray:
    """Power in the mel bands, (T, 128), of a short-time Fourier transform (T, 1025)."""
    return _in_bands(spectrum, *mel_bands())


def decibels(power: np.ndarray, reference: float) -> np.ndarray:
    """Power to dB against `reference`, cut 80 dB below the loudest value; float32."""
    found = 10 * np.log10(np.maximum(power, np.float32(SMALLEST)))
    found -= 10 * np.log10(np.maximum(np.float32(reference), np.float32(SMALLEST)))  # in the same precision: 0 is 0
    return np.maximum(found, found.max() - np.float32(RANGE), out=found)
