import itertools
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

import benkit
from benkit.api.inputs.sources import open_source
from benkit.cli import main
from benkit.domain.layout import Band
from benkit.domain.layouts import BIGEARTHNET_S2
from benkit.engine import Engine
from benkit.errors import (
    InputFormatError,
    MissingInputError,
    OptionError,
    OutputError,
    PatchIdError,
    RasterError,
)
from benkit.inventory.audit import audit_inventory
from benkit.inventory.findings import KINDS
from benkit.retiling.patchify import patchify

PRODUCT = "S2A_MSIL2A_20170613T101031_N0205_R022_T33UUP"
LATER = "S2B_MSIL2A_20170718T101031_N0205_R022_T33UUP"
ONE = Engine(workers=1)
TILE = (300_000, 5_400_000)  # upper-left corner of T33UUP, from the published patch geometries


def write_band(path, metres, band, corner=TILE, epsg=32633, driver="GTiff", **options):
    """A band of a square scene in which no pixel is 0 and hardly two are alike; its pixels."""
    side = metres // band.pixel_size
    seed = list(BIGEARTHNET_S2.bands).index(band.name)
    pixels = np.random.default_rng(seed).integers(1, 30_000, (side, side), np.uint16)
    profile = {"driver": driver, "height": side, "width": side, "count": 1, "dtype": "uint16"}
    profile |= {"crs": f"EPSG:{epsg}", **options}
    profile.setdefault("transform", from_origin(*corner, band.pixel_size, band.pixel_size))
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels.astype(profile["dtype"]), 1)
    return pixels


def write_scene(folder, metres=4_200, **options):
    """All bands as GeoTIFFs; their pixels by name."""
    return {
        name: write_band(folder / f"{name}.tif", metres, band, **options)
        for name, band in BIGEARTHNET_S2.bands.items()
    }


def kinds_found(archive, workers=1):
    """How many patches each kind of finding concerns, by the archive's own metadata."""
    with open_source(archive, engine=Engine(workers=workers)) as inventory:
        audit = audit_inventory(inventory, pq.read_table(archive / "metadata.parquet"))
    assert audit.patches == len(list(archive.glob("*/*")))
    assert audit.counts.keys() == KINDS.keys()
    return {kind: count for kind, count in audit.counts.items() if count}


def assert_patches_equal(archive, product, scene, first=(0, 0)):
    """Every patch against the pixels of the scene, read back by rasterio."""
    for name, pixels in scene.items():
        side = BIGEARTHNET_S2.bands[name].side
        for path in archive.glob(f"{product}/*/*_{name}.tif"):
            column, row = (int(text) for text in path.parent.name[-5:].split("_"))
            left, top = (column - first[0]) * side, (row - first[1]) * side
            with rasterio.open(path) as patch:
                expected = pixels[top : top + side, left : left + side]
                np.testing.assert_array_equal(patch.read(1), expected)
                assert patch.nodata == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_whole_patches_from_the_tiles_corner(tmp_path, workers):
    scene = write_scene(tmp_path / PRODUCT, compress="deflate", tiled=True)
    told = []
    done = patchify(
        tmp_path / PRODUCT,
        tmp_path / "out",
        engine=Engine(workers=workers),
        progress=lambda *counts: told.append(counts),
    )
    assert told == [(9 * band // 12, 9, 0) for band in range(1, 13)]
    assert (done.product, done.patches, done.files) == (PRODUCT, 9, 108)
    names = sorted(path.name for path in (tmp_path / "out" / PRODUCT).iterdir())
    assert names == [f"{PRODUCT}_0{column}_0{row}" for column in range(3) for row in range(3)]
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)
    assert kinds_found(tmp_path / "out") == {}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        PRODUCT,
        "metadata.parquet",
    ]


def test_patches_are_stored_as_the_archive_stores_them(tmp_path, real_archive):
    write_scene(tmp_path / PRODUCT, metres=1_200)
    patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    patch = next((tmp_path / "out").glob("*/*"))
    real = next(real_archive.glob("*_T33*/*"))
    for name in BIGEARTHNET_S2.bands:
        ours, theirs = patch / f"{patch.name}_{name}.tif", real / f"{real.name}_{name}.tif"
        assert ours.stat().st_size == theirs.stat().st_size
        with rasterio.open(ours) as a, rasterio.open(theirs) as b:
            assert (a.shape, a.dtypes, a.nodata, a.crs) == (b.shape, b.dtypes, b.nodata, b.crs)
            assert (a.res, a.block_shapes, a.compression) == (b.res, b.block_shapes, b.compression)
            assert (a.tags(), a.tags(ns="IMAGE_STRUCTURE")) == (
                b.tags(),
                b.tags(ns="IMAGE_STRUCTURE"),
            )


def test_a_crop_on_the_grid_keeps_the_columns_and_rows_of_its_tile(tmp_path):
    corner = (TILE[0] + 88 * 1200, TILE[1] - 7 * 1200)
    scene = write_scene(tmp_path / f"{PRODUCT}_20170613T101608.SAFE", 3_000, corner=corner)
    done = patchify(tmp_path / f"{PRODUCT}_20170613T101608.SAFE", tmp_path / "out", engine=ONE)
    assert done.patches == 4
    names = sorted(path.name[-5:] for path in (tmp_path / "out" / PRODUCT).iterdir())
    assert names == ["88_07", "88_08", "89_07", "89_08"]
    assert_patches_equal(tmp_path / "out", PRODUCT, scene, (88, 7))
    assert kinds_found(tmp_path / "out") == {}


def test_jpeg_2000_in_a_safe_folder(tmp_path):
    safe = tmp_path / f"{PRODUCT}_20170613T101608.SAFE"
    images = safe / "GRANULE" / "L2A_T33UUP_A010318_20170613T101608" / "IMG_DATA"
    prefix = "T33UUP_20170613T101031"
    lossless = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES"}
    scene = {}
    for name, band in BIGEARTHNET_S2.bands.items():
        size = band.pixel_size
        file = images / f"R{size}m" / f"{prefix}_{name}_{size}m.jp2"
        scene[name] = write_band(file, 2_400, band, **lossless)
    for other in ("R20m", "R60m"):  # the same bands in larger pixels, and what is no band
        for name in ("B02", "AOT", "SCL", "TCI"):
            file = images / other / f"{prefix}_{name}_{other[1:]}.jp2"
            shutil.copy(images / "R60m" / f"{prefix}_B01_60m.jp2", file)
    (safe / "GRANULE" / "QI_DATA").mkdir()
    shutil.copy(
        images / "R60m" / f"{prefix}_B01_60m.jp2",
        safe / "GRANULE" / "QI_DATA" / "MSK_DETFOO_B01.jp2",
    )
    done = patchify(safe, tmp_path / "out", engine=ONE)
    assert (done.product, done.patches, done.files) == (PRODUCT, 4, 48)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)
    assert kinds_found(tmp_path / "out") == {}


def write_in_all_sizes(folder, place, metres=1_200):
    """Each band in its own and all larger pixels, where ``place`` says; its pixels in its own size."""
    scene = {}
    for name, band in BIGEARTHNET_S2.bands.items():
        for size in (10, 20, 60):
            if size >= band.pixel_size:
                pixels = write_band(
                    folder / place(name, size),
                    metres,
                    Band(name, 1_200 // size, 1_200 // size, size),
                )
                scene.setdefault(name, pixels)
    return scene


@pytest.mark.parametrize(
    "place",
    [
        "R{size}m/{name}.tif",
        "r{size}M/{name}.TIF",
        "{size}m/T33UUP_{name}.tif",
        "L2A/R{size}m/0/{name}.tif",
        "{size}/{name}.tif",
        "all/a{size}_{name}.tif",
        "R10m/T33UUP_{name}_{size}m.tif",
    ],
)
def test_the_band_in_its_own_pixel_size_counts_wherever_the_size_is_told(tmp_path, place):
    folder = tmp_path / "33" / "U" / "UP" / "0"
    scene = write_in_all_sizes(folder, lambda name, size: place.format(name=name, size=size))
    done = patchify(folder, tmp_path / "out", product=PRODUCT, engine=ONE)
    assert (done.patches, done.files) == (1, 12)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)
    assert kinds_found(tmp_path / "out") == {}


def test_a_preview_and_rasters_of_other_sizes_do_not_count(tmp_path):
    scene = write_in_all_sizes(tmp_path / PRODUCT, lambda name, size: f"R{size}m/{name}.tif")
    for name in BIGEARTHNET_S2.bands:
        write_band(tmp_path / PRODUCT / "preview" / f"{name}.tif", 1_200, Band(name, 4, 4, 300))
    patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)


def test_a_band_that_is_there_in_other_sizes_only_is_missing(tmp_path):
    write_in_all_sizes(tmp_path / PRODUCT, lambda name, size: f"{size}/{name}.tif")
    (tmp_path / PRODUCT / "10" / "B02.tif").unlink()
    with pytest.raises(MissingInputError, match=r"in its own pixel size, .*none of B02"):
        patchify(tmp_path / PRODUCT, tmp_path / "out")


def test_a_folder_that_is_named_after_another_size_hides_no_band(tmp_path):
    scene = write_scene(tmp_path / PRODUCT / "10m", 1_200)
    patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)


def test_hidden_files_and_what_systems_leave_do_not_count(tmp_path):
    scene = write_scene(tmp_path / PRODUCT, 1_200)
    left = ["._B02.tif", ".DS_Store", "Thumbs.db", "__MACOSX/B02.tif", "__MACOSX/._B02.tif",
            ".Trash/B02.tif", "#recycle/B02.tif", "lost+found/B02.tif",
            "@eaDir/B02.tif/SYNOPHOTO_THUMB_M.jpg"]  # fmt: skip
    for name in left:
        (tmp_path / PRODUCT / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / PRODUCT / name).write_bytes(b"\0\x05\x16\7")
    patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)


def test_the_real_crop_is_off_the_grid(shared_data, tmp_path):
    folder = next((shared_data / "scene").iterdir())
    with pytest.raises(InputFormatError, match=r"819627\.36.* not on the patch grid of tile 33NZA"):
        patchify(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    done = patchify(folder, tmp_path / "out", grid_origin="scene", engine=ONE)
    assert (done.patches, done.files) == (64, 768)
    scene = {}
    for name in BIGEARTHNET_S2.bands:
        with rasterio.open(folder / f"{name}.tif") as source:
            scene[name] = source.read(1)
            x, y = source.transform.c, source.transform.f
    assert_patches_equal(tmp_path / "out", done.product, scene)
    assert kinds_found(tmp_path / "out") == {}
    last = tmp_path / "out" / done.product / f"{done.product}_07_07"
    with rasterio.open(last / f"{last.name}_B8A.tif") as patch:
        assert (patch.transform.c, patch.transform.f) == (x + 8_400, y - 8_400)
        assert patch.crs.to_epsg() == 32633


def test_an_archive_remembers_where_the_grids_of_its_scenes_begin(tmp_path):
    """Footprints and overlaps by the archive's metadata are where rasterio finds the patches."""
    archive = tmp_path / "out"
    for name, corner in ((PRODUCT, (TILE[0] + 0.3, TILE[1] - 7)), (LATER, TILE)):
        write_scene(tmp_path / name, 2_400, corner=corner)
        origin = "tile" if corner == TILE else "scene"
        patchify(tmp_path / name, archive, grid_origin=origin, engine=ONE)
    assert kinds_found(archive) == {}
    known = benkit.Metadata(archive / "metadata.parquet")
    assert known.patch_ids.to_pylist() == sorted(path.name for path in archive.glob("*/*"))
    for patch, x, y in zip(known.patch_ids, known.footprints.x, known.footprints.y, strict=True):
        with rasterio.open(next(archive.glob(f"*/{patch}/*_B02.tif"))) as band:
            assert abs(band.transform.c - x) < 0.001 and abs(band.transform.f - y) < 0.001
    pairs = benkit.overlaps(archive / "metadata.parquet").pairs
    squares = [
        shapely.box(x, y - 1200, x + 1200, y)
        for x, y in zip(known.footprints.x, known.footprints.y, strict=True)
    ]
    expected = {
        (i, j) for i, j in itertools.combinations(range(8), 2)
        if squares[i].intersection(squares[j]).area > 0
    }  # fmt: skip
    assert len(pairs) == len(expected) == 9
    assert benkit.inspect(next(archive.glob(f"{PRODUCT}/*"))).findings == ()
    page = benkit.report(archive / "metadata.parquet", archive, engine=ONE)
    assert "<h2>Bands" in page
    assert 'id="map-names"' in page  # with coordinates of their own, not those of the tile's grid


def test_a_product_that_is_cut_again_takes_the_place_of_its_rows(tmp_path):
    archive, corner = tmp_path / "out", (TILE[0] + 500, TILE[1])
    for metres, origin in ((2_400, "scene"), (1_200, "scene")):
        write_scene(tmp_path / PRODUCT, metres, corner=corner)
        patchify(tmp_path / PRODUCT, archive, grid_origin=origin, overwrite=True, engine=ONE)
    assert pq.read_table(archive / "metadata.parquet").to_pylist() == [
        {
            "patch_id": f"{PRODUCT}_00_00",
            "labels": [],
            "grid_west": 300_500,
            "grid_north": 5_400_000,
            "added_offset": 0,
        }
    ]


LATE = PRODUCT.replace("N0205", "N0400").replace("2017", "2022")


def test_the_offset_of_later_baselines_is_told_found_beside_earlier_ones_and_taken_off(
    tmp_path, capsys
):
    write_scene(tmp_path / PRODUCT, 1_200)
    scene = write_scene(tmp_path / LATE, 1_200)
    with rasterio.open(tmp_path / LATE / "B02.tif", "r+") as band:
        scene["B02"][0, :4] = 0, 1, 1_001, 1_002
        band.write(scene["B02"], 1)
    for name in (PRODUCT, LATE):
        patchify(tmp_path / name, tmp_path / "out", engine=ONE)
    assert kinds_found(tmp_path / "out") == {"with_no_data": 1, "mixed_offsets": 1}
    call = ["patchify", str(tmp_path / LATE), "--output", str(tmp_path / "out"), "--overwrite"]
    assert main([*call, "--workers", "1"]) == 0
    assert "have the offset of 1,000" in capsys.readouterr().err
    assert main([*call, "--workers", "1", "--remove-offset"]) == 0
    assert "offset" not in capsys.readouterr().err
    assert kinds_found(tmp_path / "out") == {"with_no_data": 1}
    for name, pixels in scene.items():
        expected = np.where(pixels == 0, 0, np.maximum(pixels.astype(int) - 1_000, 1))
        with rasterio.open(
            tmp_path / "out" / LATE / f"{LATE}_00_00" / f"{LATE}_00_00_{name}.tif"
        ) as one:
            np.testing.assert_array_equal(one.read(1), expected)
    with pytest.raises(OptionError, match=r"expected a product of baseline N0400 or later.*N0205"):
        patchify(tmp_path / PRODUCT, tmp_path / "other", remove_offset=True, engine=ONE)


def test_metadata_of_others_in_an_archive_are_left_alone(tmp_path):
    write_scene(tmp_path / PRODUCT, 1_200)
    (tmp_path / "out").mkdir()
    ids = pa.table({"patch_id": [f"{PRODUCT}_07_07"], "labels": [["Pastures"]]})
    pq.write_table(ids, tmp_path / "out" / "metadata.parquet")
    with pytest.raises(OutputError, match=r"keeps there.*grid_west, grid_north.*move them"):
        patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    assert pq.read_table(tmp_path / "out" / "metadata.parquet").equals(ids)
    assert not (tmp_path / "out" / PRODUCT).exists()


def test_the_last_half_patch_of_a_tile_is_dropped(tmp_path):
    """The south-east corner of a tile of 91.5 patches; `benchmarks/retile.py` cuts a whole one."""
    corner = (TILE[0] + 89 * 1_200, TILE[1] - 89 * 1_200)
    scene = write_scene(tmp_path / PRODUCT, 3_000, corner=corner)
    assert corner[0] + 3_000 == TILE[0] + 109_800
    done = patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    assert (done.patches, done.files) == (4, 48)
    names = sorted(path.name[-5:] for path in (tmp_path / "out" / PRODUCT).iterdir())
    assert names == ["89_89", "89_90", "90_89", "90_90"]
    assert_patches_equal(tmp_path / "out", PRODUCT, scene, (89, 89))
    assert kinds_found(tmp_path / "out") == {}


@pytest.mark.parametrize("grid_origin", ["tile", "scene"])
def test_bands_that_other_tools_have_rounded_are_cut_where_they_lie(tmp_path, grid_origin):
    scene = write_scene(tmp_path / PRODUCT, 2_400)
    for name, a, e, x, y in (
        ("B01", 60.00000000000001, 60, 0, 0),
        ("B05", 20, 19.99999, 1e-9, -0.0009),
        ("B12", 20, 20, -0.0009, 1e-9),
    ):
        band = BIGEARTHNET_S2.bands[name]
        place = rasterio.Affine(a, 1e-15, TILE[0] + x, -1e-15, -e, TILE[1] + y)
        scene[name] = write_band(tmp_path / PRODUCT / f"{name}.tif", 2_400, band, transform=place)
    done = patchify(tmp_path / PRODUCT, tmp_path / "out", grid_origin=grid_origin, engine=ONE)
    assert_patches_equal(tmp_path / "out", PRODUCT, scene)
    assert kinds_found(tmp_path / "out") == {}
    for path in (tmp_path / "out").glob(f"{done.product}/*_00_00/*.tif"):
        with rasterio.open(path) as patch:
            size = round(patch.res[0])
            assert patch.transform.almost_equals(from_origin(*TILE, size, size), 0.001)
            assert grid_origin == "scene" or patch.transform == from_origin(*TILE, size, size)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"B05": {"epsg": 32632}}, InputFormatError, r"B05\.tif: .*CRS .*EPSG:32633, .*EPSG:32632"),
        ({"B05": {"dtype": "float32"}}, InputFormatError, "data type uint16, but it is float32"),
        ({"B05": {"nodata": 65535}}, InputFormatError, "NO_DATA value 0, but it is 65535"),
        ({"B05": {"corner": (300_020, 5_400_000)}}, InputFormatError, "start at the same place"),
        ({"B05": {"transform": from_origin(*TILE, 10, 10)}}, InputFormatError, "pixels of 20 m"),
        (
            {"B05": {"transform": from_origin(*TILE, 20.00003, 20)}},
            InputFormatError,
            r"pixels of 20 m, north-up, but they are 20\.00003 m x 20 m",
        ),
        (
            {"B05": {"corner": (300_000, 5_399_999.998)}},
            InputFormatError,
            r"B01 starts at 300000\.0, 5400000\.0 and B05 at 300000\.0, 5399999\.998",
        ),
        (
            {"B05": {"transform": rasterio.Affine(20, 1, TILE[0], 1, -20, TILE[1])}},
            InputFormatError,
            "rotated",
        ),
        ({"B05": {"transform": None, "crs": None}}, InputFormatError, "it is none"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_bands_that_do_not_fit_are_named(tmp_path, changed, error, message):
    write_scene(tmp_path / PRODUCT, 1_200)
    for name, options in changed.items():
        write_band(tmp_path / PRODUCT / f"{name}.tif", 1_200, BIGEARTHNET_S2.bands[name], **options)
    with pytest.raises(error, match=message):
        patchify(tmp_path / PRODUCT, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "corner", "metres", "error", "message"),
    [
        ("scene", TILE, 1_200, PatchIdError, "name the folder after its product"),
        (PRODUCT.replace("2A_2017", "1C_2017"), TILE, 1_200, InputFormatError, "level MSIL2A"),
        (PRODUCT, TILE, 1_140, InputFormatError, "no whole patch"),
        (PRODUCT, (TILE[0] - 1_200, TILE[1]), 1_200, InputFormatError, "not on the patch grid"),
        (PRODUCT, (TILE[0], TILE[1] - 60), 1_200, InputFormatError, "not on the patch grid"),
        (PRODUCT, (TILE[0] + 0.002, TILE[1]), 1_200, InputFormatError, "corner 300000.002, "),
        (
            PRODUCT,
            (TILE[0] + 90 * 1_200, TILE[1]),
            2_400,
            InputFormatError,
            "reaches beyond a tile",
        ),
    ],
)
def test_scenes_that_do_not_fit_are_refused(tmp_path, name, corner, metres, error, message):
    write_scene(tmp_path / name, metres, corner=corner)
    with pytest.raises(error, match=message):
        patchify(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_name_of_the_product_can_be_given(tmp_path):
    write_scene(tmp_path / "scene", 1_200)
    done = patchify(tmp_path / "scene", tmp_path / "out", product=f"{PRODUCT}.SAFE", engine=ONE)
    assert done.product == PRODUCT


def test_a_scene_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="there is nothing"):
        patchify(tmp_path / PRODUCT, tmp_path / "out")


def test_a_scene_without_one_of_the_bands_is_refused(tmp_path):
    write_scene(tmp_path / PRODUCT, 1_200)
    (tmp_path / PRODUCT / "B09.tif").rename(tmp_path / PRODUCT / "B10.tif")
    with pytest.raises(MissingInputError, match="none of B09"):
        patchify(tmp_path / PRODUCT, tmp_path / "out")


def test_two_files_of_one_band_are_refused(tmp_path):
    write_scene(tmp_path / PRODUCT, 1_200)
    shutil.copy(tmp_path / PRODUCT / "B02.tif", tmp_path / PRODUCT / "x_B02_10m.tif")
    with pytest.raises(InputFormatError, match="expected one file of B02"):
        patchify(tmp_path / PRODUCT, tmp_path / "out")


def test_a_product_that_is_there_is_replaced_on_demand_only(tmp_path):
    write_scene(tmp_path / PRODUCT, 1_200)
    for _ in range(2):
        patchify(tmp_path / PRODUCT, tmp_path / "out", overwrite=True, engine=ONE)
    with pytest.raises(OutputError, match="is there already"):
        patchify(tmp_path / PRODUCT, tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.tif"))) == 12


def test_a_damaged_band_leaves_nothing_behind(tmp_path):
    write_scene(tmp_path / PRODUCT, 2_400, compress="deflate")
    patchify(tmp_path / PRODUCT, tmp_path / "out", engine=ONE)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.tif")}
    band = tmp_path / PRODUCT / "B11.tif"
    band.write_bytes(band.read_bytes()[:-3_000])
    with pytest.raises(RasterError, match=r"B11\.tif: cannot be read"):
        patchify(tmp_path / PRODUCT, tmp_path / "out", overwrite=True, engine=ONE)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.tif")} == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        PRODUCT,
        "metadata.parquet",
    ]
