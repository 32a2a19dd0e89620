"""``benkit overlaps``."""

import argparse

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import add_patch_size, location_of, pair_file
from benkit.cli.printing import note, show

EXAMPLE = "example: benkit overlaps metadata.parquet --output pairs.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=location_of,
        nargs="+",
        metavar="DIR_OR_METADATA_OR_INVENTORY",
        help="folder of GeoParquet reference maps, metadata (of several files the rows are put "
        "together), footprints, an inventory, or an archive",
    )
    parser.add_argument(
        "--output",
        type=pair_file,
        metavar="FILE",
        help="all pairs with shared area and reason: .parquet, .csv or .json; with the shared ground "
        "itself: .geojson or .gpkg",
    )
    parser.add_argument(
        "--assume-same-crs",
        action="store_true",
        help="compare the coordinates of all reference maps as they are, as if of one CRS in metres",
    )
    add_patch_size(parser)
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.overlaps import overlaps

    one = arguments.source[0]
    found = call(
        overlaps, arguments, source=one if len(arguments.source) == 1 else arguments.source
    )
    patches, wrong = len(found.patch_ids), found.left_out
    if wrong:
        note(
            f"{one}: left out {len(wrong):,} of {patches + len(wrong):,} folders, whose "
            f"names are no patch ids: {', '.join(wrong[:3])}{', ...' if len(wrong) > 3 else ''}"
        )
    values = {"patches": patches, "overlapping": found.overlapping, "pairs": len(found.pairs)}
    show(arguments, values)
    return 0
