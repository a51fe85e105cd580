"""What a lesson puts on the page: sentences, sounds, noted numbers, figures with axes in the right units."""

import base64
import io
import json

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from IPython.display import HTML, Markdown

from labkit import plots, show
from labkit.evaluation import Interval, report
from labkit.profiles import SAMPLE_RATE
from labkit.training import History

ALT = "A line that rises from one to three and falls to two."


@pytest.fixture
def displayed(monkeypatch):
    """What was displayed: pairs of the object and the options."""
    found = []
    monkeypatch.setattr("IPython.display.display", lambda what, **options: found.append((what, options)))
    return found


@pytest.fixture
def axes():
    figure, (one,) = plots.figure()
    yield one
    plt.close(figure)


def tone(seconds: float, frequency=440.0, level=0.5) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


# Sounds

@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.3])
def test_ogg_comes_back_as_long_and_as_it_was(seconds):
    audio = tone(seconds)
    back, rate = soundfile.read(io.BytesIO(show.encode_ogg(audio)))
    assert rate == SAMPLE_RATE and back.shape == audio.shape
    assert np.corrcoef(audio, back)[0, 1] > 0.99
    assert np.sqrt(np.mean((audio - back) ** 2)) < 0.05


def test_a_long_sound_does_not_overflow_the_encoder():
    """libsndfile's Vorbis encoder crashed the process on one large write."""
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 40 * SAMPLE_RATE).astype(np.float32)
    assert soundfile.info(io.BytesIO(show.encode_ogg(audio))).frames == len(audio)


@pytest.mark.parametrize("audio, message", [
    (np.zeros((2, 100)), r"mono sound \(n,\).*\(2, 100\)"),
    (np.zeros(0), r"mono sound \(n,\).*\(0,\)"),
    (np.array([0.0, np.nan]), "finite numbers"),
    (np.array([0.0, np.inf]), "finite numbers"),
    (np.array([0.0, 1.5]), r"samples in \[-1, 1\], found a peak of 1\.50"),
    (np.array([0.0, -1.5]), r"samples in \[-1, 1\], found a peak of 1\.50"),
], ids=["stereo", "empty", "NaN", "infinite", "too loud", "too low"])
def test_what_is_no_sound_is_refused(audio, message):
    with pytest.raises(ValueError, match=message):
        show.encode_ogg(audio)


def test_in_a_notebook_the_sound_is_embedded(displayed, monkeypatch, tmp_path):
    monkeypatch.delenv("LAB_MEDIA", raising=False)
    monkeypatch.chdir(tmp_path)
    show.listen(tone(0.2), "tone", 'A "pure" <tone>')
    ((html, _),) = displayed
    assert isinstance(html, HTML)
    assert 'aria-label="A &quot;pure&quot; &lt;tone&gt;"' in html.data and 'preload="none"' in html.data
    data = base64.b64decode(html.data.split("base64,")[1].split('"')[0])
    assert soundfile.info(io.BytesIO(data)).frames == round(0.2 * SAMPLE_RATE)
    assert not list(tmp_path.iterdir())


def test_in_the_book_the_sound_is_a_file(displayed, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_MEDIA", "media/01_topic")
    monkeypatch.chdir(tmp_path)
    show.listen(tone(0.2), "tone", "A tone")
    ((html, _),) = displayed
    assert 'src="media/01_topic/tone.ogg"' in html.data and "base64" not in html.data
    assert soundfile.info(tmp_path / "media" / "01_topic" / "tone.ogg").samplerate == SAMPLE_RATE


# Sentences and numbers

def test_a_sentence_is_markdown(displayed):
    show.say("The **sum** is 2.")
    ((words, _),) = displayed
    assert isinstance(words, Markdown) and words.data == "The **sum** is 2."


def test_numbers_are_noted_in_a_build_only(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAB_MEASURED", raising=False)
    show.measured(a=1)
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("LAB_MEASURED", "measured.jsonl")
    show.measured(a=np.float32(1 / 3), b=np.int64(12345))
    show.measured(c=2)
    show.measured(False, d=3)  # of a section that fell back to the composed corpus
    lines = (tmp_path / "measured.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"a": 0.3333, "b": 12340.0}, {"c": 2.0}]


# Figures

@pytest.mark.parametrize("alt", ["", "a line", "one two three four"])
def test_a_figure_without_a_sentence_is_refused(displayed, alt):
    figure, _ = plots.figure()
    with pytest.raises(ValueError, match="Expected a sentence that says what is seen"):
        plots.show(figure, alt=alt)
    assert not displayed
    plt.close(figure)


def test_a_figure_carries_its_sentence(displayed):
    figure, (one,) = plots.figure()
    one.plot([1, 3, 2])
    plots.show(figure, alt=ALT)
    ((data, options),) = displayed
    assert options["raw"] and options["metadata"]["alt"] == ALT and ALT in data["text/plain"]
    assert data["image/png"].startswith(b"\x89PNG")
    assert not plt.fignum_exists(figure.number), "an open figure is shown a second time by the notebook"


def test_a_figure_fills_the_text_column(displayed):
    figure, many = plots.figure(rows=2, columns=3, height=1.5)
    assert many.shape == (2, 3) and figure.get_size_inches() == pytest.approx([plots.WIDTH, 3.0])
    plt.close(figure)
    figure, one_column = plots.figure(rows=2)
    assert one_column.shape == (2,)
    plt.close(figure)


def mesh_of(axes):
    (mesh,) = axes.collections
    return mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]


def test_a_mel_spectrogram_has_seconds_and_hertz(axes):
    values = np.full((128, 431), -80.0)
    values[40] = 0
    rate = SAMPLE_RATE / 512
    plots.spectrogram(axes, values, rate, SAMPLE_RATE / 2)
    seconds, hertz = mesh_of(axes)
    assert seconds[0] == 0 and seconds[-1] == pytest.approx(431 / rate) and np.allclose(np.diff(seconds), 1 / rate)
    centre = librosa.mel_frequencies(130, fmax=SAMPLE_RATE / 2)[41]
    middle = librosa.hz_to_mel(hertz[40:42]).mean()
    assert middle == pytest.approx(librosa.hz_to_mel(centre)), "the bright row must lie at the frequency of its band"
    assert np.allclose(np.diff(librosa.hz_to_mel(hertz)), np.diff(librosa.hz_to_mel(hertz))[0])
    assert axes.get_xlabel() == "time (s)" and axes.get_ylabel() == "frequency (Hz)"
    ticks = [tick for tick in axes.get_yticks() if 0 < tick <= SAMPLE_RATE / 2]
    assert ticks and max(ticks) <= SAMPLE_RATE / 2 and axes.get_yscale() == "symlog"
    (bar,) = (one for one in axes.figure.axes if one is not axes)
    assert bar.get_ylim() == (-80, 0)


def test_a_linear_spectrogram_is_linear(axes):
    values = np.full((1025, 20), -80.0)
    plots.spectrogram(axes, values, 10, 11_025, scale="linear")
    seconds, hertz = mesh_of(axes)
    assert seconds[-1] == pytest.approx(2.0)
    assert hertz[0] == 0 and hertz[-1] == 11_025 and hertz[512] < 512 * 11_025 / 1024 < hertz[513]


@pytest.mark.parametrize("draw", ["mel", "chroma"])
def test_columns_of_unequal_length_stand_at_their_times(axes, draw):
    edges = [0.0, 0.4, 1.5, 1.6]
    if draw == "mel":
        plots.spectrogram(axes, np.full((128, 3), -20.0), 43, 11_025, beats=edges)
    else:
        plots.chromagram(axes, np.full((12, 3), 0.5), 43, beats=edges)
    assert np.allclose(mesh_of(axes)[0], edges)


def test_a_chromagram_names_its_pitch_classes(axes):
    values = np.zeros((12, 10))
    values[9] = 1
    plots.chromagram(axes, values, 5)
    seconds, rows = mesh_of(axes)
    assert seconds[-1] == 2.0 and rows[9] < axes.get_yticks()[9] < rows[10]
    assert [label.get_text() for label in axes.get_yticklabels()][9] == "A" and axes.get_ylabel() == "pitch class"


@pytest.mark.parametrize("count", [1, 100, 4001, 30_000])
def test_a_waveform_runs_over_its_seconds(axes, count):
    audio = np.linspace(-1, 1, count, dtype=np.float32)
    plots.waveform(axes, audio, 1000)
    low, high = axes.get_xlim()
    assert low == 0 and high == pytest.approx(count / 1000)
    path = axes.collections[0].get_paths()[0].vertices
    assert path[:, 0].max() <= high and path[:, 1].min() >= -1 and path[:, 1].max() <= 1


def test_counts_stand_at_their_bars(axes):
    plots.counts(axes, {"Rock": 20, "Folk": 5})
    assert [bar.get_width() for bar in axes.patches] == [20, 5]
    assert [text.get_text() for text in axes.texts] == ["20", "5"]
    low, high = axes.get_ylim()
    assert low > high, "the first class stands on top"


@pytest.mark.parametrize("val, kept, marked", [([3, 1, 2], None, 2), ([3, 1, 2], 3, 3), ([], None, None), ([], 3, 3)])
def test_learning_curves_mark_the_kept_epoch(axes, val, kept, marked):
    plots.learning_curves(axes, History([5, 4, 3], val), kept=kept)
    curves = axes.get_lines()
    assert curves[0].get_xdata().tolist() == [1, 2, 3] and list(curves[0].get_ydata()) == [5, 4, 3]
    if val:
        assert list(curves[1].get_ydata()) == val
        assert curves[1].get_linestyle() != curves[0].get_linestyle(), "told apart in a grey print too"
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["training"] + ["validation"] * bool(val) + [f"kept: epoch {marked}"] * bool(marked)
    if marked:
        assert list(curves[-1].get_xdata()) == [marked] * 2


def luminance(colour):
    """Relative luminance of red, green, blue in [0, 1], as in the W3C's accessibility guidelines (WCAG 2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


def test_a_confusion_matrix_is_shared_by_rows_and_counts_are_readable(axes):
    matrix = report(["a", "b", "b", "b"], ["a", "a", "b", "b"], ["a", "b", "c"]).confusion
    plots.confusion(axes, matrix, ["a", "b", "c"])
    (image,) = axes.images
    assert image.get_array().tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]]
    assert {(text.get_position()): text.get_text() for text in axes.texts} == {(0, 0): "1", (1, 0): "1", (1, 1): "2"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    greys = [luminance(image.cmap(share)) for share in np.linspace(0, 1, 101)]
    assert all(np.diff(greys) < 0), "darker is more, also in grey"
    assert {text.get_text(): text.get_color() for text in axes.texts} == {"1": "black", "2": "white"}
    for share, grey in zip(np.linspace(0, 1, 101), greys, strict=True):
        text = 1.0 if share > 0.715 else 0.0
        assert (max(text, grey) + 0.05) / (min(text, grey) + 0.05) >= 4.5, "the contrast that WCAG 2 asks of text"


def test_intervals_are_dots_with_bars(axes):
    scores = {"CNN": Interval(0.47, 0.44, 0.5), "LSTM": Interval(0.40, 0.37, 0.41), "one clip": Interval(0.2, np.nan,
                                                                                                         np.nan)}
    plots.intervals(axes, scores, "accuracy", spec=".1%")
    assert [label.get_text() for label in axes.get_yticklabels()] == list(scores)
    (dots,) = axes.get_lines()
    assert list(dots.get_xdata()) == [0.47, 0.40, 0.2] and list(dots.get_ydata()) == [0, 1, 2]
    bars = axes.collections[0].get_segments()
    assert [bar.tolist() for bar in bars[:2]] == [[[0.44, 0], [0.5, 0]], [[0.37, 1], [0.41, 1]]]
    assert axes.texts[0].get_text() == "47.0 % (44.0 to 50.0)"
    low, high = axes.get_ylim()
    assert low > high, "the first stands on top"
    assert axes.xaxis.get_major_formatter()(0.4) == "40 %"


def test_the_colours_are_told_apart():
    assert len(set(plots.COLOURS)) == 8 and all(len(colour) == 7 for colour in plots.COLOURS)
    assert plots.STYLE["axes.prop_cycle"].by_key()["color"] == list(plots.COLOURS)
