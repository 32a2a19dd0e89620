"""Databases for queries of an inventory: little memory, nothing left on the disk, and quick to end."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import lru_cache
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    import duckdb

_LARGE = 2**25  # bytes; then a database of its own gives back 100 MB when it ends
_MEMORY = "800MB"
_MOST_THREADS = 8  # each needs memory of its own
_BETWEEN_INTERRUPTS = 0.05  # seconds
_Config = dict[str, str | bool | int | float | list[str]]
_CLOSED: _Config = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_KEEP_FOOTERS = "SET parquet_metadata_cache = true"  # of files that many queries read
_QUIET = "SET enable_progress_bar = false"  # DuckDB draws one where Python has no script

Found = TypeVar("Found")


@contextmanager
def database_for(size: int) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A connection to query files of so many bytes; closing it ends no other.

    What large ones need beyond a limit of memory goes to a temporary folder, which goes with it.
    """
    import duckdb

    if size <= _LARGE:
        with _database(os.getpid()).cursor() as connection:
            yield connection
        return
    with TemporaryDirectory(prefix="benkit-queries-", ignore_cleanup_errors=True) as folder:
        limits: _Config = {
            "memory_limit": _MEMORY,
            "temp_directory": folder,
            "threads": min(os.cpu_count() or 1, _MOST_THREADS),
        }
        with duckdb.connect(config=_CLOSED | limits) as connection:
            connection.execute(_QUIET)
            with suppress(duckdb.CatalogException):  # earlier versions have no such setting
                connection.execute(_KEEP_FOOTERS)
            yield connection


@lru_cache(maxsize=1)
def _database(process: int) -> "duckdb.DuckDBPyConnection":
    """The database in memory of a process, whose cursors see nothing of each other's views.

    To start one for each query takes ten times as long as most queries.
    """
    import duckdb

    return duckdb.connect(config=_CLOSED).execute(_QUIET)


def at_once(connection: "duckdb.DuckDBPyConnection", work: Callable[[], Found]) -> Found:
    """What queries of a connection find; Ctrl-C ends them at once.

    DuckDB itself looks for signals between its tasks alone, of which a join may take minutes.
    """
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(work)
        try:
            return found.result()
        except BaseException:
            while not found.done():
                connection.interrupt()
                wait([found], _BETWEEN_INTERRUPTS)
            raise


def query_of(connection: "duckdb.DuckDBPyConnection", sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query; all integers are exact."""
    return at_once(connection, lambda: connection.execute(sql).fetchall())


def table_of(connection: "duckdb.DuckDBPyConnection", sql: str) -> pa.Table:
    """The same as a table."""
    return at_once(connection, lambda: connection.sql(sql).to_arrow_table())


def batches_of(
    connection: "duckdb.DuckDBPyConnection", sql: str, rows: int = 100_000
) -> Iterator[pa.RecordBatch]:
    """The rows of a query, some at a time."""
    found = at_once(connection, lambda: connection.sql(sql))
    # earlier versions of DuckDB have it under the other name
    begin = getattr(found, "to_arrow_reader", None) or found.fetch_arrow_reader
    reader = at_once(connection, lambda: begin(rows))
    while (batch := at_once(connection, lambda: next(reader, None))) is not None:
        yield batch
