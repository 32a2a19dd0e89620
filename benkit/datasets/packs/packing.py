"""Write chosen patches of an archive as a pack."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.datasets.arrays.file_index import FileIndex, index_files
from benkit.datasets.arrays.tar_patch_reader import patch_reader
from benkit.datasets.packs.arrow_file import (
    PACK_COLUMNS,
    pack_file_name,
    pack_schema,
    patches_per_file,
    write_arrow_file,
)
from benkit.datasets.packs.lmdb_file import (
    LMDB_FILE,
    PATCHES_PER_VALUES,
    require_keys,
    require_same_lmdb,
    write_lmdb,
)
from benkit.datasets.packs.pack_part import PackPart
from benkit.engine import Engine, run
from benkit.errors import InputFormatError, OutputError
from benkit.files.remote.location import Location
from benkit.files.safe_names import some_names
from benkit.files.writing.replace import output_errors
from benkit.inventory.table.in_tar import files_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory

PACK_FORMATS = ("arrow", "lmdb")

Written = Iterator[tuple[int, int, int]]
"""Files that were written, their bytes, and of how many patches they are."""


@dataclass(frozen=True, eq=False)
class Packing:
    """How patches are packed.

    Attributes
    ----------
    format : str
        Of `PACK_FORMATS`.
    inventory : Inventory
    root : Location
        The folder of its archive.
    index : FileIndex
        Of all its patches and bands.
    verify : bool
        Whether what was written is read back, and its pixels held against the inventory.
    engine : Engine or None
    """

    format: str
    inventory: Inventory
    root: Location
    index: FileIndex
    verify: bool
    engine: Engine | None

    @classmethod
    def of(
        cls,
        kind: str,
        inventory: Inventory,
        root: Location,
        patches: pa.Table,
        *,
        verify: bool,
        engine: Engine | None,
    ) -> "Packing":
        """How to pack some patches of an archive, named by ``product`` and ``patch_id``.

        Raises
        ------
        InputFormatError
            If patches are not as the layout has them, or the inventory does not tell of pixels.
        """
        if verify:
            inventory.require_pixel_hashes()
        made = cls(
            kind,
            inventory,
            root,
            index_files(inventory, inventory.layout.band_names),
            verify,
            engine,
        )
        some = made.index.take(made._rows(patches))
        _require_alike(some, inventory.name)
        if kind == "lmdb":
            require_keys(sorted(some.patch_ids.to_pylist()), inventory.name)
        else:
            pack_schema(inventory.layout, len(some))
        return made

    def columns(self, patches: pa.Table, metadata: pa.Table | None, side: str) -> pa.Table:
        """What a pack tells of some patches beside their pixels: the columns of `PACK_COLUMNS`.

        The sides are those of the column ``split`` of the metadata; without one, ``side`` is the side of
        all, or empty.
        """
        index = self.index.take(self._rows(patches))
        labels = pa.nulls(len(index), PACK_COLUMNS.field("labels").type)
        split = pa.array([side or None] * len(index), pa.string())
        if metadata is not None:
            own = self.inventory.layout.metadata_id
            names = metadata[own if own in metadata.column_names else "patch_id"]
            rows = pc.index_in(index.patch_ids, names.cast(pa.string()).combine_chunks())
            labels = _taken(metadata, "labels", rows, labels)
            split = _taken(metadata, "split", rows, split)
        products = index.products.cast(pa.string())
        return pa.table([index.patch_ids, products, labels, split], schema=PACK_COLUMNS)

    def plan(self, columns: pa.Table) -> str:
        """A text that is another one if what files of a pack hold beside the pixels is another."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, columns.schema) as stream:
            stream.write(columns.combine_chunks())
        return f"{self.format} {hashlib.sha256(sink.getvalue()).hexdigest()}"

    def write(self, folder: Path, name: str, patches: pa.Table, columns: pa.Table) -> Written:
        """Write the inventory of some patches into a folder, and their pack into one below it."""
        index = self.index.take(self._rows(patches))
        hashes = self._write_inventory(folder / "inventory.parquet", patches, len(index))
        (folder / name).mkdir(parents=True, exist_ok=True)
        write = self._write_arrow if self.format == "arrow" else self._write_lmdb
        return write(folder / name, index, hashes, columns)

    def _write_arrow(
        self, folder: Path, index: FileIndex, hashes: NDArray[np.uint64], columns: pa.Table
    ) -> Written:
        schema, at_once = pack_schema(index.layout, len(index)), patches_per_file(index.layout)
        parts = self._parts(index, hashes, columns, at_once)
        work = [(folder / pack_file_name(i), part) for i, part in enumerate(parts)]
        made = run(partial(write_arrow_file, schema, self.verify), work, self.engine)
        for (path, part), _ in zip(work, made, strict=True):
            yield 1, _size(path), len(part)

    def _write_lmdb(
        self, folder: Path, index: FileIndex, hashes: NDArray[np.uint64], columns: pa.Table
    ) -> Written:
        order = np.asarray(pc.sort_indices(index.patch_ids))
        parts = self._parts(
            index.take(order), hashes[order], columns.take(pa.array(order)), PATCHES_PER_VALUES
        )
        done = 0
        with output_errors(folder):
            for written in write_lmdb(folder, parts, index.layout, self.engine):
                yield 0, 0, written - done
                done = written
            for _ in require_same_lmdb(folder, parts, self.engine) if self.verify else ():
                pass
        yield 1, _size(folder / LMDB_FILE), len(index) - done

    def _parts(
        self, index: FileIndex, hashes: NDArray[np.uint64], columns: pa.Table, at_once: int
    ) -> list[PackPart]:
        parts = []
        for start in range(0, len(index), at_once):
            rows = np.arange(start, min(start + at_once, len(index)))
            reader = patch_reader(index.take(rows), self.root)
            some = columns.slice(start, at_once).combine_chunks()
            parts.append(PackPart(reader, hashes[rows], some))
        return parts

    def _rows(self, patches: pa.Table) -> NDArray[np.int64]:
        """Rows of the index of some patches, ascending."""
        own = pa.table(
            [self.index.products, self.index.patch_ids],
            names=["product", "patch_id"],
        )
        keys, wanted = (
            pc.binary_join_element_wise(
                table["product"].cast(pa.string()), table["patch_id"], "/"
            ).combine_chunks()
            for table in (own, patches)
        )
        return np.flatnonzero(np.asarray(pc.is_in(keys, wanted)))

    def _write_inventory(self, path: Path, patches: pa.Table, number: int) -> NDArray[np.uint64]:
        """Write the rows of some patches; returns the fingerprints of their pixels: (patches, bands)."""
        hashes = []
        with writing_inventory(path, self.inventory.layout) as writer:
            for rows, _ in files_of(self.inventory, patches):
                writer.write(rows)
                hashes.append(rows["pixel_hash"].combine_chunks().fill_null(0).to_numpy())
        found = np.concatenate(hashes)
        if len(found) != number * len(self.index.bands):
            raise InputFormatError(
                f"{self.inventory.name}: expected a row for each band of a patch, but there are others; "
                "scan the archive again"
            )
        return found.reshape(number, -1)


def _taken(table: pa.Table, name: str, rows: pa.Array, otherwise: pa.Array) -> pa.Array:
    """Some rows of a column, as a pack has it, if the table has the column."""
    if name not in table.column_names:
        return otherwise
    return table[name].take(rows).cast(otherwise.type).combine_chunks()


def _require_alike(index: FileIndex, name: str) -> None:
    """Refuse patches with a band that cannot be read, or of another size or type than the layout has."""
    bands = [index.layout.bands[band] for band in index.bands]
    fits = [
        [
            (kind.width, kind.height, kind.dtype) == (one.width, one.height, one.dtype)
            for one in bands
        ]
        for kind in index.kinds
    ]
    fits.append([False] * len(bands))  # of the number -1
    wrong = ~np.array(fits)[index.kind, np.arange(len(bands))].all(1)
    if wrong.any():
        ids = index.patch_ids.filter(pa.array(wrong))
        raise InputFormatError(
            f"{name}: expected patches whose bands all have the size and type of the layout "
            f"{index.layout.name}, as a pack needs, but {len(ids):,} of {len(index):,} have not, such "
            f"as {some_names(ids[:1].to_pylist())}; leave out patches with findings: benkit audit "
            "--findings FINDINGS, then benkit export --exclude FINDINGS"
        )


def _size(path: Path) -> int:
    """Length of a file that a worker has written."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        raise OutputError(
            f"{path}: was written, but is not here: workers on other machines need a file system that "
            "is shared; write there, or use --engine processes"
        ) from None
