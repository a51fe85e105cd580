"""The checks of lesson 7c: patches that overlap, attention with a mask, attention through all blocks."""

from itertools import product

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def unfolded(x, side: int, step: int):
    """What exercise 7c.1 asks for, by torch: (B, N, side * side)."""
    from torch.nn import functional

    return functional.unfold(x[:, None], side, stride=step).transpose(1, 2)


def show_overlapping() -> None:
    """A small clip, and the squares that are cut from it in their order."""
    from labkit import plots

    length, bands, side, step = 9, 7, 3, 2
    figure, axes = plots.figure(columns=2, height=2.3, width_ratios=(3, 4))
    left, right = axes[0]
    left.imshow(np.arange(length * bands).reshape(length, bands).T, origin="lower", cmap="Blues", vmax=100,
                extent=(0, length, 0, bands))
    times, heights = ((size - side) // step + 1 for size in (length, bands))
    for number, (t, b) in enumerate(product(range(times), range(heights))):
        if number in (0, 1, heights):
            left.add_patch(plots.plt.Rectangle((step * t + 0.08, step * b + 0.08), side - 0.16, side - 0.16,
                                               fill=False, linewidth=2, edgecolor=plots.COLOURS[1]))
        left.text(step * t + side / 2, step * b + side / 2, number, ha="center", va="center", fontsize=9)
    left.set(xlabel="frame", ylabel="band", title="side 3, step 2: numbers of the patches")
    right.imshow(np.arange(length * bands).reshape(length, bands)[:side, :side].reshape(1, -1), cmap="Blues", vmax=100)
    for place in range(side * side):
        right.text(place, 0, f"frame {place // side}\nband {place % side}", ha="center", va="center", fontsize=6.5)
    right.set(title="the row of patch 0", xticks=[], yticks=[])
    plots.show(figure, alt=f"The target of exercise 7c.1: a clip of {length} frames and {bands} bands with {times} by "
                           f"{heights} patches of 3 by 3, one every 2. Patch 0 lies at the lower left, patch 1 above "
                           f"it, patch {heights} to the right of patch 0. The row of patch 0 begins with frame 0, "
                           "bands 0, 1 and 2.")


@exercise("7c.1", names=("overlapping",), target=show_overlapping,
          hints=("A patch of `side` frames fits for the last time at frame L - side, and `range` leaves out its end: "
                 "`range(0, L - side + 1, step)`; the bands likewise.",
                 "`x[:, t:t + side, b:b + side].flatten(1)` is one patch of all clips, (B, side * side). Make a list "
                 "of them, the times outside and the bands inside."),
          praise="It is torch's unfold. With 1024 frames, 128 bands and a step of 10 it gives the 1212 patches of the "
                 "published network.")
def check_overlapping(overlapping):
    """Against torch's unfold: several sides and steps, clips that are no multiple of them, one patch alone."""
    import torch

    cases = [(2, 9, 7, 3, 2), (1, 8, 6, 4, 4), (3, 11, 8, 3, 3), (2, 5, 5, 5, 2), (1, 12, 9, 2, 5), (2, 40, 36, 16, 10),
             (1, 6, 7, 1, 1)]
    for seed, (clips, length, bands, side, step) in enumerate(cases):
        x = torch.randn(clips, length, bands, generator=torch.Generator().manual_seed(seed))
        given, what = x.clone(), f"`overlapping(x, side={side}, step={step})` of clips ({clips}, {length}, {bands})"
        answer = numbers(overlapping(given, side=side, step=step), what)
        if not torch.equal(given, x):
            raise NotYet("The clips that it was given are changed. Write into none of them.")
        wanted = unfolded(x, side, step)
        turned = x.transpose(1, 2)
        times, heights = ((size - side) // step + 1 for size in (length, bands))
        usual = [
            (unfolded(turned, side, step).unflatten(2, (side, side)).transpose(2, 3).flatten(2),
             "The patches come band by band. Expected instant by instant, and low before high within one: the times in "
             "the outer loop."),
            (wanted.unflatten(2, (side, side)).transpose(2, 3).flatten(2),
             "Within a patch, frames and bands are exchanged. Its first row of numbers is its first frame."),
            (unfolded(turned, side, step), "Frames and bands are exchanged everywhere. The clips are (B, L, F)."),
            (unfolded(x, side, side), "The patches lie side by side. Expected one every `step` frames and bands."),
            (unfolded(x, side, 1), "There is a patch at every frame and band. Give `range` the step."),
            (wanted.transpose(1, 2), "It is (B, numbers, patches), as unfold gives it. Expected one row for each "
                                     "patch: (B, patches, numbers)."),
            (wanted.transpose(0, 1), "Patches and clips are exchanged. Stack along axis 1: (B, patches, numbers)."),
            (wanted.flatten(0, 1), "The patches of all clips stand in one list. Expected (B, patches, numbers)."),
            (wanted.unflatten(2, (side, side)), "The patches are squares still. Expected each as one row of numbers."),
            (wanted.unflatten(1, (times, heights)), "Times and heights are two axes. Expected one list of patches."),
            (wanted[0], "There is one clip. Expected all of the batch."),
        ]
        if min(length, bands) > side:   # where the last patch ends with the clip, `range(L - side)` leaves it out
            usual.append((unfolded(x[:, :-1, :-1], side, step),
                          "The last patches that still fit are missing: `range(0, L - side + 1, step)`."))
        expect(answer, wanted, what, other(usual, wanted), rtol=0, atol=0,
               advice=f"There are {times} times and {heights} heights, ({length} - {side}) // {step} + 1 and ({bands} "
                      f"- {side}) // {step} + 1.")


def other(usual, wanted):
    """The usual mistakes that do not give what is wanted by chance, as on a square input."""
    return [(value, why) for value, why in usual
            if value.shape != wanted.shape or not np.allclose(value, wanted, 1e-5, 1e-5)]


def queries(seed: int, clips: int = 3, heads: int = 2, tokens: int = 5, size: int = 4, scale: float = 1.0):
    """Drawn queries, keys and values, and which tokens are padding: none of the first clip, all but one of the last."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    q, k, v = (torch.randn(clips, heads, tokens, size, generator=rng) for _ in range(3))
    lengths = torch.linspace(tokens, 1, clips).round().long()
    return scale * q, scale * k, v, torch.arange(tokens) >= lengths[:, None]


def show_masked() -> None:
    """The shares of one head, with and without two tokens that are ignored."""
    import torch

    from labkit import plots

    q, k, _, _ = queries(3, clips=1, heads=1, tokens=6)
    figure, axes = plots.figure(columns=2, height=2.6)
    for axis, count, title in zip(axes[0], (6, 4), ("nothing ignored", "tokens 4 and 5 ignored"), strict=True):
        scores = (q @ k.transpose(2, 3))[0, 0] / 2
        scores[:, count:] = -torch.inf
        shares = scores.softmax(dim=1)
        axis.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(shares.numpy()):
            axis.text(column, row, f"{value:.2f}" if value else "0", ha="center", va="center", fontsize=7.5,
                      color="white" if value > 0.6 else "black")
        axis.set(xlabel="is looked at", ylabel="looks", title=title, xticks=range(6), yticks=range(6))
    plots.show(figure, alt="The target of exercise 7c.2: two tables of the shares of six tokens that look at six. On "
                           "the left every row adds up to 1 over six columns. On the right the last two columns are "
                           "0, and the others of each row are larger, in the same proportions.")


@exercise("7c.2", names=("masked_attention",), target=show_masked,
          hints=("`q @ k.transpose(2, 3)` gives the scores (B, heads, N, N): a row for each token that looks, a column "
                 "for each that is looked at. Divide by the root of d, the last size of q.",
                 "`ignored[:, None, None, :]` is (B, 1, 1, N), a mask of columns. `masked_fill(mask, -torch.inf)` "
                 "before `softmax(dim=3)`; then the shares times v."),
          praise="It is torch's own attention, and it gives the shares away that torch keeps to itself.")
def check_masked_attention(masked_attention):
    """Against scaled_dot_product_attention, with and without padding, for small and large scores and other sizes."""
    import torch
    from torch.nn import functional

    cases = [queries(0), queries(1, scale=3.0), queries(2, heads=1, tokens=7, size=9), queries(3, scale=6.0),
             queries(4, clips=1, heads=3, tokens=4, size=1), queries(5, clips=2, heads=4, tokens=1)]
    for number, (q, k, v, ignored) in enumerate(cases):
        given, before = [q.clone(), k.clone(), v.clone(), ignored.clone()], (q, k, v, ignored)
        what = "masked_attention(q, k, v, ignored)"
        answer = masked_attention(*given)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet(f"Expected two things of `{what}`, answers and shares, found "
                         f"{'None' if answer is None else type(answer).__name__}.")
        if not all(torch.equal(*pair) for pair in zip(given, before, strict=True)):
            raise NotYet("What it was given is changed. Make new scores instead of writing into q, k, v or ignored.")
        columns, size = ignored[:, None, None, :], q.shape[3]

        def shares_of(scores, mask=columns, dim=3):
            return scores.masked_fill(mask, -torch.inf).softmax(dim=dim)

        plain = q @ k.transpose(2, 3)
        scores = plain / size ** 0.5
        wanted = shares_of(scores)
        after = scores.softmax(dim=3).masked_fill(columns, 0.0)
        usual = [
            (scores.softmax(dim=3), "Nothing is ignored: padding has a share. Set its scores to minus infinity before "
                                    "the softmax."),
            (after, "The shares of a row do not add up to 1: they are set to 0 after the softmax. Set the scores to "
                    "minus infinity before it."),
            (scores.masked_fill(columns, 0.0).softmax(dim=3), "The scores of padding are set to 0, which is a score as "
                                                              "any other. Expected minus infinity."),
            ((scores * ~columns).softmax(dim=3), "The scores of padding are 0, which is a score as any other. Expected "
                                                 "minus infinity."),
            (shares_of(scores, ~columns), "What is ignored and what is not are exchanged: True in `ignored` is "
                                          "padding."),
            (shares_of(scores, ignored[:, None, :, None]), "The rows of padding are masked: who looks. Expected the "
                                                           "columns, what is looked at: `ignored[:, None, None, :]`."),
            (shares_of(plain), "The scores are not divided by the root of d."),
            (shares_of(plain / size), "The scores are divided by d. Expected by its root."),
            (shares_of(plain / q.shape[2] ** 0.5), "The scores are divided by the root of the number of tokens. "
                                                   "Expected of d, the last size of q."),
            (shares_of(plain * size ** 0.5), "The scores are multiplied by the root of d. Expected divided."),
            (shares_of(scores, dim=2), "The softmax runs over the tokens that look. Each row is one that looks; its "
                                       "columns add up to 1: dim=3."),
            (shares_of(scores.transpose(2, 3)), "Queries and keys have changed places. The rows are the queries."),
            (scores.masked_fill(columns, -torch.inf), "These are the scores. Expected their softmax."),
        ]
        usual = other([(np.nan_to_num(value.numpy(), neginf=-1e9), why) for value, why in usual], wanted)
        found = numbers(answer[1], f"the shares of `{what}`")
        if found.shape != tuple(wanted.shape) and found.shape == tuple(v.shape):
            raise NotYet("The second thing has the shape of the answers. Expected the shares second: (B, heads, N, N).")
        filled = np.nan_to_num(found, neginf=-1e9)
        if np.isnan(found).any() and not any(value.shape == filled.shape and np.allclose(filled, value, 1e-4, 1e-4)
                                             for value, _ in usual):
            raise NotYet("Some shares are no numbers: in some row every score is minus infinity, or 0 stood beside "
                         "infinity in a product. Use `masked_fill` on the columns of what is ignored.")
        expect(filled, wanted, f"the shares of `{what}`", usual, atol=1e-4,
               advice=f"Case {number + 1} has {int(ignored.sum())} ignored of {ignored.numel()} tokens.")
        right = functional.scaled_dot_product_attention(q, k, v, attn_mask=~columns)
        wrong = [(v, "The answers are the values. Expected their mean with the shares: `shares @ v`."),
                 (wanted.transpose(2, 3) @ v, "The shares are turned in the product. Expected `shares @ v`."),
                 (after @ v, "The answers are made with other shares than those that are given."),
                 (scores.softmax(dim=3) @ v, "The answers are made with shares without a mask."),
                 (wanted @ k, "The answers are means of the keys. Expected of the values."),
                 (wanted @ q, "The answers are means of the queries. Expected of the values."),
                 (right.transpose(1, 2), "Heads and tokens of the answers are exchanged. Expected (B, heads, N, d)."),
                 (right.transpose(1, 2).flatten(2), "The heads stand side by side. Expected (B, heads, N, d).")]
        expect(answer[0], right, f"the answers of `{what}`", other(wrong, right), atol=1e-4,
               advice="They are the mean of the values with the shares of each row.")


def ways_to_first(seen):
    """What exercise 7c.3 asks for, token by token: the sum over all ways from each token to token 0."""
    count = seen[0].shape[1]
    reached = [1.0] + [0.0] * (count - 1)   # of token 0 after the last block
    for shares in reversed([one.double().mean(dim=0).tolist() for one in seen]):
        reached = [sum(reached[row] * (0.5 * shares[row][column] + 0.5 * (row == column)) for row in range(count))
                   for column in range(count)]
    return np.array(reached)


def drawn_shares(blocks: int, seed: int, heads: int = 3, tokens: int = 5):
    """Shares of attention as a network could have them, (heads, N, N) for each block."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    return [(2 * torch.randn(heads, tokens, tokens, generator=rng)).softmax(dim=2) for _ in range(blocks)]


def product_of(matrices, late_left: bool = True):
    """The product of one matrix for each block, the first block first; the later ones stand on the left."""
    import torch

    return torch.linalg.multi_dot([*(matrices[::-1] if late_left else matrices), torch.eye(len(matrices[0])).double()])


def show_rollout() -> None:
    """Two blocks of three tokens, and what reaches token 0."""
    import torch

    from labkit import plots

    first = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, 0, 1]])   # token 1 looks at 2
    second = torch.tensor([[0.0, 1, 0], [0, 1, 0], [0, 0, 1]])  # token 0 looks at 1
    tables = {"block 1": first, "block 2": second, "rollout": torch.tensor(ways_to_first([first[None], second[None]])
                                                                        )[None]}
    figure, axes = plots.figure(columns=3, height=1.9)
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        axis.imshow(table.numpy(), cmap="Blues", vmin=0, vmax=1)
        for (row, column), value in np.ndenumerate(table.numpy()):
            axis.text(column, row, f"{value:g}", ha="center", va="center", fontsize=9,
                      color="white" if value > 0.6 else "black")
        axis.set(title=title, xticks=range(3), yticks=range(len(table)), xlabel="token")
    axes[0, 0].set(ylabel="looks at")
    shown = ", ".join(f"{value:g}" for value in tables["rollout"][0])
    plots.show(figure, alt="The target of exercise 7c.3: in block 1 token 1 looks at token 2 alone, in block 2 token 0 "
                           f"looks at token 1 alone. What reaches token 0 of the three tokens: {shown}.")


@exercise("7c.3", names=("rollout",), target=show_rollout,
          hints=("In each block: `shares.mean(dim=0)` is the matrix A of the heads together, `torch.eye(N)` the way "
                 "that goes past it. Half of each.",
                 "`ways = step @ ways`: the later matrix stands on the left, since its rows are the tokens that look "
                 "at what the earlier blocks have made. Row 0 is the class token."),
          praise="It counts every way from a token to the class token. That is a map of ways, not yet an explanation.")
def check_rollout(rollout):
    """Against the sum over all ways from token to token, for one to four blocks, heads and sizes."""
    import torch

    cases = [drawn_shares(blocks, seed, heads, tokens) for seed, (blocks, heads, tokens) in enumerate(
        [(1, 1, 4), (1, 3, 5), (2, 2, 3), (2, 4, 6), (3, 1, 5), (4, 3, 7), (2, 2, 2)])]
    for seen in cases:
        given = [one.clone() for one in seen]
        blocks, heads, tokens = len(seen), *seen[0].shape[:2]
        what = f"`rollout(seen)` of {blocks} block{'s' * (blocks > 1)}, {heads} head{'s' * (heads > 1)}"
        answer = numbers(rollout(given), what)
        if len(given) != len(seen) or not all(torch.equal(*pair) for pair in zip(given, seen, strict=True)):
            raise NotYet("The shares that it was given are changed. Make new matrices instead of writing into them.")
        wanted = torch.as_tensor(ways_to_first(seen))
        eye = torch.eye(tokens, dtype=torch.float64)
        means = [one.double().mean(dim=0) for one in seen]
        steps = [(one + eye) / 2 for one in means]
        whole = product_of(steps)
        usual = [
            (product_of(steps, False)[0], "The matrices stand in the wrong order. The later block stands on the left: "
                                          "`ways = step @ ways`."),
            (product_of(means)[0], "The residual path is missing: half of a token stays what it was. Expected "
                                   "(A + I) / 2."),
            (product_of([one + eye for one in means])[0], "The halves are missing: what reaches the class token adds "
                                                          "up to more than 1. Expected (A + I) / 2."),
            (product_of([one / 2 + eye for one in means])[0], "Only A is halved. Expected (A + I) / 2."),
            (product_of([one + eye / 2 for one in means])[0], "Only the identity is halved. Expected (A + I) / 2."),
            (product_of([(one.double().sum(0) + eye) / 2 for one in seen])[0],
             "The heads are added up. Expected their mean."),
            (product_of([(one.double().amax(0) + eye) / 2 for one in seen])[0],
             "The largest head is taken. Expected the mean of the heads."),
            (product_of([(one[0].double() + eye) / 2 for one in seen])[0],
             "Only the first head is looked at. Expected the mean of the heads."),
            (steps[-1][0], "Only the last block is looked at. Multiply the matrices of all blocks."),
            (sum(steps)[0], "The matrices are added. Blocks after each other are a product."),
            ((sum(steps) / blocks)[0], "The matrices are averaged. Blocks after each other are a product."),
            (torch.stack(steps).prod(0)[0], "The matrices are multiplied cell by cell. Expected the matrix product, "
                                            "`@`."),
            (whole[:, 0], "This is the column of token 0: whom it reaches. Expected its row: what reaches it."),
            (whole[-1], "This is the last token. The class token is number 0."),
            (whole[0, 1:], "The class token itself is missing. Expected the shares of all tokens, number 0 too."),
            (whole, "This is the whole matrix. Expected its row 0."),
        ]
        expect(answer, wanted, what, other(usual, wanted), rtol=1e-4, atol=1e-5,
               advice="The shares of all tokens add up to 1.")
