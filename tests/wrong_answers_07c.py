"""Lesson 7c: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
from torch.nn import functional
"""

TIMES = "times = range(0, x.shape[1] - side + 1, step)"
BANDS = "bands = range(0, x.shape[2] - side + 1, step)"
ROWS = "rows = [x[:, t:t + side, b:b + side].flatten(1) for t in times for b in bands]"
SCORES = "scores = q @ k.transpose(2, 3) / q.shape[3] ** 0.5"
MASK = "scores = scores.masked_fill(ignored[:, None, None, :], -torch.inf)"
SHARES = "shares = scores.softmax(dim=3)"
STEP = "step = (shares.mean(dim=0) + torch.eye(len(ways))) / 2"
WAYS = "ways = step @ ways"
WRONG = {
    "7c.1": [
        ((ROWS, ROWS.replace("for t in times for b in bands", "for b in bands for t in times")), "band by band"),
        ((ROWS, ROWS.replace(".flatten(1)", ".transpose(1, 2).flatten(1)")), "Within a patch, frames and bands"),
        ("def overlapping(x, side=16, step=10):\n"
         "    return functional.unfold(x.transpose(1, 2)[:, None], side, stride=step).transpose(1, 2)",
         "exchanged everywhere"),
        ("def overlapping(x, side=16, step=10):\n"
         "    return functional.unfold(x[:, None], side, stride=side).transpose(1, 2)", "side by side"),
        ("def overlapping(x, side=16, step=10):\n    return functional.unfold(x[:, None], side).transpose(1, 2)",
         "a patch at every frame"),
        ("def overlapping(x, side=16, step=10):\n    return functional.unfold(x[:, None], side, stride=step)",
         "as unfold gives it"),
        (("dim=1)", "dim=0)"), "Patches and clips are exchanged"),
        ((ROWS, ROWS.replace("x[:, t", "x[0, t").replace(".flatten(1)", ".flatten()")
          + "\n    return torch.stack(rows)"), "There is one clip"),
        ((ROWS, ROWS.replace(".flatten(1)", "")), "squares still"),
        ("def overlapping(x, side=16, step=10):\n    times = range(0, x.shape[1] - side, step)\n"
         "    bands = range(0, x.shape[2] - side, step)\n"
         "    return torch.stack([x[:, t:t + side, b:b + side].flatten(1) for t in times for b in bands], dim=1)",
         "The last patches that still fit"),
        ((TIMES, TIMES.replace("x.shape[1] - side + 1", "x.shape[1]")), "Your code raised RuntimeError"),
        ((BANDS, BANDS.replace("x.shape[2] - side + 1", "x.shape[2] - side")), "to have the shape"),
        ("def overlapping(x, side=16, step=10):\n    x *= 2\n"
         "    return functional.unfold(x[:, None], side, stride=step).transpose(1, 2)", "are changed"),
        (("return torch.stack(rows, dim=1)", "torch.stack(rows, dim=1)"), "is None. Expected a value"),
    ],
    "7c.2": [
        ((MASK, "pass"), "Nothing is ignored|are made with shares without a mask"),
        ((SHARES, "shares = (q @ k.transpose(2, 3) / q.shape[3] ** 0.5).softmax(dim=3)"
                  ".masked_fill(ignored[:, None, None, :], 0)"), "do not add up to 1"),
        ((MASK, MASK.replace("-torch.inf", "0")), "which is a score as any other"),
        ((MASK, MASK.replace("ignored[", "~ignored[")), "are exchanged: True in `ignored`"),
        ((MASK, MASK.replace("[:, None, None, :]", "[:, None, :, None]")), "The rows of padding"),
        ((SCORES, "scores = q @ k.transpose(2, 3)"), "not divided by the root of d"),
        ((SCORES, SCORES.replace(" ** 0.5", "")), "divided by d. Expected by its root"),
        ((SCORES, SCORES.replace("q.shape[3]", "q.shape[2]")), "root of the number of tokens"),
        ((SCORES, SCORES.replace("/", "*")), "multiplied by the root"),
        ((SHARES, SHARES.replace("dim=3", "dim=2")), "The softmax runs over the tokens that look"),
        ((SCORES, SCORES.replace("q @ k.tr", "k @ q.tr")), "Queries and keys have changed places"),
        ((SHARES, "shares = scores"), "These are the scores"),
        (("return shares @ v, shares", "return shares.transpose(2, 3) @ v, shares"), "turned in the product"),
        (("return shares @ v, shares", "return shares @ k, shares"), "means of the keys"),
        (("return shares @ v, shares", "return v, shares"), "The answers are the values"),
        (("return shares @ v, shares", "return (shares @ v).transpose(1, 2).flatten(2), shares"), "side by side"),
        (("return shares @ v, shares", "return shares, shares @ v"), "Expected the shares second"),
        (("return shares @ v, shares", "return shares @ v"), "Expected two things"),
        ((MASK, "scores -= torch.inf * ignored[:, None, None, :]"), "Some shares are no numbers"),
        ((SCORES, "q /= q.shape[3] ** 0.5\n    scores = q @ k.transpose(2, 3)"), "What it was given is changed"),
    ],
    "7c.3": [
        ((WAYS, "ways = ways @ step"), "The matrices stand in the wrong order"),
        ((STEP, "step = shares.mean(dim=0)"), "The residual path is missing"),
        ((STEP, "step = shares.mean(dim=0) + torch.eye(len(ways))"), "The halves are missing"),
        ((STEP, "step = shares.mean(dim=0) + torch.eye(len(ways)) / 2"), "Only the identity is halved"),
        ((STEP, "step = shares.mean(dim=0) / 2 + torch.eye(len(ways))"), "Only A is halved"),
        ((STEP, STEP.replace(".mean(dim=0)", ".sum(dim=0)")), "The heads are added up"),
        ((STEP, STEP.replace(".mean(dim=0)", ".amax(dim=0)")), "The largest head is taken"),
        ((STEP, STEP.replace(".mean(dim=0)", "[0]")), "Only the first head"),
        ((WAYS, "ways = step"), "Only the last block"),
        ((WAYS, "ways = ways * step"), "cell by cell|Expected .rollout"),
        (("for shares in seen:", "for shares in seen[::-1]:"), "in the wrong order"),
        (("return ways[0]", "return ways[:, 0]"), "the column of token 0"),
        (("return ways[0]", "return ways[-1]"), "the last token"),
        (("return ways[0]", "return ways[0, 1:]"), "The class token itself is missing"),
        (("return ways[0]", "return ways"), "the whole matrix"),
        ("def rollout(seen):\n    steps = [(one.mean(0) + torch.eye(one.shape[1])) / 2 for one in seen]\n"
         "    return (sum(steps) / len(steps))[0]", "The matrices are averaged"),
        (("ways = torch.eye(seen[0].shape[1])", "ways = torch.eye(seen[0].shape[1])\n    seen[0][:] = 1"),
         "are changed"),
    ],
}
