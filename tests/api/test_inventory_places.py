"""Verbs on an inventory whose patches lie where their files say, with shapely pair by pair as oracle."""

import json
import re
from itertools import combinations, product

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from rasterio.errors import NotGeoreferencedWarning

import benkit
from benkit.cli import main
from benkit.engine import Engine
from benkit.errors import InputFormatError, MissingColumnError, MissingInputError, OptionError
from tests.making import PRODUCT, Archive, write_raster
from tests.remote import web_server

ONE = Engine(workers=1)
LEFT, RIGHT = "EPSG:32632", "EPSG:32633"

OWN = """\
name = "own"
folder = "{class}/{patch}"
file = "{band}.tif"
tells = "p{number}_{date}"
labels = "class"
[every_band]
size = 4
[bands]
red = {}
nir = { size = 2 }
"""

SERIES = """\
name = "series"
folder = "{location}/{patch}"
file = "{band}.tif"
id = "path"
tells = "{location}_{date}"
[every_band]
size = 4
[bands]
red = {}
"""

BESIDE = """\
name = "beside"
folder = "{patch}"
file = "{patch}_{band}.tif"
labels = "json"
labels_file = "{patch}.json"
[every_band]
size = 4
[bands]
red = {}
"""


def scanned(folder, text):
    (folder / "layout.toml").write_text(text)
    inventory = folder / "inventory.parquet"
    benkit.scan(folder / "archive", inventory, layout=folder / "layout.toml", engine=ONE)
    return inventory


def write_own(folder, number, west, north, crs, pixel, month=6):
    name = ("forest", "water", "town")[number % 3]
    patch = folder / "archive" / name / f"p{number}_2020{month:02d}15"
    write_raster(patch / "red.tif", west, north, crs=crs, pixel=pixel)
    half = (2 * pixel[0], 2 * pixel[1])
    write_raster(patch / "nir.tif", west, north, crs=crs, pixel=half, size=(2, 2))
    return patch


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Sixty patches of about a kilometre in two UTM zones and in degrees, on one stretch of ground."""
    folder, random = tmp_path_factory.mktemp("own"), np.random.default_rng(5)
    for number in range(60):
        x, y = random.random(2)
        west, north, crs, pixel = (
            (692_000 + 16_000 * x, 5_500_000 + 16_000 * y, LEFT, (250, 200)),
            (258_000 + 16_000 * x, 5_500_000 + 16_000 * y, RIGHT, (200, 250)),
            (11.62 + 0.2 * x, 49.6 + 0.15 * y, "EPSG:4326", (0.003, 0.002)),
        )[number % 3]
        write_own(folder, number, west, north, crs, pixel, month=1 + number % 12)
    scanned(folder, OWN)
    return folder


def outlines(folder):
    """What rasterio says of the files, on one plane by patch."""
    shapes = {}
    for file in sorted((folder / "archive").rglob("red.tif")):
        with rasterio.open(file) as raster:
            shape = shapely.segmentize(shapely.box(*raster.bounds), 20 * max(raster.res))
            series = gpd.GeoSeries([shape], crs=raster.crs).to_crs(3035)
        shapes[file.parent.name] = series[0]
    return shapes


def overlapping(folder):
    shapes = outlines(folder)
    pairs = combinations(sorted(shapes), 2)
    return {pair for pair in pairs if shapes[pair[0]].intersection(shapes[pair[1]]).area > 1}


def test_overlaps_and_footprints_of_an_inventory_are_those_of_its_files(own):
    found = benkit.overlaps(own / "inventory.parquet", areas=True)
    expected = overlapping(own)
    pairs = zip(found.table["first"].to_pylist(), found.table["second"].to_pylist(), strict=True)
    assert {tuple(sorted(pair)) for pair in pairs} == expected
    assert len(expected) > 20
    frame = benkit.footprints(own / "inventory.parquet", crs="EPSG:3035").to_geodataframe()
    shapes = outlines(own)
    assert set(frame["patch_id"]) == set(shapes)
    for patch, shape in zip(frame["patch_id"], frame.geometry, strict=True):
        assert shape.symmetric_difference(shapes[patch]).area < 1e-4 * shape.area
        assert shape.exterior.is_ccw
    assert set(frame["crs"]) == {LEFT, RIGHT, "EPSG:4326"}
    assert {"date", "season", "class"} <= {*frame.columns}


@pytest.mark.parametrize("folds", [None, 3])
def test_no_ground_is_on_two_sides_of_a_split_of_an_inventory(own, folds):
    pairs = overlapping(own)
    inventory = benkit.Inventory(own / "inventory.parquet")
    made = benkit.folds(inventory, folds) if folds else [benkit.split(inventory, validation=0.2)]
    for one in made:
        side = dict(zip(one.patch_ids, one.side.tolist(), strict=True))
        assert [pair for pair in pairs if side[pair[0]] != side[pair[1]]] == []
        assert (one.evaluation.crossing_pairs, set(side.values()) >= {"train", "test"}) == (0, True)
        assert set(one.evaluation.label_patches) == {"forest", "water", "town"}


def test_an_evaluation_counts_the_pairs_that_a_bad_split_parts(own):
    ids = sorted(outlines(own))
    bad = {"train": ids[::2], "test": ids[1::2]}
    crossing = [pair for pair in overlapping(own) if (pair[0] in ids[::2]) != (pair[1] in ids[::2])]
    judged = benkit.evaluate(bad, own / "inventory.parquet")
    assert judged.crossing_pairs == len(crossing) > 0
    assert judged.test.season_deviation is not None


def test_labels_of_metadata_take_the_place_of_classes(own, tmp_path, capsys):
    ids = sorted(outlines(own))
    labels = pa.table({"patch_id": [*ids[1:], "elsewhere"], "labels": [["a"], ["b"]] * 30})
    pq.write_table(labels, tmp_path / "labels.parquet")
    call = ["split", own / "inventory.parquet", "--metadata", tmp_path / "labels.parquet"]
    assert main([*map(str, call), "--output", str(tmp_path / "s.parquet")]) == 0
    said = capsys.readouterr().err
    assert "59 patches are in both, 1 more in the metadata, 1 more in " in said
    table = pq.read_table(tmp_path / "s.parquet")
    assert sorted(table["patch_id"].to_pylist()) == ids[1:]
    both = ["--metadata", own / "inventory.parquet", "--metadata", tmp_path / "labels.parquet"]
    assert main([*map(str, ["evaluate", tmp_path / "s.parquet", *both]), "--json"]) == 0
    judged = json.loads(capsys.readouterr().out)
    assert (judged["crossing_pairs"], [*judged["label_patches"]]) == (0, ["a", "b"])
    for call in (
        ["footprints", *both[1::2], "--output", tmp_path / "f.parquet"],
        ["overlaps", *both[1::2]],
        ["map", *both[1::2], "--output", tmp_path / "m.html"],
        ["report", *both, "--output", tmp_path / "r.html"],
        ["evaluate", tmp_path / "s.parquet", *both],
    ):
        assert main([*map(str, call)]) == 0
        said = capsys.readouterr().err
        assert said.count("59 patches are in both, 1 more in the metadata, 1 more in ") == 1, call
    others = pa.table({"patch_id": ["x", "y"], "labels": [["a"], ["b"]]})
    with pytest.raises(
        InputFormatError, match="expected patches of the metadata, but none of 2, such as x"
    ):
        benkit.split([own / "inventory.parquet", others])
    with pytest.raises(OptionError, match="expected one inventory, but there are 2"):
        benkit.split([own / "inventory.parquet"] * 2)
    with pytest.raises(OptionError, match="but here an inventory does"):
        benkit.split(own / "inventory.parquet", patch_size=100)


def test_dates_and_classes_of_names_can_be_chosen_by_and_counted(own):
    months = [1 + number % 12 for number in range(60)]
    summary = benkit.summary(own / "inventory.parquet")
    assert summary.seasons["winter"] == sum(month in (12, 1, 2) for month in months)
    assert dict(summary.labels) == {"forest": 20, "town": 20, "water": 20}
    where = "season = 'winter' AND \"class\" = 'water'"
    chosen = benkit.summary(own / "inventory.parquet", where=where)
    assert chosen.patches == sum(n % 3 == 1 and months[n] in (12, 1, 2) for n in range(60))


def test_a_table_of_an_inventory_serves_as_well_and_pages_show_it(own, tmp_path):
    table = pq.read_table(own / "inventory.parquet")
    assert len(benkit.overlaps(table).pairs) == len(overlapping(own))
    page = benkit.report(own / "inventory.parquet", own / "inventory.parquet")
    assert "60" in page
    assert "forest" in benkit.web_map(own / "inventory.parquet")


def test_bands_that_disagree_lie_where_most_of_them_do(tmp_path):
    text = OWN.replace("nir = { size = 2 }", "nir = { size = 2 }\nblue = {}")
    for number in range(2):
        patch = write_own(tmp_path, number, 500_000 + 1000 * number, 5_000_000, RIGHT, (10, 10))
        write_raster(patch / "blue.tif", 300_000, 4_000_000)
    (lies, also) = benkit.footprints(scanned(tmp_path, text)).table.select(["x", "y"]).to_pylist()
    assert (lies, also) == ({"x": 500_000, "y": 5_000_000}, {"x": 501_000, "y": 5_000_000})


def test_patches_without_georeference_are_refused_or_left_out(tmp_path, capsys):
    for number in range(8):
        write_own(tmp_path, number, 500_000 + 9000 * number, 5_000_000, RIGHT, (10, 10))
    patch = tmp_path / "archive" / "town" / "p8_20200615"
    for band, side in (("red", 4), ("nir", 2)):
        with pytest.warns(NotGeoreferencedWarning):
            write_raster(patch / f"{band}.tif", None, None, crs=None, size=(side, side))
    inventory = scanned(tmp_path, OWN)
    for verb in ("split", "footprints", "map"):
        out = str(tmp_path / ("map.html" if verb == "map" else "out.parquet"))
        assert main([verb, str(inventory), "--output", out]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "those of 1 of 9 patches, such as p8_20200615, have no georeference" in line
        assert line.startswith(f"benkit: {inventory}: expected ")
    findings = tmp_path / "findings.parquet"
    assert benkit.audit(inventory, findings=findings).counts["wrong_georeference"] == 1
    made = benkit.split(inventory, exclude=findings)
    assert len(made) == 8
    made.write(tmp_path / "split.csv")
    capsys.readouterr()
    page = ["--output", str(tmp_path / "page.html")]
    for call in (
        ["footprints", inventory, "--output", tmp_path / "f.parquet"],
        ["overlaps", inventory],
        ["map", inventory, *page],
        ["evaluate", tmp_path / "split.csv", "--metadata", inventory],
        ["report", inventory, "--metadata", inventory, *page],
    ):
        for option in (
            ["--exclude", findings],
            ["--where", "\"class\" <> 'town' OR patch_id < 'p8'"],
        ):
            assert main([*map(str, [*call, *option])]) == 0
            assert re.search(r"1 of (9|18) patches are left out: ", capsys.readouterr().err)
    assert len(pq.read_table(tmp_path / "f.parquet")) == 8


def test_dates_of_one_location_are_never_parted(tmp_path):
    for location, month in product(range(12), (1, 4, 7)):
        folder = tmp_path / "archive" / f"{location:04d}" / f"2020{month:02d}15"
        # dates do not overlap by geometry, so that only the location joins them
        write_raster(folder / "red.tif", 10 + location / 2 + month / 100, 50, crs="EPSG:4326",
                     pixel=(0.0002, 0.0001))  # fmt: skip
    inventory = scanned(tmp_path, SERIES)
    assert len(benkit.overlaps(inventory).pairs) == 0
    for one in [benkit.split(inventory, test=0.3), *benkit.folds(inventory, 4)]:
        frame = pd.DataFrame({"location": [i[:4] for i in one.patch_ids], "side": one.side})
        assert frame.groupby("location")["side"].nunique().max() == 1
        assert one.evaluation.crossing_pairs == 0
    parted = {"train": [i for i in one.patch_ids if "0115" not in i]}
    parted["test"] = [i for i in one.patch_ids if "0115" in i]
    judged = benkit.evaluate(parted, inventory)
    assert (judged.crossing_pairs, judged.test.shared_ground) == (24, 1)
    assert judged.test.season_deviation == pytest.approx(1 - 1 / 3)


def test_labels_that_lie_as_json_beside_the_bands(tmp_path, capsys):
    archive = tmp_path / "archive"
    for number in range(6):
        write_raster(
            archive / f"p{number}" / f"p{number}_red.tif", 500_000 + 100 * number, 5_000_000
        )
        (archive / f"p{number}" / f"p{number}.json").write_text(
            json.dumps({"labels": ["Pastures", ["Forest", "Water"][number % 2]]})
        )
    inventory = scanned(tmp_path, BESIDE)
    assert benkit.summary([inventory, archive]).labels == {"Forest": 3, "Pastures": 6, "Water": 3}
    out = str(tmp_path / "s.csv")
    assert main(["split", str(inventory), "--metadata", str(archive), "--output", out]) == 0
    assert len(benkit.footprints(inventory).table) == 6
    assert "labels" not in benkit.footprints(inventory).table.column_names
    with pytest.raises(
        MissingColumnError, match="give the folder of the archive, or metadata with labels"
    ):
        benkit.split(inventory)
    damaged = archive / "p3" / "p3.json"
    for text in ('{"labels": [', '["labels"]', '{"labels": [1]}', "[" * 100_000, '{"other": []}'):
        damaged.write_text(text)
        capsys.readouterr()
        assert main(["split", str(inventory), "--metadata", str(archive), "--output", out]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"benkit: {damaged}: expected ")
    damaged.unlink()
    with pytest.raises(MissingInputError, match=r"p3\.json: expected a file"):
        benkit.summary([inventory, archive])


def test_names_of_bigearthnet_keep_telling_and_need_their_labels(tmp_path):
    archive = Archive(tmp_path / "archive")
    for row in (0, 1):
        archive.patch(f"{PRODUCT}_00_{row:02d}", **{"B02": {"x": 0}})
    inventory = tmp_path / "inventory.parquet"
    benkit.scan(archive.root, inventory, engine=ONE)
    found = benkit.footprints(inventory).table
    ids = found["patch_id"].to_pylist()
    named = benkit.footprints(pa.table({"patch_id": ids, "labels": [["a"], ["b"]]})).table
    assert found.equals(named.drop_columns("labels"))
    with pytest.raises(MissingColumnError, match="but it is an inventory; give the metadata"):
        benkit.split(inventory)


def test_an_inventory_at_a_url_stands_for_metadata(own):
    with web_server(own) as address:
        url = f"{address}/inventory.parquet"
        assert benkit.footprints(url).table.equals(
            benkit.footprints(own / "inventory.parquet").table
        )
        assert len(benkit.overlaps(url).pairs) == len(overlapping(own))
        assert benkit.summary(url).patches == 60
