"""Bands that statistics should rest on, but do not: a sentence for each reason."""

import pyarrow as pa

from benkit.files.file_kinds import LINK
from benkit.inventory.table.inventory_file import Inventory

_KIND = f"""
CASE WHEN contains(detail, '{LINK}') THEN 'links' WHEN status <> 'ok' THEN status
WHEN detail IS NULL THEN 'zeros' ELSE 'not finite' END
"""
_SENTENCES = {
    "links": "not followed, since links may lead anywhere: {}; `cp -rL` copies an archive with what "
    "they lead to",
    "unreadable": "not measured, since unreadable: {}",
    "missing": "not measured, since missing: {}",
    "not finite": "measured without their pixels that are NaN or infinite: {}",
    "zeros": "measured with zeros, since no NO_DATA value is declared: {}",
}


def unread_bands(
    inventory: Inventory, tables: dict[str, pa.Table], absent: tuple[str, ...]
) -> tuple[str, ...]:
    """A sentence for each kind of bands that are not measured, or not as they should be.

    Parameters
    ----------
    inventory : Inventory
    tables : dict of str to pyarrow.Table
        The patches that are measured, as the column ``patch_id`` of ``wanted``; all if it is empty.
    absent : tuple of str
        Those of them that are not in the inventory: they may lie behind links to folders.
    """
    among = "patch_id IN (SELECT patch_id FROM wanted)" if tables else "true"
    rows = inventory.query(
        f"""
        SELECT {_KIND} AS kind, count(*),
               coalesce(min(patch_id || '_' || band || '.tif'), min(split_part(detail, ': ', 1)))
        FROM inventory
        WHERE {among} AND (status IN ('unreadable', 'missing')
                           OR (status = 'ok' AND (detail IS NOT NULL OR nodata IS NULL AND min = 0)))
              OR {bool(absent) or not tables} AND status = 'not_scanned' AND contains(detail, '{LINK}')
        GROUP BY kind
        """,
        **tables,
    )
    found = {kind: (number, example) for kind, number, example in rows}
    return tuple(
        text.format(_counted("link" if kind == "links" else "band", *found[kind]))
        for kind, text in _SENTENCES.items()
        if kind in found
    )


def _counted(what: str, number: int, example: str) -> str:
    return f"{number:,} {what}s, such as {example}" if number > 1 else f"1 {what}, {example}"
