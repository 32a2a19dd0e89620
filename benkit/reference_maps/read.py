"""Read a folder of reference maps in GeoParquet."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.engine import Engine
from benkit.engine.progress import Progress, reporter
from benkit.files.remote.location import as_path
from benkit.reference_maps.map_files import find_maps, run_over_maps
from benkit.reference_maps.read_map import joined_wkb, read_map_polygons


@dataclass(frozen=True)
class ReferenceMaps:
    """The polygons of a folder of reference maps.

    Attributes
    ----------
    files : tuple of Path
        Sorted by patch id.
    patch_ids : tuple of str
        Each once, sorted.
    crs : tuple of str or None
        Coordinate reference system of each file, as `MapPolygons` has it.
    patch : (k,) int32 array
        For each polygon the index of its patch, ascending. A patch without polygons has none here.
    code : (k,) int32 array
        For each polygon its CLC code, one of `CLC_TO_CLASS`.
    geometry : pyarrow.ChunkedArray or None
        For each polygon its WKB as large_binary, null where the file has none; None if the maps were
        read without geometries.
    """

    files: tuple[Path, ...]
    patch_ids: tuple[str, ...]
    crs: tuple[str | None, ...]
    patch: NDArray[np.int32]
    code: NDArray[np.int32]
    geometry: pa.ChunkedArray | None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.patch_ids)


def read_reference_maps(
    folder: str | os.PathLike[str],
    *,
    geometry: bool = True,
    engine: Engine | None = None,
    progress: Progress = None,
) -> ReferenceMaps:
    """Read all reference maps of a folder that are in GeoParquet.

    Parameters
    ----------
    folder : Path
        With one ``*.parquet`` a patch. The patch id is the file's name without ``.parquet`` and
        ``_reference_map``. Hidden files and folders in it are left alone.
    geometry : bool
        Whether to keep the polygons, not only their codes.
    engine : Engine, optional
        As of `benkit.measure_land_cover`.
    progress : bool or callable, optional
        Off, on (shown on stderr), or called with (maps read, of all, 0).
    """
    report = reporter(progress)
    found = find_maps(as_path(folder), only_polygons=True)
    files = tuple(found.values())
    chunks = []
    for done, chunk in run_over_maps(partial(_read_chunk, geometry), files, engine):
        chunks.append(chunk)
        report(done, len(files), 0)
    crs, counts, codes, geometries = zip(*chunks, strict=True)
    polygons = np.concatenate(counts)
    maps = ReferenceMaps(
        files=files,
        patch_ids=tuple(found),
        crs=tuple(chain.from_iterable(crs)),
        patch=np.repeat(np.arange(len(files), dtype=np.int32), polygons),
        code=np.concatenate(codes),
        geometry=pa.chunked_array(geometries) if geometry else None,
    )
    assert len(maps.crs) == len(polygons) == len(maps), "every file was read, each once"
    assert len(maps.patch) == len(maps.code), "every polygon has a patch and a code"
    assert maps.geometry is None or len(maps.geometry) == len(maps.code), "and a geometry"
    return maps


def evenly_spread(patches: int, most: int) -> list[int]:
    """Indices of some patches, spread evenly over all, whose results are worked out once more.

    Examples
    --------
    >>> evenly_spread(9, 3), evenly_spread(2, 3)
    ([0, 4, 8], [0, 1])
    """
    return np.linspace(0, patches - 1, min(patches, most)).astype(int).tolist()


def _read_chunk(
    geometry: bool, files: Sequence[Path]
) -> tuple[list[str | None], NDArray[np.int64], NDArray[np.int32], pa.Array | None]:
    """CRS and number of polygons of each file, and codes and WKB of all their polygons."""
    maps = [read_map_polygons(path) for path in files]
    counts = np.array([len(polygons.code) for polygons in maps], np.int64)
    codes = np.concatenate([polygons.code for polygons in maps]).astype(np.int32)
    return [one.crs for one in maps], counts, codes, joined_wkb(maps) if geometry else None
