"""Patch ids and product names: product, date, tile and footprint.

A patch id is ``<mission>_<level>_<sensing start>_<baseline>_<relative orbit>_<tile>_<column>_<row>``.
All but the last two parts name the product, a tile on a date. Columns count from the tile's west edge
and rows from its north edge, both from 0.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from benkit.domain.seasons import season_of_month
from benkit.domain.tiles import TILE_METRES, Tile, parse_tile
from benkit.errors import PatchIdError

PATCH_METRES = 1200
"""Side of a patch on the ground in metres."""

PATCHES_PER_SIDE = TILE_METRES // PATCH_METRES
"""How many whole patches fit along the side of a tile: 91."""

_PRODUCT_PATTERN = re.compile(
    r"(S2[A-D])_(MSIL(?:1C|2A))_(\d{8}T\d{6})_(N\d{4})_(R\d{3})_T(\d{2}[A-Z]{3})", re.ASCII
)
_POSITION_PATTERN = re.compile(r"(.+)_(\d{2})_(\d{2})", re.ASCII)
_VERSION_1_PATTERN = re.compile(r"S2[AB]_MSIL2A_\d{8}T\d{5,6}_\d{1,2}_\d{1,2}", re.ASCII)
_LONGEST_SHOWN = 100
_EXAMPLE = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
_TIME_FORMAT = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Footprint:
    """The square on the ground that a patch shows.

    Attributes
    ----------
    epsg : int
        UTM zone of the coordinates.
    x, y : int
        Upper-left (north-west) corner in metres; the square reaches 1200 m east and south of it.
    """

    epsg: int
    x: int
    y: int


@dataclass(frozen=True)
class Product:
    """A Sentinel-2 tile on a date.

    Attributes
    ----------
    mission, level, baseline, orbit : str
        As in the name: ``S2A``, ``MSIL2A``, ``N9999``, ``R022``.
    sensing_start : datetime
        UTC, without time zone, to the second.
    tile : Tile
    """

    mission: str
    level: str
    sensing_start: datetime
    baseline: str
    orbit: str
    tile: Tile

    def __str__(self) -> str:
        """The product's name, from which `parse_product` makes it again."""
        # strftime does not pad years before 1000 on every platform; isoformat does.
        time = self.sensing_start.isoformat().replace("-", "").replace(":", "")
        return f"{self.mission}_{self.level}_{time}_{self.baseline}_{self.orbit}_T{self.tile.name}"

    @property
    def season(self) -> str:
        """Meteorological season of the sensing date, northern hemisphere."""
        return season_of_month(self.sensing_start.month)


@dataclass(frozen=True)
class PatchId:
    """A patch: its product, and its column and row, 0 to 90 from the tile's west and north edge."""

    product: Product
    column: int
    row: int

    def __post_init__(self) -> None:
        """Refuse a position outside the tile."""
        if not (0 <= self.column < PATCHES_PER_SIDE and 0 <= self.row < PATCHES_PER_SIDE):
            raise PatchIdError(
                f"column {self.column}, row {self.row} leaves tile {self.product.tile.name}: "
                f"expected both from 0 to {PATCHES_PER_SIDE - 1}"
            )

    def __str__(self) -> str:
        """The patch id, from which `parse_patch_id` makes it again."""
        return f"{self.product}_{self.column:02d}_{self.row:02d}"

    @property
    def footprint(self) -> Footprint:
        """The square on the ground that the patch shows."""
        tile = self.product.tile
        x, y = tile.west + PATCH_METRES * self.column, tile.north - PATCH_METRES * self.row
        return Footprint(tile.epsg, x, y)


def parse_product(name: str) -> Product:
    """Read the name of a product.

    Raises
    ------
    PatchIdError
        If the name has another form, or its date or tile does not exist.

    Examples
    --------
    >>> parse_product("S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP").season
    'summer'
    """
    match = _PRODUCT_PATTERN.fullmatch(name)
    if not match:
        raise PatchIdError(f"{_shown(name)} is no product: expected a name such as {_EXAMPLE}")
    mission, level, time, baseline, orbit, tile = match.groups()
    try:
        sensing_start = datetime.strptime(time, _TIME_FORMAT)
    except ValueError:
        raise PatchIdError(
            f"{_shown(name)} is no product: there is no date and time {time}"
        ) from None
    return Product(mission, level, sensing_start, baseline, orbit, parse_tile(tile))


def parse_patch_id(text: str) -> PatchId:
    """Read a patch id.

    Raises
    ------
    PatchIdError
        If the text has another form, its date or tile does not exist, or its column or row leaves
        the tile.

    Examples
    --------
    >>> patch = parse_patch_id("S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29")
    >>> patch.footprint
    Footprint(epsg=32635, x=339600, y=6065220)
    >>> patch.product.season
    'summer'
    """
    if is_version_1_name(text):
        raise PatchIdError(
            f"{_shown(text)} is no patch id: it is a name of BigEarthNet v1.0; look up its patch_id by "
            "the column s2v1_name of the v2.0 metadata"
        )
    match = _POSITION_PATTERN.fullmatch(text)
    if not match:
        raise PatchIdError(f"{_shown(text)} is no patch id: expected one such as {_EXAMPLE}_75_43")
    try:
        return PatchId(parse_product(match[1]), int(match[2]), int(match[3]))
    except PatchIdError as error:
        raise PatchIdError(f"{_shown(text)} is no patch id: {error}") from None


def is_version_1_name(text: str) -> bool:
    """Whether a text is the name of a patch of BigEarthNet v1.0, which has no orbit and no tile.

    Examples
    --------
    >>> is_version_1_name("S2A_MSIL2A_20170613T101031_75_43")
    True
    """
    return _VERSION_1_PATTERN.fullmatch(text) is not None


def _shown(text: str) -> str:
    """A text for a message, cut if it is much longer than a patch id."""
    return repr(text) if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]!r}..."
