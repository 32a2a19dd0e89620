"""Inventories of archives in a tar, whose offsets are positions in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.layout import Layout
from benkit.errors import InputFormatError, OptionError
from benkit.files.remote.location import Location, RemotePath
from benkit.files.tar.headers import BLOCK
from benkit.files.tar.read_at import open_tar_file
from benkit.files.tar.stream import is_tar
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import CONTAINERS


def rows_in_files(rows: pa.Table, layout: Layout) -> tuple[pa.Table, pa.ChunkedArray]:
    """Rows of a tar as of the unpacked files, and where each file begins in the tar, null for nowhere.

    Of plain files the header is what the file has more than the pixels.
    """
    bits = pc.replace_substring_regex(rows["dtype"].cast(pa.string()), r"\D", "").cast(pa.int64())
    bands = len(layout.bands) if layout.one_file else 1
    pixels = pc.multiply(rows["width"].cast(pa.int64()), rows["height"])
    size = pc.divide(pc.multiply(pc.multiply(pixels, bits), _scalar(bands)), _scalar(8))
    header = pc.subtract(rows["bytes"], size)
    is_plain = pc.and_kleene(pc.is_valid(rows["header_hash"]), pc.greater(header, _scalar(0)))
    starts = pc.if_else(is_plain, pc.subtract(rows["offset"], header), rows["offset"])
    column = rows.schema.get_field_index("offset")
    offsets = pc.if_else(is_plain, header, pa.nulls(1, pa.int64())[0])
    return rows.set_column(column, rows.schema.field(column), offsets), starts


def _scalar(number: int) -> pa.Int64Scalar:
    """A number for Arrow; `pyarrow.scalar` imports pandas, 40 MB."""
    return pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(number.to_bytes(8, "little"))])[
        0
    ]


def files_of(
    inventory: Inventory, patches: pa.Table
) -> Iterator[tuple[pa.Table, list[int | None]]]:
    """The rows of bands of some patches as of files of their own, and where these begin in the tar.

    As `Inventory.rows_of`; of an archive in a folder all places are None.
    """
    for rows in inventory.rows_of(patches):
        if inventory.container is None:
            yield rows, [None] * len(rows)
        else:
            of_files, starts = rows_in_files(rows, inventory.layout)
            yield of_files, starts.to_pylist()


def require_tar_of(inventory: Inventory, root: Location) -> bool:
    """Whether files of an archive are read from its tar: an error if the inventory does not fit that.

    Raises
    ------
    OptionError
        If the archive is a tar at a URL.
    InputFormatError
        If the tar is packed, or the inventory does not tell where in it files lie.
    """
    if not (is_tar(root) if isinstance(root, RemotePath) else root.is_file()):
        return False
    if isinstance(root, RemotePath):
        raise OptionError(f"{root}: expected a tar on this machine; download it first")
    require_plain_tar(root)
    if inventory.container != CONTAINERS[0]:
        was = f"a {inventory.container}" if inventory.container else "a folder"
        raise InputFormatError(
            f"{inventory.name}: expected an inventory that tells where files lie in {root}, but it is "
            f"of {was}; scan the tar: benkit scan {root} --output inventory.parquet"
        )
    return True


def require_plain_tar(tar: Path) -> None:
    """Refuse to read single files of a tar that is packed as a whole."""
    with os.fdopen(open_tar_file(tar), "rb") as file:
        begin = file.read(BLOCK)
    if begin.startswith((b"\x28\xb5\x2f\xfd", b"\x1f\x8b")):
        raise InputFormatError(
            f"{tar}: expected a plain tar, in which files are read where they lie, but it is packed; "
            f"unpack it (for Zstandard: zstd -d {tar}; the files stay in the tar), and scan that"
        )
