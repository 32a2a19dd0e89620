"""Levels of the search: sizes of blocks, numbers of moves, temperatures and prices.

Coarse levels weigh the balance weakly, so that regions stay whole, and fine ones strongly, since it is
mended along the border. The last level moves single units apart that lie nearer than two patches. Many
sides have more border to find, so they are searched longer and hotter. ``benchmarks/split.py`` and
``benchmarks/split_options.py`` print what the settings give on the official metadata.
"""

from dataclasses import dataclass, replace

__all__ = ["SMALLEST_CELLS", "Level", "Plan", "plan_for"]

LARGEST_CELLS, SMALLEST_CELLS = 20_000, 5_000
"""Sides of the cells of the first and the last level of cells, in metres."""


@dataclass(frozen=True)
class Level:
    """One size of blocks.

    Attributes
    ----------
    metres : int
        Side of a cell, or of a patch where single units are moved: blocks at most as far apart are
        neighbours.
    reach : int
        Metres within which a block of another side exposes one.
    border : float
        Price of the border against that of exposed blocks.
    exposed : float
        Part of the patches of such a block that count as exposed.
    moves, moves_per_block : int
        How many are tried: for each block, and at most.
    hot, cold : float
        Temperatures, in the price of an average block.
    balance : dict of str to float
        Weights of the squared relative deviations, by trait; for labels, of their mean.
    exact : bool
        Whether targets of labels and patches shift (see `Schedule`).
    """

    metres: int
    reach: int
    border: float
    exposed: float
    moves: int
    moves_per_block: int
    hot: float
    cold: float
    balance: dict[str, float]
    exact: bool = True


def _weights(label: float, season: float, country: float, patch: float = 100) -> dict[str, float]:
    return {"label": label, "season": season, "country": country, "patch": patch}


@dataclass(frozen=True)
class Plan:
    """The levels of a search, from coarse to fine.

    Attributes
    ----------
    beginning : (Level, Level)
        Two sizes of cells that are searched from random sides, ...
    beginnings : int
        ... so many times.
    best : int
        How many of these are searched further, ...
    further : Level
        ... at the finer of the two sizes.
    cells : tuple of Level
        Smaller cells, of the best of these.
    single_units : Level
    """

    beginning: tuple[Level, Level]
    beginnings: int
    best: int
    further: Level
    cells: tuple[Level, ...]
    single_units: Level


_REGIONS = Level(
    LARGEST_CELLS, 20_000, 0.25, 0.4, 100_000, 100, 3, 0.1, _weights(0.3, 0.3, 0.3, 10), exact=False
)
_OUTLINES = Level(10_000, 10_000, 0.25, 1, 750_000, 200, 2, 0.1, _weights(3, 2, 1))
_PLAN = Plan(
    beginning=(_REGIONS, _OUTLINES),
    beginnings=12,
    best=2,
    further=replace(_OUTLINES, moves=3_000_000, moves_per_block=1500, hot=0.5),
    cells=(Level(SMALLEST_CELLS, 10_000, 0.25, 1, 3_000_000, 1500, 0.3, 0.02, _weights(10, 3, 1)),),
    single_units=Level(1_300, 2_500, 1, 1, 1_500_000, 1500, 0.5, 0.05, _weights(10, 8, 4)),
)
_MANY_SIDES = 3
_OF_MANY = replace(
    _PLAN,
    beginning=(replace(_REGIONS, border=1, hot=6), replace(_OUTLINES, border=1, hot=3)),
    further=replace(_PLAN.further, border=1, moves=5_000_000),
    cells=tuple(replace(level, border=1, moves=5_000_000, hot=1) for level in _PLAN.cells),
    single_units=replace(_PLAN.single_units, moves=3_000_000),
)


def plan_for(sides: int) -> Plan:
    """The plan for so many sides that are to lie apart.

    From three on, the search is longer and begins hotter, since whole regions have more sides to go to.
    """
    return _OF_MANY if sides >= _MANY_SIDES else _PLAN
