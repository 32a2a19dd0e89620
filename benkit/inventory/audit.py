"""Compare an inventory with its patches' names and the metadata: every deviation is a finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.baselines import ADDED_OFFSET
from benkit.domain.layout import Layout
from benkit.engine.progress import Progress, Report, checks_text, reporter
from benkit.files.tables.kept import kept_table
from benkit.files.tables.notebook import Mark
from benkit.files.tables.table_value import TableValue
from benkit.ground.footprints import GRID_CORNER
from benkit.inventory.band_ground import bands_of_other_ground
from benkit.inventory.baselines import baseline_warnings
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.findings import KINDS, SISTER_KINDS
from benkit.inventory.table.database import batches_of, query_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.told_by_names import tell_of_patches
from benkit.metadata.metadata import Metadata
from benkit.tiff.raster import SAME_CORNER, SAME_PIXEL

_FINDINGS_SCHEMA = pa.schema(
    [
        pa.field("patch_id", pa.string()),
        pa.field("band", pa.string()),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

_OF_METADATA = ("patch_id", *GRID_CORNER, ADDED_OFFSET)
_SORTED = "FROM findings ORDER BY patch_id NULLS FIRST, band NULLS FIRST, kind, reason"

Query = Callable[[str], list[tuple[Any, ...]]]

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


def audit_inventory(
    inventory: Inventory, metadata: pa.Table, *, subset: bool = False, progress: Progress = None
) -> Audit:
    """Compare an inventory with its patches' names and with the column ``patch_id`` of metadata.

    Of a subset of the metadata, patches that are not on disk are counted, but are no findings.
    """
    bands, names = _band_table(inventory.layout), metadata.column_names
    metadata = metadata.select([name for name in _OF_METADATA if name in names])
    with inventory.session(metadata=metadata, bands=bands) as connection:
        query = partial(query_of, connection)
        patches, known = tell_of_patches(connection, inventory.layout, names)
        query("CREATE TEMP VIEW ok AS SELECT * FROM inventory WHERE status = 'ok'")
        ((told,),) = query("SELECT count(*) > 0 FROM expected")
        connection.register("other_ground", bands_of_other_ground(connection, told=told))
        _find(query, subset, reporter(progress, checks_text))
        counts = _counts(query)
        if subset:
            counts["not_on_disk"] = len(metadata) - patches + counts["not_part_of_dataset"]
        assert counts["not_part_of_dataset"] == patches - known, (
            "not_part_of_dataset counts the patches on disk whose id is not in the metadata"
        )
        assert counts["not_on_disk"] == len(metadata) - known, (
            "not_on_disk counts the ids of the metadata that no patch on disk has"
        )
        assert _bands_found(query) == _bands_to_find(inventory, query), (
            "wrong_size and with_no_data name once each band of another size, or with NO_DATA pixels"
        )
        assert _complete(query), (
            "a finding about a band names the band, and one about a patch on disk a patch that is there"
        )
        findings = kept_table(batches_of(connection, _SORTED), _FINDINGS_SCHEMA)
    warnings = baseline_warnings(inventory)
    return Audit(patches, counts, findings, inventory.lacking, warnings, len(metadata), subset)


def _find(query: Query, subset: bool, report: Report) -> None:
    """Make the table ``findings`` of those of all kinds."""
    columns = ", ".join(f"{name} VARCHAR" for name in _FINDINGS_SCHEMA.names)
    query(f"CREATE TEMP TABLE findings ({columns})")
    for done, kind in enumerate(KINDS.values()):
        report(done, len(KINDS), 0)
        if not (subset and kind.name == "not_on_disk"):
            query(f"INSERT INTO findings {kind.select}")
    report(len(KINDS), len(KINDS), 0)


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


def named_by_layout(layout: Layout, metadata: Metadata) -> Metadata:
    """The patches under their names in archives of a layout, each where it was.

    Splits name them as before. A patch without such a name keeps its own.
    """
    name, table = layout.metadata_id, metadata.table
    if name == "patch_id" or name not in table.column_names:
        return metadata
    before = table["patch_id"]
    ids = pc.coalesce(table[name].cast(pa.string()), before)
    table = table.set_column(table.column_names.index("patch_id"), "patch_id", ids)
    in_splits = metadata.id_column
    if in_splits == "patch_id":
        in_splits = f"patch_id before {name}"
        table = table.append_column(in_splits, before)
    return Metadata.of_table(table, places=metadata.ground, id_column=in_splits)


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


def _counts(query: Query) -> dict[str, int]:
    about_paths = ", ".join(f"'{name}'" for name, kind in KINDS.items() if kind.about == "path")
    found: list[tuple[str, int]] = query(
        f"SELECT kind, count(DISTINCT if(kind IN ({about_paths}), reason, patch_id)) "
        "FROM findings GROUP BY kind"
    )
    return dict.fromkeys(KINDS, 0) | dict(found)


def _bands_found(query: Query) -> tuple[int, int]:
    """Findings of the kinds wrong_size and with_no_data."""
    found: dict[str, int] = dict(query("SELECT kind, count(*) FROM findings GROUP BY kind"))
    return found.get("wrong_size", 0), found.get("with_no_data", 0)


def _bands_to_find(inventory: Inventory, query: Query) -> tuple[int, int]:
    """Bands that were read and have another size than theirs, and those with NO_DATA pixels."""
    tally = query(
        "SELECT band, width, height, nodata_count > 0, count(*) FROM inventory "
        "WHERE status = 'ok' GROUP BY ALL"
    )
    sizes = {name: [band.width, band.height] for name, band in inventory.layout.bands.items()}
    return (
        sum(files for band, *size, _, files in tally if size != sizes[band]),
        sum(files for *_, has_nodata, files in tally if has_nodata),
    )


def _complete(query: Query) -> bool:
    """Whether findings name the bands and patches that their kinds are about."""
    of_bands = [name for name, kind in KINDS.items() if kind.about == "band"]
    elsewhere = ["not_on_disk", *(name for name, kind in KINDS.items() if kind.about == "path")]
    wrong = query(
        f"SELECT 1 FROM findings WHERE (band IS NOT NULL) <> (kind IN {(*of_bands,)}) "
        f"UNION ALL SELECT 1 FROM (SELECT patch_id FROM findings WHERE kind NOT IN {(*elsewhere,)}) "
        "AS found ANTI JOIN on_disk USING (patch_id) LIMIT 1"
    )
    return not wrong
