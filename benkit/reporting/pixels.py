"""Pixels as pictures show them: stretched from dark to bright, magenta without a measurement."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benkit.reporting.style import NO_DATA_COLOUR
from benkit.tiff.raster import is_nodata

_PERCENTILES = (2, 98)


def mask_no_data(pixels: NDArray, nodata: float | None) -> "np.ma.MaskedArray":
    """Pixels as float64, those masked that are NO_DATA, NaN or infinite."""
    missing = ~np.isfinite(pixels) | is_nodata(pixels, nodata)
    return np.ma.masked_array(pixels.astype(np.float64), missing)


def stretch_range(pixels: "np.ma.MaskedArray") -> tuple[float, float]:
    """Values to draw black and white: the 2nd and the 98th percentile of the valid pixels."""
    values = np.ma.compressed(pixels)
    if not len(values):
        return 0.0, 1.0
    low, high = np.percentile(values, _PERCENTILES).tolist()
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def in_colour(
    masked: "Mapping[str, np.ma.MaskedArray]", bands: Sequence[str], *, true: bool, decibels: bool
) -> NDArray[np.float64]:
    """A picture of three bands, or of two and their ratio, as large as the largest: as `as_colours`.

    Bands in ``true`` colour share one stretch, from 0 to their 98th percentile, so that hues stay;
    others have one each. The ratio of two bands in ``decibels`` is their difference.
    """
    side = max(max(masked[band].shape) for band in bands)
    layers = [enlarged(masked[band], side) for band in bands]
    if len(layers) == 2:
        first, second = layers
        layers.append(first - second if decibels else first / second)
    if true:
        high = stretch_range(np.ma.stack(layers))[1]
        ranges = [(0.0, high if high > 0 else 1.0)] * 3
    else:
        ranges = [stretch_range(layer) for layer in layers]
    return as_colours(layers, ranges)


def as_colours(
    bands: Sequence["np.ma.MaskedArray"], ranges: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    """A picture of three bands, `NO_DATA_COLOUR` where one is masked: (height, width, 3) from 0 to 1.

    Parameters
    ----------
    bands : three (height, width) masked arrays
        Red, green and blue.
    ranges : three pairs of float
        Values of each band that are drawn black and white.
    """
    from matplotlib.colors import to_rgb

    layers = np.ma.stack(bands, axis=-1)
    low, high = np.array(ranges).T
    colours = np.clip((layers.filled(0) - low) / (high - low), 0, 1)
    colours[np.ma.getmaskarray(layers).any(axis=-1)] = to_rgb(NO_DATA_COLOUR)
    return colours


def enlarged(pixels: "np.ma.MaskedArray", side: int) -> "np.ma.MaskedArray":
    """Pixels repeated until there are so many rows and columns."""
    rows, columns = (np.arange(side) * length // side for length in pixels.shape)
    return pixels[np.ix_(rows, columns)]
