"""How strongly each of the twelve pitch classes sounds, from a constant-Q transform or from the plain spectrum."""

from functools import lru_cache

import numba
import numpy as np
import scipy.fft

from labkit.features.sound import FRAME, HOP, N_CHROMA
from labkit.features.spectrum import TINY, stft
from labkit.profiles import SAMPLE_RATE

STEPS = 36                          # filters to an octave of the constant-Q transform, three to a semitone
_OCTAVES = 7                        # from C1 on
_PITCHES = (150.0, 4000.0)          # Hz, where the tuning is looked for
_LOUD = 0.1                         # a peak counts above this share of the loudest in its frame


def tuning_of(spectrum: np.ndarray, per_octave: int) -> float:
    """By how much the music is tuned away from 440 Hz, in [-0.5, 0.5) of a step of 1 / per_octave octaves.

    spectrum: (T, 1025), magnitude or power. The same as librosa.estimate_tuning, which looks for peaks everywhere
    before it asks where they are.
    """
    import librosa

    first, end = (int(np.ceil(pitch * FRAME / SAMPLE_RATE)) for pitch in _PITCHES)
    pitches, heights = _peaks(spectrum, first, end, SAMPLE_RATE / FRAME, np.float32(_LOUD))
    if len(pitches) == 0:
        return 0.0
    return float(librosa.pitch_tuning(pitches[heights >= np.median(heights)], bins_per_octave=per_octave))


@numba.njit(cache=True, nogil=True)
def _peaks(spectrum, first, end, step, loud):
    """Frequency and height of the peaks between the bins `first` and `end`, by a parabola through three bins."""
    pitches = np.empty(len(spectrum) * (end - first + 1) // 2, dtype=np.float32)
    heights = np.empty_like(pitches)
    count = 0
    for frame in range(len(spectrum)):
        row = spectrum[frame]
        limit = loud * _largest(row)
        for bin in range(first, end):
            if row[bin] > limit and row[bin] > row[bin - 1] and row[bin] >= row[bin + 1]:
                bend = row[bin + 1] + row[bin - 1] - 2 * row[bin]
                slope = (row[bin + 1] - row[bin - 1]) / 2
                shift = -slope / bend if abs(slope) < abs(bend) else np.float32(0)
                pitches[count] = (bin + shift) * step
                heights[count] = row[bin] + slope * shift / 2
                count += 1
    return pitches[:count], heights[:count]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _largest(row):
    largest = row[0]
    for bin in range(1, len(row)):
        largest = max(largest, row[bin])
    return largest


def constant_q_chroma(audio: np.ndarray, tuning: float, frames: int) -> np.ndarray:
    """Chroma from a constant-Q transform, (frames, 12) in [0, 1], each frame divided by its maximum.

    The numbers of librosa.feature.chroma_cqt: one octave of filters looks at the sound, then at the sound at half its
    rate, and so on. The filters of an octave are made once for each tuning, and each octave is folded into the twelve
    classes at once.

    audio: (n,) at 22 050 Hz. tuning: as `tuning_of` with 36 steps to an octave. frames: 1 + n // 512.
    Source: Schoerkhuber and Klapuri 2010, "Constant-Q transform toolbox for music processing".
    """
    import librosa

    bins, filters, frame = _octave_of_filters(tuning)
    total = np.zeros((frames, STEPS), dtype=np.float32)
    for octave in range(_OCTAVES):
        _add_sizes(stft(audio, frame, HOP >> octave, bins=bins) @ filters, total)
        if octave + 1 < _OCTAVES:
            audio = librosa.resample(audio, orig_sr=2, target_sr=1, res_type="soxr_hq", scale=True)
    # Three filters to a class, the middle one on its pitch: the last filter of an octave belongs to the next C.
    return _over_maximum(np.roll(total, 1, axis=1).reshape(frames, N_CHROMA, -1).sum(axis=2))


@lru_cache(maxsize=128)  # there are a hundred tunings
def _octave_of_filters(tuning: float) -> tuple[slice, np.ndarray, int]:
    """The filters of the highest octave, as librosa.cqt makes them, divided by the root of their lengths.

    Returns the bins that any of them uses, the filters (bins, 36) complex64, and the samples of a frame.
    """
    import librosa

    lowest = librosa.note_to_hz("C1") * 2 ** (tuning / STEPS)
    pitches = librosa.cqt_frequencies(_OCTAVES * STEPS, fmin=lowest, bins_per_octave=STEPS)[-STEPS:]
    shapes, lengths = librosa.filters.wavelet(freqs=pitches, sr=SAMPLE_RATE, norm=1, pad_fft=True)
    frame = shapes.shape[1]
    filters = scipy.fft.rfft(shapes.real, axis=1) + 1j * scipy.fft.rfft(shapes.imag, axis=1)
    filters *= np.sqrt(lengths)[:, None] / frame
    dense = librosa.util.sparsify_rows(filters, quantile=0.01, dtype=np.complex64).toarray()
    used = np.flatnonzero(dense.any(axis=0))
    bins = slice(int(used[0]), int(used[-1]) + 1)
    return bins, np.ascontiguousarray(dense[:, bins].T), frame


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_sizes(responses, total):
    for frame in range(min(len(responses), len(total))):
        for filter in range(total.shape[1]):
            value = responses[frame, filter]
            total[frame, filter] += np.sqrt(value.real * value.real + value.imag * value.imag)


def spectral_chroma(power: np.ndarray) -> np.ndarray:
    """Chroma from the plain spectrum, (T, 12) in [0, 1]: the numbers of librosa.feature.chroma_stft.

    power: (T, 1025). Low notes are blurred, because two semitones of the deepest octaves lie in one bin.
    Source: Ellis 2007, "Chroma feature analysis and synthesis".
    """
    return _over_maximum(power @ _classes_of_bins(tuning_of(power, N_CHROMA)))


@lru_cache(maxsize=128)
def _classes_of_bins(tuning: float) -> np.ndarray:
    """How much each bin counts for each class, (1025, 12)."""
    import librosa

    return np.ascontiguousarray(librosa.filters.chroma(sr=SAMPLE_RATE, n_fft=FRAME, tuning=tuning).T)


def _over_maximum(values: np.ndarray) -> np.ndarray:
    """Each frame over its maximum; one without any sound stays zero."""
    largest = values.max(axis=1, keepdims=True)
    return values / np.where(largest < TINY, np.float32(1), largest)
