import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benkit.errors import BenkitError, InputFormatError, MissingInputError, OptionError
from benkit.files.tables.table import (
    read_patch_list,
    read_table,
    write_table,
)
from benkit.metadata.metadata_file import read_metadata
from benkit.splits.split_file import read_sides, write_sides


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_metadata_of_other_arrow_types(tmp_path):
    ids = pa.array(["a", "b"]).dictionary_encode()
    labels = pa.array([["x"], []], pa.large_list(pa.large_string()))
    table = read_metadata(
        parquet(tmp_path / "m.parquet", labels=labels, patch_id=ids, extra=[1, 2])
    )
    assert table.schema.field("patch_id").type == pa.string()
    assert table.schema.field("labels").type == pa.list_(pa.string())
    assert table.column_names == ["labels", "patch_id", "extra"]


LABELS = pa.array([["x"], ["y"]])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"patch_id": ["a", "b"]}, "expected the column labels"),
        ({"labels": LABELS}, "expected the column patch_id"),
        ({"patch_id": [1, 2], "labels": LABELS}, "expected strings in the column patch_id"),
        ({"patch_id": ["a", None], "labels": LABELS}, "1 of 2 rows have none"),
        ({"patch_id": ["a", "a"], "labels": LABELS}, "a is repeated"),
        ({"patch_id": ["a", "b"], "labels": ["x", "y"]}, "expected a list of strings"),
    ],
)
def test_metadata_that_is_something_else(tmp_path, columns, message):
    path = parquet(tmp_path / "metadata.parquet", **columns)
    with pytest.raises(InputFormatError, match=message) as caught:
        read_metadata(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_damaged_and_foreign_files(tmp_path):
    with pytest.raises(MissingInputError, match="there is nothing"):
        read_metadata(tmp_path / "none.parquet")
    with pytest.raises(InputFormatError, match="it is a folder"):
        read_metadata(tmp_path)
    whole = parquet(tmp_path / "m.parquet", patch_id=["a", "b"], labels=LABELS).read_bytes()
    cut = tmp_path / "cut.parquet"
    for length in (0, 3, 4, 10, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        with pytest.raises(InputFormatError, match=r"cut\.parquet: expected a"):
            read_metadata(cut)


@pytest.mark.parametrize("name", ["list.csv", "list.csv.gz", "list.parquet"])
def test_patch_lists(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        parquet(path, tile=["t", "t", "t"], patch_id=["b", "a", "b"])
    else:
        content = b"\xef\xbb\xbftile,patch_id\r\nt,b\r\nt,a\r\nt,b\r\n"
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_patch_list(path) == ["b", "a"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.csv", b"", "expected comma-separated"),
        ("list.csv", b"tile\nx\n", "expected the column patch_id"),
        ("list.csv", b"tile,patch_id\n", "it names none"),
        ("list.csv", b"tile,patch_id\na,b,c\n", "expected comma-separated"),
        ("list.csv", b"\xff\xfe\x00\n", "expected comma-separated"),
        ("list.csv.gz", b"tile,patch_id\na,b\n", "expected a gzipped file"),
        (
            "list.csv.gz",
            gzip.compress(b"tile,patch_id\na,b\n" * 99, mtime=0)[:-20],
            "it is damaged",
        ),
        ("list.txt", b"patch_id\na\n", "expected a Parquet file"),
    ],
)
def test_lists_that_are_something_else(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputFormatError, match=message) as caught:
        read_patch_list(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_sides_of_any_length_survive_a_round_trip(tmp_path):
    sides = {"train": ["a", "b", "c"], "validation": [], "test": ["d"]}
    write_sides(sides, tmp_path / "split.csv")
    assert (tmp_path / "split.csv").read_bytes() == b"train,validation,test\na,,d\nb,,\nc,,\n"
    assert read_sides(tmp_path / "split.csv") == sides


def test_sides_of_the_official_metadata(shared_data):
    sides = read_sides(shared_data / "metadata.parquet")
    assert sorted(sides) == ["test", "train", "validation"]
    assert sum(map(len, sides.values())) == 480_038


def test_what_is_no_split_is_refused(tmp_path):
    path = parquet(tmp_path / "m.parquet", patch_id=["a"])
    with pytest.raises(InputFormatError, match="expected a split"):
        read_sides(path)


def test_tables_by_suffix(tmp_path):
    table = pa.table({"a": [1, None], "b": [["x", "y"], []]})
    for name in ("t.parquet", "t.csv", "t.json"):
        write_table(table, tmp_path / name)
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
    assert (tmp_path / "t.csv").read_text() == '"a","b"\n1,"x;y"\n,""\n'
    assert json.loads((tmp_path / "t.json").read_text()) == table.to_pylist()
    with pytest.raises(OptionError, match=r"t\.xlsx: expected a name"):
        write_table(table, tmp_path / "t.xlsx")
    with pytest.raises(BenkitError, match="cannot be written"):
        write_table(table, tmp_path / "t.csv" / "below.csv")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1", "a,=1", 'say "=1"']
ANY_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.text("'=+-@\t\r\n,\"a", max_size=5),
)


def cells_of(path):
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))


def test_no_cell_of_a_table_begins_a_formula_and_numbers_stay(tmp_path):
    count = len(FORMULAS)
    lists = [[text, "b"] for text in FORMULAS]
    table = pa.table({"=name": FORMULAS, "lists": lists, "number": [-1] * count})
    write_table(table, tmp_path / "t.csv")
    cells = cells_of(tmp_path / "t.csv")
    assert cells[0] == ["'=name", "lists", "number"]
    assert all(cell[:1] not in tuple("=+-@\t\r") for row in cells for cell in row[:2])
    assert {row[2] for row in cells[1:]} == {"-1"}
    again = read_table(tmp_path / "t.csv")
    assert again["=name"].to_pylist() == FORMULAS
    assert again["lists"].to_pylist() == [";".join(texts) for texts in lists]


def test_no_cell_of_a_split_begins_a_formula(tmp_path):
    ids = [text for text in FORMULAS if text == text.strip()]
    write_sides({"train": ids, "test": ["-2"]}, tmp_path / "split.csv")
    cells = cells_of(tmp_path / "split.csv")
    assert all(cell[:1] not in tuple("=+-@\t\r") for row in cells for cell in row)
    assert read_sides(tmp_path / "split.csv") == {"train": ids, "test": ["-2"]}


@given(st.lists(ANY_TEXT, min_size=1))
def test_every_text_survives_a_csv(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    write_table(pa.table({"text": texts, "row": range(len(texts))}), path)
    assert read_table(path)["text"].to_pylist() == texts


@given(st.lists(ANY_TEXT.map(str.strip).filter(bool), min_size=1, unique=True))
def test_every_patch_id_survives_a_split(tmp_path_factory, ids):
    path = tmp_path_factory.getbasetemp() / "any-split.csv"
    write_sides({"train": ids, "test": []}, path)
    assert read_sides(path) == {"train": ids, "test": []}
