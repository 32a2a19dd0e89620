"""Choose units for one side: coarse blocks first, then finer ones.

Blocks of 20 km find where whole regions go, those of 10 km their outlines, those of 5 and 2.5 km mend
the balance along the border; each level is annealed from the result of the one before (see
`benkit.split.anneal`). A chosen block is exposed if a block that is not chosen lies within 10 km: over
all blocks that counts the test patches with a train patch nearer than 10 km. Coarse to fine keeps
regions whole which single small blocks would never find, as in multilevel graph partitioning [1]_;
balancing many rare labels by greedy assignment alone [2]_ scatters them.

References
----------
.. [1] G. Karypis, V. Kumar, A fast and high quality multilevel scheme for partitioning irregular graphs,
   SIAM Journal on Scientific Computing 20, 1998, https://doi.org/10.1137/S1064827595287997
.. [2] K. Sechidis, G. Tsoumakas, I. Vlahavas, On the stratification of multi-label data, ECML PKDD 2011,
   https://doi.org/10.1007/978-3-642-23808-6_10
"""

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
        Weights of the squared relative deviations, by trait; for labels, of their mean.
    patience : int, optional
        As of `Schedule`.
    """

    metres: int
    exposed: float
    hot: float
    cold: float
    balance: dict[str, float]
    patience: int | None = None


def _weights(label: float, season: float, country: float, patch: float = 100) -> dict[str, float]:
    return {"label": label, "season": season, "country": country, "patch": patch}


_LEVELS = (
    _Level(20_000, 0.4, 3, 0.1, _weights(label=0.3, season=0.3, country=0.3, patch=10)),
    _Level(10_000, 1, 1, 0.1, _weights(label=10, season=2, country=1), patience=30),
    _Level(5_000, 1, 0.1, 0.02, _weights(label=30, season=5, country=1)),
    _Level(2_500, 1, 0.2, 0.02, _weights(label=100, season=5, country=1)),
)
_LEAST_SCALE = 0.05  # deviations of smaller parts count as of this one, so that squares fit 64 bits
_FEW_BLOCKS = 50  # with fewer of the finest blocks single units are moved
_BORDER = 0.25  # price of the border against that of exposed blocks
_MOVES_PER_BLOCK = 1500
_MOST_MOVES = 3_000_000


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
    counts, centre = units.counts[some], units.centre[some]
    chosen: NDArray[np.bool_] | None = None
    for level in _LEVELS if len(some) else ():
        blocks = gather_blocks(centre, level.metres)
        chosen = _search(blocks, counts, units.kinds, fraction, level, compactness, chosen, source)
    if len(some) > 0 and len(blocks) < _FEW_BLOCKS:
        blocks = Blocks(0, np.arange(len(some)), centre)
        chosen = _search(blocks, counts, units.kinds, fraction, level, compactness, chosen, source)
    result = np.zeros(len(free), bool)
    result[some] = chosen if chosen is not None else False
    return result


def _search(
    blocks: Blocks,
    counts: NDArray[np.int64],
    kinds: NDArray[np.str_],
    fraction: float,
    level: _Level,
    compactness: float,
    chosen: NDArray[np.bool_] | None,
    source: np.random.PCG64,
) -> NDArray[np.bool_]:
    """Anneal the blocks of one level from the units chosen so far, or from a random choice."""
    if chosen is None:
        begin = source.random_raw(len(blocks)) < np.uint64(int(fraction * 2**63) * 2)
    else:
        begin = 2 * blocks.total(counts[:, -1] * chosen) > blocks.total(counts[:, -1])
    goal = _goal(blocks, counts, kinds, fraction, level, compactness)
    price = compactness * level.exposed * SCALE**2 / (fraction * len(blocks))
    moves = min(_MOVES_PER_BLOCK * len(blocks), _MOST_MOVES)
    schedule = Schedule(moves, level.hot * price, level.cold * price, patience=level.patience)
    return anneal(goal, begin, schedule, source)[blocks.of_unit]


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
    scale = SCALE * np.sqrt(weight) / np.maximum(target, _LEAST_SCALE * counts.sum(0))
    patches = blocks.total(counts[:, -1])
    one_patch = compactness * SCALE**2 / target[-1]
    return Goal(
        deviations=np.rint(blocks.total(counts) * scale).astype(np.int64),
        start=-np.rint(target * scale).astype(np.int64),
        exposure=np.rint(one_patch * level.exposed * patches).astype(np.int64),
        within_reach=blocks.neighbours(max(_REACH_METRES, level.metres)),
        border=list(_border(blocks, patches.tolist(), one_patch * _BORDER)),
        most_shift=np.where(np.isin(kinds, ("label", "patch")), np.rint(target * scale), 0).astype(
            np.int64
        ),
    )


def _border(blocks: Blocks, patches: list[int], price: float) -> Iterator[list[tuple[int, int]]]:
    for block, near in enumerate(blocks.neighbours(blocks.metres)):
        yield [(other, max(int(price * min(patches[block], patches[other])), 1)) for other in near]
