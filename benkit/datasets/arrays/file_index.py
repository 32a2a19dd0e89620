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
from benkit.inventory.table.inventory_file import Inventory

_ROWS_AT_ONCE = 120_000
_OF_KIND = ("width", "height", "dtype", "nodata", "offset")
_COLUMNS = (
    *("product", "patch_id", "band", "status", "bytes", "width", "height", "dtype", "nodata"),
    "nodata_count",
)
_NEWER = ("offset", "header_hash", "pixel_hash")
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
    patch_ids, products : (n,) pyarrow.StringArray
        Sorted by product, then by patch.
    kinds : list of RasterKind
    kind : (n, bands) int32 array
        Index into ``kinds``, -1 where a band cannot be read.
    sizes : (n, bands) int64 array
        Length of each file in bytes.
    hashes : (n, bands) uint64 array
        ``header_hash`` of plain files, ``pixel_hash`` of others; 0 where the inventory has none.
    flawed : (n,) bool array
        Patches of which a band is missing, cannot be read, is of another size, type or NO_DATA value
        than the layout has, or has pixels without a measurement.
    places : (n,) int64 array
        Which patch of the archive each is, counted from 0 by product and patch.
    """

    layout: Layout
    bands: tuple[str, ...]
    patch_ids: pa.StringArray
    products: pa.StringArray
    kinds: list[RasterKind] = field(repr=False)
    kind: NDArray[np.int32]
    sizes: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    flawed: NDArray[np.bool_]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.patch_ids)

    def take(self, rows: NDArray[np.int64]) -> "FileIndex":
        """The same of some patches, in their order."""
        where = pa.array(rows)
        return FileIndex(
            self.layout,
            self.bands,
            self.patch_ids.take(where),
            self.products.take(where),
            self.kinds,
            self.kind[rows],
            self.sizes[rows],
            self.hashes[rows],
            self.flawed[rows],
            self.places[rows],
        )

    def rows_of(self, patches: Iterable[str], name: str) -> NDArray[np.int64]:
        """Rows of some patches, in the order in which these are named; ``name`` is the inventory's."""
        wanted = pa.array(dict.fromkeys(patches), pa.string())
        rows = pc.index_in(wanted, self.patch_ids)
        if rows.null_count:
            unknown = wanted.filter(rows.is_null())
            raise InputFormatError(
                f"{name}: expected the patches that are asked for, but {len(unknown):,} of "
                f"{len(wanted):,} are not there, such as {some_names(unknown[:1].to_pylist())}"
            )
        return np.asarray(rows.to_numpy(), np.int64)


def index_files(inventory: Inventory, bands: Sequence[str]) -> FileIndex:
    """The files of some bands of each patch of an inventory."""
    columns = [name for name in (*_COLUMNS, *_NEWER) if name not in inventory.lacking]
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
    kinds: dict[RasterKind, int] = {}
    parts: list[_Part] = []
    for batch in batches:
        rows = batch.filter(pc.is_valid(batch["band"]))
        if len(rows):
            parts.append(_part(rows, list(bands), inventory.layout, kinds))
    if not parts:
        parts = [_Part.empty(len(bands))]
    merged = _merged(parts)
    if not _ascending(merged.products, merged.patch_ids):
        return None
    return FileIndex(
        inventory.layout,
        tuple(bands),
        merged.patch_ids,
        merged.products,
        list(kinds),
        merged.kind,
        merged.sizes,
        merged.hashes,
        merged.flawed | (merged.kind < 0).any(1),
        np.arange(len(merged.patch_ids)),
    )


@dataclass(frozen=True, eq=False)
class _Part:
    """What some rows of an inventory tell; as of `FileIndex`."""

    patch_ids: pa.StringArray
    products: pa.StringArray
    kind: NDArray[np.int32]
    sizes: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    flawed: NDArray[np.bool_]

    @classmethod
    def empty(cls, bands: int, patches: int = 0) -> "_Part":
        texts = pa.array([], pa.string())
        shape = patches, bands
        return cls(
            texts,
            texts,
            np.full(shape, _ABSENT, np.int32),
            np.zeros(shape, np.int64),
            np.zeros(shape, np.uint64),
            np.zeros(patches, bool),
        )


def _part(rows: pa.Table, bands: list[str], layout: Layout, kinds: dict[RasterKind, int]) -> _Part:
    patch = _codes(rows["patch_id"])
    product = _codes(rows["product"])
    begins = np.ones(len(rows), bool)
    begins[1:] = (np.diff(patch) != 0) | (np.diff(product) != 0)
    of_patch = np.cumsum(begins) - 1
    first = pa.array(np.flatnonzero(begins))
    part = _Part.empty(len(bands), len(first))
    column = _positions(rows["band"], bands)
    wanted = np.flatnonzero(column >= 0)
    some = rows.take(pa.array(wanted))
    place = of_patch[wanted], column[wanted]
    ok = pc.equal(some["status"], "ok").to_numpy()
    found, as_expected = _kinds(some, column[wanted], bands, layout, kinds)
    part.kind[place] = np.where(ok, found, _ABSENT)
    part.sizes[place] = _numbers(some["bytes"])
    if set(_NEWER) <= set(some.column_names):
        plain = pc.is_valid(some["offset"])
        hashes = pc.if_else(plain, some["header_hash"], some["pixel_hash"])
        part.hashes[place] = _numbers(hashes)
    sound = ok & as_expected & (_numbers(some["nodata_count"]) == 0)
    part.flawed[of_patch[wanted[~sound]]] = True
    texts = (rows[name].take(first).cast(pa.string()) for name in ("patch_id", "product"))
    ids, products = (pa.chunked_array(text).combine_chunks() for text in texts)
    return _Part(ids, products, part.kind, part.sizes, part.hashes, part.flawed)


def _kinds(
    rows: pa.Table,
    column: NDArray[np.int64],
    bands: list[str],
    layout: Layout,
    kinds: dict[RasterKind, int],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number of the kind of each row, of which new ones are added, and whether its band has such."""
    names = [name for name in _OF_KIND if name in rows.column_names]
    combined, distinct = np.zeros(len(rows), np.int64), []
    for name in names:
        encoded = rows[name].combine_chunks()
        if not pa.types.is_dictionary(encoded.type):
            encoded = encoded.dictionary_encode()
        values = [*encoded.dictionary.to_pylist(), None]
        indices = encoded.indices.fill_null(len(values) - 1).to_numpy()
        combined = combined * len(values) + indices
        distinct.append(values)
    numbers, inverse = np.unique(combined, return_inverse=True)
    of_number, fits = np.zeros(len(numbers), np.int64), np.zeros((len(numbers), len(bands)), bool)
    for i, number in enumerate(numbers.tolist()):
        kind = _kind_of(number, names, distinct)
        of_number[i] = kinds.setdefault(kind, len(kinds))
        fits[i] = [kind.is_of(layout.bands[band]) for band in bands]
    return of_number[inverse], fits[inverse, column]


def _kind_of(number: int, names: list[str], distinct: list[list]) -> RasterKind:
    """The kind whose values are those of a number in mixed radix."""
    values: dict[str, object] = {"offset": None}
    for name, possible in zip(reversed(names), reversed(distinct), strict=True):
        number, code = divmod(number, len(possible))
        values[name] = possible[code]
    offset = _NOT_PLAIN if values["offset"] is None else values["offset"]
    return RasterKind(**{**values, "offset": offset})  # type: ignore[arg-type]


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """A number for each text of a column, equal where the texts are."""
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    return encoded.indices.fill_null(_ABSENT).to_numpy().astype(np.int64)


def _positions(column: pa.ChunkedArray, names: list[str]) -> NDArray[np.int64]:
    """Position of each text of a column among some names, -1 of others."""
    texts = column.cast(pa.string()).combine_chunks()
    found = pc.index_in(texts, pa.array(names, pa.string())).fill_null(_ABSENT)
    return found.to_numpy().astype(np.int64)


def _numbers(column: pa.ChunkedArray) -> NDArray:
    return column.combine_chunks().fill_null(0).to_numpy()


def _merged(parts: list[_Part]) -> _Part:
    """All parts as one; a patch whose rows go on in the next part is one patch."""
    ids, products = (
        pa.concat_arrays([getattr(part, name) for part in parts])
        for name in ("patch_ids", "products")
    )
    kind, sizes, hashes, flawed = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("kind", "sizes", "hashes", "flawed")
    )
    begins = np.ones(len(ids), bool)
    begins[1:] = _differ(ids) | _differ(products)
    if not begins.all():
        starts, chosen = np.flatnonzero(begins), pa.array(begins)
        ids, products = ids.filter(chosen), products.filter(chosen)
        kind, sizes, hashes = (
            np.maximum.reduceat(values, starts, axis=0) for values in (kind, sizes, hashes)
        )
        flawed = np.logical_or.reduceat(flawed, starts)
    return _Part(ids, products, kind, sizes, hashes, flawed)


def _differ(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Whether each text but the first is another than the one before."""
    return np.asarray(pc.not_equal(texts[1:], texts[:-1]).to_numpy(zero_copy_only=False))


def _ascending(products: pa.StringArray, ids: pa.StringArray) -> bool:
    """Whether rows are sorted by product, then by id, each pair once."""
    if len(ids) < 2:
        return True
    before, after = products[:-1], products[1:]
    same = pc.and_(pc.equal(before, after), pc.less(ids[:-1], ids[1:]))
    return bool(pc.all(pc.or_(pc.less(before, after), same)).as_py())
