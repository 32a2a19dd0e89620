import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.errors import InputFormatError
from benkit.io.reference_maps import read_reference_maps
from benkit.map_footprints import map_footprints
from benkit.map_overlaps import map_overlaps
from tests.io.test_reference_maps import write_map

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
    expected = by_brute_force(write(folder, drawings))
    if not drawings:
        return
    overlaps = map_overlaps(read_reference_maps(folder), assume_same_crs=True)
    assert overlaps.pairs.tolist() == expected
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
            polygons = found.polygons[found.first[index] : found.first[index + 1]]
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
