"""``benkit sample``."""

import argparse
import sys
from pathlib import Path

from benkit.cli.common import show

EXAMPLE = "example: benkit sample sample --patches 200 --seed 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to make")
    parser.add_argument("--patches", type=int, default=120, metavar="N", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")


def run(arguments: argparse.Namespace) -> int:
    from benkit.sample import make_sample

    summary = make_sample(arguments.folder, arguments.patches, arguments.seed)
    print(f"benkit: {arguments.folder} is {summary.note}", file=sys.stderr)
    show(arguments, {"patches": summary.patches, **summary.planted})
    return 0
