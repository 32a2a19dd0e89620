"""Levels of the search: sizes of blocks, numbers of moves, temperatures and prices.

Coarse levels weigh the balance weakly, so that regions stay whole, and fine ones strongly, since it is
mended along the border. The last level moves single units apart that lie nearer than two patches. Many
sides have more border to find, so they are searched hotter. ``benchmarks/split.py`` and
``benchmarks/split_options.py`` print what the settings give on the official metadata.
"""

from dataclasses import dataclass, replace

__all__ = ["FEW_CELLS", "SMALLEST_CELLS", "Level", "Plan", "plan_for"]

LARGEST_CELLS, SMALLEST_CELLS = 20_000, 5_000
"""Sides of the cells of the first and the last level of cells, in metres."""

FEW_CELLS = 100
"""Of the smallest size; with fewer, regions are not torn for an exact balance."""


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
    exact : tuple of str
        Traits whose targets shift (see `Schedule`).
    patience : int
        See `Schedule`.
    """

    metres: int
    reach: int
    border: float
    exposed: float
    moves: int
    hot: float
    cold: float
    balance: dict[str, float]
    exact: tuple[str, ...] = ("label", "patch")
    patience: int = 30


def _weights(label: float, season: float, country: float, patch: float = 100) -> dict[str, float]:
    return {"label": label, "season": season, "country": country, "patch": patch}


@dataclass(frozen=True)
class Plan:
    """What is searched, from coarse to fine.

    Attributes
    ----------
    starts : int
        How many times large cells are searched from random sides, to put their best regions together.
    of_starts : tuple of Level
        Of which one after the other each start is searched.
    cells : tuple of Level
        Of what was put together.
    single_units : Level
    mending : Level
        For all units if they are few, to mend the balance.
    """

    starts: int
    of_starts: tuple[Level, ...]
    cells: tuple[Level, ...]
    single_units: Level
    mending: Level

    @property
    def smallest_cells(self) -> Level:
        """The last level of cells."""
        return (*self.of_starts, *self.cells)[-1]


_ALL = ("label", "season", "country", "patch")
_UNITS = Level(1_300, 2_500, 1, 1, 1_500_000, 0.5, 0.05, _weights(10, 20, 4), patience=6)
_LARGE = Level(10_000, 10_000, 0.25, 1, 1_500_000, 1.2, 0.15, _weights(3, 2, 1))
_PLAN = Plan(
    16,
    (
        Level(LARGEST_CELLS, 20_000, 0.25, 0.4, 100_000, 3, 0.1, _weights(0.3, 0.3, 0.3, 10), ()),
        _LARGE,
    ),
    (
        replace(_LARGE, moves=2_000_000, hot=0.3),
        Level(
            SMALLEST_CELLS, 10_000, 0.25, 1, 1_000_000, 0.3, 0.02, _weights(10, 3, 1), patience=15
        ),
    ),
    _UNITS,
    replace(
        _UNITS,
        reach=10_000,
        exposed=0.5,
        moves=150_000,
        hot=0.05,
        balance=_weights(50, 30, 30),
        exact=_ALL,
        patience=10,
    ),
)
_MANY_SIDES = 3
_MANY_CELLS, _FEW_STARTS = 5_000, 4
_VERY_MANY_CELLS = 30_000
_OF_MANY = Plan(
    4,
    tuple(
        replace(level, border=1, hot=hot, moves=moves)
        for level, hot, moves in zip(_PLAN.of_starts, (6, 3), (100_000, 6_000_000), strict=True)
    ),
    (
        replace(_PLAN.cells[0], border=1, hot=0.5),
        replace(_PLAN.cells[1], border=1, hot=2, moves=4_000_000),
    ),
    replace(_UNITS, moves=10_000_000, hot=1),
    _PLAN.mending,
)


def plan_for(sides: int, cells: int) -> Plan:
    """The plan for so many sides that are to lie apart, and so many cells of the smallest size.

    From three sides on, the search begins hotter, since whole regions have more sides to go to. Fewer
    cells are balanced only where they are small, and are searched quickly: each start goes on to the
    smallest. Of very few, an exact balance would tear what belongs together: targets stay as they are.
    Of very many, twice as many as BigEarthNet has and more, the smallest cells and the single units get
    moves in proportion, as they are what mends the balance.
    """
    plan = _OF_MANY if sides >= _MANY_SIDES else _PLAN
    if cells < _MANY_CELLS:
        fine = (*plan.of_starts, plan.smallest_cells)
        plan = replace(plan, starts=_FEW_STARTS, of_starts=fine, cells=())
    if cells > _VERY_MANY_CELLS:
        more = cells / _VERY_MANY_CELLS
        plan = replace(
            plan,
            cells=(*plan.cells[:-1], _with_moves(plan.cells[-1], more)),
            single_units=_with_moves(plan.single_units, more),
        )
    if cells >= FEW_CELLS:
        return plan
    return replace(
        plan,
        of_starts=tuple(replace(level, exact=()) for level in plan.of_starts),
        single_units=replace(plan.single_units, exact=()),
    )


def _with_moves(level: Level, more: float) -> Level:
    """A level with so many times its moves."""
    return replace(level, moves=round(level.moves * more))
