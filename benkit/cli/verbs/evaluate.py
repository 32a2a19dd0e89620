"""``benkit evaluate``."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benkit.cli.common import naming, note, place_of, show
from benkit.cli.split_table import show_evaluations
from benkit.errors import InputFormatError, MissingColumnError

if TYPE_CHECKING:
    import pyarrow as pa

    from benkit.splits.evaluate import Evaluation

EXAMPLE = """\
example: benkit evaluate split.csv --metadata metadata.parquet
         benkit evaluate split.csv --metadata metadata.parquet --against random --against official
         benkit evaluate metadata.parquet --validation-as-train --figures figures"""
AGAINST = ("random", "official")

Sides = dict[str, list[str]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "split",
        type=place_of,
        metavar="SPLIT",
        help="CSV with the columns train, test and maybe validation, or a table with the columns "
        "patch_id and split such as metadata.parquet",
    )
    parser.add_argument(
        "--metadata",
        type=place_of,
        metavar="METADATA",
        help="table with the columns patch_id and labels; default SPLIT",
    )
    parser.add_argument(
        "--against",
        action="append",
        choices=AGAINST,
        default=[],
        help="put the figures of another split beside: a random one of the same sizes, or the "
        "column split of the metadata; may be given twice",
    )
    parser.add_argument(
        "--validation-as-train",
        action="store_true",
        help="judge the test side against train and validation together",
    )
    parser.add_argument(
        "--figures",
        type=Path,
        metavar="DIR",
        help="draw map.png, labels.png and distances.png into this folder, beside a random split "
        "and the official one where there is one",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the random split; default %(default)s"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.splits.evaluate import evaluate_splits

    metadata, sides = _read(arguments)
    is_other = arguments.metadata not in (None, arguments.split)
    has_official = is_other and "split" in metadata.column_names
    drawn = ["random", *["official"] * has_official]
    others = [
        name
        for name in AGAINST
        if name in arguments.against or (arguments.figures is not None and name in drawn)
    ]
    splits = {"": sides} | {name: _other(name, metadata, sides, arguments) for name in others}
    source = arguments.metadata or arguments.split
    try:
        with naming(source):
            found = evaluate_splits(metadata, splits)
    except InputFormatError as error:
        raise InputFormatError(
            f"{arguments.split}: {error}; name the metadata that the split was made from"
        ) from None
    for warning in found[""].warnings:
        note(f"{arguments.split}: warning: {warning}")
    if arguments.figures is not None:
        _draw(metadata, sides, found, arguments)
    against = {name: found[name] for name in AGAINST if name in arguments.against}
    if arguments.json:
        values = found[""].to_dict()
        if against:
            values["against"] = {name: one.to_dict() for name, one in against.items()}
        show(arguments, values)
    else:
        show_evaluations({arguments.split.name: found[""]} | against)
    return 0


def _read(arguments: argparse.Namespace) -> tuple["pa.Table", Sides]:
    """Read the metadata and the sides; one file may be both."""
    from benkit.metadata.metadata_file import read_metadata
    from benkit.splits.split_file import column_sides, read_sides

    path = arguments.metadata or arguments.split
    try:
        metadata = read_metadata(path)
    except MissingColumnError as error:
        if arguments.metadata is None:
            raise InputFormatError(f"{error}; name the metadata with --metadata") from None
        raise
    if path == arguments.split:
        sides = column_sides(metadata, str(path))
    else:
        sides = read_sides(arguments.split)
    if arguments.validation_as_train:
        sides["train"] = sides["train"] + sides.pop("validation", [])
    return metadata, sides


def _other(name: str, metadata: "pa.Table", sides: Sides, arguments: argparse.Namespace) -> Sides:
    from benkit.splits.evaluate import official_sides, random_sides

    if name == "random":
        return random_sides(metadata, sides, arguments.seed)
    source = arguments.metadata or arguments.split
    return official_sides(metadata, "validation" in sides, str(source))


def _draw(
    metadata: "pa.Table",
    sides: Sides,
    found: "Mapping[str, Evaluation]",
    arguments: argparse.Namespace,
) -> None:
    from benkit.files.writing.figure import write_figure
    from benkit.reporting.figures.split_figures import split_figures

    named = {name or arguments.split.name: one for name, one in found.items()}
    for name, figure in split_figures(metadata, sides, named).items():
        write_figure(figure, arguments.figures / f"{name}.png")
        note(f"{arguments.figures / f'{name}.png'} is written")
