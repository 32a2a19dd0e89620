"""Footprints of reference maps: that of a patch is the union of its polygons.

Most maps fill a rectangle without gaps; such a footprint is the rectangle itself, and nothing else
has to be kept. This is proven from the vertices alone, without a union. Let every ring be made of
edges parallel to the axes. Modulo 2, the number of rings around a point changes along x exactly at the
vertical edges, and the vertical edges on one line cancel modulo 2 if and only if every point is the
end of an even number of them. So if the ends that occur an odd number of times are the four corners of
the bounding box, then every point of the box lies within an odd number of rings, and therefore in at
least one polygon; points outside lie in none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.ground.grid import expand_ranges
from benkit.reference_maps.read import ReferenceMaps
from benkit.reference_maps.wkb import (
    COLLECTION_TYPES,
    POLYGON_TYPE,
    POLYGONS_AT_ONCE,
    damaged_wkb,
    read_wkb,
)

_PATCHES_AT_ONCE = 256


@dataclass(frozen=True)
class MapFootprints:
    """Footprints of patches, in the coordinates of their reference maps.

    Attributes
    ----------
    boxes : (n, 4) float64 array
        Bounding boxes: least x, least y, greatest x, greatest y; NaN where a footprint is empty.
    is_box : (n,) bool array
        Whether the footprint is exactly its box.
    counts : (n,) int64 array
        How many of the polygons are those of each patch; where ``is_box``, none.
    polygons : (k,) object array of shapely polygons
        Valid and not empty, patch by patch; their union is the footprint.
    """

    boxes: NDArray[np.float64]
    is_box: NDArray[np.bool_]
    counts: NDArray[np.int64]
    polygons: NDArray[np.object_]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.boxes)

    @property
    def first(self) -> NDArray[np.int64]:
        """Index of the first polygon of each patch."""
        return np.cumsum(self.counts) - self.counts

    @property
    def patch(self) -> NDArray[np.int64]:
        """Index of the patch of each polygon."""
        return np.repeat(np.arange(len(self)), self.counts)

    def subset(self, patches: NDArray[np.int64]) -> "MapFootprints":
        """The footprints of some of the patches, by their indices."""
        counts = self.counts[patches]
        polygons = self.polygons[expand_ranges(self.first[patches], counts)[1]]
        return MapFootprints(self.boxes[patches], self.is_box[patches], counts, polygons)

    def with_box_polygons(self) -> "MapFootprints":
        """The same footprints, those that are boxes as one polygon each."""
        import shapely

        boxes = shapely.box(*self.boxes[self.is_box].T)
        order = np.argsort(np.append(self.patch, np.flatnonzero(self.is_box)), kind="stable")
        polygons = np.append(self.polygons, boxes)[order]
        return MapFootprints(self.boxes, self.is_box, self.counts + self.is_box, polygons)


def map_footprints(maps: ReferenceMaps) -> MapFootprints:
    """The footprint of every patch of reference maps that were read with geometries.

    Invalid polygons (rings that cross or touch themselves) are repaired by GEOS's make_valid: a point
    belongs to the polygon if an odd number of its rings lie around it; where a ring comes back along
    its own edges, the parts on both sides of them belong to it. Null and empty geometries, points and
    lines add nothing; a patch that has nothing else has an empty footprint.
    """
    columns = zip(*_blocks(maps), strict=True)
    boxes, is_box, counts, polygons = (np.concatenate(column) for column in columns)
    assert len(boxes) == len(is_box) == len(maps), "every patch has a footprint, empty or not"
    assert not (is_box & (counts > 0)).any(), "a footprint is a box or polygons, not both"
    return MapFootprints(boxes, is_box, counts, polygons)


_Block = tuple[NDArray, NDArray, NDArray, NDArray]


def _blocks(maps: ReferenceMaps) -> Iterator[_Block]:
    """The columns of `MapFootprints`, some patches at a time."""
    if maps.geometry is None:
        raise ValueError("the reference maps were read without geometries")
    first = np.searchsorted(maps.patch, np.arange(len(maps) + 1))
    start = 0
    while start < len(maps):
        few = int(np.searchsorted(first, first[start] + POLYGONS_AT_ONCE))
        stop = min(start + _PATCHES_AT_ONCE, max(few, start + 1), len(maps))
        some = slice(first[start], first[stop])
        polygons, patch = _read_polygons(maps.files, maps.geometry[some], maps.patch[some])
        yield _block(polygons, patch - start, stop - start)
        start = stop


def _block(polygons: NDArray[np.object_], patch: NDArray, patches: int) -> _Block:
    import shapely

    boxes = np.full((patches, 4), np.nan)
    bounds = shapely.bounds(polygons)
    for column, smaller in enumerate((np.fmin, np.fmin, np.fmax, np.fmax)):
        smaller.at(boxes[:, column], patch, bounds[:, column])
    is_box = _fill_their_boxes(polygons, patch, boxes)
    rest = ~is_box[patch]
    polygons, patch = _valid(polygons[rest], patch[rest])
    return boxes, is_box, np.bincount(patch, minlength=patches), polygons


def _read_polygons(
    files: Sequence[Path], wkb: pa.ChunkedArray, patch: NDArray[np.int32]
) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The polygons of some geometries, valid or not, and the patch of each."""
    texts = wkb.to_numpy()
    geometries, damaged = read_wkb(texts)
    if damaged.any():
        first = int(np.argmax(damaged))
        raise damaged_wkb(files[patch[first]], texts[first])
    polygons, source = _parts(geometries)
    return polygons, patch[source].astype(np.int64)


def _parts(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray]:
    """All polygons in some geometries, and the index of the geometry of each."""
    import shapely

    source = np.arange(len(geometries))
    while np.isin(shapely.get_type_id(geometries), COLLECTION_TYPES).any():
        geometries, index = shapely.get_parts(geometries, return_index=True)
        source = source[index]
    chosen = (shapely.get_type_id(geometries) == POLYGON_TYPE) & ~shapely.is_empty(geometries)
    return geometries[chosen], source[chosen]


def _valid(polygons: NDArray[np.object_], patch: NDArray) -> tuple[NDArray[np.object_], NDArray]:
    """The same ground as valid polygons."""
    import shapely

    valid = shapely.is_valid(polygons)
    repaired, source = _parts(shapely.make_valid(polygons[~valid]))
    patch = np.append(patch[valid], patch[~valid][source])
    order = np.argsort(patch, kind="stable")
    return np.append(polygons[valid], repaired)[order], patch[order]


def _fill_their_boxes(
    polygons: NDArray[np.object_], patch: NDArray, boxes: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """For each patch whether it is proven that its polygons fill its bounding box."""
    import shapely

    is_box = np.zeros(len(boxes), bool)
    if not len(polygons):
        return is_box
    _, points, (rings, of_polygon) = shapely.to_ragged_array(polygons, include_z=False)
    patch_of_ring = np.repeat(patch, np.diff(of_polygon))
    patch_of_point = np.repeat(patch_of_ring, np.diff(rings))
    starts = np.ones(len(points), bool)  # points that an edge of their ring starts from
    starts[rings[1:] - 1] = False
    start = np.flatnonzero(starts)
    vertical = points[start, 0] == points[start + 1, 0]
    sloping = ~vertical & (points[start, 1] != points[start + 1, 1])
    candidate = np.bincount(patch, minlength=len(boxes)) > 0
    candidate[patch_of_point[start[sloping]]] = False
    start = start[vertical]
    start = start[candidate[patch_of_point[start]]]
    ends = np.concatenate([start, start + 1])
    odd_patch, odd_points = _odd(patch_of_point[ends], points[ends])
    candidate &= np.bincount(odd_patch, minlength=len(boxes)) == 4
    corners = odd_points[candidate[odd_patch]].reshape(-1, 4, 2)  # ordered by x, then by y
    box = boxes[candidate]
    expected = np.stack([box[:, [0, 1]], box[:, [0, 3]], box[:, [2, 1]], box[:, [2, 3]]], axis=1)
    is_box[candidate] = (corners == expected).all((1, 2))
    return is_box


def _odd(patch: NDArray, points: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Points that a patch has an odd number of times, by patch, x and y."""
    (xs, x), (ys, y) = _ranks(points[:, 0]), _ranks(points[:, 1])
    keys_needed = (int(patch.max(initial=0)) + 1) * len(xs) * len(ys)
    assert keys_needed < 2**62, "a block of patches has few enough points"
    keys = np.sort((patch * len(xs) + x) * len(ys) + y)
    heads = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(np.append(heads, len(keys)))
    odd = keys[heads[counts % 2 == 1]]
    rest, y = np.divmod(odd, len(ys))
    patch, x = np.divmod(rest, len(xs))
    return patch, np.stack([xs[x], ys[y]], axis=1)


def _ranks(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Different values in ascending order, and the index of each value among them."""
    unique, index = np.unique(values, return_inverse=True)
    return unique, index.astype(np.int64)
