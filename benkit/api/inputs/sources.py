"""Open what people have: a path or a URL, a value, or a table that was read before."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from benkit.engine import Engine
from benkit.engine.progress import Progress
from benkit.errors import BenkitError, OptionError, PatchIdError
from benkit.files.remote.location import LocationLike, as_location, is_location
from benkit.files.tables.table import as_table, require_columns, strings, table_or_series
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.metadata_file import metadata_name
from benkit.metadata.patch_list import read_patch_list
from benkit.splits.split import Split

__all__ = [
    "ArrowTable",
    "MetadataLike",
    "SourceLike",
    "SplitLike",
    "TableLike",
    "as_metadata",
    "as_patch_ids",
    "is_location",
    "naming",
    "open_source",
]


class ArrowTable(Protocol):
    """A table of any library that has the Arrow PyCapsule interface: pyarrow, pandas, polars, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows."""


TableLike: TypeAlias = LocationLike | ArrowTable
"""A path or URL, or a table."""

MetadataLike: TypeAlias = TableLike | Sequence[TableLike] | Metadata
"""What `Metadata` is made of, or one; of several files or tables the rows are put together."""

SourceLike: TypeAlias = TableLike | Inventory
"""An archive or an inventory: its path or URL, its value, or its table."""

SplitLike: TypeAlias = TableLike | Split | Mapping[str, Iterable[str]]
"""A split: its file, a table with the columns ``patch_id`` and ``split``, its value, or ids by side."""


@contextmanager
def naming(source: object, kind: type[BenkitError] = PatchIdError) -> Iterator[None]:
    """Let an error about a patch id, or of another kind, name the file that it comes from."""
    try:
        yield
    except (PatchIdError, kind) as error:
        named = is_location(source) or (
            isinstance(source, list | tuple) and any(map(is_location, source))
        )
        begin = f"{metadata_name(source)}: " if named else ""
        raise type(error)(begin + str(error).removeprefix(begin)) from None


def as_patch_ids(patches: TableLike | Iterable[str], what: str) -> list[str]:
    """The patch ids that a file or the column ``patch_id`` of a table lists, or the given ones.

    An `OptionError` says that ``what`` was expected where they are something else.
    """
    if is_location(patches):
        return read_patch_list(patches)
    ids: list[Any] | None
    if isinstance(patches, pa.Array):
        ids = patches.to_pylist()
    elif hasattr(patches, "__arrow_c_stream__"):
        listed = table_or_series(patches, what)
        if isinstance(listed, pa.Table):
            require_columns(listed, ["patch_id"], what)
            return strings(what, listed, "patch_id").drop_null().to_pylist()
        ids = listed.to_pylist()
    else:
        ids = list(patches) if isinstance(patches, Iterable) else None
    if ids is None or not all(isinstance(patch, str) for patch in ids):
        raise OptionError(
            f"expected {what}, as a list of patch ids, a path or a table, "
            f"but it is of the type {type(patches).__name__}"
        )
    return ids


@contextmanager
def open_source(
    source: SourceLike,
    *,
    scale: str | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> Iterator[Inventory]:
    """Open an inventory; an archive is scanned into a temporary one first, as by `benkit.scan`."""
    from benkit.files.tables.table import write_table
    from benkit.files.tar.headers import TarBreakError
    from benkit.files.writing.staging import temporary_folder
    from benkit.inventory.scanning.scan import scan
    from benkit.inventory.table.parts import downloaded_inventory, is_archive

    if isinstance(source, Inventory):
        yield source
        return
    where = as_location(source) if is_location(source) else None
    if where is not None and not is_archive(where):
        with downloaded_inventory(where) as path:
            yield Inventory(path, str(where))
        return
    with temporary_folder() as folder:
        path = folder / "inventory.parquet"
        if where is None:
            write_table(as_table(source, "an archive or an inventory"), path)
        else:
            try:
                scan(where, path, scale=scale, engine=engine, progress=progress)
            except TarBreakError as error:  # what there is of the inventory goes with the folder
                raise error.__cause__ or error from None
        yield Inventory(path, "the inventory" if where is None else str(where))
