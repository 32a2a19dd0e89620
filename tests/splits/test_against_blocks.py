"""Splits of random archives against whole blocks of 50 km drawn at random."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import locate
from benkit.splits.evaluate import evaluate_splits
from benkit.splits.evaluation import Evaluation
from benkit.splits.make import split_patches

DATES = ("S2A_MSIL2A_20170613T101031_N9999_R022", "S2B_MSIL2A_20180108T101031_N9999_R022")
TILES = ("T33UUP", "T33UVP", "T33UUQ", "T32UQU", "T35ULA")
BLOCK_METRES = 50_000
TEST = 0.25


def random_archive(seed: int) -> pa.Table:
    """Patches of some tiles on two dates, with labels that change over the ground and rare ones."""
    generator = np.random.default_rng(seed)
    tiles = generator.choice(TILES, generator.integers(2, 5), replace=False)
    share = generator.uniform(0.03, 0.1)
    ids, labels = [], []
    for tile in sorted(tiles):
        waves = generator.uniform(-0.15, 0.15, (4, 2))
        for date in DATES:
            column, row = np.nonzero(generator.random((91, 91)) < share / 2)
            fields = np.cos(np.stack([column, row], 1) @ waves.T) > (-0.5, 0, 0.5, 0.95)
            ids += [
                f"{date}_{tile}_{x:02d}_{y:02d}"
                for x, y in zip(column.tolist(), row.tolist(), strict=True)
            ]
            labels += [[name for name, has in zip("ABCD", of, strict=True) if has] for of in fields]
    return pa.table({"patch_id": ids, "labels": pa.array(labels, pa.list_(pa.string()))})


def random_blocks(metadata: pa.Table, seed: int) -> NDArray[np.bool_]:
    """Whole cells of a grid, in random order, as long as they do not pass the part wanted."""
    cells = planar_centres(locate(metadata["patch_id"])) // BLOCK_METRES
    block = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    order = np.random.default_rng(seed).permutation(block.max() + 1)
    taken = np.cumsum(np.bincount(block)[order]) <= TEST * len(metadata)
    return np.isin(block, order[taken])


def judged(metadata: pa.Table, masks: dict[str, NDArray[np.bool_]]) -> dict[str, Evaluation]:
    ids = np.array(metadata["patch_id"].to_pylist(), object)
    sides = {
        name: {"train": ids[~mask].tolist(), "test": ids[mask].tolist()}
        for name, mask in masks.items()
    }
    return evaluate_splits(metadata, sides)


@pytest.mark.parametrize("seed", range(2))
def test_no_worse_than_blocks_in_any_figure(seed):
    metadata = random_archive(seed)
    found = judged(
        metadata,
        {
            "ours": split_patches(metadata, test=TEST).side == "test",
            "blocks": random_blocks(metadata, seed),
        },
    )
    ours, blocks = found["ours"], found["blocks"]
    assert ours.crossing_pairs == 0 <= blocks.crossing_pairs
    assert abs(ours.test.fraction - TEST) <= max(abs(blocks.test.fraction - TEST), 0.005)
    for metres in ("2500", "5000", "10000"):
        assert ours.test.leakage[metres] <= blocks.test.leakage[metres], metres
    assert ours.test.label_rms <= max(blocks.test.label_rms, 0.02)
    assert ours.test.season_deviation <= max(blocks.test.season_deviation, 0.02)
