"""Choose patches by what people say: lists, findings, conditions, boxes, splits."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.api.inputs.sources import TableLike, is_location
from benkit.datasets.selection import Selection, reasons_of, require_kinds
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import as_location
from benkit.files.safe_names import some_names
from benkit.files.tables.table import (
    as_table,
    one_array,
    read_json_table,
    require_columns,
    strings,
)
from benkit.ground.box import in_box
from benkit.inventory.contents import contents
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.described import columns_of, where_holds
from benkit.metadata.metadata import Metadata
from benkit.metadata.patch_list import are_among, blocks_of, rows_of
from benkit.splits.split import Split

_FINDING = ("patch_id", "band", "kind")


@dataclass(frozen=True)
class Choice:
    """Which patches people leave out: those that findings name, or that do not match a condition.

    Attributes
    ----------
    exclude : path, URL, Audit or table, optional
        Findings of `benkit.audit`: the patches that they name are left out.
    exclude_kinds : sequence of str, optional
        Of these kinds of findings alone.
    where : str, optional
        Only patches for which this SQL condition is true, over the columns of the metadata and those of
        `benkit.metadata.described`.
    tell : callable, optional
        Called with a sentence about what is left out.

    Raises
    ------
    OptionError
        If there are kinds without findings, or is no such kind.
    """

    exclude: TableLike | None = None
    exclude_kinds: Sequence[str] | None = None
    where: str | None = None
    tell: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        """Refuse what does not go together, before any work."""
        if self.exclude_kinds is not None:
            require_kinds(self.exclude_kinds)
            if self.exclude is None:
                raise OptionError("--exclude-kinds needs --exclude FINDINGS")

    def __bool__(self) -> bool:
        """Whether anything may be left out."""
        return self.exclude is not None or self.where is not None

    def columns(self, *others: str | None) -> Collection[str]:
        """Columns of metadata that a verb looks at beside those of places, labels and sides."""
        asked = () if self.where is None else columns_of(self.where)
        return [*asked, *(name for name in others if name)]

    def of_metadata(self, metadata: Metadata) -> Metadata:
        """The rows of the patches that are not left out; an error if there is none."""
        if not self:
            return metadata
        selection = self.select(metadata.table["patch_id"], metadata)
        assert len(selection.ids) == len(metadata), "metadata have a row a patch"
        return metadata.filter(selection.chosen)

    def apply(
        self,
        ids: pa.Array | pa.ChunkedArray,
        metadata: Metadata | None = None,
        inventory: Inventory | None = None,
    ) -> Selection:
        """Of some patches those that are not left out, maybe none."""
        selection = Selection.of_all(ids)
        if self.where is not None:
            selection = where_true(selection, metadata, self.where)
        if self.exclude is not None:
            found = as_findings(self.exclude)
            found = found if metadata is None else _by_patch_id(found, metadata)
            reasons = excluded(found, self.exclude_kinds, selection.ids, self.exclude, inventory)
            selection = selection.without(reasons)
        return selection

    def select(
        self,
        ids: pa.Array | pa.ChunkedArray,
        metadata: Metadata | None = None,
        inventory: Inventory | None = None,
    ) -> Selection:
        """Of some patches those that are not left out, which `tell` is told; an error if none is."""
        selection = self.apply(ids, metadata, inventory)
        left, number = int((~selection.chosen).sum()), len(selection.ids)
        if left == number:
            raise InputFormatError(
                f"expected some of {number:,} patches, but none is left: {selection.reasons}"
            )
        if self.tell is not None:
            why = f": {selection.reasons}" if left else ""
            self.tell(f"{left:,} of {number:,} patches are left out{why}")
        return selection


def _by_patch_id(findings: pa.Table, metadata: Metadata) -> pa.Table:
    """The same by ``patch_id`` where not one of them is, but some name patches by the other column."""
    names = findings["patch_id"]
    if are_among(one_array(names), one_array(metadata.table["patch_id"])).any():
        return findings
    rows = rows_of(one_array(names), metadata.patch_ids)
    ids = pc.coalesce(metadata.table["patch_id"].take(rows), names)
    return findings.set_column(findings.column_names.index("patch_id"), "patch_id", ids)


def where_true(selection: Selection, metadata: Metadata | None, where: str) -> Selection:
    """A selection without the patches for which a condition is not true."""
    table = None if metadata is None else metadata.table
    return selection.where(where_holds(selection.ids, table, where), f"not where {where}")


def chosen_patches(
    ids: pa.Array,
    metadata: Metadata | None = None,
    *,
    patches: pa.StringArray | None = None,
    split: Split | None = None,
    where: str | None = None,
    bbox: Sequence[float] | None = None,
) -> Selection:
    """Of some patches those that are listed, on a side, match a condition and lie in a box."""
    selection = Selection.of_all(ids)
    if patches is not None:
        selection = selection.among(patches, "not listed")
    if split is not None:
        on_sides = pa.concat_arrays(list(split.side_ids().values()))
        selection = selection.among(on_sides, "on no side of the split")
    if where is not None:
        selection = where_true(selection, metadata, where)
    if bbox is not None:
        inside = np.concatenate([in_box(block, bbox) for block in blocks_of(selection.ids)])
        selection = selection.where(inside, "outside the bounding box")
    return selection


def as_findings(findings: TableLike) -> pa.Table:
    """The findings that `benkit.audit` gives or writes: ``patch_id``, ``band`` and ``kind``."""
    name = str(findings) if is_location(findings) else "the findings"
    if is_location(findings) and as_location(findings).suffix == ".json":
        table = read_json_table(findings, _FINDING)
    else:
        table = as_table(findings, "findings")
    if "kind" in table.column_names and "band" not in table.column_names:
        table = table.append_column("band", pa.nulls(len(table), pa.string()))
    require_columns(table, _FINDING, name)
    columns = {one: strings(name, table, one) for one in _FINDING}
    return pa.table({one: pc.if_else(pc.equal(c, ""), None, c) for one, c in columns.items()})


def excluded(
    findings: pa.Table,
    kinds: Iterable[str] | None,
    ids: pa.StringArray,
    name: object,
    inventory: Inventory | None = None,
) -> pa.Table:
    """Why patches, of an inventory or of metadata, are left out by the findings about them.

    Raises
    ------
    OptionError
        If there is no such kind of findings.
    InputFormatError
        If the findings are about patches of another archive.
    """
    reasons = reasons_of(findings, kinds)  # where there is no such kind, that is said first
    elsewhere = "not_part_of_dataset" if inventory is None else "not_on_disk"
    here = findings.filter(pc.not_equal(findings["kind"], elsewhere))
    named = here["patch_id"].drop_null().unique()
    if len(named) and not are_among(named, ids).any():
        what = f"{len(ids):,} patches, such as {some_names(ids[:1].to_pylist())}, are chosen from"
        raise InputFormatError(
            f"{name if is_location(name) else 'the findings'}: expected patches of the findings, but "
            f"none of {len(named):,}, such as {some_names(named[:1].to_pylist())}, is there; "
            f"{contents(inventory) if inventory else what}; name the findings of this archive"
        )
    return reasons
