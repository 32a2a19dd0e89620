"""Bands of one patch cover the same ground, where the patch's name does not tell which."""

import pytest

import benkit
from benkit.engine import Engine
from tests.making import write_raster

LAYOUT = """\
name = "own"
folder = "{patch}"
file = "{band}.tif"
[every_band]
size = [4, 6]
[bands]
red = {}
nir = {}
swir = { size = [2, 3] }
"""
UTM = {"west": 600_000.0, "north": 5_400_000.0, "pixel": (12.0, 8.0), "crs": "EPSG:32633"}
DEGREES = {"west": 7.1, "north": -3.4, "pixel": (0.0004, 0.0001), "crs": "EPSG:4326"}


def audited(tmp_path, place, **changed):
    (tmp_path / "own.toml").write_text(LAYOUT)
    for band, times in (("red", 1), ("nir", 1), ("swir", 2)):
        options = {"size": (4 // times, 6 // times)} | place
        options["pixel"] = tuple(times * side for side in place["pixel"])
        write_raster(
            tmp_path / "archive" / "p1" / f"{band}.tif", **(options | changed.get(band, {}))
        )
    inventory = tmp_path / "i.parquet"
    layout = tmp_path / "own.toml"
    benkit.scan(tmp_path / "archive", inventory, layout=layout, engine=Engine(workers=1))
    return benkit.audit(inventory).findings.to_pylist()


@pytest.mark.parametrize("place", [UTM, DEGREES], ids=["metres", "degrees"])
@pytest.mark.parametrize(
    ("band", "pixels", "is_found"),
    [("nir", 0.05, False), ("nir", 0.2, True), ("swir", 0.9, False), ("swir", 1.1, True)],
)
@pytest.mark.parametrize("edge", ["west", "north"])
def test_a_band_apart_by_a_part_of_a_pixel_is_found(tmp_path, place, band, pixels, is_found, edge):
    moved = {edge: place[edge] + pixels * place["pixel"][edge == "north"]}
    found = audited(tmp_path, place, **{band: moved})
    assert [(one["kind"], one["patch_id"], one["band"]) for one in found] == (
        [("crs_disagreement", "p1", None)] if is_found else []
    )
    assert all(f"{band} from " in one["reason"] for one in found)


def test_a_band_of_larger_pixels_or_without_georeference_covers_other_ground(tmp_path):
    wide = (UTM["pixel"][0] * 1.1, UTM["pixel"][1])
    (found,) = audited(tmp_path, UTM, nir={"pixel": wide})
    assert found["reason"] == (
        "its bands cover different ground: nir from 600000, 5400000 to 600052.8, 5399952; "
        "red swir from 600000, 5400000 to 600048, 5399952"
    )


def test_a_band_of_another_size_is_found_once_where_it_begins_at_the_same_corner(tmp_path):
    found = audited(tmp_path, UTM, nir={"size": (3, 6)})
    assert [(one["kind"], one["band"]) for one in found] == [("wrong_size", "nir")]


def test_bands_with_and_without_a_place_disagree(tmp_path):
    found = audited(tmp_path, UTM, red={"west": None})
    assert [(one["kind"], one["band"]) for one in found] == [
        ("crs_disagreement", None), ("wrong_georeference", "red"),
    ]  # fmt: skip
    assert found[0]["reason"] == (
        "its bands cover different ground: nir swir from 600000, 5400000 to 600048, 5399952; red none"
    )


def test_pixels_of_another_size_than_that_of_the_layout_are_found(tmp_path, monkeypatch):
    monkeypatch.setitem(
        globals(), "LAYOUT", LAYOUT.replace("size = [4, 6]", "size = [4, 6]\npixel_size = 10")
    )
    found = audited(tmp_path, {**UTM, "pixel": (10.0, 10.0)})
    assert [(one["kind"], one["band"], one["reason"]) for one in found] == [
        ("wrong_georeference", "swir", "pixels of 20 m; expected pixels of 10 m")
    ]


def test_bands_in_two_reference_systems_without_codes_disagree(tmp_path):
    local = [
        f"+proj=laea +lat_0=48 +lon_0={east} +datum=WGS84 +units=m +no_defs" for east in (9, 10)
    ]
    (found,) = audited(tmp_path, UTM | {"crs": local[0]}, nir={"crs": local[1]})
    assert (found["kind"], found["reason"].count("unknown")) == ("crs_disagreement", 2)
