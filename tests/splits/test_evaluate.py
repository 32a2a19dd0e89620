"""Figures of splits against brute force and the published figures."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.errors import InputFormatError, OptionError
from benkit.ground.distance_plane import nearest_distances, planar_centres
from benkit.ground.footprints import locate
from benkit.ground.overlaps import overlapping_pairs
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import read_metadata
from benkit.splits.evaluate import evaluate_split, evaluate_splits, official_split, random_split
from benkit.splits.split import Split

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


def patches(*positions: tuple[int, int], product: str = PRODUCT) -> list[str]:
    return [f"{product}_{column:02d}_{row:02d}" for column, row in positions]


def metadata(ids: list[str], labels: list[list[str]], **columns: list[str]) -> pa.Table:
    kind = pa.list_(pa.string())
    return pa.table({"patch_id": ids, "labels": pa.array(labels, kind), **columns})


def test_a_split_that_was_worked_out_by_hand():
    ids = patches((0, 0), (1, 0), (5, 0), (20, 0))
    table = metadata(ids, [["A"], ["A", "B"], ["A", "B"], ["C"]], country=list("xxyy"))
    found = evaluate_split(table, {"train": ids[:2], "test": ids[2:]})
    figures = found.to_dict()
    assert (figures["train"], figures["test"], figures["crossing_pairs"]) == (2, 2, 0)
    assert figures["leakage"] == {"2500": 0, "5000": 0.5, "10000": 0.5}
    assert figures["median_nearest_train_m"] == pytest.approx((4 + 19) * 1200 / 2, rel=1e-3)
    shares = np.array([1 / 3, 1 / 2, 1])
    assert figures["label_rms"] == pytest.approx(np.sqrt(np.mean(((shares - 0.5) / 0.5) ** 2)))
    train, test = np.array([2, 1, 0]) / 3, np.array([1, 1, 1]) / 3
    middle = (train + test) / 2
    bits = (train[:2] * np.log2(train[:2] / middle[:2])).sum() + (
        test * np.log2(test / middle)
    ).sum()
    assert figures["js_divergence_bits"] == pytest.approx(bits / 2)
    assert (figures["season_deviation"], figures["country_deviation"]) == (0, 0.5)
    assert (figures["tiles"], figures["countries"], figures["regions"]) == (1, 1, 2)
    assert figures["missing_labels"] == {"train": ("C",), "test": ()}
    assert figures["warnings"] == ("no train patch has the label C",)


def test_shared_ground_and_missing_columns_and_sides_are_told():
    ids = patches((0, 0)) + patches((0, 0), product=PRODUCT.replace("0613", "0713"))
    table = metadata(ids, [["A"], []])
    found = evaluate_split(table, {"train": ids[:1], "test": ids[1:]})
    assert found.crossing_pairs == 1
    assert found.test.country_deviation is None
    assert found.crossing_pairs_between == {"train-test": 1}
    assert found.test.shared_ground == 1
    assert found.warnings == (
        "no test patch has the label A",
        "1 pairs of a train and a test patch show the same ground",
    )
    found = evaluate_split(table, {"train": ids[:1], "test": []})
    assert found.left_out == 1
    assert found.test.label_rms is None
    assert found.test.nearest_train_m is None
    assert "the test side is empty" in found.warnings
    found = evaluate_split(table, {"train": [], "validation": ids[:1], "test": ids[1:]})
    assert found.test.leakage == {"2500": 0, "5000": 0, "10000": 0}
    assert found.validation is not None


def test_several_splits_at_once_are_judged_as_each_alone():
    ids = patches((0, 0), (1, 0), (0, 0), (40, 40))
    ids[2] = ids[2].replace("0613", "0713")
    table = metadata(ids, [["A"], ["B"], ["A"], []])
    splits = {
        "one": {"train": ids[:2], "test": ids[2:]},
        "two": {"train": ids[:1], "validation": ids[2:3], "test": ids[3:]},
    }
    found = evaluate_splits(table, splits)
    assert found == {name: evaluate_split(table, sides) for name, sides in splits.items()}
    between = found["two"].crossing_pairs_between
    assert between == {"train-validation": 1, "train-test": 0, "validation-test": 0}
    assert found["one"].crossing_pairs == found["two"].crossing_pairs == 1
    assert (found["one"].test.shared_ground, found["two"].test.shared_ground) == (0.5, 0)
    assert found["one"].label_patches == {"A": 2, "B": 1}
    assert found["two"].label_patches == {"A": 2}
    assert found["one"].label_shares() == {"train": {"A": 0.5, "B": 1}, "test": {"A": 0.5, "B": 0}}
    assert found["one"].test.distances[0] == 0
    assert found["one"].test.distances[1] > 50_000
    assert "distances" not in found["one"].to_dict()


def test_a_random_split_has_the_same_sizes_and_patches():
    ids = patches(*((column, row) for column in range(10) for row in range(10)))
    table = metadata(ids, [[]] * 100)
    sides = {"train": ids[:60], "validation": ids[60:70], "test": ids[70:95]}
    drawn = random_split(Metadata(table), Split(sides)).sides()
    assert [len(drawn[name]) for name in sides] == [60, 10, 25]
    assert sorted(np.concatenate(list(drawn.values())).tolist()) == sorted(ids[:95])
    assert drawn == random_split(Metadata(table), Split(sides)).sides()
    assert drawn != random_split(Metadata(table), Split(sides), 1).sides()
    assert 5 < len(set(drawn["test"]) - set(sides["test"])) < 25
    with pytest.raises(OptionError, match="expected a seed of at least 0"):
        random_split(Metadata(table), Split(sides), -1)


def test_the_official_sides_come_from_the_column_split():
    ids = patches((0, 0), (1, 0), (2, 0), (3, 0))
    table = metadata(ids, [[]] * 4, split=["train", "validation", "test", None])
    three = {"train": ids[:1], "validation": ids[1:2], "test": ids[2:3]}
    assert official_split(Metadata(table)).sides() == three
    two = official_split(Metadata(table), with_validation=False)
    assert two.sides() == {"train": ids[:2], "test": ids[2:3]}
    with pytest.raises(InputFormatError, match="the sides in the column split, but there is only"):
        official_split(Metadata(metadata(ids, [[]] * 4)))
    wrong = Metadata(metadata(ids, [[]] * 4, split=["train", "test", "dev", "test"]))
    with pytest.raises(InputFormatError, match="in the column split, but there is dev"):
        official_split(wrong)


POSITIONS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(["0613", "0713", "0813"])),
    min_size=2,
    max_size=30,
    unique=True,
)


@settings(max_examples=25)
@given(POSITIONS)
def test_shared_ground_is_that_of_brute_force(positions):
    ids = [f"{PRODUCT.replace('0613', day)}_{x:02d}_{y:02d}" for x, y, day in positions]
    train, test = ids[::2], ids[1::2]
    found = evaluate_split(metadata(ids, [[]] * len(ids)), {"train": train, "test": test})
    ground = {patch.split("UUP_")[1] for patch in train}
    shared = [patch.split("UUP_")[1] in ground for patch in test]
    assert found.test.shared_ground == np.mean(shared)
    pairs = overlapping_pairs(locate(ids))
    assert found.crossing_pairs == ((pairs % 2).sum(1) == 1).sum()


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ({"dev": []}, "expected the sides train, validation, test, but there is dev"),
        ({"train": ["nothing"]}, "nothing of the side train is not in the metadata"),
        ({"train": patches((0, 0), (0, 0))}, "_00_00 is on train and train; keep one"),
        (
            {"train": patches((0, 0)), "test": patches((0, 0))},
            "_00_00 is on train and test; keep one",
        ),
    ],
)
def test_what_is_no_split_is_refused(sides, message):
    with pytest.raises(InputFormatError, match=message):
        evaluate_split(metadata(patches((0, 0)), [["A"]]), sides)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), min_size=2, max_size=40))
def test_nearest_distances_are_those_of_brute_force(positions):
    centres = planar_centres(locate(patches(*positions)))
    half = len(centres) // 2
    all_of_them = np.linalg.norm(centres[:half, None] - centres[None, half:], axis=2)
    assert np.allclose(nearest_distances(centres[:half], centres[half:]), all_of_them.min(1))
    assert np.isinf(nearest_distances(centres, centres[:0])).all()


def test_outside_europe_another_projection_is_taken():
    product = PRODUCT.replace("T33UUP", "T55HFA")
    centres = planar_centres(locate(patches((0, 0), (3, 0), product=product)))
    assert 3000 < np.linalg.norm(centres[1] - centres[0]) < 4300


def test_the_official_split_has_its_known_figures(shared_data):
    table = read_metadata(shared_data / "metadata.parquet")
    in_test = np.array([name == "test" for name in table["split"].to_pylist()])
    ids = np.array(table["patch_id"].to_pylist())
    found = evaluate_split(table, {"train": ids[~in_test].tolist(), "test": ids[in_test].tolist()})
    leakage = [round(found.test.leakage[key], 3) for key in ("2500", "5000", "10000")]
    assert leakage == [0.164, 0.314, 0.567]
    assert found.crossing_pairs == 0
    assert round(found.test.label_rms, 3) == 0.246
    assert round(found.test.season_deviation, 3) == 0.005
    assert round(found.test.country_deviation, 3) == 0.237
    assert (round(found.test.copy_f1, 4), round(found.test.constant_f1, 4)) == (0.5966, 0.4379)
    assert found.warnings == ()
