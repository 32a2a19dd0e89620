"""Read and measure all bands of some patches: the work of one worker at a time."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.band_reader import BandFileReader, bytes_of_slots
from benkit.archive.listing import Folder, PatchFolder
from benkit.archive.remote_band_reader import band_file_reader
from benkit.archive.tar_band_reader import TarBandFileReader
from benkit.domain.layout import Layout
from benkit.files.remote.location import Location
from benkit.files.tar.folder import TarFolder
from benkit.inventory.scanning.fill_bands import bands_of, fill_others, fill_plain
from benkit.inventory.scanning.resume import Known
from benkit.inventory.scanning.rows import InventoryRows

PATCHES_PER_CHUNK = 192
"""Most patches that are read at once."""

_BYTES_PER_CHUNK = 2**26


def patches_per_chunk(layout: Layout) -> int:
    """How many patches of an archive to read at once, so that large ones take no more memory."""
    whole = _BYTES_PER_CHUNK // sum(bytes_of_slots(layout).values())
    return min(max(1, whole), PATCHES_PER_CHUNK)


@dataclass(frozen=True)
class Chunk:
    """Some patches of an archive.

    Attributes
    ----------
    patches : sequence of PatchFolder
    known : (patches,) uint64 array or None
        State of their files when their rows were made; 0 where there are no rows.
    """

    patches: Sequence[PatchFolder]
    known: NDArray[np.uint64] | None

    @classmethod
    def of(cls, patches: Sequence[PatchFolder], known: Known | None, some: slice) -> Self:
        """Some of all patches."""
        states = None if known is None else known.file_state[some]
        return cls(patches[some], states if states is not None and states.any() else None)


@dataclass(frozen=True)
class ScannedChunk:
    """The rows of a chunk's patches, and what was read for them.

    Attributes
    ----------
    rows : pyarrow.Table
        Rows of the inventory for the patches that were read.
    counts : (patches read,) int64 array
        How many rows each of them has.
    file_states : (patches,) uint64 array
        As of `BandFileReader.stat`.
    unchanged : (patches not read,) int array
        Indices of the patches whose files are as they were, ascending.
    files, bytes, slow_files
        As of `ScanSummary`.
    """

    rows: pa.Table
    counts: NDArray[np.int64]
    file_states: NDArray[np.uint64]
    unchanged: NDArray[np.intp]
    files: int
    bytes: int
    slow_files: Mapping[str, int]

    def together_with(
        self, kept: pa.Table, kept_counts: NDArray[np.int64]
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """Add the rows of unchanged patches: rows in the order of patches, and how many each has."""
        if not len(self.rows):
            return kept, kept_counts
        counts = np.zeros(len(self.file_states), np.int64)
        counts[self.unchanged] = kept_counts
        changed = np.setdiff1d(np.arange(len(counts)), self.unchanged)
        counts[changed] = self.counts
        order = np.concatenate(
            [np.repeat(some, counts[some]) for some in (changed, self.unchanged)]
        )
        rows = pa.concat_tables([self.rows, kept])
        return rows.take(np.argsort(order, kind="stable")), counts


def scan_chunk(
    root: Location, layout: Layout, chunk: Chunk, scale: str | None = None
) -> ScannedChunk:
    """Read and measure the bands of those patches of a chunk that have changed.

    A file or folder that cannot be read says why in its row; a server that does not answer is a
    `RemoteError`.
    """
    reader = _reader(root, layout)
    states = np.zeros(len(chunk.patches), np.uint64)
    unchanged = np.zeros(len(chunk.patches), bool)
    if chunk.known is not None:
        states = reader.stat(chunk.patches)
        unchanged = (states == chunk.known) & (states != 0)
    changed = np.flatnonzero(~unchanged)
    scanned = measure_patches(reader, [chunk.patches[i] for i in changed.tolist()], scale)
    states[changed] = scanned.file_states
    return replace(scanned, file_states=states, unchanged=np.flatnonzero(unchanged))


def measure_patches(
    reader: BandFileReader, patches: Sequence[PatchFolder], scale: str | None
) -> ScannedChunk:
    """Read and measure the bands of some patches, as many as fit the reader."""
    layout = reader.layout
    rows = InventoryRows(patches, layout)
    files = size = 0
    reading = reader.read(patches)
    for row, name in reading.strays:
        rows.add_stray(row, name)
    for name, found in reading.bands.items():
        there = np.flatnonzero(found.sizes >= 0)
        for band in bands_of(layout, name):
            rows.fill(there, band.name, bytes=found.sizes[there])
        files += len(there)
        size += int(found.sizes[there].sum())
        for group in found.plain:
            fill_plain(rows, bands_of(layout, name), group, scale)
    slow_files = Counter(fill_others(rows, reader, patches, reading, scale))
    none = np.zeros(0, np.intp)
    return ScannedChunk(
        rows.table(), rows.counts(), reading.file_states, none, files, size, slow_files
    )


def scan_patches(root: Folder, patches: Sequence[PatchFolder]) -> pa.Table:
    """Rows of the inventory for a few patches of an archive, in their order."""
    if isinstance(root, TarFolder):
        reader = TarBandFileReader(root, len(patches), patches[0].layout)
        reader.load(patches)
        return measure_patches(reader, patches, None).rows
    return scan_chunk(root, patches[0].layout, Chunk(patches, None)).rows


class _Kept(threading.local):
    """The reader of a thread: threads that shared one would fill each other's buffers."""

    reader: BandFileReader | None = None


_kept = _Kept()


def _reader(root: Location, layout: Layout) -> BandFileReader:
    """One reader a thread: its buffers and its cache of headers serve all chunks."""
    kept = _kept.reader
    if kept is None or kept.root != root or kept.layout is not layout:
        kept = _kept.reader = band_file_reader(root, patches_per_chunk(layout), layout)
    return kept
