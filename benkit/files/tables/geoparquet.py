"""GeoParquet: the ``geo`` metadata of a file, and writing of small and large files.

Geometries stay WKB bytes here; nothing in this module needs a geometry library.

Source: GeoParquet 1.1.0 (https://geoparquet.org/releases/v1.1.0/).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike, as_location
from benkit.files.writing.replace import replacing

CRS_IF_ABSENT = "OGC:CRS84"
"""The coordinate reference system of a file that names none: longitude, latitude."""

_ROWS_PER_GROUP = 65_536  # readers skip groups of a large file by their bounds
_BOX_FIELDS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class GeoColumn:
    """The geometry column of a file.

    Attributes
    ----------
    name : str
    crs : str or None
        ``AUTHORITY:CODE`` where the file names one, else the PROJJSON text; None where the file says
        that the reference system is unknown, or is no GeoParquet file but a plain table with WKB.
    """

    name: str
    crs: str | None


def geo_column(metadata: dict[bytes, bytes] | None, path: Path) -> GeoColumn:
    """Read the ``geo`` metadata of a file's schema; errors name the path.

    Raises
    ------
    InputFormatError
        If the metadata are damaged, or the geometries are in another encoding than WKB.

    Examples
    --------
    >>> text = b'{"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB"}}}'
    >>> geo_column({b"geo": text}, Path("map.parquet"))
    GeoColumn(name='geometry', crs='OGC:CRS84')
    """
    text = (metadata or {}).get(b"geo")
    if text is None:
        return GeoColumn("geometry", None)
    try:
        geo = json.loads(text)
        name = geo.get("primary_column", "geometry")
        column = geo["columns"][name]
        encoding = column.get("encoding", "WKB")
        crs = _crs_text(column["crs"]) if "crs" in column else CRS_IF_ABSENT
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputFormatError(
            f"{path}: expected GeoParquet metadata that describe the geometry column, "
            "but they are damaged; download or copy the file again"
        ) from None
    if encoding != "WKB":
        raise InputFormatError(
            f"{path}: expected geometries encoded as WKB, but it says {encoding}"
        )
    return GeoColumn(name, crs)


def _crs_text(crs: Any) -> str | None:
    if crs is None:
        return None
    if isinstance(crs, str):
        return crs
    code = crs.get("id") or {}
    if "authority" in code and "code" in code:
        return f"{code['authority']}:{code['code']}"
    return json.dumps(crs, sort_keys=True)


@lru_cache(maxsize=256)
def _projjson(crs: int | str) -> str:
    from pyproj import CRS

    return CRS.from_user_input(crs).to_json()


def encode_geoparquet(
    table: pa.Table,
    *,
    epsg: int | None = None,
    crs: str | None = None,
    geometry_types: Sequence[str] = ("Polygon",),
    bounds: NDArray[np.float64] | None = None,
    covering: bool = False,
) -> bytes:
    """Make a GeoParquet 1.1 file in memory; the same bytes for the same table.

    Parameters
    ----------
    table : pyarrow.Table
        With WKB in the column ``geometry``.
    epsg, crs : int or str
        Coordinate reference system of the geometries, as one of the two: a code of EPSG, or a name
        such as ``EPSG:3035``. Whatever its axes are, x is east or longitude.
    bounds : (n, 4) float64 array, optional
        Least x, least y, greatest x, greatest y of every row, in the unit of the CRS.
    covering : bool
        Whether to write the bounds as a column ``bbox``, by which readers skip rows.
    """
    system = crs if epsg is None else epsg
    assert system is not None, "the geometries have a reference system"
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": [*geometry_types], "crs": None}
    if bounds is not None and len(bounds):
        column["bbox"] = [*bounds[:, :2].min(0).tolist(), *bounds[:, 2:].max(0).tolist()]
    if bounds is not None and covering:
        boxes = [pa.array(np.ascontiguousarray(bounds[:, i])) for i in range(4)]
        table = table.append_column("bbox", pa.StructArray.from_arrays(boxes, _BOX_FIELDS))
        column["covering"] = {"bbox": {name: ["bbox", name] for name in _BOX_FIELDS}}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    # The reference system is the long part of the text, always the same: it is put in ready-made.
    text = json.dumps(geo).replace('"crs": null', f'"crs": {_projjson(system)}', 1)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(table, row_group_size=_ROWS_PER_GROUP)
        writer.add_key_value_metadata({"geo": text})
    return sink.getvalue().to_pybytes()


def write_geoparquet(table: pa.Table, path: LocationLike, **options: Any) -> None:
    """Write a GeoParquet file; the options are those of `encode_geoparquet`."""
    content = encode_geoparquet(table, **options)
    with replacing(as_location(path)) as part:
        part.write_bytes(content)
