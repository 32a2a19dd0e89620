"""Rectangles in any reference systems, against shapely pair by pair."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyproj import CRS, Transformer

from benkit.errors import InputFormatError
from benkit.ground.overlaps import overlapping_pairs, shared_areas, shared_ground
from benkit.ground.rectangles import Rectangles

BORDER = {"EPSG:32632": (692_000, 5_500_000), "EPSG:32633": (258_000, 5_500_000)}
"""The same ground in two zones, either side of 12 degrees east."""


def around(x, y, spread, width, height, count, seed):
    random = np.random.default_rng(seed)
    west, south = x + spread * random.random(count), y + spread * random.random(count)
    return np.stack([west, south, west + width, south + height], axis=1)


def mixed(count=40):
    """Rectangles of 1 km or so in degrees and in two UTM zones, on one stretch of ground."""
    bounds = [around(x, y, 9000, 1000, 700, count, x) for x, y in BORDER.values()]
    bounds.append(around(11.63, 49.61, 0.12, 0.012, 0.009, count, 3))
    names = [*BORDER, "EPSG:4326"]
    return np.concatenate(bounds), np.repeat(names, count).tolist()


def brute_force(bounds, names, plane):
    """Shared areas of all pairs, of polygons whose edges are cut finely, on a plane."""
    shapes = []
    for box, name in zip(bounds, names, strict=True):
        shape = shapely.box(*box)
        shape = shapely.segmentize(shape, (box[2] - box[0]) / 50)
        to_plane = Transformer.from_crs(name, plane, always_xy=True).transform
        shapes.append(shapely.transform(shape, to_plane, interleaved=False))
    areas = {(a, b): shapes[a].intersection(shapes[b]).area
             for a, b in combinations(range(len(shapes)), 2)}  # fmt: skip
    return {pair: area for pair, area in areas.items() if area > 1}


def test_overlaps_in_degrees_and_in_two_utm_zones_are_those_of_shapely():
    bounds, names = mixed()
    expected = brute_force(bounds, names, CRS("+proj=laea +lon_0=12 +lat_0=49.6"))
    places = Rectangles.of_bounds(bounds, names)
    pairs = overlapping_pairs(places)
    assert list(map(tuple, pairs.tolist())) == sorted(expected)
    assert len({(names[a], names[b]) for a, b in pairs.tolist()}) == 6
    areas = [expected[pair] for pair in map(tuple, pairs.tolist())]
    assert np.allclose(shared_areas(places, pairs), areas, rtol=1e-4, atol=0.1)
    assert len(shared_ground(places, pairs)) == len(pairs)
    taken = places.take(np.flatnonzero(np.arange(len(names)) % 3 == 0))
    assert len(overlapping_pairs(taken)) < len(pairs)


def test_overlaps_across_the_180th_meridian_and_the_equator():
    bounds = np.concatenate(
        [
            around(179.95, -0.05, 0.1, 0.013, 0.011, 30, 1),
            around(-180.05, -0.05, 0.1, 0.01, 0.01, 30, 2),
        ]
    )
    names = ["EPSG:4326"] * 60
    expected = brute_force(bounds, names, CRS("+proj=laea +lon_0=180"))
    pairs = overlapping_pairs(Rectangles.of_bounds(bounds, names))
    assert list(map(tuple, pairs.tolist())) == sorted(expected)
    assert (np.abs(Rectangles.of_bounds(bounds, names).degrees[:, 0]) <= 180).all()


@pytest.mark.parametrize(("name", "step"), [("EPSG:4326", 0.1 / 3), ("EPSG:32633", 1921.7)])
def test_neighbours_in_a_grid_only_touch_but_a_pixel_is_shared_ground(name, step):
    x, y = (12.1, 49.3) if name == "EPSG:4326" else (300_000.3, 5_400_000.7)
    corners = np.array([(x + i * step, y + j * step) for i in range(4) for j in range(4)])
    bounds = np.hstack([corners, corners + step])
    assert len(overlapping_pairs(Rectangles.of_bounds(bounds, [name] * 16))) == 0
    pixel = step / 264
    bounds[5, 2:] += pixel  # over its north-eastern neighbour by a pixel, and two others by a row
    pairs = overlapping_pairs(Rectangles.of_bounds(bounds, [name] * 16))
    assert pairs.tolist() == [[5, 6], [5, 9], [5, 10]]


def test_a_system_without_a_code_counts_as_any_other():
    text = CRS("+proj=laea +lon_0=12 +lat_0=49.6").to_wkt()
    bounds, names = mixed(4)
    places = Rectangles.of_bounds(
        np.concatenate([bounds, [[-30_000, -30_000, 30_000, 30_000]]]), [*names, text]
    )
    pairs = overlapping_pairs(places)
    assert {first for first, second in pairs.tolist() if second == 12} == set(range(12))


@pytest.mark.parametrize(
    ("bounds", "name", "said"),
    [
        ((np.nan,) * 4, None, "have no georeference"),
        ((0, 0, 1000, 1000), 'LOCAL_CS["nowhere"]', "is no place on the Earth"),
        ((12, 91, 12.1, 91.1), "EPSG:4326", "12, 91, 12.1, 91.1 in EPSG:4326 is no place on the Earth"),
        ((0, 0, 400_000, 10), "EPSG:32633", "of at most 200 km a side"),
        ((-180, -90, 180, 90), "EPSG:4326", "of at most 200 km a side"),
    ],
)  # fmt: skip
def test_a_patch_that_lies_nowhere_is_named(bounds, name, said):
    both = np.array([bounds, (300_000, 5_000_000, 300_100, 5_000_100)])
    places = Rectangles.of_bounds(both, [name, "EPSG:32633"])
    whole = rf"those of 1 of 2 patches, such as a, .*{said}.*--exclude"
    with pytest.raises(InputFormatError, match=whole):
        places.require_known(pa.chunked_array([["a", "b"]]))
    places.take(np.array([1])).require_known(pa.chunked_array([["b"]]))
