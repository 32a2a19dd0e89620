"""``benkit labels``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benkit.cli.choice import add_choice
from benkit.cli.common import call
from benkit.cli.options import add_engine_options, add_metadata, fraction, table_file
from benkit.cli.printing import show, show_table

if TYPE_CHECKING:
    from benkit.reference_maps.labels import LabelSets

EXAMPLE = """\
example: benkit labels geoparquets --output labels.parquet
         benkit labels Reference_Maps --max-unlabelled 0.25 --metadata metadata.parquet

The builders of BigEarthNet v2.0 gave a patch the label of every class that has any area in its map
(no --min-share), and left out patches with 25 % or more of their ground unlabelled
(--max-unlabelled 0.25). Unlabelled is ground whose CLC code belongs to none of the 19 classes, and
ground without a code. docs/reference-maps.md tells more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="GeoParquet reference maps, or an archive of reference maps as GeoTIFF, or both mixed",
    )
    parser.add_argument(
        "--output",
        type=table_file,
        metavar="FILE",
        help="of each patch labels, CLC codes, their square metres, unlabelled share: "
        ".parquet, .csv or .json",
    )
    parser.add_argument(
        "--min-share",
        type=fraction,
        default=0.0,
        metavar="SHARE",
        help="least share of a patch that a class must have to be a label; "
        "default 0, any area, as the builders had it",
    )
    parser.add_argument(
        "--max-unlabelled",
        type=fraction,
        metavar="SHARE",
        help="leave out patches with this share unlabelled or more; "
        "the builders had 0.25, default is to keep all",
    )
    add_metadata(
        parser,
        "--metadata",
        help="list every patch whose labels differ from those of this table; of several the rows are "
        "put together",
    )
    parser.add_argument(
        "--differences",
        type=table_file,
        metavar="FILE",
        help="with --metadata, write that list: .parquet, .csv or .json",
    )
    add_choice(parser)
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.labels import labels

    _show(arguments, call(labels, arguments, *arguments.folders))
    return 0


def _show(arguments: argparse.Namespace, labels: "LabelSets") -> None:
    average, comparison = float(labels.average_num_labels), labels.comparison
    values: dict[str, Any] = {"patches": labels.patches, "average_num_labels": average}
    if arguments.max_unlabelled is not None:
        values["left_out"] = len(labels.left_out)
    if comparison is None:
        show(arguments, values)
        return
    rows = comparison.differences.to_pylist()
    values |= {
        "compared": comparison.compared,
        "differing": len(rows),
        "not_in_metadata": comparison.not_in_metadata,
        "without_map": comparison.without_map,
    }
    if arguments.json:
        show(arguments, values | {"differences": rows})
        return
    show(arguments, values)
    if rows:
        print()
        texts = [
            (row["patch_id"], "; ".join(row["missing"]), "; ".join(row["extra"])) for row in rows
        ]
        show_table(("patch", "missing in the map", "extra in the map"), texts)
