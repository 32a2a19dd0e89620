"""``benkit scan``."""

import argparse
from pathlib import Path

from benkit.cli.common import call, require
from benkit.cli.options import add_engine_options, add_layout, file_with, location_of
from benkit.cli.printing import note, show
from benkit.engine.progress import end_line
from benkit.files.remote.location import Location

EXAMPLE = """\
example: benkit scan BigEarthNet-S2 --output inventory.parquet
         benkit audit inventory.parquet --metadata metadata.parquet

All other verbs that take a SOURCE answer from inventory.parquet without reading a pixel again. The
same command again reads only what has changed, or goes on where it was interrupted: the hidden folder
.inventory.parquet.scan beside the inventory remembers what was read. It can be deleted at any time.

A tar is read as it was downloaded, in one pass and all of it each time, as are .tar.zst and .tar.gz:

         benkit scan BigEarthNet-S2.tar --output inventory.parquet

Of an archive that grows, an inventory may be a folder with a file for each product, which all verbs take
as they do one file. Then a scan writes the files of new and changed products, and drops those of
products that are gone:

         benkit scan BigEarthNet-S2 --output inventory/ --append"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "archive",
        type=location_of,
        metavar="ARCHIVE",
        help="its folder, its tar, or s3://bucket/path",
    )
    parser.add_argument(
        "--output",
        type=_inventory_name,
        metavar="FILE_OR_FOLDER",
        help="the inventory: a .parquet file, or a folder, with a file for each product",
    )
    add_layout(parser)
    parser.add_argument(
        "--guess-layout",
        type=file_with(".toml"),
        metavar="FILE",
        help="scan nothing, but write a first draft of a description of the layout, a .toml file",
    )
    parser.add_argument(
        "--scale",
        choices=["linear"],
        help="of bands in dB: add also their power, 10^(dB/10), for `benkit stats --scale linear`",
    )
    parser.add_argument("--full", action="store_true", help="read also what has not changed")
    parser.add_argument(
        "--append",
        action="store_true",
        help="bring the inventory in a folder up to date, or begin it; refused if it is of another "
        "archive, which would else be replaced",
    )
    add_engine_options(parser)


def _inventory_name(text: str) -> str | Location:
    """A location; a slash at its end is kept, which says that it is a folder."""
    location = location_of(text)
    return text if isinstance(location, Path) and text.endswith("/") else location


def run(arguments: argparse.Namespace) -> int:
    if arguments.guess_layout:
        return _guess(arguments)
    require(arguments.output is not None, "--output: expected the name of the inventory to write")
    try:
        from benkit.files.safe_names import some_names
        from benkit.files.tar.stream import is_tar
        from benkit.inventory.scanning.scan import scan
        from benkit.inventory.table.parts import holds_parts

        require(
            arguments.overwrite is not False
            or arguments.append
            or not holds_parts(location_of(str(arguments.output))),
            f"{arguments.output}: is there already; write to another folder, or say --append or "
            "--overwrite",
        )
        summary = call(scan, arguments)
    except KeyboardInterrupt:
        end_line()
        if is_tar(arguments.archive):
            note("the same command reads the tar from its beginning again")
        else:
            note("the same command again goes on where this scan stopped")
        raise
    if summary.not_scanned:
        note(
            f"{summary.not_scanned:,} links or other entries that are no files or folders, or folders "
            "that cannot be listed, were not scanned; `benkit audit` names them"
        )
    if summary.parts and (gone := summary.parts.dropped):
        note(
            f"rows of products that are no more in the archive were dropped ({len(gone):,}): "
            f"{some_names(gone)}"
        )
    values: dict[str, object] = {
        "patches": summary.patches,
        "rows": summary.rows,
        "seconds": round(summary.seconds, 3),
    }
    if summary.parts:
        values["products"] = {name: len(some) for name, some in vars(summary.parts).items()}
    if arguments.json:
        show(arguments, values)
        return 0
    more: dict[str, object] = {
        "layout": summary.layout,
        "unchanged patches": summary.unchanged,
        "files read": summary.files,
        "bytes read": summary.bytes,
    }
    more["files read one by one"] = sum(summary.slow_files.values())
    show(arguments, {**values, **more, **{f"  {why}": n for why, n in summary.slow_files.items()}})
    return 0


def _guess(arguments: argparse.Namespace) -> int:
    """Describe the layout of an archive in a file."""
    from benkit.archive.guess_layout import guess_layout
    from benkit.domain.layouts import parse_layout
    from benkit.files.tar.stream import is_tar
    from benkit.files.writing.replace import write_text

    require(
        not is_tar(arguments.archive),
        f"{arguments.archive}: --guess-layout expects a folder; unpack some patches of the tar into one",
    )
    text = guess_layout(arguments.archive)
    layout = parse_layout(text, str(arguments.guess_layout))
    write_text(text, arguments.guess_layout)
    note(f"{arguments.guess_layout} is written: a first draft; correct it, then scan with --layout")
    show(
        arguments,
        {
            "layout": layout.name,
            "folder": layout.folder,
            "file": layout.file,
            "bands": list(layout.band_names),
        },
    )
    return 0
