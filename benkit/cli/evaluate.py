"""``benkit evaluate``."""

import argparse
import sys
from pathlib import Path

from benkit.cli.common import show

EXAMPLE = "example: benkit evaluate split.csv --metadata metadata.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "split",
        type=Path,
        metavar="SPLIT",
        help="CSV with a column a side, or a table with patch_id and split",
    )
    parser.add_argument(
        "--metadata", type=Path, required=True, metavar="METADATA", help="metadata.parquet"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.evaluate import evaluate_split
    from benkit.io.tables import read_metadata, read_sides

    metadata = read_metadata(arguments.metadata)
    evaluation = evaluate_split(metadata, read_sides(arguments.split))
    for warning in evaluation.warnings:
        print(f"benkit: {warning}", file=sys.stderr)
    show(arguments, evaluation.to_dict())
    return 0
