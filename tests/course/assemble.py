"""A complete course data set, put together from real patches, a real scene and real metadata.

The pixels of the scene are cut into 64 patches and stored under ids of other places, with the
georeference that each id demands. Errors of every kind are then planted in some of them, and how
many of each is returned. The 9 real patches are copied byte for byte and stay as they are.
"""

import csv
import gzip
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from tests.course.ground import PATCH_METRES, ground_of
from tests.course.maps import write_maps
from tests.course.oracle import ARCHIVE, SIDE

RETILED = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_33_29"

LITHUANIA = "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA"
LITHUANIA_NORTH = "S2B_MSIL2A_20170927T094019_N9999_R036_T35ULB"
AUSTRIA = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
PORTUGAL = "S2A_MSIL2A_20171221T112501_N9999_R037_T29SND"
SERBIA = "S2B_MSIL2A_20170911T092019_N9999_R093_T34TFN"
# The place and date of the scene itself; the official metadata has nothing there.
CONGO = "S2A_MSIL2A_20220706T085611_N9999_R007_T33NZA"


def block(product: str, columns: range, rows: range) -> list[str]:
    """Ids of a rectangle of patches, column by column."""
    return [f"{product}_{column:02d}_{row:02d}" for column in columns for row in rows]


# The 64 patches that the scene is cut into. RETILED is one of the Lithuanian ones.
LITHUANIAN = block(LITHUANIA, range(31, 35), range(27, 31))
AUSTRIAN = block(AUSTRIA, range(28, 32), range(57, 61))
PORTUGUESE = block(PORTUGAL, range(41, 45), range(40, 42))
SERBIAN = block(SERBIA, range(16, 18), range(56, 60))
CONGOLESE = block(CONGO, range(16, 20), range(74, 78))
CUT = LITHUANIAN + AUSTRIAN + PORTUGUESE + SERBIAN + CONGOLESE

# Real patches that are left out of the metadata, and patches of the scene that are.
UNKNOWN_REAL = [
    "S2A_MSIL2A_20180413T095031_N9999_R079_T34UEG_74_13",
    "S2A_MSIL2A_20180506T100031_N9999_R122_T33UWP_73_05",
]
UNKNOWN_CUT = [AUSTRIAN[3], AUSTRIAN[9], AUSTRIAN[14], SERBIAN[5], CONGOLESE[2], CONGOLESE[11]]

# Blocks whose official rows are in the metadata without a patch on disk. They share ground with
# each other for every reason there is: another date of the tile, the next tile, the next zone.
ROWS_ONLY = [
    *block(LITHUANIA, range(29, 37), range(24, 34)),
    *block(LITHUANIA, range(0, 5), range(0, 3)),
    *block(LITHUANIA_NORTH, range(0, 5), range(82, 87)),
    *block(AUSTRIA, range(26, 34), range(55, 63)),
    *block(PORTUGAL, range(40, 47), range(39, 44)),
    *block("S2A_MSIL2A_20171121T112351_N9999_R037_T29SND", range(40, 47), range(39, 44)),
    *block("S2B_MSIL2A_20180515T112109_N9999_R037_T29SND", range(40, 47), range(39, 44)),
    *block(SERBIA, range(15, 20), range(55, 60)),
    *block("S2B_MSIL2A_20170802T092029_N9999_R093_T34TFN", range(15, 20), range(55, 60)),
    *block("S2B_MSIL2A_20180509T092029_N9999_R093_T34TFN", range(15, 20), range(55, 60)),
    *block("S2A_MSIL2A_20170701T093031_N9999_R136_T35VPK", range(84, 87), range(0, 6)),
    *block("S2B_MSIL2A_20170924T093019_N9999_R136_T36VVQ", range(0, 3), range(3, 10)),
    *block("S2B_MSIL2A_20170716T093039_N9999_R136_T36VVR", range(0, 2), range(86, 91)),
    # The most labels that a patch has, 11.
    "S2A_MSIL2A_20171002T112111_N9999_R037_T29SNB_16_20",
    # Real products of the last and the first day of a season.
    *block("S2B_MSIL2A_20170831T095029_N9999_R079_T33UXP", range(0, 4), range(0, 4)),
    *block("S2A_MSIL2A_20171201T112431_N9999_R037_T29SNB", range(15, 18), range(19, 22)),
    *block("S2A_MSIL2A_20180228T101021_N9999_R022_T34WFS", range(0, 91), range(79, 91)),
]

# Made rows: the first and last second of the days on which a season turns, and a leap day.
BORDER_MOMENTS = [
    "20170531T235959",
    "20170601T000000",
    "20170831T235959",
    "20170901T000000",
    "20171130T235959",
    "20171201T000000",
    "20180228T235959",
    "20180301T000000",
    "20200229T120000",
    "20171231T235959",
    "20180101T000000",
]
BORDER_ROWS = [
    f"S2A_MSIL2A_{moment}_N9999_R036_T35ULB_{40 + 2 * place:02d}_50"
    for place, moment in enumerate(BORDER_MOMENTS)
]


def assemble(folder: Path, shared: Path) -> dict[str, int]:
    """Write the course data set below `folder` from the real data in `shared`.

    Returns the number of planted errors: patches for wrong_size, with_no_data and
    not_part_of_dataset, metadata rows for not_on_disk, bands or files for the other kinds.
    """
    archive = folder / ARCHIVE
    shutil.copytree(shared / "BigEarthNet-S2", archive)
    cut_scene(shared, archive)
    planted = plant(archive)
    labels = write_maps(folder / "geoparquets", shared, CONGOLESE, PORTUGUESE)
    rows = write_metadata(folder / "metadata.parquet", shared, labels)
    write_list(folder / "patches_for_stats.csv.gz", archive)

    on_disk = {path.name for path in archive.glob("*/*") if path.is_dir()}
    planted["not_part_of_dataset"] = len(UNKNOWN_REAL) + len(UNKNOWN_CUT)
    planted["not_on_disk"] = len(rows - on_disk)
    assert planted["not_part_of_dataset"] == len(on_disk - rows), (
        "only the chosen rows are left out"
    )
    return planted


# --- archive ------------------------------------------------------------------------------------


def band_path(archive: Path, patch_id: str, band: str) -> Path:
    """Where the layout of the archive puts a band."""
    return archive / patch_id.rsplit("_", 2)[0] / patch_id / f"{patch_id}_{band}.tif"


def write_band(path: Path, pixels: np.ndarray, patch_id: str, **changes: Any) -> None:
    """Store pixels as the archive stores them, save for `changes` of rasterio's profile."""
    band = path.stem.rsplit("_", 1)[1]
    ground = ground_of(patch_id)
    metres = PATCH_METRES // SIDE[band]
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "count": 1,
        "dtype": pixels.dtype,
        "nodata": 0,
        "crs": f"EPSG:{32600 + ground.zone}",
        "transform": from_origin(ground.west, ground.north, metres, metres),
    }
    # A new file: GDAL updating an old one would keep parts of it.
    path.unlink(missing_ok=True)
    with rasterio.open(path, "w", **(profile | changes)) as raster:
        raster.write(pixels, 1)


def cut_scene(shared: Path, archive: Path) -> None:
    """Cut the scene into 8 rows of 8 patches, in the order of CUT."""
    assert len(set(CUT)) == 64, "64 different patches"
    assert RETILED in CUT, "the patch that the course re-tiles is made from the scene"
    (scene,) = (shared / "scene").iterdir()
    for band, side in SIDE.items():
        with rasterio.open(scene / f"{band}.tif") as raster:
            for place, patch_id in enumerate(CUT):
                window = Window(side * (place % 8), side * (place // 8), side, side)
                pixels = raster.read(1, window=window)
                assert pixels.shape == (side, side), "the scene holds 8 times 8 patches"
                assert pixels.all(), "the scene has no NO_DATA pixel of its own"
                path = band_path(archive, patch_id, band)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_band(path, pixels, patch_id)


class Planter:
    """Changes bands of the archive and keeps what it changed, by kind of error."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        self.wrong_size: set[str] = set()
        self.with_no_data: set[str] = set()
        self.bands: dict[str, set[tuple[str, str]]] = {
            "missing_band": set(),
            "unreadable": set(),
            "wrong_dtype": set(),
            "wrong_georeference": set(),
            "crs_disagrees": set(),
            "other_encoding": set(),
        }

    def read(self, patch_id: str, band: str) -> np.ndarray:
        with rasterio.open(band_path(self.archive, patch_id, band)) as raster:
            pixels: np.ndarray = raster.read(1)
        return pixels

    def write(self, patch_id: str, band: str, pixels: np.ndarray, **changes: Any) -> None:
        write_band(band_path(self.archive, patch_id, band), pixels, patch_id, **changes)

    def resize(self, patch_id: str, band: str, height: int, width: int) -> None:
        """Repeat or crop the pixels of a band to another shape."""
        pixels = self.read(patch_id, band)
        tall = np.resize(pixels, (height, pixels.shape[1]))
        self.write(patch_id, band, np.resize(tall.T, (width, height)).T.copy())
        self.wrong_size.add(patch_id)

    def blank(self, patch_id: str, band: str, where: Any, value: int = 0) -> None:
        """Set some pixels to NO_DATA."""
        pixels = self.read(patch_id, band)
        pixels[where] = value
        self.write(patch_id, band, pixels, nodata=value)
        self.with_no_data.add(patch_id)

    def mark(self, kind: str, patch_id: str, *bands: str) -> None:
        self.bands[kind] |= {(patch_id, band) for band in bands}


EVERYWHERE = np.s_[:, :]
ONE_PIXEL = np.s_[57, 3]
LAST_PIXEL = np.s_[-1, -1]
CORNER = np.s_[:7, -11:]


def plant(archive: Path) -> dict[str, int]:
    """Plant errors of each kind; returns how many."""
    planter = Planter(archive)
    plant_sizes(planter)
    plant_no_data(planter)
    plant_damage(planter)
    plant_wrong_tags(planter)
    store_otherwise(planter)
    strays = plant_strays(archive)
    return {
        "wrong_size": len(planter.wrong_size),
        "with_no_data": len(planter.with_no_data),
        **{kind: len(bands) for kind, bands in planter.bands.items()},
        "stray_files": strays,
    }


def plant_sizes(planter: Planter) -> None:
    planter.resize(LITHUANIAN[0], "B02", 60, 60)
    for band, height, width in [("B03", 240, 240), ("B05", 59, 60), ("B09", 21, 20)]:
        planter.resize(LITHUANIAN[2], band, height, width)
    planter.resize(LITHUANIAN[7], "B04", 121, 120)
    # As many pixels as there should be, but not a square.
    planter.resize(LITHUANIAN[9], "B08", 100, 144)
    planter.resize(PORTUGUESE[1], "B01", 1, 1)
    planter.resize(PORTUGUESE[6], "B12", 30, 121)
    for band, side in SIDE.items():
        planter.resize(SERBIAN[0], band, side + 5, side - 3)
    # One that is not in the metadata, so that it counts under two kinds.
    planter.resize(UNKNOWN_CUT[1], "B8A", 61, 61)


def plant_no_data(planter: Planter) -> None:
    planter.blank(LITHUANIAN[3], "B03", ONE_PIXEL)
    for band in ["B02", "B05", "B09"]:
        planter.blank(LITHUANIAN[4], band, CORNER)
    planter.blank(LITHUANIAN[11], "B02", EVERYWHERE)
    for band in SIDE:
        planter.blank(LITHUANIAN[13], band, EVERYWHERE)
    planter.blank(PORTUGUESE[2], "B01", LAST_PIXEL)
    planter.blank(CONGOLESE[0], "B11", CORNER)
    planter.blank(CONGOLESE[1], "B12", np.s_[::2, 1::3])
    planter.blank(UNKNOWN_CUT[4], "B08", CORNER)
    # The file's tag decides what is NO_DATA, also where it is not 0.
    planter.blank(CONGOLESE[3], "B05", CORNER, value=65535)
    # 7 is a value like any other.
    pixels = planter.read(CONGOLESE[4], "B04")
    pixels[CORNER] = 7
    planter.write(CONGOLESE[4], "B04", pixels)

    # Both errors, in the same band and in different ones.
    planter.resize(SERBIAN[2], "B11", 48, 70)
    planter.blank(SERBIAN[2], "B11", CORNER)
    planter.resize(SERBIAN[3], "B06", 120, 120)
    planter.blank(SERBIAN[3], "B07", ONE_PIXEL)


def plant_damage(planter: Planter) -> None:
    for patch_id, bands in [(AUSTRIAN[0], ["B12"]), (AUSTRIAN[1], ["B02", "B03"])]:
        for band in bands:
            band_path(planter.archive, patch_id, band).unlink()
        planter.mark("missing_band", patch_id, *bands)

    # Cut in the pixels, one byte before the end, in the header, and to nothing.
    for patch_id, band, end in [
        (AUSTRIAN[2], "B08", 14_000),
        (AUSTRIAN[4], "B01", -1),
        (AUSTRIAN[5], "B09", 100),
        (AUSTRIAN[6], "B8A", 0),
    ]:
        path = band_path(planter.archive, patch_id, band)
        path.write_bytes(path.read_bytes()[:end])
        planter.mark("unreadable", patch_id, band)
    band_path(planter.archive, AUSTRIAN[6], "B11").write_text("404: Not Found\n", encoding="utf-8")
    planter.mark("unreadable", AUSTRIAN[6], "B11")
    # NO_DATA beside a band that cannot be read.
    planter.blank(AUSTRIAN[2], "B04", ONE_PIXEL)


def plant_wrong_tags(planter: Planter) -> None:
    # Reflectances below zero do occur, and read as unsigned they would be enormous.
    pixels = planter.read(AUSTRIAN[7], "B04").astype("int16")
    pixels[60] = -pixels[60] // 100
    planter.write(AUSTRIAN[7], "B04", pixels)
    planter.write(AUSTRIAN[8], "B11", planter.read(AUSTRIAN[8], "B11").astype("float32"))
    planter.mark("wrong_dtype", AUSTRIAN[7], "B04")
    planter.mark("wrong_dtype", AUSTRIAN[8], "B11")

    ground = ground_of(AUSTRIAN[10])
    moved = from_origin(ground.west + 10, ground.north, 10, 10)
    planter.write(AUSTRIAN[10], "B02", planter.read(AUSTRIAN[10], "B02"), transform=moved)
    planter.mark("wrong_georeference", AUSTRIAN[10], "B02")
    ground = ground_of(AUSTRIAN[11])
    for band, side in SIDE.items():
        metres = PATCH_METRES // side
        moved = from_origin(ground.west, ground.north - PATCH_METRES, metres, metres)
        planter.write(AUSTRIAN[11], band, planter.read(AUSTRIAN[11], band), transform=moved)
    planter.mark("wrong_georeference", AUSTRIAN[11], *SIDE)

    planter.write(AUSTRIAN[12], "B03", planter.read(AUSTRIAN[12], "B03"), crs="EPSG:32634")
    planter.mark("crs_disagrees", AUSTRIAN[12], "B03")


def store_otherwise(planter: Planter) -> None:
    """Store sound pixels in ways that are not the archive's own."""
    tiled: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    for patch_id, band, changes in [
        (CONGOLESE[5], "B04", {"compress": "deflate", "predictor": 2}),
        (CONGOLESE[6], "B08", tiled),
        (CONGOLESE[7], "B12", {"ENDIANNESS": "BIG"}),
        (CONGOLESE[8], "B02", {"BIGTIFF": "YES"}),
        (CONGOLESE[9], "B07", tiled | {"compress": "deflate"}),
    ]:
        planter.write(patch_id, band, planter.read(patch_id, band), **changes)
        planter.mark("other_encoding", patch_id, band)

    # NO_DATA has to be seen there as well.
    pixels = planter.read(CONGOLESE[10], "B03")
    pixels[CORNER] = 0
    planter.write(CONGOLESE[10], "B03", pixels, **tiled, compress="deflate")
    planter.with_no_data.add(CONGOLESE[10])
    planter.mark("other_encoding", CONGOLESE[10], "B03")


def plant_strays(archive: Path) -> int:
    """Put files where none belong; returns how many."""
    patch = band_path(archive, CONGOLESE[12], "B02").parent
    strays = [
        archive / ".DS_Store",
        patch.parent / "download.log",
        patch / "Thumbs.db",
        patch / f"{CONGOLESE[12]}_B02.tif.part",
    ]
    for path in strays:
        path.write_bytes(b"nothing that belongs here")
    # There is no band B10; this one has both errors, and neither may count.
    stray = patch / f"{CONGOLESE[12]}_B10.tif"
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": 7,
        "height": 7,
        "count": 1,
        "dtype": "uint16",
    }
    moved = from_origin(799_980, 100_020, 60, 60)
    with rasterio.open(
        stray, "w", **profile, nodata=0, crs="EPSG:32633", transform=moved
    ) as raster:
        raster.write(np.zeros((7, 7), "uint16"), 1)
    return len(strays) + 1


# --- tables -------------------------------------------------------------------------------------


def write_metadata(path: Path, shared: Path, labels: dict[str, list[str]]) -> set[str]:
    """Official rows where there are any, made ones elsewhere, shuffled; returns the patch ids.

    `labels` are the classes that the GeoParquet files show, for the patches that have a file.
    """
    real = [folder.name for folder in (shared / "BigEarthNet-S2").glob("*/*")]
    wanted = {*real, *CUT, *ROWS_ONLY, *labels} - {*UNKNOWN_REAL, *UNKNOWN_CUT}
    official = pq.read_table(shared / "metadata.parquet")
    official = official.filter(pc.is_in(official["patch_id"], pa.array(sorted(wanted))))

    made = {patch_id: labels[patch_id] for patch_id in CONGOLESE if patch_id in labels}
    made |= {patch_id: ["Coniferous forest"] for patch_id in CONGOLESE if patch_id not in made}
    made |= {patch_id: ["Arable land", "Pastures"] for patch_id in BORDER_ROWS}
    for patch_id in UNKNOWN_CUT:
        made.pop(patch_id, None)
    rows = pa.table(
        {
            "patch_id": list(made),
            "labels": pa.array(list(made.values()), official.schema.field("labels").type),
            "split": ["train"] * len(made),
            "country": ["Congo" if patch_id in CONGOLESE else "Lithuania" for patch_id in made],
            "s1_name": pa.nulls(len(made), pa.string()),
            "s2v1_name": pa.nulls(len(made), pa.string()),
            "contains_seasonal_snow": [False] * len(made),
            "contains_cloud_or_shadow": [False] * len(made),
        }
    ).cast(official.schema)

    table = pa.concat_tables([official, rows])
    order = list(range(len(table)))
    random.Random(20170808).shuffle(order)
    pq.write_table(table.take(order), path)
    return set(table["patch_id"].to_pylist())


def write_list(path: Path, archive: Path) -> None:
    """List two patches of three in the archive, shuffled, damaged ones among them."""
    folders = sorted(folder for folder in archive.glob("*/*") if folder.is_dir())
    real = [folder for folder in folders if folder.name not in CUT]
    clean = [CONGOLESE[13], CONGOLESE[14], CONGOLESE[15], LITHUANIAN[15], AUSTRIAN[15]]
    left_out = {*clean, PORTUGUESE[0], LITHUANIAN[5], LITHUANIAN[3], LITHUANIAN[7]}
    # Without the patch to re-tile, damaging that one changes no statistics.
    left_out.add(RETILED)
    left_out |= {folder.name for folder in real[::4]}
    listed = [folder for folder in folders if folder.name not in left_out]
    random.Random(31).shuffle(listed)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["tile", "patch_id"])
        writer.writerows([folder.parent.name, folder.name] for folder in listed)
