"""``benkit evaluate``."""

import argparse
from pathlib import Path

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import add_id_column, add_metadata, add_patch_size, folder_of, location_of
from benkit.cli.printing import note, show
from benkit.cli.split_table import show_evaluations
from benkit.errors import InputFormatError, MissingColumnError

EXAMPLE = """\
example: benkit evaluate split.csv --metadata metadata.parquet
         benkit evaluate split.csv --metadata metadata.parquet --against random --against official
         benkit evaluate metadata.parquet --validation-as-train --figures figures
         benkit evaluate split.csv --metadata metadata.parquet --correlogram correlogram.png"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "split",
        type=location_of,
        metavar="SPLIT",
        help="CSV with the columns train, test and maybe validation, or a table with the columns "
        "patch_id and split such as metadata.parquet",
    )
    add_metadata(
        parser,
        "--metadata",
        help="table with the columns patch_id and labels, or patch_id and coordinates; of several the "
        "rows are put together; or an inventory, beside which labels are given again; default SPLIT",
    )
    parser.add_argument(
        "--against",
        action="append",
        choices=("random", "official"),
        default=[],
        help="show the metrics of another split beside it: a random one of the same sizes, or the "
        "column split of the metadata; may be given twice",
    )
    parser.add_argument(
        "--validation-as-train",
        action="store_true",
        help="judge the test side against train and validation together",
    )
    parser.add_argument(
        "--figures",
        type=folder_of,
        metavar="DIR",
        help="draw map.png, labels.png and distances.png into this folder, beside a random split "
        "and the official one where there is one",
    )
    parser.add_argument(
        "--correlogram",
        type=Path,
        metavar="FILE",
        help="how alike the labels of patches are by distance: a picture where the name ends with "
        ".png, .svg or .pdf, the numbers where it ends with .json, .csv or .parquet",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the random split; default %(default)s"
    )
    add_id_column(parser)
    add_patch_size(parser)
    add_choice(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.evaluate import FIGURES, evaluate

    try:
        found = call(evaluate, arguments)
    except MissingColumnError as error:
        if arguments.metadata is None:
            raise InputFormatError(f"{error}; name the metadata with --metadata") from None
        raise
    for warning in found.warnings:
        note(f"{arguments.split}: warning: {warning}")
    for name in FIGURES if arguments.figures else ():
        note(f"{arguments.figures / name} is written")
    if found.correlogram is not None:
        note(f"{arguments.correlogram} is written: {found.correlogram.sentence}")
    if arguments.json:
        show(arguments, found.to_dict())
    else:
        show_evaluations({arguments.split.name: found, **found.against})
    return 0
