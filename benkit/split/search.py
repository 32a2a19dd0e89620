"""Choose the side of each unit: coarse blocks first, then finer ones.

Blocks of 20 km find where whole regions go, those of 10 km their outlines, those of 5 and 2.5 km mend
the balance along the border; each level is annealed from the result of the one before (see
`benkit.split.anneal`). A block is exposed if a block of another side lies within 10 km: over all blocks
that counts the test patches with a train patch nearer than 10 km. All sides are searched at once, so
that the last of them is as whole as the first. Coarse to fine keeps regions whole which single small
blocks would never find, as in multilevel graph partitioning [1]_; balancing many rare labels by greedy
assignment alone [2]_ scatters them.

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
from benkit.split.buffer import left_out
from benkit.split.cells import Blocks, gather_blocks
from benkit.split.units import Units

__all__ = ["Wanted", "choose_sides"]

_REACH_METRES = 10_000


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
    for level in _LEVELS:
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
    held_out = [part for part, held in zip(wanted.fractions, wanted.held_out, strict=True) if held]
    fraction = max(float(np.mean(held_out)), _LEAST_FRACTION)
    one_patch = wanted.compactness * SCALE**2 / units.patches.sum() / fraction
    price = level.exposed * one_patch * units.patches.sum() / len(blocks)
    moves = min(_MOVES_PER_BLOCK * len(blocks), _MOST_MOVES)
    schedule = Schedule(moves, level.hot * price, level.cold * price, patience=level.patience)
    goal = _goal(blocks, units, wanted, level, side, one_patch)
    return anneal(goal, patches.argmax(1).astype(np.uint8), schedule, source)[blocks.of_unit]


def _goal(
    blocks: Blocks,
    units: Units,
    wanted: Wanted,
    level: _Level,
    side: NDArray[np.uint8],
    one_patch: float,
) -> Goal:
    counts = units.counts.sum(0)
    kinds, counts = units.kinds[counts > 0], counts[counts > 0]
    weight = np.array([level.balance[kind] for kind in kinds], float)
    weight[kinds == "label"] /= max((kinds == "label").sum(), 1)
    scale = SCALE * np.sqrt(weight) / counts
    targets = _targets(units, wanted, side)[:, units.counts.sum(0) > 0] * scale
    fractions, held_out = np.array(wanted.fractions), np.array(wanted.held_out)
    patches = blocks.total(units.patches)
    reach = max(_REACH_METRES, blocks.metres) if blocks.metres else level.metres
    return Goal(
        amounts=np.rint(blocks.total(units.counts)[:, units.counts.sum(0) > 0] * scale).astype(
            np.int64
        ),
        targets=np.rint(targets).astype(np.int64),
        weights=held_out * np.rint(np.maximum(fractions, _LEAST_FRACTION) ** -2.0).astype(np.int64),
        exposure=np.rint(one_patch * level.exposed * patches).astype(np.int64),
        prices=held_out * np.int64(1),
        within_reach=blocks.neighbours(reach),
        border=list(_border(blocks, reach, patches.tolist(), one_patch * _BORDER)),
        most_shift=np.rint(targets * np.isin(kinds, ("label", "patch"))).astype(np.int64),
    )


def _targets(units: Units, wanted: Wanted, side: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Patches wanted of each side, by trait, so that the parts are right among those that are kept."""
    out = left_out(units, side, wanted.buffer)
    numbers = range(len(wanted.fractions))
    lost = np.array([units.count(out & (side == number)[units.of_patch]) for number in numbers])
    kept = units.counts.sum(0) - lost.sum(0)
    return np.array(wanted.fractions)[:, np.newaxis] * kept + lost


def _border(
    blocks: Blocks, reach: float, patches: list[int], price: float
) -> Iterator[list[tuple[int, int]]]:
    for block, near in enumerate(blocks.neighbours(blocks.metres or reach)):
        yield [(other, max(int(price * min(patches[block], patches[other])), 1)) for other in near]
