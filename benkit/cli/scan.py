"""``benkit scan``."""

import argparse
import sys
from pathlib import Path

from benkit.cli.common import add_scan_options, engine_of, progress_of, show

EXAMPLE = "example: benkit scan BigEarthNet-S2 --output inventory.parquet"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", type=Path, metavar="ARCHIVE", help="folder of the archive")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the inventory")
    parser.add_argument("--full", action="store_true", help="read also what has not changed")
    add_scan_options(parser)


def run(arguments: argparse.Namespace) -> int:
    try:
        from benkit.scan import scan_archive

        summary = scan_archive(
            arguments.archive,
            arguments.output,
            engine=engine_of(arguments),
            full=arguments.full,
            progress=progress_of(arguments),
        )
    except KeyboardInterrupt:
        print("\nbenkit: the same command again goes on where this scan stopped", file=sys.stderr)
        raise
    values = {
        "patches": summary.patches,
        "rows": summary.rows,
        "seconds": round(summary.seconds, 3),
    }
    if arguments.json:
        show(arguments, values)
        return 0
    more = {
        "unchanged patches": summary.unchanged,
        "files read": summary.files,
        "bytes": summary.bytes,
    }
    more["files not plain"] = sum(summary.slow_files.values())
    show(arguments, {**values, **more, **{f"  {why}": n for why, n in summary.slow_files.items()}})
    return 0
