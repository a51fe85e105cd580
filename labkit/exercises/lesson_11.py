"""The checks of lesson 11: principal directions, silhouettes, and the neighbours that a picture keeps."""

import numpy as np

from labkit.exercises.core import NotYet, exercise, expect, numbers


def clouds(seed: int, clips: int = 30, length: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (N, D) around three middles, far from the origin, and the group of each."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(clips) % 3)
    around = rng.standard_normal((clips, length)) * np.arange(1, length + 1)
    return 20 + 3 * rng.standard_normal((3, length))[labels] + around, labels


@exercise("11.1", names=("placed",),
          hints=("The third answer of `np.linalg.svd(space - middle, full_matrices=False)` has one direction in each "
                 "row, the one of largest variance first.",
                 "A vector along a direction is their dot product: `(new - middle) @ directions.T`."),
          praise="New clips lie where PCA of the old ones puts them.")
def check_placed(placed):
    """Against scikit-learn's PCA, with signs left free, and new vectors of another mean."""
    from sklearn.decomposition import PCA

    for seed in range(3):
        space, new = clouds(seed)[0], clouds(seed + 10, clips=7)[0] + 2
        wanted = PCA(2, svd_solver="full").fit(space).transform(new)
        found = numbers(placed(space.copy(), new.copy()), "`placed(space, new)`")
        if found.shape == wanted.T.shape:
            raise NotYet("Expected a row for each new vector, (M, 2), found a column for each. Turn the product round.")
        if found.shape == wanted.shape:
            signs = np.where((found * wanted).sum(axis=0) < 0, -1, 1)
            found = found * signs
        middle = space.mean(axis=0)
        own = np.linalg.svd(new - new.mean(axis=0), full_matrices=False)[2][:2]
        old = np.linalg.svd(space - middle, full_matrices=False)[2][:2]
        raw = np.linalg.svd(space, full_matrices=False)[2][:2]
        free = [np.where(((new - one) @ axes.T * found).sum(axis=0) < 0, -1, 1) * ((new - one) @ axes.T)
                if found.shape == wanted.shape else wanted for one, axes in
                ((new.mean(axis=0), own), (new.mean(axis=0), old), (0, old), (middle, raw), (middle, own))]
        usual = [(free[0], "The axes and the mean are those of the new vectors. Take both from `space`."),
                 (free[1], "The new vectors are measured from their own mean. Subtract the mean of `space`."),
                 (free[2], "The mean is not subtracted from the new vectors. Subtract the mean of `space`."),
                 (free[3], "The directions are those of vectors that are not centred: the first one points at the "
                           "mean. Subtract the mean before the decomposition."),
                 (free[4], "The directions are those of the new vectors. Take them from `space`."),
                 (wanted[:, ::-1], "The two directions have changed places. The largest variance comes first.")]
        expect(found, wanted, "`placed(space, new)`, up to the signs", usual,
               advice="The directions are the first two rows of the third answer of the decomposition.")


def show_silhouettes() -> None:
    """Two groups of points that overlap, each point with its silhouette as colour."""
    from sklearn.metrics import silhouette_samples

    from labkit import plots

    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    points = rng.standard_normal((60, 2)) + 2.4 * labels[:, None] * np.array([1, 0])
    scores = silhouette_samples(points, labels)
    figure, axes = plots.figure(columns=2, height=2.6, width_ratios=[3, 2])
    for group, marker in ((0, "o"), (1, "^")):
        drawn = axes[0, 0].scatter(*points[labels == group].T, c=scores[labels == group], marker=marker, cmap="PuOr",
                                   vmin=-0.8, vmax=0.8, edgecolors="0.4", linewidths=0.5)
    figure.colorbar(drawn, ax=axes[0, 0], label="silhouette")
    axes[0, 0].set(xticks=[], yticks=[], title="two groups, circles and triangles")
    axes[0, 1].barh(np.arange(60), np.concatenate([np.sort(scores[labels == group]) for group in (0, 1)]),
                    color=[plots.COLOURS[group] for group in (0, 1) for _ in range(30)])
    axes[0, 1].set(yticks=[15, 45], xlabel="silhouette", title=f"mean {scores.mean():.2f}")
    axes[0, 1].set_yticklabels(["circles", "triangles"])
    plots.show(figure, alt="The target of exercise 11.2: two overlapping groups of thirty points. Points far from the "
                           f"other group have silhouettes of up to {scores.max():.2f}, those that lie among the others "
                           f"down to {scores.min():.2f}; the mean is {scores.mean():.2f}.")


@exercise("11.2", names=("silhouettes_of",), target=show_silhouettes,
          hints=("The distance of a clip to itself is 0, so it does no harm in a sum; but it must not be counted in "
                 "the mean of `a`.",
                 "`b` is `min(...)` over `set(labels) - {genre}` of `distances[clip, labels == other].mean()`."),
          praise="Your silhouettes are scikit-learn's, also for a clip that is alone in its genre.")
def check_silhouettes_of(silhouettes_of):
    """Against scikit-learn, with two, three and four groups of unequal size, one of them a single clip."""
    from sklearn.metrics import silhouette_samples
    from sklearn.metrics.pairwise import euclidean_distances

    for seed, labels in ((0, np.array([0, 1] * 6)), (1, np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])),
                         (2, np.array([0, 0, 1, 1, 1, 2, 3, 3]))):
        space = np.random.default_rng(seed).standard_normal((len(labels), 3)) + labels[:, None]
        distances = euclidean_distances(space)
        np.fill_diagonal(distances, 0)
        wanted = silhouette_samples(distances, labels, metric="precomputed")
        what = f"`silhouettes_of` of {len(set(labels))} groups"
        found = numbers(silhouettes_of(distances.copy(), labels.copy()), what)
        alone = np.bincount(labels)[labels] == 1

        def other(a, b, alone=alone):
            return np.where(alone, 0, (b - a) / np.maximum(a, b))

        same = labels[:, None] == labels
        counts = same.sum(axis=1)
        a = np.where(same, distances, 0).sum(axis=1) / np.maximum(counts - 1, 1)
        means = np.array([[row[labels == group].mean() for group in np.unique(labels)] for row in distances])
        others = np.where(np.eye(labels.max() + 1, dtype=bool)[labels], np.nan, means)
        b = np.nanmin(others, axis=1)
        rest = np.where(same, 0, distances).sum(axis=1) / (len(labels) - counts)
        far = np.nanmax(others, axis=1)
        usual = [(other(a * (counts - 1) / counts, b), "The clip itself is counted among its genre: a is divided by "
                                                       "one clip too many. Its distance to itself is 0."),
                 (other(a, rest), "b is the mean distance to all clips of other genres. Expected the smallest of the "
                                  "means of the single genres."),
                 (other(a, far), "b is the largest of the means. Expected the nearest other genre: min."),
                 (-other(a, b), "The sign is turned. The silhouette is high where b is larger than a."),
                 (np.where(alone, 0, (b - a) / (a + b)), "The difference is divided by the sum. Divide by the larger "
                                                         "of the two: max(a, b)."),
                 (np.where(alone, 0, b - a), "The division by max(a, b) is missing.")]
        if found.shape == wanted.shape and np.abs(found[alone]).max(initial=0) > 1e-6:
            raise NotYet("A clip that is alone in its genre has no other to be near to. Expected 0 there, found "
                         f"{found[alone][0]:.3g}.")
        if found.shape == () and np.isclose(found, wanted.mean()):
            raise NotYet("One number is given, the mean. Expected one for each clip.")
        expect(found, wanted, what, usual, advice="Look at a and b of the first clip apart.")


@exercise("11.3", names=("kept_neighbours",),
          hints=("`np.argsort` of a row gives the clips from the nearest on. The nearest of all is the clip itself, at "
                 "distance 0: leave it out.",
                 "`set(...)` of the neighbours here, one of those there, and `&` between them: what is in both."),
          praise="Your share is 1 where the picture keeps all, and what chance gives where it keeps nothing.")
def check_kept_neighbours(kept_neighbours):
    """The space itself, a picture of two of its directions, and one that has nothing to do with it."""
    from sklearn.metrics.pairwise import euclidean_distances

    space = clouds(3, clips=40)[0]
    here = euclidean_distances(space)
    np.fill_diagonal(here, 0)
    pictures = {"the space itself": here, "two of its six directions": euclidean_distances(space[:, -2:]),
                "a picture drawn at random": euclidean_distances(np.random.default_rng(4).standard_normal((40, 2)))}
    for name, there in pictures.items():
        np.fill_diagonal(there, 0)
        for count in (3, 8):
            what = f"`kept_neighbours` for {name}, {count} neighbours"
            found = numbers(kept_neighbours(here.copy(), there.copy(), count), what)
            order = [np.argsort(one, axis=1, kind="stable") for one in (here, there)]

            def shared(first, last, order=order, count=count):
                return np.mean([len(set(one[first:last]) & set(other[first:last])) / count
                                for one, other in zip(*order, strict=True)])

            ranked = np.mean(order[0][:, 1:count + 1] == order[1][:, 1:count + 1])
            farthest, wanted = shared(len(here) - count, len(here)), shared(1, count + 1)
            usual = [(shared(0, count), "The clip itself is among its neighbours, and always kept. Leave it out."),
                     (shared(0, count + 1), "The clip itself is among its neighbours, and always kept. Leave it out."),
                     (ranked, "The neighbours are compared place by place. Their order does not count: compare sets."),
                     (farthest, "These are the farthest clips. argsort begins with the nearest."),
                     (wanted * count, "A number of neighbours is given. Expected their share: divide by `count`.")]
            if name == "the space itself" and found.shape == () and not np.isclose(found, 1):
                usual.append((found, "The space itself keeps all its neighbours: expected 1."))
            expect(found, wanted, what, usual, advice="Compare the sets of the nearest clips, row by row.")
