"""What has changed from one inventory to another: patches added, removed, or with other bands."""

from dataclasses import dataclass
from functools import cached_property
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.engine.progress import Progress, Report, checks_text, reporter
from benkit.files.tables.table_value import TableValue
from benkit.inventory.table.database import query_of, table_of
from benkit.inventory.table.inventory_file import Inventory

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
_COLUMNS = [f'"{name}"' for names in _ASPECTS.values() for name in names]
_STATES = f"""
SELECT product, patch_id, bit_xor(hash(band, {", ".join(_COLUMNS)})) AS state
FROM inventory WHERE band IS NOT NULL GROUP BY product, patch_id
"""
_DIFFER = """
SELECT CASE WHEN before.state IS NULL THEN 'added' WHEN now.state IS NULL THEN 'removed'
            ELSE 'changed' END AS change, product, patch_id
FROM now FULL JOIN before USING (product, patch_id)
WHERE now.state IS DISTINCT FROM before.state ORDER BY product, patch_id
"""
_BANDS_OF = f"""
SELECT number, band, {", ".join(_COLUMNS)} FROM inventory JOIN wanted USING (product, patch_id)
WHERE band IS NOT NULL
"""
_AT_ONCE = 100_000  # patches whose bands are held against each other
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
    found, patches = _states_that_differ(old, new, reporter(progress, checks_text))
    is_changed = pc.equal(found["change"], "changed")
    changed = found.filter(is_changed).drop_columns("change")
    details = [
        _details(old, new, changed.slice(start, _AT_ONCE))
        for start in range(0, len(changed), _AT_ONCE)
    ]
    bands = pa.concat_tables([_SCHEMA.empty_table().select(["bands", "what"]), *details])
    assert len(bands) == len(changed), "of each changed patch it is known what has changed"
    row = pc.subtract(pc.cumulative_sum(is_changed.cast(pa.int64())), 1)
    row = pc.if_else(is_changed, row, pa.scalar(None, pa.int64()))
    table = found.append_column("bands", bands["bands"].take(row))
    table = table.append_column("what", bands["what"].take(row)).cast(_SCHEMA)
    removed = pc.sum(pc.equal(found["change"], "removed")).as_py() or 0
    return Diff(patches - (len(found) - removed), table)


def _states_that_differ(old: Inventory, new: Inventory, report: Report) -> tuple[pa.Table, int]:
    """How, and of which patches, the states differ, and how many patches the new inventory has."""
    with TemporaryDirectory(prefix="benkit-queries-") as folder:
        states = f"{folder}/states.parquet".replace("'", "''")
        report(0, 3, 0)
        with old.session() as connection:
            query_of(connection, f"COPY ({_STATES}) TO '{states}' (FORMAT parquet)")
        report(1, 3, 0)
        with new.session() as connection:
            query_of(connection, f"CREATE TEMP VIEW before AS FROM read_parquet('{states}')")
            query_of(connection, f"CREATE TEMP TABLE now AS {_STATES}")
            ((patches,),) = query_of(connection, "SELECT count(*) FROM now")
            report(2, 3, 0)
            found = table_of(connection, _DIFFER)
    report(3, 3, 0)
    return found, patches


def _details(old: Inventory, new: Inventory, wanted: pa.Table) -> pa.Table:
    """The bands that differ, and in what, of patches that do, in their order."""
    wanted = wanted.append_column("number", pa.array(np.arange(len(wanted))))
    others = {
        aspect: " OR ".join(f'now."{name}" IS DISTINCT FROM before."{name}"' for name in names)
        for aspect, names in _ASPECTS.items()
    }
    # where a band was read on one side only, all else differs too
    both = "now.status IS NOT DISTINCT FROM before.status"
    what = ", ".join(
        f"if(bool_or(({test}) AND ({both} OR {aspect == 'status'})), '{aspect}', NULL)"
        for aspect, test in others.items()
    )
    position = f"list_position({list(new.layout.band_names)}, band)"
    return new.query_table(
        f"""
        SELECT list(band ORDER BY {position}) AS bands,
               string_split(concat_ws(';', {what}), ';') AS what
        FROM ({_BANDS_OF}) AS now FULL JOIN before USING (number, band)
        WHERE {" OR ".join(others.values())} GROUP BY number ORDER BY number
        """,
        wanted=wanted,
        before=old.query_table(_BANDS_OF, wanted=wanted),
    ).cast(pa.schema([_SCHEMA.field("bands"), _SCHEMA.field("what")]))
