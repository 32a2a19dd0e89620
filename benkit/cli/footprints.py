"""``benkit footprints``."""

import argparse
from pathlib import Path

from benkit.cli.common import show

EXAMPLE = "example: benkit footprints metadata.parquet --output footprints.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metadata", type=Path, metavar="METADATA", help="metadata.parquet")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the GeoParquet")


def run(arguments: argparse.Namespace) -> int:
    from benkit.footprints import footprint_table
    from benkit.io.geoparquet import write_geoparquet
    from benkit.io.tables import read_metadata

    footprints = footprint_table(read_metadata(arguments.metadata))
    write_geoparquet(
        footprints.table, arguments.output, epsg=4326, bounds=footprints.bounds, covering=True
    )
    show(arguments, {"patches": len(footprints.table)})
    return 0
