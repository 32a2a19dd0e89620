"""``benkit report``."""

import argparse
import shlex
import sys
import time
from pathlib import Path

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import (
    add_engine_options,
    add_id_column,
    add_metadata,
    add_patch_size,
    add_subset,
    page_file,
)
from benkit.cli.printing import show

EXAMPLE = """\
example: benkit report archive/ --metadata metadata.parquet --split split.csv --output report.html

Without SOURCE the page tells of the metadata only. Pictures of patches need the archive: as
SOURCE, or beside an inventory as --archive."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, nargs="?", metavar="SOURCE", help="archive or inventory"
    )
    add_metadata(parser, "--metadata", required=True)
    add_subset(parser)
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="ROOT",
        help="folder or tar of the archive that an inventory tells of, for pictures of patches",
    )
    parser.add_argument("--split", type=Path, metavar="SPLIT", help="a split to judge")
    add_id_column(parser)
    add_patch_size(parser)
    parser.add_argument(
        "--reference-maps", type=Path, metavar="DIR", help="hold their labels against the metadata"
    )
    parser.add_argument(
        "--output", type=page_file, required=True, metavar="FILE", help="the page, an .html file"
    )
    add_choice(parser)
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.report import report

    start = time.monotonic()
    command = shlex.join(["benkit", *sys.argv[1:]])
    page = call(report, arguments, command=command)
    values = {"file": str(arguments.output), "bytes": len(page.encode())}
    show(arguments, {**values, "seconds": time.monotonic() - start})
    return 0
