import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from benkit.footprints import locate
from benkit.overlaps import ground_groups, overlapping_pairs, pair_table
from benkit.spec.patch_id import PatchId, parse_product

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


def equal_area_square(patch):
    """The footprint in EPSG:3035, with many points along its edges."""
    place = locate([patch])
    x, y, epsg = int(place.x[0]), int(place.y[0]), int(place.epsg[0])
    square = shapely.segmentize(shapely.box(x, y - 1200, x + 1200, y), 20)
    project = Transformer.from_crs(epsg, 3035, always_xy=True).transform
    return shapely.transform(square, lambda xy: np.stack(project(*xy.T), axis=-1))


def by_brute_force(ids):
    squares = [equal_area_square(patch) for patch in ids]
    return [
        [i, j]
        for i in range(len(ids))
        for j in range(i + 1, len(ids))
        if squares[i].intersection(squares[j]).area > 1
    ]


@settings(max_examples=25)
@given(patch_lists)
def test_equal_to_brute_force_in_an_equal_area_projection(ids):
    assert overlapping_pairs(locate(ids)).tolist() == by_brute_force(ids)


@given(patch_lists, st.randoms())
def test_the_order_of_the_patches_does_not_matter(ids, random):
    shuffled = random.sample(ids, len(ids))
    pairs = [
        {
            frozenset(row.values())
            for row in pair_table(some, overlapping_pairs(locate(some))).to_pylist()
        }
        for some in (ids, shuffled)
    ]
    assert pairs[0] == pairs[1]


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
    groups = np.bincount(ground_groups(places, pairs))
    assert (len(groups), groups.max()) == (200_399, 618)


@pytest.mark.parametrize("ids", [[], [f"{PRODUCTS[0]}_00_00"]])
def test_nothing_to_pair(ids):
    assert overlapping_pairs(locate(ids)).shape == (0, 2)
    assert ground_groups(locate(ids)).tolist() == list(range(len(ids)))
