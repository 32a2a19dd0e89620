import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.errors import OptionError
from benkit.evaluate import evaluate_split
from benkit.footprints import locate
from benkit.io.tables import read_metadata
from benkit.overlaps import overlapping_pairs
from benkit.spec.nomenclature import CLASSES
from benkit.split import split_patches
from tests.test_overlaps import patches

archives = st.dictionaries(
    patches, st.lists(st.sampled_from(CLASSES), max_size=4, unique=True), max_size=60
)


def table(archive, **columns):
    labels = pa.array(list(archive.values()), pa.list_(pa.string()))
    ids = pa.array(list(archive), pa.string())
    return pa.table({"patch_id": ids, "labels": labels, **columns})


@settings(max_examples=40)
@given(archives, st.sampled_from([0.1, 0.25, 0.5]), st.sampled_from([0.0, 0.2]))
def test_every_patch_once_and_no_shared_ground_across(archive, test, validation):
    metadata = table(archive)
    split = split_patches(metadata, test=test, validation=validation)
    sides = split.sides()
    assert list(sides) == ["train", *(["validation"] if validation else []), "test"]
    assert sorted(patch for side in sides.values() for patch in side) == sorted(archive)
    for first, second in overlapping_pairs(locate(list(archive))).tolist():
        assert split.side[first] == split.side[second]
    again = split_patches(metadata, test=test, validation=validation)
    assert again.side.tolist() == split.side.tolist()


PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


@pytest.mark.parametrize(
    "archive",
    [
        {},
        {f"{PRODUCT}_00_00": ["Pastures"]},
        {f"{PRODUCT.replace('2017', str(year))}_40_40": [] for year in range(2016, 2026)},
    ],
    ids=["nothing", "one patch", "one spot"],
)
def test_where_nothing_can_be_divided(archive):
    split = split_patches(table(archive))
    assert set(split.side.tolist()) <= {"train", "test"}
    assert len(set(split.side.tolist())) <= 1
    assert not archive or split.notes


def test_a_whole_tile_is_balanced_and_keeps_together():
    random = np.random.default_rng(0)
    archive = {
        f"{PRODUCT}_{column:02d}_{row:02d}": [
            CLASSES[(column // 12 + row // 9) % 19],
            CLASSES[random.integers(4)],
        ]
        for column in range(91)
        for row in range(91)
    }
    archive = {patch: sorted(set(labels)) for patch, labels in archive.items()}
    metadata = table(archive)
    figures = evaluate_split(metadata, split_patches(metadata).sides()).to_dict()
    assert figures["crossing_pairs"] == 0
    assert abs(figures["fraction"] - 0.25) < 0.01
    assert figures["label_rms"] < 0.3
    ids = np.array(list(archive))
    scattered = np.random.default_rng(1).permutation(len(ids)) < len(ids) // 4
    by_chance = evaluate_split(
        metadata, {"train": ids[~scattered].tolist(), "test": ids[scattered].tolist()}
    ).to_dict()
    assert by_chance["leakage"]["2500"] > 0.99
    assert figures["leakage"]["2500"] < 0.6


def test_groups_are_not_parted():
    archive = {f"{PRODUCT}_{c:02d}_{r:02d}": ["Pastures"] for c in range(20) for r in range(20)}
    owners = pa.array([str(i % 20 // 2) for i in range(400)])
    split = split_patches(table(archive, owner=owners), group_by="owner")
    sides = {}
    for owner, side in zip(owners.to_pylist(), split.side.tolist(), strict=True):
        sides.setdefault(owner, set()).add(side)
    assert all(len(found) == 1 for found in sides.values())


def test_wrong_options():
    metadata = table({f"{PRODUCT}_00_00": []})
    for options in ({"test": -0.1}, {"test": 1.0}, {"test": 0.6, "validation": 0.4}, {"seed": -1},
                    {"group_by": "nothing"}):  # fmt: skip
        with pytest.raises(OptionError, match="expected"):
            split_patches(metadata, **options)


def test_official_metadata(shared_data):
    metadata = read_metadata(shared_data / "metadata.parquet")
    sides = split_patches(metadata).sides()
    figures = evaluate_split(metadata, sides).to_dict()
    assert sum(map(len, sides.values())) == 480_038
    assert figures["crossing_pairs"] == 0
    assert abs(figures["fraction"] - 0.25) < 0.005
    assert figures["leakage"]["2500"] < 0.10
    assert figures["leakage"]["10000"] < 0.32
    assert figures["label_rms"] < 0.025
    assert figures["season_deviation"] < 0.010
    assert figures["country_deviation"] < 0.020
