"""The plain GeoTIFF in which archives keep their bands: recognised, viewed in place and written.

Millions of files of an archive differ only in pixels and in the corner's coordinates. A *plain* file
is a classic little-endian TIFF with one uncompressed band in contiguous strips that end the file, in
a UTM zone of WGS 84, north-up. `parse_header` accepts exactly that and returns None for all else, so
that whatever is unusual is left to GDAL. `encode` writes the same bytes as GDAL writes for a patch.

Sources: TIFF 6.0 (Adobe, 1992), OGC GeoTIFF 1.1 (19-008r4), the GDAL_NODATA tag of GDAL's GTiff
driver.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COMPRESSION",
    "PREDICTOR",
    "ROWS_PER_STRIP",
    "STRIP_BYTES",
    "STRIP_OFFSETS",
    "Description",
    "Fields",
    "PlainHeader",
    "corner_of",
    "describe",
    "encode",
    "encode_header",
    "parse_header",
    "read_fields",
]

_TYPE_FORMATS = {2: "s", 3: "H", 4: "I", 12: "d"}  # TIFF field types: ASCII, SHORT, LONG, DOUBLE
_DTYPES = {
    (1, 8): "u1",
    (1, 16): "<u2",
    (1, 32): "<u4",
    (2, 16): "<i2",
    (2, 32): "<i4",
    (3, 32): "<f4",
    (3, 64): "<f8",
}  # by sample format and bits

_WIDTH, _HEIGHT, _BITS, COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, _SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
PREDICTOR = 317
_SAMPLE_FORMAT, _PIXEL_SCALE, _TIEPOINT, _GEO_KEYS, _GEO_ASCII = 339, 33550, 33922, 34735, 34737
_GDAL_NODATA = 42113

_NUMBER_TAGS = {
    _WIDTH, _HEIGHT, _BITS, COMPRESSION, _PHOTOMETRIC, STRIP_OFFSETS, _SAMPLES,
    ROWS_PER_STRIP, STRIP_BYTES, _PLANAR, _SAMPLE_FORMAT, PREDICTOR,
}  # fmt: skip
_TAG_TYPES = {
    _PIXEL_SCALE: {12},
    _TIEPOINT: {12},
    _GEO_KEYS: {3},
    _GEO_ASCII: {2},
    _GDAL_NODATA: {2},
} | {tag: {3, 4} for tag in _NUMBER_TAGS}
_FIXED = {_PHOTOMETRIC: {1}, _SAMPLES: {1}, _PLANAR: {1, 2}}  # either is the same for one band
_REQUIRED = _TAG_TYPES.keys() - {_GDAL_NODATA, PREDICTOR}
_STRIP_BYTES_BY_GDAL = 8192

Field = tuple[int, tuple[Any, ...]]  # TIFF field type and values
Fields = dict[int, tuple[Any, ...]]
"""Values of the tags of a TIFF."""


@dataclass(frozen=True)
class PlainHeader:
    """What the bytes before the pixels of a plain file say.

    Attributes
    ----------
    size : int
        Length of the whole file in bytes.
    pixel_offset : int
        Where the pixels start; they reach to the end of the file, row by row from the north.
    corner_offset : int
        Where the corner's x and y stand as two little-endian doubles.
    height, width : int
        Rows and columns.
    dtype : numpy.dtype
        Of the pixels, as stored.
    nodata : int or None
        Value of pixels without a measurement.
    epsg : int
        UTM zone of WGS 84: 32601 to 32660 or 32701 to 32760.
    pixel_size : float
        Side of the square pixels in metres.
    """

    size: int
    pixel_offset: int
    corner_offset: int
    height: int
    width: int
    dtype: np.dtype
    nodata: int | None
    epsg: int
    pixel_size: float

    def pixels(self, content: bytes | memoryview) -> NDArray:
        """View the pixels of a file with this header: (height, width), read-only as the bytes."""
        flat = np.frombuffer(content, self.dtype, self.height * self.width, self.pixel_offset)
        return flat.reshape(self.height, self.width)


def corner_of(content: bytes | memoryview, header: PlainHeader) -> tuple[float, float]:
    """Read the upper-left corner, x and y in metres, of a file with this header."""
    x, y = struct.unpack_from("<2d", content, header.corner_offset)
    return x, y


def parse_header(content: bytes | memoryview) -> PlainHeader | None:
    """Read the header of a whole file in memory; None if the file is not plain."""
    if len(content) < 10 or bytes(content[:4]) != b"II*\0":
        return None
    try:
        fields, offsets = read_fields(content)
        return _plain_header(fields, offsets, len(content))
    except (struct.error, KeyError, ValueError, IndexError):
        return None


def read_fields(content: bytes | memoryview) -> tuple[Fields, dict[int, int]]:
    """Values and positions of all tags of a little-endian classic TIFF.

    Raises
    ------
    KeyError, ValueError, struct.error
        If a tag or a type is unknown, something is out of order, or the file ends too early.
    """
    (directory,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, directory)
    fields: Fields = {}
    offsets = {}
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from("<HHI", content, entry)
        if kind not in _TAG_TYPES[tag] or tag in fields or length > len(content):
            raise ValueError("not plain")
        form = f"<{length}{_TYPE_FORMATS[kind]}"
        offset = entry + 8
        if struct.calcsize(form) > 4:
            (offset,) = struct.unpack_from("<I", content, offset)
        fields[tag] = struct.unpack_from(form, content, offset)
        offsets[tag] = offset
    (next_directory,) = struct.unpack_from("<I", content, directory + 2 + 12 * count)
    if next_directory or list(fields) != sorted(fields) or not fields.keys() >= _REQUIRED:
        raise ValueError("not plain")
    offsets[0] = directory
    return fields, offsets


@dataclass(frozen=True)
class Description:
    """What the tags say of one band of pixels, however these are stored.

    The attributes are those of `PlainHeader`; ``corner`` is the upper left one, x and y in metres.
    """

    height: int
    width: int
    dtype: np.dtype
    nodata: int | None
    epsg: int
    pixel_size: float
    corner: tuple[float, float]


def describe(fields: Fields) -> Description:
    """Accept only what reads the same here as in GDAL; anything else is a KeyError or ValueError."""
    (width,), (height,) = fields[_WIDTH], fields[_HEIGHT]
    if any(len(fields[tag]) != 1 or fields[tag][0] not in _FIXED[tag] for tag in _FIXED):
        raise ValueError("not plain")
    (sample_format,), (bits,) = fields[_SAMPLE_FORMAT], fields[_BITS]
    dtype = np.dtype(_DTYPES[sample_format, bits])
    scale, tiepoint = fields[_PIXEL_SCALE], fields[_TIEPOINT]
    if len(scale) != 3 or scale[0] != scale[1] or not 0 < scale[0] < 1e6 or scale[2] != 0:
        raise ValueError("not plain")
    if len(tiepoint) != 6 or any(tiepoint[i] != 0 for i in (0, 1, 2, 5)):
        raise ValueError("not plain")
    if not all(abs(value) < 1e9 for value in tiepoint[3:5]):
        raise ValueError("not plain")
    epsg = _utm_zone(fields[_GEO_KEYS], fields[_GEO_ASCII][0])
    nodata = None if _GDAL_NODATA not in fields else _nodata(fields[_GDAL_NODATA][0], dtype)
    return Description(height, width, dtype, nodata, epsg, scale[0], tiepoint[3:5])


def _plain_header(fields: Fields, offsets: dict[int, int], size: int) -> PlainHeader:
    if fields[COMPRESSION] != (1,) or PREDICTOR in fields:
        raise ValueError("not plain")
    found = describe(fields)
    pixel_offset = _contiguous_pixels(fields, found.width, found.height, found.dtype.itemsize)
    if pixel_offset + found.width * found.height * found.dtype.itemsize != size:
        raise ValueError("not plain")
    if max(offsets.values()) >= pixel_offset:
        raise ValueError("not plain")
    return PlainHeader(
        size,
        pixel_offset,
        offsets[_TIEPOINT] + 24,
        found.height,
        found.width,
        found.dtype,
        found.nodata,
        found.epsg,
        found.pixel_size,
    )


def _contiguous_pixels(fields: Fields, width: int, height: int, itemsize: int) -> int:
    """Where the pixels start, if their strips follow each other without a gap."""
    (rows_per_strip,) = fields[ROWS_PER_STRIP]
    strip = rows_per_strip * width * itemsize
    total = height * width * itemsize
    if strip <= 0 or total <= 0:
        raise ValueError("not plain")
    strips = -(-total // strip)
    if strips != len(fields[STRIP_OFFSETS]):  # a file may claim billions
        raise ValueError("not plain")
    first = fields[STRIP_OFFSETS][0]
    expected_offsets = tuple(range(first, first + total, strip))
    expected_bytes = (strip,) * (strips - 1) + (total - strip * (strips - 1),)
    if fields[STRIP_OFFSETS] != expected_offsets or fields[STRIP_BYTES] != expected_bytes:
        raise ValueError("not plain")
    return first


def _utm_zone(keys: tuple[int, ...], text: bytes) -> int:
    """EPSG code of the UTM zone, if the keys and their text are those that GDAL writes for it."""
    epsg = keys[27]
    if not (32601 <= epsg <= 32660 or 32701 <= epsg <= 32760) or (keys, text) != _geo_keys(epsg):
        raise ValueError("not plain")
    return epsg


def _geo_keys(epsg: int) -> tuple[tuple[int, ...], bytes]:
    """The GeoTIFF keys and their text for a UTM zone of WGS 84."""
    name = f"WGS 84 / UTM zone {epsg % 100}{'N' if epsg < 32700 else 'S'}|"
    text = f"{name}WGS 84|\0".encode()
    keys = (
        *(1, 1, 0, 7),  # version, revision, minor revision, number of keys
        *(1024, 0, 1, 1),  # model type: projected
        *(1025, 0, 1, 1),  # a pixel is an area
        *(1026, _GEO_ASCII, len(name), 0),
        *(2049, _GEO_ASCII, len("WGS 84|"), len(name)),
        *(2054, 0, 1, 9102),  # degrees
        *(3072, 0, 1, epsg),
        *(3076, 0, 1, 9001),  # metres
    )
    return keys, text


def _nodata(text: bytes, dtype: np.dtype) -> int:
    """An integer that pixels of this type can have; anything else is a ValueError."""
    digits = text.removesuffix(b"\0")
    value = int(digits)
    if str(value).encode() != digits or dtype.kind == "f":
        raise ValueError("not plain")
    limits = np.iinfo(dtype)
    if not limits.min <= value <= limits.max:
        raise ValueError("not plain")
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
        Side of a pixel in metres.
    nodata : int or None
        Value of pixels without a measurement.
    """
    height, width = pixels.shape
    header = encode_header(
        height, width, pixels.dtype, epsg=epsg, x=x, y=y, pixel_size=pixel_size, nodata=nodata
    )
    return header + pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def encode_header(
    height: int,
    width: int,
    dtype: np.dtype,
    *,
    epsg: int,
    x: float,
    y: float,
    pixel_size: float,
    nodata: int | None = 0,
) -> bytes:
    """Write what stands before the pixels of a plain file; see `encode`.

    The pixels follow it little-endian, row by row from the north.
    """
    header, corner = _header(
        height, width, dtype.newbyteorder("<"), epsg, float(pixel_size), nodata
    )
    return header[:corner] + struct.pack("<2d", x, y) + header[corner + 16 :]


@lru_cache(maxsize=256)
def _header(
    height: int, width: int, dtype: np.dtype, epsg: int, pixel_size: float, nodata: int | None
) -> tuple[bytes, int]:
    """A header with its corner at 0, 0, and where that stands."""
    sample_format, bits = next(key for key, name in _DTYPES.items() if np.dtype(name) == dtype)
    row = width * dtype.itemsize
    rows_per_strip = min(height, max(1, _STRIP_BYTES_BY_GDAL // row))
    strips = -(-height // rows_per_strip)
    strip_bytes = [rows_per_strip * row] * (strips - 1)
    strip_bytes.append(height * row - sum(strip_bytes))
    keys, text = _geo_keys(epsg)
    ones = (COMPRESSION, _PHOTOMETRIC, _SAMPLES, _PLANAR)
    fields: dict[int, Field] = dict.fromkeys(ones, (3, (1,)))
    fields |= {_WIDTH: (3, (width,)), _HEIGHT: (3, (height,)), _BITS: (3, (bits,))}
    fields |= {ROWS_PER_STRIP: (3, (rows_per_strip,)), _SAMPLE_FORMAT: (3, (sample_format,))}
    fields[STRIP_OFFSETS] = (4, (0,) * strips)
    fields[STRIP_BYTES] = (3 if strips > 1 else 4, tuple(strip_bytes))
    fields[_PIXEL_SCALE] = (12, (pixel_size, pixel_size, 0.0))
    fields[_TIEPOINT] = (12, (0.0,) * 6)
    fields |= {_GEO_KEYS: (3, keys), _GEO_ASCII: (2, (text,))}
    if nodata is not None:
        fields[_GDAL_NODATA] = (2, (f"{nodata}\0".encode(),))
    starts = np.cumsum([len(_assemble(fields)), *strip_bytes[:-1]]).tolist()
    fields[STRIP_OFFSETS] = (4, tuple(starts))
    header = _assemble(fields)
    read, offsets = read_fields(header)
    written = {tag: values for tag, (_, values) in fields.items()}
    assert read == written, "what was written reads back the same"
    return header, offsets[_TIEPOINT] + 24


def _assemble(fields: dict[int, Field]) -> bytes:
    """Header, directory and the long values behind it: strip table first, as GDAL orders them."""
    packed = {tag: _pack(kind, values) for tag, (kind, values) in fields.items()}
    end = 8 + 2 + 12 * len(fields) + 4
    tail = b""
    places = {}
    for tag in sorted(packed, key=lambda tag: (tag != STRIP_BYTES, tag)):
        if len(packed[tag]) > 4:
            places[tag] = struct.pack("<I", end + len(tail))
            tail += packed[tag] + b"\0" * (len(packed[tag]) % 2)
        else:
            places[tag] = packed[tag].ljust(4, b"\0")
    entries = b""
    for tag in sorted(fields):
        kind, values = fields[tag]
        length = len(values[0]) if kind == 2 else len(values)
        entries += struct.pack("<HHI", tag, kind, length) + places[tag]
    return struct.pack("<4sIH", b"II*\0", 8, len(fields)) + entries + b"\0" * 4 + tail


def _pack(kind: int, values: tuple) -> bytes:
    """Values of a field as little-endian bytes."""
    return values[0] if kind == 2 else struct.pack(f"<{len(values)}{_TYPE_FORMATS[kind]}", *values)
