"""``benkit duplicates``."""

import argparse
from typing import TYPE_CHECKING

from benkit.cli.common import call
from benkit.cli.options import add_engine_options, add_source, add_table_output, location_of
from benkit.cli.printing import note, note_written, show, show_table

if TYPE_CHECKING:
    import pyarrow as pa

EXAMPLE = """\
example: benkit duplicates inventory.parquet --split split.csv --output duplicates.csv

groups the patches with equal pixels, in all bands that they have or in some, whatever their names,
places and compression. Patches without a valid pixel, and those of one value in each band, are held
against no other: they stand apart. A group is across sides if the split has its patches on several."""

_EXAMPLES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument(
        "--split", type=location_of, metavar="FILE", help="count the groups across its sides"
    )
    add_table_output(parser, "all groups, and the patches apart")
    add_engine_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from benkit.api.duplicates import duplicates
    from benkit.inventory.duplicates import APART, GROUP_KINDS

    found = call(duplicates, arguments)
    note_written(arguments.output)
    if arguments.json:
        show(arguments, vars(found.total))
        return 0
    print(f"{found.in_inventory:,} patches. {found.sentence}")
    rows: list[tuple[object, ...]] = [
        (meaning, one.patches, one.groups, one.across_sides)
        for meaning, one in zip(GROUP_KINDS.values(), found.counts.values(), strict=True)
    ]
    rows += [(f"apart: {APART[kind]}", count, None, None) for kind, count in found.apart.items()]
    print()
    show_table(("patches with", "patches", "groups", "across sides"), rows)
    groups = found.total.groups
    if groups:
        shown = groups if arguments.verbose else min(groups, _EXAMPLES)
        print()
        show_table(("group", "patch", "side", "equal bands"), _patches(found.table, shown))
        if shown < groups:
            print(f"and {groups - shown:,} more groups")
            if not arguments.output:
                note("--output FILE writes all groups, --verbose shows them")
    return 0


def _patches(table: "pa.Table", groups: int) -> list[tuple[int, str, str, str]]:
    """Group, patch, side and bands of the patches of the first groups."""
    import pyarrow.compute as pc

    rows = table.filter(pc.less_equal(table["group"], groups)).to_pylist()
    return [
        (row["group"], row["patch_id"], row["side"] or "-", " ".join(row["bands"])) for row in rows
    ]
