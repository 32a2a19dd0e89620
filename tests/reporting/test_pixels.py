"""The stretch and the colour of missing pixels, by hand; quick looks and figures share them."""

import base64
import io

import matplotlib.image
import numpy as np
import pyarrow as pa
import pytest

from benkit.reporting.page.quick_looks import quick_looks_section
from benkit.reporting.pixels import as_colours, mask_no_data, stretch_range
from benkit.tiff.plain import encode
from benkit.tiff.read import decode_raster

MAGENTA = [1.0, 0.0, 1.0]


def test_the_darkest_and_the_brightest_fiftieth_are_cut():
    assert stretch_range(np.ma.masked_array(np.arange(101.0))) == (2, 98)


def test_what_is_not_measured_takes_no_part_in_the_stretch():
    pixels = np.array([[0, 5], [np.nan, np.inf], [9, 9]])
    assert mask_no_data(pixels, 0).mask.tolist() == [[True, False], [True, True], [False, False]]
    assert mask_no_data(pixels, None).mask.tolist() == [[False, False], [True, True], [False] * 2]
    assert stretch_range(mask_no_data(np.array([0, 7, 7]), 0)) == (6.5, 7.5), "one value is grey"
    assert stretch_range(mask_no_data(np.zeros(3), 0)) == (0, 1), "nothing to stretch"


def test_a_pixel_that_lacks_in_one_band_is_magenta():
    full = np.ma.masked_array([[0.0, 10.0, 20.0, 30.0]])
    holed = np.ma.masked_array([[0.0, 10.0, 20.0, 30.0]], [[False, False, False, True]])
    colours = as_colours([full, full, holed], [(0, 20), (10, 20), (0, 40)])
    expected = [[0, 0, 0], [0.5, 0, 0.25], [1, 1, 0.5], MAGENTA]
    assert colours[0].tolist() == expected


@pytest.mark.parametrize("side", [20, 600], ids=["whole", "every second pixel"])
def test_a_quick_look_is_stretched_and_marked_alike(side):
    pixels = np.arange(side * side, dtype=np.uint16).reshape(side, side) % 5000
    raster = decode_raster(encode(pixels, epsg=32633, x=0, y=0, pixel_size=60), "B01")
    row = {"patch_id": "p", "band": "B01", "kind": "with_no_data", "reason": "r"}
    section = quick_looks_section(pa.Table.from_pylist([row]), lambda patch, band: raster)
    content = section.partition("base64,")[2].partition('"')[0]
    shown = matplotlib.image.imread(io.BytesIO(base64.b64decode(content)))
    low, high = np.percentile(pixels[pixels > 0], (2, 98))
    grey = np.clip((pixels - low) / (high - low), 0, 1)
    expected = np.stack([grey] * 3, -1)
    expected[pixels == 0] = MAGENTA
    step = max(1, side // 240)
    assert np.allclose(shown[..., :3], expected[::step, ::step], atol=1 / 255)
