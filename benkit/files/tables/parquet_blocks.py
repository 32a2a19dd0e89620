"""Parquet files of any size, read and written some rows at a time."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.files.remote.location import Location
from benkit.files.tables.parquet import MANY_ROWS, gathered_rows, joined_rows, refusing_damage

PARQUET_GROUP = 2**20
"""Rows of a group of the files that we write."""
_LARGEST_GROUP = 2**29  # bytes: one text may come in each of very many rows


def has_many_rows(path: Path) -> bool:
    """Whether a file is Parquet, and has more rows than are held as they are."""
    with suppress(pa.ArrowException, OSError, UnicodeDecodeError):
        return pq.read_metadata(path).num_rows > MANY_ROWS
    return False


def parquet_blocks(path: Path, name: Location) -> Iterator[pa.Table]:
    """All columns of a file, some megabytes at a time, dictionaries unpacked.

    Raises
    ------
    InputFormatError
        If it is damaged; the error calls it ``name``.
    """
    with refusing_damage(name), pq.ParquetFile(path) as file:
        for some in gathered_rows(file):
            table = some.combine_chunks()  # what is done with thousands of small ones takes long
            table.validate(full=True)
            yield table


def write_parquet_blocks(blocks: Iterable[pa.Table], path: Path) -> int:
    """Write tables of one schema, at least one, as one file; returns how many rows these are.

    The bytes are the same however the rows are cut into tables, but where rows are so long that a group
    of them would not be held.
    """
    rows = held = size = 0
    waiting: list[pa.Table] = []
    with ExitStack() as stack:
        file = None
        for some in blocks:
            if file is None:
                file = stack.enter_context(pq.ParquetWriter(path, some.schema, compression="zstd"))
            rows += len(some)
            while held + len(some) >= PARQUET_GROUP or size > _LARGEST_GROUP:
                waiting.append(some.slice(0, PARQUET_GROUP - held))
                some = some.slice(PARQUET_GROUP - held)
                file.write_table(joined_rows(waiting))
                held = size = 0
            waiting.append(some)
            held, size = held + len(some), size + some.nbytes
        if file is not None and (held or not rows):
            file.write_table(joined_rows(waiting))
    return rows
