"""The answers of the course task, worked out slowly and plainly from the files alone.

Nothing here is shared with the library under test. Sums are Python integers and averages are
fractions, so nothing is rounded before the end.
"""

import csv
import gzip
import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import geopandas
import numpy as np
import pandas
import rasterio
import rasterio.errors
import shapely

from tests.course.ground import PATCH_ID

ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"

SIDE = {
    "B01": 20,
    "B02": 120,
    "B03": 120,
    "B04": 120,
    "B05": 60,
    "B06": 60,
    "B07": 60,
    "B08": 120,
    "B8A": 60,
    "B09": 20,
    "B11": 60,
    "B12": 60,
}

CODES = {
    "Urban fabric": [111, 112],
    "Industrial or commercial units": [121],
    "Arable land": [211, 212, 213],
    "Permanent crops": [221, 222, 223, 241],
    "Pastures": [231],
    "Complex cultivation patterns": [242],
    "Land principally occupied by agriculture, with significant areas of natural vegetation": [243],
    "Agro-forestry areas": [244],
    "Broad-leaved forest": [311],
    "Coniferous forest": [312],
    "Mixed forest": [313],
    "Natural grassland and sparsely vegetated areas": [321, 333],
    "Moors, heathland and sclerophyllous vegetation": [322, 323],
    "Transitional woodland, shrub": [324],
    "Beaches, dunes, sands": [331],
    "Inland wetlands": [411, 412],
    "Coastal wetlands": [421, 422],
    "Inland waters": [511, 512],
    "Marine waters": [521, 522, 523],
}
UNLABELED = [122, 123, 124, 131, 132, 133, 141, 142, 332, 334, 335, 423, 999]

SEASONS = {
    "spring": ["03", "04", "05"],
    "summer": ["06", "07", "08"],
    "fall": ["09", "10", "11"],
    "winter": ["12", "01", "02"],
}


def expected_lines(folder: Path) -> list[str]:
    """Every line that main.py prints for the course data set in `folder`, in order."""
    metadata = pandas.read_parquet(folder / "metadata.parquet")
    pixels = read_archive(folder / ARCHIVE)
    lines = [f"{season}: {count}" for season, count in count_seasons(metadata).items()]
    lines.append(f"average-num-labels: {two_decimals(average_labels(metadata))}")
    lines.append(f"maximum-num-labels: {max(len(labels) for labels in metadata['labels'])}")
    lines += [f"{kind}: {count}" for kind, count in count_errors(pixels, metadata).items()]
    listed = read_list(folder / "patches_for_stats.csv.gz")
    for band in SIDE:
        mean, variance = moments(band, listed, pixels)
        lines.append(f"{band} mean: {closest(mean)}")
        lines.append(f"{band} std-dev: {closest_root(variance)}")
    shapes = read_geoparquets(folder / "geoparquets")
    lines.append(f"geom-average-num-labels: {two_decimals(average_classes(shapes))}")
    lines.append(f"geom-num-overlaps: {len(overlapping(shapes))}")
    return lines


# --- numbers ------------------------------------------------------------------------------------


def closest(value: Fraction) -> int:
    """The closest integer; a half goes up."""
    return math.floor(value + Fraction(1, 2))


def closest_root(square: Fraction) -> int:
    """The integer closest to the square root of `square`, without floating point."""
    root = 0
    # root is right as soon as the square root is below root + 1/2.
    while square >= (root + Fraction(1, 2)) ** 2:
        root += 1
    return root


def two_decimals(value: Fraction) -> str:
    """A number that is not negative, rounded to hundredths, with exactly two of them."""
    hundredths = closest(value * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


# --- metadata -----------------------------------------------------------------------------------


def count_seasons(metadata: pandas.DataFrame) -> dict[str, int]:
    """Number of rows in each meteorological season of the sensing date."""
    counts = dict.fromkeys(SEASONS, 0)
    for patch_id in metadata["patch_id"]:
        match = PATCH_ID.fullmatch(patch_id)
        assert match, f"{patch_id} is no patch id"
        for season, months in SEASONS.items():
            if match["sensed"][4:6] in months:
                counts[season] += 1
    return counts


def average_labels(metadata: pandas.DataFrame) -> Fraction:
    """Labels per row of the metadata."""
    return Fraction(sum(len(labels) for labels in metadata["labels"]), len(metadata))


# --- archive ------------------------------------------------------------------------------------

# By patch and band: the pixels as stored and the file's NO_DATA value. A band that is missing or
# that rasterio refuses is not in the dictionary of its patch.
Band = tuple[np.ndarray, float | None]
Pixels = dict[str, dict[str, Band]]


def read_archive(root: Path) -> Pixels:
    """Every readable band of every patch folder <product>/<patch_id>."""
    patches: Pixels = {}
    for product in sorted(root.iterdir()):
        if not product.is_dir():
            continue
        for folder in sorted(product.iterdir()):
            if folder.is_dir() and PATCH_ID.fullmatch(folder.name):
                patches[folder.name] = dict(read_patch(folder))
    return patches


def read_patch(folder: Path) -> Iterator[tuple[str, Band]]:
    for band in SIDE:
        path = folder / f"{folder.name}_{band}.tif"
        try:
            with rasterio.open(path) as raster:
                yield band, (raster.read(1), raster.nodata)
        except rasterio.errors.RasterioIOError:
            continue


def count_errors(pixels: Pixels, metadata: pandas.DataFrame) -> dict[str, int]:
    """Number of patches with each of the three errors; a patch may have several."""
    known = set(metadata["patch_id"])
    wrong_size = set()
    with_no_data = set()
    unknown = set()
    for patch_id, bands in pixels.items():
        if patch_id not in known:
            unknown.add(patch_id)
        for band, (values, nodata) in bands.items():
            if values.shape != (SIDE[band], SIDE[band]):
                wrong_size.add(patch_id)
            if nodata is not None and (values == nodata).any():
                with_no_data.add(patch_id)
    return {
        "wrong-size": len(wrong_size),
        "with-no-data": len(with_no_data),
        "not-part-of-dataset": len(unknown),
    }


def read_list(path: Path) -> list[str]:
    """Ids of the patches that the band statistics are about."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        listed = [row["patch_id"] for row in csv.DictReader(text)]
    assert len(listed) == len(set(listed)), "a patch is listed once"
    return listed


def moments(band: str, listed: list[str], pixels: Pixels) -> tuple[Fraction, Fraction]:
    """Mean and population variance of a band over all valid pixels of all listed patches."""
    count = total = squares = 0
    for patch_id in listed:
        if band not in pixels[patch_id]:
            continue
        values, nodata = pixels[patch_id][band]
        valid = []
        for value in values.ravel().tolist():
            if value != nodata:
                assert value == int(value), "the data hold whole numbers, also in floating point"
                valid.append(int(value))
        count += len(valid)
        total += sum(valid)
        squares += sum(value * value for value in valid)
    mean = Fraction(total, count)
    return mean, Fraction(squares, count) - mean * mean


# --- GeoParquet ---------------------------------------------------------------------------------

Shapes = dict[str, list[tuple[int, shapely.Geometry]]]


def read_geoparquets(folder: Path) -> Shapes:
    """CLC code and geometry of every row, by patch. CRSs are dropped: one is assumed for all."""
    shapes: Shapes = {}
    for path in sorted(folder.glob("*_reference_map.parquet")):
        rows = geopandas.read_parquet(path)
        patch_id = path.name.removesuffix("_reference_map.parquet")
        shapes[patch_id] = [
            (int(code), geometry)
            for code, geometry in zip(rows["DN"], rows.geometry.values, strict=True)
        ]
    return shapes


def class_of(code: int) -> str | None:
    """The class of a CLC code, None for an UNLABELED one."""
    for name, codes in CODES.items():
        if code in codes:
            return name
    assert code in UNLABELED, f"{code} is no CLC code"
    return None


def average_classes(shapes: Shapes) -> Fraction:
    """Classes per patch; a patch without any counts as a patch."""
    total = 0
    for rows in shapes.values():
        total += len({class_of(code) for code, _ in rows} - {None})
    return Fraction(total, len(shapes))


def overlapping(shapes: Shapes) -> set[str]:
    """Patches whose ground shares an interior point with that of another patch."""
    found = set()
    for (first, ours), (second, theirs) in itertools.combinations(shapes.items(), 2):
        if share_interior([geometry for _, geometry in ours], [other for _, other in theirs]):
            found |= {first, second}
    return found


def share_interior(ours: list[shapely.Geometry], theirs: list[shapely.Geometry]) -> bool:
    """Whether the unions of two lists of polygons share an interior point.

    Where the interiors of the unions meet, they meet in an open set, so an interior point of one
    polygon of each list is in it: comparing pairs of polygons decides, and no union, which could
    move a vertex, has to be built.
    """
    if not shapely.box(*shapely.total_bounds(ours)).intersects(
        shapely.box(*shapely.total_bounds(theirs))
    ):
        return False
    return any(
        one.relate_pattern(other, "T********") for one, other in itertools.product(ours, theirs)
    )
