"""``benkit footprints``."""

import argparse

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import add_labels_beside, add_metadata, footprint_file
from benkit.cli.printing import show

EXAMPLE = "example: benkit footprints metadata.parquet --output footprints.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)
    add_labels_beside(parser)
    parser.add_argument(
        "--output",
        type=footprint_file,
        required=True,
        metavar="FILE",
        help="GeoParquet (.parquet), GeoJSON (.geojson) or a GeoPackage (.gpkg)",
    )
    parser.add_argument(
        "--crs",
        default="EPSG:4326",
        metavar="CRS",
        help="coordinate reference system of the polygons, such as EPSG:3035; default %(default)s",
    )
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.footprints import footprints

    found = call(footprints, arguments)
    show(arguments, {"patches": len(found)})
    return 0
