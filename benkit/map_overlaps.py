"""Which patches show the same ground, from the polygons of their reference maps.

Two patches overlap when the interiors of their footprints share a point; edges and corners that touch
do not count. Where the unions of some closed polygons share an interior point, two of the polygons do,
so that no union is ever made: the test is GEOS's exact predicate on the coordinates as they are, or a
comparison of boxes where the footprints are boxes.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.io.reference_maps import ReferenceMaps
from benkit.map_footprints import MapFootprints, map_footprints

__all__ = ["EQUAL_AREA_EPSG", "MapOverlaps", "map_overlaps"]

EQUAL_AREA_EPSG = 6933
"""The equal-area projection in which patches of different reference systems are compared."""

_LEAST_SHARED_AREA = 1.0  # m²; reprojected edges that touch may cross by far less
_PIECES_PER_EDGE = 16  # of an edge as long as the footprint
_PAIRS_AT_ONCE = 4096

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class MapOverlaps:
    """Patches that share ground.

    Attributes
    ----------
    patches : int
        All patches.
    overlapping : int
        Those that overlap at least one other, each once.
    pairs : (m, 2) int64 array
        Indices of the patches of each pair, the smaller first, in ascending order.
    """

    patches: int
    overlapping: int
    pairs: Pairs


def map_overlaps(maps: ReferenceMaps, *, assume_same_crs: bool = False) -> MapOverlaps:
    """Find all pairs of patches that share ground.

    Parameters
    ----------
    maps : ReferenceMaps
        Read with geometries.
    assume_same_crs : bool
        Compare coordinates as they are, whatever the reference systems. Otherwise patches of one
        reference system are compared exactly in it, and patches of two in EPSG:6933 with edges in
        pieces of a sixteenth of the footprint, where they overlap if two polygons share more than
        1 m².

    Raises
    ------
    InputFormatError
        If a geometry is damaged, or reference systems have to be compared and one is unknown.
    """
    footprints = map_footprints(maps)
    names = tuple(dict.fromkeys(maps.crs))
    crs = np.array([names.index(name) for name in maps.crs], np.int64)
    if assume_same_crs or len(names) <= 1:
        pairs = _pairs_within(footprints)
    else:
        groups = [np.flatnonzero(crs == number) for number in range(len(names))]
        found = [group[_pairs_within(_subset(footprints, group))] for group in groups]
        pairs = np.concatenate([*found, _pairs_across(footprints, crs, _transformers(maps, names))])
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    overlapping = len(np.unique(pairs))
    assert (pairs[:, 0] < pairs[:, 1]).all(), "no patch overlaps itself"
    assert len(np.unique(pairs, axis=0)) == len(pairs), "each pair is found once"
    assert overlapping <= min(len(maps), 2 * len(pairs)), "a pair has two patches"
    assert not np.isnan(footprints.boxes[pairs]).any(), "what shares ground has some"
    return MapOverlaps(len(maps), overlapping, pairs)


def _pairs_within(footprints: MapFootprints) -> Pairs:
    """Pairs of footprints in the same coordinates."""
    pairs = _pairs_of_boxes(footprints.boxes)
    exact = footprints.is_box[pairs].all(1)
    rest = pairs[~exact]
    shared = _share_interior(footprints.with_box_polygons(), rest)
    return np.concatenate([pairs[exact], rest[shared]])


def _pairs_of_boxes(boxes: NDArray[np.float64]) -> Pairs:
    """Pairs of boxes whose interiors share a point."""
    import shapely

    some = np.flatnonzero(~np.isnan(boxes).any(1))
    outlines = shapely.box(*boxes[some].T)
    found = some[shapely.STRtree(outlines).query(outlines).T]
    found = found[found[:, 0] < found[:, 1]]
    width, height = _shared_sides(boxes[found[:, 0]], boxes[found[:, 1]])
    return found[(width > 0) & (height > 0)]


def _shared_sides(first: NDArray, second: NDArray) -> tuple[NDArray, NDArray]:
    """Width and height of the shared part of boxes; not positive where there is none."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    return high[:, 0] - low[:, 0], high[:, 1] - low[:, 1]


def _share_interior(
    footprints: MapFootprints, pairs: Pairs, least_area: float | None = None
) -> NDArray[np.bool_]:
    """Whether a polygon of one and a polygon of the other share an interior point, for each pair."""
    import shapely

    bounds = shapely.bounds(footprints.polygons)
    shared = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[start : start + _PAIRS_AT_ONCE]
        pair, first, second = _candidates(footprints, bounds, some)
        counts = np.bincount(pair, minlength=len(some))
        heads = np.cumsum(counts) - counts
        rank = np.arange(len(pair)) - heads[pair]
        done, width = 0, 1
        while (open_ := ~shared[start + pair] & (rank >= done) & (rank < done + width)).any():
            met = _meet(
                footprints.polygons[first[open_]], footprints.polygons[second[open_]], least_area
            )
            shared[start + pair[open_][met]] = True
            done, width = done + width, 2 * width
    return shared


def _candidates(
    footprints: MapFootprints, bounds: NDArray, pairs: Pairs
) -> tuple[NDArray, NDArray, NDArray]:
    """Polygons of each pair whose boxes overlap, largest shared box first: pair, first, second."""
    heads, counts = footprints.first[:-1], np.diff(footprints.first)
    of_first, of_second = counts[pairs[:, 0]], counts[pairs[:, 1]]
    total = of_first * of_second
    pair = np.repeat(np.arange(len(pairs)), total)
    step = np.arange(total.sum()) - np.repeat(np.cumsum(total) - total, total)
    first = heads[pairs[pair, 0]] + step // of_second[pair]
    second = heads[pairs[pair, 1]] + step % of_second[pair]
    width, height = _shared_sides(bounds[first], bounds[second])
    near = np.flatnonzero((width > 0) & (height > 0))
    near = near[np.lexsort((-width[near] * height[near], pair[near]))]
    return pair[near], first[near], second[near]


def _meet(first: NDArray, second: NDArray, least_area: float | None) -> NDArray[np.bool_]:
    import shapely

    if least_area is None:
        return shapely.relate_pattern(first, second, "T********")
    return shapely.area(shapely.intersection(first, second)) > least_area


def _transformers(maps: ReferenceMaps, names: tuple[str | None, ...]) -> list:
    """From each reference system to the common one."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    found = []
    for name in names:
        file = maps.path(maps.crs.index(name))
        if name is None:
            raise InputFormatError(
                f"{file}: expected a coordinate reference system, as other files of the folder have "
                "one, but there is none; compare coordinates as they are (assume the same CRS) instead"
            )
        try:
            found.append(Transformer.from_crs(name, EQUAL_AREA_EPSG, always_xy=True))
        except ProjError as error:
            raise InputFormatError(
                f"{file}: expected a known coordinate reference system, but {name[:80]} is none "
                f"({str(error).splitlines()[0]})"
            ) from None
    return found


def _pairs_across(footprints: MapFootprints, crs: NDArray, transformers: list) -> Pairs:
    """Pairs of patches of different reference systems."""
    import shapely

    some = np.flatnonzero(~np.isnan(footprints.boxes).any(1))
    boxes = np.full_like(footprints.boxes, np.nan)
    outlines = _project(shapely.box(*footprints.boxes[some].T), crs[some], transformers)
    boxes[some] = shapely.bounds(outlines)
    pairs = _pairs_of_boxes(boxes)
    pairs = pairs[crs[pairs[:, 0]] != crs[pairs[:, 1]]]
    wanted, index = np.unique(pairs, return_inverse=True)
    chosen = _subset(footprints, wanted).with_box_polygons()
    of_polygon = np.repeat(crs[wanted], np.diff(chosen.first))
    chosen = replace(chosen, polygons=_project(chosen.polygons, of_polygon, transformers))
    shared = _share_interior(chosen, index.reshape(-1, 2), _LEAST_SHARED_AREA)
    return pairs[shared]


def _project(polygons: NDArray, crs: NDArray, transformers: list) -> NDArray[np.object_]:
    """Polygons in the common reference system, their edges cut into short pieces first."""
    import shapely

    bounds = shapely.bounds(polygons)
    sides = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    projected = shapely.segmentize(polygons, sides / _PIECES_PER_EDGE)
    for number in np.unique(crs):
        of_crs = crs == number
        projected[of_crs] = shapely.transform(
            projected[of_crs], partial(_project_points, transformers[number])
        )
    broken = ~shapely.is_valid(projected)
    projected[broken] = shapely.buffer(projected[broken], 0)
    return projected


def _project_points(transformer: Any, points: NDArray) -> NDArray:
    return np.stack(transformer.transform(points[:, 0], points[:, 1]), axis=1)


def _subset(footprints: MapFootprints, patches: NDArray[np.int64]) -> MapFootprints:
    counts = np.diff(footprints.first)[patches]
    firsts = np.concatenate([[0], np.cumsum(counts)])
    steps = np.arange(firsts[-1]) - np.repeat(firsts[:-1], counts)
    polygons = footprints.polygons[np.repeat(footprints.first[patches], counts) + steps]
    return MapFootprints(footprints.boxes[patches], footprints.is_box[patches], firsts, polygons)
