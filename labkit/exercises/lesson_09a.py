"""The checks of lesson 9a: a backbone taken over and counted, blocks frozen, and the last layer solved exactly."""

from copy import deepcopy
from itertools import pairwise

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def small_network(sizes=(3, 4, 2), norm: bool = True, outputs: int = 1, seed: int = 0):
    """A network with `backbone.blocks` and `output_layer`; each block is a linear layer, perhaps a norm, and a ReLU."""
    import torch
    from torch import nn

    class Backbone(nn.Module):
        """Blocks one after the other."""

        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(
                nn.Sequential(nn.Linear(before, after), *([nn.BatchNorm1d(after)] if norm else []), nn.ReLU())
                for before, after in pairwise(sizes))

        def forward(self, x):
            """(B, sizes[0]) -> (B, sizes[-1])."""
            for block in self.blocks:
                x = block(x)
            return x

    class Network(nn.Module):
        """A backbone and a head."""

        def __init__(self):
            super().__init__()
            self.backbone, self.output_layer = Backbone(), nn.Linear(sizes[-1], outputs)

        def forward(self, x):
            """(B, sizes[0]) -> (B, outputs)."""
            return self.output_layer(self.backbone(x))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network()
        for name, values in network.state_dict().items():  # no tensor equals that of another seed by chance
            if values.is_floating_point():
                values.copy_(torch.rand(values.shape) + (0.5 if "running_var" in name else -0.5))
            else:
                values.fill_(seed + 1)
    return network


def different(one: dict, other: dict, prefix: str = "") -> list[str]:
    """The names that begin with prefix whose tensors differ between two state dicts."""
    import torch

    return [name for name in one if name.startswith(prefix) and not torch.equal(one[name], other[name])]


def fitting(mine: dict, theirs: dict) -> list[str]:
    """What exercise 9a.1 takes over."""
    return [name for name in mine if name.startswith("backbone.") and name in theirs
            and mine[name].shape == theirs[name].shape]


@exercise("9a.1", names=("take_over",),
          hints=("Go through the names of `mine`. Three things have to be true of one that is taken over: it begins "
                 "with `backbone.`, `theirs` has it too, and both tensors have one shape.",
                 "`[name for name in mine if name.startswith(\"backbone.\") and name in theirs and mine[name].shape == "
                 "theirs[name].shape]`. Then `mine[name].copy_(theirs[name])` for each, weights and running means "
                 "alike."),
          praise="Backbone and running means are taken over, the head is left alone, and a transfer of nothing is no "
                 "longer silent.")
def check_take_over(take_over):
    """On small networks: with and without norm, another head, the same head, a longer backbone, one that lacks all."""
    cases = (("two networks of one build", {}, {}),
             ("networks without batch normalisation", {"norm": False}, {"norm": False}),
             ("a source with another head", {}, {"outputs": 5}),
             ("a source with one block more", {}, {"sizes": (3, 4, 2, 2)}),
             ("a source whose last block is wider", {}, {"sizes": (3, 4, 6)}))
    for what, mine, theirs in cases:
        model, source = small_network(**mine), small_network(**theirs, seed=1)
        before, given = deepcopy(model.state_dict()), deepcopy(source.state_dict())
        names = fitting(before, given)
        answer = take_over(model, source)
        after = model.state_dict()
        if different(given, source.state_dict()):
            raise NotYet(f"With {what}, `source` is changed. Copy from `theirs` into `mine`, not the other way round.")
        if head := different(before, after, "output_layer"):
            raise NotYet(f"With {what}, `{head[0]}` of the model is changed. The head stays: only names that begin "
                         "with `backbone.` are taken over.")
        missing = [name for name in names if name in different(after, given)]
        if missing and len(missing) == len(names):
            raise NotYet(f"With {what}, nothing is taken over: each tensor of the model's backbone is as before. "
                         "`mine[name].copy_(value)` writes into the model; `mine[name] = value` only into the dict.")
        if missing and all("running" in name or "num_batches" in name for name in missing):
            raise NotYet(f"With {what}, `{missing[0]}` is not taken over. Running means are no parameters; go through "
                         "`state_dict()`, which holds both.")
        if missing:
            raise NotYet(f"With {what}, `{missing[0]}` is not taken over, though it fits. Expected {len(names)} "
                         "tensors.")
        if wrong := [name for name in different(after, before, "backbone.") if name not in names]:
            raise NotYet(f"With {what}, `{wrong[0]}` is changed, though the source has none of that shape.")
        count = numbers(answer, "the answer of `take_over(model, source)`")
        usual = ((len(before), "All tensors of the model are counted, those of the head too. Count those that were "
                               "copied."),
                 (len(given), "All tensors of the source are counted. Count those that were copied."),
                 (sum(values.numel() for name, values in before.items() if name in names),
                  "The single numbers are counted. Expected the number of tensors."))
        expect(count, len(names), f"`take_over(model, source)` with {what}", usual)
        for parameter in model.parameters():
            parameter.data.add_(1.0)
        if different(given, source.state_dict()):
            raise NotYet("The two networks share their weights: training one would move the other. Copy the numbers, "
                         "with `copy_`, instead of handing over the tensors or the backbone itself.")
    model = small_network(norm=False)  # the counter of a norm has no width, and would fit
    before = deepcopy(model.state_dict())
    for what, source in (("another width everywhere", small_network((7, 8, 9), norm=False, outputs=2, seed=1)),
                         ("no backbone at all", small_network(seed=1).output_layer)):
        try:
            answer = take_over(model, source)
        except ValueError:
            pass
        else:
            raise NotYet(f"With a source of {what}, `take_over` gives {answer!r} and raises no error. Expected a "
                         "ValueError where no tensor is copied: a transfer of nothing should not be silent.")
        if different(before, model.state_dict(), "output_layer"):
            raise NotYet(f"With a source of {what}, the head of the model is changed. It stays as it is.")


def steps_of(model, freeze, count: int) -> None:
    """`freeze`, then three steps with weight decay on drawn clips, without switching the mode again."""
    import torch

    freeze(model, count)
    rng = torch.Generator().manual_seed(3)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05, weight_decay=0.1)
    for _ in range(3):
        x = torch.randn(16, 3, generator=rng) + 2
        loss = ((model(x)[:, 0] - x.sum(1)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@exercise("9a.2", names=("freeze",),
          hints=("The model is in training mode, and all weights may learn; now take back both for each of the first "
                 "blocks. One call says that its weights learn nothing, another one puts the block into evaluation "
                 "mode.",
                 "`block.requires_grad_(False)` and `block.eval()`. Count at the end: the sum of `p.numel()` over the "
                 "parameters with `p.requires_grad`."),
          praise="The frozen blocks are the same to the last bit after training, running means included.")
def check_freeze(freeze):
    """Modes, gradients and counts for each count; what training moves and what it does not; thawing."""
    sizes = (3, 5, 4, 4)
    for count in (1, 2, 3, 0):
        model = small_network(sizes, seed=2)
        before = deepcopy(model.state_dict())
        answer = freeze(model, count)
        what = f"`freeze(model, {count})` of three blocks"
        if different(before, model.state_dict()):
            raise NotYet(f"{what} changes the weights. It only says which of them may learn.")
        frozen, free = list(model.backbone.blocks[:count]), [*model.backbone.blocks[count:], model.output_layer]
        if any(p.requires_grad for block in frozen for p in block.parameters()):
            raise NotYet(f"After {what}, weights of a frozen block may still learn. Use `block.requires_grad_(False)`.")
        if not all(p.requires_grad for part in free for p in part.parameters()):
            raise NotYet(f"After {what}, weights that should learn may not. Freeze the first `count` blocks and "
                         "nothing else; the last layer learns as well.")
        if any(part.training for block in frozen for part in block.modules()):
            raise NotYet(f"After {what}, a frozen block is in training mode: its running means would move although "
                         "no weight does. Add `block.eval()`, after `model.train()`.")
        if not all(part.training for block in free for part in block.modules()):
            raise NotYet(f"After {what}, a part that learns is in evaluation mode. Only the first `count` blocks are.")
        wanted = sum(p.numel() for part in free for p in part.parameters())
        whole = sum(p.numel() for p in model.parameters())
        usual = ((whole, "All weights are counted. Count those with `p.requires_grad`."),
                 (whole - wanted, "These are the frozen weights. Expected the number of those that may learn."),
                 (sum(1 for part in free for _ in part.parameters()),
                  "The tensors are counted. Expected single weights: the sum of `p.numel()`."),
                 (wanted + sum(b.numel() for part in free for b in part.buffers()),
                  "Running means are counted too. They are no weights: go through `model.parameters()`."))
        expect(answer, wanted, what, [(value, why) for value, why in usual if value != wanted])
        steps_of(model, freeze, count)
        after = model.state_dict()
        still = [name for name, _ in model.named_parameters() if name not in different(before, after)]
        held = [f"backbone.blocks.{number}." for number in range(count)]
        if moved := [name for prefix in held for name in different(before, after, prefix)]:
            raise NotYet(f"After {what} and three steps, `{moved[0]}` has moved. A frozen block stays to the last bit.")
        if wrong := [name for name in still if not name.startswith(tuple(held))]:
            raise NotYet(f"After {what} and three steps, `{wrong[0]}` has not moved. It should learn.")
    model = small_network(sizes, seed=2)
    freeze(model, 3)
    freeze(model, 1)
    if not all(p.requires_grad for p in model.backbone.blocks[2].parameters()) or not model.backbone.blocks[2].training:
        raise NotYet("After `freeze(model, 3)` and then `freeze(model, 1)`, the third block is still frozen. Let all "
                     "weights learn and put all into training mode first; then freeze.")


def clips(count: int, size: int, seed: int):
    """Vectors whose columns have means and sizes of their own, and labels that hang on some of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, size)) * rng.uniform(0.5, 2, size) + rng.uniform(-3, 3, size)
    return x, x @ rng.normal(size=size) / size + 2 + rng.normal(size=count)


def solved_by(x, y, penalty):
    """What exercise 9a.3 asks for, by scikit-learn: weights and intercept in one array."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=penalty, solver="svd").fit(x, y)
    return np.append(model.coef_, model.intercept_)


def show_ridge() -> None:
    """Lines of three penalties through eight clips of one number each."""
    from labkit import plots

    x, y = np.array([0.1, 0.3, 0.5, 0.8, 1.2, 1.3, 1.7, 1.9]), np.array([0.2, 0.35, 0.3, 0.5, 0.6, 0.75, 0.8, 0.95])
    figure, (axis,) = plots.figure(height=2.4)
    axis.plot(x, y, "o", color="0.4", markersize=5)
    ends = np.array([0.0, 2.0])
    for penalty, colour in zip((0.01, 3, 1000), plots.COLOURS, strict=False):
        w, b = solved_by(x[:, None], y, penalty)
        axis.plot(ends, w * ends + b, color=colour)
        axis.annotate(f"penalty {penalty:g}: w = {w:.2f}, b = {b:.2f}", (2.0, 2 * w + b), xytext=(6, 0), va="center",
                      textcoords="offset points", color=colour, fontsize=8.5, annotation_clip=False)
    axis.set(xlabel="the one number of a clip's vector", ylabel="label", xlim=(0, 3.1), xticks=[0, 0.5, 1, 1.5, 2])
    plots.show(figure, alt="The target of exercise 9a.3: eight clips and three lines through their common middle. With "
                           "penalty 0.01 the line is steep, with 3 flatter, and with 1000 level at the mean label: the "
                           "penalty pulls the weight to 0, not the intercept.")


@exercise("9a.3", names=("ridge",), target=show_ridge,
          hints=("Subtract its mean from each column of x, and from y. The left side of the formula is the square "
                 "(O, O) of what is left, with the penalty added along its diagonal.",
                 "`apart.T @ apart + penalty * np.eye(x.shape[1])` on the left, `apart.T @ (y - middle)` on the right; "
                 "`b = middle - centre @ w`."),
          praise="It is scikit-learn's Ridge, and the last layer that many epochs of Adam only come near to.")
def check_ridge(ridge):
    """Against scikit-learn's Ridge, with fewer and with more numbers than clips, and several penalties."""
    for number, (count, size) in enumerate(((30, 4), (12, 1), (10, 25))):
        x, y = clips(count, size, number)
        for penalty in (3.0, 1000.0, 0.01):
            given = x.copy(), y.copy()
            what = f"`ridge(x, y, {penalty:g})` of {count} clips of {size} number{'s' * (size > 1)}"
            answer = ridge(*given, penalty)
            if not isinstance(answer, tuple | list) or len(answer) != 2:
                raise NotYet(f"Expected {what} to give two things, the weights and the intercept: `return w, b`.")
            if not (np.array_equal(given[0], x) and np.array_equal(given[1], y)):
                raise NotYet("x or y is changed by the function. Write `x - centre` into a new array instead of `-=`.")
            w, b = numbers(answer[0], f"the weights of {what}"), numbers(answer[1], f"the intercept of {what}")
            if w.shape != (size,) and b.shape == (size,):
                raise NotYet("Weights and intercept have changed places. Expected `w, b`.")
            if w.shape != (size,):
                raise NotYet(f"Expected the weights of {what} to have the shape ({size},), found {w.shape}.")
            if b.size != 1:
                raise NotYet(f"Expected the intercept of {what} to be one number, found the shape {b.shape}.")
            found, wanted = np.append(w, b), solved_by(x, y, penalty)
            apart, middle = x - x.mean(axis=0), y - y.mean()
            eye = np.eye(size)

            def through(weights, x=x, y=y):
                return np.append(weights, y.mean() - x.mean(axis=0) @ weights)

            raw = np.linalg.solve(x.T @ x + penalty * eye, x.T @ y)
            ones = np.column_stack([x, np.ones(count)])
            penalised = np.linalg.solve(ones.T @ ones + penalty * np.eye(size + 1), ones.T @ y)
            usual = [
                (through(np.linalg.lstsq(apart, middle, rcond=None)[0]), "The penalty has no effect: these are the "
                                                                          "weights without one. Add it along the "
                                                                          "diagonal."),
                (np.append(wanted[:-1], y.mean()), "The weights are right. The intercept is that of centred vectors: "
                                                   "from the mean label take the mean vector times the weights."),
                (np.append(wanted[:-1], 0), "The weights are right, but the intercept is 0. It is the mean label less "
                                            "the mean vector times the weights."),
                (np.append(wanted[:-1], y.mean() + x.mean(axis=0) @ wanted[:-1]),
                 "The weights are right. The intercept has a wrong sign: subtract the mean vector times the weights."),
                (penalised, "The intercept is penalised too, as one more weight. Subtract the means instead, and the "
                            "intercept follows from them."),
                (through(raw), "x and y are not centred. Subtract their means before the products."),
                (np.append(raw, 0), "x and y are not centred, and there is no intercept. Subtract their means first."),
                (through(solved_by(x, y, penalty * count)[:-1]), "The penalty is multiplied by the number of clips. "
                                                                 "Add it as it is."),
                (through(solved_by(x, y, penalty / count)[:-1]), "The squares are divided by the number of clips, as "
                                                                 "a mean; the formula has their sum."),
                (through(solved_by(x, y, penalty**2)[:-1]), "The penalty is squared. Add it as it is."),
            ]
            if size < count:
                full = apart.T @ apart + penalty  # on every cell, not along the diagonal
                if np.linalg.cond(full) < 1e12:
                    usual.append((through(np.linalg.solve(full, apart.T @ middle)),
                                  "The penalty is added to every cell. Expected along the diagonal: np.eye."))
            usual = [(value, why) for value, why in usual if not np.allclose(value, wanted, 1e-4, 1e-6)]
            expect(found, wanted, f"weights and intercept of {what}", usual, rtol=1e-4, atol=1e-6,
                   advice="Compare with Ridge(alpha=penalty).fit(x, y) of scikit-learn.")
