"""The table that answers questions: one row per patch and band, and what the file holds."""

import pyarrow as pa

__all__ = ["INVENTORY_SCHEMA", "STATUSES"]

STATUSES = ("ok", "missing", "unreadable", "stray", "not_scanned")
"""What a row says: a band that was read, is not there, cannot be read; a file that is no band; a link or
a folder that was not entered."""

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

``product`` and ``patch_id`` are the names of the folders; characters that cannot be printed are
escaped in them. ``bytes`` is the length of the file.
``nodata`` is the file's own NO_DATA value, null if it has none. ``valid`` and ``nodata_count`` count
pixels. ``sum`` and ``sum_sq`` are exact sums over the valid pixels, squares unsigned below 10**38; for
floating-point pixels both are null and ``float_sum`` and ``float_sum_sq`` hold correctly rounded
sums. ``min`` and ``max`` are those of the valid pixels. ``epsg``, ``x``, ``y`` and ``pixel_size`` are
the file's georeference: code of the CRS, upper-left corner and side of a pixel in its unit, null where
the file has none or is rotated. A row of status ``stray`` has no band; its detail is the file's path
relative to the archive, and its patch is null for a file beside the patch folders. A row of status
``not_scanned`` has neither patch nor band; its detail is a path and why it was not entered.
"""
