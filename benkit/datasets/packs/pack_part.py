"""Some patches that go into a pack: their pixels as they are read, and what each must be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder, require_inside
from benkit.datasets.arrays.patch_reader import Bands, PatchReader
from benkit.errors import InputFormatError
from benkit.inventory.scanning.fingerprint import hash_pixels

_PATCHES_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class PackPart:
    """Some patches of a pack.

    Attributes
    ----------
    reader : PatchReader
        Of these patches alone.
    pixel_hashes : (patches, bands) uint64 array
        As the inventory has them.
    columns : pyarrow.Table
        What is told of each patch beside its pixels.
    """

    reader: PatchReader
    pixel_hashes: NDArray[np.uint64]
    columns: pa.Table

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.columns)

    def bands(self) -> Iterator[Bands]:
        """The bands of each patch, from the files of the archive."""
        root = self.reader.root
        for start in range(0, len(self), _PATCHES_AT_ONCE):
            rows = range(start, min(start + _PATCHES_AT_ONCE, len(self)))
            if isinstance(root, Path):
                for row in rows:
                    require_inside(root, self._patch(row))
            yield from self.reader.read_many(rows)

    def require_same(self, packed: Iterable[Bands]) -> None:
        """Refuse pixels, read back from the pack, that are not those of the inventory.

        Raises
        ------
        InputFormatError
            If a file was changed after the scan, or the disk does not give back what was written.
        """
        rows = iter(packed)
        start = 0
        while some := list(islice(rows, _PATCHES_AT_ONCE)):
            stop = start + len(some)
            for column, band in enumerate(zip(*some, strict=True)):
                found = hash_pixels(np.stack(band).reshape(len(some), -1), band[0].shape)
                wrong = found != self.pixel_hashes[start:stop, column]
                if wrong.any():
                    self._refuse(start + int(wrong.argmax()), column)
            start = stop
        assert start == len(self), "every patch is read back"

    def _patch(self, row: int) -> PatchFolder:
        index = self.reader.index
        return PatchFolder(index.products[row].as_py(), index.patch_ids[row].as_py(), index.layout)

    def _refuse(self, row: int, column: int) -> None:
        path = self._patch(row).band_path(self.reader.index.bands[column])
        raise InputFormatError(
            f"{self.reader.root}/{path}: expected the file that was scanned, but its pixels in the pack "
            "are others than the inventory says; scan the archive again"
        )
