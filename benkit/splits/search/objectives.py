"""What is annealed at one level of a search: the objective of the sides asked for, and the schedule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.splits.search.anneal import SCALE, Objective, Schedule
from benkit.splits.search.blocks import Blocks
from benkit.splits.search.buffer import left_out
from benkit.splits.search.groups import Units
from benkit.splits.search.levels import Level
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
        Weight of separation against balance: the smaller one of the two is weighted less, so that the
        size of a side, which is no part of the trade, never gives way.
    """

    fractions: tuple[float, ...]
    held_out: tuple[bool, ...]
    buffer: float = 0.0
    compactness: float = 1.0

    @property
    def separation(self) -> float:
        """Weight of what is near."""
        return min(self.compactness, 1.0)

    @property
    def balance(self) -> float:
        """Weight of the deviations of labels, seasons and countries, and of shifts of their targets."""
        return min(1 / self.compactness, 1.0)


@dataclass(frozen=True)
class Run:
    """What is annealed, and how."""

    objective: Objective
    schedule: Schedule


_LEAST_FRACTION = 0.05  # smaller sides are weighted as if of this part, so that squares fit 64 bits
_MOST_MOVES, _LEAST_MOVES = 1500, 100  # for each block
_FEW_PATCHES = 5_000  # of these the targets are sums that whole units can have
_MOST_ROUNDED = 0.02  # part of the patches of a side
_MOST_WEIGHT = 2**12  # of all counts together, so that their products are exact in float64


def run_of(
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
    return float(wanted.separation * SCALE**2 / units.patches.sum() / fraction)


def _objective(
    blocks: Blocks, units: Units, wanted: Wanted, level: Level, side: NDArray[np.uint8]
) -> Objective:
    kinds, held_out = units.kinds, np.array(wanted.held_out)
    weight = np.array([level.balance[kind] for kind in kinds], float)
    weight[kinds == "label"] /= max((kinds == "label").sum(), 1)
    weight[kinds != "patch"] *= wanted.balance
    weight *= min(1.0, _MOST_WEIGHT / weight.sum())
    scale = SCALE * np.sqrt(weight) / np.maximum(units.counts.sum(0), 1)
    targets = _targets(units, wanted, side)
    most_shift = (
        targets * np.where(kinds == "patch", 1, wanted.balance) * np.isin(kinds, level.exact)
    )
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
        most_shift=np.rint(most_shift * scale).astype(np.int64),
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
    return targets if wanted.buffer else _whole(units, targets)


def _whole(units: Units, targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Targets that whole units can have, of traits where rounding does not change the size of a side."""
    total, whole = units.counts.sum(0), targets.copy()
    parts = np.rint(targets[:, -1]).astype(int).tolist()
    for column in np.flatnonzero(total <= _FEW_PATCHES):
        sizes = units.counts[units.counts[:, column] > 0, column]
        whole[:, column] = [nearest_sum(sizes, part, int(total[-1])) for part in parts]
    for kind in ("label", "season", "country"):
        mine = units.kinds == kind
        asked = targets[:, mine].sum(1)
        if (np.abs(whole[:, mine].sum(1) - asked) > _MOST_ROUNDED * asked).any():
            whole[:, mine] = targets[:, mine]
    return whole
