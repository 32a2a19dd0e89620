"""Which options of an export go together, and where it may be written."""

from pathlib import Path

from benkit.datasets.exporting.export_target import (
    require_apart,
    require_one_disk,
    require_replaceable,
)
from benkit.datasets.packs.lmdb_file import require_lmdb
from benkit.datasets.packs.packing import PACK_FORMATS
from benkit.errors import InputFormatError, OptionError, OutputError
from benkit.files.file_kinds import TABLE_SUFFIXES
from benkit.files.remote.location import Location, LocationLike, require_suffix
from benkit.inventory.table.in_tar import require_tar_of
from benkit.inventory.table.inventory_file import Inventory

SIDES_AS = ("column", "folders")
"""How an export shows the sides of a split."""
EXPORT_FORMATS = ("folders", *PACK_FORMATS)
"""How an export holds its patches."""


def require_export_options(
    kind: str, metadata: object, split: object, sides: str, card: bool
) -> bool:
    """Refuse options that do not go together, before any work; returns whether patches are packed."""
    if kind not in EXPORT_FORMATS:
        raise OptionError(f"--format {kind}: expected {', '.join(EXPORT_FORMATS)}")
    packed = kind in PACK_FORMATS
    if kind == "lmdb":
        require_lmdb()
    if packed and card:
        raise OptionError(
            "--card goes with --format folders, whose files it describes; benkit card writes one beside "
            f"--format {kind}"
        )
    if sides not in SIDES_AS:
        raise OptionError(f"--sides {sides}: expected {' or '.join(SIDES_AS)}")
    as_folders = sides == SIDES_AS[1]
    if as_folders and split is None:
        raise OptionError("--sides folders needs --split FILE")
    if split is not None and metadata is None and not as_folders:
        raise OptionError(
            "--split needs --metadata METADATA, where the sides become the column split, or "
            "--sides folders"
        )
    if card and (metadata is None or as_folders):
        raise OptionError(
            "--card needs --metadata METADATA, and --sides column: it is of one archive"
        )
    return packed


def require_export_target(
    target: Location, root: Location, *, overwrite: bool, links: bool, packed: bool
) -> None:
    """Refuse, before any work, an output where nothing can be written or something would be lost."""
    if packed and not isinstance(target, Path):
        raise OutputError(
            f"{target}: packs are written on this machine; choose a folder, and upload it when "
            "it is whole"
        )
    require_replaceable(target, overwrite)
    require_apart(target, root)
    if links:
        require_one_disk(target, root)


def require_exportable_tar(inventory: Inventory, root: Location) -> None:
    """Refuse a tar from which not all that belongs to patches can be read."""
    require_tar_of(inventory, root)
    layout = inventory.layout
    if layout.beside or layout.labels_file:
        raise InputFormatError(
            f"{root}: expected files of bands alone, but the layout {layout.name} has others beside "
            "them, whose places in a tar are not known; unpack it, and name the folder"
        )


def missing_file(missing: LocationLike, exclude: object, metadata: object) -> Location:
    """Where to write what is missing; refused before any work."""
    if exclude is None and metadata is None:
        raise OptionError(
            "--missing needs --exclude FINDINGS, which say what is damaged, or --metadata METADATA, "
            "to hold the archive against"
        )
    return require_suffix(missing, TABLE_SUFFIXES)
