"""Which single units are near, against all pairs of their patches."""

import numpy as np
import pyarrow as pa
import pytest

from benkit.metadata.metadata import Metadata
from benkit.splits.search.groups import Units, gather_units
from benkit.splits.search.single_units import choose_units

PRODUCTS = (
    "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP",
    "S2A_MSIL2A_20170813T101031_N9999_R022_T33UUP",
)


def some_units(seed: int) -> Units:
    random = np.random.default_rng(seed)
    places = np.unique(random.integers(0, 14, (60, 2)), axis=0)
    ids = [f"{PRODUCTS[number % 2]}_{c:02d}_{r:02d}" for number, (c, r) in enumerate(places)]
    groups = [str(number) if number > 20 else "one" for number in range(len(ids))]
    labels = pa.array([[]] * len(ids), pa.list_(pa.string()))
    table = pa.table({"patch_id": ids, "labels": labels, "group": groups})
    return gather_units(Metadata(table), "group")


@pytest.mark.parametrize("seed", range(3))
def test_neighbours_are_units_with_a_patch_within_reach(seed):
    units = some_units(seed)
    chosen = np.arange(len(units.patches)) % 5 != 1
    movable = np.arange(len(units.patches)) % 2 == 0
    blocks = choose_units(units, chosen, movable, most_centres=5)
    unit = np.flatnonzero(chosen)
    assert blocks.of_unit[unit].tolist() == list(range(len(blocks)))
    assert (blocks.of_unit[~chosen] == -1).all()
    apart = np.linalg.norm(units.patch_centre[:, None] - units.patch_centre[None], axis=2)
    table = blocks.neighbours(2_500)
    for block, mine in enumerate(unit.tolist()):
        patches = units.of_patch == mine
        small = patches.sum() <= 5
        near = set(units.of_patch[(apart[patches] <= 2_500).any(0)].tolist()) - {mine}
        found = [number for number in table[block].tolist() if number < len(blocks)]
        assert found == [place for place, other in enumerate(unit) if small and other in near]
        assert blocks.movable[block] == (movable[mine] and small)


def test_sides_of_blocks_and_units_go_both_ways():
    units = some_units(0)
    chosen = np.arange(len(units.patches)) % 3 > 0
    blocks = choose_units(units, chosen, chosen, most_centres=100)
    side = (np.arange(len(chosen)) % 2).astype(np.uint8)
    start = blocks.sides(side, units.patches)
    assert (start == side[chosen]).all()
    moved = blocks.spread(1 - start, side)
    assert (moved[chosen] == 1 - side[chosen]).all()
    assert (moved[~chosen] == side[~chosen]).all()
