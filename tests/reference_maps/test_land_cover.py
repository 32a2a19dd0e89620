import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import rasterio.features
import shapely

from benkit.domain.classes import CLC_TO_CLASS, UNLABELED_CODES
from benkit.engine import Engine
from benkit.errors import InputFormatError
from benkit.reference_maps.land_cover import PATCH_AREA, measure_land_cover, polygon_areas
from tests.making import SQUARE, write_map, write_map_tiff

BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])  # two triangles of 25


def of_patch(cover, patch):
    """Area of each code of a patch, in the order of the table."""
    rows = cover.patch == cover.patch_ids.index(patch)
    return list(zip(cover.code[rows].tolist(), cover.area[rows].tolist(), strict=True))


def share(cover, patch):
    return cover.unlabelled[cover.patch_ids.index(patch)]


def write_polygons_of(codes, folder, patch, transform):
    """Polygonise pixels, as the course's files were made."""
    found = list(rasterio.features.shapes(codes, transform=transform))
    shapes = [shapely.geometry.shape(shape) for shape, _ in found]
    write_map(folder, patch, [code for _, code in found], shapes, dtype="int32")


def test_by_hand(tmp_path):
    west, east = shapely.box(0, 0, 300, 1200), shapely.box(300, 0, 1200, 1200)
    pond = shapely.box(400, 100, 500, 200)
    write_map(tmp_path, "holes", [523, 311, 512], [west, east - pond, pond])
    far = shapely.box(2000, 0, 2010, 10)
    several = [shapely.MultiPolygon([pond, far]), far, None, shapely.Polygon(), BOWTIE]
    write_map(tmp_path, "several", [111, 111, 112, 121, 999], several)
    write_map(tmp_path, "nothing", [], [])
    write_map(tmp_path, "quarter", [132, 211], [west, east])
    write_map(tmp_path, "twice", [132, 211], [SQUARE, SQUARE])
    write_map_tiff(
        tmp_path, "pixels", np.repeat(np.uint16([0, 999, 523, 523]), 30)[None].repeat(120, 0)
    )
    cover = measure_land_cover(tmp_path)
    assert cover.patch_ids == ("holes", "nothing", "pixels", "quarter", "several", "twice")
    assert of_patch(cover, "holes") == [(311, 1_070_000), (512, 10_000), (523, 360_000)]
    assert of_patch(cover, "several") == [(111, 10_200), (112, 0), (121, 0), (999, 50)]
    assert of_patch(cover, "nothing") == []
    assert of_patch(cover, "pixels") == [(523, 720_000), (999, 360_000)]
    assert of_patch(cover, "quarter") == [(132, 360_000), (211, 1_080_000)]
    assert [share(cover, patch) for patch in ("holes", "nothing", "pixels", "quarter")] == [
        0, 1, 0.5, 0.25,
    ]  # fmt: skip
    assert share(cover, "several") == pytest.approx(1 - 10_200 / PATCH_AREA)
    assert share(cover, "twice") == 0.5


def test_pixels_that_other_tools_have_rounded_are_as_large_as_they_were(tmp_path):
    codes = np.repeat(np.uint16([132, 523, 523, 523]), 30)[None].repeat(120, 0)
    place = rasterio.Affine(10.00000000000001, 0, 300_000, 0, -9.999999, 5_400_000)
    write_map_tiff(tmp_path, "rounded", codes, transform=place)
    write_map_tiff(tmp_path, "other", codes, transform=rasterio.Affine(10.001, 0, 0, 0, -10, 0))
    cover = measure_land_cover(tmp_path)
    assert of_patch(cover, "rounded") == [(132, 360_000), (523, 1_080_000)]
    assert share(cover, "rounded") == 0.25
    assert of_patch(cover, "other") == [
        (132, pytest.approx(360_036)),
        (523, pytest.approx(1_080_108)),
    ]


def test_pixels_and_their_polygons_show_the_same(tmp_path):
    random = np.random.default_rng(5)
    pixels, polygons = tmp_path / "pixels", tmp_path / "polygons"
    polygons.mkdir()
    for number in range(6):
        some = random.choice(sorted(CLC_TO_CLASS), 1 + 2 * number, replace=False)
        codes = random.choice(some, (120, 120)).astype(np.uint16)
        codes[: 20 * number] = some[0]
        path = write_map_tiff(pixels, f"patch_{number}", codes)
        with rasterio.open(path) as source:
            write_polygons_of(codes, polygons, f"patch_{number}", source.transform)
    ours, theirs = measure_land_cover(pixels), measure_land_cover(polygons)
    for number in range(6):
        with rasterio.open(pixels.glob(f"*/*/patch_{number}_reference_map.tif").__next__()) as file:
            codes, counts = np.unique(file.read(1), return_counts=True)
        expected = list(zip(codes.tolist(), (counts * 100.0).tolist(), strict=True))
        assert of_patch(ours, f"patch_{number}") == expected
        assert of_patch(theirs, f"patch_{number}") == expected
        unlabelled = counts[np.isin(codes, UNLABELED_CODES)].sum() / 14_400
        assert share(ours, f"patch_{number}") == pytest.approx(unlabelled, abs=1e-12)


def test_the_real_map_and_its_polygons(shared_data, tmp_path):
    folder = shared_data / "Reference_Maps"
    (file,) = folder.glob("*/*/*.tif")
    patch = file.stem.removesuffix("_reference_map")
    with rasterio.open(file) as source:
        codes, transform = source.read(1), source.transform
    write_polygons_of(codes, tmp_path, patch, transform)
    expected = [(211, 707_500), (231, 115_400), (311, 413_100), (313, 204_000)]  # pixels times 100
    for maps in (folder, tmp_path):
        cover = measure_land_cover(maps)
        assert cover.patch_ids == (patch,)
        assert of_patch(cover, patch) == expected
        assert cover.unlabelled.tolist() == [0]


def test_workers_do_not_matter_and_progress_is_told(tmp_path):
    (tmp_path / "maps").mkdir()
    for number in range(600):
        code = sorted(CLC_TO_CLASS)[number % 44]
        name = f"{number:03d}_reference_map.parquet"
        if number < 44:
            write_map(tmp_path, f"{number:03d}", [code, 999], [shapely.box(0, 0, 9, 9), SQUARE])
            (tmp_path / name).rename(tmp_path / "maps" / name)
        else:
            (tmp_path / "maps" / name).hardlink_to(
                tmp_path / "maps" / f"{number % 44:03d}_reference_map.parquet"
            )
    told = []
    one, two = (
        measure_land_cover(
            tmp_path / "maps", engine=Engine(workers=n), progress=lambda *text: told.append(text)
        )
        for n in (1, 2)
    )
    assert one.patch_ids == two.patch_ids
    assert len(one.patch_ids) == 600
    for column in ("patch", "code", "area"):
        assert np.array_equal(getattr(one, column), getattr(two, column))
    size = sum(path.stat().st_size for path in (tmp_path / "maps").iterdir())
    assert [text[:2] for text in told] == [(512, 600), (600, 600)] * 2
    assert told[1] == told[3] == (600, 600, size)


def test_areas_equal_those_of_shapely():
    random = np.random.default_rng(1)
    shapes = []
    for number in range(300):  # stars, some with a hole, whose rings do not cross
        corners = 4 + number % 40
        angles = (np.arange(corners) + random.uniform(0, 0.9, corners)) * 2 * np.pi / corners
        radii = random.uniform(50, 100, len(angles))[:, None]
        ring = radii * np.stack([np.cos(angles), np.sin(angles)], axis=1) + [400_000, 5_000_000]
        star = shapely.Polygon(ring)
        hole = shapely.Point(400_000, 5_000_000).buffer(5)
        shapes.append(star - hole if number % 3 == 0 else star)
    wkb = pa.array([shape.wkb for shape in shapes], pa.large_binary())
    area, damaged, _ = polygon_areas(wkb, np.arange(300) // 7)
    assert not damaged.any()
    assert area.tolist() == pytest.approx([shape.area for shape in shapes], rel=1e-12)


@pytest.mark.parametrize(
    ("broken", "area"),
    [
        (BOWTIE, 50),
        (
            shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (12, 3), (12, 6), (3, 6)]]),
            72,
        ),
        (shapely.MultiPolygon([shapely.box(0, 0, 4, 4), shapely.box(2, 0, 6, 4)]), 24),
        (shapely.LineString([(0, 0), (9, 9)]), 0),
        (shapely.GeometryCollection([shapely.box(0, 0, 4, 4), shapely.Point(1, 1)]), 16),
    ],
)
def test_broken_polygons(broken, area):
    wkb = pa.array([broken.wkb, None, SQUARE.wkb], pa.large_binary())
    assert polygon_areas(wkb, np.array([0, 0, 1]))[0].tolist() == [area, 0, PATCH_AREA]


@pytest.mark.parametrize(
    "wkb", [b"", SQUARE.wkb[:-1], shapely.Polygon([(0, 0), (np.inf, 0), (1, 1)]).wkb], ids=range(3)
)
def test_damaged_geometries_name_their_file(tmp_path, wkb):
    write_map(tmp_path, "a", [111] * 3, [SQUARE] * 3)
    pq.write_table(pa.table({"DN": [111], "geometry": [wkb]}), tmp_path / "b.parquet")
    write_map(tmp_path, "c", [111], [SQUARE])
    with pytest.raises(InputFormatError, match=r"b\.parquet: expected geometries of closed rings"):
        measure_land_cover(tmp_path)


@pytest.mark.parametrize("crs", [4326, 3857, 3035])
def test_areas_need_a_utm_zone(tmp_path, crs):
    write_map(tmp_path, "a", [111], [SQUARE], crs=32735)
    write_map(tmp_path, "b", [111], [SQUARE], crs=None)
    assert measure_land_cover(tmp_path).area.tolist() == [PATCH_AREA, PATCH_AREA]
    write_map(tmp_path, "c", [111], [SQUARE], crs=crs)
    with pytest.raises(InputFormatError, match=rf"c_\w+\.parquet: .* they are in EPSG:{crs};"):
        measure_land_cover(tmp_path)
    (tmp_path / "c_reference_map.parquet").unlink()
    write_map_tiff(tmp_path, "d", np.full((2, 2), 111, np.uint16), crs=crs)
    with pytest.raises(InputFormatError, match=rf"d_\w+\.tif: .* they are in EPSG:{crs};"):
        measure_land_cover(tmp_path)
