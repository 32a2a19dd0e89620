"""Write pages."""

import os
from pathlib import Path

from benkit.files.writing.replace import replacing

__all__ = ["write_page"]


def write_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write an HTML page in UTF-8; it appears, or replaces an earlier one, as a whole.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with replacing(Path(path)) as part:
        part.write_text(page, "utf-8", newline="\n")
