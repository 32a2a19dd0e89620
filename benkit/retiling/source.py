"""Open a raster of any format: what it is like, and its pixels window by window."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.errors import MissingInputError, OptionError, RasterError
from benkit.files.file_kinds import kind_of
from benkit.retiling.plain_part import opened_plain
from benkit.retiling.window import BYTES_AT_ONCE, PixelSource, Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = [
    "GdalSource",
    "RasterInfo",
    "opened_by_gdal",
    "opened_pixels",
    "opened_raster",
    "pixel_dtype",
    "pixels_of_metres",
    "rasterio_window",
    "read_info",
]

_DRIVERS = {".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG"}
_CACHE_BYTES = 2 * BYTES_AT_ONCE  # of decoded blocks, in GDAL


@dataclass(frozen=True)
class RasterInfo:
    """What a raster is like.

    Attributes
    ----------
    bands, height, width : int
        Size; height and width in pixels.
    georeferenced : bool
        Whether it says where it lies.
    pixel_metres : (height, width) or None
        Sides of a pixel on the ground in metres; None where the CRS has no unit of length.
    nodata : float or None
        Value of pixels without a measurement.
    dtype : str
        Of the first band.
    epsg : int or None
        Code of the CRS, if it has one.
    transform : tuple of float
        ``(a, b, c, d, e, f)`` with x = a column + b row + c and y = d column + e row + f in units of
        the CRS.
    """

    bands: int
    height: int
    width: int
    georeferenced: bool
    pixel_metres: tuple[float, float] | None
    nodata: float | None
    dtype: str
    epsg: int | None
    transform: tuple[float, ...]


def read_info(path: Path) -> RasterInfo:
    """Read what a raster is like.

    Raises
    ------
    MissingInputError, RasterError
        If it is not there or cannot be read.
    """
    with opened_plain(path) as plain:
        if plain:
            header, (x, y) = plain.header, plain.corner
            size = header.pixel_size
            return RasterInfo(
                bands=1,
                height=header.height,
                width=header.width,
                georeferenced=True,
                pixel_metres=(size, size),
                nodata=header.nodata,
                dtype=header.dtype.name,
                epsg=header.epsg,
                transform=(size, 0.0, x, 0.0, -size, y),
            )
    with opened_raster(path) as source:
        return RasterInfo(
            bands=source.count,
            height=source.height,
            width=source.width,
            georeferenced=source.crs is not None and not source.transform.is_identity,
            pixel_metres=_pixel_metres(source),
            nodata=source.nodata,
            dtype=source.dtypes[0],
            epsg=source.crs.to_epsg() if source.crs else None,
            transform=tuple(source.transform)[:6],
        )


def _pixel_metres(source: "DatasetReader") -> tuple[float, float] | None:
    if source.crs is None or not source.crs.is_projected or source.transform.is_identity:
        return None
    _, metres = source.crs.linear_units_factor
    t = source.transform
    return hypot(t.b, t.e) * metres, hypot(t.a, t.d) * metres


def pixels_of_metres(path: Path, info: RasterInfo, metres: float) -> tuple[int, int]:
    """Height and width in pixels of a square on the ground.

    Raises
    ------
    OptionError
        If the CRS is not projected, or the square's side no whole number of pixels.
    """
    if info.pixel_metres is None:
        raise OptionError(
            f"{path}: has no projected CRS, so its pixels have no size in metres; "
            "give the tile size in pixels"
        )
    sides = [metres / side for side in info.pixel_metres]
    height, width = (round(side) if metres > 0 else 0 for side in sides)
    if min(height, width) < 1 or max(abs(sides[0] - height), abs(sides[1] - width)) > 1e-6:
        down, across = info.pixel_metres
        raise OptionError(
            f"a tile size of {metres:g} m: expected a whole number of pixels, which are "
            f"{down:g} m high and {across:g} m wide in {path}"
        )
    return height, width


def pixel_dtype(name: str) -> np.dtype:
    """Data type of an array for the pixels of a raster, by the name that GDAL has for it."""
    return np.dtype("complex64" if name.startswith("complex_int") else name)


@contextmanager
def opened_raster(path: Path) -> "Iterator[DatasetReader]":
    """Open a raster with GDAL; raises `MissingInputError` or `RasterError`.

    What is called a GeoTIFF or JP2 must be one: GDAL reads other formats under any name, and some of
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
def opened_pixels(path: Path) -> Iterator[PixelSource]:
    """Open the pixels of all bands of a raster.

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    """
    with opened_plain(path) as plain:
        if plain:
            yield plain
            return
    with opened_by_gdal(path) as source:
        yield GdalSource(path, source)


@contextmanager
def opened_by_gdal(path: Path) -> "Iterator[DatasetReader]":
    """Open a raster with little memory for its decoded blocks."""
    from rasterio.env import Env

    with (
        Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_TIFF_INTERNAL_MASK=True),
        opened_raster(path) as source,
    ):
        yield source


class GdalSource(PixelSource):
    """Some bands, counted from 1, of a raster that GDAL reads; all if none are given."""

    def __init__(
        self, path: Path, source: "DatasetReader", bands: tuple[int, ...] | None = None
    ) -> None:
        from rasterio.enums import MaskFlags

        self.path = path
        self.source = source
        self.bands = bands or tuple(source.indexes)
        self.shape = (len(self.bands), source.height, source.width)
        self.dtype = pixel_dtype(source.dtypes[0])
        self.fill = 0 if source.nodata is None else source.nodata
        self.corner = source.transform.c, source.transform.f
        flags = source.mask_flag_enums[0]
        self.has_mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags

    def of_bands(self, name: str) -> tuple:
        """An attribute that the raster has for each band."""
        values = getattr(self.source, name)
        return tuple(values[band - 1] for band in self.bands)

    def read_inside(self, window: Window) -> NDArray:
        """The pixels of a window that lies within the raster."""
        return self._read(self.source.read, list(self.bands), window)

    def read_mask(self, window: Window) -> NDArray:
        """The mask of valid pixels, 0 beyond the raster: (height, width) of uint8."""
        inside = window.cut(*self.shape[1:])
        mask = np.zeros((window.height, window.width), np.uint8)
        if inside.height and inside.width:
            mask[: inside.height, : inside.width] = self._read(self.source.read_masks, 1, inside)
        return mask

    def _read(self, read: Any, bands: Any, window: Window) -> NDArray:
        from rasterio.errors import RasterioError

        try:
            return read(bands, window=rasterio_window(window))
        except (RasterioError, ValueError) as error:
            reason = error.__cause__ or error
            raise RasterError(f"{self.path}: cannot be read as a raster: {reason}") from None


def rasterio_window(window: Window) -> Any:
    """The same window as rasterio has it."""
    from rasterio.windows import Window as RasterioWindow

    return RasterioWindow(window.column, window.row, window.width, window.height)
