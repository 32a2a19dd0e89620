"""Footprints as a table for geographic tools."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.errors import OptionError
from benkit.files.tables.parquet import unpacked
from benkit.files.tables.table_value import TableValue
from benkit.ground.footprints import Footprints, locate_rows
from benkit.ground.projection import project_from_zones
from benkit.ground.rectangles import Rectangles

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

OUTPUT_CRS = "EPSG:4326"
"""In which footprints are written if not told: longitude and latitude on WGS 84, as tools expect."""

_AT_ONCE = 2**17
_LARGEST_SQUARE = 1_000_000  # units: a patch is wider only where a projection tears it


@dataclass(frozen=True, repr=False)
class FootprintTable(TableValue):
    """Footprints as a table for geographic tools.

    Attributes
    ----------
    table : pyarrow.Table
        One row a patch: ``patch_id``, ``product``, ``tile``, ``sensing_time`` (UTC), ``season``, the
        other columns of the metadata, ``epsg``, ``x``, ``y`` (UTM zone and upper-left corner in it), and
        ``geometry``, the square as WKB, longitude or easting first, outer ring counter-clockwise. It is
        a polygon of the four corners; in degrees, where it lies on both sides of the 180th meridian,
        two polygons that meet there. Where an inventory tells the places, ``crs`` is in the place of
        ``epsg``, and of the others are those that the metadata has.
    bounds : (n, 4) float64 array
        Least x (or longitude), least y (or latitude), greatest x, greatest y of each.
    crs : str
        Coordinate reference system of the geometry.
    geometry_types : tuple of str
        ``Polygon``, and ``MultiPolygon`` if there is one.
    """

    bounds: NDArray[np.float64]
    crs: str
    geometry_types: tuple[str, ...]
    _metadata: pa.Table
    _places: Footprints | Rectangles

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.bounds)

    def _facts(self) -> str:
        return f"{len(self):,} patches, {self.crs}"

    @cached_property
    def table(self) -> pa.Table:
        """All rows."""
        return _rows(unpacked(self._metadata), self._places, self.crs)

    def take(self, rows: NDArray[np.integer]) -> pa.Table:
        """Some rows of the table, by index."""
        some = unpacked(self._metadata.take(pa.array(rows)))
        return _rows(some, self._places.take(rows), self.crs)

    def to_geodataframe(self) -> "GeoDataFrame":
        """The same rows as a geopandas GeoDataFrame in the CRS of the geometry."""
        from geopandas import GeoDataFrame, GeoSeries

        geometry = GeoSeries.from_wkb(self.table["geometry"].to_numpy(), crs=self.crs)
        return GeoDataFrame(self.table.drop_columns("geometry").to_pandas(), geometry=geometry)


def footprint_table(
    metadata: pa.Table, crs: str = OUTPUT_CRS, places: Footprints | Rectangles | None = None
) -> FootprintTable:
    """Footprints of all patches of some metadata.

    Columns of the metadata that have the name of one that is made here are replaced. Where the patches
    lie follows from their ids (see `locate_rows`), unless it is given.
    """
    places = locate_rows(metadata) if places is None else places
    bounds, kinds = _bounds(places, metadata["patch_id"], crs)
    return FootprintTable(bounds, crs, kinds, metadata, places)


def _rows(metadata: pa.Table, places: Footprints | Rectangles, crs: str) -> pa.Table:
    """What the metadata of some patches and their places tell, and their geometries."""
    columns = {"patch_id": metadata["patch_id"]}
    if isinstance(places, Rectangles):
        west, _, _, north = places.bounds.T
        corner = {"crs": pa.array(places.crs, pa.string()), "x": west, "y": north}
    else:
        columns |= _of_products(places)
        corner = {"epsg": places.epsg, "x": places.x, "y": places.y}
    own = {*columns, "epsg", *corner, "geometry", "bbox"}
    columns |= {name: metadata[name] for name in metadata.column_names if name not in own}
    return pa.table(columns | corner | {"geometry": _geometries(places, crs)})


def _of_products(places: Footprints) -> dict[str, pa.Array]:
    """What the products of patches tell, by column."""
    products = places.products
    of_product = {
        "product": pa.array([str(product) for product in products], pa.string()),
        "tile": pa.array([product.tile.name for product in products], pa.string()),
        "sensing_time": pa.array([p.sensing_start for p in products], pa.timestamp("s", tz="UTC")),
        "season": pa.array([product.season for product in products], pa.string()),
    }
    index = pa.array(places.product)
    return {name: values.take(index) for name, values in of_product.items()}


def _bounds(
    places: Footprints | Rectangles, ids: pa.ChunkedArray, crs: str
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Bounds of the squares, and which types of geometries they are; an error if one is not shown."""
    import shapely

    system = _reference_system(crs)
    bounds, kinds = np.empty((len(places), 4)), set()
    for start in range(0, len(places), _AT_ONCE):
        some = np.arange(start, min(start + _AT_ONCE, len(places)))
        rings = square_rings(places.take(some), system)
        mine = np.hstack([rings.min(1), rings.max(1)])
        shown, torn = np.isfinite(mine).all(1), _torn(mine, system)
        if system.is_projected:
            shown &= ~torn
        if not shown.all():
            raise OptionError(
                f"{crs}: expected a coordinate reference system that shows all patches, but it does not "
                f"show {ids[start + int(np.argmin(shown))]} in one piece; choose another, such as "
                f"{OUTPUT_CRS}"
            )
        parted = part_at_the_180th_meridian(shapely.polygons(rings[torn]))
        mine[torn] = shapely.bounds(parted)
        kinds |= {shape.geom_type for shape in parted} | (set() if torn.all() else {"Polygon"})
        bounds[some] = mine
    return bounds, tuple(sorted(kinds)) or ("Polygon",)


def _torn(bounds: NDArray[np.float64], system: Any) -> NDArray[np.bool_]:
    """Which squares lie on both sides of the edge of a reference system, given their bounds in it."""
    largest = 180 if system.is_geographic else _LARGEST_SQUARE
    shown = np.isfinite(bounds).all(1)
    torn = np.zeros(len(bounds), bool)
    torn[shown] = (bounds[shown, 2:] - bounds[shown, :2]).max(1, initial=0) > largest
    return torn


def _geometries(places: Footprints | Rectangles, crs: str) -> pa.Array:
    """The squares as WKB."""
    import shapely

    system = _reference_system(crs)
    rings = square_rings(places, system)
    wkb, torn = _wkb_polygons(rings), _torn(np.hstack([rings.min(1), rings.max(1)]), system)
    if not torn.any():
        return wkb
    texts = np.array(wkb.to_pylist(), object)
    parted = part_at_the_180th_meridian(shapely.polygons(rings[torn]))
    texts[torn] = shapely.to_wkb(parted, byte_order=1)
    return pa.array(texts, pa.binary())


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


def square_rings(places: Footprints | Rectangles, crs: Any) -> NDArray[np.float64]:
    """Corners of the squares in any CRS that pyproj takes: (n, 5, 2) float64 array.

    Longitude or east comes first; the rings run counter-clockwise from the north-west and are closed.
    """
    if isinstance(places, Rectangles):
        return places.rings(crs)
    x = places.x[:, np.newaxis] + np.array([0, 0, 1, 1, 0]) * PATCH_METRES
    y = places.y[:, np.newaxis] - np.array([0, 1, 1, 0, 0]) * PATCH_METRES
    return project_from_zones(places.epsg, crs, x, y)


def feature_geometry(shapes: NDArray[np.object_]) -> pa.Array:
    """Polygons or points in degrees as WKB, those across the 180th meridian in two parts."""
    import shapely

    west, _, east, _ = shapely.bounds(shapes).reshape(-1, 4).T
    torn = east - west > 180
    shapes = shapely.orient_polygons(shapes)
    shapes[torn] = part_at_the_180th_meridian(shapes[torn])
    return pa.array(shapely.to_wkb(shapes, byte_order=1), pa.binary())


def part_at_the_180th_meridian(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Polygons whose corners lie on both sides, in parts as RFC 7946, section 3.1.9, asks for."""
    import shapely

    squares = shapely.transform(polygons, lambda xy: xy % [360, 1000])
    west = shapely.intersection(squares, shapely.box(0, -90, 180, 90))
    east = shapely.intersection(squares, shapely.box(180, -90, 360, 90))
    east = shapely.transform(east, lambda xy: xy - [360, 0])
    parted = np.empty(len(polygons), object)
    for index, halves in enumerate(zip(west, east, strict=True)):
        parts = [shapely.orient_polygons(one) for one in halves if one.area > 0]
        parted[index] = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    return parted


def _wkb_polygons(rings: NDArray[np.float64]) -> pa.Array:
    """Polygons of one ring each as little-endian well-known binary."""
    points = rings.shape[1]
    layout = np.dtype([("order", "u1"), ("header", "<u4", 3), ("xy", "<f8", (points, 2))])
    polygons = np.zeros(len(rings), layout)
    polygons["order"], polygons["header"], polygons["xy"] = 1, (3, 1, points), rings
    offsets = np.arange(len(rings) + 1, dtype=np.int32) * layout.itemsize
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(polygons.tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(rings), buffers)
