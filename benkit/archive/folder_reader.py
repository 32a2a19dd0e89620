"""A folder that is held open while its files are read into buffers, or only their stat is taken.

No link is followed and no pipe waited for.
"""

import os
import stat
from pathlib import Path
from typing import Self

# A link must not be followed, and a pipe among the files not be waited for.
_NO_LINK = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = _NO_LINK | getattr(os, "O_NONBLOCK", 0)


class _ByHandle:
    """A folder whose files are opened relative to it, which spares the system long paths."""

    def __init__(self, folder: str) -> None:
        self._handle = os.open(folder, _NO_LINK)

    def __enter__(self) -> Self:
        self.names = os.listdir(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def read(self, name: str, buffer: memoryview | None) -> tuple[int, int, int]:
        """Read a file into a buffer, if one is given; returns its size, modification time and inode.

        The size is -1 where the file has vanished and 0 where it cannot be read. A file that is
        longer than the buffer leaves nothing useful in it.
        """
        try:
            return self._stat(name) if buffer is None else self._read(name, buffer)
        except FileNotFoundError:
            return -1, 0, 0
        except OSError:
            return 0, 0, 0

    def _stat(self, name: str) -> tuple[int, int, int]:
        return _identity(os.stat(name, dir_fd=self._handle, follow_symlinks=False))

    def _read(self, name: str, buffer: memoryview) -> tuple[int, int, int]:
        handle = os.open(name, _NO_WAIT, dir_fd=self._handle)
        try:
            size = os.readv(handle, (buffer,))
            identity = _identity(os.fstat(handle))
        finally:
            os.close(handle)
        return identity if size == len(buffer) else (size, *identity[1:])


class _ByPath(_ByHandle):
    """The same for systems without handles of folders, such as Windows."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def __enter__(self) -> Self:
        self.names = os.listdir(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def _stat(self, name: str) -> tuple[int, int, int]:
        return _identity((self._folder / name).lstat())

    def _read(self, name: str, buffer: memoryview) -> tuple[int, int, int]:
        if (self._folder / name).is_symlink():
            return 0, 0, 0
        with (self._folder / name).open("rb", buffering=0) as file:
            size = file.readinto(buffer) or 0
            identity = _identity(os.fstat(file.fileno()))
        return identity if size == len(buffer) else (size, *identity[1:])


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    """Size, modification time and inode; zeros for what is not a regular file."""
    if not stat.S_ISREG(status.st_mode):
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ino


_HAS_HANDLES = hasattr(os, "readv") and os.open in os.supports_dir_fd
opened_folder = _ByHandle if _HAS_HANDLES else _ByPath
