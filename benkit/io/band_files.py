"""Read the band files of many patches at once into buffers that are used again and again.

Opening millions of small files costs more than reading them. A `BandFileReader` opens each file
relative to its folder, reads it with one call into a row of a buffer, and recognises plain files by
comparing their bytes with the header of an earlier one: all but the pixels and the corner's
coordinates is the same for all files of a band in a UTM zone.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.io.archive import PatchFolder, band_file_name
from benkit.io.plain_tiff import PlainHeader, parse_header
from benkit.spec.bands import BANDS

__all__ = ["BandFileReader", "BandFiles", "PlainGroup", "Reading"]

_ROOM_FOR_HEADER = 1024
_LARGEST_CORNER = 1e9  # metres; as in `parse_header`
_CORNER_BYTES = 16


@dataclass(frozen=True)
class PlainGroup:
    """Plain files of one band with the same header.

    Attributes
    ----------
    header : PlainHeader
    rows : (files,) int array
        Which of the patches they belong to, ascending.
    pixels : (files, pixels) array
        Valid until the reader reads again.
    corners : (files, 2) float array
        Upper-left x and y in metres.
    """

    header: PlainHeader
    rows: NDArray[np.intp]
    pixels: NDArray
    corners: NDArray[np.float64]


@dataclass(frozen=True)
class BandFiles:
    """The files of one band of some patches.

    Attributes
    ----------
    sizes : (patches,) int64 array
        Length of each file in bytes, -1 where there is none.
    plain : tuple of PlainGroup
    others : tuple of int
        The patches whose file is there but not plain.
    """

    sizes: NDArray[np.int64]
    plain: tuple[PlainGroup, ...]
    others: tuple[int, ...]


@dataclass(frozen=True)
class Reading:
    """The band files of some patches.

    Attributes
    ----------
    bands : dict of str to BandFiles
        By band, in the order of `BANDS`.
    strays : tuple of (int, str)
        Patch and name of everything in its folder that is not one of its band files, sorted.
    """

    bands: dict[str, BandFiles]
    strays: tuple[tuple[int, str], ...]


class BandFileReader:
    """Reads up to ``capacity`` patches at a time.

    Parameters
    ----------
    root : Path
        Folder of the archive.
    capacity : int
        Most patches in one reading.
    """

    def __init__(self, root: Path, capacity: int = 32) -> None:
        self.root = root
        self.capacity = capacity
        self._buffers = {
            name: np.zeros((capacity, _ROOM_FOR_HEADER + 2 * band.side**2), np.uint8)
            for name, band in BANDS.items()
        }
        self._slots = {name: [row.data for row in buffer] for name, buffer in self._buffers.items()}
        self._known: dict[int, list[tuple[PlainHeader, bytes]]] = {}

    def read(self, patches: Sequence[PatchFolder]) -> Reading:
        """Read all band files of some patches.

        A file or folder that has vanished is missing; what is there but cannot be opened counts as
        not plain, with a size of 0.
        """
        assert len(patches) <= self.capacity, "a reading fits the buffers"
        sizes = {band: np.full(len(patches), -1, np.int64) for band in BANDS}
        strays: list[tuple[int, str]] = []
        for row, patch in enumerate(patches):
            strays += [(row, name) for name in self._read_patch(row, patch, sizes)]
        bands = {band: self._sort_out(band, sizes[band]) for band in BANDS}
        return Reading(bands, tuple(strays))

    def _read_patch(
        self, row: int, patch: PatchFolder, sizes: dict[str, NDArray[np.int64]]
    ) -> list[str]:
        """Read the band files of one patch into their slots; returns the names of all else."""
        try:
            with _opened_folder(self.root / patch.product / patch.patch_id) as (names, read_into):
                left = set(names)
                for band, slots in self._slots.items():
                    name = band_file_name(patch.patch_id, band)
                    if name in left:
                        left.remove(name)
                        sizes[band][row] = read_into(name, slots[row])
            return sorted(left)
        except FileNotFoundError:  # vanished since the archive was listed
            return []
        except OSError:
            for band in sizes:
                sizes[band][row] = 0
            return []

    def _sort_out(self, band: str, sizes: NDArray[np.int64]) -> BandFiles:
        """Group the files of a band by their header."""
        buffer = self._buffers[band]
        groups: list[PlainGroup] = []
        others: list[int] = []
        for size in np.unique(sizes[sizes >= 0]).tolist():
            rows = np.flatnonzero(sizes == size)
            while len(rows):
                for header, template in self._known.get(size, []):
                    same = _same_header(buffer, rows, header, template)
                    if same.any():
                        groups.append(_plain_group(buffer, rows[same], header))
                        rows = rows[~same]
                if len(rows) and not self._learn(buffer[rows[0], :size]):
                    others.append(int(rows[0]))
                    rows = rows[1:]
        return BandFiles(sizes, tuple(groups), tuple(sorted(others)))

    def _learn(self, content: NDArray[np.uint8]) -> bool:
        """Remember the header of a file, if it is plain and its pixels are narrow."""
        header = parse_header(content.data)
        if header is None or header.dtype.itemsize > 2 or header.width * header.height > 2**20:
            return False
        template = bytes(content[: header.pixel_offset])
        self._known.setdefault(header.size, []).append((header, template))
        return True


def _same_header(
    buffer: NDArray[np.uint8], rows: NDArray[np.intp], header: PlainHeader, template: bytes
) -> NDArray[np.bool_]:
    """Which files have this header, their own corner aside."""
    heads = buffer[rows, : header.pixel_offset]
    same = heads == np.frombuffer(template, np.uint8)
    same[:, header.corner_offset : header.corner_offset + _CORNER_BYTES] = True
    corners = _corners(buffer, rows, header)
    return same.all(1) & (np.abs(corners) < _LARGEST_CORNER).all(1)


def _corners(
    buffer: NDArray[np.uint8], rows: NDArray[np.intp], header: PlainHeader
) -> NDArray[np.float64]:
    place = slice(header.corner_offset, header.corner_offset + _CORNER_BYTES)
    return np.ascontiguousarray(buffer[rows, place]).view("<f8")


def _plain_group(
    buffer: NDArray[np.uint8], rows: NDArray[np.intp], header: PlainHeader
) -> PlainGroup:
    whole = len(rows) == rows[-1] + 1  # then a view will do
    content = buffer[: len(rows)] if whole else buffer[rows]
    pixels = content[:, header.pixel_offset : header.size].view(header.dtype)
    return PlainGroup(header, rows, pixels, _corners(buffer, rows, header))


ReadInto = Callable[[str, memoryview], int]


@contextmanager
def _folder_by_handle(folder: Path) -> Iterator[tuple[list[str], ReadInto]]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield os.listdir(handle), partial(_read_relative, handle)
    finally:
        os.close(handle)


@contextmanager
def _folder_by_path(folder: Path) -> Iterator[tuple[list[str], ReadInto]]:
    yield os.listdir(folder), partial(_read_by_path, folder)


# Names in a folder, and a function that reads a file of it into a buffer. It returns the size of the
# file, or -1 where it has vanished, or 0 where it cannot be read; a file that is longer than the
# buffer leaves nothing useful in it. Windows has no handles of folders.
_HAS_HANDLES = hasattr(os, "readv") and os.open in os.supports_dir_fd
_opened_folder = _folder_by_handle if _HAS_HANDLES else _folder_by_path


def _read_relative(folder: int, name: str, buffer: memoryview) -> int:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return -1
    except OSError:
        return 0
    try:
        size = os.readv(handle, (buffer,))
        return size if size < len(buffer) else os.fstat(handle).st_size
    except OSError:
        return 0
    finally:
        os.close(handle)


def _read_by_path(folder: Path, name: str, buffer: memoryview) -> int:
    try:
        with (folder / name).open("rb", buffering=0) as file:
            size = file.readinto(buffer) or 0
            return size if size < len(buffer) else os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return -1
    except OSError:
        return 0
