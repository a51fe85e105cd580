# %% [markdown]
# # 2 Beat-synchronous spectrograms
#
# A clip of 30 seconds has about 1300 frames. That is a long way for a network that reads one frame after the other.
# Music has a larger unit of its own, the beat. This lesson finds the beats and keeps one column for each.
#
# **What we do.** We *measure* what a long sequence costs an LSTM, in time and in gradient. We *find* the beats of a piece
# and hear whether they are right. We *take* the median between beats, and compare what is kept and what is lost.
#
# **What we need.** [Lesson 1](01_spectrograms.ipynb); about 30 minutes, a minute to run, 1 GB of memory.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import time

import librosa
import numpy as np
import torch

from labkit import plots
from labkit.datasets import find_clip, list_clips, read_labels, read_mel_spectrogram
from labkit.features import HOP
from labkit.lab import open_lab
from labkit.profiles import SAMPLE_RATE
from labkit.show import listen, measured, say

lab = open_lab(profile)
frames_per_second = SAMPLE_RATE / HOP

# %% tags=["remove-input"]
say(lab.note("genre", "genre_beat", "sound"))

# %% [markdown]
# ## 2.1 The dimensions
#
# Each clip comes twice: as a full spectrogram and in a folder of the same name with `_beat` at its end. How long are they?

# %%
source = lab if lab.has("genre_beat") else lab.composed_only()
full, beat = source.dataset("genre"), source.dataset("genre", beat=True)
lengths = {}
for name, folder in (("full", full), ("beat-synchronous", beat)):
    clips = list_clips(folder.path, "train")
    lengths[name] = [len(read_mel_spectrogram(clips[id])) for id in list(clips)[:100]]
    shape = read_mel_spectrogram(clips[next(iter(clips))]).shape
    print(f"{name:18} one clip {shape}; frames: {min(lengths[name])} to {max(lengths[name])}")

# %%
ratio = np.mean(lengths["full"]) / np.mean(lengths["beat-synchronous"])

# %% tags=["remove-input"]
measured(lab.has("genre_beat"), frames_full=np.mean(lengths["full"]),
         frames_beat=np.mean(lengths["beat-synchronous"]))
say(f"On average {np.mean(lengths['full']):.0f} frames against {np.mean(lengths['beat-synchronous']):.0f} beats: "
    f"{ratio:.0f} times fewer. In the course's dataset it is about 1293 frames against 58 beats for each 30 seconds.")

# %% [markdown]
# ## 2.2 Is an LSTM over 1293 steps efficient?
#
# An [LSTM](../book/glossary.md) reads one column after the other and carries a state along. Two things grow with the
# number of steps.
#
# The first is **time**. Step $t$ needs the state of step $t-1$, so the steps cannot be computed side by side, however many
# cores there are. We measure one training step, forward and backward, of the report's network: two layers of 128 units.
# Eight clips of random numbers do for that. Look at how the time grows.

# %%
torch.manual_seed(0)
network = torch.nn.LSTM(input_size=128, hidden_size=128, num_layers=2, batch_first=True)


def seconds_of_a_step(steps, repeats=5):
    """Median time of one forward and backward pass over eight sequences of so many steps."""
    batch, times = torch.randn(8, steps, 128), []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        outputs, _ = network(batch)
        outputs[:, -1].square().mean().backward()
        times.append(time.perf_counter() - begin)
    return np.median(times[1:])  # the first call also sets things up


steps = [16, 58, 162, 323, 646, 1293]
costs = [seconds_of_a_step(count) for count in steps]

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.4)
axis.plot(steps, np.array(costs) * 1000, marker="o")
axis.set(xlabel="steps", ylabel="one training step (ms)", xlim=0, ylim=0)
for count, label in ((58, "58 beats"), (1293, "1293 frames")):
    cost = costs[steps.index(count)] * 1000
    axis.annotate(f"{label}\n{cost:.0f} ms", (count, cost), xytext=(-14, -34) if count > 600 else (0, 18),
                  textcoords="offset points", ha="center", fontsize=8.5)
time_ratio = costs[steps.index(1293)] / costs[steps.index(58)]
measured(lstm_seconds_58=costs[1], lstm_seconds_1293=costs[-1], lstm_time_ratio=time_ratio)
plots.show(figure, alt=f"Time of a training step against the number of steps: it rises all the way, from "
                       f"{costs[0] * 1000:.0f} ms at 16 steps to {costs[-1] * 1000:.0f} ms at 1293.")

# %% tags=["remove-input"]
say(f"1293 frames are {1293 / 58:.0f} times as many steps as 58 beats, and take {time_ratio:.0f} times as long.")

# %% [markdown]
# The second is worse: the **gradient**. The network learns by asking how much its last output changes when an early input
# changes. On its way back the answer is multiplied by one factor at each step. If the factors are below one, it fades away
# geometrically; [Bengio et al.](../book/bibliography.md#bengio1994) called it the *vanishing gradient*.
#
# We ask an untrained network, because training starts from there: how strongly does each input frame move the output? The
# forget gate of a fresh LSTM stands near one half, so that its memory fades at each step. A known remedy, a bias that
# opens the forget gate ([Jozefowicz et al.](../book/bibliography.md#jozefowicz2015)), and another read-out, the mean over
# all steps, stand beside it.

# %%
def gradient_by_step(forget_bias=0.0, mean_readout=False, steps=1293):
    """How much each input frame moves the read-out: (steps,), mean of four sequences."""
    torch.manual_seed(0)
    net = torch.nn.LSTM(128, 128, 2, batch_first=True).double()  # 64 bits: it gets small
    for bias in (net.bias_hh_l0, net.bias_hh_l1):
        bias.data[128:256] += forget_bias  # the order is input, forget, cell, output
    frames = torch.randn(4, steps, 128, dtype=torch.double, requires_grad=True)
    outputs, _ = net(frames)
    readout = outputs.mean(dim=1) if mean_readout else outputs[:, -1]
    readout.sum().backward()
    return frames.grad.norm(dim=2).mean(dim=0).numpy()


gradients = {"last step": gradient_by_step(),
             "last step, forget bias +2": gradient_by_step(forget_bias=2.0),
             "mean of all steps": gradient_by_step(mean_readout=True)}

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.8)
for name, values in gradients.items():
    axis.semilogy(np.arange(1293) / frames_per_second, values, label=name)
axis.axhline(1.2e-38, color="0.6", linestyle=":")
axis.text(0.3, 2e-37, "smallest normal 32-bit number", fontsize=8, color="0.35", va="bottom")
axis.set(xlabel="time of the input frame (s); the output is read at 30 s", ylabel="gradient", ylim=(1e-60, 1e2))
axis.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.5, 1.0))
plots.show(figure, alt="Gradient against the time of the input frame, logarithmic. Read at the last step it falls "
                       "steeply as one goes back from 30 seconds, below the smallest 32-bit number; with an open forget "
                       "gate it falls more slowly; with the mean of all steps it is level.")
last = gradients["last step"]
reach = (last > 1e-3 * last[-1]).sum()

# %% tags=["remove-input"]
measured(frames_within_a_thousandth=reach)
say(f"At its last step the untrained network looks back {reach} frames, {reach / frames_per_second:.1f} s, until the "
    f"gradient has fallen to a thousandth. The same {reach} steps are {reach / 2:.0f} s of music when a step is a beat "
    "at 120 beats a minute.")

# %% [markdown]
# So the answer is no, for two reasons: the time grows with the steps, and what was played early hardly teaches anything.
# Training can open the forget gates, and the mean reaches every step, but the time stays. Truncation, keeping the first
# 150 frames as some solutions of the course do, keeps 3.5 of 30 seconds. A better way is to take larger steps that mean
# something.

# %% [markdown]
# ## 2.3 The beat, and how it is found
#
# The **beat** is the pulse to which one taps a foot. It is a useful unit because musicians use it: chords mostly change on
# it, so that the harmony stays the same between two beats more often than across one; and a slow and a fast performance of
# one song have the same number of beats, not of seconds.
#
# The beat tracker that we use works in three steps ([Ellis](../book/bibliography.md#ellis2007)). First, the *onset
# strength*: how much louder the bands have become since the last frame, on the whole. Second, the *tempo*: the distance at
# which the onset strength is most like itself. Third, the row of beats that scores best: on strong onsets, and spaced as
# the tempo says. The course listens to the percussive part only, which lesson 1 took apart.
#
# We take the recording with the clearest pulse: the one whose onset strength is most like itself a beat later.

# %%
from labkit.features import mel_spectrogram, percussive_part, track_beats


def onset_strength(audio):
    """How much louder the percussive part becomes at each frame: (T,)."""
    struck = percussive_part(audio)
    return librosa.onset.onset_strength(y=struck, sr=SAMPLE_RATE, hop_length=HOP)


def clarity(audio):
    """The best correlation of the onset strength with itself, 0.3 to 1 second later."""
    strength = onset_strength(audio)
    later = librosa.autocorrelate(strength - strength.mean())
    return later[int(0.3 * frames_per_second):int(frames_per_second)].max() / later[0]

# %%
recording = max(lab.recordings(), key=lambda one: clarity(one.sound(15)))
audio = recording.sound(15)
strength = onset_strength(audio)
tempo, beats = track_beats(audio)
beat_times = beats / frames_per_second

# %% tags=["remove-input"]
say(f"**{recording.title}**: {len(beats)} beats in {len(audio) / SAMPLE_RATE:.0f} seconds, about {tempo:.0f} beats a "
    "minute.")

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, height=2.0, sharex=True)
plots.spectrogram(axes[0], mel_spectrogram(audio), frames_per_second, SAMPLE_RATE / 2, title=recording.title)
axes[1].plot(np.arange(len(strength)) / frames_per_second, strength, linewidth=1)
axes[1].set(xlabel="time (s)", ylabel="onset strength", xlim=(0, min(15, len(audio) / SAMPLE_RATE)))
axes[0].set(xlabel="")
axes[1].vlines(beat_times, 0, strength.max(), color=plots.COLOURS[1], linestyle=":", linewidth=1.2)
plots.show(figure, alt=f"Above, the mel spectrogram of {recording.title}; below, its onset strength, a row of peaks, "
                       f"with {len(beats)} dotted lines at the beats that were found.")

# %% [markdown]
# Do the dotted lines stand on peaks, and evenly? An ear judges best. The tracker's beats are added as short clicks.

# %%
clicks = librosa.clicks(times=beat_times, sr=SAMPLE_RATE, length=len(audio), click_freq=1500)
mix = 0.8 * audio / np.abs(audio).max() + 0.4 * clicks

# %% tags=["remove-input"]
listen(mix / np.abs(mix).max(), "beats", f"{recording.title}, with a click on each beat that was found")

# %% [markdown]
# For a composed piece we know the true beats. How often is the tracker right? A beat counts when the other row has one
# within 70 ms, a usual tolerance ([Davies et al.](../book/bibliography.md#davies2009)). The *F-measure* joins the share of
# true beats that were found and the share of tracked beats that are true, so that too many beats cost as much as too few.
# A tracker may also settle on twice or half the tempo: it is a matter of taste which pulse is *the* beat.

# %%
def f_measure(true, tracked, tolerance=0.07):
    """Agreement of two rows of beats, in seconds: 0 for none, 1 for all."""
    if len(tracked) == 0:
        return 0.0
    near = np.abs(np.asarray(true)[:, None] - tracked) <= tolerance
    found, correct = near.any(axis=1).mean(), near.any(axis=0).mean()
    return 2 * found * correct / max(found + correct, 1e-12)


print("genre         true tempo   tracked   F-measure")
scores = []
for piece in lab.composed_pieces():
    sound = piece.sound()
    tracked_tempo, tracked = track_beats(sound)
    scores.append(f_measure(piece.score.beats, tracked / frames_per_second))
    true_tempo = piece.score.tempo
    print(f"{piece.genre:12} {true_tempo:10.0f} {tracked_tempo:10.0f} {scores[-1]:10.2f}")

# %% tags=["remove-input"]
measured(lab.root is None, beat_f_measure=np.mean(scores))
say(f"Over these {len(scores)} composed pieces the mean F-measure is **{np.mean(scores):.2f}**. Where it is low, compare the "
    "tempi: half, twice or two thirds of the true one are common mistakes. Where the tempi agree, the tracked beats lie "
    "between the true ones, a wrong *phase*.")

# %% [markdown]
# ## 2.4 The median between two beats
#
# Between two beats we keep one column: for each band the **median** of its frames. Why not the mean? A median ignores what
# lasts for less than half of the time, a click or a drum hit; what stays is the note that is held.

# %%
from labkit.features import mel_power, synchronise


def part_edges(beats, frames):
    """Where the parts begin and end: the start, each beat, the end of so many frames."""
    return np.unique(np.concatenate([[0], beats, [frames]]))


def median_between(values, beats):
    """(F, T), beat frames (B,) -> (F, B + 1), or (F, B) if a beat stands at frame 0: the medians."""
    edges = part_edges(beats, values.shape[1])
    parts = [values[:, start:end] for start, end in zip(edges[:-1], edges[1:])]
    return np.stack([np.median(part, axis=1) for part in parts], axis=1)

# %%
power = mel_power(audio)
by_hand = median_between(power, beats)
assert np.allclose(by_hand, librosa.util.sync(power, beats, aggregate=np.median))
assert np.allclose(by_hand, synchronise(power, beats))
edges = part_edges(beats, power.shape[1]) / frames_per_second

# %% tags=["remove-input"]
say(f"From {power.shape} to {by_hand.shape}; librosa's `util.sync` gives the same, and so does our "
    "`synchronise`.")

# %% [markdown]
# The order of two steps matters. The course takes the median of the *power* and then goes to decibels. Would the other
# order give the same?

# %%
after = librosa.power_to_db(by_hand, ref=np.max)
before = median_between(librosa.power_to_db(power, ref=np.max), beats)
gap = after - before
offset = np.median(gap)  # the usual difference, in dB
same = np.mean(np.abs(gap - offset) < 0.1)

# %% tags=["remove-input"]
measured(not recording.is_fallback, sync_order_offset_db=offset, sync_order_rest_db=np.abs(gap - offset).max())
say(f"In {same:.0%} of the cells `after` lies {offset:.1f} dB above `before`; in the others the difference is anything from "
    f"{gap.min():.1f} to {gap.max():.1f} dB. The usual difference is the reference: the loudest *median* is not as loud as the "
    "loudest *frame*. The others come from the cut at -80 dB, where both orders may give -80 and differ by nothing, and from stretches "
    "with an even number of frames, where the median is the mean of two values, and the mean of two powers is not the mean of their logarithms.")

# %% [markdown]
# ## 2.5 Before and after: what is kept, what is lost
#
# Columns of unequal length can be drawn at their true times. Compare the two pictures: which lines survive, the horizontal
# or the vertical ones?

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, height=2.2, sharex=True)
plots.spectrogram(axes[0], mel_spectrogram(audio), frames_per_second, SAMPLE_RATE / 2,
                  title=f"{recording.title}: {power.shape[1]} frames")
plots.spectrogram(axes[1], after, frames_per_second, SAMPLE_RATE / 2, beats=edges,
                  title=f"the median between beats: {after.shape[1]} columns")
axes[0].set(xlabel="")
plots.show(figure, alt="The same piece twice: above every frame, below one column of even colour for each beat.")

# %% [markdown]
# We put a number to it. Write each part's median over all frames of the part: how much of the changes from frame to frame
# is still there? The share of the variance tells, 1 for all and 0 for no more than the mean of each band.
#
# Any parts keep something. To see what the *beat* is good for we need a control: parts of the same lengths that begin half
# a beat later.

# %%
def share_kept(mel, beats):
    """Share of the variance of (128, T) that the medians between beats keep."""
    lengths = np.diff(part_edges(beats, mel.shape[1]))
    blocks = np.repeat(median_between(mel, beats), lengths, axis=1)
    spread = mel - mel.mean(axis=1, keepdims=True)
    return 1 - ((mel - blocks) ** 2).sum() / (spread**2).sum()


kept = {}
for piece in lab.composed_pieces():
    mel, true = mel_spectrogram(piece.sound()), np.array(piece.score.beats) * frames_per_second
    later = (true[:-1] + true[1:]) / 2
    kept[piece.genre] = [share_kept(mel, np.round(at).astype(int)) for at in (true, later)]

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.3 * len(kept) + 0.9)
for row, (on, off) in enumerate(kept.values()):
    axis.plot([on, off], [row, row], color="0.8", zorder=0)
    axis.plot(on, row, "o", color=plots.COLOURS[0], label="parts begin on the beat" if row == 0 else None)
    axis.plot(off, row, "s", color=plots.COLOURS[1], label="half a beat later" if row == 0 else None)
axis.set_yticks(range(len(kept)), list(kept))
axis.invert_yaxis()
axis.set(xlabel="share of the variance kept")
axis.legend(loc="lower center", ncols=2, bbox_to_anchor=(0.5, 1.0))
plots.show(figure, alt="Share of the variance kept, on the beat and half a beat later: "
                       + "; ".join(f"{genre} {on:.2f} and {off:.2f}" for genre, (on, off) in kept.items()) + ".")

# %% tags=["remove-input"]
on, off = np.array(list(kept.values())).T
measured(lab.root is None, kept_on_the_beat=on.mean(), kept_half_a_beat_later=off.mean())
say(f"At the true beats of the composed pieces one column keeps {on.mean():.0%} of the variance on average, half a beat "
    f"later {off.mean():.0%}. On the beat is better in **{(on > off).sum()} of {len(on)}** pieces. The rest, "
    f"{1 - on.mean():.0%}, happens between the beats and is lost.")

# %% [markdown]
# And as the course asks, step 1 once more: two clips with different labels, now from the beat folder. Their axis counts
# beats, since the folder does not say when the beats were.

# %% tags=["hide-input"]
labels = read_labels(beat.path, "train")
ids = sorted(labels)
draw = np.random.default_rng(seed=1)
first = ids[draw.integers(len(ids))]
others = [id for id in ids if labels[id] != labels[first]]
second = others[draw.integers(len(others))]
pair = {id: read_mel_spectrogram(find_clip(beat.path, "train", id)) for id in (first, second)}
figure, axes = plots.figure(rows=2, height=2.2)
for axis, (id, clip) in zip(axes, pair.items()):
    plots.spectrogram(axis, clip.T, 1, beat.meta.fmax, unit="beat",
                      title=f"{labels[id]}, clip {id}: {len(clip)} columns")
plots.show(figure, alt=f"Two beat-synchronous mel spectrograms: one of {labels[first]} with {len(pair[first])} columns, "
                       f"one of {labels[second]} with {len(pair[second])}.")

# %% [markdown]
# Set beside lesson 1, the pictures have lost their grain: what is left are held notes, and where the music changes its
# section. **Kept**: notes and chords that last for most of a beat, their timbre, the form. **Lost**: drum patterns and
# everything else within a beat, the sharpness of attacks, and the tempo itself. Where tempo or drums make the genre, we
# should expect the smaller picture to cost something; lesson 5 measures it.

# %% [markdown]
# ## Exercises
#
# The three exercises build a beat tracker of our own, for music of one steady tempo, and ask what its columns keep. They
# work as in [lesson 1](01_spectrograms.ipynb): `check("2.1")` says how far an answer is, `hint("2.1")` and
# `solution("2.1")` help, `target("2.1")` shows what is to be reached.

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 2.1 · A tempo** (5 minutes).
#
# Section 2.3 says what the tempo is: the distance at which the onset strength is most like itself. `likeness[k]` tells how
# much it is like itself `k` frames later. Write `tempo_of(strength)`: the `k` from `first` to before `last` with the largest
# likeness, in beats a minute.
#
# *Solved when*, for three test rhythms, the distance that your tempo stands for is within one frame of ours.

# %%
target("2.1")

# %% tags=["exercise"]
# Exercise 2.1
def tempo_of(strength):
    """Beats a minute, by the lag at which an onset strength (T,) is most like itself."""
    likeness = librosa.autocorrelate(strength - strength.mean())
    first, last = int(0.3 * frames_per_second), int(frames_per_second)
    # solution: begin
    distance = first + likeness[first:last].argmax()
    # solution: end
    return 60 * frames_per_second / distance  # solution

# %% tags=["check"]
check("2.1")

# %% [markdown]
# **Exercise 2.2 · An even row of beats** (15 minutes).
#
# The tempo says how far the beats are apart, not where they are. Write `steady_beats(strength, tempo)`: an even row of beats
# from the start of the music to its end, as whole frames. There is one such row for each start; keep the one on which the
# mean onset strength is largest. Round the places of the beats, not the distance between them. No beat may lie
# beyond frame `len(strength) - 1`, also after rounding.
#
# *Solved when*, for five test rhythms, the row lies within one frame of ours. You can hear the target.

# %%
target("2.2")

# %% tags=["exercise"]
# Exercise 2.2
def steady_beats(strength, tempo):
    """The even row of beats (B,), in whole frames, with the largest mean onset strength."""
    distance = 60 * frames_per_second / tempo  # in frames, hardly ever a whole number
    # solution: begin
    rows = []
    for start in range(int(np.ceil(distance))):
        places = np.arange(start, len(strength) - 1, distance)
        rows.append(places.round().astype(int))
    # solution: end
    return max(rows, key=lambda row: strength[row].mean())  # solution

# %% tags=["check"]
check("2.2")

# %% [markdown]
# **Exercise 2.3 · What a column costs and keeps** (10 minutes).
#
# One column a beat is a choice. Write `columns_and_share(mel, strength, factor)`: take the even row of beats at `factor`
# times the tempo, and return how many columns its medians make and which share of the variance they keep. `part_edges` of
# section 2.4 and `share_kept` of section 2.5 are there to use.
#
# *Solved when* both numbers are ours to one part in a thousand, for factors from one half to 3. The target shows them for
# the phrase that you just heard. Why does 3 keep less than 2?

# %%
target("2.3")

# %% tags=["exercise"]
# Exercise 2.3
def columns_and_share(mel, strength, factor):
    """Columns that beats at `factor` times the tempo make of mel, and the share kept."""
    # solution: begin
    beats = steady_beats(strength, factor * tempo_of(strength))
    # solution: end
    return len(part_edges(beats, mel.shape[1])) - 1, share_kept(mel, beats)  # solution

# %% tags=["check"]
check("2.3")

# %% [markdown]
# Once it is correct, `columns_and_share(mel_spectrogram(audio), strength, 2)` asks the same of the recording of section 2.3.
# Which factor is the best bargain there: between which two does a column more bring most?

# %% tags=["remove-input"]
from labkit.exercises.lesson_02 import FACTORS, distance_of, kept_by, row_of

bought = [kept_by(mel_spectrogram(audio), row_of(strength, distance_of(strength) / factor)) for factor in FACTORS]
gains = [(share - less) / max(columns - fewer, 1) for (fewer, less), (columns, share) in zip(bought, bought[1:])]
most = int(np.argmax(gains))
say("To compare with, ours: " + "; ".join(f"factor {factor:g}, {columns} columns, {share:.2f}"
                                          for factor, (columns, share) in zip(FACTORS, bought))
    + f". A column more brings most from factor {FACTORS[most]:g} to {FACTORS[most + 1]:g}, {gains[most]:.4f} each; "
    f"from factor {FACTORS[-2]:g} to {FACTORS[-1]:g} it is {gains[-1]:.4f}.")

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** Between two beats lie 20 frames. A drum is hit, and for 6 of these frames it is far louder than everything
# else. How much of the hit is seen in the median column?
#
# - a) hardly anything
# - b) six twentieths of its power
# - c) all of it
#
# <details><summary>Answer</summary>
#
# **a)** In each band the 20 values are put in order, and the median is the mean of the tenth and the eleventh. The six loud
# ones stand at the end of the order, so that the middle is made of frames without the hit. Answer b is the mean.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A band plays the same song twice from beginning to end, at 90 and at 120 beats a minute, and all beats are found.
# What is true of the two beat-synchronous spectrograms?
#
# - a) The fast one has a third more columns.
# - b) Both have the same number of columns.
# - c) The fast one has a quarter fewer columns.
#
# <details><summary>Answer</summary>
#
# **b)** The song has as many beats as before, they only follow each other faster. So nothing in the columns says which one is
# which: the tempo is lost. For clips of 30 seconds answer a is right, because more beats fit in.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** The gradient of an LSTM, read at its last step, has fallen to a thousandth after 26 steps back, and goes on
# fading at the same rate. What is left of it after 78 steps back?
#
# - a) one three-thousandth
# - b) a millionth
# - c) a billionth
#
# <details><summary>Answer</summary>
#
# **c)** Each step multiplies by the same factor, so each 26 steps multiply by a thousandth: 78 steps are three times 26, and
# $10^{-3}$ three times is $10^{-9}$. A sum instead of a product would give answer a.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **Median after decibels.** It nearly works, which is why nobody notices; see 2.4.
# - **Trusting the beats.** Rubato, rests and music without drums mislead the tracker, and one that locks to twice the tempo
#   gives twice the columns. Where fewer than two beats are found, `labkit` puts one every half second and says so in
#   `Features.beats_found`.
# - **Truncating instead.** The first 150 frames of the full spectrogram are 3.5 seconds, often only the introduction.
#
# ## Take-away
#
# 1. Over 1293 steps an LSTM is slow, because steps wait for each other, and forgetful, because the gradient fades.
# 2. One median column a beat shortens the way some twenty times and keeps what lasts: held notes, chords, timbre. Columns
#    that begin on beats keep more than equally long ones between them.
# 3. Drum patterns, attacks and tempo are the price.
#
# **Next:** [Lesson 3](03_chromagrams.ipynb) makes another kind of column, with twelve rows: the names of the notes.
