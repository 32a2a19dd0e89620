import pytest

from benkit.domain.crs import is_utm


@pytest.mark.parametrize("system", ["EPSG:326", "EPSG:327", "EPSG:258"])
def test_utm_zones_are_01_to_60(system):
    zones = [number for number in range(100) if is_utm(f"{system}{number:02d}")]
    assert zones == list(range(1, 61))


@pytest.mark.parametrize("name", ["EPSG:4326", "EPSG:3035", "EPSG:326330", "32633", "EPSG:326٣٣"])
def test_other_systems_are_no_utm_zone(name):
    assert not is_utm(name)
