from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.transform import from_origin

from benkit.tiff.plain import encode, encode_header, parse_header

dtypes = st.sampled_from(["uint8", "uint16", "uint32", "int16", "int32", "float32", "float64"])


def test_encodes_the_real_files_byte_for_byte(real_archive):
    files = sorted(real_archive.glob("*/*/*.tif"))
    for file in files:
        content = file.read_bytes()
        header = parse_header(content)
        assert header is not None
        assert encode_header(header.profile) + header.pixels(content).tobytes() == content
    assert len(files) == 108


@given(
    pixels=dtypes.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=90))
    ),
    epsg=st.sampled_from([32601, 32633, 32660, 32701, 32760]),
    corner=st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**7)),
    pixel_size=st.sampled_from([10, 20, 60, 0.5]),
    nodata=st.sampled_from([0, None, 7, 255]),
)
def test_what_is_encoded_reads_back_by_hand_and_by_gdal(
    tmp_path_factory, pixels, epsg, corner, pixel_size, nodata
):
    if pixels.dtype.kind == "f":
        nodata = None  # left to GDAL, as its text form has many spellings
    content = encode(
        pixels, epsg=epsg, x=corner[0], y=corner[1], pixel_size=pixel_size, nodata=nodata
    )
    header = parse_header(content)
    assert header is not None
    assert header.profile.corner() == corner
    np.testing.assert_array_equal(header.pixels(content), pixels)
    file = tmp_path_factory.getbasetemp() / "encoded.tif"
    file.write_bytes(content)
    with rasterio.open(file) as source:
        np.testing.assert_array_equal(source.read(1), pixels)
        assert source.nodata == nodata == header.profile.nodata
        assert source.crs.to_epsg() == epsg == header.profile.epsg
        assert source.transform == from_origin(*corner, pixel_size, pixel_size)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    file = tmp_path / "plain.tif"
    file.write_bytes(encode(np.ones((60, 60), np.uint16), epsg=32633, x=0, y=0, pixel_size=20))
    return file


def test_what_is_cut_or_lengthened_is_not_plain(plain):
    content = plain.read_bytes()
    assert parse_header(content) is not None
    assert parse_header(content + b"\0") is None
    for length in range(len(content)):
        assert parse_header(content[:length]) is None


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x80])
def test_a_changed_header_byte_reads_as_in_gdal_or_is_not_plain(plain, mask):
    content = plain.read_bytes()
    length = parse_header(content).pixel_offset
    plain_ones = 0
    for place in range(length):
        changed = bytearray(content)
        changed[place] ^= mask
        header = parse_header(bytes(changed))
        if header is None:
            continue
        plain_ones += 1
        plain.write_bytes(changed)
        with rasterio.open(plain) as source:
            np.testing.assert_array_equal(source.read(1), header.pixels(bytes(changed)))
            assert source.nodata == header.profile.nodata
            assert source.crs.to_epsg() == header.profile.epsg
            assert tuple(source.transform)[:6] == header.profile.transform, place
    assert 16 <= plain_ones < length / 4, "the corner may change, and a few bytes without a meaning"


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "deflate"},
        {"compress": "zstd"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"BIGTIFF": "YES"},
        {"ENDIANNESS": "BIG"},
        {"crs": "EPSG:3035"},
        {"crs": "EPSG:4326"},
        {"crs": None},
        {"count": 2},
        {"dtype": "complex64"},
        {"photometric": "miniswhite"},
        {"transform": rasterio.Affine(10, 1, 0, 1, -10, 0)},
        {"transform": rasterio.Affine(10, 0, 0, 0, -20, 0)},
        {"transform": rasterio.Affine(10, 0, 0, 0, 10, 0)},
        {"nodata": "nan", "dtype": "float32"},
    ],
)
def test_unusual_files_are_left_to_gdal(tmp_path, options):
    profile = {
        "driver": "GTiff", "dtype": "uint16", "count": 1, "height": 32, "width": 32,
        "crs": "EPSG:32633", "transform": from_origin(0, 0, 10, 10), "nodata": 0,
    }  # fmt: skip
    file = tmp_path / "odd.tif"
    profile |= options
    with rasterio.open(file, "w", **profile) as target:
        target.write(np.ones((profile["count"], 32, 32), profile["dtype"]))
    assert parse_header(file.read_bytes()) is None


def test_what_gdal_writes_by_default_is_plain(tmp_path):
    file = tmp_path / "default.tif"
    with rasterio.open(
        file, "w", driver="GTiff", dtype="uint16", count=1, height=60, width=60, nodata=0,
        crs="EPSG:32633", transform=from_origin(300000, 5400000, 20, 20),
    ) as target:  # fmt: skip
        target.write(np.ones((60, 60), np.uint16), 1)
    assert parse_header(file.read_bytes()) is not None
