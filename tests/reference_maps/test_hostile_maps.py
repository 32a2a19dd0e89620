"""Reference maps and footprints that lie: one line that names the file, whatever is in it."""

import json
import os
import struct
from datetime import datetime
from decimal import Decimal
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.map_footprints import map_footprints
from benkit.reference_maps.read import read_reference_maps

SQUARE = shapely.box(300000, 5390000, 301200, 5391200).wkb
NAN, INF = float("nan"), float("inf")


def ring(*points, rings=1, count=None):
    head = struct.pack("<BIII", 1, 3, rings, len(points) if count is None else count)
    return head + b"".join(struct.pack("<dd", *point) for point in points)


def nested(depth, kind=7):
    return struct.pack("<BII", 1, kind, 1) * depth + SQUARE


def one_map(folder, wkb, metadata=None, name="a"):
    table = pa.table({"DN": [312], "geometry": pa.array([wkb], pa.binary())})
    pq.write_table(
        table.replace_schema_metadata(metadata), folder / f"{name}_reference_map.parquet"
    )


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


def geo(crs="EPSG:32633", **others):
    """The metadata of a GeoParquet file, as a text or with a reference system that it names."""
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": crs}
    text = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return {b"geo": json.dumps(text | others).encode()}


def refused(capsys, folder, *verbs):
    """The one line that every call says of the one map of a folder; nothing is written."""
    output = ["--output", str(folder.parent / "out.csv")]
    calls = {
        "labels": [["labels", str(folder)], ["labels", str(folder), *output]],
        "overlaps": [["overlaps", str(folder)], ["overlaps", str(folder), *output]],
    }
    lines = set()
    for call in chain.from_iterable(calls[verb] for verb in verbs or calls):
        assert main(call) == 2, call
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1), err
        lines.add(err.strip())
    assert not (folder.parent / "out.csv").exists()
    (line,) = lines
    assert line.startswith(f"benkit: {folder / 'a_reference_map.parquet'}: expected ")
    assert line.isprintable()
    assert len(line) < len(str(folder)) + 500
    return line


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "maps").mkdir()
    return tmp_path / "maps"


ABSURD = {
    "no name": ("nonsense", "expected a known coordinate reference system, but nonsense is none"),
    "two lines": ("EPSG:1\nEPSG:2", r"but EPSG:1\nEPSG:2 is none"),
    "colours and NUL": ("\x1b[31m\0", r"but \x1b[31m\x00 is none"),
    "a path": ("/etc/passwd", "but /etc/passwd is none"),
    "a million characters": ("x" * 1_000_000, "is none"),
    "no such code": ({"id": {"authority": "EPSG", "code": 0}}, "but EPSG:0 is none"),
    "a code of another kind": ({"id": {"authority": {"a": 1}, "code": [1]}}, "is none"),
    "no system": ({"type": "Nothing"}, "is none"),
    "a height": ("EPSG:5773", "EPSG:5773 is one of another kind (Vertical CRS)"),
    "from the middle of the earth": ("EPSG:4978", "is one of another kind (Geocentric CRS)"),
    "a building": ({"type": "EngineeringCRS", "name": "hall"}, "is none"),
}


@pytest.mark.parametrize("case", ABSURD)
def test_reference_systems_that_are_absurd(capsys, folder, case):
    crs, message = ABSURD[case]
    one_map(folder, SQUARE, geo(crs))
    assert "expected coordinates in a UTM zone" in refused(capsys, folder, "labels")
    assert message in refused(capsys, folder, "overlaps")


@pytest.mark.parametrize("crs", ["ESRI:104903", "IAU_2015:49900", "EPSG:4326"])
def test_reference_systems_that_do_not_fit(capsys, folder, crs):
    """The Moon, Mars, and degrees for coordinates in metres, beside a map in metres."""
    one_map(folder, SQUARE, geo(crs))
    one_map(folder, SQUARE, geo(), name="b")
    refused(capsys, folder, "overlaps")


TABLES = {
    "no codes": ({"geometry": [SQUARE]}, "expected the column DN, but there is only geometry"),
    "no geometry": ({"DN": [312]}, "expected the column geometry, but there is only DN"),
    "texts for codes": (
        {"DN": ["312"], "geometry": [SQUARE]},
        "expected integers in the column DN",
    ),
    "decimals": ({"DN": [Decimal("312.5")], "geometry": [SQUARE]}, "its type is decimal128"),
    "truths": ({"DN": [True], "geometry": [SQUARE]}, "but its type is bool"),
    "structs": ({"DN": [{"x": 312}], "geometry": [SQUARE]}, "but its type is struct"),
    "dates": ({"DN": [datetime(2018, 1, 1)], "geometry": [SQUARE]}, "its type is timestamp"),
    "null": ({"DN": [None, 312], "geometry": [SQUARE] * 2}, "in every row of DN, but 1 are null"),
    "NaN": ({"DN": [NAN], "geometry": [SQUARE]}, "expected integers in the column DN, but"),
    "infinity": ({"DN": [INF], "geometry": [SQUARE]}, "expected CLC 2018 level-3 codes"),
    "another code": ({"DN": [2**62], "geometry": [SQUARE]}, "expected CLC 2018 level-3 codes"),
    "less than none": ({"DN": [-(2**63)], "geometry": [SQUARE]}, "expected CLC 2018 level-3 codes"),
    "texts for WKB": ({"DN": [312], "geometry": ["POLYGON"]}, "encoded as WKB, but their type is"),
    "points": ({"DN": [312], "geometry": [{"x": 1.0}]}, "encoded as WKB, but their type is struct"),
}


@pytest.mark.parametrize("case", TABLES)
def test_columns_of_other_types(capsys, folder, case):
    columns, message = TABLES[case]
    table = pa.table(columns).replace_schema_metadata(geo())
    pq.write_table(table, folder / "a_reference_map.parquet")
    assert message in refused(capsys, folder)


@pytest.mark.parametrize("about", [geo(), None])
@pytest.mark.parametrize("twice", ["DN", "geometry"])
def test_columns_that_come_twice(capsys, folder, twice, about):
    columns = {"DN": pa.array([312]), "geometry": pa.array([SQUARE])}
    names = ["DN", "geometry", twice]
    table = pa.table([columns[name] for name in names], names).replace_schema_metadata(about)
    pq.write_table(table, folder / "a_reference_map.parquet")
    assert f"expected one column {twice}, but there are several" in refused(capsys, folder)


def test_codes_and_geometries_of_other_types_that_are_whole(folder):
    """Null geometries add nothing; types that hold the same are read as they are."""
    for code, geometry in (
        (pa.array([312, 312], pa.uint16()), pa.array([SQUARE, None], pa.large_binary())),
        (pa.array([312.0, 312.0]), pa.array([SQUARE, None]).dictionary_encode()),
        (pa.array([312, 312]).dictionary_encode(), pa.array([SQUARE, None], pa.binary_view())),
    ):
        table = pa.table({"DN": code, "geometry": geometry}).replace_schema_metadata(geo())
        pq.write_table(table, folder / "a_reference_map.parquet")
        assert measure_land_cover(folder).area.tolist() == [1200.0**2]


def test_files_that_are_no_geoparquet(capsys, folder):
    path = folder / "a_reference_map.parquet"
    one_map(folder, SQUARE, geo())
    content = path.read_bytes()
    for text in (b"", b"PAR1", b"DN,geometry\n", content[: len(content) // 2], content[:-1]):
        path.write_bytes(text)
        assert "expected a whole GeoParquet file, but it cannot be read" in refused(capsys, folder)
    path.unlink()
    os.mkfifo(path)
    assert "expected a GeoParquet file, but it is a pipe" in refused(capsys, folder)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "expected a GeoParquet file, but it is a device" in refused(capsys, folder)


def test_maps_that_unpack_into_too_much(capsys, folder, monkeypatch):
    monkeypatch.setattr("benkit.files.tables.parquet.LARGEST_TABLE", 2**16)
    monkeypatch.setattr("benkit.files.tables.parquet.MOST_ROWS", 10_000)
    for wkb, rows in ((SQUARE + b"0" * 1000, 1000), (SQUARE + b"0" * 2**17, 1)):
        table = pa.table({"DN": [312] * rows, "geometry": [wkb] * rows})
        pq.write_table(table, folder / "a_reference_map.parquet", compression="zstd")
        assert "but it unpacks into more" in refused(capsys, folder)
    table = pa.table({"DN": [312] * 10_001, "geometry": pa.nulls(10_001, pa.binary())})
    pq.write_table(table, folder / "a_reference_map.parquet")
    assert "at most 10,000 rows, but it has 10,001" in refused(capsys, folder)


def test_very_many_polygons_are_measured_some_at_a_time(folder, monkeypatch):
    """Whatever is measured at once, the figures are the same; and ten thousand take no time."""
    x, y = np.divmod(np.arange(10_000), 100) * np.array([[12.0], [12.0]])
    cells = shapely.box(300000 + x, 5390000 + y, 300012 + x, 5390012 + y)
    codes = np.where(np.arange(10_000) % 3, 312, 111)
    for name, some in (("a", slice(0, None)), ("b", slice(0, 5000)), ("c", slice(0, 7))):
        table = pa.table({"DN": codes[some], "geometry": shapely.to_wkb(cells[some]).tolist()})
        path = folder / f"{name}_reference_map.parquet"
        pq.write_table(table.replace_schema_metadata(geo()), path)
    cover, ground = measure_land_cover(folder), map_footprints(read_reference_maps(folder))
    assert cover.area.sum() == 144 * 15_007
    assert ground.is_box.tolist() == [True, True, True]
    for limit in (1, 5000, 12_000):
        monkeypatch.setattr("benkit.reference_maps.land_cover.POLYGONS_AT_ONCE", limit)
        monkeypatch.setattr("benkit.reference_maps.map_footprints.POLYGONS_AT_ONCE", limit)
        assert np.array_equal(measure_land_cover(folder).area, cover.area)
        again = map_footprints(read_reference_maps(folder))
        assert np.array_equal(again.boxes, ground.boxes)


IDS = [f"S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_00_0{row}" for row in range(3)]
CORNERS = {
    "texts": ["a"] * 3,
    "null": [None, 1, 2],
    "NaN": [NAN] * 3,
    "another place": [1, 2, 3],
    "structs": [{"a": 1}] * 3,
    "lists": [[1], [1, 2], []],
    "dates": [datetime(2018, 1, 1)] * 3,
    "lines": ["a\nb\x1b[31m"] * 3,
}


@pytest.fixture
def footprints(tmp_path):
    """Footprints of three patches."""
    metadata, file = tmp_path / "metadata.parquet", tmp_path / "footprints.parquet"
    pq.write_table(pa.table({"patch_id": IDS, "labels": [["Pastures"]] * 3}), metadata)
    assert main(["footprints", str(metadata), "--output", str(file)]) == 0
    return file


def replace_column(file, name, values):
    table = pq.read_table(file)
    pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values)), file)


@pytest.mark.parametrize("column", ["epsg", "x", "y"])
@pytest.mark.parametrize("case", CORNERS)
def test_footprints_whose_columns_lie(capsys, footprints, column, case):
    replace_column(footprints, column, CORNERS[case])
    capsys.readouterr()
    assert main(["overlaps", str(footprints)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert err.startswith(f"benkit: {footprints}: expected the corner ")
    assert f" for {IDS[0]}, as its name says, but" in err


def test_footprints_whose_corners_other_tools_have_rounded_lie_where_they_should(
    capsys, footprints
):
    corners = pq.read_table(footprints)["x"].to_numpy()
    for off, status in ((1e-9, 0), (0.0009, 0), (0.002, 2)):
        replace_column(footprints, "x", corners + off)
        assert main(["overlaps", str(footprints)]) == status
    assert f"give {corners[0] + 0.002}," in capsys.readouterr().err


def test_geometries_of_footprints_are_not_read(capsys, footprints):
    capsys.readouterr()
    assert main(["overlaps", str(footprints)]) == 0
    expected = capsys.readouterr().out
    for geometry in ([b"nonsense"] * 3, [None] * 3, ["POLYGON"] * 3):
        replace_column(footprints, "geometry", geometry)
        assert main(["overlaps", str(footprints)]) == 0
        assert capsys.readouterr().out == expected
