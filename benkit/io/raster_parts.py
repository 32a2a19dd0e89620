"""Copy rectangles of a raster into GeoTIFFs of their own, and verify each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benkit.io.gdal_part import COMPRESSIONS, write_gdal_part
from benkit.io.geotiff import gdal_session
from benkit.io.plain_parts import fits_plain, opened_plain, write_plain_part
from benkit.io.plain_tiff import PlainHeader, encode_header
from benkit.io.raster_source import GdalSource, opened_by_gdal
from benkit.io.raster_windows import PixelSource, Window

__all__ = ["COMPRESSIONS", "PartFile", "PartForm", "write_parts"]


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


def write_parts(path: Path, form: PartForm, parts: Sequence[PartFile]) -> None:
    """Copy rectangles of a raster with all that describes it.

    Each file appears, or replaces an earlier one, when it has been read back and agrees with the
    source. Several parts are cut from one piece in memory; a single one may be of any size.

    Parameters
    ----------
    path : Path
        The raster.
    form : PartForm
    parts : sequence of PartFile

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    OutputError
        If a part cannot be written or does not read back the same.
    """
    with opened_plain(path) as plain:
        if plain and form.keeps_plain and all(fits_plain(part.window) for part in parts):
            pixels = _held(plain, parts)
            for part in parts:
                write_plain_part(pixels, part.window, part.path, plain.header, plain.corner)
            return
    _write_parts_with_gdal(path, form, parts)


def _held(source: PixelSource, parts: Sequence[PartFile]) -> PixelSource:
    """The rectangle that holds several parts, in memory; of a single part the raster itself."""
    if len(parts) == 1:
        return source
    windows = [part.window for part in parts]
    row = min(window.row for window in windows)
    column = min(window.column for window in windows)
    bottom = max(window.row + window.height for window in windows)
    right = max(window.column + window.width for window in windows)
    return source.held(Window(row, column, bottom - row, right - column))


def _write_parts_with_gdal(path: Path, form: PartForm, parts: Sequence[PartFile]) -> None:
    """Write parts one by one, by hand as soon as GDAL has shown that they are plain files."""
    with opened_by_gdal(path) as source:
        raster = GdalSource(path, source, form.bands)
        pixels = _held(raster, parts)
        plain = None
        with gdal_session():  # the folder of the parts may be full
            for part in parts:
                if plain and fits_plain(part.window):
                    write_plain_part(pixels, part.window, part.path, plain, raster.corner)
                else:
                    write_gdal_part(raster, pixels, part.window, part.path, form.compression)
                    plain = _plain_header(raster, part)


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
