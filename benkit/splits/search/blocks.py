"""Blocks: what a search moves from side to side, one or many units at a time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Blocks(ABC):
    """Sets of units, and which are near.

    Attributes
    ----------
    of_unit : (u,) int64 array
        Block of each unit; -1 for a unit that is in none.
    movable : (b,) bool array
        Blocks that may go to another side.
    """

    of_unit: NDArray[np.int64]
    movable: NDArray[np.bool_]

    @abstractmethod
    def __len__(self) -> int:
        """Number of blocks."""

    @abstractmethod
    def neighbours(self, reach: float) -> NDArray[np.int64]:
        """Other blocks within ``reach`` metres of each, in ascending order: (b, m) int64 array.

        Where a block has fewer than m neighbours, the number of all blocks.
        """

    def total(self, values: NDArray[np.signedinteger]) -> NDArray[np.int64]:
        """Sums over the units of each block: (b, ...) int64."""
        moved = self.of_unit >= 0
        of_unit, some = self.of_unit[moved], values if moved.all() else values[moved]
        columns = np.atleast_2d(some.T)
        sums = [np.bincount(of_unit, column, len(self)) for column in columns]
        exact = np.stack(sums, axis=-1).astype(np.int64)  # sums of whole numbers below 2^53 are
        return exact if values.ndim > 1 else exact[:, 0]

    def sides(self, side: NDArray[np.uint8], patches: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The side of most patches of each block, given those of the units: (b,) uint8."""
        counts = self.total(patches[:, np.newaxis] * (side[:, np.newaxis] == range(side.max() + 1)))
        return counts.argmax(1).astype(np.uint8)

    def spread(self, found: NDArray[np.uint8], side: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The sides of the units, given those of the blocks and the former ones: (u,) uint8."""
        return np.where(self.of_unit >= 0, np.append(found, 0)[self.of_unit], side).astype(np.uint8)
