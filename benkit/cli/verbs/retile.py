"""``benkit retile``."""

import argparse
from pathlib import Path

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, folder_of, grid, numbers
from benkit.cli.printing import note, show

EXAMPLE = "example: benkit retile B02.tif --output parts --grid 2x2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from benkit.retiling.retile import COMPRESSIONS, EDGES

    parser.add_argument("raster", type=Path, metavar="RASTER", help="any raster that GDAL reads")
    parser.add_argument(
        "--output", type=folder_of, required=True, metavar="DIR", help="folder of the parts"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--grid", type=grid, metavar="ROWSxCOLS", help="number of parts; default 2x2")
    how.add_argument("--tile-size", type=int, metavar="PX", help="side of square parts in pixels")
    how.add_argument(
        "--tile-metres",
        type=float,
        metavar="M",
        help="side of square parts on the ground in metres",
    )
    parser.add_argument(
        "--overlap",
        type=int,
        default=0,
        metavar="PX",
        help="pixels that neighbours share; default 0",
    )
    parser.add_argument(
        "--edge",
        choices=EDGES,
        default=EDGES[0],
        help="parts of a given size that the raster does not fill: write them smaller, leave "
        "them out, or fill them up with NO_DATA; default %(default)s",
    )
    parser.add_argument(
        "--bands",
        type=numbers,
        metavar="N,N",
        help="bands to write, from 1, in this order; default all",
    )
    parser.add_argument(
        "--compress",
        choices=COMPRESSIONS,
        help="compression of the parts; default the raster's",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.retiling.retile import retile

    retiling = call(retile, arguments, compression=arguments.compress)
    if retiling.lacks == "a georeference":
        note(f"{arguments.raster} does not say where it lies; nor do the parts")
    elif retiling.lacks:
        note(f"{arguments.raster} lacks {retiling.lacks}; so do the parts")
    if retiling.lost:
        note(
            f"{arguments.raster}: a GeoTIFF cannot hold all that describes it; the parts lack, or have "
            f"otherwise, its {', '.join(retiling.lost)}"
        )
    if retiling.unmarked_padding:
        note(
            f"{arguments.raster} declares no NO_DATA value that its parts can have; "
            "they are padded with 0"
        )
    show(arguments, {"files": len(retiling.files)})
    return 0
