from functools import lru_cache

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from benkit.domain.patch_names import PatchId, parse_patch_id, parse_product
from benkit.ground.footprints import locate
from benkit.ground.overlaps import (
    ground_groups,
    overlap_reasons,
    overlapping_pairs,
    pair_table,
    shared_areas,
)

# Tiles that share margins: neighbours of one zone, and of the next zone to the east.
PRODUCTS = [
    "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP",
    "S2A_MSIL2A_20180613T101031_N9999_R022_T33UUP",
    "S2A_MSIL2A_20170613T101031_N9999_R022_T33UVP",
    "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUQ",
    "S2B_MSIL2A_20170808T094029_N9999_R036_T32UQU",
]
near_margins = st.sampled_from([0, 1, 2, 44, 45, 81, 82, 83, 84, 88, 89, 90])
patches = st.builds(
    lambda product, column, row: str(PatchId(parse_product(product), column, row)),
    st.sampled_from(PRODUCTS),
    near_margins,
    near_margins,
)
patch_lists = st.lists(patches, max_size=40, unique=True)


@lru_cache
def to_system(epsg, other):
    return Transformer.from_crs(int(epsg), other, always_xy=True).transform


def squares_of(places):
    """The footprints in the coordinates of their zones."""
    return shapely.box(places.x, places.y - 1200, places.x + 1200, places.y)


def on_plane(places, plane, metres=20):
    """The footprints on a plane, with points so many metres apart along their edges."""
    squares = shapely.segmentize(squares_of(places), metres)
    for epsg in np.unique(places.epsg).tolist():
        some = places.epsg == epsg
        project = to_system(epsg, plane)
        squares[some] = shapely.transform(
            squares[some], lambda xy, project=project: np.stack(project(*xy.T), axis=-1)
        )
    return squares


@settings(max_examples=25)
@given(patch_lists)
def test_equal_to_brute_force_in_an_equal_area_projection(ids):
    squares = on_plane(locate(ids), 3035)
    expected, areas = [], []
    for i in range(len(ids)):
        for j in range(i + 1, len(ids)):
            area = squares[i].intersection(squares[j]).area
            if area > 1:
                expected.append([i, j])
                areas.append(area)
    places = locate(ids)
    pairs = overlapping_pairs(places)
    assert pairs.tolist() == expected
    # Within a zone areas are those of its coordinates, whose scale is up to 0.1 % off in length.
    np.testing.assert_allclose(shared_areas(places, pairs), areas, rtol=2e-3, atol=1)


def rows_of(ids):
    """Everything that the table of pairs says, whatever the order."""
    places = locate(ids)
    pairs = overlapping_pairs(places)
    reasons = overlap_reasons(places.products, places.product[pairs])
    table = pair_table(ids, pairs, shared_areas(places, pairs), reasons)
    return {
        (frozenset([row["first"], row["second"]]), row["area_m2"], row["reason"])
        for row in table.to_pylist()
    }


@given(patch_lists, st.randoms())
def test_the_order_of_the_patches_does_not_matter(ids, random):
    shuffled = random.sample(ids, len(ids))
    assert rows_of(ids) == rows_of(shuffled)


@given(
    st.lists(
        st.tuples(st.sampled_from(PRODUCTS[:2]), st.integers(0, 80), st.integers(0, 80)),
        max_size=30,
    ),
    st.integers(0, 10),
    st.integers(0, 10),
)
def test_a_shift_of_all_patches_changes_nothing(places, right, down):
    before, after = (
        locate([str(PatchId(parse_product(p), c + dx, r + dy)) for p, c, r in places])
        for dx, dy in ((0, 0), (right, down))
    )
    assert np.array_equal(overlapping_pairs(before), overlapping_pairs(after))


@given(patch_lists)
def test_areas_within_a_zone_are_exact_and_reasons_those_of_the_names(ids):
    patches = [parse_patch_id(text) for text in ids]
    places = locate(ids)
    pairs = overlapping_pairs(places)
    areas = shared_areas(places, pairs)
    squares = squares_of(places)
    reasons = overlap_reasons(places.products, places.product[pairs]).to_pylist()
    for (i, j), area, reason in zip(pairs.tolist(), areas, reasons, strict=True):
        one, other = patches[i], patches[j]
        tiles = one.product.tile.name, other.product.tile.name
        if tiles[0] == tiles[1]:
            assert reason == "same tile on another date"
            assert one.product.sensing_start != other.product.sensing_start
        elif tiles[0][:2] == tiles[1][:2]:
            assert reason == "neighbouring tile"
        else:
            assert reason == "neighbouring UTM zone"
            continue
        assert area == squares[i].intersection(squares[j]).area > 0


def test_reasons_that_names_do_not_give():
    product = parse_product(PRODUCTS[0])
    again = parse_product(PRODUCTS[0].replace("N9999", "N0500"))
    reasons = overlap_reasons([product, again, None], np.array([[0, 1], [1, 2], [2, 2]]))
    assert reasons.to_pylist() == ["same tile on the same date", None, None]


# Places where tiles of different zones share a margin, near the equator, in the middle and at both
# ends of the grid: ordinary zones, Norway, Svalbard, and zones that are no neighbours by number.
MEETINGS = {
    "equator": ("33NZA", "34NBF"),
    "south of the equator": ("33MZV", "34MBE"),
    "Andalusia": ("29SQB", "30STG"),
    "Norway": ("31VEJ", "32VKP"),
    "Svalbard": ("31XFF", "33XUF"),
    "north of Svalbard": ("33XWP", "35XMP"),
    "antimeridian": ("60UXC", "01UBT"),
    "Antarctica": ("02CMR", "01CEL"),
    "over a whole zone": ("01CEK", "03CVK"),
}


def meeting(tiles):
    """Patches all over both tiles, every third."""
    steps = range(0, 91, 3)
    product = "S2A_MSIL2A_20170613T101031_N9999_R022_T"
    return [f"{product}{t}_{c:02d}_{r:02d}" for t in tiles for c in steps for r in steps]


@pytest.mark.parametrize("place", MEETINGS)
def test_zones_that_meet(place):
    ids = meeting(MEETINGS[place])
    places = locate(ids)
    pairs = overlapping_pairs(places)
    across = pairs[places.epsg[pairs[:, 0]] != places.epsg[pairs[:, 1]]]
    assert len(across) > 10
    areas = shared_areas(places, across)

    # Brute force: squares on a plane of another equal-area projection, which touches the Earth there.
    longitude, latitude = to_system(places.epsg[0], 4326)(places.x[0], places.y[0])
    plane = f"+proj=laea +lat_0={latitude} +lon_0={longitude} +datum=WGS84"
    squares = on_plane(places, plane)
    first = shapely.STRtree(squares[: len(ids) // 2]).query(squares[len(ids) // 2 :])[::-1]
    first, second = first[0], first[1] + len(ids) // 2
    expected = shapely.area(shapely.intersection(squares[first], squares[second]))
    overlap = expected > 1
    order = np.lexsort((second[overlap], first[overlap]))
    assert across.tolist() == np.stack([first, second], axis=1)[overlap][order].tolist()
    assert np.abs(areas - expected[overlap][order]).max() < 1
    some = across[:: len(across) // 10]
    first, second = (on_plane(locate([ids[i] for i in one]), plane, 2) for one in some.T)
    finely = shapely.area(shapely.intersection(first, second))
    assert np.abs(areas[:: len(across) // 10] - finely).max() < 0.1


def test_touching_patches_do_not_overlap():
    ids = [f"{PRODUCTS[0]}_{column:02d}_{row:02d}" for column in range(5) for row in range(5)]
    assert len(overlapping_pairs(locate(ids))) == 0


def test_the_equator_is_no_border():
    # 33NTA begins 100,020 m north of the equator: its row 83 ends 420 - 1200 = -780 m from it.
    north = "S2A_MSIL2A_20170613T101031_N9999_R022_T33NTA_10_83"
    south = "S2A_MSIL2A_20170613T101031_N9999_R022_T33MTV_10_00"
    places = locate([north, south])
    assert places.y.tolist() == [420, 10_000_000]
    assert overlapping_pairs(places).tolist() == [[0, 1]]


@given(patch_lists)
def test_groups_are_what_hangs_together(ids):
    places = locate(ids)
    groups = ground_groups(places).tolist()
    expected = list(range(len(ids)))
    for first, second in overlapping_pairs(places).tolist() * len(ids):
        expected[first] = expected[second] = min(expected[first], expected[second])
    numbers = {root: number for number, root in enumerate(sorted(set(expected)))}
    assert groups == [numbers[root] for root in expected]


def test_official_metadata(shared_data):
    ids = pq.read_table(shared_data / "metadata.parquet", columns=["patch_id"])["patch_id"]
    places = locate(ids)
    pairs = overlapping_pairs(places)
    within = places.epsg[pairs[:, 0]] == places.epsg[pairs[:, 1]]
    assert (within.sum(), (~within).sum()) == (534_139, 1_414)
    tiles = np.array([product.tile.name for product in places.products])[places.product]
    assert (tiles[pairs[:, 0]] == tiles[pairs[:, 1]]).sum() == 382_656
    assert len(np.unique(pairs)) == 400_427
    assert len(np.unique(pairs[within])) == 400_272
    areas = shared_areas(places, pairs)
    assert areas.min() == pytest.approx(3.02, abs=0.01)
    assert areas.max() == 1_440_000
    reasons = overlap_reasons(places.products, places.product[pairs]).value_counts().to_pylist()
    assert {row["values"]: row["counts"] for row in reasons} == {
        "same tile on another date": 382_656,
        "neighbouring tile": 151_483,
        "neighbouring UTM zone": 1_414,
    }
    groups = np.bincount(ground_groups(places, pairs))
    assert (len(groups), groups.max()) == (200_399, 618)


@pytest.mark.parametrize("ids", [[], [f"{PRODUCTS[0]}_00_00"]])
def test_nothing_to_pair(ids):
    assert overlapping_pairs(locate(ids)).shape == (0, 2)
    assert ground_groups(locate(ids)).tolist() == list(range(len(ids)))
