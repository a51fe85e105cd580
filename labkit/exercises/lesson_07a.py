"""The checks of lesson 7a: the side of a map, all maps of a network, and what an answer hangs on."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers

OURS = ((5, 1, 2), (2, 2, 0), (5, 1, 2), (3, 3, 0))  # the network of the lesson


def sides() -> list[tuple[int, tuple]]:
    """Two hundred sides and stacks of layers, each of which fits."""
    rng, found = np.random.default_rng(0), [(15, ((7, 2, 3),)), (24, OURS)]
    while len(found) < 200:
        side, layers = int(rng.integers(8, 40)), []
        left = side
        for _ in range(rng.integers(1, 5)):
            size = int(rng.integers(1, 6))
            layer = (size, int(rng.integers(1, 4)), int(rng.integers(0, size // 2 + 1)))
            if left + 2 * layer[2] >= size:
                layers.append(layer)
                left = (left + 2 * layer[2] - size) // layer[1] + 1
        if layers:
            found.append((side, tuple(layers)))
    return found


def side_in_torch(side: int, layers: tuple) -> int:
    """The side that torch's convolutions give."""
    import torch
    from torch.nn import functional

    x = torch.zeros(1, 1, side)
    for size, stride, padding in layers:
        x = functional.conv1d(x, torch.ones(1, 1, size), stride=stride, padding=padding)
    return x.shape[2]


@exercise("7a.1", names=("side_after",),
          hints=("`//` divides and rounds down. The side after one layer is the side before the next.",
                 "`side = (side + 2 * padding - size) // stride + 1`, once for each layer; before it, see whether "
                 "`side + 2 * padding` is at least `size`."),
          praise="Your sides are torch's, also where a stride leaves pixels over, and a window that does not fit is "
                 "an error.")
def check_side_after(side_after):
    """Against torch for two hundred stacks, and windows that do not fit."""
    for side, layers in sides():
        what = f"`side_after({side}, {list(layers)})`"
        found, wanted = numbers(side_after(side, list(layers)), what), side_in_torch(side, layers)

        def other(step, side=side, layers=layers):
            for layer in layers:
                side = step(side, *layer)
            return side

        usual = [(other(lambda n, k, s, p: (n + p - k) // s + 1), "The padding counts once. It lies on both sides: "
                                                                  "2 * padding."),
                 *((other(one), "One place is missing: the first one counts too. Add 1 after the division.") for one in
                   (lambda n, k, s, p: (n + 2 * p - k) // s, lambda n, k, s, p: (n + 2 * p - k + 1) // s)),
                 (other(lambda n, k, s, p: (n + 2 * p - k) / s + 1), "The division is not rounded down: use //."),
                 (other(lambda n, k, s, p: n + 2 * p - k + 1), "The stride is not used."),
                 (other(lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1),
                  "The division is rounded up. A window that hangs over the edge is left out: round down.")]
        expect(found, wanted, what, [(value, text) for value, text in usual if value != wanted],
               advice="Go through the layers one by one.")
    for side, layers in ((3, [(5, 1, 0)]), (8, [(2, 2, 0), (2, 2, 0), (3, 1, 0)]), (4, [(7, 1, 1)])):
        try:
            found = side_after(side, layers)
        except ValueError:
            continue
        raise NotYet(f"`side_after({side}, {layers})` gives {found!r}, but a window there is larger than what is left, "
                     "zeros included. Expected a ValueError.")


def networks():
    """Networks of three makes, with a batch for each: a plain row, nested blocks, and one whose pass fails."""
    import torch
    from torch import nn

    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("this layer fails on purpose")

    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1152, 10))
    nested = nn.Sequential(nn.Sequential(nn.Linear(6, 4), nn.Tanh()), nn.ModuleDict({"a": nn.Linear(4, 3)})["a"])
    return ((plain, torch.rand(2, 1, 24, 24)), (nested, torch.rand(3, 6)), (nn.Sequential(nn.Linear(6, 4), Broken()),
                                                                           torch.rand(3, 6)))


def outputs_of(net, innermost: dict, x) -> tuple[dict, bool]:
    """What exercise 7a.2 asks for, and whether the pass failed on purpose."""
    wanted, handles = {}, []
    for name, layer in innermost.items():
        handles.append(layer.register_forward_hook(
            lambda _, __, output, name=name: wanted.update({name: output.detach().clone()})))
    try:
        net(x)
    except RuntimeError:
        return wanted, True
    finally:
        for handle in handles:
            handle.remove()
    return wanted, False


@exercise("7a.2", names=("watched",),
          hints=("`keep` is called by torch with the layer, its inputs and its output. All it has to do is to put the "
                 "output into `found`, under the name of the layer.",
                 "`found[name] = output.detach()`; `handles.append(layer.register_forward_hook(keep))`; and in the end "
                 "`handle.remove()` for each."),
          praise="You see into any network and leave nothing behind in it.")
def check_watched(watched):
    """Our network, a nested one, and one whose pass fails; hooks, gradients and names."""
    import torch

    for net, x in networks():
        innermost = {name: layer for name, layer in net.named_modules() if not list(layer.children())}
        wanted, fails = outputs_of(net, innermost, x)
        try:
            found = watched(net, x)
        except RuntimeError as error:
            if not fails:
                raise
            if "on purpose" not in str(error):
                raise
            found = None
        left = [name for name, layer in net.named_modules() if layer._forward_hooks]
        if left:
            for layer in net.modules():
                layer._forward_hooks.clear()
            raise NotYet(f"A hook is left on {', '.join(repr(name) for name in left)}"
                         + (", after a pass that failed" if fails else "")
                         + ". Call remove() of every handle, in `finally`.")
        if fails:
            continue
        if not isinstance(found, dict):
            raise NotYet(f"Expected a dict from names to outputs, found {type(found).__name__}.")
        if set(found) != set(wanted):
            extra, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
            raise NotYet(f"Expected the names {sorted(wanted)}, found {sorted(found)}. "
                         + (f"Layers that hold others are none of ours: {extra}. " if extra else "")
                         + (f"Missing: {missing}. Does each function keep its own name? name=name fixes it." if missing
                            else ""))
        for name, output in wanted.items():
            one = found[name]
            if not isinstance(one, torch.Tensor):
                raise NotYet(f"Expected the output of {name!r}, a tensor, found {type(one).__name__}. The hook gets "
                             "layer, inputs and output, in this order.")
            if one.requires_grad:
                raise NotYet(f"The output of {name!r} still takes part in the gradient. Keep output.detach().")
            if one.shape != output.shape or not torch.allclose(one, output, atol=1e-6):
                raise NotYet(f"The output of {name!r} is another one: shape {tuple(one.shape)}, expected "
                             f"{tuple(output.shape)}. Is it that of another layer, or the input?")


def corner_network():
    """A network that looks at the upper left 4 x 4 pixels alone: ink there speaks for digit 1."""
    import torch
    from torch import nn

    class Corner(nn.Module):
        def forward(self, x):
            ink = x[:, 0, :4, :4].mean(dim=(1, 2))
            return torch.stack([torch.zeros_like(ink), 3 * ink], dim=1)

    return Corner()


def shares_of(net, picture, digit, side, value=0.0):
    """What exercise 7a.3 asks for."""
    import torch

    rows, columns = picture.shape[1] // side, picture.shape[2] // side
    shares = np.zeros((rows, columns))
    for row in range(rows):
        for column in range(columns):
            other = picture.clone()
            other[:, row * side:(row + 1) * side, column * side:(column + 1) * side] = value
            with torch.no_grad():
                shares[row, column] = float(net(other[None])[0].softmax(dim=0)[digit])
    return shares


def show_covered() -> None:
    """The table for a network that looks at one corner of a grey picture."""
    import torch

    from labkit import plots

    shares = shares_of(corner_network(), torch.full((1, 16, 16), 0.8), 1, 4)
    figure, (axis,) = plots.figure(height=2.5)
    drawn = axis.imshow(shares, cmap="Blues", vmin=0.4, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        axis.text(column, row, f"{share:.2f}", ha="center", va="center", color="white" if share > 0.7 else "black")
    axis.set(xticks=range(4), yticks=range(4), xlabel="column of the covered square", ylabel="its row")
    figure.colorbar(drawn, ax=axis, label="share of the digit")
    plots.show(figure, alt="The target of exercise 7a.3 for a network that looks at one corner: the share is "
                           f"{shares[0, 0]:.2f} with the upper left square covered, {shares[1, 1]:.2f} with any other.")


@exercise("7a.3", names=("covered",), target=show_covered,
          hints=("The square of row 2, column 1 and side 4 is `other[:, 8:12, 4:8]`. In general it begins at "
                 "`row * side`.",
                 "`net(other[None])[0]` is the output for a picture, `.softmax(dim=0)[digit]` the share."),
          praise="You can ask any network what its answer hangs on.")
def check_covered(covered):
    """Against ours, for the corner network and drawn ones, squares of three sizes, pictures that are no squares."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    drawn = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 10 * 14, 5))
    nn.init.normal_(drawn[3].weight, std=0.2)
    picture = torch.rand(1, 12, 16, generator=torch.Generator().manual_seed(2))
    for net, one, digit, side in ((corner_network(), torch.full((1, 16, 16), 0.8), 1, 4), (drawn, picture, 3, 4),
                                  (drawn, picture, 0, 2), (drawn, picture, 4, 1)):
        what = f"`covered(net, picture, {digit}, {side})` of {one.shape[1]} by {one.shape[2]} pixels"
        given = one.clone()
        found = numbers(covered(net, given, digit, side), what)
        if not torch.equal(given, one):
            raise NotYet(f"{what}: the picture that it was given is changed. Cover a copy: picture.clone().")
        wanted = shares_of(net, one, digit, side)
        with torch.no_grad():
            outputs = np.array([[float(net(_with_square(one, row, column, side)[None])[0][digit])
                                 for column in range(one.shape[2] // side)] for row in range(one.shape[1] // side)])
            whole = float(net(one[None])[0].softmax(dim=0)[digit])
        usual = [(outputs, "These are outputs before the softmax. Expected shares, between 0 and 1."),
                 (wanted.T, "Rows and columns have changed places."),
                 (whole - wanted, "This is how far the share falls. Expected the share itself."),
                 (np.full(wanted.shape, whole), "No square is covered: all shares are that of the whole picture."),
                 (shares_of(net, one, digit, side, 1.0), "The square is set to 1, ink. Expected 0, paper.")]
        usual = [(value, text) for value, text in usual
                 if value.shape != wanted.shape or not np.allclose(value, wanted)]
        expect(found, wanted, what, usual,
               advice="Cover one square by hand and look at the softmax of the network.")


def _with_square(picture, row, column, side):
    other = picture.clone()
    other[:, row * side:(row + 1) * side, column * side:(column + 1) * side] = 0
    return other
