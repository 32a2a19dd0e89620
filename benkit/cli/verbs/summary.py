"""``benkit summary``."""

import argparse

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import add_labels_beside, add_metadata, add_table_output
from benkit.cli.printing import note, note_written, show, show_table

EXAMPLE = """\
example: benkit summary metadata.parquet

counts the patches by season, spring from March to May and so on, and by label, in each season. A label
that a patch lists twice counts once."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)
    add_labels_beside(parser)
    add_table_output(parser, "the patches by label and season")
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.summary import summary

    found = call(summary, arguments)
    if found.with_repeated_labels:
        note(
            f"{found.with_repeated_labels:,} of {found.patches:,} patches list a label more than once; "
            "it counts once"
        )
    note_written(arguments.output)
    labels = {"labels": dict(found.labels)} if arguments.json else {}
    show(
        arguments,
        {
            "patches": found.patches,
            "seasons": dict(found.seasons),
            **labels,
            "average_num_labels": float(found.average_num_labels),
            "maximum_num_labels": found.maximum_num_labels,
        },
    )
    if not arguments.json and found.labels:
        print()
        rows = [
            (count, *found.label_seasons[name].values(), name)
            for name, count in found.labels.items()
        ]
        show_table(("patches", *found.seasons, "label"), rows)
    return 0
