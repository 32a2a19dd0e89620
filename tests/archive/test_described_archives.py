"""Archives of the field that only their descriptions know, made with rasterio: no finding in any."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import from_origin

import benkit
from benkit.archive.guess_layout import guess_layout
from benkit.cli import main
from benkit.domain.layouts import parse_layout
from benkit.engine import Engine

ONE = Engine(workers=1)
EVERY_BAND = """
[every_band]
size = 8
dtype = "float32"
[bands]
"""
RADAR = (
    """\
name = "radar"
folder = "{location}/{patch}"
file = "{location}_{patch}_{band}.tif"
id = "path"
tells = "{location}_{date}"
labels = "json"
labels_file = "{location}_{patch}.json"
labels_key = "crop"
"""
    + EVERY_BAND
    + "VV = {}\nVH = {}\n"
)
LAND_COVER = (
    """\
name = "land-cover"
folder = "{split}/{class}"
file = "{patch}.tif"
tells = "{class}_{number}"
labels = "class"
beside = ["{patch}_mask.tif"]
"""
    + EVERY_BAND
    + "red = {}\nnir = {}\n"
)


def write(path, bands, crs, corner, pixel, dtype="float32"):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": bands, "height": 8, "width": 8, "dtype": dtype}
    with rasterio.open(
        path, "w", **profile, crs=crs, transform=from_origin(*corner, pixel, pixel)
    ) as raster:
        raster.write(
            np.random.default_rng(len(path.name)).uniform(1, 9, (bands, 8, 8)).astype(dtype)
        )


@pytest.fixture
def radar(tmp_path):
    root = tmp_path / "radar"
    for number in range(4):
        for day in ("2021-06-03", "2021-12-15"):
            for band in ("VV", "VH"):
                stem = root / f"site_{number}" / day / f"site_{number}_{day}"
                write(stem.with_name(f"{stem.name}_{band}.tif"), 1, 4326, (10 + number, 50), 1e-4)
            stem.with_name(f"{stem.name}.json").write_text(json.dumps({"crop": f"c{number % 2}"}))
    return root


@pytest.fixture
def land_cover(tmp_path):
    root = tmp_path / "land-cover"
    for number, side in enumerate(("train", "train", "val", "test") * 2):
        name = f"Broad_leaf_{number}" if number % 2 else f"Water_{number}"
        patch = root / side / name.rsplit("_", 1)[0] / f"{name}.tif"
        write(patch, 2, 3035, (4_300_000 + number * 1000, 3_000_000), 20)
        mask = patch.with_name(f"{name}_mask.tif")
        write(mask, 1, 3035, (4_300_000 + number * 1000, 3_000_000), 20, dtype="uint8")
    return root


def scanned(tmp_path, archive, text):
    layout = parse_layout(text, "own")
    benkit.scan(archive, tmp_path / "i.parquet", layout=layout, engine=ONE)
    found = benkit.audit(tmp_path / "i.parquet")
    assert (found.patches, found.findings.to_pylist()) == (8, [])
    return tmp_path / "i.parquet"


def test_names_of_files_and_labels_may_tell_the_folders_above(radar, tmp_path):
    inventory = scanned(tmp_path, radar, RADAR)
    benkit.footprints([inventory, radar], output=tmp_path / "f.parquet")
    rows = pq.read_table(tmp_path / "f.parquet").to_pylist()
    told = {(row["patch_id"], str(row["date"]), row["season"], *row["labels"]) for row in rows}
    assert ("site_1_2021-12-15", "2021-12-15", "winter", "c1") in told
    assert len(told) == 8
    made = benkit.export(inventory, tmp_path / "export", copy=True)
    files = [path for path in (tmp_path / "export" / "radar").rglob("*.*") if path.is_file()]
    assert made.files == len(files) == 24
    assert all(
        path.read_bytes() == (radar / path.relative_to(tmp_path / "export" / "radar")).read_bytes()
        for path in files
    )


def test_a_raster_beside_a_patch_is_no_patch_and_classes_may_have_underscores(land_cover, tmp_path):
    inventory = scanned(tmp_path, land_cover, LAND_COVER)
    assert benkit.summary(inventory).labels == {"Broad_leaf": 4, "Water": 4}
    layout = parse_layout(LAND_COVER, "own")
    assert not layout.belongs("train/Water", "Broad_leaf_1")
    assert not layout.belongs("train/Broad", "Broadleaf_1")


def test_drafts_tell_such_files(radar, land_cover, tmp_path):
    layout = parse_layout(guess_layout(radar), "draft")
    assert (layout.folder, layout.file, layout.id, layout.band_names) == (
        "{level_1}/{patch}", "{level_1}_{patch}_{band}.tif", "path", ("VH", "VV"),
    )  # fmt: skip
    text = guess_layout(land_cover)
    assert parse_layout(text, "draft").beside == ("{patch}_mask.tif",)
    scanned(tmp_path, land_cover, text)


def class_order(card):
    return json.loads(card.to_json())["class_order"]["alphabetical"]


def test_cards_maps_and_evaluations_need_no_metadata_beside_labels(
    radar, land_cover, tmp_path, capsys
):
    inventory = scanned(tmp_path, land_cover, LAND_COVER)
    sides = benkit.evaluate(inventory).to_dict()
    assert (sides["train"], sides["test"]) == (4, 2)
    assert class_order(benkit.card(inventory, inventory)) == ["Broad_leaf", "Water"]
    inventory = scanned(tmp_path, radar, RADAR)
    for beside in (radar, [inventory, radar]):
        assert class_order(benkit.card(inventory, beside)) == ["c0", "c1"]
    assert main(["map", f"{inventory}", f"{radar}", "--output", f"{tmp_path / 'm.html'}"]) == 0
    assert main(["map", f"{radar}", "--output", f"{tmp_path / 'n.html'}"]) == 2
    assert "but it is a folder" in capsys.readouterr().err
