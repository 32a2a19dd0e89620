"""A folder that is held open while its files are read into buffers, or only their stat is taken.

No link is followed and no pipe waited for.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

FileState = tuple[int, int, int]
"""Size in bytes, modification time in nanoseconds and inode of a file."""

ABSENT, UNREADABLE = (-1, 0, 0), (0, 0, 0)
"""States of a file that is not there, and of one that cannot be read or is no regular file."""

# A link must not be followed, and a pipe among the files not be waited for.
_NO_LINK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = _NO_LINK | getattr(os, "O_NONBLOCK", 0)


class _ByHandle:
    """A folder whose files are opened relative to it, which spares the system long paths.

    It is not listed where the names that it may have are given.
    """

    def __init__(self, folder: str, names: Iterable[str] | None = None) -> None:
        self._handle = os.open(folder, _NO_LINK)
        self._only = names

    def __enter__(self) -> Self:
        self.names = set(os.listdir(self._handle) if self._only is None else self._only)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def read(self, names: Sequence[str], buffers: Sequence[memoryview | None]) -> list[FileState]:
        """Read files into buffers, where these are given.

        A file that is longer than its buffer leaves nothing useful in it.
        """
        states = []
        for name, buffer in zip(names, buffers, strict=True):
            state = ABSENT
            if name in self.names:
                try:
                    state = self._stat(name) if buffer is None else self._read(name, buffer)
                except FileNotFoundError:  # vanished since the folder was listed
                    pass
                except OSError:
                    state = UNREADABLE
            states.append(state)
        return states

    def _stat(self, name: str) -> FileState:
        return _state(os.stat(name, dir_fd=self._handle, follow_symlinks=False))

    def _read(self, name: str, buffer: memoryview) -> FileState:
        handle = os.open(name, _NO_WAIT, dir_fd=self._handle)
        try:
            return _state(os.fstat(handle), os.readv(handle, (buffer,)), len(buffer))
        finally:
            os.close(handle)


class _ByPath(_ByHandle):
    """The same for systems without handles of folders, such as Windows."""

    def __init__(self, folder: str, names: Iterable[str] | None = None) -> None:
        self._folder = Path(folder)
        self._only = names

    def __enter__(self) -> Self:
        self.names = set(os.listdir(self._folder) if self._only is None else self._only)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _stat(self, name: str) -> FileState:
        return _state((self._folder / name).lstat())

    def _read(self, name: str, buffer: memoryview) -> FileState:
        if (self._folder / name).is_symlink():
            return UNREADABLE
        with (self._folder / name).open("rb", buffering=0) as file:
            read = file.readinto(buffer) or 0
            return _state(os.fstat(file.fileno()), read, len(buffer))


def _state(status: os.stat_result, read: int = 0, room: int = 0) -> FileState:
    """The state of a file of which so many bytes were read: all of it, where there was more room."""
    if not stat.S_ISREG(status.st_mode):
        return UNREADABLE
    return read if read < room else status.st_size, status.st_mtime_ns, status.st_ino


_HAS_HANDLES = hasattr(os, "readv") and os.open in os.supports_dir_fd
opened_folder = _ByHandle if _HAS_HANDLES else _ByPath
