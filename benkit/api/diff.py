"""What has changed from one archive or inventory to another."""

from benkit.api.inputs.sources import SourceLike, open_source
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import write_table
from benkit.inventory.contents import require_patches
from benkit.inventory.diff import Diff, find_changes
from benkit.option_types import with_option_types


@with_option_types
def diff(
    old: SourceLike,
    new: SourceLike,
    *,
    output: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Diff:
    """Hold two archives or inventories against each other: patches added, removed, changed, the same.

    Parameters
    ----------
    old, new : path, URL, Inventory or table
        Inventories, or archives, which are scanned.
    output : path or URL, optional
        Where to write the table of what differs: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for archives; progress also of the checks.

    Raises
    ------
    InputFormatError
        If an inventory does not tell (a new scan does), or holds no patch.
    OptionError
        If the name of the output ends with something else.
    """
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    with (
        open_source(old, engine=engine, progress=progress) as before,
        open_source(new, engine=engine, progress=progress) as now,
    ):
        for inventory in (before, now):
            require_patches(inventory)
        found = find_changes(before, now, progress)
    if target is not None:
        write_table(found.table, target)
    return found
