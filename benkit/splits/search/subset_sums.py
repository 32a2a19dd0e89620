"""Sums that some of several sizes can have: whole units give no others."""

import numpy as np
from numpy.typing import NDArray


def nearest_sum(sizes: NDArray[np.int64], part: int, whole: int) -> int:
    """The sum of some of the sizes that is nearest to a part of the sum of all, ``part / whole``.

    Parameters
    ----------
    sizes : (n,) int64 array
        Each at least 1.
    part, whole : int
        0 <= part <= whole.

    Examples
    --------
    >>> nearest_sum(np.array([1, 1, 1]), 1, 4), nearest_sum(np.array([3, 4]), 1, 4)
    (1, 3)
    """
    total = int(sizes.sum())
    below, above = total * part // whole, -(-total * part // whole)
    ascending = np.sort(sizes)
    if (ascending > 1 + np.cumsum(ascending) - ascending).any():
        sums = _sums(sizes)  # else each whole number is one
        below, above = _greatest(sums, below), total - _greatest(sums, total - above)
    return min(below, above, key=lambda count: abs(count * whole - total * part))


def _sums(sizes: NDArray[np.int64]) -> int:
    """All sums of some of the sizes: bit k is set if some add up to k."""
    sums = 1
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        left, times = int(count), 1
        while left > 0:  # one, two, four, ... of a size and the rest give any number of them
            sums |= sums << min(times, left) * int(size)
            left, times = left - times, 2 * times
    return sums


def _greatest(sums: int, most: int) -> int:
    """The greatest of the sums that is not above ``most``."""
    return (sums & ((2 << most) - 1)).bit_length() - 1
