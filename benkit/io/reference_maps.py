"""Read folders of reference maps in GeoParquet, and write reference maps as GeoTIFF.

A reference map tells the land cover of a patch: polygons with a CLC code in the column ``DN``, as
gdal_polygonize makes them, one file ``<patch id>_reference_map.parquet`` a patch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.engine import Engine, run
from benkit.errors import InputFormatError, MissingInputError
from benkit.io.geoparquet import geo_column
from benkit.spec.nomenclature import CLC_TO_CLASS

__all__ = [
    "MAP_SUFFIX",
    "ReferenceMaps",
    "encode_reference_map_tiff",
    "read_reference_maps",
]

MAP_SUFFIX = "_reference_map"
"""What follows the patch id in the name of a reference map."""

_FILES_PER_CHUNK = 512
_FEW_FILES = 3000  # below, starting other processes costs more than it saves
_CODE_LIMIT = 1000  # CLC level-3 codes have three digits
_KNOWN_CODES = np.isin(np.arange(_CODE_LIMIT), list(CLC_TO_CLASS))


@dataclass(frozen=True)
class ReferenceMaps:
    """The reference maps of a folder.

    Attributes
    ----------
    folder : Path
    files : tuple of str
        Names of the files, sorted by patch id.
    patch_ids : tuple of str
        Each once, sorted.
    crs : tuple of str or None
        Coordinate reference system of each file: ``EPSG:32635``, ``OGC:CRS84`` (where the file names
        none, as GeoParquet defines), a PROJJSON text, or None where it is unknown.
    patch : (k,) int32 array
        For each polygon the index of its patch, ascending. A patch without polygons has none here.
    code : (k,) int32 array
        For each polygon its CLC code, one of `CLC_TO_CLASS`.
    geometry : pyarrow.ChunkedArray or None
        For each polygon its WKB as large_binary, null where the file has none; None if geometries
        were not asked for.
    """

    folder: Path
    files: tuple[str, ...]
    patch_ids: tuple[str, ...]
    crs: tuple[str | None, ...]
    patch: NDArray[np.int32]
    code: NDArray[np.int32]
    geometry: pa.ChunkedArray | None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.patch_ids)

    def path(self, patch: int) -> Path:
        """The file of a patch, by its index."""
        return self.folder / self.files[patch]


@dataclass(frozen=True)
class _Chunk:
    rows: NDArray[np.int64]
    code: NDArray[np.int32]
    geometry: pa.ChunkedArray | None
    crs: list[str | None]


def read_reference_maps(
    folder: Path,
    *,
    geometry: bool = True,
    engine: Engine | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReferenceMaps:
    """Read all GeoParquet reference maps of a folder.

    Parameters
    ----------
    folder : Path
        With one ``*.parquet`` a patch. The patch id is the file's name without ``.parquet`` and
        ``_reference_map``. Hidden files and folders in it are left alone.
    geometry : bool
        Whether the polygons are wanted, or only their codes.
    engine : Engine, optional
        Where they are read; if not given, in this process where they are few, else on local
        processes, one a core.
    progress : callable, optional
        Called with the number of files that are read and of all files.

    Returns
    -------
    ReferenceMaps

    Raises
    ------
    MissingInputError
        If there is no such folder or no such file in it.
    InputFormatError
        If a file is damaged, lacks the column ``DN`` or the geometry, has a null, a fraction or an
        unknown code in ``DN``, or two files are of one patch.
    """
    files, patch_ids = _list_files(folder)
    if engine is None and len(files) < _FEW_FILES:
        engine = Engine(workers=1)
    starts = range(0, len(files), _FILES_PER_CHUNK)
    chunks = []
    jobs = [files[start : start + _FILES_PER_CHUNK] for start in starts]
    for chunk in run(partial(_read_chunk, folder, geometry), jobs, engine):
        chunks.append(chunk)
        if progress:
            progress(min(len(chunks) * _FILES_PER_CHUNK, len(files)), len(files))
    rows = np.concatenate([chunk.rows for chunk in chunks])
    maps = ReferenceMaps(
        folder=folder,
        files=files,
        patch_ids=patch_ids,
        crs=tuple(crs for chunk in chunks for crs in chunk.crs),
        patch=np.repeat(np.arange(len(files), dtype=np.int32), rows),
        code=np.concatenate([chunk.code for chunk in chunks]),
        geometry=_concatenate([chunk.geometry for chunk in chunks]) if geometry else None,
    )
    assert len(maps.crs) == len(rows) == len(maps), "every file was read, each once"
    assert len(maps.patch) == len(maps.code), "every polygon has a patch and a code"
    assert maps.geometry is None or len(maps.geometry) == len(maps.code), "and a geometry"
    return maps


def _concatenate(arrays: Sequence[pa.ChunkedArray | None]) -> pa.ChunkedArray:
    chunks = [chunk for array in arrays if array is not None for chunk in array.chunks]
    return pa.chunked_array(chunks, pa.large_binary())


def _list_files(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the files and their patch ids, sorted by patch id."""
    if not folder.is_dir():
        raise MissingInputError(
            f"{folder}: expected a folder of reference maps, <patch id>{MAP_SUFFIX}.parquet, "
            f"but there is {'a file' if folder.exists() else 'nothing'}"
        )
    names = [path.name for path in folder.iterdir() if path.suffix == ".parquet"]
    by_patch: dict[str, str] = {}
    for name in sorted(name for name in names if not name.startswith(".")):
        patch = name.removesuffix(".parquet").removesuffix(MAP_SUFFIX)
        if patch in by_patch:
            raise InputFormatError(
                f"{folder}: expected one reference map a patch, but {by_patch[patch]} and {name} "
                f"are both of {patch}; remove one"
            )
        by_patch[patch] = name
    if not by_patch:
        raise MissingInputError(
            f"{folder}: expected reference maps, <patch id>{MAP_SUFFIX}.parquet, "
            "but there is no .parquet file in it"
        )
    patch_ids = tuple(sorted(by_patch))
    return tuple(by_patch[patch] for patch in patch_ids), patch_ids


def _read_chunk(folder: Path, geometry: bool, names: Sequence[str]) -> _Chunk:
    """Read some files: the work of one worker at a time."""
    codes, geometries, crs = [], [], []
    for name in names:
        table, column, file_crs = _read_file(folder / name, geometry)
        codes.append(_codes(folder / name, table["DN"]))
        crs.append(file_crs)
        if geometry:
            geometries.append(_wkb(folder / name, table[column]))
    rows = np.array([len(code) for code in codes], np.int64)
    code = np.concatenate(codes)
    known = (code >= 0) & (code < _CODE_LIMIT)
    known[known] = _KNOWN_CODES[code[known]]
    if not known.all():
        wrong = int(np.argmin(known))
        name = names[int(np.searchsorted(np.cumsum(rows), wrong, "right"))]
        raise InputFormatError(
            f"{folder / name}: expected CLC 2018 level-3 codes in the column DN, such as 111 or 523, "
            f"or 999, but there is {code[wrong]}"
        )
    combined = pa.concat_arrays(geometries) if geometries else None
    return _Chunk(
        rows, code.astype(np.int32), None if combined is None else pa.chunked_array(combined), crs
    )


def _read_file(path: Path, geometry: bool) -> tuple[pa.Table, str, str | None]:
    """The needed columns, the name of the geometry column, and its reference system."""
    try:
        file = pq.ParquetFile(pa.BufferReader(path.read_bytes()))
        schema = file.schema_arrow
        column = geo_column(schema.metadata, path)
        needed = ["DN", column.name]
        missing = [name for name in needed if name not in schema.names]
        if missing:
            raise InputFormatError(
                f"{path}: expected the column {' and '.join(missing)}, "
                f"but there is only {', '.join(schema.names) or 'nothing'}"
            )
        table = file.read(columns=needed if geometry else ["DN"], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputFormatError(
            f"{path}: expected a whole GeoParquet file, but it cannot be read ({reason}); "
            "download or copy it again"
        ) from None
    return table, column.name, column.crs


def _codes(path: Path, column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The codes of a file as they are; floating-point columns may hold whole numbers."""
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
    values = column.to_numpy()
    if pa.types.is_integer(kind):
        return values.astype(np.int64)
    fractions = values != np.trunc(values)
    if fractions.any():
        raise InputFormatError(
            f"{path}: expected integers in the column DN, but there is {values[fractions][0]}"
        )
    return np.clip(values, -1, _CODE_LIMIT).astype(np.int64)


def _wkb(path: Path, column: pa.ChunkedArray) -> pa.Array:
    kind = column.type
    if not len(column):
        return pa.array([], pa.large_binary())
    if isinstance(kind, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        kind = column.type
    if not (
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    ):
        raise InputFormatError(
            f"{path}: expected geometries encoded as WKB, but their type is {kind}"
        )
    combined = column.combine_chunks().cast(pa.large_binary())
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined


def encode_reference_map_tiff(codes: NDArray[np.uint16], *, epsg: int, x: float, y: float) -> bytes:
    """Make a reference map as the archive keeps it: uint16, DEFLATE with predictor 2, NO_DATA 0.

    Parameters
    ----------
    codes : (height, width) uint16 array
        CLC codes, rows from the north, pixels of 10 m.
    epsg : int
        UTM zone of the coordinates.
    x, y : float
        Upper-left corner in metres.
    """
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    height, width = codes.shape
    profile: dict[str, Any] = {"driver": "GTiff", "count": 1, "dtype": "uint16", "nodata": 0}
    profile |= {"compress": "deflate", "predictor": 2, "crs": _rasterio_crs(epsg)}
    profile |= {"height": height, "width": width, "transform": Affine(10, 0, x, 0, -10, y)}
    with rasterio.Env(), MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(codes, 1)
        return memory.read()


@lru_cache(maxsize=128)
def _rasterio_crs(epsg: int) -> Any:
    from rasterio.crs import CRS

    return CRS.from_epsg(epsg)
