"""GeoTIFFs that are plain but for the compression of their strips: DEFLATE or Zstandard.

`unpack` decodes what it understands whole and without doubt, several times as fast as GDAL opens a
file, and returns None for all else, so that whatever is unusual or damaged is left to GDAL.

Sources: TIFF 6.0 (Adobe, 1992), section 14 for the predictor; libtiff's codes for the compressions.
"""

import struct
import zlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.files.limits import LARGEST_RASTER
from benkit.tiff import fields as tiff
from benkit.tiff.fields import Fields, read_fields, require_plain
from benkit.tiff.plain import describe
from benkit.tiff.raster import Raster, RasterProfile

_NAMES = {8: "deflate", 32946: "deflate", 50000: "zstd"}
_HORIZONTAL = 2  # predictor: each value is stored as the difference from its left neighbour's
_ZSTD = pa.Codec("zstd")


def unpack(content: bytes) -> Raster | None:
    """Decode a whole file in memory; None if it is anything but plain and compressed."""
    if content[:4] != b"II*\0":
        return None
    try:
        fields, _ = read_fields(content)
        (compression,) = (_NAMES[code] for code in fields[tiff.COMPRESSION])
        found = describe(fields)
        pixels = _pixels(content, fields, found, compression)
    except (struct.error, zlib.error, pa.ArrowException, OSError, KeyError, ValueError, IndexError):
        return None
    return Raster(pixels.transpose(2, 0, 1), found, compression)


def _pixels(content: bytes, fields: Fields, found: RasterProfile, compression: str) -> NDArray:
    row = found.width * found.bytes_per_pixel
    (rows_per_strip,) = fields[tiff.ROWS_PER_STRIP]
    rows_per_strip = min(rows_per_strip, found.height)
    require_plain(0 < found.height * row <= LARGEST_RASTER and rows_per_strip > 0)
    starts = range(0, found.height, rows_per_strip)
    stored = zip(fields[tiff.STRIP_OFFSETS], fields[tiff.STRIP_BYTES], starts, strict=True)
    strips = []
    for offset, length, start in stored:
        require_plain(offset + length <= len(content))
        size = min(rows_per_strip, found.height - start) * row
        strips.append(_decompress(content[offset : offset + length], size, compression))
    shape = found.height, found.width, found.bands
    pixels = np.frombuffer(b"".join(strips), found.dtype).reshape(shape)
    (predictor,) = fields.get(tiff.PREDICTOR, (1,))
    if predictor == 1:
        return pixels
    require_plain(predictor == _HORIZONTAL and found.dtype.kind != "f")
    return np.cumsum(pixels, axis=1, dtype=found.dtype)


def _decompress(strip: bytes, size: int, compression: str) -> bytes:
    """Exactly as many bytes as expected, or a ValueError; never more, whatever the strip claims."""
    if compression == "zstd":
        return _ZSTD.decompress(strip, size, asbytes=True)
    decoder = zlib.decompressobj()
    pixels = decoder.decompress(strip, size)
    require_plain(len(pixels) == size)
    require_plain(not decoder.decompress(decoder.unconsumed_tail, 1) and decoder.eof)
    return pixels
