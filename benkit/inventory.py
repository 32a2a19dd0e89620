"""The table that answers questions: one row per patch and band, and what it holds."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.io.archive import PatchFolder
from benkit.spec.bands import BAND_NAMES

__all__ = ["INVENTORY_SCHEMA", "STATUSES", "InventoryRows", "stray_rows"]

Rows = int | NDArray[np.intp]

STATUSES = ("ok", "missing", "unreadable", "stray")
"""What a row says: a band that was read, is not there, cannot be read; a file that is no band."""

INVENTORY_SCHEMA = pa.schema(
    [
        pa.field("patch_id", pa.string()),
        pa.field("band", pa.string()),
        pa.field("product", pa.string()),
        pa.field("status", pa.string(), nullable=False),
        pa.field("detail", pa.string()),
        pa.field("bytes", pa.int64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("dtype", pa.string()),
        pa.field("nodata", pa.float64()),
        pa.field("valid", pa.int64()),
        pa.field("nodata_count", pa.int64()),
        pa.field("sum", pa.int64()),
        pa.field("sum_sq", pa.decimal128(38, 0)),
        pa.field("min", pa.float64()),
        pa.field("max", pa.float64()),
        pa.field("epsg", pa.int32()),
        pa.field("x", pa.float64()),
        pa.field("y", pa.float64()),
        pa.field("pixel_size", pa.float64()),
        pa.field("float_sum", pa.float64()),
        pa.field("float_sum_sq", pa.float64()),
    ]
)
"""Columns of an inventory, in the order of the file.

``product`` and ``patch_id`` are the names of the folders. ``bytes`` is the length of the file.
``nodata`` is the file's own NO_DATA value, null if it has none. ``valid`` and ``nodata_count`` count
pixels. ``sum`` and ``sum_sq`` are exact sums over the valid pixels, squares unsigned below 10**38; for
floating-point pixels both are null and ``float_sum`` and ``float_sum_sq`` hold correctly rounded
sums. ``min`` and ``max`` are those of the valid pixels. ``epsg``, ``x``, ``y`` and ``pixel_size`` are
the file's georeference: code of the CRS, upper-left corner and side of a pixel in its unit, null where
the file has none or is rotated. A row of status ``stray`` has no band; its detail is the file's path
relative to the archive, and its patch is null for a file beside the patch folders.
"""


class InventoryRows:
    """Rows of some patches in the making: every band missing until something is said of it.

    Parameters
    ----------
    patches : sequence of PatchFolder
        The patches, in the order of the rows.
    """

    def __init__(self, patches: Sequence[PatchFolder]) -> None:
        self._patches = patches
        shape = (len(patches), len(BAND_NAMES))
        self._texts = {name: np.full(shape, None, object) for name in ("status", "detail", "dtype")}
        self._texts["status"][:] = "missing"
        self._numbers = {
            field.name: np.zeros(shape, field.type.to_pandas_dtype())
            for field in INVENTORY_SCHEMA
            if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        }
        self._numbers["sum_sq"] = np.zeros((*shape, 2), np.int64)
        self._filled = {name: np.zeros(shape, bool) for name in self._numbers}
        self._strays: list[tuple[int, str]] = []

    def fill(self, rows: Rows, band: str, **values: Any) -> None:
        """Say something of a band of one patch or of many.

        Parameters
        ----------
        rows : int or int array
            Which patches.
        band : str
        **values
            By column, one for all patches or an array of one for each. ``sum_sq`` is an int below
            2**127, or an int64 array.
        """
        column = BAND_NAMES.index(band)
        for name, value in values.items():
            if name in self._texts:
                self._texts[name][rows, column] = value
            else:
                if name == "sum_sq":
                    value = _words(value)
                self._numbers[name][rows, column] = value
                self._filled[name][rows, column] = True

    def add_stray(self, row: int, name: str) -> None:
        """Say that a patch's folder holds something that is no band of it."""
        self._strays.append((row, name))

    def table(self) -> pa.Table:
        """All rows: by patch the twelve bands in order, then what does not belong."""
        count = len(BAND_NAMES)
        columns = {
            "patch_id": np.repeat(np.array([p.patch_id for p in self._patches], object), count),
            "band": np.tile(np.array(BAND_NAMES, object), len(self._patches)),
            "product": np.repeat(np.array([p.product for p in self._patches], object), count),
        }
        columns |= {name: values.reshape(-1) for name, values in self._texts.items()}
        arrays = [
            self._number_array(field)
            if field.name in self._numbers
            else pa.array(columns[field.name], field.type)
            for field in INVENTORY_SCHEMA
        ]
        return self._with_strays(pa.Table.from_arrays(arrays, schema=INVENTORY_SCHEMA))

    def _number_array(self, field: pa.Field) -> pa.Array:
        filled = self._filled[field.name].reshape(-1)
        values = self._numbers[field.name]
        if field.name == "sum_sq":
            return _decimals(values.reshape(-1, 2), filled)
        return pa.array(values.reshape(-1), field.type, mask=~filled)

    def _with_strays(self, bands: pa.Table) -> pa.Table:
        if not self._strays:
            return bands
        strays = stray_rows(
            (
                self._patches[row],
                f"{self._patches[row].product}/{self._patches[row].patch_id}/{name}",
            )
            for row, name in self._strays
        )
        order = np.concatenate(
            [
                np.repeat(np.arange(len(self._patches)), len(BAND_NAMES)),
                [r for r, _ in self._strays],
            ]
        )
        return pa.concat_tables([bands, strays]).take(np.argsort(order, kind="stable"))


def stray_rows(strays: Iterable[tuple[PatchFolder | None, str]]) -> pa.Table:
    """Rows of files that do not belong: the patch in whose folder they lie, and their path."""
    rows = [
        {
            "patch_id": patch and patch.patch_id,
            "product": patch and patch.product,
            "status": "stray",
            "detail": path,
        }
        for patch, path in strays
    ]
    return pa.Table.from_pylist(rows, schema=INVENTORY_SCHEMA)


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
