"""Inventories of earlier versions, and what only the present one holds."""

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio

from benkit.cli import main
from benkit.inventory.audit import audit_inventory
from benkit.inventory.scanning.fingerprint import hash_pixels
from benkit.inventory.scanning.scan import scan
from benkit.inventory.statistics import band_statistics
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.schema import ADDED_IN_VERSION_2, INVENTORY_SCHEMA
from tests.making import PRODUCT, rows_of, write_patch


@pytest.fixture
def present(real_archive, tmp_path):
    output = tmp_path / "inventory.parquet"
    scan(real_archive, output)
    return output


def of_version_1(path):
    """The same inventory as the first version wrote it."""
    old = path.with_name("old.parquet")
    table = pq.read_table(path).drop_columns(list(ADDED_IN_VERSION_2))
    pq.write_table(table.replace_schema_metadata(None), old, compression="zstd")
    return old


def test_the_file_says_its_version_its_layout_and_what_made_it(present):
    metadata = pq.read_schema(present).metadata
    assert metadata[b"benkit:inventory_version"] == b"2"
    assert metadata[b"benkit:layout"] == b"bigearthnet-s2"
    assert metadata[b"benkit:made_by"].startswith(b"benkit ")
    assert pq.read_schema(present).equals(INVENTORY_SCHEMA)


def test_an_inventory_of_version_1_answers_the_same_and_says_what_it_lacks(present):
    old, new = Inventory(of_version_1(present)), Inventory(present)
    assert new.lacking == ()
    assert old.lacking == (
        "crs", "pixel_width", "pixel_height", "linear_sum", "linear_sum_sq", "offset", "header_hash",
        "pixel_hash",
    )  # fmt: skip
    metadata = pq.read_table(present, columns=["patch_id"]).group_by("patch_id").aggregate([])
    old_audit, new_audit = (audit_inventory(one, metadata) for one in (old, new))
    assert (old_audit.lacking, new_audit.lacking) == (old.lacking, ())
    assert (old_audit.counts, old_audit.patches) == (new_audit.counts, new_audit.patches)
    assert band_statistics(old) == band_statistics(new)
    assert old.query("SELECT count(*), count(pixel_hash), count(crs) FROM inventory") == [
        (108, 0, 0)
    ]
    assert new.query("SELECT count(DISTINCT pixel_hash) FROM inventory") == [(108,)]


def test_a_scan_over_an_inventory_of_version_1_reads_everything_again(real_archive, present):
    content = present.read_bytes()
    of_version_1(present).replace(present)
    summary = scan(real_archive, present)
    assert (summary.unchanged, summary.files) == (0, 108)
    assert present.read_bytes() == content


def test_other_tools_read_the_fingerprints_as_whole_numbers(present):
    largest = max(row["pixel_hash"] for row in rows_of(present))
    assert largest > 2**63
    sql = f"SELECT max(pixel_hash) FROM read_parquet('{present}')"
    assert duckdb.sql(sql).fetchall() == [(largest,)]


LAMBERT = "+proj=laea +lat_0=50 +lon_0=9 +ellps=GRS80 +units=m"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"crs": LAMBERT, "transform": (10, 0, 5, 0, -10, 7)}, (True, None, 5, 7, 10, 10, 10)),
        ({"crs": "EPSG:4326", "transform": (0.25, 0, 8, 0, -0.5, 50)},
         (False, 4326, 8, 50, None, 0.25, 0.5)),
        ({"crs": "EPSG:32633", "transform": (0, 10, 8, 10, 0, 50)},
         (False, 32633, None, None, None, None, None)),
        ({"crs": None, "transform": (10, 0, 5, 0, -10, 7)}, (False, None, 5, 7, 10, 10, 10)),
    ],
)  # fmt: skip
def test_georeference_of_bands_that_are_not_plain(tmp_path, options, expected):
    folder = write_patch(tmp_path / "archive", B09=None)
    pixels = np.arange(1, 401, dtype=np.float32).reshape(20, 20)
    profile = {"driver": "GTiff", "width": 20, "height": 20, "count": 1, "dtype": "float32"}
    options = options | {"transform": rasterio.Affine(*options["transform"])}
    with rasterio.open(folder / f"{folder.name}_B09.tif", "w", **profile, **options) as target:
        target.write(pixels, 1)
    scan(tmp_path / "archive", tmp_path / "inventory.parquet")
    (row,) = [row for row in rows_of(tmp_path / "inventory.parquet") if row["band"] == "B09"]
    names = ("epsg", "x", "y", "pixel_size", "pixel_width", "pixel_height")
    assert (row["crs"] is not None, *(row[name] for name in names)) == expected
    if row["crs"]:
        assert rasterio.CRS.from_wkt(row["crs"]) == rasterio.CRS.from_string(LAMBERT)
    assert row["pixel_hash"] == hash_pixels(pixels.reshape(1, -1), (20, 20))[0]
    assert (row["offset"] is None) == (row["header_hash"] is None)
    assert row["patch_id"].startswith(PRODUCT)


def test_the_command_line_says_what_a_new_scan_would_add(present, shared_data, capsys):
    for path, said in ((of_version_1(present), True), (present, False)):
        main(["audit", str(path), "--metadata", str(shared_data / "metadata.parquet"), "--json"])
        assert ("a new scan would add crs, pixel_width" in capsys.readouterr().err) == said
