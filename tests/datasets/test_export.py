"""`benkit export`: what is in the result, and what is refused."""

import csv
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError, MissingInputError, OptionError, OutputError
from tests.making import PRODUCT, Archive


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def patches_in(folder):
    return sorted(path.name for path in (folder / "BigEarthNet-S2").glob("*/*"))


def left_out_of(folder):
    with (folder / "left_out.csv").open(encoding="utf-8", newline="") as file:
        return {row["patch_id"]: row["why"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sample with errors, its inventory and its findings."""
    folder = tmp_path_factory.mktemp("made")
    benkit.sample(folder / "sample", patches=60)
    (folder / "sample" / "BigEarthNet-v2.0-S2-with-errors").rename(folder / "archive")
    benkit.scan(folder / "archive", folder / "inventory.parquet")
    metadata = folder / "sample" / "metadata.parquet"
    found = benkit.audit(folder / "inventory.parquet", metadata, findings=folder / "found.csv")
    assert all(found.counts[kind] for kind in ("wrong_size", "unreadable", "not_part_of_dataset"))
    return folder


@pytest.fixture
def small(tmp_path):
    """Three patches, one of which lacks a band, and their inventory."""
    archive = Archive(tmp_path / "archive")
    archive.patch(f"{PRODUCT}_00_00", B02=None)
    archive.patch(f"{PRODUCT}_00_01")
    archive.patch(f"{PRODUCT}_00_02")
    benkit.scan(archive.root, tmp_path / "inventory.parquet")
    return tmp_path


def test_the_export_without_findings_audits_without_a_finding(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(made)
    metadata = "sample/metadata.parquet"
    call = ["export", "inventory.parquet", "--metadata", metadata, "--exclude", "found.csv"]
    call += ["--reference-maps", "sample/Reference_Maps", "--output", str(tmp_path / "clean")]
    assert main([*call, "--json", "--copy"]) == 0
    printed = capsys.readouterr()
    clean = tmp_path / "clean"
    maps = len(list((clean / "Reference_Maps").rglob("*.tif")))
    bands = {name: path for name, path in files_of(clean).items() if "/S2" in name}
    damaged = set(pa.csv.read_csv(made / "found.csv")["patch_id"].to_pylist())
    there = {path.name for path in (made / "archive").glob("*/*") if path.is_dir()}
    assert patches_in(clean) == sorted(there - damaged)
    assert maps == len(there - damaged)
    assert left_out_of(clean).keys() == there & damaged
    size = sum(path.stat().st_size for path in bands.values())
    expected = {"patches": len(there - damaged), "files": len(bands), "bytes": size}
    assert json.loads(printed.out) == expected | {"left_out": len(there & damaged)}
    for root in (clean / "inventory.parquet", clean / "BigEarthNet-S2"):
        assert len(benkit.audit(root, clean / "metadata.parquet").findings) == 0
    benkit.scan(clean / "BigEarthNet-S2", tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (clean / "inventory.parquet").read_bytes()


def test_files_are_links_and_it_is_said_first(small, monkeypatch, capsys):
    monkeypatch.chdir(small)
    assert main(["export", "inventory.parquet", "--output", "out"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert "editing a file of the export edits the original" in said[0]
    originals = files_of(small / "archive")
    exported = files_of(small / "out" / "BigEarthNet-S2")
    assert exported.keys() == originals.keys()
    assert all(exported[name].samefile(originals[name]) for name in exported)


def test_copies_have_the_bytes_and_times_of_the_originals_and_are_files_of_their_own(small):
    benkit.export(small / "inventory.parquet", small / "out", copy=True)
    originals = files_of(small / "archive")
    for name, path in files_of(small / "out" / "BigEarthNet-S2").items():
        assert path.read_bytes() == originals[name].read_bytes()
        assert path.stat().st_mtime_ns == originals[name].stat().st_mtime_ns
        assert not path.samefile(originals[name])


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second disk")
def test_a_copy_to_another_disk_has_to_be_asked_for(small, monkeypatch, capsys):
    if Path("/dev/shm").stat().st_dev == small.stat().st_dev:
        pytest.skip("needs a second disk")
    target = f"/dev/shm/{small.name}-{os.getpid()}"
    try:
        assert main(["export", str(small / "inventory.parquet"), "--output", target]) == 2
        assert "lies on another disk" in capsys.readouterr().err
        assert not Path(target).exists()
        assert main(["export", str(small / "inventory.parquet"), "--output", target, "--copy"]) == 0
    finally:
        shutil.rmtree(target, ignore_errors=True)


def test_where_a_file_system_has_no_links_nothing_is_copied_unasked(small, monkeypatch):
    def refuse(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(OutputError, match=r"cannot be linked .* say --copy"):
        benkit.export(small / "inventory.parquet", small / "out")
    assert not (small / "out").exists()


@pytest.mark.parametrize("copy", [True, False])
def test_an_interrupted_export_goes_on_where_it_stopped(small, copy, monkeypatch):
    calls = []

    def stop(*values):
        calls.append(values)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benkit.export(small / "inventory.parquet", small / "out", copy=copy, progress=stop)
    assert calls
    assert not (small / "out").exists()
    before = {p.name: p.stat().st_ino for p in (small / ".out.unfinished").rglob("*.tif")}
    assert before
    benkit.export(small / "inventory.parquet", small / "out", copy=copy)
    after = {p.name: p.stat().st_ino for p in (small / "out").rglob("*.tif")}
    assert after.items() >= before.items()
    assert not (small / ".out.unfinished").exists()
    benkit.export(small / "inventory.parquet", small / "other", copy=copy)
    assert files_of(small / "out").keys() == files_of(small / "other").keys()


def test_an_interrupted_export_of_other_patches_leaves_nothing_in_the_next(small):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benkit.export(small / "inventory.parquet", small / "out", progress=stop)
    benkit.export(small / "inventory.parquet", small / "out", patches=[f"{PRODUCT}_00_01"])
    assert patches_in(small / "out") == [f"{PRODUCT}_00_01"]


def test_an_earlier_export_is_replaced_only_when_that_is_said(small):
    one, other = ([f"{PRODUCT}_00_0{i}"] for i in (1, 2))
    benkit.export(small / "inventory.parquet", small / "out", patches=one)
    with pytest.raises(OutputError, match="is there already"):
        benkit.export(small / "inventory.parquet", small / "out", patches=other)
    assert patches_in(small / "out") == one
    benkit.export(small / "inventory.parquet", small / "out", patches=other, overwrite=True)
    assert patches_in(small / "out") == other
    assert len(files_of(small / "archive")) == 35


def test_a_folder_of_something_else_is_never_replaced(small):
    (small / "mine").mkdir()
    (small / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds something else than an export"):
        benkit.export(small / "inventory.parquet", small / "mine", overwrite=True)
    assert (small / "mine" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("target", ["archive", "archive/out", "."])
def test_an_output_in_or_around_the_archive_is_refused(small, target):
    with pytest.raises(OutputError):
        benkit.export(small / "inventory.parquet", small / target, overwrite=True)
    assert len(files_of(small / "archive")) == 35


def test_an_inventory_remembers_its_archive_or_is_given_it(small):
    shutil.copy(small / "inventory.parquet", small / "moved.parquet")
    with pytest.raises(MissingInputError, match="does not tell where its archive lies"):
        benkit.export(small / "moved.parquet", small / "out")
    with pytest.raises(
        MissingInputError, match="expected an inventory or the folder of an archive"
    ):
        benkit.export(small / "nothing.parquet", small / "out")
    benkit.export(small / "moved.parquet", small / "out", archive=small / "archive")
    assert len(patches_in(small / "out")) == 3
    benkit.export(small / "archive", small / "other", engine=benkit.Engine(workers=1))
    assert files_of(small / "out").keys() == files_of(small / "other").keys()
    with pytest.raises(OptionError, match="--archive goes with an inventory"):
        benkit.export(small / "archive", small / "third", archive=small / "archive")


@pytest.mark.parametrize("change", ["longer", "gone", "link"])
def test_a_file_that_has_changed_since_the_scan_is_refused(small, change):
    path = next((small / "archive").rglob("*_00_01_B03.tif"))
    if change == "longer":
        path.write_bytes(path.read_bytes() + b"more")
    else:
        path.unlink()
    if change == "link":
        path.symlink_to("/etc/hostname")
    with pytest.raises(
        InputFormatError, match=r"B03.tif: expected a file of .* scan the archive again"
    ):
        benkit.export(small / "inventory.parquet", small / "out")
    assert not (small / "out").exists()


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("place", [-1, 30], ids=["pixels", "header"])
def test_a_file_changed_in_place_with_the_same_length_is_refused(small, copy, place):
    path = next((small / "archive").rglob("*_00_01_B03.tif"))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        InputFormatError, match=r"_00_01_B03.tif: expected the file that was scanned"
    ):
        benkit.export(small / "inventory.parquet", small / "out", copy=copy)
    assert not (small / "out").exists()
    benkit.scan(small / "archive", small / "inventory.parquet", engine=benkit.Engine(workers=1))
    done = benkit.export(small / "inventory.parquet", small / "out", copy=copy)
    assert (done.patches, done.files) == (3, 35)


def test_without_verification_the_length_alone_counts(small, monkeypatch):
    path = next((small / "archive").rglob("*_00_01_B03.tif"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    monkeypatch.chdir(small)
    assert main(["export", "inventory.parquet", "--output", "out", "--no-verify"]) == 0


def test_rows_of_an_inventory_in_another_order_give_the_same_export(small):
    table = pq.read_table(small / "inventory.parquet")
    order = [*reversed(range(len(table)))]
    given = {"archive": small / "archive"}
    benkit.export(table.take(order), small / "one", **given)
    benkit.export(table, small / "two", **given)
    one, two = (small / name / "inventory.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_links_lead_nowhere_and_their_patch_is_left_out(small):
    path = next((small / "archive").rglob("*_00_01_B03.tif"))
    path.unlink()
    path.symlink_to("/etc/hostname")
    benkit.scan(small / "archive", small / "inventory.parquet")
    benkit.export(small / "inventory.parquet", small / "out")
    assert left_out_of(small / "out") == {
        f"{PRODUCT}_00_01": "B03 is a link, which is not followed"
    }


def test_names_in_an_inventory_lead_nowhere_else(small, tmp_path):
    outside = tmp_path / "outside"
    shutil.copytree(small / "archive" / PRODUCT, outside / PRODUCT)
    table = pq.read_table(small / "inventory.parquet")
    product = pa.array([f"../outside/{PRODUCT}"] * len(table))
    table = table.set_column(table.column_names.index("product"), "product", product)
    with pytest.raises(InputFormatError, match="no name of a folder"):
        benkit.export(table, small / "out", archive=small / "archive")
    assert not (small / "out").exists()


def test_exclude_kinds_leave_out_only_patches_with_findings_of_these(made, tmp_path):
    found = pa.csv.read_csv(made / "found.csv").to_pylist()
    wanted = {row["patch_id"] for row in found if row["kind"] in ("wrong_size", "unreadable")}
    made_of = {"exclude": made / "found.csv", "exclude_kinds": ["wrong_size", "unreadable"]}
    benkit.export(made / "inventory.parquet", tmp_path / "out", copy=True, **made_of)
    assert left_out_of(tmp_path / "out").keys() == wanted
    with pytest.raises(
        OptionError, match="no kind of findings wrong-size; expected some of wrong_size"
    ):
        benkit.export(
            made / "inventory.parquet", tmp_path / "no", exclude=made / "found.csv",
            exclude_kinds=["wrong-size"], copy=True,
        )  # fmt: skip


def test_findings_of_another_archive_are_refused(small):
    findings = pa.table({"patch_id": [f"{PRODUCT}_70_70"], "band": ["B02"], "kind": ["wrong_size"]})
    with pytest.raises(InputFormatError, match="patches of the findings, but none of 1"):
        benkit.export(small / "inventory.parquet", small / "out", exclude=findings)


def test_an_export_of_nothing_says_what_left_each_patch_out(small):
    winter = {"where": "season = 'winter'", "sample": 1}
    with pytest.raises(InputFormatError, match="none is left: 3 not where season = 'winter'"):
        benkit.export(small / "inventory.parquet", small / "out", **winter)
    with pytest.raises(InputFormatError, match="none of 1, such as foo, is there"):
        benkit.export(small / "inventory.parquet", small / "out", patches=["foo"])


def test_metadata_of_the_exported_patches_keep_their_columns_and_order(small):
    ids = [f"{PRODUCT}_00_02", f"{PRODUCT}_90_90", f"{PRODUCT}_00_01"]
    table = pa.table({"patch_id": ids, "labels": [["a"], ["b"], ["c"]], "mine": [1, 2, 3]})
    done = benkit.export(small / "inventory.parquet", small / "out", metadata=table)
    assert pq.read_table(small / "out" / "metadata.parquet").to_pylist() == [
        {"patch_id": ids[0], "labels": ["a"], "mine": 1},
        {"patch_id": ids[2], "labels": ["c"], "mine": 3},
    ]
    assert done.warnings == ("1 of the exported patches are not in the metadata",)
