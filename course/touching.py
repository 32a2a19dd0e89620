"""Do two patches share ground? Made test first, for the talk on testing.

.venv/bin/python -m pytest course/touching.py
"""

import pytest
import shapely

SIDE = 1200  # metres
SQUARE = shapely.box(0, 0, SIDE, SIDE)


def share_ground(one, other):
    """Whether two footprints share ground."""
    return bool(shapely.intersects(one, other))


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
