import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rasterio.transform import from_origin

from benkit.tiff.compressed import unpack
from benkit.tiff.plain import encode, parse_header
from benkit.tiff.read import read_raster

dtypes = st.sampled_from(["uint8", "uint16", "uint32", "int16", "int32", "float32", "float64"])


def compressed(path, pixels, **options):
    """Write pixels as GDAL compresses them; returns the bytes."""
    profile = {"driver": "GTiff", "dtype": pixels.dtype.name, "count": 1, "crs": "EPSG:32633"}
    height, width = pixels.shape
    profile |= {"height": height, "width": width, "transform": from_origin(300000, 5400000, 20, 20)}
    with rasterio.open(path, "w", **(profile | options)) as target:
        target.write(pixels, 1)
    return path.read_bytes()


@given(
    pixels=dtypes.flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=150))
    ),
    compression=st.sampled_from(["deflate", "zstd"]),
    horizontal=st.booleans(),
    rows=st.sampled_from([1, 7, 200, None]),
)
def test_reads_what_gdal_compresses(tmp_path_factory, pixels, compression, horizontal, rows):
    options = {"compress": compression, "nodata": 0 if pixels.dtype.kind != "f" else None}
    if horizontal and pixels.dtype.kind != "f":
        options["predictor"] = 2
    if rows:
        options["blockysize"] = rows
    file = tmp_path_factory.getbasetemp() / "packed.tif"
    found = unpack(compressed(file, pixels, **options))
    assert found is not None
    assert found.encoding == compression
    np.testing.assert_array_equal(found.pixels[0], pixels)
    with rasterio.open(file) as source:
        assert found.pixels.dtype == source.dtypes[0]
        assert found.nodata == source.nodata
        assert found.epsg == source.crs.to_epsg()
        assert found.transform == (20, 0, 300000, 0, -20, 5400000)


@pytest.mark.parametrize("compression", ["deflate", "zstd"])
def test_damage_is_left_to_gdal_or_reads_the_same(tmp_path, compression):
    file = tmp_path / "packed.tif"
    pixels = np.random.default_rng(1).integers(0, 900, (40, 40)).astype(np.uint16)
    content = compressed(file, pixels, compress=compression, predictor=2)
    left = same = 0
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x55
        found = unpack(bytes(changed))
        if found is None:
            left += 1
            continue
        same += 1
        file.write_bytes(changed)
        with rasterio.open(file) as source:
            np.testing.assert_array_equal(source.read(), found.pixels, err_msg=str(place))
            assert source.crs.to_epsg() == found.epsg
            assert tuple(source.transform)[:6] == found.transform
    assert left > 20, "broken headers"
    assert same > 8, "the corner may change"
    for length in range(0, len(content), 5):
        assert unpack(content[:length]) is None


@pytest.mark.parametrize(
    "options",
    [
        {"compress": "lzw"},
        {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16},
        {"compress": "deflate", "BIGTIFF": "YES"},
        {"compress": "deflate", "SPARSE_OK": "TRUE"},
        {"compress": "deflate", "ENDIANNESS": "BIG"},
        {"compress": "deflate", "crs": "EPSG:3035"},
        {"compress": "deflate", "dtype": "float32", "predictor": 3},
    ],
)
def test_what_is_more_than_compressed_is_left_to_gdal(tmp_path, options):
    dtype = options.get("dtype", "uint16")
    assert unpack(compressed(tmp_path / "odd.tif", np.zeros((64, 64), dtype), **options)) is None


def test_a_claim_of_gigabytes_takes_no_memory(tmp_path):
    """A strip that decodes to more than the tags say, and tags that say more than there is."""
    file = tmp_path / "bomb.tif"
    content = bytearray(compressed(file, np.zeros((4000, 4000), np.uint8), compress="deflate"))
    assert unpack(bytes(content)) is not None
    entry = next(i for i in range(10, 400, 12) if content[i : i + 2] == (256).to_bytes(2, "little"))
    for width in (3999, 4001, 65535):
        content[entry + 8 : entry + 10] = width.to_bytes(2, "little")
        assert unpack(bytes(content)) is None


def test_scans_count_them_by_their_compression(tmp_path):
    file = tmp_path / "packed.tif"
    pixels = np.arange(400, dtype=np.uint16).reshape(20, 20)
    content = compressed(file, pixels, compress="zstd", nodata=0)
    assert parse_header(content) is None
    raster = read_raster(file)
    assert (raster.encoding, raster.epsg, raster.nodata) == ("zstd", 32633, 0)
    assert raster.transform == (20, 0, 300000, 0, -20, 5400000)
    plain = encode(pixels, epsg=32633, x=300000, y=5400000, pixel_size=20)
    assert unpack(plain) is None
