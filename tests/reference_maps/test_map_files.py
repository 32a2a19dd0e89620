import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from rasterio.transform import Affine

from benkit.errors import InputFormatError, MissingInputError, RasterError
from benkit.reference_maps.land_cover import measure_land_cover
from benkit.reference_maps.map_files import find_maps, polygon_files
from benkit.reference_maps.read_map import read_map_pixels, read_map_polygons
from tests.making import SQUARE, write_map, write_map_tiff

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"


def test_maps_are_found_at_any_depth_and_sorted(tmp_path):
    for name in ("b_reference_map.parquet", "a.parquet", ".c.parquet", "readme.txt", "d.tif"):
        (tmp_path / name).touch()
    left = (".x/f.parquet", "__MACOSX/g.parquet", "._a.parquet", "@eaDir/h_reference_map.tif")
    for name in (f"{PRODUCT}/c/c_reference_map.tif", f"{PRODUCT}/e/e.parquet", *left):
        (tmp_path / "one" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "one" / name).touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "0_reference_map.tif").touch()
    expected = {
        "a": "a.parquet",
        "b": "b_reference_map.parquet",
        "c": f"one/{PRODUCT}/c/c_reference_map.tif",
        "e": f"one/{PRODUCT}/e/e.parquet",
    }
    first = {patch: tmp_path / name for patch, name in expected.items()}
    both = {"0": tmp_path / "other" / "0_reference_map.tif"} | first
    assert list(find_maps(tmp_path).items()) == list(both.items())
    assert list(find_maps(tmp_path / "other", tmp_path / "one")) == ["0", "c", "e"]
    directly = {patch: first[patch] for patch in ("a", "b")}
    assert find_maps(tmp_path, only_polygons=True) == directly
    assert polygon_files(tmp_path) == list(directly.values())


def test_maps_with_suffixes_in_capitals_or_spelt_otherwise_are_not_passed_over(tmp_path):
    write_map(tmp_path, "a", [211], [SQUARE])
    for patch, suffix in (("b", "PARQUET"), ("c", "geoparquet"), ("d", "GeoParquet")):
        write_map(tmp_path, patch, [211], [SQUARE])
        file = tmp_path / f"{patch}_reference_map.parquet"
        file.rename(file.with_suffix(f".{suffix}"))
    for patch, suffix in (("e", "TIF"), ("f", "tiff")):
        file = write_map_tiff(tmp_path, patch, np.full((120, 120), 211, np.uint16))
        file.rename(file.with_suffix(f".{suffix}"))
    cover = measure_land_cover(tmp_path)
    assert cover.patch_ids == tuple("abcdef")
    assert cover.code.tolist() == [211] * 6 and cover.area.tolist() == [1_440_000] * 6
    assert [path.name[0] for path in polygon_files(tmp_path)] == list("abcd")


@pytest.mark.parametrize("only_polygons", [False, True])
def test_what_is_no_folder_of_maps_is_refused(tmp_path, only_polygons):
    (tmp_path / "file").touch()
    for name, there in (("none", "nothing"), ("file", "a file")):
        with pytest.raises(MissingInputError) as caught:
            find_maps(tmp_path / name, only_polygons=only_polygons)
        assert str(caught.value) == (
            f"{tmp_path / name}: expected a folder of reference maps, but there is {there}"
        )
    with pytest.raises(MissingInputError, match=r"there is none in it$"):
        find_maps(tmp_path, only_polygons=only_polygons)


def test_a_second_map_of_a_patch_is_refused(tmp_path):
    (tmp_path / "a.parquet").touch()
    write_map_tiff(tmp_path, "a", np.full((2, 2), 111, np.uint16))
    with pytest.raises(InputFormatError, match=r"a_reference_map\.tif: .*a\.parquet is also of a"):
        find_maps(tmp_path)
    assert find_maps(tmp_path, only_polygons=True) == {"a": tmp_path / "a.parquet"}
    (tmp_path / "a_reference_map.parquet").touch()
    with pytest.raises(InputFormatError) as caught:
        find_maps(tmp_path, only_polygons=True)
    assert str(caught.value) == (
        f"{tmp_path / 'a_reference_map.parquet'}: expected one reference map a patch, "
        f"but {tmp_path / 'a.parquet'} is also of a; remove one"
    )


def test_geometries_in_a_column_of_another_name(tmp_path):
    frame = gpd.GeoDataFrame({"DN": [312]}, geometry=[SQUARE], crs=32633)
    frame.rename_geometry("ground").to_parquet(tmp_path / "a.parquet")
    found = read_map_polygons(tmp_path / "a.parquet")
    assert (found.crs, found.code.tolist()) == ("EPSG:32633", [312])
    assert found.geometry.to_pylist() == [SQUARE.wkb]


def test_pixels_are_counted_without_those_that_are_no_data(tmp_path):
    codes = np.array([[111, 0, 523], [999, 111, 0]], np.uint16)
    found = read_map_pixels(write_map_tiff(tmp_path, "a", codes, compress="deflate", predictor=2))
    assert (found.crs, found.pixel_area) == ("EPSG:32633", 100)
    assert (found.code.tolist(), found.pixels.tolist()) == ([111, 523, 999], [2, 1, 1])
    turned = Affine(6, 16, 300_000, 8, -12, 5_400_000)  # sides of 10 and 20 at right angles
    assert read_map_pixels(write_map_tiff(tmp_path, "b", codes, transform=turned)).pixel_area == 200
    other = np.where(codes == 0, 65_535, codes).astype(np.uint16)
    assert read_map_pixels(write_map_tiff(tmp_path, "c", other, nodata=65_535)).pixels.tolist() == [
        2,
        1,
        1,
    ]
    other = np.where(codes == 0, -9, codes).astype(np.int16)
    found = read_map_pixels(write_map_tiff(tmp_path, "d", other, nodata=-9, crs=None))
    assert (found.crs, found.code.tolist()) == (None, [111, 523, 999])


@pytest.mark.parametrize(
    ("options", "dtype", "message"),
    [
        ({"nodata": None}, "uint16", r"such as 111 or 523, or 999, but there is 0"),
        ({"nodata": 999}, "uint16", r"but there is 0"),
        ({"count": 2}, "uint16", "there are 2 of uint16"),
        ({}, "float32", "there is 1 of float32"),
        ({"transform": None}, "uint16", "expected a georeference"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_pixels_that_are_something_else(tmp_path, options, dtype, message):
    path = write_map_tiff(tmp_path, "a", np.array([[111, 0]], dtype), **options)
    with pytest.raises(InputFormatError, match=message) as caught:
        read_map_pixels(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_pixels_that_a_mask_hides_are_refused_and_not_counted(tmp_path):
    path = write_map_tiff(tmp_path, "a", np.array([[111, 523]], np.uint16), nodata=None)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
        target.write_mask(np.array([[True, False]]))
    with pytest.raises(InputFormatError, match="but the file has a mask; write it again") as caught:
        read_map_pixels(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64])
def test_codes_of_any_integers_that_hold_them_are_read(tmp_path, dtype):
    """Types of eight bits hold codes too, but not the limit that codes are below."""
    codes = np.array([[111, 112]], dtype)
    found = read_map_pixels(write_map_tiff(tmp_path, "a", codes))
    assert found.code.tolist() == [111, 112]
    table = pa.table({"DN": codes[0], "geometry": [SQUARE.wkb] * 2})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_map_polygons(tmp_path / "a.parquet").code.tolist() == [111, 112]
    for wrong in (7, np.iinfo(dtype).max):
        table = pa.table({"DN": np.array([111, wrong], dtype), "geometry": [SQUARE.wkb] * 2})
        pq.write_table(table, tmp_path / "a.parquet")
        with pytest.raises(InputFormatError, match=f"but there is {wrong}$"):
            read_map_polygons(tmp_path / "a.parquet")


@pytest.mark.parametrize("code", [1, 114, 1111, 60_000])
def test_unknown_codes_name_file_and_code(tmp_path, code):
    path = write_map_tiff(tmp_path, "a", np.array([[111, code]], np.uint16))
    with pytest.raises(InputFormatError, match=rf"a_reference_map\.tif: .* there is {code}$"):
        read_map_pixels(path)


def test_a_file_that_is_no_tiff(tmp_path):
    (tmp_path / "a_reference_map.tif").write_bytes(b"PAR1")
    with pytest.raises(RasterError, match=r"a_reference_map\.tif: cannot be read as a GeoTIFF"):
        read_map_pixels(tmp_path / "a_reference_map.tif")
