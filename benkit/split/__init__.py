"""Split patches so that the score on the test side can be trusted.

Patches that share ground form units that are never cut. Which units go to the test side is searched by
simulated annealing over blocks of units, from 20 km down to 2.5 km wide: few test patches near train
patches, and shares of all labels, seasons and countries near the test fraction (see
`benkit.split.search`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import OptionError
from benkit.planar import nearest_distances
from benkit.split.search import choose_units
from benkit.split.units import Units, gather_units

__all__ = ["Split", "split_folds", "split_patches"]

_ROUNDING = 2  # metres; centres are whole metres here

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
    buffer: float = 0.0,
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
    buffer : float
        Metres that patches of different sides keep between their centres, at least 0. Train patches
        that are nearer to another side are left out, and validation patches nearer to the test side.
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
    _check_parts(test, validation)
    _check_options(metadata, buffer, seed, group_by, compactness)
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
        notes.extend(_leave_out(side, units, buffer))
    names = {name for name, part in zip(_SIDES, (1.0, validation, test), strict=True) if part}
    assert set(side.tolist()) <= names | {""}, "there are no other sides than those asked for"
    assert len(side) == len(metadata), "every patch has a side"
    return Split(tuple(metadata["patch_id"].to_pylist()), side, tuple(notes), validation > 0)


def split_folds(
    metadata: pa.Table,
    folds: int,
    *,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
) -> list[Split]:
    """Split patches several times for cross-validation: each is on the test side once.

    Parameters
    ----------
    metadata, buffer, seed, group_by, compactness
        As of `split_patches`.
    folds : int
        How many splits, at least 2.

    Returns
    -------
    list of Split
        Each with about one in ``folds`` of the patches on its test side. A buffer leaves patches out of
        train sides only.

    Raises
    ------
    OptionError
        If an argument makes no sense.
    """
    if folds < 2:
        raise OptionError(f"expected at least 2 folds, but it is {folds}")
    _check_options(metadata, buffer, seed, group_by, compactness)
    ids = tuple(metadata["patch_id"].to_pylist())
    if not ids:
        return [Split((), np.zeros(0, "<U10"), (), False) for _ in range(folds)]
    units = gather_units(metadata, group_by)
    free = np.ones(len(units.patches), bool)
    splits = []
    for fold in range(folds):
        last = fold == folds - 1
        chosen = free if last else choose_units(units, free, 1 / (folds - fold), compactness, seed)
        free = free & ~chosen
        side = np.where(chosen[units.of_patch], "test", "train").astype("<U10")
        notes = [*_notes(units, chosen, "test", 1 / folds), *_leave_out(side, units, buffer)]
        splits.append(Split(ids, side, tuple(notes), False))
    return splits


def _leave_out(side: NDArray[np.str_], units: Units, buffer: float) -> Iterator[str]:
    """Take patches off ``side`` that lie within the buffer around the sides after theirs."""
    if not buffer:
        return
    centres = units.patch_centre.astype(np.float64)
    for name, others in (("validation", ("test",)), ("train", ("test", "validation"))):
        mine = np.flatnonzero(side == name)
        distances = nearest_distances(centres[mine], centres[np.isin(side, others)])
        side[mine[distances < buffer + _ROUNDING]] = ""
    if left_out := int((side == "").sum()):
        yield f"{left_out:,} patches ({left_out / len(side):.1%}) are left out for the buffer"


def _check_parts(test: float, validation: float) -> None:
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise OptionError(
            "expected parts of at least 0 for test and validation, together below 1, "
            f"but they are {test} and {validation}"
        )


def _check_options(
    metadata: pa.Table, buffer: float, seed: int, group_by: str | None, compactness: float
) -> None:
    if not 0 <= buffer < np.inf:
        raise OptionError(f"expected a buffer of at least 0 metres, but it is {buffer}")
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
