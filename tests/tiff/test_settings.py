"""Settings of GDAL and PROJ in the environment, which must not change what a file says."""

import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.env import Env
from rasterio.transform import Affine

from benkit.errors import RasterError
from benkit.tiff.read import read_raster
from tests.conftest import ROOT

CORNER = Affine(10, 0, 500_000, 0, -10, 5_300_000)
SETTINGS = [
    ("GTIFF_POINT_GEO_IGNORE", "TRUE"),
    ("GTIFF_IGNORE_READ_ERRORS", "YES"),
    ("GDAL_GEOREF_SOURCES", "NONE"),
    ("GDAL_GEOREF_SOURCES", "PAM,WORLDFILE"),
    ("GDAL_DISABLE_READDIR_ON_OPEN", "FALSE"),
    ("GDAL_PAM_ENABLED", "NO"),
    ("GTIFF_SRS_SOURCE", "EPSG"),
    ("GTIFF_HONOUR_NEGATIVE_SCALEY", "YES"),
    ("OSR_DEFAULT_AXIS_MAPPING_STRATEGY", "AUTHORITY_COMPLIANT"),
    ("CPL_DEBUG", "ON"),
]


def write(path, *, damaged=False, point=False, **options):
    """A raster that benkit reads with GDAL, its pixels whole or not."""
    pixels = np.arange(1, 120 * 120 + 1, dtype=np.uint16).reshape(120, 120)
    profile = {"driver": "GTiff", "width": 120, "height": 120, "count": 1, "dtype": "uint16"}
    profile |= {"crs": 32633, "transform": CORNER, "compress": "lzw"} | options
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels, 1)
        if point:
            target.update_tags(AREA_OR_POINT="Point")
    if damaged:
        content = bytearray(path.read_bytes())
        content[len(content) // 2 : len(content) // 2 + 400] = b"\xff" * 400
        path.write_bytes(content)
    return pixels


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_a_setting_of_gdal_changes_no_pixel_no_corner_and_hides_no_damage(tmp_path, name, value):
    pixels = write(tmp_path / "area.tif")
    write(tmp_path / "point.tif", point=True)
    write(tmp_path / "damaged.tif", damaged=True)
    (tmp_path / "area.tfw").write_text("10\n0\n0\n-10\n700005\n5299995\n")
    with Env(**{name: value}):
        for file in ("area.tif", "point.tif"):
            raster = read_raster(tmp_path / file)
            assert np.array_equal(raster.pixels[0], pixels)
            assert (raster.epsg, raster.transform) == (32633, tuple(CORNER)[:6])
        with pytest.raises(RasterError, match="cannot be read as a GeoTIFF"):
            read_raster(tmp_path / "damaged.tif")


READ = """\
import sys, benkit
try:
    print(benkit.read_raster(sys.argv[1]).epsg)
except benkit.OptionError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["PROJ_DATA", "PROJ_LIB"])
def test_a_proj_of_another_installation_is_refused_and_no_code_is_lost(tmp_path, name):
    write(tmp_path / "area.tif")
    call = [sys.executable, "-c", READ, tmp_path / "area.tif"]
    own = {"PYTHONPATH": str(ROOT)}
    left = {key: text for key, text in os.environ.items() if key not in ("PROJ_DATA", "PROJ_LIB")}
    said = [
        subprocess.run(
            call, env=left | own | more, capture_output=True, text=True, check=True
        ).stdout
        for more in ({}, {name: str(tmp_path)})
    ]
    assert said[0] == "32633\n"
    assert said[1].startswith(f"{name}={tmp_path}: expected the database of the PROJ that rasterio")
    assert said[1].endswith(f"; unset {name}\n")
