"""Draw one patch: every band, true and false colour."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.domain.layout import Band
from benkit.inventory.findings import KINDS
from benkit.inventory.inspect import InspectedBand, Inspection
from benkit.reporting.pixels import in_colour, mask_no_data, stretch_range
from benkit.reporting.style import BAD, INK, MUTED, NO_DATA_COLOUR, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WAVELENGTHS = {
    "B01": 443, "B02": 490, "B03": 560, "B04": 665, "B05": 705, "B06": 740,
    "B07": 783, "B08": 842, "B8A": 865, "B09": 945, "B10": 1375, "B11": 1610, "B12": 2190,
}  # fmt: skip
"""Nominal centres in nanometres; Sentinel-2 User Handbook, ESA 2015, table 1."""

_PAPER = "#ffffff"
_GREY_COLUMNS = 4
_COLOUR_ROWS = 3
_LINE_WIDTH = 120


@styled()
def draw_patch(inspection: Inspection, pixels: Mapping[str, NDArray]) -> "Figure":
    """Draw the bands of a patch, with the pixels of `read_pixels`.

    Every band is stretched from its 2nd to its 98th percentile. Where the layout has their bands, there
    are pictures in colour. The true colour picture keeps its hues: its bands share one stretch, from
    0 to the 98th percentile of them all; those of the false colour picture (near infrared, red, green:
    vegetation is red) have one each, and so have VV, VH and the ratio of them, of Sentinel-1. Pixels
    without a measurement are magenta.
    """
    from matplotlib.figure import Figure

    layout = inspection.place.layout
    bands, of_layout = list(inspection.bands), layout.bands
    named = {
        "true colour": layout.true_colour,
        "false colour": layout.false_colour,
        "radar": layout.radar,
    }
    pictures = [(title, own) for title, own in named.items() if own][:2]
    left = 2 * bool(pictures)
    rows = 2 * max(-(-_COLOUR_ROWS * len(pictures) // 2), -(-len(bands) // _GREY_COLUMNS))
    figure = Figure(figsize=(11.5, 1.2 * rows + 1), facecolor=_PAPER)
    high = figure.get_figheight()
    margins = {"left": 0.015, "right": 0.985, "top": 1 - 1.15 / high, "bottom": 0.29 / high}
    grid = figure.add_gridspec(rows, left + _GREY_COLUMNS, wspace=0.08, hspace=0.6, **margins)
    masked = {band: mask_no_data(pixels[band], inspection.bands[band].nodata) for band in pixels}
    for number, (title, own) in enumerate(pictures):
        top = _COLOUR_ROWS * number
        axes = figure.add_subplot(grid[top : top + _COLOUR_ROWS, :2])
        _draw_colour(axes, masked, own, title, in_decibels=of_layout[own[0]].unit == "dB")
    for index, band in enumerate(bands):
        row, column = divmod(index, _GREY_COLUMNS)
        axes = figure.add_subplot(grid[2 * row : 2 * row + 2, left + column])
        _draw_band(axes, of_layout[band], inspection.bands[band], masked.get(band))
    _write_head(figure, inspection)
    return figure


def _draw_colour(
    axes: "Axes",
    masked: Mapping[str, "np.ma.MaskedArray"],
    bands: tuple[str, ...],
    title: str,
    *,
    in_decibels: bool,
) -> None:
    ratio = [(" - " if in_decibels else " / ").join(bands)] if len(bands) == 2 else []
    _prepare(axes, f"{title}: {', '.join([*bands, *ratio])}")
    if missing := [band for band in bands if band not in masked]:
        _write_instead(axes, f"needs {' and '.join(missing)}")
        return
    picture = in_colour(masked, bands, true=title == "true colour", decibels=in_decibels)
    axes.imshow(picture, interpolation="nearest")


def _draw_band(
    axes: "Axes", expected: Band, band: InspectedBand, pixels: "np.ma.MaskedArray | None"
) -> None:
    number = re.sub(r"^B(\d)$", r"B0\1", expected.name)
    wavelength = _WAVELENGTHS.get(number)
    _prepare(axes, f"{expected.name}  {wavelength:,} nm" if wavelength else expected.name)
    if pixels is None:
        _write_instead(axes, band.status)
        return
    from matplotlib import colormaps

    low, high = stretch_range(pixels)
    colours = colormaps["gray"].with_extremes(bad=NO_DATA_COLOUR)
    axes.imshow(pixels, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    as_expected = (band.height, band.width) == (expected.height, expected.width)
    lines = [(f"{band.width} x {band.height} pixels", MUTED if as_expected else BAD)]
    if band.nodata_count:
        lines.append((f"{band.nodata_count:,} NO_DATA", BAD))
    elif band.min is not None:
        digits = ",.0f" if band.dtype and "int" in band.dtype else ",.3g"
        lines.append((f"{band.min:{digits}} to {band.max:{digits}}", MUTED))
    style: dict[str, Any] = {"fontsize": 7.5, "va": "top", "transform": axes.transAxes}
    for (text, colour), x, align in zip(lines, (0, 1), ("left", "right"), strict=False):
        axes.text(x, -0.03, text, color=colour, ha=align, **style)


def _prepare(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=9, loc="left", pad=3, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_anchor("NW")
    for edge in axes.spines.values():
        edge.set_visible(True)
        edge.set_color(MUTED)
        edge.set_linewidth(0.5)


def _write_instead(axes: "Axes", text: str) -> None:
    axes.set_aspect("equal")
    axes.text(0.5, 0.5, text, color=BAD, ha="center", va="center", transform=axes.transAxes)


def _write_head(figure: "Figure", inspection: Inspection) -> None:
    import textwrap

    top = 1 - 0.287 / figure.get_figheight()
    literal: Any = {"parse_math": False, "color": INK}  # a name or label with a $ is no formula
    figure.text(0.015, top, inspection.patch_id, fontsize=13, weight="bold", **literal)
    lines = []
    if inspection.name is not None:
        product = inspection.name.product
        facts = [f"{product.sensing_start:%Y-%m-%d %H:%M} UTC", product.season]
        facts += [f"tile {product.tile.name}", f"EPSG:{product.tile.epsg}"]
        lines.append(", ".join(facts))
    if inspection.metadata is not None:
        lines.append("; ".join(dict.fromkeys(inspection.metadata["labels"]) or ["no label"]))
    lines = [part for line in lines for part in textwrap.wrap(line, _LINE_WIDTH)]
    figure.text(
        0.015,
        top - 0.123 / figure.get_figheight(),
        "\n".join(lines),
        fontsize=9,
        va="top",
        linespacing=1.35,
        **literal,
    )
    if kinds := sorted({KINDS[finding["kind"]].title for finding in inspection.findings}):
        text = f"found: {', '.join(kinds)}"
        figure.text(0.985, top, text, fontsize=10, color=BAD, ha="right")
    if any(band.nodata_count for band in inspection.bands.values()):
        text = "magenta: NO_DATA"
        figure.text(0.985, 0.01, text, fontsize=8, color=NO_DATA_COLOUR, ha="right")
