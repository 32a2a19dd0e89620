"""Everything about one patch."""

import os

from benkit.api.sources import MetadataLike, as_metadata
from benkit.inventory.inspect import Inspection, inspect_patch, read_pixels

__all__ = ["inspect"]


def inspect(
    patch: str | os.PathLike[str],
    archive: str | os.PathLike[str] | None = None,
    metadata: MetadataLike | None = None,
    *,
    figure: str | os.PathLike[str] | None = None,
) -> Inspection:
    """Look at one patch.

    Parameters
    ----------
    patch, archive
        As of `benkit.inspect_patch`: a patch's folder, or its id and the archive.
    metadata : path, address or pyarrow.Table, optional
        With the columns ``patch_id`` and ``labels``.
    figure : path, optional
        Where to draw the bands: PNG, PDF or SVG, as the suffix says.

    Raises
    ------
    MissingInputError, InputFormatError, OptionError
        If there is no such patch, archive or metadata.
    """
    table = None if metadata is None else as_metadata(metadata)
    inspection = inspect_patch(patch, archive, table)
    if figure is not None:
        from benkit.files.writing.figure import write_figure
        from benkit.reporting.figures.patch_figure import draw_patch

        write_figure(draw_patch(inspection, read_pixels(inspection)), figure)
    return inspection
