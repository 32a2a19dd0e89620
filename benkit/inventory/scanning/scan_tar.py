"""Scan an archive in a tar, as it was downloaded, in one pass from its beginning to its end.

The files of a patch may lie anywhere in the tar. Each is measured with others as it comes; its rows wait
on the disk until the tar is at its end, and are then written in the order of those of a folder.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.layout_file import LayoutLike
from benkit.archive.listing import list_archive
from benkit.archive.tar_band_reader import TarBandFileReader, strays_in_tar
from benkit.archive.tar_layout import TarPlaces, archive_in_tar
from benkit.domain.layout import Layout
from benkit.engine import Engine
from benkit.engine.progress import Report
from benkit.errors import InputFormatError, OptionError, without_name
from benkit.files.limits import LARGEST_FILE
from benkit.files.tar.folder import TarFolder, Tree, planted
from benkit.files.tar.headers import TarBreakError, TarMember
from benkit.files.tar.stream import TarStream, open_tar
from benkit.files.writing.replace import output_errors
from benkit.files.writing.staging import staging
from benkit.inventory.scanning.chunk import ScannedChunk, measure_patches, patches_per_chunk
from benkit.inventory.scanning.linear_power import require_decibels
from benkit.inventory.scanning.resume import remember_tar
from benkit.inventory.scanning.rows import closed_rows, stray_rows
from benkit.inventory.scanning.summary import ScanSummary
from benkit.inventory.scanning.tar_rows import TarRows
from benkit.inventory.table.inventory_writer import (
    CONTAINERS,
    require_same_archive,
    writing_inventory,
)

_HEAD_BYTES, _HEAD_MEMBERS = 2**25, 5000
_MEMBERS_PER_REPORT = 1000
_MOST_WORKERS = 8
_PATCHES_AT_ONCE = 5000

Seen = tuple[TarMember, memoryview | bytes]
"""A member, and its content, where it is a file of at most `LARGEST_FILE` bytes."""


class TarScan:
    """The running scan of a tar.

    Parameters
    ----------
    root : TarFolder
        The folder of the archive in the tar.
    layout : Layout
    folder : Path
        Where rows wait.
    workers : int
        How many threads measure.
    is_packed : bool
        Whether positions in the tar are of no use.
    scale : {"linear"}, optional
        As of `benkit.scan`.
    """

    def __init__(
        self,
        root: TarFolder,
        layout: Layout,
        folder: Path,
        workers: int,
        is_packed: bool,
        scale: str | None,
    ) -> None:
        self.places, self.rows = TarPlaces(root, layout), TarRows(folder, layout)
        self.files = self.bytes = 0
        self.slow_files: Counter[str] = Counter()
        self._layout, self._scale, self._is_packed = layout, scale, is_packed
        self._capacity = patches_per_chunk(layout)
        empty = TarFolder(root.tar, root.way, {})
        self._free = [TarBandFileReader(empty, self._capacity, layout) for _ in range(workers + 1)]
        self._filling: dict[int, int] = {}
        self._pool = ThreadPoolExecutor(workers, "benkit-scan")
        self._running: deque[tuple[Future[ScannedChunk], TarBandFileReader, list[int]]] = deque()

    def add(self, member: TarMember, content: memoryview | bytes) -> None:
        """Take a member, which is valid until this returns."""
        found = self.places.find(member)
        if found is None:
            return
        number, column, what = found
        row = self._filling.get(number)
        if row is None:
            if len(self._filling) == self._capacity:
                self._measure()
            row = self._filling[number] = len(self._filling)
        if what:
            self._free[-1].put_closed(row, column, what)
        else:
            self._free[-1].put(row, column, member.size, content, member.position)

    def _measure(self) -> None:
        """Let a thread measure what is in the buffers; there are free ones then."""
        if self._filling:
            reader, numbers = self._free.pop(), list(self._filling)
            patches = [self.places.patches[number] for number in numbers]
            work = self._pool.submit(measure_patches, reader, patches, self._scale)
            self._running.append((work, reader, numbers))
            self._filling = {}
        if not self._free:
            self._collect()

    def _collect(self) -> None:
        """Wait for the oldest measurement, and keep its rows."""
        work, reader, numbers = self._running.popleft()
        scanned = work.result()
        bands = len(self._layout.bands)
        there = _of_bands(reader.sizes[: len(numbers)] >= 0, bands)
        positions = _of_bands(reader.positions[: len(numbers)], bands)
        keys = np.add.outer(np.array(numbers) * bands, np.arange(bands)).ravel()
        rows = _in_tar(scanned.rows, None if self._is_packed else positions)
        self.rows.add(rows if there.all() else rows.filter(pa.array(there)), keys[there])
        self.files += scanned.files
        self.bytes += scanned.bytes
        self.slow_files.update(scanned.slow_files)
        reader.clear()
        self._free.append(reader)

    def finish(self) -> None:
        """Measure what is left."""
        self._measure()
        while self._running:
            self._collect()
        self.rows.finish(len(self.places.patches))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def write(self, output: Path, fault: TarBreakError | None, start: float) -> ScanSummary:
        """Write the inventory, with a row for the fault at which the tar breaks off, if there is one."""
        places, layout = self.places, self._layout
        listing = list_archive(places.root, layout)
        numbers = {patch: number for number, patch in enumerate(places.patches)}
        closed = {**dict(listing.closed), **places.closed}
        if fault:
            tar = places.root.tar
            closed[tar.name] = without_name(fault, tar)
        with writing_inventory(output, layout, CONTAINERS[self._is_packed]) as inventory:
            inventory.write(closed_rows(sorted(closed.items())))
            inventory.write(stray_rows((None, path) for path in listing.strays))
            for first in range(0, len(listing.patches), _PATCHES_AT_ONCE):
                some = listing.patches[first : first + _PATCHES_AT_ONCE]
                known = np.array([numbers.get(patch, -1) for patch in some])
                strays = [strays_in_tar(places.root, patch) for patch in some]
                inventory.write(self.rows.rows_of(some, known, strays))
        assert inventory.rows >= len(listing.patches) * len(layout.bands), "every band has a row"
        return ScanSummary(
            layout.name,
            len(listing.patches),
            inventory.rows,
            len(closed),
            0,
            self.files,
            self.bytes,
            dict(sorted(self.slow_files.items())),
            time.monotonic() - start,
            inventory.changes,
        )


def scan_tar(
    tar: Path,
    output: Path,
    layout: LayoutLike,
    *,
    engine: Engine | None,
    scale: str | None,
    append: bool,
    report: Report,
) -> ScanSummary:
    """Scan a tar into an inventory.

    Raises
    ------
    TarBreakError
        If the tar is damaged or not whole; the inventory has the rows of what lies before.
    """
    start = time.monotonic()
    engine = engine or Engine()
    if engine.name != "processes":
        raise OptionError(f"{tar}: a tar is read on one machine; leave out --engine {engine.name}")
    with ExitStack() as stack:
        stream = stack.enter_context(open_tar(tar))
        members = _contents(stream)
        head, fault = _head(members)
        try:
            root, found = archive_in_tar(tar, _tree_of(head), layout)
        except InputFormatError as error:
            raise fault or error from None
        if scale is not None:
            require_decibels(found, scale, str(tar))
        stack.enter_context(output_errors(output))
        output.parent.mkdir(parents=True, exist_ok=True)
        folder = stack.enter_context(staging(output.parent, output.name))
        workers = engine.local_workers(_MOST_WORKERS)
        scanning = TarScan(root, found, folder, workers, stream.is_packed, scale)
        stack.callback(scanning.close)
        try:
            for number, (member, content) in enumerate(chain(head, members)):
                scanning.add(member, content)
                if number % _MEMBERS_PER_REPORT == 0:
                    report(stream.done(), stream.size, stream.done())
        except TarBreakError as error:
            fault = error
        scanning.finish()
        if append:
            require_same_archive(output, found, (one.product for one in scanning.places.patches))
        report(stream.done(), stream.size, stream.done())
        summary = scanning.write(output, fault, start)
        remember_tar(output, tar)
    if fault:
        raise TarBreakError(
            f"{fault}; {output} tells of the {summary.patches:,} patches before that place"
        ) from fault
    return summary


def _contents(stream: TarStream) -> Iterator[Seen]:
    for member in stream.members():
        is_file = not (member.is_folder or member.why_closed) and member.size <= LARGEST_FILE
        yield member, stream.content(member) if is_file else b""


def _head(members: Iterator[Seen]) -> tuple[list[Seen], TarBreakError | None]:
    """The first members, and why there are no more, if the tar breaks off."""
    head: list[Seen] = []
    size = 0
    try:
        for member, content in members:
            head.append((member, bytes(content)))
            size += len(content)
            if size >= _HEAD_BYTES or len(head) >= _HEAD_MEMBERS:
                break
    except TarBreakError as error:
        return head, error
    return head, None


def _tree_of(head: list[Seen]) -> Tree:
    """The files among some members, with their content."""
    tree: Tree = {}
    for member, content in head:
        parts = member.parts
        if parts and not member.is_folder:
            planted(tree, parts[:-1])[parts[-1]] = member.why_closed or bytes(content)
    return tree


def _of_bands(values: NDArray, bands: int) -> NDArray:
    """What is known of each file, for each band of it."""
    return np.repeat(values, bands // values.shape[1], axis=1).ravel()


def _in_tar(rows: pa.Table, positions: NDArray[np.int64] | None) -> pa.Table:
    """The same rows with offsets in the tar: of the pixels of plain files, of others of the content."""
    column = rows.schema.get_field_index("offset")
    field = rows.schema.field(column)
    if positions is None:
        return rows.set_column(column, field, pa.nulls(len(rows), field.type))
    offsets = rows["offset"].fill_null(0).to_numpy() + positions
    return rows.set_column(column, field, pa.array(offsets, field.type, mask=positions < 0))
