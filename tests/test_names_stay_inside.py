"""Names from ids, lists and inventories lead neither out of an archive nor out of an output."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.cli import main
from benkit.domain.layouts import BANDS
from benkit.errors import InputFormatError
from benkit.inventory.scanning.scan import band_reader
from benkit.inventory.table.inventory_file import Inventory
from benkit.reference_maps.read import read_reference_maps
from tests.conftest import ROOT

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
OUTSIDE = (
    "../outside/{0}", "../../outside/{0}", "{1}/outside/{0}", "..\\outside\\{0}", "C:\\outside\\{0}",
    "{0}/../../../outside/{0}", "{0}\0", "{0}\n", "\n{0}", "{0}/", "./{0}", "..", ".", "", "/", "~",
    "{0}\u2215..\u2215outside", "%2e%2e%2foutside", "{0}\u202e", "a" * 5000,
)  # fmt: skip
_watched: list[tuple[Path, set[str]]] = []


def _watch(event, values):
    if _watched and event in (
        "open",
        "os.listdir",
        "os.scandir",
        "os.mkdir",
        "os.rename",
        "os.remove",
    ):
        folder, seen = _watched[-1]
        if isinstance(values[0], str | os.PathLike):
            path = os.path.realpath(str(values[0]).replace("\0", ""))
            if path.startswith(str(folder)):
                seen.add(path)


sys.addaudithook(_watch)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sample, its inventory, and a folder outside that holds whole patches under the same names."""
    folder = tmp_path_factory.mktemp("made")
    benkit.sample(folder / "sample", patches=20)
    archive = next((folder / "sample").glob("BigEarthNet*"))
    patch = next(path.parent for path in sorted(archive.rglob("*_B02.tif")))
    benkit.scan(archive, folder / "inventory.parquet")
    outside = folder / "outside" / patch.name
    outside.mkdir(parents=True)
    for file in patch.iterdir():
        (outside / file.name).write_bytes(file.read_bytes())
    return folder, archive, patch


@pytest.fixture
def watched(made):
    """Nothing below the folder outside may be opened, listed, made or moved."""
    folder = made[0] / "outside"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    seen: set[str] = set()
    _watched.append((folder, seen))
    yield
    _watched.pop()
    assert seen == set()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_watch_sees(made):
    seen: set[str] = set()
    _watched.append((made[0] / "outside", seen))
    os.listdir(made[1] / ".." / ".." / "outside")
    _watched.pop()
    assert seen == {str(made[0] / "outside")}


def called(call, capsys):
    """Call a verb; it may only end as it should."""
    status = main([*map(str, call), "--no-progress"])
    said = capsys.readouterr().err
    assert status in (0, 1, 2), call
    assert status != 2 or (said.startswith("benkit: ") and said.count("\n") == 1), said
    return status


def test_ids_that_are_looked_for(made, watched, tmp_path, capsys, monkeypatch):
    folder, archive, patch = made
    monkeypatch.chdir(tmp_path)
    assert called(["inspect", patch.name, "--archive", archive], capsys) == 0
    for pattern in OUTSIDE:
        if pattern not in (".", "..", "/") and "{1}" not in pattern:  # folders that people name
            name = pattern.format(patch.name, folder)
            assert called(["inspect", name, "--archive", archive], capsys) == 2
    assert os.listdir(tmp_path) == []


def with_first(file, column, name, known=None):
    """A table with another name in the place of one."""
    table = pq.read_table(file)
    values = table[column].to_pylist()
    known = values[0] if known is None else known
    index = table.schema.get_field_index(column)
    changed = pa.array([name if value == known else value for value in values], pa.string())
    return table.set_column(index, column, changed)


@pytest.mark.parametrize("pattern", [OUTSIDE[0], "{1}/outside/{0}", "{0}\n\x1b[2J\0"])
def test_ids_in_tables(made, watched, tmp_path, pattern, capsys, monkeypatch):
    folder, archive, patch = made
    monkeypatch.chdir(tmp_path)
    name = pattern.format(patch.name, folder)
    whole, inventory = folder / "sample" / "metadata.parquet", folder / "inventory.parquet"
    metadata = with_first(whole, "patch_id", name)
    pq.write_table(metadata, "metadata.parquet")
    ids = metadata["patch_id"]
    pq.write_table(pa.table({"patch_id": ids}), "list.parquet")
    sides = pa.array(["train", *["test"] * (len(ids) - 1)])
    pq.write_table(pa.table({"patch_id": ids, "split": sides}), "split.parquet")
    pq.write_table(with_first(inventory, "patch_id", name, patch.name), "patch_id.parquet")
    pq.write_table(with_first(inventory, "product", name, patch.parent.name), "product.parquet")
    before = set(os.listdir(tmp_path))
    report = ["--metadata", whole, "--archive", archive, "--output", "r.html"]
    for call in (
        ["footprints", "metadata.parquet", "--output", "f.parquet"],
        ["overlaps", "metadata.parquet", "--output", "o.parquet"],
        ["split", "metadata.parquet", "--output", "s.csv"],
        ["evaluate", "split.parquet", "--metadata", whole],
        ["stats", inventory, "--patches", "list.parquet"],
        ["stats", inventory, "--split", "split.parquet", "--side", "train"],
        ["audit", inventory, "--metadata", "metadata.parquet", "--findings", "x.csv"],
        ["map", inventory, "--metadata", "metadata.parquet", "--output", "m.html"],
        ["audit", "patch_id.parquet", "--metadata", whole, "--findings", "y.csv"],
        ["report", "patch_id.parquet", *report],
        ["report", "product.parquet", *report],
    ):
        called(call, capsys)
    written = {"f.parquet", "o.parquet", "s.csv", "x.csv", "m.html", "y.csv", "r.html"}
    assert set(os.listdir(tmp_path)) <= before | written


def test_a_quick_look_follows_no_link_in_the_middle_of_its_path(made, watched, tmp_path):
    folder, archive, patch = made
    inventory = Inventory(folder / "inventory.parquet")
    for linked in (
        tmp_path / "one" / patch.parent.name,
        tmp_path / "two" / patch.parent.name / patch.name,
    ):
        linked.parent.mkdir(parents=True)
    (tmp_path / "one" / patch.parent.name).symlink_to(folder / "outside")
    (tmp_path / "two" / patch.parent.name / patch.name).symlink_to(folder / "outside" / patch.name)
    for root in ("one", "two"):
        with pytest.raises(InputFormatError, match="leads elsewhere: a link"):
            band_reader(tmp_path / root, inventory)(patch.name, "B02")
    assert band_reader(archive, inventory)(patch.name, "B02").pixels.size


def write_band(path):
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "dtype": "uint16"}
    profile |= {"crs": "EPSG:32633", "transform": rasterio.Affine(60, 0, 3e5, 0, -60, 5e6)}
    with rasterio.open(path, "w", **profile) as target:
        target.write(np.ones((1, 60, 60), np.uint16))


@pytest.mark.parametrize("stem", ["..", "...", "a\\..\\b", "a\nb", " ", "%2e%2e%2fb"])
def test_parts_are_named_inside_their_folder(tmp_path, stem):
    write_band(tmp_path / f"{stem}.tif")
    files = benkit.retile(tmp_path / f"{stem}.tif", tmp_path / "out").files
    assert len(files) == 4
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    assert sorted(os.listdir(tmp_path)) == sorted([f"{stem}.tif", "out"])


@pytest.mark.parametrize(
    "name",
    [f"../{PRODUCT}", f"{PRODUCT}/../x", f"{PRODUCT}\n", f"{PRODUCT}.SAFE/../../x", f"/{PRODUCT}", "..",
     f"{PRODUCT}_20170613T101031\n", f"{PRODUCT}\0"],
)  # fmt: skip
def test_a_product_is_cut_under_its_own_name_only(tmp_path, name):
    (tmp_path / "scene").mkdir()
    for band in BANDS:
        write_band(tmp_path / "scene" / f"{band}.tif")
    with pytest.raises(benkit.BenkitError, match="is no product"):
        benkit.patchify(tmp_path / "scene", tmp_path / "archive", product=name)
    assert os.listdir(tmp_path) == ["scene"]


VRT = """<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="UInt16" band="1">
<SimpleSource><SourceFilename>{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
</VRTRasterBand></VRTDataset>"""


@pytest.mark.parametrize("suffix", ["tif", "TIFF", "jp2"])
def test_a_band_does_not_lead_to_other_files(tmp_path, suffix):
    write_band(tmp_path / "secret.tif")
    text = VRT.format(tmp_path / "secret.tif")
    (tmp_path / "true.vrt").write_text(text)
    (tmp_path / f"B02.{suffix}").write_text(text)
    assert len(benkit.retile(tmp_path / "true.vrt", tmp_path / "out").files) == 4
    with pytest.raises(benkit.BenkitError, match=r"cannot be read as a raster: .* not recognized"):
        benkit.retile(tmp_path / f"B02.{suffix}", tmp_path / "more")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_nobody_waits_for_a_pipe(tmp_path):
    scene, maps = tmp_path / PRODUCT, tmp_path / "maps"
    scene.mkdir(), maps.mkdir()
    for band in BANDS:
        os.mkfifo(scene / f"{band}.tif")
    os.mkfifo(maps / "x_reference_map.tif")
    for call, said in (
        (["retile", scene / "B02.tif", "--output", tmp_path / "out"], "B02.tif: cannot be read"),
        (["patchify", scene, "--output", tmp_path / "out"], "B01.tif: cannot be read"),
        (["labels", maps], "x_reference_map.tif: cannot be read"),
    ):
        command = [sys.executable, "-m", "benkit", *call]
        done = subprocess.run(
            command, cwd=ROOT, timeout=60, check=False, capture_output=True, text=True
        )
        assert done.returncode == 2, done.stderr
        assert said in done.stderr
        assert "it is a pipe" in done.stderr


def test_a_folder_that_cannot_be_listed_is_not_passed_over(tmp_path, monkeypatch):
    def refusing(function):
        def refuse(path):
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied", str(path))
            return function(path)

        return refuse

    (tmp_path / PRODUCT / "closed").mkdir(parents=True)
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    for call, *paths in (
        (benkit.patchify, PRODUCT, "archive"),
        (benkit.labels, PRODUCT),
        (read_reference_maps, f"{PRODUCT}/closed"),
    ):
        with pytest.raises(benkit.BenkitError, match=r"closed: .* cannot be listed: Permission d"):
            call(*(tmp_path / path for path in paths))
