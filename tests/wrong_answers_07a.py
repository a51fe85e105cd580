"""Lesson 7a: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
"""

FITS = '''        if side + 2 * padding < size:
            raise ValueError(f"A window of {size} does not fit into {side} pixels.")
'''
WRONG = {
    "7a.1": [
        (("side = (side + 2 * padding", "side = (side + padding"), "The padding counts once"),
        (("// stride + 1", "// stride"), "the first one counts too"),
        (("(side + 2 * padding - size) // stride + 1", "(side + 2 * padding - size + 1) // stride"),
         "Add 1 after the division"),
        (("// stride", "/ stride"), "not rounded down: use //"),
        ((" // stride + 1", " + 1"), "The stride is not used"),
        ((FITS, ""), "larger than what is left, zeros included. Expected a ValueError"),
    ],
    "7a.2": [
        (("            handle.remove()", "            pass"), "A hook is left on '0', '1'"),
        (("output.detach()", "output"), "still takes part in the gradient"),
        (("output, name=name", "output"), "Missing: .*name=name fixes it"),
        (("        if not list(layer.children()):", "        if True:"), "Layers that hold others are none of ours"),
        (("found[name] = output.detach()", "found[name] = inputs"), "Expected the output of '0', a tensor, found"),
        (("found[name] = output.detach()", "found[name] = inputs[0].detach()"), "The output of '0' is another one"),
        (("return found", "return list(found)"), "Expected a dict from names to outputs, found list"),
        ((("    try:\n        net(x)\n    finally:\n        for handle in handles:\n            handle.remove()\n"),
          "    net(x)\n    for handle in handles:\n        handle.remove()\n"), "after a pass that failed"),
    ],
    "7a.3": [
        (("picture.clone()", "picture"), "the picture that it was given is changed"),
        ((".softmax(dim=0)[digit]", "[digit]"), "outputs before the softmax"),
        (("= 0\n", "= 1\n"), "The square is set to 1, ink"),
        (("return shares", "return shares.T"), "Rows and columns have changed places"),
        (("row * side, column * side", "row, column"), "Cover one square by hand"),
        (("net(other[None])", "net(picture[None])"), "No square is covered"),
        (("return shares", "return net(picture[None])[0].softmax(dim=0)[digit] - shares"), "how far the share falls"),
    ],
}
