"""The profile of a raster (size, data type, georeference), and a raster in memory."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

AffineTransform = tuple[float, float, float, float, float, float]
"""``(a, b, c, d, e, f)`` with x = a column + b row + c and y = d column + e row + f."""

SAME_CORNER = 1e-3
"""Corners that differ by no more, in metres, are the same: tools round coordinates differently."""

SAME_PIXEL = 1e-6
"""Sides of pixels that differ by no more than this share of them are the same."""

_MOST_SKEW = 1e-4  # of a pixel, over the whole raster

IDENTITY: AffineTransform = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The transform of GDAL for a raster without a georeference."""


@dataclass(frozen=True)
class RasterProfile:
    """Size, data type, NO_DATA value and georeference of a raster.

    Attributes
    ----------
    bands, height, width : int
        Size; height and width in pixels.
    dtype : numpy.dtype
        Of the pixels; where bands differ, of the first.
    nodata : int, float or None
        Value of pixels without a measurement.
    epsg : int or None
        Code of the coordinate reference system (CRS), None if there is none or it has no code.
    transform : tuple of float or None
        From rows and columns to units of the CRS, see `AffineTransform`; None without a georeference.
    crs : str or None
        The CRS as WKT, if it has no EPSG code.
    """

    bands: int
    height: int
    width: int
    dtype: np.dtype
    nodata: float | None
    epsg: int | None
    transform: AffineTransform | None
    crs: str | None = None

    @property
    def bytes_per_pixel(self) -> int:
        """Of all bands together."""
        return self.bands * self.dtype.itemsize

    @property
    def pixel_sides(self) -> tuple[float, float] | None:
        """Width and height of a pixel in units of the CRS, where north is up but for rounding."""
        a, b, _, d, e, _ = self.transform or IDENTITY
        upright = abs(b) * self.height <= _MOST_SKEW * a and abs(d) * self.width <= _MOST_SKEW * -e
        return (a, -e) if upright and a > 0 > e else None

    @property
    def pixel_size(self) -> float | None:
        """Side of the pixels in units of the CRS, where they are square and north is up."""
        width, height = self.pixel_sides or (0.0, 1.0)
        return width if same_pixel(width, height) else None

    def corner(self, row: int = 0, column: int = 0) -> tuple[float, float]:
        """Upper-left corner of a pixel, x and y in units of the CRS, or in pixels without one."""
        a, b, c, d, e, f = self.transform or IDENTITY
        return a * column + b * row + c, d * column + e * row + f


def same_pixel(side: float, other: float) -> bool:
    """Whether two sides of pixels are the same but for rounding; see `SAME_PIXEL`.

    Examples
    --------
    >>> same_pixel(60.00000000000001, 60), same_pixel(60.001, 60)
    (True, False)
    """
    return math.isclose(side, other, rel_tol=SAME_PIXEL)


def same_corner(
    corner: tuple[float, float], other: tuple[float, float], metres: float = 1.0
) -> bool:
    """Whether two corners are the same but for rounding, ``metres`` being the unit of the CRS.

    Examples
    --------
    >>> same_corner((390000.000000001, 5348400), (390000, 5348400)), same_corner((0.002, 0), (0, 0))
    (True, False)
    """
    return all(abs(a - b) * metres <= SAME_CORNER for a, b in zip(corner, other, strict=True))


@dataclass(frozen=True)
class Raster:
    """A raster file in memory.

    Attributes
    ----------
    pixels : (bands, height, width) array
        In the file's data type, rows from the north.
    profile : RasterProfile
        Its NO_DATA value, EPSG code and transform are attributes of the raster too.
    encoding : str
        ``plain`` if its bytes are its pixels, else what keeps it from that: its compression,
        ``tiled``, or ``unusual`` for anything else.
    has_mask : bool
        Whether the file has a mask or an alpha band, beside which its NO_DATA value says little.
    """

    pixels: NDArray = field(repr=False)
    profile: RasterProfile
    encoding: str
    has_mask: bool = False

    @property
    def nodata(self) -> float | None:
        """Value of pixels without a measurement."""
        return self.profile.nodata

    @property
    def epsg(self) -> int | None:
        """Code of the coordinate reference system, if it has one."""
        return self.profile.epsg

    @property
    def transform(self) -> AffineTransform | None:
        """From rows and columns to units of the CRS, if the file has a georeference."""
        return self.profile.transform


def is_nodata(pixels: NDArray, nodata: float | None) -> NDArray[np.bool_]:
    """Which pixels hold the NO_DATA value, as GDAL masks them.

    A file keeps the value as text, often rounded. So floating-point pixels may differ from it by about
    5e-7 of itself (``ARE_REAL_EQUAL`` in GDAL's ``gdal_priv.h``), where the sum of both overflows by
    any amount; for integers the fraction of the value is cut off.

    Examples
    --------
    >>> is_nodata(np.array([np.finfo("f4").min, -9999, 0], "f4"), -3.4e38).tolist()
    [True, False, False]
    """
    if nodata is None:
        return np.zeros(pixels.shape, np.bool_)
    if pixels.dtype.kind in "iu":
        return pixels == (int(nodata) if math.isfinite(nodata) else nodata)
    if math.isnan(nodata):
        return np.isnan(pixels)
    with np.errstate(over="ignore", invalid="ignore"):
        value = pixels.dtype.type(nodata)
        tolerance = np.finfo(np.float32).eps * np.abs(pixels + value) * 2
        return (pixels == value) | (np.abs(pixels - value) < tolerance)
