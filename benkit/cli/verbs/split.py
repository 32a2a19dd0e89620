"""``benkit split``."""

import argparse
from typing import TYPE_CHECKING

from benkit.cli.common import check_outputs, fraction, naming, note, place_of, require, show
from benkit.cli.split_table import show_evaluations
from benkit.files.remote.location import Place

if TYPE_CHECKING:
    import pyarrow as pa

    from benkit.splits.make import Split

EXAMPLE = "example: benkit split metadata.parquet --output split.csv --test 0.25"

_FOLDS_BESIDE = 4  # in a table of 80 columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "metadata", type=place_of, metavar="METADATA", help="metadata.parquet, or its address"
    )
    parser.add_argument(
        "--output",
        type=place_of,
        required=True,
        metavar="FILE",
        help="CSV with a column a side, or .parquet: the metadata with a column split",
    )
    parser.add_argument("--test", type=fraction, metavar="F", help="default 0.25")
    parser.add_argument("--validation", type=fraction, metavar="F", help="default none")
    parser.add_argument(
        "--buffer",
        type=float,
        default=0.0,
        metavar="METRES",
        help="leave out patches so that no two of different sides are nearer than that",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="K splits that test each patch once, in files with _1, _2, ... before the suffix",
    )
    parser.add_argument(
        "--compactness",
        type=float,
        default=1.0,
        metavar="W",
        help="weight of separation against balance and spread, 0.001 to 1000; default %(default)s",
    )
    parser.add_argument("--group-by", metavar="COLUMN", help="never part patches with one value")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")


def run(arguments: argparse.Namespace) -> int:
    from benkit.metadata.metadata_file import read_metadata
    from benkit.splits.evaluate import evaluate_splits
    from benkit.splits.make import split_folds, split_patches
    from benkit.splits.warnings import shortfalls

    output: Place = arguments.output
    _check(arguments)
    metadata = read_metadata(arguments.metadata)
    shared = {
        name: getattr(arguments, name) for name in ("buffer", "seed", "group_by", "compactness")
    }
    with naming(arguments.metadata):
        if arguments.folds is None:
            test = 0.25 if arguments.test is None else arguments.test
            shared |= {"test": test, "validation": arguments.validation or 0.0}
            splits = {output.name: split_patches(metadata, **shared)}
        else:
            folds = split_folds(metadata, arguments.folds, **shared)
            splits = {str(fold): split for fold, split in enumerate(folds, 1)}
    for name, split in splits.items():
        _write(metadata, split, _fold_file(output, name) if arguments.folds else output)
    evaluations = evaluate_splits(metadata, {name: one.sides() for name, one in splits.items()})
    for name, evaluation in evaluations.items():
        for sentence in shortfalls(evaluation, splits[name].parts):
            note(f"fold {name}: {sentence}" if arguments.folds else sentence)
    if arguments.json:
        figures = {name: evaluation.to_dict() for name, evaluation in evaluations.items()}
        show(arguments, figures if arguments.folds else figures[output.name])
        return 0
    for start in range(0, len(evaluations), _FOLDS_BESIDE):
        show_evaluations(dict(list(evaluations.items())[start : start + _FOLDS_BESIDE]))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    output = arguments.output
    require(
        output.suffix in (".csv", ".parquet"),
        f"{output}: expected a name that ends with .csv or .parquet",
    )
    alone = arguments.folds is None or (arguments.test is None and arguments.validation is None)
    require(alone, "expected --folds, or --test and --validation, not both")
    folds = range(1, (arguments.folds or 0) + 1)
    check_outputs(arguments, [_fold_file(output, fold) for fold in folds])


def _fold_file(output: Place, fold: int | str) -> Place:
    return output.with_stem(f"{output.stem}_{fold}")


def _write(metadata: "pa.Table", split: "Split", output: Place) -> None:
    from benkit.splits.split_file import write_sides, write_split_column

    if output.suffix == ".parquet":
        write_split_column(metadata, split.side.tolist(), output)
    else:
        write_sides(split.sides(), output)
