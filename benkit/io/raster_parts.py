"""Copy a rectangle of a raster into a GeoTIFF of its own, and verify it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.errors import MissingInputError, OutputError, RasterError
from benkit.io.atomic import replacing

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = ["RasterInfo", "read_info", "write_part"]

_PIXELS_AT_ONCE = 2**24  # of one band in memory
_LOSSLESS = ("deflate", "lzw", "zstd", "packbits", "lzma")
_KEPT_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")


@dataclass(frozen=True)
class RasterInfo:
    """Size of a raster in pixels, and whether it says where it lies."""

    height: int
    width: int
    georeferenced: bool


def read_info(path: Path) -> RasterInfo:
    """Read the size of a raster.

    Raises
    ------
    MissingInputError, RasterError
        If it is not there or cannot be read.
    """
    with _opened(path) as source:
        known = source.crs is not None and not source.transform.is_identity
        return RasterInfo(source.height, source.width, known)


@contextmanager
def _opened(path: Path) -> "Iterator[DatasetReader]":
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not path.exists():
        raise MissingInputError(f"{path}: expected a raster, but there is no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            source = rasterio.open(path)
        except RasterioError as error:
            raise RasterError(f"{path}: cannot be read as a raster: {error}") from None
        with source:
            yield source


def write_part(path: Path, row: int, column: int, height: int, width: int, target: Path) -> None:
    """Copy a rectangle of a raster with all that describes it.

    Parameters
    ----------
    path : Path
        The raster.
    row, column, height, width : int
        The rectangle in pixels.
    target : Path
        The GeoTIFF; it appears, or replaces an earlier one, when it has been read back and agrees
        with the source.

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    OutputError
        If the part cannot be written or does not read back the same.
    """
    import rasterio
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    window = Window(column, row, width, height)
    with _opened(path) as source, replacing(target) as part:
        try:
            with rasterio.open(part, "w", **_profile(source, window)) as copy:
                _describe(source, copy)
                for strip in _strips(window):
                    copy.write(_read(source, strip, path), window=_moved(strip, row, column))
        except RasterioError as error:
            raise OutputError(f"{target}: cannot be written: {error}") from None
        with _opened(part) as copy:
            _verify(source, copy, window, target)


def _read(source: "DatasetReader", window: Any, path: Path) -> NDArray:
    from rasterio.errors import RasterioError

    try:
        return source.read(window=window)
    except RasterioError as error:
        reason = error.__cause__ or error
        raise RasterError(f"{path}: cannot be read as a raster: {reason}") from None


def _profile(source: "DatasetReader", window: Any) -> dict[str, Any]:
    """How to make a GeoTIFF like the source, of the window's size and at its place."""
    profile = {
        key: value
        for key, value in source.profile.items()
        if key in ("dtype", "nodata", "count", "crs", "interleave")
    }
    if source.photometric and source.photometric.name in _KEPT_PHOTOMETRICS:
        profile["photometric"] = source.photometric.name
    if source.compression:  # a lossy one would change the pixels once more
        name = getattr(source.compression, "name", source.compression)
        profile["compress"] = name if name in _LOSSLESS else "deflate"
    if source.profile.get("tiled"):
        profile |= {key: source.profile[key] for key in ("tiled", "blockxsize", "blockysize")}
    predictor = source.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")
    if predictor and profile.get("compress") in ("deflate", "lzw", "zstd"):
        profile["predictor"] = predictor
    profile |= {"driver": "GTiff", "height": window.height, "width": window.width}
    if not source.transform.is_identity:
        profile["transform"] = source.window_transform(window)
    return profile


def _describe(source: "DatasetReader", copy: Any) -> None:
    """Descriptions, colours, scales, offsets, units and tags of all bands."""
    from rasterio.enums import ColorInterp

    copy.descriptions = source.descriptions
    copy.scales, copy.offsets, copy.units = source.scales, source.offsets, source.units
    copy.colorinterp = source.colorinterp
    tags = {key: text for key, text in source.tags().items() if key != "AREA_OR_POINT"}
    if tags:
        copy.update_tags(**tags)
    for index, kind in zip(source.indexes, source.colorinterp, strict=True):
        if source.tags(index):
            copy.update_tags(index, **source.tags(index))
        if kind == ColorInterp.palette:
            copy.write_colormap(index, source.colormap(index))


def _strips(window: Any) -> Iterator[Any]:
    """Full-width pieces of a window that fit into memory."""
    from rasterio.windows import Window

    lines = max(1, _PIXELS_AT_ONCE // window.width)
    for first in range(0, window.height, lines):
        height = min(lines, window.height - first)
        yield Window(window.col_off, window.row_off + first, window.width, height)


def _moved(window: Any, row: int, column: int) -> Any:
    from rasterio.windows import Window

    return Window(window.col_off - column, window.row_off - row, window.width, window.height)


def _verify(source: "DatasetReader", copy: "DatasetReader", window: Any, target: Path) -> None:
    """Hold what was written against the source.

    The georeference must satisfy: pixel (r, c) of the part lies where pixel (r + row, c + column) of
    the source lies.
    """
    row, column = window.row_off, window.col_off
    if not source.transform.is_identity:
        for r, c in ((0, 0), (0, window.width), (window.height, 0), (window.height, window.width)):
            here = _place(copy.transform, r, c)
            there = _place(source.transform, r + row, c + column)
            _demand(np.allclose(here, there, 1e-12, 1e-6), target, "place")
    for name in ("crs", "dtypes", "count", "descriptions", "scales", "offsets"):
        _demand(getattr(copy, name) == getattr(source, name), target, name)
    same_nodata = copy.nodata == source.nodata or (copy.nodata != copy.nodata)
    _demand(same_nodata, target, "nodata")
    for strip in _strips(window):
        written = copy.read(window=_moved(strip, row, column))
        same = np.array_equal(
            written, source.read(window=strip), equal_nan=written.dtype.kind in "fc"
        )
        _demand(same, target, "pixels")


def _place(transform: Any, row: int, column: int) -> tuple[float, float]:
    """Where the upper-left corner of a pixel lies, x and y in the raster's CRS."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def _demand(holds: bool, target: Path, what: str) -> None:
    if not holds:
        raise OutputError(
            f"{target}: was written, but its {what} read back differently; check the disk"
        )
