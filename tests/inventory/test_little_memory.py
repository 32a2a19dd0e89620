"""Queries of large inventories: a limit of memory, a folder that is cleared, an end at once."""

import subprocess
import sys
import tempfile

import pyarrow as pa
import pytest

from benkit.files.tables import kept
from benkit.files.tables.kept import kept_table, slices_of
from benkit.inventory.table.database import database_for, query_of

ENDLESS = "SELECT sum(a.i + b.j) FROM range(3000000) AS a(i), range(3000000) AS b(j)"
LARGE = 2**40  # bytes of an inventory


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


INTERRUPTED = """
import os, signal, sys, tempfile, threading
from benkit.inventory.table.database import batches_of, database_for, query_of

folder, sql = sys.argv[1:]
tempfile.tempdir = folder

def ask_and_interrupt(connection, ask):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    list(ask(connection, sql))

for ask in query_of, batches_of:
    try:
        with database_for(2**40) as connection:
            assert os.listdir(folder)
            ask_and_interrupt(connection, ask)
    except KeyboardInterrupt:
        print("ended", os.listdir(folder))
with database_for(0) as connection:
    try:
        ask_and_interrupt(connection, query_of)
    except KeyboardInterrupt:
        print("ended", query_of(connection, "SELECT 7"))
"""


def test_ctrl_c_ends_a_join_at_once_and_clears_what_was_spilled(tmp_path):
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), ENDLESS]
    said = subprocess.check_output(command, text=True, timeout=60)
    assert said.splitlines() == ["ended []", "ended []", "ended [(7,)]"]


def test_what_does_not_fit_into_memory_is_spilled_and_cleared(folder):
    def many():
        with database_for(LARGE) as connection:
            connection.execute("SET memory_limit = '40MB'; SET threads = 1")
            query_of(
                connection, "CREATE TEMP TABLE t AS SELECT hash(i) AS h FROM range(8000000) r(i)"
            )
            assert [path for path in folder.rglob("*") if path.is_file()]
            raise RuntimeError("as a query may fail")

    with pytest.raises(RuntimeError, match="as a query may fail"):
        many()
    assert not list(folder.iterdir())


def test_a_table_of_many_batches_lies_in_a_file_that_nobody_sees(folder, monkeypatch):
    monkeypatch.setattr(kept, "_MOST_IN_MEMORY", 100)
    schema = pa.schema([pa.field("n", pa.int64(), nullable=False)])
    batches = [pa.record_batch({"n": range(start, start + 10)}) for start in range(0, 100, 10)]
    table = kept_table(iter(batches), schema)
    assert table.schema == schema
    assert table["n"].to_pylist() == [*range(100)]
    assert not list(folder.iterdir())
    assert kept_table([], schema).num_rows == 0


@pytest.mark.parametrize("size", [0, LARGE])
def test_queries_draw_no_progress_of_their_own(size):
    code = (
        "from benkit.inventory.table.database import database_for, query_of\n"
        f"with database_for({size}) as connection:\n"
        "    print(query_of(connection, \"SELECT current_setting('enable_progress_bar')\"))"
    )
    command = [sys.executable, "-c", code]  # without a script DuckDB would
    assert subprocess.check_output(command, text=True) == "[(False,)]\n"


def test_slices_of_a_table_in_a_file_give_all_rows_as_often_as_asked(monkeypatch):
    monkeypatch.setattr(kept, "_MOST_IN_MEMORY", 100)
    schema = pa.schema([("n", pa.int64())])
    batches = [pa.record_batch({"n": range(start, start + 10)}) for start in range(0, 100, 10)]
    table = kept_table(iter(batches), schema)
    for _ in range(2):
        slices = [some["n"].to_pylist() for some in slices_of(table, 33)]
        assert [len(some) for some in slices] == [33, 33, 33, 1]
        assert [n for some in slices for n in some] == [*range(100)]
    assert [len(some) for some in slices_of(schema.empty_table(), 33)] == [0]
