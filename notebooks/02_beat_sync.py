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
measured(frames_full=np.mean(lengths["full"]), frames_beat=np.mean(lengths["beat-synchronous"]))
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
# Eight clips of random numbers do, because the time does not depend on what the numbers are.

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
    axis.annotate(f"{label}\n{cost:.0f} ms", (count, cost), xytext=(-6, -30 if count > 600 else 14),
                  textcoords="offset points", ha="right" if count > 600 else "left", fontsize=8.5)
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
# The **beat** is the pulse to which one taps a foot. It is a useful unit because musicians use it: notes and chords mostly
# begin on it, so that between two beats little changes; and a slow and a fast performance of one song have the same number
# of beats, not of seconds.
#
# A beat tracker works in two steps ([Ellis](../book/bibliography.md#ellis2007)). First, the *onset strength*: how much
# louder each band has become since the last frame, added up. Then the row of beats that scores best: on strong onsets, and
# evenly spaced. The course listens to the percussive part only, which lesson 1 took apart.
#
# We take the recording with the clearest pulse: the one whose onset strength is most like itself a beat later.

# %%
from labkit.features import mel_spectrogram, track_beats


def onset_strength(audio):
    """How much louder the bands of the percussive part become at each frame: (T,)."""
    percussive = librosa.effects.percussive(audio)
    return librosa.onset.onset_strength(y=percussive, sr=SAMPLE_RATE, hop_length=HOP)


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
# An ear judges best. The tracker's beats are added as short clicks.

# %%
clicks = librosa.clicks(times=beat_times, sr=SAMPLE_RATE, length=len(audio), click_freq=1500)
mix = 0.8 * audio / np.abs(audio).max() + 0.4 * clicks

# %% tags=["remove-input"]
listen(mix / np.abs(mix).max(), "beats", f"{recording.title}, with a click on each beat that was found")

# %% [markdown]
# For a composed piece we know the true beats. How often is the tracker right? A true beat counts as found when a tracked
# one lies within 70 ms, a usual tolerance ([Davies et al.](../book/bibliography.md#davies2009)). A tracker may also
# settle on twice or half the tempo: it is a matter of taste which pulse is *the* beat.

# %%
def found_within(true, tracked, tolerance=0.07):
    """Share of the true beats that have a tracked one within `tolerance` seconds."""
    if len(tracked) == 0:
        return 0.0
    return np.mean([np.abs(tracked - beat).min() <= tolerance for beat in true])


print("genre         true tempo   tracked   beats found")
shares = []
for piece in lab.composed_pieces():
    sound = piece.sound()
    tracked_tempo, tracked = track_beats(sound)
    shares.append(found_within(np.array(piece.score.beats), tracked / frames_per_second))
    true_tempo = piece.score.tempo
    print(f"{piece.genre:12} {true_tempo:10.0f} {tracked_tempo:10.0f} {shares[-1]:12.0%}")

# %% tags=["remove-input"]
measured(beats_found=np.mean(shares))
say(f"Over these {len(shares)} composed pieces the tracker finds {np.mean(shares):.0%} of the true beats. Where the share is "
    "low, compare the tempi: a factor of two, or a wrong phase, is the usual reason.")

# %% [markdown]
# ## 2.4 The median between two beats
#
# Between two beats we keep one column: for each band the **median** of its frames. Why not the mean? A median ignores what
# lasts for less than half of the time, a click or a drum hit; what stays is the note that is held.

# %%
from labkit.features import mel_power, synchronise


def median_between(values, beats):
    """(F, T) and beat frames (B,) -> (F, B + 1): from the start to the first beat, and on."""
    edges = np.unique(np.concatenate([[0], beats, [values.shape[1]]]))
    parts = [values[:, start:end] for start, end in zip(edges[:-1], edges[1:])]
    return np.stack([np.median(part, axis=1) for part in parts], axis=1)


power = mel_power(audio)
by_hand, by_librosa = median_between(power, beats), synchronise(power, beats)
assert np.allclose(by_hand, by_librosa)
edges = np.unique(np.concatenate([[0], beats, [power.shape[1]]])) / frames_per_second

# %% tags=["remove-input"]
say(f"From {power.shape} to {by_hand.shape}; librosa's `util.sync` gives the same.")

# %% [markdown]
# The order of two steps matters. The course takes the median of the *power* and then goes to decibels. Would the other
# order give the same?

# %%
after = librosa.power_to_db(by_hand, ref=np.max)
before = median_between(librosa.power_to_db(power, ref=np.max), beats)
offset = np.median(after - before)
rest = np.abs(after - before - offset).max()

# %% tags=["remove-input"]
measured(sync_order_offset_db=offset, sync_order_rest_db=rest)
say(f"They differ by {offset:.1f} dB nearly everywhere, and by up to {rest:.1f} dB more in single cells. The first number "
    "is the reference: the loudest *median* is not as loud as the loudest *frame*. The rest comes from the cut at -80 dB, "
    "and from stretches with an even number of frames, where the median is the mean of two values, and the mean of two "
    "powers is not the mean of their logarithms.")

# %% [markdown]
# ## 2.5 Before and after: what is kept, what is lost
#
# Columns of unequal length can be drawn at their true times. Compare the two pictures: which lines survive?

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, height=2.2, sharex=True)
plots.spectrogram(axes[0], mel_spectrogram(audio), frames_per_second, SAMPLE_RATE / 2,
                  title=f"{recording.title}: {power.shape[1]} frames")
plots.spectrogram(axes[1], after, frames_per_second, SAMPLE_RATE / 2, beats=edges,
                  title=f"the median between beats: {after.shape[1]} columns")
axes[0].set(xlabel="")
plots.show(figure, alt="The same piece twice. Above every frame; below one column a beat: horizontal lines stay as "
                       "blocks, thin vertical lines are gone.")

# %% [markdown]
# We put numbers to it. Of the changes from frame to frame, how much is still there if we write each beat's column over all
# frames of that beat? The variance tells, band by band: near 1 where the beat explains what happens, near 0 where
# everything happens between the beats.

# %% tags=["hide-input"]
mel = mel_spectrogram(audio)
edge_frames = np.unique(np.concatenate([[0], beats, [mel.shape[1]]]))
blocks = np.repeat(median_between(mel, beats), np.diff(edge_frames), axis=1)
spread = mel.var(axis=1)
kept = 1 - ((mel - blocks) ** 2).mean(axis=1) / np.maximum(spread, 1e-9)
centres = librosa.mel_frequencies(130, fmax=SAMPLE_RATE / 2)[1:-1]
figure, (axis,) = plots.figure(height=2.2)
axis.plot(centres[spread > 1], kept[spread > 1])
axis.axhline(0, color="0.6", linestyle=":")
axis.set(xscale="log", xlabel="frequency (Hz)", ylabel="share kept", ylim=(min(-0.1, kept[spread > 1].min()), 1))
bands = {name: np.mean(kept[(spread > 1) & where]) for name, where in
         (("below 500 Hz", centres < 500), ("above 4000 Hz", centres > 4000))}
plots.show(figure, alt="Share of each band's variance that one column a beat keeps, against frequency: "
                       + ", ".join(f"{value:.2f} {name}" for name, value in bands.items()) + " on average.")

# %% tags=["remove-input"]
measured(kept_below_500_hz=bands["below 500 Hz"], kept_above_4000_hz=bands["above 4000 Hz"])
say("One column a beat keeps, on average, " + " and ".join(f"**{value:.0%}** {name}" for name, value in bands.items())
    + ". A value below zero means that the median is a worse guess than the band's mean: short events fill the band.")

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
    plots.spectrogram(axis, clip.T, 1, beat.meta.fmax, title=f"{labels[id]}, clip {id}: {len(clip)} columns")
    axis.set(xlabel="beat")
plots.show(figure, alt=f"Two beat-synchronous mel spectrograms: one of {labels[first]} with {len(pair[first])} columns, "
                       f"one of {labels[second]} with {len(pair[second])}.")

# %% [markdown]
# **Kept**: chords and bass notes, the timbre of what is held, the form (where a verse ends, a column changes).
# **Lost**: drum patterns and everything else between two beats, the sharpness of attacks, and the tempo itself. Where
# tempo or drums make the genre, we should expect the smaller picture to cost something; lesson 5 measures it.

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
# 2. One median column a beat shortens the way some twenty times and keeps what is held: harmony and timbre.
# 3. Drum patterns, attacks and tempo are the price.
#
# **Next:** [Lesson 3](03_chromagrams.ipynb) makes another kind of column, with twelve rows: the names of the notes.
