"""Simulated annealing of blocks between sides, in integers.

The objective is a sum of three parts:

- exposure: the patches of blocks that have a block of another side within reach;
- the border: neighbouring blocks on different sides, weighted with the smaller one's patches;
- the squared deviations of all counts of each side from their targets.

A move puts one block on another side: it is kept if it lowers the objective, and otherwise with the
probability exp(-rise / temperature) [1]_. The objective is a whole number, the logarithm of the random
number is taken as linear between powers of two and every random number is a raw output of PCG64, so that
a run gives the same on every machine.

References
----------
.. [1] S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Optimization by simulated annealing, Science 220,
   1983, https://doi.org/10.1126/science.220.4598.671
.. [2] The method of multipliers: M. R. Hestenes, Multiplier and gradient methods, Journal of
   Optimization Theory and Applications 4, 1969, https://doi.org/10.1007/BF00927673
"""

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 2**20
"""Unit of a deviation; the square of it is the unit of the objective."""

_LEAST_AT_ONCE = 1000  # moves that are drawn together, at one temperature
_BLOCKS_PER_MOVE = 10  # of those: finding the border anew takes time that grows with the blocks
_LN2 = 0.6931471805599453
_NO_SIDE = 255


@dataclass(frozen=True)
class Objective:
    """The objective to minimise.

    Attributes
    ----------
    amounts : (b, k) int64 array
        What each block adds to each count of its side.
    targets : (s, k) int64 array
        Counts wanted of each side.
    weights : (s,) int64 array
        Weight of the squared deviations of each side.
    exposure : (b,) int64 array
        Price of a block with one of another side within reach, ...
    prices : (s,) int64 array
        ... times the price of the side that it is on.
    within_reach : (b, m) int64 array
        Blocks within reach of each; b where there are fewer. A block without any is never exposed.
    beside : (b, n) int64 array
        Neighbours of each block in ascending order; b where there are fewer.
    border : (b, n) int64 array
        Price if a block and its neighbour are on different sides; 0 where there is none.
    movable : (b,) bool array
        Blocks that may go to another side.
    most_shift : (s, k) int64 array
        By how much each target may be shifted (see `Schedule`).
    """

    amounts: NDArray[np.int64]
    targets: NDArray[np.int64]
    weights: NDArray[np.int64]
    exposure: NDArray[np.int64]
    prices: NDArray[np.int64]
    within_reach: NDArray[np.int64]
    beside: NDArray[np.int64]
    border: NDArray[np.int64]
    movable: NDArray[np.bool_]
    most_shift: NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """Number of moves and temperatures of an annealing run.

    Attributes
    ----------
    moves : int
        How many moves are tried.
    hot, cold : float
        Temperature at the beginning and at the end, in units of the objective.
    patience : int
        Targets shift against the deviations that remain, after each round of moves by this part of
        them: slack weights then suffice for a good balance, and blocks stay free to move [2]_.
    anywhere : float
        Part of the moves that are drawn from all blocks; the others are from those at the border.
    """

    moves: int
    hot: float
    cold: float
    patience: int
    anywhere: float = 0.1


def anneal(
    objective: Objective, side: NDArray[np.uint8], schedule: Schedule, source: np.random.PCG64
) -> NDArray[np.uint8]:
    """Move blocks between the sides, from the number of each one's side at first: (b,) uint8 array."""
    state = AnnealingState(objective, side)
    at_once = max(_LEAST_AT_ONCE, len(side) // _BLOCKS_PER_MOVE)
    rounds = -(-schedule.moves // at_once)
    step = (schedule.cold / schedule.hot) ** (1 / rounds)
    temperature = schedule.hot
    for _ in range(rounds):
        raw = source.random_raw((3, at_once))
        state.move(*state.draw(raw[:2], schedule.anywhere), _limits(raw[2], temperature))
        state.shift_targets(schedule.patience)
        temperature *= round(step, 9)  # rounded: powers differ in the last place between machines
    return np.frombuffer(state.side, np.uint8)[:-1]


def _limits(raw: NDArray[np.uint64], temperature: float) -> NDArray[np.int64]:
    """By how much each move may raise the objective: -log(random number) * temperature."""
    mantissa, exponent = np.frexp(
        ((raw >> np.uint64(32)) + np.uint64(1)).astype(np.float64) / 2**32
    )
    logarithm = (2 * (1 - mantissa) - exponent) * _LN2
    return (logarithm * temperature).astype(np.int64)


class AnnealingState:
    """Sides of the blocks and what follows from them.

    The sides and the numbers of others within reach are kept in buffers that NumPy sees too: single
    moves are quicker on the buffers, many at once in NumPy.
    """

    def __init__(self, objective: Objective, side: NDArray[np.uint8]) -> None:
        blocks, self.sides = len(side), len(objective.targets)
        self.objective = objective
        self.side = bytearray(side.astype(np.uint8).tobytes() + bytes([_NO_SIDE]))
        self.reached = (objective.within_reach < blocks).sum(1)
        self.degrees = self.reached.tolist()
        same = np.frombuffer(self.side, np.uint8)[objective.within_reach] == side[:, np.newaxis]
        self.others = array("i", (*(self.reached - same.sum(1)).tolist(), 0))
        self.exposure = np.append(objective.exposure * (self.reached > 0), 0)
        self.squares = (objective.amounts**2).sum(1)
        self.deviation = -objective.targets
        np.add.at(self.deviation, side, objective.amounts)
        self.shift = np.zeros_like(self.deviation)
        self.rows = list(objective.amounts)
        self.lists = [
            values.tolist()
            for values in (self.exposure, self.squares, objective.prices, objective.weights)
        ]
        self.near = objective.within_reach.tolist()
        self.neighbours = [
            list(zip(near, prices, strict=True))
            for near, prices in zip(
                objective.beside.tolist(), objective.border.tolist(), strict=True
            )
        ]
        self.beside = (objective.beside < blocks).sum(1)
        self.movable = np.flatnonzero(objective.movable)

    def shift_targets(self, patience: int) -> None:
        """Shift the targets against what deviates from the true ones."""
        most = self.objective.most_shift
        shift = self.shift + (self.deviation - self.shift) // patience
        shift = np.clip(shift, -most, most)
        self.deviation += shift - self.shift
        self.shift = shift

    def draw(
        self, raw: NDArray[np.uint64], anywhere: float
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Blocks to move, and the side that each is to go to: that of a neighbour, or any other."""
        side = np.frombuffer(self.side, np.uint8)
        high, low = raw >> np.uint64(32), raw & np.uint64(2**32 - 1)
        blocks = self.movable[_below(high[0], len(self.movable))]
        border = self._border(side)
        if len(border):
            at_border = border[_below(high[0], len(border))]
            blocks = np.where(low[0] < anywhere * 2**32, blocks, at_border)
        here = side[blocks]
        other = (here + 1 + _below(low[1], self.sides - 1)) % self.sides
        neighbour = self.objective.beside[blocks, _below(high[1], self.beside[blocks])]
        beside = side[neighbour]
        return blocks, np.where((beside == here) | (beside == _NO_SIDE), other, beside)

    def _border(self, side: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Movable blocks with a neighbour on another side, or without any neighbour."""
        differs = (side[self.objective.beside] != side[:-1, np.newaxis]) & (
            self.objective.border > 0
        )
        return np.flatnonzero((differs.any(1) | (self.beside == 0)) & self.objective.movable)

    def rises(self, blocks: NDArray[np.int64], to: NDArray[np.uint8]) -> NDArray[np.int64]:
        """By how much the objective rises when one of the blocks goes to another side."""
        objective = self.objective
        side, others = np.frombuffer(self.side, np.uint8), np.frombuffer(self.others, np.int32)
        here, there = side[blocks][:, np.newaxis], to[:, np.newaxis]
        old, new = objective.prices[here[:, 0]], objective.prices[to]
        near = objective.within_reach[blocks]
        sides, differing, exposure = side[near], others[near], self.exposure[near]
        becomes = (sides == here) & (differing == 0)
        ceases = (sides == there) & (differing == 1)
        rise = (exposure * becomes).sum(1) * old - (exposure * ceases).sum(1) * new
        left = self.reached[blocks] - (sides == there).sum(1)
        rise += self.exposure[blocks] * (new * (left > 0) - old * (others[blocks] > 0))
        beside, border = side[objective.beside[blocks]], objective.border[blocks]
        rise += (border * (beside == here)).sum(1) - (border * (beside == there)).sum(1)
        weighted = objective.weights[:, np.newaxis] * self.deviation
        change = 2 * (objective.amounts[blocks] * (weighted[to] - weighted[here[:, 0]])).sum(1)
        return (
            rise
            + change
            + self.squares[blocks] * (objective.weights[to] + objective.weights[here[:, 0]])
        )

    def move(
        self, blocks: NDArray[np.int64], to: NDArray[np.uint8], limits: NDArray[np.int64]
    ) -> None:
        """Put each block in turn on its new side if that raises the objective by no more than its limit.

        Moves that are refused as things stand at first are not tried again.
        """
        likely = self.rises(blocks, to) <= limits
        tried = (values[likely].tolist() for values in (blocks, to, limits))
        for block, there, limit in zip(*tried, strict=True):
            if self.side[block] != there and self.rise(block, there) <= limit:
                self.put(block, there)

    def rise(self, block: int, there: int) -> int:
        """As `rises`, of one block."""
        side, others = self.side, self.others
        exposure, squares, prices, weights = self.lists
        here = side[block]
        becomes = ceases = 0
        left = self.degrees[block]
        for near in self.near[block]:
            if side[near] == here:
                if not others[near]:
                    becomes += exposure[near]
            elif side[near] == there:
                left -= 1
                if others[near] == 1:
                    ceases += exposure[near]
        if left:
            ceases -= exposure[block]
        if others[block]:
            becomes -= exposure[block]
        rise = becomes * prices[here] - ceases * prices[there]
        for near, price in self.neighbours[block]:
            if side[near] == here:
                rise += price
            elif side[near] == there:
                rise -= price
        for number, sign in ((there, 2), (here, -2)):
            if weights[number]:
                change = sign * int(self.rows[block].dot(self.deviation[number])) + squares[block]
                rise += weights[number] * change
        return rise

    def put(self, block: int, there: int) -> None:
        """Put a block on another side."""
        side, others, here = self.side, self.others, self.side[block]
        differing = self.degrees[block]
        for near in self.near[block]:
            if side[near] == here:
                others[near] += 1
            elif side[near] == there:
                others[near] -= 1
                differing -= 1
        others[block] = differing
        side[block] = there
        self.deviation[here] -= self.rows[block]
        self.deviation[there] += self.rows[block]


def _below(raw: NDArray[np.uint64], limit: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Random whole numbers below a limit (0 if it is 0), from ones of 32 bits."""
    return (raw * np.asarray(limit, np.uint64) >> np.uint64(32)).astype(np.int64)
