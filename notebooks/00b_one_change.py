# %% [markdown]
# # One change at a time
#
# Two recordings differ in a hundred ways, so that nobody can say which of them made the picture different. Here we can: the
# composed corpus plays the same piece twice and changes one thing.
#
# **What we do.** We *change* tempo, mode, distortion, drums, touch and recording, one at a time. We *listen*, *compare* the
# two pictures, and watch what the three mood labels do.
#
# **What we need.** [The gallery](00a_gallery.ipynb), if the pictures are new to you; 20 minutes with headphones, half a
# minute to run.

# %% tags=["parameters"]
profile = None  # the page is the same for each; the lessons use it

# %% [markdown]
# ## Set-up
#
# `compose(genre, seed, seconds, ...)` takes changes by name. What is not named stays as it was, to the last note.

# %%
import numpy as np

from labkit import plots
from labkit.corpus import affect_of, compose, render, traits
from labkit.corpus.styles import ROLES
from labkit.features import HOP, SAMPLE_RATE, chromagram, mel_spectrogram
from labkit.show import listen, say

SECONDS = 8.0
moods, moved = {}, {}  # of each change: the labels, and how far it moves a mel band (dB)

# %%
def seen(picture):
    """A picture in numbers, for those who do not see it."""
    filled = (picture > -50).mean()
    jump = np.abs(np.diff(picture, axis=1)).mean()
    tilt = picture[:64].mean() - picture[64:].mean()
    return (f"{filled:.0%} of the cells are within 50 dB of the loudest, "
            f"from frame to frame a cell changes by {jump:.1f} dB, "
            f"the upper half of the bands lies {tilt:.1f} dB below the lower")

# %%
def compare(name, first, second, words, style=None):
    """Draw and play two pieces; `words` name them. `style`: their genre when it is our own."""
    sounds = [render(piece) for piece in (first, second)]
    pictures = [mel_spectrogram(sound) for sound in sounds]
    figure, axes = plots.figure(rows=2, height=1.9, sharex=True)
    for axis, picture, word in zip(axes, pictures, words):
        plots.spectrogram(axis, picture, SAMPLE_RATE / HOP, SAMPLE_RATE / 2, title=word)
    axes[0].set(xlabel="")
    plots.show(figure, alt=f"Mel spectrograms of {first.genre} twice. " + " ".join(
        f"{word}: {seen(picture)}." for word, picture in zip(words, pictures)))
    for number, (sound, word) in enumerate(zip(sounds, words)):
        listen(sound, f"{name}_{'ab'[number]}", word)
    moods[name] = [affect_of(traits(piece), style or piece.genre) for piece in (first, second)]
    moved[name] = np.abs(np.subtract(*(picture.mean(axis=1) for picture in pictures))).mean()
    return pictures

# %% [markdown]
# ## Tempo
#
# The same song at two speeds. Count the strong vertical bars between two ticks of the time axis: each is a stroke on every
# second beat.

# %%
slow = compose("Hip-Hop", 3, SECONDS, tempo=84)
fast = compose("Hip-Hop", 3, SECONDS, tempo=138)

# %% tags=["hide-input"]
pictures = compare("tempo", slow, fast, ("84 beats a minute", "138 beats a minute"))

# %% tags=["remove-input"]
say(f"{len(slow.beats)} beats in {SECONDS:g} seconds became {len(fast.beats)}. Averaged over time, a mel band differs by "
    f"{moved['tempo']:.1f} dB. Tempo is written mainly along the time axis; whoever averages over time keeps little of it.")

# %% [markdown]
# ## Mode
#
# Major and minor. For another scale `compose` draws other chords too, and that would be two changes. So we first give
# Folk one progression, I V vi IV, and its like in minor, i v bVI iv. Then the third, the sixth and the seventh step of the
# scale sink by a semitone, E, A and B become E flat, A flat and B flat, and every other note stays. In a mel spectrogram
# that is hard to see. In a chromagram, which lesson 3 explains, three pairs of pitch classes trade places.

# %%
from dataclasses import replace

from labkit.corpus import find_style

chords = ("major", ("I V vi IV",)), ("minor", ("i v bVI iv",))
folk = replace(find_style("Folk"), modes=chords)
major = compose(folk, 13, SECONDS, scale="major", tonic=0)
minor = compose(folk, 13, SECONDS, scale="minor", tonic=0)

# %% tags=["hide-input"]
pictures = compare("mode", major, minor, ("C major", "C minor"), folk)

# %% tags=["hide-input"]
chromas = [chromagram(render(piece)).mean(axis=1) for piece in (major, minor)]
figure, (axis,) = plots.figure(height=2.2)
for shift, chroma, word in zip((-0.2, 0.2), chromas, ("C major", "C minor")):
    axis.bar(np.arange(12) + shift, chroma, width=0.4, label=word)
axis.set(xticks=np.arange(12), xticklabels=plots.PITCH_CLASSES, ylabel="mean chroma", xlabel="pitch class")
axis.legend()
plots.show(figure, alt="Mean chroma of the two pieces, in major and in minor. " + "; ".join(
    f"{name}: {chromas[0][at]:.2f}, {chromas[1][at]:.2f}" for at, name in enumerate(plots.PITCH_CLASSES)) + ".")

# %% tags=["remove-input"]
from librosa import hz_to_mel

steps = [one.pitch - other.pitch for one, other in zip(major.notes, minor.notes, strict=True)]
assert set(steps) == {0, 1}
rows = [129 / hz_to_mel(SAMPLE_RATE / 2) * (hz_to_mel(hz * 2 ** (1 / 12)) - hz_to_mel(hz)) for hz in (100, 2000)]
went = [f"{name} from {chromas[0][at]:.2f} to {chromas[1][at]:.2f}" for at, name in (
    (4, "E"), (3, "E flat (drawn as D♯)"), (9, "A"), (8, "A flat (G♯)"), (11, "B"), (10, "B flat (A♯)"))]
say(f"Of {len(steps)} notes {sum(steps)} sink by a semitone. The mean chroma goes, for {'; for '.join(went)}. In the mel "
    f"spectrogram a semitone is {rows[0]:.1f} rows at 100 Hz and {rows[1]:.1f} rows at 2000 Hz; averaged over time, a band "
    f"differs by {moved['mode']:.1f} dB.")

# %% [markdown]
# ## Distortion
#
# One guitar alone plays the same notes, once clean and once through an overdriven amplifier. (The chords keep their thirds
# here. Rock guitarists often leave the third out, because it turns rough under distortion; that is a *power chord*.)

# %%
def alone(instrument):
    """The guitarist of a Rock piece, and nobody else."""
    players = dict.fromkeys(ROLES) | {"chords": instrument}
    return compose("Rock", 13, SECONDS, players=players, drums=False)


clean, driven = alone("electric guitar"), alone("distorted guitar")

# %% tags=["hide-input"]
pictures = compare("distortion", clean, driven, ("clean", "distorted"))

# %% tags=["remove-input"]
assert [note.pitch for note in clean.notes] == [note.pitch for note in driven.notes]
filled = [(picture > -50).mean() for picture in pictures]
say(f"Cells within 50 dB of the loudest: {filled[0]:.0%} clean, {filled[1]:.0%} distorted. The amplifier adds overtones and "
    "sums and differences of the notes, and it holds the level, so that the gaps between the strokes fill up.")

# %% [markdown]
# ## Drums on and off

# %%
with_drums = compose("Pop", 5, SECONDS, drums=True)
without = compose("Pop", 5, SECONDS, drums=False)

# %% tags=["hide-input"]
pictures = compare("drums", with_drums, without, ("with drums", "without drums"))

# %% tags=["remove-input"]
jump = [np.abs(np.diff(picture, axis=1)).mean() for picture in pictures]
say(f"From one frame to the next a cell changes by {jump[0]:.1f} dB with drums and {jump[1]:.1f} dB without. The other players "
    "play the same notes at the same times.")

# %% [markdown]
# ## Touch
#
# The same notes played softly and played hard on a piano, and then brought to the same level, as one turns a knob. Is *loud*
# still heard? We send the engineer home, who would even out the difference: no compression, no equaliser.

# %%
raw = {"compression": 0.0, "mastering": 0.0}
pianist = dict.fromkeys(ROLES) | {"melody": "piano", "figure": "piano"}
soft, hard = (compose("Classical", 14, SECONDS, dynamics=dynamics, gain_db=-25.0,
                      players=pianist, production=raw) for dynamics in (0.15, 0.95))

# %% tags=["hide-input"]
pictures = compare("touch", soft, hard, ("played softly", "played hard"))

# %% tags=["remove-input"]
upper = [picture[64:].mean() - picture[:64].mean() for picture in pictures]
say(f"The upper half of the mel bands lies {-upper[0]:.1f} dB below the lower half when played softly, {-upper[1]:.1f} dB when "
    "played hard: on this piano, as on real ones, a string that is struck harder has stronger overtones. A spectrogram whose "
    "level was normalised still shows the touch; the volume knob leaves no trace in it.")

# %% [markdown]
# ## Recording
#
# The same performance on a clean tape, and on a worn disc through a horn.

# %%
clean_tape = {"lowpass": 11_000.0, "highpass": 30.0, "noise_db": -75.0,
              "crackle": 0.0, "wow": 0.0}
worn_disc = {"lowpass": 2600.0, "highpass": 350.0, "noise_db": -25.0,
             "crackle": 14.0, "wow": 0.004}
tape, disc = (compose("Jazz", 9, SECONDS, production=chain) for chain in (clean_tape, worn_disc))

# %% tags=["hide-input"]
pictures = compare("recording", tape, disc, ("tape", "worn disc"))

# %% tags=["remove-input"]
less = [f"{name} ({change:.1f} dB)" for name, change in moved.items() if change < moved["recording"]]
say(f"Averaged over time, a mel band differs by {moved['recording']:.1f} dB, and not a note is another one. Changes of this page "
    f"that move the bands less: {', '.join(less) or 'none'}. A model that is given old recordings of one genre and new ones of "
    "another may learn about microphones in place of music.")

# %% [markdown]
# ## What the labels do
#
# The corpus computes its mood labels from the parameters of a composition (tempo, mode, touch and so on) by one rule, which
# [how the music is made](../book/composed_music.md) describes. So we can ask what each change did to them, before the noise
# is added that stands for the spread among listeners:

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=3, height=2.4, sharey=True)
for axis, label in zip(axes[0], ("valence", "energy", "danceability")):
    for row, pair in enumerate(moods.values()):
        values = [getattr(mood, label) for mood in pair]
        axis.annotate("", (values[1], row), (values[0], row), arrowprops={"arrowstyle": "->", "color": plots.COLOURS[0]})
        axis.plot(values[0], row, "o", color=plots.COLOURS[0], markersize=4)
    axis.set(xlabel=label, xlim=(0, 1), yticks=range(len(moods)), yticklabels=list(moods))
axes[0, 0].invert_yaxis()
plots.show(figure, alt="From the first piece of each pair to the second: " + "; ".join(
    f"{name}: valence {first.valence:.2f} to {second.valence:.2f}, energy {first.energy:.2f} to {second.energy:.2f}, "
    f"danceability {first.danceability:.2f} to {second.danceability:.2f}" for name, (first, second) in moods.items()) + ".")

# %% tags=["remove-input"]
first, second = moods["recording"]
say("The dot is the first piece of a pair, the arrow points to the second. How long an arrow is depends on how far we turned "
    "the knob and on how much the pieces of the genre differ, so the arrows rank nothing. The worn disc takes the energy from "
    f"{first.energy:.2f} to {second.energy:.2f}, though not a note is another one: the rule counts how bright the sound "
    f"is, and takes that from the recording too; the disc ends at {worn_disc['lowpass']:.0f} Hz. The rule is ours.")

# %% [markdown]
# ## A genre of your own
#
# A genre is data: one `Style`. The easiest way to write one is to begin with its nearest neighbour and to say what is
# different. `dataclasses.replace` does that. Let us put a Hip-Hop beat under a chamber group.

# %%
classical, hiphop = find_style("Classical"), find_style("Hip-Hop")
mine = replace(
    classical, name="Chamber-Hop",
    listen="Strings over a slow beat.",
    tempo=(78, 96), rubato=(0.0, 0.0),
    drums=hiphop.drums, drum_level=2.0, swing=(0.1, 0.4), swing_beats=0.5,
    forms=hiphop.forms, production=hiphop.production,
)
piece = compose(mine, 1, SECONDS, drums=True, metre=4)

# %% tags=["hide-input"]
sound = render(piece)
picture = mel_spectrogram(sound)
figure, (axis,) = plots.figure(height=2.2)
plots.spectrogram(axis, picture, SAMPLE_RATE / HOP, SAMPLE_RATE / 2,
                  title=f"{piece.genre}, {piece.tempo:.0f} beats a minute")
players = ", ".join(dict.fromkeys(note.instrument for note in piece.notes))
plots.show(figure, alt=f"Mel spectrogram of a piece of the new genre {piece.genre}, {piece.tempo:.0f} beats a minute, played "
                       f"by {players}. {seen(picture)}.")
listen(sound, "own_genre", f"{piece.genre}, a genre written on this page")

# %% [markdown]
# To make it part of the corpus, write it as a file in `labkit/corpus/genres/`, as the twenty others are; the top of `labkit/corpus/styles.py` explains the little languages for rhythms and chords. Besides,
# its name has to be added to the list in `labkit/corpus/genres/__init__.py`.
#
# ## Take-away
#
# 1. Tempo is written mainly along the time axis, touch and recording mainly along the frequency axis, the mode in single
#    lines. Drums and distortion change both: drums fill bands of their own, distortion fills the gaps in time too.
# 2. What a recording does to a picture can be as large as what the musicians do.
# 3. A normalised picture has lost the volume knob, and has kept the touch.
#
# **Next:** [lesson 1](01_spectrograms.ipynb) builds the picture from the sound, step by step.
