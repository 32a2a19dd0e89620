"""``benkit map``."""

import argparse
from pathlib import Path

from benkit.cli.common import add_engine_options, call, note, page_file, show

EXAMPLE = """\
example: benkit map metadata.parquet --split split.csv --output map.html

The page loads Leaflet and map tiles from the servers that folium names, so it needs the internet. The
map in the page of `benkit report` needs nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="metadata.parquet, an archive or an inventory"
    )
    parser.add_argument(
        "--metadata", type=Path, metavar="METADATA", help="needed for an archive or an inventory"
    )
    parser.add_argument("--split", type=Path, metavar="SPLIT", help="show the sides of a split")
    parser.add_argument(
        "--output", type=page_file, required=True, metavar="FILE", help="the page, an .html file"
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.web_map import web_map

    metadata, source = arguments.metadata or arguments.source, arguments.source
    others = {"metadata": metadata, "source": source if arguments.metadata else None}
    page = call(web_map, arguments, **others, sides=arguments.split)
    note("the page loads Leaflet and map tiles from the servers that folium names")
    show(arguments, {"file": str(arguments.output), "bytes": len(page.encode())})
    return 0
