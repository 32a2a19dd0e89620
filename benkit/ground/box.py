"""Which patches lie in a box of longitudes and latitudes."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.errors import OptionError
from benkit.ground.footprint_table import footprint_table
from benkit.ground.footprints import are_patch_ids


def in_box(ids: pa.StringArray, box: Sequence[float]) -> NDArray[np.bool_]:
    """Which patches show ground in a box: (n,) bool array, false where an id is no patch id.

    Parameters
    ----------
    ids : pyarrow.StringArray
    box : sequence of float
        West, south, east, north in degrees (EPSG:4326). Where west is greater than east, it lies across
        the 180th meridian.

    Raises
    ------
    OptionError
        If it is no such box.

    Examples
    --------
    >>> ids = pa.array(["S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_75_43"])  # centre 13.53, 48.27
    >>> in_box(ids, [13, 48, 14, 49]).tolist(), in_box(ids, [14, 48, 13, 49]).tolist()
    ([True], [False])
    """
    import shapely

    if len(box) != 4 or not _is_box(*box):
        raise OptionError(
            f"--bbox {' '.join(map(str, box))}: expected west, south, east and north in degrees, south "
            "less than north, longitudes from -180 to 180"
        )
    west, south, east, north = box
    parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
    area = shapely.union_all([shapely.box(w, south, e, north) for w, e in parts])
    valid = are_patch_ids(ids)
    found = np.zeros(len(ids), bool)
    if valid.any():
        footprints = footprint_table(pa.table({"patch_id": ids.filter(pa.array(valid))}))
        shapes = shapely.from_wkb(footprints.table["geometry"].to_numpy())
        shapely.prepare(area)
        found[valid] = shapely.intersects(area, shapes) & ~shapely.touches(area, shapes)
    return found


def _is_box(west: float, south: float, east: float, north: float) -> bool:
    return (
        west != east and max(abs(west), abs(east)) <= 180 and -90 <= south < north <= 90
    )  # false for NaN
