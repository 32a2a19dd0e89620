"""Read the band files of many patches at once into buffers that are used again and again.

Opening millions of small files costs more than reading them. A `BandFileReader` opens each file
relative to its folder, reads it with one call into a row of a buffer, and recognises plain files by
comparing their bytes with the cached header of an earlier one: all but the pixels, their sides and the
corner's coordinates is the same for all files of a band in a UTM zone.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.archive.folder_reader import opened_folder
from benkit.archive.listing import Folder, PatchFolder
from benkit.archive.plain_group import PlainGroup, plain_group, same_header
from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.tiff.plain import PlainHeader, parse_header
from benkit.tiff.read import read_whole

_LARGEST_SLOT = 2**23  # bytes of pixels; longer files gain little from being read together
_NARROW = ("uint8", "uint16", "int16", "float32")


@dataclass(frozen=True)
class BandFiles:
    """The files of one band of some patches.

    Attributes
    ----------
    sizes : (patches,) int64 array
        Length of each file in bytes, -1 where there is none.
    plain : tuple of PlainGroup
    others : tuple of int
        Indices of the patches whose file is there but not plain.
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
        By name, in the order of `Layout.files`.
    strays : tuple of (int, str)
        Index of a patch and name of a file in its folder that is not one of its band files, sorted.
    file_states : (patches,) uint64 array
        As of `BandFileReader.stat`.
    """

    bands: dict[str, BandFiles]
    strays: tuple[tuple[int, str], ...]
    file_states: NDArray[np.uint64]


@dataclass(frozen=True)
class VisitedFolder:
    """The files in the folder of a patch.

    Attributes
    ----------
    sizes : list of int
        Of each file of `Layout.files` in bytes: -1 where there is none, 0 where it cannot be read.
    strays : list of str
        Names of everything else, sorted.
    file_state : int
        As of `BandFileReader.stat`.
    """

    sizes: list[int]
    strays: list[str]
    file_state: int


class BandFileReader:
    """Reads up to ``capacity`` patches of an archive at a time.

    Parameters
    ----------
    sizes, headers_of_a_size : int
        Headers are cached of so many sizes of files, and so many of each. Sound archives have a few
        for each UTM zone; where every file has its own, none is worth keeping.

    Attributes
    ----------
    headers : dict of int to deque of (PlainHeader, bytes)
        The cache, by size of the file: each header as it was parsed, and its bytes.
    slots : dict of str to list of memoryview
        By name of `Layout.files`: a buffer for each patch's file, with room for more than a plain one.
    """

    def __init__(
        self,
        root: Folder,
        capacity: int = 32,
        layout: Layout = BIGEARTHNET_S2,
        *,
        sizes: int = 256,
        headers_of_a_size: int = 128,
    ) -> None:
        self.root, self.layout = root, layout
        self.capacity = capacity
        self.headers: dict[int, deque[tuple[PlainHeader, bytes]]] = {}
        self._most_sizes, self._most_headers = sizes, headers_of_a_size
        self._buffers = {
            name: np.zeros((capacity, size), np.uint8)
            for name, size in bytes_of_slots(layout).items()
        }
        self.slots = {name: [row.data for row in buffer] for name, buffer in self._buffers.items()}

    def read(self, patches: Sequence[PatchFolder]) -> Reading:
        """Read all band files of some patches.

        A file or folder that has vanished is missing; what is there but cannot be opened, or is no
        regular file, counts as not plain, with a size of 0.
        """
        assert len(patches) <= self.capacity, "a reading fits the buffers"
        folders = list(self.visit(patches))
        sizes = np.array([folder.sizes for folder in folders], np.int64)
        sizes = sizes.reshape(len(folders), len(self.slots))
        bands = {band: self._group(band, sizes[:, i]) for i, band in enumerate(self.slots)}
        strays = [(row, name) for row, folder in enumerate(folders) for name in folder.strays]
        return Reading(bands, tuple(strays), _file_states(folders))

    def stat(self, patches: Sequence[PatchFolder]) -> NDArray[np.uint64]:
        """Fingerprints of the state of some patches' files, without reading them.

        Returns
        -------
        (patches,) uint64 array
            The same as long as no file comes, goes, or changes its size, modification time or inode
            (or, of a remote one, its ETag); 0 where a folder cannot be listed.
        """
        return _file_states(self.visit(patches, stat_only=True))

    def content(self, patch: PatchFolder, row: int, band: str) -> bytes:
        """All bytes of a file of the last reading that is not plain; ``row`` is the patch's index.

        Raises
        ------
        MissingInputError, RasterError
            As `read_raster`.
        """
        return read_whole(Path(f"{self.root}/{patch.band_path(band)}"), follow=False)

    def visit(
        self, patches: Sequence[PatchFolder], *, stat_only: bool = False
    ) -> Iterable[VisitedFolder]:
        """Read the band files of some patches into their slots, or only take their stat."""
        for row, patch in enumerate(patches):
            yield self._visit(patch, None if stat_only else row)

    def _visit(self, patch: PatchFolder, row: int | None) -> VisitedFolder:
        names = self.layout.band_files(patch.name, patch.product)
        buffers = [None if row is None else slots[row] for slots in self.slots.values()]
        try:
            with opened_folder(f"{self.root}/{patch.path}", self._only_of(names)) as folder:
                files = folder.read(names, buffers)
                strays = self.strays_of(patch, folder.names.difference(names))
        except FileNotFoundError:  # vanished since the archive was listed
            return VisitedFolder([-1] * len(names), [], 0)
        except OSError:
            return VisitedFolder([0] * len(names), [], 0)
        sizes = [size for size, *_ in files]
        return VisitedFolder(
            sizes,
            strays,
            file_state(sizes, [number for file in files for number in file[1:]], strays),
        )

    def _only_of(self, names: Sequence[str]) -> Sequence[str] | None:
        """What to take a folder's names for: those of one patch where it holds many, else all."""
        return names if self.layout.one_file else None

    def strays_of(self, patch: PatchFolder, others: Iterable[str]) -> list[str]:
        """Names of other files in a patch's folder that do not belong beside its bands, sorted."""
        return sorted(set(others).difference(self.layout.file_beside(patch.name, patch.product)))

    def _group(self, band: str, sizes: NDArray[np.int64]) -> BandFiles:
        """Group the files of a band by their header."""
        buffer = self._buffers[band]
        groups: list[PlainGroup] = []
        others: list[int] = []
        for size in np.unique(sizes[sizes >= 0]).tolist():
            rows = np.flatnonzero(sizes == size)
            whole = size <= buffer.shape[1]  # a longer file was not read to its end
            while len(rows):
                for header, template in self.headers.get(size, ()) if whole else ():
                    same = same_header(buffer, rows, header, template)
                    if same.any():
                        groups.append(plain_group(buffer, rows[same], header))
                        rows = rows[~same]
                if len(rows) and not (whole and self._learn(buffer[rows[0], :size])):
                    others.append(int(rows[0]))
                    rows = rows[1:]
        return BandFiles(sizes, tuple(groups), tuple(sorted(others)))

    def _learn(self, content: NDArray[np.uint8]) -> bool:
        """Cache the header of a file, if it is plain and its pixels are narrow."""
        header = parse_header(content.data)
        if header is None:
            return False
        found = header.profile
        if found.dtype.name not in _NARROW or found.width * found.height > 2**20:
            return False
        template = bytes(content[: header.pixel_offset])
        if header.size not in self.headers and len(self.headers) == self._most_sizes:
            self.headers.clear()
        same_size = self.headers.setdefault(header.size, deque(maxlen=self._most_headers))
        same_size.append((header, template))
        return True


def bytes_of_slots(layout: Layout) -> dict[str, int]:
    """Room for each file of a patch, by name of `Layout.files`: pixels, and what GDAL writes before."""
    bands = len(layout.bands) if layout.one_file else 1
    return {
        name: 1024 + 128 * (bands - 1) + size // 512 // 64 * 64 + size
        for name, size in (
            (name, min(size, _LARGEST_SLOT)) for name, size in layout.bytes_of_files().items()
        )
    }


def _file_states(folders: Iterable[VisitedFolder]) -> NDArray[np.uint64]:
    return np.array([folder.file_state for folder in folders], np.uint64)


def file_state(sizes: Sequence[int], stamps: Sequence[int | None], strays: Sequence[str]) -> int:
    """Fingerprint of the state of a patch's files; never 0."""
    names = repr(strays).encode(errors="surrogateescape") if strays else b""
    digest = int.from_bytes(blake2b(names, digest_size=8).digest(), "little")
    # Python hashes tuples of integers, unlike texts, in the same way in every process.
    return hash((*sizes, *stamps, digest)) % 2**64 or 1
