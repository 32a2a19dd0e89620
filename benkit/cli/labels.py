"""``benkit labels``."""

import argparse
from pathlib import Path

from benkit.cli.common import show

EXAMPLE = "example: benkit labels geoparquets --output labels.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="folder of GeoParquet reference maps"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="labels of each patch: .parquet, .csv or .json"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.io.reference_maps import read_reference_maps
    from benkit.io.tables import write_table
    from benkit.labels import label_sets

    labels = label_sets(read_reference_maps(arguments.folder, geometry=False))
    if arguments.output:
        write_table(labels.table, arguments.output)
    average = float(labels.average_num_labels)
    show(arguments, {"patches": labels.patches, "average_num_labels": average})
    return 0
