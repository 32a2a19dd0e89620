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
the cells are searched several times from random sides, on all cores, and the best goes on.

Sides that keep a buffer lose patches along their border. For these the smallest cells are searched once
more and single units in several rounds, each with targets for the patches that the sides found so far
would keep, and each cooler than the one before, so that less and less changes after what is lost was
counted.

The numbers of starts and of moves are fixed, so that the result does not depend on the machine; unless
a time is given, in which as many starts are made as there is time for.

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
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benkit.engine import Engine
from benkit.splits.search.anneal import SCALE, Objective, Schedule, anneal
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.buffer import left_out
from benkit.splits.search.cells import gather_cells
from benkit.splits.search.groups import Units
from benkit.splits.search.levels import SMALLEST_CELLS, Level, Plan, plan_for
from benkit.splits.search.single_units import choose_units
from benkit.splits.search.starts import Effort, Found, search_starts
from benkit.splits.search.subset_sums import nearest_sum


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
_MOST_MOVES, _LEAST_MOVES = 1500, 100  # for each block
_FEW_UNITS = 20_000
_FEW_PATCHES = 5_000  # of these the targets are sums that whole units can have
_FEW_CELLS = 100  # of the smallest
_FEW_BLOCKS = 500  # fewer are searched in this process: others take longer to start


def choose_sides(
    units: Units, wanted: Wanted, effort: Effort
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Choose the side of each unit.

    Returns
    -------
    side : (u,) uint8 array
        Indices into ``wanted.fractions``.
    warnings : tuple of str
        That it cannot be had again, if a time was given.
    """
    plan = plan_for(sum(wanted.held_out), exact=not _has_few_cells(units))
    side, starts = _search_cells(units, replace(wanted, buffer=0.0), plan, effort)
    source = np.random.PCG64(effort.seed).jumped(starts)
    try:
        for refined in _refined(units, wanted, plan, side, source):
            side = refined
    except KeyboardInterrupt:
        if effort.seconds is None:
            raise
    side = _without_empty_sides(units, wanted, side)
    if effort.seconds is None:
        return side, ()
    times = f"{starts:,} start{'s' * (starts != 1)}"
    return side, (f"not repeatable: searched in a given time of {effort.seconds:,.10g} s, {times}",)


def _refined(
    units: Units, wanted: Wanted, plan: Plan, side: NDArray[np.uint8], source: np.random.PCG64
) -> Iterator[NDArray[np.uint8]]:
    """Better and better sides, from those that the cells were given."""
    level, few_cells = plan.single_units, _has_few_cells(units)
    move = _move_all_units if few_cells else _move_single_units
    if not wanted.buffer:
        yield (side := move(units, wanted, level, side, source))
        if not few_cells and len(side) <= _FEW_UNITS:
            yield _move_all_units(units, wanted, plan.mending, side, source)
        return
    cells = gather_cells(units.centre, SMALLEST_CELLS)
    yield (side := _search(cells, units, wanted, plan.cells[-1], side, source))
    for _ in range(_ROUNDS_WITH_BUFFER):
        yield (side := move(units, wanted, level, side, source))
        level = replace(level, hot=max(level.hot / _COOLER, level.cold))


def _has_few_cells(units: Units) -> bool:
    """Whether so few regions can be told apart that an exact balance would tear them."""
    return len(gather_cells(units.centre, SMALLEST_CELLS)) < _FEW_CELLS


def _search_cells(
    units: Units, wanted: Wanted, plan: Plan, effort: Effort
) -> tuple[NDArray[np.uint8], int]:
    """The side of each unit by the best of several searches of the levels of cells, and their number."""
    side = np.zeros(len(units.patches), np.uint8)
    cells = [gather_cells(units.centre, level.metres) for level in plan.cells]
    runs = [
        _run(of_level, units, wanted, level, side)
        for of_level, level in zip(cells, plan.cells, strict=True)
    ]
    parents = []
    for coarse, fine in pairwise(cells):
        parents.append(np.zeros(len(fine), np.int64))
        parents[-1][fine.of_unit] = coarse.of_unit
    engine = Engine(workers=1 if len(cells[-1]) < _FEW_BLOCKS else None)
    search = partial(_from_random_sides, runs, parents, wanted.fractions, effort.seed)
    patches, reach = cells[-1].total(units.patches), runs[-1].objective.within_reach
    near = partial(_part_near, patches, reach, np.array(wanted.held_out))
    best, starts = search_starts(search, plan.starts, engine, effort, near)
    return cells[-1].spread(best, side), starts


def _part_near(
    patches: NDArray[np.int64],
    within_reach: NDArray[np.int64],
    held_out: NDArray[np.bool_],
    side: NDArray[np.uint8],
) -> float:
    """Part of the held-out patches in blocks that have one of another side within reach."""
    there = within_reach < len(side)
    near = (there & (np.append(side, 0)[within_reach] != side[:, np.newaxis])).any(1)
    mine = held_out[side]
    return float(patches[mine & near].sum() / max(patches[mine].sum(), 1))


def _from_random_sides(
    runs: "list[Run]",
    parents: list[NDArray[np.int64]],
    fractions: tuple[float, ...],
    seed: int,
    start: int,
) -> Found:
    """Search coarse blocks from random sides, then finer ones, of which each has a coarse parent."""
    source = np.random.PCG64(seed).jumped(start)
    number = (source.random_raw(len(runs[0].objective.amounts)) >> np.uint64(32)) / 2**32
    side = np.searchsorted(np.cumsum(fractions[:-1]), number, side="right").astype(np.uint8)
    side, value = anneal(runs[0].objective, side, runs[0].schedule, source)
    for of_level, parent in zip(runs[1:], parents, strict=True):
        side, value = anneal(of_level.objective, side[parent], of_level.schedule, source)
    return side, value


def _move_single_units(
    units: Units,
    wanted: Wanted,
    level: Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal the units near the border."""
    cells = gather_cells(units.centre, SMALLEST_CELLS)
    number = np.arange(len(wanted.fractions))
    found = cells.total((side[:, np.newaxis] == number).astype(np.int64)) > 0
    movable = cells.around(found).sum(1) > 1
    near = cells.around(movable)  # where units may be exposed by those that move
    chosen = choose_units(units, near[cells.of_unit], movable[cells.of_unit], _MOST_CENTRES)
    return _search(chosen, units, wanted, level, side, source) if chosen.movable.any() else side


def _move_all_units(
    units: Units,
    wanted: Wanted,
    level: Level,
    side: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """Anneal all units: rare labels may be far from the border."""
    everything = np.ones(len(side), bool)
    chosen = choose_units(units, everything, everything, len(units.of_patch))
    return _search(chosen, units, wanted, level, side, source)


def _without_empty_sides(
    units: Units, wanted: Wanted, side: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Give each empty side the unit of the largest side whose size suits it best.

    If there are no more units than sides, the largest goes to the first and the others to the last.
    """
    patches, fractions, side = units.patches, wanted.fractions, side.copy()
    if len(side) <= len(fractions):
        side[np.argsort(-patches, kind="stable")] = -np.arange(len(side)) % len(fractions)
    for number in sorted(set(range(len(fractions))) - set(side.tolist())):
        count = np.bincount(side, minlength=len(fractions))
        sizes = np.bincount(side, patches, len(fractions)) * (count > 1)
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
    moves = min(min(_LEAST_MOVES + len(blocks), _MOST_MOVES) * len(blocks), level.moves)
    schedule = Schedule(moves, level.hot * price, level.cold * price, level.patience)
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
        most_shift=np.rint(targets * scale).astype(np.int64) * np.isin(kinds, level.exact),
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
    targets = np.array(wanted.fractions)[:, np.newaxis] * kept + lost
    if not wanted.buffer:
        parts = np.rint(targets[:, -1]).astype(int).tolist()
        for column in np.flatnonzero(kept <= _FEW_PATCHES):
            sizes = units.counts[units.counts[:, column] > 0, column]
            targets[:, column] = [nearest_sum(sizes, part, int(kept[-1])) for part in parts]
    return targets
