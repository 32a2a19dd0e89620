"""What a file system at a distance can do, whoever serves it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Entry", "RemoteFiles"]


@dataclass(frozen=True, order=True)
class Entry:
    """Something in a folder.

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
    `PermissionError` where access is denied, `benkit.io.patience.PassingError` where the same request
    may succeed later, and another `OSError` where it will not.
    """

    def entries(self, path: str) -> list[Entry]:
        """List a folder."""

    def read(self, path: str) -> tuple[bytes, int | None]:
        """Read a whole file; its content and its stamp, if that comes with it."""

    def look(self, path: str) -> tuple[int, int | None]:
        """Size and stamp of a file."""

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder, and not a file or nothing."""

    def is_file(self, path: str) -> bool:
        """Whether there is a file, and not a folder or nothing."""

    def refuse_writing(self) -> str | None:
        """Why nothing can be written, None if it can."""

    def write(self, path: str, source: Path) -> None:
        """Write a local file's content; the file is the old one or the new one, never a part."""
