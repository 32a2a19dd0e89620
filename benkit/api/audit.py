"""Whether an archive is whole and correct."""

from benkit.api.sources import MetadataLike, SourceLike, as_metadata, open_source
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.files.remote.location import LocationLike
from benkit.files.tables.table import write_table
from benkit.inventory.audit import Audit, audit_inventory, require_common_patches


def audit(
    source: SourceLike,
    metadata: MetadataLike,
    *,
    subset: bool = False,
    findings: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Audit:
    """Hold an archive against its patches' names and the metadata: every deviation is a finding.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``.
    subset : bool
        The archive is meant to be a part of the metadata: patches that are not on disk are counted, but
        are no findings.
    findings : path or URL, optional
        Where to write all findings: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for an archive.

    Raises
    ------
    InputFormatError
        If the archive and the metadata have no patch in common.
    """
    known = as_metadata(metadata)
    with open_source(source, engine=engine, progress=progress) as inventory:
        found = audit_inventory(inventory, known.table, subset=subset)
        require_common_patches(found, inventory, known.table)
    if findings is not None:
        write_table(found.findings, findings)
    return found
