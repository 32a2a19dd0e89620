"""Coordinates of maps that name no reference system, held against the place that the patch id tells."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES, Footprint, parse_patch_id
from benkit.errors import InputFormatError, PatchIdError


def zone_at_place(patch: str, box: NDArray[np.float64]) -> str | None:
    """The UTM zone of a patch, if coordinates lie where its id says, up to a patch's side around.

    Parameters
    ----------
    patch : str
        A patch id; for other names there is no zone.
    box : (4,) float64 array
        Least x, least y, greatest x, greatest y.

    Examples
    --------
    >>> patch = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"
    >>> zone_at_place(patch, np.array([339600, 6064020, 340800, 6065220]))
    'EPSG:32635'
    >>> zone_at_place(patch, np.array([24.4, 54.7, 24.5, 54.8]))
    """
    place = _place_of(patch)
    return f"EPSG:{place.epsg}" if place and _lies_at(place, box) else None


def require_place(path: Path, patch: str, box: NDArray[np.float64]) -> None:
    """Refuse coordinates that are not in metres at the place of their patch.

    Where the name is no patch id, only what may be degrees is refused. An empty box, NaN, is fine.
    """
    place = _place_of(patch)
    if np.isnan(box).any() or (_lies_at(place, box) if place else not may_be_degrees(box)):
        return
    expected = "coordinates in metres"
    if place:
        x, y = place.x, place.y
        expected = (
            f"x from {x} to {x + PATCH_METRES} and y from {y - PATCH_METRES} to {y} in "
            f"EPSG:{place.epsg}, where the patch lies"
        )
    west, south, east, north = box.tolist()
    raise InputFormatError(
        f"{path}: names no coordinate reference system; expected {expected}, but x is from {west:.9g} "
        f"to {east:.9g} and y from {south:.9g} to {north:.9g}; write the map in its UTM zone, with "
        "that system named"
    )


def _lies_at(place: Footprint, box: NDArray[np.float64]) -> bool:
    """Whether a box lies within a patch and a patch's side around it."""
    low = np.array([place.x, place.y - PATCH_METRES]) - PATCH_METRES
    return bool((box[:2] >= low).all() and (box[2:] <= low + 3 * PATCH_METRES).all())


def may_be_degrees(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the coordinates of each box, the last axis, may be longitude and latitude."""
    largest = np.array([360, 90, 360, 90])
    return np.asarray((np.abs(boxes) <= largest).all(-1))


def _place_of(patch: str) -> Footprint | None:
    try:
        return parse_patch_id(patch).footprint
    except PatchIdError:
        return None
