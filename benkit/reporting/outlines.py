"""Coastlines and borders, so that a place on a map is recognised.

They are those of Natural Earth [1]_, which is in the public domain: of 1:50 million around Europe, of
1:110 million elsewhere, simplified to about two kilometres. ``tools/map_assets.py`` makes the file.

References
----------
.. [1] Natural Earth, free vector and raster map data, https://www.naturalearthdata.com
"""

import json
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benkit.ground.projection import project
from benkit.reporting.shipped import shipped_text
from benkit.reporting.style import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTLINE_WIDTHS = {"coasts": 0.7, "borders": 0.35}
"""Points wide, by kind of line."""
OUTLINES_SOURCE = "Coastlines and borders: Natural Earth"

_DENSE = 1.0  # degrees from point to point, at most: straight lines may be curves on a plane
_JUMP = 3_000_000  # metres from point to point, where a projection cuts the Earth open
_SAME = 1e-3  # degrees

Outlines = dict[str, list[NDArray[np.float64]]]
"""By kind, as `OUTLINE_WIDTHS` has them: (points, 2) coordinates of each line, east first."""


@cache
def outline_degrees() -> Outlines:
    """All lines in longitude and latitude (EPSG:4326), cut at the antimeridian."""
    content = json.loads(shipped_text("outlines.json"))
    return {
        kind: [
            np.cumsum(np.reshape(line, (-1, 2)), axis=0) / content["parts"]
            for line in content[kind]
        ]
        for kind in OUTLINE_WIDTHS
    }


def outlines_within(bounds: tuple[float, float, float, float], epsg: int) -> Outlines:
    """The lines within bounds (west, south, east, north) of a projection, cut at their edges."""
    import shapely

    found = {}
    for kind, lines in outline_degrees().items():
        dense = shapely.segmentize([shapely.linestrings(line) for line in lines], _DENSE)
        degrees, line = shapely.get_coordinates(dense, return_index=True)
        points = project(4326, epsg, *degrees.T)
        shown = _are_there(points, degrees, epsg)
        points[~shown] = np.inf
        joined = (line[1:] == line[:-1]) & (_lengths(points) < _JUMP)
        runs = np.split(points, np.flatnonzero(~joined) + 1)
        whole = shapely.multilinestrings([shapely.linestrings(run) for run in runs if len(run) > 1])
        parts = shapely.get_parts(shapely.clip_by_rect(whole, *bounds))
        found[kind] = [shapely.get_coordinates(part) for part in parts]
    return found


def stepped_outlines(
    bounds: tuple[float, float, float, float], epsg: int, step: int
) -> dict[str, list[list[int]]]:
    """The same for a script: each line as its first point and the moves from there, in steps."""
    return {
        kind: [
            np.diff(np.round(line / step).astype(int), axis=0, prepend=[[0, 0]]).ravel().tolist()
            for line in lines
        ]
        for kind, lines in outlines_within(bounds, epsg).items()
    }


def draw_outlines(axes: "Axes", epsg: int) -> None:
    """Draw coasts and, thinner, borders; the axes have their limits, in metres of the projection."""
    west, east, south, north = (*axes.get_xlim(), *axes.get_ylim())
    for kind, lines in outlines_within((west, south, east, north), epsg).items():
        parted = [np.vstack([line, (np.nan, np.nan)]) for line in lines]
        if parted:
            axes.plot(
                *np.vstack(parted).T, color=MUTED, linewidth=OUTLINE_WIDTHS[kind],
                zorder=0.8, gid=kind, scalex=False, scaley=False,
            )  # fmt: skip


def _lengths(points: NDArray) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # from infinity to infinity
        return np.hypot(*np.diff(points, axis=0).T)


def _are_there(points: NDArray, degrees: NDArray, epsg: int) -> NDArray[np.bool_]:
    """Whether the plane has these points; far away some projections give none, or wrong ones."""
    there = np.isfinite(points).all(1)
    back = project(epsg, 4326, *np.where(there[:, np.newaxis], points, 0).T)
    off = (back - degrees + 180) % 360 - 180
    return there & (np.abs(off) < _SAME).all(1)
