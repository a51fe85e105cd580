# %% [markdown]
# # 7b A CNN that hears genres
#
# An LSTM reads a clip in order. A convolutional network, or CNN, looks at its spectrogram as at a picture and asks the
# same small questions everywhere: does something begin here, does a note lie here? We take its parts to pieces, put
# them together and let the network stand beside those of lesson 5.
#
# **What we do.** We *compute* convolution, batch normalisation, ReLU and max pooling by hand on a piece of a real
# spectrogram, and check each against torch. We *train* the report's CNN, in a smaller version. We *compare* it with the
# LSTMs, clip by clip.
#
# **What we need.** Lesson 7a, [inside a CNN](07a_inside_a_cnn.ipynb), and lesson 6, [evaluation](06_evaluation.ipynb);
# about 70 minutes and 40 for the exercises, 1.5 GB of memory, and a minute to run at the profile `ci`, much longer at
# the larger ones.

# %% tags=["parameters"]
profile = None  # None = LAB_PROFILE, or "ci"; else "ci", "laptop" or "full"

# %% [markdown]
# ## Set-up

# %%
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from labkit import plots
from labkit.lab import open_lab
from labkit.recipes import GENRE, LSTMS
from labkit.show import measured, say

recipe, opened = GENRE["CNN"], open_lab(profile)
lab, _, note = opened.serving({"CNN": recipe})

# %%
train, val, test = lab.loaders(recipe)
x, targets, lengths = next(iter(train))
tuple(x.shape)

# %% tags=["remove-input"]
own = lab is opened
_, names, left_out = lab.serving({**LSTMS, "CNN": recipe})
INPUTS = [name for name in names if name in LSTMS]
dataset = train.dataset.dataset
rate, fmax = dataset.meta.frames_per_second, dataset.meta.fmax
classes = list(dataset.label_transformer.classes_)
say((left_out if own else note) + f" A frame lasts {1000 / rate:.0f} ms.")

# %% [markdown]
# `x` is a batch of clips, (clips, frames, bands), as the network gets it: the first axis of a picture is time, the
# second frequency. In the figures time runs to the right, as always.

# %% [markdown]
# ## 7b.1 Convolution, by hand
#
# A small table of weights, the [kernel](../book/glossary.md#convolution) $k$, is laid on the picture $x$. The
# numbers under it are multiplied by its weights and added up. That is one value of a new picture, the **map**. Then the
# kernel moves on by one frame or one band:
#
# $$y_{t, b} = \sum_{i, j} k_{i, j} \; x_{t + i,\, b + j}$$
#
# To this torch adds one number for each kernel, its *bias*. A mathematician calls this *cross-correlation*. In a
# *convolution* the kernel is turned by 180 degrees first, $x_{t - i,\, b - j}$. Torch, as most such libraries, leaves
# out the turn and keeps the name. For a network it makes no difference: it learns the weights, and learns them turned.
#
# Our kernel takes the frame after minus the frame before, over three bands: it answers where something begins or ends.

# %%
def slide(picture, kernel):
    """The map of a picture (H, W) and a kernel (k, k), which is laid on every place it fits."""
    side, (height, width) = len(kernel), picture.shape
    return torch.stack([torch.stack([(picture[t:t + side, b:b + side] * kernel).sum()
                                     for b in range(width - side + 1)])
                        for t in range(height - side + 1)])

# %%
in_time = torch.tensor([[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]])  # frames x bands
kernels = torch.stack([in_time, in_time.T])                     # the second: bands, not frames
edges = functional.conv2d(x[:, None], kernels[:, None])         # (clips, 2, frames, bands)
strength = edges.abs().mean(dim=(2, 3))
balance = strength[:, 0] / strength[:, 1]
hits, holds = int(balance.argmax()), int(balance.argmin())      # two clips to look at

# %% tags=["remove-input"]
first = x.shape[1] // 4  # the beginning of the clip is no hit
t, b = divmod(int(edges[hits, 0, first:].argmax()), edges.shape[3])
t, b = min(max(first + t - 1, 0), x.shape[1] - 6), min(max(b - 1, 0), x.shape[2] - 6)
patch = x[hits, t:t + 6, b:b + 6].round()
loud, quiet = (classes[targets[clip]] for clip in (hits, holds))
say(f"Of {len(x)} training clips we take the one in which the first kernel answers most loudly beside the second, a "
    f"clip of {loud}, and the one in which it answers least, a clip of {quiet}. From the first we cut six frames by "
    f"six bands, where the kernel answers loudest, at {t / rate:.2f} s, and round them to whole decibels.")

# %%
from scipy.signal import convolve2d

ours = slide(patch, in_time)
torchs = functional.conv2d(patch[None, None], in_time[None, None])[0, 0]
assert torch.equal(ours, torchs)                                # torch does not turn the kernel
assert np.allclose(torchs, convolve2d(patch, in_time.flip(0, 1), mode="valid"))  # scipy does

# %% tags=["hide-input"]
def numbered(axis, values, title, spec=".0f", limits=(-80, 0), colours=plots.COLOUR_MAP):
    """Draw a small array, frames x bands, as a table of numbers; time to the right."""
    axis.imshow(values.T, origin="lower", vmin=limits[0], vmax=limits[1], cmap=colours)
    for (frame, band), value in np.ndenumerate(values.numpy()):
        red, green, blue, _ = axis.images[0].cmap(axis.images[0].norm(value))
        axis.text(frame, band, f"{value:{spec}}", ha="center", va="center", fontsize=8,
                  color="black" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "white")
    axis.set(title=title, xlabel="frame", ylabel="band", xticks=[], yticks=[])


figure, axes = plots.figure(columns=3, height=2.3, width_ratios=(6, 3, 4))
loudest = float(ours.abs().max())
numbered(axes[0, 0], patch, "the patch, in dB")
numbered(axes[0, 1], in_time, "the kernel", limits=(-1, 1), colours="PuOr")
numbered(axes[0, 2], ours, "the map", limits=(-loudest, loudest), colours="PuOr")
place = divmod(int(ours.argmax()), 4)
plots.show(figure, alt="Three tables of numbers: a patch of 6 frames by 6 bands in decibels; the kernel, -1 in its "
                       "left column, 0 in the middle and 1 in its right one; the map of 4 by 4 values, from "
                       f"{ours.min():.0f} to {ours.max():.0f}.")

# %% tags=["remove-input"]
before, _, after = patch[place[0]:place[0] + 3, place[1]:place[1] + 3]
sums = [" + ".join(f"({value:.0f})" for value in column) + f" = {column.sum():.0f}" for column in (after, before)]
say(f"The largest value of the map, by hand: under the right column of the kernel stand {sums[0]}, under the left one "
    f"{sums[1]}; the difference is **{ours[place]:.0f}**. Torch has the same map. Scipy's `convolve2d` turns the "
    "kernel; given the turned one, it turns it back.")

# %% [markdown]
# Now the whole of the two clips, and the two kernels. The first answers to edges in time: a drum hit, in which many
# bands become loud at once, is a vertical line. The second is its transpose and answers to edges in frequency: a
# sustained note and each of its overtones is a horizontal line. Which kernel sees which clip?

# %% tags=["hide-input"]
shown = min(128, x.shape[1])
figure, axes = plots.figure(rows=2, columns=3, height=1.9, sharex=True, sharey=True)
for row, clip in zip(axes, (hits, holds)):
    pictures = {"spectrogram": x[clip, :shown], "edges in time": edges[clip, 0, :shown - 2],
                "edges in frequency": edges[clip, 1, :shown - 2]}
    for axis, (title, picture) in zip(row, pictures.items()):
        limits = {"vmin": -80, "vmax": 0} if title == "spectrogram" else {"vmin": -90, "vmax": 90, "cmap": "PuOr"}
        axis.imshow(picture.T, origin="lower", aspect="auto", extent=(0, len(picture) / rate, 0, x.shape[2]),
                    interpolation="nearest", **limits)
        axis.set(title=title if clip == hits else "")
    row[0].set(ylabel=f"{classes[targets[clip]]}\nmel band")
for axis in axes[1]:
    axis.set(xlabel="time (s)")
answers = [f"{strength[clip, 0]:.0f} in time and {strength[clip, 1]:.0f} in frequency" for clip in (hits, holds)]
plots.show(figure, alt=f"Two clips, {loud} above and {quiet} below, each as a spectrogram and as the maps of both "
                       f"kernels. Mean absolute answers above: {answers[0]}; below: {answers[1]}.")

# %% tags=["remove-input"]
measured(own, edge_balance_most=float(balance[hits]), edge_balance_least=float(balance[holds]))
say(f"In the clip of {loud} the kernels answer with {answers[0]} on average, in that of {quiet} with {answers[1]}. One "
    "sign says that something begins, the other that it ends. Two questions of nine weights each already tell these "
    "two clips apart; a network asks more, and finds out which are worth asking."
    + ("" if rate > 10 else " With frames as long as these, single drum hits run together: what is vertical here are "
                            "larger events."))

# %% [markdown]
# ## 7b.2 Padding, stride, depth
#
# On $n$ frames a kernel of side $k$ fits $n - k + 1$ times, so each map is a little smaller than what it was made of.
# **Padding** with $p$ rows of zeros on each side makes up for it. With $p = 1$ and $k = 3$ the size stays. It is not
# the padding of lesson 4, which makes clips equally long, but it is as invented: near the edges the kernel sees zeros
# that nobody played. After standardisation a zero is the mean of its band. The **stride** $s$ is the step of the
# kernel; with $s = 2$ every second place is left out:
#
# $$\text{size} = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1$$
#
# A layer asks several questions at once: **depth** is the number of its maps, in torch *channels*. From the second
# layer on a kernel lies on *all* maps of the layer before: it is a block of maps x 3 x 3 weights, and its sum runs over
# all of them. So a kernel of the second layer can ask for a beginning in high bands *and* a held note below.

# %%
picture = x[:1, None]
layers = (nn.Conv2d(1, 16, 3), nn.Conv2d(1, 16, 3, padding=1),
          nn.Conv2d(1, 16, 3, padding=1, stride=2), nn.Conv2d(1, 16, 5, padding=2))
for layer in layers:
    weights = layer.weight.numel() + layer.bias.numel()
    print(f"{tuple(layer(picture).shape)}, {weights} weights: {layer}")

# %% [markdown]
# ## 7b.3 How far it sees
#
# A value of the first map depends on 3 x 3 places of the spectrogram. A layer further on, each of the nine values under
# the kernel has its own 3 x 3, so that it is 5 x 5. Pooling, which comes in section 7b.6, keeps one value of a window,
# and makes every later step a longer one on the spectrogram. What a value depends on is its [**receptive
# field**](../book/glossary.md#receptive-field). We measure it instead of believing it: which inputs get a gradient from
# one output? Kernels and windows are square here, so that one axis is enough. A maximum would hand its gradient to one
# place of the window, so we put a mean in its place.

# %%
def field(pools, size=2048):
    """How many inputs in a row one output of blocks of convolution and pooling depends on."""
    layers = []
    for pool in pools:
        layers += [nn.Conv1d(1, 1, 3, bias=False), nn.AvgPool1d(pool)]
        nn.init.ones_(layers[-2].weight)  # no sum is 0 by chance
    inputs = torch.zeros(1, 1, size, requires_grad=True)
    outputs = nn.Sequential(*layers)(inputs)
    outputs[0, 0, outputs.shape[2] // 2].backward()
    places = inputs.grad[0, 0].nonzero()
    return int(places.max() - places.min()) + 1

# %%
fields = {pools: [field(pools[:blocks]) for blocks in (1, 2, 3, 4)]
          for pools in ((2, 2, 4, 4), (4, 2, 4, 4))}     # the report's; ours

# %% tags=["remove-input"]
bands = dataset.feature_rows
say("| after block | the report: frames | seconds | bands | here: frames | seconds | bands "
    "|\n" + "|---" * 7 + "|\n" + "\n".join(
    f"| {block} | " + " | ".join(f"{sizes[block - 1]} | {sizes[block - 1] / rate:.2f} | {min(sizes[block - 1], bands)}"
                                 for sizes in fields.values()) + " |" for block in (1, 2, 3, 4)))
early, *_, last = fields[4, 2, 4, 4]
clip_seconds = float(lengths.float().mean()) / rate
measured(own, receptive_field_frames=last, receptive_field_seconds=last / rate)
say(f"A value of our last maps sees {last} frames, {last / rate:.1f} s, and all {bands} bands. "
    + ("That is the whole of a clip here" if last / rate >= clip_seconds else
       f"The clips are {clip_seconds:.0f} s long: it hears a phrase, not the form of a piece")
    + f". The first block hears {early / rate:.2g} s. Later blocks hear what the earlier ones found, over longer and "
      "longer spans.")

# %% [markdown]
# ## 7b.4 Few weights, used everywhere
#
# Three properties tell a convolution from a layer in which everything is connected with everything ([Goodfellow et
# al.](../book/bibliography.md#goodfellow2016), chapter 9).
#
# - **Sparse interactions.** Each value depends on few inputs, those under the kernel. What is far apart meets in later
#   layers.
# - **Parameter sharing.** The same weights are used at every place. A hit is learned once, not once for each second of
#   the clip.
# - **Equivariance.** If the input moves, the map moves along.

# %% tags=["remove-input"]
places, maps = x.shape[1] * bands, 16
shared, full = maps * (9 + 1), maps * places ** 2
say(f"In numbers, for {x.shape[1]} frames of {bands} bands and {maps} maps of the same size: the convolution has "
    f"{maps} x (9 + 1) = **{shared} weights**. A fully connected layer would have {places:,} inputs times "
    f"{maps * places:,} outputs, **{full:.1e} weights**, which would fill {4 * full / 2**30:,.0f} GiB. Each output of "
    f"the convolution depends on 9 of the {places:,} inputs.")

# %%
torch.manual_seed(0)
model = recipe.network(train).eval()  # untrained: this holds for any weights
block = model.backbone.blocks[0]      # convolution, batch normalisation, ReLU
clip = model.backbone.standardise(x[hits, :lengths[hits]])[None, None]

# %%
with torch.no_grad():
    here, late1, late4 = (block(clip.roll(shift, dims=2)) for shift in (0, 1, 4))
pools = [functional.max_pool2d(maps, 4) for maps in (here, late1, late4)]


def change(one, other):
    """How far apart two arrays are, as a share of the first."""
    return float((one - other).norm() / one.norm())


inside = slice(8, -8)                 # the edges meet zeros, and what was rolled round
moved = change(here.roll(1, dims=2)[:, :, inside], late1[:, :, inside])

# %% tags=["remove-input"]
same = change(pools[0].roll(1, dims=2)[:, :, 2:-2], pools[2][:, :, 2:-2])
decibels = [model.backbone.standardise.mean + model.backbone.standardise.deviation * clip[0].roll(shift, dims=1)
            for shift in (0, 1)]
with torch.no_grad():
    kept = {"spectrogram": change(clip, clip.roll(1, dims=2)), "map": change(here, late1),
            "pooled map": change(pools[0], pools[1]), "vector": change(*map(model.backbone, decibels))}
measured(own, equivariance_gap=moved, one_frame_moves_map=kept["map"],
         one_frame_moves_pooled_map=kept["pooled map"], one_frame_moves_vector=kept["vector"])
gaps = [f"{gap:.0e} of its length: rounding" if gap else "nothing" for gap in (moved, same)]
say(f"One frame later, the map is the old one, one frame later: apart from the edges they differ by {gaps[0]}. After "
    f"pooling by 4, a shift of four frames is a shift by one place; they differ by {gaps[1]}. For other shifts nothing "
    "is exactly the same. What does a shift by *one* frame change, then, compared place by place? The spectrogram by "
    f"{kept['spectrogram']:.0%}, the map by {kept['map']:.0%}, the pooled map by {kept['pooled map']:.0%}, and the "
    f"vector at the end of this untrained network by {kept['vector']:.0%}. Pooling makes a network *roughly* "
    "insensitive to small shifts, [invariant](../book/glossary.md#equivariance)"
    f"{', the mean over time even more' if kept['vector'] < kept['pooled map'] else ''}; exactly that it never is.")

# %% [markdown]
# Is a shift the same sound? In *time* it is: the same hit, later. In *frequency* not quite. A tune that is played
# higher has all its overtones multiplied by one factor, and on the [mel scale](../book/glossary.md#mel-scale) this
# moves low and high ones by different numbers of bands. We compute it for a note of 220 Hz:

# %% tags=["remove-input"]
import librosa

a_band = float(librosa.hz_to_mel(fmax)) / (bands + 1)
ratio = 2 ** (4 / 12)
steps = {hertz: float(librosa.hz_to_mel(hertz * ratio) - librosa.hz_to_mel(hertz)) / a_band for hertz in (220, 2200)}
measured(own, bands_of_third_at_220=steps[220], bands_of_third_at_2200=steps[2200])
say(f"Four semitones higher, the fundamental moves by {steps[220]:.1f} bands and its tenth partial, 2200 Hz, by "
    f"{steps[2200]:.1f}. A kernel that is shared over all bands therefore asks for somewhat different things in low "
    "and in high ones. It works well all the same; it is an assumption about pictures, not a law of sound.")

# %% [markdown]
# ## 7b.5 Batch normalisation
#
# Weights move at every step of the training, and with them the range of what the next layer gets. [Batch
# normalisation](../book/glossary.md#batch-normalisation) ([Ioffe and Szegedy](../book/bibliography.md#ioffe2015))
# brings each map to mean 0 and variance 1, over all clips of the batch, all frames and all bands, then lets the network
# choose a scale $\gamma$ and an offset $\beta$ for each map:
#
# $$\hat y = \frac{y - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad z = \gamma \hat y + \beta$$
#
# Here $\sigma^2$ is the variance divided by the count, and $\epsilon = 10^{-5}$ keeps it from being 0. Higher learning
# rates become possible. Why it helps so much is disputed; a smoother loss explains more than the reason first given
# ([Santurkar et al.](../book/bibliography.md#santurkar2018)).

# %%
with torch.no_grad():
    maps = block[0](model.backbone.standardise(x)[:, None])  # of all clips: (B, 16, L, F)
    mean = maps.mean(dim=(0, 2, 3), keepdim=True)
    variance = maps.var(dim=(0, 2, 3), keepdim=True, correction=0)
    ours = (maps - mean) / (variance + 1e-5).sqrt()
    torchs = nn.BatchNorm2d(maps.shape[1])(maps)             # scale 1 and offset 0 at first
assert torch.allclose(ours, torchs, atol=1e-4)

# %% [markdown]
# The mean is that of the *batch*. So in training the answer for a clip depends on which other clips happen to be with
# it. We hear one clip in two companies:

# %%
others = torch.arange(1, len(x))
companies = [torch.cat([torch.tensor([0]), half]) for half in others.chunk(2)]
answers = {}
for mode in (True, False):
    model.train(mode)  # train(False) is eval()
    with torch.no_grad():
        answers[mode] = [model(x[some], None, lengths[some])[1][0] for some in companies]

# %% tags=["remove-input"]
apart = {mode: change(*pair) for mode, pair in answers.items()}
short = lengths.clone()
short[0] = max(1, int(lengths[0]) // 4)
cut = x.clone()
cut[0, short[0]:] = torch.as_tensor(dataset.padding_value)
with torch.no_grad():
    padded = block[0](model.backbone.standardise(cut)[:, None])
    music = torch.cat([clip[:, :length].flatten(1) for clip, length in zip(padded, short)], dim=1)
    worst = float(((padded.mean(dim=(0, 2, 3)) - music.mean(dim=1)).abs() / music.std(dim=1)).max())
measured(own, company_in_training=apart[True], company_in_evaluation=apart[False], padding_moves_mean=worst)
still = f"{apart[False]:.0e} of it: rounding" if apart[False] else "nothing"
say(f"In training mode the two answers for the same clip differ by {apart[True]:.0%} of their length, in evaluation "
    f"mode by {still}.")

# %% [markdown]
# That is a **regularising** effect. Each epoch draws other companies, so that a clip never comes with quite the same
# numbers twice, and the network cannot rest on them to the last digit: noise, as with dropout, but milder with larger
# batches.
#
# At the end a single clip must have an answer of its own. In training, torch keeps **running means**: after each batch
# 0.9 of the old one and 0.1 of the batch's; the variance likewise. `model.eval()` switches to them. Whoever forgets it
# gets answers that depend on the company; whoever measures after one epoch of few batches has running means that have
# not yet arrived.

# %% tags=["remove-input"]
say("The padding of short clips is no music, so the normalisation of the lab leaves it out: its means are those of the "
    f"clips' own frames. What would it do? We cut one of these {len(x)} clips to a quarter and pad it with silence. "
    f"Counted in, the padding moves the mean of a map by up to {worst:.2f} of its deviation. "
    + ("The clips here are all of one length, and nothing is padded; yours need not be."
       if len(set(dataset.frames().tolist())) == 1 else "The clips here are not all of one length."))

# %% [markdown]
# ## 7b.6 ReLU and max pooling
#
# The **ReLU** turns what is negative into 0, $\max(0, y)$. Without something that bends, two convolutions after each
# other would be one convolution with a larger kernel, and all depth for nothing. After our kernel of time it means:
# *beginnings* go through, ends do not.
#
# **Max pooling** keeps the largest value of each window, of 2 x 2 places for instance. It learns nothing. It keeps
# *that* something was found and gives up *where exactly* within the window; what is left is smaller and cheaper, and
# each later kernel reaches farther. It can only give up what one may give up: two hits in one window become one.
#
# We take the patch of section 7b.1 through the whole block. The mean and the deviation are those of this map over the
# batch.

# %%
found = slide(patch, in_time)                            # convolution
mu, sigma = edges[:, 0].mean(), edges[:, 0].std(correction=0)
normal = (found - mu) / (sigma ** 2 + 1e-5).sqrt()       # batch normalisation
positive = normal.clamp(min=0)                           # ReLU
pooled = positive.reshape(2, 2, 2, 2).amax(dim=(1, 3))   # max pooling by 2

layers = nn.Sequential(nn.Conv2d(1, 1, 3, bias=False), nn.BatchNorm2d(1),
                       nn.ReLU(), nn.MaxPool2d(2)).eval()
layers[0].weight.data, layers[1].running_mean, layers[1].running_var = (
    in_time[None, None], mu[None], sigma[None] ** 2)
assert torch.allclose(layers(patch[None, None])[0, 0], pooled, atol=1e-5)

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=4, height=2.1, width_ratios=(4, 4, 4, 2.4))
titles = ("convolution", "batch norm", "ReLU", "max pooling")
for axis, values, title in zip(axes[0], (found, normal, positive, pooled), titles):
    most = float(values.abs().max()) or 1.0
    numbered(axis, values, title, ".0f" if title == "convolution" else ".1f", (-most, most), "PuOr")
plots.show(figure, alt=f"Four tables of numbers: the map of 4 by 4 values from {found.min():.0f} to {found.max():.0f}; "
           f"normalised, from {normal.min():.1f} to {normal.max():.1f}; after the ReLU {int((positive == 0).sum())} of "
           f"16 values are 0; after pooling 2 by 2 values, the largest {pooled.max():.1f}.")

# %% [markdown]
# Read it from left to right: the loudest edge stays the loudest, the ends go out, and of each four places one number is
# left. Torch's layers give the same.

# %% [markdown]
# ## 7b.7 The network
#
# The report's CNN is four such blocks, then one linear layer. Ours is its smaller sister. What differs, and why:

# %% tags=["remove-input"]
from labkit.models import CNNBackbone

backbone, settings = model.backbone, recipe.training(lab.profile)
theirs = CNNBackbone(bands, readout="flatten", input_length=x.shape[1])


def cost(network):
    """Multiplications of the convolutions for one clip, and weights."""
    height, width, products = x.shape[1], bands, 0
    for (layer, *_), pool in zip(network.blocks, network.pools):
        products += height * width * layer.weight.numel()
        height, width = -(-height // pool), -(-width // pool)
    return products, sum(weights.numel() for weights in network.parameters())


(much, many), (little, few) = cost(theirs), cost(backbone)
many, few = many + (theirs.feature_size + 1) * len(classes), few + (backbone.feature_size + 1) * len(classes)
channels = [block[0].out_channels for block in backbone.blocks]
parts = len(train.dataset), len(train.dataset) + len(val.dataset)
say("| | the report | here |\n|---|---|---|\n" + "\n".join(f"| {what} | {there} | {here_} |" for what, there, here_ in (
    ("maps of the blocks", "32, 64, 128, 256", ", ".join(map(str, channels))),
    ("pooling windows, sides", "2, 2, 4, 4", ", ".join(map(str, backbone.pools))),
    ("the last maps become", "all their values, *flattened*", "the mean of each over the clip's own frames"),
    (f"inputs of the linear layer, at {x.shape[1]} frames", f"{theirs.feature_size:,}", f"{backbone.feature_size:,}"),
    ("weights, all", f"{many:,}", f"{few:,}"),
    ("multiplications of a clip", f"{much / 1e6:,.0f} million", f"{little / 1e6:,.0f} million"),
    ("input", "decibels", "standardised decibels"),
    ("learning rate of Adam", "0.001", f"{settings.learning_rate:g} at its highest"),
    ("its schedule", "none named", settings.schedule),
    ("weight decay", "0.0001", f"{settings.weight_decay:g}"),
    ("clips in a batch", "not named", recipe.batch_size),
    ("epochs", "not named", settings.epochs),
    ("trained on", "all training clips", f"{parts[0]} of {parts[1]}; the others choose the epoch"))))

# %% tags=["remove-input"]
measured(own, cnn_weights=few, report_cnn_weights=many, multiplications_ratio=much / little)
say("Speed is the first reason: with half the maps, and a first pooling by 4 instead of 2, a clip costs "
    f"{much / little:.0f} times less. The early pooling gives up detail: after the first block a step lasts four "
    "frames instead of two. The second are clips of any length. After flattening there is one weight for each place "
    f"of a map, here {theirs.feature_size // 256} places of each, so that a clip of another length does not fit "
    "(mistake 5). The mean takes any length. It asks *how much* of something there is, not *when*.")

# %% [markdown]
# One thing is only done in another order. `CNNBackbone` pools *before* it normalises, and normalises the largest value
# of each window alone, with the mean and variance of *all* values. Where the scale $\gamma$ is positive, batch
# normalisation and ReLU keep the order of numbers, so that the largest stays the largest. Where it is negative, it
# turns the order round, and the sign goes into the kernel first. It is the same function, computed on a sixteenth of
# the values in the first block; incomplete windows at the end are pooled too. We check it against the layers one after
# the other, with one clip, in training and in evaluation:

# %%
def one_by_one(backbone, clip):
    """The vector of one clip (1, L, F), by torch's layers in the order of the report."""
    y = backbone.standardise(clip)[:, None]
    for block, pool in zip(backbone.blocks, backbone.pools):
        y = functional.max_pool2d(block(y), pool, ceil_mode=True)
    return y.mean(dim=(2, 3))  # over time; one band is left


clip = x[hits:hits + 1, :lengths[hits]]
for mode in (True, False):
    model.train(mode)
    with torch.no_grad():
        assert torch.allclose(model.backbone(clip), one_by_one(model.backbone, clip), atol=1e-4)
print(model.backbone)

# %% [markdown]
# ## 7b.8 Training
#
# The loop is the one of lesson 5. `trained` finds the network in the cache or trains it.

# %%
from labkit.training import trained

cnn, history = trained("CNN", partial(recipe.network, train), train, val,
                       recipe.training(lab.profile))
histories = {"CNN": history}

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=2.5)
plots.learning_curves(axis, history)
plots.show(figure, alt=f"Learning curve of the CNN: the training loss goes from {history.train[0]:.2f} to "
                       f"{history.train[-1]:.2f}, the validation loss from {history.val[0]:.2f} to "
                       f"{history.val[-1]:.2f}, at best {min(history.val):.2f} in epoch {history.best_epoch}.")

# %% tags=["remove-input"]
rise = history.val[-1] - min(history.val)
measured(own, cnn_kept_epoch=history.best_epoch, cnn_validation_rise=rise)
say(f"Epoch **{history.best_epoch}** of {len(history.val)} is kept, with a validation loss of {min(history.val):.2f}. "
    + (f"The last epoch has {history.val[-1]:.2f}, {rise:.2f} more. " if rise else
       "Here that is the last one, so that in this run both ways of keeping are one. ")
    + f"The training loss ends at {history.train[-1]:.2f}"
    + (", less than half the validation loss: much of what it has learned by then is true of its training clips alone."
       if history.train[-1] < min(history.val) / 2 else "."))

# %% [markdown]
# The report trains its CNN on all training clips, without a validation set. That gives a network more music, and leaves
# nobody to say when to stop. A public repository that appears to hold the report's code appears to keep a "best" CNN
# checkpoint all the same, whose minimum is never updated: it is the last epoch (mistake 7). A last epoch is not wrong
# in itself, with a number of epochs that was fixed before. But then it should be called the last.

# %% [markdown]
# ## 7b.9 Beside the LSTMs
#
# The networks of lesson 5 are found in the cache. The linear model of lesson 5 hears the mel frames here, as the CNN
# does.

# %%
from labkit.evaluation import accuracy, bootstrap, compare, macro_f1, predict

networks, tests = {"CNN": cnn}, {"CNN": test}
for name in INPUTS:
    lstm = LSTMS[name]
    its_train, its_val, tests[name] = lab.loaders(lstm)
    networks[name], histories[name] = trained(
        name, partial(lstm.network, its_train), its_train, its_val, lstm.training(lab.profile))

# %%
from labkit.recipes import linear_model, outlines

held, truth, groups = test.dataset, test.dataset.targets.numpy(), test.dataset.groups
names = [name for name in networks if tests[name].dataset.ids == held.ids]  # the same clips
predicted = {name: predict(networks[name], tests[name])[0].argmax(axis=1) for name in names}
predicted["linear model"] = linear_model(train).predict(outlines(held))
frequent = np.bincount(dataset.targets[train.dataset.indices]).argmax()
predicted["always the most frequent"] = np.full(len(held), frequent)
scores = {title: {name: bootstrap(score, answer, truth, groups=groups)
                  for name, answer in predicted.items()}
          for title, score in (("accuracy", accuracy), ("macro F1", macro_f1))}

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=0.36 * len(predicted) + 0.9, sharey=True)
for axis, (title, ones) in zip(axes[0], scores.items()):
    plots.intervals(axis, ones, label=f"{title} on the test clips", spec=".2f")
plots.show(figure, alt=f"Accuracy and macro F1 of {len(predicted)} models with 95 % intervals: " + "; ".join(
    f"{name} {scores['accuracy'][name]:.2f} and {scores['macro F1'][name]:.2f}" for name in predicted))
measured(own, cnn_accuracy=scores["accuracy"]["CNN"].value, cnn_macro_f1=scores["macro F1"]["CNN"].value)

# %% tags=["remove-input"]
found = {name: [compare(score, predicted["CNN"], predicted[name], truth, groups=groups)
                for score in (accuracy, macro_f1)]
         for name in predicted if name != "CNN"}
lstms = [name for name in names if name != "CNN"]
best = min(lstms, key=lambda name: min(histories[name].val))


def called(name):
    """A model in the middle of a sentence."""
    if name.startswith("LSTM"):
        return f"the LSTM on {name.removeprefix('LSTM, ')}"
    return "the most frequent genre" if name.startswith("always") else f"the {name}"


def verdict(title, column):
    """Against which of the others the CNN is better or worse beyond the noise."""
    sides = {"better, beyond the noise, than ": [], "worse, beyond the noise, than ": [], "inside the noise "
                                                                                          "beside ": []}
    for name, both in found.items():
        side = 2 if not both[column].is_beyond_noise else int(both[column].difference.value < 0)
        list(sides.values())[side].append(called(name))
    told = [side + ", ".join(some) for side, some in sides.items() if some]
    return f"In {title} the CNN is {'; it is '.join(told)}. "


say(f"There are {len(held)} test clips, of {len(set(groups))} albums. The CNN has an accuracy of "
    f"{scores['accuracy']['CNN'].value:.0%} and a macro F1 of {scores['macro F1']['CNN'].value:.2f}. "
    + verdict("accuracy", 0) + verdict("macro F1", 1))
gap = found[best][0]
say(("The best of the LSTMs, by the lowest validation loss, is " if len(lstms) > 1 else "The LSTM here is ")
    + f"**{called(best)}**. The accuracy of the CNN lies {100 * abs(gap.difference.value):.0f} points "
      f"{'above' if gap.difference.value >= 0 else 'below'} it, {'beyond' if gap.is_beyond_noise else 'inside'} the "
      f"noise: the interval of the difference goes from {100 * gap.difference.low:.0f} to "
      f"{100 * gap.difference.high:.0f} points. These are {2 * len(found)} comparisons, and each finds a difference "
      "where there is none about once in twenty. Another seed would give other networks again (lesson 6).")

# %% [markdown]
# Why would a CNN win? Here are reasons, which these numbers do not test. From the answer back to the first frame its
# gradient passes four blocks, that of an LSTM as many steps as there are frames. Its kernels are shared over the bands
# too, where an LSTM has weights of its own for each band. The mean hears all of a clip alike; the last vector of an
# LSTM leans towards its end. And batch normalisation makes the training easier.
#
# On the course's own data, 575 test clips of ten genres, the report has:
#
# | | LSTM, mel | LSTM, beat-synchronous mel | CNN |
# |---|---|---|---|
# | accuracy | 0.31 | 0.37 | 0.47 |
# | macro F1 | 0.19 | 0.27 | 0.45 |
#
# **What can be compared** is within each table: the same clips, several networks. By the rule of thumb of lesson 6 each
# of the report's accuracies is good to about 0.04 to either side at best. Were they of different clips, a difference
# would be good to 0.06: the 0.10 from beats to the CNN is clear of that, if the clips of one album do not hang together
# too much. The macro F1 of its CNN comes close to the accuracy, while in the tables of its LSTMs four to seven of the
# ten genres have an F1 of 0.
#
# **What cannot be compared** is a number of ours with one of theirs. Unless the data are the course's own, the clips
# are others, in other shares of the genres; and even then the network, the epochs and the choice of the kept one
# differ. Nor do the report's own networks differ in their kind alone. The CNN learned from all training clips, the
# LSTMs gave some of them to validation, and they appear to carry their hidden state from batch to batch (mistake 3).

# %% [markdown]
# ## 7b.10 Genre by genre
#
# Where do the two differ? For each genre the F1 of both, then the confusion matrix of the CNN. Which genres are far
# apart? Few clips are behind each dot, so look for the pattern, not for one of them.

# %% tags=["hide-input"]
from labkit.evaluation import report

tables = {name: report(predicted[name], truth, classes) for name in ("CNN", best)}
f1 = {name: np.array([one.f1 for one in table.per_class]) for name, table in tables.items()}
support = np.array([one.support for one in tables["CNN"].per_class])
order = np.argsort(f1["CNN"] - f1[best])
figure, (axis,) = plots.figure(height=0.26 * len(classes) + 0.9)
axis.hlines(range(len(order)), f1["CNN"][order], f1[best][order], color="0.75", linewidth=2)
for (name, values), marker, colour in zip(f1.items(), "os", plots.COLOURS):
    axis.plot(values[order], range(len(order)), marker, color=colour, label=name, markersize=6)
axis.set(xlabel="F1 on the test clips", xlim=(-0.03, 1.03), yticks=range(len(order)))
axis.set_yticklabels([f"{classes[place]} ({support[place]})" for place in order])
axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
told = "; ".join(f"{classes[place]} {f1['CNN'][place]:.2f} and {f1[best][place]:.2f}" for place in order[::-1])
plots.show(figure, alt=f"F1 of each genre, with its number of test clips, of the CNN and of {called(best)}: {told}.")

# %% tags=["hide-input"]
matrix = np.zeros((len(classes), len(classes)), dtype=int)
np.add.at(matrix, (truth, predicted["CNN"]), 1)
figure, (axis,) = plots.figure(height=0.36 * len(classes) + 1.2)
plots.confusion(axis, matrix, classes, title="CNN")
off = matrix - np.diag(matrix.diagonal())
row, column = divmod(int(off.argmax()), len(classes))
plots.show(figure, alt=f"Confusion matrix of the CNN: {matrix.diagonal().sum()} of {matrix.sum()} clips lie on the "
                       f"diagonal. The fullest cell beside it: {off.max()} clips of {classes[row]} called "
                       f"{classes[column]}.")

# %% tags=["remove-input"]
gain, sides = f1["CNN"] - f1[best], []
for sign in (1, -1):
    some = [classes[place] for place in order[::-1] if sign * gain[place] > 0.05]
    sides.append(f"{len(some)} {'genre' if len(some) == 1 else 'genres'}" + (f" ({', '.join(some)})" if some else ""))
never = {name: [one.name for one in table.per_class if one.support and not one.f1] for name, table in tables.items()}
say(f"The CNN has the higher F1 for {sides[0]}, {called(best)} for {sides[1]}; differences up to 0.05 count as none. "
    "With an F1 of 0, "
    + "; ".join(f"{called(name)} has {', '.join(lost) or 'no genre'}" for name, lost in never.items()) + ". "
    + (f"The most frequent confusion of the CNN: {off.max()} of {matrix[row].sum()} clips of {classes[row]} are called "
       f"{classes[column]}." if off.max() else ""))

# %% [markdown]
# ## 7b.11 What the first layer sees
#
# [Lesson 7a](07a_inside_a_cnn.ipynb) watches the kernels of a network of digits as it learns. Here are those of the
# first block of ours, and below each its map of the clip of section 7b.1 after batch normalisation and ReLU. Are there
# edges of time among them, or of frequency?

# %%
with torch.no_grad():
    learned = cnn.backbone.blocks[0][0].weight[:, 0].detach()          # (maps, 3, 3)
    clip = cnn.backbone.standardise(x[hits:hits + 1, :lengths[hits]])
    seen = cnn.backbone.blocks[0](clip[:, None])[0]                    # (maps, frames, bands)
torch.manual_seed(settings.seed)                                       # as `trained` began
began = recipe.network(train).backbone.blocks[0][0].weight[:, 0].detach()

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=4, columns=8, height=0.85, height_ratios=(2, 3, 2, 3))
widest = float(learned.abs().max())
for place, (kernel, map) in enumerate(zip(learned, seen)):
    above, below = axes[2 * (place // 8), place % 8], axes[2 * (place // 8) + 1, place % 8]
    above.imshow(kernel.T, origin="lower", vmin=-widest, vmax=widest, cmap="PuOr")
    below.imshow(map[:shown].T, origin="lower", aspect="auto", vmin=0, vmax=float(map.max()) or 1.0,
                 interpolation="nearest")
    above.set_title(place + 1, fontsize=8, loc="center")
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color="0.75")
for axis in axes[1::2, 0]:
    axis.set_ylabel("mel band", fontsize=8)
    axis.set_xlabel(f"{shown / rate:.0f} s", fontsize=8)
silent = int((seen.amax(dim=(1, 2)) == 0).sum())
plots.show(figure, alt=f"The {len(learned)} kernels of the first block as squares of 3 by 3, and below each its map of "
                       f"the first {shown / rate:.0f} s of a clip. {silent or 'None'} of the maps "
                       f"{'is' if silent == 1 else 'are'} empty.")

# %% tags=["remove-input"]
def alike(kernels, pattern):
    """The largest cosine, without sign, of kernels with a pattern, means taken away."""
    flat = kernels.flatten(1) - kernels.flatten(1).mean(1, keepdim=True)
    return functional.cosine_similarity(flat, pattern.flatten()[None], dim=1).abs()


drift = float((learned - began).norm() / began.norm())
measured(own, first_layer_drift=drift)
for what, pattern in zip(("time", "frequency"), kernels):
    now, at_first = alike(learned, pattern), alike(began, pattern)
    say(f"- Nearest to our edge in {what} is kernel {int(now.argmax()) + 1}, with a cosine of {now.max():.2f}. Before "
        f"the training the nearest had {at_first.max():.2f}.")
say(f"The training moved the kernels by {drift:.0%} of their length. "
    + ("Most of what we see in them was there by chance before: kernels drawn at random hold edges in all directions, "
       "and the later layers learn to use what is there. A picture of first kernels alone shows little of what a "
       "network has learned."
       if drift < 0.5 else "They are no longer those that were drawn."))

# %% [markdown]
# ## 7b.12 Does the order count?
#
# The CNN takes the mean over time of its last maps. What lies within one receptive field it hears in order. Parts that
# are longer than that could change places, and but for the cuts between them the mean would be the same. An LSTM *can*:
# its memory runs from the first frame to the last. Does it make use of that? We cut each test clip into blocks, put
# them together in a drawn order, and look how much accuracy is lost.

# %%
def in_blocks(x, lengths, frames, rng):
    """A batch whose clips are cut into blocks of so many frames, put in another order."""
    y = x.clone()
    for row, clip, length in zip(y, x, lengths):
        blocks = clip[:length].split(frames)
        row[:length] = torch.cat([blocks[place] for place in rng.permutation(len(blocks))])
    return y

# %%
asked = list(dict.fromkeys(["CNN", best, "LSTM, mel"]))  # the last may be the best
falls, rng = {name: {} for name in asked}, np.random.default_rng(0)
for name in asked:
    per_second = tests[name].dataset.frames().sum() / (held.frames().sum() / rate)
    for seconds in (0.5, 1, 2.5):
        size, drawn = max(1, round(seconds * per_second)), []
        for _ in range(3):  # three drawn orders
            batches = [(in_blocks(x, n, size, rng), y, n) for x, y, n in tests[name]]
            drawn.append(predict(networks[name], batches)[0].argmax(axis=1))
        falls[name][seconds] = compare(accuracy, predicted[name], drawn, truth, groups=groups)

# %% tags=["hide-input"]
figure, (axis,) = plots.figure(height=0.34 * 3 * len(asked) + 0.8)
rows = {f"{name}, blocks of {seconds:g} s": one.difference
        for name, ones in falls.items() for seconds, one in ones.items()}
plots.intervals(axis, rows, label="accuracy lost by exchanging blocks of time", spec=".0%")
axis.axvline(0, color="0.5", linewidth=1)
plots.show(figure, alt="Accuracy lost by exchanging blocks of time, with 95 % intervals: "
           + "; ".join(f"{what} {one:.0%}" for what, one in rows.items()) + ".")

# %% tags=["remove-input"]
measured(own, **{f"order_{place}": falls[name][1].difference.value for place, name in enumerate(("CNN", best))})
lost = [f"{called(name)} with blocks of {seconds:g} s" for name, ones in falls.items() for seconds, one in ones.items()
        if one.is_beyond_noise and one.difference.value > 0]
of_lstm = [one for seconds, one in falls[best].items() if seconds >= 1]
say(("Beyond the noise lose " + "; ".join(lost) + ". " if lost else "No loss is beyond the noise. ")
    + f"With blocks of 1 s the accuracy of the CNN moves by {-100 * falls['CNN'][1].difference.value:+z.0f} points, "
    f"that of {called(best)} by {-100 * falls[best][1].difference.value:+z.0f}. "
    + (f"The answers of {called(best)} hang on the order of seconds, or on the cuts."
       if any(one.is_beyond_noise and one.difference.value > 0 for one in of_lstm) else
       f"So this run does not show that {called(best)} uses its memory for the order of seconds; a loss of up to "
       f"{100 * max(one.difference.high for one in of_lstm):.0f} points could hide in the noise.")
    + (" The receptive field of the CNN is as long as a clip here, so it too could hear any order."
       if last / rate >= clip_seconds else f" The blocks are shorter than the {last / rate:.1f} s that the CNN sees, "
                                           "so it too could hear what is exchanged."))

# %% [markdown]
# A loss has two possible causes, and this test does not part them: the order of the blocks was heard, or the cuts
# between them, which no training clip has. No loss speaks for an answer that rests on the sound of moments. That is no
# fault of these networks alone: the genres of this lab differ in timbre and rhythm more than in form. A question such
# as "does the refrain come back?" would need the order. *Convolutional recurrent networks* put an LSTM on top of
# convolutions for such cases ([Choi et al.](../book/bibliography.md#choi2017)).

# %% [markdown]
# ## 7b.13 Listen
#
# Test clips that only one of the two gets right, the CNN or the LSTM of the last figures. Before reading the answer:
# which genre do we hear, and after how many seconds are we sure?

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=id) for id in held.ids] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
right = {name: predicted[name] == truth for name in ("CNN", best)}
heard = 0
for word, where in (("right", right["CNN"] & ~right[best]), ("wrong", right[best] & ~right["CNN"])):
    for place in [place for place in np.flatnonzero(where) if held.ids[place].lstrip("0") in playable][:1]:
        heard += 1
        says = "; ".join(f"{called(name)} says {classes[predicted[name][place]]}" for name in right)
        listen(playable[held.ids[place].lstrip("0")].sound(8), f"lesson_7b_{word}",
               f"the CNN is {word}: {says}; it is {classes[truth[place]]}")
if not heard:
    say("These data hold no sound of a test clip that only one of the two gets right, so there is nothing to play "
        "here.")

# %% [markdown]
# ## Exercises
#
# Convolution with all its options (7b.1), batch normalisation with its two modes (7b.2), and the receptive field of any
# stack of layers (7b.3). `check`, `hint`, `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 7b.1 · One map** (15 minutes).
#
# Section 7b.1 slides a kernel over one picture. In a network the kernel is as deep as the layer before. Write
# `one_map(x, kernel, padding, stride)` for maps `x` (C, H, W) and one kernel (C, K, K): lay the kernel on all maps at
# once, at every `stride`-th frame and band, and add up all products. The zeros of the padding are there already.
# `range(start, end, step)` makes the places.
#
# *Solved when* it agrees with `torch.nn.functional.conv2d` for kernels of side 1 to 5, three paddings and three
# strides, to 0.0001.

# %%
target("7b.1")

# %% tags=["exercise"]
# Exercise 7b.1
def one_map(x, kernel, padding=0, stride=1):
    """One map (H', W') of maps x (C, H, W) and a kernel (C, K, K), as torch computes it."""
    x, side = nn.functional.pad(x, [padding] * 4), kernel.shape[-1]
    frames = range(0, x.shape[1] - side + 1, stride)  # solution
    # and the places along the bands
    bands = range(0, x.shape[2] - side + 1, stride)  # solution
    # a list for each frame
    # solution: begin
    values = [[(x[:, t:t + side, b:b + side] * kernel).sum() for b in bands]
              for t in frames]
    # solution: end
    return torch.tensor(values)

# %% tags=["check"]
check("7b.1")

# %% [markdown]
# **Exercise 7b.2 · Two modes** (15 minutes).
#
# Write `normalised(x, mean, variance, training)` for maps `x` (B, C, H, W), the running mean and the running variance
# (C,). It gives three things: the normalised maps, without scale and offset, and both running numbers. In training the
# maps are normalised by the mean and variance of the batch, the variance divided by the count $n$; then each running
# number becomes 0.9 of itself and 0.1 of the batch's, the variance of the batch divided by $n - 1$ this time, as torch
# has it. In evaluation the running numbers normalise and stay as they are. $\epsilon$ is $10^{-5}$.
#
# *Solved when* it agrees with `nn.BatchNorm2d` in both modes, several batches after each other, to 0.0001.

# %% tags=["exercise"]
# Exercise 7b.2
def normalised(x, mean, variance, training):
    """Maps (B, C, H, W) after batch normalisation, and the running mean and variance (C,)."""
    m, v = mean, variance
    if training:
        m, v = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)  # solution
        # the running numbers for later
        mean = 0.9 * mean + 0.1 * m  # solution
        # here the count less one
        variance = 0.9 * variance + 0.1 * x.var(dim=(0, 2, 3), correction=1)  # solution
    m, v = m[:, None, None], v[:, None, None]  # one number for each map
    y = (x - m) / torch.sqrt(v + 1e-5)  # solution
    return y, mean, variance

# %% tags=["check"]
check("7b.2")

# %% [markdown]
# **Exercise 7b.3 · The receptive field** (10 minutes).
#
# Section 7b.3 measures; there is also a rule. Go through the layers in order, with two numbers: the *field*, how many
# inputs a value spans, and the *jump*, how many inputs lie from one value to the next. Both begin at 1. Write
# `field_and_jump(layers)` for a list of pairs (kernel, stride); pooling by 4 is the pair (4, 4). A kernel of side $k$
# spans $k$ values of the layer before, so how far apart are the first and the last of them on the input? A layer
# without a stride, (3, 1), leaves the jump as it is.
#
# *Solved when* it agrees with what gradients show, for two hundred drawn stacks. For our CNN it gives (218, 128).

# %% tags=["exercise"]
# Exercise 7b.3
def field_and_jump(layers):
    """Field and jump of a value after layers (kernel, stride), in inputs."""
    field, jump = 1, 1
    for kernel, stride in layers:
        field = field + (kernel - 1) * jump  # solution
        # the values of this layer lie farther apart
        jump = jump * stride  # solution
    return field, jump

# %% tags=["check"]
check("7b.3")

# %% [markdown]
# Once it is correct, `field_and_jump([(3, 1), (2, 2), (3, 1), (2, 2), (3, 1), (4, 4), (3, 1), (4, 4)])` is the report's
# network. How many frames does its last map keep of 1293? And what would four convolutions without any pooling see?

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** A layer `nn.Conv2d(32, 64, 3, padding=1)` gets maps of 200 x 64. How many weights has it, its biases
# included?
#
# - a) 640
# - b) 18 496
# - c) 236 748 800
#
# <details><summary>Answer</summary>
#
# **b)** Each of the 64 kernels lies on all 32 maps: 32 x 3 x 3 weights and one bias, 64 x (288 + 1) = 18 496. Answer a
# forgets the depth, 64 x (9 + 1). Answer c multiplies by the 200 x 64 places; but all places share their weights, so
# the size of the maps does not occur.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** After the training somebody predicts the test clips one by one, and then all at once. The answers
# differ a lot. What is the most likely cause?
#
# - a) `model.eval()` was forgotten, so the batch decides the normalisation.
# - b) Convolution depends on the size of the batch.
# - c) The network is overfitted.
#
# <details><summary>Answer</summary>
#
# **a)** In training mode each map is brought to the mean and variance of the clips at hand, and a clip alone is another
# company than all clips together. A convolution treats each clip by itself, whatever the size of the batch. An
# overfitted network answers wrongly, but the same each time.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** A clip is played half a second later. What stays *exactly* the same, apart from the edges?
#
# - a) Nothing.
# - b) The map of the first convolution, shifted by half a second.
# - c) The answer of the network.
#
# <details><summary>Answer</summary>
#
# **b)** If half a second is a whole number of frames, the map moves along: equivariance. The answer stays nearly the
# same, but pooling windows begin at fixed frames, and other values meet in one window, unless the shift is a multiple
# of all steps of pooling. Invariance is approximate.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 5)" is number 5 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **Flattened maps and clips of another length.** The linear layer has a weight for each place: pad train and test
#   alike, or take the mean over time (mistake 5).
# - **`model.eval()` forgotten.** A clip's answer then depends on its company, and the running means move on with the
#   test clips.
# - **A batch of one clip in training.** Its own mean and variance are all there is. Take larger batches, or drop the
#   last one if it is that small.
# - **The last epoch called the best** (mistake 7). Say which one is kept.
# - **Time and bands exchanged.** A square kernel fits either way and no error is raised; but the mean over "time" is
#   then one over bands.
# - **Raw decibels.** The zeros at the edges, which stand for nothing, are then the loudest value there is, and the
#   padding of a short clip at 0 dB too (mistakes 4 and 11).
#
# ## Take-away
#
# 1. A convolution asks one small question at every place: few weights, shared, and a map that moves with the sound.
# 2. Batch normalisation ties the clips of a training batch together, and in evaluation lets go: `train()` and `eval()`
#    are two functions.
# 3. Pooling and the mean over time give up where things are. What is left tells genres better or worse than a memory
#    does; measure it clip by clip.
#
# **Next:** the same network learns numbers instead of names: [lesson 8](08_emotion.ipynb) asks how glad and how lively
# a piece is.
