"""Figures of splits: what they show, and that their bytes are always the same."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pytest
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.text import Text
from pyproj import Transformer

import benkit
from benkit.errors import OptionError
from benkit.files.writing.figure import write_figure
from benkit.ground.distance_plane import centre_degrees, to_plane
from benkit.ground.footprints import locate
from benkit.metadata.metadata import Metadata
from benkit.reporting.figures.correlogram_figure import correlogram_figure
from benkit.reporting.figures.split_figures import (
    distance_figure,
    label_figure,
    map_figure,
    split_figures,
)
from benkit.reporting.style import INK, MAP_COLOURS, MUTED, SIDE_COLOURS
from benkit.splits.correlogram import LEAST_PAIRS, label_correlogram
from benkit.splits.evaluate import evaluate_split

PRODUCT = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
KINDS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
FAR = "S2A_MSIL2A_20170613T101031_N9999_R022_T35ULA"


def small_split(*products: str) -> tuple[pa.Table, dict[str, list[str]]]:
    ids = [f"{p}_{column:02d}_{row:02d}" for p in products for column in range(9) for row in (1, 2)]
    labels = [["A"] if place % 3 else ["A", "B"] for place in range(len(ids))]
    country = [patch.split("_")[5] for patch in ids]
    metadata = pa.table({"patch_id": ids, "labels": labels, "country": country})
    return metadata, {"train": ids[6:], "validation": ids[4:6], "test": ids[:4]}


def test_the_same_figures_have_the_same_bytes_whatever_the_settings_are(tmp_path):
    metadata, sides = small_split(PRODUCT, FAR)
    evaluation = {"mine": evaluate_split(metadata, sides)}
    written = []
    for folder, size in (("one", 10.0), ("two", 25.0)):
        with mpl.rc_context({"font.size": size, "axes.facecolor": "red", "savefig.dpi": size}):
            figures = split_figures(metadata, sides, evaluation)
            for name, figure in figures.items():
                write_figure(figure, tmp_path / folder / f"{name}.png")
            for kind in ("pdf", "svg"):
                write_figure(figures["distances"], tmp_path / folder / f"distances.{kind}")
        written.append({p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 5
    for name, content in written[0].items():
        assert content.startswith(KINDS[name.split(".")[1]])


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(OptionError, match="expected a name that ends with"):
        write_figure(distance_figure({}), tmp_path / "figure.gif")
    assert not list(tmp_path.iterdir())


def test_curves_are_the_parts_of_patches_that_are_nearer():
    generator = np.random.default_rng(0)
    distances = {"mine": generator.uniform(0, 30_000, 200), "other": np.array([1e3, np.inf])}
    axes = distance_figure(distances).axes[0]
    for line, values in zip(axes.lines, distances.values(), strict=False):
        for x, y in line.get_xydata()[::40]:
            assert y == pytest.approx(100 * np.mean(values <= x * 1000))
    assert "km" in axes.get_xlabel()
    assert [text.get_text().split(":")[0] for text in axes.get_legend().texts] == ["mine", "other"]
    assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()


def test_a_panel_a_side_shows_each_label_at_its_share():
    metadata, sides = small_split(PRODUCT)
    evaluation = evaluate_split(metadata, sides)
    shares = evaluation.label_shares()
    for label in ("A", "B"):
        assert sum(of_side[label] for of_side in shares.values()) == pytest.approx(1)
    fractions = {name: len(patches) / len(metadata) for name, patches in sides.items()}
    figure = label_figure(shares, fractions, evaluation.label_patches, {"same": shares})
    assert len(figure.axes) == 3
    widths = []
    for axes, (side, of_side) in zip(figure.axes, shares.items(), strict=True):
        points = next(c for c in axes.collections if c.get_label() == side).get_offsets()
        assert points[:, 0].tolist() == pytest.approx([100 * of_side["A"], 100 * of_side["B"]])
        assert axes.get_title(loc="left").startswith(side)
        assert "%" in axes.get_xlabel()
        low, high = axes.get_xlim()
        assert low <= points[:, 0].min() and points[:, 0].max() <= high
        widths.append(high - low)
    assert np.ptp(widths) == pytest.approx(0)
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == ["A (18)", "B (6)"]


def test_a_map_has_a_square_for_each_patch_of_a_near_archive():
    metadata, _ = small_split(PRODUCT)
    degrees = centre_degrees(locate(metadata["patch_id"]))
    side = np.array(["test"] * 4 + ["validation"] * 2 + ["train"] * 11 + [""])
    axes = map_figure(degrees, side).axes[0]
    drawn = {to_rgba(c.get_facecolor()[0]): len(c.get_paths()) for c in axes.collections}
    expected = {"test": 4, "validation": 2, "train": 11}
    assert drawn == {to_rgba(SIDE_COLOURS[name]): count for name, count in expected.items()}
    centres = to_plane(degrees[:4])[0]
    paths = next(c for c in axes.collections if len(c.get_paths()) == 4).get_paths()
    middles = [path.vertices[:4].mean(0) for path in paths]
    assert np.allclose(middles, centres)
    legend = [text.get_text() for text in axes.figure.legends[0].texts]
    assert legend[-1] == "test: 4 (23.5 %)"


def test_a_wide_map_shows_cells_in_the_colour_of_most_patches():
    metadata, _ = small_split(PRODUCT, FAR)
    degrees = centre_degrees(locate(metadata["patch_id"]))
    side = np.array(["train", "test", "test"] * 6 + ["train"] * 18)
    axes = map_figure(degrees, side, metadata["country"].to_pylist()).axes
    assert len(axes) == 2
    assert "Natural Earth" in axes[0].get_xlabel()
    assert {line.get_gid() for line in axes[0].lines} >= {"coasts", "borders"}
    picture = axes[0].images[0].get_array()
    shown = {tuple(colour) for colour in picture[picture[..., 3] > 0].tolist()}
    assert shown == {to_rgba(SIDE_COLOURS["train"]), to_rgba(SIDE_COLOURS["test"])}
    assert {text.get_text() for text in axes[0].texts} >= {"T33UUP", "T35ULA"}
    west, east, south, north = axes[0].images[0].get_extent()
    points = to_plane(degrees)[0]
    assert (points > (west, south)).all() and (points < (east, north)).all()


@pytest.mark.parametrize("product", [PRODUCT, FAR, PRODUCT.replace("T33UUP", "T55HFA")])
def test_meridians_and_parallels_are_named_where_they_meet_the_edge(product):
    metadata, _ = small_split(product)
    degrees = centre_degrees(locate(metadata["patch_id"]))
    axes = map_figure(degrees, np.array(["train"] * len(degrees))).axes[0]
    inverse = Transformer.from_crs(to_plane(degrees)[1], 4326, always_xy=True).transform
    west, _ = axes.get_xlim()
    south, _ = axes.get_ylim()
    for axis, x, y, names in (
        (0, axes.get_xticks(), south, axes.get_xticklabels()),
        (1, west, axes.get_yticks(), axes.get_yticklabels()),
    ):
        found = np.broadcast_arrays(*inverse(*np.broadcast_arrays(x, y)))[axis]
        named = [text.get_text() for text in names]
        assert len(named) >= 2
        signs = [-1 if text[-1] in "WS" else 1 for text in named]
        told = [sign * float(text.split("°")[0]) for sign, text in zip(signs, named, strict=True)]
        assert np.allclose(found, told, atol=1e-4)


def test_sides_and_seasons_are_told_apart_by_any_colour_vision():
    """Distances in CIELAB, seen without red, green or blue cones (Machado, Oliveira, Fernandes 2009)."""
    cones = {
        "red": "0.152286 1.052583 -0.204868  0.114503 0.786281 0.099216  -0.003882 -0.048116 1.051998",
        "green": "0.367322 0.860646 -0.227968  0.280085 0.672501 0.047413  -0.011820 0.042940 0.968881",
        "blue": "1.255528 -0.076749 -0.178779  -0.078411 0.930809 0.147602  0.004733 0.691367 0.303900",
        "none": "1 0 0  0 1 0  0 0 1",
    }
    for colours, least in (
        (SIDE_COLOURS, 35),
        (MAP_COLOURS["sides"], 25),
        (MAP_COLOURS["seasons"], 25),
    ):
        for missing, numbers in cones.items():
            seen = np.reshape(numbers.split(), (3, 3)).astype(float)
            lab = [_lab(np.clip(seen @ _linear(one), 0, 1)) for one in colours.values()]
            apart = [np.linalg.norm(one - other) for one, other in combinations(lab, 2)]
            assert min(apart) > least, (missing, colours)


def _linear(colour):
    value = np.array(to_rgb(colour))
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _lab(linear):
    of_white = [
        [0.43395, 0.37622, 0.18983],
        [0.21264, 0.71517, 0.07219],
        [0.01776, 0.10947, 0.87277],
    ]
    x, y, z = np.array(of_white) @ linear
    x, y, z = (np.cbrt(v) if v > 216 / 24389 else (24389 / 27 * v + 16) / 116 for v in (x, y, z))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_page_its_map_the_web_map_and_figures_have_the_same_colours():
    assert MAP_COLOURS["sides"].items() >= SIDE_COLOURS.items()
    metadata, sides = small_split(PRODUCT.replace("20170613", "20170413"))
    for page in (benkit.report(metadata, split=sides), benkit.web_map(metadata, sides=sides)):
        assert all(colour in page for colour in SIDE_COLOURS.values())
        assert MAP_COLOURS["seasons"]["spring"] in page
    page = benkit.report(metadata)
    assert f"--muted: {MUTED};" in page
    assert f"--ink: {INK};" in page


def test_sides_that_are_empty_are_drawn_too():
    metadata, _ = small_split(PRODUCT)
    for sides in (
        {"train": metadata["patch_id"].to_pylist(), "test": []},
        {"train": [], "test": []},
    ):
        figures = split_figures(metadata, sides, {"mine": evaluate_split(metadata, sides)})
        assert list(figures) == ["map", "labels", "distances"]


def test_labels_with_dollar_signs_are_no_formulas(tmp_path):
    metadata, sides = small_split(PRODUCT, FAR)
    label = "$\\frac{1 x$ a"
    metadata = metadata.set_column(1, "labels", pa.array([[label]] * len(metadata)))
    metadata = metadata.set_column(2, "country", pa.array([label] * len(metadata)))
    found = {label: evaluate_split(metadata, sides)}
    for name, figure in split_figures(metadata, sides, found).items():
        write_figure(figure, tmp_path / f"{name}.png")
        named = [text for text in figure.findobj(Text) if label in text.get_text()]
        assert not any(text.get_parse_math() for text in named)


def test_a_correlogram_is_drawn_with_the_distances_of_leakage_and_of_the_test_side(tmp_path):
    metadata = Metadata(small_split(PRODUCT, FAR)[0])
    correlogram = label_correlogram(metadata)
    rows = correlogram.table.to_pylist()
    figure = correlogram_figure(correlogram, (0, 1200, 3000, 9000, 20_000))
    axes = figure.axes[0]
    lines = [line.get_xdata() for line in axes.lines]
    assert [line[0] for line in lines[:3]] == [2.5, 5, 10]
    assert lines[-1][0] == 3
    assert lines[4] == pytest.approx([row["mean_m"] / 1000 for row in rows])
    assert axes.lines[4].get_ydata() == pytest.approx([row["correlation"] for row in rows])
    texts = [text.get_text() for text in figure.legends[0].texts]
    assert min(row["pairs"] for row in rows) < LEAST_PAIRS
    assert texts[0] == "fewer than 30 pairs"
    assert "median 3.0, middle half 1.2 to 9.0" in texts[1]
    alike = Metadata(small_split(PRODUCT)[0].set_column(1, "labels", pa.array([["A"]] * 18)))
    empty = correlogram_figure(label_correlogram(alike))
    assert "all patches have the same ones" in empty.axes[0].texts[0].get_text()
    write_figure(empty, tmp_path / "empty.png")
