"""Everything about one patch."""

import os
from pathlib import Path

from benkit.api.inputs.sources import MetadataLike, as_metadata
from benkit.archive.layout_file import LayoutLike, patch_at, patch_named
from benkit.archive.tar_layout import patch_in_tar
from benkit.domain.layouts import ARCHIVE_METADATA
from benkit.errors import OptionError
from benkit.files.remote.location import as_path
from benkit.files.tar.folder import TarFolder
from benkit.files.tar.stream import is_tar
from benkit.inventory.inspect import Inspection, inspect_folder, read_pixels
from benkit.inventory.table.in_tar import require_plain_tar
from benkit.option_types import with_option_types


@with_option_types
def inspect(
    patch: str | os.PathLike[str],
    archive: str | os.PathLike[str] | None = None,
    metadata: MetadataLike | None = None,
    *,
    layout: LayoutLike = None,
    figure: str | os.PathLike[str] | None = None,
) -> Inspection:
    """Tell everything about one patch: its name, place, labels, bands and findings.

    Parameters
    ----------
    patch : path or str
        Folder of the patch, such as ``<root>/<product>/<patch id>``, its file, or its id.
    archive : path, optional
        Root of the archive, or its plain tar; needed for a patch id. Of a tar all headers are read, but
        no other patch.
    metadata : path, URL, Metadata or table, or sequence of these, optional
        With the columns ``patch_id`` and ``labels``; if not given, the ``metadata.parquet`` in the
        archive, which `benkit.patchify` writes, if that is no tar. Without any nothing is said of
        labels, and the findings do not tell whether the patch is part of the data set.
    layout : str, path or Layout, optional
        As of `benkit.scan`.
    figure : path, optional
        Where to draw the bands: PNG, PDF or SVG, as the suffix says.

    Raises
    ------
    OptionError
        If a patch id comes without an archive.
    """
    table = None if metadata is None else as_metadata(metadata).table
    root: Path | TarFolder
    if as_path(patch).exists():
        root, found = patch_at(as_path(patch), layout)
    elif archive is None:
        raise OptionError(
            f"{patch}: expected the folder of a patch, but there is none; "
            "for a patch id, name the archive that holds it"
        )
    else:
        root = as_path(archive)
        if is_tar(root):
            require_plain_tar(root)
            root, found = patch_in_tar(root, os.fspath(patch), layout)
        else:
            found = patch_named(root, os.fspath(patch), layout)
    if table is None and isinstance(root, Path) and (root / ARCHIVE_METADATA).is_file():
        table = as_metadata(root / ARCHIVE_METADATA).table
    inspection = inspect_folder(root, found, table)
    if figure is not None:
        from benkit.files.writing.figure import write_figure
        from benkit.reporting.figures.patch_figure import draw_patch

        write_figure(draw_patch(inspection, read_pixels(inspection)), figure)
    return inspection
