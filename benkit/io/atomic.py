"""Write files so that nobody ever sees half of one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benkit.errors import BenkitError, OutputError

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; when all went well it replaces ``path``.

    When the body raises, what it wrote is removed and an earlier file stays as it was.

    Raises
    ------
    OutputError
        If the folder cannot be made or written, or the disk is full.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except BenkitError:
        raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; "
            "check that the folder can be written and that the disk has room"
        ) from error
