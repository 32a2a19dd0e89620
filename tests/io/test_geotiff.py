import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from benkit.errors import MissingInputError, RasterError
from benkit.io.geotiff import LARGEST_RASTER, read_raster
from benkit.io.plain_tiff import encode


def with_rasterio(path: Path):
    """Pixels, nodata, EPSG code and transform as rasterio gives them; None if it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as source:
                if source.count * source.height * source.width > LARGEST_RASTER:
                    return None  # huge files of single bytes
                transform = None if source.transform.is_identity else tuple(source.transform)[:6]
                epsg = source.crs.to_epsg() if source.crs else None
                return source.read(), source.nodata, epsg, transform
        except Exception:
            return None


def test_equals_rasterio_on_every_file_or_both_refuse(shared_data):
    read = refused = plain = 0
    files = sorted(shared_data.rglob("*.tif"))
    for file in files:
        expected = with_rasterio(file)
        if expected is None:
            with pytest.raises(RasterError, match=re.escape(file.name)):
                read_raster(file)
            refused += 1
            continue
        raster = read_raster(file)
        pixels, nodata, epsg, transform = expected
        np.testing.assert_array_equal(raster.pixels, pixels, err_msg=file.name)
        assert raster.pixels.dtype == pixels.dtype, file.name
        same_nodata = raster.nodata == nodata or (math.isnan(raster.nodata) and math.isnan(nodata))
        assert same_nodata, file.name
        assert (raster.epsg, raster.transform) == (epsg, transform), file.name
        read += 1
        plain += raster.encoding == "plain"
    assert read + refused == len(files) == 108 + 12 + 1 + 76
    assert plain == 108, "the patches' own files take the fast path"
    assert refused >= 8


def test_side_files_do_not_count(tmp_path):
    file = tmp_path / "plain.tif"
    file.write_bytes(encode(np.ones((20, 20), np.uint16), epsg=32633, x=60, y=120, pixel_size=60))
    compressed = tmp_path / "compressed.tif"
    with (
        rasterio.open(file) as source,
        rasterio.open(compressed, "w", **(source.profile | {"compress": "deflate"})) as target,
    ):
        target.write(source.read())
    (tmp_path / "plain.tfw").write_text("1\n0\n0\n-1\n5\n5\n")
    (tmp_path / "plain.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>1,2,0,3,0,-4</GeoTransform></PAMDataset>"
    )
    assert read_raster(file).epsg == 32633
    (tmp_path / "compressed.tfw").write_text("1\n0\n0\n-1\n5\n5\n")
    raster = read_raster(compressed)
    assert raster.encoding == "deflate"
    assert raster.transform is not None
    assert raster.transform[2::3] == (60, 120)


def test_what_is_no_tiff_is_refused_whatever_gdal_makes_of_it(tmp_path):
    real = tmp_path / "real.tif"
    real.write_bytes(encode(np.ones((20, 20), np.uint16), epsg=32633, x=0, y=0, pixel_size=60))
    virtual = tmp_path / "virtual.tif"
    virtual.write_text(
        f'<VRTDataset rasterXSize="20" rasterYSize="20"><VRTRasterBand dataType="UInt16" band="1">'
        f"<SimpleSource><SourceFilename>{real}</SourceFilename></SimpleSource></VRTRasterBand>"
        "</VRTDataset>"
    )
    with pytest.raises(RasterError, match=r"virtual\.tif: cannot be read as a GeoTIFF"):
        read_raster(virtual)


def test_missing_file_folder_and_empty_file(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        read_raster(tmp_path / "none.tif")
    with pytest.raises(RasterError, match="cannot be read"):
        read_raster(tmp_path)
    empty = tmp_path / "empty.tif"
    empty.touch()
    with pytest.raises(RasterError, match=r"empty\.tif"):
        read_raster(empty)
