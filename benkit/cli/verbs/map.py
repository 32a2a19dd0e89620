"""``benkit map``."""

import argparse
from pathlib import Path

from benkit.cli.common import (
    add_engine_options,
    engine_of,
    naming,
    note,
    page_file,
    progress_of,
    show,
)

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
    from benkit.files.writing.replace import write_page
    from benkit.inventory.audit import audit_inventory
    from benkit.inventory.scanning.scan import open_source
    from benkit.metadata.metadata_file import read_metadata
    from benkit.reporting.web_map import web_map
    from benkit.splits.split_file import read_sides

    metadata = read_metadata(arguments.metadata or arguments.source)
    findings = None
    if arguments.metadata:
        progress = progress_of(arguments)
        engine = engine_of(arguments)
        with open_source(arguments.source, engine=engine, progress=progress) as inventory:
            findings = audit_inventory(inventory, metadata).findings
    sides = read_sides(arguments.split) if arguments.split else None
    with naming(arguments.metadata or arguments.source):
        page = web_map(metadata, findings, sides)
    write_page(page, arguments.output)
    note("the page loads Leaflet and map tiles from the servers that folium names")
    show(arguments, {"file": str(arguments.output), "bytes": len(page.encode())})
    return 0
