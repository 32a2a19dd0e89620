import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from benkit.domain.tiles import Tile, parse_tile
from benkit.errors import PatchIdError

# UTM zone and upper-left corner of real tiles. The first are those of original patches, worked back
# from their georeference. The others are from ESA's tiling grid of Sentinel-2 (the KML file
# S2A_OPER_GIP_TILPAR_MPC__20151209T095117_V20150622T000000_21000101T000000_B00): one tile a zone, in
# all 20 latitude bands; then the first and last zones, the tiles beyond 80 degrees south, Norway,
# Svalbard, squares that reach their zone in the next band only, and the equator from both sides.
REAL_TILES = [
    ("33UUP", 32633, 300000, 5400000), ("35ULA", 32635, 300000, 6100020),
    ("34WFS", 32634, 600000, 7200000), ("35VLJ", 32635, 300000, 6900000),
    ("33UWP", 32633, 499980, 5400000),
    ("01KDS", 32701, 399960, 7700020), ("02SQC", 32602, 699960, 3800040),
    ("03DWC", 32703, 499980, 2300020), ("04LGN", 32704, 699960, 8800000),
    ("05TQK", 32605, 699960, 5000040), ("06EXT", 32706, 600000, 3300040),
    ("07MBN", 32707, 199980, 9300040), ("08UPC", 32608, 600000, 5800020),
    ("09FVG", 32709, 399960, 4700020), ("10NFL", 32610, 600000, 600000),
    ("11VLF", 32611, 300000, 6600000), ("12GUU", 32712, 300000, 5400040),
    ("13PBS", 32613, 199980, 1700040), ("14WNC", 32614, 499980, 7800000),
    ("15HWD", 32715, 499980, 6400000), ("16QHE", 32616, 799980, 2000040),
    ("17XMH", 32617, 399960, 8800020), ("18JWL", 32718, 499980, 6600040),
    ("19RFK", 32619, 600000, 3000000), ("20CMD", 32720, 399960, 1900000),
    ("21KXA", 32721, 600000, 8100040), ("22SCG", 32622, 300000, 4200000),
    ("23DMA", 32723, 399960, 2100040), ("24LYJ", 32724, 699960, 8400040),
    ("25TDF", 32625, 399960, 4600020), ("26ENV", 32726, 499980, 3500020),
    ("27MUV", 32727, 300000, 10000000), ("28UDC", 32628, 399960, 5800020),
    ("29FNG", 32729, 499980, 4700020), ("30NUG", 32630, 300000, 200040),
    ("31VEJ", 32631, 499980, 6900000), ("32GLN", 32732, 300000, 4800040),
    ("33PTT", 32633, 199980, 1800000), ("34WFC", 32634, 600000, 7800000),
    ("35HPD", 32735, 600000, 6400000), ("36QWE", 32636, 499980, 2000040),
    ("37XDC", 32637, 399960, 8300040), ("38JLL", 32738, 300000, 6600040),
    ("39RTH", 32639, 199980, 2800020), ("40CDA", 32740, 399960, 1600000),
    ("41KLR", 32741, 300000, 7600000), ("42SYE", 32642, 699960, 4000020),
    ("43DDG", 32743, 399960, 2700040), ("44LRQ", 32744, 799980, 9000040),
    ("45TUM", 32645, 300000, 5200020), ("46EDB", 32746, 399960, 3700000),
    ("47MMM", 32747, 399960, 9200020), ("48UWC", 32648, 499980, 5800020),
    ("49FDD", 32749, 399960, 4400020), ("50NNN", 32650, 499980, 800040),
    ("51VVG", 32651, 399960, 6700020), ("52GCV", 32752, 300000, 5500000),
    ("53PRR", 32653, 799980, 1600020), ("54WXE", 32654, 600000, 8000040),
    ("55HCD", 32755, 300000, 6400000), ("56QRL", 32656, 799980, 2600040),
    ("57XWB", 32657, 499980, 8200020), ("58JDP", 32758, 399960, 6900040),
    ("59RKJ", 32659, 199980, 2900040), ("60CWA", 32760, 499980, 1600000),
    ("01CCV", 32701, 300000, 2000020), ("60CWE", 32760, 499980, 2000020),
    ("01CDH", 32701, 399960, 800020), ("31VCC", 32631, 300000, 6300000),
    ("31VEL", 32631, 499980, 7100040), ("31VFC", 32631, 600000, 6300000),
    ("31VFL", 32631, 600000, 7100040), ("32VKN", 32632, 199980, 6800040),
    ("32VKL", 32632, 199980, 6600000), ("32VLJ", 32632, 300000, 6400020),
    ("32VPR", 32632, 600000, 7100040), ("31XDA", 32631, 399960, 8100000),
    ("31XGA", 32631, 699960, 8100000), ("31XFJ", 32631, 600000, 8900040),
    ("33XUB", 32633, 300000, 8200020), ("33XVP", 32633, 399960, 9400020),
    ("33XXL", 32633, 600000, 9100020), ("33XYA", 32633, 699960, 8100000),
    ("35XLF", 32635, 300000, 8600040), ("35XPL", 32635, 600000, 9100020),
    ("35XQA", 32635, 699960, 8100000), ("37XCA", 32637, 300000, 8100000),
    ("37XEP", 32637, 499980, 9400020), ("37XFA", 32637, 600000, 8100000),
    ("31WGV", 32631, 699960, 8000040), ("33NZA", 32633, 799980, 100020),
    ("33MZV", 32733, 799980, 10000000), ("19HCC", 32719, 300000, 6300040),
    ("56HLH", 32756, 300000, 6300040), ("34HBH", 32734, 199980, 6300040),
    ("60GUV", 32760, 300000, 5500000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "epsg", "west", "north"), REAL_TILES)
def test_real_tiles(name, epsg, west, north):
    assert parse_tile(name) == Tile(name, epsg, west, north)


def test_the_table_holds_every_zone_and_band():
    names = [name for name, *_ in REAL_TILES]
    assert {name[:2] for name in names} == {f"{zone:02d}" for zone in range(1, 61)}
    assert {name[2] for name in names} == set(BANDS)


@pytest.mark.parametrize(
    "name",
    ["", "33UU", "33UUPX", "33uup", "00UUP", "61UUP", "33IUP", "33UIP", "33UUI", "33UUW", "33UAP",
     "32XMG", "34XMG", "36XMG", "33CUK", "３３UUP",
     # ground of the next zone, where Norway and Svalbard widen it
     "31VFE", "31VGH", "31VHK", "31XHD", "33XSG", "33XZD", "35XRE", "37XGA", "37XGK",
     # outside their zone, since meridians come together towards the poles
     "33WTS", "33WYT", "60CUA", "60CZE"],
)  # fmt: skip
def test_refuses_what_is_no_tile(name):
    with pytest.raises(PatchIdError, match="is no MGRS tile"):
        parse_tile(name)


BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
ROWS = "ABCDEFGHJKLMNPQRSTUV"


def grid_zone(zone: int, band: str) -> tuple[float, float, float, float] | None:
    """West, east, south and north of a grid zone in degrees."""
    odd = {
        "31V": (0, 3), "32V": (3, 12), "31X": (0, 9), "33X": (9, 21), "35X": (21, 33),
        "37X": (33, 42), "32X": None, "34X": None, "36X": None,
    }  # fmt: skip
    limits = odd.get(f"{zone}{band}", (6 * zone - 186, 6 * zone - 180))
    south = -80 + 8 * BANDS.index(band)
    south, north = -84 if band == "C" else south, south + (12 if band == "X" else 8)
    return limits and (*limits, south, north)


def squares_of(zone: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Longitudes and latitudes of points all over every 100 km square of a zone, by its name."""
    steps = np.linspace(0, 100_000, 7)
    right, up = (part.ravel() for part in np.meshgrid(steps, steps))
    names, easts, norths = [], [], []
    for row in range(-94, 94):
        for column in range(8):
            name = COLUMNS[zone % 3][column] + ROWS[(row + (5 if zone % 2 == 0 else 0)) % 20]
            names.append(("S" if row < 0 else "N", name))
            easts.append((column + 1) * 100_000 + right)
            norths.append(row * 100_000 + up)
    to_degrees = Transformer.from_crs(32600 + zone, 4326, always_xy=True)
    longitudes, latitudes = to_degrees.transform(np.array(easts), np.array(norths))
    central = 6 * zone - 183
    longitudes = (longitudes - central + 180) % 360 - 180 + central
    return dict(zip(enumerate(names), zip(longitudes, latitudes, strict=True), strict=True))


def meets(points, limits, slack: float = 0) -> bool:
    """Whether any of some points lies within limits, or at most some degrees of latitude away."""
    if limits is None:
        return False
    (longitude, latitude), (west, east, south, north) = points, limits
    wide = slack / np.cos(np.radians(latitude))
    across = (longitude > west - wide) & (longitude < east + wide)
    return bool((across & (latitude > south - slack) & (latitude < north + slack)).any())


@pytest.mark.parametrize("zone", [1, 31, 32, 33, 34, 35, 37, 60])
def test_a_square_is_a_tile_if_it_meets_its_grid_zone(zone):
    accepted = 0
    for (_, (side, letters)), points in squares_of(zone).items():
        for index, band in enumerate(BANDS):
            far = abs(points[1].mean() + 76 - 8 * index) > 9
            if far or (side == "N") != (band >= "N"):
                continue
            name = f"{zone:02d}{band}{letters}"
            try:
                parse_tile(name)
            except PatchIdError:
                assert not meets(points, grid_zone(zone, band)), name
            else:
                accepted += 1
                near = BANDS[max(index - 1, 0) : index + 2]
                assert any(meets(points, grid_zone(zone, b), slack=0.2) for b in near), name
    assert accepted > 500


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
    assert (tile.north - (10_000_000 if latitude < 0 else 0)) % 60 == 0
    assert tile.epsg == (32600 if latitude >= 0 else 32700) + int(name[:2])
