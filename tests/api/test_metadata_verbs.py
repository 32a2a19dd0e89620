"""`summary`, `footprints`, `overlaps` and `labels`, given paths, values or tables."""

from datetime import datetime
from itertools import combinations

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import benkit

WRONG = pa.table({"patch_id": ["a patch"], "labels": [["Pastures"]]})


def test_a_summary_counts_the_patches_of_a_path_or_a_table(metadata, table):
    found = benkit.summary(metadata)
    assert benkit.summary(str(metadata)) == benkit.summary(table) == found
    months = [datetime.strptime(text.split("_")[2], "%Y%m%dT%H%M%S").month
              for text in table["patch_id"].to_pylist()]  # fmt: skip
    assert found.seasons["spring"] == sum(month in (3, 4, 5) for month in months)
    assert found.average_num_labels * len(table) == sum(map(len, table["labels"].to_pylist()))


def test_footprints_are_returned_and_written(metadata, table, tmp_path):
    output = tmp_path / "footprints.parquet"
    found = benkit.footprints(metadata, crs="EPSG:3035", output=output)
    assert benkit.footprints(table, crs="EPSG:3035").table == found.table
    frame = gpd.read_parquet(output)
    assert frame.crs.to_epsg() == 3035
    assert sorted(frame["patch_id"]) == sorted(table["patch_id"].to_pylist())
    assert ((frame.area - 1200**2).abs() < 0.02 * 1200**2).all()


def test_overlaps_of_any_form_are_those_of_the_squares(metadata, table, archive, tmp_path):
    output = tmp_path / "pairs.parquet"
    found = benkit.overlaps(metadata, output=output)
    assert pq.read_table(output) == found.table
    assert benkit.overlaps(table, areas=True).table == found.table
    assert benkit.overlaps(table).table is None
    places = benkit.footprints(table).table.select(["patch_id", "epsg", "x", "y"]).to_pylist()
    near = {
        frozenset((one["patch_id"], other["patch_id"]))
        for one, other in combinations(places, 2)
        if one["epsg"] == other["epsg"]
        and abs(one["x"] - other["x"]) < 1200
        and abs(one["y"] - other["y"]) < 1200
    }
    pairs = {frozenset((row["first"], row["second"])) for row in found.table.to_pylist()}
    zones = {row["patch_id"]: row["epsg"] for row in places}
    assert {pair for pair in pairs if len({zones[patch] for patch in pair}) == 1} == near
    assert found.overlapping == len({patch for pair in pairs for patch in pair})
    assert [str(patch) for patch in found.patch_ids] == table["patch_id"].to_pylist()


def test_overlaps_of_reference_maps_and_of_folders_name_the_patches(sample, archive):
    by_maps = benkit.overlaps(sample / "geoparquets", areas=True)
    assert len(by_maps.patch_ids) == len(list((sample / "geoparquets").glob("*.parquet")))
    by_folders = benkit.overlaps(archive)
    names = {folder.name for folder in archive.glob("*/*") if folder.is_dir()}
    assert {*map(str, by_folders.patch_ids), *by_folders.left_out} == names


def test_the_crs_of_a_table_of_patches_cannot_be_assumed(table):
    with pytest.raises(ValueError, match="the table is none"):
        benkit.overlaps(table, assume_same_crs=True)


def test_labels_are_compared_with_metadata_of_any_form(sample, metadata, table, tmp_path):
    files = {"output": tmp_path / "labels.json", "differences": tmp_path / "differences.parquet"}
    found = benkit.labels(sample / "geoparquets", metadata=metadata, **files)
    assert found.comparison is not None
    assert pq.read_table(files["differences"]) == found.comparison.differences
    assert benkit.labels(sample / "geoparquets", metadata=table) == found
    alone = benkit.labels(sample / "geoparquets")
    assert (alone.table, alone.comparison) == (found.table, None)
    with pytest.raises(ValueError, match="differences needs"):
        benkit.labels(sample / "geoparquets", differences=tmp_path / "d.csv")


def test_a_wrong_patch_id_is_told_with_the_path_that_it_comes_from(tmp_path):
    path = tmp_path / "wrong.parquet"
    pq.write_table(WRONG, path)
    for verb in (benkit.summary, benkit.footprints, benkit.split, benkit.web_map, benkit.report):
        with pytest.raises(ValueError, match=f"^{path}: .*a patch"):
            verb(path)
        with pytest.raises(ValueError, match=r"^'a patch'"):
            verb(WRONG)
