"""Pixels of a data set against those that rasterio reads, and files that have changed since a scan."""

import os
import pickle
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.enums import Resampling

import benkit
from benkit import Engine, InputFormatError, OptionError, PatchDataset, RasterError, class_order
from benkit.archive.listing import PatchFolder
from tests.conftest import ROOT
from tests.making import PRODUCT
from tests.remote import CREDENTIALS, s3_server, web_server

BANDS = tuple(benkit.BIGEARTHNET_S2.bands)


def scanned(archive: Path, target: Path, layout: str | Path | None = None) -> Path:
    benkit.scan(archive, target, layout=layout, engine=Engine(workers=1))
    return target


def by_rasterio(path: Path, size: int | None = None, how: str = "nearest", band: int = 1):
    with rasterio.open(path) as file:
        shape = None if size is None else (size, size)
        return file.read(band, out_shape=shape, resampling=Resampling[how])


@pytest.fixture(scope="module")
def inventory(real_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scanned(real_archive, tmp_path_factory.mktemp("inventory") / "inventory.parquet")


def band_file(archive: Path, patch: str, band: str) -> Path:
    return archive / patch[:-6] / patch / f"{patch}_{band}.tif"


def test_bands_as_they_are(real_archive, inventory):
    dataset = PatchDataset(inventory, real_archive)
    assert len(dataset) == 9
    assert dataset.bands == BANDS
    for item in dataset:
        for band, pixels in item["image"].items():
            expected = by_rasterio(band_file(real_archive, item["patch_id"], band))
            assert pixels.dtype == expected.dtype
            assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("how", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [120, 60, 97])
def test_bands_on_one_grid(real_archive, inventory, how, size):
    dataset = PatchDataset(inventory, real_archive, size=size, resampling=how)
    item = dataset[4]
    for pixels, band in zip(item["image"], BANDS, strict=True):
        path = band_file(real_archive, item["patch_id"], band)
        with rasterio.open(path) as file:
            as_float = file.read(1).astype(np.float32)
        with rasterio.MemoryFile() as memory:
            profile = {"driver": "GTiff", "count": 1, "dtype": "float32"}
            height, width = as_float.shape
            with memory.open(**profile, height=height, width=width) as file:
                file.write(as_float, 1)
            with memory.open() as file:
                expected = file.read(1, out_shape=(size, size), resampling=Resampling[how])
        assert np.allclose(pixels, expected, rtol=1e-6, atol=0)
    assert item["image"].dtype == ("uint16" if how == "nearest" else "float32")


@pytest.mark.parametrize(
    "folder",
    ["BigEarthNet-S1", "EuroSAT_MS", "SSL4EO-S12/s1", "SSL4EO-S12/s2a", "SSL4EO-S12/s2c"],
)
def test_every_layout_reads_as_rasterio_does(shared_data, tmp_path, folder):
    archive, inventory = shared_data / folder, tmp_path / "i.parquet"
    dataset = PatchDataset(scanned(archive, inventory), archive, findings="allow")
    layout = benkit.Inventory(inventory).layout
    rows = pq.read_table(inventory)
    products = dict(zip(rows["patch_id"].to_pylist(), rows["product"].to_pylist(), strict=True))
    assert len(dataset)
    for item in dataset:
        patch = PatchFolder(products[item["patch_id"]], item["patch_id"], layout)
        for number, (band, pixels) in enumerate(item["image"].items(), 1):
            path = archive / patch.band_path(band)
            assert np.array_equal(pixels, by_rasterio(path, band=number if layout.one_file else 1))


def test_some_bands_of_a_file_with_all(shared_data, tmp_path):
    archive = shared_data / "EuroSAT_MS"
    inventory = scanned(archive, tmp_path / "i.parquet")
    dataset = PatchDataset(inventory, archive, bands=["B8A", "B02"], size=64, findings="allow")
    (path,) = archive.rglob(f"{dataset.patch_ids[1]}.tif")
    expected = np.stack([by_rasterio(path, band=13), by_rasterio(path, band=2)])
    assert np.array_equal(dataset[1]["image"], expected)


def test_odd_files_read_as_rasterio_does_or_are_findings(shared_data, tmp_path):
    """Each odd file as the only band of a patch, whatever its encoding, size and type."""
    layout = tmp_path / "odd.toml"
    layout.write_text(
        'name = "odd"\nfolder = "{patch}"\nfile = "{band}.tif"\n[bands]\nB1 = { size = 20 }\n'
    )
    archive = tmp_path / "archive"
    for path in sorted((shared_data / "odd-tiffs").iterdir()):
        (archive / path.stem).mkdir(parents=True)
        shutil.copy(path, archive / path.stem / "B1.tif")
    inventory = scanned(archive, tmp_path / "i.parquet", layout)
    rows = pq.read_table(inventory)
    status = dict(zip(rows["patch_id"].to_pylist(), rows["status"].to_pylist(), strict=True))
    dataset = PatchDataset(inventory, archive, findings="allow")
    assert len(dataset) > 60
    read = 0
    for row, patch in enumerate(dataset.patch_ids):
        if status[patch] != "ok":
            with pytest.raises(InputFormatError, match="missing or unreadable"):
                dataset[row]
            continue
        read += 1
        expected = by_rasterio(archive / patch / "B1.tif")
        assert np.array_equal(
            dataset[row]["image"]["B1"], expected, equal_nan=expected.dtype.kind == "f"
        )
    assert read > 15


@pytest.fixture
def own(real_archive, inventory, tmp_path):
    """An archive of one real patch that a test may change, its inventory, and the file of B02."""
    patch = pq.read_table(inventory)["patch_id"][0].as_py()
    archive = tmp_path / "archive"
    shutil.copytree(real_archive / patch[:-6] / patch, archive / patch[:-6] / patch)
    return archive, scanned(archive, tmp_path / "own.parquet"), band_file(archive, patch, "B02")


def grown(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def moved(path: Path) -> None:
    with rasterio.open(path, "r+") as file:
        file.transform = file.transform @ rasterio.Affine.translation(1, 0)


def without_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[:8] = struct.pack("<Q", 0)
    path.write_bytes(content)


@pytest.mark.parametrize("change", [grown, cut, moved, without_header])
def test_a_file_that_is_not_the_scanned_one_is_an_error(own, change):
    archive, inventory, path = own
    dataset = PatchDataset(inventory, archive)
    dataset[0]
    change(path)
    with pytest.raises(InputFormatError, match=rf"{path.name}: expected the file that was scanned"):
        dataset[0]


def test_other_pixels_in_a_compressed_file_are_an_error(own):
    archive, _, path = own
    with rasterio.open(path) as file:
        pixels, profile = file.read(), file.profile | {"compress": "deflate"}
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
    inventory = scanned(archive, archive.parent / "again.parquet")
    dataset = PatchDataset(inventory, archive)
    assert np.array_equal(dataset[0]["image"]["B02"], pixels[0])
    size = path.stat().st_size
    pixels[0, 0, 0] += 1
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
    path.write_bytes(path.read_bytes().ljust(size, b"\0")[:size])
    with pytest.raises((InputFormatError, RasterError), match=path.name):
        dataset[0]


def test_a_file_that_is_gone_is_named(own):
    archive, inventory, path = own
    dataset = PatchDataset(inventory, archive)
    path.unlink()
    with pytest.raises(benkit.MissingInputError, match=path.name):
        dataset[0]


def test_patches_with_findings_are_refused_skipped_or_allowed(sample, tmp_path):
    archive = sample / "BigEarthNet-v2.0-S2-with-errors"
    inventory = scanned(archive, tmp_path / "i.parquet")
    rows = pq.read_table(inventory)
    with pytest.raises(InputFormatError, match="leave them out with findings='skip'"):
        PatchDataset(inventory, archive)
    skipping = PatchDataset(inventory, archive, findings="skip")
    allowing = PatchDataset(inventory, archive, findings="allow")
    assert len(allowing) == len(skipping) + skipping.skipped
    unread = pc.is_in(rows["status"], pa.array(["missing", "unreadable"]))
    bad = pc.or_(unread, pc.greater(rows["nodata_count"].fill_null(0), 0))
    flawed = set(rows.filter(bad)["patch_id"].to_pylist())
    assert flawed
    assert not flawed & set(skipping.patch_ids)
    shapes = {tuple(p.shape for p in item["image"].values()) for item in skipping}
    assert len(shapes) == 1


def test_no_data_is_the_mean_and_weighs_nothing(own, tmp_path):
    archive, _, path = own
    with rasterio.open(path, "r+") as file:
        pixels = file.read(1)
        pixels[:60] = 0
        file.write(pixels, 1)
    inventory = scanned(archive, tmp_path / "nodata.parquet")
    normal = dict.fromkeys(BANDS, (500.0, 250.0))
    options = {"size": 120, "bands": ["B02"], "findings": "allow", "normalise": normal}
    (image,) = PatchDataset(inventory, archive, resampling="bilinear", **options)[0]["image"]
    assert (image[:60] == 0).all()
    assert np.allclose(image[60:], (pixels[60:].astype(float) - 500) / 250, atol=1e-5)
    smaller = PatchDataset(inventory, archive, **options | {"size": 40})[0]["image"][0]
    assert (smaller[:20] == 0).all()


def test_labels_in_both_orders(own):
    archive, inventory, path = own
    patch = path.parent.name
    metadata = pa.table({"patch_id": [patch], "labels": [["Pastures", "Arable land"]]})
    for order in ("alphabetical", "nomenclature"):
        dataset = PatchDataset(inventory, archive, labels=metadata, order=order)
        assert dataset.classes == class_order(order)
        hot = dataset[0]["labels"]
        assert hot.dtype == np.float32
        assert {dataset.classes[i] for i in np.flatnonzero(hot)} == {"Pastures", "Arable land"}
    with pytest.raises(OptionError, match="order of the classes"):
        PatchDataset(inventory, archive, labels=metadata)


def test_reference_maps_are_numbers_of_classes(own, tmp_path):
    archive, inventory, path = own
    patch = path.parent.name
    codes = np.full((120, 120), 211, np.uint16)
    codes[:60], codes[0] = 523, 999
    folder = tmp_path / "maps" / patch[:-6] / patch
    folder.mkdir(parents=True)
    with rasterio.open(path) as file:
        profile = file.profile | {"nodata": None}
    with rasterio.open(folder / f"{patch}_reference_map.tif", "w", **profile) as file:
        file.write(codes, 1)
    dataset = PatchDataset(inventory, archive, maps=tmp_path / "maps", order="nomenclature")
    target = dataset[0]["target"]
    assert target.dtype == np.uint8
    assert (target[0] == 19).all()
    assert {dataset.classes[i] for i in np.unique(target[1:])} == {"Arable land", "Marine waters"}
    assert dataset.classes[target[1, 0]] == "Marine waters"


def test_both_sensors_by_the_metadata(sample_of_both):
    folder, inventories = sample_of_both
    metadata = pq.read_table(folder / "metadata.parquet")
    dataset = PatchDataset(
        inventories[0], folder / "BigEarthNet-v2.0-S2-with-errors",
        s1=(inventories[1], folder / "BigEarthNet-v2.0-S1-with-errors"),
        patches=paired(metadata, *inventories), labels=metadata, order="alphabetical",
        findings="skip", size=120,
    )  # fmt: skip
    assert dataset.bands == (*BANDS, "VV", "VH")
    names = dict(
        zip(metadata["patch_id"].to_pylist(), metadata["s1_name"].to_pylist(), strict=True)
    )
    assert len(dataset) > 10
    for item in (dataset[0], dataset[-1]):
        name = names[item["patch_id"]]
        (path,) = (folder / "BigEarthNet-v2.0-S1-with-errors").rglob(f"{name}_VH.tif")
        assert np.array_equal(item["s1"][1], by_rasterio(path))
        assert item["image"].shape == (12, 120, 120)


@pytest.fixture(scope="module")
def sample_of_both(tmp_path_factory):
    folder = tmp_path_factory.mktemp("both") / "sample"
    benkit.sample(folder, patches=60, s1=True, engine=Engine(workers=1))
    inventories = [
        scanned(folder / f"BigEarthNet-v2.0-{half}-with-errors", folder / f"{half}.parquet")
        for half in ("S2", "S1")
    ]
    return folder, inventories


def paired(metadata: pa.Table, *inventories: Path) -> list[str]:
    """Patches of the metadata that both archives have."""
    s2, s1 = (pq.read_table(path)["patch_id"].unique() for path in inventories)
    both = pc.and_(pc.is_in(metadata["patch_id"], s2), pc.is_in(metadata["s1_name"], s1))
    return metadata.filter(both)["patch_id"].to_pylist()


def test_the_train_side_normalises(sample_of_both):
    folder, (inventory, _) = sample_of_both
    archive = folder / "BigEarthNet-v2.0-S2-with-errors"
    ids = PatchDataset(inventory, archive, findings="skip").patch_ids
    split = {"train": ids[:30], "test": ids[30:]}
    options = {"split": split, "bands": ["B02", "B09"], "size": 120, "normalise": "train"}
    train = PatchDataset(inventory, archive, **options)
    assert train.patch_ids == ids[:30]
    pixels = np.stack([item["image"] for item in train])
    assert np.allclose(pixels.mean((0, 2, 3), dtype=float), 0, atol=1e-3)
    assert np.allclose(pixels.std((0, 2, 3), dtype=float), 1, atol=1e-3)
    test = PatchDataset(inventory, archive, side="test", **options)
    assert test.patch_ids == ids[30:]
    with pytest.raises(OptionError, match="without a split"):
        PatchDataset(inventory, archive, normalise="train", findings="skip")


def test_it_can_be_pickled_threaded_and_read_in_batches(real_archive, inventory):
    dataset = PatchDataset(inventory, real_archive, size=60, threads=4)
    rows = [8, 0, 3, 3, -1]
    expected = np.stack([dataset[row]["image"] for row in rows])
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy.batch(rows)["image"], expected)
    assert [item["patch_id"] for item in dataset.__getitems__(rows)] == dataset.batch(rows)[
        "patch_id"
    ]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda row: dataset[row]["image"], rows * 8))
    assert np.array_equal(np.stack(found), np.tile(expected, (8, 1, 1, 1)))
    with pytest.raises(IndexError):
        dataset[9]
    assert len(list(dataset)) == 9


@pytest.mark.parametrize("server", [s3_server, web_server])
def test_from_a_distance_it_is_the_same(server, own, tmp_path, monkeypatch):
    """Also that a file which has changed is refused."""
    archive, inventory, path = own
    bucket = tmp_path / "buckets" / "bucket"
    bucket.mkdir(parents=True)
    archive.rename(bucket / "archive")
    here = PatchDataset(inventory, bucket / "archive", size=60)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    of_s3 = server is s3_server
    with server(bucket.parent if of_s3 else bucket) as address:
        url = f"s3://bucket/archive?endpoint_override={address}" if of_s3 else f"{address}/archive"
        there = PatchDataset(inventory, url, size=60)
        assert np.array_equal(there.batch([0, 0])["image"][1], here[0]["image"])
        moved(bucket / path.relative_to(archive.parent))
        with pytest.raises(
            InputFormatError, match=f"{path.name}: expected the file that was scanned"
        ):
            there[0]


def test_systems_that_cannot_read_into_several_buffers_at_once_read_the_same(own):
    archive, inventory, path = own
    code = (
        "import os, sys; del os.readv; import benkit\n"
        "dataset = benkit.PatchDataset(*sys.argv[1:])\n"
        "print(dataset[0]['image']['B02'].sum(dtype=int))"
    )
    command = [sys.executable, "-c", code, str(inventory), str(archive)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) == by_rasterio(path).sum(dtype=int)


def test_rows_in_another_order_give_the_same(real_archive, inventory, tmp_path):
    rows = pq.read_table(inventory)
    shuffled = rows.take(pa.array(np.random.default_rng(0).permutation(len(rows))))
    pq.write_table(shuffled, tmp_path / "shuffled.parquet", row_group_size=7)
    pq.write_table(rows, tmp_path / "groups.parquet", row_group_size=7)
    first = PatchDataset(inventory, real_archive)
    for name in ("shuffled", "groups"):
        other = PatchDataset(tmp_path / f"{name}.parquet", real_archive)
        assert other.patch_ids == first.patch_ids
        assert all(
            np.array_equal(one, two)
            for one, two in zip(first[5]["image"].values(), other[5]["image"].values(), strict=True)
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": ["B10"]}, "expected some of the bands"),
        ({"resampling": "cubic"}, "nearest, bilinear"),
        ({"findings": "ignore"}, "refuse, skip, allow"),
        ({"size": 0}, "at least 1 pixel"),
        ({"normalise": {"B02": (1, 0)}, "bands": ["B02"]}, "standard deviation above 0 of B02"),
        ({"split": {"train": [], "test": []}, "side": "val"}, "a side of the split"),
        ({"side": "test"}, "expected a split beside side='test'"),
    ],
)
def test_options_that_do_not_go_are_refused(real_archive, inventory, options, message):
    with pytest.raises(OptionError, match=message):
        PatchDataset(inventory, real_archive, **options)


def test_patches_that_are_not_there_are_named(real_archive, inventory):
    with pytest.raises(InputFormatError, match=f"not there, such as {PRODUCT}_00_00"):
        PatchDataset(inventory, real_archive, patches=[f"{PRODUCT}_00_00"])
    first = PatchDataset(inventory, real_archive).patch_ids[0]
    wanted = [f"{PRODUCT}_00_00", first]
    some = PatchDataset(inventory, real_archive, patches=wanted, findings="skip")
    assert some.patch_ids == (first,)
    assert some.skipped == 1
    with pytest.raises(OptionError, match="scan it first"):
        PatchDataset(real_archive, real_archive)
