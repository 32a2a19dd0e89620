"""Reference systems are judged by what they mean, however they are spelled."""

import json

import pytest
from pyproj import CRS

from benkit.domain.crs import is_utm, one_name, shown_crs


def without_ids(definition):
    """A definition in JSON without the codes that it names."""
    if isinstance(definition, dict):
        return {key: without_ids(value) for key, value in definition.items() if key != "id"}
    return [without_ids(one) for one in definition] if isinstance(definition, list) else definition


UTM_33N = CRS(32633)
ESRI = UTM_33N.to_wkt("WKT1_ESRI")
SPELLINGS = {
    "WKT1": UTM_33N.to_wkt("WKT1_GDAL"),
    "WKT2": UTM_33N.to_wkt("WKT2_2019"),
    "ESRI": ESRI,
    "PROJJSON": UTM_33N.to_json(),
    "PROJJSON without codes": json.dumps(without_ids(UTM_33N.to_json_dict())),
    "PROJJSON of ESRI names": json.dumps(without_ids(CRS(ESRI).to_json_dict())),
    "lower case": "epsg:32633",
    "a number": "32633",
    "URN": "urn:ogc:def:crs:EPSG::32633",
    "URL": "http://www.opengis.net/def/crs/EPSG/0/32633",
    "PROJ": "+proj=utm +zone=33 +datum=WGS84 +type=crs",
    "PROJ, init": "+init=epsg:32633",
    "PROJ, parameters": "+proj=tmerc +lon_0=15 +k=0.9996 +x_0=500000 +datum=WGS84 +type=crs",
    "bound": "+proj=utm +zone=33 +ellps=WGS84 +towgs84=0,0,0 +type=crs",
    "with heights": "EPSG:32633+5773",
    "with ellipsoidal heights": UTM_33N.to_3d().to_wkt(),
}


@pytest.mark.parametrize("system", ["EPSG:326", "EPSG:327", "EPSG:258"])
def test_utm_zones_of_epsg(system):
    zones = [number for number in range(100) if is_utm(f"{system}{number:02d}")]
    assert zones == list(range(28, 39) if system == "EPSG:258" else range(1, 61))


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.filterwarnings("error")
def test_every_spelling_is_the_same_zone(name):
    assert is_utm(SPELLINGS[name])
    known = "EPSG:32633" if name != "bound" else one_name(SPELLINGS[name])
    assert one_name(SPELLINGS[name]) == known


def test_the_order_of_axes_does_not_matter():
    assert [one_name(f"EPSG:{code}") for code in (3040, 3045, 3050)] == [
        "EPSG:25828", "EPSG:25833", "EPSG:25838",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "code"), [("CRS84", 4326), ("CRS83", 4269), ("CRS27", 4267)])
def test_longitude_before_latitude_is_no_other_system(name, code):
    for spelling in (f"OGC:{name}", CRS(f"OGC:{name}").to_wkt(), f"EPSG:{code}"):
        assert one_name(spelling) == f"EPSG:{code}"


@pytest.mark.parametrize("code", [23033, 26915, 31983, 32233, 3051])
def test_zones_of_other_datums_are_utm(code):
    assert is_utm(f"EPSG:{code}")
    assert one_name(f"EPSG:{code}") == f"EPSG:{code}"


@pytest.mark.parametrize(
    "name",
    [
        "EPSG:4326", "EPSG:3035", "EPSG:3857", "EPSG:326330", "EPSG:326٣٣", "OGC:CRS84", "",
        "EPSG:32661", "EPSG:32761",  # polar
        "EPSG:32664", "EPSG:32665", "EPSG:32666", "EPSG:32667",  # feet
        "EPSG:25884", "EPSG:31467", "EPSG:2180", "EPSG:27573",
        "EPSG:4978", "EPSG:5773", "IAU_2015:49900", "nonsense", "x" * 10_000,
        "+proj=utm +zone=33 +datum=WGS84 +units=us-ft +type=crs",
        "+proj=utm +zone=33 +datum=WGS84 +units=km +type=crs",
        "+proj=utm +zone=33 +a=1737400 +b=1737400 +type=crs",  # the Moon
        "+proj=tmerc +lon_0=15 +k=0.9997 +x_0=500000 +datum=WGS84 +type=crs",
        "+proj=tmerc +lon_0=15 +k=0.9996 +x_0=500000 +datum=WGS84 +pm=paris +type=crs",
        "+proj=tmerc +lon_0=16 +k=0.9996 +x_0=500000 +datum=WGS84 +type=crs",
        "+proj=tmerc +lon_0=15 +k=0.9996 +x_0=500000 +y_0=5 +datum=WGS84 +type=crs",
        "+proj=tmerc +lon_0=15 +k=0.9996 +x_0=500000 +datum=WGS84 +axis=wsu +type=crs",
    ],
)  # fmt: skip
def test_other_systems_are_no_utm_zone(name):
    assert not is_utm(name)


def test_a_message_shows_a_name_instead_of_a_long_definition():
    laea = CRS(3035)
    assert shown_crs("EPSG:3035") == "EPSG:3035"
    assert shown_crs(laea.to_wkt()) == shown_crs(laea.to_json()) == laea.name
    assert shown_crs("x\n" * 1000) == r"x\n" * 40
