"""Correctly rounded sums of many rows of floating-point numbers at once.

Each number is split into a part on a grid so coarse that sums of such parts are exact, whatever their
order, and a rest [1]_; the few sums of a row are then added by `math.fsum`. So the result is that of
`math.fsum` of the row, bit for bit, on every machine.

References
----------
.. [1] S. M. Rump, T. Ogita, S. Oishi, Accurate floating-point summation part I, 2008,
   https://doi.org/10.1137/050645671
"""

import math

import numpy as np
from numpy.typing import NDArray

from benkit.inventory.scanning.scratch import scratch

_MOST_PASSES = 3
_LONGEST_DOT = 8192  # numbers; for longer ones BLAS starts threads, which fight between processes


def rounded_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correctly rounded sum of each of some rows of finite numbers below 2**1000: (n, m) to (n,)."""
    parts, rest = [], values
    for _ in range(_MOST_PASSES):
        greatest = np.maximum(rest.max(1), -rest.min(1))
        exponent = np.frexp(greatest)[1] + values.shape[1].bit_length() + 1
        grid = np.ldexp(1.0, exponent)[:, np.newaxis]
        part = rest + grid
        part -= grid
        parts.append(part.sum(1))
        rest = np.subtract(rest, part, out=part)
        if not rest.any():
            return _added(parts)
    rests = (row[row != 0] for row in rest)
    some = zip(zip(*parts, strict=True), rests, strict=True)
    return np.array([math.fsum([*sums, *numbers]) for sums, numbers in some])


def rounded_sums_of_squares(pixels: NDArray[np.float32]) -> tuple[NDArray, NDArray]:
    """Correctly rounded sums, and sums of squares, of each of some rows of finite numbers.

    Squares of 32-bit numbers are exact in 64 bits. Where the numbers of a row are of similar size, the
    sums of products of their upper and lower halves are exact as well, which is quicker.
    """
    values, high, low = scratch("float sums", (3, *pixels.shape), np.float64)
    np.copyto(values, pixels)
    size = np.abs(pixels, out=scratch("sizes", pixels.shape, pixels.dtype))
    bits = values.shape[1].bit_length()
    top = np.frexp(size.max(1).astype(np.float64))[1]
    lowest = np.frexp(size.min(1).astype(np.float64))[1] - np.finfo(np.float32).nmant - 1
    middle = -((53 - bits - 2 * top) // 2)
    exact = (bits + top - lowest <= 53) & (bits + 2 * middle - 2 - 2 * lowest <= 53)
    exact &= size.min(1) > 0
    sums = np.empty((2, len(values)))
    if exact.all():
        grid = np.ldexp(1.5, middle + 52)[:, np.newaxis]
        np.add(values, grid, out=high)
        high -= grid
        np.subtract(values, high, out=low)
        products = [_dots(high, high), 2 * _dots(high, low), _dots(low, low)]
        return values.sum(1), _added(products)
    if exact.any():
        for some in (exact, ~exact):
            sums[:, some] = rounded_sums_of_squares(pixels[some])
        return sums[0], sums[1]
    return rounded_sums(values), rounded_sums(values * values)


def _added(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.array([math.fsum(some) for some in zip(*parts, strict=True)])


def _dots(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scalar product of each row of both."""
    pieces = pieces_of(first.shape[1])
    one, other = (rows.reshape(len(rows) * pieces, -1) for rows in (first, second))
    return np.vecdot(one, other).reshape(-1, pieces).sum(1)


def pieces_of(length: int) -> int:
    """Into how many equal pieces to cut a row, so that BLAS starts no threads for a piece."""
    return next(n for n in range(1, length + 1) if length % n == 0 and length // n <= _LONGEST_DOT)
