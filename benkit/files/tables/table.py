"""Read and write tables of any kind: CSV, Parquet, JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benkit.errors import (
    InputFormatError,
    MissingColumnError,
    MissingInputError,
    OptionError,
    RemoteError,
    first_line,
)
from benkit.files.file_kinds import TABLE_SUFFIXES, other_format
from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.location import (
    Location,
    LocationLike,
    RemotePath,
    as_location,
    is_location,
    require_suffix,
)
from benkit.files.safe_names import printable, some_names
from benkit.files.tables.csv_file import is_csv, parse_csv
from benkit.files.tables.csv_guard import guard_cells
from benkit.files.tables.kept import slices_of
from benkit.files.tables.parquet import (
    Lean,
    read_at_most,
    read_parquet,
    refusing_damage,
    too_large,
)
from benkit.files.tables.parquet_blocks import PARQUET_GROUP
from benkit.files.writing.replace import replacing

_ROWS_AT_ONCE = 50_000


def read_table(
    path: LocationLike, needed: Sequence[str] = (), lean: Lean | None = None
) -> pa.Table:
    """Read a Parquet file, or a CSV file (`csv_file`), gzipped or not, whose fields are all texts.

    The needed columns of a CSV may be written in capitals. A large Parquet file may be held lean.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputFormatError
        If it is neither, lacks a needed column or has it twice, as a Parquet file may no column.
    """
    path = as_location(path)
    content = read_content(path)
    seen = other_format(content)
    if content[:4] == b"PAR1":
        table = _parse_parquet(path, content, lean)
    elif not is_csv(path):
        more = f": it is {seen}" if seen else "; the name of a CSV file ends with .csv"
        raise InputFormatError(
            f"{path}: expected a Parquet file, but it does not begin as one{more}"
        )
    elif seen:
        raise InputFormatError(f"{path}: expected comma-separated values, but it is {seen}")
    else:
        table = fold_names(parse_csv(path, content), needed)
    require_columns(table, needed, path)
    if content[:4] == b"PAR1":
        require_one_column(table.column_names, table.column_names, path)
    return table


def read_json_table(path: LocationLike, needed: Sequence[str]) -> pa.Table:
    """Read an array of objects, as `write_table` writes it; an `InputFormatError` if it is none.

    One without objects has the needed columns.
    """
    content = read_content(as_location(path))
    try:
        rows = json.loads(content)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError("it is something else")
        return pa.Table.from_pylist(rows) if rows else pa.table({name: [] for name in needed})
    except (ValueError, RecursionError, pa.ArrowException) as error:
        raise InputFormatError(
            f"{path}: expected a JSON array of objects: {first_line(error)}"
        ) from None


def as_table(source: Any, what: str, lean: Lean | None = None) -> pa.Table:
    """The table of a path or URL, read as of `read_table`, or of anything with the Arrow PyCapsule
    interface.

    Raises
    ------
    MissingInputError, InputFormatError
        As of `read_table`.
    OptionError
        If it is neither, where ``what`` says what was expected.
    """
    if is_location(source):
        return read_table(source, lean=lean)
    if not hasattr(source, "__arrow_c_stream__"):
        raise no_table(source, what)
    if isinstance(source, pa.Table):
        return source
    table = table_or_series(source, what)
    if isinstance(table, pa.ChunkedArray):
        raise no_table(source, what)
    return table


def table_or_series(source: Any, what: str) -> pa.Table | pa.ChunkedArray:
    """The table, or the values of a series, of anything with the Arrow PyCapsule interface.

    An `InputFormatError` where Arrow cannot hold them, such as texts and numbers in one column.
    """
    try:
        rows = _rows(source)
    except (ValueError, TypeError, pa.ArrowException) as error:
        said = "; ".join(str(text) for text in error.args)
        raise InputFormatError(
            f"expected {what}, as a table whose columns hold values of one type each, under names "
            f"of their own, but it cannot be read as one: {said}"
        ) from None
    if not pa.types.is_struct(rows.type):
        return _plain(rows)
    table = pa.Table.from_struct_array(rows)
    names = [name for name in table.column_names if not name.startswith("__index_level_")]  # pandas
    require_one_column(names, names, what)
    columns = [_plain(table[name]) for name in names]
    # what a field says beside its type: the reference system of geometries
    fields = [
        table.field(name).with_type(one.type) for name, one in zip(names, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _rows(source: Any) -> pa.ChunkedArray:
    try:
        return pa.chunked_array(source)
    except (ValueError, TypeError, pa.ArrowException):
        # A GeoDataFrame has the capsule of pandas, which cannot hold geometries.
        if not hasattr(source, "to_arrow"):
            raise
        return pa.chunked_array(source.to_arrow())


def no_table(source: Any, what: str) -> OptionError:
    """The error about something that is neither a path nor a table."""
    return OptionError(
        f"expected {what}, as a path or as a table of pyarrow, pandas, polars or DuckDB, "
        f"but it is of the type {type(source).__name__}"
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts, also in lists, as plain strings: views, as of polars, can be neither taken nor written."""
    kind = column.type
    if is_text(kind) or (_is_list(kind) and pa.types.is_dictionary(kind.value_type)):
        arrays = [_plain_array(chunk) for chunk in column.chunks]
        return pa.chunked_array(arrays, pa.string() if is_text(kind) else pa.list_(pa.string()))
    return column


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The values of a column, copied only if they are in several chunks."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _plain_array(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        return array.dictionary.cast(pa.string()).take(array.indices)
    if is_text(array.type):
        return array.cast(pa.string())
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths)])
    texts = _plain_array(array.flatten())
    return pa.ListArray.from_arrays(offsets, texts, mask=array.is_null())


def fold_names(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """The same with capitals and blanks taken from names of columns that are meant to be some names."""
    plain = {name: name.strip().lower() for name in table.column_names}
    return table.rename_columns(
        [plain[name] if plain[name] in names else name for name in table.column_names]
    )


def require_columns(table: pa.Table, needed: Sequence[str], source: LocationLike) -> None:
    """Refuse a table that lacks a column, or has it twice.

    Raises
    ------
    MissingColumnError, InputFormatError
    """
    if missing := [name for name in needed if name not in table.column_names]:
        raise MissingColumnError(
            f"{source}: expected the column {' and '.join(missing)}, "
            f"but there is only {some_names(table.column_names)}"
        )
    require_one_column(table.column_names, needed, source)


def require_one_column(names: Sequence[str], needed: Sequence[str], source: LocationLike) -> None:
    """Refuse columns that come twice."""
    counts = Counter(names)
    if repeated := [name for name in needed if counts[name] > 1]:
        raise InputFormatError(
            f"{source}: expected one column {printable(repeated[0])}, but there are several; keep one"
        )


def read_content(path: Location) -> bytes:
    """All bytes of a file, of which there are at most `LARGEST_TABLE`.

    Raises
    ------
    MissingInputError, InputFormatError
        If there is no such file, or it is larger or something else.
    """
    try:
        if isinstance(path, RemotePath):
            return path.read_bytes(LARGEST_TABLE)
        content = read_at_most(path)
    except RemoteError:
        raise
    except FileNotFoundError:
        raise MissingInputError(f"{path}: expected a file, but there is nothing") from None
    except IsADirectoryError:
        raise InputFormatError(f"{path}: expected a file, but it is a folder") from None
    except OSError as error:
        raise InputFormatError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_TABLE:
        raise too_large(path, "it is larger")
    return content


def _parse_parquet(path: Location, content: bytes, lean: Lean | None = None) -> pa.Table:
    with refusing_damage(path):
        table = read_parquet(content, path, lean=lean)
        table.validate(full=True)  # texts that are not UTF-8 fail far from here else
        return table


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is one of texts."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def strings(path: LocationLike, table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of texts as strings; an `InputFormatError` if its Arrow type is none of texts."""
    column = table[name]
    if not is_text(column.type) and not (pa.types.is_null(column.type) and not len(column)):
        raise InputFormatError(
            f"{path}: expected strings in the column {name}, but its type is {column.type}"
        )
    return column.cast(pa.string())


def write_table(table: pa.Table, path: LocationLike) -> None:
    """Write a table as Parquet, CSV or JSON (an array of objects), as the suffix says.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it, which
    `read_table` takes away.

    Raises
    ------
    OptionError
        If the suffix is another one.
    OutputError
        If the file cannot be written.
    """
    path = require_suffix(path, TABLE_SUFFIXES)
    with replacing(path) as part:
        if path.suffix == ".parquet":
            with pq.ParquetWriter(part, table.schema, compression="zstd") as file:
                for some in slices_of(table, PARQUET_GROUP):
                    file.write_table(some)
        elif path.suffix == ".csv":
            with pa_csv.CSVWriter(part, _flat(table.slice(0, 0)).schema) as file:
                for some in slices_of(table, _ROWS_AT_ONCE):
                    file.write_table(_flat(some))
        else:
            with part.open("w", encoding="utf-8") as file:
                file.write("[")
                for number, some in enumerate(slices_of(table, _ROWS_AT_ONCE)):
                    text = json.dumps(some.to_pylist(), indent=1, default=str)
                    file.write("," * (number > 0) + text[1:-1].removesuffix("\n"))
                file.write("\n" * (len(table) > 0) + "]\n")


def _flat(table: pa.Table) -> pa.Table:
    """Lists joined with a semicolon, as CSV has none; texts guarded against being formulas."""
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = table[index].cast(pa.list_(pa.string()))
            table = table.set_column(index, field.name, pc.binary_join(texts, ";"))
        if is_text(table.schema.field(index).type):
            texts = table[index].cast(pa.string())
            table = table.set_column(index, field.name, guard_cells(texts))
    names = guard_cells(pa.array(table.column_names, pa.string()))
    return table.rename_columns(names.to_pylist())
