"""``benkit overlaps``."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benkit.cli.common import note, require, show

if TYPE_CHECKING:
    import pyarrow as pa

    from benkit.ground.grid import Pairs

EXAMPLE = "example: benkit overlaps metadata.parquet --output pairs.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        metavar="DIR_OR_METADATA",
        help="folder of GeoParquet reference maps, metadata, footprints, or an archive",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="all pairs with shared area and reason: .parquet, .csv or .json",
    )
    parser.add_argument(
        "--assume-same-crs",
        action="store_true",
        help="compare the coordinates of all reference maps as they are, as if of one CRS in metres",
    )


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from benkit.api.patch_sources import holds_reference_maps
    from benkit.files.tables.table import write_table

    if holds_reference_maps(arguments.source):
        patches, pairs, table = _of_maps(arguments)
    else:
        require(
            not arguments.assume_same_crs,
            f"--assume-same-crs is for a folder of reference maps, and {arguments.source} is none",
        )
        patches, pairs, table = _of_names(arguments)
    if arguments.output:
        write_table(table(), arguments.output)
    overlapping = len(np.unique(pairs))
    show(arguments, {"patches": patches, "overlapping": overlapping, "pairs": len(pairs)})
    return 0


def _of_maps(arguments: argparse.Namespace) -> "tuple[int, Pairs, Callable[[], pa.Table]]":
    from benkit.reference_maps.map_overlaps import map_overlaps, map_pair_table
    from benkit.reference_maps.read import read_reference_maps

    maps = read_reference_maps(arguments.source)
    same, wanted = arguments.assume_same_crs, arguments.output is not None
    overlaps = map_overlaps(maps, assume_same_crs=same, areas=wanted)
    return len(maps), overlaps.pairs, lambda: map_pair_table(maps, overlaps)


def _of_names(arguments: argparse.Namespace) -> "tuple[int, Pairs, Callable[[], pa.Table]]":
    from benkit.api.patch_sources import read_patches
    from benkit.ground.footprints import locate_table
    from benkit.ground.overlaps import overlap_reasons, overlapping_pairs, pair_table, shared_areas

    table = read_patches(arguments.source)
    if arguments.source.is_dir():
        table = _named_as_patches(table, arguments.source)
    places = locate_table(table, arguments.source)
    pairs = overlapping_pairs(places)

    def pairs_by_name() -> "pa.Table":
        reasons = overlap_reasons(places.products, places.product[pairs])
        return pair_table(table["patch_id"], pairs, shared_areas(places, pairs), reasons)

    return len(places), pairs, pairs_by_name


def _named_as_patches(table: "pa.Table", source: Path) -> "pa.Table":
    """Leave out folders of an archive whose names are no patch ids, and say so."""
    import pyarrow as pa

    from benkit.ground.footprints import are_patch_ids

    known = are_patch_ids(table["patch_id"])
    if known.all() or not known.any():  # of names that are all wrong the first is the error
        return table
    wrong = table["patch_id"].filter(pa.array(~known)).to_pylist()
    note(
        f"{source}: left out {len(wrong):,} of {len(known):,} folders, whose names are no patch ids: "
        + ", ".join(wrong[:3])
        + (", ..." if len(wrong) > 3 else "")
    )
    return table.filter(pa.array(known))
