"""NaN and infinite pixels are findings that say what they are, and statistics leave them out."""

import numpy as np
import pyarrow as pa
import pytest
import rasterio

import benkit
from benkit.engine import Engine
from tests.making import rows_of

PRODUCT = "S1A_IW_GRDH_1SDV_20170613T165043"
PATCH = f"{PRODUCT}_33UUP_70_48"


def write(archive, band, pixels, **options):
    folder = archive / PRODUCT / PATCH
    folder.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": 120, "width": 120,
        "crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 384000, 0, -10, 5342400),
    } | options  # fmt: skip
    with rasterio.open(folder / f"{PATCH}_{band}.tif", "w", **profile) as target:
        target.write(pixels, 1)


@pytest.mark.parametrize("options", [{}, {"compress": "deflate"}, {"tiled": True}])
def test_they_are_findings_and_no_statistics(tmp_path, options):
    archive, inventory = tmp_path / "archive", tmp_path / "inventory.parquet"
    pixels = np.random.default_rng(1).normal(-12, 3, (120, 120)).astype(np.float32)
    odd = pixels.copy()
    odd[0, :3], odd[1, :2], odd[2, 0] = np.nan, -np.inf, np.inf
    write(archive, "VV", odd, **options)
    write(archive, "VH", pixels, **options)
    benkit.scan(archive, inventory, engine=Engine(workers=1))
    rows = {row["band"]: row for row in rows_of(inventory)}
    assert (rows["VV"]["status"], rows["VV"]["detail"]) == ("ok", "3 NaN, 1 inf, 2 -inf")
    assert (rows["VV"]["valid"], rows["VV"]["nodata_count"]) == (14394, 6)
    assert rows["VH"]["detail"] is None
    findings = benkit.audit(inventory, pa.table({"patch_id": [PATCH]})).findings
    assert findings.select(["band", "kind", "reason"]).to_pylist() == [
        {
            "band": "VV",
            "kind": "with_no_data",
            "reason": "6 of 14,400 pixels are not finite: 3 NaN, 1 inf, 2 -inf",
        }
    ]
    statistics = benkit.stats(inventory)
    finite = odd[np.isfinite(odd)].astype(np.float64)
    found = statistics.bands["VV"]
    assert (found.count, found.min, found.max) == (14394, finite.min(), finite.max())
    assert found.mean == pytest.approx(finite.mean(), rel=1e-12)
    assert statistics.warnings == (
        f"measured without their pixels that are NaN or infinite: 1 band, {PATCH}_VV.tif",
    )


@pytest.mark.parametrize(
    ("nodata", "reason"),
    [
        (-9999, "9 of 14,400 pixels are NO_DATA, 4 NaN among them"),
        (np.nan, "4 of 14,400 pixels are NO_DATA"),
    ],
)
def test_beside_a_declared_value_they_are_told_apart(tmp_path, nodata, reason):
    pixels = np.full((120, 120), -5, np.float32)
    pixels[0, :4], pixels[1, :5] = np.nan, -9999
    write(tmp_path / "archive", "VV", pixels, nodata=nodata)
    write(tmp_path / "archive", "VH", np.full((120, 120), np.nan, np.float32))
    benkit.scan(tmp_path / "archive", tmp_path / "i.parquet", engine=Engine(workers=1))
    findings = benkit.audit(tmp_path / "i.parquet", pa.table({"patch_id": [PATCH]})).findings
    found = {
        row["band"]: row["reason"] for row in findings.to_pylist() if row["kind"] == "with_no_data"
    }
    assert found == {"VV": reason, "VH": "14,400 of 14,400 pixels are not finite: 14,400 NaN"}
    assert benkit.stats(tmp_path / "i.parquet").bands["VH"].mean is None
