"""Splits of few patches: clusters, a label on one patch, and fewer units than sides."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.make import split_patches

TILES = ("T33UUP", "T33UVP", "T32UQU", "T35ULA")
NEAR_POSSIBLE = 0.08


def table(places: list[tuple[str, int, int]], labels: list[list[str]]) -> pa.Table:
    product = "S2A_MSIL2A_20170613T101031_N9999_R022"
    ids = [f"{product}_{tile}_{column:02d}_{row:02d}" for tile, column, row in places]
    return pa.table({"patch_id": ids, "labels": pa.array(labels, pa.list_(pa.string()))})


def clusters(tiles: tuple[str, ...]) -> pa.Table:
    """Eight clusters of 25 patches each, and labels of very different frequency."""
    generator = np.random.default_rng(2)
    places = [
        (tiles[number % len(tiles)], 10 + 20 * (number % 4) + column, 10 + 40 * (number // 4) + row)
        for number in range(8)
        for column in range(5)
        for row in range(5)
    ]
    has = generator.random((200, 4)) < (0.9, 0.5, 0.2, 0.06)
    return table(places, [[n for n, h in zip("ABCD", of, strict=True) if h] for of in has])


@pytest.mark.parametrize("tiles", [TILES, TILES[:1]])
def test_eight_clusters_are_split_as_evenly_as_they_nearly_can_be(tiles):
    metadata = Metadata(clusters(tiles))
    for seed in range(3):
        found = evaluate_split(metadata, split_patches(metadata, seed=seed))
        assert found.test.patches in (49, 50, 51) and found.crossing_pairs == 0
        assert found.test.label_rms <= found.test.possible.label_rms + NEAR_POSSIBLE


@pytest.mark.parametrize("tiles", [TILES, TILES[:1]])
def test_whole_clusters_are_held_out_whichever_the_seed(tiles):
    metadata = Metadata(clusters(tiles))
    for seed in range(5):
        found = evaluate_split(metadata, split_patches(metadata, seed=seed))
        assert found.test.leakage["2500"] <= 1 / 49


def test_a_label_on_one_patch_spoils_no_other():
    generator = np.random.default_rng(3)
    column, row = np.nonzero(generator.random((91, 91)) < 0.03)
    places = [("T33UUP", x, y) for x, y in zip(column.tolist(), row.tolist(), strict=True)]
    labels = [["A"] + ["B"] * (x > 60) + ["once"] * (k == 5) for k, (_, x, _) in enumerate(places)]
    metadata = Metadata(table(places, labels))
    for validation in (0.0, 0.2):
        found = evaluate_split(metadata, split_patches(metadata, validation=validation))
        for side in found.sides.values():
            others = [side.label_shares[name] - side.fraction for name in "AB"]
            assert np.abs(others).max() < 0.02
            assert side.patches > 0


def test_fewer_units_than_sides_are_refused_and_nothing_is_written(tmp_path, capsys):
    places = [("T33UUP", 1, 1), ("T33UUP", 80, 80)]
    pq.write_table(table(places, [["A"]] * 2), tmp_path / "two.parquet")
    call = ["split", str(tmp_path / "two.parquet"), "--output", str(tmp_path / "split.csv")]
    for options in (["--validation", "0.2"], ["--folds", "3"]):
        assert main([*call, *options]) == 2
        err = capsys.readouterr().err
        assert "2 patches form 2 units" in err and "at most 2 of them" in err
        assert [path.name for path in tmp_path.iterdir()] == ["two.parquet"]
    assert main(call) == 0


@pytest.mark.parametrize("dates", [28, 70])
def test_a_place_on_many_dates_leaves_the_test_side_what_lies_elsewhere(dates):
    places = [("T33UUP", column, 0) for column in (50, 60, 70)]
    ids = [f"S2A_MSIL2A_20170613T1010{n:02d}_N9999_R022_T33UUP_00_00" for n in range(30)]
    ids += [f"S2A_MSIL2A_20170614T1010{n:02d}_N9999_R022_T33UUP_00_00" for n in range(dates - 30)]
    ids = ids[:dates] + table(places, [["A"]] * 3)["patch_id"].to_pylist()
    made = split_patches(pa.table({"patch_id": ids, "labels": [["A"]] * len(ids)}))
    assert made.sides()["test"] == ids[dates:]
