"""Read one raster file as fast as its encoding allows, and as GDAL would.

A plain file (see `benkit.tiff.plain`) and one that is plain but for its compression (see
`benkit.tiff.compressed`) are read by hand; anything else goes to rasterio. All paths give the same
pixels, size, nodata value and georeference for every file that rasterio reads, and refuse what it
refuses. Besides they refuse what is beyond `benkit.files.limits`, compressions made for pictures such as
JPEG, whose pixels depend on the decoder, and damage that GDAL does not notice (see
`benkit.tiff.damaged_deflate`). Only the file itself counts: side files such as ``.aux.xml`` or ``.tfw``
are not looked for, and a file that is no TIFF is refused whatever GDAL could make of it.
"""

import os
import warnings
from pathlib import Path, PurePath

from benkit.errors import OF_THE_MACHINE, MissingInputError, RasterError
from benkit.files.file_kinds import kind_of, kind_of_path, other_format
from benkit.files.limits import LARGEST_FILE, LARGEST_RASTER, MOST_BANDS, MOST_BLOCKS
from benkit.files.remote.location import as_path
from benkit.tiff.compressed import unpack
from benkit.tiff.damaged_deflate import damaged_block
from benkit.tiff.gdal import gdal_profile, gdal_session, numpy_dtype
from benkit.tiff.plain import parse_header
from benkit.tiff.raster import Raster

_EXACT = ("deflate", "lzw", "zstd", "lzma", "packbits", "lerc", "ccitt")
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_raster(path: str | os.PathLike[str]) -> Raster:
    """Read all bands of a GeoTIFF.

    Raises
    ------
    MissingInputError
        If there is no such file.
    RasterError
        If it cannot be read as a GeoTIFF, is no regular file, or claims more than the limits of
        `benkit.files.limits`.
    """
    return decode_raster(read_whole(as_path(path)), str(path))


def decode_raster(content: bytes, path: str) -> Raster:
    """Read all bands of a GeoTIFF in memory; errors name the path, as in `read_raster`."""
    return _read_by_hand(content) or _read_with_rasterio(path, content)


def read_whole(path: Path, *, follow: bool = True) -> bytes:
    """Read the bytes of a regular file of at most `LARGEST_FILE` bytes; ``follow`` allows a link."""
    if not follow and (kind := kind_of_path(path)):
        raise RasterError(f"{path}: cannot be read: expected a file, but it is {kind}")
    try:
        with os.fdopen(os.open(path, _READ), "rb") as file:
            status = os.fstat(file.fileno())
            if kind := kind_of(status.st_mode):
                raise RasterError(f"{path}: cannot be read: expected a file, but it is {kind}")
            if status.st_size > LARGEST_FILE:
                raise RasterError(
                    f"{path}: has {status.st_size:,} bytes; expected at most {LARGEST_FILE:,}"
                )
            content = file.read(status.st_size + 1)  # not more: Python makes room for all at once
            return content if len(content) <= status.st_size else content + file.read(LARGEST_FILE)
    except FileNotFoundError:
        raise MissingInputError(f"{path}: expected a GeoTIFF, but there is no such file") from None
    except RasterError:
        raise
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in OF_THE_MACHINE:
            raise
        reason = getattr(error, "strerror", None) or error
        raise RasterError(f"{path}: cannot be read: {reason}") from None


def _read_by_hand(content: bytes) -> Raster | None:
    header = parse_header(content)
    if header and header.size <= LARGEST_RASTER + header.pixel_offset:
        return Raster(header.pixels(content), header.profile, "plain")
    return unpack(content)


def _read_with_rasterio(path: str, content: bytes) -> Raster:
    from rasterio import MemoryFile
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings(), gdal_session(), MemoryFile(content) as file:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with file.open(driver="GTiff") as source:
                _refuse_inexact(path, source)
                _refuse_giants(path, source)
                _refuse_damaged(path, source, content)
                profile = gdal_profile(source)
                return Raster(source.read(), profile, _encoding(source), _has_mask(source))
        except RasterError:
            raise
        except Exception as error:  # GDAL's errors come as many types; each means the same here
            seen = other_format(content)
            reason = f"it is {seen}" if seen else str(error.__cause__ or error)
            for called in (file.name, PurePath(file.name).name):
                reason = reason.replace(called, PurePath(path).name)
            raise RasterError(
                f"{path}: cannot be read as a GeoTIFF: {reason.strip() or type(error).__name__}"
            ) from error


def _encoding(source) -> str:  # type: ignore[no-untyped-def]
    if source.compression:
        return str(getattr(source.compression, "name", source.compression))
    return "tiled" if source.profile.get("tiled") else "unusual"


def _has_mask(source) -> bool:  # type: ignore[no-untyped-def]
    from rasterio.enums import MaskFlags

    return any(MaskFlags.per_dataset in flags for flags in source.mask_flag_enums)


def _refuse_inexact(path: str, source) -> None:  # type: ignore[no-untyped-def]
    """Refuse compressions whose pixels may differ between versions of a decoder."""
    encoding = _encoding(source)
    if source.compression and not encoding.lower().startswith(_EXACT):
        raise RasterError(
            f"{path}: is compressed with {encoding}; expected a compression that keeps every pixel: "
            f"{', '.join(_EXACT)}"
        )


def _refuse_giants(path: str, source) -> None:  # type: ignore[no-untyped-def]
    """Refuse too many bands, strips or tiles, or too many bytes of pixels in them."""
    if source.count > MOST_BANDS:
        raise RasterError(f"{path}: has {source.count:,} bands; expected at most {MOST_BANDS:,}")
    height, width = source.block_shapes[0]
    blocks = source.count * -(-source.height // height) * -(-source.width // width)
    if blocks > MOST_BLOCKS:
        raise RasterError(
            f"{path}: has {blocks:,} strips or tiles; expected at most {MOST_BLOCKS:,}"
        )
    pixels = blocks * height * width  # GDAL decodes whole ones and keeps them
    claimed = pixels * max(numpy_dtype(dtype).itemsize for dtype in source.dtypes)
    if claimed > LARGEST_RASTER:
        raise RasterError(
            f"{path}: claims {claimed:,} bytes of pixels; expected at most {LARGEST_RASTER:,}"
        )


def _refuse_damaged(path: str, source, content: bytes) -> None:  # type: ignore[no-untyped-def]
    from rasterio.enums import Compression

    if source.compression == Compression.deflate and (block := damaged_block(content, source)):
        raise RasterError(f"{path}: is damaged: {block} does not decode to the bytes it stands for")
