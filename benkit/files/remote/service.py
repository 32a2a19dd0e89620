"""The interface of services that hold remote files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benkit.errors import RemoteError


class TooLongError(RemoteError):
    """A file has more bytes than are read whole; ``size`` is None if only reading it would tell."""

    def __init__(self, at_most: int, size: int | None, name: str = "") -> None:
        has = "goes on and on" if size is None else f"has {size:,} bytes"
        super().__init__(f"{name}{': ' if name else ''}{has}; expected at most {at_most:,}")
        self.at_most, self.size = at_most, size


@dataclass(frozen=True, order=True)
class Entry:
    """A file or folder in a listing.

    Attributes
    ----------
    name : str
    is_folder : bool
    size : int or None
        Length of a file in bytes, None where the listing does not tell.
    stamp : int or None
        Another number when the file changes; None where the listing does not tell.
    """

    name: str
    is_folder: bool
    size: int | None = None
    stamp: int | None = None


class RemoteFiles(Protocol):
    """Files of one service. Paths are relative to its root, with ``/``, without one at either end.

    Each method makes one try, from any thread, and raises `FileNotFoundError` where there is nothing,
    `PermissionError` where access is denied, `TransientError` where the same request may
    succeed later, `TooLongError` where a file is longer than wanted, and another `OSError` where it
    will not.
    """

    def entries(self, path: str) -> list[Entry]:
        """List a folder."""

    def read(self, path: str, at_most: int) -> tuple[bytes, int | None]:
        """Read a whole file of at most so many bytes; also its stamp, if that comes with it."""

    def stat(self, path: str) -> tuple[int, int | None]:
        """Size and stamp of a file."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder, and not a file or nothing."""

    def refuse_writing(self) -> str | None:
        """Why nothing can be written, None if it can."""

    def write(self, path: str, source: Path) -> None:
        """Write a local file's content; the file is the old one or the new one, never a part."""
