"""Read the bands of patches where they lie in a plain tar."""

import os
import threading
from pathlib import Path
from typing import Any

from benkit.datasets.arrays.file_index import FileIndex
from benkit.datasets.arrays.patch_reader import PatchReader, ReadingPlan, read_each
from benkit.errors import InputFormatError
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.location import Location
from benkit.files.tar.read_at import BEFORE, TarContent, is_named, open_tar_file, refuse_changed_tar

_one_at_a_time = threading.Lock()


class TarPatchReader(PatchReader):
    """Reads patches of an archive in a tar, of which each process has one open file.

    The name of each file in the tar, the fingerprint of its header and its place tell whether the tar is
    still the one that was scanned.
    """

    def __init__(self, index: FileIndex, root: Path) -> None:
        super().__init__(index, root)
        assert index.starts is not None, "an inventory of a tar tells where files lie in it"
        self._tar, self._starts = root, index.starts
        self._file: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the open file, which no other process can have."""
        return {**self.__dict__, "_file": None}

    def _handle(self) -> int:
        if self._file is None:
            with _one_at_a_time:  # one that another thread replaced would be closed
                if self._file is None:
                    self._file = os.fdopen(open_tar_file(self._tar), "rb", buffering=0)
        return int(self._file.fileno())

    def _fill(self, plan: ReadingPlan, names: list[str], row: int, view: memoryview) -> list[int]:
        """Read plain files into the buffer, neighbours in the tar at once; which ones are not plain."""
        starts = self._starts[row].tolist()
        before: dict[int, bytearray] = {}  # the bytes before a file, which hold its name
        buffers: list[bytearray | memoryview] = []
        begin = end = 0  # of what is read at once
        for start, number in sorted(zip(starts, range(len(names)), strict=False)):
            if plan.file_sizes[number] < 0:
                continue
            between = start - end
            if not 0 < between <= BEFORE or not buffers:
                self._read(begin, end, buffers, names)
                between = min(BEFORE, start)
                begin, buffers = start - between, []
            before[number] = bytearray(between)
            buffers += before[number], view[plan.heads[number]], view[plan.pixels[number]]
            end = start + plan.file_sizes[number]
        self._read(begin, end, buffers, names)
        for number, found in before.items():
            own = names[number][names[number].rfind("/") + 1 :]
            if not is_named(found, own.encode("utf-8", "surrogateescape")):
                refuse_changed_tar(self._tar, names[number])
        return [number for number, size in enumerate(plan.file_sizes) if size < 0]

    def _read(
        self, begin: int, end: int, buffers: list[bytearray | memoryview], names: list[str]
    ) -> None:
        """Read a part of the tar into buffers."""
        handle = self._handle()
        try:
            found = _read_at(handle, buffers, begin) if buffers else 0
        except OSError as error:
            raise InputFormatError(f"{self._tar}: cannot be read: {error.strerror}") from None
        if found != end - begin:
            refuse_changed_tar(self._tar, names[0])

    def _content(self, name: str, row: int, number: int) -> bytes:
        return TarContent(self._tar, name, int(self._starts[row, number])).read_bytes(LARGEST_FILE)


def patch_reader(index: FileIndex, root: Location) -> PatchReader:
    """What reads patches of an archive: of a folder, or of a tar."""
    if index.starts is not None and isinstance(root, Path) and root.is_file():
        return TarPatchReader(index, root)
    return PatchReader(index, root)


def _read_at(handle: int, buffers: list[bytearray | memoryview], start: int) -> int:
    """Read an open file into buffers from a place on; how many bytes there were."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, buffers, start)
    with _one_at_a_time:  # others move the place in the file, too
        os.lseek(handle, start, os.SEEK_SET)
        return read_each(handle, buffers)
