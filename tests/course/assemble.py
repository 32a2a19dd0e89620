"""A course data set put together from real patches, a real scene and real metadata rows.

Nothing here uses the library under test: the folder is an input for it. Errors are planted by hand,
and ``PLANTED`` says how many patches the three printed error counts have to find.
"""

import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from rasterio import Affine
from rasterio.crs import CRS

from .maps import write_maps

ARCHIVE = "BigEarthNet-v2.0-S2-with-errors"
SIDES = {
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
WEST, NORTH, EDGE = 300000, 6100020, 1200
UTM35, UTM36 = CRS.from_epsg(32635), CRS.from_epsg(32636)

MAIN_PRODUCT = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA"
# First and last days of the seasons, at the first and last second of the day where it matters most.
OTHER_PRODUCTS = [
    "S2A_MSIL2A_20180228T235959_N9999_R036_T35ULA",
    "S2B_MSIL2A_20180301T000000_N9999_R036_T35ULA",
    "S2A_MSIL2A_20171130T235959_N9999_R036_T35ULA",
    "S2B_MSIL2A_20171201T000000_N9999_R036_T35ULA",
    "S2A_MSIL2A_20180531T094031_N9999_R036_T35ULA",
    "S2B_MSIL2A_20180601T094029_N9999_R036_T35ULA",
    "S2A_MSIL2A_20170831T094031_N9999_R036_T35ULA",
    "S2B_MSIL2A_20170901T094029_N9999_R036_T35ULA",
]
# In the metadata but not on disk; the last four lie on both sides of a margin that two tiles share.
ONLY_IN_METADATA = [
    f"{MAIN_PRODUCT}_50_50",
    f"{MAIN_PRODUCT}_83_00",
    f"{MAIN_PRODUCT}_83_01",
    "S2B_MSIL2A_20170924T093019_N9999_R136_T35UMB_00_83",
    "S2B_MSIL2A_20170924T093019_N9999_R136_T35UMB_00_84",
]
LABELS = [
    "Arable land",
    "Beaches, dunes, sands",
    "Broad-leaved forest",
    "Complex cultivation patterns",
    "Coniferous forest",
    "Inland waters",
    "Inland wetlands",
    "Mixed forest",
    "Pastures",
    "Transitional woodland, shrub",
    "Urban fabric",
]

# Places in the scene, counted row by row in its 8 x 8 grid.
WITHOUT_ROW = {9, 10, 20, 32, 40, 63}
PLANTED = {"wrong-size": 5, "with-no-data": 8, "not-part-of-dataset": 6}


def assemble(folder: Path, shared: Path) -> None:
    """Write the whole course data set of ``shared`` below ``folder``."""
    archive = folder / ARCHIVE
    shutil.copytree(shared / "BigEarthNet-S2", archive, copy_function=shutil.copyfile)
    scene = scene_patches()
    cut_scene(shared, archive, scene)
    damage(archive, scene)
    write_metadata(folder / "metadata.parquet", shared, archive, scene)
    write_list(folder / "patches_for_stats.csv.gz", archive, scene)
    write_maps(folder / "geoparquets", shared)


def scene_patches() -> list[str]:
    """Patch ids of the 64 places of the scene.

    The upper half is one product. The lower half is spread over eight more products, most of it on
    the ground of the upper half, one column of it on ground that a third product holds, too, and one
    column by itself.
    """
    ids = []
    for row in range(8):
        for column in range(8):
            if row < 4:
                ids.append(f"{MAIN_PRODUCT}_{30 + column:02}_{26 + row:02}")
            elif column < 7:
                ids.append(f"{OTHER_PRODUCTS[column]}_{30 + min(column, 5):02}_{22 + row:02}")
            else:
                ids.append(f"{OTHER_PRODUCTS[column]}_{5 * (row - 4):02}_09")
    return ids


def band_path(archive: Path, patch: str, band: str) -> Path:
    product = patch[:-6]
    return archive / product / patch / f"{patch}_{band}.tif"


def cut_scene(shared: Path, archive: Path, scene: list[str]) -> None:
    """Write the places of the real scene as patches, where their ids say that they are."""
    (source_folder,) = (shared / "scene").iterdir()
    for band, side in SIDES.items():
        with rasterio.open(source_folder / f"{band}.tif") as source:
            pixels = source.read(1)
        for place, patch in enumerate(scene):
            top, left = place // 8 * side, place % 8 * side
            path = band_path(archive, patch, band)
            path.parent.mkdir(parents=True, exist_ok=True)
            column, row = int(patch[-5:-3]), int(patch[-2:])
            size = EDGE // side
            transform = Affine(size, 0, WEST + EDGE * column, 0, -size, NORTH - EDGE * row)
            write_band(path, pixels[top : top + side, left : left + side], UTM35, transform)


def write_band(path: Path, pixels, crs, transform, **creation) -> None:
    height, width = pixels.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=1,
        dtype=pixels.dtype,
        nodata=0,
        crs=crs,
        transform=transform,
        **creation,
    ) as target:
        target.write(pixels, 1)


def rewrite(path: Path, change=None, *, crs=None, shift=0, **creation) -> None:
    """Write a band again: other pixels, another CRS, moved east, or stored in another way."""
    with rasterio.open(path) as source:
        pixels, transform, old_crs = source.read(1), source.transform, source.crs
    if change is not None:
        pixels = change(pixels.copy())
    moved = Affine(transform.a, 0, transform.c + shift, 0, transform.e, transform.f)
    path.unlink()
    write_band(path, pixels, crs or old_crs, moved, **creation)


def crop(height: int, width: int):
    return lambda pixels: pixels[:height, :width]


def pad(height: int, width: int):
    def change(pixels):
        missing = height - pixels.shape[0], width - pixels.shape[1]
        return np.pad(pixels, ((0, missing[0]), (0, missing[1])), mode="edge")

    return change


def zero(*where):
    """Set single pixels, given as (row, column), to 0; all of them if none is given."""

    def change(pixels):
        if not where:
            pixels[:] = 0
        for row, column in where:
            pixels[row, column] = 0
        return pixels

    return change


def damage(archive: Path, scene: list[str]) -> None:
    """Plant errors of every kind. Place 27 is the patch to be re-tiled and stays sound."""

    def path(place: int, band: str) -> Path:
        return band_path(archive, scene[place], band)

    # Wrong pixel count: places 0, 1, 2, 3, 40.
    rewrite(path(0, "B02"), crop(119, 119))
    rewrite(path(0, "B03"), pad(121, 121))
    rewrite(path(0, "B8A"), crop(30, 30))
    rewrite(path(1, "B05"), crop(60, 59))
    rewrite(path(2, "B02"), crop(60, 60))
    rewrite(path(3, "B11"), lambda pixels: crop(20, 20)(zero()(pixels)))
    rewrite(path(40, "B12"), pad(61, 61))

    # NO_DATA: places 3 and 40 (which are of wrong size, too), 4, 5, 6, 7, 8, 41.
    rewrite(path(40, "B04"), zero((50, 60), (51, 60)))
    for band, count in (("B02", 1), ("B03", 7), ("B04", 50), ("B08", 120)):
        rewrite(path(4, band), zero(*((3, column) for column in range(count))))
    rewrite(path(5, "B09"), zero())
    rewrite(path(6, "B01"), zero((19, 19)))
    rewrite(path(7, "B12"), zero((0, 0)))
    rewrite(path(8, "B06"), lambda pixels: zero((30, 0), (30, 59))(pixels).astype("int16"))
    for band in SIDES:
        rewrite(path(41, band), zero() if band == "B08" else zero((0, 0), (0, -1), (-1, 0)))

    # Not there, or not to be read.
    path(11, "B8A").unlink()
    path(12, "B02").unlink()
    path(12, "B03").unlink()
    truncate(path(10, "B04"), path(10, "B04").stat().st_size // 2)
    truncate(path(13, "B02"), path(13, "B02").stat().st_size - 14000)
    truncate(path(14, "B11"), 0)
    truncate(path(15, "B07"), 100)

    # Wrong in ways that are not among the printed counts.
    rewrite(path(16, "B03"), lambda pixels: pixels.astype("int16"))
    rewrite(path(17, "B05"), lambda pixels: pixels.astype("float32"))
    rewrite(path(18, "B04"), shift=10)
    rewrite(path(19, "B11"), shift=-1200)
    rewrite(path(21, "B08"), crs=UTM36)
    path(22, "B02").with_name("notes.txt").write_text("does not belong here\n")
    (archive / MAIN_PRODUCT / "notes.txt").write_text("does not belong here\n")
    (archive / "notes.txt").write_text("does not belong here\n")
    with rasterio.open(path(23, "B09")) as source:
        write_band(path(23, "B10"), zero()(source.read(1)[:7, :7]), source.crs, source.transform)

    # Sound, only stored in another way.
    rewrite(path(24, "B02"), compress="deflate", predictor=2)
    rewrite(path(25, "B03"), tiled=True, blockxsize=64, blockysize=64)
    rewrite(path(26, "B12"), endianness="big")


def truncate(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def write_metadata(target: Path, shared: Path, archive: Path, scene: list[str]) -> None:
    """Write official rows where there are any, made ones for the rest of the scene's patches."""
    real = sorted(path.name for path in (shared / "BigEarthNet-S2").glob("*/*"))
    wanted = [
        *real,
        *(patch for place, patch in enumerate(scene) if place not in WITHOUT_ROW),
        *ONLY_IN_METADATA,
    ]
    official = pq.read_table(shared / "metadata.parquet", filters=[("patch_id", "in", wanted)])
    rows = {row["patch_id"]: row for row in official.to_pylist()}
    for number, patch in enumerate(wanted):
        if patch not in rows:
            rows[patch] = {
                "patch_id": patch,
                "labels": sorted(random.Random(patch).sample(LABELS, 1 + number % 10)),
                "split": ("train", "validation", "test")[number % 3],
                "country": ("Lithuania", "Finland")[number % 2],
                "s1_name": f"S1A_IW_GRDH_1SDV_20170808T000000_35ULA_{patch[-5:]}",
                "s2v1_name": f"{patch[:26]}_{int(patch[-5:-3])}_{int(patch[-2:])}",
                "contains_seasonal_snow": False,
                "contains_cloud_or_shadow": False,
            }
    random.Random(1).shuffle(wanted)
    schema = official.schema.remove_metadata()
    pq.write_table(pa.Table.from_pylist([rows[patch] for patch in wanted], schema=schema), target)


def write_list(target: Path, archive: Path, scene: list[str]) -> None:
    """Write a shuffled part of the patches on disk, nearly all damaged ones among them."""
    real = sorted(path for path in archive.glob("*/*_*") if path.name not in scene)
    listed = [path.name for path in real[:5]]
    listed += [patch for place, patch in enumerate(scene) if place < 44 and place % 10 != 9]
    random.Random(2).shuffle(listed)
    table = pd.DataFrame({"tile": [patch[:-6] for patch in listed], "patch_id": listed})
    table.to_csv(target, index=False, compression="gzip")
