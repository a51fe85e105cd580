# %% [markdown]
# # 7a Inside a CNN
#
# A convolutional network, or CNN, is a stack of small questions about a picture. In this lesson the pictures are handwritten digits,
# because with them everybody sees at once what a part of the network answers to. We open the network before it has learned anything, after one
# pass over the digits, and at the end, and look at all that it computes.
#
# **What we do.** We *train* a small CNN in full view. We *watch* its filters, its maps and its answer for one digit from epoch to epoch. We
# *ask* it about pictures that are no digits.
#
# **What we need.** Lesson 5, [the training loop](05_lstm_genre.ipynb); about 50 minutes and 35 for the exercises, half a minute to
# run, 1 GB of memory. This lesson needs no music.

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
from labkit.digits import read_digits
from labkit.profiles import load_profile
from labkit.show import measured, say

digits = read_digits()
train, train_labels, held, held_labels = map(torch.as_tensor, digits[:4])
EPOCHS = min(8, load_profile(profile).epochs)  # the profile smoke has one

# %% tags=["remove-input"]
say(f"The data of this lesson: {digits.source}; {len(train)} to learn from, {len(held)} held out.")

# %% [markdown]
# ## 7a.1 The pictures
#
# The digits that come with scikit-learn were written on paper and reduced to 8 by 8 pixels with 17 shades
# ([Alpaydin and Kaynak](../book/bibliography.md#alpaydin1998)). We interpolate them to 24 by 24, the size of the course's
# demonstration. That adds no detail: a blurred stroke stays blurred. They are the part of a larger set that was meant for testing, by 13
# writers. When we hold out a quarter at random, each writer is on both sides, and what we measure is how well the network reads *known* hands. It is the album leak of
# [lesson 4](04_dataset.ipynb) in another place; the file does not say who wrote what, so we cannot mend it, and say it instead. Whoever has the larger MNIST set as
# a file `mnist.npz` sets `LAB_DIGITS` to it.
#
# A digit that is shifted or turned a little is still the same digit. We tell the network so: each time a training picture is used, it is shifted by up to two pixels and turned by up to
# ten degrees, drawn anew. That is **data augmentation**.

# %%
def moved(pictures, generator):
    """Each picture of a batch shifted by up to 2 pixels and turned by up to 10 degrees."""
    count, side = len(pictures), pictures.shape[-1]
    angle = (torch.rand(count, generator=generator) - 0.5) * np.deg2rad(20)
    shift = (torch.rand(count, 2, 1, generator=generator) - 0.5) * 8 / side  # 1 pixel = 2 / side
    cos, sin = angle.cos(), angle.sin()
    turn = torch.stack([cos, -sin, sin, cos], dim=1).view(-1, 2, 2)
    grid = functional.affine_grid(torch.cat([turn, shift], dim=2), pictures.shape,
                                  align_corners=False)
    return functional.grid_sample(pictures, grid, align_corners=False)

# %% tags=["hide-input"]
def mosaic(axis, pictures, columns, limits=None, colours="Greys", title=""):
    """Small pictures (N, H, W) side by side in one panel, with a gap between them."""
    count, height, width = pictures.shape
    rows = -(-count // columns)
    wall = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for place, picture in enumerate(np.asarray(pictures)):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        wall[top:top + height, left:left + width] = picture
    low, high = limits or (0, max(float(np.nanmax(wall)), 1e-9))
    axis.imshow(wall, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axis.set(xticks=[], yticks=[], title=title)
    axis.spines[:].set_visible(False)


figure, axes = plots.figure(rows=2, height=1.1)
some = [int(np.flatnonzero(digits.train_labels == digit)[0]) for digit in range(10)]
mosaic(axes[0], train[some, 0], 10, title="as they are")
mosaic(axes[1], moved(train[some], torch.Generator().manual_seed(0))[:, 0], 10, title="moved")
plots.show(figure, alt="The digits 0 to 9 as blurred handwriting, and below the same ten, each a little shifted and turned.")

# %% [markdown]
# ## 7a.2 The network
#
# It is that of the course's demonstration, ConvNetJS by Karpathy: two times convolution, ReLU and pooling, then one linear layer.
# [Lesson 7b](07b_cnn_genre.ipynb) computes each of them by hand; here is what they are for.
#
# - **Convolution**: a small table of weights, the *filter*, is laid on each place of the picture and answers how much that place looks like it. All answers
#   together are a **map**. The first layer has 8 filters of 5 by 5, so it makes 8 maps; each filter of the second lies on all 8 of them, and there are 16.
# - **ReLU** sets negative answers to 0: what does not look like the filter is silent.
# - **Max pooling** keeps the largest answer in each window of 2 by 2, or 3 by 3: *that* something was there counts, where exactly less so.
# - The **linear** layer weighs all that is left, once for each digit. The **softmax** turns its ten numbers into shares of 1.

# %%
from collections import OrderedDict

torch.manual_seed(0)
net = nn.Sequential(OrderedDict(
    conv1=nn.Conv2d(1, 8, 5, padding=2), relu1=nn.ReLU(), pool1=nn.MaxPool2d(2),
    conv2=nn.Conv2d(8, 16, 5, padding=2), relu2=nn.ReLU(), pool2=nn.MaxPool2d(3),
    flat=nn.Flatten(), linear=nn.Linear(16 * 4 * 4, 10)))

# %%
x = train[:1]
for name, layer in net.named_children():
    x = layer(x)
    weights = sum(one.numel() for one in layer.parameters())
    print(f"{name:7} {tuple(x.shape[1:])!s:14} {weights or '':>6}")

# %% [markdown]
# The right column counts the weights. The convolutions, which do most of the seeing, have few of them, because a filter is the same
# everywhere.

# %% [markdown]
# ## 7a.3 Learning, in full view
#
# The loop is the one of lesson 5. The only thing that is new is an album of snapshots: the weights before the training, and after each epoch.

# %%
def answers(net, pictures):
    """The outputs before the softmax, (N, 10)."""
    with torch.inference_mode():
        return net(pictures)


def snapshot():
    outputs = answers(net, held)
    album.append({name: one.clone() for name, one in net.state_dict().items()})
    losses["held out"].append(float(functional.cross_entropy(outputs, held_labels)))
    right.append(float((outputs.argmax(dim=1) == held_labels).float().mean()))

# %%
album, losses, right = [], {"training": [], "held out": []}, []
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
draw = torch.Generator().manual_seed(0)
snapshot()                                     # epoch 0
for _ in range(EPOCHS):
    total = 0.0
    for rows in torch.randperm(len(train), generator=draw).split(32):
        loss = functional.cross_entropy(net(moved(train[rows], draw)), train_labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    losses["training"].append(total / len(train))
    snapshot()

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=2.5)
axes[0, 0].plot(range(len(album)), losses["held out"], "o-", label="held out")
axes[0, 0].plot(np.arange(len(album) - 1) + 0.5, losses["training"], "o-", label="training, moved digits")
axes[0, 0].axhline(np.log(10), color="0.6", linestyle=":")
axes[0, 0].set(xlabel="epoch", ylabel="loss", ylim=(0, None))
axes[0, 0].legend()
axes[0, 1].plot(range(len(album)), right, "o-")
axes[0, 1].set(xlabel="epoch", ylabel="accuracy, held out", ylim=(0, 1.02))
plots.show(figure, alt=f"Left, the loss from {losses['held out'][0]:.2f} before the training to {losses['held out'][-1]:.2f} on digits held out; right, their "
           f"accuracy from {right[0]:.0%} to {right[-1]:.0%} in {EPOCHS} epochs.")

# %% [markdown]
# Is the network worth its name? A linear classifier of the raw pixels is the reference, as in all lessons: it has a weight for each pixel and digit, and no idea
# that pixels have neighbours. It is trained on the pictures as they are, and once more on ten moved copies of each, for a fair comparison.

# %%
from sklearn.linear_model import LogisticRegression

from labkit.evaluation import accuracy, bootstrap, compare

copies = torch.cat([moved(train, draw) for _ in range(10)])
linear = {}
for name, pictures, labels in (("linear", train, train_labels),
                               ("linear, moved digits", copies, train_labels.repeat(10))):
    model = LogisticRegression(C=0.1, max_iter=300)
    model.fit(pictures.flatten(1).numpy(), labels.numpy())
    linear[name] = model.predict(held.flatten(1).numpy())

# %% tags=["remove-input"]
guess = answers(net, held).argmax(dim=1).numpy()
scores = {name: bootstrap(accuracy, one, digits.held_labels) for name, one in {"the CNN": guess, **linear}.items()}
measured(True, digits_accuracy=scores["the CNN"].value, digits_linear=scores["linear"].value)
best = max(linear, key=lambda name: scores[name].value)
found = compare(accuracy, guess, linear[best], digits.held_labels)
say("; ".join(f"**{name}** {score:.1%}" for name, score in scores.items()) + f". Against the better linear one, {best}, the CNN is "
    + (("better" if found.difference.value > 0 else "worse") + " beyond the noise." if found.is_beyond_noise else "neither better nor worse beyond the noise.")
    + " The intervals draw digits, not writers, and all writers are known: on new hands expect less of each.")

# %% [markdown]
# ## 7a.4 The filters
#
# The eight filters of the first layer are pictures of 5 by 5 themselves: blue pixels ask for ink, orange ones for paper. Look first at epoch 0: these
# weights were drawn at random. Then compare with the last row. Which filter has become something?

# %% tags=["hide-input"]
shown = list(dict.fromkeys((0, 1, len(album) - 1)))
figure, axes = plots.figure(rows=len(shown), height=1.05)
kernels = [album[epoch]["conv1.weight"][:, 0] for epoch in shown]
widest = max(float(one.abs().max()) for one in kernels)
for axis, epoch, one in zip(axes, shown, kernels):
    mosaic(axis, one, 8, (-widest, widest), "PuOr", f"epoch {epoch}")
same = functional.cosine_similarity(kernels[0].flatten(1), kernels[-1].flatten(1))
plots.show(figure, alt=f"The eight filters of 5 by 5 at the epochs {', '.join(map(str, shown))}. Their likeness with their own beginning, as a cosine, is "
           + ", ".join(f"{one:.2f}" for one in same) + ".")

# %% tags=["remove-input"]
means = kernels[-1].mean(dim=(1, 2)).abs() / kernels[-1].abs().mean(dim=(1, 2))
measured(True, filter_likeness=float(same.mean()))
say(f"The cosine between a filter and what it was at the beginning is {same.mean():.2f} on average; filter {int(same.argmin()) + 1} has changed the most "
    f"({same.min():.2f}), filter {int(same.argmax()) + 1} the least ({same.max():.2f}). "
    + ("Much of what chance made is still in them: random filters see edges too, and the layers after them learn to use what there is. "
       if float(same.median()) > 0.6 else "Little of what chance made is left in them. ")
    + "The neat edge detectors of textbooks come from networks that were trained for long on millions of pictures.")

# %% [markdown]
# ## 7a.5 One digit through the layers
#
# Now one held-out digit, and all maps of each layer at three moments: before the training, after one epoch, at the end. In `conv` the sign counts: blue is
# what looks like the filter, orange its opposite. From `relu` on dark is strong and white is 0. The maps of a panel share one scale, whose largest value stands
# above it; the answers grow, so that one scale for all would leave the first column white. Follow one column from the top to
# the bottom: what is left of the strokes? Then compare the columns: what has the training changed?

# %%
def layer_by_layer(weights, picture):
    """The output of each layer, by its name, for a network with these weights."""
    net.load_state_dict(weights)
    maps, x = {}, picture
    with torch.inference_mode():
        for name, layer in net.named_children():
            x = layer(x)
            maps[name] = x[0]
    maps["softmax"] = maps["linear"].softmax(dim=0)
    return maps


place = int((held_labels == 3).nonzero()[0])
inside = [layer_by_layer(weights, held[place:place + 1]) for weights in album]

# %% tags=["hide-input"]
layers = ("conv1", "relu1", "pool1", "conv2", "relu2", "pool2")
figure, axes = plots.figure(rows=len(layers) + 1, columns=len(shown) + 1, height=1.25, width_ratios=[1] + [3] * len(shown))
for row, name in zip(axes, layers):
    for axis, epoch in zip(row[1:], shown):
        maps = inside[epoch][name]
        strong, signed = float(maps.abs().max()), name.startswith("conv")
        mosaic(axis, maps, 8 if len(maps) == 16 else 4, (-strong if signed else 0, strong), "PuOr" if signed else "Greys")
        axis.set_title((f"epoch {epoch}, " if name == "conv1" else "") + f"up to {strong:.2f}", fontsize=8)
    row[0].axis("off")
    row[0].text(0.5, 0.5, f"{name}\n{'x'.join(map(str, inside[0][name].shape[1:]))}", ha="center", va="center", fontsize=9, transform=row[0].transAxes)
mosaic(axes[0, 0], held[place], 1)
axes[0, 0].axis("on")
axes[0, 0].set_title("conv1, 24x24", fontsize=9)
axes[0, 0].texts[0].set_visible(False)
for axis, epoch in zip(axes[-1, 1:], shown):
    axis.bar(range(10), inside[epoch]["softmax"], color=[plots.COLOURS[0] if digit == int(held_labels[place]) else "0.7" for digit in range(10)])
    axis.set(xticks=range(10), ylim=(0, 1), yticks=[0, 1])
axes[-1, 0].axis("off")
axes[-1, 0].text(0.5, 0.5, "softmax", ha="center", va="center", fontsize=9, transform=axes[-1, 0].transAxes)
chances = [float(inside[epoch]["softmax"][held_labels[place]]) for epoch in shown]
plots.show(figure, alt=f"A digit 3, and all maps of six layers at the epochs {', '.join(map(str, shown))}, side by side. In the first layer the strokes are seen in each map; after the "
           f"second pooling 16 maps of 4 by 4 remain. Below, the softmax gives the 3 a share of {', '.join(f'{one:.2f}' for one in chances)}.")

# %% tags=["remove-input"]
def spread(maps):
    """How unlike each other the maps of a layer are: 1 less the mean cosine of pairs."""
    flat = functional.normalize(maps.flatten(1), dim=1)
    pairs = torch.triu_indices(len(flat), len(flat), 1)
    return 1 - float((flat @ flat.T)[pairs[0], pairs[1]].mean())


parts = {name: [spread(inside[epoch][name]) for epoch in (0, -1)] for name in ("relu1", "relu2")}
measured(True, maps_unlike_first=parts["relu1"][1], maps_unlike_second=parts["relu2"][1])
say(f"At epoch 0 the network computes all this already, with filters that nobody chose: the strokes go through, blurred in various ways, and the softmax gives the right digit {chances[0]:.2f}, about a tenth, as it does to all. "
    f"At the end it gives {chances[-1]:.2f}. How unlike are the maps of a layer, from 0, alike, to 1, nothing in common? In the first layer "
    f"{parts['relu1'][0]:.2f} at epoch 0 and {parts['relu1'][1]:.2f} at the end, in the second {parts['relu2'][0]:.2f} and {parts['relu2'][1]:.2f}. "
    + ("The second layer asks more different things than the first, "
       + ("and learning has parted them further." if parts["relu2"][1] > parts["relu2"][0] + 0.02 else
          "but that it did before it had learned anything: to be different is not yet to be useful.")
       if parts["relu2"][1] > parts["relu1"][1] else "In this run the second layer asks no more different things than the first."))

# %% [markdown]
# A map that is 0 for every digit is *dead*: its ReLU lets nothing through, so no gradient comes back to wake it. It is worth counting, after a training
# with too high a learning rate most of all.

# %%
net.load_state_dict(album[-1])
with torch.inference_mode():
    first = net.pool1(net.relu1(net.conv1(train)))
    second = net.relu2(net.conv2(first))
dead = [int((maps.amax(dim=(0, 2, 3)) == 0).sum()) for maps in (first, second)]

# %% tags=["remove-input"]
measured(True, dead_maps=float(sum(dead)))
say(f"Dead in this network: {dead[0]} of 8 maps in the first layer, {dead[1]} of 16 in the second.")

# %% [markdown]
# ## 7a.6 The answer, and what it is worth
#
# The softmax of that one digit, from epoch to epoch; and then of three pictures that are no digits, or none that stands upright: the same digit upside
# down, noise, and an empty page. What should a network say that was only ever asked "which of ten"?

# %% tags=["hide-input"]
noise = torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(1))
strange = {"upside down": held[place:place + 1].flip((2, 3)), "noise": noise, "an empty page": torch.zeros(1, 1, 24, 24)}
figure, axes = plots.figure(columns=2, height=2.7, width_ratios=[1, 1.3])
course = torch.stack([one["softmax"] for one in inside]).numpy()
axes[0, 0].imshow(course, aspect="auto", cmap="Blues", vmin=0, vmax=1)
axes[0, 0].set(xlabel="digit", ylabel="epoch", xticks=range(10), yticks=range(len(course)), title="share of each digit for the 3")
said = {}
for shift, (name, picture) in enumerate(strange.items()):
    said[name] = answers(net, picture)[0].softmax(dim=0)
    axes[0, 1].bar(np.arange(10) + 0.27 * (shift - 1), said[name], 0.25, color=plots.COLOURS[shift], label=name)
axes[0, 1].set(xlabel="digit", xticks=range(10), ylim=(0, 1.25), ylabel="softmax", title="what it says of no digit")
axes[0, 1].legend(ncols=3, loc="upper center")
plots.show(figure, alt="Left, the shares of the ten digits for one 3 from epoch to epoch; the 3 ends at "
           f"{chances[-1]:.2f}. Right, the softmax for " + ", ".join(f"{name}: {int(one.argmax())} with {one.max():.2f}" for name, one in said.items()) + ".")

# %% tags=["remove-input"]
sure = max(said, key=lambda name: float(said[name].max()))
measured(True, **{f"says_of_{name.replace(' ', '_')}": float(one.max()) for name, one in said.items()})
say("It says " + "; ".join(f"of {name if name != 'upside down' else 'the digit upside down'}: {int(one.argmax())}, {one.max():.0%}" for name, one in said.items())
    + ". Ten shares add up to 1 whatever is shown; there is no eleventh for *none of these*. "
    + (f"So a softmax of {said[sure].max():.0%} is no probability that the answer is right, and says nothing about whether the question made sense. "
       if said[sure].max() > 0.5 else "Here it is at least not very sure."))

# %% [markdown]
# [Lesson 12](12_your_own_music.ipynb) comes back to this question, with music.

# %% [markdown]
# ## Exercises
#
# The size of a map (7a.1), all maps at once without touching the network (7a.2), and the part of a picture that an answer hangs on (7a.3). `check`, `hint`,
# `solution` and `target` work as in [lesson 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 7a.1 · How large is the map?** (10 minutes).
#
# A layer lays a window of `size` pixels on a row of $n$ pixels, after `padding` zeros on both sides, and moves it by `stride`. It fits
# $\lfloor (n + 2 \cdot \text{padding} - \text{size}) / \text{stride} \rfloor + 1$ times. Convolution and pooling follow the same rule. Write `side_after(side, layers)` for a
# list of layers (size, stride, padding): the side of the last map. A window that does not fit anywhere is an error: raise `ValueError`.
#
# *Solved when* it agrees with torch for two hundred drawn stacks. For our network, `[(5, 1, 2), (2, 2, 0), (5, 1, 2), (3, 3, 0)]` and 24, it is 4.

# %% tags=["exercise"]
# Exercise 7a.1
def side_after(side, layers):
    """The side of the map after layers (size, stride, padding)."""
    for size, stride, padding in layers:
        # solution: begin
        if side + 2 * padding < size:
            raise ValueError(f"A window of {size} does not fit into {side} pixels.")
        side = (side + 2 * padding - size) // stride + 1
        # solution: end
    return side

# %% tags=["check"]
check("7a.1")

# %% [markdown]
# **Exercise 7a.2 · Looking in from outside** (15 minutes).
#
# `layer_by_layer` works for networks that are a plain row of layers. torch can look into any network: `layer.register_forward_hook(function)` calls
# `function(layer, inputs, output)` whenever the layer has computed, and gives a handle whose `remove()` ends that. Write `watched(net, x)`: the output of each layer
# that has no layers of its own, by the name that `net.named_modules()` gives it, for one pass of `x`. Afterwards no hook is left, also when the pass fails, and
# the outputs take part in no gradient (`detach()`).
#
# *Solved when* it is right for our network, for nested ones, and leaves nothing behind.

# %% tags=["exercise"]
# Exercise 7a.2
def watched(net, x):
    """The output of each innermost layer of a network for a batch, by the layer's name."""
    found, handles = {}, []
    for name, layer in net.named_modules():
        if not list(layer.children()):
            def keep(layer, inputs, output, name=name):
                found[name] = output.detach()  # solution
            handles.append(layer.register_forward_hook(keep))  # solution
    try:
        net(x)
    finally:
        for handle in handles:
            handle.remove()  # solution
    return found

# %% tags=["check"]
check("7a.2")

# %% [markdown]
# **Exercise 7a.3 · What the answer hangs on** (15 minutes).
#
# Cover a part of the picture and see whether the answer suffers ([Zeiler and Fergus](../book/bibliography.md#zeiler2014)). Write `covered(net, picture, digit, side)`
# for a picture (1, H, W): the softmax share of `digit` when a square of `side` by `side` pixels is set to 0 (paper), for each place of the square, side by side
# without overlap, as an array (H / side, W / side). H and W are multiples of `side`. The picture that is given stays as it is.
#
# *Solved when* it agrees with ours for drawn networks and pictures to one part in ten thousand. Below, such a table for a network that looks at one corner alone.

# %%
target("7a.3")

# %% tags=["exercise"]
# Exercise 7a.3
def covered(net, picture, digit, side=4):
    """The share of a digit with each square of the picture (1, H, W) covered."""
    rows, columns = picture.shape[1] // side, picture.shape[2] // side
    shares = torch.zeros(rows, columns)
    for row in range(rows):
        for column in range(columns):
            other, top, left = picture.clone(), row * side, column * side
            other[:, top:top + side, left:left + side] = 0  # solution
            with torch.inference_mode():
                shares[row, column] = net(other[None])[0].softmax(dim=0)[digit]  # solution
    return shares

# %% tags=["check"]
check("7a.3")

# %% [markdown]
# Once it is correct, `plt.imshow(covered(net, held[place], 3))` beside `held[place, 0]` shows which strokes make the 3 a 3.

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** The first layer has 8 filters of 5 by 5 on one picture, the second 16 filters of 5 by 5. How many weights has the second, biases
# included?
#
# - a) 416
# - b) 3216
# - c) 208
#
# <details><summary>Answer</summary>
#
# **b)** Each of the 16 filters lies on all 8 maps of the layer before: 16 x (8 x 25 + 1) = 3216. Answer a forgets the 8 maps.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** After the training the filters of the first layer look much as they did before it, and the accuracy is high. Is something wrong?
#
# - a) Yes: the first layer has not learned.
# - b) No: random filters already answer to edges and strokes, and the later layers have learned to use their answers.
# - c) Yes: the gradient has vanished.
#
# <details><summary>Answer</summary>
#
# **b)** What counts is what the layers do together. A small change of each filter can be enough. Whether the gradient reaches the first layer is easily measured, and
# the accuracy says that the whole has learned.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** Shown noise, the network answers "8" with a softmax of 0.9. What follows?
#
# - a) The noise resembles an 8.
# - b) Of the ten digits, 8 got the largest output; whether the picture is a digit was not asked.
# - c) The probability of an 8 is 90 %.
#
# <details><summary>Answer</summary>
#
# **b)** The softmax compares ten outputs with each other and shares out 1. It was trained on digits alone, and outside of these nothing
# holds it to anything.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# - **Each filter or map drawn with its own colours.** Then noise of size 0.001 looks like structure. Give the maps of a layer one scale, and write it down.
# - **The wrong axis called channels.** torch wants (batch, maps, rows, columns); pictures without maps need an axis of length 1.
# - **Softmax twice**: once in the network and once in `cross_entropy`. The loss then hardly falls.
# - **Digits moved in the held-out part too**, or the same drawn moves for training and testing: decide which question is asked, and say so.
# - **Hooks left behind**: every later pass then fills the same dictionary, and the memory.
# - **A picture of one digit taken for an explanation.** Another digit lights up other maps.
#
# ## Take-away
#
# 1. A CNN lays small filters on every place: few weights, many maps. Pooling keeps that something was there, and forgets where exactly.
# 2. Even before the training the maps show the strokes, in many ways. Learning makes them useful for the ten answers.
# 3. The softmax always shares out 1. It is not a probability that the answer is right.
#
# **Next:** the same layers by hand, on spectrograms: [lesson 7b](07b_cnn_genre.ipynb).
