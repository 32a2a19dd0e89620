"""``benkit retile``."""

import argparse
import sys
from pathlib import Path

from benkit.cli.common import grid, show

EXAMPLE = "example: benkit retile B02.tif --output parts --grid 2x2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("raster", type=Path, metavar="RASTER", help="any raster that GDAL reads")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder of the parts"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--grid", type=grid, metavar="ROWSxCOLS", help="number of parts; default 2x2")
    how.add_argument("--tile-size", type=int, metavar="PX", help="side of square parts in pixels")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")


def run(arguments: argparse.Namespace) -> int:
    from benkit.retile import retile_raster

    retiling = retile_raster(
        arguments.raster,
        arguments.output,
        grid=arguments.grid,
        tile_size=arguments.tile_size,
        overwrite=arguments.overwrite,
    )
    if not retiling.georeferenced:
        print(
            f"benkit: {arguments.raster} does not say where it lies; so do the parts",
            file=sys.stderr,
        )
    show(arguments, {"files": len(retiling.files)})
    return 0
