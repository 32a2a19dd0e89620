"""Read every pixel of an archive once and keep a table of what was found."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.engine import Engine, run
from benkit.errors import BenkitError
from benkit.inventory_rows import InventoryRows, closed_rows, stray_rows
from benkit.io.archive import PatchFolder, band_file_name, list_archive
from benkit.io.band_files import BandFileReader, PlainGroup, Reading
from benkit.io.gdal_session import gdal_session
from benkit.io.geotiff import Raster, decode_raster, read_whole
from benkit.io.inventory_file import Inventory
from benkit.io.location import Place, PlaceLike, place
from benkit.io.names import require_single_name
from benkit.io.remote_band_files import band_file_reader
from benkit.io.scan_state import Known, scan_state
from benkit.io.stage import temporary_folder
from benkit.io.uploads import downloaded, uploading
from benkit.moments import MEASURABLE, measure, measure_rows
from benkit.spec.bands import BAND_NAMES

__all__ = ["Progress", "ScanSummary", "band_reader", "open_source", "scan_archive", "scan_patches"]

Progress = Callable[[int, int, int], None]
"""Called with how many patches are done, how many there are, and how many bytes were read."""

_PATCHES_PER_CHUNK = 128


@dataclass(frozen=True)
class ScanSummary:
    """What a scan has found.

    Attributes
    ----------
    patches, rows : int
        Patches of the archive and rows of the inventory.
    not_scanned : int
        What was not entered: links, pipes, folders that cannot be listed.
    unchanged : int
        Patches whose rows were taken over from an earlier scan, as their files are the same.
    files, bytes : int
        Band files that were read, and their length together.
    slow_files : mapping of str to int
        Band files among them that were not plain, by what kept them from the fast path.
    seconds : float
    """

    patches: int
    rows: int
    not_scanned: int
    unchanged: int
    files: int
    bytes: int
    slow_files: Mapping[str, int]
    seconds: float


def scan_archive(
    archive: PlaceLike,
    output: PlaceLike,
    *,
    engine: Engine | None = None,
    full: bool = False,
    progress: Progress | None = None,
) -> ScanSummary:
    """Scan an archive into an inventory.

    An interrupted scan is taken up again where it stopped, and of an archive that was scanned before
    only the patches are read whose files have changed; see `benkit.io.scan_state`.

    Parameters
    ----------
    archive : path, URI or Location
        Folder with the layout ``<root>/<product>/<patch id>/<patch id>_<band>.tif``, on this machine or
        at a location such as ``s3://bucket/archive``.
    output : path, URI or Location
        The inventory, a Parquet file with the columns of `INVENTORY_SCHEMA`: first what was not
        entered and the files that lie beside the patches, then by product and patch the twelve bands.
        It appears, or replaces an earlier one, when the scan is done. The same archive gives the same
        bytes whatever the engine, the number of workers and the number of interruptions.
    engine : Engine, optional
        Where it is read; on one local process a core if not given.
    full : bool
        Whether to read everything, also what has not changed.
    progress : callable, optional
        Called with the number of patches that are done, of all patches, and of bytes that were read.

    Returns
    -------
    ScanSummary

    Raises
    ------
    MissingInputError
        If the archive is not a folder.
    OutputError
        If the inventory cannot be written.
    RemoteError
        If a server does not answer, or denies access.
    WorkerError
        If workers die again and again.
    """
    start = time.monotonic()
    listing = list_archive(place(archive))
    patches = listing.patches
    edges = range(0, len(patches), _PATCHES_PER_CHUNK)
    done = unchanged = files = size = 0
    slow_files: Counter[str] = Counter()
    with uploading(place(output)) as path, scan_state(path, listing.name) as state:
        state.add(closed_rows(listing.closed))
        state.add(stray_rows((None, path) for path in listing.strays))
        known = None if full else state.known(patches)
        chunks = [_Chunk.of(patches, known, slice(i, i + _PATCHES_PER_CHUNK)) for i in edges]
        for chunk, scanned in zip(
            chunks, run(partial(scan_chunk, listing.root), chunks, engine), strict=True
        ):
            rows, counts = scanned.rows, scanned.counts
            if known and len(scanned.unchanged):
                kept = state.earlier_rows(known, done + scanned.unchanged)
                rows, counts = _in_order_of_patches(scanned, *kept)
            state.add(rows, chunk.patches, scanned.signatures, counts)
            done += len(chunk.patches)
            unchanged += len(scanned.unchanged)
            files += scanned.files
            size += scanned.bytes
            slow_files.update(scanned.slow_files)
            if progress:
                progress(done, len(patches), size)
    assert done == len(patches), "every patch was scanned or taken over"
    assert state.rows >= done * len(BAND_NAMES), "every patch has a row for each band"
    assert sum(slow_files.values()) <= files <= state.rows, "every file that was read has a row"
    seconds = time.monotonic() - start
    slow = dict(sorted(slow_files.items()))
    return ScanSummary(done, state.rows, len(listing.closed), unchanged, files, size, slow, seconds)


@contextmanager
def open_source(
    source: PlaceLike,
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Iterator[Inventory]:
    """Open an inventory; an archive is scanned into a temporary one first.

    Parameters
    ----------
    source : path, URI or Location
        Folder of an archive, or an inventory.
    engine, progress
        As in `scan_archive`.

    Raises
    ------
    MissingInputError, InputFormatError
        If the source is neither.
    """
    source = place(source)
    if not source.is_dir():
        with downloaded(source) as path:
            yield Inventory(path, str(source))
        return
    with temporary_folder() as folder:
        path = folder / "inventory.parquet"
        scan_archive(source, path, engine=engine, progress=progress)
        yield Inventory(path)


def band_reader(archive: Path, inventory: Inventory) -> Callable[[str, str], Raster]:
    """A function that reads a band of a patch, wherever in the archive the patch lies.

    It is called with a patch id and a band and raises `MissingInputError` or `RasterError`, as
    `read_raster` does, and `InputFormatError` where the inventory's names lead out of the archive.
    """
    rows = inventory.query(
        "SELECT patch_id, min(product) FROM inventory WHERE band IS NOT NULL GROUP BY patch_id"
    )
    products = dict(rows)

    def read_band(patch_id: str, band: str) -> Raster:
        names = require_single_name(products[patch_id]), require_single_name(patch_id)
        path = archive / names[0] / names[1] / band_file_name(patch_id, band)
        return decode_raster(read_whole(path, follow=False), str(path))

    return read_band


def scan_patches(root: Place, patches: Sequence[PatchFolder]) -> pa.Table:
    """Rows of the inventory for a few patches of an archive, in their order."""
    return scan_chunk(root, _Chunk(patches, None)).rows


@dataclass(frozen=True)
class _Chunk:
    """Some patches, and the signatures that their files had when their rows were made."""

    patches: Sequence[PatchFolder]
    known: NDArray[np.uint64] | None

    @classmethod
    def of(cls, patches: Sequence[PatchFolder], known: Known | None, some: slice) -> Self:
        """Some of all patches; nothing is known where no signature is."""
        signatures = None if known is None else known.signature[some]
        if signatures is not None and not signatures.any():
            signatures = None
        return cls(patches[some], signatures)


@dataclass(frozen=True)
class _ScannedChunk:
    """Rows of the patches that were read, and which ones were not."""

    rows: pa.Table
    counts: NDArray[np.int64]
    signatures: NDArray[np.uint64]
    unchanged: NDArray[np.intp]
    files: int
    bytes: int
    slow_files: Mapping[str, int]


def scan_chunk(root: Place, chunk: _Chunk) -> _ScannedChunk:
    """Read and measure the bands of some patches: the work of one worker at a time."""
    reader = _reader(root)
    signatures = np.zeros(len(chunk.patches), np.uint64)
    unchanged = np.zeros(len(chunk.patches), bool)
    if chunk.known is not None:
        signatures = reader.look(chunk.patches)
        unchanged = (signatures == chunk.known) & (signatures != 0)
    changed = np.flatnonzero(~unchanged)
    patches = [chunk.patches[i] for i in changed.tolist()]
    rows = InventoryRows(patches)
    files = size = 0
    reading = reader.read(patches)
    signatures[changed] = reading.signatures
    for row, name in reading.strays:
        rows.add_stray(row, name)
    for band, found in reading.bands.items():
        there = found.sizes >= 0
        files += int(there.sum())
        size += int(found.sizes[there].sum())
        for group in found.plain:
            _fill_plain(rows, band, group)
    slow_files = Counter(_fill_others(rows, reader, patches, reading))
    return _ScannedChunk(
        rows.table(), rows.counts(), signatures, np.flatnonzero(unchanged), files, size, slow_files
    )


def _in_order_of_patches(
    scanned: _ScannedChunk, kept: pa.Table, kept_counts: NDArray[np.int64]
) -> tuple[pa.Table, NDArray[np.int64]]:
    """Rows that were made now and rows that were kept, by patch; and how many each patch has."""
    if not len(scanned.rows):
        return kept, kept_counts
    counts = np.zeros(len(scanned.signatures), np.int64)
    counts[scanned.unchanged] = kept_counts
    changed = np.setdiff1d(np.arange(len(counts)), scanned.unchanged)
    counts[changed] = scanned.counts
    order = np.concatenate([np.repeat(some, counts[some]) for some in (changed, scanned.unchanged)])
    rows = pa.concat_tables([scanned.rows, kept])
    return rows.take(np.argsort(order, kind="stable")), counts


@lru_cache(maxsize=1)
def _reader(root: Place) -> BandFileReader:
    """One reader a process: its buffers and the headers that it knows serve all chunks."""
    return band_file_reader(root, _PATCHES_PER_CHUNK)


def _fill_plain(rows: InventoryRows, band: str, group: PlainGroup) -> None:
    header, patches = group.header, group.rows
    moments = measure_rows(group.pixels, header.nodata)
    rows.fill(
        patches,
        band,
        status="ok",
        bytes=header.size,
        width=header.width,
        height=header.height,
        dtype=header.dtype.name,
        valid=moments.valid,
        nodata_count=moments.nodata_count,
        sum=moments.sum,
        sum_sq=moments.sum_sq,
        epsg=header.epsg,
        x=group.corners[:, 0],
        y=group.corners[:, 1],
        pixel_size=header.pixel_size,
    )
    if header.nodata is not None:
        rows.fill(patches, band, nodata=header.nodata)
    some = moments.valid > 0
    rows.fill(patches[some], band, min=moments.min[some], max=moments.max[some])


def _fill_others(
    rows: InventoryRows, reader: BandFileReader, patches: Sequence[PatchFolder], reading: Reading
) -> list[str]:
    """Fill in the files that are not plain; returns of each why it is not."""
    others = [(row, band) for band, found in reading.bands.items() for row in found.others]
    if not others:
        return []
    for row, band in others:
        rows.fill(row, band, bytes=reading.bands[band].sizes[row])
    with gdal_session():
        return [_fill_other(rows, row, band, reader, patches[row]) for row, band in others]


def _fill_other(
    rows: InventoryRows, row: int, band: str, reader: BandFileReader, patch: PatchFolder
) -> str:
    """Fill in a file that is not plain; returns why it is not."""
    source = (
        f"{reader.root}/{patch.product}/{patch.patch_id}/{band_file_name(patch.patch_id, band)}"
    )
    try:
        raster = decode_raster(reader.content(patch, row, band), source)
        _check_measurable(raster)
        _fill_raster(rows, row, band, raster)
    except (BenkitError, TypeError, OverflowError) as error:
        detail = str(error).removeprefix(f"{source}: ")
        rows.fill(row, band, status="unreadable", detail=detail)
        return "unreadable"
    return raster.encoding


def _check_measurable(raster: Raster) -> None:
    if len(raster.pixels) != 1:
        raise TypeError(f"expected one band in the file, but there are {len(raster.pixels)}")
    if raster.pixels.dtype.name not in MEASURABLE:
        raise TypeError(f"its data type, {raster.pixels.dtype.name}, cannot be measured")


def _fill_raster(rows: InventoryRows, row: int, band: str, raster: Raster) -> None:
    height, width = raster.pixels.shape[1:]
    moments = measure(raster.pixels[0], raster.nodata)
    sums = (
        {"sum": moments.sum, "sum_sq": moments.sum_sq}
        if isinstance(moments.sum, int)
        else {"float_sum": moments.sum, "float_sum_sq": moments.sum_sq}
    )
    rows.fill(
        row,
        band,
        status="ok",
        width=width,
        height=height,
        dtype=raster.pixels.dtype.name,
        valid=moments.valid,
        nodata_count=moments.nodata_count,
        **sums,
    )
    optional: dict[str, float | None] = {
        "nodata": raster.nodata,
        "min": moments.min,
        "max": moments.max,
    }
    optional |= {"epsg": raster.epsg, **_north_up(raster)}
    rows.fill(row, band, **{name: value for name, value in optional.items() if value is not None})


def _north_up(raster: Raster) -> dict[str, float]:
    """Corner and pixel size, where the pixels are square and north is up."""
    if raster.transform is None:
        return {}
    a, b, x, d, e, y = raster.transform
    return {"x": x, "y": y, "pixel_size": a} if (b, d, e) == (0, 0, -a) else {}
