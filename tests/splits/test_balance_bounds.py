"""The least deviations of a side against all choices of whole units, and by hand."""

from itertools import chain, combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benkit.cli.split_table import show_evaluations
from benkit.reporting.page.split_section import split_section
from benkit.splits.balance_bounds import nearest_sum
from benkit.splits.evaluate import evaluate_split

PRODUCTS = [f"S2A_MSIL2A_2017{day}T101031_N9999_R022_T33UUP" for day in ("0613", "0713", "1213")]


def metadata(places, labels, countries=None):
    """Patches of one row of the tile, each by its product and column."""
    ids = [f"{PRODUCTS[date]}_{column:02d}_00" for date, column in places]
    table = pa.table({"patch_id": ids, "labels": pa.array(labels, pa.list_(pa.string()))})
    return table if countries is None else table.append_column("country", pa.array(countries))


def all_subsets(items):
    return chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))


def judged(table, in_test, in_train):
    ids = np.array(table["patch_id"].to_pylist(), object)
    return evaluate_split(table, {"train": ids[in_train].tolist(), "test": ids[in_test].tolist()})


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.integers(0, 12))
def test_the_nearest_sum_is_that_of_brute_force(sizes, part):
    off = min(abs(sum(some) * 12 - sum(sizes) * part) for some in all_subsets(sizes))
    found = nearest_sum(np.array(sizes), part, 12)
    assert abs(found * 12 - sum(sizes) * part) == off
    assert any(sum(some) == found for some in all_subsets(sizes))


def test_many_large_sizes_are_added_up_exactly_and_at_once():
    sizes = np.repeat(2 * np.arange(1, 500), 4)
    assert nearest_sum(sizes, 1, 4) == sizes.sum() // 4 - sizes.sum() // 4 % 2
    assert nearest_sum(np.append(sizes, 100_001), 1, 11) == 99_818
    assert nearest_sum(np.full(240_000, 2), 1, 3) == 160_000


PATCHES = st.lists(
    st.tuples(st.tuples(st.integers(0, 2), st.integers(0, 5)), st.sets(st.sampled_from("AB"))),
    min_size=2,
    max_size=10,
    unique_by=lambda patch: patch[0],
)


@settings(max_examples=25)
@given(PATCHES, st.data())
def test_no_choice_of_units_is_closer_and_each_value_alone_comes_as_close(patches, data):
    places, labels = zip(*patches, strict=True)
    countries = ["x" if column < 3 else "y" for _, column in places]
    table = metadata(places, [sorted(some) for some in labels], countries)
    split = np.array([data.draw(st.integers(0, 3)) > 0 for _ in patches])
    test = np.array([data.draw(st.booleans()) for _ in patches]) & split
    if not test.any():
        return
    found = judged(table, test, split & ~test).test
    on_split = [patch for patch in range(len(places)) if split[patch]]
    columns = sorted({places[patch][1] for patch in on_split})
    choices = [[p for p in on_split if places[p][1] in some] for some in all_subsets(columns)]
    seasons = ["winter" if date == 2 else "summer" for date, _ in places]
    kinds = {"label": labels, "season": [{s} for s in seasons], "country": map(set, countries)}
    least, freely = {}, {}
    for kind, values in kinds.items():
        of_patch = list(values)
        for value in sorted(set().union(*(of_patch[patch] for patch in on_split))):
            total = sum(value in of_patch[patch] for patch in on_split)
            reached = {sum(value in of_patch[p] for p in some) / total for some in choices}
            least[kind, value] = min(abs(share - found.fraction) for share in reached)
            freely[value] = min(abs(n / total - found.fraction) for n in range(total + 1))
    of_kind = {kind: [off for (k, _), off in least.items() if k == kind] for kind in kinds}
    possible = found.possible
    if of_kind["label"]:
        off = np.array(of_kind["label"]) / found.fraction
        assert possible.label_rms == pytest.approx(np.sqrt(np.mean(off**2)))
    else:
        assert possible.label_rms is None
    assert possible.season_deviation == pytest.approx(max(of_kind["season"]))
    assert possible.country_deviation == pytest.approx(max(of_kind["country"]))
    held = tuple(value for (_, value), off in least.items() if off > freely[value] + 1e-12)
    assert possible.held_by_units == held
    parted = {places[p][1] for p in np.flatnonzero(test)} & {
        places[p][1] for p in np.flatnonzero(split & ~test)
    }
    if not parted:
        assert found.season_deviation >= possible.season_deviation - 1e-12
        assert (found.label_rms or 0) >= (possible.label_rms or 0) - 1e-12


def test_whole_numbers_alone_keep_a_quarter_of_three_and_of_ten_patches_away():
    labels = [["rare"] * (place < 3) + ["often"] for place in range(20)]
    table = metadata([(0, place) for place in range(20)], labels, ["x"] * 10 + ["y"] * 10)
    test = np.arange(20) % 4 == 0
    possible = judged(table, test, ~test).test.possible
    assert possible.label_rms == pytest.approx(np.sqrt(((1 / 3 - 0.25) / 0.25) ** 2 / 2))
    assert possible.country_deviation == pytest.approx(0.05)
    assert possible.season_deviation == 0
    assert possible.held_by_units == ()
    assert possible.sentence() is None


def test_patches_on_one_ground_keep_shares_away_and_are_named(capsys):
    places = [(date, place) for place in range(4) for date in (0, 1)]
    table = metadata(places, [["pair"] * (place in (0, 1)) for _, place in places])
    test = np.array([place == 3 for _, place in places])
    found = judged(table, test, ~test)
    possible = found.test.possible
    assert possible.label_rms == 1  # none or two of four, at a quarter
    assert possible.held_by_units == ("pair",)
    assert possible.sentence() == (
        "patches that share ground stay together, which keeps the share of pair further from the "
        "fraction than whole numbers do"
    )
    assert possible.country_deviation is None
    show_evaluations({"split.csv": found})
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    below = lines[lines.index(next(line for line in lines if line.startswith("label dev"))) + 1]
    assert below.split() == ["least", "that", "is", "possible", "1.0000"]
    assert f"test: {possible.sentence()}" in " ".join(lines)
    assert max(map(len, lines)) <= 80
    page = split_section({"split": found})
    assert f"On the test side {possible.sentence()}" in page
    row = '<td>least label deviation possible</td><td class="number">1.0000</td>'
    assert row in page


def test_without_patches_of_the_side_nothing_is_said_to_be_possible():
    table = metadata([(0, 0), (0, 1)], [["A"], ["A"]], ["x", "x"])
    found = judged(table, np.zeros(2, bool), np.ones(2, bool)).to_dict()
    assert found["possible"] == {
        "label_rms": None,
        "season_deviation": None,
        "country_deviation": None,
        "held_by_units": (),
    }
