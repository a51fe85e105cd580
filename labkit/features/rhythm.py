"""Beats: the percussive part of a sound, how much begins in each frame, the tempo, and the beats."""

import numba
import numpy as np
import scipy.fft
import scipy.signal

from labkit.features.medians import running_median
from labkit.features.sound import FRAME, HOP
from labkit.features.spectrum import TINY, decibels, istft, magnitude_of
from labkit.profiles import SAMPLE_RATE

_LONG_PART = 256   # rows beyond which numpy's median is faster
_TEMPO_WINDOW = 8  # seconds over which the onset envelope is compared with itself


def harmonic_and_percussive(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What goes on in time and what goes over many frequencies: two running medians of 31, (T, 1025) each.

    magnitude: (T, 1025). Source: Fitzgerald 2010, "Harmonic/percussive separation using median filtering".
    """
    return running_median(magnitude), np.ascontiguousarray(running_median(magnitude.T).T)


def percussive_power(magnitude: np.ndarray) -> float:
    """The share of the percussive part in the power of a sound, from its magnitudes (T, 1025)."""
    held, struck = harmonic_and_percussive(magnitude)
    goes_on, is_struck = (np.square(_struck_part(magnitude, *parts), dtype=float).sum()
                          for parts in ((struck, held), (held, struck)))
    return float(is_struck / (goes_on + is_struck))


def percussive_sound(spectrum: np.ndarray, length: int) -> np.ndarray:
    """The part of a sound, (length,) float32, that lies in short events over many frequencies.

    spectrum: (T, 1025), its short-time Fourier transform. The numbers of librosa.effects.hpss.
    """
    held, struck = harmonic_and_percussive(magnitude_of(spectrum))
    return istft(lambda some: _struck_part(spectrum[some], held[some], struck[some]), len(spectrum), length)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _struck_part(spectrum, held, struck, least=TINY):
    """A soft mask on the spectrum: the share of the percussive power, one half where there is none at all."""
    out = np.empty_like(spectrum)
    for frame in range(len(spectrum)):
        for bin in range(spectrum.shape[1]):
            share = np.float32(0.5)
            larger = max(held[frame, bin], struck[frame, bin])
            if larger >= least:
                a, b = struck[frame, bin] / larger, held[frame, bin] / larger
                share = a * a / (a * a + b * b)
            out[frame, bin] = spectrum[frame, bin] * share
    return out


def onset_envelope(mel_power: np.ndarray) -> np.ndarray:
    """How much begins in each frame: the median over the bands of the rise in dB, (T,) float32.

    mel_power: (T, 128). The numbers of librosa.onset.onset_strength(aggregate=np.median).
    """
    rises = _median_rise(decibels(mel_power, 1.0))
    shift = 1 + FRAME // (2 * HOP)  # a difference lies between two frames, and a frame looks half its length ahead
    return np.concatenate([np.zeros(shift, dtype=np.float32), rises])[:len(mel_power)]


@numba.njit(cache=True, nogil=True)
def _median_rise(levels):
    frames, bands = levels.shape
    medians = np.zeros(max(frames - 1, 0), dtype=np.float32)
    rises = np.empty(bands, dtype=np.float32)
    for frame in range(frames - 1):
        count = 0
        for band in range(bands):
            rise = levels[frame + 1, band] - levels[frame, band]
            if rise > 0:
                rises[count] = rise
                count += 1
        falls = bands - count  # they count as zero, and stand first in order
        if falls <= bands // 2:
            ordered = np.sort(rises[:count])
            below = ordered[bands // 2 - 1 - falls] if falls < bands // 2 else np.float32(0)
            medians[frame] = (below + ordered[bands // 2 - falls]) / 2
    return medians


def tempo_of(envelope: np.ndarray) -> float:
    """The tempo in beats per minute at which an onset envelope (T,) is most like itself.

    The numbers of librosa.feature.tempo: autocorrelations of windows of eight seconds, each over its value at lag
    zero, averaged. The average is taken of the power spectra, so that one inverse transform serves all windows.
    Source: Grosche, Mueller and Kurth 2010, "Cyclic tempogram"; the preference for 120 of Ellis 2007.
    """
    import librosa

    length = _TEMPO_WINDOW * SAMPLE_RATE // HOP
    padded = np.pad(envelope, length // 2, mode="linear_ramp", end_values=0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[:len(envelope)]
    windows = windows * scipy.signal.get_window("hann", length).astype(np.float32)
    at_lag_zero = np.einsum("tl,tl->t", windows, windows)
    size = scipy.fft.next_fast_len(2 * length - 1, real=True)
    spectra = scipy.fft.rfft(windows, n=size, axis=1)
    weights = 1 / (np.where(at_lag_zero < TINY, 1, at_lag_zero) * len(envelope))
    # A sum of thousands of frames in double precision: what is zero for a steady rhythm must not become less than zero.
    mean = np.einsum("tf,t->f", spectra.real**2 + spectra.imag**2, weights, dtype=np.float64)
    likeness = np.maximum(scipy.fft.irfft(mean, n=size)[:length, None], 0)
    return float(librosa.feature.tempo(tg=likeness, sr=SAMPLE_RATE, hop_length=HOP)[0])


def beats_of(envelope: np.ndarray) -> tuple[float, np.ndarray]:
    """Tempo in beats per minute and the frames of the beats, (B,) int, of an onset envelope (T,); 0 and none if flat.

    Source: Ellis 2007, "Beat tracking by dynamic programming".
    """
    import librosa

    if not envelope.any():
        return 0.0, np.array([], dtype=int)
    tempo = tempo_of(envelope)
    _, beats = librosa.beat.beat_track(onset_envelope=envelope, sr=SAMPLE_RATE, hop_length=HOP, bpm=tempo)
    return tempo, np.asarray(beats, dtype=int)


def medians_between(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The median of the rows from each edge to before the next, column by column.

    values: (T, F) float32 or float64. edges: (P + 1,) int, rising, from 0 to T. Returns (P, F).
    """
    out = _medians_between(values, edges)
    for part in np.flatnonzero(np.diff(edges) > _LONG_PART):
        out[part] = np.median(values[edges[part]:edges[part + 1]], axis=0)
    return out


@numba.njit(cache=True, nogil=True)
def _medians_between(values, edges):
    out = np.empty((len(edges) - 1, values.shape[1]), dtype=values.dtype)
    for part in range(len(out)):
        if edges[part + 1] - edges[part] > _LONG_PART:  # numpy is faster there
            continue
        rows = values[edges[part]:edges[part + 1]].copy()
        n = len(rows)
        for settled in range(n // 2 + 1):  # each round takes the largest that is left to its place, in all columns
            for row in range(n - 1 - settled):
                for column in range(rows.shape[1]):
                    a, b = rows[row, column], rows[row + 1, column]
                    rows[row, column] = a if a < b else b
                    rows[row + 1, column] = b if a < b else a
        out[part] = (rows[(n - 1) // 2] + rows[n // 2]) / 2
    return out
