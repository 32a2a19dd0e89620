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

from benkit.errors import MissingInputError, OptionError, RasterError
from benkit.files.file_kinds import kind_of
from benkit.retiling.plain_part import PlainSource, opened_plain
from benkit.retiling.window import BYTES_AT_ONCE, PixelSource, Window
from benkit.tiff.gdal import AS_WRITTEN, gdal_profile, require_proj
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
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not path.exists():
        raise MissingInputError(f"{path}: expected a raster, but there is no such file")
    kind = None if path.is_dir() else kind_of(path.stat().st_mode)
    if kind:
        raise RasterError(f"{path}: cannot be read as a raster: expected a file, but it is {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            source = rasterio.open(path, driver=_DRIVERS.get(path.suffix.lower()))
        except RasterioError as error:
            raise RasterError(f"{path}: cannot be read as a raster: {error}") from None
        with source:
            yield source


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
def opened_by_gdal(path: Path, bands: tuple[int, ...] | None = None) -> "Iterator[GdalSource]":
    """Open some bands, or all, with GDAL and a small cache of blocks; see `opened_raster`."""
    from rasterio.env import Env

    with Env(**_SETTINGS), opened_raster(path) as source:
        require_proj()
        yield GdalSource(path, source, bands)


class GdalSource(PixelSource):
    """Some bands, counted from 1, of a raster that GDAL reads; all if none are given."""

    def __init__(
        self, path: Path, source: "DatasetReader", bands: tuple[int, ...] | None = None
    ) -> None:
        from rasterio.enums import MaskFlags

        self.path = path
        self.source = source
        self.bands = bands or tuple(source.indexes)
        self.profile = replace(gdal_profile(source), bands=len(self.bands))
        flags = source.mask_flag_enums[0]
        self.has_mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags

    @property
    def georeferenced(self) -> bool:
        """Whether the raster has a CRS and a transform."""
        return self.source.crs is not None and self.profile.transform is not None

    @property
    def pixel_metres(self) -> tuple[float, float] | None:
        """Height and width of a pixel on the ground; None where the CRS has no unit of length."""
        crs, transform = self.source.crs, self.profile.transform
        if crs is None or not crs.is_projected or transform is None:
            return None
        _, metres = crs.linear_units_factor
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
            mask[: inside.height, : inside.width] = self._read(self.source.read_masks, 1, inside)
        return mask

    def _read(self, read: Any, bands: Any, window: Window) -> NDArray:
        from rasterio.errors import RasterioError

        try:
            return read(bands, window=window.ranges)
        except (RasterioError, ValueError) as error:
            reason = error.__cause__ or error
            raise RasterError(f"{self.path}: cannot be read as a raster: {reason}") from None


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
