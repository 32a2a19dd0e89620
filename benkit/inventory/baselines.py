"""Whether digital numbers with and without the offset of later processing baselines are together."""

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.baselines import ADDED_OFFSET, OFFSET, UNKNOWN, WITH_OFFSET
from benkit.inventory.table.inventory_file import Inventory

_PART = r"_MSIL[12][AC]_\d{8}T\d{6}_(?P<baseline>N\d{4})_R\d{3}_T"
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
                  WHERE status = 'ok' AND NOT contains(patch_id, '_{UNKNOWN}_') {chosen}))
        WHERE baseline NOT IN ('', '{UNKNOWN}') GROUP BY baseline ORDER BY baseline
        """,
        **tables,
    )
    without = [one for one in found if one[0] < WITH_OFFSET]
    with_offset = [one for one in found if one[0] >= WITH_OFFSET]
    if not (without and with_offset):
        return ()
    return (
        f"processing baselines are mixed: {_listed(without)} without, {_listed(with_offset)} with the "
        "offset of 1,000 (BOA_ADD_OFFSET) that digital numbers have since N0400; unless it was taken "
        "out, statistics of both are off: measure them apart, or subtract 1,000 from the latter",
    )


def added_offsets(patches: pa.Table) -> pa.Array:
    """The offset of the digital numbers of each patch, null where nothing tells it.

    The column `ADDED_OFFSET` tells it if there is one, else the baseline in ``patch_id``.
    """
    ids = patches["patch_id"].combine_chunks()
    baseline = pc.struct_field(pc.extract_regex(ids, _PART), "baseline")
    added = pc.if_else(pc.greater_equal(baseline, WITH_OFFSET), OFFSET, 0)
    added = pc.if_else(pc.equal(baseline, UNKNOWN), pa.scalar(None, pa.int64()), added)
    if ADDED_OFFSET in patches.column_names:
        told = patches[ADDED_OFFSET].cast(pa.int64()).combine_chunks()
        added = pc.coalesce(told, added)
    return added


def _listed(baselines: list[tuple[str, int]]) -> str:
    return ", ".join(
        f"{name} of {patches:,} patch{'es' * (patches != 1)}" for name, patches in baselines
    )
