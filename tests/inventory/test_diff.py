"""What changed from one inventory to another: planted changes are named, and nothing else."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import Affine

import benkit

ONE = benkit.Engine(workers=1)


@pytest.fixture
def two(real_archive, tmp_path):
    """The nine real patches twice."""
    for name in ("old", "new"):
        shutil.copytree(real_archive, tmp_path / name)
    return tmp_path / "old", tmp_path / "new"


def rewrite(path, change=lambda pixels: pixels, **profile):
    with rasterio.open(path) as source:
        pixels, known = change(source.read()), source.profile | profile
    path.unlink()
    with rasterio.open(path, "w", **known) as written:
        written.write(pixels)


def one_more(pixels):
    pixels[0, 3, 5] += 1
    return pixels


def rows_by_patch(found):
    return {
        row["patch_id"]: (row["change"], row["bands"], row["what"])
        for row in found.table.to_pylist()
    }


def test_an_archive_is_the_same_as_itself_in_whatever_compression(two):
    old, new = two
    for file in new.glob("*/*/*.tif"):
        rewrite(file, compress="deflate", tiled=True, blockxsize=16, blockysize=16)
    found = benkit.diff(old, new, engine=ONE)
    assert found.counts == {"added": 0, "removed": 0, "changed": 0, "same": 9}
    assert len(found.table) == 0


def test_planted_changes_are_named_with_their_bands_and_what_differs(two, tmp_path):
    _, new = two
    patches = sorted(new.glob("*/*"))
    files = [{file.stem.rpartition("_")[2]: file for file in patch.iterdir()} for patch in patches]
    rewrite(files[0]["B8A"], one_more)
    rewrite(files[0]["B02"], one_more)
    rewrite(files[1]["B03"], nodata=7)
    with rasterio.open(files[2]["B04"], "r+") as raster:
        raster.transform = raster.transform @ Affine.translation(1, 0)
    files[3]["B05"].unlink()
    files[4]["B06"].write_bytes(b"no raster")
    rewrite(files[5]["B07"], lambda pixels: pixels.astype(np.int32), dtype="int32")
    files[6]["B01"].with_name("notes.txt").write_text("is no band")
    shutil.rmtree(patches[7])
    added = patches[8].with_name(patches[8].name[:-5] + "00_00")
    added.mkdir()
    for band, file in files[8].items():
        shutil.copy(file, added / f"{added.name}_{band}.tif")
    for name in ("old", "new"):
        benkit.scan(tmp_path / name, tmp_path / f"{name}.parquet", engine=ONE)
    found = benkit.diff(
        tmp_path / "old.parquet", tmp_path / "new.parquet", output=tmp_path / "d.json"
    )
    assert found.counts == {"added": 1, "removed": 1, "changed": 6, "same": 2}
    assert rows_by_patch(found) == {
        patches[0].name: ("changed", ["B02", "B8A"], ["pixels"]),
        patches[1].name: ("changed", ["B03"], ["nodata"]),
        patches[2].name: ("changed", ["B04"], ["georeference"]),
        patches[3].name: ("changed", ["B05"], ["status"]),
        patches[4].name: ("changed", ["B06"], ["status"]),
        patches[5].name: ("changed", ["B07"], ["dtype", "pixels"]),
        patches[7].name: ("removed", None, None),
        added.name: ("added", None, None),
    }
    back = benkit.diff(tmp_path / "new.parquet", tmp_path / "old.parquet")
    assert back.counts == {"added": 1, "removed": 1, "changed": 6, "same": 2}
    assert repr(back) == "Diff: added 1, removed 1, changed 6, same 2"


def test_a_patch_that_moved_to_another_product_is_removed_and_added(two):
    old, new = two
    patch = next(iter(sorted(new.glob("*/*"))))
    (new / "elsewhere").mkdir()
    shutil.move(patch, new / "elsewhere" / patch.name)
    found = benkit.diff(old, new, engine=ONE)
    assert found.counts == {"added": 1, "removed": 1, "changed": 0, "same": 8}


def test_rows_that_one_inventory_lacks_are_a_change(real_archive, tmp_path):
    benkit.scan(real_archive, tmp_path / "i.parquet", engine=ONE)
    table = pq.read_table(tmp_path / "i.parquet")
    first = table["patch_id"][0].as_py()
    pq.write_table(table.slice(1), tmp_path / "less.parquet")
    found = benkit.diff(tmp_path / "i.parquet", tmp_path / "less.parquet")
    assert rows_by_patch(found) == {first: ("changed", ["B01"], ["status"])}
    assert found.counts["same"] == 8


def test_an_inventory_without_a_patch_is_refused(real_archive, tmp_path):
    benkit.scan(real_archive, tmp_path / "i.parquet", engine=ONE)
    pq.write_table(pq.read_table(tmp_path / "i.parquet").slice(0, 0), tmp_path / "none.parquet")
    with pytest.raises(benkit.InputFormatError, match="parquet: expected patches, but there"):
        benkit.diff(tmp_path / "i.parquet", tmp_path / "none.parquet")
    with pytest.raises(benkit.InputFormatError, match="parquet: expected patches, but there"):
        benkit.duplicates(tmp_path / "none.parquet")
