"""Patches read straight from a tar against those of the folder, and tars that have changed."""

import pickle
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit import Engine, InputFormatError, MissingInputError, OptionError, PatchDataset
from tests.making import rows_of

ONE = Engine(workers=1)


def scanned(archive: Path, target: Path, **options) -> Path:
    benkit.scan(archive, target, engine=ONE, **options)
    return target


@pytest.fixture(scope="module")
def folder(real_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real patches, of one of which a band is compressed."""
    root = tmp_path_factory.mktemp("from_tar") / "BigEarthNet-S2"
    shutil.copytree(real_archive, root)
    path = sorted(root.rglob("*_B03.tif"))[0]
    with rasterio.open(path) as source:
        profile, pixels = source.profile | {"compress": "deflate"}, source.read()
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)
    return root


def packed(folder: Path, tar: Path, form: str = "gnu") -> Path:
    command = ["tar", f"--format={form}", "-cf", str(tar), "-C", str(folder.parent), folder.name]
    subprocess.run(command, check=True)
    return tar


@pytest.fixture(scope="module")
def tar(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(folder, tmp_path_factory.mktemp("tar") / "a.tar")


@pytest.fixture(scope="module")
def inventory(tar: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scanned(tar, tmp_path_factory.mktemp("inventory") / "tar.parquet")


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(pixels, other[band]) and pixels.dtype == other[band].dtype
        for band, pixels in one.items()
    )


@pytest.mark.parametrize("form", ["gnu", "posix", "ustar"])
def test_pixels_are_those_of_the_folder(folder, tmp_path, form):
    expected = PatchDataset(scanned(folder, tmp_path / "folder.parquet"), folder)
    tar = packed(folder, tmp_path / "a.tar", form)
    found = PatchDataset(scanned(tar, tmp_path / "tar.parquet"), tar)
    assert found.patch_ids == expected.patch_ids
    for one, other in zip(found, expected, strict=True):
        assert same(one["image"], other["image"])
    unpacked = PatchDataset(tmp_path / "tar.parquet", folder)
    assert all(same(a["image"], b["image"]) for a, b in zip(unpacked, expected, strict=True))


def test_files_of_a_patch_may_lie_anywhere_in_the_tar(folder, tmp_path):
    files = sorted(folder.rglob("*.tif"), key=lambda path: path.stem[::-1])  # a band of all patches
    tar = tmp_path / "a.tar"
    with tarfile.open(tar, "w") as made:
        for path in files:
            made.add(path, path.relative_to(folder.parent))
    found = PatchDataset(scanned(tar, tmp_path / "tar.parquet"), tar)
    expected = PatchDataset(scanned(folder, tmp_path / "folder.parquet"), folder)
    assert found.patch_ids == expected.patch_ids
    assert all(
        same(one["image"], other["image"]) for one, other in zip(found, expected, strict=True)
    )


def test_of_other_processes_and_threads(tar, inventory):
    dataset = PatchDataset(inventory, tar, bands=["B02", "B8A"], threads=3)
    expected = [dataset[row]["image"] for row in range(len(dataset))]
    copy = pickle.loads(pickle.dumps(dataset))
    assert all(same(copy[row]["image"], one) for row, one in enumerate(expected))
    with ThreadPoolExecutor(4) as pool:
        rows = [*range(len(dataset))] * 20
        found = pool.map(lambda row: PatchDataset.__getitem__(copy, row)["image"], rows)
        assert all(same(one, expected[row]) for row, one in zip(rows, found, strict=True))


def test_files_of_all_bands(tmp_path):
    benkit.sample(tmp_path / "sample", patches=20, layout="eurosat-ms")
    folder = tmp_path / "sample" / "archive"
    tar = packed(folder, tmp_path / "a.tar")
    options = {"findings": "skip", "bands": ["B08", "B02"]}
    expected = PatchDataset(scanned(folder, tmp_path / "folder.parquet"), folder, **options)
    found = PatchDataset(scanned(tar, tmp_path / "tar.parquet"), tar, **options)
    assert len(found) == len(expected) > 5
    assert all(same(a["image"], b["image"]) for a, b in zip(found, expected, strict=True))


def test_a_tar_that_has_changed_is_refused(folder, inventory, tmp_path):
    patch = rows_of(inventory)[0]["patch_id"]
    tar = tmp_path / "other.tar"
    with tarfile.open(
        tar, "w", format=tarfile.GNU_FORMAT
    ) as file:  # bands of one size change places
        for path in sorted(folder.rglob("*.tif"), key=lambda path: path.name[::-1]):
            file.add(path, path.relative_to(folder.parent))
    dataset = PatchDataset(inventory, tar)
    for row in range(len(dataset)):
        with pytest.raises(InputFormatError, match=r"other\.tar: .* the tar was changed; scan it"):
            dataset[row]
    tar.write_bytes(tar.read_bytes()[:100_000])
    with pytest.raises(InputFormatError, match="the tar was changed"):
        PatchDataset(inventory, tar, patches=[patch])[0]
    tar.unlink()
    with pytest.raises(MissingInputError, match=r"other\.tar"):
        PatchDataset(inventory, tar)[0]


def test_a_header_that_has_changed_is_refused(tar, inventory, tmp_path):
    row = next(row for row in rows_of(inventory) if row["band"] == "B02")
    content = bytearray(tar.read_bytes())
    content[row["offset"] - 9] ^= 1
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(InputFormatError, match=r"_B02\.tif: expected the file that was scanned"):
        PatchDataset(inventory, tmp_path / "a.tar", patches=[row["patch_id"]])[0]


def test_what_does_not_fit_is_refused(folder, tar, inventory, tmp_path):
    with pytest.raises(InputFormatError, match="but it is of a folder; scan the tar"):
        PatchDataset(scanned(folder, tmp_path / "folder.parquet"), tar)
    subprocess.run(["gzip", "-k", "-1", "-c", str(tar)], stdout=(tmp_path / "a.tar.gz").open("wb"))
    packed_inventory = scanned(tmp_path / "a.tar.gz", tmp_path / "packed.parquet")
    with pytest.raises(InputFormatError, match="but it is packed; unpack it"):
        PatchDataset(packed_inventory, tmp_path / "a.tar.gz")
    with pytest.raises(InputFormatError, match="but it is of a packed tar"):
        PatchDataset(packed_inventory, tar)
    assert len(PatchDataset(packed_inventory, folder)) == 9
    assert PatchDataset(packed_inventory, folder)[0]
    with pytest.raises(OptionError, match="download it first"):
        PatchDataset(inventory, "https://localhost:1/a.tar")
    with pytest.raises(OptionError, match="expected an inventory, but it is a tar; scan it first"):
        PatchDataset(tar, tar)


def test_a_tar_that_is_gone_is_named(folder, tmp_path):
    tar = packed(folder, tmp_path / "a.tar")
    dataset = PatchDataset(scanned(tar, tmp_path / "tar.parquet"), tar)
    tar.unlink()
    with pytest.raises(MissingInputError, match="expected the tar of an archive, but it is gone"):
        dataset[0]


def test_an_export_has_unreadable_bands_too(folder, tmp_path):
    archive = tmp_path / "BigEarthNet-S2"
    shutil.copytree(folder, archive)
    path = min(archive.rglob("*_B05.tif"))
    path.write_bytes(path.read_bytes()[:999])
    tar = packed(archive, tmp_path / "a.tar")
    done = benkit.export(scanned(tar, tmp_path / "tar.parquet"), tmp_path / "out", archive=tar)
    assert done.patches == 9
    (exported,) = (tmp_path / "out").rglob(path.name)
    assert exported.read_bytes() == path.read_bytes()


def test_an_export_is_that_of_the_folder(folder, tar, inventory, tmp_path):
    of_folder = scanned(folder, tmp_path / "folder.parquet")
    benkit.export(of_folder, tmp_path / "one", copy=True)
    done = benkit.export(inventory, tmp_path / "two")  # the tar is the one that was scanned
    assert done.patches == 9
    files = [
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one", tmp_path / "two")
    ]
    assert files[0] == files[1]
    benkit.export(inventory, tmp_path / "pack", archive=tar, format="arrow", engine=ONE)
    pack = PatchDataset(
        tmp_path / "pack" / "inventory.parquet", tmp_path / "pack" / "BigEarthNet-S2"
    )
    expected = PatchDataset(of_folder, folder)
    assert all(same(a["image"], b["image"]) for a, b in zip(pack, expected, strict=True))


def test_an_export_of_a_changed_tar_is_refused(tar, inventory, tmp_path):
    content = tar.read_bytes()
    (tmp_path / "a.tar").write_bytes(content[512:] + content[:512])
    with pytest.raises(InputFormatError, match="the tar was changed"):
        benkit.export(inventory, tmp_path / "out", archive=tmp_path / "a.tar")
    assert not (tmp_path / "out").exists()


def test_a_patch_is_inspected_in_the_tar(folder, tar, tmp_path):
    patch = PatchDataset(scanned(folder, tmp_path / "f.parquet"), folder).patch_ids[3]
    expected = benkit.inspect(patch, folder)
    found = benkit.inspect(patch, tar, figure=tmp_path / "patch.png")
    assert found.bands == expected.bands
    assert found.findings == expected.findings
    assert str(found.folder) == f"{tar}/BigEarthNet-S2/{patch[:-6]}/{patch}"
    assert (tmp_path / "patch.png").stat().st_size > 1000
    with pytest.raises(MissingInputError, match="in the tar"):
        benkit.inspect("S2A_nowhere", tar)


def test_a_page_shows_the_same_as_of_the_folder(folder, tar, inventory, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    damaged = tmp_path / "BigEarthNet-S2"
    subprocess.run(["cp", "-r", str(folder), str(damaged)], check=True)
    path = sorted(damaged.rglob("*_B08.tif"))[0]
    content = bytearray(path.read_bytes())
    content[-2000:] = bytes(2000)  # without a measurement
    path.write_bytes(content)
    other = packed(damaged, tmp_path / "b.tar")
    ids = PatchDataset(inventory, tar).patch_ids
    labels = pa.table({"patch_id": list(ids), "labels": [["Pastures"]] * len(ids)})
    pages = [benkit.report(labels, source) for source in (damaged, other)]
    assert pages[0].count("data:image") == pages[1].count("data:image") > 0
    found = scanned(other, tmp_path / "b.parquet")
    assert "data:image" in benkit.report(labels, found, archive=other)
    assert pq.read_schema(found).metadata[b"benkit:container"] == b"tar"
