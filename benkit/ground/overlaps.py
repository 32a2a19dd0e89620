"""Which patches show the same ground.

Patches overlap when their interiors share a point; touching edges or corners do not count. Within a
UTM zone footprints are squares on whole metres, or on 1/1024 m where a scene has a grid of its own: the
test and the shared area are exact. Patches of different zones are compared on an equal-area plane
(`area_plane`), where they overlap if they share more than a square metre.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES, Product
from benkit.ground.area_plane import (
    FARTHEST_CENTRES,
    LEAST_SHARED_AREA,
    PIECES_PER_EDGE,
    intersection_areas,
    plane_of,
    planes,
    polygons_of_pairs,
    project_polygons,
    shared_polygons,
)
from benkit.ground.footprints import Footprints
from benkit.ground.grid import (
    TOUCHING,
    Pairs,
    connected_components,
    distinct_cells,
    near_pairs,
    neighbouring_cells,
)
from benkit.ground.points import Points
from benkit.ground.projection import project_from_zones, transform_between

REASONS = (
    "same tile on another date",
    "same tile on the same date",
    "neighbouring tile",
    "neighbouring UTM zone",
)
"""Why two patches can show the same ground. The second is of products that differ in another part of
their names only, such as the processing baseline."""

_SOUTH = 10_000_000  # false northing of the southern hemisphere in metres
_METRES_PER_DEGREE = 111_000  # of latitude, roughly


def overlapping_pairs(places: Footprints | Points) -> Pairs:
    """All pairs of patches that share ground, across dates, tiles and UTM zones.

    The smaller index comes first, and the pairs are in ascending order.
    """
    if isinstance(places, Points):
        return places.pairs()
    zone, north = places.epsg % 100, _northings(places)
    within = _pairs_within_zones(zone, places.x, north)
    pairs = np.sort(np.concatenate([within, _pairs_across_zones(places, zone, north)]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def shared_areas(places: Footprints | Points, pairs: Pairs) -> NDArray[np.float64]:
    """The ground that pairs of patches share: (m,) float64 array, square metres.

    Exact in the coordinates of the UTM zone where both lie in the same one, else on the ellipsoid; NaN
    where points tell the places.
    """
    if isinstance(places, Points):
        return places.areas(pairs)
    north = _northings(places)
    first, second = pairs[:, 0], pairs[:, 1]
    wide = PATCH_METRES - np.abs(places.x[first] - places.x[second])
    high = PATCH_METRES - np.abs(north[first] - north[second])
    area = (np.maximum(wide, 0) * np.maximum(high, 0)).astype(np.float64)
    across = np.flatnonzero(places.epsg[first] % 100 != places.epsg[second] % 100)
    of_pair = plane_of(north[first[across]] / _METRES_PER_DEGREE)
    for plane in np.unique(of_pair).tolist():
        some = across[of_pair == plane]
        area[some] = intersection_areas(pairs[some], _squares_on_plane(places, plane))
    return area


def shared_ground(places: Footprints | Points, pairs: Pairs) -> NDArray[np.object_]:
    """The ground that pairs of patches share: (m,) polygons in degrees (EPSG:4326), or points."""
    import shapely

    if isinstance(places, Points):
        if places.polygons is None and not places.edge:
            return np.asarray(shapely.points(places.degrees[pairs[:, 0]]), object)
        return shared_polygons(
            pairs, places.degrees[:, 1], lambda plane: partial(places.outlines, plane)
        )
    degrees = _northings(places) / _METRES_PER_DEGREE
    return shared_polygons(pairs, degrees, lambda plane: _squares_on_plane(places, plane, pieces=1))


def overlap_reasons(
    products: Sequence[Product | None], pairs: NDArray[np.signedinteger]
) -> pa.Array:
    """Why patches overlap: one of `REASONS` for each pair of products, null where one is not known."""
    known = np.array([product is not None for product in products], bool)
    tile = np.array([product.tile.name if product else "" for product in products])
    zone = np.array([product.tile.epsg % 100 if product else 0 for product in products])
    day = np.array([p.sensing_start.toordinal() if p else 0 for p in products])
    first, second = pairs[:, 0], pairs[:, 1]
    reason = np.where(day[first] != day[second], 0, 1)
    reason[tile[first] != tile[second]] = 2
    reason[zone[first] != zone[second]] = 3
    unknown = ~(known[first] & known[second])
    return pa.array(REASONS, pa.string()).take(pa.array(reason, pa.int8(), mask=unknown))


def ground_groups(places: Footprints, pairs: Pairs | None = None) -> NDArray[np.int64]:
    """Number of each patch's group, which shared ground joins: (n,) int64 array.

    Groups are counted from 0 in the order of their first patches. Pairs that share ground may be given.
    """
    pairs = overlapping_pairs(places) if pairs is None else pairs
    return connected_components(len(places), pairs)


def pair_table(
    patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray,
    pairs: Pairs,
    areas: NDArray[np.float64],
    reasons: pa.Array,
) -> pa.Table:
    """Pairs as a table: ``first`` and ``second``, which are patch ids, ``area_m2`` and ``reason``.

    Areas that are NaN are null in it.
    """
    ids = pa.array(patch_ids, pa.string()) if isinstance(patch_ids, Sequence) else patch_ids
    columns = {"first": ids.take(pairs[:, 0]), "second": ids.take(pairs[:, 1])}
    return pa.table(
        columns | {"area_m2": pa.array(areas.round(2), from_pandas=True), "reason": reasons}
    )


def _northings(places: Footprints) -> NDArray[np.int64]:
    """Metres from the equator."""
    return places.y - _SOUTH * (places.epsg >= 32700)


def _pairs_within_zones(zone: NDArray, x: NDArray, y: NDArray) -> Pairs:
    """Squares of one zone overlap when both their corners' coordinates differ by less than a side."""
    corners = np.stack([x, y], axis=1)
    found = [np.empty((0, 2), np.int64)]
    for number in np.unique(zone).tolist():
        some = np.flatnonzero(zone == number)
        found.append(some[near_pairs(corners[some], PATCH_METRES)])
    return np.concatenate(found)


def _pairs_across_zones(places: Footprints, zone: NDArray, north: NDArray) -> Pairs:
    """Pairs of patches of different zones, however far apart their numbers are."""
    import shapely

    found = [np.empty((0, 2), np.int64)]
    for plane, some in planes(north / _METRES_PER_DEGREE):
        x, y = places.x[some] + PATCH_METRES / 2, places.y[some] - PATCH_METRES / 2
        centres = project_from_zones(places.epsg[some], plane, x, y)
        border = _where_zones_meet(zone[some], centres)
        some, centres = some[border], centres[border]
        pairs = near_pairs(centres, FARTHEST_CENTRES)
        pairs = np.sort(some[pairs[zone[some[pairs[:, 0]]] != zone[some[pairs[:, 1]]]]], axis=1)
        first, second = polygons_of_pairs(pairs, _squares_on_plane(places, plane, pieces=1))
        pairs = pairs[shapely.dwithin(first, second, 1)]
        area = intersection_areas(pairs, _squares_on_plane(places, plane))
        found.append(pairs[area > LEAST_SHARED_AREA])
    return np.unique(np.concatenate(found), axis=0)


def _where_zones_meet(zone: NDArray, centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """Points that have one of another zone in the same or a neighbouring cell of a plane's grid."""
    cells, cell = distinct_cells(centres, FARTHEST_CENTRES)
    least = np.full(len(cells) + 1, zone.max(initial=0))
    greatest = np.zeros(len(cells) + 1, zone.dtype)
    np.minimum.at(least, cell, zone)
    np.maximum.at(greatest, cell, zone)
    around = np.column_stack([neighbouring_cells(cells, TOUCHING), np.arange(len(cells))])
    return np.flatnonzero((least[around].min(1) < greatest[around].max(1))[cell])


def _squares_on_plane(
    places: Footprints, plane: int, pieces: int = PIECES_PER_EDGE
) -> Callable[[NDArray[np.int64]], NDArray[np.object_]]:
    """The function that gives the footprints of patches as polygons on a plane."""
    import shapely

    def squares_of(patches: NDArray[np.int64]) -> NDArray[np.object_]:
        x, y, systems = places.x[patches], places.y[patches], places.epsg[patches]
        squares = shapely.box(x, y - PATCH_METRES, x + PATCH_METRES, y)
        for epsg in np.unique(systems).tolist():
            some = systems == epsg
            squares[some] = project_polygons(squares[some], transform_between(epsg, plane), pieces)
        return squares

    return squares_of
