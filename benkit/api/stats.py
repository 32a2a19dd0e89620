"""Mean and standard deviation of the bands."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from benkit.api.sources import as_sides, is_location, open_source
from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import LocationLike
from benkit.inventory.statistics import Statistics, band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.patch_list import read_patch_list

__all__ = ["stats"]


def stats(
    source: LocationLike | pa.Table | Inventory,
    patches: Any = None,
    *,
    split: Any = None,
    side: str | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Statistics:
    """Statistics of each band, of all valid pixels or of those of some patches.

    Parameters
    ----------
    source : path, address, Inventory or pyarrow.Table
        An inventory, or an archive, which is scanned.
    patches : path, address, table or iterable of str, optional
        Only these: patch ids, or where the column ``patch_id`` lists them.
    split : path, address, Split, table or mapping, optional
        Only the patches of one side of this split.
    side : str, optional
        ``train``, ``validation`` or ``test``: which one.
    engine, progress
        As of `benkit.scan`, for an archive.

    Raises
    ------
    OptionError
        If patches and a split are given, or a split without a side.
    MissingInputError, InputFormatError
        If an input is not there, or something else, or the split has no such side.
    """
    if (split is None) != (side is None):
        raise OptionError("--split and --side: expected both or none")
    if patches is not None and split is not None:
        raise OptionError("expected --patches or --split, not both")
    wanted = _of_side(split, side) if side is not None else _listed(patches)
    with open_source(source, engine=engine, progress=progress) as inventory:
        return band_statistics(inventory, wanted)


def _listed(patches: Any) -> Iterable[str] | None:
    if is_location(patches):
        return read_patch_list(patches)
    return patches["patch_id"].to_pylist() if isinstance(patches, pa.Table) else patches


def _of_side(split: Any, side: str) -> list[str]:
    sides = as_sides(split)
    if side not in sides:
        name = split if is_location(split) else "the split"
        raise InputFormatError(f"{name}: expected the side {side}, but it has {', '.join(sides)}")
    return sides[side]
