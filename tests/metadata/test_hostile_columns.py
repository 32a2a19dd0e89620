"""Columns of metadata that hold something else: refused in one line, whichever verb is asked."""

from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from tests.hostile_tables import (
    IDS,
    TEXTS,
    calls_with_metadata,
    calls_with_patches,
    columns,
    refused,
    write,
    write_whole,
)

MILLION = "x" * 1_000_000


@pytest.fixture
def whole(tmp_path):
    return write_whole(tmp_path)


WRONG_IDS = {
    "integers": ([1, 2, 3, 4], "expected strings in the column patch_id, but its type is int64"),
    "bytes": ([b"a", b"b", b"c", b"d"], "but its type is binary"),
    "structs": ([{"a": 1}] * 4, "but its type is struct"),
    "dates": ([datetime(2018, 1, 1)] * 4, "but its type is timestamp"),
    "decimals": ([Decimal("1.5")] * 4, "but its type is decimal128"),
    "nulls only": (pa.nulls(4), "but its type is null"),
    "a null": ([*IDS[:3], None], "expected a patch_id in every row, but 1 of 4 rows have none"),
    "an empty text": (
        ["", *IDS[1:]],
        "expected a patch_id in every row, but 1 of 4 rows have none",
    ),
    "twice the same": (
        [*IDS[:3], IDS[0]],
        f"expected each patch_id once, but {IDS[0]} is repeated",
    ),
    "twice the same on two lines": (["a\nb", *IDS[2:], "a\nb"], r"but a\nb is repeated"),
}


NO_PATCH_IDS = {
    "short": ([*IDS[:3], "a"], "'a' is no patch id"),
    "lines and colours": ([*IDS[:3], "a\n\x1b[31m"], r"'a\n\x1b[31m' is no patch id"),
    "no tile": ([*IDS[:3], IDS[3].replace("33UUP", "99ZZZ")], "'99ZZZ' is no MGRS tile"),
    "no date": ([*IDS[:3], IDS[3].replace("20170613", "20170631")], "there is no date and time"),
    "a million characters": ([*IDS[:3], MILLION], "xxx'... is no patch id"),
}


@pytest.mark.parametrize("case", WRONG_IDS)
def test_wrong_patch_ids_are_refused(capsys, whole, case):
    ids, message = WRONG_IDS[case]
    file = write(whole / "wrong.parquet", patch_id=ids)
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert message in refused(capsys, calls, file)


@pytest.mark.parametrize("case", NO_PATCH_IDS)
def test_names_that_are_no_patch_ids_are_refused_where_they_are_parsed(capsys, whole, case):
    ids, message = NO_PATCH_IDS[case]
    file = write(whole / "wrong.parquet", patch_id=ids)
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    by_name = [call for call in calls if call[0] in ("audit", "inspect")]  # any text is a name
    assert message in refused(capsys, [call for call in calls if call not in by_name], file)


WRONG_LABELS = {
    "texts": (["a"] * 4, "expected a list of strings in the column labels, but its type is string"),
    "integers": ([[1]] * 4, "but its type is list<element: int64>"),
    "lists of lists": ([[["a"]]] * 4, "but its type is list<element: list"),
    "nulls only": (pa.nulls(4), "but its type is null"),
    "a null": (pa.array([["a"], None, [], []], TEXTS), "expected the labels of every patch, but"),
    "null in a list": ([["a"], ["b"], ["a", None], []], f"those of 1, such as {IDS[2]}, are null"),
    "too many names": (
        [[str(i) for i in range(1001)]] * 4,
        "expected at most 1,000 different names",
    ),
    "none": (None, "expected the column labels, but there is only patch_id, split"),
}


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_wrong_labels_are_refused(capsys, whole, case):
    labels, message = WRONG_LABELS[case]
    file = write(whole / "wrong.parquet", labels=labels)
    assert message in refused(capsys, calls_with_metadata(whole, file), file)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([{"a": 1}] * 4, "expected strings in the column country, but its type is struct"),
        ([["a"]] * 4, "expected strings in the column country, but its type is list"),
        ([b"\xff"] * 4, "expected strings in the column country, but its type is binary"),
    ],
)
def test_countries_that_are_no_texts_are_refused(capsys, whole, values, message):
    file = write(whole / "wrong.parquet", country=values)
    assert message in refused(capsys, calls_with_metadata(whole, file), file)


def test_columns_of_one_name_and_missing_ones_are_refused(capsys, whole):
    file = whole / "wrong.parquet"
    table = pa.table(columns())
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    for name in ("patch_id", "labels", "split"):
        pq.write_table(table.append_column(name, table[name]), file)
        assert f"expected one column {name}, but there are several" in refused(capsys, calls, file)
    pq.write_table(table.append_column("a\nb", table["split"]).append_column("a\nb", [IDS]), file)
    assert r"expected one column a\nb, but" in refused(capsys, calls, file)
    pq.write_table(pa.table({f"c{number}": [1] for number in range(300)}), file)
    assert "c18, c19 and 280 more" in refused(capsys, calls_with_metadata(whole, file), file)
    pq.write_table(table.rename_columns(["Patch_ID", "labels", "split"]), file)
    assert "there is only Patch_ID, labels, split" in refused(capsys, calls, file)


def test_unusual_columns_that_are_whole_are_read(capsys, whole):
    others = {
        "patch_id": pa.array(IDS).dictionary_encode(),
        "labels": pa.array([["a"], ["b"], ["a"], ["b"]], pa.list_(pa.large_string(), 1)),
        "country": pa.array([1, 2, 1, 2]),
        "nested": pa.array([[{"a": [1]}]] * 4),
        "dates": pa.array([datetime(2018, 1, 1)] * 4),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * 4, pa.binary(16))),
        "": pa.array([MILLION] * 4),
        "a\nb": pa.array([None] * 4),
    }
    file = write(whole / "unusual.parquet", **others)
    for call in calls_with_metadata(whole, file)[:6] + calls_with_patches(whole, file):
        assert main([str(word) for word in call]) == 0, call
    assert "Traceback" not in capsys.readouterr().err


def test_a_table_without_rows_is_told_as_such(capsys, whole):
    none = {"patch_id": pa.array([], pa.string()), "labels": pa.array([], TEXTS), "split": None}
    file = write(whole / "empty.parquet", **none)
    assert main(["summary", str(file), "--json"]) == 0
    assert '"patches": 0' in capsys.readouterr().out
    assert main(["overlaps", str(file), "--json"]) == 0
    assert '"patches": 0' in capsys.readouterr().out


def test_a_file_that_is_no_metadata_is_not_said_to_lack_an_option(capsys, whole):
    file = write(whole / "wrong.parquet", patch_id=[1, 2, 3, 4])
    assert main(["evaluate", str(file)]) == 2
    assert "--metadata" not in capsys.readouterr().err
    assert main(["evaluate", str(whole / "whole.csv")]) == 2
    assert "name the metadata with --metadata" in capsys.readouterr().err
