"""Put together the best parts of what several searches found.

Where two searches differ, they differ in regions. Regions so far apart that no block is within reach of
two of them are independent but for the balance: whichever of them are taken, exposure and border change
by the sum of what each changes alone, as in the partition crossover of tours [1]_. So a search among
all blocks becomes one among regions, each of which is at its best already; it is annealed.

References
----------
.. [1] D. Whitley, D. Hains, A. Howe, Tunneling between optima: partition crossover for the traveling
   salesman problem, GECCO 2009, https://doi.org/10.1145/1569901.1570026
"""

import numpy as np
from numpy.typing import NDArray

from benkit.ground.grid import connected_components
from benkit.splits.search.anneal import (
    SCALE,
    Objective,
    below,
    deviations,
    local_prices,
    random_limits,
)

_ROUNDS = 3
_TRIES_PER_REGION, _MOST_TRIES = 60, 10_000
_HOT, _COOLEST = SCALE**2 / 100, 0.3


def combine(
    objective: Objective, found: list[NDArray[np.uint8]], source: np.random.PCG64
) -> NDArray[np.uint8]:
    """The first sides that were found, with the best regions of the others: (b,) uint8 array."""
    best = found[0]
    for _ in range(_ROUNDS):
        before = best
        for other in found[1:]:
            if (other != best).any():
                best = _with_regions(objective, best, other, source)
        if (best == before).all():
            break
    return best


def _with_regions(
    objective: Objective,
    side: NDArray[np.uint8],
    other: NDArray[np.uint8],
    source: np.random.PCG64,
) -> NDArray[np.uint8]:
    """The sides with some regions of other ones, so that the objective is lower, or as they are."""
    differs = side != other
    region = _regions(objective, differs)
    regions = int(region.max(initial=-1)) + 1
    prices = local_prices(objective, other) - local_prices(objective, side)
    near = region >= 0
    price = np.bincount(region[near], prices[near], regions).astype(np.float64)
    change = np.zeros((regions, *objective.targets.shape), np.int64)
    np.add.at(change, (region[differs], other[differs]), objective.amounts[differs])
    np.subtract.at(change, (region[differs], side[differs]), objective.amounts[differs])
    taken = _choose(price, change, deviations(objective, side), objective.weights, source)
    return np.where(differs & taken[region], other, side).astype(np.uint8)


def _regions(objective: Objective, differs: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Region of each block that differs or has one within reach that does, -1 of others: (b,) int64.

    No block has such within reach of two regions.
    """
    blocks = len(differs)
    first = np.repeat(np.arange(blocks), objective.within_reach.shape[1])
    second = objective.within_reach.ravel()
    joined = np.append(differs, False)[second] | (differs[first] & (second < blocks))
    pairs = np.column_stack([first, second])[joined & (second < blocks)]
    touched = differs.copy()
    touched[pairs.ravel()] = True
    component = connected_components(blocks, pairs)
    region = np.full(blocks, -1)
    region[touched] = np.unique(component[touched], return_inverse=True)[1].ravel()
    return region


def _choose(
    price: NDArray[np.float64],
    change: NDArray[np.int64],
    deviation: NDArray[np.int64],
    weights: NDArray[np.int64],
    source: np.random.PCG64,
) -> NDArray[np.bool_]:
    """Which regions to take so that the objective is lowest, as far as annealing finds it: (r,) bool.

    All are whole numbers or halves of such, so that their sums are the same in any order.
    """
    regions = len(price)
    counts = change.reshape(regions, -1)
    weighted = 2 * (change * weights[:, np.newaxis]).reshape(regions, -1)
    square = (weighted * counts).sum(1) / 2
    off = deviation.ravel()
    taken, lowest = np.zeros(regions, bool), np.zeros(regions, bool)
    value = least = 0.0
    tries = min(_TRIES_PER_REGION * regions, _MOST_TRIES)
    raw = source.random_raw((2, tries))
    falling = np.linspace(1, _COOLEST, tries)
    limits = random_limits(raw[1], _HOT * falling * falling * falling)
    for region, limit in zip(below(raw[0] >> np.uint64(32), regions), limits, strict=True):
        sign = -1 if taken[region] else 1
        rise = sign * (price[region] + weighted[region] @ off) + square[region]
        if rise <= limit:
            value += rise
            off = off + sign * counts[region]
            taken[region] ^= True
            if value < least:
                least, lowest = value, taken.copy()
    return lowest
