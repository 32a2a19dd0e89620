"""Read every pixel of an archive once and keep a table of what was found."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa

from benkit.engine import Engine, run
from benkit.errors import BenkitError
from benkit.inventory_rows import InventoryRows, stray_rows
from benkit.io.archive import PatchFolder, band_file_name, list_archive
from benkit.io.band_files import BandFileReader, PlainGroup
from benkit.io.geotiff import Raster, read_raster
from benkit.io.inventory_file import Inventory, writing_inventory
from benkit.moments import MEASURABLE, measure, measure_rows
from benkit.spec.bands import BAND_NAMES

__all__ = ["Progress", "ScanSummary", "open_source", "scan_archive"]

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is."""

_PATCHES_PER_CHUNK = 128
_PATCHES_AT_ONCE = 32


@dataclass(frozen=True)
class ScanSummary:
    """What a scan has found.

    Attributes
    ----------
    patches, rows : int
        Patches of the archive and rows of the inventory.
    files, bytes : int
        Band files that were there, and their length together.
    slow_files : int
        Band files among them that were not plain, so that GDAL had to read them.
    seconds : float
    """

    patches: int
    rows: int
    files: int
    bytes: int
    slow_files: int
    seconds: float


def scan_archive(
    archive: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> ScanSummary:
    """Scan an archive into an inventory.

    Parameters
    ----------
    archive : path
        Folder with the layout ``<root>/<product>/<patch id>/<patch id>_<band>.tif``.
    output : path
        The inventory, a Parquet file with the columns of `INVENTORY_SCHEMA`: first the files that lie
        beside the patches, then by product and patch the twelve bands. It appears, or replaces an
        earlier one, when the scan is done. The same archive gives the same bytes whatever the
        engine and the number of workers.
    engine : Engine, optional
        Where it is read; on one local process a core if not given.
    progress : callable, optional
        Called with the number of patches that are done and of all patches.

    Returns
    -------
    ScanSummary

    Raises
    ------
    MissingInputError
        If the archive is not a folder.
    OutputError
        If the inventory cannot be written.
    """
    start = time.monotonic()
    listing = list_archive(Path(archive))
    total = len(listing.patches)
    chunks = [
        listing.patches[i : i + _PATCHES_PER_CHUNK] for i in range(0, total, _PATCHES_PER_CHUNK)
    ]
    files = size = slow_files = 0
    with writing_inventory(Path(output)) as inventory:
        inventory.write(stray_rows((None, path) for path in listing.strays))
        scanned = run(partial(scan_chunk, listing.root), chunks, engine)
        for done, chunk in enumerate(scanned, 1):
            inventory.write(chunk.rows)
            files += chunk.files
            size += chunk.bytes
            slow_files += chunk.slow_files
            if progress:
                progress(min(done * _PATCHES_PER_CHUNK, total), total)
    assert inventory.rows >= total * len(BAND_NAMES), "every patch has a row for each band"
    assert slow_files <= files <= inventory.rows, "every file that was read has a row"
    seconds = time.monotonic() - start
    return ScanSummary(total, inventory.rows, files, size, slow_files, seconds)


@contextmanager
def open_source(
    source: str | os.PathLike[str],
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Iterator[Inventory]:
    """Open an inventory; an archive is scanned into a temporary one first.

    Parameters
    ----------
    source : path
        Folder of an archive, or an inventory.
    engine, progress
        As in `scan_archive`.

    Raises
    ------
    MissingInputError, InputFormatError
        If the source is neither.
    """
    if not Path(source).is_dir():
        yield Inventory(Path(source))
        return
    with tempfile.TemporaryDirectory(prefix="benkit-") as folder:
        path = Path(folder) / "inventory.parquet"
        scan_archive(source, path, engine=engine, progress=progress)
        yield Inventory(path)


@dataclass(frozen=True)
class _ScannedChunk:
    rows: pa.Table
    files: int
    bytes: int
    slow_files: int


def scan_chunk(root: Path, patches: Sequence[PatchFolder]) -> _ScannedChunk:
    """Read and measure the bands of some patches: the work of one worker at a time."""
    reader = _reader(root)
    rows = InventoryRows(patches)
    files = size = slow_files = 0
    for start in range(0, len(patches), reader.capacity):
        some = patches[start : start + reader.capacity]
        reading = reader.read(some)
        for row, name in reading.strays:
            rows.add_stray(start + row, name)
        for band, found in reading.bands.items():
            there = found.sizes >= 0
            files += int(there.sum())
            size += int(found.sizes[there].sum())
            slow_files += len(found.others)
            for group in found.plain:
                _fill_plain(rows, start, band, group)
            for row in found.others:
                _fill_other(rows, start + row, band, _path(root, some[row], band), found.sizes[row])
    return _ScannedChunk(rows.table(), files, size, slow_files)


@lru_cache(maxsize=1)
def _reader(root: Path) -> BandFileReader:
    """One reader a process: its buffers and the headers that it knows serve all chunks."""
    return BandFileReader(root, _PATCHES_AT_ONCE)


def _path(root: Path, patch: PatchFolder, band: str) -> Path:
    return root / patch.product / patch.patch_id / band_file_name(patch.patch_id, band)


def _fill_plain(rows: InventoryRows, start: int, band: str, group: PlainGroup) -> None:
    header, patches = group.header, group.rows + start
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


def _fill_other(rows: InventoryRows, row: int, band: str, path: Path, size: int) -> None:
    rows.fill(row, band, bytes=size)
    try:
        raster = read_raster(path)
        _check_measurable(raster)
        _fill_raster(rows, row, band, raster)
    except (BenkitError, TypeError, OverflowError) as error:
        detail = str(error).removeprefix(f"{path}: ")
        rows.fill(row, band, status="unreadable", detail=detail)


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
