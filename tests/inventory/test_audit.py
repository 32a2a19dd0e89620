import json
import re
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.cli import main
from benkit.errors import OptionError
from benkit.inventory.audit import audit_inventory
from benkit.inventory.findings import ALL_KINDS, KINDS
from benkit.inventory.scanning.scan import scan
from benkit.inventory.table.inventory_file import Inventory
from tests.conftest import ROOT
from tests.making import PRODUCT, Archive


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def found(audit):
    """The findings as short tuples."""
    return [(row["kind"], row["patch_id"], row["band"]) for row in audit.findings.to_pylist()]


def test_the_documents_name_every_kind_in_its_order():
    table = (ROOT / "docs" / "inventory.md").read_text("utf-8").partition("## Kinds of findings")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(ALL_KINDS)


def test_without_metadata_all_but_what_is_missing_is_found(archive, capsys):
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    audit = benkit.audit(archive.root)
    assert found(audit) == [("missing_band", f"{PRODUCT}_00_00", "B02")]
    assert main(["audit", str(archive.root), "--json"]) == 1
    told = capsys.readouterr()
    assert "no --metadata: nothing is said of patches that are missing" in told.err
    assert json.loads(told.out)["missing_band"] == 1
    with pytest.raises(OptionError, match="expected metadata, whose column s1_name joins"):
        benkit.audit(archive.root, s1=archive.root)


def test_nothing_to_find(archive):
    archive.patch(f"{PRODUCT}_00_00")
    archive.patch(f"{PRODUCT}_90_90")
    audit = archive.audit(f"{PRODUCT}_00_00", f"{PRODUCT}_90_90")
    assert (audit.patches, found(audit)) == (2, [])
    assert audit.counts == dict.fromkeys(KINDS, 0)


def test_patches_count_once_however_many_bands_are_wrong(archive):
    hole = np.full((120, 120), 9, np.uint16)
    hole[5, 5] = 0
    patch = f"{PRODUCT}_01_02"
    archive.patch(
        patch,
        B01={"pixels": np.full((20, 21), 9, np.uint16)},
        B02={"pixels": hole},
        B03={"pixels": hole[:119]},
        B04={"pixels": np.full((60, 240), 9, np.uint16)},
    )
    audit = archive.audit(patch)
    assert found(audit) == [
        ("wrong_size", patch, "B01"),
        ("with_no_data", patch, "B02"),
        ("with_no_data", patch, "B03"),
        ("wrong_size", patch, "B03"),
        ("wrong_size", patch, "B04"),
    ]
    assert {kind: count for kind, count in audit.counts.items() if count} == {
        "wrong_size": 1,
        "with_no_data": 1,
    }
    reasons = audit.findings["reason"].to_pylist()
    assert reasons[:2] == ["21 x 20 pixels; expected 20 x 20", "1 of 14,400 pixels are NO_DATA"]


def test_disk_and_metadata_are_held_against_each_other(archive):
    archive.patch(f"{PRODUCT}_01_01")
    audit = archive.audit(f"{PRODUCT}_02_02", f"{PRODUCT}_03_03")
    assert found(audit) == [
        ("not_part_of_dataset", f"{PRODUCT}_01_01", None),
        ("not_on_disk", f"{PRODUCT}_02_02", None),
        ("not_on_disk", f"{PRODUCT}_03_03", None),
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("wrong_dtype", {"pixels": np.full((60, 60), 9, np.int16)}),
        ("wrong_dtype", {"pixels": np.full((60, 60), 9, np.float32), "nodata": None}),
        ("wrong_nodata", {"nodata": None}),
        ("wrong_nodata", {"nodata": 7}),
        ("wrong_georeference", {"x": 0}),
        ("wrong_georeference", {"y": 0.5}),
        ("wrong_georeference", {"pixel_size": 10}),
        ("missing_band", None),
    ],
)
def test_one_band_is_wrong(archive, kind, options):
    patch = f"{PRODUCT}_07_08"
    archive.patch(patch, B8A=options)
    kinds = [row for row in found(archive.audit(patch)) if row[0] == kind]
    assert kinds == [(kind, patch, "B8A")]


@pytest.mark.parametrize(
    "options",
    [
        {"x": 587_580.000000001, "y": 5_393_999.9995},
        {"pixel_size": 20.00000000000001},
        {"pixel_size": 19.99999},
    ],
)
def test_a_band_that_other_tools_have_rounded_lies_where_it_should(archive, options):
    patch = f"{PRODUCT}_73_05"
    archive.patch(patch, B8A=options)
    assert found(archive.audit(patch)) == []


def test_a_transform_that_is_square_and_north_up_but_for_rounding_is_no_finding(archive):
    patch = f"{PRODUCT}_73_05"
    folder = archive.patch(patch)
    with rasterio.open(
        folder / f"{patch}_B05.tif", "w", driver="GTiff", height=60, width=60, count=1, crs=32633,
        dtype="uint16", nodata=0,
        transform=rasterio.Affine(20, 1e-14, 587_580, -1e-14, -20.00000000000001, 5_394_000),
    ) as target:  # fmt: skip
        target.write(np.ones((1, 60, 60), np.uint16))
    assert found(archive.audit(patch)) == []


@pytest.mark.parametrize(
    ("options", "came"),
    [
        ({"x": 587_580.002}, "at 587580.002, 5394000 with pixels of 20 m"),
        ({"y": 5_393_999.998}, "at 587580, 5393999.998 with pixels of 20 m"),
        ({"pixel_size": 20.00003}, "at 587580, 5394000 with pixels of 20.00003 m"),
    ],
)
def test_what_lies_elsewhere_is_shown_with_the_difference(archive, options, came):
    patch = f"{PRODUCT}_73_05"
    archive.patch(patch, B8A=options)
    (reason,) = archive.audit(patch).findings["reason"].to_pylist()
    assert reason == f"EPSG:32633 {came}; expected EPSG:32633 at 587580, 5394000 with 20 m"


def test_a_band_without_a_row_is_missing(archive, tmp_path):
    """In an inventory that was cut, or put together from several."""
    whole, cut = f"{PRODUCT}_07_08", f"{PRODUCT}_07_09"
    archive.patch(whole)
    archive.patch(cut)
    archive.patch(cut, folder=f"{PRODUCT[:-1]}Q")  # in two folders, so that there are enough rows
    scan(archive.root, tmp_path / "inventory.parquet")
    rows = pq.read_table(tmp_path / "inventory.parquet")
    gone = pc.and_(
        pc.equal(rows["patch_id"], cut), pc.is_in(rows["band"], pa.array(["B02", "B12"]))
    )
    pq.write_table(rows.filter(pc.invert(gone)), tmp_path / "cut.parquet")
    metadata = pa.table({"patch_id": [whole, cut]})
    audit = audit_inventory(Inventory(tmp_path / "cut.parquet"), metadata)
    missing = [(*row[1:],) for row in found(audit) if row[0] == "missing_band"]
    assert missing == [(cut, "B02"), (cut, "B12")]


def test_bands_of_a_patch_lie_in_one_crs(archive):
    patch = f"{PRODUCT}_07_08"
    archive.patch(patch, B11={"epsg": 32634})
    assert found(archive.audit(patch)) == [
        ("crs_disagreement", patch, None),
        ("wrong_georeference", patch, "B11"),
    ]


def test_a_band_without_georeference_lies_elsewhere(archive):
    patch = f"{PRODUCT}_07_08"
    folder = archive.patch(patch)
    with rasterio.open(
        folder / f"{patch}_B05.tif", "w", driver="GTiff", height=60, width=60, count=1,
        dtype="uint16", nodata=0,
    ) as target:  # fmt: skip
        target.write(np.ones((1, 60, 60), np.uint16))
    assert found(archive.audit(patch)) == [
        ("crs_disagreement", patch, None),
        ("wrong_georeference", patch, "B05"),
    ]


def test_unreadable_stray_and_misplaced(archive):
    patch, twice = f"{PRODUCT}_07_08", f"{PRODUCT}_07_09"
    folder = archive.patch(patch)
    (folder / f"{patch}_B12.tif").write_bytes(b"II*\0")
    (folder / f"{patch}_B10.tif").touch()
    (archive.root / "thumbs.db").touch()
    archive.patch(twice)
    shutil.copytree(archive.root / PRODUCT / twice, archive.root / "elsewhere" / twice)
    nameless = archive.root / PRODUCT / "copy of patch"
    nameless.mkdir()
    audit = archive.audit(patch, twice)
    rows = found(audit)
    assert ("unreadable", patch, "B12") in rows
    assert ("stray_file", patch, None) in rows
    assert ("stray_file", None, None) in rows
    assert ("misplaced", twice, None) in rows
    assert ("invalid_patch_id", "copy of patch", None) in rows
    assert audit.patches == 3
    expected = {"unreadable": 1, "stray_file": 2, "misplaced": 2, "missing_band": 1}
    assert {kind: audit.counts[kind] for kind in expected} == expected


def test_findings_come_in_one_order(archive):
    for column in range(5):
        archive.patch(f"{PRODUCT}_0{column}_00", B02=None, B01=None)
    rows = archive.audit().findings.to_pylist()
    keys = [(row["patch_id"], row["band"] or "", row["kind"], row["reason"]) for row in rows]
    assert keys == sorted(keys)
