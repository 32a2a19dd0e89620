"""Made-up pixels of any band, within what the description of its layout allows."""

import re
from math import ceil, floor

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
        pixels[pixels == band.nodata] = _measured(band)
    return pixels


def refused_band(band: Band) -> str | None:
    """What of a band contradicts itself, so that it can have no pixels; None if nothing does."""
    dtype = np.dtype(band.dtype)
    if band.nodata is not None and dtype.kind != "f":
        whole = (
            float(band.nodata).is_integer() and _limits(band)[0] <= band.nodata <= _limits(band)[1]
        )
        if not whole:
            return f"a NO_DATA value that {band.dtype} can hold, not {band.nodata:.15g}"
    if band.range is not None and (
        _allowed(band)[0] > _allowed(band)[1] or _measured(band) is None
    ):
        least, greatest = band.range
        return f"a range with values of {band.dtype}, not from {least:.15g} to {greatest:.15g}"
    return None


def _limits(band: Band) -> tuple[float, float]:
    dtype = np.dtype(band.dtype)
    known = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    return float(known.min), float(known.max)


def _allowed(band: Band) -> tuple[float, float]:
    """Least and greatest value that the data type holds and the range allows."""
    least, greatest = _limits(band)
    if band.range is not None:
        least, greatest = max(least, band.range[0]), min(greatest, band.range[1])
    return (least, greatest) if np.dtype(band.dtype).kind == "f" else (ceil(least), floor(greatest))


def _measured(band: Band) -> float | None:
    """A value that is not NO_DATA; None if there is no other."""
    low, high = _span(band, 0)
    values = [np.dtype(band.dtype).type(value) for value in (high, low, *_allowed(band))]
    return next((float(value) for value in values if value != band.nodata), None)


def _span(band: Band, number: int) -> tuple[float, float]:
    """Least and greatest value of a band, plausible ones where its unit and name are known."""
    low, high = _plausible(band, number)
    least, greatest = _allowed(band)
    if not least <= min(low, high) <= max(low, high) <= greatest:
        quarter = (greatest - least) / 4
        return least + quarter, greatest - quarter
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
    if band.nodata is not None:
        return (float(band.nodata),)
    return (float("nan"), float("-inf")) if np.dtype(band.dtype).kind == "f" else ()


def other_nodata(band: Band) -> float | None:
    """What a band wrongly declares as NO_DATA: nothing, or an extreme that none of its pixels is."""
    if band.nodata is not None:
        return None
    dtype = np.dtype(band.dtype)
    return -9999.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)
