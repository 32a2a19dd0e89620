"""Distances to the nearest point anywhere on the Earth, against pyproj's geodesics."""

import tracemalloc

import numpy as np
import pytest
from pyproj import Geod, Transformer

from benkit.ground.distance_plane import nearest_distances, nearest_points, to_local_plane
from benkit.ground.geocentric import geocentric
from benkit.ground.projection import project

GEOD = Geod(ellps="WGS84")


def global_points(count, seed):
    random = np.random.default_rng(seed)
    latitude = np.degrees(np.arcsin(random.uniform(-1, 1, count)))
    return np.column_stack([random.uniform(-180, 180, count), latitude])


def clustered(count, seed, *middles):
    random = np.random.default_rng(seed)
    points = random.normal(np.repeat(middles, count, axis=0), 0.05)
    return np.column_stack([(points[:, 0] + 180) % 360 - 180, points[:, 1].clip(-90, 90)])


def by_brute_force(points, others):
    return [
        np.min(GEOD.inv(*np.broadcast_arrays(*point, *others.T))[2]) for point in points.tolist()
    ]


@pytest.mark.parametrize(
    ("points", "others"),
    {
        "global": (global_points(200, 0), global_points(300, 1)),
        "one other, up to the antipodes": (global_points(200, 2), np.array([[10.0, 50.0]])),
        "the 180th meridian": (clustered(99, 3, (180, -17)), clustered(99, 4, (-179.95, -17))),
        "a pole": (clustered(99, 5, (0, 89.9), (90, 89.95)), clustered(99, 6, (180, 89.9))),
        "far clusters": (clustered(50, 7, (-60, -30)), clustered(99, 8, (120, 60), (25, 70))),
        "places twice": (
            np.repeat(global_points(9, 9), 5, 0),
            np.repeat(global_points(9, 10), 7, 0),
        ),
    }.values(),
)
def test_distances_are_those_of_geodesics(points, others):
    found = nearest_distances(geocentric(points), geocentric(others))
    assert np.allclose(found, by_brute_force(points, others), rtol=1e-6, atol=1e-3)


def test_of_several_at_one_place_the_first_is_the_nearest():
    others = np.array([[50.0, 8], [11, 48], [11, 48], [50, 8]])
    index, metres = nearest_points(geocentric(np.array([[11.0, 48], [51, 8]])), geocentric(others))
    assert index.tolist() == [1, 0]
    assert metres[0] == 0


def test_many_points_beyond_the_end_of_a_line_take_little_memory():
    line = geocentric(np.column_stack([np.linspace(0, 30, 2**14 + 1), np.full(2**14 + 1, 40)]))
    beyond = geocentric(np.column_stack([np.linspace(-20, -1, 3000), np.full(3000, 40)]))
    tracemalloc.start()
    index, _ = nearest_points(beyond, line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (index == 0).all()
    assert peak < 50e6


def test_without_others_nothing_is_near():
    index, metres = nearest_points(geocentric(np.array([[11.0, 48]])), np.empty((0, 3)))
    assert index.tolist() == [-1]
    assert np.isinf(metres).all()


def test_geocentric_coordinates_are_those_of_epsg_4978():
    degrees = global_points(100, 11)
    heights = np.zeros(len(degrees))
    to_space = Transformer.from_crs(4979, 4978, always_xy=True).transform
    assert np.allclose(geocentric(degrees), np.stack(to_space(*degrees.T, heights), 1), atol=1e-6)


def test_near_points_lie_on_the_local_plane_as_far_apart_as_on_the_ground():
    points = global_points(2000, 12)
    points = points[np.abs(points[:, 1]) < 80]
    others = points + 0.01
    plane = to_local_plane(np.concatenate([points, others]))
    found = np.hypot(*(plane[: len(points)] - plane[len(points) :]).T)
    ratio = found / np.asarray(GEOD.inv(*points.T, *others.T)[2])
    assert (np.abs(ratio - 1) < 0.2).mean() > 0.99  # a few pairs lie in two strips


def test_the_local_plane_of_europe_is_epsg_3035():
    points = np.array([[10.0, 50.0], [-8.0, 40.0]])
    assert np.array_equal(to_local_plane(points), project(4326, 3035, *points.T))
