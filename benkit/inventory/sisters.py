"""Two archives of the same ground, held against each other by the metadata that join their patches."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from benkit.errors import InputFormatError
from benkit.inventory.findings import SISTER_KINDS
from benkit.inventory.table.inventory_file import Inventory
from benkit.tiff.raster import SAME_CORNER

_PLACES = """
SELECT patch_id, mode(epsg) AS epsg, mode(x) AS x, mode(y) AS y,
       mode(pixel_width * width) AS wide, mode(pixel_height * height) AS high
FROM inventory WHERE band IS NOT NULL GROUP BY patch_id ORDER BY patch_id
"""
"""Where each patch on disk lies, as most of its bands say; nulls where none can be read."""

_DAY = "try_strptime(regexp_extract({}, '_([0-9]{{8}})T[0-9]{{6}}', 1), '%Y%m%d')"
_DAYS = f"""
SELECT abs(date_diff('day', {_DAY.format("patch_id")}, {_DAY.format("sister_id")})) AS days, count(*)
FROM joined WHERE patch_id IN (SELECT patch_id FROM own)
              AND sister_id IN (SELECT patch_id FROM sister)
GROUP BY days HAVING days IS NOT NULL ORDER BY days
"""


def sister_findings(
    inventory: Inventory, sister: Inventory, metadata: pa.Table
) -> tuple[pa.Table, Mapping[int, int]]:
    """Hold an archive against its sister archive.

    Parameters
    ----------
    inventory, sister : Inventory
    metadata : pyarrow.Table
        With ``patch_id`` and the column of which the layout of the archive says that it names the
        patches of its sister.

    Returns
    -------
    pyarrow.Table
        Findings of `SISTER_KINDS`: ``patch_id``, ``band`` (null), ``kind``, ``reason``.
    mapping of int to int
        How many pairs of patches lie so many days apart, as their names tell.

    Raises
    ------
    InputFormatError
        If the layout has no sister, the other archive is of another layout, or the column is missing.
    """
    said = inventory.layout.sister
    if said is None or sister.layout.name != said.layout:
        expected = f"an archive of the layout {said.layout}" if said else "a layout with a sister"
        raise InputFormatError(
            f"{sister.name if said else inventory.name}: expected {expected}, but its layout is "
            f"{(sister if said else inventory).layout.name}"
        )
    if said.column not in metadata.column_names:
        raise InputFormatError(
            f"expected metadata with the column {said.column}, which names the patches of "
            f"{sister.name}, but it is missing"
        )
    names = {"patch_id": metadata["patch_id"], "sister_id": metadata[said.column].cast(pa.string())}
    tables = {
        "joined": pa.table(names),
        "own": inventory.query_table(_PLACES),
        "sister": sister.query_table(_PLACES),
        "tolerance": pa.table({"same_corner": [SAME_CORNER]}),
    }
    found = inventory.query_table(
        " UNION ALL ".join(kind.select for kind in SISTER_KINDS.values()) + " ORDER BY ALL",
        **tables,
    )
    days = dict(inventory.query(_DAYS, **tables))
    in_metadata = pc.sum(pc.is_in(tables["own"]["patch_id"], names["patch_id"])).as_py() or 0
    assert sum(days.values()) <= in_metadata, "each patch has one pair at most"
    return found.rename_columns(["patch_id", "band", "kind", "reason"]), days
