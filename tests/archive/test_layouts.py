"""Archives of other layouts, with rasterio as oracle: recognised, scanned, audited and measured."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import rasterio

import benkit
from benkit.domain.layouts import built_in
from benkit.engine import Engine
from benkit.errors import InputFormatError, MissingInputError, OptionError
from tests.making import rows_of

ONE = Engine(workers=1)
REAL = {
    "bigearthnet-s1": "BigEarthNet-S1",
    "eurosat-ms": "EuroSAT_MS",
    "ssl4eo-s12-s1": "SSL4EO-S12/s1",
    "ssl4eo-s12-s2a": "SSL4EO-S12/s2a",
    "ssl4eo-s12-s2c": "SSL4EO-S12/s2c",
    "major-tom": "scene",
}


def counts_of(inventory, ids):
    metadata = pa.table({"patch_id": ids, "labels": [["a"]] * len(ids)})
    return {kind: n for kind, n in benkit.audit(inventory, metadata).counts.items() if n}


@pytest.mark.parametrize("name", REAL)
def test_real_archives_are_recognised_and_equal_rasterio(name, shared_data, tmp_path):
    archive, layout = shared_data / REAL[name], built_in(name)
    inventory = tmp_path / "inventory.parquet"
    summary = benkit.scan(archive, inventory, engine=ONE)
    rows = rows_of(inventory)
    assert summary.layout == name == benkit.Inventory(inventory).layout.name
    assert {row["status"] for row in rows} == {"ok"}
    assert counts_of(inventory, sorted({row["patch_id"] for row in rows})) == {}
    pixels = {band: [] for band in layout.bands}
    for file in sorted(archive.rglob("*.tif")):
        with rasterio.open(file) as raster:
            for index, values in enumerate(raster.read()):
                band = file.stem.rpartition("_")[2] if not layout.one_file else ""
                pixels[band or layout.band_names[index]].append(values.ravel())
    for band, found in benkit.stats(inventory).bands.items():
        values = np.concatenate(pixels[band]).astype(np.float64)
        assert (found.count, found.min, found.max) == (len(values), values.min(), values.max())
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert found.std == pytest.approx(values.std(), rel=1e-9)


def test_the_real_sentinel_1_patch_lies_where_its_name_tells(shared_data, tmp_path):
    archive = tmp_path / "archive"
    shutil.copytree(shared_data / "BigEarthNet-S1", archive)
    (patch,) = archive.glob("*/*")
    moved = patch.with_name(patch.name.replace("_70_48", "_70_49"))
    patch.rename(moved)
    for file in list(moved.iterdir()):
        file.rename(file.with_name(file.name.replace("_70_48", "_70_49")))
    benkit.scan(archive, tmp_path / "inventory.parquet", engine=ONE)
    assert counts_of(tmp_path / "inventory.parquet", [moved.name]) == {"wrong_georeference": 1}


def write_bands(path, bands, size=(8, 8), dtype="uint16", nodata=None, value=5):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": bands, "height": size[1], "width": size[0]}
    profile |= {"dtype": dtype, "nodata": nodata, "crs": "EPSG:32633"}
    transform = rasterio.transform.from_origin(500_000, 5_000_000, 10, 10)
    with rasterio.open(path, "w", **profile, transform=transform) as raster:
        pixels = np.full((bands, size[1], size[0]), value, dtype)
        raster.write(pixels + np.arange(bands, dtype=dtype)[:, None, None])


OWN = """\
name = "own"
folder = "{region}"
file = "{patch}.tif"
tells = "{region}-{number}"
[every_band]
size = 8
[bands]
red = {}
nir = { range = [0, 100] }
"""


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    for number in range(5):
        write_bands(tmp_path / "archive" / "north" / f"north-{number}.tif", 2)
    return tmp_path / "archive"


def test_an_archive_that_only_its_description_knows(own, tmp_path):
    north = own / "north"
    write_bands(north / "north-1.tif", 3)
    write_bands(north / "north-2.tif", 2, size=(8, 9))
    write_bands(north / "north-3.tif", 2, value=200)
    write_bands(own / "south" / "north-7.tif", 2)
    write_bands(own / "south" / "elsewhere.tif", 2)
    (north / "notes.txt").touch()
    inventory = tmp_path / "inventory.parquet"
    benkit.scan(own, inventory, layout=tmp_path / "own.toml", engine=ONE)
    layout = benkit.Inventory(inventory).layout
    assert (layout.name, layout.band_names) == ("own", ("red", "nir"))
    ids = [f"north-{number}" for number in (0, 1, 2, 3, 4, 7, 9)] + ["elsewhere"]
    assert counts_of(inventory, ids) == {
        "wrong_size": 1,
        "unreadable": 1,
        "out_of_range": 1,
        "invalid_patch_id": 1,
        "misplaced": 1,
        "stray_file": 1,
        "not_on_disk": 1,
    }
    statistics = benkit.stats(inventory, ["north-0", "north-3"])
    assert statistics.bands["nir"].mean == (6 + 201) / 2
    assert statistics.bands["red"].count == 128


def test_a_second_scan_reads_nothing_and_another_layout_everything(own, tmp_path):
    inventory = tmp_path / "inventory.parquet"
    for unchanged in (0, 5):
        summary = benkit.scan(own, inventory, layout=tmp_path / "own.toml", engine=ONE)
        assert (summary.patches, summary.unchanged) == (5, unchanged)
    (tmp_path / "own.toml").write_text(OWN.replace("red = {}", "rouge = {}"))
    assert benkit.scan(own, inventory, layout=tmp_path / "own.toml", engine=ONE).unchanged == 0
    assert set(pq.read_table(inventory)["band"].to_pylist()) == {"rouge", "nir"}


def test_patches_of_the_same_name_in_two_folders_are_two_by_their_path(tmp_path):
    text = OWN.replace('"{region}"', '"{region}/{year}"') + "[sister]\nlayout = 'x'\ncolumn = 'y'\n"
    (tmp_path / "own.toml").write_text(text.replace('tells = "{region}-{number}"', 'id = "path"'))
    for year in (2019, 2020):
        write_bands(tmp_path / "archive" / "north" / f"{year}" / "a.tif", 2, value=year)
    benkit.scan(
        tmp_path / "archive", tmp_path / "i.parquet", layout=tmp_path / "own.toml", engine=ONE
    )
    rows = pq.read_table(tmp_path / "i.parquet").filter(pc.field("band") == "red").to_pylist()
    assert [(row["product"], row["patch_id"], row["min"]) for row in rows] == [
        ("north/2019", "north_2019_a", 2019),
        ("north/2020", "north_2020_a", 2020),
    ]


@pytest.mark.parametrize("name", REAL)
def test_one_patch_is_inspected_by_its_folder_or_file_and_by_its_id(name, shared_data, tmp_path):
    layout, archive = built_in(name), shared_data / REAL[name]
    file = min(archive.rglob("*.tif"))
    by_path = benkit.inspect(file if layout.one_file else file.parent, figure=tmp_path / "f.png")
    by_id = benkit.inspect(by_path.patch_id, archive)
    assert (by_id.place, by_id.bands) == (by_path.place, by_path.bands)
    assert by_id.place.layout is layout
    assert list(by_path.bands) == list(layout.band_names)
    assert by_path.findings == ()
    with rasterio.open(archive / by_path.place.band_path(layout.band_names[-1])) as raster:
        assert by_path.bands[layout.band_names[-1]].max == raster.read()[-1].max()
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_a_patch_that_is_not_there_is_named(own, tmp_path):
    with pytest.raises(MissingInputError, match="expected the patch north-9 in an archive"):
        benkit.inspect("north-9", own, layout=tmp_path / "own.toml")


def test_what_is_no_layout_is_refused(own, tmp_path):
    with pytest.raises(OptionError, match=r"expected a layout, bigearthnet-s2, .* no such file"):
        benkit.scan(own, tmp_path / "i.parquet", layout="eurosat")
    with pytest.raises(InputFormatError, match=r"TIFFs lie in north, such as north/north-0.tif"):
        benkit.scan(own, tmp_path / "i.parquet", engine=ONE)
    with pytest.raises(
        InputFormatError, match=r"layout bigearthnet-s1, <root>/\{product\}/\{patch"
    ):
        benkit.scan(own, tmp_path / "i.parquet", layout="bigearthnet-s1", engine=ONE)


@pytest.mark.parametrize("name", ["bigearthnet-s1", "eurosat-ms", "ssl4eo-s12-s2a"])
def test_an_export_of_any_layout_is_an_archive_of_it(name, shared_data, tmp_path):
    benkit.scan(shared_data / REAL[name], tmp_path / "i.parquet", engine=ONE)
    made = benkit.export(tmp_path / "i.parquet", tmp_path / "out", copy=True)
    folder = "BigEarthNet-S1" if name == "bigearthnet-s1" else name
    files = {
        path.relative_to(shared_data / REAL[name]): path.read_bytes()
        for path in (shared_data / REAL[name]).rglob("*.*")
        if path.is_file()
    }
    assert ("metadata.json" in {path.name for path in files}) == name.startswith("ssl4eo")
    assert made.files == len(files)
    assert {
        path.relative_to(tmp_path / "out" / folder): path.read_bytes()
        for path in (tmp_path / "out" / folder).rglob("*.*")
        if path.is_file()
    } == files
    benkit.scan(tmp_path / "out" / folder, tmp_path / "again.parquet", engine=ONE)
    exported = (tmp_path / "out" / "inventory.parquet").read_bytes()
    assert (tmp_path / "again.parquet").read_bytes() == exported
