"""Read what pages are made of, and write pages."""

import os
from importlib.resources import files
from pathlib import Path

from benkit.io.atomic import replacing

__all__ = ["read_asset", "write_page"]


def read_asset(name: str) -> str:
    """A style sheet or script of ours, as text."""
    return files("benkit.report").joinpath("assets", name).read_text("utf-8")


def write_page(page: str, path: str | os.PathLike[str]) -> None:
    """Write an HTML page in UTF-8; it appears, or replaces an earlier one, as a whole.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    with replacing(Path(path)) as part:
        part.write_text(page, "utf-8", newline="\n")
