"""Refuse an inventory whose columns or rows cannot be right, before it answers questions.

An inventory may be damaged, made by other tools, or put together from several. Checked is what answers
rest on: the types, that a band of a patch has one row, and that a row has possible numbers.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from benkit.inventory.table.schema import INVENTORY_SCHEMA, STATUSES

if TYPE_CHECKING:
    import duckdb

ON_DISK = "inventory_on_disk"
"""Name of the table that has the columns as they are in the file."""

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint64(): "UBIGINT",
    pa.float64(): "DOUBLE",
    pa.decimal128(38, 0): "DECIMAL(38,0)",
}
_OWN = {field.name: _TYPES[field.type] for field in INVENTORY_SCHEMA}
_NO_TYPE = '"NULL"'  # of a column without any value
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMBERS = (*_WHOLE, *(f"U{name}" for name in _WHOLE), "FLOAT", "DOUBLE")
_TOLERANCE = 1e-12  # relative; the error of sums of 64-bit floats is far below

_BANDS = "(bands of the layout)"
_STATUSES = ", ".join(f"'{status}'" for status in STATUSES)
_ROWS = """
(SELECT *, coalesce(sum::DOUBLE, float_sum) / valid AS mean,
        coalesce(sum_sq::DOUBLE, float_sum_sq) / valid AS mean_sq FROM inventory)
"""
_SIZE = f"({_TOLERANCE} * greatest(abs(min), abs(max)))"
_SIZE_SQ = f"({_TOLERANCE} * greatest(min * min, max * max))"
_SPREAD_SQ = "((max - min) * (max - min) / 4)"

# What is wrong with a row by the condition for it, which does not hold where it is NULL.
_WRONG = {
    "its status is none of " + ", ".join(STATUSES): (
        f"status IS NULL OR status NOT IN ({_STATUSES})"
    ),
    "it has no patch, product or band": (
        "status IN ('ok', 'missing', 'unreadable') "
        f"AND (patch_id IS NULL OR product IS NULL OR band IS NULL OR band NOT IN {_BANDS})"
    ),
    "it should name no band": "status IN ('stray', 'not_scanned') AND band IS NOT NULL",
    "it has no detail": "status IN ('unreadable', 'stray', 'not_scanned') AND detail IS NULL",
    "it has no data type, size or numbers of pixels": (
        "status = 'ok' AND NOT coalesce(dtype IS NOT NULL AND width > 0 AND height > 0 "
        "AND valid >= 0 AND nodata_count >= 0, false)"
    ),
    "it has no sums of its pixels": (
        "status = 'ok' AND valid > 0 AND NOT coalesce(isfinite(min) AND isfinite(max) "
        "AND (sum IS NULL) <> (float_sum IS NULL) AND (sum IS NULL) = (sum_sq IS NULL) "
        "AND (float_sum IS NULL) = (float_sum_sq IS NULL), false)"
    ),
    "its sums do not fit its min, max and number of valid pixels": (
        "status = 'ok' AND valid > 0 AND NOT coalesce("
        f"mean BETWEEN min - {_SIZE} AND max + {_SIZE} "
        f"AND mean_sq - mean * mean BETWEEN -{_SIZE_SQ} AND {_SPREAD_SQ} + {_SIZE_SQ}, false)"
    ),
}


def wrong_types(found: dict[str, str]) -> Iterator[str]:
    """Say which columns of an inventory have a wrong type, by the types that DuckDB finds.

    Numbers may have other types than in `INVENTORY_SCHEMA`, as pandas makes them; `wrong_row` checks
    that they are whole where they should be.
    """
    for name, own in _OWN.items():
        kind = found.get(name, own)
        if kind in (own, _NO_TYPE):
            continue
        whole = kind.startswith("DECIMAL") and kind.endswith(",0)")
        if own == "VARCHAR" or not (kind in _NUMBERS or whole):
            yield f"{INVENTORY_SCHEMA.field(name).type} in the column {name}, but its type is {kind}"


def columns_sql(found: dict[str, str]) -> str:
    """The columns of an inventory as SQL, each in its own type, NULL where it does not fit or is not."""
    columns = []
    for name, own in _OWN.items():
        column = f'"{name}"' if name in found else "NULL"
        fits = found.get(name) == own
        columns.append(column if fits else f'TRY_CAST({column} AS {own}) AS "{name}"')
    return ", ".join(columns)


def wrong_row(
    connection: "duckdb.DuckDBPyConnection",
    found: dict[str, str],
    bands: Sequence[str],
) -> str | None:
    """The first impossible row: its patch and band, and what is wrong; None if there is none.

    ``bands`` are those of the layout.

    The connection has the inventory as the tables ``inventory`` and `ON_DISK`.
    """
    for name, own in _OWN.items():
        if found.get(name, own) == own:
            continue
        row = connection.execute(
            f'SELECT patch_id, band, "{name}" FROM {ON_DISK} '
            f'WHERE TRY_CAST("{name}" AS {own}) IS DISTINCT FROM "{name}" LIMIT 1'
        ).fetchone()
        if row:
            kind = INVENTORY_SCHEMA.field(name).type
            return f"{_named(*row[:2])}: its {name} is {row[2]}, which is no {kind}"
    names = "(" + ", ".join("'" + band.replace("'", "''") + "'" for band in bands) + ")"
    # All at once, as most inventories are right: to open and read files again takes longer.
    wrong = " OR ".join(f"({one})" for one in _WRONG.values()).replace(_BANDS, names)
    found_any = connection.execute(f"SELECT 1 FROM {_ROWS} WHERE {wrong} LIMIT 1").fetchall()
    for text, condition in _WRONG.items() if found_any else ():
        row = connection.execute(
            f"SELECT patch_id, band FROM {_ROWS} WHERE {condition.replace(_BANDS, names)} LIMIT 1"
        ).fetchone()
        if row:
            return f"{_named(*row)}: {text}"
    # A bit a band is quicker than a group a band: no two rows of a patch may share one.
    bits = f"bit_count(bit_or(1::BIGINT << list_position([{names[1:-1]}], band)))"
    of_bands, several = "FROM inventory WHERE band IS NOT NULL", f"HAVING count(*) <> {bits}"
    # Numbers in the place of names take a tenth of the memory; two patches may share one.
    by_hash = f"SELECT 1 {of_bands} GROUP BY hash(product, patch_id) {several} LIMIT 1"
    if not connection.execute(by_hash).fetchall():
        return None
    row = connection.execute(
        f"SELECT product, patch_id {of_bands} GROUP BY product, patch_id {several} ORDER BY ALL LIMIT 1"
    ).fetchone()
    return None if row is None else f"{row[0]}/{row[1]}: a band of it has several rows"


def _named(patch: str | None, band: str | None) -> str:
    return " ".join(filter(None, (patch, band))) or "a row without a patch"
