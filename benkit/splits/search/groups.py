"""Units: the patches that a split never parts, and what they hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benkit.ground.grid import connected_components
from benkit.metadata.categories import Categories, column_categories
from benkit.metadata.metadata import Metadata


@dataclass(frozen=True)
class Units:
    """Patches in units that stay together.

    Attributes
    ----------
    of_patch : (n,) int64 array
        Unit of each patch.
    patch_centre : (n, 2) int64 array
        Centre of each patch on one plane (see `benkit.ground.distance_plane`), in whole metres.
    centre : (u, 2) int64 array
        Mean centre of each unit's patches.
    counts : (u, k) int32 array
        How many patches of each unit have each label, season and country; the last column counts all.
    kinds : (k,) array of str
        What each column counts: ``label``, ``season``, ``country`` or ``patch``.
    categories : dict of str to Categories
        By these names, in the order of the columns.
    """

    of_patch: NDArray[np.int64]
    patch_centre: NDArray[np.int64]
    centre: NDArray[np.int64]
    counts: NDArray[np.int32]
    kinds: NDArray[np.str_]
    categories: dict[str, Categories]

    @property
    def patches(self) -> NDArray[np.int64]:
        """Number of patches of each unit: (u,) int64."""
        return self.counts[:, -1].astype(np.int64)

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """As the columns of ``counts``, of the chosen ones of all patches: (k,) int64."""
        return np.concatenate(
            [*(c.count(chosen) for c in self.categories.values()), [chosen.sum()]]
        )


def gather_units(metadata: Metadata, group_by: str | None = None) -> Units:
    """Join patches that share ground, and those with one value of a column if asked for.

    A patch without a value in that column joins no others.
    """
    pairs = metadata.pairs
    if group_by is not None:
        groups = column_categories(metadata.table[group_by])
        pairs = np.concatenate([pairs, _chains(groups)])
    of_patch = connected_components(len(metadata), pairs)
    centres = np.rint(metadata.centres).astype(np.int64)
    categories = {"label": metadata.labels, "season": metadata.seasons}
    if metadata.countries is not None:
        categories["country"] = metadata.countries
    patches = np.bincount(of_patch)
    kinds = [kind for kind, values in categories.items() for _ in values.names]
    counts = np.empty((len(patches), len(kinds) + 1), np.int32)
    counts[:, -1] = patches
    for kind, values in categories.items():
        first = kinds.index(kind) if values.names else 0
        counts[:, first : first + len(values.names)] = _count(of_patch, values)
    sums = [np.bincount(of_patch, centres[:, axis]).astype(np.int64) for axis in range(2)]
    return Units(
        of_patch=of_patch,
        patch_centre=centres,
        centre=np.stack(sums, 1) // patches[:, np.newaxis],
        counts=counts,
        kinds=np.array([*kinds, "patch"]),
        categories=categories,
    )


def _count(of_patch: NDArray[np.int64], values: Categories) -> NDArray[np.int64]:
    """Patches of each unit with each value: (units, names)."""
    units, names = int(of_patch.max()) + 1, len(values.names)
    key = of_patch[values.patch] * names + values.value
    return np.bincount(key, minlength=units * names).reshape(units, names)


def _chains(groups: Categories) -> NDArray[np.int64]:
    """Pairs that join all patches with one value."""
    order = np.argsort(groups.value, kind="stable")
    patch, value = groups.patch[order], groups.value[order]
    same = value[1:] == value[:-1]
    return np.stack([patch[:-1][same], patch[1:][same]], axis=1)
