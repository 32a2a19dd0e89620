"""The schema of an inventory: one row per patch and band, with the properties of its file."""

import pyarrow as pa

VERSION = 2
"""Of new inventories; one of version 1 lacks the columns `ADDED_IN_VERSION_2`."""

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
        pa.field("crs", pa.string()),
        pa.field("pixel_width", pa.float64()),
        pa.field("pixel_height", pa.float64()),
        pa.field("linear_sum", pa.float64()),
        pa.field("linear_sum_sq", pa.float64()),
        pa.field("offset", pa.int64()),
        pa.field("header_hash", pa.uint64()),
        pa.field("pixel_hash", pa.uint64()),
    ]
)
"""Columns of an inventory, in the order of the file.

``product`` and ``patch_id`` are the names of the folders; characters that cannot be printed are
escaped in them. ``bytes`` is the length of the file.
``nodata`` is the file's own NO_DATA value, null if it has none. ``valid`` and ``nodata_count`` count
pixels; pixels that are NaN or infinite are among the latter, and the ``detail`` of a band that was read
counts them. ``sum`` and ``sum_sq`` are exact sums over the valid pixels, squares unsigned below
10**38; for floating-point pixels both are null and ``float_sum`` and ``float_sum_sq`` hold correctly
rounded sums. ``min`` and ``max`` are those of the valid pixels.

The file's georeference: ``epsg`` is the code of its CRS, ``crs`` the CRS as WKT where there is one
without a code; ``x`` and ``y`` are the upper-left corner, ``pixel_width`` and ``pixel_height`` the sides
of a pixel in units of the CRS, null where the file has none or is not north-up; ``pixel_size`` is the
side of square pixels. ``linear_sum`` and ``linear_sum_sq`` are sums of the power 10^(dB/10) of the
valid pixels of bands in decibels, and of its squares, if the scan was asked for
them; see `benkit.inventory.scanning.linear_power`.

For plain files ``offset`` is the position of the first pixel in the file in bytes, or in the tar, if the
archive was scanned in one (of other files in it that of their first byte), and ``header_hash``
the fingerprint of the bytes before it, which tells whether the file is still the one that was scanned.
``pixel_hash`` is the fingerprint of the decoded pixels, whatever their encoding; see
`benkit.inventory.scanning.fingerprint`.

A row of status ``stray`` has no band; its detail is the file's path relative to the archive, and its
patch is null for a file beside the patch folders. A row of status ``not_scanned`` has neither patch nor
band; its detail is a path and why it was not entered.
"""


def without_linear_sums(rows: pa.Table) -> pa.Table:
    """The same rows as a scan leaves them that was not asked for linear power."""
    for name in ("linear_sum", "linear_sum_sq"):
        nothing = pa.nulls(len(rows), pa.float64())
        rows = rows.set_column(rows.schema.get_field_index(name), name, nothing)
    return rows


ADDED_IN_VERSION_2 = INVENTORY_SCHEMA.names[INVENTORY_SCHEMA.names.index("crs") :]
"""Columns that read as null where an inventory lacks them."""
