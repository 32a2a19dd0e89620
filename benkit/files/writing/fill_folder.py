"""Let many files appear in a folder at once, beside what is there."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benkit.errors import OutputError
from benkit.files.writing.exchange import can_exchange, exchange
from benkit.files.writing.replace import output_errors
from benkit.files.writing.staging import holding, remove_abandoned, staging

__all__ = ["filling_folder"]

_NEW, _INSTEAD_OF = "new", "instead-of-"


@contextmanager
def filling_folder(path: Path, names: Sequence[str], *, overwrite: bool) -> Iterator[Path]:
    """Give a new folder; when all went well its files appear in ``path``, beside what is there.

    A folder that was not there appears with all files at once. One that was there changes places with
    a new one that also holds, as further links, the other files of the earlier. Where folders cannot
    change places, or there are folders among what is there, the files move one after the other, with
    nobody else's between them.

    Parameters
    ----------
    path : Path
    names : sequence of str
        Of the files that the body writes.
    overwrite : bool
        Whether files that are there may be replaced.

    Raises
    ------
    OutputError
        As in `replacing`; or if a file is there already and may not be replaced.
    """
    with output_errors(path):
        kept = () if overwrite else names
        _require_absent(path, kept)
        target = Path(os.path.realpath(path))
        inside = target.is_dir() and not can_exchange(target)
        parent = target if inside else target.parent
        parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():  # a run that could do otherwise may have been killed
            remove_abandoned(target.parent if inside else target, target.name)
        with staging(parent, target.name, before_removal=partial(_bring_along, target)) as stage:
            new = stage / _NEW
            new.mkdir()
            yield new
            assert sorted(os.listdir(new)) == sorted(names), "every file is there"
            while not _appeared(new, target, names, path, kept):
                pass


def _require_absent(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if (folder / name).exists():
            raise OutputError(
                f"{folder / name}: is there already; allow it to be overwritten or move it"
            )


def _appeared(
    new: Path, target: Path, names: Sequence[str], path: Path, kept: Sequence[str]
) -> bool:
    """Let the files appear; False if another process has put another folder there just now."""
    if not target.exists() and _moved_whole(new, target):
        return True
    before = target.stat()
    with holding(target, wait=True):
        if not os.path.samestat(before, target.stat()):
            return False
        _require_absent(path, kept)
        if not _exchanged(new, target):
            for name in names:
                (new / name).replace(target / name)
    return True


def _moved_whole(new: Path, target: Path) -> bool:
    """Let a folder appear at once, unless another process has been faster."""
    try:
        new.replace(target)
    except OSError:
        if not target.is_dir():
            raise
        return False
    return True


def _exchanged(new: Path, target: Path) -> bool:
    """Let the new folder, with the other files of the earlier, take its place; False if it cannot."""
    if new.is_relative_to(target) or not can_exchange(target):
        return False
    # A new name tells, after a kill, whether the folder under it is still the new one.
    new = new.rename(new.with_name(f"{_INSTEAD_OF}{target.stat().st_ino}"))
    linked = _linked(target, new)
    if linked is None or not exchange(new, target):
        for name in linked or ():
            (new / name).unlink()
        new.rename(new.with_name(_NEW))
        return False
    _bring_along(target, new.parent)
    return True


def _linked(target: Path, new: Path) -> list[str] | None:
    """Give a new folder the files that it lacks, and the looks of the other; None if that fails."""
    linked = []
    try:
        owner = target.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
        for name in sorted(set(os.listdir(target)) - set(os.listdir(new))):
            os.link(target / name, new / name, follow_symlinks=False)
            linked.append(name)
        shutil.copystat(target, new)
    except OSError:  # folders have one name only, and not every file system knows links
        for name in linked:
            (new / name).unlink()
        return None
    return linked


def _bring_along(target: Path, stage: Path) -> None:
    """Move what came into the earlier folder when its files had been linked."""
    for folder in stage.glob(f"{_INSTEAD_OF}*"):
        if folder.name != f"{_INSTEAD_OF}{folder.stat().st_ino}":
            continue
        for name in sorted(set(os.listdir(folder)) - set(os.listdir(target))):
            with suppress(OSError):
                (folder / name).rename(target / name)
