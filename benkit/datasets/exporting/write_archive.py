"""Write an archive of chosen patches by hard links, as copies or as a pack, with all that belongs to it.

The folders are those of the download of BigEarthNet v2.0, so that what reads that reads this.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from benkit.archive.listing import PatchFolder, require_inside
from benkit.datasets.exporting.export_target import LEFT_OUT
from benkit.datasets.exporting.part_metadata import PartMetadata
from benkit.datasets.exporting.place_files import ExportFile, copied, linked, placed, uploaded
from benkit.datasets.exporting.same_content import require_same_content
from benkit.datasets.packs.packing import Packing, Written
from benkit.domain.layout import Layout
from benkit.engine.progress import Report
from benkit.files.remote.location import Location, RemotePath
from benkit.files.safe_names import require_single_name
from benkit.files.tables.table import write_table
from benkit.files.tar.read_at import TarContent
from benkit.files.writing.replace import write_bytes
from benkit.files.writing.resume_folder import resuming_folder
from benkit.files.writing.resume_remote import resuming_remote
from benkit.inventory.table.in_tar import files_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory

MAPS_FOLDER = "Reference_Maps"
_DOWNLOADS = {"bigearthnet-s2": "BigEarthNet-S2", "bigearthnet-s1": "BigEarthNet-S1"}
"""Folders of the patches and of their reference maps, as the download has them."""

_FILES_AT_ONCE = 3000
# Numbers in the place of names take a tenth of the memory; where two patches share one, the plan is of
# both, whether one or the other is exported.
_PLAN = """
SELECT bit_xor(hash(product, patch_id, band, status, bytes, pixel_hash)) FROM inventory
SEMI JOIN (SELECT hash(product::VARCHAR, patch_id) AS number FROM patches)
ON hash(product, patch_id) = number
"""


@dataclass(frozen=True)
class ExportPart:
    """What is exported into one folder.

    Attributes
    ----------
    folder : str
        Its name, empty for the output itself.
    patches : pyarrow.Table
        ``product`` and ``patch_id``, the names of their folders in the archive, in their order.
    metadata : PartMetadata or None
        Of these patches.
    maps : mapping of str to Path
        Reference maps by their path below `MAPS_FOLDER`.
    """

    folder: str
    patches: pa.Table
    metadata: PartMetadata | None = None
    maps: Mapping[str, Path] = field(default_factory=dict)


def write_archive(
    target: Location,
    root: Location,
    inventory: Inventory,
    parts: Sequence[ExportPart],
    left_out: pa.Table,
    *,
    copy: bool,
    verify: bool,
    report: Report,
    beside: Mapping[str, bytes],
    packing: Packing | None = None,
) -> tuple[int, int, int]:
    """Write an archive in one or several folders; returns how many files, bytes and rows of metadata.

    ``beside`` are further files of the output, by name. If it is to be verified, the exported files are
    read, and have to be those of the inventory. With ``packing`` patches go into packs.
    """
    place = linked if not copy else copied if isinstance(target, Path) else uploaded
    patches = sum(len(part.patches) for part in parts)
    plans, write = _ways(root, inventory, parts, place, verify=verify, packing=packing)
    files = size = done = described = 0
    with _resuming(target, "\n".join([str(root), place.__name__, *plans])) as new:
        for part in parts:
            folder = new / part.folder if part.folder else new
            for more, length, names in write(folder, part):
                files, size = files + more, size + length
                report(done := done + names, patches, size)
            maps = [
                ExportFile(source, folder / MAPS_FOLDER / name)
                for name, source in part.maps.items()
            ]
            for one in maps:
                if isinstance(one.target, Path):
                    one.target.parent.mkdir(parents=True, exist_ok=True)
            files += len(maps)
            size += placed(maps, place)
            if part.metadata is not None:
                described += part.metadata.write(folder / "metadata.parquet")
        for name, content in beside.items():
            write_bytes(content, new / name)
        write_table(left_out, new / LEFT_OUT)
    assert done == patches, "every chosen patch is in the export"
    return files, size, described


def _ways(
    root: Location,
    inventory: Inventory,
    parts: Sequence[ExportPart],
    place: Callable[[ExportFile], int],
    *,
    verify: bool,
    packing: Packing | None,
) -> tuple[list[str], Callable[[Any, ExportPart], Written]]:
    """Plans of all parts, and how the patches of one are written into a folder."""
    plans = [_plan_of(inventory, part) for part in parts]
    name = archive_folder(inventory.layout)
    if packing is None:
        return plans, partial(_write_files, root, inventory, place, verify)
    columns = {
        part.folder: packing.columns(
            part.patches, None if part.metadata is None else part.metadata.table, part.folder
        )
        for part in parts
    }

    def write(folder: Path, part: ExportPart) -> Written:
        return packing.write(folder, name, part.patches, columns[part.folder])

    return plans + [packing.plan(one) for one in columns.values()], write


def _write_files(
    root: Location,
    inventory: Inventory,
    place: Callable[[ExportFile], int],
    verify: bool,
    folder: Location,
    part: ExportPart,
) -> Written:
    """Place the files of a part, and hold them against the inventory."""
    layout = inventory.layout
    for some, names in _placed_rows(folder, root, inventory, part):
        yield len(some), placed(some, place), names
    for rows in inventory.rows_of(part.patches) if verify else ():
        require_same_content(folder / archive_folder(layout), rows, root, layout)


def _resuming(target: Location, plan: str) -> AbstractContextManager[Location]:
    if isinstance(target, RemotePath):
        return resuming_remote(target, plan, LEFT_OUT)
    return resuming_folder(target, plan)


def archive_folder(layout: Layout) -> str:
    """Name of the folder of an exported archive: as in the download, or that of its layout."""
    return _DOWNLOADS.get(layout.name) or require_single_name(layout.name)


def _plan_of(inventory: Inventory, part: ExportPart) -> str:
    """A text that is another one if what is to be placed is another."""
    ((rows,),) = inventory.query(_PLAN, patches=part.patches)
    return f"{part.folder} {len(part.patches)} {rows} {sorted(part.maps)}"


def _placed_rows(
    folder: Location, root: Location, inventory: Inventory, part: ExportPart
) -> Iterator[tuple[list[ExportFile], int]]:
    """Write the inventory of a part; gives the files of its rows, and of how many patches these are."""
    layout = inventory.layout
    archive = folder / archive_folder(layout)
    files: list[ExportFile] = []
    names, last, last_path = 0, PatchFolder("", ""), ""
    beside: set[str] = set()
    with writing_inventory(folder / "inventory.parquet", layout) as writer:
        for rows, starts in files_of(inventory, part.patches):
            writer.write(rows)
            columns = ("product", "patch_id", "band", "status", "bytes")
            for product, patch_id, band, status, size, start in zip(
                *(rows[name].to_pylist() for name in columns), starts, strict=True
            ):
                patch = PatchFolder(product, patch_id, layout)
                if patch != last:
                    if len(files) >= _FILES_AT_ONCE:
                        yield files, names
                        files, names = [], 0
                    if patch.path != last.path:
                        beside = set()
                    names_beside = {*layout.file_beside(patch.name, patch.product)} - beside
                    files += _files_beside(root, archive, patch, sorted(names_beside))
                    beside |= names_beside
                    _make_folder(root, archive, patch)
                    names, last = names + 1, patch
                path = patch.band_path(band)
                if status != "missing" and path != last_path:  # one file may hold all bands
                    last_path = path
                    files.append(ExportFile(_source(root, path, start), archive / path, size))
        yield files, names


def _source(root: Location, path: str, start: int | None) -> Location | TarContent:
    """A file of the archive, which may be a tar."""
    if start is None or not isinstance(root, Path) or root.is_dir():
        return root / path
    return TarContent(root, path, start)


def _files_beside(
    root: Location, archive: Location, patch: PatchFolder, names: Sequence[str]
) -> Iterator[ExportFile]:
    """Those of some files beside the bands of a patch that are there."""
    for name in names:
        path = f"{patch.path}/{name}" if patch.path else name
        source = root / path
        is_link = isinstance(source, Path) and source.is_symlink()
        if source.is_file() and not is_link:
            yield ExportFile(source, archive / path)


def _make_folder(root: Location, archive: Location, patch: PatchFolder) -> None:
    if isinstance(root, Path):
        require_inside(root, patch)
    if isinstance(archive, Path):
        (archive / patch.path).mkdir(parents=True, exist_ok=True)
