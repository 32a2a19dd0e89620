"""Mean and standard deviation of the bands."""

from collections.abc import Iterable

import pyarrow as pa

from benkit.api.sources import (
    SourceLike,
    SplitLike,
    TableLike,
    as_patch_ids,
    is_location,
    open_source,
)
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError, OptionError
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import write_table
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.statistics import Statistics, band_statistics
from benkit.splits.split import Split


def stats(
    source: SourceLike,
    patches: TableLike | Iterable[str] | None = None,
    *,
    split: SplitLike | None = None,
    side: str | None = None,
    output: LocationLike | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Statistics:
    """Statistics of each band, of all valid pixels or of those of some patches.

    Parameters
    ----------
    source : path, URL, Inventory or table
        An inventory, or an archive, which is scanned.
    patches : path, URL, table or iterable of str, optional
        Only these: patch ids, or where the column ``patch_id`` lists them.
    split : path, URL, Split, table or mapping, optional
        Only the patches of one side of this split.
    side : str, optional
        ``train``, ``validation`` or ``test``: which one.
    output : path or URL, optional
        Where to write the table, a row a band: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for an archive.

    Raises
    ------
    OptionError
        If patches and a split are given, or a split without a side; or if the name of the output ends
        with something else.
    InputFormatError
        If the split has no such side, or none of the patches is in the inventory.
    """
    if (split is None) != (side is None):
        raise OptionError("--split and --side: expected both or none")
    if patches is not None and split is not None:
        raise OptionError("expected --patches or --split, not both")
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    wanted = None if patches is None else as_patch_ids(patches, "patches")
    if split is not None and side is not None:
        wanted = _of_side(split, side)
    with open_source(source, engine=engine, progress=progress) as inventory:
        if wanted is None:
            require_patches(inventory)
        found = band_statistics(inventory, wanted)
        if wanted is not None and len(found.absent) == len(set(wanted)):
            advice = "name them as their folders are named"
            number, first = len(found.absent), wanted[:1]
            raise none_is_there(inventory, "patches of those named", number, first, advice)
    if target is not None:
        write_table(pa.table(found), target)
    return found


def _of_side(split: SplitLike, side: str) -> list[str]:
    sides = Split(split).sides()
    name = split if is_location(split) else "the split"
    if side not in sides:
        raise InputFormatError(f"{name}: expected the side {side}, but it has {', '.join(sides)}")
    if not sides[side]:
        raise InputFormatError(f"{name}: expected patches on the side {side}, but there are none")
    return sides[side]
