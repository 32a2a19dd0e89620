"""The plain GeoTIFF in which archives keep their bands: recognised, viewed in place and written.

Millions of files of an archive differ only in pixels and in the corner's coordinates. A *plain* file
is a classic little-endian TIFF with one uncompressed band in contiguous strips that end the file, in
a UTM zone of WGS 84, north-up. `parse_header` accepts exactly that and returns None for all else, so
that whatever is unusual is left to GDAL. `encode` writes the same bytes as GDAL writes for a patch.

Sources: those of `benkit.tiff.fields`.
"""

import struct
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benkit.tiff import fields as tiff
from benkit.tiff.fields import Field, Fields, assemble_fields, read_fields, require_plain
from benkit.tiff.raster import RasterProfile

LARGEST_CORNER = 1e9
"""Coordinates of a plain file's corner are smaller, in metres."""

# by sample format (unsigned, signed, floating-point) and bits
_DTYPES = {(1, 8): "u1", (1, 16): "<u2", (1, 32): "<u4", (2, 16): "<i2", (2, 32): "<i4"}
_DTYPES |= {(3, 32): "<f4", (3, 64): "<f8"}

# Planes of one band are the same either way.
_FIXED = {tiff.PHOTOMETRIC: {1}, tiff.SAMPLES: {1}, tiff.PLANAR: {1, 2}}
_STRIP_BYTES_BY_GDAL = 8192


@dataclass(frozen=True)
class PlainHeader:
    """The header of a plain file: the bytes before its pixels.

    Attributes
    ----------
    profile : RasterProfile
        Of one band: north-up, with square pixels, in a UTM zone of WGS 84 and with an integer as
        NO_DATA value, if any.
    pixel_offset : int
        Where the pixels start; they reach to the end of the file, row by row from the north.
    corner_offset : int
        Where the corner's x and y stand as two little-endian doubles.
    """

    profile: RasterProfile
    pixel_offset: int
    corner_offset: int

    @property
    def size(self) -> int:
        """Length of the whole file in bytes."""
        found = self.profile
        return self.pixel_offset + found.height * found.width * found.bytes_per_pixel

    def pixels(self, content: bytes | memoryview) -> NDArray:
        """View the pixels of a file with this header: (height, width), read-only as the bytes."""
        shape = self.profile.height, self.profile.width
        flat = np.frombuffer(content, self.profile.dtype, shape[0] * shape[1], self.pixel_offset)
        return flat.reshape(shape)


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
    require_plain(all(len(fields[tag]) == 1 and fields[tag][0] in _FIXED[tag] for tag in _FIXED))
    (sample_format,), (bits,) = fields[tiff.SAMPLE_FORMAT], fields[tiff.BITS]
    dtype = np.dtype(_DTYPES[sample_format, bits])
    scale, tiepoint = fields[tiff.PIXEL_SCALE], fields[tiff.TIEPOINT]
    require_plain(len(scale) == 3 and scale[0] == scale[1] and 0 < scale[0] < 1e6 and scale[2] == 0)
    require_plain(len(tiepoint) == 6 and all(tiepoint[i] == 0 for i in (0, 1, 2, 5)))
    require_plain(all(abs(value) < LARGEST_CORNER for value in tiepoint[3:5]))
    epsg = _utm_zone(fields[tiff.GEO_KEYS], fields[tiff.GEO_ASCII][0])
    nodata = None if tiff.GDAL_NODATA not in fields else _nodata(fields[tiff.GDAL_NODATA][0], dtype)
    transform = (scale[0], 0.0, tiepoint[3], 0.0, -scale[0], tiepoint[4])
    return RasterProfile(1, height, width, dtype, nodata, epsg, transform)


def _plain_header(fields: Fields, offsets: dict[int, int], size: int) -> PlainHeader:
    require_plain(fields[tiff.COMPRESSION] == (1,) and tiff.PREDICTOR not in fields)
    found = describe(fields)
    pixel_offset = _contiguous_pixels(fields, found.width, found.height, found.dtype.itemsize)
    header = PlainHeader(found, pixel_offset, offsets[tiff.TIEPOINT] + 24)
    require_plain(header.size == size and max(offsets.values()) < pixel_offset)
    return header


def _contiguous_pixels(fields: Fields, width: int, height: int, itemsize: int) -> int:
    """Where the pixels start, if their strips follow each other without a gap."""
    (rows_per_strip,) = fields[tiff.ROWS_PER_STRIP]
    strip = rows_per_strip * width * itemsize
    total = height * width * itemsize
    require_plain(strip > 0 and total > 0)
    strips = -(-total // strip)
    require_plain(strips == len(fields[tiff.STRIP_OFFSETS]))  # a file may claim billions
    first = fields[tiff.STRIP_OFFSETS][0]
    expected_offsets = tuple(range(first, first + total, strip))
    expected_bytes = (strip,) * (strips - 1) + (total - strip * (strips - 1),)
    require_plain(fields[tiff.STRIP_OFFSETS] == expected_offsets)
    require_plain(fields[tiff.STRIP_BYTES] == expected_bytes)
    return first


def _utm_zone(keys: tuple[int, ...], text: bytes) -> int:
    """EPSG code of the UTM zone, if the keys and their text are those that GDAL writes for it."""
    epsg = keys[27]
    require_plain(32601 <= epsg <= 32660 or 32701 <= epsg <= 32760)
    require_plain((keys, text) == _geo_keys(epsg))
    return epsg


def _geo_keys(epsg: int) -> tuple[tuple[int, ...], bytes]:
    """The GeoTIFF keys and their text for a UTM zone of WGS 84."""
    name = f"WGS 84 / UTM zone {epsg % 100}{'N' if epsg < 32700 else 'S'}|"
    text = f"{name}WGS 84|\0".encode()
    keys = (
        *(1, 1, 0, 7),  # version, revision, minor revision, number of keys
        *(1024, 0, 1, 1),  # model type: projected
        *(1025, 0, 1, 1),  # a pixel is an area
        *(1026, tiff.GEO_ASCII, len(name), 0),
        *(2049, tiff.GEO_ASCII, len("WGS 84|"), len(name)),
        *(2054, 0, 1, 9102),  # degrees
        *(3072, 0, 1, epsg),
        *(3076, 0, 1, 9001),  # metres
    )
    return keys, text


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
    keys, text = _geo_keys(profile.epsg)
    shorts = dict.fromkeys((tiff.COMPRESSION, tiff.PHOTOMETRIC, tiff.SAMPLES, tiff.PLANAR), 1)
    shorts |= {tiff.WIDTH: width, tiff.HEIGHT: height, tiff.BITS: bits}
    shorts |= {tiff.ROWS_PER_STRIP: rows_per_strip, tiff.SAMPLE_FORMAT: sample_format}
    fields: dict[int, Field] = {tag: (3, (number,)) for tag, number in shorts.items()}
    fields[tiff.STRIP_OFFSETS] = (4, (0,) * strips)
    fields[tiff.STRIP_BYTES] = (3 if strips > 1 else 4, tuple(strip_bytes))
    fields[tiff.PIXEL_SCALE] = (12, (profile.pixel_size, profile.pixel_size, 0.0))
    fields[tiff.TIEPOINT] = (12, (0.0,) * 6)
    fields |= {tiff.GEO_KEYS: (3, keys), tiff.GEO_ASCII: (2, (text,))}
    if profile.nodata is not None:
        fields[tiff.GDAL_NODATA] = (2, (f"{profile.nodata}\0".encode(),))
    starts = np.cumsum([len(assemble_fields(fields)), *strip_bytes[:-1]]).tolist()
    fields[tiff.STRIP_OFFSETS] = (4, tuple(starts))
    header = assemble_fields(fields)
    read, offsets = read_fields(header)
    written = {tag: values for tag, (_, values) in fields.items()}
    assert read == written, "what was written reads back the same"
    return header, offsets[tiff.TIEPOINT] + 24
