"""The lines of the course task, worked out slowly and in the most obvious way.

Uses rasterio, shapely and plain loops over Python integers, and nothing of the library under test.
"""

import csv
import gzip
import math
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import RasterioIOError
from shapely import union_all

from .assemble import ARCHIVE, SIDES

SEASON_OF_MONTH = {
    **dict.fromkeys((3, 4, 5), "spring"),
    **dict.fromkeys((6, 7, 8), "summer"),
    **dict.fromkeys((9, 10, 11), "fall"),
    **dict.fromkeys((12, 1, 2), "winter"),
}
CLASSES = [
    {111, 112},
    {121},
    {211, 212, 213},
    {221, 222, 223, 241},
    {231},
    {242},
    {243},
    {244},
    {311},
    {312},
    {313},
    {321, 333},
    {322, 323},
    {324},
    {331},
    {411, 412},
    {421, 422},
    {511, 512},
    {521, 522, 523},
]
UNLABELED = {122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423, 999}


def expected_lines(folder: Path) -> list[str]:
    """All lines that a run on ``folder`` has to print, in order."""
    metadata = pq.read_table(folder / "metadata.parquet").to_pylist()
    return [
        *tabular_lines(metadata),
        *error_lines(folder / ARCHIVE, {row["patch_id"] for row in metadata}),
        *band_lines(folder / ARCHIVE, folder / "patches_for_stats.csv.gz"),
        *map_lines(folder / "geoparquets"),
    ]


def tabular_lines(metadata: list[dict]) -> list[str]:
    seasons = dict.fromkeys(("spring", "summer", "fall", "winter"), 0)
    for row in metadata:
        date = row["patch_id"].split("_")[2]
        seasons[SEASON_OF_MONTH[int(date[4:6])]] += 1
    counts = [len(row["labels"]) for row in metadata]
    return [
        *(f"{season}: {count}" for season, count in seasons.items()),
        f"average-num-labels: {two_decimals(Fraction(sum(counts), len(counts)))}",
        f"maximum-num-labels: {max(counts)}",
    ]


def error_lines(archive: Path, in_metadata: set[str]) -> list[str]:
    wrong_size = with_no_data = not_part = 0
    for patch in sorted(path for path in archive.glob("*/*") if path.is_dir()):
        sizes_wrong, no_data = [], []
        for band, side in SIDES.items():
            read = read_band(patch / f"{patch.name}_{band}.tif")
            if read is not None:
                height, width, pixels, nodata = read
                sizes_wrong.append((height, width) != (side, side))
                no_data.append(any(pixel == nodata for pixel in pixels))
        wrong_size += any(sizes_wrong)
        with_no_data += any(no_data)
        not_part += patch.name not in in_metadata
    return [
        f"wrong-size: {wrong_size}",
        f"with-no-data: {with_no_data}",
        f"not-part-of-dataset: {not_part}",
    ]


def band_lines(archive: Path, listed: Path) -> list[str]:
    with gzip.open(listed, "rt", newline="") as file:
        patches = [(row["tile"], row["patch_id"]) for row in csv.DictReader(file)]
    lines = []
    for band in SIDES:
        number = total = squares = 0
        for product, patch in patches:
            read = read_band(archive / product / patch / f"{patch}_{band}.tif")
            if read is not None:
                _, _, pixels, nodata = read
                for pixel in pixels:
                    if pixel != nodata:
                        number += 1
                        total += pixel
                        squares += pixel * pixel
        mean = Fraction(total, number)
        variance = Fraction(squares, number) - mean * mean
        lines.append(f"{band} mean: {closest(float(mean))}")
        lines.append(f"{band} std-dev: {closest(math.sqrt(variance))}")
    return lines


def map_lines(folder: Path) -> list[str]:
    numbers, footprints = [], {}
    for path in sorted(folder.glob("*.parquet")):
        frame = gpd.read_parquet(path)
        found = set()
        for code in frame["DN"].tolist():
            holding = [number for number, codes in enumerate(CLASSES) if code in codes]
            assert len(holding) == (code not in UNLABELED), f"{path.name}: unknown code {code}"
            found.update(holding)
        numbers.append(len(found))
        footprints[path.name] = union_all(frame.geometry.array)
    average = two_decimals(Fraction(sum(numbers), len(numbers)))
    return [
        f"geom-average-num-labels: {average}",
        f"geom-num-overlaps: {len(overlapping(footprints))}",
    ]


def overlapping(footprints: dict) -> set[str]:
    """Names of the footprints that share an interior point with another one."""
    found = set()
    for (one, one_ground), (other, other_ground) in combinations(footprints.items(), 2):
        if one_ground.intersection(other_ground).area > 0:
            found |= {one, other}
    return found


def read_band(path: Path) -> tuple[int, int, list[int], float | None] | None:
    """Height, width, pixels as Python integers and NO_DATA value; None if it cannot be read."""
    try:
        with rasterio.open(path) as source:
            pixels = source.read(1)
            nodata = source.nodata
    except RasterioIOError:
        return None
    height, width = pixels.shape
    return height, width, [int(pixel) for pixel in pixels.ravel().tolist()], nodata


def closest(value: float) -> int:
    whole = math.floor(value)
    assert abs(value - whole - 0.5) > 1e-6, "the data must not hold ties, whose rounding is free"
    return whole + (value - whole > 0.5)


def two_decimals(value: Fraction) -> str:
    hundredths = value * 100
    assert hundredths.denominator != 2, "the data must not hold ties, whose rounding is free"
    whole = math.floor(hundredths + Fraction(1, 2))
    return f"{whole // 100}.{whole % 100:02}"
