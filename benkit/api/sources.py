"""Open what people have: a path or an address, a value, or a table that was read before."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pyarrow as pa

from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import PatchIdError
from benkit.files.remote.location import LocationLike, as_location, is_location
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata, as_metadata

__all__ = [
    "MetadataLike",
    "as_metadata",
    "as_sides",
    "is_location",
    "naming",
    "open_source",
]

MetadataLike: TypeAlias = LocationLike | Metadata | pa.Table
"""A file, or what `Metadata` is made of."""


@contextmanager
def naming(source: object) -> Iterator[None]:
    """Let an error about a patch id name the file that it comes from."""
    try:
        yield
    except PatchIdError as error:
        raise PatchIdError(f"{source}: {error}" if is_location(source) else str(error)) from None


def as_sides(split: Any) -> dict[str, list[str]]:
    """The patch ids of each side of a split.

    Parameters
    ----------
    split : path, address, Split, table or mapping
        A file as `benkit.read_sides` takes it, a table with the columns ``patch_id`` and ``split``, or
        patch ids by side.
    """
    from benkit.splits.make import Split
    from benkit.splits.split_file import column_sides, read_sides

    if is_location(split):
        return read_sides(split)
    if isinstance(split, pa.Table):
        return column_sides(split, "the split")
    sides = split.sides() if isinstance(split, Split) else split
    return {name: list(patches) for name, patches in sides.items()}


@contextmanager
def open_source(
    source: LocationLike | pa.Table | Inventory,
    *,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Iterator[Inventory]:
    """Open an inventory; an archive is scanned into a temporary one first.

    Parameters
    ----------
    source : Location, URI, Inventory or pyarrow.Table
        Folder of an archive, or an inventory.
    engine, progress
        As in `scan`.

    Raises
    ------
    MissingInputError, InputFormatError
        If the source is neither.
    """
    from benkit.files.tables.table import write_table
    from benkit.files.writing.staging import temporary_folder
    from benkit.files.writing.transfer import downloaded
    from benkit.inventory.scanning.scan import scan

    if isinstance(source, Inventory):
        yield source
        return
    is_table = isinstance(source, pa.Table)
    where = None if is_table else as_location(source)
    if where is not None and not where.is_dir():
        with downloaded(where) as path:
            yield Inventory(path, str(where))
        return
    with temporary_folder() as folder:
        path = folder / "inventory.parquet"
        if where is None:
            write_table(source, path)
        else:
            scan(where, path, engine=engine, progress=progress)
        yield Inventory(path, "the inventory" if where is None else None)
