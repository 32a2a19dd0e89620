"""``benkit verify``."""

import argparse

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, add_metadata, add_source, location_of
from benkit.cli.printing import note, show
from benkit.files.safe_names import one_line

EXAMPLE = """\
example: benkit verify card.json inventory.parquet --metadata metadata.parquet --split split.csv

says whether the pixels, and with the two options the labels and the split, are those of a card. The exit
status is 1 if anything differs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "card", type=location_of, metavar="CARD", help="card.json that `benkit card` has written"
    )
    add_source(parser)
    add_metadata(parser, "--metadata", help="whose labels are to be those of the card")
    parser.add_argument(
        "--split", type=location_of, metavar="FILE", help="whose sides are to be those of the card"
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.verify import verify

    found = call(verify, arguments)
    for what in found.not_checked:
        option = "--metadata METADATA" if what == "labels" else "--split FILE"
        note(
            f"the {what} of the card {'is' if what == 'split' else 'are'} not checked; {option} does"
        )
    if arguments.json:
        names = ("same", "differs", "checked", "not_checked")
        show(arguments, {name: getattr(found, name) for name in names})
    else:
        for sentence in found.sentences or [f"the same: {', '.join(found.checked)}"]:
            print(one_line(sentence))
    return 0 if found.same else 1
