# %% [markdown]
# # Twenty genres to hear and to see
#
# The composed corpus has the twenty genres of the course. This page plays two pieces of each, by two bands that have
# nothing to do with each other, and draws them as the models of this book see them.
#
# **What we do.** We *listen*, we *look*, and we *learn to read* a mel spectrogram before any model does.
#
# **What we need.** Nothing; 20 minutes with headphones, half a minute to run.
#
# Each picture has the time to the right and the frequency upwards; the brighter, the louder. Vertical bars are strokes,
# horizontal lines are held notes, a ladder of lines is one note with its overtones. Press play and follow the picture.
#
# The words above a pair describe the genre, not these two bands: they may lack a player that the words name, or play
# something that the words leave out. Who plays stands beside each player.

# %% tags=["parameters"]
profile = None  # the page is the same for each; the lessons use it

# %% [markdown]
# ## Set-up
#
# `compose` writes a score from a genre and a seed, `render` plays it. The same seed gives the same piece each time. We play
# ten seconds of two pieces. Like the clips of a dataset they are cut out of a longer piece, here from a bar drawn at random.

# %%
import numpy as np

from labkit import plots
from labkit.corpus import compose, find_style, render
from labkit.features import HOP, SAMPLE_RATE, mel_spectrogram
from labkit.show import listen, say

SEEDS = (3, 8)  # two albums
SECONDS = 10.0

# %%
def exhibit(genre):
    """Two pieces of a genre: what to listen for, pictures, players."""
    say(find_style(genre).listen)
    pieces = [compose(genre, seed, SECONDS) for seed in SEEDS]
    sounds = [render(piece) for piece in pieces]
    pictures = [mel_spectrogram(sound) for sound in sounds]
    figure, axes = plots.figure(rows=2, height=1.6)
    for axis, piece, picture in zip(axes, pieces, pictures):
        plots.spectrogram(axis, picture, SAMPLE_RATE / HOP, SAMPLE_RATE / 2,
                          title=describe(piece))
    axes[0].set(xlabel="")
    plots.show(figure, alt=f"Mel spectrograms of two pieces of {genre}. " + " ".join(
        f"{describe(piece)}: {seen(picture)}." for piece, picture in zip(pieces, pictures)))
    for number, (piece, sound) in enumerate(zip(pieces, sounds), start=1):
        listen(sound, f"{genre}_{number}", f"{genre} {number}: {band(piece)}")

# %%
def describe(piece):
    """Key and tempo in words."""
    return f"{plots.PITCH_CLASSES[piece.tonic]} {piece.scale}, {piece.tempo:.0f} beats a minute"


def seen(picture):
    """A picture in numbers, for those who do not see it."""
    filled = (picture > -50).mean()
    jump = np.abs(np.diff(picture, axis=1)).mean()
    return (f"{filled:.0%} of the cells are within 50 dB of the loudest, "
            f"from frame to frame a cell changes by {jump:.1f} dB")


def band(piece):
    """Who plays in this clip."""
    players = dict.fromkeys(note.instrument for note in piece.notes if note.part != "drums")
    drums = any(note.part == "drums" for note in piece.notes)
    return ", ".join(players) + (", drums" if drums else "")

# %% [markdown]
# ## Blues

# %% tags=["remove-input"]
exhibit("Blues")

# %% [markdown]
# ## Chiptune

# %% tags=["remove-input"]
exhibit("Chiptune")

# %% [markdown]
# ## Classical

# %% tags=["remove-input"]
exhibit("Classical")

# %% [markdown]
# ## Electronic

# %% tags=["remove-input"]
exhibit("Electronic")

# %% [markdown]
# ## Folk

# %% tags=["remove-input"]
exhibit("Folk")

# %% [markdown]
# ## Hip-Hop

# %% tags=["remove-input"]
exhibit("Hip-Hop")

# %% [markdown]
# ## Indie-Rock

# %% tags=["remove-input"]
exhibit("Indie-Rock")

# %% [markdown]
# ## International

# %% tags=["remove-input"]
exhibit("International")

# %% [markdown]
# ## Jazz

# %% tags=["remove-input"]
exhibit("Jazz")

# %% [markdown]
# ## Metal

# %% tags=["remove-input"]
exhibit("Metal")

# %% [markdown]
# ## Old-Time

# %% tags=["remove-input"]
exhibit("Old-Time")

# %% [markdown]
# ## Pop

# %% tags=["remove-input"]
exhibit("Pop")

# %% [markdown]
# ## Post-Punk

# %% tags=["remove-input"]
exhibit("Post-Punk")

# %% [markdown]
# ## Post-Rock

# %% tags=["remove-input"]
exhibit("Post-Rock")

# %% [markdown]
# ## Psych-Folk

# %% tags=["remove-input"]
exhibit("Psych-Folk")

# %% [markdown]
# ## Psych-Rock

# %% tags=["remove-input"]
exhibit("Psych-Rock")

# %% [markdown]
# ## Punk

# %% tags=["remove-input"]
exhibit("Punk")

# %% [markdown]
# ## Rock

# %% tags=["remove-input"]
exhibit("Rock")

# %% [markdown]
# ## Soundtrack

# %% tags=["remove-input"]
exhibit("Soundtrack")

# %% [markdown]
# ## Trip-Hop

# %% tags=["remove-input"]
exhibit("Trip-Hop")

# %% [markdown]
# ## What to take along
#
# 1. A genre is no recipe but a family: two of its pieces may share less with each other than with a neighbour's.
# 2. Neighbours share players and effects by design: Psych-Rock with Rock, Trip-Hop with Hip-Hop, Psych-Folk with Folk.
#    Which genres a model confuses is another question; [how the music is made](../book/composed_music.md) has the table.
# 3. These are exercises in style by a program. Voices sing vowels and no words, nobody has an idea, and each clip begins and
#    breaks off somewhere. What holds for real music only [real music](../book/real_music.md) can tell.
#
# **Next:** [one change at a time](00b_one_change.ipynb).
