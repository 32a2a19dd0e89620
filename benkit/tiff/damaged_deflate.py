"""Find damaged DEFLATE blocks of which GDAL would make up a part.

Where a stream holds more than its block has room for, GDAL's decoder stops before the first run of
bytes that does not fit any more, and leaves what is missing, up to 257 bytes, as it finds it in memory,
without an error. Such pixels would differ from one reading to the next.
"""

import struct
import zlib
from typing import Any

import numpy as np

_TILE_WIDTH = 322


def damaged_block(content: bytes, source: Any) -> str | None:
    """Name the first block whose stream does not decode to exactly the bytes of the block.

    ``source`` is the dataset of rasterio's for the same file, compressed with DEFLATE.
    """
    whole_blocks = _has_tiles(content)
    height, width = source.block_shapes[0]
    together = source.profile.get("interleave") == "pixel"
    name = source.dtypes[0]  # complex integers of 16 bits are read as floats of 32
    itemsize = 4 if name == "complex_int16" else np.dtype(name).itemsize
    bits = int(source.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", 8 * itemsize))
    row = -(-width * bits * (source.count if together else 1) // 8)
    for band in (1,) if together else source.indexes:
        for down in range(-(-source.height // height)):
            rows = height if whole_blocks else min(height, source.height - down * height)
            for right in range(-(-source.width // width)):
                if not _is_whole(content, source, f"{right}_{down}", band, rows * row):
                    return f"block {right}, {down} of band {band}"
    return None


def _is_whole(content: bytes, source: Any, block: str, band: int, size: int) -> bool:
    """Whether a block is not there at all, which stands for zeros, or decodes to its size."""
    offset, length = (
        int(source.get_tag_item(f"BLOCK_{what}_{block}", "TIFF", bidx=band) or 0)
        for what in ("OFFSET", "SIZE")
    )
    if not length:
        return True
    decoder = zlib.decompressobj()
    try:
        found = decoder.decompress(content[offset : offset + length], max(size, 1))
        return len(found) == size and not decoder.decompress(decoder.unconsumed_tail, 1)
    except zlib.error:
        return False


def _has_tiles(content: bytes) -> bool:
    """Whether the first directory has the tags of tiles."""
    order = ">" if content[:2] == b"MM" else "<"
    big = struct.unpack_from(f"{order}H", content, 2) == (43,)
    (start,) = struct.unpack_from(f"{order}{'Q' if big else 'I'}", content, 8 if big else 4)
    (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", content, start)
    first, step = (start + 8, 20) if big else (start + 2, 12)
    entries = range(first, min(first + count * step, len(content) - step), step)
    return any(
        struct.unpack_from(f"{order}H", content, entry)[0] == _TILE_WIDTH for entry in entries
    )
