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
    np.testing.assert_array_equal(header.pixels(content), pixels[np.newaxis])
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


DEGREES = {"crs": "EPSG:4326", "transform": rasterio.Affine(1e-4, 0, 12.5, 0, -8.8e-5, 48)}
UNEVEN = {"transform": rasterio.Affine(10.0057, 0, 624602.2, 0, -9.994, 4877286)}
KINDS = {
    "square": {},
    "degrees": DEGREES | {"dtype": "float32"},
    "uneven": UNEVEN | {"count": 13, "interleave": "pixel"},
    "colours": {"count": 3, "dtype": "uint8", "interleave": "pixel", "nodata": 0},
}


def as_gdal_writes(file, options, pixels=None):
    profile = {
        "driver": "GTiff", "dtype": "uint16", "count": 1, "height": 60, "width": 60,
        "crs": "EPSG:32633", "transform": from_origin(300000, 5400000, 20, 20),
    } | options  # fmt: skip
    shape = tuple(profile[name] for name in ("count", "height", "width"))
    if pixels is None:
        pixels = np.arange(np.prod(shape)).reshape(shape) % 251
    with rasterio.open(file, "w", **profile) as target:
        target.write(pixels.astype(profile["dtype"]))
    return file.read_bytes()


def same_as_gdal(file, content, header):
    file.write_bytes(content)
    with rasterio.open(file) as source:
        np.testing.assert_array_equal(source.read(), header.pixels(bytes(content)))
        assert source.nodata == header.profile.nodata
        assert source.crs.to_epsg() == header.profile.epsg
        assert tuple(source.transform)[:6] == header.profile.transform


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x80])
def test_a_changed_header_byte_reads_as_in_gdal_or_is_not_plain(tmp_path, kind, mask):
    file = tmp_path / "plain.tif"
    content = as_gdal_writes(file, KINDS[kind])
    sound = parse_header(content)
    same_as_gdal(file, content, sound)
    plain_ones = 0
    for place in range(sound.pixel_offset):
        changed = bytearray(content)
        changed[place] ^= mask
        header = parse_header(bytes(changed))
        if header is not None:
            plain_ones += 1
            same_as_gdal(file, changed, header)
    assert 16 <= plain_ones < sound.pixel_offset / 4, "corner, sides, and what has no meaning"


def test_the_real_files_of_other_archives_are_plain_and_read_as_by_gdal(shared_data):
    files = [
        *(shared_data / "EuroSAT_MS").rglob("*.tif"),
        *(shared_data / "SSL4EO-S12").rglob("*.tif"),
        *(shared_data / "BigEarthNet-S1").rglob("*.tif"),
    ]
    for file in files:
        header = parse_header(file.read_bytes())
        assert header is not None
        with rasterio.open(file) as source:
            np.testing.assert_array_equal(source.read(), header.pixels(file.read_bytes()))
            assert tuple(source.transform)[:6] == header.profile.transform
            assert source.crs.to_epsg() == header.profile.epsg
    assert len(files) == 31


@pytest.mark.parametrize(
    "item",
    [
        '<Item name="COLORINTERP" sample="1" role="colorinterp">Alpha</Item>',
        '<Item name="NODATA_VALUES">0 0</Item>',
        '<Item name="NBITS" domain="IMAGE_STRUCTURE">12</Item>',
    ],
)
def test_metadata_that_can_change_what_gdal_reads_are_left_to_gdal(tmp_path, item):
    file = tmp_path / "described.tif"
    options = {"count": 2, "interleave": "pixel"}
    profile = {"driver": "GTiff", "dtype": "uint16", "height": 20, "width": 20}
    profile |= {"crs": "EPSG:32633", "transform": from_origin(0, 0, 10, 10)}
    with rasterio.open(file, "w", **profile, **options) as target:
        target.descriptions = ["red" + "x" * len(item), "nir"]
        target.write(np.ones((2, 20, 20), np.uint16))
    content = file.read_bytes()
    assert parse_header(content) is not None, "names of bands are harmless"
    text = content[content.index(b"<GDALMetadata>") : content.index(b"</GDALMetadata>")]
    changed = f"<GDALMetadata>{item}".ljust(len(text)).encode()
    assert parse_header(content.replace(text, changed)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "deflate"},
        {"compress": "zstd"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
        {"BIGTIFF": "YES"},
        {"ENDIANNESS": "BIG"},
        {"crs": "EPSG:3035"},
        {"crs": "EPSG:4258"},
        {"crs": None},
        {"count": 2, "interleave": "band"},
        {"count": 4, "dtype": "uint8", "interleave": "pixel"},
        {"dtype": "complex64"},
        {"photometric": "miniswhite"},
        {"transform": rasterio.Affine(10, 1, 0, 1, -10, 0)},
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
