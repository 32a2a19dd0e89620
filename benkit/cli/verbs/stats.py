"""``benkit stats``."""

import argparse
from dataclasses import asdict

from benkit.cli.common import (
    add_engine_options,
    engine_of,
    note,
    place_of,
    progress_of,
    require,
    show,
    show_table,
)
from benkit.errors import InputFormatError

EXAMPLE = """\
example: benkit stats inventory.parquet --split split.csv --side train

gives the mean and standard deviation that a model should be normalised with: those of the side that
it learns from. Without --split all patches of the inventory count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=place_of, metavar="SOURCE", help="archive or inventory, or its address"
    )
    parser.add_argument(
        "--patches",
        type=place_of,
        metavar="FILE",
        help="only these: CSV(.gz) or Parquet with patch_id",
    )
    parser.add_argument(
        "--split", type=place_of, metavar="FILE", help="only one side of this split"
    )
    parser.add_argument("--side", metavar="SIDE", help="train, validation or test")
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.inventory.scanning.scan import open_source
    from benkit.inventory.statistics import band_statistics

    patches = _wanted(arguments)
    progress = progress_of(arguments)
    with open_source(arguments.source, engine=engine_of(arguments), progress=progress) as inventory:
        statistics = band_statistics(inventory, patches)
    if statistics.absent:
        note(
            f"{len(statistics.absent):,} of the listed patches are not in {arguments.source}, "
            f"{statistics.absent[0]} among them; the figures leave them out"
        )
    bands = {band: asdict(figures) for band, figures in statistics.bands.items()}
    if arguments.json:
        show(arguments, bands)
    else:
        header = ("band", "pixels", "mean", "std", "min", "max")
        show_table(header, [(band, *figures.values()) for band, figures in bands.items()])
        print("\nmean to max in digital numbers, of valid pixels")
    return 0


def _wanted(arguments: argparse.Namespace) -> list[str] | None:
    from benkit.metadata.patch_list import read_patch_list
    from benkit.splits.split_file import read_sides

    both = (arguments.split is None) == (arguments.side is None)
    require(both, "--split and --side: expected both or none")
    require(not (arguments.patches and arguments.split), "expected --patches or --split, not both")
    if arguments.patches:
        return read_patch_list(arguments.patches)
    if arguments.split is None:
        return None
    sides = read_sides(arguments.split)
    if arguments.side not in sides:
        raise InputFormatError(
            f"{arguments.split}: expected the side {arguments.side}, but it has {', '.join(sides)}"
        )
    return sides[arguments.side]
