"""Pixels as pictures show them: stretched from dark to bright, magenta without a measurement."""

from collections.abc import Sequence

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
