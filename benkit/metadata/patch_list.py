"""Lists and tables of patches, and what holds for their column ``patch_id``."""

import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike
from benkit.files.safe_names import some_names
from benkit.files.tables.table import read_table, strings

_NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "<na>")  # as R, pandas and SQL write it


def is_no_value(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Which texts are missing, empty, or what programs write for missing ones, such as ``NA``."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return pc.is_in(plain, pa.array([*_NO_VALUE, None]))


def read_patch_table(path: LocationLike) -> pa.Table:
    """Read a table of one row a patch, whose column ``patch_id`` is a string, unique and never null."""
    table = read_table(path, needed=("patch_id",))
    ids = unique_patch_ids(path, table)
    return table.set_column(table.column_names.index("patch_id"), "patch_id", ids)


def unique_patch_ids(source: LocationLike, table: pa.Table) -> pa.ChunkedArray:
    """As `patch_ids`; an `InputFormatError` if one comes twice."""
    ids = patch_ids(source, table)
    if (repeated := first_repeated(ids)) is not None:
        raise InputFormatError(
            f"{source}: expected each patch_id once, but {some_names([repeated])} is repeated; "
            "keep one row of it"
        )
    return ids


def patch_ids(path: LocationLike, table: pa.Table) -> pa.ChunkedArray:
    """The column ``patch_id`` without blanks around; an `InputFormatError` if a row holds no text."""
    ids = pc.utf8_trim_whitespace(strings(path, table, "patch_id"))
    empty = is_no_value(ids)
    if without := pc.sum(empty).as_py() or 0:
        raise InputFormatError(
            f"{path}: expected a patch_id in every row, but {without:,} of {len(ids):,} rows have none, "
            f"the first of them row {pc.index(empty, True).as_py() + 1:,}; take these rows out"
        )
    return ids


def first_repeated(ids: pa.Array | pa.ChunkedArray) -> str | None:
    """The first text that comes twice, None if there is none."""
    if len(ids.unique()) == len(ids):
        return None
    counts = pc.value_counts(ids)
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    return repeated[0].as_py()


def read_patch_list(path: LocationLike) -> list[str]:
    """Read the column ``patch_id`` of a CSV (gzipped or not) or Parquet file, each patch once."""
    ids = strings(path, read_table(path, needed=("patch_id",)), "patch_id")
    patches = pc.utf8_trim_whitespace(ids.filter(pc.invert(is_no_value(ids)))).to_pylist()
    if not patches:
        raise InputFormatError(f"{path}: expected a list of patches, but it names none")
    return list(dict.fromkeys(patches))
