"""What splits are made of and written to: ids by side, columns, files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.patch_names import parse_patch_id
from benkit.errors import InputFormatError, OptionError, PatchIdError
from benkit.files.remote.location import Location, LocationLike, is_location, require_suffix
from benkit.files.safe_names import some_names
from benkit.files.tables.csv_guard import guard_cells, quoted
from benkit.files.tables.table import (
    as_table,
    fold_names,
    one_array,
    require_one_column,
    strings,
)
from benkit.files.writing.replace import write_text
from benkit.metadata.patch_list import first_repeated, is_no_value, patch_ids

SIDES = ("train", "validation", "test")
"""The sides of a split, in the order in which all output lists them."""

_LINES_AT_ONCE = 2**16
_SHORT = {"val": "validation"}  # as TorchGeo and others call it

SplitRows = tuple[pa.StringArray, NDArray[np.signedinteger], Sequence[str]]
"""Patch ids, the index of the side of each in `SIDES` or -1, and the sides that the split has."""


def split_rows(sides: Any, id_column: str = "patch_id") -> SplitRows:
    """The rows of a split that is made of what `benkit.Split` takes, each patch on one side."""
    source = str(sides) if is_location(sides) else "the split"
    if isinstance(sides, Mapping):
        return _each_once(_of_sides(sides), source)
    table = fold_names(as_table(sides, "a split"), ("patch_id", "split", *SIDES, *_SHORT))
    names = set(table.column_names)
    id_column = id_column if id_column in names else "patch_id"
    if {id_column, "split"} <= names:
        return column_rows(table, source, id_column)
    if not {"train", "test"} <= names:
        raise InputFormatError(
            f"{source}: expected a split, with the columns train and test or patch_id and split, "
            f"but there is {some_names(table.column_names)}"
        )
    table = table.rename_columns([_SHORT.get(name, name) for name in table.column_names])
    require_one_column(table.column_names, SIDES, source)
    for name in table.column_names:
        if name not in SIDES and _lists_patches(table[name]):
            raise InputFormatError(
                f"{source}: expected the sides {', '.join(SIDES)}, but the column {some_names([name])} "
                "also lists patches; rename it or take it out"
            )
    columns = {}
    for name in [name for name in SIDES if name in table.column_names]:
        if pa.types.is_null(table[name].type):  # as pandas writes a side without patches
            columns[name] = pa.array([], pa.string())
            continue
        column = pc.utf8_trim_whitespace(strings(source, table, name).combine_chunks())
        columns[name] = column.filter(pc.invert(is_no_value(column)))  # the ends of shorter ones
    return _each_once(_of_sides(columns), source)


def _lists_patches(column: pa.ChunkedArray) -> bool:
    """Whether the first value of a column is a patch id."""
    values = (value for chunk in column.chunks for value in chunk)
    first = next((value.as_py() for value in values if value.as_py()), None)
    try:
        return isinstance(first, str) and bool(parse_patch_id(first.strip()))
    except PatchIdError:
        return False


def column_rows(table: pa.Table, source: str, id_column: str = "patch_id") -> SplitRows:
    """The rows of a split from the columns ``patch_id``, or another of names, and ``split``."""
    _require_sides(table, source, (id_column, "split"))
    ids = one_array(patch_ids(source, table, id_column))
    return _each_once((ids, *column_sides(table, source)), source)


def column_sides(table: pa.Table, source: str) -> tuple[NDArray[np.int8], list[str]]:
    """The index in `SIDES` of what the column ``split`` says of each row or -1, and the sides it has."""
    _require_sides(table, source, ("split",))
    encoded = one_array(strings(source, table, "split")).dictionary_encode()
    texts = encoded.dictionary  # of which there are few
    names = pc.if_else(is_no_value(texts), "", pc.utf8_lower(pc.utf8_trim_whitespace(texts)))
    for short, name in _SHORT.items():
        names = pc.if_else(pc.equal(names, short), name, names)
    for number, name in enumerate(names.to_pylist()):  # which come in the order of the rows
        if name not in {*SIDES, ""}:
            raise InputFormatError(
                f"{source}: expected the sides {', '.join(SIDES)} in the column split, but there is "
                f"{some_names([texts[number].as_py()])} in row "
                f"{pc.index(encoded.indices, number).as_py() + 1:,}"
            )
    side = [SIDES.index(name) if name else -1 for name in names.to_pylist()]
    text = pc.fill_null(encoded.indices, len(side)).to_numpy()
    code = np.array([*side, -1], np.int8)[text]
    has = [name for name in SIDES if SIDES.index(name) in side or name != "validation"]
    return code, has


def _require_sides(table: pa.Table, source: str, names: Sequence[str]) -> None:
    if missing := [name for name in names if name not in table.column_names]:
        raise InputFormatError(
            f"{source}: expected the sides in the column {missing[0]}, "
            f"but there is only {some_names(table.column_names)}"
        )
    require_one_column(table.column_names, names, source)


def _of_sides(sides: Mapping[str, Any]) -> SplitRows:
    if "val" in sides and "validation" in sides:
        raise InputFormatError("expected each side once, but there is val and validation")
    sides = {_SHORT.get(name, name): patches for name, patches in sides.items()}
    if unknown := sorted(sides.keys() - set(SIDES)):
        raise InputFormatError(
            f"expected the sides {', '.join(SIDES)}, but there is {some_names(unknown[:1])}"
        )
    columns = [_ids_of(name, sides.get(name, ())) for name in SIDES]
    code = np.repeat(np.arange(len(SIDES)), [len(column) for column in columns])
    return pa.concat_arrays(columns), code, [name for name in SIDES if name in sides]


def _ids_of(name: str, patches: Any) -> pa.StringArray:
    if isinstance(patches, pa.StringArray):
        return patches
    if isinstance(patches, pa.Array | pa.ChunkedArray):
        patches = patches.to_pylist()
    expected = f"expected the side {name}, as a list of patch ids"
    expected += f", but it is of the type {type(patches).__name__}"
    if not isinstance(patches, Iterable) or isinstance(patches, str | bytes):
        raise OptionError(expected)
    ids = list(patches)
    for patch in ids:
        if not isinstance(patch, str):
            raise OptionError(
                f"{expected} and holds {some_names([str(patch)])}, of the type "
                f"{type(patch).__name__}; where scikit-learn gives numbers of rows, take the ids of "
                "these rows"
            )
    return pa.array(ids, pa.string())


def _each_once(rows: SplitRows, source: str) -> SplitRows:
    """Refuse a patch that is on two sides, or twice on one."""
    ids, code, _ = rows
    on_sides = ids.filter(pa.array(code >= 0))
    if (repeated := first_repeated(on_sides)) is not None:
        both = pc.equal(on_sides, repeated).to_numpy(zero_copy_only=False)
        where = " and ".join(SIDES[number] for number in code[code >= 0][both])
        raise InputFormatError(
            f"{source}: expected each patch on one side, but {some_names([repeated])} is on {where}; "
            "keep one"
        )
    return rows


def split_location(path: LocationLike) -> Location:
    """Where a split can be written."""
    return require_suffix(path, (".csv", ".parquet"))


def write_sides(sides: Mapping[str, Sequence[str] | pa.StringArray], path: LocationLike) -> None:
    """Write a split as CSV: a column a side, in the given order, shorter ones filled with nothing.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, which `Split` takes
    away.
    """
    columns = [pa.array(ids, pa.string()) for ids in sides.values()]
    write_text(chain([_csv_line(sides)], _csv_lines(columns)), path)


def _csv_lines(columns: Sequence[pa.StringArray]) -> Iterator[str]:
    """The lines below the header, some at a time."""
    for start in range(0, max(map(len, columns), default=0), _LINES_AT_ONCE):
        some = [guard_cells(ids.slice(start, _LINES_AT_ONCE)).to_pylist() for ids in columns]
        yield from map(_csv_line, zip_longest(*some, fillvalue=""))


def _csv_line(cells: Iterable[str]) -> str:
    return f"{','.join(map(quoted, cells))}\n"
