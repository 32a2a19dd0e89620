"""Compare an inventory with its patches' names and the metadata: every deviation is a finding."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import parse_patch_id
from benkit.domain.tiles import parse_tile
from benkit.errors import PatchIdError
from benkit.files.tables.notebook import Mark
from benkit.files.tables.table_value import TableValue
from benkit.ground.footprints import GRID_CORNER, are_patch_ids, locate_rows
from benkit.inventory.band_ground import bands_of_other_ground
from benkit.inventory.baselines import added_offsets, baseline_warnings
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.findings import KINDS, SISTER_KINDS
from benkit.inventory.table.inventory_file import Inventory
from benkit.tiff.raster import SAME_CORNER, SAME_PIXEL

_FINDINGS_SCHEMA = pa.schema(
    [
        pa.field("patch_id", pa.string()),
        pa.field("band", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

_TOLERANCES = {"same_corner": SAME_CORNER, "same_pixel": SAME_PIXEL}


@dataclass(frozen=True, repr=False)
class Audit(TableValue):
    """The findings of an audit.

    Attributes
    ----------
    patches : int
        Patches on disk.
    counts : mapping of str to int
        By kind, in the order of `KINDS`: how many patches it concerns; of kinds about paths, how many
        of these. Where the archive is a subset, patches that are not on disk are counted, too.
    findings : pyarrow.Table
        One row a finding, sorted: ``patch_id``, ``band`` (null where it is about the whole patch),
        ``kind``, ``reason``. Where the archive is a subset, none is about patches that are not on disk.
    lacking : tuple of str
        Columns that a new scan would add to the inventory, which is of an earlier version.
    warnings : tuple of str
        What is no finding: mixed processing baselines (see `benkit.inventory.baselines`).
    in_metadata : int
        Patches in the metadata.
    subset : bool
        Whether the archive is meant to be a part of the metadata.
    days_between : mapping of int to int, or None
        With a sister archive: how many pairs of patches lie so many days apart; its kinds of findings
        are then among the counts.
    """

    patches: int
    counts: Mapping[str, int]
    findings: pa.Table
    lacking: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    in_metadata: int = 0
    subset: bool = False
    days_between: Mapping[int, int] | None = None

    def with_sister(self, found: pa.Table, days: Mapping[int, int]) -> "Audit":
        """The same with what `sister_findings` has found."""
        findings = pa.concat_tables([self.findings, found.cast(_FINDINGS_SCHEMA)])
        texts = {name: pc.fill_null(findings[name], "") for name in _FINDINGS_SCHEMA.names}
        order = pc.sort_indices(pa.table(texts), [(name, "ascending") for name in texts])
        counts = {
            name: pc.count_distinct(found.filter(pc.equal(found["kind"], name))["patch_id"]).as_py()
            for name in SISTER_KINDS
        }
        counts = {**self.counts, **counts}
        return replace(self, counts=counts, findings=findings.take(order), days_between=days)

    @property
    def scarcity(self) -> str | None:
        """A sentence where nine tenths of the metadata or more are not on disk, which may be meant."""
        absent = self.counts["not_on_disk"]
        if self.subset or 10 * absent < 9 * self.in_metadata or not absent:
            return None
        here = self.in_metadata - absent
        return f"{here:,} of {self.in_metadata:,} patches are here; if that is on purpose, say --subset"

    @property
    def listed(self) -> pa.Table:
        """The findings to list: where a sentence says that nearly all is not on disk, the others."""
        if self.scarcity is None:
            return self.findings
        return self.findings.filter(pc.not_equal(self.findings["kind"], "not_on_disk"))

    def _facts(self) -> str:
        kinds = [f"{kind} {count:,}" for kind, count in self.counts.items() if count]
        return ", ".join([f"{self.patches:,} patches", f"{len(self.findings):,} findings", *kinds])

    def _batches(self) -> pa.RecordBatchReader:
        return self.findings.to_reader()

    def _mark(self) -> Mark:
        return "bad" if any(self.counts.values()) else "good"


def audit_inventory(inventory: Inventory, metadata: pa.Table, *, subset: bool = False) -> Audit:
    """Compare an inventory with its patches' names and with the column ``patch_id`` of metadata.

    Of a subset of the metadata, patches that are not on disk are counted, but are no findings.
    """
    patches = inventory.query(
        "SELECT DISTINCT product, patch_id FROM inventory WHERE band IS NOT NULL ORDER BY ALL"
    )
    layout = inventory.layout
    on_disk = pa.array(sorted({patch for _, patch in patches}), pa.string())
    expected, invalid = _expected(on_disk.to_pylist(), metadata, layout)
    rows = inventory.query(
        "WITH ok AS (SELECT * FROM inventory WHERE status = 'ok') "
        + " UNION ALL ".join(
            kind.select for kind in KINDS.values() if not (subset and kind.name == "not_on_disk")
        )
        + " ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3, 4",
        patches=_table(("product", "patch_id"), patches),
        misplaced=_table(
            ("product", "patch_id"), [one for one in patches if not layout.belongs(*one)]
        ),
        metadata=metadata.select(["patch_id"]),
        expected=expected,
        invalid=_table(("patch_id", "reason"), invalid),
        offsets=added_offsets(on_disk, metadata),
        bands=(bands := _band_table(layout)),
        other_ground=bands_of_other_ground(inventory, bands, told=len(expected) > 0),
    )
    findings = _table(_FINDINGS_SCHEMA.names, rows).cast(_FINDINGS_SCHEMA)
    counts, known = _counts(findings), _count_in(on_disk, metadata["patch_id"])
    if subset:
        counts["not_on_disk"] = len(metadata) - len(on_disk) + counts["not_part_of_dataset"]
    assert counts["not_part_of_dataset"] == len(on_disk) - known, (
        "not_part_of_dataset counts the patches on disk whose id is not in the metadata"
    )
    assert counts["not_on_disk"] == len(metadata) - known, (
        "not_on_disk counts the ids of the metadata that no patch on disk has"
    )
    assert _bands_found(findings) == _bands_to_find(inventory), (
        "wrong_size and with_no_data name once each band of another size, or with NO_DATA pixels"
    )
    assert _complete(findings, on_disk), (
        "a finding about a band names the band, and one about a patch on disk a patch that is there"
    )
    warnings = baseline_warnings(inventory)
    return Audit(len(on_disk), counts, findings, inventory.lacking, warnings, len(metadata), subset)


def _band_table(layout: Layout) -> pa.Table:
    """What each band should be, and by how much corners and sizes of pixels may be off."""
    bands = layout.bands.values()
    columns = {
        name: [getattr(band, name) for band in bands]
        for name in ("width", "height", "pixel_size", "dtype", "nodata")
    }
    return pa.table(
        {
            "band": layout.band_names,
            "number": pa.array(range(len(bands)), pa.int32()),
            "least": pa.array([band.range and band.range[0] for band in bands], pa.float64()),
            "greatest": pa.array([band.range and band.range[1] for band in bands], pa.float64()),
            **columns,
            "pixel_size": pa.array(columns["pixel_size"], pa.float64()),
            "nodata": pa.array(columns["nodata"], pa.float64()),
            **{name: [value] * len(bands) for name, value in _TOLERANCES.items()},
        }
    )


def metadata_of(layout: Layout, metadata: pa.Table) -> pa.Table:
    """The metadata with the ids of the patches of a layout as ``patch_id``, if they have them."""
    name = layout.metadata_id
    if name == "patch_id" or name not in metadata.column_names:
        return metadata
    ids = metadata[name].cast(pa.string())
    index = metadata.column_names.index("patch_id")
    return metadata.set_column(index, "patch_id", ids).filter(pc.is_valid(ids))


def require_common_patches(audit: Audit, inventory: Inventory, metadata: pa.Table) -> None:
    """Refuse an archive and metadata that have no patch in common, as they belong to others.

    Raises
    ------
    InputFormatError
        Which says what lies there instead.
    """
    if not len(metadata):
        require_patches(inventory)
    elif audit.counts["not_on_disk"] == len(metadata):
        first = metadata["patch_id"][:1].to_pylist()
        advice = "name the metadata of this archive, or the archive of these patches"
        raise none_is_there(inventory, "patches of the metadata", len(metadata), first, advice)


def _expected(
    patch_ids: list[str], metadata: pa.Table, layout: Layout
) -> tuple[pa.Table, list[tuple[str, str]]]:
    """The georeference that each patch should have; and the invalid patch ids, each with the reason."""
    if layout is not BIGEARTHNET_S2:
        return _expected_by_parts(patch_ids, layout)
    valid, invalid = patch_ids, []
    if not are_patch_ids(patch_ids).all():
        for patch in patch_ids:
            try:
                parse_patch_id(patch)
            except PatchIdError as error:
                invalid.append((patch, str(error)))
        valid = sorted({*patch_ids} - {patch for patch, _ in invalid})
    ids = pa.array(valid, pa.string())
    row = pc.index_in(ids, metadata["patch_id"].combine_chunks())
    corners = {
        name: metadata[name].take(row) for name in GRID_CORNER if name in metadata.schema.names
    }
    footprints = locate_rows(pa.table({"patch_id": ids} | corners))
    columns = [ids, footprints.epsg, footprints.x, footprints.y]
    return pa.table(columns, names=["patch_id", "epsg", "x", "y"]), invalid


def _expected_by_parts(
    patch_ids: list[str], layout: Layout
) -> tuple[pa.Table, list[tuple[str, str]]]:
    """The same where the parts of an id tell its tile, column and row."""
    places, invalid = [], []
    for patch in patch_ids:
        parts = layout.parts(patch)
        if layout.tells and parts is None:
            invalid.append((patch, f"expected a name such as {layout.tells}"))
        elif parts and layout.grid_metres:
            try:
                tile = parse_tile(parts["tile"].removeprefix("T"))
            except PatchIdError as error:
                invalid.append((patch, str(error)))
                continue
            east, south = (layout.grid_metres * int(parts[name]) for name in ("column", "row"))
            places.append((patch, tile.epsg, tile.west + east, tile.north - south))
    schema = pa.schema(
        [("patch_id", pa.string()), ("epsg", pa.int32()), ("x", pa.int64()), ("y", pa.int64())]
    )
    columns = zip(*places, strict=True) if places else [()] * len(schema)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema
    ), invalid


def _table(names: tuple[str, ...] | list[str], rows: list[tuple]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )


def _counts(findings: pa.Table) -> dict[str, int]:
    counts = {}
    for name, kind in KINDS.items():
        found = findings.filter(pc.equal(findings["kind"], name))
        column = "reason" if kind.about == "path" else "patch_id"
        counts[name] = pc.count_distinct(found[column]).as_py()
    return counts


def _count_in(ids: pa.Array, others: pa.ChunkedArray) -> int:
    """How many of some ids are among others."""
    return pc.sum(pc.is_in(ids, others.combine_chunks())).as_py() or 0


def _bands_found(findings: pa.Table) -> tuple[int, int]:
    """Findings of the kinds wrong_size and with_no_data."""
    kinds = findings["kind"].to_pylist()
    return kinds.count("wrong_size"), kinds.count("with_no_data")


def _bands_to_find(inventory: Inventory) -> tuple[int, int]:
    """Bands that were read and have another size than theirs, and those with NO_DATA pixels."""
    tally = inventory.query(
        "SELECT band, width, height, nodata_count > 0, count(*) FROM inventory "
        "WHERE status = 'ok' GROUP BY ALL"
    )
    sizes = {name: [band.width, band.height] for name, band in inventory.layout.bands.items()}
    return (
        sum(files for band, *size, _, files in tally if size != sizes[band]),
        sum(files for *_, has_nodata, files in tally if has_nodata),
    )


def _complete(findings: pa.Table, on_disk: pa.Array) -> bool:
    """Whether findings name the bands and patches that their kinds are about."""
    of_bands = pa.array([name for name, kind in KINDS.items() if kind.about == "band"])
    elsewhere = ["not_on_disk", *(name for name, kind in KINDS.items() if kind.about == "path")]
    names_band = pc.is_valid(findings["band"])
    about_disk = findings.filter(pc.invert(pc.is_in(findings["kind"], pa.array(elsewhere))))
    return names_band.equals(pc.is_in(findings["kind"], of_bands)) and _count_in(
        about_disk["patch_id"].combine_chunks(), pa.chunked_array([on_disk])
    ) == len(about_disk)
