"""The ground of reference maps in square metres, whatever their reference systems."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.domain.crs import is_utm, shown_crs
from benkit.errors import InputFormatError, first_line
from benkit.files.safe_names import printable
from benkit.ground.area_plane import intersection_areas, plane_of, project_polygons
from benkit.ground.grid import Pairs
from benkit.ground.projection import Transform, transform_between
from benkit.reference_maps.map_footprints import MapFootprints
from benkit.reference_maps.read import ReferenceMaps

__all__ = [
    "Systems",
    "areas_on_plane",
    "latitudes",
    "project_grounds",
    "shared_map_areas",
    "shared_sides",
]

_ANY_PLANE = 6931


@dataclass(frozen=True)
class Systems:
    """The reference systems of some maps, numbered.

    Attributes
    ----------
    maps : ReferenceMaps
    names : tuple of str or None
        Each once; one None where all are assumed to be the same.
    number : (n,) int64 array
        Index into the names for each patch.
    """

    maps: ReferenceMaps
    names: tuple[str | None, ...]
    number: NDArray[np.int64]

    @classmethod
    def of(cls, maps: ReferenceMaps, assume_same: bool) -> "Systems":
        """Number the systems in the order in which they are first met.

        Raises
        ------
        InputFormatError
            If one is not known, or not of the ground; the message names a file.
        """
        if assume_same:
            return cls(maps, (None,), np.zeros(len(maps), np.int64))
        names = tuple(dict.fromkeys(maps.crs))
        systems = cls(maps, names, np.array([names.index(name) for name in maps.crs], np.int64))
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
        """The function that takes coordinates of a system to a plane.

        Raises
        ------
        InputFormatError
            If the system is not known; the message names a file.
        """
        from pyproj.exceptions import ProjError

        name, file = self.names[number], self.file(number)
        if name is None:
            raise InputFormatError(
                f"{file}: expected a coordinate reference system, as other files of the folder have "
                "one, but there is none; compare coordinates as they are (assume the same CRS) instead"
            )
        try:
            return transform_between(name, plane)
        except ProjError as error:
            raise _unknown(file, name, error) from None

    def square_metres(self, number: int) -> float:
        """What a square unit of a system's coordinates is in square metres; NaN for degrees.

        Coordinates of an unknown system are taken as metres.
        """
        from pyproj import CRS

        if self.names[number] is None:
            return 1.0
        self.transform(number, _ANY_PLANE)  # says which file has a system that is not known
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


def project_grounds(
    grounds: NDArray[np.object_], patches: NDArray[np.int64], systems: Systems, plane: int
) -> NDArray[np.object_]:
    """The ground of some patches on an equal-area plane.

    Raises
    ------
    InputFormatError
        If coordinates do not fit their reference system.
    """
    import shapely

    projected = grounds.copy()
    for number in np.unique(systems.number[patches]).tolist():
        some = systems.number[patches] == number
        projected[some] = project_polygons(grounds[some], systems.transform(number, plane))
    _refuse(systems, patches[~np.isfinite(shapely.bounds(projected)).all(1)])
    broken = ~shapely.is_valid(projected)
    projected[broken] = shapely.make_valid(projected[broken])
    return projected


def shared_map_areas(
    footprints: MapFootprints, systems: Systems, pairs: Pairs
) -> NDArray[np.float64]:
    """The ground that pairs of patches share.

    Parameters
    ----------
    footprints : MapFootprints
    systems : Systems
    pairs : (m, 2) int64 array
        Of patches that overlap.

    Returns
    -------
    (m,) float64 array
        Square metres on the plane of the coordinates, or on the ellipsoid where the systems are two or
        coordinates are in degrees.
    """
    area = np.empty(len(pairs))
    first, second = systems.number[pairs].T
    unit = np.array([systems.square_metres(number) for number in range(len(systems))])[first]
    alone = (first == second) & ~np.isnan(unit)
    area[alone] = _areas(footprints, pairs[alone]) * unit[alone]
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
    """The ground that pairs of patches share, in square metres on an equal-area plane."""
    return intersection_areas(
        pairs,
        lambda some: project_grounds(_grounds(footprints, some), some, systems, plane),
    )


def shared_sides(first: NDArray, second: NDArray) -> tuple[NDArray, NDArray]:
    """Width and height of the shared part of boxes; not positive where there is none."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    return high[:, 0] - low[:, 0], high[:, 1] - low[:, 1]


def _areas(footprints: MapFootprints, pairs: Pairs) -> NDArray[np.float64]:
    """Shared areas in the coordinates as they are."""
    width, height = shared_sides(footprints.boxes[pairs[:, 0]], footprints.boxes[pairs[:, 1]])
    area = width * height
    rest = ~footprints.is_box[pairs].all(1)
    area[rest] = intersection_areas(pairs[rest], lambda some: _grounds(footprints, some))
    return area


def _grounds(footprints: MapFootprints, patches: NDArray[np.int64]) -> NDArray[np.object_]:
    """The union of the polygons of each patch."""
    import shapely

    some = footprints.subset(patches).with_box_polygons()
    patch = np.repeat(np.arange(len(some)), np.diff(some.first))
    collections = shapely.geometrycollections(some.polygons, indices=patch)
    assert len(collections) == len(patches), "no footprint is empty"
    return shapely.union_all(collections[:, np.newaxis], axis=1)


def _require_ground(file: Path, name: str) -> None:
    """Refuse heights, coordinates from the middle of the earth, and the like."""
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
