"""``benkit overlaps`` of all that names patches, or shows their ground."""

import json

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.cli import main


@pytest.fixture
def place_sources(sample, tmp_path):
    """The same patches as reference maps, metadata, footprints and an archive."""
    metadata = sample / "metadata.parquet"
    footprints = tmp_path / "footprints.parquet"
    main(["footprints", str(metadata), "--output", str(footprints)])
    (tmp_path / "maps").mkdir()
    for row in gpd.read_parquet(footprints).itertuples():
        (tmp_path / "archive" / row.product / row.patch_id).mkdir(parents=True)
        square = shapely.box(row.x, row.y - 1200, row.x + 1200, row.y)
        frame = gpd.GeoDataFrame({"DN": [312]}, geometry=[square], crs=row.epsg)
        frame.to_parquet(tmp_path / "maps" / f"{row.patch_id}_reference_map.parquet")
    return {
        "maps": tmp_path / "maps",
        "metadata": metadata,
        "footprints": footprints,
        "archive": tmp_path / "archive",
    }


def test_all_sources_give_the_same_overlaps(run_json, capsys, place_sources, tmp_path):
    found = {}
    for name, source in place_sources.items():
        output = tmp_path / f"{name}.json"
        capsys.readouterr()
        status, values = run_json("overlaps", source, "--output", output)
        assert (status, list(values)) == (0, ["patches", "overlapping", "pairs"])
        rows = json.loads(output.read_text())
        assert len(rows) == values["pairs"] > 0
        assert len({row[k] for row in rows for k in ("first", "second")}) == values["overlapping"]
        assert list(rows[0]) == ["first", "second", "area_m2", "reason"]
        found[name] = (
            values,
            {
                (*sorted([row["first"], row["second"]]), row["area_m2"], row["reason"])
                for row in rows
            },
        )
    assert all(value == found["maps"] for value in found.values())
    assert {reason for *_, reason in found["maps"][1]} >= {"neighbouring tile"}


def test_folders_of_an_archive_that_are_no_patches_are_left_out(run_json, capsys, place_sources):
    archive = place_sources["archive"]
    capsys.readouterr()
    _, expected = run_json("overlaps", archive)
    (archive / "thumbnails" / "small").mkdir(parents=True)
    next(archive.glob("S2*")).joinpath("copy of a patch").mkdir()
    assert main(["overlaps", str(archive), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == expected
    count = expected["patches"] + 2
    assert printed.err == (
        f"benkit: {archive}: left out 2 of {count} folders, whose names are no patch ids: "
        "copy of a patch, small\n"
    )


@pytest.fixture
def wrong_sources(place_sources, tmp_path):
    """Folders and tables beside one another that tell nothing, or something wrong."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd" / "product" / "no patch").mkdir(parents=True)
    table = pq.read_table(place_sources["footprints"])
    east = pa.array(table["x"].to_numpy() + 60)
    moved = table.set_column(table.column_names.index("x"), "x", east)
    pq.write_table(moved, tmp_path / "moved.parquet")
    pq.write_table(pa.concat_tables([table, table.slice(0, 1)]), tmp_path / "twice.parquet")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "it holds neither"),
        ("odd", "'no patch' is no patch id"),
        ("moved.parquet", "write the footprints again"),
        ("twice.parquet", "is repeated"),
        ("nothing", "there is nothing"),
    ],
)
def test_what_names_no_patches_or_wrong_places_is_refused(capsys, wrong_sources, name, message):
    capsys.readouterr()
    assert main(["overlaps", str(wrong_sources / name)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"benkit: {wrong_sources / name}: ")
    assert message in error
    assert error.count("\n") == 1


def test_one_crs_can_be_assumed_of_reference_maps_only(capsys, sample):
    assert main(["overlaps", str(sample / "metadata.parquet"), "--assume-same-crs"]) == 2
    assert "is for a folder of reference maps" in capsys.readouterr().err
