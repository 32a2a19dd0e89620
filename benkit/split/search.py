"""Choose units for one side: coarse blocks first, then finer ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.split.anneal import SCALE, Goal, Schedule, anneal
from benkit.split.cells import Blocks, gather_blocks
from benkit.split.units import Units

__all__ = ["choose_units"]

_REACH_METRES = 10_000


@dataclass(frozen=True)
class _Level:
    """One size of blocks.

    Attributes
    ----------
    metres : int
        Side of a cell.
    exposed : float
        Part of a block's patches that lie within reach of a neighbouring block.
    hot, cold : float
        Temperatures, in the price of an average block.
    balance : dict of str to float
        Weights of the squared relative deviations, by trait.
    """

    metres: int
    exposed: float
    hot: float
    cold: float
    balance: dict[str, float]


_LEVELS = (
    _Level(20_000, 0.4, 3, 0.1, {"label": 1, "season": 1, "country": 1, "patch": 10}),
    _Level(10_000, 1.0, 0.3, 0.03, {"label": 10, "season": 10, "country": 10, "patch": 100}),
    _Level(5_000, 1.0, 0.1, 0.01, {"label": 100, "season": 30, "country": 30, "patch": 100}),
)
_BORDER = 0.25  # price of the border against that of exposed blocks
_MOVES_PER_BLOCK = 500
_MOST_MOVES = 1_500_000


def choose_units(
    units: Units, free: NDArray[np.bool_], fraction: float, compactness: float, seed: int
) -> NDArray[np.bool_]:
    """Choose some of the free units.

    Parameters
    ----------
    units : Units
    free : (u,) bool array
        Units that may be chosen.
    fraction : float
        Part of the free units' patches to choose, between 0 and 1.
    compactness : float
        Weight of separation against balance.
    seed : int

    Returns
    -------
    (u,) bool array
    """
    source = np.random.PCG64(seed)
    some = np.flatnonzero(free)
    counts = units.counts[some]
    chosen = np.zeros(len(some), bool)
    for number, level in enumerate(_LEVELS):
        blocks = gather_blocks(units.centre[some], level.metres)
        patches = blocks.total(counts[:, -1])
        if number == 0:
            begin = source.random_raw(len(blocks)) < np.uint64(int(fraction * (2**64 - 1)))
        else:
            begin = 2 * blocks.total(counts[:, -1] * chosen) > patches
        goal = _goal(blocks, counts, units.kinds, fraction, level, compactness)
        price = compactness * level.exposed * SCALE**2 / (fraction * len(blocks))
        moves = min(_MOVES_PER_BLOCK * len(blocks), _MOST_MOVES)
        schedule = Schedule(moves, level.hot * price, level.cold * price)
        chosen = anneal(goal, begin, schedule, source)[blocks.of_unit]
    result = np.zeros(len(free), bool)
    result[some] = chosen
    return result


def _goal(
    blocks: Blocks,
    counts: NDArray[np.int64],
    kinds: NDArray[np.str_],
    fraction: float,
    level: _Level,
    compactness: float,
) -> Goal:
    present = counts.sum(0) > 0
    counts, kinds = counts[:, present], kinds[present]
    target = fraction * counts.sum(0)
    weight = np.array([level.balance[kind] for kind in kinds], float)
    weight[kinds == "label"] /= max((kinds == "label").sum(), 1)
    scale = SCALE * np.sqrt(weight) / target
    patches = blocks.total(counts[:, -1])
    one_patch = compactness * SCALE**2 / target[-1]
    return Goal(
        deviations=np.rint(blocks.total(counts) * scale).astype(np.int64),
        start=-np.rint(target * scale).astype(np.int64),
        exposure=np.rint(one_patch * level.exposed * patches).astype(np.int64),
        within_reach=blocks.neighbours(max(_REACH_METRES, level.metres)),
        border=list(_border(blocks, patches.tolist(), one_patch * _BORDER)),
    )


def _border(blocks: Blocks, patches: list[int], price: float) -> Iterator[list[tuple[int, int]]]:
    for block, near in enumerate(blocks.neighbours(blocks.metres)):
        yield [(other, int(price * min(patches[block], patches[other]))) for other in near]
