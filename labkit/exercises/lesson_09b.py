"""The checks of lesson 9b: a weighted loss that bears gaps, weights by the variance, two gradients in conflict."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers

NAN = float("nan")


# --- 9b.1 ------------------------------------------------------------------------------------------------------------

def losses_of(output, targets):
    """The mean squared error (K,) of each axis over the clips that have its label, 0 for an axis without any."""
    import torch

    found = []
    for answers, labels in zip(output.T, targets.T, strict=True):
        known = ~torch.isnan(labels)
        found.append((answers[known] - labels[known]).square().sum() / max(1, int(known.sum())))
    return torch.stack(found)


def gradient(loss, output):
    """The gradient of a loss with respect to the outputs; zeros where it does not hang on them."""
    import torch

    found = torch.autograd.grad(loss, output, allow_unused=True)[0]
    return torch.zeros_like(output) if found is None else found


def labelled(clips: int, axes: int, gaps: str, seed: int):
    """Outputs with a gradient, labels with gaps and weights: (B, K), (B, K), (K,)."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    output, targets = torch.randn(clips, axes, generator=rng), torch.rand(clips, axes, generator=rng)
    if gaps != "no gap":
        targets[torch.rand(clips, axes, generator=rng) < 0.4] = NAN
        targets[0], targets[1, 0] = torch.rand(axes, generator=rng), NAN
    if gaps == "an axis without labels":
        targets[:, 1] = NAN
    return output.requires_grad_(), targets, torch.tensor([0.5, 2.0, 1.25, 0.25])[:axes]


def show_gaps() -> None:
    """Labels of six clips with gaps, and the gradient of the loss with respect to the outputs."""
    from labkit import plots

    output, targets, weights = labelled(6, 3, "some gaps", 3)
    slopes = gradient((weights * losses_of(output, targets)).sum(), output).numpy()
    figure, axes = plots.figure(columns=2, height=2.1, sharey=True)
    for axis, values, title, colours in ((axes[0, 0], targets.numpy(), "targets, with gaps", "Blues"),
                                         (axes[0, 1], slopes, "gradient of the loss", "PuOr")):
        top = np.nanmax(np.abs(values))
        axis.imshow(values, cmap=colours, vmin=0 if colours == "Blues" else -1.3 * top, vmax=1.3 * top, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            axis.text(column, row, "NaN" if np.isnan(value) else f"{value:.2f}" if value else "0", ha="center",
                      va="center", fontsize=8, color="white" if abs(value) > 0.8 * top else "black")
        axis.set(title=title, xlabel="axis", xticks=range(3), yticks=range(6))
    axes[0, 0].set(ylabel="clip")
    gaps = int(np.isnan(targets.numpy()).sum())
    plots.show(figure, alt=f"The target of exercise 9b.1: labels of six clips on three axes, {gaps} of them missing, "
                           "and the gradient of the loss with respect to the outputs: a number wherever there is a "
                           "label, and 0 at each gap.")


@exercise("9b.1", names=("weighted_loss",), target=show_gaps,
          hints=("Make the difference 0 at each gap, before the square: `torch.where(known, output - targets, 0.0)`. "
                 "Masked after the square, the gradient is NaN.",
                 "Sum the squares of each axis with `.sum(dim=0)`, and divide by the number of its labels, "
                 "`known.sum(dim=0).clamp(min=1)`. The clamp is for an axis without any."),
          praise="Loss and gradient are right, and a gap moves nothing.")
def check_weighted_loss(weighted_loss):
    """Value and gradient, against the axes taken one by one: no gap, some gaps, an axis of gaps alone."""
    import torch

    for gaps in ("some gaps", "no gap", "an axis without labels"):
        for clips, axes, seed in ((8, 3, 0), (5, 2, 1), (9, 4, 2)):
            output, targets, weights = labelled(clips, axes, gaps, seed)
            what = f"`weighted_loss` of {clips} clips and {axes} axes with {gaps}"
            given = [one.detach().clone() for one in (output, targets, weights)]
            loss = weighted_loss(output, targets, weights)
            if any(not torch.equal(one.detach().nan_to_num(9.0), before.nan_to_num(9.0)) for one, before in
                   zip((output, targets, weights), given, strict=True)):
                raise NotYet("The tensors that were given have changed. Work on new ones: `nan_to_num`, not "
                             "`nan_to_num_`, and no assignment into `targets`.")
            single, known = losses_of(output, targets), ~torch.isnan(targets)
            right = (weights * single).sum()
            squares = (output.detach() - targets).nan_to_num().square()
            filled = (output.detach() - targets.nan_to_num()).square()
            whole = known.all(dim=1)
            value = numbers(loss, what)
            if value.ndim == 0 and np.isnan(value):
                raise NotYet(f"{what} is NaN. " + (
                    "The mean over no label at all is 0 / 0; let such an axis count 0."
                    if gaps == "an axis without labels" else
                    "A label that is missing has come into the sum: 0 times NaN is NaN, so multiplying by the mask is "
                    "not enough. Put 0 in its place with torch.where."))
            wrong = [
                (single.sum(), "The weights have no effect. Multiply the loss of each axis by its own."),
                ((weights * squares.sum(dim=0) / clips).sum(),
                 "Each axis is divided by the number of all clips. Divide by the number of its own labels."),
                ((weights * squares).sum() / known.sum(),
                 "All axes are divided by the number of all labels together. Each has its own number."),
                ((weights * filled.mean(dim=0)).sum(), "A gap counts as a label of 0. It should not count at all."),
                ((weights * squares.sum(dim=0)).sum(), "This is a sum over the clips. Take the mean of each axis."),
                ((weights * single).mean(), "This is the mean over the axes. Take their weighted sum."),
                ((weights * single).sum() / weights.sum(), "The sum is divided by the weights. Take it as it is."),
                ((weights * squares[whole].mean(dim=0)).sum(),
                 "Clips with one gap are left out with all their labels. Keep the labels that they have."),
            ]
            usual = [(value_of.detach().numpy(), why) for value_of, why in wrong
                     if torch.isfinite(value_of) and not torch.isclose(value_of, right, rtol=1e-3)]
            expect(loss, right, what, usual, advice="Take the axes one by one first, each with its own labels.")
            if not getattr(loss, "requires_grad", False):
                raise NotYet("The loss has no gradient. Stay with torch: `.item()`, `.detach()` and numpy cut it off.")
            slopes, wanted = gradient(loss, output), gradient(right, output)
            if torch.isnan(slopes).any():
                raise NotYet(f"The loss is right and its gradient is NaN, for {int(torch.isnan(slopes).sum())} of "
                             f"{slopes.numel()} outputs: the gap was masked after the square, and on the way back 0 "
                             "times NaN is NaN. Put the 0 in before the square, at the difference.")
            expect(slopes, wanted, f"the gradient of {what}")


# --- 9b.2 ------------------------------------------------------------------------------------------------------------

def weights_of(known: np.ndarray, ddof: int = 0) -> np.ndarray:
    """The weights (K,) of training labels (N, K) with gaps."""
    inverse = 1 / np.nanvar(known, axis=0, ddof=ddof)
    return len(inverse) * inverse / inverse.sum()


def some_labels(axes: int, gaps: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels (40, K) whose scale is another in the training clips, and the places of these, in no order."""
    rng = np.random.default_rng(seed)
    train = rng.permutation(40)[:25]
    labels = rng.normal(0.5, 1.0, (40, axes))
    labels[train] = 0.5 + (labels[train] - 0.5) * np.array([0.1, 0.4, 0.2, 0.6])[:axes]
    if gaps:
        labels[rng.random((40, axes)) < 0.3] = NAN
    return labels, train


def show_shares() -> None:
    """Shares of the loss of three axes, as they are and weighted."""
    from labkit import plots
    from labkit.datasets import AFFECT

    variance = np.array([0.06, 0.09, 0.03])
    figure, axes = plots.figure(columns=2, height=1.6, sharex=True, sharey=True)
    told = []
    for axis, weights, title in ((axes[0, 0], np.ones(3), "plain sum"),
                                 (axes[0, 1], 3 / variance / (1 / variance).sum(), "weighted sum")):
        shares = weights * variance / (weights * variance).sum()
        bars = axis.barh(AFFECT, shares, color=plots.COLOURS[0])
        axis.bar_label(bars, [f"{share:.0%}, w = {weight:.2f}" for share, weight in zip(shares, weights, strict=True)],
                       padding=2, fontsize=8)
        axis.set(title=title, xlabel="share of the loss at first", xlim=(0, 0.9))
        told.append(f"{title} " + ", ".join(f"{share:.0%}" for share in shares))
    axes[0, 0].invert_yaxis()
    plots.show(figure, alt=f"The target of exercise 9b.2: the shares of valence, energy and danceability in the loss. "
                           f"{'; '.join(told)}. The weights beside the bars add up to 3.")


@exercise("9b.2", names=("axis_weights",), target=show_shares,
          hints=("Take the training labels first, `labels[train]`. `np.nanvar(..., axis=0)` leaves gaps out.",
                 "Divide by the sum of the inverses and multiply by their number. For the hopeless axes compare "
                 "`np.nanmax` and `np.nanmin`: unless the first is greater, raise."),
          praise="Each axis has the same share of the loss at first, by its training labels alone, and an axis without "
                 "any spread is refused.")
def check_axis_weights(axis_weights):
    """Against numpy's nanvar, with gaps, of two to four axes, in both ways of dividing; axes that have no weight."""
    for axes, gaps, seed in ((3, False, 0), (3, True, 1), (2, True, 2), (4, False, 3)):
        labels, train = some_labels(axes, gaps, seed)
        what = f"`axis_weights` of {axes} axes{' with gaps' if gaps else ''}"
        given = labels.copy()
        found = numbers(axis_weights(labels, train), what)
        if not np.array_equal(labels, given, equal_nan=True):
            raise NotYet("The labels that were given have changed. Work on a copy.")
        known = labels[train]
        wanted, other = weights_of(known), weights_of(known, ddof=1)
        if found.shape == wanted.shape and np.isnan(found).any():
            raise NotYet(f"{what} holds NaN. Gaps have to be left out: np.nanvar does it.")
        if found.shape == other.shape and np.allclose(found, other, 1e-4):
            continue  # the other definition of the variance; without gaps it is the same after all
        variance, whole = np.nanvar(known, axis=0), known[~np.isnan(known).any(axis=1)]
        raw = 1 / variance
        complete = [weights_of(whole)] if len(whole) > 1 and (whole.var(axis=0) > 0).all() else []
        wrong = [
            (weights_of(labels), "These are the weights of all labels. Take those of the training clips alone, "
                                 "`labels[train]`."),
            (raw, "The weights do not sum to the number of axes. Divide by their sum, and multiply by their number."),
            (wanted / axes, "The weights sum to 1. Multiply by the number of axes."),
            (3 * wanted / axes, "The weights sum to 3 whatever the number of axes. Multiply by len of the weights."),
            (axes * np.sqrt(raw) / np.sqrt(raw).sum(), "These are weights by 1 / deviation. The loss is a square: take "
                                                       "the variance."),
            (axes * variance / variance.sum(), "The widest axis has the largest weight. Divide by the variance."),
            *((one, "Clips with one gap are left out with all their labels. np.nanvar leaves out the gap alone.")
              for one in complete),
        ]
        usual = [(value, why) for value, why in wrong if not np.allclose(value, wanted, 1e-3)]
        expect(found, wanted, what, usual, advice="Compute 1 / variance of each axis, then bring the sum to the number "
                                                  "of axes.")
    rng = np.random.default_rng(4)
    for name, value in (("all 0.5", 0.5), ("all 0.1, whose variance is not exactly 0", 0.1), ("all missing", NAN),
                        ("missing but one", None)):
        labels, train = rng.random((30, 3)), rng.permutation(30)[:20]
        labels[train, 1] = NAN if value is None else value
        labels[train[3], 1] = 0.1 if value is None else labels[train[3], 1]
        try:
            found = axis_weights(labels, train)
        except ValueError:
            continue
        raise NotYet(f"The training labels of one axis are {name}, and `axis_weights` gives {np.round(found, 3)}. "
                     "Expected a ValueError. Compare the largest and the smallest training label of the axis.")


# --- 9b.3 ------------------------------------------------------------------------------------------------------------

def freed(a, b):
    """The gradient a without its component along b."""
    return a - (a @ b) / (b @ b) * b


def settled(a, b):
    """What exercise 9b.3 asks for."""
    return a + b if a @ b >= 0 else freed(a, b) + freed(b, a)


def show_pulls() -> None:
    """Two gradients that agree and two that conflict, as arrows, with the plain sum and the settled one."""
    import torch

    from labkit import plots

    figure, axes = plots.figure(columns=2, height=2.6)
    for axis, (a, b), title in zip(axes[0], (((2.0, 0.6), (0.6, 1.6)), ((2.2, 0.4), (-1.4, 1.2))),
                                   ("no conflict", "conflict"), strict=True):
        a, b = torch.tensor(a), torch.tensor(b)
        for end, name, colour, style in ((a, "a", plots.COLOURS[0], "-"), (b, "b", plots.COLOURS[2], "-"),
                                         (a + b, "a + b", "0.5", "--"),
                                         (settled(a, b), "without_conflict(a, b)", plots.COLOURS[1], "-")):
            if name == "a + b" and title == "no conflict":
                continue
            axis.annotate("", end.tolist(), (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.8,
                                                               "linestyle": style, "shrinkA": 0, "shrinkB": 0})
            aside = name == "a + b"
            axis.annotate(name, end.tolist(), xytext=(6, -4) if aside else (0, 4), textcoords="offset points",
                          ha="left" if aside else "center", color=colour, fontsize=8.5)
        axis.set(title=title, xlabel="first weight", ylabel="second weight", xlim=(-2, 3.6), ylim=(-0.3, 2.9))
        axis.set_aspect("equal")
    plots.show(figure, alt="The target of exercise 9b.3: arrows of two gradients a and b. Where they do not conflict, "
                           "the result is their sum. Where they point to opposite sides, the result is not their sum: "
                           "it points between them, with no part against either.")


@exercise("9b.3", names=("without_conflict",), target=show_pulls,
          hints=("The sign of `a @ b` says whether there is a conflict. From 0 upwards there is none: return the sum.",
                 "Subtract `product / (b @ b) * b` from a, and `product / (a @ a) * a` from the original b. New names "
                 "for the results keep the originals."),
          praise="Your step never works against either gradient, and where they agree it is their sum.")
def check_without_conflict(without_conflict):
    """Gradients of two and of many weights: agreeing, in conflict, at right angles, opposite, 0."""
    import torch

    rng = torch.Generator().manual_seed(1)
    many = torch.randn(200, generator=rng)
    some = torch.randn(200, generator=rng)
    pairs = (("that agree", (1.0, 0.5), (0.5, 2.0)), ("in conflict", (2.0, 0.5), (-1.0, 1.0)),
             ("in conflict, the second far longer", (0.1, 0.3), (6.0, -4.0)),
             ("of 200 weights in conflict", many, some - 0.4 * many), ("of 200 weights that agree", many, some + many),
             ("at right angles", (1.0, 0.0), (0.0, 3.0)), ("that are opposite", (1.0, -2.0), (-2.0, 4.0)),
             ("of which the second is 0", (1.0, 2.0), (0.0, 0.0)), ("of which the first is 0", (0.0, 0.0), (1.0, 2.0)))
    for name, a, b in pairs:
        a, b = torch.as_tensor(a).clone(), torch.as_tensor(b).clone()
        first, second = a.clone(), b.clone()
        what = f"`without_conflict` of two gradients {name}"
        found = numbers(without_conflict(first, second), what)
        if not (torch.equal(first, a) and torch.equal(second, b)):
            raise NotYet("A gradient that was given has changed. `a -= ...` writes into it: use a new name.")
        if found.shape == a.shape and np.isnan(found).any():
            raise NotYet(f"{what} holds NaN. A gradient of 0 has no direction, and dividing by its square is 0 / 0: "
                         "without a conflict return the plain sum.")
        wanted = settled(a, b)
        wrong = [(a + b, "This is the plain sum, and the two conflict. Where `a @ b` is below 0, take the part away.")]
        if a.any() and b.any():
            one, other, product = freed(a, b), freed(b, a), a @ b
            wrong += [
                (one + other, "The part along the other gradient is taken away although the two do not conflict. It "
                              "helps both: keep it."),
                (one + b, "Only the first gradient was changed. The second works against the first as well."),
                (a + other, "Only the second gradient was changed. The first works against the second as well."),
                (one + (freed(b, one) if one.norm() > 1e-6 else b),
                 "The second was freed of the first as it had become, not of the original: after the first change "
                 "there is no conflict left to see."),
                ((freed(a, other) if other.norm() > 1e-6 else a) + other,
                 "The first was freed of the second as it had become. Use both originals."),
                (a - product / b.norm() * b + b - product / a.norm() * a,
                 "Divided by the length of the other gradient. Divide by its square, `b @ b`."),
                (a - product * b + b - product * a, "The component lacks its denominator, `b @ b`."),
                (a + product / (b @ b) * b + b + product / (a @ a) * a,
                 "The part was added instead of subtracted: a conflict has a negative product."),
            ]
        wrong.append((wanted / 2, "This is the mean of the two. Take their sum."))
        usual = [(value.numpy(), why) for value, why in wrong
                 if not np.allclose(value.numpy(), wanted.numpy(), 1e-3, 1e-4)]
        expect(found, wanted.numpy(), what, usual, atol=1e-5,
               advice="Compute the product first, then free each gradient of its component along the other.")
