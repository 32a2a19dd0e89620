"""Progress of the search, and searches for a given time."""

import time

import pyarrow as pa
import pytest

import benkit
from benkit.errors import OptionError

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
MARK = "not repeatable: searched in a given time of {} s, {} start"


@pytest.fixture
def table():
    places = [(column, row) for column in range(0, 90, 9) for row in range(0, 90, 15)]
    ids = [f"{PRODUCT}_{column:02d}_{row:02d}" for column, row in places]
    labels = [["A"] + ["B"] * (column > 40) for column, _ in places]
    return pa.table({"patch_id": ids, "labels": labels})


def test_each_start_is_told_and_changes_nothing(table):
    told = []
    made = benkit.split(table, progress=lambda *counts: told.append(counts))
    assert told == [(number, len(told), 0) for number in range(1, len(told) + 1)]
    assert len(told) > 1
    assert made.sides() == benkit.split(table).sides()
    assert made.warnings == made.evaluation.warnings == ()


def test_a_given_time_is_kept_and_the_split_marked(table):
    begin = time.monotonic()
    told = []
    made = benkit.split(table, seconds=1, progress=lambda *counts: told.append(counts))
    assert 1 <= time.monotonic() - begin < 10
    assert told[-1] == (1, 1, 0)
    assert len(told) > 1
    [mark] = made.warnings
    assert mark == f"{MARK.format(1, len(told))}{'s' * (len(told) != 1)}"
    assert made.evaluation.to_dict()["warnings"] == (mark,)
    assert benkit.Split(made).warnings == (mark,)
    assert set(made.side) == {"train", "test"}


@pytest.mark.parametrize("buffer", [0, 3000])
def test_an_interrupt_ends_a_search_for_a_given_time_with_the_best_so_far(table, buffer):
    begin = time.monotonic()

    def interrupt(done, total, size):
        if done < total:
            raise KeyboardInterrupt

    [first, *others] = benkit.folds(table, 3, buffer=buffer, seconds=1000, progress=interrupt)
    assert time.monotonic() - begin < 20
    assert first.warnings == (MARK.format("1,000", 1),)
    assert all(fold.evaluation.warnings[-1:] == first.warnings for fold in [first, *others])
    with pytest.raises(KeyboardInterrupt):
        benkit.folds(table, 3, progress=interrupt)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(table, seconds):
    for verb in (benkit.split, lambda *given, **named: benkit.folds(*given, 2, **named)):
        with pytest.raises(OptionError, match=f"more than 0 seconds, but it is {seconds}"):
            verb(table, seconds=seconds)
