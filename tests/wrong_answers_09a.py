"""Lesson 9a: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
"""

COPY = "        mine[name].copy_(theirs[name])"
BLOCK = "        block.requires_grad_(False)\n        block.eval()\n"
COUNT = "sum(p.numel() for p in model.parameters() if p.requires_grad)"
SQUARE = "apart.T @ apart + penalty * np.eye(x.shape[1])"
SHIFT = "b = middle - centre @ w"
WRONG = {
    "9a.1": [
        (("name.startswith(\"backbone.\") and ", ""), "output_layer.weight. of the model is changed. The head stays"),
        ((COPY, "        mine[name] = theirs[name]"), "nothing is taken over.*only into the dict"),
        ((COPY, "        theirs[name].copy_(mine[name])"), "`source` is changed"),
        ("def take_over(model, source):\n    model.backbone = source.backbone\n    return len(source.backbone."
         "state_dict())", "share their weights"),
        ("def take_over(model, source):\n    mine, theirs = dict(model.named_parameters()), "
         "dict(source.named_parameters())\n    names = [n for n in mine if n.startswith('backbone.') and n in theirs "
         "and mine[n].shape == theirs[n].shape]\n    if not names: raise ValueError\n    for n in names:\n"
         "        mine[n].data.copy_(theirs[n].data)\n    return len(names)", "Running means are no parameters"),
        ("def take_over(model, source):\n    model.load_state_dict(source.state_dict(), strict=False)\n"
         "    return len(source.state_dict())", "The head stays"),
        (("    if not names:\n        raise ValueError(\"Nothing of the backbone fits: no tensor was taken over.\")\n",
          ""), "gives 0 and raises no error"),
        (("return len(names)", "return len(mine)"), "All tensors of the model are counted"),
        (("return len(names)", "return len(theirs)"), "All tensors of the model are counted, those of the head too"),
        (("return len(names)", "return sum(mine[name].numel() for name in names)"), "The single numbers are counted"),
        (("return len(names)", "len(names)"), "is None. Expected a value"),
        ((COPY, COPY + "\n        break"), "is not taken over, though it fits"),
        (("\n             and mine[name].shape == theirs[name].shape]", "]"), "Your code raised RuntimeError"),
    ],
    "9a.2": [
        (("        block.eval()\n", ""), "a frozen block is in training mode: its running means"),
        (("        block.requires_grad_(False)\n", ""), "weights of a frozen block may still learn"),
        (("    model.train()\n", "    model.eval()\n"), "a part that learns is in evaluation mode"),
        (("    model.requires_grad_(True)\n", ""), "the third block is still frozen"),
        (("model.backbone.blocks[:count]", "model.backbone.blocks[count:]"), "may still learn|should learn may not"),
        (("model.backbone.blocks[:count]", "model.backbone.blocks[:count + 1]"), "weights that should learn may not"),
        (("return " + COUNT, "return sum(p.numel() for p in model.parameters())"), "All weights are counted"),
        (("return " + COUNT, "return sum(p.numel() for p in model.parameters() if not p.requires_grad)"),
         "These are the frozen weights"),
        (("return " + COUNT, "return len([p for p in model.parameters() if p.requires_grad])"),
         "The tensors are counted"),
        ("def freeze(model, count):\n    for block in model.backbone.blocks[:count]:\n"
         "        block.requires_grad_(False)\n        block.eval()\n    model.train()\n    return " + COUNT,
         "a frozen block is in training mode"),
        (("model.requires_grad_(True)", "model.requires_grad_(False)"), "weights that should learn may not"),
    ],
    "9a.3": [
        ((SQUARE, "apart.T @ apart"), "The penalty has no effect|LinAlgError|Expected weights"),
        ((SQUARE, "apart.T @ apart + penalty"), "added to every cell"),
        ((SHIFT, "b = middle"), "The intercept is that of centred vectors"),
        ((SHIFT, "b = 0.0"), "the intercept is 0"),
        ((SHIFT, "b = middle + centre @ w"), "a wrong sign"),
        (("apart = x - centre", "apart = x"), "x and y are not centred|Expected weights and intercept"),
        ((SQUARE, "apart.T @ apart + len(x) * penalty * np.eye(x.shape[1])"), "multiplied by the number of clips"),
        ((SQUARE, "apart.T @ apart / len(x) + penalty * np.eye(x.shape[1])"), "Expected weights and intercept"),
        ((SQUARE, "apart.T @ apart + penalty**2 * np.eye(x.shape[1])"), "The penalty is squared"),
        ("def ridge(x, y, penalty):\n    x = np.column_stack([x, np.ones(len(x))])\n"
         "    w = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y)\n    return w[:-1], w[-1]",
         "The intercept is penalised too"),
        ("def ridge(x, y, penalty):\n    return np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ y), 0.0",
         "not centred, and there is no intercept"),
        (("return w, b", "return b, w"), "changed places"),
        (("return w, b", "return w"), "to give two things"),
        (("apart = x - centre", "x -= centre\n    apart = x"), "is changed by the function"),
        ("def ridge(x, y, penalty):\n    m = x - x.mean(0)\n    w = np.linalg.solve(m.T @ m / len(x) + penalty * "
         "np.eye(x.shape[1]), m.T @ (y - y.mean()) / len(x))\n    return w, y.mean() - x.mean(0) @ w",
         "multiplied by the number of clips"),
    ],
}
