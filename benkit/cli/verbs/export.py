"""``benkit export``."""

import argparse
from pathlib import Path

from benkit.cli.choice import add_choice_to
from benkit.cli.common import call
from benkit.cli.options import (
    add_engine_options,
    add_metadata,
    add_source,
    folder_of,
    location_of,
    table_file,
)
from benkit.cli.printing import note, show
from benkit.engine.progress import end_line
from benkit.files.remote.location import Location

EXAMPLE = """\
example: benkit export inventory.parquet --metadata metadata.parquet --exclude findings.parquet \\
             --output clean

takes what `benkit audit --findings findings.parquet` has written, and makes clean/ with
BigEarthNet-S2/, metadata.parquet, inventory.parquet and left_out.csv, which says why a patch is not in
it. Files are hard links: editing one edits the original. --copy makes copies, also into a bucket
(--output s3://BUCKET/PATH), where left_out.csv comes last: without it an export is not whole.
--format arrow and lmdb pack the pixels into a few files for training."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument(
        "--output",
        type=_folder,
        required=True,
        metavar="DIR",
        help="folder to write, or with --copy its URL",
    )
    parser.add_argument(
        "--format",
        choices=("folders", "arrow", "lmdb"),
        default="folders",
        help="the files of the patches in their folders, or packed for training: Arrow files of 1 GB, "
        "or an LMDB as rico-hdl writes it (pip install benkit[lmdb]); default %(default)s",
    )
    parser.add_argument(
        "--archive",
        type=location_of,
        metavar="ROOT",
        help="folder or tar of the archive that an inventory tells of; default where it was scanned",
    )
    parser.add_argument(
        "--copy", action="store_true", help="copy files, in the place of hard links"
    )
    parser.add_argument(
        "--no-verify",
        dest="verify",
        action="store_false",
        help="do not read what is exported to hold its pixels against the inventory, only its length",
    )
    parser.add_argument(
        "--card",
        action="store_true",
        help="write a card of the exported patches, too: card.json, card.md, card.jsonld and "
        "footprints.parquet",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier export in the folder"
    )
    add_metadata(parser, "--metadata")
    parser.add_argument(
        "--reference-maps",
        type=location_of,
        metavar="DIR",
        help="folder of reference maps, of which those of the exported patches go along",
    )
    _add_choices(parser)
    parser.add_argument(
        "--missing",
        type=table_file,
        metavar="FILE",
        help="write which of the chosen patches, damaged or not on disk, must be downloaded again",
    )
    add_engine_options(parser)


def _folder(text: str) -> Location:
    location = location_of(text)
    return folder_of(text) if isinstance(location, Path) else location


def _add_choices(parser: argparse.ArgumentParser) -> None:
    """Which patches are exported: those that all of these options choose."""
    group = parser.add_argument_group("which patches; those that all of these options choose")
    group.add_argument(
        "--patches",
        type=location_of,
        metavar="FILE",
        help="only these: CSV(.gz) or Parquet with patch_id",
    )
    add_choice_to(group)
    group.add_argument(
        "--bbox",
        type=float,
        nargs=4,
        metavar=("WEST", "SOUTH", "EAST", "NORTH"),
        help="only patches that show ground in this box, in degrees",
    )
    _add_sides_and_sample(group)


def _add_sides_and_sample(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--split", type=location_of, metavar="FILE", help="only patches on a side of this split"
    )
    group.add_argument(
        "--sides",
        choices=("column", "folders"),
        default="column",
        help="sides as the column split of the metadata, or a folder each, too; default %(default)s",
    )
    group.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="only N of the patches chosen so far, with their shares of labels and seasons",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the sample; default %(default)s"
    )


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.export import export
    from benkit.files.tar.stream import is_tar

    in_tar = any(one and is_tar(one) for one in (arguments.source, arguments.archive))
    if not (arguments.copy or in_tar) and arguments.format == "folders":
        note(
            "files are hard links: editing a file of the export edits the original (--copy copies)"
        )
    try:
        made = call(export, arguments)
    except KeyboardInterrupt:
        end_line()
        note("the same command again goes on where this export stopped")
        raise
    end_line()
    for warning in made.warnings:
        note(warning)
    names = ("patches", "files", "bytes", "left_out")
    show(arguments, {name: getattr(made, name) for name in names})
    return 0
