"""Kinds of files: what is no regular file, for messages, and what systems leave beside the data."""

import stat
from contextlib import suppress
from pathlib import Path

LINK = "a link, which is not followed"
"""What is said of a link."""

TABLE_SUFFIXES = (".parquet", ".csv", ".json")
"""How the name of a table that is written may end."""

FEATURE_SUFFIXES = (".geojson", ".gpkg")
"""How the name of a file of features for geographic tools may end, beside that of GeoParquet."""

_KINDS = {
    stat.S_IFLNK: LINK,
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_BEGINNINGS = {
    b"version https://git-lfs.github.com/": "the pointer that Git LFS has put in its place; fetch the "
    "file with `git lfs pull`",
    b"<": "a web page, or other XML; download the file again",
    b"PK\3\4": "a ZIP archive, as workbooks of Excel are; unpack or export it",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel; export it",
    b"BZh": "compressed with bzip2; unpack it",
    b"\xfd7zXZ\0": "compressed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard; unpack it",
    b"ARROW1": "an Arrow (Feather) file",
    b"{": "JSON",
    b"[": "JSON",
}

# Of Windows, macOS (in archives that it has packed), network disks and Linux; others begin with a dot.
_LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini", "$recycle.bin", "system volume information",
                    "__macosx", "@eadir", "#recycle", "lost+found"}  # fmt: skip


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or kept by a system for itself, so that it is no data.

    Whatever looks for data leaves such out; a scan, which says all that is in an archive, names them.

    Examples
    --------
    >>> [is_hidden(name) for name in ("._B02.tif", ".DS_Store", "Thumbs.db", "__MACOSX", "B02.tif")]
    [True, True, True, True, False]
    """
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def other_format(content: bytes) -> str | None:
    """What the bytes of a file are in the place of a table or raster; None if it cannot be told.

    Examples
    --------
    >>> other_format(b"<!doctype html>")
    'a web page, or other XML; download the file again'
    """
    found = (what for start, what in _BEGINNINGS.items() if content.startswith(start))
    return next(found, None)


def kind_of(mode: int) -> str | None:
    """The kind of file that a mode (``st_mode``) tells; None for a regular file.

    Examples
    --------
    >>> kind_of(stat.S_IFIFO | 0o600)
    'a pipe'
    """
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def kind_of_path(path: Path) -> str | None:
    """The same for a path, of which links are not followed; None also where stat fails."""
    with suppress(OSError):
        return kind_of(path.lstat().st_mode)
    return None
