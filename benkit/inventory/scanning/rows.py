"""Build the rows of an inventory from the files of some patches."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.files.safe_names import printable
from benkit.inventory.table.schema import INVENTORY_SCHEMA

Rows = int | NDArray[np.intp]


class InventoryRows:
    """Rows of some patches, in their order: every band is missing until its row is filled."""

    def __init__(self, patches: Sequence[PatchFolder], layout: Layout) -> None:
        self._patches = patches
        self._bands = layout.band_names
        shape = (len(patches), len(self._bands))
        self._texts = {
            field.name: np.full(shape, None, object)
            for field in INVENTORY_SCHEMA
            if pa.types.is_string(field.type)
        }
        self._texts["patch_id"].T[:] = [printable(patch.patch_id) for patch in patches]
        self._texts["product"].T[:] = [printable(patch.product) for patch in patches]
        self._texts["band"][:] = self._bands
        self._texts["status"][:] = "missing"
        self._numbers = {
            field.name: np.zeros(shape, field.type.to_pandas_dtype())
            for field in INVENTORY_SCHEMA
            if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        }
        self._numbers["sum_sq"] = np.zeros((*shape, 2), np.int64)
        self._filled = {name: np.zeros(shape, bool) for name in self._numbers}
        self._strays: list[tuple[int, str]] = []

    def fill(self, rows: Rows, band: str | Sequence[str], **values: Any) -> None:
        """Fill in columns of a band, or of bands one after the other, for the patches at some indices.

        Parameters
        ----------
        **values
            By column, one for all patches or an array of one for each; for several bands an array of
            (patches, bands) or (patches, 1). None leaves it as it is. ``sum_sq`` is an int below
            2**127, or an int64 array.
        """
        if isinstance(band, str):
            column: int | slice = self._bands.index(band)
        else:
            first = self._bands.index(band[0])
            column = slice(first, first + len(band))
        where = _slice(rows), column
        for name, value in values.items():
            if value is None:
                continue
            if name in self._texts:
                self._texts[name][where] = value
            else:
                if name == "sum_sq":
                    value = _words(value)
                self._numbers[name][where] = value
                self._filled[name][where] = True

    def add_stray(self, row: int, name: str) -> None:
        """Add a row for a file in a patch's folder that is none of its bands."""
        self._strays.append((row, name))

    def counts(self) -> NDArray[np.int64]:
        """Number of rows of each patch."""
        strays = np.array([row for row, _ in self._strays], np.intp)
        return len(self._bands) + np.bincount(strays, minlength=len(self._patches))

    def table(self) -> pa.Table:
        """All rows: by patch the bands in order, then the strays."""
        columns = [self._column(field) for field in INVENTORY_SCHEMA]
        bands = pa.Table.from_arrays(columns, schema=INVENTORY_SCHEMA)
        if not self._strays:
            return bands
        strays = stray_rows(
            (self._patches[row], f"{self._patches[row].path}/{name}") for row, name in self._strays
        )
        of_bands = np.repeat(np.arange(len(self._patches)), len(self._bands))
        patch = np.concatenate([of_bands, [row for row, _ in self._strays]])
        return pa.concat_tables([bands, strays]).take(np.argsort(patch, kind="stable"))

    def _column(self, field: pa.Field) -> pa.Array:
        if field.name in self._texts:
            return pa.array(self._texts[field.name].reshape(-1), field.type)
        filled = self._filled[field.name].reshape(-1)
        values = self._numbers[field.name]
        if field.name == "sum_sq":
            return _decimals(values.reshape(-1, 2), filled)
        return pa.array(values.reshape(-1), field.type, mask=~filled)


def stray_rows(strays: Iterable[tuple[PatchFolder | None, str]]) -> pa.Table:
    """Rows of files that are no band: the patch in whose folder they lie, and their path."""
    rows = [
        {
            "patch_id": patch and printable(patch.patch_id),
            "product": patch and printable(patch.product),
            "status": "stray",
            "detail": printable(path),
        }
        for patch, path in strays
    ]
    return pa.Table.from_pylist(rows, schema=INVENTORY_SCHEMA)


def closed_rows(closed: Iterable[tuple[str, str]]) -> pa.Table:
    """Rows of links, pipes and folders that were not entered: path and reason."""
    rows = [
        {"status": "not_scanned", "detail": f"{printable(path)}: {why}"} for path, why in closed
    ]
    return pa.Table.from_pylist(rows, schema=INVENTORY_SCHEMA)


def _slice(rows: Rows) -> Rows | slice:
    """The same rows as a slice, which is quicker, where they follow each other."""
    if isinstance(rows, int) or not len(rows) or rows[-1] - rows[0] != len(rows) - 1:
        return rows
    return slice(rows[0], rows[-1] + 1)


def _words(value: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Low and high word of 128-bit integers in two's complement, on a new last axis."""
    if isinstance(value, int):
        return np.frombuffer(value.to_bytes(16, "little", signed=True), "<i8")
    return np.stack([value, value >> 63], axis=-1)


def _decimals(words: NDArray[np.int64], filled: NDArray[np.bool_]) -> pa.Array:
    """Exact decimals from (n, 2) words of 128-bit integers; null where not filled."""
    validity = pa.py_buffer(np.packbits(filled, bitorder="little").tobytes())
    data = pa.py_buffer(np.ascontiguousarray(words, "<i8").tobytes())
    return pa.Array.from_buffers(pa.decimal128(38, 0), len(words), [validity, data])
