"""Splits of small archives of any shape, and of the whole official metadata."""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benkit.errors import InputFormatError, OptionError
from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import locate
from benkit.ground.overlaps import overlapping_pairs
from benkit.metadata.metadata_file import read_metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.make import split_folds, split_patches
from benkit.splits.split_file import write_sides
from benkit.splits.warnings import shortfalls

PRODUCTS = [
    "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP",
    "S2A_MSIL2A_20170813T101031_N9999_R022_T33UUP",
    "S2B_MSIL2A_20180108T101031_N9999_R022_T33UVP",
    "S2B_MSIL2A_20180408T101031_N9999_R022_T32UQU",
]
PLACES = st.tuples(st.sampled_from(PRODUCTS), st.integers(0, 90), st.integers(0, 90))


def metadata(
    places: list[tuple[str, int, int]], labels: list[list[str]] | None = None, **columns: list[str]
) -> pa.Table:
    ids = [f"{product}_{column:02d}_{row:02d}" for product, column, row in places]
    labels = [[] for _ in ids] if labels is None else labels
    return pa.table({"patch_id": ids, "labels": pa.array(labels, pa.list_(pa.string())), **columns})


@st.composite
def archives(draw: st.DrawFn) -> pa.Table:
    places = draw(st.lists(PLACES, min_size=1, max_size=60, unique=True))
    labels = draw(
        st.lists(
            st.lists(st.sampled_from("ABCD"), unique=True),
            min_size=len(places),
            max_size=len(places),
        )
    )
    return metadata(places, labels)


def whole_tile(country: str = "x") -> pa.Table:
    places = [(PRODUCTS[0], column, row) for column in range(91) for row in range(91)]
    labels = [["A"] + ["B"] * (column > 60) + ["C"] * (row % 7 == 0) for _, column, row in places]
    return metadata(places, labels, country=[country] * len(places))


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused_for_few_units(table: pa.Table, sides: int, make) -> bool:
    """Whether there are fewer units than sides, which is then an error that says how many."""
    number = {patch: {patch} for patch in range(len(table))}
    for first, second in overlapping_pairs(locate(table["patch_id"])).tolist():
        joined = number[first] | number[second]
        number |= dict.fromkeys(joined, joined)
    units = len({min(unit) for unit in number.values()})
    if units >= sides:
        return False
    with pytest.raises(
        InputFormatError, match=rf"patch(es)? forms? {units} units?, as patches that"
    ):
        make()
    return True


@settings(max_examples=20)
@given(archives(), st.sampled_from([(0.25, 0.0), (0.2, 0.2), (0.5, 0.0)]), st.integers(0, 9))
def test_every_patch_is_on_one_side_and_no_ground_on_two(table, parts, seed):
    test, validation = parts
    make = partial(split_patches, table, test=test, validation=validation, seed=seed)
    if refused_for_few_units(table, 2 + (validation > 0), make):
        return
    split = split_patches(table, test=test, validation=validation, seed=seed)
    sides = split.sides()
    ids = table["patch_id"].to_pylist()
    assert sorted(np.concatenate(list(sides.values())).tolist()) == sorted(ids)
    assert list(sides) == ["train", *["validation"] * (validation > 0), "test"]
    for patches in sides.values():
        assert patches == [patch for patch in ids if patch in set(patches)]
    pairs = overlapping_pairs(locate(ids))
    assert (split.side[pairs[:, 0]] == split.side[pairs[:, 1]]).all()
    again = split_patches(table, test=test, validation=validation, seed=seed)
    assert (again.side == split.side).all()


@settings(max_examples=10)
@given(archives(), st.sampled_from([1_000, 5_000, 30_000]))
def test_a_buffer_is_kept_and_what_is_left_out_is_counted(table, buffer):
    make = partial(split_patches, table, test=0.3, validation=0.2, buffer=buffer)
    if refused_for_few_units(table, 3, make):
        return
    try:
        split = make()
    except InputFormatError:
        assume(False)
    assert all(split.sides().values())
    centres = planar_centres(locate(split.patch_ids))
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    on_a_side = split.side != ""
    differ = (split.side[:, None] != split.side[None]) & on_a_side[:, None] & on_a_side[None]
    assert (apart[differ] >= buffer).all()
    left_out = int((~on_a_side).sum())
    assert sum(map(len, split.sides().values())) + left_out == len(table)
    evaluation = evaluate_split(table, split.sides())
    told = shortfalls(evaluation, split.parts)
    assert evaluation.left_out == left_out
    assert any(sentence.startswith(f"{left_out} patches") for sentence in told) == (left_out > 0)


@settings(max_examples=10)
@given(archives(), st.integers(2, 5))
def test_each_patch_is_on_the_test_side_of_one_fold(table, folds):
    if refused_for_few_units(table, folds, partial(split_folds, table, folds)):
        return
    splits = split_folds(table, folds)
    assert all(patches for split in splits for patches in split.sides().values())
    assert len(splits) == folds
    in_test = np.array([split.side == "test" for split in splits])
    assert (in_test.sum(0) == 1).all()
    pairs = overlapping_pairs(locate(table["patch_id"]))
    assert (in_test[:, pairs[:, 0]] == in_test[:, pairs[:, 1]]).all()


def test_a_tile_is_split_better_than_by_blocks():
    table = whole_tile()
    ids = np.array(table["patch_id"].to_pylist())
    ours = evaluate_split(table, split_patches(table).sides()).test
    cells = np.unique(planar_centres(locate(ids)) // 20_000, axis=0, return_inverse=True)[1].ravel()
    in_test = np.isin(
        cells, np.random.default_rng(0).permutation(cells.max() + 1)[: cells.max() // 4]
    )
    sides = {"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()}
    blocks = evaluate_split(table, sides).test
    assert abs(ours.fraction - 0.25) < 0.005
    assert ours.leakage["2500"] < blocks.leakage["2500"]
    assert ours.leakage["10000"] < blocks.leakage["10000"]
    assert ours.label_rms < min(blocks.label_rms, 0.03)


def told(table: pa.Table, **options: float) -> tuple[dict[str, int], list[str]]:
    """Patches of each side, and what could not be had."""
    split = split_patches(table, **options)
    sides = split.sides()
    sizes = {name: len(patches) for name, patches in sides.items()}
    return sizes, shortfalls(evaluate_split(table, sides), split.parts)


def test_what_cannot_be_parted_is_refused_with_what_is_possible():
    spot = [(product, 1, 1) for product in PRODUCTS[:2]]
    for places in (spot[:1], spot):
        with pytest.raises(InputFormatError, match=r"forms? 1 unit, as .* they cannot be parted"):
            split_patches(metadata(places))
    two = metadata([*spot, (PRODUCTS[0], 80, 80)])
    with pytest.raises(InputFormatError, match=r"3 patches form 2 units.* at most 2 of them"):
        split_patches(two, validation=0.2)
    with pytest.raises(InputFormatError, match=r"expected patches for 3 folds.* at most 2 of them"):
        split_folds(two, 3)
    assert all(all(split.sides().values()) for split in split_folds(two, 2))
    country = two.append_column("group", pa.array(["g"] * 3))
    message = r"share ground or a value of group stay together; they cannot .* leave out the group"
    with pytest.raises(InputFormatError, match=message):
        split_patches(country, group_by="group")


def test_a_buffer_that_leaves_no_patch_on_a_side_is_refused():
    row = metadata([(PRODUCTS[0], 0, row) for row in range(0, 90, 10)])
    for make in (split_patches, partial(split_folds, folds=3)):
        with pytest.raises(
            InputFormatError, match="keeps a buffer of 200,000 m, but it would be empty"
        ):
            make(row, buffer=200_000)
        assert make(row, buffer=5_000)


def test_a_side_that_is_not_asked_for_has_no_patch():
    assert told(metadata([]))[1][0] == "the train side is empty"
    assert told(metadata([(PRODUCTS[0], 1, 1)]), test=0) == ({"train": 1, "test": 0}, [])
    row = metadata([(PRODUCTS[0], 0, row) for row in range(10)])
    assert told(row, test=0)[0] == {"train": 10, "test": 0}
    sizes, _ = told(row, test=0, validation=0.3)
    assert sizes == {"train": 7, "validation": 3, "test": 0}


def test_more_folds_than_a_byte_counts_are_refused():
    row = metadata([(PRODUCTS[0], c, r) for c in range(0, 90, 3) for r in range(0, 90, 9)])
    with pytest.raises(OptionError, match="expected at most 255 folds, but it is 256"):
        split_folds(row, 256)
    assert len(split_folds(row, 255)) == 255


@pytest.mark.parametrize("test", [1e-9, 0.01, 0.5, 0.99, 0.9999999])
def test_no_side_is_empty_where_two_patches_can_be_parted(test):
    far = metadata([(PRODUCTS[0], 1, 1), (PRODUCTS[0], 80, 80)], [["A"], ["A"]])
    assert told(far, test=test)[0] == {"train": 1, "test": 1}
    sizes, _ = told(metadata([(PRODUCTS[0], column, 0) for column in range(40)]), test=test)
    assert min(sizes.values()) > 0


def test_what_is_worse_than_it_is_to_be_is_told():
    rare = metadata([(PRODUCTS[0], 0, row) for row in range(0, 90, 10)], [["A"], *[["B"]] * 8])
    assert told(rare, test=1 / 3) == ({"train": 6, "test": 3}, ["no test patch has the label A"])
    row = metadata([(PRODUCTS[0], 0, row) for row in range(3)])
    assert told(row, test=1 / 3)[1] == [
        "100.0% of the test patches lie within 2.5 km of train; its balance is what whole units allow; "
        "--compactness weighs one against the other"
    ]
    dates = metadata(
        [(PRODUCTS[0], 0, 0), (PRODUCTS[2], 90, 0)], country=["Austria", "Switzerland"]
    )
    assert told(dates, test=0.5)[1] == []  # half of one patch is on no side


def test_a_trade_is_told_with_both_numbers():
    rows = [
        0,
        1,
        3,
        4,
        5,
        6,
        7,
        8,
    ]  # of 1.2 km: the second is 2.4 km from the third, the first 3.6 km
    labels = [["A"]] * 4 + [["B"]] * 4
    table = metadata([(PRODUCTS[0], 0, row) for row in rows], labels, country=["x"] * 3 + ["y"] * 5)
    ids = table["patch_id"].to_pylist()
    found = evaluate_split(table, {"train": ids[2:], "test": ids[:2]})
    assert shortfalls(found, {"train": 0.75, "test": 0.25}) == [
        "no test patch has the label B",
        "50.0% of the test patches lie within 2.5 km of train; "
        "labels are off by 1.000 (whole units allow 0.000), "  # 2/4 and 0/4 where 1/4 is possible
        "a country is off by 0.417 (whole units allow 0.083); "  # 2/3 where 1/3 is possible
        "--compactness weighs one against the other",
    ]


def test_groups_of_a_column_are_not_parted():
    places = [(PRODUCTS[0], column, row) for column in range(0, 90, 3) for row in range(0, 90, 30)]
    groups = [str(column // 5) for _, column, _ in places]
    table = metadata(places, place=groups)
    split = split_patches(table, test=0.3, group_by="place")
    by_group: dict[str, set[str]] = {}
    for group, side in zip(groups, split.side.tolist(), strict=True):
        by_group.setdefault(group, set()).add(side)
    assert all(len(found) == 1 for found in by_group.values())
    assert 0.2 < np.mean(split.side == "test") < 0.4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "together below 1"),
        ({"test": -0.1}, "at least 0"),
        ({"test": 0.5, "validation": 0.5}, "together below 1"),
        ({"buffer": -1.0}, "expected a buffer"),
        ({"seed": -1}, "expected a seed"),
        ({"buffer": float("nan")}, "expected a buffer"),
        ({"compactness": 0.0}, "expected a compactness"),
        ({"compactness": 1e4}, "expected a compactness"),
        ({"group_by": "county"}, "one of patch_id, labels, but there is no county"),
        ({"group_by": "labels"}, "labels has lists"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        split_patches(metadata([(PRODUCTS[0], 1, 1)]), **options)


def test_the_official_metadata_is_split_as_well_as_it_must_be_into_the_same_bytes(
    shared_data, tmp_path
):
    """A change of the digest is a change that users notice: it comes with the reason in its commit."""
    table = read_metadata(shared_data / "metadata.parquet")
    sides = split_patches(table).sides()
    write_sides(sides, tmp_path / "split.csv")
    assert (
        digest_of(tmp_path / "split.csv")
        == "83a9454f340db3f75179aa0509a7c57ae72b5d88f8950efd7daffbcb9111114e"
    )
    found = evaluate_split(table, sides)
    assert found.crossing_pairs == 0
    assert found.warnings == ()
    assert abs(found.test.fraction - 0.25) < 0.005
    assert found.test.leakage["2500"] < 0.07
    assert found.test.leakage["10000"] < 0.30
    assert found.test.label_rms < 0.015
    assert found.test.season_deviation < 0.010
    assert found.test.country_deviation < 0.020


def test_the_same_bytes_on_every_machine(tmp_path):
    places = [
        (product, c, r) for product in PRODUCTS for c in range(0, 90, 4) for r in range(0, 90, 5)
    ]
    labels = [["ABCD"[(c + r) % 4], *["E"] * (c > 70)] for _, c, r in places]
    table = metadata(places, labels)
    split = split_patches(table, validation=0.1, buffer=2_000, seed=3)
    write_sides(split.sides(), tmp_path / "split.csv")
    assert (
        digest_of(tmp_path / "split.csv")
        == "a9e99e88d603edde80f81c870eab74c0c263a0242123982fd7d0b073ca4010f8"
    )
