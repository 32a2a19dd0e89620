"""Lists and tables of patches, and what holds for their column ``patch_id``."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike
from benkit.files.safe_names import some_names
from benkit.files.tables.parquet import MANY_ROWS, Lean
from benkit.files.tables.table import one_array, read_table, require_columns, strings

_AT_ONCE = 2**18
_NO_VALUE = ("", "na", "n/a", "nan", "null", "none", "<na>")  # as R, pandas and SQL write it


def is_no_value(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Which texts are missing, empty, or what programs write for missing ones, such as ``NA``."""
    if isinstance(texts, pa.ChunkedArray):
        return pa.chunked_array([is_no_value(chunk) for chunk in texts.chunks], pa.bool_())
    if len(texts) > _AT_ONCE:
        return pa.concat_arrays(map(is_no_value, blocks_of(texts)))
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return pc.is_in(plain, pa.array([*_NO_VALUE, None]))


def blocks_of(texts: pa.Array) -> Iterator[pa.Array]:
    """Some texts at a time, as copies of all would take much memory; of none an empty block."""
    return (texts.slice(start, _AT_ONCE) for start in range(0, max(len(texts), 1), _AT_ONCE))


def read_patch_table(path: LocationLike, lean: Lean | None = None) -> pa.Table:
    """Read a table of one row a patch, whose column ``patch_id`` is a string, unique and never null.

    A large one may be held lean.
    """
    table = read_table(path, needed=("patch_id",), lean=lean)
    ids = unique_patch_ids(path, table)
    return table.set_column(table.column_names.index("patch_id"), "patch_id", ids)


def identified(source: LocationLike, table: pa.Table, id_column: str = "patch_id") -> pa.Table:
    """A table whose patches another column than ``patch_id`` names, such as ``s1_name``.

    The names are unique and never null; where there is no ``patch_id``, they are it too.
    """
    require_columns(table, (id_column,), source)
    ids = unique_patch_ids(source, table, id_column)
    table = table.set_column(table.column_names.index(id_column), id_column, ids)
    return table if "patch_id" in table.column_names else table.append_column("patch_id", ids)


def unique_patch_ids(
    source: LocationLike, table: pa.Table, column: str = "patch_id"
) -> pa.ChunkedArray:
    """As `patch_ids`; an `InputFormatError` if one comes twice."""
    ids = patch_ids(source, table, column)
    if (repeated := first_repeated(ids)) is not None:
        beside = _beside(table, column, pc.equal(ids, repeated))
        raise InputFormatError(
            f"{source}: expected each {column} once, but {some_names([repeated])} is repeated{beside}; "
            "keep one row of it"
        )
    return ids


def patch_ids(path: LocationLike, table: pa.Table, column: str = "patch_id") -> pa.ChunkedArray:
    """The names in a column without blanks around; an `InputFormatError` if a row holds no text."""
    given = strings(path, table, column)
    ids = pc.utf8_trim_whitespace(given)
    ids = given if ids.equals(given) else ids  # which is held once then
    empty = is_no_value(ids)
    if without := pc.sum(empty).as_py() or 0:
        raise InputFormatError(
            f"{path}: expected a {column} in every row, but {without:,} of {len(ids):,} rows have none, "
            f"the first of them row {pc.index(empty, True).as_py() + 1:,}"
            f"{_beside(table, column, empty, 1)}; take these rows out"
        )
    return ids


def _beside(table: pa.Table, column: str, rows: pa.ChunkedArray, most: int = 2) -> str:
    """By which patches a name of another column stands, for a message."""
    if column == "patch_id" or "patch_id" not in table.column_names:
        return ""
    patches = table["patch_id"].filter(rows)[:most].to_pylist()
    return f", beside {' and '.join(some_names([str(patch)]) for patch in patches)}"


def first_repeated(ids: pa.Array | pa.ChunkedArray) -> str | None:
    """The first text that comes twice, None if there is none."""
    if len(ids) > MANY_ROWS and not _hashes_repeat(ids):
        return None
    if len(ids.unique()) == len(ids):
        return None
    counts = pc.value_counts(ids)
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    return repeated[0].as_py()


def _hashes_repeat(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether two of many texts may be the same: they are not where their hashes differ."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    hashes = np.sort(np.concatenate([_hashes(chunk) for chunk in chunks]))
    return bool((hashes[1:] == hashes[:-1]).any())


def _hashes(texts: pa.Array) -> NDArray[np.uint64]:
    """A number of 64 bits for each text, the same for the same one while this process runs."""
    import polars as pl

    return np.concatenate([pl.Series(block).hash().to_numpy() for block in blocks_of(texts)])


class IdIndex:
    """Where texts stand among some ids: of many by their hashes, in a quarter of the memory of the ids.

    Parameters
    ----------
    ids : pyarrow.StringArray
    """

    def __init__(self, ids: pa.StringArray) -> None:
        self._ids, self._hashes, self._order = ids, None, None
        if len(ids) > _AT_ONCE:
            hashes = _hashes(ids)
            order = np.argsort(hashes).astype(np.int32)
            hashes = hashes[order]
            if not (hashes[1:] == hashes[:-1]).any():
                self._hashes, self._order = hashes, order

    def rows(self, texts: pa.StringArray) -> pa.Int32Array:
        """As `pyarrow.compute.index_in`: the row of each text, null where it is no id.

        Rows are found by hashes, and the texts then compared.
        """
        if self._hashes is None or self._order is None or not len(texts):
            return pc.index_in(texts, self._ids)
        wanted = _hashes(texts)
        some = np.argsort(wanted)  # what is looked for in order is found several times faster
        place = np.empty(len(wanted), np.int64)
        place[some] = np.searchsorted(self._hashes, wanted[some])
        rows = self._order[np.minimum(place, len(self._ids) - 1)]
        blocks = zip(blocks_of(texts), blocks_of(pa.array(rows)), strict=True)
        same = pa.concat_arrays([pc.equal(block, self._ids.take(some)) for block, some in blocks])
        return pa.array(rows, mask=~np.asarray(same.fill_null(False)))

    def has(self, texts: pa.StringArray) -> NDArray[np.bool_]:
        """Which texts are among the ids: (n,) bool array."""
        return np.asarray(self.rows(texts).is_valid(), bool)


def rows_of(texts: pa.StringArray, ids: pa.StringArray) -> pa.Int32Array:
    """The row of each text among some ids, as of `IdIndex.rows`."""
    return pc.index_in(texts, ids) if len(ids) <= MANY_ROWS else IdIndex(ids).rows(texts)


def are_among(texts: pa.StringArray, ids: pa.StringArray) -> NDArray[np.bool_]:
    """Which texts are among some ids: (n,) bool array."""
    return np.asarray(rows_of(texts, ids).is_valid(), bool)


def distinct_ids(ids: pa.Array | pa.ChunkedArray) -> pa.StringArray:
    """Each id once, in the order in which they first come; those that all differ are not copied."""
    if len(ids) > MANY_ROWS and not _hashes_repeat(ids):
        return one_array(ids) if isinstance(ids, pa.ChunkedArray) else ids
    return pa.array(ids.unique(), pa.string())


def read_patch_list(path: LocationLike) -> list[str]:
    """Read the column ``patch_id`` of a CSV (gzipped or not) or Parquet file, each patch once."""
    ids = strings(path, read_table(path, needed=("patch_id",)), "patch_id")
    patches = pc.utf8_trim_whitespace(ids.filter(pc.invert(is_no_value(ids)))).to_pylist()
    if not patches:
        raise InputFormatError(f"{path}: expected a list of patches, but it names none")
    return list(dict.fromkeys(patches))
