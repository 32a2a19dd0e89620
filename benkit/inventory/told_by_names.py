"""What the names of an archive's patches tell, some patches at a time."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.baselines import ADDED_OFFSET
from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import parse_patch_id
from benkit.domain.tiles import parse_tile
from benkit.errors import PatchIdError
from benkit.ground.footprints import GRID_CORNER, are_patch_ids, locate_rows
from benkit.inventory.baselines import added_offsets
from benkit.inventory.table.database import query_of, table_of

if TYPE_CHECKING:
    import duckdb

_AT_ONCE = 100_000
_TOLD = {
    "patch_id": pa.string(),
    "number": pa.uint64(),
    "is_first": pa.bool_(),
    "epsg": pa.int32(),
    "x": pa.float64(),
    "y": pa.float64(),
    "reason": pa.string(),
    "added": pa.int64(),
    "other_product": pa.string(),
}
# A patch that lies in several folders is told of once, by the first.
_FOLDERS = """
CREATE TEMP TABLE folders AS
SELECT DISTINCT product, patch_id FROM inventory WHERE band IS NOT NULL;
CREATE TEMP TABLE repeated AS
SELECT patch_id, min(product) AS first FROM folders GROUP BY patch_id HAVING count(*) > 1;
"""
# Numbers in the place of names take a tenth of the memory; where two patches share one, both may seem
# wrong here, and the queries of findings look at their rows themselves.
_EXTENTS = """
CREATE TEMP TABLE extents AS
SELECT hash(product, patch_id) AS number, count(*) AS bands,
       min(coalesce(epsg, 0)) FILTER (status = 'ok') AS a_epsg,
       max(coalesce(epsg, 0)) FILTER (status = 'ok') AS z_epsg,
       min(x) FILTER (status = 'ok') AS a_x, max(x) FILTER (status = 'ok') AS z_x,
       min(y) FILTER (status = 'ok') AS a_y, max(y) FILTER (status = 'ok') AS z_y,
       bool_and(x IS NOT NULL AND y IS NOT NULL AND (bands.pixel_size = 0 OR coalesce(
           abs(inventory.pixel_size - bands.pixel_size) <= same_pixel * bands.pixel_size, false)))
           FILTER (status = 'ok') AS has_place
FROM inventory JOIN bands USING (band) GROUP BY hash(product, patch_id);
"""
_NUMBERS = """
SELECT (SELECT count(*) FROM folders), count(*),
       count(*) FILTER (patch_id IN (SELECT patch_id FROM metadata))
FROM (SELECT DISTINCT patch_id FROM folders)
"""
_SOME = """
SELECT folders.product, folders.patch_id, hash(folders.product, folders.patch_id) AS number,
       coalesce(folders.product = first, true) AS is_first,
       starts_with(patch_id, folders.product || '_') AS begins_with_product{}
FROM folders LEFT JOIN repeated USING (patch_id) {} WHERE folders.rowid BETWEEN {{}} AND {{}}
"""
_VIEWS = """
CREATE TEMP VIEW on_disk AS SELECT patch_id FROM patches WHERE is_first;
CREATE TEMP VIEW expected AS
SELECT patch_id, epsg, x::{0} AS x, y::{0} AS y FROM patches WHERE is_first AND epsg IS NOT NULL;
CREATE TEMP TABLE maybe_elsewhere AS
SELECT DISTINCT patch_id FROM patches JOIN extents USING (number),
       (SELECT min(same_corner) AS same FROM bands)
WHERE epsg IS NOT NULL AND NOT coalesce(
    has_place AND a_epsg = epsg AND z_epsg = epsg AND abs(a_x - x) <= same AND abs(z_x - x) <= same
    AND abs(a_y - y) <= same AND abs(z_y - y) <= same, false);
CREATE TEMP TABLE maybe_incomplete AS
SELECT DISTINCT patch_id FROM patches JOIN extents USING (number)
WHERE extents.bands < (SELECT count(*) FROM bands);
CREATE TEMP TABLE maybe_disagreeing AS SELECT number FROM extents WHERE a_epsg <> z_epsg;
DROP TABLE extents;
CREATE TEMP VIEW invalid AS
SELECT patch_id, reason FROM patches WHERE is_first AND reason IS NOT NULL;
CREATE TEMP VIEW offsets AS SELECT patch_id, added FROM patches WHERE is_first;
CREATE TEMP VIEW misplaced AS
SELECT other_product AS product, patch_id FROM patches WHERE other_product IS NOT NULL;
"""


def tell_of_patches(
    connection: "duckdb.DuckDBPyConnection", layout: Layout, columns: list[str]
) -> tuple[int, int]:
    """Make the table ``patches``, a row a folder of one, and views of it.

    The views are ``on_disk``, the patches that are there; ``expected``, the georeference that each
    should have; ``invalid``, ids that are none, with the reason; ``offsets``, the added offset of each;
    and ``misplaced``, folders of another product than the id tells. The tables ``maybe_elsewhere``,
    ``maybe_incomplete`` and ``maybe_disagreeing`` name all patches of which some band lies elsewhere,
    has no row, or has another EPSG code than others, and maybe some more.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables ``inventory``, ``metadata`` and ``bands``.
    layout : Layout
    columns : list of str
        Of the metadata: those that tell more than names do are asked.

    Returns
    -------
    int, int
        How many patches there are, and how many of them are in the metadata.
    """
    query = partial(query_of, connection)
    query(_FOLDERS)
    ((folders, patches, known),) = query(_NUMBERS)
    also = [name for name in (*GRID_CORNER, ADDED_OFFSET) if name in columns]
    some = _SOME.format(
        "".join(f", metadata.{name}" for name in also),
        "LEFT JOIN metadata USING (patch_id)" if also else "",
    )
    told = pa.schema(_TOLD.items()).empty_table()
    connection.register("told", told)
    query("CREATE TEMP TABLE patches AS FROM told")
    for start in range(0, folders, _AT_ONCE):
        rows = table_of(connection, some.format(start, start + _AT_ONCE - 1))
        connection.register("told", _told(rows, layout))
        query("INSERT INTO patches FROM told")
    connection.unregister("told")
    ((whole,),) = query("SELECT coalesce(bool_and(x % 1 = 0 AND y % 1 = 0), true) FROM patches")
    query("DROP TABLE folders; DROP TABLE repeated")
    query(_EXTENTS)
    query(_VIEWS.format("BIGINT" if whole else "DOUBLE"))
    return patches, known


def _told(rows: pa.Table, layout: Layout) -> pa.Table:
    """What the names of some patches tell, with the columns of the table of all."""
    ids = rows["patch_id"].combine_chunks()
    place = _places(rows) if layout is BIGEARTHNET_S2 else _places_by_parts(ids, layout)
    others, added = _other_products(rows, layout), added_offsets(rows)
    columns = [ids, rows["number"], rows["is_first"], *place, added, others]
    return pa.table(columns, names=[*_TOLD]).cast(pa.schema(_TOLD.items()))


def _other_products(rows: pa.Table, layout: Layout) -> pa.Array:
    """The product in whose folder a patch lies, where its id tells another one; else null."""
    products = rows["product"].combine_chunks()
    own = np.zeros(len(rows), bool)
    if layout.product:
        right = [name for name in products.unique().to_pylist() if layout.is_product(name)]
        own = np.asarray(pc.is_in(products, pa.array(right, pa.string())))
        own &= np.asarray(rows["begins_with_product"])
    rest = rows.filter(pa.array(~own))
    names = zip(rest["product"].to_pylist(), rest["patch_id"].to_pylist(), strict=True)
    others = np.full(len(rows), None, object)
    others[~own] = [None if layout.belongs(*one) else one[0] for one in names]
    return pa.array(others, pa.string())


def _places(rows: pa.Table) -> list[pa.Array]:
    """EPSG code, x and y where patches should lie, and why an id is none; else null."""
    ids = rows["patch_id"].combine_chunks()
    valid = are_patch_ids(ids)
    reasons: list[str | None] = [None] * len(ids)
    for row in np.flatnonzero(~valid).tolist():
        try:
            parse_patch_id(ids[row].as_py())
        except PatchIdError as error:
            reasons[row] = str(error)
    footprints = locate_rows(rows.filter(pa.array(valid)))
    at = pa.array(np.cumsum(valid) - 1, mask=~valid)
    places = [footprints.epsg, footprints.x.astype(float), footprints.y.astype(float)]
    return [*(pa.array(one).take(at) for one in places), pa.array(reasons, pa.string())]


def _places_by_parts(ids: pa.Array, layout: Layout) -> list[pa.Array]:
    """The same where the parts of an id tell its tile, column and row."""
    rows: list[tuple[int | None, float | None, float | None, str | None]] = []
    for patch in ids.to_pylist():
        parts = layout.parts(patch)
        rows.append((None, None, None, None))
        if layout.tells and parts is None:
            rows[-1] = (None, None, None, f"expected a name such as {layout.tells}")
        elif parts and layout.grid_metres:
            try:
                tile = parse_tile(parts["tile"].removeprefix("T"))
            except PatchIdError as error:
                rows[-1] = (None, None, None, str(error))
                continue
            east, south = (layout.grid_metres * int(parts[name]) for name in ("column", "row"))
            rows[-1] = (tile.epsg, tile.west + east, tile.north - south, None)
    kinds = [_TOLD[name] for name in ("epsg", "x", "y", "reason")]
    return [pa.array(one, kind) for one, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
