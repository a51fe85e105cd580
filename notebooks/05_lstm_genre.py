# %% [markdown]
# # 5 An LSTM that hears genres
#
# The first network of this book reads a clip from its beginning to its end, frame by frame, and names a genre. It will not be
# the best one. It is the one on which we learn how a network is trained, and how to notice that something is wrong.
#
# **What we do.** We *compute* one step of an LSTM by hand and check it against torch. We *train*: first on three batches,
# on purpose too well, then on all clips, with four kinds of input. We *choose* the epoch that is kept.
#
# **What we need.** Lesson 4, [the dataset](04_dataset.ipynb); about 60 minutes to read and try, a minute or two to run, 1 GB of
# memory.

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
from labkit.recipes import GENRE
from labkit.show import measured, say

lab = open_lab(profile)

# %% tags=["remove-input"]
say(lab.note("genre", "genre_beat", "chroma_beat"))

# %% [markdown]
# A *recipe* says what a network hears, how it is built and how it is trained. All recipes of the book stand in one file,
# `labkit/recipes.py`, so that two lessons mean the same when they say "the LSTM". `lab.loaders` makes the three loaders of a
# recipe: training, validation and test, with whole albums on one side, as lesson 4 asked for.

# %%
INPUTS = ["LSTM, mel", "LSTM, beat-synchronous mel", "LSTM, chroma", "LSTM, mel and chroma"]
BEAT = INPUTS[1]
train_loader, val_loader, test_loader = lab.loaders(GENRE[BEAT])
x, targets, lengths = next(iter(train_loader))
tuple(x.shape), targets[:5], lengths[:5]

# %% [markdown]
# A batch is `(clips, frames, features)`, padded to its longest clip; `lengths` remembers where each clip ends. In a
# beat-synchronous clip, one frame is one beat.

# %% [markdown]
# ## 5.1 One step, by hand
#
# A plain recurrent network keeps a vector $h$, its memory, and mixes it with each new frame. Over many steps what it
# remembers is multiplied again and again by the same matrix, and so is the gradient on its way back: it fades.
# [Lesson 2](02_beat_sync.ipynb) showed it. The **long short-term memory** (LSTM,
# [Hochreiter and Schmidhuber](../book/bibliography.md#hochreiter1997)) adds a second vector, the *cell* $c$, which is
# changed by addition:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# Three **gates** between 0 and 1 decide: $f$ what is kept, $i$ what is written, $o$ what is shown; $g$ is what could be
# written. Each is a linear function of the frame and of the last $h$, bent by a sigmoid, $g$ by a hyperbolic tangent.

# %%
def lstm_step(frame, h, c, lstm):
    """One step of a one-layer nn.LSTM: frame (B, F), h and c (B, H) -> the new h and c."""
    sums = (frame @ lstm.weight_ih_l0.T + lstm.bias_ih_l0
            + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0)  # (B, 4 H), torch's order: i, f, g, o
    i, f, g, o = sums.chunk(4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c

# %%
torch.manual_seed(0)
small = nn.LSTM(x.shape[2], 8, batch_first=True)
standard = (x - x.mean()) / x.std()
h = c = torch.zeros(len(x), 8)
with torch.no_grad():
    for t in range(standard.shape[1]):
        h, c = lstm_step(standard[:, t], h, c, small)
    steps, _ = small(standard)
gap = (steps[:, -1] - h).abs().max()

# %% tags=["remove-input"]
measured(True, lstm_step_gap=float(gap))
say(f"After {x.shape[1]} steps, ours and torch's last vector differ by at most {gap:.0e}: rounding. From here on torch does it.")

# %% [markdown]
# ## 5.2 Where a clip ends
#
# The clips of a batch end at different frames; what follows is padding. The vector we want is the one at each clip's
# **true last frame**. Two ways lead there: *packed* sequences, which skip the padding, as the course has it, or running
# over the padding and looking back. For an LSTM that reads forwards, the padding comes after the frame that is read out,
# so that both must give the same. Which is faster?

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
measured(True, packed_gap=apart, packed_times_padded=ratio)
faster = "The padded way is the faster one here" if ratio > 1.05 else "On this machine the padded way is no faster"
say(f"They differ by at most {apart:.0e}. Forward and back, packed takes {1000 * seconds[last_of_packed]:.0f} ms a batch and "
    f"padded {1000 * seconds[last_of_padded]:.0f} ms. {faster}; at full length, with its 1293 frames, the difference is far "
    "larger ([measured](../book/trained_networks.md)).")

# %% [markdown]
# `LSTMBackbone` is that, with standardisation in front: it makes one vector of each clip. A **head** makes an answer of the
# vector. `Classifier` has one number for each genre, and its loss is the [cross-entropy](../book/glossary.md): minus the
# logarithm of the probability that the network gives the right genre.

# %%
from labkit.datasets import Standardise
from labkit.models import Classifier, LSTMBackbone

dataset, places = train_loader.dataset.dataset, train_loader.dataset.indices
classes = dataset.label_transformer.classes_
torch.manual_seed(0)
backbone = LSTMBackbone(dataset.feature_rows, rnn_size=64, dropout=0.3,
                        standardise=Standardise.fit(dataset, places))
model = Classifier(backbone, len(classes))
loss, output = model(x, targets, lengths)
print(model)
print(f"loss {loss.item():.2f}, output {tuple(output.shape)}")

# %% [markdown]
# `recipe.network(train_loader)` builds the same, and from here on we let it.

# %% tags=["remove-input"]
say(f"An untrained network knows nothing. One that gives each of {len(classes)} genres the same probability has a loss of "
    f"log {len(classes)} = {np.log(len(classes)):.2f}; ours begins at {loss.item():.2f}. A first loss far from that is the first thing "
    "to look into.")

# %% [markdown]
# ## 5.3 The training loop
#
# Training is four lines, again and again: the loss of a batch, its gradient with respect to each weight, a small step
# against the gradient, and the gradient set to zero for the next batch.

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


optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
[round(one_epoch(model, train_loader, optimizer), 3) for _ in range(3)]

# %% [markdown]
# `model.train()` switches [dropout](../book/glossary.md) on; before measuring, `model.eval()` switches it off. The mean is
# one over *clips*, not over batches: the last batch may be smaller.
#
# The loop of the lab, `fit` in `labkit/training/loop.py`, is this one, with what a real training needs around it: a
# validation pass after each epoch, the best weights kept, and everything written down so that an interrupted training goes
# on where it was.

# %% [markdown]
# ## 5.4 Too well, on purpose
#
# Before an hour is spent on a training, one question is answered in seconds: *can* this network learn? On three batches
# alone it must be able to learn every clip by heart. If its loss does not go to 0 there, the fault is in the code.

# %%
from labkit.training import overfit_with_a_couple_of_batches


def without_dropout(model):
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return model


torch.manual_seed(0)
model = without_dropout(GENRE[BEAT].network(train_loader))
by_heart = overfit_with_a_couple_of_batches(
    model, train_loader, torch.optim.Adam(model.parameters(), lr=3e-3), epochs=60)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.3)
axis.plot(np.arange(1, len(by_heart) + 1), by_heart)
axis.axhline(np.log(len(classes)), color="0.6", linestyle=":")
axis.annotate("all genres alike", (len(by_heart), np.log(len(classes))), ha="right", va="bottom", fontsize=8, color="0.4")
axis.set(xlabel="pass over three batches", ylabel="loss", ylim=(0, None))
plots.show(figure, alt=f"The loss on three batches falls from {by_heart[0]:.2f} to {by_heart[-1]:.3f} in {len(by_heart)} passes.")

# %% tags=["remove-input"]
measured(True, by_heart_loss=by_heart[-1])
verdict = ("The network learned these clips by heart: data, labels, loss and gradients fit together."
           if by_heart[-1] < 0.1 else "That is not near 0 yet: in so few passes this run did not learn them by heart.")
say(f"The loss falls from {by_heart[0]:.2f} to {by_heart[-1]:.3f}. {verdict} It says nothing about other clips.")

# %% [markdown]
# ## 5.5 Four inputs
#
# The course trains four models: on mel frames, on beat-synchronous mel frames, on chroma, and on both together, *fused*. We
# do the same with one recipe, so that the input is all that differs. `trained` looks for a training of exactly these
# clips, settings and code that was done before, and does it if there is none.

# %%
from functools import partial

from labkit.training import trained

models, histories, tests = {}, {}, {}
for name in INPUTS:
    recipe = GENRE[name]
    train, val, tests[name] = lab.loaders(recipe)
    models[name], histories[name] = trained(
        name, partial(recipe.network, train), train, val, recipe.training(lab.profile))
    print(f"{name:28} {histories[name].train[-1]:.2f} training loss in the last epoch")

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, columns=2, height=2.4, sharey=True)
for axis, (name, history) in zip(axes.flat, histories.items()):
    plots.learning_curves(axis, history, title=name)
plots.show(figure, alt="Learning curves of four LSTMs, training and validation loss against the epoch. "
           + " ".join(f"{name}: from {history.train[0]:.2f} to {history.train[-1]:.2f} in training, at best "
                      f"{min(history.val):.2f} in validation." for name, history in histories.items()))

# %% [markdown]
# The training loss is measured while the weights move and dropout is on, the validation loss after the epoch, without
# dropout: early on the validation loss can lie lower for that reason alone. Look at what happens later. The two part where
# a network begins to learn what is true of the training clips alone: it [overfits](../book/glossary.md#overfitting).

# %% tags=["remove-input"]
for name, history in histories.items():
    last, best = history.val[-1], min(history.val)
    behind = "no epoch was better than the last one" if last == best else \
        f"epoch {history.best_epoch} was the best with {best:.2f}, after the last one it is {last:.2f}"
    say(f"- **{name}**: {len(history.val)} epochs; {behind}.")

# %% [markdown]
# ## 5.6 The epoch that is kept
#
# Which weights do we take home, the last ones? The validation clips decide: the epoch with the lowest validation loss is
# kept, and its weights are put back at the end. Two mistakes are common here, and both are silent. Whoever saves at the
# end of the training keeps the *last* epoch, whatever the file is called. Whoever chooses by the *test* clips has no test any
# more: the best of many tries on them is too good.
#
# The validation loss is itself measured on few clips, and the best of many epochs is a lucky one among them. So it is used to
# choose, not to report.

# %% [markdown]
# ## 5.7 What they have learned
#
# Now, once, the test clips: other albums, never seen. We compare with two answers that need no network: always the most
# frequent genre, and a linear model that sees each band's mean, its deviation and its mean change from frame to frame. The
# bars are 95 % intervals of what other test albums would have given ([bootstrap](../book/glossary.md)).

# %%
from labkit.evaluation import accuracy, bootstrap, predict

predicted, scores = {}, {}
for name, model in models.items():
    outputs, truth = predict(model, tests[name])
    predicted[name] = outputs.argmax(axis=1)
    scores[name] = bootstrap(accuracy, predicted[name], truth, groups=tests[name].dataset.groups)

# %% tags=["hide-input"]
dataset = train_loader.dataset.dataset
frequent = np.bincount(dataset.targets, minlength=len(classes)).argmax()
scores["always the most frequent"] = bootstrap(accuracy, np.full(len(truth), frequent), truth,
                                               groups=tests[BEAT].dataset.groups)
figure, (axis,) = plots.figure(height=2.8)
plots.intervals(axis, scores, label="accuracy on the test clips", spec=".0%")
plots.show(figure, alt="Accuracy of four LSTMs and of the most frequent genre: "
           + "; ".join(f"{name} {score:.0%}" for name, score in scores.items()))
measured(True, **{f"accuracy_{name}".replace(",", "").replace(" ", "_"): score.value for name, score in scores.items()})

# %% tags=["remove-input"]
best, worst = (choose(INPUTS, key=lambda name: scores[name].value) for choose in (max, min))
chance = scores["always the most frequent"]
above = [name for name in INPUTS if scores[name].low > chance.high]
say(f"The best of the four is **{best}** with {scores[best]:.0%}, the weakest **{worst}** with {scores[worst]:.0%}. "
    + (f"Clear of the most frequent genre, interval from interval: {', '.join(above)}." if above else
       "None of them is clear of the most frequent genre: with so few clips and epochs this run cannot tell.")
    + " Whether the differences between the four are more than noise is the question of the next lesson.")
