"""``benkit scan``."""

import argparse
from pathlib import Path

from benkit.cli.common import add_scan_options, engine_of, progress_of, show

EXAMPLE = "example: benkit scan BigEarthNet-S2 --output inventory.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="folder of the archive")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the inventory")
    add_scan_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.scan import scan_archive

    summary = scan_archive(
        arguments.archive,
        arguments.output,
        engine=engine_of(arguments),
        progress=progress_of(arguments, "patches"),
    )
    values = {
        "patches": summary.patches,
        "rows": summary.rows,
        "seconds": round(summary.seconds, 3),
    }
    if not arguments.json:
        values |= {"files": summary.files, "bytes": summary.bytes}
        values |= {"files that were not plain": summary.slow_files}
    show(arguments, values)
    return 0
