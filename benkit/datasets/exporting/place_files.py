"""Place files of an archive in another folder, by hard links or as copies."""

import errno
import filecmp
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benkit.errors import InputFormatError, MissingInputError, OutputError
from benkit.files.limits import LARGEST_TABLE
from benkit.files.remote.in_parallel import in_parallel
from benkit.files.remote.location import Location, RemotePath
from benkit.files.tar.read_at import TarContent
from benkit.files.writing.transfer import downloaded

_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS)


@dataclass(frozen=True)
class ExportFile:
    """A file to place: where from, where to, and its length, if the inventory knows it."""

    source: Location | TarContent
    target: Location
    bytes: int | None = None


def placed(files: list[ExportFile], place: Callable[[ExportFile], int]) -> int:
    """Place some files; returns their bytes. What is uploaded already, with its length, stays."""
    there = _uploaded_lengths(files) if place is uploaded else {}

    def stays(file: ExportFile) -> bool:
        return bool(there) and file.bytes is not None and there.get(file.target) == file.bytes

    remote = any(
        isinstance(end, RemotePath) for file in files for end in (file.source, file.target)
    )
    waiting = (file for file in files if not stays(file))
    size = sum((in_parallel if remote else map)(place, waiting))
    return size + sum(file.bytes or 0 for file in files if stays(file))


def _uploaded_lengths(files: list[ExportFile]) -> dict[Location, int | None]:
    """The lengths of what lies in the folders of those files whose length is known; one request each."""

    def lengths(folder: RemotePath) -> dict[Location, int | None]:
        with suppress(MissingInputError):
            return {folder / entry.name: entry.size for entry in folder.entries()}
        return {}

    targets = (file.target for file in files if file.bytes is not None)
    folders = {target.parent for target in targets if isinstance(target, RemotePath)}
    return {path: size for one in in_parallel(lengths, folders) for path, size in one.items()}


def linked(file: ExportFile) -> int:
    """Link a file; returns its bytes. One that is linked already stays."""
    source, target = file.source, file.target
    assert isinstance(source, Path) and isinstance(target, Path), (
        "only files of this machine are linked"
    )
    state = _state(file, source)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(state, target.lstat()):
            target.unlink()
            return linked(file)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise OutputError(
            f"{source}: cannot be linked to {target}: {error.strerror}; say --copy to copy files"
        ) from None
    return state.st_size


def copied(file: ExportFile) -> int:
    """Copy a file with its times; returns its bytes. One that is copied already stays."""
    source, target = file.source, file.target
    assert isinstance(target, Path), "what goes elsewhere is uploaded"
    part = target.with_name(f"{target.name}.part")
    if not isinstance(source, Path):
        if target.is_file() and target.stat().st_size == file.bytes:
            return target.stat().st_size
        part.write_bytes(source.read_bytes(LARGEST_TABLE))
    else:
        state = _state(file, source)
        if target.is_file() and _size_and_time(target.stat()) == _size_and_time(state):
            return state.st_size
        shutil.copyfile(source, part, follow_symlinks=False)
        if file.bytes is None and not filecmp.cmp(source, part, shallow=False):
            raise _changed(file, "its copy holds something else")
        os.utime(part, ns=(state.st_atime_ns, state.st_mtime_ns))
    _require_size(file, part.stat().st_size)
    part.replace(target)
    return target.stat().st_size


def uploaded(file: ExportFile) -> int:
    """Upload a file; returns its bytes.

    A file of which no length is known, and which nothing else is held against, is read again.
    """
    source, target = file.source, file.target
    assert isinstance(target, RemotePath), "only what goes elsewhere is uploaded"
    with downloaded(source) as path:
        size = _state(file, path).st_size
        target.upload(path)
        same = file.bytes is not None or target.read_bytes(LARGEST_TABLE) == path.read_bytes()
    if (there := _remote_size(target)) != size or not same:
        raise OutputError(
            f"{target}: expected the {size:,} bytes of {source} after the upload, but there are "
            f"{'others' if there == size else f'{there or 0:,}'}; give the same command again"
        )
    return size


def _remote_size(target: RemotePath) -> int | None:
    with suppress(MissingInputError):
        return target.stat()[0]
    return None


def _size_and_time(state: os.stat_result) -> tuple[int, int]:
    return state.st_size, state.st_mtime_ns


def _state(file: ExportFile, source: Path) -> os.stat_result:
    """The state of a file, which has to be the one that was scanned."""
    try:
        state = source.lstat()
    except FileNotFoundError:
        raise _changed(file, "there is nothing") from None
    if not stat.S_ISREG(state.st_mode):
        raise _changed(file, "it is no file")
    _require_size(file, state.st_size)
    return state


def _require_size(file: ExportFile, size: int) -> None:
    if file.bytes is not None and size != file.bytes:
        raise _changed(file, f"it has {size:,} bytes")


def _changed(file: ExportFile, what: str) -> InputFormatError:
    expected = "a file" if file.bytes is None else f"a file of {file.bytes:,} bytes"
    return InputFormatError(
        f"{file.source}: expected {expected}, as the inventory says, but {what}; scan the archive "
        "again, or name the archive that the inventory tells of"
    )
