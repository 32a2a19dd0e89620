import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio import Affine

from benkit.api.inputs.sources import open_source
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.engine import Engine
from benkit.errors import MissingInputError, OptionError, OutputError
from benkit.inventory.scanning.fingerprint import hash_bytes, hash_pixels
from benkit.inventory.scanning.scan import scan
from benkit.inventory.table.inventory_file import Inventory
from benkit.tiff.plain import encode
from benkit.tiff.read import read_raster
from tests.making import PRODUCT, rows_of, write_patch

ONE = Engine(workers=1)


def test_real_patches_equal_rasterio(real_archive, tmp_path):
    output = tmp_path / "inventory.parquet"
    summary = scan(real_archive, output, engine=Engine(workers=1))
    assert summary.seconds > 0
    assert {
        name: value for name, value in vars(summary).items() if name not in ("seconds", "parts")
    } == {
        "layout": "bigearthnet-s2",
        "patches": 9,
        "rows": 108,
        "not_scanned": 0,
        "unchanged": 0,
        "files": 108,
        "bytes": 1_481_040,
        "slow_files": {},
    }
    rows = rows_of(output)
    assert [row["band"] for row in rows[:12]] == list(BIGEARTHNET_S2.band_names)
    keys = [(row["product"], row["patch_id"]) for row in rows]
    assert keys == sorted(keys)
    for row in rows:
        file = (
            real_archive / row["product"] / row["patch_id"] / f"{row['patch_id']}_{row['band']}.tif"
        )
        with rasterio.open(file) as source:
            pixels = source.read(1)
            valid = pixels[pixels != source.nodata].astype(object)
            assert row["status"] == "ok"
            assert row["bytes"] == file.stat().st_size
            assert (row["height"], row["width"], row["dtype"]) == (*pixels.shape, pixels.dtype.name)
            assert (row["nodata"], row["epsg"]) == (source.nodata, source.crs.to_epsg())
            assert (row["x"], row["y"]) == (source.transform.c, source.transform.f)
            assert (
                row["pixel_size"] == row["pixel_width"] == row["pixel_height"] == source.transform.a
            )
            assert row["crs"] is row["linear_sum"] is row["linear_sum_sq"] is None
        content = file.read_bytes()
        assert content[row["offset"] :] == pixels.tobytes()
        assert row["header_hash"] == hash_bytes(np.array([list(content[: row["offset"]])], "u1"))[0]
        assert row["pixel_hash"] == hash_pixels(pixels.reshape(1, -1), pixels.shape)[0]
        assert (row["valid"], row["nodata_count"]) == (len(valid), pixels.size - len(valid))
        assert (row["sum"], int(row["sum_sq"])) == (valid.sum(), (valid * valid).sum())
        assert (row["min"], row["max"]) == (valid.min(), valid.max())


def test_a_band_in_the_place_of_a_smaller_one_is_measured_whole(tmp_path):
    """Its header is known already from the bands that are as large."""
    ten_metres = np.full((120, 120), 7, np.uint16)
    content = encode(ten_metres, epsg=32633, x=587580, y=5394000, pixel_size=10)
    write_patch(tmp_path / "archive", B09=content)
    scan(tmp_path / "archive", tmp_path / "inventory.parquet", engine=Engine(workers=1))
    row = next(row for row in rows_of(tmp_path / "inventory.parquet") if row["band"] == "B09")
    assert (row["width"], row["valid"], row["sum"]) == (120, 14_400, 7 * 14_400)


def test_same_bytes_for_any_number_of_workers(tmp_path):
    source = write_patch(tmp_path / "archive")
    for column in range(40):
        for row in range(7):
            target = source.parent / f"{PRODUCT}_{column:02d}_{row:02d}"
            target.mkdir()
            for file in source.iterdir():
                os.link(file, target / file.name.replace("_73_05_", f"_{column:02d}_{row:02d}_"))
    contents = set()
    for workers in (1, 2, 3):
        output = tmp_path / f"{workers}.parquet"
        summary = scan(tmp_path / "archive", output, engine=Engine(workers=workers))
        assert (summary.patches, summary.files) == (281, 281 * 12)
        contents.add(output.read_bytes())
    assert len(contents) == 1


def test_what_is_wrong_is_a_row_and_never_an_error(tmp_path):
    small = encode(np.full((60, 50), 7, np.uint16), epsg=32633, x=0, y=0, pixel_size=20)
    holes = np.full((120, 120), 3, np.uint16)
    holes[:2] = 0
    floats = encode(
        np.full((60, 60), 0.5, np.float32), epsg=32632, x=0, y=0, pixel_size=20, nodata=None
    )
    wide = encode(np.full((20, 20), 2**32 - 1, np.uint32), epsg=32633, x=0, y=0, pixel_size=60)
    negative = encode(np.full((60, 60), -5, np.int16), epsg=32633, x=0, y=0, pixel_size=20)
    empty = encode(np.zeros((20, 20), np.uint16), epsg=32633, x=0, y=0, pixel_size=60)
    folder = write_patch(
        tmp_path / "archive",
        B02=encode(holes, epsg=32633, x=0, y=0, pixel_size=10),
        B03=None,
        B04=b"II*\0 not a TIFF",
        B05=small,
        B06=floats,
        B01=wide,
        B07=negative,
        B09=empty,
        B11=b"",
    )
    (folder / "notes.txt").touch()
    (tmp_path / "archive" / "README").touch()
    output = tmp_path / "inventory.parquet"
    summary = scan(tmp_path / "archive", output)
    assert (summary.patches, summary.rows, summary.files) == (1, 14, 11)
    rows = {row["band"] or row["detail"]: row for row in rows_of(output)}
    assert rows["README"]["status"] == "stray"
    assert rows["README"]["patch_id"] is None
    assert rows[f"{PRODUCT}/{folder.name}/notes.txt"]["patch_id"] == folder.name
    assert (rows["B02"]["valid"], rows["B02"]["nodata_count"]) == (120 * 118, 240)
    assert (rows["B02"]["sum"], rows["B02"]["min"]) == (120 * 118 * 3, 3)
    assert rows["B03"]["status"] == "missing"
    assert rows["B04"]["status"] == "unreadable"
    assert str(tmp_path) not in rows["B04"]["detail"]
    assert (rows["B05"]["width"], rows["B05"]["height"]) == (50, 60)
    assert (rows["B06"]["float_sum"], rows["B06"]["sum"], rows["B06"]["nodata"]) == (
        1800,
        None,
        None,
    )
    assert int(rows["B01"]["sum_sq"]) == 400 * (2**32 - 1) ** 2
    assert (rows["B07"]["sum"], int(rows["B07"]["sum_sq"])) == (-5 * 3600, 25 * 3600)
    assert (rows["B09"]["valid"], rows["B09"]["min"], rows["B09"]["sum"]) == (0, None, 0)
    assert rows["B11"]["status"] == "unreadable"
    assert rows["B12"]["sum"] == sum(range(1, 3601))


def test_other_encodings_take_the_slow_path_to_the_same_row(tmp_path):
    plain = tmp_path / "plain"
    folder = write_patch(plain)
    packed = tmp_path / "packed"
    shutil.copytree(plain, packed)
    for file in sorted((packed / PRODUCT / folder.name).iterdir()):
        with rasterio.open(plain / PRODUCT / folder.name / file.name) as source:
            profile = source.profile | {"compress": "deflate", "predictor": 2}
            with rasterio.open(file, "w", **profile) as target:
                target.write(source.read())
    both = {}
    for archive in (plain, packed):
        output = tmp_path / f"{archive.name}.parquet"
        summary = scan(archive, output)
        assert summary.slow_files == ({"deflate": 12} if archive is packed else {})
        both[archive] = pq.read_table(output).drop(["bytes", "offset", "header_hash"])
    assert both[plain].equals(both[packed])


def test_an_archive_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="expected the folder of an archive"):
        scan(tmp_path / "none", tmp_path / "inventory.parquet")
    assert not (tmp_path / "inventory.parquet").exists()


def test_a_scan_without_workers_is_refused(tmp_path):
    write_patch(tmp_path / "archive")
    with pytest.raises(OptionError, match="workers"):
        scan(tmp_path / "archive", tmp_path / "inventory.parquet", engine=Engine(workers=0))
    assert not (tmp_path / "inventory.parquet").exists()


def test_an_output_below_a_file_is_refused(tmp_path):
    write_patch(tmp_path / "archive")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        scan(tmp_path / "archive", tmp_path / "file" / "inventory.parquet")


def test_progress_reaches_the_end(tmp_path):
    write_patch(tmp_path / "archive")
    calls = []
    scan(tmp_path / "archive", tmp_path / "i.parquet", progress=lambda *call: calls.append(call))
    assert calls[-1][:2] == (1, 1)


def test_a_source_is_an_archive_or_an_inventory(tmp_path):
    write_patch(tmp_path / "archive")
    scan(tmp_path / "archive", tmp_path / "inventory.parquet")
    for source in ("archive", "inventory.parquet"):
        with open_source(tmp_path / source) as inventory:
            assert inventory.query("SELECT count(*) FROM inventory") == [(12,)]


def test_names_with_wildcards_are_just_names(tmp_path):
    write_patch(tmp_path / "archive")
    path = tmp_path / "in[ven]tory*?.parquet"
    scan(tmp_path / "archive", path)
    assert Inventory(path).query("SELECT count(*) FROM inventory") == [(12,)]


def test_threads_that_scan_one_archive_at_once_give_what_each_gives_alone(tmp_path):
    others = dict.fromkeys(set(BIGEARTHNET_S2.band_names) - {"B02"})
    for number in range(400):
        pixels = np.full((120, 120), number + 1, np.uint16)
        band = encode(pixels, epsg=32633, x=587580, y=5394000, pixel_size=10)
        patch = f"{PRODUCT}_{number // 91:02d}_{number % 91:02d}"
        write_patch(tmp_path / "archive", patch, B02=band, **others)

    def scanned(name):
        output = tmp_path / f"{name}.parquet"
        scan(tmp_path / "archive", output, engine=Engine(workers=1))
        return output.read_bytes()

    alone = scanned("alone")
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(scanned, "abcd")) == [alone] * 4


def test_a_band_with_a_mask_of_its_own_is_a_finding_and_not_measured_without_it(tmp_path):
    archive = tmp_path / "archive"
    file = write_patch(archive) / f"{PRODUCT}_73_05_B02.tif"
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(file, "r+") as band,
    ):
        band.write_mask(np.arange(120 * 120).reshape(120, 120) > 99)
    assert read_raster(file).has_mask
    scan(archive, tmp_path / "inventory.parquet", engine=Engine(workers=1))
    rows = {row["band"]: row for row in rows_of(tmp_path / "inventory.parquet")}
    assert rows["B03"]["status"] == "ok" and rows["B02"]["status"] == "unreadable"
    assert "a mask of its own" in rows["B02"]["detail"] and rows["B02"]["valid"] is None


SEVERAL = """\
name = "several"
folder = "{class}"
file = "{patch}.tif"
[every_band]
size = [301, 300]
dtype = "DTYPE"
[bands]
"""


@pytest.mark.parametrize(("dtype", "nodata"), [("uint16", 7), ("float32", None), ("int16", None)])
def test_each_band_of_files_with_several_equals_rasterio(tmp_path, dtype, nodata):
    """More files than are measured at once, some of them with odd pixels in one band."""
    rng, bands = np.random.default_rng(4), 3
    (tmp_path / "archive" / "A").mkdir(parents=True)
    profile = {"driver": "GTiff", "dtype": dtype, "count": bands, "height": 300, "width": 301}
    profile |= {"crs": "EPSG:32633", "transform": Affine(10, 0, 0, 0, -9, 0), "nodata": nodata}
    for number in range(9):
        pixels = rng.integers(0, 30000, (bands, 300, 301)).astype(dtype)
        if number % 4 == 1:
            pixels[number % 2] = 7
            pixels[2, 3, :4] = np.nan if dtype == "float32" else 7
        with rasterio.open(tmp_path / "archive" / "A" / f"p{number}.tif", "w", **profile) as target:
            target.write(pixels)
    names = [f"B{band}" for band in range(bands)]
    (tmp_path / "own.toml").write_text(
        SEVERAL.replace("DTYPE", dtype) + "".join(f"{name} = {{}}\n" for name in names)
    )
    summary = scan(
        tmp_path / "archive", tmp_path / "i.parquet", layout=tmp_path / "own.toml", engine=ONE
    )
    assert not summary.slow_files, "the fast path reads them"
    rows = {(row["patch_id"], row["band"]): row for row in rows_of(tmp_path / "i.parquet")}
    assert len(rows) == 9 * bands
    for number in range(9):
        with rasterio.open(tmp_path / "archive" / "A" / f"p{number}.tif") as source:
            for name, pixels in zip(names, source.read(masked=True), strict=True):
                row = rows[f"p{number}", name]
                whole = pixels.data[~np.ma.getmaskarray(pixels) & np.isfinite(pixels.data)]
                kind = "float_" if dtype == "float32" else ""
                exact = whole.astype(np.float64)  # of whole numbers, whose sums are exact
                assert (row["valid"], row["nodata_count"]) == (len(exact), 300 * 301 - len(exact))
                found = [row[f"{kind}sum"], row[f"{kind}sum_sq"], row["min"], row["max"]]
                squares = (exact * exact).sum()
                ends = [exact.min(), exact.max()] if len(exact) else [None, None]
                assert found == [exact.sum(), squares, *ends]
                assert row["pixel_hash"] == hash_pixels(pixels.data.reshape(1, -1), (300, 301))[0]
                assert (row["pixel_width"], row["pixel_height"]) == (10, 9)
                assert row["pixel_size"] is None
                nan = np.isnan(pixels.data.astype(float)).sum()
                assert row["detail"] == (f"{nan} NaN" if nan else None)
