"""Copy rectangles of a raster into GeoTIFFs of their own, and verify each."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benkit.errors import MissingInputError, OutputError, RasterError
from benkit.io.atomic import replacing
from benkit.io.geotiff import gdal_session
from benkit.io.plain_parts import fits_plain, opened_plain, write_plain_part
from benkit.io.plain_tiff import PlainHeader, encode_header
from benkit.io.raster_windows import BYTES_AT_ONCE, PixelSource, Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

__all__ = [
    "COMPRESSIONS",
    "PartFile",
    "PartForm",
    "RasterInfo",
    "opened_pixels",
    "read_info",
    "write_parts",
]

COMPRESSIONS = ("none", "deflate", "lzw", "zstd")
"""What parts can be compressed with on demand; each keeps every pixel."""

_KEPT_COMPRESSIONS = (*COMPRESSIONS, "packbits", "lzma")
_WITH_PREDICTOR = ("deflate", "lzw", "zstd")
_KEPT_PHOTOMETRICS = ("minisblack", "miniswhite", "rgb", "palette")
_CACHE_BYTES = 2 * BYTES_AT_ONCE  # of decoded blocks, in GDAL
_BLOCK_STEP = 16  # sides of a TIFF's tiles are multiples of it


@dataclass(frozen=True)
class RasterInfo:
    """What a raster is like.

    Attributes
    ----------
    bands, height, width : int
        Size; height and width in pixels.
    georeferenced : bool
        Whether it says where it lies.
    pixel_metres : (height, width) or None
        Sides of a pixel on the ground in metres; None where the CRS has no unit of length.
    nodata : float or None
        Value of pixels without a measurement.
    dtype : str
        Of the first band.
    epsg : int or None
        Code of the CRS, if it has one.
    transform : tuple of float
        ``(a, b, c, d, e, f)`` with x = a column + b row + c and y = d column + e row + f in units of
        the CRS.
    """

    bands: int
    height: int
    width: int
    georeferenced: bool
    pixel_metres: tuple[float, float] | None
    nodata: float | None
    dtype: str
    epsg: int | None
    transform: tuple[float, ...]


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


def read_info(path: Path) -> RasterInfo:
    """Read what a raster is like.

    Raises
    ------
    MissingInputError, RasterError
        If it is not there or cannot be read.
    """
    with opened_plain(path) as plain:
        if plain:
            header, (x, y) = plain.header, plain.corner
            size = header.pixel_size
            return RasterInfo(
                bands=1,
                height=header.height,
                width=header.width,
                georeferenced=True,
                pixel_metres=(size, size),
                nodata=header.nodata,
                dtype=header.dtype.name,
                epsg=header.epsg,
                transform=(size, 0.0, x, 0.0, -size, y),
            )
    with _opened(path) as source:
        return RasterInfo(
            bands=source.count,
            height=source.height,
            width=source.width,
            georeferenced=source.crs is not None and not source.transform.is_identity,
            pixel_metres=_pixel_metres(source),
            nodata=source.nodata,
            dtype=source.dtypes[0],
            epsg=source.crs.to_epsg() if source.crs else None,
            transform=tuple(source.transform)[:6],
        )


def _pixel_metres(source: "DatasetReader") -> tuple[float, float] | None:
    if source.crs is None or not source.crs.is_projected or source.transform.is_identity:
        return None
    _, metres = source.crs.linear_units_factor
    t = source.transform
    return hypot(t.b, t.e) * metres, hypot(t.a, t.d) * metres


def pixel_dtype(name: str) -> np.dtype:
    """Data type of an array for the pixels of a raster, by the name that GDAL has for it."""
    return np.dtype("complex64" if name.startswith("complex_int") else name)


@contextmanager
def _opened(path: Path) -> "Iterator[DatasetReader]":
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    if not path.exists():
        raise MissingInputError(f"{path}: expected a raster, but there is no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            source = rasterio.open(path)
        except RasterioError as error:
            raise RasterError(f"{path}: cannot be read as a raster: {error}") from None
        with source:
            yield source


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


@contextmanager
def opened_pixels(path: Path) -> Iterator[PixelSource]:
    """Open the pixels of all bands of a raster.

    Raises
    ------
    MissingInputError, RasterError
        If the raster is not there or cannot be read.
    """
    with opened_plain(path) as plain:
        if plain:
            yield plain
            return
    with _opened_by_gdal(path) as source:
        yield _GdalSource(path, source, PartForm())


@contextmanager
def _opened_by_gdal(path: Path) -> "Iterator[DatasetReader]":
    """Open a raster with little memory for its decoded blocks."""
    from rasterio.env import Env

    with Env(GDAL_CACHEMAX=_CACHE_BYTES, GDAL_TIFF_INTERNAL_MASK=True), _opened(path) as source:
        yield source


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
    with _opened_by_gdal(path) as source:
        raster = _GdalSource(path, source, form)
        pixels = _held(raster, parts)
        plain = None
        with gdal_session():  # the folder of the parts may be full
            for part in parts:
                if plain and fits_plain(part.window):
                    write_plain_part(pixels, part.window, part.path, plain, raster.corner)
                else:
                    _write_part(raster, pixels, part)
                    plain = _plain_header(raster, part)


def _plain_header(raster: "_GdalSource", part: PartFile) -> PlainHeader | None:
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


class _GdalSource(PixelSource):
    """Some bands of a raster that GDAL reads."""

    def __init__(self, path: Path, source: "DatasetReader", form: PartForm) -> None:
        from rasterio.enums import MaskFlags

        self.path = path
        self.source = source
        self.form = form
        self.bands = form.bands or tuple(source.indexes)
        self.shape = (len(self.bands), source.height, source.width)
        self.dtype = pixel_dtype(source.dtypes[0])
        self.fill = 0 if source.nodata is None else source.nodata
        self.corner = source.transform.c, source.transform.f
        flags = source.mask_flag_enums[0]
        self.has_mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags

    def of_bands(self, name: str) -> tuple:
        """An attribute that the raster has for each band."""
        values = getattr(self.source, name)
        return tuple(values[band - 1] for band in self.bands)

    def read_inside(self, window: Window) -> NDArray:
        return self._read(self.source.read, list(self.bands), window)

    def read_mask(self, window: Window) -> NDArray:
        """The mask of valid pixels, 0 beyond the raster: (height, width) of uint8."""
        inside = window.cut(*self.shape[1:])
        mask = np.zeros((window.height, window.width), np.uint8)
        if inside.height and inside.width:
            mask[: inside.height, : inside.width] = self._read(self.source.read_masks, 1, inside)
        return mask

    def _read(self, read: Any, bands: Any, window: Window) -> NDArray:
        from rasterio.errors import RasterioError

        try:
            return read(bands, window=_rasterio_window(window))
        except (RasterioError, ValueError) as error:
            reason = error.__cause__ or error
            raise RasterError(f"{self.path}: cannot be read as a raster: {reason}") from None


def _rasterio_window(window: Window) -> Any:
    from rasterio.windows import Window as RasterioWindow

    return RasterioWindow(window.column, window.row, window.width, window.height)


def _write_part(raster: _GdalSource, pixels: PixelSource, part: PartFile) -> None:
    import rasterio
    from rasterio.errors import RasterioError

    window = part.window
    with replacing(part.path) as place:
        try:
            with rasterio.open(place, "w", **_profile(raster, window)) as copy:
                _describe(raster, copy)
                for strip in window.strips(pixels.bytes_per_pixel):
                    here = _rasterio_window(strip.moved(window.row, window.column))
                    copy.write(pixels.read(strip), window=here)
                    if raster.has_mask:
                        copy.write_mask(raster.read_mask(strip), window=here)
        except RasterioError as error:
            raise OutputError(f"{part.path}: cannot be written: {error}") from None
        with _opened(place) as copy:
            _verify(raster, pixels, copy, part)


def _profile(raster: _GdalSource, window: Window) -> dict[str, Any]:
    """How to make a GeoTIFF like the source, of the window's size and at its place."""
    source = raster.source
    profile = {key: source.profile[key] for key in ("dtype", "nodata", "crs")}
    profile |= {"driver": "GTiff", "count": len(raster.bands)}
    profile |= {"height": window.height, "width": window.width}
    if len(raster.bands) > 1 and "interleave" in source.profile:
        profile["interleave"] = source.profile["interleave"]
    photometric = getattr(source.photometric, "name", None)
    if photometric in _KEPT_PHOTOMETRICS and len(raster.bands) == source.count:
        profile["photometric"] = photometric
    profile |= _compression(raster)
    if source.profile.get("tiled") and raster.form.compression != "none":
        profile |= _blocks(source, window)
    if not source.transform.is_identity:
        profile["transform"] = source.window_transform(_rasterio_window(window))
    return profile


def _compression(raster: _GdalSource) -> dict[str, Any]:
    """That of the source; deflate instead of a lossy one, which would change the pixels again."""
    source, wanted = raster.source, raster.form.compression
    if wanted is None:
        if not source.compression:
            return {}
        name = str(getattr(source.compression, "name", source.compression))
        kept = name if name in _KEPT_COMPRESSIONS else "deflate"
        predictor = source.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR")
        if not predictor or kept not in _WITH_PREDICTOR:
            return {"compress": kept}
        return {"compress": kept, "predictor": predictor}
    if wanted == "none":
        return {}
    kinds = {"u": 2, "i": 2, "f": 3}
    return {"compress": wanted, "predictor": kinds.get(raster.dtype.kind, 1)}


def _blocks(source: "DatasetReader", window: Window) -> dict[str, Any]:
    """Tiles within the file like those of the source, but not larger than the part needs."""
    sides = {}
    for key, side in (("blockxsize", window.width), ("blockysize", window.height)):
        enough = -(-side // _BLOCK_STEP) * _BLOCK_STEP
        sides[key] = min(source.profile[key], enough)
    if any(side % _BLOCK_STEP for side in sides.values()):  # other formats allow what TIFF does not
        return {"tiled": True}
    return {"tiled": True, **sides}


def _describe(raster: _GdalSource, copy: Any) -> None:
    """Descriptions, colours, scales, offsets, units and tags of all bands."""
    from rasterio.enums import ColorInterp

    for name in ("descriptions", "scales", "offsets", "units", "colorinterp"):
        setattr(copy, name, raster.of_bands(name))
    source = raster.source
    tags = {key: text for key, text in source.tags().items() if key != "AREA_OR_POINT"}
    if tags:
        copy.update_tags(**tags)
    for index, band in enumerate(raster.bands, start=1):
        tags = _tags_of_part(source.tags(band))
        if tags:
            copy.update_tags(index, **tags)
        if source.colorinterp[band - 1] == ColorInterp.palette:
            copy.write_colormap(index, source.colormap(band))


def _tags_of_part(tags: dict[str, str]) -> dict[str, str]:
    """Without the statistics, which are those of the whole raster."""
    return {key: text for key, text in tags.items() if not key.startswith("STATISTICS_")}


def _verify(
    raster: _GdalSource, pixels: PixelSource, copy: "DatasetReader", part: PartFile
) -> None:
    """Hold what was written against the source.

    The georeference must satisfy: pixel (r, c) of the part lies where pixel (r + row, c + column) of
    the source lies.
    """
    from rasterio.enums import ColorInterp

    source, window, target = raster.source, part.window, part.path
    if not source.transform.is_identity:
        for r, c in ((0, 0), (0, window.width), (window.height, 0), (window.height, window.width)):
            here = _place(copy.transform, r, c)
            there = _place(source.transform, r + window.row, c + window.column)
            _demand(np.allclose(here, there, 1e-12, 1e-6), target, "place")
    _demand(copy.crs == source.crs, target, "CRS")
    for name in ("dtypes", "descriptions", "scales", "offsets"):
        _demand(getattr(copy, name) == raster.of_bands(name), target, name)
    nodata = (copy.nodata, source.nodata)
    _demand(nodata[0] == nodata[1] or all(value != value for value in nodata), target, "nodata")
    for index, band in enumerate(raster.bands, start=1):
        if source.colorinterp[band - 1] == ColorInterp.palette:
            _demand(copy.colormap(index) == source.colormap(band), target, "colours")
    for strip in window.strips(pixels.bytes_per_pixel):
        here = _rasterio_window(strip.moved(window.row, window.column))
        written, expected = copy.read(window=here), pixels.read(strip)
        same = np.array_equal(written, expected, equal_nan=written.dtype.kind in "fc")
        _demand(same, target, "pixels")
        if raster.has_mask:
            same = np.array_equal(copy.read_masks(1, window=here), raster.read_mask(strip))
            _demand(same, target, "mask")


def _place(transform: Any, row: int, column: int) -> tuple[float, float]:
    """Where the upper-left corner of a pixel lies, x and y in the raster's CRS."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * column + b * row + c, d * column + e * row + f


def _demand(holds: bool, target: Path, what: str) -> None:
    if not holds:
        raise OutputError(
            f"{target}: was written, but its {what} read back differently; check the disk"
        )
