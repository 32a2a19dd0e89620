"""The headers of a tar: blocks of 512 bytes before each member, of POSIX (ustar, pax) and of GNU.

Sources: POSIX.1-2017, pax (interchange formats); GNU tar manual, section "Basic Tar Format".
"""

import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from benkit.errors import InputFormatError
from benkit.files.file_kinds import kind_of
from benkit.files.safe_names import printable

BLOCK = 512
"""Bytes of a header, and of what content is padded to."""

_HEADER = struct.Struct("100s24x12s12x8sc100s6s2x80x155s12x")
_SIZE, _CHECKSUM = slice(124, 136), slice(148, 156)
_MODES = {b"2": stat.S_IFLNK, b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"5": stat.S_IFDIR}
_MODES |= {b"6": stat.S_IFIFO, b"1": 0}  # 0: a hard link, which has no content of its own
_REGULAR = (b"0", b"\0", b"7")
_LONG_NAME, _LONG_LINK, _SPARSE, _VOLUME = b"L", b"K", b"S", b"V"
_PAX, _PAX_FOR_ALL = (b"x", b"X"), b"g"
_MOST_OF_A_HEADER = 2**20  # bytes of a long name or of pax records
_EXTENDED, _EXTENDED_AGAIN = 482, 504  # where a sparse header says that another one follows
_HARD_LINK = "a hard link, which is not followed"
_IS_SPARSE = "stored with holes; make the tar again without --sparse"


class TarBreakError(InputFormatError):
    """A tar cannot be read beyond a place; what lies before is whole."""


@dataclass(frozen=True)
class TarMember:
    """A file, folder or other entry of a tar.

    Attributes
    ----------
    name : str
        As it stands in the tar; bytes that are no UTF-8 as lone surrogates.
    size : int
        Bytes of content that follow the header.
    why_closed : str or None
        What it is, where it is neither a regular file nor a folder.
    is_folder : bool
    position : int
        Where its content begins in the tar.
    """

    name: str
    size: int
    why_closed: str | None
    is_folder: bool
    position: int

    @property
    def parts(self) -> list[str] | None:
        """The way to it below the folder where it would be unpacked; None if it leads elsewhere.

        Of an absolute name without the ``/`` at its beginning, as tar itself unpacks it.
        """
        parts = [part for part in self.name.split("/") if part not in ("", ".")]
        return None if ".." in parts or "\0" in self.name else parts


@dataclass
class HeaderReader:
    """Reads header after header, and remembers what headers of headers say.

    Parameters
    ----------
    take : callable
        Gives so many of the next bytes of the tar.
    """

    take: Callable[[int], memoryview]
    _of_all: dict[bytes, bytes] = field(default_factory=dict)

    def next(self, position: int) -> TarMember | None:
        """The next member, whose header begins at a position; None at a block of zeros.

        Raises
        ------
        TarBreakError
            If what stands there is no header.
        """
        own: dict[bytes, bytes] = {}
        long_name = None
        begin = position
        while True:
            block = bytes(self.take(BLOCK))
            position += BLOCK
            if begin == position - BLOCK and not any(block):
                return None
            name, _, _, kind, _, magic, prefix = _fields(block, position - BLOCK)
            size = _number(block[_SIZE], position - BLOCK)
            if kind in (_LONG_NAME, _LONG_LINK, _PAX_FOR_ALL, *_PAX):
                content = self._content(size, position)
                position += padded(size)
                if kind == _LONG_NAME:
                    long_name = content.partition(b"\0")[0]
                elif kind in _PAX:
                    own |= _records(content, position)
                elif kind == _PAX_FOR_ALL:
                    self._of_all |= _records(content, position)
                continue
            if kind == _SPARSE:
                position += self._skip_extended(block)
            text = _text(name)
            if magic == b"ustar\0" and (before := _text(prefix)):
                text = before + b"/" + text
            return _member(kind, text if long_name is None else long_name, size,
                           self._of_all | own, position)  # fmt: skip

    def _content(self, size: int, position: int) -> bytes:
        if size > _MOST_OF_A_HEADER:
            raise TarBreakError(f"the header at byte {position - BLOCK:,} claims {size:,} bytes")
        return bytes(self.take(padded(size))[:size])

    def _skip_extended(self, block: bytes) -> int:
        """Take the further headers of a sparse file; returns their bytes."""
        skipped, more = 0, block[_EXTENDED]
        while more:
            more = self.take(BLOCK)[_EXTENDED_AGAIN]
            skipped += BLOCK
        return skipped


def size_of_member(before: bytes) -> int:
    """Bytes of the regular file before whose content its header stands; -1 if there is none."""
    try:
        fields = _fields(before[-BLOCK:], 0)
        return _number(fields[1], 0) if fields[3] in _REGULAR else -1
    except TarBreakError:
        return -1


def padded(size: int) -> int:
    """Bytes that content of a size takes in a tar."""
    return -(-size // BLOCK) * BLOCK


def _fields(block: bytes, position: int) -> tuple[bytes, ...]:
    """Name, size, checksum, kind, link, magic and prefix of a header, whose checksum is right."""
    found = _HEADER.unpack(block)
    stated = _number(block[_CHECKSUM], position)
    blank = sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ")
    if stated != blank and stated != blank - 256 * sum(byte > 127 for byte in block):
        raise TarBreakError(f"the header at byte {position:,} is damaged: its checksum is another")
    return found


def _number(digits: bytes, position: int) -> int:
    """A number in octal digits, or, if it is large, in the base 256."""
    text = digits.rstrip(b"\0 ").lstrip(b" ")
    if text.isdigit() and max(text) < ord("8"):
        return int(text, 8)
    if digits[0] == 0x80:
        return int.from_bytes(digits[1:], "big")
    if text:
        raise TarBreakError(f"the header at byte {position:,} is damaged: a number in it is none")
    return 0


def _records(content: bytes, position: int) -> dict[bytes, bytes]:
    """The records ``<length> <key>=<value>\\n`` of a pax header."""
    records, rest = {}, content
    while rest.strip(b"\0"):
        length, _, _ = rest.partition(b" ")
        end = int(length) if length.isdigit() and len(length) < 8 else 0
        key, equals, value = rest[len(length) + 1 : end].partition(b"=")
        if not (equals and value.endswith(b"\n") and end <= len(rest)):
            raise TarBreakError(f"the pax header before byte {position:,} is damaged")
        records[key] = value[:-1]
        rest = rest[end:]
    return records


def _text(name: bytes) -> bytes:
    return name.partition(b"\0")[0]


def _member(
    kind: bytes, name: bytes, size: int, records: dict[bytes, bytes], position: int
) -> TarMember:
    name = records.get(b"GNU.sparse.name", records.get(b"path", name))
    if b"size" in records:
        digits = records[b"size"]
        if not (digits.isdigit() and len(digits) < 20):
            raise TarBreakError(f"the pax header before byte {position:,} gives no size")
        size = int(digits)
    text = name.decode("utf-8", "surrogateescape")
    is_folder = kind == b"5" or (kind in _REGULAR and text.endswith("/"))
    why = None
    if kind in _MODES:
        size = 0
        why = None if is_folder else kind_of(_MODES[kind]) if _MODES[kind] else _HARD_LINK
    elif kind == _SPARSE or any(key.startswith(b"GNU.sparse.") for key in records):
        why = _IS_SPARSE
    elif kind not in _REGULAR:
        why = f"of a kind of tar entries that is not read ({printable(kind.decode('latin-1'))})"
    return TarMember(text, size, why, is_folder, position)
