"""Do two patches share ground? Made test first, for the talk on testing.

.venv/bin/python -m pytest course/touching.py
"""

from itertools import combinations, product

import pyarrow as pa
import pytest
import shapely

import benkit

SIDE = 1200  # metres
SQUARE = shapely.box(0, 0, SIDE, SIDE)
INTERIORS_MEET = "T********"  # of the nine entries of DE-9IM the first: interior with interior


def share_ground(one, other):
    """Whether two footprints share ground."""
    return bool(shapely.relate_pattern(one, other, INTERIORS_MEET))


@pytest.mark.parametrize(
    ("east", "north", "shared"),
    [
        (0, 0, True),  # the same square on another date
        (1199, 1199, True),
        (1200, 0, False),  # neighbours share an edge, and an edge is no ground
        (0, -1200, False),
        (1200, 1200, False),  # a corner is none either
        (1201, 0, False),
    ],
)
def test_touching_is_not_overlapping(east, north, shared):
    other = shapely.box(east, north, east + SIDE, north + SIDE)
    assert share_ground(SQUARE, other) == shared
    assert share_ground(other, SQUARE) == shared


def test_the_library_finds_as_many_pairs_of_real_names():
    dates = ["S2A_MSIL2A_20170613T101031", "S2B_MSIL2A_20170817T101019"]
    ids = [
        f"{date}_N9999_R022_T33UUP_{column}_{row}"
        for date, column, row in product(dates, (75, 76, 77), (43, 44))
    ]
    corners = [
        (place.x, place.y) for place in (benkit.parse_patch_id(one).footprint for one in ids)
    ]
    squares = [shapely.box(x, y - SIDE, x + SIDE, y) for x, y in corners]
    shared = sum(share_ground(one, other) for one, other in combinations(squares, 2))
    assert shared == 6, "each of six places is there on two dates"
    assert len(benkit.overlaps(pa.table({"patch_id": ids})).pairs) == shared
