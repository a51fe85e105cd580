# %% [markdown]
# # 4 From files to batches, and the album leak
#
# A model never sees a folder. It sees batches: arrays of equal shape, with labels as numbers. Much can go wrong on the way
# from one to the other, and most of it goes wrong silently. This lesson takes the way step by step.
#
# **What we do.** We *write* a small dataset class and then use the complete one. We *merge* and *drop* classes and look at
# the histograms before and after. We *find* a leak in the usual split, and *measure* what it flatters.
#
# **What we need.** Lessons [1](01_spectrograms.ipynb) to [3](03_chromagrams.ipynb); about 45 minutes and 35 for the
# exercises, a minute to run, 1 GB of memory.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from collections import Counter

import numpy as np
import torch
from torch.utils.data import Dataset

from labkit import plots
from labkit.datasets import list_clips, read_labels, read_spectrogram
from labkit.lab import open_lab
from labkit.show import measured, say

lab = open_lab(profile)
folder = lab.dataset("genre")
if not folder.has_test_labels:
    folder = lab.composed_only().dataset("genre")

# %% tags=["remove-input"]
if not lab.dataset("genre").has_test_labels:
    say("These data have no test part with labels, so this lesson takes its genres from the composed corpus.")
say(lab.note("genre", "genre_beat", "multitask", "chroma"))

# %% [markdown]
# ## 4.1 Reading the labels
#
# A label file tells which clip has which genre. Compare its names with the files on the disk.

# %%
for part in ("train", "test"):
    lines = (folder.path / f"{part}_labels.txt").read_text(encoding="utf-8").splitlines()
    print(part, "labels:", lines[1:3])
    files = list_clips(folder.path, part).values()
    print(part, "files: ", sorted(file.name for file in files)[:2])

# %% [markdown]
# Do the names fit? The course's own label files put three different endings behind the id, and the mood labels come in a
# file with commas in place of tabs, where the ids have no ending at all. One rule covers them all: **the id is what stands before the
# first dot**. `read_labels` and `find_clip` use it.

# %%
labels = {part: read_labels(folder.path, part) for part in ("train", "test")}
lines = (folder.path / "train_labels.txt").read_text(encoding="utf-8").splitlines()
exact = sum((folder.path / "train" / line.split("\t")[0]).is_file() for line in lines[1:])
on_disk = list_clips(folder.path, "train")  # once, not once for each clip
by_id = sum(id in on_disk for id in labels["train"])

# %% tags=["remove-input"]
say(f"Of {len(labels['train'])} training labels, {exact} name a file that exists as written; by id we find {by_id}.")

# %% [markdown]
# ## 4.2 A dataset class
#
# PyTorch asks two things of a dataset: how many items it has, and item number $i$. Everything else, batches, shuffling,
# loading in parallel, is done by a `DataLoader`.

# %%
class TinyDataset(Dataset):
    """Clips and genres of one folder, read when they are asked for."""

    def __init__(self, path, part):
        labels = read_labels(path, part)
        clips = list_clips(path, part)
        self.files = [clips[id] for id in labels]
        self.genres = sorted(set(labels.values()))
        self.targets = [self.genres.index(genre) for genre in labels.values()]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, i):
        return torch.from_numpy(read_spectrogram(self.files[i], "mel")), self.targets[i]

# %%
tiny = TinyDataset(folder.path, "train")
x, y = tiny[0]
print(f"{len(tiny)} items; the first: {tuple(x.shape)} {x.dtype}, label {y} = {tiny.genres[y]}")

# %% [markdown]
# It works, and it has two faults that we meet again below: it would number the genres of the test part *on its own*, and it
# cannot make a batch of clips of unequal length. `SpectrogramDataset` is the complete class. Its parts, with the names that
# students of the course know:
#
# | part | what it does |
# |---|---|
# | `get_files_labels(txt, class_mapping)` | reads the label file, maps or drops genres, finds the files |
# | `read_spectrogram(file, feat_type)` | one file as time x features: `"mel"` (128), `"chroma"` (12) or `"fused"` (140) |
# | `LabelTransformer` | genre to number and back; fitted on the *training* labels, for both parts |
# | `PaddingTransform(max_length, padding_value)` | pads a clip to a length, or cuts it |
# | `regression_label_index` | for mood clips: which of the three numbers is the label |
# | `max_per_class` | takes at most so many clips of a class, whole albums, for a short run |
# | `packed` | reads from one file in the cache, made at first use: see 4.7 |
# | `__len__`, `__getitem__` | how many clips; number $i$ as `(clip, label, length)` |
# | `collate_padded` | clips of unequal length to one batch, padded with silence |
# | `torch_train_val_split` | two loaders, for training and validation |

# %%
from labkit.datasets import CLASS_MAPPING, SpectrogramDataset

known = set(labels["train"].values()) <= set(CLASS_MAPPING)
mapping = CLASS_MAPPING if known else None  # other data, other genres: keep them as they are
limit = lab.profile.max_per_class  # of large data a reduced run takes a part, whole albums
train = SpectrogramDataset(folder.path, class_mapping=mapping, max_per_class=limit)
test = SpectrogramDataset(folder.path, class_mapping=mapping, max_per_class=limit, train=False,
                          label_transformer=train.label_transformer)
x, y, length = train[0]
print(f"{len(train)} training and {len(test)} test clips; the first: {tuple(x.shape)}, "
      f"label {int(y)} = {train.label_transformer.inverse(int(y))}, {int(length)} frames")

# %% [markdown]
# ## 4.3 Merging and dropping classes
#
# How many clips does each genre have, and are all of them worth asking for?

# %% tags=["hide-input"]
before = Counter(labels["train"].values())
after = Counter()
for genre, count in before.items():
    target = mapping[genre] if mapping else genre
    if target is not None:
        after[target] += count
figure, axes = plots.figure(columns=2, height=0.24 * max(len(before), 7) + 0.8)
plots.counts(axes[0, 0], dict(before.most_common()), title=f"before: {len(before)} genres")
plots.counts(axes[0, 1], dict(after.most_common()), title=f"after: {len(after)} classes", colour=plots.COLOURS[2])
plots.show(figure, alt="Two bar charts of training clips. Before: "
                       + ", ".join(f"{name} {count}" for name, count in before.most_common()) + ". After: "
                       + ", ".join(f"{name} {count}" for name, count in after.most_common()) + ".")

# %%
targets = {genre: CLASS_MAPPING.get(genre) for genre in before}
merged = {genre: target for genre, target in targets.items() if target not in (None, genre)}
dropped = [genre for genre, target in targets.items() if target is None]
top = after.most_common(1)[0]
asked = [mapping[genre] if mapping else genre for genre in labels["test"].values()]
majority = np.mean([label == top[0] for label in asked if label is not None])

# %% tags=["remove-input"]
measured(genres_before=len(before), classes_after=len(after), majority_baseline=majority)
if mapping is None:
    say("These data have genres that the course's mapping does not know, so all are kept (`class_mapping=None`).")
else:
    say("Merged: " + ("; ".join(f"{genre} into {target}" for genre, target in merged.items()) or "nothing")
        + ". Dropped: " + (", ".join(dropped) or "nothing") + ".")
say(f"The largest class is {top[0]}. Whoever always answers {top[0]} is right for {majority:.1%} of the test clips: "
    "the *majority baseline*, below which no model is worth its name.")

# %% [markdown]
# Why merge, why drop? The course gives no reasons; these may be some. Psych-Rock and Rock, or Punk and Metal, share
# instruments and much of their sound, so that whoever confuses them makes the smaller mistake, and each merged class has more
# clips to learn from. *International* and *Soundtrack* say where music comes from and what it is for, rather than how it
# sounds. *Indie-Rock* and *Post-Punk* could be counted to Rock, Pop or Punk, and any choice would blur a class. In the course's data this turns 20 genres into 10 classes, from 3069
# clips into 2305, with a majority baseline of 17.9 %. It is a decision, not a fact, and it costs: nothing is learned about
# what was dropped, and the classes are now unequal, which lesson 6 has to weigh.

# %% [markdown]
# ## 4.4 Padding
#
# A batch is one array, so its clips must have one length. Whole clips differ by a frame or two; beat-synchronous ones
# differ a lot. Shorter clips are **padded** at the end, and the true length travels with them.

# %% tags=["hide-input"]
beat = lab.dataset("genre", beat=True)
beats = SpectrogramDataset(beat.path, class_mapping=None)
lengths = np.array(beats.frames())
figure, (axis,) = plots.figure(height=2.0)
axis.hist(lengths, bins=np.arange(lengths.min(), lengths.max() + 2) - 0.5)
axis.set(xlabel="columns of a beat-synchronous clip", ylabel="clips")
axis.locator_params(integer=True)
plots.show(figure, alt=f"Histogram of the lengths of beat-synchronous clips, from {lengths.min()} to {lengths.max()} "
                       f"columns, median {np.median(lengths):.0f}.")

# %% [markdown]
# With what do we pad? The obvious value, zero, is the worst: in dB below the maximum, 0 is the *loudest* value there is.
# Silence is -80.

# %% tags=["hide-input"]
from labkit.datasets import PaddingTransform

shortest = read_spectrogram(beats.files[int(lengths.argmin())], "mel")
longest = int(lengths.max())
figure, axes = plots.figure(rows=2, height=1.9)
for axis, value in zip(axes, (0, -80)):
    padded = PaddingTransform(longest, padding_value=value)(shortest)
    plots.spectrogram(axis, padded.T, 1, beat.meta.fmax, title=f"padded with {value} dB")
    axis.axvline(len(shortest), color="white", linestyle=":")
    axis.set(xlabel="beat")
plots.show(figure, alt=f"A clip of {len(shortest)} columns padded to {longest}: with 0 dB the padding is a bright block, "
                       "brighter than the music; with -80 dB it is black.")

# %% [markdown]
# The bright block would be the loudest part of the clip. Padding is also computed like music, so we want little of it. If
# each batch is padded only to *its own* longest clip, and clips of like length come together, there is less. How much less?
# We need only the lengths.

# %%
def padded_share(order, batch=32):
    """Share of all columns that are padding when clips come in this order."""
    batches = [lengths[order[start:start + batch]] for start in range(0, len(order), batch)]
    padded = sum(len(one) * one.max() for one in batches)
    return 1 - lengths.sum() / padded


shuffled = np.random.default_rng(0).permutation(len(lengths))
everything = 1 - lengths.mean() / longest
shares = {"all to the longest of all": everything,
          "to the longest of the batch": padded_share(shuffled),
          "sorted by length first": padded_share(np.argsort(lengths))}
for way, share in shares.items():
    print(f"{share:6.1%} of the columns are padding: {way}")

# %% tags=["remove-input"]
measured(not beat.is_fallback, padding_all=everything, padding_batch=shares["to the longest of the batch"],
         padding_sorted=shares["sorted by length first"])

# %% [markdown]
# Sorting has a price: clips of like length are clips of like tempo, and batches that are the same in each epoch are no fair
# sample. A compromise: lengths are blurred by up to a tenth, anew in each epoch, batches are drawn from neighbours, and
# the batches are shuffled. How much padding is left?

# %%
from labkit.datasets import BucketSampler

drawn = torch.Generator().manual_seed(0)
buckets = list(BucketSampler(lengths, batch_size=32, generator=drawn))
columns = sum(len(batch) * lengths[batch].max() for batch in buckets)
in_buckets = 1 - lengths.sum() / columns
print(f"{in_buckets:6.1%} of the columns are padding: neighbours in length, shuffled")

# %% tags=["remove-input"]
measured(not beat.is_fallback, padding_buckets=in_buckets)

# %% [markdown]
# `torch_train_val_split`, which comes next, makes such batches with `bucket=True`.
#
# ## 4.5 Training, validation, test
#
# The **training** part is what the model learns from. The **validation** part is looked at while we choose: the learning
# rate, the best epoch. The **test** part is looked at once, at the end. A clip that serves two of these purposes spoils
# the answer. `torch_train_val_split` draws the validation part from the training part, with a seed, so that the next cell
# and the next run get the same one, and with the same share of each class.

# %%
from labkit.datasets import torch_train_val_split

train_loader, val_loader = torch_train_val_split(train, batch_train=32, batch_eval=64,
                                                 val_size=0.2, seed=42)
x, y, frames = next(iter(train_loader))
print(f"a batch: x {tuple(x.shape)}, y {tuple(y.shape)}, lengths {tuple(frames.shape)}")
sizes = len(train_loader.dataset), len(val_loader.dataset)
print(f"{sizes[0]} clips for training, {sizes[1]} for validation")

# %% [markdown]
# ## 4.6 The album leak
#
# The ids of the course's clips are FMA track ids. Tracks of one album were uploaded together, so their ids are neighbours.
# What does a split that draws *tracks* at random do to albums? For each test clip we ask whether a training clip stands
# next to it.

# %%
from labkit.datasets import album_leak, neighbour_leak

ids = {part: list(labels[part]) for part in labels}  # all of them, also in a reduced run
leak = neighbour_leak(ids["train"], ids["test"], distance=5)
shared = album_leak(ids["train"], ids["test"], folder.root)
by_list = (folder.root / "groups.txt").is_file()  # else albums are runs of neighbouring ids

# %% tags=["remove-input"]
measured(leak_neighbour_1=leak[1], leak_neighbour_5=leak[5], test_clips_with_known_album=shared)
say(f"Here {leak[1]:.0%} of the test clips have a training clip with an id right beside theirs, and {leak[5]:.0%} have one "
    f"within five. {shared:.0%} of the test clips share an album with a training clip, by "
    f"{'the list of albums that comes with the data' if by_list else 'runs of ids no more than ten apart'}. In the course's "
    "data the first two are 54 % and 81 %.")
if shared == 0 and by_list:
    say("Whoever split these data kept albums apart: their test part does not leak. A split that we draw ourselves might.")
elif shared == 0:
    say("By their ids these clips share no album; if the ids are a mere numbering, that tells nothing.")

# %% [markdown]
# Tracks of an album share the artist, the instruments, the studio and the mastering. A model that recognises the *album*
# then scores well on a test that contains it, and fails on the next artist. This *album effect* is old news:
# [Flexer and Schnitzer](../book/bibliography.md#flexer2010) quote a collection on which the accuracy fell from 71 to 27 %
# once no artist was on both sides.
#
# In the composed corpus we built it in: pieces of one album lie near to each other in tempo, and often share players, room
# and key. How often is a dial of ours, so the size of the gap there says nothing. That we find it shows that the method
# works; whether records have it, only records can tell, and [they do](../book/real_music.md). We describe each clip by the
# mean and the standard deviation of each mel band, all genres this time, and ask first: the clip that is *most like* this
# one, is it of the same album? Clips of an album are of one genre, as a rule, and clips of one genre are alike in any case. So
# we count only clips whose nearest clip is of their own genre, and compare with a clip of that genre drawn at random.

# %%
from sklearn.preprocessing import StandardScaler

every = SpectrogramDataset(folder.path, class_mapping=None, max_per_class=limit)
features = np.array([torch.cat([clip.mean(dim=0), clip.std(dim=0)]).numpy()
                     for clip, _, _ in (every[i] for i in range(len(every)))])
targets, groups = np.array(every.labels), np.array(every.groups)
points = torch.from_numpy(StandardScaler().fit_transform(features))
distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
nearest = distances.argmin(dim=1).numpy()
alike = np.flatnonzero(targets[nearest] == targets)  # their nearest clip is of their genre
same_album = np.mean(groups[nearest[alike]] == groups[alike])
others = [np.delete(groups, i)[np.delete(targets, i) == targets[i]] == groups[i] for i in alike]
by_chance = np.mean([of_genre.mean() for of_genre in others])

# %% tags=["remove-input"]
measured(nearest_clip_of_same_album=same_album, same_album_by_chance=by_chance)
say(f"Of {len(every)} clips, {len(alike)} have a nearest clip of their own genre. For **{same_album:.0%}** of these it is of "
    f"the same album; another clip of the genre, drawn at random, would be for {by_chance:.0%}.")

# %% [markdown]
# Now the flattery itself. A linear classifier is trained on four fifths of the clips and scored on the rest. We draw the
# rest in both ways, by track and by album, twenty times each. Compare the two rows of dots.

# %% tags=["remove-input"]
import warnings

warnings.filterwarnings("ignore", message="The number of unique classes")  # few clips of many genres: profile smoke

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from labkit.datasets import split_indices


def accuracy(albums, seed):
    """Accuracy on a random fifth: of the clips (albums=None), or of whole albums."""
    fit, held = split_indices(len(targets), 0.2, seed=seed, labels=targets, groups=albums)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    return model.fit(features[fit], targets[fit]).score(features[held], targets[held])


by_track = np.array([accuracy(None, seed) for seed in range(20)])
by_album = np.array([accuracy(every.groups, seed) for seed in range(20)])

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=1.9)
for row, values in enumerate((by_track, by_album)):
    spread = np.random.default_rng(0).uniform(-0.15, 0.15, 20)
    axis.plot(values, row + spread, "o", alpha=0.6, markersize=5)
    axis.plot([values.mean()] * 2, [row - 0.3, row + 0.3], color="black", linewidth=2)
axis.set_yticks([0, 1], ["tracks drawn", "albums drawn"])
axis.set(xlabel="accuracy on the held-out fifth", ylim=(1.6, -0.6))
plots.show(figure, alt=f"Accuracies of twenty random splits: drawn by track they centre on {by_track.mean():.2f}, drawn "
                       f"by album on {by_album.mean():.2f}.")

# %% [markdown]
# Is the gap more than chance? Twenty splits of the same clips are not twenty experiments, because they share most of their
# clips. [Nadeau and Bengio](../book/bibliography.md#nadeau2003) correct for that: the variance is multiplied by
# $1/20 + 1/4$, the second term being the share of held-out to training clips, in place of $1/20$ alone. They assume
# independent clips, which clips of one album are not, so we take the interval as a rough one.

# %%
from scipy import stats

gap = by_track - by_album
error = np.sqrt((1 / 20 + 0.2 / 0.8) * gap.var(ddof=1)) * stats.t.ppf(0.975, df=19)

# %% tags=["remove-input"]
measured(accuracy_track_split=by_track.mean(), accuracy_album_split=by_album.mean(),
         album_gap=gap.mean(), album_gap_half_interval=error)
fewest = min(len(set(groups[targets == genre])) for genre in set(targets))
if fewest < 3:
    verdict = f"One genre has only {fewest} album(s) here, too few for this comparison: take a larger profile."
elif gap.mean() > error:
    verdict = "The split by tracks flatters the model."
else:
    verdict = "With these data the gap cannot be told from chance."
say(f"On average {by_track.mean():.1%} when tracks are drawn, {by_album.mean():.1%} when albums are drawn: a gap of "
    f"{100 * gap.mean():.0f} points, give or take {100 * error:.0f} (a rough 95 % interval, {len(set(groups))} "
    f"albums). **{verdict}**")

# %% [markdown]
# The model is the same both times. Only the question differs: by album it is *do you know this genre?*, by track also *do
# you know this album?*
#
# So validation parts in this book are drawn by album: `torch_train_val_split(..., groups=train.groups)`. The official test
# part of the course is what it is; where we report on it we say so, because it flatters every published number in the same
# direction, by how much is not known, and perhaps not each model equally.

# %%
loaders = torch_train_val_split(train, 32, 64, val_size=0.2, seed=42, groups=train.groups)
fit, held = ({train.groups[i] for i in loader.dataset.indices} for loader in loaders)
print(f"albums for training {len(fit)}, for validation {len(held)}, in both {len(fit & held)}")

# %% [markdown]
# ## 4.7 Scales, and what fits into memory
#
# A fused clip has mel rows in [-80, 0] and chroma rows in [0, 1]. A network starts with weights of one size for all rows.
# Which rows will it notice? We add up sums over the training clips, one clip at a time, so that memory stays small.

# %%
fused_folder = lab.dataset("genre", needs="fused")
fused = SpectrogramDataset(fused_folder.path, class_mapping=None, feat_type="fused",
                           max_per_class=limit)
fit, held = split_indices(len(fused), val_size=0.2, seed=42, groups=fused.groups)

# %%
def row_statistics(indices):
    """Mean, standard deviation and mean size of each of the 140 rows over these clips."""
    frames, sums = 0, torch.zeros(3, 140, dtype=torch.double)
    for clip in (fused[i][0].double() for i in indices):
        frames += len(clip)
        sums += torch.stack([clip.sum(dim=0), clip.square().sum(dim=0), clip.abs().sum(dim=0)])
    mean, square, size = (sums / frames).numpy()
    return mean, np.sqrt(np.maximum(square - mean**2, 1e-12)), size


mean, deviation, size = row_statistics(fit)

# %% tags=["remove-input"]
mel_size, chroma_size = size[:128].mean(), size[128:].mean()
measured(not fused_folder.is_fallback, size_mel=mel_size, size_chroma=chroma_size)
if fused_folder.is_fallback:
    say(lab.note("chroma"))
say(f"A mel value is {mel_size:.0f} in size on average, a chroma value {chroma_size:.2f}: {mel_size / chroma_size:.0f} "
    "times smaller.")

# %% [markdown]
# The cure is to **standardise** each row: subtract its mean, divide by its standard deviation. Both are computed on the
# training clips alone. Whoever computes them on all clips has looked at the test. On held-out clips the rows then come out
# near mean 0 and deviation 1, not exactly so.

# %%
held_mean, held_deviation, _ = row_statistics(held)
new_mean, new_deviation = (held_mean - mean) / deviation, held_deviation / deviation

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.2)
axis.plot(new_mean, label="mean")
axis.plot(new_deviation, label="standard deviation")
axis.axvline(127.5, color="0.6", linestyle=":")
axis.text(129, 1.7, "chroma", fontsize=8)
axis.set(xlabel="row of the fused clip", ylabel="on the held-out clips", ylim=(-1, 2))
axis.legend(ncols=2, loc="lower left")
plots.show(figure, alt="Mean and standard deviation of each of the 140 standardised rows on held-out clips: the means lie "
                       f"between {new_mean.min():.2f} and {new_mean.max():.2f}, the deviations between "
                       f"{new_deviation.min():.2f} and {new_deviation.max():.2f}.")

# %% [markdown]
# In a network this step is a layer in front of all others. `Standardise` is that layer. It is saved with the weights, so that
# whoever loads the model scales new clips as the training did. Padding needs no care: -80 dB becomes what silence is after the
# step.

# %%
from labkit.datasets import Standardise

standardise = Standardise.fit(fused, fit)
x, _, length = fused[held[0]]
print(f"{tuple(x.shape)} in, {tuple(standardise(x).shape)} out; means differ from ours by "
      f"at most {np.abs(standardise.mean.numpy() - mean).max():.1e}")

# %% [markdown]
# And memory? Nobody has to keep all clips in it. At its first use `SpectrogramDataset` *packs* a split: it writes all clips
# one after the other as 16-bit numbers, mel rows into one file and chroma rows into another, which later runs map into memory
# and read where they need them. Sixteen bits round a mel value. By how much?

# %%
from_file = SpectrogramDataset(folder.path, class_mapping=mapping, max_per_class=limit,
                               packed=False)
some = range(min(20, len(train)))
rounding = max((train[i][0] - from_file[i][0]).abs().max().item() for i in some)

# %% tags=["remove-input"]
measured(pack_rounding_db=rounding)
say(f"By at most {rounding:.3f} dB in {len(some)} clips. Between 64 and 128, 16-bit numbers lie 1/16 apart, so that no value moves "
    "by more than 1/32 dB.")

# %% tags=["remove-input"]
frames = np.mean(train.frames())
mebibytes = len(train) * frames * 128 / 2**20
say(f"The mel rows of {len(train)} training clips of {frames:.0f} frames take {8 * mebibytes:.0f} MiB as the 64-bit numbers of "
    f"the course's files, {2 * mebibytes:.0f} MiB as 16-bit numbers. For the course's 2305 clips of 1293 frames it is "
    f"{2305 * 1293 * 128 * 8 / 1e9:.1f} GB against {2305 * 1293 * 128 * 2 / 1e9:.1f} GB. Batches come as 32-bit numbers.")

# %% [markdown]
# ## 4.8 Labels that are numbers
#
# The second dataset asks for mood: valence, energy and danceability, three numbers between 0 and 1 for each clip. The same
# class reads it. `regression_label_index` chooses one by number or name, or `"all"`.

# %%
mood_folder = lab.dataset("multitask")
moods = SpectrogramDataset(mood_folder.path, regression_label_index="all")
x, y, length = moods[0]
values = np.array(moods.labels)
print(f"{len(moods)} clips; the first: {tuple(x.shape)} with the labels {y.numpy().round(3)}")

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=3, height=2.1, sharey=True)
for axis, name, column in zip(axes[0], ("valence", "energy", "danceability"), values.T):
    axis.hist(column, bins=np.linspace(0, 1, 11))
    axis.set(xlabel=name, ylabel="clips" if name == "valence" else "")
    axis.locator_params(axis="y", integer=True)
plots.show(figure, alt="Histograms of the three mood labels: " + "; ".join(
    f"{name} from {column.min():.2f} to {column.max():.2f}, mean {column.mean():.2f}"
    for name, column in zip(("valence", "energy", "danceability"), values.T)) + ".")

# %% tags=["remove-input"]
scatter = dict(zip(("valence", "energy", "danceability"), values.std(axis=0)))
say("Around their means the three scatter by " + ", ".join(f"{value:.2f} ({name})" for name, value in scatter.items())
    + ". Whoever always answers the mean is wrong by just that, root mean square: the baseline for lesson 8, which also says "
    "what the three words mean.")

# %% [markdown]
# ## Exercises
#
# The three exercises lead from clips of unequal length to a fair score: a batch, one row of numbers a clip, and a split.
# `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 4.1 · A batch by hand** (10 minutes).
#
# Write `pad_batch(clips)`. It takes a list of mel clips, arrays of frames x bands in dB, and gives two things: one array
# of clips x frames x bands, as long as the longest clip, in which each clip stands at the beginning and silence behind it;
# and the true lengths, an array with one number a clip.
#
# *Solved when* every value and every length is right for batches of one, two and three clips. Below is such a batch of
# three; dotted lines mark the lengths.

# %%
target("4.1")

# %% tags=["exercise"]
# Exercise 4.1
def pad_batch(clips):
    """Clips (T, F) in dB to one batch (B, L, F), silence at the end, and the lengths (B,)."""
    lengths = np.array([len(clip) for clip in clips])
    # solution: begin
    x = np.full((len(clips), lengths.max(), clips[0].shape[1]), -80.0, dtype=np.float32)
    for i, clip in enumerate(clips):
        x[i, :len(clip)] = clip
    # solution: end
    return x, lengths

# %% tags=["check"]
check("4.1")

# %% [markdown]
# **Exercise 4.2 · Means without the padding** (10 minutes).
#
# The mean of each band describes a clip in a few numbers. In a padded batch, a mean over all frames would count the silence
# too, and the clip would change with its neighbours. Write `clip_means(x, lengths)` for a batch as `pad_batch` makes it: the
# mean of each band over the clip's own frames, an array of clips x bands.
#
# *Solved when* each row is within 0.001 dB of the mean of that clip before it was padded, however much padding follows it. Below,
# the means of the batch of 4.1.

# %%
target("4.2")

# %% tags=["exercise"]
# Exercise 4.2
def clip_means(x, lengths):
    """The mean of each band over a clip's own frames: (B, L, F), lengths (B,) -> (B, F)."""
    inside = np.arange(x.shape[1]) < lengths[:, None]  # solution
    means = (x * inside[:, :, None]).sum(axis=1) / lengths[:, None]  # solution
    return means

# %% tags=["check"]
check("4.2")

# %% [markdown]
# **Exercise 4.3 · Whole albums** (15 minutes).
#
# Such rows are enough for a linear classifier. On which of them may it be scored? Write `album_split(groups, share, seed)`.
# `groups` names the album of each clip. Draw albums in a random order, by the seed, and hold them out one after the other,
# until they hold at least `share` of the *clips*. Give two arrays: the numbers of the clips to train on, and of those held out.
#
# *Solved when*, for albums of 2 and of 10 clips and many seeds, each clip is on one side, no album is on both, enough clips are
# held out and no album more than needed, and the same seed gives the same split. Below are such splits; yours may hold out other
# albums.

# %%
target("4.3")

# %% tags=["exercise"]
# Exercise 4.3
def album_split(groups, share=0.2, seed=0):
    """Numbers of the clips to train on and of those held out; albums stay whole."""
    groups, rng = np.asarray(groups), np.random.default_rng(seed)
    out = []  # the albums held out so far
    for album in rng.permutation(np.unique(groups)):
        # solution: begin
        if np.isin(groups, out).mean() >= share:
            break
        out.append(album)
        # solution: end
    held = np.isin(groups, out)
    return np.flatnonzero(~held), np.flatnonzero(held)

# %% tags=["check"]
check("4.3")

# %% [markdown]
# Once all three are correct, take the clips of `every` in section 4.6, make batches of them with `pad_batch`, rows with
# `clip_means`, and score `LogisticRegression` on splits by `album_split`. How near do you come to the accuracy by album there?
# One difference is no mistake of yours: `split_indices` of section 4.6 deals out the albums genre by genre, so that each
# genre keeps its share on both sides, and `album_split` does not. A genre that happens to be held out more than others has
# few clips left to learn from and asks more of the questions, so that with few albums a correct answer may score clearly
# lower.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** A batch of three clips of 50, 60 and 90 columns is padded to its longest clip. Which share of its columns is
# padding?
#
# - a) about 26 %
# - b) about 35 %
# - c) one third
#
# <details><summary>Answer</summary>
#
# **a)** The batch has 3 x 90 = 270 columns, of which 200 are music: 70 of 270, or 26 %, are padding. Answer b divides the padding by the
# columns of music. With clips of like length in a batch the share gets smaller.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** A friend standardises each row with the mean and the deviation of *all* clips, then splits them. What is wrong?
#
# - a) Nothing, as long as the same numbers are used for both parts.
# - b) The held-out clips have had a say in how the training clips look.
# - c) The rows of the training clips no longer have mean 0, so the network cannot learn.
#
# <details><summary>Answer</summary>
#
# **b)** The held-out part should be as unknown as the music of tomorrow. With many clips the harm is small, and c is no obstacle, but
# the same habit with a step that looks at the labels, such as choosing the best bands, can make noise look like a result.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** A model scores 80 % when tracks are drawn, and 60 % when albums are drawn. What do we expect on the next record that
# we buy, by an artist it has never met?
#
# - a) rather 80 %
# - b) rather 60 %
# - c) 70 %, the mean of both
#
# <details><summary>Answer</summary>
#
# **b)** A new record shares no album with the training clips, and the split by albums asks just that. Even 60 % may be too much: an
# artist may have other albums on the training side, and other sources of music sound different.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **Labels numbered twice.** An encoder fitted on the training part and another on the test part give one genre two
#   numbers as soon as a class is missing in one of them. Fit once, pass it on: `label_transformer=train.label_transformer`.
# - **Train and test padded to different lengths.** A network with a flattened last layer then no longer fits. Pad both to
#   one length, or use a network that pools over time.
# - **`padding_value` that has no effect**, or zero: see 4.4.
# - **Label 0 taken for "no label".** `if label_index:` is false for index 0, valence. Compare with `None`.
# - **A new split in each cell.** Without a seed the clips on which we score were partly trained on a cell earlier.
#
# All thirteen, with what they look like, stand on [their own page](../book/common_mistakes.md).
#
# ## Take-away
#
# 1. What counts is the id before the first dot; labels are numbered once, on the training part.
# 2. Silence is -80 dB. Pad to the batch, keep the length, standardise each row on training clips alone.
# 3. Draw albums, not tracks, when you want to know how a model does on music that it has never met.
#
# **Next:** the clips are ready for a network. In [lesson 5](05_lstm_genre.ipynb) an LSTM reads them.
