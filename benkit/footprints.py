"""Where patches lie on the ground, from their names alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError, OptionError, PatchIdError
from benkit.spec.bands import PATCH_METRES
from benkit.spec.patch_id import PATCHES_PER_SIDE, Product, parse_patch_id, parse_product

__all__ = [
    "FootprintTable",
    "Footprints",
    "footprint_table",
    "locate",
    "locate_table",
    "square_rings",
]

DEFAULT_CRS = "EPSG:4326"
"""Longitude and latitude on WGS 84: what maps and tools expect."""

_LARGEST_SQUARE = (
    1_000_000  # units; no projection in use makes a patch so wide, a torn one is wider
)
_POSITION_PATTERN = r"^_\d\d_\d\d$"
_POSITION_LENGTH = len("_00_00")


@dataclass(frozen=True)
class Footprints:
    """The squares of ground that some patches show, as arrays of one entry a patch.

    Attributes
    ----------
    products : tuple of Product
        The products that occur, in the order in which they are first met.
    product : (n,) int32 array
        Index into ``products``.
    column, row : (n,) int32 array
        Place in the tile, 0 to 90.
    epsg : (n,) int32 array
        UTM zone of the coordinates.
    x, y : (n,) int64 array
        Upper-left (north-west) corner in metres; a patch reaches 1200 m east and south of it.
    """

    products: tuple[Product, ...]
    product: NDArray[np.int32]
    column: NDArray[np.int32]
    row: NDArray[np.int32]
    epsg: NDArray[np.int32]
    x: NDArray[np.int64]
    y: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.product)


def locate(patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> Footprints:
    """Read many patch ids at once.

    Parameters
    ----------
    patch_ids : sequence of str or arrow string array

    Returns
    -------
    Footprints
        Equal to `parse_patch_id` of each.

    Raises
    ------
    PatchIdError
        If one is no patch id; the message names the first.

    Examples
    --------
    >>> places = locate(["S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"])
    >>> places.x.tolist(), places.y.tolist(), places.epsg.tolist()
    ([339600], [6065220], [32635])
    """
    ids = _one_array(patch_ids)
    positions = pc.utf8_slice_codeunits(ids, -_POSITION_LENGTH)
    well_formed = pc.match_substring_regex(positions, _POSITION_PATTERN)
    _refuse_first(ids, pc.invert(well_formed))
    encoded = pc.dictionary_encode(pc.utf8_slice_codeunits(ids, 0, -_POSITION_LENGTH))
    try:
        products = tuple(parse_product(name) for name in encoded.dictionary.to_pylist())
    except ValueError:
        for text in ids.to_pylist():
            parse_patch_id(text)
        raise
    column, row = (
        pc.utf8_slice_codeunits(positions, start, start + 2).cast(pa.int32()).to_numpy()
        for start in (1, 4)
    )
    _refuse_first(ids, pa.array((column >= PATCHES_PER_SIDE) | (row >= PATCHES_PER_SIDE)))
    product = encoded.indices.to_numpy()
    tiles = [product.tile for product in products]
    epsg, west, north = (
        np.array([getattr(tile, name) for tile in tiles], np.int64)[product]
        for name in ("epsg", "west", "north")
    )
    return Footprints(
        products=products,
        product=product,
        column=column,
        row=row,
        epsg=epsg.astype(np.int32),
        x=west + PATCH_METRES * column.astype(np.int64),
        y=north - PATCH_METRES * row.astype(np.int64),
    )


def locate_table(table: pa.Table, path: Path) -> Footprints:
    """Footprints of the patches of a table.

    Parameters
    ----------
    table : pyarrow.Table
        With the column ``patch_id``. Where it also has ``epsg``, ``x`` and ``y``, as `footprint_table`
        gives them, they have to agree with the names.
    path : Path
        For messages.

    Raises
    ------
    PatchIdError
        If one is no patch id; the message names the first.
    InputFormatError
        If a corner is another one than that of the name.
    """
    try:
        places = locate(table["patch_id"])
    except PatchIdError as error:
        raise PatchIdError(f"{path}: {error}") from None
    if {"epsg", "x", "y"} <= set(table.column_names):
        found = [np.asarray(table[name]) for name in ("epsg", "x", "y")]
        expected = (places.epsg, places.x, places.y)
        agree = np.logical_and.reduce([a == b for a, b in zip(found, expected, strict=True)])
        if not agree.all():
            first = int(np.argmin(agree))
            raise InputFormatError(
                f"{path}: expected the corner {expected[1][first]}, {expected[2][first]} in "
                f"EPSG:{expected[0][first]} for {table['patch_id'][first]}, as its name says, but the "
                f"columns x, y and epsg give {', '.join(str(a[first]) for a in found[1:])} in "
                f"EPSG:{found[0][first]}; write the footprints again"
            )
    return places


@dataclass(frozen=True)
class FootprintTable:
    """Footprints as a table for geographic tools.

    Attributes
    ----------
    table : pyarrow.Table
        One row a patch: ``patch_id``, ``product``, ``tile``, ``sensing_time`` (UTC), ``season``, the
        other columns of the metadata, ``epsg``, ``x``, ``y`` (UTM zone and upper-left corner in it), and
        ``geometry``, the square as WKB, longitude or easting first, outer ring counter-clockwise. It is
        a polygon of the four corners; in degrees, where it lies on both sides of the 180th meridian,
        two polygons that meet there.
    bounds : (n, 4) float64 array
        Least x (or longitude), least y (or latitude), greatest x, greatest y of each.
    crs : str
        Coordinate reference system of the geometry.
    geometry_types : tuple of str
        ``Polygon``, and ``MultiPolygon`` if there is one.
    """

    table: pa.Table
    bounds: NDArray[np.float64]
    crs: str
    geometry_types: tuple[str, ...]


def footprint_table(metadata: pa.Table, crs: str = DEFAULT_CRS) -> FootprintTable:
    """Footprints of all patches of some metadata.

    Parameters
    ----------
    metadata : pyarrow.Table
        With the column ``patch_id``. Columns that have the name of one that is made here are replaced.
    crs : str
        Coordinate reference system of the geometry, such as ``EPSG:3035``.

    Raises
    ------
    PatchIdError
        If one is no patch id.
    OptionError
        If the reference system is not known, has not two axes on the ground, or cannot show a patch in
        one piece.
    """
    places = locate(metadata["patch_id"])
    products = places.products
    of_product = {
        "product": pa.array([str(product) for product in products], pa.string()),
        "tile": pa.array([product.tile.name for product in products], pa.string()),
        "sensing_time": pa.array([p.sensing_start for p in products], pa.timestamp("s", tz="UTC")),
        "season": pa.array([product.season for product in products], pa.string()),
    }
    index = pa.array(places.product)
    columns = {"patch_id": metadata["patch_id"]}
    columns |= {name: values.take(index) for name, values in of_product.items()}
    own = {*columns, "epsg", "x", "y", "geometry", "bbox"}
    columns |= {name: metadata[name] for name in metadata.column_names if name not in own}
    geometry, bounds, kinds = _geometries(places, metadata["patch_id"], crs)
    columns |= {"epsg": places.epsg, "x": places.x, "y": places.y, "geometry": geometry}
    return FootprintTable(pa.table(columns), bounds, crs, kinds)


def _geometries(
    places: Footprints, ids: pa.ChunkedArray, crs: str
) -> tuple[pa.Array, NDArray[np.float64], tuple[str, ...]]:
    """The squares as WKB, their bounds, and which types of geometries they are."""
    system = _reference_system(crs)
    rings = square_rings(places, system)
    bounds = np.hstack([rings.min(1), rings.max(1)])
    largest = 180 if system.is_geographic else _LARGEST_SQUARE
    shown = np.isfinite(bounds).all(1)
    torn = np.zeros(len(places), bool)
    torn[shown] = (bounds[shown, 2:] - bounds[shown, :2]).max(1, initial=0) > largest
    if system.is_projected:
        shown &= ~torn
    if not shown.all():
        raise OptionError(
            f"{crs}: expected a coordinate reference system that shows all patches, but it does not "
            f"show {ids[int(np.argmin(shown))]} in one piece; choose another, such as {DEFAULT_CRS}"
        )
    wkb = _wkb_polygons(rings)
    if not torn.any():
        return wkb, bounds, ("Polygon",)
    import shapely

    parted = _part_at_the_180th_meridian(rings[torn])
    bounds[torn] = shapely.bounds(parted)
    texts = np.array(wkb.to_pylist(), object)
    texts[torn] = shapely.to_wkb(parted, byte_order=1)
    kinds = {"Polygon"} if not torn.all() else set()
    return (
        pa.array(texts, pa.binary()),
        bounds,
        tuple(sorted(kinds | {g.geom_type for g in parted})),
    )


def _reference_system(text: str) -> Any:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(text)
    except CRSError:
        raise OptionError(
            f"{text!r} is no known coordinate reference system: expected one such as EPSG:3035"
        ) from None
    if len(system.axis_info) != 2 or not (system.is_geographic or system.is_projected):
        raise OptionError(
            f"{text} ({system.name}) has not two axes on the ground: expected a geographic or "
            "projected coordinate reference system such as EPSG:3035"
        )
    return system


def square_rings(places: Footprints, crs: Any) -> NDArray[np.float64]:
    """Corners of the squares.

    Parameters
    ----------
    places : Footprints
    crs : anything that pyproj takes
        The reference system of the result.

    Returns
    -------
    (patches, 5, 2) float64 array
        Longitude or east first, counter-clockwise from the north-west, closed.
    """
    from pyproj import Transformer

    rings = np.empty((len(places), 5, 2))
    right = np.array([0, 0, 1, 1, 0]) * PATCH_METRES
    down = np.array([0, 1, 1, 0, 0]) * PATCH_METRES
    for epsg in np.unique(places.epsg).tolist():
        some = places.epsg == epsg
        x, y = places.x[some, np.newaxis] + right, places.y[some, np.newaxis] - down
        project = Transformer.from_crs(epsg, crs, always_xy=True).transform
        rings[some] = np.stack(project(x, y), axis=-1)
    return rings


def _part_at_the_180th_meridian(rings: NDArray[np.float64]) -> NDArray[np.object_]:
    """Squares whose corners lie on both sides, in parts as RFC 7946, section 3.1.9, asks for."""
    import shapely

    rings = rings.copy()
    rings[..., 0] %= 360
    squares = shapely.polygons(rings)
    west = shapely.intersection(squares, shapely.box(0, -90, 180, 90))
    east = shapely.intersection(squares, shapely.box(180, -90, 360, 90))
    east = shapely.transform(east, lambda xy: xy - [360, 0])
    parted = np.empty(len(rings), object)
    for index, parts in enumerate(zip(west, east, strict=True)):
        polygons = [shapely.orient_polygons(part) for part in parts if part.area > 0]
        parted[index] = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    return parted


def _wkb_polygons(rings: NDArray[np.float64]) -> pa.Array:
    """Polygons of one ring each as little-endian well-known binary."""
    points = rings.shape[1]
    layout = np.dtype(
        [
            ("order", "u1"),
            ("kind", "<u4"),
            ("rings", "<u4"),
            ("points", "<u4"),
            ("xy", "<f8", (points, 2)),
        ]
    )
    polygons = np.zeros(len(rings), layout)
    polygons["order"], polygons["kind"], polygons["rings"], polygons["points"] = 1, 3, 1, points
    polygons["xy"] = rings
    offsets = np.arange(len(rings) + 1, dtype=np.int32) * layout.itemsize
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(polygons.tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(rings), buffers)


def _one_array(patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(patch_ids, pa.ChunkedArray):
        return patch_ids.combine_chunks().cast(pa.string())
    if isinstance(patch_ids, pa.Array):
        return patch_ids.cast(pa.string())
    return pa.array(patch_ids, pa.string())


def _refuse_first(ids: pa.Array, wrong: pa.Array) -> None:
    """Raise the error of the first wrong id."""
    first = pc.index(wrong, True).as_py()
    if first >= 0:
        parse_patch_id(ids[first].as_py())
        raise AssertionError("an id that is refused here is refused there")
