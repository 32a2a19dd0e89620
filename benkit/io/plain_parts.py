"""Cut a plain GeoTIFF into plain GeoTIFFs without GDAL, byte for byte as GDAL would write them.

For what is plain see `benkit.io.plain_tiff`. A whole Sentinel-2 band becomes thousands of small files;
opening each with GDAL takes many times as long as writing its bytes.
"""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from benkit.errors import OutputError, RasterError
from benkit.io.atomic import replacing
from benkit.io.plain_tiff import PlainHeader, corner_of, encode_header, parse_header
from benkit.io.raster_windows import PixelSource, Window

__all__ = ["PlainSource", "fits_plain", "opened_plain", "write_plain_part"]

_SIDE_FILES = (".aux.xml", ".msk")  # in which GDAL keeps what does not stand in the file itself
_LONGEST_SIDE = 65_535


class PlainSource(PixelSource):
    """The pixels of a plain file, read from disk window by window."""

    def __init__(
        self, path: Path, file: BinaryIO, header: PlainHeader, corner: tuple[float, float]
    ) -> None:
        self.path = path
        self.file = file
        self.header = header
        self.corner = corner
        self.shape = (1, header.height, header.width)
        self.dtype = header.dtype
        self.fill = header.nodata or 0

    def read_inside(self, window: Window) -> NDArray:
        """Read the rows of a window, whose bytes follow each other, and cut out its columns."""
        row = self.header.width * self.dtype.itemsize
        pieces = []
        for strip in Window(window.row, 0, window.height, self.header.width).strips(
            self.dtype.itemsize
        ):
            self.file.seek(self.header.pixel_offset + strip.row * row)
            content = self.file.read(strip.height * row)
            if len(content) != strip.height * row:
                raise RasterError(f"{self.path}: became shorter while it was read")
            rows = np.frombuffer(content, self.dtype).reshape(1, strip.height, -1)
            pieces.append(rows[:, :, window.column : window.column + window.width])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)


@contextmanager
def opened_plain(path: Path) -> Iterator[PlainSource | None]:
    """Open a raster if it is a plain file and all that describes it stands in it; else None."""
    if not path.is_file() or any(Path(f"{path}{suffix}").exists() for suffix in _SIDE_FILES):
        yield None
        return
    try:
        file = path.open("rb", buffering=0)
    except OSError:  # GDAL will say why
        yield None
        return
    with file:
        yield _recognised(path, file)


def _recognised(path: Path, file: BinaryIO) -> PlainSource | None:
    try:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            with memoryview(mapped) as content:
                header = parse_header(content)
                corner = corner_of(content, header) if header else (0.0, 0.0)
    except (OSError, ValueError):  # an empty file, or none that can be mapped
        return None
    return PlainSource(path, file, header, corner) if header else None


def fits_plain(window: Window) -> bool:
    """Whether a plain file can be as high and wide as a window."""
    return max(window.height, window.width) <= _LONGEST_SIDE


def write_plain_part(
    pixels: PixelSource, window: Window, target: Path, like: PlainHeader, corner: Sequence[float]
) -> None:
    """Write a window of a raster as a plain file, and verify it.

    Parameters
    ----------
    pixels : PixelSource
        One band.
    window : Window
        May leave the raster to the south and east.
    target : Path
    like : PlainHeader
        Data type, NO_DATA value, UTM zone and pixel size.
    corner : (x, y)
        Upper-left corner of the raster.

    Raises
    ------
    OutputError
        If it cannot be written or does not read back the same.
    """
    x = corner[0] + window.column * like.pixel_size
    y = corner[1] - window.row * like.pixel_size
    header = encode_header(
        window.height,
        window.width,
        like.dtype,
        epsg=like.epsg,
        x=x,
        y=y,
        pixel_size=like.pixel_size,
        nodata=like.nodata,
    )
    with replacing(target) as part, part.open("w+b", buffering=0) as file:
        _write(file, header, pixels, window)
        file.seek(0)
        _verify(file, target, header, pixels, window)


def _write(file: BinaryIO, header: bytes, pixels: PixelSource, window: Window) -> None:
    rest = memoryview(header)
    for strip in window.strips(pixels.bytes_per_pixel):
        rest = memoryview(b"".join((rest, pixels.read(strip).tobytes())))
        while rest:  # an unbuffered file may take a part of it at a time
            rest = rest[file.write(rest) :]


def _verify(
    file: BinaryIO, target: Path, header: bytes, pixels: PixelSource, window: Window
) -> None:
    """Hold the file against the header, whose meaning `encode_header` vouches for, and the pixels."""
    if file.read(len(header)) != header:
        raise OutputError(_DIFFERS.format(target, "header"))
    for strip in window.strips(pixels.bytes_per_pixel):
        expected = pixels.read(strip).tobytes()
        if file.read(len(expected)) != expected:
            raise OutputError(_DIFFERS.format(target, "pixels"))
    if file.read(1):
        raise OutputError(_DIFFERS.format(target, "length"))


_DIFFERS = "{}: was written, but its {} read back differently; check the disk"
