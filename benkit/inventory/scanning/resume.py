"""A scan's cache: the rows of interrupted and earlier scans, which the next one need not read again.

Beside an inventory ``x.parquet`` a scan keeps a folder ``.x.parquet.scan``. While it runs, its rows are
put there in parts; when it is done, the parts become the inventory and only ``patches.parquet`` stays: a
fingerprint of the state of each patch's files, by which the next scan sees what has changed. The folder
can be deleted at any time; then the next scan reads everything.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.errors import BenkitError, OutputError
from benkit.files.safe_names import printable
from benkit.files.writing.replace import output_errors, replacing
from benkit.files.writing.staging import holding
from benkit.inventory.table.inventory_writer import writing_inventory
from benkit.inventory.table.parts import PartChanges, files_of_inventory
from benkit.inventory.table.rows_by_patch import RowsByPatch, identity_of, rows_by_product
from benkit.inventory.table.schema import INVENTORY_SCHEMA, without_linear_sums

ROWS_PER_PART = 120_000
"""Rows of a part that is written while a scan runs."""

_FORMAT = "2"
_FINISHED = "patches.parquet"
_SECONDS_PER_PART = 5.0
_PATCHES_SCHEMA = pa.schema(
    {"key": pa.string(), "file_state": pa.uint64(), "start": pa.int64(), "rows": pa.int64()}
)


@dataclass(frozen=True)
class Known:
    """Rows of some patches that earlier scans have left.

    Attributes
    ----------
    file_state : (n,) uint64 array
        State of each patch's files when its rows were made; 0 where there are none.
    source, index : (n,) int32 array
        Index of the earlier file that has the rows, and of the patch in it.
    """

    file_state: NDArray[np.uint64]
    source: NDArray[np.int32]
    index: NDArray[np.int32]


class ScanState:
    """The rows of a running scan, and those of earlier ones. Made by `scan_state`."""

    def __init__(
        self, output: Path, archive: str, folder: Path, layout: Layout, scale: str | None
    ) -> None:
        self.rows = 0
        self._output, self._folder = output, folder
        self._layout, self._scale = layout, scale
        self._stamp = {"format": _FORMAT, "archive": printable(archive)} | _stated(layout, scale)
        self._name = f"{time.time_ns():020d}"
        self._parts: list[Path] = []
        self._earlier: list[RowsByPatch] = []
        self.changes: PartChanges | None = None
        self._of_product, self._kept_rows = Counter[str | None](), Counter[str | None]()
        self._clear()

    def _clear(self) -> None:
        self._waiting: list[pa.Table] = []
        self._patches: list[pa.Table] = []
        self._rows_waiting = 0
        self._last = time.monotonic()

    def known(self, patches: Sequence[PatchFolder]) -> Known:
        """Look up what earlier scans of the same archive have left, the latest first."""
        n = len(patches)
        known = Known(np.zeros(n, np.uint64), np.zeros(n, np.int32), np.zeros(n, np.int32))
        keys = _keys(patches)
        for source, earlier in enumerate(self._load_earlier()):
            found = pc.index_in(keys, earlier.patches["key"].combine_chunks())
            there = np.asarray(found.is_valid())
            index = found.drop_null().to_numpy()
            known.file_state[there] = earlier.patches["file_state"].to_numpy()[index]
            known.source[there] = source
            known.index[there] = index
        return known

    def _load_earlier(self) -> list[RowsByPatch]:
        """The finished inventory, then parts of interrupted scans from old to new."""
        files = [(self._output, self._folder / _FINISHED)]
        files += [
            (rows, rows.with_suffix(".patches")) for rows in sorted(self._folder.glob("*.rows"))
        ]
        for rows, patches in files:
            with suppress(OSError, ValueError, KeyError, BenkitError, pa.ArrowException):
                table = pq.ParquetFile(pa.BufferReader(patches.read_bytes())).read()
                stamp = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
                wanted = self._stamp | identity_of(rows)
                if stamp in (wanted, wanted | {"scale": "linear"}):  # more sums than asked for do
                    is_whole = rows == self._output and stamp == wanted
                    self._earlier.append(
                        RowsByPatch(files_of_inventory(rows), table, is_whole=is_whole)
                    )
        return self._earlier

    def earlier_rows(
        self, known: Known, patches: NDArray[np.intp]
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """Known rows of some patches, in their order; and how many each patch has."""
        source, index = known.source[patches], known.index[patches]
        counts = np.zeros(len(patches), np.int64)
        runs_on = (np.diff(source) == 0) & (np.diff(index) == 1)
        pieces = [INVENTORY_SCHEMA.empty_table()]
        for run in np.split(np.arange(len(patches)), np.flatnonzero(~runs_on) + 1):
            if len(run):
                earlier = self._earlier[source[run[0]]]
                counts[run] = earlier.counts[index[run]]
                found = earlier.rows(int(index[run[0]]), int(index[run[-1]]))
                pieces += found
                if earlier.is_whole:
                    self._kept_rows.update(rows_by_product(found))
        rows = pa.concat_tables(pieces)
        return rows if self._scale else without_linear_sums(rows), counts

    def add(
        self,
        rows: pa.Table,
        patches: Sequence[PatchFolder] = (),
        file_states: NDArray[np.uint64] | None = None,
        counts: NDArray[np.int64] | None = None,
    ) -> None:
        """Add rows without a patch, or those of some patches: all patches must come in order.

        Parameters
        ----------
        counts : (patches,) int64 array
            Number of rows of each patch.
        """
        if len(patches):
            assert counts is not None, "patches come with the number of their rows"
            assert counts.sum() == len(rows), "every row belongs to one of the patches"
            starts = self.rows + np.cumsum(counts) - counts
            columns = [_keys(patches), file_states, starts, counts]
            self._patches.append(pa.table(columns, schema=_PATCHES_SCHEMA))
        self._waiting.append(rows)
        self._of_product.update(rows_by_product([rows]))
        self.rows += len(rows)
        self._rows_waiting += len(rows)
        late = time.monotonic() - self._last > _SECONDS_PER_PART
        if self._rows_waiting >= ROWS_PER_PART or late:
            self._write_part()

    def _write_part(self) -> None:
        """Write the rows since the last part into the next one."""
        rows = self._folder / f"{self._name}-{len(self._parts):06d}.rows"
        with replacing(rows, part_of=self._output) as part:
            table = pa.concat_tables(self._waiting)
            pq.write_table(
                table, part, compression="lz4", use_dictionary=False, write_statistics=False
            )
        first = self.rows - self._rows_waiting
        self._write_patches(rows.with_suffix(".patches"), self._patches, rows, first)
        self._parts.append(rows)
        self._clear()

    def _write_patches(self, path: Path, tables: list[pa.Table], rows: Path, first: int) -> None:
        """Write which patches have rows in a file, whose first row has this index among all."""
        table = _moved(pa.concat_tables([_PATCHES_SCHEMA.empty_table(), *tables]), -first)
        with replacing(path, part_of=self._output) as part:
            pq.write_table(
                table.replace_schema_metadata(self._stamp | identity_of(rows)),
                part,
                compression="zstd",
            )

    def interrupt(self) -> None:
        """Keep the rows so far, if the disk allows it."""
        with suppress(BenkitError, OSError):
            if self._rows_waiting:
                self._write_part()

    def finish(self) -> None:
        """Turn the parts into the inventory."""
        patches = [*self._patches_of_parts(), *self._patches]
        kept = {
            product: rows
            for product, rows in self._kept_rows.items()
            if product is not None and rows == self._of_product[product]
        }
        with writing_inventory(self._output, self._layout, None, kept) as inventory:
            for rows in self._parts:
                inventory.write(pq.ParquetFile(rows).read())
            for table in self._waiting:
                inventory.write(table)
        assert inventory.rows == self.rows, "no row is lost between the parts and the inventory"
        self.changes = inventory.changes
        self._earlier.clear()
        with suppress(BenkitError, OSError):  # the inventory is whole; this only spares time
            for path in self._folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            self._write_patches(self._folder / _FINISHED, patches, self._output, 0)

    def _patches_of_parts(self) -> Iterator[pa.Table]:
        """Patches of each part, and where their rows start in the inventory."""
        first = 0
        for rows in self._parts:
            table = pq.ParquetFile(rows.with_suffix(".patches")).read()
            yield _moved(table.replace_schema_metadata(None), first)
            first += pq.read_metadata(rows).num_rows


@contextmanager
def scan_state(
    output: Path, archive: str, layout: Layout, scale: str | None
) -> Iterator[ScanState]:
    """Collect the rows of a scan; the inventory appears, or is replaced, when all went well.

    When the body is interrupted or fails, what it has added is kept for the next scan, and an earlier
    inventory stays as it is. Rows of scans of another archive are not used. Another scan of the same
    output is an `OutputError`.
    """
    with ExitStack() as stack:
        state = ScanState(output, archive, _enter_folder(output, stack), layout, scale)
        try:
            yield state
        except BaseException:
            state.interrupt()
            raise
        state.finish()


def remember_tar(inventory: Path, tar: Path) -> None:
    """Note which tar an inventory was scanned from, for `scanned_folder`; its rows are no cache."""
    folder = inventory.with_name(f".{inventory.name}.scan")
    with suppress(BenkitError, OSError):  # the inventory is whole
        folder.mkdir(exist_ok=True)
        stamp = {"archive": printable(str(tar.resolve()))} | identity_of(inventory)
        with replacing(folder / _FINISHED, part_of=inventory) as part:
            pq.write_table(_PATCHES_SCHEMA.empty_table().replace_schema_metadata(stamp), part)


def scanned_folder(inventory: Path) -> Path | None:
    """The folder or tar that an inventory was scanned from, if the cache beside it tells."""
    patches = inventory.with_name(f".{inventory.name}.scan") / _FINISHED
    with suppress(OSError, ValueError, KeyError, BenkitError, pa.ArrowException):
        found = pq.read_schema(pa.BufferReader(patches.read_bytes())).metadata or {}
        stamp = {key.decode(): value.decode() for key, value in found.items()}
        if identity_of(inventory).items() <= stamp.items() and Path(stamp["archive"]).exists():
            return Path(stamp["archive"])
    return None


def _enter_folder(output: Path, stack: ExitStack) -> Path:
    """The folder of a scan's state, for this scan alone until the stack is left."""
    folder = output.with_name(f".{output.name}.scan")
    with output_errors(output):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            stack.enter_context(holding(folder))
        except BlockingIOError:
            raise OutputError(
                f"{output}: another scan is writing it; wait until that is done, "
                "or scan into another file"
            ) from None
    return folder


def _stated(layout: Layout, scale: str | None) -> dict[str, str]:
    """What tells rows of another layout or scale; nothing for those that there were first."""
    stated = {} if layout is BIGEARTHNET_S2 else {"layout": layout.text or layout.name}
    return stated | ({} if scale is None else {"scale": scale})


def _keys(patches: Sequence[PatchFolder]) -> pa.Array:
    return pa.array([printable(patch.key) for patch in patches], pa.string())


def _moved(patches: pa.Table, rows: int) -> pa.Table:
    """The same patches with rows that start so many rows later."""
    starts = pa.array(patches["start"].to_numpy() + rows)
    return patches.set_column(_PATCHES_SCHEMA.get_field_index("start"), "start", starts)
