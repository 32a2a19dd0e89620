"""Which patches show the same ground.

Patches overlap when their interiors share a point; touching edges or corners do not count. Within a
UTM zone footprints are squares on whole metres and the test is exact integer arithmetic. Between
neighbouring zones one patch is projected into the zone of the other, its edges in pieces of 75 m: the
curvature that is left out is far below a millimetre.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.footprints import Footprints
from benkit.spec.bands import PATCH_METRES

__all__ = ["ground_groups", "overlapping_pairs", "pair_table"]

Pairs = NDArray[np.int64]

_SOUTH = 10_000_000  # false northing of the southern hemisphere in metres
_NEIGHBOUR_CELLS = ((0, 1), (1, -1), (1, 0), (1, 1))  # half of the eight: each pair is met once
_FARTHEST_CENTRES = 1700  # metres; two overlapping squares of any rotation are nearer
_PIECES_PER_EDGE = 16


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
    zone, north = places.epsg % 100, places.y - _SOUTH * (places.epsg >= 32700)
    within = _pairs_within_zones(zone, places.x, north)
    across = [_pairs_across(pair, zone, places.x, north) for pair in _neighbouring_zones(zone)]
    pairs = np.sort(np.concatenate([within, *across]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


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


def pair_table(patch_ids: Sequence[str] | pa.ChunkedArray, pairs: Pairs) -> pa.Table:
    """Pairs by name: one row a pair, columns ``first`` and ``second`` with patch ids."""
    ids = pa.array(patch_ids, pa.string()) if isinstance(patch_ids, Sequence) else patch_ids
    return pa.table({"first": ids.take(pairs[:, 0]), "second": ids.take(pairs[:, 1])})


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
    offset = 2**20  # cells; coordinates stay far below, on either side of 0
    return (zone.astype(np.int64) * 2 * offset + across + offset) * 2 * offset + along + offset


def _expand(position: NDArray, start: NDArray, end: NDArray) -> Pairs:
    """Pairs of each position with all from its start up to its end."""
    counts = end - start
    firsts = np.repeat(position, counts)
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([firsts, np.repeat(start, counts) + steps], axis=1)


def _neighbouring_zones(zone: NDArray) -> Iterator[tuple[int, int]]:
    present = set(np.unique(zone).tolist())
    return ((west, west % 60 + 1) for west in sorted(present) if west % 60 + 1 in present)


def _pairs_across(zones: tuple[int, int], zone: NDArray, x: NDArray, y: NDArray) -> Pairs:
    """Pairs of patches in two neighbouring zones, tested in the western one."""
    import shapely
    from pyproj import Transformer

    west, east = (np.flatnonzero(zone == number) for number in zones)
    project = Transformer.from_crs(32600 + zones[1], 32600 + zones[0], always_xy=True).transform
    half = PATCH_METRES / 2
    centre_x, centre_y = project(x[east] + half, y[east] - half)
    reach = x[west].max() + 2 * PATCH_METRES
    near = (centre_x < reach) & np.isfinite(centre_x)
    east, centre_x, centre_y = east[near], centre_x[near], centre_y[near]
    both_x = np.concatenate([x[west] + half, centre_x])
    both_y = np.concatenate([y[west] - half, centre_y])
    pairs = np.sort(_near_pairs(np.zeros(len(both_x), int), both_x, both_y, _FARTHEST_CENTRES))
    pairs = pairs[(pairs[:, 0] < len(west)) & (pairs[:, 1] >= len(west))]
    first, second = west[pairs[:, 0]], east[pairs[:, 1] - len(west)]
    outlines = np.stack(project(*_outlines(x[second], y[second])), axis=-1)
    squares = shapely.box(x[first], y[first] - PATCH_METRES, x[first] + PATCH_METRES, y[first])
    shared = shapely.relate_pattern(squares, shapely.polygons(outlines), "T********")
    return np.stack([first[shared], second[shared]], axis=1)


def _outlines(x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Points along the edges of squares: two (squares, points) arrays, clockwise from the corner."""
    steps = np.arange(_PIECES_PER_EDGE) / _PIECES_PER_EDGE * PATCH_METRES
    low, high = np.zeros_like(steps), np.full_like(steps, PATCH_METRES)
    right = np.concatenate([steps, high, high - steps, low])
    down = np.concatenate([low, steps, high, high - steps])
    return x[:, np.newaxis] + right, y[:, np.newaxis] - down
