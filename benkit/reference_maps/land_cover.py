"""Areas of the CLC codes of each patch, measured from its reference map."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.classes import CODE_LIMIT, UNLABELED_CODES
from benkit.domain.crs import is_utm, shown_crs
from benkit.domain.patch_names import PATCH_METRES
from benkit.engine import Engine
from benkit.engine.progress import Progress, reporter
from benkit.errors import InputFormatError
from benkit.files.remote.location import as_path
from benkit.files.tables.geoparquet import CRS_IF_ABSENT
from benkit.reference_maps.map_files import (
    POLYGON_SUFFIXES,
    find_maps,
    patch_of,
    run_over_maps,
)
from benkit.reference_maps.patch_place import require_place
from benkit.reference_maps.read_map import (
    MapPolygons,
    joined_wkb,
    read_map_pixels,
    read_map_polygons,
)
from benkit.reference_maps.wkb import POLYGONS_AT_ONCE, damaged_wkb, read_wkb
from benkit.tiff.gdal import gdal_session

PATCH_AREA = float(PATCH_METRES**2)
"""Square metres of ground that a patch shows."""

_SAME_AREA = 1e-9  # relative; sums of the same areas differ by less


@dataclass(frozen=True)
class LandCover:
    """Areas of the CLC codes of patches.

    Attributes
    ----------
    patch_ids : tuple of str
        Each once, sorted.
    patch : (k,) int32 array
        Index of a patch, ascending. A patch without polygons has none here.
    code : (k,) int32 array
        One of the CLC codes of that patch, each once, ascending within the patch.
    area : (k,) float64 array
        Square metres.
    """

    patch_ids: tuple[str, ...]
    patch: NDArray[np.int32]
    code: NDArray[np.int32]
    area: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.patch_ids)

    @property
    def ground(self) -> NDArray[np.float64]:
        """Square metres of each patch: `PATCH_AREA`, or the sum over its codes if that is more."""
        return np.maximum(np.bincount(self.patch, self.area, len(self)), PATCH_AREA)

    @property
    def unlabelled(self) -> NDArray[np.float64]:
        """Share of each patch that belongs to none of the 19 classes, or has no code at all."""
        labelled = ~np.isin(self.code, UNLABELED_CODES)
        area = np.bincount(self.patch[labelled], self.area[labelled], len(self))
        return (self.ground - area) / self.ground


def measure_land_cover(
    *folders: str | os.PathLike[str],
    without: Collection[str] = frozenset(),
    engine: Engine | None = None,
    progress: Progress = None,
) -> LandCover:
    """Measure the area of each CLC code, in every reference map below some folders.

    The area of a polygon is the planar area of its shell less its holes. Rings that cross count by
    the even-odd rule, parts of a multipolygon that overlap once, null and empty geometries as
    nothing. In a GeoTIFF it is the number of pixels times the area of one.

    Parameters
    ----------
    *folders : path
        With GeoParquet files or GeoTIFFs, see `benkit.reference_maps.map_files.find_maps`.
    without : collection of str
        Patches whose maps are not read.
    engine : Engine, optional
        Where they are read; if it does not give the number of workers, in this process where the
        maps are few, else on local processes, one a core.
    progress : bool or callable, optional
        Off, on (shown on stderr), or called with (maps read, of all, bytes read).
    """
    report = reporter(progress)
    found = find_maps(*map(as_path, folders))
    maps = {patch: path for patch, path in found.items() if patch not in without}
    files = [*maps.values()]
    parts = []
    first = size = 0
    for done, (numbers, codes, areas, read) in run_over_maps(_measure_files, files, engine):
        parts.append(((numbers + first).astype(np.int32), codes.astype(np.int32), areas))
        first, size = done, size + read
        report(done, len(files), size)
    patch, code, area = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    cover = LandCover(tuple(maps), patch, code, area)
    keys = patch.astype(np.int64) * CODE_LIMIT + code
    assert (np.diff(keys) > 0).all(), "a patch has each of its codes once, in order"
    assert np.isfinite(area).all() and (area >= 0).all(), "areas are measured"
    return cover


_Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.floating]]


def _measure_files(files: Sequence[Path]) -> tuple[NDArray, NDArray, NDArray, int]:
    """Number of the file, code and area of every code of some maps, and their bytes."""
    polygons = [path.suffix.lower() in POLYGON_SUFFIXES for path in files]
    vector = [number for number, is_polygons in enumerate(polygons) if is_polygons]
    raster = [number for number, is_polygons in enumerate(polygons) if not is_polygons]
    rows = [*_polygon_rows(files, vector), *(_pixel_rows(files, raster) if raster else ())]
    patch, code, area = (np.concatenate(columns) for columns in zip(*rows, strict=True))
    keys, index = np.unique(patch * CODE_LIMIT + code, return_inverse=True)
    areas = np.bincount(index, area, len(keys)).astype(np.float64)
    return keys // CODE_LIMIT, keys % CODE_LIMIT, areas, sum(path.stat().st_size for path in files)


def _polygon_rows(files: Sequence[Path], numbers: Sequence[int]) -> Iterator[_Rows]:
    """Number of the file, code and area of every polygon, of some files at a time."""
    maps: dict[int, MapPolygons] = {}
    waiting = 0
    for number in numbers:
        maps[number] = read_map_polygons(files[number])
        _require_metres(files[number], maps[number].crs)
        waiting += len(maps[number].code)
        if waiting >= POLYGONS_AT_ONCE or number == numbers[-1]:
            yield _measured(files, maps)
            maps, waiting = {}, 0


def _measured(files: Sequence[Path], maps: Mapping[int, MapPolygons]) -> _Rows:
    patch = np.repeat([*maps], [len(polygons.code) for polygons in maps.values()])
    code = np.concatenate([polygons.code for polygons in maps.values()])
    wkb = joined_wkb([*maps.values()])
    area, damaged, bounds = polygon_areas(wkb, patch)
    if damaged.any():
        first = int(np.argmax(damaged))
        raise damaged_wkb(files[patch[first]], wkb[first].as_py())
    for number in [number for number, polygons in maps.items() if polygons.crs is None]:
        some = bounds[np.searchsorted(patch, number) : np.searchsorted(patch, number, "right")]
        low = np.fmin.reduce(some[:, :2], 0, initial=np.nan)
        box = np.append(low, np.fmax.reduce(some[:, 2:], 0, initial=np.nan))
        require_place(files[number], patch_of(files[number]), box)
    return patch, code, area


def _pixel_rows(files: Sequence[Path], numbers: Sequence[int]) -> Iterator[_Rows]:
    """Number of the file, code and area of every code, file by file."""
    with gdal_session():
        for number in numbers:
            pixels = read_map_pixels(files[number])
            _require_metres(files[number], pixels.crs)
            if pixels.crs is None:
                require_place(files[number], patch_of(files[number]), pixels.box)
            areas = pixels.pixels * pixels.pixel_area
            yield np.full(len(pixels.code), number), pixels.code, areas


def _require_metres(path: Path, crs: str | None) -> None:
    if crs is not None and not is_utm(crs):
        unnamed = " (degrees, also where no system is named)" if crs == CRS_IF_ABSENT else ""
        raise InputFormatError(
            f"{path}: expected coordinates in a UTM zone, in which areas are square metres, but they "
            f"are in {shown_crs(crs)}{unnamed}; write the map in its UTM zone"
        )


def polygon_areas(
    wkb: pa.Array, group: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Planar areas of geometries in WKB, whether each is damaged, and their bounds.

    Testing every polygon for validity would take longer than all else. Where the areas of a group,
    numbered in ascending order, add up to its bounding box, as those of a whole map do, its polygons
    are taken as valid. Areas are in the square of the unit of the coordinates, 0 for null; for invalid
    polygons see `measure_land_cover`. Bounds are least x, least y, greatest x, greatest y, NaN for null.
    """
    import shapely

    texts = np.array([None, *wkb.to_pylist()], object)[1:]  # to_numpy would load pandas
    geometries, damaged = read_wkb(texts)
    absent = np.array([text is None for text in texts], bool)
    area = np.where(absent, 0.0, shapely.area(np.where(damaged, np.array(None), geometries)))
    bounds = shapely.bounds(geometries)
    if damaged.any() or not len(area):
        return area, damaged, bounds
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    low, high = np.fmin.reduceat(bounds, starts), np.fmax.reduceat(bounds, starts)
    box = (high[:, 2] - low[:, 0]) * (high[:, 3] - low[:, 1])
    doubtful = ~np.isclose(np.add.reduceat(area, starts), box, rtol=_SAME_AREA, atol=0)
    check = np.repeat(doubtful, np.diff(starts, append=len(area))) & ~absent
    check[check] = ~shapely.is_valid(geometries[check])
    area[check] = shapely.area(shapely.make_valid(geometries[check]))
    return area, damaged, bounds
