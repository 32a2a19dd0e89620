"""``benkit split``."""

import argparse
import sys
from pathlib import Path

from benkit.cli.common import fraction, show

EXAMPLE = "example: benkit split metadata.parquet --output split.csv --test 0.25"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("metadata", type=Path, metavar="METADATA", help="metadata.parquet")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV with a column a side, or .parquet: the metadata with a column split",
    )
    parser.add_argument(
        "--test", type=fraction, default=0.25, metavar="F", help="default %(default)s"
    )
    parser.add_argument(
        "--validation", type=fraction, default=0.0, metavar="F", help="default none"
    )
    parser.add_argument("--group-by", metavar="COLUMN", help="never part patches with one value")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")


def run(arguments: argparse.Namespace) -> int:
    from benkit.evaluate import evaluate_split
    from benkit.io.tables import read_metadata, write_sides, write_split_column
    from benkit.split import split_patches

    metadata = read_metadata(arguments.metadata)
    split = split_patches(
        metadata,
        test=arguments.test,
        validation=arguments.validation,
        group_by=arguments.group_by,
        seed=arguments.seed,
    )
    if arguments.output.suffix == ".parquet":
        write_split_column(metadata, split.side.tolist(), arguments.output)
    else:
        write_sides(split.sides(), arguments.output)
    evaluation = evaluate_split(metadata, split.sides())
    for note in (*split.notes, *evaluation.warnings):
        print(f"benkit: {note}", file=sys.stderr)
    show(arguments, evaluation.to_dict())
    return 0
