"""Read the metadata of an archive: a row a patch, with its labels."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import InputFormatError, MissingColumnError
from benkit.files.limits import MOST_NAMES
from benkit.files.remote.location import LocationLike, is_location
from benkit.files.safe_names import some_names
from benkit.files.tables.parquet import PACKED_LISTS, Lean, unpacked
from benkit.files.tables.table import as_table, is_text, require_columns
from benkit.ground.coordinates import LOOKED_FOR, names_of_coordinates, tells_coordinates
from benkit.ground.footprints import GRID_CORNER, are_patch_ids
from benkit.metadata.dates import DATE_COLUMNS
from benkit.metadata.patch_list import first_repeated, identified, unique_patch_ids

TEXTS = pa.list_(pa.string())
"""Type of the column ``labels``."""

_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_OF_INVENTORIES = {"patch_id", "band", "status", "valid"}
_NEEDED = ("patch_id", "labels")
_PACKED = ("labels", "country", "split")

EVERY_COLUMN = ("*",)
"""Of metadata that are read to be shown or written as a whole, or asked about by any column."""


def read_metadata(path: LocationLike) -> pa.Table:
    """Read the metadata of an archive."""
    return metadata_table(path)


def metadata_table(
    source: Any, id_column: str = "patch_id", others: Collection[str] | None = None
) -> pa.Table:
    """The table of a path, of what has the Arrow PyCapsule interface, or of a list of these.

    Of files with very many patches it holds only columns with a name in ``others``, in any case, and
    what tells labels, places, dates, countries and sides; of `EVERY_COLUMN` all. Texts that come again
    and again are dictionaries there. If none are given, all files are held as they are.
    """
    sources = source if isinstance(source, list | tuple) else [source]
    lean = None if others is None else lean_metadata({*others, id_column})
    tables = [_checked(one, id_column, lean) for one in sources]
    return tables[0] if len(tables) == 1 else _put_together(sources, tables, id_column)


def lean_metadata(others: Collection[str]) -> Lean:
    """How a large file is held of which some columns are asked for beside those that verbs look at."""
    every = {*_NEEDED, *_PACKED, *GRID_CORNER, *DATE_COLUMNS, *names_of_coordinates()}
    every |= {name.lower() for name in others}

    def columns(names: Sequence[str]) -> list[str]:
        if not {*_NEEDED} <= {*names} or "*" in others:  # errors tell of all that there are
            return list(names)
        return [name for name in names if {name.lower(), name.strip().lower()} & every]

    return Lean(columns, _PACKED)


def are_of_inventory(columns: Sequence[str]) -> bool:
    """Whether columns are those of an inventory, and not of metadata."""
    return {*columns} >= _OF_INVENTORIES and "labels" not in columns


def _checked(source: Any, id_column: str, lean: Lean | None) -> pa.Table:
    """The table of one source, whose ids and labels are what they have to be."""
    name = metadata_name(source)
    table = as_table(source, "metadata", lean)
    if are_of_inventory(table.column_names):
        raise MissingColumnError(
            f"{name}: expected metadata, with the columns patch_id and labels, but it is an inventory; "
            "give the metadata of its patches"
        )
    if id_column != "patch_id":
        table = identified(name, table, id_column)
    if "patch_id" in table.column_names and "labels" not in table.column_names:
        table = _without_labels(name, table)
    require_columns(table, _NEEDED, name)
    ids = unique_patch_ids(name, table)
    labels = table["labels"]
    if lean is None or labels.type != PACKED_LISTS:
        labels = lists_of_texts(name, labels)
    _require_labels(name, ids, labels)
    _require_few(name, "labels", pc.list_flatten(labels))
    if "country" in table.column_names:
        _require_few(name, "country", table["country"])
    for column, values in zip(_NEEDED, (ids, labels), strict=True):
        table = table.set_column(table.column_names.index(column), column, values)
    return table


def _without_labels(name: str, table: pa.Table) -> pa.Table:
    """The same with empty labels where coordinates, and no names, tell the places of the patches.

    A table of patches of BigEarthNet without labels is something else than metadata.
    """
    first = table["patch_id"][:1]
    if not is_text(first.type) or are_patch_ids(first).any():
        return table
    if not tells_coordinates(table):
        raise MissingColumnError(
            f"{name}: expected the column labels, but there is only {some_names(table.column_names)}; "
            f"without it, coordinates have to tell the places: {LOOKED_FOR}"
        )
    return table.append_column("labels", pa.array([[]] * len(table), TEXTS))


def lists_of_texts(source: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Labels as lists of strings, whichever Arrow type of lists and texts they have."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        lists = [chunk.dictionary.take(chunk.indices) for chunk in column.chunks]
        column = pa.chunked_array(lists, kind.value_type)
    of_texts = any(is_list(column.type) for is_list in _LISTS) and (
        is_text(column.type.value_type)
        or pa.types.is_null(column.type.value_type)  # where no patch has a label
    )
    if not of_texts:
        raise InputFormatError(
            f"{source}: expected a list of strings in the column labels, but its type is {kind}; "
            "write lists of strings, such as the type pyarrow.list_(pyarrow.string())"
        )
    return pa.chunked_array(map(_plain_lists, column.chunks), TEXTS)


def _plain_lists(lists: pa.Array) -> pa.ListArray:
    """Lists of one after the other; what lies behind a null is left out."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    ends = np.cumsum(np.append(0, lengths)).astype(np.int32)
    texts = pc.list_flatten(lists).cast(pa.string())
    return pa.ListArray.from_arrays(pa.array(ends), texts, mask=pc.is_null(lists))


def metadata_name(source: Any) -> str:
    """What errors call a source of metadata: its path, or those of several."""
    if isinstance(source, list | tuple):
        return " and ".join(dict.fromkeys(map(metadata_name, source)))
    return str(source) if is_location(source) else "the metadata"


def _put_together(sources: Any, tables: list[pa.Table], id_column: str) -> pa.Table:
    """The rows of all tables, with the columns of all."""
    if not tables:
        raise InputFormatError("expected metadata, but the list of files is empty")
    if len({table.schema.field("labels").type for table in tables}) > 1:
        tables = [unpacked(table) for table in tables]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        names = metadata_name(sources)
        raise InputFormatError(
            f"{names}: expected columns that can be put together; {error}"
        ) from None
    for column in dict.fromkeys(("patch_id", id_column)):
        if (repeated := first_repeated(table[column])) is not None:
            both = [
                metadata_name(source)
                for source, one in zip(sources, tables, strict=True)
                if pc.any(pc.equal(one[column], repeated)).as_py()
            ]
            raise InputFormatError(
                f"{' and '.join(both)}: expected each patch in one of them, but "
                f"{some_names([repeated])} is in both; take it out of one"
            )
    return table


def _require_labels(source: str, ids: pa.ChunkedArray, labels: pa.ChunkedArray) -> None:
    """Refuse lists that are null, or hold null: what a patch shows is then not known."""
    unknown = np.array(pc.is_null(labels))
    parents = pc.list_parent_indices(labels).filter(pc.is_null(pc.list_flatten(labels)))
    unknown[np.asarray(parents)] = True
    if unknown.any():
        raise InputFormatError(
            f"{source}: expected the labels of every patch, but those of {unknown.sum():,}, such as "
            f"{some_names([ids[int(unknown.argmax())].as_py()])}, are null or hold null; give a patch "
            "without labels an empty list"
        )


def _require_few(source: str, name: str, values: pa.ChunkedArray) -> None:
    """Refuse a column that cannot be names of classes or countries, as each gets a line of its own."""
    try:
        texts = values if pa.types.is_dictionary(values.type) else values.cast(pa.string())
        found = len(pc.unique(texts))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputFormatError(
            f"{source}: expected strings in the column {name}, but its type is {values.type}"
        ) from None
    if found > MOST_NAMES:
        raise InputFormatError(
            f"{source}: expected at most {MOST_NAMES:,} different names in the column {name}, "
            f"but there are {found:,}"
        )
