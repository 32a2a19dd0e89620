"""Blocks: units gathered by the cells of a square grid, and which blocks are near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "gather_blocks"]

Neighbours = list[list[int]]


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

    def neighbours(self, reach: float) -> Neighbours:
        """Other blocks whose cells' centres are at most ``reach`` metres away, of each block."""
        if not self.metres:
            return _near_points(self.cell, reach)
        steps = int(reach // self.metres)
        near = range(-steps, steps + 1)
        limit = (reach / self.metres) ** 2
        offsets = [(a, b) for a in near for b in near if 0 < a * a + b * b <= limit]
        place = {cell: number for number, cell in enumerate(map(tuple, self.cell.tolist()))}
        found: Neighbours = []
        for column, row in self.cell.tolist():
            cells = ((column + a, row + b) for a, b in offsets)
            found.append([place[cell] for cell in cells if cell in place])
        return found


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


def _near_points(points: NDArray[np.int64], reach: float) -> Neighbours:
    """Other points at most ``reach`` away, of each of a few points."""
    found: Neighbours = []
    for number, point in enumerate(points):
        near = np.flatnonzero(((points - point) ** 2).sum(1) <= reach**2)
        found.append(near[near != number].tolist())
    return found
