"""Read and write tables: metadata, lists of patches, CSV, Parquet, JSON."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benkit.errors import InputFormatError, MissingInputError, OptionError, RemoteError
from benkit.io.atomic import replacing
from benkit.io.csv_cells import guard_cells, guard_names, open_cells, open_names, quoted
from benkit.io.location import Place, PlaceLike, place

__all__ = [
    "column_sides",
    "read_metadata",
    "read_patch_list",
    "read_patch_table",
    "read_sides",
    "read_table",
    "write_json",
    "write_sides",
    "write_split_column",
    "write_table",
]

_SIDES = ("train", "validation", "test")
_GZIP_MAGIC = b"\x1f\x8b"


def read_table(path: PlaceLike, needed: Sequence[str] = ()) -> pa.Table:
    """Read a Parquet file, or a CSV file, gzipped or not, whose fields are all texts.

    Raises
    ------
    MissingInputError
        If there is no such file.
    InputFormatError
        If it is neither, or lacks a needed column.
    """
    path = place(path)
    content = _read_bytes(path)
    if content[:4] == b"PAR1":
        table = _parse_parquet(path, content)
    elif ".csv" in path.suffixes:
        table = _parse_csv(path, content)
    else:
        raise InputFormatError(f"{path}: expected a Parquet file, but it does not begin as one")
    missing = [column for column in needed if column not in table.column_names]
    if missing:
        raise InputFormatError(
            f"{path}: expected the column {' and '.join(missing)}, "
            f"but there is only {', '.join(table.column_names) or 'nothing'}"
        )
    if repeated := [name for name in needed if table.column_names.count(name) > 1]:
        raise InputFormatError(
            f"{path}: expected one column {repeated[0]}, but there are several; keep one"
        )
    return table


def _read_bytes(path: Place) -> bytes:
    try:
        return path.read_bytes()
    except RemoteError:
        raise
    except FileNotFoundError:
        raise MissingInputError(f"{path}: expected a file, but there is nothing") from None
    except IsADirectoryError:
        raise InputFormatError(f"{path}: expected a file, but it is a folder") from None
    except OSError as error:
        raise InputFormatError(f"{path}: cannot be read: {error.strerror}") from None


def _parse_parquet(path: Place, content: bytes) -> pa.Table:
    try:
        # Threads that have just started when Python ends would abort it.
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        table.validate(full=True)  # texts that are not UTF-8 fail far from here else
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputFormatError(
            f"{path}: expected a whole Parquet file, but it is damaged ({_first_line(error)}); "
            "download or copy it again"
        ) from None
    return table


def _parse_csv(path: Place, content: bytes) -> pa.Table:
    if path.suffix == ".gz" and content[:2] != _GZIP_MAGIC:
        raise InputFormatError(f"{path}: expected a gzipped file, but it does not begin as one")
    try:
        if content[:2] == _GZIP_MAGIC:
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputFormatError(
            f"{path}: expected a whole gzipped file, but it is damaged ({_first_line(error)}); "
            "download or copy it again"
        ) from None
    try:
        header = content.split(b"\n", 1)[0].decode("utf-8-sig").strip().split(",")
        names = [name.strip().strip('"') for name in header]
        options = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        )
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputFormatError(
            f"{path}: expected comma-separated values in UTF-8 with a header line; "
            f"{_first_line(error)}"
        ) from None
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(index, field.name, open_cells(table[index]))
    return table.rename_columns(open_names([name.strip() for name in table.column_names]))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def read_patch_table(path: PlaceLike, needed: Sequence[str] = ()) -> pa.Table:
    """Read a table of one row a patch.

    Parameters
    ----------
    path : Path
    needed : sequence of str
        Columns that must be there beside ``patch_id``.

    Returns
    -------
    pyarrow.Table
        All columns of the file; ``patch_id`` is a string, unique and never null.

    Raises
    ------
    MissingInputError, InputFormatError
        If the file is not there, damaged, lacks a column, or has no or a repeated patch in a row.
    """
    table = read_table(path, needed=("patch_id", *needed))
    ids = _strings(path, table["patch_id"], "patch_id")
    if ids.null_count:
        raise InputFormatError(f"{path}: {ids.null_count:,} rows have no patch_id")
    repeated = _first_repeated(ids)
    if repeated is not None:
        raise InputFormatError(f"{path}: expected each patch_id once, but {repeated} is repeated")
    return table.set_column(table.column_names.index("patch_id"), "patch_id", ids)


def read_metadata(path: PlaceLike) -> pa.Table:
    """Read the metadata of an archive.

    Returns
    -------
    pyarrow.Table
        All columns of the file; ``patch_id`` is a string, unique and never null, ``labels`` a list of
        strings.

    Raises
    ------
    MissingInputError, InputFormatError
        If the file is not there, damaged, lacks a column or holds something else in it.
    """
    table = read_patch_table(path, needed=("labels",))
    kind = table["labels"].type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not _is_text(
        kind.value_type
    ):
        raise InputFormatError(
            f"{path}: expected a list of strings in the column labels, but its type is {kind}"
        )
    labels = table["labels"].cast(pa.list_(pa.string()))
    return table.set_column(table.column_names.index("labels"), "labels", labels)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _strings(path: PlaceLike, column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if not _is_text(column.type):
        raise InputFormatError(
            f"{path}: expected strings in the column {name}, but its type is {column.type}"
        )
    return column.cast(pa.string())


def _first_repeated(ids: pa.ChunkedArray) -> str | None:
    if pc.count_distinct(ids).as_py() == len(ids):
        return None
    counts = pc.value_counts(ids.combine_chunks())
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    return repeated[0].as_py()


def read_patch_list(path: PlaceLike) -> list[str]:
    """Read the column ``patch_id`` of a CSV (gzipped or not) or Parquet file.

    Returns
    -------
    list of str
        In the order of the file, each patch once however often it is named.

    Raises
    ------
    MissingInputError, InputFormatError
        If the file is not there, damaged, lacks the column or names no patch.
    """
    ids = _strings(path, read_table(path, needed=("patch_id",))["patch_id"], "patch_id")
    patches = [text.strip() for text in ids.drop_null().to_pylist() if text.strip()]
    if not patches:
        raise InputFormatError(f"{path}: expected a list of patches, but it names none")
    return list(dict.fromkeys(patches))


def read_sides(path: PlaceLike) -> dict[str, list[str]]:
    """Read a split: the patches of each side.

    Returns
    -------
    dict of str to list of str
        By side (train, validation if there is one, test), from a CSV with a column a side, or from a
        table with the columns ``patch_id`` and ``split``.

    Raises
    ------
    MissingInputError, InputFormatError
        If the file is not there, damaged, or no split.
    """
    table = read_table(path)
    names = set(table.column_names)
    if {"patch_id", "split"} <= names:
        return column_sides(table, str(path))
    if not {"train", "test"} <= names:
        raise InputFormatError(
            f"{path}: expected a split, with the columns train and test or patch_id and split, "
            f"but there is {', '.join(table.column_names)}"
        )
    return {
        side: [text.strip() for text in _strings(path, table[side], side).to_pylist() if text]
        for side in _SIDES
        if side in names
    }


def column_sides(table: pa.Table, source: str) -> dict[str, list[str]]:
    """Sides of a split from the columns ``patch_id`` and ``split`` of a table.

    Parameters
    ----------
    table : pyarrow.Table
        A patch with nothing in ``split`` is on no side.
    source : str
        What the table is called in errors.

    Returns
    -------
    dict of str to list of str
        Patch ids by side: train, validation if a patch is on it, test.

    Raises
    ------
    InputFormatError
        If a column is missing, or names another side.
    """
    if missing := [name for name in ("patch_id", "split") if name not in table.column_names]:
        raise InputFormatError(
            f"{source}: expected the sides in the column {missing[0]}, "
            f"but there is only {', '.join(table.column_names)}"
        )
    ids = _strings(source, table["patch_id"], "patch_id").combine_chunks()
    column = pc.fill_null(_strings(source, table["split"], "split").combine_chunks(), "")
    present = set(pc.unique(column).to_pylist())
    if unknown := sorted(present - {*_SIDES, ""}):
        raise InputFormatError(
            f"{source}: expected the sides {', '.join(_SIDES)} in the column split, "
            f"but there is {unknown[0]}"
        )
    names = [name for name in _SIDES if name in present or name != "validation"]
    return {name: ids.filter(pc.equal(column, name)).to_pylist() for name in names}


def write_sides(sides: Mapping[str, Sequence[str]], path: PlaceLike) -> None:
    """Write a split as CSV: a column a side, in the given order, shorter ones filled with nothing.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, which `read_sides`
    takes away.
    """
    columns = [guard_cells(pa.array(ids, pa.string())).to_pylist() for ids in sides.values()]
    with replacing(place(path)) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(",".join(sides) + "\n")
        rows = zip_longest(*columns, fillvalue="")
        file.writelines(",".join(map(quoted, row)) + "\n" for row in rows)


def write_split_column(metadata: pa.Table, sides: Sequence[str], path: PlaceLike) -> None:
    """Write the metadata with the side of each patch in the column ``split``, as loaders expect it."""
    column = pa.array([side or None for side in sides], pa.string())
    others = [name for name in metadata.column_names if name != "split"]
    write_table(metadata.select(others).append_column("split", column), path)


def write_table(table: pa.Table, path: PlaceLike) -> None:
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
    path = place(path)
    if path.suffix not in (".parquet", ".csv", ".json"):
        raise OptionError(f"{path}: expected a name that ends with .parquet, .csv or .json")
    with replacing(path) as part:
        if path.suffix == ".parquet":
            pq.write_table(table, part, compression="zstd")
        elif path.suffix == ".csv":
            pa_csv.write_csv(_flat(table), part)
        else:
            part.write_text(json.dumps(table.to_pylist(), indent=1, default=str) + "\n", "utf-8")


def _flat(table: pa.Table) -> pa.Table:
    """Lists joined with a semicolon, as CSV has none; texts guarded against being formulas."""
    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            texts = table[index].cast(pa.list_(pa.string()))
            table = table.set_column(index, field.name, pc.binary_join(texts, ";"))
        if _is_text(table.schema.field(index).type):
            texts = table[index].cast(pa.string())
            table = table.set_column(index, field.name, guard_cells(texts))
    return table.rename_columns(guard_names(table.column_names))


def write_json(value: Any, path: Path) -> None:
    """Write a value as JSON."""
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=1) + "\n", "utf-8")
