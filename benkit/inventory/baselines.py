"""Processing baselines of Sentinel-2 in the names of patches, and whether their numbers can be averaged.

From baseline 04.00 on, 25 January 2022, digital numbers are higher by 1,000 (``BOA_ADD_OFFSET`` and
``RADIO_ADD_OFFSET`` of -1000 in a product's metadata) [1]_. The names of BigEarthNet say N9999, which
tells nothing.

References
----------
.. [1] ESA, Sentinel-2 Products Specification Document, and Processing Baseline 04.00,
   https://sentiwiki.copernicus.eu/web/s2-processing
"""

import pyarrow as pa

from benkit.inventory.table.inventory_file import Inventory

_WITH_OFFSET = "N0400"
_UNKNOWN = "N9999"
_NAME = r"^S2[A-D]_MSIL[12][AC]_\d{8}T\d{6}_(N\d{4})_R\d{3}_T"


def baseline_warnings(
    inventory: Inventory, chosen: str = "", **tables: pa.Table
) -> tuple[str, ...]:
    """A sentence if patches with and without the offset are together, none otherwise.

    Parameters
    ----------
    inventory : Inventory
    chosen : str
        A further condition in SQL on its rows, of which those of readable bands count.
    **tables : pyarrow.Table
        What the condition names.
    """
    found = inventory.query(
        f"""
        SELECT baseline, count(*) FROM (
            SELECT regexp_extract(if(regexp_matches(patch_id, '{_NAME}'), patch_id, product),
                                  '{_NAME}', 1) AS baseline
            FROM (SELECT DISTINCT product, patch_id FROM inventory
                  WHERE status = 'ok' AND NOT contains(patch_id, '_{_UNKNOWN}_') {chosen}))
        WHERE baseline NOT IN ('', '{_UNKNOWN}') GROUP BY baseline ORDER BY baseline
        """,
        **tables,
    )
    without = [one for one in found if one[0] < _WITH_OFFSET]
    with_offset = [one for one in found if one[0] >= _WITH_OFFSET]
    if not (without and with_offset):
        return ()
    return (
        f"processing baselines are mixed: {_listed(without)} without, {_listed(with_offset)} with the "
        "offset of 1,000 (BOA_ADD_OFFSET) that digital numbers have since N0400; unless it was taken "
        "out, statistics of both are off: measure them apart, or subtract 1,000 from the latter",
    )


def _listed(baselines: list[tuple[str, int]]) -> str:
    return ", ".join(
        f"{name} of {patches:,} patch{'es' * (patches != 1)}" for name, patches in baselines
    )
