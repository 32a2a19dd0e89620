"""Let two folders change places in one step, so that nobody ever finds neither."""

import os
import sys
from pathlib import Path

__all__ = ["can_exchange", "exchange"]

_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux, see rename(2)
_MOUNTS = Path("/proc/self/mountinfo")


def can_exchange(path: Path) -> bool:
    """Whether a folder may change places with one beside it.

    Not if it is the top of a file system, if its parent cannot be written, or if this process stands in
    it: whoever does stays in the folder that goes.
    """
    if sys.platform != "linux":
        return False
    try:
        mounts = [line.split()[4] for line in _MOUNTS.read_text("utf-8", "replace").splitlines()]
        return (
            os.access(path.parent, os.W_OK | os.X_OK)
            and path.stat().st_dev == path.parent.stat().st_dev
            and str(path).replace(" ", "\\040") not in mounts
            and not Path(os.path.realpath(Path.cwd())).is_relative_to(path)
        )
    except OSError:
        return False


def exchange(one: Path, other: Path) -> bool:
    """Let two folders of a file system change places; returns whether they did.

    Linux and most of its file systems can do that, others cannot.
    """
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    failed = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return not failed
