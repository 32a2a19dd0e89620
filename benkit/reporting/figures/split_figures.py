"""Figures of a split: a map of its sides, their labels, their distances.

The functions take plain arrays and tables and return a figure of matplotlib, which
`benkit.files.writing.figure.write_figure` writes.
"""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.metadata.metadata import Metadata, as_metadata
from benkit.reporting.figures.side_map import map_figure
from benkit.reporting.style import INK, LINES, MUTED, SIDE_COLOURS, SIDE_MARKERS, styled
from benkit.splits.evaluation import Evaluation
from benkit.splits.split import Split

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["distance_figure", "draw_split", "label_figure", "map_figure", "split_figures"]

_NEAR_KM = (2.5, 5, 10)
_TICKS_KM = (0.5, 1, 2.5, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_LABEL_LETTERS = 46  # on a line


def split_figures(
    metadata: Metadata | pa.Table,
    sides: Any,
    evaluations: Mapping[str, Evaluation],
) -> dict[str, "Figure"]:
    """Draw all pictures of a split.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
    sides : Split, or what it is made of
    evaluations : mapping of str to Evaluation
        By name, first that of these sides, then at most two others to compare with.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``map``, ``labels`` and ``distances``.
    """
    metadata = as_metadata(metadata)
    first, *others = evaluations
    shares = {name: evaluation.label_shares() for name, evaluation in evaluations.items()}
    split = Split(sides).aligned(metadata.patch_ids)
    on_side = {name: (split.side == name).sum() for name in split.names}
    total = max(sum(on_side.values()), 1)
    fractions = {name: on_side[name] / total for name in shares[first]}
    return {
        "map": draw_split(metadata, split),
        "labels": label_figure(
            shares[first],
            fractions,
            evaluations[first].label_patches,
            {name: shares[name] for name in others},
        ),
        "distances": distance_figure(
            {name: evaluation.test.distances for name, evaluation in evaluations.items()}
        ),
    }


def draw_split(metadata: Metadata | pa.Table, sides: Any) -> "Figure":
    """Draw a map of the sides of a split.

    Parameters
    ----------
    metadata : Metadata or pyarrow.Table
    sides : Split, or what it is made of

    Returns
    -------
    matplotlib.figure.Figure
        As `benkit.reporting.figures.side_map.map_figure` gives it.
    """
    metadata = as_metadata(metadata)
    side = Split(sides).aligned(metadata.patch_ids).side
    country = metadata.table["country"].to_pylist() if metadata.countries else ()
    return map_figure(metadata.degrees, side, country)


def label_figure(
    shares: Mapping[str, Mapping[str, float]],
    fractions: Mapping[str, float],
    patches: Mapping[str, int],
    others: Mapping[str, Mapping[str, Mapping[str, float]]] | None = None,
) -> "Figure":
    """Draw each side's share of each label's patches, one panel a side on the same scale.

    Parameters
    ----------
    shares : mapping of str to mapping of str to float
        For each side, its part of each label's patches, 0 to 1.
    fractions : mapping of str to float
        For each side, its part of all patches, 0 to 1.
    patches : mapping of str to int
        Number of patches with each label; labels with the most come first.
    others : mapping of str to mapping, optional
        Shares of at most two other splits by name.
    """
    from matplotlib.figure import Figure

    labels = sorted(patches, key=lambda label: (-patches[label], label))
    with styled():
        figure = Figure(figsize=(10, 1.6 + 0.3 * max(len(labels), 4)), layout="constrained")
        panels = figure.subplots(1, len(shares), sharey=True, squeeze=False)[0]
        reach = _reach(shares, fractions, others or {})
        for axes, side in zip(panels, shares, strict=True):
            _draw_shares(axes, side, shares[side], fractions[side], labels, others or {})
            low = max(0, min(fractions[side] - reach, 1 - 2 * reach))
            axes.set_xlim(100 * low, 100 * (low + 2 * reach))
        panels[0].set_yticks(
            range(len(labels)),
            [f"{fill(name, _LABEL_LETTERS)} ({patches[name]:,})" for name in labels],
        )
        panels[0].set_ylim(len(labels) - 0.4, -0.6)
        handles = {
            name: handle
            for axes in panels
            for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        handles = {name: handles[name] for name in sorted(handles, key=lambda n: n not in shares)}
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return figure


def distance_figure(distances: Mapping[str, NDArray[np.float64]]) -> "Figure":
    """Draw cumulative distributions of the distances from a side to the train side.

    Parameters
    ----------
    distances : mapping of str to (n,) float64 array
        For each of at most four splits, by name, the metres from each patch to the nearest train
        centre, which may be infinite. The first split is drawn strongest.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    kilometres = {name: np.sort(values) / 1000 for name, values in distances.items()}
    finite = [values[np.isfinite(values)] for values in kilometres.values()]
    farthest = max([20.0, *(float(values[-1]) for values in finite if len(values))])
    grid = np.geomspace(0.5, farthest * 1.1, 600)
    with styled():
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.subplots()
        colours = [SIDE_COLOURS["test"], MUTED, INK, SIDE_COLOURS["train"]]
        for (name, values), colour, line in zip(kilometres.items(), colours, LINES, strict=False):
            if not len(values):
                continue
            nearer = 100 * np.searchsorted(values, grid, "right") / len(values)
            width = 2.4 if line == LINES[0] else 1.8
            text = f"{name}: half within {np.median(values):.1f} km"
            axes.plot(grid, nearer, color=colour, linestyle=line, linewidth=width, label=text)
        for kilometre in _NEAR_KM:
            axes.axvline(kilometre, color=MUTED, linewidth=0.6, zorder=1)
        axes.set_xscale("log")
        axes.set_xlim(grid[0], grid[-1])
        ticks = [tick for tick in _TICKS_KM if tick <= grid[-1]]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(0, 102)
        axes.yaxis.set_major_formatter(PercentFormatter(decimals=0, symbol=" %"))
        axes.set_xlabel("distance to the nearest train centre, km (log scale)")
        axes.set_ylabel("patches nearer than that")
        axes.set_title("How far the test patches are from the train side")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right")
    return figure


def _draw_shares(
    axes: "Axes",
    side: str,
    shares: Mapping[str, float],
    fraction: float,
    labels: Sequence[str],
    others: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> None:
    """One panel: a line from the fraction to each label's share, and the shares of other splits."""
    rows = np.arange(len(labels))
    values = np.array([100 * shares[label] for label in labels])
    colour = SIDE_COLOURS[side]
    axes.axvline(100 * fraction, color=INK, linewidth=1, label="part of all patches")
    axes.hlines(rows, 100 * fraction, values, color=colour, linewidth=2.5)
    axes.scatter(values, rows, color=colour, marker=SIDE_MARKERS[side], s=46, zorder=3, label=side)
    styles: list[dict[str, Any]] = [
        {"marker": "x", "color": INK, "s": 16, "linewidths": 1.0},
        {"marker": "D", "facecolors": "none", "edgecolors": INK, "s": 22, "linewidths": 1.0},
    ]
    for (name, other), style in zip(others.items(), styles, strict=False):
        if side in other:
            theirs = [100 * other[side].get(label, np.nan) for label in labels]
            axes.scatter(theirs, rows, label=name, zorder=4, **style)
    axes.set_title(f"{side}: {100 * fraction:.1f} %")
    axes.set_xlabel("part of the label's patches, %")


def _reach(
    shares: Mapping[str, Mapping[str, float]],
    fractions: Mapping[str, float],
    others: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> float:
    """The largest deviation of a label's share from the fraction of its side, with a margin."""
    off = [
        abs(share - fractions[side])
        for split in (shares, *others.values())
        for side, of_labels in split.items()
        if side in fractions
        for share in of_labels.values()
    ]
    return min(max([0.02, *off]) * 1.15, 0.5)
