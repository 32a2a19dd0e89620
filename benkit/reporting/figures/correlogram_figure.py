"""The figure of a correlogram of labels, with the distances at which leakage is counted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benkit.reporting.style import INK, MUTED, SIDE_COLOURS, styled
from benkit.splits.correlogram import LEAST_PAIRS, Correlogram
from benkit.splits.side_metrics import LEAKAGE_METRES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAME_GROUND_KM = 0.6
"""Where the class of pairs that share ground is drawn, since a logarithm has no place for it."""
ENDS_KM = (0.48, 700)
TICKS_KM = {SAME_GROUND_KM: "same\nground"} | {
    km: f"{km:g}" for km in (1, 2.5, 5, 10, 20, 50, 100, 200, 500)
}


def correlogram_points(correlogram: Correlogram) -> list[tuple[float, float, bool]]:
    """Kilometres and correlation of each class, and whether it has enough pairs to be trusted."""
    return [
        (
            row["mean_m"] / 1000 if row["from_m"] else SAME_GROUND_KM,
            row["correlation"],
            row["pairs"] >= LEAST_PAIRS,
        )
        for row in correlogram.table.to_pylist()
        if row["correlation"] is not None
    ]


def middle_half_km(nearest_train_m: Sequence[float] | None) -> tuple[float, ...]:
    """Lower quartile, median and upper quartile of the distances to the train side, where drawn."""
    return tuple(max(m / 1000, SAME_GROUND_KM) for m in (nearest_train_m or ())[1:4])


def correlogram_figure(
    correlogram: Correlogram, nearest_train_m: Sequence[float] | None = None
) -> "Figure":
    """Draw the correlation of labels over distance, hollow where a class has few pairs.

    Parameters
    ----------
    correlogram : Correlogram
    nearest_train_m : sequence of float, optional
        Least distance of a test patch to a train centre, quartiles, greatest; the middle half is marked.
    """
    from matplotlib.figure import Figure

    points = correlogram_points(correlogram)
    values = [correlation for _, correlation, _ in points]
    blue, red = SIDE_COLOURS["train"], SIDE_COLOURS["test"]
    with styled():
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.subplots()
        for metres in LEAKAGE_METRES:
            axes.axvline(metres / 1000, color=MUTED, linewidth=0.6, zorder=1)
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        axes.plot([km for km, *_ in points], values, color=blue, linewidth=2, zorder=2)
        for trusted, colour in ((True, blue), (False, "white")):
            some = [(km, value) for km, value, enough in points if enough == trusted]
            text = None if trusted else f"fewer than {LEAST_PAIRS} pairs"
            if some:
                x, y = zip(*some, strict=True)
                axes.scatter(x, y, c=colour, edgecolors=blue, zorder=3, label=text)
        if middle := middle_half_km(nearest_train_m):
            low, median, high = middle
            text = f"nearest train centre of test patches, km: median {median:.1f}, "
            text += f"middle half {low:.1f} to {high:.1f}"
            axes.axvspan(low, high, color=red, alpha=0.15, linewidth=0, zorder=0)
            axes.axvline(median, color=red, linewidth=1.8, linestyle="--", label=text)
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center")
        axes.set_xscale("log")
        axes.set_xlim(*ENDS_KM)
        axes.set_xticks(list(TICKS_KM), list(TICKS_KM.values()))
        axes.minorticks_off()
        axes.set_ylim(min([0, *values]) - 0.05, max([1, *values]) + 0.05)
        axes.set_xlabel("distance between the centres of two patches, km (log scale)")
        axes.set_ylabel("correlation of their labels")
        axes.set_title("How alike the labels of two patches are")
        if not points:
            axes.text(0.5, 0.5, correlogram.sentence, transform=axes.transAxes, ha="center")
    return figure
