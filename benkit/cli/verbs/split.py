"""``benkit split``."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from benkit.cli.choice import add_choice
from benkit.cli.common import call, check_outputs, require
from benkit.cli.options import (
    add_id_column,
    add_labels_beside,
    add_metadata,
    add_patch_size,
    fraction,
    location_of,
)
from benkit.cli.printing import note, show
from benkit.cli.split_table import show_evaluations
from benkit.engine.progress import end_line

EXAMPLE = """\
example: benkit split metadata.parquet --output split.csv --test 0.25
         benkit split inventory.parquet --metadata labels.parquet --output split.csv"""

_FOLDS_BESIDE = 4  # in a table of 80 columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_metadata(parser)
    add_labels_beside(parser)
    parser.add_argument(
        "--output",
        type=location_of,
        required=True,
        metavar="FILE",
        help="CSV with a column a side, or .parquet: the metadata with a column split, null for patches "
        "on no side, as --buffer leaves them out",
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
    parser.add_argument(
        "--time",
        type=float,
        dest="seconds",
        metavar="SECONDS",
        help="search for so long, not a fixed number of times; Ctrl-C ends that with the best so far. "
        "Not repeatable",
    )
    parser.add_argument("--group-by", metavar="COLUMN", help="never part patches with one value")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    add_id_column(parser)
    add_patch_size(parser)
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.split import fold_files, folds, split
    from benkit.splits.make import check_folds
    from benkit.splits.warnings import shortfalls

    output, count = arguments.output, arguments.folds
    has_parts = arguments.test is not None or arguments.validation is not None
    require(
        count is None or not has_parts, "expected --folds, or --test and --validation, not both"
    )
    if count is not None:
        check_folds(count)
    check_outputs(arguments, fold_files(output, count or 0))
    with nullcontext() if arguments.seconds is None else _interrupts_end_search():
        made = [call(split, arguments)] if count is None else call(folds, arguments)
    end_line()
    for warning in made[0].warnings:
        note(warning)
    found = {str(number): one.evaluation for number, one in enumerate(made, 1) if one.evaluation}
    for (number, evaluation), one in zip(found.items(), made, strict=True):
        for sentence in shortfalls(evaluation, one.parts):
            note(sentence if count is None else f"fold {number}: {sentence}")
    if arguments.json:
        values = {name: evaluation.to_dict() for name, evaluation in found.items()}
        show(arguments, values["1"] if count is None else values)
        return 0
    named = {output.name: found["1"]} if count is None else found
    for start in range(0, len(named), _FOLDS_BESIDE):
        show_evaluations(dict(list(named.items())[start : start + _FOLDS_BESIDE]))
    return 0


@contextmanager
def _interrupts_end_search() -> Iterator[None]:
    """Let Ctrl-C be an interrupt that the search may take, and not yet one of the whole command."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
