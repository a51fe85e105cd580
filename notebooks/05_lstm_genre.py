# %% [markdown]
# # 5 An LSTM that hears genres
#
# The first network of this book reads a clip from its beginning to its end, frame by frame, and names a genre. It will not be
# the best one. It is the one on which we learn how a network is trained, and how to notice that something is wrong.
#
# **What we do.** We *compute* one step of an LSTM by hand and check it against torch. We *train*: a few epochs to see the loop,
# then three batches on purpose too well, then all clips, with each kind of input that the data have. We *choose* the epoch
# that is kept.
#
# **What we need.** Lesson 4, [the dataset](04_dataset.ipynb); about 60 minutes and 35 for the exercises, 1 GB of memory, and a
# minute or two to run at the profile `ci`, much longer at the larger ones.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import numpy as np
import torch
from torch import nn

from labkit import plots
from labkit.lab import open_lab
from labkit.recipes import LSTMS
from labkit.show import measured, say

opened = open_lab(profile)
lab, INPUTS, note = opened.serving(LSTMS)

# %% tags=["remove-input"]
own = lab is opened
say(note)

# %% [markdown]
# A *recipe* says what a network hears, how it is built and how it is trained. All recipes of the book stand in one file,
# `labkit/recipes.py`, so that two lessons mean the same when they say "the LSTM". `lab.loaders` makes the three loaders of a
# recipe. Training and validation part the training clips by whole albums, as lesson 4 asked for; the test part is the one that
# comes with the data.

# %%
FIRST = "LSTM, beat-synchronous mel" if "LSTM, beat-synchronous mel" in INPUTS else INPUTS[0]
train_loader, val_loader, test_loader = lab.loaders(LSTMS[FIRST])
x, targets, lengths = next(iter(train_loader))
tuple(x.shape), targets[:5], lengths[:5]

# %% [markdown]
# A batch is `(clips, frames, features)`, padded to its longest clip; `lengths` remembers where each clip ends. In a
# beat-synchronous clip, one frame is one beat.

# %% [markdown]
# ## 5.1 One step, by hand
#
# A plain recurrent network keeps a vector $h$, its memory, and mixes it with each new frame. From step to step what it
# remembers passes through the same matrix and is squashed; the gradient on its way back meets the same matrix and the slope of
# the squashing, which is at most 1. Over many steps it fades, or it grows beyond all bounds ([Bengio et al.](../book/bibliography.md#bengio1994)). The **long short-term memory** (LSTM,
# [Hochreiter and Schmidhuber](../book/bibliography.md#hochreiter1997)) adds a second vector, the *cell* $c$, to which is
# *added*:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# Three **gates** between 0 and 1 decide: $f$ what is kept, $i$ what is written, $o$ what is shown; $g$ is what could be
# written; $\odot$ multiplies element by element. Each is a linear function of the frame and of the last $h$, bent by a
# sigmoid, $f = \sigma(W_f x_t + U_f h_{t-1} + b_f)$ and $i$ and $o$ alike, $g$ by a hyperbolic tangent. torch keeps two
# biases per row, which are added, in the place of $b$. The first LSTM had no $f$ and could not forget. [Gers et al.](../book/bibliography.md#gers2000)
# added it, and torch has it. Where $f$ is 1, the gradient passes along $c$ unchanged. Where it is about one half, as in a fresh network, it fades here too:
# [lesson 2](02_beat_sync.ipynb) measured it.

# %%
def lstm_step(frame, h, c, lstm):
    """One step of a one-layer nn.LSTM: frame (B, F), h and c (B, H) -> the new h and c."""
    sums = (frame @ lstm.weight_ih_l0.T + lstm.bias_ih_l0
            + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0)  # (B, 4 H), torch's order: i, f, g, o
    i, f, g, o = sums.chunk(4, dim=1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    return o * torch.tanh(c), c

# %%
torch.manual_seed(0)
small = nn.LSTM(x.shape[2], 8, batch_first=True)
standard = (x - x.mean()) / x.std()
h = c = torch.zeros(len(x), 8)  # each batch begins with an empty memory
with torch.no_grad():
    for t in range(standard.shape[1]):
        h, c = lstm_step(standard[:, t], h, c, small)
    steps, _ = small(standard)
gap = (steps[:, -1] - h).abs().max()  # after the padding too: to compare, not to read out

# %% tags=["remove-input"]
measured(own, lstm_step_gap=float(gap))
distance = f"differ by at most {gap:.0e}: rounding" if gap else "are equal to the last digit"
say(f"After {x.shape[1]} steps, ours and torch's last vector {distance}. From here on torch does it.")

# %% [markdown]
# ## 5.2 Where a clip ends
#
# The clips of a batch end at different frames; what follows is padding. The vector we want is the one at each clip's
# **true last frame**. Two ways lead there: *packed* sequences, which skip the padding, as the course has it, or running
# over the padding and looking back. In an LSTM that reads forwards, the padding comes after the frame that is read out,
# so that both must give the same. One that also reads backwards would begin in the padding; exercise 5.2 is about that.
# Which way is faster?

# %%
from time import perf_counter

from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def last_of_packed(lstm, x, lengths):
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    steps, _ = pad_packed_sequence(lstm(packed)[0], batch_first=True)
    return steps[torch.arange(len(x)), lengths - 1]


def last_of_padded(lstm, x, lengths):
    return lstm(x)[0][torch.arange(len(x)), lengths - 1]

# %%
wide, seconds, answers = nn.LSTM(x.shape[2], 128, batch_first=True), {}, {}
for way in (last_of_packed, last_of_padded):
    taken = []
    for _ in range(6):
        begin = perf_counter()
        answers[way] = way(wide, standard, lengths)
        answers[way].sum().backward()
        taken.append(perf_counter() - begin)
    seconds[way] = float(np.median(taken[1:]))

# %% tags=["remove-input"]
apart = float((answers[last_of_packed] - answers[last_of_padded]).detach().abs().max())
ratio = seconds[last_of_packed] / seconds[last_of_padded]
measured(own, packed_gap=apart, packed_times_padded=ratio)
faster = "Padded is the faster way here" if ratio > 1.05 else "In this run the padded way is no faster"
distance = f"differ by at most {apart:.0e}" if apart else "are equal to the last digit"
say(f"They {distance}. Forward and back, packed takes "
    f"{1000 * seconds[last_of_packed]:.0f} ms a batch and padded {1000 * seconds[last_of_padded]:.0f} ms, medians of "
    f"{len(taken) - 1} runs. {faster}. Padding costs steps, packing costs sorting and many small steps "
    "of unequal batches; with clips of like length in a batch there is little padding to save.")

# %% [markdown]
# ## 5.3 The whole network
#
# `LSTMBackbone` is the padded way, with standardisation in front and dropout behind: it turns each clip into one vector. A **head** turns
# the vector into an answer. `Classifier` gives one number for each genre, and its loss is the [cross-entropy](../book/glossary.md): minus the
# logarithm of the probability that the network gives the right genre. `recipe.network(train_loader)` builds the same, and after this
# section we let it.

# %%
from labkit.datasets import Standardise
from labkit.models import Classifier, LSTMBackbone

part = train_loader.dataset  # a Subset: all clips that may be trained on, and which of them are
dataset, places = part.dataset, part.indices
classes = dataset.label_transformer.classes_
torch.manual_seed(0)
backbone = LSTMBackbone(dataset.feature_rows, rnn_size=64, dropout=0.3,
                        standardise=Standardise.fit(dataset, places))
model = Classifier(backbone, len(classes))
loss, output = model(x, targets, lengths)
print(model)
print(f"loss {loss.item():.2f}, output {tuple(output.shape)}")

# %% tags=["remove-input"]
say(f"An untrained network knows nothing. One that gives each of {len(classes)} genres the same probability has a loss of "
    f"log {len(classes)} = {np.log(len(classes)):.2f}; ours begins at {loss.item():.2f}. A first loss far from that is the first thing "
    "to look into.")

# %% [markdown]
# ## 5.4 The training loop
#
# Training is four lines, again and again: the loss of a batch, the old gradient set to zero, the new gradient with respect to
# each weight, and a small step against it.

# %%
def one_epoch(model, loader, optimizer):
    """Train on each batch once; returns the mean loss of a clip."""
    model.train()
    total = clips = 0
    for x, targets, lengths in loader:
        loss, _ = model(x, targets, lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, clips = total + loss.item() * len(x), clips + len(x)
    return total / clips

# %%
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
first_losses = [one_epoch(model, train_loader, optimizer) for _ in range(3)]
np.round(first_losses, 3)

# %% tags=["remove-input"]
shares = np.bincount(dataset.targets[places]) / len(places)
by_share = -np.sum(shares[shares > 0] * np.log(shares[shares > 0]))
falls = "falls from epoch to epoch" if np.all(np.diff(first_losses) < 0) else "does not fall in each epoch"
say(f"The loss {falls}. Whoever knows how frequent each genre is among these clips, and nothing else, comes to "
    f"{by_share:.2f}. The third epoch is at {first_losses[-1]:.2f}: " + (
        "the network has begun to learn from the music of these clips. Of other clips that says nothing."
        if first_losses[-1] < by_share else "no more than that is learned yet."))

# %% [markdown]
# `model.train()` switches [dropout](../book/glossary.md#dropout) on; before measuring, `model.eval()` switches it off. The mean is
# one over *clips*, not over batches: the last batch may be smaller.
#
# The loop of the lab, `fit` in `labkit/training/loop.py`, is this one, with what a real training needs around it: a
# validation pass after each epoch, the best weights kept, and everything written down so that an interrupted training goes
# on where it was.

# %% [markdown]
# ## 5.5 Too well, on purpose
#
# Before an hour is spent on a training, one question is answered in seconds: *can* this network learn? Three batches alone, and
# no dropout: a network with so many weights should learn every clip by heart. If its loss does not come near 0, however many
# passes it is given, look for the reason first: in the code, in the learning rate, or in what the network is asked to
# remember, as with the long sequences of lesson 2. More data will not mend it.

# %%
from labkit.training import overfit_with_a_couple_of_batches


def without_dropout(model):
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return model


torch.manual_seed(0)
model = without_dropout(LSTMS[FIRST].network(train_loader))
by_heart = overfit_with_a_couple_of_batches(
    model, train_loader, torch.optim.Adam(model.parameters(), lr=3e-3), epochs=60)  # three batches

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.3)
axis.plot(np.arange(1, len(by_heart) + 1), by_heart)
axis.axhline(np.log(len(classes)), color="0.6", linestyle=":")
axis.annotate("all genres alike", (len(by_heart), np.log(len(classes))), ha="right", va="bottom", fontsize=8, color="0.4")
axis.set(xlabel="pass over three batches", ylabel="loss", ylim=(0, None))
plots.show(figure, alt=f"The loss on three batches falls from {by_heart[0]:.2f} to {by_heart[-1]:.3f} in {len(by_heart)} passes.")

# %% tags=["remove-input"]
measured(own, by_heart_loss=by_heart[-1])
verdict = ("The network learned these clips by heart: loss, gradients and optimizer work. Wrong labels it would have learned as well."
           if by_heart[-1] < 0.1 else "That is not near 0 yet: in so few passes this run did not learn them by heart.")
say(f"The loss falls from {by_heart[0]:.2f} to {by_heart[-1]:.3f}. {verdict} It says nothing about other clips.")

# %% [markdown]
# ## 5.6 The kinds of input
#
# The course trains four models: on mel frames, on beat-synchronous mel frames, on chroma, and on both together, *fused*. We
# do the same, as far as the data have these inputs, with one network and one set of settings, so that the input is all that
# differs; chroma and fused are beat-synchronous too. *The report* is the student report of this course that this book was
# made from. Our network is smaller than the one there and learns faster, so that few clips and few epochs will do:

# %% tags=["remove-input"]
settings, parts = LSTMS[FIRST].training(lab.profile), LSTMS[FIRST].network(train_loader).backbone
say("| | the report | here |\n|---|---|---|\n" + "\n".join(f"| {what} | {there} | {here} |" for what, there, here in (
    ("layers, units of each", "2, 128", f"{parts.lstm.num_layers}, {parts.lstm.hidden_size}"),
    ("learning rate of Adam", "0.0001", f"{settings.learning_rate:g} at its highest"),
    ("its schedule", "none named", settings.schedule),
    ("gradient clipping", "none named", f"to a length of {settings.clip_norm:g}" if settings.clip_norm else "none"),
    ("weight decay", "0.001", f"{settings.weight_decay:g}"),
    ("dropout", "0.4", f"{parts.dropout.p:g}"),
    ("clips in a batch", "32", LSTMS[FIRST].batch_size),
    ("epochs", "40", settings.epochs))))

# %% [markdown]
# A [learning rate schedule](../book/glossary.md#learning-rate-schedule) changes the length of the steps on the way, and
# [gradient clipping](../book/glossary.md#gradient-clipping) limits a single one. Both keep the high rate from going astray.
#
# `trained` looks for a training of exactly these clips, settings and code that was done before, and does it if there is
# none.

# %%
from functools import partial

from labkit.training import trained

models, histories, tests = {}, {}, {}
for name in INPUTS:
    recipe = LSTMS[name]
    train, val, tests[name] = lab.loaders(recipe)
    build = partial(recipe.network, train)  # `trained` calls it, once the seed is set
    models[name], history = trained(name, build, train, val, recipe.training(lab.profile))
    print(f"{name:28} kept: epoch {history.best_epoch}, validation loss {min(history.val):.2f}")
    histories[name] = history

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=(len(INPUTS) + 1) // 2, columns=min(2, len(INPUTS)), height=2.4, sharey=True)
for axis, (name, history) in zip(axes.flat, histories.items()):
    plots.learning_curves(axis, history, title=name)
for axis in axes.flat[len(histories):]:
    axis.remove()
plots.show(figure, alt="Learning curves, training and validation loss against the epoch. "
           + " ".join(f"{name}: from {history.train[0]:.2f} to {history.train[-1]:.2f} in training, at best "
                      f"{min(history.val):.2f} in validation." for name, history in histories.items()))

# %% [markdown]
# The training loss is measured while the weights move and dropout is on, the validation loss after the epoch, without
# dropout: early on the validation loss can lie lower for that reason alone. Look at what happens later. The two part where
# a network begins to learn what is true of the training clips alone: it [overfits](../book/glossary.md#overfitting).

# %% tags=["remove-input"]
rises = {name: history.val[-1] - min(history.val) for name, history in histories.items()}
say("From the epoch that is kept to the last one the validation loss rises: "
    + "; ".join(f"{name} by {rise:.2f}" if rise else f"{name} not at all" for name, rise in rises.items())
    + (". That is overfitting, where it is more than the ups and downs of the curve." if any(rises.values()) else "."))

# %% [markdown]
# ## 5.7 The epoch that is kept
#
# Which weights do we take home, the last ones? The validation clips decide: the epoch with the lowest validation loss is
# kept, and its weights are put back at the end. Two mistakes are common here, and both are silent. Whoever saves at the
# end of the training keeps the *last* epoch, whatever the file is called. Whoever chooses by the *test* clips has no test any
# more: of many tries the one that is best on them is, in part, the luckiest, and its score there is too good.
#
# The validation loss is itself measured on few clips, and the best of many epochs is a lucky one among them. So it is used to
# choose, not to report.

# %% [markdown]
# ## 5.8 What they have learned
#
# Now, once, the test clips: no training and no choice of an epoch has met them. Their *albums* may be known, which flatters (lesson 4).

# %%
from labkit.datasets import album_leak
from labkit.evaluation import accuracy, bootstrap, predict

held = tests[FIRST].dataset
known = album_leak([dataset.ids[i] for i in places], held.ids, lab.folder(LSTMS[FIRST]).root)
predicted, scores = {}, {}
for name, model in models.items():
    outputs, truth = predict(model, tests[name])
    predicted[name] = outputs.argmax(axis=1)
    scores[name] = bootstrap(accuracy, predicted[name], truth,
                             groups=tests[name].dataset.groups)

# %% tags=["remove-input"]
measured(own, test_clips_of_known_albums=known)
say(f"Here {known:.0%} of the test clips share an album with a clip of the training part. "
    + ("The scores below are those of music whose albums the networks have met; on new albums expect less." if known > 0.5
       else "A part of the scores below is flattered by that." if known else "These scores are those of new albums."))

# %% [markdown]
# ## 5.9 Is that much?
#
# We compare with two answers that need no network: always the most frequent genre of the training clips, and a linear model
# that sees of each band three numbers, its mean, its deviation and its mean absolute change from frame to frame. Of the order
# it hears this one thing: how much neighbouring frames differ. The bars are 95 % intervals, of how the score would move with
# other such test albums ([bootstrap](../book/glossary.md#bootstrap); lesson 6 explains it).

# %%
from labkit.recipes import linear_model, outlines

frequent = np.bincount(dataset.targets[places]).argmax()
plain = {"linear model": linear_model(train_loader).predict(outlines(held)),
         "always the most frequent": np.full(len(held), frequent)}
for name, answer in plain.items():
    scores[name] = bootstrap(accuracy, answer, held.targets, groups=held.groups)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=3.2)
plots.intervals(axis, scores, label="accuracy on the test clips", spec=".0%")
plots.show(figure, alt="Accuracy of the LSTMs, of a linear model and of the most frequent genre: "
           + "; ".join(f"{name} {score:.0%}" for name, score in scores.items()))
measured(own, **{f"accuracy_{name}".replace(",", "").replace(" ", "_").replace("-", "_"): score.value
                 for name, score in scores.items()})

# %% tags=["remove-input"]
from labkit.evaluation import compare

alike = [name for name in INPUTS if tests[name].dataset.ids == held.ids]  # those with the same test clips
ranked = sorted(alike, key=lambda name: scores[name].value)
line = scores["linear model"]


def better_and_worse(baseline):
    """The networks that are better than it and those that are worse, beyond the noise, compared clip by clip."""
    found = {name: compare(accuracy, predicted[name], plain[baseline], held.targets, groups=held.groups) for name in alike}
    return [[name for name, one in found.items() if one.is_beyond_noise and (one.difference.value > 0) == better]
            for better in (True, False)]


above = better_and_worse("always the most frequent")[0]
beyond, behind = better_and_worse("linear model")
several = len(ranked) > 1
verdicts = [f"{word} than it, beyond the noise: {'; '.join(names)}"
            for word, names in (("better", beyond), ("worse", behind)) if names]
say((f"The best of these networks is **{ranked[-1]}** with {scores[ranked[-1]]:.0%}, the weakest **{ranked[0]}** with "
     f"{scores[ranked[0]]:.0%}. " if several else f"{ranked[0]} has {scores[ranked[0]]:.0%}. ")
    + (f"Better than the most frequent genre by more than the luck of the albums, compared clip by clip: {'; '.join(above)}."
       if above else f"This run cannot tell {'them' if several else 'it'} from the most frequent genre by the accuracy: "
       f"{len(places)} clips are few to learn from, and {len(held)} few to tell by.")
    + f" The linear model has {line:.0%}; "
    + ("; ".join(verdicts) or f"{'no' if several else 'the'} network is {'' if several else 'neither '}better "
       f"{'or' if several else 'nor'} worse than it beyond the noise")
    + (". " if beyond else ". What a network hears beyond those three numbers does not show here. ")
    + ("Whether the differences between the networks are more than noise is the question of the next lesson." if several
       else ""))

# %% [markdown]
# Where a run leaves such a question open, it is short of clips. More of them tell the networks apart, from each other and
# from the most frequent genre: [Networks, measured](../book/trained_networks.md) has the same trainings on more music.

# %% [markdown]
# ## Exercises
#
# A network that reads both ways needs each clip turned round (5.1) and two LSTMs (5.2). Exercise 5.3 decides when a training
# ends. `check`, `hint`, `solution` and `target` work as in
# [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 5.1 · Each clip turned round** (10 minutes).
#
# To read backwards, an LSTM gets the clip from its end to its beginning. In a padded batch `x.flip(1)` would put the padding
# first. Write `turned(x, lengths)` for a batch of clips x frames x features and its true lengths: each clip turned round by itself, the
# padding where it was. The batch that is given stays as it is. torch knows no `[::-1]`, but `.flip(0)`; `row` is a view of `y`,
# so write into it.
#
# *Solved when* batches of clips from 1 to 6 frames come out exactly right. Below, clips that grow louder to their end.

# %%
target("5.1")

# %% tags=["exercise"]
# Exercise 5.1
def turned(x, lengths):
    """Each clip of a batch (B, L, F) turned round, its padding still behind it."""
    y = x.clone()
    for row, clip, length in zip(y, x, lengths):
        row[:length] = clip[:length].flip(0)  # solution
    return y

# %% tags=["check"]
check("5.1")

# %% [markdown]
# **Exercise 5.2 · An LSTM that reads both ways** (10 minutes).
#
# Write `both_ways(forwards, backwards, x, lengths)`. The two networks are `nn.LSTM` of one layer. The first reads each
# clip from its beginning, the second from its end, and each is read out after its last step *within the clip*. Put the two vectors of a clip
# side by side, the forward one first: (B, 2 H). `turned` of 5.1 and `last_of_padded` or `last_of_packed` are all that is needed.
#
# *Solved when* it gives what torch's LSTM with `bidirectional=True` and the same weights gives for packed sequences, to
# 0.00001. Below, in which order each network meets the frames of three clips, and where it is read out.

# %%
target("5.2")

# %% tags=["exercise"]
# Exercise 5.2
def both_ways(forwards, backwards, x, lengths):
    """The last vectors of two LSTMs, the second reading backwards: (B, 2 H)."""
    one = last_of_padded(forwards, x, lengths)  # solution
    # the other one has read the clips from their ends
    other = last_of_padded(backwards, turned(x, lengths), lengths)  # solution
    return torch.cat([one, other], dim=1)

# %% tags=["check"]
check("5.2")

# %% [markdown]
# **Exercise 5.3 · When to stop** (15 minutes).
#
# Early stopping waits: a training ends when `patience` epochs have passed since the epoch with the lowest validation loss so far.
# Write `kept_and_last(losses, patience)`. It gives two numbers, counted from 1: the epoch whose weights are kept, and the last
# epoch that is trained. A loss that only equals the best is no improvement, and losses after the last epoch are never seen:
# `kept_and_last([2.0, 1.5, 1.6, 1.5, 1.7, 1.0], 3)` is `(2, 5)`. There is at least one loss.
#
# *Solved when* it agrees with the lab's `EarlyStopper` on two hundred drawn lists. In the picture `patience` is 4.

# %%
target("5.3")

# %% tags=["exercise"]
# Exercise 5.3
def kept_and_last(losses, patience):
    """The epoch that early stopping keeps and the last that it trains, counted from 1."""
    best, kept = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        # solution: begin
        if loss < best:
            best, kept = loss, epoch
        if epoch - kept >= patience:
            break
        # solution: end
    return kept, epoch

# %% tags=["check"]
check("5.3")

# %% [markdown]
# Once it is correct, `kept_and_last(histories[FIRST].val, patience=3)` says what a patience of three epochs would have kept of
# the training above, and how many epochs it would have saved.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** How many weights has one layer of `nn.LSTM` with 128 features in and 64 units, its biases included?
#
# - a) 12 352
# - b) 49 408
# - c) 49 664
#
# <details><summary>Answer</summary>
#
# **c)** Each of the three gates, and $g$, has one row per unit: 4 x 64 rows, each with a weight for every feature (128) and for every
# unit of the last $h$ (64). torch keeps *two* biases per row, so that 4 x 64 x (128 + 64 + 2) = 49 664. Answer b counts one
# bias, answer a forgets the 4 as well. The number of frames does not occur: all steps share their weights.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** On its first batch, before any step, a classifier of ten genres has a loss of 9, where log 10 = 2.3 was
# expected. What does that say?
#
# - a) The labels are wrong.
# - b) It is very sure of many wrong answers, as with input that is not standardised.
# - c) The learning rate is too high.
#
# <details><summary>Answer</summary>
#
# **b)** A loss of 9 means that the right genre gets, on geometric average, one part in 8000. An untrained network has no reason to
# be so sure; large inputs or large first weights make it so. Labels in a wrong order would leave the first loss near log 10, since nothing is
# known yet, and a learning rate plays no part before the first step.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** After thirty epochs the training loss is 0.2 and falls; the validation loss was lowest, 1.6, at epoch 12 and is now
# 2.3. Which weights do we keep, and what do we report?
#
# - a) those of epoch 30, and the training loss
# - b) those of epoch 12, and its validation loss of 1.6 as what to expect
# - c) those of epoch 12, and a score on test clips that took no part in the choice
#
# <details><summary>Answer</summary>
#
# **c)** From epoch 12 on the network learned what is true of the training clips alone. The 1.6 is the lowest of thirty numbers, and
# was picked for being low: a little of it is luck. Clips that took no part in the choice have no such luck in them.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 3)" is number 3 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **The hidden state goes on** from one batch to the next, as in a public repository that appears to hold the report's code. `nn.LSTM` begins with zeros unless it is handed a state; handed the
#   last one, it reads a clip with the memory of another song (mistake 3; `labkit.faults.StatefulLSTMBackbone` makes it on
#   purpose).
# - **Read-out in the padding.** `steps[:, -1]` is the vector after the padding of all clips but the longest. Take `lengths - 1`.
# - **The last epoch kept** under the name of the best: `if loss < best:` without `best = loss` (mistake 7).
# - **Validation clips trained on**, by a wrong loader or a split that is drawn again in each cell: the validation loss is then too
#   good, and warns of nothing (mistakes 9 and 10).
# - **Decibels as they are.** Numbers between -80 and 0 push the gates fully open or shut, and little is learned (mistake 11).
# - **`model.eval()` forgotten** before measuring: dropout is still on, and the same clip gets another answer each time.
#
# ## Take-away
#
# 1. An LSTM adds to its memory instead of replacing it; gates decide what. Read it out at the clip's own last frame.
# 2. First three batches by heart, then all clips. Look for the reason before you train a network that cannot do the first.
# 3. Validation clips choose the epoch, test clips give the number, and a linear model says what the number is worth.
#
# **Next:** one number for each network hides most of what it does. [Lesson 6](06_evaluation.ipynb) opens it.
