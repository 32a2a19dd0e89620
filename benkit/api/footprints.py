"""Where the patches lie."""

from benkit.api.sources import MetadataLike, as_metadata, naming
from benkit.errors import InputFormatError
from benkit.files.remote.location import LocationLike
from benkit.files.tables.geoparquet import write_geoparquet
from benkit.ground.footprint_table import OUTPUT_CRS, FootprintTable, footprint_table


def footprints(
    metadata: MetadataLike, *, crs: str = OUTPUT_CRS, output: LocationLike | None = None
) -> FootprintTable:
    """Footprints of all patches, from their names.

    Parameters
    ----------
    metadata : path, URL, Metadata or table, or sequence of these
        With the columns ``patch_id`` and ``labels``.
    crs : str
        Coordinate reference system of the polygons, such as ``EPSG:3035``.
    output : path or URL, optional
        Where to write them as GeoParquet.

    Raises
    ------
    OptionError
        If the reference system is not known, or cannot show a patch in one piece.
    """
    known = as_metadata(metadata)
    with naming(metadata, InputFormatError):
        found = footprint_table(known.table, crs, known.footprints)
    if output is not None:
        write_geoparquet(
            found.table,
            output,
            crs=found.crs,
            geometry_types=found.geometry_types,
            bounds=found.bounds,
            covering=True,
        )
    return found
