"""Blocks: units gathered by the cells of a square grid, and which blocks are near."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.ground.grid import TOUCHING, distinct_cells, neighbouring_cells
from benkit.splits.search.blocks import Blocks


@dataclass(frozen=True)
class Cells(Blocks):
    """Cells of a grid that hold units.

    Attributes
    ----------
    of_unit, movable
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
        return neighbouring_cells(self.cell, reach / self.metres)

    def around(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Whether each cell or one of the eight around it is marked: (b, ...) bool."""
        beyond = np.zeros((1, *marked.shape[1:]), bool)
        table = neighbouring_cells(self.cell, TOUCHING)
        return np.concatenate([marked, beyond])[table].any(1) | marked


def gather_cells(centre: NDArray[np.int64], metres: int) -> Cells:
    """Gather units, given their centres in metres, by cells of so many metres."""
    cell, of_unit = distinct_cells(centre, metres)
    return Cells(of_unit, np.ones(len(cell), bool), metres, cell)
