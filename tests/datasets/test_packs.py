"""Exports as packs: what they hold, against rasterio and rico-hdl, who reads them, what is refused."""

import builtins
import json
import os
import pickle
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit import Engine, InputFormatError, MissingInputError, OptionError, OutputError
from benkit.archive.listing import PatchFolder
from benkit.cli import main
from benkit.datasets.packs import arrow_file, lmdb_file
from tests.making import PRODUCT, Archive

ONE = Engine(workers=1)
BANDS = tuple(benkit.BIGEARTHNET_S2.bands)


def by_rasterio(path: Path, band: int = 1):
    with rasterio.open(path) as file:
        return file.read(band)


def scanned(archive: Path, target: Path) -> Path:
    benkit.scan(archive, target, engine=ONE)
    return target


def pack_of(folder: Path, name: str = "BigEarthNet-S2") -> dict:
    return {"inventory": folder / "inventory.parquet", "archive": folder / name}


def table_of(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def inventory(real_archive, tmp_path_factory):
    return scanned(real_archive, tmp_path_factory.mktemp("inventory") / "inventory.parquet")


@pytest.fixture(scope="module")
def pack(real_archive, inventory, shared_data, tmp_path_factory):
    """The nine real patches as Arrow files, with metadata."""
    target = tmp_path_factory.mktemp("pack") / "pack"
    metadata = shared_data / "metadata.parquet"
    benkit.export(inventory, target, archive=real_archive, metadata=metadata, format="arrow")
    return target


@pytest.fixture
def small(tmp_path):
    """Five patches, of which the first lacks a band, and their inventory."""
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    for row in range(1, 5):
        archive.patch(f"{PRODUCT}_00_0{row}")
    scanned(archive.root, tmp_path / "inventory.parquet")
    return tmp_path


WHOLE = [f"{PRODUCT}_00_0{row}" for row in range(1, 5)]
"""The patches of `small` that can go into a pack."""


def test_a_row_holds_the_pixels_that_rasterio_reads(pack, real_archive):
    table = table_of(pack / "BigEarthNet-S2" / "00000.arrow")
    assert table.num_rows == 9
    assert table.column_names == ["patch_id", "product", "labels", "split", *BANDS]
    for row, patch in enumerate(table["patch_id"].to_pylist()):
        folder = real_archive / table["product"][row].as_py() / patch
        for band in BANDS:
            expected = by_rasterio(folder / f"{patch}_{band}.tif")
            tensor = table[band].chunk(row)
            assert tensor.type == pa.fixed_shape_tensor(pa.uint16(), expected.shape)
            assert np.array_equal(tensor.to_numpy_ndarray()[0], expected)


def test_labels_and_split_are_those_of_the_metadata(pack, shared_data):
    table = table_of(pack / "BigEarthNet-S2" / "00000.arrow").select(
        ["patch_id", "labels", "split"]
    )
    rows = pq.read_table(
        shared_data / "metadata.parquet",
        filters=[("patch_id", "in", table["patch_id"].to_pylist())],
    ).to_pylist()
    known = {row["patch_id"]: (row["labels"], row["split"]) for row in rows}
    assert known
    for row in table.to_pylist():
        assert (row["labels"], row["split"]) == known.get(row["patch_id"], (None, None))


def test_labels_of_a_sister_archive_are_those_of_its_patches(shared_data, tmp_path):
    archive = shared_data / "BigEarthNet-S1"
    source = scanned(archive, tmp_path / "i.parquet")
    (patch,) = benkit.Inventory(source).patch_ids.to_pylist()
    metadata = pa.table(
        {
            "patch_id": ["S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_70_48"],
            "s1_name": [patch],
            "labels": [["Pastures"]],
        }
    )
    options = {"archive": archive, "metadata": metadata, "format": "arrow", "engine": ONE}
    benkit.export(source, tmp_path / "pack", **options)
    table = table_of(tmp_path / "pack" / "BigEarthNet-S1" / "00000.arrow")
    assert table.select(["patch_id", "labels", "split"]).to_pylist() == [
        {"patch_id": patch, "labels": ["Pastures"], "split": None}
    ]


def test_the_schema_tells_where_a_pack_is_from(pack):
    said = table_of(pack / "BigEarthNet-S2" / "00000.arrow").schema.metadata
    assert said[b"benkit:layout"] == b"bigearthnet-s2"
    assert said[b"benkit:made_by"].startswith(b"benkit ")
    assert said[b"benkit:patches"] == b"9"


def test_polars_reads_a_pack(pack, real_archive):
    frame = polars.read_ipc(pack / "BigEarthNet-S2" / "00000.arrow", columns=["patch_id", "B09"])
    patch = frame["patch_id"][4]
    expected = by_rasterio(real_archive / patch[:-6] / patch / f"{patch}_B09.tif")
    found = np.array(frame["B09"].to_arrow().storage[4].as_py(), np.uint16)
    assert np.array_equal(found.reshape(20, 20), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": 120, "resampling": "bilinear", "bands": ["B8A", "B02"]},
        {"size": 60, "normalise": dict.fromkeys(BANDS, (400.0, 70.0))},
    ],
)
def test_a_data_set_of_a_pack_is_that_of_the_folder(pack, inventory, real_archive, options):
    chosen = benkit.Inventory(inventory).patch_ids.to_pylist()[7:2:-1]
    of_folder = benkit.PatchDataset(inventory, real_archive, patches=chosen, **options)
    of_pack = benkit.PatchDataset(**pack_of(pack), patches=chosen, **options)
    assert of_pack.patch_ids == of_folder.patch_ids == tuple(chosen)
    for one, other in zip(of_pack, of_folder, strict=True):
        images = [
            image if isinstance(image, dict) else {"": image}
            for image in (one["image"], other["image"])
        ]
        assert images[0].keys() == images[1].keys()
        for band, pixels in images[0].items():
            assert pixels.dtype == images[1][band].dtype
            assert pixels.flags.writeable
            assert np.array_equal(pixels, images[1][band])


def test_a_data_set_of_a_pack_goes_to_other_processes_and_is_used_by_threads(pack):
    dataset = benkit.PatchDataset(**pack_of(pack), size=20, threads=2)
    first = dataset[0]["image"]
    again = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(again[0]["image"], first)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda row: again[row % 9]["image"], range(200)))
    assert all(np.array_equal(one, dataset[row % 9]["image"]) for row, one in enumerate(found))


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("BigEarthNet-S1", "BigEarthNet-S1"),
        ("EuroSAT_MS", "eurosat-ms"),
        ("SSL4EO-S12/s1", "ssl4eo-s12-s1"),
    ],
)
def test_packs_of_other_layouts_read_as_rasterio_does(shared_data, tmp_path, folder, name):
    archive, source = shared_data / folder, scanned(shared_data / folder, tmp_path / "i.parquet")
    made = benkit.export(source, tmp_path / "pack", archive=archive, format="arrow")
    (where,) = {path.parent for path in (tmp_path / "pack").rglob("*.arrow")}
    assert where.name == name
    layout = benkit.Inventory(source).layout
    dataset = benkit.PatchDataset(**pack_of(tmp_path / "pack", name), findings="allow")
    rows = pq.read_table(source)
    products = dict(zip(rows["patch_id"].to_pylist(), rows["product"].to_pylist(), strict=True))
    assert len(dataset) == made.patches > 0
    for item in dataset:
        patch = PatchFolder(products[item["patch_id"]], item["patch_id"], layout)
        for number, (band, pixels) in enumerate(item["image"].items(), 1):
            expected = by_rasterio(
                archive / patch.band_path(band), number if layout.one_file else 1
            )
            assert pixels.dtype == expected.dtype
            assert np.array_equal(pixels, expected)


@pytest.mark.parametrize(("kind", "files"), [("arrow", 2), ("lmdb", 1)])
def test_the_same_bytes_whatever_the_workers(small, monkeypatch, kind, files):
    size = 2 * 160_000
    monkeypatch.setattr(arrow_file, "BYTES_PER_FILE", size)
    made = [
        benkit.export(
            small / "inventory.parquet", small / str(workers), format=kind, patches=WHOLE,
            engine=Engine(workers=workers),
        )
        for workers in (1, 2)
    ]  # fmt: skip
    assert made[0] == made[1]
    assert (made[0].patches, made[0].files, made[0].left_out) == (4, files, 1)
    assert bytes_of(small / "1") == bytes_of(small / "2")
    packed = list((small / "1" / "BigEarthNet-S2").iterdir())
    assert made[0].bytes == sum(path.stat().st_size for path in packed)
    assert len(packed) == files


def test_several_files_are_one_data_set(small, monkeypatch):
    monkeypatch.setattr(arrow_file, "BYTES_PER_FILE", 3 * 160_000)
    benkit.export(
        small / "inventory.parquet", small / "out", format="arrow", patches=WHOLE, engine=ONE
    )
    dataset = benkit.PatchDataset(**pack_of(small / "out"), size=10)
    assert [item["patch_id"] for item in dataset] == WHOLE
    (small / "out" / "BigEarthNet-S2" / "00001.arrow").unlink()
    with pytest.raises(MissingInputError, match=r"00001\.arrow: .* copy all files"):
        benkit.PatchDataset(**pack_of(small / "out"))[3]
    first = small / "out" / "BigEarthNet-S2" / "00000.arrow"
    first.rename(first.with_name("00001.arrow"))
    with pytest.raises(MissingInputError, match=r"00000\.arrow: .* copy all files"):
        benkit.PatchDataset(**pack_of(small / "out"))


@pytest.mark.parametrize("kind", ["arrow", "lmdb"])
def test_patches_that_are_not_as_the_layout_has_them_are_refused(small, kind):
    folder = small / "archive" / PRODUCT / WHOLE[0]
    shutil.copy(folder / f"{folder.name}_B01.tif", folder / f"{folder.name}_B02.tif")
    source = scanned(small / "archive", small / "inventory.parquet")
    with pytest.raises(InputFormatError, match=r"but 2 of 5 have not, .* --exclude FINDINGS"):
        benkit.export(source, small / "out", format=kind)
    assert not (small / "out").exists()
    found = benkit.audit(source).findings
    assert benkit.export(source, small / "out", format=kind, exclude=found).patches == 3


def test_choices_and_sides_are_those_of_folders(small, capsys):
    split = pa.table({"patch_id": WHOLE, "split": ["train", "test", "train", "validation"]})
    benkit.export(
        small / "inventory.parquet",
        small / "out",
        format="arrow",
        split=split,
        sides="folders",
        engine=ONE,
    )
    for side, patches in (("train", [1, 3]), ("test", [2]), ("validation", [4])):
        table = table_of(small / "out" / side / "BigEarthNet-S2" / "00000.arrow")
        assert table["patch_id"].to_pylist() == [f"{PRODUCT}_00_0{row}" for row in patches]
        assert table["split"].to_pylist() == [side] * len(patches)
        assert len(benkit.PatchDataset(**pack_of(small / "out" / side))) == len(patches)
    call = ["export", str(small / "inventory.parquet"), "--output", str(small / "two"), "--json"]
    (small / "ids.csv").write_text("\n".join(["patch_id", *WHOLE]))
    call += ["--format", "arrow", "--patches", str(small / "ids.csv"), "--sample", "2"]
    assert main(call) == 0
    said = capsys.readouterr()
    assert "hard links" not in said.err
    size = (small / "two" / "BigEarthNet-S2" / "00000.arrow").stat().st_size
    assert json.loads(said.out) == {"patches": 2, "files": 1, "bytes": size, "left_out": 3}


@pytest.mark.parametrize("kind", ["arrow", "lmdb"])
def test_an_interrupted_pack_goes_on_where_it_stopped(small, monkeypatch, kind):
    monkeypatch.setattr(arrow_file, "BYTES_PER_FILE", 160_000)
    monkeypatch.setattr(lmdb_file, "PARTS_PER_COMMIT", 1)
    monkeypatch.setattr("benkit.datasets.packs.packing.PATCHES_PER_VALUES", 1)
    monkeypatch.setattr(lmdb_file, "PATCHES_PER_VALUES", 1)
    source, options = (
        small / "inventory.parquet",
        {"format": kind, "patches": WHOLE, "engine": ONE},
    )
    benkit.export(source, small / "whole", **options)
    third = small / "archive" / PRODUCT / WHOLE[2]
    third.rename(small / "away")
    with pytest.raises(MissingInputError, match="_00_03"):
        benkit.export(source, small / "out", **options)
    assert not (small / "out").exists()
    (small / "away").rename(third)
    first = small / "archive" / PRODUCT / WHOLE[0]
    first.rename(small / "away")  # what is packed is not read again
    benkit.export(source, small / "out", **options)
    assert bytes_of(small / "out") == bytes_of(small / "whole")
    assert not (small / ".out.unfinished").exists()


@pytest.mark.parametrize("check", ["packing.require_same_lmdb", "pack_part.PackPart.require_same"])
def test_a_pack_that_was_interrupted_while_it_was_verified_goes_on(small, monkeypatch, check):
    def interrupted(*_):
        raise KeyboardInterrupt

    kind = "lmdb" if "lmdb" in check else "arrow"
    options = {"format": kind, "patches": WHOLE, "engine": ONE}
    benkit.export(small / "inventory.parquet", small / "whole", **options)
    with monkeypatch.context() as patched:
        patched.setattr(f"benkit.datasets.packs.{check}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            benkit.export(small / "inventory.parquet", small / "out", **options)
    benkit.export(small / "inventory.parquet", small / "out", **options)
    assert bytes_of(small / "out") == bytes_of(small / "whole")


@pytest.mark.parametrize("kind", ["arrow", "lmdb"])
def test_pixels_that_were_changed_in_place_are_refused_and_leave_no_pack(small, kind):
    path = small / "archive" / PRODUCT / WHOLE[2] / f"{WHOLE[2]}_B03.tif"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    options = {"format": kind, "patches": WHOLE, "engine": ONE}
    for _ in range(2):
        with pytest.raises(InputFormatError, match=r"_B03\.tif: .* pixels in the pack are others"):
            benkit.export(small / "inventory.parquet", small / "out", **options)
    assert not (small / "out").exists()
    benkit.export(small / "inventory.parquet", small / "out", verify=False, **options)


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "other":
        path.write_bytes(b"A" * len(content))
    elif how == "ids":  # the first ends before it begins
        start = content.index(WHOLE[0].encode())
        assert content[start - 8 : start] == struct.pack("<ii", 0, len(WHOLE[0]))
        path.write_bytes(content[: start - 4] + struct.pack("<i", -16) + content[start:])
    elif how == "messages":  # of batches
        path.write_bytes(content[:20_000] + bytes(len(content) - 40_000) + content[-20_000:])
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "pipe":
        path.unlink()
        os.mkfifo(path)


@pytest.mark.parametrize("how", ["empty", "cut", "other", "messages", "ids", "folder", "pipe"])
def test_a_damaged_pack_is_refused_by_name(small, how):
    benkit.export(
        small / "inventory.parquet", small / "out", format="arrow", patches=WHOLE, engine=ONE
    )
    damaged(small / "out" / "BigEarthNet-S2" / "00000.arrow", how)
    with pytest.raises(InputFormatError, match=r"00000\.arrow: expected a file of a pack"):
        list(benkit.PatchDataset(**pack_of(small / "out")))


def test_the_inventory_of_another_archive_is_refused(small):
    source = small / "inventory.parquet"
    benkit.export(source, small / "out", format="arrow", patches=WHOLE, engine=ONE)
    with pytest.raises(InputFormatError, match="give the inventory that lies beside"):
        benkit.PatchDataset(source, small / "out" / "BigEarthNet-S2", findings="allow")
    one, other, *_ = WHOLE
    with pytest.raises(InputFormatError, match=f"{one} in row 1, but {other} is there; give the"):
        benkit.PatchDataset(source, small / "out" / "BigEarthNet-S2", patches=[one])[0]


def test_lmdb_has_the_bytes_of_rico_hdl(shared_data, tmp_path):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(
        str(shared_data / "rico-hdl" / "BigEarthNet_LMDB"), readonly=True, lock=False
    ) as environment:
        with environment.begin() as transaction:
            theirs = dict(transaction.cursor())
    assert len(theirs) == 2
    ours = {}
    for name in ("BigEarthNet-S2", "BigEarthNet-S1"):
        source = scanned(shared_data / name, tmp_path / f"{name}.parquet")
        there = benkit.Inventory(source).patch_ids.to_pylist()
        options = {"archive": shared_data / name, "format": "lmdb", "engine": ONE}
        benkit.export(source, tmp_path / name, **options)
        assert [path.name for path in (tmp_path / name / name).iterdir()] == ["data.mdb"]
        with lmdb.open(str(tmp_path / name / name), readonly=True, lock=False) as environment:
            with environment.begin() as transaction:
                found = dict(transaction.cursor())
        assert sorted(found) == sorted(patch.encode() for patch in there)
        ours |= found
    for key, value in theirs.items():
        assert ours[key] == value


def test_an_lmdb_is_no_archive_of_a_data_set(small):
    options = {"format": "lmdb", "patches": WHOLE, "engine": ONE}
    benkit.export(small / "inventory.parquet", small / "out", **options)
    with pytest.raises(OptionError, match="it is an LMDB; export with --format arrow"):
        benkit.PatchDataset(**pack_of(small / "out"))


def test_without_the_extra_lmdb_says_how_to_install_it(small, monkeypatch, capsys):
    original = builtins.__import__

    def without(name, *more, **others):
        if name.split(".")[0] == "lmdb":
            raise ModuleNotFoundError("No module named 'lmdb'", name="lmdb")
        return original(name, *more, **others)

    monkeypatch.setattr(builtins, "__import__", without)
    call = [
        "export",
        str(small / "inventory.parquet"),
        "--output",
        str(small / "out"),
        "--format",
        "lmdb",
    ]
    assert main(call) == 2
    said = capsys.readouterr().err
    assert "lmdb is not installed; pip install benkit[lmdb]" in said
    assert len(said.splitlines()) == 1


def test_an_id_that_comes_twice_is_no_key(tmp_path):
    layout = tmp_path / "own.toml"
    layout.write_text(
        'name = "own"\nfolder = "{product}/{patch}"\nfile = "{band}.tif"\n[bands]\nB01 = { size = 20 }\n'
    )
    archive = Archive(tmp_path / "made")
    archive.patch(f"{PRODUCT}_00_01")
    band = tmp_path / "made" / PRODUCT / f"{PRODUCT}_00_01" / f"{PRODUCT}_00_01_B01.tif"
    for product in ("a", "b"):
        (tmp_path / "archive" / product / "p").mkdir(parents=True)
        shutil.copy(band, tmp_path / "archive" / product / "p" / "B01.tif")
    benkit.scan(tmp_path / "archive", tmp_path / "i.parquet", layout=layout, engine=ONE)
    with pytest.raises(InputFormatError, match="p comes twice"):
        benkit.export(tmp_path / "i.parquet", tmp_path / "out", format="lmdb", engine=ONE)
    assert (
        benkit.export(tmp_path / "i.parquet", tmp_path / "out", format="arrow", engine=ONE).patches
        == 2
    )


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"format": "zip"}, OptionError, "--format zip: expected folders, arrow, lmdb"),
        ({"format": "arrow", "card": True}, OptionError, "--card goes with --format folders"),
        ({"format": "lmdb", "output": "s3://bucket/pack"}, OutputError, "packs are written on this"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_packs_is_refused(small, options, error, said):
    with pytest.raises(error, match=said):
        benkit.export(**{"source": small / "inventory.parquet", "output": small / "out", **options})
