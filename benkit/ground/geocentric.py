"""Distances between points anywhere on the Earth, where no plane shows them all as they are.

Points are held as geocentric coordinates, metres from the middle of the Earth. They have neither seams
nor poles, and the nearest of some points on the straight line is the nearest on the ground.
"""

import numpy as np
from numpy.typing import NDArray

_A, _F = 6_378_137.0, 1 / 298.257223563  # WGS 84
_FLAT = _F * (2 - _F)  # square of the eccentricity
_AT_ONCE = 16_384  # points that are held in memory with all boxes that they reach


def geocentric(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on the ellipsoid, given longitude and latitude (EPSG:4326): (n, 3) float64, metres.

    Examples
    --------
    >>> geocentric(np.array([[0, 0], [90, 0], [7, -90]])).round().astype(int).tolist()
    [[6378137, 0, 0], [0, 6378137, 0], [0, 0, -6356752]]
    """
    longitude, latitude = np.radians(degrees).T
    normal = _A / np.sqrt(1 - _FLAT * np.sin(latitude) ** 2)
    across = normal * np.cos(latitude)
    z = normal * (1 - _FLAT) * np.sin(latitude)
    return np.stack([across * np.cos(longitude), across * np.sin(longitude), z], axis=1)


def nearest_on_earth(
    points: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of some others of each point, of several equally near the first, all geocentric.

    The others are halved again and again, each time across the longest side of their box [1]_. All
    points go down that tree together: first each to a near one of the others, then to all boxes that may
    hold a nearer one.

    Returns
    -------
    (n,) int64 array
        Index among the others, of which there is one at least.
    (n,) float64 array
        Metres along the ground.

    References
    ----------
    .. [1] J. H. Friedman, J. L. Bentley, R. A. Finkel, An algorithm for finding best matches in
       logarithmic expected time, 1977, https://doi.org/10.1145/355744.355745
    """
    from pyproj import Geod

    points, which = np.unique(points, axis=0, return_inverse=True)
    levels, index = _tree(others)
    single = others[index]
    starts = range(0, len(points), _AT_ONCE)
    parts = [_nearest(points[start : start + _AT_ONCE], levels, single, index) for start in starts]
    nearest = np.concatenate(parts)
    ends = np.hstack([_degrees(points), _degrees(others[nearest])])
    metres = np.asarray(Geod(a=_A, f=_F).inv(*ends.T)[2])
    return nearest[which.ravel()], metres[which.ravel()]


def _degrees(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Longitude and latitude of geocentric points on the ellipsoid."""
    x, y, z = points.T
    latitude = np.arctan2(z, (1 - _FLAT) * np.hypot(x, y))
    return np.degrees(np.stack([np.arctan2(y, x), latitude], axis=1))


BoxLevel = tuple[NDArray[np.floating], NDArray[np.floating]]
"""Least and greatest coordinates of some boxes: two (boxes, 3) arrays."""


def _tree(points: NDArray[np.float64]) -> tuple[list[BoxLevel], NDArray[np.int64]]:
    """Boxes of a tree: one of all points, its halves, ..., pairs; and the indices of single points.

    Boxes are float32, which takes half the memory, and up to a metre larger than what they hold.
    """
    index = np.lexsort(points.T[::-1])
    other = [axis[1:] != axis[:-1] for axis in (axis[index] for axis in points.T)]
    index = index[np.append(True, np.logical_or.reduce(other))]
    depth = (len(index) - 1).bit_length()
    # spread evenly: as copies of one point, the spare ones would all be nearest to some points
    index = index[np.arange(2**depth) * len(index) >> depth]
    parts = np.stack([axis[index] for axis in points.T])
    levels = []
    for level in range(depth):
        parts, index = parts.reshape(3, 2**level, -1), index.reshape(2**level, -1)
        low, high = (np.ascontiguousarray(ends.T) for ends in (parts.min(2), parts.max(2)))
        levels.append((_beyond(low, -np.inf), _beyond(high, np.inf)))
        longest = (high - low).argmax(1)[np.newaxis, :, np.newaxis]
        order = np.take_along_axis(parts, longest, axis=0)[0].argsort(1)
        for axis in parts:  # so that little is held twice
            axis[:] = np.take_along_axis(axis, order, axis=1)
        index = np.take_along_axis(index, order, axis=1)
    return levels, index.ravel()


def _beyond(ends: NDArray[np.float64], end: float) -> NDArray[np.float32]:
    """Coordinates as float32, and a little further towards an end."""
    return np.nextafter(ends.astype(np.float32), np.float32(end))


def _bounds(
    points: NDArray, level: BoxLevel, box: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The squares of the least and of the greatest distance from points to boxes, one of each."""
    below, above = level[0][box] - points, points - level[1][box]
    near = np.maximum(np.maximum(below, above), 0)
    far = np.minimum(below, above)
    return np.einsum("ij,ij->i", near, near), np.einsum("ij,ij->i", far, far)


def _nearest(
    points: NDArray[np.float64],
    inner: list[BoxLevel],
    single: NDArray[np.float64],
    index: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Index of the point of a tree that is nearest on the straight line to each point: (n,) int64.

    Every box holds a point, which is no farther than the box's farthest corner.
    """
    levels = [*inner, (single, single)]
    point, box = np.arange(len(points)), np.zeros(len(points), np.int64)
    for level in levels[1:]:
        box = 2 * box
        box += _bounds(points, level, box + 1)[0] < _bounds(points, level, box)[0]
    least = most = _bounds(points, levels[-1], box)[0]
    box = np.zeros(len(points), np.int64)
    for level in levels[1:]:
        point, box = np.repeat(point, 2), np.column_stack([2 * box, 2 * box + 1]).ravel()
        least, greatest = _bounds(points[point], level, box)
        first = np.flatnonzero(np.diff(point, prepend=-1))
        most = np.minimum(most, np.minimum.reduceat(greatest, first))
        near = least <= most[point]
        point, box, least = point[near], box[near], least[near]
    order = np.lexsort((index[box], least, point))
    first = order[np.flatnonzero(np.diff(point[order], prepend=-1))]
    assert len(first) == len(points), "each point has a nearest one"
    return index[box[first]]
