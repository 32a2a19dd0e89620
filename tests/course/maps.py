"""GeoParquet reference maps of every kind that a patch's polygons can be of.

Each entry of ``MAPS`` is one file. The letters group files that lie near each other; groups are far
apart. Coordinates are whole metres, so that every area is exact.
"""

from pathlib import Path

import geopandas as gpd
import rasterio
from rasterio.features import shapes
from shapely import box
from shapely.geometry import MultiPolygon, Polygon, shape

PRODUCT = "S2A_MSIL2A_20180531T094031_N9999_R036_T35ULA"
REAL_MAP = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57"


def square(west: int, south: int, side: int = 1200) -> Polygon:
    return box(west, south, west + side, south + side)


def halves(west: int, south: int) -> list[Polygon]:
    """Give two rectangles that share an edge and make up a patch."""
    return [
        box(west, south, west + 700, south + 1200),
        box(west + 700, south, west + 1200, south + 1200),
    ]


def quarters(west: int, south: int) -> list[Polygon]:
    return [square(west + x, south + y, 600) for y in (600, 0) for x in (0, 600)]


def ring(west: int, south: int) -> Polygon:
    """Give a patch with a hole of 400 m in its middle."""
    return square(west, south).difference(square(west + 400, south + 400, 400))


# One code of each of the nineteen classes.
EACH_CLASS = [
    *(111, 121, 211, 221, 231, 242, 243, 244, 311, 312),
    *(313, 321, 322, 324, 331, 411, 421, 511, 521),
]

# name of the map: (codes, geometries), then what differs from an int32 DN in EPSG:32635
MAPS: dict[str, tuple[list[int], list]] = {
    # a: plain neighbours in a 2 x 2 block, edges and corners only: no overlap
    "10_10": ([211], [square(312000, 6086000)]),
    "11_10": ([311, 312], halves(313200, 6086000)),
    "10_11": ([211, 212, 213, 311], quarters(312000, 6084800)),
    "11_11": ([111, 112], halves(313200, 6084800)),
    # a corner only
    "12_12": ([512], [square(314400, 6083600)]),
    # b: the same ground twice, and once more shifted by one metre of overlap
    "20_20": ([411, 412], halves(324000, 6074000)),
    "20_21": ([411, 511, 523], [square(324000, 6074600, 600), *halves(324000, 6074000)]),
    "21_20": ([231], [square(325199, 6075199)]),
    # c: L-shapes that interlock: the boxes overlap, the interiors do not
    "30_30": (
        [321, 333],
        [box(336000, 6062000, 336400, 6063200), box(336400, 6062000, 337200, 6062400)],
    ),
    "31_30": (
        [322, 323],
        [box(336400, 6062400, 337200, 6063200), box(337200, 6062000, 337600, 6063200)],
    ),
    # d: a multipolygon with a hole, one map in the hole, one that reaches out of it by a metre
    "40_40": (
        [243, 242, 141],
        [
            MultiPolygon([ring(348000, 6050000), square(349400, 6050000, 100)]),
            square(348000, 6051200, 100),
            square(348100, 6051200, 100),
        ],
    ),
    "41_40": ([221, 222, 223, 241], quarters(360000, 6050000)),
    "42_40": ([331], [square(348400, 6050400, 400)]),
    "43_40": ([244], [box(349450, 6050050, 349700, 6050150)]),
    # e: a touch along a diagonal, and an overlap of two triangles
    "50_50": ([324], [Polygon([(372000, 6038000), (373200, 6038000), (372000, 6039200)])]),
    "51_50": ([324], [Polygon([(373200, 6038000), (373200, 6039200), (372000, 6039200)])]),
    "52_50": ([313], [Polygon([(384000, 6038000), (385200, 6038000), (384000, 6039200)])]),
    "53_50": ([313], [Polygon([(384000, 6038000), (385200, 6039200), (384000, 6039200)])]),
    # f: one inside another, and two that only a third one joins
    "60_60": ([421, 422], halves(384000, 6026000)),
    "61_60": ([999], [square(384100, 6026100, 100)]),
    "62_60": ([521, 522, 523], [*halves(396000, 6026000), square(397200, 6026000)]),
    "63_60": ([121, 131], [square(397800, 6026600), square(399000, 6026600)]),
    "64_60": ([511, 512], [square(399600, 6027200), square(400800, 6027200)]),
    # g: nothing but UNLABELED, alone
    "70_70": ([122, 334, 999], [*halves(300000, 6010000), square(301200, 6010000)]),
    "71_70": ([423], [square(310000, 6010000)]),
    # h: overlapping only because one CRS is assumed
    "80_80": ([111, 221, 331, 421], quarters(320000, 6000000)),
    "81_80": (
        [112, 222, 132],
        [square(320600, 6000600), square(321800, 6000600), square(323000, 6000600)],
    ),
    # i: all nineteen classes and two UNLABELED codes, in a strip
    "00_01": (
        [*EACH_CLASS, 133, 335],
        [square(330000 + 60 * number, 6000000, 60) for number in range(21)],
    ),
}
OTHER_CRS = {"81_80": 32636, "71_70": 32634, "11_11": 32633}
# Overlapping maps, counted by hand from the comments above.
OVERLAPPING = {
    *("20_20", "20_21", "21_20", "40_40", "43_40", "52_50", "53_50"),
    *("60_60", "61_60", "62_60", "63_60", "64_60", "80_80", "81_80"),
}


def write_maps(folder: Path, shared: Path) -> None:
    """Write all maps, every second one with a box per polygon, every third with an int64 DN."""
    folder.mkdir()
    for number, (place, (codes, geometries)) in enumerate(MAPS.items()):
        frame = gpd.GeoDataFrame(
            {"DN": codes}, geometry=geometries, crs=OTHER_CRS.get(place, 32635)
        )
        frame["DN"] = frame["DN"].astype("int64" if number % 3 == 0 else "int32")
        target = folder / f"{PRODUCT}_{place}_reference_map.parquet"
        frame.to_parquet(target, index=False, write_covering_bbox=number % 2 == 0)
    write_real_map(folder, shared)


def write_real_map(folder: Path, shared: Path) -> None:
    """Write the polygons of the original reference map."""
    (source_path,) = (shared / "Reference_Maps").glob(f"*/{REAL_MAP}/*.tif")
    with rasterio.open(source_path) as source:
        found = list(shapes(source.read(1), connectivity=4, transform=source.transform))
        crs = source.crs
    frame = gpd.GeoDataFrame(
        {"DN": [int(code) for _, code in found]},
        geometry=[shape(geometry) for geometry, _ in found],
        crs=crs,
    )
    frame["DN"] = frame["DN"].astype("int32")
    frame.to_parquet(folder / f"{REAL_MAP}_reference_map.parquet", index=False)
