"""Folders that are no root of an archive: refused with what they seem to be and the root that fits."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit
from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import InputFormatError
from tests.making import EXAMPLE, PRODUCT, write_patch
from tests.remote import web_server

PATCH = f"{PRODUCT}_73_05"
OLD = "S2A_MSIL2A_20170613T101031_75_43"
S1 = "S1A_IW_GRDH_1SDV_20170613T165043"


@pytest.fixture
def root(tmp_path):
    """An archive beside the other halves of BigEarthNet, below a folder."""
    parent = tmp_path / "data"
    for half, product, patch, ending in (
        ("BigEarthNet-S1", S1, f"{S1}_33UUP_70_48", "VV.tif"),
        ("Reference_Maps", PRODUCT, PATCH, "reference_map.tif"),
        ("v1", "", OLD, "B01.tif"),
    ):
        folder = parent / half / product / patch
        folder.mkdir(parents=True)
        (folder / f"{patch}_{ending}").touch()
    write_patch(parent / "BigEarthNet-S2", PATCH)
    write_patch(tmp_path / "flat", PATCH)
    (tmp_path / "flat" / PRODUCT / PATCH).rename(tmp_path / "flat" / PATCH)
    (tmp_path / "flat" / PRODUCT).rmdir()
    (parent / "packed").mkdir()
    (parent / "packed" / "BigEarthNet-S2.tar.zst").touch()
    (parent / "scenes" / f"{PRODUCT}.SAFE" / "GRANULE").mkdir(parents=True)
    (parent / "scenes" / f"{PRODUCT}.SAFE" / "GRANULE" / "T33UWP_B02_10m.jp2").touch()
    (parent / "links").mkdir()
    (parent / "links" / PRODUCT).symlink_to(parent / "BigEarthNet-S2" / PRODUCT)
    (parent / "hollow" / PRODUCT / PATCH).mkdir(parents=True)
    (parent / "ways").mkdir()
    (parent / "ways" / "product").symlink_to(parent / "BigEarthNet-S2" / PRODUCT)
    (parent / "ways" / "patch").symlink_to(parent / "BigEarthNet-S2" / PRODUCT / PATCH)
    (parent / "renamed" / "p" / "x").mkdir(parents=True)
    (parent / "renamed" / "p" / "x" / f"{PATCH}_B02.tif").touch()
    (parent / "capitals" / PRODUCT / PATCH).mkdir(parents=True)
    (parent / "capitals" / PRODUCT / PATCH / f"{PATCH}_B8A.TIF").touch()
    (parent / "empty").mkdir()
    (parent / "empty" / ".DS_Store").touch()
    (parent / "documents" / "a").mkdir(parents=True)
    (parent / "documents" / "a" / "notes.txt").touch()
    return parent / "BigEarthNet-S2"


WRONG = {
    "": "it seems to lie above an archive; name {data}/BigEarthNet-S2",
    "..": "it seems to lie above an archive; name {data}/../data/BigEarthNet-S2",
    f"BigEarthNet-S2/{PRODUCT}": "seems to be one product of an archive; name {data}/BigEarthNet-S2",
    f"BigEarthNet-S2/{PRODUCT}/{PATCH}": "to be one patch of an archive; name {data}/BigEarthNet-S2",
    "ways/product": "seems to be one product of an archive; name {data}/BigEarthNet-S2",
    "ways/patch": "seems to be one patch of an archive; name {data}/BigEarthNet-S2",
    "renamed": f"is to be <patch id>_<band>.tif in the folder <patch id> (such as {PATCH}_B02.tif)",
    "renamed/p/x": "it seems to hold bands in folders of other names",
    "capitals": f"is to be <patch id>_<band>.tif in the folder <patch id> (such as {PATCH}_B8A.TIF)",
    f"links/{PRODUCT}": "seems to be one product of an archive; name {data}/BigEarthNet-S2",
    "v1": f"of BigEarthNet v1.0, whose patches (such as {OLD}) lie in no folders",
    f"v1/{OLD}": "it seems to be of BigEarthNet v1.0",
    "../flat": f"lie in no folders of products; put each into one, as <root>/{PRODUCT}/{PATCH}",
    f"../flat/{PATCH}": f"lie in no folders of products; put each into one, as <root>/{PRODUCT}/{PATCH}",
    f"BigEarthNet-S1/{S1}": "Sentinel-1 patches at another place; name the folder of their products",
    "Reference_Maps": "it seems to hold reference maps, for `benkit labels`",
    "packed": "a tar, which is scanned as it is; name the tar (such as BigEarthNet-S2.tar.zst)",
    "scenes": "products or scenes, which `benkit patchify` cuts into patches",
    "links": f"no patch in it can be reached (such as {PRODUCT}: a link, which is not followed)",
    "hollow": f"none of its 1 folders such as {PRODUCT}/{PATCH} holds a band",
    "empty": "it is empty",
    "documents": "there is no patch in it",
}  # fmt: skip


@pytest.mark.parametrize("folder", WRONG)
def test_a_wrong_folder_is_refused_with_the_one_that_fits(root, tmp_path, folder):
    output = tmp_path / "inventory.parquet"
    output.write_bytes(b"an earlier one")
    wrong = root.parent / folder if folder else root.parent
    if folder == "..":
        wrong = root.parent / ".." / "data"
    with pytest.raises(InputFormatError) as caught:
        benkit.scan(wrong, output)
    message = str(caught.value)
    assert message.startswith(f"{wrong}: expected the folder of an archive, <root>/<product>/")
    assert WRONG[folder].format(data=root.parent) in message
    assert output.read_bytes() == b"an earlier one"
    assert {path.name for path in tmp_path.iterdir()} == {"data", "flat", output.name}


def test_a_folder_that_is_named_by_dots_is_answered_with_its_name(root, monkeypatch):
    for folder, expected in (
        (root / PRODUCT, "one product"),
        (root / PRODUCT / PATCH, "one patch"),
    ):
        monkeypatch.chdir(folder)
        with pytest.raises(InputFormatError, match=f"{expected} of an archive; name {root}$"):
            benkit.stats(".")
    monkeypatch.chdir(root)
    assert benkit.stats(".").bands["B02"].count


def test_every_verb_that_takes_an_archive_refuses_alike(root, tmp_path, capsys):
    metadata = tmp_path / "m.parquet"
    pq.write_table(pa.table({"patch_id": [PATCH], "labels": [["Pastures"]]}), metadata)
    wrong = str(root / PRODUCT)
    for call in (
        ["scan", wrong, "--output", tmp_path / "i.parquet"],
        ["stats", wrong],
        ["audit", wrong, "--metadata", metadata, "--findings", tmp_path / "f.csv"],
        ["report", wrong, "--metadata", metadata, "--output", tmp_path / "r.html"],
    ):
        assert main([*map(str, call), "-q"]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert f"it seems to be one product of an archive; name {root}" in printed.err
    assert {path.name for path in tmp_path.iterdir()} == {"data", "flat", "m.parquet"}


def test_a_folder_for_quick_looks_that_is_no_root_is_refused(root, tmp_path):
    benkit.scan(root, tmp_path / "i.parquet")
    metadata = pa.table({"patch_id": [PATCH], "labels": [["Pastures"]]})
    with pytest.raises(InputFormatError, match=f"one product of an archive; name {root}$"):
        benkit.report(metadata, tmp_path / "i.parquet", archive=root / PRODUCT)
    assert benkit.report(metadata, tmp_path / "i.parquet", archive=root).startswith("<!")


def test_remote_folders_are_answered_alike(root, tmp_path):
    with web_server(root.parent) as address:
        named = f"of an archive; name {address}/BigEarthNet-S2"
        for folder, message in (
            (f"BigEarthNet-S2/{PRODUCT}", f"one product {named}"),
            (f"BigEarthNet-S2/{PRODUCT}/{PATCH}", f"one patch {named}"),
            ("", f"it seems to lie above an archive; name {address}/BigEarthNet-S2"),
            ("v1", "it seems to be of BigEarthNet v1.0"),
            ("documents", "there is no patch in it"),
        ):
            with pytest.raises(InputFormatError) as caught:
                benkit.scan(f"{address}/{folder}", tmp_path / "i.parquet", engine=Engine(workers=1))
            assert message in str(caught.value)
    assert not (tmp_path / "i.parquet").exists()


def test_an_archive_of_which_a_single_band_is_left_is_scanned(tmp_path):
    for row in range(5):
        (tmp_path / "archive" / PRODUCT / f"{PRODUCT}_00_{row:02d}").mkdir(parents=True)
    bands = dict.fromkeys(("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09"))
    write_patch(tmp_path / "archive", EXAMPLE, B11=None, **bands)
    assert benkit.scan(tmp_path / "archive", tmp_path / "i.parquet").files == 1


def test_patches_under_other_names_are_scanned_as_before(tmp_path):
    write_patch(tmp_path / "archive", PATCH)
    other = tmp_path / "archive" / "product" / "patch"
    os.renames(tmp_path / "archive" / PRODUCT / PATCH, other)
    for file in list(other.iterdir()):
        file.rename(other / file.name.replace(PATCH, "patch"))
    assert benkit.scan(tmp_path / "archive", tmp_path / "i.parquet").files == 12
