"""Mean and standard deviation of the bands."""

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.sources import (
    MetadataLike,
    SourceLike,
    SplitLike,
    TableLike,
    as_metadata,
    as_patch_ids,
    is_location,
    open_source,
)
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError, OptionError
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import LocationLike, require_suffix
from benkit.files.tables.table import one_array, write_table
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.statistics import Statistics, band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.metadata.patch_list import are_among
from benkit.option_types import with_option_types
from benkit.splits.split import Split


@with_option_types
def stats(
    source: SourceLike,
    patches: TableLike | Iterable[str] | None = None,
    *,
    split: SplitLike | None = None,
    side: str | None = None,
    metadata: MetadataLike | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    scale: str | None = None,
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
    metadata : path, URL, Metadata or table, or sequence of these, optional
        Whose columns ``where`` may name beside what ids tell.
    exclude, exclude_kinds, where, tell
        As of `summary`.
    scale : {"linear"}, optional
        Statistics of the power 10^(x/10) of bands in decibels, in the place of those of the pixels. An
        inventory has their sums if it was scanned with this scale.
    output : path or URL, optional
        Where to write the table, a row a band: Parquet, CSV or JSON, as the suffix says.
    engine, progress
        As of `benkit.scan`, for an archive; progress also of the checks.

    Raises
    ------
    OptionError
        If patches and a split are given, or a split without a side; or if the name of the output ends
        with something else; or if the condition is none, or there is metadata without one; or if the
        scale is another, or bands are not in decibels.
    InputFormatError
        If the split has no such side, none of the patches is in the inventory, or none is left.
    """
    if (split is None) != (side is None):
        raise OptionError("--split and --side: expected both or none")
    if patches is not None and split is not None:
        raise OptionError("expected --patches or --split, not both")
    if metadata is not None and where is None:
        raise OptionError("--metadata goes with --where, whose condition may name its columns")
    choice = Choice(exclude, exclude_kinds, where, tell)
    target = None if output is None else require_suffix(output, TABLE_SUFFIXES)
    wanted = None if patches is None else as_patch_ids(patches, "patches")
    if split is not None and side is not None:
        wanted = _of_side(split, side)
    with open_source(source, scale=scale, engine=engine, progress=progress) as inventory:
        if wanted is None:
            require_patches(inventory)
        if choice:
            known = None if metadata is None else as_metadata(metadata, others=choice.columns())
            inventory, wanted = _chosen(choice, inventory, known, wanted)
        found = band_statistics(inventory, wanted, scale, progress)
        if wanted is not None and len(found.absent) == len(set(wanted)):
            advice = "name them as their folders are named"
            number, first = len(found.absent), wanted[:1]
            raise none_is_there(inventory, "patches of those named", number, first, advice)
    if target is not None:
        write_table(pa.table(found), target)
    return found


def _chosen(
    choice: Choice, inventory: Inventory, metadata: Metadata | None, wanted: list[str] | None
) -> tuple[Inventory, list[str] | None]:
    """An inventory, and which of its patches are wanted, without those that are left out."""
    there = inventory.patch_ids
    if wanted is not None:
        among = are_among(one_array(there), pa.array(wanted, pa.string()))
        there = there.filter(pa.array(among))
    if not len(there):
        return inventory, wanted
    gone = choice.select(there, metadata, inventory).left_out_ids
    if wanted is not None:
        there = pa.array(wanted, pa.string())
        wanted = there.filter(pa.array(~are_among(there, gone))).to_pylist()
    return inventory.without(gone), wanted


def _of_side(split: SplitLike, side: str) -> list[str]:
    sides = Split(split).sides()
    name = split if is_location(split) else "the split"
    if side not in sides:
        raise InputFormatError(f"{name}: expected the side {side}, but it has {', '.join(sides)}")
    if not sides[side]:
        raise InputFormatError(f"{name}: expected patches on the side {side}, but there are none")
    return sides[side]
