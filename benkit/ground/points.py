"""Patches whose places are told by coordinates: points, squares around them, or polygons."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benkit.ground.area_plane import (
    LEAST_SHARED_AREA,
    intersection_areas,
    plane_of,
    planes,
    project_polygons,
)
from benkit.ground.geocentric import geocentric
from benkit.ground.grid import Pairs, near_pairs, sorted_unique
from benkit.ground.projection import project, transform_between

LARGEST_EDGE = 200_000
"""Metres; a larger patch would not lie on one of the planes on which patches are compared."""

_MARGIN = 5  # degrees beyond the equator that each plane holds: more than such a patch reaches
_SAME_PLACE = 1.0  # metres; rounding of coordinates moves a point by less
_TOUCHING_EDGE = 0.99  # of the edge: neighbours in a grid that is not quite north-up only touch
_TOUCHING_AREA = 0.001  # of the smaller polygon: corners that are rounded cross by less
_DIAGONAL = 1.5  # of a square, and a little more
_STRETCH = 2.2  # diagonal of a square, times the largest scale of the planes up to their margins


@dataclass(frozen=True, eq=False)
class Points:
    """Where patches lie, as arrays of one entry a patch.

    Attributes
    ----------
    degrees : (n, 2) float64 array
        Longitude (-180 to 180) and latitude of each centre (EPSG:4326).
    edge : float
        Length in metres of the edges of the squares that the patches show, which are taken as
        north-up; 0 where they show the point alone.
    polygons : (n,) array of shapely Polygons or MultiPolygons, optional
        What the patches show, in the place of squares.
    crs : object
        The reference system of the polygons, as pyproj takes it; an (n,) array where each has its own.
    """

    degrees: NDArray[np.float64]
    edge: float = 0.0
    polygons: NDArray[np.object_] | None = None
    crs: Any = None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.degrees)

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Those of some patches, by index."""
        polygons = None if self.polygons is None else self.polygons[rows]
        return replace(self, degrees=self.degrees[rows], polygons=polygons)

    def pairs(self) -> Pairs:
        """Pairs of patches that share ground, as `benkit.ground.overlaps.overlapping_pairs` gives them.

        Points share it where they are less than a metre apart, squares where they overlap by more than a
        hundredth of the edge, polygons where they share more than a thousandth of the smaller one.
        """
        found = [np.empty((0, 2), np.int64)]
        for plane, some in planes(self.degrees[:, 1], _MARGIN):
            within = self._squares_on(plane, some)
            if self.polygons is not None:
                within = self._polygons_on(plane, some)
            found.append(some[within])
        first, second = np.sort(np.concatenate(found), axis=1).T
        return np.stack(
            np.divmod(sorted_unique(first * len(self) + second), max(len(self), 1)), axis=1
        )

    def areas(self, pairs: Pairs) -> NDArray[np.float64]:
        """Ground that pairs of patches share, in square metres: (m,) float64; NaN of points."""
        if self.polygons is None:
            shared = np.maximum(self.edge - np.abs(self._steps(pairs)), 0).prod(1)
            return shared if self.edge else np.full(len(pairs), np.nan)
        area = np.zeros(len(pairs))
        on = plane_of(self.degrees[pairs[:, 0], 1])
        for plane in np.unique(on).tolist():
            area[on == plane] = intersection_areas(
                pairs[on == plane], partial(self._projected, plane)
            )
        return area

    def outlines(self, plane: int, patches: NDArray[np.int64]) -> NDArray[np.object_]:
        """What some patches show, polygons or squares around their centres, on a plane (EPSG code)."""
        import shapely
        from pyproj import Geod

        if self.polygons is not None:
            return self._projected(plane, patches)
        geod, diagonal = Geod(ellps="WGS84"), self.edge / np.sqrt(2)
        x, y = np.repeat(self.degrees[patches], 4, axis=0).T
        towards = np.tile([-45.0, -135.0, 135.0, 45.0], len(patches))
        x, y, _ = geod.fwd(x, y, towards, np.full(len(x), diagonal))
        return shapely.polygons(project(4326, plane, x, y).reshape(-1, 4, 2))

    def _squares_on(self, plane: int, some: NDArray[np.int64]) -> Pairs:
        """Pairs of squares, or of points, among those on a plane."""
        most = _TOUCHING_EDGE * self.edge or _SAME_PLACE
        centres = project(4326, plane, *self.degrees[some].T)
        pairs = near_pairs(centres, _STRETCH * most)
        first, second = geocentric(self.degrees[some])[pairs.T]
        pairs = pairs[
            ((first - second) ** 2).sum(1) < (_DIAGONAL * most) ** 2
        ]  # geodesics take longer
        return pairs[np.abs(self._steps(some[pairs])).max(1, initial=0) < most]

    def _steps(self, pairs: Pairs) -> NDArray[np.float64]:
        """Metres east and north from the first to the second of each pair: (m, 2) float64."""
        from pyproj import Geod

        (x1, y1), (x2, y2) = self.degrees[pairs[:, 0]].T, self.degrees[pairs[:, 1]].T
        there, back, metres = Geod(ellps="WGS84").inv(x1, y1, x2, y2)
        turn = (np.asarray(back) + 180 - there + 180) % 360 - 180
        middle = np.radians(there + turn / 2)  # the azimuth half-way is the same from both ends
        return (
            np.stack([np.sin(middle), np.cos(middle)], axis=1) * np.asarray(metres)[:, np.newaxis]
        )

    def _polygons_on(self, plane: int, some: NDArray[np.int64]) -> Pairs:
        import shapely

        outlines = self._projected(plane, some)
        found = shapely.STRtree(outlines).query(outlines, predicate="intersects").T
        pairs = found[found[:, 0] < found[:, 1]]
        least = _TOUCHING_AREA * shapely.area(outlines)[pairs].min(1, initial=np.inf)
        shared = intersection_areas(pairs, lambda patches: outlines[patches])
        return pairs[shared > np.maximum(least, LEAST_SHARED_AREA)]

    def _projected(self, plane: int, patches: NDArray[np.int64]) -> NDArray[np.object_]:
        assert self.polygons is not None, "patches with polygons are asked for them"
        polygons = self.polygons[patches]
        if not isinstance(self.crs, np.ndarray):
            return project_polygons(polygons, transform_between(self.crs, plane))
        systems = self.crs[patches]
        for name in {*systems.tolist()}:
            some = systems == name
            polygons[some] = project_polygons(polygons[some], transform_between(name, plane))
        return polygons


def polygon_centres(polygons: NDArray[np.object_], crs: Any) -> NDArray[np.float64]:
    """Centres of polygons on the ground, also of those across the 180th meridian, in degrees: (n, 2)."""
    import shapely

    inside = shapely.get_coordinates(shapely.point_on_surface(polygons))
    degrees = project(crs, 4326, *inside.T)
    on = plane_of(degrees[:, 1])
    for plane in np.unique(on).tolist():
        some = on == plane
        outlines = project_polygons(polygons[some], transform_between(crs, plane))
        centres = shapely.get_coordinates(shapely.centroid(outlines))
        degrees[some] = project(plane, 4326, *centres.T)
    return degrees
