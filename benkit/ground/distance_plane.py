"""Distances between patches on one plane.

The centres of all patches are projected together: to EPSG:3035 (ETRS89 / LAEA Europe) where all lie
in its area of use, else to EPSG:6933 (the cylindrical equal-area projection of the world), whose
distances are only roughly right away from its standard parallels at 30 degrees.
"""

import numpy as np
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.ground.footprints import Footprints
from benkit.ground.grid import sorted_unique
from benkit.ground.projection import project, project_from_zones

_EUROPE = (
    -35.58,
    24.6,
    44.83,
    84.73,
)  # area of use of EPSG:3035: west, south, east, north in degrees
_EUROPE_EPSG, _WORLD_EPSG = 3035, 6933


def planar_centres(places: Footprints) -> NDArray[np.float64]:
    """Centres of patches on one plane: (n, 2) float64 array, east and north in metres."""
    return to_plane(centre_degrees(places))[0]


def centre_degrees(places: Footprints) -> NDArray[np.float64]:
    """Centres of patches: (n, 2) float64 array, longitude and latitude in degrees (EPSG:4326)."""
    half = PATCH_METRES / 2
    return project_from_zones(places.epsg, 4326, places.x + half, places.y - half)


def to_plane(degrees: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Project points, longitude and latitude (EPSG:4326), together onto one plane.

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
    """Distance of each point to the nearest of some others: (n,) float64, infinite if there are none.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([[3.0, 4.0], [9.0, 1.0]]))
    array([5., 1.])
    """
    import shapely

    distances = np.full(len(points), np.inf)
    if len(points) and len(others):
        # complex numbers sort as their two parts do, and much faster than rows
        distinct, which = np.unique(points @ (1, 1j), return_inverse=True)
        others = sorted_unique(others @ (1, 1j))
        tree = shapely.STRtree(shapely.points(others.real, others.imag))
        nearest = tree.query_nearest(
            shapely.points(distinct.real, distinct.imag), return_distance=True, all_matches=False
        )[1]
        distances = nearest[which]
    return distances
