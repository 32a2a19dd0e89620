"""NO_DATA values as texts in the file, against the mask that rasterio makes of them."""

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from benkit.inventory.scanning.moments import measure
from benkit.tiff.raster import is_nodata
from benkit.tiff.read import read_raster
from tests.fuzz.tiff_mutations import with_entries

ASCII, GDAL_NODATA = 2, 42113
LEAST, LEAST_64 = float(np.finfo("f4").min), float(np.finfo("f8").min)


def write(path, values, text, **options):
    """A raster of one row whose tag says so; the pixels' mask as rasterio has it."""
    pixels = np.array([[values]])
    profile = {"driver": "GTiff", "height": 1, "width": len(values), "count": 1, "crs": 32633}
    profile |= {"dtype": pixels.dtype, "transform": from_origin(0, 0, 10, 10)} | options
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(pixels)
        content = memory.read()
    tag = text.encode() + b"\0"
    path.write_bytes(with_entries(content, {GDAL_NODATA: (ASCII, len(tag), tag)}))
    with rasterio.open(path) as source:
        return source.read_masks(1) == 0


def around(value, dtype, steps=6):
    """A value of a data type and its neighbours on both sides."""
    values = {np.dtype(dtype).type(value)}
    for side in (np.inf, -np.inf):
        last = np.dtype(dtype).type(value)
        for _ in range(steps):
            last = np.nextafter(last, np.dtype(dtype).type(side))
            values.add(last)
    return [*sorted(values), *(value * (1 + i * 2e-8) for i in range(-40, 41))]


FLOATS = {
    "float32": ["-3.4028234663852886e+38", "-3.40282346638529e+38", "-3.4028235e+38", "-3.402823e+38",
                "-3.4e+38", "3.4e+38", "3e38", "-1e38", "-1.7976931348623157e+308", "-inf", "nan",
                "-9999", "-9999.0001", "0", "1e-44", "595.3", "16777217"],
    "float64": ["-1.7976931348623157e+308", "-1.797693134862315e+308", "-1.79769313486232e+308",
                "1.79e308", "-9e307", "-3.4028234663852886e+38", "-3.4e+38", "-9999", "0.1", "nan"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "text"), [(dtype, text) for dtype, texts in FLOATS.items() for text in texts]
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_floats_hold_the_value_where_rasterio_masks_them(tmp_path, dtype, text):
    largest = float(np.finfo(dtype).max)
    values = [np.nan, np.inf, -np.inf, 0, 1e38, -1e38, 3.4e38, -3.4e38, LEAST, 595.3]
    values += [*around(float(text), dtype), *around(largest, dtype, 5), *around(-largest, dtype, 5)]
    values = np.array(values, dtype)
    masked = write(tmp_path / "in.tif", values, text)
    raster = read_raster(tmp_path / "in.tif")
    np.testing.assert_array_equal(is_nodata(raster.pixels[0], raster.nodata), masked)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"])
@pytest.mark.parametrize(
    "text", ["1.5", "1.9", "-1.5", "-0.5", "0.4", "-9999", "70000", "nan", "3"]
)
@pytest.mark.parametrize("compress", [None, "deflate"])
def test_integers_hold_the_value_without_its_fraction(tmp_path, dtype, text, compress):
    values = np.array([0, 1, 2, 3, np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    masked = write(tmp_path / "in.tif", values, text, compress=compress)
    raster = read_raster(tmp_path / "in.tif")
    np.testing.assert_array_equal(is_nodata(raster.pixels[0], raster.nodata), masked)


@pytest.mark.parametrize(
    ("dtype", "least", "text"),
    [
        ("float32", LEAST, "-3.4e+38"),
        ("float32", LEAST, "-3.40282306e+38"),
        ("float64", LEAST_64, "-1.7976931348623153e+308"),
    ],
)
def test_a_rounded_tag_keeps_the_least_float_out_of_the_mean(tmp_path, dtype, least, text):
    write(tmp_path / "in.tif", np.array([595.25, least, 595.35, least], dtype), text)
    raster = read_raster(tmp_path / "in.tif")
    moments = measure(raster.pixels, raster.nodata)
    assert (moments.valid, moments.nodata_count) == (2, 2)
    assert moments.sum / moments.valid == pytest.approx(595.3)
