"""Whether an archive is whole and correct."""

import pyarrow as pa

from benkit.api.inputs.sources import MetadataLike, SourceLike, as_metadata, open_source
from benkit.domain.baselines import ADDED_OFFSET
from benkit.domain.layout import Layout
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import OptionError
from benkit.files.remote.location import LocationLike
from benkit.files.tables.table import write_table
from benkit.ground.footprints import GRID_CORNER
from benkit.inventory.audit import Audit, audit_inventory, metadata_of, require_common_patches
from benkit.inventory.contents import require_patches
from benkit.inventory.sisters import sister_findings
from benkit.inventory.table.inventory_file import Inventory
from benkit.option_types import with_option_types

_LOOKED_AT = ("patch_id", *GRID_CORNER, ADDED_OFFSET)


@with_option_types
def audit(
    source: SourceLike,
    metadata: MetadataLike | None = None,
    *,
    subset: bool = False,
    s1: SourceLike | None = None,
    findings: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Audit:
    """Hold an archive against its patches' names and the metadata: every deviation is a finding.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        With the columns ``patch_id`` and ``labels``; of Sentinel-1 patches, ``s1_name`` names them. If
        there is none, nothing is said of patches that are missing or do not belong to the data set.
    subset : bool
        The archive is meant to be a part of the metadata: patches that are not on disk are counted, but
        are no findings.
    s1 : path, URL, Inventory or table, optional
        The Sentinel-1 patches of the same ground, which the column ``s1_name`` joins: whether each patch
        has its own there and the other way, on the same ground, with the days between them. Their
        bands are audited on their own.
    findings : path or URL, optional
        Where to write all findings: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for an archive; progress also of the checks.

    Raises
    ------
    OptionError
        If the other half is to be compared without metadata, which join the patches.
    InputFormatError
        If the archive and the metadata have no patch in common, or the column ``s1_name`` is missing.
    """
    table = None if metadata is None else as_metadata(metadata, others=_LOOKED_AT).table
    if s1 is not None and table is None:
        raise OptionError("expected metadata, whose column s1_name joins the two halves; give them")
    with open_source(source, engine=engine, progress=progress) as inventory:
        if table is None:
            require_patches(inventory)
            found = audit_inventory(inventory, _on_disk(inventory), progress=progress)
            return _written(found, findings)
        names = _columns_of(inventory.layout, with_sister=s1 is not None)
        if names - {*_LOOKED_AT, *table.column_names}:  # not held of large metadata
            table = as_metadata(metadata, others=names).table
        table = table.select([name for name in table.column_names if name in names])
        named = metadata_of(inventory.layout, table)
        found = audit_inventory(inventory, named, subset=subset, progress=progress)
        require_common_patches(found, inventory, named)
        if s1 is not None:
            with open_source(s1, engine=engine, progress=progress) as sister:
                found = found.with_sister(*sister_findings(inventory, sister, table))
    return _written(found, findings)


def _columns_of(layout: Layout, *, with_sister: bool) -> set[str]:
    """The columns of metadata that an audit looks at."""
    sister = {layout.sister.column} if with_sister and layout.sister else set()
    return {*_LOOKED_AT, layout.metadata_id, *sister}


def _written(found: Audit, findings: LocationLike | None) -> Audit:
    if findings is not None:
        write_table(found.findings, findings)
    return found


def _on_disk(inventory: Inventory) -> pa.Table:
    """The patches that are there, in the place of metadata."""
    return inventory.query_table("SELECT DISTINCT patch_id FROM inventory WHERE band IS NOT NULL")
