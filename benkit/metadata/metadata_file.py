"""Read the metadata of an archive: a row a patch, with its labels."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import InputFormatError
from benkit.files.limits import MOST_NAMES
from benkit.files.remote.location import LocationLike
from benkit.files.safe_names import some_names
from benkit.files.tables.table import is_text
from benkit.metadata.patch_list import read_patch_table

__all__ = ["read_metadata"]

_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


def read_metadata(path: LocationLike) -> pa.Table:
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
    if not (any(is_list(kind) for is_list in _LISTS) and is_text(kind.value_type)):
        raise InputFormatError(
            f"{path}: expected a list of strings in the column labels, but its type is {kind}"
        )
    labels = table["labels"].cast(pa.list_(pa.string()))
    _require_labels(path, table["patch_id"], labels)
    _require_few(path, "labels", pc.list_flatten(labels))
    if "country" in table.column_names:
        _require_few(path, "country", table["country"])
    return table.set_column(table.column_names.index("labels"), "labels", labels)


def _require_labels(path: LocationLike, ids: pa.ChunkedArray, labels: pa.ChunkedArray) -> None:
    """Refuse lists that are null, or hold null: what a patch shows is then not known."""
    unknown = np.array(pc.is_null(labels))
    parents = pc.list_parent_indices(labels).filter(pc.is_null(pc.list_flatten(labels)))
    unknown[np.asarray(parents)] = True
    if unknown.any():
        raise InputFormatError(
            f"{path}: expected the labels of every patch, but those of {unknown.sum():,}, such as "
            f"{some_names([ids[int(unknown.argmax())].as_py()])}, are null or hold null; give a patch "
            "without labels an empty list"
        )


def _require_few(path: LocationLike, name: str, values: pa.ChunkedArray) -> None:
    """Refuse a column that cannot be names of classes or countries, as each gets a figure of its own."""
    try:
        found = len(pc.unique(values.cast(pa.string())))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputFormatError(
            f"{path}: expected strings in the column {name}, but its type is {values.type}"
        ) from None
    if found > MOST_NAMES:
        raise InputFormatError(
            f"{path}: expected at most {MOST_NAMES:,} different names in the column {name}, "
            f"but there are {found:,}"
        )
