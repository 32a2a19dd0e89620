import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given

from benkit.domain.patch_names import parse_patch_id, parse_product
from benkit.errors import PatchIdError
from tests.making import EXAMPLE, patch_ids


@given(patch_ids)
def test_format_and_parse_are_inverse(patch):
    assert parse_patch_id(str(patch)) == patch
    assert str(parse_patch_id(str(patch))) == str(patch)


@given(patch_ids)
def test_footprint_lies_in_the_tile(patch):
    tile, place = patch.product.tile, patch.footprint
    assert tile.west <= place.x <= tile.west + 109_800 - 1200
    assert tile.north - 109_800 + 1200 <= place.y <= tile.north
    assert (place.x - tile.west) % 1200 == (tile.north - place.y) % 1200 == 0


@pytest.mark.parametrize(
    ("day", "season"),
    [("0228", "winter"), ("0301", "spring"), ("0531", "spring"), ("0601", "summer"),
     ("0831", "summer"), ("0901", "fall"), ("1130", "fall"), ("1201", "winter")],
)  # fmt: skip
def test_season_changes_with_the_month(day, season):
    assert parse_product(f"S2A_MSIL2A_2018{day}T235959_N9999_R022_T33UUP").season == season


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE[:-3],
        EXAMPLE + "\n",
        EXAMPLE.replace("S2B", "S2E"),
        EXAMPLE.replace("_33_29", "_91_29"),
        EXAMPLE.replace("_33_29", "_33_91"),
        EXAMPLE.replace("_33_29", "_3_29"),
        EXAMPLE.replace("_33_29", "_-3_29"),
        EXAMPLE.replace("_33_29", "_٣٣_29"),
        EXAMPLE.replace("20170808", "20170230"),
        EXAMPLE.replace("T094029", "T246060"),
        EXAMPLE.replace("T35ULA", "T35UIA"),
        "../" + EXAMPLE,
    ],
)
def test_refuses_what_is_no_patch_id(text):
    with pytest.raises(PatchIdError, match="is no patch id"):
        parse_patch_id(text)


@pytest.mark.parametrize(
    "name", ["S2A_MSIL2A_20170613T101031_26_57", "S2A_MSIL2A_20170905T95032_0_0"]
)
def test_a_name_of_version_1_is_told_where_to_look(name):
    with pytest.raises(PatchIdError, match=f"'{name}' is no patch id: .*s2v1_name"):
        parse_patch_id(name)


def test_every_name_of_version_1_and_no_patch_id_is_taken_for_one(shared_data):
    table = pq.read_table(shared_data / "metadata.parquet", columns=["patch_id", "s2v1_name"])
    for name in table["s2v1_name"].to_pylist():
        with pytest.raises(PatchIdError, match="s2v1_name"):
            parse_patch_id(name)
    one_a_product = {name[:-6]: name for name in table["patch_id"].to_pylist()}
    assert [str(parse_patch_id(name)) for name in one_a_product.values()] == [
        *one_a_product.values()
    ]


def test_footprints_equal_the_published_geometries(shared_data):
    table = pq.read_table(shared_data / "metadata.parquet", columns=["patch_id", "s2v1_name"])
    patch_of = dict(zip(table["s2v1_name"].to_pylist(), table["patch_id"].to_pylist(), strict=True))
    checked = 0
    for file in sorted((shared_data / "v1-footprints").glob("*.parquet")):
        published = pq.read_table(file)
        bounds = shapely.bounds(shapely.from_wkb(published["geom"].to_pylist()))
        for name, (west, south, east, north) in zip(
            published["patch_name"].to_pylist(), bounds.tolist(), strict=True
        ):
            if name in patch_of:
                place = parse_patch_id(patch_of[name]).footprint
                assert (place.x, place.y) == (west, north), name
                assert (east - west, north - south) == (1200, 1200), name
                assert file.stem.endswith(str(place.epsg)), name
                checked += 1
    assert checked > 1000
