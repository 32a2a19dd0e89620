"""Rows of patches whose files come in any order, kept on disk until they can be sorted."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.inventory.scanning.rows import InventoryRows
from benkit.inventory.table.schema import INVENTORY_SCHEMA

_ROWS_PER_PART = 120_000


class TarRows:
    """Rows of bands, of which the last one of each band counts.

    Parameters
    ----------
    folder : Path
        Where parts are kept.
    layout : Layout
    """

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder, self._layout = folder, layout
        self._waiting: list[pa.Table] = []
        self._parts: list[pa.Table] = []
        self._keys: list[NDArray[np.int64]] = []

    def add(self, rows: pa.Table, keys: NDArray[np.int64]) -> None:
        """Add rows of bands; a key is (number of the patch) * (number of bands) + band."""
        self._keys.append(keys)
        self._waiting.append(rows)
        if sum(map(len, self._waiting)) >= _ROWS_PER_PART:
            self._write_part()

    def _write_part(self) -> None:
        """Move what waits to the disk, where it is seen without being read."""
        path = str(self._folder / f"{len(self._parts)}.arrow")
        table = pa.concat_tables([INVENTORY_SCHEMA.empty_table(), *self._waiting]).combine_chunks()
        with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as part:
            part.write_table(table)
        self._parts.append(pa.ipc.open_file(pa.memory_map(path)).read_all())
        self._waiting = []

    def finish(self, patches: int) -> None:
        """Find the last row of each band of so many patches."""
        self._write_part()
        bands = len(self._layout.bands)
        latest = np.full(patches * bands, -1)
        first = 0
        for keys in self._keys:
            latest[keys] = np.arange(first, first + len(keys))
            first += len(keys)
        self._latest = latest.reshape(patches, bands)
        self._edges = np.cumsum([0, *map(len, self._parts)])

    def rows_of(
        self,
        patches: Sequence[PatchFolder],
        numbers: NDArray[np.int64],
        strays: Sequence[Sequence[str]],
    ) -> pa.Table:
        """All rows of some patches, of which -1 is the number of those without any."""
        where = np.where(numbers[:, np.newaxis] < 0, -1, self._latest[numbers])
        there = where >= 0
        taken = self._taken(where[there])
        if there.all() and not any(strays):
            return taken
        lacking = InventoryRows(patches, self._layout)
        for row, names in enumerate(strays):
            for name in names:
                lacking.add_stray(row, name)
        table, counts = lacking.table(), lacking.counts()
        index = np.arange(len(table))
        of_bands = (np.cumsum(counts) - counts)[:, np.newaxis] + np.arange(where.shape[1])
        index[of_bands[there]] = len(table) + np.arange(len(taken))
        return pa.concat_tables([table, taken]).take(index)

    def _taken(self, rows: NDArray[np.int64]) -> pa.Table:
        of_part = np.searchsorted(self._edges, rows, "right") - 1
        pieces, order = [INVENTORY_SCHEMA.empty_table()], [np.zeros(0, np.int64)]
        for part in np.unique(of_part).tolist():
            places = np.flatnonzero(of_part == part)
            pieces.append(self._parts[part].take(rows[places] - self._edges[part]))
            order.append(places)
        table, places = pa.concat_tables(pieces), np.concatenate(order)
        return table if len(pieces) <= 2 else table.take(np.argsort(places))
