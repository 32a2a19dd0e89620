"""``benkit card``."""

import argparse

from benkit.cli.common import call, check_outputs
from benkit.cli.options import add_engine_options, add_metadata, add_source, location_of
from benkit.cli.printing import note, show
from benkit.files.remote.location import Location

EXAMPLE = """\
example: benkit card inventory.parquet --metadata metadata.parquet --split split.csv --output card
         benkit card inventory.parquet --metadata metadata.parquet --output card.json

writes what a paper has to say of its data: hashes, counts, the split with its leakage and balance, mean
and deviation of the train side, class weights, the order of the classes. Everyone gets the same bytes
from the same data; `benkit verify card.json SOURCE` says whether data are those of a card."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_metadata(parser, "--metadata", required=True)
    parser.add_argument(
        "--split",
        type=location_of,
        metavar="FILE",
        help="judge this split, and take statistics and weights of its train side",
    )
    parser.add_argument(
        "--output",
        type=_output,
        required=True,
        metavar="FILE_OR_DIR",
        help="JSON (.json), a page (.md), Croissant (.jsonld) or STAC items (.parquet); or a folder, "
        "which gets card.json, card.md, card.jsonld and footprints.parquet",
    )
    about = parser.add_argument_group("what Croissant wants to know besides")
    about.add_argument("--name", metavar="TEXT", help="what the data set is called")
    about.add_argument("--license", metavar="URL", help="under which it is published")
    about.add_argument("--cite-as", metavar="TEXT", help="how to cite it, such as BibTeX")
    about.add_argument("--published", metavar="DATE", help="on which day: YYYY-MM-DD")
    about.add_argument("--url", metavar="URL", help="of its page")
    add_engine_options(parser)


def _output(text: str) -> Location:
    from benkit.api.card import card_output
    from benkit.errors import OptionError

    try:
        return card_output(location_of(text))
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.card import card, card_names

    target = arguments.output
    names = card_names(target)
    files = [target] if names == (target.name,) else [target / name for name in names]
    check_outputs(arguments, files)
    made = call(card, arguments)
    for file in files:
        note(f"{file} is written")
    for warning in made.values["warnings"]:
        note(f"{arguments.source}: warning: {warning}")
    patches = made.values["patches"]
    for what, number in (("metadata", "not_in_metadata"), ("archive", "not_on_disk")):
        if patches[number]:
            note(f"{patches[number]:,} patches are not in the {what}; no count includes them")
    if arguments.json:
        show(arguments, made.values)
        return 0
    show(
        arguments,
        {"patches": made.values["pixels"]["patches"], "described": patches["described"]}
        | {what: made.values[what]["sha256"] for what in made.values["lines"] if made.values[what]},
    )
    return 0
