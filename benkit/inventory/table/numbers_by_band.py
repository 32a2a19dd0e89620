"""Numbers of an inventory's rows, band by band, in few passes over the file."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benkit.inventory.table.inventory_file import Inventory

_MOST_AT_ONCE = 8_000_000  # numbers that are held, of some bands


def numbers_by_band(
    inventory: Inventory, number: str, where: str
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """What an SQL expression gives for the rows of each band that meet a condition, in no order.

    Bands are asked together where all their rows are few enough to be held at once.
    """
    bands = inventory.layout.band_names
    step = max(1, _MOST_AT_ONCE * len(bands) // max(inventory.rows, 1))
    for start in range(0, len(bands), step):
        some = bands[start : start + step]
        found = inventory.query_table(
            f"SELECT list_position({[*some]}, band)::SMALLINT AS place, {number} AS number "
            f"FROM inventory WHERE place > 0 AND {where}"
        )
        place, numbers = (found[name].to_numpy() for name in ("place", "number"))
        for index, band in enumerate(some, 1):
            yield band, numbers[place == index]
