"""``benkit footprints``."""

import argparse

from benkit.cli.common import naming, place_of, show

EXAMPLE = "example: benkit footprints metadata.parquet --output footprints.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "metadata", type=place_of, metavar="METADATA", help="metadata.parquet, or its address"
    )
    parser.add_argument(
        "--output", type=place_of, required=True, metavar="FILE", help="the GeoParquet"
    )
    parser.add_argument(
        "--crs",
        default="EPSG:4326",
        metavar="CRS",
        help="coordinate reference system of the polygons, such as EPSG:3035; default %(default)s",
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.files.tables.geoparquet import write_geoparquet
    from benkit.ground.footprint_table import footprint_table
    from benkit.metadata.metadata_file import read_metadata

    metadata = read_metadata(arguments.metadata)
    with naming(arguments.metadata):
        footprints = footprint_table(metadata, arguments.crs)
    write_geoparquet(
        footprints.table,
        arguments.output,
        crs=footprints.crs,
        geometry_types=footprints.geometry_types,
        bounds=footprints.bounds,
        covering=True,
    )
    show(arguments, {"patches": len(footprints.table)})
    return 0
