"""Write files and folders so that nobody ever sees half of one.

What is written comes into being in a folder of its own beside the output (see `staging`), and moves to
its place in one step. Of several processes that write the same output, the last one wins.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

from benkit.errors import BenkitError, OutputError, advice_on
from benkit.files.remote.location import Location, RemotePath
from benkit.files.writing.staging import staging
from benkit.files.writing.transfer import uploading

__all__ = ["output_errors", "replacing", "replacing_folder", "write_page"]

_NEW, _OLD = "new", "old"


@contextmanager
def replacing(path: Location, *, part_of: Path | None = None) -> Iterator[Path]:
    """Give a temporary path of the same name; when all went well it replaces ``path``.

    What shall replace a file at a distance is written on this machine and uploaded.

    When the body raises, what it wrote is removed and an earlier file stays as it was.

    Parameters
    ----------
    path : Path
        If it is a link, the file that it leads to is replaced.
    part_of : Path, optional
        The output that errors name, if it is another than the path.

    Raises
    ------
    OutputError
        If the folder cannot be made or written, the disk is full, or the path is that of something
        else than a file.
    """
    if isinstance(path, RemotePath):
        with uploading(path) as part:
            yield part
        return
    with output_errors(part_of or path):
        target = Path(os.path.realpath(path))
        if target.exists() and not target.is_file():
            raise OutputError(
                f"{path}: expected the name of a file to write, but there is something else; "
                "choose another name"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging(target.parent, target.name) as stage:
            yield stage / target.name
            (stage / target.name).replace(target)


def write_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write an HTML page in UTF-8.

    Raises
    ------
    OutputError
        As in `replacing`.
    """
    with replacing(Path(path)) as part:
        part.write_text(page, "utf-8", newline="\n")


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a new folder; when all went well it takes the place of ``path`` with all it holds.

    When the body raises, what it wrote is removed and an earlier folder stays as it was.

    Raises
    ------
    OutputError
        As in `replacing`.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging(path.parent, path.name, before_removal=partial(_bring_back, path)) as stage:
            (stage / _NEW).mkdir()
            yield stage / _NEW
            _take_place(stage, path)


def _take_place(stage: Path, path: Path) -> None:
    """Put the new folder in the place of the old one, which may be put there anew by others."""
    for number in count():
        try:
            (stage / _NEW).replace(path)
        except OSError:
            if not path.is_dir():
                raise
            with suppress(FileNotFoundError):  # somebody else has moved it just now
                path.replace(stage / f"{_OLD}{number}")
        else:
            return


def _bring_back(path: Path, stage: Path) -> None:
    """Put the old folder back where no new one has come into its place."""
    earlier = sorted(stage.glob(f"{_OLD}*"))
    if earlier and not path.exists():
        earlier[-1].replace(path)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn what the system refuses into an error that names the output."""
    try:
        yield
    except BenkitError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; {advice_on(error)}"
        ) from error
