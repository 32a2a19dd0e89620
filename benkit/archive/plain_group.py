"""Plain files of one header in a buffer: which ones they are, and views of their pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.tiff.plain import LARGEST_CORNER, LARGEST_PIXEL, SMALLEST_PIXEL, PlainHeader

_TWO_DOUBLES = 16  # bytes


@dataclass(frozen=True)
class PlainGroup:
    """Plain files of one band with the same header.

    Attributes
    ----------
    header : PlainHeader
        Theirs but for corner and sides of pixels, which are those of an earlier file.
    rows : (files,) int array
        Indices of their patches in the reading, ascending.
    heads, pixels : (files, bytes) uint8 array, (files, pixels, bands) array
        The bytes before the pixels, and the pixels; valid until the reader reads again.
    sides, corners : (files, 2) float array
        Width and height of a pixel, and upper-left x and y, in units of the CRS.
    """

    header: PlainHeader
    rows: NDArray[np.intp]
    heads: NDArray[np.uint8]
    pixels: NDArray
    sides: NDArray[np.float64]
    corners: NDArray[np.float64]


def same_header(
    buffer: NDArray[np.uint8], rows: NDArray[np.intp], header: PlainHeader, template: bytes
) -> NDArray[np.bool_]:
    """Which files have this header, their own corner and sides of pixels aside."""
    heads = _of(rows, buffer)[:, : header.pixel_offset]
    same = heads == np.frombuffer(template, np.uint8)
    for offset in (header.sides_offset, header.corner_offset):
        same[:, offset : offset + _TWO_DOUBLES] = True
    sides, corners = (
        _numbers(heads, offset) for offset in (header.sides_offset, header.corner_offset)
    )
    possible = (
        (sides > SMALLEST_PIXEL) & (sides < LARGEST_PIXEL) & (np.abs(corners) < LARGEST_CORNER)
    )
    return same.all(1) & possible.all(1)


def _numbers(heads: NDArray[np.uint8], offset: int) -> NDArray[np.float64]:
    """Two numbers of each head, which are not aligned."""
    return np.ascontiguousarray(heads[:, offset : offset + _TWO_DOUBLES]).view("<f8")


def plain_group(
    buffer: NDArray[np.uint8], rows: NDArray[np.intp], header: PlainHeader
) -> PlainGroup:
    """The files in some rows of a buffer, which have this header."""
    content = _of(rows, buffer)
    heads, pixels = content[:, : header.pixel_offset], content[:, header.pixel_offset : header.size]
    pixels = pixels.view(header.profile.dtype).reshape(len(rows), -1, header.profile.bands)
    sides = _numbers(heads, header.sides_offset)
    return PlainGroup(header, rows, heads, pixels, sides, _numbers(heads, header.corner_offset))


def _of(rows: NDArray[np.intp], buffer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Some ascending rows of a buffer: a view of it where they follow each other."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return buffer[rows[0] : rows[-1] + 1]
    return buffer[rows]
