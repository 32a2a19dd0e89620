"""The footprints of a data set as STAC items in GeoParquet.

Sources: STAC GeoParquet 1.1.0 (https://github.com/radiantearth/stac-geoparquet-spec), STAC 1.1.0
(https://github.com/radiantearth/stac-spec), and its extensions projection 2.0.0 and grid 1.1.0.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benkit.datasets.cards.card import Card
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.domain.patch_names import PATCH_METRES
from benkit.files.tables.geoparquet import ROWS_PER_GROUP, box_column, encode_in_groups
from benkit.ground.footprint_table import OUTPUT_CRS, footprint_table
from benkit.ground.hilbert import hilbert_order
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.metadata import Metadata
from benkit.splits.split import Split

_STAC = "1.1.0"
_EXTENSIONS = [
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("projection/v2.0.0", "grid/v1.1.0")
]
_PARQUET, _TIFF = "application/vnd.apache.parquet", "image/tiff; application=geotiff"
_FOLDERS = """
SELECT patch_id, min(product) AS product FROM inventory
WHERE band IS NOT NULL GROUP BY patch_id ORDER BY patch_id
"""


def stac_items(
    card: Card,
    inventory: Inventory,
    metadata: Metadata,
    split: Split | None = None,
    *,
    file_name: str,
    archive: str = "",
) -> bytes:
    """A GeoParquet file with an item for each patch that is in the inventory and in the metadata.

    The rows are in the order of a Hilbert curve, whatever that of the inventory and the metadata.

    Parameters
    ----------
    card : Card
        Of these patches; it tells of the collection.
    file_name : str
        Of the file, where the links of the items to their collection lead.
    archive : str
        What the names of the band files are to begin with: the archive's folder, seen from the file.
    """
    folders = inventory.query_table(_FOLDERS)
    folder_ids = folders["patch_id"].combine_chunks().cast(pa.string())
    rows = metadata.by_id
    rows = rows[np.asarray(pc.is_in(metadata.patch_ids, folder_ids))[rows]]
    found = footprint_table(metadata.table, OUTPUT_CRS, metadata.footprints)
    rows = rows[hilbert_order((found.bounds[rows, :2] + found.bounds[rows, 2:]) / 2)]
    table = found.take(rows)
    bounds = found.bounds[rows]
    folder = folders["product"].take(pc.index_in(table["patch_id"].combine_chunks(), folder_ids))
    table = table.append_column("folder", folder)
    table = table.select([name for name in table.column_names if name != "split"])
    if split is not None:
        side = split.aligned(metadata.patch_ids).table["split"]
        table = table.append_column("split", side.take(pa.array(rows)))
    collection = _collection(card, table, bounds)
    return encode_in_groups(
        _items(table, bounds, str(collection["id"]), file_name, archive),
        crs=OUTPUT_CRS,
        geometry_types=found.geometry_types,
        bounds=bounds,
        metadata={
            "stac-geoparquet": json.dumps(
                {"version": "1.1.0", "collections": {collection["id"]: collection}}
            )
        },
    )


def _items(
    table: pa.Table, bounds: NDArray[np.float64], collection: str, file_name: str, archive: str
) -> Iterator[pa.Table]:
    """The rows, some at a time: their names of files take much memory."""
    for start in range(0, len(table), ROWS_PER_GROUP):
        some = table.slice(start, ROWS_PER_GROUP).combine_chunks()
        same = pa.array(np.zeros(len(some), np.int64))
        link = {"href": f"./{file_name}", "rel": "collection", "type": _PARQUET}
        always = {
            "type": "Feature",
            "stac_version": _STAC,
            "stac_extensions": _EXTENSIONS,
            "links": [link],
            "collection": collection,
        }
        columns = {name: pa.array([value]).take(same) for name, value in always.items()}
        columns |= {
            "id": some["patch_id"],
            "geometry": some["geometry"],
            "bbox": box_column(bounds[start : start + len(some)]),
            "assets": _assets(some, archive),
            "datetime": some["sensing_time"].cast(pa.timestamp("us", tz="UTC")),
            "proj:code": _joined("EPSG:", some["epsg"].cast(pa.string())),
            "proj:bbox": _boxes(some["x"].to_numpy(), some["y"].to_numpy()),
            "grid:code": _joined("MGRS-", some["tile"]),
        }
        others = ("season", "labels", "country", "split")
        columns |= {name: some[name] for name in others if name in some.column_names}
        yield pa.table(columns)


def _joined(*parts: Any) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _boxes(x: NDArray[np.int64], y: NDArray[np.int64]) -> pa.Array:
    """West, south, east and north in the UTM zone, in metres."""
    boxes = np.stack([x, y - PATCH_METRES, x + PATCH_METRES, y], axis=1).astype(float)
    return pa.FixedSizeListArray.from_arrays(pa.array(boxes.ravel()), 4).cast(
        pa.list_(pa.float64())
    )


def _assets(some: pa.Table, archive: str) -> pa.StructArray:
    """The files of the bands."""
    same = pa.array(np.zeros(len(some), np.int64))
    kind, roles = pa.array([_TIFF]).take(same), pa.array([["data"]]).take(same)
    patch, assets = some["patch_id"].combine_chunks(), []
    for band in BIGEARTHNET_S2.band_names:
        before, after = BIGEARTHNET_S2.band_file("\0", band).split("\0")
        href = _joined(
            archive, some["folder"].combine_chunks(), "/", patch, "/", before, patch, after
        )
        assets.append(pa.StructArray.from_arrays([href, kind, roles], ["href", "type", "roles"]))
    return pa.StructArray.from_arrays(assets, list(BIGEARTHNET_S2.band_names))


def _collection(card: Card, table: pa.Table, bounds: NDArray[np.float64]) -> dict[str, Any]:
    """The STAC collection of the items."""
    about, pixels = card.values["about"], card.values["pixels"]
    times = pc.min_max(table["sensing_time"]).as_py()
    links = [{"rel": "license", "href": about["license"]}] if "license" in about else []
    return {
        "type": "Collection",
        "stac_version": _STAC,
        "id": card.identifier,
        "title": about.get("name", card.identifier),
        "description": f"{card.sentence} SHA-256 of the pixels: {pixels['sha256']}",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[*bounds[:, :2].min(0).tolist(), *bounds[:, 2:].max(0).tolist()]]},
            "temporal": {"interval": [[_time(times["min"]), _time(times["max"])]]},
        },
        "summaries": {
            "proj:code": sorted({f"EPSG:{code}" for code in pc.unique(table["epsg"]).to_pylist()})
        },
        "links": links,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
