"""Where the patches lie."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benkit.api.inputs.choose import Choice
from benkit.api.inputs.places import is_inventory, known_metadata, local_inventory
from benkit.api.inputs.sources import MetadataLike, TableLike, naming
from benkit.errors import InputFormatError
from benkit.files.file_kinds import FEATURE_SUFFIXES
from benkit.files.remote.location import Location, LocationLike, require_suffix
from benkit.files.tables.features import require_feature_crs, write_features
from benkit.files.tables.geoparquet import ROWS_PER_GROUP, box_column, write_in_groups
from benkit.ground.footprint_table import OUTPUT_CRS, FootprintTable, footprint_table
from benkit.ground.hilbert import hilbert_order
from benkit.metadata.metadata_file import EVERY_COLUMN
from benkit.option_types import with_option_types

FOOTPRINT_SUFFIXES = (".parquet", *FEATURE_SUFFIXES)
"""How the name of a file of footprints may end."""


@with_option_types
def footprints(
    metadata: MetadataLike,
    *,
    crs: str = OUTPUT_CRS,
    exclude: TableLike | None = None,
    exclude_kinds: Sequence[str] | None = None,
    where: str | None = None,
    tell: Callable[[str], object] | None = None,
    output: LocationLike | None = None,
) -> FootprintTable:
    """Footprints of all patches, from their names, or as an inventory tells them.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``; or an inventory, alone or with such.
    crs : str
        Coordinate reference system of the polygons, such as ``EPSG:3035``.
    exclude, exclude_kinds, where, tell
        As of `summary`.
    output : path or URL, optional
        Where to write them: GeoParquet, in the order of a space-filling curve, so that readers skip what
        lies elsewhere; GeoJSON or a GeoPackage (.gpkg), as the suffix says.

    Raises
    ------
    OptionError
        If the reference system is not known, or cannot show a patch in one piece, or the name of the
        output ends with something else.
    """
    target = None if output is None else _target(output, crs)
    choice = Choice(exclude, exclude_kinds, where, tell)
    others = EVERY_COLUMN if target and target.suffix == ".parquet" else None
    with local_inventory(metadata) as source:
        known = choice.of_metadata(
            known_metadata(source, with_labels=False, tell=tell, others=others)
        )
        unlabelled = is_inventory(source) and not known.labels.names
    with naming(metadata, InputFormatError):
        table = known.table.drop_columns("labels") if unlabelled else known.table
        found = footprint_table(table, crs, known.squares)
    if target is None:
        return found
    if target.suffix in FEATURE_SUFFIXES:
        write_features(found.table, target, found.crs)
        return found
    order = hilbert_order((found.bounds[:, :2] + found.bounds[:, 2:]) / 2)
    write_in_groups(
        _groups(found, order),
        target,
        crs=found.crs,
        geometry_types=found.geometry_types,
        bounds=found.bounds,
    )
    return found


def _groups(found: FootprintTable, order: NDArray[np.int64]) -> Iterator[pa.Table]:
    """The rows in some order, as many as a group of rows holds at a time, with their bounds."""
    for start in range(0, max(len(order), 1), ROWS_PER_GROUP):
        rows = order[start : start + ROWS_PER_GROUP]
        yield found.take(rows).append_column("bbox", box_column(found.bounds[rows]))


def _target(output: LocationLike, crs: str) -> Location:
    """Where they can be written; refused before any work."""
    target = require_suffix(output, FOOTPRINT_SUFFIXES)
    require_feature_crs(target, crs)
    return target
