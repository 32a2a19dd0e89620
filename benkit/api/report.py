"""One HTML page: whether all is well, what there is, and where."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from benkit import __version__
from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import is_inventory, known_metadata, require_places
from benkit.api.inputs.sources import (
    MetadataLike,
    SourceLike,
    SplitLike,
    TableLike,
    is_location,
    naming,
    open_source,
)
from benkit.archive.listing import list_archive
from benkit.archive.wrong_level import require_archive
from benkit.domain.layouts import BIGEARTHNET_S2, BUILT_IN
from benkit.engine import Engine
from benkit.engine.beside import beside
from benkit.engine.progress import Progress
from benkit.errors import OptionError
from benkit.files.remote.location import as_location, as_path
from benkit.files.tables.table import one_array
from benkit.files.tar.stream import is_tar
from benkit.files.writing.replace import write_page
from benkit.inventory.scanning.scan import band_reader
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.parts import is_archive
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import EVERY_COLUMN
from benkit.metadata.patch_list import are_among
from benkit.option_types import with_option_types
from benkit.reference_maps.labels import (
    LabelSets,
    compare_labels,
    land_cover_labels,
)
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.small_labels import small_labels
from benkit.reporting.page.commands import Commands
from benkit.reporting.page.report import report_page
from benkit.splits.split import Split

Read = TypeVar("Read")
Opened = TypeVar("Opened")


@with_option_types
def report(
    metadata: MetadataLike,
    source: SourceLike | None = None,
    *,
    subset: bool = False,
    archive: str | os.PathLike[str] | None = None,
    split: SplitLike | None = None,
    reference_maps: str | os.PathLike[str] | LabelSets | None = None,
    id_column: str | None = None,
    patch_size: float | None = None,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    command: str | None = None,
    output: str | os.PathLike[str] | None = None,
    engine: Engine | None = None,
    progress: Progress = None,
) -> str:
    """Make a page that tells of an archive, its metadata and a split.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``; or an inventory, as of `split`.
    source : path, URL, Inventory or table, optional
        An inventory, or an archive, which is scanned; without it the page tells of the metadata only.
    subset : bool
        As of `benkit.audit`, for the source.
    archive : path, optional
        Folder or plain tar of the archive that an inventory tells of, for pictures of patches.
    split : path, URL, Split, table or mapping of str to sequence of str, optional
        A split to judge.
    reference_maps : path or LabelSets, optional
        Folder of reference maps, or their labels, which are compared with those of the metadata.
    id_column, patch_size
        As of `benkit.evaluate`, to judge the split.
    exclude, exclude_kinds, where, tell
        As of `summary`, for the metadata, the source, the split and the reference maps; the page says
        what is left out.
    command : str, optional
        What the page says that it was made with.
    output : path, optional
        Where to write it.
    engine, progress
        As of `benkit.scan`, for an archive.

    Returns
    -------
    str
        A whole HTML page that needs nothing else.

    Raises
    ------
    InputFormatError
        If the split names other patches than the metadata, no patch is left, or the archive's folder is
        not its root.
    OptionError
        If the archive is no folder, or comes without an inventory.
    """
    choice = Choice(exclude, exclude_kinds, where, tell)
    root = _archive(source, archive)
    others = choice.columns() if source is None else EVERY_COLUMN

    def read() -> tuple[Metadata, Split | None]:
        known = known_metadata(metadata, id_column, patch_size, tell=tell, others=others)
        return known, None if split is None else Split(split, id_column=known.id_column)

    shown = {"source": source, "archive": root, "metadata": metadata, "split": split}
    shown["reference maps"] = reference_maps
    inventory = read_band = None
    with ExitStack() as stack:
        if source is None:
            known, sides = read()
        else:
            opened = open_source(source, engine=engine, progress=progress)
            first = not is_inventory(source)  # whose scan takes long: metadata are refused before
            (known, sides), inventory = _both(read, partial(stack.enter_context, opened), first)
        made = _made(command) | {name: _name(value) for name, value in shown.items()}
        stack.enter_context(naming(metadata))
        gone: set[str] = set()
        sides = sides and sides.aligned(known.patch_ids)  # whose ids are held once then
        if choice:
            ids = known.table["patch_id"].chunks
            there = [] if inventory is None else inventory.patch_ids.chunks
            selection = choice.select(pa.chunked_array([*ids, *there], pa.string()), known)
            left_out = selection.left_out_ids
            gone = {*left_out.to_pylist()} if reference_maps is not None else gone
            made["left out"] = (
                f"{len(left_out):,} patches: {selection.reasons}" if len(left_out) else "none"
            )
            known = known.filter(~are_among(one_array(known.table["patch_id"]), left_out))
            sides = sides and sides.aligned(known.patch_ids, strict=False)
            inventory = inventory and inventory.without(left_out)
        require_places(known, metadata)
        if root is not None and inventory is not None:
            if archive is not None and not is_tar(root):
                require_archive(list_archive(root, inventory.layout))
            read_band = band_reader(root, inventory)
        if inventory is not None:
            stack.enter_context(inventory.kept_open())
        maps = _labels_of_maps(reference_maps, gone, engine)
        page = report_page(
            known,
            inventory=inventory,
            subset=subset,
            sides=sides,
            read_band=read_band,
            comparison=compare_labels(maps, known.table) if maps else None,
            small_labels=small_labels(maps) if maps else None,
            made=made,
            commands=_commands(source, root, metadata, split, reference_maps, subset, inventory),
            title=_title(root, source, metadata),
        )
    if output is not None:
        write_page(page, output)
    return page


def _both(
    read: Callable[[], Read], open_it: Callable[[], Opened], one_by_one: bool
) -> tuple[Read, Opened]:
    """What both give, the second called beside the first or after it."""
    with beside(step() for step in [read]) as have_read:
        if one_by_one:
            have_read()
        opened = open_it()
        return have_read()[0], opened


def _labels_of_maps(
    maps: str | os.PathLike[str] | LabelSets | None, gone: set[str], engine: Engine | None
) -> LabelSets | None:
    """The labels of the maps, but for those of some patches."""
    if maps is None:
        return None
    if not isinstance(maps, LabelSets):
        maps = land_cover_labels(measure_land_cover(maps, without=gone, engine=engine))
    return maps.without(gone)


def _archive(source: Any, archive: str | os.PathLike[str] | None) -> Path | None:
    """The folder of the archive, if there is one."""
    where = as_location(source) if is_location(source) else None
    folder = where if isinstance(where, Path) and is_archive(where) else None
    if archive is None:
        return folder
    if source is None or folder:
        raise OptionError("--archive goes with an inventory as SOURCE")
    if is_tar(as_path(archive)):
        return as_path(archive)
    if not as_path(archive).is_dir():
        raise OptionError(f"--archive {archive}: expected the folder of an archive, or its tar")
    return as_path(archive)


def _commands(
    source: Any,
    root: Path | None,
    metadata: Any,
    split: Any,
    maps: Any,
    subset: bool,
    inventory: Inventory | None,
) -> Commands:
    """Command lines with what was given as a path or URL."""
    several = metadata if isinstance(metadata, list | tuple) else [metadata]
    placing = [one for one in several if is_inventory(one)]
    layout = None if inventory is None else inventory.layout
    named = None if layout is None or layout is BIGEARTHNET_S2 else layout.name
    where = as_location(source) if is_location(source) else None
    return Commands(
        source=_path(source),
        archive=None if root is None else str(root),
        metadata=tuple(_path(one) or "METADATA" for one in several if not is_inventory(one)),
        inventories=tuple(_path(one) or "INVENTORY" for one in placing),
        split=_path(split),
        reference_maps=_path(maps),
        subset=subset,
        at_a_distance=where is not None
        and not isinstance(where, Path)
        and not str(source).endswith(".parquet"),
        layout=named if named in BUILT_IN or named is None else "LAYOUT.toml",
    )


def _path(value: Any) -> str | None:
    """Of what was given as a path or URL, or lies at one."""
    if isinstance(value, Inventory):
        return str(value.path)
    return str(value) if is_location(value) else None


def _made(command: str | None) -> dict[str, str]:
    """By what and when; SOURCE_DATE_EPOCH sets the time where the same bytes are wanted."""
    now = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    return {
        "version": f"benkit {__version__}",
        **({"command": command} if command else {}),
        "time": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)),
    }


def _name(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_name, value))
    return "none" if value is None else str(value) if is_location(value) else "a table or value"


def _title(*sources: Any) -> str:
    names = [as_location(source).resolve().name for source in sources if is_location(source)]
    return f"Report of {names[0] if names else 'a patch archive'}"
