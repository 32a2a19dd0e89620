"""What patches have in common: labels, seasons, and the values of other columns."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.ground.grid import Pairs, expand_ranges, sorted_unique

_BITS = 64  # of a whole number, which holds the values of a patch if there are no more
_MOST_PAIRS = 50_000_000  # a hundred times those of BigEarthNet that share ground


@dataclass(frozen=True)
class Categories:
    """Which patches have which values, as pairs of indices.

    Attributes
    ----------
    names : tuple of str
        The values that occur, sorted; of seasons all, in the order of `SEASONS`.
    patch : (m,) int32 array
    value : (m,) array of int16, or of int64 where names are more than that holds
        Patch ``patch[k]`` has the value ``names[value[k]]``, of which it may have several or none;
        in ascending order.
    """

    names: tuple[str, ...]
    patch: NDArray[np.integer]
    value: NDArray[np.integer]

    def __post_init__(self) -> None:
        """Hold numbers in as little memory as they take."""
        object.__setattr__(self, "patch", self.patch.astype(np.int32))
        if len(self.names) <= np.iinfo(np.int16).max:
            object.__setattr__(self, "value", self.value.astype(np.int16))

    def count(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Number of patches, or of the chosen ones, that have each value: (names,) int64."""
        values = self.value if chosen is None else self.value[chosen[self.patch]]
        return np.bincount(values, minlength=len(self.names)).astype(np.int64)

    @cached_property
    def _bits(self) -> NDArray[np.uint64]:
        """A bit a value of each patch up to the last one with a value, and none for those after it."""
        bits = np.zeros(int(self.patch.max(initial=-1)) + 2, np.uint64)
        for value in range(len(self.names)):
            bits[self.patch[self.value == value]] |= np.uint64(1 << value)
        return bits

    def common(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
        """Number of values that both patches of a pair have, added up over pairs."""
        if len(self.names) <= _BITS:
            last = len(self._bits) - 1
            both = self._bits[np.minimum(first, last)] & self._bits[np.minimum(second, last)]
            return int(np.bitwise_count(both).sum(dtype=np.int64))
        each = np.bincount(self.patch, minlength=int(first.max(initial=0)) + 1)
        pair, place = expand_ranges((np.cumsum(each) - each)[first], each[first])
        keys = self.patch.astype(np.int64) * len(self.names) + self.value
        wanted = second[pair] * len(self.names) + self.value[place]
        return int((np.append(keys, -1)[np.searchsorted(keys, wanted)] == wanted).sum())


def list_categories(column: pa.ChunkedArray) -> Categories:
    """The values of each patch's list; one that is listed twice counts once."""
    lists = column.combine_chunks()
    names, code = _encode(pc.list_flatten(lists))
    known = code >= 0
    key = pc.list_parent_indices(lists).to_numpy()[known] * max(len(names), 1) + code[known]
    return Categories(names, *np.divmod(sorted_unique(key), max(len(names), 1)))


def column_categories(column: pa.ChunkedArray) -> Categories:
    """The value, as text, of each patch that has one."""
    names, code = _encode(column.combine_chunks())
    patch = np.flatnonzero(code >= 0)
    return Categories(names, patch, code[patch])


def pairs_of_one_value(groups: Categories) -> Pairs:
    """All pairs of patches with one value, of which each has one at most: (m, 2) int64.

    Raises
    ------
    InputFormatError
        If so many patches have one that these are too many to hold.
    """
    each = groups.count()
    if (each * (each - 1) // 2).sum() > _MOST_PAIRS:
        most = int(each.argmax())
        raise InputFormatError(
            f"expected locations, each of a patch on several dates, but {each[most]:,} patches are of "
            f"{some_names([groups.names[most]])}; where these are regions, give that part of names "
            "another name than location in the layout"
        )
    order = np.lexsort((groups.patch, groups.value))
    ends = np.cumsum(each)[groups.value[order]]
    rank, other = expand_ranges(np.arange(len(order)) + 1, ends - np.arange(len(order)) - 1)
    return np.stack([groups.patch[order[rank]], groups.patch[order[other]]], axis=1)


def _encode(values: pa.Array) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sorted names, and the number of each value's name; -1 for null."""
    indices = None
    if pa.types.is_dictionary(values.type):  # of which some names may come no more
        indices, values = values.indices, values.dictionary
    encoded = pc.dictionary_encode(values.cast(pa.string()))
    names = encoded.dictionary.to_pylist()
    code = encoded.indices if indices is None else encoded.indices.take(indices)
    code = pc.fill_null(code, len(names)).to_numpy()
    come = np.flatnonzero(np.bincount(code, minlength=len(names) + 1)[:-1]).tolist()
    order = sorted(come, key=names.__getitem__)
    rank = np.full(len(names) + 1, -1, np.int64)
    rank[order] = np.arange(len(order))
    return tuple(names[index] for index in order), rank[code]
