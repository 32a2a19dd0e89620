import gzip
import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import rasterio.features
import shapely

from benkit.api.inputs.sources import open_source
from benkit.engine import Engine
from benkit.errors import OptionError
from benkit.ground.footprints import locate
from benkit.ground.overlaps import overlapping_pairs
from benkit.inventory.audit import audit_inventory
from benkit.metadata.metadata_file import read_metadata
from benkit.metadata.patch_list import read_patch_list
from benkit.reference_maps.labels import label_sets
from benkit.reference_maps.map_overlaps import map_overlaps
from benkit.reference_maps.read import read_reference_maps
from benkit.samples.sample import PATCH_TO_RETILE, sample

ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"
PATCHES = 120


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "sample"
    return folder, sample(folder, PATCHES, seed=5)


def fingerprint(folder: Path) -> str:
    """Names and contents of all files."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def test_the_layout_of_the_course_is_complete(made):
    folder, summary = made
    assert summary.patches == PATCHES == len(list((folder / ARCHIVE).glob("*/*/")))
    assert "Synthetic" in (folder / "README.txt").read_text("utf-8")
    assert "synthetic" in summary.note
    listed = read_patch_list(folder / "patches_for_stats.csv.gz")
    header = gzip.decompress((folder / "patches_for_stats.csv.gz").read_bytes()).splitlines()[0]
    assert header == b"tile,patch_id"
    assert set(listed) < {path.name for path in (folder / ARCHIVE).glob("*/*")}
    assert len(list((folder / "geoparquets").glob("*_reference_map.parquet"))) == PATCHES
    assert len(list((folder / "Reference_Maps").glob("*/*/*_reference_map.tif"))) == PATCHES
    official = ["patch_id", "labels", "split", "country", "s1_name", "s2v1_name"]
    official += ["contains_seasonal_snow", "contains_cloud_or_shadow"]
    assert pq.read_schema(folder / "metadata.parquet").names == official


def test_the_audit_finds_exactly_what_was_planted(made):
    folder, summary = made
    with open_source(folder / ARCHIVE, engine=Engine(workers=1)) as inventory:
        audit = audit_inventory(inventory, read_metadata(folder / "metadata.parquet"))
    found = {kind: count for kind, count in audit.counts.items() if count}
    assert found == dict(summary.planted)
    assert all(summary.planted.values())
    assert PATCH_TO_RETILE not in audit.findings["patch_id"].to_pylist()


def test_the_same_seed_gives_the_same_bytes(made, tmp_path):
    folder, _ = made
    sample(tmp_path / "two workers", PATCHES, seed=5, engine=Engine(workers=2))
    assert fingerprint(tmp_path / "two workers") == fingerprint(folder)
    sample(tmp_path / "other", 20, seed=6)
    sample(tmp_path / "another", 20, seed=7)
    assert fingerprint(tmp_path / "other") != fingerprint(tmp_path / "another")


def test_polygons_maps_and_labels_say_the_same(made):
    folder, _ = made
    maps = read_reference_maps(folder / "geoparquets")
    labels = dict(zip(maps.patch_ids, label_sets(maps).table["labels"].to_pylist(), strict=True))
    metadata = read_metadata(folder / "metadata.parquet")
    for patch, expected in zip(
        metadata["patch_id"].to_pylist(), metadata["labels"].to_pylist(), strict=True
    ):
        assert labels.get(patch, expected) == expected == sorted(expected)
    geometry = shapely.from_wkb(maps.geometry.to_pylist())
    for index in range(0, len(maps), 17):
        patch = maps.patch_ids[index]
        with rasterio.open(
            folder / "Reference_Maps" / patch[:-6] / patch / f"{patch}_reference_map.tif"
        ) as source:
            mine = maps.patch == index
            drawn = rasterio.features.rasterize(
                zip(geometry[mine], maps.code[mine].tolist(), strict=True),
                out_shape=(120, 120), transform=source.transform, dtype="int32",
            )  # fmt: skip
            np.testing.assert_array_equal(drawn, source.read(1))
            assert maps.crs[index] == f"EPSG:{source.crs.to_epsg()}"


def test_patches_overlap_for_every_reason(made):
    folder, _ = made
    maps = read_reference_maps(folder / "geoparquets")
    places = locate(maps.patch_ids)
    pairs = overlapping_pairs(places)
    assert map_overlaps(maps).pairs.tolist() == pairs.tolist()
    tiles = np.array([product.tile.name for product in places.products])[places.product]
    first, second = pairs.T
    same_tile, same_zone = tiles[first] == tiles[second], places.epsg[first] == places.epsg[second]
    assert same_tile.any()
    assert (~same_tile & same_zone).any()
    assert (~same_zone).any()


def test_reflectances_are_plausible(made):
    folder, _ = made
    means = {}
    for band in ("B02", "B04", "B08"):
        file = next((folder / ARCHIVE).glob(f"*/{PATCH_TO_RETILE}/*_{band}.tif"))
        with rasterio.open(file) as source:
            pixels = source.read(1)
            assert pixels.min() > 0
            assert pixels.max() < 12_000
            rows = np.abs(np.diff(pixels.astype(float), axis=0)).mean()
            assert rows < pixels.std(), "neighbours are alike"
            means[band] = pixels.mean()
    assert means["B08"] > means["B04"], "there is vegetation"


@pytest.mark.parametrize(
    ("name", "number"), [("patches", 19), ("patches", 100_001), ("seed", -1), ("seed", 2**32)]
)
def test_numbers_out_of_range_are_refused(tmp_path, name, number):
    with pytest.raises(OptionError, match=f"^{name}: expected .* not {number}$"):
        sample(tmp_path / "sample", **{name: number})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(OptionError, match="mine: expected a new or empty folder, or an earlier"):
        sample(tmp_path / "mine", 20)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "thesis.txt"]


def test_an_interrupted_making_leaves_nothing(tmp_path):
    def interrupt(done, total, size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(tmp_path / "sample", 40, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
