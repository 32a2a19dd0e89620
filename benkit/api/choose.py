"""Choose patches by what people say: lists, findings, conditions, boxes, splits."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benkit.api.sources import TableLike, as_patch_ids, is_location
from benkit.datasets.selection import Selection, reasons_of, require_kinds
from benkit.errors import InputFormatError
from benkit.files.tables.table import as_table, require_columns, strings
from benkit.ground.box import in_box
from benkit.inventory.contents import none_is_there
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.described import described, matching
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split


def chosen_patches(
    ids: pa.Array,
    metadata: Metadata | None = None,
    *,
    patches: TableLike | Iterable[str] | None = None,
    split: Split | None = None,
    where: str | None = None,
    bbox: Sequence[float] | None = None,
) -> Selection:
    """Of some patches those that are listed, on a side, match a condition and lie in a box."""
    selection = Selection.of_all(ids)
    if patches is not None:
        selection = selection.among(as_patch_ids(patches, "patches"), "not listed")
    if split is not None:
        on_sides = pa.concat_arrays(list(split.side_ids().values()))
        selection = selection.among(on_sides, "on no side of the split")
    if where is not None:
        table = described(selection.ids, None if metadata is None else metadata.table)
        selection = selection.where(matching(table, where), f"not where {where}")
    if bbox is not None:
        selection = selection.where(in_box(selection.ids, bbox), "outside the bounding box")
    return selection


def as_findings(findings: TableLike) -> pa.Table:
    """The findings that `benkit.audit` gives or writes: ``patch_id``, ``band`` and ``kind``."""
    name = str(findings) if is_location(findings) else "the findings"
    table = as_table(findings, "findings")
    if "kind" in table.column_names and "band" not in table.column_names:
        table = table.append_column("band", pa.nulls(len(table), pa.string()))
    require_columns(table, ("patch_id", "band", "kind"), name)
    columns = {one: strings(name, table, one) for one in ("patch_id", "band", "kind")}
    return pa.table({one: pc.if_else(pc.equal(c, ""), None, c) for one, c in columns.items()})


def excluded(
    inventory: Inventory, findings: pa.Table, kinds: Iterable[str] | None, name: Any
) -> dict[str, str]:
    """Why patches of an inventory are left out by the findings about them.

    Raises
    ------
    OptionError
        If there is no such kind of findings.
    InputFormatError
        If the findings are about patches of another archive.
    """
    wanted = None if kinds is None else require_kinds(kinds)
    here = findings.filter(pc.not_equal(findings["kind"], "not_on_disk"))
    named = here["patch_id"].drop_null().unique()
    there = {patch for (patch,) in inventory.query("SELECT DISTINCT patch_id FROM inventory")}
    if len(named) and there.isdisjoint(named.to_pylist()):
        error = none_is_there(
            inventory,
            f"patches of the findings {name}" if is_location(name) else "patches of the findings",
            len(named),
            named[:1].to_pylist(),
            "name the findings of this archive",
        )
        raise InputFormatError(str(error))
    return reasons_of(here, wanted)
