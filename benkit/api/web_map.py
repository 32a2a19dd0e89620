"""A map for the browser, with map tiles where there is a network."""

import os
from collections.abc import Callable, Sequence

from benkit.api.audit import audit
from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import known_metadata
from benkit.api.inputs.sources import (
    MetadataLike,
    SourceLike,
    SplitLike,
    TableLike,
    naming,
    open_source,
)
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError
from benkit.files.tables.table import as_table
from benkit.files.writing.replace import write_page
from benkit.inventory.audit import Audit, named_by_layout
from benkit.metadata.metadata_file import EVERY_COLUMN
from benkit.option_types import with_option_types
from benkit.reporting.web_map import web_map_page


@with_option_types
def web_map(
    metadata: MetadataLike,
    findings: TableLike | Audit | None = None,
    sides: SplitLike | None = None,
    *,
    source: SourceLike | None = None,
    subset: bool = False,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    output: str | os.PathLike[str] | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> str:
    """Make a map with a layer for each side, season, label and kind of finding.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``; or an inventory, as of `split`.
    findings : path, URL, table or Audit, optional
        With ``patch_id`` and ``kind``, as of `benkit.Audit`; those of patches that the metadata does not
        hold are not drawn.
    sides : path, URL, Split, table or mapping of str to sequence of str, optional
        A split.
    source : path, URL, Inventory or table, optional
        An inventory, or an archive, which is scanned: whose findings are shown.
    subset : bool
        As of `benkit.audit`, for the source.
    exclude, exclude_kinds, where, tell
        As of `summary`.
    output : path, optional
        Where to write the page.
    engine, progress
        As of `benkit.scan`, for an archive.

    Returns
    -------
    str
        An HTML page, the same for the same input.
    """
    choice = Choice(exclude, exclude_kinds, where, tell)
    others = choice.columns() if source is None else EVERY_COLUMN
    every = known_metadata(metadata, tell=tell, others=others)
    known = choice.of_metadata(every)
    with naming(metadata, InputFormatError):
        assert len(known.squares) == len(known), "each patch has a place"
    if source is not None:
        with open_source(source, engine=engine, progress=progress) as inventory:
            findings = audit(inventory, every, subset=subset, progress=progress)
            known = named_by_layout(inventory.layout, known)
    rows = None if findings is None else as_table(findings, "findings")
    with naming(metadata):
        page = web_map_page(known, rows, sides)
    if output is not None:
        write_page(page, output)
    return page
