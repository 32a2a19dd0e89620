"""Windows of a raster, read so that memory does not grow with the raster."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.tiff.raster import RasterProfile

BYTES_AT_ONCE = 2**25
"""Most bytes of pixels in memory at a time; but never less than one row."""


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels: first row from the north, first column from the west, and size."""

    row: int
    column: int
    height: int
    width: int

    @property
    def ranges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First row and the one after the last, and the same of columns; a window for rasterio."""
        return (self.row, self.row + self.height), (self.column, self.column + self.width)

    def inside(self, raster: RasterProfile) -> "Window":
        """Its intersection with a raster, perhaps of size 0."""
        return Window(
            self.row,
            self.column,
            max(0, min(self.height, raster.height - self.row)),
            max(0, min(self.width, raster.width - self.column)),
        )

    def profile(self, raster: RasterProfile) -> RasterProfile:
        """Profile of this part of a raster: pixel (r, c) lies where (r + row, c + column) lies."""
        transform = raster.transform
        if transform:
            a, b, _, d, e, _ = transform
            x, y = raster.corner(self.row, self.column)
            transform = (a, b, x, d, e, y)
        return replace(raster, height=self.height, width=self.width, transform=transform)

    def strips(self, bytes_per_pixel: int) -> "Iterator[Window]":
        """Full-width pieces from north to south, each of `BYTES_AT_ONCE` at most."""
        lines = max(1, BYTES_AT_ONCE // (self.width * bytes_per_pixel))
        for first in range(0, self.height, lines):
            height = min(lines, self.height - first)
            yield Window(self.row + first, self.column, height, self.width)

    def moved(self, rows: int, columns: int) -> "Window":
        """The same rectangle further north and west."""
        return Window(self.row - rows, self.column - columns, self.height, self.width)


def pieces(
    parts: Mapping[Window, Path], bytes_per_pixel: int, together: float = math.inf
) -> list[dict[Window, Path]]:
    """Group parts, given row by row, by the piece of the raster in memory that they are cut from.

    A piece is of as many rows of parts as fit ``together`` and `BYTES_AT_ONCE`, in bytes, or of one
    row, or of one part of any size.
    """
    found: list[list[Window]] = []
    for _, group in groupby(parts, key=lambda window: window.row):
        row = list(group)
        if _bytes_of(row, bytes_per_pixel) > BYTES_AT_ONCE:
            found += [[window] for window in row]
        elif found and _bytes_of(found[-1] + row, bytes_per_pixel) <= min(together, BYTES_AT_ONCE):
            found[-1] += row
        else:
            found.append(row)
    return [{window: parts[window] for window in piece} for piece in found]


def _bytes_of(windows: Sequence[Window], bytes_per_pixel: int) -> int:
    """Pixels from the left of the raster to the south-east end of the last window."""
    first, last = windows[0], windows[-1]
    return (last.row + last.height - first.row) * (last.column + last.width) * bytes_per_pixel


class PixelSource(ABC):
    """A raster of which windows can be read."""

    profile: RasterProfile

    @abstractmethod
    def read_inside(self, window: Window) -> NDArray:
        """Pixels of a window that lies in the raster and is not empty: (bands, height, width)."""

    def read(self, window: Window) -> NDArray:
        """Pixels of a window; NO_DATA, or 0, where it leaves the raster to the south or east."""
        inside = window.inside(self.profile)
        if inside == window:
            return self.read_inside(window)
        shape = (self.profile.bands, window.height, window.width)
        pixels = np.full(shape, self.profile.nodata or 0, self.profile.dtype)
        if inside.height and inside.width:
            pixels[:, : inside.height, : inside.width] = self.read_inside(inside)
        return pixels

    def holding(self, windows: Sequence[Window]) -> "PixelSource":
        """The rectangle around several windows, in memory; the raster itself for a single one."""
        if len(windows) == 1:
            return self
        row = min(window.row for window in windows)
        column = min(window.column for window in windows)
        bottom = max(window.row + window.height for window in windows)
        right = max(window.column + window.width for window in windows)
        held = Window(row, column, bottom - row, right - column).inside(self.profile)
        return PixelsInMemory(self.read_inside(held), held, self.profile)


@dataclass(frozen=True)
class PixelsInMemory(PixelSource):
    """The pixels of one window of a raster, in the raster's rows and columns."""

    pixels: NDArray
    held: Window
    profile: RasterProfile

    def read_inside(self, window: Window) -> NDArray:
        """View of the pixels."""
        (top, bottom), (left, right) = window.moved(self.held.row, self.held.column).ranges
        return self.pixels[:, top:bottom, left:right]
