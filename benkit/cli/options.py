"""Options that several verbs share, and what argparse makes of their texts."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benkit.engine import ENGINES
from benkit.errors import OptionError
from benkit.files.file_kinds import FEATURE_SUFFIXES, TABLE_SUFFIXES
from benkit.files.remote.location import Location, as_location

_OF_FILES = (
    *(
        ".tif",
        ".tiff",
        ".jp2",
        ".vrt",
        ".parquet",
        ".geoparquet",
        ".csv",
        ".tsv",
        ".json",
        ".geojson",
    ),
    *(
        ".gpkg",
        ".shp",
        ".html",
        ".png",
        ".svg",
        ".pdf",
        ".zip",
        ".tar",
        ".gz",
        ".tgz",
        ".zst",
        ".zarr",
    ),
)


def add_source(parser: argparse.ArgumentParser) -> None:
    """An archive or an inventory, for the verbs that take either."""
    parser.add_argument(
        "source", type=location_of, metavar="SOURCE", help="archive or inventory, or its URL"
    )


def add_layout(parser: argparse.ArgumentParser) -> None:
    """How an archive lies on disk, for the verbs that read one."""
    parser.add_argument(
        "--layout",
        metavar="NAME|FILE",
        help="how the archive lies on disk: a built-in layout, or a TOML file that describes one "
        "(docs/layouts.md); default: a built-in one is recognised",
    )


def add_metadata(parser: argparse.ArgumentParser, name: str = "metadata", **options: Any) -> None:
    """The metadata, which may be several files: as arguments, or as an option given again."""
    several = {"action": "append"} if name.startswith("-") else {"nargs": "+"}
    text = (
        "metadata.parquet, or its URL; of several the rows are put together; or an inventory, which "
        "tells the places of its patches"
    )
    values: dict[str, Any] = {"type": location_of, "metavar": "METADATA", "help": text}
    parser.add_argument(name, **values | several | options)


def add_labels_beside(parser: argparse.ArgumentParser) -> None:
    """The metadata of an inventory's patches, for the verbs that take one in the place of metadata."""
    parser.add_argument(
        "--metadata",
        dest="beside",
        action="append",
        type=location_of,
        default=[],
        metavar="METADATA",
        help="beside an inventory: metadata with the labels of its patches, or the folder of its "
        "archive, where they lie as JSON beside the bands",
    )


def add_subset(parser: argparse.ArgumentParser) -> None:
    """Whether the archive is a part of the metadata, for the verbs that hold it against them."""
    parser.add_argument(
        "--subset",
        action="store_true",
        help="the archive is meant to be a part of the metadata: what is not on disk is counted, but is "
        "no finding",
    )


def add_patch_size(parser: argparse.ArgumentParser) -> None:
    """How large patches are, for the verbs that take coordinates of points."""
    parser.add_argument(
        "--patch-size",
        type=float,
        metavar="METRES",
        help="edge of the patches of a table with coordinates of points (lon and lat, x and y with crs, "
        "or geometry); default: points share ground only at the same place",
    )


def add_id_column(parser: argparse.ArgumentParser) -> None:
    """By what the patches go in a split, for the verbs that write or read one."""
    parser.add_argument(
        "--id-column",
        metavar="COLUMN",
        help="column of METADATA whose texts name the patches in the split, such as s1_name for the "
        "same split of a sister archive; default patch_id",
    )


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Where a verb's work is done, for all verbs that share it out."""
    parser.add_argument("--workers", type=int, metavar="N", help="processes; default one a core")
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="where to work; default %(default)s"
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="a Ray cluster: auto or HOST:PORT; default one on this machine",
    )


def add_table_output(parser: argparse.ArgumentParser, what: str, name: str = "--output") -> None:
    """Where to write a table, whose suffix says its format."""
    text = f"write {what}: .parquet, .csv or .json"
    parser.add_argument(name, type=table_file, metavar="FILE", help=text)


def fraction(text: str) -> float:
    """A number from 0 to 1, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, not {text}")
    return value


def location_of(text: str) -> Location:
    """A path, or a location such as ``s3://bucket/path``, for argparse."""
    try:
        return as_location(text)
    except OptionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def file_with(*suffixes: str) -> Callable[[str], Location]:
    """For argparse, the name of a file to write: another suffix is refused before any work."""

    def named(text: str) -> Location:
        output = location_of(text)
        if output.suffix not in suffixes:
            raise argparse.ArgumentTypeError(
                f"{output}: expected a name that ends with {' or '.join(suffixes)}"
            )
        return output

    return named


table_file = file_with(*TABLE_SUFFIXES)
"""Name of a table to write, for argparse."""

footprint_file = file_with(".parquet", *FEATURE_SUFFIXES)
"""Name of a file of footprints to write, for argparse."""

pair_file = file_with(*TABLE_SUFFIXES, *FEATURE_SUFFIXES)
"""Name of a file of pairs of patches to write, for argparse."""


def page_file(text: str) -> Path:
    """Name of a page to write, on this machine, for argparse."""
    file_with(".html")(text)
    return Path(text)


def picture_file(text: str) -> Path:
    """Name of a picture to draw, on this machine, for argparse."""
    file_with(".png", ".pdf", ".svg")(text)
    return Path(text)


def folder_of(text: str) -> Path:
    """Name of a folder to fill, for argparse; one that says a format of files is refused."""
    suffix = Path(text).suffix.lower()
    if suffix in _OF_FILES and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(
            f"{text}: expected the name of a folder, but {suffix} is that of a file"
        )
    return Path(text)


def grid(text: str) -> tuple[int, int]:
    """``ROWSxCOLUMNS``, for argparse."""
    rows, _, columns = text.partition("x")
    if not (rows.isdecimal() and columns.isdecimal()):
        raise argparse.ArgumentTypeError(f"expected ROWSxCOLUMNS such as 2x2, not {text}")
    return int(rows), int(columns)


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers with commas between them, for argparse."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers such as 1,3, not {text}") from None
