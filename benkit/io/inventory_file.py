"""Write an inventory as it grows, and ask questions of one on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.errors import InputFormatError, MissingInputError
from benkit.io.atomic import replacing
from benkit.spec.inventory import INVENTORY_SCHEMA

__all__ = ["Inventory", "InventoryWriter", "writing_inventory"]

_ROWS_PER_GROUP = 120_000
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


class InventoryWriter:
    """Collects rows and writes them in groups of a fixed size.

    Parameters
    ----------
    file : pyarrow.parquet.ParquetWriter

    Attributes
    ----------
    rows : int
        How many have come.
    """

    def __init__(self, file: pq.ParquetWriter) -> None:
        self.rows = 0
        self._file = file
        self._waiting = INVENTORY_SCHEMA.empty_table()

    def write(self, rows: pa.Table) -> None:
        """Add rows with the columns of `INVENTORY_SCHEMA`."""
        self.rows += len(rows)
        self._waiting = pa.concat_tables([self._waiting, rows])
        while len(self._waiting) >= _ROWS_PER_GROUP:
            self._file.write_table(self._waiting.slice(0, _ROWS_PER_GROUP))
            self._waiting = self._waiting.slice(_ROWS_PER_GROUP)

    def finish(self) -> None:
        """Write what is left."""
        if len(self._waiting):
            self._file.write_table(self._waiting)


@contextmanager
def writing_inventory(path: Path) -> Iterator[InventoryWriter]:
    """Write an inventory that appears, or replaces an earlier one, when all went well.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with replacing(path) as part:
        with pq.ParquetWriter(part, INVENTORY_SCHEMA, compression="zstd") as file:
            writer = InventoryWriter(file)
            yield writer
            writer.finish()


@dataclass(frozen=True)
class Inventory:
    """An inventory on disk.

    Parameters
    ----------
    path : Path
    source : str, optional
        What it is called in errors, if not by its path.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputFormatError
        If it is no inventory.
    """

    path: Path
    source: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no inventory."""
        source = self.source or self.path
        try:
            names = pq.read_schema(self.path).names
        except FileNotFoundError:
            raise MissingInputError(
                f"{source}: expected an inventory or the folder of an archive, but there is nothing"
            ) from None
        except (pa.ArrowException, OSError) as error:
            raise InputFormatError(f"{source}: expected an inventory: {error}") from None
        missing = [name for name in INVENTORY_SCHEMA.names if name not in names]
        if missing:
            raise InputFormatError(
                f"{source}: expected an inventory as `benkit scan` writes it, "
                f"but it lacks the column {', '.join(missing)}"
            )

    def query(self, sql: str, **tables: pa.Table) -> list[tuple[Any, ...]]:
        """Ask in SQL; the inventory is the table ``inventory``, further tables go by their name.

        Returns
        -------
        list of tuple
            Rows; integers of any width are exact.
        """
        import duckdb

        with duckdb.connect(config=_CLOSED) as connection:
            for name, table in tables.items():
                connection.register(name, table)
            connection.read_parquet(str(self.path)).create_view("inventory")
            return connection.execute(sql).fetchall()
