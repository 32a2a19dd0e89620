"""Measure band files that come from a tar: they are put into the same buffers as those of a folder."""

from collections.abc import Iterable, Sequence

import numpy as np

from benkit.archive.band_reader import BandFileReader, VisitedFolder
from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.errors import RasterError
from benkit.files.limits import LARGEST_FILE
from benkit.files.tar.folder import NOTHING, TarFolder
from benkit.files.tar.read_at import TarContent

_ABSENT, _UNREADABLE = -1, 0


class TarBandFileReader(BandFileReader):
    """Reads what was put into it, file by file.

    Attributes
    ----------
    sizes : (capacity, files) int64 array
        In bytes; -1 of what is not there, 0 of what is no file.
    positions : (capacity, files) int64 array
        Where the content of each file begins in the tar; -1 of what is not there or no file.
    """

    root: TarFolder

    def __init__(self, root: TarFolder, capacity: int, layout: Layout) -> None:
        super().__init__(root, capacity, layout)
        shape = capacity, len(layout.files)
        self.positions, self.sizes = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
        self._others: dict[tuple[int, int], bytes | str] = {}
        self._slots = list(self.slots.values())

    def clear(self) -> None:
        """Forget all files."""
        self.positions[:] = self.sizes[:] = _ABSENT
        self._others.clear()

    def put(
        self, row: int, column: int, size: int, content: memoryview | bytes, position: int
    ) -> None:
        """Add a file of a patch, in the place of an earlier one of the same name.

        The content of one of more than `LARGEST_FILE` bytes is left alone.
        """
        slot = self._slots[column][row]
        self.sizes[row, column], self.positions[row, column] = size, position
        self._others.pop((row, column), None)
        if size <= len(slot):
            slot[:size] = content
        elif size <= LARGEST_FILE:
            self._others[row, column] = bytes(content)
        else:
            self._others[row, column] = f"has {size:,} bytes; expected at most {LARGEST_FILE:,}"

    def put_closed(self, row: int, column: int, what: str) -> None:
        """Say what is in the place of a file."""
        self.sizes[row, column], self.positions[row, column] = _UNREADABLE, -1
        self._others[row, column] = f"cannot be read: expected a file, but it is {what}"

    def load(self, patches: Sequence[PatchFolder]) -> None:
        """Put in the files of some patches that lie in the tar's folder."""
        self.clear()
        for row, patch in enumerate(patches):
            for column, file in enumerate(self.layout.files):
                found = (self.root / patch.band_path(file)).entry
                if isinstance(found, TarContent):
                    content = found.read_bytes(LARGEST_FILE)
                    self.put(row, column, len(content), content, found.position)
                elif found != NOTHING:
                    what = found if isinstance(found, str) else "a folder"
                    self.put_closed(row, column, what)

    def content(self, patch: PatchFolder, row: int, band: str) -> bytes:
        """All bytes of a file that is not plain; a `RasterError` says why there are none."""
        column = self.layout.files.index(band)
        other = self._others.get((row, column))
        if isinstance(other, str):
            raise RasterError(f"{self.root}/{patch.band_path(band)}: {other}")
        if other is not None:
            return other
        return bytes(self._slots[column][row][: self.sizes[row, column]])

    def visit(
        self, patches: Sequence[PatchFolder], *, stat_only: bool = False
    ) -> Iterable[VisitedFolder]:
        """The sizes of what was put there, and what else lies in the folders; there is no state."""
        assert not stat_only, "nothing tells whether a file of a tar has changed"
        for row, patch in enumerate(patches):
            yield VisitedFolder(self.sizes[row].tolist(), strays_in_tar(self.root, patch), 0)


def strays_in_tar(root: TarFolder, patch: PatchFolder) -> list[str]:
    """Names of what lies in a patch's folder but does not belong there, sorted."""
    layout = patch.layout
    if layout.one_file:
        return []
    named = patch.name, patch.product
    own = {*layout.band_files(*named), *layout.file_beside(*named)}
    return sorted((root / patch.path).content.keys() - own)
