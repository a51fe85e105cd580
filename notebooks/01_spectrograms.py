# %% [markdown]
# # 1 From a sound to its mel spectrogram
#
# A song reaches the computer as a long row of numbers. This lesson turns it into a picture on which drums, strings and
# chords can be told apart by eye. Every model in this book looks at that picture.
#
# **What we do.** We *read* two lines of a label file and draw the clips that they name. We *build* a mel spectrogram by
# hand, step by step, and check each step against librosa. We *see and hear* what drums and sustained notes look like.
#
# **What we need.** No earlier lesson; about 40 minutes to read and try and 30 for the exercises, a minute to run, 1 GB of
# memory.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import librosa
import numpy as np

from labkit import plots
from labkit.datasets import find_clip, read_spectrogram
from labkit.lab import open_lab
from labkit.show import listen, measured, say

lab = open_lab(profile)

# %% tags=["remove-input"]
say(lab.note("genre", "sound"))

# %% [markdown]
# ## 1.1 Where the music comes from
#
# The course that this book follows takes its genre clips from the **Free Music Archive** (FMA), a library of music, mostly
# under Creative Commons licences. Its research version, published by [Defferrard et al.](../book/bibliography.md#defferrard2017), holds
# 106 574 tracks from 16 341 artists and 14 854 albums, with 161 genres that the artists chose themselves. The course
# picked 20 of them and computed one file of features for each clip.
#
# Without such data at hand, this book uses its **composed corpus**: short pieces that the package `labkit` composes and
# plays itself, in the same twenty genres ([how](../book/composed_music.md), and [how they sound](00a_gallery.ipynb)). They are
# simpler than real music. In return we know everything about them: the tempo, the key, the time of each note.
#
# A dataset folder has one label file for each of its parts. We read its first lines as they are.

# %%
dataset = lab.dataset("genre")
lines = (dataset.path / "train_labels.txt").read_text(encoding="utf-8").splitlines()
lines[:4]

# %% [markdown]
# Each line is a name, a tab and a genre. We draw one line at random, and then a second one with another genre. The random
# generator has a seed, so that the same lines come in each run.

# %%
rows = [line.split("\t") for line in lines[1:] if line]
draw = np.random.default_rng(seed=1)
first = rows[draw.integers(len(rows))]
others = [row for row in rows if row[1] != first[1]]
second = others[draw.integers(len(others))]
first, second

# %% [markdown]
# ## 1.2 The two clips as pictures
#
# The names in the label file are not the names on the disk: the file ends in `.npy`, the label file says `.npy.gz`, and
# some label files even swap two words of the name. What stands before the first dot is the clip's id, and it always holds.
# `find_clip` looks for the id.

# %%
ids = [name.split(".")[0] for name, _ in (first, second)]
paths = [find_clip(dataset.path, "train", id) for id in ids]
clips = [read_spectrogram(path, "mel") for path in paths]
for (name, genre), path, clip in zip((first, second), paths, clips):
    print(f"{name} -> {path.name}   {genre}   {clip.shape} {clip.dtype}")

# %% [markdown]
# `read_spectrogram` gives an array of time x frequency, one row a *frame*, because that is the order in which a model
# reads it. On the disk it is frequency x time. We turn it back to draw it: time to the right, low notes at the bottom.
#
# Before we look: where is the sound loudest, low or high? Are there more vertical or more horizontal lines?

# %%
from librosa.display import specshow

figure, axes = plots.figure(rows=2)
rate = dataset.meta.frames_per_second
for axis, (name, genre), clip in zip(axes, (first, second), clips):
    image = specshow(clip.T, x_coords=np.arange(len(clip)) / rate, x_axis="s", y_axis="mel",
                     sr=2 * dataset.meta.fmax, ax=axis, cmap="magma")
    axis.set(title=f"{genre}, clip {name.split('.')[0]}",
             xlabel="time (s)", ylabel="frequency (Hz)")
    figure.colorbar(image, ax=axis, format="%d dB", pad=0.01)
plots.show(figure, alt=f"Two mel spectrograms, one of {first[1]} and one of {second[1]}. "
                       "Brighter is louder; low frequencies are at the bottom.")

# %% tags=["remove-input"]
loudest = [np.argmax(clip.mean(axis=0)) for clip in clips]
hertz = [librosa.mel_frequencies(130, fmax=dataset.meta.fmax)[1:-1][band] for band in loudest]
measured(not dataset.is_fallback, loudest_band_of_first_clip_hz=hertz[0], loudest_band_of_second_clip_hz=hertz[1])
say(f"On average the loudest band lies at {hertz[0]:.0f} Hz in the {first[1]} clip and at {hertz[1]:.0f} Hz in the "
    f"{second[1]} clip: near the bottom, as in most music, because bass notes carry much of the power.")
if rate < 20:
    say(f"These clips have only {rate:.1f} frames a second: single hits run together. Look for them in section 1.7.")

# %% [markdown]
# We can read three things off such a picture without any theory.
#
# - A **vertical line** is a short event that holds many frequencies at once: a drum hit, a plucked attack, a click.
# - A **horizontal line** is a frequency that lasts: a held note. A note of an instrument is a ladder of such lines, its
#   **partials**: the lowest, the *fundamental*, gives the note its name, the others are its *overtones*.
# - A **dark gap** is silence, or a band that this piece does not use. Old recordings are dark at the top.
#
# The rest of the lesson explains how the picture is made.

# %% [markdown]
# ## 1.3 Two sounds that differ
#
# A picture needs its sound. Among the recordings we look for the most *sustained* and the most *percussive* one. The
# measure is the share of the power that librosa's harmonic-percussive separation calls percussive
# ([Fitzgerald](../book/bibliography.md#fitzgerald2010)); section 1.7 shows what it does.

# %%
from labkit.features import percussive_share

SECONDS = 8
recordings = lab.recordings()
if len(recordings) < 3:
    recordings = lab.composed_pieces()  # too few to compare
say(lab.note("sound"))

sounds = {recording.title: recording.sound(SECONDS) for recording in recordings}
shares = {title: percussive_share(audio) for title, audio in sounds.items()}
for title in sorted(shares, key=shares.get):
    print(f"{shares[title]:5.2f}  {title}")

# %%
ranked = sorted(shares, key=shares.get)
sustained, mixed, struck = ranked[0], ranked[len(ranked) // 2], ranked[-1]
calm, both, busy = sounds[sustained], sounds[mixed], sounds[struck]

# %% tags=["remove-input"]
own_sound = not recordings[0].is_fallback
measured(own_sound, percussive_share_lowest=shares[sustained], percussive_share_highest=shares[struck])
say(f"The most sustained is **{sustained}** ({shares[sustained]:.0%} percussive), the most percussive is "
    f"**{struck}** ({shares[struck]:.0%}). Between them stands **{mixed}** ({shares[mixed]:.0%}). We take at most "
    f"the first {SECONDS} seconds of each. Listen:")
listen(calm, "sustained", f"{sustained}: the most sustained")
listen(both, "between", f"{mixed}: between the two")
listen(busy, "percussive", f"{struck}: the most percussive")

# %% [markdown]
# A microphone measures air pressure; here 22 050 times a second, the lab's **sampling rate**. The numbers are the
# *waveform*. Look at the outline first, then at 20 milliseconds of it.

# %% tags=["hide-input"]
RATE = 22_050
figure, axes = plots.figure(rows=2, columns=2, height=1.9, width_ratios=[2, 1])
for row, (title, audio) in zip(axes, ((sustained, calm), (struck, busy))):
    plots.waveform(row[0], audio, RATE, title)
    middle = np.argmax(np.abs(audio))
    short = audio[max(0, middle - 220):middle + 221]
    row[1].plot(np.arange(len(short)) / RATE * 1000, short)
    row[1].set(title="20 ms at its loudest", xlabel="time (ms)")
plots.show(figure, alt=f"Waveforms of {sustained} and {struck}: on the left up to {SECONDS} seconds, on the right 20 "
                       "milliseconds around the loudest sample, where single oscillations are seen.")

# %% [markdown]
# The outline shows when it is loud. It hides which notes sound: two chords of the same loudness have the same outline.
# The frequencies are in the short wiggles on the right. That is what we take out next.

# %% [markdown]
# ## 1.4 The short-time Fourier transform, by hand
#
# The magnitudes of the Fourier transform of a whole song say which frequencies it holds, but not when. So we cut the sound
# into short overlapping pieces, **frames**, and transform each one. That is the
# [short-time Fourier transform](../book/glossary.md) (STFT):
#
# $$X[k, t] = \sum_{n=0}^{N-1} w[n]\, x[n + tH]\, e^{-2\pi i k n / N}$$
#
# Here $x$ is the sound, $N = 2048$ the length of a frame, $H = 512$ the **hop** from one frame to the next, $w$ the
# **window**, a bump that lets each frame begin and end softly, $t$ the number of the frame and $k$ that of the frequency. One frame lasts 93 ms; a new one starts every 23 ms.

# %%
N, HOP = 2048, 512
window = np.hanning(N + 1)[:-1]  # the Hann window: a frame must not begin with a click
middle = np.clip(np.argmax(np.abs(calm)), N // 2, len(calm) - N // 2)
frame = calm[middle - N // 2:middle + N // 2] * window  # around the loudest sample
spectrum = np.abs(np.fft.rfft(frame))
frequencies = np.arange(len(spectrum)) * RATE / N

# %% tags=["remove-input"]
say(f"A frame of {N} samples gives {len(spectrum)} frequencies, {RATE / N:.2f} Hz apart, "
    f"from 0 to {frequencies[-1]:.0f} Hz.")

# %% tags=["hide-input"]
peaks = [k for k in range(2, 500) if spectrum[k] == spectrum[k - 2:k + 3].max()]
peaks = sorted(sorted(peaks, key=lambda k: -spectrum[k])[:5])
figure, (axis,) = plots.figure(height=2.3)
axis.plot(frequencies, spectrum)
for rank, k in enumerate(peaks):
    axis.annotate(f"{frequencies[k]:.0f} Hz", (frequencies[k], spectrum[k]), fontsize=8, color="0.25",
                  xytext=(frequencies[k] + 260, spectrum.max() * (1.0 - 0.13 * rank)), ha="left", va="center",
                  arrowprops={"arrowstyle": "-", "color": "0.7", "linewidth": 0.7})
axis.set(xlim=(0, 4000), xlabel="frequency (Hz)", ylabel="magnitude", title=f"one frame of {sustained}")
plots.show(figure, alt="The magnitude spectrum of one frame up to 4000 Hz: a few sharp peaks, the strongest at "
                       + ", ".join(f"{frequencies[k]:.0f}" for k in peaks) + " Hz.")

# %% [markdown]
# Most tall peaks are partials of the notes that sound in these 93 ms. Now all frames. numpy can show a sound as overlapping
# frames without copying it; then one line transforms them all. librosa also pads half a frame at both ends, so that frame
# $t$ is centred on sample $tH$; we do the same and compare.

# %%
def stft(audio):
    """The short-time Fourier transform of a sound (n,): complex, (1025, T)."""
    padded = np.pad(audio, N // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N)[::HOP]
    return np.fft.rfft(frames * window).T


ours, theirs = stft(calm), librosa.stft(calm, n_fft=N, hop_length=HOP)
gap = np.abs(ours - theirs).max() / np.abs(theirs).max()

# %% tags=["remove-input"]
measured(own_sound, stft_gap=gap)
say(f"Ours has the shape {ours.shape}, librosa's {theirs.shape}; they differ by at most {gap:.0e} of the largest value, "
    "the rounding of 32-bit numbers.")

# %% [markdown]
# ## 1.5 Time against frequency, and decibels
#
# A long frame tells close frequencies apart, but smears what happens within it; a short one does the opposite. No window
# is sharp in both. With $N$ samples a frame and the sampling rate $f_s$, the rows of the transform lie $f_s / N$ apart, but two
# tones have to be about $2 f_s / N$ apart to be seen as two: under a Hann window each of them fills more than one row. Times
# nearer than about $N / f_s$ run together too.
#
# The power $|X[k, t]|^2$, drawn with time to the right and frequency upwards, is a **spectrogram**. The ear hears ratios of
# power rather than differences. So we draw **decibels**, 10 times the logarithm of the power against the loudest cell, cut
# off at -80 dB. Look at the hits and at the notes: which of the three pictures shows which of them sharply?

# %%
def decibels(power):
    """Power in dB against its largest value, cut off at -80."""
    return np.maximum(10 * np.log10(np.maximum(power / power.max(), 1e-10)), -80)

# %%
figure, axes = plots.figure(rows=3, height=1.9, sharex=True)
excerpt = both[:3 * RATE]
for axis, length in zip(axes, (512, 2048, 8192)):
    power = np.abs(librosa.stft(excerpt, n_fft=length, hop_length=128)) ** 2
    plots.spectrogram(axis, decibels(power), RATE / 128, RATE / 2, scale="linear",
                      title=f"{length} samples: {length / RATE * 1000:.0f} ms long, "
                            f"{RATE / length:.0f} Hz between rows")
    axis.set(ylim=(0, 4000), xlabel="")
axes[-1].set(xlabel="time (s)")
plots.show(figure, alt=f"Three spectrograms of three seconds of {mixed}. With 512 samples "
                       "the hits are thin vertical lines and the notes blurred; with 8192 "
                       "the notes are thin horizontal lines and the hits smeared.")

# %% [markdown]
# With 512 samples times are sharp, with 8192 frequencies. The course uses 2048, the figure in the middle: a compromise.
#
# Why decibels? We draw the same power twice, as it is and in dB.

# %% tags=["hide-input"]
power = np.abs(ours) ** 2
figure, axes = plots.figure(rows=2, height=1.9, sharex=True)
image = axes[0].imshow(power / power.max(), origin="lower", aspect="auto", extent=(0, len(calm) / RATE, 0, RATE / 2))
axes[0].set(title="power, as it is", ylabel="frequency (Hz)")
figure.colorbar(image, ax=axes[0], pad=0.01)
plots.spectrogram(axes[1], decibels(power), RATE / HOP, RATE / 2, scale="linear", title="the same in decibels")
visible = {"power": (power > 0.01 * power.max()).mean(), "decibels": (decibels(power) > -79.2).mean()}
plots.show(figure, alt="The same spectrogram twice: drawn as power it is almost black with a few dots; drawn in "
                       "decibels its structure is seen everywhere.")

# %% tags=["remove-input"]
say(f"Above one hundredth of the colour range lie {visible['power']:.2%} of the cells as power and "
    f"{visible['decibels']:.0%} in decibels. A network can learn to rescale its input, but fed with power it starts from numbers that "
    "are almost all next to zero.")

# %% [markdown]
# ## 1.6 The mel scale
#
# Played 100 Hz apart, two low tones are far from each other, two high ones nearly the same. In 1937
# [Stevens, Volkmann and Newman](../book/bibliography.md#stevens1937) asked listeners to set a tone to *half the pitch* of
# another, and drew a scale from their answers, on which equal steps are heard as equal. They named its unit
# after *melody*: **mel**, with 1000 mel at 1000 Hz.
#
# Several formulas approximate it. A common one, given by [O'Shaughnessy](../book/bibliography.md#oshaughnessy1987), is
# $m = 2595 \log_{10}(1 + f / 700)$. librosa's default is Slaney's: straight up to 1000 Hz, logarithmic above.

# %% tags=["hide-input"]
hertz = np.linspace(0, RATE / 2, 500)
formula = 2595 * np.log10(1 + hertz / 700)
slaney = librosa.hz_to_mel(hertz) * 1000 / librosa.hz_to_mel(1000)  # its own unit, scaled to 1000 at 1000 Hz
figure, axes = plots.figure(columns=2, height=2.6)
for axis, values, title in zip(axes[0], (formula, slaney), ("O'Shaughnessy", "Slaney, used here")):
    axis.plot(hertz, values)
    axis.set(title=title, xlabel="frequency (Hz)", ylabel="mel", ylim=(0, 3600))
    axis.axvline(1000, color="0.6", linestyle=":")
plots.show(figure, alt="Two curves of mel against hertz up to 11025 Hz. Both rise steeply up to 1000 Hz, marked with a "
                       "dotted line, and ever more slowly above.")

# %% [markdown]
# Both curves rise steeply at first and then ever more slowly: low down a hertz is worth many more mel than high up. A mel
# band adds up the power under a triangle. 128 triangles, equally spaced in mel,
# replace 1025 rows. We build them.

# %%
def mel_filters(bands=128, fmax=RATE / 2):
    """Triangular filters (bands, 1025), equally spaced in mel and each of unit area."""
    edges = librosa.mel_to_hz(np.linspace(0, librosa.hz_to_mel(fmax), bands + 2))
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - lower) / (centre - lower)
    falling = (upper - frequencies) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)

# %%
filters = mel_filters()
assert np.allclose(filters, librosa.filters.mel(sr=RATE, n_fft=N), atol=1e-6)
figure, (axis,) = plots.figure(height=2.0)
axis.plot(frequencies, filters[::8].T, linewidth=1)
axis.set(xlabel="frequency (Hz)", ylabel="weight (1/Hz)", title="every eighth of 128 filters")
plots.show(figure, alt="Sixteen triangles along the frequency axis: narrow and tall at low "
                       "frequencies, wide and flat at high ones.")

# %% [markdown]
# The narrow triangles at the left should be equally tall. They are not, because they are only two or three frequencies of
# the STFT wide and are drawn at these alone.
#
# Why does this serve music? We count rows.

# %% tags=["remove-input"]
centres = librosa.mel_frequencies(130, fmax=RATE / 2)[1:-1]
low, high = 330, 4000
rows_low = (centres < low).sum(), (frequencies < low).sum()
rows_high = (centres > high).sum(), (frequencies > high).sum()
width = centres[1] - centres[0]
say(f"Below {low} Hz, the lower half of a piano, lie {rows_low[0]} of 128 mel bands, a share of {rows_low[0] / 128:.0%}, "
    f"against {rows_low[1] / 1025:.0%} of the 1025 frequencies. Above {high} Hz, where cymbals hiss, it is "
    f"{rows_high[0] / 128:.0%} against {rows_high[1] / 1025:.0%}. The picture spends its rows where the notes are. There is "
    f"a price: up to 1000 Hz a band is {width:.0f} Hz wide, more than a semitone for every note below "
    f"{width / (2 ** (1 / 12) - 1):.0f} Hz, so that single bass notes cannot be told apart. For those there are chroma, "
    "lesson 3.")

# %% [markdown]
# The scale was made from judgements of pure tones, not of music. It is a sensible compression and no law of hearing. Is
# ours the same as librosa's?

# %%
by_hand = decibels(filters @ np.abs(stft(calm)) ** 2)
mel_power = librosa.feature.melspectrogram(y=calm, sr=RATE, n_fft=N, hop_length=HOP)
by_librosa = librosa.power_to_db(mel_power, ref=np.max)
mel_gap = np.abs(by_hand - by_librosa).max()

# %% tags=["remove-input"]
measured(own_sound, mel_gap_db=mel_gap)
say(f"By hand and by librosa: both {by_hand.shape}, from {by_hand.min():.0f} to {by_hand.max():.0f} dB, and at most "
    f"{mel_gap:.0e} dB apart. From here on we let librosa do it: `labkit.features.mel_spectrogram`.")

# %% [markdown]
# ## 1.7 What drums and strings look like
#
# Here are the two recordings side by side. Look for the vertical lines in one and the horizontal lines in the other.

# %% tags=["hide-input"]
from labkit.features import mel_spectrogram

figure, axes = plots.figure(rows=2, height=2.2)
for axis, title, audio in zip(axes, (sustained, struck), (calm, busy)):
    plots.spectrogram(axis, mel_spectrogram(audio), RATE / HOP, RATE / 2, title=title)
plots.show(figure, alt=f"Mel spectrograms of {sustained}, the recording with the smallest percussive share, and of "
                       f"{struck}, the one with the largest, one above the other.")

# %% [markdown]
# Held notes run from left to right; hits stand upright, the more so the higher one looks, where few notes reach.
#
# That lines in these two directions are what we hear as notes and as hits can be tested. A *median* over neighbouring
# columns removes whatever is short in time; a median over neighbouring rows removes whatever is narrow in frequency.
# Comparing the two, cell by cell, splits a spectrogram into a harmonic and a percussive part.

# %% tags=["hide-input"]
harmonic, percussive = librosa.decompose.hpss(librosa.stft(both))
parts = [librosa.istft(part, length=len(both)) for part in (harmonic, percussive)]
reference = librosa.feature.melspectrogram(y=both, sr=RATE).max()
figure, axes = plots.figure(rows=2, height=2.0)
for axis, title, part in zip(axes, ("harmonic part", "percussive part"), (harmonic, percussive)):
    bands = librosa.feature.melspectrogram(S=np.abs(part) ** 2, sr=RATE)
    plots.spectrogram(axis, np.maximum(librosa.power_to_db(bands, ref=reference, top_db=None), -80), RATE / HOP,
                      RATE / 2, title=f"{mixed}: {title}")
plots.show(figure, alt=f"Mel spectrograms of the harmonic and of the percussive part of {mixed}, in decibels below the "
                       "loudest cell of the whole.")

# %%
for name, part in zip(("harmonic", "percussive"), parts):
    listen(part, f"{name}_part", f"{mixed}: the {name} part alone")

# %% [markdown]
# The separation is not clean. A short note is in the percussive part too, since it is short; a long cymbal is partly in the
# harmonic one.

# %% [markdown]
# ## 1.8 Why not MFCCs?
#
# For decades the usual features were **mel-frequency cepstral coefficients** (MFCCs,
# [Davis and Mermelstein](../book/bibliography.md#davis1980)): the cosine transform of each column of the mel spectrogram
# in dB, of which the first 13 or 20 numbers are kept. They are few and hardly correlated, which suited the Gaussian
# mixtures and hidden Markov models of the time. What is left when we keep 13?

# %% tags=["hide-input"]
mel = mel_spectrogram(calm)
coefficients = librosa.feature.mfcc(S=mel, n_mfcc=13)
smooth = librosa.feature.inverse.mfcc_to_mel(coefficients, ref=1.0)
back = np.maximum(librosa.power_to_db(smooth, ref=1.0, top_db=None), -80)
figure, axes = plots.figure(rows=2, height=2.0)
plots.spectrogram(axes[0], mel, RATE / HOP, RATE / 2, title="128 mel bands")
plots.spectrogram(axes[1], np.minimum(back, 0), RATE / HOP, RATE / 2, title="the same, from 13 MFCCs")
plots.show(figure, alt="A mel spectrogram with sharp horizontal lines and, below, what 13 coefficients keep of it: a "
                       "smooth outline.")
kept = 1 - np.var(mel - back) / np.var(mel)

# %% tags=["remove-input"]
measured(own_sound, mfcc_variance_kept=kept)
say(f"13 coefficients keep {kept:.0%} of the variance of this picture, and hardly a trace of its fine lines: the outline, "
    "which carries the timbre, stays; most notes go.")

# %% [markdown]
# A neural network has no need of uncorrelated inputs, and a convolution relies on neighbours: a pattern that moves up by a
# few rows is the same pattern, a little higher. The cosine transform mixes all rows and destroys that neighbourhood. So
# spectrograms took over once networks did, from about 2012 on
# ([Dieleman and Schrauwen](../book/bibliography.md#dieleman2014) tried even the waveform itself; the mel spectrogram won).

# %% [markdown]
# ## Exercises
#
# The three exercises build on each other: at their end we hear single rows of a mel spectrogram. In the student edition of
# this lesson each has a cell in which `...` stands for what is to be written; in the book the solution is folded away.
#
# `check("1.1")` says *correct*, *not yet* and why, or *not attempted*. `hint("1.1")` gives a hint, called again a second one,
# and `solution("1.1")` says where the solution stands. `target("1.1")` shows what is to be reached.

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 1.1 · From mel back to hertz** (5 minutes).
#
# The filters of section 1.6 are spaced in mel and drawn in hertz, so somebody has to turn mel into hertz. For
# O'Shaughnessy's formula, $m = 2595 \log_{10}(1 + f / 700)$, write the way back: `hertz_of(mel)` gives $f$ for a number and
# for an array of numbers.
#
# *Solved when* it agrees with the curve below to one part in ten thousand, 0 mel included.

# %%
target("1.1")

# %% tags=["exercise"]
# Exercise 1.1
def hertz_of(mel):
    """The frequency in Hz of a pitch in mel, by O'Shaughnessy's formula."""
    return 700 * (10 ** (mel / 2595) - 1)  # solution

# %% tags=["check"]
check("1.1")

# %% [markdown]
# **Exercise 1.2 · Triangles on that scale** (15 minutes).
#
# Write `triangles(bands)`: filters of the shape (`bands`, 1025), one row a triangle. They are equally spaced from 0 Hz to the
# highest frequency, but in O'Shaughnessy's mel, and each is 1 at its centre, unlike those of `mel_filters`, which
# have unit area.
#
# *Solved when* every weight is within 0.0001 of those of `librosa.filters.mel(..., htk=True, norm=None)`, for 12 bands as for 40.

# %%
target("1.2")

# %% tags=["exercise"]
# Exercise 1.2
def triangles(bands):
    """Triangles (bands, 1025), equally spaced in mel, each 1 at its centre."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)  # the highest frequency, in mel
    edges = hertz_of(np.linspace(0, top, bands + 2))  # solution
    lower, centre, upper = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (frequencies - lower) / (centre - lower)
    falling = (upper - frequencies) / (upper - centre)
    return np.maximum(0, np.minimum(rising, falling))  # solution

# %% tags=["check"]
check("1.2")

# %% [markdown]
# **Exercise 1.3 · The sound of some rows** (10 minutes).
#
# What does a row of the picture sound like? The triangles say how much of each frequency it counts. Write
# `sound_of(audio, rows, bands)`: multiply the short-time Fourier transform by the triangles of the wanted rows, added up, and
# turn it back into a sound with `librosa.istft`, whose `length=` says how long. `rows` is a slice or a list of numbers, so that
# `triangles(bands)[rows]` are the triangles; one factor for each of 1025 frequencies meets the columns as `gain[:, None]`.
#
# *Solved when* the sound has the length of `audio` and every sample is within 0.0002 of ours. Below, the ten lowest of 40
# rows keep the bass and lose the hiss; the twenty highest keep the hiss.

# %%
target("1.3")

# %% tags=["exercise"]
# Exercise 1.3
def sound_of(audio, rows, bands=40):
    """The part of a sound (n,) that some rows of the picture show, (n,)."""
    gain = triangles(bands)[rows].sum(axis=0)  # solution
    spectrum = librosa.stft(audio, n_fft=N, hop_length=HOP)
    return librosa.istft(spectrum * gain[:, None], hop_length=HOP, length=len(audio))  # solution

# %% tags=["check"]
check("1.3")

# %% [markdown]
# Once it is correct, `listen(sound_of(busy, slice(0, 10)), "low_rows", "The ten lowest rows")` plays the same of the most
# percussive recording. Which rows are enough to follow the beat?

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** We want to read off a picture when exactly a drum is hit. Which frame length serves best?
#
# - a) 512 samples
# - b) 2048 samples
# - c) 8192 samples
#
# <details><summary>Answer</summary>
#
# **a)** Whatever happens within a frame runs together. 512 samples last 23 ms, 8192 samples 372 ms. The price is that
# neighbouring frequencies run together instead: the rows are 43 Hz apart instead of 3 Hz.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A cell of a spectrogram lies at -20 dB. What is its power, compared with the loudest cell?
#
# - a) one half
# - b) one tenth
# - c) one hundredth
#
# <details><summary>Answer</summary>
#
# **c)** Decibels are 10 times the logarithm of the power, so -20 dB is $10^{-2}$. Its *magnitude* is one tenth: that is answer
# b, and the usual confusion.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** The same recording is stored once more with every sample halved. How do the two mel spectrograms differ, each in
# decibels below its own loudest cell?
#
# - a) The second lies 6 dB lower everywhere.
# - b) Not at all.
# - c) The second lies 3 dB lower everywhere.
#
# <details><summary>Answer</summary>
#
# **b)** Half the amplitude is a quarter of the power in every cell, also in the loudest. The ratio to it stays, and with it
# every decibel. A model that sees only this picture cannot know how loud the recording was.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **The wrong logarithm.** Decibels are 10 times the logarithm of *power*, 20 times that of *magnitude*. With the wrong
#   one the picture looks right and every number is off by a factor of two.
# - **Zero is not silence.** In dB against the maximum, 0 is the loudest value and -80 is silence. Whoever pads a short
#   clip with zeros appends the loudest possible noise. Lesson 4 shows it.
# - **The maximum is taken clip by clip.** How loud a clip was recorded is lost. For genres that is welcome; for a question
#   of loudness it is not.
# - **A file of 140 rows** holds 128 mel rows and then 12 chroma rows; lesson 3 is about those. The chroma are the *last 12*.
#
# ## Take-away
#
# 1. A mel spectrogram is: frames, window, Fourier transform, power, 128 triangles, decibels. Each step is one line.
# 2. Vertical lines are hits, horizontal lines are notes; a ladder of lines is one note with its overtones.
# 3. The frame length decides what is seen sharply, times or frequencies. The mel scale and decibels bring the rest near to
#    what we hear.
#
# **Next:** a clip of 30 seconds has about 1300 frames. [Lesson 2](02_beat_sync.ipynb) asks whether a network can use them
# all, and what music itself offers as a larger unit.
