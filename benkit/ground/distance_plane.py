"""Distances between patches on one plane.

The centres of all patches are projected together: to EPSG:3035 (ETRS89 / LAEA Europe) where all lie
in its area of use. Elsewhere no plane shows all distances: maps are drawn in EPSG:6933 (the cylindrical
equal-area projection of the world), near patches are looked for on strips (`to_local_plane`), and
distances are measured in space (`geocentric`).
"""

import numpy as np
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.ground.footprints import Footprints
from benkit.ground.geocentric import nearest_on_earth
from benkit.ground.projection import project, project_from_zones

_EUROPE = (
    -35.58,
    24.6,
    44.83,
    84.73,
)  # area of use of EPSG:3035: west, south, east, north in degrees
_EUROPE_EPSG, _WORLD_EPSG = 3035, 6933
_RADIUS = 6_371_000  # metres, of the Earth
_STRIP = np.radians(24)
_APART = 5_000_000  # metres between the middles of two strips, more than one is wide


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
    epsg = _EUROPE_EPSG if is_european(degrees) else _WORLD_EPSG
    return project(4326, epsg, *degrees.T), epsg


def is_european(degrees: NDArray[np.float64]) -> bool:
    """Whether all points lie in the area of use of EPSG:3035."""
    west, south, east, north = _EUROPE
    return bool(((degrees >= (west, south)) & (degrees <= (east, north))).all())


def to_local_plane(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points, longitude and latitude, on a plane where near ones are as far apart as on the ground.

    Outside Europe that is a sinusoidal projection in strips of 24 degrees, the middle one around the
    points' mean meridian: small distances are right within a fifth, but not between strips, which lie
    far apart.

    Returns
    -------
    (n, 2) float64 array
        East and north in metres.
    """
    if is_european(degrees):
        return project(4326, _EUROPE_EPSG, *degrees.T)
    longitude, latitude = np.radians(degrees).T
    middle = np.angle(np.exp(1j * longitude).sum())
    strip, within = np.divmod(longitude - middle + _STRIP / 2, _STRIP)
    strip %= round(2 * np.pi / _STRIP)
    east = (within - _STRIP / 2) * np.cos(latitude) * _RADIUS + strip * _APART
    return np.stack([east, latitude * _RADIUS], axis=1)


def nearest_distances(points: NDArray, others: NDArray) -> NDArray[np.float64]:
    """Distance of each point to the nearest of some others: (n,) float64, infinite if there are none.

    Both are (n, 2) on one plane, or (n, 3) geocentric; then distances run along the ground.

    Examples
    --------
    >>> nearest_distances(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([[3.0, 4.0], [9.0, 1.0]]))
    array([5., 1.])
    """
    return nearest_points(points, others)[1]


def nearest_points(
    points: NDArray, others: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of some others of each point, of several equally near the first, and its distance.

    Returns
    -------
    (n,) int64 array
        Index among the others; -1 if there are none.
    (n,) float64 array
        Infinite if there are none.
    """
    import shapely

    if not (len(points) and len(others)):
        return np.full(len(points), -1), np.full(len(points), np.inf)
    if points.shape[1] == 3:
        return nearest_on_earth(points, others)
    # complex numbers sort as their two parts do, and much faster than rows
    distinct, which = np.unique(points @ (1, 1j), return_inverse=True)
    places, first = np.unique(others @ (1, 1j), return_index=True)
    tree = shapely.STRtree(shapely.points(places.real, places.imag))
    (point, place), distance = tree.query_nearest(
        shapely.points(distinct.real, distinct.imag), return_distance=True
    )
    start = np.flatnonzero(np.diff(point, prepend=-1))
    return np.minimum.reduceat(first[place], start)[which], distance[start][which]
