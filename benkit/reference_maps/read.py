"""Read whole folders of reference maps in GeoParquet, and write reference maps as GeoTIFF.

The folder has one file ``<patch id>_reference_map.parquet`` a patch (see `map_files`).
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.engine import Engine, run
from benkit.errors import InputFormatError, MissingInputError
from benkit.reference_maps.map_files import MAP_SUFFIX, joined_wkb, read_polygons

__all__ = [
    "ReferenceMaps",
    "encode_reference_map_tiff",
    "read_reference_maps",
]

_FILES_PER_CHUNK = 512
_FEW_FILES = 3000  # below, starting other processes costs more than it saves


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
    geometry: pa.Array | None
    crs: list[str | None]


def read_reference_maps(
    folder: str | os.PathLike[str],
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
    folder = Path(folder)
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
        geometry=pa.chunked_array([chunk.geometry for chunk in chunks]) if geometry else None,
    )
    assert len(maps.crs) == len(rows) == len(maps), "every file was read, each once"
    assert len(maps.patch) == len(maps.code), "every polygon has a patch and a code"
    assert maps.geometry is None or len(maps.geometry) == len(maps.code), "and a geometry"
    return maps


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
    maps = [read_polygons(folder / name) for name in names]
    return _Chunk(
        rows=np.array([len(polygons.code) for polygons in maps], np.int64),
        code=np.concatenate([polygons.code for polygons in maps]).astype(np.int32),
        geometry=joined_wkb(maps) if geometry else None,
        crs=[polygons.crs for polygons in maps],
    )


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
