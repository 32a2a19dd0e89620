"""GeoParquet files of land cover, as the course hands them out, with footprints of every kind."""

from pathlib import Path

import geopandas
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rasterio
import rasterio.features
import shapely

from tests.course.ground import PATCH_METRES, ground_of
from tests.course.oracle import CODES, UNLABELED, class_of

MAPPED = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57"

# A row of Lithuanian neighbours, which touch at edges and corners only.
LITHUANIAN = [
    f"S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_{column}_{row}"
    for column in (31, 32, 33)
    for row in (28, 29)
]
# The same ground on several dates: two, three and one.
SERBIAN = [
    "S2B_MSIL2A_20170911T092019_N9999_R093_T34TFN_16_56",
    "S2B_MSIL2A_20170802T092029_N9999_R093_T34TFN_16_56",
    "S2B_MSIL2A_20170911T092019_N9999_R093_T34TFN_18_57",
    "S2B_MSIL2A_20170802T092029_N9999_R093_T34TFN_18_57",
    "S2B_MSIL2A_20170802T092029_N9999_R093_T34TFN_15_59",
]
# Neighbouring tiles that share a margin.
MARGIN = [
    "S2B_MSIL2A_20170808T094029_N9999_R036_T35ULA_00_01",
    "S2B_MSIL2A_20170927T094019_N9999_R036_T35ULB_00_85",
]

Parcels = list[tuple[int, shapely.Geometry]]


def write_maps(
    folder: Path, shared: Path, contrived: list[str], neighbours: list[str]
) -> dict[str, list[str]]:
    """Write one file per mapped patch; returns the sorted classes that each shows.

    The 16 patches of `contrived` get footprints of odd shapes, which are not where their ids say;
    the 8 of `neighbours`, which have official rows, too. All others lie where they should.
    """
    real = sorted(path.name for path in (shared / "BigEarthNet-S2").glob("*/*"))
    official = read_labels(shared, [*real, *LITHUANIAN, *SERBIAN, *MARGIN, *neighbours])
    maps = {MAPPED: polygonize(shared)}
    for place, patch_id in enumerate([*real, *LITHUANIAN, *SERBIAN, *MARGIN]):
        codes = codes_for(official[patch_id], place)
        maps[patch_id] = parcels(shapely.box(*ground_of(patch_id).bounds), codes)
    for patch_id, ground in zip(contrived, odd_grounds(), strict=True):
        place = len(maps)
        codes = [[231, 312, 211, 111][place % 4], [212, 313, 324, 112][place % 4]]
        maps[patch_id] = parcels(ground, codes)
    for patch_id, ground in zip(neighbours, odd_neighbours(), strict=True):
        maps[patch_id] = parcels(ground, codes_for(official[patch_id], 2 * len(maps)))
    make_peculiar(maps, contrived, neighbours)

    folder.mkdir()
    for place, (patch_id, rows) in enumerate(sorted(maps.items())):
        write_map(folder / f"{patch_id}_reference_map.parquet", patch_id, rows, place)
    return {
        patch_id: sorted({name for code, _ in rows if (name := class_of(code))})
        for patch_id, rows in maps.items()
    }


def read_labels(shared: Path, patch_ids: list[str]) -> dict[str, list[str]]:
    """Official labels of some patches."""
    table = pq.read_table(shared / "metadata.parquet", columns=["patch_id", "labels"])
    table = table.filter(pc.is_in(table["patch_id"], pa.array(patch_ids)))
    labels = dict(zip(table["patch_id"].to_pylist(), table["labels"].to_pylist(), strict=True))
    assert set(labels) == set(patch_ids), "all of them are in the official metadata"
    return labels


def codes_for(labels: list[str], place: int) -> list[int]:
    """CLC codes that make these labels: sometimes several of a class, sometimes UNLABELED ones."""
    codes = []
    for label in labels:
        codes += CODES[label] if place % 2 else CODES[label][-1:]
    if place % 3 == 0:
        codes.append(UNLABELED[place % len(UNLABELED)])
    if place % 6 == 0:
        codes.append(999)
    return codes


def polygonize(shared: Path) -> Parcels:
    """The real reference map as polygons, one for each connected area of a code."""
    (path,) = (shared / "Reference_Maps").glob(f"*/{MAPPED}/*.tif")
    with rasterio.open(path) as raster:
        areas = rasterio.features.shapes(
            raster.read(1).astype(np.int32), transform=raster.transform
        )
        return [(int(code), shapely.geometry.shape(area)) for area, code in areas]


def parcels(ground: shapely.Geometry, codes: list[int]) -> Parcels:
    """Share out a ground among codes, in strips from south to north.

    Where it fits, the first strip has a hole that the last code fills.
    """
    west, south, east, north = ground.bounds
    height = (north - south) // (10 * len(codes)) * 10
    hole = shapely.box(west + 200, south + 20, west + 300, south + 40)
    holed = len(codes) > 1 and height > 60 and ground.contains(hole.buffer(10))
    shares = []
    for place, code in enumerate(codes):
        top = north if place == len(codes) - 1 else south + height * (place + 1)
        strip = ground & shapely.box(west, south + height * place, east, top)
        if holed and place == 0:
            strip = strip - hole
        # A cut along an edge of the ground leaves lines and points beside the areas.
        areas = [part for part in shapely.get_parts(strip) if part.area > 0]
        assert areas, "each code has an area"
        if holed and place == len(codes) - 1:
            areas.append(hole)
        # Some codes as one row with all parts, others as a row for each part.
        if place % 2 and len(areas) > 1:
            shares.append((code, shapely.MultiPolygon(areas)))
        else:
            shares += [(code, area) for area in areas]
    assert shapely.union_all([area for _, area in shares]).equals(ground), "nothing is left over"
    return shares


def square(place: int, *edges: float) -> shapely.Geometry:
    """A rectangle given by edges in metres from the corner of the given place, far from others."""
    west, south, east, north = edges
    corner = 800_000 + 3_000 * place
    return shapely.box(corner + west, 12_000 + south, corner + east, 12_000 + north)


def polygon(place: int, *corners: tuple[int, int]) -> shapely.Geometry:
    return shapely.Polygon([(800_000 + 3_000 * place + x, 12_000 + y) for x, y in corners])


WHOLE = (0, 0, PATCH_METRES, PATCH_METRES)


def odd_grounds() -> list[shapely.Geometry]:
    """Footprints in pairs; the comments say whether the two of a pair share an interior point."""
    ring = square(1, *WHOLE) - square(1, 300, 300, 900, 900)
    wide_ring = square(2, *WHOLE) - square(2, 300, 300, 900, 900)
    return [
        # No: one stands in the notch of an L and touches both of its arms.
        square(0, *WHOLE) - square(0, 500, 500, 1200, 1200),
        square(0, 500, 500, 1200, 1200),
        # No: one fills the hole of the other exactly.
        ring,
        square(1, 300, 300, 900, 900),
        # No: one stands free in the hole of the other.
        wide_ring,
        square(2, 400, 400, 800, 800),
        # No: a single corner in common.
        square(3, 0, 0, 600, 600),
        square(3, 600, 600, 1200, 1200),
        # Yes, by half a metre.
        square(4, 0, 0, 600, 1200),
        square(4, 599.5, 900, 1200, 1800),
        # Yes, in one CRS; the files name different ones.
        square(5, *WHOLE),
        square(5, 600, 600, 1800, 1800),
        # No: two triangles along the diagonal of the same square.
        polygon(6, (0, 0), (1200, 0), (1200, 1200)),
        polygon(6, (0, 0), (1200, 1200), (0, 1200)),
        # Yes: one within the other.
        square(7, 300, 300, 700, 700),
        square(7, *WHOLE),
    ]


def odd_neighbours() -> list[shapely.Geometry]:
    """Eight more footprints: three without an overlap, a star of four with, one alone."""
    return [
        # Two islands with a third between them, in the bounding box of both.
        square(10, 0, 0, 400, 1200) | square(10, 800, 0, 1200, 1200),
        square(10, 500, 300, 700, 900),
        # The middle of an edge against a corner.
        polygon(10, (1200, 600), (2400, 0), (2400, 1200)),
        # The first of these overlaps each of the next three, which do not overlap each other.
        square(12, *WHOLE),
        square(12, -600, -600, 600, 600),
        square(12, 600, -600, 1800, 600),
        square(12, 600, 600, 1800, 1800),
        square(14, *WHOLE),
    ]


def make_peculiar(maps: dict[str, Parcels], contrived: list[str], neighbours: list[str]) -> None:
    """Give some maps content that only their rows show."""
    # Nothing but UNLABELED ground: no class, yet a footprint, and it lies within another.
    codes = UNLABELED[:3]
    maps[contrived[14]] = parcels(odd_grounds()[14], codes)
    # The same ground twice within one patch is no overlap with another patch.
    code, _ = maps[neighbours[7]][0]
    maps[neighbours[7]].append((code, odd_neighbours()[7]))
    # Every code of one class is one class.
    maps[contrived[1]] = parcels(odd_grounds()[1], CODES["Permanent crops"])


def write_map(path: Path, patch_id: str, rows: Parcels, place: int) -> None:
    """Write one GeoParquet file, in one of the varieties that occur."""
    # Without a CRS in some files; in others one that is not the zone of the patch.
    crs: str | None = f"EPSG:{32600 + ground_of(patch_id).zone}"
    if place % 7 == 3:
        crs = None
    elif place % 5 == 2:
        crs = "EPSG:3035"
    frame = geopandas.GeoDataFrame(
        pandas.DataFrame(
            {"DN": np.array([code for code, _ in rows], ["int32", "int64"][place % 2])}
        ),
        geometry=[area for _, area in rows],
        crs=crs,
    )
    frame.to_parquet(path, index=False, write_covering_bbox=place % 3 == 0)
