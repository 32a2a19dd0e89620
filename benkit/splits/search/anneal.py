"""Simulated annealing of blocks between sides, many moves at a time, the same on every machine.

The objective is a sum of three parts:

- exposure: the patches of blocks that have a block of another side within reach;
- the border: neighbouring blocks on different sides, weighted with the smaller one's patches;
- the squared deviations of all counts of each side from their targets.

A move puts one block on another side: it is made if it lowers the objective, and otherwise with the
probability exp(-rise / temperature) [1]_. Many moves are drawn and judged together: of those whose
blocks have a neighbour in common only the first is made, so that it was judged rightly; and as each
changes the deviations, each is judged with all earlier ones made.

Counts are whole numbers, and so small that float64 holds their products and sums exactly, in whatever
order BLAS adds them; the logarithm of the random number is taken as linear between powers of two, and
every random number is a raw output of PCG64. So a run gives the same on every machine.

References
----------
.. [1] S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Optimization by simulated annealing, Science 220,
   1983, https://doi.org/10.1126/science.220.4598.671
.. [2] The method of multipliers: M. R. Hestenes, Multiplier and gradient methods, Journal of
   Optimization Theory and Applications 4, 1969, https://doi.org/10.1007/BF00927673
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 2**20
"""Unit of a deviation; the square of it is the unit of the objective."""

_BLOCKS_PER_MOVE = 4  # fewer moves at a time are slower, more are refused as they meet
_LEAST_AT_ONCE, _MOST_AT_ONCE = 8, 8192
_ROUND = 1000  # moves between two shifts of the targets, at least
_TOGETHER = 48  # moves that are judged by products of every two; of earlier ones the sum is enough
_WITHOUT_THREADS = 2**17  # multiplications that BLAS does in the thread that asks for them
_LN2 = 0.6931471805599453
_NO_SIDE = 255
_EXACT = 2.0**53


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
        Neighbours of each block in ascending order, within its reach too; b where there are fewer.
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
) -> tuple[NDArray[np.uint8], int]:
    """Move blocks between the sides, from the number of each one's side at first.

    Returns
    -------
    side : (b,) uint8 array
    value : int
        The objective that they have.
    """
    state = AnnealingState(objective, side)
    at_once = min(max(_LEAST_AT_ONCE, len(side) // _BLOCKS_PER_MOVE), _MOST_AT_ONCE)
    steps = -(-schedule.moves // at_once)
    step = (schedule.cold / schedule.hot) ** (1 / steps)
    temperature = schedule.hot
    patience = schedule.patience * max(1, _ROUND // at_once)
    for _ in range(steps):
        raw = source.random_raw((3, at_once))
        state.move(*state.draw(raw[:2], schedule.anywhere), random_limits(raw[2], temperature))
        state.shift_targets(patience)
        temperature *= round(step, 9)  # rounded: powers differ in the last place between machines
    return state.side[:-1], value(objective, state.side[:-1])


def value(objective: Objective, side: NDArray[np.uint8]) -> int:
    """The objective that sides have."""
    squares = (deviations(objective, side) ** 2).sum(1)
    return int(local_prices(objective, side).sum() + (squares * objective.weights).sum())


def exposed(objective: Objective, side: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Blocks that have one of another side within reach: (b,) bool."""
    differs = np.append(side, _NO_SIDE)[objective.within_reach] != side[:, np.newaxis]
    return np.asarray((differs & (objective.within_reach < len(side))).any(1))


def local_prices(objective: Objective, side: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What each block costs by its exposure and half its border: (b,) float64, multiples of a half."""
    price = exposed(objective, side) * objective.exposure * objective.prices[side]
    differs = np.append(side, _NO_SIDE)[objective.beside] != side[:, np.newaxis]
    return np.asarray(price + (differs * objective.border).sum(1) / 2)


def deviations(objective: Objective, side: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Counts of each side minus its targets: (s, k) int64."""
    deviation = -objective.targets
    np.add.at(deviation, side, objective.amounts)
    return deviation


def random_limits(
    raw: NDArray[np.uint64], temperature: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much each move may raise the objective: -log(random number) * temperature."""
    mantissa, exponent = np.frexp(
        ((raw >> np.uint64(32)) + np.uint64(1)).astype(np.float64) / 2**32
    )
    return np.floor((2 * (1 - mantissa) - exponent) * _LN2 * temperature)


class AnnealingState:
    """Sides of the blocks, and what follows from them.

    Arrays of neighbours are (m, b) here: sums over few neighbours of many blocks are quick so.
    """

    def __init__(self, objective: Objective, side: NDArray[np.uint8]) -> None:
        blocks, self.sides = len(side), len(objective.targets)
        assert objective.amounts.sum(0).astype(np.float64) @ objective.amounts.sum(0) < _EXACT, (
            "products of counts are exact in float64"
        )
        self.objective = objective
        self.side = np.append(side, _NO_SIDE).astype(np.uint8)
        self.near = np.ascontiguousarray(objective.within_reach.T)
        self.reached = (self.near < blocks).sum(0)
        same = self.side[self.near] == side
        self.others = np.append(self.reached - same.sum(0), 0)
        self.exposure = np.append(objective.exposure * (self.reached > 0), 0)
        self.beside = np.ascontiguousarray(objective.beside.T)
        self.degree = (self.beside < blocks).sum(0)
        self.border = np.ascontiguousarray(objective.border.T)
        self.amounts = objective.amounts.astype(np.float64)
        self.squares = (self.amounts**2).sum(1)
        self.deviation = deviations(objective, side).astype(np.float64)
        self.shift = np.zeros_like(self.deviation)
        self.weights = objective.weights.astype(np.float64)
        self.movable = np.flatnonzero(objective.movable)
        self.first_move = np.zeros(blocks + 1, np.int64)

    def shift_targets(self, patience: int) -> None:
        """Shift the targets against what deviates from the true ones."""
        most = self.objective.most_shift
        shift = self.shift + np.floor((self.deviation - self.shift) / patience)
        shift = np.clip(shift, -most, most)
        self.deviation += shift - self.shift
        self.shift = shift

    def draw(
        self, raw: NDArray[np.uint64], anywhere: float
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Blocks to move, and the side that each is to go to: that of a neighbour, or any other."""
        high, low = raw >> np.uint64(32), raw & np.uint64(2**32 - 1)
        blocks = self.movable[below(high[0], len(self.movable))]
        border = self._at_border()
        if len(border):
            at_border = border[below(high[0], len(border))]
            blocks = np.where(low[0] < anywhere * 2**32, blocks, at_border)
        here = self.side[blocks]
        other = (here + 1 + below(low[1], self.sides - 1)) % self.sides
        neighbour = self.beside[below(high[1], self.degree[blocks]), blocks]
        beside = self.side[neighbour]
        to = np.where((beside == here) | (beside == _NO_SIDE), other, beside)
        return blocks, to.astype(np.uint8)

    def _at_border(self) -> NDArray[np.int64]:
        """Movable blocks with a neighbour on another side, or without any neighbour."""
        differs = (self.side[self.beside] != self.side[:-1]) & (self.border > 0)
        return np.flatnonzero((differs.any(0) | (self.degree == 0)) & self.objective.movable)

    def rises(self, blocks: NDArray[np.int64], to: NDArray[np.uint8]) -> NDArray[np.float64]:
        """By how much the objective rises when one of the blocks goes to another side."""
        prices, here = self.objective.prices, self.side[blocks]
        old, new = prices[here], prices[to]
        near = self.near.take(blocks, 1)  # quicker than with an index
        sides, differing, exposure = self.side[near], self.others[near], self.exposure[near]
        becomes = old * ((sides == here) & (differing == 0))
        ceases = new * ((sides == to) & (differing == 1))
        left = self.reached[blocks] > (sides == to).sum(0)
        itself = self.exposure[blocks] * (new * left - old * (self.others[blocks] > 0))
        beside, border = self.side[self.beside.take(blocks, 1)], self.border.take(blocks, 1)
        longer = (beside == here).view(np.int8) - (beside == to).view(np.int8)
        pull = self.amounts.take(blocks, 0) @ (2 * self.weights * self.deviation.T)
        move = np.arange(len(blocks))
        return (
            ((exposure * (becomes - ceases)).sum(0) + itself + (border * longer).sum(0))
            + (pull[move, to] - pull[move, here])
            + self.squares[blocks] * (self.weights[to] + self.weights[here])
        )

    def move(
        self, blocks: NDArray[np.int64], to: NDArray[np.uint8], limits: NDArray[np.float64]
    ) -> None:
        """Put blocks on their new sides where that raises the objective by no more than its limit.

        A move that meets an earlier one, or is refused as things stand at first, is not tried again.
        """
        room = limits - self.rises(blocks, to)
        likely = np.flatnonzero((room >= 0) & (to != self.side[blocks]))
        likely = likely[self._apart(blocks[likely])]
        made = likely[self._within(room[likely], blocks[likely], to[likely])]
        self.put(blocks[made], to[made])

    def _apart(self, blocks: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Blocks of which no earlier one, and none within reach of that, is within reach."""
        own = np.concatenate([blocks[np.newaxis], self.near[:, blocks]])
        number = np.arange(len(blocks))
        # Of several values for one block the last is kept: that of the first move.
        self.first_move[own[:, ::-1].T.ravel()] = np.repeat(number[::-1], len(own))
        return ((self.first_move[own] == number) | (own == len(self.side) - 1)).all(0)

    def _within(
        self, room: NDArray[np.float64], blocks: NDArray[np.int64], to: NDArray[np.uint8]
    ) -> list[int]:
        """Moves that stay within their limits when the earlier ones of them are made."""
        sign, amounts = self._signs(blocks, to), self.amounts[blocks]
        change = np.zeros_like(self.deviation)
        made: list[int] = []
        for start in range(0, len(blocks), _TOGETHER):
            some = slice(start, start + _TOGETHER)
            weighted, mine, first = 2 * sign[some] * self.weights, amounts[some], len(made)
            left = room[some] - (weighted * (mine @ change.T)).sum(1)
            for move, of_others in enumerate((weighted @ sign[some].T) * _products(mine)):
                if left[move] >= 0:
                    made.append(start + move)
                    left -= of_others
            change += sign[made[first:]].T @ amounts[made[first:]]
        return made

    def _signs(self, blocks: NDArray[np.int64], to: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What each move does to each side: 1 where the block goes, -1 where it was: (n, s)."""
        number = np.arange(self.sides)
        arrives, leaves = (at[:, np.newaxis] == number for at in (to, self.side[blocks]))
        return arrives.astype(np.float64) - leaves

    def put(self, blocks: NDArray[np.int64], to: NDArray[np.uint8]) -> None:
        """Put blocks on other sides; none of them may have a block within reach in common."""
        self.deviation += self._signs(blocks, to).T @ self.amounts[blocks]
        here, near = self.side[blocks], self.near[:, blocks]
        left, joined = self.side[near] == here, self.side[near] == to
        self.others[near] += left.astype(np.int64) - joined
        self.others[blocks] = self.reached[blocks] - joined.sum(0)
        self.side[blocks] = to


def _products(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products of every two rows, a few at a time: BLAS takes threads for more, and waits for them."""
    few = max(_WITHOUT_THREADS // max(rows.size, 1), 1)
    parts = [rows[start : start + few] @ rows.T for start in range(0, len(rows), few)]
    return np.concatenate([np.zeros((0, len(rows))), *parts])


def below(raw: NDArray[np.uint64], limit: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Random whole numbers below a limit (0 if it is 0), from ones of 32 bits."""
    return (raw * np.asarray(limit, np.uint64) >> np.uint64(32)).astype(np.int64)
