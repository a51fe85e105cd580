"""matplotlib figures in one style: axes with units, a colour map that survives a colour-blind eye and a grey print."""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

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
        notebooks/03_chromagrams, notebooks/04_dataset, notebooks/05_lstm_genre, notebooks/06_evaluation,
        notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre, notebooks/07c_transformer, notebooks/08_emotion,
        notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission, notebooks/11_latent_spaces,
        notebooks/12_your_own_music
    """
    plt.rcParams.update(STYLE)
    made, axes = plt.subplots(rows, columns, figsize=(WIDTH, height * rows), squeeze=False, **options)
    return made, axes if columns > 1 else axes[:, 0]


def show(made: Figure, alt: str) -> None:
    """Put a figure on the page, with the sentence that says what is seen for a reader who cannot see it.

    Raises ValueError for a missing sentence.

    Used in: notebooks/00a_gallery, notebooks/00b_one_change, notebooks/01_spectrograms, notebooks/02_beat_sync,
        notebooks/03_chromagrams, notebooks/04_dataset, notebooks/05_lstm_genre, notebooks/06_evaluation,
        notebooks/07a_inside_a_cnn, notebooks/07b_cnn_genre, notebooks/07c_transformer, notebooks/08_emotion,
        notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission, notebooks/11_latent_spaces,
        notebooks/12_your_own_music
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


def learning_curves(axes: Axes, history, title: str = "", kept: int | None = None) -> None:
    """Draw the losses of a training against its epochs, with a line at the epoch whose weights were kept.

    history: with `train` and `val`, one loss for each epoch; `val` may be empty. kept: that epoch, from 1; None = the
    best one on the validation clips, where there are any.

    Used in: notebooks/05_lstm_genre, notebooks/07b_cnn_genre, notebooks/07c_transformer
    """
    for losses, name, line in ((history.train, "training", "-"), (history.val, "validation", "--")):
        if len(losses):
            axes.plot(np.arange(1, len(losses) + 1), losses, line, marker="o" if len(losses) < 10 else None,
                      markersize=3, label=name)
    if kept is None and len(history.val):
        kept = history.best_epoch
    if kept is not None:
        axes.axvline(kept, color=COLOURS[6], linewidth=0.9, linestyle=":", label=f"kept: epoch {kept}")
    axes.set(xlabel="epoch", ylabel="loss", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.legend()


def confusion(axes: Axes, matrix: np.ndarray, classes: Sequence[str], title: str = "") -> None:
    """Draw a confusion matrix (C, C): the shade is the share of the true class (row), the number counts the clips.

    A cell without clips has no number. One hue from white to dark stays in order for every eye and in a grey print.

    Used in: notebooks/06_evaluation, notebooks/07b_cnn_genre
    """
    matrix = np.asarray(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 8.0 if len(classes) <= 12 else 6.5
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            axes.text(column, row, f"{count:d}", ha="center", va="center", fontsize=size,
                      color="white" if shares[row, column] > 0.715 else "black")  # here both have the same contrast
    axes.set(xlabel="predicted", ylabel="true", title=title, xticks=range(len(classes)), yticks=range(len(classes)))
    axes.set_xticklabels(classes, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticklabels(classes, fontsize=size)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.figure.colorbar(drawn, cax=axes.inset_axes([1.02, 0, 0.04, 1]), format=PercentFormatter(1, symbol=" %"),
                         ticks=[0, 0.5, 1])


def intervals(axes: Axes, scores: Mapping[str, Sequence[float]], label: str = "score", title: str = "",
              spec: str = ".3f") -> None:
    """Draw scores as dots with their intervals as bars, the first on top, each with its numbers above it.

    scores: names to `Interval`s (value, low, high). label: of the axis. spec: the format of the numbers; with a per
    cent sign, such as ".1%", the axis is in per cent too.

    Used in: notebooks/05_lstm_genre, notebooks/06_evaluation, notebooks/07b_cnn_genre, notebooks/07c_transformer,
        notebooks/08_emotion, notebooks/09a_transfer, notebooks/09b_multitask, notebooks/10_submission,
        notebooks/11_latent_spaces
    """
    places = np.arange(len(scores))
    values, lows, highs = np.array(list(scores.values()), dtype=float).T
    axes.hlines(places, lows, highs, color=COLOURS[0], linewidth=2)
    axes.plot(values, places, "o", color=COLOURS[0], markersize=6)
    for place, interval in enumerate(scores.values()):
        axes.annotate(format(interval, spec), (interval[0], place), xytext=(0, 5), textcoords="offset points",
                      ha="center", fontsize=8)
    axes.set(xlabel=label, title=title, yticks=places, ylim=(len(scores) - 0.5, -0.5))
    axes.set_yticklabels(list(scores))
    axes.grid(axis="x", linewidth=0.4)
    if spec.endswith("%"):
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.margins(x=0.25)  # room for the numbers
