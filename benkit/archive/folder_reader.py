"""A folder that is held open while its files are looked at or read into buffers.

No link is followed and no pipe waited for.
"""

import os
import stat
from pathlib import Path
from typing import Self

__all__ = ["opened_folder"]

# A link must not be followed, and a pipe among the files not be waited for.
_CLOSED = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
_READ = _CLOSED | getattr(os, "O_NONBLOCK", 0)


class _ByHandle:
    """A folder whose files are opened relative to it, which spares the system long paths."""

    def __init__(self, folder: str) -> None:
        self._handle = os.open(folder, _CLOSED)

    def __enter__(self) -> Self:
        self.names = os.listdir(self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def read(self, name: str, buffer: memoryview | None) -> tuple[int, int, int]:
        """Read a file into a buffer, if one is given; returns its size and when and what it is.

        The size is -1 where the file has vanished and 0 where it cannot be read. A file that is
        longer than the buffer leaves nothing useful in it.
        """
        try:
            if buffer is None:
                return _facts(os.stat(name, dir_fd=self._handle, follow_symlinks=False))
            handle = os.open(name, _READ, dir_fd=self._handle)
        except FileNotFoundError:
            return -1, 0, 0
        except OSError:
            return 0, 0, 0
        try:
            size = os.readv(handle, (buffer,))
            status = os.fstat(handle)
        except OSError:
            return 0, 0, 0
        finally:
            os.close(handle)
        facts = _facts(status)
        return facts if size == len(buffer) else (size, *facts[1:])


class _ByPath(_ByHandle):
    """The same for systems without handles of folders, such as Windows."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def __enter__(self) -> Self:
        self.names = os.listdir(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, name: str, buffer: memoryview | None) -> tuple[int, int, int]:
        try:
            if buffer is None:
                return _facts((self._folder / name).lstat())
            if (self._folder / name).is_symlink():
                return 0, 0, 0
            with (self._folder / name).open("rb", buffering=0) as file:
                size = file.readinto(buffer) or 0
                facts = _facts(os.fstat(file.fileno()))
                return facts if size == len(buffer) else (size, *facts[1:])
        except FileNotFoundError:
            return -1, 0, 0
        except OSError:
            return 0, 0, 0


def _facts(status: os.stat_result) -> tuple[int, int, int]:
    """Size, time of modification and identity; nothing of what is no regular file."""
    if not stat.S_ISREG(status.st_mode):
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ino


_HAS_HANDLES = hasattr(os, "readv") and os.open in os.supports_dir_fd
opened_folder = _ByHandle if _HAS_HANDLES else _ByPath
