"""Tables and reference maps that lie: one error that names the file, whatever is in it."""

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.errors import InputFormatError
from benkit.io.metadata_file import read_metadata
from benkit.io.reference_maps import read_reference_maps
from benkit.land_cover import measure_land_cover
from benkit.map_footprints import map_footprints

SQUARE = shapely.box(300000, 5390000, 301200, 5391200).wkb
NAN, INF = float("nan"), float("inf")


def ring(*points, rings=1, count=None):
    head = struct.pack("<BIII", 1, 3, rings, len(points) if count is None else count)
    return head + b"".join(struct.pack("<dd", *point) for point in points)


def nested(depth, kind=7):
    return struct.pack("<BII", 1, kind, 1) * depth + SQUARE


def one_map(folder, wkb, metadata=None):
    table = pa.table({"DN": [312], "geometry": pa.array([wkb], pa.binary())})
    pq.write_table(table.replace_schema_metadata(metadata), folder / "a_reference_map.parquet")


@pytest.mark.parametrize(
    "wkb",
    [
        b"",
        SQUARE[:40],
        ring((0, 0), (1, 0), (1, 1), (0, 0), rings=2**32 - 1),
        ring((0, 0), (1, 0), (1, 1), (0, 0), count=2**32 - 1),
        struct.pack("<BII", 1, 7, 2**32 - 1),
        struct.pack("<BI", 1, 99) + SQUARE[5:],
        nested(200_000),
        nested(200_000, kind=6),
        struct.pack("<BII", 1, 7, 2) + SQUARE + nested(200_000),
        ring((NAN, 0), (1, 0), (1, 1), (NAN, 0)),
        ring((0, 0), (NAN, 0), (1, 1), (0, 0)),
        ring((0, 0), (INF, 0), (1, 1), (0, 0)),
        ring((-1e308, -1e308), (1e308, -1e308), (1e308, 1e308), (-1e308, -1e308)),
        struct.pack("<BIdd", 1, 1, NAN, 1),
    ],
    ids=range(14),
)
@pytest.mark.filterwarnings("error")
def test_geometries_that_lie(tmp_path, wkb):
    one_map(tmp_path, wkb)
    path = tmp_path / "a_reference_map.parquet"
    for measure in (measure_land_cover, lambda folder: map_footprints(read_reference_maps(folder))):
        with pytest.raises(InputFormatError, match="one is damaged") as caught:
            measure(tmp_path)
        assert str(caught.value).startswith(f"{path}: ")


def test_geometries_that_are_unusual_but_whole(tmp_path):
    for wkb in (nested(100), nested(400), b"\x07" + SQUARE[1:], SQUARE + b"more"):
        one_map(tmp_path, wkb)
        assert measure_land_cover(tmp_path).area.tolist() == [1200.0**2]
        boxes = map_footprints(read_reference_maps(tmp_path)).boxes
        assert np.array_equal(boxes, [[300000, 5390000, 301200, 5391200]])


@pytest.mark.parametrize("text", [b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_geo_metadata_that_are_damaged(tmp_path, text):
    one_map(tmp_path, SQUARE, {b"geo": text})
    with pytest.raises(InputFormatError, match="metadata that describe the geometry column"):
        read_reference_maps(tmp_path)


def no_utf8(column, others):
    """A text that is no UTF-8, before others."""
    offsets, text = struct.pack("<ii", 0, 3), b"\xff\xfeA"
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
    if column == "labels":
        bad = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), bad)
    return pa.concat_arrays([bad, pa.array(others, bad.type)])


@pytest.mark.parametrize("column", ["patch_id", "labels"])
def test_texts_that_are_not_utf8(tmp_path, column):
    columns = {"patch_id": ["a", "b"], "labels": [["Pastures"], ["Pastures"]]}
    columns[column] = no_utf8(column, columns[column][1:])
    path = tmp_path / "metadata.parquet"
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputFormatError, match="expected a whole Parquet file") as caught:
        read_metadata(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("name", ["patch_id", "labels"])
def test_columns_of_one_name(tmp_path, name):
    columns = {"patch_id": pa.array(["a"]), "labels": pa.array([["Pastures"]])}
    table = pa.table(columns).append_column(name, columns[name])
    pq.write_table(table, tmp_path / "metadata.parquet")
    with pytest.raises(InputFormatError, match=f"expected one column {name}"):
        read_metadata(tmp_path / "metadata.parquet")


def test_a_column_name_that_is_not_utf8(tmp_path):
    path = tmp_path / "metadata.parquet"
    pq.write_table(pa.table({"patch_id": ["a"], "column": ["b"]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"column", b"\xff\xfelumn"))
    with pytest.raises(InputFormatError, match="expected a whole Parquet file"):
        read_metadata(path)
