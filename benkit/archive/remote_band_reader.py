"""Read the band files of many remote patches into the same buffers as local ones.

The folders of the patches of a reading are listed many at once, and the files of each are fetched as
soon as it is listed: waiting for one answer after the other would take hours. What is fetched is parsed
like local files.
"""

import stat
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from benkit.archive.band_reader import BandFileReader, VisitedFolder, file_state
from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.errors import (
    AccessError,
    MissingInputError,
    RasterError,
    RemoteError,
    without_name,
)
from benkit.files.file_kinds import kind_of
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.in_parallel import Tasks
from benkit.files.remote.location import Location, RemotePath
from benkit.files.remote.service import Entry, TooLongError

_MISSING, _UNREADABLE = -1, 0


@dataclass(frozen=True)
class _Folder:
    """The folder of a patch: its entries by name, none if it is not there; or why it has no listing."""

    location: RemotePath
    entries: dict[str, Entry]
    fault: str | None = None


@dataclass(frozen=True)
class _File:
    """A band file that a listing names, and the indices of its patch and of its band."""

    row: int
    column: int
    folder: RemotePath
    entry: Entry

    @property
    def location(self) -> RemotePath:
        return self.folder / self.entry.name


class RemoteBandFileReader(BandFileReader):
    """Reads up to ``capacity`` patches at a time from a remote file system.

    A file that cannot be read for good, though the server answers otherwise, counts as not plain, as
    a local one does. That the server does not answer, or gives no file of a reading at all, is an
    error.
    """

    def __init__(self, root: RemotePath, capacity: int, layout: Layout) -> None:
        super().__init__(root, capacity, layout)
        self._root = root
        self._sizes = np.zeros((0, len(layout.files)), np.int64)
        self._faults: dict[tuple[int, int], str] = {}
        self._probing = threading.Lock()

    def content(self, patch: PatchFolder, row: int, band: str) -> bytes:
        """All bytes of a file that the last reading found not to be plain."""
        column = self.layout.files.index(band)
        location = self._root / patch.band_path(band)
        if fault := self._faults.get((row, column)):
            raise RasterError(f"{location}: cannot be read: {fault}")
        slot, size = self.slots[band][row], int(self._sizes[row, column])
        return bytes(slot[:size]) if size <= len(slot) else location.read_bytes(LARGEST_FILE)

    def visit(
        self, patches: Sequence[PatchFolder], *, stat_only: bool = False
    ) -> Iterable[VisitedFolder]:
        """As `BandFileReader.visit`; a server that denies every file is a `RemoteError`."""
        self._faults.clear()
        files_of_a_patch = len(self.layout.files)
        self._sizes = np.full((len(patches), files_of_a_patch), _MISSING)
        stamps: list[list[int | None]] = [[0] * files_of_a_patch for _ in patches]
        rows_of: defaultdict[str, list[int]] = defaultdict(list)
        for row, patch in enumerate(patches):
            rows_of[patch.path].append(row)
        folders: dict[str, _Folder] = {}
        read = self._stat if stat_only else self._fetch

        def read_file(file: _File) -> None:
            size, stamps[file.row][file.column] = read(file)
            self._sizes[file.row, file.column] = size

        def list_folder(path: str) -> None:
            folder = folders[path] = _list(self._root / path if path else self._root)
            files = self._band_files(patches, rows_of[path], folder)
            tasks.add(partial(read_file, file) for file in files)

        tasks = Tasks((partial(list_folder, path) for path in rows_of), self._root.limit.allowed)
        tasks.run()
        self._refuse_a_server_without_files()
        for row, patch in enumerate(patches):
            folder, sizes = folders[patch.path], self._sizes[row].tolist()
            others = folder.entries.keys() - self.layout.band_files(patch.name, patch.product)
            strays = [] if self.layout.one_file else self.strays_of(patch, others)
            known = bool(folder.entries) and None not in stamps[row]
            yield VisitedFolder(
                sizes, strays, file_state(sizes, stamps[row], strays) if known else 0
            )

    def _band_files(
        self, patches: Sequence[PatchFolder], rows: Iterable[int], folder: _Folder
    ) -> list[_File]:
        """The band files in a folder; if it cannot be listed, none can be read."""
        files = []
        for row in rows:
            patch = patches[row]
            for column, name in enumerate(self.layout.band_files(patch.name, patch.product)):
                if folder.fault:
                    self._faults[row, column] = folder.fault
                    self._sizes[row, column] = _UNREADABLE
                elif name in folder.entries:
                    files.append(_File(row, column, folder.location, folder.entries[name]))
        return files

    def _stat(self, file: _File) -> tuple[int, int | None]:
        """Size and stamp of a file."""
        if file.entry.size is not None:
            return file.entry.size, file.entry.stamp
        if file.entry.is_folder:
            return _UNREADABLE, None
        try:
            return file.location.stat()
        except MissingInputError:
            return _MISSING, 0
        except RemoteError:
            self._require_server(file.folder)
            return _UNREADABLE, None

    def _fetch(self, file: _File) -> tuple[int, int | None]:
        """Read a file into its slot; its size and stamp."""
        fault = f"expected a file, but it is {kind_of(stat.S_IFDIR)}"
        if not file.entry.is_folder:
            try:
                content, stamp = file.location.read(LARGEST_FILE)
            except MissingInputError:
                return _MISSING, 0
            except TooLongError as error:
                if error.size is not None:
                    return error.size, file.entry.stamp
                fault = without_name(error, file.location)
            except RemoteError as error:
                self._require_server(file.folder)
                fault = without_name(error, file.location)
            else:
                slot = self.slots[self.layout.files[file.column]][file.row]
                if len(content) <= len(slot):
                    slot[: len(content)] = content
                return len(content), stamp if file.entry.size is None else file.entry.stamp
        self._faults[file.row, file.column] = fault
        return _UNREADABLE, None

    def _require_server(self, folder: RemotePath) -> None:
        """Raise `RemoteError` if the server is away: that is no fault of one file."""
        with self._probing, suppress(MissingInputError):
            folder.entries()

    def _refuse_a_server_without_files(self) -> None:
        """Refuse to take a fault of the server for that of every single file."""
        there = int((self._sizes != _MISSING).sum())
        if there and len(self._faults) == there:
            raise RemoteError(
                f"{self._root}: its files are listed, but none of {there:,} can be read: "
                f"{next(iter(self._faults.values()))}"
            )


def band_file_reader(root: Location, capacity: int, layout: Layout) -> BandFileReader:
    """The reader for an archive at this location."""
    if isinstance(root, RemotePath):
        return RemoteBandFileReader(root, capacity, layout)
    return BandFileReader(root, capacity, layout)


def _list(folder: RemotePath) -> _Folder:
    try:
        return _Folder(folder, {entry.name: entry for entry in folder.entries()})
    except MissingInputError:  # vanished since the archive was listed
        return _Folder(folder, {})
    except AccessError as error:
        return _Folder(folder, {}, without_name(error, folder))
