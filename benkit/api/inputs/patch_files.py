"""Which files a data set of patches reads: of which patches, archives and bands."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa

from benkit.api.inputs.sources import TableLike, as_patch_ids, is_location, open_source
from benkit.datasets.arrays.file_index import FileIndex, index_files
from benkit.datasets.arrays.patch_reader import PatchReader
from benkit.datasets.arrays.tar_patch_reader import patch_reader
from benkit.datasets.packs.lmdb_file import LMDB_FILE
from benkit.datasets.packs.pack_reader import PackReader, is_pack
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import Location, LocationLike, as_location
from benkit.files.safe_names import some_names
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.parts import is_archive
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split


def open_scanned(opened: ExitStack, source: LocationLike | Inventory) -> Inventory:
    """An inventory, while ``opened`` is; an archive that was not scanned is an error."""
    where = as_location(source) if is_location(source) else None
    if where is not None and is_archive(where):
        kind = "a folder" if where.is_dir() else "a tar"
        raise OptionError(
            f"{source}: expected an inventory, but it is {kind}; scan it first: "
            f"benkit scan {source} --output inventory.parquet"
        )
    return opened.enter_context(open_source(source))


def reader_of(index: FileIndex, root: Location) -> PatchReader | PackReader:
    """What reads the files of an archive, or of a pack."""
    if isinstance(root, Path) and (root / LMDB_FILE).is_file():
        raise OptionError(
            f"{root}: expected the folder of an archive, or of the Arrow files of a pack, but it is an "
            "LMDB; export with --format arrow, or read the archive itself"
        )
    return PackReader(index, root) if is_pack(root) else patch_reader(index, root)


def chosen_bands(
    inventories: Sequence[Inventory], bands: Sequence[str] | None
) -> list[tuple[str, ...]]:
    """The bands of each archive, those that are asked for in their order."""
    names = [one.layout.band_names for one in inventories]
    if bands is None:
        return names
    every = [name for of_one in names for name in of_one]
    unknown = [band for band in bands if band not in every]
    if unknown or len(set(bands)) < len(bands) or not bands:
        raise OptionError(
            f"expected some of the bands {', '.join(every)}, each once, but they are "
            f"{', '.join(map(str, bands)) or 'none'}"
        )
    chosen = [tuple(band for band in bands if band in of_one) for of_one in names]
    if not all(chosen):
        lacking = inventories[chosen.index(())].name
        raise OptionError(f"{lacking}: expected a band of it too, but none is asked for")
    return chosen


def wanted_patches(
    patches: TableLike | Iterable[str] | None, sides: Split | None, side: str
) -> list[str] | None:
    """The patches that are listed, or those of a side; None for all."""
    if patches is not None and sides is not None:
        raise OptionError("expected patches or a split, not both")
    if sides is None and side != "train":
        raise OptionError(f"expected a split beside side={side!r}, but there is none")
    if sides is None:
        return None if patches is None else as_patch_ids(patches, "patches")
    of_side = sides.sides()
    if side not in of_side:
        raise OptionError(f"expected a side of the split, {', '.join(of_side)}, but it is {side!r}")
    return of_side[side]


def joined_indices(
    inventories: Sequence[Inventory],
    bands: Sequence[tuple[str, ...]],
    wanted: list[str] | None,
    metadata: Metadata | None,
    *,
    skip: bool,
) -> tuple[list[FileIndex], int]:
    """The files of the wanted patches in each archive, in the same order.

    Patches that are not there are skipped, and counted, or an error.
    """
    first, absent = index_files(inventories[0], bands[0]), 0
    if wanted is not None:
        rows = first.rows_of(wanted, inventories[0].name, skip=skip)
        first, absent = first.take(rows[rows >= 0]), int((rows < 0).sum())
    if len(inventories) == 1:
        return [first], absent
    sister, column = inventories[1], inventories[0].layout.sister
    if column is None or sister.layout.name != column.layout:
        raise OptionError(
            f"{sister.name}: expected the inventory of a sister archive"
            f"{f' of the layout {column.layout}' if column else ''}, but its layout is "
            f"{sister.layout.name}"
        )
    if metadata is None or column.column not in metadata.table.column_names:
        raise OptionError(
            f"expected labels=metadata with the column {column.column}, which joins the patches of "
            "both archives"
        )
    own = metadata.select(first.patch_ids.to_pylist())
    names = own.table[column.column].cast(pa.string()).to_pylist()
    other = index_files(sister, bands[1])
    rows = other.rows_of(names, sister.name, skip=skip)
    there = np.flatnonzero(rows >= 0)
    absent += len(rows) - len(there)
    return [first.take(there), other.take(rows[there])], absent


def without_findings(indices: list[FileIndex], findings: str) -> tuple[list[FileIndex], int]:
    """The same without patches that have findings, if these are to be skipped, and their number."""
    flawed = np.logical_or.reduce([index.flawed for index in indices])
    count = int(flawed.sum())
    if not count or findings == "allow":
        return indices, 0
    if findings == "refuse":
        ids = indices[0].patch_ids.filter(pa.array(flawed))
        raise InputFormatError(
            f"expected patches without findings, but {count:,} of {len(flawed):,} have some, such as "
            f"{some_names(ids[:3].to_pylist())}; leave them out with findings='skip', or export the "
            "others with benkit export --exclude; benkit inspect shows what is wrong with one"
        )
    kept = np.flatnonzero(~flawed)
    return [index.take(kept) for index in indices], count
