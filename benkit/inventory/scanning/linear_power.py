"""Decibels as linear power, 10^(x/10), with the same bits on every machine.

The power functions of machines differ in the last bit. So x is split into a multiple of 1/128 dB, whose
power stands in a table of decimal arithmetic, and a rest below 1/256 dB, for which four terms of the
exponential series are enough: only additions and multiplications of 64-bit numbers, each rounded as
IEEE 754 says. The relative error is below 1e-15.
"""

import math
from decimal import Decimal, localcontext
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layout import Band, Layout
from benkit.errors import OptionError
from benkit.inventory.scanning.float_sums import rounded_sums
from benkit.inventory.scanning.moments import are_valid

MOST_DECIBELS = 1500
"""Pixels further from 0 dB have no sums: squares of their power leave the range of 64-bit numbers."""

SCALES = ("linear",)
"""What the unit of pixels can be changed to."""

_STEPS = 128  # a decibel
_BLOCK = 2**15  # pixels that are worked on at once, so that they stay in a near cache
_SERIES = tuple(
    float(Decimal("0.2302585092994045684") ** n / math.factorial(n)) for n in (1, 2, 3, 4)
)


def linear_power(decibels: NDArray[np.float64]) -> NDArray[np.float64]:
    """10^(x/10) of numbers within `MOST_DECIBELS`.

    Examples
    --------
    >>> linear_power(np.array([0.0, 10, -20, 3.0103])).round(6).tolist()
    [1.0, 10.0, 0.01, 2.0]
    """
    step = np.rint(decibels * _STEPS)
    rest = decibels - step / _STEPS
    first, second, third, fourth = _SERIES
    grown = rest * fourth
    for term in (third, second, first):
        grown += term
        grown *= rest
    power = _table().take(step.astype(np.intp) + MOST_DECIBELS * _STEPS)
    grown *= power
    grown += power
    return grown


@lru_cache(maxsize=1)
def _table() -> NDArray[np.float64]:
    """Power of each step within `MOST_DECIBELS`."""
    with localcontext() as context:
        context.prec = 30
        steps = [float(Decimal(10) ** (Decimal(n) / (10 * _STEPS))) for n in range(10 * _STEPS)]
    most = MOST_DECIBELS // 10
    decades = [float(f"1e{n}") for n in range(-most, most + 1)]
    return np.outer(decades, steps).ravel()


def require_decibels(layout: Layout, scale: str, name: str) -> None:
    """Refuse to change the scale of bands that are not in decibels; ``name`` is what has them."""
    if scale not in SCALES:
        raise OptionError(f"scale {scale}: expected {', '.join(SCALES)}")
    for band in layout.bands.values():
        if band.unit != "dB":
            raise OptionError(
                f"{name}: expected bands in dB for --scale linear, but {band.name} of the layout "
                f"{layout.name} is in {band.unit}"
            )


def in_unit(pixels: NDArray, band: Band) -> NDArray[np.float64]:
    """What pixels mean, in the unit of the band."""
    values = pixels.astype(np.float64)
    return values if (band.scale, band.offset) == (1, 0) else band.scale * (values + band.offset)


def linear_sums(
    pixels: NDArray, nodata: float | None, band: Band
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correctly rounded sums of linear power, and of its squares, of rasters of a band in decibels.

    Parameters
    ----------
    pixels : (rasters, pixels) array
    nodata : float or None
    band : Band

    Returns
    -------
    (rasters,) float64 array, twice
        Over the valid pixels; NaN where one is beyond `MOST_DECIBELS`.
    """
    sums = np.full((2, len(pixels)), np.nan)
    at_once = max(1, _BLOCK // pixels.shape[1])
    for first in range(0, len(pixels), at_once):
        some = pixels[first : first + at_once]
        values = in_unit(some, band)
        valid = are_valid(some, nodata)
        whole = valid.all()
        if not whole:
            values[~valid] = 0
        fits = np.flatnonzero((np.abs(values) <= MOST_DECIBELS).all(1))
        if len(fits):
            power = linear_power(values[fits] if len(fits) < len(values) else values)
            if not whole:
                power[~valid[fits]] = 0
            sums[:, first + fits] = rounded_sums(power), rounded_sums(power * power)
    return sums[0], sums[1]
