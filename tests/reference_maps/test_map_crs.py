"""Where a reference map states its reference system, and what is done where it states none."""

import json

import duckdb
import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import CRS, Transformer
from rasterio.transform import Affine

from benkit.cli import main
from benkit.errors import InputFormatError
from benkit.reference_maps.labels import label_sets
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.map_overlaps import map_overlaps, map_pair_table
from benkit.reference_maps.read import read_reference_maps
from benkit.reference_maps.read_map import read_map_polygons
from tests.making import MAP_PRODUCT, write_map, write_map_tiff

PATCH = f"{MAP_PRODUCT}_00_00"
SQUARE = shapely.box(300_000, 5_398_800, 301_200, 5_400_000)  # where the patch lies, in EPSG:32633
LATER = PATCH.replace("20170613", "20170614")
AREA = 1_440_000
UTM, LAEA = CRS(32633), CRS(3035)


def moved(shape, east, north):
    return shapely.transform(shape, lambda xy: xy + np.array([east, north]))


def in_system(shape, target, source=32633):
    project = Transformer.from_crs(source, target, always_xy=True).transform
    return shapely.transform(shape, lambda xy: np.stack(project(*xy.T), axis=1))


DEGREES = in_system(SQUARE, 4326)


class Wkb(pa.ExtensionType):
    """GeoArrow's type of WKB, by which Arrow writes the logical type of Parquet."""

    def __init__(self, about):
        self.about = about
        super().__init__(pa.binary(), "geoarrow.wkb")

    def __arrow_ext_serialize__(self):
        return json.dumps(self.about).encode()


def write_native(folder, about, shape=SQUARE, patch=PATCH, column="geometry", **metadata):
    """A map whose geometry has the logical type GEOMETRY, or GEOGRAPHY if its edges are spherical."""
    geometry = pa.ExtensionArray.from_storage(Wkb(about), pa.array([shape.wkb]))
    table = pa.table({"DN": [211], column: geometry})
    path = folder / f"{patch}_reference_map.parquet"
    with pq.ParquetWriter(path, table.schema, store_schema=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(metadata)
    names = [pq.ParquetFile(path).schema.column(index).logical_type.type for index in range(2)]
    assert names[1] in ("GEOMETRY", "GEOGRAPHY")
    return path


def geo(**column):
    text = {"encoding": "WKB", "geometry_types": ["Polygon"]} | column
    return json.dumps(
        {"version": "2.0.0", "primary_column": "geometry", "columns": {"geometry": text}}
    )


NATIVE = {  # what the logical type says, and which system that is
    "nothing": ({}, "OGC:CRS84"),
    "spherical edges": ({"edges": "spherical"}, "OGC:CRS84"),
    "PROJJSON": ({"crs": UTM.to_json_dict()}, "EPSG:32633"),
    "PROJJSON as text": ({"crs": UTM.to_json()}, "EPSG:32633"),
    "WKT": ({"crs": UTM.to_wkt()}, UTM.to_wkt()),
    "a code": ({"crs": "EPSG:32633"}, "EPSG:32633"),
    "an SRID": ({"crs": "srid:32633"}, "EPSG:32633"),
    "SRID 0": ({"crs": "srid:0"}, None),
    "a key": ({"crs": "projjson:here"}, "EPSG:32633"),
    "a key that is not there": ({"crs": "projjson:there"}, "projjson:there"),
    "another system": ({"crs": LAEA.to_json_dict()}, "EPSG:3035"),
}


@pytest.mark.parametrize("case", NATIVE)
def test_the_logical_type_states_the_system(tmp_path, case):
    about, expected = NATIVE[case]
    path = write_native(tmp_path, about, here=UTM.to_json())
    assert read_map_polygons(path).crs == expected
    if expected in (None, "EPSG:32633", UTM.to_wkt()):
        assert measure_land_cover(tmp_path).area.tolist() == [AREA]
    else:
        with pytest.raises(InputFormatError, match="expected coordinates in a UTM zone"):
            measure_land_cover(tmp_path)


def test_degrees_that_duckdb_writes_are_refused(tmp_path):
    """Without a name they are OGC:CRS84, as Parquet and GeoParquet have it."""
    path = tmp_path / f"{PATCH}_reference_map.parquet"
    for version in ("NONE", "V1", "V2", "BOTH"):
        write_by_duckdb(path, DEGREES, "GEOMETRY", version)
        with pytest.raises(InputFormatError, match=r"are in OGC:CRS84 \(degrees"):
            measure_land_cover(tmp_path)


def test_the_system_that_duckdb_writes_is_found(tmp_path):
    """With the geo metadata of version 2, which name none, and without any."""
    path = tmp_path / f"{PATCH}_reference_map.parquet"
    for version in ("NONE", "V2"):
        write_by_duckdb(path, SQUARE, f"GEOMETRY('{UTM.to_wkt()}')", version)
        assert measure_land_cover(tmp_path).area.tolist() == [AREA]


def write_by_duckdb(path, shape, kind, version):
    path.unlink(missing_ok=True)
    query = f"SELECT 211::INT AS DN, '{shape.wkt}'::{kind} AS geometry"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({query}) TO '{path}' (FORMAT parquet, GEOPARQUET_VERSION '{version}')"
        )


def test_geo_metadata_and_logical_type_are_held_against_each_other(tmp_path):
    same = {"crs": UTM.to_wkt()}
    for column in ({}, {"crs": None}, {"crs": UTM.to_json_dict()}, {"crs": "epsg:32633"}):
        write_native(tmp_path, same, geo=geo(**column))
        assert measure_land_cover(tmp_path).area.tolist() == [AREA]
    path = write_native(tmp_path, same, geo=geo(crs=LAEA.to_json_dict()))
    with pytest.raises(InputFormatError) as caught:
        measure_land_cover(tmp_path)
    assert str(caught.value).startswith(
        f"{path}: expected one coordinate reference system, but the geo metadata say EPSG:3035 "
        "and the Parquet type of geometry says WGS 84 / UTM zone 33N"
    )
    for nothing in (None, "", {}):
        path = write_native(tmp_path, {}, geo=geo(crs=nothing))
        assert read_map_polygons(path).crs is None


def test_longitude_and_latitude_are_one_system_whatever_their_order_is(tmp_path):
    """In GeoParquet and Parquet x is longitude, so that EPSG:4326 and OGC:CRS84 say the same."""
    for patch, in_type, in_geo in ((PATCH, 4326, "OGC:CRS84"), (LATER, "OGC:CRS84", 4326)):
        about, column = ({"crs": CRS(crs).to_json_dict()} for crs in (in_type, in_geo))
        write_native(tmp_path, about, DEGREES, patch, geo=geo(**column))
    maps = read_reference_maps(tmp_path)
    assert maps.crs == ("OGC:CRS84", "EPSG:4326")
    found = map_overlaps(maps, areas=True)
    assert (found.overlapping, found.pairs.tolist()) == (2, [[0, 1]])
    assert found.area == pytest.approx([AREA], rel=1e-3)
    assert map_overlaps(maps, assume_same_crs=True).overlapping == 2


def test_geoarrow_metadata_without_a_logical_type_state_the_system(tmp_path):
    path = tmp_path / f"{PATCH}_reference_map.parquet"
    for crs, expected in ((LAEA.to_json_dict(), "EPSG:3035"), (None, None)):
        about = {
            "ARROW:extension:name": "geoarrow.wkb",
            "ARROW:extension:metadata": json.dumps({"crs": crs}),
        }
        field = pa.field("geometry", pa.binary(), metadata=about)
        schema = pa.schema([pa.field("DN", pa.int64()), field])
        pq.write_table(pa.table([[211], [SQUARE.wkb]], schema=schema), path)
        assert read_map_polygons(path).crs == expected


def test_the_one_native_geometry_may_have_another_name(tmp_path):
    write_native(tmp_path, {"crs": "EPSG:32633"}, column="geom")
    assert measure_land_cover(tmp_path).area.tolist() == [AREA]


@pytest.mark.parametrize(
    "crs",
    [UTM.to_wkt(), UTM.to_wkt("WKT1_ESRI"), "epsg:32633", "urn:ogc:def:crs:EPSG::3045", 32633],
)
def test_spellings_of_a_zone_are_measured(tmp_path, crs):
    table = pa.table({"DN": [211], "geometry": [SQUARE.wkb]})
    table = table.replace_schema_metadata({"geo": geo(crs=crs)})
    pq.write_table(table, tmp_path / f"{PATCH}_reference_map.parquet")
    assert measure_land_cover(tmp_path).area.tolist() == [AREA]


def test_spellings_of_a_zone_are_compared_as_one_system(tmp_path):
    """Exactly, so that edges which only touch are no overlap, and areas need no other plane."""
    beside = moved(SQUARE, 1200, 0)
    write_native(tmp_path, {"crs": UTM.to_wkt()})
    write_map(tmp_path, LATER, [211], [SQUARE])
    write_native(tmp_path, {"crs": UTM.to_wkt("WKT1_ESRI")}, beside, f"{MAP_PRODUCT}_01_00")
    found = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert (found.pairs.tolist(), found.area.tolist()) == ([[0, 2]], [AREA])


@pytest.mark.parametrize("units", ["km", "us-ft"])
def test_a_geotiff_without_a_code_is_not_taken_for_metres(tmp_path, units):
    crs = f"+proj=utm +zone=33 +datum=WGS84 +units={units}"
    write_map_tiff(tmp_path, PATCH, np.full((120, 120), 211, np.uint16), crs=crs)
    with pytest.raises(InputFormatError, match="expected coordinates in a UTM zone"):
        measure_land_cover(tmp_path)


def test_a_geotiff_in_a_zone_without_a_code_is_measured(tmp_path):
    crs = "+proj=utm +zone=33 +ellps=bessel +towgs84=1,2,3"
    write_map_tiff(tmp_path, PATCH, np.full((120, 120), 211, np.uint16), crs=crs)
    assert measure_land_cover(tmp_path).area.tolist() == [AREA]


# Maps that name no system


MISPLACED = {
    "degrees": DEGREES,
    "latitude first": shapely.transform(DEGREES, lambda xy: xy[:, ::-1]),
    "the next zone": in_system(SQUARE, 32632),
    "the zone in the south": moved(SQUARE, 0, 10_000_000),
    "another system": in_system(SQUARE, 3035),
    "another place": moved(SQUARE, 12_000, 0),
    "degrees and metres": shapely.MultiPolygon([DEGREES, SQUARE]),
}


@pytest.mark.parametrize("case", MISPLACED)
def test_what_lies_elsewhere_is_not_measured(tmp_path, capsys, case):
    write_map(tmp_path, PATCH, [211], [MISPLACED[case]], crs=None)
    write_map(tmp_path, LATER, [211], [MISPLACED[case]], crs=None)
    for call in (["labels"], ["overlaps", "--output", str(tmp_path / "pairs.csv")]):
        assert main([call[0], str(tmp_path), *call[1:]]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(
            f"benkit: {tmp_path / PATCH}_reference_map.parquet: names no coordinate reference system; "
            "expected x from 300000 to 301200 and y from 5398800 to 5400000 in EPSG:32633, where the "
            "patch lies, but x is from "
        )


@pytest.mark.parametrize("case", MISPLACED)
def test_what_lies_elsewhere_is_counted_and_compared_as_it_is(tmp_path, case):
    """Labels that are only counted, one unknown system, and the assumption that it is one."""
    write_map(tmp_path, PATCH, [211], [MISPLACED[case]], crs=None)
    write_map(tmp_path, LATER, [211], [MISPLACED[case]], crs=None)
    maps = read_reference_maps(tmp_path)
    assert label_sets(maps).average_num_labels == 1
    assert map_overlaps(maps).pairs.tolist() == [[0, 1]]
    write_map(tmp_path, f"{MAP_PRODUCT}_05_05", [211], [MISPLACED[case]])
    maps = read_reference_maps(tmp_path)
    assert len(map_overlaps(maps, assume_same_crs=True).pairs) == 3
    with pytest.raises(InputFormatError, match="names no coordinate reference system"):
        map_overlaps(maps)


def test_degrees_that_are_assumed_to_be_metres_have_no_area(tmp_path):
    for patch in (PATCH, LATER):
        write_map(tmp_path, patch, [211], [DEGREES], crs=None)
    maps = read_reference_maps(tmp_path)
    found = map_overlaps(maps, assume_same_crs=True, areas=True)
    assert map_pair_table(maps, found)["area_m2"].to_pylist() == [None]


def test_what_lies_at_its_place_is_in_the_zone_of_its_patch(tmp_path):
    """Beside maps that name it, and beside the next zone, where others have the same coordinates."""
    write_map(tmp_path, PATCH, [211], [SQUARE], crs=None)
    write_map(tmp_path, LATER, [211], [SQUARE])
    other = PATCH.replace("T33UUP", "T34UCU")  # the same corner in metres, one zone further
    write_map(tmp_path, other, [211], [SQUARE], crs=None)
    write_map(tmp_path, f"{MAP_PRODUCT}_07_07", [], [], crs=None)
    assert measure_land_cover(tmp_path).area.tolist() == [AREA] * 3
    found = map_overlaps(read_reference_maps(tmp_path), areas=True)
    assert (found.pairs.tolist(), found.area.tolist()) == ([[0, 3]], [AREA])


def test_names_that_are_no_patch_ids_may_be_metres_but_not_degrees(tmp_path):
    for name in "ab":
        write_map(tmp_path, name, [211], [SQUARE], crs=None)
    assert measure_land_cover(tmp_path).area.tolist() == [AREA] * 2
    assert map_overlaps(read_reference_maps(tmp_path), areas=True).area.tolist() == [AREA]
    for name in "ab":
        write_map(tmp_path, name, [211], [DEGREES], crs=None)
    for measure in (measure_land_cover, lambda f: map_overlaps(read_reference_maps(f), areas=True)):
        with pytest.raises(
            InputFormatError, match="expected coordinates in metres, but x is from 12"
        ):
            measure(tmp_path)


def test_pixels_without_a_system_are_held_against_their_place(tmp_path):
    codes = np.full((120, 120), 211, np.uint16)
    path = write_map_tiff(tmp_path, PATCH, codes, crs=None)
    assert measure_land_cover(tmp_path).area.tolist() == [AREA]
    path.unlink()
    path.parent.rmdir()
    west, south, east, north = DEGREES.bounds
    to_degrees = Affine((east - west) / 120, 0, west, 0, (south - north) / 120, north)
    write_map_tiff(tmp_path, PATCH, codes, crs=None, transform=to_degrees)
    with pytest.raises(
        InputFormatError, match=r"_reference_map\.tif: names no coordinate reference"
    ):
        measure_land_cover(tmp_path)


def test_coordinates_in_structs_and_lists_are_refused_with_how_to_convert(tmp_path, capsys):
    frame = gpd.GeoDataFrame({"DN": [211]}, geometry=[SQUARE], crs=32633)
    path = tmp_path / f"{PATCH}_reference_map.parquet"
    frame.to_parquet(path, geometry_encoding="geoarrow")
    without_geo = pq.read_table(path).replace_schema_metadata(None)
    for found in ("it says polygon", "their type is list<"):
        for verb in ("labels", "overlaps"):
            assert main([verb, str(tmp_path)]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith(
                f"benkit: {path}: expected geometries encoded as WKB, but {found}"
            )
            assert line.endswith("or -lco GEOMETRY_ENCODING=WKB (ogr2ogr)")
        pq.write_table(without_geo, path)
