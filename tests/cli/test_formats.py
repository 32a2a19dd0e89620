"""A suffix says the format of what is written, or is refused before any work."""

import json
from datetime import timedelta
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from shapely.geometry import shape

import benkit
from benkit.cli import main
from benkit.ground.hilbert import hilbert_order, hilbert_positions
from tests.making import PRODUCT

REFUSED = [
    ("scan {archive} --output {out}/inv.csv", ".parquet"),
    ("scan {archive} --output {out}/inv.v2", ".parquet"),
    ("audit {archive} --metadata {metadata} --findings {out}/f.geojson", ".json"),
    ("inspect {archive} --figure {out}/p.tif", ".svg"),
    ("labels {maps} --output {out}/l.xlsx", ".json"),
    ("labels {maps} --metadata {metadata} --differences {out}/d.gpkg", ".json"),
    ("footprints {metadata} --output {out}/z.json", ".gpkg"),
    ("footprints {metadata} --output {out}/z.shp", ".gpkg"),
    ("footprints {metadata} --output {out}/z.GEOJSON", ".gpkg"),
    ("overlaps {metadata} --output {out}/z.shp", ".gpkg"),
    ("split {metadata} --output {out}/s.json", ".parquet"),
    ("evaluate {metadata} --correlogram {out}/c.txt", ".parquet"),
    ("evaluate {metadata} --figures {out}/c.png", "name of a folder"),
    ("card {archive} --metadata {metadata} --output {out}/c.csv", ".jsonld"),
    ("report --metadata {metadata} --output {out}/r.pdf", ".html"),
    ("map {metadata} --output {out}/m.json", ".html"),
    ("retile {archive} --output {out}/parts.tif", "name of a folder"),
    ("patchify {archive} --output {out}/archive.zip", "name of a folder"),
    ("sample {out}/sample.tar", "name of a folder"),
]


@pytest.mark.parametrize(("call", "expected"), REFUSED, ids=[call[:40] for call, _ in REFUSED])
def test_another_suffix_is_refused_before_any_work(sample, tmp_path, capsys, call, expected):
    (tmp_path / "out").mkdir()
    places = {"archive": sample / "BigEarthNet-v2.0-S2-with-errors", "maps": sample / "geoparquets"}
    places |= {"metadata": sample / "metadata.parquet", "out": tmp_path / "out"}
    try:
        status = main(call.format(**places).split())
    except SystemExit as ended:  # as argparse ends
        status = ended.code
    assert status == 2
    said = capsys.readouterr().err
    assert "expected" in said
    assert expected in said
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("call", [
    lambda m, out: benkit.footprints(m, output=out / "z.json"),
    lambda m, out: benkit.overlaps(m, output=out / "z.html"),
    lambda m, out: benkit.scan(m.parent, out / "z.csv"),
    lambda m, out: benkit.split(m, output=out / "z.json"),
    lambda m, out: benkit.footprints(m, crs="EPSG:3035", output=out / "z.geojson"),
])  # fmt: skip
def test_so_it_is_from_python(sample, tmp_path, call):
    with pytest.raises(ValueError, match="expected"):
        call(sample / "metadata.parquet", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["f.geojson", "f.gpkg"])
def test_footprints_for_other_tools_are_those_of_the_parquet(sample, tmp_path, name):
    for output in (name, "f.parquet"):
        call = ["footprints", str(sample / "metadata.parquet"), "--output", str(tmp_path / output)]
        assert main(call) == 0
    found = gpd.read_file(tmp_path / name).set_index("patch_id")
    expected = gpd.read_parquet(tmp_path / "f.parquet").set_index("patch_id").loc[found.index]
    assert found.crs.to_epsg() == 4326
    assert found.geometry.geom_equals_exact(expected.geometry, 1e-8).all()
    assert found["sensing_time"].tolist() == expected["sensing_time"].tolist()
    assert [list(one) for one in found["labels"]] == [list(one) for one in expected["labels"]]
    assert found[["season", "epsg", "x"]].to_numpy().tolist() == (
        expected[["season", "epsg", "x"]].to_numpy().tolist()
    )
    before = (tmp_path / name).read_bytes()
    benkit.footprints(sample / "metadata.parquet", output=tmp_path / name)
    assert (tmp_path / name).read_bytes() == before


def test_geojson_is_what_its_standard_says(sample, tmp_path):
    benkit.footprints(sample / "metadata.parquet", output=tmp_path / "f.geojson")
    content = json.loads((tmp_path / "f.geojson").read_text("utf-8"))
    assert content["type"] == "FeatureCollection"
    assert "crs" not in content
    for feature in content["features"]:
        assert shape(feature["geometry"]).exterior.is_ccw


def test_a_geopackage_may_be_in_another_reference_system(sample, tmp_path):
    benkit.footprints(sample / "metadata.parquet", crs="EPSG:3035", output=tmp_path / "f.gpkg")
    found = gpd.read_file(tmp_path / "f.gpkg")
    assert found.crs.to_epsg() == 3035
    assert ((found.area - 1200**2).abs() < 0.02 * 1200**2).all()


@pytest.mark.parametrize("name", ["f.geojson", "f.gpkg"])
@pytest.mark.parametrize(
    ("column", "values"),
    [("fid", ["a", "b"]), ("FID", [5, 5]), ("geom", ["a", "b"]), ('it\'s "one"', [1, 2])],
)
def test_columns_of_any_name_are_kept(tmp_path, name, column, values):
    ids = [f"{PRODUCT}_00_00", f"{PRODUCT}_00_01"]
    table = pa.table({"patch_id": ids, "labels": [["a;b"], []], column: values})
    benkit.footprints(table, output=tmp_path / name)
    found = gpd.read_file(tmp_path / name)
    assert found[column].tolist() == values
    assert [list(one) for one in found["labels"]] == [["a;b"], []]


def test_a_column_that_a_format_cannot_hold_is_one_clear_error(tmp_path):
    table = pa.table({"patch_id": [f"{PRODUCT}_00_00"], "labels": [["a"]], "took": [timedelta(1)]})
    with pytest.raises(benkit.OutputError, match=r"took.*leave out a column"):
        benkit.footprints(table, output=tmp_path / "f.gpkg")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["p.geojson", "p.gpkg"])
@pytest.mark.parametrize("source", ["metadata.parquet", "geoparquets"])
def test_pairs_for_other_tools_hold_the_ground_that_both_show(sample, tmp_path, name, source):
    found = benkit.overlaps(sample / source, output=tmp_path / name)
    drawn = gpd.read_file(tmp_path / name)
    assert len(drawn) == len(found.pairs) > 0
    assert drawn["first"].tolist() == found.table["first"].to_pylist()
    area = np.array(found.table["area_m2"].to_pylist())
    assert np.abs(drawn.to_crs(3035).area - area).max() < 0.001 * 1200**2
    squares = benkit.footprints(sample / "metadata.parquet").to_geodataframe()
    if source == "metadata.parquet":
        of = squares.set_index("patch_id").geometry
        both = of[drawn["first"]].intersection(of[drawn["second"]], align=False)
        apart = shapely.symmetric_difference(both.to_numpy(), drawn.geometry.to_numpy())
        # An edge that is straight in a UTM zone bends by up to 5 cm in degrees.
        assert (shapely.area(apart) < 1e-4 * shapely.area(of.to_numpy()).min()).all()


def test_pairs_of_a_table_with_coordinates_are_drawn_too(tmp_path):
    lon, lat = [179.995, -179.998, 10.0, 10.0], [10.0, 10.0, 50.0, 50.0]
    table = pa.table({"patch_id": ["a", "b", "c", "d"], "lon": lon, "lat": lat})
    found = benkit.overlaps(table, patch_size=1200, output=tmp_path / "p.gpkg")
    drawn = gpd.read_file(tmp_path / "p.gpkg")
    assert drawn["first"].tolist() == ["a", "c"]
    area = np.array(found.table["area_m2"].to_pylist())
    assert np.abs(drawn.to_crs(6933).area - area).max() < 0.01 * 1200**2
    assert drawn.geometry.count_geometries().tolist() == [2, 1]
    assert (drawn.bounds.maxx <= 180).all()
    benkit.overlaps(table, output=tmp_path / "p.geojson")
    (point,) = gpd.read_file(tmp_path / "p.geojson").geometry
    assert (point.x, point.y) == pytest.approx((10, 50))


def test_no_pairs_make_a_file_of_no_features(tmp_path):
    table = pa.table({"patch_id": ["a", "b"], "lon": [1.0, 2.0], "lat": [1.0, 2.0]})
    for name in ("p.gpkg", "p.geojson"):
        benkit.overlaps(table, output=tmp_path / name)
        assert len(gpd.read_file(tmp_path / name)) == 0


def test_ground_that_lies_nowhere_is_not_drawn(sample, tmp_path, capsys):
    call = ["overlaps", str(sample / "geoparquets"), "--assume-same-crs"]
    assert main([*call, "--output", str(tmp_path / "p.gpkg")]) == 2
    assert "nothing tells where on the Earth" in capsys.readouterr().err


def test_the_parquet_is_sorted_so_that_a_box_needs_few_groups(shared_data, tmp_path):
    metadata = shared_data / "metadata.parquet"
    benkit.footprints(metadata, output=tmp_path / "f.parquet")
    file = pq.ParquetFile(tmp_path / "f.parquet")
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    assert {group.num_rows for group in groups[:-1]} == {20_000}
    names = [file.schema.column(i).path for i in range(len(file.schema))]
    west, south, east, north = (16.2, 48.0, 16.6, 48.4)
    limits = {f"bbox.{key}": names.index(f"bbox.{key}") for key in ("xmin", "ymin", "xmax", "ymax")}
    touched = [
        group
        for group in groups
        if group.column(limits["bbox.xmin"]).statistics.min <= east
        and group.column(limits["bbox.xmax"]).statistics.max >= west
        and group.column(limits["bbox.ymin"]).statistics.min <= north
        and group.column(limits["bbox.ymax"]).statistics.max >= south
    ]
    assert len(groups) == 25
    assert len(touched) <= 4
    frame = gpd.read_parquet(tmp_path / "f.parquet", bbox=(west, south, east, north))
    every = gpd.read_parquet(tmp_path / "f.parquet")
    inside = every.intersects(shapely.box(west, south, east, north))
    assert set(every["patch_id"][inside]) <= set(frame["patch_id"])
    assert set(every["patch_id"]) == set(pq.read_table(metadata)["patch_id"].to_pylist())


def test_cells_that_follow_each_other_on_the_curve_share_an_edge():
    for bits in (1, 2, 5):
        side = 2**bits
        cells = np.stack(np.divmod(np.arange(side * side), side), axis=1)
        place = hilbert_positions(cells, bits)
        assert sorted(place) == list(range(side * side))
        way = cells[np.argsort(place)]
        assert all(np.abs(one - two).sum() == 1 for one, two in pairwise(way))


def test_points_of_one_place_keep_their_order():
    assert hilbert_order(np.zeros((3, 2))).tolist() == [0, 1, 2]
    assert hilbert_order(np.zeros((0, 2))).tolist() == []
