"""Blocks: units gathered by the cells of a square grid, and which blocks are near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "gather_blocks"]


@dataclass(frozen=True)
class Blocks:
    """Cells of a grid that hold units.

    Attributes
    ----------
    metres : int
        Side of a cell; 0 where each unit is a block of its own.
    of_unit : (u,) int64 array
        Block of each unit.
    cell : (b, 2) int64 array
        Column and row of each block in the grid, in ascending order; where each unit is a block, its
        centre.
    """

    metres: int
    of_unit: NDArray[np.int64]
    cell: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self.cell)

    def total(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums over the units of each block: (b, ...) int64."""
        sums = np.zeros((len(self), *values.shape[1:]), np.int64)
        np.add.at(sums, self.of_unit, values)
        return sums

    def neighbours(self, reach: float) -> NDArray[np.int64]:
        """Other blocks whose cells' centres are at most ``reach`` metres away, of each block.

        Returns
        -------
        (b, m) int64 array
            Numbers of blocks; where a block has fewer than m neighbours, the number of all blocks.
        """
        if not self.metres:
            return _near_points(self.cell, reach)
        steps, limit = int(reach // self.metres), (reach / self.metres) ** 2
        near = range(-steps, steps + 1)
        column, row = (self.cell - self.cell.min(0) + steps).T
        height = int(row.max()) + steps + 1
        key = column * height + row
        found = []
        for offset in (a * height + b for a in near for b in near if 0 < a * a + b * b <= limit):
            place = np.searchsorted(key, key + offset)
            place[key[np.minimum(place, len(key) - 1)] != key + offset] = len(key)
            found.append(place)
        return np.stack(found, axis=1)


def gather_blocks(centre: NDArray[np.int64], metres: int) -> Blocks:
    """Gather units by grid cell.

    Parameters
    ----------
    centre : (u, 2) int64 array
        Centres of units in metres.
    metres : int
        Side of a cell.
    """
    cell, of_unit = np.unique(centre // metres, axis=0, return_inverse=True)
    return Blocks(metres, of_unit.ravel(), cell)


def _near_points(points: NDArray[np.int64], reach: float) -> NDArray[np.int64]:
    """As `Blocks.neighbours`, of a few points."""
    apart = ((points[:, np.newaxis] - points) ** 2).sum(2)
    near = (apart <= reach**2) & ~np.eye(len(points), dtype=bool)
    table = np.where(near, np.arange(len(points)), len(points))
    table.sort(axis=1)
    return table[:, : max(int(near.sum(1).max()), 1)]
