"""Where an export may be written."""

import os

from benkit.errors import OutputError
from benkit.files.remote.location import Location, RemotePath
from benkit.files.writing.resume_remote import require_unwritten

LEFT_OUT = "left_out.csv"
"""Name of the list of patches that are left out, by which an export is known."""


def require_replaceable(target: Location, overwrite: bool) -> None:
    """Refuse an output that is there, unless it is an earlier export on this machine to be replaced."""
    if isinstance(target, RemotePath):
        require_unwritten(target, LEFT_OUT)
        return
    if not target.exists() or (target.is_dir() and not os.listdir(target)):
        return
    if not target.is_dir():
        raise OutputError(f"{target}: expected the name of a folder, but there is something else")
    if not overwrite:
        raise OutputError(
            f"{target}: is there already; allow it to be overwritten (--overwrite), or move it"
        )
    if not (target / LEFT_OUT).is_file():
        raise OutputError(
            f"{target}: holds something else than an export, which is not replaced; "
            "choose another folder"
        )


def require_apart(target: Location, root: Location) -> None:
    """Refuse an output that holds the archive, or lies in it."""
    one, other = (f"{place.resolve()}/".replace("//", "/") for place in (target, root))
    if one.startswith(other) or other.startswith(one):
        raise OutputError(
            f"{target}: expected a folder apart from the archive {root}, but one holds the other; "
            "choose another folder"
        )


def require_one_disk(target: Location, root: Location) -> None:
    """Refuse to link where only copies are possible."""
    if isinstance(target, RemotePath):
        raise OutputError(f"{target}: files in a bucket are copies; say --copy to upload them")
    there = target.absolute()
    while not there.exists():
        there = there.parent
    if isinstance(root, RemotePath) or root.stat().st_dev != there.stat().st_dev:
        raise OutputError(
            f"{target}: lies on another disk than {root}, where files cannot be linked; say --copy to "
            "copy them, or choose a folder on the same disk"
        )
