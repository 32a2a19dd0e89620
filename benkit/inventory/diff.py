"""What has changed from one inventory to another: patches added, removed, or with other bands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from benkit.engine.progress import Progress, Report, checks_text, reporter
from benkit.files.tables.kept import kept_table
from benkit.files.tables.table_value import TableValue
from benkit.inventory.table.database import batches_of, query_of
from benkit.inventory.table.inventory_file import Inventory

if TYPE_CHECKING:
    import duckdb

CHANGES = ("added", "removed", "changed")
"""What a row of a `Diff` says of its patch."""

_ASPECTS = {
    "status": ("status",),
    "size": ("width", "height"),
    "dtype": ("dtype",),
    "nodata": ("nodata",),
    "pixels": ("pixel_hash",),
    "georeference": ("epsg", "crs", "x", "y", "pixel_width", "pixel_height"),
}
_OTHERS = {
    aspect: " OR ".join(f'now."{name}" IS DISTINCT FROM before."{name}"' for name in names)
    for aspect, names in _ASPECTS.items()
}
_COLUMNS = [f'"{name}"' for names in _ASPECTS.values() for name in names]
_STATE = f"bit_xor(hash(band, {', '.join(_COLUMNS)})) AS state FROM inventory"
# Numbers in the place of names take a tenth of the memory; of those that differ the names are looked at.
_BY_NUMBER = f"""
SELECT hash(product, patch_id) AS number, {_STATE} WHERE band IS NOT NULL GROUP BY number
"""
_MAYBE = """
SELECT number FROM now FULL JOIN before USING (number) WHERE now.state IS DISTINCT FROM before.state
"""
_STATES = f"""
SELECT product, patch_id, {_STATE} SEMI JOIN maybe ON hash(product, patch_id) = number
WHERE band IS NOT NULL GROUP BY product, patch_id
"""
_DIFFER = f"""
SELECT row_number() OVER (ORDER BY product, patch_id) AS number,
       CASE WHEN before.state IS NULL THEN 'added' WHEN now.state IS NULL THEN 'removed'
            ELSE 'changed' END AS change, product, patch_id
FROM ({_STATES}) AS now FULL JOIN before USING (product, patch_id)
WHERE now.state IS DISTINCT FROM before.state ORDER BY number
"""
_PATCHES = """
SELECT count(*) FROM (SELECT DISTINCT product, patch_id FROM inventory WHERE band IS NOT NULL)
"""
_BANDS_OF = f"""
SELECT number, band, {", ".join(_COLUMNS)} FROM inventory
JOIN (SELECT number, product, patch_id FROM differ WHERE change = 'changed') USING (product, patch_id)
WHERE band IS NOT NULL
"""
_ROWS = """
SELECT change, product, patch_id, bands, what FROM (FROM differ WHERE {0}) LEFT JOIN (
    SELECT number, list(band ORDER BY position) AS bands,
           string_split(concat_ws(';', {1}), ';') AS what FROM other WHERE {0} GROUP BY number
) USING (number) ORDER BY number
"""
_CHECKS = 6
_AT_ONCE = 100_000  # patches whose bands are listed
_SCHEMA = pa.schema(
    [
        pa.field("change", pa.string(), nullable=False),
        pa.field("product", pa.string()),
        pa.field("patch_id", pa.string()),
        pa.field("bands", pa.list_(pa.string())),
        pa.field("what", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, repr=False)
class Diff(TableValue):
    """How the patches of one inventory differ from those of an earlier one.

    Attributes
    ----------
    same : int
        Patches of which nothing differs.
    table : pyarrow.Table
        A row a patch that differs, sorted: ``change`` (see `CHANGES`), ``product``, ``patch_id``; of a
        changed one the ``bands`` that differ, and in ``what``: ``status``, ``size``, ``dtype``,
        ``nodata``, ``pixels``, ``georeference``.
    """

    same: int
    table: pa.Table

    @cached_property
    def counts(self) -> dict[str, int]:
        """Patches by change, then those that are the same."""
        found = self.table["change"]
        counts = {one: pc.sum(pc.equal(found, one)).as_py() or 0 for one in CHANGES}
        return {**counts, "same": self.same}

    def _facts(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items())


def find_changes(old: Inventory, new: Inventory, progress: Progress = None) -> Diff:
    """Hold the patches of two inventories against each other, by product and name.

    Bands are compared by their pixels, whatever their encoding, by status, size, data type, NO_DATA
    value and georeference; stray files are not.

    Raises
    ------
    InputFormatError
        If an inventory lacks ``pixel_hash``, as those of version 1 do.
    """
    for inventory in (old, new):
        inventory.require_pixel_hashes()
    report = reporter(progress, checks_text)
    with TemporaryDirectory(prefix="benkit-queries-") as folder:
        patches = _find_patches(old, new, folder, report)
        _find_bands(old, new, folder, report)
        with _seeing(new, folder, "differ", "other") as connection:
            table = kept_table(_rows(connection), _SCHEMA)
    report(_CHECKS, _CHECKS, 0)
    changed = pc.sum(pc.equal(table["change"], "changed")).as_py() or 0
    assert len(table) - table["bands"].null_count == changed, (
        "of each changed patch, and of no other, it is known what has changed"
    )
    removed = pc.sum(pc.equal(table["change"], "removed")).as_py() or 0
    return Diff(patches - (len(table) - removed), table)


def _find_patches(old: Inventory, new: Inventory, folder: str, report: Report) -> int:
    """Write how, and of which patches, the states differ; how many patches the new inventory has."""
    report(0, _CHECKS, 0)
    _write(old, _BY_NUMBER, folder, "before")
    report(1, _CHECKS, 0)
    with _seeing(new, folder, "before") as connection:
        query_of(connection, f"CREATE TEMP TABLE now AS {_BY_NUMBER}")
        query_of(connection, _copy(_MAYBE, folder, "maybe"))
        report(2, _CHECKS, 0)
        ((patches,),) = query_of(connection, _PATCHES)
    report(3, _CHECKS, 0)
    _write(old, _STATES, folder, "before", "maybe")
    _write(new, _DIFFER, folder, "differ", "maybe", "before")
    return int(patches)


def _find_bands(old: Inventory, new: Inventory, folder: str, report: Report) -> None:
    """Write the bands that differ, and in what, of patches that do."""
    report(4, _CHECKS, 0)
    _write(old, _BANDS_OF, folder, "before", "differ")
    report(5, _CHECKS, 0)
    # where a band was read on one side only, all else differs too
    both = "now.status IS NOT DISTINCT FROM before.status"
    what = ", ".join(
        f"({test}) AND ({both} OR {aspect == 'status'}) AS {aspect}"
        for aspect, test in _OTHERS.items()
    )
    sql = f"""
        SELECT number, band, list_position({list(new.layout.band_names)}, band) AS position, {what}
        FROM ({_BANDS_OF}) AS now FULL JOIN before USING (number, band)
        WHERE {" OR ".join(_OTHERS.values())} ORDER BY number
        """
    _write(new, sql, folder, "other", "differ", "before")


def _rows(connection: "duckdb.DuckDBPyConnection") -> Iterator[pa.RecordBatch]:
    """The table of what differs; lists are made of some patches at a time, as they cannot be spilled."""
    what = ", ".join(f"if(bool_or({aspect}), '{aspect}', NULL)" for aspect in _OTHERS)
    ((patches,),) = query_of(connection, "SELECT count(*) FROM differ")
    for start in range(1, patches + 1, _AT_ONCE):
        some = f"number BETWEEN {start} AND {start + _AT_ONCE - 1}"
        yield from batches_of(connection, _ROWS.format(some, what))


@contextmanager
def _seeing(
    inventory: Inventory, folder: str, *names: str
) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A session that sees what earlier ones wrote."""
    with inventory.session() as connection:
        for name in names:
            path = _quoted(folder, name)
            query_of(connection, f"CREATE TEMP VIEW {name} AS FROM read_parquet({path})")
        yield connection


def _write(inventory: Inventory, sql: str, folder: str, name: str, *seen: str) -> None:
    with _seeing(inventory, folder, *seen) as connection:
        query_of(connection, _copy(sql, folder, name))


def _copy(sql: str, folder: str, name: str) -> str:
    return f"COPY ({sql}) TO {_quoted(folder, name)} (FORMAT parquet)"


def _quoted(folder: str, name: str) -> str:
    path = f"{folder}/{name}.parquet".replace("'", "''")
    return f"'{path}'"
