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
from benkit.inventory.findings import ALL_KINDS, KINDS

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
    why : (n,) object array
        A text for a patch that is left out, empty for one that is chosen.
    """

    ids: pa.StringArray
    why: NDArray[np.object_]

    @classmethod
    def of_all(cls, ids: pa.Array | pa.ChunkedArray) -> Self:
        """All of some ids, of which some may come twice."""
        distinct = pa.array(ids.unique(), pa.string())
        return cls(distinct, np.full(len(distinct), "", object))

    @cached_property
    def chosen(self) -> NDArray[np.bool_]:
        """Which are chosen: (n,) bool array."""
        return np.array(self.why == "", bool)

    @property
    def chosen_ids(self) -> pa.StringArray:
        """The ids of those that are chosen."""
        return self.ids.filter(pa.array(self.chosen))

    def only(self, ids: pa.Array | pa.ChunkedArray) -> Self:
        """The same without a word of the patches that are not among some ids."""
        kept = pc.is_in(self.ids, pa.array(ids.unique(), pa.string()))
        return replace(self, ids=self.ids.filter(kept), why=self.why[np.asarray(kept, bool)])

    def among(self, wanted: Collection[str] | pa.Array, why: str) -> Self:
        """The same without the patches that are not among some ids."""
        wanted = pa.array(wanted, pa.string())
        return self.where(np.asarray(pc.is_in(self.ids, wanted), bool), why)

    def where(self, wanted: NDArray[np.bool_], why: str) -> Self:
        """The same without the patches at which a (n,) bool array is false."""
        return replace(self, why=np.where(self.chosen & ~wanted, why, self.why))

    def without(self, reasons: pa.Table) -> Self:
        """The same without the patches of a column ``patch_id``, each for its own reason: ``why``."""
        row = pc.index_in(self.ids, reasons["patch_id"].combine_chunks())
        texts = reasons["why"].combine_chunks().dictionary_encode()
        code = texts.indices.take(row).fill_null(len(texts.dictionary)).to_numpy()
        # one text for all patches of the same reason
        found = np.array([*texts.dictionary.to_pylist(), ""], object)[code]
        return replace(self, why=np.where(self.chosen, found, self.why))

    @property
    def left_out_ids(self) -> set[str]:
        """The ids of those that are left out."""
        return set(self.ids.filter(pa.array(~self.chosen)).to_pylist())

    @property
    def reasons(self) -> str:
        """How many patches are left out for which reasons, in words."""
        counts = Counter(self.why[~self.chosen].tolist()).most_common()
        first = [f"{number:,} {text}" for text, number in counts[:_SHOWN]]
        others = sum(number for _, number in counts[_SHOWN:])
        return "; ".join([*first, *([f"{others:,} for other reasons"] if others else [])])

    @property
    def left_out(self) -> pa.Table:
        """``patch_id`` and ``why`` of those that are left out, sorted."""
        ids, why = self.ids.filter(pa.array(~self.chosen)), self.why[~self.chosen]
        table = pa.table({"patch_id": ids, "why": pa.array(why.tolist(), pa.string())})
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
