"""Open a raster of any format: its profile, and its pixels window by window."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.errors import BenkitError, MissingInputError, OptionError, RasterError, first_line
from benkit.files.file_kinds import kind_of
from benkit.files.limits import MOST_BANDS_CUT
from benkit.files.safe_names import one_line
from benkit.retiling.plain_part import PlainSource, opened_plain
from benkit.retiling.window import BYTES_AT_ONCE, PixelSource, Window
from benkit.tiff.gdal import (
    AS_WRITTEN,
    gdal_profile,
    metres_per_unit,
    numpy_dtype,
    require_proj,
)
from benkit.tiff.raster import same_pixel

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG"}
_SETTINGS = AS_WRITTEN | {
    "GDAL_CACHEMAX": 2 * BYTES_AT_ONCE,  # of decoded blocks
    "GDAL_TIFF_INTERNAL_MASK": True,
    "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",  # side files hold masks and NO_DATA values
}


@contextmanager
def opened_raster(path: Path) -> "Iterator[DatasetReader]":
    """Open a raster with GDAL; raises `MissingInputError` or `RasterError`.

    What is named as a GeoTIFF or JP2 must be one: GDAL reads other formats under any name, and some of
    them lead to other files, or to servers.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    if not path.exists():
        raise MissingInputError(f"{path}: expected a raster, but there is no such file")
    kind = None if path.is_dir() else kind_of(path.stat().st_mode)
    if kind:
        raise RasterError(f"{path}: cannot be read as a raster: expected a file, but it is {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with gdal_errors(path):
            source = rasterio.open(path, driver=_DRIVERS.get(path.suffix.lower()))
        with source:
            if source.count > MOST_BANDS_CUT:
                raise RasterError(
                    f"{path}: has {source.count:,} bands; expected at most {MOST_BANDS_CUT:,}"
                )
            yield source


@contextmanager
def gdal_errors(
    path: Path,
    kind: type[BenkitError] = RasterError,
    what: str = "cannot be read as a raster",
    shown: object = None,
) -> Iterator[None]:
    """Whatever GDAL and rasterio raise about a file as one line that names it, or ``shown`` instead.

    Their errors come as many types: not all are rasterio's, some are builtin ones.
    """
    try:
        yield
    except BenkitError:
        raise
    except Exception as error:
        of_system = isinstance(error, OSError) and error.errno is not None
        if of_system or isinstance(error, MemoryError):
            raise
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        name = str(shown or path)
        reason = first_line(cause).replace(str(path), name)
        raise kind(f"{name}: {what}: {one_line(reason)}") from None


@contextmanager
def opened_pixels(path: Path) -> "Iterator[PlainSource | GdalSource]":
    """Open all bands of a raster, without GDAL where that is not needed; see `opened_raster`."""
    with opened_plain(path) as plain:
        if plain:
            yield plain
            return
    with opened_by_gdal(path) as source:
        yield source


@contextmanager
def opened_by_gdal(
    path: Path, bands: tuple[int, ...] | None = None, *, one_mask: bool = False
) -> "Iterator[GdalSource]":
    """Open some bands, or all, with GDAL and a small cache of blocks; see `opened_raster`."""
    from rasterio.env import Env

    with Env(**_SETTINGS), opened_raster(path) as source:
        require_proj()
        yield GdalSource(path, source, bands, one_mask=one_mask)


class GdalSource(PixelSource):
    """Some bands, counted from 1, of a raster that GDAL reads; all if none are given.

    ``one_mask`` says that bands which have masks of their own have the same.
    """

    def __init__(
        self,
        path: Path,
        source: "DatasetReader",
        bands: tuple[int, ...] | None = None,
        *,
        one_mask: bool = False,
    ) -> None:
        from rasterio.enums import MaskFlags

        self.path = path
        self.source = source
        self.bands = bands or tuple(source.indexes)
        with gdal_errors(path):
            first = self.bands[0] - 1
            self.profile = replace(
                gdal_profile(source),
                bands=len(self.bands),
                dtype=numpy_dtype(source.dtypes[first]),
                nodata=source.nodatavals[first],
            )
            flags = source.mask_flag_enums
        whole = MaskFlags.per_dataset in flags[first] and MaskFlags.alpha not in flags[first]
        self.has_mask = whole or one_mask
        self.has_own_masks = not whole and not all(flags[band - 1] for band in self.bands)

    @property
    def has_geolocation(self) -> bool:
        """Whether other rasters hold the place of each pixel."""
        return bool(self.source.tags(ns="GEOLOCATION"))

    @property
    def lacks(self) -> str:
        """What is missing for the raster to say where it lies; ground control points or RPCs do too."""
        with gdal_errors(self.path):
            crs, transform = self.source.crs, self.profile.transform
            if (crs is not None and transform) or self.source.gcps[0] or self.source.rpcs:
                return ""
            if self.has_geolocation:
                return ""
        return "a transform" if crs is not None else "a CRS" if transform else "a georeference"

    @property
    def pixel_metres(self) -> tuple[float, float] | None:
        """Height and width of a pixel on the ground; None where the CRS has no unit of length."""
        with gdal_errors(self.path):
            crs, transform = self.source.crs, self.profile.transform
            if crs is None or not crs.is_projected or transform is None:
                return None
            metres = metres_per_unit(crs)
        a, b, _, d, e, _ = transform
        return hypot(b, e) * metres, hypot(a, d) * metres

    def of_bands(self, name: str) -> tuple:
        """An attribute that the raster has for each band."""
        values = getattr(self.source, name)
        return tuple(values[band - 1] for band in self.bands)

    def read_inside(self, window: Window) -> NDArray:
        """The pixels of a window that lies within the raster."""
        return self._read(self.source.read, list(self.bands), window)

    def read_mask(self, window: Window) -> NDArray:
        """The mask of valid pixels, 0 beyond the raster: (height, width) of uint8."""
        inside = window.inside(self.profile)
        mask = np.zeros((window.height, window.width), np.uint8)
        if inside.height and inside.width:
            read = self.source.read_masks
            found = self._read(read, self.bands[0], inside)
            mask[: inside.height, : inside.width] = np.where(found, 255, 0)  # as a GeoTIFF holds it
        return mask

    def masks_are_one(self) -> bool:
        """Whether the masks of all bands are the same; reads them, strip by strip."""
        whole = Window(0, 0, self.profile.height, self.profile.width)
        for strip in whole.strips(len(self.bands)):
            masks = self._read(self.source.read_masks, list(self.bands), strip)
            if (masks != masks[0]).any():
                return False
        return True

    def _read(self, read: Any, bands: Any, window: Window) -> NDArray:
        with gdal_errors(self.path):
            pixels: NDArray = read(bands, window=window.ranges)
            return pixels


def pixels_of_metres(
    path: Path, pixel_metres: tuple[float, float] | None, metres: float
) -> tuple[int, int]:
    """Height and width in pixels of a square on the ground, its side in metres.

    Raises `OptionError` if the CRS is not projected, so that the height and width of pixels in metres
    are None, or if the square's side is not a whole number of pixels.
    """
    if pixel_metres is None:
        raise OptionError(
            f"{path}: has no projected CRS, so its pixels have no size in metres; "
            "give the tile size in pixels"
        )
    down, across = pixel_metres
    height, width = (round(metres / side) if metres > 0 else 0 for side in pixel_metres)
    whole = same_pixel(height * down, metres) and same_pixel(width * across, metres)
    if min(height, width) < 1 or not whole:
        raise OptionError(
            f"a tile size of {metres:.15g} m: expected a whole number of pixels, which are "
            f"{down:.15g} m high and {across:.15g} m wide in {path}"
        )
    return height, width
