"""Read every pixel of an archive once into a table, the inventory."""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from benkit.archive.layout_file import LayoutLike, layout_of
from benkit.archive.listing import PatchFolder, list_archive, require_inside
from benkit.archive.wrong_level import require_archive
from benkit.engine import Engine, run
from benkit.engine.progress import Progress, bytes_text, reporter
from benkit.errors import RasterError
from benkit.files.limits import LARGEST_FILE
from benkit.files.remote.location import LocationLike, as_location
from benkit.files.tar.read_at import TarContent
from benkit.files.tar.stream import is_tar, require_local
from benkit.files.writing.transfer import uploading
from benkit.inventory.scanning.chunk import Chunk, patches_per_chunk, scan_chunk
from benkit.inventory.scanning.linear_power import require_decibels
from benkit.inventory.scanning.resume import scan_state
from benkit.inventory.scanning.rows import closed_rows, stray_rows
from benkit.inventory.scanning.scan_tar import scan_tar
from benkit.inventory.scanning.summary import ScanSummary
from benkit.inventory.table.in_tar import files_of, require_tar_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.inventory.table.inventory_writer import require_same_archive
from benkit.inventory.table.parts import inventory_output
from benkit.option_types import with_option_types
from benkit.tiff.raster import Raster
from benkit.tiff.read import decode_raster, read_whole


@with_option_types
def scan(
    archive: LocationLike,
    output: LocationLike,
    *,
    layout: LayoutLike = None,
    engine: Engine | None = None,
    scale: str | None = None,
    full: bool = False,
    append: bool = False,
    progress: Progress = None,
) -> ScanSummary:
    """Scan an archive into an inventory.

    An interrupted scan is taken up again where it stopped, and of an archive that was scanned before
    only the patches are read whose files have changed; see `benkit.inventory.scanning.resume`.

    Parameters
    ----------
    archive : Location
        Its folder, on this machine or at a location such as ``s3://bucket/archive``; or its tar on this
        machine, plain or packed with zstd or gzip, which is read in one pass without being unpacked.
    output : Location
        The inventory, a Parquet file with the columns of `INVENTORY_SCHEMA`: first what was not
        entered and the files that lie beside the patches, then by product and patch all bands. A name
        without a suffix is that of a folder on this machine, which gets a file for each product; see
        `benkit.inventory.table.parts`.
        It appears, or replaces an earlier one, when the scan is done. The same archive gives the same
        bytes whatever the engine, the number of workers and the number of interruptions.
    layout : str, path or Layout, optional
        How the archive lies on disk: the name of a built-in layout, a file that describes one (see
        docs/layouts.md), or a value. If not given, a built-in layout is recognised.
    engine : Engine, optional
        Where it is read; on one local process a core if not given.
    scale : {"linear"}, optional
        Of bands in decibels, add also the power 10^(x/10), for `benkit.stats` with the same scale.
    full : bool
        Whether to read everything, also what has not changed.
    append : bool
        Whether to bring an inventory in parts up to date, or begin one: that of another archive is
        refused, which a scan would else replace.
    progress : bool or callable, optional
        Off, on (shown on stderr), or called with (patches done, of all, bytes read); of a tar with
        bytes in the place of patches.

    Returns
    -------
    ScanSummary

    Raises
    ------
    MissingInputError
        If the archive is not a folder.
    InputFormatError
        If it holds no patch at that place, with the folder that fits; or if a tar is damaged or not
        whole: the inventory then has the rows of what lies before. Or if an inventory is of another
        archive, for ``append``.
    OptionError
        If the name of the inventory has another suffix than .parquet, or is that of one file for
        ``append``; or if the scale is another, or bands are not in decibels.
    OutputError
        If the inventory cannot be written.
    RemoteError
        If a server does not answer, or denies access.
    WorkerError
        If workers die again and again.
    """
    start = time.monotonic()
    target, root = inventory_output(output, append=append), as_location(archive)
    if is_tar(root) or (isinstance(root, Path) and root.is_file()):
        tar, shown = require_local(root), reporter(progress, bytes_text)
        with uploading(target) as path:
            return scan_tar(
                tar, path, layout, engine=engine, scale=scale, append=append, report=shown
            )
    report = reporter(progress)
    layout = layout_of(root, layout)
    if scale is not None:
        require_decibels(layout, scale, str(root))
    listing = list_archive(root, layout)
    require_archive(listing)
    if append and isinstance(target, Path):
        require_same_archive(target, layout, (patch.product for patch in listing.patches))
    patches = listing.patches
    at_once = patches_per_chunk(layout)
    edges = range(0, len(patches), at_once)
    done = unchanged = files = size = 0
    slow_files: Counter[str] = Counter()
    work = partial(scan_chunk, root, layout, scale=scale)
    with (
        uploading(target) as path,
        scan_state(path, listing.name, layout, scale) as state,
    ):
        state.add(closed_rows(listing.closed))
        state.add(stray_rows((None, path) for path in listing.strays))
        known = None if full else state.known(patches)
        chunks = [Chunk.of(patches, known, slice(i, i + at_once)) for i in edges]
        for chunk, scanned in zip(chunks, run(work, chunks, engine), strict=True):
            rows, counts = scanned.rows, scanned.counts
            if known and len(scanned.unchanged):
                kept = state.earlier_rows(known, done + scanned.unchanged)
                rows, counts = scanned.together_with(*kept)
            state.add(rows, chunk.patches, scanned.file_states, counts)
            done += len(chunk.patches)
            unchanged += len(scanned.unchanged)
            files += scanned.files
            size += scanned.bytes
            slow_files.update(scanned.slow_files)
            report(done, len(patches), size)
    assert done == len(patches), "every patch was scanned or taken over"
    assert state.rows >= done * len(layout.bands), "every patch has a row for each band"
    assert sum(slow_files.values()) <= files <= state.rows, "every file that was read has a row"
    seconds = time.monotonic() - start
    slow = dict(sorted(slow_files.items()))
    closed, parts = len(listing.closed), state.changes
    return ScanSummary(
        layout.name, done, state.rows, closed, unchanged, files, size, slow, seconds, parts
    )


def band_reader(
    archive: str | os.PathLike[str], inventory: Inventory
) -> Callable[[str, str], Raster]:
    """A function that reads a band of a patch of an archive; the inventory knows where it lies.

    It is called with a patch id and a band and raises `MissingInputError` or `RasterError`, as
    `read_raster` does, and `InputFormatError` where the inventory's names or links lead out of the
    archive.
    """
    rows = inventory.query(
        "SELECT patch_id, min(product) FROM inventory WHERE band IS NOT NULL GROUP BY patch_id"
    )
    products = dict(rows)
    if require_tar_of(inventory, Path(archive)):
        return partial(_band_in_tar, Path(archive), inventory, products)

    def read_band(patch_id: str, band: str) -> Raster:
        patch = PatchFolder(products[patch_id], patch_id, inventory.layout)
        require_inside(Path(archive), patch)
        path = Path(archive) / patch.band_path(band)
        return _one_band(decode_raster(read_whole(path, follow=False), str(path)), patch, band)

    return read_band


def _band_in_tar(
    tar: Path, inventory: Inventory, products: dict[str, str], patch_id: str, band: str
) -> Raster:
    patch = PatchFolder(products[patch_id], patch_id, inventory.layout)
    named = pa.table({"product": [patch.product], "patch_id": [patch_id]})
    for rows, starts in files_of(inventory, named):
        for name, start in zip(rows["band"].to_pylist(), starts, strict=True):
            if name == band and start is not None:
                content = TarContent(tar, patch.band_path(band), start)
                raster = decode_raster(content.read_bytes(LARGEST_FILE), str(content))
                return _one_band(raster, patch, band)
    raise RasterError(
        f"{tar}: expected the band {band} of {patch_id}, but it is no file in the tar"
    )


def _one_band(raster: Raster, patch: PatchFolder, band: str) -> Raster:
    """The band of a file that may hold all of them."""
    if not patch.layout.one_file:
        return raster
    number = patch.layout.band_names.index(band)
    if number >= len(raster.pixels):
        raise RasterError(f"{patch.key}: expected a band {band}, but its file has fewer bands")
    return replace(raster, pixels=raster.pixels[number : number + 1])
