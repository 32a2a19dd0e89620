"""Cells, near points, components and ragged ranges against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benkit.ground.grid import (
    TOUCHING,
    connected_components,
    distinct_cells,
    expand_ranges,
    near_pairs,
    neighbouring_cells,
    pairs_of_touching_cells,
)

whole = st.integers(-40, 40)
metres = st.floats(-1e7, 1e7, allow_subnormal=False)
sizes = st.one_of(st.integers(1, 30), st.floats(0.02, 1e5))


def points(numbers, dtype):
    return st.integers(0, 25).flatmap(lambda count: arrays(dtype, (count, 2), elements=numbers))


any_points = st.one_of(points(whole, np.int64), points(metres, np.float64))
cells = st.sets(st.tuples(whole, whole), max_size=25).map(
    lambda found: np.array(sorted(found), np.int64).reshape(-1, 2)
)


@given(any_points, sizes)
def test_each_point_is_in_the_cell_that_holds_it(points, size):
    found, of_point = distinct_cells(points, size)
    expected = [(int(x // size), int(y // size)) for x, y in points.tolist()]
    assert [tuple(cell) for cell in found.tolist()] == sorted(set(expected))
    assert [tuple(found[index].tolist()) for index in of_point] == expected


def test_a_cell_holds_its_lower_edges_and_not_its_upper_ones():
    found, of_point = distinct_cells(np.array([[0, 0], [9, 9], [10, 0], [0, 10], [-1, 0]]), 10)
    assert found[of_point].tolist() == [[0, 0], [0, 0], [1, 0], [0, 1], [-1, 0]]


@given(cells, st.sampled_from([0.5, 1.0, TOUCHING, 2.0, 2.5]))
def test_neighbouring_cells_are_those_of_brute_force(cells, reach):
    found = neighbouring_cells(cells, reach)
    assert len(found) == len(cells)
    apart = np.linalg.norm(cells[:, np.newaxis] - cells, axis=2)
    for cell, row in enumerate(found.tolist()):
        near = np.flatnonzero((apart[cell] > 0) & (apart[cell] <= reach)).tolist()
        assert row == near + [len(cells)] * (len(row) - len(near))


def test_touching_cells_share_an_edge_or_a_corner():
    square = np.array([(column, row) for column in range(5) for row in range(5)])
    found = neighbouring_cells(square, TOUCHING)[12]
    assert found.tolist() == [6, 7, 8, 11, 13, 16, 17, 18]


@given(any_points, sizes)
def test_near_pairs_are_those_of_brute_force(points, reach):
    pairs = near_pairs(points, reach)
    apart = np.abs(points[:, np.newaxis] - points).max(2)
    expected = np.argwhere(np.triu(apart < reach, 1))
    assert sorted(map(sorted, pairs.tolist())) == expected.tolist()


def test_points_as_far_apart_as_the_reach_are_not_near():
    row = np.array([[0, 0], [10, 0], [10, 9], [0, 10]])
    assert sorted(map(sorted, near_pairs(row, 10).tolist())) == [[1, 2]]


@given(any_points, sizes, st.integers(0, 400))
def test_pairs_of_touching_cells_are_those_of_brute_force_or_drawn_from_them(points, size, most):
    pairs, drawn = pairs_of_touching_cells(points, size, most, np.random.default_rng(0))
    cells = points // size
    apart = np.abs(cells[:, np.newaxis] - cells).max(2)
    expected = np.argwhere(np.triu(apart <= 1, 1)).tolist()
    found = sorted(map(sorted, pairs.tolist()))
    assert drawn == (len(expected) > most)
    if drawn:
        assert len(found) == most
        assert all(pair in expected for pair in found)
    else:
        assert found == expected


def test_each_pair_of_touching_cells_is_drawn_as_often_as_another():
    points = np.array([[x, y] for x in range(6) for y in range(x + 2)])
    everything, _ = pairs_of_touching_cells(points, 2, 10**6, np.random.default_rng(0))
    pairs, drawn = pairs_of_touching_cells(
        points, 2, 40 * len(everything), np.random.default_rng(1)
    )
    assert not drawn
    pairs, drawn = pairs_of_touching_cells(
        np.repeat(points, 30, axis=0), 2, 100 * len(everything), np.random.default_rng(1)
    )
    assert drawn
    places = np.sort(pairs // 30, axis=1)
    between = places[places[:, 0] != places[:, 1]]
    counts = np.unique(between, axis=0, return_counts=True)[1]
    assert len(counts) == len(everything)
    expected = 100 * len(everything) * 900 / (900 * len(everything) + 435 * len(points))
    assert abs(counts.mean() - expected) < 2
    assert counts.std() < 1.3 * np.sqrt(expected)


@given(st.integers(1, 25).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.tuples(*[st.integers(0, count - 1)] * 2), max_size=30),
    )
))  # fmt: skip
def test_components_are_what_hangs_together(graph):
    count, joined = graph
    found = connected_components(count, np.array(joined, np.int64).reshape(-1, 2))
    lists = [{member} for member in range(count)]
    for first, second in joined:
        merged = lists[first] | lists[second]
        for member in merged:
            lists[member] = merged
    firsts = sorted({min(members) for members in lists})
    assert found.tolist() == [firsts.index(min(members)) for members in lists]


@pytest.mark.parametrize("count", [0, 3])
def test_without_pairs_each_member_is_alone(count):
    nothing = np.empty((0, 2), np.int64)
    assert connected_components(count, nothing).tolist() == list(range(count))


def test_a_long_chain_is_one_component():
    order = np.random.default_rng(0).permutation(10_000)
    chain = np.stack([order[:-1], order[1:]], axis=1)
    assert not connected_components(len(order), chain).any()


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), max_size=12), st.booleans())
def test_ranges_one_after_the_other(ranges, from_zero):
    start, count = np.array(ranges, np.int64).reshape(-1, 2).T
    which, numbers = expand_ranges(0 if from_zero else start, count)
    expected = [
        (index, (0 if from_zero else first) + step)
        for index, (first, length) in enumerate(ranges)
        for step in range(length)
    ]
    assert list(zip(which.tolist(), numbers.tolist(), strict=True)) == expected
