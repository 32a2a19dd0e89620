"""Split patches so that the score on the test side can be trusted.

Patches that share ground form units that are never cut. Which units go to which side is searched by
simulated annealing over cells of units, from 20 km down to 5 km wide, and at the end over single units:
few test patches near train patches, and shares of all labels, seasons and countries near the test
fraction (see `benkit.splits.search.search`).
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.engine.progress import Progress
from benkit.errors import InputFormatError, OptionError
from benkit.ground.distance_plane import nearest_distances
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.patch_list import rows_of
from benkit.splits.search.buffer import left_out
from benkit.splits.search.groups import Units, gather_units
from benkit.splits.search.objectives import Wanted
from benkit.splits.search.search import choose_sides
from benkit.splits.search.starts import Effort
from benkit.splits.split import Split
from benkit.splits.split_file import SIDES

_LEAST_COMPACTNESS, _MOST_COMPACTNESS = 0.001, 1000
_SLACK = 0.02  # of the patches, by which a side may differ from what was asked for
_MOST_FOLDS = 255  # sides are numbered in a byte


def split_patches(
    metadata: Metadata | pa.Table,
    *,
    test: float = 0.25,
    validation: float = 0.0,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    seconds: float | None = None,
    progress: Progress = None,
) -> Split:
    """Split patches as `benkit.split` does, without judging the split."""
    metadata = as_metadata(metadata)
    _check_parts(test, validation)
    _check_options(metadata.table, buffer, seed, group_by, compactness, seconds)
    parts = {"train": 1 - test - validation, "validation": validation, "test": test}
    parts = {name: part for name, part in parts.items() if part or name != "validation"}
    if not len(metadata):
        return Split.of_rows(metadata.patch_ids, np.zeros(0, np.int8), tuple(parts), parts)
    asked = {name: part for name, part in parts.items() if part}
    if len(asked) == 1:
        none = np.zeros(len(metadata), np.int8)
        return Split.of_rows(metadata.patch_ids, none, tuple(parts), parts)
    units = gather_units(metadata, group_by)
    _require_units(units, len(asked), f"sides {', '.join(asked)}", group_by)
    held_out = tuple(name != "train" for name in asked)
    wanted = Wanted(tuple(asked.values()), held_out, buffer, compactness)
    side, warnings = choose_sides(units, wanted, Effort(seed, seconds, progress))
    return _finished(metadata, units, side, parts, wanted, warnings)


def split_folds(
    metadata: Metadata | pa.Table,
    folds: int,
    *,
    buffer: float = 0.0,
    seed: int = 0,
    group_by: str | None = None,
    compactness: float = 1.0,
    seconds: float | None = None,
    progress: Progress = None,
) -> list[Split]:
    """Split patches several times as `benkit.folds` does, without judging the splits."""
    check_folds(folds)
    metadata = as_metadata(metadata)
    _check_options(metadata.table, buffer, seed, group_by, compactness, seconds)
    parts = {"train": 1 - 1 / folds, "test": 1 / folds}
    if not len(metadata):
        none = np.zeros(0, np.int8)
        return [Split.of_rows(metadata.patch_ids, none, tuple(parts), parts)] * folds
    units = gather_units(metadata, group_by)
    _require_units(units, folds, f"{folds} folds", group_by)
    wanted = Wanted((1 / folds,) * folds, (True,) * folds, 0.0, compactness)
    fold_of_unit, warnings = choose_sides(units, wanted, Effort(seed, seconds, progress))
    in_test = (fold_of_unit == np.arange(folds)[:, np.newaxis]).astype(np.uint8)
    wanted = replace(wanted, buffer=buffer)
    made = [_finished(metadata, units, side, parts, wanted, warnings) for side in in_test]
    assert (np.sum([split.code == SIDES.index("test") for split in made], axis=0) == 1).all(), (
        "each patch is on the test side of one fold"
    )
    return made


def _finished(
    metadata: Metadata,
    units: Units,
    side_of_unit: NDArray[np.uint8],
    parts: dict[str, float],
    wanted: Wanted,
    warnings: tuple[str, ...],
) -> Split:
    """A split of the units into sides, without the patches within the buffer."""
    buffer = wanted.buffer
    asked = [SIDES.index(name) for name, part in parts.items() if part]
    code = np.array(asked)[side_of_unit[units.of_patch]]
    # not on the plane of the search, where distances are not everywhere those that are judged
    measured = replace(units, patch_centre=np.rint(metadata.positions).astype(np.int64))
    out = left_out(measured, side_of_unit, buffer)
    for number in asked:
        mine = code == number
        if out[mine].all():
            raise _too_wide(measured, SIDES[number], buffer, mine, (code != number) & ~out)
    code[out] = -1
    split = Split.of_rows(metadata.patch_ids, code, tuple(parts), parts, warnings)
    listed = pa.concat_arrays(
        [*split.side_ids().values(), metadata.patch_ids.filter(pa.array(out))]
    )
    assert _each_once(listed, metadata.patch_ids), (
        "the sides, and what the buffer leaves out, are the patches of the metadata, each once"
    )
    first, second = split.code[metadata.pairs].T
    assert ((first == second) | (first < 0) | (second < 0)).all(), (
        "no two patches that share ground are on different sides"
    )
    kept_units, kept_code = units.of_patch[split.code >= 0], split.code[split.code >= 0]
    assert (kept_code == _of_units(kept_units, kept_code)).all(), "no unit is on two sides"
    assert buffer or _near_parts(split, units), (
        "without a buffer each side has its part, but for 2 % and the largest unit once a side"
    )
    return split


def _each_once(listed: pa.StringArray, ids: pa.StringArray) -> bool:
    """Whether some ids are those of all patches, in any order."""
    rows = rows_of(listed, ids)
    found = np.zeros(len(ids), bool)
    found[rows.drop_null().to_numpy()] = True
    return len(rows) == len(ids) and bool(found.all())


def _of_units(units: NDArray[np.int64], code: NDArray[np.int8]) -> NDArray[np.int8]:
    """For each patch the side of the last patch of its unit."""
    side = np.zeros(units.max(initial=0) + 1, np.int8)
    side[units] = code
    return side[units]


def _near_parts(split: Split, units: Units) -> bool:
    """Whether no side is further from the part that was asked for than a search may leave it."""
    slack = _SLACK * len(split) + len(split.parts) * units.patches.max()
    sides = split.side_ids()
    off = [len(sides[name]) - part * len(split) for name, part in split.parts.items()]
    return max(map(abs, off)) <= slack


def _too_wide(
    units: Units, name: str, buffer: float, mine: NDArray[np.bool_], others: NDArray[np.bool_]
) -> InputFormatError:
    """The error about a side on which a buffer leaves no patch."""
    centres = units.patch_centre.astype(np.float64)
    most = nearest_distances(centres[mine], centres[others]).max(initial=0)
    return InputFormatError(
        f"expected a {name} side that keeps a buffer of {buffer:,.10g} m, but it would be empty: the "
        f"{_units(units)}, and no {name} patch is further than {most:,.0f} m "
        "from another side; ask for a smaller buffer, or try another seed"
    )


def _require_units(units: Units, least: int, what: str, group_by: str | None) -> None:
    """Refuse to part patches into more sides than there are units, as some would be empty."""
    found = len(units.patches)
    if found >= least:
        return
    why = "share ground" if group_by is None else f"share ground or a value of {group_by}"
    possible = (
        f"ask for at most {found} of them"
        if found > 1
        else "they cannot be parted" + ("" if group_by is None else f"; leave out the {group_by}")
    )
    raise InputFormatError(
        f"expected patches for {what}, but the {_units(units)}, as "
        f"patches that {why} stay together; {possible}"
    )


def _units(units: Units) -> str:
    patches, found = len(units.of_patch), len(units.patches)
    form = "patch forms" if patches == 1 else "patches form"
    return f"{patches:,} {form} {found:,} unit{'s' * (found != 1)}"


def check_folds(folds: int) -> None:
    """Refuse a number of folds that can be had of no patches."""
    if folds < 2:
        raise OptionError(f"expected at least 2 folds, but it is {folds}")
    if folds > _MOST_FOLDS:
        raise OptionError(f"expected at most {_MOST_FOLDS} folds, but it is {folds}")


def _check_parts(test: float, validation: float) -> None:
    if not (test >= 0 and validation >= 0 and test + validation < 1):
        raise OptionError(
            "expected parts of at least 0 for test and validation, together below 1, "
            f"but they are {test} and {validation}"
        )


def _check_options(
    metadata: pa.Table,
    buffer: float,
    seed: int,
    group_by: str | None,
    compactness: float,
    seconds: float | None,
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
    if seconds is not None and not 0 < seconds < np.inf:
        raise OptionError(f"expected a time of more than 0 seconds, but it is {seconds}")
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
