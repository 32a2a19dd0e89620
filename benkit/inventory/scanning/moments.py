"""Exact moments of pixels: number of valid ones, sum, sum of squares, minimum and maximum.

Integer pixels are summed without any rounding. The work is done in float64, which BLAS adds quickest,
on blocks so small that every intermediate result is an integer below 2**53 and therefore exact;
types too wide for that are split into 16-bit halves. Floating-point pixels get the correctly rounded
sum of `math.fsum` (Shewchuk, 1997, https://doi.org/10.1007/PL00009321) instead.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.inventory.scanning.float_sums import pieces_of, rounded_sums_of_squares
from benkit.inventory.scanning.scratch import scratch
from benkit.tiff.raster import is_nodata

MEASURABLE = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64")
"""Names of the data types that can be measured."""

_BLOCK = 2**20  # pixels; 2**20 squares of 16-bit values stay below 2**53
_CACHE = 2**16  # pixels that are worked on at once, so that they stay in a near cache


@dataclass(frozen=True)
class Moments:
    """Moments of the valid pixels of one raster.

    Attributes
    ----------
    valid, nodata_count : int
        Number of pixels with and without a measurement; their sum is the number of all pixels.
    sum, sum_sq : int or float
        Of the valid pixels: an exact int for integer pixels, a float for floating-point pixels.
    min, max : float or None
        Of the valid pixels, None where there is none.
    """

    valid: int
    nodata_count: int
    sum: int | float
    sum_sq: int | float
    min: float | None
    max: float | None


@dataclass(frozen=True)
class RowMoments:
    """Moments of many small rasters: the fields of `Moments` as arrays.

    All arrays have shape (rasters,) and are int64, or float64 all but the first two; ``min`` and
    ``max`` mean nothing where ``valid`` is 0.
    """

    valid: NDArray[np.int64]
    nodata_count: NDArray[np.int64]
    sum: NDArray
    sum_sq: NDArray
    min: NDArray
    max: NDArray


def measure(pixels: NDArray, nodata: float | None) -> Moments:
    """Moments of one raster of any size and of a type in `MEASURABLE`.

    NaN, infinity and pixels that hold ``nodata`` (see `is_nodata`) are not valid.

    Examples
    --------
    >>> measure(np.array([[0, 1], [2, 65535]], np.uint16), 0)
    Moments(valid=3, nodata_count=1, sum=65538, sum_sq=4294836230, min=1.0, max=65535.0)
    """
    if pixels.dtype.name not in MEASURABLE:
        raise TypeError(f"data type {pixels.dtype.name} cannot be measured exactly")
    flat = _valid_pixels(pixels.reshape(-1), nodata)
    if flat.dtype.kind == "f":
        total, total_sq = _float_sums(flat.astype(np.float64))
    else:
        blocks = [_sums(flat[i : i + _BLOCK]) for i in range(0, len(flat), _BLOCK)]
        total, total_sq = (sum(sums) for sums in zip(*blocks, strict=True)) if blocks else (0, 0)
    some = len(flat) > 0
    moments = Moments(
        valid=len(flat),
        nodata_count=pixels.size - len(flat),
        sum=total,
        sum_sq=total_sq,
        min=float(flat.min()) + 0.0 if some else None,  # which of two zeros is less is chance
        max=float(flat.max()) + 0.0 if some else None,
    )
    assert moments.valid + moments.nodata_count == pixels.size, "every pixel is valid or NO_DATA"
    assert moments.sum_sq >= 0, "a sum of squares is not negative"
    return moments


def _valid_pixels(flat: NDArray, nodata: float | None) -> NDArray:
    return flat[are_valid(flat, nodata)] if nodata is not None or flat.dtype.kind == "f" else flat


def are_valid(pixels: NDArray, nodata: float | None) -> NDArray[np.bool_]:
    """Which pixels are finite and do not hold the NO_DATA value."""
    return np.isfinite(pixels) & ~is_nodata(pixels, nodata)


def not_finite(pixels: NDArray, nodata: float | None) -> str | None:
    """How many pixels are NaN and infinite, but for NaN as the NO_DATA value; None if there is none.

    Examples
    --------
    >>> not_finite(np.array([1, np.nan, -np.inf, np.nan], "f4"), None)
    '2 NaN, 1 -inf'
    """
    counts = {"NaN": np.isnan(pixels), "inf": pixels == np.inf, "-inf": pixels == -np.inf}
    if nodata is not None and math.isnan(nodata):
        del counts["NaN"]
    found = [f"{which.sum():,} {name}" for name, which in counts.items() if which.any()]
    return ", ".join(found) or None


def _float_sums(values: NDArray[np.float64]) -> tuple[float, float]:
    """Correctly rounded sum and sum of squares."""
    with np.errstate(over="ignore"):
        total_sq = math.fsum(values * values)
    if math.isinf(total_sq):
        raise OverflowError("its values are too large for the sum of their squares")
    return math.fsum(values), total_sq


def _sums(block: NDArray) -> tuple[int, int]:
    """Exact sum and sum of squares of at most `_BLOCK` integer pixels."""
    if block.dtype.itemsize <= 2:
        values = block.astype(np.float64)
        return int(values.sum()), int(_dot(values, values))
    high = (block >> 16).astype(np.float64)
    low = (block & 0xFFFF).astype(np.float64)
    total = (int(high.sum()) << 16) + int(low.sum())
    squares, products = int(_dot(high, high)), int(_dot(high, low))
    return total, (squares << 32) + (products << 17) + int(_dot(low, low))


def _dot(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Scalar product without BLAS, which would start threads."""
    return np.einsum("i,i->", first, second)


def measure_rows(pixels: NDArray, nodata: float | None) -> RowMoments:
    """Moments of many small rasters at once, equal to `measure` of every row.

    Parameters
    ----------
    pixels : (rasters, pixels) array of uint8, uint16, int16 or float32
        At most 2**20 pixels a raster.
    """
    if pixels.dtype.kind == "f":
        return _measure_float_rows(pixels, nodata)
    assert pixels.dtype.itemsize <= 2 and pixels.shape[1] <= _BLOCK, "sums stay below 2**53"
    count = len(pixels)
    valid = np.full(count, pixels.shape[1], np.int64)
    least, greatest = (array.astype(np.int64) for array in (pixels.min(1), pixels.max(1)))
    narrow = pixels.dtype.kind == "u" and pixels.shape[1] <= 2**16  # then 32 bits hold the sum
    total = pixels.sum(1, dtype=np.uint32 if narrow else np.int64).astype(np.int64)
    total_sq = _squares(pixels)
    if nodata is not None:
        value = math.trunc(nodata) if math.isfinite(nodata) else nodata  # as GDAL masks integers
        for row in np.flatnonzero((least <= value) & (greatest >= value)).tolist():
            moments = measure(pixels[row], nodata)
            valid[row], total[row], total_sq[row] = moments.valid, moments.sum, moments.sum_sq
            least[row], greatest[row] = moments.min or 0, moments.max or 0
    return RowMoments(valid, pixels.shape[1] - valid, total, total_sq, least, greatest)


def _measure_float_rows(pixels: NDArray[np.float32], nodata: float | None) -> RowMoments:
    count, length = pixels.shape
    valid, sums = np.full(count, length, np.int64), np.zeros((2, count))
    least, greatest = pixels.min(1), pixels.max(1)  # NaN where there is one
    odd = ~(np.isfinite(least) & np.isfinite(greatest))
    if nodata is not None:
        odd |= is_nodata(pixels, nodata).any(1)
    for row in np.flatnonzero(odd).tolist():
        some = _valid_pixels(pixels[row], nodata)
        valid[row] = len(some)
        if len(some):
            sums[:, row] = np.ravel(rounded_sums_of_squares(some[np.newaxis]))
            least[row], greatest[row] = some.min(), some.max()
    whole, at_once = np.flatnonzero(~odd), max(1, _CACHE // length)
    for first in range(0, len(whole), at_once):
        rows = whole[first : first + at_once]
        sums[:, rows] = rounded_sums_of_squares(pixels[rows])
    extremes = (array.astype(np.float64) + 0.0 for array in (least, greatest))
    return RowMoments(valid, length - valid, *sums, *extremes)


def _squares(pixels: NDArray) -> NDArray[np.int64]:
    """Exact sum of squares of every row of `measure_rows`."""
    count, length = pixels.shape
    pieces = pieces_of(length)
    squares = np.empty((count, pieces), np.int64)
    rows_at_once = max(1, _CACHE // length)
    for first in range(0, count, rows_at_once):
        some = pixels[first : first + rows_at_once]
        values = scratch("values", some.shape, np.float64)
        np.copyto(values, some)
        values = values.reshape(-1, length // pieces)
        squares[first : first + len(some)] = np.vecdot(values, values).reshape(-1, pieces)
    return squares.sum(1)
