"""``benkit sample``."""

import argparse

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, folder_of
from benkit.cli.printing import note, show

EXAMPLE = """\
example: benkit sample sample --patches 200 --seed 1

makes sample/ with metadata.parquet, BigEarthNet-v2.0-S2-with-errors/, geoparquets/ and what else the
course hands out, and says how many errors of each kind are in it. With --s1 there is also
BigEarthNet-v2.0-S1-with-errors/, for `benkit audit --s1`. Of other layouts, sample/archive/ and
metadata.parquet are made: benkit sample sample --layout eurosat-ms. An earlier sample is replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=folder_of, metavar="DIR", help="folder to make")
    parser.add_argument(
        "--patches",
        type=int,
        metavar="N",
        help="default 120, of large patches as many as 250 MB hold",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--layout",
        metavar="NAME|FILE",
        help="of which layout: a built-in one, or a TOML file that describes one (docs/layouts.md); "
        "default: bigearthnet-s2",
    )
    parser.add_argument(
        "--s1", action="store_true", help="also the Sentinel-1 patches of the same ground"
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.samples.sample import sample

    summary = call(sample, arguments)
    note(f"{arguments.folder} is {summary.note}")
    copies = {"copies": summary.copies} if summary.copies else {}
    show(arguments, {"patches": summary.patches, **summary.planted, **copies})
    return 0
