"""Where patches lie, from the coordinates that a table has in columns with well-known names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.crs import shown_crs
from benkit.errors import InputFormatError, OptionError, PatchIdError, first_line
from benkit.files.safe_names import some_names
from benkit.files.tables.geoparquet import table_crs
from benkit.files.tables.table import is_text
from benkit.ground.footprints import Footprints, are_patch_ids, locate_rows
from benkit.ground.points import LARGEST_EDGE, Points, polygon_centres
from benkit.ground.projection import project

LOOKED_FOR = (
    "the columns lon and lat (also longitude and latitude, lng or long, and with centre_ or center_ "
    "before it), x and y beside crs or epsg, or geometry as WKB"
)
"""By what names coordinates are known."""

_PAIRS = [
    (f"{before}{x}", f"{before}{y}")
    for before in ("", "centre_", "center_")
    for x, y in (("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"))
]
_SYSTEMS = ("crs", "epsg")
_METRES_LOOK_LIKE_DEGREES = 180


def place_patches(table: pa.Table, patch_size: float | None = None) -> Footprints | Points:
    """Where the patches of a table lie: as their ids say, or where no id tells, its coordinates.

    Parameters
    ----------
    table : pyarrow.Table
        With the column ``patch_id``.
    patch_size : float, optional
        Edge in metres of the squares around coordinates of points; without it they have no extent.

    Raises
    ------
    PatchIdError
        If an id does not tell, and there are no coordinates or other ids tell.
    InputFormatError
        If coordinates are missing, impossible, or of an unknown reference system.
    OptionError
        If the size is no size of a patch, or is given where ids or polygons tell it.
    """
    if patch_size is not None and not 0 < patch_size <= LARGEST_EDGE:
        raise OptionError(
            f"expected a patch size of more than 0 and at most {LARGEST_EDGE:,} metres, "
            f"but it is {patch_size:,.10g}"
        )
    try:
        places = locate_rows(table)
    except PatchIdError as error:
        if are_patch_ids(table["patch_id"]).any():
            raise
        points = _read_points(table, patch_size or 0.0)
        if points is None:
            raise PatchIdError(
                f"{error}; where names tell no place, coordinates have to: {LOOKED_FOR}, of which there "
                "is none; rename the columns that hold them"
            ) from None
        return points
    if patch_size is not None and len(places):
        raise OptionError(
            "expected a patch size where points tell the places, but here the names of the patches do, "
            "and 1,200 m is theirs; leave it out"
        )
    return places


def names_of_coordinates() -> set[str]:
    """Names, in small letters, of all columns that may tell where patches lie."""
    return {name for pair in _PAIRS for name in pair} | {"x", "y", *_SYSTEMS, "geometry"}


def tells_coordinates(table: pa.Table) -> bool:
    """Whether a table has columns of coordinates by their names."""
    names = _folded(table)
    xy = {"x", "y"} <= names.keys() and bool(names.keys() & set(_SYSTEMS))
    return "geometry" in names or xy or any({*pair} <= names.keys() for pair in _PAIRS)


def _read_points(table: pa.Table, edge: float) -> Points | None:
    """Places by the geometry, else by longitude and latitude, else by x and y."""
    names = _folded(table)
    if "geometry" in names:
        return _of_geometry(table, names["geometry"], edge)
    pairs = [pair for pair in _PAIRS if {*pair} <= names.keys()]
    if len(pairs) > 1:
        found = [names[name] for pair in pairs for name in pair]
        raise InputFormatError(
            f"expected one pair of longitudes and latitudes, but there are the columns "
            f"{some_names(list(dict.fromkeys(found)))}; take those out that are not meant"
        )
    if pairs:
        x, y = (names[name] for name in pairs[0])
        degrees = np.stack([_numbers(table, x), _numbers(table, y)], axis=1)
        return Points(_checked(table, degrees, f"the columns {x} and {y}"), edge)
    systems = [names[name] for name in _SYSTEMS if name in names]
    if {"x", "y"} <= names.keys() and systems:
        return Points(_of_plane(table, names["x"], names["y"], systems[0]), edge)
    return None


def _folded(table: pa.Table) -> dict[str, str]:
    return {name.strip().lower(): name for name in reversed(table.column_names)}


def _of_plane(table: pa.Table, x: str, y: str, system: str) -> NDArray[np.float64]:
    """Degrees of x and y, each in the reference system that its row names."""
    points = np.stack([_numbers(table, x), _numbers(table, y)], axis=1)
    named = [str(name or "") for name in table[system].to_pylist()]
    names, which = np.unique(named, return_inverse=True)
    degrees = np.empty_like(points)
    for number, name in enumerate(names.tolist()):
        rows = np.flatnonzero(which == number)
        if not name:
            raise _wrong(table, rows[0], f"a reference system in the column {system}", "none")
        crs = f"EPSG:{name.removesuffix('.0')}" if name[0].isdigit() else name
        degrees[rows] = _to_degrees(crs, points[rows], f"the column {system}")
    return _checked(table, degrees, f"the columns {x}, {y} and {system}")


def _to_degrees(crs: str, points: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(crs)
        degrees = project(crs, 4326, *points.T)
    except CRSError:
        raise InputFormatError(
            f"expected a reference system such as EPSG:32633 in {where}, but it says "
            f"{some_names([shown_crs(crs)])}"
        ) from None
    if system.is_projected and np.abs(points).max(initial=0) <= _METRES_LOOK_LIKE_DEGREES:
        raise InputFormatError(
            f"expected metres, as {where} says {shown_crs(crs)}, but all coordinates lie between -180 "
            "and 180, as degrees do; say EPSG:4326 where they are longitudes and latitudes"
        )
    return degrees


def _of_geometry(table: pa.Table, name: str, edge: float) -> Points:
    """Places by the points or polygons of a column of WKB."""
    import shapely

    crs = table_crs(table, name)
    if crs is None:
        raise InputFormatError(
            f"expected a column {name} whose reference system is stated, as in GeoParquet or a "
            "GeoDataFrame with a crs, but there is none; state it"
        )
    try:
        shapes = shapely.from_wkb(table[name].to_numpy())
    except (shapely.errors.GEOSException, TypeError, ValueError) as error:
        raise InputFormatError(
            f"expected points or polygons as WKB in the column {name}, but {first_line(error)}"
        ) from None
    wrong = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    kinds = shapely.get_type_id(shapes)
    wrong |= ~np.isin(kinds, (0, 3, 6)) | ((kinds == 0) != (kinds[:1] == 0).all())
    if wrong.any():
        row = int(wrong.argmax())
        shape = shapes[row]
        found = "none" if shape is None or shape.is_empty else f"a {shape.geom_type}"
        why = (
            ""
            if shapely.is_valid(shape)
            else f" that is not valid ({shapely.is_valid_reason(shape)})"
        )
        raise _wrong(
            table, row, f"all points, or all valid polygons, in the column {name}", f"{found}{why}"
        )
    shown = f"the column {name}"
    if not len(shapes) or kinds[0] == 0:
        points = shapely.get_coordinates(shapes)
        return Points(_checked(table, _to_degrees(crs, points, shown), shown), edge)
    if edge:
        raise OptionError(
            "expected a patch size where points tell the places, but here polygons do, which have a "
            "size of their own; leave it out"
        )
    corners, patch = shapely.get_coordinates(shapes, return_index=True)
    corners = _checked(table, _to_degrees(crs, corners, shown), shown, patch)
    _refuse_torn(table, shapes, corners, patch)
    return Points(polygon_centres(shapes, crs), 0.0, shapes, crs)


def _refuse_torn(table: pa.Table, shapes: NDArray, corners: NDArray, patch: NDArray) -> None:
    """Refuse polygons that go round the Earth because they cross the 180th meridian in one piece."""
    import shapely

    steps = np.abs(np.diff(corners[:, 0])) > 180
    torn = steps & (patch[1:] == patch[:-1]) & (shapely.get_num_geometries(shapes)[patch[1:]] == 1)
    if torn.any():
        row = patch[1:][torn][0]
        raise _wrong(table, row, "two parts of a polygon that crosses the 180th meridian", "one")


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column of numbers, which a CSV file has as texts."""
    column = table[name].combine_chunks()
    kind = column.type
    if is_text(kind):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
        plain = pc.match_substring_regex(column, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
        if not pc.all(plain, min_count=0).as_py():
            row = pc.index(plain, False).as_py()
            raise _wrong(
                table, row, f"a number in the column {name}", some_names([column[row].as_py()])
            )
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InputFormatError(f"expected numbers in the column {name}, but its type is {kind}")
    values = np.asarray(column.cast(pa.float64()), np.float64)
    if not np.isfinite(values).all():
        raise _wrong(table, int(np.argmin(np.isfinite(values))), f"a number in {name}", "none")
    return values


def _checked(
    table: pa.Table, degrees: NDArray, shown: str, patch: Sequence[int] | Any = None
) -> NDArray[np.float64]:
    """Longitudes and latitudes that can be, from -180 to 180 and -90 to 90.

    ``patch`` is the row of each, where it is not its number.
    """
    longitude, latitude = degrees.T
    right = (longitude >= -180) & (longitude <= 360) & (np.abs(latitude) <= 90)
    nowhere = (longitude == 0) & (latitude == 0) & (patch is None)
    if not right.all() or nowhere.any():
        first = int(np.argmin(right & ~nowhere))
        row = first if patch is None else patch[first]
        if nowhere[first]:
            raise _wrong(
                table,
                row,
                f"a place in {shown}",
                "0, 0, which tables hold for one that is not known",
            )
        swapped = (np.abs(latitude) > 90).any() and (np.abs(longitude) <= 90).all()
        raise _wrong(
            table,
            row,
            f"a longitude from -180 to 180 and a latitude from -90 to 90 in {shown}",
            ", ".join(f"{value:.10g}" for value in degrees[first])
            + (" (are the two exchanged?)" if swapped else ""),
        )
    return np.stack([np.where(longitude > 180, longitude - 360, longitude), latitude], axis=1)


def _wrong(table: pa.Table, row: int, expected: str, found: str) -> InputFormatError:
    patch = some_names([table["patch_id"][int(row)].as_py()])
    return InputFormatError(
        f"expected {expected}, but the row of {patch} has {found}; correct it, or take the row out"
    )
