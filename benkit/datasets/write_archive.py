"""Write an archive of chosen patches by hard links or copies, with all that belongs to it.

The folders are those of the download of BigEarthNet v2.0, so that what reads that reads this.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from benkit.archive.listing import PatchFolder, require_inside
from benkit.engine.progress import Report
from benkit.errors import InputFormatError, OutputError
from benkit.files.file_kinds import kind_of_path
from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.location import Location, RemotePath
from benkit.files.remote.retry import in_parallel
from benkit.files.tables.table import write_table
from benkit.files.writing.resume_folder import resuming_folder
from benkit.inventory.table.inventory_file import Inventory, writing_inventory

ARCHIVE_FOLDER, MAPS_FOLDER = "BigEarthNet-S2", "Reference_Maps"
"""Folders of the patches and of their reference maps, as the download has them."""

LEFT_OUT = "left_out.csv"
"""Name of the list of patches that are left out."""

_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)
_FILES_AT_ONCE = 3000


@dataclass(frozen=True)
class ExportPart:
    """What is exported into one folder.

    Attributes
    ----------
    folder : str
        Its name, empty for the output itself.
    patches : pyarrow.Table
        ``product`` and ``patch_id``, the names of their folders in the archive.
    metadata : pyarrow.Table or None
        Of these patches.
    maps : mapping of str to Path
        Reference maps by their path below `MAPS_FOLDER`.
    """

    folder: str
    patches: pa.Table
    metadata: pa.Table | None = None
    maps: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class _File:
    """A file to place: where from, where to, and its length, if the inventory knows it."""

    source: Location
    target: Path
    bytes: int | None = None


def write_archive(
    target: Path,
    root: Location,
    inventory: Inventory,
    parts: Sequence[ExportPart],
    left_out: pa.Table,
    *,
    copy: bool,
    report: Report,
) -> tuple[int, int]:
    """Write an archive in one or several folders; returns how many files there are, and their bytes."""
    place = _copy if copy else _link
    patches = sum(len(part.patches) for part in parts)
    plan = "\n".join([str(root), place.__name__, *(_plan_of(inventory, part) for part in parts)])
    files = size = done = 0
    with resuming_folder(target, plan) as new:
        for part in parts:
            folder = new / part.folder
            for some, names in _placed_rows(folder, root, inventory, part):
                files += len(some)
                size += _placed(some, place)
                report(done := done + names, patches, size)
            maps = [
                _File(source, folder / MAPS_FOLDER / name) for name, source in part.maps.items()
            ]
            for folder_of_map in {one.target.parent for one in maps}:
                folder_of_map.mkdir(parents=True, exist_ok=True)
            files += len(maps)
            size += _placed(maps, place)
            if part.metadata is not None:
                write_table(part.metadata, folder / "metadata.parquet")
        write_table(left_out, new / LEFT_OUT)
    assert done == patches, "every chosen patch is in the export"
    return files, size


def require_replaceable(target: Path, overwrite: bool) -> None:
    """Refuse an output that is there, unless it is an earlier export that may be replaced."""
    if not target.exists() or (target.is_dir() and not os.listdir(target)):
        return
    if not target.is_dir():
        raise OutputError(f"{target}: expected the name of a folder, but there is something else")
    if not overwrite:
        raise OutputError(
            f"{target}: is there already; allow it to be overwritten (--overwrite), or move it"
        )
    if not (target / LEFT_OUT).is_file():
        raise OutputError(
            f"{target}: holds something else than an export, which is not replaced; "
            "choose another folder"
        )


def require_apart(target: Path, root: Location) -> None:
    """Refuse an output that holds the archive, or lies in it."""
    if isinstance(root, Path):
        inner, outer = target.resolve(), root.resolve()
        if inner == outer or inner in outer.parents or outer in inner.parents:
            raise OutputError(
                f"{target}: expected a folder apart from the archive {root}, but one holds the other; "
                "choose another folder"
            )


def require_one_disk(target: Path, root: Location) -> None:
    """Refuse to link where only copies are possible."""
    there = target.absolute()
    while not there.exists():
        there = there.parent
    if isinstance(root, RemotePath) or root.stat().st_dev != there.stat().st_dev:
        raise OutputError(
            f"{target}: lies on another disk than {root}, where files cannot be linked; say --copy to "
            "copy them, or choose a folder on the same disk"
        )


def closed_patches(root: Location, inventory: Inventory) -> dict[str, str]:
    """Why patches cannot go along whatever is asked for: what is no file, and names that are escaped."""
    found = {
        patch: "none of its bands is on disk"
        for (patch,) in inventory.query(
            "SELECT patch_id FROM inventory WHERE band IS NOT NULL GROUP BY patch_id "
            "HAVING bool_and(status = 'missing')"
        )
    }
    for product, patch_id, band in inventory.query(
        "SELECT product, patch_id, band FROM inventory WHERE status = 'unreadable'"
    ):
        path = root / PatchFolder(product, patch_id).band_path(band)
        kind = kind_of_path(path) if isinstance(path, Path) else None
        if kind or (isinstance(path, RemotePath) and not path.is_file()):
            found[patch_id] = f"{band} is {kind or 'no file'}"
    for (patch,) in inventory.query(
        "SELECT DISTINCT patch_id FROM inventory WHERE contains(product || patch_id, chr(92))"
    ):
        found[patch] = "its name holds characters that cannot be printed"
    return found


def _plan_of(inventory: Inventory, part: ExportPart) -> str:
    """A text that is another one if what is to be placed is another."""
    ((rows,),) = inventory.query(
        "SELECT bit_xor(hash(product, patch_id, band, status, bytes, pixel_hash)) "
        "FROM inventory SEMI JOIN patches USING (product, patch_id)",
        patches=part.patches,
    )
    return f"{part.folder} {len(part.patches)} {rows} {sorted(part.maps)}"


def _placed_rows(
    folder: Path, root: Location, inventory: Inventory, part: ExportPart
) -> Iterator[tuple[list[_File], int]]:
    """Write the inventory of a part; gives the files of its rows, and of how many patches these are."""
    archive = folder / ARCHIVE_FOLDER
    archive.mkdir(parents=True, exist_ok=True)
    files: list[_File] = []
    names, last = 0, PatchFolder("", "")
    with writing_inventory(folder / "inventory.parquet") as writer:
        for rows in inventory.rows_of(part.patches):
            writer.write(rows)
            columns = ("product", "patch_id", "band", "status", "bytes")
            for product, patch_id, band, status, size in zip(
                *(rows[name].to_pylist() for name in columns), strict=True
            ):
                patch = PatchFolder(product, patch_id)
                if patch != last:
                    if len(files) >= _FILES_AT_ONCE:
                        yield files, names
                        files, names = [], 0
                    _make_folder(root, archive, patch)
                    names, last = names + 1, patch
                if status != "missing":
                    path = patch.band_path(band)
                    files.append(_File(root / path, archive / path, size))
        yield files, names


def _make_folder(root: Location, archive: Path, patch: PatchFolder) -> None:
    if isinstance(root, Path):
        require_inside(root, patch)
    (archive / patch.path).mkdir(parents=True, exist_ok=True)


def _placed(files: list[_File], place: Callable[[_File], int]) -> int:
    """Place some files; returns their bytes."""
    remote = any(isinstance(file.source, RemotePath) for file in files)
    return sum((in_parallel if remote else map)(place, files))


def _link(file: _File) -> int:
    source, target = file.source, file.target
    assert isinstance(source, Path), "only files of this machine are linked"
    state = _state(file, source)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(state, target.lstat()):
            target.unlink()
            return _link(file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise OutputError(
            f"{source}: cannot be linked to {target}: {error.strerror}; say --copy to copy files"
        ) from None
    return state.st_size


def _copy(file: _File) -> int:
    source, target = file.source, file.target
    part = target.with_name(f"{target.name}.part")
    if isinstance(source, RemotePath):
        if target.is_file() and target.stat().st_size == file.bytes:
            return target.stat().st_size
        part.write_bytes(source.read_bytes(LARGEST_TABLE))
    else:
        state = _state(file, source)
        if target.is_file() and _size_and_time(target.stat()) == _size_and_time(state):
            return state.st_size
        shutil.copyfile(source, part, follow_symlinks=False)
        os.utime(part, ns=(state.st_atime_ns, state.st_mtime_ns))
    _require_size(file, part.stat().st_size)
    part.replace(target)
    return target.stat().st_size


def _size_and_time(state: os.stat_result) -> tuple[int, int]:
    return state.st_size, state.st_mtime_ns


def _state(file: _File, source: Path) -> os.stat_result:
    """The state of a file, which has to be the one that was scanned."""
    try:
        state = source.lstat()
    except FileNotFoundError:
        raise _changed(file, "there is nothing") from None
    if not stat.S_ISREG(state.st_mode):
        raise _changed(file, "it is no file")
    _require_size(file, state.st_size)
    return state


def _require_size(file: _File, size: int) -> None:
    if file.bytes is not None and size != file.bytes:
        raise _changed(file, f"it has {size:,} bytes")


def _changed(file: _File, what: str) -> InputFormatError:
    expected = "a file" if file.bytes is None else f"a file of {file.bytes:,} bytes"
    return InputFormatError(
        f"{file.source}: expected {expected}, as the inventory says, but {what}; scan the archive "
        "again, or name the archive that the inventory tells of"
    )
