"""Distances between patches on one plane.

The centres of all patches are projected together: to EPSG:3035 (ETRS89 / LAEA Europe) where all lie
in its area of use, else to EPSG:6933 (the cylindrical equal-area projection of the world), whose
distances are only roughly right away from its standard parallels at 30 degrees.
"""

import numpy as np
from numpy.typing import NDArray

from benkit.footprints import Footprints
from benkit.spec.bands import PATCH_METRES

__all__ = ["nearest_distances", "planar_centres"]

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
    degrees = np.empty((len(places), 2))
    half = PATCH_METRES / 2
    for epsg in np.unique(places.epsg).tolist():
        some = places.epsg == epsg
        degrees[some] = _project(epsg, 4326, places.x[some] + half, places.y[some] - half)
    west, south, east, north = _EUROPE
    inside = (degrees >= (west, south)) & (degrees <= (east, north))
    return _project(4326, _EUROPE_EPSG if inside.all() else _WORLD_EPSG, *degrees.T)


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


def _project(source: int, target: int, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    from pyproj import Transformer

    transform = Transformer.from_crs(source, target, always_xy=True).transform
    return np.stack(transform(x, y), axis=-1)
