"""Metadata whose places an inventory may tell."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.sources import MetadataLike, is_location, naming, open_source
from benkit.archive.labels_beside import labels_beside
from benkit.archive.listing import PatchFolder
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import InputFormatError, MissingColumnError, OptionError
from benkit.files.remote.location import Location, RemotePath, as_location
from benkit.inventory.places import class_labels, inventory_patches, placed_by_inventory
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.parts import downloaded_inventory, head_of, holds_parts
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.metadata_file import are_of_inventory

_LABELLED = ("bigearthnet-s2", "bigearthnet-s1")  # archives that have metadata with labels


def placed_metadata(
    metadata: MetadataLike,
    id_column: str | None = None,
    patch_size: float | None = None,
    choice: Choice | None = None,
    *,
    with_labels: bool = True,
    others: Collection[str] | None = None,
) -> Metadata:
    """As `known_metadata`, without patches that are not chosen; errors about places name the file."""
    tell = None if choice is None else choice.tell
    known = known_metadata(
        metadata, id_column, patch_size, with_labels=with_labels, tell=tell, others=others
    )
    known = known if choice is None else choice.of_metadata(known)
    require_places(known, metadata)
    return known


def require_places(known: Metadata, metadata: MetadataLike) -> None:
    """Refuse patches without a place; the error names what the metadata were made of."""
    with naming(metadata, InputFormatError):
        assert len(known.ground) == len(known), "each patch has a place"


def known_metadata(
    metadata: MetadataLike,
    id_column: str | None = None,
    patch_size: float | None = None,
    *,
    with_labels: bool = True,
    tell: Callable[[str], object] | None = None,
    others: Collection[str] | None = None,
) -> Metadata:
    """Metadata as `as_metadata` makes it, or what an inventory tells of its patches.

    In a list, an inventory tells the places, the others are metadata with labels; in their place may
    be the folder of an archive whose labels lie beside the bands.
    """
    with ExitStack() as stack:
        given: list[Any] = list(metadata) if isinstance(metadata, list | tuple) else [metadata]
        sources = [stack.enter_context(local_inventory(source)) for source in given]
        return _known(metadata, sources, id_column, patch_size, with_labels, tell, others)


def _known(
    metadata: MetadataLike,
    sources: list[Any],
    id_column: str | None,
    patch_size: float | None,
    with_labels: bool,
    tell: Callable[[str], object] | None,
    columns: Collection[str] | None,
) -> Metadata:
    inventories = [source for source in sources if is_inventory(source)]
    if not inventories:
        return as_metadata(metadata, id_column, patch_size, columns)
    if len(inventories) > 1:
        raise OptionError(
            f"expected one inventory, but there are {len(inventories)}; scan the archives into one"
        )
    if patch_size is not None:
        raise OptionError(
            "expected a patch size where points tell the places, but here an inventory does, which "
            "tells the size too; leave it out"
        )
    others = [source for source in sources if source is not inventories[0]]
    with open_source(inventories[0]) as inventory:
        return _placed(inventory, others, id_column, with_labels, tell)


def metadata_beside(inventory: Inventory, metadata: MetadataLike) -> Metadata:
    """Metadata as they are where names tell places, else those of the patches of an inventory.

    In their place may be the inventory itself, where it tells classes, or the folder of its archive.
    """
    if inventory.layout is BIGEARTHNET_S2:
        return as_metadata(metadata)
    given: list[Any] = list(metadata) if isinstance(metadata, list | tuple) else [metadata]
    others = [source for source in given if not is_inventory(source)]
    return _placed(inventory, others, None, with_labels=True, tell=None)


def are_told(metadata: MetadataLike) -> bool:
    """Whether an inventory or the folder of an archive is among what is given as metadata."""
    given: list[Any] = list(metadata) if isinstance(metadata, list | tuple) else [metadata]
    return any(
        is_inventory(source) or (is_location(source) and as_location(source).is_dir())
        for source in given
    )


def _placed(
    inventory: Inventory,
    others: list[Any],
    id_column: str | None,
    with_labels: bool,
    tell: Callable[[str], object] | None,
) -> Metadata:
    patches = inventory_patches(inventory)
    root = as_location(others[0]) if len(others) == 1 and is_location(others[0]) else None
    if not others or (root is not None and root.is_dir()):
        if id_column not in (None, "patch_id"):
            raise OptionError(
                f"{inventory.name}: expected metadata with the column {id_column} beside the inventory"
            )
        labels = _labels(inventory, patches, root, with_labels)
        return placed_by_inventory(patches, inventory, labels=labels)
    known = as_metadata(others[0] if len(others) == 1 else others, id_column)
    own = inventory.layout.metadata_id
    if id_column is None and own in known.table.column_names:
        known = as_metadata(known, own)
    placed = placed_by_inventory(patches, inventory, known)
    both = len(placed)
    if tell is not None and (both < len(known) or both < len(patches)):
        tell(
            f"{both:,} patches are in both, {len(known) - both:,} more in the metadata, "
            f"{len(patches) - both:,} more in {inventory.name}"
        )
    return placed


def _labels(
    inventory: Inventory, patches: pa.Table, root: Location | None, needed: bool
) -> list[list[str]] | None:
    """Labels where the layout says that they are; None where they come from metadata alone."""
    layout = inventory.layout
    if layout.labels == "class":
        return class_labels(patches, inventory)
    if layout.labels == "json" and (needed or root is not None):
        if root is None:
            raise MissingColumnError(
                f"{inventory.name}: expected labels, but the inventory has none: they lie beside the "
                f"bands, as {layout.labels_file}; give the folder of the archive, or metadata with "
                "labels: --metadata ARCHIVE_OR_METADATA"
            )
        names = zip(patches["product"].to_pylist(), patches["patch_id"].to_pylist(), strict=True)
        return labels_beside(root, [PatchFolder(*name, layout) for name in names])
    if root is not None:
        raise OptionError(
            f"{root}: expected metadata, but it is a folder, and the layout {layout.name} tells of no "
            "labels in it"
        )
    if layout.name in _LABELLED and needed:
        raise MissingColumnError(
            f"{inventory.name}: expected metadata, with the columns patch_id and labels, but it is an "
            "inventory; give the metadata of its patches beside it: --metadata METADATA"
        )
    return None


@contextmanager
def local_inventory(source: Any) -> Iterator[Any]:
    """A source as it is, but in the place of the URL of an inventory its value."""
    where = as_location(source) if is_location(source) else None
    is_local = not isinstance(where, RemotePath)
    if where is None or is_local or not (where.suffix == ".parquet" or holds_parts(where)):
        yield source
        return
    with downloaded_inventory(where) as path:
        yield Inventory(path, str(where)) if is_inventory(path) else source


def is_inventory(source: Any) -> bool:
    """Whether a source is an inventory: its value, its table, or a file on this machine."""
    if isinstance(source, Inventory):
        return True
    if not is_location(source):
        names = getattr(source, "column_names", getattr(source, "columns", ()))
        return are_of_inventory([*map(str, names)])
    where = as_location(source)
    try:
        head = head_of(where) if isinstance(where, Path) else None
        # opening a pipe would never end
        return head is not None and head.is_file() and are_of_inventory(pq.read_schema(head).names)
    except (pa.ArrowException, OSError, UnicodeError):
        return False
