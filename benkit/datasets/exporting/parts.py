"""What an export puts into which folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from benkit.datasets.exporting.part_metadata import PartMetadata
from benkit.datasets.exporting.write_archive import ExportPart
from benkit.files.tables.table import one_array
from benkit.metadata.metadata_rows import MetadataRows
from benkit.metadata.patch_list import are_among, distinct_ids
from benkit.reference_maps.map_files import POLYGON_SUFFIXES
from benkit.splits.split import Split


def export_parts(
    folders: pa.Table,
    metadata: MetadataRows | None,
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
    metadata : MetadataRows or None
        Of any patches; the side of the split becomes its column ``split``.
    split : Split or None
    maps : mapping of str to Path
        Reference maps by patch id, of any patches.
    id_column : str
        The column of the metadata that names the patches.
    as_folders : bool
        Whether each side gets a folder.
    """
    parts = []
    for name, some in _folders_by_side(folders, split if as_folders else None):
        ids = distinct_ids(some["patch_id"])
        rows = None if metadata is None else PartMetadata(metadata, ids, id_column, split)
        places = {
            _map_place(one, maps[one]): maps[one]
            for one in (ids.to_pylist() if maps else [])
            if one in maps
        }
        if len(some):
            parts.append(ExportPart(name, some, rows, places))
    return parts


def _folders_by_side(folders: pa.Table, split: Split | None) -> Iterator[tuple[str, pa.Table]]:
    """The folders of each side of a split, or all without one."""
    if split is None:
        yield "", folders
        return
    ids = one_array(folders["patch_id"])
    for name, of_side in split.side_ids().items():
        yield name, folders.filter(pa.array(are_among(ids, of_side)))


def _map_place(patch: str, path: Path) -> str:
    """Where a reference map goes: that of pixels where the download has it."""
    if path.suffix.lower() in POLYGON_SUFFIXES:
        return path.name
    return f"{patch.rsplit('_', 2)[0]}/{patch}/{path.name}"
