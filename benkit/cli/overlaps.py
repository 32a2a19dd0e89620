"""``benkit overlaps``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benkit.cli.common import show

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLE = "example: benkit overlaps metadata.parquet --output pairs.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        metavar="DIR_OR_METADATA",
        help="GeoParquet reference maps, or metadata",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="all pairs: .parquet, .csv or .json"
    )
    parser.add_argument(
        "--assume-same-crs", action="store_true", help="take coordinates of all maps as of one CRS"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.io.tables import write_table

    if arguments.source.is_dir():
        patches, pairs = _of_maps(arguments.source, arguments.assume_same_crs)
    else:
        patches, pairs = _of_metadata(arguments.source)
    if arguments.output:
        write_table(pairs, arguments.output)
    overlapping = {*pairs["first"].to_pylist(), *pairs["second"].to_pylist()}
    show(arguments, {"patches": patches, "overlapping": len(overlapping), "pairs": len(pairs)})
    return 0


def _of_maps(folder: Path, assume_same_crs: bool) -> "tuple[int, pa.Table]":
    from benkit.io.reference_maps import read_reference_maps
    from benkit.map_overlaps import map_overlaps
    from benkit.overlaps import pair_table

    maps = read_reference_maps(folder)
    overlaps = map_overlaps(maps, assume_same_crs=assume_same_crs)
    return len(maps), pair_table(maps.patch_ids, overlaps.pairs)


def _of_metadata(path: Path) -> "tuple[int, pa.Table]":
    from benkit.footprints import locate
    from benkit.io.tables import read_metadata
    from benkit.overlaps import overlapping_pairs, pair_table

    ids = read_metadata(path)["patch_id"]
    return len(ids), pair_table(ids, overlapping_pairs(locate(ids)))
