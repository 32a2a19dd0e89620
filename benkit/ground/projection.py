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
    """The transform between two systems: EPSG codes, or anything else that pyproj takes."""
    from pyproj import Transformer

    transform: Transform = Transformer.from_crs(source, target, always_xy=True).transform
    return transform


def project(source: Any, target: Any, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Project points: (..., 2) float64 array of those of two (...) arrays."""
    return np.stack(transform_between(source, target)(x, y), axis=-1)


def project_from_zones(
    epsg: NDArray[np.int32], target: Any, x: NDArray, y: NDArray
) -> NDArray[np.float64]:
    """Project (n, ...) coordinates in several UTM zones, one a row: (n, ..., 2) float64 array."""
    projected = np.empty((*x.shape, 2))
    for zone in np.unique(epsg).tolist():
        some = epsg == zone
        projected[some] = project(zone, target, x[some], y[some])
    return projected
