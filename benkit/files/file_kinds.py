"""Kinds of files, for messages about what is no regular file."""

import stat
from contextlib import suppress
from pathlib import Path

_KINDS = {
    stat.S_IFLNK: "a link, which is not followed",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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
