"""Coordinate reference systems of reference maps, and areas in square metres whatever they are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.domain.crs import is_utm, one_name, shown_crs
from benkit.errors import InputFormatError, first_line
from benkit.files.safe_names import printable
from benkit.ground.area_plane import (
    PolygonsOf,
    intersection_areas,
    plane_of,
    project_polygons,
    shared_polygons,
)
from benkit.ground.footprints import are_patch_ids
from benkit.ground.grid import Pairs
from benkit.ground.projection import Transform, transform_between
from benkit.reference_maps.map_footprints import MapFootprints
from benkit.reference_maps.patch_place import may_be_degrees, require_place, zone_at_place
from benkit.reference_maps.read import ReferenceMaps

_ANY_PLANE = 6931  # EPSG code


@dataclass(frozen=True)
class Systems:
    """The different reference systems of maps.

    Attributes
    ----------
    maps : ReferenceMaps
    names : tuple of str or None
        Each once; one None where all are assumed to be the same, or none is known.
    number : (n,) int64 array
        Index of the name for each patch.
    assumed : bool
        Whether all are assumed to be the same.
    """

    maps: ReferenceMaps
    names: tuple[str | None, ...]
    number: NDArray[np.int64]
    assumed: bool = False

    @classmethod
    def of(
        cls, maps: ReferenceMaps, footprints: MapFootprints, assume_same: bool, areas: bool
    ) -> "Systems":
        """Number the systems by their first maps; refuse those that are not known or not horizontal.

        Systems are the same whatever their spelling. That of a map that names none is the UTM zone of
        its patch, if it lies there; if not, maps without a system are compared with each other alone,
        and not measured.
        """
        if assume_same:
            return cls(maps, (None,), np.zeros(len(maps), np.int64), assumed=True)
        found = [
            zone_at_place(patch, box) if crs is None else one_name(crs)
            for crs, patch, box in zip(maps.crs, maps.patch_ids, footprints.boxes, strict=True)
        ]
        if areas or len({*found}) > 1:
            known = next((name for name in found if name), None)
            for patch in [patch for patch, name in enumerate(found) if name is None]:
                _require_system(maps, patch, footprints.boxes[patch], alone=known is None)
                found[patch] = known  # for it is empty, or no other has one either
        names = tuple(dict.fromkeys(found))
        index = {name: number for number, name in enumerate(names)}
        systems = cls(maps, names, np.array([index[name] for name in found], np.int64))
        for number, name in enumerate(names):
            if name is not None and not is_utm(name):
                _require_ground(systems.file(number), name)
        return systems

    def __len__(self) -> int:
        """Number of systems."""
        return len(self.names)

    def file(self, number: int) -> Path:
        """The first file of a system."""
        return self.maps.files[int(np.argmax(self.number == number))]

    def transform(self, number: int, plane: int) -> Transform:
        """The function that takes coordinates of a system to a plane (EPSG code)."""
        from pyproj.exceptions import ProjError

        name = self.names[number]
        assert name is not None, "what no system is known of is compared as it is"
        try:
            return transform_between(name, plane)
        except ProjError as error:
            raise _unknown(self.file(number), name, error) from None

    def square_metres(self, number: int) -> float:
        """Square metres of a square unit of coordinates; NaN for degrees, 1 where none is known."""
        from pyproj import CRS

        if self.names[number] is None:
            return 1.0
        self.transform(number, _ANY_PLANE)  # names the file of a system that is not known
        crs = CRS(self.names[number])
        return np.nan if crs.is_geographic else crs.axis_info[0].unit_conversion_factor ** 2


def latitudes(footprints: MapFootprints, systems: Systems) -> NDArray[np.float64]:
    """Degrees north of the middle of each footprint, NaN where it is empty."""
    middle = (footprints.boxes[:, :2] + footprints.boxes[:, 2:]) / 2
    degrees = np.full(len(footprints), np.nan)
    for number in range(len(systems)):
        some = np.flatnonzero((systems.number == number) & ~np.isnan(middle[:, 0]))
        x, y = systems.transform(number, _ANY_PLANE)(middle[some, 0], middle[some, 1])
        _refuse(systems, some[~np.isfinite(x)])
        degrees[some] = transform_between(_ANY_PLANE, 4326)(x, y)[1]
    return degrees


def project_footprints(
    polygons: NDArray[np.object_], patches: NDArray[np.int64], systems: Systems, plane: int
) -> NDArray[np.object_]:
    """The polygons of some patches, one each, on an equal-area plane, valid."""
    import shapely

    projected = polygons.copy()
    for number in np.unique(systems.number[patches]).tolist():
        some = systems.number[patches] == number
        projected[some] = project_polygons(polygons[some], systems.transform(number, plane))
    _refuse(systems, patches[~np.isfinite(shapely.bounds(projected)).all(1)])
    invalid = ~shapely.is_valid(projected)
    projected[invalid] = shapely.make_valid(projected[invalid])
    return projected


def shared_map_areas(
    footprints: MapFootprints, systems: Systems, pairs: Pairs
) -> NDArray[np.float64]:
    """Square metres that pairs of patches share; see `benkit.reference_maps.map_overlaps`.

    NaN where patches lie on the ground, by their ids, and what is assumed to be metres is degrees.
    """
    area = np.empty(len(pairs))
    first, second = systems.number[pairs].T
    unit = np.array([systems.square_metres(number) for number in range(len(systems))])[first]
    alone = (first == second) & ~np.isnan(unit)
    area[alone] = _areas(footprints, pairs[alone]) * unit[alone]
    if systems.assumed:  # to be in metres, which degrees are not
        degrees = may_be_degrees(footprints.boxes) & are_patch_ids(systems.maps.patch_ids)
        area[degrees[pairs].all(1)] = np.nan
    rest = np.flatnonzero(~alone)
    if len(rest):
        of_pair = plane_of(latitudes(footprints, systems)[pairs[rest, 0]])
        for plane in np.unique(of_pair).tolist():
            some = rest[of_pair == plane]
            area[some] = areas_on_plane(footprints, systems, pairs[some], plane)
    return area


def areas_on_plane(
    footprints: MapFootprints, systems: Systems, pairs: Pairs, plane: int
) -> NDArray[np.float64]:
    """Square metres that pairs of patches share on an equal-area plane."""
    return intersection_areas(
        pairs, lambda some: project_footprints(_unions(footprints, some), some, systems, plane)
    )


def shared_map_ground(
    footprints: MapFootprints, systems: Systems, pairs: Pairs
) -> NDArray[np.object_]:
    """The ground that pairs of patches share: (m,) polygons in degrees (EPSG:4326)."""

    def on_plane(plane: int) -> PolygonsOf:
        return lambda some: project_footprints(_unions(footprints, some), some, systems, plane)

    return shared_polygons(pairs, latitudes(footprints, systems), on_plane)


def box_intersections(first: NDArray, second: NDArray) -> tuple[NDArray, NDArray]:
    """Width and height of the intersections of boxes; not positive where there is none."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    return high[:, 0] - low[:, 0], high[:, 1] - low[:, 1]


def _areas(footprints: MapFootprints, pairs: Pairs) -> NDArray[np.float64]:
    """Shared areas in the coordinates as they are."""
    boxes = footprints.boxes
    width, height = box_intersections(boxes[pairs[:, 0]], boxes[pairs[:, 1]])
    area = width * height
    rest = ~footprints.is_box[pairs].all(1)
    area[rest] = intersection_areas(pairs[rest], lambda some: _unions(footprints, some))
    return area


def _unions(footprints: MapFootprints, patches: NDArray[np.int64]) -> NDArray[np.object_]:
    """The union of the polygons of each patch."""
    import shapely

    some = footprints.subset(patches).with_box_polygons()
    collections = shapely.geometrycollections(some.polygons, indices=some.patch)
    assert len(collections) == len(patches), "no footprint is empty"
    return shapely.union_all(collections[:, np.newaxis], axis=1)


def _require_system(maps: ReferenceMaps, patch: int, box: NDArray[np.float64], alone: bool) -> None:
    """Refuse a map that names no system and does not lie at its patch's place, unless it is empty.

    Where no map names one, those whose names are no patch ids may be in metres.
    """
    require_place(maps.files[patch], maps.patch_ids[patch], box)
    if not alone and not np.isnan(box).any():
        raise InputFormatError(
            f"{maps.files[patch]}: expected a coordinate reference system, as other files of the "
            "folder have one, but there is none; compare coordinates as they are (assume the same CRS) "
            "instead"
        )


def _require_ground(file: Path, name: str) -> None:
    """Refuse vertical, geocentric and other systems that are neither projected nor geographic."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        crs = CRS(name)
    except CRSError as error:
        raise _unknown(file, name, error) from None
    if not (crs.is_projected or crs.is_geographic):
        raise InputFormatError(
            f"{file}: expected a coordinate reference system of the ground, but {shown_crs(name)} "
            f"is one of another kind ({crs.type_name}); write the map in its UTM zone"
        )


def _unknown(file: Path, name: str, error: Exception) -> InputFormatError:
    return InputFormatError(
        f"{file}: expected a known coordinate reference system, but {shown_crs(name)} is none "
        f"({printable(first_line(error)[:160])}); write the map in its UTM zone"
    )


def _refuse(systems: Systems, patches: NDArray[np.int64]) -> None:
    if len(patches):
        patch = int(patches[0])
        raise InputFormatError(
            f"{systems.maps.files[patch]}: expected coordinates in "
            f"{shown_crs(systems.maps.crs[patch] or '')}, but they do not fit it; "
            "check the reference system, or write the file again"
        )
