"""``benkit footprints``."""

import argparse

from benkit.cli.common import add_metadata, call, location_of, show

EXAMPLE = "example: benkit footprints metadata.parquet --output footprints.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)
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

    found = call(footprints, arguments)
    show(arguments, {"patches": len(found.table)})
    return 0
