"""Names of files and folders that come from elsewhere: shown safely, and kept within their folder."""

from benkit.errors import InputFormatError

__all__ = ["printable", "require_single_name"]

_SEPARATORS = ("/", "\\", ":", "\0")


def printable(name: str) -> str:
    r"""A name as text that can be printed and written to any file.

    Control characters, bytes that are no UTF-8, and backslashes are escaped as in Python; different
    names stay different.

    Examples
    --------
    >>> printable("S2A_München"), printable("two\nlines"), printable("\udcff")
    ('S2A_München', 'two\\nlines', '\\udcff')
    """
    if name.isprintable() and "\\" not in name:
        return name
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in name
    )


def require_single_name(name: str) -> str:
    r"""The same name, if it leads to nowhere but to an entry of a folder, on any system.

    Raises
    ------
    InputFormatError
        If it is empty, ``.`` or ``..``, or holds a separator, a colon as of a drive, or a NUL.

    Examples
    --------
    >>> require_single_name("../../etc")
    Traceback (most recent call last):
    benkit.errors.InputFormatError: '../../etc' is no name of a folder: expected one without / \ and :
    """
    if name in ("", ".", "..") or any(text in name for text in _SEPARATORS):
        raise InputFormatError(f"{name!r} is no name of a folder: expected one without / \\ and :")
    return name
