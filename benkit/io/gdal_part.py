"""Write one rectangle of a raster with GDAL, with all that describes it, and verify it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benkit.errors import OutputError
from benkit.io.atomic import replacing
from benkit.io.raster_source import GdalSource, opened_raster, rasterio_window
from benkit.io.raster_windows import PixelSource, Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = ["COMPRESSIONS", "write_gdal_part"]

COMPRESSIONS = ("none", "deflate", "lzw", "zstd")
"""What parts can be compressed with on demand; each keeps every pixel."""

_KEPT_COMPRESSIONS = (*COMPRESSIONS, "packbits", "lzma")
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")
_KEPT_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")
_BLOCK_STEP = 16  # sides of a TIFF's tiles are multiples of it


def write_gdal_part(
    raster: GdalSource, pixels: PixelSource, window: Window, target: Path, compression: str | None
) -> None:
    """Write a rectangle of a raster; the file appears when it reads back the same.

    Parameters
    ----------
    raster : GdalSource
    pixels : PixelSource
        Its pixels, or those of a piece in memory that holds the window.
    window : Window
    target : Path
    compression : str or None
        One of `COMPRESSIONS`; that of the raster if None.

    Raises
    ------
    OutputError
        If it cannot be written or does not read back the same.
    """
    import rasterio
    from rasterio.errors import RasterioError

    with replacing(target) as place:
        try:
            with rasterio.open(place, "w", **_profile(raster, window, compression)) as copy:
                _describe(raster, copy)
                for strip in window.strips(pixels.bytes_per_pixel):
                    here = rasterio_window(strip.moved(window.row, window.column))
                    copy.write(pixels.read(strip), window=here)
                    if raster.has_mask:
                        copy.write_mask(raster.read_mask(strip), window=here)
        except RasterioError as error:
            raise OutputError(f"{target}: cannot be written: {error}") from None
        with opened_raster(place) as copy:
            _verify(raster, pixels, copy, window, target)


def _profile(raster: GdalSource, window: Window, compression: str | None) -> dict[str, Any]:
    """How to make a GeoTIFF like the source, of the window's size and at its place."""
    source = raster.source
    profile = {key: source.profile[key] for key in ("dtype", "nodata", "crs")}
    profile |= {"driver": "GTiff", "count": len(raster.bands)}
    profile |= {"height": window.height, "width": window.width}
    if len(raster.bands) > 1 and "interleave" in source.profile:
        profile["interleave"] = source.profile["interleave"]
    photometric = getattr(source.photometric, "name", None)
    if photometric in _KEPT_PHOTOMETRICS and len(raster.bands) == source.count:
        profile["photometric"] = photometric
    profile |= _compression(raster, compression)
    if source.profile.get("tiled") and compression != "none":
        profile |= _blocks(source, window)
    if not source.transform.is_identity:
        profile["transform"] = source.window_transform(rasterio_window(window))
    return profile


def _compression(raster: GdalSource, wanted: str | None) -> dict[str, Any]:
    """That of the source; deflate instead of a lossy one, which would change the pixels again."""
    source = raster.source
    if wanted is None:
        if not source.compression:
            return {}
        name = str(getattr(source.compression, "name", source.compression))
        kept = name if name in _KEPT_COMPRESSIONS else "deflate"
        predictor = source.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")
        if not predictor or kept not in _WITH_PREDICTOR:
            return {"compress": kept}
        return {"compress": kept, "predictor": predictor}
    if wanted == "none":
        return {}
    kinds = {"u": 2, "i": 2, "f": 3}
    return {"compress": wanted, "predictor": kinds.get(raster.dtype.kind, 1)}


def _blocks(source: "DatasetReader", window: Window) -> dict[str, Any]:
    """Tiles within the file like those of the source, but not larger than the part needs."""
    sides = {}
    for key, side in (("blockxsize", window.width), ("blockysize", window.height)):
        enough = -(-side // _BLOCK_STEP) * _BLOCK_STEP
        sides[key] = min(source.profile[key], enough)
    if any(side % _BLOCK_STEP for side in sides.values()):  # other formats allow what TIFF does not
        return {"tiled": True}
    return {"tiled": True, **sides}


def _describe(raster: GdalSource, copy: Any) -> None:
    """Descriptions, colours, scales, offsets, units and tags of all bands."""
    from rasterio.enums import ColorInterp

    for name in ("descriptions", "scales", "offsets", "units", "colorinterp"):
        setattr(copy, name, raster.of_bands(name))
    source = raster.source
    tags = {key: text for key, text in source.tags().items() if key != "AREA_OR_POINT"}
    if tags:
        copy.update_tags(**tags)
    for index, band in enumerate(raster.bands, start=1):
        tags = _tags_of_part(source.tags(band))
        if tags:
            copy.update_tags(index, **tags)
        if source.colorinterp[band - 1] == ColorInterp.palette:
            copy.write_colormap(index, source.colormap(band))


def _tags_of_part(tags: dict[str, str]) -> dict[str, str]:
    """Without the statistics, which are those of the whole raster."""
    return {key: text for key, text in tags.items() if not key.startswith("STATISTICS_")}


def _verify(
    raster: GdalSource, pixels: PixelSource, copy: "DatasetReader", window: Window, target: Path
) -> None:
    """Hold what was written against the source.

    The georeference must satisfy: pixel (r, c) of the part lies where pixel (r + row, c + column) of
    the source lies.
    """
    from rasterio.enums import ColorInterp

    source = raster.source
    if not source.transform.is_identity:
        for r, c in ((0, 0), (0, window.width), (window.height, 0), (window.height, window.width)):
            here = _place(copy.transform, r, c)
            there = _place(source.transform, r + window.row, c + window.column)
            _demand(np.allclose(here, there, 1e-12, 1e-6), target, "place")
    _demand(copy.crs == source.crs, target, "CRS")
    for name in ("dtypes", "descriptions", "scales", "offsets"):
        _demand(getattr(copy, name) == raster.of_bands(name), target, name)
    nodata = (copy.nodata, source.nodata)
    _demand(nodata[0] == nodata[1] or all(value != value for value in nodata), target, "nodata")
    for index, band in enumerate(raster.bands, start=1):
        if source.colorinterp[band - 1] == ColorInterp.palette:
            _demand(copy.colormap(index) == source.colormap(band), target, "colours")
    for strip in window.strips(pixels.bytes_per_pixel):
        here = rasterio_window(strip.moved(window.row, window.column))
        written, expected = copy.read(window=here), pixels.read(strip)
        same = np.array_equal(written, expected, equal_nan=written.dtype.kind in "fc")
        _demand(same, target, "pixels")
        if raster.has_mask:
            same = np.array_equal(copy.read_masks(1, window=here), raster.read_mask(strip))
            _demand(same, target, "mask")


def _place(transform: Any, row: int, column: int) -> tuple[float, float]:
    """Where the upper-left corner of a pixel lies, x and y in the raster's CRS."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def _demand(holds: bool, target: Path, what: str) -> None:
    if not holds:
        raise OutputError(
            f"{target}: was written, but its {what} read back differently; check the disk"
        )
