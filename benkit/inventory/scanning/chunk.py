"""Read and measure all bands of some patches: the work of one worker at a time."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.archive.band_reader import BandFileReader, PlainGroup, Reading, bytes_of_slots
from benkit.archive.listing import PatchFolder
from benkit.archive.remote_band_reader import band_file_reader
from benkit.domain.layout import Band, Layout
from benkit.errors import BenkitError, without_name
from benkit.files.remote.location import Location
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
from benkit.inventory.scanning.resume import Known
from benkit.inventory.scanning.rows import InventoryRows
from benkit.tiff.gdal import gdal_session
from benkit.tiff.plain import parse_header
from benkit.tiff.raster import SAME_PIXEL, Raster, RasterProfile
from benkit.tiff.read import decode_raster

PATCHES_PER_CHUNK = 192
"""Most patches that are read at once."""

_BYTES_PER_CHUNK = 2**26


def patches_per_chunk(layout: Layout) -> int:
    """How many patches of an archive to read at once, so that large ones take no more memory."""
    whole = _BYTES_PER_CHUNK // sum(bytes_of_slots(layout).values())
    return min(max(1, whole), PATCHES_PER_CHUNK)


@dataclass(frozen=True)
class Chunk:
    """Some patches of an archive.

    Attributes
    ----------
    patches : sequence of PatchFolder
    known : (patches,) uint64 array or None
        State of their files when their rows were made; 0 where there are no rows.
    """

    patches: Sequence[PatchFolder]
    known: NDArray[np.uint64] | None

    @classmethod
    def of(cls, patches: Sequence[PatchFolder], known: Known | None, some: slice) -> Self:
        """Some of all patches."""
        states = None if known is None else known.file_state[some]
        return cls(patches[some], states if states is not None and states.any() else None)


@dataclass(frozen=True)
class ScannedChunk:
    """The rows of a chunk's patches, and what was read for them.

    Attributes
    ----------
    rows : pyarrow.Table
        Rows of the inventory for the patches that were read.
    counts : (patches read,) int64 array
        How many rows each of them has.
    file_states : (patches,) uint64 array
        As of `BandFileReader.stat`.
    unchanged : (patches not read,) int array
        Indices of the patches whose files are as they were, ascending.
    files, bytes, slow_files
        As of `ScanSummary`.
    """

    rows: pa.Table
    counts: NDArray[np.int64]
    file_states: NDArray[np.uint64]
    unchanged: NDArray[np.intp]
    files: int
    bytes: int
    slow_files: Mapping[str, int]

    def together_with(
        self, kept: pa.Table, kept_counts: NDArray[np.int64]
    ) -> tuple[pa.Table, NDArray[np.int64]]:
        """Add the rows of unchanged patches: rows in the order of patches, and how many each has."""
        if not len(self.rows):
            return kept, kept_counts
        counts = np.zeros(len(self.file_states), np.int64)
        counts[self.unchanged] = kept_counts
        changed = np.setdiff1d(np.arange(len(counts)), self.unchanged)
        counts[changed] = self.counts
        order = np.concatenate(
            [np.repeat(some, counts[some]) for some in (changed, self.unchanged)]
        )
        rows = pa.concat_tables([self.rows, kept])
        return rows.take(np.argsort(order, kind="stable")), counts


def scan_chunk(root: Location, layout: Layout, chunk: Chunk) -> ScannedChunk:
    """Read and measure the bands of those patches of a chunk that have changed.

    A file or folder that cannot be read says why in its row; a server that does not answer is a
    `RemoteError`.
    """
    reader = _reader(root, layout)
    states = np.zeros(len(chunk.patches), np.uint64)
    unchanged = np.zeros(len(chunk.patches), bool)
    if chunk.known is not None:
        states = reader.stat(chunk.patches)
        unchanged = (states == chunk.known) & (states != 0)
    changed = np.flatnonzero(~unchanged)
    patches = [chunk.patches[i] for i in changed.tolist()]
    rows = InventoryRows(patches, layout)
    files = size = 0
    reading = reader.read(patches)
    states[changed] = reading.file_states
    for row, name in reading.strays:
        rows.add_stray(row, name)
    for name, found in reading.bands.items():
        there = np.flatnonzero(found.sizes >= 0)
        for band in _bands_of(layout, name):
            rows.fill(there, band, bytes=found.sizes[there])
        files += len(there)
        size += int(found.sizes[there].sum())
        for group in found.plain:
            _fill_plain(rows, _bands_of(layout, name), group, layout)
    slow_files = Counter(_fill_others(rows, reader, patches, reading))
    return ScannedChunk(
        rows.table(), rows.counts(), states, np.flatnonzero(unchanged), files, size, slow_files
    )


def scan_patches(root: Location, patches: Sequence[PatchFolder]) -> pa.Table:
    """Rows of the inventory for a few patches of an archive, in their order."""
    return scan_chunk(root, patches[0].layout, Chunk(patches, None)).rows


def _bands_of(layout: Layout, name: str) -> tuple[str, ...]:
    """Bands that a file of `Layout.files` holds."""
    return layout.band_names if layout.one_file else (name,)


class _Kept(threading.local):
    """The reader of a thread: threads that shared one would fill each other's buffers."""

    reader: BandFileReader | None = None


_kept = _Kept()


def _reader(root: Location, layout: Layout) -> BandFileReader:
    """One reader a thread: its buffers and its cache of headers serve all chunks."""
    kept = _kept.reader
    if kept is None or kept.root != root or kept.layout is not layout:
        kept = _kept.reader = band_file_reader(root, patches_per_chunk(layout), layout)
    return kept


def _fill_plain(
    rows: InventoryRows, bands: Sequence[str], group: PlainGroup, layout: Layout
) -> None:
    profile, (width, height) = group.header.profile, group.sides.T
    if profile.bands != len(bands):
        detail = _of_many(len(bands), profile.bands)
        for band in bands:
            rows.fill(group.rows, band, status="unreadable", detail=detail)
        return
    square = np.abs(width - height) <= SAME_PIXEL * np.maximum(width, height)
    header_hash = hash_bytes(group.heads)
    planes = group.pixels.transpose(2, 0, 1)
    if len(bands) > 1 or not planes.flags.aligned:
        planes = np.ascontiguousarray(planes)
    for band, pixels in zip(bands, planes, strict=True):
        moments = measure_rows(pixels, profile.nodata)
        _fill(rows, group.rows, band, profile, moments)
        rows.fill(group.rows[square], band, pixel_size=width[square])
        rows.fill(
            group.rows,
            band,
            x=group.corners[:, 0],
            y=group.corners[:, 1],
            pixel_width=width,
            pixel_height=height,
            offset=group.header.pixel_offset,
            header_hash=header_hash,
            pixel_hash=hash_pixels(pixels, (profile.height, profile.width)),
        )
        _fill_linear(rows, group.rows, layout.bands[band], pixels, profile.nodata)
        some = moments.valid > 0
        rows.fill(group.rows[some], band, min=moments.min[some], max=moments.max[some])
        if profile.dtype.kind == "f":
            for row in np.flatnonzero(moments.nodata_count).tolist():
                odd = not_finite(pixels[row], profile.nodata)
                rows.fill(int(group.rows[row]), band, detail=odd)


def _fill_others(
    rows: InventoryRows, reader: BandFileReader, patches: Sequence[PatchFolder], reading: Reading
) -> list[str]:
    """Fill in the files that are not plain; returns their encodings."""
    others = [(row, name) for name, found in reading.bands.items() for row in found.others]
    with gdal_session() if others else nullcontext():
        return [_fill_other(rows, row, name, reader, patches[row]) for row, name in others]


def _fill_other(
    rows: InventoryRows, row: int, name: str, reader: BandFileReader, patch: PatchFolder
) -> str:
    """Fill in a file that is not plain; returns its encoding, or ``unreadable``."""
    source, bands = f"{reader.root}/{patch.band_path(name)}", _bands_of(reader.layout, name)
    try:
        content = reader.content(patch, row, name)
        raster = decode_raster(content, source)
        if len(raster.pixels) != len(bands):
            raise TypeError(_of_many(len(bands), len(raster.pixels)))
        for band, pixels in zip(bands, raster.pixels, strict=True):
            _fill_band(rows, row, reader.layout.bands[band], raster, pixels)
        if raster.encoding == "plain" and (header := parse_header(content)):
            head = np.frombuffer(content, np.uint8, header.pixel_offset)
            fingerprint = hash_bytes(head[np.newaxis])[0]
            for band in bands:
                rows.fill(row, band, offset=header.pixel_offset, header_hash=fingerprint)
    except (BenkitError, TypeError, OverflowError) as error:
        for band in bands:
            rows.fill(row, band, status="unreadable", detail=without_name(error, source))
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
    _fill_linear(rows, np.array([row]), of_layout, pixels.reshape(1, -1), profile.nodata)
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
    if band.unit == "dB":
        sums, sums_sq = linear_sums(pixels, nodata, band)
        some = np.isfinite(sums)
        rows.fill(which[some], band.name, linear_sum=sums[some], linear_sum_sq=sums_sq[some])


def _fill(
    rows: InventoryRows,
    which: int | NDArray[np.intp],
    band: str,
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
