"""One page that tells whether an archive is whole, what is in it and whether its split is sound."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.layout import Layout
from benkit.engine.beside import beside
from benkit.files.tables.table import one_array
from benkit.ground.points import Points
from benkit.inventory.audit import (
    Audit,
    audit_inventory,
    metadata_of,
    named_by_layout,
    require_common_patches,
)
from benkit.inventory.duplicates import Duplicates, find_duplicates
from benkit.inventory.statistics import band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata, as_metadata
from benkit.metadata.summary import summarize
from benkit.reference_maps.labels import LabelComparison
from benkit.reporting.page.commands import Commands
from benkit.reporting.page.contact_sheet import (
    Pictures,
    contact_sheet,
    patch_facts,
    without_pictures,
)
from benkit.reporting.page.copies_section import copies_section
from benkit.reporting.page.map import map_section
from benkit.reporting.page.markup import escape, section
from benkit.reporting.page.quick_looks import ReadBand, quick_looks_section
from benkit.reporting.page.reference_maps_section import reference_maps_section
from benkit.reporting.page.sections import (
    bands_section,
    contents_section,
    findings_section,
)
from benkit.reporting.page.split_section import split_section
from benkit.reporting.page.verdict import verdict_section
from benkit.reporting.style import scheme_css
from benkit.splits.correlogram import label_correlogram
from benkit.splits.evaluate import (
    evaluate_split,
    evaluate_splits,
    has_other_official,
    splits_beside,
)
from benkit.splits.evaluation import Evaluation
from benkit.splits.split import Split

_MOST_BYTES = 4_800_000  # of a page


def report_page(
    metadata: Metadata | pa.Table,
    *,
    inventory: Inventory | None = None,
    subset: bool = False,
    sides: Any = None,
    read_band: ReadBand | None = None,
    comparison: LabelComparison | None = None,
    small_labels: pa.Table | None = None,
    made: Mapping[str, str] | None = None,
    commands: Commands | None = None,
    title: str = "Report of a patch archive",
) -> str:
    """Make a report.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
    inventory : Inventory, optional
        Of the archive; without it the page tells of the metadata only.
    subset : bool
        Whether the archive is meant to be a part of the metadata: then the page tells of that part.
    sides : Split, or what it is made of, optional
        A split to judge.
    read_band : callable, optional
        Called with a patch id and a band, gives a `Raster` to draw; without it no patch is shown.
    comparison : LabelComparison, optional
        The labels of reference maps held against the metadata.
    small_labels : pyarrow.Table, optional
        Those that cover little, as `benkit.reference_maps.small_labels` tells.
    made : mapping of str to str, optional
        How the report was made, by name.
    commands : Commands, optional
        Makes the command lines that the page advises.
    title : str
        Of the page, such as the archive's name.

    Returns
    -------
    str
        A whole HTML page that needs nothing else.
    """
    metadata, commands = as_metadata(metadata), commands or Commands()
    split = (
        None
        if sides is None
        else Split(sides, id_column=metadata.id_column).aligned(metadata.patch_ids)
    )
    audit = bands = None
    with beside(_evaluations(metadata, split)) as evaluated:
        if inventory is not None:
            table = metadata_of(inventory.layout, metadata.table)
            audit = audit_inventory(inventory, table, subset=subset)
            require_common_patches(audit, inventory, table)
        copies = _copies(inventory, metadata, split)
        here = _on_disk(metadata, inventory) if inventory is not None and subset else metadata
        if inventory is not None:
            ids = _own_ids(here, inventory.layout)
            bands = bands_section(inventory, band_statistics(inventory), ids, here.labels)
        splits = dict(evaluated())
    verdict = verdict_section(audit, metadata.table["patch_id"], splits, copies, commands)
    if here is not metadata:
        metadata, split = here, split and split.aligned(here.patch_ids, strict=False)
    there, drawn = pa.array([], pa.string()), None
    if inventory is not None and read_band is not None:
        there, drawn = inventory.patch_ids.combine_chunks(), Pictures(read_band, inventory.layout)
    parts = [_sheet(metadata, audit, there, drawn, commands), verdict]
    if audit is not None:
        parts += [findings_section(audit), copies_section(copies)]
    named = metadata if inventory is None else named_by_layout(inventory.layout, metadata)
    parts.append(map_section(named, _unknown_patches(audit), audit and audit.listed, split))
    if splits:
        parts.append(split_section(splits))
    parts.append(contents_section(metadata, summarize(metadata), _months(metadata)))
    if bands is not None:
        parts.append(bands)
    if audit is not None:
        parts.append(quick_looks_section(audit.findings, read_band))
    if comparison is not None:
        parts.append(reference_maps_section(comparison, small_labels, commands))
    parts.append(_made_section(made or {}))
    page = _page(title, "".join(parts))
    room = _MOST_BYTES - len(page.encode())
    more = patch_facts(audit and audit.findings, there, drawn, commands, room)
    return page.replace("</main>", f"</main>{more}", 1)


def _sheet(
    metadata: Metadata,
    audit: Audit | None,
    there: pa.Array,
    pictures: Pictures | None,
    commands: Commands,
) -> str:
    """The contact sheet, of the patches that are there and have no finding."""
    if pictures is None:
        return without_pictures(commands, has_inventory=audit is not None)
    ids = _own_ids(metadata, pictures.layout)
    found = audit.findings["patch_id"].unique() if audit else pa.array([], pa.string())
    sound = np.asarray(pc.and_not(pc.is_in(ids, there), pc.is_in(ids, found)))
    return contact_sheet(metadata, ids, sound, pictures)


def _copies(
    inventory: Inventory | None, metadata: Metadata, split: Split | None
) -> Duplicates | None:
    """Patches with equal pixels; None where the inventory does not tell."""
    if inventory is None or inventory.without_pixel_hash:
        return None
    ids = _own_ids(metadata, inventory.layout)
    columns = split and {"patch_id": ids, "split": split.table["split"]}
    return find_duplicates(inventory, columns and pa.table(columns))


def _on_disk(metadata: Metadata, inventory: Inventory) -> Metadata:
    """The rows of the metadata whose patches an archive holds."""
    here = inventory.patch_ids.combine_chunks()
    return metadata.filter(np.asarray(pc.is_in(_own_ids(metadata, inventory.layout), here)))


def _own_ids(metadata: Metadata, layout: Layout) -> pa.StringArray:
    """What the patches of a layout are called."""
    return one_array(named_by_layout(layout, metadata).table["patch_id"])


def _unknown_patches(audit: Audit | None) -> list[str]:
    """Patches on disk that the metadata does not know but whose name is a patch id."""
    if audit is None:
        return []
    kinds = audit.findings["kind"]
    unknown = audit.findings["patch_id"].filter(pc.equal(kinds, "not_part_of_dataset"))
    invalid = audit.findings["patch_id"].filter(pc.equal(kinds, "invalid_patch_id"))
    return sorted(set(unknown.to_pylist()) - set(invalid.to_pylist()))


def _months(metadata: Metadata) -> dict[str, int]:
    """Patches by month of sensing, from the first to the last; none where names do not tell it."""
    places = metadata.ground
    if isinstance(places, Points):
        return {}
    of_product = np.bincount(places.product, minlength=len(places.products)).tolist()
    counts: dict[str, int] = {}
    for product, count in zip(places.products, of_product, strict=True):
        month = f"{product.sensing_start:%Y-%m}"
        counts[month] = counts.get(month, 0) + count
    return dict(sorted(counts.items()))


def _evaluations(metadata: Metadata, split: Split | None) -> Iterator[tuple[str, Evaluation]]:
    """Those of a split, and of a random one and the official one where it is another, by name."""
    if split is None:
        return
    own = evaluate_split(metadata, split)
    yield "this split", own
    yield "this split", replace(own, correlogram=label_correlogram(metadata))
    official = ["official"] * has_other_official(metadata, split)
    for name, other in splits_beside(metadata, split, ["random", *official]).items():
        yield name, evaluate_splits(metadata, {name: other}, measured=("test",))[name]


def _made_section(made: Mapping[str, str]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>'
        for name, value in made.items()
    )
    return section(
        "made",
        "How this page was made",
        f'<div class="wide"><table class="made"><tbody>{lines}</tbody></table></div>'
        if lines
        else "",
        "<p>By benkit. Nothing on this page is loaded from elsewhere.</p>",
    )


_LINKS = {
    "archive": "The archive",
    "verdict": "Verdict",
    "findings": "Findings",
    "copies": "Copies",
    "map": "Map",
    "split": "Split",
    "contents": "Contents",
    "bands": "Bands",
    "looks": "Quick looks",
    "reference-maps": "Reference maps",
    "made": "How it was made",
}


def _page(title: str, body: str) -> str:
    links = "".join(
        f'<a href="#{name}">{text}</a>'
        for name, text in _LINKS.items()
        if f'<section id="{name}">' in body
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
        f"<title>{escape(title)}</title><style>{scheme_css()}{_asset('report.css')}</style>"
        "<noscript><style>.scripted { display: none; }</style></noscript></head>"
        f'<body><h1>{escape(title)}</h1><nav aria-label="Sections">{links}</nav><main>{body}</main>'
        f"<script>{_asset('report.js')}</script></body></html>\n"
    )


def _asset(name: str) -> str:
    """Text of a style sheet or script of ours."""
    return files("benkit.reporting.page").joinpath("assets", name).read_text("utf-8")
