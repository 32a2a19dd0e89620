"""``benkit footprints``."""

import argparse

from benkit.cli.common import location_of, show

EXAMPLE = "example: benkit footprints metadata.parquet --output footprints.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "metadata", type=location_of, metavar="METADATA", help="metadata.parquet, or its address"
    )
    parser.add_argument(
        "--output", type=location_of, required=True, metavar="FILE", help="the GeoParquet"
    )
    parser.add_argument(
        "--crs",
        default="EPSG:4326",
        metavar="CRS",
        help="coordinate reference system of the polygons, such as EPSG:3035; default %(default)s",
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.footprints import footprints

    found = footprints(arguments.metadata, crs=arguments.crs, output=arguments.output)
    show(arguments, {"patches": len(found.table)})
    return 0
