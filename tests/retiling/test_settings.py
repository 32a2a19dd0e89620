"""Settings of GDAL in the environment, and side files, which a raster to be cut may have."""

import numpy as np
import pytest
import rasterio
from rasterio.env import Env
from rasterio.transform import Affine

from benkit.engine import Engine
from benkit.errors import RasterError
from benkit.retiling.retile import retile

HERE = Engine(workers=1)
CORNER = Affine(10, 0, 500_000, 0, -10, 5_300_000)
NODATA = (
    '<PAMDataset><PAMRasterBand band="1"><NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>'
)


def write(path, transform=CORNER, **options):
    pixels = np.arange(1, 120 * 120 + 1, dtype=np.uint16).reshape(120, 120)
    profile = {"driver": "GTiff", "width": 120, "height": 120, "count": 1, "dtype": "uint16"}
    profile |= {"crs": 32633, "transform": transform} | options
    with Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "w", **profile) as target:
        target.write(pixels, 1)
    return pixels


@pytest.mark.parametrize("listing", ["FALSE", "TRUE", "EMPTY_DIR"])
def test_side_files_count_whether_or_not_gdal_lists_folders(tmp_path, listing):
    pixels = write(tmp_path / "nodata.tif")
    (tmp_path / "nodata.tif.aux.xml").write_text(NODATA)
    write(tmp_path / "mask.tif")
    with Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(tmp_path / "mask.tif", "r+") as target:
        target.write_mask(pixels > 7000)
    assert (tmp_path / "mask.tif.msk").exists()
    with Env(GDAL_DISABLE_READDIR_ON_OPEN=listing):
        part = retile(tmp_path / "nodata.tif", tmp_path / "parts", engine=HERE).files[0]
        masked = retile(tmp_path / "mask.tif", tmp_path / "parts", engine=HERE).files[1]
    with rasterio.open(part) as copy, rasterio.open(masked) as other:
        assert copy.nodata == 5
        assert np.array_equal(other.read_masks(1) > 0, pixels[:60, 60:] > 7000)


def test_damage_is_refused_though_gdal_is_told_to_pass_over_it(tmp_path):
    write(tmp_path / "damaged.tif", compress="lzw")
    content = bytearray((tmp_path / "damaged.tif").read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    (tmp_path / "damaged.tif").write_bytes(content)
    with (
        Env(GTIFF_IGNORE_READ_ERRORS="YES"),
        pytest.raises(RasterError, match="cannot be read as a raster"),
    ):
        retile(tmp_path / "damaged.tif", tmp_path / "parts", engine=HERE)
    assert not (tmp_path / "parts").exists()


def test_a_png_that_ends_too_early_is_refused_and_not_filled_with_zeros(tmp_path):
    pixels = np.random.default_rng(0).integers(1, 255, (1, 200, 200), np.uint8)
    profile = {"driver": "PNG", "width": 200, "height": 200, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "whole.png", "w", **profile) as target:
        target.write(pixels)
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "short.png").write_bytes(content[: len(content) * 6 // 10])
    part = retile(tmp_path / "whole.png", tmp_path / "parts", engine=HERE).files[0]
    with rasterio.open(part) as copy:
        assert np.array_equal(copy.read(), pixels[:, :100, :100])
    with pytest.raises(RasterError, match=r"short\.png: cannot be read as a raster"):
        retile(tmp_path / "short.png", tmp_path / "no", engine=HERE)
    assert not (tmp_path / "no").exists()


ODD = {
    "south-up": Affine(10, 0, 500_000, 0, 10, 5_298_800),
    "west on the right": Affine(-10, 0, 501_200, 0, -10, 5_300_000),
    "rotated": Affine(8, 6, 500_000, 6, -8, 5_300_000),
}


@pytest.mark.parametrize("case", ODD)
def test_parts_of_rasters_that_are_not_north_up_lie_where_their_pixels_lay(tmp_path, case):
    pixels = write(tmp_path / "odd.tif", ODD[case])
    files = retile(tmp_path / "odd.tif", tmp_path / "parts", engine=HERE).files
    for file, row, column in zip(files, (0, 0, 60, 60), (0, 60, 0, 60), strict=True):
        with rasterio.open(file) as part:
            assert np.array_equal(part.read(1), pixels[row : row + 60, column : column + 60])
            a, b, c, d, e, f = tuple(ODD[case])[:6]
            corner = a * column + b * row + c, d * column + e * row + f
            assert tuple(part.transform)[:6] == (a, b, corner[0], d, e, corner[1])
