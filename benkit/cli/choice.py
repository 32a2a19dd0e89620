"""The options that say which patches a verb leaves out."""

import argparse

from benkit.cli.options import location_of

COLUMNS = "product, mission, tile, orbit, date, season, longitude, latitude"


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Which patches a verb is about: those that all of these options leave in."""
    add_choice_to(parser.add_argument_group("which patches"))


def add_choice_to(group: "argparse._ArgumentGroup") -> None:
    """The same options, beside others."""
    group.add_argument(
        "--exclude",
        type=location_of,
        metavar="FINDINGS",
        help="without the patches that `audit --findings FINDINGS` named: .parquet, .csv or .json",
    )
    group.add_argument(
        "--exclude-kinds",
        type=_names,
        metavar="KIND,...",
        help="only for findings of these kinds; default all",
    )
    group.add_argument(
        "--where",
        metavar="EXPR",
        help="only patches for which this SQL condition over columns of the metadata and "
        f"{COLUMNS} is true, such as \"country = 'Austria' AND season = 'summer'\"",
    )


def _names(text: str) -> list[str]:
    return [name.strip().replace("-", "_") for name in text.split(",")]
