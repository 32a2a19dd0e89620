"""Footprints and overlaps of the official metadata, and of a part of it beside a join of geopandas.

Usage: PYTHONPATH=. .venv/bin/python benchmarks/geometry.py [METADATA]

The metadata defaults to ../shared/data/metadata.parquet. Times are of the whole command, with the
start of Python. Exit status 1: a target was missed, or the two ways found something else.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from benkit.ground.footprint_table import footprint_table
from benkit.ground.footprints import locate
from benkit.ground.overlaps import overlapping_pairs, shared_areas
from benkit.metadata.metadata_file import read_metadata

METADATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "metadata.parquet"
PATCHES, ACROSS_ZONES, WITHIN_ZONES = 480_038, 400_427, 400_272
MOST_SECONDS, MOST_GIB, MOST_DIFFERENCE = 15, 2, 5
PART_ZONES = (32635, 32636)  # the only neighbouring zones whose patches share ground
EQUAL_AREA = 6931


def run(*arguments: str | Path) -> tuple[dict, float, float]:
    """Values, seconds and peak memory in GiB of a command."""
    command = [sys.executable, "-m", "benkit", *map(str, arguments), "--json"]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    kibibytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return json.loads(text), time.perf_counter() - start, kibibytes / 2**20


def commands(metadata: Path) -> bool:
    """Time the commands on all patches; whether they keep to their targets."""
    print(f"{'command':<44}{'seconds':>9}{'target':>8}{'GiB':>7}{'target':>8}")
    met = True
    with tempfile.TemporaryDirectory() as folder:
        footprints, pairs = Path(folder, "footprints.parquet"), Path(folder, "pairs.parquet")
        calls = {
            "footprints": ("footprints", metadata, "--output", footprints),
            "footprints --crs EPSG:3035": (
                *("footprints", metadata, "--output", Path(folder, "3035.parquet")),
                *("--crs", "EPSG:3035"),
            ),
            "overlaps METADATA": ("overlaps", metadata),
            "overlaps METADATA --output pairs.parquet": ("overlaps", metadata, "--output", pairs),
            "overlaps FOOTPRINTS": ("overlaps", footprints),
        }
        for name, call in calls.items():
            values, seconds, gib = run(*call)
            print(f"{name:<44}{seconds:>9.2f}{MOST_SECONDS:>8}{gib:>7.2f}{MOST_GIB:>8}")
            met &= seconds < MOST_SECONDS and gib < MOST_GIB
    print(json.dumps(values))
    return met


def counts(ids: pa.ChunkedArray) -> bool:
    """Compare how many patches overlap another with the figures that were checked before."""
    places = locate(ids)
    pairs = overlapping_pairs(places)
    within = places.epsg[pairs[:, 0]] == places.epsg[pairs[:, 1]]
    found = len(np.unique(pairs)), len(np.unique(pairs[within]))
    expected = ACROSS_ZONES, WITHIN_ZONES
    if len(ids) != PATCHES:
        return True
    for name, count, known in zip(("across zones", "within zones"), found, expected, strict=True):
        print(f"patches that overlap another, {name}: {count:,} (expected {known:,})")
    return bool(np.abs(np.subtract(found, expected)).max() <= MOST_DIFFERENCE)


def by_geopandas(table: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Pairs by a spatial join on an equal-area plane, those that only touch taken out by area."""
    frame = table.to_crs(EQUAL_AREA)[["geometry"]]
    joined = frame.sjoin(frame, predicate="intersects")
    first, second = joined.index.to_numpy(), joined["index_right"].to_numpy()
    first, second = first[first < second], second[first < second]
    shapes = frame.geometry.to_numpy()
    area = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    pairs = np.stack([first, second], axis=1)[area > 100]  # straight edges are off by some metres
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def beside_geopandas(metadata: pa.Table) -> bool:
    """The patches of two zones by both ways, each from the table in memory."""
    places = locate(metadata["patch_id"])
    part = metadata.filter(pa.array(np.isin(places.epsg, PART_ZONES)))
    squares = footprint_table(part)
    frame = gpd.GeoDataFrame(geometry=shapely.from_wkb(squares.table["geometry"]), crs=4326)
    start = time.perf_counter()
    theirs = by_geopandas(frame)
    their_seconds = time.perf_counter() - start
    start = time.perf_counter()
    places = locate(part["patch_id"])
    ours = overlapping_pairs(places)
    areas = shared_areas(places, ours)
    our_seconds = time.perf_counter() - start
    large = ours[areas > 100]
    print(
        f"{len(part):,} patches of two zones, pairs with areas: geopandas {their_seconds:.2f} s, "
        f"benkit {our_seconds:.2f} s, {their_seconds / our_seconds:.1f} times as fast; "
        f"{len(theirs):,} and {len(large):,} pairs of more than 100 m²"
    )
    return np.array_equal(theirs, large)


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else METADATA
    metadata = read_metadata(path)
    met = commands(path)
    met &= counts(metadata["patch_id"])
    met &= beside_geopandas(metadata)
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
