"""Split patches so that the score on the test side can be trusted.

Patches that share ground form units that are never cut. Which units go to the test side is searched by
simulated annealing over blocks of units, first 20 km, then 10 km, then 5 km wide (see
`benkit.split.search`): few test patches near train patches, and shares of all labels, seasons and
countries near the test fraction.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import OptionError
from benkit.split.search import choose_units
from benkit.split.units import Units, gather_units

__all__ = ["Split", "split_patches"]

_SIDES = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Patches and their sides.

    Attributes
    ----------
    patch_ids : tuple of str
        All patches of the metadata, in its order.
    side : (n,) array of str
        ``train``, ``validation`` or ``test``, or nothing for a patch that is left out.
    notes : tuple of str
        What was asked for but could not be had.
    with_validation : bool
        Whether there is a validation side.
    """

    patch_ids: tuple[str, ...]
    side: NDArray[np.str_]
    notes: tuple[str, ...]
    with_validation: bool

    def sides(self) -> dict[str, list[str]]:
        """Patch ids by side (train, validation if there is one, test), in the order of the metadata."""
        names = _SIDES if self.with_validation else ("train", "test")
        ids = np.array(self.patch_ids, object)
        return {name: ids[self.side == name].tolist() for name in names}


def split_patches(
    metadata: pa.Table,
    *,
    test: float = 0.25,
    validation: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
) -> Split:
    """Split patches into sides that share no ground, lie apart and hold the same mix.

    Parameters
    ----------
    metadata : pyarrow.Table
        With the columns ``patch_id`` and ``labels``, and ``country`` if there is one.
    test, validation : float
        Part of the patches on these sides; at least 0, together below 1.
    seed : int
        Another seed gives another split.
    group_by : str, optional
        A column of the metadata whose values are not parted: all patches with one value are on one
        side.
    compactness : float
        Weight of separation against balance, above 0.

    Returns
    -------
    Split
        The same for the same arguments on every machine.

    Raises
    ------
    OptionError
        If an argument makes no sense.
    PatchIdError
        If one is no patch id.
    """
    _check(metadata, test, validation, seed, group_by, compactness)
    side = np.full(len(metadata), "train", "<U10")
    notes: list[str] = []
    if len(metadata):
        units = gather_units(metadata, group_by)
        free = np.ones(len(units.patches), bool)
        left = 1.0
        for name, part in (("test", test), ("validation", validation)):
            if part:
                chosen = choose_units(units, free, part / left, compactness, seed)
                side[chosen[units.of_patch]] = name
                free, left = free & ~chosen, left - part
                notes.extend(_notes(units, chosen, name, part))
        number = np.unique(side, return_inverse=True)[1]
        parts = np.unique(units.of_patch * len(_SIDES) + number)
        assert len(parts) == len(units.patches), "no unit is on two sides"
    names = {name for name, part in zip(_SIDES, (1.0, validation, test), strict=True) if part}
    assert set(side.tolist()) <= names, "there are no other sides than those asked for"
    assert len(side) == len(metadata), "every patch has a side"
    return Split(tuple(metadata["patch_id"].to_pylist()), side, tuple(notes), validation > 0)


def _check(
    metadata: pa.Table,
    test: float,
    validation: float,
    seed: int,
    group_by: str | None,
    compactness: float,
) -> None:
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise OptionError(
            "expected parts of at least 0 for test and validation, together below 1, "
            f"but they are {test} and {validation}"
        )
    if seed < 0:
        raise OptionError(f"expected a seed of at least 0, but it is {seed}")
    if not compactness > 0:
        raise OptionError(f"expected a compactness above 0, but it is {compactness}")
    if group_by is not None and group_by not in metadata.column_names:
        raise OptionError(
            f"expected a column of the metadata to group by, but there is no {group_by}"
        )


def _notes(units: Units, chosen: NDArray[np.bool_], name: str, part: float) -> Iterator[str]:
    whole, mine = units.counts.sum(0), units.counts[chosen].sum(0)
    realised = mine[-1] / whole[-1]
    if abs(realised - part) > 0.005:
        yield f"the {name} side has {realised:.1%} of the patches instead of {part:.1%}"
    for label in np.flatnonzero((units.kinds == "label") & ((mine == 0) | (mine == whole))):
        where = "no" if mine[label] == 0 else "every"
        yield f"{where} patch with the label {units.names[label]} is on the {name} side"
