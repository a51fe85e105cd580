"""matplotlib figures in one style: axes with units, a colour map that survives a colour-blind eye and a grey print."""

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOUR_MAP = "magma"
# Okabe and Ito (2008), "Color Universal Design": eight colours that stay apart for every common kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
WIDTH = 8.0   # inches: the text column of the book
DPI = 130
STYLE = {
    "figure.dpi": DPI, "figure.constrained_layout.use": True, "figure.facecolor": "white",
    "font.size": 10, "axes.titlesize": 10, "axes.titlelocation": "left", "axes.labelsize": 9,
    "xtick.labelsize": 8.5, "ytick.labelsize": 8.5, "legend.fontsize": 8.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.4,
    "axes.prop_cycle": plt.cycler(color=COLOURS), "image.cmap": COLOUR_MAP,
}
PITCH_CLASSES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def figure(rows: int = 1, columns: int = 1, height: float = 2.4, **options) -> tuple[Figure, np.ndarray]:
    """A new figure in the style of the book: `rows` x `columns` axes, each row `height` inches high.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/04_dataset
    """
    plt.rcParams.update(STYLE)
    made, axes = plt.subplots(rows, columns, figsize=(WIDTH, height * rows), squeeze=False, **options)
    return made, axes if columns > 1 else axes[:, 0]


def show(made: Figure, alt: str) -> None:
    """Put a figure on the page, with the sentence that says what is seen for a reader who cannot see it.

    Raises ValueError for a missing sentence.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/04_dataset
    """
    from IPython.display import display
    from PIL import Image

    if len(alt.split()) < 5:
        raise ValueError("Expected a sentence that says what is seen in the figure, show(figure, alt=...), "
                         f"found {alt!r}.")
    drawn, picture = io.BytesIO(), io.BytesIO()
    made.savefig(drawn, format="png", dpi=DPI)
    plt.close(made)
    # 256 colours are enough for one colour map and some lines, and make a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE).save(picture, "png", optimize=True)
    display({"image/png": picture.getvalue(), "text/plain": f"Figure: {alt}"}, raw=True, metadata={"alt": alt})


def waveform(axes: Axes, audio: np.ndarray, rate: int, title: str = "") -> None:
    """Draw a mono sound (n,) against seconds; many samples a pixel are drawn as the span between their extremes.

    Used in: notebooks/01_spectrograms
    """
    step = max(1, len(audio) // 4000)
    whole = audio[: len(audio) // step * step].reshape(-1, step)
    seconds = np.arange(len(whole)) * step / rate
    axes.fill_between(seconds, whole.min(axis=1), whole.max(axis=1), linewidth=0.5, edgecolor=COLOURS[0])
    axes.set(xlabel="time (s)", ylabel="amplitude", title=title, xlim=(0, len(audio) / rate))


def spectrogram(axes: Axes, values: np.ndarray, frames_per_second: float, fmax: float, scale: str = "mel",
                title: str = "", beats: Sequence[float] | None = None, unit: str = "time (s)") -> None:
    """Draw a spectrogram (F, T) in dB with librosa's `specshow`, the loudest cell at 0 dB brightest.

    frames_per_second: of the T frames. fmax: the highest frequency in Hz. scale: "mel" or "linear", the spacing of the
    F rows. beats: edges in seconds (T + 1,) of columns of unequal length; None = frames of equal length. unit: the
    label of the time axis; "beat" when a frame is one, with frames_per_second = 1.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/04_dataset
    """
    import librosa

    edges = np.arange(values.shape[1] + 1) / frames_per_second if beats is None else np.asarray(beats)
    if scale == "mel":  # the centres of F bands are equally spaced in mel, without both ends; a row ends half-way
        rows = (np.arange(len(values) + 1) + 0.5) / (len(values) + 1)
        rows = librosa.mel_to_hz(rows * librosa.hz_to_mel(fmax))
    else:
        rows = np.clip((np.arange(len(values) + 1) - 0.5) / (len(values) - 1), 0, 1) * fmax
    drawn = librosa.display.specshow(values, x_coords=edges, y_coords=rows, x_axis="s", y_axis=scale, sr=2 * fmax,
                                     ax=axes, cmap=COLOUR_MAP, vmin=-80, vmax=0)
    axes.set(xlabel=unit, ylabel="frequency (Hz)", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=unit == "beat"))
    axes.figure.colorbar(drawn, ax=axes, format="%d dB", pad=0.01, ticks=[0, -20, -40, -60, -80])


def chromagram(axes: Axes, values: np.ndarray, frames_per_second: float, title: str = "",
               beats: Sequence[float] | None = None, unit: str = "time (s)") -> None:
    """Draw a chromagram (12, T), linear in [0, 1], with the names of the pitch classes.

    frames_per_second, beats, unit: as in `spectrogram`.

    Used in: notebooks/03_chromagrams
    """
    edges = np.arange(values.shape[1] + 1) / frames_per_second if beats is None else np.asarray(beats)
    drawn = axes.pcolormesh(edges, np.arange(13), values, cmap=COLOUR_MAP, vmin=0, vmax=1, rasterized=True)
    axes.set(xlabel=unit, ylabel="pitch class", title=title, yticks=np.arange(12) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=unit == "beat"))
    axes.set_yticklabels(PITCH_CLASSES, fontsize=7.5)
    axes.figure.colorbar(drawn, ax=axes, pad=0.01, ticks=[0, 0.5, 1])


def counts(axes: Axes, numbers: dict[str, int], title: str = "", colour: str = COLOURS[0]) -> None:
    """Draw how many clips each class has, as bars with their numbers written at their ends.

    Used in: notebooks/03_chromagrams, notebooks/04_dataset
    """
    names = list(numbers)
    bars = axes.barh(names, [numbers[name] for name in names], color=colour)
    axes.bar_label(bars, padding=2, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="clips", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.margins(x=0.12)
