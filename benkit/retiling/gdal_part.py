"""Write windows of a raster with GDAL, with all that describes it, and verify them."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benkit.errors import OutputError, RasterError
from benkit.retiling.attributes import (
    NODATA,
    POINTS,
    declared_nodata,
    is_kept,
    read_attributes,
    write_attributes,
)
from benkit.retiling.source import GdalSource, gdal_errors, opened_raster
from benkit.retiling.window import PixelSource, Window
from benkit.tiff.gdal import gdal_profile, gdal_session, metres_per_unit
from benkit.tiff.raster import same_corner

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

COMPRESSIONS = ("none", "deflate", "lzw", "zstd")
"""Compressions of parts on demand; each is lossless."""

_KEPT_COMPRESSIONS = (*COMPRESSIONS, "packbits", "lzma")
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")
_KEPT_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")
_BLOCK_STEP = 16  # sides of a TIFF's tiles are multiples of it
_TRIAL = 16  # most rows and columns of the file that shows what the format keeps


class GdalPartWriter:
    """Writes parts of a raster one by one; what they have in common is asked of GDAL once.

    The compression is one of `COMPRESSIONS`; that of the raster if None. A small file in memory shows
    what a GeoTIFF makes of the raster's attributes: ``lost`` names those that it cannot keep, and
    parts are compared with it, so that what the format changes is no fault of the disk.
    """

    def __init__(self, raster: GdalSource, compression: str | None) -> None:
        source = raster.source
        self.raster = raster
        with gdal_errors(raster.path):
            self.profile = _profile(raster, compression)
            self.blocks = _blocks(source) if compression != "none" else None
            found = read_attributes(source, raster.bands)
            texts = declared_nodata(source)
            declared = [texts[band - 1] for band in raster.bands]
            self.attributes = dict(found)
            if raster.profile.transform:  # a GeoTIFF has either
                del self.attributes[POINTS]
            elif found[POINTS]:  # GDAL would move those of points by a pixel
                self.attributes["AREA_OR_POINT"] = "Area"
            self.nodata = float(declared[0]) if declared[0] and len({*declared}) == 1 else None
            self.expected, kept = self._try(declared)
            if not kept:  # none is better than a wrong one
                self.nodata = None
                self.expected, _ = self._try(declared)
        self.lost = tuple(
            name for name, meant in found.items() if not is_kept(name, meant, self.expected[name])
        ) + (() if kept else (NODATA,))

    def _try(self, declared: Sequence[str | None]) -> tuple[dict[str, Any], bool]:
        """What a GeoTIFF makes of the attributes, and whether it keeps what is declared as NO_DATA.

        Attributes that it refuses are not written any more.
        """
        from rasterio.io import MemoryFile

        window = Window(0, 0, _TRIAL, _TRIAL).inside(self.raster.profile)
        with gdal_session(), MemoryFile(ext=".tif") as memory:
            with memory.open(**self._profile_of(window)) as copy:
                copy.nodata = self.nodata
                for name, value in [*self.attributes.items()]:
                    try:
                        write_attributes(copy, {name: value}, window)
                    except Exception:  # GDAL's errors come as many types
                        del self.attributes[name]
            with memory.open() as copy:
                dtype = self.raster.profile.dtype
                texts = zip(declared, declared_nodata(copy), strict=True)
                kept = all(_same_nodata(text, made, dtype) for text, made in texts)
                return self._read(copy, window), kept

    def _read(self, copy: "DatasetReader", window: Window) -> dict[str, Any]:
        """What describes a part, with places as in the whole raster."""
        found = read_attributes(copy, copy.indexes, window)
        return found | {NODATA: copy.nodata}

    def write(self, pixels: PixelSource, window: Window, target: Path) -> None:
        """Write a window of the raster, and verify it.

        Pixels are those of the raster, or of a piece in memory that holds the window. Raises
        `OutputError` if it cannot be written or does not read back the same.
        """
        import rasterio

        raster = self.raster
        with gdal_errors(target, OutputError, "cannot be written", shown=target.name):
            with rasterio.open(target, "w", **self._profile_of(window)) as copy:
                copy.nodata = self.nodata
                write_attributes(copy, self.attributes, window)
                for strip in window.strips(pixels.profile.bytes_per_pixel):
                    here = strip.moved(window.row, window.column).ranges
                    copy.write(pixels.read(strip), window=here)
                    if raster.has_mask:
                        copy.write_mask(raster.read_mask(strip), window=here)
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

    def _verify(
        self, copy: "DatasetReader", pixels: PixelSource, window: Window, target: Path
    ) -> None:
        """Compare what was written with the source.

        Pixel (r, c) of the part must lie where pixel (r + row, c + column) of the source lies.
        """
        raster, part = self.raster.profile, gdal_profile(copy)
        if raster.transform:
            height, width = window.height, window.width
            metres = metres_per_unit(copy.crs)
            for r, c in ((0, 0), (0, width), (height, 0), (height, width)):
                here, there = part.corner(r, c), raster.corner(r + window.row, c + window.column)
                _demand(same_corner(here, there, metres), target, "georeference")
        for name, came in self._read(copy, window).items():
            _demand(is_kept(name, self.expected[name], came), target, name)
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
    profile = {"driver": "GTiff", "count": len(raster.bands)}
    profile |= {"dtype": _one_type(raster), "crs": like["crs"]}
    if len(raster.bands) > 1 and "interleave" in like:
        profile["interleave"] = like["interleave"]
    photometric = getattr(source.photometric, "name", None)
    if photometric in _KEPT_PHOTOMETRICS and len(raster.bands) == source.count:
        profile["photometric"] = photometric
    return profile | _compression(raster, compression)


def _one_type(raster: GdalSource) -> str:
    """Data type of all bands."""
    types = sorted({*raster.of_bands("dtypes")})
    if len(types) > 1:
        raise RasterError(
            f"{raster.path}: expected bands of one data type, as a GeoTIFF holds, but they are "
            f"{' and '.join(types)}; cut those of each type by themselves (--bands)"
        )
    return str(types[0])


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


def _same_nodata(declared: str | None, made: str | None, dtype: np.dtype) -> bool:
    """Whether two texts are the same number: of floats as the data type has it, else exactly."""
    if declared is None or made is None or declared == made:
        return declared == made
    if dtype.kind in "iu":
        return Decimal(declared) == Decimal(made)
    with np.errstate(over="ignore"):
        return bool(dtype.type(declared) == dtype.type(made))


def _demand(holds: bool, target: Path, what: str) -> None:
    if not holds:
        raise OutputError(
            f"{target.name}: was written, but its {what} read back differently; check the disk"
        )
