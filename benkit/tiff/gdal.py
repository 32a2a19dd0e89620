"""GDAL: its session, and the profile of a raster that it has opened."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benkit.errors import OptionError, first_line
from benkit.tiff.raster import IDENTITY, AffineTransform, RasterProfile

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader


AS_WRITTEN = {
    "GTIFF_IGNORE_READ_ERRORS": "NO",
    "GTIFF_POINT_GEO_IGNORE": "NO",
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",  # it takes what is missing at the end for zeros
}
"""Settings of GDAL without which the environment, or GDAL itself, can hide damage or move a raster."""

_OF_THE_FILE_ITSELF = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
}
_METRES_PER_DEGREE = 111_320.0


@contextmanager
def gdal_session() -> Iterator[None]:
    """Let GDAL read what stands in a file, and list no folders for side files.

    Around many reads this spares time on each. Raises `OptionError` as `require_proj`.
    """
    from rasterio.env import Env, getenv, hasenv

    options = AS_WRITTEN | _OF_THE_FILE_ITSELF
    if hasenv() and options.items() <= getenv().items():
        yield
        return
    with Env(**options):
        require_proj()
        yield


@lru_cache(maxsize=1)
def require_proj() -> None:
    """Refuse a PROJ without its database: rasters would lose their EPSG codes without a word.

    Raises
    ------
    OptionError
        If ``PROJ_DATA`` or ``PROJ_LIB`` leads to the database of another installation, or to none.
    """
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    try:
        CRS.from_epsg(32633)
    except CRSError as error:
        names = [name for name in ("PROJ_DATA", "PROJ_LIB") if os.environ.get(name)]
        where = f"{names[0]}={os.environ[names[0]]}" if names else "PROJ"
        advice = f"unset {' and '.join(names)}" if names else "install rasterio anew"
        raise OptionError(
            f"{where}: expected the database of the PROJ that rasterio uses, but it cannot be read: "
            f"{first_line(error)}; {advice}"
        ) from None


def metres_per_unit(crs: "CRS | None") -> float:
    """Metres of a unit of a CRS on the ground, of a degree those at the equator; 1 without a CRS."""
    if crs is None:
        return 1.0
    if crs.is_geographic:
        return _METRES_PER_DEGREE
    return float(crs.linear_units_factor[1]) if crs.is_projected else 1.0


def numpy_dtype(name: str) -> np.dtype:
    """The data type in which rasterio reads pixels of one of its own."""
    return np.dtype("complex64" if name.startswith("complex_int") else name)


def gdal_profile(dataset: "DatasetReader") -> RasterProfile:
    """The profile of a raster; a transform that places no pixel, as an identity does not, is none."""
    dtype = dataset.dtypes[0]
    epsg = dataset.crs.to_epsg() if dataset.crs else None
    return RasterProfile(
        bands=dataset.count,
        height=dataset.height,
        width=dataset.width,
        dtype=numpy_dtype(dtype),
        nodata=dataset.nodata,
        epsg=epsg,
        transform=_transform(dataset),
        crs=dataset.crs.to_wkt() if dataset.crs and epsg is None else None,
    )


def _transform(dataset: "DatasetReader") -> AffineTransform | None:
    numbers: AffineTransform = tuple(dataset.transform)[:6]
    a, b, _, d, e, _ = numbers
    placed = all(map(math.isfinite, numbers)) and a * e != b * d
    return numbers if placed and numbers != IDENTITY else None
