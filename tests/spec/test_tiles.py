import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from benkit.errors import PatchIdError
from benkit.spec.tiles import Tile, parse_tile


@pytest.mark.parametrize(
    ("name", "epsg", "west", "north"),
    [
        # DOMAIN facts and corners of real patches, worked back from their georeference
        ("33UUP", 32633, 300000, 5400000),
        ("35ULA", 32635, 300000, 6100020),
        ("34WFS", 32634, 600000, 7200000),
        ("35VLJ", 32635, 300000, 6900000),
        ("33UWP", 32633, 499980, 5400000),
        # the equator, from both sides
        ("33NZA", 32633, 799980, 100020),
        ("33MZV", 32733, 799980, 10000020),
    ],
)
def test_known_corners(name, epsg, west, north):
    assert parse_tile(name) == Tile(name, epsg, west, north)


@pytest.mark.parametrize(
    "name",
    ["", "33UU", "33UUPX", "33uup", "00UUP", "61UUP", "33IUP", "33UIP", "33UUI", "33UUW", "33UAP",
     "32XMG", "34XMG", "36XMG", "33CUK", "３３UUP"],
)  # fmt: skip
def test_refuses_what_is_no_tile(name):
    with pytest.raises(PatchIdError, match="is no MGRS tile"):
        parse_tile(name)


def reference_square(latitude: float, longitude: float) -> tuple[str, int, int]:
    """Name and south-west corner of the 100 km square around a point, from pyproj's coordinates."""
    zone = int((longitude + 180) // 6) + 1
    south = latitude < 0
    to_utm = Transformer.from_crs(4326, (32700 if south else 32600) + zone, always_xy=True)
    x, y = to_utm.transform(longitude, latitude)
    column, row = int(x // 100_000), int(y // 100_000)
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    column_letter = letters[(zone - 1) % 3 * 8 + column - 1]
    row_letter = letters[:20][(row + (5 if zone % 2 == 0 else 0)) % 20]
    band = "CDEFGHJKLMNPQRSTUVWXX"[int((latitude + 80) // 8)]
    return f"{zone:02d}{band}{column_letter}{row_letter}", column * 100_000, row * 100_000


# Norway and Svalbard have zones of their own; there the plain formula of the zone is wrong.
ordinary_latitudes = st.floats(-79.9, 55.9).filter(lambda latitude: abs(latitude) > 1e-6)


@given(ordinary_latitudes, st.floats(-179.9, 179.9))
def test_square_holds_the_point_that_names_it(latitude, longitude):
    name, west, south = reference_square(latitude, longitude)
    tile = parse_tile(name)
    assert tile.west <= west < tile.west + 60
    assert tile.north - 60 < south + 100_000 <= tile.north
    assert tile.west % 60 == 0
    assert tile.north % 60 == 0
    assert tile.epsg == (32600 if latitude >= 0 else 32700) + int(name[:2])
