"""Which patches show the same ground.

Patches overlap when their interiors share a point; touching edges or corners do not count. Within a
UTM zone footprints are squares on whole metres: the test and the shared area are exact integer
arithmetic. Patches of different zones are compared on an equal-area plane (`area_plane`), where
they overlap if they share more than a square metre.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.bands import PATCH_METRES
from benkit.domain.patch_names import Product
from benkit.ground.area_plane import (
    FARTHEST_CENTRES,
    PIECES_PER_EDGE,
    plane_of,
    planes,
    project_polygons,
    transform_to,
)
from benkit.ground.footprints import Footprints

__all__ = [
    "REASONS",
    "ground_groups",
    "overlap_reasons",
    "overlapping_pairs",
    "pair_table",
    "shared_areas",
]

Pairs = NDArray[np.int64]

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
_NEIGHBOUR_CELLS = ((0, 1), (1, -1), (1, 0), (1, 1))  # half of the eight: each pair is met once
_CELL_OFFSET = 2**20  # cells; coordinates stay far below, on either side of 0
_LEAST_SHARED_AREA = 1.0  # m²; reprojected edges that touch may cross by far less


def overlapping_pairs(places: Footprints) -> Pairs:
    """All pairs of patches that share ground, across dates, tiles and UTM zones.

    Parameters
    ----------
    places : Footprints

    Returns
    -------
    (m, 2) int64 array
        Indices of the patches of each pair, the smaller first, in ascending order.
    """
    zone, north = places.epsg % 100, _northings(places)
    within = _pairs_within_zones(zone, places.x, north)
    pairs = np.sort(np.concatenate([within, _pairs_across_zones(places, zone, north)]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def shared_areas(places: Footprints, pairs: Pairs) -> NDArray[np.float64]:
    """The ground that pairs of patches share.

    Parameters
    ----------
    places : Footprints
    pairs : (m, 2) int array

    Returns
    -------
    (m,) float64 array
        Square metres: exact in the coordinates of the UTM zone where both lie in the same one, else
        on the ellipsoid.
    """
    north = _northings(places)
    first, second = pairs[:, 0], pairs[:, 1]
    wide = PATCH_METRES - np.abs(places.x[first] - places.x[second])
    high = PATCH_METRES - np.abs(north[first] - north[second])
    area = (np.maximum(wide, 0) * np.maximum(high, 0)).astype(np.float64)
    across = np.flatnonzero(places.epsg[first] % 100 != places.epsg[second] % 100)
    of_pair = plane_of(north[first[across]] / _METRES_PER_DEGREE)
    for plane in np.unique(of_pair).tolist():
        some = across[of_pair == plane]
        area[some] = _areas_on_plane(places, pairs[some], plane)
    return area


def overlap_reasons(
    products: Sequence[Product | None], pairs: NDArray[np.signedinteger]
) -> pa.Array:
    """Why patches overlap, from their products.

    Parameters
    ----------
    products : sequence of Product or None
        None where it is not known.
    pairs : (m, 2) int array
        Indices into the products.

    Returns
    -------
    pyarrow.Array
        One of `REASONS` for each pair, null where a product is not known.
    """
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
    """Patches joined through shared ground: the same number for all that hang together.

    Parameters
    ----------
    places : Footprints
    pairs : (m, 2) int array, optional
        Pairs that share ground, if known already.

    Returns
    -------
    (n,) int64 array
        Number of each patch's group, counted from 0 in the order of their first patches.
    """
    pairs = overlapping_pairs(places) if pairs is None else pairs
    first, second = pairs[:, 0], pairs[:, 1]
    root = np.arange(len(places))
    while True:  # each turn hangs every group under its least root, then shortens the paths
        least = np.minimum(root[first], root[second])
        before = root.copy()
        np.minimum.at(root, before[first], least)
        np.minimum.at(root, before[second], least)
        while not np.array_equal(root, shorter := root[root]):
            root = shorter
        if np.array_equal(root, before):
            break
    groups = np.unique(root, return_inverse=True)[1].astype(np.int64)
    assert np.array_equal(groups[first], groups[second]), "shared ground is never cut"
    return groups


def pair_table(
    patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray,
    pairs: Pairs,
    areas: NDArray[np.float64],
    reasons: pa.Array,
) -> pa.Table:
    """Pairs by name.

    Returns
    -------
    pyarrow.Table
        One row a pair: ``first`` and ``second`` with patch ids, ``area_m2`` to the hundredth, and
        ``reason``.
    """
    ids = pa.array(patch_ids, pa.string()) if isinstance(patch_ids, Sequence) else patch_ids
    columns = {"first": ids.take(pairs[:, 0]), "second": ids.take(pairs[:, 1])}
    return pa.table(columns | {"area_m2": areas.round(2), "reason": reasons})


def _northings(places: Footprints) -> NDArray[np.int64]:
    """Metres from the equator."""
    return places.y - _SOUTH * (places.epsg >= 32700)


def _pairs_within_zones(zone: NDArray, x: NDArray, y: NDArray) -> Pairs:
    """Squares of one zone overlap when both their corners' coordinates differ by less than a side."""
    pairs = _near_pairs(zone, x, y, PATCH_METRES)
    first, second = pairs[:, 0], pairs[:, 1]
    apart = np.maximum(np.abs(x[first] - x[second]), np.abs(y[first] - y[second]))
    return pairs[apart < PATCH_METRES]


def _near_pairs(zone: NDArray, x: NDArray, y: NDArray, cell: int) -> Pairs:
    """All pairs of points of one zone in the same or in neighbouring cells of a grid."""
    across = (x // cell).astype(np.int64)
    along = (y // cell).astype(np.int64)
    key = _cell_key(zone, across, along)
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    position = np.arange(len(order))
    end = np.searchsorted(ordered, ordered, "right")
    found = [_expand(position, position + 1, end)]
    for right, up in _NEIGHBOUR_CELLS:
        neighbour = _cell_key(zone, across + right, along + up)[order]
        start = np.searchsorted(ordered, neighbour, "left")
        end = np.searchsorted(ordered, neighbour, "right")
        found.append(_expand(position, start, end))
    return order[np.concatenate(found)]


def _cell_key(zone: NDArray, across: NDArray, along: NDArray) -> NDArray[np.int64]:
    far_across, far_along = across + _CELL_OFFSET, along + _CELL_OFFSET
    return (zone.astype(np.int64) * 2 * _CELL_OFFSET + far_across) * 2 * _CELL_OFFSET + far_along


def _expand(position: NDArray, start: NDArray, end: NDArray) -> Pairs:
    """Pairs of each position with all from its start up to its end."""
    counts = end - start
    firsts = np.repeat(position, counts)
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([firsts, np.repeat(start, counts) + steps], axis=1)


def _pairs_across_zones(places: Footprints, zone: NDArray, north: NDArray) -> Pairs:
    """Pairs of patches of different zones, however far apart their numbers are."""
    import shapely

    found = [np.empty((0, 2), np.int64)]
    for plane, some in planes(north / _METRES_PER_DEGREE):
        x, y = np.empty(len(some)), np.empty(len(some))
        half = PATCH_METRES / 2
        for epsg in np.unique(places.epsg[some]).tolist():
            of_epsg = places.epsg[some] == epsg
            chosen = some[of_epsg]
            x[of_epsg], y[of_epsg] = transform_to(plane, epsg)(
                places.x[chosen] + half, places.y[chosen] - half
            )
        border = _where_zones_meet(zone[some], x, y)
        some, x, y = some[border], x[border], y[border]
        pairs = _near_pairs(np.zeros(len(some), int), x, y, FARTHEST_CENTRES)
        pairs = np.sort(some[pairs[zone[some[pairs[:, 0]]] != zone[some[pairs[:, 1]]]]], axis=1)
        squares = _squares_on_plane(places, pairs, plane, pieces=1)
        pairs = pairs[shapely.dwithin(squares[:, 0], squares[:, 1], 1)]
        found.append(pairs[_areas_on_plane(places, pairs, plane) > _LEAST_SHARED_AREA])
    return np.unique(np.concatenate(found), axis=0)


def _where_zones_meet(zone: NDArray, x: NDArray, y: NDArray) -> NDArray[np.int64]:
    """Points that have one of another zone in the same or a neighbouring cell of a plane's grid."""
    across = np.floor(x / FARTHEST_CENTRES).astype(np.int64) + _CELL_OFFSET
    along = np.floor(y / FARTHEST_CENTRES).astype(np.int64) + _CELL_OFFSET
    width, zones = 2 * _CELL_OFFSET, 64
    cell = along * width + across
    seen = np.unique(cell * zones + zone)
    steps = [up * width + right for up in (-1, 0, 1) for right in (-1, 0, 1)]
    around = np.unique(seen + zones * np.array(steps)[:, np.newaxis])
    cells, counts = np.unique(around // zones, return_counts=True)
    return np.flatnonzero(np.isin(cell, cells[counts > 1]))


def _areas_on_plane(places: Footprints, pairs: Pairs, plane: int) -> NDArray[np.float64]:
    import shapely

    squares = _squares_on_plane(places, pairs, plane)
    return shapely.area(shapely.intersection(squares[:, 0], squares[:, 1]))


def _squares_on_plane(
    places: Footprints, pairs: Pairs, plane: int, pieces: int = PIECES_PER_EDGE
) -> NDArray[np.object_]:
    """The footprints of pairs of patches as polygons on a plane: (pairs, 2)."""
    import shapely

    patches, index = np.unique(pairs, return_inverse=True)
    x, y = places.x[patches], places.y[patches]
    squares = shapely.box(x, y - PATCH_METRES, x + PATCH_METRES, y)
    for epsg in np.unique(places.epsg[patches]).tolist():
        of_epsg = places.epsg[patches] == epsg
        squares[of_epsg] = project_polygons(squares[of_epsg], transform_to(plane, epsg), pieces)
    return squares[index.reshape(-1, 2)]
