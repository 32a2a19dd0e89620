"""What several verbs share: options, progress, output."""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

from benkit.engine import ENGINES, Engine
from benkit.engine.progress import end_line, width_of
from benkit.errors import OptionError, OutputError
from benkit.files.file_kinds import FEATURE_SUFFIXES, TABLE_SUFFIXES
from benkit.files.remote.location import Location, RemotePath, as_location
from benkit.files.safe_names import one_line

Result = TypeVar("Result")

OUTPUTS = (
    "output",
    "guess_layout",
    "findings",
    "differences",
    "figure",
    "figures",
    "correlogram",
    "missing",
)
"""Names of the arguments that say where something is written."""

_ADDRESS = re.compile("[A-Za-z][A-Za-z0-9+.-]+:/")  # what is left of a URL that became a path
_GAP = "  "
_LEAST_ROOM = 20
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
_NUMBER_WIDTH = 14
_BYTES = {"bytes": "size", "bytes read": "read"}
_UNITS = {"_m": "m", "_bits": "bits"}


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


def call(
    verb: Callable[..., Result], arguments: argparse.Namespace, *values: Any, **others: Any
) -> Result:
    """Call a verb's function with the arguments and options that bear its parameters' names.

    What was not given is None, which leaves the choice to the function's default. ``values`` go to its
    ``*`` parameter, ``others`` take the place of options with other names.
    """
    given = {
        **vars(arguments),
        "metadata": _alone(getattr(arguments, "metadata", None), getattr(arguments, "beside", [])),
        "progress": not (arguments.no_progress or arguments.quiet),
        "tell": _tell,
        **others,
    }
    if "engine" in given:
        engine = Engine(arguments.engine, arguments.workers, arguments.ray_address)
        given["engine"] = None if engine == Engine() else engine
    names = [
        name for name, one in signature(verb).parameters.items() if one.kind != one.VAR_POSITIONAL
    ]
    return verb(*values, **{name: given[name] for name in names if given.get(name) is not None})


def _tell(text: str) -> None:
    end_line()
    note(text)


def _alone(
    values: list[Location] | None, beside: list[Location]
) -> Location | list[Location] | None:
    """The one that was given, or all."""
    values = values and [*values, *beside]
    return values[0] if values and len(values) == 1 else values


def check_outputs(arguments: argparse.Namespace, more: Sequence[Location] = ()) -> None:
    """Refuse, before any work, to replace an input; and any file at all with --no-overwrite.

    Also to write where nothing can be written, and a URL where only paths are expected. ``more``
    are outputs that the arguments do not name as they are.
    """
    values = vars(arguments)
    for path in (path for value in values.values() for path in _locations(value)):
        if isinstance(path, Path) and _ADDRESS.match(str(path)):
            raise OptionError(
                f"{path}: expected a path on this machine; docs/remote.md says which verbs take URLs"
            )
    outputs = [path for name in OUTPUTS for path in _locations(values.get(name))] + [*more]
    for output in outputs:
        if isinstance(output, RemotePath) and (reason := output.refuse_writing()):
            raise OutputError(f"{output}: cannot be written: {reason}; write to a file")
    overwrite = getattr(arguments, "overwrite", None)
    if overwrite:
        return
    inputs = [path for name in values if name not in OUTPUTS for path in _locations(values[name])]
    for output in outputs:
        if any(_same_file(output, path) for path in inputs):
            raise OutputError(
                f"{output}: is an input of this call and would be replaced; write to another file, "
                "or say --overwrite"
            )
        if overwrite is False and output.is_file():
            raise OutputError(
                f"{output}: is there already; write to another file, or say --overwrite"
            )


def _locations(value: Any) -> list[Location]:
    """The paths and locations among the values of an argument."""
    return [
        one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Location)
    ]


def _same_file(output: Location, other: Location) -> bool:
    if isinstance(output, RemotePath) or isinstance(other, RemotePath):
        return output == other
    return output.is_file() and other.is_file() and output.samefile(other)


def note(text: str) -> None:
    """Tell people something that is no result."""
    print(f"benkit: {one_line(text)}", file=sys.stderr)


def show(arguments: argparse.Namespace, values: Mapping[str, Any]) -> None:
    """Print one JSON object, or a line a value: its name, numbers aligned right, their unit."""
    if arguments.json:
        print(json.dumps(values, indent=2))
        return
    rows = _flat(values)
    name_width = max(len(name) for name, _, _ in rows)
    for name, text, unit in rows:
        print(f"{name:<{name_width}}  {text:>{_NUMBER_WIDTH}} {unit}".rstrip())


def show_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table: texts aligned left, numbers right; without a header if all of that is empty.

    On a terminal a last column of texts is broken into lines where it would leave the screen.
    """
    texts = [[_text(value) for value in row] for row in (header, *rows) if any(row)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(header))]
    sides = [
        "<" if all(isinstance(row[i], str) for row in rows) else ">" for i in range(len(header))
    ]
    if sides[-1] == "<" and sys.stdout.isatty():
        room = width_of(sys.stdout) - sum(widths[:-1]) - len(_GAP) * len(widths[:-1])
        widths[-1] = min(widths[-1], max(room, _LEAST_ROOM))
    for *first, last in texts:
        for line in textwrap.wrap(last, widths[-1]) or [""]:
            cells = zip([*first, line], sides, widths, strict=True)
            print(_GAP.join(f"{text:{side}{width}}" for text, side, width in cells).rstrip())
            first = [""] * len(first)


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str, str]]:
    """Name, text and unit of all values within."""
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name} ")
        else:
            name, unit, value = _with_unit(name, value)
            rows.append((f"{prefix}{name}".replace("_", " "), _text(value), unit))
    return rows


def _with_unit(name: str, value: Any) -> tuple[str, str, Any]:
    """Name without unit, unit, and value in that unit."""
    if name == "seconds":
        return "time", "s", value
    if name in _BYTES:
        return _BYTES[name], "MB", value / 1e6
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending), unit, value
    return name, "", value


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | str):
        return one_line(str(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.2f}"


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


def require(condition: bool, message: str) -> None:
    """Refuse options that do not go together."""
    if not condition:
        raise OptionError(message)
