"""Overlapping patches, by the polygons of their reference maps.

Two patches overlap if the interiors of their footprints share a point; edges and corners that touch
do not count. Where the unions of closed polygons share an interior point, two of the polygons do, so
that no union has to be made: the test is GEOS's exact predicate on the coordinates as they are, or
a comparison of boxes where the footprints are boxes. Patches of different reference systems are
compared on an equal-area plane (`area_plane`), where they overlap if they share more than a
square metre.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.patch_names import Product, parse_patch_id
from benkit.errors import InputFormatError, PatchIdError
from benkit.ground.area_plane import LEAST_SHARED_AREA, PAIRS_AT_ONCE, planes
from benkit.ground.grid import Pairs, expand_ranges
from benkit.ground.overlaps import overlap_reasons, pair_table
from benkit.reference_maps.map_footprints import MapFootprints, map_footprints
from benkit.reference_maps.read import ReferenceMaps, evenly_spread
from benkit.reference_maps.reference_systems import (
    Systems,
    areas_on_plane,
    box_intersections,
    latitudes,
    project_footprints,
    shared_map_areas,
    shared_map_ground,
)

_COMPARED = 32  # patches that are compared with all others once more


@dataclass(frozen=True)
class MapOverlaps:
    """Pairs of patches that overlap.

    Attributes
    ----------
    patches, overlapping : int
        All patches, and those that overlap at least one other.
    pairs : (m, 2) int64 array
        Indices of the patches of each pair, the smaller first, in ascending order.
    area : (m,) float64 array or None
        Square metres that each pair shares, if they were asked for; NaN where coordinates of patch ids
        are assumed to be in metres, but are degrees.
    """

    patches: int
    overlapping: int
    pairs: Pairs
    area: NDArray[np.float64] | None = None


def map_overlaps(
    maps: ReferenceMaps, *, assume_same_crs: bool = False, areas: bool = False
) -> MapOverlaps:
    """Find all pairs of patches whose footprints overlap.

    Parameters
    ----------
    maps : ReferenceMaps
        Read with geometries.
    assume_same_crs : bool
        Compare coordinates as they are, whatever the reference systems, and take them as metres.
        Otherwise patches of one reference system are compared exactly in it, and patches of two on an
        equal-area plane.
    areas : bool
        Whether to measure what each pair shares: on the plane of the coordinates, or on the ellipsoid
        where two reference systems are compared or coordinates are in degrees.

    Raises
    ------
    InputFormatError
        If areas are measured or reference systems compared, and a map names none and does not lie
        where its patch id says; or if a system is unknown.
    """
    footprints = map_footprints(maps)
    systems = Systems.of(maps, footprints, assume_same_crs, areas)
    groups = [np.flatnonzero(systems.number == number) for number in range(len(systems))]
    found = [group[_pairs_within(footprints.subset(group))] for group in groups]
    if len(systems) > 1:
        found.append(_pairs_across(footprints, systems))
    pairs = np.sort(np.concatenate(found), axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    overlapping = len(np.unique(pairs))
    assert (pairs[:, 0] < pairs[:, 1]).all(), "no patch overlaps itself"
    assert len(np.unique(pairs, axis=0)) == len(pairs), "each pair is found once"
    assert not np.isnan(footprints.boxes[pairs]).any(), "no empty footprint overlaps another"
    assert all(
        np.array_equal(
            _boxes_met(footprints, systems, one), _partners(footprints, systems, pairs, one)
        )
        for one in evenly_spread(len(maps), _COMPARED)
    ), "patches picked across the maps overlap the boxes that comparing all boxes finds"
    area = shared_map_areas(footprints, systems, pairs) if areas else None
    return MapOverlaps(len(maps), overlapping, pairs, area)


def map_shared_ground(maps: ReferenceMaps, overlaps: MapOverlaps) -> NDArray[np.object_]:
    """The ground that each pair shares: (m,) polygons in degrees (EPSG:4326).

    Raises
    ------
    InputFormatError
        If a map names no reference system and does not lie where its patch id says.
    """
    footprints = map_footprints(maps)
    systems = Systems.of(maps, footprints, assume_same=False, areas=True)
    if None in systems.names:
        raise InputFormatError(
            f"{maps.files[0]}: expected a coordinate reference system, without which nothing tells "
            "where on the Earth the shared ground lies; write .parquet, .csv or .json"
        )
    return shared_map_ground(footprints, systems, overlaps.pairs)


def map_pair_table(maps: ReferenceMaps, overlaps: MapOverlaps) -> pa.Table:
    """The table of `benkit.ground.overlaps.pair_table`, of overlaps with areas.

    Where the name of a file is not a patch id, the reason is null.
    """
    patches, index = np.unique(overlaps.pairs, return_inverse=True)
    products = [_product(maps.patch_ids[patch]) for patch in patches.tolist()]
    reasons = overlap_reasons(products, index.reshape(-1, 2))
    assert overlaps.area is not None, "the areas were asked for"
    return pair_table(maps.patch_ids, overlaps.pairs, overlaps.area, reasons)


def _product(name: str) -> Product | None:
    try:
        return parse_patch_id(name).product
    except PatchIdError:
        return None


def _boxes_met(footprints: MapFootprints, systems: Systems, one: int) -> NDArray[np.int64]:
    """Other patches in the same coordinates, both boxes, whose interior meets that of a patch."""
    west, south, east, north = footprints.boxes.T
    met = (west < east[one]) & (east > west[one]) & (south < north[one]) & (north > south[one])
    met &= footprints.is_box & footprints.is_box[one] & (systems.number == systems.number[one])
    met[one] = False
    return np.flatnonzero(met)


def _partners(
    footprints: MapFootprints, systems: Systems, pairs: Pairs, one: int
) -> NDArray[np.int64]:
    """The same of the pairs that were found."""
    others = np.sort(np.concatenate([pairs[pairs[:, 0] == one, 1], pairs[pairs[:, 1] == one, 0]]))
    alike = footprints.is_box[others] & footprints.is_box[one]
    return others[alike & (systems.number[others] == systems.number[one])]


def _pairs_within(footprints: MapFootprints) -> Pairs:
    """Pairs of footprints in the same coordinates."""
    pairs = _pairs_of_boxes(footprints.boxes)
    exact = footprints.is_box[pairs].all(1)
    rest = pairs[~exact]
    shared = _share_interior(footprints.with_box_polygons(), rest)
    return np.concatenate([pairs[exact], rest[shared]])


def _pairs_across(footprints: MapFootprints, systems: Systems) -> Pairs:
    """Pairs of patches of different reference systems."""
    import shapely

    found = [np.empty((0, 2), np.int64)]
    for plane, some in planes(latitudes(footprints, systems)):
        outlines = project_footprints(shapely.box(*footprints.boxes[some].T), some, systems, plane)
        pairs = some[_pairs_of_boxes(shapely.bounds(outlines))]
        pairs = pairs[systems.number[pairs[:, 0]] != systems.number[pairs[:, 1]]]
        area = areas_on_plane(footprints, systems, pairs, plane)
        found.append(pairs[area > LEAST_SHARED_AREA])
    return np.unique(np.concatenate(found), axis=0)


def _pairs_of_boxes(boxes: NDArray[np.float64]) -> Pairs:
    """Pairs of boxes whose interiors share a point."""
    import shapely

    some = np.flatnonzero(~np.isnan(boxes).any(1))
    outlines = shapely.box(*boxes[some].T)
    found = some[shapely.STRtree(outlines).query(outlines).T]
    found = found[found[:, 0] < found[:, 1]]
    width, height = box_intersections(boxes[found[:, 0]], boxes[found[:, 1]])
    return found[(width > 0) & (height > 0)]


def _share_interior(footprints: MapFootprints, pairs: Pairs) -> NDArray[np.bool_]:
    """Whether a polygon of one and a polygon of the other share an interior point, for each pair."""
    import shapely

    bounds = shapely.bounds(footprints.polygons)
    shared = np.zeros(len(pairs), bool)
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        some = pairs[start : start + PAIRS_AT_ONCE]
        pair, first, second = _candidates(footprints, bounds, some)
        rank = expand_ranges(0, np.bincount(pair))[1]
        done, width = 0, 1
        while (open_ := ~shared[start + pair] & (rank >= done) & (rank < done + width)).any():
            met = shapely.relate_pattern(
                footprints.polygons[first[open_]], footprints.polygons[second[open_]], "T********"
            )
            shared[start + pair[open_][met]] = True
            done, width = done + width, 2 * width
    return shared


def _candidates(
    footprints: MapFootprints, bounds: NDArray, pairs: Pairs
) -> tuple[NDArray, NDArray, NDArray]:
    """Polygons of each pair whose boxes overlap, largest shared box first: pair, first, second."""
    heads, counts = footprints.first, footprints.counts
    of_first, of_second = counts[pairs[:, 0]], counts[pairs[:, 1]]
    pair, step = expand_ranges(0, of_first * of_second)
    first = heads[pairs[pair, 0]] + step // of_second[pair]
    second = heads[pairs[pair, 1]] + step % of_second[pair]
    width, height = box_intersections(bounds[first], bounds[second])
    near = np.flatnonzero((width > 0) & (height > 0))
    near = near[np.lexsort((-width[near] * height[near], pair[near]))]
    return pair[near], first[near], second[near]
