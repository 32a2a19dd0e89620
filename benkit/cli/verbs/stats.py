"""``benkit stats``."""

import argparse
from dataclasses import asdict

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import (
    add_engine_options,
    add_metadata,
    add_source,
    add_table_output,
    location_of,
)
from benkit.cli.printing import note, note_written, show, show_table

EXAMPLE = """\
example: benkit stats inventory.parquet --split split.csv --side train

gives the mean and standard deviation that a model should be normalised with: those of the side that
it learns from. Without --split all patches of the inventory count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument(
        "--patches",
        type=location_of,
        metavar="FILE",
        help="only these: CSV(.gz) or Parquet with patch_id",
    )
    parser.add_argument(
        "--split", type=location_of, metavar="FILE", help="only one side of this split"
    )
    parser.add_argument("--side", metavar="SIDE", help="train, validation or test")
    add_table_output(parser, "the table")
    parser.add_argument(
        "--scale",
        choices=["linear"],
        help="of bands in dB: statistics of their power, 10^(dB/10); an inventory has them if it was "
        "scanned with --scale linear",
    )
    add_choice(parser)
    add_metadata(parser, "--metadata", help="whose columns --where may name")
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.stats import stats

    statistics = call(stats, arguments)
    note_written(arguments.output)
    if statistics.absent:
        note(
            f"{len(statistics.absent):,} of the listed patches are not in {arguments.source}, "
            f"{statistics.absent[0]} among them; the statistics leave them out"
        )
    for warning in statistics.warnings:
        note(f"{arguments.source}: warning: {warning}")
    bands = {band: asdict(one) for band, one in statistics.bands.items()}
    if arguments.json:
        show(arguments, bands)
    else:
        header = ("band", "pixels", "mean", "std", "min", "max")
        show_table(header, [(band, *values.values()) for band, values in bands.items()])
        units: dict[str, list[str]] = {}
        for band, unit in statistics.units.items():
            units.setdefault(unit, []).append(band)
        print()
        for unit, names in units.items():
            of_which = "" if len(units) == 1 else f" of {', '.join(names)}"
            print(f"mean to max{of_which} in {unit}, of valid pixels")
    return 0
