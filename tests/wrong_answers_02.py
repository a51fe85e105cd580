"""Lesson 2: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = """
import librosa
import numpy as np
frames_per_second = 22050 / 512

def part_edges(beats, frames):
    return np.unique(np.concatenate([[0], beats, [frames]]))

def median_between(values, beats):
    edges = part_edges(beats, values.shape[1])
    return np.stack([np.median(values[:, a:b], axis=1) for a, b in zip(edges[:-1], edges[1:])], axis=1)

def share_kept(mel, beats):
    lengths = np.diff(part_edges(beats, mel.shape[1]))
    blocks = np.repeat(median_between(mel, beats), lengths, axis=1)
    return 1 - ((mel - blocks) ** 2).sum() / ((mel - mel.mean(axis=1, keepdims=True)) ** 2).sum()
"""
FOUND, TEMPO = "first + likeness[first:last].argmax()", "60 * frames_per_second / distance"
BEST, PLACES = "max(rows, key=lambda row: strength[row].mean())", "np.arange(start, len(strength) - 1, distance)"
COUNT, SHARE = "len(part_edges(beats, mel.shape[1])) - 1", "share_kept(mel, beats)"
ANSWER = f"{COUNT}, {SHARE}"
# A wrong answer is a whole cell, or what in the solution is put for what.
WRONG = {
    "2.1": [
        ((FOUND, "likeness.argmax()"), "distance found is 0"),
        ((FOUND, "likeness[first:last].argmax()"), r"counts from `first`.*Add `first`"),
        ((f"return {TEMPO}", "return distance"), "distance between two beats in frames. Expected beats a minute"),
        ((f"return {TEMPO}", "return distance / frames_per_second"), "seconds between two beats"),
        ((f"return {TEMPO}", "return frames_per_second / distance"), "beats a second"),
        ((f"return {TEMPO}", "return 60 / distance"), "taken for seconds"),
        (("strength - strength.mean()", "strength"), "mean of the strength was not subtracted"),
        ((FOUND, "first + likeness[first:last].argmin()"), "the target shows where it is"),
        ((f"return {TEMPO}", TEMPO), "is None"),
    ],
    "2.2": [
        ((BEST, "rows[0]"), "lies 9 frames beside the strong onsets.*Try each start"),
        ((BEST, "min(rows, key=lambda row: strength[row].mean())"), "beside the strong onsets"),
        ((PLACES, "np.arange(start, len(strength) - 1, round(distance))"), "distance rounded first, the row drifts"),
        (("places.round().astype(int)", "(places**2 / len(strength)).astype(int)"), "Expected an even row, 26.72"),
        ((BEST, f"{BEST} / frames_per_second"), "holds float64 numbers. Expected whole numbers"),
        ((BEST, f"({BEST} / frames_per_second).astype(int)"), "found seconds"),
        ((BEST, f"{BEST}[0]"), "return the best row, not its start"),
        ((BEST, f"{BEST}[:10]"), "has 10 beats, from frame 9"),
        ((PLACES, "np.arange(start, len(strength) - 1, distance / 2)"), "Expected an even row, 26.72 frames apart"),
        ((PLACES, "np.arange(start, len(strength) + 40, distance)"), "IndexError.*A beat lies beyond the last frame"),
        ((PLACES, "np.arange(start, len(strength), distance)"), "rounded up.*let np.arange end"),
        (("places.round().astype(int)", "places.round().astype(int)[[1000]]"), "IndexError.*in line"),
        ((BEST, f"(lambda row: np.append(row, row[-1] + round(distance)))({BEST})"),
         "ends at frame .*A beat lies beyond the last frame"),
        ((BEST, "np.arange(np.argmax(strength) % distance, len(strength) - 1, distance).round().astype(int)"),
         "goes through the loudest onset, frame .*off the beat"),
        ((BEST, "max(rows, key=lambda row: strength[row].sum())"), "the largest sum of `strength`.*largest mean"),
    ],
    "2.3": [
        ((COUNT, "len(beats) + 1"), "begins with a beat at frame 0, found .*one more than there are beats"),
        ((COUNT, "len(beats)"), "is the number of beats"),
        ((COUNT, "len(part_edges(beats, mel.shape[1]))"), "is the number of edges"),
        ((SHARE, f"1 - {SHARE}"), "what is lost"),
        ((f"return {ANSWER}", f"return {SHARE}, {COUNT}"), "gives the share first"),
        ((f"return {ANSWER}", f"return {SHARE}"), r"two numbers, the columns and the share, found the shape \(\)"),
        (("factor * tempo_of(strength)", "tempo_of(strength)"), "as many as with the factor 1"),
        (("factor * tempo_of(strength)", "tempo_of(strength) / factor"), "do not divide it"),
        ((SHARE, "share_kept(mel, beats + 5)"), r"\[1\] the share that share_kept gives"),
        ("def tempo_of(strength): return 120\ndef columns_and_share(mel, strength, factor): return 1, 1",
         "builds on exercise 2.1, which is not correct yet"),
        ("def steady_beats(strength, tempo): return np.arange(0, len(strength), 20)\n"
         "def columns_and_share(mel, strength, factor): return 1, 1", "builds on exercise 2.2"),
    ],
}
