"""Write files and folders so that nobody ever sees half of one.

What is written comes into being in a folder of its own beside the output (see `staging`), and moves to
its own path in one step. Of several processes that write the same output, the last one wins.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path

from benkit.errors import BenkitError, OutputError, advice_on
from benkit.files.remote.location import Location, LocationLike, RemotePath, as_location
from benkit.files.writing.staging import staging
from benkit.files.writing.transfer import uploading

_NEW, _OLD = "new", "old"


@contextmanager
def replacing(path: Location, *, part_of: Path | None = None) -> Iterator[Path]:
    """Give a temporary path of the same name; when all went well it replaces ``path``.

    When the body raises, what it wrote is removed and an earlier file stays as it was. The file that a
    link leads to is replaced; a remote one is written on this machine and uploaded. An
    `OutputError` names ``part_of``, if it is given.
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
        If the file cannot be written.
    """
    write_text(page, Path(path))


def write_bytes(content: bytes, path: LocationLike) -> None:
    """Write the bytes of a file."""
    with replacing(as_location(path)) as part:
        part.write_bytes(content)


def write_text(text: str | Iterable[str], path: LocationLike) -> None:
    """Write a text, or its parts, in UTF-8; lines end with a line feed on every system."""
    with (
        replacing(as_location(path)) as part,
        part.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines([text] if isinstance(text, str) else text)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a new folder; when all went well it replaces ``path`` with all it holds, as `replacing`."""
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging(path.parent, path.name, before_removal=partial(_bring_back, path)) as stage:
            (stage / _NEW).mkdir()
            yield stage / _NEW
            _swap(stage, path)


def _swap(stage: Path, path: Path) -> None:
    """Replace the old folder by the new one; others may put one there again meanwhile."""
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
    """Put the old folder back where no new one has replaced it."""
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
