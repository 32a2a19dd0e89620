"""Planes on which areas are true, for ground that lies in several reference systems.

Each hemisphere has one: Lambert's azimuthal equal-area projection around its pole, EPSG:6931 in the
north and EPSG:6932 in the south. They have no seam, and their scale is between 0.7 and 1.5 up to the
equator, so that a straight edge of 1.2 km bends by less than 5 cm. Edges are cut into sixteenths before
they are projected: what their curvature then hides of a patch is far below a square metre.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FARTHEST_CENTRES",
    "PIECES_PER_EDGE",
    "plane_of",
    "planes",
    "project_polygons",
    "transform_to",
]

FARTHEST_CENTRES = 2500
"""Metres on the plane; the centres of two patches that share ground are nearer to each other."""

PIECES_PER_EDGE = 16
"""Into how many an edge is cut that is as long as its polygon."""

_NORTH, _SOUTH = 6931, 6932
_MARGIN = 0.2  # degrees beyond the equator that a plane holds: no patch reaches farther

Transform = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]


def planes(latitudes: NDArray[np.float64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Planes (EPSG codes) and the places on each; those next to the equator are on both.

    Parameters
    ----------
    latitudes : (n,) float64 array
        Degrees; places with NaN are on no plane.
    """
    for epsg, here in ((_NORTH, latitudes > -_MARGIN), (_SOUTH, latitudes < _MARGIN)):
        if here.any():
            yield epsg, np.flatnonzero(here)


def plane_of(latitudes: NDArray[np.float64]) -> NDArray[np.int64]:
    """The plane (EPSG code) on which each place is measured."""
    return np.where(latitudes >= 0, _NORTH, _SOUTH)


@lru_cache(maxsize=256)
def transform_to(plane: int, crs: int | str) -> Transform:
    """The function that takes coordinates (east or longitude first) to a plane."""
    from pyproj import Transformer

    transform: Transform = Transformer.from_crs(crs, plane, always_xy=True).transform
    return transform


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
