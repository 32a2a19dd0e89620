"""The metadata that an archive keeps of its own patches: which it has, and where their grids begin."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benkit.domain.baselines import ADDED_OFFSET
from benkit.domain.layouts import ARCHIVE_METADATA
from benkit.errors import OutputError
from benkit.files.tables.table import write_table
from benkit.files.writing.replace import output_errors
from benkit.files.writing.staging import holding
from benkit.ground.footprints import GRID_CORNER
from benkit.metadata.metadata_file import TEXTS, read_metadata

_SCHEMA = pa.schema(
    [
        ("patch_id", pa.string()),
        ("labels", TEXTS),
        *((name, pa.float64()) for name in GRID_CORNER),
        (ADDED_OFFSET, pa.int64()),
    ]
)


def read_own_metadata(archive: Path) -> pa.Table:
    """The metadata that `write_own_metadata` has left in an archive; without rows if there are none.

    Raises
    ------
    OutputError
        If there are others in their place.
    """
    path = archive / ARCHIVE_METADATA
    if not path.exists():
        return _SCHEMA.empty_table()
    table = read_metadata(path)
    if not set(_SCHEMA.names) <= set(table.column_names):
        raise OutputError(
            f"{path}: expected the metadata that patchify keeps there, with the columns "
            f"{', '.join(_SCHEMA.names)}, but there are {', '.join(table.column_names)}; move them"
        )
    return table


def write_own_metadata(
    archive: Path,
    product: str,
    patch_ids: Sequence[str],
    corner: tuple[float, float] | None,
    offset: int | None,
) -> None:
    """Write the patches of a product into the metadata of an archive, in the place of its earlier ones.

    Parameters
    ----------
    corner : (west, north) or None
        Where columns and rows begin, in metres, if not in the corner of the tile.
    offset : int or None
        What was added to the digital numbers; None if it is not known.
    """
    path = archive / ARCHIVE_METADATA
    count = len(patch_ids)
    new = pa.table(
        [patch_ids, [[]] * count, *([one] * count for one in (*(corner or (None, None)), offset))],
        schema=_SCHEMA,
    )
    with output_errors(path), holding(archive.resolve(), wait=True):
        earlier = read_own_metadata(archive)
        of_product = pc.equal(pc.utf8_slice_codeunits(earlier["patch_id"], 0, -6), product)
        rows = pa.concat_tables(
            [earlier.filter(pc.invert(of_product)), new], promote_options="default"
        )
        write_table(rows.sort_by("patch_id"), path)
