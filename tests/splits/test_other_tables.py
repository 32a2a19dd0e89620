"""Splits of tables that are not of BigEarthNet: points, time series, names of a sister archive."""

import json

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyproj import Geod

import benkit
from benkit.cli import main
from benkit.errors import InputFormatError, MissingColumnError, OptionError
from tests.making import PRODUCT

AROUND = {"Fiji": (179.9, -17), "Nairobi": (36.8, -1.3), "Svalbard": (16, 78), "Lima": (-77, -12)}
SISTERS = [f"S1A_IW_GRDH_1SDV_20170613T165043_33UUP_{number}" for number in range(24)]


def clusters(dates=1, jitter=0.0, seed=0):
    """Twenty locations around each of four places all over the Earth, each on some dates."""
    random = np.random.default_rng(seed)
    middles = np.repeat(list(AROUND.values()), 20, axis=0)
    points = np.repeat(middles + random.normal(0, 0.3, middles.shape), dates, axis=0)
    points += random.uniform(-jitter, jitter, points.shape)
    rows = len(points)
    return pa.table(
        {
            "patch_id": [f"location_{row // dates}_{row % dates}" for row in range(rows)],
            "lon": (points[:, 0] + 180) % 360 - 180,
            "lat": points[:, 1],
            "location": [f"location_{row // dates}" for row in range(rows)],
            "date": [f"2020-{1 + 3 * (row % 4):02d}-15" for row in range(rows)],
            "labels": [
                [["forest", "water", "town"][n] for n in {row % 2, row % 3}] for row in range(rows)
            ],
        }
    )


def sister_table(**changed):
    ids = [f"{PRODUCT}_{10 * column:02d}_{row:02d}" for column in range(8) for row in (0, 4, 8)]
    columns = {"patch_id": ids, "labels": [["Pastures"]] * 24, "s1_name": SISTERS}
    return pa.table(columns | changed)


def test_a_global_table_of_points_is_split_and_judged_by_geodesics():
    table = clusters()
    split = benkit.split(table, patch_size=2640)
    side = split.evaluation.test
    points = np.stack([table["lon"], table["lat"]], axis=1)
    test, train = points[split.side == "test"], points[split.side == "train"]
    geod = Geod(ellps="WGS84")
    distances = [min(geod.inv(*one, *other)[2] for other in train) for one in test]
    assert np.allclose(side.distances, distances, rtol=1e-6)
    assert side.leakage["10000"] == np.mean(np.array(distances) < 10_000)
    assert split.evaluation.crossing_pairs == 0
    assert abs(side.fraction - 0.25) < 0.02
    assert (side.tiles, side.country_deviation) == (None, None)
    assert set(side.season_shares) == {"spring", "summer", "fall", "winter"}


def test_a_buffer_between_points_is_held_on_the_ground():
    split = benkit.split(clusters(), buffer=30_000)
    assert split.evaluation.left_out > 0
    assert split.evaluation.test.distances.min() >= 30_000


@pytest.mark.parametrize(
    ("jitter", "options"),
    [(0.0, {}), (0.001, {"patch_size": 2640}), (0.001, {"group_by": "location"})],
)
def test_dates_of_one_location_stay_on_one_side(jitter, options):
    table = clusters(dates=4, jitter=jitter)
    for split in (benkit.split(table, **options), *benkit.folds(table, 3, **options)):
        sides = {*zip(table["location"].to_pylist(), split.side.tolist(), strict=True)}
        assert len(sides) == 80
        assert split.evaluation.crossing_pairs == 0


def test_a_table_without_labels_dates_and_countries_is_split_by_ground_alone():
    table = clusters().select(["patch_id", "lon", "lat"])
    evaluation = benkit.split(table).evaluation
    side = evaluation.test
    assert abs(side.fraction - 0.25) < 0.02
    assert (side.label_rms, side.season_deviation, side.js_divergence_bits) == (None, None, None)
    assert evaluation.warnings == ()


def test_two_rows_make_two_sides():
    split = benkit.split(clusters().slice(0, 2), test=0.5)
    assert sorted(split.side) == ["test", "train"]


def test_points_of_geopandas_are_split_as_their_degrees_are():
    table = clusters()
    points = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    frame = gpd.GeoDataFrame(table.drop_columns(["lon", "lat"]).to_pandas(), geometry=points)
    frame = frame.to_crs(3857)
    assert benkit.split(frame).sides() == benkit.split(table).sides()


@pytest.mark.parametrize(
    "dates",
    [
        ["20180228", "2018-03-01T09:50:31", "2019-06", None],
        [20180228, 20180301, 20190601, None],
        pa.array([17590, 17591, 18048, None], pa.date32()),
    ],
)
def test_seasons_are_those_of_a_column_of_dates(dates):
    table = pa.table(
        {"patch_id": list("abcd"), "lon": [1.0] * 4, "lat": [2.0] * 4, "timestamp": dates}
    )
    seasons = benkit.Metadata(table).seasons
    assert [
        (int(p), seasons.names[v]) for p, v in zip(seasons.patch, seasons.value, strict=True)
    ] == [
        (0, "winter"),
        (1, "spring"),
        (2, "summer"),
    ]


@pytest.mark.parametrize("date", ["28.02.2018", "2018-13-01", "yesterday", "1519812031"])
def test_a_date_that_is_none_is_refused_with_the_patch(date):
    table = pa.table({"patch_id": ["a"], "lon": [1.0], "lat": [2.0], "date": [date]})
    with pytest.raises(InputFormatError, match=f"in the column date, but the row of a has {date}"):
        _ = benkit.Metadata(table).seasons


def test_names_of_patches_without_places_still_need_labels():
    with pytest.raises(MissingColumnError, match="expected the column labels"):
        benkit.Metadata(pa.table({"patch_id": ["a", "b"]}))
    with pytest.raises(MissingColumnError, match="expected the column labels"):
        benkit.Metadata(sister_table(lon=[1.0] * 24, lat=[1.0] * 24).drop_columns("labels"))


def test_a_sister_archive_gets_the_split_of_the_patches_beside_its_names():
    table = sister_table()
    own, sister = benkit.split(table), benkit.split(table, id_column="s1_name")
    assert sister.patch_ids == tuple(SISTERS)
    assert sister.side.tolist() == own.side.tolist()
    assert sister.evaluation.to_dict() == own.evaluation.to_dict()
    assert benkit.evaluate(sister, table, id_column="s1_name") == own.evaluation
    known = benkit.Metadata(table, id_column="s1_name")
    assert benkit.evaluate(sister.sides(), known) == own.evaluation
    assert len(known.filter(sister.side == "test").patch_ids) == own.evaluation.test.patches


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([*SISTERS[:-1], None], f"expected a s1_name in every row, .* beside {PRODUCT}_70_08"),
        ([*SISTERS[:-1], " "], f"expected a s1_name in every row, .* beside {PRODUCT}_70_08"),
        (
            [*SISTERS[:-1], SISTERS[0]],
            f"each s1_name once, but {SISTERS[0]} .* beside {PRODUCT}_00_00 and {PRODUCT}_70_08",
        ),
        (list(range(24)), "expected strings in the column s1_name"),
    ],
)
def test_names_of_a_sister_that_are_missing_or_twice_are_refused_with_both(names, message):
    with pytest.raises(InputFormatError, match=message):
        benkit.split(sister_table(s1_name=names), id_column="s1_name")


def test_a_column_of_names_that_is_not_there_is_refused():
    with pytest.raises(MissingColumnError, match="the column s3_name, but there is only patch_id"):
        benkit.split(sister_table(), id_column="s3_name")


def test_a_column_of_names_stands_for_patch_id_where_there_is_none():
    table = clusters().rename_columns(["grid_cell", *clusters().column_names[1:]])
    assert benkit.split(table, id_column="grid_cell").sides() == benkit.split(clusters()).sides()


def call(*arguments):
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_command_line_writes_and_judges_the_sisters_names(suffix, tmp_path, capsys):
    metadata, output = tmp_path / "m.parquet", tmp_path / f"s1{suffix}"
    pq.write_table(sister_table(), metadata)
    sister = ("--id-column", "s1_name")
    assert call("split", metadata, "--output", output, *sister, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert call("evaluate", output, "--metadata", metadata, *sister, "--json") == 0
    assert json.loads(capsys.readouterr().out) == made
    report = tmp_path / "r.html"
    shown = ("--metadata", metadata, "--split", output, *sister, "--output", report)
    assert call("report", *shown) == 0
    assert "Split sound?" in report.read_text()
    if suffix == ".parquet":  # it holds the names of both
        capsys.readouterr()
        assert call("evaluate", output, "--json") == 0
        assert json.loads(capsys.readouterr().out) == made
        assert set(pq.read_table(output).column_names) == {*sister_table().column_names, "split"}


def test_the_command_line_takes_csv_with_coordinates_everywhere(tmp_path, capsys):
    metadata, output = tmp_path / "points.csv", tmp_path / "split.csv"
    text = "patch_id,lon,lat,date\n" + "".join(
        f"p{row},{100 + row // 2 / 50},{-30 + row % 2 / 200},2020-0{1 + row % 9}-01\n"
        for row in range(60)
    )
    metadata.write_text(text)
    size = ("--patch-size", 1200)
    assert call("overlaps", metadata, *size, "--output", tmp_path / "p.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"patches": 60, "overlapping": 60, "pairs": 30}
    assert call("split", metadata, "--output", output, *size, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["crossing_pairs"], made["tiles"]) == (0, None)
    drawn = ("--figures", tmp_path / "figures")
    assert call("evaluate", output, "--metadata", metadata, *size, *drawn) == 0
    assert "MGRS tiles" not in capsys.readouterr().out
    report = ("--metadata", metadata, "--split", output, "--output", tmp_path / "r.html")
    assert call("report", *report, *size) == 0
    assert "Split sound?" in (tmp_path / "r.html").read_text()
    assert call("summary", metadata, "--json") == 0


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("split", "points.csv: expected a longitude from -180 to 180 and a latitude"),
        ("evaluate", "points.csv: expected a longitude from -180 to 180 and a latitude"),
        ("overlaps", "points.csv: expected a longitude from -180 to 180 and a latitude"),
    ],
)
def test_errors_about_coordinates_name_the_file(verb, said, tmp_path, capsys):
    metadata = tmp_path / "points.csv"
    metadata.write_text("patch_id,lon,lat,split\na,1,95,train\nb,1,2,test\n")
    output = () if verb == "evaluate" else ("--output", tmp_path / "o.csv")
    assert call(verb, metadata, *output) == 2
    assert said in capsys.readouterr().err


def test_footprints_of_points_are_refused_in_words(tmp_path, capsys):
    metadata = tmp_path / "points.csv"
    metadata.write_text("patch_id,lon,lat\na,1,9\nb,1,2\n")
    assert call("footprints", metadata, "--output", tmp_path / "f.parquet") == 2
    assert (
        "points.csv: expected patches whose names tell their footprints" in capsys.readouterr().err
    )


def test_a_size_that_fits_no_table_is_an_option_error():
    with pytest.raises(OptionError, match="1,200 m is theirs"):
        benkit.split(sister_table(), patch_size=1200)


def test_a_table_of_hundreds_of_countries_is_split():
    random = np.random.default_rng(0)
    points = np.repeat(random.uniform((0, 40), (10, 50), (150, 2)), 6, axis=0)
    rows = range(len(points))
    table = pa.table(
        {
            "patch_id": [f"patch {row}" for row in rows],
            "lon": points[:, 0],
            "lat": points[:, 1],
            "labels": [["forest"]] * len(rows),
            "country": [f"country {row % 300}" for row in rows],
        }
    )
    made = benkit.split(table)
    assert made.evaluation.crossing_pairs == 0
    assert 0.2 < made.evaluation.test.fraction < 0.3


@pytest.mark.parametrize("validation", [0.0, 0.1])
def test_sides_have_their_parts_also_where_each_patch_is_of_a_country_of_its_own(validation):
    ids = [
        f"{PRODUCT}_{column:02d}_{row:02d}" for column in range(0, 90, 9) for row in range(0, 40, 5)
    ]
    table = pa.table(
        {"patch_id": ids, "labels": [["a"]] * 80, "country": [f"at {one}" for one in ids]}
    )
    counts = {
        name: len(side) for name, side in benkit.split(table, validation=validation).sides().items()
    }
    assert abs(counts["test"] - 20) <= 5  # 5 % of 80 patches and the largest unit
    assert abs(counts.get("validation", 0) - 80 * validation) <= 5
