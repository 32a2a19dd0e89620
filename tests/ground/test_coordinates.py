"""Places of patches from columns of coordinates: what is recognised, what is refused, what overlaps."""

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely

from benkit.errors import InputFormatError, OptionError, PatchIdError
from benkit.files.tables.table import as_table, read_table
from benkit.ground.coordinates import place_patches
from benkit.ground.footprints import Footprints
from benkit.ground.overlaps import overlapping_pairs, shared_areas
from tests.making import EXAMPLE

IDS = ["a", "b"]
LON, LAT = [13.4, 151.2], [52.5, -33.9]
UTM = gpd.GeoSeries.from_xy([399000.5, 400200.5], [5817000.25] * 2, crs=32633)
DEGREES = np.stack([UTM.to_crs(4326).x, UTM.to_crs(4326).y], axis=1)


def table(**columns):
    return pa.table({"patch_id": IDS, **columns})


@pytest.mark.parametrize(
    "columns",
    [
        {"lon": LON, "lat": LAT},
        {"Latitude": LAT, " LONGITUDE": LON},
        {"centre_lat": LAT, "centre_lon": LON, "crs": ["EPSG:32633", "EPSG:32756"]},
        {"lng": pa.array(LON, pa.float32()), "lat": pa.array(LAT, pa.float32())},
        {"lon": ["13.4", " 1.512e2 "], "lat": ["+52.5", "-33.9"]},
        {"x": LON, "y": LAT, "crs": ["EPSG:4326", "OGC:CRS84"]},
        {"x": LON, "y": LAT, "epsg": [4326, 4326]},
        {"lon": [13.4, 151.2 + 0], "lat": LAT, "x": [0, 0], "y": [0, 0]},
        {"lon": [13.4, 151.2], "lat": [pa.scalar(52.5).as_py(), -33.9]},
    ],
)
def test_coordinates_are_known_by_the_names_of_their_columns(columns):
    found = place_patches(table(**columns))
    assert np.allclose(found.degrees, np.stack([LON, LAT], 1), atol=1e-5)


def test_longitudes_up_to_360_are_brought_to_180_and_integers_are_numbers():
    found = place_patches(table(lon=[359, 181], lat=[0, 90]))
    assert found.degrees.tolist() == [[-1, 0], [-179, 90]]


@pytest.mark.parametrize("epsg", [[32633, 32633], ["32633", "EPSG:32633"], [32633.0, 32633.0]])
def test_x_and_y_are_in_the_system_that_their_row_names(epsg):
    found = place_patches(table(x=UTM.x.tolist(), y=UTM.y.tolist(), epsg=epsg))
    assert np.allclose(found.degrees, DEGREES, atol=1e-9)


@pytest.mark.parametrize("crs", [32633, 4326, 3857, "ESRI:54009"])
@pytest.mark.parametrize("edge", [0, 1200])
def test_points_and_polygons_of_geoparquet_are_in_the_system_that_it_states(crs, edge, tmp_path):
    shapes = UTM if not edge else UTM.buffer(edge / 2, cap_style="square")
    frame = gpd.GeoDataFrame({"patch_id": IDS}, geometry=shapes.to_crs(crs))
    frame.to_parquet(tmp_path / "points.parquet")
    for one in (read_table(tmp_path / "points.parquet"), as_table(frame, "metadata")):
        assert np.allclose(place_patches(one).degrees, DEGREES, atol=2e-7)


NAN = float("nan")
WKB = shapely.to_wkb(shapely.points([[1, 2], [3, 4]])).tolist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"lon": ["13.4", "Berlin"], "lat": LAT},
            "number in the column lon, but the row of b has Berl",
        ),
        (
            {"lon": ["13,4", "1"], "lat": LAT},
            "a number in the column lon, but the row of a has 13,4",
        ),
        ({"lon": [True, False], "lat": LAT}, "numbers in the column lon, but its type is bool"),
        ({"lon": [13.4, NAN], "lat": LAT}, "a number in lon, but the row of b has none"),
        ({"lon": [None, 1.0], "lat": LAT}, "a number in lon, but the row of a has none"),
        ({"lon": LON, "lat": [95, 0]}, "row of a has 13.4, 95; correct it"),
        ({"lon": [52.5, -33.9], "lat": [13.4, 151.2]}, r"-33.9, 151.2 \(are the two exchanged\?\)"),
        ({"lon": [400, 0], "lat": LAT}, "longitude from -180 to 180 .* row of a has 400, 52.5"),
        ({"lon": [0, 1], "lat": [0, 1]}, "row of a has 0, 0, which tables hold"),
        (
            {"lon": LON, "lat": LAT, "longitude": LON, "latitude": LAT},
            "lon, lat, longitude, latitude",
        ),
        (
            {"x": LON, "y": LAT, "crs": ["EPSG:4326", None]},
            "system in the column crs, but the row of b",
        ),
        ({"x": LON, "y": LAT, "crs": ["EPSG:99999", "nonsense"]}, "but it says EPSG:99999"),
        ({"x": LON, "y": LAT, "epsg": [32633] * 2}, "expected metres, .* between -180 and 180"),
        ({"x": [4e5, 1e300], "y": [5e6, 5e6], "epsg": [32633] * 2}, "the row of b has inf, inf"),
        ({"geometry": WKB}, "whose reference system is stated"),
    ],
)
def test_impossible_coordinates_are_refused_with_the_patch(columns, message):
    with pytest.raises(InputFormatError, match=message):
        place_patches(table(**columns))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([shapely.Point(1, 2), None], "row of b has none"),
        ([shapely.Point(), shapely.Point(1, 2)], "row of a has none"),
        ([shapely.Point(1, 2), shapely.box(0, 0, 1, 1)], "all points, .* row of b has a Polygon"),
        ([shapely.LineString([(0, 0), (1, 1)])] * 2, "row of a has a LineString"),
        ([shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])] * 2, "not valid .Self-intersection"),
        ([shapely.box(-179.9, 0, 179.9, 1)] * 2, "two parts of a polygon that crosses the 180th"),
        ([shapely.Point(1, 95)] * 2, "row of a has 1, 95"),
    ],
)
def test_geometries_that_are_no_places_are_refused_with_the_patch(shapes, message):
    frame = gpd.GeoDataFrame({"patch_id": IDS}, geometry=shapes, crs=4326)
    with pytest.raises(InputFormatError, match=message):
        place_patches(as_table(frame, "metadata"))


def test_without_coordinates_the_error_says_what_was_looked_for():
    with pytest.raises(PatchIdError, match=r"lon and lat .* x and y beside crs .* geometry as WKB"):
        place_patches(table(easting=LON, northing=LAT))


def test_names_of_bigearthnet_tell_the_place_whatever_the_columns_hold():
    both = pa.table({"patch_id": [EXAMPLE], "lon": [0.0], "lat": [99.0]})
    assert isinstance(place_patches(both), Footprints)
    mixed = pa.table({"patch_id": [EXAMPLE, "b"], "lon": LON, "lat": LAT})
    with pytest.raises(PatchIdError, match=r"\bb\b"):
        place_patches(mixed)


@pytest.mark.parametrize("size", [0, -1, NAN, 1e6])
def test_a_patch_size_that_is_none_is_refused(size):
    with pytest.raises(OptionError, match="patch size of more than 0 and at most 200,000 metres"):
        place_patches(table(lon=LON, lat=LAT), size)


def test_a_patch_size_is_for_points_only():
    with pytest.raises(OptionError, match="1,200 m is theirs"):
        place_patches(pa.table({"patch_id": [EXAMPLE]}), 1200)
    frame = gpd.GeoDataFrame({"patch_id": IDS}, geometry=[shapely.box(1, 1, 2, 2)] * 2, crs=4326)
    with pytest.raises(OptionError, match="polygons do, which have a size of their own"):
        place_patches(as_table(frame, "metadata"), 1200)


def moved(longitude, latitude, east, north):
    """Points at so many metres from one, along pyproj's geodesics."""
    from pyproj import Geod

    azimuth, metres = np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    x, y, _ = Geod(ellps="WGS84").fwd(
        np.full(len(metres), longitude), np.full(len(metres), latitude), azimuth, metres
    )
    return pa.table({"patch_id": [f"p{i}" for i in range(len(x))], "lon": x, "lat": y})


@pytest.mark.parametrize(
    "place", [(11, 48), (180, -17), (-179.999, 70), (30, 0), (-60, -80), (5, 88)]
)
def test_squares_around_points_share_ground_as_their_metres_say(place):
    east, north = np.array([0, 900, 1250, 900, -700, 0.0]), np.array([0, 900, 0, 1250, 100, 0.0])
    places = place_patches(moved(*place, east, north), 1200)
    steps = np.maximum(abs(east[:, None] - east), abs(north[:, None] - north))
    expected = np.argwhere(np.triu(steps < 1200, 1))
    pairs = overlapping_pairs(places)
    assert pairs.tolist() == expected.tolist()
    first, second = pairs.T
    wide, high = 1200 - abs(east[first] - east[second]), 1200 - abs(north[first] - north[second])
    assert np.allclose(shared_areas(places, pairs), wide * high, rtol=0.02, atol=500)


def test_points_without_a_size_share_ground_at_the_same_place_only():
    places = place_patches(moved(151, -33, np.array([0, 0, 0.3, 30.0]), np.zeros(4)))
    assert overlapping_pairs(places).tolist() == [[0, 1], [0, 2], [1, 2]]
    assert np.isnan(shared_areas(places, np.array([[0, 1]]))).all()


def test_neighbours_in_a_utm_grid_only_touch():
    x, y = np.meshgrid(700_000 + 1200.0 * np.arange(5), 6_900_000 + 1200.0 * np.arange(5))
    ids = [f"p{i}" for i in range(25)]
    grid = pa.table({"patch_id": ids, "x": x.ravel(), "y": y.ravel(), "epsg": [32633] * 25})
    assert len(overlapping_pairs(place_patches(grid, 1200))) == 0
    assert len(overlapping_pairs(place_patches(grid, 1300))) == 2 * 5 * 4 + 2 * 4 * 4


@pytest.mark.parametrize("crs", [32633, 4326])
def test_polygons_share_ground_where_their_interiors_do(crs):
    boxes = [(0, 0, 100, 100), (100, 0, 200, 100), (90, 90, 150, 150), (500, 0, 600, 50)]
    shapes = [shapely.box(4e5 + a, 5e6 + b, 4e5 + c, 5e6 + d) for a, b, c, d in boxes]
    frame = gpd.GeoDataFrame({"patch_id": list("abcd")}, geometry=shapes, crs=32633).to_crs(crs)
    places = place_patches(as_table(frame, "metadata"))
    pairs = overlapping_pairs(places)
    assert pairs.tolist() == [[0, 2], [1, 2]]
    assert np.allclose(shared_areas(places, pairs), [100, 500], rtol=0.01)


def test_polygons_on_both_sides_of_the_180th_meridian_and_the_equator_meet():
    parted = shapely.MultiPolygon(
        [shapely.box(179.9, -0.1, 180, 0.1), shapely.box(-180, -0.1, -179.9, 0.1)]
    )
    shapes = [parted, shapely.box(-179.95, 0.05, -179.8, 0.2), shapely.box(179.8, -0.2, 179.95, 0)]
    frame = gpd.GeoDataFrame({"patch_id": list("abc")}, geometry=shapes, crs=4326)
    places = place_patches(as_table(frame, "metadata"))
    assert overlapping_pairs(places).tolist() == [[0, 1], [0, 2]]
    assert abs(abs(places.degrees[0, 0]) - 180) < 1e-6
