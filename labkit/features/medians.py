"""The running median over 31 rows, which is nearly all the work of the harmonic-percussive separation.

librosa takes each median by itself. Here sixteen neighbouring windows share what they have in common: the sixteen
values that all of them hold are sorted once, then what eight of them share is merged in, and so on to the single
window. At each step the values that can no longer be the median are dropped on both sides. Written down once, that is
a list of minima and maxima of two values, 32 for each median, and each is taken of a few dozen columns at once.

Source: the sharing of sorted cores after Adams 2021, "Fast median filters using separable sorting networks"; the
merging network of Batcher 1968, "Sorting networks and their applications".
"""

from functools import cache

import numba
import numpy as np

WIDTH = 31   # values in a window, as in the course's separation
_GROUP = 16  # windows that share their work; WIDTH = 2 * _GROUP - 1, so that all of them hold the middle value's row
_LANES = 96    # columns worked on at once: the work space then stays in the processor's first cache


def running_median(values: np.ndarray) -> np.ndarray:
    """The median of each value and of the 15 above and below it, column by column; the edges are mirrored.

    values: float32 (n, columns), contiguous, without NaN. Returns an array of the same shape, to the bit what
    `scipy.ndimage.median_filter(values, size=(31, 1), mode="reflect")` gives for n >= 15.
    """
    return _run(np.ascontiguousarray(values, dtype=np.float32), *_PROGRAM)


def _sorting_program() -> tuple[np.ndarray, np.ndarray, int]:
    """The comparisons that lead from 46 rows to the medians of 16 windows.

    Returns (steps, 4): two places to read, and where the smaller and the larger value go, -1 for one that nobody needs;
    the places of the 16 medians; the number of places.
    """
    rows = WIDTH + _GROUP - 1
    pairs: list[tuple[int, int]] = []  # pair k makes the values rows + 2 k, the smaller, and rows + 2 k + 1, the larger

    @cache
    def in_order(a: int, b: int) -> list[int]:
        pairs.append((a, b))
        return [rows + 2 * len(pairs) - 2, rows + 2 * len(pairs) - 1]

    def merge(a: list[int], b: list[int]) -> list[int]:
        if not a or not b:
            return a or b
        if len(a) == len(b) == 1:
            return in_order(*a, *b)
        even, odd = merge(a[0::2], b[0::2]), merge(a[1::2], b[1::2])
        swapped = [value for pair in zip(odd, even[1:], strict=False) for value in in_order(*pair)]
        return [even[0], *swapped, *odd[len(swapped) // 2:], *even[1 + len(swapped) // 2:]]

    def sort(values: list[int]) -> list[int]:
        half = len(values) // 2
        return merge(sort(values[:half]), sort(values[half:])) if half else values

    def medians(core: list[int], windows: int, left: int, right: int) -> list[int]:
        """Of so many windows, which all hold the rows from `left` to before `right`; `core` is left of those."""
        if windows == 1:
            return core
        half, found = windows // 2, []
        for begin, end in ((left - half, left), (right, right + half)):
            merged = merge(core, sort(list(range(begin, end))))
            drop = (len(merged) - half) // 2  # half - 1 values are to come: the median is one of the middle `half`
            found += medians(merged[drop:len(merged) - drop], half, min(left, begin), max(right, end))
        return found

    found = medians(sort(list(range(_GROUP - 1, WIDTH))), _GROUP, _GROUP - 1, WIDTH)

    last_use = dict.fromkeys(found, len(pairs))  # of each value that is needed: the last pair that reads it
    for index in reversed(range(len(pairs))):
        if {rows + 2 * index, rows + 2 * index + 1} & last_use.keys():
            for value in pairs[index]:
                last_use.setdefault(value, index)
    place, free, program = {row: row for row in range(rows)}, [], []
    for index, pair in enumerate(pairs):
        made = [rows + 2 * index, rows + 2 * index + 1]
        if made[0] in last_use or made[1] in last_use:
            for value in made:  # never onto a value that is being read: the compiler could not take many at once
                if value in last_use:
                    place[value] = free.pop() if free else max(place.values()) + 1
            program.append([place.get(value, -1) for value in (*pair, *made)])
            free += [place[value] for value in pair if last_use[value] == index]
    return np.array(program, dtype=np.int32), np.array([place[value] for value in found]), max(place.values()) + 2


@numba.njit(cache=True, nogil=True, fastmath=True)
def _run(values, program, medians, places):
    n, columns = values.shape
    out = np.empty_like(values)
    space = np.empty((places, _LANES), dtype=np.float32)
    for column in range(0, columns, _LANES):
        width = min(_LANES, columns - column)
        for row in range(0, n, _GROUP):
            for offset in range(WIDTH + _GROUP - 1):
                source = (row + offset - WIDTH // 2) % (2 * n)  # mirrored: ... 1 0 | 0 1 ... n-1 | n-1 n-2 ...
                source = min(source, 2 * n - 1 - source)
                for lane in range(width):
                    space[offset, lane] = values[source, column + lane]
            for step in range(len(program)):
                a, b, smaller, larger = program[step]
                for lane in range(width):
                    x, y = space[a, lane], space[b, lane]
                    space[smaller, lane] = x if x < y else y
                    space[larger, lane] = y if x < y else x
            for offset in range(min(_GROUP, n - row)):
                for lane in range(width):
                    out[row + offset, column + lane] = space[medians[offset], lane]
    return out


_PROGRAM = _sorting_program()
