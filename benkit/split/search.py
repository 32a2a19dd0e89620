"""Choose the side of each unit: coarse blocks first, then finer ones.

Blocks of 20 km find where whole regions go, those of 10 km their outlines, those of 5 and 2.5 km mend
the balance along the border; each level is annealed from the result of the one before (see
`benkit.split.anneal`). A block of a held-out side is exposed if a block of another side lies within
10 km: over all blocks that counts the test patches with a train patch nearer than 10 km. All sides are
searched at once, so that the last of them is as whole as the first. Coarse to fine keeps regions whole
which single small blocks would never find, as in multilevel graph partitioning [1]_; balancing many rare
labels by greedy assignment alone [2]_ scatters them.

Sides that keep a buffer lose patches along their border. At the begin of each level the targets are set
anew, for the patches that the sides found so far would keep.

The number of moves is fixed, so that the result does not depend on the machine.

References
----------
.. [1] G. Karypis, V. Kumar, A fast and high quality multilevel scheme for partitioning irregular graphs,
   SIAM Journal on Scientific Computing 20, 1998, https://doi.org/10.1137/S1064827595287997
.. [2] K. Sechidis, G. Tsoumakas, I. Vlahavas, On the stratification of multi-label data, ECML PKDD 2011,
   https://doi.org/10.1007/978-3-642-23808-6_10
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benkit.split.anneal import SCALE, Goal, Schedule, anneal
from benkit.split.buffer import left_out
from benkit.split.cells import Blocks, gather_blocks
from benkit.split.units import Units

__all__ = ["Wanted", "choose_sides"]


@dataclass(frozen=True)
class Wanted:
    """What is asked of the sides.

    Attributes
    ----------
    fractions : tuple of float
        Part of the patches of each side, above 0, together 1.
    held_out : tuple of bool
        Sides that are to lie apart from the others and to hold the same mix.
    buffer : float
        Metres between patches of different sides (see `benkit.split.buffer`).
    compactness : float
        Weight of separation against balance.
    """

    fractions: tuple[float, ...]
    held_out: tuple[bool, ...]
    buffer: float = 0.0
    compactness: float = 1.0


@dataclass(frozen=True)
class _Level:
    """One size of blocks.

    Attributes
    ----------
    metres : int
        Side of a cell.
    reach : int
        Metres between the centres of cells within which a block of another side exposes one.
    exposed : float
        Part of the patches of such a block that count as exposed.
    hot, cold : float
        Temperatures, in the price of an average block.
    balance : dict of str to float
        Weights of the squared relative deviations, by trait; for labels, of their mean.
    exact : bool
        Whether targets of labels and patches shift (see `Schedule`).
    """

    metres: int
    reach: int
    exposed: float
    hot: float
    cold: float
    balance: dict[str, float]
    exact: bool = True


def _weights(label: float, season: float, country: float, patch: float = 100) -> dict[str, float]:
    return {"label": label, "season": season, "country": country, "patch": patch}


_LEVELS = (
    _Level(20_000, 20_000, 0.4, 3, 0.1, _weights(0.3, season=0.3, country=0.3, patch=10), False),
    _Level(10_000, 10_000, 1, 1, 0.1, _weights(label=3, season=2, country=1)),
    _Level(5_000, 10_000, 1, 0.1, 0.02, _weights(label=10, season=3, country=1)),
    _Level(2_500, 10_000, 1, 0.1, 0.02, _weights(label=30, season=4, country=2)),
)
_WITH_BUFFER = replace(
    _LEVELS[-1], hot=_LEVELS[-1].cold
)  # once more, for the patches that are lost
_PATIENCE = 30
_LEAST_FRACTION = 0.05  # smaller sides are weighted as if of this part, so that squares fit 64 bits
_FEW_BLOCKS = 50  # with fewer of the finest blocks single units are moved
_BORDER = 0.25  # price of the border against that of exposed blocks
_MOVES_PER_BLOCK = 1500
_MOST_MOVES = 3_000_000


def choose_sides(units: Units, wanted: Wanted, seed: int) -> NDArray[np.uint8]:
    """Choose the side of each unit.

    Parameters
    ----------
    units : Units
    wanted : Wanted
    seed : int

    Returns
    -------
    (u,) uint8 array
        Numbers of sides, in the order of ``wanted.fractions``.
    """
    source = np.random.PCG64(seed)
    side = _random_sides(units, wanted, source)
    for level in (*_LEVELS, _WITH_BUFFER) if wanted.buffer else _LEVELS:
        blocks = gather_blocks(units.centre, level.metres)
        side = _search(blocks, units, wanted, level, side, source)
    if len(blocks) < _FEW_BLOCKS:
        blocks = Blocks(0, np.arange(len(side)), units.centre)
        side = _search(blocks, units, wanted, level, side, source)
    return _without_empty_sides(units.patches, side, wanted.fractions)


def _without_empty_sides(
    patches: NDArray[np.int64], side: NDArray[np.uint8], fractions: tuple[float, ...]
) -> NDArray[np.uint8]:
    """Give each empty side the unit of the largest side whose size suits it best.

    If there are no more units than sides, the largest goes to the first and the others to the last.
    """
    side = side.copy()
    if len(side) <= len(fractions):
        side[np.argsort(-patches, kind="stable")] = -np.arange(len(side)) % len(fractions)
    for number in sorted(set(range(len(fractions))) - set(side.tolist())):
        units = np.bincount(side, minlength=len(fractions))
        sizes = np.bincount(side, patches, len(fractions)) * (units > 1)
        if sizes.any():
            donors = np.flatnonzero(side == sizes.argmax())
            off = np.abs(patches[donors] - fractions[number] * patches.sum())
            side[donors[off.argmin()]] = number
    return side


def _random_sides(units: Units, wanted: Wanted, source: np.random.PCG64) -> NDArray[np.uint8]:
    """A side for all units of each of the coarsest blocks."""
    blocks = gather_blocks(units.centre, _LEVELS[0].metres)
    number = (source.random_raw(len(blocks)) >> np.uint64(32)) / 2**32
    side = np.searchsorted(np.cumsum(wanted.fractions[:-1]), number, side="right")
    return side.astype(np.uint8)[blocks.of_unit]


def _search(
    blocks: Blocks,
    units: Units,
    wanted: Wanted,
    level: _Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal the blocks of one level from the sides found so far."""
    patches = np.zeros((len(blocks), len(wanted.fractions)), np.int64)
    np.add.at(patches, (blocks.of_unit, side), units.patches)
    price = level.exposed * _one_patch(units, wanted) * units.patches.sum() / len(blocks)
    moves = min(_MOVES_PER_BLOCK * len(blocks), _MOST_MOVES)
    schedule = Schedule(moves, level.hot * price, level.cold * price, patience=_PATIENCE)
    goal = _goal(blocks, units, wanted, level, side)
    return anneal(goal, patches.argmax(1).astype(np.uint8), schedule, source)[blocks.of_unit]


def _one_patch(units: Units, wanted: Wanted) -> float:
    """Price of one exposed patch: all of an average held-out side cost the square of `SCALE`."""
    held_out = np.array(wanted.fractions)[np.array(wanted.held_out)]
    fraction = max(float(held_out.mean()), _LEAST_FRACTION)
    return float(wanted.compactness * SCALE**2 / units.patches.sum() / fraction)


def _goal(
    blocks: Blocks, units: Units, wanted: Wanted, level: _Level, side: NDArray[np.uint8]
) -> Goal:
    kinds, held_out = units.kinds, np.array(wanted.held_out)
    weight = np.array([level.balance[kind] for kind in kinds], float)
    weight[kinds == "label"] /= max((kinds == "label").sum(), 1)
    scale = SCALE * np.sqrt(weight) / np.maximum(units.counts.sum(0), 1)
    targets = np.rint(_targets(units, wanted, side) * scale).astype(np.int64)
    exact = level.exact and blocks.metres > 0  # single units cannot be balanced by a price
    price = _one_patch(units, wanted) * np.append(blocks.total(units.patches), 0)
    beside = blocks.neighbours(level.metres)
    border = np.minimum(price[:-1, np.newaxis], price[beside]) * _BORDER
    return Goal(
        amounts=np.rint(blocks.total(units.counts) * scale).astype(np.int64),
        targets=targets,
        weights=held_out
        * np.rint(1 / np.maximum(wanted.fractions, _LEAST_FRACTION) ** 2).astype(int),
        exposure=np.rint(price[:-1] * level.exposed).astype(np.int64),
        prices=held_out.astype(np.int64),
        within_reach=blocks.neighbours(level.reach if blocks.metres else level.metres),
        beside=beside,
        border=np.maximum(np.rint(border).astype(np.int64), beside < len(blocks)),
        most_shift=targets * exact * np.isin(kinds, ("label", "patch")),
    )


def _targets(units: Units, wanted: Wanted, side: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Patches wanted of each side, by trait, so that the parts are right among those that are kept."""
    out = left_out(units, side, wanted.buffer)
    numbers = range(len(wanted.fractions))
    lost = np.array([units.count(out & (side == number)[units.of_patch]) for number in numbers])
    kept = units.counts.sum(0) - lost.sum(0)
    return np.array(wanted.fractions)[:, np.newaxis] * kept + lost
