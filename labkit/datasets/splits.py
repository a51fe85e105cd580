"""Which clips belong together, and how a dataset is parted."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labkit.datasets.layout import clip_id, id_order
from labkit.profiles import DataError

NEIGHBOUR_GAP = 10      # numeric ids that part by more than this start a new group
NUMBERED = 20           # from so many clips on, one run of ids that holds half of them is a numbering, not an album
MOOD_CLASSES = 5        # a mood set has no classes; `max_per_class` limits it as if it had so many


def groups_of(ids: Sequence[str], root: str | Path) -> list[str]:
    """The group of each id: clips that belong on one side of a split, as a rule an album.

    Parameters
    ----------
    ids : bare ids.
    root : the folder that may hold `groups.txt` (`Id<TAB>Group`, with header). Without it a new group starts where
        the sorted numeric ids part by more than 10, and every other id is a group of its own. Where half of the clips
        or more would be one such group, the ids are a mere numbering: each clip is then a group of its own.

    Returns
    -------
    list of group names, one for each id. Without `groups.txt` a group is named after its first id among these ids, so
    that the names of two calls cannot be compared: ask for all ids at once.

    Raises
    ------
    DataError : a malformed line in `groups.txt`, or an id that it lacks.
    """
    file = Path(root) / "groups.txt"
    groups = {}
    if file.is_file():
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise DataError(f"{file}: expected a text file in UTF-8, found other bytes. Save it as plain text in UTF-8."
                            ) from None
        if lines[:1] != ["Id\tGroup"]:
            raise DataError(f"{file}, line 1: expected the header 'Id<TAB>Group', found {''.join(lines[:1])[:80]!r}. "
                            "Put that header on the first line, or remove the file to group by neighbouring ids.")
        for number, line in enumerate(lines[1:], start=2):
            fields = line.split("\t")
            if line.strip() and len(fields) != 2:
                raise DataError(f"{file}, line {number}: expected an id, a tab and a group, found {line[:80]!r}. "
                                 "Correct or remove the line.")
            if line.strip():
                groups[clip_id(fields[0])] = fields[1].strip()
        missing = [clip for clip in ids if clip not in groups]
        if missing:
            raise DataError(f"{file}: expected a group for each clip, found none for {len(missing)}, the first "
                             f"{missing[0]!r}. Add them, or remove the file to group by neighbouring ids.")
    else:
        last = None
        for clip in sorted(set(ids), key=id_order):
            if clip.isdecimal():
                near = last is not None and int(clip) - int(last) <= NEIGHBOUR_GAP
                groups[clip] = groups[last] if near else clip
                last = clip
            else:
                groups[clip] = clip
        if len(groups) >= NUMBERED and max(Counter(groups.values()).values()) >= len(groups) / 2:
            groups = {clip: clip for clip in groups}
    return [groups[clip] for clip in ids]


def album_leak(train_ids: Sequence[str], test_ids: Sequence[str], root: str | Path) -> float:
    """The share of test clips of whose group, as a rule an album, there is a training clip too.

    train_ids, test_ids : bare ids. root : as `groups_of`. Returns a share in [0, 1]; NaN without test ids.

    Used in: notebooks/04_dataset, notebooks/05_lstm_genre, notebooks/09a_transfer
    """
    groups = groups_of([*train_ids, *test_ids], root)
    known = set(groups[:len(train_ids)])
    tested = groups[len(train_ids):]
    return sum(group in known for group in tested) / len(tested) if tested else float("nan")


def neighbour_leak(train_ids: Sequence[str], test_ids: Sequence[str], distance: int = 5) -> dict[int, float]:
    """How many test clips have a training clip close by in id, most likely of the same album.

    Parameters
    ----------
    train_ids, test_ids : bare ids; those that are no numbers have no neighbours.
    distance : the second, wider distance, >= 1.

    Returns
    -------
    {1: share, distance: share}, shares of the test ids in [0, 1]; NaN without test ids.

    Used in: notebooks/04_dataset
    """
    train = sorted(int(clip) for clip in train_ids if clip.isdecimal())  # of any size, as Python's numbers are
    test = [int(clip) for clip in test_ids if clip.isdecimal()]

    def share(within: int) -> float:
        near = sum(bisect_right(train, clip + within) > bisect_left(train, clip - within) for clip in test)
        return near / len(test_ids) if len(test_ids) else float("nan")

    return {within: share(within) for within in (1, distance)}


def split_indices(n: int, val_size: float = 0.2, shuffle: bool = True, seed: int = 42, *,
                  labels: Sequence | None = None, groups: Sequence | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Part n items into training and validation, the same for the same arguments.

    The groups (without `groups`, the single items) are looked at one by one, in an order drawn from `seed`; one goes to
    validation when that brings validation closer to its share of each class. Small groups fit in more often than large
    ones, so that validation holds slightly more of them than of the large.

    Parameters
    ----------
    n : number of items, at least 2.
    val_size : share of validation, between 0 and 1.
    shuffle : False = look at them in the order in which they stand.
    labels : a class for each item; each class is parted in that share, as near as whole groups allow; None = only
        the total is.
    groups : a group for each item; no group is on both sides.

    Returns
    -------
    train, val : sorted int arrays, without overlap, together 0 to n - 1, neither empty.

    Raises
    ------
    ValueError : fewer than two items or groups, or a share outside (0, 1).

    Used in: notebooks/04_dataset
    """
    if not 0 < val_size < 1:
        raise ValueError(f"Expected val_size between 0 and 1, found {val_size}.")
    for name, values in (("labels", labels), ("groups", groups)):
        if values is not None and len(values) != n:
            raise ValueError(f"Expected {n} {name}, one for each item, found {len(values)}.")
    names, group = np.unique(np.arange(n) if groups is None else np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"Expected at least two {'items' if groups is None else 'groups'} to part, found "
                         f"{len(names)}. Use more data{'' if groups is None else ', or groups=None'}.")
    # scikit-learn's StratifiedGroupKFold gives only shares of 1/k, needs k groups, and leaves whole classes out where
    # albums are few: of 20 classes with four albums each the worst is 20 points off its share, here 5. With 1 200
    # albums both are within half a point. GroupShuffleSplit does not stratify.
    classes = np.zeros(n, dtype=int) if labels is None else np.unique(np.asarray(labels), return_inverse=True)[1]
    counts = np.zeros((len(names), classes.max() + 1))
    np.add.at(counts, (group, classes), 1)
    counts = np.column_stack([counts, counts.sum(axis=1)])  # the last column counts all classes together
    target = val_size * counts.sum(axis=0)
    order = np.arange(len(names))
    if shuffle:
        order = np.random.default_rng(seed).permutation(order)

    in_val, held = np.zeros(len(names), dtype=bool), np.zeros(len(target))
    # First each class by itself; then, where classes are too small for a share of their own, the total decides too.
    for columns in (slice(0, -1), slice(None)):
        for index in order:
            if not in_val[index]:
                before = np.sum((held - target)[columns] ** 2 / target[columns])
                after = np.sum((held + counts[index] - target)[columns] ** 2 / target[columns])
                if after < before:
                    in_val[index] = True
                    held += counts[index]
    if in_val.all() or not in_val.any():  # few groups: the smallest one alone stands against the rest
        smallest = order[np.argmin(counts[order, -1])]
        in_val[smallest] = not in_val[smallest]
    chosen = in_val[group]
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def limit_per_class(classes: Sequence, groups: Sequence[str], limit: int, seed: int = 42) -> list[int]:
    """At most `limit` items of each class, whole groups, drawn from `seed`; the indices kept, sorted.

    A group that would pass the limit is left out, so that what is kept leans to small groups. Where every group of a
    class is larger than the limit, the first items of its smallest group are kept, so that no class is lost. A group
    that has items of two classes may be kept in one of them alone.
    """
    if limit < 1:
        raise ValueError(f"Expected max_per_class of at least 1, found {limit}. None keeps all clips.")
    rng = np.random.default_rng(seed)
    kept = []
    for name in sorted(set(classes)):
        members: dict[str, list[int]] = {}
        for index, (label, group) in enumerate(zip(classes, groups, strict=True)):
            if label == name:
                members.setdefault(group, []).append(index)
        chosen: list[int] = []
        for group in rng.permutation(sorted(members)):
            if len(chosen) + len(members[group]) <= limit:
                chosen += members[group]
        kept += chosen or min(members.values(), key=len)[:limit]
    return sorted(kept)
