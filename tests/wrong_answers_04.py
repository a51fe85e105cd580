"""Lesson 4: what it has defined before its exercises, and wrong answers with what a student has to read."""

GIVEN = "import numpy as np\n"

FULL = "x = np.full((len(clips), lengths.max(), clips[0].shape[1]), -80.0, dtype=np.float32)"
WRONG = {
    "4.1": [
        (("-80.0, dtype=np.float32", "-80"), "cut to whole numbers.*dtype=np.float32"),
        (("-80.0", "0.0"), "padded with 0 dB, the loudest value there is"),
        (("x[i, :len(clip)] = clip", "x[i, -len(clip):] = clip"), "The padding stands before the clips"),
        ((FULL, FULL.replace("max", "min")), r"ValueError: could not broadcast .* in line 7"),
        (("x[i, :len(clip)] = clip", "pass"), r"Expected the batch of `pad_batch` of clips of 4, 7, 1 frames to be "),
        (("return x, lengths", "return x"), "to give two things, the batch and the lengths, found ndarray"),
        (("return x, lengths", "return x, np.full(len(clips), x.shape[1])"), "all those of the padded clips"),
        (("return x, lengths", "return x[:, :lengths.min()], lengths"), "has 1 frames. Expected 7.*may be cut"),
        (("return x, lengths", "return np.swapaxes(x, 1, 2), lengths"), r"Expected \(3, 7, 5\): clips, frames, bands"),
        (("return x, lengths", "return x, lengths[::-1]"), "Expected the lengths of .* found"),
    ],
    "4.2": [
        ("def clip_means(x, lengths): return x.mean(axis=1)", "The padding is counted"),
        ("def clip_means(x, lengths): return x.sum(axis=1) / lengths[:, None]", "Set the frames behind the end to 0"),
        (("(x * inside[:, :, None]).sum(axis=1) / lengths[:, None]", "(x * inside[:, :, None]).mean(axis=1)"),
         "divided by the padded length"),
        ("def clip_means(x, lengths): return np.array([c[:n].mean() for c, n in zip(x, lengths)])",
         "one for each band"),
        (("<", "<="), "Expected `clip_means.* found .* Compare with clip.mean"),
        ("def clip_means(x, lengths): return (x * (x > -80)).sum(axis=1) / lengths", "ValueError: operands could not"),
        ("def clip_means(x, lengths): return (x * (x > -80)).sum(axis=1) / lengths[:, None]", "known by the length"),
    ],
    "4.3": [
        (("held = np.isin(groups, out)",
          "held = np.isin(np.arange(len(groups)), rng.permutation(len(groups))[:round(share * len(groups))])"),
         "stands on both sides, and .* albums do in all. Expected none"),
        (("np.isin(groups, out).mean() >= share", "len(out) >= share * len(np.unique(groups))"),
         "a share of the albums is another number"),
        (("held = np.isin(groups, out)\n", "held = np.isin(groups, out[:-1])\n"),
         "clips: take albums until they hold so many"),
        (("np.isin(groups, out).mean() >= share", "np.isin(groups, out).mean() >= 2 * share"),
         "where fewer albums would do"),
        (("default_rng(seed)", "default_rng()"), "Two calls with the seed 0 give different splits"),
        (("default_rng(seed)", "default_rng(0)"), "Eight seeds give one and the same split"),
        (("np.flatnonzero(~held), np.flatnonzero(held)", "np.flatnonzero(held), np.flatnonzero(~held)"),
         "fewer albums would do.* The sides come in the order fit, held"),
        (("np.flatnonzero(~held), np.flatnonzero(held)", "~held, held"), "gives true and false"),
        (("np.flatnonzero(~held), np.flatnonzero(held)", "np.arange(len(groups)), np.flatnonzero(held)"),
         "found clip .* more than once"),
        (("np.flatnonzero(~held), np.flatnonzero(held)", "[], np.flatnonzero(held)"), "numbers for 90 clips"),
        (("return np.flatnonzero(~held), np.flatnonzero(held)", "return np.flatnonzero(held)"), "to give two arrays"),
    ],
}
