"""The order of points along a Hilbert curve, in which what lies near is near in a file.

D. Hilbert, Über die stetige Abbildung einer Linie auf ein Flächenstück, 1891,
https://doi.org/10.1007/BF01199431
"""

import numpy as np
from numpy.typing import NDArray

_BITS = 16


def hilbert_order(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices that sort points along the curve: (n,) int64, of (n, 2) float64.

    The curve fills the box of the points with 65,536 x 65,536 cells; points of one cell keep their
    order.
    """
    if not len(points):
        return np.zeros(0, np.int64)
    least = points.min(0)
    extent = points.max(0) - least
    cells = (points - least) / np.where(extent > 0, extent, 1) * (2**_BITS - 1)
    return np.argsort(hilbert_positions(cells.astype(np.int64), _BITS), kind="stable")


def hilbert_positions(cells: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Places along the curve of cells, (n, 2) int64 from 0 to 2**bits - 1: (n,) int64.

    Cells that follow each other share an edge.

    Examples
    --------
    >>> hilbert_positions(np.array([[0, 0], [0, 1], [1, 1], [1, 0]]), 1).tolist()
    [0, 1, 2, 3]
    """
    x, y = cells.T
    place = np.zeros(len(cells), np.int64)
    for bit in reversed(range(bits)):
        right, upper = x >> bit & 1, y >> bit & 1
        place += (3 * right ^ upper) << 2 * bit
        turned = upper == 0
        mirrored = turned & (right == 1)
        x, y = np.where(mirrored, ~x, x), np.where(mirrored, ~y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return place
