"""Arrow files of a pack: a record batch a patch, with the tensor of each band.

A batch a patch keeps the bytes of one patch together, so that a memory-mapped file gives them without
touching those of others.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa

from benkit.datasets.arrays.patch_reader import Bands
from benkit.datasets.packs.pack_part import PackPart
from benkit.domain.layout import Band, Layout
from benkit.errors import InputFormatError, MissingInputError, first_line
from benkit.files.file_kinds import kind_of
from benkit.files.writing.replace import replacing
from benkit.files.writing.staging import remove_abandoned
from benkit.inventory.table.inventory_writer import made_from

PACK_COLUMNS = pa.schema(
    [
        pa.field("patch_id", pa.string(), nullable=False),
        pa.field("product", pa.string(), nullable=False),
        pa.field("labels", pa.list_(pa.string())),
        pa.field("split", pa.string()),
    ]
)
"""Columns of a pack before those of the bands; the last two are null where nothing tells them."""

VERSION_OF_PACKS = "1"
BYTES_PER_FILE = 10**9
"""Of pixels, about."""

_VERSION, _PATCHES, _PER_FILE = "benkit:pack_version", "benkit:patches", "benkit:patches_per_file"
_SERIAL = pa.ipc.IpcReadOptions(use_threads=False)  # as threads do not come along with a fork


def pack_file_name(number: int) -> str:
    """Name of the files of a pack, counted from 0."""
    return f"{number:05d}.arrow"


def patches_per_file(layout: Layout) -> int:
    """How many patches a file of a pack holds, but for the last."""
    size = sum(
        band.width * band.height * np.dtype(band.dtype).itemsize for band in layout.bands.values()
    )
    return max(1, BYTES_PER_FILE // size)


def pack_schema(layout: Layout, patches: int) -> pa.Schema:
    """The schema of all files of a pack of so many patches.

    Raises
    ------
    InputFormatError
        If a band has the name of another column.
    """
    if taken := set(layout.band_names) & set(PACK_COLUMNS.names):
        raise InputFormatError(
            f"layout {layout.name}: expected other names of bands than {', '.join(PACK_COLUMNS.names)} "
            f"for a pack, but one is {min(taken)}"
        )
    bands = [pa.field(band.name, _tensor(band), nullable=False) for band in layout.bands.values()]
    numbers = {_PATCHES: str(patches), _PER_FILE: str(patches_per_file(layout))}
    made = {_VERSION: VERSION_OF_PACKS} | made_from(layout) | numbers
    return pa.schema([*PACK_COLUMNS, *bands], made)


def _tensor(band: Band) -> pa.DataType:
    return pa.fixed_shape_tensor(
        pa.from_numpy_dtype(np.dtype(band.dtype)), (band.height, band.width)
    )


def write_arrow_file(schema: pa.Schema, verify: bool, work: tuple[Path, PackPart]) -> str:
    """Write a file of a pack, if it is not there yet, and read it back; returns its name."""
    path, part = work
    remove_abandoned(path.parent, path.name)
    if not path.is_file():
        with replacing(path) as temporary:
            _write(temporary, schema, part)
    if verify:
        layout = part.reader.index.layout
        file = ArrowFile(path, layout, layout.band_names)
        ids = part.columns["patch_id"].to_pylist()
        try:
            part.require_same(file.bands(row, patch) for row, patch in enumerate(ids))
        except InputFormatError:
            path.unlink()
            raise
    return path.name


def _write(path: Path, schema: pa.Schema, part: PackPart) -> None:
    types = schema.types[len(PACK_COLUMNS) :]
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        rows = part.columns.to_batches(max_chunksize=1)
        for row, bands in zip(rows, part.bands(), strict=True):
            tensors = [_array(*one) for one in zip(types, bands, strict=True)]
            file.write_batch(pa.record_batch([*row.columns, *tensors], schema=schema))


def _array(kind: pa.DataType, pixels: np.ndarray) -> pa.Array:
    values = pa.array(pixels.reshape(-1))
    return pa.ExtensionArray.from_storage(
        kind, pa.FixedSizeListArray.from_arrays(values, type=kind.storage_type)
    )


@dataclass
class ArrowFile:
    """A memory-mapped file of a pack.

    Parameters
    ----------
    path : Path
    layout : Layout
    names : tuple of str
        The bands to read, in this order.

    Attributes
    ----------
    patches, per_file : int
        Of the pack: how many patches it has, and how many of them in each file but the last.

    Raises
    ------
    MissingInputError, InputFormatError
        If there is no such file, or it is none of a pack of this layout.
    """

    path: Path
    layout: Layout
    names: tuple[str, ...]
    patches: int = field(init=False)
    per_file: int = field(init=False)

    def __post_init__(self) -> None:
        """Map the file, and refuse what is none of a pack."""
        try:
            if kind := kind_of(self.path.stat().st_mode):  # opening a pipe would never end
                self._refuse(f"but it is {kind}")
            mapped = pa.memory_map(str(self.path))
            schema = pa.ipc.open_file(mapped, options=_SERIAL).schema
            said = {key.decode(): text.decode() for key, text in (schema.metadata or {}).items()}
            self.patches, self.per_file = int(said[_PATCHES]), int(said[_PER_FILE])
            expected = pack_schema(self.layout, self.patches)
            if said[_VERSION] != VERSION_OF_PACKS or not schema.equals(expected):
                self._refuse(f"of the layout {self.layout.name}, but its columns are others")
            wanted = sorted({0, *map(schema.get_field_index, self.names)})
            options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=wanted)
            self._file = pa.ipc.open_file(mapped, options=options)
        except FileNotFoundError:
            raise MissingInputError(
                f"{self.path}: expected a file of a pack, but there is nothing; copy all files of the "
                "pack, or export it again"
            ) from None
        except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
            self._refuse(f"but it is none, or not whole ({first_line(error)})")
        self._bands = [
            (wanted.index(schema.get_field_index(name)), band.dtype, (band.height, band.width))
            for name in self.names
            for band in (self.layout.bands[name],)
        ]

    def bands(self, row: int, patch_id: str) -> Bands:
        """The bands of the patch in a row, as arrays of their own."""
        try:
            batch = self._file.get_batch(row)
            ids = batch.column(0)
            ids.validate(full=True)  # reading a damaged text may end the process
            found = ids[0].as_py() if len(ids) == 1 else f"{len(ids)} patches"
            if found != patch_id:
                self._refuse(
                    f"with {patch_id} in row {row}, but {found} is there; give the inventory that lies "
                    "beside the pack"
                )
            return [
                np.ndarray(shape, dtype, batch.column(number).buffers()[-1]).copy()
                for number, dtype, shape in self._bands
            ]
        except (pa.ArrowException, OSError, ValueError, TypeError) as error:
            if isinstance(error, InputFormatError):
                raise
            self._refuse(f"but row {row} is damaged ({first_line(error)})")

    def _refuse(self, what: str) -> NoReturn:
        raise InputFormatError(
            f"{self.path}: expected a file of a pack, as benkit export --format arrow writes it, {what}"
        )
