# %% [markdown]
# # 9a What a network that knows genres can tell of moods
#
# Clips with a mood label are few in most collections; clips with a genre are many, and the CNN of lesson 7 has
# learned from them what to listen for. Can a network that has never been told of moods lend its ears to one that has
# to learn them? To carry over what was learned on one task to another is [transfer
# learning](../book/glossary.md#transfer-learning).
#
# **What we do.** We *freeze* the genre network and read moods off its vectors by a linear model. We *ask* each of its
# layers, and a network of random weights beside it. We *train* it further, with few and with more labels, against a
# network that starts from nothing.
#
# **What we need.** Lesson 7, [the CNN](07b_cnn_genre.ipynb), and lesson 8, [moods](08_emotion.ipynb), whose networks
# are found or trained; about 60 minutes and 40 for the exercises, 1.5 GB of memory, and a minute or two to run at the
# profile `ci`, much longer at the larger ones.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from functools import partial

import numpy as np
import torch
from torch import nn

from labkit import plots
from labkit.evaluation import bootstrap, compare, mean_spearman, predict
from labkit.lab import open_lab
from labkit.recipes import GENRE, MOOD, linear_predictions
from labkit.show import measured, say
from labkit.training import cross_validated, trained

opened = open_lab(profile)

# %% tags=["remove-input"]
# Genres and moods have to come from one data set.
served = [opened.serving({"CNN": recipes["CNN"]}) for recipes in (GENRE, MOOD)]
lacking = [sentence for found, _, sentence in served if found is not opened]
lab = opened.composed_only() if lacking else opened
own = lab is opened
say(lacking[0] if lacking else served[0][2])

# %% [markdown]
# As in lesson 8, moods are measured by [cross-validation](../book/glossary.md) over albums: the
# labelled clips are parted four times into training, validation and held-out clips, and each clip is held out once.
# Our axis is **energy**, the one for which the report names a result of transfer. Spearman's correlation is that of
# all held-out predictions together.

# %%
recipe = MOOD["CNN"]
folds = lab.folds(recipe, "energy")
moods = folds[0][0].dataset.dataset  # all labelled clips; a fold's loaders hold some of them
truth, albums = moods.targets.numpy(), moods.groups
genre_ids = lab.loaders(GENRE["CNN"])[0].dataset.dataset.ids

# %% tags=["remove-input"]
say(f"{len(truth)} clips of {len(set(albums))} albums have a mood, {len(genre_ids)} training clips a genre.")

# %% [markdown]
# ## 9a.1 General and specific
#
# The first layer of almost any network for pictures learns edges and blobs of colour, whatever the pictures are of.
# The last one knows the classes of its task and nothing else. Somewhere between, a network passes from what is
# *general* to what is *specific*. [Yosinski et al.](../book/bibliography.md#yosinski2014) measured where. They parted
# the 1000 classes of a large collection of pictures into two halves, A and B, trained a network of eight layers on A,
# took over its first $n$ layers, drew the others anew and trained them on B. In our words they found:
#
# - **The first two layers are general.** Taken over from A and frozen, they serve B as well as B's own.
# - **Neighbours are co-adapted.** B's *own* layers, frozen, with new ones trained on top, do worse if the cut is in
#   the middle of the network: neighbouring layers had learned to work together, and the new ones do not find back to
#   it.
# - **The last layers are specific.** From A they lose more, and the loss **grows with the distance** of the tasks: it
#   is larger from natural to man-made things than between two mixed halves.
# - **Fine-tuning beats training from scratch.** Where the layers taken over may learn on, the network ends *better*
#   than one that only ever saw B, even after long training.
# - **Even distant features beat random ones.** Layers learned on far-off pictures are still better than drawn
#   weights.
#
# That was with more than half a million pictures on each side. We have less, and ask the same of music.
#
# ## 9a.2 Which network, and whose albums?
#
# Which of our networks do we take over? The CNN that was trained on genre. It hears the same input as the mood network,
# mel frames. Its labels come with the record, where moods need listeners. And genres are near to moods: a network that
# tells Punk from Folk has to notice how dense and how harsh a clip is. It makes one vector of each clip, that of its
# [backbone](../book/glossary.md#backbone), in front of the last layer; that vector is what we borrow. An LSTM could
# lend its vector too; lesson 7 compares the two clip by clip. The other way round, a mood network of few clips would
# have little to give to genres.
#
# One thing comes first. The genre clips and the mood clips may be clips of the same *albums*, or even the same clips.
# A network has seen its training clips and knows their albums better than any it will meet. What is held out for mood
# must be new to the genre network as well, or else the score is flattered. `album_leak` of lesson 4 measures it, and
# `apart_from` leaves those albums out.

# %%
from labkit.datasets import album_leak

leak = album_leak(genre_ids, moods.ids, lab.folder(recipe).root)
train, val, test = lab.loaders(GENRE["CNN"], apart_from=moods.ids)
base, history = trained("CNN", partial(GENRE["CNN"].network, train), train, val,
                        GENRE["CNN"].training(lab.profile))

# %% tags=["remove-input"]
answers, genres = predict(base, test)
named = float((answers.argmax(axis=1) == genres).mean())
frequent = float(np.bincount(genres).max() / len(genres))
same = len(set(genre_ids) & set(moods.ids))
measured(own, albums_known=leak, base_accuracy=named)
kept = len(train.dataset) + len(val.dataset)
say((f"{leak:.0%} of the mood clips share an album with a genre clip, and {same} are genre clips themselves. We leave "
     f"these albums out; the genre training then has {kept} of {len(genre_ids)} clips, and we train a network anew."
     if leak else "No mood clip shares an album with a genre clip here, so that nothing has to be left out, and the "
                  "network is that of lesson 7.")
    + f" It names {named:.0%} of its own test clips rightly; always the most frequent genre would be right for "
    f"{frequent:.0%}. " + ("It has learned something that can be lent." if named > frequent + 0.1 else
       "That is little, and what has not been learned cannot be lent."))

# %% [markdown]
# ## 9a.3 Frozen
#
# The simplest transfer: the genre network stays as it is ([frozen](../book/glossary.md#freezing)), and only a new
# last layer learns the mood. Then each clip's vector never changes, so that we compute it **once**. *Frozen* means
# the evaluation mode too: in training mode batch normalisation would take the mean and deviation of each batch, and
# its running means would move, although no weight does.

# %%
from torch.utils.data import DataLoader


def vectors_of(model):
    """The vector of each mood clip, (N, O), by a network that is left as it is."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model.features(x, lengths) for x, _, lengths
                          in DataLoader(moods, 64, collate_fn=moods.collate)]).numpy()


vectors = vectors_of(base)
vectors.shape

# %% [markdown]
# A last layer of one output, with the mean squared error as its loss, is linear regression. The report trains it for a
# few epochs by Adam, but we need not: its best weights have a formula. With so many numbers a clip and so few clips, we
# add what weight decay does, a penalty on large weights: **ridge regression**, solved exactly (exercise 9a.3 writes
# it). The size of the penalty is chosen within the training clips, by leaving out one after the other. (One clip, not
# its album: so the penalty comes out a little small.)

# %%
torch.manual_seed(0)  # the same network five times, its weights drawn anew
untrained = [vectors_of(GENRE["CNN"].network(train)) for _ in range(5)]

# %%
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def last_layer(vectors, places, labels):
    """The best last layer for some of the clips, exactly."""
    ridge = RidgeCV(np.logspace(-1, 5, 13))
    return make_pipeline(StandardScaler(), ridge).fit(vectors[places], labels[places])

# %%
def held_out(vectors, folds, labels=truth):
    """For each clip the answer of the last layer that was fitted without its album."""
    answers = np.zeros(len(labels))
    for train, _, held in folds:
        fitted = last_layer(vectors, train.dataset.indices, labels)
        answers[held.dataset.indices] = fitted.predict(vectors[held.dataset.indices])
    return answers


predicted = {"frozen, from genres": held_out(vectors, folds),
             "frozen, random weights": [held_out(one, folds) for one in untrained],
             "linear model of outlines": linear_predictions(folds)}
scores = {name: bootstrap(mean_spearman, answer, truth, groups=albums)
          for name, answer in predicted.items()}

# %% [markdown]
# Three answers, all linear in the end: of the genre network's vectors, of those of networks whose weights were only
# drawn (the mean of five), and of the outlines of lesson 5, three numbers a band. The bars are 95 % intervals over
# albums.

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=1.9)
plots.intervals(axis, scores, label="Spearman correlation with energy, held-out clips", spec=".2f")
plots.show(figure, alt="Spearman correlation with energy of three linear models: "
           + "; ".join(f"{name} {score:.2f}" for name, score in scores.items()))

# %% tags=["remove-input"]
def beyond(first, second):
    """The difference of two named predictions, and whether it is beyond the noise."""
    return compare(mean_spearman, predicted[first], predicted[second], truth, groups=albums)


def words(first, second):
    """`first` against `second` in a sentence without its end."""
    found = beyond(first, second)
    gap = found.difference
    how = "above" if gap.value > 0 else "below"
    sure = "beyond the noise" if found.is_beyond_noise else "inside the noise"
    return f"{abs(gap.value):.2f} {how}, {sure} ({gap.low:.2f} to {gap.high:.2f})"


FROZEN, RANDOM, OUTLINES = predicted
measured(own, frozen=scores[FROZEN].value, random=scores[RANDOM].value, outlines=scores[OUTLINES].value)
learned, plain = beyond(FROZEN, RANDOM), beyond(FROZEN, OUTLINES)
taught = learned.is_beyond_noise and learned.difference.value > 0
say("The vectors of the genre network, whose training knew nothing of energy, reach "
    f"**{scores[FROZEN].value:.2f}**. Against random weights that is {words(FROZEN, RANDOM)}; against the outlines "
    f"{words(FROZEN, OUTLINES)}. "
    + ("So what it learned of genres does tell of energy. " if taught else
       "That genres taught it anything about energy is not shown here. ")
    + (f"The random networks are not at 0 either but at {scores[RANDOM].value:.2f}: drawn convolutions still let "
       "through how loud each range of the spectrum is, and a linear layer finds it." if scores[RANDOM].low > 0 else
       "The random networks are not clear of 0."))

# %% [markdown]
# ## 9a.4 Was anything taken over?
#
# A public repository that appears to hold the report's code loads the genre network, and then builds a *new* CNN and
# trains that (mistake 8). Nothing complains: the shapes are right, the loss falls. The network answers, only not
# better than one that starts from nothing. How would one have noticed?
#
# By a test of one line: after loading and before training, are the weights those that were loaded? Below, twice the
# same call: once with the lab's `Regressor`, once with one that makes that mistake on purpose.

# %%
from tempfile import TemporaryDirectory

from labkit.faults import FreshNetworkRegressor  # wrong on purpose
from labkit.models import Regressor, save_checkpoint

source = base.backbone.state_dict()
with TemporaryDirectory() as folder:
    save_checkpoint(base, f"{folder}/genre.pt")
    for kind in (Regressor, FreshNetworkRegressor):
        backbone = recipe.network(folds[0][0]).backbone
        model = kind(backbone, load_from_checkpoint=f"{folder}/genre.pt")
        equal = [torch.equal(now, source[name])  # the test
                 for name, now in model.backbone.state_dict().items()]
        print(f"{kind.__name__:22} {sum(equal)} of {len(equal)} tensors as in the source")

# %% tags=["remove-input"]
by_chance = sum(equal)
say(("None" if not by_chance else f"{by_chance}") + f" of the {len(equal)} tensors of the wrong one are those of the "
    f"genre network{', those that never changed' if by_chance else ''}. `assert all(equal)` before each transfer costs "
    "nothing. The second way to notice is the score: a transfer that is frozen and wrong is one of the random networks "
    f"of section 9a.3, which come to {scores[RANDOM].value:.2f} here instead of {scores[FROZEN].value:.2f}"
    + (". That one would see." if taught else ": nobody would notice by the score."))

# %% [markdown]
# The report has a correlation with energy of 0.757 for its CNN and of 0.702 for its transfer. If its code is what that
# repository holds, its table compares two networks neither of which knew a genre. And even if it is not, that
# difference needs no cause: with 225 held-out clips, a fifth of the course's, each of these two numbers has a
# standard error of about $1 / \sqrt{224}$, which is 0.067. (That rule is for correlations near 0, and a little too
# wide for large ones.)

# %% [markdown]
# ## 9a.5 Which layer?
#
# Yosinski et al. cut a network after each layer and trained the rest anew. That is costly, but there is a cheap echo:
# we take what comes out of *each* block, averaged over time, as the vector of the network is, and fit the same linear
# layer on it. Before the first block stands the mean of each band, and behind the last one the network's *answer*,
# one number for each genre. From left to right the numbers know more of genres. Where are they best for energy, and
# do random blocks do the same?

# %%
@torch.no_grad()
def layers_of(model):
    """What each block makes of each mood clip, averaged over time: arrays (N, numbers)."""
    backbone, found = model.eval().backbone, []
    for place in range(len(moods)):  # one by one: no padding
        y = backbone.standardise(moods[place][0][None])[:, None]
        found.append([y.mean(dim=2).flatten()])
        for block, pool in zip(backbone.blocks, backbone.pools):
            y = nn.functional.max_pool2d(block(y), pool, ceil_mode=True)
            found[-1].append(y.mean(dim=2).flatten())
        found[-1].append(model.output_layer(found[-1][-1]))
    return [torch.stack(layer).numpy() for layer in zip(*found)]

# %%
torch.manual_seed(0)
networks = {"from genres": [base],
            "random weights": [GENRE["CNN"].network(train) for _ in range(3)]}
layers = {name: [layers_of(model) for model in some] for name, some in networks.items()}
assert np.allclose(layers["from genres"][0][-2], vectors, atol=1e-3)  # last block: the vector

at = {name: [[held_out(one, folds) for one in layer] for layer in zip(*some)]
      for name, some in layers.items()}  # for each layer a list, one for each network

# %% tags=["hide-input"]
LAYERS = ("bands", *(f"block {number}" for number in range(1, len(base.backbone.blocks) + 1)), "answer")
curves = {name: [bootstrap(mean_spearman, one, truth, groups=albums) for one in layer] for name, layer in at.items()}
sizes = [layer.shape[1] for layer in layers["from genres"][0]]
figure, (axis,) = plots.figure(height=2.8)
for (name, curve), colour, line, shift in zip(curves.items(), plots.COLOURS, ("-", "--"), (-0.04, 0.04)):
    where = np.arange(len(curve)) + shift
    values, lows, highs = np.array(curve).T
    axis.vlines(where, lows, highs, color=colour, linewidth=1.2, alpha=0.6)
    axis.plot(where, values, f"{line}o", color=colour, markersize=5)
    axis.annotate(name, (where[-1], values[-1]), xytext=(8, 0), textcoords="offset points", color=colour, fontsize=9,
                  va="center", annotation_clip=False)
axis.set(xticks=range(len(LAYERS)), xlabel="after which layer (how many numbers a clip)", ylabel="Spearman, energy",
         xlim=(-0.3, len(LAYERS) + 0.1))
axis.set_xticklabels([f"{name}\n({size})" for name, size in zip(LAYERS, sizes)])
axis.grid(axis="y", linewidth=0.4)
plots.show(figure, alt="Spearman correlation with energy by layer. " + " ".join(
    f"{name}: " + ", ".join(f"{layer} {one.value:.2f}" for layer, one in zip(LAYERS, curve)) + "."
    for name, curve in curves.items()))

# %% tags=["remove-input"]
lent, drawn = ([one.value for one in curve] for curve in curves.values())
best, best_drawn = int(np.argmax(lent)), int(np.argmax(drawn))


def of_layers(first, second, one="from genres", other="from genres"):
    """Two layers compared: the difference, and whether it is beyond the noise."""
    return compare(mean_spearman, at[one][first], at[other][second], truth, groups=albums)


first_block, last_block, answer = 1, len(LAYERS) - 2, len(LAYERS) - 1
deep = of_layers(last_block, first_block)
pairs = {name: of_layers(layer, layer, "from genres", "random weights") for layer, name in enumerate(LAYERS) if layer}
gained = [name for name, found in pairs.items() if found.is_beyond_noise and found.difference.value > 0]
last_step = of_layers(answer, last_block)
measured(own, **{f"layer_{name}".replace(" ", "_"): value for name, value in zip(LAYERS, lent)})
say(f"The genre network is best at **{LAYERS[best]}** ({lent[best]:.2f}), the random ones at {LAYERS[best_drawn]} "
    f"({drawn[best_drawn]:.2f}). From its first to its last block the genre network "
    f"{'gains' if deep.difference.value > 0 else 'loses'} {abs(deep.difference.value):.2f}, "
    f"{'beyond' if deep.is_beyond_noise else 'inside'} the noise. It is above random weights, beyond the noise, at: "
    f"{', '.join(gained) or 'no layer'}. The last step, from the vector to the answer, "
    f"{'costs' if last_step.difference.value < 0 else 'brings'} {abs(last_step.difference.value):.2f}, "
    f"{'beyond' if last_step.is_beyond_noise else 'inside'} the noise.")

# %% [markdown]
# How to read such curves: where both run together, convolutions of any kind would do, and nothing learned was needed.
# Where the genre network rises and the random ones fall, the difference is what genres have taught. A drop from the
# vector to the answer would be specificity: the answer keeps what tells genres apart and gives up the rest. Two
# things limit the comparison. The layers hand over different counts of numbers, as written under the axis. And each
# layer is only *read*: we do not train the layers behind it anew, so the co-adaptation of Yosinski et al. cannot
# show.

# %% [markdown]
# ## 9a.6 The epoch that is kept
#
# Where a network is trained epoch by epoch, somebody must choose the epoch. The course asks: by which metric, and on
# which clips? Three candidates are at hand: the *loss* on the validation clips, *Spearman* on the validation clips,
# which is what we report in the end, and the *held-out* clips themselves. Our frozen vectors let us try all three
# within seconds. We train the last layer as the report does, by Adam, and look at each epoch. In the figure: is the
# loss of all folds lowest at one place? Do the dashed lines tell where the solid ones are highest?

# %%
def order(answer, labels):
    """Spearman, or NaN where there is nothing to order."""
    return mean_spearman(answer, labels) if len(labels) > 1 else np.nan


def one_epoch(layer, optimizer, x, y):
    """Adam over all clips once, in batches of 16 drawn anew."""
    for batch in torch.randperm(len(x)).split(16):
        loss = nn.functional.mse_loss(layer(x[batch])[:, 0], y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %%
def by_adam(fold, seed, epochs=40):
    """Validation loss, validation and held-out Spearman after each epoch: (epochs, 3)."""
    train, val, held = (loader.dataset.indices for loader in fold)
    scaler = StandardScaler().fit(vectors[train])
    x, y = torch.tensor(scaler.transform(vectors)), torch.tensor(truth)
    torch.manual_seed(seed)
    layer, rows = nn.Linear(x.shape[1], 1), []
    layer.weight.data.zero_(), layer.bias.data.fill_(y[train].mean())  # one answer for all
    optimizer = torch.optim.Adam(layer.parameters(), lr=3e-3)
    for _ in range(epochs):
        one_epoch(layer, optimizer, x[train], y[train])
        answer = layer(x)[:, 0].detach()
        rows.append([float(((answer - y)[val] ** 2).mean()), order(answer[val], y[val]),
                     order(answer[held], y[held])])
    return rows

# %%
paths = np.array([[by_adam(fold, seed) for fold in folds] for seed in range(5)])
val_loss, val_order, held_order = np.nan_to_num(np.moveaxis(paths, -1, 0), nan=-1.0)
chosen = {"the validation loss": val_loss.argmin(axis=2),
          "Spearman of the validation clips": val_order.argmax(axis=2),
          "Spearman of the held-out clips": held_order.argmax(axis=2)}
kept = {name: np.take_along_axis(held_order, epoch[..., None], axis=2)[..., 0]
        for name, epoch in chosen.items()}  # (seeds, folds)
kept["nothing: the last epoch"] = held_order[..., -1]

# %% tags=["hide-input"]
exact = [order(predicted[FROZEN][held.dataset.indices], truth[held.dataset.indices]) for _, _, held in folds]
epochs = np.arange(1, held_order.shape[2] + 1)
figure, axes = plots.figure(columns=2, height=2.5)
for fold in range(len(folds)):
    axes[0, 0].plot(epochs, val_loss[0, fold], color=plots.COLOURS[2], linewidth=1)
    axes[0, 1].plot(epochs, val_order[0, fold], "--", color=plots.COLOURS[0], linewidth=0.9)
    axes[0, 1].plot(epochs, held_order[0, fold], color=plots.COLOURS[1], linewidth=1)
axes[0, 0].set(xlabel="epoch", ylabel="validation loss", title="the loss, one line a fold", ylim=(0, None))
axes[0, 1].set(xlabel="epoch", ylabel="Spearman", title="validation: dashed; held out: solid")
spans = [f"between {ends.min():.2f} and {ends.max():.2f}" for ends in (val_order[0, :, -1], held_order[0, :, -1])]
plots.show(figure, alt=f"Two panels over {len(epochs)} epochs, {len(folds)} folds each. The validation loss goes from "
           f"{val_loss[0, :, 0].mean():.2f} to {val_loss[0, :, -1].mean():.2f} on average. Spearman of the validation "
           f"clips ends {spans[0]}, of the held-out clips {spans[1]}.")

# %% tags=["remove-input"]
few = int(np.median([len(val.dataset) for _, val, _ in folds]))
flattered = float((kept["Spearman of the held-out clips"] - kept["the validation loss"]).mean())
by_order = float((kept["Spearman of the validation clips"] - kept["the validation loss"]).mean())
exactly = float(np.nanmean(exact) - kept["the validation loss"].mean())
measured(own, flattered_by=flattered, frozen_in_folds=float(np.nanmean(exact)),
         **{f"kept_{number}": float(one.mean()) for number, one in enumerate(kept.values())})
say("| the epoch is chosen by | Spearman of the held-out clips, mean of folds and seeds |\n|---|---|\n"
    + "\n".join(f"| {name} | {one.mean():.3f} |" for name, one in kept.items())
    + f"\n| no epochs: the exact last layer | {np.nanmean(exact):.3f} |")
say(f"A fold has {few} validation clips. The standard error of a correlation that rests on so few is about "
    + (f"1 / √{few - 1} = {1 / np.sqrt(few - 1):.2f}" if few > 1 else "anything")
    + f". In {val_loss[..., 0].size} trainings, choosing by it ended "
    + ("level with" if abs(by_order) < 0.005 else f"{abs(by_order):.2f} {'above' if by_order > 0 else 'below'}")
    + " choosing by the loss. Choosing by the held-out clips themselves shows "
    f"**{flattered:.2f} more** than the loss does: not one clip is better understood, it is the luckiest of "
    f"{len(epochs)} epochs that is told. And in the mean of the folds the exact layer is {abs(exactly):.2f} "
    f"{'above' if exactly > 0 else 'below'} what Adam and the validation loss find: it has a penalty, and no epochs.")

# %% [markdown]
# We keep the epoch of the lowest **validation loss**, on clips of albums that are neither trained on nor held out.
# The loss is what the training itself makes small, and it uses how far off each clip is; Spearman sees the order
# alone, which moves in leaps where clips are few. Spearman is what we report, and to choose by it would be no fault
# either, on hundreds of validation clips. The held-out clips choose nothing: the best multitask figure among the
# public ones was found with a validation set that also chose the epoch, and is too good by an unknown amount.

# %% [markdown]
# ## 9a.7 All weights go on
#
# [Fine-tuning](../book/glossary.md) takes the genre network as its beginning and lets *all* weights learn
# the mood. Only a build function differs from lesson 8; the standardisation comes along, since the layers behind it
# were trained with that one. Two ways are common. With a **new last layer**, drawn by chance, everything else is as
# in lesson 8: only the first weights differ. But while that layer still answers nonsense, its large errors run back
# into the layers that were worth keeping. [Kumar et al.](../book/bibliography.md#kumar2022) therefore fit the last
# layer **first**, the rest frozen, and then let all go on in small steps. We have its exact solution already.

# %%
from dataclasses import replace


def from_genres(loader):
    """A mood network whose backbone begins as the genre network's."""
    model = recipe.network(loader)
    model.backbone.load_state_dict(base.backbone.state_dict())
    return model

# %%
def last_layer_first(loader):
    """The same, and its last layer begins as the exact one of the frozen network."""
    model, fitted = from_genres(loader), last_layer(vectors, loader.dataset.indices, truth)
    weight = fitted[1].coef_ / fitted[0].scale_  # the scaler, put into the weights
    model.output_layer.weight.data[0] = torch.tensor(weight)
    model.output_layer.bias.data[0] = float(fitted[1].intercept_ - weight @ fitted[0].mean_)
    return model

# %%
settings = recipe.training(lab.profile)
gentle = replace(settings, learning_rate=1e-4, epochs=min(5, settings.epochs))
ways = {"fine-tuned, last layer first": (last_layer_first, gentle),
        "fine-tuned, new last layer": (from_genres, settings),
        "from scratch, as in lesson 8": (recipe.network, settings)}
histories = {}
for name, (build, config) in ways.items():
    found = cross_validated(f"{name}, energy", folds, build, config)
    predicted[name], histories[name] = found.predicted, found.histories
    scores[name] = bootstrap(mean_spearman, found.predicted, truth, groups=albums)

# %% tags=["remove-input"]
FIRST, NEW, SCRATCH = ways
model = last_layer_first(folds[0][0])
held = folds[0][2]
first_answers = predict(model, held)[0]
untouched = float(np.abs(first_answers - predicted[FROZEN][held.dataset.indices]).max())
measured(own, fine_tuned=scores[FIRST].value, fine_tuned_new_layer=scores[NEW].value,
         from_scratch=scores[SCRATCH].value)
kept_epochs = {name: ", ".join(str(one.best_epoch) for one in some) for name, some in histories.items()}
say("| | Spearman, energy | epochs kept in the folds |\n|---|---|---|\n" + "\n".join(
    f"| {name} | {scores[name]:.2f} | {kept_epochs.get(name, 'none')} |" for name in (FROZEN, *ways)))
say("Before its first step the network of `last_layer_first` answers as the frozen one does"
    f"{f' (to {untouched:.0e})' if untouched else ''}: it begins where that one ends. All weights together, "
    f"{gentle.epochs} epoch{'s' * (gentle.epochs > 1)} in small steps, move it to {scores[FIRST].value:.2f}: "
    f"against the frozen one {words(FIRST, FROZEN)}. With a new last layer and the settings of lesson 8 it is "
    f"{scores[NEW].value:.2f}: against last layer first {words(NEW, FIRST)}; against the network from scratch, which "
    f"differs from it in nothing but the first weights, {words(NEW, SCRATCH)}.")

# %% [markdown]
# ## 9a.8 Against the number of labelled clips
#
# Transfer is said to help most where labels are few. We keep half, and then a quarter, of each fold's clips, in whole
# albums, and ask again; the held-out clips stay the same, so that all points stand side by side. The networks that are
# trained are trained at both ends only; what is linear costs nothing. The linear ways leave the validation clips alone,
# the trained ones choose their epoch by them. Which of the lines is steepest, and who stands highest at the left end?

# %%
from labkit.profiles import DataError

parts, answers = {1.0: folds}, {1.0: predicted}
for share in (0.5, 0.25):
    try:
        parts[share] = part = lab.folds(recipe, "energy", share=share)
    except DataError:  # too few albums are left
        break
    answers[share] = {FROZEN: held_out(vectors, part),
                      RANDOM: [held_out(one, part) for one in untrained],
                      OUTLINES: linear_predictions(part)}
fewest = min(parts)
for name in (FIRST, SCRATCH) if fewest < 1 else ():
    answers[fewest][name] = cross_validated(f"{name}, share {fewest:g}", parts[fewest],
                                            *ways[name]).predicted

# %% tags=["hide-input"]
clips = {share: float(np.mean([len(train.dataset) for train, _, _ in part])) for share, part in parts.items()}
shown = {name: {share: bootstrap(mean_spearman, answers[share][name], truth, groups=albums)
                for share in sorted(parts) if name in answers[share]}
         for name in (FROZEN, FIRST, OUTLINES, RANDOM, SCRATCH)}
figure, (axis,) = plots.figure(height=3.6)
ends = sorted((list(curve.values())[-1].value, name) for name, curve in shown.items())
heights, lowest = {}, -np.inf
span = max(one.high for curve in shown.values() for one in curve.values()) - min(
    one.low for curve in shown.values() for one in curve.values())
for value, name in ends:  # labels that do not touch
    heights[name] = lowest = max(value, lowest + 0.075 * span)
for number, (name, curve) in enumerate(shown.items()):
    colour = (*plots.COLOURS[:4], plots.COLOURS[6])[number]
    places = np.array([clips[share] for share in curve]) * 1.018 ** (number - 2)
    values, lows, highs = np.array(list(curve.values())).T
    axis.vlines(places, lows, highs, color=colour, linewidth=1.2, alpha=0.55)
    axis.plot(places, values, "o-" if number % 2 == 0 else "o--", color=colour, markersize=5)
    axis.annotate(name, (max(clips.values()) * 1.06, heights[name]), color=colour, fontsize=8.5, va="center",
                  annotation_clip=False)
axis.axhline(0, color="0.6", linewidth=0.8)
axis.set(xscale="log", xlabel="labelled clips to train on, mean of the folds", ylabel="Spearman, energy",
         xlim=(min(clips.values()) / 1.08, max(clips.values()) * (1.75 if len(clips) > 1 else 1.25)))
axis.set_xticks(list(clips.values()), [f"{count:.0f}" for count in clips.values()])
axis.minorticks_off()
plots.show(figure, alt="Spearman correlation with energy against the labelled clips to train on. " + " ".join(
    f"{name}: " + ", ".join(f"{one.value:.2f} with {clips[share]:.0f}" for share, one in curve.items()) + "."
    for name, curve in shown.items()))

# %% tags=["remove-input"]
def against(first, second, share):
    """Two ways at one share: value and verdict in words, and the comparison."""
    found = compare(mean_spearman, answers[share][first], answers[share][second], truth, groups=albums)
    sure = "beyond the noise" if found.is_beyond_noise else "inside the noise"
    return f"{found.difference.value:+.2f}, {sure}", found


if len(parts) > 1:
    asked = ((FROZEN, SCRATCH), (FIRST, SCRATCH), (FROZEN, OUTLINES), (FROZEN, RANDOM), (FIRST, FROZEN))
    rows = [f"| {one} minus {other} | " + " | ".join(against(one, other, share)[0] for share in (fewest, 1.0)) + " |"
            for one, other in asked]
    say(f"| | with {clips[fewest]:.0f} clips | with {clips[1.0]:.0f} clips |\n|---|---|---|\n" + "\n".join(rows))
    leads = {share: against(FROZEN, SCRATCH, share)[1] for share in (fewest, 1.0)}
    won = [share for share, found in leads.items() if found.is_beyond_noise and found.difference.value > 0]
    lost = [share for share, found in leads.items() if found.is_beyond_noise and found.difference.value < 0]
    measured(own, **{f"frozen_minus_scratch_{share:g}": found.difference.value for share, found in leads.items()})
    where = {2: "at both ends", 1: f"with {clips[(won or lost or [1.0])[0]]:.0f} clips", 0: ""}
    enough = shown[FROZEN][fewest].value >= shown[SCRATCH][1.0].value
    say((f"The frozen genre network is above the one from scratch, beyond the noise, {where[len(won)]}. " if won else
         f"The frozen genre network is below the one from scratch, beyond the noise, {where[len(lost)]}. " if lost else
         "Frozen against from scratch: at neither end is a lead beyond the noise. ")
        + f"With {clips[fewest]:.0f} clips it stands {'no lower' if enough else 'lower'} than the network from scratch "
        f"does with {clips[1.0]:.0f}. One draw of the albums decides each point on the left; another would move it.")
else:
    say("These data have too few albums to take some away, so the figure has one column.")

# %% [markdown]
# ## 9a.9 Did it help, and why?
#
# We compare with lesson 8, whose network is the one from scratch.

# %% tags=["remove-input"]
def within(name):
    """The mean of the folds' own correlations."""
    places = [held.dataset.indices for _, _, held in folds]
    return float(np.nanmean([order(predicted[name][some], truth[some]) for some in places]))


top = max((FROZEN, FIRST, NEW), key=lambda name: scores[name].value)
to_scratch, to_lines = beyond(top, SCRATCH), beyond(top, OUTLINES)
helped, harmed = (to_scratch.is_beyond_noise and sign * to_scratch.difference.value > 0 for sign in (1, -1))
begun = (start := beyond(NEW, SCRATCH)).is_beyond_noise and start.difference.value > 0
worth = to_lines.is_beyond_noise and to_lines.difference.value > 0 and scores[top].low > 0
say(f"The best of the three transfers is **{top}** with {scores[top].value:.2f}; the network from scratch has "
    f"{scores[SCRATCH].value:.2f}. "
    + ("That is beyond the noise" if helped else "Transfer harmed, beyond the noise" if harmed else
       "Whether transfer helped stays open: the difference is inside the noise")
    + ("" if not helped or top == NEW else
       "; and since random weights, frozen, do worse, beyond the noise too, it is the genres that helped" if taught else
       "; but random weights, frozen, are not worse beyond the noise. So what helped need not be the genres: a last "
       "layer that is fitted exactly has much less to learn than a whole network")
    + (". Where all weights learn, the genres did help: fine-tuned with a new last layer and from scratch, which "
       "differ in their first weights alone, are apart beyond the noise" if begun else "")
    + ". (The best of three is picked by the clips on which it is told, and a little flattered.) Against the linear "
    f"model of outlines it is {words(top, OUTLINES)}: "
    + ("here a network was worth its trouble" if worth else "that a network is worth its trouble is not shown")
    + ". The networks of a cross-validation have each their own middle, which costs something where all clips are "
    f"ranked together; within the folds, each by itself, those from scratch reach {within(SCRATCH):.2f} on average and "
    f"the frozen one {within(FROZEN):.2f}. Another seed would give other networks; these numbers speak of ours.")

# %% [markdown]
# Reasons why it would help, of which the figures above test the first two. **Fewer things to learn**: the frozen way
# fits one weight for each number of the vector; from scratch, every weight of the network rests on these few clips.
# **Learned listening**: random blocks leave as few weights to fit, so what lies between the two curves of section 9a.5
# was taught by genres. **Near tasks**: what tells genres apart may tell energies apart as well. A reason against is the
# same one turned round: valence and danceability may be farther from genres than energy is. That is free to ask, since
# the vectors of the clips are the same for each axis.

# %%
from labkit.datasets import AFFECT
from labkit.evaluation import spearman

all_three = lab.folds(recipe)  # the same folds, with three labels
labels = all_three[0][0].dataset.dataset.targets.numpy()
moods_of = {
    FROZEN: np.stack([held_out(vectors, folds, axis) for axis in labels.T], axis=1),
    OUTLINES: np.stack([linear_predictions(lab.folds(recipe, one)) for one in AFFECT], axis=1)}

# %% tags=["remove-input"]
rows, verdicts = [], []
for name, answer in moods_of.items():
    each = spearman(answer, labels)
    rows.append(f"| {name} | " + " | ".join(f"{one:.3f}" for one in (*each.axes, each.mean)) + " |")
    if name == FROZEN:
        measured(own, **{f"frozen_{axis}": one for axis, one in zip(AFFECT, each.axes)}, frozen_mean=each.mean)
published = ("| *the report, CNN* | 0.569 | 0.757 | 0.621 | 0.649 |", "| *the report, transfer* | | 0.702 | | |",
             "| *best found, CNN* | 0.659 | 0.763 | 0.678 | 0.700 |",
             "| *best found, transfer* | 0.649 | 0.807 | 0.747 | 0.734 |")
say("| | valence | energy | danceability | mean |\n|---|---|---|---|---|\n" + "\n".join((*rows, *published)))
for place, axis in enumerate(AFFECT):
    found = compare(mean_spearman, *(one[:, place] for one in moods_of.values()), labels[:, place], groups=albums)
    sure = ("inside the noise" if not found.is_beyond_noise else
            f"{'above' if found.difference.value > 0 else 'below'} it, beyond the noise")
    alone = bootstrap(mean_spearman, moods_of[FROZEN][:, place], labels[:, place], groups=albums)
    verdicts.append(f"{axis} {sure}" + ("" if alone.low > 0 else " (and itself not clear of 0)"))
say(f"The frozen network against the linear model of outlines: {'; '.join(verdicts)}.")

# %% [markdown]
# Where the vectors fall behind the outlines, one reason may be what genres did not ask for: the outlines hold how much
# each band changes from frame to frame, and a mean over time of what a genre network found need not.
#
# The rows in italics are published figures on the course's own data: other clips, more of them, other splits. They show
# what others found, and cannot be compared with ours number by number. The best public transfer is above the best
# public CNN in two of three axes; but the best of thirteen repositories is a lucky one too.

# %% [markdown]
# ## 9a.10 Listen
#
# The held-out clips in which the frozen network hears the most and the least energy. No network has met their albums,
# and the one that lends its vectors was never told what energy is. Does it agree with our ears?

# %% tags=["hide-input"]
from labkit.show import listen

piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=id) for id in moods.ids] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
heard = [place for place in np.argsort(predicted[FROZEN]) if moods.ids[place].lstrip("0") in playable]
for word, place in (("most", heard[-1]), ("least", heard[0])) if len(heard) > 1 else ():
    listen(playable[moods.ids[place].lstrip("0")].sound(8), f"lesson_9a_{word}",
           f"the {word} energy: {predicted[FROZEN][place]:.2f} by the network, {truth[place]:.2f} by the label")
if len(heard) < 2:
    say("These data hold no sound of the clips with a mood, so there is nothing to play here.")

# %% [markdown]
# ## Exercises
#
# The three steps of a transfer: weights are taken over (9a.1), some of them frozen (9a.2), and the last layer is
# solved exactly (9a.3). `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 9a.1 · Take over, and count** (15 minutes).
#
# Write `take_over(model, source)`. It copies into `model` each tensor of `source` whose name begins with `backbone.`
# and which `model` has under the same name and in the same shape; the head is left alone. It gives the number of
# tensors copied, and raises a `ValueError` when there is none. `state_dict()` holds weights *and* running means by
# name; its tensors are the model's own, so that `mine[name].copy_(value)` writes into the model. `source` stays as it
# is, and later training of one must not move the other.
#
# *Solved when* small networks with and without batch normalisation, a head of the same shape, a longer backbone and
# one that does not fit at all come out right.

# %% tags=["exercise"]
# Exercise 9a.1
def take_over(model, source):
    """Copy what fits of the backbone of `source` into `model`; how many tensors were copied."""
    mine, theirs = model.state_dict(), source.state_dict()
    # solution: begin
    names = [name for name in mine if name.startswith("backbone.") and name in theirs
             and mine[name].shape == theirs[name].shape]
    # solution: end
    if not names:
        raise ValueError("Nothing of the backbone fits: no tensor was taken over.")
    for name in names:
        mine[name].copy_(theirs[name])  # solution
    return len(names)

# %% tags=["check"]
check("9a.1")

# %% [markdown]
# Once it is correct, `take_over(recipe.network(folds[0][0]), base)` should give as many as section 9a.4 counted.

# %% [markdown]
# **Exercise 9a.2 · The first blocks frozen** (15 minutes).
#
# Between all frozen and none lies Yosinski's experiment. Write `freeze(model, count)`, to be called before each
# epoch: the model is put into training mode and all its weights may learn, but the first `count` of
# `model.backbone.blocks` neither learn nor leave evaluation mode, so that the running means of their batch
# normalisation stay too. It gives the number of single weights that may learn (`p.numel()`). A later call with a
# smaller `count` thaws what it does not name.
#
# *Solved when* after an epoch of training the frozen blocks are the same to the last bit, running means included, all
# else has moved, and the counts are right for each `count` from 0 to all.

# %% tags=["exercise"]
# Exercise 9a.2
def freeze(model, count):
    """Training mode for all but the first `count` blocks; how many weights may learn."""
    model.train()
    model.requires_grad_(True)
    for block in model.backbone.blocks[:count]:
        # solution: begin
        block.requires_grad_(False)
        block.eval()
        # solution: end
    return sum(p.numel() for p in model.parameters() if p.requires_grad)  # solution

# %% tags=["check"]
check("9a.2")

# %% [markdown]
# **Exercise 9a.3 · The last layer, exactly** (15 minutes).
#
# Ridge regression makes $\sum_i (y_i - x_i \cdot w - b)^2 + \lambda \, \|w\|^2$ as small as it can be. The intercept
# $b$ is not penalised. With $\bar x$ and $\bar y$ the means over the clips, and $X_c$, $y_c$ what is left after
# subtracting them:
#
# $$(X_c^\top X_c + \lambda I) \, w = X_c^\top y_c, \qquad b = \bar y - \bar x \cdot w$$
#
# Write `ridge(x, y, penalty)` for vectors `x` (N, O) and labels `y` (N,): it gives `w` (O,) and `b`.
# `np.linalg.solve(A, c)` solves $A w = c$.
#
# *Solved when* it agrees with scikit-learn's `Ridge` to one part in ten thousand, also with more numbers than clips
# and with penalties from 0.01 to 1000. Below, three penalties on the same eight clips.

# %%
target("9a.3")

# %% tags=["exercise"]
# Exercise 9a.3
def ridge(x, y, penalty):
    """Weights (O,) and intercept of the best last layer with a penalty on the weights alone."""
    centre, middle = x.mean(axis=0), y.mean()
    # solution: begin
    apart = x - centre
    square = apart.T @ apart + penalty * np.eye(x.shape[1])
    # solution: end
    w = np.linalg.solve(square, apart.T @ (y - middle))  # solution
    # and the intercept
    b = middle - centre @ w  # solution
    return w, b

# %% tags=["check"]
check("9a.3")

# %% [markdown]
# Once it is correct, `ridge(vectors[places], truth[places], 10)` with `places = folds[0][0].dataset.indices` is a
# last layer: `vectors @ w + b` are its answers for all clips. Those of the fold's held-out clips are worth a
# Spearman.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** A frozen genre network is put into `train()` with the rest of the model, its weights do not learn,
# and it has batch normalisation. What happens?
#
# - a) Nothing: no weight has a gradient.
# - b) Its running means move towards the new clips, and a clip's vector depends on its batch.
# - c) torch raises an error.
#
# <details><summary>Answer</summary>
#
# **b)** Running means are no weights, and no gradient is needed to move them. In training mode they move with every
# batch, and each batch is normalised by its own mean and deviation. So the network is not the one that was taken
# over. Evaluation mode keeps it; the backbones of the lab stay in it by themselves once they are frozen.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** Frozen features of a genre network and of a network with random weights score the same for a mood.
# What may we conclude?
#
# - a) Either the transfer did not happen, or what genres teach is no help for this mood; compare the weights first.
# - b) Transfer learning does not work for music.
# - c) The mood cannot be predicted.
#
# <details><summary>Answer</summary>
#
# **a)** If nothing was taken over, the two *are* the same kind of network, and one line shows whether it was. If it
# was, the tasks may be too far from each other for these layers. Neither speaks about music in general, and random
# features may score well above 0.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** Forty epochs were scored on the test clips, and the best one is kept and reported, 0.74. The epoch
# of the lowest validation loss has 0.70 on them. What do we report?
#
# - a) 0.74, since that is the better network
# - b) 0.72, the middle of the two
# - c) 0.70
#
# <details><summary>Answer</summary>
#
# **c)** The 0.74 is the largest of forty numbers that all carry the luck of these clips; on other clips its epoch has
# no reason to be the best. The 0.70 was chosen by clips that are not scored, so luck had no part in it.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 8)" is number 8 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **A new network after loading**, as in a public repository that appears to hold the report's code. Count the
#   tensors that are equal before training (mistake 8).
# - **`load_state_dict(..., strict=False)`** takes over what has the same name and is silent about the rest; where all
#   names differ by a prefix, that is everything. Exercise 9a.1 counts.
# - **The optimizer of another network**: made before the weights were taken over into a new one, it moves the old one
#   (mistake 8, its second form).
# - **Frozen in training mode**: weights stay, running means move.
# - **Another standardisation**: layers that were trained on one scale get another. Take it over with the weights.
# - **Albums of the held-out clips in the genre training**: nothing of mood leaks, and still the score is flattered.
# - **The epoch chosen by the clips that are reported.** A milder form of training on them (mistake 9), and as silent.
#
# ## Take-away
#
# 1. Early layers are general, late ones specific; random weights beside them show what was learned at all.
# 2. Frozen features and an exact last layer cost seconds. Try them before anything is fine-tuned, and fine-tune from
#    there.
# 3. Before training, compare the weights with those that were loaded; after it, choose the epoch by clips that are
#    not reported.
#
# **Next:** instead of one task after the other, [lesson 9b](09b_multitask.ipynb) learns three moods at once.
