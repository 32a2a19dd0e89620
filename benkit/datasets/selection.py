"""Which patches of an archive leave it, and why the others do not."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.errors import OptionError
from benkit.files.safe_names import some_names
from benkit.files.tables.table import one_array
from benkit.inventory.findings import ALL_KINDS, KINDS
from benkit.metadata.patch_list import are_among, distinct_ids, rows_of

_DAMAGE = [name for name, kind in KINDS.items() if kind.about == "band"]
TO_DOWNLOAD_AGAIN = (*_DAMAGE, "crs_disagreement", "not_on_disk")
"""Kinds of findings that another download may mend."""

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class Selection:
    """Patches, and why each is left out.

    Attributes
    ----------
    ids : pyarrow.StringArray
        Each once.
    code : (n,) int32 array
        Index of the reason of each patch in `texts`.
    texts : tuple of str
        Why patches are left out; the first, which is empty, is that of those that are chosen.
    """

    ids: pa.StringArray
    code: NDArray[np.int32]
    texts: tuple[str, ...] = ("",)

    @classmethod
    def of_all(cls, ids: pa.Array | pa.ChunkedArray) -> Self:
        """All of some ids, of which some may come twice."""
        distinct = distinct_ids(ids)
        return cls(distinct, np.zeros(len(distinct), np.int32))

    @cached_property
    def chosen(self) -> NDArray[np.bool_]:
        """Which are chosen: (n,) bool array."""
        return self.code == 0

    @property
    def chosen_ids(self) -> pa.StringArray:
        """The ids of those that are chosen."""
        return self.ids if self.chosen.all() else self.ids.filter(pa.array(self.chosen))

    @property
    def left_out_ids(self) -> pa.StringArray:
        """The ids of those that are left out."""
        return self.ids.filter(pa.array(~self.chosen))

    def among(self, wanted: Collection[str] | pa.Array, why: str) -> Self:
        """The same without the patches that are not among some ids."""
        return self.where(are_among(self.ids, pa.array(wanted, pa.string())), why)

    def where(self, wanted: NDArray[np.bool_], why: str) -> Self:
        """The same without the patches at which a (n,) bool array is false."""
        return self._left_out(np.where(wanted, 0, 1), [why])

    def without(self, reasons: pa.Table) -> Self:
        """The same without the patches of a column ``patch_id``, each for its own reason: ``why``."""
        row = rows_of(self.ids, one_array(reasons["patch_id"]))
        texts = one_array(reasons["why"]).dictionary_encode()
        code = texts.indices.take(row).fill_null(-1).to_numpy()
        return self._left_out(code + 1, texts.dictionary.to_pylist())

    def _left_out(self, code: NDArray[np.integer], texts: Iterable[str]) -> Self:
        """The same without the patches of codes other than 0, which count ``texts`` from 1."""
        added = np.where(code > 0, code + (len(self.texts) - 1), 0).astype(np.int32)
        both = np.where(self.chosen, added, self.code)
        return replace(self, code=both, texts=(*self.texts, *texts))

    @property
    def reasons(self) -> str:
        """How many patches are left out for which reasons, in words."""
        counts = self._counts().most_common()
        first = [f"{number:,} {text}" for text, number in counts[:_SHOWN]]
        others = sum(number for _, number in counts[_SHOWN:])
        return "; ".join([*first, *([f"{others:,} for other reasons"] if others else [])])

    def _counts(self) -> "Counter[str]":
        """How many patches are left out for each reason; reasons in the order of their first patches."""
        codes, first, numbers = np.unique(
            self.code[~self.chosen], return_index=True, return_counts=True
        )
        counts: Counter[str] = Counter()
        for row in np.argsort(first).tolist():
            counts[self.texts[codes[row]]] += int(numbers[row])
        return counts

    @property
    def left_out(self) -> pa.Table:
        """``patch_id`` and ``why`` of those that are left out, sorted."""
        code, texts = self.code[~self.chosen], pa.array(self.texts, pa.string())
        why = pa.DictionaryArray.from_arrays(code, texts)
        table = pa.table({"patch_id": self.left_out_ids, "why": why})
        return table.sort_by("patch_id")


def reasons_of(findings: pa.Table, kinds: Iterable[str] | None = None) -> pa.Table:
    """``patch_id`` and in ``why`` the kinds of findings about it, of all or some, with commas between.

    Raises
    ------
    OptionError
        If there is no such kind.
    """
    wanted = None if kinds is None else pa.array(sorted(require_kinds(kinds)), pa.string())
    named = pc.and_kleene(findings["patch_id"].is_valid(), pc.not_equal(findings["patch_id"], ""))
    rows = findings.select(["patch_id", "kind"]).filter(named)
    if wanted is not None:
        rows = rows.filter(pc.is_in(rows["kind"], wanted))
    # each kind once a patch, in the order of the findings
    rows = rows.group_by(["patch_id", "kind"], use_threads=False).aggregate([])
    kinds_of = rows.group_by("patch_id", use_threads=False).aggregate([("kind", "list")])
    texts = pc.binary_join(kinds_of["kind_list"], ", ")
    return pa.table({"patch_id": kinds_of["patch_id"].cast(pa.string()), "why": texts})


def not_on_disk(findings: pa.Table) -> pa.Array:
    """The patches of the metadata that findings miss on disk."""
    ids = findings.filter(pc.equal(findings["kind"], "not_on_disk"))["patch_id"]
    return ids.combine_chunks()


def require_kinds(kinds: Iterable[str]) -> set[str]:
    """Some kinds of findings; an `OptionError` if one is none."""
    wanted = set(kinds)
    if unknown := sorted(wanted - ALL_KINDS.keys()):
        raise OptionError(
            f"--exclude-kinds: there is no kind of findings {some_names(unknown[:1])}; expected some "
            f"of {', '.join(KINDS)}"
        )
    return wanted
