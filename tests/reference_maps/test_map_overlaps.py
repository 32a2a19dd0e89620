import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from benkit.errors import InputFormatError
from benkit.reference_maps.map_footprints import map_footprints
from benkit.reference_maps.map_overlaps import map_overlaps, map_pair_table
from benkit.reference_maps.read import read_reference_maps
from tests.making import write_map

# Patches drawn on squared paper: each is a set of cells at a place, cut into polygons row by row.
cells = st.lists(st.booleans(), min_size=9, max_size=9)
drawings = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), cells), max_size=7)


def polygons_of(drawing, shift=0):
    column, row, filled = drawing
    squares = [
        shapely.box(x, y, x + 10, y + 10)
        for index, full in enumerate(filled)
        if full
        for x, y in [(10 * (column + index % 3) + shift, 10 * (row + index // 3) - shift)]
    ]
    whole = shapely.union_all(squares)
    return list(shapely.get_parts(whole))


def write(folder, drawings, shift=0):
    """One file a drawing; returns the footprints by shapely's union."""
    for old in folder.glob("*.parquet"):
        old.unlink()
    footprints = []
    for number, drawing in enumerate(drawings):
        shapes = polygons_of(drawing, shift)
        table = pa.table(
            {"DN": [312] * len(shapes), "geometry": pa.array([s.wkb for s in shapes], pa.binary())}
        )
        pq.write_table(table, folder / f"{number:02d}.parquet")
        footprints.append(shapely.union_all(shapes))
    return footprints


def by_brute_force(footprints):
    return [
        [i, j]
        for i in range(len(footprints))
        for j in range(i + 1, len(footprints))
        if footprints[i].intersection(footprints[j]).area > 0
    ]


@settings(max_examples=30)
@given(drawings)
def test_equal_to_brute_force(tmp_path_factory, drawings):
    folder = tmp_path_factory.getbasetemp() / "drawings"
    folder.mkdir(exist_ok=True)
    footprints = write(folder, drawings)
    expected = by_brute_force(footprints)
    if not drawings:
        return
    overlaps = map_overlaps(read_reference_maps(folder), assume_same_crs=True, areas=True)
    assert overlaps.pairs.tolist() == expected
    assert overlaps.area.tolist() == [
        footprints[i].intersection(footprints[j]).area for i, j in expected
    ]
    assert overlaps.overlapping == len({patch for pair in expected for patch in pair})


@settings(max_examples=30)
@given(drawings.filter(bool), st.integers(-1000, 1000))
def test_symmetric_and_shift_invariant(tmp_path_factory, drawings, shift):
    folder = tmp_path_factory.getbasetemp() / "shifted"
    folder.mkdir(exist_ok=True)
    write(folder, drawings)
    pairs = map_overlaps(read_reference_maps(folder), assume_same_crs=True).pairs
    write(folder, drawings, shift)
    shifted = map_overlaps(read_reference_maps(folder), assume_same_crs=True).pairs
    assert np.array_equal(pairs, shifted)
    write(folder, drawings[::-1])
    turned = map_overlaps(read_reference_maps(folder), assume_same_crs=True).pairs
    last = len(drawings) - 1
    assert sorted([last - j, last - i] for i, j in turned.tolist()) == pairs.tolist()


@settings(max_examples=30)
@given(drawings.filter(bool))
def test_footprints_are_the_unions_of_their_polygons(tmp_path_factory, drawings):
    folder = tmp_path_factory.getbasetemp() / "footprints"
    folder.mkdir(exist_ok=True)
    expected = write(folder, drawings)
    found = map_footprints(read_reference_maps(folder))
    for index, footprint in enumerate(expected):
        is_box = not footprint.is_empty and footprint.equals(footprint.envelope)
        assert bool(found.is_box[index]) == is_box
        bounds = footprint.bounds if not footprint.is_empty else (np.nan,) * 4
        np.testing.assert_array_equal(found.boxes[index], bounds)
        if not is_box:
            polygons = found.polygons[found.patch == index]
            assert shapely.union_all(polygons).equals(footprint)


@pytest.mark.parametrize(
    ("second", "overlap"),
    [
        (shapely.box(10, 0, 20, 10), False),  # an edge
        (shapely.box(10, 10, 20, 20), False),  # a corner
        (shapely.box(9, 9, 20, 20), True),
        (shapely.box(0, 0, 10, 10), True),  # the same ground
        (shapely.box(2, 2, 3, 3), True),  # within
        (shapely.box(-5, -5, 15, 15) - shapely.box(0, 0, 10, 10), False),  # around
        (shapely.Polygon(), False),
    ],
)
def test_two_patches(tmp_path, second, overlap):
    write_map(tmp_path, "a", [312], [shapely.box(0, 0, 10, 10)])
    write_map(tmp_path, "b", [312], [second])
    for same in (False, True):
        overlaps = map_overlaps(read_reference_maps(tmp_path), assume_same_crs=same)
        assert (overlaps.patches, overlaps.overlapping) == (2, 2 * overlap)


SIDE = 100.0
WHOLE = shapely.box(0, 0, SIDE, SIDE)
HOLE = WHOLE - shapely.box(20, 20, 40, 40)
NOTCH = WHOLE - shapely.box(50, 80, 60, SIDE)
BOW_TIE = shapely.Polygon([(0, 0), (SIDE, SIDE), (SIDE, 0), (0, SIDE)])
TWICE = [
    (0, 0),
    (60, 0),
    (60, 60),
    (0, 60),
    (0, 0),
    (10, 10),
    (50, 10),
    (50, 50),
    (10, 50),
    (10, 10),
]
ALONG = [(0, 0), (60, 0), (60, 60), (0, 60), (0, 0), (40, 0), (40, 40), (0, 40)]


@pytest.mark.parametrize(
    ("shapes", "area"),
    [
        pytest.param([WHOLE], 10_000, id="whole"),
        pytest.param([HOLE], 9600, id="hole"),
        pytest.param([HOLE, shapely.box(20, 20, 40, 40)], 10_000, id="hole that is filled"),
        pytest.param([NOTCH], 9800, id="notch"),
        pytest.param([WHOLE, WHOLE], 10_000, id="the same polygon twice"),
        pytest.param([WHOLE, shapely.box(50, 50, 70, 70)], 10_000, id="polygons that overlap"),
        pytest.param([shapely.MultiPolygon([HOLE, shapely.box(20, 20, 30, 30)])], 9700, id="multi"),
        pytest.param([shapely.GeometryCollection([NOTCH, shapely.Point(1, 1)])], 9800, id="mixed"),
        pytest.param([BOW_TIE], 5000, id="ring that crosses itself"),
        pytest.param([shapely.Polygon(TWICE)], 2000, id="ring that goes around twice"),
        pytest.param([shapely.Polygon(ALONG)], 3600, id="ring that comes back along its own edges"),
        pytest.param([NOTCH, None, shapely.Polygon()], 9800, id="null and empty beside a polygon"),
        pytest.param([shapely.LineString([(0, 0), (9, 9)]), shapely.Point(5, 5)], 0, id="no area"),
        pytest.param([shapely.Polygon()], 0, id="empty"),
        pytest.param([None], 0, id="null"),
        pytest.param([], 0, id="no rows"),
    ],
)  # fmt: skip
def test_what_counts_as_ground(tmp_path, shapes, area):
    write_map(tmp_path, "a", [312] * len(shapes), shapes)
    write_map(tmp_path, "b", [312], [shapely.box(-1, -1, SIDE + 1, SIDE + 1)])
    overlaps = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert (overlaps.patches, overlaps.overlapping) == (2, 2 if area else 0)
    assert overlaps.area.tolist() == ([area] if area else [])


# A patch of tile 34NBF in the margin that it shares with 33NZA, and its ground in zone 33.
EAST = shapely.box(199_980 + 12_000, 90_000, 199_980 + 13_200, 91_200)


def in_system(shape, source, target):
    project = Transformer.from_crs(source, target, always_xy=True).transform
    dense = shapely.segmentize(shape, 5)
    return shapely.transform(dense, lambda xy: np.stack(project(*xy.T), axis=-1))


@pytest.mark.parametrize("hole", [False, True])
def test_areas_across_reference_systems(tmp_path, hole):
    x, y = np.round(in_system(EAST, 32634, 32633).bounds[:2], -2)
    west = shapely.box(x + 400, y + 300, x + 1600, y + 1500)
    if hole:
        west = west - shapely.box(west.bounds[0] + 50, *west.centroid.coords[0], west.bounds[3] - 7)
    plane = "+proj=laea +lat_0=0.8 +lon_0=18.4 +datum=WGS84"
    shared = in_system(west, 32633, plane).intersection(in_system(EAST, 32634, plane)).area
    write_map(tmp_path, "a", [312], [west], crs=32633)
    write_map(tmp_path, "b", [312], [EAST], crs=32634)
    overlaps = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert overlaps.pairs.tolist() == [[0, 1]]
    assert overlaps.area[0] == pytest.approx(shared, abs=0.1)
    assert shared > 100_000


def test_slivers_across_reference_systems_add_up(tmp_path):
    """Each polygon shares less than a square metre, all together more."""
    strip = shapely.box(EAST.bounds[0], EAST.bounds[1], EAST.bounds[0] + 0.05, EAST.bounds[3])
    rows = [
        shapely.box(strip.bounds[0], y, strip.bounds[2], y + 10)
        for y in np.arange(strip.bounds[1], strip.bounds[3], 10)
    ]
    write_map(tmp_path, "a", [312] * len(rows), rows, crs=32634)
    write_map(tmp_path, "b", [312], [in_system(EAST, 32634, 32633)], crs=32633)
    overlaps = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert overlaps.pairs.tolist() == [[0, 1]]
    assert overlaps.area[0] == pytest.approx(60, rel=0.01)


def test_areas_are_square_metres_whatever_the_unit(tmp_path):
    degrees = shapely.box(18, 0, 18.01, 0.01)
    for name in ("a", "b"):
        write_map(tmp_path, name, [312], [degrees], crs=4326)
    (area,) = map_overlaps(read_reference_maps(tmp_path), areas=True).area
    # Snyder, equation 3-16 at the equator: a degree is 110,574 m by 111,320 m.
    assert area == pytest.approx(1105.74 * 1113.20, rel=1e-5)
    for name in ("a", "b"):
        write_map(
            tmp_path, name, [312], [shapely.box(980_000, 200_000, 980_100, 200_100)], crs=2263
        )
    (area,) = map_overlaps(read_reference_maps(tmp_path), areas=True).area
    assert area == pytest.approx((100 * 1200 / 3937) ** 2)  # US survey feet


def test_reasons_come_from_the_names(tmp_path):
    square = shapely.box(0, 0, 1200, 1200)
    names = [
        "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_00_00",
        "S2A_MSIL2A_20180613T101031_N9999_R022_T33UUP_00_00",
        "x",
    ]
    for name in names:
        write_map(tmp_path, name, [312], [square])
    maps = read_reference_maps(tmp_path)
    rows = map_pair_table(maps, map_overlaps(maps, areas=True)).to_pylist()
    reasons = {(row["first"], row["second"]): row["reason"] for row in rows}
    assert reasons == {
        (names[0], names[1]): "same tile on another date",
        (names[0], "x"): None,
        (names[1], "x"): None,
    }
    assert {row["area_m2"] for row in rows} == {1_440_000}


def test_reference_systems(tmp_path):
    square = shapely.box(500_000, 5_000_000, 501_200, 5_001_200)
    write_map(tmp_path, "a", [312], [square], crs=32633)
    write_map(tmp_path, "b", [312], [square], crs=32634)
    maps = read_reference_maps(tmp_path)
    assert map_overlaps(maps).overlapping == 0
    assert map_overlaps(maps, assume_same_crs=True).overlapping == 2
    write_map(tmp_path, "c", [312], [square], crs=None)
    with pytest.raises(InputFormatError, match=r"c_reference_map\.parquet"):
        map_overlaps(read_reference_maps(tmp_path))


def test_no_reference_system_anywhere(tmp_path):
    for name, shift in (("a", 0), ("b", 900), ("c", 1200)):
        square = shapely.box(shift, 0, shift + 1200, 1200)
        write_map(tmp_path, name, [312], [square], crs=None)
    overlaps = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert overlaps.pairs.tolist() == [[0, 1], [1, 2]]
    assert overlaps.area.tolist() == [300 * 1200, 900 * 1200]


def test_coordinates_that_do_not_fit_their_system(tmp_path):
    write_map(tmp_path, "a", [312], [shapely.box(0, 0, 1200, 1200)], crs=4326)
    write_map(tmp_path, "b", [312], [shapely.box(500_000, 0, 501_200, 1200)], crs=32634)
    with pytest.raises(InputFormatError, match=r"a_reference_map\.parquet: .* do not fit"):
        map_overlaps(read_reference_maps(tmp_path))
