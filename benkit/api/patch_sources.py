"""The patches that a table or an archive names, whatever the source is."""

from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from benkit.archive.listing import list_archive
from benkit.errors import MissingInputError
from benkit.metadata.patch_list import read_patch_table
from benkit.reference_maps.map_files import polygon_files

__all__ = ["holds_reference_maps", "read_patches"]


def holds_reference_maps(path: Path) -> bool:
    """Whether a path is a folder, which can be listed, with GeoParquet files directly in it."""
    with suppress(OSError):
        return bool(polygon_files(path))
    return False


def read_patches(source: Path) -> pa.Table:
    """Read which patches there are.

    Parameters
    ----------
    source : Path
        A table with the column ``patch_id``, such as metadata or footprints, or the folder of an
        archive, whose patch folders are taken by their names.

    Returns
    -------
    pyarrow.Table
        ``patch_id``, each once, in the order of the table, sorted if it is an archive; and the other
        columns of a table.

    Raises
    ------
    MissingInputError, InputFormatError
        If there is no such file or folder, no patch in it, or a table is damaged, lacks the column or
        repeats a patch.
    """
    if not source.is_dir():
        return read_patch_table(source)
    patches = sorted({folder.patch_id for folder in list_archive(source).patches})
    if not patches:
        raise MissingInputError(
            f"{source}: expected reference maps (*.parquet) or an archive, "
            "<root>/<product>/<patch id>/, but it holds neither"
        )
    return pa.table({"patch_id": pa.array(patches, pa.string())})
