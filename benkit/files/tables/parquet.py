"""Read a whole Parquet file within limits, whatever it claims.

A small file can unpack into far more than memory holds: the same text in a million rows takes a few
bytes. So tables that might are read a few rows at a time, and given up when they are too large.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benkit.errors import BenkitError, InputFormatError, first_line
from benkit.files.limits import LARGEST_TABLE, MOST_ROWS
from benkit.files.remote.location import Location, LocationLike

MANY_ROWS = 2**20
"""Rows of a table from which on no more of it is held than is asked for."""

_ROWS_AT_ONCE = 512
PACKED_LISTS = pa.list_(pa.dictionary(pa.int32(), pa.string()))
"""Type of lists of texts that are held as dictionaries."""

_SMALL = 2**16
_GATHERED_BYTES = 2**22
_LARGEST_BATCH = 8 * LARGEST_TABLE  # if all of a group were one text


@dataclass(frozen=True)
class Lean:
    """How a table of more than `MANY_ROWS` is held in little memory; smaller ones are held as they are.

    Attributes
    ----------
    columns : callable
        Is given the names of all columns and gives those that are read.
    packed : tuple of str
        Columns of texts, or of lists of texts, in which the same ones come again and again; they are
        held as dictionaries with int32 indices.
    """

    columns: Callable[[Sequence[str]], Sequence[str]]
    packed: tuple[str, ...]


def read_at_most(path: Path) -> bytes:
    """The bytes of a file, or the first `LARGEST_TABLE` and one more: a device has no end."""
    with path.open("rb") as file:
        first = file.read(_SMALL)  # to ask for the limit at once takes longer than a small file
        return first if len(first) < _SMALL else first + file.read(LARGEST_TABLE + 1 - _SMALL)


def read_parquet(
    content: bytes,
    path: Location,
    columns: Sequence[str] | None = None,
    lean: Lean | None = None,
) -> pa.Table:
    """Read a table, or those of some columns that it has; dictionaries are unpacked.

    Raises
    ------
    InputFormatError
        If it has more rows than `MOST_ROWS`, or unpacks into more bytes than `LARGEST_TABLE`.
    pyarrow.ArrowException, OSError, UnicodeDecodeError
        If it is damaged.
    """
    return read_opened(open_parquet(content), path, columns, lean)


def open_parquet(content: bytes) -> pq.ParquetFile:
    """Open the bytes of a file; raises what `read_parquet` does if they are damaged."""
    return pq.ParquetFile(pa.BufferReader(content))


def read_opened(
    file: pq.ParquetFile,
    path: Location,
    columns: Sequence[str] | None = None,
    lean: Lean | None = None,
) -> pa.Table:
    """Read a table as `read_parquet` does, from a file that is open."""
    rows = file.metadata.num_rows
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    if rows > MOST_ROWS:
        raise InputFormatError(
            f"{path}: expected a table of at most {MOST_ROWS:,} rows, but it has {rows:,}"
        )
    if sum(group.total_byte_size for group in groups) > LARGEST_TABLE:
        raise too_large(path, "it unpacks into more")
    packed: tuple[str, ...] = ()
    if lean is not None and rows > MANY_ROWS:
        columns, packed = lean.columns(file.schema_arrow.names), lean.packed
    # A text is no longer than all of its group, and each row may have the same one. What the footer
    # says of single columns is not asked: Arrow ends the interpreter where that is damaged.
    largest = max((group.total_byte_size for group in groups), default=0)
    if rows * largest <= LARGEST_TABLE:
        # Threads that have just started when Python ends would abort it.
        return _packed(unpacked(file.read(columns=columns, use_threads=False)), packed)
    tables, size = [], 0
    for some in gathered_rows(file, columns):
        some = _packed(some.combine_chunks(), packed)
        size += some.nbytes
        if size > LARGEST_TABLE:
            raise too_large(path, "it unpacks into more")
        tables.append(some)
    table = joined_rows(tables)
    del some
    pa.default_memory_pool().release_unused()
    return table


def gathered_rows(file: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a file, or of some columns, a few megabytes at a time; dictionaries are unpacked."""
    groups = (file.metadata.row_group(i) for i in range(file.metadata.num_row_groups))
    largest = max((group.total_byte_size for group in groups), default=1)
    at_once = max(1, min(_ROWS_AT_ONCE, _LARGEST_BATCH // max(largest, 1)))
    dictionaries = any(_unpacked(field.type) for field in file.schema_arrow)
    batches = (
        batch
        for group in range(file.num_row_groups)  # all at once would stay in memory to the end
        for batch in file.iter_batches(at_once, [group], columns, use_threads=False)
    )
    return _gathered(unpacked(batch) if dictionaries else batch for batch in batches)


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of many batches in a row: thousands of small ones take far more memory than they hold."""
    waiting, held = [], 0
    for batch in batches:
        waiting.append(batch)
        held += batch.get_total_buffer_size()
        if held > _GATHERED_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, held = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def joined_rows(tables: list[pa.Table]) -> pa.Table:
    """The rows of some tables, a list that is emptied: copied by columns, so that few are held twice."""
    schema = tables[0].schema
    waiting = [[table.column(index) for table in tables] for index in range(len(schema))]
    tables.clear()
    columns = []
    for field in schema:
        chunks = [chunk for column in waiting.pop(0) for chunk in column.chunks]
        columns.append(pa.chunked_array(chunks, field.type).combine_chunks())
        del chunks
    return pa.table(columns, schema=schema)


def _unpacked(kind: pa.DataType) -> pa.DataType | None:
    """The type of a column of dictionaries, or of lists of these, once it is unpacked."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
        return pa.list_(kind.value_type.value_type)
    return None


def unpacked(table: pa.Table | pa.RecordBatch) -> pa.Table | pa.RecordBatch:
    """The same with dictionaries unpacked."""
    for index, field in enumerate(table.schema):
        if plain := _unpacked(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(plain))
    return table


def _packed(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The same with some of its columns, where they are of texts or lists of these, as dictionaries."""
    for index, field in enumerate(table.schema):
        if field.name in names and pa.types.is_string(field.type):
            table = table.set_column(index, field.name, table.column(index).dictionary_encode())
        elif field.name in names and field.type == pa.list_(pa.string()):
            chunks = [_packed_lists(chunk) for chunk in table.column(index).chunks]
            table = table.set_column(index, field.name, pa.chunked_array(chunks, PACKED_LISTS))
    return table


def _packed_lists(lists: pa.ListArray) -> pa.ListArray:
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    ends = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    texts = pc.list_flatten(lists).dictionary_encode()
    return pa.ListArray.from_arrays(ends, texts, mask=pc.is_null(lists))


@contextmanager
def refusing_damage(path: Location) -> Iterator[None]:
    """Say of errors about the content of a Parquet file which one is damaged."""
    try:
        yield
    except (MemoryError, BenkitError):
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFormatError(
            f"{path}: expected a whole Parquet file, but it is damaged ({first_line(error)}); "
            "download or copy it again"
        ) from None


def too_large(path: LocationLike, how: str) -> InputFormatError:
    """The error about a table that has more bytes than `LARGEST_TABLE`."""
    return InputFormatError(
        f"{path}: expected a table of at most {LARGEST_TABLE // 2**30} GB, but {how}; "
        "leave out columns and rows that are not needed"
    )
