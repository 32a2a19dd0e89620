"""All columns of metadata, of very many patches some rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from benkit.errors import InputFormatError
from benkit.files.remote.location import as_location, is_location
from benkit.files.tables.parquet import MANY_ROWS
from benkit.files.tables.parquet_blocks import has_many_rows, parquet_blocks
from benkit.files.writing.transfer import downloaded
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import metadata_name, metadata_table


@dataclass(frozen=True)
class MetadataRows:
    """The rows of metadata with all columns, in their order.

    Attributes
    ----------
    sources : tuple
        Paths, URLs or tables whose rows these are, one after the other.
    number : int
        How many rows there were when the metadata were checked.
    is_held : bool
        Whether it is one table in memory.
    """

    sources: tuple[Any, ...]
    number: int
    is_held: bool

    @classmethod
    def of(cls, given: Any, known: Metadata) -> "MetadataRows":
        """Those of what `as_metadata` was given, which made the metadata of it.

        Of more than `MANY_ROWS` rows these may lack columns; then files are read again.
        """
        sources = tuple(given) if isinstance(given, list | tuple) else (given,)
        if len(known) <= MANY_ROWS or not any(map(is_location, sources)):
            return cls((known.table,), len(known), True)
        return cls(sources, len(known), False)

    @property
    def name(self) -> str:
        """What errors call them."""
        return metadata_name(list(self.sources))

    def blocks(self) -> Iterator[pa.Table]:
        """All rows, some at a time, at least one table; all have the same columns.

        Raises
        ------
        InputFormatError
            If a file is another one than before.
        """
        if self.is_held:
            yield from self.sources
            return
        # columns as of `metadata_table`, which puts whole tables together
        empty = [next(_blocks_of(source)).slice(0, 0) for source in self.sources]
        every = pa.concat_tables(empty, promote_options="permissive")
        number = 0
        for source in self.sources:
            for some in _blocks_of(source):
                number += len(some)
                yield pa.concat_tables([every, some], promote_options="permissive")
        if number != self.number:
            raise InputFormatError(
                f"{self.name}: expected {self.number:,} rows, as there were "
                f"before, but there are {number:,}; do not change metadata while they are read"
            )


def _blocks_of(source: Any) -> Iterator[pa.Table]:
    """The rows of one source, as `metadata_table` checks them."""
    if is_location(source):
        where = as_location(source)
        with downloaded(where) as path:
            if has_many_rows(path):
                for some in parquet_blocks(path, where):
                    yield metadata_table(some)
                return
    yield metadata_table(source)
