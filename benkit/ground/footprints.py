"""Where patches lie on the ground, from their names alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.patch_names import (
    PATCH_METRES,
    PATCHES_PER_SIDE,
    Product,
    parse_patch_id,
    parse_product,
)
from benkit.errors import InputFormatError, PatchIdError, first_line
from benkit.files.safe_names import some_names
from benkit.files.tables.table import is_text, one_array
from benkit.tiff.raster import SAME_CORNER

GRID_CORNER = ("grid_west", "grid_north")
"""Columns of metadata that say where the grid of a patch begins: metres in the UTM zone of its tile."""

_FURTHEST_METRES = 10_000_000
_STEPS_PER_METRE = 1024
_IDS_AT_ONCE = 2**18
_POSITION = r"^_\d\d_\d\d$"  # column and row at the end of a patch id
_POSITION_LENGTH = len("_00_00")


@dataclass(frozen=True)
class Footprints:
    """The squares of ground that some patches show, as arrays of one entry a patch.

    Attributes
    ----------
    products : tuple of Product
        The products that occur, in the order in which they are first met.
    product : (n,) int32 array
        Index into ``products``.
    column, row : (n,) int32 array
        Position in the tile, 0 to 90.
    epsg : (n,) int32 array
        UTM zone of the coordinates.
    x, y : (n,) int64 array, or float64 where a scene's own grid begins between whole metres
        Upper-left (north-west) corner in metres; a patch reaches 1200 m east and south of it.
    """

    products: tuple[Product, ...]
    product: NDArray[np.int32]
    column: NDArray[np.int32]
    row: NDArray[np.int32]
    epsg: NDArray[np.int32]
    x: NDArray[np.int64] | NDArray[np.float64]
    y: NDArray[np.int64] | NDArray[np.float64]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.product)

    @property
    def on_tile_grid(self) -> bool:
        """Whether all columns and rows count from the corners of their tiles."""
        west, north = (
            np.array([getattr(product.tile, side) for product in self.products])[self.product]
            for side in ("west", "north")
        )
        column, row = PATCH_METRES * self.column, PATCH_METRES * self.row
        return bool((self.x == west + column).all() and (self.y == north - row).all())

    def take(self, rows: NDArray[np.integer]) -> Self:
        """Those of some patches, by index."""
        columns = ("product", "column", "row", "epsg", "x", "y")
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def locate(patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> Footprints:
    """The footprints that many patch ids tell, each as `parse_patch_id` reads it.

    Examples
    --------
    >>> places = locate(["S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"])
    >>> places.x.tolist(), places.y.tolist(), places.epsg.tolist()
    ([339600], [6065220], [32635])
    """
    ids = _one_array(patch_ids)
    product, column, row = (np.empty(len(ids), np.int32) for _ in range(3))
    number: dict[str, int] = {}
    for some, block in _blocks(ids):
        _refuse_first(block, ~are_patch_ids(block))
        encoded = pc.dictionary_encode(_product_names(block))
        names = encoded.dictionary.to_pylist()
        numbers = np.array([number.setdefault(name, len(number)) for name in names], np.int32)
        product[some] = numbers[encoded.indices.to_numpy()]
        column[some], row[some] = _columns_and_rows(block)
    products = tuple(map(parse_product, number))
    tiles = [product.tile for product in products]
    epsg, west, north = (
        np.array([getattr(tile, name) for tile in tiles], np.int64)[product]
        for name in ("epsg", "west", "north")
    )
    return Footprints(
        products=products,
        product=product,
        column=column,
        row=row,
        epsg=epsg.astype(np.int32),
        x=west + PATCH_METRES * column.astype(np.int64),
        y=north - PATCH_METRES * row.astype(np.int64),
    )


def locate_rows(table: pa.Table) -> Footprints:
    """The footprints of the patches of a table, which may say where their grids begin.

    Where the columns `GRID_CORNER` have numbers, columns and rows count from that corner, as
    `benkit.patchify` writes it of scenes that lie off the grid of their tile. Else they count from
    the corner of the tile, as ids mean it.

    Raises
    ------
    PatchIdError
        If an id is none.
    InputFormatError
        If a corner is not in metres of a UTM zone.
    """
    places = locate(table["patch_id"])
    if not {*GRID_CORNER} <= set(table.column_names):
        return places
    west, north = (_metres(table, name) for name in GRID_CORNER)
    x = np.where(np.isnan(west), places.x, west + PATCH_METRES * places.column)
    y = np.where(np.isnan(north), places.y, north - PATCH_METRES * places.row)
    if (x % 1 == 0).all() and (y % 1 == 0).all():
        x, y = x.astype(np.int64), y.astype(np.int64)
    return replace(places, x=x, y=y)


def _metres(table: pa.Table, name: str) -> NDArray[np.float64]:
    """Numbers of a column, which a CSV file has as texts; NaN where there is none.

    They are rounded to 1/1024 m, whose sums and differences are exact.
    """
    column = table[name].combine_chunks()
    if is_text(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    try:
        metres = np.asarray(column.cast(pa.float64()).fill_null(np.nan))
    except pa.ArrowException as error:
        found = first_line(error)
    else:
        wrong = ~np.isnan(metres) & ~((metres >= 0) & (metres <= _FURTHEST_METRES))
        if not wrong.any():
            return (metres * _STEPS_PER_METRE).round() / _STEPS_PER_METRE
        found = f"there is {metres[wrong][0]:.15g}"
    raise InputFormatError(
        f"expected metres of a UTM zone, 0 to {_FURTHEST_METRES:,}, in the column {name}, but {found}"
    )


def join_footprints(first: Footprints, second: Footprints) -> Footprints:
    """Those of both, one after the other; a product that is in both is one."""
    number = {product: index for index, product in enumerate(first.products)}
    again = [number.setdefault(product, len(number)) for product in second.products]
    columns = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("column", "row", "epsg", "x", "y")
    }
    product = np.concatenate([first.product, np.array(again, np.int32)[second.product]])
    return Footprints(tuple(number), product, **columns)


def are_patch_ids(texts: Sequence[str] | pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Which of many texts `parse_patch_id` accepts.

    Examples
    --------
    >>> are_patch_ids(["S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29", "thumbnails"]).tolist()
    [True, False]
    """
    ids = _one_array(texts)
    known = np.zeros(len(ids), bool)
    for some, block in _blocks(ids):
        encoded = pc.dictionary_encode(_product_names(block))
        products = np.array([_is_product(name) for name in encoded.dictionary.to_pylist()], bool)
        positions = pc.utf8_slice_codeunits(block, -_POSITION_LENGTH)
        mine = np.array(pc.match_substring_regex(positions, _POSITION), bool)
        mine &= products[encoded.indices.to_numpy()]
        column, row = _columns_and_rows(block.filter(pa.array(mine)))
        mine[mine] = (column < PATCHES_PER_SIDE) & (row < PATCHES_PER_SIDE)
        known[some] = mine
    return known


def _blocks(ids: pa.Array) -> Iterator[tuple[slice, pa.Array]]:
    """Some ids at a time, of which parts are cut out as texts, and where they are."""
    for start in range(0, len(ids), _IDS_AT_ONCE):
        block = ids.slice(start, _IDS_AT_ONCE)
        yield slice(start, start + len(block)), block


def _product_names(ids: pa.Array) -> pa.Array:
    return pc.utf8_slice_codeunits(ids, 0, -_POSITION_LENGTH)


def _columns_and_rows(ids: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of texts that end with two numbers."""
    column, row = (
        pc.utf8_slice_codeunits(ids, start, start + 2 or None).cast(pa.int32()).to_numpy()
        for start in (-5, -2)
    )
    return column, row


@lru_cache(maxsize=2**15)
def _is_product(name: str) -> bool:
    try:
        parse_product(name)
    except PatchIdError:
        return False
    return True


def require_same_corners(table: pa.Table, places: Footprints, source: object) -> None:
    """Refuse a table, which ``source`` is called in errors, whose corners are not those of its ids.

    They are in the columns ``epsg``, ``x`` and ``y``, as `footprint_table` gives them, if at all.
    """
    if {"epsg", "x", "y"} <= set(table.column_names):
        found = [_flat_values(table[name]) for name in ("epsg", "x", "y")]
        expected: tuple[NDArray, ...] = (places.epsg, places.x, places.y)
        agree = np.logical_and.reduce([_agree(a, b) for a, b in zip(found, expected, strict=True)])
        if not agree.all():
            first = int(np.argmin(agree))
            raise InputFormatError(
                f"{source}: expected the corner {expected[1][first]}, {expected[2][first]} in "
                f"EPSG:{expected[0][first]} for {table['patch_id'][first]}, as its name says, but the "
                f"columns x, y and epsg give {some_names([str(a[first]) for a in found[1:]])} in "
                f"EPSG:{some_names([str(found[0][first])])}; write the footprints again"
            )


def _agree(found: NDArray, expected: NDArray) -> NDArray[np.bool_]:
    """Which numbers are the same but for rounding; a text is none."""
    if found.dtype.kind not in "iuf":
        return np.asarray(found == expected)
    return np.abs(found - expected) <= SAME_CORNER


def _flat_values(column: pa.ChunkedArray) -> NDArray:
    """One value a row; lists and structs, which are no number, as texts."""
    if not pa.types.is_nested(column.type):
        return np.asarray(column)
    return np.array([str(value) for value in column.to_pylist()], object)


def _one_array(patch_ids: Sequence[str] | pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(patch_ids, pa.ChunkedArray):
        return one_array(patch_ids).cast(pa.string())
    if isinstance(patch_ids, pa.Array):
        return patch_ids.cast(pa.string())
    return pa.array(patch_ids, pa.string())


def _refuse_first(ids: pa.Array, wrong: NDArray[np.bool_]) -> None:
    """Raise the error of the first wrong id."""
    if wrong.any():
        parse_patch_id(ids[int(np.argmax(wrong))].as_py())
        raise AssertionError("an id that is refused here is refused there")
