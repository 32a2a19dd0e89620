"""``benkit audit``."""

import argparse
from pathlib import Path

from benkit.cli.common import add_scan_options, engine_of, progress_of, show, show_table

EXAMPLE = (
    "example: benkit audit inventory.parquet --metadata metadata.parquet --findings findings.csv"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, metavar="SOURCE", help="archive or inventory")
    parser.add_argument(
        "--metadata", type=Path, required=True, metavar="METADATA", help="metadata.parquet"
    )
    parser.add_argument(
        "--findings", type=Path, metavar="FILE", help="write all findings: .parquet, .csv or .json"
    )
    add_scan_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.audit import KINDS, audit_inventory
    from benkit.io.tables import read_metadata, write_table
    from benkit.scan import open_source

    metadata = read_metadata(arguments.metadata)
    progress = progress_of(arguments)
    with open_source(arguments.source, engine=engine_of(arguments), progress=progress) as inventory:
        audit = audit_inventory(inventory, metadata)
    if arguments.findings:
        write_table(audit.findings, arguments.findings)
    if arguments.json:
        show(arguments, {"patches": audit.patches, **audit.counts})
    else:
        print(f"{audit.patches:,} patches on disk, {len(audit.findings):,} findings")
        found = [(kind, count, KINDS[kind]) for kind, count in audit.counts.items() if count]
        show_table(("kind", "patches", "meaning"), found)
    return 1 if len(audit.findings) else 0
