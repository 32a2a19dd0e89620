"""Read one raster file as fast as its encoding allows, and as GDAL would.

A plain file (see `benkit.io.plain_tiff`) and one that is plain but for its compression (see
`benkit.io.packed_tiff`) are read by hand; anything else goes to rasterio. All paths give the same
pixels, size, nodata value and georeference for every file that rasterio reads, and refuse what it
refuses. Only the file itself counts: side files such as ``.aux.xml`` or ``.tfw`` are not looked for,
and a file that is no TIFF is refused whatever GDAL could make of it.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.errors import MissingInputError, RasterError
from benkit.io.packed_tiff import unpack
from benkit.io.plain_tiff import Description, PlainHeader, corner_of, parse_header

__all__ = ["LARGEST_RASTER", "Raster", "gdal_session", "read_raster"]

LARGEST_RASTER = 10_980 * 10_980 * 8
"""Most bytes of decoded pixels that are read at once: a whole Sentinel-2 band of 8-byte pixels."""


@dataclass(frozen=True)
class Raster:
    """A raster file in memory.

    Attributes
    ----------
    pixels : (bands, height, width) array
        In the file's data type, rows from the north.
    nodata : int, float or None
        Value of pixels without a measurement.
    epsg : int or None
        Code of the coordinate reference system, None if there is none or it has no code.
    transform : tuple of float or None
        ``(a, b, c, d, e, f)`` with x = a column + b row + c and y = d column + e row + f in units of
        the CRS, None if the file has no georeference.
    encoding : str
        ``plain`` if its bytes are its pixels, else what keeps it from that: its compression,
        ``tiled``, or ``unusual`` for anything else.
    """

    pixels: NDArray
    nodata: float | None
    epsg: int | None
    transform: tuple[float, float, float, float, float, float] | None
    encoding: str


def read_raster(path: str | os.PathLike[str]) -> Raster:
    """Read all bands of a GeoTIFF.

    Raises
    ------
    MissingInputError
        If there is no such file.
    RasterError
        If it cannot be read as a GeoTIFF, or claims to be larger than `LARGEST_RASTER`.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingInputError(f"{path}: expected a GeoTIFF, but there is no such file") from None
    except OSError as error:
        raise RasterError(f"{path}: cannot be read: {error.strerror}") from None
    header = parse_header(content)
    if header:
        return _raster(header.pixels(content), header, corner_of(content, header), "plain")
    unpacked = unpack(content)
    if unpacked:
        found = unpacked.description
        return _raster(unpacked.pixels, found, found.corner, unpacked.compression)
    return _read_with_rasterio(path)


def _raster(
    pixels: NDArray, found: PlainHeader | Description, corner: tuple[float, float], encoding: str
) -> Raster:
    """Put together what was read by hand."""
    return Raster(
        pixels=pixels[np.newaxis],
        nodata=found.nodata,
        epsg=found.epsg,
        transform=(found.pixel_size, 0.0, corner[0], 0.0, -found.pixel_size, corner[1]),
        encoding=encoding,
    )


def _read_with_rasterio(path: Path) -> Raster:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    try:
        with warnings.catch_warnings(), gdal_session():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="GTiff") as source:
                _refuse_giants(path, source)
                epsg = source.crs.to_epsg() if source.crs else None
                transform = None if source.transform.is_identity else tuple(source.transform)[:6]
                return Raster(source.read(), source.nodata, epsg, transform, _encoding(source))
    except RasterError:
        raise
    except Exception as error:  # GDAL's errors come as many types; each means the same here
        reason = (
            str(error.__cause__ or error).replace(str(path), path.name).strip()
            or type(error).__name__
        )
        raise RasterError(f"{path}: cannot be read as a GeoTIFF: {reason}") from error


@contextmanager
def gdal_session() -> Iterator[None]:
    """Let GDAL look at the files themselves only; around many reads this spares time on each."""
    from rasterio.env import Env, getenv, hasenv

    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    if hasenv() and options.items() <= getenv().items():
        yield
        return
    with Env(**options):
        yield


def _encoding(source) -> str:  # type: ignore[no-untyped-def]
    if source.compression:
        return str(getattr(source.compression, "name", source.compression))
    return "tiled" if source.profile.get("tiled") else "unusual"


def _refuse_giants(path: Path, source) -> None:  # type: ignore[no-untyped-def]
    pixels = source.count * source.height * source.width
    claimed = pixels * max(np.dtype(dtype).itemsize for dtype in source.dtypes)
    if claimed > LARGEST_RASTER:
        raise RasterError(
            f"{path}: claims {claimed:,} bytes of pixels; expected at most {LARGEST_RASTER:,}"
        )
