"""Splits of small archives of any shape, and of the whole official metadata."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit import (
    evaluate_split,
    locate,
    overlapping_pairs,
    read_metadata,
    split_folds,
    split_patches,
)
from benkit.errors import OptionError
from benkit.planar import planar_centres

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


@settings(max_examples=30)
@given(archives(), st.sampled_from([(0.25, 0.0), (0.2, 0.2), (0.5, 0.0)]), st.integers(0, 9))
def test_every_patch_is_on_one_side_and_no_ground_on_two(table, parts, seed):
    test, validation = parts
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
    assert again.notes == split.notes


@settings(max_examples=15)
@given(archives(), st.sampled_from([1_000, 5_000, 30_000]))
def test_a_buffer_is_kept_and_what_is_left_out_is_counted(table, buffer):
    split = split_patches(table, test=0.3, validation=0.2, buffer=buffer)
    centres = planar_centres(locate(split.patch_ids))
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    on_a_side = split.side != ""
    differ = (split.side[:, None] != split.side[None]) & on_a_side[:, None] & on_a_side[None]
    assert (apart[differ] >= buffer).all()
    left_out = int((~on_a_side).sum())
    assert sum(map(len, split.sides().values())) + left_out == len(table)
    assert any(note.startswith(f"{left_out} patches") for note in split.notes) == (left_out > 0)


@settings(max_examples=15)
@given(archives(), st.integers(2, 5))
def test_each_patch_is_on_the_test_side_of_one_fold(table, folds):
    splits = split_folds(table, folds)
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


def test_what_cannot_be_parted_stays_together_and_is_told():
    one = split_patches(metadata([(PRODUCTS[0], 1, 1)], [["A"]]))
    assert len(one.patch_ids) == 1
    assert any("instead of 25.0%" in note for note in one.notes)
    spot = [(PRODUCTS[0], 1, 1), (PRODUCTS[1], 1, 1)]
    together = split_patches(metadata(spot, [["A"], ["A"]]), test=0.5)
    assert len(set(together.side.tolist())) == 1
    assert together.notes
    assert split_patches(metadata([])).sides() == {"train": [], "test": []}


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
        ({"compactness": 0.0}, "expected a compactness"),
        ({"group_by": "county"}, "there is no county"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        split_patches(metadata([(PRODUCTS[0], 1, 1)]), **options)


def test_the_official_metadata_is_split_as_well_as_it_must_be(shared_data):
    table = read_metadata(shared_data / "metadata.parquet")
    found = evaluate_split(table, split_patches(table).sides())
    assert found.crossing_pairs == 0
    assert found.warnings == ()
    assert abs(found.test.fraction - 0.25) < 0.005
    assert found.test.leakage["2500"] < 0.07
    assert found.test.leakage["10000"] < 0.30
    assert found.test.label_rms < 0.015
    assert found.test.season_deviation < 0.010
    assert found.test.country_deviation < 0.020
