"""How GDAL is told to behave while files are read or written."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["gdal_session"]


@contextmanager
def gdal_session() -> Iterator[None]:
    """Let GDAL look at the files themselves only; around many reads this spares time on each."""
    from rasterio.env import Env, getenv, hasenv

    options = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    if hasenv() and options.items() <= getenv().items():
        yield
        return
    with Env(**options):
        yield
