"""A map of the sides of a split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.ground.distance_plane import to_plane
from benkit.ground.grid import distinct_cells
from benkit.reporting.graticule import draw_graticule, draw_scale_bar
from benkit.reporting.outlines import OUTLINES_SOURCE, draw_outlines
from benkit.reporting.style import INK, MUTED, SIDE_COLOURS, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELLS = (600, 300, 150, 75)  # across a map whose patches are too small to be drawn
_OCCUPIED = 0.02  # part of the cells that should hold patches, to be seen
_DETAIL_METRES = 40_000, 150_000  # least and greatest width
_MARGIN = 0.04
_OVERLAP = 1.22
_LETTERS_ACROSS = 58  # so many letters fill the width of a map
_NAME_WEIGHT = 20  # a name that is hidden is worse than patches that are

Extent = tuple[float, float, float, float]
"""West, east, south, north in metres."""


def map_figure(
    degrees: NDArray[np.float64], side: NDArray[np.str_], country: Sequence[str | None] = ()
) -> "Figure":
    """Map the sides in EPSG:3035 (EPSG:6933 outside Europe), with a detail where they meet.

    Parameters
    ----------
    degrees : (n, 2) float64 array
        Longitude and latitude of the patches' centres (EPSG:4326).
    side : (n,) array of str
        ``train``, ``validation`` or ``test``; anything else is left out.
    country : sequence of str, optional
        Country of each patch, to name them on the map.
    """
    from matplotlib.figure import Figure

    on_side = np.isin(side, list(SIDE_COLOURS))
    points, epsg = to_plane(degrees[on_side])
    side = side[on_side]
    view, detail = _views(points, side == "train")
    with styled():
        figure = Figure(figsize=(10, 5.4) if detail else (6.2, 6.6), layout="compressed")
        all_axes = figure.subplots(1, 1 + bool(detail), squeeze=False)[0]
        for axes, window in zip(all_axes, [view, detail or view], strict=False):
            _paint(axes, points, side, window)
            draw_graticule(axes, epsg)
            draw_outlines(axes, epsg)
            draw_scale_bar(axes)
        all_axes[0].set_title(f"All {len(points):,} patches")
        all_axes[0].set_xlabel(OUTLINES_SOURCE, loc="left", fontsize="x-small", color=MUTED)
        if detail:
            _mark_detail(all_axes, detail)
        if len(country):
            _name_countries(all_axes[0], points, np.array(country, object)[on_side])
        _side_legend(figure, side)
    return figure


def _views(points: NDArray, train: NDArray[np.bool_]) -> tuple[Extent, Extent | None]:
    """A square around all points and, if that is large, a small one where most of both sides meet."""
    if not len(points):
        return (-1e5, 1e5, -1e5, 1e5), None
    low, high = points.min(0) - PATCH_METRES, points.max(0) + PATCH_METRES
    half = max((high - low).max() / 2 * (1 + 2 * _MARGIN), 5 * PATCH_METRES)
    view = _square((low + high) / 2, half)
    least, most = _DETAIL_METRES
    if half < 2 * most:
        return view, None
    cell = distinct_cells(points, most)[1]
    counts = np.bincount(cell)
    of_train = np.bincount(cell[train], minlength=len(counts))
    inside = points[cell == np.lexsort((counts, of_train * (counts - of_train)))[-1]]
    low, high = inside.min(0), inside.max(0)
    width = np.clip((high - low).max() * (1 + 2 * _MARGIN), least, most)
    return view, _square((low + high) / 2, round(width, -3) / 2)


def _square(centre: NDArray, half: float) -> Extent:
    (x, y), half = centre.tolist(), float(half)
    return x - half, x + half, y - half, y + half


def _paint(axes: "Axes", points: NDArray, side: NDArray[np.str_], window: Extent) -> None:
    """Draw patches as squares, or where these would be too small, cells of the most frequent side."""
    from matplotlib.collections import PolyCollection

    west, east, south, north = window
    axes.set_aspect("equal")
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if 2 * (east - west) / _CELLS[0] > PATCH_METRES:
        axes.imshow(
            _majority(points, side, window), extent=window, origin="lower", interpolation="nearest"
        )
        return
    # the squares are rotated a little in this projection; without a margin lines would show between them
    half = _OVERLAP * PATCH_METRES / 2
    corners: NDArray = half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    low, high = (west - half, south - half), (east + half, north + half)
    near = ((points >= low) & (points <= high)).all(1)
    style: dict[str, Any] = {"linewidths": 0, "antialiased": False, "rasterized": True}
    for name, colour in SIDE_COLOURS.items():
        squares = points[near & (side == name), np.newaxis] + corners
        axes.add_collection(PolyCollection(squares, facecolors=colour, **style), autolim=False)


def _majority(points: NDArray, side: NDArray[np.str_], window: Extent) -> NDArray[np.float64]:
    """RGBA picture of a window, (cells, cells, 4): each cell in the colour of its most frequent side."""
    from matplotlib.colors import to_rgba

    west, east, south, _ = window
    inside = (points - (west, south)) / (east - west)  # a window is a square around all points
    for across in _CELLS:
        cells = np.floor(inside * across).astype(np.int64)
        counts = np.zeros((len(SIDE_COLOURS), across, across), np.int64)
        for number, name in enumerate(SIDE_COLOURS):
            np.add.at(counts[number], tuple(cells[side == name].T[::-1]), 1)
        occupied = counts.sum(0) > 0
        if occupied.mean() >= _OCCUPIED:
            break
    colours = np.array([to_rgba(colour) for colour in SIDE_COLOURS.values()])
    return np.where(occupied[..., np.newaxis], colours[counts.argmax(0)], 0)


def _mark_detail(panels: "Sequence[Axes]", window: Extent) -> None:
    """Frame the window of the second panel in the first."""
    from matplotlib.patches import Rectangle

    west, east, south, north = window
    frame = Rectangle((west, south), east - west, north - south, fill=False, color=INK)
    panels[0].add_patch(frame)
    panels[1].set_title(f"Detail: the frame, {(east - west) / 1000:.0f} km wide")


def _name_countries(axes: "Axes", points: NDArray, country: NDArray) -> None:
    """Write each country's name beside its patches, where it hides the fewest patches and names."""
    from matplotlib import patheffects

    halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    west, east, south, north = (*axes.get_xlim(), *axes.get_ylim())
    letter = (east - west) / _LETTERS_ACROSS
    taken = distinct_cells(points, letter)[0] * letter
    names = sorted({name for name in country.tolist() if name})
    for name in names if len(names) > 1 else ():
        half = np.array([len(name) * letter / 2, letter])
        low, high = np.array([west, south]) + half, np.array([east, north]) - half

        positions = _positions_beside(points[country == name], half + letter / 2)
        hidden = [
            (np.abs(taken - position) <= half + np.array([0, letter])).all(1).sum()
            + _NAME_WEIGHT * len(name) * ((position < low) | (position > high)).any()
            for position in positions
        ]
        best = positions[int(np.argmin(hidden))]
        steps = np.arange(-len(name) / 2, len(name) / 2 + 1)[:, np.newaxis] * (letter, 0)
        taken = np.concatenate([taken, *[best + steps] * _NAME_WEIGHT])
        axes.text(best[0], best[1], name, ha="center", va="center", path_effects=halo, zorder=5)


def _positions_beside(points: NDArray, gap: NDArray) -> list[NDArray]:
    """Positions above, left, right and below some points, best first."""
    (low_x, low_y), (high_x, high_y) = points.min(0), points.max(0)
    x, y = np.median(points, axis=0)
    around = [(x, high_y + gap[1]), (low_x - gap[0], y), (high_x + gap[0], y), (x, low_y - gap[1])]
    return [np.array(position) for position in around]


def _side_legend(figure: "Figure", side: NDArray[np.str_]) -> None:
    from matplotlib.patches import Patch

    handles = []
    for name, colour in SIDE_COLOURS.items():
        if count := int((side == name).sum()):
            label = f"{name}: {count:,} ({100 * count / len(side):.1f} %)"
            handles.append(Patch(color=colour, label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(SIDE_COLOURS))
