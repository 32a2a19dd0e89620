"""The section of a report about patches with equal pixels."""

import pyarrow.compute as pc

from benkit.inventory.duplicates import APART, GROUP_KINDS, Duplicates
from benkit.reporting.page.markup import section, table

_LISTED = 200


def copies_section(found: Duplicates | None) -> str:
    """Groups of patches by kind, those that stand apart, and the first patches of groups.

    None is an inventory that does not tell.
    """
    if found is None:
        text = "The inventory does not tell: it lacks pixel_hash, which a new scan adds."
        return section("copies", "Copies", f"<p>{text}</p>")
    counts = [
        (meaning, one.patches, one.groups, one.across_sides)
        for meaning, one in zip(GROUP_KINDS.values(), found.counts.values(), strict=True)
    ]
    apart = [(f"apart: {APART[kind]}", count, None, None) for kind, count in found.apart.items()]
    grouped = found.table.filter(pc.is_valid(found.table["group"]))
    rows = [
        (row["group"], row["patch_id"], row["side"], " ".join(row["bands"]))
        for row in grouped.slice(0, _LISTED).to_pylist()
    ]
    more = (
        f"The first {_LISTED} of {len(grouped):,} rows; benkit duplicates --output writes all"
        if len(grouped) > _LISTED
        else "Patches of the groups"
    )
    return section(
        "copies",
        "Copies",
        table(
            ("Patches with", "Patches", "Groups", "On several sides"),
            [*counts, *apart],
            "Patches with the same pixels as others, whatever their names and compression",
        ),
        table(("Group", "Patch", "Side", "Equal bands"), rows, more) if rows else "",
    )
