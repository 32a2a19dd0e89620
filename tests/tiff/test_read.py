import math
import os
import re
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from benkit.errors import MissingInputError, RasterError
from benkit.files.limits import LARGEST_RASTER
from benkit.tiff.plain import encode
from benkit.tiff.read import read_raster
from tests.fuzz.seeds import variant
from tests.fuzz.tiff_mutations import with_entries

MADE_FOR_PICTURES = ("JPEG", "YCBCR JPEG", "WEBP", "NEXT")


def with_rasterio(path: Path):
    """Pixels, nodata, EPSG code and transform as rasterio gives them; None if it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as source:
                if source.count * source.height * source.width > LARGEST_RASTER:
                    return None  # huge files of single bytes
                if str(source.profile.get("compress")).upper() in MADE_FOR_PICTURES:
                    return None
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
    assert read + refused == len(files) > 200
    patches = list(shared_data.glob("BigEarthNet-S[12]/*/*/*.tif"))
    assert plain >= len(patches) == 9 * 12 + 2, "the patches' own files take the fast path"
    assert 8 <= refused < 24


@pytest.mark.parametrize("compress", ["CCITTRLE", "CCITTFAX3", "CCITTFAX4"])
@pytest.mark.parametrize("photometric", ["MINISBLACK", "MINISWHITE"])
def test_fax_compression_keeps_every_pixel_and_is_read(tmp_path, compress, photometric):
    pixels = np.random.default_rng(3).integers(0, 2, (1, 40, 37)).astype(np.uint8)
    options = {"nbits": 1, "compress": compress, "photometric": photometric, "crs": 32633}
    profile = {"driver": "GTiff", "count": 1, "height": 40, "width": 37, "dtype": "uint8"}
    place = rasterio.Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(tmp_path / "in.tif", "w", transform=place, **profile, **options) as target:
        target.write(pixels)
    raster = read_raster(tmp_path / "in.tif")
    np.testing.assert_array_equal(raster.pixels, with_rasterio(tmp_path / "in.tif")[0])
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.encoding == compress.lower()


@pytest.mark.parametrize("dtype", ["complex_int16", "complex64", "complex128"])
@pytest.mark.parametrize("compress", [None, "deflate", "lzw"])
def test_complex_pixels_are_read_as_rasterio_reads_them(tmp_path, dtype, compress):
    pixels = (np.arange(-200, 200) + 1j * np.arange(400)).reshape(1, 20, 20).astype("complex64")
    profile = {"driver": "GTiff", "count": 1, "height": 20, "width": 20, "dtype": dtype}
    options = {"crs": 32633, "transform": rasterio.Affine(10, 0, 0, 0, -10, 0)}
    with rasterio.open(tmp_path / "in.tif", "w", **profile, **options, compress=compress) as target:
        target.write(pixels)
    raster = read_raster(tmp_path / "in.tif")
    expected = with_rasterio(tmp_path / "in.tif")[0]
    assert raster.pixels.dtype == raster.profile.dtype == expected.dtype
    np.testing.assert_array_equal(raster.pixels, expected)
    np.testing.assert_array_equal(raster.pixels, pixels)


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


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MissingInputError, match="no such file"):
        read_raster(tmp_path / "none.tif")


def test_a_folder_and_an_empty_file_are_refused(tmp_path):
    with pytest.raises(RasterError, match="cannot be read"):
        read_raster(tmp_path)
    empty = tmp_path / "empty.tif"
    empty.touch()
    with pytest.raises(RasterError, match=r"empty\.tif"):
        read_raster(empty)


SOUND = variant(np.arange(400, dtype=np.uint16).reshape(20, 20) % 97, {})
DEFLATED = variant(np.arange(400, dtype=np.uint16).reshape(20, 20) % 97, {"compress": "deflate"})
SHORT, LONG = 3, 4  # TIFF field types


def changed(content, **numbers):
    """A file with other numbers in some tags, named as in `TAGS`."""
    entries = {TAGS[name]: (LONG, 1, struct.pack("<I", number)) for name, number in numbers.items()}
    return with_entries(content, entries)


TAGS = {"width": 256, "height": 257, "compression": 259, "samples": 277, "rows_per_strip": 278,
        "strip_offset": 273, "strip_bytes": 279, "tile_width": 322, "tile_height": 323}  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (changed(SOUND, width=60_000, height=60_000), "claims 7,200,000,000 bytes"),
        (changed(SOUND, samples=40_000), "has 40,000 bands"),
        (changed(SOUND, height=70_000, rows_per_strip=1), "has 70,000 strips or tiles|cannot be"),
        (changed(SOUND, height=2**31, rows_per_strip=1), "strips or tiles|claims|cannot be"),
        (changed(SOUND, tile_width=50_000, tile_height=50_000), "claims|cannot be read"),
        (changed(SOUND, compression=7), "compressed with jpeg|cannot be read"),
        (changed(DEFLATED, height=7, rows_per_strip=7), "block 0, 0 of band 1 does not decode"),
        (changed(DEFLATED, strip_bytes=20), "does not decode"),
        (with_entries(DEFLATED, {278: (SHORT, 2, b"\x14\0\x14\0")}), "RowsPerStrip"),
        (SOUND[:3], "cannot be read as a GeoTIFF"),
    ],
)
def test_hostile_claims_are_refused(tmp_path, content, reason):
    file = tmp_path / "hostile.tif"
    file.write_bytes(content)
    with pytest.raises(RasterError, match=reason):
        read_raster(file)


def test_what_is_no_file_or_too_long_is_not_read(tmp_path):
    pipe = tmp_path / "pipe.tif"
    os.mkfifo(pipe)
    with pytest.raises(RasterError, match="expected a file, but it is a pipe"):
        read_raster(pipe)
    long = tmp_path / "long.tif"
    with long.open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(RasterError, match="has 1,099,511,627,776 bytes; expected at most"):
        read_raster(long)
