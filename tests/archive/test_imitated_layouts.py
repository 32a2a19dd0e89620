"""Archives of which no real patch is at hand, imitated as published loaders read them, with rasterio."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pytest
import rasterio

import benkit
from benkit.domain.layouts import built_in
from benkit.domain.tiles import parse_tile
from benkit.engine import Engine

ONE = Engine(workers=1)
# Names of CLC level 3, of which BigEarthNet v1.0 has 43 (https://arxiv.org/abs/1902.06148).
LABELS = [
    ["Non-irrigated arable land", "Land principally occupied by agriculture, with significant areas of "
     "natural vegetation", "Sparsely vegetated areas"],
    ["Transitional woodland/shrub", "Sclerophyllous vegetation", "Sea and ocean"],
    ["Annual crops associated with permanent crops", "Water bodies", "Dump sites"],
]  # fmt: skip
S2 = [f"S2A_MSIL2A_{time}_{place}" for time, place in (
    ("20170613T101031", "75_43"), ("20170905T95032", "0_1"), ("20180204T94159", "9_87"))]  # fmt: skip
S1 = [f"S1A_IW_GRDH_1SDV_20170613T165043_33UUP_{place}" for place in ("70_48", "0_45", "7_3")]
ARCHIVES = {"bigearthnet-v1-s2": S2, "bigearthnet-v1-s1": S1}


def corner(name, number):
    """Where a patch lies: as its name tells, or anywhere."""
    if name.startswith("S2"):
        return 300_000 + 1200 * number, 5_400_000
    column, row = map(int, name.split("_")[-2:])
    tile = parse_tile("33UUP")
    return tile.west + 1200 * column, tile.north - 1200 * row


def write_archive(root, layout_name):
    """Three patches as their builders have published them; the pixels by band, in their order."""
    layout, pixels = built_in(layout_name), {}
    for number, name in enumerate(ARCHIVES[layout_name]):
        (root / name).mkdir(parents=True)
        x, y = corner(name, number)
        for place, (band, of) in enumerate(layout.bands.items()):
            noise = np.random.default_rng(100 * number + place)
            low, high = (-30, 5) if of.unit == "dB" else (1, 9000)
            values = noise.uniform(low, high, (of.height, of.width)).astype(of.dtype)
            write_band(root / name / f"{name}_{band}.tif", values, x, y, 1200 / of.width)
            pixels.setdefault(band, []).append(values)
        said = {"labels": LABELS[number], "projection": 'PROJCS["WGS 84 / UTM zone 33N", ...]'}
        said |= {"coordinates": {"ulx": x, "uly": y, "lrx": x + 1200, "lry": y - 1200}}
        own = ("acquisition_date", "tile_source") if name.startswith("S2") else (
            "acquisition_time", "scene_source", "corresponding_s2_patch")  # fmt: skip
        said |= dict.fromkeys(own, "2017-06-13 10:10:31")
        (root / name / f"{name}_labels_metadata.json").write_text(json.dumps(said))
    return pixels


def write_band(path, values, x, y, pixel):
    profile = {"driver": "GTiff", "count": 1, "dtype": values.dtype, "crs": "EPSG:32633"}
    profile |= {"height": values.shape[0], "width": values.shape[1]}
    with rasterio.open(
        path, "w", **profile, transform=rasterio.Affine(pixel, 0, x, 0, -pixel, y)
    ) as raster:
        raster.write(values, 1)


def counts_of(inventory, ids=None):
    metadata = None if ids is None else pa.table({"patch_id": ids, "labels": [["a"]] * len(ids)})
    return {kind: n for kind, n in benkit.audit(inventory, metadata).counts.items() if n}


@pytest.mark.parametrize("name", ARCHIVES)
def test_version_1_is_recognised_measured_and_labelled_without_a_finding(name, tmp_path):
    pixels = write_archive(tmp_path / "archive", name)
    inventory = tmp_path / "i.parquet"
    assert benkit.scan(tmp_path / "archive", inventory, engine=ONE).layout == name
    assert counts_of(inventory) == counts_of(inventory, ARCHIVES[name]) == {}
    for band, found in benkit.stats(inventory).bands.items():
        values = np.stack(pixels[band]).astype(np.float64)
        assert (found.count, found.min, found.max) == (values.size, values.min(), values.max())
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert found.std == pytest.approx(values.std(), rel=1e-9)
    labels = benkit.summary([str(inventory), str(tmp_path / "archive")]).labels
    assert dict(labels) == dict.fromkeys(sorted(label for some in LABELS for label in some), 1)
    seen = benkit.footprints(inventory).table.to_pydict()
    assert sorted(seen["patch_id"]) == sorted(ARCHIVES[name])
    dates = {str(day).replace("-", "") for day in seen["date"]}
    assert dates == {one.split("_")[2 if name.endswith("s2") else 4][:8] for one in ARCHIVES[name]}


@pytest.mark.parametrize("name", ARCHIVES)
def test_errors_in_version_1_are_found(name, tmp_path):
    root, layout, ids = tmp_path / "archive", built_in(name), ARCHIVES[name]
    write_archive(root, name)
    bands = layout.band_names
    files = [[root / patch / f"{patch}_{band}.tif" for band in bands] for patch in ids]
    files[0][0].unlink()
    files[0][1].write_bytes(files[0][1].read_bytes()[:-5])
    (root / ids[0] / "Thumbs.db").touch()
    x, y = corner(ids[1], 1)
    write_band(files[1][-1], np.ones((60, 7), layout.bands[bands[-1]].dtype), x, y, 20)
    (root / ids[2]).rename(root / "elsewhere")
    benkit.scan(root, tmp_path / "i.parquet", engine=ONE)
    assert counts_of(tmp_path / "i.parquet", ids) == {
        "wrong_size": 1, "not_part_of_dataset": 1, "missing_band": 2, "unreadable": 1,
        "invalid_patch_id": 1, "stray_file": len(bands) + 2, "not_on_disk": 1,
    } | ({"wrong_georeference": 1} if layout.grid_metres else {})  # fmt: skip


def test_major_tom_in_its_own_folders_is_recognised_and_each_cell_is_a_place(shared_data, tmp_path):
    (product,) = (shared_data / "scene").iterdir()
    for cell in ("922D_249R", "10U_3L"):
        folder = tmp_path / "archive" / cell.split("_")[0] / cell / product.name
        shutil.copytree(product, folder)
        (folder / "thumbnail.png").write_bytes(b"\x89PNG")
        write_band(folder / "cloud_mask.tif", np.zeros((4, 4), np.uint8), 0, 0, 10)
    inventory = tmp_path / "i.parquet"
    summary = benkit.scan(tmp_path / "archive", inventory, engine=ONE)
    assert (summary.layout, summary.patches) == ("major-tom-grid", 2)
    ids = [f"922D_922D_249R_{product.name}", f"10U_10U_3L_{product.name}"]
    assert counts_of(inventory) == counts_of(inventory, ids) == {}
    with rasterio.open(product / "B04.tif") as raster:
        assert benkit.stats(inventory).bands["B04"].mean == pytest.approx(raster.read().mean())
    assert sorted(benkit.footprints(inventory).table["location"].to_pylist()) == [
        "10U_3L", "922D_249R",
    ]  # fmt: skip
