# %% [markdown]
# # 9b Three moods at once
#
# Lesson 8 trained a network for each axis of mood. All three heard the same clips, and each began from nothing. This
# lesson trains one network with three answers, and asks what the axes give each other and what they take.
#
# **What we do.** We *train* one CNN with three heads on the sum of three losses. We *weigh* the losses, and look at
# whether they pull the shared weights in one direction. We *compare* with lesson 8, and let a task of pure noise join.
#
# **What we need.** Lesson 8, [emotion](08_emotion.ipynb), whose networks are found or trained, and lesson 9a,
# [transfer](09a_transfer.ipynb), which shares in another way; about 50 minutes and 40 for the exercises, 1.5 GB of
# memory, and a minute or two to run at the profile `ci` once lesson 8 has run, much longer at the larger ones.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from itertools import combinations

import numpy as np
import torch
from torch import nn

from labkit import plots
from labkit.datasets import AFFECT
from labkit.lab import open_lab
from labkit.recipes import MOOD
from labkit.show import measured, say

recipe, opened = MOOD["CNN"], open_lab(profile)
lab, _, note = opened.serving({"CNN": recipe})

# %%
folds = lab.folds(recipe)  # four times training, validation and held-out clips, albums apart
dataset = folds[0][0].dataset.dataset
truth, groups = dataset.targets.numpy(), dataset.groups

# %% tags=["remove-input"]
own = lab is opened
say(f"{note} {len(truth)} clips of {len(set(groups))} albums have the three labels {', '.join(AFFECT)}. As in lesson "
    f"8, each clip is predicted by the one of {len(folds)} networks that knows no clip of its album.")

# %% [markdown]
# ## 9b.1 What is shared
#
# Learning several tasks with one network is [multitask learning](../book/glossary.md#multitask-learning). There are two
# ways to share.
#
# - **Hard sharing** ([Caruana](../book/bibliography.md#caruana1997)): one [backbone](../book/glossary.md#backbone)
#   makes one vector of a clip, and each task has a small [head](../book/glossary.md#head) of its own. All losses move
#   the backbone.
# - **Soft sharing**: each task keeps a whole network, and the networks are held near to each other, by a penalty on the
#   distance of their weights or by connections between them ([Ruder](../book/bibliography.md#ruder2017) gives an
#   overview of both).

# %% tags=["hide-input"]
from matplotlib.patches import FancyBboxPatch


def box(axis, x, y, width, text, colour):
    """A box with its text, its lower left corner at x, y."""
    axis.add_patch(FancyBboxPatch((x, y), width, 0.5, boxstyle="round,pad=0.02", facecolor=colour, edgecolor="0.3"))
    axis.text(x + width / 2, y + 0.25, text, ha="center", va="center", fontsize=8)


def arrow(axis, begin, end, style="->", line="-"):
    """An arrow between two places."""
    axis.annotate("", end, begin, arrowprops={"arrowstyle": style, "linestyle": line, "shrinkA": 0, "shrinkB": 0})

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=2.1)
for axis, title in zip(axes[0], ("hard sharing", "soft sharing")):
    box(axis, 0, 0, 3.4, "clip", "#EEEEEE")
    for x, name in zip((0, 1.2, 2.4), AFFECT):
        box(axis, x, 2, 1, name, "#DCE9F5")
        arrow(axis, (x + 0.5, 0.56), (x + 0.5, 0.94))
        arrow(axis, (x + 0.5, 1.56), (x + 0.5, 1.94))
        if title == "soft sharing":
            box(axis, x, 1, 1, "backbone", "#FBE3CF")
        if title == "soft sharing" and x:
            arrow(axis, (x - 0.17, 1.25), (x - 0.03, 1.25), "<->", ":")
    if title == "hard sharing":
        box(axis, 0, 1, 3.4, "one backbone", "#FBE3CF")
    axis.set(title=title, xlim=(-0.1, 3.5), ylim=(-0.1, 2.7))
    axis.axis("off")
plots.show(figure, alt="Two drawings. Hard sharing: a clip goes into one backbone, from which three heads make "
           "valence, energy and danceability. Soft sharing: three backbones, one for each head, with dotted arrows "
           "between them.")

# %% [markdown]
# Why should it help? Caruana names reasons of this kind. A feature that serves two tasks is backed by the labels of
# both, so that the noise of one label averages out. A task can listen in on a feature that another one learns more
# easily. And what several tasks agree on is a better guess for what matters than what one task found by luck. All three
# need tasks that have something in common.
#
# [Kaiser et al.](../book/bibliography.md#kaiser2017) take this as far as it went in 2017. One network learns eight
# tasks: pictures, captions, speech, grammar and translation. Small nets for each kind of input bring it to one common
# form; an **encoder** reads it, a **mixer** joins it with what has been answered so far, and a **decoder** gives the
# next piece of the answer. Three kinds of block are in it: [convolution](../book/glossary.md#convolution) finds local
# patterns, [attention](../book/glossary.md#attention) looks anywhere, and a **mixture of experts** holds many small
# networks, of which a gate calls a few for each input. They find that tasks with little data gain most from the others,
# that large tasks lose little or nothing, and that a *block* made for another task, such as attention for pictures,
# does not hurt and often helps a little. A block is not a task; section 9b.7 tries a foreign task.
#
# Our case is the smallest: hard sharing, one kind of input, three labels on the same clips. Genre could be a fourth
# task: it would need clips with both labels, or batches of the two kinds in turn, each moving the backbone and its own
# head.

# %% [markdown]
# ## 9b.2 Three labels of one clip
#
# Have the axes something in common? Lesson 8 drew the labels as clouds of points. Now as numbers: the rank correlation
# between each two of them, with its 95 % interval over albums. Where it is near 0, a network that knows one axis knows
# nothing about the order of the other.

# %%
from labkit.evaluation import bootstrap, compare, mean_spearman, spearman

related = {(a, b): bootstrap(mean_spearman, truth[:, a], truth[:, b], groups=groups)
           for a, b in combinations(range(len(AFFECT)), 2)}
for (a, b), found in related.items():
    print(f"{AFFECT[a]:8} {AFFECT[b]:14} {found:.2f}")

# %% tags=["remove-input"]
clear = [f"{AFFECT[a]} and {AFFECT[b]}" for (a, b), found in related.items() if found.low > 0 or found.high < 0]
say((f"Clear of 0 in these clips: {'; '.join(clear)}. " if clear else "None of the three is clear of 0 in these "
    "clips. ")
    + "That is what the labels have in common. The features can have more in common: one that raises an axis and "
    "lowers another serves both heads.")

# %% [markdown]
# ## 9b.3 What the sum does
#
# The head of `MultitaskRegressor` is one linear layer with three outputs: three heads side by side. Its loss is the sum
#
# $$L = L_\text{valence} + L_\text{energy} + L_\text{danceability}$$
#
# of three [mean squared errors](../book/glossary.md#mean-squared-error). That looks fair, and is not quite. A network
# that knows nothing answers with the mean of each axis, and then each error is the *variance* of its labels. The axis
# whose labels vary most is the largest part of the loss, and of what moves the backbone, for no other reason than its
# scale.

# %%
variance = truth.var(axis=0)
shares = variance / variance.sum()
for name, one, share in zip(AFFECT, variance, shares):
    print(f"{name:14} variance {one:.3f}, share of the loss {share:.0%}")

# %% tags=["remove-input"]
most, least = shares.argmax(), shares.argmin()
measured(own, **{f"share_{name}": share for name, share in zip(AFFECT, shares)})
say(f"**{AFFECT[most]}** has {shares[most] / shares[least]:.1f} times the share of **{AFFECT[least]}**. "
    + ("Alike would be a third each. " if shares[most] / shares[least] > 1.2 else "That is nearly alike. ")
    + "Were one axis labelled from 0 to 10 instead of from 0 to 1, its variance would be a hundred times as large, and "
    "the sum would hardly hear the other two.")

# %% [markdown]
# Weights make up for it, $L = \sum_k w_k L_k$. There are three usual choices.
#
# - **Equal**, $w_k = 1$: what the report does, and `MultitaskRegressor`.
# - **By the variance**, $w_k$ proportional to $1 / s_k^2$: at the beginning each axis has the same share. $s_k^2$ is
#   the variance of the *training* labels.
# - **Learned** ([Kendall et al.](../book/bibliography.md#kendall2018)): each task gets a noise level $\sigma_k$,
#   trained like a weight, and the loss is $\sum_k L_k / (2 \sigma_k^2) + \log \sigma_k$. Large $\sigma_k$ mute a task,
#   and the logarithm makes that cost something. For fixed $L_k$ the best is $\sigma_k^2 = L_k$, so that the weight
#   becomes $1 / (2 L_k)$. What can be predicted well counts more and more, what cannot be predicted less. With few
#   clips this has a trap: $L_k$ is measured on clips that the network learns by heart.
#
# We measure the first two. The second is a small change of a class:

# %%
from labkit.models import MultitaskRegressor


class WeightedRegressor(MultitaskRegressor):
    """The same network, with weights (3,) for the losses of its axes."""

    def __init__(self, network, weights):
        super().__init__(network.backbone)
        self.output_layer = network.output_layer   # the same first weights
        self.register_buffer("weights", weights)   # saved with the network, never trained

    def loss(self, output, targets):
        return (self.weights * (output - targets).square().mean(dim=0)).sum()

# %%
def weighted_network(train_loader):
    """An untrained network whose axes count alike, by the labels of its training clips."""
    labels = dataset.targets[train_loader.dataset.indices]
    weights = 1 / labels.var(dim=0)
    return WeightedRegressor(recipe.network(train_loader), 3 * weights / weights.sum())

# %% [markdown]
# The weights add up to 3, as do those of the plain sum, so that the length of the steps stays comparable. For
# [Adam](../book/glossary.md#adam) it would hardly matter: it fits the step of each weight to the size of its recent
# gradients. For the same reason the *heads* hardly notice their weight in the loss. Weighting decides whom the backbone
# listens to.

# %% [markdown]
# ## 9b.4 One training instead of three
#
# The recipe is the CNN of lesson 8. Beside the settings of the report:

# %% tags=["remove-input"]
settings, body = recipe.training(lab.profile), recipe.network(folds[0][0]).backbone
say("| | the report | here |\n|---|---|---|\n" + "\n".join(f"| {what} | {there} | {here} |" for what, there, here in (
    ("maps", "32, 64, 128, 256", ", ".join(str(block[0].out_channels) for block in body.blocks)),
    ("pools", "2, 2, 4, 4", ", ".join(map(str, body.pools))),
    ("learning rate of Adam", "0.001", f"{settings.learning_rate:g} at its highest"),
    ("its schedule", "none named", settings.schedule),
    ("weight decay", "0.0001", f"{settings.weight_decay:g}"),
    ("clips in a batch", "none named", recipe.batch_size),
    ("epochs", "50", settings.epochs),
    ("loss", "sum of the three", "sum of the three; weighted sum"),
    ("clips with labels", "1122", len(truth)),
    ("scored on", "a held-out part", f"every clip, held out once in {len(folds)} folds"))))

# %%
from labkit.recipes import linear_predictions
from labkit.training import cross_validated

together = cross_validated("CNN, multitask", folds, recipe.network, settings)
weighted = cross_validated("CNN, multitask, weighted", lab.folds(recipe), weighted_network,
                           settings)
single = [cross_validated(f"CNN, {axis}", lab.folds(recipe, axis), recipe.network, settings)
          for axis in AFFECT]  # lesson 8 trained these

# %%
predicted = {
    "linear model": linear_predictions(folds),
    "CNN, one for each axis": np.stack([one.predicted for one in single], axis=1),
    "CNN, three heads": together.predicted,
    "CNN, three heads, weighted": weighted.predicted,
}

# %% tags=["remove-input"]
def cost(runs):
    """Weights of the networks of one fold, and seconds of all trainings."""
    return (sum(values.numel() for one in runs for values in one.models[0].parameters()),
            sum(sum(history.seconds) for one in runs for history in one.histories))

# %% tags=["remove-input"]
(many, long), (few, short) = cost(single), cost([together])
kept = {name: np.mean([history.best_epoch for history in one.histories])
        for name, one in zip([*AFFECT, "all three"], [*single, together])}
measured(own, weights_ratio=many / few, seconds_ratio=long / short)
say(f"Three networks have {many:,} weights, the one with three heads {few:,}. When they were trained, the three took "
    f"{long:.3g} s and the one {short:.3g} s, a ratio of {long / short:.1f}; seconds hang on what else the machine "
    f"does, the count of weights, {many / few:.2f} to 1, does not. By that count, and whatever the scores say, three "
    "axes together are about three times cheaper to train and to predict.")
say(f"One more thing is shared, which is easily missed: the *epoch*. The sum of the validation losses chooses one for "
    f"all three, on average {kept['all three']:.1f} of {settings.epochs}, where the single networks took "
    + ", ".join(f"{kept[name]:.1f} for {name}" for name in AFFECT) + ".")

# %% [markdown]
# ## 9b.5 Do they pull in one direction?
#
# Each loss has a [gradient](../book/glossary.md#gradient) with respect to the shared weights, and the step follows
# their sum. The cosine between two of these gradients says what sharing does at this moment. Near 1, one task's step
# serves the other too. Near 0, each goes its own way and the other hardly notices. Below 0, each undoes a part of what
# the other wants.

# %%
from copy import deepcopy


def pulls(model, x, targets, lengths):
    """The gradient of each axis's loss on the shared weights: (3, weights of the backbone)."""
    model = deepcopy(model).cpu().train()   # a copy: its running means move
    losses = (model(x, None, lengths)[1] - targets).square().mean(dim=0)
    shared = list(model.backbone.parameters())
    return torch.stack([torch.cat([part.flatten() for part in torch.autograd.grad(
        one, shared, retain_graph=True)]) for one in losses])   # leaves nothing in .grad

# %% [markdown]
# We take one training batch of each fold, before the first step and at the epoch that was kept, and cut it into two
# halves of different clips. The halves give us a yardstick: the cosine of an axis with *itself*, on other clips. Two
# axes can hardly agree better than that.

# %%
gradients = {"before the first step": [], "at the kept epoch": []}
for (train, _, _), model in zip(lab.folds(recipe), together.models):
    x, targets, lengths = next(iter(train))
    torch.manual_seed(settings.seed)  # the first weights of the training
    for moment, one in zip(gradients, (recipe.network(train), model)):
        gradients[moment].append([pulls(one, x[half::2], targets[half::2], lengths[half::2])
                                  for half in (0, 1)])

# %% tags=["hide-input"]
ITSELF = "each with itself, other clips"
cosines = {moment: {} for moment in gradients}
for moment, of_folds in gradients.items():
    for a, b in related:
        cosines[moment][f"{AFFECT[a]}, {AFFECT[b]}"] = [
            float(nn.functional.cosine_similarity(one[a], one[b], dim=0)) for halves in of_folds for one in halves]
    cosines[moment][ITSELF] = [float(nn.functional.cosine_similarity(one, other, dim=0))
                               for halves in of_folds for one, other in zip(*halves)]

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.7)
for shift, (moment, found), colour in zip((-0.13, 0.13), cosines.items(), plots.COLOURS):
    for place, values in enumerate(found.values()):
        axis.plot(values, np.full(len(values), place + shift), "o", color=colour, markersize=4, alpha=0.5)
        axis.plot([np.mean(values)] * 2, [place + shift - 0.1, place + shift + 0.1], color=colour, linewidth=2.5)
    axis.plot([], [], "o", color=colour, label=moment)
axis.axvline(0, color="0.5", linewidth=1)
axis.set(xlabel="cosine between two gradients on the shared weights", yticks=range(len(found)),
         ylim=(len(found) - 0.5, -0.5))
axis.set_yticklabels(found)
axis.legend(loc="upper left", bbox_to_anchor=(0, 1.18), ncols=2)
plots.show(figure, alt="Cosines between the gradients of the axes, means over the batches: " + "; ".join(
    f"{moment}: " + ", ".join(f"{pair} {np.mean(values):.2f}" for pair, values in found.items())
    for moment, found in cosines.items()))

# %% tags=["remove-input"]
first, last = ({pair: np.mean(values) for pair, values in found.items()} for found in cosines.values())
among = {moment: np.mean([values[pair] for pair in values if pair != ITSELF])
         for moment, values in (("first", first), ("last", last))}
lengths_of = [torch.stack([one.norm(dim=1) for halves in of_folds for one in halves]).mean(dim=0).numpy()
              for of_folds in gradients.values()]
loudest = [one.argmax() for one in lengths_of]
measured(own, cosine_first=among["first"], cosine_last=among["last"], cosine_itself_last=last[ITSELF])

# %% tags=["remove-input"]
def way(cosine):
    """A cosine in words."""
    return ("help each other" if cosine > 0.1 else "work against each other" if cosine < -0.1
            else "hardly notice each other")


say(f"Before the first step the axes {way(among['first'])}: a mean cosine of {among['first']:.2f}. At the kept epoch "
    f"they {way(among['last'])}: {among['last']:.2f}. With itself, on other clips, an axis has {first[ITSELF]:.2f} "
    f"and, at the kept epoch, {last[ITSELF]:.2f}"
    + (". So even one axis hardly agrees with itself from one half batch to the next: what the clips of a batch ask "
       "for by chance is larger than what all of them ask for, and between axes one can expect no "
       "more. " if last[ITSELF] < 0.2 else
       ", far more than with the others. " if last[ITSELF] > among["last"] + 0.2 else
       ", so the axes agree with each other about as well as with themselves. ")
    + f"The longest gradient is that of {AFFECT[loudest[0]]} "
    + ("both times." if loudest[0] == loudest[1] else f"at first and that of {AFFECT[loudest[1]]} at the kept epoch."))

# %% [markdown]
# Before the first step the answers lie near 0 and most labels above, so that each axis wants the same, *up*. Their
# gradients still differ, since each goes through its own head, whose first weights are random. At the kept epoch the
# common wish is fulfilled, and what remains differs from clip to clip. A plain sum of losses needs no agreement: it
# needs that no axis undoes another's work, step after step.

# %% [markdown]
# ## 9b.6 Against lesson 8
#
# Now the scores, on held-out clips: the [Spearman correlation](../book/glossary.md#spearman-correlation) of each axis,
# and the mean of the three with its interval over albums. The linear model stands beside them, as always. In the table,
# is the order of the rows the same in each column?

# %% tags=["remove-input"]
overall = {name: bootstrap(mean_spearman, answer, truth, groups=groups) for name, answer in predicted.items()}
say("| | " + " | ".join(AFFECT) + " | mean |\n|---|" + "---|" * (len(AFFECT) + 1) + "\n" + "\n".join(
    f"| {name} | " + " | ".join(f"{one:.2f}" for one in spearman(answer, truth).axes) + f" | {overall[name]:.2f} |"
    for name, answer in predicted.items()))
axes_of = {name: spearman(answer, truth).axes for name, answer in predicted.items()}
highest = {axis: max(axes_of, key=lambda name: axes_of[name][place]) for place, axis in enumerate(AFFECT)}
say("The highest of each column: " + "; ".join(f"{name}, {winner}" for name, winner in highest.items()) + "; the mean, "
    + max(overall, key=lambda name: overall[name].value) + ".")
measured(own, **{f"spearman_{name}".replace(",", "").replace(" ", "_"): one.value for name, one in overall.items()})

# %% [markdown]
# Intervals that overlap decide nothing (lesson 6), so we compare clip by clip, drawing the same albums for both. A
# difference to the right of 0 speaks for the three heads.

# %%
alone, shared = predicted["CNN, one for each axis"], predicted["CNN, three heads"]
names = ("three heads", "one network for each axis")
gained = {axis: compare(mean_spearman, shared[:, place], alone[:, place], truth[:, place],
                        groups=groups, names=names) for place, axis in enumerate(AFFECT)}
gained["mean"] = compare(mean_spearman, shared, alone, truth, groups=groups, names=names)
balance = compare(mean_spearman, predicted["CNN, three heads, weighted"], shared, truth,
                  groups=groups, names=("the weighted sum", "the plain sum"))
line = compare(mean_spearman, shared, predicted["linear model"], truth, groups=groups,
               names=("three heads", "the linear model"))

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.9)
rows = {f"three heads minus single, {name}": one.difference for name, one in gained.items()}
rows["weighted minus plain sum, mean"] = balance.difference
plots.intervals(axis, rows, label="difference in Spearman correlation, held-out clips", spec=".2f")
axis.axvline(0, color="0.5", linewidth=1)
plots.show(figure, alt="Differences in Spearman correlation with 95 % intervals: "
           + "; ".join(f"{name} {one:.2f}" for name, one in rows.items()))

# %% tags=["remove-input"]
def sentence(comparison):
    """The verdict of a comparison with a capital letter."""
    return comparison.verdict[0].upper() + comparison.verdict[1:]

# %% tags=["remove-input"]
sure = {axis: np.sign(gained[axis].difference.value) * gained[axis].is_beyond_noise for axis in gained}
better, worse, level = ([axis for axis in AFFECT if sure[axis] == sign] for sign in (1, -1, 0))
parts = [f"{words} {', '.join(some)}" for words, some in (("better beyond the noise for", better), (
    "worse beyond the noise for", worse), ("not to be told apart for", level)) if some]
measured(own, gain_mean=gained["mean"].difference.value, gain_beyond_noise=float(gained["mean"].is_beyond_noise))
small = int(least)  # the axis that the plain sum hears least
raised = compare(mean_spearman, predicted["CNN, three heads, weighted"][:, small], shared[:, small], truth[:, small],
                 groups=groups, names=("the weighted sum", "the plain sum"))
say(f"In this run the network with three heads, against one for each axis, is {'; '.join(parts)}.\n\n"
    f"- **Sharing, the mean of the axes.** {sentence(gained['mean'])}\n"
    f"- **Weighting, the mean.** {sentence(balance)}\n"
    f"- **Weighting, {AFFECT[small]}**, the axis that the plain sum hears least. {sentence(raised)}\n"
    f"- **The reference, the mean.** {sentence(line)}")

# %% tags=["remove-input"]
say("**The verdict of this run**: " + (
    "sharing paid, in scores and in work." if sure["mean"] > 0 else
    "sharing cost something in the scores, for about a third of the work." if sure["mean"] < 0 else
    "on the mean of the axes sharing is not shown to help or to hurt, for about a third of the work.")
    + (" Three heads are not shown to be better than a linear model of three numbers a band."
       if not line.is_beyond_noise else
       " Three heads also go beyond the linear model." if line.difference.value > 0 else
       " A linear model of three numbers a band is better than three heads, and far cheaper still."))

# %% [markdown]
# Where three heads are better, two explanations are left that this comparison cannot part. The backbone may have
# learned from three kinds of label what one kind does not teach. Or sharing steadies the training: a sum of three
# losses on few validation clips wavers less than one of them, and a luckless choice of the epoch is less likely. Also,
# all of this is one seed; another one gives other networks.

# %% [markdown]
# ## 9b.7 A task of pure noise
#
# What if the second task has nothing to do with the first? We make the purest such task: the energy labels, shuffled
# between the clips, so that nothing in the music tells them. A head that learns it by heart asks the shared weights for
# what is of no use to energy.
#
# One training of the CNN could not tell small differences. So we take a small network that trains in a blink, and train
# it often: a clip is its *outlines*, three numbers a band, as for the linear model of lesson 5, there is one hidden
# layer, which is shared, and an output for each task. It learns energy alone, beside noise, or beside the other two
# moods, with 2, 8 or 32 hidden units and three seeds each. In the figure, left of 0, the company made the order of
# energy worse. How does that hang on the number of units?

# %%
def small_network(x, labels, held, units, seed):
    """Answers (H,) for the first of the tasks (N, K), of which one hidden layer is shared."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(x.shape[1], units), nn.ReLU(),
                            nn.Linear(units, labels.shape[1]))
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3, weight_decay=1e-2)
    for _ in range(40):  # all clips in one batch
        loss = (network(x) - labels).square().mean(dim=0).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return network(held)[:, 0].numpy()

# %%
from labkit.recipes import outlines

heard, mood = outlines(dataset), truth[:, [1, 0, 2]]  # energy first


def by_folds(labels, units, seed):
    """Held-out answers of the small network for the first of the tasks, as for the CNN."""
    answer = np.zeros(len(labels))
    for train, val, held in folds:
        known, left = train.dataset.indices + val.dataset.indices, held.dataset.indices
        x, y = (torch.tensor((one - one[known].mean(axis=0)) / (one[known].std(axis=0) + 1e-9),
                             dtype=torch.float32) for one in (heard, labels))
        answer[left] = small_network(x[known], y[known], x[left], units, seed)
    return answer

# %%
seeds, found = range(3), {}
for units in (2, 8, 32):
    tasks = {"alone": [], "noise": [], "moods": []}
    for seed in seeds:
        noise = np.random.default_rng(seed).permutation(mood[:, :1])
        tasks["alone"].append(by_folds(mood[:, :1], units, seed))
        tasks["noise"].append(by_folds(np.hstack([mood[:, :1], noise]), units, seed))
        tasks["moods"].append(by_folds(mood, units, seed))
    for beside in ("noise", "moods"):
        found[beside, units] = compare(mean_spearman, tasks[beside], tasks["alone"], mood[:, 0],
                                       groups=groups)

# %% tags=["hide-input"]
WORDS = {"noise": "beside noise", "moods": "beside valence and danceability"}
figure, axes = plots.figure(columns=2, height=2.2, sharey=True)
for axis, (beside, words) in zip(axes[0], WORDS.items()):
    rows = {f"{units} hidden units": one.difference for (which, units), one in found.items() if which == beside}
    plots.intervals(axis, rows, label="energy beside it minus alone, Spearman", title=words,
                    spec=".2f")
    axis.axvline(0, color="0.5", linewidth=1)
    axis.locator_params(axis="x", nbins=6)
plots.show(figure, alt="Change of the Spearman correlation of energy by other tasks, with 95 % intervals: " + "; ".join(
    f"{WORDS[beside]}, {units} hidden units {one.difference:.2f}" for (beside, units), one in found.items()))

# %% tags=["remove-input"]
def verdict(beside):
    """For which sizes a second task changed the score of energy, in words."""
    said = []
    for word, sign in (("hurts", -1), ("helps", 1)):
        sizes = [str(units) for (which, units), one in found.items()
                 if which == beside and one.is_beyond_noise and sign * one.difference.value > 0]
        said += [f"{word} beyond the noise with {', '.join(sizes)} hidden units"] if sizes else []
    return " and ".join(said) or "changes nothing beyond the noise with any of the sizes"

# %% tags=["remove-input"]
tight, roomy = (found["noise", units].difference.value for units in (2, 32))
measured(own, noise_2_units=tight, noise_32_units=roomy)
hurt = [units for (which, units), one in found.items()
        if which == "moods" and one.is_beyond_noise and one.difference.value < 0]
say(f"In this run noise {verdict('noise')}. With 2 units it changes the score of energy by {tight:+z.2f}, with 32 by "
    f"{roomy:+z.2f}. "
    + ("That is what one expects of a bottleneck: a layer of two units has no room for a second task, one of 32 has. "
       if tight < roomy - 0.03 else "The room in the hidden layer made no great difference here. ")
    + f"Sharing with the two other moods {verdict('moods')}. "
    + ("So a task need not be noise to be in the way. " if hurt else "")
    + ("Yet for the CNN of section 9b.6 the same company was good for energy. That speaks against the kinship of the "
       "labels as the reason there, and for the other one, a steadier "
       "training." if hurt and "energy" in better else ""))

# %% [markdown]
# Whether a foreign task hurts may be a matter of room: the network of Kaiser et al. has plenty, and their sentence is
# about blocks in the first place. With three seeds the intervals speak of these trainings on other albums, as always,
# and of this small network, not of the CNN.

# %% [markdown]
# ## 9b.8 The report, set right
#
# On a held-out part of the course's 1122 clips, the report has:
#
# | Spearman | valence | energy | danceability | mean |
# |---|---|---|---|---|
# | CNN, one for each axis | 0.569 | 0.757 | 0.621 | 0.649 |
# | CNN, multitask | 0.619 | 0.766 | 0.759 | 0.715 |
# | best multitask found in public repositories | 0.668 | 0.794 | 0.768 | 0.744 |
#
# Its text says that multitask learning made energy worse. Its own table shows the opposite, a rise from 0.757 to 0.766.
# And such a rise is no news either: by the rule of thumb $1 / \sqrt{n - 1}$ the standard error of one such correlation
# is about 0.07 on 225 clips, a fifth of them. Both networks are scored on the same clips, which makes differences safer
# than that, but for how much one needs the answers clip by clip. The rise of danceability, by 0.14, is about two
# standard errors and the only one of the three that stands out. The last row chose its epoch on the clips it reports,
# so that it is a little too good.
#
# The report also calls one of its regression results a better "genre classification". Valence, energy and danceability
# are numbers, and what was compared is the order of clips, not genres. Finally, these rows and ours are of other clips,
# other albums and other counts: they cannot be put side by side.

# %% tags=["remove-input"]
theirs = {"valence": 0.619 - 0.569, "energy": 0.766 - 0.757, "danceability": 0.759 - 0.621}
ours = {axis: gained[axis].difference.value for axis in AFFECT}
same = [axis for axis in AFFECT if ours[axis] > 0]
say("What can be compared is the direction. The report's figures rise on all three axes; ours rise on "
    + (f"{len(same)} of the three ({', '.join(same)})" if same else "none of the three")
    + (f", and beyond the noise on {', '.join(better)}." if better else ", on none of them beyond the noise.")
    + f" Its mean rises by {np.mean(list(theirs.values())):.3f}, ours changes by "
      f"{gained['mean'].difference.value:+z.3f}.")

# %% [markdown]
# ## 9b.9 Listen
#
# The label of one axis does not settle the other. We take the two whose labels have least in common and play two clips:
# one is far up on the first of them and far down on the second, the other is the reverse. What do we hear that tells
# them apart? The numbers are the label, and behind the arrow what the network with three heads says of the held-out
# clip.

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

one, other = min(related, key=lambda pair: abs(related[pair].value))
ranks = truth.argsort(axis=0).argsort(axis=0)
gap = ranks[:, one] - ranks[:, other]
piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=clip) for clip in dataset.ids] if piece else lab.recordings()
playable = {each.id.lstrip("0"): each for each in recordings if not each.is_fallback}
places = [place for place, clip in enumerate(dataset.ids) if clip.lstrip("0") in playable]

# %% tags=["hide-input"]
chosen = (max(places, key=gap.__getitem__), min(places, key=gap.__getitem__)) if places else ()
for word, place in zip(("first", "second"), chosen):
    listen(playable[dataset.ids[place].lstrip("0")].sound(8), f"lesson_9b_{word}", f"the {word} clip: " + ", ".join(
        f"{AFFECT[axis]} {truth[place, axis]:.2f} → {shared[place, axis]:.2f}" for axis in (one, other)))
if not places:
    say("These data hold no sound of the clips with mood labels, so there is nothing to play here.")

# %% [markdown]
# ## Exercises
#
# A loss that bears missing labels, weights that make the axes count alike, and a way to settle a conflict between two
# gradients. `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 9b.1 · A label is missing** (15 minutes).
#
# Multitask data often have gaps: somebody rated the valence of a clip and not its energy. The label is then NaN. Our
# head refuses such clips; throwing them away would lose the labels they have. Write `weighted_loss(output, targets,
# weights)`: for each axis the mean squared error of the clips *that have its label*, times its weight, summed over the
# axes. An axis without any label in the batch counts 0. Beware of masking too late: where 0 is multiplied by NaN, on
# the way forward or in the gradient on its way back, the result is NaN.
#
# *Solved when* loss and gradient are right to one part in ten thousand, with no gap, some gaps and an axis without
# labels. Below, labels with gaps, and the gradient of the loss with respect to the outputs: 0 at each gap.

# %%
target("9b.1")

# %% tags=["exercise"]
# Exercise 9b.1
def weighted_loss(output, targets, weights):
    """Weighted sum over the axes of the mean squared errors; output and targets (B, K)."""
    known = ~torch.isnan(targets)
    # solution: begin
    gaps = torch.where(known, output - targets, 0.0)   # masked before the square
    means = gaps.square().sum(dim=0) / known.sum(dim=0).clamp(min=1)
    # solution: end
    return (weights * means).sum()  # solution

# %% tags=["check"]
check("9b.1")

# %% [markdown]
# **Exercise 9b.2 · Each axis alike** (10 minutes).
#
# The weights for it: write `axis_weights(labels, train)`. `labels` (N, K) is an array that may have gaps (NaN), and
# `train` are the places of the training clips. The weight of an axis is proportional to 1 / variance of its training
# labels, gaps left out, and the weights sum to K. An axis whose training labels are all equal, or all missing, has no
# such weight: raise a `ValueError` that says so. Careful: the variance of equal numbers need not be exactly 0.
#
# *Solved when* the weights are right to one part in ten thousand, for two, three and four axes, and the hopeless cases
# are refused. Below, the shares of the loss before and after.

# %%
target("9b.2")

# %% tags=["exercise"]
# Exercise 9b.2
def axis_weights(labels, train):
    """Weights (K,) that sum to K and make each axis of labels (N, K) count alike."""
    # solution: begin
    known = labels[train]
    if not (np.nanmax(known, axis=0) > np.nanmin(known, axis=0)).all():
        raise ValueError("An axis has no two different training labels. Leave it out.")
    inverse = 1 / np.nanvar(known, axis=0)
    # solution: end
    return inverse * len(inverse) / inverse.sum()  # solution

# %% tags=["check"]
check("9b.2")

# %% [markdown]
# Once both are correct, `weighted_loss` can stand in the place of `WeightedRegressor.loss`, with
# `torch.tensor(axis_weights(truth, train.dataset.indices))`: the same network, and gaps do no harm.

# %% [markdown]
# **Exercise 9b.3 · Two pulls, one step** (15 minutes).
#
# Where the cosine of two gradients is below 0, a part of each works against the other. [Yu et
# al.](../book/bibliography.md#yu2020) take that part away. From $a$ they subtract its component along $b$, $\frac{a
# \cdot b}{b \cdot b}\, b$, and from $b$ that along the *original* $a$; then they add the two. Where the gradients do
# not conflict, the step is their plain sum. Write `without_conflict(a, b)` for two tensors (P,).
#
# *Solved when* it is right to one part in ten thousand for gradients that agree, that conflict, that are opposite, and
# that are 0. The tensors that are given stay as they are. Below, two gradients of two weights, and what becomes of
# them.

# %%
target("9b.3")

# %% tags=["exercise"]
# Exercise 9b.3
def without_conflict(a, b):
    """The sum of two gradients (P,), each without the part that works against the other."""
    product = a @ b
    # solution: begin
    if product >= 0:
        return a + b
    freed_a = a - product / (b @ b) * b
    freed_b = b - product / (a @ a) * a
    # solution: end
    return freed_a + freed_b  # solution

# %% tags=["check"]
check("9b.3")

# %% [markdown]
# Once it is correct, `one, other, _ = gradients["at the kept epoch"][0][0]` are two gradients of section 9b.5.
# `without_conflict(one, other)` never works against either of the two; `one + other` may.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** Three axes have the same variance. Then one is relabelled from 0 to 10 instead of 0 to 1, and nothing
# else changes. What share of the summed loss has it at first?
#
# - a) a third, as before
# - b) 83 %
# - c) 98 %
#
# <details><summary>Answer</summary>
#
# **c)** Ten times the labels are a hundred times the variance: 100 / (100 + 1 + 1) = 98 %. Answer b takes the labels
# for their squares, 10 / 12. The backbone would learn this axis and little else, although the music and its order are
# the same; the Spearman correlation does not know the scale.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** `known` marks the labels that are there. The loss is `torch.where(known, (output - targets) ** 2,
# 0).sum()`, with NaN for each missing label. What happens?
#
# - a) All is well: the missing ones count 0.
# - b) The loss is a number, and the gradient is NaN.
# - c) The loss is NaN.
#
# <details><summary>Answer</summary>
#
# **b)** On the way forward `where` hides the NaN. On the way back it hands the square a gradient of 0, and the square
# multiplies it by its slope, 2 (output - NaN): 0 times NaN is NaN. One step later all weights are NaN. Mask the
# difference, before the square.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** On some batch the gradients of two tasks on the backbone are equally long and exactly opposite. Plain
# gradient descent follows the sum of the two losses. What moves?
#
# - a) Nothing; the training stands still.
# - b) The two heads, and not the backbone.
# - c) The backbone, in a direction between the two.
#
# <details><summary>Answer</summary>
#
# **b)** On the shared weights the two cancel: their sum is 0, and exercise 9b.3 gives 0 as well. Each head has weights
# that only its own loss knows, and they go on. With the heads the gradients change too, so that the stalemate need not
# last.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 12)" is number 12 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **A softmax over the three outputs.** They then add up to 1, as if a clip could only be glad at the cost of being
#   danceable. A mood axis is a number of its own (mistake 12 is the same with one output).
# - **Labels of another shape.** An output of (B, 3) against one axis's labels of (3,) or (B, 1) is broadcast without an
#   error (mistake 1).
# - **Axes on different scales summed.** The largest variance wins. Weigh, or standardise the labels by the training
#   clips.
# - **Weights from all labels**, those of the held-out clips included: a small leak, and an unnecessary one.
# - **The mean alone reported.** A gain of one axis hides a loss of another. Give all three.
# - **Scored on the clips that chose the epoch**: too good by the luck of the best of many epochs. The same clips for
#   training and scoring are worse (mistake 9).
#
# ## Take-away
#
# 1. Hard sharing is one backbone, a head for each task and a sum of losses. It costs a third of three networks,
#    whatever it brings.
# 2. A sum weighs by variance. Weights decide whom the backbone listens to; the cosine of the gradients says whether
#    there is a conflict to decide.
# 3. Whether tasks help each other is measured, axis by axis and with intervals. A task without kinship needs room, or
#    it takes it away.
#
# **Next:** the networks are trained. [Lesson 10](10_submission.ipynb) hands in their answers for clips whose labels
# nobody here has seen.
