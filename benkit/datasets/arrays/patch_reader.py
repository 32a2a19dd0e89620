"""Read the bands of patches as they lie in their files, each with one call into one buffer.

An inventory knows where the pixels of plain files begin, so that nothing is parsed: a file is opened and
read once, its header beside the pixels. The header's fingerprint and the length tell whether the file is
still the one that was scanned; of files that are not plain the fingerprint of the decoded pixels does.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder
from benkit.datasets.arrays.file_index import FileIndex, RasterKind
from benkit.errors import InputFormatError
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.location import Location, RemotePath
from benkit.inventory.scanning.fingerprint import hash_each, hash_pixels
from benkit.tiff.read import decode_raster, read_whole

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_ALIGNED, _WORD = 16, 4  # bytes

Bands = list[NDArray]
"""The pixels of each band of a patch: (height, width), in the data type of its file."""


@dataclass(frozen=True, eq=False)
class ReadingPlan:
    """How the files of some kinds are read into one buffer.

    Attributes
    ----------
    kinds : tuple of RasterKind
        Of each file; all bands of one file are alike.
    heads, pixels : tuple of slice
        Where the header of each file goes in the buffer, and where its pixels go.
    rasters : list of ((int, int), numpy.dtype, int)
        Height and width, data type, and where in the buffer the pixels of each file begin.
    plain : list of int
        Which files are plain.
    lengths : tuple of int
        Bytes of the header of each plain file.
    file_sizes : tuple of int
        Bytes of each plain file, -1 of others.
    size : int
        Of the buffer.
    headers : int
        Bytes of all headers, with which the buffer begins.
    """

    kinds: tuple[RasterKind, ...]
    heads: tuple[slice, ...]
    pixels: tuple[slice, ...]
    rasters: list[tuple[tuple[int, int], np.dtype, int]]
    plain: list[int]
    lengths: tuple[int, ...]
    file_sizes: tuple[int, ...]
    size: int
    headers: int

    @classmethod
    def of(cls, kinds: tuple[RasterKind, ...], bands: int) -> "ReadingPlan":
        """The plan for files of so many bands each."""
        heads, pixels, end = [], [], 0
        for kind in kinds:
            length = kind.offset if kind.is_plain else 0
            heads.append(slice(end, end + length))
            end += -(-length // _WORD) * _WORD
        headers = end
        plain = [number for number, kind in enumerate(kinds) if kind.is_plain]
        lengths = tuple(kinds[number].offset for number in plain)
        rasters = []
        for kind in kinds:
            dtype = np.dtype(kind.dtype).newbyteorder("<")
            start = -(-end // _ALIGNED) * _ALIGNED
            end = start + bands * kind.width * kind.height * dtype.itemsize
            pixels.append(slice(start, end))
            rasters.append(((kind.height, kind.width), dtype, start))
        sizes = tuple(
            kind.offset + where.stop - where.start if kind.is_plain else -1
            for kind, where in zip(kinds, pixels, strict=True)
        )
        return cls(kinds, tuple(heads), tuple(pixels), rasters, plain, lengths, sizes, end, headers)

    def buffer(self) -> NDArray[np.uint8]:
        """A buffer to read into, with zeros where headers do not fill it."""
        buffer = np.empty(self.size, np.uint8)
        buffer[: self.headers] = 0
        return buffer


class PatchReader:
    """Reads patches of an archive.

    Parameters
    ----------
    index : FileIndex
    root : path or RemotePath
        The folder of the archive.
    """

    def __init__(self, index: FileIndex, root: Location) -> None:
        self.index, self.root = index, root
        layout = index.layout
        self._files = ("",) if layout.one_file else index.bands
        self._planes = [layout.band_names.index(band) for band in index.bands]
        self._bands_of_file = len(layout.bands) if layout.one_file else 1
        self._plans: dict[bytes, ReadingPlan] = {}

    def read(self, row: int) -> Bands:
        """The bands of one patch.

        Raises
        ------
        MissingInputError
            If a file is not there.
        InputFormatError
            If a file is no longer the one that was scanned.
        RasterError
            If it cannot be read.
        """
        if isinstance(self.root, RemotePath):
            return next(self.read_many([row]))
        names, plan = self._names(row), self._plan(row)
        buffer = plan.buffer()
        for number in self._fill(plan, names, row, buffer.data):
            content = self._content(names[number], row, number)
            self._put(plan, number, names[number], row, buffer, content)
        return self._checked(plan, row, buffer)

    def read_many(self, rows: Sequence[int], executor: Executor | None = None) -> Iterator[Bands]:
        """The bands of several patches, at the same time with an executor or where they are remote."""
        if not isinstance(self.root, RemotePath):
            return map(self.read, rows) if executor is None else executor.map(self.read, rows)
        names = [self._names(row) for row in rows]
        contents = iter(self.root.in_parallel(self._download, chain.from_iterable(names)))
        return (
            self._of_contents(row, of_row, contents)
            for row, of_row in zip(rows, names, strict=True)
        )

    def _of_contents(self, row: int, names: list[str], contents) -> Bands:  # type: ignore[no-untyped-def]
        plan = self._plan(row)
        buffer = plan.buffer()
        for number, name in enumerate(names):
            self._put(plan, number, name, row, buffer, next(contents))
        return self._checked(plan, row, buffer)

    def _names(self, row: int) -> list[str]:
        """Paths of the files of a patch, relative to the root."""
        index, layout = self.index, self.index.layout
        patch = PatchFolder(index.products[row].as_py(), index.patch_ids[row].as_py(), layout)
        pattern = patch.band_path("{band}")
        return [pattern.replace("{band}", file) for file in self._files]

    def _plan(self, row: int) -> ReadingPlan:
        numbers = self.index.kind[row, : len(self._files)]
        key = numbers.tobytes()
        plan = self._plans.get(key)
        if plan is None:
            if (numbers < 0).any():
                self._refuse_unread(row, int(numbers.argmin()))
            kinds = tuple(self.index.kinds[number] for number in numbers.tolist())
            plan = self._plans[key] = ReadingPlan.of(kinds, self._bands_of_file)
        return plan

    def _refuse_unread(self, row: int, number: int) -> NoReturn:
        raise InputFormatError(
            f"{self.root}: expected the band {self.index.bands[number]} of "
            f"{self.index.patch_ids[row].as_py()}, but it was missing or unreadable when the archive "
            "was scanned; leave out patches with findings"
        )

    def _fill(self, plan: ReadingPlan, names: list[str], row: int, view: memoryview) -> list[int]:
        """Read plain files into the buffer, each at once; which ones are to be read in another way.

        That says what is wrong with those that cannot be opened, or are of another size.
        """
        root, others = str(self.root), []
        more = bytearray(1)  # is filled where a file has grown
        files = zip(names, plan.file_sizes, plan.heads, plan.pixels, strict=True)
        for number, (name, size, head, pixels) in enumerate(files):
            if size < 0:
                others.append(number)
                continue
            try:
                handle = os.open(f"{root}/{name}", _READ)
                try:
                    found = _read_into(handle, (view[head], view[pixels], more))
                finally:
                    os.close(handle)
            except OSError:
                found = -1
            if found != size:
                others.append(number)
        return others

    def _content(self, name: str, row: int, number: int) -> bytes:
        """All bytes of a file."""
        return read_whole(Path(f"{self.root}/{name}"))

    def _put(
        self,
        plan: ReadingPlan,
        number: int,
        name: str,
        row: int,
        buffer: NDArray[np.uint8],
        content: bytes,
    ) -> None:
        """Bring the content of a file into the buffer."""
        kind = plan.kinds[number]
        if kind.is_plain:
            if len(content) != (expected := plan.file_sizes[number]):
                self._refuse_changed(name, f"of {expected:,} bytes, but it has {len(content):,}")
            head, pixels = content[: kind.offset], content[kind.offset :]
            buffer[plan.heads[number]] = np.frombuffer(head, np.uint8)
            buffer[plan.pixels[number]] = np.frombuffer(pixels, np.uint8)
            return
        found = decode_raster(content, f"{self.root}/{name}").pixels
        shape, dtype = (self._bands_of_file, kind.height, kind.width), kind.dtype
        if found.shape != shape or found.dtype.name != dtype:
            self._refuse_changed(name, "with the same pixels, but their number or type is another")
        columns = [number] if self._bands_of_file == 1 else range(len(self._planes))
        for column in columns:
            plane = found[0 if self._bands_of_file == 1 else self._planes[column]]
            found_hash = hash_pixels(plane.reshape(1, -1), plane.shape).astype(np.uint32)
            if found_hash[0] != self.index.hashes[row, column]:
                self._refuse_changed(name, "with the same pixels, but they are others")
        flat = np.ascontiguousarray(found.transpose(1, 2, 0)).view(np.uint8).ravel()
        buffer[plan.pixels[number]] = flat

    def _checked(self, plan: ReadingPlan, row: int, buffer: NDArray[np.uint8]) -> Bands:
        """The bands in the buffer, if the headers of plain files are those of the scan."""
        if plan.plain:
            found = hash_each(buffer[: plan.headers], plan.lengths).astype(np.uint32)
            other = found != self.index.hashes[row, plan.plain]
            if other.any():
                name = self._names(row)[plan.plain[int(other.argmax())]]
                self._refuse_changed(name, "with the same header, but it is another")
        if self._bands_of_file == 1:
            return [np.ndarray(shape, dtype, buffer, start) for shape, dtype, start in plan.rasters]
        (height, width), dtype, start = plan.rasters[0]
        raster = np.ndarray((height, width, self._bands_of_file), dtype, buffer, start)
        return [np.ascontiguousarray(raster[..., plane]) for plane in self._planes]

    def _download(self, name: str) -> bytes:
        location = self.root
        for part in name.split("/"):
            location = location / part
        assert isinstance(location, RemotePath)
        return location.read_bytes(LARGEST_FILE)

    def _refuse_changed(self, name: str, expected: str) -> NoReturn:
        raise InputFormatError(
            f"{self.root}/{name}: expected the file that was scanned, {expected}; scan the archive again"
        )


def read_each(handle: int, buffers: Sequence[memoryview | bytearray]) -> int:
    """Read an open file into buffers, one after the other; how many bytes there were."""
    found = 0
    for buffer in buffers:
        part = os.read(handle, len(buffer))
        buffer[: len(part)] = part
        found += len(part)
    return found


_read_into = getattr(os, "readv", read_each)  # which Windows lacks
