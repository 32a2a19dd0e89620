"""Split patches so that the score on the test side can be trusted.

Patches that share ground form units that are never cut. Which units go to which side is searched by
simulated annealing over cells of units, from 20 km down to 5 km wide, and at the end over single units:
few test patches near train patches, and shares of all labels, seasons and countries near the test
fraction (see `benkit.splits.search.search`).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import OptionError
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.splits.evaluate import Evaluation
from benkit.splits.search.buffer import left_out
from benkit.splits.search.groups import Units, gather_units
from benkit.splits.search.search import Wanted, choose_sides

__all__ = ["Split", "split_folds", "split_patches"]
_LEAST_COMPACTNESS, _MOST_COMPACTNESS = 0.001, 1000


@dataclass(frozen=True)
class Split:
    """Patches and their sides.

    Attributes
    ----------
    patch_ids : tuple of str
        All patches of the metadata, in its order.
    side : (n,) array of str
        ``train``, ``validation`` or ``test``, or nothing for a patch that is left out.
    parts : dict of str to float
        Part of the patches that was asked for, by side: train, validation if there is one, test.
    evaluation : Evaluation or None
        How it is to be judged; None if it was not.
    """

    patch_ids: tuple[str, ...]
    side: NDArray[np.str_]
    parts: dict[str, float]
    evaluation: Evaluation | None = None

    def sides(self) -> dict[str, list[str]]:
        """Patch ids by side (train, validation if there is one, test), in the order of the metadata."""
        ids = np.array(self.patch_ids, object)
        return {name: ids[self.side == name].tolist() for name in self.parts}


def split_patches(
    metadata: Metadata | pa.Table,
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
    metadata : Metadata or pyarrow.Table
    test, validation : float
        Part of the patches on these sides; at least 0, together below 1.
    buffer : float
        Metres that patches of different sides keep between their centres, at least 0. Train patches
        that are nearer to another side are left out, and validation patches nearer to the test side;
        the parts are those of the patches that are kept.
    seed : int
        Another seed gives another split.
    group_by : str, optional
        A column of the metadata whose values are not parted: all patches with one value are on one
        side.
    compactness : float
        Weight of separation against balance, from 0.001 to 1000. More gives fewer and larger regions
        that lie further apart, less gives more of them and a closer balance.

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
    metadata = as_metadata(metadata)
    _check_parts(test, validation)
    _check_options(metadata.table, buffer, seed, group_by, compactness)
    parts = {"train": 1 - test - validation, "validation": validation, "test": test}
    parts = {name: part for name, part in parts.items() if part or name != "validation"}
    ids = tuple(metadata.patch_ids.to_pylist())
    if not ids:
        return Split((), np.zeros(0, "<U10"), parts)
    units = gather_units(metadata, group_by)
    held_out = tuple(name != "train" for name in parts)
    wanted = Wanted(tuple(parts.values()), held_out, buffer, compactness)
    return _finished(ids, units, choose_sides(units, wanted, seed), parts, buffer)


def split_folds(
    metadata: Metadata | pa.Table,
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
        Each with about one in ``folds`` of all patches on its test side. A buffer leaves patches out
        of train sides only.

    Raises
    ------
    OptionError
        If an argument makes no sense.
    """
    if folds < 2:
        raise OptionError(f"expected at least 2 folds, but it is {folds}")
    metadata = as_metadata(metadata)
    _check_options(metadata.table, buffer, seed, group_by, compactness)
    parts = {"train": 1 - 1 / folds, "test": 1 / folds}
    ids = tuple(metadata.patch_ids.to_pylist())
    if not ids:
        return [Split((), np.zeros(0, "<U10"), parts) for _ in range(folds)]
    units = gather_units(metadata, group_by)
    wanted = Wanted((1 / folds,) * folds, (True,) * folds, 0.0, compactness)
    fold_of_unit = choose_sides(units, wanted, seed)
    in_test = (fold_of_unit == np.arange(folds)[:, np.newaxis]).astype(np.uint8)
    return [_finished(ids, units, side, parts, buffer) for side in in_test]


def _finished(
    ids: tuple[str, ...],
    units: Units,
    side_of_unit: NDArray[np.uint8],
    parts: dict[str, float],
    buffer: float,
) -> Split:
    """A split of the units into sides, without the patches within the buffer."""
    side = np.array(list(parts), "<U10")[side_of_unit[units.of_patch]]
    side[left_out(units, side_of_unit, buffer)] = ""
    return Split(ids, side, parts)


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
    if not _LEAST_COMPACTNESS <= compactness <= _MOST_COMPACTNESS:
        raise OptionError(
            f"expected a compactness from {_LEAST_COMPACTNESS} to {_MOST_COMPACTNESS}, "
            f"but it is {compactness}"
        )
    if group_by is None:
        return
    if group_by not in metadata.column_names:
        columns = ", ".join(metadata.column_names)
        raise OptionError(
            f"expected a column of the metadata to group by, one of {columns}, "
            f"but there is no {group_by}"
        )
    kind = metadata[group_by].type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise OptionError(
            f"expected a column with one value a patch to group by, but {group_by} has "
            f"{'bytes' if not pa.types.is_nested(kind) else 'lists'}"
        )
