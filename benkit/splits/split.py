"""The split: which patches are on which side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike
from benkit.files.safe_names import some_names
from benkit.files.tables.parquet import unpacked
from benkit.files.tables.table import write_table
from benkit.files.tables.table_value import TableValue
from benkit.metadata.patch_list import rows_of
from benkit.splits.evaluation import Evaluation
from benkit.splits.split_file import SIDES, split_location, split_rows, write_sides

_NAMES = np.array([*SIDES, ""])  # the last of them, with the number -1, is no side


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Split(TableValue):
    """Which patches are on which side, each on one at most.

    Parameters
    ----------
    sides : Split, mapping of str to sequence of str, path or URL, or table
        Patch ids of the sides train, test and, if there is one, validation, also as a CSV with a column
        a side; or a file or anything with the Arrow PyCapsule interface (pyarrow, pandas, polars,
        DuckDB) with the columns ``patch_id`` and ``split``, null or empty for a patch on no side.
    parts : mapping of str to float, optional
        Part of the patches that was asked for, by side.
    evaluation : Evaluation, optional
        How it is to be judged.
    id_column : str
        The column that names the patches in a table that has it, in the place of ``patch_id``.

    Attributes
    ----------
    code : (n,) int8 array
        Index of the side of each patch in `SIDES`, -1 if it is on none.
    names : tuple of str
        Of `SIDES`, those that the split has.
    parts : dict of str to float
        Empty if it is not known.
    evaluation : Evaluation or None
        None if it was not judged.
    warnings : tuple of str
        What is to be known of how it was made: that it is not repeatable, if the search was timed.

    Raises
    ------
    MissingInputError, InputFormatError
        If a file is not there, damaged or no split, a side has another name, or a patch is on two.
    OptionError
        If it is something else.

    Examples
    --------
    >>> split = Split({"train": ["a", "b"], "test": ["c"]})
    >>> split
    Split: 3 patches, train 2, test 1
    >>> split.side.tolist()
    ['train', 'train', 'test']
    """

    code: NDArray[np.int8]
    names: tuple[str, ...]
    parts: Mapping[str, float]
    evaluation: Evaluation | None
    warnings: tuple[str, ...]
    _ids: pa.StringArray

    def __init__(
        self,
        sides: Any,
        *,
        parts: Mapping[str, float] | None = None,
        evaluation: Evaluation | None = None,
        id_column: str = "patch_id",
    ) -> None:
        """Read and check the sides; a split keeps what it was asked for and how it was judged."""
        if not isinstance(sides, Split):
            sides = Split.of_rows(*split_rows(sides, id_column))
        known = {
            "parts": sides.parts if parts is None else dict(parts),
            "evaluation": sides.evaluation if evaluation is None else evaluation,
            "warnings": sides.warnings,
        }
        self.__dict__.update({"code": sides.code, "names": sides.names, "_ids": sides._ids} | known)

    @classmethod
    def of_rows(
        cls,
        ids: pa.StringArray,
        code: NDArray[np.signedinteger],
        names: Sequence[str],
        parts: Mapping[str, float] | None = None,
        warnings: Sequence[str] = (),
    ) -> Self:
        """The split of patches that are known to come once each, by the numbers of their sides."""
        made = object.__new__(cls)
        known = {"code": code.astype(np.int8), "names": tuple(names), "_ids": ids}
        known |= {"parts": dict(parts or {}), "evaluation": None, "warnings": tuple(warnings)}
        made.__dict__.update(known)
        return made

    def _facts(self) -> str:
        counts = [f"{name} {(self.code == SIDES.index(name)).sum():,}" for name in self.names]
        out = int((self.code < 0).sum())
        return ", ".join([f"{len(self):,} patches", *counts, *[f"left out {out:,}"] * (out > 0)])

    def __len__(self) -> int:
        """Number of patches, those on no side counted in."""
        return len(self.code)

    @cached_property
    def patch_ids(self) -> tuple[str, ...]:
        """Ids of all patches; those of metadata in its order."""
        return tuple(self._ids.to_pylist())

    @property
    def side(self) -> NDArray[np.str_]:
        """Side of each patch, or an empty text: (n,) array of str."""
        return _NAMES[self.code]

    @property
    def table(self) -> pa.Table:
        """The columns ``patch_id`` and ``split``, which is null for a patch on no side."""
        side = pa.array(SIDES).take(pa.array(self.code, mask=self.code < 0))
        return pa.table({"patch_id": self._ids, "split": side})

    def sides(self) -> dict[str, list[str]]:
        """Patch ids by side (train, validation if there is one, test), in the order of the patches."""
        return {name: ids.to_pylist() for name, ids in self.side_ids().items()}

    def side_ids(self) -> dict[str, pa.StringArray]:
        """As `sides`, in Arrow arrays."""
        return {
            name: self._ids.filter(pa.array(self.code == SIDES.index(name))) for name in self.names
        }

    def aligned(self, ids: pa.StringArray, strict: bool = True) -> "Split":
        """The same split with the patches of some metadata as its rows.

        Raises
        ------
        InputFormatError
            If it is strict, and a patch on a side is not among them.
        """
        if self._ids.equals(ids):
            return self
        code = self.code[self.code >= 0]
        on_sides = self._ids.filter(pa.array(self.code >= 0))
        rows = rows_of(on_sides, ids)
        if rows.null_count and strict:
            row = int(np.argmin(rows.is_valid()))
            first, foreign = some_names([on_sides[row].as_py()]), ""
            if rows.null_count == len(rows) and len(ids):
                foreign = (
                    f"{first} is one of {len(rows):,} patches on its sides, of which the metadata of "
                    f"{len(ids):,}, such as {some_names([ids[0].as_py()])}, hold none: "
                )
            raise InputFormatError(
                f"{foreign}{first} of the side {SIDES[code[row]]} is not in the metadata"
            )
        found = np.full(len(ids), -1, np.int8)
        found[rows.drop_null().to_numpy()] = code[rows.is_valid().to_numpy(zero_copy_only=False)]
        return Split.of_rows(ids, found, self.names, self.parts)

    def without_validation(self) -> "Split":
        """The same split with the validation side as part of the train side."""
        code = np.where(self.code == SIDES.index("validation"), SIDES.index("train"), self.code)
        return Split.of_rows(self._ids, code, ("train", "test"))

    def write(self, path: LocationLike, metadata: pa.Table | None = None) -> None:
        """Write a CSV with a column a side, or a Parquet file with a column ``split``.

        Parameters
        ----------
        path : path or URL
        metadata : pyarrow.Table, optional
            What a Parquet file holds beside that column, in the order of the patches; if not given,
            their ids.

        Raises
        ------
        OptionError
            If the name ends with neither .csv nor .parquet.
        OutputError
            If the file cannot be written.
        """
        if split_location(path).suffix == ".csv":
            write_sides(self.side_ids(), path)
            return
        column = self.table["split"]
        others = self.table if metadata is None else metadata
        names = [name for name in others.column_names if name != "split"]
        write_table(unpacked(others.select(names)).append_column("split", column), path)


def read_sides(path: LocationLike) -> dict[str, list[str]]:
    """Read the patches of each side (train, validation if there is one, test), as `Split` does."""
    return Split(path).sides()
