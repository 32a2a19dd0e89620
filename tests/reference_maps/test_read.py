import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.engine import Engine
from benkit.errors import InputFormatError, MissingInputError
from benkit.files.tables.geoparquet import encode_geoparquet, write_geoparquet
from benkit.reference_maps.read import read_reference_maps
from tests.making import SQUARE, write_map


def test_files_of_all_kinds(tmp_path):
    write_map(tmp_path, "b", [312, 111], [SQUARE, shapely.box(0, 0, 5, 5)], dtype="int32")
    write_map(tmp_path, "a", [211], [SQUARE], crs=32634, write_covering_bbox=True)
    write_map(tmp_path, "c", [], [], dtype="uint16")
    write_map(tmp_path, "d", [999.0], [SQUARE], dtype="float64", crs=None)
    plain = pa.table(
        {"DN": [523], "geometry": pa.array([SQUARE.wkb], pa.large_binary()), "note": ["x"]}
    )
    pq.write_table(plain, tmp_path / "e.parquet")
    (tmp_path / ".hidden.parquet").touch()
    maps = read_reference_maps(tmp_path)
    assert maps.patch_ids == ("a", "b", "c", "d", "e")
    assert maps.patch.tolist() == [0, 1, 1, 3, 4]
    assert maps.code.tolist() == [211, 312, 111, 999, 523]
    assert maps.crs == ("EPSG:32634", "EPSG:32633", "EPSG:32633", None, None)
    assert shapely.from_wkb(maps.geometry.to_pylist())[2].equals(shapely.box(0, 0, 5, 5))
    assert read_reference_maps(tmp_path, geometry=False).geometry is None


def test_workers_do_not_matter(tmp_path):
    for number in range(1100):
        table = pa.table(
            {
                "DN": [312] * (number % 3),
                "geometry": pa.array([SQUARE.wkb] * (number % 3), pa.binary()),
            }
        )
        write_geoparquet(table, tmp_path / f"{number:04d}_reference_map.parquet", epsg=32633)
    one, two = (read_reference_maps(tmp_path, engine=Engine(workers=n)) for n in (1, 2))
    assert (one.patch_ids, one.crs) == (two.patch_ids, two.crs)
    assert np.array_equal(one.patch, two.patch)
    assert one.geometry.to_pylist() == two.geometry.to_pylist()
    assert np.bincount(one.patch, minlength=1100).tolist() == [number % 3 for number in range(1100)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"DN": [312]}, "expected the column geometry"),
        ({"geometry": [SQUARE.wkb]}, "expected the column DN"),
        ({"DN": [312, None], "geometry": [SQUARE.wkb] * 2}, "1 are null"),
        ({"DN": [312.5], "geometry": [SQUARE.wkb]}, r"there is 312\.5"),
        ({"DN": ["312"], "geometry": [SQUARE.wkb]}, "its type is string"),
        ({"DN": [312, 313, 114], "geometry": [SQUARE.wkb] * 3}, "there is 114"),
        ({"DN": [-1], "geometry": [SQUARE.wkb]}, "there is -1"),
        ({"DN": [2**40], "geometry": [SQUARE.wkb]}, f"there is {2**40}"),
        ({"DN": [312], "geometry": ["POINT (0 0)"]}, "their type is string"),
    ],
)
def test_files_that_are_something_else(tmp_path, table, message):
    write_map(tmp_path, "good", [312], [SQUARE])
    pq.write_table(pa.table(table), tmp_path / "bad.parquet")
    with pytest.raises(InputFormatError, match=message) as caught:
        read_reference_maps(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'bad.parquet'}: ")


def test_a_folder_without_polygons_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="there is nothing"):
        read_reference_maps(tmp_path / "none")
    with pytest.raises(MissingInputError, match="there is none in it"):
        read_reference_maps(tmp_path)


def test_damaged_files_and_a_second_map_of_a_patch_are_refused(tmp_path):
    write_map(tmp_path, "a", [312], [SQUARE])
    content = (tmp_path / "a_reference_map.parquet").read_bytes()
    for length in (0, 10, len(content) - 1):
        (tmp_path / "b.parquet").write_bytes(content[:length])
        with pytest.raises(InputFormatError, match=r"b\.parquet: expected a whole GeoParquet"):
            read_reference_maps(tmp_path)
    (tmp_path / "b.parquet").rename(tmp_path / "a.parquet")
    with pytest.raises(InputFormatError, match="is also of a"):
        read_reference_maps(tmp_path)


@pytest.mark.parametrize("covering", [False, True])
def test_geopandas_reads_what_is_written(tmp_path, covering):
    shapes = [shapely.box(0, 0, 10, 20), shapely.box(10, 0, 30, 5)]
    table = pa.table({"DN": [111, 523], "geometry": [shape.wkb for shape in shapes]})
    bounds = shapely.bounds(shapes)
    path = tmp_path / "map.parquet"
    write_geoparquet(table, path, epsg=32635, bounds=bounds, covering=covering)
    frame = gpd.read_parquet(path)
    assert frame.crs.to_epsg() == 32635
    assert frame["DN"].tolist() == [111, 523]
    assert [a.equals(b) for a, b in zip(frame.geometry, shapes, strict=True)] == [True, True]
    assert ("bbox" in pq.read_schema(path).names) == covering
    if covering:
        assert len(gpd.read_parquet(path, bbox=(20, 0, 25, 5))) == 1
    assert encode_geoparquet(table, epsg=32635) == encode_geoparquet(table, epsg=32635)
