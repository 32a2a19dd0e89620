"""Choose the side of each unit: coarse blocks first, then finer ones.

Cells of 20 km find where whole regions go, those of 10 and 5 km their outlines; each level is annealed
from the result of the one before (see `anneal` and `levels`). A cell of a
held-out side is exposed if one of another side lies within 10 km: over all cells that counts the test
patches with a train patch nearer than 10 km. At the end single units along the border are moved, exposed
by patches of another side within 2.5 km: the border follows the ground and its gaps, and the balance is
mended. All sides are searched at once, so that the last of them is as whole as the first. Coarse to fine
keeps regions whole which single small blocks would never find, as in multilevel graph partitioning [1]_;
balancing many rare labels by greedy assignment alone [2]_ scatters them.

Which regions go to which side is settled early and by chance, and decides how good the end can be. So
the coarse levels are searched from many random beginnings, in a short run each and on all cores; the
best are searched further, and the best of these goes on.

Sides that keep a buffer lose patches along their border. After the random beginnings the targets are set
anew at each level, for the patches that the sides found so far would keep, and single units are moved in
several rounds, each cooler than the one before, so that less and less changes after what is lost was
counted.

The numbers of runs and of moves are fixed, so that the result does not depend on the machine.

References
----------
.. [1] G. Karypis, V. Kumar, A fast and high quality multilevel scheme for partitioning irregular graphs,
   SIAM Journal on Scientific Computing 20, 1998, https://doi.org/10.1137/S1064827595287997
.. [2] K. Sechidis, G. Tsoumakas, I. Vlahavas, On the stratification of multi-label data, ECML PKDD 2011,
   https://doi.org/10.1007/978-3-642-23808-6_10
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from benkit.engine import Engine, run
from benkit.splits.search.anneal import SCALE, Objective, Schedule, anneal
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.buffer import left_out
from benkit.splits.search.cells import gather_cells
from benkit.splits.search.groups import Units
from benkit.splits.search.levels import SMALLEST_CELLS, Level, Plan, plan_for
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


@dataclass(frozen=True)
class Run:
    """What is annealed, and how."""

    objective: Objective
    schedule: Schedule


_MOST_CENTRES = 100  # a single unit is moved if its patches have no more different centres
_ROUNDS_WITH_BUFFER = 3  # what is lost is known only once the sides are
_COOLER = 4  # each round after the first
_LEAST_FRACTION = 0.05  # smaller sides are weighted as if of this part, so that squares fit 64 bits
_PATIENCE = 30  # see `Schedule`
_FEW_CELLS = 100  # with fewer of the smallest cells all units are moved
_FEW_BLOCKS = 500  # fewer are searched in this process: others take longer to start


def choose_sides(units: Units, wanted: Wanted, seed: int) -> NDArray[np.uint8]:
    """Choose the side of each unit: (u,) uint8 array of indices into ``wanted.fractions``."""
    plan = plan_for(sum(wanted.held_out))
    sources = _sources(seed)
    side = _regions(units, wanted, plan, sources)
    for level in plan.cells:
        blocks = gather_cells(units.centre, level.metres)
        side = _search(blocks, units, wanted, level, side, next(sources))
    level = plan.single_units
    for _ in range(_ROUNDS_WITH_BUFFER if wanted.buffer else 1):
        side = _move_single_units(units, wanted, level, side, next(sources))
        level = replace(level, hot=max(level.hot / _COOLER, level.cold))
    return _without_empty_sides(units.patches, side, wanted.fractions)


def _sources(seed: int) -> Iterator[np.random.PCG64]:
    """Random numbers for one run after the other, each as if from another seed."""
    return (np.random.PCG64(seed).jumped(number) for number in count())


def _regions(
    units: Units, wanted: Wanted, plan: Plan, sources: Iterator[np.random.PCG64]
) -> NDArray[np.uint8]:
    """The side of each unit by the best of many searches of the coarse levels."""
    coarse, fine = (gather_cells(units.centre, level.metres) for level in plan.beginning)
    side = np.zeros(len(units.patches), np.uint8)
    without_buffer = replace(wanted, buffer=0.0)  # random sides would lose most patches to it
    runs = [
        _run(blocks, units, without_buffer, level, side)
        for blocks, level in zip((coarse, fine), plan.beginning, strict=True)
    ]
    parent = np.zeros(len(fine), np.int64)
    parent[fine.of_unit] = coarse.of_unit
    engine = Engine(workers=1 if len(fine) < _FEW_BLOCKS else None)
    begin = partial(_begin, runs, parent, wanted.fractions)
    found = list(run(begin, list(islice(sources, plan.beginnings)), engine))
    best = sorted(found, key=lambda result: result[1])[: plan.best]
    sides = [fine.spread(of_blocks, side) for of_blocks, _ in best]
    further = [
        (_run(fine, units, wanted, plan.further, one), of_blocks, next(sources))
        for one, (of_blocks, _) in zip(sides, best, strict=True)
    ]
    found = list(run(_go_on, further, engine))
    return fine.spread(min(found, key=lambda result: result[1])[0], side)


def _begin(
    runs: "list[Run]",
    parent: NDArray[np.int64],
    fractions: tuple[float, ...],
    source: np.random.PCG64,
) -> tuple[NDArray[np.uint8], int]:
    """Search coarse blocks from random sides, then finer ones, of which each has a coarse parent."""
    number = (source.random_raw(len(runs[0].objective.amounts)) >> np.uint64(32)) / 2**32
    side = np.searchsorted(np.cumsum(fractions[:-1]), number, side="right").astype(np.uint8)
    side, _ = anneal(runs[0].objective, side, runs[0].schedule, source)
    return anneal(runs[1].objective, side[parent], runs[1].schedule, source)


def _go_on(
    further: "tuple[Run, NDArray[np.uint8], np.random.PCG64]",
) -> tuple[NDArray[np.uint8], int]:
    """Search blocks from the sides that they have."""
    run_of_blocks, side, source = further
    return anneal(run_of_blocks.objective, side, run_of_blocks.schedule, source)


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


def _search(
    blocks: Blocks,
    units: Units,
    wanted: Wanted,
    level: Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal the blocks of one level from the sides found so far."""
    of_blocks = _run(blocks, units, wanted, level, side)
    start = blocks.sides(side, units.patches)
    found, _ = anneal(of_blocks.objective, start, of_blocks.schedule, source)
    return blocks.spread(found, side)


def _run(
    blocks: Blocks, units: Units, wanted: Wanted, level: Level, side: NDArray[np.uint8]
) -> Run:
    """How the blocks of one level are to be annealed, given the sides found so far."""
    patches = blocks.total(units.patches).sum()
    price = level.exposed * _one_patch(units, wanted) * patches / len(blocks)
    moves = min(level.moves_per_block * len(blocks), level.moves)
    schedule = Schedule(moves, level.hot * price, level.cold * price, _PATIENCE)
    return Run(_objective(blocks, units, wanted, level, side), schedule)


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
