"""``benkit summary``."""

import argparse

from benkit.cli.common import naming, place_of, show

EXAMPLE = """\
example: benkit summary metadata.parquet

counts the patches by season, spring from March to May and so on, and their labels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "metadata", type=place_of, metavar="METADATA", help="metadata.parquet, or its address"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.metadata.metadata_file import read_metadata
    from benkit.metadata.summary import summarize

    metadata = read_metadata(arguments.metadata)
    with naming(arguments.metadata):
        summary = summarize(metadata)
    show(
        arguments,
        {
            "patches": summary.patches,
            "seasons": dict(summary.seasons),
            "average_num_labels": float(summary.average_num_labels),
            "maximum_num_labels": summary.maximum_num_labels,
        },
    )
    return 0
