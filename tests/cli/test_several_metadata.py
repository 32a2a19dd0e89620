"""Metadata in two files: every verb takes both, and is told the same as of one file of all rows."""

import csv
import re

import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benkit.cli import main

KNOWN = ["patch_id", "labels", "country", "split"]


@pytest.fixture
def parts(sample, tmp_path):
    """The metadata of a sample in two files, the second of which has a column less."""
    whole = pq.read_table(sample / "metadata.parquet").select(KNOWN)
    pq.write_table(whole, tmp_path / "whole.parquet")
    odd = pa.array([bool(row % 2) for row in range(len(whole))])
    pq.write_table(whole.filter(pc.invert(odd)), tmp_path / "first.parquet")
    pq.write_table(whole.filter(odd).drop_columns("country"), tmp_path / "second.parquet")
    return tmp_path / "whole.parquet", [tmp_path / "first.parquet", tmp_path / "second.parquet"]


def options(files):
    return [text for file in files for text in ("--metadata", file)]


@pytest.mark.parametrize("verb", ["summary", "overlaps"])
def test_what_is_told_of_both_is_told_of_all_rows(run_json, parts, verb):
    whole, files = parts
    assert run_json(verb, *files) == run_json(verb, whole)


def test_footprints_and_splits_hold_the_rows_of_both(run_json, parts, tmp_path):
    whole, files = parts
    ids = sorted(pq.read_table(whole)["patch_id"].to_pylist())
    run_json("footprints", *files, "--output", tmp_path / "f.parquet")
    assert sorted(gpd.read_parquet(tmp_path / "f.parquet")["patch_id"]) == ids
    status, found = run_json("split", *files, "--output", tmp_path / "s.csv")
    assert status == 0
    with (tmp_path / "s.csv").open() as file:
        named = [cell for row in [*csv.reader(file)][1:] for cell in row if cell]
    assert sorted(named) == ids
    assert run_json("evaluate", tmp_path / "s.csv", *options(files))[1]["test"] == found["test"]


def test_an_archive_is_held_against_both(run_json, sample, parts, tmp_path):
    whole, files = parts
    archive = sample / "BigEarthNet-v2.0-S2-with-errors"
    run_json("scan", archive, "--output", tmp_path / "i.parquet")
    expected = run_json("audit", tmp_path / "i.parquet", "--metadata", whole)
    assert run_json("audit", tmp_path / "i.parquet", *options(files)) == expected
    _, found = run_json("audit", tmp_path / "i.parquet", "--metadata", files[0])
    assert found["not_part_of_dataset"] > expected[1]["not_part_of_dataset"]
    maps = sample / "geoparquets"
    assert run_json("labels", maps, *options(files)) == run_json(
        "labels", maps, "--metadata", whole
    )
    patch = pq.read_table(files[1])["patch_id"][0].as_py()
    folder = next(archive.glob(f"*/{patch}"))
    assert run_json("inspect", folder, *options(files))[1]["metadata"]["labels"]


def test_pages_show_the_patches_of_both(run_json, parts, tmp_path):
    _, files = parts
    names = [pq.read_table(file)["patch_id"][0].as_py() for file in files]
    page, chart = tmp_path / "report.html", tmp_path / "map.html"
    assert run_json("report", *options(files), "--output", page)[0] == 0
    assert f"{sum(len(pq.read_table(f)) for f in files):,} patches" in page.read_text("utf-8")
    assert all(str(file) in page.read_text("utf-8") for file in files)
    assert run_json("map", *files, "--output", chart)[0] == 0
    assert all(name in chart.read_text("utf-8") for name in names)


def test_a_patch_in_two_files_is_an_error_with_both_names(capsys, parts, tmp_path):
    whole, files = parts
    for call in (
        ["summary", files[0], whole],
        ["split", whole, files[0], "--output", tmp_path / "s.csv"],
        ["report", *options([whole, files[1]]), "--output", tmp_path / "r.html"],
        ["evaluate", whole, *options([whole, files[1]])],
    ):
        assert main([*map(str, call)]) == 2
        said = capsys.readouterr().err
        assert said.count(".parquet") == 2, said
        assert str(whole) in said
        assert re.search(r"S2[AB]_\S* is in both; take it out of one", said)


def test_one_of_several_is_no_output_unasked_nor_a_url_where_paths_are_wanted(capsys, parts):
    _, (first, second) = parts
    assert main(["footprints", str(first), str(second), "--output", str(second)]) == 2
    assert "is an input of this call" in capsys.readouterr().err
    assert main(["labels", "s3://bucket/maps", "--metadata", str(first)]) == 2
    assert "expected a path on this machine" in capsys.readouterr().err


def test_an_archive_is_one_and_its_metadata_are_named(capsys, sample, parts, tmp_path):
    _, files = parts
    call = ["map", *files, "--metadata", files[0], "--output", tmp_path / "map.html"]
    assert main([*map(str, call)]) == 2
    assert "expected one archive or inventory" in capsys.readouterr().err


def test_what_is_wrong_with_the_places_names_both_files(capsys, tmp_path):
    for name in ("a", "b"):
        table = pa.table({"patch_id": [name], "labels": [["Pastures"]]})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    files = [str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
    for verb in ("overlaps", "summary"):
        assert main([verb, *files]) == 2
        assert f"benkit: {' and '.join(files)}: " in capsys.readouterr().err
