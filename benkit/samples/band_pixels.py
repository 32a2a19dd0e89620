"""Made-up pixels of any band, within what the description of its layout allows."""

import re

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layout import Band, Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.samples.landscape import Integers, PixelBlock, grain, relief
from benkit.samples.named_patches import NamedPatch
from benkit.samples.spectra import BARE, GREEN

_CROPS = 211  # the CLC code whose ground is shown
_DECIBELS, _WEAKER = (-18.0, -6.0), 6.0  # the second polarisation is the weaker one
_MANY, _FEW, _SHARES = (300.0, 3000.0), (20.0, 100.0), (0.02, 0.5)
_LEVELS = 65536
_SIDES = ("height", "width")


def band_pixels(layout: Layout, seed: int, patch: NamedPatch) -> dict[str, NDArray]:
    """The pixels of each band: (height, width) arrays without NO_DATA, all of the same ground."""
    bands = layout.bands
    height, width = (max(getattr(one, side) for one in bands.values()) for side in _SIDES)
    column, row = patch.ground
    field = relief(seed, PixelBlock(column, row, width, height))
    return {
        name: _values(seed, f"{patch.shown} {name}", field, band, _span(band, number))
        for number, (name, band) in enumerate(bands.items())
    }


def _values(seed: int, key: str, field: Integers, band: Band, span: tuple[float, float]) -> NDArray:
    """Values between two, by a field that is seen in the pixels of the band."""
    rows, columns = (
        ((2 * np.arange(here) + 1) * there) // (2 * here)
        for here, there in zip((band.height, band.width), field.shape, strict=True)
    )
    low, high = span
    seen = field[rows[:, np.newaxis], columns]
    share = (15 * seen + grain(seed, key, seen.shape)) / (16 * _LEVELS)
    pixels = (low + (high - low) * share).astype(band.dtype)
    if band.nodata is not None:
        other = np.array(span).astype(band.dtype)
        pixels[pixels == band.nodata] = other[other != band.nodata][-1]
    return pixels


def _span(band: Band, number: int) -> tuple[float, float]:
    """Least and greatest value of a band, plausible ones where its unit and name are known."""
    low, high = _plausible(band, number)
    if (
        band.range is not None
        and not band.range[0] <= min(low, high) <= max(low, high) <= band.range[1]
    ):
        least, greatest = band.range
        return least + (greatest - least) / 4, greatest - (greatest - least) / 4
    return low, high


def _plausible(band: Band, number: int) -> tuple[float, float]:
    if band.unit == "dB":
        return _DECIBELS[0] - _WEAKER * (number % 2), _DECIBELS[1] - _WEAKER * (number % 2)
    dtype = np.dtype(band.dtype)
    if dtype.kind == "f":
        return _SHARES
    if np.iinfo(dtype).max < _MANY[1]:
        return _FEW
    known = re.sub(r"^B(\d)$", r"B0\1", band.name)
    if known not in BIGEARTHNET_S2.bands:
        return _MANY
    index = BIGEARTHNET_S2.band_names.index(known)
    return float(BARE[index, _CROPS]), float(GREEN[index, _CROPS])


def beyond_range(band: Band) -> float | None:
    """A value of a band's data type that its range excludes; None if there is none."""
    if band.range is None:
        return None
    (least, greatest), dtype = band.range, np.dtype(band.dtype)
    span = greatest - least
    for value in (greatest + span, least - span, greatest + 1, least - 1):
        fits = dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max
        outside = dtype.type(value) if fits else least
        if not least <= outside <= greatest and outside != band.nodata:
            return float(outside)
    return None


def unmeasured(band: Band) -> tuple[float, ...]:
    """Values that say that a pixel was not measured; none if the band cannot have such."""
    dtype = np.dtype(band.dtype)
    if band.nodata is None:
        return (float("nan"), float("-inf")) if dtype.kind == "f" else ()
    fits = dtype.kind == "f" or np.iinfo(dtype).min <= band.nodata <= np.iinfo(dtype).max
    return (float(band.nodata),) if fits else ()


def other_nodata(band: Band) -> float | None:
    """What a band wrongly declares as NO_DATA: nothing, or an extreme that none of its pixels is."""
    if band.nodata is not None:
        return None
    dtype = np.dtype(band.dtype)
    return -9999.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
