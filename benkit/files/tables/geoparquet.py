"""GeoParquet: the ``geo`` metadata of a file, and writing of small and large files.

Geometries stay WKB bytes here; nothing in this module needs a geometry library.

Sources: GeoParquet 1.1.0 (https://geoparquet.org/releases/v1.1.0/), the geospatial logical types of
Parquet (https://parquet.apache.org/docs/file-format/types/geospatial/), GeoArrow's extension types
(https://geoarrow.org/extension-types).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike, as_location
from benkit.files.safe_names import printable
from benkit.files.writing.replace import replacing, write_bytes

CRS_IF_ABSENT = "OGC:CRS84"
"""The coordinate reference system of a file that names none: longitude, latitude."""

ROWS_PER_GROUP = 20_000
"""Of a large file: readers skip groups by their bounds."""

_NATIVE = ("GEOMETRY", "GEOGRAPHY")  # logical types of Parquet
_BOX_FIELDS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class GeoColumn:
    """The geometry column of a file.

    Attributes
    ----------
    name : str
    crs : str or None
        Coordinate reference system as the file states it: ``AUTHORITY:CODE``, or the text of a
        definition (PROJJSON, WKT). None where the file says that it is unknown, or is a plain table
        with WKB.
    again : str or None
        Another text for it, where the file states it twice.
    """

    name: str
    crs: str | None
    again: str | None = None


_Stated = tuple[str | None, ...] | None
"""What one place states of the reference system: nothing where it is empty; None where it is missing."""


def geo_column(file: pq.ParquetFile, path: Path) -> GeoColumn:
    """Find the geometry column of a file and its reference system; errors name the path.

    A file states the system in the ``geo`` metadata, in the Parquet logical type GEOMETRY or GEOGRAPHY
    of the column, or in its GeoArrow metadata. Where the first two are there but name none, it is
    `CRS_IF_ABSENT`.

    Raises
    ------
    InputFormatError
        If the metadata are damaged, or the geometries are in another encoding than WKB.
    """
    metadata = file.metadata.metadata or {}
    text = metadata.get(b"geo")
    if text is None:
        name, in_geo = _native_geometry(file.schema), None
    else:
        name, in_geo = _of_geo_metadata(text, path)
    in_type = _of_logical_type(file.schema, name, metadata)
    if in_geo is None and in_type is None:
        return GeoColumn(name, _of_geoarrow(file.schema_arrow, name))
    stated = (*(in_geo or ()), *(in_type or ()))
    if not stated:
        return GeoColumn(name, CRS_IF_ABSENT)
    known = dict.fromkeys(crs for crs in stated if crs is not None)
    return GeoColumn(name, *known) if known else GeoColumn(name, None)


def table_crs(table: pa.Table, name: str) -> str | None:
    """The reference system of a column of a table that was read whole, or comes from geopandas.

    It is stated in the ``geo`` metadata of the table or in the GeoArrow metadata of the column; None
    where it is not. Errors are those of `geo_column`.
    """
    text = (table.schema.metadata or {}).get(b"geo")
    if text is None:
        return _of_geoarrow(table.schema, name)
    primary, stated = _of_geo_metadata(text, "the table")
    if primary != name or stated is None:
        return _of_geoarrow(table.schema, name)
    return stated[0] if stated else CRS_IF_ABSENT


def _of_geo_metadata(text: bytes, path: Path | str) -> tuple[str, _Stated]:
    """Name of the geometry column, and what is stated of its reference system."""
    stated: _Stated = ()
    try:
        geo = json.loads(text)
        name = geo.get("primary_column", "geometry")
        column = geo["columns"][name]
        encoding = column.get("encoding", "WKB")
        if "crs" in column:
            stated = (_crs_text(column["crs"]),)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputFormatError(
            f"{path}: expected GeoParquet metadata that describe the geometry column, "
            "but they are damaged; download or copy the file again"
        ) from None
    if encoding != "WKB":
        raise not_wkb(path, f"it says {printable(str(encoding)[:40])}")
    return name, stated


def not_wkb(path: Path | str, found: str) -> InputFormatError:
    """The error about geometries in another encoding, such as those of GeoArrow."""
    return InputFormatError(
        f"{path}: expected geometries encoded as WKB, but {found}; write the file again with "
        "geometry_encoding='WKB' (geopandas) or -lco GEOMETRY_ENCODING=WKB (ogr2ogr)"
    )


def _native_geometry(schema: pq.ParquetSchema) -> str:
    """The one column of the logical type GEOMETRY or GEOGRAPHY, else ``geometry``."""
    columns = [schema.column(index) for index in range(len(schema))]
    if any(column.path == "geometry" for column in columns):
        return "geometry"
    native = [column.path for column in columns if column.logical_type.type in _NATIVE]
    return native[0] if len(native) == 1 else "geometry"


def _of_logical_type(schema: pq.ParquetSchema, name: str, metadata: dict[bytes, bytes]) -> _Stated:
    """What the logical type of a column states."""
    for index in range(len(schema)):
        column = schema.column(index)
        if column.path == name:
            break
    else:
        return None
    if column.logical_type.type not in _NATIVE:
        return None
    crs = json.loads(column.logical_type.to_json()).get("crs")
    if not crs:
        return ()
    kind, _, rest = crs.partition(":")
    if kind == "srid":
        return (None,) if rest == "0" else (f"EPSG:{rest}",)
    if kind == "projjson":  # then the rest is the key of the text in the file's metadata
        crs = metadata.get(rest.encode(), crs.encode()).decode(errors="replace")
    with suppress(ValueError, TypeError, AttributeError, RecursionError):
        crs = _crs_text(json.loads(crs))
    return (crs,)


def _of_geoarrow(schema: pa.Schema, name: str) -> str | None:
    """The reference system that the GeoArrow metadata of a column name."""
    try:
        metadata = schema.field(name).metadata or {}  # there may be none, or two
        return _crs_text(json.loads(metadata[b"ARROW:extension:metadata"])["crs"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _crs_text(crs: Any) -> str | None:
    """A reference system of JSON as text: its code if every PROJ knows it, else the whole."""
    if not crs:  # null, or an empty text
        return None
    if isinstance(crs, str):
        return crs
    if type(crs) is int:
        return f"EPSG:{crs}"
    code = crs.get("id") or {}
    if code.get("authority") in ("EPSG", "OGC") and "code" in code:
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
    if bounds is not None and covering:
        table = table.append_column("bbox", box_column(bounds))
    text = _geo_text(system, geometry_types, bounds, covering)
    return _encoded([table], {"geo": text})


def encode_in_groups(
    tables: Iterable[pa.Table],
    *,
    crs: str,
    geometry_types: Sequence[str],
    bounds: NDArray[np.float64],
    metadata: Mapping[str, str],
) -> bytes:
    """The same of a table that comes in parts, each of which is a row group, with its own `box_column`
    ``bbox``; ``metadata`` are further texts of the file.
    """
    text = _geo_text(crs, geometry_types, bounds, covering=True)
    return _encoded(tables, {"geo": text, **metadata})


def box_column(bounds: NDArray[np.float64]) -> pa.StructArray:
    """Bounds as a column ``bbox``, by which readers skip rows."""
    boxes = [pa.array(np.ascontiguousarray(bounds[:, i])) for i in range(4)]
    return pa.StructArray.from_arrays(boxes, _BOX_FIELDS)


def _geo_text(
    crs: int | str,
    geometry_types: Sequence[str],
    bounds: NDArray[np.float64] | None,
    covering: bool,
) -> str:
    """The ``geo`` metadata of a file."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": [*geometry_types], "crs": None}
    if bounds is not None and len(bounds):
        column["bbox"] = [*bounds[:, :2].min(0).tolist(), *bounds[:, 2:].max(0).tolist()]
    if bounds is not None and covering:
        column["covering"] = {"bbox": {name: ["bbox", name] for name in _BOX_FIELDS}}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    # The reference system is the long part of the text, always the same: it is put in ready-made.
    return json.dumps(geo).replace('"crs": null', f'"crs": {_projjson(crs)}', 1)


def _encoded(tables: Iterable[pa.Table], metadata: Mapping[str, str]) -> bytes:
    """A file of some tables of one schema."""
    sink = pa.BufferOutputStream()
    _write(tables, metadata, sink)
    return sink.getvalue().to_pybytes()


def _write(tables: Iterable[pa.Table], metadata: Mapping[str, str], sink: Any) -> None:
    rest = iter(tables)
    first = next(rest)
    with pq.ParquetWriter(sink, first.schema, compression="zstd", store_schema=False) as writer:
        for table in chain([first], rest):
            writer.write_table(table, row_group_size=ROWS_PER_GROUP)
        writer.add_key_value_metadata(dict(metadata))


def write_geoparquet(table: pa.Table, path: LocationLike, **options: Any) -> None:
    """Write a GeoParquet file; the options are those of `encode_geoparquet`."""
    write_bytes(encode_geoparquet(table, **options), path)


def write_in_groups(
    tables: Iterable[pa.Table],
    path: LocationLike,
    *,
    crs: str,
    geometry_types: Sequence[str],
    bounds: NDArray[np.float64],
) -> None:
    """Write a table that comes in parts as of `encode_in_groups`, of which one is held at a time."""
    text = _geo_text(crs, geometry_types, bounds, covering=True)
    with replacing(as_location(path)) as part:
        _write(tables, {"geo": text}, part)
