"""Simulated annealing of blocks between two sides, in integers.

The goal is a sum of three parts, each a whole number of 2**-36ths:

- the patches of chosen blocks that have a block of the other side within reach, as a part of all
  patches that are to be chosen;
- the border: neighbouring blocks on different sides, weighted with the smaller one's patches;
- the squared deviations of all counts from their targets (see `Goal`).

A move changes the side of one block: it is kept if it lowers the goal, and otherwise with the
probability exp(-rise / temperature) [1]_. The logarithm of the random number is taken as linear between
powers of two and every random number is a raw output of PCG64, so a run gives the same on every machine.

References
----------
.. [1] S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Optimization by simulated annealing, Science 220,
   1983, https://doi.org/10.1126/science.220.4598.671
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.split.cells import Neighbours

__all__ = ["SCALE", "Goal", "Schedule", "anneal"]

SCALE = 2**18
"""Unit of a deviation; the square of it is the unit of the goal."""

_MOVES_AT_ONCE = 2000  # moves that are drawn together, at one temperature
_LN2 = 0.6931471805599453


@dataclass(frozen=True)
class Goal:
    """What is to be low.

    Attributes
    ----------
    deviations : (b, k) int64 array
        What each block adds to each deviation when it is chosen.
    start : (k,) int64 array
        Deviations when no block is chosen: minus the targets.
    exposure : (b,) int64 array
        Price of a chosen block with another within reach that is not.
    within_reach : list of lists
        Blocks within reach of each.
    border : (b, b) sparse, as lists of (block, int)
        Price of each pair of neighbours on different sides.
    """

    deviations: NDArray[np.int64]
    start: NDArray[np.int64]
    exposure: NDArray[np.int64]
    within_reach: Neighbours
    border: list[list[tuple[int, int]]]


@dataclass(frozen=True)
class Schedule:
    """How long and how hot.

    Attributes
    ----------
    moves : int
        How many moves are tried.
    hot, cold : float
        Temperature at the beginning and at the end, in units of the goal.
    anywhere : float
        Part of the moves that are drawn from all blocks; the others are from those at the border.
    """

    moves: int
    hot: float
    cold: float
    anywhere: float = 0.1


def anneal(
    goal: Goal, chosen: NDArray[np.bool_], schedule: Schedule, source: np.random.PCG64
) -> NDArray[np.bool_]:
    """Move blocks between the sides.

    Parameters
    ----------
    goal : Goal
    chosen : (b,) bool array
        Where to start.
    schedule : Schedule
    source : numpy.random.PCG64

    Returns
    -------
    (b,) bool array
    """
    state = _State(goal, chosen)
    rounds = -(-schedule.moves // _MOVES_AT_ONCE)
    step = (schedule.cold / schedule.hot) ** (1 / rounds)
    temperature = schedule.hot
    for _ in range(rounds):
        blocks, limits = _draw(state.movable(), len(chosen), schedule, temperature, source)
        state.move(blocks, limits)
        temperature *= round(step, 9)  # rounded: powers differ in the last place between machines
    return np.array(state.chosen, bool)


def _draw(
    movable: NDArray[np.int64],
    blocks: int,
    schedule: Schedule,
    temperature: float,
    source: np.random.PCG64,
) -> tuple[list[int], list[int]]:
    """Blocks to try, and by how much each may raise the goal."""
    raw = source.random_raw((2, _MOVES_AT_ONCE))
    high, low = raw >> np.uint64(32), raw & np.uint64(2**32 - 1)
    anywhere = (high[0] * np.uint64(blocks) >> np.uint64(32)).astype(np.int64)
    picked = anywhere
    if len(movable):
        at_border = movable[(high[0] * np.uint64(len(movable)) >> np.uint64(32)).astype(np.int64)]
        picked = np.where(low[0] < schedule.anywhere * 2**32, anywhere, at_border)
    mantissa, exponent = np.frexp((low[1] + np.uint64(1)).astype(np.float64) / 2**32)
    logarithm = (2 * (1 - mantissa) - exponent) * _LN2
    return picked.tolist(), (logarithm * temperature).astype(np.int64).tolist()


class _State:
    """Sides of the blocks and what follows from them."""

    def __init__(self, goal: Goal, chosen: NDArray[np.bool_]) -> None:
        self.goal = goal
        self.chosen: list[bool] = chosen.tolist()
        self.deviation = goal.start + goal.deviations[chosen].sum(0)
        self.rows = list(goal.deviations)
        self.squares: list[int] = (goal.deviations**2).sum(1).tolist()
        self.exposure: list[int] = goal.exposure.tolist()
        self.others = [
            sum(not self.chosen[near] for near in blocks) for blocks in goal.within_reach
        ]
        widest = max(map(len, goal.border), default=0)
        self.around = np.tile(np.arange(len(chosen))[:, np.newaxis], (1, widest + 1))
        for block, pairs in enumerate(goal.border):
            self.around[block, : len(pairs)] = [near for near, _ in pairs]
        self.alone = np.array([not pairs for pairs in goal.border], bool)

    def movable(self) -> NDArray[np.int64]:
        """Blocks with a neighbour on the other side, or without any neighbour."""
        chosen = np.array(self.chosen, bool)
        differs = (chosen[self.around] != chosen[:, np.newaxis]).any(1)
        return np.flatnonzero(differs | self.alone)

    def move(self, blocks: list[int], limits: list[int]) -> None:
        """Change the side of each block in turn if that raises the goal by no more than its limit."""
        chosen, others, exposure = self.chosen, self.others, self.exposure
        within_reach, border = self.goal.within_reach, self.goal.border
        deviation, rows, squares = self.deviation, self.rows, self.squares
        for block, limit in zip(blocks, limits, strict=True):
            row, here = rows[block], chosen[block]
            rise = squares[block]
            for near, price in border[block]:
                rise += price if chosen[near] == here else -price
            if here:
                rise -= 2 * int(row.dot(deviation))
                if others[block]:
                    rise -= exposure[block]
                for near in within_reach[block]:
                    if chosen[near] and not others[near]:
                        rise += exposure[near]
            else:
                rise += 2 * int(row.dot(deviation))
                if others[block]:
                    rise += exposure[block]
                for near in within_reach[block]:
                    if chosen[near] and others[near] == 1:
                        rise -= exposure[near]
            if rise > limit:
                continue
            chosen[block] = not here
            if here:
                deviation -= row
            else:
                deviation += row
            change = 1 if here else -1
            for near in within_reach[block]:
                others[near] += change
