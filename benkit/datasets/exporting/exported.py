"""What an archive has to export, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from benkit.archive.listing import PatchFolder
from benkit.datasets.exporting.write_archive import ExportPart
from benkit.datasets.selection import Selection
from benkit.errors import InputFormatError
from benkit.files.file_kinds import kind_of_path
from benkit.files.remote.location import Location, RemotePath
from benkit.files.tables.table import one_array
from benkit.inventory.contents import require_patches
from benkit.inventory.table.database import batches_of
from benkit.inventory.table.inventory_file import Inventory
from benkit.metadata.patch_list import rows_of


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes
    ----------
    patches, files, bytes : int
        Patches of the export, files of bands and reference maps, and their length together.
    left_out : int
        Patches of the source that are not in it; ``left_out.csv`` says why.
    warnings : tuple of str
        Patches that are not there, have no reference map, or are not in the metadata.
    """

    patches: int
    files: int
    bytes: int
    left_out: int
    warnings: tuple[str, ...] = ()


def patch_folders(inventory: Inventory) -> pa.Table:
    """``product``, as a dictionary, and ``patch_id`` of all patches, in their order."""
    require_patches(inventory)
    sql = "SELECT DISTINCT product, patch_id FROM inventory WHERE band IS NOT NULL ORDER BY ALL"
    with inventory.session() as connection:
        found = [
            pa.table(
                {"product": batch["product"].dictionary_encode(), "patch_id": batch["patch_id"]}
            )
            for batch in batches_of(connection, sql)
        ]
    return pa.concat_tables(found).unify_dictionaries().combine_chunks()


def chosen_folders(folders: pa.Table, selection: Selection) -> pa.Table:
    """Those of the patches that are chosen of them; a patch may lie in several."""
    chosen = selection.chosen
    if len(folders) > len(chosen):
        rows = rows_of(one_array(folders["patch_id"]), selection.ids)
        chosen = chosen[rows.to_numpy()]
    return folders if chosen.all() else folders.filter(pa.array(chosen))


def closed_patches(root: Location, inventory: Inventory) -> pa.Table:
    """Why patches cannot go along whatever is asked for: what is no file, and names that are escaped."""
    found = {
        patch: "none of its bands is on disk"
        for (patch,) in inventory.query(
            "SELECT patch_id FROM inventory WHERE band IS NOT NULL AND patch_id IN "
            "(SELECT patch_id FROM inventory WHERE status = 'missing') "
            "GROUP BY patch_id HAVING bool_and(status = 'missing')"
        )
    }
    in_tar = isinstance(root, Path) and root.is_file()
    for product, patch_id, band, offset in inventory.query(
        "SELECT product, patch_id, band, \"offset\" FROM inventory WHERE status = 'unreadable'"
    ):
        if in_tar:
            if offset is None:
                found[patch_id] = f"{band} is no file in the tar"
            continue
        path = root / PatchFolder(product, patch_id, inventory.layout).band_path(band)
        kind = kind_of_path(path) if isinstance(path, Path) else None
        if kind or (isinstance(path, RemotePath) and not path.is_file()):
            found[patch_id] = f"{band} is {kind or 'no file'}"
    for (patch,) in inventory.query(
        "SELECT DISTINCT patch_id FROM inventory WHERE contains(product || patch_id, chr(92))"
    ):
        found[patch] = "its name holds characters that cannot be printed"
    columns = {"patch_id": list(found), "why": list(found.values())}
    return pa.table(columns, pa.schema([(name, pa.string()) for name in columns]))


def require_some(inventory: Inventory, selection: Selection) -> None:
    """Refuse to export nothing; the error says why each patch is left out."""
    if selection.chosen.any():
        return
    raise InputFormatError(
        f"{inventory.name}: expected patches to export, but none is left: {selection.reasons}"
    )


def export_warnings(
    patches: int,
    parts: Sequence[ExportPart],
    *,
    described: int | None,
    has_maps: bool,
) -> list[str]:
    """What of the exported patches is not as whoever trains on them may expect it.

    ``described`` is how many rows of metadata there are, None if there is no metadata.
    """
    sentences = []
    if described is not None and described < patches:
        sentences.append(f"{patches - described:,} of the exported patches are not in the metadata")
    maps = sum(len(part.maps) for part in parts)
    if has_maps and maps < patches:
        sentences.append(f"{patches - maps:,} of the exported patches have no reference map")
    return sentences
