"""More compactness lies further apart and is less balanced, step by step."""

from itertools import pairwise

import numpy as np
import pyarrow as pa

from benkit.metadata.metadata import Metadata
from benkit.splits.evaluate import evaluate_split
from benkit.splits.make import split_patches

NEARER, WORSE = 0.02, 0.005  # so much chance may add


def two_tiles(seed: int, patches: int = 200) -> Metadata:
    """Scattered patches of two tiles side by side, and eight labels that change over the ground."""
    generator = np.random.default_rng(seed)
    scattered = generator.integers(0, (2, 91, 91), (patches, 3))
    tile, column, row = np.unique(scattered, axis=0).T
    waves = generator.uniform(-0.1, 0.1, (2, 8))
    fields = np.cos(np.stack([column + 91 * tile, row], axis=1) @ waves)
    labels = [
        [name for name, has in zip("ABCDEFGH", of, strict=True) if has]
        for of in fields > np.linspace(-0.5, 0.97, 8)
    ]
    ids = [
        f"S2A_MSIL2A_20170613T101031_N9999_R022_{('T33UUP', 'T33UVP')[t]}_{x:02d}_{y:02d}"
        for t, x, y in zip(tile, column, row, strict=True)
    ]
    kind = pa.list_(pa.string())
    return Metadata(pa.table({"patch_id": ids, "labels": pa.array(labels, kind)}))


def test_compactness_trades_balance_for_distance_at_every_step():
    metadata = two_tiles(1)
    sides = [
        evaluate_split(metadata, split_patches(metadata, compactness=compactness)).test
        for compactness in (0.01, 1, 100)
    ]
    near = [[side.leakage[metres] for metres in ("2500", "10000")] for side in sides]
    off = [side.label_rms for side in sides]
    for less, more in pairwise(near):
        assert (np.array(more) <= np.array(less) + NEARER).all(), near
    assert (np.diff(off) >= -WORSE).all(), off
    assert near[-1][1] < near[0][1] / 2
    assert off[-1] > 2 * off[0]
