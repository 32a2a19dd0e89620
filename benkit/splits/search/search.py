"""Choose the side of each unit: coarse blocks first, then finer ones.

Cells of 20 km find where whole regions go, those of 10 and 5 km their outlines; each level is annealed
from the result of the one before (see `anneal` and `levels`). A cell of a held-out side is exposed if
one of another side lies within 10 km: over all cells that counts the test patches with a train patch
nearer than 10 km. At the end single units along the border are moved, exposed by patches of another side
within 2.5 km: the border follows the ground and its gaps, and the balance is mended. All sides are
searched at once, so that the last of them is as whole as the first. Coarse to fine keeps regions whole
which single small blocks would never find, as in multilevel graph partitioning [1]_; balancing many rare
labels by greedy assignment alone [2]_ scatters them.

Which regions go to which side is settled early and by chance, and decides how good the end can be. So
cells of 20 and 10 km are searched several times from random sides, on all cores, and the best regions of
all these starts are put together (see `combine`) before the search goes on.

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
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benkit.engine import Engine
from benkit.ground.distance_plane import nearest_distances
from benkit.splits.search.anneal import Objective, anneal, exposed
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.cells import Cells, gather_cells
from benkit.splits.search.combine import combine
from benkit.splits.search.groups import Units
from benkit.splits.search.levels import FEW_CELLS, SMALLEST_CELLS, Level, Plan, plan_for
from benkit.splits.search.objectives import Run, Wanted, run_of
from benkit.splits.search.single_units import SingleUnits, choose_units
from benkit.splits.search.starts import Effort, Found, search_starts

_MOST_CENTRES = 100  # a single unit is moved if its patches have no more different centres
_ROUNDS_WITH_BUFFER = 3  # what is lost is known only once the sides are
_COOLER = 4  # each round after the first
_FEW_UNITS = 20_000  # all of which may move at the end: a rare label may be far from the border
_MOST_OFF = 0.02  # of all patches, beside the largest unit: by how much a side may be off its part
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
    cells = gather_cells(units.centre, SMALLEST_CELLS)
    plan = plan_for(sum(wanted.held_out), len(cells))
    side, source, starts = _from_starts(units, replace(wanted, buffer=0.0), plan, effort)
    try:
        for refined in _refined(units, wanted, plan, side, source):
            side = refined
    except KeyboardInterrupt:
        if effort.seconds is None:
            raise
    side = _with_right_sizes(units, wanted, _without_empty_sides(units, wanted, side))
    if effort.seconds is None:
        return side, ()
    times = f"{starts:,} start{'s' * (starts != 1)}"
    return side, (f"not repeatable: searched in a given time of {effort.seconds:,.10g} s, {times}",)


def _refined(
    units: Units, wanted: Wanted, plan: Plan, side: NDArray[np.uint8], source: np.random.PCG64
) -> Iterator[NDArray[np.uint8]]:
    """Better and better sides, from those of the starts."""
    for level in plan.cells:
        cells = gather_cells(units.centre, level.metres)
        yield (side := _search(cells, units, replace(wanted, buffer=0.0), level, side, source))
    cells, level = gather_cells(units.centre, SMALLEST_CELLS), plan.single_units
    if wanted.buffer:
        yield (side := _search(cells, units, wanted, plan.smallest_cells, side, source))
    for _ in range(_ROUNDS_WITH_BUFFER if wanted.buffer else 1):
        some = _all_units(units) if len(cells) < FEW_CELLS else _near_border(units, cells, side)
        yield (side := _search(some, units, wanted, level, side, source))
        level = replace(level, hot=max(level.hot / _COOLER, level.cold))
    if not wanted.buffer and len(cells) >= FEW_CELLS and len(side) <= _FEW_UNITS:
        yield _search(_all_units(units), units, wanted, plan.mending, side, source)


def _all_units(units: Units) -> SingleUnits:
    """All units, each a block of its own that may move."""
    everything = np.ones(len(units.patches), bool)
    return choose_units(units, everything, everything, len(units.of_patch))


def _near_border(units: Units, cells: Cells, side: NDArray[np.uint8]) -> SingleUnits:
    """Units that may move, near another side, and those that they may expose."""
    found = cells.total((side[:, np.newaxis] == range(side.max() + 1)).astype(np.int64)) > 0
    movable = cells.around(found).sum(1) > 1
    near = cells.around(movable)
    return choose_units(units, near[cells.of_unit], movable[cells.of_unit], _MOST_CENTRES)


def _from_starts(
    units: Units, wanted: Wanted, plan: Plan, effort: Effort
) -> tuple[NDArray[np.uint8], np.random.PCG64, int]:
    """The side of each unit by the best regions of several starts, a source for more, their number."""
    side = np.zeros(len(units.patches), np.uint8)
    cells = [gather_cells(units.centre, level.metres) for level in plan.of_starts]
    runs = [
        run_of(of_level, units, wanted, level, side)
        for of_level, level in zip(cells, plan.of_starts, strict=True)
    ]
    parents = []
    for coarse, fine in pairwise(cells):
        parents.append(np.zeros(len(fine), np.int64))
        parents[-1][fine.of_unit] = coarse.of_unit
    engine = Engine(workers=1 if len(cells[-1]) < _FEW_BLOCKS else None)
    search = partial(_from_random_sides, runs, parents, wanted.fractions, effort.seed)
    patches, objective = cells[-1].total(units.patches), runs[-1].objective
    near = partial(_part_near, patches, objective, np.array(wanted.held_out))
    found, starts = search_starts(search, plan.starts, engine, effort, near)
    source = np.random.PCG64(effort.seed).jumped(starts)
    return cells[-1].spread(combine(objective, found, source), side), source, starts


def _part_near(
    patches: NDArray[np.int64],
    objective: Objective,
    held_out: NDArray[np.bool_],
    side: NDArray[np.uint8],
) -> float:
    """Part of the held-out patches in blocks that have one of another side within reach."""
    mine = held_out[side]
    return float(patches[mine & exposed(objective, side)].sum() / max(patches[mine].sum(), 1))


def _from_random_sides(
    runs: list[Run],
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


def _with_right_sizes(units: Units, wanted: Wanted, side: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move units to sides that are far too small, the nearest first, from those that are too large.

    Hundreds of countries that cannot be parted outweigh the size of a side in the objective. Each move
    brings both sides nearer to their parts, and leaves none empty; what a buffer leaves out later is not
    counted here, so that sides with one stay as they are.
    """
    patches, fractions, side = units.patches, np.array(wanted.fractions), side.copy()
    most = _MOST_OFF * patches.sum() + patches.max()
    while not wanted.buffer:
        off = np.bincount(side, patches, len(fractions)) - fractions * patches.sum()
        of_many = np.where(np.bincount(side, minlength=len(fractions)) > 1, off, 0)
        giver, taker = of_many.argmax(), off.argmin()
        if np.abs(off).max() <= most or of_many[giver] <= 0:
            break
        given = np.flatnonzero(side == giver)
        away = nearest_distances(units.centre[given], units.centre[side == taker])
        given = given[np.argsort(away, kind="stable")]
        fitting = np.cumsum(patches[given]) <= min(off[giver], -off[taker])
        side[given[: max(fitting.sum(), 1)]] = taker
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
    if not blocks.movable.any():
        return side
    of_blocks = run_of(blocks, units, wanted, level, side)
    start = blocks.sides(side, units.patches)
    found, _ = anneal(of_blocks.objective, start, of_blocks.schedule, source)
    return blocks.spread(found, side)
