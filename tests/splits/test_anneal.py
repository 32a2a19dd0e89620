"""What a move adds to the objective, and where annealing ends, against it computed in full."""

from itertools import product

import numpy as np
import pytest

from benkit.splits.search.anneal import AnnealingState, Objective, Schedule, anneal, value
from benkit.splits.search.combine import combine

SIDES = 3
GRID = [(column, row) for column in range(4) for row in range(2)]


def random_goal(seed: int, grid: list[tuple[int, int]] = GRID) -> Objective:
    random = np.random.default_rng(seed)
    apart = np.array([[(a - c) ** 2 + (b - d) ** 2 for a, b in grid] for c, d in grid])
    near, beside = (
        np.sort(np.where((apart > 0) & (apart <= most), np.arange(len(grid)), len(grid)), axis=1)
        for most in (2, 1)
    )
    price = np.zeros((len(grid), len(grid) + 1), np.int64)
    price[:, :-1] = random.integers(1, 2_000, (len(grid), len(grid)))
    price[:, :-1] += price[:, :-1].T
    amounts = random.integers(0, 40, (len(grid), 3))
    targets = np.outer([5, 3, 2], amounts.sum(0)) // 10
    return Objective(
        amounts=amounts,
        targets=targets,
        weights=np.array([0, 2, 5]),
        exposure=random.integers(1, 9_000, len(grid)),
        prices=np.array([0, 1, 3]),
        within_reach=near,
        beside=beside,
        border=np.take_along_axis(price, beside, axis=1),
        movable=np.ones(len(grid), bool),
        most_shift=np.zeros_like(targets),
    )


def height(objective: Objective, side: tuple[int, ...]) -> int:
    """The objective as its docstring defines it."""
    total = 0
    for block, mine in enumerate(side):
        if any(near < len(side) and side[near] != mine for near in objective.within_reach[block]):
            total += int(objective.exposure[block] * objective.prices[mine])
        for near, price in zip(objective.beside[block], objective.border[block], strict=True):
            total += int(price) * (block < near < len(side) and side[near] != mine)
    for number in range(SIDES):
        counts = objective.amounts[np.array(side) == number].sum(0)
        total += int(objective.weights[number] * ((counts - objective.targets[number]) ** 2).sum())
    return total


@pytest.mark.parametrize("seed", range(4))
def test_a_rise_is_the_difference_of_the_goal(seed):
    objective, random = random_goal(seed), np.random.default_rng(seed)
    state = AnnealingState(objective, random.integers(0, SIDES, len(GRID)).astype(np.uint8))
    for _ in range(200):
        block = int(random.integers(len(GRID)))
        there = int((state.side[block] + random.integers(1, SIDES)) % SIDES)
        before = height(objective, tuple(state.side[:-1]))
        blocks, to = np.array([block]), np.array([there], np.uint8)
        (rise,) = state.rises(blocks, to)
        state.put(blocks, to)
        after = height(objective, tuple(state.side[:-1]))
        assert value(objective, state.side[:-1]) == after
        assert after - before == rise


@pytest.mark.parametrize("seed", range(4))
def test_no_single_move_lowers_the_goal_that_was_found(seed):
    objective = random_goal(seed)
    start = np.zeros(len(GRID), np.uint8)
    found, reached = anneal(
        objective, start, Schedule(20_000, 20_000, 1, 30), np.random.PCG64(seed)
    )
    least = height(objective, tuple(found.tolist()))
    assert reached == least
    assert least < height(objective, tuple(start.tolist()))
    for block, there in product(range(len(GRID)), range(SIDES)):
        assert (
            height(objective, (*found[:block].tolist(), there, *found[block + 1 :].tolist()))
            >= least
        )


def test_the_best_of_all_sides_is_not_left_in_the_cold():
    objective = random_goal(0)
    best = min(product(range(SIDES), repeat=len(GRID)), key=lambda side: height(objective, side))
    found, _ = anneal(
        objective, np.array(best, np.uint8), Schedule(2_000, 1e-3, 1e-3, 30), np.random.PCG64(0)
    )
    assert tuple(found.tolist()) == best


@pytest.mark.parametrize("seed", range(4))
def test_the_best_choice_of_regions_is_put_together(seed):
    grid = [(column, row) for column in range(13) for row in range(7)]
    objective, random = random_goal(seed, grid), np.random.default_rng(seed)
    first = random.integers(0, SIDES, len(grid)).astype(np.uint8)
    corners = [(0, 0), (0, 5), (6, 2), (11, 0), (11, 5)]
    regions = [
        [grid.index((column + right, row + up)) for right in (0, 1) for up in (0, 1)]
        for column, row in corners
    ]
    other = first.copy()
    for region in regions:
        other[region] = (first[region] + random.integers(1, SIDES, len(region))) % SIDES
    choices = []
    for taken in product((False, True), repeat=len(regions)):
        side = first.copy()
        for blocks in (region for region, is_taken in zip(regions, taken, strict=True) if is_taken):
            side[blocks] = other[blocks]
        choices.append(side)
    least = min(height(objective, tuple(side.tolist())) for side in choices)
    found = combine(objective, [first, other], np.random.PCG64(seed))
    assert (
        height(objective, tuple(found.tolist())) == least < height(objective, tuple(first.tolist()))
    )


def test_sides_that_agree_stay_as_they_are():
    objective = random_goal(0)
    side = np.arange(len(GRID), dtype=np.uint8) % SIDES
    assert combine(objective, [side, side], np.random.PCG64(0)).tolist() == side.tolist()
