"""Read and write splits: which patches are on which side."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike
from benkit.files.safe_names import some_names
from benkit.files.tables.csv_guard import guard_cells, quoted
from benkit.files.tables.table import (
    read_table,
    require_one_column,
    strings,
    write_table,
)
from benkit.files.writing.replace import write_text
from benkit.metadata.patch_list import first_repeated, patch_ids

__all__ = ["column_sides", "read_sides", "write_sides", "write_split_column"]

_SIDES = ("train", "validation", "test")


def read_sides(path: LocationLike) -> dict[str, list[str]]:
    """Read a split: the patches of each side.

    Returns
    -------
    dict of str to list of str
        By side (train, validation if there is one, test), from a CSV with a column a side, or from a
        table with the columns ``patch_id`` and ``split``.

    Raises
    ------
    MissingInputError, InputFormatError
        If the file is not there, damaged, or no split, or has a patch twice.
    """
    table = read_table(path)
    names = set(table.column_names)
    if {"patch_id", "split"} <= names:
        return column_sides(table, str(path))
    if not {"train", "test"} <= names:
        raise InputFormatError(
            f"{path}: expected a split, with the columns train and test or patch_id and split, "
            f"but there is {some_names(table.column_names)}"
        )
    require_one_column(table.column_names, _SIDES, path)
    sides = {side: _texts(strings(path, table, side)) for side in _SIDES if side in names}
    _require_one_side(sides, path)
    return sides


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Those of a column that is filled up with nothing."""
    return [stripped for text in column.to_pylist() if text and (stripped := text.strip())]


def _require_one_side(sides: Mapping[str, Sequence[str]], source: LocationLike) -> None:
    """Refuse a patch that is on two sides, or twice on one."""
    ids = pa.chunked_array([pa.array(patches, pa.string()) for patches in sides.values()])
    if repeated := first_repeated(ids):
        where = " and ".join(
            name for name, patches in sides.items() for patch in patches if patch == repeated
        )
        raise InputFormatError(
            f"{source}: expected each patch on one side, but {some_names([repeated])} is on {where}; "
            "keep one"
        )


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
        If a column is missing or comes twice, names another side, or a patch has no name or comes
        twice.
    """
    if missing := [name for name in ("patch_id", "split") if name not in table.column_names]:
        raise InputFormatError(
            f"{source}: expected the sides in the column {missing[0]}, "
            f"but there is only {some_names(table.column_names)}"
        )
    require_one_column(table.column_names, ("patch_id", "split"), source)
    ids = patch_ids(source, table).combine_chunks()
    column = pc.fill_null(strings(source, table, "split").combine_chunks(), "")
    present = set(pc.unique(column).to_pylist())
    if unknown := sorted(present - {*_SIDES, ""}):
        raise InputFormatError(
            f"{source}: expected the sides {', '.join(_SIDES)} in the column split, "
            f"but there is {some_names(unknown[:1])}"
        )
    names = [name for name in _SIDES if name in present or name != "validation"]
    sides = {name: ids.filter(pc.equal(column, name)).to_pylist() for name in names}
    _require_one_side(sides, source)
    return sides


def write_sides(sides: Mapping[str, Sequence[str]], path: LocationLike) -> None:
    """Write a split as CSV: a column a side, in the given order, shorter ones filled with nothing.

    A text that a spreadsheet would run as a formula gets an apostrophe before it, which `read_sides`
    takes away.
    """
    columns = [guard_cells(pa.array(ids, pa.string())).to_pylist() for ids in sides.values()]
    rows = [sides, *zip_longest(*columns, fillvalue="")]
    write_text("".join(f"{','.join(map(quoted, row))}\n" for row in rows), path)


def write_split_column(metadata: pa.Table, sides: Sequence[str], path: LocationLike) -> None:
    """Write the metadata with the side of each patch in the column ``split``, as loaders expect it."""
    column = pa.array([side or None for side in sides], pa.string())
    others = [name for name in metadata.column_names if name != "split"]
    write_table(metadata.select(others).append_column("split", column), path)
