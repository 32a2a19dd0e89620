"""Single units as the blocks of a search, and which of them are near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.ground.grid import expand_ranges, near_pairs
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.groups import Units


@dataclass(frozen=True)
class SingleUnits(Blocks):
    """Some units, each a block of its own.

    Attributes
    ----------
    of_unit, movable
        As of `Blocks`.
    centre : (p, 2) int64 array
        Centres of their patches in metres, each once a block.
    block : (p,) int64 array
        Block of each centre.
    small : (b,) bool array
        Blocks that have neighbours; the others are only neighbours of these.
    """

    centre: NDArray[np.int64]
    block: NDArray[np.int64]
    small: NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of blocks."""
        return int(self.of_unit.max(initial=-1)) + 1

    def neighbours(self, reach: float) -> NDArray[np.int64]:
        """As of `Blocks`: other blocks with a patch at most ``reach`` metres from one of theirs."""
        blocks = len(self)
        pairs = near_pairs(self.centre, reach + 1)  # centres are whole metres
        apart = self.centre[pairs[:, 0]] - self.centre[pairs[:, 1]]
        pairs = pairs[(apart**2).sum(1) <= reach**2]
        first, second = self.block[np.concatenate([pairs, pairs[:, ::-1]])].T
        key = np.unique((first * blocks + second)[(first != second) & self.small[first]])
        first, second = np.divmod(key, max(blocks, 1))
        count = np.bincount(first, minlength=blocks)
        table = np.full((blocks, max(int(count.max(initial=0)), 1)), blocks)
        table[first, expand_ranges(0, count)[1]] = second
        return table


def choose_units(
    units: Units, chosen: NDArray[np.bool_], movable: NDArray[np.bool_], most_centres: int
) -> SingleUnits:
    """Chosen units as blocks, of which the movable ones may go to another side.

    Units whose patches have more different centres keep their side and are never exposed.
    """
    some = chosen[units.of_patch]
    rows = np.unique(np.column_stack([units.of_patch, units.patch_centre])[some], axis=0)
    unit, block, centres = np.unique(rows[:, 0], return_inverse=True, return_counts=True)
    of_unit = np.full(len(chosen), -1)
    of_unit[unit] = np.arange(len(unit))
    small = centres <= most_centres
    return SingleUnits(of_unit, movable[unit] & small, rows[:, 1:], block.ravel(), small)
