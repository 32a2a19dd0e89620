"""Write windows of a raster with GDAL, with all that describes it, and verify them."""

from math import isclose
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benkit.errors import OutputError, RasterError
from benkit.retiling.source import GdalSource, opened_raster
from benkit.retiling.window import PixelSource, Window
from benkit.tiff.gdal import gdal_profile

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

COMPRESSIONS = ("none", "deflate", "lzw", "zstd")
"""Compressions of parts on demand; each is lossless."""

_KEPT_COMPRESSIONS = (*COMPRESSIONS, "packbits", "lzma")
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")
_KEPT_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")
_BLOCK_STEP = 16  # sides of a TIFF's tiles are multiples of it
_ATTRIBUTES = ("descriptions", "scales", "offsets", "units", "colorinterp")
_VERIFIED = ("dtypes", "descriptions", "scales", "offsets")


class GdalPartWriter:
    """Writes parts of a raster one by one; what they have in common is asked of GDAL once.

    The compression is one of `COMPRESSIONS`; that of the raster if None.
    """

    def __init__(self, raster: GdalSource, compression: str | None) -> None:
        from rasterio.enums import ColorInterp

        source = raster.source
        self.raster = raster
        self.profile = _profile(raster, compression)
        self.blocks = _blocks(source) if compression != "none" else None
        self.attributes = {name: raster.of_bands(name) for name in (*_ATTRIBUTES, "dtypes")}
        tags = {key: text for key, text in source.tags().items() if key != "AREA_OR_POINT"}
        self.tags = {0: tags}  # of the whole, and of the bands, counted from 1
        self.colours = {}
        for index, band in enumerate(raster.bands, start=1):
            self.tags[index] = {
                key: text
                for key, text in source.tags(band).items()
                if not key.startswith("STATISTICS_")  # those of the whole raster
            }
            if source.colorinterp[band - 1] == ColorInterp.palette:
                self.colours[index] = source.colormap(band)

    def write(self, pixels: PixelSource, window: Window, target: Path) -> None:
        """Write a window of the raster, and verify it.

        Pixels are those of the raster, or of a piece in memory that holds the window. Raises
        `OutputError` if it cannot be written or does not read back the same.
        """
        import rasterio
        from rasterio.errors import RasterioError

        raster = self.raster
        try:
            with rasterio.open(target, "w", **self._profile_of(window)) as copy:
                self._describe(copy)
                for strip in window.strips(pixels.profile.bytes_per_pixel):
                    here = strip.moved(window.row, window.column).ranges
                    copy.write(pixels.read(strip), window=here)
                    if raster.has_mask:
                        copy.write_mask(raster.read_mask(strip), window=here)
        except RasterioError as error:
            reason = str(error).replace(str(target), target.name)
            raise OutputError(f"{target.name}: cannot be written: {reason}") from None
        try:
            with opened_raster(target) as copy:
                self._verify(copy, pixels, window, target)
        except RasterError:  # GDAL does not always say that a disk is full
            raise OSError(f"{target.name} was written, but cannot be read back") from None

    def _profile_of(self, window: Window) -> dict[str, Any]:
        from rasterio import Affine

        profile = self.profile | {"height": window.height, "width": window.width}
        if self.blocks:
            profile |= _blocks_within(self.blocks, window)
        if transform := window.profile(self.raster.profile).transform:
            profile["transform"] = Affine(*transform)
        return profile

    def _describe(self, copy: Any) -> None:
        """Descriptions, colours, scales, offsets, units and tags of all bands, if it lacks them."""
        for name in _ATTRIBUTES:
            if getattr(copy, name) != self.attributes[name]:
                setattr(copy, name, self.attributes[name])
        for index, tags in self.tags.items():
            if tags:
                copy.update_tags(index, **tags)
        for index, colours in self.colours.items():
            copy.write_colormap(index, colours)

    def _verify(
        self, copy: "DatasetReader", pixels: PixelSource, window: Window, target: Path
    ) -> None:
        """Compare what was written with the source.

        Pixel (r, c) of the part must lie where pixel (r + row, c + column) of the source lies.
        """
        source, raster, part = self.raster.source, self.raster.profile, gdal_profile(copy)
        if raster.transform:
            height, width = window.height, window.width
            for r, c in ((0, 0), (0, width), (height, 0), (height, width)):
                here, there = part.corner(r, c), raster.corner(r + window.row, c + window.column)
                same = all(
                    isclose(came, meant, rel_tol=1e-12, abs_tol=1e-6)
                    for came, meant in zip(here, there, strict=True)
                )
                _demand(same, target, "georeference")
        _demand(copy.crs == source.crs, target, "CRS")
        for name in _VERIFIED:
            _demand(getattr(copy, name) == self.attributes[name], target, name)
        nodata = (copy.nodata, source.nodata)
        _demand(nodata[0] == nodata[1] or all(value != value for value in nodata), target, "nodata")
        for index, colours in self.colours.items():
            _demand(copy.colormap(index) == colours, target, "colours")
        self._verify_pixels(copy, pixels, window, target)

    def _verify_pixels(
        self, copy: "DatasetReader", pixels: PixelSource, window: Window, target: Path
    ) -> None:
        for strip in window.strips(pixels.profile.bytes_per_pixel):
            here = strip.moved(window.row, window.column).ranges
            written, expected = copy.read(window=here), pixels.read(strip)
            same = np.array_equal(written, expected, equal_nan=written.dtype.kind in "fc")
            _demand(same, target, "pixels")
            if self.raster.has_mask:
                mask = self.raster.read_mask(strip)
                same = np.array_equal(copy.read_masks(1, window=here), mask)
                _demand(same, target, "mask")


def _profile(raster: GdalSource, compression: str | None) -> dict[str, Any]:
    """Options of a GeoTIFF like the source, whatever its size and position."""
    source, like = raster.source, raster.source.profile
    profile = {key: like[key] for key in ("dtype", "nodata", "crs")}
    profile |= {"driver": "GTiff", "count": len(raster.bands)}
    if len(raster.bands) > 1 and "interleave" in like:
        profile["interleave"] = like["interleave"]
    photometric = getattr(source.photometric, "name", None)
    if photometric in _KEPT_PHOTOMETRICS and len(raster.bands) == source.count:
        profile["photometric"] = photometric
    return profile | _compression(raster, compression)


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
    return {"compress": wanted, "predictor": kinds.get(raster.profile.dtype.kind, 1)}


def _blocks(source: "DatasetReader") -> dict[str, int] | None:
    """Sides of the tiles within the source, if it has any."""
    profile = source.profile
    if not profile.get("tiled"):
        return None
    return {key: profile[key] for key in ("blockxsize", "blockysize")}


def _blocks_within(blocks: dict[str, int], window: Window) -> dict[str, Any]:
    """Tiles like those of the source, but not larger than the part needs."""
    needed = {"blockxsize": window.width, "blockysize": window.height}
    sides = {
        key: min(blocks[key], -(-side // _BLOCK_STEP) * _BLOCK_STEP) for key, side in needed.items()
    }
    if any(side % _BLOCK_STEP for side in sides.values()):  # other formats allow what TIFF does not
        return {"tiled": True}
    return {"tiled": True, **sides}


def _demand(holds: bool, target: Path, what: str) -> None:
    if not holds:
        raise OutputError(
            f"{target.name}: was written, but its {what} read back differently; check the disk"
        )
