"""A card as a Markdown page."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from benkit.datasets.cards.card import Card
from benkit.files.safe_names import printable

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#~$"})


def card_page(card: Card) -> str:
    """The text of the page; texts of the data, which may be anything, stay texts."""
    values = card.values
    pixels, patches, about = values["pixels"], values["patches"], values["about"]
    title = about.get("name", "Card of a data set")
    facts = [
        ("patches", pixels["patches"]),
        ("with metadata", patches["described"]),
        ("in the metadata, not on disk", patches["not_on_disk"]),
        *((f"bands {name}", count) for name, count in values["bands"].items()),
        *((name, text) for name, text in about.items() if name != "name"),
        *((f"version: {name}", text) for name, text in values["versions"].items()),
    ]
    hashes = [
        (what, f"`{values[what]['sha256']}`", line)
        for what, line in values["lines"].items()
        if values[what]
    ]
    parts = [
        f"# {_cell(title)}",
        _table(("", ""), facts),
        "## Hashes",
        "SHA-256 of lines in UTF-8, sorted by patch id, then by what follows:",
        _table(("of", "SHA-256", "a line"), hashes),
        *_split_section(values["split"]),
        *_counts_sections(values["counts"]),
        *_statistics_section(values["statistics"]),
        *_classes_section(values["class_order"], values["class_weights"]),
    ]
    if values["warnings"]:
        parts += ["## Warnings", "\n".join(f"- {_cell(text)}" for text in values["warnings"])]
    return "\n\n".join(parts) + "\n"


def _split_section(split: Mapping[str, Any] | None) -> list[str]:
    if split is None:
        return ["## Split", "None: the card is of all patches together."]
    sides = [(side, size, split["not_on_disk"][side]) for side, size in split["patches"].items()]
    metrics = _flat(split["evaluation"])
    return [
        "## Split",
        _table(("side", "patches", "of these not on disk"), sides),
        "The test side, against the train side:",
        _table(("metric", "value"), metrics),
        *(f"- {_cell(text)}" for text in split["evaluation"]["warnings"]),
    ]


def _flat(metrics: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Numbers of the test side, one a row."""
    rows: list[tuple[str, Any]] = []
    for name, value in metrics.items():
        if isinstance(value, int | float):
            rows.append((name, value))
        elif name in ("leakage", "crossing_pairs_between"):
            unit = " m" if name == "leakage" else ""
            rows += [(f"{name} {key}{unit}", one) for key, one in value.items()]
    return rows


def _counts_sections(counts: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    parts = []
    for what, found in counts.items():
        if found:
            groups = list(next(iter(found.values())))
            rows = [(name, *numbers.values()) for name, numbers in found.items()]
            parts += [f"## Patches by {what}", _table((what, *groups), rows)]
    return parts


def _statistics_section(statistics: Mapping[str, Any]) -> list[str]:
    names = ("pixels", "mean", "std", "min", "max", "unit")
    rows = [(band, *(one[name] for name in names)) for band, one in statistics["bands"].items()]
    return [
        "## Mean and standard deviation",
        f"Of the valid pixels of {_patches_of(statistics)}.",
        _table(("band", *names), rows),
    ]


def _classes_section(orders: Mapping[str, Any], weights: Mapping[str, Any]) -> list[str]:
    kinds = {name: one for name, one in weights.items() if isinstance(one, dict)}
    nomenclature = orders["nomenclature"] or []
    rows = [
        (
            index,
            name,
            nomenclature.index(name) if nomenclature else None,
            *(kind["weights"][name] for kind in kinds.values()),
        )
        for index, name in enumerate(orders["alphabetical"])
    ]
    formulas = "; ".join(f"{name} = {kind['formula']}" for name, kind in kinds.items())
    return [
        "## Classes",
        f"Weights over {_patches_of(weights)} with {weights['classes']} labels: {formulas}.",
        _table(("alphabetical", "label", "nomenclature", *kinds), rows),
    ]


def _patches_of(part: Mapping[str, Any]) -> str:
    of = "the train side" if part["of"] == "train" else "all patches with metadata"
    return f"{of}, {part['patches']:,} patches"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: Any) -> str:
    """A value as text that Markdown shows as it is; hashes in backticks are ours."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    if text.startswith("`") or text == "---":
        return text
    return escape(printable(text).translate(_SPECIAL), quote=False)
