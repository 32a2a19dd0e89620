"""Read one reference map, the land cover of a patch in CLC codes.

It is GeoParquet of polygons with the code in the column ``DN``, as gdal_polygonize makes it, or a
GeoTIFF whose pixels are codes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.classes import CLC_TO_CLASS, CODE_LIMIT
from benkit.domain.crs import one_name, shown_crs
from benkit.errors import InputFormatError, first_line
from benkit.files.file_kinds import kind_of, other_format
from benkit.files.safe_names import printable, some_names
from benkit.files.tables.geoparquet import geo_column, not_wkb
from benkit.files.tables.parquet import open_parquet, read_at_most, read_opened
from benkit.files.tables.table import require_one_column
from benkit.tiff.raster import SAME_PIXEL, Raster, is_nodata
from benkit.tiff.read import read_raster

_KNOWN_CODES = np.isin(np.arange(CODE_LIMIT + 1), list(CLC_TO_CLASS))


@dataclass(frozen=True)
class MapPolygons:
    """A reference map in GeoParquet.

    Attributes
    ----------
    crs : str or None
        Coordinate reference system as the file states it, see `GeoColumn`: ``EPSG:32635``,
        ``OGC:CRS84`` (where GeoParquet or Parquet define it, as the file names none), the text of a
        definition, or None where it is unknown.
    code : (k,) int64 array
        For each polygon its CLC code, one of `CLC_TO_CLASS`.
    geometry : pyarrow.ChunkedArray
        For each polygon its WKB as binary, null where the file has none.
    """

    crs: str | None
    code: NDArray[np.int64]
    geometry: pa.ChunkedArray


@dataclass(frozen=True)
class MapPixels:
    """The pixel counts of a reference map in GeoTIFF.

    Attributes
    ----------
    crs : str or None
        ``EPSG:`` and the code of its coordinate reference system, its WKT if it has no code, None if
        there is none.
    box : (4,) float64 array
        Least x, least y, greatest x, greatest y.
    pixel_area : float
        In the square of the unit of the CRS.
    code : (k,) int64 array
        The CLC codes in it, of `CLC_TO_CLASS`, ascending. NO_DATA pixels have none.
    pixels : (k,) int64 array
        How many pixels have each code.
    """

    crs: str | None
    box: NDArray[np.float64]
    pixel_area: float
    code: NDArray[np.int64]
    pixels: NDArray[np.int64]


def read_map_polygons(path: Path) -> MapPolygons:
    """Read a reference map in GeoParquet; raises `InputFormatError` if it is none."""
    try:
        if kind := kind_of(path.stat().st_mode):
            raise InputFormatError(f"{path}: expected a GeoParquet file, but it is {kind}")
        content = read_at_most(path)
        if seen := other_format(content):
            raise InputFormatError(f"{path}: expected a GeoParquet file, but it is {seen}")
        file = open_parquet(content)
        column = geo_column(file, path)
        needed = ["DN", column.name]
        if column.again and one_name(column.crs or "") != one_name(column.again):
            raise InputFormatError(
                f"{path}: expected one coordinate reference system, but the geo metadata say "
                f"{shown_crs(column.crs or '')} and the Parquet type of {printable(column.name)} says "
                f"{shown_crs(column.again)}; write the file again with the right one"
            )
        table = read_opened(file, path, needed)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFormatError(
            f"{path}: expected a whole GeoParquet file, but it cannot be read ({first_line(error)}); "
            "download or copy it again"
        ) from None
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        there = some_names(file.schema_arrow.names)
        raise InputFormatError(
            f"{path}: expected the column {' and '.join(missing)}, but there is only {there}"
        )
    require_one_column(table.column_names, needed, path)
    return MapPolygons(column.crs, _codes(path, table["DN"]), _wkb(path, table[column.name]))


def _codes(path: Path, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The codes of a file; floating-point columns may hold whole numbers."""
    kind = column.type
    if not len(column):  # a table without rows may have lost its types
        return np.empty(0, np.int64)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise InputFormatError(
            f"{path}: expected integers in the column DN, but its type is {kind}"
        )
    if column.null_count:
        raise InputFormatError(
            f"{path}: expected a CLC code in every row of DN, but {column.null_count} are null"
        )
    values = np.from_dlpack(column.combine_chunks())  # to_numpy would load pandas
    if pa.types.is_floating(kind):
        fractions = values != np.trunc(values)
        if fractions.any():
            raise InputFormatError(
                f"{path}: expected integers in the column DN, but there is {values[fractions][0]}"
            )
    require_known(path, values, "in the column DN")
    return values.astype(np.int64)


def require_known(path: Path, codes: NDArray, where: str) -> None:
    """Refuse codes that CORINE Land Cover does not have; ``where`` they stand is said."""
    limit = min(CODE_LIMIT, np.iinfo(codes.dtype).max) if codes.dtype.kind in "iu" else CODE_LIMIT
    known = _KNOWN_CODES[np.minimum(np.maximum(codes, 0), limit).astype(np.int64)]
    if not known.all():
        raise InputFormatError(
            f"{path}: expected CLC 2018 level-3 codes {where}, such as 111 or 523, or 999, "
            f"but there is {codes[~known][0]}"
        )


def _wkb(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if not len(column):
        return pa.chunked_array([], pa.binary())
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
    if kind not in (pa.binary(), pa.large_binary(), pa.binary_view()):
        raise not_wkb(path, f"their type is {printable(str(kind)[:80])}")
    return column.cast(pa.binary())


def joined_wkb(maps: Sequence[MapPolygons]) -> pa.Array:
    """The WKB of all polygons of some maps, as large_binary."""
    chunks = [chunk for polygons in maps for chunk in polygons.geometry.chunks]
    return pa.chunked_array(chunks, pa.binary()).cast(pa.large_binary()).combine_chunks()


def read_map_raster(path: Path) -> Raster:
    """Read a reference map in GeoTIFF, one band of codes.

    Raises `InputFormatError` if it has several bands, pixels that are not integers, a mask, or no
    georeference; for other files see `read_raster`.
    """
    raster = read_raster(path)
    bands, dtype = len(raster.pixels), raster.pixels.dtype
    if bands != 1 or dtype.kind not in "iu":
        raise InputFormatError(
            f"{path}: expected one band of integers, the CLC codes, "
            f"but there {'is' if bands == 1 else 'are'} {bands} of {dtype}"
        )
    if raster.has_mask:
        raise InputFormatError(
            f"{path}: expected pixels without a code to hold a NO_DATA value, but the file has a mask; "
            "write it again with that value in the place of the mask"
        )
    if raster.transform is None:
        raise InputFormatError(
            f"{path}: expected a georeference, from which areas follow, but there is none"
        )
    return raster


def read_map_pixels(path: Path) -> MapPixels:
    """Read a reference map as `read_map_raster` does and count its codes.

    Raises `InputFormatError` too if a pixel is neither NO_DATA nor a known code.
    """
    raster = read_map_raster(path)
    codes, pixels = _counted(raster.pixels)
    shown = ~is_nodata(codes, raster.nodata)
    require_known(path, codes[shown], "in the pixels")
    assert raster.transform is not None, "a map has a georeference"
    a, b, _, d, e, _ = raster.transform
    height, width = raster.pixels.shape[1:]
    corners = np.array([raster.profile.corner(i, j) for i in (0, height) for j in (0, width)])
    return MapPixels(
        crs=raster.profile.crs if raster.epsg is None else f"EPSG:{raster.epsg}",
        box=np.concatenate([corners.min(0), corners.max(0)]),
        pixel_area=_without_rounding(abs(a * e - b * d)),
        code=codes[shown].astype(np.int64),
        pixels=pixels[shown].astype(np.int64),
    )


def _without_rounding(area: float) -> float:
    """The whole number of square metres that the area of a pixel is but for rounding, if any."""
    whole = float(round(area))
    return whole if math.isclose(area, whole, rel_tol=2 * SAME_PIXEL) else area


def _counted(pixels: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
    """The values that occur, ascending, and how often."""
    if pixels.dtype.itemsize > 2 or pixels.dtype.kind != "u":
        return np.unique(pixels, return_counts=True)
    counts = np.bincount(pixels.ravel())
    values = np.flatnonzero(counts)
    return values, counts[values]
