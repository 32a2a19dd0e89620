"""What an inventory tells of patches beside their pixels: places, dates, classes, locations."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.layout import Layout
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.seasons import season_of_month
from benkit.errors import InputFormatError
from benkit.files.safe_names import some_names
from benkit.ground.footprints import are_patch_ids
from benkit.ground.rectangles import Rectangles
from benkit.inventory.contents import none_is_there, require_patches
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.dates import DATE_COLUMNS
from benkit.metadata.metadata import Metadata
from benkit.metadata.metadata_file import TEXTS

_PARTS = ("date", "tile", "class", "location", "split")
_EDGES = ("west", "south", "east", "north")

# Bands that differ by rounding alone count as one; of several places the one that most bands have.
_PATCHES = """
WITH bands AS (
    SELECT patch_id, coalesce('EPSG:' || epsg, crs) AS crs, x AS west, y AS north,
        x + width * coalesce(pixel_width, pixel_size) AS east,
        y - height * coalesce(pixel_height, pixel_size) AS south
    FROM inventory WHERE status = 'ok'
), places AS (
    SELECT patch_id, crs, min(west) AS west, min(south) AS south, min(east) AS east,
        min(north) AS north, count(*) AS bands
    FROM bands WHERE crs IS NOT NULL AND isfinite(west + south + east + north)
    GROUP BY patch_id, crs, round(west, 7), round(south, 7), round(east, 7), round(north, 7)
), place AS (
    SELECT DISTINCT ON (patch_id) * FROM places
    ORDER BY patch_id, bands DESC, crs, west, south, east, north
), patches AS (
    SELECT patch_id, min(product) AS product FROM inventory WHERE band IS NOT NULL GROUP BY patch_id
)
SELECT patch_id, product, crs, west, south, east, north
FROM patches LEFT JOIN place USING (patch_id) ORDER BY patch_id
"""


def inventory_patches(inventory: Inventory) -> pa.Table:
    """A row a patch, sorted: ``patch_id``, ``product``, and ``crs`` and edges of most of its bands.

    The edges, ``west``, ``south``, ``east`` and ``north``, are null where no band has a georeference.
    """
    require_patches(inventory)
    return inventory.query_table(_PATCHES)


def placed_by_inventory(
    patches: pa.Table,
    inventory: Inventory,
    metadata: Metadata | None = None,
    labels: Sequence[Sequence[str]] | None = None,
) -> Metadata:
    """Metadata whose places an inventory tells, where names do not.

    Parameters
    ----------
    patches : pyarrow.Table
        As `inventory_patches` gives them.
    inventory : Inventory
    metadata : Metadata, optional
        Of which the patches of the inventory are kept; if not given, there are the inventory's.
    labels : sequence of sequence of str, optional
        Of each patch, in the place of metadata.

    Returns
    -------
    Metadata
        With what names tell by the layout as further columns: ``date`` and ``season``, ``tile``,
        ``class``, ``location``, ``split``, unless the metadata have them.
    """
    if metadata is not None:
        ids = metadata.patch_ids
        rows = pc.index_in(ids, patches["patch_id"].combine_chunks())
        metadata = metadata.filter(rows.is_valid().to_numpy(zero_copy_only=False))
        if not len(metadata):
            first = ids[:1].to_pylist()
            raise none_is_there(
                inventory, "patches of the metadata", len(ids), first,
                "give the metadata of this archive, or the column that names its patches as --id-column",
            )  # fmt: skip
        patches, table = patches.take(rows.drop_null()), metadata.table
    else:
        lists = [[]] * len(patches) if labels is None else labels
        table = pa.table({"patch_id": patches["patch_id"], "labels": pa.array(lists, TEXTS)})
    ids = patches["patch_id"].combine_chunks()
    if inventory.layout is BIGEARTHNET_S2 and are_patch_ids(ids).all():
        return metadata or Metadata(table)
    edges = [patches[name].to_numpy() for name in _EDGES]
    places = Rectangles.of_bounds(np.stack(edges, axis=1), patches["crs"].to_pylist())
    location = None
    for name, values in _told(patches, inventory.layout, table).items():
        if name == "location":
            location = name = "location_by_name" if name in table.column_names else name
        if name not in table.column_names:
            table = table.append_column(name, values)
    id_column = "patch_id" if metadata is None else metadata.id_column
    return Metadata(table, places=places, id_column=id_column, location_column=location)


def class_labels(patches: pa.Table, inventory: Inventory) -> list[list[str]]:
    """The class of each patch, as its folder or name tells it, as its label.

    Raises
    ------
    InputFormatError
        If they do not tell it.
    """
    parts = _parts(patches, inventory.layout)
    ids = patches["patch_id"].to_pylist()
    if unknown := [patch for patch, told in zip(ids, parts, strict=True) if not told.get("class")]:
        raise InputFormatError(
            f"{inventory.name}: expected names that tell the class, as the layout "
            f"{inventory.layout.name} says, but {len(unknown):,} of {len(ids):,}, such as "
            f"{some_names(unknown[:1])}, have another form; give metadata with labels"
        )
    return [[told["class"]] for told in parts]


def _parts(patches: pa.Table, layout: Layout) -> list[Mapping[str, str]]:
    """What the folders and the id of each patch tell, by part; the folders have the last word."""
    levels = [level.strip("{}") for level in layout.folder.split("/")]
    names = zip(patches["patch_id"].to_pylist(), patches["product"].to_pylist(), strict=True)
    return [
        {
            **(layout.parts(patch) or {}),
            **dict(zip(levels, product.split("/") if product else (), strict=False)),
        }
        for patch, product in names
    ]


def _told(patches: pa.Table, layout: Layout, table: pa.Table) -> dict[str, pa.Array]:
    """The columns of what any of the names tells; of dates only where the table has none."""
    parts = _parts(patches, layout)
    columns = {name: pa.array([one.get(name) for one in parts], pa.string()) for name in _PARTS}
    date = columns.pop("date")
    if not {name.strip().lower() for name in table.column_names} & {*DATE_COLUMNS}:
        days = pc.utf8_slice_codeunits(pc.replace_substring(date, "-", ""), 0, len("20170613"))
        day = pc.strptime(days, "%Y%m%d", "s", error_is_null=True).cast(pa.date32())
        season = [month and season_of_month(month) for month in pc.month(day).to_pylist()]
        columns |= {"date": day, "season": pa.array(season, pa.string())}
    return {name: values for name, values in columns.items() if values.null_count < len(values)}
