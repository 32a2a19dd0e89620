"""Write files so that nobody ever sees half of one."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benkit.errors import BenkitError, OutputError
from benkit.io.location import Location, Place
from benkit.io.uploads import uploading

__all__ = ["replacing", "replacing_folder"]


@contextmanager
def replacing(path: Place) -> Iterator[Path]:
    """Give a temporary path in the same folder; when all went well it replaces ``path``.

    What shall replace a file at a distance is written on this machine and uploaded.

    When the body raises, what it wrote is removed and an earlier file stays as it was.

    Raises
    ------
    OutputError
        If the folder cannot be made or written, or the disk is full.
    """
    if isinstance(path, Location):
        with uploading(path) as part:
            yield part
        return
    part = _beside(path)
    with _output_errors(path):
        if not path.parent.is_dir():  # mkdir would raise for each of many files
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside ``path``; when all went well it takes its place with all it holds.

    When the body raises, what it wrote is removed and an earlier folder stays as it was.

    Raises
    ------
    OutputError
        As in `replacing`.
    """
    part, old = _beside(path), _beside(path)
    with _output_errors(path):
        part.mkdir(parents=True)
        try:
            yield part
            if path.exists():
                path.replace(old)
            part.replace(path)
        finally:
            if old.exists() and not path.exists():
                old.replace(path)
            for folder in (part, old):
                shutil.rmtree(folder, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except BenkitError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; "
            "check that the folder can be written and that the disk has room"
        ) from error
