"""Blocks: units gathered by the cells of a square grid, and which blocks are near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.splits.search.blocks import Blocks

__all__ = ["Cells", "gather_cells"]


@dataclass(frozen=True)
class Cells(Blocks):
    """Cells of a grid that hold units.

    Attributes
    ----------
    of_unit : (u,) int64 array
    movable : (b,) bool array
        As of `Blocks`.
    metres : int
        Side of a cell.
    cell : (b, 2) int64 array
        Column and row of each block in the grid, in ascending order.
    """

    metres: int
    cell: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self.cell)

    def neighbours(self, reach: float) -> NDArray[np.int64]:
        """As of `Blocks`: other cells whose centres are at most ``reach`` metres from one's own."""
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
        return np.sort(np.stack(found, axis=1), axis=1)

    def around(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each cell or one of the eight around it is marked: (b, ...) bool."""
        beyond = np.zeros((1, *marked.shape[1:]), bool)
        table = self.neighbours(1.5 * self.metres)
        return np.concatenate([marked, beyond])[table].any(1) | marked


def gather_cells(centre: NDArray[np.int64], metres: int) -> Cells:
    """Gather units by grid cell.

    Parameters
    ----------
    centre : (u, 2) int64 array
        Centres of units in metres.
    metres : int
        Side of a cell.
    """
    cell, of_unit = np.unique(centre // metres, axis=0, return_inverse=True)
    return Cells(of_unit.ravel(), np.ones(len(cell), bool), metres, cell)
