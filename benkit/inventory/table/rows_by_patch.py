"""Rows on disk, by the patch or the product that they are of."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benkit.inventory.table.parts import files_of_inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA


class RowsByPatch:
    """Rows of an earlier scan on disk, by patch.

    Parameters
    ----------
    files : sequence of path
        That hold the rows, in their order.
    patches : pyarrow.Table
        Where the rows of each patch start, and how many there are.
    is_whole : bool
        Whether these are an inventory that a scan would write again as it is.
    """

    def __init__(self, files: Sequence[Path], patches: pa.Table, *, is_whole: bool) -> None:
        self.patches, self.is_whole = patches, is_whole
        self._groups: list[tuple[Path, int]] = []
        sizes = [0]
        for path in files:
            file = pq.ParquetFile(path)
            if not file.schema_arrow.equals(INVENTORY_SCHEMA):
                raise ValueError("another kind of table")
            for group in range(file.metadata.num_row_groups):
                self._groups.append((path, group))
                sizes.append(file.metadata.row_group(group).num_rows)
        self._edges = np.cumsum(sizes)
        self._starts, self.counts = patches["start"].to_numpy(), patches["rows"].to_numpy()
        if len(patches) and int((self._starts + self.counts).max()) > self._edges[-1]:
            raise ValueError("the table has fewer rows than its patches")
        self._group = lru_cache(maxsize=2)(self._read_group)

    def _read_group(self, number: int) -> pa.Table:
        path, group = self._groups[number]
        return pq.ParquetFile(path).read_row_group(group)

    def rows(self, first: int, last: int) -> list[pa.Table]:
        """Rows of consecutive patches."""
        start, stop = self._starts[first], self._starts[last] + self.counts[last]
        group = int(np.searchsorted(self._edges, start, "right")) - 1
        pieces = []
        while start < stop:
            end = min(stop, self._edges[group + 1])
            pieces.append(self._group(group).slice(start - self._edges[group], end - start))
            start, group = end, group + 1
        return pieces


def identity_of(rows: Path) -> dict[str, str]:
    """What identifies a file of rows, or an inventory, in a later scan."""
    found = [path.stat() for path in files_of_inventory(rows)]
    modified = [str(status.st_mtime_ns) for status in found]
    return {"size": str(sum(status.st_size for status in found)), "modified": " ".join(modified)}


def rows_by_product(tables: Iterable[pa.Table]) -> Counter[str | None]:
    """How many rows of each product there are."""
    found: Counter[str | None] = Counter()
    for table in tables:
        for counted in pc.value_counts(table["product"]).to_pylist():
            found[counted["values"]] += counted["counts"]
    return found
