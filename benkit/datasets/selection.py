"""Which patches of an archive leave it, and why the others do not."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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

    def without(self, reasons: Mapping[str, str]) -> Self:
        """The same without some patches, each for its own reason."""
        row = np.asarray(pc.index_in(self.ids, pa.array(reasons, pa.string())).fill_null(-1))
        found = np.array([*reasons.values(), ""], object)[row]
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


def reasons_of(findings: pa.Table, kinds: Iterable[str] | None = None) -> dict[str, str]:
    """The kinds of findings about each patch, of all kinds or some, with commas between them.

    Raises
    ------
    OptionError
        If there is no such kind.
    """
    wanted = None if kinds is None else require_kinds(kinds)
    found: dict[str, dict[str, None]] = {}
    columns = (findings[name].to_pylist() for name in ("patch_id", "kind"))
    for patch, kind in zip(*columns, strict=True):
        if patch and (wanted is None or kind in wanted):
            found.setdefault(patch, {})[kind] = None
    return {patch: ", ".join(names) for patch, names in found.items()}


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
