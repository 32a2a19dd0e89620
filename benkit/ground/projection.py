"""Project coordinates between reference systems, longitude or east first."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Transform = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]
"""Takes two coordinates of points to another reference system."""


@lru_cache(maxsize=256)  # to find the way between two systems takes longer than many points
def transform_between(source: Any, target: Any) -> Transform:
    """The function that takes coordinates from one reference system to another.

    Parameters
    ----------
    source, target : int, str or pyproj.CRS
        An EPSG code, or anything else that pyproj takes.
    """
    from pyproj import Transformer

    transform: Transform = Transformer.from_crs(source, target, always_xy=True).transform
    return transform


def project(source: Any, target: Any, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Project points: (..., 2) float64 array of those of two (...) arrays."""
    return np.stack(transform_between(source, target)(x, y), axis=-1)


def project_from_zones(
    epsg: NDArray[np.int32], target: Any, x: NDArray, y: NDArray
) -> NDArray[np.float64]:
    """Project points that lie in several UTM zones.

    Parameters
    ----------
    epsg : (n,) int array
        EPSG code of the zone of each row of the coordinates.
    target : int, str or pyproj.CRS
    x, y : (n, ...) arrays

    Returns
    -------
    (n, ..., 2) float64 array
    """
    projected = np.empty((*x.shape, 2))
    for zone in np.unique(epsg).tolist():
        some = epsg == zone
        projected[some] = project(zone, target, x[some], y[some])
    return projected
