"""Patches whose bands cover different ground."""

from typing import TYPE_CHECKING

import pyarrow as pa

from benkit.inventory.table.database import query_of, table_of

if TYPE_CHECKING:
    import duckdb

_SAME_EDGE = 0.1  # of a pixel: a usual mistake is half of one
_PLACED = """
SELECT product, patch_id, band, epsg, x, y, bands.width AS columns, bands.height AS rows,
       coalesce(pixel_width, inventory.pixel_size) AS wide,
       coalesce(pixel_height, inventory.pixel_size) AS high,
       if(inventory.width = columns, x + columns * wide, NULL) AS east,
       if(inventory.height = rows, y - rows * high, NULL) AS south,
       coalesce('EPSG:' || epsg, crs, 'none') AS crs
FROM inventory JOIN bands USING (band) WHERE status = 'ok'
"""
# Some archives keep bands of larger pixels on a grid of its own, off by half the difference of pixels.
_APART = f"""
WITH alike AS (
    SELECT product, patch_id, min(hash(crs)) AS a_crs, max(hash(crs)) AS z_crs,
           min(coalesce(epsg, 0)) AS a_epsg, max(coalesce(epsg, 0)) AS z_epsg,
           count(x) AS placed, count(*) AS in_all, max(wide) AS wide, max(high) AS high,
           min(x) AS a_x, max(x) AS z_x, min(east) AS a_east, max(east) AS z_east,
           min(y) AS a_y, max(y) AS z_y, min(south) AS a_south, max(south) AS z_south,
           greatest(z_x - a_x, z_east - a_east) > {_SAME_EDGE} * max(wide)
           OR greatest(z_y - a_y, z_south - a_south) > {_SAME_EDGE} * max(high) AS differ
    FROM ({_PLACED}) GROUP BY product, patch_id, columns, rows
)
SELECT product, patch_id FROM alike GROUP BY ALL
HAVING min(a_epsg) = max(z_epsg) AND (
    min(a_crs) <> max(z_crs) OR bool_or(differ) OR sum(placed) BETWEEN 1 AND sum(in_all) - 1
    OR greatest(max(z_x) - min(a_x), max(z_east) - min(a_east)) > max(wide) / 2
    OR greatest(max(z_y) - min(a_y), max(z_south) - min(a_south)) > max(high) / 2)
"""
_GROUNDS = f"""
SELECT product, patch_id, string_agg(band, ' ' ORDER BY band)
    || coalesce(' in ' || nullif(regexp_extract(crs, '"([^"]*)"', 1), ''), '') || coalesce(
    format(' from {{:.15g}}, {{:.15g}}', x, y)
    || coalesce(format(' to {{:.15g}}, {{:.15g}}', east, south), ''), ' none') AS ground
FROM ({_PLACED}) SEMI JOIN apart USING (product, patch_id)
GROUP BY product, patch_id, crs, x, y, east, south
"""


def bands_of_other_ground(connection: "duckdb.DuckDBPyConnection", *, told: bool) -> pa.Table:
    """Patches whose bands cover different ground, though their EPSG codes are the same.

    Edges differ where they are further apart than a tenth of a pixel, of bands of one size, or half the
    larger pixel, of others. A band without a place differs from those that have one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the tables ``inventory``, and ``bands``: ``band``, ``width`` and ``height``, as the layout
        has them.
    told : bool
        Whether names tell where patches lie, so that each band is held against that: there are none.

    Returns
    -------
    pyarrow.Table
        ``patch_id`` and ``reason``.
    """
    if told:
        return pa.table({name: pa.array([], pa.string()) for name in ("patch_id", "reason")})
    query_of(connection, f"CREATE TEMP TABLE apart AS {_APART}")
    grounds = (
        "SELECT patch_id, 'its bands cover different ground: ' || string_agg(ground, '; ' ORDER BY "
        f"ground) AS reason FROM ({_GROUNDS}) GROUP BY product, patch_id"
    )
    return table_of(connection, grounds)
