"""The sections of a report that are tables: findings, bands, labels and dates."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.decimals import two_decimals
from benkit.inventory.audit import Audit
from benkit.inventory.findings import KINDS
from benkit.inventory.statistics import Statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.numbers_by_band import numbers_by_band
from benkit.metadata.categories import Categories
from benkit.metadata.metadata import Metadata
from benkit.metadata.summary import Summary
from benkit.reporting.page.bands_by_label import bands_by_label
from benkit.reporting.page.markup import (
    bar_table,
    data_block,
    escape,
    histogram,
    matrix,
    percent,
    section,
    table,
)

_PATCHES_AT_ONCE = 2**18
_LISTED = 20_000
_BINS = 40
_UNLISTED = (
    "<noscript><p>The list needs scripts, which this browser does not run; "
    "<code>benkit audit --findings</code> writes all findings.</p></noscript>"
)
_ONE_LEFT_OUT = 1000  # of so many patches at either end of a distribution


def findings_section(audit: Audit) -> str:
    """Findings by kind, and a list to search and sort."""
    if not len(audit.listed):
        return section("findings", "Findings", "<p>There are none.</p>")
    by_kind, kinds = _by_kind(audit)
    listed = _sample_of_each_kind(audit.listed)
    rows = [
        [row["patch_id"] or "", row["band"] or "", KINDS[row["kind"]].title, row["reason"]]
        for row in listed.to_pylist()
    ]
    cut = (
        f"<p>{len(rows):,} of {len(audit.listed):,} findings are listed here, some of each kind; "
        "<code>benkit audit --findings</code> writes all.</p>"
        if len(rows) < len(audit.listed)
        else ""
    )
    options = "".join(f"<option>{escape(kind)}</option>" for kind in kinds)
    heads = "".join(
        f'<th scope="col" aria-sort="{"ascending" if name == "Patch" else "none"}">'
        f'<button type="button">{name}</button></th>'
        for name in ("Patch", "Band", "Kind", "Reason")
    )
    return section(
        "findings",
        "Findings",
        by_kind,
        f"<h3>All findings</h3>{cut}{_UNLISTED}",
        '<div id="findings-list" class="scripted">'
        '<p class="waiting" role="status">The findings are being unpacked …</p><div class="controls">'
        '<label>Search <input type="search"></label>'
        f'<label>Kind <select><option value="">all</option>{options}</select></label>'
        '<span class="said muted" role="status"></span></div>'
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody></tbody></table></div>'
        '<p><button type="button" class="more" hidden>Show more</button></p></div>',
        data_block("findings-data", json.dumps(rows).encode()),
    )


def _by_kind(audit: Audit) -> tuple[str, list[str]]:
    """Table of the kinds that occur, the most frequent first, and their titles."""
    counted = pc.value_counts(audit.listed["kind"])
    findings = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
    found = [KINDS[name] for name in sorted(findings, key=lambda name: (-audit.counts[name], name))]
    rows = [
        (kind.title, kind.meaning, audit.counts[kind.name], findings[kind.name]) for kind in found
    ]
    others = ", ".join(kind.title for kind in KINDS.values() if kind.name not in findings)
    return (
        table(("Kind", "Meaning", "Patches", "Findings"), rows)
        + (f'<p class="muted">There are none of the kinds {others}.</p>' if others else ""),
        [kind.title for kind in found],
    )


def _sample_of_each_kind(findings: pa.Table) -> pa.Table:
    """At most `_LISTED` findings, all of the rare kinds."""
    if len(findings) <= _LISTED:
        return findings
    kinds = findings["kind"].unique().to_pylist()
    rows = [np.flatnonzero(pc.equal(findings["kind"], kind).to_numpy()) for kind in kinds]
    rows.sort(key=len)
    left, chosen = _LISTED, []
    for index, some in enumerate(rows):
        chosen.append(some[: left // (len(rows) - index)])
        left -= len(chosen[-1])
    return findings.take(np.sort(np.concatenate(chosen)))


def bands_section(
    inventory: Inventory, statistics: Statistics, ids: pa.StringArray, labels: Categories
) -> str:
    """Statistics of each band, and how the patches' means are distributed, in all and by label.

    The ids are what the archive calls the patches that have the labels.
    """
    rows = [
        (band, one.count, one.mean, one.std, one.min, one.max)
        for band, one in statistics.bands.items()
    ]
    pictures = "".join(
        f"<figure>{histogram(counts, least, greatest, f'Means of the patches in {band}')}"
        f"<figcaption>{band}, {sum(counts):,} patches</figcaption></figure>"
        for band, (counts, least, greatest) in _distributions(inventory).items()
    )
    return section(
        "bands",
        "Bands",
        "".join(f"<p>Warning: {escape(warning)}.</p>" for warning in statistics.warnings),
        table(
            ("Band", "Valid pixels", "Mean", "Standard deviation", "Minimum", "Maximum"),
            rows,
            "All valid pixels of the archive, in digital numbers: reflectance times 10,000",
        ),
        f'<h3>How the means of the patches are distributed</h3><div class="bands">{pictures}</div>',
        f'<p class="muted">Number of patches by the mean of their valid pixels, without the '
        f"{percent(1 / _ONE_LEFT_OUT)} of them at either end.</p>",
        bands_by_label(inventory, ids, labels),
    )


def _distributions(inventory: Inventory) -> dict[str, tuple[list[int], float, float]]:
    """By band: numbers of patches in bins of their mean, and the first and last edge."""
    mean = "coalesce(sum::DOUBLE, float_sum) / valid"
    found: dict[str, tuple[list[int], float, float]] = {}
    for band, means in numbers_by_band(inventory, mean, "status = 'ok' AND valid > 0"):
        if not len(means):
            continue
        low = -(-len(means) // _ONE_LEFT_OUT) - 1
        high = -(-len(means) * (_ONE_LEFT_OUT - 1) // _ONE_LEFT_OUT) - 1
        means.partition([low, high])
        least, greatest = means[[low, high]].tolist()
        if greatest > least:
            inner = means[(least <= means) & (means <= greatest)]
            bins = np.minimum((inner - least) / (greatest - least) * _BINS, _BINS - 1)
            counts = np.bincount(bins.astype(np.int64), minlength=_BINS).tolist()
            found[band] = counts, least, greatest
    return found


def contents_section(metadata: Metadata, summary: Summary, months: Mapping[str, int]) -> str:
    """Labels, seasons, countries and dates of the metadata, and which labels occur together."""
    total = len(metadata)
    labels, countries = metadata.labels, metadata.countries
    by_label = sorted(zip(labels.names, labels.count().tolist(), strict=True), key=_most_first)
    parts = [
        bar_table(
            f"Labels: {two_decimals(summary.average_num_labels)} a patch, "
            f"at most {summary.maximum_num_labels}",
            by_label,
            total,
        ),
        bar_table("Seasons", summary.seasons.items(), total),
        bar_table("Months", months.items(), total),
    ]
    if countries is not None:
        counts = zip(countries.names, countries.count().tolist(), strict=True)
        parts.append(bar_table("Countries", sorted(counts, key=_most_first), total))
    repeating = summary.with_repeated_labels
    twice = f"<p>{repeating:,} patches list a label more than once; it counts once.</p>"
    return section(
        "contents",
        "Labels, seasons, countries and dates",
        twice if repeating else "",
        f'<div class="columns">{"".join(f"<div>{part}</div>" for part in parts)}</div>',
        "<h3>Labels that occur together</h3>",
        matrix(
            labels.names,
            _together(labels, total),
            "Of the patches with the label of the line, so many percent have that of the column too",
        ),
    )


def _most_first(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]


def _together(labels: Categories, patches: int) -> list[list[int]]:
    """Patches that have both of two labels."""
    together = np.zeros((len(labels.names),) * 2, np.int64)
    starts = np.arange(0, patches, _PATCHES_AT_ONCE)
    ends = np.searchsorted(labels.patch, np.array([*starts, patches], labels.patch.dtype))
    for start, first, last in zip(starts, ends, ends[1:], strict=False):
        has = np.zeros((_PATCHES_AT_ONCE, len(labels.names)), np.float32)
        has[labels.patch[first:last] - start, labels.value[first:last]] = 1
        together += (has.T @ has).round().astype(np.int64)
    return together.tolist()
