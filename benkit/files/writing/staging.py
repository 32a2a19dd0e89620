"""Folders in which outputs are made, and which do not outlive their process for long.

A process that is killed cannot tidy up. So it holds a lock on its folder, which ends with the process
however that ends; who makes the next folder under the same name removes those that nobody holds.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and what a killed process left stays
    fcntl = None  # type: ignore[assignment]

_FOR_EVERYONE, _FOR_ITS_USER = 0o777, 0o700
_RANDOM_DIGITS = 8


@contextmanager
def holding(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Lock a folder for this caller, also against others in this process.

    If somebody else holds it, that is a `BlockingIOError` unless we shall wait. On file systems without
    locks nobody is kept out.
    """
    handle = _lock(folder, wait)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _lock(folder: Path, wait: bool = False) -> int | None:
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:  # a file system without locks
        os.close(handle)
        return None
    return handle


@contextmanager
def staging(
    parent: Path,
    name: str,
    *,
    mode: int = _FOR_EVERYONE,
    before_removal: Callable[[Path], None] = lambda folder: None,
) -> Iterator[Path]:
    """Give a new, empty folder ``<parent>/.<name>.<random>.part``, removed when the block ends.

    Those that killed processes left under the same name are removed first. ``before_removal`` is called
    with each folder that is about to be removed, to rescue what is in it.
    """
    remove_abandoned(parent, name, before_removal)
    folder, handle = _make(parent, name, mode)
    try:
        yield folder
    finally:
        before_removal(folder)
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder for what nobody needs after the block, where this machine keeps temporary files."""
    with staging(Path(tempfile.gettempdir()), "benkit", mode=_FOR_ITS_USER) as folder:
        yield folder


def _make(parent: Path, name: str, mode: int) -> tuple[Path, int | None]:
    while True:
        folder = parent / f".{name}.{secrets.token_hex(_RANDOM_DIGITS // 2)}.part"
        folder.mkdir(mode)
        with suppress(BlockingIOError, FileNotFoundError):  # taken for abandoned before the lock
            handle = _lock(folder)
            if handle is None or os.path.samestat(os.fstat(handle), folder.stat()):
                return folder, handle


def remove_abandoned(
    parent: Path, name: str, before_removal: Callable[[Path], None] = lambda folder: None
) -> None:
    """Remove what killed processes have left of `staging` under a name."""
    if fcntl is None:
        return
    for folder in sorted(parent.glob(f".{escape(name)}.{'?' * _RANDOM_DIGITS}.part")):
        with suppress(OSError):
            handle = _lock(folder)
            if handle is None:  # nobody can tell
                continue
            try:
                before_removal(folder)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
