"""Lesson 7b: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
from torch.nn import functional
"""

SUM = "(x[:, t:t + side, b:b + side] * kernel).sum()"
BATCH = "m, v = x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3), correction=0)"
MEAN = "mean = 0.9 * mean + 0.1 * m\n"
VARIANCE = "variance = 0.9 * variance + 0.1 * x.var(dim=(0, 2, 3), correction=1)"
ROOT = "y = (x - m) / torch.sqrt(v + 1e-5)"
FIELD = "field = field + (kernel - 1) * jump"
JUMP = "jump = jump * stride"
WRONG = {
    "7b.1": [
        ((SUM, SUM.replace("* kernel", "* kernel.flip(1, 2)")), "turned by 180 degrees: the mathematician's "
                                                                "convolution"),
        (("x.shape[1] - side + 1, stride)", "x.shape[1] - side + 1)"), "to have the shape"),
        ("def one_map(x, kernel, padding=0, stride=1):\n"
         "    return functional.conv2d(x[None], kernel[None], padding=padding)[0, 0]", "The stride has no effect"),
        (("nn.functional.pad(x, [padding] * 4)", "x"), "The padding has no effect"),
        ((SUM, "(x[0, t:t + side, b:b + side] * kernel[0]).sum()"), "Only the first map is looked at"),
        ((SUM, SUM.replace(".sum()", ".mean()")), "the mean of the products"),
        ((SUM, "(x[:, t:t + side, b:b + side] * kernel).mean(0).sum()"), "divided by the number of maps"),
        ((SUM, SUM.replace("kernel", "kernel.transpose(1, 2)")), "Frames and bands of the kernel are exchanged"),
        (("torch.tensor(values)", "torch.tensor(values).T"), "Frames and bands of the map are exchanged"),
        ("def one_map(x, kernel, padding=0, stride=1):\n"
         "    x, side = nn.functional.pad(x, [padding] * 4), kernel.shape[-1]\n"
         "    return torch.tensor([[(x[:, t:t + side, b:b + side] * kernel).sum() for b in range(0, x.shape[2] - side, "
         "stride)]\n"
         "                         for t in range(0, x.shape[1] - side, stride)])", "ends one too early"),
        (("range(0, x.shape[1] - side + 1, stride)", "range((x.shape[1] - side) // stride + 1)"), "Expected "
                                                                                                  ".one_map|side by "
                                                                                                  "side"),
        ("def one_map(x, kernel, padding=0, stride=1):\n"
         "    return functional.conv2d(x[:, None], kernel[:1, None], padding=padding, stride=stride)[:, 0].sum(0)",
         "The places begin at 0"),
        ("def one_map(x, kernel, padding=0, stride=1):\n    return torch.stack([functional.conv2d(one[None, None], "
         "k[None, None], padding=padding, stride=stride)[0, 0] for one, k in zip(x, "
         "kernel)])", "to have the shape|one map for each"),
        ("def one_map(x, kernel, padding=0, stride=1):\n    x -= 1\n"
         "    return functional.conv2d(x[None], kernel[None], padding=padding, stride=stride)[0, 0]", "are changed"),
        (("return torch.tensor(values)", "torch.tensor(values)"), "is None. Expected a value"),
    ],
    "7b.2": [
        ((BATCH, BATCH.replace("correction=0", "correction=1")), "divided by n - 1. Expected by n"),
        ((VARIANCE, VARIANCE.replace("correction=1", "correction=0")), "Torch divides it by n - 1 here"),
        ((MEAN, MEAN.replace("0.9 * mean + 0.1 * m", "0.1 * mean + 0.9 * m")), "The running mean takes 0.9 of the "
                                                                               "batch"),
        ((MEAN, MEAN.replace("0.9 * mean + 0.1 * m", "m")), "The running mean is that of the last batch alone"),
        ((MEAN, MEAN.replace("0.9 * mean", "mean")), "The running mean grows"),
        ((MEAN, "mean = mean\n"), "The running mean has not moved in training"),
        ((VARIANCE, "variance = variance"), "The running variance has not moved in training"),
        ((VARIANCE, VARIANCE.replace("0.9 *", "0.1 *").replace("+ 0.1", "+ 0.9")), "The running variance takes 0.9"),
        (("if training:", "if True:"), "In evaluation the maps are normalised by the batch"),
        (("return y, mean, variance", "return y, 0.9 * mean + 0.1 * x.mean((0, 2, 3)) if not training else mean, "
                                      "variance"),
         "The running mean moves in evaluation"),
        ((ROOT, ROOT.replace("torch.sqrt(v + 1e-5)", "(v + 1e-5)")), "divided by the variance"),
        ((ROOT, ROOT.replace("torch.sqrt(v + 1e-5)", "torch.sqrt(v)")), "without 1e-5"),
        ((ROOT, ROOT.replace("torch.sqrt(v + 1e-5)", "(torch.sqrt(v) + 1e-5)")), "added after the root"),
        ((BATCH, BATCH.replace("x.mean(dim=(0, 2, 3)), x.var(dim=(0, 2, 3)", "x.mean(dim=(0, 1, 2, 3)).repeat(3), "
                                                                             "x.var(dim=(0, 1, 2, 3)")
          .replace("correction=0)", "correction=0).repeat(3)")), "All maps share one mean"),
        ("def normalised(x, mean, variance, training):\n"
         "    m, v = (x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, correction=0)) if training else (\n"
         "        mean[:, None, None], variance[:, None, None])\n"
         "    return (x - m) / torch.sqrt(v + 1e-5), mean, variance", "Each clip is normalised by itself"),
        ("def normalised(x, mean, variance, training):\n    y = nn.functional.batch_norm(x, mean, variance, "
         "training=training)\n"
         "    return y, mean, variance", "What it was given is changed"),
        (("m, v = m[:, None, None]", "m, v = mean[:, None, None]"), "In training the running mean is taken away"),
        (("return y, mean, variance", "return y"), "Expected three things"),
        (("return y, mean, variance", "return y, variance, mean"), "the running mean of"),
    ],
    "7b.3": [
        ((FIELD, "field = field + (kernel - 1) * jump * stride"), "add first, then lengthen the jump"),
        ((FIELD, "field = field + kernel * jump"), "Each layer adds a whole kernel"),
        ((FIELD, "field = field + kernel - 1"), "On the input these lie `jump` apart"),
        ((FIELD, "field = field * kernel"), "The sides are multiplied"),
        ((JUMP, "jump = jump + stride"), "The strides are added"),
        ((JUMP, "jump = jump + stride - 1"), "The strides are added"),
        ((JUMP, "jump = stride"), "The jump is that of the last layer alone"),
        ((JUMP, "jump = jump * kernel"), "The jump is multiplied by the kernel"),
        ((JUMP, "jump = 1"), "The jump stays 1|On the input these lie"),
        (("in layers:", "in layers[::-1]:"), "from the last to the first"),
        (("field, jump = 1, 1", "field, jump = 0, 1"), "one too small"),
        (("return field, jump", "return jump, field"), "Field and jump have changed places"),
        (("return field, jump", "return field"), r"to have the shape \(2,\), found \(\)"),
    ],
}
