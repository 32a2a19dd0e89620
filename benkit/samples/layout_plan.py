"""Which patches of a layout a sample has, and which error each of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import pyarrow as pa

from benkit.domain.baselines import OFFSET, WITH_OFFSET
from benkit.domain.layout import Layout
from benkit.inventory.baselines import added_offsets
from benkit.inventory.findings import KINDS
from benkit.samples.layout_damage import possible_damages
from benkit.samples.named_patches import NamedPatch, named_patches, renamed, with_baseline
from benkit.samples.plan import seeded_hash

COPY = "copy"
"""Not an error of a kind: a patch that shows what another one shows."""

PER_THOUSAND = 5
"""Patches that get an error of a kind of which the course data set has none."""

_ALWAYS = {"not_part_of_dataset", "not_on_disk", "not_scanned", COPY}


def plan_layout(layout: Layout, patches: int, seed: int) -> list[NamedPatch]:
    """Choose so many patches on disk, some more that are not, and their errors; sorted by patch id."""
    most_missing = _number("not_on_disk", patches)
    chosen = list(islice(named_patches(layout), patches + most_missing))
    ranked = sorted(range(patches), key=lambda index: seeded_hash(seed, chosen[index].patch_id))
    kinds = _ALWAYS | possible_damages(layout)
    kinds |= {
        kind for kind in _RENAMED if _with_error(layout, chosen, ranked[0], kind, 0) is not None
    }
    victims = iter(ranked)
    for kind in (*KINDS, COPY):
        if kind not in kinds:
            continue
        for variant in range(_number(kind, patches)):
            index = patches + variant if kind == "not_on_disk" else next(victims)
            changed = _with_error(layout, chosen, index, kind, variant)
            chosen[index] = changed or replace(chosen[index], variant=variant)
    ids = {patch.patch_id for patch in chosen}
    assert len(ids) == len(chosen), "each patch is chosen once"
    whole = [patch for index in ranked if not (patch := chosen[index]).error]
    copies = [index for index in ranked if chosen[index].error == COPY]
    for index, source in zip(copies, whole, strict=False):
        chosen[index] = replace(chosen[index], shown=source.shown, ground=source.ground)
    return sorted(chosen, key=lambda patch: patch.patch_id)


def _number(kind: str, patches: int) -> int:
    share = (KINDS[kind].planted if kind in KINDS else 0) or PER_THOUSAND
    return max(1, round(patches * share / 1000))


def _with_error(
    layout: Layout, patches: Sequence[NamedPatch], index: int, kind: str, variant: int
) -> NamedPatch | None:
    """A patch with an error, in its name or folder where that is of the kind; None if it cannot be."""
    patch = replace(patches[index], error=kind, variant=variant)
    return _RENAMED[kind](layout, patches, patch) if kind in _RENAMED else patch


def _unnamed(layout: Layout, patches: Sequence[NamedPatch], patch: NamedPatch) -> NamedPatch | None:
    """Under a name that is no id of the layout, in folders where such a patch may lie."""
    start = f"{patch.above}_" if layout.product else ""
    for name in (f"{start}copy{patch.variant}", f"copy{patch.variant}"):
        changed = renamed(layout, patch, patch.above, name)
        fits = layout.parts(changed.patch_id) is not None
        if layout.tells and not fits and layout.belongs(changed.above, changed.patch_id):
            return changed
    return None


def _misplaced(
    layout: Layout, patches: Sequence[NamedPatch], patch: NamedPatch
) -> NamedPatch | None:
    """In the folders of another patch."""
    for above in sorted({other.above for other in patches}):
        if layout.id == "name" and not layout.belongs(above, patch.patch_id):
            return renamed(layout, patch, above, patch.name)
    return None


def _offset(layout: Layout, patches: Sequence[NamedPatch], patch: NamedPatch) -> NamedPatch | None:
    """Of a baseline with an offset, where others have none."""
    if "baseline" not in patch.parts:
        return None
    changed = with_baseline(layout, patch, WITH_OFFSET)
    ids = pa.array([patch.patch_id, changed.patch_id])
    told = added_offsets(pa.table({"patch_id": ids})).to_pylist()
    return changed if told == [0, OFFSET] else None


_RENAMED = {"invalid_patch_id": _unnamed, "misplaced": _misplaced, "mixed_offsets": _offset}
"""Kinds of errors in the names and folders of patches."""
