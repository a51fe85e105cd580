# %% [markdown]
# # 8 The mood of a song
#
# Until now a network chose one of ten words. Now it gives a number: how glad, how intense, how danceable a piece is.
# The network hardly changes. What changes is the loss, the score, and what a label means; and with few labelled
# clips it becomes hard to say whether anything was learned at all.
#
# **What we do.** We *train* an LSTM and a CNN for each of three moods, and let each labelled clip be a test clip
# once. We *score* them by the order into which they put the clips, and find out what that hides. We *break* a
# training by one pair of brackets, to know the mistake when we meet it.
#
# **What we need.** Lesson 6, [evaluation](06_evaluation.ipynb), and lesson 7b, [the CNN](07b_cnn_genre.ipynb); about
# 60 minutes and 35 for the exercises, 1.5 GB of memory, and a minute to run at the profile `ci`, much longer at the
# larger ones.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from labkit import plots
from labkit.datasets import AFFECT
from labkit.lab import open_lab
from labkit.recipes import MOOD
from labkit.show import measured, say

opened = open_lab(profile)
lab, KINDS, note = opened.serving(MOOD)

# %%
folds = {kind: lab.folds(MOOD[kind]) for kind in KINDS}  # section 8.2 says what they are
heard = KINDS[-1]
dataset = folds[heard][0][0].dataset.dataset             # all clips that have labels
truth, groups = dataset.targets.numpy(), dataset.groups
print(AFFECT, truth.shape)

# %% tags=["remove-input"]
own, composed = lab is opened, lab.root is None
KINDS = [kind for kind in KINDS if folds[kind][0][0].dataset.dataset.ids == dataset.ids]  # answers for the same clips
clips, several = len(truth), len(KINDS) > 1
say(f"{note} {clips} of its clips have labels of mood; they are of {len(set(groups))} albums.")

# %% [markdown]
# ## 8.1 Three numbers, and what they are not
#
# - [Valence](../book/glossary.md#valence): how glad a piece sounds, from 0 (sad) to 1 (glad).
# - [Energy](../book/glossary.md#energy): how intense it sounds, from 0 (calm) to 1.
# - [Danceability](../book/glossary.md#danceability): how well one can dance to it, from 0 to 1.
#
# [Russell](../book/bibliography.md#russell1980) arranges the words for feelings in a circle with two axes:
# *valence*, from unpleasant to pleasant, and *arousal*, from sleepy to excited. Anger and joy differ in valence, joy
# and calm in arousal. Our valence has its name from there. Energy is a relative of arousal, taken from the sound
# alone. Danceability is no emotion at all; the course asks for it because it comes with the other two.
#
# In the course's data nobody was asked about these clips. A program of the company Echo Nest computed the three
# numbers from the sound. Of its valence the company [wrote](../book/bibliography.md#vanbuskirk2013) that a music
# expert sorted some sample songs and a program extended the rule to all others. Spotify, which bought the company,
# [describes](../book/bibliography.md#spotify2014) energy by loudness, timbre and the rate of onsets, danceability by
# tempo and by the steadiness and strength of the beat. We know of no more: neither who the expert was nor how well
# the program agreed with anybody. So a label is *a machine's guess at a judgement of a sound*. It is not a
# measurement of a feeling, and no answer to what you feel when you hear the piece: words, memories and the day are
# not in it. A network that predicts it well has learned to imitate another program. That is worth doing, as an
# exercise and for sorting a shelf; it is not "extracting emotion".
#
# In the composed corpus of this book the labels are a rule that everybody can read,
# [`labkit/corpus/affect.py`](../book/composed_music.md): weighted sums of tempo, loudness, mode and five other
# properties of the piece, beside those of other pieces of its genre, plus a noise that stands for listeners who
# disagree. The noise sets a [ceiling](../book/glossary.md#noise-ceiling): whoever knew the whole rule and every
# score would still miss the noise.
#
# Below, the labels that we have: how they are distributed, and what two of them have to do with each other. Which
# axis uses its range least? Are the three one and the same thing?

# %% tags=["hide-input"]
from itertools import combinations

from labkit.evaluation import bootstrap, mean_spearman

pairs = list(combinations(range(3), 2))
related = {pair: bootstrap(mean_spearman, truth[:, pair[0]], truth[:, pair[1]], groups=groups) for pair in pairs}
figure, axes = plots.figure(rows=2, columns=3, height=1.95)
for axis, values, name in zip(axes[0], truth.T, AFFECT):
    axis.hist(values, bins=np.linspace(0, 1, 11), color=plots.COLOURS[0], edgecolor="white")
    axis.set(xlabel=name, xlim=(0, 1))
for axis, (one, other) in zip(axes[1], pairs):
    axis.plot(truth[:, one], truth[:, other], ".", color=plots.COLOURS[0], markersize=4)
    axis.set(xlabel=AFFECT[one], ylabel=AFFECT[other], xlim=(0, 1), ylim=(0, 1))
axes[0, 0].set(ylabel="clips")
plots.show(figure, alt="Above, histograms of the labels of " + "; ".join(
    f"{name}, from {values.min():.2f} to {values.max():.2f}, mean {values.mean():.2f}"
    for name, values in zip(AFFECT, truth.T)) + ". Below, each pair of them as a cloud of points.")

# %% tags=["remove-input"]
spread = truth.std(axis=0)
named = {f"{AFFECT[one]} and {AFFECT[other]}": found for (one, other), found in related.items()}
strict = len(set(groups)) >= 10  # fewer albums decide nothing
tied = [pair for pair, found in named.items() if strict and (found.low > 0 or found.high < 0)]
measured(own, **{f"{AFFECT[one]}_with_{AFFECT[other]}": found.value for (one, other), found in related.items()})
say(f"The spread, as standard deviation, is {', '.join(f'{one:.2f} for {name}' for name, one in zip(AFFECT, spread))}. "
    f"**{AFFECT[spread.argmin()]}** uses the range least. The Spearman correlations of the pairs, which section 8.4 "
    "explains, with 95 % intervals over albums: " + "; ".join(f"{pair} {found:.2f}" for pair, found in named.items())
    + ". " + (f"Beyond the noise: {'; '.join(tied)}. So the axes are not independent: what a network learns of one "
              "may serve another, which is the idea of lesson 9b." if tied else
              "None of them is beyond the noise with so few albums."))

# %% tags=["hide-input"]
from labkit.corpus import noise_ceiling, read_clips

if composed:
    known = set(dataset.ids)
    ceiling = noise_ceiling(clip.piece() for clip in read_clips(lab.composed) if str(clip.id) in known)
    measured(own, **{f"ceiling_{name}": getattr(ceiling, name) for name in AFFECT})
    say("The ceiling of these clips, as a Spearman correlation of the labels with and without the noise: "
        + ", ".join(f"{getattr(ceiling, name):.2f} for {name}" for name in AFFECT) + ". What a network lacks to that, "
        "it has not learned; the noise is not to blame.")
else:
    say("For these data no ceiling is known: nobody has said how far two judgements of the same piece would differ.")

# %% [markdown]
# ## 8.2 Each clip held out once
#
# Genre came with a labelled test part. Mood does not: the labels of the course's 375 test clips are kept by the
# competition. So a part of our labelled clips has to play the test. If we set aside a quarter, the network learns
# from few clips and the score hangs on still fewer. [Cross-validation](../book/glossary.md)
# ([Stone](../book/bibliography.md#stone1974)) uses the clips better. They are parted into four *folds*. One fold is
# held out, a network is trained on the other three; then the next fold is held out, and another network is trained.
# After four trainings each clip has an answer from a network that has never met it.
#
# As in lesson 4, an album is never divided. Nor may the held-out fold choose the epoch, else it would be chosen by
# the clips that score it. So each network sets aside some of its own albums for validation.

# %%
for number, (train, val, held) in enumerate(folds[heard], start=1):
    sizes = [len(loader.dataset) for loader in (train, val, held)]
    print(f"fold {number}: {sizes[0]} clips to learn from, {sizes[1]} to choose the epoch, "
          f"{sizes[2]} held out")

# %% tags=["hide-input"]
from matplotlib.colors import ListedColormap

by_album = np.argsort(np.unique(groups, return_inverse=True)[1], kind="stable")
picture = np.zeros((len(folds[heard]), clips))
for row, (_, val, held) in zip(picture, folds[heard]):
    row[val.dataset.indices], row[held.dataset.indices] = 1, 2
figure, (axis,) = plots.figure(height=1.9)
shades = ListedColormap(["0.88", plots.COLOURS[5], plots.COLOURS[1]])
axis.imshow(picture[:, by_album], aspect="auto", cmap=shades, vmin=0, vmax=2, interpolation="nearest")
edges = np.flatnonzero(np.diff(np.unique(groups, return_inverse=True)[1][by_album])) + 0.5
if len(edges) < 100:
    axis.vlines(edges, -0.5, len(picture) - 0.5, color="white", linewidth=0.7)
axis.hlines(np.arange(1, len(picture)) - 0.5, -0.5, clips - 0.5, color="white", linewidth=3)
for colour, word in zip(shades.colors, ("learned from", "validation", "held out")):
    axis.plot([], [], "s", color=colour, label=word)
axis.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
axis.set(xlabel="labelled clip, sorted by album", ylabel="fold", yticks=range(len(picture)))
axis.set_yticklabels(range(1, len(picture) + 1))
plots.show(figure, alt=f"A row for each of {len(picture)} folds, {clips} clips sorted by album along it. In each "
           "column exactly one row is marked as held out; validation clips are others. Albums are never divided.")

# %% [markdown]
# Read the picture down a column: each clip is held out exactly once. Read it along a row: that is one training.
#
# This is not free. There are four trainings instead of one. Each network learns from fewer clips than one that would
# get all, so the score is that of a slightly weaker network. It is the score of a *way to train*, not of one
# network: there are four, which share most of their clips. And we will rank the answers of four networks in one
# list, although each has its own idea of the middle; section 8.6 measures what that costs.

# %% [markdown]
# ## 8.3 The loss, and the mistake of one bracket
#
# A `Regressor` is the backbone of a classifier with another head: a linear layer with *one* output, and nothing
# behind it. Its loss is the [mean squared error](../book/glossary.md#mean-squared-error) (MSE) of the
# predictions $p$ and the labels $t$ of $B$ clips:
#
# $$\frac1B \sum_i (p_i - t_i)^2$$
#
# Whoever always answers the mean of the labels has the variance of the labels as MSE. That is the mark to beat.
#
# Now the most frequent mistake of this exercise. A linear layer gives a *column*, (B, 1). The labels are a *list*,
# (B,). Three answers, all of them exactly right:

# %%
from textwrap import fill
from warnings import catch_warnings, simplefilter

output = torch.tensor([[0.2], [0.5], [0.9]])  # (3, 1), as a linear layer gives it
targets = torch.tensor([0.2, 0.5, 0.9])       # (3,), as a loader gives them
with catch_warnings(record=True) as warned:
    simplefilter("always")
    wrong = functional.mse_loss(output, targets)
right = functional.mse_loss(output[:, 0], targets)
print(f"as they are: {wrong:.3f}   the column taken out: {right:.3f}\n")
print(output - targets, "\n")
print(fill(f"{warned[0].category.__name__}: {warned[0].message}", 88))

# %% [markdown]
# The subtraction [broadcasts](../book/glossary.md#broadcasting): the column and the list are stretched to a square,
# and each answer is compared with *every* label of the batch. A few lines of algebra show what that asks for:
#
# $$\frac{1}{B^2} \sum_{i, j} (p_i - t_j)^2 = \frac1B \sum_i (p_i - \bar t\,)^2 + \mathrm{var}(t)$$
#
# Every answer is drawn to the mean $\bar t$ of its batch, and below the variance the loss cannot fall. The clip's
# own label is still in that mean, with a weight of $1 / B$: a whisper in the crowd. There is no error, only a
# warning, printed once among other lines.
#
# We train the same small network twice, a hidden layer over the outlines of lesson 5 (mean, deviation and change of
# each band). The only difference is `[:, 0]`. It is scored on its *own training clips*, which it should know by
# heart: as in lesson 5, a network that cannot learn those has something wrong with it.

# %% tags=["hide-input"]
from labkit.recipes import outlines

train, _, held = lab.folds(MOOD[heard], "energy")[0]
raw, other = outlines(train.dataset), outlines(held.dataset)
outline, other_outline = (torch.tensor((one - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-6), dtype=torch.float32)
                          for one in (raw, other))
energy, other_energy = (dataset.targets[part.dataset.indices, 1] for part in (train, held))

# %%
def small_network(take_column):
    """A network with one hidden layer, trained on the outlines of the training clips."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(outline.shape[1], 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
    for _ in range(200):
        for rows in torch.randperm(len(outline)).split(32):
            output = net(outline[rows])
            output = output[:, 0] if take_column else output  # the only difference
            loss = functional.mse_loss(output, energy[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net

# %%
with catch_warnings():
    simplefilter("ignore")  # as one who reads no warnings would
    networks = {"(B, 1) against (B,)": small_network(False),
                "(B,) against (B,)": small_network(True)}
with torch.inference_mode():
    learned = [net(outline)[:, 0].numpy() for net in networks.values()]
    new = [net(other_outline)[:, 0].numpy() for net in networks.values()]

# %% tags=["hide-input"]
label = energy.numpy()
figure, axes = plots.figure(columns=2, height=2.9, sharex=True, sharey=True)
for axis, shape, answer, colour in zip(axes[0], networks, learned, (plots.COLOURS[1], plots.COLOURS[0])):
    axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.9)
    axis.axhline(label.mean(), color="0.4", linewidth=0.9, linestyle=":")
    axis.plot(label, answer, "o", color=colour, markersize=3.5, alpha=0.8)
    axis.set(xlabel="energy, label", title=f"loss of {shape}", xlim=(-0.03, 1.03))
axes[0, 0].set(ylabel="energy, predicted")
axes[0, 1].annotate("mean of the labels", (1, label.mean()), xytext=(0, -10), textcoords="offset points", ha="right",
                    fontsize=8, color="0.3")
spreads = [float(answer.std()) for answer in learned]
orders = [mean_spearman(answer, label) for answer in learned]
fresh = [mean_spearman(answer, other_energy.numpy()) for answer in new]
plots.show(figure, alt=f"Predicted against true energy of {len(label)} training clips, twice. On the left, trained "
           f"with the wrong shape, the points spread by {spreads[0]:.2f} about the mean of the labels; on the right, "
           f"with the right one, by {spreads[1]:.2f}, near the diagonal as far as the network has learned them.")

# %% tags=["remove-input"]
measured(own, broadcast_spread=spreads[0], right_spread=spreads[1], broadcast_spearman=orders[0],
         right_spearman=orders[1])
collapsed = spreads[0] < 0.5 * spreads[1]
say(f"The labels spread by {label.std():.2f}. Trained with the right shape, the answers spread by {spreads[1]:.2f} and "
    f"have a Spearman correlation of **{orders[1]:.2f}** with the labels. With the wrong shape they spread by "
    f"{spreads[0]:.2g}, and the correlation is **{orders[0]:z.2f}**"
    + (", on clips that the network was *trained on*. That is the collapse to the mean: the same layers, clips and "
       "optimizer, and answers that hardly differ from clip to clip. " if collapsed else
       "; in this run the collapse is not complete. ")
    + (f"What order is left lies in differences of the size of {spreads[0]:.2g}. " if orders[0] > 0.2 else "")
    + f"On the {len(other_energy)} held-out clips the correlations are {fresh[1]:z.2f} and {fresh[0]:z.2f}. A low "
    "score there may also come from a hard task; on the training clips there is no such excuse. More epochs, more "
    "clips or a larger network do not mend it.")

# %% [markdown]
# How to notice it: the loss stands at the variance of the labels, and all predictions look alike. So print a few of
# them before you believe a score. The heads of this lab do not let it happen:

# %%
from labkit.models import ModelError

head = MOOD[heard].network(train)
try:
    head.loss(output, targets)
except ModelError as error:
    print(fill(str(error), 88))

# %% [markdown]
# `labkit.faults.BroadcastRegressor` makes the mistake on purpose, for a whole LSTM or CNN.

# %% [markdown]
# ## 8.4 A score that sees the order alone
#
# A mean squared error of 0.05: is that good? It depends on how far the labels spread, and this differs between the
# three axes. The course scores by [Spearman's correlation](../book/glossary.md#Spearman-correlation)
# ([Spearman](../book/bibliography.md#spearman1904)): replace each number by its *rank*, 1 for the smallest; then
# take Pearson's correlation of the ranks. It is 1 when the predictions put all clips into the order of the labels,
# -1 for the reverse order, about 0 when the two orders have nothing to do with each other. Without equal numbers it
# can be written with the differences $d_i$ of the ranks:
#
# $$\rho = 1 - \frac{6 \sum_i d_i^2}{n (n^2 - 1)}$$
#
# With equal numbers, *ties*, each gets the mean of the ranks that they share, and the formula with $d_i$ no longer
# holds; Pearson's correlation of the ranks does. Five clips and six sets of answers. Before you read the table:
# which has the lowest error, which the best order?

# %%
from labkit.evaluation import spearman

five = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
answers = {"exact": five, "much too high": 0.75 + 0.2 * five, "bent: fourth power": five ** 4,
           "neighbours exchanged": five[[1, 0, 3, 2, 4]], "upside down": 1 - five,
           "always the mean": np.full(5, five.mean())}
print(f"{'':22}  MSE   Pearson  Spearman")
for name, answer in answers.items():
    error, order = np.mean((answer - five) ** 2), spearman(answer, five).mean
    with np.errstate(invalid="ignore"):  # 0 / 0 where all answers are alike
        straight = np.corrcoef(answer, five)[0, 1]
    print(f"{name:22} {error:.3f}  {straight:6.2f}  {order:8.2f}")

# %% [markdown]
# "Neighbours exchanged" has a far lower error than "much too high", and the *worse* order: the lower MSE has the
# lower Spearman. Bent by its fourth power, or by any other function that strictly increases, an answer keeps its
# Spearman correlation to the last digit; Pearson's drops, since it looks for a straight line. Where all answers are
# alike there is no order, and the correlation is not a number (`nan`), neither 0 nor 1.
#
# Why score like that? The labels have no unit. That 0.8 is twice as glad as 0.4 means nothing; that one piece is
# gladder than another does, and it is what a playlist needs. The axes become comparable whatever their spread, so
# that their mean makes sense: it is the score of the competition. And one odd label cannot spoil all. The price: a
# network whose every number is wrong can score 1. Who needs the numbers themselves has to look at the error too.
#
# Then why not train for it? Ranks move in jumps: a small change of a weight leaves all ranks as they were, so that
# the [gradient](../book/glossary.md#gradient) is 0. We train with the MSE and score by Spearman. They are two
# questions, and section 8.6 shows where they disagree.
#
# **How far does luck go?** If predictions have nothing to do with the labels, and $n$ clips are independent, $\rho$
# has a mean of 0 and a standard deviation of exactly $1 / \sqrt{n - 1}$. We check that by shuffling our labels.

# %%
rng = np.random.default_rng(0)
shuffled = [mean_spearman(rng.permutation(truth[:, 1]), truth[:, 1]) for _ in range(1000)]
print(f"{len(truth)} clips: shuffled labels spread by {np.std(shuffled):.3f}, "
      f"1 / sqrt(n - 1) is {1 / np.sqrt(len(truth) - 1):.3f}")

# %% tags=["remove-input"]
one_fold = len(folds[heard][0][2].dataset)
say(f"So a correlation of up to about {2 / np.sqrt(clips - 1):.2f}, twice that, on {clips} clips can be luck alone; on "
    f"the {one_fold} clips of one fold up to {min(1, 2 / np.sqrt(one_fold - 1)):.2f}. This is the reason for the four "
    "folds. Clips of one album resemble each other, so that luck goes a little farther; the intervals below draw "
    "albums.")

# %% [markdown]
# ## 8.5 One network for each mood
#
# The networks are those of lessons 5 and 7b, the LSTM on beat-synchronous frames and the CNN on all frames, with
# their settings; only the head is new. As in the report there is one network for each axis, and here one for each
# fold. `cross_validated` trains them, or finds them, and puts the held-out answers into the order of the clips.
# Lesson 9b will ask whether one network could do all three.

# %%
from labkit.training import cross_validated

predicted, runs = {}, {}
for kind in KINDS:
    recipe = MOOD[kind]
    for axis in AFFECT:
        runs[kind, axis] = cross_validated(f"{kind}, {axis}", lab.folds(recipe, axis),
                                           recipe.network, recipe.training(lab.profile))
    predicted[kind] = np.stack([runs[kind, axis].predicted for axis in AFFECT], axis=1)

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=len(KINDS), columns=3, height=2.0, sharex=True, sharey="col")
lowest = {}
for row, kind in zip(axes, KINDS):
    for panel, name, values in zip(row, AFFECT, truth.T):
        losses = {word: np.array([getattr(one, part) for one in runs[kind, name].histories])
                  for word, part in (("training", "train"), ("validation", "val"))}
        epochs, always = np.arange(1, losses["training"].shape[1] + 1), values.var()
        panel.plot(epochs, losses["validation"].T, color=plots.COLOURS[1], linewidth=0.6, alpha=0.5)
        for (word, found), colour, line in zip(losses.items(), plots.COLOURS, ("-", "--")):
            panel.plot(epochs, found.mean(axis=0), line, color=colour, marker="o" if len(epochs) < 10 else None,
                       markersize=3, label=word)
        panel.axhline(always, color="0.3", linewidth=0.9, linestyle=":", label="always the mean")
        panel.set(title=f"{kind}, {name}", ylim=(0, 3 * always))
        panel.xaxis.set_major_locator(plots.MaxNLocator(nbins=6, integer=True))
        lowest[kind, name] = losses["validation"].min(axis=1).mean() / always
    row[0].set(ylabel="mean squared error")
for panel in axes[-1]:
    panel.set(xlabel="epoch")
axes[0, 0].legend(fontsize=7)
plots.show(figure, alt="Learning curves, the mean of four folds in training and validation, and the validation of each "
           "fold as a thin line. The lowest validation loss, as a share of the variance of the labels: "
           + "; ".join(f"{kind}, {name} {share:.2f}" for (kind, name), share in lowest.items()) + ".")

# %% [markdown]
# Thick lines are the means of the four folds, thin ones the validation of each. The dotted line is the variance of
# the labels, what always answering the mean would get; what lies above three times it is not drawn. Where the solid
# line falls and the dashed one does not, the network learns its clips by heart.

# %% tags=["remove-input"]
below = [f"{kind}, {name}" for (kind, name), share in lowest.items() if share < 1]
steps = len(next(iter(runs.values())).histories[0].train)
say(f"{len(runs) * len(folds[heard])} networks were trained, for {steps} epoch{'s' if steps > 1 else ''} each. "
    "At their best epoch, in the mean of the folds, the validation losses lie below the dotted line for "
    + (f"{len(below)} of {len(runs)}: {'; '.join(below)}. " if below else "none of them. ")
    + "That lowest loss was picked for being low, so it flatters a little. The held-out clips decide.")

# %% [markdown]
# ## 8.6 What they are worth
#
# Beside the networks stands the linear model of lesson 5, here a regression with a penalty on large weights
# (*ridge*), in the same folds. It hears the mean, the deviation and the change of each band and nothing else. The
# intervals draw whole albums.

# %%
from labkit.evaluation import compare
from labkit.recipes import linear_predictions

predicted["linear model"] = linear_predictions(folds[heard])
scores = {}
for name, answer in predicted.items():
    for place, axis in enumerate(AFFECT):
        scores[name, axis] = bootstrap(mean_spearman, answer[:, place], truth[:, place],
                                       groups=groups)
    scores[name, "mean"] = bootstrap(mean_spearman, answer, truth, groups=groups)

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, columns=2, height=1.2 + 0.28 * len(predicted), sharex=True, sharey=True)
for panel, column in zip(axes.flat, (*AFFECT, "mean")):
    plots.intervals(panel, {name: scores[name, column] for name in predicted}, title=column, spec=".2f",
                    label="Spearman, held-out clips" if column in ("danceability", "mean") else "")
    panel.axvline(0, color="0.5", linewidth=1)
plots.show(figure, alt="Spearman correlation of held-out clips with 95 % intervals. " + " ".join(
    f"{column}: " + "; ".join(f"{name} {scores[name, column]:.2f}" for name in predicted) + "."
    for column in (*AFFECT, "mean")))
measured(own, **{f"spearman_{name}_{column}".replace(" ", "_"): score.value
                 for (name, column), score in scores.items()})

# %% tags=["remove-input"]
versus = {pair: compare(mean_spearman, predicted[pair[0]], predicted[pair[1]], truth, groups=groups)
          for pair in combinations(predicted, 2)}
lines = []
for kind in KINDS:
    found = versus[kind, "linear model"]
    more = found.difference.value > 0
    lines.append(f"- **{kind}** against the linear model, mean of the three: {found.first.value:z.2f} against "
                 f"{found.second.value:z.2f}, a difference of {found.difference:.2f}: "
                 + (f"the {'network' if more else 'linear model'} is better, beyond the noise."
                    if found.is_beyond_noise else
                    f"inside the noise, with the {'network' if more else 'linear model'} ahead."))
if several:
    found = versus[KINDS[0], KINDS[1]]
    lines.append(f"- **{KINDS[0]}** against **{KINDS[1]}**: a difference of {found.difference:.2f}, "
                 + ("beyond the noise." if found.is_beyond_noise else
                    "inside the noise: which of the two serves mood better, these clips do not tell."))
say("\n".join(lines))

# %% tags=["remove-input"]
lost = [kind for kind in KINDS if versus[kind, "linear model"].difference.value < 0]
clearly = [kind for kind in lost if versus[kind, "linear model"].is_beyond_noise]
numbers = 3 * dataset.feature_rows
say((f"To say it plainly: on these clips the {' and the '.join(lost)} {'are' if len(lost) > 1 else 'is'} *behind* a "
     f"linear model of {numbers} numbers a clip, "
     + (f"{'and' if clearly == lost else 'in part'} by more than luck. " if clearly else
        "though by no more than luck may do. ")
     + f"With about {len(train.dataset)} clips to learn from, that is no surprise: a network has to find out what to "
     "listen for, the linear model is told. Where such a reference is missing, it stays open what a network has "
     "learned. " if lost else
     f"Here the {' and the '.join(KINDS)} {'are' if several else 'is'} ahead of a linear model of {numbers} numbers a "
     "clip, which is the least to ask. ")
    + "Transfer (lesson 9a) and several tasks at once (lesson 9b) are ways to bring in what so few labels cannot "
    "teach.")

# %% [markdown]
# Which axis is the hardest? We take the model with the best mean and compare its axes on the same draws of albums.

# %% tags=["remove-input"]
from labkit.evaluation import resampled

leader = max(predicted, key=lambda name: scores[name, "mean"].value)
drawn = [resampled(mean_spearman, predicted[leader][:, place], truth[:, place], groups=groups) for place in range(3)]
ranked = sorted(range(3), key=lambda place: scores[leader, AFFECT[place]].value)
gaps = {}
for place in ranked[1:]:
    low, high = np.nanquantile(drawn[place] - drawn[ranked[0]], [0.025, 0.975])
    gaps[AFFECT[place]] = (low, high, strict and low > 0)
hard = AFFECT[ranked[0]]
clear = [name for name, (_, _, is_clear) in gaps.items() if is_clear]
rows = ", ".join(f"{AFFECT[place]} {scores[leader, AFFECT[place]].value:z.2f}" for place in ranked)
ahead = "; ".join(f"{name} is ahead of it by {low:z.2f} to {high:z.2f}" for name, (low, high, _) in gaps.items())
say(f"For the {leader} the order is {rows}: **{hard}** is the hardest. {ahead[0].upper()}{ahead[1:]}"
    + (f", beyond the noise for {' and '.join(clear)}. " if clear else ", all inside the noise. ")
    + ("In the course's data, too, it is valence" if hard == "valence" else "In the course's data it is valence")
    + ", for every network of the report. " + ("One would expect otherwise: l" if hard == "energy" else "L")
    + "oudness and density, which go with energy, lie open in a spectrogram; mode and the regularity of a beat have to "
    "be put together from many bands and frames.")

# %% [markdown]
# Now the other score of the same answers. The mean squared error is given as a share of the variance of the labels:
# 1 is what always answering the mean would get, more than 1 is worse than that.

# %% tags=["remove-input"]
errors = {(name, axis): np.mean((answer[:, place] - truth[:, place]) ** 2) / truth[:, place].var()
          for name, answer in predicted.items() for place, axis in enumerate(AFFECT)}
say("| Spearman (MSE / variance) | " + " | ".join(AFFECT) + " |\n|---|" + "---|" * 3 + "\n" + "\n".join(
    f"| {name} | " + " | ".join(f"{scores[name, axis].value:z.2f} ({errors[name, axis]:.2f})" for axis in AFFECT) + " |"
    for name in predicted))
worse = [one for one, share in errors.items() if share >= 1]
ordered = [one for one in worse if scores[one].value > 2 / np.sqrt(clips - 1)]
crossed = [(scores[other, axis].value - scores[one, axis].value, axis, one, other) for axis in AFFECT
           for one in predicted for other in predicted
           if errors[one, axis] < errors[other, axis] and scores[one, axis].value < scores[other, axis].value]
if crossed:
    gap, axis, one, other = max(crossed)
    disagree = (f"And here the two scores disagree, {'' if gap > 0.05 else 'if by little, '}for {axis}: the {one} has "
                f"the lower error ({errors[one, axis]:.2f}, the {other} {errors[other, axis]:.2f}) and the lower "
                f"Spearman correlation ({scores[one, axis].value:z.2f} and {scores[other, axis].value:z.2f}).")
else:
    disagree = "In this run the two scores put the models of each axis into one order; they need not."
say(f"By the error {len(worse)} of {len(errors)} are no better than always answering the mean. "
    + (f"Of these, {len(ordered)} put the clips into an order that shuffled labels would seldom give: "
       f"{'; '.join(f'{name} for {axis}' for name, axis in ordered)}. The scale is wrong, not the order. "
       if ordered else "") + disagree)

# %% tags=["remove-input"]
centred, nothing = {}, np.zeros_like(truth)
for name, answer in predicted.items():
    centred[name] = answer.copy()
    for _, _, fold in folds[heard]:
        centred[name][fold.dataset.indices] -= answer[fold.dataset.indices].mean(axis=0)
for train, _, fold in folds[heard]:
    nothing[fold.dataset.indices] = truth[train.dataset.indices].mean(axis=0)
cost = {name: mean_spearman(centred[name], truth) - scores[name, "mean"].value for name in predicted}
idle = mean_spearman(nothing, truth)
measured(own, always_the_mean=idle,
         **{f"pooling_{name}".replace(" ", "_"): value for name, value in cost.items()})
changes = ", ".join(f"{value:+.2f} for the {name}" for name, value in cost.items())
say("**What pooling costs.** The four networks of one row have different means. With the mean answer of each fold "
    f"taken away first, the mean Spearman correlation changes by {changes}. "
    + ("That is small beside the intervals. " if max(map(abs, cost.values())) < 0.05 else
       "That is not little, whichever sign it has. ")
    + "We score the answers as they are, since a fold with gladder music ought to have the higher mean. There is a "
    "trap in it: where the held-out clips are gladder than the others, the clips to learn from are sadder. Whoever has "
    "learned nothing and answers the mean of the clips to learn from is therefore on the wrong side as a rule; here "
    f"this answer has a mean Spearman correlation of {idle:z.2f}, not of 0.")

# %% [markdown]
# ## 8.7 Two numbers that are not the score
#
# Both are common mistakes of this exercise, and both change the number without changing the network.
#
# **Averaged over batches** (mistake 2). A training loop that collects a loss for each batch invites to collect
# Spearman's correlation in the same way. But it is no mean over clips: clips of different batches are then never
# compared. The same answers, scored once, and in batches that are drawn a hundred times:

# %%
from labkit.faults import spearman_over_batches

chosen = max(KINDS, key=lambda kind: scores[kind, "energy"].value)
whole = clips // 8 * 8  # no batch of a single clip, which has no order
answer, label = predicted[chosen][:whole, 1], truth[:whole, 1]
once = mean_spearman(answer, label)
batched = {8: [], 32: []}
for order in (rng.permutation(whole) for _ in range(100)):
    for size, found in batched.items():
        found.append(spearman_over_batches(answer[order], label[order], size).mean)
in_order = spearman_over_batches(answer[label.argsort()], np.sort(label), 8).mean

# %% tags=["remove-input"]
measured(own, spearman_once=once, spearman_batches_of_8=np.mean(batched[8]))
drawn = " ".join(f"In shuffled batches of {size}: between {min(found):.2f} and {max(found):.2f}, {np.mean(found):.2f} "
                 "on average." for size, found in batched.items())
say(f"The {chosen}'s energy, scored once over {whole} clips: **{once:z.2f}**. {drawn} In batches of 8 with the clips "
    f"sorted by their label: {in_order:.2f}. The network and its answers are the same in all of them. "
    + ("With a shuffled loader the number jumps; one that may be drawn again until it pleases is no score."
       if np.ptp(batched[8]) > 0.02 else "Here there is one batch only, and nothing to average."))

# %% [markdown]
# **Scored on the training clips** (mistake 9). In the public repository that appears to hold the report's code, the
# LSTM regressors are scored on the loader on which they were trained. How much does that flatter? We score each of
# our networks on the clips it has learned from and on the held-out ones, fold by fold, and take the mean of the
# folds.

# %%
from labkit.evaluation import predict

seen, unseen = {}, {}
for (kind, axis), run in runs.items():
    both = [[spearman(*predict(model, loader)).mean for loader in (train, held)]
            for model, (train, _, held) in zip(run.models, lab.folds(MOOD[kind], axis))]
    seen[kind, axis], unseen[kind, axis] = np.mean(both, axis=0)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.9 + 0.3 * len(runs))
places = np.arange(len(runs))
axis.hlines(places, list(unseen.values()), list(seen.values()), color="0.75", linewidth=2)
for found, word, colour in ((unseen, "held out", plots.COLOURS[0]), (seen, "trained on", plots.COLOURS[1])):
    axis.plot(list(found.values()), places, "o", color=colour, markersize=6, label=word)
axis.axvline(0, color="0.5", linewidth=1)
axis.set(xlabel="Spearman, mean of the folds", yticks=places, ylim=(len(runs) - 0.5, -0.6))
axis.set_yticklabels([f"{kind}, {name}" for kind, name in runs])
axis.grid(axis="x", linewidth=0.4)
axis.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0)
plots.show(figure, alt="Spearman correlation of each network on held-out clips and on its own training clips: "
           + "; ".join(f"{kind}, {name} {unseen[kind, name]:.2f} and {seen[kind, name]:.2f}" for kind, name in runs)
           + ".")

# %% tags=["remove-input"]
flattery = {kind: np.mean([seen[kind, name] - unseen[kind, name] for name in AFFECT]) for kind in KINDS}
measured(own, **{f"flattery_{kind}": value for kind, value in flattery.items()})
more = " and ".join(f"{value:+.2f} ({kind})" for kind, value in flattery.items())
say(f"Scored on their own training clips instead of held-out ones, the networks gain {more} in the mean of the three "
    "axes. " + ("That says nothing of music; it says how much was learned by heart. "
                if max(flattery.values()) > 0.1 else "In so short a training there is little to remember yet. ")
    + "And our networks keep the epoch that was best in *validation*; one that is trained to the end learns more by "
    "heart, and is flattered more.")

# %% [markdown]
# `check_apart` compares the clips of two loaders and stops such a score; `cross_validated` calls it for each fold.

# %% [markdown]
# ## 8.8 Beside the published figures

# %% tags=["remove-input"]
rows = [("the report, LSTM", (0.422, 0.715, 0.604, 0.580)), ("the report, CNN", (0.569, 0.757, 0.621, 0.649)),
        ("best found in public, CNN", (0.659, 0.763, 0.678, 0.700))]
rows += [(f"this run, {name}", [scores[name, column].value for column in (*AFFECT, "mean")]) for name in predicted]
say("| Spearman | " + " | ".join((*AFFECT, "mean")) + " |\n|---|" + "---|" * 4 + "\n"
    + "\n".join(f"| {name} | " + " | ".join(f"{value:z.3f}" for value in values) + " |" for name, values in rows))

# %% [markdown]
# Not much of this table may be read downwards.
#
# - **Other music.** The upper rows are of the course's 1122 labelled clips. Only a run on these, with `LAB_DATA`,
#   stands on the same ground. On composed music the labels are another rule.
# - **Other clips to learn from.** Those networks had most of 1122 clips of 30 seconds. How many we have, section 8.2
#   says.
# - **Training clips.** The report's LSTM row appears to be scored on clips that the networks were trained on; its
#   CNN row is not under that suspicion. So how much better the CNN was there is not known.
# - **One part of the clips.** The published rows are scored on one held-out part, ours on all clips in turn. With
#   225 clips, a fifth of 1122, luck alone has a standard deviation of $1 / \sqrt{224} = 0.067$ on each axis.
# - **Albums.** Those parts are drawn clip by clip as far as we know, so that albums lie on both sides. Ours are not.
#
# What may be read: in the report's rows, which have the same labels, energy is the easiest axis and valence the
# hardest, for the LSTM and for the CNN.
#
# One thing to set right. In a sentence on this step the report calls a better result here a better "genre
# classification". No genre is predicted in this lesson, and a regression score says nothing of one: a network may
# rank energy well and know no genre, and the reverse. Whether what is learned of genres *helps* with mood is a
# question that can be tested, and lesson 9a tests it.

# %% [markdown]
# ## 8.9 Listen
#
# Two clips, which no network that answers for them has met: the one that is predicted lowest in energy and the one
# that is predicted highest. Do you hear why? Do the labels agree?

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

piece = lab.composed_pieces()[0] if composed else None  # with another id it is another composed clip
recordings = [replace(piece, id=clip) for clip in dataset.ids] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
places = sorted((place for place, clip in enumerate(dataset.ids) if clip.lstrip("0") in playable),
                key=lambda place: predicted[chosen][place, 1])
if len(places) < 2:
    say("These data hold no sound of the labelled clips, so there is nothing to play here.")
for end, place in (("lowest", places[:1]), ("highest", places[-1:])) if len(places) > 1 else ():
    for one in place:
        mood = ", ".join(f"{name} {value:.2f}" for name, value in zip(AFFECT, truth[one]))
        listen(playable[dataset.ids[one].lstrip("0")].sound(8), f"lesson_8_{end}",
               f"{end} energy: {chosen} predicts {predicted[chosen][one, 1]:.2f}; labels: {mood}")

# %% tags=["remove-input"]
ends = np.argsort(predicted[chosen][:, 1])[[0, -1]]
share = [np.mean(truth[:, 1] < truth[place, 1]) for place in ends]
say(f"Of all labelled clips, {share[0]:.0%} have a lower energy than the one predicted lowest, and {1 - share[1]:.0%} "
    "have at least that of the one predicted highest, itself included. "
    + ("At both ends the network is near the mark." if share[0] < 0.25 and share[1] > 0.75 else
       "So even at the ends of its list, this network is not near the mark on both."))

# %% [markdown]
# ## Exercises
#
# What this lesson stands on, by hand: the score, a loss that cannot broadcast, and folds that keep albums whole.
# `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 8.1 · Ranks by hand** (15 minutes).
#
# Write `rank_correlation(one, other)`, Spearman's correlation of two arrays (N,) of numbers, with ties. The rank of
# a number is the count of smaller ones plus $(e + 1) / 2$, where $e$ counts the numbers equal to it, itself
# included: for 0.3, 0.1, 0.3 that is 2.5, 1, 2.5. Then Pearson's correlation of the ranks; `np.corrcoef` gives a
# table of four. Where all numbers of one array are alike, there is no order: the answer is `nan`, as `np.corrcoef`
# has it already.
#
# *Solved when* it agrees with scipy's `spearmanr` to one part in a million, with and without ties. Below, six
# answers and their ranks; two of them are alike.

# %%
target("8.1")

# %% tags=["exercise"]
# Exercise 8.1
def rank_correlation(one, other):
    """Spearman's correlation of two arrays (N,); equal numbers share their mean rank."""
    ranks = []
    for values in (one, other):
        smaller = (values[None, :] < values[:, None]).sum(axis=1)
        # solution: begin
        equal = (values[None, :] == values[:, None]).sum(axis=1)
        ranks.append(smaller + (equal + 1) / 2)
        # solution: end
    with np.errstate(invalid="ignore"):  # 0 / 0 of equal numbers becomes nan, without a warning
        return np.corrcoef(*ranks)[0, 1]  # solution

# %% tags=["check"]
check("8.1")

# %% [markdown]
# **Exercise 8.2 · A loss that cannot broadcast** (5 minutes).
#
# Write `mse(output, targets)` for two tensors: the mean squared error, one number, through which gradients flow,
# when the shapes are the same. When they differ in any way, it raises a `ValueError` that names both shapes. A
# warning will not do, and neither will making them fit: the function cannot know which of the two is wrong.
#
# *Solved when* value and gradient agree with torch's `mse_loss`, and six pairs of shapes that torch would stretch
# are refused.

# %% tags=["exercise"]
# Exercise 8.2
def mse(output, targets):
    """The mean squared error of two tensors of one shape; other shapes are an error."""
    # solution: begin
    if output.shape != targets.shape:
        raise ValueError(f"Expected two equal shapes, found {tuple(output.shape)} and "
                         f"{tuple(targets.shape)}.")
    # solution: end
    return ((output - targets) ** 2).mean()  # solution

# %% tags=["check"]
check("8.2")

# %% [markdown]
# Once it is correct, put it into `small_network` of section 8.3 in the place of `functional.mse_loss`: the wrong
# shape now stops at the first batch.

# %% [markdown]
# **Exercise 8.3 · Folds of whole albums** (15 minutes).
#
# Write `album_folds(groups, count)`. `groups` (N,) names the album of each clip; the answer (N,) gives each clip the
# number of its fold, from 0 to `count` - 1. All clips of an album are in one fold, and the folds hold about equally
# many *clips*: the largest fold may be ahead of the smallest by no more than the clips of the largest album. There
# are at least as many albums as folds. A simple way: take the albums one after the other, the largest first, and put
# each into the fold that is the smallest so far.
#
# *Solved when* that holds for albums of equal and of very unequal size, for 2 to 6 folds, and for names that are
# numbers or words. Below, one solution: an album is one block, and its fold is its row.

# %%
target("8.3")

# %% tags=["exercise"]
# Exercise 8.3
def album_folds(groups, count=4):
    """The fold (N,) of each clip, from 0; albums whole, folds of about equally many clips."""
    groups = np.asarray(groups)
    albums, sizes = np.unique(groups, return_counts=True)
    fold, filled = np.zeros(len(groups), dtype=int), np.zeros(count, dtype=int)
    for place in np.argsort(-sizes):  # the largest album first
        # solution: begin
        smallest = filled.argmin()
        fold[groups == albums[place]] = smallest
        filled[smallest] += sizes[place]
        # solution: end
    return fold

# %% tags=["check"]
check("8.3")

# %% [markdown]
# Once it is correct, `np.bincount(album_folds(dataset.groups))` can stand beside the folds of section 8.2; they come
# from scikit-learn's `GroupKFold`, which works the same way.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** Two models of valence on the same 500 clips: A has a mean squared error of 0.05 and a Spearman
# correlation of 0.30, B has 0.08 and 0.70. Which do you take to sort a shelf from sad to glad?
#
# - a) A: its error is lower.
# - b) B: its order is better.
# - c) Neither can be said to be better before both are trained to the same loss.
#
# <details><summary>Answer</summary>
#
# **b)** A shelf needs an order, and B's is far better. Its error says that its numbers are off, all too high for
# instance; that would matter for someone who reads the numbers. With 500 clips luck has a standard deviation of
# about 0.045, so that the difference is hardly luck.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** After thirty epochs the training loss stands where it stood after the second, at the variance of
# the labels, and all predictions lie between 0.51 and 0.53. What do you look at first?
#
# - a) the shapes of output and labels
# - b) the number of clips
# - c) the Spearman correlation in validation
#
# <details><summary>Answer</summary>
#
# **a)** A network that cannot even learn its *training* clips lacks no clips; it is asked for the wrong thing, or
# cannot move. An output (B, 1) against labels (B,) asks every clip for the mean. If the shapes agree, input that is
# not standardised and the learning rate come next. The score in validation cannot tell why.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** On 41 held-out clips of 41 albums a network reaches a Spearman correlation of 0.25. What may be
# said?
#
# - a) It explains a quarter of the labels.
# - b) It is better than guessing, since guessing gives 0.
# - c) Guessing gives 0 on average, with a standard deviation of 0.16: this may be luck.
#
# <details><summary>Answer</summary>
#
# **c)** $1 / \sqrt{40} = 0.16$, so that 0.25 is about one and a half of them away from 0. Cross-validation over all
# labelled clips would give more clips to score and a smaller one. Answer a mistakes a correlation for a share.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 1)" is number 1 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks
# like.
#
# - **(B, 1) against (B,).** Everything goes to the mean, without an error (mistake 1). Print the shapes once.
# - **Spearman averaged over batches** (mistake 2). Collect all answers, score once.
# - **Scored on what was trained on** (mistake 9), or on clips whose albums were (mistake 10 is the split drawn anew
#   in each cell).
# - **Valence lost**: `if index:` is false for the label index 0 (mistake 4).
# - **A sigmoid or a softmax behind the only output** (mistake 12). A sigmoid keeps the order while its answers
#   differ, so Spearman warns of nothing; with a softmax all answers are 1.
# - **Only Spearman looked at.** It is blind to the scale. Look at the error, and at a plot of predictions against
#   labels.
# - **No reference.** Without a linear model beside it, nobody knows whether a network has learned anything worth its
#   name.
#
# ## Take-away
#
# 1. The labels are numbers of a program, or of a rule. A network that predicts them imitates it; it does not feel.
# 2. Spearman sees the order alone, over all clips at once, and with $n$ clips it is uncertain by $1 / \sqrt{n - 1}$.
# 3. Few labels: hold out each clip once, by album, and put a linear model beside the networks. It may well win.
#
# **Next:** we have many clips with a genre and few with a mood. [Lesson 9a](09a_transfer.ipynb) asks what the one
# can do for the other.
