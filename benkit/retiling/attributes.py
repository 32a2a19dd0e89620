"""What describes a raster beside its pixels, its size and its transform: read, written, compared."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isclose, isnan
from typing import TYPE_CHECKING, Any

from benkit.retiling.window import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader, DatasetWriter

NODATA, POINTS, RPCS = "NO_DATA value", "ground control points", "RPCs"

_OF_BANDS = {
    "descriptions": "descriptions",
    "scales": "scales",
    "offsets": "offsets",
    "units": "units",
    "colour interpretation": "colorinterp",
}  # attributes of rasterio's datasets by what messages call them
_BAND = re.compile(r"<VRTRasterBand .*?</VRTRasterBand>", re.DOTALL)
_NODATA = re.compile(r"<NoDataValue>(.*?)</NoDataValue>")
_ROUNDED = 1e-9  # relative or absolute, of numbers that a format keeps
_FIRST = Window(0, 0, 1, 1)

Attributes = Mapping[str, Any]
"""What describes some bands of a raster, by its name in messages."""


def read_attributes(
    source: "DatasetReader", bands: Sequence[int], window: Window = _FIRST
) -> dict[str, Any]:
    """What describes some bands; of a part, whose window is given, with places as in the whole."""
    found = {
        "CRS": source.crs,
        "data type": tuple(source.dtypes[band - 1] for band in bands),
        "AREA_OR_POINT": source.tags().get("AREA_OR_POINT", "Area"),
        "tags": _tags(source, bands),
        "colours": _colours(source, bands),
        POINTS: _points(source, window),
        RPCS: _rpcs(source, window),
    }
    for name, attribute in _OF_BANDS.items():
        values = getattr(source, attribute)
        found[name] = tuple(values[band - 1] for band in bands)
    return found


def _tags(source: "DatasetReader", bands: Sequence[int]) -> list[dict[str, str]]:
    """Of the raster and of its bands, but for statistics, which are those of the whole."""
    found = [source.tags(), *(source.tags(band) for band in bands)]
    return [
        {
            key: text
            for key, text in tags.items()
            if key != "AREA_OR_POINT" and not (i and key.startswith("STATISTICS_"))
        }
        for i, tags in enumerate(found)
    ]


def _colours(source: "DatasetReader", bands: Sequence[int]) -> list[dict[int, tuple[int, ...]]]:
    """The colour table of each band; empty for bands without one, also if they are said to have one."""
    from rasterio.enums import ColorInterp

    tables: list[dict[int, tuple[int, ...]]] = [{} for _ in bands]
    kinds = source.colorinterp
    for table, band in zip(tables, bands, strict=True):
        if kinds[band - 1] == ColorInterp.palette:
            with suppress(ValueError):
                table |= source.colormap(band)
    return tables


def _points(source: "DatasetReader", window: Window) -> tuple[list[tuple[Any, ...]], Any] | None:
    """Row, column, x, y and z of ground control points, and the CRS of the last three."""
    points, crs = source.gcps
    rows = [
        (point.row + window.row, point.col + window.column, point.x, point.y, point.z or 0.0)
        for point in points
    ]
    return (rows, crs) if rows else None


def _rpcs(source: "DatasetReader", window: Window) -> dict[str, Any] | None:
    """Rational polynomial coefficients, by which raw images are placed on the ground."""
    if not source.rpcs:
        return None
    found: dict[str, Any] = source.rpcs.to_dict()
    return found | {
        "line_off": found["line_off"] + window.row,
        "samp_off": found["samp_off"] + window.column,
    }


def declared_nodata(source: "DatasetReader") -> tuple[str | None, ...]:
    """The NO_DATA value of each band as a text, also if it is none of its data type.

    Rasterio gives it as a float, and not at all where no pixel can have it; a virtual raster of the
    dataset tells what GDAL knows.
    """
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    with MemoryFile(ext=".vrt") as memory:
        copy(source, memory.name, driver="VRT")
        text = memory.read().decode(errors="replace")
    found = [_NODATA.search(band) for band in _BAND.findall(text)]
    return tuple(match and match[1] for match in found)


def write_attributes(copy: "DatasetWriter", attributes: Attributes, window: Window) -> None:
    """Describe a part; ground control points and RPCs are moved by its window."""
    for name, attribute in _OF_BANDS.items():
        if name in attributes and getattr(copy, attribute) != attributes[name]:
            setattr(copy, attribute, attributes[name])
    for index, tags in enumerate(attributes.get("tags", ())):
        if tags:
            copy.update_tags(index, **tags)
    if attributes.get("AREA_OR_POINT") == "Point":
        copy.update_tags(AREA_OR_POINT="Point")
    for index, colours in enumerate(attributes.get("colours", ()), start=1):
        if colours:
            copy.write_colormap(index, colours)
    _write_places(copy, attributes, window)


def _write_places(copy: "DatasetWriter", attributes: Attributes, window: Window) -> None:
    from rasterio.control import GroundControlPoint
    from rasterio.crs import CRS
    from rasterio.rpc import RPC

    if located := attributes.get(POINTS):
        points, crs = located
        moved = [
            GroundControlPoint(row - window.row, column - window.column, x, y, z)
            for row, column, x, y, z in points
        ]
        copy.gcps = moved, crs or CRS()
    if rpcs := attributes.get(RPCS):
        line, sample = rpcs["line_off"] - window.row, rpcs["samp_off"] - window.column
        copy.rpcs = RPC(**rpcs | {"line_off": line, "samp_off": sample})


def is_kept(name: str, meant: Any, came: Any) -> bool:
    """Whether an attribute is kept by a file; a format may fill colour tables up to its full size."""
    if name == "colours":
        tables = zip(meant, came, strict=True)
        return all(table.items() <= filled.items() for table, filled in tables)
    if name == "colour interpretation":  # what is undefined becomes something
        pairs = zip(meant, came, strict=True)
        return all(kind.name == "undefined" or kind == other for kind, other in pairs)
    if name == RPCS and meant and came:
        return all(_same(meant[key], came[key]) for key in meant if not key.startswith("err_"))
    return _same(meant, came)


def _same(meant: Any, came: Any) -> bool:
    if isinstance(meant, list | tuple) and isinstance(came, list | tuple):
        return len(meant) == len(came) and all(map(_same, meant, came))
    if isinstance(meant, float) and isinstance(came, float):
        close = isclose(meant, came, rel_tol=_ROUNDED, abs_tol=_ROUNDED)
        return close or (isnan(meant) and isnan(came))
    return bool(meant == came)
