"""The checks of lesson 4: a batch by hand, means that leave the padding out, and a split that keeps albums whole."""

from collections import Counter

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers

SILENCE = -80.0


def small_clips(*lengths: int, bands: int = 5, seed: int = 0) -> list[np.ndarray]:
    """Clips (T, bands) of so many frames, float32 dB in [-60, 0]."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-60, 0, (length, bands)).astype(np.float32) for length in lengths]


def batch_of(clips: list[np.ndarray], value: float = SILENCE) -> tuple[np.ndarray, np.ndarray]:
    """What exercise 4.1 asks for, padded with any value."""
    lengths = np.array([len(clip) for clip in clips])
    x = np.full((len(clips), lengths.max(), clips[0].shape[1]), value, dtype=np.float32)
    for row, clip in zip(x, clips, strict=True):
        row[:len(clip)] = clip
    return x, lengths


def drawn_clips() -> list[np.ndarray]:
    """Three clips (T, 48) that are plain to look at."""
    beats = np.sin(np.linspace(0, 9, 48))[None] * 12
    return [np.float32(-30 - 25 * np.abs(np.sin(np.arange(length) * speed))[:, None] + beats)
            for length, speed in ((40, 0.8), (26, 0.5), (33, 1.1))]


def show_batch() -> None:
    """The batch of exercise 4.1: three composed clips, each as long as it is, and silence behind it."""
    from labkit import plots

    figure, axes = plots.figure(columns=3, height=1.9, sharey=True)
    for axis, row, length in zip(axes[0], *batch_of(drawn_clips()), strict=True):
        axis.imshow(row.T, origin="lower", aspect="auto", vmin=-80, vmax=0)
        axis.axvline(length - 0.5, color="white", linestyle=":")
        axis.set(xlabel="frame", title=f"length {length}")
    axes[0, 0].set(ylabel="band")
    plots.show(figure, alt="The target of exercise 4.1: three clips of 40, 26 and 33 frames, drawn in pictures of 40 "
                           "frames each; behind the end of a clip, marked by a dotted line, all is dark.")


@exercise("4.1", names=("pad_batch",), target=show_batch,
          hints=("Begin with an array that is silence everywhere, as long as the longest clip, and write each clip "
                 "into its first frames.",
                 "`np.full((len(clips), lengths.max(), clips[0].shape[1]), -80.0, dtype=np.float32)` is that array; "
                 "`x[i, :len(clip)] = clip` writes one clip."),
          praise="Your batch is the one that `collate_padded` makes of mel clips: silence at the end, the true lengths "
                 "beside it.")
def check_pad_batch(pad_batch):
    """Against a batch of our own, for several lengths, one clip and other numbers of bands."""
    for lengths, bands in (((4, 7, 1), 5), ((3,), 2), ((6, 6), 128)):
        clips = small_clips(*lengths, bands=bands)
        what = f"`pad_batch` of clips of {', '.join(map(str, lengths))} frames"
        answer = pad_batch([clip.copy() for clip in clips])
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise NotYet(f"Expected {what} to give two things, the batch and the lengths, found "
                         f"{type(answer).__name__}. End with `return x, lengths`.")
        x, found = numbers(answer[0], f"The batch of {what}"), answer[1]
        wanted, _ = batch_of(clips)
        if x.shape == np.swapaxes(wanted, 1, 2).shape != wanted.shape:
            raise NotYet(f"The batch has the shape {x.shape}. Expected {wanted.shape}: clips, frames, bands, as the "
                         "clips come.")
        front = wanted.copy()
        for row, clip in zip(front, clips, strict=True):
            row[:] = SILENCE
            row[len(row) - len(clip):] = clip
        usual = ((batch_of(clips, 0)[0], "It is padded with 0 dB, the loudest value there is. Silence is -80 dB."),
                 (front, "The padding stands before the clips. Expected it after them, so that frame 0 is the first "
                         "frame of each clip."),
                 (wanted.astype(int), "The values are cut to whole numbers: np.full(..., -80) makes an array of whole "
                                      "numbers. Write -80.0, or dtype=np.float32."))
        if x.ndim == 3 and x.shape[1] < wanted.shape[1] and x.shape[::2] == wanted.shape[::2]:
            raise NotYet(f"The batch has {x.shape[1]} frames. Expected {wanted.shape[1]}, as many as the longest clip "
                         "has: nothing of a clip may be cut.")
        expect(x, wanted, f"the batch of {what}", usual, advice="Look at x[0] and x[1] beside the clips.")
        expect(found, lengths, f"the lengths of {what}",
               [([wanted.shape[1]] * len(lengths), "The lengths are all those of the padded clips. Expected the true "
                                                   "ones, len(clip) of each clip.")])


def show_means() -> None:
    """The means of the three clips of `show_batch`, and what they would be with the padding."""
    from labkit import plots

    clips = drawn_clips()
    figure, axes = plots.figure(columns=3, height=1.9, sharey=True)
    for axis, row, clip in zip(axes[0], batch_of(clips)[0], clips, strict=True):
        axis.plot(clip.mean(axis=0), label="its own frames")
        axis.plot(row.mean(axis=0), "--", label="padding too")
        axis.set(xlabel="band", title=f"length {len(clip)}", ylim=(-80, 0))
    axes[0, 0].set(ylabel="mean (dB)")
    axes[0, 0].legend()
    plots.show(figure, alt="The target of exercise 4.2: the mean of each of 48 bands for clips of 40, 26 and 33 "
                           "frames. A dashed line, which counts the padding, lies on the solid one for the longest "
                           "clip and below it for the others.")


@exercise("4.2", names=("clip_means",), target=show_means,
          hints=("Frame t belongs to a clip if t < its length. Compare `np.arange(x.shape[1])` with "
                 "`lengths[:, None]`: that gives an array of true and false, clips by frames.",
                 "Multiply x by it, as `[:, :, None]`, add up over the frames and divide by the true lengths, as "
                 "`lengths[:, None]`."),
          praise="Your means are those of the clips alone: a clip gives the same row in whatever batch it comes.")
def check_clip_means(clip_means):
    """Against the means of the single clips, before and after padding to more than the longest."""
    clips = small_clips(3, 8, 1, 5)
    clips[1][3:5], clips[0][-1, 2] = SILENCE, SILENCE   # music holds silence too
    x, lengths = batch_of(clips)
    longer = np.concatenate([x, np.full((4, 6, 5), SILENCE, dtype=np.float32)], axis=1)
    wanted = np.stack([clip.mean(axis=0) for clip in clips])
    for batch, what in ((x, "`clip_means(x, lengths)` of four clips"), (longer, "the same, padded by 6 frames more")):
        inside = np.arange(batch.shape[1]) < lengths[:, None]
        usual = (
            (batch.mean(axis=1), "The padding is counted: the silence behind a clip lowers its mean. Leave out the "
                                 "frames from its length on."),
            (batch.sum(axis=1) / lengths[:, None], "The padding is added up, although the sum is divided by the true "
                                                   "length. Set the frames behind the end to 0 before you add."),
            ((batch * inside[:, :, None]).mean(axis=1), "The sum is right, but it is divided by the padded length. "
                                                        "Divide by the true lengths."),
            ((batch * (batch > SILENCE)).sum(axis=1) / lengths[:, None],
             "Padding is known by the length, not by its value: a clip may hold silence itself."),
            (np.stack([clip.mean() for clip in clips]), "This is one number a clip. Expected one for each band: add up "
                                                        "over the frames alone, axis=1."),
        )
        expect(clip_means(batch.copy(), lengths.copy()), wanted, what, usual, rtol=1e-4, atol=1e-3,
               advice="Compare with clip.mean(axis=0) of each clip before it was padded.")


def albums_of_unequal_size() -> list[str]:
    """The albums of 90 clips, in no order: twenty of two clips, five of ten."""
    names = [f"album {number:02d}" for number in range(20) for _ in range(2)]
    names += [f"album {number:02d}" for number in range(20, 25) for _ in range(10)]
    return list(np.random.default_rng(3).permutation(names))


def show_splits() -> None:
    """Splits of sixty clips for six seeds, made by taking whole albums."""
    from labkit import plots

    sizes = np.array([2, 10, 2, 2, 10, 2, 2, 10, 2, 2, 10, 2, 2, 2])
    groups = np.repeat(np.arange(len(sizes)), sizes)
    held = np.zeros((6, len(groups)))
    for row, seed in zip(held, range(6), strict=True):
        order = np.random.default_rng(seed).permutation(len(sizes))
        enough = np.searchsorted(np.cumsum(sizes[order]), 0.2 * len(groups)) + 1
        row[:] = np.isin(groups, order[:enough])
    figure, (axis,) = plots.figure(height=1.9)
    axis.imshow(held, aspect="auto", cmap="Blues", vmax=1.4)
    for edge in np.cumsum(sizes)[:-1] - 0.5:
        axis.axvline(edge, color="0.6", linewidth=0.6)
    for seed, row in enumerate(held):
        axis.text(len(groups), seed, f"{row.mean():.0%} held out", va="center", fontsize=8)
    axis.set(xlabel="clip, by album", ylabel="seed", yticks=range(6))
    plots.show(figure, alt="The target of exercise 4.3: sixty clips in a row for each of six seeds, with lines between "
                           "the albums. What is held out is coloured, always whole albums, other ones for each seed: "
                           + ", ".join(f"{row.mean():.0%}" for row in held) + " of the clips.")


@exercise("4.3", names=("album_split",), target=show_splits,
          hints=("Draw the order of the albums, not of the clips: `rng.permutation(np.unique(groups))`. Then take "
                 "albums from its beginning, one after the other.",
                 "Keep a list of the albums that are held out, and stop as soon as `np.isin(groups, list).mean()` is "
                 "at least `share`. `np.flatnonzero` turns true and false into numbers of clips."),
          praise="Whole albums are on one side, as many clips as asked for, and the same seed gives the same split.")
def check_album_split(album_split):
    """By the properties that a split must have, for many seeds, albums of unequal size, shares, and kinds of names."""
    names, several = albums_of_unequal_size(), set()
    for share in (0.2, 0.35):
        for seed in range(8):
            held = held_out(album_split, list(names), share, seed)
            if share == 0.2:
                several.add(frozenset(held))
            again = held_out(album_split, list(names), share, seed)
            if held != again:
                raise NotYet(f"Two calls with the seed {seed} give different splits. Make the generator from the seed: "
                             "rng = np.random.default_rng(seed).")
    if len(several) == 1:
        raise NotYet("Eight seeds give one and the same split. Draw the order of the albums with "
                     "np.random.default_rng(seed).")
    held_out(album_split, np.repeat(np.arange(12), 4), 0.5, 0)


def held_out(album_split, groups, share: float, seed: int) -> list[int]:
    """The clips that a student's split holds out; raises NotYet where the split is none."""
    what = f"`album_split(groups, {share}, seed={seed})` of {len(groups)} clips"
    answer = album_split(groups.copy(), share, seed)
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise NotYet(f"Expected {what} to give two arrays, found {type(answer).__name__}. End with `return fit, held`.")
    if any(np.asarray(side).dtype.kind == "b" for side in answer):
        raise NotYet(f"{what} gives true and false. Expected the numbers of the clips: np.flatnonzero makes them.")
    fit, held = (numbers(side, f"One side of {what}") for side in answer)
    if sorted([*fit, *held]) != list(range(len(groups))):
        times = Counter([*fit, *held])
        twice = [int(clip) for clip, count in times.items() if count > 1]
        raise NotYet(f"Expected {what} to put each clip on one side, " + (
            f"found clip {twice[0]} more than once." if twice else
            f"found {len(times)} numbers for {len(groups)} clips. The sides hold numbers of clips, not albums."))
    albums = [{str(groups[int(clip)]) for clip in side} for side in (fit, held)]
    if both := sorted(albums[0] & albums[1]):
        raise NotYet(f"In {what}, {both[0]!r} stands on both sides, and {len(both)} albums do in all. Expected none: "
                     "draw albums, then take all of their clips.")
    least = share * len(groups)
    if len(held) < least - 1e-9:
        counts = {len({groups[int(clip)] for clip in album_split(groups.copy(), share, other)[1]})
                  for other in range(5)}
        raise NotYet(f"{what} holds out {len(held)} clips. Expected at least {least:g}, a share of {share} of the clips"
                     + ("; a share of the albums is another number, because albums are of unequal size."
                        if counts == {len(albums[1])} else ": take albums until they hold so many."))
    largest, of_fit = (max(Counter(str(groups[int(clip)]) for clip in side).values(), default=0)
                       for side in (held, fit))
    if len(held) - largest >= least:
        raise NotYet(f"{what} holds out {len(held)} clips, where fewer albums would do. Stop with the first album that "
                     f"brings it to {least:g}."
                     + (" The sides come in the order fit, held." if 0 <= len(fit) - least < of_fit else ""))
    return sorted(int(clip) for clip in held)
