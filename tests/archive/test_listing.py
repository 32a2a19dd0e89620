"""Archives from unknown sources: what is no file or folder of theirs is reported, never followed."""

import os
import socket
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benkit.archive.listing import find_patch, list_archive
from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.tables.table import write_table
from benkit.inventory.audit import audit_inventory
from benkit.inventory.scanning.scan import band_reader, scan
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA
from benkit.tiff.plain import encode
from tests.making import PRODUCT, rows_of, write_patch

PATCH = f"{PRODUCT}_73_05"
SECRET = encode(np.full((120, 120), 7, np.uint16), epsg=32633, x=0, y=0, pixel_size=10)


@pytest.fixture
def root(tmp_path) -> Path:
    write_patch(tmp_path / "archive", PATCH)
    return tmp_path / "archive"


def scanned(root: Path) -> list[dict]:
    output = root.parent / "inventory.parquet"
    scan(root, output, engine=Engine(workers=1))
    return rows_of(output)


def not_scanned(rows: list[dict]) -> dict[str, str]:
    details = [row["detail"] for row in rows if row["status"] == "not_scanned"]
    return dict(detail.split(": ", 1) for detail in details)


def test_links_are_reported_not_followed(root, tmp_path):
    outside = write_patch(tmp_path / "outside", f"{PRODUCT}_01_01")
    (root / "circle").symlink_to(root)
    (root / PRODUCT / "circle").symlink_to(root)
    (root / PRODUCT / outside.name).symlink_to(outside)
    (root / "gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "secret.tif").write_bytes(SECRET)
    band = root / PRODUCT / PATCH / f"{PATCH}_B02.tif"
    band.unlink()
    band.symlink_to(tmp_path / "secret.tif")
    rows = scanned(root)
    places = ("circle", "gone", f"{PRODUCT}/circle", f"{PRODUCT}/{outside.name}")
    assert not_scanned(rows) == dict.fromkeys(places, "a link, which is not followed")
    assert {row["patch_id"] for row in rows if row["band"]} == {PATCH}
    row = next(row for row in rows if row["band"] == "B02")
    assert (row["status"], row["sum"]) == ("unreadable", None)
    assert (
        row["detail"] == "cannot be read: expected a file, but it is a link, which is not followed"
    )
    assert sum(row["status"] == "ok" for row in rows) == 11
    audit = audit_inventory(
        Inventory(tmp_path / "inventory.parquet"), pa.table({"patch_id": [PATCH]})
    )
    assert (audit.counts["not_scanned"], audit.counts["unreadable"]) == (4, 1)


def test_hidden_folders_are_no_products_or_patches_and_are_named(root):
    for folder in ("__MACOSX", ".ipynb_checkpoints", f"{PRODUCT}/.git", f"{PRODUCT}/@eaDir"):
        (root / folder / PRODUCT).mkdir(parents=True)
    (root / PRODUCT / PATCH / f"._{PATCH}_B02.tif").touch()
    (root / ".DS_Store").touch()
    rows = scanned(root)
    places = ("__MACOSX", ".ipynb_checkpoints", f"{PRODUCT}/.git", f"{PRODUCT}/@eaDir")
    assert not_scanned(rows) == dict.fromkeys(
        places, "a hidden folder, which is no product or patch"
    )
    assert {row["patch_id"] for row in rows if row["band"]} == {PATCH}
    strays = {row["detail"] for row in rows if row["status"] == "stray"}
    assert strays == {".DS_Store", f"{PRODUCT}/{PATCH}/._{PATCH}_B02.tif"}


def test_the_root_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    assert list_archive(tmp_path / "link").patches == list_archive(root).patches
    assert all(row["status"] == "ok" for row in scanned(tmp_path / "link"))


def test_pipes_sockets_devices_folders_and_files_in_the_wrong_place(root):
    os.mkfifo(root / "pipe")
    os.mkfifo(root / PRODUCT / "pipe")
    folder = root / PRODUCT / PATCH
    for band in ("B01", "B02", "B03"):
        (folder / f"{PATCH}_{band}.tif").unlink()
    os.mkfifo(folder / f"{PATCH}_B01.tif")
    (folder / f"{PATCH}_B02.tif").mkdir()
    listener = socket.socket(socket.AF_UNIX)
    where = Path.cwd()
    os.chdir(folder)  # the path of a socket must be short
    listener.bind(f"{PATCH}_B03.tif")
    os.chdir(where)
    (root / "empty product").mkdir()
    (root / PRODUCT / f"{PRODUCT}_00_00").mkdir()
    (root / "file").touch()
    try:
        rows = scanned(root)
    finally:
        listener.close()
    assert not_scanned(rows) == {"pipe": "a pipe", f"{PRODUCT}/pipe": "a pipe"}
    assert [row["detail"] for row in rows if row["status"] == "stray"] == ["file"]
    details = {row["band"]: row["detail"] for row in rows if row["status"] == "unreadable"}
    for band, kind in {"B01": "a pipe", "B02": "a folder", "B03": "a socket"}.items():
        assert details.pop(band) == f"cannot be read: expected a file, but it is {kind}"
    assert details == {}
    assert sum(row["status"] == "missing" for row in rows) == 12, "of the empty patch"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_is_not_read_to_its_end(root):
    band = root / PRODUCT / PATCH / f"{PATCH}_B02.tif"
    band.unlink()
    try:
        os.mknod(band, 0o020600, os.makedev(1, 5))  # endless zeros
    except PermissionError:
        pytest.skip("devices cannot be made here")
    row = next(row for row in scanned(root) if row["band"] == "B02")
    assert row["detail"] == "cannot be read: expected a file, but it is a device"


def test_folders_that_cannot_be_listed_are_findings(root, monkeypatch):
    write_patch(root, f"{PRODUCT[:-5]}33UUP_10_10")
    closed = root / PRODUCT
    real = os.scandir

    def scandir(path):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    rows = scanned(root)
    assert not_scanned(rows) == {PRODUCT: "cannot be listed: Permission denied"}
    assert sum(row["status"] == "ok" for row in rows) == 12, "the other product is scanned"
    closed = root
    with pytest.raises(MissingInputError, match="archive: cannot be listed: Permission denied"):
        list_archive(root)


def test_a_patch_folder_that_cannot_be_opened(root, monkeypatch):
    write_patch(root, f"{PRODUCT}_01_01")
    real = os.open

    def opened(path, *arguments, **options):
        if f"/{PATCH}" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)
    details = {row["detail"] for row in scanned(root) if row["patch_id"] == PATCH}
    assert details == {"cannot be read: Permission denied"}
    assert sum(row["status"] == "ok" for row in scanned(root)) == 12, "the other patch is scanned"


def test_patches_that_vanish_during_the_scan_are_missing(root, monkeypatch):
    import shutil

    import benkit.inventory.scanning.scan

    listing = list_archive(root)
    shutil.rmtree(root / PRODUCT)
    monkeypatch.setattr(benkit.inventory.scanning.scan, "list_archive", lambda *_: listing)
    assert {row["status"] for row in scanned(root)} == {"missing"}


def test_names_in_other_encodings_and_with_control_characters(root, tmp_path):
    strange = os.fsdecode(b"S2A_\xff\xfe"), "two\nlines", "\x1b[31mred", "back\\slash", "München"
    for name in strange:
        (root / name).mkdir()
        (root / name / f"{name}_00_00").mkdir()
        (root / name / f"{name}_00_00" / name).touch()
    rows = scanned(root)
    assert scanned(root) == rows, "nothing is mistaken for another when scanned again"
    shown = ["S2A_\\udcff\\udcfe", "two\\nlines", "\\x1b[31mred", "back\\\\slash", "München"]
    assert {row["product"] for row in rows} == {PRODUCT, *shown}
    strays = {row["detail"] for row in rows if row["status"] == "stray"}
    assert strays == {f"{name}/{name}_00_00/{name}" for name in shown}
    audit = audit_inventory(
        Inventory(tmp_path / "inventory.parquet"), pa.table({"patch_id": [PATCH]})
    )
    assert audit.counts["invalid_patch_id"] == len(strange)
    for suffix in (".csv", ".json", ".parquet"):
        write_table(audit.findings, tmp_path / f"findings{suffix}")


def test_names_that_differ_in_case_are_findings(root, tmp_path):
    (root / PRODUCT.lower()).mkdir()
    (root / PRODUCT / PATCH.lower()).mkdir()
    (root / PRODUCT / PATCH / f"{PATCH}_b02.tif").write_bytes(SECRET)
    rows = scanned(root)
    assert len([row for row in rows if row["status"] == "stray"]) == 1
    audit = audit_inventory(
        Inventory(tmp_path / "inventory.parquet"), pa.table({"patch_id": [PATCH]})
    )
    assert (audit.counts["invalid_patch_id"], audit.counts["stray_file"]) == (1, 1)
    row = next(r for r in rows if r["band"] == "B02" and r["patch_id"] == PATCH)
    assert row["sum"] == sum(range(1, 14_401))


LEADING_OUT = (
    "../outside", "..", ".", "", "/etc", "a/../../outside", "..\\outside", "C:outside", "a\0b",
)  # fmt: skip


@pytest.mark.parametrize("name", LEADING_OUT)
def test_ids_that_lead_out_of_the_archive_are_refused(root, tmp_path, name):
    write_patch(tmp_path / "outside", PATCH)
    with pytest.raises(InputFormatError, match="is no name of a folder"):
        find_patch(root, name)


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize("column", ["product", "patch_id"])
def test_an_inventory_does_not_lead_out_of_its_archive(root, tmp_path, name, column):
    rows = scanned(root)
    changed = [row | {column: name} for row in rows]
    path = tmp_path / "changed.parquet"
    write_table(pa.Table.from_pylist(changed, schema=INVENTORY_SCHEMA), path)
    read_band = band_reader(root, Inventory(path))
    with pytest.raises(InputFormatError, match="is no name of a folder"):
        read_band(changed[0]["patch_id"], "B02")


@pytest.mark.parametrize(
    "call",
    [["scan", "ARCHIVE", "--output", "x\udcff.parquet"], ["audit", "x\udcff", "--metadata", "m"]],
)
def test_the_command_line_says_which_name_is_no_text(root, tmp_path, monkeypatch, capsys, call):
    monkeypatch.chdir(tmp_path)
    write_table(pa.table({"patch_id": [PATCH], "labels": [["Pastures"]]}), tmp_path / "m.parquet")
    (tmp_path / "x\udcff").touch()
    given = {"ARCHIVE": "archive", "m": "m.parquet"}
    assert main([given.get(word, word) for word in call]) == 2
    assert "\\udcff" in capsys.readouterr().err
