"""The figures of the report, drawn from its facts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benkit.domain.patch_names import PATCH_METRES
from benkit.reporting.outlines import OUTLINE_WIDTHS, OUTLINES_SOURCE, outlines_within
from course.facts import Facts
from course.inputs import PATCH
from course.places import band_of
from course.shared_ground import outline

INK, SEA, MOSS, CLAY, SAND, GREY = (
    "#1b2a33", "#15607a", "#6f9a58", "#b3542a", "#e4ded0", "#6b7880",
)  # fmt: skip
LIGHT = "#c9d3d6"
CM = 1 / 2.54
WIDTH = 16 * CM
METHODS = {"random": ("random", CLAY), "official": ("official", SEA), "benkit": ("benkit", MOSS)}
_CELL = 2500  # metres of a map's pixel
_AROUND = 12_000  # metres around a region, of coasts and borders
_CANVAS = (1780, 1090)  # kilometres
_PLACES = {
    ("Belgium", "Luxembourg"): (20, 50),
    ("Switzerland",): (20, 275),
    ("Lithuania",): (20, 450),
    ("Austria",): (20, 800),
    ("Serbia", "Kosovo"): (520, 50),
    ("Ireland",): (940, 50),
    ("Portugal",): (940, 560),
    ("Finland",): (1185, 50),
}
"""Where on the canvas the upper left corner of a region's map lies."""
_PLANE = 3035  # of the centres
_ENLARGED = 3  # so that viewers do not blur the pixels


def draw_all(facts: Facts, measured: dict[str, Any], folder: Path, fonts: Path) -> None:
    """Draw every figure as SVG into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(fonts.glob("*.ttf")):
        font_manager.fontManager.addfont(file)
    settings: Any = {
        "font.family": "Source Sans Pro",
        "font.size": 8.5,
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "legend.frameon": False,
        "svg.hashsalt": "benkit",
        "svg.fonttype": "path",
        "image.interpolation": "none",
    }
    with mpl.rc_context(settings):
        for name, draw in FIGURES.items():
            figure = draw(facts, measured)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})


def formats(facts: Facts, measured: dict[str, Any]) -> Figure:
    """Bytes of each column, and what the season question reads of each format."""
    figure = Figure(figsize=(WIDTH, 5.4 * CM), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
    columns = facts.numbers["parquet"]["columns"]
    sizes = [one["stored"] / 1e6 for one in columns.values()]
    colours = [CLAY if name == "patch_id" else LIGHT for name in columns]
    left.barh(list(columns), sizes, color=colours, height=0.72)
    for place, size in enumerate(sizes):
        text = f"{size:.2f}" if size >= 0.005 else "< 0.01"
        left.text(size + 0.03, place, text, va="center", fontsize=7.5)
    left.invert_yaxis()
    left.set_xlim(0, max(sizes) * 1.18)
    left.set_title("stored bytes of each column, MB", fontsize=8.5, loc="left")
    left.tick_params(axis="y", length=0)

    whole = [
        facts.numbers["parquet"]["bytes"],
        measured["bytes"]["csv.gz"],
        facts.numbers["csv"]["bytes"],
    ]
    read = [facts.numbers["parquet"]["season_bytes"], *whole[1:]]
    rows = np.arange(3)
    right.barh(rows, np.array(whole) / 1e6, color=LIGHT, height=0.72, label="file")
    right.barh(rows, np.array(read) / 1e6, color=CLAY, height=0.34, label="read")
    right.set_yticks(rows, ["Parquet", "CSV, gzipped", "CSV"])
    right.invert_yaxis()
    right.set_xscale("log")
    right.set_xlim(0.2, 300)
    right.set_xticks([1, 10, 100], ["1", "10", "100"])
    right.set_title("file, and bytes read for the seasons, MB", fontsize=8.5, loc="left")
    right.tick_params(axis="y", length=0)
    right.legend(loc="lower right", bbox_to_anchor=(1.0, 0.58), fontsize=7.5)
    return figure


def parts(facts: Facts, measured: dict[str, Any]) -> Figure:
    """A patch and its four parts, with the corners that place them."""
    retile = facts.numbers["retile"]
    picture = _true_colour()
    figure = Figure(figsize=(WIDTH, 7.6 * CM))
    left = figure.add_axes((0.105, 0.11, 0.385, 0.81))
    x, y, size = retile["x"], retile["y"], PATCH_METRES
    left.imshow(picture, extent=(x, x + size, y - size, y))
    for middle in (left.axvline, left.axhline):
        middle(
            (x if middle == left.axvline else y - size) + size / 2,
            color="white", lw=1.2, ls=(0, (4, 2)),
        )  # fmt: skip
    for letter, part in retile["parts"].items():
        _letter(left, letter, part["x"] + size / 4, part["y"] - size / 4)
    marks = (0, size / 2, size)
    left.set_xticks([x + step for step in marks], [f"{x + step:.0f}" for step in marks])
    left.set_yticks([y - step for step in marks], [f"{y - step:.0f}" for step in marks])
    left.tick_params(labelsize=7.5)
    left.set_title(f"source: {retile['side']} × {retile['side']} pixels of 10 m", fontsize=8.5)
    for spine in left.spines.values():
        spine.set_visible(False)
    half = retile["side"] // 2
    for letter, part in retile["parts"].items():
        east, south = letter in "BD", letter in "CD"
        axes = figure.add_axes((0.565 + 0.225 * east, 0.565 - 0.495 * south, 0.19, 0.355))
        rows, columns = slice(part["row"], part["row"] + half), slice(part["column"], None)
        axes.imshow(picture[rows, columns][:, :half])
        axes.set_axis_off()
        _letter(axes, letter, half / 2 - 0.5, half / 2 - 0.5)
        axes.plot([-0.5], [-0.5], "o", color=CLAY, ms=5, clip_on=False)
        axes.set_title(
            f"({part['x']:.0f}, {part['y']:.0f})", fontsize=7.5, loc="left", color=CLAY, pad=4
        )
    return figure


def _letter(axes: Axes, letter: str, x: float, y: float) -> None:
    text = axes.text(
        x, y, f"_{letter}", color="white", fontsize=15, weight="semibold", ha="center", va="center"
    )
    text.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground=INK)])


def _true_colour() -> NDArray[np.float64]:
    import rasterio

    layers = []
    for band in ("B04", "B03", "B02"):
        with rasterio.open(band_of(PATCH, band)) as raster:
            pixels = raster.read(1).astype(float)
        low, high = np.percentile(pixels, (1, 99))
        layers.append(np.clip((pixels - low) / (high - low), 0, 1) ** 0.8)
    return np.stack(layers, -1)


def overlap_map(facts: Facts, measured: dict[str, Any]) -> Figure:
    """Where patches share ground, and why."""
    names = {
        0: ("none", "#cbbf9f"),
        1: ("several dates", MOSS),
        2: ("neighbouring tiles", SEA),
        3: ("UTM zones", CLAY),
    }
    return _mosaic(facts, facts.arrays["kind"], names, "ground shared by")


def overlap_pairs(facts: Facts, measured: dict[str, Any]) -> Figure:
    """One pair of patches for each reason, in the UTM zone of the first."""
    places = facts.arrays["places"]
    numbers = facts.numbers["overlaps"]["reasons"]
    titles = {
        "dates": "same square, two dates",
        "tiles": "neighbouring tiles, one zone",
        "zones": "neighbouring UTM zones",
    }
    figure = Figure(figsize=(WIDTH, 5.6 * CM), layout="constrained")
    ids = facts.arrays["ids"]
    for axes, (reason, title) in zip(figure.subplots(1, 3), titles.items(), strict=True):
        pair = [ids[name] for name in numbers[reason]["example"]]
        epsg = int(places.epsg[pair[0]])
        shapes = [outline(places, patch, epsg) for patch in pair]
        origin = np.concatenate(shapes).min(0)
        for shape, colour, name in zip(
            shapes, (SEA, CLAY), numbers[reason]["example"], strict=True
        ):
            axes.fill(*(shape - origin).T, color=colour, alpha=0.28, lw=0)
            axes.plot(*(shape - origin).T, color=colour, lw=1.4)
            product = name.split("_")
            day = f"{product[2][:4]}-{product[2][4:6]}-{product[2][6:8]}"
            axes.plot([], [], "s", color=colour, alpha=0.6, label=f"{product[5]}, {day}")
        axes.set_title(title, fontsize=8.5)
        axes.set_aspect("equal")
        axes.set_xlim(-100, 2350)
        axes.set_ylim(-100, 2350)
        axes.set_xticks([0, 600, 1200, 1800])
        axes.set_yticks([0, 600, 1200, 1800])
        axes.tick_params(labelsize=7)
        axes.legend(loc="upper left", fontsize=7, borderpad=0, handletextpad=0.2)
        if reason == "dates":
            axes.set_ylabel("metres", fontsize=7.5)
    return figure


def split_map(facts: Facts, measured: dict[str, Any]) -> Figure:
    """The sides that benkit chooses."""
    names = {0: ("train", LIGHT), 1: ("test", CLAY)}
    return _mosaic(facts, facts.arrays["test_benkit"].astype(int), names, "side")


def split_zoom(facts: Facts, measured: dict[str, Any]) -> Figure:
    """Three splits of one region side by side."""
    figure = Figure(figsize=(WIDTH, 6.4 * CM))
    centres = facts.arrays["centres"]
    some = (facts.arrays["country"] == "Lithuania") & (centres[:, 0] > 5_150_000)
    for place, (name, (title, _)) in enumerate(METHODS.items()):
        axes = figure.add_axes((place / 3 + 0.01, 0, 0.313, 0.92))
        value = facts.arrays[f"test_{name}"][some].astype(int)
        _draw_region(axes, centres[some], value, [LIGHT, CLAY], 1300)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    return figure


def labels(facts: Facts, measured: dict[str, Any]) -> Figure:
    """The share of each label that lands on the test side."""
    figure = Figure(figsize=(WIDTH, 8.4 * CM), layout="constrained")
    axes = figure.subplots()
    shares = {name: facts.numbers["splits"][name]["label_shares"] for name in METHODS}
    names = sorted(shares["official"], key=lambda label: shares["official"][label])
    for place in range(len(names)):
        axes.axhline(place, color="#e9ecec", lw=0.6, zorder=0)
    axes.axvline(25, color=GREY, lw=0.8, ls=(0, (4, 3)))
    marks = {"random": "|", "official": "o", "benkit": "D"}
    for name, (title, colour) in METHODS.items():
        axes.plot(
            [100 * shares[name][label] for label in names], range(len(names)), marks[name],
            color=colour, ms={"|": 10, "o": 5.5, "D": 4}[marks[name]], mew=1.6, label=title, ls="",
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [_short(name) for name in names], fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of the label's patches on the test side, per cent")
    axes.set_xlim(0, 35)
    axes.legend(loc="lower right")
    return figure


def distances(facts: Facts, measured: dict[str, Any]) -> Figure:
    """How far test patches are from the nearest train patch."""
    figure = Figure(figsize=(WIDTH, 6.0 * CM), layout="constrained")
    axes = figure.subplots()
    for metres in (2.5, 5, 10):
        axes.axvline(metres, color="#dfe3e3", lw=0.8, zorder=0)
    for name, (title, colour) in METHODS.items():
        nearest = np.sort(facts.arrays[f"nearest_{name}"]) / 1000
        part = np.linspace(0, 1, 401)
        at = np.quantile(nearest, part)
        axes.plot(at, 100 * part, color=colour, lw=1.8, label=title)
    axes.set_xscale("symlog", linthresh=2.5)
    axes.set_xlim(0, 200)
    ticks = [0, 1, 2.5, 5, 10, 25, 50, 100, 200]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.set_xlabel("distance from a test patch to the nearest train patch, km (centres)")
    axes.set_ylabel("test patches nearer, per cent")
    axes.legend(loc="lower right")
    return figure


def correlogram(facts: Facts, measured: dict[str, Any]) -> Figure:
    """How alike the labels of two patches are, by the distance between them."""
    figure = Figure(figsize=(WIDTH, 5.8 * CM), layout="constrained")
    axes = figure.subplots()
    for metres in (2.5, 5, 10):
        axes.axvline(metres, color=CLAY if metres == 10 else "#dfe3e3", lw=0.9, zorder=0)
    classes = facts.numbers["correlogram"]
    kilometres = [max(one["mean_m"] / 1000, 0.6) for one in classes]
    axes.plot(kilometres, [one["correlation"] for one in classes], "o-", color=SEA, lw=1.6, ms=4)
    axes.axhline(0, color=GREY, lw=0.6)
    axes.set_xscale("log")
    ticks = [0.6, 1.2, 2.5, 5, 10, 20, 50, 100, 200, 500]
    axes.set_xticks(ticks, ["same\nground", *(f"{tick:g}" for tick in ticks[1:])])
    axes.minorticks_off()
    axes.set_ylim(-0.05, 1.02)
    axes.set_xlabel("distance between the centres of two patches, km")
    axes.set_ylabel("correlation of their labels")
    return figure


def _short(label: str) -> str:
    """A label, the long one of them cut."""
    return label if len(label) < 50 else label.split(",")[0] + ", …"


def _mosaic(
    facts: Facts, value: NDArray[np.int64], names: dict[int, tuple[str, str]], title: str
) -> Figure:
    """Maps of all regions at one scale, moved together; axes are in kilometres."""
    figure = Figure(figsize=(WIDTH, WIDTH * _CANVAS[1] / _CANVAS[0]))
    axes = figure.add_axes((0, 0, 1, 1))
    centres, country = facts.arrays["centres"], facts.arrays["country"]
    colours = [colour for _, colour in names.values()]
    for countries, (left, top) in _PLACES.items():
        some = np.isin(country, countries)
        _draw_region(axes, centres[some], value[some], colours, _CELL, left, top)
        axes.text(left, top - 14, _and(countries), fontsize=8.5, weight="semibold", color=GREY)
    axes.set_xlim(0, _CANVAS[0])
    axes.set_ylim(_CANVAS[1], 0)
    axes.set_axis_off()
    for name, colour in names.values():
        axes.plot([], [], "s", color=colour, ms=6, label=name)
    axes.legend(
        loc="lower left", bbox_to_anchor=(0.3, 0.12), fontsize=8.5, borderpad=0,
        title=title, title_fontproperties={"size": 8.5, "weight": "semibold"}, alignment="left",
    )  # fmt: skip
    axes.plot([560, 760], [1025, 1025], color=INK, lw=1.4, solid_capstyle="butt")
    axes.text(660, 1016, "200 km", ha="center", fontsize=7.5)
    axes.text(560, 1062, OUTLINES_SOURCE, fontsize=6.5, color=GREY)
    return figure


def _draw_region(
    axes: Axes, centres: NDArray[np.float64], value: NDArray[np.int64], colours: list[str],
    cell: int, left: float = 0, top: float = 0,
) -> None:  # fmt: skip
    """Cells of a region below the coasts and borders around it; axes are in kilometres, downwards."""
    picture = _picture(centres, value, colours, cell)
    height, width = (side * cell / 1000 for side in picture.shape[:2])
    axes.imshow(_enlarged(picture), extent=(left, left + width, top + height, top))
    west, south = centres.min(0)
    bounds = (
        west - _AROUND,
        south - _AROUND,
        west + 1000 * width + _AROUND,
        south + 1000 * height + _AROUND,
    )
    for kind, lines in outlines_within(bounds, _PLANE).items():
        for line in lines:
            x, y = (line - (west, south)).T / 1000
            axes.plot(left + x, top + height - y, color=GREY, lw=OUTLINE_WIDTHS[kind])


def _and(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _picture(
    centres: NDArray[np.float64], value: NDArray[np.int64], colours: list[str], cell: int
) -> NDArray[np.uint8]:
    """Cells of a grid, north first, in the colour of the greatest value of a patch in them."""
    place = np.floor((centres - centres.min(0)) / cell).astype(int)
    columns, rows = place.max(0) + 1
    grid = np.full((rows, columns), -1)
    np.maximum.at(grid, (rows - 1 - place[:, 1], place[:, 0]), value)
    picture = np.zeros((rows, columns, 4), np.uint8)
    for number, colour in enumerate(colours):
        shades = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
        picture[grid == number] = (*shades, 255)
    return picture


def _enlarged(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture.repeat(_ENLARGED, 0).repeat(_ENLARGED, 1)


FIGURES: dict[str, Callable[[Facts, dict[str, Any]], Figure]] = {
    "formats": formats,
    "parts": parts,
    "overlap-map": overlap_map,
    "overlap-pairs": overlap_pairs,
    "split-map": split_map,
    "split-zoom": split_zoom,
    "labels": labels,
    "distances": distances,
    "correlogram": correlogram,
}
