"""Query an inventory on disk."""

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2, BUILT_IN, built_in, parse_layout
from benkit.errors import BenkitError, InputFormatError, MissingInputError, first_line
from benkit.files.file_kinds import kind_of
from benkit.files.remote.location import as_path
from benkit.files.tables.table_value import TableValue
from benkit.inventory.table.check import ON_DISK, columns_sql, wrong_row, wrong_types
from benkit.inventory.table.database import at_once, batches_of, database_for, query_of, table_of
from benkit.inventory.table.inventory_writer import CONTAINER, CONTAINERS, DESCRIPTION, LAYOUT
from benkit.inventory.table.parts import (
    damaged_file,
    files_of_inventory,
    head_of,
    name_of_file,
)
from benkit.inventory.table.schema import ADDED_IN_VERSION_2, INVENTORY_SCHEMA

if TYPE_CHECKING:
    import duckdb

_ROWS_PER_GROUP = 120_000
_PATCHES_AT_ONCE = 20_000
_LEFT_IN = "patch_id IS NULL OR patch_id NOT IN (SELECT patch_id FROM left_out)"


@dataclass(frozen=True, repr=False)
class Inventory(TableValue):
    """An inventory on disk.

    Parameters
    ----------
    path : str or path
    source : str, optional
        Its name in errors, if not its path.
    left_out : pyarrow.StringArray, optional
        Patches of which queries see nothing.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputFormatError
        If it is no inventory.
    """

    path: str | os.PathLike[str]
    source: str | None = None
    left_out: pa.StringArray | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Refuse what is no inventory."""
        try:
            if kind := kind_of(self._first.stat().st_mode):  # opening a pipe would never end
                self._refuse(f"but it is {kind}", self._first)
            names = self._names()
            assert self.files, "a head is a file"
        except BenkitError:
            raise
        except FileNotFoundError:
            raise MissingInputError(
                f"{self.name}: expected an inventory or the folder of an archive, but there is "
                "nothing"
            ) from None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            self._refuse_damaged(self._first, error)
        needed = [name for name in INVENTORY_SCHEMA.names if name not in ADDED_IN_VERSION_2]
        if missing := [name for name in needed if name not in names]:
            self._refuse(f"but it lacks the column {', '.join(missing)}")
        if repeated := [name for name in INVENTORY_SCHEMA.names if names.count(name) > 1]:
            self._refuse(f"but there are several columns {repeated[0]}")
        with self._connection() as (connection, types):
            work = partial(wrong_row, connection, types, self.layout.band_names)
            if text := at_once(connection, work):
                self._refuse(f"but in {text}")

    def _facts(self) -> str:
        return self.name

    def _batches(self) -> pa.RecordBatchReader:
        batches = itertools.chain.from_iterable(map(self._batches_of, self.files))
        return pa.RecordBatchReader.from_batches(pq.read_schema(self._first), batches)

    def _batches_of(self, file: Path) -> Iterator[pa.RecordBatch]:
        with self._naming(file):
            yield from pq.ParquetFile(file).iter_batches()

    @property
    def _first(self) -> Path:
        """The file that tells of all."""
        return head_of(as_path(self.path))

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the rows, in their order: one, or those of all parts."""
        return files_of_inventory(as_path(self.path))

    @cached_property
    def rows(self) -> int:
        """Number of rows of all files."""
        number = 0
        for path in self.files:
            with self._naming(path):
                number += pq.read_metadata(path).num_rows
        return number

    def _head(self, rows: int) -> tuple[pa.Table, int]:
        first: list[pa.RecordBatch] = []
        for path in self.files:  # of which no more is read than these rows
            if (wanted := rows - sum(map(len, first))) > 0:
                with self._naming(path):
                    first += itertools.islice(pq.ParquetFile(path).iter_batches(wanted), 1)
        return pa.Table.from_batches(first, pq.read_schema(self._first)), self.rows

    def _names(self) -> list[str]:
        return pq.read_schema(self._first).names

    @cached_property
    def layout(self) -> Layout:
        """The layout of the archive; BigEarthNet v2.0, Sentinel-2, where the file does not say."""
        said = pq.read_schema(self._first).metadata or {}
        text, name = said.get(DESCRIPTION.encode()), said.get(LAYOUT.encode(), b"").decode()
        if text is not None:
            return parse_layout(text.decode(), self.name)
        return built_in(name) if name in BUILT_IN else BIGEARTHNET_S2

    @cached_property
    def container(self) -> str | None:
        """What the archive lay in when it was scanned, of `CONTAINERS`; None for a folder."""
        said = (pq.read_schema(self._first).metadata or {}).get(CONTAINER.encode(), b"").decode()
        if said and said not in CONTAINERS:
            self._refuse(f"but it is of an archive in {said!r}")
        return said or None

    @property
    def lacking(self) -> tuple[str, ...]:
        """Columns that a new scan would add, since the file is of an earlier version."""
        names = self._names()
        return tuple(name for name in ADDED_IN_VERSION_2 if name not in names)

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.source or str(self.path)

    def _refuse(self, what: str, file: Path | None = None) -> NoReturn:
        raise InputFormatError(
            f"{self._name_of(file)}: expected an inventory as `benkit scan` writes it, {what}; "
            "scan the archive again"
        )

    def _refuse_damaged(self, file: Path, error: Exception) -> NoReturn:
        raise InputFormatError(
            f"{self._name_of(file)}: expected a whole inventory, as `benkit scan` writes it, but it is "
            f"damaged ({first_line(error)}); copy it again, or scan the archive again"
        ) from None

    def _name_of(self, file: Path | None) -> str:
        """What errors call one of its files; all of it if none is given."""
        where = as_path(self.path)
        return name_of_file(file or where, where, self.name)

    @contextmanager
    def _naming(self, file: Path) -> Iterator[None]:
        """Let an error about a damaged file name it."""
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            self._refuse_damaged(file, error)

    def query(self, sql: str, **tables: pa.Table) -> list[tuple[Any, ...]]:
        """Rows of an SQL query of the table ``inventory`` and further tables; all integers are exact."""
        with self.session(**tables) as connection:
            return query_of(connection, sql)

    def query_table(self, sql: str, **tables: pa.Table) -> pa.Table:
        """The same as a table, for results of many rows."""
        with self.session(**tables) as connection:
            return table_of(connection, sql)

    @contextmanager
    def session(self, **tables: pa.Table) -> "Iterator[duckdb.DuckDBPyConnection]":
        """A connection for several queries, of the same tables and of those that they make."""
        with self._connection() as (connection, _):
            for name, table in tables.items():
                connection.register(name, table)
            yield connection

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Queries within share a database, since to end one for each takes longer than most of them."""
        with self._database() as database:
            self.__dict__["_shared"] = database
            try:
                yield
            finally:
                del self.__dict__["_shared"]

    def _database(self) -> "AbstractContextManager[duckdb.DuckDBPyConnection]":
        """A connection of its own for each who asks."""
        shared = self.__dict__.get("_shared")
        if shared is not None:
            return closing(shared.cursor())
        return database_for(sum(file.stat().st_size for file in self.files))

    def batches(self, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """Some columns as they lie on disk, so many rows at a time, texts as dictionaries."""
        texts = [field.name for field in INVENTORY_SCHEMA if field.type == pa.string()]
        for path in self.files:
            own = [name for name in texts if name in columns]
            with self._naming(path):
                file = pq.ParquetFile(path, read_dictionary=own)
                # all groups at once would stay in memory to the end
                for group in range(file.num_row_groups):
                    for batch in file.iter_batches(rows, row_groups=[group], columns=list(columns)):
                        yield pa.Table.from_batches([batch])

    def without(self, patches: pa.StringArray) -> "Inventory":
        """The same, of which queries see nothing of some patches."""
        return replace(self, left_out=patches)

    @property
    def patch_ids(self) -> pa.ChunkedArray:
        """The patches of which there is a band, each once."""
        return self.query_table(
            "SELECT DISTINCT patch_id FROM inventory WHERE band IS NOT NULL ORDER BY patch_id"
        )["patch_id"]

    @cached_property
    def without_pixel_hash(self) -> str | None:
        """The first band that was read but has no ``pixel_hash``, so that copies cannot be told."""
        rows = self.query(
            "SELECT patch_id, band FROM inventory WHERE status = 'ok' AND pixel_hash IS NULL LIMIT 1"
        )
        return " ".join(rows[0]) if rows else None

    def require_pixel_hashes(self) -> None:
        """Refuse an inventory that does not tell which bands have equal pixels."""
        if band := self.without_pixel_hash:
            self._refuse(f"with a pixel_hash of each band, but {band} has none")

    def rows_of(self, patches: pa.Table) -> Iterator[pa.Table]:
        """The rows of bands of some patches, some at a time, with the columns of `INVENTORY_SCHEMA`.

        They come in the order of a scan. ``patches`` has the columns ``product`` and ``patch_id``, and
        is in their order.
        """
        in_order = f"product, patch_id, list_position({[*self.layout.band_names]}, band)"
        with self.session() as connection:
            # some at a time, of which most row groups have none: all rows would be sorted at once
            for start in range(0, len(patches), _PATCHES_AT_ONCE):
                some = patches.slice(start, _PATCHES_AT_ONCE).select(["product", "patch_id"])
                some = some.cast(
                    pa.schema({name: pa.string() for name in some.column_names}.items())
                )
                connection.register("patches", some)
                first, last = (_quoted(some["product"][at].as_py()) for at in (0, -1))
                sql = (
                    "SELECT * FROM inventory SEMI JOIN patches USING (product, patch_id) WHERE band "
                    f"IS NOT NULL AND product BETWEEN {first} AND {last} ORDER BY {in_order}"
                )
                for batch in batches_of(connection, sql, _ROWS_PER_GROUP):
                    yield pa.Table.from_batches([batch]).cast(INVENTORY_SCHEMA)

    @contextmanager
    def _connection(self) -> "Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]":
        """Let DuckDB see the file as ``inventory``, its columns in their own types; also their types."""
        import duckdb

        ours = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
        try:
            with self._database() as connection:
                some = ""
                if self.left_out is not None:
                    connection.register("left_out", pa.table({"patch_id": self.left_out}))
                    some = f" WHERE {_LEFT_IN}"
                files = ", ".join(_quoted(_one_file(file)) for file in self.files)
                connection.execute(
                    f"CREATE TEMP VIEW {ON_DISK} AS SELECT * FROM "
                    f"read_parquet([{files}], hive_partitioning = false){some}"
                )
                file = connection.sql(f"FROM {ON_DISK}")
                types = dict(zip(file.columns, map(str, file.types), strict=True))
                for text in wrong_types(types):
                    self._refuse(f"with {text}")
                connection.execute(
                    f"CREATE TEMP VIEW inventory AS SELECT {columns_sql(types)} FROM {ON_DISK}"
                )
                yield connection, types
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(first_line(error)) from None
        except ours:
            raise
        except duckdb.Error as error:
            self._refuse_damaged(damaged_file(self.files, str(error)), error)


def _quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _one_file(path: Path) -> str:
    """A path as DuckDB wants it, for which some characters stand for many files."""
    return re.sub(r"[*?[]", r"[\g<0>]", str(path))
