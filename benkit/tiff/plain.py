"""The plain GeoTIFF in which archives keep their bands: recognised, viewed in place and written.

Millions of files of an archive differ only in pixels and in the corner's coordinates. A *plain* file
is a classic little-endian TIFF with uncompressed bands, pixel by pixel, in contiguous strips that end
the file, north-up in a UTM zone of WGS 84 or in its degrees. `parse_header` accepts exactly that and
returns None for all else, so that whatever is unusual is left to GDAL. `encode` writes the same bytes
as GDAL writes for a patch.

Sources: those of `benkit.tiff.fields`.
"""

import math
import re
import struct
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benkit.files.limits import MOST_BANDS, MOST_BLOCKS
from benkit.tiff import fields as tiff
from benkit.tiff.fields import Field, Fields, assemble_fields, read_fields, require_plain
from benkit.tiff.raster import RasterProfile

LARGEST_CORNER = 1e9
"""Coordinates of a plain file's corner are smaller, in units of the CRS."""

SMALLEST_PIXEL, LARGEST_PIXEL = 1e-12, 1e6
"""Sides of a plain file's pixels lie between, in units of the CRS."""

# by sample format (unsigned, signed, floating-point) and bits
_DTYPES = {(1, 8): "u1", (1, 16): "<u2", (1, 32): "<u4", (2, 16): "<i2", (2, 32): "<i4"}
_DTYPES |= {(3, 32): "<f4", (3, 64): "<f8"}

# Other metadata can make a mask of a band, or of a value.
_HARMLESS_METADATA = re.compile(
    rb"<GDALMetadata>\s*"
    rb'(<Item name="(DESCRIPTION" sample="\d+" role="description|\w+" domain="rio_creation_kwds)">'
    rb"[^<]*</Item>\s*)*</GDALMetadata>\s*\0"
)
_WGS_84 = 4326
_STRIP_BYTES_BY_GDAL = 8192


@dataclass(frozen=True)
class PlainHeader:
    """The header of a plain file: the bytes before its pixels.

    Attributes
    ----------
    profile : RasterProfile
        North-up, in a UTM zone of WGS 84 or in its degrees, and with an integer as NO_DATA value,
        if any.
    pixel_offset : int
        Where the pixels start; they reach to the end of the file, row by row from the north, and of
        each pixel one band after the other.
    sides_offset, corner_offset : int
        Where width and height of a pixel, and the corner's x and y, stand as two little-endian doubles.
    """

    profile: RasterProfile
    pixel_offset: int
    sides_offset: int
    corner_offset: int

    @property
    def size(self) -> int:
        """Length of the whole file in bytes."""
        found = self.profile
        return self.pixel_offset + found.height * found.width * found.bytes_per_pixel

    @property
    def can_be_encoded(self) -> bool:
        """Whether `encode_header` writes such a header: one band of square pixels in a UTM zone."""
        found = self.profile
        width, height = found.pixel_sides or (0, 1)
        return found.bands == 1 and width == height and found.epsg != _WGS_84

    def pixels(self, content: bytes | memoryview) -> NDArray:
        """View the pixels of a file with this header: (bands, height, width), read-only."""
        found = self.profile
        shape = found.height, found.width, found.bands
        flat = np.frombuffer(content, found.dtype, math.prod(shape), self.pixel_offset)
        return flat.reshape(shape).transpose(2, 0, 1)


def parse_header(content: bytes | memoryview) -> PlainHeader | None:
    """Read the header of a whole file in memory; None if the file is not plain."""
    if len(content) < 10 or bytes(content[:4]) != b"II*\0":
        return None
    try:
        fields, offsets = read_fields(content)
        return _plain_header(fields, offsets, len(content))
    except (struct.error, KeyError, ValueError, IndexError):
        return None


def describe(fields: Fields) -> RasterProfile:
    """Accept only what reads the same here as in GDAL; anything else is a KeyError or ValueError."""
    (width,), (height,) = fields[tiff.WIDTH], fields[tiff.HEIGHT]
    bands = _bands(fields)
    ((sample_format, bits),) = {*zip(fields[tiff.SAMPLE_FORMAT], fields[tiff.BITS], strict=True)}
    dtype = np.dtype(_DTYPES[sample_format, bits])
    scale, tiepoint = fields[tiff.PIXEL_SCALE], fields[tiff.TIEPOINT]
    require_plain(len(scale) == 3 and scale[2] == 0)
    require_plain(all(SMALLEST_PIXEL < side < LARGEST_PIXEL for side in scale[:2]))
    require_plain(len(tiepoint) == 6 and all(tiepoint[i] == 0 for i in (0, 1, 2, 5)))
    require_plain(all(abs(value) < LARGEST_CORNER for value in tiepoint[3:5]))
    epsg = _crs(fields)
    nodata = None if tiff.GDAL_NODATA not in fields else _nodata(fields[tiff.GDAL_NODATA][0], dtype)
    transform = (scale[0], 0.0, tiepoint[3], 0.0, -scale[1], tiepoint[4])
    return RasterProfile(bands, height, width, dtype, nodata, epsg, transform)


def _bands(fields: Fields) -> int:
    """How many bands there are, none of which is a mask."""
    (bands,), (photometric,), (planar,) = (
        fields[tag] for tag in (tiff.SAMPLES, tiff.PHOTOMETRIC, tiff.PLANAR)
    )
    require_plain(planar == 1 or (bands, planar) == (1, 2))  # planes of one band are the same
    colours = {1: 1, 2: 3}[photometric]
    require_plain(colours <= bands <= MOST_BANDS)
    require_plain(len(fields[tiff.BITS]) == len(fields[tiff.SAMPLE_FORMAT]) == bands)
    require_plain(fields.get(tiff.EXTRA_SAMPLES, ()) == (0,) * (bands - colours))
    require_plain(bands == 1 or bands * len(fields[tiff.STRIP_OFFSETS]) <= MOST_BLOCKS)
    (metadata,) = fields.get(tiff.GDAL_METADATA, (None,))
    require_plain(metadata is None or _HARMLESS_METADATA.fullmatch(metadata) is not None)
    return int(bands)


def _plain_header(fields: Fields, offsets: dict[int, int], size: int) -> PlainHeader:
    require_plain(fields[tiff.COMPRESSION] == (1,) and tiff.PREDICTOR not in fields)
    found = describe(fields)
    pixel_offset = _contiguous_pixels(fields, found.width, found.height, found.bytes_per_pixel)
    header = PlainHeader(
        found, pixel_offset, offsets[tiff.PIXEL_SCALE], offsets[tiff.TIEPOINT] + 24
    )
    require_plain(header.size == size and max(offsets.values()) < pixel_offset)
    return header


def _contiguous_pixels(fields: Fields, width: int, height: int, bytes_per_pixel: int) -> int:
    """Where the pixels start, if their strips follow each other without a gap."""
    (rows_per_strip,) = fields[tiff.ROWS_PER_STRIP]
    strip = rows_per_strip * width * bytes_per_pixel
    total = height * width * bytes_per_pixel
    require_plain(strip > 0 and total > 0)
    strips = -(-total // strip)
    require_plain(strips == len(fields[tiff.STRIP_OFFSETS]))  # a file may claim billions
    first = fields[tiff.STRIP_OFFSETS][0]
    expected_offsets = tuple(range(first, first + total, strip))
    expected_bytes = (strip,) * (strips - 1) + (total - strip * (strips - 1),)
    require_plain(fields[tiff.STRIP_OFFSETS] == expected_offsets)
    require_plain(fields[tiff.STRIP_BYTES] == expected_bytes)
    return first


def _crs(fields: Fields) -> int:
    """EPSG code of the CRS, if all that describes it is what GDAL writes for it."""
    keys = fields[tiff.GEO_KEYS]
    epsg = int(keys[15] if keys[7] == 2 else keys[27])
    require_plain(epsg == _WGS_84 or 32601 <= epsg <= 32660 or 32701 <= epsg <= 32760)
    tags = (tiff.GEO_KEYS, tiff.GEO_DOUBLES, tiff.GEO_ASCII)
    require_plain({tag: fields[tag] for tag in tags if tag in fields} == _geo_fields(epsg))
    return epsg


@lru_cache
def _geo_fields(epsg: int) -> Fields:
    """The GeoTIFF keys, their text and numbers for WGS 84 or a UTM zone of it."""
    if epsg == _WGS_84:
        keys = (
            *(1, 1, 0, 7),  # version, revision, minor revision, number of keys
            *(1024, 0, 1, 2),  # model type: geographic
            *(1025, 0, 1, 1),  # a pixel is an area
            *(2048, 0, 1, epsg),
            *(2049, tiff.GEO_ASCII, len("WGS 84|"), 0),
            *(2054, 0, 1, 9102),  # degrees
            *(2057, tiff.GEO_DOUBLES, 1, 1),  # semi-major axis
            *(2059, tiff.GEO_DOUBLES, 1, 0),  # inverse flattening
        )
        ellipsoid = 298.257223563, 6378137.0
        return {
            tiff.GEO_KEYS: keys,
            tiff.GEO_DOUBLES: ellipsoid,
            tiff.GEO_ASCII: (b"WGS 84|\0",),
        }
    name = f"WGS 84 / UTM zone {epsg % 100}{'N' if epsg < 32700 else 'S'}|"
    keys = (
        *(1, 1, 0, 7),
        *(1024, 0, 1, 1),  # model type: projected
        *(1025, 0, 1, 1),
        *(1026, tiff.GEO_ASCII, len(name), 0),
        *(2049, tiff.GEO_ASCII, len("WGS 84|"), len(name)),
        *(2054, 0, 1, 9102),
        *(3072, 0, 1, epsg),
        *(3076, 0, 1, 9001),  # metres
    )
    return {tiff.GEO_KEYS: keys, tiff.GEO_ASCII: (f"{name}WGS 84|\0".encode(),)}


def _nodata(text: bytes, dtype: np.dtype) -> int:
    """An integer that pixels of this type can have; anything else is a ValueError."""
    digits = text.removesuffix(b"\0")
    value = int(digits)
    require_plain(str(value).encode() == digits and dtype.kind != "f")
    require_plain(np.iinfo(dtype).min <= value <= np.iinfo(dtype).max)
    return value


def encode(
    pixels: NDArray, *, epsg: int, x: float, y: float, pixel_size: float, nodata: int | None = 0
) -> bytes:
    """Write one band as a plain file, byte for byte as GDAL writes it.

    Parameters
    ----------
    pixels : (height, width) array
        uint8, uint16, uint32, int16, int32, float32 or float64; at most 65,535 rows and columns.
    epsg : int
        UTM zone of WGS 84.
    x, y : float
        Upper-left corner in metres.
    pixel_size : float
        In metres.
    nodata : int or None
    """
    height, width = pixels.shape
    transform = (pixel_size, 0.0, x, 0.0, -pixel_size, y)
    header = encode_header(RasterProfile(1, height, width, pixels.dtype, nodata, epsg, transform))
    return header + pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def encode_header(profile: RasterProfile) -> bytes:
    """The header of a plain file; the pixels follow it little-endian, row by row from the north."""
    assert profile.pixel_size, "a plain file is north-up, with square pixels"
    size = float(profile.pixel_size)
    dtype, origin = profile.dtype.newbyteorder("<"), (size, 0.0, 0.0, 0.0, -size, 0.0)
    header, corner = _header(replace(profile, dtype=dtype, transform=origin))
    return header[:corner] + struct.pack("<2d", *profile.corner()) + header[corner + 16 :]


@lru_cache(maxsize=256)
def _header(profile: RasterProfile) -> tuple[bytes, int]:
    """A header with its corner at 0, 0, and the offset of the corner."""
    height, width = profile.height, profile.width
    sample_format, bits = next(key for key, name in _DTYPES.items() if profile.dtype == name)
    row = width * profile.dtype.itemsize
    rows_per_strip = min(height, max(1, _STRIP_BYTES_BY_GDAL // row))
    strips = -(-height // rows_per_strip)
    strip_bytes = [rows_per_strip * row] * (strips - 1)
    strip_bytes.append(height * row - sum(strip_bytes))
    assert profile.epsg, "a plain file lies in a UTM zone"
    shorts = dict.fromkeys((tiff.COMPRESSION, tiff.PHOTOMETRIC, tiff.SAMPLES, tiff.PLANAR), 1)
    shorts |= {tiff.WIDTH: width, tiff.HEIGHT: height, tiff.BITS: bits}
    shorts |= {tiff.ROWS_PER_STRIP: rows_per_strip, tiff.SAMPLE_FORMAT: sample_format}
    fields: dict[int, Field] = {tag: (3, (number,)) for tag, number in shorts.items()}
    fields[tiff.STRIP_OFFSETS] = (4, (0,) * strips)
    fields[tiff.STRIP_BYTES] = (3 if strips > 1 else 4, tuple(strip_bytes))
    fields[tiff.PIXEL_SCALE] = (12, (profile.pixel_size, profile.pixel_size, 0.0))
    fields[tiff.TIEPOINT] = (12, (0.0,) * 6)
    geo = _geo_fields(profile.epsg)
    fields |= {tag: (2 if tag == tiff.GEO_ASCII else 3, values) for tag, values in geo.items()}
    if profile.nodata is not None:
        fields[tiff.GDAL_NODATA] = (2, (f"{profile.nodata}\0".encode(),))
    starts = np.cumsum([len(assemble_fields(fields)), *strip_bytes[:-1]]).tolist()
    fields[tiff.STRIP_OFFSETS] = (4, tuple(starts))
    header = assemble_fields(fields)
    read, offsets = read_fields(header)
    written = {tag: values for tag, (_, values) in fields.items()}
    assert read == written, "what was written reads back the same"
    return header, offsets[tiff.TIEPOINT] + 24
