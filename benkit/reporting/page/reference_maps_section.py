"""The section of a report about the labels of reference maps beside those of the metadata."""

from collections import Counter

import pyarrow as pa

from benkit.reference_maps.labels import LabelComparison
from benkit.reference_maps.small_labels import LITTLE
from benkit.reporting.page.commands import Commands, command_block
from benkit.reporting.page.markup import escape, percent, section, table

_DIFFERENCES = 200


def reference_maps_section(
    comparison: LabelComparison, small: pa.Table | None, commands: Commands
) -> str:
    """Whether the reference maps give the labels of the metadata, and which labels cover little.

    ``small`` is of `benkit.reference_maps.small_labels.small_labels`.
    """
    rows = comparison.differences.slice(0, _DIFFERENCES).to_pylist()
    counts = [
        ("compared", comparison.compared),
        ("with other labels", len(comparison.differences)),
        ("not in the metadata", comparison.not_in_metadata),
        ("without a map", comparison.without_map),
    ]
    first = f", the first {_DIFFERENCES}" if len(rows) < len(comparison.differences) else ""
    patches = table(
        ("Patch", "Missing in the map", "Extra in the map"),
        [(row["patch_id"], ", ".join(row["missing"]), ", ".join(row["extra"])) for row in rows],
        f"Patches whose labels differ{first}",
    )
    return section(
        "reference-maps",
        "Reference maps",
        table(("Patches", "Number"), counts),
        _by_label(comparison, commands)
        if rows
        else "<p>The maps give the labels of the metadata.</p>",
        patches if rows else "",
        _small(small, commands),
    )


def _by_label(comparison: LabelComparison, commands: Commands) -> str:
    """Labels that only one of the two has, each with a patch."""
    only: dict[str, Counter[str]] = {"missing": Counter(), "extra": Counter()}
    example: dict[str, str] = {}
    for row in comparison.differences.to_pylist():
        for side, count in only.items():
            count.update(row[side])
            for label in row[side]:
                example.setdefault(label, row["patch_id"])
    rows = [
        (label, only["missing"][label], only["extra"][label], patch)
        for label, patch in example.items()
    ]
    rows.sort(key=lambda row: (-row[1] - row[2], row[0]))
    return (
        "<h3>Labels that only one of the two has</h3>"
        + table(
            ("Label", "Only in the metadata", "Only in the map", "Such as"),
            rows,
            "Patches by label",
        )
        + "<p>The first of them, and all:</p>"
        + command_block([*commands.inspect(rows[0][3]), commands.differences()])
    )


def _small(small: pa.Table | None, commands: Commands) -> str:
    head = f"<h3>Labels that cover less than {100 * LITTLE:g} % of the ground of a patch</h3>"
    if small is None:
        told = "How much each label covers is not known: these labels came without areas."
        return f"{head}<p>{told}</p>{command_block([commands.labels()])}"
    if not len(small):
        return f"{head}<p>There are none.</p>"
    rows = [
        (row["label"], row["patches"], percent(row["share"]), row["patch_id"])
        for row in small.to_pylist()
    ]
    said = (
        "Every polygon gives a label, however small. This writes the labels without these, and the "
        "square metres of each code:"
    )
    return (
        head
        + table(
            ("Label", "Patches", "Least share", "Where"), rows, "By the areas of the reference maps"
        )
        + f"<p>{escape(said)}</p>{command_block([commands.labels(), *commands.inspect(rows[0][3])])}"
    )
