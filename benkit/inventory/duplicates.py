"""Patches with equal pixels, by the fingerprints of an inventory: whole copies, and shared bands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.engine.progress import Progress, Report, checks_text, reporter
from benkit.files.tables.table_value import TableValue
from benkit.ground.grid import connected_components
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.numbers_by_band import numbers_by_band

GROUP_KINDS: Mapping[str, str] = {
    "all_bands": "equal pixels in all bands",
    "some_bands": "equal pixels in some bands",
}
"""Kinds of groups of patches, and what their patches have."""

APART: Mapping[str, str] = {
    "no_valid_pixel": "no valid pixel",
    "one_value": "one value in each band",
}
"""Kinds of patches that are held against no other, since their equal pixels say nothing."""

_TELLING = "coalesce(valid > 0 AND min < max, false)"
_SCHEMA = pa.schema(
    [
        pa.field("group", pa.int64()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("bands", pa.list_(pa.string())),
        pa.field("product", pa.string()),
        pa.field("patch_id", pa.string()),
        pa.field("side", pa.string()),
    ]
)

Groups = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]
"""Rows of patches, the group of each, and their equal bands: (n,), (n,) and (n, bands)."""


@dataclass(frozen=True)
class GroupCounts:
    """How many groups of a kind there are.

    Attributes
    ----------
    patches : int
        In these groups.
    groups : int
    across_sides : int or None
        Groups with patches on more than one side of the split; None without one.
    """

    patches: int
    groups: int
    across_sides: int | None


@dataclass(frozen=True, repr=False)
class Duplicates(TableValue):
    """Patches with equal pixels.

    Attributes
    ----------
    in_inventory : int
        Patches that were looked at.
    table : pyarrow.Table
        A row a patch of a group: ``group``, counted from 1, ``kind`` (see `GROUP_KINDS`), ``bands``
        whose pixels it shares, ``product``, ``patch_id`` and its ``side`` of the split, null if it is on
        none. Then, without a group, the patches of the kinds `APART`.
    has_sides : bool
        Whether there was a split.
    """

    in_inventory: int
    table: pa.Table
    has_sides: bool = False

    @cached_property
    def counts(self) -> dict[str, GroupCounts]:
        """By kind of group."""
        kinds = self.table["kind"]
        return {kind: self._count(pc.equal(kinds, kind)) for kind in GROUP_KINDS}

    @cached_property
    def total(self) -> GroupCounts:
        """Of all groups; a patch that is in two counts once."""
        return self._count(pc.is_valid(self.table["group"]))

    @cached_property
    def apart(self) -> dict[str, int]:
        """Patches of each kind of `APART`."""
        kinds = self.table["kind"]
        return {kind: pc.sum(pc.equal(kinds, kind)).as_py() or 0 for kind in APART}

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        found = [
            f"{one.patches:,} patches in {one.groups:,} group{'s' * (one.groups != 1)} have "
            f"{GROUP_KINDS[kind]}"
            for kind, one in self.counts.items()
            if one.groups
        ]
        said = ["; ".join(found) or "No two patches have equal pixels in any band"]
        if (across := self.total.across_sides) is not None and found:
            said.append(
                f"{across:,} of the groups {'is' if across == 1 else 'are'} on several sides"
            )
        if apart := sum(self.apart.values()):
            said.append(f"{apart:,} patches without a valid pixel or of one value stand apart")
        return ". ".join(said) + "."

    def _count(self, chosen: pa.ChunkedArray) -> GroupCounts:
        rows = self.table.filter(chosen)
        sides = rows.group_by("group").aggregate([("side", "count_distinct")])[
            "side_count_distinct"
        ]
        across = pc.sum(pc.greater(sides, 1)).as_py() or 0
        patches = len(rows.group_by(["product", "patch_id"]).aggregate([]))
        return GroupCounts(patches, len(sides), across if self.has_sides else None)

    def _facts(self) -> str:
        found = self.total
        across = f", {found.across_sides:,} across sides" if self.has_sides else ""
        return (
            f"{found.patches:,} of {self.in_inventory:,} patches in {found.groups:,} groups{across}"
        )


def find_duplicates(
    inventory: Inventory, sides: pa.Table | None = None, progress: Progress = None
) -> Duplicates:
    """Group the patches of which some band has the pixels of the same band of another one.

    Parameters
    ----------
    inventory : Inventory
    sides : pyarrow.Table, optional
        ``patch_id`` and ``split``: the side of each patch.
    progress
        As of `benkit.scan`, of the bands.

    Raises
    ------
    InputFormatError
        If the inventory lacks ``pixel_hash``, as those of version 1 do.
    """
    inventory.require_pixel_hashes()
    ((patches,),) = inventory.query(
        "SELECT count(*) FROM (SELECT DISTINCT product, patch_id FROM inventory "
        "WHERE band IS NOT NULL)"
    )
    bands = inventory.layout.band_names
    found = _candidates(inventory, reporter(progress, checks_text))
    hashes = np.stack([pc.fill_null(found[band], 0).to_numpy() for band in bands], axis=1)
    there, telling = (_bits(found[name], len(bands)) for name in ("there", "telling"))
    content = _contents(np.column_stack([hashes, found["there"].to_numpy().astype(np.uint64)]))
    groups = (_whole_copies(content, there), _shared_bands(content, hashes, telling))
    tables = [
        _table(found, kind, of_kind, bands)
        for kind, of_kind in zip(GROUP_KINDS, groups, strict=True)
    ]
    table = pa.concat_tables([*_numbered(tables), _apart(inventory)])
    if sides is not None:
        row = pc.index_in(table["patch_id"], sides["patch_id"].combine_chunks())
        side = sides["split"].combine_chunks().take(row.combine_chunks())
        table = table.set_column(_SCHEMA.names.index("side"), _SCHEMA.field("side"), side)
    return Duplicates(patches, table, sides is not None)


def _candidates(inventory: Inventory, report: Report) -> pa.Table:
    """The patches with a band whose pixels another has: fingerprints, and which bands are there and
    which tell, as bits.

    Of each band alone, so that the fingerprints of few are held at once.
    """
    bands = inventory.layout.band_names
    of_bands = []
    numbers = numbers_by_band(inventory, "pixel_hash", f"status = 'ok' AND {_TELLING}")
    for done, (band, hashes) in enumerate(numbers):
        report(done, len(bands), 0)
        hashes.sort()
        again = pa.array(hashes[1:][hashes[1:] == hashes[:-1]], pa.uint64()).unique()
        names = pa.array([band]).take(pa.array(np.zeros(len(again), np.int64)))
        of_bands.append(pa.table({"band": names, "pixel_hash": again}))
    report(len(bands), len(bands), 0)
    shared = pa.concat_tables(of_bands)
    columns = ", ".join(f"max(pixel_hash) FILTER (band = '{band}') AS \"{band}\"" for band in bands)
    bit = f"1::BIGINT << (list_position({list(bands)}, band) - 1)"
    return inventory.query_table(
        f"""
        SELECT product, patch_id, {columns}, bit_or({bit}) AS there,
               coalesce(bit_or({bit}) FILTER ({_TELLING}), 0) AS telling
        FROM inventory
        SEMI JOIN (SELECT DISTINCT product, patch_id
                   FROM inventory SEMI JOIN shared USING (band, pixel_hash)
                   WHERE status = 'ok' AND {_TELLING}) USING (product, patch_id)
        WHERE status = 'ok' GROUP BY product, patch_id ORDER BY product, patch_id
        """,
        shared=shared,
    )


def _bits(numbers: pa.ChunkedArray, bands: int) -> NDArray[np.bool_]:
    """Which bands the bits of each number name: (n, bands)."""
    return (numbers.to_numpy()[:, np.newaxis] >> np.arange(bands) & 1).astype(bool)


def _contents(rows: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Number of the different row that each row is, in no order."""
    order = np.lexsort(rows.T)
    differs = np.append(False, (rows[order[1:]] != rows[order[:-1]]).any(axis=1))
    content = np.empty(len(rows), np.int64)
    content[order] = np.cumsum(differs[: len(rows)])
    return content


def _whole_copies(content: NDArray[np.int64], there: NDArray[np.bool_]) -> Groups:
    """Patches with the pixels of another one in all bands."""
    rows = np.flatnonzero(np.bincount(content, minlength=1)[content] > 1)
    return rows, content[rows], there[rows]


def _shared_bands(
    content: NDArray[np.int64], hashes: NDArray[np.uint64], telling: NDArray[np.bool_]
) -> Groups:
    """Patches that share bands with others that are no whole copies of them, also over third ones."""
    equal = np.zeros_like(telling)
    edges = [np.empty((0, 2), np.int64)]
    for band in range(hashes.shape[1]):
        rows = np.flatnonzero(telling[:, band])
        rows = rows[np.argsort(hashes[rows, band], kind="stable")]
        values, of_row = hashes[rows, band], content[rows]
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(rows)])
        if not len(rows):
            continue
        least, most = (f.reduceat(of_row, starts) for f in (np.minimum, np.maximum))
        several = np.repeat(least != most, np.diff(np.append(starts, len(rows))))
        equal[rows[several], band] = True
        first = np.repeat(least, np.diff(np.append(starts, len(rows))))
        edges.append(np.stack([first, of_row], axis=1)[several])
    of_content = connected_components(int(content.max(initial=-1)) + 1, np.concatenate(edges))
    rows = np.flatnonzero(equal.any(axis=1))
    return rows, of_content[content[rows]], equal[rows]


def _table(found: pa.Table, kind: str, groups: Groups, bands: Sequence[str]) -> pa.Table:
    """The rows of a kind of groups, the groups in the order of their first patches."""
    rows, group, equal = groups
    first, of_row = np.unique(group, return_index=True, return_inverse=True)[1:]
    number = np.argsort(np.argsort(first))[of_row] if len(rows) else of_row
    order = np.argsort(number, kind="stable")
    offsets = np.append(0, np.cumsum(equal[order].sum(axis=1)))
    names = pa.array(bands).take(pa.array(np.nonzero(equal[order])[1]))
    taken = found.take(pa.array(rows[order]))
    return pa.table(
        {
            "group": pa.array(number[order], pa.int64()),
            "kind": pa.array([kind]).take(pa.array(np.zeros(len(rows), np.int64))),
            "bands": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), names),
            "product": taken["product"],
            "patch_id": taken["patch_id"],
            "side": pa.nulls(len(rows), pa.string()),
        }
    ).cast(_SCHEMA)


def _numbered(tables: list[pa.Table]) -> list[pa.Table]:
    """The groups of all tables counted from 1."""
    numbered, before = [], 1
    for table in tables:
        numbered.append(table.set_column(0, _SCHEMA.field(0), pc.add(table["group"], before)))
        before += (pc.max(table["group"]).as_py() or 0) + 1 if len(table) else 0
    return numbered


def _apart(inventory: Inventory) -> pa.Table:
    """The patches whose bands all have no valid pixel, or all one value."""
    no_pixel, one_value = APART
    return inventory.query_table(
        f"""
        SELECT NULL::BIGINT AS "group", if(max(valid) > 0, '{one_value}', '{no_pixel}') AS kind,
               NULL::VARCHAR[] AS bands, product, patch_id, NULL::VARCHAR AS side
        FROM inventory
        SEMI JOIN (SELECT DISTINCT product, patch_id FROM inventory
                   WHERE status = 'ok' AND NOT {_TELLING}) USING (product, patch_id)
        WHERE status = 'ok' GROUP BY product, patch_id
        HAVING NOT bool_or({_TELLING}) ORDER BY product, patch_id
        """
    ).cast(_SCHEMA)
