"""Inventories in parts: a folder with a file for each product."""

import os
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benkit.api.inputs.sources import open_source
from benkit.cli import main
from benkit.domain.layouts import BIGEARTHNET_S2, built_in
from benkit.engine import Engine
from benkit.errors import InputFormatError, MissingInputError, OptionError, OutputError
from benkit.inventory.scanning.scan import scan
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import writing_inventory
from benkit.inventory.table.schema import INVENTORY_SCHEMA
from tests.making import PRODUCT, rows_of, write_patch
from tests.remote import web_server

ONE = Engine(workers=1)
HEAD = "inventory-parts.parquet"
OTHERS = [PRODUCT.replace("T33UWP", tile) for tile in ("T33UWQ", "T33UXP", "T33UXQ")]


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "archive"
    for product in (PRODUCT, *OTHERS[:2]):
        for row in ("05", "06"):
            write_patch(root, f"{product}_73_{row}")
    (root / "notes.txt").touch()
    return root


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def change_pixel(band: Path) -> None:
    found = bytearray(band.read_bytes())
    found[-1] ^= 1
    band.write_bytes(found)


def grow(archive: Path) -> None:
    """One product is new, one changes, one goes."""
    write_patch(archive, f"{OTHERS[2]}_01_02")
    change_pixel(archive / PRODUCT / f"{PRODUCT}_73_05" / f"{PRODUCT}_73_05_B05.tif")
    shutil.rmtree(archive / OTHERS[0])


def test_the_rows_of_all_parts_are_those_of_one_file(archive, tmp_path):
    scan(archive, tmp_path / "one.parquet", engine=ONE)
    summary = scan(archive, tmp_path / "parts", engine=ONE)
    assert summary.parts.new == tuple(sorted((PRODUCT, *OTHERS[:2])))
    rows = pa.table(Inventory(tmp_path / "parts")).to_pylist()
    assert rows == rows_of(tmp_path / "one.parquet")
    assert rows[0]["detail"] == "notes.txt"
    products = [
        {row["product"] for row in rows_of(path)}
        for path in sorted((tmp_path / "parts").glob("*.part.parquet"))
    ]
    assert products == [{product} for product in sorted((PRODUCT, *OTHERS[:2]))]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_archive_that_has_changed_gives_the_bytes_of_a_fresh_scan(archive, tmp_path, workers):
    engine, parts = Engine(workers=workers), tmp_path / "parts"
    scan(archive, parts, engine=engine, append=True)
    stayed = next(parts.glob(f"{OTHERS[1]}-*"))
    before = stayed.stat()
    grow(archive)
    summary = scan(archive, parts, engine=engine, append=True)
    assert vars(summary.parts) == {
        "new": (OTHERS[2],),
        "changed": (PRODUCT,),
        "dropped": (OTHERS[0],),
        "unchanged": (OTHERS[1],),
    }
    assert summary.unchanged == 3
    assert (stayed.stat().st_ino, stayed.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    scan(archive, tmp_path / "fresh", engine=engine)
    assert content(parts) == content(tmp_path / "fresh")
    scan(archive, parts, engine=engine, full=True)
    assert content(parts) == content(tmp_path / "fresh")
    assert scan(archive, parts, engine=engine).unchanged == 5


def test_a_patch_that_goes_or_comes_changes_its_part(archive, tmp_path):
    parts = tmp_path / "parts"
    scan(archive, parts, engine=ONE)
    shutil.rmtree(archive / PRODUCT / f"{PRODUCT}_73_06")
    (archive / OTHERS[0] / f"{OTHERS[0]}_73_05" / "more.txt").touch()
    assert scan(archive, parts, engine=ONE, append=True).parts.changed == (PRODUCT, OTHERS[0])
    scan(archive, tmp_path / "fresh", engine=ONE)
    assert content(parts) == content(tmp_path / "fresh")


def test_a_tar_gives_parts_too(archive, tmp_path):
    shutil.make_archive(str(tmp_path / "archive"), "tar", archive)
    scan(tmp_path / "archive.tar", tmp_path / "one.parquet", engine=ONE)
    scan(tmp_path / "archive.tar", tmp_path / "parts", engine=ONE, append=True)
    inventory = Inventory(tmp_path / "parts")
    assert pa.table(inventory).to_pylist() == rows_of(tmp_path / "one.parquet")
    assert inventory.container == "tar"


@pytest.mark.parametrize("moment", [1, 3, 4, 5, 7])
def test_a_scan_that_is_interrupted_leaves_the_old_inventory_or_the_new(
    archive, tmp_path, monkeypatch, moment
):
    parts = tmp_path / "parts"
    scan(archive, parts, engine=ONE)
    old = pa.table(Inventory(parts))
    grow(archive)
    new = scan(archive, tmp_path / "new.parquet", engine=ONE) and rows_of(tmp_path / "new.parquet")
    steps = iter(range(100))

    def step(real):
        def counted(path, *others, **options):
            if path.suffix == ".parquet" and next(steps) == moment:
                raise KeyboardInterrupt
            return real(path, *others, **options)

        return counted

    with monkeypatch.context() as patched:
        for name in ("replace", "rename", "unlink"):
            patched.setattr(Path, name, step(getattr(Path, name)))
        with pytest.raises(KeyboardInterrupt):
            scan(archive, parts, engine=ONE, append=True)
    assert pa.table(Inventory(parts)).to_pylist() in (old.to_pylist(), new)
    scan(archive, parts, engine=ONE, append=True)
    scan(archive, tmp_path / "fresh", engine=ONE)
    assert content(parts) == content(tmp_path / "fresh")
    assert not list(tmp_path.glob(".*.part"))


def missing_rows(product):
    row = {"patch_id": f"{product}_1", "product": product, "band": "B01", "status": "missing"}
    return pa.Table.from_pylist([row], schema=INVENTORY_SCHEMA)


def test_names_of_products_with_odd_characters_are_kept(tmp_path):
    products = ["a/b", "a_b", "*?[x]", "..", "_under", "Müll \\n", "", "x" * 300, "'; DROP"]
    with writing_inventory(tmp_path / "parts", BIGEARTHNET_S2) as writer:
        for product in products:
            writer.write(missing_rows(product))
    inventory = Inventory(tmp_path / "parts")
    found = inventory.query("SELECT DISTINCT product FROM inventory")
    assert {product for (product,) in found} == {*products}
    names = [path.name for path in (tmp_path / "parts").iterdir()]
    assert len(names) == len(products) + 1
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) for name in names)


@pytest.fixture
def parts(tmp_path):
    with writing_inventory(tmp_path / "parts", BIGEARTHNET_S2) as writer:
        for product in ("a", "b"):
            writer.write(missing_rows(product))
    return tmp_path / "parts"


def test_files_that_the_head_does_not_name_are_none_of_the_inventory(parts):
    part = next(parts.glob("a-*"))
    shutil.copy(part, parts / f"c-{'0' * 16}.part.parquet")  # as a killed scan leaves it
    (parts / "notes.txt").touch()
    assert Inventory(parts).query("SELECT count(*) FROM inventory") == [(2,)]
    with writing_inventory(parts, BIGEARTHNET_S2) as writer:
        writer.write(missing_rows("a"))
    assert sorted(os.listdir(parts)) == [part.name, HEAD, "notes.txt"]


def test_the_head_stands_for_its_folder_and_a_part_for_its_product(parts):
    assert len(Inventory(parts / HEAD).patch_ids) == 2
    assert Inventory(next(parts.glob("a-*"))).patch_ids.to_pylist() == ["a_1"]


def test_a_missing_part_is_refused(parts):
    part = next(parts.glob("a-*"))
    part.unlink()
    with pytest.raises(MissingInputError, match=f"{part}: expected this part of the inventory"):
        Inventory(parts)


def test_a_folder_in_the_place_of_a_part_is_refused(parts):
    part = next(parts.glob("a-*"))
    part.unlink()
    part.mkdir()
    with pytest.raises(MissingInputError, match=f"{part}: .* names, but it is no file; copy"):
        Inventory(parts)


def test_a_part_with_damaged_pages_is_named(archive, tmp_path, capfd):
    scan(archive, tmp_path / "parts", engine=ONE)
    part = sorted((tmp_path / "parts").glob("*.part.parquet"))[1]
    whole = part.read_bytes()
    for start in (4, 100, len(whole) // 3):
        part.write_bytes(whole[:start] + b"\xff" * 300 + whole[start + 300 :])
        assert main(["stats", f"{tmp_path}/parts"]) == 2
        assert capfd.readouterr().err.startswith(f"benkit: {part}: expected a whole inventory")


def test_a_part_whose_schema_is_damaged_is_named(archive, tmp_path, capfd):
    """Queries do not read what Arrow says of the schema; batches do."""
    scan(archive, tmp_path / "parts", engine=ONE)
    part = sorted((tmp_path / "parts").glob("*.part.parquet"))[1]
    whole = part.read_bytes()
    schema = whole.index(b"ARROW:schema") + 40
    part.write_bytes(whole[:schema] + b"\xff" * 40 + whole[schema + 40 :])
    for read in (
        lambda: list(Inventory(tmp_path / "parts").batches(["band"], 10)),
        lambda: Inventory(tmp_path / "parts").rows,
    ):
        with pytest.raises(InputFormatError, match=f"{part}: expected a whole inventory"):
            read()
    assert main(["duplicates", f"{tmp_path}/parts"]) == 2
    assert capfd.readouterr().err.startswith(f"benkit: {part}: expected a whole inventory")


def test_a_part_of_another_layout_is_refused(parts, tmp_path, capfd):
    with writing_inventory(tmp_path / "others", built_in("eurosat-ms")) as writer:
        writer.write(missing_rows("a"))
    part = next(parts.glob("a-*"))
    shutil.copy(next((tmp_path / "others").glob("a-*")), part)
    with pytest.raises(InputFormatError, match=f"{part}: expected the part of the inventory"):
        Inventory(parts)
    assert main(["stats", str(parts)]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"benkit: {part}: expected the part")
    assert err.count("\n") == 1


@pytest.mark.parametrize("damage", ["truncated", "not a list", "leads out"])
def test_a_head_that_cannot_be_right_is_refused(parts, damage):
    head = parts / HEAD
    if damage == "truncated":
        head.write_bytes(head.read_bytes()[:-20])
    else:
        named = "7" if damage == "not a list" else '[["a", "../one.parquet", 1, 1]]'
        schema = INVENTORY_SCHEMA.with_metadata({"benkit:parts": named})
        pq.write_table(schema.empty_table(), head)
    for named in (parts, head):
        with pytest.raises(InputFormatError, match=f"^{re.escape(str(head))}: expected "):
            Inventory(named)


def test_parts_without_a_head_are_refused_by_name(parts, capfd):
    (parts / HEAD).unlink()
    assert main(["stats", str(parts)]) == 2
    assert f"parts of an inventory without {HEAD}" in capfd.readouterr().err


def test_outputs_that_say_neither_a_file_nor_a_folder_of_parts_are_refused(archive, tmp_path):
    for output, kind, what in [
        (archive, OutputError, "expected an empty folder, or an inventory in parts"),
        (tmp_path / "archive" / "notes.txt", OptionError, "ends with .parquet, or with /"),
        ("s3://bucket/parts", OptionError, "ends with .parquet"),
        (tmp_path / "v2.0", OptionError, "ends with .parquet, or with /"),
    ]:
        with pytest.raises(kind, match=what):
            scan(archive, output, engine=ONE)
    with pytest.raises(OptionError, match="--append expects a folder"):
        scan(archive, tmp_path / "one.parquet", engine=ONE, append=True)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="there is a file"):
        scan(archive, tmp_path / "file", engine=ONE)
    scan(archive, f"{tmp_path}/v2.0/", engine=ONE)
    scan(archive, tmp_path / "v2.0", engine=ONE, append=True)


def test_another_archive_is_not_appended(archive, tmp_path):
    write_patch(tmp_path / "other", f"{OTHERS[2]}_01_02")
    scan(archive, tmp_path / "parts", engine=ONE)
    before = content(tmp_path / "parts")
    with pytest.raises(InputFormatError, match="of its 3 products, such as"):
        scan(tmp_path / "other", tmp_path / "parts", engine=ONE, append=True)
    assert content(tmp_path / "parts") == before
    assert scan(tmp_path / "other", tmp_path / "parts", engine=ONE).parts.new == (OTHERS[2],)


def test_products_that_are_gone_are_said(archive, tmp_path, capfd):
    call = ["scan", str(archive), "--output", f"{tmp_path}/parts/", "--append", "--workers", "1"]
    assert main(call) == 0
    shutil.rmtree(archive / OTHERS[0])
    assert main(call) == 0
    out, err = capfd.readouterr()
    assert f"products that are no more in the archive were dropped (1): {OTHERS[0]}" in err
    assert re.search(r"products dropped +1\nproducts unchanged +2", out)


def test_parts_that_are_there_are_not_replaced_without_leave(archive, parts, tmp_path, capfd):
    before = content(parts)
    (tmp_path / "other").mkdir()
    write_patch(tmp_path / "other", f"{OTHERS[2]}_01_02")
    call = [
        "scan",
        f"{tmp_path}/other",
        "--output",
        f"{parts}/",
        "--no-overwrite",
        "--workers",
        "1",
    ]
    assert main(call) == 2
    assert "is there already; write to another folder" in capfd.readouterr().err
    assert content(parts) == before


def test_parts_at_a_url_are_an_inventory(parts):
    with web_server(parts.parent) as address, open_source(f"{address}/parts/") as inventory:
        assert inventory.patch_ids.to_pylist() == ["a_1", "b_1"]
        assert inventory.name == f"{address}/parts"
