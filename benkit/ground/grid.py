"""Cells of a square grid, neighbouring cells and points, and connected components.

A cell is named by its column and row; it holds the points from its lower left corner up to, but not
including, its upper and right edges. Everything here is exact as long as coordinates are.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integer = TypeVar("Integer", bound=np.integer)

Pairs = NDArray[np.int64]
"""Indices of the two members of each pair: (m, 2) int64 array."""

TOUCHING = 1.5
"""Reach in cells of the eight that share an edge or a corner with one."""

_HALF_AROUND = ((0, 1), (1, -1), (1, 0), (1, 1))  # of the eight: each pair of cells is met once


def sorted_unique(values: NDArray[Integer]) -> NDArray[Integer]:
    """The values that occur, sorted; np.unique hashes them, which is slower where they are in order."""
    ordered = np.sort(values, kind="stable")
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def distinct_cells(points: NDArray, size: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells, with sides of the given size, that hold (n, 2) points.

    Returns
    -------
    (c, 2) int64 array
        Column and row of each cell, in ascending order.
    (n,) int64 array
        Index of the cell of each point.

    Examples
    --------
    >>> cells, of_point = distinct_cells(np.array([[12, 0], [-1, 5], [19, 9]]), 10)
    >>> cells.tolist(), of_point.tolist()
    ([[-1, 0], [1, 0]], [1, 0, 1])
    """
    cells, order, ranked = _points_by_cell(points, size)
    of_point = np.empty(len(points), np.int64)
    of_point[order] = ranked
    return cells, of_point


def _points_by_cell(
    points: NDArray, size: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The cells that hold points, an order of the points by cell, and the cell of each in that order.

    Points come near others of their cells in most tables; a stable sort makes use of that.
    """
    keys, least, height = _keys((points // size).astype(np.int64), 0)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(points)]
    cells = np.stack(np.divmod(ordered[first], height), axis=1) + least
    return cells, order, np.cumsum(first) - 1


def neighbouring_cells(cells: NDArray[np.int64], reach: float) -> NDArray[np.int64]:
    """Other cells whose centres are at most ``reach`` sides of a cell from that of each cell.

    Parameters
    ----------
    cells : (c, 2) int64 array
        Column and row, in ascending order, each once.

    Returns
    -------
    (c, m) int64 array
        Indices in ascending order; c where a cell has fewer than m such neighbours.

    Examples
    --------
    >>> neighbouring_cells(np.array([[0, 0], [0, 1], [1, 2]]), TOUCHING)[:, :2].tolist()
    [[1, 3], [0, 2], [1, 3]]
    """
    near = range(-int(reach), int(reach) + 1)
    steps = [(a, b) for a in near for b in near if 0 < a * a + b * b <= reach**2]
    return np.sort(_cells_at(cells, steps), axis=1)


def near_pairs(points: NDArray, reach: float) -> Pairs:
    """Pairs of (n, 2) points that are nearer than a reach along both axes, each once, in no order.

    Examples
    --------
    >>> near_pairs(np.array([[0, 0], [9, 0], [3, 4]]), 6).tolist()
    [[0, 2]]
    """
    order, ranges = _partners(points, reach)
    x, y = points.T
    found = []
    for start, count in ranges():
        rank, partner = expand_ranges(start, count)
        first, second = order[rank], order[partner]
        near = np.maximum(np.abs(x[first] - x[second]), np.abs(y[first] - y[second])) < reach
        found.append(np.stack([first[near], second[near]], axis=1))
    return np.concatenate(found)


def pairs_of_touching_cells(
    points: NDArray, size: float, most: int, generator: np.random.Generator
) -> tuple[Pairs, bool]:
    """Pairs of (n, 2) points in one cell or in two that touch, in no order.

    Returns
    -------
    (m, 2) int64 array
        Each pair once; if there are more than ``most``, so many drawn at random with replacement.
    bool
        Whether they were drawn.
    """
    cells, order, cell = _points_by_cell(points, size)
    count = np.bincount(cell, minlength=len(cells) + 1)
    start = np.cumsum(count) - count
    beside = _cells_at(cells, _HALF_AROUND)
    # pairs are numbered: those within cells, then those with each neighbour, by cell, first, second
    of_step = [count * (count - 1) // 2, *(np.append(count[:-1] * count[to], 0) for to in beside.T)]
    before = np.cumsum([0, *map(np.sum, of_step)])
    total = int(before[-1])
    drawn = total > most
    wanted = np.sort(generator.integers(0, total, size=most)) if drawn else np.arange(total)
    found = []
    for step, pairs in enumerate(of_step):
        low, high = np.searchsorted(wanted, before[step : step + 2])
        number = wanted[low:high] - before[step]
        end = np.cumsum(pairs)
        cell = np.searchsorted(end, number, "right")
        number = number - (end - pairs)[cell]
        if step:
            other = beside[cell, step - 1]
            first, second = np.divmod(number, count[other])
            second += start[other]
        else:
            first, second = _of_triangle(number, count[cell])
            second += start[cell]
        found.append(np.stack([order[start[cell] + first], order[second]], axis=1))
    return np.concatenate(found), drawn


def _of_triangle(
    number: NDArray[np.int64], count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and second of a pair of so many, given its number: (0, 1), (0, 2), ..., (1, 2), ..."""
    left = count * (count - 1) // 2 - 1 - number  # pairs after it, which a triangle of rows holds
    row = ((np.sqrt(8.0 * left + 1) - 1) / 2).astype(np.int64)
    row -= row * (row + 1) // 2 > left  # where the square root was rounded
    row += (row + 1) * (row + 2) // 2 <= left
    return count - 2 - row, count - 1 - (left - row * (row + 1) // 2)


def connected_components(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """The connected component of each of ``count`` nodes, given the edges: (count,) int64 array.

    Components are counted from 0 in the order of their first nodes.

    Examples
    --------
    >>> connected_components(5, np.array([[3, 1], [4, 3]])).tolist()
    [0, 1, 2, 1, 1]
    """
    first, second = pairs[:, 0], pairs[:, 1]
    root = np.arange(count)
    while True:  # each turn hangs every component under its least root, then shortens the paths
        least = np.minimum(root[first], root[second])
        before = root.copy()
        np.minimum.at(root, before[first], least)
        np.minimum.at(root, before[second], least)
        while not np.array_equal(root, shorter := root[root]):
            root = shorter
        if np.array_equal(root, before):
            break
    components = np.unique(root, return_inverse=True)[1].astype(np.int64)
    assert np.array_equal(components[first], components[second]), (
        "both ends of an edge are in one component"
    )
    return components


def expand_ranges(
    start: NDArray[np.int64] | int, count: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All numbers of some ranges, one after the other: the index of each one's range, and the numbers.

    Examples
    --------
    >>> [part.tolist() for part in expand_ranges(np.array([5, 0, 8]), np.array([2, 0, 3]))]
    [[0, 0, 2, 2, 2], [5, 6, 8, 9, 10]]
    """
    before = np.cumsum(count) - count
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) + (start - before)[which]


Ranges = Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Where ranges begin, and how many numbers they hold."""


def _partners(points: NDArray, size: float) -> tuple[NDArray[np.int64], Callable[[], Ranges]]:
    """An order of (n, 2) points in which the partners of each are five ranges, and what gives these for
    all points, one after the other.

    Partners are points of the same cell (the first range) and of those that touch it; each pair is met
    once.
    """
    cells, order, cell = _points_by_cell(points, size)
    count = np.bincount(cell, minlength=len(cells) + 1)
    end = np.cumsum(count)
    rank = np.arange(len(points))
    beside = _cells_at(cells, _HALF_AROUND).T

    def ranges() -> Ranges:
        yield rank + 1, end[cell] - rank - 1
        for other in beside:
            yield (end - count)[other][cell], count[other][cell]

    return order, ranges


def _cells_at(cells: NDArray[np.int64], steps: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Index of the cell at each step from each cell, the number of all where there is none: (c, s)."""
    keys, _, height = _keys(cells, max((abs(by) for step in steps for by in step), default=0))
    wanted = keys[:, np.newaxis] + np.array([a * height + b for a, b in steps], np.int64)
    found = np.searchsorted(keys, wanted)
    found[np.append(keys, -1)[found] != wanted] = len(cells)
    return found


def _keys(
    cells: NDArray[np.int64], margin: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """One number a cell, in the order of cells; the least column and row, and the factor of columns.

    With a margin, a step of so many rows out of a column never leads to a cell of the next one.
    """
    least = cells.min(0) if len(cells) else np.zeros(2, np.int64)
    column, row = (cells - least).T
    height = int(row.max(initial=0)) + 1 + margin
    assert (int(column.max(initial=0)) + 1) * height < 2**62, "numbers of cells fit 64 bits"
    return column * height + row, least, height
