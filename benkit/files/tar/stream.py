"""Read a tar once, from its beginning to its end, in large pieces; nothing is extracted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa

from benkit.errors import InputFormatError, MissingInputError, first_line
from benkit.files.file_kinds import kind_of, other_format
from benkit.files.remote.location import Location, RemotePath
from benkit.files.safe_names import printable
from benkit.files.tar.headers import BLOCK, HeaderReader, TarBreakError, TarMember, padded

_PIECE = 2**23  # bytes that are read at once
_STEP = 2**12  # the same where content is skipped
_CODECS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
_ADVICE = "download or make it again"
TAR_SUFFIXES = (".tar", ".tar.zst", ".tzst", ".tar.gz", ".tgz")
"""How the name of a tar that is read may end."""


class TarStream:
    """The members of a tar, one after the other.

    Attributes
    ----------
    position : int
        How many bytes were read, of those that the tar has unpacked.
    size : int
        Of the file, in bytes.
    is_packed : bool
        Whether the tar is compressed, so that nothing can be found in it by its position.
    """

    def __init__(
        self, raw: Any, name: str, size: int, unpacked: Any = None, *, hop: bool = False
    ) -> None:
        self.name, self.size, self.is_packed = name, size, unpacked is not None
        self.position = 0
        self._raw, self._file, self._hop = raw, unpacked or raw, hop
        self._buffer = memoryview(bytearray(_STEP if hop else _PIECE))
        self._start = self._end = 0
        self._is_unreadable = False

    def members(self) -> Iterator[TarMember]:
        """All members; the content of each can be read until the next one is asked for.

        Tars that follow one another are read as one. A `TarBreakError` names the tar, and where it
        cannot be read on.
        """
        reader = HeaderReader(self.take)
        zeros = count = 0
        try:
            while not zeros or self._more():
                member = reader.next(self.position)
                if member is None:
                    zeros += 1
                    continue
                zeros, count = 0, count + 1
                self._require_room(member)
                yield member
                self._skip(member.position + padded(member.size) - self.position)
        except TarBreakError as error:
            if not (count or zeros or self._is_unreadable):
                self._refuse_no_tar()
            raise self._named(error) from None

    def content(self, member: TarMember) -> memoryview:
        """All bytes of the member that was given last, valid until the next is asked for."""
        try:
            return self.take(member.size)
        except TarBreakError as error:
            raise self._named(error) from None

    def _named(self, error: TarBreakError) -> TarBreakError:
        return TarBreakError(f"{self.name}: expected a whole tar, but {error}; {_ADVICE}")

    def done(self) -> int:
        """How many bytes of the file were read."""
        return int(self._raw.tell())

    def take(self, size: int) -> memoryview:
        """So many of the next bytes; a `TarBreakError` if the tar ends before."""
        if size > len(self._buffer):
            grown = memoryview(bytearray(padded(size) + _PIECE))
            grown[: self._end - self._start] = self._buffer[self._start : self._end]
            self._buffer, self._start, self._end = grown, 0, self._end - self._start
        while self._end - self._start < size:
            if not self._more(size):
                raise self._ended()
        found = self._buffer[self._start : self._start + size]
        self._start += size
        self.position += size
        return found

    def _ended(self) -> TarBreakError:
        end = self.position + self._end - self._start
        return TarBreakError(f"it ends in the middle, after {end:,} bytes")

    def _more(self, size: int = 1) -> bool:
        """Whether so many bytes are there, of which one more piece is read if need be."""
        have = self._end - self._start
        if have >= size:
            return True
        if self._start + size > len(self._buffer) or not have:
            self._buffer[:have] = self._buffer[self._start : self._end]
            self._start, self._end = 0, have
        # what is read together with an error is lost: of a packed tar no more than is wanted
        room = self._buffer[self._end :][: size - have if self.is_packed else None]
        try:
            read = self._file.readinto(room)
        except (OSError, pa.ArrowException) as error:
            self._is_unreadable = True
            reason = first_line(error)
            if "too much memory" in reason:
                raise InputFormatError(
                    f"{self.name}: is packed with a window of more than 128 MB, which is not read; "
                    "unpack it with zstd -d --long=31"
                ) from None
            after = f"after {self.position + have:,} bytes" + " unpacked" * self.is_packed
            raise TarBreakError(f"it cannot be read {after} ({reason})") from None
        self._end += read
        return bool(read)

    def _skip(self, size: int) -> None:
        """Leave out so many bytes, or all that are left."""
        have = self._end - self._start
        if self._hop and size > have:
            self._start = self._end = 0
            self._file.seek(size - have, os.SEEK_CUR)
            self.position += size
            return
        while size > 0 and (have or self._more(min(size, len(self._buffer)))):
            step = min(size, self._end - self._start)
            self._start += step
            self.position += step
            size -= step
            have = self._end - self._start

    def _require_room(self, member: TarMember) -> None:
        if not self.is_packed and member.position + member.size > self.size:
            raise TarBreakError(
                f"it ends in the middle, after {self.size:,} bytes, where "
                f"{printable(member.name)} has {member.size:,} bytes from byte {member.position:,}"
            )

    def _refuse_no_tar(self) -> NoReturn:
        begin = bytes(self._buffer[: min(self._end, BLOCK)])
        what = other_format(begin.lstrip()) if begin else "empty"
        if begin and not what:
            what = "something else, or damaged from the beginning"
        raise InputFormatError(
            f"{self.name}: expected the tar of an archive, but it is {what}"
        ) from None


@contextmanager
def open_tar(path: Path, *, hop: bool = False) -> Iterator[TarStream]:
    """Open a tar, which may be packed with zstd or gzip.

    Parameters
    ----------
    hop : bool
        Whether to leap over what is not asked for, to look at names alone; else all is read.
    """
    try:
        mode, size = path.stat().st_mode, path.stat().st_size
        if kind := kind_of(mode):  # opening a pipe would never end
            raise InputFormatError(f"{path}: expected the tar of an archive, but it is {kind}")
        with path.open("rb", buffering=0) as file:
            begin = file.read(4)
            codec = next(
                (codec for magic, codec in _CODECS.items() if begin.startswith(magic)), None
            )
            file.seek(0)
            if codec is None:
                if not hop and hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
                yield TarStream(file, str(path), size, hop=hop)
                return
            with pa.CompressedInputStream(pa.PythonFile(file, "r"), codec) as unpacked:
                yield TarStream(file, str(path), size, unpacked)
    except FileNotFoundError:
        raise MissingInputError(f"{path}: expected a tar, but there is nothing") from None


def is_tar(where: Location) -> bool:
    """Whether a location is named like a tar, packed or not, and is no folder."""
    named = where.name.lower().endswith(TAR_SUFFIXES)
    return named and (isinstance(where, RemotePath) or not where.is_dir())


def require_local(where: Location) -> Path:
    """The path of a tar on this machine; one elsewhere is refused."""
    if isinstance(where, RemotePath):
        raise InputFormatError(
            f"{where}: expected a tar on this machine, but it is remote; download it first: it is read "
            "without being unpacked"
        )
    return where
