"""``benkit patchify``."""

import argparse
from pathlib import Path

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, folder_of
from benkit.cli.printing import note, show

EXAMPLE = (
    "example: benkit patchify S2A_MSIL2A_20170613T101031_N0205_R022_T33UUP_20170613T101608.SAFE "
    "--output archive"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from benkit.retiling.patchify import GRID_ORIGINS

    parser.add_argument(
        "scene",
        type=Path,
        metavar="SCENE_DIR",
        help="folder with the bands of one Level-2A product, as GeoTIFF or JP2, such as a SAFE folder",
    )
    parser.add_argument(
        "--output", type=folder_of, required=True, metavar="ARCHIVE", help="folder of the archive"
    )
    parser.add_argument(
        "--grid-origin",
        choices=GRID_ORIGINS,
        default=GRID_ORIGINS[0],
        help="what columns and rows count from: the tile's corner, as patch ids mean it, or the "
        "scene's own, which metadata.parquet in the archive then tells; default %(default)s",
    )
    parser.add_argument(
        "--product", metavar="NAME", help="name of the product; default the folder's"
    )
    parser.add_argument(
        "--remove-offset",
        action="store_true",
        help="take off the 1,000 that digital numbers have more since baseline N0400",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the product's folder if it is there"
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.retiling.patchify import patchify

    patches = call(patchify, arguments, archive=arguments.output)
    if patches.offset:
        note(
            f"{patches.product}: digital numbers have the offset of {patches.offset:,} of baselines "
            "since N0400; --remove-offset takes it off, for an archive that holds earlier ones too"
        )
    show(arguments, {"patches": patches.patches, "files": patches.files})
    return 0
