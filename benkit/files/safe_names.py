"""Names of files and folders that come from elsewhere: shown safely, and kept within their folder."""

from collections.abc import Sequence

from benkit.errors import InputFormatError

_MOST, _LONGEST = 20, 60
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


def some_names(names: Sequence[str]) -> str:
    """Names with commas between them, of very many the first, for messages.

    Examples
    --------
    >>> some_names(["patch_id", "labels"]), some_names([])
    ('patch_id, labels', 'nothing')
    """
    shown = ", ".join(printable(name[:_LONGEST]) for name in names[:_MOST])
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return f"{shown}{more}" or "nothing"


def one_line(text: str) -> str:
    r"""A text as one line without control characters.

    Examples
    --------
    >>> one_line("two\nlines")
    'two\\nlines'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def require_single_name(name: str) -> str:
    r"""The same name; an `InputFormatError` if it leads out of a folder on any system.

    Such are ``.``, ``..`` and names with a separator, a colon as of a drive, or a NUL.

    Examples
    --------
    >>> require_single_name("../../etc")
    Traceback (most recent call last):
    benkit.errors.InputFormatError: '../../etc' is no name of a folder: expected one without / \ and :
    """
    if name in ("", ".", "..") or any(text in name for text in _SEPARATORS):
        raise InputFormatError(f"{name!r} is no name of a folder: expected one without / \\ and :")
    return name
