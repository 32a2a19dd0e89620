import json
from datetime import UTC, datetime
from functools import lru_cache

import geopandas as gpd
import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from benkit.domain.patch_names import parse_patch_id
from benkit.errors import OptionError, PatchIdError
from benkit.files.tables.geoparquet import write_geoparquet
from benkit.ground.footprint_table import footprint_table
from benkit.ground.footprints import are_patch_ids, locate
from tests.making import EXAMPLE, patch_ids


@given(st.lists(patch_ids, max_size=20))
def test_many_at_once_equal_one_at_a_time(patches):
    places = locate([str(patch) for patch in patches])
    assert len(places) == len(patches)
    for index, patch in enumerate(patches):
        assert places.products[places.product[index]] == patch.product
        assert (places.column[index], places.row[index]) == (patch.column, patch.row)
        one = patch.footprint
        assert (places.epsg[index], places.x[index], places.y[index]) == (one.epsg, one.x, one.y)


def test_official_metadata(shared_data):
    ids = pq.read_table(shared_data / "metadata.parquet", columns=["patch_id"])["patch_id"]
    places = locate(ids)
    for index in range(0, len(ids), 10_007):
        one = parse_patch_id(ids[index].as_py()).footprint
        assert (places.epsg[index], places.x[index], places.y[index]) == (one.epsg, one.x, one.y)
    assert len({product.tile for product in places.products}) == 54
    assert {product.tile.epsg for product in places.products} == set(range(32629, 32637)) - {
        32630, 32632, 32631
    } | {32631, 32632}  # fmt: skip


@pytest.mark.parametrize("wrong", ["", "x", EXAMPLE + "0", EXAMPLE[:-2] + "91", "33_29"])
def test_names_the_first_wrong_id(wrong):
    with pytest.raises(PatchIdError, match="is no patch id"):
        locate([EXAMPLE, wrong, "worse"])


def test_any_arrow_string_type():
    for array in (pa.array([EXAMPLE], pa.large_string()), pa.chunked_array([[EXAMPLE]])):
        assert locate(array).x.tolist() == [339600]
    assert len(locate([])) == 0


PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T"
# Both hemispheres, Norway and Svalbard, next to the poles, and both sides of the 180th meridian.
TILES = ["33UUP", "34HBH", "32VKN", "33XWP", "31XGA", "01CEK", "33NZA", "33MZV", "60WXT", "01WCN"]


def metadata_of(ids, **columns):
    return pa.table({"patch_id": ids, "labels": [["Pastures"]] * len(ids)} | columns)


def written(folder, table, crs="EPSG:4326"):
    path = folder / "footprints.parquet"
    write_geoparquet(
        table.table,
        path,
        crs=table.crs,
        geometry_types=table.geometry_types,
        bounds=table.bounds,
        covering=True,
    )
    return path


@lru_cache
def transform(source, target):
    return pyproj.Transformer.from_crs(source, target, always_xy=True).transform


def corners_of(patch):
    """North-west, south-west, south-east and north-east corner in the patch's UTM zone."""
    x, y = patch.footprint.x, patch.footprint.y
    return [(x, y), (x, y - 1200), (x + 1200, y - 1200), (x + 1200, y)]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3035", "EPSG:32633", "OGC:CRS84", "EPSG:3857"])
def test_corners_are_exact_to_a_millimetre(tmp_path, crs):
    tiles = TILES[:-2] if crs in ("EPSG:4326", "OGC:CRS84") else ["33UUP", "32VKN", "35ULA"]
    ids = [f"{PRODUCT}{tile}_{c}_{r}" for tile in tiles for c in ("00", "41") for r in ("07", "90")]
    frame = gpd.read_parquet(written(tmp_path, footprint_table(metadata_of(ids), crs)))
    assert pyproj.CRS(frame.crs) == pyproj.CRS(crs)
    assert frame["patch_id"].tolist() == ids
    for row in frame.itertuples():
        patch = parse_patch_id(row.patch_id)
        project = transform(patch.footprint.epsg, crs)
        expected = np.array([project(*corner) for corner in corners_of(patch)])
        found = np.array(row.geometry.exterior.coords)
        millimetre = 1e-3 / 111_320 if frame.crs.is_geographic else 1e-3
        assert np.abs(found[:-1] - expected).max() < millimetre
        assert row.geometry.exterior.is_ccw
        assert row.geometry.is_valid
        back = transform(crs, patch.footprint.epsg)
        assert np.hypot(*(np.array(back(*found[:-1].T)).T - corners_of(patch)).T).max() < 1e-3


def test_longitude_comes_first(tmp_path):
    # Upper Austria, south of the Danube.
    table = footprint_table(metadata_of([f"{PRODUCT}33UUP_75_43"]))
    west, south, east, north = table.bounds[0]
    assert (13.4 < west < east < 13.6) and (48.2 < south < north < 48.3)


def test_columns(tmp_path):
    ids = [f"{PRODUCT}33UUP_75_43", f"{PRODUCT.replace('2017061', '2018021')}34HBH_00_00"]
    metadata = metadata_of(
        ids,
        country=["Austria", None],
        x=["replaced", "replaced"],
        bbox=["replaced", "replaced"],
        season=["replaced", "replaced"],
    )
    path = written(tmp_path, footprint_table(metadata))
    frame = gpd.read_parquet(path)
    assert frame.columns.tolist() == [
        "patch_id", "product", "tile", "sensing_time", "season", "labels", "country", "epsg", "x",
        "y", "geometry",
    ]  # fmt: skip
    first, second = frame.to_dict("records")
    assert (first["product"], first["tile"]) == (f"{PRODUCT}33UUP", "33UUP")
    assert first["sensing_time"] == datetime(2017, 6, 13, 10, 10, 31, tzinfo=UTC)
    assert (first["season"], second["season"]) == ("summer", "winter")
    assert (list(first["labels"]), first["country"]) == (["Pastures"], "Austria")
    assert (first["epsg"], first["x"], first["y"]) == (32633, 390_000, 5_348_400)
    assert (second["epsg"], second["x"], second["y"]) == (32734, 199_980, 6_300_040)
    for row, box in zip((first, second), pq.read_table(path)["bbox"].to_pylist(), strict=True):
        assert tuple(box.values()) == row["geometry"].bounds
    again = footprint_table(pq.read_table(path))
    assert again.table.drop("geometry").equals(footprint_table(metadata).table.drop("geometry"))


# What GeoParquet 1.1.0 asks of the metadata of a file, https://geoparquet.org/releases/v1.1.0/,
# put as strictly as our own files can be held to it.
NUMBER, TEXT = {"type": "number"}, {"type": "string", "minLength": 1}


def members(required, **properties):
    return {"type": "object", "required": required, "properties": properties}


def covered_by(name):
    return {"const": ["bbox", name]}


GEOMETRY_COLUMN = members(
    ["encoding", "geometry_types", "crs", "bbox", "covering"],
    encoding={"const": "WKB"},
    geometry_types={
        "type": "array",
        "items": {"enum": ["Polygon", "MultiPolygon"]},
        "minItems": 1,
        "uniqueItems": True,
    },
    crs=members(["$schema", "type", "name", "coordinate_system", "id"], name=TEXT),
    edges={"enum": ["planar", "spherical"]},
    orientation={"const": "counterclockwise"},
    bbox={"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4},
    epoch=NUMBER,
    covering=members(
        ["bbox"],
        bbox=members(
            ["xmin", "ymin", "xmax", "ymax"],
            **{name: covered_by(name) for name in ("xmin", "ymin", "xmax", "ymax")},
        ),
    ),
)
GEO = members(
    ["version", "primary_column", "columns"],
    version={"const": "1.1.0"},
    primary_column={"const": "geometry"},
    columns=members(["geometry"], geometry=GEOMETRY_COLUMN),
)


@pytest.mark.parametrize(
    ("crs", "tiles"), [("EPSG:4326", TILES), ("EPSG:3035", ["33UUP", "32VKN"])]
)
def test_geoparquet(tmp_path, crs, tiles):
    ids = [f"{PRODUCT}{tile}_{c:02d}_{r:02d}" for tile in tiles for c in (0, 90) for r in range(91)]
    path = written(tmp_path, footprint_table(metadata_of(ids), crs))
    file = pq.ParquetFile(path)
    geo = json.loads(file.metadata.metadata[b"geo"])
    jsonschema.validate(geo, GEO)
    column = geo["columns"]["geometry"]
    assert pyproj.CRS.from_json_dict(column["crs"]) == pyproj.CRS(crs)
    fields = {file.schema.column(i).path: file.schema.column(i) for i in range(len(file.schema))}
    assert fields["geometry"].physical_type == "BYTE_ARRAY"
    assert fields["geometry"].max_repetition_level == 0
    for name in ("xmin", "ymin", "xmax", "ymax"):
        assert fields[f"bbox.{name}"].physical_type == "DOUBLE"
    shapes = shapely.from_wkb(file.read()["geometry"].to_pylist())
    assert not shapely.has_z(shapes).any()
    assert sorted({shape.geom_type for shape in shapes}) == column["geometry_types"]
    np.testing.assert_array_equal(column["bbox"], shapely.total_bounds(shapes))
    boxes = file.read(columns=["bbox"])["bbox"].combine_chunks()
    np.testing.assert_array_equal(np.stack(boxes.flatten(), axis=1), shapely.bounds(shapes))
    middle = shapes[5].centroid.coords[0]
    some = gpd.read_parquet(path, bbox=(*middle, *middle))
    assert ids[5] in some["patch_id"].tolist() and len(some) < 10


@pytest.mark.parametrize("missing", ["version", "primary_column", "columns"])
def test_the_schema_can_fail(missing):
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {}}}
    del geo[missing]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(geo, GEO)


def test_large_files_have_groups_that_readers_can_skip(tmp_path):
    ids = [f"{PRODUCT}{t}_{c:02d}_{r:02d}" for t in TILES[:8] for c in range(91) for r in range(91)]
    groups = pq.ParquetFile(written(tmp_path, footprint_table(metadata_of(ids)))).metadata
    assert (groups.num_rows, groups.num_row_groups) == (len(ids), 4)


def test_squares_on_both_sides_of_the_180th_meridian_are_parted(tmp_path):
    ids = [f"{PRODUCT}60WXT_{c:02d}_20" for c in range(91)]
    ids += [f"{PRODUCT}01WCN_{c:02d}_20" for c in range(91)]
    table = footprint_table(metadata_of(ids))
    frame = gpd.read_parquet(written(tmp_path, table))
    parted = frame[frame.geometry.geom_type == "MultiPolygon"]
    assert set(parted["tile"]) == {"60WXT", "01WCN"}
    assert table.geometry_types == ("MultiPolygon", "Polygon")
    assert frame.is_valid.all()
    width = frame.bounds.maxx - frame.bounds.minx
    assert ((width > 359) == (frame.geometry.geom_type == "MultiPolygon")).all()
    # On the plane of the zone the parts are the whole square again, but for the meridian's curve.
    for epsg, some in parted.groupby("epsg"):
        flat = some.to_crs(epsg)
        assert (abs(flat.area - 1_440_000) < 100).all()
        assert (abs(flat.bounds.minx - flat.x) < 1e-3).all()
        assert (abs(flat.bounds.maxy - flat.y) < 1e-3).all()
        for shape in some.geometry:
            assert [part.exterior.is_ccw for part in shape.geoms] == [True, True]
            west, east = shape.geoms
            assert (west.bounds[2], east.bounds[0]) == (180, -180)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:999999", "is no known coordinate reference system"),
        ("", "is no known coordinate reference system"),
        ("EPSG:4978", "has not two axes"),  # geocentric
        ("EPSG:4979", "has not two axes"),  # with height
        ("EPSG:5773", "has not two axes"),  # heights only
        ("+proj=gnom +lat_0=-90 +datum=WGS84", "does not show .*33UUP_00_00 in one piece"),
    ],
)
def test_reference_systems_that_do_not_do(crs, message):
    with pytest.raises(OptionError, match=message):
        footprint_table(metadata_of([f"{PRODUCT}34HBH_00_00", f"{PRODUCT}33UUP_00_00"]), crs)


def test_a_projection_that_tears_a_square():
    ids = [f"{PRODUCT}60WXT_{c:02d}_20" for c in range(91)]
    with pytest.raises(OptionError, match="in one piece"):
        footprint_table(metadata_of(ids), "EPSG:3857")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("33UUP_91_00", "column 91, row 0 leaves tile 33UUP"),
        ("33UUP_00_99", "column 0, row 99 leaves tile 33UUP"),
        ("61UUP_00_00", "there is no zone 61"),
        ("33UAP_00_00", "zone 33 has the columns STUVWXYZ"),
        ("33UUF_00_00", "latitude band U does not reach row F"),
        ("31VGE_00_00", "outside zone 31 in band V"),
        ("32XMG_00_00", "there is no zone 32 in band X"),
    ],
)
def test_names_of_no_patch(name, message):
    ids = [f"{PRODUCT}33UUP_00_00", f"{PRODUCT}{name}"]
    with pytest.raises(PatchIdError, match=f"{name}' is no patch id: .*{message}"):
        footprint_table(metadata_of(ids))


def test_no_patches(tmp_path):
    frame = gpd.read_parquet(
        written(
            tmp_path,
            footprint_table(
                metadata_of([]).cast(
                    pa.schema({"patch_id": pa.string(), "labels": pa.list_(pa.string())})
                )
            ),
        )
    )
    assert len(frame) == 0


@given(st.data())
def test_patch_ids_are_told_from_other_texts(data):
    whole = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    texts = [whole, whole[:start] + data.draw(st.text(max_size=3)) + whole[end:], ""]

    def is_patch_id(text):
        try:
            return bool(parse_patch_id(text))
        except PatchIdError:
            return False

    assert are_patch_ids(texts).tolist() == [is_patch_id(text) for text in texts]
