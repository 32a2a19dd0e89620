"""Features for tools that read no Parquet: GeoJSON (RFC 7946) and GeoPackage, through geopandas."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from typing import Any

import pyarrow as pa

from benkit.errors import OptionError, OutputError, first_line
from benkit.files.remote.location import LocationLike, as_location
from benkit.files.writing.replace import replacing

_DEGREES = ("EPSG:4326", "OGC:CRS84")  # longitude first in both, as tools write them
_DRIVERS: dict[str, dict[str, Any]] = {
    ".geojson": {"driver": "GeoJSON", "RFC7946": "YES", "COORDINATE_PRECISION": 9},
    ".gpkg": {"driver": "GPKG", "GEOMETRY_NAME": "geometry"},
}
_CLOCK = "OGR_CURRENT_DATE"
_NO_TIME = "1970-01-01T00:00:00.000Z"


def require_feature_crs(path: LocationLike, crs: str) -> None:
    """Refuse GeoJSON in another reference system than longitude and latitude on WGS 84.

    Raises
    ------
    OptionError
    """
    if as_location(path).suffix == ".geojson" and crs.upper() not in _DEGREES:
        raise OptionError(
            f"{path}: expected EPSG:4326, in which GeoJSON is, but the reference system is {crs}; "
            "write .gpkg or .parquet"
        )


def write_features(table: pa.Table, path: LocationLike, crs: str) -> None:
    """Write a table with WKB in the column ``geometry`` as the suffix says, one of `FEATURE_SUFFIXES`.

    The same table gives the same bytes: a GeoPackage is dated 1970.

    Raises
    ------
    OptionError
        If GeoJSON is to be in another reference system than EPSG:4326.
    OutputError
        If the file cannot be written, or the format cannot hold a column.
    """
    import pandas as pd
    from geopandas import GeoDataFrame, GeoSeries

    require_feature_crs(path, crs)
    target = as_location(path)
    geometry = GeoSeries.from_wkb(table["geometry"].to_numpy(), crs=crs)
    options = dict(_DRIVERS[target.suffix])
    if target.suffix == ".gpkg":  # its own numbers of rows must not meet a column
        taken = {name.lower() for name in table.column_names}
        options["FID"] = next(
            name for name in map("fid{}".format, chain([""], count(1))) if name not in taken
        )
    with replacing(target) as part, _fixed_clock():
        try:
            columns = table.drop_columns("geometry").to_pandas(types_mapper=pd.ArrowDtype)
            frame = GeoDataFrame(columns, geometry=geometry)
            frame.to_file(part, layer=target.stem, use_arrow=True, **options)
        except (ValueError, TypeError, RuntimeError, pa.ArrowException) as error:
            raise OutputError(
                f"{target}: cannot be written: {first_line(error)}; leave out a column that "
                f"{target.suffix} cannot hold, or write .parquet"
            ) from None


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Let GDAL write no time of its own."""
    before = os.environ.get(_CLOCK)
    os.environ[_CLOCK] = _NO_TIME
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CLOCK]
        else:
            os.environ[_CLOCK] = before
