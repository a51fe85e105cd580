"""The checks of lesson 7b: one map of a convolution, batch normalisation in two modes, the receptive field."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def map_of(x, kernel, padding: int = 0, stride: int = 1):
    """What exercise 7b.1 asks for, by torch."""
    from torch.nn import functional

    return functional.conv2d(x[None], kernel[None], padding=padding, stride=stride)[0, 0]


def drawn_maps(*shape: int, seed: int = 0):
    """Maps or kernels of small whole numbers, float32, as a tensor."""
    import torch

    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(seed)).float()


def show_one_map() -> None:
    """A picture with a hit and a note, a kernel, and its maps with stride 1 and 2."""
    import torch

    from labkit import plots

    picture = torch.zeros(1, 16, 12)
    picture[0, 5] = 1.0          # a hit: one frame, all bands
    picture[0, :, 3] += 1.0      # a note: one band, all frames
    kernel = torch.tensor([[[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]]])
    pictures = {"x": picture[0], "one_map(x, kernel)": map_of(picture, kernel),
                "padding=1": map_of(picture, kernel, 1), "padding=1, stride=2": map_of(picture, kernel, 1, 2)}
    figure, axes = plots.figure(columns=4, height=1.9)
    for axis, (title, values) in zip(axes[0], pictures.items(), strict=True):
        axis.imshow(values.T, origin="lower", vmin=-3, vmax=3, cmap="PuOr")
        axis.set(xlabel="frame", xticks=[0, len(values) - 1], yticks=[0, values.shape[1] - 1])
        axis.set_title(title, fontsize=8.5)
    axes[0, 0].set(ylabel="band")
    sizes = ", ".join(" x ".join(map(str, values.shape)) for values in pictures.values())
    plots.show(figure, alt="The target of exercise 7b.1: a picture of a vertical line, a hit, and a horizontal one, a "
                           "note; the map of a kernel for edges in time shows two vertical lines of opposite sign, "
                           f"before and after the hit. The sizes, frames x bands: {sizes}.")


@exercise("7b.1", names=("one_map",), target=show_one_map,
          hints=("The kernel fits wherever it does not reach beyond the end: the last place is the size of x less the "
                 "side of the kernel, and `range` leaves out its end, so that it ends one later.",
                 "`x[:, t:t + side, b:b + side]` is what lies under the kernel, on all maps at once: (C, K, K), as the "
                 "kernel. Multiply both and take `.sum()`."),
          praise="It is torch's own map, for any depth, side, padding and stride.")
def check_one_map(one_map):
    """Against torch's conv2d, for several depths, sides, paddings and strides, of pictures that are not square."""
    import torch
    from torch.nn import functional

    cases = [(channels, side, padding, stride) for channels, side in ((1, 3), (3, 3), (2, 2), (2, 5), (3, 1))
             for padding, stride in ((0, 1), (1, 1), (0, 2), (2, 3), (1, 2))]
    for number, (channels, side, padding, stride) in enumerate(cases):
        x = drawn_maps(channels, 9, 7, seed=number)
        kernel = drawn_maps(channels, side, side, seed=100 + number)
        given = [x.clone(), kernel.clone()]
        what = (f"`one_map(x, kernel, padding={padding}, stride={stride})` of {channels} map{'s' * (channels > 1)} and "
                f"a kernel of side {side}")
        answer = numbers(one_map(*given, padding=padding, stride=stride), what)
        if not all(torch.equal(*pair) for pair in zip(given, (x, kernel), strict=True)):
            raise NotYet("The maps or the kernel that it was given are changed. Write into neither of them.")
        wanted = map_of(x, kernel, padding, stride)
        dense, bare = map_of(x, kernel, padding), map_of(x, kernel, 0, stride)
        padded = functional.pad(x, [padding] * 4)
        usual = [
            (map_of(x, kernel.flip(1, 2), padding, stride),
             "The kernel is turned by 180 degrees: the mathematician's convolution. Torch lays it on as it is."),
            (dense, "The stride has no effect: every place is taken. Give `range` the stride as its step."),
            (bare, "The padding has no effect. Slide over the padded x."),
            (map_of(x[:1], kernel[:1], padding, stride),
             "Only the first map is looked at. The kernel lies on all maps, and the sum runs over all of them."),
            (wanted / (channels * side * side), "This is the mean of the products. Expected their sum."),
            (wanted / channels, "The sum is divided by the number of maps. Expected the sum over all of them."),
            (map_of(x, kernel.transpose(1, 2), padding, stride),
             "Frames and bands of the kernel are exchanged. Its first side lies along the frames."),
            (wanted.T, "Frames and bands of the map are exchanged. Expected the frames first."),
            (map_of(padded[:, :-1, :-1], kernel, 0, stride),
             "The last place is missing where the kernel still fits. `range(n - side)` ends one too early: `range(0, n "
             "- side + 1, stride)`."),
            (dense[:wanted.shape[0], :wanted.shape[1]],
             "The map has the right size, but its values lie side by side. With a stride the places lie `stride` "
             "apart."),
            (functional.conv2d(x[:, None], kernel[:, None], padding=padding, stride=stride)[:, 0] if channels == 1 else
             torch.stack([map_of(x[c:c + 1], kernel[c:c + 1], padding, stride) for c in range(channels)]),
             "There is one map for each map of x. Expected one in all: add them up."),
        ]
        same = [(value, why) for value, why in usual if value.shape != wanted.shape or not torch.equal(value, wanted)]
        expect(answer, wanted, what, same, atol=1e-4,
               advice=f"The places begin at 0 and lie {stride} apart; the last begins at most {side} before the end of "
                      "the padded x.")


def batches_of_maps():
    """Batches (B, C, H, W), one of a single clip, of maps with means and variances of their own."""
    import torch

    rng = torch.Generator().manual_seed(7)
    scale, offset = (torch.tensor(values)[:, None, None] for values in ([2.0, 0.5, 0.01], [1.0, -3.0, 0.5]))
    return [scale * torch.randn(clips, 3, 3, 2 + clips, generator=rng) + offset for clips in (4, 3, 1, 2)]


@exercise("7b.2", names=("normalised",),
          hints=("Means and variances are taken over clips, frames and bands: `dim=(0, 2, 3)`, so that one number for "
                 "each map is left. `correction=0` divides by the count, `correction=1` by one less.",
                 "Only in training: m and v are those of the batch, `mean = 0.9 * mean + 0.1 * m`, and the variance "
                 "likewise with the one of `correction=1`. In both modes: `(x - m) / torch.sqrt(v + 1e-5)`."),
          praise="In both modes it is `nn.BatchNorm2d`, its two variances included.")
def check_normalised(normalised):
    """Against nn.BatchNorm2d: one batch, several after each other, in evaluation, and a batch of one clip."""
    import torch
    from torch import nn

    def own(x, correction=0, dim=(0, 2, 3)):
        return x.mean(dim=dim, keepdim=True), x.var(dim=dim, keepdim=True, correction=correction)

    def by(x, m, v):
        m, v = (one[:, None, None] if one.ndim == 1 else one for one in (m, v))
        return (x - m) / torch.sqrt(v + 1e-5)

    theirs = nn.BatchNorm2d(3, affine=False)
    mean, variance = torch.tensor([0.5, -1.0, 2.0]), torch.tensor([1.0, 2.0, 0.5])
    theirs.running_mean, theirs.running_var = mean.clone(), variance.clone()
    for number, x in enumerate(batches_of_maps()):
        for training in (True, False):
            mode = "training" if training else "evaluation"
            what = f"`normalised(x, mean, variance, training={training})`"
            theirs.train(training)
            before = theirs.running_mean.clone(), theirs.running_var.clone()
            with torch.no_grad():
                wanted = theirs(x)
            given = [x.clone(), before[0].clone(), before[1].clone()]
            answer = normalised(*given, training)
            if answer is None or not isinstance(answer, tuple | list) or len(answer) != 3:
                found = "None" if answer is None else f"{type(answer).__name__}" + (
                    f" of {len(answer)}" if isinstance(answer, tuple | list) else "")
                raise NotYet(f"Expected three things of {what}: the maps, the running mean, the running variance; "
                             f"found {found}.")
            if not all(torch.equal(*pair) for pair in zip(given, (x, *before), strict=True)):
                raise NotYet("What it was given is changed. Make new numbers, `mean = 0.9 * mean + ...`, instead of "
                             "writing into the old ones.")
            m, v = own(x)
            _, unbiased = own(x, 1)
            y, new_mean, new_variance = (numbers(one, f"{name} of {what}") for one, name in zip(
                answer, ("the maps", "the running mean", "the running variance"), strict=True))
            if training:
                usual = [
                    (by(x, *before), "In training the maps are normalised by the running numbers. Take those of the "
                                     "batch."),
                    (by(x, theirs.running_mean, theirs.running_var),
                     "In training the maps are normalised by the new running numbers. Take those of the batch alone."),
                    (by(x, theirs.running_mean, v), "In training the running mean is taken away. Take the mean of the "
                                                    "batch."),
                    (by(x, m, unbiased), "The variance that normalises is divided by n - 1. Expected by n: "
                                         "correction=0."),
                    (by(x, *own(x, dim=(2, 3))), "Each clip is normalised by itself. Take the mean over the clips too: "
                                                 "dim=(0, 2, 3)."),
                    (by(x, *own(x, dim=(1, 2, 3))), "Each clip is normalised by itself, over all maps. Take dim=(0, 2, "
                                                    "3)."),
                    (by(x, *own(x, dim=(0, 1, 2, 3))), "All maps share one mean and one variance. Expected one of each "
                                                       "map: dim=(0, 2, 3), without axis 1."),
                    (by(x, *own(x, dim=(0,))), "Each place has a mean of its own. Take it over frames and bands too: "
                                               "dim=(0, 2, 3)."),
                    ((x - m) / (v + 1e-5), "It is divided by the variance. Expected by its root."),
                    ((x - m) / v.sqrt(), "The variance goes into the root without 1e-5: a map that hardly changes is "
                                         "blown up."),
                    ((x - m) / (v.sqrt() + 1e-5), "The 1e-5 is added after the root. Expected within it."),
                    (x - m, "The mean is taken away, but nothing is divided."),
                ]
            else:
                usual = [
                    (by(x, m, v), "In evaluation the maps are normalised by the batch. Take the running mean and "
                                  "variance there."),
                    (by(x, before[0], v), "In evaluation the variance is still that of the batch."),
                    (by(x, m, before[1]), "In evaluation the mean is still that of the batch."),
                ]
            usual.append((x, "The maps come back as they were."))
            expect(y, wanted, f"the maps of {what}", _other(usual, wanted), atol=1e-4,
                   advice=f"This is batch {number + 1}, in {mode}.")
            now = theirs.running_mean, theirs.running_var
            flat, biased, other = m.flatten(), v.flatten(), unbiased.flatten()
            mixed = ((flat, before[0], new_mean, now[0], "mean"), (other, before[1], new_variance, now[1], "variance"))
            for batch, old, found, right, name in mixed:
                usual = [
                    (0.1 * old + 0.9 * batch, f"The running {name} takes 0.9 of the batch. Expected 0.9 of the old one "
                                              "and 0.1 of the batch's."),
                    (batch, f"The running {name} is that of the last batch alone. Expected 0.9 of the old one and 0.1 "
                            "of the batch's."),
                    (old + 0.1 * batch, f"The running {name} grows: a tenth is added and nothing taken away. Expected "
                                        "0.9 of the old one."),
                ]
                usual.append((old, f"The running {name} has not moved in training. Renew it there.") if training else
                             (0.9 * old + 0.1 * batch, f"The running {name} moves in evaluation. It stays as it is "
                                                       "there."))
                if name == "variance":
                    usual += [(0.9 * old + 0.1 * biased, "The running variance takes the batch's variance divided by "
                                                         "n. Torch divides it by n - 1 here: "
                                                         "correction=1." if training else
                               "The running variance moves in evaluation. It stays as it is there."),
                              (0.1 * old + 0.9 * biased, "The running variance takes 0.9 of the batch. Expected 0.9 of "
                                                         "the old one and 0.1 of the batch's."),
                              (biased, "The running variance is that of the last batch alone.")]
                expect(found, right, f"the running {name} of {what}", _other(usual, right), rtol=1e-4, atol=1e-5,
                       advice=f"This is batch {number + 1}, in {mode}.")


def _other(usual, wanted):
    """The usual mistakes that do not give what is wanted by chance."""
    return [(value, why) for value, why in usual
            if value.shape != wanted.shape or not np.allclose(value, wanted, 1e-4, 1e-4)]


def seen_by_gradient(layers) -> tuple[int, int]:
    """What exercise 7b.3 asks for, by torch: on which inputs two neighbouring outputs depend."""
    import torch
    from torch import nn

    size = 2
    for kernel, stride in reversed(layers):   # so many inputs make two outputs
        size = (size - 1) * stride + kernel
    stack = nn.Sequential(*(nn.Conv1d(1, 1, *layer, bias=False, dtype=torch.float64) for layer in layers))
    for layer in stack:
        nn.init.constant_(layer.weight, 1 / layer.kernel_size[0])
    inputs = torch.zeros(1, 1, size, requires_grad=True, dtype=torch.float64)
    first, second = (torch.autograd.grad(output, inputs, retain_graph=True)[0][0, 0].nonzero()
                     for output in stack(inputs)[0, 0])
    return int(first.max() - first.min()) + 1, int(second.min() - first.min())


def by_rule(layers, wider, farther, field: int = 1, jump: int = 1) -> tuple[int, int]:
    """Field and jump by other rules: `wider(field, jump, kernel, stride)`, `farther(jump, kernel, stride)`."""
    for kernel, stride in layers:
        field, jump = wider(field, jump, kernel, stride), farther(jump, kernel, stride)
    return field, jump


@exercise("7b.3", names=("field_and_jump",),
          hints=("Under a kernel of side k lie k values of the layer before, so that its first and its last are k - 1 "
                 "jumps apart. That much is added to the field.",
                 "`field += (kernel - 1) * jump` first, with the jump of the layer before; then the jump becomes "
                 "`stride` times as long."),
          praise="It is what gradients show. The field grows with every kernel, and faster after every stride.")
def check_field_and_jump(field_and_jump):
    """Against the gradients of two neighbouring outputs, for the lab's network and two hundred drawn stacks."""
    rng = np.random.default_rng(0)
    ours = [layer for pool in (4, 2, 4, 4) for layer in ((3, 1), (pool, pool))]
    stacks = [[(3, 1)], [(3, 2)], [(3, 1), (3, 1)], [(3, 2), (2, 3), (3, 1)], [(2, 2), (3, 1)],
              [(3, 1), (4, 4), (3, 1)], [(1, 2), (3, 1)], [(2, 3), (2, 1)], [], ours]
    stacks += [[(int(rng.integers(1, 6)), int(rng.integers(1, 4))) for _ in range(rng.integers(1, 5))]
               for _ in range(200)]

    def times(jump, kernel, stride):
        return jump * stride

    def right(field, jump, kernel, stride):
        return field + (kernel - 1) * jump

    for layers in stacks:
        field, jump = wanted = seen_by_gradient(layers)
        what, more = f"`field_and_jump({layers})`", "With no layer both are 1." if not layers else ""
        usual = [
            ((jump, field), "Field and jump have changed places. Expected the field first."),
            (by_rule(layers, lambda f, j, k, s: f + (k - 1) * j * s, times),
             "The field grows by the new jump. A kernel lies on values of the layer *before*: add first, then lengthen "
             "the jump."),
            (by_rule(layers, lambda f, j, k, s: f + k * j, times),
             "Each layer adds a whole kernel. From the first to the last of k values there are k - 1 jumps."),
            (by_rule(layers, lambda f, j, k, s: f + k - 1, times),
             "The kernel's side is counted in values of the layer before. On the input these lie `jump` apart: "
             "multiply by it."),
            (by_rule(layers, lambda f, j, k, s: f * k, times), "The sides are multiplied. Kernels overlap: each layer "
                                                               "adds (kernel - 1) * jump."),
            (by_rule(layers, right, lambda j, k, s: j + s), "The strides are added. Expected multiplied: each layer "
                                                            "steps on steps."),
            (by_rule(layers, right, lambda j, k, s: j + s - 1), "The strides are added. Expected multiplied: each "
                                                                "layer steps on steps."),
            (by_rule(layers, right, lambda j, k, s: s), "The jump is that of the last layer alone. Multiply all "
                                                        "strides."),
            (by_rule(layers, right, lambda j, k, s: j * k), "The jump is multiplied by the kernel. Expected by the "
                                                            "stride."),
            (by_rule(layers[::-1], right, times), "The layers are taken from the last to the first. Expected in "
                                                  "order."),
            ((field - 1, jump), "The field is one too small. Before any layer a value spans 1 input, itself."),
            ((field, 1), "The jump stays 1. Multiply it by each stride, after the field has grown."),
        ]
        usual = [(pair, why) for pair, why in usual if pair != wanted]
        expect(field_and_jump([*layers]), wanted, what, usual, advice=more)
