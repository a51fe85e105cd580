"""Lesson 9b: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """import numpy as np
import torch
from torch import nn
"""

GAPS = "gaps = torch.where(known, output - targets, 0.0)"
MEANS = "means = gaps.square().sum(dim=0) / known.sum(dim=0).clamp(min=1)"
END = "return (weights * means).sum()"
KNOWN = "known = labels[train]"
SPREAD = "if not (np.nanmax(known, axis=0) > np.nanmin(known, axis=0)).all():"
INVERSE = "inverse = 1 / np.nanvar(known, axis=0)"
SCALED = "return inverse * len(inverse) / inverse.sum()"
PARTED = "if product >= 0:"
FREED = "freed_a = a - product / (b @ b) * b"
OTHER = "freed_b = b - product / (a @ a) * a"
WRONG = {
    "9b.1": [
        ((END, "return means.sum()"), "The weights have no effect"),
        ((GAPS, "gaps = (output - targets) * known"), "is NaN. A label that is missing has come into the sum"),
        ("def weighted_loss(output, targets, weights):\n    known = ~torch.isnan(targets)\n"
         "    squares = torch.where(known, (output - targets) ** 2, 0.0)\n"
         "    return (weights * squares.sum(dim=0) / known.sum(dim=0).clamp(min=1)).sum()",
         "its gradient is NaN, .* masked after the square"),
        ("def weighted_loss(output, targets, weights):\n"
         "    return (weights * ((output - targets) ** 2).nanmean(dim=0).nan_to_num()).sum()",
         "its gradient is NaN, .* masked after the square"),
        ((MEANS, "means = gaps.square().mean(dim=0)"), "divided by the number of all clips"),
        ((MEANS, "means = gaps.square().sum(dim=0) / known.sum()"), "by the number of all labels together"),
        ((MEANS, "means = gaps.square().sum(dim=0) / known.sum(dim=0)"), "The mean over no label at all is 0 / 0"),
        ((GAPS, "gaps, known = output - targets.nan_to_num(), torch.ones_like(known)"), "counts as a label of 0"),
        ((MEANS, "means = gaps.square().sum(dim=0)"), "a sum over the clips"),
        ((END, "return (weights * means).mean()"), "the mean over the axes"),
        ((END, "return (weights * means).sum() / weights.sum()"), "The sum is divided by the weights"),
        ((GAPS, "targets[~known] = output.detach()[~known]; gaps = output - targets"), "that were given have changed"),
        ((END, "return float((weights * means).sum())"), "The loss has no gradient"),
        ((END, "return (weights * means).detach().sum()"), "The loss has no gradient"),
        ((GAPS, "whole = known.all(dim=1); gaps, known = (output - targets)[whole], known[whole]"),
         "left out with all their labels"),
        ((END, "return weights * means"), r"to have the shape \(\), found \(3,\)"),
    ],
    "9b.2": [
        ((KNOWN, "known = labels"), "the weights of all labels"),
        ((INVERSE, "inverse = 1 / np.var(known, axis=0)"), "holds NaN. Gaps have to be left out"),
        ((SCALED, "return inverse"), "do not sum to the number of axes"),
        ((SCALED, "return inverse / inverse.sum()"), "The weights sum to 1"),
        ((SCALED, "return 3 * inverse / inverse.sum()"), "sum to 3 whatever the number"),
        ((INVERSE, "inverse = 1 / np.nanstd(known, axis=0)"), "by 1 / deviation"),
        ((INVERSE, "inverse = np.nanvar(known, axis=0)"), "The widest axis has the largest weight"),
        ((KNOWN, "known = labels[train]; known = known[~np.isnan(known).any(axis=1)]"), "left out with all their"),
        ((KNOWN, "known = labels = np.nan_to_num(labels[train], copy=False)"), "to be"),
        ((KNOWN, "labels[np.isnan(labels)] = 0.5; known = labels[train]"), "The labels that were given have changed"),
        ((SPREAD, "if False:"), "labels of one axis are all 0.5.*Expected a ValueError"),
        ((SPREAD, "if (np.nanvar(known, axis=0) == 0).any():"), "are all 0.1, whose variance is not exactly 0"),
        ((SPREAD, "if (np.nanvar(known, axis=0) < 1e-12).any():"), "are all missing"),
        ((SPREAD, "if not (np.nanmax(labels, axis=0) > np.nanmin(labels, axis=0)).all():"), "Expected a ValueError"),
        ((INVERSE, "inverse = 1 / np.nanvar(known)"), "TypeError|to have the shape"),
    ],
    "9b.3": [
        ((PARTED, "if True:"), "This is the plain sum, and the two conflict"),
        ((PARTED, "if False:"), "although the two do not conflict"),
        ((OTHER, "freed_b = b"), "Only the first gradient was changed"),
        ((FREED, "freed_a = a"), "Only the second gradient was changed"),
        ((OTHER, "freed_b = b - min(0, freed_a @ b) / (freed_a @ freed_a) * freed_a"), "Only the first gradient|NaN"),
        ((OTHER, "freed_b = b - (freed_a @ b) / (freed_a @ freed_a) * freed_a"), "Only the first|as it had become"),
        ((FREED, "freed_a = a - product / b.norm() * b"), "to be|Divided by the length"),
        ("def without_conflict(a, b):\n    product = a @ b\n    if product >= 0:\n        return a + b\n"
         "    return a - product / b.norm() * b + b - product / a.norm() * a", "Divided by the length"),
        ("def without_conflict(a, b):\n    product = a @ b\n    if product >= 0:\n        return a + b\n"
         "    return a - product * b + b - product * a", "lacks its denominator"),
        ("def without_conflict(a, b):\n    product = a @ b\n    if product >= 0:\n        return a + b\n"
         "    return a + product / (b @ b) * b + b + product / (a @ a) * a", "added instead of subtracted"),
        (("return freed_a + freed_b", "return (freed_a + freed_b) / 2"), "the mean of the two"),
        ((FREED, "a -= product / (b @ b) * b; freed_a = a"), "A gradient that was given has changed"),
        ((PARTED, "if product > 0:"), r"holds NaN\. A gradient of 0"),
        (("return freed_a + freed_b", "return freed_a @ freed_b"), r"to have the shape \(2,\), found \(\)"),
    ],
}
