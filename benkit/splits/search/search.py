"""Choose the side of each unit: coarse blocks first, then finer ones.

Cells of 20 km find where whole regions go, those of 10 and 5 km their outlines; each level is annealed
from the result of the one before (see `anneal` and `levels`). A cell of a
held-out side is exposed if one of another side lies within 10 km: over all cells that counts the test
patches with a train patch nearer than 10 km. At the end single units along the border are moved, exposed
by patches of another side within 2.5 km: the border follows the ground and its gaps, and the balance is
mended. All sides are searched at once, so that the last of them is as whole as the first. Coarse to fine
keeps regions whole which single small blocks would never find, as in multilevel graph partitioning [1]_;
balancing many rare labels by greedy assignment alone [2]_ scatters them.

Sides that keep a buffer lose patches along their border. At the beginning of each level the targets are
set anew, for the patches that the sides found so far would keep, and single units are moved in several
rounds, each cooler than the one before, so that less and less changes after what is lost was counted.

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

from benkit.splits.search.anneal import SCALE, Objective, Schedule, anneal
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.buffer import left_out
from benkit.splits.search.cells import gather_cells
from benkit.splits.search.groups import Units
from benkit.splits.search.levels import LARGEST_CELLS, SMALLEST_CELLS, Level, levels_for
from benkit.splits.search.single_units import choose_units


@dataclass(frozen=True)
class Wanted:
    """The sides that are asked for.

    Attributes
    ----------
    fractions : tuple of float
        Part of the patches of each side, above 0, together 1.
    held_out : tuple of bool
        Sides that are to lie apart from the others and to hold the same mix.
    buffer : float
        Metres between patches of different sides (see `buffer`).
    compactness : float
        Weight of separation against balance.
    """

    fractions: tuple[float, ...]
    held_out: tuple[bool, ...]
    buffer: float = 0.0
    compactness: float = 1.0


_MOST_CENTRES = 100  # a single unit is moved if its patches have no more different centres
_ROUNDS_WITH_BUFFER = 3  # what is lost is known only once the sides are
_COOLER = 4  # each round after the first
_LEAST_FRACTION = 0.05  # smaller sides are weighted as if of this part, so that squares fit 64 bits
_MOVES_PER_BLOCK = 1500
_PATIENCE = 30  # see `Schedule`
_FEW_CELLS = 100  # with fewer of the smallest cells all units are moved


def choose_sides(units: Units, wanted: Wanted, seed: int) -> NDArray[np.uint8]:
    """Choose the side of each unit: (u,) uint8 array of indices into ``wanted.fractions``."""
    source = np.random.PCG64(seed)
    side = _random_sides(units, wanted, source)
    *coarse, level = levels_for(sum(wanted.held_out))
    for of_cells in coarse:
        side = _search(
            gather_cells(units.centre, of_cells.metres), units, wanted, of_cells, side, source
        )
    for _ in range(_ROUNDS_WITH_BUFFER if wanted.buffer else 1):
        side = _move_single_units(units, wanted, level, side, source)
        level = replace(level, hot=max(level.hot / _COOLER, level.cold))
    return _without_empty_sides(units.patches, side, wanted.fractions)


def _move_single_units(
    units: Units,
    wanted: Wanted,
    level: Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal the units near the border, or all of them if there are few cells."""
    cells = gather_cells(units.centre, SMALLEST_CELLS)
    if len(cells) < _FEW_CELLS:
        everything = np.ones(len(side), bool)
        chosen = choose_units(units, everything, everything, len(units.of_patch))
        level = replace(level, exact=False)  # single units cannot be balanced by a price
    else:
        number = np.arange(len(wanted.fractions))
        found = cells.total((side[:, np.newaxis] == number).astype(np.int64)) > 0
        movable = cells.around(found).sum(1) > 1
        near = cells.around(movable)  # where units may be exposed by those that move
        chosen = choose_units(units, near[cells.of_unit], movable[cells.of_unit], _MOST_CENTRES)
    return _search(chosen, units, wanted, level, side, source) if chosen.movable.any() else side


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
    blocks = gather_cells(units.centre, LARGEST_CELLS)
    number = (source.random_raw(len(blocks)) >> np.uint64(32)) / 2**32
    side = np.searchsorted(np.cumsum(wanted.fractions[:-1]), number, side="right")
    return side.astype(np.uint8)[blocks.of_unit]


def _search(
    blocks: Blocks,
    units: Units,
    wanted: Wanted,
    level: Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal the blocks of one level from the sides found so far."""
    patches = blocks.total(units.patches).sum()
    price = level.exposed * _one_patch(units, wanted) * patches / len(blocks)
    moves = min(_MOVES_PER_BLOCK * len(blocks), level.moves)
    schedule = Schedule(moves, level.hot * price, level.cold * price, _PATIENCE)
    start = blocks.sides(side, units.patches)
    found = anneal(_objective(blocks, units, wanted, level, side), start, schedule, source)
    return blocks.spread(found, side)


def _one_patch(units: Units, wanted: Wanted) -> float:
    """Price of one exposed patch: all of an average held-out side cost the square of `SCALE`."""
    held_out = np.array(wanted.fractions)[np.array(wanted.held_out)]
    fraction = max(float(held_out.mean()), _LEAST_FRACTION)
    return float(wanted.compactness * SCALE**2 / units.patches.sum() / fraction)


def _objective(
    blocks: Blocks, units: Units, wanted: Wanted, level: Level, side: NDArray[np.uint8]
) -> Objective:
    kinds, held_out = units.kinds, np.array(wanted.held_out)
    weight = np.array([level.balance[kind] for kind in kinds], float)
    weight[kinds == "label"] /= max((kinds == "label").sum(), 1)
    scale = SCALE * np.sqrt(weight) / np.maximum(units.counts.sum(0), 1)
    targets = _targets(units, wanted, side)
    kept = np.array(
        [
            units.counts[(blocks.of_unit < 0) & (side == number)].sum(0)
            for number in range(len(targets))
        ]
    )
    price = _one_patch(units, wanted) * np.append(blocks.total(units.patches), 0)
    beside = blocks.neighbours(level.metres)
    border = np.minimum(price[:-1, np.newaxis], price[beside]) * level.border
    return Objective(
        amounts=_rounded(blocks.total(units.counts), scale),
        targets=np.rint((targets - kept) * scale).astype(np.int64),
        weights=held_out
        * np.rint(1 / np.maximum(wanted.fractions, _LEAST_FRACTION) ** 2).astype(int),
        exposure=np.rint(price[:-1] * level.exposed).astype(np.int64),
        prices=held_out.astype(np.int64),
        within_reach=blocks.neighbours(level.reach),
        beside=beside,
        border=np.maximum(np.rint(border).astype(np.int64), beside < len(blocks)),
        movable=blocks.movable,
        most_shift=np.rint(targets * scale).astype(np.int64)
        * (level.exact & np.isin(kinds, ("label", "patch"))),
    )


def _rounded(counts: NDArray[np.int64], scale: NDArray[np.float64]) -> NDArray[np.int64]:
    """Scaled counts of blocks in whole numbers, whose sums over the first blocks are rounded alike.

    Each rounded by itself, many small counts would all be off in the same direction.
    """
    sums = np.rint(np.cumsum(counts, axis=0) * scale).astype(np.int64)
    return np.diff(sums, axis=0, prepend=0)


def _targets(units: Units, wanted: Wanted, side: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Patches wanted of each side, by trait, so that the parts are right among those that are kept."""
    out = left_out(units, side, wanted.buffer)
    numbers = range(len(wanted.fractions))
    lost = np.array([units.count(out & (side == number)[units.of_patch]) for number in numbers])
    kept = units.counts.sum(0) - lost.sum(0)
    return np.array(wanted.fractions)[:, np.newaxis] * kept + lost
