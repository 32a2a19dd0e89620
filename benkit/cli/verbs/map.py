"""``benkit map``."""

import argparse
from pathlib import Path

from benkit.cli.choice import add_choice
from benkit.cli.common import call, require
from benkit.cli.options import add_engine_options, add_metadata, add_subset, location_of, page_file
from benkit.cli.printing import note, show

EXAMPLE = """\
example: benkit map metadata.parquet --split split.csv --output map.html

Only the map tiles come from a server: without a network the page shows coastlines, borders and all
layers. The map in the page of `benkit report` needs no server at all."""

_GIVE = "an archive goes with its metadata: benkit map ARCHIVE --metadata METADATA"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=location_of,
        nargs="+",
        metavar="SOURCE",
        help="metadata.parquet, of which there may be several, or an archive or an inventory; where "
        "an inventory tells the places, also metadata, or the folder of its archive with JSON labels",
    )
    add_metadata(
        parser,
        "--metadata",
        help="needed for an archive or an inventory; of several the rows are put together",
    )
    add_subset(parser)
    parser.add_argument("--split", type=Path, metavar="SPLIT", help="show the sides of a split")
    parser.add_argument(
        "--output", type=page_file, required=True, metavar="FILE", help="the page, an .html file"
    )
    add_choice(parser)
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.inputs.places import is_inventory
    from benkit.api.web_map import web_map

    one = arguments.source[0]
    if arguments.metadata:
        require(len(arguments.source) == 1, "with --metadata, expected one archive or inventory")
        page = call(web_map, arguments, source=one, sides=arguments.split)
    else:
        metadata = one if len(arguments.source) == 1 else arguments.source
        for source in arguments.source:
            is_folder = isinstance(source, Path) and source.is_dir()
            told = any(map(is_inventory, arguments.source))
            require(
                told or not is_folder, f"{source}: expected metadata, but it is a folder; {_GIVE}"
            )
        page = call(web_map, arguments, metadata=metadata, source=None, sides=arguments.split)
    note("map tiles come from tile.openstreetmap.org; all else is in the page")
    show(arguments, {"file": str(arguments.output), "bytes": len(page.encode())})
    return 0
