"""Let many files appear in a folder beside what is there."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benkit.errors import OutputError
from benkit.files.writing.replace import output_errors
from benkit.files.writing.staging import holding, remove_abandoned, staging


@contextmanager
def filling_folder(path: Path, names: Sequence[str], *, overwrite: bool) -> Iterator[Path]:
    """Give a new folder; when all went well its files appear in ``path``, beside what is there.

    A folder that was not there appears with all files at once. Into one that was there they move one
    after the other, with nobody else's between them; each replaces an earlier one as a whole.

    ``names`` are the files that the body writes; without ``overwrite`` one that is there already is an
    `OutputError`.
    """
    with output_errors(path):
        kept = () if overwrite else names
        _require_absent(path, kept)
        target = Path(os.path.realpath(path))
        parent = target if target.is_dir() else target.parent
        parent.mkdir(parents=True, exist_ok=True)
        if parent == target:  # a run that made the folder may have been killed
            remove_abandoned(target.parent, target.name)
        with staging(parent, target.name) as stage:
            new = stage / "new"
            new.mkdir()
            yield new
            assert all((new / name).is_file() for name in names), "every file is there"
            if not _moved_whole(new, target):
                with holding(target, wait=True):
                    _require_absent(path, kept)
                    for name in names:
                        (new / name).replace(target / name)


def _require_absent(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if (folder / name).exists():
            raise OutputError(
                f"{folder / name}: is there already; allow it to be overwritten or move it"
            )


def _moved_whole(new: Path, target: Path) -> bool:
    """Let a folder appear at once, unless there is one: another process may have been faster."""
    if target.is_dir():
        return False
    try:
        new.replace(target)
    except OSError:
        if not target.is_dir():
            raise
        return False
    return True
