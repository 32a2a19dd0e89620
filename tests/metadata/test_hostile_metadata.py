"""Metadata and splits that are broken: one line that names the file, whichever verb is asked."""

import gzip
import os
import struct
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.inventory.table.inventory_file import writing_inventory
from benkit.metadata.metadata_file import read_metadata
from tests.conftest import ROOT

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
IDS = [f"{PRODUCT}_00_0{row}" for row in range(4)]
TEXTS = pa.list_(pa.string())
LABELS = pa.array([["Pastures"], ["Pastures", "Arable land"], [], ["Arable land"]], TEXTS)
SPLIT = ["train", "train", "test", None]
MILLION = "x" * 1_000_000


def columns(**others):
    """Columns of metadata with some of them replaced, or left out where None."""
    values = {"patch_id": IDS, "labels": LABELS, "split": SPLIT} | others
    return {name: column for name, column in values.items() if column is not None}


def write(path, **others):
    pq.write_table(pa.table(columns(**others)), path)
    return path


@pytest.fixture
def whole(tmp_path):
    """Metadata, a split and an inventory, which are whole."""
    write(tmp_path / "whole.parquet")
    (tmp_path / "whole.csv").write_text(f"train,test\n{IDS[0]},{IDS[1]}\n")
    with writing_inventory(tmp_path / "inventory.parquet"):
        pass
    return tmp_path


def calls_with_metadata(folder, file):
    """Every call that takes metadata."""
    inventory, split = folder / "inventory.parquet", folder / "whole.csv"
    return [
        ["summary", file],
        ["split", file, "--output", folder / "out.csv"],
        ["split", file, "--output", folder / "out.parquet", "--folds", "2"],
        ["evaluate", file],
        ["evaluate", split, "--metadata", file],
        ["footprints", file, "--output", folder / "out.parquet"],
        ["audit", inventory, "--metadata", file],
        ["report", inventory, "--metadata", file, "--output", folder / "out.html"],
        ["map", file, "--output", folder / "out.html"],
        ["map", inventory, "--metadata", file, "--output", folder / "out.html"],
        ["inspect", IDS[0], "--archive", folder, "--metadata", file],
    ]


def calls_with_patches(folder, file):
    """Every call that needs the ids only."""
    return [["overlaps", file]]


def calls_with_split(folder, file):
    """Every call that takes a split."""
    inventory, metadata = folder / "inventory.parquet", folder / "whole.parquet"
    page = ["--output", folder / "out.html"]
    return [
        ["evaluate", file, "--metadata", metadata],
        ["stats", inventory, "--split", file, "--side", "train"],
        ["report", inventory, "--metadata", metadata, "--split", file, *page],
        ["map", metadata, "--split", file, *page],
    ]


def refused(capsys, calls, file):
    """The one line that every call says of a file; nothing is written."""
    before = sorted(os.listdir(file.parent))
    lines = set()
    for call in calls:
        assert main([str(word) for word in call]) == 2, call[0]
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1, err
        lines.add(err.strip().removesuffix("; name the metadata with --metadata"))
    assert sorted(os.listdir(file.parent)) == before
    (line,) = lines
    assert line.startswith(f"benkit: {file}: ")
    assert len(line) < len(str(file)) + 400
    return line


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
def test_patch_ids(capsys, whole, case):
    ids, message = WRONG_IDS[case]
    file = write(whole / "wrong.parquet", patch_id=ids)
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert message in refused(capsys, calls, file)


@pytest.mark.parametrize("case", NO_PATCH_IDS)
def test_names_that_are_no_patch_ids(capsys, whole, case):
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
def test_labels(capsys, whole, case):
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
def test_countries(capsys, whole, values, message):
    file = write(whole / "wrong.parquet", country=values)
    assert message in refused(capsys, calls_with_metadata(whole, file), file)


def test_columns_of_one_name_or_of_none_that_is_needed(capsys, whole):
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


def no_utf8(column, others):
    """A text that is no UTF-8, before others."""
    offsets, text = struct.pack("<ii", 0, 3), b"\xff\xfeA"
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    if column == "labels":
        bad = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), bad)
    return pa.concat_arrays([bad, pa.array(others, bad.type)])


@pytest.mark.parametrize("column", ["patch_id", "labels"])
def test_texts_that_are_not_utf8(capsys, whole, column):
    others = {column: no_utf8(column, columns()[column][1:])}
    file = write(whole / "wrong.parquet", **others)
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def test_a_column_name_that_is_not_utf8(capsys, whole):
    file = whole / "wrong.parquet"
    pq.write_table(pa.table({"patch_id": ["a"], "column": ["b"]}), file, store_schema=False)
    file.write_bytes(file.read_bytes().replace(b"column", b"\xff\xfelumn"))
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def test_bytes_that_are_damaged(capsys, whole):
    file = write(whole / "wrong.parquet")
    content = file.read_bytes()
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    for text in (
        content[:4],
        content[: len(content) // 2],
        content[:-1],
        content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
        content[:20] + b"\xff" * 60 + content[80:],
        content[:-300] + b"\xff" * 40 + content[-260:],
    ):
        file.write_bytes(text)
        assert "expected a whole Parquet file, but it is damaged" in refused(capsys, calls, file)


def change_every_byte_of_the_footer(name):
    """Read metadata with each byte of the footer changed: each is read, or refused."""
    file = Path(name)
    content = file.read_bytes()
    first = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    for place in range(first, len(content)):
        changed = bytes([content[place] ^ 1])
        file.write_bytes(content[:place] + changed + content[place + 1 :])
        with suppress(InputFormatError):
            read_metadata(file)


def test_no_changed_byte_of_a_footer_ends_the_interpreter(whole):
    file = write(whole / "wrong.parquet")
    code = f"import sys; from {__name__} import *; change_every_byte_of_the_footer(sys.argv[1])"
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, cwd=ROOT, timeout=100, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_tables_of_other_kinds(capsys, whole):
    file = whole / "wrong.parquet"
    table = pa.table({"patch_id": IDS})
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    pa.orc.write_table(table, file)
    assert "expected a Parquet file, but it does not begin as one" in refused(capsys, calls, file)
    pa.feather.write_feather(table, file)
    assert "expected a Parquet file, but it does not begin as one" in refused(capsys, calls, file)
    for text in (b"", b"patch_id\n", b"{}", gzip.compress(b"patch_id\n"), b"\x80\x04K\x01."):
        file.write_bytes(text)
        assert "expected a Parquet file, but" in refused(capsys, calls, file)
    file.unlink()
    file.symlink_to(file)
    assert "Too many levels of symbolic links" in refused(capsys, calls, file)
    file.unlink()
    file.mkdir()
    calls = calls_with_metadata(whole, file)
    del calls[8]  # an empty folder in the place of an inventory is an archive
    assert "expected a file, but it is a folder" in refused(capsys, calls, file)


def test_what_unpacks_into_too_much(capsys, whole, monkeypatch):
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    monkeypatch.setattr("benkit.files.tables.parquet.MOST_ROWS", 10_000)
    file = whole / "wrong.parquet"
    calls = calls_with_metadata(whole, file) + calls_with_patches(whole, file)
    # The same text in every row takes next to nothing, with and without a dictionary for Arrow.
    for texts in (pa.array(["x" * 1000] * 500), pa.array(["x" * 1000] * 500).dictionary_encode()):
        pq.write_table(pa.table({"patch_id": texts, "labels": [[]] * 500}), file)
        assert file.stat().st_size < 2**13
        assert "but it unpacks into more" in refused(capsys, calls, file)
    pq.write_table(pa.table({"patch_id": ["0" * 2**17]}), file, compression="zstd")
    assert "but it unpacks into more" in refused(capsys, calls, file)
    pq.write_table(pa.table({"patch_id": ["x"] * 10_001}), file)
    assert "at most 10,000 rows, but it has 10,001" in refused(capsys, calls, file)


def test_what_has_no_end(capsys, whole, monkeypatch):
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    monkeypatch.setattr("benkit.files.tables.table.LARGEST_TABLE", 2**16)
    file = whole / "wrong.csv.gz"
    file.write_bytes(gzip.compress(b"patch_id\n" + b"0" * 2**17))
    assert "but it is larger" in refused(capsys, calls_with_patches(whole, file), file)
    file.unlink()
    file.symlink_to("/dev/zero")
    assert "but it is larger" in refused(capsys, calls_with_patches(whole, file), file)


def test_tables_that_are_read_a_few_rows_at_a_time(whole, monkeypatch):
    file = whole / "large.parquet"
    ids = [f"{PRODUCT}_{row // 90:02d}_{row % 90:02d}" for row in range(300)]
    labels = [["a"], [], ["b", "a"]] * 100
    country = pa.array(["a", None, "b"] * 100).dictionary_encode()
    write(file, patch_id=ids, labels=labels, country=country, split=None)
    expected = read_metadata(file)
    assert expected["country"].type == pa.string()
    monkeypatch.setattr("benkit.files.tables.parquet._ROWS_AT_ONCE", 7)
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    assert read_metadata(file).equals(expected)


def test_unusual_columns_that_are_whole(capsys, whole):
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


WRONG_SPLITS = {
    "twice on one side": (f"train,test\n{IDS[0]},{IDS[1]}\n{IDS[0]},\n", "is on train and train"),
    "on two sides": (f"train,test\n{IDS[0]},{IDS[0]}\n", f"but {IDS[0]} is on train and test"),
    "two rows": (f"patch_id,split\n{IDS[0]},train\n{IDS[0]},test\n", "is on train and test"),
    "no patch": (f"patch_id,split\n,train\n{IDS[0]},test\n", "but 1 of 2 rows have none"),
    "another side": (
        f"patch_id,split\n{IDS[0]},Train\n",
        "in the column split, but there is Train",
    ),
    "two columns": (f"train,train,test\n{IDS[0]},{IDS[1]},{IDS[2]}\n", "expected one column train"),
    "two columns split": (f"patch_id,split,split\n{IDS[0]},train,test\n", "one column split"),
    "no side": ("patch_id\na\n", "expected a split, with the columns train and test or"),
    "nothing": ("", "expected comma-separated values"),
}


@pytest.mark.parametrize("case", WRONG_SPLITS)
def test_splits(capsys, whole, case):
    text, message = WRONG_SPLITS[case]
    file = whole / "wrong.csv"
    file.write_text(text)
    assert message in refused(capsys, calls_with_split(whole, file), file)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"patch_id": [None, *IDS[1:]]}, "but 1 of 4 rows have none"),
        ({"patch_id": [1, 2, 3, 4]}, "expected strings in the column patch_id"),
        ({"split": [0, 1, 0, 1]}, "expected strings in the column split, but its type is int64"),
        ({"split": pa.nulls(4)}, "expected strings in the column split, but its type is null"),
        ({"split": ["a\n\x1b[31m"] * 4}, r"but there is a\n\x1b[31m"),
        ({"patch_id": IDS[:2] * 2, "split": ["train"] * 4}, "is on train and train"),
    ],
)
def test_splits_in_parquet(capsys, whole, others, message):
    file = write(whole / "wrong.parquet", **others)
    assert message in refused(capsys, calls_with_split(whole, file), file)


def test_patches_without_a_side_are_on_none(whole):
    from benkit import read_sides

    sides = read_sides(whole / "whole.parquet")
    assert sides == {"train": IDS[:2], "test": IDS[2:3]}
    (whole / "blank.csv").write_text(f"train,test\n{IDS[0]},{IDS[1]}\n  ,\n,{IDS[2]}\n")
    assert read_sides(whole / "blank.csv") == {"train": IDS[:1], "test": IDS[1:3]}


def test_a_file_that_is_no_metadata_is_not_said_to_lack_an_option(capsys, whole):
    file = write(whole / "wrong.parquet", patch_id=[1, 2, 3, 4])
    assert main(["evaluate", str(file)]) == 2
    assert "--metadata" not in capsys.readouterr().err
    assert main(["evaluate", str(whole / "whole.csv")]) == 2
    assert "name the metadata with --metadata" in capsys.readouterr().err
