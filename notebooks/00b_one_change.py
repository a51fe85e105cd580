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
def compare(name, first, second, words):
    """Draw and play two pieces; `words` name them."""
    sounds = [render(piece) for piece in (first, second)]
    pictures = [mel_spectrogram(sound) for sound in sounds]
    figure, axes = plots.figure(rows=2, height=1.9, sharex=True)
    for axis, picture, word in zip(axes, pictures, words):
        plots.spectrogram(axis, picture, SAMPLE_RATE / HOP, SAMPLE_RATE / 2, title=word)
    axes[0].set(xlabel="")
    plots.show(figure, alt=f"Mel spectrograms of {first.genre} twice: {words[0]}; {words[1]}.")
    for number, (sound, word) in enumerate(zip(sounds, words)):
        listen(sound, f"{name}_{'ab'[number]}", word)
    moods[name] = [affect_of(traits(piece), piece.genre) for piece in (first, second)]
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
say(f"{len(slow.beats)} beats in {SECONDS:g} seconds became {len(fast.beats)}. The rows hardly change: averaged over time, a "
    f"mel band differs by {moved['tempo']:.1f} dB. Tempo is written "
    "along the time axis alone; whoever averages over time throws it away.")

# %% [markdown]
# ## Mode
#
# Major and minor. The chords change their thirds, and the melody follows. In a mel spectrogram this is a change of a few
# rows by one row; hard to see. In a chromagram, which lesson 3 explains, two of the twelve pitch classes trade places.

# %%
major = compose("Folk", 5, SECONDS, scale="major", tonic=0)
minor = compose("Folk", 5, SECONDS, scale="minor", tonic=0)

# %% tags=["hide-input"]
pictures = compare("mode", major, minor, ("C major", "C minor"))

# %% tags=["hide-input"]
chromas = [chromagram(render(piece)).mean(axis=1) for piece in (major, minor)]
figure, (axis,) = plots.figure(height=2.2)
for shift, chroma, word in zip((-0.2, 0.2), chromas, ("C major", "C minor")):
    axis.bar(np.arange(12) + shift, chroma, width=0.4, label=word)
axis.set(xticks=np.arange(12), xticklabels=plots.PITCH_CLASSES, ylabel="mean chroma", xlabel="pitch class")
axis.legend()
plots.show(figure, alt="Mean chroma of the two pieces. E: " + ", ".join(f"{chroma[4]:.2f}" for chroma in chromas)
                       + "; E flat, written D sharp: " + ", ".join(f"{chroma[3]:.2f}" for chroma in chromas)
                       + ", in major and in minor.")

# %% tags=["remove-input"]
say(f"E falls from {chromas[0][4]:.2f} to {chromas[1][4]:.2f}, E flat (drawn as D♯) goes from {chromas[0][3]:.2f} to "
    f"{chromas[1][3]:.2f}. Of all the parameters of mood, the mode is the one that a mel spectrogram shows least.")

# %% [markdown]
# ## Distortion
#
# One guitar alone plays the same chords, once clean and once through an overdriven amplifier. (With it the chords lose their
# thirds: a driven guitar plays *power chords*, because the thirds would turn to mud.)

# %%
def alone(instrument):
    """The guitarist of a Rock piece, and nobody else."""
    players = dict.fromkeys(ROLES) | {"chords": instrument}
    return compose("Rock", 13, SECONDS, players=players, drums=False)


clean, driven = alone("electric guitar"), alone("distorted guitar")

# %% tags=["hide-input"]
pictures = compare("distortion", clean, driven, ("clean", "distorted"))

# %% tags=["remove-input"]
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
    "played hard: a string that is struck harder has stronger overtones. That is why energy can be read from a "
    "spectrogram whose level was normalised, while the volume knob leaves no trace in it.")

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
# [how the music is made](../book/composed_music.md) describes. So we can ask what each change did to them. Before the
# annotators' noise is added:

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
most = {label: max(moods, key=lambda name: abs(getattr(moods[name][1], label) - getattr(moods[name][0], label)))
        for label in ("valence", "energy", "danceability")}
say("The dot is the first piece of a pair, the arrow points to the second. Of these changes, the one that moves valence most is "
    f"*{most['valence']}*, energy *{most['energy']}*, danceability *{most['danceability']}*. The rule is ours; its "
    "directions are those on which listening experiments agree.")

# %% [markdown]
# ## A genre of your own
#
# A genre is data: one `Style`. The easiest way to write one is to begin with its nearest neighbour and to say what is
# different. `dataclasses.replace` does that. Let us put a Hip-Hop beat under a chamber group.

# %%
from dataclasses import replace

from labkit.corpus import find_style

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
figure, (axis,) = plots.figure(height=2.2)
plots.spectrogram(axis, mel_spectrogram(sound), SAMPLE_RATE / HOP, SAMPLE_RATE / 2,
                  title=f"{piece.genre}, {piece.tempo:.0f} beats a minute")
plots.show(figure, alt=f"Mel spectrogram of a piece of the new genre {piece.genre}: lines of strings above the vertical "
                       "bars of a drum pattern.")
listen(sound, "own_genre", f"{piece.genre}, a genre written on this page")

# %% [markdown]
# To make it part of the corpus, write it as a file in `labkit/corpus/genres/`, as the twenty others are; the top of `labkit/corpus/styles.py` explains the little languages for rhythms and chords. Besides,
# its name has to be added to the list in `labkit/corpus/genres/__init__.py`.
#
# ## Take-away
#
# 1. Tempo and drums are written along the time axis, distortion, touch and recording along the frequency axis, the mode
#    in single rows.
# 2. What a recording does to a picture can be as large as what the musicians do.
# 3. A normalised picture has lost the volume knob, and has kept the touch.
#
# **Next:** [lesson 1](01_spectrograms.ipynb) builds the picture from the sound, step by step.
