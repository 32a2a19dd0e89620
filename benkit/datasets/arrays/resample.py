"""Bring bands of different pixel sizes to one grid, as rasterio does when it reads in another size.

A new pixel lies where its centre is on the old grid. Nearest takes the old pixel in which that is.
Bilinear weighs pixels by a triangle around it, as wide as an old pixel, or as a new one where these are
larger, so that nothing is left out; beyond the edge there are no pixels, and the others weigh more. That
is what GDAL does [1]_. Pixels without a measurement weigh nothing.

Each number is made by the same few products and sums in the same order, whatever the machine.

References
----------
.. [1] https://gdal.org/en/stable/api/raster_c_api.html, GDALRasterIOExtraArg, GRIORA_Bilinear
"""

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Resampling = Literal["nearest", "bilinear"]

_EDGE = 1e-9  # of a pixel: a triangle that only touches a pixel does not weigh it


def resampled(
    pixels: NDArray, size: tuple[int, int], resampling: Resampling, masked: NDArray | None = None
) -> NDArray:
    """Some rasters on another grid over the same ground.

    Parameters
    ----------
    pixels : (..., height, width) array
    size : (int, int)
        New height and width.
    resampling : {"nearest", "bilinear"}
    masked : (..., height, width) bool array, optional
        Pixels that do not count; where none does, the result is NaN.

    Returns
    -------
    (..., height, width) array
        In the data type of the pixels for nearest, else float32.
    """
    height, width = pixels.shape[-2:]
    if resampling == "nearest":
        rows, columns = _nearest(height, size[0]), _nearest(width, size[1])
        found = pixels if height == size[0] else pixels.take(rows, -2)
        return found if width == size[1] else found.take(columns, -1)
    values = pixels.astype(np.float32, copy=False)
    if masked is None or not masked.any():
        return _along_rows(_along_columns(values, size[1]), size[0])
    counts = (~masked).astype(np.float32)
    sums = _along_rows(_along_columns(np.where(masked, np.float32(0), values), size[1]), size[0])
    weights = _along_rows(_along_columns(counts, size[1]), size[0])
    some = weights > np.float32(_EDGE)
    return np.where(some, sums / np.where(some, weights, np.float32(1)), np.float32(np.nan))


def _along_columns(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    if values.shape[-1] == width:
        return values
    return _weighed(values, -1, width)


def _along_rows(values: NDArray[np.float32], height: int) -> NDArray[np.float32]:
    if values.shape[-2] == height:
        return values
    return _weighed(values, -2, height)


def _weighed(values: NDArray[np.float32], axis: int, size: int) -> NDArray[np.float32]:
    """Sums of the pixels along an axis that each new one weighs."""
    if size == 2 * values.shape[axis]:
        return _doubled(values, axis)
    index, weight = _triangles(values.shape[axis], size)
    shaped = weight[..., np.newaxis] if axis == -2 else weight
    total = values.take(index[0], axis)
    total *= shaped[0]
    for taps, weights in zip(index[1:], shaped[1:], strict=True):
        more = values.take(taps, axis)
        more *= weights
        total += more
    return total


def _doubled(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """The same for pixels of half the size, of which each weighs its own pixel and one beside it.

    All rows, or all pixels, are weighed as if they were one after the other; then the edges are mended.
    """
    *others, height, width = values.shape
    count, run = (height, width) if axis == -2 else (width, 1)
    old = values.reshape(-1, run)
    new = np.empty((len(old), 2, run), np.float32)
    near, far = old * np.float32(0.75), old * np.float32(0.25)
    np.add(near[1:], far[:-1], out=new[1:, 0])
    np.add(near[:-1], far[1:], out=new[:-1, 1])
    ends, edges = old.reshape(-1, count, run), new.reshape(-1, count, 2, run)
    edges[:, 0, 0], edges[:, -1, 1] = ends[:, 0], ends[:, -1]
    return new.reshape(*others, *((2 * height, width) if axis == -2 else (height, 2 * width)))


@lru_cache
def _nearest(old: int, new: int) -> NDArray[np.intp]:
    """Old pixel in which the centre of each new one lies: (new,) int array."""
    return ((2 * np.arange(new) + 1) * old // (2 * new)).astype(np.intp)


@lru_cache
def _triangles(old: int, new: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Old pixels that each new one weighs, and their weights, whose sum is 1: (taps, new) arrays."""
    scale = old / new
    radius = max(scale, 1.0)
    centre = (np.arange(new) + 0.5) * scale - 0.5
    first = np.floor(centre - radius + _EDGE).astype(np.intp) + 1
    taps = int((np.ceil(centre + radius - _EDGE).astype(np.intp) - first).max())
    index = first + np.arange(taps)[:, np.newaxis]
    weight = np.maximum(0, 1 - np.abs(index - centre) / radius)
    weight *= (index >= 0) & (index < old)
    weight /= weight.sum(0)
    return np.clip(index, 0, old - 1), weight.astype(np.float32)
