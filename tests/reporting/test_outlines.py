"""Coastlines and borders: known places, any projection, nothing beyond the edges, made again."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import shapely
from matplotlib.figure import Figure
from pyproj import Transformer

from benkit.reporting.outlines import (
    draw_outlines,
    outline_degrees,
    outlines_within,
    stepped_outlines,
)
from tests.conftest import ROOT

EUROPE = (2_500_000.0, 1_300_000.0, 6_500_000.0, 5_400_000.0)  # in EPSG:3035
WORLD = (-17_367_530.0, -7_342_230.0, 17_367_530.0, 7_342_230.0)  # in EPSG:6933
ASSETS = ROOT / "benkit" / "reporting" / "assets"


def lines_of(kind):
    return shapely.multilinestrings([shapely.linestrings(one) for one in outline_degrees()[kind]])


@pytest.mark.parametrize(
    ("place", "kind", "longitude", "latitude", "degrees"),
    [
        ("Cabo da Roca", "coasts", -9.50, 38.78, 0.1),
        ("Land's End", "coasts", -5.71, 50.07, 0.1),
        ("Helsinki", "coasts", 24.95, 60.16, 0.1),
        ("Cape of Good Hope", "coasts", 18.47, -34.36, 0.5),
        ("Darwin", "coasts", 130.84, -12.46, 0.5),
        ("Kehl on the Rhine", "borders", 7.80, 48.57, 0.1),
        ("Narva", "borders", 28.19, 59.38, 0.1),
        ("Elvas and Badajoz", "borders", -7.03, 38.89, 0.1),
        ("the 49th parallel", "borders", -110.0, 49.0, 0.05),
    ],
)
def test_lines_run_where_coasts_and_borders_are_known_to_be(
    place, kind, longitude, latitude, degrees
):
    assert shapely.distance(lines_of(kind), shapely.points(longitude, latitude)) < degrees, place


def test_lines_are_cut_at_the_antimeridian_and_do_not_run_along_it():
    for lines in outline_degrees().values():
        for line in lines:
            assert (np.abs(line) <= (180, 90)).all()
            assert np.abs(np.diff(line[:, 0])).max() < 40
            along = np.abs(line[:, 0]) > 179.99
            assert not (along[1:] & along[:-1]).any()


@pytest.mark.parametrize(
    ("epsg", "bounds"),
    [
        (3035, EUROPE),
        (6933, WORLD),
        (32633, (0.0, 4e6, 1e6, 8e6)),
        (32760, (-2e6, 5e6, 2e6, 9e6)),  # across the antimeridian
        (3832, (-2e7, -2e7, 2e7, 2e7)),  # the Pacific in the middle
        (3031, (-4e6, -4e6, 4e6, 4e6)),  # the south pole
    ],
)
def test_any_projection_has_them_in_place_and_within_its_bounds(epsg, bounds):
    back = Transformer.from_crs(epsg, 4326, always_xy=True)
    west, south, east, north = bounds
    everything = shapely.union_all([lines_of(kind) for kind in ("coasts", "borders")])
    found = [line for lines in outlines_within(bounds, epsg).values() for line in lines]
    assert found
    for line in found:
        assert (line >= (west - 1, south - 1)).all() and (line <= (east + 1, north + 1)).all()
        assert np.hypot(*np.diff(line, axis=0).T).max() < 3e6, "no line across the map"
    points = np.concatenate(found)[:: max(sum(map(len, found)) // 300, 1)]
    degrees = np.stack(back.transform(*points.T), axis=1)
    assert shapely.distance(everything, shapely.points(degrees)).max() < 0.3


def test_bounds_in_the_open_sea_or_away_from_all_have_none():
    for bounds in ((-20e5, -20e5, -19e5, -19e5), (0.0, 0.0, 1.0, 1.0)):
        assert outlines_within(bounds, 6933) == {"coasts": [], "borders": []}


def test_a_script_gets_them_as_steps_that_add_up():
    whole = outlines_within(EUROPE, 3035)
    for kind, lines in stepped_outlines(EUROPE, 3035, 100).items():
        for steps, line in zip(lines, whole[kind], strict=True):
            points = 100 * np.cumsum(np.reshape(steps, (-1, 2)), axis=0)
            assert np.abs(points - line).max() <= 50


def test_a_figure_has_borders_thinner_than_coasts_and_keeps_its_limits():
    axes = Figure().subplots()
    axes.set_xlim(EUROPE[0], EUROPE[2])
    axes.set_ylim(EUROPE[1], EUROPE[3])
    draw_outlines(axes, 3035)
    coasts, borders = (
        next(one for one in axes.lines if one.get_gid() == kind) for kind in ("coasts", "borders")
    )
    assert borders.get_linewidth() < coasts.get_linewidth()
    assert (*axes.get_xlim(), *axes.get_ylim()) == (EUROPE[0], EUROPE[2], EUROPE[1], EUROPE[3])


def test_the_files_are_small_and_name_their_source_and_licence():
    assert (ASSETS / "outlines.json").stat().st_size < 200_000
    head = (ASSETS / "outlines.json").read_text("utf-8")[:400]
    for words in ("Natural Earth 4.1 (public domain)", "world-atlas 2.0.2", "tools/map_assets.py"):
        assert words in head
    licence = (ASSETS / "leaflet.js").read_text("utf-8").split("*/")[0]
    assert "BSD 2-Clause License" in licence
    words = [line.strip(" *") for line in licence.splitlines()[2:]]
    notice = (ROOT / "THIRD-PARTY-NOTICES.txt").read_text("utf-8")
    assert " ".join(" ".join(words).split()) in " ".join(notice.split())


def test_the_files_are_made_again_byte_for_byte(tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("needs npm for the packages that the files are made of")
    call = ["npm", "pack", "--silent", "world-atlas@2.0.2", "leaflet@1.9.4"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    call = [sys.executable, "-m", "tools.map_assets", *done.stdout.split(), "."]
    subprocess.run([*call[:3], *(str(tmp_path / name) for name in call[3:])], cwd=ROOT, check=True)
    for name in ("outlines.json", "leaflet.js", "leaflet.css"):
        assert (tmp_path / name).read_bytes() == (ASSETS / name).read_bytes()
