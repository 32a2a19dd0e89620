"""What patches have in common: labels, seasons, and the values of other columns."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.domain.seasons import SEASONS
from benkit.ground.footprints import Footprints

__all__ = ["Trait", "column_trait", "label_trait", "season_trait"]


@dataclass(frozen=True)
class Trait:
    """Which patches have which values, as pairs of indices.

    Attributes
    ----------
    names : tuple of str
        The values that occur, sorted, or in the order of `SEASONS`.
    patch, value : (m,) int64 arrays
        Patch ``patch[k]`` has the value ``names[value[k]]``, of which it may have several or none.
    """

    names: tuple[str, ...]
    patch: NDArray[np.int64]
    value: NDArray[np.int64]

    def count(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Number of patches, or of the chosen ones, that have each value: (names,) int64."""
        values = self.value if chosen is None else self.value[chosen[self.patch]]
        return np.bincount(values, minlength=len(self.names)).astype(np.int64)


def label_trait(metadata: pa.Table) -> Trait:
    """The labels of each patch; one that is listed twice counts once."""
    labels = metadata["labels"].combine_chunks()
    flat, parents = pc.list_flatten(labels), pc.list_parent_indices(labels)
    named, code = _encode(flat)
    pairs = np.unique(np.stack([parents.to_numpy()[code >= 0], code[code >= 0]], 1), axis=0)
    return Trait(named, pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64))


def season_trait(places: Footprints) -> Trait:
    """The meteorological season of each patch."""
    of_product = np.array([SEASONS.index(p.season) for p in places.products], np.int64)
    return Trait(SEASONS, np.arange(len(places)), of_product[places.product])


def column_trait(metadata: pa.Table, column: str) -> Trait:
    """The value of a column, as text, of each patch that has one."""
    names, code = _encode(metadata[column].combine_chunks())
    patch = np.flatnonzero(code >= 0)
    return Trait(names, patch, code[patch])


def _encode(values: pa.Array) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Sorted names, and the number of each value's name; -1 for null."""
    encoded = pc.dictionary_encode(values.cast(pa.string()))
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.full(len(names) + 1, -1, np.int64)
    rank[order] = np.arange(len(names))
    code = pc.fill_null(encoded.indices, len(names)).to_numpy()
    return tuple(names[place] for place in order), rank[code]
