"""Planes on which areas are true, for ground that lies in several reference systems.

Each hemisphere has one: Lambert's azimuthal equal-area projection around its pole, EPSG:6931 in the
north and EPSG:6932 in the south. They have no seam, and their scale is between 0.7 and 1.5 up to the
equator, so that a straight edge of 1.2 km bends by less than 5 cm. Edges are cut into sixteenths before
they are projected: what their curvature then hides of a patch is far below a square metre.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benkit.ground.grid import Pairs
from benkit.ground.projection import Transform, transform_between

FARTHEST_CENTRES = 2500
"""Metres on the plane; the centres of two patches that share ground are nearer to each other."""

LEAST_SHARED_AREA = 1.0
"""Square metres on the plane; reprojected edges that only touch may cross by far less."""

PAIRS_AT_ONCE = 4096
"""Pairs of polygons that are held in memory together."""

PIECES_PER_EDGE = 16
"""Into how many an edge is cut that is as long as its polygon."""

_NORTH, _SOUTH = 6931, 6932
_POLYGONS = (3, 6)  # types of shapely: polygons of one and of several parts
_MARGIN = 0.2  # degrees beyond the equator that a plane holds: no patch reaches farther

PolygonsOf = Callable[[NDArray[np.int64]], NDArray[np.object_]]
"""Gives the polygons of patches by index."""


def planes(
    latitudes: NDArray[np.float64], margin: float = _MARGIN
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Planes (EPSG codes) and the points on each by index; those next to the equator are on both.

    Latitudes and the margin beyond the equator are in degrees; a point with NaN is on no plane.
    """
    for epsg, here in ((_NORTH, latitudes > -margin), (_SOUTH, latitudes < margin)):
        if here.any():
            yield epsg, np.flatnonzero(here)


def plane_of(latitudes: NDArray[np.float64]) -> NDArray[np.int64]:
    """The plane (EPSG code) on which each point is measured."""
    return np.where(latitudes >= 0, _NORTH, _SOUTH)


def project_polygons(
    polygons: NDArray[np.object_], transform: Transform, pieces: int = PIECES_PER_EDGE
) -> NDArray[np.object_]:
    """Polygons on a plane, their edges cut into short pieces first; empty ones stay empty."""
    import shapely

    bounds = shapely.bounds(polygons)
    sides = np.fmax(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
    sides = np.where(sides > 0, sides, 1)
    cut = shapely.segmentize(polygons, sides / pieces)
    return shapely.transform(cut, lambda xy: np.stack(transform(xy[:, 0], xy[:, 1]), axis=1))


def polygons_of_pairs(pairs: Pairs, polygons_of: PolygonsOf) -> NDArray[np.object_]:
    """The polygons of some pairs of patches, each made once: (2, m)."""
    patches, index = np.unique(pairs, return_inverse=True)
    return polygons_of(patches)[index.reshape(-1, 2)].T


def intersection_areas(pairs: Pairs, polygons_of: PolygonsOf) -> NDArray[np.float64]:
    """Areas that the polygons of pairs of patches share, in the square of their unit: (m,) float64."""
    import shapely

    area = np.empty(len(pairs))
    for start in range(0, len(pairs), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        area[some] = shapely.area(
            shapely.intersection(*polygons_of_pairs(pairs[some], polygons_of))
        )
    return area


def shared_polygons(
    pairs: Pairs, latitudes: NDArray[np.float64], on_plane: Callable[[int], PolygonsOf]
) -> NDArray[np.object_]:
    """The ground that pairs of patches share: (m,) polygons in degrees, longitude first (EPSG:4326).

    ``on_plane`` gives the function that gives the polygons of patches on a plane (EPSG code); the
    latitudes are those of the patches.
    """
    import shapely

    shared = np.empty(len(pairs), object)
    of_pair = plane_of(latitudes[pairs[:, 0]])
    for plane in np.unique(of_pair).tolist():
        back = transform_between(plane, 4326)
        rows = np.flatnonzero(of_pair == plane)
        for start in range(0, len(rows), PAIRS_AT_ONCE):
            some = rows[start : start + PAIRS_AT_ONCE]
            ground = shapely.intersection(*polygons_of_pairs(pairs[some], on_plane(plane)))
            lines = ~np.isin(shapely.get_type_id(ground), _POLYGONS)
            ground[lines] = shapely.buffer(ground[lines], 0)  # leaves the polygons among them
            shared[some] = project_polygons(ground, back, pieces=1)
    return shared
