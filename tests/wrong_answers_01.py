"""Lesson 1: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """
import librosa
import numpy as np
RATE, N, HOP = 22050, 2048, 512
frequencies = np.arange(1025) * RATE / N
"""
EDGES, CUT = "hertz_of(np.linspace(0, top, bands + 2))", "np.maximum(0, np.minimum(rising, falling))"
# A wrong answer is a whole cell, or what in the solution is put for what.
WRONG = {
    "1.1": [
        ("def hertz_of(mel): return 2595 * np.log10(1 + mel / 700)", "the formula itself, from hertz to mel"),
        ("def hertz_of(mel): return 700 * (np.exp(mel / 2595) - 1)", r"natural logarithm.*10 \*\* x"),
        ("def hertz_of(mel): return 700 * 10 ** (mel / 2595)", "0 mel must be 0 Hz, found 700 Hz"),
        ("def hertz_of(mel): return 700 * 10 ** (mel / 2595) - 1", "set brackets"),
        ("def hertz_of(mel): return 10 ** (mel / 2595) - 1", "The 700 of the formula is missing"),
        ("import librosa\ndef hertz_of(mel): return librosa.mel_to_hz(mel)", "This is Slaney's scale"),
        ("def hertz_of(mel): return mel", r"Expected `hertz_of\(37.5\)` to be 23.6839, found 37.5. Solve"),
        ("import math\ndef hertz_of(mel): return 700 * (math.pow(10, mel / 2595) - 1)",
         "One number is right, but an array of them ends with TypeError"),
        ("def hertz_of(mel): return 700 * (10 ** (np.min(mel) / 2595) - 1)", r"to have the shape \(3,\), found \(\)"),
    ],
    "1.2": [
        ((EDGES, "hertz_of(np.linspace(0, top, bands))"), "need bands \\+ 2 edges"),
        ((EDGES, "np.linspace(0, RATE / 2, bands + 2)"), "equally spaced in hertz"),
        ((CUT, "np.minimum(rising, falling)"), "weights fall below 0"),
        ((CUT, "np.maximum(0, np.minimum(rising, falling)) * 2 / (upper - lower)"), "unit area"),
        ((CUT, "np.maximum(0, np.minimum(rising, falling)).T"), "Transpose it"),
        ((EDGES, "librosa.mel_to_hz(np.linspace(0, librosa.hz_to_mel(RATE / 2), bands + 2))"), "Slaney's scale"),
        ((CUT, "np.maximum(0, np.maximum(rising, falling))"),
         r"`import matplotlib.pyplot as plt` first; then look at `plt.plot\(.*beside the target"),
        ((EDGES, "np.linspace(0, top, bands + 2)"), "`frequencies` is in Hz; put the edges through hertz_of"),
        ("def triangles(bands):\n    edges = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), bands + 2)\n"
         "    a, b, c = edges[:-2, None], edges[1:-1, None], edges[2:, None]\n"
         "    return np.minimum((frequencies - a) / (b - a), (c - frequencies) / (c - b))",
         "left in mel.*cut the weights"),
        # exercise 1.1 wrong
        (("def triangles", "def hertz_of(mel): return mel\n\n\ndef triangles"), "nor is `hertz_of` of exercise 1.1"),
    ],
    "1.3": [
        (("length=len(audio)", "length=None"), "Expected 22350, as many as the sound has"),
        (("spectrum * gain[:, None]", "np.abs(spectrum) * gain[:, None]"), "The phases are lost"),
        (("spectrum * gain[:, None]", "spectrum"), "comes back unchanged"),
        (("spectrum * gain[:, None]", "spectrum * (1 - gain[:, None])"), "what the other rows show"),
        (("spectrum * gain[:, None]", "spectrum * gain[:, None] ** 2"), "applied twice, or squared"),
        (("triangles(bands)[rows].sum(axis=0)", "triangles(bands)[rows].mean(axis=0)"), "Add the triangles up"),
        (("triangles(bands)[rows].sum(axis=0)", "triangles(bands)[rows].max(axis=0)"), "one for each frequency"),
        # exercise 1.2 wrong
        (("def sound_of", "def triangles(bands): return np.ones((bands, 1025))\n\n\ndef sound_of"),
         "nor is `triangles` of exercise 1.2"),
        (("triangles(bands)[rows].sum(axis=0)", "triangles(bands)[rows].sum(axis=1)"), "ValueError.*`return librosa"),
    ],
}
