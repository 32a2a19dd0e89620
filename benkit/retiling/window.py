"""Rectangles of a raster, read so that memory does not grow with the raster."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["BYTES_AT_ONCE", "PixelSource", "Window"]

BYTES_AT_ONCE = 2**25
"""Most pixels that are held at a time, in bytes; but never less than one row."""


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels.

    Attributes
    ----------
    row, column : int
        First row from the north and first column from the west.
    height, width : int
        Size in pixels.
    """

    row: int
    column: int
    height: int
    width: int

    def cut(self, height: int, width: int) -> "Window":
        """What of it lies in a raster of this size; perhaps nothing, of size 0."""
        return Window(
            self.row,
            self.column,
            max(0, min(self.height, height - self.row)),
            max(0, min(self.width, width - self.column)),
        )

    def strips(self, bytes_per_pixel: int) -> "Iterator[Window]":
        """Full-width pieces from north to south, each of `BYTES_AT_ONCE` at most."""
        lines = max(1, BYTES_AT_ONCE // (self.width * bytes_per_pixel))
        for first in range(0, self.height, lines):
            height = min(lines, self.height - first)
            yield Window(self.row + first, self.column, height, self.width)

    def moved(self, rows: int, columns: int) -> "Window":
        """The same rectangle further north and west."""
        return Window(self.row - rows, self.column - columns, self.height, self.width)


class PixelSource(ABC):
    """Where the pixels of a raster come from.

    Attributes
    ----------
    shape : (bands, height, width)
        Of the raster.
    dtype : numpy.dtype
        Of the pixels.
    fill : int, float or complex
        Value of pixels that lie beyond the raster.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    fill: complex

    @abstractmethod
    def read_inside(self, window: Window) -> NDArray:
        """Pixels of a window that lies in the raster and is not empty: (bands, height, width)."""

    @property
    def bytes_per_pixel(self) -> int:
        """Of all bands together."""
        return self.shape[0] * self.dtype.itemsize

    def read(self, window: Window) -> NDArray:
        """Pixels of a window, filled where it leaves the raster to the south or east."""
        inside = window.cut(*self.shape[1:])
        if inside == window:
            return self.read_inside(window)
        pixels = np.full((self.shape[0], window.height, window.width), self.fill, self.dtype)
        if inside.height and inside.width:
            pixels[:, : inside.height, : inside.width] = self.read_inside(inside)
        return pixels

    def holding(self, windows: Sequence[Window]) -> "PixelSource":
        """The rectangle that holds several windows, in memory; of a single one the raster itself.

        Windows keep their rows and columns.
        """
        if len(windows) == 1:
            return self
        row = min(window.row for window in windows)
        column = min(window.column for window in windows)
        bottom = max(window.row + window.height for window in windows)
        right = max(window.column + window.width for window in windows)
        return HeldPixels.of(self, Window(row, column, bottom - row, right - column))


@dataclass(frozen=True)
class HeldPixels(PixelSource):
    """Pixels in memory that stand for those of a raster."""

    pixels: NDArray
    place: Window
    shape: tuple[int, int, int]
    dtype: np.dtype
    fill: complex

    @classmethod
    def of(cls, source: PixelSource, window: Window) -> Self:
        """Read a part of a raster."""
        place = window.cut(*source.shape[1:])
        return cls(source.read_inside(place), place, source.shape, source.dtype, source.fill)

    def read_inside(self, window: Window) -> NDArray:
        """View of the pixels."""
        here = window.moved(self.place.row, self.place.column)
        return self.pixels[
            :, here.row : here.row + here.height, here.column : here.column + here.width
        ]
