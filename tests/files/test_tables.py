import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benkit.errors import BenkitError, OptionError
from benkit.files.tables.table import read_table, write_table
from tests.making import ANY_TEXT, FORMULAS, cells_of


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


@given(st.lists(ANY_TEXT, min_size=1))
def test_every_text_survives_a_csv(tmp_path_factory, texts):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    write_table(pa.table({"text": texts, "row": range(len(texts))}), path)
    assert read_table(path)["text"].to_pylist() == texts


@pytest.mark.parametrize("rows", [0, 1, 120_000])
def test_a_long_table_is_written_as_a_short_one(tmp_path, rows):
    table = pa.table({"n": pa.array(range(rows), pa.int64()), "text": pa.array(["a"] * rows)})
    for suffix in (".parquet", ".csv", ".json"):
        write_table(table, tmp_path / f"t{suffix}")
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
    assert (tmp_path / "t.csv").read_text() == '"n","text"\n' + "".join(
        f'{n},"a"\n' for n in range(rows)
    )
    assert (tmp_path / "t.json").read_text() == json.dumps(table.to_pylist(), indent=1) + "\n"
