"""What an export puts into which folder."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benkit.datasets.exporting.write_archive import ExportPart
from benkit.reference_maps.map_files import POLYGON_SUFFIXES
from benkit.splits.split import Split


def export_parts(
    folders: pa.Table,
    metadata: pa.Table | None,
    split: Split | None,
    maps: Mapping[str, Path],
    *,
    as_folders: bool,
    id_column: str = "patch_id",
) -> list[ExportPart]:
    """What goes into the output, or into a folder for each side of the split.

    Parameters
    ----------
    folders : pyarrow.Table
        ``product`` and ``patch_id`` of the patches to export.
    metadata : pyarrow.Table or None
        Of any patches; the side of the split becomes its column ``split``.
    split : Split or None
    maps : mapping of str to Path
        Reference maps by patch id, of any patches.
    id_column : str
        The column of the metadata that names the patches.
    as_folders : bool
        Whether each side gets a folder.
    """
    if metadata is not None and split is not None:
        column = split.aligned(metadata[id_column].combine_chunks(), strict=False).table["split"]
        own = [name for name in metadata.column_names if name != "split"]
        metadata = metadata.select(own).append_column("split", column)
    sides = split.side_ids() if as_folders and split else {"": folders["patch_id"].unique()}
    parts = []
    for name, ids in sides.items():
        some = folders.filter(pc.is_in(folders["patch_id"], ids))
        wanted = some["patch_id"].combine_chunks()
        rows = None
        if metadata is not None:
            rows = metadata.filter(pc.is_in(metadata[id_column], wanted))
        places = {
            _map_place(one, maps[one]): maps[one]
            for one in (wanted.to_pylist() if maps else [])
            if one in maps
        }
        if len(some):
            parts.append(ExportPart(name, some, rows, places))
    return parts


def _map_place(patch: str, path: Path) -> str:
    """Where a reference map goes: that of pixels where the download has it."""
    if path.suffix.lower() in POLYGON_SUFFIXES:
        return path.name
    return f"{patch.rsplit('_', 2)[0]}/{patch}/{path.name}"
