"""Scans of tars against scans of the folder that was packed, and of damaged and hostile tars."""

import gzip
import io
import shutil
import subprocess
import tarfile
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import benkit
from benkit import Engine, InputFormatError, OptionError
from benkit.inventory.table.inventory_file import Inventory
from tests.making import PRODUCT, rows_of, write_patch

ONE = Engine(workers=1)
PATCHES = tuple(f"{PRODUCT}_{number:02d}_05" for number in (3, 20, 11))
OTHER = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_10_10"


def scanned(archive: Path, target: Path, **options) -> list[dict]:
    benkit.scan(archive, target, engine=Engine(workers=2), **options)
    return rows_of(target)


def without_offset(rows: list[dict]) -> list[dict]:
    return [{**row, "offset": None} for row in rows]


def packed(folder: Path, tar: Path, names: list[str] | None = None) -> Path:
    """A tar of files in a given order."""
    with tarfile.open(tar, "w") as file:
        for name in names or [folder.name]:
            file.add(folder.parent / name, name)
    return tar


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Four patches of two products, with strays, a hidden folder, odd and absent bands."""
    root = tmp_path / "BigEarthNet-S2"
    for patch in PATCHES:
        write_patch(root, patch)
    folder = write_patch(root, OTHER, B02=b"no TIFF", B03=None)
    (folder / "notes.txt").write_bytes(b"stray")
    (folder / "more").mkdir()
    (folder / "more" / "deep.txt").write_bytes(b"stray")
    (root / "README").write_bytes(b"beside")
    (root / PRODUCT / "._x").write_bytes(b"beside")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x").write_bytes(b"x")
    (root / PRODUCT / f"{PRODUCT}_55_55").mkdir()
    (root / PRODUCT / "link").symlink_to(PATCHES[0])
    (folder / f"{OTHER}_B04.tif").unlink()
    (folder / f"{OTHER}_B04.tif").symlink_to(f"{OTHER}_B05.tif")
    return root


def test_rows_of_odd_files_are_those_of_the_folder(archive, tmp_path):
    rows = scanned(archive, tmp_path / "folder.parquet")
    tar = packed(archive, tmp_path / "a.tar")
    found = scanned(tar, tmp_path / "tar.parquet")
    assert without_offset(found) == without_offset(rows)
    assert {row["status"] for row in rows} == {
        "ok", "missing", "unreadable", "stray", "not_scanned"
    }  # fmt: skip
    content = tar.read_bytes()
    for row, of_folder in zip(found, rows, strict=True):
        assert (row["offset"] is None) == (row["status"] != "ok" and row["bytes"] in (None, 0))
        if row["status"] == "ok":
            path = archive / row["product"] / row["patch_id"]
            file = (path / f"{row['patch_id']}_{row['band']}.tif").read_bytes()
            start = row["offset"] - of_folder["offset"]
            assert content[start : start + row["bytes"]] == file
    assert Inventory(tmp_path / "tar.parquet").container == "tar"
    assert Inventory(tmp_path / "folder.parquet").container is None


def test_files_may_lie_in_any_order_and_again(archive, tmp_path):
    rows = without_offset(scanned(archive, tmp_path / "folder.parquet"))
    files = [
        f"./{path.relative_to(tmp_path)}"
        for path in sorted(archive.rglob("*"))
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    ]
    by_band = sorted(files, key=lambda name: (name[-8:], name[::-1]))
    tar = packed(archive, tmp_path / "a.tar", by_band)
    assert without_offset(scanned(tar, tmp_path / "a.parquet")) == rows
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        for name in files:
            if name.endswith("_B08.tif"):  # an earlier one does not count
                tar.addfile(tarfile.TarInfo(name))
        for name in by_band:
            tar.add(tmp_path / name, name, recursive=False)
    assert without_offset(scanned(tmp_path / "b.tar", tmp_path / "b.parquet")) == rows


@pytest.mark.parametrize("form", ["gnu", "ustar", "posix"])
@pytest.mark.parametrize("top", [".", "./BigEarthNet-S2"])
def test_any_format_with_or_without_a_top_folder(archive, tmp_path, form, top):
    root = archive if top == "." else archive.parent
    tar = tmp_path / "other" / "a.tar"
    tar.parent.mkdir()
    command = ["tar", f"--format={form}", "-cf", str(tar), "-C", str(root), top]
    subprocess.run(command, check=True)
    rows = without_offset(scanned(archive, tmp_path / "folder.parquet"))
    assert without_offset(scanned(tar, tmp_path / "a.parquet")) == rows


@pytest.mark.parametrize("codec", ["zstd", "gzip"])
def test_a_packed_tar_has_no_offsets(archive, tmp_path, codec):
    rows = without_offset(scanned(archive, tmp_path / "folder.parquet"))
    plain = packed(archive, tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar.x").write_bytes(
        pa.compress(plain[:70_000], "zstd", asbytes=True)
        + pa.compress(plain[70_000:], "zstd", asbytes=True)
        if codec == "zstd"
        else gzip.compress(plain, 1)
    )
    assert scanned(tmp_path / "a.tar.x", tmp_path / "a.parquet") == rows
    assert Inventory(tmp_path / "a.parquet").container == "packed tar"


def test_workers_and_repetitions_give_the_same_bytes(archive, tmp_path):
    tar = packed(archive, tmp_path / "a.tar")
    for name, workers in (("1", 1), ("2", 3)):
        benkit.scan(tar, tmp_path / f"{name}.parquet", engine=Engine(workers=workers))
    benkit.scan(tar, tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


@pytest.mark.parametrize("layout", ["bigearthnet-s1", "eurosat-ms"])
def test_other_layouts(tmp_path, layout):
    benkit.sample(tmp_path / "sample", patches=20, layout=layout)
    folder = tmp_path / "sample" / "archive"
    rows = scanned(folder, tmp_path / "folder.parquet")
    found = scanned(packed(folder, tmp_path / "a.tar"), tmp_path / "tar.parquet")
    assert without_offset(found) == without_offset(rows)
    found = scanned(tmp_path / "a.tar", tmp_path / "tar.parquet", layout=layout)
    assert without_offset(found) == without_offset(rows)


@settings(max_examples=12, deadline=None)
@given(share=st.floats(0.05, 0.99))
def test_of_a_tar_that_is_cut_off_what_lies_before_is_told(tmp_path_factory, share):
    tmp_path = tmp_path_factory.mktemp("cut")
    for patch in PATCHES[:2]:
        write_patch(tmp_path / "BigEarthNet-S2", patch)
    content = packed(tmp_path / "BigEarthNet-S2", tmp_path / "a.tar").read_bytes()
    whole = scanned(tmp_path / "a.tar", tmp_path / "whole.parquet")
    cut = content[: int(len(content.rstrip(b"\0")) * share)]
    (tmp_path / "a.tar").write_bytes(cut)
    with pytest.raises(
        InputFormatError, match=r"a\.tar: expected a whole tar, but it ends"
    ) as raised:
        scanned(tmp_path / "a.tar", tmp_path / "cut.parquet")
    if not (tmp_path / "cut.parquet").exists():
        assert "tells of" not in str(raised.value)
        return
    found = rows_of(tmp_path / "cut.parquet")
    assert found[0]["status"] == "not_scanned"
    assert "a.tar: expected a whole tar" in found[0]["detail"]
    known = {(row["patch_id"], row["band"]): row for row in whole}
    rows = [row for row in found if row["status"] == "ok"]
    assert all(row == known[row["patch_id"], row["band"]] for row in rows)
    ends = [row["offset"] + 2 * row["width"] * row["height"] for row in whole]
    assert len(rows) == sum(end <= len(cut) for end in ends)


def test_absolute_names_are_read_as_tar_unpacks_them(archive, tmp_path):
    deep = tmp_path / "a" / "long" / "way" / "down" / "to" / "it"
    deep.mkdir(parents=True)
    shutil.copytree(archive, deep / "BigEarthNet-S2", symlinks=True)
    command = ["tar", "--absolute-names", "-cf", tmp_path / "a.tar", deep / "BigEarthNet-S2"]
    subprocess.run(command, check=True)
    found = scanned(tmp_path / "a.tar", tmp_path / "tar.parquet")
    assert without_offset(found) == without_offset(scanned(archive, tmp_path / "folder.parquet"))
    patch = benkit.PatchDataset(tmp_path / "tar.parquet", tmp_path / "a.tar", findings="allow")[1]
    same = benkit.PatchDataset(tmp_path / "folder.parquet", archive, findings="allow")[1]
    assert all(np.array_equal(patch["image"][band], same["image"][band]) for band in patch["image"])


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_of_a_packed_tar_that_is_cut_off_all_that_can_be_unpacked_is_told(
    sample, tmp_path, codec, share
):
    """Against the rows of what Python's zlib, or the zstd of Arrow, unpacks of the same bytes."""
    archive = sample / "BigEarthNet-v2.0-S2-with-errors"
    products = [f"{archive.name}/{path.name}" for path in sorted(archive.iterdir())]
    content = packed(archive, tmp_path / "a.tar", products[:3]).read_bytes()
    whole = pa.compress(content, codec, asbytes=True)
    cut = whole[: int(len(whole) * share)]
    (tmp_path / "cut.tar.packed").write_bytes(cut)
    with pytest.raises(
        InputFormatError,
        match=r"cut\.tar\.packed: expected a whole tar.* bytes unpacked .*tells of",
    ):
        scanned(tmp_path / "cut.tar.packed", tmp_path / "packed.parquet")
    (tmp_path / "cut.tar").write_bytes(unpacked_before_the_end(cut, codec))
    with pytest.raises(InputFormatError, match="tells of"):
        scanned(tmp_path / "cut.tar", tmp_path / "plain.parquet")
    rows = rows_of(tmp_path / "packed.parquet")
    assert "cut.tar.packed: expected a whole tar" in rows[0]["detail"]
    assert without_offset(rows[1:]) == without_offset(rows_of(tmp_path / "plain.parquet")[1:])
    assert sum(row["status"] == "ok" for row in rows) > 3


def unpacked_before_the_end(cut: bytes, codec: str) -> bytes:
    """What can be unpacked of packed bytes that are not whole."""
    if codec == "gzip":
        return zlib.decompressobj(wbits=31).decompress(cut)
    found = bytearray()
    with pa.CompressedInputStream(pa.BufferReader(cut), codec) as stream:
        with suppress(OSError):
            while True:
                found += stream.read(1)
    return bytes(found)


def add(tar: tarfile.TarFile, name: str, content: bytes = b"", **changed) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changed.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(content))


def test_what_is_no_part_of_the_archive_is_named_and_nothing_is_extracted(archive, tmp_path):
    patch = f"BigEarthNet-S2/{PRODUCT}/{PATCHES[0]}/{PATCHES[0]}"
    with tarfile.open(packed(archive, tmp_path / "a.tar"), "a") as tar:
        add(tar, "../../escaped.tif", b"x")
        add(tar, "/tmp/absolute-of-a-tar.tif", b"x")
        add(tar, "other/file.tif", b"x")
        add(tar, f"{patch}_B01.tif", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(tar, f"{patch}_B02.tif", type=tarfile.LNKTYPE, linkname=f"{patch}_B03.tif")
        add(tar, f"{patch}_B03.tif", type=tarfile.CHRTYPE)
        add(tar, f"{patch}_B04.tif/below", b"x")
        add(tar, f"{patch}_B05.tif", type=tarfile.FIFOTYPE)
    before = {path.name for path in tmp_path.iterdir()}
    rows = scanned(tmp_path / "a.tar", tmp_path / "a.parquet")
    assert {path.name for path in tmp_path.iterdir()} - before == {"a.parquet", ".a.parquet.scan"}
    assert not Path("/tmp/absolute-of-a-tar.tif").exists()
    closed = {row["detail"] for row in rows if row["status"] == "not_scanned"}
    assert {
        "../../escaped.tif: leads out of the archive",
        "tmp: lies beside BigEarthNet-S2, which was scanned",
        "other: lies beside BigEarthNet-S2, which was scanned",
    } <= closed
    found = {row["band"]: row["detail"] for row in rows if row["patch_id"] == PATCHES[0]}
    for band, what in (
        ("B01", "a link"), ("B02", "a hard link"), ("B03", "a device"), ("B04", "a folder"),
        ("B05", "a pipe"), ("B06", None),
    ):  # fmt: skip
        assert (what is None and found[band] is None) or f"it is {what}" in found[band]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(10240), "holds nothing"),
        (b"<html>not found</html>", "a web page"),
        (b"", "it is empty"),
    ],
)
def test_what_holds_no_archive_is_refused(tmp_path, content, message):
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(
        InputFormatError, match=rf"a\.tar: expected the tar of an archive.*{message}"
    ):
        benkit.scan(tmp_path / "a.tar", tmp_path / "a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_a_tar_of_other_things_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        add(tar, "docs/readme.txt", b"x")
    with pytest.raises(InputFormatError, match="it holds docs; describe its layout"):
        benkit.scan(tmp_path / "a.tar", tmp_path / "a.parquet")


def test_one_machine_reads_a_tar(archive, tmp_path):
    tar = packed(archive, tmp_path / "a.tar")
    with pytest.raises(OptionError, match="leave out --engine ray"):
        benkit.scan(tar, tmp_path / "a.parquet", engine=Engine("ray"))
    with pytest.raises(InputFormatError, match="download it first"):
        benkit.scan("https://localhost:1/a.tar", tmp_path / "a.parquet")


def test_an_interrupted_scan_leaves_nothing(archive, tmp_path):
    tar = packed(archive, tmp_path / "a.tar")
    before = set(tmp_path.iterdir())

    def interrupt(done: int, total: int, size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benkit.scan(tar, tmp_path / "out.parquet", progress=interrupt)
    assert set(tmp_path.iterdir()) == before


def test_verbs_answer_from_a_tar_and_name_one_that_is_damaged(archive, tmp_path):
    tar = packed(archive, tmp_path / "a.tar")
    assert benkit.stats(tar).bands == benkit.stats(archive).bands
    tar.write_bytes(tar.read_bytes()[:300_000])
    with pytest.raises(InputFormatError, match=r"a\.tar: expected a whole tar.*make it again$"):
        benkit.stats(tar)
