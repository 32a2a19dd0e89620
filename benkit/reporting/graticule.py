"""Meridians, parallels and a scale bar on axes in metres of a map projection."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.ground.projection import project
from benkit.reporting.style import INK, LINE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEPS = (30.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)  # degrees
_LINES = 3  # at least so many of each kind, where a step gives them
_POINTS = 200  # along a line, and along each edge of the view
_BAR = 0.3  # of the width, at most


Lines = dict[str, NDArray[np.float64]]
"""Points of lines, (points, 2) east and north in metres, by their names such as ``10°E``."""


def graticule(bounds: tuple[float, float, float, float], epsg: int) -> tuple[Lines, Lines]:
    """Meridians and parallels within bounds (west, south, east, north) in metres of a projection."""
    west, south, east, north = bounds
    x, y = np.meshgrid(np.linspace(west, east, _POINTS), np.linspace(south, north, _POINTS))
    degrees = project(epsg, 4326, x.ravel(), y.ravel())
    degrees = degrees[np.isfinite(degrees).all(1)]
    (left, low), (right, high) = degrees.min(0), degrees.max(0)
    step = next((s for s in _STEPS if min(right - left, high - low) / s >= _LINES), _STEPS[-1])
    longitudes = np.linspace(left - step, right + step, _POINTS)  # beyond the edges of the view
    latitudes = np.linspace(max(low - step, -90), min(high + step, 90), _POINTS)
    meridians = {
        _named(longitude, "E", "W"): project(4326, epsg, np.full(_POINTS, longitude), latitudes)
        for longitude in _multiples(left, right, step)
    }
    parallels = {
        _named(latitude, "N", "S"): project(4326, epsg, longitudes, np.full(_POINTS, latitude))
        for latitude in _multiples(low, high, step)
    }
    return meridians, parallels


def draw_graticule(axes: "Axes", epsg: int) -> None:
    """Draw meridians and parallels, and name them where they meet the lower and the left edge.

    The axes have their final limits, in metres of the projection.
    """
    west, east, south, north = (*axes.get_xlim(), *axes.get_ylim())
    style: dict[str, Any] = {"color": LINE, "linewidth": 0.6, "zorder": 0.5}
    meridians, parallels = graticule((west, south, east, north), epsg)
    for line in (*meridians.values(), *parallels.values()):
        axes.plot(*line.T, **style)
    ticks = (
        [(_crossing(south, *line.T[::-1]), name) for name, line in meridians.items()],
        [(_crossing(west, *line.T), name) for name, line in parallels.items()],
    )
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    for marked, (axis, first, last) in zip(
        ticks, [(axes.xaxis, west, east), (axes.yaxis, south, north)], strict=True
    ):
        inside = [(tick, name) for tick, name in marked if first <= tick <= last]
        axis.set_ticks([tick for tick, _ in inside], [name for _, name in inside])


def draw_scale_bar(axes: "Axes") -> None:
    """Draw a bar of a round length in kilometres into the lower right corner."""
    west, east, south, north = (*axes.get_xlim(), *axes.get_ylim())
    most = (east - west) * _BAR
    unit = 10 ** np.floor(np.log10(most))
    length = max(factor * unit for factor in (1, 2, 5) if factor * unit <= most)
    right, up = east - 0.04 * (east - west), south + 0.03 * (north - south)
    axes.plot([right - length, right], [up, up], color=INK, linewidth=2, solid_capstyle="butt")
    from matplotlib import patheffects

    axes.annotate(
        f"{length / 1000:g} km",
        (right - length / 2, up),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
    )


def _multiples(first: float, last: float, step: float) -> NDArray[np.float64]:
    return np.arange(np.ceil(first / step), np.floor(last / step) + 1) * step


def _crossing(value: float, along: NDArray, across: NDArray) -> float:
    """Coordinate where a line, ascending in ``along``, reaches a value; NaN if it does not."""
    return float(np.interp(value, along, across, left=np.nan, right=np.nan))


def _named(degrees: float, above: str, below: str) -> str:
    return f"{abs(round(degrees, 2)):g}°" + (above if degrees > 0 else below if degrees < 0 else "")
