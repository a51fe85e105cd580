# %% [markdown]
# # 7c A transformer that looks at patches
#
# A CNN asks the same small questions everywhere and puts the answers together step by step. A transformer cuts the
# spectrogram into patches and lets each of them look at all others, from the first layer on. It is the usual network
# for texts by now, and often used for pictures and sound. Here it gets the same clips and the same epochs as the CNN
# and the LSTMs.
#
# **What we do.** We *compute* every part of a transformer by hand, from the patches to the vector of a clip, and check
# it against torch. We *train* it and compare it with the networks before. We *look* at what it looks at, and test
# whether that explains its answers.
#
# **What we need.** Lesson 7b, [a CNN that hears genres](07b_cnn_genre.ipynb), and lesson 6,
# [evaluation](06_evaluation.ipynb); about 60 minutes and 35 for the exercises, 1.5 GB of memory, and a minute to run at
# the profile `ci`, much longer at the larger ones.

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

recipe, opened = GENRE["transformer"], open_lab(profile)
lab, _, note = opened.serving({"transformer": recipe})

# %%
train, val, test = lab.loaders(recipe)
x, targets, lengths = next(iter(train))
torch.manual_seed(0)
model = recipe.network(train).eval()  # untrained: sections 1 to 5 hold for any weights
backbone = model.backbone
print(backbone)

# %% tags=["remove-input"]
own = lab is opened
_, names, left_out = lab.serving({**LSTMS, "CNN": GENRE["CNN"], "transformer": recipe})
INPUTS = [name for name in names if name in LSTMS]
dataset = train.dataset.dataset
rate, fmax, bands = dataset.meta.frames_per_second, dataset.meta.fmax, dataset.feature_rows
classes = list(dataset.label_transformer.classes_)
side, heads, dim = backbone.patch[0], backbone.heads, backbone.feature_size
layers = list(backbone.encoder.layers)
say((left_out if own else note) + f" A batch is {tuple(x.shape)}: clips, frames, mel bands. A frame lasts "
    f"{1000 / rate:.0f} ms.")

# %% [markdown]
# ## 7c.1 Patches
#
# The *Audio Spectrogram Transformer*, AST ([Gong, Chung and Glass](../book/bibliography.md#gong2021)), treats a
# spectrogram as the *Vision Transformer* treats a picture ([Dosovitskiy et
# al.](../book/bibliography.md#dosovitskiy2021)). It is cut into squares of 16 frames by 16 bands, the
# [patches](../book/glossary.md#patch). Each becomes one vector, a [token](../book/glossary.md#token), and from there on
# the network knows no picture any more, only a set of tokens.

# %%
def cut(picture, side=16):
    """Patches (times, heights, side * side) of a picture (L, F); zeros complete the last."""
    length, width = picture.shape
    picture = functional.pad(picture, (0, -width % side, 0, -length % side))
    return picture.unfold(0, side, side).unfold(1, side, side).flatten(2)


clips = [backbone.standardise(clip[:length]) for clip, length in zip(x, lengths)]
patches = cut(clips[0])
patches.shape

# %% tags=["remove-input"]
times, heights = patches.shape[:2]
say(f"The first clip of the batch has {len(clips[0])} frames of {bands} bands: **{times} x {heights} = "
    f"{times * heights} patches** of {side * side} numbers each. A patch lasts {1000 * side / rate:.0f} ms and spans "
    f"{side} bands. The patches of one instant come after each other, the lowest first, then those of the next "
    "instant.")

# %% [markdown]
# Why patches, and not single cells of the spectrogram? Each token will look at each token: that makes a table of
# weights with a row and a column for every one. Twice as many tokens are four times as many weights.

# %% tags=["remove-input"]
def memory(bytes):
    """So many bytes, in words."""
    return next(f"{bytes / size:.3g} {unit}" for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
                if bytes >= size or unit == "KiB")


count, rows, taken = len(clips[0]), [], {}
for one in (1, 4, 8, 16, 32):
    tokens = -(-count // one) * -(-bands // one)
    taken[one] = 4 * heads * tokens**2
    rows.append(f"| {one} x {one} | {tokens:,} | {tokens**2:,} | {memory(taken[one])} |")
say(f"| patch | patches of this clip | pairs | memory for {heads} tables |\n|---|---|---|---|\n" + "\n".join(rows))
measured(own, patches_of_a_clip=times * heights, table_of_cells_times_patches=taken[1] / taken[16])
say(f"That is for one clip and one layer. With single cells, a clip would need {taken[1] / taken[16]:,.0f} times the "
    "memory of our patches. Large patches are cheap, but a token must then say everything about its patch in "
    f"{dim} numbers.")

# %% [markdown]
# A patch becomes a token by one linear layer, the same for all patches. `ASTBackbone` writes it as a convolution whose
# stride is as long as its kernel, so that no two places overlap. It is the same sum of products.

# %%
embed = backbone.patches  # nn.Conv2d(1, dim, 16, stride=16)
with torch.no_grad():
    ours = patches @ embed.weight.flatten(1).T + embed.bias        # (times, heights, dim)
    whole = len(clips[0]) // side * side                           # frames of whole patches
    torchs = embed(clips[0][None, None, :whole])[0].permute(1, 2, 0)
assert torch.allclose(ours[:len(torchs)], torchs, atol=1e-5)

# %% [markdown]
# ## 7c.2 Where a patch lies
#
# What follows treats tokens as a *set*: it adds up over them, and a sum has no order. If the tokens did not say where
# they come from, a clip whose patches are thrown into a heap would be the same clip. So each token gets a **position**:
# a vector that is learned like a weight and is added to it. Ours is the sum of two, one for the time and one for the
# height of the patch; the published network learns one vector for each place. We throw the patches of a clip into a
# heap, once without and once with positions:

# %%
def heap(clip, order):
    """A clip of whole patches (L, F) whose patches are put together in another order."""
    pieces = cut(clip).flatten(0, 1)[order].reshape(len(clip) // side, -1, side, side)
    return pieces.transpose(1, 2).flatten(2).flatten(0, 1)


clip = clips[0][:whole, :bands // side * side]
torch.manual_seed(1)
order = torch.randperm(whole // side * (bands // side))
assert torch.equal(heap(clip, torch.arange(len(order))), clip)

# %%
kept, moved = [position.detach().clone() for position in (backbone.time, backbone.band)], {}
for positions in (0, 1):
    with torch.no_grad():
        backbone.time.copy_(positions * kept[0])
        backbone.band.copy_(positions * kept[1])
        before, after = (backbone.encode(one[None], torch.tensor([whole]))
                         for one in (clip, heap(clip, order)))
        moved[positions] = float((after - before).norm() / before.norm())

# %% tags=["remove-input"]
measured(own, heap_without_positions=moved[0], heap_with_positions=moved[1])
say(f"Without positions the vector of the clip moves by {moved[0]:.0e} of its length: "
    + ("rounding" if moved[0] < 1e-4 else "more than rounding") + f". With positions it moves by {moved[1]:.1%}"
    + (". That is little, because the positions of a fresh network are drawn with a deviation of 0.02; the training "
       "makes of them what it needs." if moved[1] < 0.2 else "."))

# %% [markdown]
# Nothing tells the network that patch 3 and patch 4 are neighbours. Their two vectors are as different as any two. What
# is near to what, and that low lies below high, it has to learn from the clips.

# %% [markdown]
# ## 7c.3 Attention, a soft search
#
# How does a token look at others? [Attention](../book/glossary.md#attention) ([Vaswani et
# al.](../book/bibliography.md#vaswani2017)) is a search that answers with a mean. Each token asks with a *query* $q$
# and offers a *key* $k$ and a *value* $v$. How well a key fits a query is their scalar product. The
# [softmax](../book/glossary.md#softmax) makes shares of these products, and the answer is the mean of the values with
# these shares:
#
# $$a_{ij} = \frac{\exp(q_i \cdot k_j / \sqrt d)}{\sum_m \exp(q_i \cdot k_m / \sqrt d)}, \qquad
# y_i = \sum_j a_{ij} \, v_j$$
#
# Before anything is learned we can take the patches themselves for queries and keys: the means of 4 x 4 cells, so that
# a patch has 16 numbers, brought to mean 0 and variance 1. A patch then looks for patches like itself. One of them
# asks; its own score is set to minus infinity, so that its own weight is 0: this is a **mask**. Where in the clip does
# it find its like?

# %% tags=["remove-input"]
def pulse(clip):
    """How much the loudness of a clip goes up and down along the frames, beside how much the bands do by themselves."""
    return float(clip.mean(dim=1).diff().abs().mean() / clip.diff(dim=0).abs().mean())


chosen = int(np.argmax([pulse(clip) for clip in clips]))
example, genre = clips[chosen], classes[targets[chosen]]
like = cut(example)[:len(example) // side].flatten(0, 1)   # the whole patches alone
columns, first = len(like) // heights, min(2, len(like) // heights - 1)
squares = like.reshape(columns, heights, side, side)
rises = squares.mean(dim=3).diff(dim=2).amax(dim=2)[first:, 1:]   # of each patch, the sharpest beginning
asks = int(rises.argmax())
asks = (first + asks // (heights - 1)) * heights + 1 + asks % (heights - 1)

# %%
coarse = like.unflatten(1, (4, side // 4, 4, side // 4)).mean(dim=(2, 4)).flatten(1)  # (N, 16)
coarse = functional.layer_norm(coarse, (16,))  # mean 0, variance 1
scores = coarse @ coarse[asks] / 16 ** 0.5     # from -4, the opposite, to 4, the same
scores[asks] = -torch.inf                      # the mask
weights = scores.softmax(dim=0)
answer = weights @ like                        # a mean of patches: the value is the patch

# %% tags=["hide-input"]
import librosa


def draw(axis, clip, shares, title="", colour=plots.COLOURS[1]):
    """A standardised clip (L, F) in grey; over it, in colour, what lies above an even share (times, heights)."""
    axis.imshow(np.asarray(clip).T, origin="lower", aspect="auto", cmap="gray_r", vmin=-3, vmax=8,
                extent=(0, len(clip) / rate, 0, bands))
    over = np.zeros((heights, len(shares), 4))
    over[..., :3] = [int(colour[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    over[..., 3] = np.clip((np.asarray(shares).T * shares.size / shares.sum() - 1) / 4, 0, 0.85)
    axis.imshow(over, origin="lower", aspect="auto", interpolation="nearest",
                extent=(0, len(shares) * side / rate, 0, heights * side))
    hertz = [one for one in (500, 2000, 8000) if one < fmax]
    axis.set(yticks=[librosa.hz_to_mel(one) / librosa.hz_to_mel(fmax) * (bands + 1) - 0.5 for one in hertz],
             xlim=(0, len(clip) / rate), ylim=(0, bands), title=title)
    axis.set_yticklabels(hertz)


figure, (axis,) = plots.figure(height=2.5)
draw(axis, example, weights.reshape(columns, heights).numpy())
instant, height = divmod(asks, heights)
axis.add_patch(plots.plt.Rectangle((instant * side / rate, height * side), side / rate, side, fill=False,
                                   edgecolor=plots.COLOURS[0], linewidth=2.5))
axis.set(xlabel="time (s)", ylabel="frequency (Hz)")
nearest = sorted(np.argsort(-weights.numpy())[:5] // heights * side / rate)
plots.show(figure, alt=f"A clip of {genre} in grey. A blue frame marks the patch that asks, at "
                       f"{instant * side / rate:.1f} s in row {height + 1} of {heights} from below. Patches with more "
                       "than an even share are orange; the five heaviest begin at " + ", ".join(
                           f"{one:.1f} s" for one in nearest) + ".")

# %% tags=["remove-input"]
own_row = float(weights.reshape(columns, heights)[:, height].sum())
top = float(weights.sort().values[-len(like) // 10:].sum())
measured(own, like_itself_top_tenth=top, like_itself_same_row=own_row)
say(f"The patch that asks is framed in blue, in a clip of {genre}. The tenth of the patches that is most like it has "
    f"{top:.0%} of the weight. Its own row of frequency has {own_row:.0%}, where {1 / heights:.0%} would be even. "
    + ("It finds its own kind at its own height, without being told what pitch or rhythm is." if own_row > 1.5 / heights
       else "It finds its like at other heights as well."))

# %% [markdown]
# Why the root of $d$, here 16? A sum of $d$ products of independent numbers of variance 1 has the variance $d$. Without
# the root, the scores grow with the length of the vectors, and the softmax gives nearly everything to one token, with
# hardly any gradient for the others.

# %% [markdown]
# ## 7c.4 Several heads, with weights
#
# In the network queries, keys and values are three linear functions of the tokens: what a patch looks for, what it is
# found by and what it tells can be three things. And one search is not enough. The vectors are cut into several
# **heads**, each searches by itself, and a last linear layer puts the answers together.

# %%
def attention(tokens, part):
    """Self-attention of tokens (N, D) with the weights of an nn.MultiheadAttention.

    Gives the new vectors (N, D), and the shares (heads, N, N): a row for each token that asks.
    """
    three = tokens @ part.in_proj_weight.T + part.in_proj_bias         # (N, 3 D)
    three = three.unflatten(1, (3, part.num_heads, -1))                # (N, 3, heads, d)
    q, k, v = three.permute(1, 2, 0, 3)                                # (heads, N, d) each
    shares = (q @ k.transpose(1, 2) / q.shape[2] ** 0.5).softmax(dim=2)
    answers = (shares @ v).transpose(0, 1).flatten(1)                  # side by side again
    return part.out_proj(answers), shares

# %%
tokens, part = torch.randn(50, dim), layers[0].self_attn
with torch.no_grad():
    ours, shares = attention(tokens, part)
    torchs, theirs = part(*[tokens[None]] * 3, average_attn_weights=False)
assert torch.allclose(ours, torchs[0], atol=1e-5)
assert torch.allclose(shares, theirs[0], atol=1e-5)
assert torch.allclose(shares.sum(dim=2), torch.ones(heads, 50))  # each row is a softmax

# %% tags=["remove-input"]
say(f"Ours and `nn.MultiheadAttention` agree, with {heads} heads of {dim // heads} numbers each. In the training torch "
    "calls `functional.scaled_dot_product_attention`, which does not give the shares away; exercise 7c.2 checks "
    "against that.")

# %% [markdown]
# Where clips of unequal length share a batch, the patches that are padding alone must not be looked at: their scores
# become minus infinity, in the column of the token that *is looked at*. `ASTBackbone` does so for every clip. We cut a
# clip to its first part, pad it with silence and compare three vectors: the short clip alone, padded with its length
# told, and padded without.

# %%
short = max(1, int(0.6 * lengths[0]))
padded = x[:1].clone()
padded[0, short:] = torch.as_tensor(dataset.padding_value)
with torch.no_grad():
    alone = backbone(x[:1, :short])
    told = backbone(padded, [short])
    untold = backbone(padded)

# %% tags=["remove-input"]
off = {name: float((vector - alone).norm() / alone.norm()) for name, vector in (("told", told), ("untold", untold))}
measured(own, padding_with_mask=off["told"], padding_without_mask=off["untold"])
gap = f"by {off['told']:.0e} of its length: rounding" if off["told"] else "by nothing"
say(f"With the mask the vector differs from that of the short clip alone {gap}. Without it, by {off['untold']:.0%}: "
    f"{-(-len(x[0]) // side) - -(-short // side)} of {-(-len(x[0]) // side)} instants are then silence that the class "
    "token hears as part of the piece.")

# %% [markdown]
# ## 7c.5 The whole network
#
# A **block** of a transformer has two parts. The attention lets tokens exchange what they know. The *MLP*, two linear
# layers with a bend between them, works on each token by itself; the bend is a *GELU*, a ReLU with a round corner.
# Three more things belong to it.
#
# - **Residual paths.** Both parts add to the token instead of replacing it ([He et
#   al.](../book/bibliography.md#he2016)): the gradient has a way past every part.
# - **Layer normalisation** ([Ba et al.](../book/bibliography.md#ba2016)) stands before each part and brings the numbers
#   of *one token* to mean 0 and variance 1. Other than [batch normalisation](../book/glossary.md#batch-normalisation)
#   it never sees another clip, so that training and evaluation are the same here.
# - **The class token.** One more token, with no patch behind it, learned like a weight, looks at the patches and is
#   looked at. What the last block makes of it is the vector of the clip.
#
# That is all. The whole network, for one clip:

# %%
def tokens_of(backbone, clip):
    """Tokens (1 + N, D) of a standardised clip (L, F): the class token, then its patches."""
    patches = cut(clip)                                               # (times, heights, 256)
    vectors = patches @ backbone.patches.weight.flatten(1).T + backbone.patches.bias
    places = (backbone.time[:, :len(patches)] + backbone.band).permute(1, 2, 0)
    return torch.cat([backbone.token[0], (vectors + places).flatten(0, 1)])


def block(tokens, layer):
    """Attention, then the MLP, each on normalised tokens and beside a residual path."""
    mixed, shares = attention(layer.norm1(tokens), layer.self_attn)
    tokens = tokens + mixed
    bent = functional.gelu(layer.linear1(layer.norm2(tokens)))
    return tokens + layer.linear2(bent), shares

# %%
@torch.no_grad()
def by_hand(backbone, clip):
    """The vector (D,) of a standardised clip (L, F), and the shares of each block."""
    tokens, seen = tokens_of(backbone, clip), []
    for layer in backbone.encoder.layers:
        tokens, shares = block(tokens, layer)
        seen.append(shares)
    return backbone.encoder.norm(tokens)[0], seen


ours = torch.stack([by_hand(backbone, clip)[0] for clip in clips])
with torch.no_grad():
    torchs = backbone(x, lengths)
assert torch.allclose(ours, torchs, atol=1e-4)

# %% tags=["remove-input"]
def weights_of(*modules):
    """How many weights some modules have."""
    return sum(weight.numel() for module in modules for weight in module.parameters())


layer = layers[0]
inside = weights_of(layer.self_attn), weights_of(layer.linear1, layer.linear2)
tokens = 1 + times * heights
products = {"linear": tokens * 12 * dim**2, "pairs": 2 * tokens**2 * dim}
measured(own, by_hand_gap=float((ours - torchs).abs().max()), pairs_share=products["pairs"] / sum(products.values()))
say(f"By hand and `ASTBackbone` differ by at most {float((ours - torchs).abs().max()):.0e}. A block has "
    f"{inside[0]:,} weights in its attention and {inside[1]:,} in its MLP: four tables of {dim} x {dim}, and eight. "
    f"Their number does not depend on how long a clip is. The work does. Of {sum(products.values()) / 1e6:.0f} million "
    f"multiplications of a block, {products['pairs'] / sum(products.values()):.0%} are between pairs of tokens here; "
    f"beyond {6 * dim} tokens, six times the width, it is more than half.")

# %% [markdown]
# ## 7c.6 The published network and ours

# %% tags=["remove-input"]
from labkit.models import ASTBackbone

with torch.device("meta"):  # shapes alone, no memory
    large = weights_of(ASTBackbone(128, dim=768, depth=12, heads=12))
settings, clips_known = recipe.training(lab.profile), len(train.dataset)
say("| | the AST as published | here |\n|---|---|---|\n" + "\n".join(f"| {what} | {there} | {ours} |" for (
    what, there, ours) in (
    ("patches", "16 x 16, every 10 frames and bands: they overlap", f"{side} x {side}, side by side"),
    ("patches of a clip", "1212 of 10 s, frames of 10 ms", f"{times * heights}, of {len(clips[0]) / rate:.0f} s"),
    ("numbers of a token", "768", dim),
    ("blocks, heads of each", "12, 12", f"{len(layers)}, {heads}"),
    ("weights", "87 million", f"{weights_of(model):,}"),
    ("positions", "one vector for each patch", "one for each time and one for each height"),
    ("before this task", "trained on the pictures of ImageNet", "nothing"),
    ("training clips", "two million of AudioSet", clips_known))))
measured(own, transformer_weights=weights_of(model), published_size_weights=large)
say(f"Built with 768 numbers, 12 blocks and 12 heads, our class would have {large / 1e6:.0f} million weights, nearly "
    "all of them in the blocks.")

# %% [markdown]
# The figures of the middle column are those of [Gong et al.](../book/bibliography.md#gong2021) and of their published
# code; AudioSet is by [Gemmeke et al.](../book/bibliography.md#gemmeke2017). Their network also keeps a second token
# beside the class token, which the network of pictures brought along, and takes the mean of both.
#
# The row that counts is the last but one. The published network begins with weights that have already seen more than a
# million pictures. [Pepino et al.](../book/bibliography.md#pepino2021) write that it needs them to be better than a
# CNN. And the Vision Transformer falls behind CNNs of its size when it is trained on the 1.3 million pictures of
# ImageNet alone, and catches up and overtakes them with 14 to 300 million ([Dosovitskiy et
# al.](../book/bibliography.md#dosovitskiy2021)). Ours starts from nothing with a few hundred clips, since this book
# downloads no trained weights. **So we do not expect it to win.** We measure how it does, and look for the
# reasons.

# %% [markdown]
# ## 7c.7 Training
#
# `trained` finds the networks of lessons 5 and 7b in the cache. The transformer gets the settings of the CNN, and
# gradient clipping beside them.

# %%
from labkit.training import trained

networks, histories, tests = {}, {}, {}
for name in ("transformer", "CNN", *INPUTS):
    one = GENRE[name]
    its_train, its_val, tests[name] = lab.loaders(one)
    networks[name], histories[name] = trained(
        name, partial(one.network, its_train), its_train, its_val, one.training(lab.profile))
learned = networks["transformer"].backbone.eval()

# %% tags=["hide-input"]
figure, axes = plots.figure(columns=2, height=2.4, sharey=True)
for axis, name in zip(axes[0], ("transformer", "CNN")):
    plots.learning_curves(axis, histories[name], title=name)
plots.show(figure, alt="Learning curves. " + " ".join(
    f"{name}: the training loss goes from {history.train[0]:.2f} to {history.train[-1]:.2f}, the validation loss from "
    f"{history.val[0]:.2f} to {history.val[-1]:.2f}, at best {min(history.val):.2f} in epoch {history.best_epoch}."
    for name, history in histories.items() if name in ("transformer", "CNN")))

# %% tags=["remove-input"]
history, guess = histories["transformer"], np.log(len(classes))
measured(own, transformer_kept_epoch=history.best_epoch, transformer_best_validation=min(history.val))
fits = history.train[-1] < 0.6 * history.train[0]
say(f"The training loss of the transformer goes from {history.train[0]:.2f} to {history.train[-1]:.2f}. The best "
    f"validation loss is {min(history.val):.2f}, in epoch {history.best_epoch} of {len(history.val)}; all genres alike "
    f"would be {guess:.2f}. "
    + ("In so few epochs it has hardly learned its own clips." if not fits else
       "It fits its own clips ever better, and up to the last epoch that helps with others."
       if history.best_epoch == len(history.val) else
       f"It fits its own clips ever better, and after epoch {history.best_epoch} none of that helps with others: what "
       "it lacks is not weights but clips.")
    + f" The CNN comes to {min(histories['CNN'].val):.2f} in validation.")

# %% [markdown]
# ## 7c.8 Beside the CNN and the LSTM
#
# The same test clips for all. Of the LSTMs we take the one with the lowest validation loss.

# %%
from labkit.evaluation import accuracy, bootstrap, compare, macro_f1, predict
from labkit.recipes import linear_model, outlines

held, truth, groups = test.dataset, test.dataset.targets.numpy(), test.dataset.groups
lstms = [name for name in INPUTS if tests[name].dataset.ids == held.ids]  # the same clips
best = min(lstms, key=lambda name: min(histories[name].val), default=None)
nets = ["transformer", "CNN", *filter(None, [best])]
predicted = {name: predict(networks[name], tests[name])[0].argmax(axis=1) for name in nets}
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
measured(own, transformer_accuracy=scores["accuracy"]["transformer"].value,
         transformer_macro_f1=scores["macro F1"]["transformer"].value)

# %% tags=["remove-input"]
def called(name):
    """A model in the middle of a sentence."""
    if name.startswith("LSTM"):
        return f"the LSTM on {name.removeprefix('LSTM, ')}"
    return "the most frequent genre" if name.startswith("always") else f"the {name}"


compared = {title: {name: compare(score, predicted["transformer"], answer, truth, groups=groups)
                    for name, answer in predicted.items() if name != "transformer"}
            for title, score in (("accuracy", accuracy), ("macro F1", macro_f1))}
told = []
for title, ones in compared.items():
    sides = {"better than ": [], "worse than ": [], "not to be told from ": []}
    for name, one in ones.items():
        sides["not to be told from " if not one.is_beyond_noise else
              "better than " if one.difference.value > 0 else "worse than "].append(called(name))
    told.append(f"In {title} the transformer is " + "; it is ".join(
        word + ", ".join(some) for word, some in sides.items() if some) + ".")
gap = compared["accuracy"]["CNN"]
say(f"There are {len(held)} test clips, of {len(set(groups))} albums. The transformer has an accuracy of "
    f"{scores['accuracy']['transformer'].value:.0%}, the CNN {scores['accuracy']['CNN'].value:.0%}. The difference, "
    f"{100 * gap.difference.value:+z.0f} points, has the interval from {100 * gap.difference.low:+z.0f} to "
    f"{100 * gap.difference.high:+z.0f}. " + " ".join(told) + " *Better* and *worse* mean beyond the noise, by the "
    f"choice of the clips alone; these are {2 * len(compared['accuracy'])} comparisons, and another seed gives other "
    "networks (lesson 6); the page [Networks, measured](../book/trained_networks.md) has several.")

# %% [markdown]
# Was it the same budget? The epochs are. Weights and time are another matter:

# %% tags=["remove-input"]
sizes, seconds = {name: weights_of(networks[name]) for name in nets}, {}
for name in nets:
    seconds[name] = sum(histories[name].seconds)
say("| | weights | epochs, kept | seconds of training | accuracy |\n|---|---|---|---|---|\n" + "\n".join(
    f"| {name} | {sizes[name]:,} | {len(histories[name].val)}, {histories[name].best_epoch} | {seconds[name]:,.0f} | "
    f"{scores['accuracy'][name].value:.0%} |" for name in nets))
measured(own, transformer_seconds=seconds["transformer"], cnn_seconds=seconds["CNN"])
slower, wider = seconds["transformer"] / max(seconds["CNN"], 1e-9), sizes["transformer"] / sizes["CNN"]
say(f"The seconds are those of the computer that trained each, at the time that it did. The transformer has "
    f"{wider:.1f} times the weights of the CNN and took {slower:.1f} times its time. " + (
        "More of both did not help it." if slower > 1 and wider > 1 and gap.difference.value < 0 else
        "Its result is not bought with more of both." if slower <= 1 and gap.difference.value > 0 else
        "Time and weights alone do not rank the networks."))

# %% [markdown]
# ## 7c.9 What is not built in
#
# A CNN knows two things about spectrograms before its first clip: what belongs together lies together (*locality*), and
# a sound is the same sound later (*equivariance*, lesson 7b). Such knowledge in the form of a network is called its
# [inductive bias](../book/glossary.md#inductive-bias). A transformer has neither, beyond the patch. Can we see it? We
# let all test clips begin some frames later and look how far their vectors move, measured by the distance between two
# different clips.

# %%
@torch.no_grad()
def drift(backbone, batches, shift, most):
    """How far vectors move when clips begin later, as a share of the distance of two clips."""
    ends = min(int(n.min()) for _, _, n in batches) - most
    here, later = (torch.cat([backbone(x[:, begin:begin + ends]) for x, _, _ in batches])
                   for begin in (0, shift))
    apart = torch.pdist(here).mean()
    return float((later - here).norm(dim=1).mean() / apart)

# %%
batches, shifts = list(test), [1, side // 2, side, 2 * side]
drifts = {}
for name in ("transformer", "CNN"):
    one = networks[name].backbone.eval()
    drifts[name] = [drift(one, batches, shift, max(shifts)) for shift in shifts]

# %% tags=["remove-input"]
say("| clips begin later by | " + " | ".join(drifts) + " |\n|---|" + "---|" * len(drifts) + "\n" + "\n".join(
    f"| {shift} frame{'s' * (shift > 1)}, {1000 * shift / rate:.0f} ms | "
    + " | ".join(f"{ones[place]:.0%}" for ones in drifts.values()) + " |" for place, shift in enumerate(shifts)))
measured(own, shift_moves_transformer=drifts["transformer"][1], shift_moves_cnn=drifts["CNN"][1])
ratio = drifts["transformer"][1] / max(drifts["CNN"][1], 1e-9)
half, one = drifts["transformer"][1:3]
say(f"Half a patch later, the vector of the transformer moves {ratio:.1f} times as far as that of the CNN, each on "
    "its own scale. " + ("The same music, cut at other places, makes other patches: what was learned at one place of "
                 "a patch is not known at another. " if ratio > 1.2 else
                 "In this run it is not moved more than the CNN by what is not built in, or hears too little to be "
                 "moved. ")
    + (f"A whole patch later it moves less again, by {one:.0%}: the patches are nearly the same ones, one place on." if
       one < 0.8 * half else ""))

# %% [markdown]
# And does it use the positions that it was given? To exchange the learned vectors of the times among each other is to
# exchange the music of these instants. We do so with the times, and then with the heights.

# %%
from copy import deepcopy

longest = -(-max(int(n.max()) for _, _, n in batches) // side)  # instants in use


def exchanged(model, name, axis, count, rng):
    """A copy of a network, its first `count` positions along an axis put into another order."""
    other = deepcopy(model)
    vectors = getattr(other.backbone, name)  # time (D, times, 1), band (D, 1, heights)
    order = np.arange(vectors.shape[axis])
    order[:count] = rng.permutation(count)
    vectors.data = vectors.data.index_select(axis, torch.as_tensor(order))
    return other

# %%
lost, rng = {}, np.random.default_rng(0)
for name, axis, count in (("time", 1, longest), ("band", 2, heights)):
    drawn = [predict(exchanged(networks["transformer"], name, axis, count, rng), batches)[0]
             .argmax(axis=1) for _ in range(3)]  # three drawn orders
    lost[name] = compare(accuracy, predicted["transformer"], drawn, truth, groups=groups)

# %% tags=["remove-input"]
measured(own, times_exchanged=lost["time"].difference.value, heights_exchanged=lost["band"].difference.value)
of_time, of_band = lost["time"].is_beyond_noise, lost["band"].is_beyond_noise
say(" ".join(f"With the {word} exchanged the accuracy goes from {one.first.value:.0%} to {one.second.value:.0%}, a "
             f"difference {'beyond' if one.is_beyond_noise else 'inside'} the noise."
             for word, one in (("times", lost["time"]), ("heights", lost["band"])))
    + (" It uses both." if of_time and of_band else
       " It has learned that low and high are two things; that it makes use of what comes first, this run does not "
       "show."
       if of_band else " It uses the times; that it has learned what low and high are, this run does not show."
       if of_time else " So this run does not show that it uses its positions: it may hear a heap of patches. What is "
                       "next to what, a CNN need not learn."))

# %% [markdown]
# ## 7c.10 Attention maps
#
# The shares of a softmax can be drawn. From the class token's row in the last block we take the shares of all patches,
# for each head, and lay them over the spectrogram. Orange is what the class token looks at more than an even share
# would be, the fuller the more, up to four times as much. Above, the network before its training, below, after it. The
# clip is the test clip that the network gets right with the largest share; so it is a good one, not a typical one.

# %%
def looks(backbone, clip):
    """Shares (heads, times, heights) that the class token gives to the patches at last."""
    seen = by_hand(backbone, backbone.standardise(clip))[1][-1]  # (heads, 1 + N, 1 + N)
    return seen[:, 0, 1:].unflatten(1, (-1, heights)).numpy()


def answers(batches):
    """The shares (clips, genres) that the softmax of the transformer gives."""
    return torch.as_tensor(predict(networks["transformer"], batches)[0]).softmax(dim=1).numpy()

# %%
shares_of = answers(batches)
sure = shares_of[np.arange(len(held)), truth] * (shares_of.argmax(axis=1) == truth)
place = int(sure.argmax())                                       # the clip to look at
frames = torch.as_tensor(held[place][0])[:held[place][2]]
maps = {"before": looks(backbone, frames), "after": looks(learned, frames)}

# %% tags=["hide-input"]
figure, axes = plots.figure(rows=2, columns=heads, height=1.75, sharex=True, sharey=True)
shown = learned.standardise(frames).numpy()
for row, (when, ones) in zip(axes, maps.items()):
    for head, (axis, share) in enumerate(zip(row, ones), start=1):
        draw(axis, shown, share, title=f"{when}, head {head}")
    row[0].set(ylabel="frequency (Hz)")
for axis in axes[1]:
    axis.set(xlabel="time (s)")


def reach(share):
    """Of how many patches the map is one, were it even over them: the exponential of its entropy."""
    share = share.flatten() / share.sum()
    return float(np.exp(-(share * np.log(np.maximum(share, 1e-12))).sum()))


reached = {when: [reach(share) for share in ones] for when, ones in maps.items()}
plots.show(figure, alt=f"The spectrogram of a clip of {classes[truth[place]]}, {2 * heads} times in grey, with what "
           "each of the heads looks at in orange. " + " ".join(
               f"{when.capitalize()} the training the heads spread over "
               + ", ".join(f"{one:.0f}" for one in ones) + f" of {maps[when][0].size} patches." for when, ones in
               reached.items()))

# %% tags=["remove-input"]
own_share = {when: 1 - ones.sum(axis=(1, 2)) for when, ones in maps.items()}
rows_of = maps["after"].sum(axis=(0, 1)) / maps["after"].sum()
low = float(rows_of[:heights // 2].sum())
measured(own, patches_reached_before=np.mean(reached["before"]), patches_reached_after=np.mean(reached["after"]))
narrow = np.mean(reached["after"]) < 0.8 * np.mean(reached["before"])
say(f"It is a clip of {classes[truth[place]]}. " + (
    "" if sure[place] else "The network gets no test clip right in this run, so that this one stands for none. ")
    + "How widely does a head look? The exponential of the entropy of its shares says over how many patches it would "
    f"be spread if they were even. Of {maps['after'][0].size} patches that is {min(reached['before']):.0f} to "
    f"{max(reached['before']):.0f} before the training and {min(reached['after']):.0f} to {max(reached['after']):.0f} "
    "after it. " + ("A fresh network looks at everything alike, since its scores are all near 0; it has learned to "
                    "choose. " if narrow else "It has hardly learned to choose. ")
    + f"The lower half of the bands gets {low:.0%} of the attention. Up to {max(own_share['after']):.0%} of a head's "
    "shares go to the class token itself and are not drawn.")

# %% [markdown]
# ## 7c.11 Is that an explanation?
#
# It is tempting to read such a map as "this is why". Some care is due.
#
# - A weight says how much of a token's *value* goes into a mean. It does not say what the value is, nor what the layers
#   behind make of it.
# - In the last block a patch is no longer its piece of sound. Each token has looked at all others by then, and the
#   residual path goes past the attention.
# - [Jain and Wallace](../book/bibliography.md#jain2019) find, for recurrent networks that read texts, weights that
#   agree little with other measures of importance, and quite other weights that give the same answer: "Attention is not
#   Explanation". [Wiegreffe and Pinter](../book/bibliography.md#wiegreffe2019) reply that it depends on what one calls
#   an explanation, and how one tests it.
#
# So we test one thing that a map should fulfil if it shows what counts: **cover** a fifth of the patches and look how
# much less sure the network is of its answer. Covered is a patch whose bands have their mean, a zero after
# standardisation. We cover those with the most attention, those with the least, and drawn ones.

# %%
def covered(clip, places):
    """A clip (L, F) whose patches at these places have the mean of each band."""
    y = clip.clone()
    for time, height in zip(*divmod(np.asarray(places), heights)):
        part = slice(height * side, (height + 1) * side)
        y[time * side:(time + 1) * side, part] = learned.standardise.mean[part]
    return y


def order_of(clip, rng):
    """The patches of a clip: with the most attention first, with the least, and drawn."""
    share = looks(learned, clip).mean(axis=0).flatten()  # the mean of the heads
    drawn = rng.permutation(share.size)
    return {"most": np.argsort(-share), "least": np.argsort(share), "drawn": drawn}

# %%
def sureness(shares, answered):
    """The mean share that the network gives to the genre that it named for the whole clip."""
    return float(shares[np.arange(len(shares)), answered].mean())


def shares_under(kind, orders):
    """The softmax shares (clips, genres) with a fifth of each clip's patches covered."""
    hidden, each = [], iter(orders)
    for x, y, n in batches:
        x = x.clone()
        for row, length in zip(x, n):
            places = next(each)[kind]
            row[:length] = covered(row[:length], places[:len(places) // 5])
        hidden.append((x, y, n))
    return answers(hidden)

# %%
answered, rng = shares_of.argmax(axis=1), np.random.default_rng(0)
orders = [order_of(row[:length], rng) for x, _, n in batches for row, length in zip(x, n)]
under = {kind: shares_under(kind, orders) for kind in ("most", "least", "drawn")}

# %% tags=["hide-input"]
falls = {kind: compare(sureness, shares_of, ones, answered, groups=groups) for kind, ones in under.items()}
figure, (axis,) = plots.figure(height=1.9)
wording = {"most": "the most attention", "least": "the least attention", "drawn": "drawn patches"}
plots.intervals(axis, {wording[kind]: one.difference for kind, one in falls.items()}, spec=".2f",
                label="share of its answer that the network loses when a fifth of the patches is covered")
axis.axvline(0, color="0.5", linewidth=1)
plots.show(figure, alt="How much less sure the network is of its answer when a fifth of the patches is covered, with "
           "95 % intervals: " + "; ".join(f"{wording[kind]} {one.difference:.2f}" for kind, one in falls.items()) + ".")

# %% tags=["remove-input"]
stay = {kind: float((ones.argmax(axis=1) == answered).mean()) for kind, ones in under.items()}
between = {kind: compare(sureness, under[kind], under["most"], answered, groups=groups) for kind in ("least", "drawn")}
measured(own, cover_most=falls["most"].difference.value, cover_least=falls["least"].difference.value,
         cover_drawn=falls["drawn"].difference.value)
told = {kind: "beyond the noise" if one.is_beyond_noise else "inside the noise" for kind, one in between.items()}
say(f"Uncovered, the network gives its answer a share of {sureness(shares_of, answered):.2f} on average. Covering "
    f"what it looks at most costs {falls['most'].difference.value:z.2f} of that, what it looks at least "
    f"{falls['least'].difference.value:z.2f}, drawn patches {falls['drawn'].difference.value:z.2f}. The answer stays "
    f"the same for {stay['most']:.0%}, {stay['least']:.0%} and {stay['drawn']:.0%} of the clips. Clip by clip, the "
    f"most attended patches cost {between['least'].difference.value:+z.2f} more than the least attended ones, "
    f"{told['least']}, and {between['drawn'].difference.value:+z.2f} more than drawn ones, {told['drawn']}. "
    + ("So the map points to patches that count more than others. It does not say what in them counts, nor that "
       "nothing else does." if all(one.is_beyond_noise and one.difference.value > 0 for one in between.values()) else
       "So this run does not show that what is attended counts more than what is drawn by lot: a map of it would be a "
       "poor explanation." if not (between["drawn"].is_beyond_noise and between["drawn"].difference.value > 0) else
       "So the map points to patches that count more than drawn ones; against the least attended ones this run does "
       "not decide."))

# %% [markdown]
# This test has a weakness of its own. A covered patch is a sound that no clip has, and a network may lose its bearings
# by that alone; the drawn patches are there to show how much of it is that.

# %% [markdown]
# ## 7c.12 Listen
#
# Two seconds of the clip of the maps: those which the class token looks at most, and those which it looks at least.
# Which would *we* have chosen to recognise the genre by?

# %% tags=["hide-input"]
from dataclasses import replace

from labkit.show import listen

piece = lab.composed_pieces()[0] if lab.root is None else None  # with another id it is another composed clip
recordings = [replace(piece, id=held.ids[place])] if piece else lab.recordings()
playable = {one.id.lstrip("0"): one for one in recordings if not one.is_fallback}
found = playable.get(held.ids[place].lstrip("0"))
wide = max(1, round(2 * rate / side))               # instants of two seconds
along = maps["after"].mean(axis=0).sum(axis=1)      # (times,)
sums = np.convolve(along, np.ones(min(wide, len(along))), mode="valid")
if found:
    for word, instant in (("most", int(sums.argmax())), ("least", int(sums.argmin()))):
        begin = instant * side / rate
        listen(found.sound(2, begin), f"lesson_7c_{word}",
               f"looked at {word}: a clip of {classes[truth[place]]} from {begin:.1f} s on, "
               f"{sums[instant] / along.sum():.0%} of the attention")
else:
    say("These data hold no sound of that clip, so there is nothing to play here.")

# %% [markdown]
# ## Exercises
#
# Patches that overlap, as the published network has them (7c.1), attention with a mask (7c.2), and maps that follow the
# attention through all blocks (7c.3). `check`, `hint`, `solution` and `target` work as in [lesson
# 1](01_spectrograms.ipynb).

# %%
from labkit.exercises import check, hint, solution, target

# %% [markdown]
# **Exercise 7c.1 · Patches that overlap** (10 minutes).
#
# `cut` lays squares side by side. The published network takes one every 10 frames and every 10 bands. Write
# `overlapping(x, side, step)` for a batch of clips (B, L, F): all squares of `side` x `side` that fit, one every `step`
# frames and bands, each as one row of numbers, its first frame first. Those of one instant come after each other, the
# lowest first. What does not fill a patch at the end is left out.
#
# *Solved when* it agrees exactly with `torch.nn.functional.unfold`, for steps shorter than the side, as long and
# longer. Below, in which order the patches of a small clip come.

# %%
target("7c.1")

# %% tags=["exercise"]
# Exercise 7c.1
def overlapping(x, side=16, step=10):
    """Patches (B, N, side * side) of clips (B, L, F), instant by instant, low before high."""
    times = range(0, x.shape[1] - side + 1, step)  # solution
    bands = range(0, x.shape[2] - side + 1, step)  # solution
    # (B, side * side) for each place
    # solution: begin
    rows = [x[:, t:t + side, b:b + side].flatten(1) for t in times for b in bands]
    # solution: end
    return torch.stack(rows, dim=1)

# %% tags=["check"]
check("7c.1")

# %% [markdown]
# Once it is correct, `overlapping(torch.zeros(1, 1024, 128)).shape` has the 1212 patches of the published network. How
# many pairs is that beside those of 16 x 16 side by side?

# %% [markdown]
# **Exercise 7c.2 · Attention with a mask** (15 minutes).
#
# Section 7c.4 needs no mask, since it sees one clip at a time. Write `masked_attention(q, k, v, ignored)` for a batch:
# queries, keys and values are (B, heads, N, d), and `ignored` (B, N) is True for tokens that are padding. Give the
# answers (B, heads, N, d) and the shares (B, heads, N, N). What is ignored is looked at by nobody, and the shares of
# each row still add up to 1. It may go on asking; its answer is used by nobody.
#
# *Solved when* it agrees with `functional.scaled_dot_product_attention` to 0.0001, with and without padding, and for
# scores of many sizes. Below, the shares of one head, the last two tokens of six being ignored.

# %%
target("7c.2")

# %% tags=["exercise"]
# Exercise 7c.2
def masked_attention(q, k, v, ignored):
    """Answers (B, heads, N, d), and shares (B, heads, N, N) that are 0 for what is ignored."""
    scores = q @ k.transpose(2, 3) / q.shape[3] ** 0.5  # solution
    # the column of what is ignored, in each row
    scores = scores.masked_fill(ignored[:, None, None, :], -torch.inf)  # solution
    shares = scores.softmax(dim=3)  # solution
    return shares @ v, shares

# %% tags=["check"]
check("7c.2")

# %% [markdown]
# **Exercise 7c.3 · Through all blocks** (15 minutes).
#
# The maps of section 7c.10 are those of the last block, whose tokens have looked around before. *Attention rollout*
# ([Abnar and Zuidema](../book/bibliography.md#abnar2020)) follows the way back to the patches themselves. In each
# block, half of a token comes to it along the residual path, and half by the mean attention of the heads: the matrix
# $(A + I) / 2$. Two blocks after each other are the product of their matrices. Write `rollout(seen)`: from the shares
# (heads, N, N) of each block, the first block first, what share of each token (N,) reaches the class token, number 0.
#
# *Solved when* it agrees with the sum over all ways from token to token, for one to four blocks. Below, a small
# example.

# %%
target("7c.3")

# %% tags=["exercise"]
# Exercise 7c.3
def rollout(seen):
    """What of each token (N,) reaches token 0, from the shares (heads, N, N) of each block."""
    ways = torch.eye(seen[0].shape[1])  # before the first block each token is itself
    for shares in seen:
        step = (shares.mean(dim=0) + torch.eye(len(ways))) / 2  # solution
        # a later block mixes what the earlier ones have mixed
        ways = step @ ways  # solution
    return ways[0]  # solution

# %% tags=["check"]
check("7c.3")

# %% [markdown]
# Once it is correct, `rollout(by_hand(learned, learned.standardise(frames))[1])[1:].reshape(-1, heights)` is a map as
# in 7c.10, for `draw`. In 7c.11, put it for `share` in `order_of`: does it find patches that cost more?

# %% [markdown]
# ## Questions

# %% [markdown] tags=["quiz"]
# **Question 1.** A transformer gets clips that are twice as long. What happens to the table of weights between pairs of
# patches, and to the number of learned weights in a block?
#
# - a) Both double.
# - b) The table becomes four times as large, the learned weights stay as many.
# - c) Both become four times as many.
#
# <details><summary>Answer</summary>
#
# **b)** Twice the patches are twice the rows and twice the columns of the table. The linear layers of a block work on
# one token at a time and know nothing of how many there are. Only the positions need more vectors.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 2.** Somebody forgets to add the positions and trains a transformer on genres. What does this network hear?
#
# - a) Nothing: without positions there is no attention.
# - b) The patches in a random order.
# - c) Which patches a clip has, but not when they come nor at which height they lie.
#
# <details><summary>Answer</summary>
#
# **c)** Attention works without positions, and gives the same for every order: the clip is a heap of patches. As far as
# the patches themselves differ from band to band, it can guess at the height. For genres this can go a long way, as
# timbre is in the patches; a rhythm that is longer than a patch is lost.
#
# </details>

# %% [markdown] tags=["quiz"]
# **Question 3.** A head gives half of its weight to the patches with the snare drum. What may we say?
#
# - a) The network recognised the genre by the snare drum.
# - b) In this block, for this token, half of the mean came from those tokens; whether the answer rests on it needs a
#   test, such as covering them.
# - c) Without the snare drum the network would give another answer.
#
# <details><summary>Answer</summary>
#
# **b)** The weights are those of one mean in one block. The values behind them may say something else than "snare",
# what comes later may not use it, and the residual path goes past it. Answers a and c are guesses that covering can put
# to the test.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# "(mistake 4)" is number 4 of the page [Common mistakes](../book/common_mistakes.md), which shows what it looks like.
#
# - **The mask the wrong way round.** In torch's `key_padding_mask` True means *ignored*; in the `attn_mask` of
#   `scaled_dot_product_attention` True means *looked at*. Neither complains.
# - **A weight set to 0 after the softmax.** The row then no longer adds up to 1. Set the score to minus infinity
#   before.
# - **No mask at all.** Silence, or whatever the padding holds, is then a part of every clip, and the answer depends on
#   its company in the batch (mistake 4).
# - **`batch_first` forgotten.** `nn.MultiheadAttention` takes (tokens, clips, numbers) unless told otherwise, and then
#   clips look at each other. No error is raised.
# - **A learning rate as for a CNN without a warm-up.** Transformers go astray in their first steps more easily; warm
#   up, and clip the gradient.
# - **Raw decibels.** Layer normalisation hides how large a token is. But where all cells are near -80, all tokens point
#   the same way, and what tells them apart is small (mistake 11).
# - **A map of attention shown as a reason.** Cover what it marks and see.
#
# ## Take-away
#
# 1. A transformer is a set of tokens that search each other: queries, keys, values, a softmax, a mean. Only positions
#    tell it where a patch lies.
# 2. It has nothing built in about sound, so that it needs many clips, or weights that have seen many. With few, a CNN
#    is the better bet; measure it.
# 3. Attention shows where a mean comes from. Whether that is a reason is a question for an experiment.
#
# **Next:** the CNN learns numbers instead of names: [lesson 8](08_emotion.ipynb) asks how glad and how lively a piece
# is.
