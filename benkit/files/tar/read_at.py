"""Read a file of a plain tar at its place, if it is still there."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from benkit.errors import InputFormatError, MissingInputError, RasterError
from benkit.files.tar.headers import BLOCK, size_of_member

BEFORE = 4 * BLOCK
"""Bytes before the content of a file that hold its name: a header, and a long name of two blocks."""

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_NAME_LENGTH = 100  # bytes of the name in a header
_ENDS, _BEGINS = b"\0\n", b"/=\0"


@dataclass(frozen=True)
class TarContent:
    """A file in a plain tar.

    Attributes
    ----------
    tar : Path
    name : str
        With its folders, as far as they are known.
    position : int
        Where its content begins in the tar.
    """

    tar: Path
    name: str
    position: int

    def __str__(self) -> str:
        """Its path, as if the tar were a folder."""
        return f"{self.tar}/{self.name}"

    def read_bytes(self, at_most: int) -> bytes:
        """All its bytes.

        Raises
        ------
        RasterError
            If these are more than ``at_most``.
        InputFormatError
            If another file is there.
        """
        position = max(0, self.position)
        before = min(BEFORE, position)
        with os.fdopen(open_tar_file(self.tar), "rb", buffering=0) as file:
            file.seek(position - before)
            begin = file.read(before)
            name = self.name.rpartition("/")[2].encode("utf-8", "surrogateescape")
            size = size_of_member(begin) if is_named(begin, name) else -1
            if size > at_most:
                raise RasterError(f"{self}: has {size:,} bytes; expected at most {at_most:,}")
            content = file.read(size) if size >= 0 else b""
        if len(content) != size:
            refuse_changed_tar(self.tar, self.name)
        return content


def open_tar_file(tar: Path) -> int:
    """A handle of a tar."""
    try:
        return os.open(tar, _READ)
    except FileNotFoundError:
        raise MissingInputError(f"{tar}: expected the tar of an archive, but it is gone") from None
    except OSError as error:
        raise InputFormatError(f"{tar}: cannot be opened: {error.strerror}") from None


def is_named(before: bytes | bytearray, name: bytes) -> bool:
    """Whether the blocks before a file's content say that it is a file of this name."""
    found = before.rfind(name)
    if found < 0:
        return False
    start, end = (found - len(before)) % BLOCK, found + len(name)
    whole = start + len(name) == _NAME_LENGTH or before[end] in _ENDS
    return whole and (start == 0 or before[found - 1] in _BEGINS)


def refuse_changed_tar(tar: Path, name: str) -> NoReturn:
    """Refuse a tar in which another file lies where one was scanned."""
    raise InputFormatError(
        f"{tar}: expected {name} where it was scanned, but something else is there: the tar was "
        "changed; scan it again"
    )
