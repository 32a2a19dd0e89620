"""An inventory of all patches of both official metadata files gives no finding, in seconds."""

import time

import duckdb
import pyarrow as pa
import pytest

import benkit
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.ground.footprints import locate
from benkit.inventory.table.schema import ADDED_IN_VERSION_2, INVENTORY_SCHEMA

FILES = ("metadata.parquet", "metadata_for_patches_with_snow_cloud_or_shadow.parquet")
VALUES = {
    "patch_id": "patch_id", "band": "band", "product": "patch_id[:-7]", "status": "'ok'",
    "width": "side", "height": "side", "dtype": "'uint16'", "nodata": "0", "valid": "side * side",
    "nodata_count": "0", "sum": "9 * side * side", "sum_sq": "81 * side * side", "min": "9",
    "max": "9", "epsg": "epsg", "x": "x", "y": "y", "pixel_size": "pixel_size", "bytes": "1000",
}  # fmt: skip
SQL_TYPES = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE"}


@pytest.fixture
def official(shared_data, tmp_path):
    """The inventory of all 549,488 patches, each whole and where its name says."""
    metadata = benkit.Metadata([shared_data / name for name in FILES]).table
    places = locate(metadata["patch_id"])
    patches = pa.table(
        [metadata["patch_id"], places.epsg, places.x, places.y], ["patch_id", "epsg", "x", "y"]
    )
    bands = pa.Table.from_pylist(
        [
            {"band": name, "side": band.side, "pixel_size": band.pixel_size}
            for name, band in BIGEARTHNET_S2.bands.items()
        ]
    )
    columns = ", ".join(
        f"({VALUES.get(field.name, 'NULL')})::{SQL_TYPES.get(field.type, 'BIGINT')} AS {field.name}"
        for field in INVENTORY_SCHEMA
        if field.name not in ADDED_IN_VERSION_2
    )
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        connection.register("patches", patches)
        connection.register("bands", bands)
        connection.execute(
            f"COPY (SELECT {columns} FROM patches, bands) TO '{tmp_path}/i.parquet' (FORMAT parquet)"
        )
    return tmp_path / "i.parquet", [shared_data / name for name in FILES]


def test_both_files_give_no_finding(official):
    inventory, metadata = official
    start = time.process_time()
    found = benkit.audit(inventory, metadata)
    assert (found.patches, len(found.findings)) == (549_488, 0)
    assert not any(found.counts.values())
    assert time.process_time() - start < 15
