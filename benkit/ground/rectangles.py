"""Patches whose files tell where they lie: rectangles along the axes of any reference systems."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.crs import one_name, shown_crs
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.ground.area_plane import LEAST_SHARED_AREA, intersection_areas, planes
from benkit.ground.geocentric import geocentric
from benkit.ground.grid import Pairs, sorted_unique
from benkit.ground.points import LARGEST_EDGE, Points
from benkit.ground.projection import project

_TOUCHING_EDGE = 1e-4  # of the shorter edge: less than a pixel, and far more than rounding
_TOUCHING_AREA = 1e-6  # of the smaller rectangle: what the curvature of cut edges may leave
_MARGIN = 5  # degrees beyond the equator that each plane holds: more than such a patch reaches
_STRETCH = 1.6  # the largest scale of the planes up to their margins


@dataclass(frozen=True, eq=False)
class Rectangles(Points):
    """Rectangles, of which ``polygons`` are the corners and ``crs`` the reference system of each.

    ``degrees`` are NaN where nothing tells the place of a patch. Within one reference system patches
    share ground where they overlap by more than a ten-thousandth of an edge along both axes; patches of
    different ones are compared on planes of equal area.
    """

    @classmethod
    def of_bounds(cls, bounds: NDArray[np.float64], crs: Sequence[str | None]) -> Self:
        """Those of (n, 4) least x, least y, greatest x and greatest y, and their reference systems.

        Longitude or east is x, whatever the order of a system's axes. NaN and None say that nothing
        tells the place.
        """
        import shapely

        names = np.array([name and one_name(name) for name in crs], object)
        polygons = shapely.box(*bounds.T)
        return cls(_centres(bounds, names), 0.0, np.asarray(polygons, object), names)

    @property
    def bounds(self) -> NDArray[np.float64]:
        """Least x, least y, greatest x and greatest y of each: (n, 4) float64."""
        import shapely

        return np.asarray(shapely.bounds(self.polygons), np.float64).reshape(-1, 4)

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Those of some patches, by index."""
        return replace(super().take(rows), crs=self.crs[rows])

    def require_known(self, ids: pa.ChunkedArray) -> None:
        """Refuse patches of which nothing tells the place."""
        unknown = np.isnan(self.degrees).any(1)
        if not unknown.any():
            return
        row = int(unknown.argmax())
        bounds = ", ".join(f"{value:.10g}" for value in self.bounds[row])
        found = "have no georeference"
        if self.crs[row] is not None and np.isfinite(self.bounds[row]).all():
            found = (
                f"have none: {bounds} in {shown_crs(self.crs[row])} is no place on the Earth of at most "
                f"{LARGEST_EDGE // 1000:,} km a side"
            )
        raise InputFormatError(
            f"expected files that tell where each patch lies, but those of {unknown.sum():,} of "
            f"{len(self):,} patches, such as {some_names([ids[row].as_py()])}, {found}; leave these out "
            "with --exclude FINDINGS, or mend the files and scan again"
        )

    def rings(self, crs: Any) -> NDArray[np.float64]:
        """Corners in any CRS that pyproj takes, as of `benkit.ground.footprint_table.square_rings`."""
        west, south, east, north = self.bounds.T
        corners = np.stack([west, north, west, south, east, south, east, north, west, north], 1)
        return _projected(corners.reshape(-1, 5, 2), self.crs, crs)

    def pairs(self) -> Pairs:
        """As of `Points`."""
        assert np.isfinite(self.degrees).all(), "the place of each patch is known"
        systems = {*self.crs.tolist()}
        found = [self._pairs_within(name, np.flatnonzero(self.crs == name)) for name in systems]
        found.append(self._pairs_across() if len(systems) > 1 else np.empty((0, 2), np.int64))
        first, second = np.sort(np.concatenate(found), axis=1).T
        keys = sorted_unique(first * len(self) + second)
        return np.stack(np.divmod(keys, max(len(self), 1)), axis=1)

    def _pairs_within(self, name: str, some: NDArray[np.int64]) -> Pairs:
        """Pairs of one reference system, whose coordinates tell; longitudes go round the Earth."""
        bounds = self.bounds[some]
        if turn := _whole_turn(name):
            bounds[:, ::2] -= turn * np.floor(bounds[:, :1] / turn + 0.5)
            over = bounds[:, 2] > turn / 2
            some = np.append(some, some[over])
            bounds = np.concatenate([bounds, bounds[over] - [turn, 0, turn, 0]])
        pairs = _touching(bounds)
        low, high = bounds[:, :2][pairs], bounds[:, 2:][pairs]
        least = _TOUCHING_EDGE * (high - low).min((1, 2), initial=np.inf)
        shared = high.min(1) - low.max(1)
        pairs = some[pairs[(shared > least[:, np.newaxis]).all(1)]]
        return pairs[pairs[:, 0] != pairs[:, 1]]

    def _pairs_across(self) -> Pairs:
        """Pairs of different reference systems."""
        import shapely

        found = [np.empty((0, 2), np.int64)]
        radius = _STRETCH * _radii(self.degrees, self.rings(4326)[:, :4])
        system = np.unique(self.crs.astype(str), return_inverse=True)[1]
        for plane, some in planes(self.degrees[:, 1], _MARGIN):
            centres, reach = project(4326, plane, *self.degrees[some].T), radius[some, np.newaxis]
            pairs = some[_touching(np.hstack([centres - reach, centres + reach]))]
            pairs = pairs[system[pairs[:, 0]] != system[pairs[:, 1]]]
            patches, index = np.unique(pairs, return_inverse=True)
            outlines = self._projected(plane, patches)
            index = index.reshape(-1, 2)
            shared = intersection_areas(index, outlines.__getitem__)
            least = _TOUCHING_AREA * shapely.area(outlines)[index].min(1, initial=np.inf)
            found.append(pairs[shared > np.maximum(least, LEAST_SHARED_AREA)])
        return np.concatenate(found)


def _projected(points: NDArray[np.float64], source: NDArray, target: Any) -> NDArray[np.float64]:
    """Points (n, ..., 2), each in a system of its own, in another; those that have no place are inf."""
    from pyproj.exceptions import CRSError, ProjError

    projected = np.full(points.shape, np.inf)
    for name in {name for name in source.tolist() if name is not None}:
        some = source == name
        try:
            projected[some] = project(name, target, points[some, ..., 0], points[some, ..., 1])
        except (CRSError, ProjError):
            continue
    return projected


def _centres(bounds: NDArray[np.float64], crs: NDArray[np.object_]) -> NDArray[np.float64]:
    """Centres in degrees, NaN where they are no place or the rectangle is too large."""
    west, south, east, north = bounds.T
    middle = np.stack([(west + east) / 2, (south + north) / 2], axis=1)
    corners = np.stack([west, south, east, south, east, north, west, north], 1).reshape(-1, 4, 2)
    points = _projected(np.concatenate([corners, middle[:, np.newaxis]], axis=1), crs, 4326)
    with np.errstate(invalid="ignore"):
        right = np.isfinite(points).all((1, 2)) & (np.abs(points[..., 1]) <= 90).all(1)
        right &= (east > west) & (north > south)
        right[right] = _radii(points[right, 4], points[right, :4]) <= LARGEST_EDGE / np.sqrt(2)
    degrees = np.where(right[:, np.newaxis], points[:, 4], np.nan)
    degrees[:, 0] = (degrees[:, 0] + 180) % 360 - 180
    return degrees


def _radii(centres: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres from centres to the furthest of (n, 4, 2) corners, all in degrees."""
    ends = geocentric(corners.reshape(-1, 2)).reshape(-1, 4, 3)
    steps = ends - geocentric(centres)[:, np.newaxis]
    return np.asarray(np.sqrt((steps**2).sum(2).max(1, initial=0)))


def _whole_turn(name: str) -> float:
    """Once round the Earth in the unit of a geographic system; 0 of others."""
    from pyproj import CRS

    system = CRS(name)
    if not system.is_geographic:
        return 0.0
    return float(2 * np.pi / system.axis_info[0].unit_conversion_factor)


def _touching(bounds: NDArray[np.float64]) -> Pairs:
    """Pairs of (n, 4) boxes that touch or overlap."""
    import shapely

    boxes = shapely.box(*bounds.T)
    found = shapely.STRtree(boxes).query(boxes).T
    return np.asarray(found[found[:, 0] < found[:, 1]], np.int64)
