"""Units: the patches that a split never parts, and what they hold."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.ground.distance_plane import planar_centres
from benkit.ground.footprints import Footprints, locate
from benkit.ground.grid import connected_components
from benkit.ground.overlaps import overlapping_pairs
from benkit.metadata.categories import Trait, column_trait, label_trait, season_trait

__all__ = ["Units", "gather_units"]


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
    counts : (u, k) int64 array
        How many patches of each unit have each value of all traits; the last column counts all.
    kinds : (k,) array of str
        Trait of each column: ``label``, ``season``, ``country`` or ``patch``.
    traits : dict of str to Trait
        Traits by name, in the order of the columns.
    """

    of_patch: NDArray[np.int64]
    patch_centre: NDArray[np.int64]
    centre: NDArray[np.int64]
    counts: NDArray[np.int64]
    kinds: NDArray[np.str_]
    traits: dict[str, Trait]

    @property
    def patches(self) -> NDArray[np.int64]:
        """Number of patches of each unit: (u,) int64."""
        return self.counts[:, -1]

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """As the columns of ``counts``, of the chosen ones of all patches: (k,) int64."""
        return np.concatenate([*(t.count(chosen) for t in self.traits.values()), [chosen.sum()]])


def gather_units(metadata: pa.Table, group_by: str | None = None) -> Units:
    """Join patches that share ground, and those with one value of a column if asked for.

    Parameters
    ----------
    metadata : pyarrow.Table
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one.
    group_by : str, optional
        A column whose values are not parted either; a patch without a value joins no others.
    """
    places = locate(metadata["patch_id"])
    pairs = overlapping_pairs(places)
    if group_by is not None:
        pairs = np.concatenate([pairs, _chains(column_trait(metadata, group_by))])
    of_patch = connected_components(len(places), pairs)
    centres = np.rint(planar_centres(places)).astype(np.int64)
    traits = _traits(metadata, places)
    columns = [_count(of_patch, trait) for trait in traits.values()]
    patches = np.bincount(of_patch)
    sums = [np.zeros(len(patches), np.int64) for _ in range(2)]
    for axis in range(2):
        np.add.at(sums[axis], of_patch, centres[:, axis])
    kinds = [kind for kind, trait in traits.items() for _ in trait.names]
    return Units(
        of_patch=of_patch,
        patch_centre=centres,
        centre=np.stack(sums, 1) // patches[:, np.newaxis],
        counts=np.concatenate([*columns, patches[:, np.newaxis]], axis=1).astype(np.int64),
        kinds=np.array([*kinds, "patch"]),
        traits=traits,
    )


def _traits(metadata: pa.Table, places: Footprints) -> dict[str, Trait]:
    traits = {"label": label_trait(metadata), "season": season_trait(places)}
    if "country" in metadata.column_names:
        traits["country"] = column_trait(metadata, "country")
    return traits


def _count(of_patch: NDArray[np.int64], trait: Trait) -> NDArray[np.int64]:
    """Patches of each unit with each value: (units, names)."""
    units, names = int(of_patch.max()) + 1, len(trait.names)
    key = of_patch[trait.patch] * names + trait.value
    return np.bincount(key, minlength=units * names).reshape(units, names)


def _chains(trait: Trait) -> NDArray[np.int64]:
    """Pairs that join all patches with one value."""
    order = np.argsort(trait.value, kind="stable")
    patch, value = trait.patch[order], trait.value[order]
    same = value[1:] == value[:-1]
    return np.stack([patch[:-1][same], patch[1:][same]], axis=1)
