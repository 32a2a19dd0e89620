"""Patches that are left out so that the sides of a split keep a distance."""

import numpy as np
from numpy.typing import NDArray

from benkit.ground.distance_plane import nearest_distances
from benkit.splits.search.groups import Units

_ROUNDING = 2  # metres; centres are whole metres here


def left_out(units: Units, side: NDArray[np.uint8], buffer: float) -> NDArray[np.bool_]:
    """Patches nearer than a buffer (metres) to one of a side after theirs that is not left out itself.

    Takes the number of the side of each unit, gives a (n,) bool array.
    """
    out = np.zeros(len(units.of_patch), bool)
    if buffer:
        centres = units.patch_centre.astype(np.float64)
        side_of_patch = side[units.of_patch]
        for number in range(int(side.max()) - 1, -1, -1):
            mine = np.flatnonzero(side_of_patch == number)
            others = (side_of_patch > number) & ~out
            distances = nearest_distances(centres[mine], centres[others])
            out[mine[distances < buffer + _ROUNDING]] = True
    return out
