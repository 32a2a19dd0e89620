"""Write an inventory row group by row group: into one file, or into one a product."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benkit import __version__
from benkit.domain.layout import Layout
from benkit.errors import InputFormatError
from benkit.files.remote.location import Location
from benkit.files.safe_names import printable, some_names
from benkit.files.writing.replace import output_errors, replacing
from benkit.files.writing.staging import holding, staging
from benkit.inventory.table.parts import (
    HEAD,
    PART_SUFFIX,
    Part,
    PartChanges,
    head_of,
    is_in_parts,
    naming_parts,
    parts_by_product,
)
from benkit.inventory.table.schema import INVENTORY_SCHEMA, VERSION

LAYOUT, DESCRIPTION = "benkit:layout", "benkit:layout_description"
CONTAINER = "benkit:container"
CONTAINERS = ("tar", "packed tar")
"""What an archive that is no folder lies in; offsets are positions in it, null where it is packed."""

_ROWS_PER_GROUP = 120_000
_NEXT = "next.parquet"
_ELSE = "scan into another folder, or leave out --append to replace the inventory"


class InventoryWriter:
    """Collects rows and writes them in groups of a fixed size; ``rows`` is their number so far."""

    changes: PartChanges | None = None

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.rows = 0
        repeating = [field.name for field in schema if field.type != pa.uint64()]
        self._file = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=repeating)
        self._waiting = INVENTORY_SCHEMA.empty_table()

    def write(self, rows: pa.Table) -> None:
        """Add rows with the columns of `INVENTORY_SCHEMA`."""
        self.rows += len(rows)
        self._waiting = pa.concat_tables([self._waiting, rows])
        while len(self._waiting) >= _ROWS_PER_GROUP:
            self._file.write_table(self._waiting.slice(0, _ROWS_PER_GROUP))
            self._waiting = self._waiting.slice(_ROWS_PER_GROUP)

    def finish(self, metadata: Mapping[str, str] | None = None) -> None:
        """Write the last group, and what the file is to say beside its schema."""
        if len(self._waiting):
            self._file.write_table(self._waiting)
        if metadata:
            self._file.add_key_value_metadata(dict(metadata))
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class PartsWriter:
    """Writes the rows of each product into a file of its own, in a folder.

    Parameters
    ----------
    folder : path
    schema : pyarrow.Schema
        With the metadata of each file.
    kept : mapping of str to Part
        Parts that stay as they are: rows of these products are counted and not written.

    Attributes
    ----------
    rows : int
    parts : dict of str to Part
        So far, by product.
    changes : PartChanges or None
        What has become of earlier parts, when all is written.
    """

    def __init__(self, folder: Path, schema: pa.Schema, kept: Mapping[str, Part]) -> None:
        self.rows = 0
        self.parts: dict[str, Part] = {}
        self.changes: PartChanges | None = None
        self._folder, self._schema, self._kept = folder, schema, kept
        self._head = InventoryWriter(folder / HEAD, schema)
        self._product: str | None = None
        self._part: InventoryWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Add rows with the columns of `INVENTORY_SCHEMA`: those of no product, then one by one."""
        self.rows += len(rows)
        products = rows["product"].combine_chunks().dictionary_encode()
        codes = products.indices.fill_null(-1).to_numpy()
        begins = np.flatnonzero(np.diff(codes, prepend=-2)).tolist()
        for begin, end in pairwise([*begins, len(rows)]):
            product = products[begin].as_py()
            if product != self._product:
                self._finish_part()
                assert product is not None and product not in self.parts, "products are in order"
                self._product = product
                if product in self._kept:
                    self.parts[product] = self._kept[product]
                else:
                    self._part = InventoryWriter(self._folder / _NEXT, self._schema)
            if product is None:
                self._head.write(rows.slice(begin, end - begin))
            elif self._part:
                self._part.write(rows.slice(begin, end - begin))

    def _finish_part(self) -> None:
        """Give the part that is written its name."""
        if self._part and self._product is not None:
            self._part.finish()
            path = self._folder / _NEXT
            part = self.parts[self._product] = Part.of(self._product, self._part.rows, path)
            path.rename(path.with_name(part.file))
            self._part = None

    def finish(self) -> None:
        """Write the last part, and the head, which names all."""
        self._finish_part()
        self._head.finish(naming_parts(self.parts))

    def close(self) -> None:
        """Close the files."""
        self._head.close()
        if self._part:
            self._part.close()


@contextmanager
def writing_inventory(
    path: Location,
    layout: Layout,
    container: str | None = None,
    kept_rows: Mapping[str, int] | None = None,
) -> Iterator[InventoryWriter | PartsWriter]:
    """Write an inventory that appears, or replaces an earlier one, when all went well.

    Parameters
    ----------
    path : Location
        A .parquet file, or a folder, which gets a part for each product.
    layout : Layout
    container : str, optional
        What the archive lies in, of `CONTAINERS`.
    kept_rows : mapping of str to int, optional
        How many rows of a product are as they were in the earlier inventory; a part of no others stays
        as it is.
    """
    made = {"benkit:inventory_version": str(VERSION)} | made_from(layout)
    made |= {CONTAINER: container} if container else {}
    schema = INVENTORY_SCHEMA.with_metadata(made)
    if isinstance(path, Path) and is_in_parts(path):
        with _writing_parts(path, schema, kept_rows or {}) as writer:
            yield writer
        return
    with replacing(path) as part, closing(InventoryWriter(part, schema)) as writer:
        yield writer
        writer.finish()


@contextmanager
def _writing_parts(
    path: Path, schema: pa.Schema, kept_rows: Mapping[str, int]
) -> Iterator[PartsWriter]:
    """Write parts beside the folder and move them into it; the new head makes them the inventory."""
    target = Path(os.path.realpath(path))
    with ExitStack() as stack:
        stack.enter_context(output_errors(path))
        target.mkdir(parents=True, exist_ok=True)
        stack.enter_context(holding(target, wait=True))  # else others remove what we move there
        old = parts_by_product(target)
        kept = {
            product: part
            for product, part in old.items()
            if kept_rows.get(product) == part.rows and _is_made_alike(target / part.file, schema)
        }
        stage = stack.enter_context(staging(target.parent, target.name))
        writer = stack.enter_context(closing(PartsWriter(stage, schema, kept)))
        yield writer
        writer.finish()
        for file in sorted(stage.glob(f"*{PART_SUFFIX}")):
            file.replace(target / file.name)
        (stage / HEAD).replace(target / HEAD)
        named = {part.file for part in writer.parts.values()}
        with suppress(OSError):  # what the head does not name is none of it
            for file in target.glob(f"*{PART_SUFFIX}"):
                if file.name not in named:
                    file.unlink()
        writer.changes = PartChanges.between(old, writer.parts)


def _is_made_alike(part: Path, schema: pa.Schema) -> bool:
    """Whether a new part of the same rows would have the same bytes."""
    with suppress(OSError, pa.ArrowException):
        return pq.read_schema(part).equals(schema, check_metadata=True)
    return False


def made_from(layout: Layout) -> dict[str, str]:
    """What the metadata of a file say of an archive and of what has written the file."""
    made = {LAYOUT: layout.name, "benkit:made_by": f"benkit {__version__}"}
    return made | ({DESCRIPTION: layout.text} if layout.text else {})


def require_same_archive(output: Path, layout: Layout, products: Iterable[str]) -> None:
    """Refuse to bring an inventory in parts up to date that is of another archive.

    Raises
    ------
    InputFormatError
        If it is of another layout, or of none of the products.
    """
    if not (old := parts_by_product(output)):
        return
    said = pq.read_schema(head_of(output)).metadata or {}
    for key in (LAYOUT, DESCRIPTION):
        if said.get(key.encode(), b"").decode() != made_from(layout).get(key, ""):
            raise InputFormatError(
                f"{output}: expected an inventory of an archive with the layout {layout.name}, but its "
                f"layout is {said.get(LAYOUT.encode(), b'').decode()}, or was described otherwise; "
                f"{_ELSE}"
            )
    if old.keys().isdisjoint(map(printable, products)):
        raise InputFormatError(
            f"{output}: expected an inventory of the archive, but of its {len(old):,} products, such as "
            f"{some_names([next(iter(old))])}, none is there; {_ELSE}"
        )
