"""``benkit split``."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benkit.cli.common import fraction, require, show

if TYPE_CHECKING:
    import pyarrow as pa

    from benkit.split import Split

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
    parser.add_argument(
        "--buffer",
        type=float,
        default=0.0,
        metavar="METRES",
        help="leave out patches so that no test patch has a train patch nearer than that",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="K splits with disjoint test sides, in files with _1, _2, ... before the suffix",
    )
    parser.add_argument(
        "--compactness",
        type=float,
        default=1.0,
        metavar="W",
        help="weight of separation against balance; default %(default)s",
    )
    parser.add_argument("--group-by", metavar="COLUMN", help="never part patches with one value")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")


def run(arguments: argparse.Namespace) -> int:
    from benkit.io.tables import read_metadata
    from benkit.split import split_folds, split_patches

    metadata = read_metadata(arguments.metadata)
    shared = {
        name: getattr(arguments, name) for name in ("buffer", "seed", "group_by", "compactness")
    }
    if arguments.folds is None:
        parts = {"test": arguments.test, "validation": arguments.validation}
        figures = _write(metadata, split_patches(metadata, **parts, **shared), arguments.output)
    else:
        require(not arguments.validation, "expected --folds or --validation, not both")
        output = arguments.output
        figures = {
            str(fold): _write(metadata, split, output.with_stem(f"{output.stem}_{fold}"))
            for fold, split in enumerate(split_folds(metadata, arguments.folds, **shared), 1)
        }
    show(arguments, figures)
    return 0


def _write(metadata: "pa.Table", split: "Split", output: Path) -> dict[str, Any]:
    """Write a split; returns its figures."""
    from benkit.evaluate import evaluate_split
    from benkit.io.tables import write_sides, write_split_column

    if output.suffix == ".parquet":
        write_split_column(metadata, split.side.tolist(), output)
    else:
        write_sides(split.sides(), output)
    evaluation = evaluate_split(metadata, split.sides())
    for note in (*split.notes, *evaluation.warnings):
        print(f"benkit: {note}", file=sys.stderr)
    return evaluation.to_dict()
