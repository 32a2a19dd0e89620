"""Cut a plain GeoTIFF into plain GeoTIFFs without GDAL, byte for byte as GDAL would write them.

For what is plain see `benkit.tiff.plain`. A whole Sentinel-2 band becomes thousands of small files;
opening each with GDAL takes many times as long as writing its bytes.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import FileIO
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from benkit.errors import OutputError, RasterError
from benkit.retiling.window import PixelSource, Window
from benkit.tiff.plain import PlainHeader, encode_header, parse_header
from benkit.tiff.raster import RasterProfile

_SIDE_FILES = (".aux.xml", ".msk")  # in which GDAL keeps what is not in the file itself
_LONGEST_SIDE = 65_535


class PlainSource(PixelSource):
    """The pixels of a plain file, read from disk window by window, also by several threads."""

    lacks = ""

    def __init__(self, path: Path, file: FileIO, header: PlainHeader) -> None:
        self.path = path
        self.file = file
        self.lock = Lock()
        self.header = header
        self.profile = header.profile

    @property
    def pixel_metres(self) -> tuple[float, float] | None:
        """Height and width of a pixel on the ground."""
        side = self.profile.pixel_size
        return None if side is None else (side, side)

    def read_inside(self, window: Window) -> NDArray:
        """Read whole rows at once, as their bytes follow each other, and parts of rows one by one."""
        pixels = np.empty((1, window.height, window.width), self.profile.dtype)
        itemsize, width = self.profile.bytes_per_pixel, self.profile.width
        start = self.header.pixel_offset + (window.row * width + window.column) * itemsize
        with self.lock:
            for i, line in enumerate(pixels if window.width == width else pixels[0]):
                self.file.seek(start + i * width * itemsize)
                self._fill(memoryview(line.view(np.uint8)).cast("B"))
        return pixels

    def _fill(self, content: memoryview) -> None:
        while content:
            count = self.file.readinto(content)
            if not count:
                raise RasterError(f"{self.path}: became shorter while it was read")
            content = content[count:]


@contextmanager
def opened_plain(path: Path) -> Iterator[PlainSource | None]:
    """Open a raster if it is a plain file and all that describes it stands in it; else None."""
    file = None
    if path.is_file() and not any(Path(f"{path}{suffix}").exists() for suffix in _SIDE_FILES):
        with suppress(OSError):  # GDAL will say why
            file = path.open("rb", buffering=0)
    with file or nullcontext():
        yield _recognised(path, file) if file else None


def _recognised(path: Path, file: FileIO) -> PlainSource | None:
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            with memoryview(mapped) as content:
                header = parse_header(content)
    except (OSError, ValueError):  # an empty file, or none that can be mapped
        return None
    return PlainSource(path, file, header) if header and header.can_be_encoded else None


def fits_plain(window: Window) -> bool:
    """Whether a plain file can be as high and wide as a window."""
    return max(window.height, window.width) <= _LONGEST_SIDE


def write_plain_part(
    pixels: PixelSource, window: Window, target: Path, like: RasterProfile
) -> None:
    """Write a window of one band as a plain file, and verify it.

    The window may leave the raster to the south and east; the profile is that of the raster as a plain
    file has it. Raises `OutputError` if it does not read back the same, `OSError` if it cannot be
    written.
    """
    header = encode_header(window.profile(like))
    with target.open("w+b", buffering=0) as file:
        start = 0
        for strip in window.strips(like.bytes_per_pixel):
            content = header + pixels.read(strip).tobytes()
            _write(file, content)
            file.seek(start)
            if file.read(len(content) + 1) != content:
                raise OutputError(
                    f"{target.name}: was written, but reads back differently; check the disk"
                )
            start += len(content)
            header = b""  # stands before the first strip only


def _write(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # an unbuffered file may take a part of it at a time
        rest = rest[file.write(rest) :]
