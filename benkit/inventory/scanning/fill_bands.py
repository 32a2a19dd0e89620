"""Measure the bands of files that were read, and fill in their rows of the inventory."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from benkit.archive.band_reader import BandFileReader, Reading
from benkit.archive.listing import PatchFolder
from benkit.archive.plain_group import PlainGroup
from benkit.domain.layout import Band, Layout
from benkit.errors import BenkitError, without_name
from benkit.inventory.scanning.fingerprint import hash_bytes, hash_pixels
from benkit.inventory.scanning.linear_power import linear_sums
from benkit.inventory.scanning.moments import (
    MEASURABLE,
    Moments,
    RowMoments,
    measure,
    measure_rows,
    not_finite,
)
from benkit.inventory.scanning.rows import InventoryRows
from benkit.inventory.scanning.scratch import scratch
from benkit.tiff.gdal import gdal_session
from benkit.tiff.plain import parse_header
from benkit.tiff.raster import SAME_PIXEL, Raster, RasterProfile
from benkit.tiff.read import decode_raster

_PIXELS_AT_ONCE = 2**21  # 4 MB of 16 bits, which a cache that processes share can hold


def bands_of(layout: Layout, name: str) -> tuple[Band, ...]:
    """Bands that a file of `Layout.files` holds."""
    return tuple(layout.bands.values()) if layout.one_file else (layout.bands[name],)


def fill_plain(
    rows: InventoryRows, bands: Sequence[Band], group: PlainGroup, scale: str | None
) -> None:
    """Fill in the bands of a group of plain files."""
    profile, which = group.header.profile, group.rows
    names = [band.name for band in bands]
    if profile.bands != len(bands):
        detail = _of_many(len(bands), profile.bands)
        rows.fill(which, names, status="unreadable", detail=detail)
        return
    moments, pixel_hash = _measured(group.pixels, profile)
    _fill(rows, which, names, profile, moments)
    x, y, width, height = np.hstack([group.corners, group.sides]).T[:, :, np.newaxis]
    rows.fill(
        which,
        names,
        x=x,
        y=y,
        pixel_width=width,
        pixel_height=height,
        offset=group.header.pixel_offset,
        header_hash=hash_bytes(group.heads)[:, np.newaxis],
        pixel_hash=pixel_hash,
    )
    square = np.abs(width - height)[:, 0] <= SAME_PIXEL * np.maximum(width, height)[:, 0]
    rows.fill(which[square], names, pixel_size=width[square])
    for column, band in enumerate(bands):
        some, pixels = moments.valid[:, column] > 0, group.pixels[:, :, column]
        extremes = {"min": moments.min[some, column], "max": moments.max[some, column]}
        rows.fill(which[some], band.name, **extremes)
        if scale == "linear":
            _fill_linear(rows, which, band, pixels, profile.nodata)
        if profile.dtype.kind == "f":
            for row in np.flatnonzero(moments.nodata_count[:, column]).tolist():
                odd = not_finite(pixels[row], profile.nodata)
                rows.fill(int(which[row]), band.name, detail=odd)


def _measured(pixels: NDArray, profile: RasterProfile) -> tuple[RowMoments, NDArray[np.uint64]]:
    """Moments and fingerprints of (files, pixels, bands): (files, bands) each.

    Some files are taken at a time, so that their pixels are still in a cache when they are read again.
    Bands that lie pixel by pixel, or askew in memory, are copied apart first.
    """
    files, length, bands = pixels.shape
    at_once = max(1, _PIXELS_AT_ONCE // (length * bands))
    shape = profile.height, profile.width
    parts = []
    for first in range(0, files, at_once):
        some = pixels[first : first + at_once].transpose(0, 2, 1)
        if bands > 1 or not some.flags.aligned:
            copy = scratch("bands", some.shape, pixels.dtype)
            np.copyto(copy, some)
            some = copy
        planes = some.reshape(-1, length)
        found = measure_rows(planes, profile.nodata)
        parts.append([*vars(found).values(), hash_pixels(planes, shape)])
    together = [np.concatenate(part).reshape(files, bands) for part in zip(*parts, strict=True)]
    return RowMoments(*together[:-1]), together[-1]


def fill_others(
    rows: InventoryRows,
    reader: BandFileReader,
    patches: Sequence[PatchFolder],
    reading: Reading,
    scale: str | None,
) -> list[str]:
    """Fill in the files that are not plain; returns their encodings."""
    others = [(row, name) for name, found in reading.bands.items() for row in found.others]
    with gdal_session() if others else nullcontext():
        return [_fill_other(rows, row, name, reader, patches[row], scale) for row, name in others]


def _fill_other(
    rows: InventoryRows,
    row: int,
    name: str,
    reader: BandFileReader,
    patch: PatchFolder,
    scale: str | None,
) -> str:
    """Fill in a file that is not plain; returns its encoding, or ``unreadable``."""
    source, bands = f"{reader.root}/{patch.band_path(name)}", bands_of(reader.layout, name)
    try:
        content = reader.content(patch, row, name)
        raster = decode_raster(content, source)
        if len(raster.pixels) != len(bands):
            raise TypeError(_of_many(len(bands), len(raster.pixels)))
        for band, pixels in zip(bands, raster.pixels, strict=True):
            _fill_band(rows, row, band, raster, pixels)
            if scale == "linear":
                flat = pixels.reshape(1, -1)
                _fill_linear(rows, np.array([row]), band, flat, raster.nodata)
        if raster.encoding == "plain" and (header := parse_header(content)):
            head = np.frombuffer(content, np.uint8, header.pixel_offset)
            fingerprint = hash_bytes(head[np.newaxis])[0]
            for band in bands:
                rows.fill(row, band.name, offset=header.pixel_offset, header_hash=fingerprint)
    except (BenkitError, TypeError, OverflowError) as error:
        for band in bands:
            rows.fill(row, band.name, status="unreadable", detail=without_name(error, source))
        return "unreadable"
    return raster.encoding


def _of_many(expected: int, found: int) -> str:
    if expected == 1:
        return f"expected one band in the file, but there are {found}"
    return (
        f"expected {expected} bands in the file, but there {'is' if found == 1 else 'are'} {found}"
    )


def _fill_band(
    rows: InventoryRows, row: int, of_layout: Band, raster: Raster, pixels: NDArray
) -> None:
    band = of_layout.name
    if raster.has_mask:
        raise TypeError(
            "it has a mask of its own, which is not measured; mark its pixels without a measurement "
            "by a NO_DATA value instead"
        )
    if pixels.dtype.name not in MEASURABLE:
        raise TypeError(f"its data type, {pixels.dtype.name}, cannot be measured")
    moments, profile = measure(pixels, raster.nodata), raster.profile
    _fill(rows, row, band, profile, moments)
    width, height = profile.pixel_sides or (None, None)
    x, y = (None, None) if width is None else profile.corner()
    fingerprint = hash_pixels(pixels.reshape(1, -1), pixels.shape)
    rows.fill(
        row,
        band,
        x=x,
        y=y,
        pixel_size=profile.pixel_size,
        pixel_width=width,
        pixel_height=height,
        min=moments.min,
        max=moments.max,
        pixel_hash=fingerprint[0],
        detail=not_finite(pixels, profile.nodata) if moments.nodata_count else None,
    )


def _fill_linear(
    rows: InventoryRows,
    which: NDArray[np.intp],
    band: Band,
    pixels: NDArray,
    nodata: float | None,
) -> None:
    """Fill in the sums of linear power of a band in decibels."""
    sums, sums_sq = linear_sums(pixels, nodata, band)
    some = np.isfinite(sums)
    rows.fill(which[some], band.name, linear_sum=sums[some], linear_sum_sq=sums_sq[some])


def _fill(
    rows: InventoryRows,
    which: int | NDArray[np.intp],
    band: str | Sequence[str],
    profile: RasterProfile,
    moments: Moments | RowMoments,
) -> None:
    """Fill in the columns that every file has, for one file or for several of the same profile."""
    kind = "float_" if profile.dtype.kind == "f" else ""
    rows.fill(
        which,
        band,
        status="ok",
        width=profile.width,
        height=profile.height,
        dtype=profile.dtype.name,
        nodata=profile.nodata,
        valid=moments.valid,
        nodata_count=moments.nodata_count,
        epsg=profile.epsg,
        crs=profile.crs,
        **{f"{kind}sum": moments.sum, f"{kind}sum_sq": moments.sum_sq},
    )
