"""Copy rectangles of a raster into GeoTIFFs of their own, and verify each."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from benkit.engine import Engine, run
from benkit.errors import OptionError
from benkit.retiling.gdal_part import COMPRESSIONS, GdalPartWriter
from benkit.retiling.plain_part import PlainSource, fits_plain, opened_plain, write_plain_part
from benkit.retiling.source import GdalSource, RasterInfo, opened_by_gdal
from benkit.retiling.window import BYTES_AT_ONCE, Window
from benkit.tiff.gdal import gdal_session
from benkit.tiff.plain import PlainHeader, encode_header

__all__ = ["COMPRESSIONS", "PartFile", "PartForm", "part_form", "write_parts"]

_PLAIN_BYTES_TOGETHER = 2**23  # little, so that threads end at about the same time


@dataclass(frozen=True)
class PartFile:
    """A part and where it is written.

    Attributes
    ----------
    window : Window
        Of the raster; what leaves it to the south or east is filled with the NO_DATA value, or with
        0 if none is declared.
    path : Path
    """

    window: Window
    path: Path


@dataclass(frozen=True)
class PartForm:
    """How parts differ from their raster.

    Attributes
    ----------
    bands : tuple of int, optional
        Which bands of the raster they have, from 1, in this order; all if not given.
    compression : str, optional
        One of `COMPRESSIONS`; that of the raster if not given.
    """

    bands: tuple[int, ...] | None = None
    compression: str | None = None

    @property
    def keeps_plain(self) -> bool:
        """Whether parts of a plain file are plain."""
        return self.bands in (None, (1,)) and self.compression in (None, "none")


def part_form(
    source: Path, info: RasterInfo, bands: Sequence[int] | None, compression: str | None
) -> PartForm:
    """How parts differ from a raster.

    Raises
    ------
    OptionError
        If the raster has no such band, or there is no such compression.
    """
    if compression not in (None, *COMPRESSIONS):
        raise OptionError(f"compression {compression}: expected {', '.join(COMPRESSIONS)}")
    absent = [band for band in bands or () if not 1 <= band <= info.bands]
    if absent or (bands is not None and not bands):
        raise OptionError(
            f"{source}: has no band {absent[0] if absent else 'of an empty list'}; "
            f"expected numbers from 1 to {info.bands}"
        )
    return PartForm(tuple(bands) if bands else None, compression)


def write_parts(
    path: Path, form: PartForm, parts: Sequence[PartFile], engine: Engine | None = None
) -> int:
    """Copy rectangles of a raster with all that describes it.

    Each file is read back and held against the source. Parts of a plain file are cut by threads of
    this process, whatever the engine.

    Parameters
    ----------
    path : Path
        The raster.
    form : PartForm
    parts : sequence of PartFile
        Row by row from the north.
    engine : Engine, optional
        Where the others are cut; on one local process a core if not given.

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    OutputError
        If a part cannot be written with GDAL, or does not read back the same.
    OSError
        If a part cannot be written.
    """
    with opened_plain(path) as plain:
        if plain and form.keeps_plain and all(fits_plain(part.window) for part in parts):
            chunks = _chunks(parts, plain.bytes_per_pixel, _PLAIN_BYTES_TOGETHER)
            with ThreadPoolExecutor((engine or Engine()).local_workers(len(chunks))) as pool:
                return sum(pool.map(partial(_cut_plain, plain), chunks))
    with opened_by_gdal(path) as source:
        bytes_per_pixel = GdalSource(path, source, form.bands).bytes_per_pixel
    chunks = _chunks(parts, bytes_per_pixel, BYTES_AT_ONCE)
    return sum(run(partial(_cut_with_gdal, path, form), chunks, engine))


def _chunks(
    parts: Sequence[PartFile], bytes_per_pixel: int, together: int
) -> list[Sequence[PartFile]]:
    """Parts that are cut from one piece of the raster in memory.

    Rows of parts as long as ``together`` holds them, in bytes, or one row, or one part of any size.
    """
    chunks: list[Sequence[PartFile]] = []
    for _, group in groupby(parts, key=lambda part: part.window.row):
        row = list(group)
        if _bytes_of(row, bytes_per_pixel) > BYTES_AT_ONCE:
            chunks += [[part] for part in row]
        elif chunks and _bytes_of([*chunks[-1], *row], bytes_per_pixel) <= together:
            chunks[-1] = [*chunks[-1], *row]
        else:
            chunks.append(row)
    return chunks


def _bytes_of(parts: Sequence[PartFile], bytes_per_pixel: int) -> int:
    """Pixels from the left of the raster to the south-east end of the last part."""
    first, last = parts[0].window, parts[-1].window
    return (last.row + last.height - first.row) * (last.column + last.width) * bytes_per_pixel


def _cut_plain(source: PlainSource, parts: Sequence[PartFile]) -> int:
    pixels = source.holding([part.window for part in parts])
    for part in parts:
        write_plain_part(pixels, part.window, part.path, source.header, source.corner)
    return len(parts)


def _cut_with_gdal(path: Path, form: PartForm, parts: Sequence[PartFile]) -> int:
    """Write parts one by one, by hand as soon as GDAL has shown that they are plain files."""
    with opened_by_gdal(path) as source:
        raster = GdalSource(path, source, form.bands)
        writer = GdalPartWriter(raster, form.compression)
        pixels = raster.holding([part.window for part in parts])
        plain = None
        with gdal_session():  # the folder of the parts may be full
            for part in parts:
                if plain and fits_plain(part.window):
                    write_plain_part(pixels, part.window, part.path, plain, raster.corner)
                else:
                    writer.write(pixels, part.window, part.path)
                    plain = _plain_header(raster, part)
    return len(parts)


def _plain_header(raster: GdalSource, part: PartFile) -> PlainHeader | None:
    """The header of a part that GDAL has written, if it is one that we would have written."""
    with opened_plain(part.path) as plain:
        if plain is None:
            return None
        header = plain.header
        ours = encode_header(
            header.height,
            header.width,
            header.dtype,
            epsg=header.epsg,
            x=raster.corner[0] + part.window.column * header.pixel_size,
            y=raster.corner[1] - part.window.row * header.pixel_size,
            pixel_size=header.pixel_size,
            nodata=header.nodata,
        )
        plain.file.seek(0)
        return header if plain.file.read(header.pixel_offset) == ours else None
