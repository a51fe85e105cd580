# %% [markdown]
# # 11 What the networks have made of a clip
#
# Before its last layer a network has turned a clip into a vector. The last layer is linear, so all that the network has learned about
# genres beyond straight cuts must lie in these vectors. We look at them: where do the clips of a genre lie, and which network
# keeps the genres apart best?
#
# **What we do.** We *take* the vectors of three networks for clips they were not trained on. We *draw* them in two dimensions, in two ways
# that keep different things. We *measure* how well they part the genres, with numbers that need no picture.
#
# **What we need.** Lessons [5](05_lstm_genre.ipynb) and [7b](07b_cnn_genre.ipynb), whose networks are found or trained; about 50
# minutes and 35 for the exercises, 1 GB of memory, and about a minute to run at the profile `ci`.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader

from labkit import plots
from labkit.evaluation import predict
from labkit.lab import open_lab
from labkit.recipes import GENRE, outlines
from labkit.show import measured, say
from labkit.training import trained

opened = open_lab(profile)
lab, served, note = opened.serving({name: GENRE[name] for name in (
    "LSTM, beat-synchronous mel", "LSTM, mel", "CNN", "transformer")})

# %% tags=["remove-input"]
own = lab is opened
lstm = next(name for name in served if name.startswith("LSTM"))
NAMES = [lstm, *(name for name in ("CNN", "transformer") if name in served)]
say(f"The data of this lesson: {lab.origin}. " + ("" if own or lab.root is opened.root else note + " ")
    + f"The networks: {', '.join(NAMES)}.")

# %% [markdown]
# ## 11.1 The vectors
#
# `features` of a model gives the vector of each clip, the one from which the output layer makes the answer. We take the test clips: of
# a training clip the network may have learned the vector by heart.

# %%
def vectors(model, loader):
    """The vector of each clip before the output layer: (clips, units)."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model.features(x, lengths) for x, _, lengths in loader]).numpy()

# %%
spaces, known, answers = {}, {}, {}
for name in NAMES:
    recipe = GENRE[name]
    train, val, test = lab.loaders(recipe)
    model, _ = trained(name, partial(recipe.network, train), train, val,
                       recipe.training(lab.profile))
    in_order = DataLoader(train.dataset, 64, collate_fn=train.collate_fn)
    spaces[name], known[name] = vectors(model, test), vectors(model, in_order)
    answers[name] = predict(model, test)[0].argmax(axis=1)
    print(f"{name:28} {spaces[name].shape[0]} test clips, {spaces[name].shape[1]} numbers each")

# %% [markdown]
# Two more spaces tell what these are worth. The *outlines* of lesson 5, mean, deviation and mean change of each mel band, are what a linear
# model hears; nothing in them was learned. And the same CNN *before* its training: random weights make vectors too.

# %%
heard, _, test = lab.loaders(GENRE["CNN"])
ours, theirs = outlines(test.dataset), outlines(heard.dataset)
spaces["outlines"], known["outlines"] = ((one - theirs.mean(axis=0)) / theirs.std(axis=0)
                                         for one in (ours, theirs))

torch.manual_seed(0)
untrained = GENRE["CNN"].network(heard)
in_order = DataLoader(heard.dataset, 64, collate_fn=heard.collate_fn)
spaces["untrained CNN"] = vectors(untrained, test)
known["untrained CNN"] = vectors(untrained, in_order)

# %%
whole, places = heard.dataset.dataset, heard.dataset.indices  # the training clips
classes = list(whole.label_transformer.classes_)
truth, groups = test.dataset.targets.numpy(), np.asarray(test.dataset.groups)
labels, albums = whole.targets.numpy()[places], np.asarray(whole.groups)[places]

# %% [markdown]
# ## 11.2 Two directions: PCA
#
# **Principal component analysis** ([Pearson](../book/bibliography.md#pearson1901)) turns the space so that the first axis is the
# direction in which the vectors differ most, the second the one in which they differ most among all that are at a right angle to the first, and so on. It is a
# turn, and then a cut: what lies along the later axes is not seen. The singular value decomposition of the centred vectors gives
# it at once.

# %%
def two_directions(space):
    """Each vector along the two directions of largest variance, and the share of each in it."""
    centred = space - space.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :2] * strengths[:2], strengths[:2] ** 2 / (strengths**2).sum()


flat, shares = {}, {}
for name, space in spaces.items():
    flat[name], shares[name] = two_directions(space)

# %%
from sklearn.decomposition import PCA

scikit = PCA(2, svd_solver="full").fit_transform(spaces["CNN"])
apart = np.abs(np.abs(scikit) - np.abs(flat["CNN"])).max()
assert apart < 1e-3 * np.abs(flat["CNN"]).max()  # up to the sign, which is free

# %% tags=["hide-input"]
SIGNS = [("".join(word[0] for word in genre.split("-")) if "-" in genre else genre[:2]) for genre in classes]


def scattered(points, title, axis):
    """Each clip as the sign of its genre, in a colour of its own as far as eight colours go."""
    for place, sign in enumerate(SIGNS):
        some = points[truth == place]
        axis.scatter(*some.T, marker=f"${sign}$", s=55, linewidths=0.3, color=plots.COLOURS[place % 7])
    axis.set(title=title, xticks=[], yticks=[])
    axis.spines[:].set_visible(True)


def all_scattered(drawn, what):
    figure, axes = plots.figure(columns=3, rows=-(-len(drawn) // 3), height=2.7)
    for axis in axes.flat[len(drawn):]:
        axis.set_visible(False)
    for axis, (points, words) in zip(axes.flat, drawn.values()):
        scattered(points, words, axis)
    plots.show(figure, alt=f"{what} of the vectors of {len(truth)} test clips in {len(drawn)} panels, one for each of {', '.join(drawn)}; "
               "each clip is the sign of its genre. The numbers of section 11.4 say how far the genres are apart in each.")


all_scattered({name: (flat[name], f"{name}: {shares[name].sum():.0%} of the variance") for name in flat}, "The first two principal components")
say("; ".join(f"{sign} = {genre}" for sign, genre in zip(SIGNS, classes)) + ".")

# %% tags=["remove-input"]
measured(own, **{f"pca_share_{place}": float(shares[name].sum()) for place, name in enumerate(NAMES)})
most = max(shares, key=lambda name: shares[name].sum())
say(f"Two axes hold between {min(one.sum() for one in shares.values()):.0%} and {shares[most].sum():.0%} of the variance, the most for {most}. "
    "What the picture leaves out can be the part in which two genres differ. A direction of large variance need not be one that parts genres: "
    "loudness alone can make one.")

# %% [markdown]
# ## 11.3 Neighbours: t-SNE
#
# **t-SNE** ([van der Maaten and Hinton](../book/bibliography.md#vandermaaten2008)) asks another question: who is near to whom? For
# each clip it turns the distances to all others into probabilities of being a neighbour, and looks for places in the plane that give nearly the
# same ones. The *perplexity* is about how many neighbours count. What it keeps is neighbourhood, and that alone: distances between groups,
# their sizes and their density mean nothing in the picture, and another seed gives another one
# ([Wattenberg et al.](../book/bibliography.md#wattenberg2016)).

# %%
from sklearn.manifold import TSNE

perplexity = max(2, min(15, len(truth) // 4))
near = {name: TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(space)
        for name, space in spaces.items()}

# %% tags=["remove-input"]
all_scattered({name: (points, name) for name, points in near.items()}, f"t-SNE with perplexity {perplexity}")

# %% [markdown]
# Does a picture with clumps prove that there are groups? We give t-SNE numbers drawn at random, without any groups, as many and as long
# as the vectors of the CNN, and colour them with the genres of the clips; and once more with few neighbours.

# %%
noise = np.random.default_rng(0).standard_normal(spaces["CNN"].shape)
drawn = {f"noise, perplexity {number}": TSNE(perplexity=number, init="pca",
                                             random_state=0).fit_transform(noise)
         for number in dict.fromkeys((2, perplexity))}
drawn["CNN, another seed"] = TSNE(perplexity=perplexity, init="random",
                                  random_state=1).fit_transform(spaces["CNN"])

# %% tags=["remove-input"]
all_scattered({name: (points, name) for name, points in drawn.items()}, "t-SNE of drawn numbers, and of the CNN from another beginning,")
say("Noise makes clumps too where few neighbours count. Clumps alone prove nothing; that clips of one genre stand together, whose genres t-SNE was not told, does. "
    "And from another beginning the same vectors lie elsewhere: compare who stands beside whom, not where.")

# %% [markdown]
# ## 11.4 Which parts the genres best?
#
# Pictures are for looking; the decision takes numbers, in the space itself. Two of them, neither of which trains anything:
#
# - **Neighbours.** A test clip gets the genre that most of the five nearest *training* clips have, those of *other albums* alone: one of the
#   same album would be recognised by its sound. What comes out right can be compared clip by clip, as in lesson 6.
# - **Silhouette** ([Rousseeuw](../book/bibliography.md#rousseeuw1987)): for each clip the mean distance to the clips of its own genre,
#   $a$, and of the nearest other genre, $b$; the score is $(b - a) / \max(a, b)$, from -1 to 1. It asks for round, equally dense groups.
#
# Distances are the cosine kind, between directions: the spaces have scales of their own.

# %%
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_distances


def by_neighbours(space, reference, count=5):
    """For each test clip the genre of most of its nearest training clips of other albums."""
    distances = cosine_distances(space, reference)
    distances[groups[:, None] == albums] = np.inf
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :count]
    votes = np.eye(len(classes))[labels[nearest]].sum(axis=1)
    votes += 0.5 * np.eye(len(classes))[labels[nearest[:, 0]]]  # the nearest decides a draw
    return votes.argmax(axis=1)


guessed = {name: by_neighbours(space, known[name]) for name, space in spaces.items()}

# %%
from labkit.evaluation import accuracy, bootstrap, compare

scores = {name: bootstrap(accuracy, one, truth, groups=groups) for name, one in guessed.items()}
silhouettes = {name: silhouette_score(space, truth, metric="cosine")
               for name, space in spaces.items()}

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.36 * len(spaces) + 0.8)
plots.intervals(axis, {name: scores[name] for name in spaces}, label="test clips whose neighbours vote for their genre", spec=".0%")
axis.axvline(np.bincount(truth).max() / len(truth), color="0.6", linestyle=":")
plots.show(figure, alt="Share of the test clips whose five nearest training clips of other albums vote for their genre, with 95 % intervals: "
           + "; ".join(f"{name} {scores[name]:.0%}" for name in spaces) + f". Dotted: the most frequent genre, {np.bincount(truth).max() / len(truth):.0%}.")

# %% tags=["remove-input"]
say("| space | by neighbours | silhouette of the test clips | of the training clips | the network's own answers |\n|---|--:|--:|--:|--:|\n" + "\n".join(
    f"| {name} | {scores[name].value:.0%} | {silhouettes[name]:.2f} | {silhouette_score(known[name], labels, metric='cosine'):.2f} | "
    f"{f'{accuracy(answers[name], truth):.0%}' if name in answers else ''} |" for name in spaces))

# %% tags=["remove-input"]
ranked = sorted(spaces, key=lambda name: -scores[name].value)
measured(own, **{f"neighbours_{name.replace(',', '').replace(' ', '_')}": scores[name].value for name in spaces})


def beyond(one, other):
    found = compare(accuracy, guessed[one], guessed[other], truth, groups=groups)
    return found.is_beyond_noise and found.difference.value > 0


weaker = [name for name in ranked[1:] if beyond(ranked[0], name)]
say(f"By neighbours **{ranked[0]}** parts the genres best in this run, {scores[ranked[0]]:.0%}. "
    + (f"Beyond the noise it is ahead of {', '.join(weaker)}. " if weaker else "It is not ahead of any other beyond the noise. ")
    + ("The silhouette agrees. " if max(silhouettes, key=silhouettes.get) == ranked[0] else
       f"The silhouette puts {max(silhouettes, key=silhouettes.get)} first: it asks for another shape of groups. ")
    + f"A silhouette of {max(silhouettes.values()):.2f} at best means that "
    + ("the genres overlap widely, whatever the pictures suggest." if max(silhouettes.values()) < 0.25 else "the genres stand apart."))

# %% tags=["remove-input"]
learned = [name for name in NAMES if beyond(name, "untrained CNN")]
above = [name for name in NAMES if beyond(name, "outlines")]
say("What did the training add? " + (f"Ahead of the untrained CNN beyond the noise: {', '.join(learned)}. " if learned else
                                      "No trained space is ahead of the untrained CNN beyond the noise. ")
    + (f"Ahead of the outlines, in which nothing was learned: {', '.join(above)}." if above else
       "None is ahead of the outlines, in which nothing was learned: their neighbours are as good a guide here."))

# %% [markdown]
# The last column is what the output layer makes of the same vectors. Neighbours look at all directions of a space alike; the
# layer has learned which ones matter.
#
# Now the two columns of silhouettes. A space can part the genres of its *training* clips well and those of new clips hardly at
# all. That is the common way to a picture that is too good: drawn with the clips that a network was trained on, its groups look clean
# because they were learned by heart.

# %% tags=["remove-input"]
of_training = silhouette_score(known["CNN"], labels, metric="cosine")
measured(own, silhouette_training=float(of_training), silhouette_test=float(silhouettes["CNN"]))
say(f"The CNN's space has a silhouette of {of_training:.2f} for its {len(labels)} training clips and of {silhouettes['CNN']:.2f} for the test clips. "
    + ("That is how much a picture of training clips would flatter." if of_training > silhouettes["CNN"] else
       "In this run the training clips are parted no better."))

# %% [markdown]
# ## 11.5 Listen
#
# Which clip lies nearest to a given one, and of another genre? We play the two clips of different genres and albums that lie nearest to each
# other in the space of the CNN.

# %% tags=["hide-input"]
from labkit.corpus import sound
from labkit.show import listen

ids = test.dataset.ids
playable = ({clip: partial(sound, lab.composed, clip) for clip in ids} if lab.root is None else
            {clip: one.sound for clip in ids for one in lab.recordings() if not one.is_fallback and one.id.lstrip("0") == clip.lstrip("0")})
far = cosine_distances(spaces["CNN"])
far[(truth[:, None] == truth) | (groups[:, None] == groups)] = np.inf
far[[place for place, clip in enumerate(ids) if clip not in playable]] = np.inf
far[:, [place for place, clip in enumerate(ids) if clip not in playable]] = np.inf
if np.isfinite(far).any():
    for number, place in enumerate(np.unravel_index(far.argmin(), far.shape), start=1):
        listen(playable[ids[place]]()[:8 * 22_050], f"lesson_11_{number}", f"{classes[truth[place]]}, clip {ids[place]}")
else:
    say("These data hold no sound of the test clips, so there is nothing to play here.")

# %% [markdown]
# What do the two share: a tempo, an instrument, a loudness, a way of recording? The network has no other word for what it
# hears than this nearness.

# %% [markdown]
# ## Exercises
#
# The pieces of this lesson once more, by hand: the directions (11.1), the silhouette (11.2), and a picture's honesty (11.3).
# `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 11.1 · A space seen from another one's axes** (10 minutes).
#
# `two_directions` finds axes and draws the same clips along them. To put *new* clips into an old picture, the mean and the
# axes must be the old ones. Write `placed(space, new)`: the two directions of largest variance of `space` (N, D), and along them the
# vectors `new` (M, D), measured from the mean of `space`: (M, 2). `np.linalg.svd` of the centred vectors gives the
# directions as the first rows of its third answer. The sign of each direction is free.
#
# *Solved when* it agrees with scikit-learn's `PCA(2).fit(space).transform(new)`, up to the signs, to one part in ten thousand.

# %% tags=["exercise"]
# Exercise 11.1
def placed(space, new):
    """New vectors (M, D) along the two principal directions of a space (N, D): (M, 2)."""
    middle = space.mean(axis=0)
    directions = np.linalg.svd(space - middle, full_matrices=False)[2][:2]  # solution
    return (new - middle) @ directions.T  # solution

# %% tags=["check"]
check("11.1")

# %% [markdown]
# **Exercise 11.2 · The silhouette of a clip** (15 minutes).
#
# Write `silhouettes_of(distances, labels)` for a matrix of distances (N, N) and a genre for each clip: one number for each clip,
# $(b - a) / \max(a, b)$. $a$ is the mean distance to the *other* clips of its genre, $b$ the smallest of the mean distances to the clips
# of each other genre. A clip that is alone in its genre gets 0. There are at least two genres.
#
# *Solved when* it agrees with scikit-learn's `silhouette_samples`. Below, the silhouettes of two groups that overlap.

# %%
target("11.2")

# %% tags=["exercise"]
# Exercise 11.2
def silhouettes_of(distances, labels):
    """The silhouette of each clip: (N,)."""
    found = np.zeros(len(labels))
    for clip, genre in enumerate(labels):
        same = labels == genre
        if same.sum() > 1:
            # solution: begin
            a = distances[clip, same].sum() / (same.sum() - 1)  # its distance to itself is 0
            b = min(distances[clip, labels == other].mean() for other in set(labels) - {genre})
            found[clip] = (b - a) / max(a, b)
            # solution: end
    return found

# %% tags=["check"]
check("11.2")

# %% [markdown]
# **Exercise 11.3 · What the picture keeps** (15 minutes).
#
# How honest is a picture? Write `kept_neighbours(space, picture, count)`: of the `count` nearest others of each clip in the `space`, the share
# that is also among its `count` nearest in the `picture`, on average over all clips. Both are matrices of distances (N, N). A
# clip is no neighbour of itself. No two distances of a clip are equal.
#
# *Solved when* it agrees with ours on drawn spaces: 1 for the space itself, and about `count / (N - 1)` for a picture that has nothing to do with
# it.

# %% tags=["exercise"]
# Exercise 11.3
def kept_neighbours(space, picture, count):
    """The share of the nearest neighbours in a space that a picture keeps, in [0, 1]."""
    kept = []
    for here, there in zip(space, picture):
        clip = len(kept)  # the row we are at
        # solution: begin
        near = [set(np.argsort(np.delete(one, clip))[:count]) for one in (here, there)]
        # solution: end
        kept.append(len(near[0] & near[1]) / count)  # solution
    return np.mean(kept)

# %% tags=["check"]
check("11.3")

# %% [markdown]
# Once it is correct, `kept_neighbours(euclidean_distances(spaces["CNN"]), euclidean_distances(near["CNN"]), 5)`, with
# `euclidean_distances` of scikit-learn, says how many of five neighbours t-SNE keeps, and with `flat["CNN"]` how many PCA does.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** In a t-SNE picture Jazz lies far from Metal and near to Blues. What follows?
#
# - a) Jazz is more similar to Blues than to Metal.
# - b) Nothing about the distances of these three groups; that Jazz clips stand together, however, says that they are near to each other in the
#   space.
# - c) Nothing at all.
#
# <details><summary>Answer</summary>
#
# **b)** t-SNE keeps who is near to whom, not how far groups are from each other: another seed may exchange their places. To compare
# distances between genres, measure them in the space.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** The first two principal components hold 30 % of the variance, and in the picture two genres lie on top of each other. Can a
# linear layer part them?
#
# - a) Possibly: they may lie apart along the other directions.
# - b) No: what PCA cannot part, no linear layer can.
# - c) Yes, always: variance and separation are the same.
#
# <details><summary>Answer</summary>
#
# **a)** The picture shows two directions of many, chosen for variance, not for separation. 70 % of the variance is not in it. The layer looks
# at all directions.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** The nearest neighbour of a clip is of its genre in 80 % of the cases; when clips of the same album may not count, in 50 %. Which one tells
# what the space knows about genres?
#
# - a) 80 %, because it uses all clips.
# - b) 50 %, because what is shared within an album, such as players, room and mastering, is not the genre.
# - c) The mean of both.
#
# <details><summary>Answer</summary>
#
# **b)** Clips of an album are near to each other in any space that hears sound. It is the album leak of
# [lesson 4](04_dataset.ipynb) once more.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **Training clips drawn.** Their groups are clean because they were learned by heart.
# - **Distances read from t-SNE**, or the size of its groups. It keeps neighbours alone.
# - **One perplexity, one seed.** Draw two of each before you believe a clump.
# - **PCA of vectors that were not centred**, or of features in different units: the first axis is then the mean, or the feature with the
#   largest numbers.
# - **The pictures compared by eye.** Measure in the space: by neighbours of other albums, with an interval.
#
# ## Take-away
#
# 1. The vector before the output layer is what a network has made of a clip. Look at it for clips that it was not trained on.
# 2. PCA is a turn and a cut; t-SNE keeps neighbours and gives up everything else.
# 3. A picture asks a question. Neighbours of other albums answer it, with an interval.
#
# **Next:** all of this on clips of one's own: [lesson 12](12_your_own_music.ipynb).
