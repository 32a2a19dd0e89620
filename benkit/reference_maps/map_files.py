"""Find reference maps, and read one: polygons in GeoParquet, or pixels in a GeoTIFF.

A reference map tells the land cover of a patch by CLC codes: as polygons with the code in the column
``DN``, as gdal_polygonize makes them, or as a GeoTIFF whose pixels are codes.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.domain.classes import CLC_TO_CLASS
from benkit.engine import Engine, run
from benkit.errors import InputFormatError, MissingInputError, first_line
from benkit.files.file_kinds import kind_of
from benkit.files.safe_names import some_names
from benkit.files.tables.geoparquet import geo_column
from benkit.files.tables.parquet import read_at_most, read_parquet
from benkit.tiff.read import read_raster

__all__ = [
    "MAP_SUFFIX",
    "MapPixels",
    "MapPolygons",
    "find_maps",
    "joined_wkb",
    "polygon_files",
    "read_map_pixels",
    "read_map_polygons",
    "run_over_maps",
]

MAP_SUFFIX = "_reference_map"
"""What follows the patch id in the name of a reference map."""

Result = TypeVar("Result")

_TIFF_SUFFIX = f"{MAP_SUFFIX}.tif"
_POLYGON_FILE = f"<patch id>{MAP_SUFFIX}.parquet"
_PIXEL_FILE = f"<product>/<patch id>/<patch id>{_TIFF_SUFFIX}"
_FILES_PER_CHUNK = 512
_FEW_FILES = 3000
_CODE_LIMIT = 1000  # CLC level-3 codes have three digits
_KNOWN_CODES = np.isin(np.arange(_CODE_LIMIT + 1), list(CLC_TO_CLASS))


@dataclass(frozen=True)
class MapPolygons:
    """A reference map in GeoParquet.

    Attributes
    ----------
    crs : str or None
        Coordinate reference system: ``EPSG:32635``, ``OGC:CRS84`` (where the file names none, as
        GeoParquet defines), a PROJJSON text, or None where it is unknown.
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
    """What a reference map in GeoTIFF shows.

    Attributes
    ----------
    crs : str or None
        ``EPSG:`` and the code of its coordinate reference system, None if it has none.
    pixel_area : float
        In the square of the unit of the CRS.
    code : (k,) int64 array
        The CLC codes in it, each one of `CLC_TO_CLASS`, ascending. Pixels that equal the file's
        NO_DATA value have none.
    pixels : (k,) int64 array
        How many pixels have each code.
    """

    crs: str | None
    pixel_area: float
    code: NDArray[np.int64]
    pixels: NDArray[np.int64]


def find_maps(*folders: Path, only_polygons: bool = False) -> dict[str, Path]:
    """Find all reference maps of some folders without opening them.

    They are the files that end with ``.parquet`` and those that end with ``_reference_map.tif``, at
    any depth. The patch id is what stands before ``_reference_map`` and the ending. Hidden files
    and folders are left alone.

    Parameters
    ----------
    *folders : Path
    only_polygons : bool
        Whether only the `polygon_files` of the folders are meant.

    Returns
    -------
    dict of str to Path
        The file of each patch, sorted by patch id.

    Raises
    ------
    MissingInputError
        If a folder is not there or has no reference map.
    InputFormatError
        If two files are of one patch.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _maps_of(folder, only_polygons):
            patch = path.name.removesuffix(path.suffix).removesuffix(MAP_SUFFIX)
            if other := found.get(patch):
                where, both = path, f"{other} is also"
                if only_polygons:
                    where, both = folder, f"{other.name} and {path.name} are both"
                raise InputFormatError(
                    f"{where}: expected one reference map a patch, but {both} of {patch}; remove one"
                )
            found[patch] = path
    return dict(sorted(found.items()))


def polygon_files(folder: Path) -> list[Path]:
    """The GeoParquet files directly in a folder, sorted by name, without hidden ones."""
    files = [path for path in folder.iterdir() if path.suffix == ".parquet"]
    return sorted((path for path in files if path.name[0] != "."), key=lambda path: path.name)


def _maps_of(folder: Path, only_polygons: bool) -> list[Path]:
    """The reference maps of a folder, at least one."""
    if not folder.is_dir():
        names = f", {_POLYGON_FILE}" if only_polygons else ""
        raise MissingInputError(
            f"{folder}: expected a folder of reference maps{names}, "
            f"but there is {'a file' if folder.exists() else 'nothing'}"
        )
    paths = polygon_files(folder) if only_polygons else _maps_below(folder)
    if not paths:
        expected, none = f"{_POLYGON_FILE} or {_PIXEL_FILE}", "none"
        if only_polygons:
            expected, none = _POLYGON_FILE, "no .parquet file"
        raise MissingInputError(
            f"{folder}: expected reference maps, {expected}, but there is {none} in it"
        )
    return paths


def _maps_below(folder: Path) -> list[Path]:
    """The reference maps of both kinds in a folder and its subfolders."""
    paths = []
    for parent, subfolders, names in os.walk(folder, onerror=_refuse):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        paths += [
            Path(parent, name)
            for name in sorted(names)
            if name.endswith((".parquet", _TIFF_SUFFIX)) and not name.startswith(".")
        ]
    return paths


def _refuse(error: OSError) -> None:
    raise error


def run_over_maps(
    function: Callable[[Sequence[Path]], Result], files: Sequence[Path], engine: Engine | None
) -> Iterator[tuple[int, Result]]:
    """Apply a function to some files at a time; also tells how many files are done.

    Where the engine does not tell the number of workers, few files are read in this process: to
    start others would take longer.
    """
    if len(files) < _FEW_FILES and engine in (None, Engine()):
        engine = Engine(workers=1)
    starts = range(0, len(files), _FILES_PER_CHUNK)
    chunks = [files[start : start + _FILES_PER_CHUNK] for start in starts]
    done = 0
    for chunk, result in zip(chunks, run(function, chunks, engine), strict=True):
        done += len(chunk)
        yield done, result


def read_map_polygons(path: Path) -> MapPolygons:
    """Read a reference map in GeoParquet.

    Raises
    ------
    InputFormatError
        If the file is damaged, lacks the column ``DN`` or the geometry, or has a null, a fraction or
        an unknown code in ``DN``.
    """
    needed = ["DN", "geometry"]
    try:
        if kind := kind_of(path.stat().st_mode):
            raise InputFormatError(f"{path}: expected a GeoParquet file, but it is {kind}")
        file = pq.ParquetFile(pa.BufferReader(read_at_most(path)))
        table = read_parquet(file, path, needed)
        column = geo_column(table.schema.metadata, path)
        if column.name != "geometry":
            needed = ["DN", column.name]
            table = read_parquet(file, path, needed)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFormatError(
            f"{path}: expected a whole GeoParquet file, but it cannot be read ({first_line(error)}); "
            "download or copy it again"
        ) from None
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise InputFormatError(
            f"{path}: expected the column {' and '.join(missing)}, "
            f"but there is only {some_names(file.schema_arrow.names)}"
        )
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
    _require_known(path, values, "in the column DN")
    return values.astype(np.int64)


def _require_known(path: Path, codes: NDArray, where: str) -> None:
    known = _KNOWN_CODES[np.minimum(np.maximum(codes, 0), _CODE_LIMIT).astype(np.int64)]
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
    if not (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    ):
        raise InputFormatError(
            f"{path}: expected geometries encoded as WKB, but their type is {kind}"
        )
    return column if pa.types.is_binary(kind) else column.cast(pa.binary())


def joined_wkb(maps: Sequence[MapPolygons]) -> pa.Array:
    """The WKB of all polygons of some maps one after the other, as large_binary."""
    chunks = [chunk for polygons in maps for chunk in polygons.geometry.chunks]
    return pa.chunked_array(chunks, pa.binary()).cast(pa.large_binary()).combine_chunks()


def read_map_pixels(path: Path) -> MapPixels:
    """Read a reference map in GeoTIFF and count its codes.

    Raises
    ------
    MissingInputError, RasterError
        If the file is not there or is no GeoTIFF.
    InputFormatError
        If it has several bands, pixels that are no integers, no georeference, or a pixel that is
        neither NO_DATA nor a known code.
    """
    raster = read_raster(path)
    bands, dtype = len(raster.pixels), raster.pixels.dtype
    if bands != 1 or dtype.kind not in "iu":
        raise InputFormatError(
            f"{path}: expected one band of integers, the CLC codes, "
            f"but there {'is' if bands == 1 else 'are'} {bands} of {dtype}"
        )
    if raster.transform is None:
        raise InputFormatError(
            f"{path}: expected a georeference, from which areas follow, but there is none"
        )
    codes, pixels = _counted(raster.pixels)
    shown = np.ones(len(codes), bool) if raster.nodata is None else codes != raster.nodata
    _require_known(path, codes[shown], "in the pixels")
    a, b, _, d, e, _ = raster.transform
    return MapPixels(
        crs=None if raster.epsg is None else f"EPSG:{raster.epsg}",
        pixel_area=abs(a * e - b * d),
        code=codes[shown].astype(np.int64),
        pixels=pixels[shown].astype(np.int64),
    )


def _counted(pixels: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
    """The values that occur, ascending, and how often."""
    if pixels.dtype.itemsize > 2 or pixels.dtype.kind != "u":
        return np.unique(pixels, return_counts=True)
    counts = np.bincount(pixels.ravel())
    values = np.flatnonzero(counts)
    return values, counts[values]
