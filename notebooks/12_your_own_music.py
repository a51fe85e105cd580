# %% [markdown]
# # 12 Your own music
#
# A folder of sound files, and two questions: what kind of music is it, and how does it feel? The networks of this book answer
# any question that they are asked, also where they have no idea. This lesson makes them say how sure they are, and when they should
# not be asked.
#
# **What we do.** We *cut* recordings into pieces as long as the training clips and let the networks hear them. We *turn* their numbers into
# sets of genres and ranges of mood that hold what they promise, on clips like those we trained on. We *notice* recordings that are not like those.
#
# **What we need.** Lessons [7b](07b_cnn_genre.ipynb) and [9b](09b_multitask.ipynb), whose networks are found or trained; about 50 minutes
# and 35 for the exercises, 1 GB of memory, half a minute to run at the profile `ci` once these have run. Recordings of your own, if you like: set
# `LAB_DATA` to a folder of sound files ([how](../book/your_data.md)). Without one, the lesson hears composed clips that no network was
# trained on.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from labkit import plots
from labkit.datasets import AFFECT, Meta
from labkit.evaluation import accuracy, bootstrap, predict
from labkit.lab import open_lab
from labkit.recipes import GENRE, MOOD, outlines
from labkit.show import measured, say
from labkit.training import cross_validated, trained

opened = open_lab(profile)

# %% [markdown]
# The networks must have been trained on spectrograms made as those of the recordings are: at 22 050 Hz, 43 frames a second, 128 bands. The course's data are; other
# data may not be. Then, and where there are recordings alone, the networks come from the composed corpus.

# %%
def as_ours(folder):
    """Whether a dataset folder is the reader's, with spectrograms as this lesson makes them."""
    usual = Meta()
    return not folder.is_fallback and (folder.meta.frames_per_second, folder.meta.fmax) == (
        usual.frames_per_second, usual.fmax)


genre, mood = GENRE["CNN"], MOOD["CNN"]
folders = [opened.folder(recipe) for recipe in (genre, mood)]
fitting = all(as_ours(folder) for folder in folders) and folders[0].has_test_labels
home = opened if fitting else opened.composed_only()
train, val, test = home.loaders(genre)
classes = list(test.dataset.label_transformer.classes_)

# %% tags=["remove-input"]
own = opened.root is not None and opened.has("sound")
if own:
    pieces = opened.recordings()[:8]
else:
    some = home.composed_pieces()[0]
    first = {int(target): place for place, target in reversed(list(enumerate(test.dataset.targets)))}
    pieces = [replace(some, id=clip, title=f"composed piece {clip}", genre=classes[target])
              for target, place in sorted(first.items()) for clip in (test.dataset.ids[place],)][::2][:5]
say(f"The networks were trained on: {home.origin}. The recordings: "
    + (f"{opened.origin}, {len(pieces)} of them." if own else
       f"{len(pieces)} test clips of the composed corpus, since no sound of your own is set. No network was trained on them, though some come from known albums."))

# %% [markdown]
# ## 12.1 From a file to what a network hears
#
# A network trained on clips of a certain length should hear clips of that length: the loudest cell of a clip is its 0 dB, and the mean over
# time of a whole song is smoother than that of ten seconds. So we cut each recording into pieces, let the network hear each, and keep the
# spread: a song that sounds like two genres says so in its pieces.

# %%
from labkit.features import SAMPLE_RATE, AudioError, mel_spectrogram


def cuts(sound, seconds, most=12):
    """The whole pieces of so many seconds, at most so many, evenly spread."""
    length = round(seconds * SAMPLE_RATE)
    whole = max(1, len(sound) // length)  # a shorter sound is one piece
    chosen = np.unique(np.linspace(0, whole - 1, min(whole, most)).round().astype(int))
    return [sound[start:start + length] for start in chosen * length]

# %%
def heard(piece):
    """The mel spectrograms (frames, 128) of the pieces of a recording that are not silent."""
    found = []
    for cut in cuts(piece.sound(600), home.profile.seconds):
        try:
            found.append(torch.from_numpy(mel_spectrogram(cut).T))
        except AudioError as error:
            print(f"{piece.title}: a piece is left out. {error}")
    return found


spectrograms = {piece.id: heard(piece) for piece in pieces}
pieces = [piece for piece in pieces if spectrograms[piece.id]]

# %% tags=["hide-input"]
from labkit.show import listen

for number, piece in enumerate(pieces):
    count = len(spectrograms[piece.id])
    listen(piece.sound(8), f"lesson_12_{number}", f"{piece.title}" + (f", {piece.genre}" if piece.genre else "")
           + f": {count} piece{'s' if count > 1 else ''} of {len(spectrograms[piece.id][0]) * 512 / SAMPLE_RATE:.0f} s")

# %% [markdown]
# ## 12.2 Probabilities that are not
#
# The softmax makes numbers that add up to 1. Are they probabilities: of the clips for which the network says 80 %, are 80 % right? That is
# **calibration**. Networks tend to be too sure ([Guo et al.](../book/bibliography.md#guo2017)): they go on lowering the loss of training clips by
# raising the odds of what is right already. One number can mend much of it: dividing the outputs by a *temperature*, chosen on the
# validation clips so that their loss is lowest. It changes no answer, only how sure it sounds.

# %%
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

model, _ = trained("CNN", partial(genre.network, train), train, val,
                   genre.training(home.profile))
(val_logits, val_truth), (logits, truth) = predict(model, val), predict(model, test)


def loss(temperature, outputs, labels):
    """The cross-entropy of outputs (N, classes) divided by a temperature."""
    return -log_softmax(outputs / temperature, axis=1)[np.arange(len(labels)), labels].mean()


temperature = minimize_scalar(loss, args=(val_logits, val_truth), bounds=(0.2, 10),
                              method="bounded").x

# %% tags=["remove-input"]
right = accuracy(logits.argmax(axis=1), truth)
said = {name: softmax(logits / by, axis=1).max(axis=1).mean() for name, by in (("raw", 1.0), ("mended", temperature))}
measured(True, temperature=float(temperature), confidence_raw=float(said["raw"]), confidence_mended=float(said["mended"]), test_accuracy=right)
say(f"On the test clips the network is right in {right:.0%} of the cases, and says {said['raw']:.0%} on average. The temperature of the {len(val_truth)} validation clips is "
    f"{temperature:.2f}; divided by it, it says {said['mended']:.0%}. "
    + ("On the validation clips it was too sure" if temperature > 1.1 else "On the validation clips it was not sure enough" if temperature < 0.9 else
       "On the validation clips it was calibrated nearly as it stood")
    + (", and on the test clips, too, the new number is nearer to the truth." if abs(said["mended"] - right) < abs(said["raw"] - right) - 0.005 else
       ". On the test clips the new number is no nearer to the truth: the validation clips are few, and all of albums that the network does not know."))

# %% [markdown]
# ## 12.3 A set of genres that keeps its promise
#
# One genre is a poor answer where two are likely. **Conformal prediction** ([Vovk et al.](../book/bibliography.md#vovk2005)) gives a *set*
# of genres with a promise: of new clips like those it was set up with, at least nine of ten have their true genre in their set. It needs no trust in
# the network. For each validation clip we ask how strange its true genre looked, $1 - p$; nine of ten looked less strange than some
# threshold; for a new clip we keep every genre that looks no stranger than that. The threshold is the
# $\lceil 0.9\,(n + 1) \rceil$-th smallest of the $n$ numbers, a little more than nine tenths, because the new clip counts too.

# %%
strange = 1 - softmax(val_logits / temperature, axis=1)[np.arange(len(val_truth)), val_truth]
rank = int(np.ceil(0.9 * (len(strange) + 1)))
threshold = np.sort(strange)[rank - 1] if rank <= len(strange) else 1.0

sets = 1 - softmax(logits / temperature, axis=1) <= threshold
holds = bootstrap(lambda inside: inside.mean(), sets[np.arange(len(truth)), truth],
                  groups=test.dataset.groups)

# %% tags=["remove-input"]
sizes = sets.sum(axis=1)
measured(True, set_coverage=holds.value, set_size=float(sizes.mean()))
say(f"Of the {len(truth)} test clips the set holds the true genre for {holds:.0%}; promised were 90 %. On average it has {sizes.mean():.1f} of {len(classes)} genres. "
    + ("So wide a set is the honest answer of a network that knows little: most genres stay possible. " if sizes.mean() > len(classes) / 2 else
       "That is what the network really knows: not one genre, but few. ")
    + "The promise is one on average over clips, not for each genre, and it rests on the validation clips being like the new ones. "
    "They chose the epoch and the temperature too, which flatters a little.")

# %% [markdown]
# ## 12.4 A range for each mood
#
# The same idea for numbers. For each labelled clip, cross-validation gave a prediction by a network that knew no clip of its album
# ([lesson 8](08_emotion.ipynb)). Nine of ten errors are smaller than some number; that number, to either side, is the range of a new prediction.
# For a new recording the four networks of the folds answer, and we take their mean.

# %%
folds = home.folds(mood)
dataset = folds[0][0].dataset.dataset
found = cross_validated("CNN, multitask", folds, mood.network, mood.training(home.profile))
targets = dataset.targets.numpy()
errors = np.abs(found.predicted - targets)
rank = min(int(np.ceil(0.9 * (len(errors) + 1))), len(errors))
ranges = np.sort(errors, axis=0)[rank - 1]
without = np.sort(np.abs(targets - targets.mean(axis=0)), axis=0)[rank - 1]

# %% tags=["remove-input"]
measured(True, **{f"range_{axis}": float(one) for axis, one in zip(AFFECT, ranges)})
say("| mood | range, to either side | with the mean alone as the answer |\n|---|--:|--:|\n"
    + "\n".join(f"| {axis} | {one:.2f} | {other:.2f} |" for axis, one, other in zip(AFFECT, ranges, without)))
gain = 1 - ranges / without
say(f"The right column is what one gets without listening, by always answering the mean. By listening the range of {AFFECT[int(gain.argmax())]} "
    + (f"shrinks by {gain.max():.0%}" if gain.max() > 0.01 else "does not shrink") + f", that of {AFFECT[int(gain.argmin())]} "
    + (f"by {gain.min():.0%}." if gain.min() > 0.01 else "not at all." if gain.min() > -0.01 else f"grows by {-gain.min():.0%}.")
    + " A rank correlation that looks well can go with ranges as wide as these: to order many songs is easier than to say where one lies.")

# %% [markdown]
# ## 12.5 Like anything heard before?
#
# Both promises hold for clips *like those the networks know*. A network has no word for "I have never heard such a thing". So we
# ask its input: the outlines of each piece, mean, deviation and mean change of each band, and the distance to the nearest training clip, each number
# measured in standard deviations of the training clips. For the validation clips, whose albums are not in the training part, we know what is usual.

# %%
known = outlines(train.dataset)
middle, spread = known.mean(axis=0), known.std(axis=0)


def nearest(clips):
    """The distance of each clip's outlines to those of the nearest training clip."""
    apart = ((outlines(clips) - middle) / spread)[:, None] - ((known - middle) / spread)[None]
    return np.sqrt((apart**2).mean(axis=2)).min(axis=1)


usual = nearest(val.dataset)
strangeness = {piece.id: nearest([(one,) for one in spectrograms[piece.id]])
               for piece in pieces}

# %% tags=["hide-input"]
limit = np.quantile(usual, 0.95)
figure, (axis,) = plots.figure(height=0.34 * (len(pieces) + 1) + 0.9)
rows = ["validation clips", *(piece.title[:34] for piece in pieces)]
for row, values in enumerate([usual, *strangeness.values()]):
    axis.plot(values, np.full(len(values), row), "|" if row == 0 else "o", color="0.5" if row == 0 else plots.COLOURS[0], markersize=7, alpha=0.8)
axis.axvline(limit, color=plots.COLOURS[1], linestyle=":")
axis.annotate("95 % of the validation clips", (limit, -0.45), xytext=(4, 0), textcoords="offset points", fontsize=8, color=plots.COLOURS[1])
axis.set(xlabel="distance to the nearest training clip (standard deviations)", yticks=range(len(rows)), ylim=(len(rows) - 0.5, -0.8), xlim=(0, None))
axis.set_yticklabels(rows)
far = {piece.id: float((strangeness[piece.id] > limit).mean()) for piece in pieces}
plots.show(figure, alt=f"Distances to the nearest training clip. Of the validation clips 95 % lie below {limit:.2f}. "
           + "; ".join(f"{piece.title}: {np.median(strangeness[piece.id]):.2f}" for piece in pieces) + ".")

# %% tags=["remove-input"]
strangers = [piece.title for piece in pieces if far[piece.id] > 0.5]
measured(own, strange_recordings=len(strangers) / max(len(pieces), 1))
say((f"Beyond that limit with most of their pieces: {', '.join(strangers)}. What the networks say of these is a guess without a promise. " if strangers else
     "All recordings lie where the training clips do, in this respect. ")
    + "The distance sees loudness, bands and their changes. A recording can pass it and still be of a kind that the training never met, such as a genre that "
    "is not among the classes: then the answer is the least wrong of the genres that there are.")

# %% [markdown]
# ## 12.6 What the networks say
#
# For each recording: the genres of the set, the likeliest first, from the mean of the probabilities of its pieces; the moods with their
# ranges, cut at 0 and 1; and whether its pieces sound like a training clip by 12.5. Where the last column says no, the promises do not apply.

# %%
def of_pieces(network, clips):
    """The outputs of a network for each piece, (pieces, outputs)."""
    network.eval()
    with torch.inference_mode():
        return np.concatenate([network(one[None], None, torch.tensor([len(one)]))[1].numpy()
                               for one in clips])


answers = {}
for piece in pieces:
    clips = spectrograms[piece.id]
    chances = softmax(of_pieces(model, clips) / temperature, axis=1)
    moods = np.mean([of_pieces(one, clips) for one in found.models], axis=0)
    answers[piece.id] = chances, moods

# %% tags=["remove-input"]
def words(chances):
    mean = chances.mean(axis=0)
    inside = [place for place in np.argsort(-mean) if 1 - mean[place] <= threshold] or [int(mean.argmax())]
    listed = ", ".join(f"{classes[place]} {mean[place]:.0%}" for place in inside[:4])
    return listed + (f", and {len(inside) - 4} more" if len(inside) > 4 else "")


lines = ["| recording | genres of the set | " + " | ".join(AFFECT) + " | near a training clip |", "|---|---|--:|--:|--:|---|"]
for piece in pieces:
    chances, moods = answers[piece.id]
    numbers = [f"{value:.2f} ({max(0.0, value - wide):.2f} to {min(1.0, value + wide):.2f})" for value, wide in zip(moods.mean(axis=0), ranges)]
    title = piece.title + (f" ({piece.genre})" if piece.genre else "")
    lines.append(f"| {title} | {words(chances)} | " + " | ".join(numbers) + f" | {'no' if far[piece.id] > 0.5 else 'yes'} |")
say("\n".join(lines))

# %% tags=["remove-input"]
apart = {piece.title: len({int(one.argmax()) for one in answers[piece.id][0]}) for piece in pieces if len(spectrograms[piece.id]) > 1}
measured(own, **{f"{axis}_{piece.id}": float(answers[piece.id][1].mean(axis=0)[place]) for piece in pieces for place, axis in enumerate(AFFECT)})
judged = [(piece, classes.index(piece.genre)) for piece in pieces if piece.genre in classes]
inside = sum(1 - answers[piece.id][0].mean(axis=0)[place] <= threshold for piece, place in judged)
say((f"Of {len(judged)} recordings whose genre is known, the set holds it for {inside}. " if judged else "No genre of these recordings is known, so we judge by ear. ")
    + ("The likeliest genre changes between the pieces of a recording: " + ", ".join(f"{title}, {count} genres" for title, count in apart.items() if count > 1) + ". "
       if any(count > 1 for count in apart.values()) else "")
    + f"Energy runs from {min(answers[piece.id][1].mean(axis=0)[1] for piece in pieces):.2f} to {max(answers[piece.id][1].mean(axis=0)[1] for piece in pieces):.2f}; with a range of "
    f"{ranges[1]:.2f} to either side, smaller differences mean little.")

# %% [markdown]
# Do we agree? Listen again with the table beside. A network trained on composed music has heard twenty kinds of it, played by synthetic
# instruments in clean rooms; [on real music](../book/real_music.md) its genre is right far less often, and the page says how often.
# What it gets right across that gap is, as a rule, energy: loud, dense and bright is so in any music.

# %% [markdown]
# ## Exercises
#
# The three promises by hand: the pieces (12.1), the threshold (12.2), the set (12.3). `check`, `hint`, `solution` and `target` work as in
# [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 12.1 · Overlapping pieces** (10 minutes).
#
# `cuts` takes pieces one after the other, and leaves out what is left at the end. Write `overlapping(sound, length, step)`: all pieces of `length` samples that
# fit, beginning at 0, `step`, `2 * step` and so on, as an array (pieces, length). If samples are left behind the last piece, one more piece ends
# with the sound. A sound shorter than `length` is filled up with zeros at its end, and is one piece.
#
# *Solved when* it is right for sounds of 1 to 40 samples, exactly.

# %% tags=["exercise"]
# Exercise 12.1
def overlapping(sound, length, step):
    """All pieces of a sound (n,), the last one ending with it: (pieces, length)."""
    if len(sound) < length:
        return np.pad(sound, (0, length - len(sound)))[None]  # solution
    starts = list(range(0, len(sound) - length + 1, step))  # solution
    if starts[-1] + length < len(sound):
        starts.append(len(sound) - length)  # solution
    return np.stack([sound[start:start + length] for start in starts])

# %% tags=["check"]
check("12.1")

# %% [markdown]
# **Exercise 12.2 · The threshold of a promise** (15 minutes).
#
# Write `threshold_of(strange, promise)` for $n$ numbers, how strange the true answers of known clips looked, and a promised share such as
# 0.9: the $\lceil \text{promise}\,(n + 1) \rceil$-th smallest of them. Where that would be beyond the last one, no finite threshold can keep the promise:
# give infinity.
#
# *Solved when* it is right for five promises and ten counts of clips, exactly. Below, what such a threshold keeps for
# 20 known clips, drawn again and again.

# %%
target("12.2")

# %% tags=["exercise"]
# Exercise 12.2
def threshold_of(strange, promise=0.9):
    """The number that a share `promise` of new, equally strange clips will not pass."""
    rank = int(np.ceil(promise * (len(strange) + 1)))  # solution
    if rank > len(strange):
        return np.inf
    return np.sort(strange)[rank - 1]  # solution

# %% tags=["check"]
check("12.2")

# %% [markdown]
# **Exercise 12.3 · A set that grows until it is enough** (15 minutes).
#
# The sets above keep genres whose probability is high enough. Another way: take genres from the likeliest on *until* their probabilities add up to
# at least `enough`, the one that reaches it included. Write `grown(chances, enough)` for probabilities (clips, genres): an array of
# booleans of the same shape. A set is never empty. No two probabilities of a clip are equal.
#
# *Solved when* it is right for drawn clips and three values of `enough`. Probabilities 0.5, 0.3, 0.2 with `enough` 0.6 give the first two; with
# 0.5 the first alone.

# %% tags=["exercise"]
# Exercise 12.3
def grown(chances, enough):
    """Which genres are in the set of each clip: booleans (clips, genres)."""
    order = np.argsort(-chances, axis=1)
    sums = np.cumsum(np.take_along_axis(chances, order, axis=1), axis=1)
    before = sums - np.take_along_axis(chances, order, axis=1)  # solution
    taken = before < enough - 1e-9  # solution
    taken[:, 0] = True
    sets = np.zeros(chances.shape, dtype=bool)
    np.put_along_axis(sets, order, taken, axis=1)
    return sets

# %% tags=["check"]
check("12.3")

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** A network says "Jazz, 97 %" of a recording of a vacuum cleaner. What is wrong?
#
# - a) Nothing: it is 97 % sure.
# - b) The softmax shares out 100 % among the genres it has, whatever it hears; it cannot say "none of these".
# - c) The temperature is too low.
#
# <details><summary>Answer</summary>
#
# **b)** The numbers compare genres with each other. Whether the clip is like any training clip at all is another question, which takes another
# measurement, as in 12.5. A higher temperature would make the 97 % smaller and still share out 100 %.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A conformal set with the promise of 90 % holds seven of ten genres. What does that say?
#
# - a) The method failed.
# - b) The network can rule out three genres at that promise, and no more.
# - c) The clip is a mixture of seven genres.
#
# <details><summary>Answer</summary>
#
# **b)** The set is as wide as the network's ignorance asks for. With a better network, or a smaller promise, it would be smaller. It is a
# statement about what is known, not about the music.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** The sets were set up on validation clips of the composed corpus. What is promised for a recording of the reader's?
#
# - a) 90 %, as for any clip.
# - b) Nothing: the promise holds for clips drawn like the validation clips.
# - c) 90 %, if its distance to the training clips is small.
#
# <details><summary>Answer</summary>
#
# **b)** The reasoning needs new clips that could as well have been among the validation clips. A small distance makes that less implausible, but it is no
# proof: it sees a few numbers of the sound alone.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **Another extraction.** A different sampling rate, hop or reference of the decibels, and the network hears something it was never trained on, without
#   an error. Extract with the code that made the training clips.
# - **A whole song as one clip**, where the network was trained on pieces: the loudest cell, and with it all decibels, is another one.
# - **The softmax reported as a probability**, or as a sign that the recording is of a known kind.
# - **The threshold set up on training clips.** Their true genres look far less strange than those of new clips: the promise is broken.
# - **One number for a mood** without its range.
#
# ## Take-away
#
# 1. A network always answers. Whether it should have been asked is for us to find out.
# 2. Calibration mends how sure it sounds; a conformal set keeps a promise without trusting it.
# 3. Every promise is about clips like those it was set up with. On one's own music, listen.
#
# **Next:** this is the last lesson. [On real music](../book/real_music.md) has what all of them measured on records.
