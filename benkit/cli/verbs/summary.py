"""``benkit summary``."""

import argparse

from benkit.cli.common import add_metadata, call, note, show

EXAMPLE = """\
example: benkit summary metadata.parquet

counts the patches by season, spring from March to May and so on, and their labels. A label that a patch
lists twice counts once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.summary import summary

    found = call(summary, arguments)
    if found.with_repeated_labels:
        note(
            f"{found.with_repeated_labels:,} of {found.patches:,} patches list a label more than once; "
            "it counts once"
        )
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
