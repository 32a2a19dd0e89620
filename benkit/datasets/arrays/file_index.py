"""Where the pixels of each patch lie, from an inventory: an index of its band files in little memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.layout import Band, Layout
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.inventory.table.in_tar import rows_in_files
from benkit.inventory.table.inventory_file import Inventory

_ROWS_AT_ONCE = 40_000
_OF_KIND = ("width", "height", "dtype", "nodata", "offset")
_COLUMNS = (
    *("product", "patch_id", "band", "status", "width", "height", "dtype", "nodata"),
    *("nodata_count", "offset", "header_hash", "pixel_hash"),
)
_ABSENT = -1
_NOT_PLAIN = -1


class RasterKind(NamedTuple):
    """What many band files have in common.

    Attributes
    ----------
    width, height : int
    dtype : str
    nodata : float or None
    offset : int
        Where the pixels of plain files begin, in bytes; -1 of other files.
    """

    width: int
    height: int
    dtype: str
    nodata: float | None
    offset: int

    @property
    def is_plain(self) -> bool:
        """Whether the pixels lie in the file as they are."""
        return self.offset != _NOT_PLAIN

    def is_of(self, band: Band) -> bool:
        """Whether files of this kind are as the layout has them."""
        same = (self.width, self.height, self.dtype) == (band.width, band.height, band.dtype)
        values = self.nodata, band.nodata
        return same and (
            values[0] == values[1] or all(one is not None and one != one for one in values)
        )


@dataclass(frozen=True, eq=False)
class FileIndex:
    """The band files of the patches of an archive.

    Attributes
    ----------
    layout : Layout
    bands : tuple of str
        Which bands of the layout the columns of the arrays are.
    patch_ids : (n,) pyarrow.StringArray
    products : (n,) pyarrow.DictionaryArray
        Of each patch; the patches of an inventory are sorted by product, then by id.
    kinds : list of RasterKind
    kind : (n, bands) int16 or int32 array
        Index into ``kinds``, -1 where a band cannot be read.
    hashes : (n, bands) uint32 array
        Lower half of the ``header_hash`` of plain files, and of the ``pixel_hash`` of others: of four
        billion changed files one would pass.
    flawed : (n,) bool array
        Patches of which a band is missing, cannot be read, is of another size, type or NO_DATA value
        than the layout has, or has pixels without a measurement.
    places : (n,) int64 array
        Which patch of the archive each is, counted from 0 by product and patch.
    starts : (n, bands) int64 array or None
        Where each file begins in the tar that was scanned.
    """

    layout: Layout
    bands: tuple[str, ...]
    patch_ids: pa.StringArray
    products: pa.DictionaryArray
    kinds: list[RasterKind] = field(repr=False)
    kind: NDArray[np.signedinteger]
    hashes: NDArray[np.uint32]
    flawed: NDArray[np.bool_]
    places: NDArray[np.int64]
    starts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.patch_ids)

    def take(self, rows: NDArray[np.int64]) -> "FileIndex":
        """The same of some patches, in their order."""
        where = _arrow(rows)
        return FileIndex(
            self.layout,
            self.bands,
            self.patch_ids.take(where),
            self.products.take(where),
            self.kinds,
            self.kind[rows],
            self.hashes[rows],
            self.flawed[rows],
            self.places[rows],
            None if self.starts is None else self.starts[rows],
        )

    def rows_of(
        self, patches: Iterable[str], name: str, *, skip: bool = False
    ) -> NDArray[np.int64]:
        """Rows of some patches, in the order in which these are named; ``name`` is the inventory's.

        Of those that are not there -1, if they are to be skipped.
        """
        wanted = pa.array(dict.fromkeys(patches), pa.string())
        rows = pc.index_in(wanted, self.patch_ids)
        if rows.null_count and not skip:
            unknown = wanted.filter(rows.is_null())
            raise InputFormatError(
                f"{name}: expected the patches that are asked for, but {len(unknown):,} of "
                f"{len(wanted):,} are not there, such as {some_names(unknown[:1].to_pylist())}; leave "
                "them out with findings='skip'"
            )
        absent = pa.array([-1], rows.type)[0]
        return _numpy(pc.if_else(rows.is_valid(), rows, absent)).astype(np.int64)


def index_files(inventory: Inventory, bands: Sequence[str]) -> FileIndex:
    """The files of some bands of each patch of an inventory."""
    if lacking := ", ".join(name for name in inventory.lacking if name in _COLUMNS):
        raise InputFormatError(
            f"{inventory.name}: expected an inventory that tells where pixels begin, but it is of an "
            f"earlier version and lacks {lacking}; scan the archive again"
        )
    columns = (*_COLUMNS, "bytes") if inventory.container else _COLUMNS
    found = _gather(inventory, bands, inventory.batches(columns, _ROWS_AT_ONCE))
    if found is None:
        found = _gather(inventory, bands, _sorted(inventory, columns))
    assert found is not None, "sorted rows are in order"
    return found


def _sorted(inventory: Inventory, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows by product and patch: an inventory may have been written again in another order."""
    names = ", ".join(f'"{name}"' for name in columns)
    yield inventory.query_table(
        f"SELECT {names} FROM inventory WHERE band IS NOT NULL ORDER BY product, patch_id, band"
    )


def _gather(
    inventory: Inventory, bands: Sequence[str], batches: Iterable[pa.Table]
) -> FileIndex | None:
    """The index, if the rows come sorted by product and patch; else None."""
    gathered = _Gathered(inventory.layout, list(bands), in_tar=inventory.container is not None)
    for batch in batches:
        rows = batch.filter(pc.is_valid(batch["band"])) if batch["band"].null_count else batch
        if len(rows) and not gathered.add(rows):
            return None
    return gathered.index()


class _Gathered:
    """What the rows of an inventory tell, some rows at a time: arrays that grow with the patches."""

    def __init__(self, layout: Layout, bands: list[str], *, in_tar: bool) -> None:
        self.layout, self.bands = layout, bands
        self.kinds: dict[RasterKind, int] = {}
        self.ids: list[pa.StringArray] = []
        self.products: list[pa.DictionaryArray] = []
        self.last = ("", "")
        self.patches = 0
        self.kind: NDArray[np.signedinteger] = np.zeros((0, len(bands)), np.int16)
        self.hashes = np.zeros((0, len(bands)), np.uint32)
        self.flawed = np.zeros(0, bool)
        self.starts = np.zeros((0, len(bands)), np.int64) if in_tar else None

    def add(self, rows: pa.Table) -> bool:
        """Add rows of bands, a patch of which may have begun in those before; whether all are sorted."""
        codes = [_numpy(_encoded(rows[name]).indices) for name in ("product", "patch_id")]
        begins = np.ones(len(rows), bool)
        begins[1:] = np.logical_or.reduce([np.diff(code) != 0 for code in codes])
        first = _arrow(np.flatnonzero(begins))
        product = _encoded(rows["product"]).take(first)
        names = [product.cast(pa.string()), rows["patch_id"].take(first).cast(pa.string())]
        names = [pa.chunked_array(texts).combine_chunks() for texts in names]
        begin = names[0][0].as_py(), names[1][0].as_py()
        goes_on = int(begin == self.last)
        if begin < self.last or not _ascending(*names):
            return False
        self.last = names[0][-1].as_py(), names[1][-1].as_py()
        of_patch = np.cumsum(begins) - 1 + self.patches - goes_on
        self.patches += len(first) - goes_on
        self.ids.append(names[1][goes_on:])
        self.products.append(product[goes_on:])
        self._grow()
        self._fill(rows, of_patch)
        return True

    def _grow(self) -> None:
        if (most := len(self.flawed)) < self.patches:
            new = max(self.patches, most + most // 4)
            for values in (self.kind, self.hashes, self.flawed, self.starts):
                if values is not None:
                    values.resize((new, *values.shape[1:]), refcheck=False)  # in place
            self.kind[most:] = _ABSENT

    def _fill(self, rows: pa.Table, of_patch: NDArray[np.int64]) -> None:
        column = _positions(rows["band"], self.bands)
        wanted = np.flatnonzero(column >= 0)
        some = rows if len(wanted) == len(rows) else rows.take(_arrow(wanted))
        place = of_patch[wanted], column[wanted]
        if self.starts is not None:
            some, starts = rows_in_files(some, self.layout)
            self.starts[place] = np.maximum(_numbers(starts), 0)
        ok = _positions(some["status"], ["ok"]) == 0
        found, fits = _kinds(some, place[1], self.bands, self.layout, self.kinds)
        if len(self.kinds) > np.iinfo(self.kind.dtype).max:
            self.kind = self.kind.astype(np.int32)
        self.kind[place] = np.where(ok, found, _ABSENT)
        plain = pc.is_valid(some["offset"])
        hashes = pc.if_else(plain, some["header_hash"], some["pixel_hash"])
        self.hashes[place] = _numbers(hashes).astype(np.uint32)
        sound = ok & fits & (_numbers(some["nodata_count"]) == 0)
        self.flawed[place[0][~sound]] = True

    def index(self) -> FileIndex:
        """The index of all."""
        kind = self.kind[: self.patches]
        products = pa.chunked_array(self.products, pa.dictionary(pa.int32(), pa.string()))
        return FileIndex(
            self.layout,
            tuple(self.bands),
            pa.concat_arrays(self.ids or [pa.array([], pa.string())]),
            products.unify_dictionaries().combine_chunks(),
            list(self.kinds),
            kind,
            self.hashes[: self.patches],
            self.flawed[: self.patches] | (kind < 0).any(1),
            np.arange(self.patches),
            None if self.starts is None else self.starts[: self.patches],
        )


def _kinds(
    rows: pa.Table,
    column: NDArray[np.int64],
    bands: list[str],
    layout: Layout,
    kinds: dict[RasterKind, int],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number of the kind of each row, of which new ones are added, and whether its band has such."""
    combined, distinct = np.zeros(len(rows), np.int64), []
    for name in _OF_KIND:
        encoded = _encoded(rows[name])
        values = [*encoded.dictionary.to_pylist(), None]
        indices = _numpy(encoded.indices, len(values) - 1)
        combined = combined * len(values) + indices
        distinct.append(values)
    coded = _arrow(combined).dictionary_encode()  # quicker than to sort them
    numbers, inverse = _numpy(coded.dictionary), _numpy(coded.indices)
    of_number, fits = np.zeros(len(numbers), np.int64), np.zeros((len(numbers), len(bands)), bool)
    for i, number in enumerate(numbers.tolist()):
        kind = _kind_of(number, distinct)
        of_number[i] = kinds.setdefault(kind, len(kinds))
        fits[i] = [kind.is_of(layout.bands[band]) for band in bands]
    return of_number[inverse], fits[inverse, column]


def _kind_of(number: int, distinct: list[list]) -> RasterKind:
    """The kind whose values are those of a number in mixed radix."""
    values = []
    for possible in reversed(distinct):
        number, code = divmod(number, len(possible))
        values.append(possible[code])
    offset, nodata, dtype, height, width = values
    return RasterKind(width, height, dtype, nodata, _NOT_PLAIN if offset is None else offset)


def _arrow(numbers: NDArray[np.int64]) -> pa.Int64Array:
    """The same numbers in Arrow; `pyarrow.array` imports pandas for them, 40 MB."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(numbers, np.int64))]
    return pa.Array.from_buffers(pa.int64(), len(numbers), buffers)


def _numpy(numbers: pa.Array, null: int = 0) -> NDArray:
    """The same numbers in NumPy, another for nulls; methods of Arrow for that import pandas, too."""
    known = np.from_dlpack(numbers.drop_null())
    if not numbers.null_count:
        return known
    filled = np.full(len(numbers), null, known.dtype)
    filled[np.from_dlpack(numbers.is_valid().cast(pa.uint8())).astype(bool)] = known
    return filled


def _encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    array = column.combine_chunks()
    return array if pa.types.is_dictionary(array.type) else array.dictionary_encode()


def _positions(column: pa.ChunkedArray, names: list[str]) -> NDArray[np.int64]:
    """Position of each text of a column among some names, -1 of others."""
    encoded = _encoded(column)
    found = [
        names.index(text) if text in names else _ABSENT for text in encoded.dictionary.to_pylist()
    ]
    codes = _numpy(encoded.indices, len(found))
    return np.array([*found, _ABSENT], np.int64)[codes]


def _numbers(column: pa.ChunkedArray) -> NDArray:
    return _numpy(column.combine_chunks())


def _ascending(products: pa.StringArray, ids: pa.StringArray) -> bool:
    """Whether rows are sorted by product, then by id, each pair once."""
    if len(ids) < 2:
        return True
    before, after = products[:-1], products[1:]
    same = pc.and_(pc.equal(before, after), pc.less(ids[:-1], ids[1:]))
    return bool(pc.all(pc.or_(pc.less(before, after), same)).as_py())
