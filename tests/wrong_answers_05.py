"""Lesson 5: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn

def last_of_padded(lstm, x, lengths):
    return lstm(x)[0][torch.arange(len(x)), lengths - 1]

def last_of_packed(lstm, x, lengths):
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    steps, _ = nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True)
    return steps[torch.arange(len(x)), lengths - 1]
"""

BOTH_WAYS = """
def both_ways(forwards, backwards, x, lengths):
    other = last_of_padded(backwards, turned(x, lengths), lengths)
    return torch.cat([last_of_padded(forwards, x, lengths), other], dim=1)
"""

RULE = "        if loss < best:\n            best, kept = loss, epoch\n"
WRONG = {
    "5.1": [
        ("def turned(x, lengths): return x.flip(1)", "the padding too: a short clip now begins with its padding"),
        (("row[:length] = clip[:length].flip(0)", "row = clip[:length].flip(0)"),
         r"`row = \.\.\.`, that only renames; `row\[:length\] = \.\.\.` writes into y"),
        ("def turned(x, lengths): return x.clone()", "The clips come back as they were"),
        (("y = x.clone()", "y = x"), "The batch that it was given is changed"),
        (("row[:length] = clip[:length].flip(0)", "row[:length - 1] = clip[:length - 1].flip(0)"),
         "The last frame of each clip stays where it was"),
        ("def turned(x, lengths): return x.flip(2)", "The features are turned, not the frames"),
        ("def turned(x, lengths): return x.flip(0)", "The order of the clips is turned"),
        (("clip[:length].flip(0)", "clip[length:].flip(0)"), "Your code raised RuntimeError.*in line 6"),
        (("return y", "return y[0]"), r"to have the shape \(4, 6, 3\), found \(6, 3\)"),
        (("return y", "y"), "is None. Expected a value; does the function end with `return`"),
        (("    y = x.clone()", "    globals()['calls'] = globals().get('calls', 0) + 1\n    y = x.clone()\n"
          "    if calls > 1: return y"), "turned a second time.*Twice is as never"),
    ],
    "5.2": [
        (("turned(x, lengths), lengths)", "x.flip(1), lengths)"), "reads the padding first, and is read out within it"),
        (("last_of_padded(backwards, turned(x, lengths), lengths)", "backwards(x.flip(1))[0][:, -1]"),
         "The second network reads the padding first: x is turned with its padding"),
        (("turned(x, lengths), lengths)", "x, lengths)"), "The second network reads forwards too"),
        (("dim=1", "dim=0"), "stand below each other"),
        (("torch.cat([one, other], dim=1)", "one + other"), "The two vectors are added"),
        (("[one, other]", "[other, one]"), "changed places. Expected the forward one first"),
        (("last_of_padded(backwards, turned(x, lengths), lengths)", "backwards(turned(x, lengths))[0][:, -1]"),
         "The second one is read at the last frame of the batch"),
        ("def both_ways(forwards, backwards, x, lengths):\n"
         "    return torch.cat([forwards(x)[0][:, -1], backwards(turned(x, lengths))[0][:, -1]], 1)",
         "Both are read at the last frame of the batch"),
        (("last_of_padded(forwards, x, lengths)", "last_of_padded(backwards, x, lengths)"),
         "Both halves use the second network"),
        (("last_of_padded(backwards, turned(x", "last_of_padded(forwards, turned(x"), "Both halves use the first"),
        (("last_of_padded(backwards, turned(x, lengths), lengths)", "backwards(turned(x, lengths))[0][:, 0]"),
         "read at frame 0, after its first step"),
        (("last_of_padded(backwards, turned(x, lengths), lengths)", "backwards(x)[0][:, 0]"), "reads x forwards, and"),
        (("return torch.cat([one, other], dim=1)", "return torch.cat([one, other], dim=1) * 2"),
         "found .*Compare the two halves with the target"),
        # exercise 5.1 left as it was, or wrong
        ("def turned(x, lengths):\n    y = x.clone()\n    for row, clip, length in zip(y, x, lengths):\n        ...\n"
         "    return y" + BOTH_WAYS, "reads forwards too. `turned` of exercise 5.1 is not correct yet"),
        ("def turned(x, lengths): return x.flip(1)" + BOTH_WAYS, "reads the padding first.*5.1 is not correct yet"),
        ("def turned(x, lengths): return ..." + BOTH_WAYS, "an earlier exercise"),
        ("def turned(x, lengths): x.clone()" + BOTH_WAYS, "or an earlier exercise not solved yet"),
    ],
    "5.3": [
        (("best, kept = loss, epoch", "kept = epoch"), "The last epoch is kept, though an earlier one was better"),
        (("start=1", "start=0"), "counted from 0"),
        (("return kept, epoch", "return kept - 1, epoch"), "The kept epoch is counted from 0"),
        (("return kept, epoch", "return epoch, kept"), "The two numbers have changed places"),
        (("            break", "            pass"), "to the end of the list. Expected epoch 3"),
        ("def kept_and_last(losses, patience): return 1 + int(np.argmin(losses)), len(losses)",
         "All losses are looked at"),
        ("def kept_and_last(losses, patience):\n    for last in range(1, len(losses) + 1):\n"
         "        if last - (1 + int(np.argmin(losses[:last]))) >= patience: break\n"
         "    return 1 + int(np.argmin(losses)), last", "The lowest of all losses is taken, also of those after"),
        ("def kept_and_last(losses, patience):\n    kept = 1 + int(np.argmin(losses))\n"
         "    return kept, min(kept + patience, len(losses))", "The lowest of all losses is taken, also of"),
        ((">= patience", "> patience"), "It waits one epoch too long"),
        ((RULE, RULE.replace("<", "<=")), "write < instead of <="),
        ((RULE, "        if loss < best:\n            kept = epoch\n        best = loss\n"),
         "compared with the one before"),
        (("return kept, epoch", "return kept"), r"to have the shape \(2,\), found \(\)"),
        ((">= patience", ">= 4"), "Expected in all: epoch"),
    ],
}
