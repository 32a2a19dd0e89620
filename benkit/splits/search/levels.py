"""Levels of the search: sizes of blocks, numbers of moves, temperatures and prices.

Coarse levels weigh the balance weakly, so that regions stay whole, and fine ones strongly, since it is
mended along the border. The last level moves single units apart that lie nearer than two patches. Many
sides have more border to find, so they are searched longer and hotter. ``benchmarks/split.py`` and
``benchmarks/split_options.py`` print what the settings give on the official metadata.
"""

from dataclasses import dataclass, replace

__all__ = ["LARGEST_CELLS", "SMALLEST_CELLS", "Level", "levels_for"]

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
    moves : int
        How many are tried at most.
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
    hot: float
    cold: float
    balance: dict[str, float]
    exact: bool = True


def _weights(label: float, season: float, country: float, patch: float = 100) -> dict[str, float]:
    return {"label": label, "season": season, "country": country, "patch": patch}


_CELLS = (
    replace(
        Level(LARGEST_CELLS, 20_000, 0.25, 0.4, 2_000_000, 3, 0.1, _weights(0.3, 0.3, 0.3, 10)),
        exact=False,
    ),
    Level(10_000, 10_000, 0.25, 1, 3_000_000, 1, 0.1, _weights(3, 2, 1)),
    Level(SMALLEST_CELLS, 10_000, 0.25, 1, 3_000_000, 0.3, 0.02, _weights(10, 3, 1)),
)
_SINGLE_UNITS = Level(1_300, 2_500, 1, 1, 1_500_000, 0.5, 0.05, _weights(10, 8, 1))
_MANY_SIDES = 3
_OF_MANY = (
    replace(_CELLS[0], border=1, moves=3_000_000, hot=6),
    replace(_CELLS[1], border=1, moves=5_000_000, hot=3),
    replace(_CELLS[2], border=1, moves=5_000_000, hot=1),
    replace(_SINGLE_UNITS, moves=3_000_000),
)


def levels_for(sides: int) -> tuple[Level, ...]:
    """Levels from coarse to fine, the last for single units, given how many sides are to lie apart.

    From three on, the search is longer and begins hotter, since whole regions have more sides to go to.
    """
    return _OF_MANY if sides >= _MANY_SIDES else (*_CELLS, _SINGLE_UNITS)
