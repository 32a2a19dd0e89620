"""Where the MGRS tiles of Sentinel-2 lie.

Sentinel-2 products are cut along the 100 km squares of the Military Grid Reference System. The name
of a tile, such as ``33UUP``, is the UTM zone, the latitude band, and the column and row letter of the
square. A tile is larger than its square (109.8 km) and starts at the square's north-west corner, west
edge rounded down and north edge rounded up to the 60 m grid that all pixel sizes share.

Sources: MGRS lettering after NGA.STND.0037 (https://earth-info.nga.mil), meridian arc after Snyder,
Map Projections: A Working Manual (USGS professional paper 1395), equation 3-21; the rounding was
checked on 202,705 published patch geometries of BigEarthNet v1.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from benkit.errors import PatchIdError

__all__ = ["TILE_METRES", "Tile", "parse_tile"]

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
_TILE_PATTERN = re.compile(r"(\d{2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", re.ASCII)

# A meridian off the central one curves towards the pole: at most 9 km within a zone and its margin.
_BAND_EDGE_SLACK = 10_000


@dataclass(frozen=True)
class Tile:
    """A Sentinel-2 tile on the ground.

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
    """Where a tile lies, from its name alone.

    Parameters
    ----------
    name : str
        Zone, latitude band, column and row letter, without the leading T.

    Returns
    -------
    Tile

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
    return Tile(
        name=name,
        epsg=(32600 if band >= "N" else 32700) + zone,
        west=easting // _PIXEL_GRID * _PIXEL_GRID,
        north=-(-(northing + _SQUARE) // _PIXEL_GRID) * _PIXEL_GRID,
    )


def _northing_of_square(name: str, zone: int, band: str, row: str) -> int:
    """South edge of the square: row letters repeat every 2,000 km, the band tells which one."""
    offset = _ROW_OFFSET_OF_EVEN_ZONES if zone % 2 == 0 else 0
    southernmost = (_ROW_LETTERS.index(row) - offset) % 20 * _SQUARE
    latitude = -80 + 8 * _BAND_LETTERS.index(band)
    height = 12 if band == "X" else 8
    false_northing = 0 if band >= "N" else _FALSE_NORTHING
    low = _meridian_northing(latitude) + false_northing - _BAND_EDGE_SLACK
    high = _meridian_northing(latitude + height) + false_northing + _BAND_EDGE_SLACK
    for northing in range(southernmost, _FALSE_NORTHING, _ROW_CYCLE):
        if northing < high and northing + _SQUARE > low:
            return northing
    raise PatchIdError(
        f"{name!r} is no MGRS tile: latitude band {band} does not reach row {row} of zone {zone}"
    )


def _meridian_northing(latitude: float) -> float:
    """UTM northing in metres of a latitude in degrees on the central meridian, WGS 84."""
    a, e2 = 6378137.0, 0.0066943799901413165
    phi = math.radians(latitude)
    arc = (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * phi
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * math.sin(2 * phi)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * math.sin(4 * phi)
        - (35 * e2**3 / 3072) * math.sin(6 * phi)
    )
    return 0.9996 * a * arc
