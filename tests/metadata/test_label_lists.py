"""Labels as lists of any Arrow type, and labels that a patch lists twice."""

from fractions import Fraction

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError
from tests.making import PRODUCT

IDS = [f"{PRODUCT}_10_{row}" for row in (10, 30, 50)]
LABELS = [["Pastures", "Arable land"], [], ["Pastures"]]
TEXT = pa.string()


def encoded(lists):
    """Lists whose texts are numbers of a dictionary."""
    plain = pa.array(LABELS, pa.list_(TEXT))
    values = plain.values.dictionary_encode()
    if lists is pa.ListViewArray:
        offsets, sizes = (pa.array(some, pa.int32()) for some in ([0, 2, 2], [2, 0, 1]))
        return lists.from_arrays(offsets, sizes, values)
    kind = pa.int64() if lists is pa.LargeListArray else pa.int32()
    return lists.from_arrays(plain.offsets.cast(kind), values)


FORMS = {
    "list": pa.array(LABELS, pa.list_(TEXT)),
    "large_list": pa.array(LABELS, pa.large_list(pa.large_string())),
    "list_view": pa.array(LABELS, pa.list_view(TEXT)),
    "large_list_view": pa.array(LABELS, pa.large_list_view(TEXT)),
    "string_view": pa.array(LABELS, pa.list_view(pa.string_view())),
    "list_dictionary": encoded(pa.ListArray),
    "large_list_dictionary": encoded(pa.LargeListArray),
    "list_view_dictionary": encoded(pa.ListViewArray),
    "dictionary_of_lists": pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 2], pa.int8()), pa.array(LABELS, pa.list_(TEXT))
    ),
}
NOT_IN_PARQUET = ("dictionary_of_lists",)


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_read_from_every_kind_of_list(tmp_path, form):
    table = pa.table({"patch_id": IDS, "labels": FORMS[form]})
    assert benkit.Metadata(table).table["labels"].to_pylist() == LABELS
    assert benkit.Metadata(table.slice(1)).table["labels"].to_pylist() == LABELS[1:]
    if form not in NOT_IN_PARQUET:
        pq.write_table(table, tmp_path / "m.parquet")
        assert benkit.Metadata(tmp_path / "m.parquet").table["labels"].to_pylist() == LABELS


@pytest.mark.parametrize("make", [pa.list_, pa.large_list, pa.list_view, pa.large_list_view])
def test_lists_of_nothing_are_patches_without_labels(tmp_path, make):
    table = pa.table({"patch_id": IDS, "labels": pa.array([[], [], []], make(pa.null()))})
    pq.write_table(table, tmp_path / "m.parquet")
    for source in (table, tmp_path / "m.parquet"):
        assert benkit.summary(source).average_num_labels == 0


@pytest.mark.parametrize(
    "labels",
    [
        pa.array([["a"], None, []], pa.list_view(TEXT)),
        pa.array([["a"], ["b"], [None]], pa.large_list_view(TEXT)),
        pa.array([["a", "b"], None, ["c", "d"]], pa.list_(TEXT, 2)),
        pa.array([[None], [], []], pa.list_(pa.null())),
        pa.ListArray.from_arrays(
            [0, 1, 2, 3], ["a", "b", "c"], mask=pa.array([False, True, False])
        ),
    ],
)
def test_nulls_in_lists_of_any_kind_are_refused(tmp_path, labels):
    pq.write_table(pa.table({"patch_id": IDS, "labels": labels}), tmp_path / "m.parquet")
    with pytest.raises(InputFormatError, match="labels of every patch, but those of 1"):
        benkit.Metadata(tmp_path / "m.parquet")


@pytest.mark.parametrize(
    "labels", [["a;b", "", "c"], pa.array([[b"a"], [], []]), pa.array([{"a": 1}] * 3)]
)
def test_what_is_no_list_of_texts_is_refused_with_what_to_write(labels):
    with pytest.raises(InputFormatError, match="write lists of strings"):
        benkit.Metadata(pa.table({"patch_id": IDS, "labels": labels}))


TWICE = [["Pastures", "Arable land", "Pastures"], ["Pastures", "Pastures"], ["Arable land"]]
ONCE = [["Pastures", "Arable land"], ["Pastures"], ["Arable land"]]


@pytest.fixture
def twice(tmp_path):
    pq.write_table(pa.table({"patch_id": IDS, "labels": TWICE}), tmp_path / "twice.parquet")
    return tmp_path / "twice.parquet"


def test_a_label_counts_once_in_a_patch(twice, capsys):
    found = benkit.summary(twice)
    assert (found.average_num_labels, found.maximum_num_labels) == (Fraction(4, 3), 2)
    assert found.with_repeated_labels == 2
    assert main(["summary", str(twice), "--json"]) == 0
    printed = capsys.readouterr()
    assert '"average_num_labels": 1.33' in printed.out
    assert "2 of 3 patches list a label more than once; it counts once" in printed.err


def test_labels_that_come_once_are_not_spoken_of(tmp_path, capsys):
    pq.write_table(pa.table({"patch_id": IDS, "labels": ONCE}), tmp_path / "once.parquet")
    assert main(["summary", str(tmp_path / "once.parquet")]) == 0
    assert capsys.readouterr().err == ""


def test_splits_evaluations_and_pages_are_those_of_labels_that_come_once(twice):
    once = pa.table({"patch_id": IDS, "labels": ONCE})
    sides = {"train": IDS[:2], "test": IDS[2:]}
    assert benkit.evaluate(sides, twice).to_dict() == benkit.evaluate(sides, once).to_dict()
    split = [benkit.split(source, test=0.3) for source in (twice, once)]
    assert split[0].sides() == split[1].sides()
    assert benkit.web_map(twice) == benkit.web_map(once)
    assert "2 patches list a label more than once" in benkit.report(twice)
    assert "more than once" not in benkit.report(once)
