"""``benkit summary``."""

import argparse

from benkit.cli.common import add_metadata, call, show

EXAMPLE = """\
example: benkit summary metadata.parquet

counts the patches by season, spring from March to May and so on, and their labels."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.summary import summary

    found = call(summary, arguments)
    show(
        arguments,
        {
            "patches": found.patches,
            "seasons": dict(found.seasons),
            "average_num_labels": float(found.average_num_labels),
            "maximum_num_labels": found.maximum_num_labels,
        },
    )
    return 0
