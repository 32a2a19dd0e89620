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
.. [2] The method of multipliers: M. R. Hestenes, Multiplier and gradient methods, Journal of
   Optimization Theory and Applications 4, 1969, https://doi.org/10.1007/BF00927673
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.split.cells import Neighbours

__all__ = ["SCALE", "Goal", "Schedule", "anneal"]

SCALE = 2**18
"""Unit of a deviation; the square of it is the unit of the goal."""

_MOVES_AT_ONCE = 1000  # moves that are drawn together, at one temperature
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
    border : list of lists
        Neighbours of each block, each with the price if the two are on different sides.
    most_shift : (k,) int64 array
        By how much each target may be shifted (see `Schedule`).
    """

    deviations: NDArray[np.int64]
    start: NDArray[np.int64]
    exposure: NDArray[np.int64]
    within_reach: Neighbours
    border: list[list[tuple[int, int]]]
    most_shift: NDArray[np.int64]


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
    patience : int, optional
        Targets shift against the deviations that remain, after each thousand moves by this part of
        them: slack weights then suffice for a good balance, and blocks stay free to move [2]_.
    """

    moves: int
    hot: float
    cold: float
    anywhere: float = 0.1
    patience: int | None = None


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
        if schedule.patience:
            state.shift_targets(schedule.patience)
        temperature *= round(step, 9)  # rounded: powers differ in the last place between machines
    return np.frombuffer(state.chosen, np.uint8)[:-1] == 1


def _draw(
    movable: NDArray[np.int64],
    blocks: int,
    schedule: Schedule,
    temperature: float,
    source: np.random.PCG64,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
    return picked, (logarithm * temperature).astype(np.int64)


class _State:
    """Sides of the blocks and what follows from them.

    The sides and the numbers of others within reach are kept in bytes that NumPy sees too: single moves
    are quicker on the bytes, many at once in NumPy.
    """

    def __init__(self, goal: Goal, chosen: NDArray[np.bool_]) -> None:
        blocks = len(chosen)
        self.goal = goal
        self.chosen = bytearray(chosen.astype(np.uint8).tobytes() + b"\0")
        self.near = _padded(goal.within_reach, blocks)
        self.beside = _padded([[near for near, _ in pairs] for pairs in goal.border], blocks)
        self.prices = _padded([[price for _, price in pairs] for pairs in goal.border], 0)
        others = (np.append(chosen, True)[self.near] == 0).sum(1)
        self.others = bytearray(others.astype(np.uint8).tobytes() + b"\0")
        self.exposure = np.append(goal.exposure, 0)
        self.squares = (goal.deviations**2).sum(1)
        self.deviation = goal.start + goal.deviations[chosen].sum(0)
        self.shift = np.zeros_like(self.deviation)
        self.squares_of_blocks: list[int] = self.squares.tolist()
        self.prices_of_exposure: list[int] = self.exposure.tolist()
        self.rows = list(goal.deviations)
        self.alone = np.array([not pairs for pairs in goal.border], bool)

    def shift_targets(self, patience: int) -> None:
        """Shift the targets against what deviates from the true ones."""
        most = self.goal.most_shift
        shift = self.shift + (self.deviation - self.shift) // patience
        shift = np.clip(shift, -most, most)
        self.deviation += shift - self.shift
        self.shift = shift

    def movable(self) -> NDArray[np.int64]:
        """Blocks with a neighbour on the other side, or without any neighbour."""
        chosen = np.frombuffer(self.chosen, np.uint8)
        differs = (chosen[self.beside] != chosen[:-1, np.newaxis]) & (self.prices > 0)
        return np.flatnonzero(differs.any(1) | self.alone)

    def rises(self, blocks: NDArray[np.int64]) -> NDArray[np.int64]:
        """By how much the goal rises if one of the blocks changes its side, for each: (n,) int64."""
        chosen, others = np.frombuffer(self.chosen, np.uint8), np.frombuffer(self.others, np.uint8)
        here = chosen[blocks]
        sign = 1 - 2 * here.astype(np.int64)
        same = chosen[self.beside[blocks]] == here[:, np.newaxis]
        prices = self.prices[blocks]
        rise = self.squares[blocks] + np.where(same, prices, -prices).sum(1)
        near = self.near[blocks]
        turns = (chosen[near] == 1) & (others[near] == 1 - here[:, np.newaxis])
        exposed = self.exposure[blocks] * (others[blocks] > 0)
        exposed -= (self.exposure[near] * turns).sum(1)
        return rise + sign * (2 * (self.goal.deviations[blocks] @ self.deviation) + exposed)

    def move(self, blocks: NDArray[np.int64], limits: NDArray[np.int64]) -> None:
        """Change the side of each block in turn if that raises the goal by no more than its limit.

        Moves that are refused as things stand at first are not tried again.
        """
        likely = self.rises(blocks) <= limits
        for block, limit in zip(blocks[likely].tolist(), limits[likely].tolist(), strict=True):
            if self._rise(block) <= limit:
                self._change(block)

    def _rise(self, block: int) -> int:
        """As `rises`, of one block."""
        chosen, others, exposure = self.chosen, self.others, self.prices_of_exposure
        here = chosen[block]
        turning = 1 - here
        exposed = exposure[block] if others[block] else 0
        for near in self.goal.within_reach[block]:
            if others[near] == turning and chosen[near]:
                exposed -= exposure[near]
        exposed += 2 * int(self.rows[block].dot(self.deviation))
        rise = self.squares_of_blocks[block] + (-exposed if here else exposed)
        for near, price in self.goal.border[block]:
            rise += price if chosen[near] == here else -price
        return rise

    def _change(self, block: int) -> None:
        others, here = self.others, self.chosen[block]
        self.chosen[block] = 1 - here
        change = 1 if here else -1
        for near in self.goal.within_reach[block]:
            others[near] += change
        if here:
            self.deviation -= self.rows[block]
        else:
            self.deviation += self.rows[block]


def _padded(rows: Sequence[Sequence[int]], filler: int) -> NDArray[np.int64]:
    """Rows of different lengths as a table, at least one column wide."""
    table = np.full((len(rows), max(map(len, rows), default=0) or 1), filler)
    for number, row in enumerate(rows):
        table[number, : len(row)] = row
    return table
