"""The checks of lesson 12: overlapping pieces, the threshold of a conformal set, and sets that grow."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def pieces_of(sound: np.ndarray, length: int, step: int, end: bool = True) -> np.ndarray:
    """What exercise 12.1 asks for; `end` = with the piece that ends with the sound."""
    if len(sound) < length:
        return np.pad(sound, (0, length - len(sound)))[None]
    views = np.lib.stride_tricks.sliding_window_view(sound, length)
    left = (len(sound) - length) % step
    return np.concatenate([views[::step], views[-1:]]) if left and end else views[::step].copy()


@exercise("12.1", names=("overlapping",),
          hints=("`range(0, len(sound) - length + 1, step)` gives the beginnings of all pieces that fit. The last one "
                 "begins at `len(sound) - length` at most.",
                 "`np.pad(sound, (0, missing))` adds zeros at the end; `[None]` makes one row of it."),
          praise="Each sample of each sound is in a piece, and each piece has its length.")
def check_overlapping(overlapping):
    """All sounds of 1 to 40 samples, exactly, with steps below, equal to and above the length."""
    for length, step in ((8, 4), (8, 8), (6, 4), (5, 1), (4, 6)):
        for count in range(1, 41):
            sound = np.arange(1.0, count + 1)
            what = f"`overlapping(sound, {length}, {step})` of {count} samples"
            found = numbers(overlapping(sound.copy(), length, step), what)
            wanted = pieces_of(sound, length, step)
            if count < length and found.shape == (length,):
                raise NotYet(f"{what}: one piece is given as a row of its own. Expected the shape (1, {length}): add "
                             "[None].")
            if count < length and found.shape == wanted.shape and np.array_equal(found[0][-count:], sound):
                raise NotYet(f"{what}: the zeros stand before the sound. Expected them at its end: (0, missing).")
            short = pieces_of(sound, length, step, end=False)
            if len(short) < len(wanted) and np.array_equal(found, short):
                raise NotYet(f"{what}: {(count - length) % step} samples at the end are in no piece. Expected one more "
                             "piece that ends with the sound.")
            if found.shape == (len(wanted) + 1, length) and np.array_equal(found[-1], wanted[-1]):
                raise NotYet(f"{what}: the last piece is there twice. Add it where samples are left, and only there.")
            if found.ndim == 2 and len(found) == len(wanted) - 1:
                raise NotYet(f"{what}: found {len(found)} pieces, expected {len(wanted)}. Is the last beginning "
                             "left out? range ends before its second number, so add 1 to it.")
            expect(found, wanted, what, rtol=0, atol=0,
                   advice="Write down the beginnings of the pieces for this sound.")


def show_promise() -> None:
    """How often thresholds set up on 20 clips hold for the next one, for several promises."""
    from labkit import plots

    rng, promises, clips = np.random.default_rng(0), np.arange(0.5, 0.96, 0.05), 20
    drawn = np.sort(rng.random((4000, clips)), axis=1)
    new = rng.random(4000)
    kept = {"with n + 1": [], "with n": []}
    for promise in promises:
        for name, count in (("with n + 1", clips + 1), ("with n", clips)):
            rank = int(np.ceil(promise * count - 1e-9))
            kept[name].append(np.mean(new <= drawn[:, rank - 1]))
    figure, (axis,) = plots.figure(height=2.5)
    axis.plot(promises, promises, color="0.6", linestyle=":")
    for (name, values), colour in zip(kept.items(), plots.COLOURS, strict=False):
        axis.plot(promises, values, "o-", color=colour, label=name)
    axis.set(xlabel="share that was promised", ylabel="share that was kept")
    axis.legend(title="rank from")
    plots.show(figure, alt="The target of exercise 12.2: the share of new clips below the threshold against the "
                           "promise. With n + 1 the share is at least the promise, where 0.9 was promised "
                           f"{kept['with n + 1'][8]:.3f}; with n it falls short, {kept['with n'][8]:.3f}.")


@exercise("12.2", names=("threshold_of",), target=show_promise,
          hints=("The rank is `promise * (n + 1)`, rounded up, and counted from 1. Python counts places from 0.",
                 "`rank = int(np.ceil(promise * (len(strange) + 1)))`; then the numbers in order, and the place "
                 "`rank - 1`."),
          praise="Your threshold keeps its promise, and says so where it cannot.")
def check_threshold_of(threshold_of):
    """Five promises and ten counts, those last for which no finite threshold is enough."""
    rng = np.random.default_rng(1)
    promises, counts = (0.7, 0.9, 0.5, 0.8, 0.95), (13, 10, 19, 39, 29, 60, 99, 9, 4, 1)
    for endless in (False, True):
        for promise, count in ((one, n) for one in promises for n in counts if endless == (np.ceil(one * (n + 1)) > n)):
            strange = rng.permutation(np.linspace(0.03, 0.97, count)) if count > 1 else np.array([0.4])
            what = f"`threshold_of(strange, {promise})` of {count} numbers"
            given = strange.copy()
            found = np.asarray(threshold_of(given, promise), dtype=float)
            if not np.array_equal(given, strange):
                raise NotYet(f"{what}: the numbers that it was given are in another order now. Use np.sort(strange), "
                             "which makes a copy, not strange.sort().")
            ordered = np.sort(strange)
            rank = int(np.ceil(promise * (count + 1)))
            wanted = np.inf if endless else ordered[rank - 1]
            if found.shape != ():
                raise NotYet(f"{what}: expected one number, found an array of shape {found.shape}.")
            if endless:
                if found != np.inf:
                    raise NotYet(f"{what}: expected infinity (np.inf), found {float(found):.3g}. {count} known clips "
                                 f"cannot carry a promise of {promise:.0%}: the rank would be {rank}.")
                continue
            usual = []
            if rank < count:
                usual.append((ordered[rank], "The rank counts from 1, places from 0: take one place less."))
            short = int(np.ceil(promise * count))
            if short != rank:
                usual.append((ordered[short - 1], "The rank is that of n numbers. The new clip counts too: n + 1."))
            if rank > 1:
                usual.append((ordered[int(promise * (count + 1)) - 1],
                              "The rank is rounded down. A promise of *at least* that share needs np.ceil."))
            usual.append((ordered[::-1][rank - 1], "The largest stands first. Expected the smallest first."))
            usual.append((strange[rank - 1], "The numbers are not in order. Sort them first."))
            usual.append((np.quantile(strange, promise), "This is numpy's quantile, which lies between two numbers "
                                                         "and knows nothing of the new clip. Take the number of that "
                                                         "rank."))
            expect(found, wanted, what, [(value, text) for value, text in usual if not np.isclose(value, wanted)],
                   advice=f"The rank is {rank} here, counted from 1, the smallest first.")


@exercise("12.3", names=("grown",),
          hints=("A genre is in the set if what the likelier ones have *before* it is not enough yet.",
                 "The sum before a genre is the running sum less its own probability: `sums - chances in that order`."),
          praise="Each set is as small as it can be and holds enough; none is empty.")
def check_grown(grown):
    """Drawn clips, and the two examples of the text."""
    rng = np.random.default_rng(2)
    example = np.array([[0.3, 0.5, 0.2], [0.2, 0.3, 0.5]])
    for chances in (example, rng.dirichlet(np.ones(6), 20), rng.dirichlet(0.2 * np.ones(5), 20)):
        for enough in (0.6, 0.5, 0.9, 0.0):
            what = f"`grown(chances, {enough})` of {chances.shape[1]} genres"
            found = np.asarray(grown(chances.copy(), enough))
            if found.shape == chances.shape and found.dtype != bool:
                raise NotYet(f"{what}: expected booleans, found {found.dtype}. A comparison gives them.")
            found = numbers(found, what)
            order = np.argsort(-chances, axis=1)
            ordered = np.take_along_axis(chances, order, axis=1)
            sums = np.cumsum(ordered, axis=1)

            def back(taken, order=order, chances=chances):
                sets = np.zeros(chances.shape)
                np.put_along_axis(sets, order, np.asarray(taken, dtype=float), axis=1)
                return sets

            taken = sums - ordered < enough - 1e-9
            empty = taken.copy()
            taken[:, 0] = True
            wanted = back(taken)
            first = sums <= enough + 1e-9
            first[:, 0] = True
            missing = ("The genre that reaches `enough` is missing. It belongs to the set: ask what is there *before* "
                       "it.")
            usual = [(back(empty), "A set is empty. The likeliest genre is always in it."),
                     (back(first), missing), (back(sums <= enough + 1e-9), missing),
                     (back(sums - ordered <= enough + 1e-9), "One genre too many where the sum is exactly `enough`: "
                                                             "with 0.5 of 0.5, 0.3, 0.2 the first alone is enough. "
                                                             "Use <."),
                     (taken, "The answer is in the order of the probabilities. Expected the genres in their own order: "
                             "np.put_along_axis takes them back."),
                     (chances >= enough, "Each genre is judged by its own probability. Expected the sum from the "
                                         "likeliest on.")]
            expect(found, wanted, what, [(value, text) for value, text in usual if not np.array_equal(value, wanted)],
                   advice="Go through one clip by hand, the likeliest genre first.")
