"""Distances between patches on one plane.

The centres of all patches are projected together: to EPSG:3035 (ETRS89 / LAEA Europe) where all lie
in its area of use, else to EPSG:6933 (the cylindrical equal-area projection of the world), whose
distances are only roughly right away from its standard parallels at 30 degrees.
"""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benkit.domain.bands import PATCH_METRES
from benkit.ground.footprints import Footprints

if TYPE_CHECKING:
    from pyproj import Transformer

__all__ = [
    "centre_degrees",
    "near_pairs",
    "nearest_distances",
    "planar_centres",
    "project",
    "to_plane",
]

_EUROPE = (
    -35.58,
    24.6,
    44.83,
    84.73,
)  # area of use of EPSG:3035 in degrees: west, south, east, north
_EUROPE_EPSG, _WORLD_EPSG = 3035, 6933


def planar_centres(places: Footprints) -> NDArray[np.float64]:
    """Centres of patches on one plane.

    Parameters
    ----------
    places : Footprints

    Returns
    -------
    (n, 2) float64 array
        East and north in metres, in EPSG:3035 or, if any patch lies outside Europe, in EPSG:6933.
    """
    return to_plane(centre_degrees(places))[0]


def centre_degrees(places: Footprints) -> NDArray[np.float64]:
    """Centres of patches: (n, 2) float64 array, longitude and latitude in degrees (EPSG:4326)."""
    degrees = np.empty((len(places), 2))
    half = PATCH_METRES / 2
    for epsg in np.unique(places.epsg).tolist():
        some = places.epsg == epsg
        degrees[some] = project(epsg, 4326, places.x[some] + half, places.y[some] - half)
    return degrees


def to_plane(degrees: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Project points together onto one plane.

    Parameters
    ----------
    degrees : (n, 2) float64 array
        Longitude and latitude (EPSG:4326).

    Returns
    -------
    (n, 2) float64 array
        East and north in metres.
    int
        The EPSG code of the plane: 3035, or 6933 if any point lies outside Europe.
    """
    west, south, east, north = _EUROPE
    inside = (degrees >= (west, south)) & (degrees <= (east, north))
    epsg = _EUROPE_EPSG if inside.all() else _WORLD_EPSG
    return project(4326, epsg, *degrees.T), epsg


def nearest_distances(points: NDArray, others: NDArray) -> NDArray[np.float64]:
    """Distance of each point to the nearest of some others.

    Parameters
    ----------
    points, others : (n, 2) and (m, 2) float64 arrays
        East and north in metres.

    Returns
    -------
    (n,) float64 array
        Metres; infinite where there are no others.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([[3.0, 4.0], [9.0, 1.0]]))
    array([5., 1.])
    """
    import shapely

    distances = np.full(len(points), np.inf)
    if len(points) and len(others):
        distinct, which = np.unique(points, axis=0, return_inverse=True)
        tree = shapely.STRtree(shapely.points(np.unique(others, axis=0)))
        nearest = tree.query_nearest(
            shapely.points(distinct), return_distance=True, all_matches=False
        )[1]
        distances = nearest[which.ravel()]
    return distances


def near_pairs(points: NDArray, reach: float) -> NDArray[np.int64]:
    """Pairs of points that are at most so far apart, each pair in both orders and with itself.

    Parameters
    ----------
    points : (n, 2) float64 array
        East and north in metres.
    reach : float
        Metres.

    Returns
    -------
    (m, 2) int64 array
        Places of the two points.

    Examples
    --------
    >>> near_pairs(np.array([[0.0, 0.0], [9.0, 0.0], [3.0, 4.0]]), 5).tolist()
    [[0, 0], [0, 2], [1, 1], [2, 0], [2, 2]]
    """
    import shapely

    geometries = shapely.points(points)
    pairs = shapely.STRtree(geometries).query(geometries, predicate="dwithin", distance=reach)
    return pairs.T[np.lexsort(pairs[::-1])].astype(np.int64)


def project(source: int, target: int, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Project points between two EPSG codes, longitude or east first: (n, 2) float64 array."""
    return np.stack(_transformer(source, target).transform(x, y), axis=-1)


@cache  # to find the way between two reference systems takes longer than to project many points
def _transformer(source: int, target: int) -> "Transformer":
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)
