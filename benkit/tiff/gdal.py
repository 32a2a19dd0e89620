"""GDAL: its session, and the profile of a raster that it has opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from benkit.tiff.raster import RasterProfile

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader


_METRES_PER_DEGREE = 111_320.0


@contextmanager
def gdal_session() -> Iterator[None]:
    """Let GDAL not list folders for side files; around many reads this spares time on each."""
    from rasterio.env import Env, getenv, hasenv

    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    if hasenv() and options.items() <= getenv().items():
        yield
        return
    with Env(**options):
        yield


def metres_per_unit(crs: "CRS | None") -> float:
    """Metres of a unit of a CRS on the ground, of a degree those at the equator; 1 without a CRS."""
    if crs is None:
        return 1.0
    if crs.is_geographic:
        return _METRES_PER_DEGREE
    return float(crs.linear_units_factor[1]) if crs.is_projected else 1.0


def gdal_profile(dataset: "DatasetReader") -> RasterProfile:
    """The profile of a raster; an identity transform stands for none."""
    dtype = dataset.dtypes[0]
    epsg = dataset.crs.to_epsg() if dataset.crs else None
    return RasterProfile(
        bands=dataset.count,
        height=dataset.height,
        width=dataset.width,
        dtype=np.dtype("complex64" if dtype.startswith("complex_int") else dtype),
        nodata=dataset.nodata,
        epsg=epsg,
        transform=None if dataset.transform.is_identity else tuple(dataset.transform)[:6],
        crs=dataset.crs.to_wkt() if dataset.crs and epsg is None else None,
    )
