"""Hold exported files against the rows of the inventory that tells of them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benkit.archive.listing import PatchFolder
from benkit.domain.layout import Layout
from benkit.errors import InputFormatError
from benkit.files.remote.location import Location
from benkit.inventory.scanning.chunk import patches_per_chunk, scan_patches

_KEY = ("product", "patch_id", "band")
# The sums tell where an inventory of an earlier version has no fingerprints.
_SAME = ("status", "bytes", "header_hash", "pixel_hash", "valid", "sum", "sum_sq", "min", "max")


def require_same_content(archive: Location, rows: pa.Table, root: Location, layout: Layout) -> None:
    """Refuse files whose header or pixels are not those of the rows, which are of patches of ``root``.

    Raises
    ------
    InputFormatError
        If a file was changed after the scan, or was not copied whole.
    """
    products, ids = (rows[name].to_pylist() for name in _KEY[:2])
    named = dict.fromkeys(zip(products, ids, strict=True))
    patches = [PatchFolder(product, patch_id, layout) for product, patch_id in named]
    at_once = patches_per_chunk(layout)
    parts = [
        scan_patches(archive, patches[start : start + at_once])
        for start in range(0, len(patches), at_once)
    ]
    scanned = pa.concat_tables(parts)
    found = scanned.take(pc.index_in(_keys(rows), _keys(scanned)))
    for name in _SAME:
        differs = pc.fill_null(pc.not_equal(rows[name], found[name]), True)
        wrong = pc.and_(pc.is_valid(rows[name]), differs)
        if pc.any(wrong).as_py():
            first = rows.filter(wrong).slice(0, 1).to_pylist()[0]
            patch = PatchFolder(first["product"], first["patch_id"], layout)
            path = patch.band_path(first["band"])
            raise InputFormatError(
                f"{root / path}: expected the file that was scanned, but its {name} is another one than "
                "the inventory says; scan the archive again, or name the archive that the inventory "
                f"tells of{_if_remote(archive, path)}"
            )


def _if_remote(archive: Location, path: str) -> str:
    if isinstance(archive, Path):
        return ""
    return f"; if only the upload {archive / path} is wrong, remove it, and give the same command again"


def _keys(rows: pa.Table) -> pa.Array:
    texts = [rows[name].cast(pa.string()) for name in _KEY]
    return pc.binary_join_element_wise(*texts, "/").combine_chunks()
