"""Errors in the files of a patch of any layout, as far as it can have them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layout import Band, Layout
from benkit.samples.band_pixels import beyond_range, other_nodata, unmeasured
from benkit.samples.damage import unreadable_file
from benkit.samples.encode import MadeBand, encode_bands
from benkit.samples.named_patches import NamedPatch

_SHIFT = 600  # metres
_DEGREES, _OTHER_DEGREES = 4326, 4258
_OTHER_TYPES = {
    **{"uint8": "uint16", "int8": "int16", "uint16": "uint32", "int16": "int32"},
    **{"uint32": "float64", "int32": "float64", "float32": "float64", "float64": "float32"},
}
"""Data types that hold the same values."""
_STRAYS = (".aux.xml", ".bak", ".ovr")


def made_files(
    layout: Layout, patch: NamedPatch, pixels: Mapping[str, NDArray]
) -> dict[str, bytes]:
    """The files of the bands of a patch by name, with its error planted in them."""
    place = patch.extent
    bands = {}
    for name, band in layout.bands.items():
        wide, high = (
            band.pixel_size or extent / side
            for extent, side in ((place.width, band.width), (place.height, band.height))
        )
        made = MadeBand(pixels[name], place.epsg, place.x, place.y, wide, high, band.nodata)
        bands[name] = made
    if patch.error in _DAMAGES:
        bands |= _damaged(layout, patch, bands)
    if patch.error == "missing_band":
        del bands[_some([*bands], patch)]
    if layout.one_file:
        files = {layout.band_file(patch.name, "", patch.above): encode_bands([*bands.values()])}
    else:
        names = {one: layout.band_file(patch.name, one, patch.above) for one in bands}
        files = {names[one]: encode_bands([bands[one]]) for one in bands}
    if patch.error == "unreadable":
        name = _some([*files], patch)
        files[name] = unreadable_file(files[name], patch.variant)
    if patch.error == "stray_file":
        files[_some([*files], patch) + _STRAYS[patch.variant % len(_STRAYS)]] = b"left behind\n"
    return files


def possible_damages(layout: Layout) -> set[str]:
    """Kinds of errors that the files of a layout can have."""
    of_bands = {
        kind
        for kind, damage in _DAMAGES.items()
        if any(damage.possible(layout, band) for band in layout.bands.values())
    }
    stray = [layout.band_file("patch", layout.band_names[0]) + suffix for suffix in _STRAYS]
    if not (layout.one_file and any(map(layout.patch_of_file, stray))):
        of_bands.add("stray_file")
    return of_bands | {"unreadable"} | ({"missing_band"} if not layout.one_file else set())


def _damaged(
    layout: Layout, patch: NamedPatch, bands: Mapping[str, MadeBand]
) -> dict[str, MadeBand]:
    """One band, or all, with an error; what a file says at once of all its bands is wrong of all."""
    damage = _DAMAGES[str(patch.error)]
    able = [name for name, band in layout.bands.items() if damage.possible(layout, band)]
    stretched = damage.change is _misplace and not layout.grid_metres
    of_file = stretched or (damage.of_file and (layout.one_file or patch.variant % 3 == 2))
    return {
        name: replace(
            bands[name],
            **damage.change(layout, bands[name], layout.bands[name], patch.variant),
        )
        for name in (able if of_file else [_some(able, patch)])
    }


def _some(names: list[str], patch: NamedPatch) -> str:
    return names[(5 * patch.variant + 1) % len(names)]


def _crop(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    """Without the last row or column; one more where there is but one."""
    axis = variant % 2
    if made.pixels.shape[axis] == 1:
        return {"pixels": np.repeat(made.pixels, 2, axis=axis)}
    return {"pixels": made.pixels[:-1] if axis == 0 else made.pixels[:, :-1]}


def _lose(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    """A corner, or all of it, was not measured."""
    values = unmeasured(band)
    height, width = (side if variant % 3 == 1 else -(-side // 4) for side in made.pixels.shape)
    return _set(made, slice(height), slice(width), values[variant % len(values)])


def _exceed(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    value = beyond_range(band)
    assert value is not None, "a band with a range is damaged"
    return _set(made, slice(1), slice(1), value)


def _set(made: MadeBand, rows: slice, columns: slice, value: float) -> dict[str, Any]:
    pixels = made.pixels.copy()
    pixels[rows, columns] = value
    return {"pixels": pixels}


def _retype(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    return {"pixels": made.pixels.astype(_OTHER_TYPES[band.dtype])}


def _declare(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    return {"nodata": other_nodata(band)}


def _misplace(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    """Too far east of what the name tells; where it tells none, with pixels of another size."""
    if layout.grid_metres:
        return {"x": made.x + _SHIFT}
    return {"pixel_width": 2 * made.pixel_width, "pixel_height": 2 * made.pixel_height}


def _part(layout: Layout, made: MadeBand, band: Band, variant: int) -> dict[str, Any]:
    """In another reference system, or beside the other bands."""
    if variant % 2 and not layout.grid_metres:
        return {"x": made.x + made.pixel_width * band.width}
    if made.epsg == _DEGREES:
        return {"epsg": _OTHER_DEGREES}
    hemisphere, zone = divmod(made.epsg, 100)
    return {"epsg": 100 * hemisphere + zone % 60 + 1}


def _can_lie_wrongly(layout: Layout, band: Band) -> bool:
    """Whether the name of a patch tells its place, or the layout the pixel size of all bands."""
    return bool(layout.grid_metres) or all(one.pixel_size for one in layout.bands.values())


@dataclass(frozen=True)
class _Damage:
    """What of a band changes, which bands can have it, and whether a file has it as a whole."""

    change: Callable[[Layout, MadeBand, Band, int], dict[str, Any]]
    possible: Callable[[Layout, Band], bool]
    of_file: bool = False


# The other kinds of errors are not in the bands.
_DAMAGES: Mapping[str, _Damage] = {
    "wrong_size": _Damage(_crop, lambda layout, band: True, of_file=True),
    "with_no_data": _Damage(_lose, lambda layout, band: bool(unmeasured(band))),
    "wrong_dtype": _Damage(_retype, lambda layout, band: True, of_file=True),
    "wrong_nodata": _Damage(_declare, lambda layout, band: True, of_file=True),
    "wrong_georeference": _Damage(_misplace, _can_lie_wrongly, of_file=True),
    "crs_disagreement": _Damage(
        _part, lambda layout, band: not layout.one_file and len(layout.bands) > 1
    ),
    "out_of_range": _Damage(_exceed, lambda layout, band: beyond_range(band) is not None),
}
