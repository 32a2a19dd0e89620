"""The tags of a little-endian classic TIFF, as bytes and as values.

Only tags that a patch has, with the types that GDAL gives them; all else is refused.

Sources: TIFF 6.0 (Adobe, 1992), OGC GeoTIFF 1.1 (19-008r4), the GDAL_NODATA tag of GDAL's GTiff
driver.
"""

import struct
from typing import Any

_TYPE_FORMATS = {2: "s", 3: "H", 4: "I", 12: "d"}  # TIFF field types: ASCII, SHORT, LONG, DOUBLE
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = 273, 277, 278, 279, 284
PREDICTOR, EXTRA_SAMPLES, SAMPLE_FORMAT, PIXEL_SCALE, TIEPOINT = 317, 338, 339, 33550, 33922
GEO_KEYS, GEO_DOUBLES, GEO_ASCII, GDAL_METADATA, GDAL_NODATA = 34735, 34736, 34737, 42112, 42113

_NUMBER_TAGS = {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, SAMPLES,
    ROWS_PER_STRIP, STRIP_BYTES, PLANAR, SAMPLE_FORMAT, PREDICTOR, EXTRA_SAMPLES,
}  # fmt: skip
_TAG_TYPES = {
    PIXEL_SCALE: {12},
    TIEPOINT: {12},
    GEO_KEYS: {3},
    GEO_DOUBLES: {12},
    GEO_ASCII: {2},
    GDAL_METADATA: {2},
    GDAL_NODATA: {2},
} | {tag: {3, 4} for tag in _NUMBER_TAGS}
_OPTIONAL = {GDAL_NODATA, GDAL_METADATA, GEO_DOUBLES, EXTRA_SAMPLES, PREDICTOR}
_REQUIRED = _TAG_TYPES.keys() - _OPTIONAL

Field = tuple[int, tuple[Any, ...]]  # TIFF field type and values
Fields = dict[int, tuple[Any, ...]]
"""Values of the tags of a TIFF."""


def require_plain(condition: bool) -> None:
    """Raise a ValueError if a file is not as is expected here, so that it is left to GDAL."""
    if not condition:
        raise ValueError("not plain")


def read_fields(content: bytes | memoryview) -> tuple[Fields, dict[int, int]]:
    """Values and offsets of all tags, by tag, and at 0 the offset of the directory."""
    (directory,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, directory)
    fields: Fields = {}
    offsets = {}
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from("<HHI", content, entry)
        require_plain(kind in _TAG_TYPES[tag] and tag not in fields and length <= len(content))
        form = f"<{length}{_TYPE_FORMATS[kind]}"
        offset = entry + 8
        if struct.calcsize(form) > 4:
            (offset,) = struct.unpack_from("<I", content, offset)
        fields[tag] = struct.unpack_from(form, content, offset)
        offsets[tag] = offset
    (next_directory,) = struct.unpack_from("<I", content, directory + 2 + 12 * count)
    require_plain(not next_directory and [*fields] == sorted(fields) and fields.keys() >= _REQUIRED)
    offsets[0] = directory
    return fields, offsets


def assemble_fields(fields: dict[int, Field]) -> bytes:
    """Header, directory and the long values behind it: strip table first, as GDAL orders them."""
    packed = {tag: _pack(kind, values) for tag, (kind, values) in fields.items()}
    end = 8 + 2 + 12 * len(fields) + 4
    tail = b""
    stored = {}
    for tag in sorted(packed, key=lambda tag: (tag != STRIP_BYTES, tag)):
        if len(packed[tag]) > 4:
            stored[tag] = struct.pack("<I", end + len(tail))
            tail += packed[tag] + b"\0" * (len(packed[tag]) % 2)
        else:
            stored[tag] = packed[tag].ljust(4, b"\0")
    entries = b""
    for tag in sorted(fields):
        kind, values = fields[tag]
        length = len(values[0]) if kind == 2 else len(values)
        entries += struct.pack("<HHI", tag, kind, length) + stored[tag]
    return struct.pack("<4sIH", b"II*\0", 8, len(fields)) + entries + b"\0" * 4 + tail


def _pack(kind: int, values: tuple) -> bytes:
    """Values of a field as little-endian bytes."""
    return values[0] if kind == 2 else struct.pack(f"<{len(values)}{_TYPE_FORMATS[kind]}", *values)
