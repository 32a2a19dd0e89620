"""``benkit report``."""

import argparse
import os
import shlex
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benkit.cli.common import (
    add_engine_options,
    engine_of,
    naming,
    page_file,
    progress_of,
    require,
    show,
)

EXAMPLE = """\
example: benkit report archive/ --metadata metadata.parquet --split split.csv --output report.html

Without SOURCE the page tells of the metadata only. Quick looks of damaged patches need the archive: as
SOURCE, or beside an inventory as --archive."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=Path, nargs="?", metavar="SOURCE", help="archive or inventory"
    )
    parser.add_argument(
        "--metadata", type=Path, required=True, metavar="METADATA", help="metadata.parquet"
    )
    parser.add_argument(
        "--archive",
        type=Path,
        metavar="ROOT",
        help="folder of the archive that an inventory tells of, for quick looks",
    )
    parser.add_argument("--split", type=Path, metavar="SPLIT", help="a split to judge")
    parser.add_argument(
        "--reference-maps", type=Path, metavar="DIR", help="hold their labels against the metadata"
    )
    parser.add_argument(
        "--output", type=page_file, required=True, metavar="FILE", help="the page, an .html file"
    )
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit import __version__
    from benkit.files.writing.replace import write_page
    from benkit.inventory.scanning.scan import band_reader, open_source
    from benkit.metadata.metadata_file import read_metadata
    from benkit.reference_maps.labels import compare_labels, land_cover_labels
    from benkit.reference_maps.land_cover import measure_land_cover
    from benkit.reporting.page.report import report_page
    from benkit.splits.split_file import read_sides

    start = time.monotonic()
    archive = _archive(arguments)
    metadata = read_metadata(arguments.metadata)
    comparison = None
    if arguments.reference_maps:
        cover = measure_land_cover(arguments.reference_maps, engine=engine_of(arguments))
        comparison = compare_labels(land_cover_labels(cover), metadata)
    sides = read_sides(arguments.split) if arguments.split else None
    inventory = read_band = None
    with ExitStack() as stack:
        if arguments.source:
            progress = progress_of(arguments)
            source = open_source(arguments.source, engine=engine_of(arguments), progress=progress)
            inventory = stack.enter_context(source)
            if archive:
                read_band = band_reader(archive, inventory)
        made = {
            "version": f"benkit {__version__}",
            "command": shlex.join(["benkit", *sys.argv[1:]]),
            "time": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(_now())),
            "source": str(arguments.source or "none"),
            "archive": str(archive or "none"),
            "metadata": str(arguments.metadata),
            "split": str(arguments.split or "none"),
            "reference maps": str(arguments.reference_maps or "none"),
        }
        with naming(arguments.metadata):
            page = report_page(
                metadata,
                inventory=inventory,
                sides=sides,
                read_band=read_band,
                comparison=comparison,
                made=made,
                title=f"Report of {(archive or arguments.source or arguments.metadata).resolve().name}",
            )
    write_page(page, arguments.output)
    show(
        arguments,
        {
            "file": str(arguments.output),
            "bytes": len(page.encode()),
            "seconds": time.monotonic() - start,
        },
    )
    return 0


def _archive(arguments: argparse.Namespace) -> Path | None:
    """The folder of the archive, if there is one."""
    source, archive = arguments.source, arguments.archive
    if archive is None:
        return source if source and source.is_dir() else None
    require(bool(source and not source.is_dir()), "--archive goes with an inventory as SOURCE")
    require(archive.is_dir(), f"--archive {archive}: expected the folder of an archive")
    return Path(archive)


def _now() -> float:
    """The time that the page tells; SOURCE_DATE_EPOCH sets it where the same bytes are wanted."""
    return float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
