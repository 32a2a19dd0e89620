"""Where a patch lies, worked out from its id alone and without the library under test."""

import re
from dataclasses import dataclass

PATCH_ID = re.compile(
    r"S2[AB]_MSIL2A_(?P<sensed>\d{8})T\d{6}_N\d{4}_R\d{3}"
    r"_T(?P<zone>\d\d)(?P<band>[C-X])(?P<easting>[A-Z])(?P<northing>[A-Z])"
    r"_(?P<column>\d\d)_(?P<row>\d\d)"
)

PATCH_METRES = 1200

# Letters of the 100 km columns, by zone modulo 3, from 100 km east on.
EASTINGS = {1: "ABCDEFGH", 2: "JKLMNPQR", 0: "STUVWXYZ"}
# Letters of the 100 km rows from the equator on; in zones of even number they start five later.
NORTHINGS = "ABCDEFGHJKLMNPQRSTUV"
# Northing in metres below which no point of a latitude band lies: the row letters repeat every
# 2000 km, and this says which of the repetitions is meant.
BAND_SOUTH = {
    "N": 0,
    "P": 800_000,
    "Q": 1_700_000,
    "R": 2_600_000,
    "S": 3_500_000,
    "T": 4_400_000,
    "U": 5_300_000,
    "V": 6_200_000,
    "W": 7_000_000,
    "X": 7_900_000,
}


@dataclass(frozen=True)
class Ground:
    """The square of a patch: UTM zone, and west and north edge in metres of EPSG:326zz."""

    zone: int
    west: int
    north: int

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """West, south, east, north."""
        return (self.west, self.north - PATCH_METRES, self.west + PATCH_METRES, self.north)


def ground_of(patch_id: str) -> Ground:
    """The square that a patch id stands for."""
    match = PATCH_ID.fullmatch(patch_id)
    assert match, f"{patch_id} is no patch id"
    zone = int(match["zone"])

    west = 100_000 * (EASTINGS[zone % 3].index(match["easting"]) + 1)
    while west % 60:
        west -= 1

    letter = NORTHINGS.index(match["northing"])
    if zone % 2 == 0:
        letter = (letter - 5) % 20
    south = 100_000 * letter
    while south < BAND_SOUTH[match["band"]]:
        south += 2_000_000
    north = south + 100_000
    while north % 60:
        north += 1

    return Ground(
        zone=zone,
        west=west + PATCH_METRES * int(match["column"]),
        north=north - PATCH_METRES * int(match["row"]),
    )
